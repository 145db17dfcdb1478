//! Webhooks: which are believed, and what they say.

use connectors::webhook::{Forged, Notice, Subject};
use connectors::{Command, LookUp};
use domain::dispute::Status;
use domain::timestamp::Timestamp;
use http::HeaderMap;

use crate::commands::{
    KEY, ask_after, ask_after_authorization, capture, increment, named, refund, usd, void,
};
use crate::situations::told;
use crate::{PROCESSORS, Processor, Told};

const NOW: Timestamp = Timestamp(1_800_000_000);
const EVERYTHING: [Told; 9] = [
    Told::PaymentTaken,
    Told::PaymentHeld,
    Told::PaymentDeclined,
    Told::PaymentCanceled,
    Told::RefundArrived,
    Told::RefundFailed,
    Told::DisputeOpened,
    Told::DisputeLost,
    Told::SomethingElse,
];

fn secrets(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn notice(processor: &dyn Processor, told: Told) -> Notice {
    let (headers, body) = processor.delivery(told, &["whsec_1"], NOW);
    let secrets = secrets(&["whsec_1"]);
    let verified = processor.connector().verify(&headers, body.as_bytes(), &secrets, NOW);
    verified.unwrap_or_else(|forged| panic!("{told:?}: {forged}"))
}

#[test]
fn a_genuine_delivery_is_believed_under_every_secret_in_use() {
    for processor in PROCESSORS {
        for told in EVERYTHING {
            let (headers, body) = processor.delivery(told, &["whsec_old", "whsec_new"], NOW);
            for known in [&["whsec_new"][..], &["whsec_old", "whsec_new"], &["", "whsec_new"]] {
                let body = body.as_bytes();
                let verified = processor.connector().verify(&headers, body, &secrets(known), NOW);
                assert!(verified.is_ok(), "{told:?} {known:?}: {verified:?}");
            }
        }
    }
}

#[test]
fn a_forged_delivery_is_not_believed() {
    for processor in PROCESSORS {
        let connector = processor.connector();
        let (headers, body) = processor.delivery(Told::PaymentTaken, &["whsec_1"], NOW);
        let known = secrets(&["whsec_1"]);
        let refused = |headers: &HeaderMap, body: &str, known: &[String]| {
            let verified = connector.verify(headers, body.as_bytes(), known, NOW);
            assert_eq!(verified, Err(Forged::Signature), "{}", connector.name());
        };
        refused(&HeaderMap::new(), &body, &known);
        refused(&headers, &body.replace("2000", "9000"), &known);
        refused(&headers, &format!("{body} "), &known);
        refused(&headers, "", &known);
        refused(&headers, &body, &secrets(&["whsec_2"]));
        refused(&headers, &body, &[]);
        let (headers, body) = processor.delivery(Told::PaymentTaken, &[""], NOW);
        refused(&headers, &body, &secrets(&[""]));
    }
}

#[test]
fn a_delivery_that_was_signed_long_ago_is_refused_where_that_can_be_seen() {
    for processor in PROCESSORS {
        let (headers, body) = processor.delivery(Told::PaymentTaken, &["whsec_1"], NOW);
        let known = secrets(&["whsec_1"]);
        for (seconds, is_old) in [(300, false), (301, true), (-300, false), (-301, true)] {
            let now = NOW.plus(seconds);
            let verified = processor.connector().verify(&headers, body.as_bytes(), &known, now);
            if is_old && processor.signs_time() {
                assert_eq!(verified, Err(Forged::Timestamp), "{seconds}");
            } else {
                assert!(verified.is_ok(), "{seconds}: {verified:?}");
            }
        }
    }
}

#[test]
fn a_second_delivery_has_the_name_of_the_first() {
    for processor in PROCESSORS {
        let first = notice(processor, Told::PaymentTaken);
        assert_eq!(first.event, "evt_1");
        assert_eq!(first, notice(processor, Told::PaymentTaken));
    }
}

#[test]
fn a_notice_says_whom_it_is_about() {
    for processor in PROCESSORS {
        let (payment, refunded) = (processor.payment(), processor.refund());
        let of_payment = Subject::Payment { key: Some(KEY.to_owned()), reference: payment.clone() };
        assert_eq!(notice(processor, Told::PaymentTaken).subject, of_payment);
        assert_eq!(notice(processor, Told::PaymentDeclined).subject, of_payment);
        let of_refund = Subject::Refund {
            key: Some(KEY.to_owned()),
            reference: refunded,
            payment: Some(payment.clone()),
            amount: Some(usd(500)),
        };
        assert_eq!(notice(processor, Told::RefundArrived).subject, of_refund);
        for (told, status) in
            [(Told::DisputeOpened, Status::NeedsResponse), (Told::DisputeLost, Status::Lost)]
        {
            let Subject::Dispute(disputed) = notice(processor, told).subject else {
                panic!("{told:?}")
            };
            assert_eq!((disputed.status, disputed.amount), (status, usd(2000)));
            assert_eq!((disputed.reference.as_str(), &disputed.payment), ("du_1", &payment));
            assert_eq!(disputed.reason.as_deref(), Some("fraudulent"));
            assert_eq!(disputed.network_reason_code.as_deref(), Some("10.4"));
        }
        assert_eq!(notice(processor, Told::SomethingElse).subject, Subject::Unknown);
    }
}

#[test]
fn a_notice_tells_what_the_answer_would_have_told() {
    for processor in PROCESSORS {
        let (payment, refunded) = (processor.payment(), processor.refund());
        let expect = |asked: &LookUp<'_>, of: Told, expected: &str| {
            let outcome = processor.connector().heard(asked, &notice(processor, of));
            let name = processor.connector().name();
            assert_eq!(told(&outcome), expected, "{name}, {of:?}: {outcome:?}");
        };
        let taken = ask_after_authorization(true, None);
        let held = ask_after_authorization(false, Some(&payment));
        expect(&taken, Told::PaymentTaken, &format!("authorized {payment}"));
        expect(&held, Told::PaymentHeld, &format!("authorized {payment}"));
        expect(&taken, Told::PaymentDeclined, "declined insufficient_funds");
        expect(&taken, Told::PaymentCanceled, &format!("canceled {payment}"));
        let captured = ask_after(&capture(&payment, 2000, 0), None);
        expect(&captured, Told::PaymentTaken, &format!("done {payment}"));
        expect(
            &ask_after(&void(&payment), None),
            Told::PaymentCanceled,
            &format!("done {payment}"),
        );
        let back = ask_after(&refund(&payment), Some(&refunded));
        expect(&back, Told::RefundArrived, &format!("refunded {refunded} succeeded"));
        expect(&back, Told::RefundFailed, &format!("refunded {refunded} failed"));
    }
}

#[test]
fn a_notice_from_before_a_command_denies_nothing() {
    for processor in PROCESSORS {
        let payment = processor.payment();
        let held = notice(processor, Told::PaymentHeld);
        for command in [capture(&payment, 2000, 0), increment(&payment), void(&payment)] {
            let outcome = processor.connector().heard(&ask_after(&command, None), &held);
            assert_eq!(told(&outcome), "unknown", "{command:?}");
        }
    }
}

#[test]
fn a_notice_about_another_payment_says_nothing() {
    for processor in PROCESSORS {
        let another = LookUp { key: "att_another", ..ask_after_authorization(true, None) };
        for of in EVERYTHING {
            let outcome = processor.connector().heard(&another, &notice(processor, of));
            assert_eq!(told(&outcome), "unknown", "{of:?}");
        }
    }
}

#[test]
fn the_simulator_tells_nothing_unasked() {
    let verified = named("simulator").verify(&HeaderMap::new(), b"{}", &[], NOW);
    assert_eq!(verified, Err(Forged::Nobody));
    let payment = "sim_1";
    let asked = Command::LookUp(ask_after(&void(payment), None));
    assert!(matches!(asked.question().payment, Some("sim_1")));
}
