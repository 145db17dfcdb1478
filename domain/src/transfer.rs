//! Transfers: money from a merchant's balance to that of an account that is connected to it, and back.
//!
//! Source: <https://docs.stripe.com/api/transfers/object>.

use serde::{Deserialize, Serialize};

use crate::ApiError;
use crate::id::{AccountId, BalanceTransactionId, TransferId, TransferReversalId};
use crate::metadata::Metadata;
use crate::money::{Amount, Currency, Money};
use crate::payout::SourceType;
use crate::timestamp::Timestamp;

/// How many of its reversals a transfer shows.
pub const SHOWN_REVERSALS: usize = 10;

/// Money that went from a merchant to an account that is connected to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Its identifier.
    pub id: TransferId,
    /// Whether it moves real money.
    pub livemode: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Counts its changes; a change names the version that it saw.
    pub version: i64,
    /// How much.
    pub amount: Money,
    /// How much of it came back.
    pub reversed: Amount,
    /// Whose balance it went to.
    pub destination: AccountId,
    /// The rest.
    pub details: Details,
}

/// What is only echoed of a transfer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Details {
    pub balance_transaction: Option<BalanceTransactionId>,
    pub description: Option<String>,
    pub metadata: Metadata,
    pub source_type: SourceType,
    pub transfer_group: Option<String>,
    /// The newest reversals as they stand, the newest first.
    pub reversals: Vec<TransferReversal>,
}

/// Money of a transfer that came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferReversal {
    /// Its identifier.
    pub id: TransferReversalId,
    /// When it was made.
    pub created: Timestamp,
    /// How much.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// What it takes back.
    pub transfer: TransferId,
    /// The movement of the balance.
    pub balance_transaction: Option<BalanceTransactionId>,
    /// For people.
    pub description: Option<String>,
    /// The merchant's own pairs.
    pub metadata: Metadata,
}

impl Transfer {
    /// How much of what did not come back yet is to: all of it unless said.
    ///
    /// # Errors
    /// When that is nothing, or more than there is.
    pub fn reversible(&self, wanted: Option<Amount>) -> Result<Amount, ApiError> {
        let left = self.amount.amount.minus(self.reversed).unwrap_or(Amount::ZERO);
        let id = &self.id;
        let refused = |message| Err(ApiError::StateConflict { message });
        match wanted.unwrap_or(left) {
            _ if left.is_zero() => refused(format!("Transfer {id} has already been reversed.")),
            amount if amount > left => {
                let (amount, left) = (amount.minor_units(), left.minor_units());
                refused(format!(
                    "Reversal amount ({amount}) is greater than the unreversed amount ({left}) on \
                     the transfer {id}."
                ))
            }
            amount if amount < left && !self.amount.currency.allows(amount) => {
                let currency = self.amount.currency;
                Err(ApiError::AmountNotMultiple { currency, param: "amount" })
            }
            amount => Ok(amount),
        }
    }

    /// Shows a new reversal, or one that changed.
    pub fn show(&mut self, reversal: &TransferReversal) {
        let shown = &mut self.details.reversals;
        match shown.iter_mut().find(|known| known.id == reversal.id) {
            Some(known) => *known = reversal.clone(),
            None => shown.insert(0, reversal.clone()),
        }
        shown.truncate(SHOWN_REVERSALS);
    }
}
