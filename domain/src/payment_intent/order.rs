//! What a payment is for, as merchants tell the card networks: the parts of its amount, and how its
//! customer and its order are called elsewhere.
//!
//! Source: <https://docs.stripe.com/payments/payment-line-items>. Florin keeps and shows the sums; no
//! network is told of them, nor of single items.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Details;
use crate::money::MAX_AMOUNT;
use crate::{ApiError, Patch};

/// The longest postal code of a shipment, in characters.
const MAX_POSTAL_CODE: usize = 10;

/// The parts of an amount, in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AmountDetails {
    /// What was taken off.
    pub discount_amount: Option<i64>,
    /// What bringing the goods costs.
    pub shipping: Option<ShippingAmount>,
    /// What is tax.
    pub tax: Option<TaxAmount>,
}

/// What bringing goods costs, and from where to where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each is Stripe's parameter of the same name")]
pub struct ShippingAmount {
    pub amount: Option<i64>,
    pub from_postal_code: Option<String>,
    pub to_postal_code: Option<String>,
}

/// What of an amount is tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TaxAmount {
    /// All of it, in minor units.
    pub total_tax_amount: i64,
}

/// What a payment is called elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct PaymentDetails {
    /// What its customer is called.
    pub customer_reference: Option<String>,
    /// What its order is called.
    pub order_reference: Option<String>,
}

/// What a request asks to change about the parts of an amount.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AmountDetailsUpdate {
    discount_amount: Patch<i64>,
    /// Accepted and not needed: no items are added up.
    enforce_arithmetic_validation: Option<bool>,
    /// Accepted and not kept: no network is told of single items.
    line_items: Option<Value>,
    shipping: Patch<ShippingAmountUpdate>,
    tax: Patch<TaxAmount>,
}

/// What a request asks to change about what bringing goods costs.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
struct ShippingAmountUpdate {
    amount: Patch<i64>,
    from_postal_code: Patch<String>,
    to_postal_code: Patch<String>,
}

/// What a request asks to change about what a payment is called elsewhere.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct PaymentDetailsUpdate {
    customer_reference: Patch<String>,
    order_reference: Patch<String>,
}

/// What a request asks to change about what a payment is for.
#[derive(Clone, Debug, Default)]
pub struct OrderUpdate {
    /// The parts of its amount.
    pub amount_details: Patch<AmountDetailsUpdate>,
    /// What it is called elsewhere.
    pub payment_details: Patch<PaymentDetailsUpdate>,
}

impl OrderUpdate {
    /// Checks what the types alone do not say.
    ///
    /// # Errors
    /// When a part of the amount is negative or has more than eight digits, or a postal code is too long.
    pub fn check(&self) -> Result<(), ApiError> {
        let Patch::Set(amounts) = &self.amount_details else { return Ok(()) };
        check_part("[discount_amount]", amounts.discount_amount.as_set().copied())?;
        let tax = amounts.tax.as_set().map(|tax| tax.total_tax_amount);
        check_part("[tax][total_tax_amount]", tax)?;
        let Patch::Set(shipping) = &amounts.shipping else { return Ok(()) };
        check_part("[shipping][amount]", shipping.amount.as_set().copied())?;
        check_postal_code("from_postal_code", &shipping.from_postal_code)?;
        check_postal_code("to_postal_code", &shipping.to_postal_code)
    }

    /// Carries it out.
    pub fn apply(self, details: &mut Details) {
        match self.amount_details {
            Patch::Keep => {}
            Patch::Clear => details.amount_details = None,
            Patch::Set(update) => update.apply(details.amount_details.get_or_insert_default()),
        }
        match self.payment_details {
            Patch::Keep => {}
            Patch::Clear => details.payment_details = None,
            Patch::Set(update) => {
                let references = details.payment_details.get_or_insert_default();
                update.customer_reference.apply_to(&mut references.customer_reference);
                update.order_reference.apply_to(&mut references.order_reference);
            }
        }
    }
}

impl AmountDetailsUpdate {
    fn apply(self, amounts: &mut AmountDetails) {
        self.discount_amount.apply_to(&mut amounts.discount_amount);
        self.tax.apply_to(&mut amounts.tax);
        match self.shipping {
            Patch::Keep => {}
            Patch::Clear => amounts.shipping = None,
            Patch::Set(update) => {
                let shipping = amounts.shipping.get_or_insert_default();
                update.amount.apply_to(&mut shipping.amount);
                update.from_postal_code.apply_to(&mut shipping.from_postal_code);
                update.to_postal_code.apply_to(&mut shipping.to_postal_code);
            }
        }
    }
}

fn check_part(param: &str, amount: Option<i64>) -> Result<(), ApiError> {
    let message = match amount {
        Some(amount) if amount < 0 => "This value must be greater than or equal to 0.".to_owned(),
        Some(amount) if amount > MAX_AMOUNT => {
            format!("This value must be less than or equal to {MAX_AMOUNT}.")
        }
        _ => return Ok(()),
    };
    Err(ApiError::ParameterInvalid { param: format!("amount_details{param}"), message })
}

fn check_postal_code(param: &str, code: &Patch<String>) -> Result<(), ApiError> {
    let length = code.as_set().map_or(0, |code| code.chars().count());
    if length > MAX_POSTAL_CODE {
        let param = format!("amount_details[shipping][{param}]");
        return Err(ApiError::StringTooLong { param, length, limit: MAX_POSTAL_CODE });
    }
    Ok(())
}
