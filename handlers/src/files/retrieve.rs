//! `GET /v1/files/{file}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, files};

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

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&files::find(&call.context, call.id()).await?))
    }
}
