//! Payment intents: a card is charged, held, captured, released.

use api::{Api, Form, invariants};
use serde_json::json;

const CONFIRMED: &[(&str, &str)] = &[
    ("amount", "2000"),
    ("currency", "usd"),
    ("payment_method", "pm_card_visa"),
    ("payment_method_types[]", "card"),
    ("confirm", "true"),
];

#[test]
fn a_card_is_charged_in_one_call() {
    let api = Api::new();
    let intent = api.post("/v1/payment_intents", CONFIRMED).ok();
    assert_eq!(intent.body["status"], "succeeded");
    assert_eq!(intent.body["amount_received"], 2000);
    let again = api.get(&format!("/v1/payment_intents/{}", intent.id())).ok();
    assert_eq!(again.body, intent.body);
    assert_eq!(
        api.event_types(),
        ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    );
}

#[test]
fn a_payment_costs_two_calls_to_each_store_with_a_warm_key() {
    let api = Api::new();
    api.get("/v1/payment_intents").ok();
    api.platform.database().take_counts();
    api.post_once("/v1/payment_intents", CONFIRMED, "key-1").ok();
    let counts = api.platform.database().take_counts();
    assert_eq!(counts.batches, 2);
    assert_eq!(api.platform.begin_hop().calls() + api.platform.complete_hop().calls(), 2);
}

#[test]
fn a_decline_keeps_its_charge_and_gives_the_intent_back() {
    let api = Api::new();
    let mut form = CONFIRMED.to_vec();
    form[2].1 = "pm_card_chargeDeclinedInsufficientFunds";
    let declined = api.post("/v1/payment_intents", &form);
    let error = declined.error(402);
    assert_eq!(error["code"], "card_declined");
    assert_eq!(error["decline_code"], "insufficient_funds");
    assert_eq!(error["type"], "card_error");
    assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
    assert_eq!(error["payment_intent"]["payment_method"], json!(null));
    assert_eq!(error["payment_intent"]["latest_charge"], error["charge"]);
    assert_eq!(error["payment_intent"]["last_payment_error"]["decline_code"], "insufficient_funds");
    assert_eq!(
        api.event_types(),
        ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    );
}

#[test]
fn a_decline_names_the_field_that_was_wrong() {
    let api = Api::new();
    for (card, param) in [
        ("pm_card_chargeDeclinedIncorrectCvc", json!("cvc")),
        ("pm_card_chargeDeclinedExpiredCard", json!("exp_month")),
        ("pm_card_chargeDeclined", json!(null)),
    ] {
        let mut form = CONFIRMED.to_vec();
        form[2].1 = card;
        let declined = api.post("/v1/payment_intents", &form);
        let error = declined.error(402);
        assert_eq!(error["param"], param, "{card}");
        assert_eq!(error["payment_intent"]["last_payment_error"]["param"], param, "{card}");
        let form = [("amount", "2000"), ("currency", "usd"), ("source", card)];
        assert_eq!(api.post("/v1/charges", &form).error(402)["param"], param, "{card}");
    }
}

#[test]
fn held_money_is_captured_in_part_and_the_rest_released() {
    let api = Api::new();
    let form = [CONFIRMED, &[("capture_method", "manual")]].concat();
    let held = api.post("/v1/payment_intents", &form).ok();
    assert_eq!(held.body["status"], "requires_capture");
    assert_eq!(held.body["amount_capturable"], 2000);
    let path = format!("/v1/payment_intents/{}/capture", held.id());
    let too_much = api.post(&path, &[("amount_to_capture", "2001")]);
    assert_eq!(too_much.error(400)["code"], "amount_too_large");
    let captured = api.post(&path, &[("amount_to_capture", "1500")]).ok();
    assert_eq!(captured.body["status"], "succeeded");
    assert_eq!(captured.body["amount_received"], 1500);
    assert_eq!(captured.body["amount_capturable"], 0);
    let again = api.post(&path, &[]);
    assert_eq!(again.error(400)["code"], "payment_intent_unexpected_state");
}

#[test]
fn money_that_nobody_captures_is_released_after_seven_days() {
    let api = Api::new();
    let form = [CONFIRMED, &[("capture_method", "manual")]].concat();
    let held = api.post("/v1/payment_intents", &form).ok();
    api.platform.advance(7 * 86_400 - 1);
    api.beat();
    let path = format!("/v1/payment_intents/{}", held.id());
    assert_eq!(api.get(&path).ok().body["status"], "requires_capture");
    api.platform.advance(1);
    api.beat();
    let expired = api.get(&path).ok();
    assert_eq!(expired.body["status"], "canceled");
    assert_eq!(expired.body["cancellation_reason"], "expired");
    assert!(
        api.event_types()
            .ends_with(&["charge.expired".to_owned(), "payment_intent.canceled".to_owned()])
    );
}

#[test]
fn a_repeated_request_gets_the_same_bytes() {
    let api = Api::new();
    let first = api.post_once("/v1/payment_intents", CONFIRMED, "key-1").ok();
    let second = api.post_once("/v1/payment_intents", CONFIRMED, "key-1").ok();
    assert_eq!(first.text, second.text);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(second.header("original-request"), first.header("request-id"));
    let other = api.post_once("/v1/payment_intents", &CONFIRMED[..2], "key-1");
    assert_eq!(other.error(400)["type"], "idempotency_error");
}

#[test]
fn an_update_that_brought_a_card_is_found_again_though_its_answer_was_lost() {
    let api = Api::new();
    let intent = api.post("/v1/payment_intents", &[("amount", "500"), ("currency", "eur")]).ok();
    let path = format!("/v1/payment_intents/{}", intent.id());
    let card = [
        ("payment_method_data[type]", "card"),
        ("payment_method_data[card][token]", "tok_mastercard"),
    ];
    // The first batch reads the intent, the second writes it and the card.
    api.platform.database().hop().fail(2, kit::Fault::AfterEffect);
    let found = api.post_once(&path, &card, "key-1").ok();
    assert_eq!(found.body["status"], "requires_confirmation");
    assert_eq!(api.post_once(&path, &card, "key-1").ok().text, found.text);
}

#[test]
fn a_body_in_another_encoding_is_named_as_such() {
    let api = Api::new();
    let request = http::Request::post("https://florin.test/v1/payment_intents")
        .header("authorization", format!("Bearer {}", api.merchant.secret_key))
        .header("content-type", "application/json")
        .body(b"{\"amount\": 2000}".to_vec())
        .expect("a request");
    let refused = kit::run(api.answer(&request));
    let message = refused.error(400)["message"].as_str().expect("a sentence");
    assert!(message.contains("application/x-www-form-urlencoded"), "{message}");
}

/// A payment of 2000 that is to be taken in parts, of which 500 were.
fn taken_in_part(api: &Api) -> String {
    let form = [
        CONFIRMED,
        &[
            ("capture_method", "manual"),
            ("payment_method_options[card][request_multicapture]", "if_available"),
        ],
    ]
    .concat();
    let path = format!("/v1/payment_intents/{}", api.post("/v1/payment_intents", &form).ok().id());
    let part = [("amount_to_capture", "500"), ("final_capture", "false")];
    let taken = api.post(&format!("{path}/capture"), &part).ok();
    assert_eq!(taken.body["status"], "requires_capture");
    let charge =
        api.get(&format!("{path}?expand[]=latest_charge")).ok().body["latest_charge"].clone();
    assert_eq!(charge["captured"], false);
    path
}

#[test]
fn what_several_captures_leave_is_let_go_of_and_the_payment_succeeded() {
    type Ending = fn(&Api, &str);
    let endings: [(&str, Ending); 3] = [
        ("a last capture of nothing", |api, path| {
            let form = [("amount_to_capture", "0"), ("final_capture", "true")];
            api.post(&format!("{path}/capture"), &form).ok();
        }),
        ("a cancellation", |api, path| {
            api.post(&format!("{path}/cancel"), &[]).ok();
        }),
        ("time", |api, _| {
            api.platform.advance(7 * 24 * 60 * 60);
            api.beat();
        }),
    ];
    for (name, end) in endings {
        let api = Api::new();
        let path = taken_in_part(&api);
        let before = api.event_types().len();
        end(&api, &path);
        let ended = api.get(&format!("{path}?expand[]=latest_charge")).ok();
        assert_eq!(ended.body["status"], "succeeded", "{name}");
        assert_eq!(ended.body["amount_received"], 500, "{name}");
        assert_eq!(ended.body["amount_capturable"], 0, "{name}");
        assert_eq!(ended.body["canceled_at"], json!(null), "{name}");
        let charge = &ended.body["latest_charge"];
        assert_eq!(charge["captured"], true, "{name}");
        assert_eq!(charge["amount_captured"], 500, "{name}");
        assert_eq!(charge["amount_refunded"], 0, "{name}");
        assert_eq!(charge["refunded"], false, "{name}");
        let mut told = api.event_types().split_off(before);
        // What time brings also makes the first part's money available.
        told.retain(|kind| kind != "balance.available");
        assert_eq!(
            told,
            [
                "charge.captured",
                "payment_intent.amount_capturable_updated",
                "payment_intent.succeeded"
            ],
            "{name}"
        );
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn nothing_can_be_captured_only_after_a_part_was() {
    let api = Api::new();
    let path = taken_in_part(&api);
    let more_to_come = [("amount_to_capture", "0"), ("final_capture", "false")];
    api.post(&format!("{path}/capture"), &more_to_come).error(400);
    let form = [CONFIRMED, &[("capture_method", "manual")]].concat();
    let untaken = api.post("/v1/payment_intents", &form).ok();
    let path = format!("/v1/payment_intents/{}/capture", untaken.id());
    let error = api.post(&path, &[("amount_to_capture", "0")]);
    assert_eq!(error.error(400)["param"], "amount_to_capture");
}

#[test]
fn a_card_that_is_captured_once_is_told_to_be_so() {
    for (card, available) in [
        ("pm_card_visa_cartesBancaires", true),
        ("pm_card_credit_disableEnterpriseCardFeatures", false),
    ] {
        let api = Api::new();
        let mut form = CONFIRMED.to_vec();
        form[2].1 = card;
        form.extend([
            ("capture_method", "manual"),
            ("payment_method_options[card][request_multicapture]", "if_available"),
            ("expand[]", "latest_charge"),
        ]);
        let held = api.post("/v1/payment_intents", &form).ok();
        let status = if available { "available" } else { "unavailable" };
        let details = &held.body["latest_charge"]["payment_method_details"]["card"];
        assert_eq!(details["multicapture"]["status"], status, "{card}");
        let path = format!("/v1/payment_intents/{}/capture", held.id());
        let part = api.post(&path, &[("amount_to_capture", "500"), ("final_capture", "false")]);
        if available {
            assert_eq!(part.ok().body["amount_capturable"], 1500, "{card}");
        } else {
            assert_eq!(part.error(400)["param"], "final_capture", "{card}");
            let all = api.post(&path, &[("amount_to_capture", "500")]).ok();
            assert_eq!(all.body["status"], "succeeded", "{card}");
        }
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn an_application_fee_lies_between_nothing_and_the_amount() {
    let api = Api::new();
    let with = |fee| [CONFIRMED, &[("application_fee_amount", fee)]].concat();
    for fee in ["-1", "2001"] {
        let refused = api.post("/v1/payment_intents", &with(fee));
        assert_eq!(refused.error(400)["param"], "application_fee_amount", "{fee}");
    }
    assert_eq!(api.event_types(), Vec::<String>::new());
    let paid = api.post("/v1/payment_intents", &with("2000")).ok();
    assert_eq!(paid.body["application_fee_amount"], 2000);
    let unpaid = [("amount", "2000"), ("currency", "usd"), ("application_fee_amount", "2000")];
    let unpaid = api.post("/v1/payment_intents", &unpaid).ok();
    let smaller = api.post(&format!("/v1/payment_intents/{}", unpaid.id()), &[("amount", "1999")]);
    assert_eq!(smaller.error(400)["param"], "application_fee_amount");
}

#[test]
fn terms_of_a_payment_that_was_made_cannot_be_rewritten() {
    let api = Api::new();
    let customer = api.post("/v1/customers", &[]).ok().id().to_owned();
    let held = [CONFIRMED, &[("capture_method", "manual")]].concat();
    for form in [CONFIRMED, &held] {
        let intent = api.post("/v1/payment_intents", form).ok();
        let path = format!("/v1/payment_intents/{}", intent.id());
        let multicapture = "payment_method_options[card][request_multicapture]";
        let changes = [
            ("customer", customer.as_str()),
            ("setup_future_usage", "off_session"),
            (multicapture, "if_available"),
        ];
        for change in changes {
            let refused = api.post(&path, &[change]);
            assert_eq!(refused.error(400)["code"], "payment_intent_unexpected_state", "{change:?}");
        }
        api.post(&path, &[("metadata[order]", "7"), ("receipt_email", "jo@example.com")]).ok();
    }
}

#[test]
fn a_card_was_kept_by_a_payment_that_its_holder_took_no_part_in() {
    let api = Api::new();
    let customer = api.post("/v1/customers", &[]).ok().id().to_owned();
    let customer = ("customer", customer.as_str());
    let absent = ("off_session", "true");
    let of_cards = "payment_method_options[card][setup_future_usage]";
    for keeps in [("setup_future_usage", "on_session"), (of_cards, "off_session")] {
        let form = [CONFIRMED, &[customer, keeps, absent]].concat();
        let refused = api.post("/v1/payment_intents", &form);
        assert_eq!(refused.error(400)["param"], "off_session", "{keeps:?}");
        let form: Vec<_> = form
            .into_iter()
            .filter(|(name, _)| !matches!(*name, "confirm" | "off_session"))
            .collect();
        let intent = api.post("/v1/payment_intents", &form).ok();
        let confirm = format!("/v1/payment_intents/{}/confirm", intent.id());
        assert_eq!(api.post(&confirm, &[absent]).error(400)["param"], "off_session", "{keeps:?}");
        api.post(&confirm, &[]).ok();
    }
    let form = [CONFIRMED, &[customer, (of_cards, "none"), absent]].concat();
    api.post("/v1/payment_intents", &form).ok();
}

#[test]
fn an_authorization_that_expired_is_not_raised() {
    let api = Api::new();
    let form = [
        CONFIRMED,
        &[
            ("capture_method", "manual"),
            ("payment_method_options[card][request_incremental_authorization]", "if_available"),
        ],
    ]
    .concat();
    let held = api.post("/v1/payment_intents", &form).ok();
    api.platform.advance(7 * 86_400);
    let path = format!("/v1/payment_intents/{}/increment_authorization", held.id());
    let late = api.post(&path, &[("amount", "3000")]);
    assert_eq!(late.error(400)["code"], "charge_expired_for_capture");
}

#[test]
fn an_empty_filter_does_not_show_everybodys_payments() {
    let api = Api::new();
    api.post("/v1/payment_intents", CONFIRMED).ok();
    for target in [
        "/v1/payment_intents?customer=",
        "/v1/payment_methods?customer=",
        "/v1/charges?payment_intent=",
        "/v1/refunds?charge=",
        "/v1/customers?email=",
        "/v1/events?type=",
    ] {
        let refused = api.get(target);
        assert_eq!(refused.error(400)["code"], "parameter_invalid_empty", "{target}");
    }
    let created = [CONFIRMED, &[("customer", "")]].concat();
    let refused = api.post("/v1/payment_intents", &created);
    assert_eq!(refused.error(400)["param"], "customer");
}

#[test]
fn a_path_that_cannot_be_expanded_is_refused_before_anything_happens() {
    let api = Api::new();
    let path = "latest_charge.refunds.charge";
    let form = [CONFIRMED, &[("expand[]", path)]].concat();
    let refused = api.post("/v1/payment_intents", &form);
    assert_eq!(
        refused.error(400)["message"],
        format!("This property cannot be expanded ({path}).")
    );
    for path in ["invoice_settings.footer", "default_source.x", "sources.x", "tax_ids.data.x"] {
        let refused = api.post("/v1/customers", &[("expand[]", path)]);
        assert!(refused.error(400)["message"].as_str().is_some_and(|m| m.contains(path)), "{path}");
    }
    assert_eq!(api.event_types(), Vec::<String>::new());
    let form = [CONFIRMED, &[("expand[]", "latest_charge.refunds.data.charge")]].concat();
    api.post("/v1/payment_intents", &form).ok();
}

#[test]
fn a_charge_shows_an_address_that_its_issuer_does_not_know() {
    let api = Api::new();
    for (number, line1, postal_code) in [
        ("4242424242424242", "pass", "pass"),
        ("4000000000000010", "fail", "fail"),
        ("4000000000000028", "fail", "pass"),
        ("4000000000000036", "pass", "fail"),
        ("4000000000000044", "unavailable", "unavailable"),
    ] {
        let paid = api
            .post(
                "/v1/payment_intents",
                &[
                    ("amount", "2000"),
                    ("currency", "usd"),
                    ("payment_method_data[type]", "card"),
                    ("payment_method_data[card][number]", number),
                    ("payment_method_data[card][exp_month]", "12"),
                    ("payment_method_data[card][exp_year]", "2034"),
                    ("payment_method_data[billing_details][address][line1]", "1 Main St"),
                    ("payment_method_data[billing_details][address][postal_code]", "12345"),
                    ("payment_method_types[]", "card"),
                    ("confirm", "true"),
                    ("expand[]", "latest_charge"),
                ],
            )
            .ok();
        let card = &paid.body["latest_charge"]["payment_method_details"]["card"];
        assert_eq!(
            card["checks"],
            json!({
                "address_line1_check": line1,
                "address_postal_code_check": postal_code,
                "cvc_check": null,
            }),
            "{number}"
        );
    }
}

#[test]
fn what_is_too_much_or_too_long_is_told_in_stripes_words() {
    let api = Api::new();
    let (key, value) = ("k".repeat(41), "v".repeat(504));
    let long_key = format!("metadata[{key}]");
    for (sentence, form) in [
        (
            "Amount must be no more than $999,999.99".to_owned(),
            [("amount", "100000000"), ("currency", "usd"), ("description", "x")],
        ),
        (
            "Amount must be no more than 999,999.99 chf".to_owned(),
            [("amount", "100000000"), ("currency", "chf"), ("description", "x")],
        ),
        (
            format!(
                "Metadata keys can have up to 40 characters, but you passed in a key that is 41 \
                 characters. Invalid key: {key}"
            ),
            [("amount", "2000"), ("currency", "usd"), (long_key.as_str(), "x")],
        ),
        (
            // What is repeated of a text has its bound.
            format!(
                "Metadata values can have up to 500 characters, but you passed in a value that is \
                 504 characters. Invalid value: {}…",
                "v".repeat(200)
            ),
            [("amount", "2000"), ("currency", "usd"), ("metadata[order]", value.as_str())],
        ),
    ] {
        let refused = api.post("/v1/payment_intents", &form);
        assert_eq!(refused.error(400)["message"], sentence);
    }
}

#[test]
fn a_client_of_an_old_version_needs_no_way_back_for_a_card() {
    let api = Api::new();
    let body = "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true";
    let paid_by = |version: &str| {
        let request = http::Request::post("https://florin.test/v1/payment_intents")
            .header("authorization", format!("Bearer {}", api.merchant.secret_key))
            .header("stripe-version", version)
            .body(body.as_bytes().to_vec())
            .expect("a request");
        kit::run(api.answer(&request))
    };
    let paid = paid_by("2022-11-15").ok();
    assert_eq!(paid.body["status"], "succeeded");
    assert_eq!(paid.body["payment_method_types"], json!(["card"]));
    assert_eq!(paid.body["automatic_payment_methods"], json!(null));
    let refused = paid_by("2023-08-16");
    let message = refused.error(400)["message"].as_str().expect("a sentence");
    assert!(message.contains("return_url"), "{message}");
}

/// What the platform of the merchant got of a payment that was captured last.
fn application_fees(api: &Api) -> i64 {
    let listed = api.get("/v1/balance_transactions?limit=1").ok();
    let details = listed.body["data"][0]["fee_details"].as_array().expect("a list").clone();
    let of_platform = details.iter().filter(|detail| detail["type"] == "application_fee");
    of_platform.map(|detail| detail["amount"].as_i64().expect("an amount")).sum()
}

#[test]
fn an_application_fee_that_is_changed_while_money_is_held_is_what_is_charged() {
    let api = Api::watched();
    let held = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("confirm", "true"),
        ("capture_method", "manual"),
        ("application_fee_amount", "100"),
        ("payment_method_options[card][request_multicapture]", "if_available"),
    ];
    let intent = api.post("/v1/payment_intents", &held).ok();
    let path = format!("/v1/payment_intents/{}", intent.id());
    let update = |fee| api.post(&path, &[("application_fee_amount", fee)]);
    for fee in ["-1", "2001"] {
        assert_eq!(update(fee).error(400)["param"], "application_fee_amount");
    }
    assert_eq!(update("300").ok().body["application_fee_amount"], 300);
    let charge = api.get(&format!("/v1/charges/{}", intent.text_at("/latest_charge"))).ok();
    assert_eq!(charge.body["application_fee_amount"], 300);
    let capture = format!("{path}/capture");
    let part = [("amount_to_capture", "1000"), ("final_capture", "false")];
    assert_eq!(api.post(&capture, &[("application_fee_amount", "-1")]).status, 400);
    api.post(&capture, &part).ok();
    assert_eq!(application_fees(&api), 300);
    let refused = update("400");
    let message = refused.error(400)["message"].as_str().unwrap_or_default();
    assert_eq!(
        message,
        "The parameter application_fee_amount cannot be updated on a PaymentIntent after a capture \
         has already been made."
    );
    // What stays as it is, is no change.
    assert_eq!(update("300").ok().body["application_fee_amount"], 300);
    api.post(&capture, &[]).ok();
    assert_eq!(update("400").status, 400);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn an_application_fee_is_changed_before_a_capture_or_not_at_all() {
    for seed in 0..api::cases(16, 200) {
        let api = Api::watched();
        let held = [CONFIRMED, &[("capture_method", "manual")]].concat();
        let intent = api.post("/v1/payment_intents", &held).ok();
        let path = format!("/v1/payment_intents/{}", intent.id());
        let capture = format!("{path}/capture");
        let fee: Form<'_> = &[("application_fee_amount", "300")];
        api.platform.yields(true);
        let racers: Vec<std::pin::Pin<Box<dyn Future<Output = api::Answer>>>> = vec![
            Box::pin(api.posting(&path, fee, None)),
            Box::pin(api.posting(&capture, &[], None)),
        ];
        let told = kit::interleave(seed, racers);
        api.platform.yields(false);
        if told[1].status != 200 {
            api.post(&capture, &[]).ok();
        }
        let shown = api.get(&path).ok().body["application_fee_amount"].as_i64().unwrap_or(0);
        assert_eq!(shown, if told[0].status == 200 { 300 } else { 0 }, "seed {seed}");
        assert_eq!(application_fees(&api), shown, "seed {seed}");
        invariants::check_settled(&api.platform);
    }
}
