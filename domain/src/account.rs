//! Accounts: the merchants of a deployment.

use crate::id::AccountId;
use crate::money::Currency;
use crate::payout_schedule::PayoutSchedule;
use crate::pricing::Terms;
use crate::timestamp::Timestamp;

/// A merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its identifier.
    pub id: AccountId,
    /// The merchant's name.
    pub name: String,
    /// Where the merchant reads mail.
    pub email: Option<String>,
    /// Two letters (ISO 3166-1 alpha-2).
    pub country: String,
    /// What it settles in unless said otherwise.
    pub default_currency: Currency,
    /// How many idempotency objects share its keys in each mode.
    pub idempotency_shards: u32,
    /// When it was made.
    pub created: Timestamp,
    /// How its payments are priced.
    pub terms: Terms,
    /// When it is paid out by itself.
    pub payout_schedule: PayoutSchedule,
}
