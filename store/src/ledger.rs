//! The ledger's entries and balances.

use std::borrow::Cow;
use std::sync::OnceLock;

use domain::ledger::{AccountKind, Entry, LedgerAccount, Owner, Transaction};
use domain::money::{Currency, SignedAmount};
use domain::timestamp::{Day, Timestamp};

use crate::{Inconsistent, Row, Scope, Statement, Value, values};

/// The guard that fails when entries do not sum to zero in each currency.
pub const BALANCED_GUARD: &str = "ledger_balanced";

/// The guard that fails when what a merchant has is not what was seen.
pub const FUNDS_GUARD: &str = "ledger_funds_hold";

// Every day is compared: money that went from one to another changes neither their sum nor their number.
// What is available by date and not moved yet is moved before any of it is taken.
pub(crate) const FUNDS_MUST_HOLD: &str = "\
    INSERT INTO guard SELECT count(*) = json_array_length(?5) AND count(*) = (\
    SELECT count(*) FROM json_each(?5) CROSS JOIN ledger_accounts AS held \
    WHERE held.owner = ?1 AND held.livemode = ?2 AND held.currency = ?3 \
    AND held.kind = 'available' AND held.day = json_each.value ->> 0 \
    AND held.balance = json_each.value ->> 1), 'ledger_funds_hold' \
    FROM ledger_accounts WHERE owner = ?1 AND livemode = ?2 AND currency = ?3 \
    AND kind IN ('available', 'pending') AND (kind = 'available' OR day <= ?4)";

pub(crate) const FUNDS: &str = "\
    SELECT * FROM ledger_accounts WHERE owner = ?1 AND livemode = ?2 AND currency = ?3 \
    AND kind IN ('available', 'pending') AND (kind = 'available' OR day <= ?4)";

/// The most entries that one statement writes: D1 binds at most 100 values.
pub(crate) const MOST_ENTRIES: usize = 11;

/// How many values one entry binds.
const COLUMNS: usize = 9;

pub(crate) const MUST_BALANCE: &str = "\
    INSERT INTO guard SELECT NOT EXISTS (SELECT 1 FROM ledger_entries AS e WHERE e.cause = ?1 AND \
    (SELECT sum(f.amount) FROM ledger_entries AS f WHERE f.cause = ?1 AND f.currency = e.currency) \
    <> 0), 'ledger_balanced'";

/// The guard that fails when an account holds something else than was seen.
pub const HOLDS_GUARD: &str = "ledger_account_holds";

pub(crate) const MUST_HOLD: &str = "\
    INSERT INTO guard SELECT EXISTS (SELECT 1 FROM ledger_accounts WHERE owner = ?1 AND \
    livemode = ?2 AND currency = ?3 AND kind = ?4 AND day = ?5 AND balance = ?6), \
    'ledger_account_holds'";

// The index has these two kinds only.
pub(crate) const DUE: &str = "\
    SELECT * FROM ledger_accounts INDEXED BY ledger_accounts_by_day \
    WHERE kind IN ('pending', 'clearing') AND day <= ?1 AND (kind = 'pending' OR owner = ?2) \
    AND put_off_until <= ?3 LIMIT ?4";

pub(crate) const PUT_OFF: &str = "\
    UPDATE ledger_accounts SET put_off_until = ?6 WHERE owner = ?1 AND livemode = ?2 \
    AND currency = ?3 AND kind = ?4 AND day = ?5";

pub(crate) const BALANCES_OF_MERCHANT: &str = "\
    SELECT * FROM ledger_accounts WHERE owner = ?1 AND livemode = ?2";

/// The SQL that writes so many entries, written once for each number of them.
pub(crate) fn insert_sql(entries: usize) -> Cow<'static, str> {
    static WRITTEN: [OnceLock<String>; MOST_ENTRIES + 1] =
        [const { OnceLock::new() }; MOST_ENTRIES + 1];
    match WRITTEN.get(entries) {
        Some(written) => Cow::Borrowed(written.get_or_init(|| write_insert(entries))),
        None => Cow::Owned(write_insert(entries)),
    }
}

fn write_insert(entries: usize) -> String {
    let row = |number: usize| {
        let first = number.saturating_mul(COLUMNS);
        let places: Vec<_> =
            (1..=COLUMNS).map(|place| format!("?{}", first.saturating_add(place))).collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<_> = (0..entries).map(row).collect();
    format!(
        "INSERT INTO ledger_entries (cause, leg, owner, livemode, currency, kind, day, amount, \
         created) VALUES {}",
        rows.join(", ")
    )
}

/// Posts a transaction: its entries, and that they balance. Nothing where nothing moves.
pub fn post(livemode: bool, transaction: &Transaction, now: Timestamp) -> Vec<Statement> {
    if transaction.entries().is_empty() {
        return Vec::new();
    }
    let legs: Vec<_> = (0_i64..).zip(transaction.entries()).collect();
    let mut statements = Vec::new();
    for part in legs.chunks(MOST_ENTRIES) {
        let mut bound: Vec<Value> = Vec::new();
        for (leg, Entry { account, amount }) in part {
            bound.extend(values![
                transaction.cause(),
                *leg,
                account.owner.name(),
                livemode,
                account.currency.code(),
                account.kind.name(),
                account.day.0,
                amount.minor_units(),
                now.seconds(),
            ]);
        }
        statements.push(Statement::new(insert_sql(part.len()), bound));
    }
    statements.push(Statement::new(MUST_BALANCE, values![transaction.cause()]));
    statements
}

/// Finds what a merchant's accounts hold.
pub fn balances(scope: &Scope) -> Statement {
    Statement::new(BALANCES_OF_MERCHANT, values![scope.account.as_str(), scope.livemode])
}

/// Finds what a merchant has in a currency by day: what is available, and what is by date.
pub fn funds(scope: &Scope, currency: Currency, today: Day) -> Statement {
    Statement::new(FUNDS, values![scope.account.as_str(), scope.livemode, currency.code(), today.0])
}

/// The batch holds only if what a merchant has in a currency is what [`funds`] found, and all of it is moved.
pub fn funds_must_hold(
    scope: &Scope,
    currency: Currency,
    today: Day,
    seen: &[Balance],
) -> Statement {
    let days = seen.iter().map(|Balance { account, balance }| {
        format!("[{},{}]", account.day.0, balance.minor_units())
    });
    let days = format!("[{}]", days.collect::<Vec<_>>().join(","));
    Statement::new(
        FUNDS_MUST_HOLD,
        values![scope.account.as_str(), scope.livemode, currency.code(), today.0, days],
    )
}

/// The batch holds only if the account holds what was seen.
pub fn must_hold(livemode: bool, seen: &Balance) -> Statement {
    let LedgerAccount { owner, kind, currency, day } = &seen.account;
    Statement::new(
        MUST_HOLD,
        values![
            owner.name(),
            livemode,
            currency.code(),
            kind.name(),
            day.0,
            seen.balance.minor_units()
        ],
    )
}

/// Finds accounts whose day has come: merchants' pending money, and what this processor settles.
pub fn due(now: Timestamp, processor: &str, limit: i64) -> Statement {
    Statement::new(DUE, values![now.day().0, processor, now.seconds(), limit])
}

/// Puts off a row that could not be read or moved, so that it stands in nobody's way.
///
/// # Errors
/// When the row cannot be told from others.
pub fn put_off(row: &Row, until: Timestamp) -> Result<Statement, Inconsistent> {
    let values = values![
        row.text("owner")?,
        row.integer("livemode")?,
        row.text("currency")?,
        row.text("kind")?,
        row.integer("day")?,
        until.seconds(),
    ];
    Ok(Statement::new(PUT_OFF, values))
}

/// An account and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The account.
    pub account: LedgerAccount,
    /// What it holds: a debit raises it.
    pub balance: SignedAmount,
}

impl TryFrom<&Row> for Balance {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let kind = row.text("kind")?;
        Ok(Self {
            account: LedgerAccount {
                owner: Owner::from_name(row.text("owner")?),
                kind: AccountKind::from_name(kind).ok_or_else(|| Inconsistent {
                    column: "kind",
                    problem: format!("{kind} is no kind of account"),
                })?,
                currency: row.named("currency")?,
                day: Day(row.integer("day")?),
            },
            balance: row.signed_amount("balance")?,
        })
    }
}
