//! `POST /v1/charges/{charge}`

use domain::metadata::MetadataUpdate;
use domain::payment_intent::Shipping;
use domain::resource::Json;
use domain::{ApiError, Patch};
use flows::{Failure, Platform, charges};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::payment_intents::parameters::{check_email, customer};
use crate::shipping::ShippingParameters;

/// Changes what a charge says of itself.
pub struct Update;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Who paid, where nobody was named before.
    customer: Option<String>,
    /// For people.
    #[serde(default)]
    description: Patch<String>,
    /// What the merchant says of the charge's honesty.
    fraud_details: Option<FraudDetails>,
    /// Changes to the merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// Where the receipt goes.
    #[serde(default)]
    receipt_email: Patch<String>,
    /// Where the goods go.
    #[serde(default)]
    shipping: Patch<ShippingParameters>,
    /// Groups payments and transfers, where no group was named before.
    #[serde(default)]
    transfer_group: Patch<String>,
}

/// What the merchant says of a charge's honesty.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FraudDetails {
    #[serde(default)]
    user_report: Patch<UserReport>,
}

/// What the merchant can say.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum UserReport {
    Fraudulent,
    Safe,
}

impl UserReport {
    fn name(self) -> String {
        match self {
            Self::Fraudulent => "fraudulent",
            Self::Safe => "safe",
        }
        .to_owned()
    }
}

impl Endpoint for Update {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/charges/{charge}";
    const RESOURCE: &'static str = "charge";
    type Parameters = Parameters;
    type Input = charges::Changes;

    fn check(parameters: Parameters) -> Result<charges::Changes, ApiError> {
        Ok(charges::Changes {
            customer: customer(parameters.customer.as_deref())?,
            description: parameters.description,
            metadata: parameters.metadata,
            receipt_email: check_email("receipt_email", &parameters.receipt_email)?,
            shipping: parameters.shipping.map(Shipping::from),
            transfer_group: parameters.transfer_group,
            user_report: parameters
                .fraud_details
                .map_or(Patch::Keep, |details| details.user_report.map(UserReport::name)),
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, changes: Self::Input) -> Result<Json, Failure> {
        Ok(show(&charges::update(&call.context, call.id(), &changes).await?))
    }
}
