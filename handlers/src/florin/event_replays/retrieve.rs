//! `GET /v1/florin/event_replays/{event_replay}`

use domain::ApiError;
use domain::resource::florin::EventReplayResource;
use domain::resource::{Json, json};
use flows::{Failure, Platform, webhooks};

use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a replay, and how far it has come.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/event_replays/{event_replay}";
    const RESOURCE: &'static str = "event";
    const SHOWS: &'static str = "florin.event_replay";
    const OBJECT: &'static str = "florin.event_replay";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(json(&EventReplayResource::from(
            &webhooks::find_replay(&call.context, call.id()).await?,
        )))
    }
}
