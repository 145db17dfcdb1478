//! `POST /v1/payment_intents/{intent}/confirm`

use domain::payment_intent::{CardFutureUsage, ConfirmationMethod};
use domain::resource::Json;
use domain::{ApiError, Patch};
use flows::payment_intents::{self, CardChanges, Changes};
use flows::{Failure, Platform};

use super::parameters::{self, OffSession};
use super::{check_client_secret, show};
use crate::endpoint::{Call, Endpoint, Method};

/// Charges an intent's card, or holds its money.
pub struct Confirm;

parameters::intent_parameters! {
    /// The body.
    pub struct Parameters {
        /// The intent's client secret.
        client_secret: Option<String>,
        /// Whether a demand for a challenge is to be a decline.
        error_on_requires_action: Option<bool>,
        /// The mandate that the payment rests on; there is none for cards.
        mandate: Option<String>,
        /// Whether the cardholder takes no part, or why.
        off_session: Option<OffSession>,
        /// Where the cardholder comes back to.
        return_url: Option<String>,
        /// Whether Stripe's browser library handles the next action; accepted and not needed.
        #[expect(dead_code, reason = "accepted and not needed")]
        use_stripe_sdk: Option<bool>,
    }
}

/// How the intent is confirmed.
pub struct Input {
    client_secret: Option<String>,
    confirm: payment_intents::Confirm,
    changes: Changes,
}

impl Endpoint for Confirm {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/payment_intents/{intent}/confirm";
    const RESOURCE: &'static str = "payment_intent";
    const PUBLISHABLE: bool = true;
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        parameters::refuse_mandate(parameters.mandate.as_ref())?;
        Ok(Input {
            confirm: payment_intents::Confirm {
                off_session: parameters.off_session.is_some_and(OffSession::holds),
                error_on_requires_action: parameters.error_on_requires_action.unwrap_or(false),
            },
            client_secret: parameters.client_secret.clone(),
            changes: Changes {
                return_url: parameters::check_return_url(parameters.return_url.as_deref())?,
                ..parameters.shared()?
            },
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        if call.is_publishable() {
            check_browser(&input)?;
        }
        if call.is_publishable() || input.client_secret.is_some() {
            let intent = payment_intents::find(&call.context, call.id()).await?;
            check_client_secret(call, &intent, input.client_secret.as_deref())?;
            if call.is_publishable()
                && intent.details.confirmation_method == ConfirmationMethod::Manual
            {
                return Err(ApiError::PublishableKeyNotAllowed.into());
            }
        }
        let intent =
            payment_intents::confirm(&call.context, call.id(), &input.changes, input.confirm)
                .await?;
        Ok(show(&intent))
    }
}

/// How the money is taken, whether the card is not to be kept, and how sure the merchant wants to be of
/// the cardholder, is not for the cardholder's browser to say.
fn check_browser(input: &Input) -> Result<(), ApiError> {
    let changes = &input.changes;
    let given = [
        ("amount_details", !changes.order.amount_details.is_keep()),
        ("capture_method", changes.capture_method.is_some()),
        ("error_on_requires_action", input.confirm.error_on_requires_action),
        ("off_session", input.confirm.off_session),
        ("payment_details", !changes.order.payment_details.is_keep()),
        ("payment_method_options[card]", matches!(changes.card_options, Patch::Clear)),
        ("setup_future_usage", matches!(changes.setup_future_usage, Patch::Clear)),
    ];
    let param = match given.into_iter().find(|(_, given)| *given) {
        Some((param, _)) => param.to_owned(),
        None => match changes.card_options.as_set().and_then(forbidden_option) {
            Some(option) => format!("payment_method_options[card][{option}]"),
            None => return Ok(()),
        },
    };
    let message = format!(
        "The parameter `{param}` cannot be passed with a publishable API key. Please use a secret \
         API key."
    );
    Err(ApiError::ParameterInvalid { param, message })
}

/// The first of the options for cards that are not for a browser to choose.
fn forbidden_option(options: &CardChanges) -> Option<&'static str> {
    let keeps_no_card =
        matches!(options.setup_future_usage, Patch::Clear | Patch::Set(CardFutureUsage::None));
    let given = [
        ("capture_method", !options.capture_method.is_keep()),
        ("request_extended_authorization", options.request_extended_authorization.is_some()),
        ("request_incremental_authorization", options.request_incremental_authorization.is_some()),
        ("request_multicapture", options.request_multicapture.is_some()),
        ("request_overcapture", options.request_overcapture.is_some()),
        ("request_three_d_secure", options.request_three_d_secure.is_some()),
        ("require_cvc_recollection", options.require_cvc_recollection.is_some()),
        ("setup_future_usage", keeps_no_card),
    ];
    given.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
}
