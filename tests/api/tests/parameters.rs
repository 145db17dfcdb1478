//! Parameters that change little, but that Stripe's clients send: accepted, shown, or refused by name.

use api::{Answer, Api, invariants};
use serde_json::{Value, json};

/// A payment that waits for its card.
const UNPAID: &[(&str, &str)] = &[("amount", "2000"), ("currency", "usd")];
/// A charge of the legacy API.
const CHARGE: &[(&str, &str)] = &[("amount", "2000"), ("currency", "usd"), ("source", "tok_visa")];

const NO_DECIMALS: &str = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf";
const TWO_DECIMALS: &str = "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd btn bwp byn bzd \
    cad cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel ghs gip gmd gtq gyd hkd hnl htg huf idr ils \
    inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr \
    nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std svc szl thb tjs top try ttd twd \
    tzs uah usd uyu uzs wst xcd xcg yer zar zmw";
const THREE_DECIMALS: &str = "bhd jod kwd omr tnd";
const WHOLE: &str = "isk ugx";

#[test]
fn every_currency_in_which_stripe_charges_cards_is_taken_in_its_own_unit() {
    let api = Api::new();
    let pay = |amount: &str, currency: &str| {
        api.post("/v1/payment_intents", &[("amount", amount), ("currency", currency)])
    };
    // Stripe takes amounts in the last of these as if they had decimals, and whole ones only.
    for (currencies, smallest_step) in
        [(NO_DECIMALS, 1), (TWO_DECIMALS, 1), (THREE_DECIMALS, 10), (WHOLE, 100)]
    {
        for currency in currencies.split_whitespace() {
            let intent = pay("20000", currency).ok();
            assert_eq!(
                (&intent.body["currency"], &intent.body["amount"]),
                (&json!(currency), &json!(20000))
            );
            for (amount, is_taken) in
                [("20001", smallest_step == 1), ("20010", smallest_step <= 10)]
            {
                let status = pay(amount, currency).status;
                assert_eq!(status, if is_taken { 200 } else { 400 }, "{amount} {currency}");
            }
            for amount in ["0", "-20000", "100000000", "9223372036854775808", "20000.0"] {
                let refused = pay(amount, currency);
                assert_eq!(refused.error(400)["param"], "amount", "{amount} {currency}");
            }
        }
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
    assert_eq!(
        settings["payouts"],
        json!({"debit_negative_balances": false, "statement_descriptor": null,
            "schedule": {"delay_days": 2, "interval": "manual"}})
    );
    let url = format!("/v1/accounts/{}/external_accounts", account.id());
    assert_eq!(
        account.body["external_accounts"],
        json!({"object": "list", "data": [], "has_more": false, "url": url})
    );
}

#[test]
fn the_account_shows_where_and_when_it_is_paid_out() {
    let schedules = [
        (
            r#"{"interval": "daily", "delay_days": 5}"#,
            json!({"interval": "daily", "delay_days": 5}),
        ),
        (
            r#"{"interval": "weekly", "weekly_anchor": "friday"}"#,
            json!({"interval": "weekly", "delay_days": 2, "weekly_anchor": "friday"}),
        ),
        (
            r#"{"interval": "monthly", "monthly_anchor": 31}"#,
            json!({"interval": "monthly", "delay_days": 2, "monthly_anchor": 31}),
        ),
    ];
    for (settings, shown) in schedules {
        let api = Api::new();
        api.platform.set_settings(&api.merchant, &format!(r#"{{"payout_schedule": {settings}}}"#));
        let own = format!("/v1/accounts/{}", api.merchant.account);
        let banks = format!("{own}/external_accounts");
        let bank = api.post(&banks, &[("external_account", "btok_us_verified")]).ok();
        for path in ["/v1/account", &own] {
            let account = api.get(path).ok();
            assert_eq!(account.body["settings"]["payouts"]["schedule"], shown, "{path}");
            assert_eq!(account.body["external_accounts"]["data"], json!([bank.body]), "{path}");
        }
    }
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

/// A payment whose money is held, and may be raised.
fn held(api: &Api) -> Answer {
    let form = [
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("capture_method", "manual"),
        ("payment_method_options[card][request_incremental_authorization]", "if_available"),
        ("confirm", "true"),
    ];
    api.post("/v1/payment_intents", &[UNPAID, &form].concat()).ok()
}

#[test]
fn what_is_paid_for_is_told_at_every_step() {
    let api = Api::new();
    let order = [
        ("amount_details[discount_amount]", "100"),
        ("amount_details[enforce_arithmetic_validation]", "false"),
        ("amount_details[line_items][0][product_name]", "Tea"),
        ("amount_details[line_items][0][quantity]", "2"),
        ("amount_details[line_items][0][unit_cost]", "1000"),
        ("amount_details[shipping][amount]", "500"),
        ("amount_details[shipping][to_postal_code]", "10115"),
        ("amount_details[tax][total_tax_amount]", "0"),
        ("hooks[inputs][tax][calculation]", "taxcalc_1"),
        ("payment_details[order_reference]", "6735"),
    ];
    let shown = json!({
        "discount_amount": 100,
        "shipping": {"amount": 500, "from_postal_code": null, "to_postal_code": "10115"},
        "tax": {"total_tax_amount": 0},
        "tip": {},
    });
    let card = [("payment_method", "pm_card_visa"), ("return_url", "https://example.com")];
    let plain = api.post("/v1/payment_intents", UNPAID).ok();
    assert_eq!(plain.body["amount_details"], json!({"tip": {}}));
    assert_eq!(plain.body.get("payment_details"), None);
    let path = format!("/v1/payment_intents/{}", plain.id());
    let held_path = format!("/v1/payment_intents/{}", held(&api).id());
    let steps: [(String, &[(&str, &str)]); 5] = [
        ("/v1/payment_intents".to_owned(), UNPAID),
        (path.clone(), &[]),
        (format!("{path}/confirm"), &card),
        (format!("{held_path}/increment_authorization"), &[("amount", "3000")]),
        (format!("/v1/payment_intents/{}/capture", held(&api).id()), &[]),
    ];
    for (path, form) in steps {
        let intent = api.post(&path, &[form, &order].concat()).ok();
        assert_eq!(intent.body["amount_details"], shown, "{path}");
        assert_eq!(
            intent.body["payment_details"],
            json!({"customer_reference": null, "order_reference": "6735"}),
            "{path}"
        );
    }
}

#[test]
fn what_is_paid_for_is_changed_part_by_part_and_checked() {
    let api = Api::new();
    let told = [
        ("amount_details[discount_amount]", "100"),
        ("amount_details[shipping][amount]", "500"),
        ("amount_details[shipping][from_postal_code]", "10115"),
        ("payment_details[customer_reference]", "A"),
        ("payment_details[order_reference]", "6735"),
    ];
    let intent = api.post("/v1/payment_intents", &[UNPAID, &told].concat()).ok();
    let path = format!("/v1/payment_intents/{}", intent.id());
    let change = [
        ("amount_details[discount_amount]", ""),
        ("amount_details[shipping][amount]", ""),
        ("payment_details[customer_reference]", ""),
    ];
    let changed = api.post(&path, &change).ok();
    let shipping = json!({"amount": null, "from_postal_code": "10115", "to_postal_code": null});
    assert_eq!(changed.body["amount_details"], json!({"shipping": shipping, "tip": {}}));
    assert_eq!(
        changed.body["payment_details"],
        json!({"customer_reference": null, "order_reference": "6735"})
    );
    let cleared = api.post(&path, &[("amount_details", ""), ("payment_details", "")]).ok();
    assert_eq!(cleared.body["amount_details"], json!({"tip": {}}));
    assert_eq!(cleared.body.get("payment_details"), None);
    for (param, value) in [
        ("amount_details[discount_amount]", "-1"),
        ("amount_details[shipping][amount]", "-1"),
        ("amount_details[shipping][to_postal_code]", "12345678901"),
        ("amount_details[tax][total_tax_amount]", "-1"),
        ("amount_details[tips]", "1"),
        ("payment_details[customer]", "A"),
    ] {
        assert_eq!(api.post(&path, &[(param, value)]).error(400)["param"], param);
    }
    let refused = api.post(&path, &[("amount_details[tax][x]", "1")]);
    assert_eq!(refused.error(400)["code"], "parameter_unknown");
}

#[test]
fn a_part_of_an_amount_is_no_larger_than_an_amount_can_be() {
    let api = Api::new();
    for part in ["[shipping][amount]", "[discount_amount]", "[tax][total_tax_amount]"] {
        let param = format!("amount_details{part}");
        let with = |amount| {
            let form = [("amount", "2000"), ("currency", "usd"), (param.as_str(), amount)];
            api.post("/v1/payment_intents", &form)
        };
        for amount in ["9223372036854775807", "9007199254740992", "100000000"] {
            assert_eq!(with(amount).error(400)["param"], param, "{amount}");
        }
        with("99999999").ok();
    }
}

#[test]
fn a_payment_by_card_has_no_descriptor_of_its_own() {
    let api = Api::new();
    let intent = api.post("/v1/payment_intents", UNPAID).ok();
    let paths = [
        ("/v1/payment_intents".to_owned(), UNPAID),
        (format!("/v1/payment_intents/{}", intent.id()), &[]),
        (format!("/v1/payment_intents/{}/capture", held(&api).id()), &[]),
    ];
    for (path, form) in paths {
        let refused = api.post(&path, &[form, &[("statement_descriptor", "TEA")]].concat());
        let error = refused.error(400);
        assert_eq!(error["param"], "statement_descriptor", "{path}");
        assert_eq!(
            error["message"],
            "The statement_descriptor parameter is not supported for the payment_method_type \
             `card`. To continue supporting payment_method_type `card`, please pass in \
             `statement_descriptor_suffix` or remove the `statement_descriptor` parameter \
             altogether.",
            "{path}"
        );
        let emptied = api.post(&path, &[form, &[("statement_descriptor", "")]].concat());
        if path.ends_with("/capture") {
            // There is nothing to be unset.
            assert_eq!(emptied.error(400)["code"], "parameter_invalid_empty");
        } else {
            emptied.ok();
        }
    }
}

#[test]
fn the_platforms_part_can_be_told_with_the_capture() {
    let api = Api::new();
    let intent = held(&api);
    let path = format!("/v1/payment_intents/{}/capture?expand[]=latest_charge", intent.id());
    let refused = api.post(&path, &[("application_fee_amount", "2001")]);
    assert_eq!(refused.error(400)["param"], "application_fee_amount");
    let form = [("application_fee_amount", "200"), ("expand[]", "latest_charge")];
    let captured = api.post(&path, &form).ok();
    assert_eq!(captured.body["status"], "succeeded");
    assert_eq!(captured.body["application_fee_amount"], 200);
    assert_eq!(captured.body["latest_charge"]["application_fee_amount"], 200);
}

#[test]
fn cards_are_charged_without_mandates() {
    let api = Api::new();
    let refused = with(&api, "mandate", "mandate_1");
    assert_eq!(refused.error(400)["param"], "mandate");
    let intent = api.post("/v1/payment_intents", UNPAID).ok();
    let confirm = format!("/v1/payment_intents/{}/confirm", intent.id());
    let form = [("confirm", "true"), ("payment_method", "pm_card_visa")];
    for (path, form) in
        [("/v1/payment_intents", [UNPAID, &form].concat()), (&confirm, form[1..].to_vec())]
    {
        let refused = api.post(path, &[&form[..], &[("mandate", "mandate_1")]].concat());
        assert_eq!(refused.error(400)["code"], "resource_missing");
        assert_eq!(refused.error(400)["message"], "No such mandate: 'mandate_1'");
    }
}

#[test]
fn a_customer_has_an_address_in_the_net_for_their_tax() {
    let api = Api::new();
    let form = [("tax[ip_address]", "203.0.113.7"), ("tax[validate_location]", "deferred")];
    let made = api.post("/v1/customers", &form).ok();
    assert_eq!(made.body.get("tax"), None);
    let path = format!("/v1/customers/{}", made.id());
    let tax = |address| {
        json!({
            "automatic_tax": "not_collecting",
            "ip_address": address,
            "location": null,
            "provider": "stripe",
        })
    };
    let shown = api.get(&format!("{path}?expand[]=tax")).ok();
    assert_eq!(shown.body["tax"], tax(Some("203.0.113.7")));
    let form = [("tax[ip_address]", "2001:db8::1"), ("expand[]", "tax")];
    let shown = api.post(&path, &form).ok();
    assert_eq!(shown.body["tax"], tax(Some("2001:db8::1")));
    let page = api.get("/v1/customers?expand[]=data.tax").ok();
    assert_eq!(page.body["data"], json!([shown.body]));
    let cleared = api.post(&path, &[("tax[ip_address]", ""), ("expand[]", "tax")]).ok();
    assert_eq!(cleared.body["tax"], tax(None));
    let paid = [CHARGE, &[("expand[]", "customer.tax")]].concat();
    let paid = api.post("/v1/charges", &paid).ok();
    assert_eq!(paid.body["customer"], json!(null));
    for (param, value) in [
        ("tax[ip_address]", "203.0.113"),
        ("tax[validate_location]", "immediately"),
        ("tax[validate_location]", "later"),
        ("tax[country]", "DE"),
    ] {
        assert_eq!(api.post(&path, &[(param, value)]).error(400)["param"], param);
    }
    let refused = api.get(&format!("{path}?expand[]=tax.location"));
    assert_eq!(refused.error(400)["param"], "expand");
    api.delete(&path).ok();
    let gone = api.get(&format!("{path}?expand[]=tax"));
    assert_eq!(gone.body.get("tax"), None);
}

#[test]
fn what_no_customer_can_have_is_refused_rather_than_forgotten() {
    let api = Api::new();
    let mode = "cash_balance[settings][reconciliation_mode]";
    let customer = api.post("/v1/customers", &[(mode, "merchant_default"), ("tax_id_data", "")]);
    let path = format!("/v1/customers/{}", customer.ok().id());
    for path in ["/v1/customers", &path] {
        for value in ["manual", "automatic", "odd"] {
            assert_eq!(api.post(path, &[(mode, value)]).error(400)["param"], mode);
        }
    }
    let ids = [("tax_id_data[0][type]", "eu_vat"), ("tax_id_data[0][value]", "DE123456789")];
    assert_eq!(api.post("/v1/customers", &ids).error(400)["param"], "tax_id_data");
}

#[test]
fn nobody_lives_by_a_test_clock() {
    let api = Api::new();
    let customer = api.post("/v1/customers", &[("email", "a@example.com")]).ok();
    let page = api.get("/v1/customers?test_clock=clock_1").ok();
    assert_eq!(page.body["data"], json!([]));
    assert_eq!(page.body["has_more"], false);
    api.get("/v1/customers?test_clock=clock_1&email=a@example.com&limit=3").ok();
    let after = format!("/v1/customers?test_clock=clock_1&starting_after={}", customer.id());
    assert_eq!(api.get(&after).ok().body["data"], json!([]));
    let after = "/v1/customers?test_clock=clock_1&starting_after=cus_1";
    assert_eq!(api.get(after).error(400)["param"], "starting_after");
}

#[test]
fn a_card_that_a_customer_keeps_can_become_their_default_source() {
    let api = Api::new();
    let customer = api.post("/v1/customers", &[("source", "tok_mastercard")]).ok();
    let path = format!("/v1/customers/{}", customer.id());
    let attach = "/v1/payment_methods/pm_card_visa/attach";
    let card = api.post(attach, &[("customer", customer.id())]).ok();
    let shown = api.post(&path, &[("default_source", card.id())]).ok();
    assert_eq!(shown.body["default_source"], card.id());
    let charge = [("amount", "2000"), ("currency", "usd"), ("customer", customer.id())];
    let charge = api.post("/v1/charges", &charge).ok();
    assert_eq!(charge.body["payment_method"], card.id());
    // The source before it is still kept, and can be chosen again.
    let old = customer.text_at("/default_source");
    let shown = api.post(&path, &[("default_source", old)]).ok();
    assert_eq!(shown.body["default_source"], old);
    let other = api.post("/v1/customers", &[("source", "tok_visa")]).ok();
    for (form, code) in [
        (vec![("default_source", "pm_none")], "resource_missing"),
        (vec![("default_source", "card_none")], "resource_missing"),
        (vec![("default_source", other.text_at("/default_source"))], "resource_missing"),
        (vec![("default_source", old), ("source", "tok_visa")], "parameters_exclusive"),
        (vec![("default_source", "")], "parameter_invalid_empty"),
    ] {
        let refused = api.post(&path, &form);
        assert_eq!(refused.error(400)["param"], "default_source", "{form:?}");
        assert_eq!(refused.error(400)["code"], code, "{form:?}");
    }
    assert_eq!(api.get(&path).ok().body["default_source"], old);
}

#[test]
fn what_a_customer_keeps_is_listed_by_whether_it_may_be_shown_to_them() {
    let api = Api::new();
    let customer = api.post("/v1/customers", &[]).ok();
    let keep = |allow: &str| {
        let card = [("type", "card"), ("card[token]", "tok_visa"), ("allow_redisplay", allow)];
        let made = api.post("/v1/payment_methods", &card).ok();
        let path = format!("/v1/payment_methods/{}/attach", made.id());
        api.post(&path, &[("customer", customer.id())]).ok().body
    };
    let kinds = ["always", "limited", "unspecified", "always", "unspecified", "always"];
    let kept: Vec<_> = kinds.map(keep).into_iter().rev().collect();
    let of = |allow: &str| -> Vec<&Value> {
        kept.iter().filter(|method| method["allow_redisplay"] == allow).collect()
    };
    let nested = format!("/v1/customers/{}/payment_methods?", customer.id());
    let flat = format!("/v1/payment_methods?customer={}&", customer.id());
    for list in [nested, flat] {
        for allow in ["always", "limited", "unspecified"] {
            let page = api.get(&format!("{list}allow_redisplay={allow}&type=card")).ok();
            assert_eq!(page.body["data"], json!(of(allow)), "{list}{allow}");
        }
        // A page holds as many as there are of those that are wanted, and knows of more.
        let first = api.get(&format!("{list}allow_redisplay=always&limit=2")).ok();
        assert_eq!(first.body["data"], json!(of("always")[..2]));
        assert_eq!(first.body["has_more"], true);
        let last = first.text_at("/data/1/id");
        let after = format!("{list}allow_redisplay=always&limit=2&starting_after={last}");
        let second = api.get(&after).ok();
        assert_eq!(second.body["data"], json!(of("always")[2..]));
        assert_eq!(second.body["has_more"], false);
        let oldest = second.text_at("/data/0/id");
        let before = format!("{list}allow_redisplay=always&limit=1&ending_before={oldest}");
        let back = api.get(&before).ok();
        assert_eq!(back.body["data"], json!(of("always")[1..2]));
        assert_eq!(back.body["has_more"], true);
        let odd = api.get(&format!("{list}allow_redisplay=odd"));
        assert_eq!(odd.error(400)["param"], "allow_redisplay");
        let none = api.get(&format!("{list}allow_redisplay=always&type=link")).ok();
        assert_eq!(none.body["data"], json!([]));
    }
    let alone = api.get("/v1/payment_methods?allow_redisplay=always");
    assert_eq!(alone.error(400)["param"], "allow_redisplay");
    let nobody = api.get("/v1/customers/cus_none/payment_methods?allow_redisplay=always");
    assert_eq!(nobody.error(404)["code"], "resource_missing");
    invariants::check_registered(&api.platform);
}

#[test]
fn the_stripe_cli_names_no_version_and_means_cards_alone() {
    let api = Api::new();
    let send = |agent: &str| {
        let form = "amount=1000&currency=usd&confirm=true&payment_method=pm_card_bypassPending";
        let request = http::Request::post("https://florin.test/v1/payment_intents")
            .header("authorization", format!("Bearer {}", api.merchant.secret_key))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("user-agent", agent)
            .body(form.as_bytes().to_vec())
            .expect("a request");
        kit::run(api.answer(&request))
    };
    assert_eq!(send("Stripe/v1 stripe-cli/1.52.0").ok().body["status"], "succeeded");
    let refused = send("curl/8.5.0");
    let message = refused.error(400)["message"].as_str().expect("a message");
    assert!(message.contains("return_url"), "{message}");
}

#[test]
fn a_way_back_that_a_page_cannot_name_is_refused() {
    let api = Api::new();
    let with = |url: &str| {
        let paid = [("payment_method", "pm_card_visa"), ("confirm", "true"), ("return_url", url)];
        api.post("/v1/payment_intents", &[UNPAID, &paid].concat())
    };
    for url in [
        "https://example.com/<script>",
        "https:///x",
        "https://a;script-src/x",
        "https://a'b/x",
        "http://",
        "javascript://example.com/%0aalert(1)",
    ] {
        assert_eq!(with(url).error(400)["param"], "return_url", "{url}");
    }
    for url in [
        "https://shop.example.com:8443/done?a=b#c",
        "http://localhost:3000",
        "http://[::1]:80/",
        "my.app://back",
        "my-app://open/done?<order>",
    ] {
        assert_eq!(with(url).ok().body["status"], "succeeded", "{url}");
    }
}

#[test]
fn a_moment_that_is_no_integer_has_the_same_code_alone_and_as_a_bound() {
    let api = Api::new();
    for name in ["created", "created[gte]"] {
        let error = api.get(&format!("/v1/customers?{name}=abc"));
        let error = error.error(400);
        assert_eq!(error["code"], "parameter_invalid_integer", "{name}");
        assert_eq!(error["param"], name);
        assert_eq!(error["message"], "Invalid integer: abc");
    }
}
