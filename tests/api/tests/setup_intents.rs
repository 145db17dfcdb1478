//! Setup intents: a customer keeps a card that nothing was charged to yet.

use api::{Answer, Api, Form};
use serde_json::{Value, json};

const CREATE: &str = "/v1/setup_intents";
/// A card that a request brings along.
const CARD: &[(&str, &str)] = &[
    ("payment_method_data[type]", "card"),
    ("payment_method_data[card][number]", "4242424242424242"),
    ("payment_method_data[card][exp_month]", "12"),
    ("payment_method_data[card][exp_year]", "2034"),
    ("payment_method_data[billing_details][name]", "Jenny"),
    ("payment_method_data[allow_redisplay]", "always"),
];

fn customer(api: &Api) -> String {
    api.post("/v1/customers", &[]).ok().id().to_owned()
}

fn set_up(api: &Api, customer: &str, form: Form<'_>) -> Answer {
    api.post(CREATE, &[&[("customer", customer), ("confirm", "true")], form].concat())
}

fn kept(api: &Api, customer: &str) -> Vec<Value> {
    let page = api.get(&format!("/v1/customers/{customer}/payment_methods")).ok();
    page.body["data"].as_array().expect("a list").clone()
}

#[test]
fn a_card_that_is_brought_along_is_kept() {
    let api = Api::new();
    let keeper = customer(&api);
    let form = [CARD, &[("expand[]", "payment_method")]].concat();
    let intent = set_up(&api, &keeper, &form).ok();
    assert_eq!(intent.body["status"], "succeeded");
    assert_eq!(json!(kept(&api, &keeper)), json!([intent.body["payment_method"]]));
    let method = &intent.body["payment_method"];
    assert_eq!(method["customer"], keeper.as_str());
    assert_eq!(method["billing_details"]["name"], "Jenny");
    assert_eq!(method["allow_redisplay"], "always");
    assert_eq!(method["card"]["last4"], "4242");
    let types = api.event_types();
    assert!(types.contains(&"payment_method.attached".to_owned()), "{types:?}");
}

#[test]
fn a_token_is_used_up_by_the_card_that_is_made_from_it() {
    let api = Api::new();
    let keeper = customer(&api);
    let card = [
        ("card[number]", "4242424242424242"),
        ("card[exp_month]", "12"),
        ("card[exp_year]", "2034"),
    ];
    let token = api.post("/v1/tokens", &card).ok();
    let form =
        [("payment_method_data[type]", "card"), ("payment_method_data[card][token]", token.id())];
    set_up(&api, &keeper, &form).ok();
    assert_eq!(set_up(&api, &keeper, &form).error(400)["code"], "token_already_used");
    assert_eq!(kept(&api, &keeper).len(), 1);
}

#[test]
fn a_card_that_was_set_up_is_found_again_though_its_answer_was_lost() {
    let api = Api::new();
    let keeper = customer(&api);
    let form = [&[("customer", keeper.as_str()), ("confirm", "true")], CARD].concat();
    // The first batch finds the customer, the second keeps their card.
    api.platform.database().hop().fail(2, kit::Fault::AfterEffect);
    assert_eq!(api.post_once(CREATE, &form, "key-1").status, 503);
    let found = api.post_once(CREATE, &form, "key-1").ok();
    assert_eq!(found.body["status"], "succeeded");
    assert_eq!(kept(&api, &keeper).len(), 1);
}

#[test]
fn one_card_is_named_or_brought_along() {
    let api = Api::new();
    let keeper = customer(&api);
    let both = [CARD, &[("payment_method", "pm_card_visa")]].concat();
    assert_eq!(set_up(&api, &keeper, &both).error(400)["code"], "parameters_exclusive");
    let neither = set_up(&api, &keeper, &[]);
    assert_eq!(neither.error(400)["param"], "payment_method");
    assert_eq!(neither.error(400)["code"], "parameter_missing");
    let half = set_up(&api, &keeper, &CARD[..2]);
    assert_eq!(half.error(400)["param"], "payment_method_data[card][exp_month]");
    let mut refused = CARD.to_vec();
    refused[1].1 = "4000000000000002";
    assert_eq!(set_up(&api, &keeper, &refused).error(402)["code"], "card_declined");
    assert_eq!(kept(&api, &keeper), Vec::<Value>::new());
}

#[test]
fn options_are_shown_where_they_mean_something_for_cards() {
    let api = Api::new();
    let keeper = customer(&api);
    let form = [
        ("payment_method", "pm_card_visa"),
        ("payment_method_options[card][network]", "visa"),
        ("payment_method_options[card][request_three_d_secure]", "any"),
        ("payment_method_options[card][mandate_options][reference]", "6735"),
        ("payment_method_options[us_bank_account][verification_method]", "instant"),
        ("mandate_data[customer_acceptance][type]", "offline"),
        ("use_stripe_sdk", "true"),
    ];
    let intent = set_up(&api, &keeper, &form).ok();
    assert_eq!(
        intent.body["payment_method_options"],
        json!({"card": {
            "mandate_options": null,
            "network": "visa",
            "request_three_d_secure": "any",
        }})
    );
    assert_eq!(intent.body["mandate"], json!(null));
    assert_eq!(api.get(&format!("{CREATE}/{}", intent.id())).ok().body, intent.body);
    for (param, value) in [
        ("payment_method_options[cards][network]", "visa"),
        ("payment_method_options[oxxo][expires_after_days]", "1"),
        ("payment_method_options[card][network]", "tin"),
        ("single_use[amount]", "1"),
    ] {
        let refused = set_up(&api, &keeper, &[form[0], (param, value)]);
        let named = refused.error(400)["param"].as_str().expect("a parameter").to_owned();
        assert!(param.starts_with(&named), "{param}: {named}");
    }
}

#[test]
fn a_challenge_that_the_merchant_asks_for_is_told_as_a_decline() {
    let api = Api::new();
    let keeper = customer(&api);
    let card = ("payment_method", "pm_card_threeDSecureOptional");
    let wanted = ("payment_method_options[card][request_three_d_secure]", "challenge");
    let refused = set_up(&api, &keeper, &[card, wanted]);
    assert_eq!(refused.error(402)["code"], "authentication_required");
    set_up(&api, &keeper, &[card]).ok();
}

#[test]
fn a_setup_intent_is_shown_to_its_merchant_alone_and_a_wrong_secret_is_refused() {
    let api = Api::new();
    let keeper = customer(&api);
    let intent = set_up(&api, &keeper, &[("payment_method", "pm_card_visa")]).ok();
    let secret = intent.text_at("/client_secret");
    let get = |key: &str, secret: &str| {
        let path = format!("{CREATE}/{}?client_secret={secret}", intent.id());
        kit::run(api.send(http::Method::GET, &path, Vec::new(), key, None))
    };
    get(&api.merchant.publishable_key, secret).error(403);
    let refused = get(&api.merchant.secret_key, "seti_1_secret_1");
    assert_eq!(refused.error(400)["param"], "client_secret");
    assert!(!refused.text.contains(secret), "{}", refused.text);
    assert_eq!(get(&api.merchant.secret_key, secret).ok().body, intent.body);
}
