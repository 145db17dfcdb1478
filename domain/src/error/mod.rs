//! What can be wrong with a request, as the merchant is told it.
//!
//! The sentences, types, codes and statuses are Stripe's, so that the official SDKs raise the
//! exceptions that merchants already handle. Each sentence is written once, here.
//! Source: <https://docs.stripe.com/api/errors> and <https://docs.stripe.com/error-codes>.

mod refusal;

use serde::Serialize;
use serde_json::Value;

use crate::card::Decline;
use crate::money::Currency;

/// Where a merchant may try again, whatever the SDK's own rule says (`Stripe-Should-Retry`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same request may succeed, and cannot act twice.
    Yes,
    /// The same request would fail in the same way.
    No,
}

/// An error that a merchant sees.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", self.parts().message)]
#[expect(missing_docs, reason = "the sentence beside each variant says what it is")]
pub enum ApiError {
    // Authentication.
    MissingApiKey,
    InvalidApiKey { shown: String },
    ExpiredApiKey { shown: String },
    PublishableKeyNotAllowed,
    PermissionDenied { shown: String, resource: &'static str, needed: &'static str },
    AccountNotAccessible { account: String },

    // The request itself.
    UnknownRoute { method: String, path: String },
    InvalidApiVersion { version: String },
    InvalidBody { message: String },
    BodyTooLarge,
    MissingParameter { param: String },
    MissingOneOf { message: String, param: String },
    UnknownParameter { param: String },
    EmptyParameter { param: String },
    InvalidInteger { param: String, value: String },
    InvalidEnum { param: String, value: String, allowed: Vec<&'static str> },
    ParameterInvalid { param: String, message: String },
    ParametersExclusive { message: String, param: String },
    StringTooLong { param: String, length: usize, limit: usize },
    InvalidHash { param: String },
    InvalidArray { param: String },
    InvalidEmail { param: String, email: String },
    InvalidUrl { param: String },
    TooManyMetadataKeys { count: usize },
    MetadataKeyTooLong { key: String },
    MetadataValueTooLong { key: String, value: String },
    UnknownCurrency { currency: String },
    NotExpandable { path: String, hint: Option<String> },
    TooDeepExpand { path: String },
    InvalidSearchQuery { message: String },
    InvalidPage,
    BothCursors,

    // Amounts.
    AmountNotPositive { param: String },
    AmountTooSmall { minimum: i64, currency: Currency },
    AmountTooLarge { currency: Currency },
    AmountNotMultiple { currency: Currency, param: &'static str },
    PayoutNotMultiple { currency: Currency },
    CaptureTooLarge { capturable: i64, currency: Currency, param: &'static str },
    RefundTooLarge { amount: i64, unrefunded: i64, currency: Currency },
    IncrementNotGreater { amount: i64 },
    BalanceInsufficient,

    // Objects.
    NoSuchObject { kind: &'static str, id: String, param: String, in_path: bool },
    IntentUnexpectedState { message: String, intent: Value },
    IntentHasNoPaymentMethod { intent: Value },
    ReturnUrlRequired { intent: Option<Value> },
    ChargeAlreadyCaptured { charge: String },
    ChargeAlreadyRefunded { charge: String },
    ChargeDisputed { charge: String },
    ChargeNotCaptured { charge: String },
    ChargeExpiredForCapture { charge: String },
    TokenAlreadyUsed { token: String },
    PaymentMethodInUse { message: String },
    PaymentMethodNotAttached { message: String },
    PaymentMethodNotKept { payment_method: String, param: String },
    CustomerHasNoSource { customer: String },
    CustomerMismatch { message: String },
    StateConflict { message: String },

    // Cards.
    Card(Box<CardError>),

    // Conflicts and our own faults.
    IdempotencyKeyTooLong,
    IdempotencyKeyUnreadable,
    IdempotencyKeyReused { key: String },
    IdempotencyKeyInUse { key: String },
    LockTimeout,
    LiveModeHasNoProcessor,
    LiveModeHasNoRail,
    Internal { request_log: String },
    Unavailable { request_log: String },
}

/// A card that was refused, with what the refusal left behind.
#[derive(Clone, Debug, PartialEq)]
pub struct CardError {
    /// Why, in the card network's and Stripe's words.
    pub decline: Decline,
    /// Whether it is a decline, with its code and advice; data that nobody else has seen has neither.
    pub is_decline: bool,
    /// The failed charge, where one was made.
    pub charge: Option<String>,
    /// The intent as it now stands.
    pub payment_intent: Option<Value>,
    /// The payment method that was refused.
    pub payment_method: Option<Value>,
}

impl From<CardError> for ApiError {
    fn from(error: CardError) -> Self {
        Self::Card(Box::new(error))
    }
}

/// The `error` object of a response body; fields that say nothing are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "api_error"))]
pub struct ErrorBody {
    /// A short text for programs, as `resource_missing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Why the card was declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decline_code: Option<String>,
    /// Where the code is explained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc_url: Option<String>,
    /// What to do about a decline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice_code: Option<&'static str>,
    /// The failed charge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge: Option<String>,
    /// A sentence for people.
    pub message: String,
    /// The parameter that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
    /// The intent as it now stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_intent: Option<Value>,
    /// The payment method that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<Value>,
    /// The kind of error, as `invalid_request_error`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

impl ApiError {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.refusal().status
    }

    /// The `error` object of the response.
    pub fn parts(&self) -> ErrorBody {
        let mut body = self.refusal().body;
        body.doc_url = body
            .code
            .map(|code| format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-")));
        body
    }

    /// Whether the answer may be kept for the request's idempotency key.
    ///
    /// A conflict says nothing about the request itself, and a fault of ours leaves its outcome open:
    /// the retry must run, not replay.
    pub fn is_final(&self) -> bool {
        !matches!(self.status(), 409 | 429 | 500..)
    }

    /// What the `Stripe-Should-Retry` header says; nothing where the SDK's own rule is right.
    pub fn retry(&self) -> Option<Retry> {
        match self {
            Self::LockTimeout | Self::Internal { .. } | Self::Unavailable { .. } => {
                Some(Retry::Yes)
            }
            Self::IdempotencyKeyInUse { .. } => Some(Retry::Yes),
            _ => Some(Retry::No),
        }
    }
}
