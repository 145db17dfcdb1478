//! The status, code and sentence of each error: Stripe's, each written once.

use serde_json::Value;

use super::{ApiError, CardError, ErrorBody};
use crate::card::Decline;
use crate::money::{Currency, for_people};

/// A refusal in the shape of [`ErrorBody`] before its links are added.
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) body: ErrorBody,
}

fn refusal(status: u16, kind: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { status, body: ErrorBody { kind, message: message.into(), ..ErrorBody::default() } }
}

fn invalid(message: impl Into<String>) -> Refusal {
    refusal(400, "invalid_request_error", message)
}

impl Refusal {
    fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    fn code(mut self, code: &'static str) -> Self {
        self.body.code = Some(code);
        self
    }

    fn param(mut self, param: impl Into<String>) -> Self {
        self.body.param = Some(param.into());
        self
    }

    fn optional_intent(mut self, intent: Option<&Value>) -> Self {
        self.body.payment_intent = intent.cloned();
        self
    }

    fn intent(mut self, intent: &Value) -> Self {
        self.body.payment_intent = Some(intent.clone());
        self
    }
}

impl ApiError {
    pub(super) fn refusal(&self) -> Refusal {
        self.authentication_refusal()
            .or_else(|| self.request_refusal())
            .or_else(|| self.amount_refusal())
            .or_else(|| self.object_refusal())
            .unwrap_or_else(|| self.conflict_refusal())
    }

    fn authentication_refusal(&self) -> Option<Refusal> {
        let unauthorized = |message: String| refusal(401, "invalid_request_error", message);
        Some(match self {
            Self::MissingApiKey => unauthorized(
                "You did not provide an API key. You need to provide your API key in the \
                 Authorization header, using Bearer auth (e.g. 'Authorization: Bearer \
                 YOUR_SECRET_KEY')."
                    .to_owned(),
            ),
            Self::InvalidApiKey { shown } => {
                unauthorized(format!("Invalid API Key provided: {shown}"))
            }
            Self::ExpiredApiKey { shown } => {
                unauthorized(format!("Expired API Key provided: {shown}")).code("api_key_expired")
            }
            Self::PublishableKeyNotAllowed => refusal(
                403,
                "invalid_request_error",
                "This API call cannot be made with a publishable API key. Please use a secret API \
                 key.",
            )
            .code("secret_key_required"),
            Self::PermissionDenied { shown, resource, needed } => refusal(
                403,
                "invalid_request_error",
                format!(
                    "The provided key '{shown}' does not have the required permissions for this \
                     endpoint. Having the '{resource}_{needed}' permission would allow this request \
                     to continue."
                ),
            ),
            Self::AccountNotAccessible { account } => refusal(
                403,
                "invalid_request_error",
                format!(
                    "The provided key does not have access to account '{account}' (or that account \
                     does not exist). Application access may have been revoked."
                ),
            )
            .code("account_invalid"),
            _ => return None,
        })
    }

    fn request_refusal(&self) -> Option<Refusal> {
        Some(match self {
            Self::UnknownRoute { method, path } => {
                invalid(format!("Unrecognized request URL ({method}: {}).", shown(path))).status(404)
            }
            Self::InvalidApiVersion { version } => {
                invalid(format!("Invalid Stripe API version: {version}"))
            }
            Self::InvalidBody { message } => invalid(message),
            Self::BodyTooLarge => invalid("The request body is larger than 1 MB.").status(413),
            Self::MissingParameter { param } => {
                invalid(format!("Missing required param: {param}.")).code("parameter_missing").param(param)
            }
            Self::MissingOneOf { message, param } => {
                invalid(message).code("parameter_missing").param(param)
            }
            Self::UnknownParameter { param } => {
                invalid(format!("Received unknown parameter: {param}")).code("parameter_unknown").param(param)
            }
            Self::EmptyParameter { param } => invalid(format!(
                "You passed an empty string for '{param}'. We assume empty values are an attempt to \
                 unset a parameter; however '{param}' cannot be unset. You should remove '{param}' \
                 from your request or supply a non-empty value."
            ))
            .code("parameter_invalid_empty")
            .param(param),
            Self::InvalidInteger { param, value } => {
                invalid(format!("Invalid integer: {value}")).code("parameter_invalid_integer").param(param)
            }
            Self::InvalidEnum { param, value, allowed } => {
                invalid(format!("Invalid {param}: must be one of {}; got {value}", listed(allowed))).param(param)
            }
            Self::ParameterInvalid { param, message } => invalid(message).param(param),
            Self::ParametersExclusive { message, param } => {
                invalid(message).code("parameters_exclusive").param(param)
            }
            Self::StringTooLong { param, length, limit } => invalid(format!(
                "Invalid string: must be at most {limit} characters; '{param}' has {length}."
            ))
            .param(param),
            Self::InvalidHash { param } => invalid("Invalid object").param(param),
            Self::InvalidArray { param } => invalid("Invalid array").param(param),
            Self::InvalidEmail { param, email } => {
                invalid(format!("Invalid email address: {email}")).code("email_invalid").param(param)
            }
            Self::InvalidUrl { param } => invalid("Not a valid URL").code("url_invalid").param(param),
            Self::TooManyMetadataKeys { count } => invalid(format!(
                "Metadata can have at most 50 keys; this would make {count}."
            ))
            .param("metadata"),
            Self::MetadataKeyTooLong { key } => invalid(format!(
                "Metadata keys can have up to 40 characters, but you passed in a key that is {} \
                 characters. Invalid key: {}",
                key.chars().count(),
                shown(key)
            ))
            .param("metadata"),
            Self::MetadataValueTooLong { key, value } => invalid(format!(
                "Metadata values can have up to 500 characters, but you passed in a value that is \
                 {} characters. Invalid value: {}",
                value.chars().count(),
                shown(value)
            ))
            .param(format!("metadata[{key}]")),
            Self::UnknownCurrency { currency } => invalid(format!(
                "Invalid currency: {currency}. Stripe currently supports these currencies: {}",
                Currency::codes().collect::<Vec<_>>().join(", ")
            ))
            .param("currency"),
            Self::NotExpandable { path, hint } => {
                let hint = hint.as_ref().map_or_else(String::new, |hint| {
                    format!(" You may want to try expanding '{hint}' instead.")
                });
                invalid(format!("This property cannot be expanded ({path}).{hint}")).param("expand")
            }
            Self::TooDeepExpand { path } => invalid(format!(
                "You cannot expand more than 4 levels of a property ({path})."
            ))
            .param("expand"),
            Self::InvalidSearchQuery { message } => invalid(message).param("query"),
            Self::InvalidPage => invalid("Invalid page token.").param("page"),
            Self::BothCursors => {
                invalid("You cannot parameterize both starting_after and ending_before.")
            }
            _ => return None,
        })
    }

    fn amount_refusal(&self) -> Option<Refusal> {
        Some(match self {
            Self::AmountNotPositive { param } => {
                invalid("This value must be greater than or equal to 1.")
                    .code("parameter_invalid_integer")
                    .param(param)
            }
            Self::AmountTooSmall { minimum, currency } => invalid(format!(
                "Amount must be at least {} {currency}",
                without_code(*minimum, *currency)
            ))
            .code("amount_too_small")
            .param("amount"),
            Self::AmountTooLarge { currency } => invalid(format!(
                "Amount must be no more than {}",
                for_people(crate::money::MAX_AMOUNT, *currency)
            ))
            .code("amount_too_large")
            .param("amount"),
            Self::AmountNotMultiple { currency, param } => invalid(format!(
                "Invalid amount: an amount in {currency} must be a multiple of {}.",
                currency.multiple()
            ))
            .code("parameter_invalid_integer")
            .param(*param),
            Self::PayoutNotMultiple { currency } => invalid(format!(
                "Invalid amount: a payout in {currency} must be a multiple of {}.",
                currency.payout_multiple()
            ))
            .code("parameter_invalid_integer")
            .param("amount"),
            Self::CaptureTooLarge { capturable, currency, param } => invalid(format!(
                "You cannot capture more than the amount that can be captured ({}).",
                for_people(*capturable, *currency)
            ))
            .code("amount_too_large")
            .param(*param),
            Self::RefundTooLarge { amount, unrefunded, currency } => invalid(format!(
                "Refund amount ({}) is greater than unrefunded amount on charge ({})",
                for_people(*amount, *currency),
                for_people(*unrefunded, *currency)
            ))
            .param("amount"),
            Self::IncrementNotGreater { amount } => invalid(format!(
                "The amount must be greater than the currently authorized amount ({amount})."
            ))
            .code("amount_too_small")
            .param("amount"),
            Self::BalanceInsufficient => invalid(
                "You have insufficient funds in your Stripe account for this transfer. Your card \
                 balance is too low.  You can use the /v1/balance endpoint to view your Stripe \
                 balance (for more details, see stripe.com/docs/api#balance).",
            )
            .code("balance_insufficient"),
            _ => return None,
        })
    }

    fn object_refusal(&self) -> Option<Refusal> {
        Some(match self {
            Self::NoSuchObject { kind, id, param, in_path } => {
                invalid(format!("No such {kind}: '{}'", shown(id)))
                    .status(if *in_path { 404 } else { 400 })
                    .code("resource_missing")
                    .param(param)
            }
            Self::IntentUnexpectedState { message, intent } => {
                invalid(message).code("payment_intent_unexpected_state").intent(intent)
            }
            Self::IntentHasNoPaymentMethod { intent } => invalid(
                "You cannot confirm this PaymentIntent because it's missing a payment method. You \
                 can either update the PaymentIntent with a payment method and then confirm it \
                 again, or confirm it again directly with a payment method or ConfirmationToken.",
            )
            .code("payment_intent_unexpected_state")
            .intent(intent),
            Self::ReturnUrlRequired { intent } => invalid(
                "This PaymentIntent is configured to accept payment methods enabled in your \
                 Dashboard. Because some of these payment methods might redirect your customer off \
                 of your page, you must provide a `return_url`. If you don't want to accept \
                 redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` \
                 and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup \
                 Intents and Payment Intents.",
            )
            .optional_intent(intent.as_ref()),
            Self::ChargeAlreadyCaptured { charge } => {
                invalid(format!("Charge {charge} has already been captured."))
                    .code("charge_already_captured")
            }
            Self::ChargeAlreadyRefunded { charge } => {
                invalid(format!("Charge {charge} has already been refunded."))
                    .code("charge_already_refunded")
            }
            Self::ChargeDisputed { charge } => {
                invalid(format!("Charge {charge} has been charged back; cannot issue a refund."))
                    .code("charge_disputed")
            }
            Self::ChargeNotCaptured { charge } => invalid(format!(
                "Charge {charge} has not been captured. Cancel its PaymentIntent to release the \
                 authorization instead of refunding it."
            ))
            .code("charge_not_refundable"),
            Self::ChargeExpiredForCapture { charge } => invalid(format!(
                "Charge {charge} could not be captured because its authorization has expired."
            ))
            .code("charge_expired_for_capture"),
            Self::TokenAlreadyUsed { token } => invalid(format!(
                "You cannot use a Stripe token more than once: {token}."
            ))
            .code("token_already_used"),
            Self::PaymentMethodInUse { message } | Self::StateConflict { message } => invalid(message),
            Self::PaymentMethodNotAttached { message } | Self::CustomerMismatch { message } => {
                invalid(message).param("payment_method")
            }
            Self::PaymentMethodNotKept { payment_method, param } => invalid(format!(
                "The customer does not have a payment method with the ID {payment_method}. The \
                 payment method must be attached to the customer."
            ))
            .code("resource_missing")
            .param(param),
            Self::CustomerHasNoSource { customer } => invalid(format!(
                "Cannot charge a customer that has no active card: {customer}"
            ))
            .code("missing")
            .param("card"),
            Self::Card(error) => card_refusal(error),
            _ => return None,
        })
    }

    fn conflict_refusal(&self) -> Refusal {
        match self {
            Self::IdempotencyKeyTooLong => refusal(
                400,
                "idempotency_error",
                "Idempotency keys can be at most 255 characters long.",
            ),
            Self::IdempotencyKeyUnreadable => refusal(
                400,
                "idempotency_error",
                "Idempotency keys must be printable ASCII characters, and at least one.",
            ),
            Self::IdempotencyKeyReused { key } => refusal(
                400,
                "idempotency_error",
                format!(
                    "Keys for idempotent requests can only be used with the same parameters they \
                     were first used with. Try using a key other than '{key}' if you meant to \
                     execute a different request."
                ),
            ),
            Self::IdempotencyKeyInUse { key } => refusal(
                409,
                "idempotency_error",
                format!(
                    "There is currently another in-progress request using this Idempotency-Key: \
                     {key}. Please try again later."
                ),
            )
            .code("idempotency_key_in_use"),
            Self::LockTimeout => refusal(
                429,
                "invalid_request_error",
                "This object cannot be accessed right now because another API request or process \
                 is currently accessing it. If you see this error intermittently, retry the \
                 request. If you see this error frequently and are making multiple concurrent \
                 requests to a single object, make your requests serially or at a lower rate.",
            )
            .code("lock_timeout"),
            Self::LiveModeHasNoProcessor => invalid(
                "No payment processor is connected for live mode. Connect one before you take live \
                 payments.",
            )
            .code("testmode_charges_only"),
            Self::LiveModeHasNoRail => invalid(
                "No bank is connected for live mode. Connect one before you pay out real money.",
            )
            .code("payouts_not_allowed"),
            Self::Unavailable { request_log } => refusal(
                503,
                "api_error",
                format!(
                    "Florin cannot reach its storage or a payment processor at the moment. No outcome was \
                     lost; try again with the same idempotency key. (Request {request_log})"
                ),
            ),
            Self::Internal { request_log } => internal(request_log),
            // Every other variant is answered by one of the functions before this one; a test walks
            // them all.
            _ => internal(""),
        }
    }
}

fn internal(request_log: &str) -> Refusal {
    refusal(
        500,
        "api_error",
        format!(
            "An unexpected error occurred. No outcome was lost; try again with the same idempotency \
             key. (Request {request_log})"
        ),
    )
}

fn card_refusal(error: &CardError) -> Refusal {
    // No issuer refused a card whose holder could not prove who they are.
    let (status, kind) = match error.decline {
        Decline::AuthenticationFailure => (400, "invalid_request_error"),
        _ => (402, "card_error"),
    };
    let mut refusal = refusal(status, kind, error.decline.message()).code(error.decline.code());
    if error.is_decline {
        refusal.body.decline_code = error.decline.decline_code().map(str::to_owned);
        refusal.body.advice_code = error.decline.advice_code();
    }
    refusal.body.charge.clone_from(&error.charge);
    refusal.body.param = error.decline.field().map(str::to_owned);
    refusal.body.payment_intent.clone_from(&error.payment_intent);
    refusal.body.payment_method.clone_from(&error.payment_method);
    refusal
}

/// How much of a text from outside a sentence repeats, in characters; every real id and path fits.
const SHOWN_LENGTH: usize = 200;

/// A text from outside as a sentence repeats it.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_LENGTH) {
        Some(_) => text.chars().take(SHOWN_LENGTH).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// The amount for people, less the code that the sentence names anyway.
fn without_code(minor_units: i64, currency: Currency) -> String {
    let text = for_people(minor_units, currency);
    text.trim_end_matches(currency.code()).trim_end().to_owned()
}

fn listed(allowed: &[&str]) -> String {
    match allowed.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{}, or {last}", rest.join(", ")),
        None => String::new(),
    }
}
