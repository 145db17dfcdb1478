//! What a processor did, or did not do, is found out: after lost answers, crashes and challenges, and never
//! guessed.

use api::processors::{
    self, MANUAL, PAY, Pairs, VISA, attempt, connected, latest, lose, only, pass, path,
};
use api::{Answer, Api, cases, invariants};
use domain::timestamp::{DAY, HOUR};
use kit::{Fault, Paid, Processor};
use serde_json::{Value, json};

const KEY: &str = "key-1";
const CHALLENGED: &str = "4000002760003184";
const CVC: (&str, &str) = ("payment_method_data[card][cvc]", "737");

/// The form of a payment whose cardholder comes back to the shop after a challenge.
fn card(number: &'static str, more: &[(&'static str, &'static str)]) -> Pairs {
    let back = [("return_url", "https://shop.test/done")];
    processors::card(number, &[back.as_slice(), more].concat())
}

#[test]
fn a_lost_answer_leaves_a_payment_processing_until_it_is_found() {
    for (fault, requests) in [
        (Fault::AfterEffect, vec!["GET /v1/payment_intents/search"]),
        (Fault::BeforeEffect, vec!["GET /v1/payment_intents/search", "POST /v1/payment_intents"]),
    ] {
        let (api, processor) = connected();
        lose(&api, fault);
        let open = api.post_once(PAY, &card(VISA, &[]), KEY).ok();
        assert_eq!(open.body["status"], "processing", "{fault:?}");
        assert_eq!(attempt(&api, "state"), "started");
        assert_eq!(api.post(&(path(&open) + "/cancel"), &[]).status, 429, "nothing else is tried");
        processor.take_requests();
        pass(&api, 61, 1);
        assert_eq!(processor.take_requests(), requests, "{fault:?}");
        assert_eq!(latest(&api).body["status"], "succeeded");
        assert_eq!(only(&processor).taken, 2000, "{fault:?}");
        let told = api.event_types();
        let count = |name| told.iter().filter(|told| *told == name).count();
        assert_eq!(count("payment_intent.processing"), 1, "{told:?}");
        assert_eq!(count("payment_intent.succeeded"), 1, "{told:?}");
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn a_search_that_lags_behind_does_not_pay_twice() {
    let (api, processor) = connected();
    lose(&api, Fault::AfterEffect);
    api.post(PAY, &card(VISA, &[])).ok();
    processor.hide(true);
    pass(&api, 61, 1);
    assert_eq!(only(&processor).taken, 2000, "the key is sent again, and acts once");
    assert_eq!(latest(&api).body["status"], "succeeded");
    invariants::check_settled(&api.platform);
}

#[test]
fn an_html_page_of_a_gateway_is_no_answer() {
    let (api, processor) = connected();
    processor.fail(Some(502));
    let open = api.post(PAY, &card(VISA, &[])).ok();
    assert_eq!(open.body["status"], "processing");
    pass(&api, HOUR, 20);
    assert_eq!(latest(&api).body["status"], "processing", "nothing is guessed");
    processor.fail(None);
    pass(&api, HOUR, 1);
    assert_eq!(latest(&api).body["status"], "succeeded");
    assert_eq!(only(&processor).taken, 2000);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_request_with_a_security_code_is_sent_again_by_its_client_alone() {
    let (api, processor) = connected();
    lose(&api, Fault::BeforeEffect);
    let form = card(VISA, &[CVC]);
    let open = api.post_once(PAY, &form, KEY);
    assert_eq!(open.status, 503, "{:#}", open.body);
    assert_eq!(open.header("stripe-should-retry"), Some("true"));
    pass(&api, 600, 10);
    assert!(processor.payments().is_empty(), "recovery only looks it up");
    assert_eq!(latest(&api).body["status"], "processing");
    let paid = api.post_once(PAY, &form, KEY).ok();
    assert_eq!(paid.body["status"], "succeeded");
    assert_eq!(only(&processor).cvc.as_deref(), Some("737"));
    assert_eq!(api.post_once(PAY, &form, KEY).ok().body, paid.body);
    invariants::check_settled(&api.platform);
}

#[test]
fn after_23_hours_a_request_is_only_looked_up_and_in_the_end_known_not_to_have_arrived() {
    let (api, processor) = connected();
    lose(&api, Fault::BeforeEffect);
    let open = api.post(PAY, &card(VISA, &[])).ok();
    processor.fail(Some(503));
    processor.hide(true);
    pass(&api, 23 * HOUR, 23);
    processor.fail(None);
    processor.forget_keys();
    let reached = processor.payments().len();
    processor.take_requests();
    pass(&api, 23 * HOUR, 23);
    assert!(processor.take_requests().iter().all(|asked| asked.starts_with("GET ")));
    assert_eq!(processor.payments().len(), reached);
    assert_eq!(latest(&api).body["status"], "processing", "what is not found may be there");
    pass(&api, 3 * HOUR, 3);
    let failed = latest(&api);
    assert_eq!(
        (failed.id(), &failed.body["status"]),
        (open.id(), &"requires_payment_method".into())
    );
    assert_eq!(failed.body["last_payment_error"]["code"], "processing_error");
    invariants::check_settled(&api.platform);
}

#[test]
fn a_success_that_turns_up_after_it_was_given_up_goes_back() {
    for (more, status, refunded) in [(&[][..], "succeeded", 2000), (&[MANUAL][..], "canceled", 0)] {
        let (api, processor) = connected();
        lose(&api, Fault::AfterEffect);
        api.post(PAY, &card(VISA, &[more, &[CVC]].concat()));
        processor.hide(true);
        pass(&api, 48 * HOUR, 48);
        assert_eq!(latest(&api).body["status"], "requires_payment_method");
        processor.hide(false);
        pass(&api, 26 * HOUR, 26);
        let there = only(&processor);
        assert_eq!((there.status.as_str(), there.refunded), (status, refunded));
        pass(&api, 26 * HOUR, 26);
        assert_eq!(only(&processor).refunded, refunded, "once");
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn an_attempt_that_nobody_can_tell_of_is_left_to_a_person_after_three_days() {
    let (api, processor) = connected();
    processor.fail(Some(500));
    let open = api.post(PAY, &card(VISA, &[])).ok();
    pass(&api, 3 * DAY - HOUR, 72);
    assert_eq!(attempt(&api, "attention"), Value::Null);
    pass(&api, 2 * HOUR, 2);
    assert!(attempt(&api, "attention").as_str().is_some_and(|why| why.contains("three days")));
    assert_eq!(latest(&api).body["status"], "processing", "and still nothing is guessed");
    let told = api.event_types();
    assert_eq!(told.iter().filter(|told| told.ends_with("needs_attention")).count(), 1, "{told:?}");
    processor.take_requests();
    pass(&api, DAY, 24);
    assert_eq!(processor.take_requests(), ["GET /v1/payment_intents/search"], "once a day");
    assert_eq!(api.post(&(path(&open) + "/confirm"), &[]).status, 429, "nor tries another way");
    invariants::check(&api.platform);
}

#[test]
fn what_its_processor_is_silent_about_is_asked_after_ever_more_seldom() {
    let (api, processor) = connected();
    lose(&api, Fault::AfterEffect);
    api.post(PAY, &card(VISA, &[("payment_method_data[card][cvc]", "737")]));
    processor.hide(true);
    processor.take_requests();
    let mut asked = Vec::new();
    for minute in 1..=6 * 60 {
        pass(&api, 60, 1);
        if !processor.take_requests().is_empty() {
            asked.push(minute);
        }
    }
    let pauses: Vec<i64> = asked.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(asked[0] <= 2, "{asked:?}");
    assert!(pauses.windows(2).all(|two| two[0] <= two[1] + 1), "{asked:?}");
    assert!(pauses.iter().all(|pause| *pause <= 61), "{asked:?}");
    assert!(pauses.iter().filter(|pause| **pause >= 60).count() >= 4, "{asked:?}");
    assert!((8..=14).contains(&asked.len()), "{asked:?}");
}

#[test]
fn another_amount_than_was_asked_for_is_left_to_a_person() {
    let (api, processor) = connected();
    processor.misread(1);
    let open = api.post(PAY, &card(VISA, &[])).ok();
    assert_eq!(open.body["status"], "processing");
    assert_eq!(attempt(&api, "state"), "started");
    let why = attempt(&api, "attention");
    assert!(
        why.as_str().is_some_and(|why| why.contains("2000 usd") && why.contains("2001")),
        "{why}"
    );
    let told = api.event_types();
    assert!(told.iter().any(|told| told == "florin.payment_attempt.needs_attention"), "{told:?}");
    pass(&api, DAY, 24);
    assert_eq!(only(&processor).taken, 2001, "nothing is tried with it");
    invariants::check(&api.platform);
}

#[test]
fn another_amount_than_was_to_be_captured_or_given_back_is_left_to_a_person() {
    for is_refund in [false, true] {
        let (api, processor) = connected();
        let paid = api.post(PAY, &card(VISA, if is_refund { &[] } else { &[MANUAL] })).ok();
        api.platform.advance(1);
        processor.misread(1);
        match is_refund {
            true => api.post("/v1/refunds", &[("payment_intent", paid.id()), ("amount", "500")]),
            false => api.post(&(path(&paid) + "/capture"), &[("amount_to_capture", "500")]),
        };
        let why = attempt(&api, "attention").to_string();
        assert!(why.contains("500") && why.contains("501"), "{why}");
        invariants::check(&api.platform);
    }
}

#[test]
fn a_refund_on_its_way_that_became_another_amount_was_seen_by_nobody_for_a_month() {
    let (api, processor) = connected();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    processor.refunds_become("pending");
    api.platform.advance(1);
    api.post("/v1/refunds", &[("payment_intent", paid.id()), ("amount", "500")]).ok();
    processor.change_refund("re_1", "amount", json!(501));
    pass(&api, DAY, 12);
    let why = attempt(&api, "attention").to_string();
    assert!(why.contains("500") && why.contains("501"), "{why}");
}

#[test]
fn a_refund_that_failed_was_told_of_with_a_reason_that_nobody_had_given() {
    for (said, shown) in
        [("insufficient_funds", "insufficient_funds"), ("AM04", "unknown"), ("", "unknown")]
    {
        let (api, processor) = connected();
        let paid = api.post(PAY, &card(VISA, &[])).ok();
        processor.refunds_become("pending");
        api.post("/v1/refunds", &[("payment_intent", paid.id())]).ok();
        processor.refunds_become("failed");
        let said = if said.is_empty() { Value::Null } else { json!(said) };
        processor.change_refund("re_1", "failure_reason", said);
        pass(&api, DAY, 12);
        let refund = api.get("/v1/refunds").ok();
        assert_eq!(refund.body["data"][0]["failure_reason"], shown);
    }
}

#[test]
fn operations_on_held_money_recover_as_payments_do() {
    let options = [
        MANUAL,
        ("payment_method_options[card][request_incremental_authorization]", "if_available"),
    ];
    type Check = fn(&Paid) -> bool;
    let operations: [(&str, Pairs, Check); 4] = [
        ("capture", vec![], |paid| paid.taken == 2000),
        ("capture", vec![("amount_to_capture", "700")], |paid| paid.taken == 700),
        ("increment_authorization", vec![("amount", "3000")], |paid| paid.amount == 3000),
        ("cancel", vec![], |paid| paid.status == "canceled"),
    ];
    for (verb, form, is_done) in operations {
        for fault in [Fault::BeforeEffect, Fault::AfterEffect] {
            let (api, processor) = connected();
            let held = api.post(PAY, &card(VISA, &options)).ok();
            lose(&api, fault);
            let path = format!("{}/{verb}", path(&held));
            let open = api.post_once(&path, &form, KEY);
            assert_eq!(open.status, 503, "{verb} {fault:?}: {:#}", open.body);
            pass(&api, 61, 1);
            assert!(is_done(&only(&processor)), "{verb} {fault:?}: {:?}", only(&processor));
            api.post_once(&path, &form, KEY).ok();
            assert!(is_done(&only(&processor)), "{verb} {fault:?}: {:?}", only(&processor));
            invariants::check_settled(&api.platform);
        }
    }
}

#[test]
fn a_refund_whose_answer_was_lost_is_pending_until_it_is_found() {
    for fault in [Fault::BeforeEffect, Fault::AfterEffect] {
        let (api, processor) = connected();
        let paid = api.post(PAY, &card(VISA, &[])).ok();
        lose(&api, fault);
        let form = [("payment_intent", paid.id()), ("amount", "500")];
        let refund = api.post("/v1/refunds", &form).ok();
        assert_eq!(refund.body["status"], "pending", "{fault:?}");
        pass(&api, 61, 1);
        assert_eq!(only(&processor).refunded, 500, "{fault:?}");
        let path = format!("/v1/refunds/{}", refund.id());
        assert_eq!(api.get(&path).ok().body["status"], "succeeded");
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn a_refund_that_is_on_its_way_is_asked_after() {
    for end in ["succeeded", "failed"] {
        let (api, processor) = connected();
        let paid = api.post(PAY, &card(VISA, &[])).ok();
        processor.refunds_become("pending");
        let refund = api.post("/v1/refunds", &[("payment_intent", paid.id())]).ok();
        let path = format!("/v1/refunds/{}", refund.id());
        pass(&api, 3 * HOUR, 6);
        assert_eq!(api.get(&path).ok().body["status"], "pending");
        processor.refunds_become(end);
        pass(&api, 2 * HOUR, 4);
        assert_eq!(api.get(&path).ok().body["status"], end);
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn a_refund_that_fails_at_once_gives_the_money_back_to_the_charge() {
    let (api, processor) = connected();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    processor.refunds_become("failed");
    let refund = api.post("/v1/refunds", &[("payment_intent", paid.id())]).ok();
    assert_eq!(refund.body["status"], "failed");
    let charge = api.get(&format!("/v1/charges/{}", paid.text_at("/latest_charge"))).ok();
    assert_eq!(charge.body["amount_refunded"], 0);
    processor.refunds_become("succeeded");
    api.post("/v1/refunds", &[("payment_intent", paid.id())]).ok();
    assert_eq!(only(&processor).refunded, 2000);
    invariants::check_settled(&api.platform);
}

#[test]
fn an_authorisation_that_expired_there_is_not_captured_and_lets_go_of_what_it_held() {
    let (api, processor) = connected();
    let held = api.post(PAY, &card(VISA, &[MANUAL])).ok();
    processor.expire(&only(&processor).id);
    let path = path(&held);
    let refused = api.post_once(&(path.clone() + "/capture"), &[], KEY);
    assert_eq!(refused.error(400)["code"], "charge_expired_for_capture");
    assert_eq!(api.get(&path).ok().body["status"], "canceled");
    invariants::check_settled(&api.platform);
}

fn challenged(api: &Api, more: &[(&'static str, &'static str)]) -> Answer {
    let intent = api.post(PAY, &card(CHALLENGED, more)).ok();
    assert_eq!(intent.body["status"], "requires_action");
    intent
}

/// The page of ours that the processor sends the cardholder back to.
fn come_back(api: &Api, processor: &Processor) -> Answer {
    let back = processor.payments().last().and_then(|paid| paid.return_url.clone());
    let request = http::Request::get(back.expect("a page of ours")).body(Vec::new());
    kit::run(api.answer(&request.expect("a request")))
}

#[test]
fn a_cardholder_proves_who_they_are_at_the_processor_and_comes_back() {
    let (api, processor) = connected();
    let intent = challenged(&api, &[]);
    let url = intent.text_at("/next_action/redirect_to_url/url");
    assert_eq!(url, format!("https://acs.test/{}", only(&processor).id));
    let early = come_back(&api, &processor);
    assert_eq!(early.status, 303);
    assert_eq!(latest(&api).body["status"], "requires_action", "it is not over");
    processor.challenge(&only(&processor).id, true);
    for _ in 0..2 {
        let back = come_back(&api, &processor);
        let way = back.header("location").expect("a way back");
        assert!(way.starts_with("https://shop.test/done?payment_intent=pi_"), "{way}");
        assert!(way.ends_with("redirect_status=succeeded"), "{way}");
    }
    assert_eq!(latest(&api).body["status"], "succeeded");
    assert_eq!(api.event_types().iter().filter(|name| *name == "charge.succeeded").count(), 1);
    invariants::check_settled(&api.platform);
}

#[test]
fn nobody_completes_a_processors_challenge_on_our_own_page() {
    let (api, processor) = connected();
    challenged(&api, &[]);
    let back = only(&processor).return_url.expect("a page of ours");
    let request = http::Request::post(back).body(b"result=complete".to_vec()).expect("a request");
    assert_eq!(kit::run(api.answer(&request)).status, 404);
    assert_eq!(latest(&api).body["status"], "requires_action");
}

#[test]
fn a_cardholder_who_never_comes_back_is_found_to_have_paid() {
    let (api, processor) = connected();
    challenged(&api, &[]);
    pass(&api, 300, 5);
    assert_eq!(latest(&api).body["status"], "requires_action");
    processor.challenge(&only(&processor).id, true);
    pass(&api, HOUR, 6);
    assert_eq!(latest(&api).body["status"], "succeeded");
    invariants::check_settled(&api.platform);
}

#[test]
fn a_cardholder_who_fails_is_declined() {
    let (api, processor) = connected();
    challenged(&api, &[]);
    processor.challenge(&only(&processor).id, false);
    let back = come_back(&api, &processor);
    assert!(back.header("location").is_some_and(|way| way.ends_with("redirect_status=failed")));
    assert_eq!(latest(&api).body["status"], "requires_payment_method");
    invariants::check_settled(&api.platform);
}

#[test]
fn scenario_48_a_challenge_that_is_completed_after_its_payment_was_canceled_is_given_back() {
    let (api, processor) = connected();
    let intent = challenged(&api, &[]);
    // The processor hears of the cancellation too late: its cardholder has paid by then.
    processor.fail(Some(503));
    api.post(&(path(&intent) + "/cancel"), &[]).ok();
    api.beat();
    processor.fail(None);
    processor.challenge(&only(&processor).id, true);
    let back = come_back(&api, &processor);
    let location = back.header("location").expect("a way back");
    assert!(location.contains("redirect_status=failed"), "{location}");
    pass(&api, HOUR, 10);
    assert_eq!((only(&processor).taken, only(&processor).refunded), (2000, 2000));
    let ended = latest(&api);
    assert_eq!(
        (&ended.body["status"], &ended.body["amount_received"]),
        (&json!("canceled"), &json!(0))
    );
    assert!(!api.event_types().iter().any(|told| told == "payment_intent.succeeded"));
    invariants::check_settled(&api.platform);
}

#[test]
fn a_challenge_that_is_given_up_is_voided_or_given_back() {
    for completes_first in [false, true] {
        let (api, processor) = connected();
        let intent = challenged(&api, &[]);
        if completes_first {
            processor.challenge(&only(&processor).id, true);
        }
        api.post(&(path(&intent) + "/cancel"), &[]).ok();
        api.beat();
        let there = only(&processor);
        match completes_first {
            false => assert_eq!(there.status, "canceled"),
            true => assert_eq!(there.refunded, 2000),
        }
        assert_eq!(latest(&api).body["status"], "canceled");
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn a_challenge_that_nobody_can_be_sent_to_is_voided() {
    let (api, processor) = connected();
    let refused = api.post(PAY, &card(CHALLENGED, &[("error_on_requires_action", "true")]));
    assert_eq!(refused.status, 402, "{:#}", refused.body);
    api.beat();
    assert_eq!(only(&processor).status, "canceled");
    invariants::check_settled(&api.platform);
}

/// More polls than any operation has.
const MOST_POLLS: u32 = 200;

/// An operation dies at each of its awaits; its client asks again, or recovery comes, or both: the processor did
/// it once, and both agree.
#[test]
fn an_operation_that_dies_at_any_await_is_done_once() {
    let holds = [MANUAL].to_vec();
    type Step = (&'static str, Pairs, i64);
    let operations: [Step; 5] = [
        ("", card(VISA, &[]), 2000),
        ("", card(VISA, &[CVC]), 2000),
        ("/capture", vec![("amount_to_capture", "1500")], 1500),
        ("/cancel", vec![], 0),
        ("/refunds", vec![("amount", "1200")], 2000),
    ];
    for (verb, form, taken) in operations {
        let mut polls = 1;
        loop {
            let mut ended = false;
            for retries in [false, true] {
                let (api, processor) = connected();
                let target = match verb {
                    "" => PAY.to_owned(),
                    "/refunds" => {
                        let paid = api.post(PAY, &card(VISA, &[])).ok();
                        format!("/v1/charges/{}/refunds", paid.text_at("/latest_charge"))
                    }
                    verb => path(&api.post(PAY, &card(VISA, &holds)).ok()) + verb,
                };
                api.platform.yields(true);
                let run = kit::run_until_poll(polls, api.posting(&target, &form, Some(KEY)));
                api.platform.yields(false);
                ended = run.is_some();
                // The lease of a request that died runs out.
                api.platform.advance(20);
                if retries {
                    let again = api.post_once(&target, &form, KEY);
                    assert_eq!(again.status, 200, "{verb} {polls}: {:#}", again.body);
                }
                pass(&api, 130, 2);
                check_once(&api, &processor, (verb, polls, retries), taken);
            }
            if ended {
                break;
            }
            polls += cases(3, 1);
            assert!(polls < MOST_POLLS);
        }
    }
}

fn check_once(api: &Api, processor: &Processor, what: (&str, u32, bool), taken: i64) {
    let payments = processor.payments();
    assert!(payments.len() <= 1, "{what:?}: {payments:?}");
    let received = |column: &str, table: &str| -> i64 {
        let sql = format!("SELECT COALESCE(SUM({column}), 0) AS sum FROM {table}");
        api.platform.database().query(&sql, vec![])[0].integer("sum").expect("a sum")
    };
    let Some(there) = payments.first() else {
        assert_eq!(received("captured", "charges"), 0, "{what:?}");
        return;
    };
    assert_eq!(received("captured", "charges"), there.taken, "{what:?}: {there:?}");
    assert_eq!(received("refunded", "charges"), there.refunded, "{what:?}: {there:?}");
    if what.2 {
        assert_eq!(there.taken, taken, "{what:?}");
    }
    // A security code that its client does not send again leaves its payment open: recovery asks for days.
    let waits = "SELECT id FROM attempts WHERE state = 'started'";
    if api.platform.database().query(waits, vec![]).is_empty() {
        invariants::check_settled(&api.platform);
    } else {
        invariants::check(&api.platform);
    }
}
