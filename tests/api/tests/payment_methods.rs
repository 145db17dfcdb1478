//! Payment methods: made from a card or a token, kept by a customer, let go of.

use api::{Answer, Api, invariants};
use serde_json::{Value, json};

const CARD: &[(&str, &str)] = &[
    ("type", "card"),
    ("card[number]", "4242424242424242"),
    ("card[exp_month]", "12"),
    ("card[exp_year]", "2030"),
    ("card[cvc]", "123"),
];

fn card(api: &Api, more: &[(&str, &str)]) -> Answer {
    api.post("/v1/payment_methods", &[CARD, more].concat()).ok()
}

fn customer(api: &Api) -> String {
    api.post("/v1/customers", &[]).ok().id().to_owned()
}

fn attach(api: &Api, method: &str, customer: &str) -> Answer {
    api.post(&format!("/v1/payment_methods/{method}/attach"), &[("customer", customer)])
}

fn detach(api: &Api, method: &str) -> Answer {
    api.post(&format!("/v1/payment_methods/{method}/detach"), &[])
}

fn post_as(api: &Api, key: &str, path: &str, form: &[(&str, &str)]) -> Answer {
    kit::run(api.posting_as(key, path, form, None))
}

/// The data of the newest event of a type.
fn event(api: &Api, event_type: &str) -> Value {
    let rows = api.platform.database().query(
        "SELECT data FROM events WHERE type = ?1 ORDER BY sequence DESC LIMIT 1",
        store::values![event_type],
    );
    let row = rows.first().unwrap_or_else(|| panic!("no {event_type}"));
    serde_json::from_str(row.text("data").expect("a text")).expect("JSON")
}

#[test]
fn a_card_is_shown_without_its_number() {
    let api = Api::new();
    let made = card(
        &api,
        &[
            ("billing_details[name]", "Jenny"),
            ("billing_details[address][postal_code]", "12345"),
            ("allow_redisplay", "always"),
            ("metadata[a]", "1"),
        ],
    );
    let body = &made.body;
    assert_eq!(body["object"], "payment_method");
    assert_eq!(body["type"], "card");
    assert_eq!(body["card"]["brand"], "visa");
    assert_eq!(body["card"]["last4"], "4242");
    assert_eq!(body["card"]["exp_year"], 2030);
    assert_eq!(
        body["card"]["checks"],
        json!({
            "address_line1_check": null,
            "address_postal_code_check": "unchecked",
            "cvc_check": "unchecked",
        })
    );
    assert_eq!(body["billing_details"]["name"], "Jenny");
    assert_eq!(body["billing_details"]["email"], json!(null));
    assert_eq!(body["allow_redisplay"], "always");
    assert_eq!(body["metadata"], json!({"a": "1"}));
    assert_eq!(body["customer"], json!(null));
    assert!(!made.text.contains("4242424242424242"));
    assert_eq!(api.get(&format!("/v1/payment_methods/{}", made.id())).ok().body, *body);
    assert_eq!(api.event_types(), Vec::<String>::new());
    let rows = api.platform.database().query("SELECT * FROM payment_methods", Vec::new());
    assert!(!format!("{rows:?}").contains("4242424242424242"));
}

#[test]
fn a_wrong_card_is_refused_by_its_field() {
    let api = Api::new();
    for (place, value, code, param) in [
        (1, "4242424242424241", "incorrect_number", "number"),
        (1, "nope", "invalid_number", "number"),
        (2, "13", "invalid_expiry_month", "exp_month"),
        (3, "2020", "invalid_expiry_year", "exp_year"),
        (4, "12", "invalid_cvc", "cvc"),
    ] {
        let mut form = CARD.to_vec();
        form[place].1 = value;
        let refused = api.post("/v1/payment_methods", &form);
        assert_eq!(refused.error(402)["code"], code, "{value}");
        assert_eq!(refused.error(402)["param"], param, "{value}");
        // No issuer was asked, so there is no word of one.
        for field in ["decline_code", "advice_code"] {
            assert_eq!(refused.error(402).get(field), None, "{value}");
        }
    }
    let refused = api.post("/v1/payment_methods", &CARD[..2]);
    assert_eq!(refused.error(400)["param"], "card[exp_month]");
    let refused = api.post("/v1/payment_methods", &CARD[1..]);
    assert_eq!(refused.error(400)["param"], "type");
    let refused = api.post("/v1/payment_methods", &CARD[..1]);
    assert_eq!(refused.error(400)["param"], "card");
    let form = [CARD, &[("billing_details[email]", "nope")]].concat();
    let refused = api.post("/v1/payment_methods", &form);
    assert_eq!(refused.error(400)["param"], "billing_details[email]");
}

#[test]
fn a_browser_makes_a_payment_method_and_nothing_else() {
    let api = Api::new();
    let key = api.merchant.publishable_key.clone();
    let form = [CARD, &[("metadata[a]", "1")]].concat();
    let made = kit::run(api.posting_as(&key, "/v1/payment_methods", &form, None)).ok();
    assert_eq!(made.body["card"]["last4"], "4242");
    assert_eq!(made.body["card"].get("fingerprint"), None);
    assert_eq!(made.body.get("metadata"), None);
    let path = format!("/v1/payment_methods/{}", made.id());
    let get = |path: &str| kit::run(api.send(http::Method::GET, path, Vec::new(), &key, None));
    assert_eq!(get(&path).error(403)["code"], "secret_key_required");
    assert_eq!(get("/v1/payment_methods").status, 403);
    assert_eq!(get("/v1/customers").status, 403);
    assert_eq!(post_as(&api, &key, "/v1/tokens", CARD).status, 403);
    assert_eq!(post_as(&api, &key, "/v1/customers", &[]).status, 403);
    assert_eq!(
        post_as(&api, &key, &format!("{path}/attach"), &[("customer", "cus_1")]).status,
        403
    );
    assert_eq!(api.get(&path).ok().body["metadata"], json!({"a": "1"}));
}

#[test]
fn a_customer_keeps_a_card_and_lets_it_go_for_good() {
    let api = Api::new();
    let (keeper, made) = (customer(&api), card(&api, &[]));
    let kept = attach(&api, made.id(), &keeper).ok();
    assert_eq!(kept.body["customer"], keeper.as_str());
    assert_eq!(kept.body["card"]["checks"]["cvc_check"], "pass");
    assert_eq!(event(&api, "payment_method.attached"), json!({"object": kept.body}));
    // What is so already needs no doing, and is no news.
    assert_eq!(attach(&api, made.id(), &keeper).ok().body, kept.body);
    let other = customer(&api);
    assert_eq!(
        attach(&api, made.id(), &other).error(400)["message"],
        "The payment method you provided has already been attached to a customer."
    );
    let gone = detach(&api, made.id()).ok();
    assert_eq!(gone.body["customer"], json!(null));
    assert_eq!(
        event(&api, "payment_method.detached"),
        json!({"object": gone.body, "previous_attributes": {"customer": keeper}})
    );
    assert_eq!(
        detach(&api, made.id()).error(400)["message"],
        "The payment method you provided is not attached to a customer so detachment is impossible."
    );
    let again = attach(&api, made.id(), &keeper);
    assert!(again.error(400)["message"].as_str().is_some_and(|text| text.contains("detached")));
    assert_eq!(
        api.event_types(),
        [
            "customer.created",
            "payment_method.attached",
            "customer.created",
            "payment_method.detached"
        ]
    );
}

#[test]
fn built_in_names_become_a_new_payment_method_each_time() {
    let api = Api::new();
    let keeper = customer(&api);
    let first = attach(&api, "pm_card_visa", &keeper).ok();
    let second = attach(&api, "pm_card_visa", &keeper).ok();
    assert_ne!(first.id(), second.id());
    let page = api.get(&format!("/v1/payment_methods?customer={keeper}")).ok();
    assert_eq!(page.body["data"], json!([second.body, first.body]));
    assert_eq!(api.get("/v1/payment_methods/pm_card_visa").status, 404);
}

#[test]
fn an_issuer_refuses_to_let_a_card_be_kept() {
    let api = Api::new();
    let keeper = customer(&api);
    let refused = attach(&api, "pm_card_chargeDeclinedInsufficientFunds", &keeper);
    assert_eq!(refused.error(402)["decline_code"], "insufficient_funds");
    let mut form = CARD.to_vec();
    form[1].1 = "4000000000000002";
    let made = api.post("/v1/payment_methods", &form).ok();
    let refused = attach(&api, made.id(), &keeper);
    let error = refused.error(402);
    assert_eq!(error["type"], "card_error");
    assert_eq!(error["code"], "card_declined");
    assert_eq!(error["payment_method"], made.body);
    assert_eq!(api.get(&format!("/v1/payment_methods/{}", made.id())).ok().body, made.body);
    // This one is refused only when it is charged.
    attach(&api, "pm_card_chargeCustomerFail", &keeper).ok();
    let wrong_cvc = attach(&api, "pm_card_cvcCheckFail", &keeper).ok();
    assert_eq!(wrong_cvc.body["card"]["checks"]["cvc_check"], "fail");
}

#[test]
fn what_is_attached_and_to_whom_must_exist() {
    let api = Api::new();
    let (keeper, made) = (customer(&api), card(&api, &[]));
    assert_eq!(
        attach(&api, "pm_missing", &keeper).error(404)["message"],
        "No such PaymentMethod: 'pm_missing'"
    );
    for missing in ["cus_missing", "nope"] {
        for method in [made.id(), "pm_card_visa"] {
            let refused = attach(&api, method, missing);
            assert_eq!(refused.error(400)["param"], "customer");
            assert_eq!(refused.error(400)["code"], "resource_missing");
        }
    }
    let path = format!("/v1/payment_methods/{}/attach", made.id());
    assert_eq!(api.post(&path, &[]).error(400)["code"], "parameter_missing");
    let refused = attach(&api, "tok_visa", &keeper);
    assert_eq!(refused.error(400)["param"], "payment_method");
    assert_eq!(api.get("/v1/payment_methods?customer=cus_missing").error(400)["param"], "customer");
    assert_eq!(detach(&api, "pm_missing").status, 404);
}

#[test]
fn an_update_needs_a_customer_and_tells_the_old_values() {
    let api = Api::new();
    let made = card(&api, &[("billing_details[name]", "A"), ("metadata[a]", "1")]);
    let path = format!("/v1/payment_methods/{}", made.id());
    assert_eq!(
        api.post(&path, &[("metadata[a]", "2")]).error(400)["message"],
        "You must save this PaymentMethod to a customer before you can update it."
    );
    attach(&api, made.id(), &customer(&api)).ok();
    let changed = api
        .post(
            &path,
            &[
                ("billing_details[email]", "a@example.com"),
                ("billing_details[address][city]", "Springfield"),
                ("card[exp_month]", "3"),
                ("card[exp_year]", "2031"),
                ("allow_redisplay", "limited"),
                ("metadata[a]", ""),
            ],
        )
        .ok();
    assert_eq!(changed.body["billing_details"]["name"], "A");
    assert_eq!(changed.body["billing_details"]["email"], "a@example.com");
    assert_eq!(changed.body["card"]["exp_month"], 3);
    assert_eq!(changed.body["metadata"], json!({}));
    assert_eq!(
        event(&api, "payment_method.updated")["previous_attributes"],
        json!({
            "allow_redisplay": "unspecified",
            "billing_details": {"address": {"city": null}, "email": null},
            "card": {"exp_month": 12, "exp_year": 2030},
            "metadata": {"a": "1"},
        })
    );
    let cleared = api.post(&path, &[("billing_details[name]", "")]).ok();
    assert_eq!(cleared.body["billing_details"]["name"], json!(null));
    assert_eq!(cleared.body["billing_details"]["email"], "a@example.com");
    let refused = api.post(&path, &[("card[exp_year]", "2020")]);
    assert_eq!(refused.error(402)["param"], "exp_year");
    let events = api.event_types().len();
    assert_eq!(api.post(&path, &[("card[exp_year]", "2031")]).ok().body, cleared.body);
    assert_eq!(api.event_types().len(), events);
}

#[test]
fn a_card_that_is_let_go_is_nobodys_default() {
    let api = Api::new();
    let form = [
        ("payment_method", "pm_card_visa"),
        ("invoice_settings[default_payment_method]", "pm_card_visa"),
    ];
    let keeper = api.post("/v1/customers", &form).ok();
    let default = keeper.text_at("/invoice_settings/default_payment_method");
    detach(&api, default).ok();
    let keeper = api.get(&format!("/v1/customers/{}", keeper.id())).ok();
    assert_eq!(keeper.body["invoice_settings"]["default_payment_method"], json!(null));
    assert_eq!(
        event(&api, "customer.updated")["previous_attributes"],
        json!({"invoice_settings": {"default_payment_method": default}})
    );
}

#[test]
fn a_kept_card_pays_for_its_customer_alone() {
    let api = Api::new();
    let (keeper, made) = (customer(&api), card(&api, &[]));
    attach(&api, made.id(), &keeper).ok();
    let form = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("payment_method", made.id()),
        ("payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    assert_eq!(api.post("/v1/payment_intents", &form).status, 400);
    let form = [&form[..], &[("customer", keeper.as_str())]].concat();
    assert_eq!(api.post("/v1/payment_intents", &form).ok().body["status"], "succeeded");
}

#[test]
fn another_account_sees_nothing_of_a_payment_method() {
    let api = Api::new();
    let (keeper, made) = (customer(&api), card(&api, &[]));
    attach(&api, made.id(), &keeper).ok();
    let stranger = api.platform.merchant("other");
    let path = format!("/v1/payment_methods/{}", made.id());
    let get = |path: &str| {
        kit::run(api.send(http::Method::GET, path, Vec::new(), &stranger.secret_key, None))
    };
    assert_eq!(get(&path).status, 404);
    assert_eq!(get("/v1/payment_methods").ok().body["data"], json!([]));
    assert_eq!(get(&format!("/v1/payment_methods?customer={keeper}")).status, 400);
    assert_eq!(post_as(&api, &stranger.secret_key, &path, &[("metadata[a]", "1")]).status, 404);
    assert_eq!(post_as(&api, &stranger.secret_key, &format!("{path}/detach"), &[]).status, 404);
    assert_eq!(
        post_as(&api, &stranger.secret_key, &format!("{path}/attach"), &[("customer", &keeper)])
            .status,
        404
    );
    let refused =
        post_as(&api, &stranger.secret_key, "/v1/customers", &[("payment_method", made.id())]);
    assert_eq!(refused.error(400)["message"], format!("No such PaymentMethod: '{}'", made.id()));
}

const PAY: &[(&str, &str)] = &[
    ("amount", "2000"),
    ("currency", "usd"),
    ("payment_method_types[]", "card"),
    ("confirm", "true"),
    ("return_url", "https://shop.test/done"),
];

const USED_UP: &str = "The provided PaymentMethod was previously used with a PaymentIntent without \
                       Customer attachment, shared with a connected account without Customer \
                       attachment, or was detached from a Customer. It may not be used again. To use \
                       a PaymentMethod multiple times, you must attach it to a Customer first.";

fn pay(api: &Api, method: &str, more: &[(&str, &str)]) -> Answer {
    api.post("/v1/payment_intents", &[PAY, &[("payment_method", method)], more].concat())
}

/// Nobody can use this payment method: not for a payment, and not to keep it.
#[track_caller]
fn assert_used_up(api: &Api, method: &str) {
    assert_eq!(pay(api, method, &[]).error(400)["message"], USED_UP);
    let unpaid = [("amount", "2000"), ("currency", "usd"), ("payment_method_types[]", "card")];
    let intent = api.post("/v1/payment_intents", &unpaid).ok();
    let path = format!("/v1/payment_intents/{}", intent.id());
    for path in [path.clone(), format!("{path}/confirm")] {
        let refused = api.post(&path, &[("payment_method", method)]);
        assert_eq!(refused.error(400)["message"], USED_UP, "{path}");
    }
    let keeper = customer(api);
    let attached = attach(api, method, &keeper);
    let created = api.post("/v1/customers", &[("payment_method", method)]);
    let set_up = api.post(
        "/v1/setup_intents",
        &[("customer", &keeper), ("payment_method", method), ("confirm", "true")],
    );
    for refused in [attached, created, set_up] {
        assert_eq!(
            refused.error(400)["message"],
            "This PaymentMethod was previously used without being attached to a Customer or was \
             detached from a Customer, and may not be used again."
        );
    }
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

/// The payment method of an intent, also of one whose card was declined.
fn method_of(answer: &Answer) -> String {
    let declined = &answer.body["error"]["payment_method"]["id"];
    let id = if declined.is_null() { &answer.body["payment_method"] } else { declined };
    id.as_str().expect("a payment method").to_owned()
}

#[test]
fn a_card_that_nobody_keeps_does_not_pay_twice() {
    let api = Api::new();
    for (card, status) in [("pm_card_visa", 200), ("pm_card_chargeDeclined", 402)] {
        // The payment makes the card itself,
        let paid = pay(&api, card, &[]);
        assert_eq!(paid.status, status, "{:#}", paid.body);
        assert_used_up(&api, &method_of(&paid));
        // or confirms with it,
        let unpaid = [("amount", "2000"), ("currency", "usd"), ("payment_method_types[]", "card")];
        let intent = api.post("/v1/payment_intents", &unpaid).ok();
        let path = format!("/v1/payment_intents/{}", intent.id());
        let paid = api.post(&format!("{path}/confirm"), &[("payment_method", card)]);
        assert_eq!(paid.status, status, "{:#}", paid.body);
        assert_used_up(&api, &method_of(&paid));
        // or was given it before.
        let intent =
            api.post("/v1/payment_intents", &[&unpaid[..], &[("payment_method", card)]].concat());
        let path = format!("/v1/payment_intents/{}", intent.ok().id());
        let paid = api.post(&format!("{path}/confirm"), &[]);
        assert_eq!(paid.status, status, "{:#}", paid.body);
        assert_used_up(&api, &method_of(&paid));
    }
    let made = card(&api, &[]);
    pay(&api, made.id(), &[("capture_method", "manual")]).ok();
    assert_used_up(&api, made.id());
}

#[test]
fn a_card_that_was_to_be_kept_and_is_declined_does_not_pay_again() {
    let api = Api::new();
    let keeper = customer(&api);
    let form = [("customer", keeper.as_str()), ("setup_future_usage", "off_session")];
    let declined = pay(&api, "pm_card_chargeCustomerFail", &form);
    assert_eq!(declined.status, 402);
    assert_used_up(&api, &method_of(&declined));
    let kept = pay(&api, "pm_card_visa", &form).ok();
    pay(&api, &method_of(&kept), &form[..1]).ok();
    // One that a customer keeps already stays theirs, whatever becomes of a payment.
    let kept = attach(&api, "pm_card_chargeCustomerFail", &keeper).ok();
    for _ in 0..2 {
        assert_eq!(pay(&api, kept.id(), &form[..1]).status, 402);
    }
    invariants::check_settled(&api.platform);
}

#[test]
fn a_card_that_is_to_be_kept_without_a_customer_is_given_to_one_afterwards() {
    let api = Api::new();
    let paid = pay(&api, "pm_card_visa", &[("setup_future_usage", "off_session")]).ok();
    attach(&api, &method_of(&paid), &customer(&api)).ok();
    invariants::check_settled(&api.platform);
}

#[test]
fn a_card_waits_with_its_challenge_and_is_used_up_by_what_comes_of_it() {
    let api = Api::new();
    let waiting = || pay(&api, "pm_card_authenticationRequired", &[]).ok();
    let finish = |intent: &Answer, result: &str| {
        let url = intent.text_at("/next_action/redirect_to_url/url");
        let request = http::Request::post(url).body(format!("result={result}").into_bytes());
        kit::run(api.answer(&request.expect("a request")))
    };
    for (result, status) in [("complete", "succeeded"), ("fail", "requires_payment_method")] {
        let intent = waiting();
        let path = format!("/v1/payment_intents/{}", intent.id());
        // It can be confirmed anew as long as nobody proved anything.
        let again = api.post(&format!("{path}/confirm"), &[]).ok();
        assert_eq!(method_of(&again), method_of(&intent));
        assert_eq!(finish(&again, result).status, 303);
        assert_eq!(api.get(&path).ok().body["status"], status);
        assert_used_up(&api, &method_of(&intent));
    }
    // One that nobody came to prove is as free as it was.
    let intent = waiting();
    api.post(&format!("/v1/payment_intents/{}/cancel", intent.id()), &[]).ok();
    assert_eq!(pay(&api, &method_of(&intent), &[]).ok().body["status"], "requires_action");
}

#[test]
fn a_card_that_its_customer_lets_go_of_during_the_challenge_is_not_given_back() {
    let api = Api::new();
    let keeper = customer(&api);
    let kept = attach(&api, "pm_card_threeDSecureRequired", &keeper).ok();
    let intent = pay(&api, kept.id(), &[("customer", &keeper)]).ok();
    assert_eq!(intent.body["status"], "requires_action");
    detach(&api, kept.id()).ok();
    let path = format!("/v1/payment_intents/{}/confirm", intent.id());
    assert_eq!(api.post(&path, &[]).error(400)["message"], USED_UP);
    assert_used_up(&api, kept.id());
}
