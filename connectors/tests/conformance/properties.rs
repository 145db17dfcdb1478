//! What holds for every answer there can be.

use connectors::{Answer, Asked, Command, Connector, Outcome};
use domain::card::Decline;
use domain::timestamp::Timestamp;
use http::HeaderMap;
use proptest::prelude::*;
use proptest::sample::select;

use crate::commands::{ACCOUNT, KEY, ask_after, authorize, movers};
use crate::situations::{Situation, command};
use crate::{PROCESSORS, Processor};

/// The answers that real processors give.
fn answers() -> Vec<(u16, String)> {
    use Situation as S;
    let situations = [
        S::Taken,
        S::Held,
        S::Challenged,
        S::Captured,
        S::Incremented,
        S::Voided,
        S::Refunded,
        S::FoundByKey,
        S::RefundFoundByKey,
        S::DeclinedSince,
        S::CapturedAlready,
        S::WrongRequest,
    ];
    let of = |processor: &&dyn Processor| {
        let mut answers: Vec<_> = situations.map(|s| processor.answer(s)).into();
        answers.push(processor.declined(Decline::LostCard));
        answers
    };
    PROCESSORS.iter().flat_map(of).collect()
}

/// Every command that moves money, and the questions after them.
fn with_all(check: impl Fn(Connector, &Command<'_>) -> Result<(), TestCaseError>) {
    for processor in PROCESSORS {
        for mover in movers(&processor.payment()) {
            let asked = Command::LookUp(ask_after(&mover, None));
            for command in [mover, asked] {
                check(processor.connector(), &command).expect("what was checked");
            }
        }
    }
}

fn hear(connector: Connector, command: &Command<'_>, status: u16, body: &[u8]) -> Outcome {
    connector.outcome(command, Answer { status, headers: &HeaderMap::new(), body, livemode: false })
}

proptest! {
    #[test]
    fn no_bytes_make_a_connector_panic_or_say_what_it_cannot_know(
        status in 100_u16..600,
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        with_all(|connector, command| {
            let outcome = hear(connector, command, status, &body);
            let is_known = !matches!(outcome, Outcome::Unknown { .. } | Outcome::Throttled { .. });
            prop_assert!(!is_known, "{:?}", outcome);
            Ok(())
        });
    }

    #[test]
    fn half_an_answer_decides_nothing((status, body) in select(answers()), cut in 0.0..1.0_f64) {
        let length = body.len().saturating_sub(1);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
            clippy::float_arithmetic, reason = "a place in a text")]
        let half = body.as_bytes().get(..(length as f64 * cut) as usize).unwrap_or_default();
        with_all(|connector, command| {
            let outcome = hear(connector, command, status, half);
            prop_assert!(matches!(outcome, Outcome::Unknown { .. }), "{:?}", outcome);
            Ok(())
        });
    }

    #[test]
    fn a_fault_of_the_processor_decides_nothing(
        (_, body) in select(answers()),
        status in prop_oneof![500_u16..600, 300_u16..400, 100_u16..200, Just(409_u16)],
    ) {
        with_all(|connector, command| {
            let outcome = hear(connector, command, status, body.as_bytes());
            let is_open = matches!(outcome, Outcome::Unknown { .. } | Outcome::Pending { .. });
            prop_assert!(is_open, "{:?}", outcome);
            Ok(())
        });
    }

    /// An answer whose sums or currency were changed on the way is never taken for what was asked.
    #[test]
    fn no_other_amount_is_ever_recorded(amount in 0_i64..10_000, received in 0_i64..10_000) {
        for processor in PROCESSORS {
            let (status, body) = processor.answer(Situation::Taken);
            let mut answer: serde_json::Value = serde_json::from_str(&body).expect("JSON");
            answer["amount"] = amount.into();
            answer["amount_received"] = received.into();
            let asked = Command::Authorize(authorize(true));
            let body = answer.to_string();
            let outcome = hear(processor.connector(), &asked, status, body.as_bytes());
            let is_right = amount == 2000 && received == 2000;
            prop_assert_eq!(matches!(outcome, Outcome::Authorized { .. }), is_right);
            prop_assert_eq!(matches!(outcome, Outcome::Mismatch { .. }), !is_right);
        }
    }

    #[test]
    fn our_key_is_in_each_request_that_moves_money(key in "[A-Za-z0-9_]{1,64}") {
        for processor in PROCESSORS {
            for mover in movers("pay_1") {
                let mover = with_key(mover, &key);
                let asked = processor.connector().ask(&mover, &ACCOUNT).expect("a request");
                let Asked::Request(request) = asked else { panic!("no request") };
                let header = request.headers().get("idempotency-key").expect("our key");
                prop_assert_eq!(header.as_bytes(), key.as_bytes());
                if matches!(mover, Command::Authorize(_) | Command::Refund { .. }) {
                    prop_assert!(request.body().contains(&key));
                }
            }
        }
    }

    #[test]
    fn no_key_or_reference_can_leave_its_place(text in ".{0,40}") {
        let is_plain = !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        for processor in PROCESSORS {
            for mover in movers(&text).into_iter().skip(1) {
                let asked = processor.connector().ask(&mover, &ACCOUNT);
                prop_assert_eq!(asked.is_ok(), is_plain, "{:?}", mover);
            }
            for mover in movers("pay_1") {
                let asked = processor.connector().ask(&with_key(mover, &text), &ACCOUNT);
                prop_assert_eq!(asked.is_ok(), is_plain);
            }
        }
    }

    #[test]
    fn no_bytes_of_a_delivery_are_believed(
        signature in ".{0,80}",
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut headers = HeaderMap::new();
        if let Ok(value) = http::HeaderValue::from_bytes(signature.as_bytes()) {
            headers.insert("stripe-signature", value.clone());
            headers.insert("x-webhook-signature-512", value);
        }
        for processor in PROCESSORS {
            let secrets = ["whsec_1".to_owned()];
            let verified = processor.connector().verify(&headers, &body, &secrets, Timestamp(0));
            prop_assert!(verified.is_err());
        }
    }
}

/// The same command under another key.
fn with_key<'a>(command: Command<'a>, key: &'a str) -> Command<'a> {
    use Command as C;
    match command {
        C::Authorize(authorize) => C::Authorize(connectors::Authorize { key, ..authorize }),
        C::Capture { payment, amount, captured, is_final, suffix, .. } => {
            C::Capture { key, payment, amount, captured, is_final, suffix }
        }
        C::Increment { payment, amount, .. } => C::Increment { key, payment, amount },
        C::Void { payment, amount, captured, .. } => C::Void { key, payment, amount, captured },
        C::Refund { payment, amount, later, .. } => C::Refund { key, payment, amount, later },
        C::CancelRefund { refund, .. } => C::CancelRefund { key, refund },
        C::LookUp(question) => C::LookUp(connectors::LookUp { key, ..question }),
    }
}

#[test]
fn whatever_was_made_is_asked_for_under_the_same_key() {
    for processor in PROCESSORS {
        let (payment, refunded) = (processor.payment(), processor.refund());
        for situation in [Situation::FoundByKey, Situation::RefundFoundByKey] {
            let command = command(situation, &payment, &refunded);
            let asked = processor.connector().ask(&command, &ACCOUNT).expect("a request");
            let Asked::Request(request) = asked else { panic!("no request") };
            assert_eq!(request.method(), http::Method::GET);
            let url = request.uri().to_string();
            // The refunds of a payment are all fetched, and ours is found by its key.
            assert!(url.contains(KEY) || url.contains(&payment), "{url}");
        }
    }
}
