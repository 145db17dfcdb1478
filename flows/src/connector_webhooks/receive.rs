//! Receiving: whose account it is, whether its processor signed it, and whether it came before.

use connectors::Connector;
use connectors::webhook::{Notice, Subject};
use domain::connector_account::{self, ConnectorAccount};
use domain::connector_webhook::{ConnectorWebhook, Status};
use domain::id::{ConnectorAccountId, Id};
use http::HeaderMap;
use store::{Database, DatabaseError, Rows, alerts, connector_accounts, connector_webhooks};

use super::{Verdict, judge, note, plan_retry};
use crate::connector_accounts::webhook_secrets;
use crate::{Context, Failure, Platform};

/// How often a notice is taken anew because what it is about was written meanwhile.
const MAX_TRIES: usize = 4;

/// What arrived.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// The connector that the path names.
    pub connector: &'a str,
    /// The account that the path names.
    pub account: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
}

/// What its sender is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is kept, now or before.
    Kept,
    /// There is no such account.
    NotFound,
    /// It is not believed. What is wrong is not said: whoever sends it may be a stranger.
    Refused,
    /// Nobody can tell whether it is believed, as a secret cannot be opened: it is to be sent again.
    Unclear,
}

/// Takes what somebody sent as a processor's webhook.
///
/// # Errors
/// When the database or the processor does not answer; it is to be sent again.
pub async fn receive<P: Platform>(
    platform: &P,
    delivery: Delivery<'_>,
) -> Result<Received, Failure> {
    let named = Connector::from_name(delivery.connector)
        .and_then(|connector| Some((connector, connector.signature_header()?)));
    let (Some((connector, header)), Ok(id)) = (named, ConnectorAccountId::parse(delivery.account))
    else {
        return Ok(Received::NotFound);
    };
    // What nobody signed costs nothing.
    if !delivery.headers.contains_key(header) {
        return Ok(Received::Refused);
    }
    let find = connector_accounts::find_by_id(id.as_str());
    let results = platform.database().batch(vec![find]).await?;
    let Some(row) = results.first().and_then(Rows::first) else { return Ok(Received::NotFound) };
    let (scope, account) = (connector_accounts::scope(row)?, ConnectorAccount::try_from(row)?);
    if account.connector != connector.name() || account.status == connector_account::Status::Deleted
    {
        return Ok(Received::NotFound);
    }
    let context = Context::unattended(platform, scope);
    let (secrets, unreadable) = webhook_secrets(&context, &account);
    let Ok(notice) = connector.verify(delivery.headers, delivery.body, &secrets, context.now)
    else {
        if unreadable.is_empty() {
            return Ok(Received::Refused);
        }
        context.batch(vec![alerts::raise(&unreadable, context.now)]).await?;
        return Ok(Received::Unclear);
    };
    let new = new(&context, &account, &notice, delivery.body);
    for _ in 0..MAX_TRIES {
        let find = connector_webhooks::find(&context.scope, new.id.as_str());
        if context.find::<ConnectorWebhook>(find).await?.is_some() {
            return Ok(Received::Kept);
        }
        match take(&context, connector, &account, &notice, new.clone()).await {
            Ok(()) => return Ok(Received::Kept),
            // Another delivery was faster; or another notice, about what this one found missing.
            Err(Failure::Database(DatabaseError::Exists(_))) => {}
            Err(failure) => return Err(failure),
        }
    }
    let problem = "A row that it needs is there already, and is not its own.".to_owned();
    keep(&context, new, Verdict::Parked { problem, may_help_later: true }).await?;
    Ok(Received::Kept)
}

fn new<P: Platform>(
    context: &Context<'_, P>,
    account: &ConnectorAccount,
    notice: &Notice,
    body: &[u8],
) -> ConnectorWebhook {
    let reference = match &notice.subject {
        Subject::Payment { reference, .. } | Subject::Refund { reference, .. } => Some(reference),
        Subject::Refunds { payment, .. } => Some(payment),
        Subject::Dispute(disputed) => Some(&disputed.reference),
        Subject::DisputeUnread | Subject::Nothing | Subject::Unknown => None,
    };
    ConnectorWebhook {
        id: ConnectorWebhook::id_of(&account.id, &notice.event),
        livemode: context.scope.livemode,
        created: context.now,
        connector_account: account.id.clone(),
        event: notice.event.clone(),
        kind: notice.kind.clone(),
        reference: reference.cloned(),
        status: Status::Processed,
        problem: None,
        body: Some(String::from_utf8_lossy(body).into_owned()),
    }
}

/// Does what a notice says, and keeps it in the batch of what it changes, or else by itself.
async fn take<P: Platform>(
    context: &Context<'_, P>,
    connector: Connector,
    account: &ConnectorAccount,
    notice: &Notice,
    new: ConnectorWebhook,
) -> Result<(), Failure> {
    *context.beside.borrow_mut() = vec![connector_webhooks::insert(&context.scope, &new)];
    let verdict = judge(context, connector, account, notice).await?;
    if context.beside.borrow_mut().is_empty() {
        return Ok(());
    }
    context.beside.borrow_mut().clear();
    keep(context, new, verdict).await
}

/// Keeps what came of a notice that changed nothing.
async fn keep<P: Platform>(
    context: &Context<'_, P>,
    mut new: ConnectorWebhook,
    verdict: Verdict,
) -> Result<(), Failure> {
    let may_help_later = matches!(verdict, Verdict::Parked { may_help_later: true, .. });
    note(&mut new, verdict);
    let mut batch = vec![connector_webhooks::insert(&context.scope, &new)];
    if new.status == Status::Parked {
        let problem = new.problem.as_deref().unwrap_or_default();
        context.platform.log_error(new.id.as_str(), &format!("a webhook is parked: {problem}"));
        batch.extend(may_help_later.then(|| plan_retry(context, &new)));
    }
    context.batch(batch).await?;
    Ok(())
}
