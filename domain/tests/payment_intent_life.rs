//! The life of a payment intent against a list of its transitions: whatever is tried in whatever
//! order, only listed transitions happen, one operation at a time, and no money appears.

#![expect(clippy::arithmetic_side_effects, clippy::expect_used, reason = "a test may panic")]

use domain::id::{AttemptId, Id, PaymentIntentId};
use domain::money::{Amount, Currency, Money};
use domain::payment_intent::{Details, Operation, PaymentIntent, State, Status};
use domain::timestamp::Timestamp;
use proptest::prelude::*;

/// Every transition that there is; staying is always allowed.
const LISTED: &[(Status, Status)] = &[
    (Status::RequiresConfirmation, Status::RequiresAction),
    (Status::RequiresConfirmation, Status::Processing),
    (Status::RequiresConfirmation, Status::RequiresCapture),
    (Status::RequiresConfirmation, Status::Succeeded),
    (Status::RequiresConfirmation, Status::RequiresPaymentMethod),
    (Status::RequiresConfirmation, Status::Canceled),
    (Status::RequiresPaymentMethod, Status::RequiresAction),
    (Status::RequiresPaymentMethod, Status::Processing),
    (Status::RequiresPaymentMethod, Status::RequiresCapture),
    (Status::RequiresPaymentMethod, Status::Succeeded),
    (Status::RequiresPaymentMethod, Status::Canceled),
    (Status::RequiresAction, Status::Processing),
    (Status::RequiresAction, Status::RequiresCapture),
    (Status::RequiresAction, Status::Succeeded),
    (Status::RequiresAction, Status::RequiresPaymentMethod),
    (Status::RequiresAction, Status::Canceled),
    (Status::Processing, Status::RequiresAction),
    (Status::Processing, Status::RequiresCapture),
    (Status::Processing, Status::Succeeded),
    (Status::Processing, Status::RequiresPaymentMethod),
    (Status::RequiresCapture, Status::Succeeded),
    (Status::RequiresCapture, Status::Canceled),
];

/// Something that is tried.
#[derive(Clone, Debug)]
enum Step {
    Hold(Operation, u8),
    Authorized(u8, bool),
    Declined(u8),
    ActionRequired(u8),
    Processing(u8),
    Captured(u8, i64, bool),
    Incremented(u8, i64),
    Unchanged(u8),
    Canceled(Option<u8>),
}

fn attempt(number: u8) -> AttemptId {
    AttemptId::parse(&format!("att_{number}")).expect("an id")
}

fn amount(minor_units: i64) -> Amount {
    Amount::new(minor_units).expect("an amount")
}

fn new_intent() -> PaymentIntent {
    PaymentIntent {
        id: PaymentIntentId::parse("pi_1").expect("an id"),
        livemode: false,
        created: Timestamp(0),
        version: 1,
        amount: Money { amount: amount(1000), currency: Currency::parse("usd").expect("usd") },
        received: Amount::ZERO,
        state: State::RequiresConfirmation,
        customer: None,
        payment_method: None,
        latest_charge: None,
        pending_operation: None,
        details: Details::default(),
    }
}

/// Tries a step; whether it happened.
fn take(intent: &mut PaymentIntent, step: &Step) -> bool {
    let charge = Id::parse("ch_1").expect("an id");
    let done = match step {
        Step::Hold(operation, by) => intent.hold(*operation, attempt(*by)),
        Step::Authorized(by, captured) => intent.authorized(&attempt(*by), charge, *captured, None),
        Step::Declined(by) => intent.declined(&attempt(*by), Some(charge), "no".into()),
        Step::ActionRequired(by) => intent.action_required(&attempt(*by), "prove it".into()),
        Step::Processing(by) => intent.processing(&attempt(*by)),
        Step::Captured(by, taken, is_final) => {
            intent.captured(&attempt(*by), amount(*taken), *is_final)
        }
        Step::Incremented(by, total) => intent.incremented(&attempt(*by), amount(*total)),
        Step::Unchanged(by) => intent.unchanged(&attempt(*by)),
        Step::Canceled(by) => intent.canceled(by.map(attempt).as_ref(), Timestamp(9), None),
    };
    done.is_ok()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let operation = prop_oneof![
        Just(Operation::Confirm),
        Just(Operation::Capture),
        Just(Operation::Increment),
        Just(Operation::Cancel),
    ];
    let by = 0..2_u8;
    prop::collection::vec(
        prop_oneof![
            4 => (operation, by.clone()).prop_map(|(operation, by)| Step::Hold(operation, by)),
            2 => (by.clone(), any::<bool>()).prop_map(|(by, captured)| Step::Authorized(by, captured)),
            1 => by.clone().prop_map(Step::Declined),
            1 => by.clone().prop_map(Step::ActionRequired),
            1 => by.clone().prop_map(Step::Processing),
            2 => (by.clone(), 0..1500_i64, any::<bool>())
                .prop_map(|(by, taken, is_final)| Step::Captured(by, taken, is_final)),
            1 => (by.clone(), 0..2000_i64).prop_map(|(by, total)| Step::Incremented(by, total)),
            1 => by.clone().prop_map(Step::Unchanged),
            1 => prop::option::of(by).prop_map(Step::Canceled),
        ],
        0..40,
    )
}

proptest! {
    #[test]
    fn only_listed_transitions_happen_and_no_money_appears(steps in steps()) {
        let mut intent = new_intent();
        for step in &steps {
            let before = intent.clone();
            let happened = take(&mut intent, step);
            if !happened {
                // What is refused may not leave half of itself behind.
                prop_assert_eq!(&intent.state, &before.state, "{:?}", step);
                prop_assert_eq!(intent.received, before.received);
                prop_assert_eq!(&intent.pending_operation, &before.pending_operation);
                prop_assert_eq!(intent.amount, before.amount);
                continue;
            }
            let pair = (before.status(), intent.status());
            prop_assert!(pair.0 == pair.1 || LISTED.contains(&pair), "{step:?}: {pair:?}");
            if let Step::Hold(_, _) = step {
                prop_assert!(before.pending_operation.is_none(), "two operations at once");
            }
            let total = intent.received.minor_units() + intent.capturable().minor_units();
            prop_assert!(total <= intent.amount.amount.minor_units());
            prop_assert!(intent.received >= before.received, "received money went away");
            if matches!(before.status(), Status::Succeeded | Status::Canceled) {
                prop_assert_eq!(pair.0, pair.1, "an end was left");
            }
        }
    }
}
