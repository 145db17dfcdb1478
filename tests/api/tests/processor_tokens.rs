//! What a processor remembers a card by: kept with the payment that it was remembered with, used for the next one, and
//! replaced by the card itself where the processor knows it no more.

use api::processors::{PAY, VISA, absent, attempt, card, connected, only};
use api::{Answer, Api, invariants};
use domain::idempotency::LEASE;
use kit::{Fault, Processor};
use serde_json::Value;

/// More polls than a payment has.
const MOST_POLLS: u32 = 400;

/// A merchant whose customer keeps a card that was paid with at a processor.
struct Kept {
    api: Api,
    processor: Processor,
    customer: String,
    method: String,
}

impl Kept {
    fn new() -> Self {
        let (api, processor) = connected();
        let customer = api.post("/v1/customers", &[]).ok().id().to_owned();
        let kept = remember(&api, &customer, None).ok();
        let method = kept.text_at("/payment_method").to_owned();
        Self { api, processor, customer, method }
    }

    /// The form of a payment with the card in the absence of its holder.
    fn form(&self) -> Vec<(&str, &str)> {
        absent(&self.customer, &self.method)
    }

    fn pay(&self) -> Answer {
        self.api.post(PAY, &self.form())
    }

    /// The card and the customer that the latest payment was asked with.
    fn asked_with(&self) -> Option<(String, String)> {
        self.processor.payments().last().expect("a payment").token.clone()
    }

    fn remembered(&self) -> Value {
        let rows = self.api.platform.database().query("SELECT * FROM payment_methods", vec![]);
        let row = rows.iter().find(|row| row.text("id") == Ok(&self.method)).expect("a row");
        let details: Value = row.json("details").expect("JSON");
        details["remembered"].clone()
    }
}

/// Pays with a card that the customer keeps from then on.
fn remember(api: &Api, customer: &str, key: Option<&str>) -> Answer {
    let keep = [("customer", customer), ("setup_future_usage", "off_session")];
    let form: Vec<_> = card(VISA, &[]).into_iter().chain(keep).collect();
    kit::run(api.posting(PAY, &form, key))
}

fn token() -> Option<(String, String)> {
    Some(("pm_processor_1".to_owned(), "cus_1".to_owned()))
}

#[test]
fn a_card_that_a_customer_keeps_is_paid_with_by_what_its_processor_remembers() {
    let kept = Kept::new();
    assert_eq!(kept.remembered()[0]["card"], "pm_processor_1");
    assert_eq!(kept.remembered()[0]["network_transaction"], "MCC123456789");
    kept.pay().ok();
    assert_eq!(kept.asked_with(), None, "nobody keeps it at the processor yet");
    kept.api.beat();
    assert_eq!(kept.remembered()[0]["customer"], "cus_1");
    kept.pay().ok();
    assert_eq!(kept.asked_with(), token());
    let form = kept.form();
    let present: Vec<_> = form.into_iter().filter(|(name, _)| *name != "off_session").collect();
    kept.api.post(PAY, &present).ok();
    assert_eq!(kept.asked_with(), token(), "its holder may be there");
    assert_eq!(kept.api.platform.errors(), []);
    invariants::check_settled(&kept.api.platform);
}

#[test]
fn a_card_that_nobody_keeps_is_not_remembered() {
    let (api, processor) = connected();
    api.post(PAY, &card(VISA, &[])).ok();
    assert_eq!(only(&processor).remembers, None);
}

#[test]
fn a_card_that_the_processor_knows_no_more_is_sent_itself() {
    let kept = Kept::new();
    kept.api.beat();
    kept.processor.forget_cards();
    let payments = kept.processor.payments().len();
    assert_eq!(kept.pay().ok().body["status"], "succeeded");
    assert_eq!(kept.processor.payments().len(), payments + 1);
    assert_eq!(kept.asked_with(), None);
    invariants::check_settled(&kept.api.platform);
}

#[test]
fn a_card_that_changed_is_sent_itself() {
    let kept = Kept::new();
    kept.api.beat();
    let path = format!("/v1/payment_methods/{}", kept.method);
    kept.api.post(&path, &[("metadata[a]", "b")]).ok();
    kept.pay().ok();
    assert_eq!(kept.asked_with(), token(), "it is as it was");
    kept.api.post(&path, &[("card[exp_year]", "2035")]).ok();
    kept.pay().ok();
    assert_eq!(kept.asked_with(), None);
}

#[test]
fn a_refused_card_is_not_remembered_and_goes_on_by_its_number() {
    let kept = Kept::new();
    kept.processor.refuse(Some(("/customers", 400, "resource_missing")));
    kept.api.beat();
    assert_eq!(kept.remembered(), Value::Null);
    kept.processor.refuse(None);
    kept.pay().ok();
    assert_eq!(kept.asked_with(), None);
}

/// Whichever of the two requests the payment dies around, it is paid once.
#[test]
fn a_payment_that_dies_around_a_token_that_is_gone_is_paid_once() {
    for forgets in [false, true] {
        let died = (1..MOST_POLLS)
            .take_while(|polls| {
                let kept = Kept::new();
                kept.api.beat();
                if forgets {
                    kept.processor.forget_cards();
                }
                let payments = kept.processor.payments().len();
                kept.api.platform.yields(true);
                let form = kept.form();
                let dies = kept.api.posting(PAY, &form, Some("key"));
                let ended = kit::run_until_poll(*polls, dies).is_some();
                kept.api.platform.yields(false);
                kept.api.platform.advance(LEASE);
                let again = kept.api.post_once(PAY, &form, "key").ok();
                assert_eq!(again.body["status"], "succeeded", "after {polls} polls");
                assert_eq!(kept.processor.payments().len(), payments + 1, "after {polls} polls");
                invariants::check_settled(&kept.api.platform);
                !ended
            })
            .count();
        assert!(died > 5, "the payment was cut short {died} times");
    }
}

#[test]
fn a_lost_answer_to_a_payment_by_token_is_found_by_our_key() {
    let kept = Kept::new();
    kept.api.beat();
    let payments = kept.processor.payments().len();
    kept.api.platform.outside().processor_hop.fail(1, Fault::AfterEffect);
    let lost = kept.pay();
    assert_ne!(lost.body["status"], "succeeded");
    kept.api.platform.advance(120);
    kept.api.beat();
    assert_eq!(kept.processor.payments().len(), payments + 1);
    assert_eq!(kept.asked_with(), token());
    assert_eq!(attempt(&kept.api, "state"), "succeeded");
}
