//! What only one processor does.

use connectors::webhook::Subject;
use connectors::{Asked, Authorize, Command, Declined, Fault, LookUp, Outcome, Unsupported};
use domain::card::{Decline, Funding};
use domain::money::{Currency, Money};
use domain::payment_method::ProcessorToken;
use domain::timestamp::Timestamp;
use domain::webhook::signature;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::commands::{
    ACCOUNT, KEY, amount, ask_after, ask_after_authorization, authorize, capture, increment, named,
    refund, usd, void,
};
use crate::hyperswitch::Hyperswitch;
use crate::situations::{Situation, hear, told};
use crate::stripe::{Stripe, merge};
use crate::{Processor, Told};

/// What a connector makes of the answer to a situation, with something changed.
fn changed(
    processor: &dyn Processor,
    situation: Situation,
    change: Value,
    command: &Command<'_>,
) -> String {
    let (status, body) = processor.answer(situation);
    let mut value: Value = serde_json::from_str(&body).expect("JSON");
    merge(&mut value, change);
    told(&hear(processor, command, &(status, value.to_string())))
}

/// What a connector makes of an error.
fn refused(processor: &dyn Processor, status: u16, error: Value, command: &Command<'_>) -> String {
    told(&hear(processor, command, &(status, json!({ "error": error }).to_string())))
}

#[test]
fn what_stripe_finds_twice_under_one_key_is_for_a_person() {
    let (_, body) = Stripe.answer(Situation::FoundByKey);
    let list: Value = serde_json::from_str(&body).expect("JSON");
    let one = list.pointer("/data/0").expect("a payment").clone();
    let asked = Command::LookUp(ask_after_authorization(true, None));
    let twice = json!({ "data": [one.clone(), one] });
    let outcome = changed(&Stripe, Situation::FoundByKey, twice, &asked);
    assert_eq!(outcome, "mismatch pi_3OabcDEF: one under this key, several");
}

#[test]
fn a_page_of_stripes_without_ours_proves_nothing_while_there_are_more() {
    for situation in [Situation::NotFound, Situation::RefundNotFound] {
        let command = match situation {
            Situation::NotFound => Command::LookUp(ask_after_authorization(true, None)),
            _ => Command::LookUp(ask_after(&refund("pi_3OabcDEF"), None)),
        };
        let outcome = changed(&Stripe, situation, json!({ "has_more": true }), &command);
        assert_eq!(outcome, "unknown");
        let outcome = changed(&Stripe, situation, json!({ "has_more": null }), &command);
        assert_eq!(outcome, "unknown");
    }
}

#[test]
fn stripes_own_sums_tell_what_became_of_later_captures_and_voids() {
    let payment = "pi_3OabcDEF";
    let expect = |change: Value, command: Command<'_>, expected: &str| {
        assert_eq!(changed(&Stripe, Situation::Captured, change, &command), expected);
    };
    let look_up = |command: &Command<'static>| Command::LookUp(ask_after(command, None));
    let done = "done pi_3OabcDEF";
    let received = |sum: i64| json!({ "status": "requires_capture", "amount_received": sum });
    expect(received(1500), capture(payment, 500, 1000), done);
    expect(received(1500), look_up(&capture(payment, 500, 1000)), done);
    expect(received(1000), look_up(&capture(payment, 500, 1000)), "not found");
    expect(received(1000), capture(payment, 500, 1000), "unknown");
    let more = "mismatch pi_3OabcDEF: 1500 usd taken, 1600 usd taken";
    expect(received(1600), capture(payment, 500, 1000), more);
    // Releasing the rest of what was taken in part ends in success.
    let rest = Command::Void { key: KEY, payment, amount: usd(500), captured: amount(1500) };
    let over = json!({ "status": "succeeded", "amount_received": 1500 });
    expect(over.clone(), rest, done);
    // But nothing was known to be taken of this one.
    expect(over, void(payment), "refused State");
}

#[test]
fn a_challenge_that_is_no_redirect_still_waits_at_its_processor() {
    let action = json!({ "next_action": { "type": "use_stripe_sdk", "use_stripe_sdk": {} } });
    let command = Command::Authorize(authorize(true));
    let outcome = changed(&Stripe, Situation::Challenged, action, &command);
    assert_eq!(outcome, "challenge pi_3OabcDEF ");
    let action = json!({ "next_action": { "type": "three_ds_invoke" } });
    let outcome = changed(&Hyperswitch, Situation::Challenged, action, &command);
    let id = Hyperswitch.payment();
    assert_eq!(outcome, format!("challenge {id} "));
}

#[test]
fn a_key_that_stripe_knows_with_other_parameters_did_something_before() {
    let error = json!({ "type": "idempotency_error", "message": "Keys for idempotent requests.." });
    let outcome = refused(&Stripe, 400, error, &Command::Authorize(authorize(true)));
    assert_eq!(outcome, "unknown");
}

#[test]
fn what_stripe_shows_as_given_back_though_it_was_never_taken_was_taken_for_a_refund() {
    let told = |change: Value| {
        let mut charge = json!({ "id": "ch_1", "object": "charge", "currency": "usd",
            "payment_intent": "pi_1", "amount": 1000, "amount_captured": 700 });
        merge(&mut charge, change);
        let event = json!({ "id": "evt_1", "object": "event", "type": "charge.refunded",
            "data": { "object": charge } });
        let notice = Stripe.connector().notice(event.to_string().as_bytes());
        notice.expect("a notice").subject
    };
    let given = |sum| Subject::Refunds { payment: "pi_1".to_owned(), total: usd(sum) };
    assert_eq!(told(json!({ "amount_refunded": 300 })), Subject::Nothing);
    assert_eq!(told(json!({ "amount_refunded": 100 })), given(100));
    assert_eq!(told(json!({ "amount_refunded": 400 })), given(400));
    let let_go = json!({ "captured": false, "amount_captured": 0, "amount_refunded": 1000 });
    assert_eq!(told(let_go), Subject::Nothing);
    let whole = json!({ "amount_captured": 1000, "amount_refunded": 1000 });
    assert_eq!(told(whole), given(1000));
    for (category, status) in [("refund", "succeeded"), ("partial_capture_reversal", "canceled")] {
        let (reference, payment) = (Stripe.refund(), Stripe.payment());
        let asked = LookUp { key: &reference, ..ask_after(&refund(&payment), Some(&reference)) };
        let booked = json!({ "balance_transaction": { "reporting_category": category } });
        let found = Situation::RefundFoundByReference;
        let outcome = changed(&Stripe, found, booked, &Command::LookUp(asked));
        assert_eq!(outcome, format!("refunded {reference} {status}"));
    }
}

#[test]
fn a_void_of_what_was_taken_in_part_by_others_was_taken_for_done() {
    let told = |status: &str, taken: i64, received: i64| {
        let intent = json!({ "id": "pi_1", "object": "payment_intent", "amount": 2000,
            "currency": "usd", "status": status, "amount_received": received });
        let question = LookUp { captured: usd(taken).amount, ..ask_after(&void("pi_1"), None) };
        hear(&Stripe, &Command::LookUp(question), &(200, intent.to_string()))
    };
    for status in ["canceled", "requires_capture", "succeeded"] {
        let outcome = told(status, 0, 400);
        assert!(matches!(outcome, Outcome::Refused { fault: Fault::State, .. }), "{outcome:?}");
    }
    assert!(matches!(told("canceled", 400, 400), Outcome::Done { .. }));
    assert_eq!(told("requires_capture", 400, 400), Outcome::NotFound);
}

#[test]
fn a_payment_of_which_others_took_a_part_was_taken_for_canceled() {
    for (taken, expected) in [(0, "canceled pi_"), (400, "mismatch pi_")] {
        let let_go = json!({ "status": "canceled", "amount_received": taken });
        let asked = Command::LookUp(ask_after(&Command::Authorize(authorize(false)), None));
        let told = changed(&Stripe, Situation::StillChallenged, let_go, &asked);
        assert!(told.starts_with(expected), "{told}");
    }
}

#[test]
fn no_other_currency_is_ever_recorded() {
    for (processor, other) in [(&Stripe as &dyn Processor, "eur"), (&Hyperswitch, "EUR")] {
        let payment = processor.payment();
        for (situation, command) in [
            (Situation::Captured, capture(&payment, 2000, 0)),
            (Situation::Incremented, increment(&payment)),
            (Situation::Refunded, refund(&payment)),
        ] {
            let told = changed(processor, situation, json!({ "currency": other }), &command);
            assert!(told.starts_with("mismatch ") && told.ends_with(" eur"), "{told}");
        }
    }
}

#[test]
fn a_hold_of_more_than_it_was_to_become_was_taken_for_none() {
    for (processor, name) in [(&Stripe as &dyn Processor, "id"), (&Hyperswitch, "payment_id")] {
        let (status, body) = processor.answer(Situation::Held);
        let mut value: Value = serde_json::from_str(&body).expect("JSON");
        value["amount"] = json!(2501);
        let id = value[name].as_str().expect("a reference").to_owned();
        let asked = Command::LookUp(ask_after(&increment(&id), None));
        let outcome = hear(processor, &asked, &(status, value.to_string()));
        assert!(matches!(outcome, Outcome::Mismatch { .. }), "{outcome:?}");
    }
}

#[test]
fn an_account_that_may_not_send_the_numbers_of_cards_was_taken_for_a_declined_card() {
    let error = json!({ "type": "invalid_request_error",
        "message": "Sending credit card numbers directly to the Stripe API is generally unsafe." });
    let asked = Command::Authorize(authorize(true));
    assert_eq!(refused(&Stripe, 402, error, &asked), "refused Request");
}

#[test]
fn what_stripe_says_of_the_card_is_kept() {
    let charge = json!({ "latest_charge": {
        "outcome": { "risk_level": "elevated" },
        "payment_method_details": { "card": {
            "checks": { "cvc_check": "pass", "address_line1_check": "fail" },
            "country": "DE", "funding": "debit",
            "multicapture": { "status": "available" },
            "capture_before": 1_800_000_000,
        } },
    } });
    let (status, body) = Stripe.answer(Situation::Held);
    let mut value: Value = serde_json::from_str(&body).expect("JSON");
    merge(&mut value, charge);
    let command = Command::Authorize(authorize(false));
    let outcome = hear(&Stripe, &command, &(status, value.to_string()));
    let Outcome::Authorized { risk, checks, multicapture, issued, capture_before, .. } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(capture_before, Some(Timestamp(1_800_000_000)));
    assert_eq!((issued.country.as_deref(), issued.funding), (Some("DE"), Some(Funding::Debit)));
    assert_eq!(risk, domain::charge::Risk::Elevated);
    assert_eq!(checks.cvc_check, Some(domain::card::Check::Pass));
    assert_eq!(checks.address_line1_check, Some(domain::card::Check::Fail));
    assert_eq!(checks.address_postal_code_check, None);
    assert!(multicapture);
}

#[test]
fn what_hyperswitch_says_of_the_cards_issuer_is_kept_where_it_is_a_code() {
    for (country, kind, expected) in [
        (json!("DE"), json!("DEBIT"), (Some("DE"), Some(Funding::Debit))),
        (json!("UNITEDSTATES"), json!("Credit"), (None, Some(Funding::Credit))),
        (json!("de"), json!("CHARGE CARD"), (None, None)),
        (Value::Null, Value::Null, (None, None)),
    ] {
        let card = json!({ "card_issuing_country": country, "card_type": kind });
        let change = json!({ "payment_method_data": { "card": card } });
        let (status, body) = Hyperswitch.answer(Situation::Taken);
        let mut value: Value = serde_json::from_str(&body).expect("JSON");
        merge(&mut value, change);
        let command = Command::Authorize(authorize(true));
        match hear(&Hyperswitch, &command, &(status, value.to_string())) {
            Outcome::Authorized { issued, .. } => {
                assert_eq!((issued.country.as_deref(), issued.funding), expected);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_stripe_remembers_a_card_by_is_told_once() {
    let (status, body) = Stripe.answer(Situation::Held);
    let remembered = |change: Value| {
        let mut value: Value = serde_json::from_str(&body).expect("JSON");
        merge(&mut value, change);
        let command = Command::Authorize(authorize(false));
        match hear(&Stripe, &command, &(status, value.to_string())) {
            Outcome::Authorized { remembered, .. } => remembered,
            other => panic!("{other:?}"),
        }
    };
    let asked = json!({ "setup_future_usage": "off_session", "payment_method": "pm_1" });
    let found = remembered(asked).expect("it was asked to");
    assert_eq!((found.card.as_str(), found.network_transaction), ("pm_1", None));
    for change in [
        json!({ "payment_method": "pm_1" }),
        json!({ "setup_future_usage": "off_session", "payment_method": "pm_1", "customer": "cus_1" }),
        json!({ "setup_future_usage": "off_session", "payment_method": "../customers" }),
    ] {
        assert_eq!(remembered(change.clone()), None, "{change}");
    }
}

fn token() -> ProcessorToken {
    ProcessorToken {
        card: "pm_1".to_owned(),
        customer: "cus_1".to_owned(),
        is_gone: false,
        key_is_free: false,
    }
}

#[test]
fn only_what_stripe_says_of_a_token_is_about_the_token() {
    let token = token();
    let mut asked = authorize(true);
    asked.token = Some(&token);
    let fault = |param: &str, asked: &Authorize<'_>| {
        let error = json!({
            "type": "invalid_request_error", "code": "resource_missing", "param": param,
            "message": "No such thing.",
        });
        let answer = (400, json!({ "error": error }).to_string());
        match hear(&Stripe, &Command::Authorize(asked.clone()), &answer) {
            Outcome::Refused { fault, .. } => fault,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(fault("payment_method", &asked), Fault::Token { key_is_free: false });
    assert_eq!(fault("customer", &asked), Fault::Token { key_is_free: false });
    assert_eq!(fault("currency", &asked), Fault::Request);
    assert_eq!(fault("payment_method", &authorize(true)), Fault::Request);
}

#[test]
fn a_payment_that_was_begun_was_taken_for_none_because_of_its_token() {
    let token = token();
    let mut asked = authorize(true);
    asked.token = Some(&token);
    let error = json!({
        "type": "invalid_request_error", "code": "resource_missing", "param": "payment_method",
        "message": "No such thing.", "payment_intent": { "id": "pi_1", "status": "processing" },
    });
    let answer = (400, json!({ "error": error }).to_string());
    let outcome = hear(&Stripe, &Command::Authorize(asked), &answer);
    assert!(!matches!(outcome, Outcome::Refused { fault: Fault::Token { .. }, .. }), "{outcome:?}");
}

#[test]
fn a_charge_of_stripes_tells_what_went_back_in_all() {
    let object = json!({
        "object": "charge", "id": "ch_1", "payment_intent": "pi_1", "currency": "usd",
        "amount": 2000, "amount_refunded": 700,
    });
    let event = json!({ "id": "evt_1", "type": "charge.refunded", "data": { "object": object } });
    let (body, now) = (event.to_string(), Timestamp(1));
    let secrets = ["whsec_1".to_owned()];
    let mut headers = HeaderMap::new();
    let signature = signature::stripe(&secrets, now, &body);
    headers.insert("stripe-signature", signature.parse().expect("a value"));
    let notice = named("stripe").verify(&headers, body.as_bytes(), &secrets, now);
    let subject = notice.expect("it is genuine").subject;
    assert_eq!(subject, Subject::Refunds { payment: "pi_1".to_owned(), total: usd(700) });
}

#[test]
fn a_moment_that_stripe_did_not_sign_makes_no_old_delivery_new() {
    let (at, now) = (Timestamp(1_000), Timestamp(2_000));
    let (headers, body) = Stripe.delivery(Told::PaymentTaken, &["whsec_1"], at);
    let secrets = ["whsec_1".to_owned()];
    let header = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    let header = header.expect("a signature");
    for forged in [format!("{header},t=2000"), header.replace("t=1000", "t=2000")] {
        let mut headers = HeaderMap::new();
        headers.insert("stripe-signature", forged.parse().expect("a value"));
        let verified = named("stripe").verify(&headers, body.as_bytes(), &secrets, now);
        assert!(verified.is_err(), "{forged}");
    }
}

#[test]
fn a_key_that_hyperswitch_knows_is_looked_up() {
    let taken = || json!({ "type": "duplicate_request", "message": "No.", "code": "HE_01" });
    let command = Command::Authorize(authorize(true));
    let outcome = refused(&Hyperswitch, 400, taken(), &command);
    assert_eq!(outcome, format!("pending {}", Hyperswitch.payment()));
    let outcome = refused(&Hyperswitch, 400, taken(), &refund("pay_1"));
    assert_eq!(outcome, format!("pending {}", Hyperswitch.refund()));
}

#[test]
fn what_the_processor_behind_hyperswitch_refused_may_have_been_made() {
    for code in ["CE_00", "CE_01", "CE_03", "CE_05", "WE_03", "XX_99", ""] {
        let error = json!({ "type": "processing_error", "message": "No.", "code": code });
        let outcome = refused(&Hyperswitch, 400, error, &Command::Authorize(authorize(true)));
        assert_eq!(outcome, "unknown", "{code}");
    }
    // Some of its errors come as a success.
    let error = json!({ "type": "validation", "message": "Blocked.", "code": "HE_03" });
    let outcome = refused(&Hyperswitch, 200, error, &Command::Authorize(authorize(true)));
    assert_eq!(outcome, "unknown");
}

#[test]
fn what_hyperswitch_unified_outranks_the_code_of_the_processor_behind_it() {
    let decline = |error: Value| {
        let command = Command::Authorize(authorize(true));
        let (status, body) = Hyperswitch.answer(Situation::DeclinedSince);
        let mut value: Value = serde_json::from_str(&body).expect("JSON");
        merge(&mut value, error);
        match hear(&Hyperswitch, &command, &(status, value.to_string())) {
            Outcome::Declined(Declined { decline, .. }) => decline,
            outcome => panic!("{outcome:?}"),
        }
    };
    let unified = |code: &str| json!({ "unified_details": { "standardised_code": code } });
    let cases = [
        (json!({ "error_details": unified("card_lost_or_stolen") }), Decline::PickupCard),
        (json!({ "error_details": unified("generic_unknown_error") }), Decline::InsufficientFunds),
        (json!({ "error_code": "12", "issuer_error_code": "54" }), Decline::ExpiredCard),
        (json!({ "error_code": "41" }), Decline::LostCard),
        (json!({ "error_code": "No error code" }), Decline::GenericDecline),
        (json!({ "error_code": null }), Decline::GenericDecline),
    ];
    for (error, expected) in cases {
        assert_eq!(decline(error.clone()), expected, "{error}");
    }
}

#[test]
fn an_older_increment_to_the_same_total_was_taken_for_the_one_that_was_asked_about() {
    let payment = Hyperswitch.payment();
    let (pending, declined) =
        (format!("pending {payment}"), "declined insufficient_funds".to_owned());
    let ask = |statuses: &[&str], command: &Command<'_>| {
        let tried = |status: &&str| {
            let code = (*status == "failure").then_some("insufficient_funds");
            json!({ "amount": 2500, "status": status, "error_code": code })
        };
        let tried: Vec<_> = statuses.iter().map(tried).collect();
        let change = json!({ "incremental_authorizations": tried });
        changed(&Hyperswitch, Situation::IncrementNotFound, change, command)
    };
    let own = increment(&payment);
    let later = Command::LookUp(ask_after(&own, None));
    // One may still be at work, whichever place the list has for it.
    for statuses in
        [["failure", "processing"], ["processing", "failure"], ["unresolved", "failure"]]
    {
        assert_eq!(
            (ask(&statuses, &own), ask(&statuses, &later)),
            (pending.clone(), pending.clone())
        );
    }
    // The answer to the increment itself lists it; nobody knows whether what is found later does.
    assert_eq!(ask(&["failure", "failure"], &own), declined);
    assert_eq!(ask(&["failure"], &own), declined);
    assert_eq!(ask(&["failure"], &later), "not found");
    assert_eq!(ask(&[], &own), "unknown");
}

#[test]
fn a_payment_that_failed_once_it_was_to_be_let_go_of_was_taken_for_one_that_holds_nothing() {
    let payment = Hyperswitch.payment();
    let (own, asked) = (void(&payment), authorize(false));
    let later = Command::LookUp(ask_after(&own, None));
    let parked = format!("mismatch {payment}: 2000 usd, failed");
    for command in [&own, &later] {
        let outcome = changed(&Hyperswitch, Situation::DeclinedSince, json!({}), command);
        assert_eq!(outcome, parked);
    }
    // Whoever asks after the payment itself sees by its reason that it was to be let go of.
    let voided = json!({ "cancellation_reason": "requested_by_customer" });
    for command in [
        Command::LookUp(ask_after_authorization(false, None)),
        Command::LookUp(ask_after(&capture(&payment, 2000, 0), None)),
    ] {
        let outcome = changed(&Hyperswitch, Situation::DeclinedSince, voided.clone(), &command);
        assert_eq!(outcome, parked);
    }
    let unasked = changed(
        &Hyperswitch,
        Situation::DeclinedSince,
        json!({ "cancellation_reason": null }),
        &Command::Authorize(asked),
    );
    assert_eq!(unasked, "declined insufficient_funds");
}

#[test]
fn a_hold_that_hyperswitch_increments_not_at_all_was_taken_for_one_that_it_does() {
    for (said, expected) in [(json!(true), true), (json!(false), false), (Value::Null, false)] {
        let (status, body) = Hyperswitch.answer(Situation::Held);
        let mut value: Value = serde_json::from_str(&body).expect("JSON");
        merge(&mut value, json!({ "incremental_authorization_allowed": said }));
        let command = Command::Authorize(authorize(false));
        match hear(&Hyperswitch, &command, &(status, value.to_string())) {
            Outcome::Authorized { incremental, .. } => assert_eq!(incremental, expected, "{said}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_card_that_hyperswitch_finds_expired_was_taken_for_a_request_that_is_wrong() {
    let said = |message: &str, command: &Command<'_>| {
        let error = json!({ "type": "invalid_request", "message": message, "code": "IR_16" });
        refused(&Hyperswitch, 400, error, command)
    };
    let asked = Command::Authorize(authorize(true));
    assert_eq!(said("Card Expired", &asked), "declined expired_card");
    assert_eq!(said("Invalid card_cvc length", &asked), "refused Request");
    assert_eq!(said("Card Expired", &void("pay_1")), "refused State");
}

#[test]
fn no_currency_is_sent_to_hyperswitch_in_another_unit_than_it_has() {
    // Its own lists; all others have two decimals.
    const NONE: [&str; 16] = [
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv",
        "xaf", "xof", "xpf",
    ];
    const THREE: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];
    for code in Currency::codes() {
        let currency = Currency::parse(code).expect("a currency");
        let decimals = match code {
            code if NONE.contains(&code) => 0,
            code if THREE.contains(&code) => 3,
            _ => 2,
        };
        let mut asked = authorize(true);
        asked.amount = Money { amount: amount(5000), currency };
        let asked = named("hyperswitch").ask(&Command::Authorize(asked), &ACCOUNT);
        if currency.exponent() == decimals {
            assert!(matches!(asked, Ok(Asked::Request(_))), "{code}");
        } else {
            assert!(matches!(asked, Err(Unsupported::Currency)), "{code}");
        }
    }
}

#[test]
fn a_reference_that_could_leave_its_place_in_an_address_is_never_kept() {
    for id in ["pi_1/../pi_2", "pi_1?expand", "", "pi 1"] {
        let command = Command::Authorize(authorize(true));
        let outcome = changed(&Stripe, Situation::Taken, json!({ "id": id }), &command);
        assert_eq!(outcome, "unknown", "{id}");
    }
}

#[test]
fn a_payment_of_stripes_that_names_no_key_is_ours_only_by_its_reference() {
    let keyless = || json!({ "metadata": {} });
    let expect = |command: LookUp<'_>, expected: &str| {
        let command = Command::LookUp(command);
        assert_eq!(changed(&Stripe, Situation::Taken, keyless(), &command), expected);
    };
    let found = "authorized pi_3OabcDEF";
    expect(ask_after_authorization(true, Some("pi_3OabcDEF")), found);
    expect(ask_after_authorization(true, Some("pi_another")), "unknown");
    expect(ask_after_authorization(true, None), "unknown");
}

#[test]
fn a_dispute_that_could_not_be_read_was_taken_for_something_that_nobody_knows() {
    let stripe = json!({ "id": "evt_1", "type": "charge.dispute.updated", "data": { "object": {
        "id": "dp_1", "object": "dispute", "payment_intent": "pi_1", "amount": 2000,
        "currency": "usd", "status": "needs_response" } } });
    let hyperswitch = json!({ "event_id": "evt_1", "event_type": "dispute_opened", "content": {
        "type": "dispute_details", "object": { "dispute_id": "dp_1", "payment_id": "pay_1",
        "dispute_stage": "dispute", "dispute_status": "dispute_opened", "amount": "2000",
        "currency": "USD" } } });
    let cases = [
        (named("stripe"), &stripe, json!({}), false),
        (named("stripe"), &stripe, json!({ "status": "prevented" }), true),
        (named("stripe"), &stripe, json!({ "status": "appeal_needs_response" }), true),
        (named("stripe"), &stripe, json!({ "amount": "2000" }), true),
        (named("hyperswitch"), &hyperswitch, json!({}), false),
        (named("hyperswitch"), &hyperswitch, json!({ "dispute_status": "dispute_new" }), true),
        (named("hyperswitch"), &hyperswitch, json!({ "amount": "20.00" }), true),
    ];
    for (connector, delivery, change, is_unread) in cases {
        let mut delivery = delivery.clone();
        let place = if connector == named("stripe") { "/data/object" } else { "/content/object" };
        merge(delivery.pointer_mut(place).expect("an object"), change.clone());
        let notice = connector.notice(delivery.to_string().as_bytes()).expect("a notice");
        assert_eq!(notice.subject == Subject::DisputeUnread, is_unread, "{change}");
    }
}

#[test]
fn a_dispute_of_hyperswitchs_did_not_say_when_it_changed_and_nobody_saw_it_open_again() {
    let said = |moment: Value| {
        let object = json!({ "dispute_id": "dp_1", "payment_id": "pay_1", "amount": "2000",
            "currency": "USD", "dispute_stage": "pre_arbitration",
            "dispute_status": "dispute_opened", "connector_updated_at": moment,
            "challenge_required_by": "2026-02-01T00:00:00.000Z" });
        let delivery = json!({ "event_id": "evt_1", "event_type": "dispute_opened",
            "timestamp": "2026-12-31T23:59:59.000Z",
            "content": { "type": "dispute_details", "object": object } });
        let notice = named("hyperswitch").notice(delivery.to_string().as_bytes());
        notice.expect("a notice")
    };
    let notice = said(json!("2026-01-31T12:00:00.000Z"));
    assert_eq!(notice.created, Some(Timestamp(1_769_860_800)));
    let Subject::Dispute(dispute) = notice.subject else { panic!("a dispute") };
    assert_eq!(dispute.due_by, Some(Timestamp(1_769_904_000)));
    assert_eq!(said(Value::Null).created, None, "when it is told says nothing");
}
