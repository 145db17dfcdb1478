//! What a merchant has in one currency, by the day on which it became available.

use std::collections::BTreeMap;

use domain::ledger::AccountKind;
use domain::money::{AmountOutOfRange, Currency, SignedAmount};
use domain::timestamp::Day;
use store::ledger::{self, Balance};
use store::{Rows, Statement};

use crate::{Context, Failure, Platform};

/// What a merchant has in one currency, as it was read.
pub(super) struct Funds {
    currency: Currency,
    rows: Vec<Balance>,
}

impl Funds {
    /// The statement that finds them.
    pub fn finding<P: Platform>(context: &Context<'_, P>, currency: Currency) -> Statement {
        ledger::funds(&context.scope, currency, context.now.day())
    }

    /// Reads what that statement found.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn read(currency: Currency, found: Option<&Rows>) -> Result<Self, Failure> {
        let rows = found.map(|rows| rows.0.as_slice()).unwrap_or_default();
        let rows = rows.iter().map(Balance::try_from).collect::<Result<_, _>>()?;
        Ok(Self { currency, rows })
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

    /// Whether some of it is available by date, and the books were not moved yet.
    pub fn is_behind(&self) -> bool {
        self.rows.iter().any(|row| row.account.kind == AccountKind::Pending)
    }

    /// The statement that holds a batch to what was read.
    ///
    /// # Errors
    /// Never for balances in range.
    pub fn held<P: Platform>(&self, context: &Context<'_, P>) -> Result<Statement, Failure> {
        let mut sum = SignedAmount::ZERO;
        for row in &self.rows {
            sum = sum.plus(row.balance)?;
        }
        let seen = (i64::try_from(self.rows.len()).unwrap_or(i64::MAX), sum);
        let today = context.now.day();
        Ok(ledger::funds_must_hold(&context.scope, self.currency, today, seen))
    }
}
