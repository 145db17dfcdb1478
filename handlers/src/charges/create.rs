//! `POST /v1/charges`

use domain::charge::Details;
use domain::metadata::MetadataUpdate;
use domain::money::Money;
use domain::payment_intent::Shipping;
use domain::resource::Json;
use domain::{ApiError, Patch};
use flows::{Failure, Platform, charges};
use serde::Deserialize;
use serde_json::Value;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::payment_intents::parameters::{check_email, currency, customer};
use crate::payment_methods::parameters::new_metadata;
use crate::shipping::ShippingParameters;

/// Charges a card without an intent, as merchants did before there were any.
pub struct Create;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Minor units.
    amount: i64,
    /// The old name of `application_fee_amount`.
    application_fee: Option<i64>,
    /// The platform's part, in minor units.
    application_fee_amount: Option<i64>,
    /// Whether the money is taken at once, or only held.
    capture: Option<bool>,
    /// Three letters.
    currency: String,
    /// Who pays.
    customer: Option<String>,
    /// For people.
    #[serde(default)]
    description: Patch<String>,
    /// The merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// The account on whose behalf it is made.
    on_behalf_of: Option<String>,
    /// Accepted and not needed.
    #[expect(dead_code, reason = "accepted and not needed")]
    radar_options: Option<Value>,
    /// Where the receipt goes.
    #[serde(default)]
    receipt_email: Patch<String>,
    /// Where the goods go.
    #[serde(default)]
    shipping: Patch<ShippingParameters>,
    /// A token or a card.
    source: Option<String>,
    /// What the cardholder reads.
    #[serde(default)]
    statement_descriptor: Patch<String>,
    /// What the cardholder reads after the merchant's name.
    #[serde(default)]
    statement_descriptor_suffix: Patch<String>,
    /// Groups payments and transfers.
    #[serde(default)]
    transfer_group: Patch<String>,
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/charges";
    const RESOURCE: &'static str = "charge";
    type Parameters = Parameters;
    type Input = charges::Create;

    fn check(parameters: Parameters) -> Result<charges::Create, ApiError> {
        if parameters.source.is_none() && parameters.customer.is_none() {
            return Err(ApiError::MissingOneOf {
                message: "Must provide source or customer.".to_owned(),
                param: "source".to_owned(),
            });
        }
        let details = Details {
            application_fee_amount: parameters
                .application_fee_amount
                .or(parameters.application_fee),
            description: parameters.description.into_option(),
            metadata: new_metadata(parameters.metadata.as_ref())?,
            on_behalf_of: parameters.on_behalf_of,
            receipt_email: check_email("receipt_email", &parameters.receipt_email)?.into_option(),
            shipping: parameters.shipping.into_option().map(Shipping::from),
            statement_descriptor: parameters.statement_descriptor.into_option(),
            statement_descriptor_suffix: parameters.statement_descriptor_suffix.into_option(),
            transfer_group: parameters.transfer_group.into_option(),
            ..Details::default()
        };
        Ok(charges::Create {
            amount: Money::to_charge(parameters.amount, currency(&parameters.currency)?)?,
            capture: parameters.capture.unwrap_or(true),
            customer: customer(parameters.customer.as_deref())?,
            source: parameters.source,
            details,
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        Ok(show(&charges::create(&call.context, &input).await?))
    }
}
