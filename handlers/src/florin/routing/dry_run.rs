//! `POST /v1/florin/routing/dry_run`

use domain::metadata::MetadataUpdate;
use domain::money::Money;
use domain::resource::Json;
use domain::routing::Facts;
use domain::{ApiError, Metadata};
use flows::{Failure, Platform, routing};
use serde::Deserialize;

use crate::endpoint::{Call, Endpoint, Method};
use crate::payment_intents::parameters::currency;
use crate::payment_methods::parameters::new_metadata;

/// Explains where a payment would go, without making one.
pub struct DryRun;

/// The body: what a rule may ask about a payment.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// How much, in minor units.
    amount: i64,
    /// What its card is.
    card: Option<Card>,
    /// The currency.
    currency: String,
    /// The payment's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// Whether the cardholder takes no part.
    off_session: Option<bool>,
    /// The payment's id, by which it falls into a share.
    payment: Option<String>,
    /// The version that is asked, by its id; the one that counts unless said.
    routing: Option<String>,
    /// Whether a customer kept the card before.
    saved: Option<bool>,
}

/// What a rule may ask about a card.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The network, as `visa`.
    brand: Option<String>,
    /// The issuer's country, as `DE`.
    country: Option<String>,
    /// `credit`, `debit`, `prepaid` or `unknown`.
    funding: Option<String>,
}

/// The parameters once they are checked.
pub struct Input {
    amount: Money,
    card: Card,
    metadata: Metadata,
    off_session: bool,
    payment: String,
    routing: Option<String>,
    saved: bool,
}

impl Endpoint for DryRun {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/florin/routing/dry_run";
    const RESOURCE: &'static str = "routing";
    const SHOWS: &'static str = "florin.routing_dry_run";
    const OBJECT: &'static str = "florin.routing_dry_run";
    type Parameters = Parameters;
    type Input = Input;

    fn check(given: Parameters) -> Result<Input, ApiError> {
        Ok(Input {
            amount: Money::to_charge(given.amount, currency(&given.currency)?)?,
            card: given.card.unwrap_or_default(),
            metadata: new_metadata(given.metadata.as_ref())?,
            off_session: given.off_session.unwrap_or(false),
            payment: given.payment.unwrap_or_default(),
            routing: given.routing,
            saved: given.saved.unwrap_or(false),
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        let card = &input.card;
        let facts = Facts {
            payment: &input.payment,
            amount: input.amount,
            brand: card.brand.as_deref().unwrap_or("unknown"),
            country: card.country.as_deref(),
            funding: card.funding.as_deref().unwrap_or("unknown"),
            metadata: &input.metadata,
            off_session: input.off_session,
            saved: input.saved,
        };
        routing::dry_run(&call.context, input.routing.as_deref(), &facts).await
    }
}
