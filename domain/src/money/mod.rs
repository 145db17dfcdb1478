//! Money: an integer count of a currency's minor unit, never without its currency.
//!
//! Sources: <https://docs.stripe.com/currencies> for the exponents, the minimum charges and the
//! three-decimal rule; ISO 4217 for the codes.

mod amount;
mod currency;

use serde::{Deserialize, Serialize};

use crate::ApiError;

pub use amount::{Amount, AmountOutOfRange, SignedAmount};
pub use currency::{Currency, UnknownCurrency};

/// The largest amount that a request may name, in minor units (Stripe's eight digits).
pub const MAX_AMOUNT: i64 = 99_999_999;

/// An amount in minor units with its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Minor units.
    pub amount: Amount,
    /// The currency whose minor units they are.
    pub currency: Currency,
}

impl Money {
    /// Money that a request asks to take from a card.
    ///
    /// # Errors
    /// When the amount is not positive, below the currency's minimum, above eight digits, or not a
    /// multiple that the currency allows.
    pub fn to_charge(amount: i64, currency: Currency) -> Result<Self, ApiError> {
        if amount < 1 {
            return Err(ApiError::AmountNotPositive { param: "amount".to_owned() });
        }
        if amount > MAX_AMOUNT {
            return Err(ApiError::AmountTooLarge { currency });
        }
        if amount < currency.minimum() {
            return Err(ApiError::AmountTooSmall { minimum: currency.minimum(), currency });
        }
        let amount = Amount::new(amount).map_err(|_| ApiError::AmountTooLarge { currency })?;
        if !currency.allows(amount) {
            return Err(ApiError::AmountNotMultiple { currency, param: "amount" });
        }
        Ok(Self { amount, currency })
    }

    /// Checks the part of this money that the platform wants for itself, in minor units.
    ///
    /// # Errors
    /// When it is negative, more than there is, or no multiple that the currency allows.
    pub fn check_application_fee(self, fee: Option<i64>) -> Result<(), ApiError> {
        let all = self.amount.minor_units();
        let message = match fee {
            Some(fee) if fee < 0 => "This value must be greater than or equal to 0.".to_owned(),
            Some(fee) if fee > all => format!(
                "The application fee ({fee}) cannot be greater than the amount ({all}) that it is \
                 taken from."
            ),
            Some(fee) if fee.checked_rem(self.currency.multiple()) != Some(0) => {
                let param = "application_fee_amount";
                return Err(ApiError::AmountNotMultiple { currency: self.currency, param });
            }
            _ => return Ok(()),
        };
        Err(ApiError::ParameterInvalid { param: "application_fee_amount".to_owned(), message })
    }
}

/// The digits of minor units, and how many of them stand before the point.
fn digits(minor_units: i64, currency: Currency) -> (String, usize) {
    let exponent = currency.exponent() as usize;
    let digits =
        format!("{:0width$}", minor_units.unsigned_abs(), width = exponent.saturating_add(1));
    let whole = digits.len().saturating_sub(exponent);
    (digits, whole)
}

/// Writes minor units as a plain decimal of major units, as `10.50`, `500` or `-1.500`.
pub fn in_major_units(minor_units: i64, currency: Currency) -> String {
    let (digits, whole) = digits(minor_units, currency);
    let (whole, fraction) = digits.split_at(whole);
    let sign = if minor_units < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// Writes minor units for people, as `$10.50`, `¥500` or `1.500 kwd`.
pub fn for_people(minor_units: i64, currency: Currency) -> String {
    let (digits, whole) = digits(minor_units, currency);
    let (whole, fraction) = digits.split_at(whole);
    let mut number = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && whole.len().saturating_sub(place).checked_rem(3) == Some(0) {
            number.push(',');
        }
        number.push(digit);
    }
    if !fraction.is_empty() {
        number.push('.');
        number.push_str(fraction);
    }
    let sign = if minor_units < 0 { "-" } else { "" };
    match currency.code() {
        "usd" => format!("{sign}${number}"),
        "eur" => format!("{sign}€{number}"),
        "gbp" => format!("{sign}£{number}"),
        "jpy" => format!("{sign}¥{number}"),
        code => format!("{sign}{number} {code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).expect("a known currency")
    }

    #[test]
    fn amounts_are_written_for_people() {
        let cases = [
            (1050, "usd", "$10.50"),
            (99_999_999, "usd", "$999,999.99"),
            (500, "jpy", "¥500"),
            (1500, "kwd", "1.500 kwd"),
            (5, "eur", "€0.05"),
            (0, "jpy", "¥0"),
        ];
        for (amount, code, text) in cases {
            assert_eq!(for_people(amount, currency(code)), text);
        }
    }

    #[test]
    fn charges_are_bounded_by_their_currency() {
        for (amount, code, allowed) in [
            (50, "usd", true),
            (49, "usd", false),
            (0, "usd", false),
            (-1, "usd", false),
            (99_999_999, "usd", true),
            (100_000_000, "usd", false),
            (i64::MAX, "usd", false),
            (50, "jpy", true),
            (1230, "kwd", true),
            (1234, "kwd", false),
            (500, "isk", true),
            (550, "isk", false),
        ] {
            assert_eq!(
                Money::to_charge(amount, currency(code)).is_ok(),
                allowed,
                "{amount} {code}"
            );
        }
    }

    #[test]
    fn codes_are_sorted_and_unique() {
        let codes: Vec<_> = Currency::codes().collect();
        assert!(codes.windows(2).all(|pair| pair.first() < pair.last()));
    }

    proptest! {
        #[test]
        #[expect(clippy::arithmetic_side_effects, reason = "the model is wider than what it checks")]
        fn arithmetic_is_exact_or_refused(left in 0..=i64::MAX, right in 0..=i64::MAX) {
            if let (Ok(a), Ok(b)) = (Amount::new(left), Amount::new(right)) {
                let wide = i128::from(left) + i128::from(right);
                match a.plus(b) {
                    Ok(sum) => prop_assert_eq!(i128::from(sum.minor_units()), wide),
                    Err(_) => prop_assert!(wide >= 1 << 53),
                }
                match a.minus(b) {
                    Ok(rest) => prop_assert_eq!(rest.minor_units(), left - right),
                    Err(_) => prop_assert!(left < right),
                }
            }
        }
    }
}
