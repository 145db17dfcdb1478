//! Parameters that change little, but that Stripe's clients send: accepted, shown, or refused by name.

use api::{Answer, Api};
use serde_json::{Value, json};

/// A payment that waits for its card.
const UNPAID: &[(&str, &str)] = &[("amount", "2000"), ("currency", "usd")];
/// A charge of the legacy API.
const CHARGE: &[(&str, &str)] = &[("amount", "2000"), ("currency", "usd"), ("source", "tok_visa")];

#[test]
fn every_currency_in_which_stripe_charges_cards_is_taken() {
    let api = Api::new();
    for currency in ["btn", "ghs", "svc", "std", "xcg"] {
        let form = [("amount", "2000"), ("currency", currency)];
        let intent = api.post("/v1/payment_intents", &form).ok();
        assert_eq!(intent.body["currency"], currency);
    }
    for ended in ["hrk", "eek", "mro", "usdc"] {
        let form = [("amount", "2000"), ("currency", ended)];
        assert_eq!(api.post("/v1/payment_intents", &form).error(400)["param"], "currency");
    }
}

#[test]
fn the_account_says_what_it_acts_by() {
    let api = Api::new();
    let account = api.get("/v1/account").ok();
    let charge = api.post("/v1/charges", CHARGE).ok();
    let settings = &account.body["settings"];
    assert_eq!(settings["dashboard"]["display_name"], account.body["business_profile"]["name"]);
    let descriptor = &charge.body["calculated_statement_descriptor"];
    assert_eq!(settings["payments"]["statement_descriptor"], *descriptor);
    assert_eq!(settings["card_payments"]["statement_descriptor_prefix"], *descriptor);
    assert_eq!(
        settings["card_payments"]["decline_on"],
        json!({"avs_failure": false, "cvc_failure": false})
    );
    for requirements in ["requirements", "future_requirements"] {
        assert_eq!(account.body[requirements]["currently_due"], json!([]));
        assert_eq!(account.body[requirements]["disabled_reason"], json!(null));
    }
    assert_eq!(account.body["controller"], json!({"type": "account"}));
    assert_eq!(account.body["business_type"], json!(null));
    assert_eq!(account.body["company"]["address"]["line1"], json!(null));
    assert_eq!(account.body["tos_acceptance"]["date"], json!(null));
    let url = format!("/v1/accounts/{}/external_accounts", account.id());
    assert_eq!(
        account.body["external_accounts"],
        json!({"object": "list", "data": [], "has_more": false, "url": url})
    );
}

#[test]
fn what_is_null_can_be_expanded_where_it_could_be_an_object() {
    let api = Api::new();
    let customer = api.post("/v1/customers", &[]).ok();
    let shown = api.get(&format!("/v1/customers/{}?expand[]=cash_balance", customer.id())).ok();
    assert_eq!(customer.body.get("cash_balance"), None);
    assert_eq!(shown.body.get("cash_balance"), Some(&json!(null)));
    let page = api.get("/v1/customers?expand[]=data.cash_balance").ok();
    assert_eq!(page.body["data"], json!([shown.body]));
    let charge = api.post("/v1/charges", &[CHARGE, &[("expand[]", "transfer")]].concat()).ok();
    assert_eq!(charge.body.get("transfer"), None);
    let form = [("charge", charge.id()), ("expand[]", "customer"), ("expand[]", "payment_method")];
    let refund = api.post("/v1/refunds", &form).ok();
    assert_eq!(refund.body["customer"], json!(null));
    assert_eq!(refund.body["payment_method"], json!(null));
    let form = [UNPAID, &[("expand[]", "payment_record")]].concat();
    let intent = api.post("/v1/payment_intents", &form).ok();
    assert_eq!(intent.body["payment_record"], json!(null));
    let refused = api.get(&format!("/v1/customers/{}?expand[]=balance", customer.id()));
    assert_eq!(refused.error(400)["param"], "expand");
}

#[test]
fn goods_go_to_somebody_at_an_address() {
    let api = Api::new();
    let intent = api.post("/v1/payment_intents", UNPAID).ok();
    let charge = api.post("/v1/charges", CHARGE).ok();
    let paths = [
        ("/v1/payment_intents".to_owned(), UNPAID),
        (format!("/v1/payment_intents/{}", intent.id()), &[]),
        ("/v1/charges".to_owned(), CHARGE),
        (format!("/v1/charges/{}", charge.id()), &[]),
    ];
    for (path, form) in paths {
        for (given, missing) in [
            (("shipping[name]", "Jenny"), "shipping[address]"),
            (("shipping[address][line1]", "1 Main St"), "shipping[name]"),
        ] {
            let refused = api.post(&path, &[form, &[given]].concat());
            assert_eq!(refused.error(400)["param"], missing, "{path}");
            assert_eq!(refused.error(400)["code"], "parameter_missing", "{path}");
        }
        let whole = [
            ("shipping[address][line1]", "1 Main St"),
            ("shipping[carrier]", "UPS"),
            ("shipping[name]", "Jenny"),
            ("shipping[tracking_number]", "1Z"),
        ];
        let shown = api.post(&path, &[form, &whole].concat()).ok();
        assert_eq!(shown.body["shipping"]["name"], "Jenny", "{path}");
        assert_eq!(shown.body["shipping"]["carrier"], "UPS", "{path}");
        assert_eq!(shown.body["shipping"]["tracking_number"], "1Z", "{path}");
        assert_eq!(shown.body["shipping"]["phone"], json!(null), "{path}");
        assert_eq!(shown.body["shipping"]["address"]["line1"], "1 Main St", "{path}");
    }
    let path = format!("/v1/payment_intents/{}", intent.id());
    assert_eq!(api.post(&path, &[("shipping", "")]).ok().body["shipping"], json!(null));
}

#[test]
fn an_intents_description_has_at_most_1000_characters() {
    let api = Api::new();
    let (fits, over) = ("ä".repeat(1_000), "ä".repeat(1_001));
    let intent =
        api.post("/v1/payment_intents", &[UNPAID, &[("description", &fits)]].concat()).ok();
    let path = format!("/v1/payment_intents/{}", intent.id());
    let customer = api.post("/v1/customers", &[]).ok();
    let card =
        [("confirm", "true"), ("customer", customer.id()), ("payment_method", "pm_card_visa")];
    for (path, form) in [
        ("/v1/payment_intents", UNPAID),
        (&path, &[]),
        (&format!("{path}/increment_authorization"), &[("amount", "3000")]),
        ("/v1/setup_intents", &card),
    ] {
        let refused = api.post(path, &[form, &[("description", &over)]].concat());
        assert_eq!(refused.error(400)["param"], "description", "{path}");
    }
    assert_eq!(api.get(&path).ok().body["description"], fits);
}

#[test]
fn a_charge_is_reported_as_fraudulent_or_safe_and_nothing_else() {
    let api = Api::new();
    let charge = api.post("/v1/charges", CHARGE).ok();
    let path = format!("/v1/charges/{}", charge.id());
    for report in ["fraudulent", "safe"] {
        let shown = api.post(&path, &[("fraud_details[user_report]", report)]).ok();
        assert_eq!(shown.body["fraud_details"]["user_report"], report);
    }
    let refused = api.post(&path, &[("fraud_details[user_report]", "odd")]);
    assert_eq!(refused.error(400)["param"], "fraud_details[user_report]");
}

/// An unpaid intent with one more parameter.
fn with(api: &Api, param: &str, value: &str) -> Answer {
    api.post("/v1/payment_intents", &[UNPAID, &[(param, value)]].concat())
}

/// What an intent shows of its options for cards.
fn card_options(intent: &Answer) -> &Value {
    &intent.body["payment_method_options"]["card"]
}

#[test]
fn options_of_kinds_that_are_not_offered_are_let_pass_and_misspelt_ones_are_not() {
    let api = Api::new();
    let others = [
        ("payment_method_options[link][persistent_token]", "x"),
        ("payment_method_options[us_bank_account][verification_method]", "instant"),
        ("payment_method_options[card_present][request_extended_authorization]", "true"),
        ("payment_method_options[customer_balance]", ""),
        ("payment_method_options[card][request_three_d_secure]", "any"),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
    ];
    let intent = api.post("/v1/payment_intents", &[UNPAID, &others].concat()).ok();
    assert_eq!(card_options(&intent)["request_three_d_secure"], "any");
    assert_eq!(
        intent.body["payment_method_options"].as_object().map(serde_json::Map::len),
        Some(1)
    );
    let path = format!("/v1/payment_intents/{}", intent.id());
    let misspelt = [
        ("payment_method_options[cards][network]", "visa", "payment_method_options[cards]"),
        ("payment_method_options[custom][id]", "x", "payment_method_options[custom]"),
        ("payment_method_options[card][nope]", "x", "payment_method_options[card][nope]"),
    ];
    for (param, value, named) in misspelt {
        for path in [&path, &format!("{path}/confirm")] {
            let refused = api.post(path, &[(param, value)]);
            assert_eq!(refused.error(400)["code"], "parameter_unknown");
            assert_eq!(refused.error(400)["param"], named);
        }
    }
    api.post(&path, &others[..4]).ok();
    api.post(&format!("{path}/confirm"), &others[..4]).ok();
}

#[test]
fn options_for_cards_are_shown_once_they_were_chosen() {
    let api = Api::new();
    let chosen = [
        ("payment_method_options[card][installments][enabled]", "true"),
        ("payment_method_options[card][network]", "cartes_bancaires"),
        ("payment_method_options[card][request_extended_authorization]", "if_available"),
        ("payment_method_options[card][request_overcapture]", "never"),
        ("payment_method_options[card][require_cvc_recollection]", "true"),
    ];
    let plain = api.post("/v1/payment_intents", UNPAID).ok();
    let always = json!({
        "installments": null,
        "mandate_options": null,
        "network": null,
        "request_three_d_secure": "automatic",
    });
    assert_eq!(*card_options(&plain), always);
    let path = format!("/v1/payment_intents/{}", plain.id());
    let shown = api.post(&path, &chosen).ok();
    let expected = json!({
        "installments": {"available_plans": [], "enabled": true, "plan": null},
        "mandate_options": null,
        "network": "cartes_bancaires",
        "request_extended_authorization": "if_available",
        "request_overcapture": "never",
        "request_three_d_secure": "automatic",
        "require_cvc_recollection": true,
    });
    assert_eq!(*card_options(&shown), expected);
    let nothing = api.post(&path, &[("payment_method_options[link][x]", "")]).ok();
    assert_eq!(*card_options(&nothing), expected);
    let cleared = api.post(&path, &[("payment_method_options[card]", "")]).ok();
    assert_eq!(*card_options(&cleared), always);
}

#[test]
fn options_for_cards_are_checked() {
    let api = Api::new();
    let (kana, kanji) = ("ア".repeat(23), "漢".repeat(18));
    for (param, value) in [
        ("payment_method_options[card][network]", "tin"),
        ("payment_method_options[card][setup_future_usage]", "sometimes"),
        ("payment_method_options[card][statement_descriptor_suffix_kana]", kana.as_str()),
        ("payment_method_options[card][statement_descriptor_suffix_kanji]", &kanji),
    ] {
        assert_eq!(with(&api, param, value).error(400)["param"], param);
    }
    let plan = "payment_method_options[card][installments][plan]";
    assert_eq!(with(&api, &format!("{plan}[type]"), "fixed_count").error(400)["param"], plan);
    with(&api, plan, "").ok();
    let fits: String = kanji.chars().skip(1).collect();
    let param = "payment_method_options[card][statement_descriptor_suffix_kanji]";
    let shown = with(&api, param, &fits).ok();
    assert_eq!(card_options(&shown)["statement_descriptor_suffix_kanji"], fits);
    let path = format!("/v1/payment_intents/{}", shown.id());
    let cleared = api.post(&path, &[(param, "")]).ok();
    assert_eq!(card_options(&cleared).get("statement_descriptor_suffix_kanji"), None);
}

#[test]
fn options_for_cards_say_no_or_take_back_what_the_intent_says() {
    let api = Api::new();
    let customer = api.post("/v1/customers", &[]).ok();
    let usage = "payment_method_options[card][setup_future_usage]";
    let saving = [
        ("customer", customer.id()),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("setup_future_usage", "off_session"),
    ];
    let kept = || {
        let path = format!("/v1/customers/{}/payment_methods", customer.id());
        api.get(&path).ok().body["data"].as_array().map(Vec::len)
    };
    let none = [UNPAID, &saving, &[(usage, "none"), ("confirm", "true")]].concat();
    let shown = api.post("/v1/payment_intents", &none).ok();
    assert_eq!(card_options(&shown)["setup_future_usage"], "none");
    assert_eq!(kept(), Some(0));
    let none = [UNPAID, &saving, &[(usage, "none")]].concat();
    let shown = api.post("/v1/payment_intents", &none).ok();
    let path = format!("/v1/payment_intents/{}/confirm", shown.id());
    let shown = api.post(&path, &[(usage, "")]).ok();
    assert_eq!(card_options(&shown).get("setup_future_usage"), None);
    assert_eq!(kept(), Some(1));

    let capture = "payment_method_options[card][capture_method]";
    let held = [UNPAID, &saving[1..3], &[(capture, "manual")]].concat();
    let shown = api.post("/v1/payment_intents", &held).ok();
    assert_eq!(card_options(&shown)["capture_method"], "manual");
    let path = format!("/v1/payment_intents/{}", shown.id());
    let shown = api.post(&path, &[(capture, "")]).ok();
    assert_eq!(card_options(&shown).get("capture_method"), None);
    let paid = api.post(&format!("{path}/confirm"), &[("return_url", "https://example.com")]).ok();
    assert_eq!(paid.body["status"], "succeeded");
}
