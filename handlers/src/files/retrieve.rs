//! `GET /v1/files/{file}`

use domain::ApiError;
use flows::{Failure, Platform, files};
use serde_json::Value;

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a file, without what it says.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/files/{file}";
    const RESOURCE: &'static str = "file";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Value, Failure> {
        Ok(show(&files::find(&call.context, call.id()).await?))
    }
}
