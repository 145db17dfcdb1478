//! Parameters that change little, but that Stripe's clients send: accepted, shown, or refused by name.

use api::Api;
use serde_json::json;

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
