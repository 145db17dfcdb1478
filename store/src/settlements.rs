//! What processors report of what they settled, how it is held against the ledger, and what differs.

use domain::id::ConnectorAccountId;
use domain::settlement::{self, Break, Line, Movement, SettlementReport};
use domain::timestamp::{Day, Timestamp};

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that fails where somebody else judged the line, or it was corrected meanwhile.
pub const LINE_GUARD: &str = "settlement_line_state";

/// The guard that fails where more lines of a payout came since it was added up.
const PAYOUT_GUARD: &str = "settlement_payout_sum";

/// The guard that fails where somebody else settled the movement.
pub const EXPECTATION_GUARD: &str = "settlement_expectation";

/// The guard that fails where a break is not open any more.
pub const BREAK_GUARD: &str = "settlement_break_status";

// What is implied has to be said: SQLite takes an index of some rows only where its condition stands in the statement.
pub(crate) const REPORT_COLUMNS: &str = "*, NOT EXISTS (SELECT 1 FROM settlement_lines AS l \
    WHERE l.connector_account = settlement_reports.connector_account \
    AND l.state IN ('new', 'corrected') AND l.state <> 'booked') AS is_reconciled";

pub(crate) const INSERT_REPORT: &str = "\
    INSERT INTO settlement_reports (id, account, livemode, created, connector_account, lines) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

pub(crate) const FIND_REPORT: &str = "\
    SELECT *, NOT EXISTS (SELECT 1 FROM settlement_lines AS l \
    WHERE l.connector_account = settlement_reports.connector_account \
    AND l.state IN ('new', 'corrected') AND l.state <> 'booked') AS is_reconciled \
    FROM settlement_reports WHERE id = ?1 AND account = ?2 AND livemode = ?3";

// What was told before and is not so any more is not believed again, in whichever order files come.
pub(crate) const INSERT_LINES: &str = "\
    INSERT INTO settlement_lines (account, livemode, connector_account, reference, report, number, kind, source, payment, key, currency, \
    gross, fee, net, presented, presented_currency, exchange_rate, payout, payout_checked, created, content, superseded, \
    state, bookings) \
    SELECT ?4, ?5, ?2, value ->> 'reference', ?3, value ->> 'number', value ->> 'kind', value ->> 'source', \
    value ->> 'payment', value ->> 'key', value ->> 'currency', value ->> 'gross', value ->> 'fee', value ->> 'net', \
    value ->> 'presented', value ->> 'presented_currency', value ->> 'exchange_rate', value ->> 'payout', 0, \
    value ->> 'created', value ->> 'content', '[]', 'new', 0 FROM json_each(?1) WHERE true \
    ON CONFLICT (connector_account, reference) DO UPDATE SET \
    superseded = json_insert(superseded, '$[#]', content), content = excluded.content, report = excluded.report, \
    number = excluded.number, kind = excluded.kind, source = excluded.source, payment = excluded.payment, \
    key = excluded.key, currency = excluded.currency, gross = excluded.gross, fee = excluded.fee, net = excluded.net, \
    presented = excluded.presented, presented_currency = excluded.presented_currency, \
    exchange_rate = excluded.exchange_rate, payout = coalesce(excluded.payout, payout), payout_checked = 0, \
    state = CASE WHEN state IN ('booked', 'corrected') THEN 'corrected' ELSE 'new' END \
    WHERE content <> excluded.content \
    AND NOT EXISTS (SELECT 1 FROM json_each(superseded) WHERE json_each.value = excluded.content)";

// A movement is told of first before it is paid out.
pub(crate) const NAME_PAYOUTS: &str = "\
    UPDATE settlement_lines SET payout = json_each.value ->> 'payout', payout_checked = 0 FROM json_each(?1) \
    WHERE connector_account = ?2 AND reference = json_each.value ->> 'reference' AND payout IS NULL \
    AND json_each.value ->> 'payout' IS NOT NULL";

pub(crate) const JUDGE_AGAIN: &str = "\
    UPDATE settlement_lines INDEXED BY settlement_lines_to_judge SET state = 'new' \
    WHERE connector_account = ?1 AND state = 'open' AND state <> 'booked'";

pub(crate) const CORRECTED: &str = "\
    SELECT reference, bookings, settles FROM settlement_lines INDEXED BY settlement_lines_to_judge \
    WHERE connector_account = ?1 AND state = 'corrected' AND state <> 'booked' LIMIT ?2";

pub(crate) const BOOKED_TOGETHER: &str = "\
    SELECT l.reference, l.bookings, l.settles FROM json_each(?1) CROSS JOIN settlement_lines AS l \
    INDEXED BY settlement_lines_by_settled ON l.settles = json_each.value AND l.settles IS NOT NULL";

pub(crate) const REVERSE: &str = "\
    INSERT INTO ledger_entries (cause, leg, owner, livemode, currency, kind, day, amount, created) \
    SELECT ?2, leg, owner, livemode, currency, kind, day, -amount, ?3 FROM ledger_entries WHERE cause = ?1";

pub(crate) const TAKE_BACK: &str = "\
    UPDATE settlement_lines SET state = 'new', settles = NULL, payout_checked = 0 \
    WHERE connector_account = ?1 AND reference = ?2 AND bookings = ?3 AND state IN ('booked', 'corrected')";

pub(crate) const EXPECT_AGAIN: &str = "\
    INSERT INTO settlement_expectations (owner, livemode, created, cause) \
    SELECT owner, livemode, created, cause FROM ledger_entries WHERE cause = ?1 AND kind = 'clearing' ON CONFLICT DO NOTHING";

pub(crate) const TO_JUDGE: &str = "\
    SELECT * FROM settlement_lines INDEXED BY settlement_lines_to_judge \
    WHERE connector_account = ?1 AND state = 'new' AND state <> 'booked' ORDER BY payment LIMIT ?2";

pub(crate) const OTHERS: &str = "\
    SELECT l.* FROM json_each(?2) CROSS JOIN settlement_lines AS l INDEXED BY settlement_lines_to_judge \
    ON l.connector_account = ?1 AND l.state IN ('new', 'open') AND l.state <> 'booked' AND l.payment = json_each.value WHERE l.kind = 'charge'";

// By the processor's reference of the payment, and else by our own key.
pub(crate) const OURS: &str = "\
    WITH named AS (SELECT value ->> 0 AS payment, coalesce(\
    (SELECT id FROM attempts INDEXED BY attempts_by_reference WHERE connector_account = ?2 \
    AND processor_reference = value ->> 0 AND kind = 'authorize' LIMIT 1), value ->> 1) AS attempt \
    FROM json_each(?1)), \
    paid AS (SELECT named.payment, a.id AS attempt, a.request ->> 'charge' AS charge FROM named \
    CROSS JOIN attempts AS a ON a.id = named.attempt AND a.connector_account = ?2 AND a.kind = 'authorize') \
    SELECT payment, attempt, object, reference, e.cause, e.amount, e.currency, e.day, e.created, \
    EXISTS (SELECT 1 FROM settlement_expectations AS x WHERE x.owner = e.owner AND x.created = e.created \
    AND x.cause = e.cause) AS is_open FROM (\
    SELECT payment, attempt, 'charge' AS object, NULL AS reference, charge AS moved FROM paid UNION ALL \
    SELECT payment, attempt, 'refund', r.details ->> 'processor_reference', r.id FROM paid \
    CROSS JOIN refunds AS r INDEXED BY refunds_by_charge ON r.charge = paid.charge UNION ALL \
    SELECT payment, attempt, 'dispute', d.details ->> 'processor_reference', d.id FROM paid \
    CROSS JOIN disputes AS d INDEXED BY disputes_by_charge ON d.charge = paid.charge) \
    LEFT JOIN balance_transactions AS b INDEXED BY balance_transactions_by_source ON b.source = moved \
    LEFT JOIN ledger_entries AS e ON e.cause = b.details ->> 'cause' AND e.kind = 'clearing'";

pub(crate) const BOOK: &str = "\
    UPDATE settlement_lines SET state = 'booked', settles = ?4, bookings = bookings + 1 \
    WHERE connector_account = ?1 AND reference = ?2 AND bookings = ?3 AND state IN ('new', 'open') AND content = ?5";

pub(crate) const LEAVE_OPEN: &str = "\
    UPDATE settlement_lines SET state = 'open' WHERE connector_account = ?1 AND reference = ?2 AND bookings = ?3 \
    AND state IN ('new', 'open') AND content = ?4";

pub(crate) const SETTLE: &str =
    "DELETE FROM settlement_expectations WHERE owner = ?1 AND created = ?2 AND cause = ?3";

pub(crate) const OPEN_BREAK: &str = "\
    INSERT INTO settlement_breaks (id, account, livemode, created, connector_account, kind, subject, ours, theirs, \
    currency, expected, found, status) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 'open') \
    ON CONFLICT (id) DO UPDATE SET status = 'open', note = NULL, ours = excluded.ours, theirs = excluded.theirs, \
    currency = excluded.currency, expected = excluded.expected, found = excluded.found \
    WHERE status = 'closed' OR (expected, found) IS NOT (excluded.expected, excluded.found)";

pub(crate) const CLOSE_BREAKS: &str = "\
    UPDATE settlement_breaks SET status = 'closed' WHERE connector_account = ?1 AND subject = ?2 AND status = 'open' \
    AND kind NOT IN (SELECT value FROM json_each(?3))";

pub(crate) const RESOLVE: &str =
    "UPDATE settlement_breaks SET status = 'resolved', note = ?2 WHERE id = ?1 AND status = 'open'";

pub(crate) const FIND_BREAK: &str =
    "SELECT * FROM settlement_breaks WHERE id = ?1 AND account = ?2 AND livemode = ?3";

pub(crate) const FIND_LINE: &str =
    "SELECT * FROM settlement_lines WHERE connector_account = ?1 AND reference = ?2";

pub(crate) const FIND_EXPECTED: &str = "\
    SELECT cause, amount, currency, day, created FROM ledger_entries WHERE cause = ?2 AND kind = 'clearing' AND owner = ?1";

// What a payout carried, where that can be told at all, and what left the balance with it: nothing where it came back.
pub(crate) const PAYOUTS: &str = "\
    SELECT name AS payout, (SELECT sum(net) FROM settlement_lines AS l INDEXED BY settlement_lines_by_payout \
    WHERE l.connector_account = ?1 AND l.payout = name AND l.kind <> 'payout') AS carried, \
    (SELECT sum(net) FROM settlement_lines AS l INDEXED BY settlement_lines_by_payout \
    WHERE l.connector_account = ?1 AND l.payout = name AND l.kind = 'payout') AS paid, \
    (SELECT max(currency) FROM settlement_lines AS l INDEXED BY settlement_lines_by_payout \
    WHERE l.connector_account = ?1 AND l.payout = name) AS currency \
    FROM (SELECT DISTINCT payout AS name FROM settlement_lines INDEXED BY settlement_lines_of_unchecked_payouts \
    WHERE connector_account = ?1 AND payout IS NOT NULL AND payout_checked = 0 LIMIT ?2)";

// Unless more of its lines came since it was added up.
pub(crate) const PAYOUT_CHECKED: &str = "\
    UPDATE settlement_lines INDEXED BY settlement_lines_by_payout SET payout_checked = 1 \
    WHERE connector_account = ?1 AND payout = ?2 \
    AND (SELECT sum(net) FROM settlement_lines AS l INDEXED BY settlement_lines_by_payout \
    WHERE l.connector_account = ?1 AND l.payout = ?2 AND l.kind <> 'payout') IS ?3 \
    AND (SELECT sum(net) FROM settlement_lines AS l INDEXED BY settlement_lines_by_payout \
    WHERE l.connector_account = ?1 AND l.payout = ?2 AND l.kind = 'payout') IS ?4";

// As long as the processor reports nothing later, it may only be late; and what a line differs from is not left out.
pub(crate) const MISSING: &str = "\
    SELECT e.cause, e.amount, e.currency, e.day, e.created FROM settlement_expectations AS x \
    JOIN ledger_entries AS e ON e.cause = x.cause AND e.kind = 'clearing' WHERE x.owner = ?1 AND x.created < (\
    SELECT created FROM settlement_lines INDEXED BY settlement_lines_by_time WHERE connector_account = ?1 \
    ORDER BY created DESC LIMIT 1) - ?2 AND NOT EXISTS (\
    SELECT 1 FROM settlement_breaks AS b INDEXED BY settlement_breaks_by_subject \
    WHERE b.connector_account = ?1 AND b.subject = x.cause AND b.status <> 'closed') AND x.cause NOT IN (\
    SELECT ours FROM settlement_breaks INDEXED BY settlement_breaks_open \
    WHERE connector_account = ?1 AND status = 'open' AND ours IS NOT NULL) LIMIT ?3";

pub(crate) const CLOSE_REPORTED: &str = "\
    UPDATE settlement_breaks INDEXED BY settlement_breaks_open SET status = 'closed' \
    WHERE connector_account = ?1 AND status = 'open' AND kind = 'missing_external' AND subject IN (\
    SELECT ours FROM settlement_breaks INDEXED BY settlement_breaks_open \
    WHERE connector_account = ?1 AND status = 'open' AND kind <> 'missing_external')";

pub(crate) const ANY_OPEN: &str = "\
    SELECT 1 AS is_open WHERE EXISTS (SELECT 1 FROM settlement_breaks INDEXED BY settlement_breaks_open \
    WHERE connector_account = ?1 AND status = 'open')";

/// A line as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What the processor says.
    pub line: Line,
    /// The report that said it.
    pub report: String,
    /// How often it was booked.
    pub bookings: i64,
}

/// A booking that is to be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// The processor's own name of the line.
    pub reference: String,
    /// How often it was booked.
    pub bookings: i64,
    /// The cause of our entry that it settled.
    pub settles: Option<String>,
}

/// What a payout carried, and what left the balance with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    /// The processor's own name of it.
    pub payout: String,
    /// What its lines add up to; none where no line names it.
    pub carried: Option<i64>,
    /// What left the balance, as a positive amount; none where it was not reported yet.
    pub paid: Option<i64>,
    /// Their currency.
    pub currency: String,
}

/// Keeps a report with its lines, of which those that were told before are known by their names. What differed is judged
/// again.
pub fn insert(scope: &Scope, report: &SettlementReport, parts: &[String]) -> Vec<Statement> {
    let account = report.connector_account.as_str();
    let mut statements = vec![Statement::new(
        INSERT_REPORT,
        values![
            report.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            report.created.seconds(),
            account,
            report.lines,
        ],
    )];
    for part in parts {
        let values = values![
            part.as_str(),
            account,
            report.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
        ];
        statements.push(Statement::new(INSERT_LINES, values));
        statements.push(Statement::new(NAME_PAYOUTS, values![part.as_str(), account]));
    }
    statements.push(judge_again(&report.connector_account));
    statements
}

/// Lines as [`insert`] takes them.
pub fn part(lines: &[Line]) -> String {
    json(&lines)
}

/// Finds a report.
pub fn find_report(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND_REPORT, values![id, scope.account.as_str(), scope.livemode])
}

/// Has all that differs judged again.
pub fn judge_again(account: &ConnectorAccountId) -> Statement {
    Statement::new(JUDGE_AGAIN, values![account.as_str()])
}

/// Finds the bookings of lines that were corrected since, at most so many.
pub fn corrected(account: &ConnectorAccountId, most: i64) -> Statement {
    Statement::new(CORRECTED, values![account.as_str(), most])
}

/// Finds all bookings that settled the same as these.
pub fn booked_together(corrected: &[Booked]) -> Statement {
    let settled: Vec<_> = corrected.iter().filter_map(|booked| booked.settles.as_deref()).collect();
    Statement::new(BOOKED_TOGETHER, values![json(&settled)])
}

/// Takes a booking back, under a cause of its own: what it settled is expected again.
pub fn take_back(
    account: &ConnectorAccountId,
    booked: &Booked,
    causes: (&str, &str),
    now: Timestamp,
) -> Vec<Statement> {
    let (cause, reversal) = causes;
    let values = values![account.as_str(), booked.reference.as_str(), booked.bookings];
    let mut statements = vec![
        Statement::new(TAKE_BACK, values),
        guard::changed_one(LINE_GUARD),
        Statement::new(REVERSE, values![cause, reversal, now.seconds()]),
    ];
    if let Some(settled) = booked.settles.as_deref() {
        statements.push(Statement::new(EXPECT_AGAIN, values![settled]));
    }
    statements
}

/// Finds lines that wait to be judged, at most so many, those of a payment together.
pub fn to_judge(account: &ConnectorAccountId, most: i64) -> Statement {
    Statement::new(TO_JUDGE, values![account.as_str(), most])
}

/// Finds what payments' lines of charges are not booked, by the processor's references.
pub fn others(account: &ConnectorAccountId, payments: &[&str]) -> Statement {
    Statement::new(OTHERS, values![account.as_str(), json(&payments)])
}

/// Finds what our books know of the payments of lines: a row for each movement, in which everything but `payment`, `attempt`
/// and `object` is null where nothing moved.
pub fn ours(account: &ConnectorAccountId, lines: &[&Line]) -> Statement {
    let paid = lines.iter().filter(|line| line.payment.is_some());
    let payments: Vec<_> = paid.map(|line| (&line.payment, &line.key)).collect();
    Statement::new(OURS, values![json(&payments), account.as_str()])
}

/// Notes that a line is booked, and what it settles.
pub fn book(account: &ConnectorAccountId, kept: &Kept, settles: Option<&str>) -> [Statement; 2] {
    let (reference, content) = (kept.line.reference.as_str(), kept.line.content.as_str());
    let values = values![account.as_str(), reference, kept.bookings, settles, content];
    [Statement::new(BOOK, values), guard::changed_one(LINE_GUARD)]
}

/// Notes that a line settles nothing of ours.
pub fn leave_open(account: &ConnectorAccountId, kept: &Kept) -> [Statement; 2] {
    let (reference, content) = (kept.line.reference.as_str(), kept.line.content.as_str());
    let values = values![account.as_str(), reference, kept.bookings, content];
    [Statement::new(LEAVE_OPEN, values), guard::changed_one(LINE_GUARD)]
}

/// Notes that the processor settled a movement.
pub fn settle(account: &ConnectorAccountId, movement: &Movement) -> [Statement; 2] {
    let values = values![account.as_str(), movement.created.seconds(), movement.cause.as_str()];
    [Statement::new(SETTLE, values), guard::changed_one(EXPECTATION_GUARD)]
}

/// Notes what differs; what a person looked at already stays so while it is the same.
pub fn open_break(scope: &Scope, found: &Break) -> Statement {
    Statement::new(
        OPEN_BREAK,
        values![
            found.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            found.created.seconds(),
            found.connector_account.as_str(),
            found.kind.name(),
            found.subject.as_str(),
            found.ours.as_deref(),
            found.theirs.as_deref(),
            found.currency.code(),
            found.expected,
            found.found,
        ],
    )
}

/// Notes that nothing differs about something any more but in these ways.
pub fn close_breaks(account: &ConnectorAccountId, subject: &str, still: &[&str]) -> Statement {
    Statement::new(CLOSE_BREAKS, values![account.as_str(), subject, json(&still)])
}

/// Keeps what a person found who looked at a break.
pub fn resolve(id: &str, note: &str) -> [Statement; 2] {
    [Statement::new(RESOLVE, values![id, note]), guard::changed_one(BREAK_GUARD)]
}

/// Finds a break.
pub fn find_break(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND_BREAK, values![id, scope.account.as_str(), scope.livemode])
}

/// Finds a line by the processor's own name.
pub fn find_line(account: &ConnectorAccountId, reference: &str) -> Statement {
    Statement::new(FIND_LINE, values![account.as_str(), reference])
}

/// Finds a movement by its cause.
pub fn find_expected(account: &ConnectorAccountId, cause: &str) -> Statement {
    Statement::new(FIND_EXPECTED, values![account.as_str(), cause])
}

/// Finds payouts whose sum was not looked at since lines came to them, at most so many.
pub fn payouts(account: &ConnectorAccountId, most: i64) -> Statement {
    Statement::new(PAYOUTS, values![account.as_str(), most])
}

/// Notes that a payout was added up, where what it carried is still what it was then.
pub fn payout_checked(account: &ConnectorAccountId, payout: &Payout) -> [Statement; 2] {
    let Payout { payout, carried, paid, .. } = payout;
    let left = paid.map(|paid| paid.saturating_neg());
    let values = values![account.as_str(), payout.as_str(), *carried, left];
    [Statement::new(PAYOUT_CHECKED, values), guard::changed_some(PAYOUT_GUARD)]
}

/// Finds movements that the processor left out of its reports, at most so many.
pub fn missing(account: &ConnectorAccountId, most: i64) -> Statement {
    Statement::new(MISSING, values![account.as_str(), settlement::WINDOW, most])
}

/// Notes that what a line differs from was not left out of the reports.
pub fn close_reported(account: &ConnectorAccountId) -> Statement {
    Statement::new(CLOSE_REPORTED, values![account.as_str()])
}

/// Finds whether anything differs: a row where it does.
pub fn any_open(account: &ConnectorAccountId) -> Statement {
    Statement::new(ANY_OPEN, values![account.as_str()])
}

impl TryFrom<&Row> for SettlementReport {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            connector_account: row.named("connector_account")?,
            lines: row.integer("lines")?,
            is_reconciled: row.flag("is_reconciled")?,
        })
    }
}

impl TryFrom<&Row> for Kept {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let text = |column| row.optional_text(column).map(|text| text.map(str::to_owned));
        let line = Line {
            reference: row.text("reference")?.to_owned(),
            number: row.integer("number")?,
            kind: row.named("kind")?,
            source: text("source")?,
            payment: text("payment")?,
            key: text("key")?,
            currency: row.named("currency")?,
            gross: row.signed_amount("gross")?,
            fee: row.signed_amount("fee")?,
            net: row.signed_amount("net")?,
            presented: row.signed_amount("presented")?,
            presented_currency: row.named("presented_currency")?,
            exchange_rate: text("exchange_rate")?,
            payout: text("payout")?,
            created: Timestamp(row.integer("created")?),
            content: row.text("content")?.to_owned(),
        };
        Ok(Self {
            line,
            report: row.text("report")?.to_owned(),
            bookings: row.integer("bookings")?,
        })
    }
}

impl TryFrom<&Row> for Booked {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            reference: row.text("reference")?.to_owned(),
            bookings: row.integer("bookings")?,
            settles: row.optional_text("settles")?.map(str::to_owned),
        })
    }
}

impl TryFrom<&Row> for Payout {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let paid = row.optional_integer("paid")?;
        Ok(Self {
            payout: row.text("payout")?.to_owned(),
            carried: row.optional_integer("carried")?,
            paid: paid.map(i64::saturating_neg),
            currency: row.text("currency")?.to_owned(),
        })
    }
}

/// A movement: of one that was found by its cause alone, only what the ledger says.
impl TryFrom<&Row> for Movement {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let optional = |column| row.optional_text(column).ok().flatten().map(str::to_owned);
        Ok(Self {
            object: optional("object").unwrap_or_default(),
            reference: optional("reference"),
            cause: row.text("cause")?.to_owned(),
            amount: row.signed_amount("amount")?,
            currency: row.named("currency")?,
            day: Day(row.integer("day")?),
            created: Timestamp(row.integer("created")?),
            is_open: row.flag("is_open").unwrap_or(true),
        })
    }
}

impl TryFrom<&Row> for Break {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let text = |column| row.optional_text(column).map(|text| text.map(str::to_owned));
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            connector_account: row.named("connector_account")?,
            kind: row.named("kind")?,
            subject: row.text("subject")?.to_owned(),
            ours: text("ours")?,
            theirs: text("theirs")?,
            currency: row.named("currency")?,
            expected: row.optional_integer("expected")?,
            found: row.optional_integer("found")?,
            status: row.named("status")?,
            note: text("note")?,
        })
    }
}
