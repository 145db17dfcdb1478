//! `POST /v1/florin/settlement_breaks/{settlement_break}/resolve`

use domain::ApiError;
use domain::resource::Json;
use flows::payment_attempts::check_note;
use flows::{Failure, Platform, settlements};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Resolves a difference that a person looked at.
pub struct Resolve;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Why, and what was done by hand.
    note: String,
    /// `booked` where what one side alone knows goes to the suspense account; `handled` where nothing is to be booked.
    outcome: Outcome,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "settlement_break_outcome")
)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// What one side alone knows goes to the suspense account.
    Booked,
    /// Nothing is booked.
    Handled,
}

impl Endpoint for Resolve {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/florin/settlement_breaks/{settlement_break}/resolve";
    const RESOURCE: &'static str = "settlement_break";
    const SHOWS: &'static str = "florin.settlement_break";
    const OBJECT: &'static str = "florin.settlement_break";
    type Parameters = Parameters;
    type Input = settlements::Resolve;

    fn check(given: Parameters) -> Result<settlements::Resolve, ApiError> {
        let Parameters { note, outcome } = given;
        check_note(&note)?;
        Ok(settlements::Resolve { books: outcome == Outcome::Booked, note })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        Ok(show(&settlements::resolve(&call.context, call.id(), &input).await?))
    }
}
