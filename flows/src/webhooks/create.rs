//! Creating an endpoint: it hears of what happens from now on.

use domain::id::WebhookEndpointId;
use domain::webhook::{Details, MOST_ENDPOINTS, Status, WebhookEndpoint};
use domain::{ApiError, Metadata};
use store::{DatabaseError, webhook_endpoints};

use super::{check_url, secrets};
use crate::{Context, Failure, Platform};

/// How long it takes until every isolate knows of an endpoint, in seconds: longer than keys are remembered.
pub const KNOWN_AFTER: i64 = 6;

/// Where a merchant wants to hear of events.
#[derive(Clone, Debug)]
pub struct Create {
    /// Where to.
    pub url: String,
    /// Of which events.
    pub enabled_events: Vec<String>,
    /// The API version that is asked for.
    pub api_version: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// The merchant's own pairs.
    pub metadata: Metadata,
}

/// Creates an endpoint. Its secret is told now and never again.
///
/// # Errors
/// When deliveries must not go there, or there are as many endpoints as may be.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
) -> Result<(WebhookEndpoint, String), Failure> {
    check_url(context, &create.url)?;
    let id: WebhookEndpointId = context.ids.derive("webhook_endpoint");
    let secret = secrets::new(context);
    let mut endpoint = WebhookEndpoint {
        id: id.clone(),
        livemode: context.scope.livemode,
        created: context.now,
        version: 1,
        url: create.url.clone(),
        status: Status::Enabled,
        is_alone: false,
        failing_since: None,
        warned_at: None,
        slow_since: None,
        held_until: None,
        details: Details {
            enabled_events: create.enabled_events.clone(),
            api_version: create.api_version.clone(),
            description: create.description.clone(),
            metadata: create.metadata.clone(),
            ..Details::default()
        },
    };
    endpoint.roll(secrets::seal(context, &secret)?, 0, context.now);
    let insert = webhook_endpoints::insert(&context.scope, &endpoint, MOST_ENDPOINTS);
    match context.batch(insert.to_vec()).await {
        Ok(_) => {
            // Until then others may still take it that nobody listens, and leave what happens to the heartbeat.
            context.platform.wake(context.now.plus(KNOWN_AFTER));
            Ok((endpoint, secret))
        }
        // An earlier run of this request has made it.
        Err(DatabaseError::Exists(_)) => Ok((super::find(context, id.as_str()).await?, secret)),
        Err(DatabaseError::Guard(name)) if name == webhook_endpoints::ROOM_GUARD => {
            Err(ApiError::StateConflict {
                message: format!(
                    "You have reached the maximum of {MOST_ENDPOINTS} webhook endpoints."
                ),
            }
            .into())
        }
        Err(error) => Err(error.into()),
    }
}
