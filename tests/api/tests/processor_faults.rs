//! What a processor does otherwise than was expected: refusals that last, races, and actions that nobody can take.

use std::future::Future;
use std::task::{Context, Waker};

use api::processors::{
    self, MANUAL, PAY, Pairs, VISA, attempt, connected, latest, lose, only, pass, path,
};
use api::{Answer, Api, invariants};
use domain::timestamp::{DAY, HOUR};
use kit::Fault;

const CHALLENGED: &str = "4000002760003184";

fn card(number: &'static str, more: &[(&'static str, &'static str)]) -> Pairs {
    let back = [("return_url", "https://shop.test/done")];
    processors::card(number, &[back.as_slice(), more].concat())
}

fn challenged(api: &Api) -> Answer {
    let intent = api.post(PAY, &card(CHALLENGED, &[])).ok();
    assert_eq!(intent.body["status"], "requires_action");
    intent
}

#[test]
fn a_challenge_that_is_completed_in_the_moment_of_its_void_is_given_back() {
    let (api, processor) = connected();
    let intent = challenged(&api);
    processor.complete_before_voids();
    api.post(&(path(&intent) + "/cancel"), &[]).ok();
    api.beat();
    assert_eq!(only(&processor).taken, 2000, "the cardholder was faster");
    pass(&api, HOUR, 6);
    assert_eq!(only(&processor).refunded, 2000);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_challenge_that_was_completed_after_its_void_was_kept() {
    let (api, processor) = connected();
    let intent = challenged(&api);
    api.post(&(path(&intent) + "/cancel"), &[]).ok();
    api.beat();
    assert_eq!(only(&processor).status, "canceled");
    // The page of the processor behind was still open, and nothing tells of it.
    processor.take("pi_1");
    pass(&api, 2 * DAY, 48);
    assert_eq!(only(&processor).refunded, 2000);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_second_look_was_lost_with_the_worker_that_died_after_the_void() {
    for polls in 0.. {
        let (api, processor) = connected();
        let intent = challenged(&api);
        api.post(&(path(&intent) + "/cancel"), &[]).ok();
        let ended = api.beat_that_dies(polls);
        pass(&api, HOUR, 6);
        assert_eq!(only(&processor).status, "canceled", "{polls}");
        processor.take("pi_1");
        pass(&api, 2 * DAY, 48);
        assert_eq!(only(&processor).refunded, 2000, "{polls}");
        invariants::check_settled(&api.platform);
        if ended {
            break;
        }
    }
}

#[test]
fn a_second_look_that_dies_at_any_moment_still_takes_back_all() {
    for (more, polls) in
        [&[][..], &[MANUAL]].iter().flat_map(|more| (0..40).map(move |polls| (more, polls)))
    {
        let (api, processor) = connected();
        let intent = api.post(PAY, &card(CHALLENGED, more)).ok();
        api.post(&(path(&intent) + "/cancel"), &[]).ok();
        api.beat();
        if more.is_empty() {
            processor.take("pi_1")
        } else {
            processor.hold("pi_1")
        }
        api.platform.advance(DAY);
        api.beat_that_dies(polls);
        pass(&api, DAY, 24);
        let there = only(&processor);
        assert!(there.status == "canceled" || there.refunded == 2000, "{polls} {there:?}");
        assert_eq!(looks(&api), 0, "{polls}");
        invariants::check_settled(&api.platform);
    }
}

/// How many looks at what was given up are planned.
fn looks(api: &Api) -> usize {
    let planned = "SELECT 1 FROM scheduled_tasks WHERE kind IN ('undo_attempt', 'look_again')";
    api.platform.database().query(planned, vec![]).len()
}

#[test]
fn a_second_look_that_is_not_answered_is_made_again_until_it_is() {
    for (status, days) in [(503, 1), (401, 5)] {
        let (api, processor) = connected();
        let intent = challenged(&api);
        api.post(&(path(&intent) + "/cancel"), &[]).ok();
        api.beat();
        processor.take("pi_1");
        processor.fail(Some(status));
        pass(&api, (days + 1) * DAY, (days + 1) * 96);
        assert_eq!(attempt(&api, "attention").is_null(), days == 1, "{status}");
        processor.fail(None);
        pass(&api, DAY + HOUR, 25);
        assert_eq!(only(&processor).refunded, 2000, "{status}");
        assert!(attempt(&api, "attention").is_null(), "{status}");
        assert_eq!(looks(&api), 0, "{status}");
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn the_void_of_a_second_look_was_answered_as_that_of_the_first() {
    let (api, processor) = connected();
    let intent = api.post(PAY, &card(CHALLENGED, &[MANUAL])).ok();
    api.post(&(path(&intent) + "/cancel"), &[]).ok();
    api.beat();
    assert_eq!(only(&processor).status, "canceled");
    processor.hold("pi_1");
    pass(&api, DAY, 24);
    assert_eq!(only(&processor).status, "canceled");
    invariants::check_settled(&api.platform);
}

#[test]
fn a_void_that_was_refused_once_is_not_answered_so_for_a_day() {
    let (api, processor) = connected();
    let intent = challenged(&api);
    processor.refuse(Some(("/cancel", 400, "payment_intent_unexpected_state")));
    api.post(&(path(&intent) + "/cancel"), &[]).ok();
    api.beat();
    assert_eq!(only(&processor).status, "requires_action");
    processor.refuse(None);
    pass(&api, HOUR, 6);
    assert_eq!(only(&processor).status, "canceled");
}

#[test]
fn a_challenge_that_nobody_can_be_sent_to_is_not_forgotten_at_the_processor() {
    let (api, processor) = connected();
    processor.send_nowhere();
    let refused = api.post(PAY, &card(CHALLENGED, &[]));
    assert_eq!(refused.error(400)["code"], "payment_intent_authentication_failure");
    api.beat();
    assert_eq!(only(&processor).status, "canceled");
    assert_eq!(latest(&api).body["status"], "requires_payment_method");
    invariants::check_settled(&api.platform);
}

#[test]
fn a_challenge_that_nobody_finishes_is_given_up_after_three_days() {
    for completes_late in [false, true] {
        let (api, processor) = connected();
        challenged(&api);
        pass(&api, 3 * DAY - HOUR, 72);
        assert_eq!(latest(&api).body["status"], "requires_action");
        if completes_late {
            processor.complete_before_voids();
        }
        pass(&api, 4 * HOUR, 8);
        let given_up = latest(&api);
        assert_eq!(given_up.body["status"], "requires_payment_method");
        let code = &given_up.body["last_payment_error"]["code"];
        assert_eq!(code, "payment_intent_authentication_failure");
        let there = only(&processor);
        assert!(there.status == "canceled" || there.refunded == there.taken, "{there:?}");
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn a_challenge_that_nobody_looks_after_is_found_by_the_audit() {
    let (api, _) = connected();
    challenged(&api);
    api.platform.database().query("DELETE FROM scheduled_tasks", vec![]);
    let (stage, check) = store::audit::checks()
        .find(|(_, check)| check.name == "open_attempts_are_looked_at")
        .expect("a check");
    let whole = check.whole(stage, "0");
    assert_eq!(api.platform.database().query(&whole, vec![]).len(), 1);
}

#[test]
fn a_refund_that_waits_for_its_customer_is_canceled_at_the_processor() {
    let (api, processor) = connected();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    processor.refunds_become("requires_action");
    let refund = api.post("/v1/refunds", &[("payment_intent", paid.id())]).ok();
    assert_eq!(refund.body["status"], "requires_action");
    let path = format!("/v1/refunds/{}", refund.id());
    processor.refuse(Some(("/cancel", 400, "")));
    let refused = api.post(&(path.clone() + "/cancel"), &[]);
    assert_eq!(refused.status, 400, "{:#}", refused.body);
    assert_eq!(api.get(&path).ok().body["status"], "requires_action", "it may yet arrive");
    processor.refuse(None);
    lose(&api, Fault::AfterEffect);
    assert_eq!(api.post(&(path.clone() + "/cancel"), &[]).status, 503, "nobody knows");
    api.platform.advance(1);
    assert_eq!(api.post(&(path.clone() + "/cancel"), &[]).ok().body["status"], "canceled");
    let asked = processor.take_requests();
    assert!(asked.iter().any(|asked| asked == "POST /v1/refunds/re_1/cancel"), "{asked:?}");
    invariants::check_settled(&api.platform);
}

#[test]
fn a_refund_that_never_arrives_is_asked_after_less_and_less_and_then_left_to_a_person() {
    let (api, processor) = connected();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    processor.refunds_become("pending");
    api.post("/v1/refunds", &[("payment_intent", paid.id())]).ok();
    pass(&api, 4 * DAY, 96);
    processor.take_requests();
    pass(&api, 24 * DAY, 24 * 24);
    let asked = processor.take_requests().len();
    assert!((20..=24).contains(&asked), "{asked}: once a day");
    let told = || {
        let told = api.event_types();
        told.iter().filter(|told| told.ends_with("needs_attention")).count()
    };
    assert_eq!(told(), 0);
    pass(&api, 4 * DAY, 96);
    assert_eq!(told(), 1, "a person has to ask");
    processor.refunds_become("succeeded");
    pass(&api, 2 * DAY, 2);
    let refunds = api.get("/v1/refunds").ok();
    assert_eq!(refunds.text_at("/data/0/status"), "succeeded", "and it is heard of all the same");
    invariants::check_settled(&api.platform);
}

#[test]
fn a_cancellation_of_what_was_captured_at_the_processor_is_left_to_a_person_at_once() {
    let (api, processor) = connected();
    let held = api.post(PAY, &card(VISA, &[MANUAL])).ok();
    api.platform.advance(1);
    processor.take(&only(&processor).id);
    api.post(&(path(&held) + "/cancel"), &[]);
    let why = attempt(&api, "attention");
    assert!(why.as_str().is_some_and(|why| why.contains("took 2000 usd")), "{why}");
    invariants::check(&api.platform);
}

#[test]
fn a_hold_that_its_processor_does_not_let_go_of_is_left_to_a_person_and_tried_once_a_day() {
    let (api, processor) = connected();
    api.post(PAY, &card(VISA, &[MANUAL])).ok();
    processor.refuse(Some(("/cancel", 400, "")));
    pass(&api, 11 * DAY, 11 * 24);
    let told = api.event_types();
    assert_eq!(told.iter().filter(|told| told.ends_with("needs_attention")).count(), 1, "{told:?}");
    processor.take_requests();
    pass(&api, 4 * DAY, 4 * 24);
    let voids = processor.take_requests();
    assert!((3..=5).contains(&voids.len()), "{voids:?}");
    processor.refuse(None);
    pass(&api, 2 * DAY, 48);
    assert_eq!(only(&processor).status, "canceled");
    assert_eq!(latest(&api).body["status"], "canceled");
    invariants::check_settled(&api.platform);
}

#[test]
fn a_secret_that_the_processor_refuses_is_no_decline_of_the_card() {
    let (api, processor) = connected();
    processor.refuse(Some(("/payment_intents", 401, "")));
    let refused = api.post(PAY, &card(VISA, &[]));
    let error = refused.error(400);
    assert_eq!(
        (&error["type"], &error["charge"]),
        (&"invalid_request_error".into(), &serde_json::Value::Null)
    );
    let intent = latest(&api);
    assert_eq!(intent.body["status"], "requires_confirmation", "the card is as good as before");
    assert_eq!(api.get("/v1/charges").ok().body["data"], serde_json::json!([]));
    processor.refuse(None);
    assert_eq!(api.post(&(path(&intent) + "/confirm"), &[]).ok().body["status"], "succeeded");
    assert_eq!(only(&processor).taken, 2000);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_payment_is_looked_up_without_its_card() {
    let (api, _) = connected();
    lose(&api, Fault::AfterEffect);
    api.post(PAY, &card(VISA, &[])).ok();
    api.platform.database().query("UPDATE payment_methods SET sealed_number = 'damaged'", vec![]);
    pass(&api, 61, 1);
    assert_eq!(latest(&api).body["status"], "succeeded");
}

#[test]
fn an_attempt_whose_account_cannot_be_opened_is_left_to_a_person() {
    let (api, _) = connected();
    lose(&api, Fault::BeforeEffect);
    api.post(PAY, &card(VISA, &[])).ok();
    let damage = "UPDATE connector_accounts SET sealed_credentials = 'damaged'";
    api.platform.database().query(damage, vec![]);
    pass(&api, 3 * DAY + 2 * HOUR, 74);
    assert!(attempt(&api, "attention").is_string(), "nobody ever looks at it");
    invariants::check(&api.platform);
}

#[test]
fn a_run_that_stalls_until_its_key_is_forgotten_does_not_pay_again() {
    let (api, processor) = connected();
    api.platform.yields(true);
    let form = card(VISA, &[]);
    let mut run = Box::pin(api.posting(PAY, &form, None));
    let mut context = Context::from_waker(Waker::noop());
    // It dies in its sleep right after it wrote down what it is about to ask for.
    while api.platform.database().query("SELECT id FROM attempts", vec![]).is_empty() {
        assert!(run.as_mut().poll(&mut context).is_pending());
    }
    pass(&api, DAY, 24);
    assert_eq!(only(&processor).taken, 2000, "recovery paid in its stead");
    processor.forget_keys();
    processor.take_requests();
    kit::run(run).ok();
    assert_eq!(processor.take_requests(), ["GET /v1/payment_intents/search"]);
    assert_eq!(only(&processor).taken, 2000);
    api.platform.yields(false);
    invariants::check_settled(&api.platform);
}
