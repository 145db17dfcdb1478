//! The `setup_intent` object.

use serde::Serialize;
use serde_json::{Value, json};

use super::Constant;
use crate::metadata::Metadata;
use crate::payment_intent::{AutomaticPaymentMethods, SetupFutureUsage};
use crate::setup_intent::SetupIntent;
use crate::timestamp::Timestamp;

/// The only kind of payment method so far.
const TYPES: &[&str] = &["card"];

/// The `setup_intent` object (<https://docs.stripe.com/api/setup_intents/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "setup_intent"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub allowed_payment_method_types: Option<&'a [&'a str]>,
    pub application: Option<&'a str>,
    pub automatic_payment_methods: Option<AutomaticPaymentMethods>,
    pub cancellation_reason: Option<&'a str>,
    pub client_secret: &'a str,
    pub created: Timestamp,
    pub customer: &'a str,
    pub customer_account: Option<&'a str>,
    pub description: Option<&'a str>,
    pub excluded_payment_method_types: Option<&'a [&'a str]>,
    pub flow_directions: Option<&'a [&'a str]>,
    pub last_setup_error: Option<Value>,
    pub latest_attempt: Option<&'a str>,
    pub livemode: bool,
    pub mandate: Option<&'a str>,
    pub metadata: &'a Metadata,
    pub next_action: Option<Value>,
    pub on_behalf_of: Option<&'a str>,
    pub payment_method: &'a str,
    pub payment_method_configuration_details: Option<Value>,
    pub payment_method_options: Value,
    pub payment_method_types: &'a [&'a str],
    pub single_use_mandate: Option<&'a str>,
    pub status: Constant,
    pub usage: SetupFutureUsage,
}

impl<'a> From<&'a SetupIntent> for Resource<'a> {
    fn from(intent: &'a SetupIntent) -> Self {
        let details = &intent.details;
        let automatic = details.automatic_payment_methods;
        Self {
            id: intent.id.as_str(),
            object: "setup_intent",
            allowed_payment_method_types: automatic.is_none().then_some(TYPES),
            application: None,
            automatic_payment_methods: automatic,
            cancellation_reason: None,
            client_secret: &details.client_secret,
            created: intent.created,
            customer: intent.customer.as_str(),
            customer_account: None,
            description: details.description.as_deref(),
            excluded_payment_method_types: None,
            flow_directions: None,
            last_setup_error: None,
            latest_attempt: None,
            livemode: intent.livemode,
            mandate: None,
            metadata: &details.metadata,
            next_action: None,
            on_behalf_of: None,
            payment_method: intent.payment_method.as_str(),
            payment_method_configuration_details: None,
            payment_method_options: json!({
                "card": {
                    "mandate_options": null,
                    "network": details.card_options.network,
                    "request_three_d_secure":
                        details.card_options.request_three_d_secure.unwrap_or_default(),
                },
            }),
            payment_method_types: TYPES,
            single_use_mandate: None,
            status: "succeeded",
            usage: details.usage,
        }
    }
}
