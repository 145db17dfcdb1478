//! Accounts at payment processors: made, changed, deleted, and opened for a request to the processor.
//!
//! What opens an account is sealed while it is kept, and never shown: it leaves in requests to the processor
//! alone.

mod create;
mod update;

use connectors::Connector;
use domain::ApiError;
use domain::connector_account::{self, ConnectorAccount, Status, WebhookSecret};
use domain::id::ConnectorAccountId;
use domain::seal::Kind;
use store::alerts::{self, Trouble};
use store::{Scope, connector_accounts};

use crate::{Context, Failure, Platform};

pub use create::{Create, create};
pub use update::{Update, delete, update};

/// How often a change is decided anew because the account changed meanwhile.
const MAX_TRIES: usize = 5;

/// Finds an account that a request names in its path.
///
/// # Errors
/// When there is none, or it was deleted.
pub async fn find<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<ConnectorAccount, Failure> {
    let found: Option<ConnectorAccount> =
        context.find(connector_accounts::find(&context.scope, id)).await?;
    found.filter(|found| found.status != Status::Deleted).ok_or_else(|| no_such(id).into())
}

fn no_such(id: &str) -> ApiError {
    ApiError::NoSuchObject {
        kind: "connector account",
        id: id.to_owned(),
        param: "id".to_owned(),
        in_path: true,
    }
}

/// The name of a connector whose processor has accounts.
///
/// # Errors
/// When there is none of that name.
pub fn connector(name: &str) -> Result<&'static str, ApiError> {
    Connector::with_accounts().find(|known| *known == name).ok_or_else(|| {
        let known: Vec<_> = Connector::with_accounts().collect();
        ApiError::ParameterInvalid {
            param: "connector".to_owned(),
            message: format!("Invalid connector: must be one of {}.", known.join(" or ")),
        }
    })
}

/// Checks a secret that is to open an account at a connector's processor.
fn check_secret_key<P: Platform>(
    context: &Context<'_, P>,
    connector: &str,
    secret_key: &str,
) -> Result<(), ApiError> {
    let connector = Connector::from_name(connector);
    let opens_live_mode = connector.and_then(|connector| connector.opens_live_mode(secret_key));
    connector_account::check_secret_key(secret_key, opens_live_mode, context.scope.livemode)
}

/// A secret as it is kept: it opens in its own row alone.
fn seal<P: Platform>(
    context: &Context<'_, P>,
    id: &ConnectorAccountId,
    secret_key: &str,
) -> Result<String, Failure> {
    let (key, within) = (context.platform.master_key(), seal_context(&context.scope, id));
    Ok(key.seal(Kind::ConnectorCredentials, secret_key, &within, context.nonce())?)
}

/// Believes the webhooks of an account's processor under a new secret, and under those before for so many seconds
/// more. One that is the newest already changes nothing: a client whose answer was lost asks again.
fn hear_with<P: Platform>(
    context: &Context<'_, P>,
    account: &mut ConnectorAccount,
    secret: &str,
    overlap: i64,
) -> Result<(), Failure> {
    let key = context.platform.master_key();
    let within = seal_context(&context.scope, &account.id);
    let open =
        |known: &WebhookSecret| key.open(Kind::ConnectorWebhookSecret, &known.sealed, &within);
    let newest = account.details.webhook_secrets.first().map(open);
    if newest.is_some_and(|newest| newest.as_deref() == Ok(secret)) {
        return Ok(());
    }
    let sealed = key.seal(Kind::ConnectorWebhookSecret, secret, &within, context.nonce())?;
    account.hear_with(secret, sealed, overlap, context.now);
    Ok(())
}

/// The secrets under which webhooks are believed now, and what is wrong with the others, which cannot be opened: these
/// keep no other from it. Strangers get here, so that nothing is logged each time.
pub(crate) fn webhook_secrets<P: Platform>(
    context: &Context<'_, P>,
    account: &ConnectorAccount,
) -> (Vec<String>, Vec<Trouble>) {
    let key = context.platform.master_key();
    let within = seal_context(&context.scope, &account.id);
    let (mut secrets, mut troubles) = (Vec::new(), Vec::new());
    for secret in account.live_webhook_secrets(context.now) {
        match key.open(Kind::ConnectorWebhookSecret, &secret.sealed, &within) {
            Ok(secret) => secrets.push(secret),
            Err(error) => troubles.push(Trouble {
                name: alerts::WEBHOOK_SECRET_UNREADABLE.to_owned(),
                subject: account.id.as_str().to_owned(),
                problem: error.to_string(),
            }),
        }
    }
    (secrets, troubles)
}

/// What opens only in the row that it was sealed for.
pub(crate) fn seal_context(scope: &Scope, id: &ConnectorAccountId) -> String {
    format!("{}:{}:{id}", scope.account, scope.livemode)
}

/// The secret of an account, for a request to its processor; none once it was deleted.
///
/// # Errors
/// When it was sealed elsewhere, or was damaged.
pub(crate) fn open<P: Platform>(
    context: &Context<'_, P>,
    account: &ConnectorAccount,
) -> Result<Option<String>, Failure> {
    let Some(sealed) = &account.sealed_credentials else { return Ok(None) };
    let (key, within) = (context.platform.master_key(), seal_context(&context.scope, &account.id));
    Ok(Some(key.open(Kind::ConnectorCredentials, sealed, &within)?))
}
