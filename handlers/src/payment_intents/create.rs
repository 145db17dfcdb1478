//! `POST /v1/payment_intents`

use domain::metadata::MetadataUpdate;
use domain::money::Money;
use domain::payment_intent::{AllowRedirects, AutomaticPaymentMethods, ConfirmationMethod};
use domain::resource::Json;
use domain::{ApiError, Patch};
use flows::payment_intents;
use flows::{Failure, Platform};
use serde::Deserialize;

use super::parameters::{self, OffSession, currency};
use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::version::is_before;

/// Creates an intent, and confirms it where asked.
pub struct Create;

parameters::intent_parameters! {
    /// The body.
    pub struct Parameters {
        /// Minor units.
        amount: i64,
        /// The platform's part, in minor units.
        #[serde(default)]
        application_fee_amount: Patch<i64>,
        /// Whether Florin offers what the account has enabled.
        automatic_payment_methods: Option<AutomaticParameters>,
        /// Three letters.
        currency: String,
        /// Who pays.
        customer: Option<String>,
        /// For people.
        #[serde(default)]
        description: Patch<String>,
        /// Whether to confirm at once.
        confirm: Option<bool>,
        /// Who confirms.
        confirmation_method: Option<ConfirmationMethod>,
        /// Whether a demand for a challenge is to be a decline.
        error_on_requires_action: Option<bool>,
        /// The mandate that the payment rests on; there is none for cards.
        mandate: Option<String>,
        /// The merchant's own pairs.
        #[serde(default, deserialize_with = "domain::patch::named")]
        metadata: Option<MetadataUpdate>,
        /// Whether the cardholder takes no part, or why.
        off_session: Option<OffSession>,
        /// Where the cardholder comes back to.
        return_url: Option<String>,
        /// What the cardholder reads.
        #[serde(default)]
        statement_descriptor: Patch<String>,
        /// What the cardholder reads after the merchant's name.
        #[serde(default)]
        statement_descriptor_suffix: Patch<String>,
        /// Groups payments and transfers.
        #[serde(default)]
        transfer_group: Patch<String>,
        /// Whether Stripe's browser library handles the next action; accepted and not needed.
        #[expect(dead_code, reason = "accepted and not needed")]
        use_stripe_sdk: Option<bool>,
    }
}

/// Whether Florin offers what the account has enabled.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AutomaticParameters {
    enabled: bool,
    allow_redirects: Option<AllowRedirects>,
}

impl AutomaticParameters {
    /// How methods are offered.
    pub(crate) fn choice(&self) -> AutomaticPaymentMethods {
        AutomaticPaymentMethods {
            enabled: self.enabled,
            allow_redirects: self.allow_redirects.unwrap_or_default(),
        }
    }
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/payment_intents";
    const RESOURCE: &'static str = "payment_intent";
    type Parameters = Parameters;
    type Input = payment_intents::Create;

    fn check(parameters: Parameters) -> Result<payment_intents::Create, ApiError> {
        let amount = Money::to_charge(parameters.amount, currency(&parameters.currency)?)?;
        let confirms = parameters.confirm.unwrap_or(false);
        let confirm = confirms.then(|| payment_intents::Confirm {
            off_session: parameters.off_session.is_some_and(OffSession::holds),
            error_on_requires_action: parameters.error_on_requires_action.unwrap_or(false),
        });
        check_confirmation_only(&parameters, confirms)?;
        parameters::refuse_mandate(parameters.mandate.as_ref())?;
        let confirmation_method = parameters.confirmation_method.unwrap_or_default();
        let mut changes = parameters.shared()?;
        changes.automatic_payment_methods =
            parameters.automatic_payment_methods.as_ref().map(AutomaticParameters::choice);
        changes.return_url = parameters::check_return_url(parameters.return_url.as_deref())?;
        parameters::describe!(changes, parameters);
        if changes.payment_method_types.is_some() && changes.automatic_payment_methods.is_some() {
            return Err(ApiError::ParametersExclusive {
                param: "automatic_payment_methods".to_owned(),
                message: "You may only specify one of these parameters: \
                          automatic_payment_methods, payment_method_types."
                    .to_owned(),
            });
        }
        Ok(payment_intents::Create { amount, confirmation_method, changes, confirm })
    }

    async fn run<P: Platform>(
        call: &Call<'_, P>,
        mut input: payment_intents::Create,
    ) -> Result<Json, Failure> {
        offer_the_default(&mut input.changes, &call.version);
        let intent = payment_intents::create(&call.context, input).await?;
        Ok(show(&intent))
    }
}

/// What is offered unless the request says so: what the account has enabled, and cards alone before
/// that version (<https://docs.stripe.com/upgrades/manage-payment-methods>).
fn offer_the_default(changes: &mut payment_intents::Changes, version: &str) {
    if changes.payment_method_types.is_some() || changes.automatic_payment_methods.is_some() {
        return;
    }
    if is_before(version, "2023-08-16") {
        changes.payment_method_types = Some(vec!["card".to_owned()]);
    } else {
        let allow_redirects = AllowRedirects::Always;
        changes.automatic_payment_methods =
            Some(AutomaticPaymentMethods { enabled: true, allow_redirects });
    }
}

/// Some parameters say how to confirm, and mean nothing where nothing is confirmed.
fn check_confirmation_only(parameters: &Parameters, confirms: bool) -> Result<(), ApiError> {
    if confirms {
        return Ok(());
    }
    let given = [
        ("error_on_requires_action", parameters.error_on_requires_action.is_some()),
        ("mandate", parameters.mandate.is_some()),
        ("off_session", parameters.off_session.is_some()),
        ("return_url", parameters.return_url.is_some()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        Some((param, _)) => Err(ApiError::ParameterInvalid {
            param: param.to_owned(),
            message: format!(
                "The parameter `{param}` cannot be passed when creating a PaymentIntent unless \
                 `confirm` is set to true."
            ),
        }),
        None => Ok(()),
    }
}
