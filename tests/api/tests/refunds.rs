//! Refunds: money goes back once, whoever asks at the same time and wherever a request dies.

use api::{Answer, Api, Form, invariants};
use futures_util::join;
use kit::{Fault, run, run_until_poll};
use serde_json::json;

/// A charge of 100 by a test card, made by an intent.
fn paid(api: &Api, card: &str) -> Answer {
    let form = [
        ("amount", "100"),
        ("currency", "usd"),
        ("payment_method", card),
        ("payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    api.post("/v1/payment_intents", &form).ok()
}

fn charge_of(intent: &Answer) -> String {
    intent.text_at("/latest_charge").to_owned()
}

fn charge(api: &Api, id: &str) -> Answer {
    api.get(&format!("/v1/charges/{id}")).ok()
}

#[test]
fn a_charge_goes_back_in_parts_until_nothing_is_left() {
    let api = Api::new();
    let intent = paid(&api, "pm_card_visa");
    let id = charge_of(&intent);
    let form = [
        ("charge", id.as_str()),
        ("amount", "30"),
        ("reason", "requested_by_customer"),
        ("metadata[order]", "6"),
        ("instructions_email", "jo@example.com"),
    ];
    let first = api.post("/v1/refunds", &form).ok();
    assert_eq!(first.body["status"], "succeeded");
    assert_eq!(first.body["amount"], 30);
    assert_eq!(first.body["charge"], id.as_str());
    assert_eq!(first.body["payment_intent"], intent.body["id"]);
    assert_eq!(first.body["reason"], "requested_by_customer");
    assert_eq!(first.body["metadata"], json!({"order": "6"}));
    let shown = charge(&api, &id);
    assert_eq!(
        (&shown.body["amount_refunded"], &shown.body["refunded"]),
        (&json!(30), &json!(false))
    );
    let too_much = api.post("/v1/refunds", &[("charge", &id), ("amount", "71")]);
    assert_eq!(
        too_much.error(400)["message"],
        "Refund amount ($0.71) is greater than unrefunded amount on charge ($0.70)"
    );
    let rest = api.post("/v1/refunds", &[("payment_intent", intent.id())]).ok();
    assert_eq!(rest.body["amount"], 70);
    let shown = charge(&api, &id);
    assert_eq!(
        (&shown.body["amount_refunded"], &shown.body["refunded"]),
        (&json!(100), &json!(true))
    );
    let again = api.post("/v1/refunds", &[("charge", &id)]);
    assert_eq!(again.error(400)["code"], "charge_already_refunded");
}

#[test]
fn the_event_of_a_refund_shows_the_charge_before_and_after() {
    let api = Api::new();
    let id = charge_of(&paid(&api, "pm_card_visa"));
    let before = api.event_types().len();
    let refund = api.post("/v1/refunds", &[("charge", &id)]).ok();
    assert_eq!(api.event_types()[before..], ["charge.refunded", "refund.created"]);
    let events = api.get("/v1/events?limit=2").ok();
    let data = &events.body["data"];
    assert_eq!(data[0]["data"], json!({"object": refund.body}));
    assert_eq!(data[1]["data"]["object"], charge(&api, &id).body);
    assert_eq!(
        data[1]["data"]["previous_attributes"],
        json!({"amount_refunded": 0, "refunded": false})
    );
}

#[test]
fn what_cannot_be_refunded_is_told_why() {
    let api = Api::new();
    let id = charge_of(&paid(&api, "pm_card_visa"));
    let other = paid(&api, "pm_card_visa");
    let cases: [(Form<'_>, &str, &str); 11] = [
        (&[], "payment_intent", "parameter_missing"),
        (&[("charge", "ch_none")], "charge", "resource_missing"),
        (&[("payment_intent", "pi_none")], "payment_intent", "resource_missing"),
        (&[("charge", &id), ("payment_intent", other.id())], "payment_intent", ""),
        (&[("charge", &id), ("amount", "0")], "amount", "parameter_invalid_integer"),
        (&[("charge", &id), ("amount", "-5")], "amount", "parameter_invalid_integer"),
        (&[("charge", &id), ("amount", "9223372036854775807")], "amount", ""),
        (&[("charge", &id), ("currency", "eur")], "currency", ""),
        (&[("charge", &id), ("origin", "customer_balance")], "origin", ""),
        (&[("charge", &id), ("reverse_transfer", "true")], "reverse_transfer", ""),
        (&[("charge", &id), ("colour", "red")], "colour", "parameter_unknown"),
    ];
    for (form, param, code) in cases {
        let refused = api.post("/v1/refunds", form);
        let error = refused.error(400);
        assert_eq!(error["param"], param, "{form:?}: {error}");
        assert_eq!(error["code"].as_str().unwrap_or_default(), code, "{form:?}: {error}");
    }
    assert_eq!(charge(&api, &id).body["amount_refunded"], 0);
    let accepted = [
        ("charge", id.as_str()),
        ("currency", "usd"),
        ("reverse_transfer", "false"),
        ("refund_application_fee", "false"),
    ];
    api.post("/v1/refunds", &accepted).ok();
}

#[test]
fn an_application_fee_that_stays_is_not_said_to_be_none() {
    let api = Api::new();
    let form = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("confirm", "true"),
        ("application_fee_amount", "200"),
    ];
    let paid = api.post("/v1/payment_intents", &form).ok();
    let form = [("payment_intent", paid.id()), ("refund_application_fee", "true")];
    let refused = api.post("/v1/refunds", &form);
    let error = refused.error(400);
    assert_eq!(error["param"], "refund_application_fee");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("Application fees are not given back"), "{message}");
}

#[test]
fn money_that_is_only_held_is_not_refunded_where_an_intent_holds_it() {
    let api = Api::new();
    let form = [
        ("amount", "100"),
        ("currency", "usd"),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("capture_method", "manual"),
        ("confirm", "true"),
    ];
    let held = api.post("/v1/payment_intents", &form).ok();
    let refused = api.post("/v1/refunds", &[("charge", held.text_at("/latest_charge"))]);
    assert_eq!(refused.error(400)["code"], "charge_not_refundable");
    let unpaid = api.post("/v1/payment_intents", &[("amount", "100"), ("currency", "usd")]).ok();
    let refused = api.post("/v1/refunds", &[("payment_intent", unpaid.id())]);
    let message = refused.error(400)["message"].as_str().unwrap_or_default();
    assert!(message.contains("does not have a successful charge"), "{message}");
}

#[test]
fn sixty_and_sixty_of_a_hundred_end_with_one_winner() {
    let api = Api::new();
    let id = charge_of(&paid(&api, "pm_card_visa"));
    api.platform.yields(true);
    let form = [("charge", id.as_str()), ("amount", "60")];
    let (one, other) = run(async {
        join!(
            api.posting("/v1/refunds", &form, Some("one")),
            api.posting("/v1/refunds", &form, Some("other")),
        )
    });
    let (winner, loser) = if one.status == 200 { (one, other) } else { (other, one) };
    winner.ok();
    assert_eq!(
        loser.error(400)["message"],
        "Refund amount ($0.60) is greater than unrefunded amount on charge ($0.40)"
    );
    assert_eq!(charge(&api, &id).body["amount_refunded"], 60);
}

#[test]
fn refunds_at_the_same_time_all_fit_and_their_events_count_up() {
    let api = Api::new();
    let id = charge_of(&paid(&api, "pm_card_visa"));
    api.platform.yields(true);
    let form = [("charge", id.as_str()), ("amount", "20")];
    let refund = || api.posting("/v1/refunds", &form, None);
    let answers: [Answer; 6] = run(async {
        let (a, b, c, d, e, f) = join!(refund(), refund(), refund(), refund(), refund(), refund());
        [a, b, c, d, e, f]
    });
    api.platform.yields(false);
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 5);
    let refused = answers.iter().find(|answer| answer.status != 200).expect("one is too many");
    assert_eq!(refused.error(400)["code"], "charge_already_refunded");
    assert_eq!(charge(&api, &id).body["amount_refunded"], 100);
    let events = api.get("/v1/events?type=charge.refunded").ok();
    let newest_first: Vec<_> = events.body["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|event| event["data"]["object"]["amount_refunded"].as_i64().expect("an amount"))
        .collect();
    assert_eq!(newest_first.len(), 5);
    assert!(newest_first.is_sorted_by(|newer, older| newer >= older), "{newest_first:?}");
    assert_eq!(newest_first.first(), Some(&100));
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn a_refund_that_dies_anywhere_is_the_same_refund_at_its_retry() {
    for polls in 1.. {
        let api = Api::new();
        let id = charge_of(&paid(&api, "pm_card_visa"));
        let form = [("charge", id.as_str()), ("amount", "60")];
        api.platform.yields(true);
        let answer = run_until_poll(polls, api.posting("/v1/refunds", &form, Some("key")));
        api.platform.yields(false);
        if answer.is_some() {
            assert!(polls > 6, "the request never waited");
            return;
        }
        api.platform.advance(16);
        let retried = api.post_once("/v1/refunds", &form, "key").ok();
        assert_eq!(retried.body["status"], "succeeded", "after {polls} polls");
        assert_one_refund(&api, &id, 60, &retried);
    }
}

#[test]
fn a_refund_whose_answer_is_lost_anywhere_is_the_same_refund_at_its_retry() {
    for nth in 1..=3 {
        for fault in [Fault::BeforeEffect, Fault::AfterEffect] {
            let api = Api::new();
            let id = charge_of(&paid(&api, "pm_card_visa"));
            let form = [("charge", id.as_str()), ("amount", "60")];
            api.platform.database().hop().fail(nth, fault);
            let lost = api.post_once("/v1/refunds", &form, "key");
            assert_eq!(lost.header("stripe-should-retry"), Some("true"));
            lost.error(503);
            let retried = api.post_once("/v1/refunds", &form, "key").ok();
            assert_one_refund(&api, &id, 60, &retried);
        }
    }
}

fn assert_one_refund(api: &Api, id: &str, amount: i64, refund: &Answer) {
    assert_eq!(charge(api, id).body["amount_refunded"], amount);
    let refunds = api.get(&format!("/v1/refunds?charge={id}")).ok();
    assert_eq!(refunds.body["data"], json!([refund.body]));
    let types = api.event_types();
    assert_eq!(types.iter().filter(|name| *name == "charge.refunded").count(), 1, "{types:?}");
    assert_eq!(types.iter().filter(|name| *name == "refund.created").count(), 1, "{types:?}");
}

#[test]
fn a_refund_that_nobody_retries_is_brought_to_its_end() {
    let api = Api::new();
    let id = charge_of(&paid(&api, "pm_card_visa"));
    // The third batch records what the processor said.
    api.platform.database().hop().fail(3, Fault::BeforeEffect);
    api.post("/v1/refunds", &[("charge", &id)]).error(503);
    let pending = api.get("/v1/refunds").ok();
    assert_eq!(pending.body["data"][0]["status"], "pending");
    api.platform.advance(60);
    api.beat();
    let recovered = api.get("/v1/refunds").ok();
    assert_eq!(recovered.body["data"][0]["status"], "succeeded");
}

#[test]
fn a_run_that_was_taken_for_dead_and_writes_late_is_not_refused_its_own_refund() {
    for head_start in 0..16 {
        let api = Api::new();
        let id = charge_of(&paid(&api, "pm_card_visa"));
        let form = [("charge", id.as_str())];
        api.platform.yields(true);
        let (late, retried) = run(async {
            let retry = async {
                for _ in 0..head_start {
                    kit::yield_once().await;
                }
                api.platform.advance(16);
                api.posting("/v1/refunds", &form, Some("key")).await
            };
            join!(api.posting("/v1/refunds", &form, Some("key")), retry)
        });
        api.platform.yields(false);
        // Where both began at one moment, one is told that the other runs.
        let told: Vec<_> =
            [&late, &retried].into_iter().filter(|told| told.status != 409).collect();
        assert!(told.iter().all(|answer| answer.status == 200), "{head_start}: {told:#?}");
        assert!(told.iter().all(|answer| answer.text == told[0].text), "{head_start}: {told:#?}");
        assert_one_refund(&api, &id, 100, &api.post_once("/v1/refunds", &form, "key").ok());
    }
}

#[test]
fn a_refund_that_fails_later_gives_the_money_back_to_the_charge() {
    let api = Api::new();
    let id = charge_of(&paid(&api, "pm_card_refundFail"));
    let refund = api.post("/v1/refunds", &[("charge", &id)]).ok();
    assert_eq!(refund.body["status"], "succeeded");
    assert_eq!(charge(&api, &id).body["refunded"], true);
    let before = api.event_types().len();
    api.platform.advance(5);
    api.beat();
    let failed = api.get(&format!("/v1/refunds/{}", refund.id())).ok();
    assert_eq!(failed.body["status"], "failed");
    assert_eq!(failed.body["failure_reason"], "expired_or_canceled_card");
    let shown = charge(&api, &id);
    assert_eq!(
        (&shown.body["amount_refunded"], &shown.body["refunded"]),
        (&json!(0), &json!(false))
    );
    assert_eq!(
        api.event_types()[before..],
        ["charge.refund.updated", "refund.updated", "refund.failed"]
    );
    let event = api.get("/v1/events?type=refund.failed").ok();
    assert_eq!(
        event.body["data"][0]["data"]["previous_attributes"],
        json!({
            "status": "succeeded", "failure_reason": null, "failure_balance_transaction": null,
        })
    );
    // What came back can be sent again.
    api.post("/v1/refunds", &[("charge", &id)]).ok();
}

#[test]
fn a_refund_that_takes_its_time_arrives() {
    let api = Api::new();
    let id = charge_of(&paid(&api, "pm_card_pendingRefund"));
    let refund = api.post("/v1/refunds", &[("charge", &id)]).ok();
    assert_eq!(refund.body["status"], "pending");
    assert_eq!(charge(&api, &id).body["amount_refunded"], 100);
    let path = format!("/v1/refunds/{}", refund.id());
    let refused = api.post(&format!("{path}/cancel"), &[]);
    let message = refused.error(400)["message"].as_str().unwrap_or_default();
    assert!(message.contains("requires_action"), "{message}");
    api.platform.advance(5);
    api.beat();
    assert_eq!(api.get(&path).ok().body["status"], "succeeded");
    assert!(
        api.event_types().ends_with(&["charge.refund.updated".into(), "refund.updated".into()])
    );
}

#[test]
fn an_update_changes_metadata_and_tells_what_was_before() {
    let api = Api::new();
    let id = charge_of(&paid(&api, "pm_card_visa"));
    let form = [("charge", id.as_str()), ("metadata[a]", "1"), ("metadata[b]", "2")];
    let refund = api.post("/v1/refunds", &form).ok();
    let path = format!("/v1/refunds/{}", refund.id());
    let before = api.event_types().len();
    let updated = api.post(&path, &[("metadata[a]", ""), ("metadata[c]", "3")]).ok();
    assert_eq!(updated.body["metadata"], json!({"b": "2", "c": "3"}));
    assert_eq!(api.event_types()[before..], ["charge.refund.updated", "refund.updated"]);
    let event = api.get("/v1/events?type=refund.updated").ok();
    assert_eq!(
        event.body["data"][0]["data"]["previous_attributes"],
        json!({"metadata": {"a": "1", "c": null}})
    );
    // What changes nothing is not told.
    api.post(&path, &[("metadata[b]", "2")]).ok();
    assert_eq!(api.event_types().len(), before + 2);
    assert_eq!(api.post(&path, &[("metadata", "")]).ok().body["metadata"], json!({}));
    assert_eq!(api.post(&path, &[("amount", "1")]).error(400)["code"], "parameter_unknown");
}

#[test]
fn an_update_that_lost_its_answer_is_told_once() {
    let api = Api::new();
    let id = charge_of(&paid(&api, "pm_card_visa"));
    let refund = api.post("/v1/refunds", &[("charge", &id)]).ok();
    let path = format!("/v1/refunds/{}", refund.id());
    let before = api.event_types().len();
    api.platform.database().hop().fail(2, Fault::AfterEffect);
    api.post_once(&path, &[("metadata[a]", "1")], "key").error(503);
    // Somebody else changes the same pair before the retry arrives: that change stays.
    api.post(&path, &[("metadata[a]", "2")]).ok();
    let retried = api.post_once(&path, &[("metadata[a]", "1")], "key").ok();
    assert_eq!(retried.body["metadata"], json!({"a": "2"}));
    assert_eq!(api.event_types().len(), before + 4);
}

#[test]
fn lists_are_narrowed_by_charge_and_intent() {
    let api = Api::new();
    let (one, other) = (paid(&api, "pm_card_visa"), paid(&api, "pm_card_visa"));
    let (first, second) = (charge_of(&one), charge_of(&other));
    for charge in [&first, &first, &second] {
        api.post("/v1/refunds", &[("charge", charge), ("amount", "10")]).ok();
    }
    let count = |query: &str| {
        let page = api.get(&format!("/v1/refunds{query}")).ok();
        page.body["data"].as_array().expect("a list").len()
    };
    assert_eq!(count(""), 3);
    assert_eq!(count(&format!("?charge={first}")), 2);
    assert_eq!(count(&format!("?payment_intent={}", other.id())), 1);
    assert_eq!(count(&format!("?charge={first}&payment_intent={}", one.id())), 2);
    assert_eq!(count(&format!("?charge={first}&payment_intent={}", other.id())), 0);
    let newest = api.get("/v1/refunds?limit=1").ok();
    assert_eq!(newest.body["has_more"], true);
    let after = newest.text_at("/data/0/id").to_owned();
    assert_eq!(count(&format!("?charge={first}&starting_after={after}")), 2);
    let pair = format!("?charge={first}&payment_intent={}&starting_after={after}", one.id());
    assert_eq!(count(&pair), 2);
    assert_eq!(api.platform.database().unregistered(), Vec::<String>::new());
}

#[test]
fn the_paths_below_a_charge_do_the_same() {
    let api = Api::new();
    let (id, other) =
        (charge_of(&paid(&api, "pm_card_visa")), charge_of(&paid(&api, "pm_card_visa")));
    let refund = api.post(&format!("/v1/charges/{id}/refunds"), &[("amount", "10")]).ok();
    assert_eq!(refund.body["object"], "refund");
    let shown = api.post(&format!("/v1/charges/{id}/refund"), &[("amount", "20")]).ok();
    assert_eq!(
        (&shown.body["object"], &shown.body["amount_refunded"]),
        (&json!("charge"), &json!(30))
    );
    let list = api.get(&format!("/v1/charges/{id}/refunds")).ok();
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(list.body["url"], format!("/v1/charges/{id}/refunds"));
    let path = format!("/v1/charges/{id}/refunds/{}", refund.id());
    assert_eq!(api.get(&path).ok().body, refund.body);
    assert_eq!(api.post(&path, &[("metadata[a]", "1")]).ok().body["metadata"]["a"], "1");
    let elsewhere = format!("/v1/charges/{other}/refunds/{}", refund.id());
    assert_eq!(api.get(&elsewhere).error(404)["code"], "resource_missing");
    assert_eq!(api.post("/v1/charges/ch_none/refunds", &[]).error(404)["param"], "charge");
    assert_eq!(api.get("/v1/charges/ch_none/refunds").error(404)["param"], "charge");
}

#[test]
fn a_charge_shows_its_refunds_where_they_are_asked_for() {
    let api = Api::new();
    let intent = paid(&api, "pm_card_visa");
    let id = charge_of(&intent);
    for _ in 0..11 {
        api.post("/v1/refunds", &[("charge", &id), ("amount", "5")]).ok();
    }
    let path = format!("/v1/charges/{id}");
    assert_eq!(api.get(&path).ok().body.get("refunds"), None);
    let list = api.get(&format!("{path}/refunds")).ok();
    assert_eq!(list.body["has_more"], true);
    let shown = api.get(&format!("{path}?expand[]=refunds")).ok();
    assert_eq!(shown.body["refunds"], list.body);
    let listed = api.get("/v1/charges?expand[]=data.refunds").ok();
    assert_eq!(listed.body["data"][0]["refunds"], list.body);
    let of_intent = format!("/v1/payment_intents/{}?expand[]=latest_charge.refunds", intent.id());
    assert_eq!(api.get(&of_intent).ok().body["latest_charge"]["refunds"], list.body);
    let deeper = api.get(&format!("{path}?expand[]=refunds.data.payment_intent")).ok();
    assert_eq!(deeper.body["refunds"]["data"][0]["payment_intent"]["id"], intent.id());
    assert_eq!(api.platform.database().unregistered(), Vec::<String>::new());
}

#[test]
fn another_merchant_finds_nothing() {
    let api = Api::new();
    let id = charge_of(&paid(&api, "pm_card_visa"));
    let refund = api.post("/v1/refunds", &[("charge", &id)]).ok();
    let stranger = api.platform.merchant("stranger");
    let key = &stranger.secret_key;
    let post = |path: String, form: Form<'_>| run(api.posting_as(key, &path, form, None));
    assert_eq!(
        post("/v1/refunds".into(), &[("charge", &id)]).error(400)["code"],
        "resource_missing"
    );
    let path = format!("/v1/refunds/{}", refund.id());
    assert_eq!(post(path.clone(), &[("metadata[a]", "1")]).error(404)["code"], "resource_missing");
    assert_eq!(post(format!("{path}/cancel"), &[]).error(404)["code"], "resource_missing");
}
