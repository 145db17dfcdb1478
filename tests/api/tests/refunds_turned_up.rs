//! Refunds that turn up at a processor after they were given up here, or after the database lost them: each is booked
//! once, and followed from then on.

use std::cell::Cell;
use std::rc::Rc;

use api::hearing::{deliver, deliver_all, delivering, hearing, kept};
use api::processors::{MANUAL, PAY, VISA, attempt, card, lose, only, pass, path};
use api::{Api, invariants};
use domain::timestamp::{DAY, HOUR};
use flows::platform::Answered;
use kit::{Fault, Processor};
use serde_json::{Value, json};

const ATTEMPTS: &str = "/v1/florin/payment_attempts";

/// A refund of so much that happened, of which nobody was told until a person gave it up, who may have named it.
fn given_up(amount: &str, is_named: bool) -> (Api, Processor, String) {
    let (api, processor, hook) = hearing();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    deliver_all(&api, &processor, &hook);
    lose(&api, Fault::AfterEffect);
    api.post("/v1/refunds", &[("payment_intent", paid.id()), ("amount", amount)]).ok();
    processor.fail(Some(500));
    pass(&api, 3 * DAY + HOUR, 13);
    let id = api.get(ATTEMPTS).ok().id_of_first();
    let form =
        [("note", "I looked there."), ("outcome", "failed"), ("processor_reference", "re_1")];
    let form = if is_named { &form[..] } else { &form[..2] };
    api.post(&format!("{ATTEMPTS}/{id}/resolve"), form).ok();
    processor.fail(None);
    (api, processor, hook)
}

/// How the refunds stand, the newest first.
fn statuses(api: &Api) -> Vec<String> {
    let refunds = api.get("/v1/refunds").ok();
    let data = refunds.body["data"].as_array().expect("a list");
    data.iter().map(|refund| refund["status"].as_str().expect("a status").to_owned()).collect()
}

fn refunded(api: &Api) -> Value {
    api.get("/v1/charges").ok().body["data"][0]["amount_refunded"].clone()
}

#[test]
fn a_refund_that_had_turned_up_and_came_back_stayed_given_back() {
    for is_named in [false, true] {
        let (api, processor, hook) = given_up("500", is_named);
        deliver_all(&api, &processor, &hook);
        assert_eq!(
            (statuses(&api), refunded(&api)),
            (vec!["succeeded".into(), "failed".into()], json!(500))
        );
        processor.refunds_become("failed");
        deliver_all(&api, &processor, &hook);
        assert_eq!(
            (statuses(&api), refunded(&api)),
            (vec!["failed".into(), "failed".into()], json!(0))
        );
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn a_refund_that_turned_up_on_its_way_was_followed_by_nobody() {
    for is_named in [false, true] {
        let (api, processor, hook) = given_up("500", is_named);
        processor.take_notices();
        processor.refunds_become("pending");
        deliver_all(&api, &processor, &hook);
        assert_eq!(statuses(&api), ["pending", "failed"]);
        processor.refunds_become("succeeded");
        processor.take_notices();
        pass(&api, 2 * DAY, 48);
        assert_eq!(
            (statuses(&api), refunded(&api)),
            (vec!["succeeded".into(), "failed".into()], json!(500))
        );
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn a_full_refund_that_had_turned_up_was_taken_for_a_second_one() {
    for is_named in [false, true] {
        let (api, processor, hook) = given_up("2000", is_named);
        let told = processor.take_notices().remove(0);
        deliver(&api, &hook, &told);
        deliver(&api, &hook, &told.replace("evt_", "evt_again_"));
        assert_eq!(kept(&api)[1..], ["refund.created processed", "refund.created ignored"]);
        pass(&api, 2 * DAY, 48);
        assert_eq!(attempt(&api, "attention"), Value::Null, "nobody has to look");
        assert_eq!(
            (statuses(&api), refunded(&api)),
            (vec!["succeeded".into(), "failed".into()], json!(2000))
        );
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn a_refund_of_ours_that_the_database_lost_was_booked_by_nobody() {
    let (api, processor, hook) = hearing();
    api.post(PAY, &card(VISA, &[])).ok();
    deliver_all(&api, &processor, &hook);
    let mut lost = processor.give_back("pi_1", 500, "succeeded");
    lost["metadata"]["florin_key"] = json!("att_0123456789abcdefghijklmn");
    deliver(&api, &hook, &Processor::notice("evt_lost", "refund.created", &lost));
    assert_eq!((statuses(&api), refunded(&api)), (vec!["succeeded".into()], json!(500)));
    invariants::check_settled(&api.platform);
}

#[test]
fn what_a_capture_let_go_of_was_booked_as_a_refund_that_somebody_else_made() {
    for (taken, left) in [("1500", 1000), ("700", 200)] {
        let (api, processor, hook) = hearing();
        let held = api.post(PAY, &card(VISA, &[MANUAL])).ok();
        api.post(&(path(&held) + "/capture"), &[("amount_to_capture", taken)]).ok();
        deliver_all(&api, &processor, &hook);
        let before = kept(&api).len();
        processor.tell_release("pi_1");
        // Nobody can tell while the processor is silent.
        let told = processor.take_notices();
        processor.fail(Some(500));
        assert_eq!(kit::run(delivering(&api, &hook, &told[1])), 503);
        processor.fail(None);
        told.iter().for_each(|told| deliver(&api, &hook, told));
        assert_eq!(kept(&api)[before..], ["charge.refunded ignored", "refund.created ignored"]);
        assert_eq!((statuses(&api), refunded(&api)), (vec![], json!(0)), "{taken}");
        // What goes back of the rest is a refund.
        processor.give_back("pi_1", 500, "succeeded");
        deliver(&api, &hook, &processor.take_notices()[1]);
        assert_eq!((statuses(&api), refunded(&api)), (vec!["succeeded".into()], json!(500)));
        let rest = api.post("/v1/refunds", &[("payment_intent", held.id())]).ok();
        assert_eq!(rest.body["amount"], left);
        assert_eq!(only(&processor).refunded, only(&processor).taken);
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn a_refund_that_may_be_none_is_left_to_a_person_where_nobody_may_look() {
    let (api, processor, hook) = hearing();
    let held = api.post(PAY, &card(VISA, &[MANUAL])).ok();
    api.post(&(path(&held) + "/capture"), &[("amount_to_capture", "1500")]).ok();
    processor.take_notices();
    processor.give_back("pi_1", 500, "succeeded");
    let (listener, may_look) = (processor.clone(), Rc::new(Cell::new(false)));
    let allowed = Rc::clone(&may_look);
    api.platform.outside().process(move |request| {
        if allowed.get() || !request.uri().path().starts_with("/v1/refunds/") {
            return Ok(listener.answer(request));
        }
        let refused = json!({ "error": { "type": "invalid_request_error", "message": "No." } });
        Ok(Answered { status: 403, body: refused.to_string(), ..Answered::default() })
    });
    deliver(&api, &hook, &processor.take_notices()[1]);
    assert_eq!((kept(&api), refunded(&api)), (vec!["refund.created parked".into()], json!(0)));
    may_look.set(true);
    let parked = api.get("/v1/florin/connector_webhooks?status=parked").ok();
    let retry = format!("/v1/florin/connector_webhooks/{}/retry", parked.text_at("/data/0/id"));
    assert_eq!(api.post(&retry, &[]).ok().body["status"], "processed");
    assert_eq!(refunded(&api), json!(500));
    invariants::check_settled(&api.platform);
}
