//! The `charge` object.

use serde::Serialize;
use serde_json::{Value, json};

use super::payment_method::Billing;
use super::token::CardResource as SourceCard;
use super::{Constant, Json};
use crate::card::{Card, Check, Decline};
use crate::charge::{Charge, FraudDetails, Status};
use crate::metadata::Metadata;
use crate::money::Currency;
use crate::payment_intent::Shipping;
use crate::timestamp::Timestamp;

/// The `charge` object (<https://docs.stripe.com/api/charges/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "charge"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub amount: i64,
    pub amount_captured: i64,
    pub amount_refunded: i64,
    pub application: Option<&'a str>,
    pub application_fee: Option<&'a str>,
    pub application_fee_amount: Option<i64>,
    pub balance_transaction: Option<&'a str>,
    pub billing_details: Billing<'a>,
    pub calculated_statement_descriptor: Option<&'a str>,
    pub captured: bool,
    pub created: Timestamp,
    pub currency: Currency,
    pub customer: Option<&'a str>,
    pub description: Option<&'a str>,
    pub disputed: bool,
    pub failure_balance_transaction: Option<&'a str>,
    pub failure_code: Option<&'a str>,
    pub failure_message: Option<&'a str>,
    pub fraud_details: &'a FraudDetails,
    pub livemode: bool,
    pub metadata: &'a Metadata,
    pub on_behalf_of: Option<&'a str>,
    pub outcome: Option<Value>,
    pub paid: bool,
    pub payment_intent: Option<&'a str>,
    pub payment_method: Option<&'a str>,
    pub payment_method_details: Option<Value>,
    pub radar_options: Value,
    pub receipt_email: Option<&'a str>,
    pub receipt_number: Option<&'a str>,
    pub receipt_url: Option<&'a str>,
    pub refunded: bool,
    pub review: Option<&'a str>,
    pub shipping: Option<&'a Shipping>,
    #[cfg_attr(feature = "openapi", schemars(with = "Option<serde_json::Value>"))]
    pub source: Option<Json>,
    pub source_transfer: Option<&'a str>,
    pub statement_descriptor: Option<&'a str>,
    pub statement_descriptor_suffix: Option<&'a str>,
    pub status: Status,
    pub transfer_data: Option<Value>,
    pub transfer_group: Option<&'a str>,
}

impl<'a> From<&'a Charge> for Resource<'a> {
    fn from(charge: &'a Charge) -> Self {
        let details = &charge.details;
        let amount = charge.amount.amount;
        Self {
            id: charge.id.as_str(),
            object: "charge",
            amount: amount.minor_units(),
            amount_captured: charge.captured.minor_units(),
            amount_refunded: charge.amount_refunded().minor_units(),
            application: None,
            application_fee: None,
            application_fee_amount: details.application_fee_amount,
            balance_transaction: details.booked.balance_transaction.as_ref().map(|id| id.as_str()),
            billing_details: Billing::from(&details.billing_details),
            calculated_statement_descriptor: details.calculated_statement_descriptor.as_deref(),
            captured: charge.is_finally_captured(),
            created: charge.created,
            currency: charge.amount.currency,
            customer: charge.customer.as_ref().map(|id| id.as_str()),
            description: details.description.as_deref(),
            disputed: charge.disputed,
            failure_balance_transaction: None,
            failure_code: details.decline.map(Decline::code),
            failure_message: details.decline.map(Decline::message),
            fraud_details: &details.fraud_details,
            livemode: charge.livemode,
            metadata: &details.metadata,
            on_behalf_of: details.on_behalf_of.as_deref(),
            outcome: outcome(charge),
            paid: charge.status == Status::Succeeded,
            payment_intent: charge.payment_intent.as_ref().map(|id| id.as_str()),
            payment_method: charge.payment_method.as_ref().map(|id| id.as_str()),
            payment_method_details: details
                .card
                .as_ref()
                .map(|card| json!({"card": card_details(charge, card), "type": "card"})),
            radar_options: json!({}),
            receipt_email: details.receipt_email.as_deref(),
            receipt_number: details.receipt_sent.as_ref().map(|sent| sent.number.as_str()),
            // Money that is only held has no receipt.
            receipt_url: details.receipt_url.as_deref().filter(|_| charge.is_captured()),
            refunded: charge.is_refunded(),
            review: None,
            shipping: details.shipping.as_ref(),
            source: source(charge),
            source_transfer: None,
            statement_descriptor: details.statement_descriptor.as_deref(),
            statement_descriptor_suffix: details.statement_descriptor_suffix.as_deref(),
            status: charge.status,
            transfer_data: None,
            transfer_group: details.transfer_group.as_deref(),
        }
    }
}

/// What the network and the risk model said (<https://docs.stripe.com/api/charges/object#charge_object-outcome>).
fn outcome(charge: &Charge) -> Option<Value> {
    let (level, score) = charge.details.risk.level_and_score();
    let said = match charge.details.decline {
        None if charge.status == Status::Pending => return None,
        None => json!({
            "advice_code": null,
            "network_advice_code": null,
            "network_decline_code": null,
            "network_status": "approved_by_network",
            "reason": null,
            "risk_level": level,
            "risk_score": score,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }),
        Some(Decline::Fraudulent) => json!({
            "advice_code": Decline::Fraudulent.advice_code(),
            "network_advice_code": null,
            "network_decline_code": null,
            "network_status": "not_sent_to_network",
            "reason": "highest_risk_level",
            "risk_level": "highest",
            "risk_score": 92,
            "seller_message": "Stripe blocked this payment as too risky.",
            "type": "blocked",
        }),
        Some(decline) => json!({
            "advice_code": decline.advice_code(),
            "network_advice_code": null,
            "network_decline_code": null,
            "network_status": "declined_by_network",
            "reason": decline.decline_code(),
            "risk_level": level,
            "risk_score": score,
            "seller_message": seller_message(decline),
            "type": "issuer_declined",
        }),
    };
    Some(said)
}

fn seller_message(decline: Decline) -> &'static str {
    match decline {
        Decline::InsufficientFunds => "The bank returned the decline code `insufficient_funds`.",
        Decline::LostCard => "The bank returned the decline code `lost_card`.",
        Decline::StolenCard => "The bank returned the decline code `stolen_card`.",
        Decline::ExpiredCard => "The bank returned the decline code `expired_card`.",
        Decline::IncorrectCvc => "The bank returned the decline code `incorrect_cvc`.",
        Decline::ProcessingError => "The bank returned the decline code `processing_error`.",
        Decline::AuthenticationRequired => {
            "The bank returned the decline code `authentication_required`."
        }
        _ => "The bank did not return any further details with this decline.",
    }
}

fn card_details(charge: &Charge, card: &Card) -> Value {
    let details = &charge.details;
    let available = |wanted: bool| if wanted { "available" } else { "unavailable" };
    let mut shown = json!({
        "amount_authorized": charge.amount.amount,
        "authorization_code": null,
        "brand": card.brand.name(),
        "checks": checked(card, charge),
        "country": card.country,
        "electronic_commerce_indicator": null,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "incremental_authorization": {"status": available(details.incremental)},
        "installments": null,
        "last4": card.last4,
        "mandate": null,
        "multicapture": {"status": available(details.multicapture)},
        "network": card.brand.name(),
        "network_token": {"used": false},
        "network_transaction_id":
            details.processor_reference.as_ref().filter(|_| details.processor.is_none()),
        "overcapture": {"maximum_amount_capturable": charge.amount.amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": three_d_secure(charge),
        "transaction_link_id": null,
        "wallet": null,
    });
    if let (Some(object), Some(end)) = (shown.as_object_mut(), details.capture_before) {
        object.insert("capture_before".to_owned(), json!(end));
    }
    shown
}

/// The issuer has seen what was unchecked before.
fn checked(card: &Card, charge: &Charge) -> Value {
    let see = |check: Option<Check>| match check {
        Some(Check::Unchecked) if charge.details.decline == Some(Decline::IncorrectCvc) => {
            Some(Check::Fail)
        }
        Some(Check::Unchecked) if charge.details.processor.is_none() => Some(Check::Pass),
        other => other,
    };
    json!({
        "address_line1_check": see(card.checks.address_line1_check),
        "address_postal_code_check": see(card.checks.address_postal_code_check),
        "cvc_check": see(card.checks.cvc_check),
    })
}

fn three_d_secure(charge: &Charge) -> Value {
    if !charge.details.authenticated {
        return Value::Null;
    }
    json!({
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": null,
        "result": "authenticated",
        "result_reason": null,
        "transaction_id": null,
        "version": "2.2.0",
    })
}

/// A charge of the legacy API shows the card that it was made from.
fn source(charge: &Charge) -> Option<Json> {
    let id = charge.details.source.as_deref()?;
    let card = charge.details.card.as_ref()?;
    let customer = charge.customer.as_ref().map(|id| id.as_str());
    Some(super::json(&SourceCard::new(id, card, &charge.details.billing_details, customer)))
}
