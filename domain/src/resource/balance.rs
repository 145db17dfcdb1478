//! The `balance` object.

use serde::Serialize;

use super::Constant;
use crate::balance::InCurrency;
use crate::money::{Currency, SignedAmount};

/// The `balance` object (<https://docs.stripe.com/api/balance/balance_object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "balance"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource {
    pub object: Constant,
    pub available: Vec<Funds>,
    pub instant_available: Vec<Funds>,
    pub livemode: bool,
    pub pending: Vec<Funds>,
}

/// What there is in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "balance_amount"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Funds {
    pub amount: SignedAmount,
    pub currency: Currency,
    pub source_types: SourceTypes,
}

/// The same by what it was paid with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct SourceTypes {
    pub card: SignedAmount,
}

impl Resource {
    /// What there is in each currency.
    pub fn new(livemode: bool, sums: &[InCurrency]) -> Self {
        let funds = |amount: fn(&InCurrency) -> SignedAmount| {
            sums.iter().map(|sum| Funds::new(amount(sum), sum.currency)).collect()
        };
        Self {
            object: "balance",
            available: funds(|sum| sum.available),
            // The simulator pays out at once whatever is available. Live mode has no rail that does.
            instant_available: match livemode {
                false => funds(|sum| sum.available.max(SignedAmount::ZERO)),
                true => Vec::new(),
            },
            livemode,
            pending: funds(|sum| sum.pending),
        }
    }
}

impl Funds {
    /// Money that all came from cards.
    fn new(amount: SignedAmount, currency: Currency) -> Self {
        Self { amount, currency, source_types: SourceTypes { card: amount } }
    }
}
