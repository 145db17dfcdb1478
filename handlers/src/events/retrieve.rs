//! `GET /v1/events/{id}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform};
use store::events::{self, Shown};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows an event.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/events/{id}";
    const RESOURCE: &'static str = "event";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        let found: Option<Shown> =
            call.context.find(events::find_shown(&call.context.scope, call.id())).await?;
        let event = found.ok_or_else(|| ApiError::NoSuchObject {
            kind: "event",
            id: call.id().to_owned(),
            param: "id".to_owned(),
            in_path: true,
        })?;
        Ok(show(&event)?)
    }
}
