//! What Hyperswitch remembers a card by: kept with the payment that it was remembered with, used while its holder takes no
//! part, and replaced by the card itself where nothing can be paid with it any more.

use api::processors::{MANUAL, PAY, VISA, absent, attempt, card, latest, lose, pass, path};
use api::{Answer, Api, invariants};
use domain::idempotency::LEASE;
use domain::timestamp::HOUR;
use kit::{Fault, Hyperswitch};
use serde_json::Value;

/// More polls than a payment has.
const MOST_POLLS: u32 = 400;

/// A merchant whose customer keeps a card that was paid with through Hyperswitch.
struct Kept {
    api: Api,
    processor: Hyperswitch,
    customer: String,
    method: String,
}

impl Kept {
    fn new() -> Self {
        let (api, processor) = connected();
        let customer = api.post("/v1/customers", &[]).ok().id().to_owned();
        let kept = keep(&api, &customer, "off_session", &[]).ok();
        let method = kept.text_at("/payment_method").to_owned();
        processor.take_requests();
        Self { api, processor, customer, method }
    }

    /// The form of a payment with the card in the absence of its holder.
    fn form(&self) -> Vec<(&str, &str)> {
        absent(&self.customer, &self.method)
    }

    fn pay(&self) -> Answer {
        self.api.post(PAY, &self.form())
    }

    /// What the latest payment was asked with, and the first part of its id.
    fn asked_with(&self) -> (Option<String>, String) {
        let there = self.processor.latest();
        let token = there["payment_method_id"].as_str().map(str::to_owned);
        let id = there["payment_id"].as_str().expect("an id");
        (token, id.split('_').next().unwrap_or_default().to_owned())
    }

    fn remembered(&self) -> Value {
        remembered(&self.api, &self.method)
    }

    /// Lets the processor receive all that it was sent once more, and checks that this has paid nothing.
    fn check_paid(&self, amount: i64) {
        assert_eq!(self.processor.taken(), amount);
        self.processor.receive_all_again();
        assert_eq!(self.processor.taken(), amount, "a request that came late has paid");
        invariants::check_settled(&self.api.platform);
    }
}

/// A deployment whose merchant has an account at Hyperswitch.
fn connected() -> (Api, Hyperswitch) {
    let api = Api::watched();
    let processor = Hyperswitch::listening(&api.platform);
    let form = [("connector", "hyperswitch"), ("secret_key", "snd_verysecretindeed")];
    api.post("/v1/florin/connector_accounts", &form).ok();
    api.platform.advance(5);
    (api, processor)
}

const CVC: (&str, &str) = ("payment_method_data[card][cvc]", "737");

/// Pays with a card that the customer keeps from then on.
fn keep(api: &Api, customer: &str, usage: &str, more: &[(&'static str, &'static str)]) -> Answer {
    let form = [card(VISA, &[CVC]), more.to_vec()].concat();
    let form: Vec<(&str, &str)> =
        form.into_iter().chain([("customer", customer), ("setup_future_usage", usage)]).collect();
    kit::run(api.posting(PAY, &form, None))
}

fn remembered(api: &Api, method: &str) -> Value {
    let rows = api.platform.database().query("SELECT * FROM payment_methods", vec![]);
    let row = rows.iter().find(|row| row.text("id") == Ok(method)).expect("a row");
    let details: Value = row.json("details").expect("JSON");
    details["remembered"].clone()
}

fn by_token() -> (Option<String>, String) {
    (Some("pm_processor_1".to_owned()), "pay".to_owned())
}

fn by_number(id: &str) -> (Option<String>, String) {
    (None, id.to_owned())
}

#[test]
fn a_card_that_a_customer_keeps_is_paid_with_by_what_hyperswitch_remembers() {
    let kept = Kept::new();
    let known = kept.remembered();
    assert_eq!(known[0]["card"], "pm_processor_1");
    assert_eq!(known[0]["network_transaction"], "MCC123456789");
    let customer = known[0]["customer"].as_str().expect("it is kept already");
    assert!(customer.starts_with("cus_att_"), "{customer}");
    kept.pay().ok();
    assert_eq!(kept.asked_with(), by_token());
    let tasks = kept.api.platform.database().query("SELECT kind FROM scheduled_tasks", vec![]);
    assert!(!tasks.iter().any(|task| task.text("kind") == Ok("keep_card")), "{tasks:?}");
    kept.api.beat();
    let asked = kept.processor.take_requests();
    assert_eq!(asked, ["POST sandbox.hyperswitch.io/payments"], "there is nothing more to do");
    kept.check_paid(4000);
    assert_eq!(kept.api.platform.errors(), []);
}

#[test]
fn a_holder_who_takes_part_pays_by_the_number_and_its_code() {
    let kept = Kept::new();
    let present: Vec<_> =
        kept.form().into_iter().filter(|(name, _)| *name != "off_session").collect();
    // Hyperswitch takes what it remembers in the holder's absence alone, and no number without its code.
    let refused = kept.api.post(PAY, &present);
    assert!(refused.error(400)["message"].to_string().contains("cvc"), "{}", refused.body);
    keep(&kept.api, &kept.customer, "off_session", &[]).ok();
    assert_eq!(kept.processor.asked()["payment_method_data"]["card"]["card_cvc"], "737");
    kept.pay().ok();
    assert_eq!(kept.asked_with(), by_token());
}

#[test]
fn a_card_that_nobody_may_use_in_the_absence_of_its_holder_is_not_remembered() {
    let (api, processor) = connected();
    api.post(PAY, &card(VISA, &[CVC])).ok();
    assert_eq!(processor.latest()["setup_future_usage"], Value::Null);
    let customer = api.post("/v1/customers", &[]).ok().id().to_owned();
    let kept = keep(&api, &customer, "on_session", &[]).ok();
    assert_eq!(processor.latest()["setup_future_usage"], Value::Null);
    assert_eq!(remembered(&api, kept.text_at("/payment_method")), Value::Null);
    assert_eq!(api.platform.errors(), []);
}

#[test]
fn a_card_is_remembered_after_its_challenge() {
    let (api, processor) = connected();
    let customer = api.post("/v1/customers", &[]).ok().id().to_owned();
    let challenged = [
        ("payment_method_data[card][number]", "4000002760003184"),
        ("return_url", "https://shop.test/done"),
    ];
    let open = keep(&api, &customer, "off_session", &challenged).ok();
    let method = open.text_at("/payment_method").to_owned();
    assert_eq!(remembered(&api, &method), Value::Null);
    processor.complete();
    pass(&api, HOUR, 2);
    assert_eq!(latest(&api).body["status"], "succeeded");
    assert_eq!(remembered(&api, &method)[0]["card"], "pm_processor_1");
}

#[test]
fn a_card_that_hyperswitch_knows_no_more_is_sent_itself_under_the_id_that_it_did_not_take() {
    let kept = Kept::new();
    kept.processor.forget_cards();
    assert_eq!(kept.pay().ok().body["status"], "succeeded");
    assert_eq!(kept.asked_with(), by_number("pay"));
    kept.check_paid(4000);
}

#[test]
fn a_card_that_no_processor_behind_takes_is_sent_itself_under_an_id_of_its_own() {
    let kept = Kept::new();
    kept.processor.lose_mandates();
    let form = [kept.form(), vec![MANUAL]].concat();
    let held = kept.api.post(PAY, &form).ok();
    assert_eq!(held.body["status"], "requires_capture");
    assert_eq!(kept.asked_with(), by_number("pan"));
    kept.api.post(&(path(&held) + "/capture"), &[("amount_to_capture", "700")]).ok();
    kept.api.post("/v1/refunds", &[("payment_intent", held.id()), ("amount", "200")]).ok();
    assert_eq!(kept.processor.refunded(), 200);
    kept.check_paid(2700);
}

#[test]
fn a_lost_answer_to_a_card_in_the_stead_of_its_token_is_found() {
    let spoils: [fn(&Hyperswitch); 3] =
        [|_| {}, Hyperswitch::forget_cards, Hyperswitch::lose_mandates];
    // A day later, nothing is sent any more.
    for ((spoil, lost), later) in
        spoils.into_iter().zip([1, 2, 2]).flat_map(|each| [(each, 61), (each, 30 * HOUR)])
    {
        let kept = Kept::new();
        spoil(&kept.processor);
        let hop = &kept.api.platform.outside().processor_hop;
        hop.fail(lost, Fault::AfterEffect);
        kept.pay().ok();
        assert_eq!(latest(&kept.api).body["status"], "processing");
        pass(&kept.api, later, 1);
        assert_eq!(attempt(&kept.api, "state"), "succeeded");
        kept.check_paid(4000);
    }
}

#[test]
fn a_lost_request_with_a_token_is_sent_again_with_it() {
    let kept = Kept::new();
    lose(&kept.api, Fault::BeforeEffect);
    kept.pay().ok();
    pass(&kept.api, 61, 1);
    assert_eq!(kept.asked_with(), by_token());
    assert_eq!(latest(&kept.api).body["status"], "succeeded");
    kept.check_paid(4000);
}

/// Whichever of the requests a payment dies around, it is paid once or not at all.
#[test]
fn a_payment_that_dies_around_a_token_at_hyperswitch_is_paid_once_or_fails() {
    let spoils: [fn(&Hyperswitch); 3] =
        [|_| {}, Hyperswitch::forget_cards, Hyperswitch::lose_mandates];
    for spoil in spoils {
        let mut failed = 0;
        let died = (1..MOST_POLLS)
            .take_while(|polls| {
                let kept = Kept::new();
                spoil(&kept.processor);
                kept.api.platform.yields(true);
                let form = kept.form();
                let dies = kept.api.posting(PAY, &form, Some("key"));
                let ended = kit::run_until_poll(*polls, dies).is_some();
                kept.api.platform.yields(false);
                kept.api.platform.advance(LEASE);
                kept.api.post_once(PAY, &form, "key").ok();
                pass(&kept.api, 30 * HOUR, 30);
                let is_paid = latest(&kept.api).body["status"] == "succeeded";
                failed += i32::from(!is_paid);
                kept.check_paid(if is_paid { 4000 } else { 2000 });
                !ended
            })
            .count();
        assert!(died > 5, "the payment was cut short {died} times");
        // A payment that was begun there and died before the card was sent tells nothing of why.
        assert!(failed <= 3, "{failed} failed");
    }
}

/// Whoever is overtaken by recovery between any two awaits, whichever answer is lost: the payment is paid once, and known.
#[test]
fn a_payment_whose_sender_was_overtaken_beside_a_token_was_lost_from_sight() {
    let spoils: [fn(&Hyperswitch); 3] =
        [|_| {}, Hyperswitch::forget_cards, Hyperswitch::lose_mandates];
    for (spoil, lost) in spoils.into_iter().flat_map(|spoil| (0..=5).map(move |lost| (spoil, lost)))
    {
        let mut polls = 0;
        let mut is_over = false;
        while !is_over {
            polls += 1;
            let kept = Kept::new();
            spoil(&kept.processor);
            let platform = &kept.api.platform;
            if lost > 0 {
                platform.outside().processor_hop.fail(lost, Fault::AfterEffect);
            }
            platform.yields(true);
            let form = kept.form();
            let ended = std::cell::Cell::new(false);
            let sends = async {
                kept.api.posting(PAY, &form, Some("key")).await;
                ended.set(true);
            };
            let overtakes = async {
                is_over = ended.get();
                platform.advance(61);
                kept.api.beat();
            };
            kit::take_turns(&[(0, polls), (1, 1)], vec![Box::pin(sends), Box::pin(overtakes)]);
            platform.yields(false);
            platform.outside().processor_hop.heal();
            pass(&kept.api, 60 * HOUR, 20);
            let is_paid = latest(&kept.api).body["status"] == "succeeded";
            let there = kept.processor.taken() - kept.processor.refunded();
            assert_eq!(there, if is_paid { 4000 } else { 2000 }, "{polls} polls, {lost} lost");
            kept.check_paid(kept.processor.taken());
        }
        assert!(polls > 10, "{polls} polls");
    }
}
