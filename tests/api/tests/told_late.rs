//! What a processor tells late, or of something that nobody here expects: it stands for no answer that it is not, it
//! ends nothing that another is about to go on with, and somebody sees it.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Waker};

use api::hearing::{SECRET, deliver, deliver_all, delivering, hearing, kept};
use api::processors::{
    self, MANUAL, PAY, Routed, VISA, attempt, card, charged_card, connected, latest, lose, only,
    pass, path,
};
use api::{Api, invariants};
use domain::timestamp::{DAY, HOUR};
use flows::platform::Answered;
use http::{Method, Request};
use kit::{Fault, Processor};
use serde_json::{Value, json};

const ATTEMPTS: &str = "/v1/florin/payment_attempts";
const KEY: &str = "key-1";
const CVC: (&str, &str) = ("payment_method_data[card][cvc]", "737");
/// Its issuer says `do_not_honor`.
const SOFT: &str = "4000000000000002";
const CHALLENGED: &str = "4000002760003184";

/// The one payment as it stood at a moment, which is told late.
fn told(processor: &Processor, event: &str, status: &str) -> String {
    let object = json!({
        "id": only(processor).id, "object": "payment_intent", "amount": 2000, "currency": "usd",
        "metadata": { "florin_key": only(processor).key }, "status": status,
        "amount_received": if status == "succeeded" { 2000 } else { 0 },
    });
    Processor::notice(event, &format!("payment_intent.{status}"), &object)
}

/// The alerts that were told of, by name.
fn is_alerted(api: &Api, name: &str) -> bool {
    api.platform.alerts().iter().any(|(told, _)| told == name)
}

#[test]
fn a_late_notice_of_the_payment_was_taken_for_the_answer_of_its_capture_or_void() {
    for (verb, end) in [("capture", "succeeded"), ("cancel", "canceled")] {
        let (api, processor, hook) = hearing();
        let held = api.post(PAY, &card(VISA, &[MANUAL])).ok();
        lose(&api, Fault::BeforeEffect);
        assert_eq!(api.post(&format!("{}/{verb}", path(&held)), &[]).status, 503);
        deliver(&api, &hook, &told(&processor, "evt_late", "processing"));
        assert_eq!(attempt(&api, "processor_reference"), Value::Null, "{verb}");
        pass(&api, 61, 1);
        assert_eq!(only(&processor).status, end, "it is sent again");
        assert_eq!(latest(&api).body["status"], end);
        invariants::check_settled(&api.platform);
    }
}

/// A merchant with two accounts, the first of which tells what happens there.
fn routed_hearing(more: &[(&str, &str)]) -> (Routed, String) {
    let routed = Routed::new(2);
    let account = format!("/v1/florin/connector_accounts/{}", routed.accounts[0]);
    routed.api.post(&account, &[("webhook_secret", SECRET)]).ok();
    routed.prioritise(more);
    let hook = format!("/connectors/stripe/webhooks/{}", routed.accounts[0]);
    (routed, hook)
}

#[test]
fn a_decline_that_was_heard_of_before_its_answer_kept_the_payment_from_going_on() {
    let back = ("return_url", "https://shop.test/done");
    for (number, option, end) in [
        (SOFT, "retry_declines", "requires_payment_method"),
        (CHALLENGED, "step_up", "requires_action"),
    ] {
        for dies in [false, true] {
            let (mut told_early, mut ends, mut polls) = (0, false, 0);
            while !ends {
                let (routed, hook) = routed_hearing(&[(option, "true")]);
                let Routed { api, processor, .. } = &routed;
                processor.demand_challenges();
                let form = card(number, &[back]);
                api.platform.yields(true);
                let mut run = Box::pin(api.posting(PAY, &form, Some(KEY)));
                let mut context = Context::from_waker(Waker::noop());
                ends = (0..polls).any(|_| run.as_mut().poll(&mut context).is_ready());
                polls += 1;
                for body in processor.take_notices().iter().take(1) {
                    told_early += usize::from(!ends);
                    assert_eq!(kit::run(delivering(api, &hook, body)), 200);
                }
                let is_gone = dies && !ends;
                if is_gone {
                    drop(run);
                } else if !ends {
                    kit::run(run);
                }
                api.platform.yields(false);
                pass(api, 200, 3);
                // Where it died, what its processor said of the last try stands.
                if !is_gone {
                    assert_eq!(routed.attempts().len(), 2, "{number} {polls}");
                    assert_eq!(latest(api).body["status"], end, "{number} {polls}");
                }
                let failures = |told: &&String| told.as_str() == "payment_intent.payment_failed";
                assert!(api.event_types().iter().filter(failures).count() <= 1, "{number} {polls}");
                invariants::check_settled(&api.platform);
            }
            assert!(told_early > 0, "in some runs it came before the response");
        }
    }
}

#[test]
fn a_decline_that_was_heard_of_stands_where_whoever_sent_the_payment_died() {
    let (routed, hook) = routed_hearing(&[("retry_declines", "true")]);
    let Routed { api, processor, .. } = &routed;
    lose(api, Fault::AfterEffect);
    api.post_once(PAY, &card(SOFT, &[]), KEY).ok();
    let body = processor.take_notices().remove(0);
    deliver(api, &hook, &body);
    pass(api, 61, 1);
    assert_eq!(latest(api).body["status"], "requires_payment_method");
    assert_eq!(routed.attempts().len(), 1);
    invariants::check_settled(&api.platform);
}

/// Keeps what it is asked to change from the processor, as a network does that delivers it days later.
fn delay(api: &Api, processor: &Processor) -> Rc<RefCell<Vec<Request<String>>>> {
    let (delayed, listener) = (Rc::<RefCell<Vec<_>>>::default(), processor.clone());
    let kept = Rc::clone(&delayed);
    api.platform.outside().process(move |request| {
        if request.method() == Method::POST {
            kept.borrow_mut().push(request.clone());
            return Err("the connection was lost".to_owned());
        }
        Ok(listener.answer(request))
    });
    delayed
}

#[test]
fn a_refund_or_capture_that_turned_up_after_it_was_given_up_was_seen_by_nobody() {
    for is_refund in [true, false] {
        for arrives in [true, false] {
            let (api, processor) = connected();
            let form = if is_refund { card(VISA, &[]) } else { card(VISA, &[MANUAL]) };
            let paid = api.post(PAY, &form).ok();
            let delayed = delay(&api, &processor);
            api.platform.advance(1);
            if is_refund {
                api.post("/v1/refunds", &[("payment_intent", paid.id())]).ok();
            } else {
                assert_eq!(api.post(&(path(&paid) + "/capture"), &[]).status, 503);
            }
            pass(&api, 48 * HOUR, 48);
            assert_eq!(attempt(&api, "state"), "failed");
            if arrives {
                processor.answer(&delayed.borrow()[0]);
            }
            pass(&api, 25 * HOUR, 25);
            let is_left = arrives && !is_refund;
            let listed = api.get(ATTEMPTS).ok();
            let count = listed.body["data"].as_array().map(Vec::len);
            assert_eq!(count, Some(usize::from(is_left)), "{:#}", listed.body);
            assert_eq!(is_alerted(&api, "needs_attention"), is_left);
            let told = |path: &str| api.get(path).ok().body["data"].to_string();
            let booked = told("/v1/refunds").matches("\"status\":\"succeeded\"").count();
            assert_eq!(booked, usize::from(arrives && is_refund), "{}", told("/v1/refunds"));
            if is_left {
                // Whoever captures it anew finds that it was.
                api.platform.outside().process(move |request| Ok(processor.answer(request)));
                api.post(&(path(&paid) + "/capture"), &[]).ok();
                pass(&api, 25 * HOUR, 25);
                assert_eq!(told(ATTEMPTS), "[]");
            }
            invariants::check(&api.platform);
        }
    }
}

/// Refuses what is read at paths with this end, and listens to the rest.
fn refuse_reads(api: &Api, processor: &Processor, end: &'static str, status: u16) {
    let listener = processor.clone();
    api.platform.outside().process(move |request| {
        let refused = json!({ "error": { "type": "invalid_request_error", "message": "No." } });
        match request.method() == Method::GET && request.uri().path().ends_with(end) {
            true => Ok(Answered { status, body: refused.to_string(), ..Answered::default() }),
            false => Ok(listener.answer(request)),
        }
    });
}

#[test]
fn a_refused_search_kept_a_payment_from_being_sent_again() {
    // A key may not search, or nobody may, as in India.
    let cases = [(&[][..], 0, true), (&[CVC][..], 0, false), (&[][..], 24, false)];
    for (refusal, (more, hours, sends)) in
        [403, 400, 404].into_iter().flat_map(|status| cases.map(|case| (status, case)))
    {
        let (api, processor) = connected();
        refuse_reads(&api, &processor, "/search", refusal);
        lose(&api, Fault::BeforeEffect);
        api.post(PAY, &card(VISA, more));
        // Nothing is sent too late, however long nobody looked.
        api.platform.advance(hours * HOUR);
        pass(&api, 300, 5);
        assert_eq!(processor.payments().len(), usize::from(sends), "{refusal} {more:?} {hours}");
        let status = if sends { "succeeded" } else { "processing" };
        assert_eq!(latest(&api).body["status"], status, "{refusal} {more:?} {hours}");
        // Nor is a refused question a proof that there is nothing.
        pass(&api, 3 * DAY, 72);
        assert_eq!(latest(&api).body["status"], status, "{refusal} {more:?} {hours}");
        assert_eq!(attempt(&api, "attention").is_string(), !sends, "{refusal} {more:?} {hours}");
    }
}

#[test]
fn a_refund_whose_answer_was_lost_waited_where_refunds_may_not_be_read() {
    let faults = [Fault::BeforeEffect, Fault::AfterEffect];
    for (refusal, fault) in faults.into_iter().flat_map(|fault| [(403, fault), (400, fault)]) {
        let (api, processor) = connected();
        refuse_reads(&api, &processor, "/refunds", refusal);
        let paid = api.post(PAY, &card(VISA, &[])).ok();
        lose(&api, fault);
        api.post("/v1/refunds", &[("payment_intent", paid.id()), ("amount", "500")]).ok();
        pass(&api, 300, 5);
        assert_eq!(only(&processor).refunded, 500, "{refusal} {fault:?}");
        assert_eq!(attempt(&api, "state"), "succeeded", "{refusal} {fault:?}");
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn a_payment_of_ours_that_the_database_lost_was_missed_by_nobody() {
    for (key, calls) in [("att_0123456789abcdefghijklmn", true), ("order-7", false)] {
        let (api, processor, hook) = hearing();
        api.post(PAY, &card(VISA, &[])).ok();
        let ours = only(&processor).key;
        let key = if calls { ours.replace(&ours[8..12], "zzzz") } else { key.to_owned() };
        let lost = json!({
            "id": "pi_lost", "object": "payment_intent", "amount": 2000, "currency": "usd",
            "metadata": { "florin_key": key }, "status": "succeeded", "amount_received": 2000,
        });
        deliver(&api, &hook, &Processor::notice("evt_lost", "payment_intent.succeeded", &lost));
        assert_eq!(kept(&api), ["payment_intent.succeeded parked"]);
        pass(&api, 2 * HOUR, 60);
        assert_eq!(is_alerted(&api, "connector_webhook_parked"), calls, "{key}");
    }
}

#[test]
fn what_a_person_gave_back_by_hand_was_given_back_again() {
    for (more, end) in [(&[][..], "succeeded"), (&[MANUAL][..], "canceled")] {
        let (api, processor, hook) = hearing();
        lose(&api, Fault::AfterEffect);
        api.post(PAY, &card(VISA, more)).ok();
        let notice = processor.take_notices().remove(0);
        processor.fail(Some(500));
        pass(&api, 3 * DAY + HOUR, 13);
        let resolve = |outcome: &str| {
            let id = api.get(ATTEMPTS).ok().id_of_first();
            let form = [("note", "Given back by hand."), ("outcome", outcome)];
            api.post(&format!("{ATTEMPTS}/{id}/resolve"), &form).ok();
        };
        resolve("failed");
        processor.fail(None);
        api.platform.alerts().clear();
        deliver(&api, &hook, &notice);
        pass(&api, 4 * DAY, 96);
        assert_eq!((only(&processor).status.as_str(), only(&processor).refunded), (end, 0));
        let is_left = end == "succeeded";
        let listed = api.get(ATTEMPTS).ok();
        assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(usize::from(is_left)));
        if is_left {
            assert!(is_alerted(&api, "needs_attention"));
            resolve("handled");
            let again = notice.replace("evt_", "evt_again_");
            deliver(&api, &hook, &again);
            pass(&api, 4 * DAY, 96);
            assert_eq!(only(&processor).refunded, 0);
            assert_eq!(api.get(ATTEMPTS).ok().body["data"], json!([]));
        }
        assert_eq!(processors::latest(&api).body["status"], "requires_payment_method");
        invariants::check(&api.platform);
    }
}

#[test]
fn a_late_notice_took_a_parked_attempt_from_the_person() {
    let (api, processor, hook) = hearing();
    lose(&api, Fault::AfterEffect);
    api.post(PAY, &card(VISA, &[MANUAL])).ok();
    processor.fail(Some(503));
    pass(&api, 3 * DAY + HOUR, 80);
    assert_ne!(attempt(&api, "attention"), Value::Null);
    let object = json!({
        "id": only(&processor).id, "object": "payment_intent", "amount": 2000, "currency": "usd",
        "metadata": { "florin_key": only(&processor).key }, "status": "processing",
        "amount_received": 0,
    });
    deliver(&api, &hook, &Processor::notice("evt_late", "payment_intent.processing", &object));
    assert_ne!(attempt(&api, "attention"), Value::Null, "a person still has to look");
}

#[test]
fn a_notice_of_an_older_version_of_the_api_was_taken_for_whole() {
    let (api, processor, hook) = hearing();
    lose(&api, Fault::AfterEffect);
    let wants = ("payment_method_options[card][request_multicapture]", "if_available");
    api.post(PAY, &card(VISA, &[MANUAL, wants])).ok();
    let object = json!({
        "id": only(&processor).id, "object": "payment_intent", "amount": 2000, "currency": "usd",
        "metadata": { "florin_key": only(&processor).key }, "status": "requires_capture",
        "amount_received": 0, "amount_capturable": 2000,
        "charges": { "object": "list", "data": [] },
    });
    deliver(
        &api,
        &hook,
        &Processor::notice("evt_1", "payment_intent.amount_capturable_updated", &object),
    );
    assert_eq!(latest(&api).body["status"], "requires_capture");
    assert_eq!(charged_card(&api)["multicapture"]["status"], "available");
    invariants::check_settled(&api.platform);
}

#[test]
fn a_hold_that_ended_while_an_increment_was_open_stayed_held_here() {
    let (api, processor, hook) = hearing();
    let wants = ("payment_method_options[card][request_incremental_authorization]", "if_available");
    let held = api.post(PAY, &card(VISA, &[MANUAL, wants])).ok();
    let _ = processor.take_notices();
    lose(&api, Fault::BeforeEffect);
    api.post(&(path(&held) + "/increment_authorization"), &[("amount", "3000")]);
    processor.expire(&only(&processor).id);
    api::hearing::deliver_all(&api, &processor, &hook);
    pass(&api, 3 * HOUR, 12);
    assert_eq!(only(&processor).status, "canceled");
    assert_ne!(latest(&api).body["status"], "requires_capture", "nothing is held there");
}

#[test]
fn money_that_went_back_to_its_cardholder_by_a_late_void_was_kept_in_the_books() {
    let (api, processor, hook) = hearing();
    api.post(PAY, &card(VISA, &[])).ok();
    // It was so before, and is told late.
    deliver(&api, &hook, &told(&processor, "evt_old", "canceled"));
    assert_eq!(kept(&api), ["payment_intent.canceled ignored"]);
    processor.take_notices();
    processor.send_back(&only(&processor).id);
    deliver_all(&api, &processor, &hook);
    assert_eq!(kept(&api)[1..], ["payment_intent.canceled parked"]);
    pass(&api, 2 * HOUR, 60);
    assert!(is_alerted(&api, "connector_webhook_parked"));
}

#[test]
fn a_hold_that_its_cardholder_allowed_late_was_let_go_of_early() {
    let (api, processor) = connected();
    let more = [MANUAL, ("return_url", "https://shop.test/done")];
    let waits = api.post(PAY, &card(CHALLENGED, &more)).ok();
    pass(&api, 2 * DAY, 4);
    processor.challenge(&only(&processor).id, true);
    pass(&api, HOUR, 60);
    let held = api.get(&path(&waits)).ok();
    assert_eq!(held.body["status"], "requires_capture");
    let end = charged_card(&api)["capture_before"].as_i64().expect("a moment");
    let created = held.body["created"].as_i64().expect("a moment");
    assert!(end > created + 9 * DAY, "{}", end - created);
}
