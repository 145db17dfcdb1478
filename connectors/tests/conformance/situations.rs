//! The situations, and what every connector must make of them.

use connectors::{Answer, Command, Declined, Fault, Outcome};
use domain::card::Decline;
use http::HeaderMap;

use crate::commands::{
    ask_after, ask_after_authorization, authorize, capture, increment, refund, void,
};
use crate::{PROCESSORS, Processor};

/// What a processor does with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[rustfmt::skip]
pub enum Situation {
    // 20 dollars are to be taken or held.
    Taken, Held, Challenged, StillProcessing, TakenInsteadOfHeld, HeldInsteadOfTaken, AnotherPayment,
    WrongAmount, LessTaken, WrongCurrency,
    // They are looked up.
    FoundByReference, FoundByKey, DeclinedSince, ChallengeFailed, StillChallenged, CanceledSince,
    NotFound, FoundWithWrongAmount,
    // They are captured.
    Captured, CapturedInPart, CapturedAlready, CapturedTooMuch, CaptureFound, CaptureNotFound,
    // They are incremented to 25 dollars.
    Incremented, IncrementDeclined, IncrementNotFound,
    // They are released.
    Voided, VoidedTooLate, VoidFound, VoidNotFound,
    // 5 dollars go back.
    Refunded, RefundPending, RefundFailed, RefundTooMuch, RefundWrongAmount, RefundFoundByKey,
    RefundFoundByReference, RefundNotFound,
    // Whatever was asked.
    WrongCredentials, Forbidden, WrongRequest, Conflict, TooManyRequests, Fault, BadGateway,
    ErrorPage, CutOff, Nothing, NotJson, NoObject, Redirect,
}

use Situation as S;

/// Each situation, and what is made of it. `PAYMENT` and `REFUND` stand for the processor's references.
#[rustfmt::skip]
const TABLE: [(Situation, &str); 52] = [
    (S::Taken, "authorized PAYMENT"),
    (S::Held, "authorized PAYMENT"),
    (S::Challenged, "challenge PAYMENT https://acs.example/challenge?a=b"),
    (S::StillProcessing, "pending PAYMENT"),
    (S::TakenInsteadOfHeld, "mismatch PAYMENT: 2000 usd held, 2000 usd taken"),
    (S::HeldInsteadOfTaken, "mismatch PAYMENT: 2000 usd taken, 2000 usd held"),
    (S::AnotherPayment, "unknown"),
    (S::WrongAmount, "mismatch PAYMENT: 2000 usd, 2001 usd"),
    (S::LessTaken, "mismatch PAYMENT: 2000 usd taken, 1999 usd taken"),
    (S::WrongCurrency, "mismatch PAYMENT: 2000 usd, 2000 eur"),
    (S::FoundByReference, "authorized PAYMENT"),
    (S::FoundByKey, "authorized PAYMENT"),
    (S::DeclinedSince, "declined insufficient_funds"),
    (S::ChallengeFailed, "declined payment_intent_authentication_failure"),
    (S::StillChallenged, "challenge PAYMENT https://acs.example/challenge?a=b"),
    (S::CanceledSince, "canceled PAYMENT"),
    (S::NotFound, "not found"),
    (S::FoundWithWrongAmount, "mismatch PAYMENT: 2000 usd, 2001 usd"),
    (S::Captured, "done PAYMENT"),
    (S::CapturedInPart, "done PAYMENT"),
    (S::CapturedAlready, "refused State"),
    (S::CapturedTooMuch, "mismatch PAYMENT: 1500 usd taken, 2000 usd taken"),
    (S::CaptureFound, "done PAYMENT"),
    (S::CaptureNotFound, "not found"),
    (S::Incremented, "done PAYMENT"),
    (S::IncrementDeclined, "declined insufficient_funds"),
    (S::IncrementNotFound, "not found"),
    (S::Voided, "done PAYMENT"),
    (S::VoidedTooLate, "refused State"),
    (S::VoidFound, "done PAYMENT"),
    (S::VoidNotFound, "not found"),
    (S::Refunded, "refunded REFUND succeeded"),
    (S::RefundPending, "refunded REFUND pending"),
    (S::RefundFailed, "refunded REFUND failed because of lost_or_stolen_card"),
    (S::RefundTooMuch, "refused State"),
    (S::RefundWrongAmount, "mismatch REFUND: 500 usd, 501 usd"),
    (S::RefundFoundByKey, "refunded REFUND succeeded"),
    (S::RefundFoundByReference, "refunded REFUND succeeded"),
    (S::RefundNotFound, "not found"),
    (S::WrongCredentials, "refused Credentials"),
    (S::Forbidden, "refused Credentials"),
    (S::WrongRequest, "refused Request"),
    (S::Conflict, "unknown"),
    (S::TooManyRequests, "throttled 7"),
    (S::Fault, "unknown"),
    (S::BadGateway, "unknown"),
    (S::ErrorPage, "unknown"),
    (S::CutOff, "unknown"),
    (S::Nothing, "unknown"),
    (S::NotJson, "unknown"),
    (S::NoObject, "unknown"),
    (S::Redirect, "unknown"),
];

/// What is asked in a situation.
pub fn command<'a>(situation: Situation, payment: &'a str, refunded: &'a str) -> Command<'a> {
    match situation {
        S::Held | S::TakenInsteadOfHeld => Command::Authorize(authorize(false)),
        S::FoundByKey | S::NotFound | S::DeclinedSince | S::FoundWithWrongAmount => {
            Command::LookUp(ask_after_authorization(true, None))
        }
        S::FoundByReference | S::ChallengeFailed | S::StillChallenged | S::CanceledSince => {
            Command::LookUp(ask_after_authorization(true, Some(payment)))
        }
        S::Captured | S::CapturedAlready => capture(payment, 2000, 0),
        S::CapturedInPart | S::CapturedTooMuch => capture(payment, 1500, 0),
        S::CaptureFound | S::CaptureNotFound => {
            Command::LookUp(ask_after(&capture(payment, 2000, 0), None))
        }
        S::Incremented | S::IncrementDeclined => increment(payment),
        S::IncrementNotFound => Command::LookUp(ask_after(&increment(payment), None)),
        S::Voided | S::VoidedTooLate => void(payment),
        S::VoidFound | S::VoidNotFound => Command::LookUp(ask_after(&void(payment), None)),
        S::Refunded
        | S::RefundPending
        | S::RefundFailed
        | S::RefundTooMuch
        | S::RefundWrongAmount => refund(payment),
        S::RefundFoundByKey | S::RefundNotFound => {
            Command::LookUp(ask_after(&refund(payment), None))
        }
        S::RefundFoundByReference => Command::LookUp(ask_after(&refund(payment), Some(refunded))),
        _ => Command::Authorize(authorize(true)),
    }
}

/// An outcome in a line.
pub fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { reference } => format!("done {reference}"),
        Outcome::Authorized { reference, .. } => format!("authorized {reference}"),
        Outcome::Declined(Declined { decline, .. }) => {
            format!("declined {}", decline.decline_code().unwrap_or(decline.code()))
        }
        Outcome::ChallengeRequired { reference, url } => format!(
            "challenge {} {}",
            reference.as_deref().unwrap_or_default(),
            url.as_deref().unwrap_or_default()
        ),
        Outcome::Refunded { reference, status, failure_reason: None } => {
            format!("refunded {reference} {}", status.name())
        }
        Outcome::Refunded { reference, status, failure_reason: Some(reason) } => {
            format!("refunded {reference} {} because of {reason}", status.name())
        }
        Outcome::Canceled { reference } => format!("canceled {reference}"),
        Outcome::Pending { reference } => format!("pending {reference}"),
        Outcome::NotFound => "not found".to_owned(),
        Outcome::Unknown { .. } => "unknown".to_owned(),
        Outcome::Throttled { retry_after } => {
            format!("throttled {}", retry_after.unwrap_or_default())
        }
        Outcome::Refused { fault, .. } => format!("refused {fault:?}"),
        Outcome::Mismatch { reference, expected, found } => {
            format!("mismatch {reference}: {expected}, {found}")
        }
    }
}

/// What a connector makes of an answer.
pub fn hear(
    processor: &dyn Processor,
    command: &Command<'_>,
    (status, body): &(u16, String),
) -> Outcome {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", "7".parse().expect("a value"));
    let body = body.as_bytes();
    let answer = Answer { status: *status, headers: &headers, body, livemode: false };
    processor.connector().outcome(command, answer)
}

#[test]
fn each_situation_is_understood_alike() {
    for processor in PROCESSORS {
        let (payment, refunded) = (processor.payment(), processor.refund());
        for (situation, expected) in TABLE {
            let command = command(situation, &payment, &refunded);
            let outcome = hear(processor, &command, &processor.answer(situation));
            let expected = expected.replace("PAYMENT", &payment).replace("REFUND", &refunded);
            let name = processor.connector().name();
            assert_eq!(told(&outcome), expected, "{name}, {situation:?}: {outcome:?}");
        }
    }
}

#[test]
fn each_decline_is_told_in_stripes_words_with_the_processors_own_kept() {
    for processor in PROCESSORS {
        for decline in Decline::ALL {
            let answer = processor.declined(decline);
            let outcome = hear(processor, &Command::Authorize(authorize(true)), &answer);
            let name = processor.connector().name();
            let Outcome::Declined(declined) = outcome else { panic!("{name}: {outcome:?}") };
            assert_eq!(declined.decline, decline, "{name}");
            let raw = declined.raw.expect("the processor's own words");
            assert_eq!(raw.reference.as_deref(), Some(processor.payment().as_str()), "{name}");
            let own = decline.decline_code().unwrap_or(decline.code());
            assert_eq!(raw.code.as_deref(), Some(own), "{name}");
            assert_eq!(raw.message.as_deref(), Some("No."), "{name}");
            assert_eq!(raw.network_decline_code.as_deref(), Some("9Z"), "{name}");
            assert_eq!(raw.network_advice_code.as_deref(), Some("03"), "{name}");
        }
    }
}

#[test]
fn only_what_surely_moved_nothing_lets_another_processor_be_asked() {
    for processor in PROCESSORS {
        let (payment, refunded) = (processor.payment(), processor.refund());
        for (situation, _) in TABLE {
            let command = command(situation, &payment, &refunded);
            let outcome = hear(processor, &command, &processor.answer(situation));
            let told = told(&outcome);
            let may = ["declined", "canceled", "throttled", "refused C", "refused R"];
            let expected = may.iter().any(|start| told.starts_with(start));
            assert_eq!(outcome.moved_nothing(), expected, "{situation:?}: {told}");
        }
    }
}

#[test]
fn a_state_that_was_only_believed_is_no_refusal_to_fail_over_from() {
    let refused = |fault| {
        Outcome::Refused { fault, code: String::new(), message: String::new() }.moved_nothing()
    };
    assert!(refused(Fault::Request) && refused(Fault::Credentials));
    assert!(!refused(Fault::State));
}
