//! Alerts: whatever stands that needs a person is told of once, whoever dies and whatever answer is lost meanwhile.

use std::task::{Context, Waker};

use api::hearing::{SECRET, account, deliver, deliver_all, delivering, hearing, now, sending};
use api::processors::{PAY, VISA, card, connected, pass, path};
use api::{Answer, Api};
use domain::api_key::Kind;
use domain::timestamp::{DAY, HOUR};
use flows::platform::Answered;
use kit::{Fault, Processor};
use queues::{Queue, dead_letters};
use serde_json::json;

/// What was told so far, by its name.
fn told(api: &Api) -> Vec<String> {
    api.platform.alerts().into_iter().map(|(name, _)| name).collect()
}

/// What waits to be told.
fn untold(api: &Api) -> usize {
    api.platform.database().query("SELECT * FROM alerts WHERE told_at IS NULL", vec![]).len()
}

/// How many alerts stand, told or not.
fn standing(api: &Api) -> usize {
    api.platform.database().query("SELECT * FROM alerts", vec![]).len()
}

/// A deployment whose processor took another amount than it was asked for.
fn misread() -> (Api, Processor) {
    let (api, processor) = connected();
    processor.misread(1);
    (api, processor)
}

/// The attempt that is left to a person.
fn parked(api: &Api) -> String {
    let rows = api
        .platform
        .database()
        .query("SELECT id FROM attempts WHERE attention IS NOT NULL", vec![]);
    rows[0].text("id").expect("an id").to_owned()
}

#[test]
fn a_payment_that_needs_attention_calls_for_a_person_once() {
    let (api, _processor) = misread();
    api.post(PAY, &card(VISA, &[]));
    pass(&api, DAY, 24);
    assert_eq!(api.platform.alerts(), [("needs_attention".to_owned(), parked(&api))]);
}

#[test]
fn a_payment_left_to_a_person_called_for_nobody_where_the_answer_of_its_batch_was_lost() {
    let mut lost = 0;
    for batch in 1..10 {
        let (api, _processor) = misread();
        api.platform.database().hop().fail(batch, Fault::AfterEffect);
        let answer = api.post(PAY, &card(VISA, &[]));
        api.platform.database().hop().heal();
        let sql = "SELECT id FROM attempts WHERE attention IS NOT NULL";
        let is_parked = !api.platform.database().query(sql, vec![]).is_empty();
        lost += usize::from(is_parked && answer.status != 200);
        pass(&api, HOUR, 60);
        if answer.status == 200 || is_parked {
            assert_eq!(
                api.platform.alerts(),
                [("needs_attention".to_owned(), parked(&api))],
                "{batch}"
            );
        }
    }
    assert_eq!(lost, 1, "the batch that parks");
}

#[test]
fn whoever_dies_while_an_alert_is_told_loses_none() {
    let (mut polls, mut has_ended) = (0, false);
    while !has_ended {
        let (api, _processor) = misread();
        api.post(PAY, &card(VISA, &[]));
        polls += 1;
        has_ended = api.beat_that_dies(polls);
        pass(&api, 120, 2);
        assert!((1..=2).contains(&told(&api).len()), "died after {polls} polls");
        assert_eq!(untold(&api), 0);
    }
    assert!(polls > 5, "{polls}");
}

#[test]
fn what_came_again_while_it_was_told_was_taken_for_told() {
    let (api, _processor) = misread();
    api.post(PAY, &card(VISA, &[]));
    api.platform.yields(true);
    let mut telling = Box::pin(flows::alerts::tell(&api.platform));
    let mut context = Context::from_waker(Waker::noop());
    while told(&api).is_empty() {
        assert!(telling.as_mut().poll(&mut context).is_pending());
    }
    api.platform.yields(false);
    let again = "UPDATE alerts SET problem = 'It is another one.' RETURNING name";
    assert_eq!(api.platform.database().query(again, vec![]).len(), 1);
    kit::run(telling).expect("the end of it");
    assert_eq!(untold(&api), 1);
}

#[test]
fn what_a_person_resolved_before_anybody_was_told_calls_for_nobody() {
    let (api, _processor) = misread();
    let open = api.post(PAY, &card(VISA, &[])).ok();
    assert_eq!((standing(&api), told(&api).len()), (1, 0));
    let resolve = format!("/v1/florin/payment_attempts/{}/resolve", parked(&api));
    api.post(&resolve, &[("note", "I looked there."), ("outcome", "failed")]).ok();
    assert_eq!(standing(&api), 0);
    pass(&api, HOUR, 60);
    assert_eq!(told(&api), Vec::<String>::new(), "{:#}", api.get(&path(&open)).ok().body);
}

#[test]
fn a_letter_that_stayed_on_trial_called_for_a_person_each_time_it_came() {
    let (api, parcel) = Api::with_delivery_on_its_way();
    let message = serde_json::to_string(&parcel).expect("a message");
    let take = || dead_letters::take(&api.platform, Queue::Deliveries, &message);
    api.platform.outside().stall("shop.test", true);
    assert_eq!(kit::run_until_poll(1_000, take()), None, "it ends whoever tries it");
    pass(&api, 60, 1);
    assert_eq!(told(&api), Vec::<String>::new(), "nobody knows that yet");
    for _ in 0..3 {
        assert_eq!(kit::run_until_poll(1_000, take()), Some(Ok(())));
        pass(&api, 900, 1);
    }
    assert_eq!(api.platform.alerts(), [("dead_letter".to_owned(), "deliveries/1".to_owned())]);
}

#[test]
fn webhooks_that_were_parked_called_for_nobody() {
    let (api, processor, hook) = hearing();
    let object = json!({ "id": "dp_1", "object": "dispute", "payment_intent": "pi_unknown",
        "amount": 2000, "currency": "usd", "status": "needs_response", "reason": "fraudulent" });
    deliver(&api, &hook, &Processor::notice("evt_1", "charge.dispute.created", &object));
    // Another one comes before the payment that it is about is known, as many do.
    api.platform.outside().processor_hop.fail(1, Fault::AfterEffect);
    api.post(PAY, &card(VISA, &[]));
    deliver_all(&api, &processor, &hook);
    pass(&api, 1_800, 30);
    assert_eq!(told(&api), Vec::<String>::new(), "it may mend itself");
    pass(&api, DAY, 48);
    assert_eq!(told(&api), ["connector_webhook_parked"]);
    pass(&api, 31 * DAY, 62);
    assert_eq!((told(&api).len(), standing(&api)), (1, 0), "and is forgotten with its row");
}

#[test]
fn a_dispute_of_a_status_that_is_unknown_here_was_seen_by_nobody() {
    let (api, _processor, hook) = hearing();
    let object = json!({ "id": "dp_1", "object": "dispute", "payment_intent": "pi_1",
        "amount": 2000, "currency": "usd", "status": "appeal_needs_response" });
    deliver(&api, &hook, &Processor::notice("evt_1", "charge.dispute.updated", &object));
    pass(&api, DAY, 48);
    assert_eq!(told(&api), ["connector_webhook_parked"]);
}

#[test]
fn what_others_are_paid_at_the_same_processor_called_for_a_person() {
    let (api, _processor, hook) = hearing();
    let foreign = json!({ "id": "pi_other", "object": "payment_intent", "status": "succeeded" });
    deliver(&api, &hook, &Processor::notice("evt_1", "payment_intent.succeeded", &foreign));
    let customer = json!({ "id": "cus_other", "object": "customer" });
    deliver(&api, &hook, &Processor::notice("evt_2", "customer.updated", &customer));
    let parked = api.get("/v1/florin/connector_webhooks?status=parked").ok();
    assert_eq!(parked.body["data"].as_array().map(Vec::len), Some(2));
    pass(&api, DAY, 48);
    assert_eq!((told(&api), standing(&api)), (Vec::new(), 0));
}

#[test]
fn a_webhook_of_a_kind_as_long_as_a_book_made_an_alert_that_could_not_be_told() {
    let (api, _processor, hook) = hearing();
    let dispute = json!({ "id": "dp_1", "object": "dispute", "payment_intent": "pi_unknown",
        "amount": 2000, "currency": "usd", "status": "needs_response", "reason": "fraudulent" });
    for kind in ["x".repeat(256), "charge.\u{0}dispute".to_owned()] {
        let body = Processor::notice("evt_1", &kind, &dispute);
        assert_eq!(kit::run(delivering(&api, &hook, &body)), 400, "it cannot be read");
    }
    let (api, _processor) = misread();
    api.post(PAY, &card(VISA, &[]));
    let longer =
        "UPDATE attempts SET attention = hex(zeroblob(100000)) WHERE attention IS NOT NULL";
    api.platform.database().query(longer, vec![]);
    let longest = "SELECT max(length(problem)) AS longest FROM alerts";
    let rows = api.platform.database().query(longest, vec![]);
    assert_eq!(rows[0].integer("longest"), Ok(500));
    pass(&api, HOUR, 60);
    assert_eq!(api.platform.alerts(), [("needs_attention".to_owned(), parked(&api))]);
}

#[test]
fn a_database_that_filled_up_called_for_nobody() {
    let api = Api::new();
    let database = api.platform.database();
    for times in 1..=2 {
        database.keep_room(true);
        pass(&api, HOUR, 60);
        assert_eq!(told(&api), vec!["database_full"; times], "once each time");
        database.keep_room(false);
        pass(&api, 60, 1);
        assert_eq!(standing(&api), 0);
    }
}

#[test]
fn a_setting_that_cannot_be_read_calls_for_a_person_once() {
    let api = Api::new();
    api.platform.misread_settings(&[("DATABASE_FULL_AT", "it is no number")]);
    pass(&api, HOUR, 60);
    let alert = ("setting_unreadable".to_owned(), "DATABASE_FULL_AT".to_owned());
    assert_eq!(api.platform.alerts(), [alert]);
    api.platform.misread_settings(&[]);
    pass(&api, 60, 1);
    assert_eq!(standing(&api), 0);
}

#[test]
fn strangers_filled_the_log_while_a_webhook_secret_could_not_be_opened() {
    let (api, _, hook) = hearing();
    let body = Processor::notice("evt_1", "charge.updated", &json!({ "object": "charge" }));
    let send = |signature: &str| -> Answer { kit::run(sending(&api, &hook, signature, &body)) };
    let signed = || Processor::sign(&body, &[SECRET], now(&api));
    assert_eq!(send("t=1,v1=forged").status, 400);
    // As after a restore from another deployment, or where the master key was lost.
    let damage = "UPDATE connector_accounts SET details = replace(details, '\"sealed\":\"', '\"sealed\":\"A')";
    api.platform.database().query(damage, vec![]);
    let before = api.platform.errors().len();
    for _ in 0..100 {
        assert_eq!(send("t=1,v1=forged").status, 503, "nobody can tell, so it comes again");
        assert_eq!(send(&signed()).status, 503);
    }
    assert_eq!(api.platform.errors().len(), before);
    pass(&api, HOUR, 60);
    assert_eq!(told(&api), ["webhook_secret_unreadable"]);
    // With a secret that can be opened, what it signed is believed, and the rest stays unclear until the other one ends.
    let fresh = "whsec_fedcba9876543210";
    api.post(&account(&api), &[("webhook_secret", fresh)]).ok();
    assert_eq!(send(&Processor::sign(&body, &[fresh], now(&api))).status, 200);
    assert_eq!(standing(&api), 0, "what it signed needs nobody");
    let newest = "whsec_0123456789abcdef";
    api.post(&account(&api), &[("webhook_secret", newest), ("webhook_secret_overlap", "0")]).ok();
    assert_eq!(send("t=1,v1=forged").status, 400);
    pass(&api, 600, 10);
    assert_eq!(told(&api), ["webhook_secret_unreadable"], "{:?}", api.platform.alerts());
    let left = "SELECT * FROM alerts WHERE name = 'webhook_secret_unreadable'";
    assert_eq!(api.platform.database().query(left, vec![]).len(), 0);
}

#[test]
fn alerts_that_the_previous_version_of_the_code_caused_are_told() {
    // It writes the row and knows of nothing else.
    let api = Api::new();
    let letter = "INSERT INTO dead_letters (queue, body, problem, count, first_parked_at, last_parked_at) \
         VALUES ('wake', ?1, 'it was away', 1, 0, 0)";
    for place in 0..120 {
        let body = format!("poison {place}");
        api.platform.database().query(letter, store::values![body.as_str()]);
    }
    pass(&api, 60, 5);
    assert_eq!(told(&api).len(), 120, "each, however many there are");
    api.platform.database().query("DELETE FROM dead_letters", vec![]);
    assert_eq!(standing(&api), 0);
}

/// A deployment whose merchant takes real money at a processor, where requests are sent to it.
struct Live {
    api: Api,
    processor: Processor,
    key: String,
    account: String,
}

impl Live {
    fn new() -> Self {
        Self::with(&[("webhook_secret", SECRET)])
    }

    fn with(more: &[(&str, &str)]) -> Self {
        let (api, processor) = connected();
        let key = api.platform.key(&api.merchant, Kind::Secret, true);
        let form = [("connector", "stripe"), ("secret_key", "sk_live_51example")];
        let form = [&form[..], more].concat();
        let path = "/v1/florin/connector_accounts";
        let account = kit::run(api.posting_as(&key, path, &form, None)).ok().id().to_owned();
        api.platform.advance(5);
        Self { api, processor, key, account }
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        kit::run(self.api.posting_as(&self.key, path, form, None))
    }

    fn pay(&self) -> Answer {
        self.post(PAY, &card(VISA, &[]))
    }

    /// Whether the processor refuses whatever secret comes.
    fn refuses(&self, refuses: bool) {
        let listener = self.processor.clone();
        self.api.platform.outside().process(move |request| {
            if !refuses {
                return Ok(listener.answer(request));
            }
            let error = json!({ "error": { "message": "Invalid API Key provided" } });
            Ok(Answered { status: 401, body: error.to_string(), ..Answered::default() })
        });
    }
}

#[test]
fn a_processor_that_refuses_an_accounts_secret_calls_for_a_person_until_it_takes_one() {
    let live = Live::new();
    live.refuses(true);
    live.api.post(PAY, &card(VISA, &[])).error(400);
    assert_eq!(standing(&live.api), 0, "a merchant who tries things out calls for nobody");
    live.pay().error(400);
    live.pay().error(400);
    pass(&live.api, HOUR, 10);
    let told = live.api.platform.alerts();
    assert_eq!(told, [("processor_refuses".to_owned(), live.account.clone())], "once");
    live.refuses(false);
    live.pay().ok();
    assert_eq!(standing(&live.api), 0);
}

#[test]
fn an_account_that_hears_nothing_of_disputes_called_for_nobody() {
    let live = Live::with(&[]);
    pass(&live.api, DAY - HOUR, 10);
    assert_eq!(live.api.platform.alerts(), [], "it has just been made");
    pass(&live.api, 2 * HOUR, 10);
    let missing = ("webhook_secret_missing".to_owned(), live.account.clone());
    assert_eq!(live.api.platform.alerts(), [missing]);
    let path = format!("/v1/florin/connector_accounts/{}", live.account);
    live.post(&path, &[("metadata[shop]", "1")]).ok();
    assert_eq!(standing(&live.api), 1);
    live.post(&path, &[("webhook_secret", SECRET)]).ok();
    assert_eq!(standing(&live.api), 0);
}

#[test]
fn a_processor_that_stays_silent_calls_for_a_person_after_a_quarter_of_an_hour() {
    let live = Live::new();
    live.processor.fail(Some(503));
    live.api.post(PAY, &card(VISA, &[])).ok();
    pass(&live.api, HOUR, 120);
    assert_eq!(standing(&live.api), 0, "a merchant who tries things out calls for nobody");
    live.pay().ok();
    pass(&live.api, 10 * 60, 40);
    assert_eq!(standing(&live.api), 0, "most outages are over by then");
    // What waits alone is asked after ever more seldom.
    pass(&live.api, 30 * 60, 120);
    let told = live.api.platform.alerts();
    assert_eq!(told, [("processor_silent".to_owned(), live.account.clone())], "once");
    live.processor.fail(None);
    pass(&live.api, HOUR, 60);
    assert_eq!(standing(&live.api), 0, "the payment was made");
}

#[test]
fn an_account_that_is_left_calls_for_nobody() {
    let live = Live::new();
    live.refuses(true);
    live.pay().error(400);
    assert_eq!(standing(&live.api), 1);
    let path = format!("/v1/florin/connector_accounts/{}", live.account);
    live.post(&path, &[("disabled", "true")]).ok();
    assert_eq!(standing(&live.api), 0);
}

#[test]
fn a_second_look_that_met_one_silence_called_for_a_person() {
    let live = Live::new();
    let back = [("return_url", "https://shop.test/done")];
    let intent = live.post(PAY, &card("4000002760003184", &back)).ok();
    live.post(&(path(&intent) + "/cancel"), &[]).ok();
    live.api.beat();
    assert_eq!(live.processor.payments()[0].status, "canceled");
    live.api.platform.advance(DAY - 60);
    live.api.beat();
    live.processor.fail(Some(503));
    live.api.platform.advance(60);
    live.processor.take_requests();
    live.api.beat();
    assert_eq!(live.processor.take_requests().len(), 1, "it was asked once");
    assert_eq!(standing(&live.api), 0);
}
