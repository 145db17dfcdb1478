//! Parameters that change little, but that Stripe's clients send: accepted, shown, or refused by name.

use api::Api;
use serde_json::json;

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
    let paid = [("amount", "2000"), ("currency", "usd"), ("source", "tok_visa")];
    let charge = api.post("/v1/charges", &paid).ok();
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
    let paid = [("amount", "2000"), ("currency", "usd"), ("source", "tok_visa")];
    let charge = api.post("/v1/charges", &[&paid[..], &[("expand[]", "transfer")]].concat()).ok();
    assert_eq!(charge.body.get("transfer"), None);
    let form = [("charge", charge.id()), ("expand[]", "customer"), ("expand[]", "payment_method")];
    let refund = api.post("/v1/refunds", &form).ok();
    assert_eq!(refund.body["customer"], json!(null));
    assert_eq!(refund.body["payment_method"], json!(null));
    let intent = [("amount", "2000"), ("currency", "usd"), ("expand[]", "payment_record")];
    let intent = api.post("/v1/payment_intents", &intent).ok();
    assert_eq!(intent.body["payment_record"], json!(null));
    let refused = api.get(&format!("/v1/customers/{}?expand[]=balance", customer.id()));
    assert_eq!(refused.error(400)["param"], "expand");
}
