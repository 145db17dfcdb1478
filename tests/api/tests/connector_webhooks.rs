//! What payment processors tell unasked: who is believed, what is kept, and what it changes.

use std::task::{Context, Waker};

use api::hearing::{
    SECRET, account, counted, deliver, deliver_all, delivering, hearing, kept, now, sending,
};
use api::processors::{self, MANUAL, PAY, VISA, card, latest, only, pass, path};
use api::{Api, invariants};
use domain::timestamp::{DAY, HOUR};
use http::Request;
use kit::{Fault, Processor};
use serde_json::json;

const LIST: &str = "/v1/florin/connector_webhooks";
const CHALLENGED: &str = "4000002760003184";

/// Ends every answer to a payment before it comes.
fn lose(api: &Api) {
    processors::lose(api, Fault::AfterEffect);
}

#[test]
fn a_payment_whose_answer_was_lost_is_heard_of() {
    let (api, processor, path) = hearing();
    lose(&api);
    api.post(PAY, &card(VISA, &[])).ok();
    assert_eq!(latest(&api).body["status"], "processing");
    deliver_all(&api, &processor, &path);
    assert_eq!(latest(&api).body["status"], "succeeded");
    assert_eq!(kept(&api), ["payment_intent.succeeded processed"]);
    processor.take_requests();
    pass(&api, HOUR, 6);
    assert!(processor.take_requests().is_empty(), "nothing is left to ask");
    invariants::check_settled(&api.platform);
}

#[test]
fn a_decline_whose_answer_was_lost_is_heard_of() {
    let (api, processor, path) = hearing();
    lose(&api);
    api.post(PAY, &card("4000000000009995", &[])).ok();
    deliver_all(&api, &processor, &path);
    let declined = latest(&api);
    assert_eq!(declined.body["status"], "requires_payment_method");
    assert_eq!(declined.body["last_payment_error"]["decline_code"], "insufficient_funds");
    invariants::check_settled(&api.platform);
}

#[test]
fn a_challenge_whose_cardholder_never_came_back_is_heard_of() {
    for completes in [true, false] {
        let (api, processor, path) = hearing();
        let form = card(CHALLENGED, &[("return_url", "https://shop.test/done")]);
        api.post(PAY, &form).ok();
        deliver_all(&api, &processor, &path);
        assert_eq!(latest(&api).body["status"], "requires_action");
        processor.challenge(&only(&processor).id, completes);
        deliver_all(&api, &processor, &path);
        let end = if completes { "succeeded" } else { "requires_payment_method" };
        assert_eq!(latest(&api).body["status"], end);
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn captures_voids_and_refunds_whose_answers_were_lost_are_heard_of() {
    let (api, processor, hook) = hearing();
    let held = api.post(PAY, &card(VISA, &[MANUAL])).ok();
    let early = processor.take_notices();
    lose(&api);
    assert_eq!(api.post(&(path(&held) + "/capture"), &[]).status, 503);
    // What was told of the time before says nothing of the capture.
    early.iter().for_each(|body| deliver(&api, &hook, body));
    assert_eq!(api.get(&path(&held)).ok().body["status"], "requires_capture");
    deliver_all(&api, &processor, &hook);
    assert_eq!(api.get(&path(&held)).ok().body["status"], "succeeded");
    lose(&api);
    let refund = api.post("/v1/refunds", &[("payment_intent", held.id())]).ok();
    assert_eq!(refund.body["status"], "pending");
    deliver_all(&api, &processor, &hook);
    let refund = api.get(&format!("/v1/refunds/{}", refund.id())).ok();
    assert_eq!(refund.body["status"], "succeeded");

    let other = api.post(PAY, &card(VISA, &[MANUAL])).ok();
    deliver_all(&api, &processor, &hook);
    lose(&api);
    assert_eq!(api.post(&(path(&other) + "/cancel"), &[]).status, 503);
    deliver_all(&api, &processor, &hook);
    assert_eq!(api.get(&path(&other)).ok().body["status"], "canceled");
    invariants::check_settled(&api.platform);
}

#[test]
fn scenario_18_a_webhook_before_the_response_is_the_same_fact() {
    for dies in [false, true] {
        let (mut told_early, mut polls, mut ends) = (0, 0, false);
        while !ends {
            let (api, processor, hook) = hearing();
            let form = card(VISA, &[]);
            api.platform.yields(true);
            let mut run = Box::pin(api.posting(PAY, &form, Some("key-1")));
            let mut context = Context::from_waker(Waker::noop());
            ends = (0..polls).any(|_| run.as_mut().poll(&mut context).is_ready());
            polls += 1;
            if ends {
                break;
            }
            let notices = processor.take_notices();
            for body in &notices {
                told_early += 1;
                assert_eq!(kit::run(delivering(&api, &hook, body)), 200);
            }
            if dies {
                drop(run);
                api.platform.yields(false);
                api.platform.advance(16);
                api.post_once(PAY, &form, "key-1").ok();
            } else {
                kit::run(run).ok();
                api.platform.yields(false);
            }
            deliver_all(&api, &processor, &hook);
            assert_eq!(latest(&api).body["status"], "succeeded");
            assert_eq!(only(&processor).taken, 2000);
            let told = api.event_types();
            for once in ["payment_intent.created", "payment_intent.succeeded", "charge.succeeded"] {
                assert_eq!(told.iter().filter(|told| *told == once).count(), 1, "{told:?}");
            }
            pass(&api, HOUR, 2);
            invariants::check_settled(&api.platform);
        }
        assert!(told_early > 0, "in some runs it came before the response");
    }
}

#[test]
fn a_webhook_that_dies_at_any_moment_is_taken_when_it_comes_again() {
    for polls in 0.. {
        let (api, processor, hook) = hearing();
        lose(&api);
        api.post(PAY, &card(VISA, &[])).ok();
        let body = processor.take_notices().remove(0);
        api.platform.yields(true);
        let ended = kit::run_until_poll(polls, delivering(&api, &hook, &body));
        api.platform.yields(false);
        invariants::check(&api.platform);
        let is_recorded = latest(&api).body["status"] == "succeeded";
        assert_eq!(kept(&api).len(), usize::from(is_recorded), "both are in one batch");
        deliver(&api, &hook, &body);
        assert_eq!(latest(&api).body["status"], "succeeded");
        assert_eq!((counted(&api, "charges"), kept(&api).len()), (1, 1));
        invariants::check_settled(&api.platform);
        if ended.is_some() {
            break;
        }
    }
}

#[test]
fn what_cannot_be_recorded_is_to_be_sent_again() {
    let (api, processor, hook) = hearing();
    lose(&api);
    api.post(PAY, &card(VISA, &[])).ok();
    let body = processor.take_notices().remove(0);
    for fault in [Fault::BeforeEffect, Fault::AfterEffect] {
        for call in 1..4 {
            api.platform.database().hop().fail(call, fault);
            let status = kit::run(delivering(&api, &hook, &body));
            assert!([200, 503].contains(&status), "{status}");
        }
    }
    deliver(&api, &hook, &body);
    assert_eq!(latest(&api).body["status"], "succeeded");
    assert_eq!(kept(&api), ["payment_intent.succeeded processed"]);
    invariants::check_settled(&api.platform);
}

#[test]
fn scenario_19_duplicate_webhooks_have_one_effect_also_at_the_same_time() {
    let mut first_ends = 0;
    for ahead in 0..30 {
        let (api, processor, hook) = hearing();
        lose(&api);
        api.post(PAY, &card(VISA, &[])).ok();
        let body = processor.take_notices().remove(0);
        api.platform.yields(true);
        let mut first = Box::pin(delivering(&api, &hook, &body));
        let mut context = Context::from_waker(Waker::noop());
        if (0..ahead).any(|_| first.as_mut().poll(&mut context).is_ready()) {
            first_ends += 1;
            break;
        }
        assert_eq!(kit::run(delivering(&api, &hook, &body)), 200);
        assert_eq!(kit::run(first), 200);
        api.platform.yields(false);
        let events = api.event_types();
        deliver(&api, &hook, &body);
        assert_eq!((api.event_types(), kept(&api).len()), (events, 1));
        assert_eq!(counted(&api, "charges"), 1);
        invariants::check_settled(&api.platform);
    }
    assert_eq!(first_ends, 1, "every moment was tried");
}

#[test]
fn scenario_20_out_of_order_webhooks_take_nothing_back() {
    let (api, processor, hook) = hearing();
    let form = card(CHALLENGED, &[("return_url", "https://shop.test/done")]);
    lose(&api);
    api.post(PAY, &form).ok();
    processor.challenge(&only(&processor).id, true);
    let [waits, paid] = processor.take_notices().try_into().expect("two");
    deliver(&api, &hook, &paid);
    assert_eq!(latest(&api).body["status"], "succeeded");
    let late = json!({
        "id": only(&processor).id, "object": "payment_intent", "amount": 2000, "currency": "usd",
        "metadata": { "florin_key": only(&processor).key }, "status": "processing",
        "amount_received": 0,
    });
    deliver(&api, &hook, &waits);
    deliver(&api, &hook, &Processor::notice("evt_late", "payment_intent.processing", &late));
    assert_eq!(latest(&api).body["status"], "succeeded");
    assert_eq!(
        kept(&api),
        [
            "payment_intent.succeeded processed",
            "payment_intent.requires_action ignored",
            "payment_intent.processing ignored",
        ]
    );
    invariants::check_settled(&api.platform);
}

#[test]
fn scenario_22_what_is_not_believed_or_not_known_changes_nothing() {
    let (api, processor, hook) = hearing();
    lose(&api);
    api.post(PAY, &card(VISA, &[])).ok();
    let body = processor.take_notices().remove(0);
    let at = now(&api);
    let good = Processor::sign(&body, &[SECRET], at);
    let other = hook.replace("/stripe/", "/hyperswitch/");
    let nobody = "/connectors/stripe/webhooks/cna_nobody".to_owned();
    for (path, signature, body, status) in [
        (&hook, Processor::sign(&body, &["whsec_anothers"], at), body.clone(), 400),
        (&hook, Processor::sign(&body, &[SECRET], at - 301), body.clone(), 400),
        (&hook, Processor::sign(&body, &[SECRET], at + 301), body.clone(), 400),
        (&hook, good.clone(), body.replace("2000", "2001"), 400),
        (&hook, String::new(), body.clone(), 400),
        (&hook, "t=,v1=".to_owned(), body.clone(), 400),
        (&other, good.clone(), body.clone(), 400),
        (&nobody, good.clone(), body.clone(), 404),
    ] {
        let answer = kit::run(sending(&api, path, &signature, &body));
        assert_eq!((answer.status, answer.text.as_str()), (status, ""), "{path} {signature}");
    }
    assert_eq!((latest(&api).text_at("/status"), kept(&api).len()), ("processing", 0));

    let unknown = json!({ "id": "pi_theirs", "object": "payment_intent", "status": "succeeded" });
    deliver(&api, &hook, &Processor::notice("evt_a", "payment_intent.succeeded", &unknown));
    let invoice = json!({ "id": "in_1", "object": "invoice" });
    deliver(&api, &hook, &Processor::notice("evt_b", "invoice.paid", &invoice));
    let parked = api.get(&format!("{LIST}?status=parked")).ok();
    let shown = parked.body["data"].as_array().expect("a list");
    assert_eq!(shown.len(), 2, "{:#}", parked.body);
    assert_eq!(shown[1]["processor_reference"], "pi_theirs");
    assert!(shown.iter().all(|one| one["problem"].is_string()), "{shown:#?}");
    let one = api.get(&format!("{LIST}/{}", parked.text_at("/data/0/id"))).ok();
    assert_eq!(one.body, shown[0]);
    assert_eq!(api.get(&format!("{LIST}?status=processed")).ok().body["data"], json!([]));
    assert_eq!(latest(&api).body["status"], "processing");
    invariants::check(&api.platform);
}

#[test]
fn another_merchants_processor_says_nothing_of_ours() {
    let (api, processor, _) = hearing();
    lose(&api);
    api.post(PAY, &card(VISA, &[])).ok();
    let body = processor.take_notices().remove(0);
    let form = [
        ("connector", "stripe"),
        ("secret_key", "sk_test_52another"),
        ("webhook_secret", SECRET),
        ("disabled", "true"),
    ];
    let other = api.post("/v1/florin/connector_accounts", &form).ok();
    deliver(&api, &format!("/connectors/stripe/webhooks/{}", other.id()), &body);
    assert_eq!(latest(&api).body["status"], "processing");
    assert_eq!(kept(&api), ["payment_intent.succeeded parked"]);
}

#[test]
fn what_happened_in_another_connected_account_was_taken_for_ours() {
    let (api, processor, hook) = hearing();
    api.post(PAY, &card(VISA, &[])).ok();
    processor.take_notices();
    processor.give_back("pi_1", 500, "succeeded");
    for body in processor.take_notices() {
        deliver(&api, &hook, &body.replacen('{', r#"{"account":"acct_other","#, 1));
    }
    assert_eq!(kept(&api), ["charge.refunded ignored", "refund.created ignored"]);
    assert_eq!(counted(&api, "refunds"), 0);
    invariants::check_settled(&api.platform);
}

#[test]
fn the_secret_is_rolled_with_an_overlap_and_never_shown() {
    let (api, _, hook) = hearing();
    let rolled = [("webhook_secret", "whsec_fedcba9876543210"), ("webhook_secret_overlap", "600")];
    let account = account(&api);
    for _ in 0..2 {
        let shown = api.post(&account, &rolled).ok();
        assert!(!shown.text.contains("whsec_"), "{}", shown.text);
        let ends = now(&api) + 600;
        let both = json!([
            { "expires_at": null, "last4": "3210" },
            { "expires_at": ends, "last4": "cdef" },
        ]);
        assert_eq!(shown.body["webhook_secrets"], both, "{:#}", shown.body);
    }
    let rows = api.platform.database().query("SELECT * FROM connector_accounts", vec![]);
    assert!(!format!("{rows:?}").contains("0123456789abcdef"));
    let body = Processor::notice("evt_1", "charge.updated", &json!({ "object": "charge" }));
    let said = |secrets: &[&str]| {
        let signature = Processor::sign(&body, secrets, now(&api));
        kit::run(sending(&api, &hook, &signature, &body)).status
    };
    assert_eq!((said(&["whsec_fedcba9876543210"]), said(&[SECRET])), (200, 200));
    api.platform.advance(600);
    assert_eq!((said(&["whsec_fedcba9876543210"]), said(&[SECRET])), (200, 400));
    assert_eq!(
        said(&["whsec_nobodys", "whsec_fedcba9876543210"]),
        200,
        "as Stripe signs with both"
    );
    let short = api.post(&account, &[("webhook_secret", "short")]);
    assert_eq!(short.error(400)["param"], "webhook_secret");
    let long = [("webhook_secret", SECRET), ("webhook_secret_overlap", "86401")];
    assert_eq!(api.post(&account, &long).error(400)["param"], "webhook_secret_overlap");
}

#[test]
fn hostile_bodies_are_refused_or_parked() {
    let (api, _, hook) = hearing();
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    for body in ["", "{}", "[]", "null", "\u{0}", "{\"id\": 1, \"type\": 2}", &deep] {
        assert_eq!(kit::run(delivering(&api, &hook, body)), 400, "{body:.40}");
    }
    let large =
        format!("{{\"id\": \"evt_1\", \"type\": \"a\", \"x\": \"{}\"}}", "x".repeat(1_000_000));
    assert_eq!(kit::run(delivering(&api, &hook, &large)), 400);
    for (place, object) in [
        json!(null),
        json!({ "object": "payment_intent" }),
        json!({ "object": "payment_intent", "id": "pi_'; DROP TABLE charges" }),
        json!({ "object": "refund", "id": "re_1", "payment_intent": "../../accounts" }),
        json!({ "object": "charge", "amount_refunded": -5, "payment_intent": "pi_1" }),
        json!({ "object": "charge", "amount_refunded": 9e99, "payment_intent": "pi_1" }),
        json!({ "object": "dispute", "id": "dp_1", "payment_intent": "pi_1", "amount": 5,
            "currency": "usd", "status": "prevented" }),
    ]
    .iter()
    .enumerate()
    {
        deliver(&api, &hook, &Processor::notice(&format!("evt_{place}"), "odd", object));
    }
    assert!(kept(&api).iter().all(|kept| kept == "odd parked"), "{:?}", kept(&api));
    assert_eq!(kept(&api).len(), 7);
    for method in ["GET", "DELETE"] {
        let request = Request::builder().method(method).uri(format!("https://florin.test{hook}"));
        let answer = kit::run(api.answer(&request.body(Vec::new()).expect("a request")));
        assert_eq!(answer.status, 404);
    }
}

#[test]
fn a_stranger_costs_no_write_and_at_most_one_read() {
    let (api, _, hook) = hearing();
    api.platform.database().take_counts();
    let body = Processor::notice("evt_1", "charge.updated", &json!({ "object": "charge" }));
    let many = "v1=00,".repeat(5_000);
    let at = now(&api);
    for signature in ["t=1,v1=00".to_owned(), format!("t={at},{many}")] {
        assert_eq!(kit::run(sending(&api, &hook, &signature, &body)).status, 400);
    }
    let counts = api.platform.database().take_counts();
    assert_eq!((counts.statements, counts.rows_written), (2, 0), "{counts:?}");
}

#[test]
fn what_was_told_is_forgotten_after_thirty_days() {
    let (api, _, hook) = hearing();
    let body = Processor::notice(
        "evt_1",
        "charge.updated",
        &json!({ "object": "charge", "amount_refunded": 0 }),
    );
    deliver(&api, &hook, &body);
    assert_eq!(kept(&api), ["charge.updated ignored"]);
    pass(&api, 30 * DAY, 30);
    assert_eq!(kept(&api).len(), 1);
    pass(&api, HOUR, 4);
    assert_eq!(kept(&api).len(), 0);
}
