//! Charges: made without an intent, captured with or without one, changed, listed, and let go of.

use api::{Answer, Api, Form, invariants};
use domain::timestamp::DAY;
use futures_util::join;
use kit::run;
use serde_json::json;

const CHARGE: &[(&str, &str)] = &[("amount", "2000"), ("currency", "usd"), ("source", "tok_visa")];

fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [CHARGE, more].concat()
}

/// A charge that only holds its money.
fn held(api: &Api) -> Answer {
    api.post("/v1/charges", &with(&[("capture", "false")])).ok()
}

/// An intent whose charge only holds its money.
fn held_by_intent(api: &Api) -> Answer {
    let form = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("capture_method", "manual"),
        ("confirm", "true"),
    ];
    api.post("/v1/payment_intents", &form).ok()
}

fn path(charge: &Answer) -> String {
    format!("/v1/charges/{}", charge.id())
}

#[test]
fn a_token_is_charged_at_once() {
    let api = Api::new();
    let form = with(&[
        ("description", "Tea"),
        ("metadata[order]", "6"),
        ("receipt_email", "jo@example.com"),
        ("statement_descriptor_suffix", "Tea"),
        ("transfer_group", "group"),
        ("shipping[name]", "Jo"),
        ("shipping[address][line1]", "1 Main Street"),
    ]);
    let charge = api.post("/v1/charges", &form).ok();
    assert_eq!(charge.body["status"], "succeeded");
    assert_eq!((&charge.body["paid"], &charge.body["captured"]), (&json!(true), &json!(true)));
    assert_eq!(charge.body["amount_captured"], 2000);
    assert_eq!(charge.body["payment_intent"], json!(null));
    assert_eq!(charge.body["source"]["object"], "card");
    assert_eq!(charge.body["source"]["brand"], "Visa");
    assert!(charge.text_at("/source/id").starts_with("card_"));
    assert_eq!(charge.body["payment_method_details"]["card"]["last4"], "4242");
    assert_eq!(charge.body["metadata"], json!({"order": "6"}));
    assert_eq!(charge.body["shipping"]["name"], "Jo");
    assert_eq!(charge.body["calculated_statement_descriptor"], "ACME* Tea");
    assert_eq!(api.get(&path(&charge)).ok().body, charge.body);
    assert_eq!(api.event_types(), ["charge.succeeded"]);
    invariants::check(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn a_decline_keeps_the_failed_charge_and_names_it() {
    let api = Api::new();
    let mut form = with(&[]);
    form[2].1 = "tok_visa_chargeDeclinedInsufficientFunds";
    let declined = api.post_once("/v1/charges", &form, "key");
    let error = declined.error(402);
    assert_eq!((&error["type"], &error["code"]), (&json!("card_error"), &json!("card_declined")));
    assert_eq!(error["decline_code"], "insufficient_funds");
    let id = error["charge"].as_str().expect("the failed charge");
    let failed = api.get(&format!("/v1/charges/{id}")).ok();
    assert_eq!((&failed.body["status"], &failed.body["paid"]), (&json!("failed"), &json!(false)));
    assert_eq!(failed.body["failure_code"], "card_declined");
    assert_eq!(api.event_types(), ["charge.failed"]);
    assert_eq!(api.post_once("/v1/charges", &form, "key").text, declined.text);
    let refused = api.post("/v1/refunds", &[("charge", id)]);
    assert!(refused.error(400)["message"].as_str().unwrap_or_default().contains("did not succeed"));
    let refused = api.post(&format!("/v1/charges/{id}/capture"), &[]);
    assert!(refused.error(400)["message"].as_str().unwrap_or_default().contains("did not succeed"));
    // A cardholder cannot be asked to prove anything.
    form[2].1 = "tok_threeDSecureRequired";
    let declined = api.post("/v1/charges", &form);
    assert_eq!(declined.error(402)["code"], "authentication_required");
    invariants::check_settled(&api.platform);
}

#[test]
fn what_no_charge_can_be_made_from_is_told() {
    let api = Api::new();
    let amount_and: fn(&'static str, &'static str) -> Vec<(&'static str, &'static str)> =
        |name, value| vec![("amount", "2000"), ("currency", "usd"), (name, value)];
    let cases = [
        (vec![("amount", "2000"), ("currency", "usd")], "source", "parameter_missing"),
        (vec![("currency", "usd"), ("source", "tok_visa")], "amount", "parameter_missing"),
        (vec![("amount", "2000"), ("source", "tok_visa")], "currency", "parameter_missing"),
        (amount_and("source", "tok_none"), "source", "resource_missing"),
        (amount_and("source", "pm_none"), "source", "resource_missing"),
        (amount_and("source", "card_none"), "source", "resource_missing"),
        (amount_and("customer", "cus_none"), "customer", "resource_missing"),
        (with(&[("customer", "cus_none")]), "source", ""),
        (with(&[("amount_of_tea", "1")]), "amount_of_tea", "parameter_unknown"),
        (with(&[("statement_descriptor", "<tea>")]), "statement_descriptor", ""),
        (with(&[("receipt_email", "nobody")]), "receipt_email", "email_invalid"),
    ];
    for (form, param, code) in cases {
        let refused = api.post("/v1/charges", &form);
        let error = refused.error(400);
        assert_eq!(error["param"], param, "{form:?}: {error}");
        assert_eq!(error["code"].as_str().unwrap_or_default(), code, "{form:?}: {error}");
    }
    assert_eq!(api.event_types(), Vec::<String>::new());
    let small = api.post("/v1/charges", &[("amount", "49"), CHARGE[1], CHARGE[2]]);
    assert_eq!(small.error(400)["code"], "amount_too_small");
}

#[test]
fn a_customer_is_charged_by_the_card_that_they_keep() {
    let api = Api::new();
    let bare = api.post("/v1/customers", &[]).ok();
    let charge = |customer: &Answer| {
        api.post("/v1/charges", &[CHARGE[0], CHARGE[1], ("customer", customer.id())])
    };
    let refused = charge(&bare);
    assert_eq!(refused.error(400)["code"], "missing");
    let keeper = api.post("/v1/customers", &[("source", "tok_mastercard")]).ok();
    let made = charge(&keeper).ok();
    assert_eq!(made.body["customer"], keeper.body["id"]);
    assert_eq!(made.body["source"]["id"], keeper.body["default_source"]);
    assert_eq!(made.body["source"]["customer"], keeper.body["id"]);
    assert_eq!(made.body["source"]["brand"], "MasterCard");
    // The card is theirs: nobody else can be charged by it.
    let kept = keeper.text_at("/default_source").to_owned();
    let alone = [CHARGE[0], CHARGE[1], ("source", kept.as_str())];
    api.post("/v1/charges", &alone).error(400);
    let together = [alone.as_slice(), &[("customer", keeper.id())]].concat();
    api.post("/v1/charges", &together).ok();
    let other = [alone.as_slice(), &[("customer", bare.id())]].concat();
    api.post("/v1/charges", &other).error(400);
    let page = api.get(&format!("/v1/charges?customer={}", keeper.id())).ok();
    assert_eq!(page.body["data"].as_array().map(Vec::len), Some(2));
    api.delete(&format!("/v1/customers/{}", keeper.id())).ok();
    assert_eq!(charge(&keeper).error(400)["code"], "resource_missing");
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn a_token_is_charged_once() {
    let api = Api::new();
    let card = [
        ("card[number]", "4242424242424242"),
        ("card[exp_month]", "12"),
        ("card[exp_year]", "2034"),
    ];
    let token = api.post("/v1/tokens", &card).ok();
    let form = [CHARGE[0], CHARGE[1], ("source", token.id())];
    let charge = api.post_once("/v1/charges", &form, "key").ok();
    assert_eq!(charge.body["source"]["id"], token.body["card"]["id"]);
    assert_eq!(api.post("/v1/charges", &form).error(400)["code"], "token_already_used");
    for head_start in 0..12 {
        let api = Api::watched();
        let token = api.post("/v1/tokens", &card).ok();
        let form = [CHARGE[0], CHARGE[1], ("source", token.id())];
        api.platform.yields(true);
        let (one, other) = run(async {
            let later = async {
                for _ in 0..head_start {
                    kit::yield_once().await;
                }
                api.posting("/v1/charges", &form, None).await
            };
            join!(api.posting("/v1/charges", &form, None), later)
        });
        api.platform.yields(false);
        assert!((one.status == 200) != (other.status == 200), "{head_start}");
        let loser = if one.status == 200 { other } else { one };
        assert_eq!(loser.error(400)["code"], "token_already_used");
        invariants::check_settled(&api.platform);
        invariants::check_quiet(&api.platform);
    }
}

#[test]
fn held_money_is_captured_in_part_and_the_rest_released() {
    let api = Api::new();
    let charge = held(&api);
    assert_eq!((&charge.body["captured"], &charge.body["paid"]), (&json!(false), &json!(true)));
    let capture = path(&charge) + "/capture";
    let too_much = api.post(&capture, &[("amount", "2001")]);
    assert_eq!(too_much.error(400)["code"], "amount_too_large");
    assert_eq!(too_much.error(400)["param"], "amount");
    let form = [("amount", "1500"), ("receipt_email", "jo@example.com"), ("transfer_group", "g")];
    let captured = api.post(&capture, &form).ok();
    assert_eq!(captured.body["captured"], true);
    assert_eq!(captured.body["amount_captured"], 1500);
    // What was never taken is not given back.
    assert_eq!(captured.body["amount_refunded"], 0);
    assert_eq!(captured.body["refunded"], false);
    assert_eq!(captured.body["receipt_email"], "jo@example.com");
    assert_eq!(api.event_types(), ["charge.succeeded", "charge.captured"]);
    assert_eq!(api.post(&capture, &[]).error(400)["code"], "charge_already_captured");
    let too_much = api.post("/v1/refunds", &[("charge", charge.id()), ("amount", "1501")]);
    too_much.error(400);
    api.post("/v1/refunds", &[("charge", charge.id())]).ok();
    assert_eq!(api.get(&path(&charge)).ok().body["refunded"], true);
    // Nothing is left that could expire.
    api.platform.advance(8 * DAY);
    invariants::check_settled(&api.platform);
    assert!(!api.event_types().contains(&"charge.expired".to_owned()));
    invariants::check_quiet(&api.platform);
}

#[test]
fn two_captures_of_one_charge_end_with_one_winner() {
    for head_start in 0..14 {
        let api = Api::watched();
        let charge = held(&api);
        let capture = path(&charge) + "/capture";
        api.platform.yields(true);
        let (one, other) = run(async {
            let later = async {
                for _ in 0..head_start {
                    kit::yield_once().await;
                }
                api.posting(&capture, &[("amount", "800")], Some("other")).await
            };
            join!(api.posting(&capture, &[("amount", "1500")], Some("one")), later)
        });
        api.platform.yields(false);
        let won = [&one, &other].map(|answer| answer.status == 200);
        assert!(won[0] != won[1], "{head_start}: {one:#?} {other:#?}");
        let loser = if won[0] { other } else { one };
        assert!(matches!(loser.status, 400 | 429), "{loser:#?}");
        let captured = api.get(&path(&charge)).ok();
        assert_eq!(captured.body["amount_captured"], if won[0] { 1500 } else { 800 });
        invariants::check_settled(&api.platform);
        invariants::check_quiet(&api.platform);
    }
}

#[test]
fn a_capture_and_a_refund_of_held_money_never_both_get_it() {
    async fn wait(polls: u32) {
        for _ in 0..polls {
            kit::yield_once().await;
        }
    }
    for delay in 0..28_u32 {
        let api = Api::watched();
        let charge = held(&api);
        let capture = path(&charge) + "/capture";
        api.platform.yields(true);
        let (captured, refunded) = run(async {
            // Whoever comes first by how far, through to one after the other.
            let capture = async {
                wait(delay.saturating_sub(14)).await;
                api.posting(&capture, &[], None).await
            };
            let refund = async {
                wait(14_u32.saturating_sub(delay)).await;
                api.posting("/v1/refunds", &[("charge", charge.id())], None).await
            };
            join!(capture, refund)
        });
        api.platform.yields(false);
        let (captured, refunded) = (captured.status == 200, refunded.status == 200);
        assert!(captured || refunded, "{delay}: both were refused");
        // A refund after the capture gives back what was captured; a capture after the refund is
        // refused.
        let shown = api.get(&path(&charge)).ok();
        assert_eq!(shown.body["captured"], captured, "{delay}");
        assert_eq!(shown.body["refunded"], refunded, "{delay}");
        invariants::check_settled(&api.platform);
        invariants::check_quiet(&api.platform);
    }
}

#[test]
fn a_refund_lets_go_of_what_a_charge_without_an_intent_holds() {
    let api = Api::new();
    let charge = held(&api);
    let partial = api.post("/v1/refunds", &[("charge", charge.id()), ("amount", "500")]);
    let message = partial.error(400)["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("You cannot partially refund an uncaptured charge."), "{message}");
    let refund = api.post("/v1/refunds", &[("charge", charge.id())]).ok();
    assert_eq!(
        (&refund.body["status"], &refund.body["amount"]),
        (&json!("succeeded"), &json!(2000))
    );
    let shown = api.get(&path(&charge)).ok();
    assert_eq!((&shown.body["captured"], &shown.body["refunded"]), (&json!(false), &json!(true)));
    assert_eq!(shown.body["amount_refunded"], 2000);
    assert_eq!(api.event_types(), ["charge.succeeded", "charge.refunded", "refund.created"]);
    let again = api.post("/v1/refunds", &[("charge", charge.id())]);
    assert_eq!(again.error(400)["code"], "charge_already_refunded");
    let capture = api.post(&(path(&charge) + "/capture"), &[]);
    assert_eq!(capture.error(400)["code"], "charge_already_refunded");
    api.platform.advance(8 * DAY);
    invariants::check_settled(&api.platform);
    assert!(!api.event_types().contains(&"charge.expired".to_owned()));
    invariants::check_quiet(&api.platform);
}

#[test]
fn money_that_nobody_captures_is_released_after_seven_days() {
    let api = Api::new();
    let charge = held(&api);
    api.platform.advance(7 * DAY - 1);
    api.beat();
    assert_eq!(api.get(&path(&charge)).ok().body["refunded"], false);
    api.platform.advance(1);
    let late = api.post(&(path(&charge) + "/capture"), &[]);
    assert_eq!(late.error(400)["code"], "charge_expired_for_capture");
    api.beat();
    let expired = api.get(&path(&charge)).ok();
    assert_eq!(
        (&expired.body["captured"], &expired.body["refunded"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(api.event_types(), ["charge.succeeded", "charge.expired"]);
    let late = api.post(&(path(&charge) + "/capture"), &[]);
    assert_eq!(late.error(400)["code"], "charge_expired_for_capture");
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn a_charge_of_an_intent_is_captured_by_its_intent() {
    let api = Api::new();
    let intent = held_by_intent(&api);
    let path = format!("/v1/charges/{}", intent.text_at("/latest_charge"));
    let too_much = api.post(&format!("{path}/capture"), &[("amount", "2001")]);
    assert_eq!(too_much.error(400)["param"], "amount");
    let form =
        [("amount", "1500"), ("statement_descriptor_suffix", "Tea"), ("transfer_group", "g")];
    let captured = api.post_once(&format!("{path}/capture"), &form, "key").ok();
    assert_eq!(captured.body["amount_captured"], 1500);
    assert_eq!(captured.body["calculated_statement_descriptor"], "ACME* Tea");
    assert_eq!(captured.body["transfer_group"], "g");
    let intent = api.get(&format!("/v1/payment_intents/{}", intent.id())).ok();
    assert_eq!(intent.body["status"], "succeeded");
    assert_eq!(intent.body["amount_received"], 1500);
    let again = api.post(&format!("{path}/capture"), &[]);
    assert_eq!(again.error(400)["code"], "charge_already_captured");
    let canceled = held_by_intent(&api);
    api.post(&format!("/v1/payment_intents/{}/cancel", canceled.id()), &[]).ok();
    let capture = format!("/v1/charges/{}/capture", canceled.text_at("/latest_charge"));
    assert_eq!(api.post(&capture, &[]).error(400)["code"], "charge_already_refunded");
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn an_update_changes_what_a_charge_says_and_tells_what_was_before() {
    let api = Api::new();
    let charge = api.post("/v1/charges", &with(&[("description", "Tea")])).ok();
    let form = [
        ("description", "Coffee"),
        ("metadata[order]", "6"),
        ("receipt_email", "jo@example.com"),
        ("fraud_details[user_report]", "safe"),
        ("transfer_group", "group"),
    ];
    let updated = api.post(&path(&charge), &form).ok();
    assert_eq!(updated.body["description"], "Coffee");
    assert_eq!(updated.body["fraud_details"], json!({"user_report": "safe"}));
    let events = api.get("/v1/events?type=charge.updated").ok();
    assert_eq!(events.body["data"][0]["data"]["object"], updated.body);
    assert_eq!(
        events.body["data"][0]["data"]["previous_attributes"],
        json!({
            "description": "Tea",
            "fraud_details": {"user_report": null},
            "metadata": {"order": null},
            "receipt_email": null,
            "transfer_group": null,
        })
    );
    // What changes nothing is not told.
    api.post(&path(&charge), &form).ok();
    assert_eq!(api.event_types(), ["charge.succeeded", "charge.updated"]);
    let refused = api.post(&path(&charge), &[("transfer_group", "other")]);
    assert_eq!(refused.error(400)["param"], "transfer_group");
    let refused = api.post(&path(&charge), &[("customer", "cus_none")]);
    assert_eq!(refused.error(400)["code"], "resource_missing");
    let cleared = [("description", ""), ("fraud_details[user_report]", ""), ("metadata", "")];
    let cleared = api.post(&path(&charge), &cleared).ok();
    assert_eq!(cleared.body["description"], json!(null));
    assert_eq!(
        (&cleared.body["fraud_details"], &cleared.body["metadata"]),
        (&json!({}), &json!({}))
    );
    invariants::check(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn lists_are_narrowed_by_every_filter_at_once() {
    let api = Api::new();
    for group in ["a", "b", "a"] {
        let form = [CHARGE[0], CHARGE[1], CHARGE[2], ("transfer_group", group)];
        api.post("/v1/charges", &form).ok();
        api.platform.advance(1);
    }
    let intent = held_by_intent(&api);
    let ids = |query: &str| -> Vec<String> {
        let page = api.get(&format!("/v1/charges{query}")).ok();
        let data = page.body["data"].as_array().expect("a list");
        data.iter().map(|charge| charge["id"].as_str().expect("an id").to_owned()).collect()
    };
    let all = ids("");
    assert_eq!(all.len(), 4);
    assert_eq!(ids("?transfer_group=a"), [all[1].clone(), all[3].clone()]);
    assert_eq!(ids(&format!("?transfer_group=a&starting_after={}", all[1])), all[3..]);
    assert_eq!(ids(&format!("?transfer_group=a&ending_before={}", all[3])), all[1..2]);
    let of_intent = format!("?payment_intent={}", intent.id());
    assert_eq!(ids(&of_intent), all[..1]);
    assert_eq!(ids(&format!("{of_intent}&transfer_group=a")), Vec::<String>::new());
    assert_eq!(ids("?customer=cus_1&transfer_group=a"), Vec::<String>::new());
    assert_eq!(ids(&format!("{of_intent}&customer=cus_1&transfer_group=a")), Vec::<String>::new());
    let second = kit::START.seconds() + 1;
    assert_eq!(ids(&format!("?created[lte]={second}&transfer_group=b")), all[2..3]);
    invariants::check_registered(&api.platform);
}

#[test]
fn a_charge_is_found_by_its_metadata() {
    let api = Api::new();
    let charge = api.post("/v1/charges", &with(&[("metadata[order]", "6")])).ok();
    api.post("/v1/charges", CHARGE).ok();
    let found = api.get("/v1/charges/search?query=metadata%5B%27order%27%5D%3A%276%27").ok();
    assert_eq!(found.body["data"], json!([charge.body]));
    invariants::check_registered(&api.platform);
}

#[test]
fn another_merchant_finds_nothing() {
    let api = Api::new();
    let charge = held(&api);
    let stranger = api.platform.merchant("stranger");
    let post =
        |path: String, form: Form<'_>| run(api.posting_as(&stranger.secret_key, &path, form, None));
    for below in ["", "/capture", "/refund", "/refunds"] {
        let refused = post(path(&charge) + below, &[]);
        assert_eq!(refused.error(404)["code"], "resource_missing", "{below}");
    }
    assert_eq!(api.get(&path(&charge)).ok().body, charge.body);
}

#[test]
fn live_mode_has_no_processor() {
    let api = Api::new();
    let key = api.platform.key(&api.merchant, domain::api_key::Kind::Secret, true);
    let refused = run(api.posting_as(&key, "/v1/charges", CHARGE, None));
    assert_eq!(refused.error(400)["code"], "testmode_charges_only");
}
