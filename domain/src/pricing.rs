//! Pricing: what a merchant pays the platform for a payment.
//!
//! A plan is a share in basis points, a fixed part, and a least fee. Only fees are ever rounded, and what is
//! given back of them: half up to what their currency allows, so that what is left can be paid out. What the
//! cardholder pays is what the merchant asked for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::money::{Amount, Currency, MAX_AMOUNT, Money};
use crate::timestamp::Timestamp;

/// One part in ten thousand is a basis point.
const BASIS_POINTS: i128 = 10_000;

/// What happens to the fee when a payment is given back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeOnRefund {
    /// The platform keeps it, as Stripe does
    /// (<https://support.stripe.com/questions/understanding-fees-for-refunded-payments>).
    #[default]
    Kept,
    /// It goes back with the payment, in the same share.
    Returned,
}

/// What a merchant pays the platform for a payment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricePlan {
    /// Counts the plans of an account; a payment names the one by which it was priced.
    #[serde(default)]
    pub version: i64,
    /// The share of a payment, in basis points.
    pub basis_points: u16,
    /// What is added to the share, in minor units by currency; nothing where a currency is not named.
    #[serde(default)]
    pub fixed: BTreeMap<String, Amount>,
    /// The least fee, in minor units by currency.
    #[serde(default)]
    pub minimum: BTreeMap<String, Amount>,
    /// What a chargeback costs beside its amount, won or lost, in minor units by currency.
    #[serde(default)]
    pub dispute: BTreeMap<String, Amount>,
    /// What happens to the fee when a payment is given back.
    #[serde(default)]
    pub on_refund: FeeOnRefund,
}

/// How a payment is priced and when its money may be had: what an attempt is begun under, it ends under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Terms {
    /// What the platform takes.
    pub plan: PricePlan,
    /// After how many days the money is available.
    pub available_after_days: u16,
}

impl Default for Terms {
    /// No fee, and two days: what is begun without terms was begun before there were any.
    fn default() -> Self {
        Self { plan: PricePlan::default(), available_after_days: AVAILABLE_AFTER_DAYS }
    }
}

/// After how many days money is available unless an account's settings say otherwise.
pub const AVAILABLE_AFTER_DAYS: u16 = 2;

impl Terms {
    /// From when on money that is taken now is available: the first moment of a day (UTC).
    pub fn available_at(&self, now: Timestamp) -> Timestamp {
        match self.available_after_days {
            0 => now,
            days => now.day().plus(i64::from(days)).start(),
        }
    }
}

fn in_currency(amounts: &BTreeMap<String, Amount>, currency: Currency) -> Amount {
    amounts.get(currency.code()).copied().unwrap_or(Amount::ZERO)
}

impl PricePlan {
    /// The fee for a payment: never more than the payment.
    pub fn fee(&self, payment: Money) -> Amount {
        let Money { amount, currency } = payment;
        let exact = |amount: Amount| i128::from(amount.minor_units()).saturating_mul(BASIS_POINTS);
        let share = i128::from(amount.minor_units()).saturating_mul(i128::from(self.basis_points));
        let fee = share
            .saturating_add(exact(in_currency(&self.fixed, currency)))
            .max(exact(in_currency(&self.minimum, currency)))
            .min(exact(amount));
        currency.nearest(fee, BASIS_POINTS).min(amount)
    }

    /// Checks what the types alone do not say, for people.
    ///
    /// # Errors
    /// Says what would be left out of account, or be more than a payment can be.
    pub fn check(&self) -> Result<(), String> {
        if i128::from(self.basis_points) > BASIS_POINTS {
            return Err(format!(
                "basis_points is {}, and all is {BASIS_POINTS}",
                self.basis_points
            ));
        }
        for (name, amounts) in
            [("fixed", &self.fixed), ("minimum", &self.minimum), ("dispute", &self.dispute)]
        {
            for (code, amount) in amounts {
                if !Currency::codes().any(|known| known == code) {
                    return Err(format!("{name} names {code}, and not a currency as usd"));
                }
                if amount.minor_units() > MAX_AMOUNT {
                    return Err(format!("{name} in {code} is more than {MAX_AMOUNT}"));
                }
            }
        }
        Ok(())
    }

    /// What a chargeback costs beside its amount.
    pub fn dispute_fee(&self, currency: Currency) -> Amount {
        let fee = in_currency(&self.dispute, currency);
        currency.nearest(i128::from(fee.minor_units()), 1)
    }
}

impl FeeOnRefund {
    /// How much of a payment's fee the next refund gives back, after which `refunded` of the payment is
    /// given back in all, and before which `returned` of the fee was.
    ///
    /// Each refund returns what brings the whole to its rounded share, so that refunding all returns the
    /// fee exactly, in however many parts, also where some of them failed.
    pub fn fee_returned(
        self,
        fee: Amount,
        payment: Money,
        refunded: Amount,
        returned: Amount,
    ) -> Amount {
        if self == Self::Kept || payment.amount.is_zero() {
            return Amount::ZERO;
        }
        let part = i128::from(fee.minor_units()).saturating_mul(i128::from(refunded.minor_units()));
        let whole = i128::from(payment.amount.minor_units());
        let share = match refunded == payment.amount {
            true => fee,
            false => payment.currency.nearest(part, whole).min(fee),
        };
        share.minus(returned).unwrap_or(Amount::ZERO)
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "the model counts far below its range")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(minor_units: i64) -> Amount {
        Amount::new(minor_units).expect("an amount")
    }

    fn currency(code: &str) -> Currency {
        Currency::parse(code).expect("a currency")
    }

    fn money(minor_units: i64, code: &str) -> Money {
        Money { amount: amount(minor_units), currency: currency(code) }
    }

    fn plan(basis_points: u16, fixed: i64, minimum: i64) -> PricePlan {
        let usd = |minor_units| BTreeMap::from([("usd".to_owned(), amount(minor_units))]);
        PricePlan { basis_points, fixed: usd(fixed), minimum: usd(minimum), ..PricePlan::default() }
    }

    #[test]
    fn the_fee_is_rounded_half_up() {
        let cases = [
            // The standard price of Stripe in the United States.
            (plan(290, 30, 0), 2_000, 88),
            // 2.9 % of 50 is 1.45.
            (plan(290, 30, 0), 50, 31),
            // 2.5 % of 20 is exactly half a cent.
            (plan(250, 0, 0), 20, 1),
            (plan(249, 0, 0), 20, 0),
            (plan(290, 0, 100), 2_000, 100),
            // A fee is never more than the payment.
            (plan(290, 30, 0), 20, 20),
            (plan(0, 0, 0), 99_999_999, 0),
            (plan(10_000, 0, 0), 99_999_999, 99_999_999),
        ];
        for (plan, payment, fee) in cases {
            assert_eq!(plan.fee(money(payment, "usd")), amount(fee), "{plan:?} {payment}");
        }
    }

    #[test]
    fn a_fee_is_an_amount_of_its_currency() {
        let cases = [
            ("isk", 12_300, 400),
            ("ugx", 1_700, 0),
            ("ugx", 1_800, 100),
            ("kwd", 8_860, 260),
            ("huf", 20_005, 580),
        ];
        for (code, payment, fee) in cases {
            assert_eq!(plan(290, 0, 0).fee(money(payment, code)), amount(fee), "{code} {payment}");
        }
        // Exactly half of a hundred.
        assert_eq!(plan(250, 0, 0).fee(money(6_000, "isk")), amount(200));
        let fifty = BTreeMap::from([("isk".to_owned(), amount(50))]);
        let fixed = PricePlan { fixed: fifty.clone(), dispute: fifty, ..PricePlan::default() };
        assert_eq!(fixed.fee(money(500, "isk")), amount(100));
        assert_eq!(fixed.dispute_fee(currency("isk")), amount(100));
    }

    #[test]
    fn a_currency_that_is_not_named_costs_its_share_alone() {
        assert_eq!(plan(290, 30, 100).fee(money(2_000, "jpy")), amount(58));
    }

    proptest! {
        #[test]
        fn a_fee_is_within_half_a_step_of_its_share(
            multiples in 1..=999_999_i64, basis_points in 0..=10_000_u16,
            code in proptest::sample::select(vec!["usd", "jpy", "kwd", "isk"])
        ) {
            let payment = money(multiples * currency(code).multiple(), code);
            let fee = plan(basis_points, 0, 0).fee(payment);
            prop_assert!(payment.currency.allows(fee) && fee <= payment.amount);
            let exact = i128::from(payment.amount.minor_units()) * i128::from(basis_points);
            let distance = i128::from(fee.minor_units()) * 10_000 - exact;
            let half = 5_000 * i128::from(payment.currency.multiple());
            prop_assert!((-half < distance) && (distance <= half), "{distance}");
        }

        #[test]
        fn whatever_a_plan_asks_what_is_left_can_be_paid_out(
            multiples in 1..=999_999_i64, basis_points in 0..=10_000_u16,
            fixed in 0..5_000_i64, minimum in 0..5_000_i64, dispute in 0..5_000_i64,
            code in proptest::sample::select(vec!["usd", "jpy", "kwd", "isk"])
        ) {
            let payment = money(multiples * currency(code).multiple(), code);
            let named = |minor_units| BTreeMap::from([(code.to_owned(), amount(minor_units))]);
            let plan = PricePlan {
                basis_points,
                fixed: named(fixed),
                minimum: named(minimum),
                dispute: named(dispute),
                ..PricePlan::default()
            };
            let fee = plan.fee(payment);
            prop_assert!(fee <= payment.amount && payment.currency.allows(fee));
            prop_assert!(payment.currency.allows(plan.dispute_fee(payment.currency)));
        }

        #[test]
        fn refunds_in_any_parts_return_the_fee_exactly(
            parts in proptest::collection::vec(1..5_000_i64, 1..20), fee in 0..10_000_i64,
            code in proptest::sample::select(vec!["usd", "jpy", "kwd", "isk"])
        ) {
            let multiple = currency(code).multiple();
            let payment = parts.iter().sum::<i64>() * multiple;
            let fee = (fee * multiple).min(payment);
            let (mut before, mut returned) = (0, 0);
            for part in parts {
                before += part * multiple;
                let back = FeeOnRefund::Returned.fee_returned(
                    amount(fee), money(payment, code), amount(before), amount(returned),
                ).minor_units();
                prop_assert!((0..=fee).contains(&back) && back % multiple == 0);
                returned += back;
                prop_assert!(returned <= fee);
            }
            prop_assert_eq!(returned, fee);
        }

        #[test]
        fn a_fee_that_is_kept_does_not_come_back(refund in 1..100_i64) {
            let fee = amount(33);
            let back = FeeOnRefund::Kept.fee_returned(fee, money(100, "usd"), amount(refund), amount(0));
            prop_assert_eq!(back, Amount::ZERO);
        }
    }
}
