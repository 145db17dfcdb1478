//! Lists: pages of objects, newest first, by cursor (<https://docs.stripe.com/api/pagination>).

use domain::ApiError;
use domain::resource::{Json, List, json, read};
use flows::{Failure, Platform};
use serde_json::Value;
use store::list::{Cursor, Filter, Page, Table};
use store::{Inconsistent, Row, Rows};

use crate::created::Created;
use crate::endpoint::Call;

/// Defines the query of a list: its own filters, and what all lists share.
macro_rules! list_parameters {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* $field: $type,)*
            /// When the objects were made.
            created: Option<crate::created::Created>,
            /// The object that the page ends right before.
            ending_before: Option<String>,
            /// How many objects, 1 to 100.
            limit: Option<i64>,
            /// The object that the page begins right after.
            starting_after: Option<String>,
        }

        impl $name {
            /// The page that is asked for.
            fn page(&self) -> Result<store::list::Page, domain::ApiError> {
                crate::list::page(
                    self.created,
                    self.limit,
                    self.starting_after.as_deref(),
                    self.ending_before.as_deref(),
                )
            }
        }
    };
}

pub(crate) use list_parameters;

/// The page that a query asks for.
///
/// # Errors
/// When it names both ends.
pub fn page(
    created: Option<Created>,
    limit: Option<i64>,
    starting_after: Option<&str>,
    ending_before: Option<&str>,
) -> Result<Page, ApiError> {
    let created = created.unwrap_or_default();
    let cursor = match (starting_after, ending_before) {
        (None, None) => Cursor::Newest,
        (Some(id), None) => Cursor::After(id.to_owned()),
        (None, Some(id)) => Cursor::Before(id.to_owned()),
        (Some(_), Some(_)) => return Err(ApiError::BothCursors),
    };
    Ok(Page {
        created_from: created.from,
        created_to: created.to,
        cursor,
        limit: limit.unwrap_or(10).clamp(1, 100),
    })
}

/// What a table's objects are called where a cursor names none of them.
fn kind(table: Table) -> &'static str {
    match table {
        Table::Attempts | Table::RoutedAttempts => "payment attempt",
        Table::BalanceTransactions => "balance transaction",
        Table::BankAccounts => "external account",
        Table::Charges => "charge",
        Table::ConnectorAccounts => "connector account",
        Table::ConnectorWebhooks => "connector webhook",
        Table::Customers => "customer",
        Table::Disputes => "dispute",
        Table::Events => "event",
        Table::Files => "file",
        Table::PaymentIntents => "payment_intent",
        Table::PaymentMethods => "payment_method",
        Table::Payouts => "payout",
        Table::Refunds => "refund",
        Table::WebhookEndpoints => "webhook endpoint",
        Table::ReportRuns => "report run",
        Table::Routings => "routing",
        Table::SettlementBreaks => "settlement break",
        Table::SettlementReports => "settlement report",
        Table::Topups => "topup",
        Table::TransferReversals => "transfer reversal",
        Table::Transfers => "transfer",
    }
}

/// Reads a page in one batch, narrowed by any of the filters, and shows it.
///
/// # Errors
/// When the cursor names no object, or the database does not answer.
pub async fn show<P: Platform>(
    call: &Call<'_, P>,
    table: Table,
    filters: &[Filter],
    page: &Page,
    show_row: impl Fn(&Row) -> Result<Json, Inconsistent>,
) -> Result<Json, Failure> {
    let scope = &call.context.scope;
    let mut statements = Vec::new();
    let cursor = match &page.cursor {
        Cursor::Newest => None,
        Cursor::After(id) => Some((id, "starting_after")),
        Cursor::Before(id) => Some((id, "ending_before")),
    };
    if let Some((id, _)) = cursor {
        statements.push(store::list::cursor(scope, table, id));
    }
    statements.extend(filters.iter().map(|filter| store::list::page(scope, table, filter, page)));
    // Nothing is asked where nothing can be found.
    let mut results = match statements.is_empty() {
        true => Vec::new(),
        false => call.context.batch(statements).await?,
    };
    if let Some((id, param)) = cursor {
        let found = !results.is_empty() && !results.remove(0).0.is_empty();
        if !found {
            return Err(ApiError::NoSuchObject {
                kind: kind(table),
                id: id.clone(),
                param: param.to_owned(),
                in_path: false,
            }
            .into());
        }
    }
    let rows: Vec<Row> = results.into_iter().flat_map(|Rows(rows)| rows).collect();
    let (rows, has_more) = store::list::assemble(rows, page);
    let data = rows.iter().map(show_row).collect::<Result<_, _>>()?;
    Ok(json(&List { object: "list", data, has_more, url: call.url.clone() }))
}

/// Whether a page holds nothing.
pub fn is_empty(page: &Json) -> bool {
    read(page).get("data").and_then(Value::as_array).is_none_or(Vec::is_empty)
}
