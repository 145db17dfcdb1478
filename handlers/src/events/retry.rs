//! `POST /v1/events/{id}/retry`, as `stripe events resend` calls it.

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, webhooks};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Sends an event to a webhook endpoint again.
pub struct Retry;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Whose event it is: the caller's own.
    account: Option<String>,
    /// What the Stripe CLI says where it names no endpoint; it has none of its own here.
    #[serde(rename = "for_stripecli")]
    _for_stripecli: Option<bool>,
    /// Where it is sent.
    webhook_endpoint: Option<String>,
}

impl Endpoint for Retry {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/events/{id}/retry";
    const RESOURCE: &'static str = "event";
    type Parameters = Parameters;
    /// The endpoint, and whose event it is.
    type Input = (String, Option<String>);

    fn check(given: Parameters) -> Result<Self::Input, ApiError> {
        let param = "webhook_endpoint".to_owned();
        let endpoint = given.webhook_endpoint.ok_or(ApiError::MissingParameter { param })?;
        Ok((endpoint, given.account))
    }

    async fn run<P: Platform>(
        call: &Call<'_, P>,
        (endpoint, account): Self::Input,
    ) -> Result<Json, Failure> {
        if let Some(account) = account.filter(|id| id != call.account.id.as_str()) {
            return Err(ApiError::AccountNotAccessible { account }.into());
        }
        Ok(show(&webhooks::resend(&call.context, call.id(), &endpoint).await?)?)
    }
}
