//! Handing in a report: all of its lines are taken, or none.

use domain::ApiError;
use domain::connector_account::ConnectorAccount;
use domain::settlement::{SettlementReport, read};
use store::{DatabaseError, connector_accounts, settlements};

use super::{find_report, plan};
use crate::reports::no_such;
use crate::{Context, Failure, Platform};

/// How many lines one statement takes.
const LINES: usize = 500;

/// Takes a processor's report. The same file is the same report, and is taken once.
///
/// # Errors
/// When there is no such account, or the file is no report, or not all of one.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    account: &str,
    file: &str,
) -> Result<SettlementReport, Failure> {
    // One that was deleted may still settle.
    let found = context.find(connector_accounts::find(&context.scope, account)).await?;
    let account: ConnectorAccount =
        found.ok_or_else(|| no_such("connector account", account, "connector_account", false))?;
    let lines = read(file.as_bytes()).map_err(|unreadable| ApiError::ParameterInvalid {
        param: "file".to_owned(),
        message: format!("Invalid file: {unreadable}."),
    })?;
    let report = SettlementReport {
        id: SettlementReport::id_of(&account.id, file.as_bytes()),
        livemode: context.scope.livemode,
        created: context.now,
        connector_account: account.id,
        lines: i64::try_from(lines.len()).unwrap_or(i64::MAX),
        is_reconciled: false,
    };
    let parts: Vec<_> = lines.chunks(LINES).map(settlements::part).collect();
    let mut batch = settlements::insert(&context.scope, &report, &parts);
    // Not in the second of a run that may be under way, whose end would strike both off.
    batch.push(plan(context, &report.connector_account, context.now.plus(1), 0));
    match context.batch(batch).await {
        Ok(_) => Ok(report),
        Err(DatabaseError::Exists(_)) => find_report(context, report.id.as_str()).await,
        Err(error) => Err(error.into()),
    }
}
