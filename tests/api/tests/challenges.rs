//! 3-D Secure: the cardholder is sent to our page, proves who they are or does not, and comes back.

use api::processors::pass;
use api::{Answer, Api, invariants};
use domain::timestamp::DAY;
use http::Request;

fn challenged(api: &Api) -> (String, String) {
    let intent = api
        .post(
            "/v1/payment_intents",
            &[
                ("amount", "2000"),
                ("currency", "usd"),
                ("payment_method", "pm_card_authenticationRequired"),
                ("confirm", "true"),
                ("return_url", "https://shop.test/done?order=7#end"),
            ],
        )
        .ok();
    assert_eq!(intent.body["status"], "requires_action");
    assert_eq!(intent.body["latest_charge"], serde_json::Value::Null);
    let url = intent.text_at("/next_action/redirect_to_url/url");
    (intent.id().to_owned(), url.strip_prefix("https://florin.test").expect("our host").to_owned())
}

fn page(api: &Api, method: &str, path: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("https://florin.test{path}"))
        .body(body.as_bytes().to_vec())
        .expect("a request");
    kit::run(api.answer(&request))
}

#[test]
fn a_completed_challenge_charges_the_card_once_and_leads_back() {
    let api = Api::new();
    let (id, path) = challenged(&api);
    let shown = page(&api, "GET", &path, "");
    assert_eq!(shown.status, 200);
    assert!(shown.text.contains("$20.00") && shown.text.contains("Complete authentication"));
    assert!(
        shown
            .header("content-security-policy")
            .is_some_and(|policy| policy.contains("default-src 'none'")
                && policy.contains("form-action 'self' https://shop.test"))
    );
    for _ in 0..2 {
        let left = page(&api, "POST", &path, "result=complete");
        assert_eq!(left.status, 303);
        let back = left.header("location").expect("a way back");
        assert!(back.starts_with("https://shop.test/done?order=7&payment_intent=pi_"), "{back}");
        assert!(back.ends_with("&redirect_status=succeeded#end"), "{back}");
        assert!(back.contains("payment_intent_client_secret=pi_"), "{back}");
    }
    let intent = api.get(&format!("/v1/payment_intents/{id}")).ok();
    assert_eq!(intent.body["status"], "succeeded");
    let succeeded = api.event_types().iter().filter(|name| *name == "charge.succeeded").count();
    assert_eq!(succeeded, 1);
}

#[test]
fn a_failed_challenge_gives_the_intent_back_without_a_charge() {
    let api = Api::new();
    let (id, path) = challenged(&api);
    let left = page(&api, "POST", &path, "result=fail");
    assert!(left.header("location").is_some_and(|back| back.contains("redirect_status=failed")));
    let intent = api.get(&format!("/v1/payment_intents/{id}")).ok();
    assert_eq!(intent.body["status"], "requires_payment_method");
    let error = &intent.body["last_payment_error"];
    assert_eq!(error["code"], "payment_intent_authentication_failure");
    assert_eq!(error["type"], "invalid_request_error");
    assert_eq!(
        error["message"],
        "The provided PaymentMethod has failed authentication. You can provide payment_method_data \
         or a new PaymentMethod to attempt to fulfill this PaymentIntent again."
    );
    assert_eq!(intent.body["latest_charge"], serde_json::Value::Null);
    // Completing it afterwards changes nothing.
    page(&api, "POST", &path, "result=complete");
    let intent = api.get(&format!("/v1/payment_intents/{id}")).ok();
    assert_eq!(intent.body["status"], "requires_payment_method");
}

#[test]
fn a_canceled_payment_cannot_be_completed() {
    let api = Api::new();
    let (id, path) = challenged(&api);
    api.post(&format!("/v1/payment_intents/{id}/cancel"), &[]).ok();
    let left = page(&api, "POST", &path, "result=complete");
    assert!(left.header("location").is_some_and(|back| back.contains("redirect_status=failed")));
    let intent = api.get(&format!("/v1/payment_intents/{id}")).ok();
    assert_eq!(intent.body["status"], "canceled");
}

#[test]
fn a_cardholder_whose_submission_died_half_way_is_told_how_the_payment_ended() {
    let api = Api::new();
    let (id, path) = challenged(&api);
    // The submission reads the challenge and the payment, holds the payment, and dies before it records
    // what the processor said.
    api.platform.database().hop().fail(6, kit::Fault::BeforeEffect);
    let failed = page(&api, "POST", &path, "result=complete");
    assert!(failed.status >= 500, "{}", failed.text);
    let left = page(&api, "GET", &path, "");
    let back = left.header("location").expect("a way back");
    assert!(back.contains("redirect_status=succeeded"), "{back}");
    assert_eq!(api.get(&format!("/v1/payment_intents/{id}")).ok().body["status"], "succeeded");
}

#[test]
fn a_payment_that_the_server_confirms_itself_waits_for_it_after_the_challenge() {
    let api = Api::new();
    let form = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("payment_method", "pm_card_authenticationRequired"),
        ("payment_method_types[]", "card"),
        ("confirmation_method", "manual"),
        ("confirm", "true"),
        ("return_url", "https://shop.test/done"),
    ];
    let confirm_again = |after: i64| {
        let intent = api.post("/v1/payment_intents", &form).ok();
        let url = intent.text_at("/next_action/redirect_to_url/url").to_owned();
        let path = url.strip_prefix("https://florin.test").expect("our host");
        for _ in 0..2 {
            let left = page(&api, "POST", path, "result=complete");
            let back = left.header("location").expect("a way back");
            assert!(back.contains("redirect_status=pending"), "{back}");
        }
        let path = format!("/v1/payment_intents/{}", intent.id());
        let waits = api.get(&path).ok();
        assert_eq!(waits.body["status"], "requires_confirmation");
        assert_eq!(waits.body["amount_received"], 0);
        api.platform.advance(after);
        api.post(&format!("{path}/confirm"), &[("return_url", "https://shop.test/done")]).ok()
    };
    assert_eq!(confirm_again(60).body["status"], "succeeded");
    // What was proved holds for an hour.
    assert_eq!(confirm_again(3_600).body["status"], "requires_action");
    invariants::check_settled(&api.platform);
}

#[test]
fn terms_that_change_under_a_challenge_ask_for_a_new_one() {
    let api = Api::new();
    let (id, path) = challenged(&api);
    let intent = format!("/v1/payment_intents/{id}");
    let changed = api.post(&intent, &[("capture_method", "manual")]).ok();
    assert_eq!(changed.body["status"], "requires_confirmation");
    page(&api, "POST", &path, "result=complete");
    assert_eq!(api.get(&intent).ok().body["status"], "requires_confirmation");
    assert_eq!(api.get(&intent).ok().body["amount_received"], 0);
}

#[test]
fn strangers_and_nonsense_find_nothing() {
    let api = Api::new();
    let (_, path) = challenged(&api);
    assert_eq!(page(&api, "GET", "/challenges/att_unknown", "").status, 404);
    assert_eq!(page(&api, "GET", "/challenges/../x", "").status, 404);
    assert_eq!(page(&api, "POST", &path, "result=maybe").status, 400);
    assert_eq!(page(&api, "POST", &path, "").status, 400);
}

#[test]
fn off_session_payments_cannot_ask_anybody() {
    let api = Api::new();
    let declined = api.post(
        "/v1/payment_intents",
        &[
            ("amount", "2000"),
            ("currency", "usd"),
            ("payment_method", "pm_card_authenticationRequired"),
            ("confirm", "true"),
            ("off_session", "true"),
            ("return_url", "https://shop.test/done"),
        ],
    );
    assert_eq!(declined.error(402)["code"], "authentication_required");
}

#[test]
fn a_merchant_who_handles_no_challenge_is_told_that_one_was_needed() {
    let api = Api::new();
    let declined = api.post(
        "/v1/payment_intents",
        &[
            ("amount", "2000"),
            ("currency", "usd"),
            ("payment_method", "pm_card_authenticationRequired"),
            ("confirm", "true"),
            ("error_on_requires_action", "true"),
            ("return_url", "https://shop.test/done"),
        ],
    );
    let error = declined.error(402);
    assert_eq!(error["type"], "card_error");
    assert_eq!(error["code"], "authentication_required");
    assert_eq!(error["decline_code"], "authentication_not_handled");
    let message = error["message"].as_str().expect("a sentence");
    assert!(message.contains("`error_on_requires_action` was set"), "{message}");
    let intent = &error["payment_intent"];
    assert_eq!(intent["status"], "requires_payment_method");
    assert_eq!(intent["latest_charge"], serde_json::Value::Null);
    assert_eq!(intent["last_payment_error"]["decline_code"], "authentication_not_handled");
    assert_eq!(api.event_types(), ["payment_intent.created", "payment_intent.payment_failed"]);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_challenge_of_the_simulator_that_recovery_found_was_told_of_again_and_again() {
    let form = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("payment_method", "pm_card_authenticationRequired"),
        ("confirm", "true"),
        ("return_url", "https://shop.test/done"),
    ];
    // The request dies after it wrote its attempt down, and before it asked.
    let dies = |polls: &u32| {
        let api = Api::watched();
        let intents = "/v1/payment_intents";
        api.platform.yields(true);
        let ended = kit::run_until_poll(*polls, api.posting(intents, &form, Some("key-1")));
        api.platform.yields(false);
        let open = "SELECT id FROM attempts WHERE state = 'started'";
        let is_open = !api.platform.database().query(open, vec![]).is_empty();
        (ended.is_none() && is_open).then_some(api)
    };
    let api = (1..100).find_map(|polls| dies(&polls)).expect("it dies between the two");
    pass(&api, 61, 2);
    let challenged = |api: &Api| {
        let told = api.event_types();
        told.iter().filter(|kind| *kind == "payment_intent.requires_action").count()
    };
    assert_eq!(challenged(&api), 1);
    for _ in 0..16 {
        pass(&api, DAY / 2, 2);
    }
    assert_eq!(challenged(&api), 1);
    let waiting = api.get("/v1/payment_intents").ok();
    assert_eq!(waiting.body["data"][0]["status"], "requires_action");
    let parked = "SELECT id FROM attempts WHERE attention IS NOT NULL";
    assert_eq!(api.platform.database().query(parked, vec![]).len(), 0);
    invariants::check_settled(&api.platform);
}
