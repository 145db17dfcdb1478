//! `POST /v1/florin/event_replays`

use domain::ApiError;
use domain::resource::florin::EventReplayResource;
use domain::resource::{Json, json};
use domain::webhook::MOST_PER_SECOND;
use domain::webhook::replay::{Details, PER_SECOND};
use flows::{Failure, Platform, webhooks};
use serde::Deserialize;

use crate::created::Created;
use crate::endpoint::{Call, Endpoint, Method};
use crate::florin::check_range;

/// Sends events to a webhook endpoint again, or counts them.
pub struct Create;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// When the events were made.
    created: Option<Created>,
    /// Those alone that the endpoint took, or did not take.
    delivery_success: Option<bool>,
    /// Whether they are only counted.
    dry_run: Option<bool>,
    /// How many are sent in a second, 1 to 1,000; 50 unless said.
    max_per_second: Option<i64>,
    /// Of these types, or as `charge.*`; all that the endpoint hears of unless said.
    types: Option<Vec<String>>,
    /// Where they are sent.
    webhook_endpoint: String,
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/florin/event_replays";
    const RESOURCE: &'static str = "event";
    const SHOWS: &'static str = "florin.event_replay";
    const OBJECT: &'static str = "florin.event_replay";
    type Parameters = Parameters;
    type Input = (String, Details);

    fn check(given: Parameters) -> Result<(String, Details), ApiError> {
        check_range("max_per_second", given.max_per_second.as_ref(), 1, MOST_PER_SECOND)?;
        if let Some(types) = &given.types {
            webhooks::check_types(types, "types")?;
        }
        let created = given.created.unwrap_or_default();
        let details = Details {
            created_from: created.from,
            created_to: created.to,
            types: given.types,
            delivery_success: given.delivery_success,
            max_per_second: given.max_per_second.unwrap_or(PER_SECOND),
            dry_run: given.dry_run.unwrap_or(false),
            ..Details::default()
        };
        Ok((given.webhook_endpoint, details))
    }

    async fn run<P: Platform>(
        call: &Call<'_, P>,
        (endpoint, mut details): Self::Input,
    ) -> Result<Json, Failure> {
        // What happens from now on arrives by itself.
        details.created_to = details.created_to.min(call.context.now.seconds());
        let replay = webhooks::create_replay(&call.context, &endpoint, details).await?;
        Ok(json(&EventReplayResource::from(&replay)))
    }
}
