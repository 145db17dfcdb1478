//! Payouts.

use domain::money::Currency;
use domain::payout::Payout;
use domain::timestamp::Timestamp;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that another change of the payout fails.
pub const VERSION_GUARD: &str = "payout_version";

pub(crate) const INSERT: &str = "\
    INSERT INTO payouts (id, account, livemode, created, version, amount, currency, status, \
    arrival_date, automatic, destination, details) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

pub(crate) const UPDATE: &str = "\
    UPDATE payouts SET version = version + 1, status = ?3, details = ?4 \
    WHERE id = ?1 AND version = ?2";

pub(crate) const FIND: &str =
    "SELECT * FROM payouts WHERE id = ?1 AND account = ?2 AND livemode = ?3";

pub(crate) const FIND_LAST_SCHEDULED: &str = "\
    SELECT * FROM payouts WHERE account = ?1 AND livemode = ?2 AND currency = ?3 AND automatic = 1 \
    ORDER BY created DESC, sequence DESC LIMIT 1";

pub(crate) const FIND_BY_HAND_SINCE: &str = "\
    SELECT id FROM payouts INDEXED BY payouts_by_account WHERE account = ?1 AND livemode = ?2 \
    AND created >= ?3 AND currency = ?4 AND automatic = 0 AND amount > 0 LIMIT 1";

/// Finds the last payout that the account's schedule made in a currency.
pub fn find_last_scheduled(scope: &Scope, currency: Currency) -> Statement {
    Statement::new(
        FIND_LAST_SCHEDULED,
        values![scope.account.as_str(), scope.livemode, currency.code()],
    )
}

/// Finds a payout (column `id`) in a currency that the merchant asked for since then; a reversal takes
/// nothing of what there is.
pub fn find_by_hand_since(scope: &Scope, currency: Currency, since: Timestamp) -> Statement {
    Statement::new(
        FIND_BY_HAND_SINCE,
        values![scope.account.as_str(), scope.livemode, since.seconds(), currency.code()],
    )
}

/// Writes a new payout.
pub fn insert(scope: &Scope, payout: &Payout) -> Statement {
    Statement::new(
        INSERT,
        values![
            payout.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            payout.created.seconds(),
            payout.version,
            payout.amount.minor_units(),
            payout.currency.code(),
            payout.status.name(),
            payout.arrival_date.seconds(),
            payout.automatic,
            payout.destination.as_str(),
            json(&payout.details),
        ],
    )
}

/// Writes a changed payout over the version that the change saw. Its version rises by one, in the row
/// and here.
pub fn update(payout: &mut Payout) -> [Statement; 2] {
    let update = Statement::new(
        UPDATE,
        values![payout.id.as_str(), payout.version, payout.status.name(), json(&payout.details),],
    );
    payout.version = payout.version.saturating_add(1);
    [update, guard::changed_one(VERSION_GUARD)]
}

/// Finds a payout.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

impl TryFrom<&Row> for Payout {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            version: row.integer("version")?,
            amount: row.signed_amount("amount")?,
            currency: row.named("currency")?,
            status: row.named("status")?,
            arrival_date: Timestamp(row.integer("arrival_date")?),
            automatic: row.flag("automatic")?,
            destination: row.named("destination")?,
            details: row.json("details")?,
        })
    }
}
