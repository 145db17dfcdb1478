//! Tokens: a card behind a name that can be used once.

use api::Api;
use serde_json::json;

const CARD: &[(&str, &str)] = &[
    ("card[number]", "5555555555554444"),
    ("card[exp_month]", "12"),
    ("card[exp_year]", "2030"),
    ("card[cvc]", "123"),
    ("card[name]", "Jenny Rosen"),
    ("card[address_line1]", "1 Main St"),
    ("card[address_zip]", "12345"),
];

#[test]
fn a_token_stands_for_a_card_and_its_holder() {
    let api = Api::new();
    let made = api.post("/v1/tokens", CARD).ok();
    let body = &made.body;
    assert!(made.id().starts_with("tok_"));
    assert_eq!((&body["object"], &body["type"]), (&json!("token"), &json!("card")));
    assert_eq!(body["used"], false);
    assert_eq!(body["card"]["object"], "card");
    assert!(made.text_at("/card/id").starts_with("card_"));
    assert_eq!(body["card"]["brand"], "MasterCard");
    assert_eq!(body["card"]["name"], "Jenny Rosen");
    assert_eq!(body["card"]["address_line1"], "1 Main St");
    assert_eq!(body["card"]["address_line1_check"], "unchecked");
    assert_eq!(body["card"]["address_city"], json!(null));
    assert_eq!(body["card"]["cvc_check"], "unchecked");
    assert!(!made.text.contains("5555555555554444"));
    assert_eq!(api.get(&format!("/v1/tokens/{}", made.id())).ok().body, *body);
}

#[test]
fn a_token_is_used_once() {
    let api = Api::new();
    let token = api.post("/v1/tokens", CARD).ok().id().to_owned();
    let form = [("type", "card"), ("card[token]", token.as_str())];
    let method = api.post("/v1/payment_methods", &form).ok();
    assert_eq!(method.body["card"]["last4"], "4444");
    assert_eq!(method.body["billing_details"]["name"], "Jenny Rosen");
    assert_eq!(method.body["billing_details"]["address"]["postal_code"], "12345");
    assert_eq!(api.get(&format!("/v1/tokens/{token}")).ok().body["used"], true);
    let message = format!("You cannot use a Stripe token more than once: {token}.");
    let refused = api.post("/v1/payment_methods", &form);
    assert_eq!(refused.error(400)["code"], "token_already_used");
    assert_eq!(refused.error(400)["message"], message);
    let refused = api.post("/v1/customers", &[("source", &token)]);
    assert_eq!(refused.error(400)["message"], message);
}

#[test]
fn a_token_becomes_a_customers_source() {
    let api = Api::new();
    let token = api.post("/v1/tokens", CARD).ok().id().to_owned();
    let customer = api.post("/v1/customers", &[("source", &token)]).ok();
    let path = format!("/v1/customers/{}?expand[]=default_source", customer.id());
    let shown = api.get(&path).ok();
    assert_eq!(shown.body["default_source"]["name"], "Jenny Rosen");
    assert_eq!(shown.body["default_source"]["customer"], customer.id());
    assert_eq!(shown.body["default_source"]["cvc_check"], "pass");
    assert_eq!(api.get(&format!("/v1/tokens/{token}")).ok().body["used"], true);
}

#[test]
fn only_cards_and_bank_accounts_become_tokens() {
    let api = Api::new();
    assert_eq!(api.post("/v1/tokens", &[]).error(400)["param"], "card");
    for other in ["customer", "pii[id_number]"] {
        let refused = api.post("/v1/tokens", &[(other, "x")]);
        assert_eq!(refused.error(400)["code"], "parameter_unknown", "{other}");
    }
    let mut form = CARD.to_vec();
    form[0].1 = "4242424242424241";
    let refused = api.post("/v1/tokens", &form);
    assert_eq!(refused.error(402)["code"], "incorrect_number");
    assert_eq!(refused.error(402)["param"], "number");
    assert_eq!(refused.error(402).get("decline_code"), None);
    assert_eq!(refused.error(402).get("advice_code"), None);
    for missing in ["tok_visa", "tok_missing"] {
        let refused = api.get(&format!("/v1/tokens/{missing}"));
        assert_eq!(refused.error(404)["message"], format!("No such token: '{missing}'"));
    }
    let form = [("type", "card"), ("card[token]", "tok_missing")];
    assert_eq!(api.post("/v1/payment_methods", &form).error(400)["param"], "card[token]");
}

#[test]
fn a_token_stands_for_a_bank_account_and_is_used_once() {
    let api = Api::new();
    let form = [
        ("bank_account[country]", "us"),
        ("bank_account[currency]", "usd"),
        ("bank_account[account_holder_name]", "Jenny Rosen"),
        ("bank_account[account_holder_type]", "individual"),
        ("bank_account[routing_number]", "110000000"),
        ("bank_account[account_number]", "000111111116"),
    ];
    let token = api.post("/v1/tokens", &form).ok();
    assert!(token.id().starts_with("btok_"));
    assert_eq!((&token.body["type"], &token.body["used"]), (&json!("bank_account"), &json!(false)));
    assert!(token.text_at("/bank_account/id").starts_with("ba_"));
    assert_eq!(token.body["bank_account"]["last4"], "1116");
    assert_eq!(token.body["bank_account"]["status"], "new");
    assert!(!token.text.contains("000111111116"));
    let path = format!("/v1/tokens/{}", token.id());
    assert_eq!(api.get(&path).ok().body, token.body);
    let banks = format!("/v1/accounts/{}/external_accounts", api.merchant.account);
    let form = [("external_account", token.id()), ("metadata[a]", "1")];
    let bank = api.post_once(&banks, &form, "key-1").ok();
    assert_eq!((&bank.body["last4"], &bank.body["currency"]), (&json!("1116"), &json!("usd")));
    assert_eq!(bank.body["account_holder_name"], "Jenny Rosen");
    assert_eq!(bank.body["metadata"], json!({"a": "1"}));
    assert_eq!(api.post_once(&banks, &form, "key-1").ok().body, bank.body);
    assert_eq!(api.get(&path).ok().body["used"], true);
    assert_eq!(api.post(&banks, &form).error(400)["code"], "token_already_used");
    let missing = api.post(&banks, &[("external_account", "btok_none")]);
    assert_eq!(missing.error(400)["param"], "external_account");
    api.get("/v1/tokens/btok_none").error(404);
    let both = [CARD, &[("bank_account[country]", "US")]].concat();
    assert_eq!(api.post("/v1/tokens", &both).error(400)["code"], "parameter_missing");
    let short = [
        ("bank_account[country]", "US"),
        ("bank_account[currency]", "usd"),
        ("bank_account[account_number]", "1"),
    ];
    let refused = api.post("/v1/tokens", &short);
    assert_eq!(refused.error(400)["param"], "bank_account[account_number]");
    let both = [CARD, &short[..2], &[("bank_account[account_number]", "000123456789")]].concat();
    assert_eq!(api.post("/v1/tokens", &both).error(400)["code"], "parameters_exclusive");
}
