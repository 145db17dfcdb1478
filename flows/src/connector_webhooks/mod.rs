//! What payment processors tell unasked: believed where it is signed, kept in the batch of what it changes, and done
//! through the same transitions as what they answer.
//!
//! A processor sends a notice until it is answered that it was taken, so that one is answered so only once it is kept. A
//! second delivery, however it comes, changes nothing: its row is there.

mod apply;
mod receive;

use connectors::Connector;
use connectors::webhook::Notice;
use domain::ApiError;
use domain::connector_account::ConnectorAccount;
use domain::connector_webhook::{ConnectorWebhook, Status};
use domain::timestamp::DAY;
use store::scheduled_tasks::{self, Kind, Task};
use store::{DatabaseError, Statement, connector_accounts, connector_webhooks};

use crate::{Context, Failure, Platform};

pub use receive::{Delivery, Received, receive};

/// After how many seconds a notice of something that nobody knew is tried again first; each time after twice as long.
const RETRY_DELAY: i64 = 60;

/// The longest that it waits between.
const LONGEST_PAUSE: i64 = DAY / 4;

/// For how long it is tried: recovery may take three days until it knows of a payment.
const TRIED_FOR: i64 = 4 * DAY;

/// What came of a notice.
enum Verdict {
    /// It is recorded, or was before.
    Done,
    /// It says nothing new.
    Nothing,
    /// A person should look at it.
    Parked {
        /// Why.
        problem: String,
        /// Whether it may say something once more is known here.
        may_help_later: bool,
    },
}

/// Finds what a processor told, as a request names it in its path.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<ConnectorWebhook, Failure> {
    context.find(connector_webhooks::find(&context.scope, id)).await?.ok_or_else(|| {
        ApiError::NoSuchObject {
            kind: "connector webhook",
            id: id.to_owned(),
            param: "id".to_owned(),
            in_path: true,
        }
        .into()
    })
}

/// Tries again what was parked. What is not parked any more stays as it is.
///
/// # Errors
/// When there is none, or the database or the processor does not answer.
pub async fn retry<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<ConnectorWebhook, Failure> {
    Ok(try_again(context, find(context, id).await?).await?.0)
}

/// Tries again, by itself, what was parked as nobody knew what it was about; and plans the next time.
///
/// # Errors
/// When the database or the processor does not answer; it is tried again later.
pub async fn retry_planned<P: Platform>(
    context: &Context<'_, P>,
    task: &Task,
) -> Result<(), Failure> {
    let find = connector_webhooks::find(&context.scope, &task.subject);
    let Some(known) = context.find::<ConnectorWebhook>(find).await? else { return Ok(()) };
    let (known, may_help_later) = try_again(context, known).await?;
    if !may_help_later || context.now >= known.created.plus(TRIED_FOR) {
        return Ok(());
    }
    let tries = task.tries.saturating_add(1);
    let doublings = u32::try_from(tries).unwrap_or_default();
    let pause = RETRY_DELAY.saturating_mul(2_i64.saturating_pow(doublings)).min(LONGEST_PAUSE);
    let next = Task { due_at: context.now.plus(pause), tries, ..task.clone() };
    context.batch(vec![scheduled_tasks::insert(&next)]).await?;
    Ok(())
}

/// What comes of a notice. What is not taken, though all that it needs answers, would not be taken when it is sent again
/// either: it is for a person, and for the next version.
///
/// # Errors
/// When the database or the processor does not answer, or somebody else is in the way: it is to be sent again.
async fn judge<P: Platform>(
    context: &Context<'_, P>,
    connector: Connector,
    account: &ConnectorAccount,
    notice: &Notice,
) -> Result<Verdict, Failure> {
    let failure = match apply::apply(context, connector, account, notice).await {
        Err(failure) => failure,
        verdict => return verdict,
    };
    let may_pass = match &failure {
        Failure::Api(error) => **error == ApiError::LockTimeout,
        Failure::Database(DatabaseError::Exists(_)) => true,
        other => other.is_outage(),
    };
    if may_pass {
        return Err(failure);
    }
    context.platform.log_error(&notice.event, &failure.to_string());
    let problem = "It cannot be taken here, and the log says why.".to_owned();
    Ok(Verdict::Parked { problem, may_help_later: true })
}

/// What came of another try, and whether a later one may come to more.
async fn try_again<P: Platform>(
    context: &Context<'_, P>,
    mut known: ConnectorWebhook,
) -> Result<(ConnectorWebhook, bool), Failure> {
    let Some(body) = known.body.clone() else { return Ok((known, false)) };
    let opening = connector_accounts::find(&context.scope, known.connector_account.as_str());
    let account = context.find::<ConnectorAccount>(opening).await?;
    let read = account.as_ref().and_then(|account| {
        let connector = Connector::from_name(&account.connector)?;
        Some((account, connector, connector.notice(body.as_bytes()).ok()?))
    });
    let Some((account, connector, notice)) = read else { return Ok((known, false)) };
    known.status = Status::Processed;
    known.problem = None;
    *context.beside.borrow_mut() = connector_webhooks::update(&known).to_vec();
    let verdict = judge(context, connector, account, &notice).await?;
    let may_help_later = matches!(verdict, Verdict::Parked { may_help_later: true, .. });
    if !context.beside.borrow().is_empty() {
        note(&mut known, verdict);
        context.beside.borrow_mut().clear();
        match context.batch(connector_webhooks::update(&known).to_vec()).await {
            Ok(_) => {}
            // Somebody else tried it at the same time, and came to more.
            Err(DatabaseError::Guard(_)) => known = find(context, known.id.as_str()).await?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok((known, may_help_later))
}

/// Notes what came of a notice that changed nothing.
fn note(webhook: &mut ConnectorWebhook, verdict: Verdict) {
    (webhook.status, webhook.problem) = match verdict {
        Verdict::Done => (Status::Processed, None),
        Verdict::Nothing => (Status::Ignored, None),
        Verdict::Parked { problem, .. } => (Status::Parked, Some(problem)),
    };
}

/// Plans that what was parked is tried again.
fn plan_retry<P: Platform>(context: &Context<'_, P>, webhook: &ConnectorWebhook) -> Statement {
    let due_at = context.now.plus(RETRY_DELAY);
    context.platform.wake(due_at);
    scheduled_tasks::insert(&Task {
        due_at,
        kind: Kind::RetryConnectorWebhook,
        subject: webhook.id.as_str().to_owned(),
        scope: context.scope.clone(),
        tries: 0,
    })
}
