//! What a merchant has in one currency, by the day on which it became available.

use std::collections::BTreeMap;

use domain::ApiError;
use domain::ledger::AccountKind;
use domain::money::{Amount, AmountOutOfRange, Currency, SignedAmount};
use domain::timestamp::{Day, Timestamp};
use store::ledger::{self, Balance};
use store::{Rows, Scope, Statement};

use crate::{Failure, Platform, balance};

/// What a merchant has in one currency, as it was read.
pub(crate) struct Funds {
    scope: Scope,
    currency: Currency,
    today: Day,
    rows: Vec<Balance>,
}

impl Funds {
    /// The statement that finds them.
    pub fn finding(scope: &Scope, currency: Currency, now: Timestamp) -> Statement {
        ledger::funds(scope, currency, now.day())
    }

    /// Reads what that statement found.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn read(
        scope: &Scope,
        currency: Currency,
        now: Timestamp,
        found: Option<&Rows>,
    ) -> Result<Self, Failure> {
        let rows = found.map(|rows| rows.0.as_slice()).unwrap_or_default();
        let rows = rows.iter().map(Balance::try_from).collect::<Result<_, _>>()?;
        Ok(Self { scope: scope.clone(), currency, today: now.day(), rows })
    }

    /// What each day holds: positive is the merchant's.
    ///
    /// # Errors
    /// Never for balances in range.
    pub fn by_day(&self) -> Result<BTreeMap<Day, SignedAmount>, AmountOutOfRange> {
        let mut days: BTreeMap<Day, SignedAmount> = BTreeMap::new();
        for Balance { account, balance } in &self.rows {
            let held = days.entry(account.day).or_default();
            *held = held.minus(*balance)?;
        }
        Ok(days)
    }

    /// Moves the books where some of it is available by date and was not moved yet; says whether it was,
    /// so that it has to be read again.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn catch_up<P: Platform>(&self, platform: &P) -> Result<bool, Failure> {
        let is_behind = self.rows.iter().any(|row| row.account.kind == AccountKind::Pending);
        if is_behind {
            balance::mature(platform, self.scope.clone()).await?;
        }
        Ok(is_behind)
    }

    /// The statement that holds a batch to what was read, for who takes this much of it.
    ///
    /// # Errors
    /// When there is less.
    pub fn covering(&self, amount: Amount) -> Result<Statement, Failure> {
        if self.sum()?.negated() < SignedAmount::from(amount) {
            return Err(ApiError::BalanceInsufficient.into());
        }
        Ok(self.held())
    }

    /// The statement that holds a batch to what was read.
    pub fn held(&self) -> Statement {
        ledger::funds_must_hold(&self.scope, self.currency, self.today, &self.rows)
    }

    /// What the accounts hold: a credit is the merchant's.
    fn sum(&self) -> Result<SignedAmount, AmountOutOfRange> {
        self.rows.iter().try_fold(SignedAmount::ZERO, |sum, row| sum.plus(row.balance))
    }
}
