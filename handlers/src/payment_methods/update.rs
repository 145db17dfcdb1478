//! `POST /v1/payment_methods/{payment_method}`

use domain::metadata::MetadataUpdate;
use domain::payment_method::{Address, AllowRedisplay};
use domain::resource::Json;
use domain::{ApiError, Patch};
use flows::payment_methods::{self, BillingChanges, Changes};
use flows::{Failure, Platform};
use serde::Deserialize;
use serde_json::Value;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::payment_intents::parameters::check_email;

/// Changes a payment method that a customer keeps.
pub struct Update;

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Whether it may be shown to its customer again.
    allow_redisplay: Option<AllowRedisplay>,
    /// Whom the bill goes to.
    billing_details: Option<BillingParameters>,
    /// The card's new data.
    card: Option<CardUpdate>,
    /// Changes to the merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
}

/// Whom the bill goes to.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct BillingParameters {
    address: Patch<Address>,
    email: Patch<String>,
    name: Patch<String>,
    phone: Patch<String>,
    tax_id: Patch<String>,
}

/// What a card's issuer may change of it: a new number is another card.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CardUpdate {
    exp_month: Option<i64>,
    exp_year: Option<i64>,
    /// Accepted and not needed.
    networks: Option<Value>,
}

impl Endpoint for Update {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/payment_methods/{payment_method}";
    const RESOURCE: &'static str = "payment_method";
    type Parameters = Parameters;
    type Input = Changes;

    fn check(parameters: Parameters) -> Result<Changes, ApiError> {
        let billing = parameters.billing_details.unwrap_or_default();
        let card = parameters.card.unwrap_or_default();
        Ok(Changes {
            allow_redisplay: parameters.allow_redisplay,
            billing_details: BillingChanges {
                address: billing.address,
                email: check_email("billing_details[email]", &billing.email)?,
                name: billing.name,
                phone: billing.phone,
                tax_id: billing.tax_id,
            },
            exp_month: card.exp_month,
            exp_year: card.exp_year,
            metadata: parameters.metadata,
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Changes) -> Result<Json, Failure> {
        Ok(show(&payment_methods::update(&call.context, call.id(), &input).await?))
    }
}
