//! What is shown of a card that a processor charged, and where a challenge there leads.

use api::Api;
use api::processors::{
    self, MANUAL, PAY, VISA, attempt, card, charged_card, connected, latest, lose, only, pass,
};
use domain::api_key::Kind;
use domain::timestamp::{DAY, HOUR};
use flows::platform::Answered;
use kit::{Fault, Processor};
use serde_json::{Value, json};

const CVC: (&str, &str) = ("payment_method_data[card][cvc]", "737");
const CHALLENGED: &str = "4000002760003184";

/// The page of the shop to which the cardholder is led back.
const RETURN_URL: (&str, &str) = ("return_url", "https://shop.test/done");

/// Where the cardholder is led who comes back from the processor.
fn come_back(api: &Api, processor: &Processor) -> String {
    let back = only(processor).return_url.expect("a page of ours");
    let request = http::Request::get(back).body(Vec::new()).expect("a request");
    let answer = kit::run(api.answer(&request));
    answer.header("location").unwrap_or_default().to_owned()
}

/// Changes what the processor answers of a card's details.
fn shows(api: &Api, processor: &Processor, card: Value) {
    let listener = processor.clone();
    api.platform.outside().process(move |request| {
        let mut answered = listener.answer(request);
        if let Ok(mut body) = serde_json::from_str::<Value>(&answered.body) {
            let at = "/latest_charge/payment_method_details/card";
            if let Some(of) = body.pointer_mut(at).and_then(Value::as_object_mut) {
                of.extend(card.as_object().cloned().unwrap_or_default());
                answered.body = body.to_string();
            }
        }
        Ok(answered)
    });
}

#[test]
fn a_cardholder_who_paid_while_the_processor_was_silent_was_told_that_it_failed() {
    let (api, processor) = connected();
    api.post(PAY, &card(CHALLENGED, &[RETURN_URL])).ok();
    processor.challenge(&only(&processor).id, true);
    lose(&api, Fault::BeforeEffect);
    let way = come_back(&api, &processor);
    assert!(!way.contains("redirect_status=failed"), "{way}");
}

#[test]
fn a_processors_own_reference_was_shown_as_the_networks() {
    let (api, _) = connected();
    api.post(PAY, &card(VISA, &[])).ok();
    assert_eq!(charged_card(&api)["network_transaction_id"], Value::Null);
}

#[test]
fn three_d_secure_at_a_processor_was_not_shown() {
    let (api, processor) = connected();
    let secure = json!({ "three_d_secure": {
        "result": "authenticated", "authentication_flow": "challenge", "version": "2.2.0",
    } });
    shows(&api, &processor, secure);
    api.post(PAY, &card(CHALLENGED, &[RETURN_URL])).ok();
    processor.challenge(&only(&processor).id, true);
    come_back(&api, &processor);
    assert_eq!(charged_card(&api)["three_d_secure"]["result"], "authenticated");
}

#[test]
fn a_check_that_nobody_made_was_shown_as_passed() {
    let (api, processor) = connected();
    shows(&api, &processor, json!({ "checks": { "cvc_check": "unchecked" } }));
    api.post(PAY, &card(VISA, &[CVC])).ok();
    assert_eq!(charged_card(&api)["checks"]["cvc_check"], "unchecked");
}

#[test]
fn a_declined_card_was_shown_with_checks_that_passed() {
    let (api, _) = connected();
    let zip = ("payment_method_data[billing_details][address][postal_code]", "12345");
    api.post(PAY, &card("4000000000009995", &[CVC, zip]));
    assert_ne!(charged_card(&api)["checks"]["address_postal_code_check"], "pass");
}

#[test]
fn a_card_that_allows_no_increments_was_shown_as_if_it_did() {
    let (api, processor) = connected();
    shows(&api, &processor, json!({ "incremental_authorization": { "status": "unavailable" } }));
    let wants = ("payment_method_options[card][request_incremental_authorization]", "if_available");
    api.post(PAY, &card(VISA, &[MANUAL, wants])).ok();
    assert_eq!(charged_card(&api)["incremental_authorization"]["status"], "unavailable");
}

#[test]
fn a_card_number_that_a_processor_repeats_in_its_words_was_kept_and_logged() {
    let (api, _) = connected();
    api.platform.outside().process(move |request| {
        let number = request.body().split("number%5D=").nth(1).unwrap_or_default();
        let number = number.split('&').next().unwrap_or_default();
        let error = json!({ "error": { "type": "invalid_request_error", "code": "parameter_invalid",
            "message": format!("Invalid number: {number}") } });
        Ok(Answered { status: 400, body: error.to_string(), ..Answered::default() })
    });
    api.post(PAY, &card(VISA, &[]));
    let logged: Vec<_> = api.platform.errors().into_iter().map(|told| told.problem).collect();
    let kept = attempt(&api, "resolution").to_string();
    assert!(!logged.iter().any(|told| told.contains(VISA)), "{logged:?}");
    assert!(!kept.contains(VISA), "{kept}");
}

#[test]
fn a_secret_that_a_processor_repeats_in_its_words_was_kept_and_logged() {
    let (api, _) = connected();
    api.platform.outside().process(move |request| {
        let header = request.headers()["authorization"].to_str().expect("text");
        let error = json!({ "error": { "type": "invalid_request_error", "code": "parameter_invalid",
            "message": format!("Nobody is known by {header}") } });
        Ok(Answered { status: 401, body: error.to_string(), ..Answered::default() })
    });
    api.post(PAY, &card(VISA, &[]));
    let logged: Vec<_> = api.platform.errors().into_iter().map(|told| told.problem).collect();
    let told = format!("{logged:?} {} {:?}", attempt(&api, "resolution"), api.platform.alerts());
    assert!(told.contains("Nobody is known by Bearer ***"), "{told}");
    assert!(!told.contains("sk_test_"), "{told}");
}

#[test]
fn a_hold_that_was_found_late_was_shown_as_capturable_for_longer_than_it_is() {
    let (api, processor) = connected();
    lose(&api, Fault::AfterEffect);
    let began = flows::Platform::now(&api.platform).seconds();
    api.post(PAY, &card(VISA, &[MANUAL])).ok();
    processor.hide(true);
    processor.fail(Some(503));
    pass(&api, 2 * DAY, 40);
    processor.hide(false);
    processor.fail(None);
    pass(&api, 3 * HOUR, 6);
    assert_eq!(latest(&api).body["status"], "requires_capture");
    let before = charged_card(&api)["capture_before"].as_i64().expect("a moment");
    assert!(before <= began + 7 * DAY + HOUR);
}

#[test]
fn a_hold_that_its_network_ends_sooner_or_later_was_kept_for_a_week() {
    for days in [4, 30] {
        let (api, processor) = connected();
        let end = flows::Platform::now(&api.platform).seconds() + days * DAY;
        processor.hold_until(end);
        api.post(PAY, &card(VISA, &[MANUAL])).ok();
        assert_eq!(charged_card(&api)["capture_before"], end);
        pass(&api, (days - 1) * DAY, 2 * days);
        assert_eq!(latest(&api).body["status"], "requires_capture");
        pass(&api, DAY + HOUR, 4);
        assert_eq!(latest(&api).body["status"], "canceled");
    }
}

#[test]
fn a_challenge_in_the_cardholders_absence_waited_for_nobody() {
    let (api, processor) = connected();
    let listener = processor.clone();
    api.platform.outside().process(move |request| {
        let mut answered = listener.answer(request);
        if request.uri().path() == "/v1/payment_intents" {
            let mut body: Value = serde_json::from_str(&answered.body).expect("JSON");
            body["status"] = json!("requires_action");
            body["amount_received"] = json!(0);
            body["next_action"] = json!({ "type": "redirect_to_url",
                "redirect_to_url": { "url": "https://acs.test/1" } });
            answered.body = body.to_string();
        }
        Ok(answered)
    });
    let answer = api.post(PAY, &card(VISA, &[("off_session", "true")]));
    assert_eq!(answer.error(402)["code"], "authentication_required");
}

#[test]
fn a_saved_card_pays_through_another_connector_with_real_money() {
    let api = Api::watched();
    let processor = Processor::listening(&api.platform);
    let hyper = std::rc::Rc::new(std::cell::RefCell::new(Vec::<Value>::new()));
    let (listener, seen) = (processor.clone(), std::rc::Rc::clone(&hyper));
    api.platform.outside().process(move |request| {
        if request.uri().host() != Some("api.hyperswitch.io") {
            return Ok(listener.answer(request));
        }
        let asked: Value = serde_json::from_str(request.body()).expect("JSON");
        seen.borrow_mut().push(asked.clone());
        let paid = json!({
            "payment_id": asked["payment_id"], "status": "succeeded", "amount": asked["amount"],
            "currency": asked["currency"], "metadata": asked["metadata"], "amount_received": asked["amount"],
        });
        Ok(Answered { status: 200, body: paid.to_string(), ..Answered::default() })
    });
    let live = api.platform.key(&api.merchant, Kind::Secret, true);
    let post =
        |path: &str, form: &[(&str, &str)]| kit::run(api.posting_as(&live, path, form, None));
    let form = [("connector", "stripe"), ("secret_key", "sk_live_51example")];
    let first = post("/v1/florin/connector_accounts", &form).ok().id().to_owned();
    api.platform.advance(6);
    let customer = post("/v1/customers", &[]).ok().id().to_owned();
    let customer: &'static str = customer.leak();
    let form = card(VISA, &[("customer", customer), ("setup_future_usage", "off_session")]);
    let paid = post(PAY, &form).ok();
    let method = paid.text_at("/payment_method").to_owned();
    let sealed = || {
        let sql = "SELECT sealed_number FROM payment_methods";
        let rows = api.platform.database().query(sql, vec![]);
        assert_eq!(rows.len(), 1);
        rows[0].text("sealed_number").expect("a number").to_owned()
    };
    let once = sealed();
    assert!(!once.contains(VISA));
    pass(&api, 61, 2);
    post(&format!("/v1/florin/connector_accounts/{first}"), &[("disabled", "true")]).ok();
    let form = [("connector", "hyperswitch"), ("secret_key", "prd_verysecretindeed")];
    post("/v1/florin/connector_accounts", &form).ok();
    api.platform.advance(6);
    let second = post(PAY, &processors::absent(customer, &method)).ok();
    assert_eq!(second.body["status"], "succeeded");
    // By what Stripe told of the payment that the card was kept with.
    let recurring = &hyper.borrow()[0]["recurring_details"];
    assert_eq!(recurring["type"], "network_transaction_id_and_card_details");
    let data = &recurring["data"];
    assert_eq!(
        (&data["card_number"], &data["network_transaction_id"]),
        (&json!(VISA), &json!("MCC123456789"))
    );
    assert_eq!(sealed(), once, "it is sealed once, and opened for each");
}

#[test]
fn what_a_cardholder_reads_from_a_capture_on_was_told_to_no_processor() {
    let said = |path: &str, name: &'static str, fault: Option<Fault>| {
        let (api, processor) = connected();
        let held = api.post(PAY, &card(VISA, &[MANUAL])).ok();
        let charge = held.text_at("/latest_charge").to_owned();
        let path = path.replace("{intent}", held.id()).replace("{charge}", &charge);
        if let Some(fault) = fault {
            lose(&api, fault);
        }
        api.post(&path, &[(name, "TEA 43")]);
        pass(&api, 61, 2);
        assert_eq!(only(&processor).taken, 2000);
        only(&processor).asked.get("statement_descriptor_suffix").cloned()
    };
    let suffix = "statement_descriptor_suffix";
    // What is sent again is the same, or its key would be refused.
    for fault in [None, Some(Fault::BeforeEffect), Some(Fault::AfterEffect)] {
        let told = said("/v1/payment_intents/{intent}/capture", suffix, fault);
        assert_eq!(told.as_deref(), Some("TEA 43"), "{fault:?}");
    }
    for name in [suffix, "statement_descriptor"] {
        let told = said("/v1/charges/{charge}/capture", name, None);
        assert_eq!(told.as_deref(), Some("TEA 43"), "{name}");
    }
    assert_eq!(said("/v1/payment_intents/{intent}/capture", "metadata[a]", None), None);
}
