//! Which declines another processor may be asked after: those that surely took nothing, that somebody here knows the
//! reason of, and that nobody advises against trying again.

use connectors::{Command, Outcome};
use domain::card::Decline;
use serde_json::{Value, json};

use crate::commands::authorize;
use crate::hyperswitch::Hyperswitch;
use crate::situations::hear;
use crate::stripe::{Stripe, merge};
use crate::{PROCESSORS, Processor};

/// Whether another processor may be asked after an answer, which is a decline.
fn passes(processor: &dyn Processor, answer: &(u16, String)) -> bool {
    match hear(processor, &Command::Authorize(authorize(true)), answer) {
        Outcome::Declined(declined) => declined.may_pass_elsewhere(),
        other => panic!("{other:?}"),
    }
}

/// Hyperswitch's decline with something changed.
fn behind(error_code: &str, details: Value) -> bool {
    let (status, body) = Hyperswitch.declined(Decline::DoNotHonor);
    let mut value: Value = serde_json::from_str(&body).expect("JSON");
    let change = json!({
        "error_code": error_code, "issuer_error_code": null, "error_details": details,
    });
    merge(&mut value, change);
    passes(&Hyperswitch, &(status, value.to_string()))
}

/// Stripe's error of a declined card.
fn declined(code: &str, decline_code: Option<&str>, more: Value) -> bool {
    let mut error = json!({
        "type": "card_error", "code": code, "decline_code": decline_code, "message": "No.",
    });
    merge(&mut error, more);
    passes(&Stripe, &(402, json!({ "error": error }).to_string()))
}

#[test]
fn a_payment_went_elsewhere_against_what_hyperswitch_recommends() {
    let advised = |action: Value| {
        let unified = json!({ "standardised_code": "do_not_honor", "recommended_action": action });
        behind("05", json!({ "unified_details": unified }))
    };
    assert!(advised(Value::Null) && advised(json!("retry_later")));
    for action in [
        "do_not_retry",
        "stop_recurring",
        "retry_with_different_payment_method_data",
        "retry_after_instrument_update",
        "retry_after_1_hour",
        "retry_after_10_days",
        "something_new",
    ] {
        assert!(!advised(json!(action)), "{action}");
    }
}

#[test]
fn a_payment_whose_outcome_nobody_knows_behind_hyperswitch_went_elsewhere() {
    let unified =
        |code: &str| behind("05", json!({ "unified_details": { "standardised_code": code } }));
    for code in ["do_not_honor", "issuer_unavailable"] {
        assert!(unified(code), "{code}");
    }
    for code in [
        "transaction_timed_out",
        "psp_acquirer_error",
        "downstream_technical_issue",
        "generic_unknown_error",
        "something_new",
        "insufficient_funds",
    ] {
        assert!(!unified(code), "{code}");
    }
    let own = |code: &str| behind(code, Value::Null);
    for code in ["do_not_honor", "issuer_not_available", "generic_decline"] {
        assert!(own(code), "{code}");
    }
    // Numbers are the issuer's only where they are said to be.
    for code in ["processing_error", "No error code", "TIMEOUT", "05", "91"] {
        assert!(!own(code), "{code}");
    }
    let issuer = |code: &str| behind("do_not_honor", json!({ "issuer_details": { "code": code } }));
    assert!(issuer("05") && issuer("91"));
    for code in ["96", "9Z", "51"] {
        assert!(!issuer(code), "{code}");
    }
}

#[test]
fn a_decline_of_stripes_that_nobody_here_knows_went_elsewhere() {
    let none = || json!({});
    for code in ["generic_decline", "do_not_honor", "issuer_not_available", "try_again_later"] {
        assert!(declined("card_declined", Some(code), none()), "{code}");
    }
    // A payment that Stripe declines took nothing, whatever went wrong.
    assert!(declined("processing_error", None, none()));
    assert!(declined("processing_error", Some("processing_error"), none()));
    assert!(!declined("card_declined", None, none()));
    assert!(!declined("card_declined", Some("something_new"), none()));
    assert!(!declined("processing_error", Some("something_new"), none()));
    let network = json!({ "network_decline_code": "05" });
    assert!(!declined("card_declined", Some("something_new"), network));
}

#[test]
fn advice_against_another_try_is_heeded_of_whichever_kind() {
    let advised = |advice: Value| declined("card_declined", Some("do_not_honor"), advice);
    for (code, expected) in [
        ("try_again_later", true),
        ("do_not_try_again", false),
        ("confirm_card_data", false),
        ("something_new", false),
    ] {
        assert_eq!(advised(json!({ "advice_code": code })), expected, "{code}");
    }
    // What a network wants to be waited for is too early elsewhere, too.
    for (code, expected) in
        [("02", true), ("01", false), ("03", false), ("21", false), ("24", false)]
    {
        assert_eq!(advised(json!({ "network_advice_code": code })), expected, "{code}");
    }
}

#[test]
fn only_declines_that_say_nothing_of_the_card_are_soft() {
    let soft = Decline::ALL.into_iter().filter(|decline| decline.may_pass_elsewhere());
    let mut names: Vec<_> =
        soft.map(|decline| decline.decline_code().unwrap_or(decline.code())).collect();
    names.sort_unstable();
    let expected = [
        "do_not_honor",
        "generic_decline",
        "issuer_not_available",
        "no_action_taken",
        "processing_error",
        "reenter_transaction",
        "try_again_later",
    ];
    assert_eq!(names, expected);
}

#[test]
fn no_hard_decline_passes_elsewhere() {
    for processor in PROCESSORS {
        for decline in Decline::ALL.into_iter().filter(|decline| !decline.may_pass_elsewhere()) {
            let (status, body) = processor.declined(decline);
            let body = body.replace("\"03\"", "null").replace("\"9Z\"", "null");
            assert!(!passes(processor, &(status, body)), "{decline:?}");
        }
    }
}
