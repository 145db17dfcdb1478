//! Money that moves at a processor without us: refunds by somebody else, refunds that fail late, disputes, and holds
//! that end there. However and in whichever order it is told, the books end as they should.

use std::pin::Pin;

use api::hearing::{deliver, deliver_all, delivering, dispute, disputed, hearing, kept, now};
use api::processors::{MANUAL, PAY, VISA, card, latest, lose, only, pass, path};
use api::{Answer, Api, cases, invariants};
use domain::timestamp::{DAY, HOUR};
use kit::{Fault, Processor};
use proptest::prelude::*;
use serde_json::{Value, json};

const LIST: &str = "/v1/florin/connector_webhooks";

fn paid(api: &Api) -> Answer {
    api.post(PAY, &card(VISA, &[])).ok()
}

fn charge(api: &Api) -> Value {
    api.get("/v1/charges").ok().body["data"][0].clone()
}

/// What the merchant has, pending and available.
fn balance(api: &Api) -> i64 {
    let balance = api.get("/v1/balance").ok().body;
    let sum = |part: &str| {
        let sums = balance[part].as_array().expect("a list");
        sums.iter().filter_map(|sum| sum["amount"].as_i64()).sum::<i64>()
    };
    sum("pending") + sum("available")
}

#[test]
fn a_refund_that_somebody_else_made_is_shown_and_booked_once() {
    let (api, processor, hook) = hearing();
    paid(&api);
    let before = balance(&api);
    deliver_all(&api, &processor, &hook);
    processor.give_back("pi_1", 500, "succeeded");
    let told = processor.take_notices();
    for _ in 0..2 {
        told.iter().for_each(|body| deliver(&api, &hook, body));
    }
    let refunds = api.get("/v1/refunds").ok();
    assert_eq!(refunds.body["data"].as_array().map(Vec::len), Some(1), "{:#}", refunds.body);
    let refund = &refunds.body["data"][0];
    assert_eq!((&refund["amount"], &refund["status"]), (&500.into(), &"succeeded".into()));
    assert_eq!(
        (charge(&api)["amount_refunded"].as_i64(), before - balance(&api)),
        (Some(500), 500)
    );
    // The sum came first, when it was more than was known here.
    assert_eq!(
        kept(&api)[1..],
        ["charge.refunded parked".to_owned(), "refund.created processed".to_owned()]
    );
    pass(&api, 2 * HOUR, 8);
    assert_eq!(kept(&api)[1], "charge.refunded ignored", "which it is no more");
    let rest = api.post("/v1/refunds", &[("charge", charge(&api)["id"].as_str().expect("an id"))]);
    assert_eq!(rest.ok().body["amount"], 1500);
    assert_eq!(only(&processor).refunded, 2000);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_refund_that_somebody_else_made_is_asked_after_until_it_arrives() {
    let (api, processor, hook) = hearing();
    paid(&api);
    processor.give_back("pi_1", 500, "pending");
    deliver_all(&api, &processor, &hook);
    assert_eq!(api.get("/v1/refunds").ok().text_at("/data/0/status"), "pending");
    processor.refunds_become("succeeded");
    processor.take_notices();
    pass(&api, HOUR, 4);
    assert_eq!(api.get("/v1/refunds").ok().text_at("/data/0/status"), "succeeded");
    invariants::check_settled(&api.platform);
}

#[test]
fn a_refund_of_a_payment_whose_answer_was_lost_waits_for_it() {
    let (api, processor, hook) = hearing();
    lose(&api, Fault::AfterEffect);
    paid(&api);
    processor.take_notices();
    processor.give_back("pi_1", 500, "succeeded");
    deliver_all(&api, &processor, &hook);
    assert_eq!(kept(&api), ["charge.refunded parked", "refund.created parked"]);
    pass(&api, 5 * HOUR, 20);
    assert_eq!(charge(&api)["amount_refunded"], 500);
    assert!(kept(&api).iter().all(|kept| !kept.ends_with("parked")), "{:?}", kept(&api));
    invariants::check_settled(&api.platform);
}

#[test]
fn a_person_tries_again_what_was_parked() {
    let (api, processor, hook) = hearing();
    lose(&api, Fault::AfterEffect);
    paid(&api);
    processor.take_notices();
    processor.give_back("pi_1", 500, "succeeded");
    let refund = processor.take_notices().remove(1);
    deliver(&api, &hook, &refund);
    let parked = api.get(&format!("{LIST}?status=parked")).ok();
    let retry = format!("{LIST}/{}/retry", parked.text_at("/data/0/id"));
    assert_eq!(api.post(&retry, &[]).ok().body["status"], "parked");
    // The payment is recorded, and nobody has tried again yet.
    api.platform.advance(61);
    api.platform
        .database()
        .query("DELETE FROM scheduled_tasks WHERE kind = 'retry_connector_webhook'", vec![]);
    api.beat();
    let tried = api.post(&retry, &[]).ok();
    assert_eq!(
        (&tried.body["status"], &tried.body["problem"]),
        (&"processed".into(), &Value::Null)
    );
    assert_eq!(api.post(&retry, &[]).ok().body, tried.body);
    assert_eq!(charge(&api)["amount_refunded"], 500);
    let rows = api.platform.database().query("SELECT body FROM connector_webhooks", vec![]);
    assert_eq!(rows[0].0["body"], Value::Null, "what it said of people is not kept");
    invariants::check_settled(&api.platform);
}

#[test]
fn a_refund_fails_after_it_had_arrived() {
    let (api, processor, hook) = hearing();
    let paid = paid(&api);
    let before = balance(&api);
    api.post("/v1/refunds", &[("payment_intent", paid.id())]).ok();
    processor.refunds_become("failed");
    deliver_all(&api, &processor, &hook);
    let refunds = api.get("/v1/refunds").ok();
    assert_eq!(refunds.text_at("/data/0/status"), "failed");
    assert_eq!((balance(&api), charge(&api)["amount_refunded"].as_i64()), (before, Some(0)));
    assert!(api.event_types().contains(&"refund.failed".to_owned()));
}

#[test]
fn a_sum_that_counted_a_refund_which_failed_since_was_left_to_a_person() {
    let (api, processor, hook) = hearing();
    let paid = paid(&api);
    api.post("/v1/refunds", &[("payment_intent", paid.id()), ("amount", "500")]).ok();
    processor.refunds_become("failed");
    deliver_all(&api, &processor, &hook);
    let sum = |event: &str, amount: i64| {
        let charge = json!({ "object": "charge", "id": "ch_of_pi_1", "amount_refunded": amount,
            "currency": "usd", "payment_intent": "pi_1" });
        Processor::notice(event, "charge.refunded", &charge)
    };
    deliver(&api, &hook, &sum("evt_late", 500));
    deliver(&api, &hook, &sum("evt_more", 501));
    let kept = kept(&api);
    assert_eq!(kept[kept.len() - 2..], ["charge.refunded ignored", "charge.refunded parked"]);
}

#[test]
fn a_hold_that_ended_at_the_processor_is_let_go_of() {
    let (api, processor, hook) = hearing();
    let held = api.post(PAY, &card(VISA, &[MANUAL])).ok();
    processor.expire("pi_1");
    deliver_all(&api, &processor, &hook);
    api.beat();
    assert_eq!(api.get(&path(&held)).ok().body["status"], "canceled");
    invariants::check_settled(&api.platform);
}

#[test]
fn a_capture_that_nobody_here_asked_for_is_seen() {
    let (api, processor, hook) = hearing();
    api.post(PAY, &card(VISA, &[MANUAL])).ok();
    processor.take("pi_1");
    deliver_all(&api, &processor, &hook);
    assert_eq!(kept(&api)[1], "payment_intent.succeeded parked");
    assert_eq!(latest(&api).body["status"], "requires_capture");
    invariants::check(&api.platform);
}

#[test]
fn a_payment_that_turns_up_after_it_was_given_up_goes_back() {
    let (api, processor, hook) = hearing();
    lose(&api, Fault::AfterEffect);
    paid(&api);
    processor.forget_keys();
    api.platform.database().query("UPDATE attempts SET state = 'failed'", vec![]);
    deliver_all(&api, &processor, &hook);
    api.beat();
    assert_eq!(only(&processor).refunded, 2000);
    // How it went back is no refund of a merchant's.
    deliver_all(&api, &processor, &hook);
    assert_eq!(api.get("/v1/refunds").ok().body["data"], json!([]));
}

#[test]
fn a_dispute_is_opened_answered_there_and_decided() {
    for (end, lost) in [("won", 1500), ("lost", 3500)] {
        let (api, _, hook) = hearing();
        paid(&api);
        let before = balance(&api);
        deliver(&api, &hook, &disputed("evt_a", "needs_response"));
        let shown = api.get("/v1/disputes").ok().body["data"][0].clone();
        assert_eq!(
            (&shown["status"], &shown["reason"], &shown["evidence_details"]["due_by"]),
            (&"needs_response".into(), &"product_unacceptable".into(), &1_900_000_000.into())
        );
        assert_eq!(before - balance(&api), 3500, "the amount and the fee");
        let path = format!("/v1/disputes/{}", shown["id"].as_str().expect("an id"));
        for (path, form) in [
            (path.clone(), vec![("evidence[uncategorized_text]", "Here."), ("submit", "false")]),
            (path.clone(), vec![("submit", "true")]),
            (path.clone() + "/close", vec![]),
        ] {
            let refused = api.post(&path, &form);
            let message = refused.error(400)["message"].as_str().expect("a message").to_owned();
            assert!(message.contains("dp_1"), "{message}");
        }
        api.post(&path, &[("metadata[seen]", "yes")]).ok();
        deliver(&api, &hook, &disputed("evt_b", "under_review"));
        deliver(&api, &hook, &disputed("evt_c", "needs_response"));
        assert_eq!(api.get(&path).ok().body["status"], "under_review", "the older says nothing");
        pass(&api, 80 * DAY, 20);
        assert_eq!(api.get(&path).ok().body["status"], "under_review", "no bank of ours decides");
        deliver(&api, &hook, &disputed("evt_d", end));
        assert_eq!(api.get(&path).ok().body["status"], end);
        assert_eq!(before - balance(&api), lost);
        let other = if end == "won" { "lost" } else { "won" };
        deliver(&api, &hook, &disputed("evt_e", other));
        assert_eq!(kept(&api).last().map(String::as_str), Some("charge.dispute.updated parked"));
        invariants::check(&api.platform);
    }
}

#[test]
fn a_dispute_of_a_payment_that_was_found_after_a_day_stayed_parked() {
    let (api, processor, hook) = hearing();
    let silence = &api.platform.outside().processor_hop;
    lose(&api, Fault::AfterEffect);
    paid(&api);
    (1..1_000).for_each(|nth| silence.fail(nth, Fault::BeforeEffect));
    // What would have told of the payment is lost, too.
    processor.take_notices();
    deliver(&api, &hook, &disputed("evt_a", "needs_response"));
    deliver(&api, &hook, &disputed("evt_b", "lost"));
    pass(&api, DAY, 48);
    assert_eq!(kept(&api), ["charge.dispute.updated parked", "charge.dispute.updated parked"]);
    silence.heal();
    pass(&api, 2 * DAY, 96);
    assert_eq!(charge(&api)["status"], "succeeded");
    assert_eq!(api.get("/v1/disputes").ok().body["data"][0]["status"], "lost");
    assert!(!kept(&api).iter().any(|kept| kept.ends_with("parked")), "{:?}", kept(&api));
}

#[test]
fn a_dispute_that_is_first_heard_of_at_its_end_takes_every_step() {
    for (status, told) in [
        ("won", "charge.dispute.funds_reinstated"),
        ("lost", "charge.dispute.closed"),
        ("warning_closed", "charge.dispute.closed"),
        ("under_review", "charge.dispute.updated"),
    ] {
        let (api, _, hook) = hearing();
        paid(&api);
        for body in [disputed("evt_a", status), disputed("evt_b", "needs_response")] {
            deliver(&api, &hook, &body);
        }
        assert_eq!(api.get("/v1/disputes").ok().text_at("/data/0/status"), status);
        assert!(api.event_types().contains(&told.to_owned()), "{:?}", api.event_types());
        invariants::check(&api.platform);
    }
}

#[test]
fn an_inquiry_escalates() {
    let (api, _, hook) = hearing();
    paid(&api);
    let before = balance(&api);
    deliver(&api, &hook, &disputed("evt_a", "warning_needs_response"));
    assert_eq!(balance(&api), before, "an inquiry moves nothing");
    deliver(&api, &hook, &disputed("evt_b", "needs_response"));
    assert_eq!(before - balance(&api), 3500);
    invariants::check(&api.platform);
}

#[test]
fn a_dispute_that_cannot_be_meant_is_parked() {
    let (api, _, hook) = hearing();
    paid(&api);
    for (event, change) in [
        ("evt_a", json!({ "payment_intent": "pi_theirs" })),
        ("evt_b", json!({ "currency": "eur" })),
        ("evt_c", json!({ "amount": 0 })),
    ] {
        let object = dispute("needs_response", &change);
        deliver(&api, &hook, &Processor::notice(event, "charge.dispute.created", &object));
    }
    assert!(kept(&api).iter().all(|kept| kept.ends_with("parked")), "{:?}", kept(&api));
    deliver(&api, &hook, &disputed("evt_d", "needs_response"));
    let second = dispute("needs_response", &json!({ "id": "dp_2", "amount": 5 }));
    deliver(&api, &hook, &Processor::notice("evt_e", "charge.dispute.created", &second));
    assert_eq!(
        kept(&api)[3..],
        ["charge.dispute.updated processed", "charge.dispute.created parked"]
    );
    assert_eq!(api.get("/v1/disputes").ok().body["data"].as_array().map(Vec::len), Some(1));
    invariants::check(&api.platform);
}

#[test]
fn a_dispute_after_a_refund_is_booked_as_a_loss() {
    let (api, _, hook) = hearing();
    let paid = paid(&api);
    let before = balance(&api);
    api.post("/v1/refunds", &[("payment_intent", paid.id()), ("amount", "500")]).ok();
    deliver(&api, &hook, &disputed("evt_a", "lost"));
    assert_eq!(before - balance(&api), 500 + 3500);
    pass(&api, 2 * DAY, 16);
    assert_eq!(before - balance(&api), 500 + 3500, "and the audit finds no difference");
    invariants::check(&api.platform);
}

#[test]
fn a_dispute_of_more_than_was_taken_was_booked_by_nobody() {
    let (api, _, hook) = hearing();
    paid(&api);
    let before = balance(&api);
    for (event, status) in [("evt_a", "needs_response"), ("evt_b", "lost")] {
        let more = dispute(status, &json!({ "amount": 2010 }));
        deliver(&api, &hook, &Processor::notice(event, "charge.dispute.updated", &more));
    }
    assert_eq!(before - balance(&api), 2010 + 1500);
    assert_eq!(api.get("/v1/disputes").ok().text_at("/data/0/status"), "lost");
    pass(&api, 2 * DAY, 16);
    invariants::check(&api.platform);
}

#[test]
fn a_refund_made_elsewhere_that_is_told_after_a_chargeback_was_booked_by_nobody() {
    let (api, processor, hook) = hearing();
    paid(&api);
    let before = balance(&api);
    processor.give_back("pi_1", 1200, "succeeded");
    let late = processor.take_notices();
    let part = dispute("needs_response", &json!({ "amount": 800 }));
    deliver(&api, &hook, &Processor::notice("evt_a", "charge.dispute.created", &part));
    for notice in late {
        deliver(&api, &hook, &notice);
    }
    assert_eq!(charge(&api)["amount_refunded"], 1200);
    assert_eq!(before - balance(&api), 1200 + 800 + 1500);
    invariants::check(&api.platform);
}

#[test]
fn a_dispute_that_dies_at_any_moment_is_told_again() {
    for polls in 0.. {
        let (api, _, hook) = hearing();
        paid(&api);
        let body = disputed("evt_a", "won");
        api.platform.yields(true);
        let ended = kit::run_until_poll(polls, delivering(&api, &hook, &body));
        api.platform.yields(false);
        invariants::check(&api.platform);
        deliver(&api, &hook, &body);
        assert_eq!(api.get("/v1/disputes").ok().text_at("/data/0/status"), "won");
        assert_eq!(kept(&api), ["charge.dispute.updated processed"]);
        invariants::check(&api.platform);
        if ended.is_some() {
            break;
        }
    }
}

#[test]
fn of_two_who_tried_again_what_was_parked_one_met_the_rows_of_the_other() {
    for polls in 0..40 {
        let (api, processor, hook) = hearing();
        lose(&api, Fault::AfterEffect);
        paid(&api);
        processor.take_notices();
        for body in [disputed("evt_a", "needs_response"), disputed("evt_b", "lost")] {
            deliver(&api, &hook, &body);
        }
        let parked = api.get(&format!("{LIST}?status=parked")).ok();
        api.platform.advance(61);
        let database = api.platform.database();
        database
            .query("DELETE FROM scheduled_tasks WHERE kind = 'retry_connector_webhook'", vec![]);
        api.beat();
        let trying = |place: usize| {
            let path = format!("{LIST}/{}/retry", parked.text_at(&format!("/data/{place}/id")));
            let api = &api;
            async move { api.posting(&path, &[], None).await }
        };
        api.platform.yields(true);
        let two: Vec<Pin<Box<dyn Future<Output = Answer>>>> =
            vec![Box::pin(trying(0)), Box::pin(trying(1))];
        for answer in kit::take_turns(&[(0, polls), (1, 1_000)], two) {
            assert_eq!(answer.status, 200, "after {polls}: {:#}", answer.body);
        }
        api.platform.yields(false);
        assert_eq!(api.get("/v1/disputes").ok().text_at("/data/0/status"), "lost");
        invariants::check(&api.platform);
    }
}

/// What is to be done next in a payment's life.
#[derive(Clone, Debug)]
enum Step {
    /// The merchant's next call; its answer may be lost.
    Call { is_lost: bool },
    /// A notice that came up, by its place: late ones, early ones and some twice.
    Tell(usize),
}

/// The calls of a payment's life: held, taken in part, given back in part, given back in full.
fn call(api: &Api, place: usize, held: &str) {
    match place {
        0 => drop(api.post_once(PAY, &card(VISA, &[MANUAL]), "call-0")),
        1 => {
            let path = format!("{PAY}/{held}/capture");
            api.post_once(&path, &[("amount_to_capture", "1500")], "call-1");
        }
        _ => {
            let amount = if place == 2 { "600" } else { "900" };
            let form = [("payment_intent", held), ("amount", amount)];
            api.post_once("/v1/refunds", &form, &format!("call-{place}"));
        }
    }
}

/// How everything stands at the end, without what tells one run from another.
fn end(api: &Api) -> Value {
    let intent = latest(api).body;
    let charge = charge(api);
    let mut refunds: Vec<_> = api.get("/v1/refunds").ok().body["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|refund| json!([refund["amount"], refund["status"]]).to_string())
        .collect();
    refunds.sort();
    let mut told = api.event_types();
    told.retain(|told| told != "payment_intent.processing");
    told.sort();
    json!([
        intent["status"],
        intent["amount_received"],
        charge["amount_captured"],
        charge["amount_refunded"],
        refunds,
        balance(api),
        told,
    ])
}

fn live(steps: &[Step]) -> (Api, Processor) {
    let (api, processor, hook) = hearing();
    let mut notices = Vec::new();
    let mut done = 0;
    let finish = |api: &Api, place: usize| {
        // The client asks again until it is answered.
        let held = latest(api).id().to_owned();
        call(api, place, &held);
    };
    for step in steps {
        match step {
            Step::Call { is_lost } if done < 4 => {
                if *is_lost {
                    lose(&api, Fault::AfterEffect);
                }
                let held = if done == 0 { String::new() } else { latest(&api).id().to_owned() };
                call(&api, done, &held);
                notices.extend(processor.take_notices());
                // Some of what was told comes before the client asks again.
                if *is_lost
                    && done % 2 == 0
                    && let Some(last) = notices.last()
                {
                    deliver(&api, &hook, last);
                }
                api.platform.advance(16);
                finish(&api, done);
                notices.extend(processor.take_notices());
                done += 1;
            }
            Step::Tell(place) if !notices.is_empty() => {
                deliver(&api, &hook, &notices[place % notices.len()]);
            }
            _ => {}
        }
        invariants::check(&api.platform);
    }
    for place in done..4 {
        let held = if place == 0 { String::new() } else { latest(&api).id().to_owned() };
        call(&api, place, &held);
        notices.extend(processor.take_notices());
    }
    notices.iter().rev().for_each(|body| deliver(&api, &hook, body));
    pass(&api, HOUR, 4);
    assert!(now(&api) > 0);
    (api, processor)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any::<bool>().prop_map(|is_lost| Step::Call { is_lost }),
        (0..8_usize).prop_map(Step::Tell),
        (0..8_usize).prop_map(Step::Tell),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(12, 60), ..ProptestConfig::default() })]

    #[test]
    fn however_a_payments_life_is_told_it_ends_as_by_the_api_alone(
        steps in prop::collection::vec(step(), 0..20),
    ) {
        let (alone, _) = live(&[]);
        let (api, processor) = live(&steps);
        prop_assert_eq!(end(&api), end(&alone), "{:?}", steps);
        prop_assert_eq!((only(&processor).taken, only(&processor).refunded), (1500, 1500));
        invariants::check_settled(&api.platform);
    }
}
