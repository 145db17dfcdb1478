//! Charges against a small model.

use proptest::prelude::*;

use super::*;
use crate::dispute::Dispute;
use crate::id::Id;
use crate::money::Currency;

fn amount(minor_units: i64) -> Amount {
    Amount::new(minor_units).expect("an amount")
}

fn held(minor_units: i64) -> Charge {
    Charge {
        id: ChargeId::parse("ch_1").expect("an id"),
        livemode: false,
        created: Timestamp(0),
        version: 1,
        amount: Money {
            amount: amount(minor_units),
            currency: Currency::parse("usd").expect("a currency"),
        },
        captured: Amount::ZERO,
        released: Amount::ZERO,
        refunded: Amount::ZERO,
        status: Status::Succeeded,
        disputed: false,
        payment_intent: None,
        customer: None,
        payment_method: None,
        details: Details { capture_before: Some(Timestamp(100)), ..Details::default() },
    }
}

/// What can happen to a charge's money.
#[derive(Clone, Copy, Debug)]
enum Step {
    Capture { amount: i64, is_final: bool },
    Release,
    ReserveRefund { amount: Option<i64> },
    ReturnRefund { amount: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..150_i64, any::<bool>())
            .prop_map(|(amount, is_final)| Step::Capture { amount, is_final }),
        Just(Step::Release),
        proptest::option::of(1..150_i64).prop_map(|amount| Step::ReserveRefund { amount }),
        (1..150_i64).prop_map(|amount| Step::ReturnRefund { amount }),
    ]
}

/// The same in the plainest arithmetic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Model {
    amount: i64,
    captured: i64,
    released: i64,
    refunded: i64,
}

impl Model {
    fn of(charge: &Charge) -> Self {
        Self {
            amount: charge.amount.amount.minor_units(),
            captured: charge.captured.minor_units(),
            released: charge.released.minor_units(),
            refunded: charge.refunded.minor_units(),
        }
    }

    /// Does the step where it is possible, and says whether it is.
    fn take(&mut self, step: Step) -> bool {
        let held = self.amount - self.captured - self.released;
        let unrefunded = self.captured - self.refunded;
        match step {
            Step::Capture { amount, .. } if amount > held => return false,
            Step::Capture { amount, is_final } => {
                self.captured += amount;
                self.released += if is_final { held - amount } else { 0 };
            }
            Step::Release => self.released += held,
            Step::ReserveRefund { .. } if unrefunded == 0 => return false,
            Step::ReserveRefund { amount: Some(amount) } if amount > unrefunded => {
                return false;
            }
            Step::ReserveRefund { amount } => self.refunded += amount.unwrap_or(unrefunded),
            Step::ReturnRefund { amount } if amount > self.refunded => return false,
            Step::ReturnRefund { amount } => self.refunded -= amount,
        }
        true
    }
}

fn take(charge: &mut Charge, step: Step) -> bool {
    match step {
        Step::Capture { amount: taken, is_final } => {
            charge.capture(amount(taken), is_final).is_ok()
        }
        Step::Release => charge.release().is_ok(),
        Step::ReserveRefund { amount: wanted } => charge.reserve_refund(wanted.map(amount)).is_ok(),
        Step::ReturnRefund { amount: returned } => {
            charge.return_refund(amount(returned), Amount::ZERO).is_ok()
        }
    }
}

proptest! {
    #[test]
    fn sums_hold_whatever_happens(steps in proptest::collection::vec(step(), 0..40)) {
        let mut charge = held(100);
        let mut model = Model::of(&charge);
        for step in steps {
            let before = charge.clone();
            let possible = take(&mut charge, step);
            prop_assert_eq!(possible, model.take(step), "{:?} on {:?}", step, before);
            if !possible {
                prop_assert_eq!(&charge, &before, "a refused {:?} changed something", step);
            }
            prop_assert_eq!(Model::of(&charge), model);
            prop_assert!(model.captured + model.released <= model.amount);
            prop_assert!(model.refunded <= model.captured);
            prop_assert_eq!(
                charge.capturable().minor_units(),
                model.amount - model.captured - model.released
            );
            prop_assert_eq!(charge.amount_refunded().minor_units(), model.refunded);
            prop_assert_eq!(
                charge.is_refunded(),
                model.captured > 0
                    && model.captured + model.released == model.amount
                    && model.refunded == model.captured
            );
        }
    }
}

#[test]
fn sixty_and_sixty_of_a_hundred_do_not_both_go_back() {
    let mut charge = held(100);
    charge.capture(amount(100), true).expect("it is held");
    assert_eq!(charge.reserve_refund(Some(amount(60))), Ok(amount(60)));
    assert_eq!(
        charge.reserve_refund(Some(amount(60))),
        Err(RefundRefusal::TooMuch { unrefunded: amount(40) })
    );
    assert_eq!(charge.reserve_refund(None), Ok(amount(40)));
    assert_eq!(charge.reserve_refund(None), Err(RefundRefusal::AlreadyRefunded));
}

#[test]
fn a_part_must_be_one_that_its_currency_allows_and_the_rest_need_not_be() {
    let mut charge = held(1500);
    charge.amount.currency = Currency::parse("kwd").expect("a currency");
    let now = Timestamp(50);
    let part = Some(amount(1005));
    assert_eq!(charge.check_capture(part, now), Err(CaptureRefusal::NotMultiple));
    assert_eq!(charge.check_capture(Some(amount(1010)), now), Ok(amount(1010)));
    charge.capture(amount(1500), true).expect("it is held");
    assert_eq!(charge.reserve_refund(part), Err(RefundRefusal::NotMultiple));
    // What an older refund left odd can still go back.
    charge.refunded = amount(495);
    assert_eq!(charge.reserve_refund(part), Ok(amount(1005)));
}

#[test]
fn what_a_chargeback_took_is_not_refunded() {
    use dispute::Status as S;
    let mut charge = held(100);
    charge.capture(amount(100), true).expect("it is held");
    charge.refunded = amount(30);
    let id = Dispute::id_of(&charge.id);
    let mut disputed = |status, minor_units| {
        let dispute = Disputed { id: id.clone(), status, amount: amount(minor_units) };
        charge.details.dispute = Some(dispute);
        charge.clone().reserve_refund(None)
    };
    for status in [S::WarningNeedsResponse, S::WarningUnderReview, S::WarningClosed, S::Won] {
        assert_eq!(disputed(status, 70), Ok(amount(70)), "{status:?}");
    }
    for status in [S::NeedsResponse, S::UnderReview, S::Lost] {
        assert_eq!(disputed(status, 70), Err(RefundRefusal::Disputed), "{status:?}");
    }
    assert_eq!(disputed(S::UnderReview, 50), Err(RefundRefusal::Disputed));
    assert_eq!(disputed(S::Lost, 50), Ok(amount(20)));
}

#[test]
fn a_capture_says_why_it_is_refused() {
    let now = Timestamp(50);
    let charge = held(100);
    assert_eq!(charge.check_capture(None, now), Ok(amount(100)));
    assert_eq!(charge.check_capture(Some(amount(30)), now), Ok(amount(30)));
    let refused = |change: fn(&mut Charge)| {
        let mut charge = held(100);
        change(&mut charge);
        charge.check_capture(None, now).expect_err("a refusal")
    };
    assert_eq!(refused(|charge| charge.status = Status::Failed), CaptureRefusal::NotSucceeded);
    assert_eq!(refused(|charge| charge.captured = amount(30)), CaptureRefusal::AlreadyCaptured);
    assert_eq!(refused(|charge| charge.released = amount(100)), CaptureRefusal::Released);
    assert_eq!(
        refused(|charge| charge.details.capture_before = Some(Timestamp(50))),
        CaptureRefusal::Expired
    );
    assert_eq!(
        refused(|charge| charge.details.pending_operation = AttemptId::parse("att_1").ok()),
        CaptureRefusal::Locked
    );
    assert_eq!(
        charge.check_capture(Some(amount(101)), now),
        Err(CaptureRefusal::TooMuch { capturable: amount(100) })
    );
}

#[test]
fn only_its_own_attempt_lets_go_of_a_charge() {
    let mut charge = held(100);
    let holder = AttemptId::parse("att_1").expect("an id");
    charge.details.pending_operation = Some(holder.clone());
    charge.end_operation(&AttemptId::parse("att_2").expect("an id"));
    assert_eq!(charge.details.pending_operation.as_ref(), Some(&holder));
    charge.end_operation(&holder);
    assert_eq!(charge.details.pending_operation, None);
}
