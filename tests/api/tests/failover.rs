//! Failover: a payment is tried elsewhere only where the processor before vouches that it did nothing, and never
//! while a try of it is open.

use std::future::Future;
use std::pin::Pin;

use api::processors::{self, Mood, PAY, Pairs, Routed, VISA, card, latest, lose, pass, path};
use api::{Answer, Api, cases, invariants};
use domain::timestamp::HOUR;
use flows::platform::Answered;
use kit::{Fault, Processor};
use serde_json::{Value, json};

const KEY: &str = "key-1";
const CVC: (&str, &str) = ("payment_method_data[card][cvc]", "737");
/// Its issuer says `do_not_honor`.
const SOFT: &str = "4000000000000002";
/// Its issuer says `insufficient_funds`, which no other processor changes.
const HARD: &str = "4000000000009995";
const CHALLENGED: &str = "4000002760003184";
const RETRY_DECLINES: (&str, &str) = ("retry_declines", "true");

fn routed(accounts: usize, more: &[(&str, &str)]) -> Routed {
    let routed = Routed::new(accounts);
    routed.prioritise(more);
    routed
}

/// Each attempt's place, state, and why it was made.
fn tries(routed: &Routed) -> Vec<(usize, String, Value)> {
    let attempts = routed.attempts();
    for pair in attempts.windows(2) {
        assert_eq!(pair[0]["routing"]["next"], pair[1]["id"]);
        assert_eq!(pair[1]["routing"]["previous"], pair[0]["id"]);
    }
    let told = |attempt: &Value| {
        let status = attempt["status"].as_str().expect("a status").to_owned();
        (routed.place(attempt), status, attempt["routing"]["reason"].clone())
    };
    attempts.iter().map(told).collect()
}

fn refused(place: usize, reason: Value) -> (usize, String, Value) {
    (place, "failed".to_owned(), reason)
}

fn paid(place: usize, reason: Value) -> (usize, String, Value) {
    (place, "succeeded".to_owned(), reason)
}

fn taken(routed: &Routed) -> i64 {
    routed.processor.payments().iter().map(|paid| paid.taken).sum()
}

fn settled(api: &Api) {
    invariants::check(&api.platform);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_processor_that_takes_no_requests_or_refuses_the_secret_is_passed_over_within_the_request() {
    for (status, reason, code) in [(429, "throttled", "throttled"), (401, "refused", "not_now")] {
        let routed = routed(2, &[]);
        routed.mood(0, Mood::Status(status));
        let answer = routed.api.post(PAY, &card(VISA, &[CVC])).ok();
        assert_eq!(answer.body["status"], "succeeded", "{status}");
        assert_eq!(tries(&routed), [refused(0, Value::Null), paid(1, json!(reason))]);
        assert_eq!(routed.attempts()[0]["processor_code"], code);
        assert_eq!(routed.processor.payments()[0].cvc.as_deref(), Some("737"), "it goes along");
        let told = routed.api.event_types();
        assert!(!told.iter().any(|told| told.contains("failed")), "{told:?}");
        // What was paid there is refunded there.
        let refund = [("payment_intent", answer.id())];
        assert_eq!(routed.api.post("/v1/refunds", &refund).ok().body["status"], "succeeded");
        settled(&routed.api);
    }
}

#[test]
fn an_outcome_that_nobody_knows_is_never_tried_elsewhere() {
    for mood in [Mood::Silent, Mood::Speechless, Mood::Status(500), Mood::Status(502)] {
        let routed = routed(2, &[RETRY_DECLINES]);
        routed.mood(0, mood);
        let open = routed.api.post_once(PAY, &card(VISA, &[]), KEY).ok();
        assert_eq!(open.body["status"], "processing", "{mood:?}");
        routed.mood(0, Mood::Well);
        pass(&routed.api, HOUR, 60);
        assert_eq!(processors::latest(&routed.api).body["status"], "succeeded", "{mood:?}");
        assert_eq!(tries(&routed), [paid(0, Value::Null)], "{mood:?}");
        assert_eq!(taken(&routed), 2000, "{mood:?}");
        settled(&routed.api);
    }
}

#[test]
fn a_decline_is_tried_elsewhere_only_where_another_may_see_it_otherwise_and_the_document_allows() {
    for (number, form, count) in [
        (SOFT, [("retry_declines", "true"), ("max_attempts", "3")], 3),
        (SOFT, [("retry_declines", "true"), ("max_attempts", "2")], 2),
        (SOFT, [("retry_declines", "true"), ("max_attempts", "1")], 1),
        (SOFT, [("retry_declines", "false"), ("max_attempts", "3")], 1),
        (HARD, [("retry_declines", "true"), ("max_attempts", "3")], 1),
    ] {
        let routed = routed(4, &form);
        let declined = routed.api.post(PAY, &card(number, &[]));
        declined.error(402);
        let tries = tries(&routed);
        assert_eq!(tries.len(), count, "{number} {form:?}");
        assert!(tries.iter().enumerate().all(|(place, tried)| tried.0 == place));
        let failures = |told: &&String| told.as_str() == "payment_intent.payment_failed";
        assert_eq!(routed.api.event_types().iter().filter(failures).count(), 1, "told once");
        assert_eq!(
            routed.api.get("/v1/charges").ok().body["data"].as_array().map(Vec::len),
            Some(1)
        );
        assert!(routed.attempts().iter().all(|attempt| attempt["decline_code"].is_string()));
        settled(&routed.api);
    }
}

#[test]
fn an_issuer_that_wants_to_see_the_cardholder_is_asked_again_with_a_challenge() {
    let back = [("return_url", "https://shop.test/done")];
    for (step_up, more, expected) in [
        ("true", vec![], "requires_action"),
        ("false", vec![], "declined"),
        ("true", vec![("off_session", "true")], "declined"),
        ("true", vec![("error_on_requires_action", "true")], "declined"),
    ] {
        let routed = routed(2, &[("step_up", step_up)]);
        routed.processor.demand_challenges();
        let form = card(CHALLENGED, &[back.as_slice(), &more].concat());
        let answer = routed.api.post(PAY, &form);
        if expected == "declined" {
            assert_eq!(answer.error(402)["decline_code"], "authentication_required", "{more:?}");
            assert_eq!(tries(&routed).len(), 1, "{more:?}");
        } else {
            assert_eq!(answer.ok().body["status"], "requires_action");
            let tries = tries(&routed);
            assert_eq!(
                tries[1],
                (0, "requires_action".to_owned(), json!("authentication_required"))
            );
            let there = routed.processor.payments();
            routed.processor.challenge(&there[1].id, true);
            pass(&routed.api, 130, 2);
            assert_eq!(processors::latest(&routed.api).body["status"], "succeeded");
        }
        settled(&routed.api);
    }
}

#[test]
fn an_account_that_was_disabled_meanwhile_is_not_tried() {
    let routed = routed(3, &[("max_attempts", "3")]);
    routed.mood(0, Mood::Status(429));
    routed.api.get("/v1/balance").ok();
    // Another isolate has disabled it, which this one does not know yet.
    let disable = "UPDATE connector_accounts SET status = 'disabled' WHERE id = ?1";
    routed.api.platform.database().query(disable, vec![routed.accounts[1].as_str().into()]);
    assert_eq!(routed.api.post(PAY, &card(VISA, &[])).ok().body["status"], "succeeded");
    assert_eq!(tries(&routed), [refused(0, Value::Null), paid(2, json!("throttled"))]);
    settled(&routed.api);
}

#[test]
fn a_confirmation_a_hold_and_a_charge_without_an_intent_are_tried_elsewhere_as_well() {
    let routed = routed(2, &[]);
    routed.mood(0, Mood::Status(429));
    let api = &routed.api;
    let form: Pairs = card(VISA, &[]).into_iter().filter(|(name, _)| *name != "confirm").collect();
    let intent = api.post(PAY, &form).ok();
    let held = api.post(&(path(&intent) + "/confirm"), &[("capture_method", "manual")]).ok();
    assert_eq!(held.body["status"], "requires_capture");
    api.platform.advance(1);
    assert_eq!(api.post(&(path(&intent) + "/capture"), &[]).ok().body["status"], "succeeded");
    let form = [("amount", "2000"), ("currency", "usd"), ("source", "tok_visa")];
    let charge = api.post("/v1/charges", &form).ok();
    assert_eq!(charge.body["status"], "succeeded");
    assert_eq!(routed.paid_at(), [1, 1]);
    settled(api);
}

#[test]
fn a_try_that_dies_at_any_await_is_resumed_and_never_made_beside_another() {
    let forms = [card(VISA, &[]), card(VISA, &[CVC]), card(SOFT, &[])];
    for (place, form) in forms.iter().enumerate() {
        let mut polls = 1;
        loop {
            let mut ended = false;
            for retries in [false, true] {
                let what = (place, polls, retries);
                let routed = routed(3, &[RETRY_DECLINES, ("max_attempts", "3")]);
                let api = &routed.api;
                if place < 2 {
                    routed.mood(0, Mood::Status(429));
                    routed.mood(1, Mood::Status(401));
                }
                api.platform.yields(true);
                let run = kit::run_until_poll(polls, api.posting(PAY, form, Some(KEY)));
                api.platform.yields(false);
                ended = run.is_some();
                invariants::check(&api.platform);
                // The lease of a request that died runs out.
                api.platform.advance(20);
                let (open, made) = attempts(api);
                assert!(open <= 1, "{what:?}");
                if retries {
                    let again = api.post_once(PAY, form, KEY);
                    assert!([200, 402, 503].contains(&again.status), "{what:?}: {:#}", again.body);
                    assert!(open == 0 || attempts(api).1 == made, "{what:?}: it is resumed");
                }
                for account in 0..3 {
                    routed.mood(account, Mood::Well);
                }
                if retries {
                    api.platform.advance(20);
                    let again = api.post_once(PAY, form, KEY);
                    assert!([200, 402].contains(&again.status), "{what:?}: {:#}", again.body);
                }
                pass(api, 4 * HOUR, 16);
                assert!(taken(&routed) <= 2000, "{what:?}: {:?}", routed.processor.payments());
                assert_eq!(taken(&routed), captured(api), "{what:?}");
                if retries && place < 2 {
                    assert_eq!(taken(&routed), 2000, "{what:?}");
                }
                invariants::check(&api.platform);
            }
            if ended {
                break;
            }
            polls += cases(3, 1);
            assert!(polls < 200);
        }
    }
}

/// How many attempts are open, and how many there are.
fn attempts(api: &Api) -> (i64, i64) {
    let sql =
        "SELECT COUNT(*) FILTER (WHERE state = 'started') AS open, COUNT(*) AS made FROM attempts";
    let row = &api.platform.database().query(sql, vec![])[0];
    (row.integer("open").expect("a count"), row.integer("made").expect("a count"))
}

fn captured(api: &Api) -> i64 {
    let sql = "SELECT COALESCE(SUM(captured), 0) AS sum FROM charges";
    api.platform.database().query(sql, vec![])[0].integer("sum").expect("a sum")
}

/// The first run sends, is answered that nothing was done, and is slow to write that down; its client's retry finds the
/// attempt open and sends it again. Whatever the order, one of them counts.
#[test]
fn a_retry_that_sends_again_and_a_slow_failover_do_not_both_pay() {
    for first in (1..cases(30, 60)).step_by(cases(2, 1)) {
        for second in (1..cases(30, 60)).step_by(cases(3, 1)) {
            let routed = routed(2, &[]);
            let api = &routed.api;
            routed.mood(0, Mood::Status(429));
            api.get("/v1/balance").ok();
            api.platform.yields(true);
            let form = card(VISA, &[]);
            let racer = |late: bool| -> Pin<Box<dyn Future<Output = Answer> + '_>> {
                let (form, routed) = (&form, &routed);
                Box::pin(async move {
                    if late {
                        // The lease of the first run is over, and the processor takes requests again.
                        routed.api.platform.advance(16);
                        routed.mood(0, Mood::Well);
                    }
                    routed.api.posting(PAY, form, Some(KEY)).await
                })
            };
            let answers =
                kit::take_turns(&[(0, first), (1, second)], vec![racer(false), racer(true)]);
            api.platform.yields(false);
            for answer in &answers {
                assert!(
                    [200, 409, 503].contains(&answer.status),
                    "{first} {second}: {:#}",
                    answer.body
                );
            }
            invariants::check(&api.platform);
            pass(api, HOUR, 12);
            assert_eq!(taken(&routed), 2000, "{first} {second}: {:?}", routed.processor.payments());
            settled(api);
        }
    }
}

/// The first account took long to say no, so that the client's retry comes while the second one is asked: what that
/// one refuses speaks of the first run's request alone.
#[test]
fn a_second_try_that_is_refused_after_the_lease_of_its_request_is_not_taken_for_undone() {
    let mut met = 0;
    for first in (1..30).step_by(cases(6, 2)) {
        for second in (1..16).step_by(cases(3, 1)) {
            for third in (1..24).step_by(cases(4, 1)) {
                let routed = routed(2, &[]);
                let api = &routed.api;
                routed.mood(0, Mood::Status(429));
                routed.mood(1, Mood::Status(401));
                api.get("/v1/balance").ok();
                api.platform.yields(true);
                let form = card(VISA, &[]);
                let racer =
                    |waits: i64, pays: bool| -> Pin<Box<dyn Future<Output = Answer> + '_>> {
                        let (form, routed) = (&form, &routed);
                        Box::pin(async move {
                            routed.api.platform.advance(waits);
                            if !pays {
                                return routed.api.answer(&http::Request::new(Vec::new())).await;
                            }
                            if waits > 0 {
                                routed.mood(0, Mood::Well);
                                routed.mood(1, Mood::Well);
                            }
                            routed.api.posting(PAY, form, Some(KEY)).await
                        })
                    };
                let racers = vec![racer(0, true), racer(10, false), racer(6, true)];
                kit::take_turns(&[(0, first), (1, 99), (0, second), (2, third)], racers);
                api.platform.yields(false);
                let what = (first, second, third);
                invariants::check(&api.platform);
                pass(api, HOUR, 12);
                let there = routed.processor.payments();
                assert_eq!(taken(&routed), captured(api), "{what:?}: {there:?}");
                met += taken(&routed);
                settled(api);
            }
        }
    }
    assert!(met > 0, "some were paid");
}

#[test]
fn a_batch_of_a_failover_whose_answer_was_lost_is_found_by_the_retry() {
    for nth in 1..8 {
        for fault in [Fault::BeforeEffect, Fault::AfterEffect] {
            let routed = routed(2, &[]);
            let api = &routed.api;
            routed.mood(0, Mood::Status(429));
            api.platform.database().hop().fail(nth, fault);
            api.post_once(PAY, &card(VISA, &[CVC]), KEY);
            api.platform.database().hop().heal();
            routed.mood(0, Mood::Well);
            api.platform.advance(1);
            let again = api.post_once(PAY, &card(VISA, &[CVC]), KEY).ok();
            assert_eq!(again.body["status"], "succeeded", "{nth} {fault:?}");
            assert_eq!(taken(&routed), 2000, "{nth} {fault:?}");
            settled(api);
        }
    }
}

/// Scenario 4: the answer is lost, the processor did it; the next processor must not be asked.
#[test]
fn a_timeout_of_what_was_done_is_found_where_it_was_sent() {
    let routed = routed(2, &[RETRY_DECLINES]);
    lose(&routed.api, Fault::AfterEffect);
    assert_eq!(routed.api.post(PAY, &card(VISA, &[])).ok().body["status"], "processing");
    pass(&routed.api, 130, 2);
    assert_eq!((routed.paid_at(), taken(&routed)), (vec![0], 2000));
    settled(&routed.api);
}

/// The health of the account at a place, as a dry run tells it.
fn health(routed: &Routed, place: usize) -> String {
    let form = [("amount", "2000"), ("currency", "usd")];
    let told = routed.api.post("/v1/florin/routing/dry_run", &form).ok();
    let accounts = told.body["accounts"].as_array().expect("accounts").clone();
    let own = accounts.iter().find(|one| one["connector_account"] == *routed.accounts[place]);
    own.expect("an account")["health"].as_str().expect("a state").to_owned()
}

#[test]
fn an_outage_is_steered_away_from_within_thirty_seconds_and_back_again() {
    let routed = routed(2, &[]);
    let api = &routed.api;
    let pay = || {
        api.platform.advance(1);
        api.post(PAY, &card(VISA, &[])).ok();
    };
    for _ in 0..60 {
        pay();
    }
    assert_eq!(routed.paid_at(), [0; 60]);
    routed.mood(0, Mood::Status(503));
    for _ in 0..40 {
        pay();
    }
    let there = routed.paid_at().split_off(60);
    assert!(there.len() >= 32, "few payments met the outage: {there:?}");
    assert!(there.iter().all(|place| *place == 1), "{there:?}");
    assert_ne!(health(&routed, 0), "closed");
    routed.mood(0, Mood::Well);
    let outage = routed.paid_at().len();
    for _ in 0..40 {
        pay();
    }
    assert_eq!(health(&routed, 0), "closed");
    let after = routed.paid_at().split_off(outage);
    assert!(after[after.len() - 8..].iter().all(|place| *place == 0), "{after:?}");
    pass(api, HOUR, 12);
    settled(api);
}

#[test]
fn where_every_account_is_out_the_first_is_tried_all_the_same() {
    let routed = routed(2, &[]);
    let api = &routed.api;
    for place in 0..2 {
        routed.mood(place, Mood::Status(503));
        for _ in 0..3 {
            api.platform.advance(1);
            api.post(PAY, &card(VISA, &[])).ok();
        }
    }
    assert_eq!((health(&routed, 0).as_str(), health(&routed, 1).as_str()), ("open", "open"));
    for place in 0..2 {
        routed.mood(place, Mood::Well);
    }
    api.post(PAY, &card(VISA, &[])).ok();
    assert_eq!(routed.paid_at(), [0]);
}

#[test]
fn declines_say_nothing_of_a_processors_health() {
    let routed = routed(2, &[]);
    for _ in 0..20 {
        routed.api.post(PAY, &card(HARD, &[])).error(402);
    }
    assert_eq!(health(&routed, 0), "closed");
    assert!(routed.paid_at().iter().all(|place| *place == 0));
}

#[test]
fn what_was_never_sent_was_said_to_be_refused_by_the_processor() {
    let routed = routed(1, &[]);
    let api = &routed.api;
    let held = api.post(PAY, &card(VISA, &[("capture_method", "manual")])).ok();
    api.platform.advance(6);
    let forget =
        "UPDATE connector_accounts SET status = 'deleted', sealed_credentials = NULL WHERE id = ?1";
    api.platform.database().query(forget, vec![routed.accounts[0].as_str().into()]);
    let refused = api.post(&(path(&held) + "/capture"), &[]);
    let message = refused.text_at("/error/message").to_owned();
    assert!(message.starts_with("Nothing was sent to the payment processor: "), "{message}");
}

#[test]
fn an_address_that_leads_nowhere_was_no_reason_to_go_elsewhere() {
    let api = Api::watched();
    let _processor = Processor::listening(&api.platform);
    api.platform.outside().resolve("psp.test", &["93.184.216.34"]);
    let make = |more: &[(&str, &str)], secret: &str| {
        let form = [[("connector", "stripe"), ("secret_key", secret)].as_slice(), more].concat();
        api.post("/v1/florin/connector_accounts", &form).ok().id().to_owned()
    };
    let first = make(&[("base_url", "https://psp.test")], "sk_test_51example");
    let second = make(&[], "sk_test_52example");
    let form =
        [("default[priority][0]", first.as_str()), ("default[priority][1]", second.as_str())];
    api.platform.advance(5);
    api.post("/v1/florin/routing", &form).ok();
    api.platform.advance(5);
    api.platform.outside().development(false);
    api.platform.outside().resolve("psp.test", &["169.254.169.254"]);
    let paid =
        api.post_once(PAY, &card(VISA, &[("payment_method_data[card][cvc]", "737")]), "key-1");
    assert_eq!(paid.status, 200);
}

#[test]
fn a_refusal_after_a_slow_first_account_left_a_payment_open_for_days() {
    let routed = Routed::new(2);
    let api = std::rc::Rc::new(routed);
    api.prioritise(&[]);
    api.api.platform.advance(6);
    api.mood(1, Mood::Status(401));
    let waits = std::rc::Rc::downgrade(&api);
    let listener = api.processor.clone();
    api.api.platform.outside().process(move |request| {
        let answer = |status: u16| {
            let error = json!({ "error": { "type": "api_error", "code": "not_now" } });
            Answered { status, body: error.to_string(), ..Answered::default() }
        };
        let routed = waits.upgrade().expect("the deployment");
        match kit::account_of(request).as_str() {
            "sk_test_51" => {
                routed.api.platform.advance(16);
                Ok(answer(429))
            }
            "sk_test_52" => Ok(answer(401)),
            _ => Ok(listener.answer(request)),
        }
    });
    api.api.post_once(PAY, &card(VISA, &[]), "key-1");
    for _ in 0..60 {
        pass(&api.api, HOUR, 1);
    }
    let intent = latest(&api.api);
    assert_ne!(intent.body["status"], "processing");
}

/// An account whose secret does not open, as where it was sealed under another master key.
fn damage(routed: &Routed, place: usize) {
    let damage = "UPDATE connector_accounts SET sealed_credentials = 'damaged' WHERE id = ?1";
    routed.api.platform.database().query(damage, vec![routed.accounts[place].as_str().into()]);
    routed.api.platform.advance(6);
}

#[test]
fn an_account_that_did_not_open_stood_in_the_way_of_the_next() {
    let routed = routed(3, &[("max_attempts", "3")]);
    routed.mood(0, Mood::Status(429));
    damage(&routed, 1);
    let answer = routed.api.post_once(PAY, &card(VISA, &[]), KEY).ok();
    assert_eq!(answer.body["status"], "succeeded");
    assert_eq!(tries(&routed), [refused(0, Value::Null), paid(2, json!("throttled"))]);
    let told = routed.api.platform.errors();
    assert!(told.iter().any(|told| told.problem.contains("sealed")), "{told:?}");
    settled(&routed.api);
}

#[test]
fn a_refusal_was_lost_where_the_next_account_did_not_open() {
    let routed = routed(2, &[]);
    routed.mood(0, Mood::Status(401));
    damage(&routed, 1);
    routed.api.post_once(PAY, &card(VISA, &[]), KEY).error(400);
    assert_eq!(latest(&routed.api).body["status"], "requires_confirmation");
    settled(&routed.api);
}

#[test]
fn a_processor_that_says_in_our_words_that_nothing_was_sent_was_no_try() {
    let routed = routed(4, &[("max_attempts", "1")]);
    routed.api.platform.outside().process(|_| {
        let error =
            json!({ "type": "invalid_request_error", "code": "not_sent", "message": "No." });
        let body = json!({ "error": error }).to_string();
        Ok(Answered { status: 400, body, ..Answered::default() })
    });
    routed.api.post(PAY, &card(VISA, &[])).error(400);
    assert_eq!(tries(&routed), [refused(0, Value::Null)]);
    settled(&routed.api);
}
