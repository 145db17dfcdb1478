//! Changing an account at a payment processor, and forgetting it.
//!
//! Where it is stays as it was: an open attempt is looked up where it was sent.

use domain::ApiError;
use domain::connector_account::{ConnectorAccount, LONGEST_OVERLAP, Status, check_webhook_secret};
use domain::metadata::MetadataUpdate;
use domain::pricing::PricePlan;
use store::{DatabaseError, charges, connector_accounts};

use super::{MAX_TRIES, check_secret_key, find, hear_with, no_such, open, seal};
use crate::{Context, Failure, Platform, operations};

/// What is to change.
#[derive(Clone, Default)]
pub struct Update {
    /// The secret that opens it.
    pub secret_key: Option<String>,
    /// Whether no new payments go there.
    pub disabled: Option<bool>,
    /// What the processor signs its webhooks with from now on.
    pub webhook_secret: Option<String>,
    /// For how many seconds they are believed under the secrets before, too.
    pub webhook_secret_overlap: Option<i64>,
    /// What the processor is agreed to keep of a payment from now on.
    pub fees: Option<PricePlan>,
    /// Changes to the merchant's own pairs.
    pub metadata: Option<MetadataUpdate>,
}

/// Changes an account.
///
/// # Errors
/// When there is none, or the secret is of the other mode, or opens another account at the processor.
pub async fn update<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    update: &Update,
) -> Result<ConnectorAccount, Failure> {
    update.webhook_secret.as_deref().map(check_webhook_secret).transpose()?;
    for _ in 0..MAX_TRIES {
        let mut changed = find(context, id).await?;
        if let Some(secret_key) = &update.secret_key {
            check_secret_key(context, &changed.connector, secret_key)?;
            if !opens_the_same(context, &changed, secret_key).await? {
                changed.details.secret_changed_at = Some(context.now);
            }
            let sealed = seal(context, &changed.id, secret_key)?;
            changed.open_with(secret_key, sealed);
        }
        if let Some(secret) = &update.webhook_secret {
            let overlap = update.webhook_secret_overlap.unwrap_or(LONGEST_OVERLAP);
            hear_with(context, &mut changed, secret, overlap)?;
        }
        if let Some(disables) = update.disabled {
            changed.disable(disables, context.now);
        }
        if update.fees.is_some() {
            changed.details.fees.clone_from(&update.fees);
        }
        if let Some(update) = &update.metadata {
            changed.details.metadata = changed.details.metadata.updated(update)?;
        }
        if write(context, &mut changed).await? {
            return Ok(changed);
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Whether a new secret is proved to open the account at the processor that the one before opens: it finds what
/// was paid there. Where nobody can tell, what was sent before and is not found is in doubt.
///
/// # Errors
/// When it is proved to open another one, or none.
async fn opens_the_same<P: Platform>(
    context: &Context<'_, P>,
    account: &ConnectorAccount,
    secret_key: &str,
) -> Result<bool, Failure> {
    if open(context, account)?.as_deref() == Some(secret_key) {
        return Ok(true);
    }
    let (scope, since) = (&context.scope, account.holds_since());
    let find = charges::find_latest_at_processor(scope, account.id.as_str(), since);
    let Some(paid) = context.find(find).await? else { return Ok(false) };
    match operations::opens(context, account.clone(), secret_key, &paid).await {
        Some(false) => Err(ApiError::ParameterInvalid {
            param: "secret_key".to_owned(),
            message: format!(
                "This secret key does not open the account in which {} was paid. Connect another \
                 account as one of its own.",
                paid.id
            ),
        }
        .into()),
        found => Ok(found.is_some()),
    }
}

/// Forgets an account's secret. Nothing that was paid there can be captured, voided, refunded, looked up or heard of any
/// more, so that nothing may be open there. One that was deleted before is deleted: a client whose answer was lost asks
/// again.
///
/// # Errors
/// When there is none, or payments go there, or something is open there.
pub async fn delete<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<ConnectorAccount, Failure> {
    for _ in 0..MAX_TRIES {
        let found: Option<ConnectorAccount> =
            context.find(connector_accounts::find(&context.scope, id)).await?;
        let mut deleted = found.ok_or_else(|| no_such(id))?;
        match deleted.status {
            Status::Deleted => return Ok(deleted),
            Status::Active => {
                return Err(ApiError::StateConflict {
                    message: format!(
                        "Payments go to the connector account {id}. Disable it before you delete it."
                    ),
                }
                .into());
            }
            Status::Disabled => deleted.delete(),
        }
        if write(context, &mut deleted).await? {
            return Ok(deleted);
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Writes a change; says no where somebody else changed the account meanwhile.
///
/// # Errors
/// When it is deleted, and something is open there.
async fn write<P: Platform>(
    context: &Context<'_, P>,
    changed: &mut ConnectorAccount,
) -> Result<bool, Failure> {
    let mut batch = connector_accounts::update(changed).to_vec();
    if changed.status == Status::Deleted {
        let id = changed.id.as_str();
        batch.push(connector_accounts::must_have_nothing_open(&context.scope, id));
    }
    match context.batch(batch).await {
        Ok(_) => Ok(true),
        Err(DatabaseError::Guard(name)) if name == connector_accounts::VERSION_GUARD => Ok(false),
        Err(DatabaseError::Guard(open)) => Err(ApiError::StateConflict {
            message: format!(
                "You cannot delete the connector account {} while {open} is open there.",
                changed.id
            ),
        }
        .into()),
        Err(error) => Err(error.into()),
    }
}
