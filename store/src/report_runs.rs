//! Runs of reports, and the lines that they read.

use domain::balance_transaction::BalanceTransaction;
use domain::report::{Line, ReportRun};
use domain::timestamp::Timestamp;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that another runner of the same step fails.
pub const VERSION_GUARD: &str = "report_run_version";

pub(crate) const INSERT: &str = "\
    INSERT INTO report_runs (id, account, livemode, created, version, report_type, status, details) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

pub(crate) const UPDATE: &str = "\
    UPDATE report_runs SET version = version + 1, status = ?3, details = ?4 \
    WHERE id = ?1 AND version = ?2";

pub(crate) const FIND: &str =
    "SELECT * FROM report_runs WHERE id = ?1 AND account = ?2 AND livemode = ?3";

pub(crate) const LAST_LINE: &str =
    "SELECT coalesce(max(sequence), 0) AS last FROM balance_transactions";

pub(crate) const FIRST_DAY_CARRIED: &str = "\
    SELECT min(details ->> '$.covers.from') AS day FROM payouts INDEXED BY payouts_by_account \
    WHERE account = ?1 AND livemode = ?2 AND created >= ?3 AND created < ?4 AND automatic = 1";

/// Writes a new run.
pub fn insert(scope: &Scope, run: &ReportRun) -> Statement {
    Statement::new(
        INSERT,
        values![
            run.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            run.created.seconds(),
            run.version,
            run.report_type.as_str(),
            run.status.name(),
            json(&run.details),
        ],
    )
}

/// Writes a changed run over the version that the change saw. Its version rises by one, in the row and
/// here.
pub fn update(run: &mut ReportRun) -> [Statement; 2] {
    let update = Statement::new(
        UPDATE,
        values![run.id.as_str(), run.version, run.status.name(), json(&run.details)],
    );
    run.version = run.version.saturating_add(1);
    [update, guard::changed_one(VERSION_GUARD)]
}

/// Finds a run.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

/// Finds the sequence of the last balance transaction of all (column `last`).
pub fn last_line() -> Statement {
    Statement::new(LAST_LINE, values![])
}

/// Finds the first day (column `day`) that the automatic payouts made from then to then carry money of.
pub fn first_day_carried(scope: &Scope, from: Timestamp, to: Timestamp) -> Statement {
    Statement::new(
        FIRST_DAY_CARRIED,
        values![scope.account.as_str(), scope.livemode, from.seconds(), to.seconds()],
    )
}

/// How much is read of each transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The transaction itself.
    Own,
    /// The payout that carries it too.
    Payout,
    /// All that other objects say of it too.
    Links,
}

impl Depth {
    /// Every depth.
    pub(crate) const ALL: [Self; 3] = [Self::Own, Self::Payout, Self::Links];

    /// How many lines are read at once: those that other objects add to are longer.
    pub fn lines(self) -> i64 {
        match self {
            Self::Own | Self::Payout => 1_000,
            Self::Links => 200,
        }
    }
}

// Money is carried by the first automatic payout whose days reach the one on which it became available; what
// such payouts took is not carried itself.
const PAYOUT: &str = "\
    LEFT JOIN payouts AS p ON p.sequence = (SELECT q.sequence FROM payouts AS q \
    INDEXED BY payouts_by_schedule WHERE q.account = ?1 AND q.livemode = ?2 \
    AND q.currency = t.currency AND q.automatic = 1 AND q.created >= t.available_on AND q.created < ?7 \
    AND q.details ->> '$.covers.through' >= t.available_on / 86400 AND t.type <> 'automatic_payout' \
    ORDER BY q.created, q.sequence LIMIT 1)";

// A charge is its own; refunds and disputes are of one.
const LINKS: &str = "\
    LEFT JOIN refunds AS r ON r.id = t.source LEFT JOIN disputes AS d ON d.id = t.source \
    LEFT JOIN payouts AS o ON o.id = t.source \
    LEFT JOIN charges AS c ON c.id = coalesce(r.charge, d.charge, t.source) \
    LEFT JOIN customers AS u ON u.id = c.customer \
    LEFT JOIN payment_intents AS i ON i.id = c.payment_intent";

// Each object has at most sixteen fields: D1's functions take 32 arguments.
const LINKED: &str = "\
    json_object('charge_id', c.id, 'charge_created', c.created, 'payment_intent_id', c.payment_intent, \
    'payment_method_type', iif(c.id IS NULL, NULL, 'card'), 'is_link', iif(c.id IS NULL, NULL, 'false'), \
    'card_brand', c.details ->> '$.card.brand', 'card_funding', c.details ->> '$.card.funding', \
    'card_country', c.details ->> '$.card.country', \
    'card_address', c.details -> '$.billing_details.address', \
    'shipping_address', c.details -> '$.shipping.address', \
    'statement_descriptor', c.details ->> '$.calculated_statement_descriptor', \
    'intent_metadata', i.details -> '$.metadata', 'charge_metadata', c.details -> '$.metadata', \
    'refund_metadata', r.details -> '$.metadata', 'dispute_reason', d.details ->> '$.reason') AS links, \
    json_object('customer_id', c.customer, 'customer_email', u.email, \
    'customer_name', u.details ->> '$.name', 'customer_description', u.details ->> '$.description', \
    'customer_address', u.details -> '$.address', \
    'customer_shipping_address', u.details -> '$.shipping.address', 'payout_status', o.status, \
    'payout_expected_arrival_date', o.arrival_date, 'payout_destination_id', o.destination, \
    'payout_description', o.details ->> '$.description', 'payout_reversed_at', \
    (SELECT f.created FROM balance_transactions AS f \
    WHERE f.id = o.details ->> '$.failure_balance_transaction')) AS more_links";

/// The SQL of a slice of lines.
pub(crate) fn lines_sql(depth: Depth) -> String {
    let (columns, joins) = match depth {
        Depth::Own => (String::new(), String::new()),
        Depth::Payout => {
            (", p.id AS payout, p.created AS paid_out".to_owned(), format!(" {PAYOUT}"))
        }
        Depth::Links => (
            format!(", p.id AS payout, p.created AS paid_out, {LINKED}"),
            format!(" {PAYOUT} {LINKS}"),
        ),
    };
    format!(
        "SELECT t.*{columns} FROM balance_transactions AS t INDEXED BY balance_transactions_by_account{joins} \
         WHERE t.account = ?1 AND t.livemode = ?2 AND t.created >= ?3 AND t.created < ?4 \
         AND (t.created, t.sequence) > (?3, ?5) ORDER BY t.created, t.sequence LIMIT ?6"
    )
}

/// Finds the next slice of lines made before `to`, after a place, in the order in which they were made. Of
/// payouts, only those made before `payouts_to` count.
pub fn lines(
    scope: &Scope,
    depth: Depth,
    (after, sequence): (Timestamp, i64),
    to: Timestamp,
    payouts_to: Timestamp,
) -> Statement {
    let mut values = values![
        scope.account.as_str(),
        scope.livemode,
        after.seconds(),
        to.seconds(),
        sequence,
        depth.lines(),
    ];
    if depth != Depth::Own {
        values.extend(values![payouts_to.seconds()]);
    }
    Statement::new(lines_sql(depth), values)
}

impl TryFrom<&Row> for ReportRun {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            version: row.integer("version")?,
            report_type: row.text("report_type")?.to_owned(),
            status: row.named("status")?,
            details: row.json("details")?,
        })
    }
}

impl TryFrom<&Row> for Line {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let payout = match row.optional_text("payout")? {
            Some(payout) => Some((payout.to_owned(), Timestamp(row.integer("paid_out")?))),
            None => None,
        };
        let mut links = serde_json::Map::new();
        if row.optional_text("links")?.is_some() {
            links = row.json("links")?;
            links.append(&mut row.json("more_links")?);
        }
        // Metadata of a payment is that of its intent, or else that of its charge.
        let of_charge = links.remove("charge_metadata");
        let of_intent = links
            .remove("intent_metadata")
            .filter(|metadata| metadata.as_object().is_some_and(|metadata| !metadata.is_empty()));
        links.extend(
            of_intent.or(of_charge).map(|metadata| ("payment_metadata".to_owned(), metadata)),
        );
        Ok(Self {
            sequence: row.integer("sequence")?,
            transaction: BalanceTransaction::try_from(row)?,
            payout,
            links: links.into(),
        })
    }
}
