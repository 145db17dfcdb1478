//! Pages of a table, newest first, by cursor.
//!
//! Every page is read through an index that ends in (created, sequence), so a page of a million rows
//! costs what a page of a thousand costs.

use crate::{Row, Scope, Statement, Value, disputes, events, settlements, values};

/// A table that has pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the table of the same name")]
pub enum Table {
    /// Those that a person has to look at.
    Attempts,
    BalanceTransactions,
    BankAccounts,
    Charges,
    ConnectorAccounts,
    ConnectorWebhooks,
    Customers,
    Disputes,
    Events,
    Files,
    PaymentIntents,
    PaymentMethods,
    Payouts,
    Refunds,
    WebhookEndpoints,
    ReportRuns,
    /// Those of one payment that went to processors.
    RoutedAttempts,
    Routings,
    SettlementBreaks,
    SettlementReports,
    Topups,
    TransferReversals,
    Transfers,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Attempts => "attempts",
            Self::BalanceTransactions => "balance_transactions",
            Self::BankAccounts => "bank_accounts",
            Self::Charges => "charges",
            Self::ConnectorAccounts => "connector_accounts",
            Self::ConnectorWebhooks => "connector_webhooks",
            Self::Customers => "customers",
            Self::Disputes => "disputes",
            Self::Events => "events",
            Self::Files => "files",
            Self::PaymentIntents => "payment_intents",
            Self::PaymentMethods => "payment_methods",
            Self::Payouts => "payouts",
            Self::Refunds => "refunds",
            Self::WebhookEndpoints => "webhook_endpoints",
            Self::ReportRuns => "report_runs",
            Self::RoutedAttempts => "attempts",
            Self::Routings => "routings",
            Self::SettlementBreaks => "settlement_breaks",
            Self::SettlementReports => "settlement_reports",
            Self::Topups => "topups",
            Self::TransferReversals => "transfer_reversals",
            Self::Transfers => "transfers",
        }
    }

    /// What tells rows of the same second apart, in their order.
    fn place(self) -> &'static str {
        if matches!(self, Self::Attempts | Self::RoutedAttempts) { "id" } else { "sequence" }
    }

    /// What is read of each row.
    fn columns(self) -> &'static str {
        match self {
            Self::Disputes => disputes::COLUMNS,
            Self::Events => events::COLUMNS,
            Self::SettlementReports => settlements::REPORT_COLUMNS,
            _ => "*",
        }
    }

    /// What every page of this table leaves out.
    fn condition(self) -> &'static str {
        match self {
            Self::BankAccounts | Self::Customers => " AND deleted = 0",
            Self::ConnectorAccounts | Self::WebhookEndpoints => " AND status <> 'deleted'",
            _ => "",
        }
    }
}

/// What a page is narrowed to, beside the account; each but one has an index of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the column of the same name")]
pub enum Filter {
    Nothing,
    /// Has no index, which would cost a row for each payment method: it narrows what a customer keeps,
    /// and never stands alone.
    AllowRedisplay(String),
    AmountFrom(i64),
    AmountTo(i64),
    ArrivesBy(i64),
    ArrivesFrom(i64),
    AvailableBefore(i64),
    AvailableFrom(i64),
    Charge(String),
    /// Few objects are in another currency than the rest, so that no index is kept for it.
    Currency(String),
    Customer(String),
    /// Every endpoint took it. Most events are so, and an endpoint that takes none is disabled after three days, so that
    /// few rows are passed on the way to a page.
    Delivered,
    Destination(String),
    /// A type that nearly all objects have.
    DenseType(String),
    Email(String),
    /// Any type but this.
    NotType(String),
    PaymentIntent(String),
    Purpose(String),
    Source(String),
    Status(String),
    Transfer(String),
    TransferGroup(String),
    Type(String),
    /// Each of them holds; the page is read through the index of the first, the narrowest.
    All(Box<Filter>, Vec<Filter>),
}

impl Filter {
    /// The column, and the end of the name of its index.
    fn column_and_index(&self) -> (Option<&'static str>, &'static str) {
        match self {
            Self::Nothing => (None, "by_account"),
            Self::AllowRedisplay(_) => (Some("details ->> 'allow_redisplay'"), "by_account"),
            Self::AmountFrom(_) | Self::AmountTo(_) => (Some("amount"), "by_account"),
            Self::ArrivesBy(_) | Self::ArrivesFrom(_) => (Some("arrival_date"), "by_account"),
            Self::AvailableBefore(_) | Self::AvailableFrom(_) => {
                (Some("available_on"), "by_account")
            }
            Self::Charge(_) => (Some("charge"), "by_charge"),
            Self::Currency(_) => (Some("currency"), "by_account"),
            Self::DenseType(_) | Self::NotType(_) => (Some("type"), "by_account"),
            Self::Source(_) => (Some("source"), "by_source"),
            Self::Customer(_) => (Some("customer"), "by_customer"),
            Self::Delivered => (Some(events::PENDING_WEBHOOKS), "by_account"),
            Self::Destination(_) => (Some("destination"), "by_destination"),
            Self::Email(_) => (Some("email"), "by_email"),
            Self::PaymentIntent(_) => (Some("payment_intent"), "by_intent"),
            Self::Purpose(_) => (Some("purpose"), "by_purpose"),
            Self::Status(_) => (Some("status"), "by_status"),
            Self::Transfer(_) => (Some("transfer"), "by_transfer"),
            Self::TransferGroup(_) => (Some("details ->> 'transfer_group'"), "by_transfer_group"),
            Self::Type(_) => (Some("type"), "by_type"),
            Self::All(first, _) => first.column_and_index(),
        }
    }

    /// How the column is compared with the value.
    fn comparison(&self) -> &'static str {
        match self {
            Self::AmountTo(_) | Self::ArrivesBy(_) => "<=",
            Self::AmountFrom(_) | Self::ArrivesFrom(_) | Self::AvailableFrom(_) => ">=",
            Self::AvailableBefore(_) => "<",
            Self::NotType(_) => "<>",
            _ => "=",
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Delivered => Value::Integer(0),
            Self::AmountFrom(value)
            | Self::AmountTo(value)
            | Self::ArrivesBy(value)
            | Self::ArrivesFrom(value)
            | Self::AvailableBefore(value)
            | Self::AvailableFrom(value) => Value::Integer(*value),
            Self::AllowRedisplay(value)
            | Self::Charge(value)
            | Self::Customer(value)
            | Self::Destination(value)
            | Self::Email(value)
            | Self::Currency(value)
            | Self::DenseType(value)
            | Self::NotType(value)
            | Self::PaymentIntent(value)
            | Self::Purpose(value)
            | Self::Source(value)
            | Self::Status(value)
            | Self::Transfer(value)
            | Self::TransferGroup(value)
            | Self::Type(value) => Value::Text(value.clone()),
            Self::All(first, _) => first.value(),
        }
    }

    /// Those that hold beside the one whose index is used.
    fn others(&self) -> &[Self] {
        match self {
            Self::All(_, others) => others,
            _ => &[],
        }
    }

    /// The filter for the events of a type.
    pub fn event_type(name: &str) -> Self {
        match DENSE_EVENTS.contains(&name) {
            true => Self::DenseType(name.to_owned()),
            false => Self::Type(name.to_owned()),
        }
    }

    /// The filter that holds where each of these holds, the narrowest first.
    pub fn all(filters: impl IntoIterator<Item = Self>) -> Self {
        let mut filters = filters.into_iter();
        let Some(first) = filters.next() else { return Self::Nothing };
        let others: Vec<_> = filters.collect();
        if others.is_empty() { first } else { Self::All(Box::new(first), others) }
    }
}

/// The types of the events of every card payment. They have no index by type, which would cost each payment three rows:
/// they are found by account nearly as fast.
const DENSE_EVENTS: [&str; 3] =
    ["charge.succeeded", "payment_intent.created", "payment_intent.succeeded"];

/// What the index of the other types leaves out.
const RARE_EVENT: &str = " AND type NOT IN \
    ('charge.succeeded', 'payment_intent.created', 'payment_intent.succeeded')";

/// The place of the first value of a page's further filters.
const FIRST_OTHER: usize = 8;

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// At the newest object.
    Newest,
    /// Right after (older than) this object.
    After(String),
    /// Right before (newer than) this object.
    Before(String),
}

/// Which part of a table is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// No object made before this second.
    pub created_from: i64,
    /// No object made after this second.
    pub created_to: i64,
    /// Where it begins.
    pub cursor: Cursor,
    /// How many objects, 1 to 100.
    pub limit: i64,
}

/// The latest second that a row can have been made in.
pub const END_OF_TIME: i64 = (1 << 52) - 1;

/// The SQL of a page; the limit is one more than the page holds, to see whether there is another.
pub(crate) fn page_sql(table: Table, filter: &Filter, cursor: &Cursor) -> String {
    let (name, columns) = (table.name(), table.columns());
    let (column, index) = filter.column_and_index();
    let (index, condition) = match (table, index) {
        // The index leaves the charges out.
        (Table::BalanceTransactions, "by_type") => (index, " AND type <> 'charge'"),
        (Table::Attempts, _) => ("by_attention", " AND attention IS NOT NULL"),
        (Table::RoutedAttempts, _) => ("by_payment", " AND connector_account IS NOT NULL"),
        (Table::Events, "by_type") => ("by_rare_type", RARE_EVENT),
        _ => (index, table.condition()),
    };
    let mut narrowed = column.map_or_else(String::new, |column| format!(" AND {column} = ?6"));
    for (place, other) in (FIRST_OTHER..).zip(filter.others()) {
        if let (Some(column), _) = other.column_and_index() {
            narrowed.push_str(&format!(" AND {column} {} ?{place}", other.comparison()));
        }
    }
    let order_by = table.place();
    let place = format!("(SELECT created, {order_by} FROM {name} WHERE id = ?7)");
    let second = format!("(SELECT created FROM {name} WHERE id = ?7)");
    let (from, to, beyond, order) = match cursor {
        Cursor::Newest => ("?3".to_owned(), "?4".to_owned(), String::new(), "DESC"),
        Cursor::After(_) => (
            "?3".to_owned(),
            format!("min(?4, {second})"),
            format!(" AND (created, {order_by}) < {place}"),
            "DESC",
        ),
        Cursor::Before(_) => (
            format!("max(?3, {second})"),
            "?4".to_owned(),
            format!(" AND (created, {order_by}) > {place}"),
            "ASC",
        ),
    };
    format!(
        "SELECT {columns} FROM {name} INDEXED BY {name}_{index} \
         WHERE account = ?1 AND livemode = ?2 AND created BETWEEN {from} AND {to}{condition}{narrowed}{beyond} \
         ORDER BY created {order}, {order_by} {order} LIMIT ?5"
    )
}

/// Finds a page, or more of it than its limit when there is another after it.
pub fn page(scope: &Scope, table: Table, filter: &Filter, page: &Page) -> Statement {
    let mut values = values![
        scope.account.as_str(),
        scope.livemode,
        page.created_from,
        page.created_to,
        page.limit.saturating_add(1),
    ];
    let others = filter.others();
    let cursor = match &page.cursor {
        Cursor::Newest => None,
        Cursor::After(id) | Cursor::Before(id) => Some(id.as_str()),
    };
    // SQLite counts parameters up to the last that the text names, so those between need a value.
    if *filter != Filter::Nothing || cursor.is_some() {
        values.push(filter.value());
    }
    if cursor.is_some() || !others.is_empty() {
        values.push(Value::from(cursor));
    }
    values.extend(others.iter().map(Filter::value));
    Statement::new(page_sql(table, filter, &page.cursor), values)
}

pub(crate) fn cursor_sql(table: Table) -> String {
    let name = table.name();
    format!("SELECT id FROM {name} WHERE id = ?1 AND account = ?2 AND livemode = ?3")
}

/// Finds the object that a cursor names; no row says that there is no such object.
pub fn cursor(scope: &Scope, table: Table, id: &str) -> Statement {
    Statement::new(cursor_sql(table), values![id, scope.account.as_str(), scope.livemode])
}

/// The rows of a page, newest first, and whether there are more.
///
/// The rows may come from several statements, as one for each type of event.
pub fn assemble(mut rows: Vec<Row>, page: &Page) -> (Vec<Row>, bool) {
    fn place(row: &Row) -> (i64, i64, &str) {
        let number = |name| row.integer(name).unwrap_or_default();
        (number("created"), number("sequence"), row.text("id").unwrap_or_default())
    }
    let before = matches!(page.cursor, Cursor::Before(_));
    rows.sort_unstable_by(|one, other| place(other).cmp(&place(one)));
    let limit = usize::try_from(page.limit).unwrap_or_default();
    let has_more = rows.len() > limit;
    if before {
        // The page right before the cursor is the oldest end of what is newer.
        rows.drain(..rows.len().saturating_sub(limit));
    } else {
        rows.truncate(limit);
    }
    (rows, has_more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_the_index_leaves_out_are_found_by_account() {
        for name in DENSE_EVENTS {
            assert!(RARE_EVENT.contains(&format!("'{name}'")), "{name}");
            assert_eq!(Filter::event_type(name).column_and_index().1, "by_account");
        }
        assert_eq!(RARE_EVENT.matches('\'').count(), 2 * DENSE_EVENTS.len());
        assert_eq!(Filter::event_type("charge.failed").column_and_index().1, "by_type");
    }
}
