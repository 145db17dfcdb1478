//! Money that turns up at a processor where nobody here expects it: a second payment under one key, what was given up
//! and happened all the same, and disputes that come back. It goes back, or a person is told; nothing is passed over.

use std::task::{Context, Waker};

use api::hearing::{at, deliver, deliver_all, delivering, dispute, disputed, hearing, kept, now};
use api::processors::{
    MANUAL, PAY, VISA, attempt, card, connected, latest, lose, only, pass, path,
};
use api::{Api, Form, cases, invariants};
use domain::timestamp::{DAY, HOUR};
use kit::{Fault, Processor};
use serde_json::{Value, json};

const NOTICES: &str = "/v1/florin/connector_webhooks";
const CHALLENGED: &str = "4000002760003184";
const ATTEMPTS: &str = "/v1/florin/payment_attempts";

/// What became of the newest notice, and why a person should look.
fn last(api: &Api) -> (String, String) {
    let listed = api.get(NOTICES).ok();
    let problem = listed.body["data"][0]["problem"].as_str().unwrap_or_default();
    (listed.text_at("/data/0/status").to_owned(), problem.to_owned())
}

/// A person says of the one attempt that was left to them what became of it.
fn resolve(api: &Api, outcome: &str) {
    let id = api.get(ATTEMPTS).ok().id_of_first();
    let form = [("note", "I looked there."), ("outcome", outcome)];
    api.post(&format!("{ATTEMPTS}/{id}/resolve"), &form).ok();
}

/// Lets three days pass in which the processor says nothing.
fn be_silent(api: &Api, processor: &Processor) {
    processor.fail(Some(500));
    pass(api, 3 * DAY + HOUR, 13);
}

fn second(key: &str, status: &str) -> Value {
    let (taken, held) = match status {
        "succeeded" => (2000, 0),
        "requires_capture" => (0, 2000),
        _ => (0, 0),
    };
    json!({
        "id": "pi_second", "object": "payment_intent", "amount": 2000, "currency": "usd",
        "metadata": { "florin_key": key }, "status": status, "amount_received": taken,
        "amount_capturable": held, "latest_charge": "ch_second",
    })
}

#[test]
fn a_second_payment_under_our_key_was_ignored() {
    for number in [VISA, CHALLENGED] {
        for manual in [false, true] {
            let (api, processor, hook) = hearing();
            let form: Form<'_> = if manual { &[MANUAL] } else { &[] };
            let answer = api.post(PAY, &card(number, form)).ok();
            if number == CHALLENGED {
                api.post(&(path(&answer) + "/cancel"), &[]).ok();
                api.beat();
            }
            deliver_all(&api, &processor, &hook);
            let before = (latest(&api).text, processor.payments());
            let tell = |event: &str, status: &str| {
                let object = second(&processor.payments()[0].key, status);
                deliver(&api, &hook, &Processor::notice(event, "payment_intent.updated", &object));
                last(&api)
            };
            assert_eq!(tell("evt_a", "processing").0, "ignored");
            assert_eq!(tell("evt_b", "canceled").0, "ignored");
            let stands = if manual { "requires_capture" } else { "succeeded" };
            let (status, problem) = tell("evt_c", stands);
            assert_eq!(status, "parked", "{}", answer.text);
            assert!(problem.contains("pi_second") && problem.contains("pi_1"), "{problem}");
            let taken = if manual { "succeeded" } else { "requires_capture" };
            assert_eq!(tell("evt_d", taken).0, "parked", "nor is it what was asked for");
            api.beat();
            assert_eq!((latest(&api).text, processor.payments()), before, "nothing is guessed");
            invariants::check(&api.platform);
            pass(&api, HOUR, 60);
            let alerts = api.platform.alerts();
            assert!(
                alerts.iter().any(|(name, _)| name == "connector_webhook_parked"),
                "{alerts:?}"
            );
        }
    }
}

#[test]
fn an_answer_that_came_after_its_payment_was_given_up_left_the_money_there() {
    let (api, processor) = connected();
    let form = card(VISA, &[]);
    api.platform.yields(true);
    let mut run = Box::pin(api.posting(PAY, &form, Some("key-1")));
    let mut context = Context::from_waker(Waker::noop());
    while processor.payments().is_empty() {
        assert!(run.as_mut().poll(&mut context).is_pending());
    }
    // Its answer is on its way for so long that a person was asked.
    api.platform.yields(false);
    be_silent(&api, &processor);
    resolve(&api, "not_received");
    assert_eq!(latest(&api).body["status"], "requires_payment_method");
    processor.fail(None);
    kit::run(run);
    assert_eq!(only(&processor).taken, 2000);
    pass(&api, HOUR, 4);
    assert_eq!(only(&processor).refunded, 2000);
    assert_eq!(latest(&api).body["status"], "requires_payment_method");
    invariants::check_settled(&api.platform);
}

/// A refund that happened, of which nobody was told until a person gave it up.
fn given_up() -> (Api, Processor, String) {
    let (api, processor, hook) = hearing();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    deliver_all(&api, &processor, &hook);
    lose(&api, Fault::AfterEffect);
    api.post("/v1/refunds", &[("payment_intent", paid.id()), ("amount", "500")]).ok();
    be_silent(&api, &processor);
    resolve(&api, "failed");
    assert_eq!(api.get("/v1/refunds").ok().text_at("/data/0/status"), "failed");
    processor.fail(None);
    (api, processor, hook)
}

#[test]
fn a_refund_that_was_given_up_and_happened_was_ignored() {
    let (api, processor, hook) = given_up();
    let refund = processor.take_notices().remove(0);
    // Nobody is told for good while the processor does not say how it stands by now.
    processor.fail(Some(500));
    assert_eq!(kit::run(delivering(&api, &hook, &refund)), 503);
    assert_eq!(kept(&api).len(), 1);
    processor.fail(None);
    deliver(&api, &hook, &refund);
    assert_eq!(last(&api).0, "processed");
    let refunds = api.get("/v1/refunds").ok();
    let stands = |place: usize| refunds.body["data"][place]["status"].clone();
    assert_eq!((stands(0), stands(1)), (json!("succeeded"), json!("failed")));
    let sum = json!({ "object": "charge", "id": "ch_of_pi_1", "amount_refunded": 500,
        "currency": "usd", "payment_intent": "pi_1" });
    deliver(&api, &hook, &Processor::notice("evt_sum", "charge.refunded", &sum));
    assert_eq!(last(&api).0, "ignored");
    deliver(&api, &hook, &refund.replace("evt_", "evt_again_"));
    assert_eq!(last(&api).0, "ignored", "it is booked once");
    invariants::check_settled(&api.platform);
}

#[test]
fn what_is_told_late_of_a_refund_that_failed_says_nothing() {
    let (api, processor, hook) = hearing();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    processor.take_notices();
    lose(&api, Fault::AfterEffect);
    api.post("/v1/refunds", &[("payment_intent", paid.id())]).ok();
    processor.refunds_become("failed");
    let notices = processor.take_notices();
    notices.iter().rev().for_each(|body| deliver(&api, &hook, body));
    assert_eq!(kept(&api), ["refund.updated processed", "refund.created ignored"]);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_second_refund_under_our_key_was_ignored() {
    let (api, processor, hook) = hearing();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    api.post("/v1/refunds", &[("payment_intent", paid.id()), ("amount", "500")]).ok();
    let told = processor.take_notices().remove(1);
    deliver(&api, &hook, &told);
    let twice = told.replace("re_1", "re_2").replace("evt_2", "evt_twice");
    deliver(&api, &hook, &twice);
    assert_eq!(kept(&api), ["refund.created ignored", "refund.created parked"]);
    assert!(last(&api).1.contains("re_2"), "{}", last(&api).1);
    invariants::check(&api.platform);
}

#[test]
fn a_payment_that_was_heard_of_lost_its_checks_and_its_captures_in_parts() {
    let (api, processor, hook) = hearing();
    lose(&api, Fault::AfterEffect);
    let parts = ("payment_method_options[card][request_multicapture]", "if_available");
    api.post(PAY, &card(VISA, &[MANUAL, parts])).ok();
    let body = processor.take_notices().remove(0);
    // Nothing is recorded of what only the processor can tell, nor lost.
    processor.fail(Some(500));
    assert_eq!(kit::run(delivering(&api, &hook, &body)), 503);
    assert_eq!(kept(&api), Vec::<String>::new());
    processor.fail(None);
    // A search does not find it yet.
    processor.hide(true);
    deliver(&api, &hook, &body);
    assert_eq!(kept(&api), ["payment_intent.amount_capturable_updated processed"]);
    let charge = api.get("/v1/charges").ok().body["data"][0].clone();
    let shown = &charge["payment_method_details"]["card"];
    assert_eq!(
        (&shown["checks"]["cvc_check"], &shown["multicapture"]["status"]),
        (&"pass".into(), &"available".into()),
        "{shown:#}"
    );
    invariants::check_settled(&api.platform);
}

#[test]
fn a_dispute_of_a_payment_that_was_taken_back_did_not_find_it() {
    let (api, processor, hook) = hearing();
    lose(&api, Fault::AfterEffect);
    api.post(PAY, &card(VISA, &[])).ok();
    processor.take_notices();
    be_silent(&api, &processor);
    resolve(&api, "not_received");
    processor.fail(None);
    pass(&api, 2 * DAY, 48);
    assert_eq!(only(&processor).refunded, 2000);
    assert_eq!(attempt(&api, "processor_reference"), "pi_1");
    deliver(&api, &hook, &disputed("evt_a", "needs_response"));
    let (status, problem) = last(&api);
    assert_eq!(status, "parked");
    let id = attempt(&api, "id");
    assert!(problem.contains(id.as_str().expect("an id")), "{problem}");
    invariants::check_settled(&api.platform);
}

#[test]
fn an_undoing_that_dies_at_any_moment_still_takes_back_all() {
    for polls in (0..).step_by(cases(3, 1)) {
        let (api, processor) = connected();
        lose(&api, Fault::AfterEffect);
        api.post(PAY, &card(VISA, &[])).ok();
        be_silent(&api, &processor);
        resolve(&api, "not_received");
        processor.fail(None);
        api.platform.advance(DAY);
        let ended = api.beat_that_dies(polls);
        pass(&api, HOUR, 4);
        assert_eq!(only(&processor).refunded, 2000);
        assert_eq!(attempt(&api, "processor_reference"), "pi_1");
        if ended {
            break;
        }
    }
}

#[test]
fn a_notice_that_failed_each_time_was_seen_by_nobody() {
    let (api, processor, hook) = hearing();
    lose(&api, Fault::AfterEffect);
    api.post(PAY, &card(VISA, &[])).ok();
    let body = processor.take_notices().remove(0);
    let kept_as = attempt(&api, "request");
    let database = api.platform.database();
    // As a later version might have written it, which was rolled back.
    database.query("UPDATE attempts SET request = '{\"kind\": \"unheard of\"}'", vec![]);
    deliver(&api, &hook, &body);
    deliver(&api, &hook, &body);
    assert_eq!(kept(&api), ["payment_intent.succeeded parked"]);
    assert!(last(&api).1.contains("the log"), "{}", last(&api).1);
    let told = api.platform.errors();
    for part in ["parked", "request"] {
        assert!(told.iter().any(|told| told.problem.contains(part)), "{told:?}");
    }
    // What came in between does not end its retries.
    pass(&api, HOUR, 4);
    let again = store::Value::from(kept_as.as_str().expect("a text"));
    database.query("UPDATE attempts SET request = ?1", vec![again]);
    pass(&api, DAY, 24);
    assert_eq!(latest(&api).body["status"], "succeeded");
    assert!(!kept(&api)[0].ends_with("parked"), "{:?}", kept(&api));
    invariants::check_settled(&api.platform);
}

#[test]
fn a_notice_that_can_be_kept_nowhere_is_to_be_sent_again() {
    let (api, processor, hook) = hearing();
    api.post(PAY, &card(VISA, &[])).ok();
    let body = processor.take_notices().remove(0);
    for call in 1..6 {
        api.platform.database().hop().fail(call, Fault::BeforeEffect);
    }
    for _ in 0..5 {
        assert_eq!(kit::run(delivering(&api, &hook, &body)), 503);
    }
    deliver(&api, &hook, &body);
    assert_eq!(kept(&api), ["payment_intent.succeeded ignored"]);
}

#[test]
fn an_inquiry_that_escalated_to_what_cannot_be_meant_was_believed() {
    let (api, _, hook) = hearing();
    api.post(PAY, &card(VISA, &[])).ok();
    deliver(&api, &hook, &disputed("evt_a", "warning_needs_response"));
    let before = api.get("/v1/balance").ok().text;
    for (event, status) in [("evt_b", "needs_response"), ("evt_c", "lost")] {
        let other = dispute(status, &json!({ "currency": "eur" }));
        deliver(&api, &hook, &Processor::notice(event, "charge.dispute.updated", &other));
        assert_eq!(last(&api).0, "parked");
    }
    assert_eq!(api.get("/v1/disputes").ok().text_at("/data/0/status"), "warning_needs_response");
    assert_eq!(api.get("/v1/balance").ok().text, before);
    deliver(&api, &hook, &disputed("evt_d", "needs_response"));
    assert_eq!(last(&api).0, "processed");
    invariants::check(&api.platform);
}

#[test]
fn a_dispute_that_was_won_and_reopened_was_ignored() {
    for (end, again) in [
        ("won", "needs_response"),
        ("won", "under_review"),
        ("lost", "under_review"),
        ("warning_closed", "needs_response"),
    ] {
        let (api, _, hook) = hearing();
        api.post(PAY, &card(VISA, &[])).ok();
        let opened = now(&api);
        let tell = |event: &str, status: &str, moment: Option<i64>| {
            let body = disputed(event, status);
            let body = moment.map_or(body.clone(), |moment| at(&body, moment));
            deliver(&api, &hook, &body);
            last(&api).0
        };
        assert_eq!(tell("evt_a", end, Some(opened + 50)), "processed");
        let before = api.get("/v1/balance").ok().text;
        assert_eq!(tell("evt_b", "needs_response", Some(opened)), "ignored", "it is old");
        assert_eq!(tell("evt_c", again, Some(opened + 50)), "ignored", "and so is this");
        assert_eq!(tell("evt_d", end, Some(opened + 60)), "ignored");
        assert_eq!(tell("evt_e", again, Some(opened + 51)), "parked");
        assert_eq!(tell("evt_f", again, None), "parked", "nobody knows when");
        assert_eq!(api.get("/v1/disputes").ok().text_at("/data/0/status"), end);
        assert_eq!(api.get("/v1/balance").ok().text, before);
        invariants::check(&api.platform);
    }
}

#[test]
fn an_inquiry_that_escalates_kept_its_own_deadline() {
    let (api, processor, hook) = hearing();
    api.post(PAY, &card(VISA, &[])).ok();
    let _ = processor.take_notices();
    let tell = |event: &str, status: &str, due_by: i64| {
        let change = json!({ "evidence_details": { "due_by": due_by } });
        let object = dispute(status, &change);
        deliver(&api, &hook, &Processor::notice(event, "charge.dispute.updated", &object));
    };
    tell("evt_a", "warning_needs_response", 1_900_000_000);
    tell("evt_b", "needs_response", 1_800_000_000);
    let disputes = api.get("/v1/disputes").ok();
    assert_eq!(disputes.text_at("/data/0/status"), "needs_response");
    assert_eq!(disputes.body["data"][0]["evidence_details"]["due_by"], 1_800_000_000);
}

#[test]
fn what_turned_up_otherwise_than_asked_for_was_told_three_days_late() {
    let (api, processor) = connected();
    let form = card("4000002760003184", &[("return_url", "https://shop.test/done"), MANUAL]);
    let intent = api.post(PAY, &form).ok();
    // It takes what was only to be held.
    processor.take(&only(&processor).id);
    api.post(&(path(&intent) + "/cancel"), &[]).ok();
    pass(&api, HOUR, 12);
    assert_ne!(attempt(&api, "attention"), Value::Null, "its processor has the money");
}
