//! The ledger: double entry, so that money is never made or lost, only moved.
//!
//! Whatever moves money is a [`Transaction`] of entries that debit and credit accounts and sum to zero in
//! each currency. A debit is positive. Assets (what processors owe, what the bank holds) have positive
//! balances, liabilities (what merchants are owed) and revenue (fees) have negative ones. Entries are
//! never changed: what was wrong is put right by another transaction.
//!
//! `postings` says what each fact about a payment posts. How holds are kept, and which days balances
//! are kept by, is in `docs/ledger.md`.

mod account;
mod postings;

use std::collections::BTreeMap;

use crate::money::{Amount, SignedAmount};

pub use account::{AccountKind, LedgerAccount, Owner};
pub use postings::{Balances, Captured, Dates, Hold, Processor, Returned, Settled};

/// One line of a transaction: an account is debited or credited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The account.
    pub account: LedgerAccount,
    /// Minor units: positive is a debit, negative a credit, and never zero.
    pub amount: SignedAmount,
}

/// Entries that belong together and sum to zero in each currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// What it posts, as the id of an attempt, refund, dispute or payout with what happened to it. A cause
    /// is posted once.
    cause: String,
    entries: Vec<Entry>,
}

/// Entries that do not sum to zero, or sums that leave the range of amounts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the entries of {cause} do not balance")]
pub struct Unbalanced {
    /// What was to be posted.
    pub cause: String,
}

impl Transaction {
    /// What it posts.
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// Its lines; none where nothing moves.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

/// A transaction in the making.
#[derive(Clone, Debug)]
pub struct Draft {
    cause: String,
    entries: Vec<Entry>,
}

impl Draft {
    /// Begins a transaction that posts this cause.
    pub fn new(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), entries: Vec::new() }
    }

    /// Debits an account; nothing is no entry.
    #[must_use]
    pub fn debit(self, account: LedgerAccount, amount: Amount) -> Self {
        self.enter(account, SignedAmount::from(amount))
    }

    /// Credits an account; nothing is no entry.
    #[must_use]
    pub fn credit(self, account: LedgerAccount, amount: Amount) -> Self {
        self.enter(account, SignedAmount::from(amount).negated())
    }

    /// Debits an account by a positive amount, credits it by a negative one.
    #[must_use]
    pub fn enter(mut self, account: LedgerAccount, amount: SignedAmount) -> Self {
        if !amount.is_zero() {
            self.entries.push(Entry { account, amount });
        }
        self
    }

    /// The transaction, if its entries balance.
    ///
    /// # Errors
    /// When they do not.
    pub fn close(self) -> Result<Transaction, Unbalanced> {
        let Self { cause, entries } = self;
        let mut sums: BTreeMap<&str, SignedAmount> = BTreeMap::new();
        for entry in &entries {
            let sum = sums.entry(entry.account.currency.code()).or_default();
            *sum = sum.plus(entry.amount).map_err(|_| Unbalanced { cause: cause.clone() })?;
        }
        if sums.values().all(|sum| sum.is_zero()) {
            Ok(Transaction { cause, entries })
        } else {
            Err(Unbalanced { cause })
        }
    }
}

/// A rate at which one currency settles in another: the amount in the first, times the rate, is that in
/// the second. Exact: a decimal fraction, never a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeRate {
    /// Parts of a million millionth of the target's minor unit for each minor unit of the source.
    millionths_of_millionths: u64,
}

impl ExchangeRate {
    const ONE: i128 = 1_000_000_000_000;

    /// Reads a plain decimal, as `0.91843`, between minor units.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 12 {
            return None;
        }
        let padded = format!("{whole}{fraction:0<12}");
        let millionths_of_millionths = padded.parse().ok().filter(|rate| *rate > 0)?;
        Some(Self { millionths_of_millionths })
    }

    /// The amount in the other currency, rounded half up to its minor unit.
    pub fn convert(self, amount: Amount) -> Option<Amount> {
        let exact = i128::from(amount.minor_units())
            .checked_mul(i128::from(self.millionths_of_millionths))?;
        let rounded = exact.checked_add(Self::ONE.checked_div(2)?)?.checked_div(Self::ONE)?;
        Amount::new(i64::try_from(rounded).ok()?).ok()
    }
}

/// The accounts' balances, for a model or an audit: a debit raises them.
pub fn balances<'e>(
    entries: impl IntoIterator<Item = &'e Entry>,
) -> Option<BTreeMap<LedgerAccount, SignedAmount>> {
    let mut sums: BTreeMap<LedgerAccount, SignedAmount> = BTreeMap::new();
    for entry in entries {
        let sum = sums.entry(entry.account.clone()).or_default();
        *sum = sum.plus(entry.amount).ok()?;
    }
    Some(sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use crate::timestamp::Day;

    fn amount(minor_units: i64) -> Amount {
        Amount::new(minor_units).expect("an amount")
    }

    fn account(kind: AccountKind, code: &str) -> LedgerAccount {
        LedgerAccount {
            owner: Owner::Platform,
            kind,
            currency: Currency::parse(code).expect("a currency"),
            day: Day(0),
        }
    }

    #[test]
    fn what_does_not_sum_to_zero_in_each_currency_is_no_transaction() {
        let cash = |code| account(AccountKind::Cash, code);
        let fees = |code| account(AccountKind::Fees, code);
        let balanced = Draft::new("a").debit(cash("usd"), amount(5)).credit(fees("usd"), amount(5));
        assert_eq!(balanced.close().expect("it balances").entries().len(), 2);
        let lost = Draft::new("b").debit(cash("usd"), amount(5)).credit(fees("usd"), amount(4));
        assert_eq!(lost.close(), Err(Unbalanced { cause: "b".to_owned() }));
        let mixed = Draft::new("c").debit(cash("usd"), amount(5)).credit(fees("eur"), amount(5));
        assert!(mixed.close().is_err());
    }

    #[test]
    fn rates_are_exact_decimals() {
        let convert = |rate: &str, minor_units| {
            ExchangeRate::parse(rate).and_then(|rate| rate.convert(amount(minor_units)))
        };
        assert_eq!(convert("0.91843", 10_000), Some(amount(9_184)));
        assert_eq!(convert("0.5", 1), Some(amount(1)));
        assert_eq!(convert("0.499999999999", 1), Some(amount(0)));
        assert_eq!(convert("1", 99_999_999), Some(amount(99_999_999)));
        for nonsense in ["", "0", ".5", "1e3", "-1", "0.0000000000001", "1.2.3", " 1"] {
            assert_eq!(ExchangeRate::parse(nonsense), None, "{nonsense}");
        }
    }
}
