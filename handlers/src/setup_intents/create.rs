//! `POST /v1/setup_intents`

use domain::ApiError;
use domain::metadata::MetadataUpdate;
use domain::payment_intent::{AllowRedirects, AutomaticPaymentMethods, SetupFutureUsage};
use domain::resource::{self, Json, json};
use domain::setup_intent::CardOptions;
use flows::{Failure, Platform, setup_intents};
use serde::Deserialize;
use serde_json::Value;

use super::card_options::CardParameters;
use crate::endpoint::{Call, Endpoint, Method};
use crate::payment_intents::create::AutomaticParameters;
use crate::payment_intents::parameters;
use crate::payment_methods::options::PaymentMethodOptions;
use crate::payment_methods::parameters::{PaymentMethodData, choice};

/// Sets a card up for a customer, in one request.
pub struct Create;

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Kinds of payment methods that are offered.
    allowed_payment_method_types: Option<Vec<String>>,
    /// Whether Florin offers what the account has enabled.
    automatic_payment_methods: Option<AutomaticParameters>,
    /// Has to be true: a card is set up in the request that names it.
    confirm: bool,
    /// Who keeps the card.
    customer: String,
    /// For people.
    description: Option<String>,
    /// Accepted and not needed for cards.
    #[expect(dead_code, reason = "accepted and not needed for cards")]
    mandate_data: Option<Value>,
    /// The merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// The card, by its id or a built-in name.
    payment_method: Option<String>,
    /// A card that is brought along.
    payment_method_data: Option<PaymentMethodData>,
    /// Options by kind of payment method.
    payment_method_options: Option<PaymentMethodOptions<CardParameters>>,
    /// The older name of `allowed_payment_method_types`.
    payment_method_types: Option<Vec<String>>,
    /// Where the cardholder comes back to; nobody is sent anywhere.
    return_url: Option<String>,
    /// A mandate for one payment; there is none for cards.
    single_use: Option<Value>,
    /// For which payments the card is kept.
    usage: Option<SetupFutureUsage>,
    /// Whether Stripe's browser library handles the next action; accepted and not needed.
    #[expect(dead_code, reason = "accepted and not needed")]
    use_stripe_sdk: Option<bool>,
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/setup_intents";
    const RESOURCE: &'static str = "setup_intent";
    type Parameters = Parameters;
    type Input = setup_intents::Create;

    fn check(parameters: Parameters) -> Result<setup_intents::Create, ApiError> {
        check_possible(&parameters)?;
        parameters::check_description(parameters.description.as_ref())?;
        parameters::check_return_url(parameters.return_url.as_deref())?;
        let data = parameters.payment_method_data.as_ref();
        let payment_method = choice(parameters.payment_method.as_deref(), data)?
            .ok_or_else(|| ApiError::MissingParameter { param: "payment_method".to_owned() })?;
        let named = parameters.allowed_payment_method_types.or(parameters.payment_method_types);
        let named = parameters::check_types(named.as_deref())?;
        let automatic = parameters.automatic_payment_methods.as_ref();
        let enabled =
            AutomaticPaymentMethods { enabled: true, allow_redirects: AllowRedirects::Always };
        Ok(setup_intents::Create {
            automatic_payment_methods: match automatic.map(AutomaticParameters::choice) {
                None if named.is_none() => Some(enabled),
                choice => choice,
            },
            customer: parameters.customer,
            description: parameters.description,
            metadata: parameters.metadata,
            payment_method,
            usage: parameters.usage.unwrap_or(SetupFutureUsage::OffSession),
            card_options: parameters
                .payment_method_options
                .and_then(|options| options.card.into_option())
                .map(CardOptions::from)
                .unwrap_or_default(),
        })
    }

    async fn run<P: Platform>(
        call: &Call<'_, P>,
        input: setup_intents::Create,
    ) -> Result<Json, Failure> {
        let intent = setup_intents::create(&call.context, &input).await?;
        Ok(json(&resource::setup_intent::Resource::from(&intent)))
    }
}

/// Checks that nothing is asked which cards cannot do here.
fn check_possible(parameters: &Parameters) -> Result<(), ApiError> {
    let (param, message) = if !parameters.confirm {
        ("confirm", "A card is set up in one request: `confirm` must be true.")
    } else if parameters.single_use.is_some() {
        let message = "Single-use mandates are not supported for the payment_method_type `card`.";
        ("single_use", message)
    } else {
        return Ok(());
    };
    Err(ApiError::ParameterInvalid { param: param.to_owned(), message: message.to_owned() })
}
