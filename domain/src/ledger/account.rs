//! The accounts of the ledger.

use crate::id::{AccountId, Id};
use crate::money::Currency;
use crate::timestamp::Day;

/// Whose account it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A merchant's.
    Merchant(AccountId),
    /// The simulator's by its name, or a processor's by the account at it: `cna_...`.
    Processor(String),
    /// The platform's own.
    Platform,
}

/// The name of the platform as an owner.
const PLATFORM: &str = "platform";

impl Owner {
    /// The name in the database.
    pub fn name(&self) -> &str {
        match self {
            Self::Merchant(id) => id.as_str(),
            Self::Processor(name) => name,
            Self::Platform => PLATFORM,
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Self {
        match AccountId::parse(name) {
            Ok(id) => Self::Merchant(id),
            Err(_) if name == PLATFORM => Self::Platform,
            Err(_) => Self::Processor(name.to_owned()),
        }
    }
}

macro_rules! account_kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What an account is for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum AccountKind {
            $($(#[$doc])* $kind,)*
        }

        impl AccountKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The name in the database and in reports.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// Reads a name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$kind),)*
                    _ => None,
                }
            }
        }
    };
}

account_kinds! {
    /// A merchant's money that becomes available on the account's day: a liability.
    Pending = "pending",
    /// A merchant's money that became available on the account's day: a liability.
    Available = "available",
    /// A merchant's money that a dispute holds back: a liability.
    DisputeReserve = "dispute_reserve",
    /// A merchant's money on its way to their bank: a liability.
    PayoutsInTransit = "payouts_in_transit",
    /// What cards hold for a merchant, beside the balance sheet: the other side of `Authorizations`.
    AuthorizedFunds = "authorized_funds",
    /// What a processor owes and settles on the account's day: an asset.
    Clearing = "clearing",
    /// What a processor took back while a dispute is open: an asset.
    DisputedFunds = "disputed_funds",
    /// What a processor keeps for its service: an expense.
    ProcessorFees = "processor_fees",
    /// What a processor reported and holds until it pays it out: an asset.
    ProcessorBalance = "processor_balance",
    /// What cards hold at a processor, beside the balance sheet.
    Authorizations = "authorizations",
    /// The platform's bank account: an asset.
    Cash = "cash",
    /// What a person took over from a settlement report though nobody knows what it is of.
    Suspense = "suspense",
    /// What merchants pay the platform: revenue.
    Fees = "fees",
    /// What merchants' own platforms ask of a payment: a liability.
    ApplicationFees = "application_fees",
    /// What was converted from one currency to another: its two sides are worth the same.
    Exchange = "exchange",
}

/// An account of the ledger: single-currency, and for some kinds one for each day (UTC).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerAccount {
    /// Whose it is.
    pub owner: Owner,
    /// What it is for.
    pub kind: AccountKind,
    /// Its currency.
    pub currency: Currency,
    /// Its day; zero for kinds that are not kept by day.
    pub day: Day,
}

impl LedgerAccount {
    fn key(&self) -> (&Owner, AccountKind, &'static str, Day) {
        (&self.owner, self.kind, self.currency.code(), self.day)
    }
}

impl PartialOrd for LedgerAccount {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for LedgerAccount {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for kind in AccountKind::ALL {
            assert_eq!(AccountKind::from_name(kind.name()), Some(*kind));
        }
        let merchant = AccountId::parse("acct_1").expect("an id");
        for owner in
            [Owner::Merchant(merchant), Owner::Processor("simulator".to_owned()), Owner::Platform]
        {
            assert_eq!(Owner::from_name(owner.name()), owner);
        }
    }
}
