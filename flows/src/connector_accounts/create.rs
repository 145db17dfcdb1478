//! Connecting an account at a payment processor.

use domain::connector_account::{
    ConnectorAccount, Details, MOST_CONNECTOR_ACCOUNTS, Status, check_webhook_secret,
};
use domain::pricing::PricePlan;
use domain::webhook::target::{self, Refusal};
use domain::{ApiError, Metadata};
use store::{DatabaseError, connector_accounts};

use super::{check_secret_key, find, hear_with, seal};
use crate::{Context, Failure, Platform};

/// An account at a payment processor that is to be connected.
#[derive(Clone)]
pub struct Create {
    /// The connector's name.
    pub connector: &'static str,
    /// The secret that opens it.
    pub secret_key: String,
    /// Where the processor's API is, where it is not its usual address.
    pub base_url: Option<String>,
    /// The account or profile within it, where the secret opens several.
    pub processor_account: Option<String>,
    /// Whether no payments go there yet.
    pub disabled: bool,
    /// What the processor signs its webhooks with.
    pub webhook_secret: Option<String>,
    /// What the processor is agreed to keep of a payment.
    pub fees: Option<PricePlan>,
    /// The merchant's own pairs.
    pub metadata: Metadata,
}

/// Connects an account.
///
/// # Errors
/// When its secret is of the other mode, its address not public, or there are as many as may be.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
) -> Result<ConnectorAccount, Failure> {
    check_secret_key(context, create.connector, &create.secret_key)?;
    check_base_url(context, create.base_url.as_deref())?;
    create.webhook_secret.as_deref().map(check_webhook_secret).transpose()?;
    let mut made = ConnectorAccount {
        id: context.ids.derive("connector_account"),
        livemode: context.scope.livemode,
        created: context.now,
        version: 1,
        connector: create.connector.to_owned(),
        status: if create.disabled { Status::Disabled } else { Status::Active },
        sealed_credentials: None,
        details: Details {
            base_url: create.base_url.clone(),
            processor_account: create.processor_account.clone(),
            fees: create.fees.clone(),
            metadata: create.metadata.clone(),
            ..Details::default()
        },
    };
    let sealed = seal(context, &made.id, &create.secret_key)?;
    made.open_with(&create.secret_key, sealed);
    if let Some(secret) = &create.webhook_secret {
        hear_with(context, &mut made, secret, 0)?;
    }
    let insert = connector_accounts::insert(&context.scope, &made, MOST_CONNECTOR_ACCOUNTS);
    match context.batch(insert.to_vec()).await {
        Ok(_) => Ok(made),
        // An earlier run of this request has made it.
        Err(DatabaseError::Exists(_)) => find(context, made.id.as_str()).await,
        Err(DatabaseError::Guard(name)) if name == connector_accounts::ROOM_GUARD => {
            Err(ApiError::StateConflict {
                message: format!(
                    "You have reached the maximum of {MOST_CONNECTOR_ACCOUNTS} connector accounts."
                ),
            }
            .into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Requests carry secrets: they go to the open internet, over TLS where money is real.
fn check_base_url<P: Platform>(
    context: &Context<'_, P>,
    base_url: Option<&str>,
) -> Result<(), ApiError> {
    let Some(url) = base_url else { return Ok(()) };
    let refusal =
        |message: String| Err(ApiError::ParameterInvalid { param: "base_url".to_owned(), message });
    let allows_local = context.platform.is_development();
    match target::check(url, context.scope.livemode, allows_local) {
        // A path of the processor's is put at its end.
        Ok(_) if url.ends_with('/') || url.contains('?') => {
            refusal("Invalid URL: it must end without a slash and have no query.".to_owned())
        }
        Ok(_) => Ok(()),
        Err(Refusal::NotAUrl) => Err(ApiError::InvalidUrl { param: "base_url".to_owned() }),
        Err(other) => refusal(other.to_string()),
    }
}
