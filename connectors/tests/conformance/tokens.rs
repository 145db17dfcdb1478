//! Cards that a processor remembers: what is told of them, and what is sent in the place of the number.

use connectors::{
    Asked, Authorize, Command, Connector, Fault, LookUp, Outcome, Remembered, Unsupported,
};
use domain::payment_method::ProcessorToken;
use http::Request;
use serde_json::{Value, json};

use crate::commands::{ACCOUNT, KEY, ask_after_authorization, authorize, named};
use crate::hyperswitch::Hyperswitch;
use crate::situations::{Situation, hear, told};
use crate::stripe::merge;
use crate::{PROCESSORS, Processor};

/// What each processor calls the card.
pub const CARD: &str = "pm_1";

fn token() -> ProcessorToken {
    ProcessorToken {
        card: CARD.to_owned(),
        customer: "cus_1".to_owned(),
        is_gone: false,
        key_is_free: false,
    }
}

/// A payment in its holder's absence, with the token where there is one.
fn absent(token: Option<&ProcessorToken>) -> Authorize<'_> {
    let network_transaction = Some("ntid_1");
    Authorize { token, network_transaction, off_session: true, cvc: None, ..authorize(true) }
}

fn sent(connector: Connector, command: &Command<'_>) -> Request<String> {
    match connector.ask(command, &ACCOUNT).expect("a request") {
        Asked::Request(request) => request,
        Asked::Answered(outcome) => panic!("{outcome:?}"),
    }
}

/// What tells one request from another, for a processor that was asked before.
fn identity(request: &Request<String>) -> (String, Value) {
    let header = request.headers()["idempotency-key"].to_str().expect("a text").to_owned();
    let body: Value = serde_json::from_str(request.body()).unwrap_or_default();
    (header, body["payment_id"].clone())
}

fn remembered(
    processor: &dyn Processor,
    command: &Command<'_>,
    change: Value,
) -> Option<Remembered> {
    let (status, body) = processor.remembers();
    let mut value: Value = serde_json::from_str(&body).expect("JSON");
    merge(&mut value, change);
    match hear(processor, command, &(status, value.to_string())) {
        Outcome::Authorized { remembered, .. } => remembered.map(|it| *it),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_card_is_remembered_by_is_told_with_its_payment_and_by_a_lookup() {
    for processor in PROCESSORS {
        let reference = processor.payment();
        let command = Command::Authorize(Authorize { remembers: Some(true), ..authorize(true) });
        let found = remembered(processor, &command, json!({})).expect("it was asked to");
        assert_eq!(found.card, CARD);
        let asked = Command::LookUp(ask_after_authorization(true, Some(&reference)));
        assert_eq!(remembered(processor, &asked, json!({})), Some(found.clone()));
        // Either it is kept already, or there is one more request for that.
        let keep = processor.connector().keep(CARD, &ACCOUNT).expect("it is plain");
        assert_eq!(keep.is_some(), found.customer.is_none(), "{}", processor.connector().name());
        let unasked = hear(processor, &command, &processor.answer(Situation::Taken));
        assert!(matches!(unasked, Outcome::Authorized { remembered: None, .. }), "{unasked:?}");
    }
}

#[test]
fn a_card_that_is_remembered_goes_without_its_number() {
    let token = token();
    for processor in PROCESSORS {
        let by = |token| sent(processor.connector(), &Command::Authorize(absent(token)));
        let (with, without) = (by(Some(&token)), by(None));
        assert!(with.body().contains(CARD) && with.body().contains("cus_1"), "{}", with.body());
        assert!(!with.body().contains("4242424242424242"), "{}", with.body());
        assert!(!without.body().contains(CARD), "{}", without.body());
        assert!(without.body().contains("4242424242424242"), "{}", without.body());
        assert_eq!(identity(&with), identity(&without), "it is one payment");
    }
}

#[test]
fn only_a_request_with_the_token_is_refused_for_it() {
    let token = token();
    for processor in PROCESSORS {
        let fault = |token| {
            let command = Command::Authorize(absent(token));
            match hear(processor, &command, &processor.forgot()) {
                Outcome::Refused { fault, .. } => fault,
                other => panic!("{other:?}"),
            }
        };
        assert!(matches!(fault(Some(&token)), Fault::Token { .. }), "{:?}", fault(Some(&token)));
        assert_eq!(fault(None), Fault::Request);
    }
}

#[test]
fn the_number_that_goes_in_the_stead_of_a_token_is_another_request_of_the_same_payment() {
    for processor in PROCESSORS {
        let connector = processor.connector();
        let number = Command::Authorize(absent(None));
        let instead = Command::Authorize(Authorize { is_instead: true, ..absent(None) });
        let (number, sent_instead) = (sent(connector, &number), sent(connector, &instead));
        assert_ne!(identity(&number), identity(&sent_instead), "{}", connector.name());
        assert!(sent_instead.body().contains(KEY), "{}", sent_instead.body());
        // The question after it finds it.
        let asked = sent(connector, &Command::LookUp(instead.question()));
        let id = identity(&sent_instead).1;
        let is_found = asked.uri().to_string().contains(id.as_str().unwrap_or(KEY));
        assert!(is_found, "{} {id}", asked.uri());
    }
}

fn body(asked: Authorize<'_>) -> Value {
    let request = sent(named("hyperswitch"), &Command::Authorize(asked));
    serde_json::from_str(request.body()).expect("JSON")
}

#[test]
fn hyperswitch_remembers_a_card_for_the_absence_of_its_holder_with_a_customer_of_its_own() {
    let asked = body(Authorize { remembers: Some(true), ..authorize(true) });
    let customer = json!({ "id": format!("cus_{KEY}") });
    assert_eq!(asked["customer"], customer);
    assert_eq!(asked["setup_future_usage"], "off_session");
    assert_eq!(asked["customer_acceptance"], json!({ "acceptance_type": "offline" }));
    assert_eq!((&asked["off_session"], &asked["recurring_details"]), (&Value::Null, &Value::Null));
    // What it remembers for a holder who takes part cannot be paid with by us.
    let asked = body(Authorize { remembers: Some(false), ..authorize(true) });
    for name in ["customer", "setup_future_usage", "customer_acceptance"] {
        assert_eq!(asked[name], Value::Null, "{name}");
    }
    let command = Command::Authorize(authorize(true));
    let found = remembered(&Hyperswitch, &command, json!({})).expect("it is");
    assert_eq!(found.customer.as_deref(), customer["id"].as_str());
    assert_eq!(found.network_transaction.as_deref(), Some("ntid_1"));
    for change in [
        json!({ "setup_future_usage": "on_session" }),
        json!({ "setup_future_usage": null }),
        json!({ "payment_method_id": null }),
        json!({ "payment_method_id": "pm_1/../.." }),
    ] {
        assert_eq!(remembered(&Hyperswitch, &command, change.clone()), None, "{change}");
    }
}

#[test]
fn hyperswitch_takes_what_it_remembers_only_in_the_absence_of_the_holder() {
    let token = token();
    let asked = body(absent(Some(&token)));
    assert_eq!(asked["recurring_details"], json!({ "type": "payment_method_id", "data": CARD }));
    assert_eq!(asked["customer"], json!({ "id": "cus_1" }));
    assert_eq!((&asked["off_session"], &asked["confirm"]), (&json!(true), &json!(true)));
    assert_eq!((&asked["payment_method_data"], &asked["billing"]), (&Value::Null, &Value::Null));
    assert_eq!(asked["setup_future_usage"], Value::Null);
    let present = body(Authorize { token: Some(&token), ..authorize(true) });
    assert_eq!(present, body(authorize(true)));
}

#[test]
fn a_card_without_its_code_was_sent_to_hyperswitch_with_an_empty_one() {
    let asked = body(absent(None));
    assert_eq!(
        asked["recurring_details"],
        json!({ "type": "network_transaction_id_and_card_details", "data": {
            "card_number": "4242424242424242", "card_exp_month": "03", "card_exp_year": "2034",
            "card_holder_name": "Jo March", "network_transaction_id": "ntid_1",
        } })
    );
    assert_eq!(
        (&asked["off_session"], &asked["payment_method_data"]),
        (&json!(true), &Value::Null)
    );
    // Whoever takes part, or never let the card be kept, gives its code.
    for asked in [
        Authorize { off_session: false, ..absent(None) },
        Authorize { network_transaction: None, ..absent(None) },
    ] {
        let asked = Command::Authorize(asked);
        let asked = named("hyperswitch").ask(&asked, &ACCOUNT).map(|_| ());
        assert_eq!(asked, Err(Unsupported::CodeMissing));
    }
    let coded = body(Authorize { cvc: authorize(true).cvc, ..absent(None) });
    assert_eq!(coded["payment_method_data"]["card"]["card_cvc"], "314");
    assert_eq!((&coded["off_session"], &coded["recurring_details"]), (&Value::Null, &Value::Null));
}

#[test]
fn hyperswitch_tells_what_is_wrong_with_a_token_from_what_is_wrong_with_the_request() {
    let token = token();
    let fault = |code: &str, message: &str| {
        let error = json!({ "type": "invalid_request", "message": message, "code": code });
        let answer = (400, json!({ "error": error }).to_string());
        match hear(&Hyperswitch, &Command::Authorize(absent(Some(&token))), &answer) {
            Outcome::Refused { fault, .. } => Some(fault),
            _ => None,
        }
    };
    // The payment is made before these are found out, so that its id is taken.
    let (free, taken) = (true, false);
    let of_token = |key_is_free: bool| Some(Fault::Token { key_is_free });
    let unknown = "Payment method does not exist in our records";
    assert_eq!(fault("HE_02", unknown), of_token(free));
    assert_eq!(fault("HE_03", "Mandate Validation Failed"), of_token(taken));
    assert_eq!(fault("IR_11", "Customer has already been redacted"), of_token(taken));
    assert_eq!(fault("IR_39", "No eligible connector was found"), of_token(taken));
    // What may be otherwise when the same request comes again is no fault of the token.
    assert_eq!(fault("HE_02", "Business profile does not exist"), Some(Fault::Request));
    assert_eq!(fault("HE_03", "The connector account is disabled"), Some(Fault::Request));
    assert_eq!(fault("IR_06", unknown), Some(Fault::Request));
    assert_eq!(fault("CE_01", unknown), None);
}

#[test]
fn a_payment_that_hyperswitch_began_and_refused_since_is_not_made() {
    let (status, answer) = Hyperswitch.answer(Situation::Taken);
    let begun = answer.replace("succeeded", "requires_payment_method");
    let heard =
        |command: &Command<'_>| told(&hear(&Hyperswitch, command, &(status, begun.clone())));
    assert_eq!(heard(&Command::LookUp(ask_after_authorization(true, None))), "not found");
    assert_eq!(heard(&Command::Authorize(authorize(true))), "unknown");
    let instead = LookUp { is_instead: true, ..ask_after_authorization(true, None) };
    assert_eq!(heard(&Command::LookUp(instead)), "unknown", "it is another payment");
}
