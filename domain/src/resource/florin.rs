//! Florin's own objects, which Stripe has none of: how events are delivered, and what became of them; and the
//! accounts at payment processors.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Constant;
use crate::attempt;
use crate::connector_account::{self, ConnectorAccount};
use crate::connector_webhook::{self, ConnectorWebhook};
use crate::metadata::Metadata;
use crate::money::Amount;
use crate::routing::Reason;
use crate::timestamp::Timestamp;
use crate::webhook::delivery::{Attempt, Delivery, Status};
use crate::webhook::replay::{self, EventReplay};
use crate::webhook::{self, Health, WebhookEndpoint};

/// How a `webhook_endpoint` is delivered to, and how that fares.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "florin.webhook_endpoint")
)]
pub struct WebhookEndpointResource<'a> {
    /// The id of the `webhook_endpoint`.
    pub id: &'a str,
    /// `florin.webhook_endpoint`
    pub object: Constant,
    /// When it was made.
    pub created: Timestamp,
    /// Why Florin disabled it: `failing` or `gone`.
    pub disabled_because: Option<&'a str>,
    /// Since when every delivery has failed.
    pub failing_since: Option<Timestamp>,
    /// When a delivery last failed, of its latest ones.
    pub last_failed_at: Option<Timestamp>,
    /// When it last took a delivery, of its latest ones.
    pub last_succeeded_at: Option<Timestamp>,
    /// Whether it hears of real money.
    pub livemode: bool,
    /// How many deliveries it takes at the same time.
    pub max_concurrency: i64,
    /// How many deliveries it takes in a second.
    pub max_per_second: Option<i64>,
    /// The merchant's own pairs.
    pub metadata: &'a Metadata,
    /// `object` where an object's events arrive in sequence, or `none`.
    pub ordering: Constant,
    /// What signs deliveries from now on; shown only when it is rolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<&'a str>,
    /// When the secret before stops signing beside the newest.
    pub secret_overlap_ends_at: Option<Timestamp>,
    /// `enabled` or `disabled`.
    pub status: Constant,
    /// Where deliveries go.
    pub url: &'a str,
    /// How many deliveries wait for an attempt; 10,000 stand for more, too.
    pub waiting: i64,
    /// When its owner was warned that it fails.
    pub warned_at: Option<Timestamp>,
}

impl<'a> WebhookEndpointResource<'a> {
    /// The endpoint as its owner sees it now.
    pub fn new(
        endpoint: &'a WebhookEndpoint,
        health: &Health,
        secret: Option<&'a str>,
        now: Timestamp,
    ) -> Self {
        let details = &endpoint.details;
        Self {
            id: endpoint.id.as_str(),
            object: "florin.webhook_endpoint",
            created: endpoint.created,
            disabled_because: details.disabled_because.as_deref(),
            failing_since: endpoint.failing_since,
            last_failed_at: health.last_failed_at,
            last_succeeded_at: health.last_succeeded_at,
            livemode: endpoint.livemode,
            max_concurrency: endpoint.concurrency(),
            max_per_second: details.max_per_second,
            metadata: &details.metadata,
            ordering: if details.is_ordered { "object" } else { "none" },
            secret,
            secret_overlap_ends_at: endpoint.live_secrets(now).find_map(|known| known.expires_at),
            status: match endpoint.status {
                webhook::Status::Enabled => "enabled",
                webhook::Status::Disabled | webhook::Status::Deleted => "disabled",
            },
            url: &endpoint.url,
            waiting: health.waiting,
            warned_at: endpoint.warned_at,
        }
    }
}

/// The delivery of one event to one endpoint.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "florin.webhook_delivery")
)]
pub struct WebhookDeliveryResource<'a> {
    /// Its identifier.
    pub id: String,
    /// `florin.webhook_delivery`
    pub object: Constant,
    /// How often it was attempted.
    pub attempt_count: i64,
    /// What came of each attempt that is known, the newest first; only where it is retrieved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Vec<AttemptResource<'a>>>,
    /// When it was planned.
    pub created: Timestamp,
    /// The event.
    pub event: &'a str,
    /// The replay that it was sent again for, the last one.
    pub event_replay: Option<&'a str>,
    /// The event's type.
    pub event_type: &'a str,
    /// The last attempt.
    pub last_attempt: Option<AttemptResource<'a>>,
    /// Whether it is about real money.
    pub livemode: bool,
    /// When it is attempted next.
    pub next_attempt_at: Option<Timestamp>,
    /// `pending`, `succeeded` or `failed`.
    pub status: Status,
    /// The endpoint.
    pub webhook_endpoint: &'a str,
}

impl<'a> WebhookDeliveryResource<'a> {
    /// The delivery as its owner sees it, with these attempts.
    pub fn new(delivery: &'a Delivery, livemode: bool, attempts: Option<&'a [Attempt]>) -> Self {
        Self {
            id: delivery.id().as_str().to_owned(),
            object: "florin.webhook_delivery",
            attempt_count: delivery.attempts,
            attempts: attempts.map(|all| all.iter().map(AttemptResource::from).collect()),
            created: delivery.created,
            event: delivery.event.as_str(),
            event_replay: delivery.replay.as_deref(),
            event_type: &delivery.event_type,
            last_attempt: delivery.last.as_ref().map(AttemptResource::from),
            livemode,
            next_attempt_at: delivery.next_attempt_at,
            status: delivery.status,
            webhook_endpoint: delivery.endpoint.as_str(),
        }
    }
}

/// One attempt to deliver an event.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "florin.webhook_attempt")
)]
pub struct AttemptResource<'a> {
    /// When it was made.
    pub attempted_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration: i64,
    /// Why there was no answer.
    pub problem: Option<&'a str>,
    /// The beginning of what was answered; only where the delivery is retrieved.
    pub response_body: Option<&'a str>,
    /// The HTTP status of the answer.
    pub status_code: Option<i64>,
}

impl<'a> From<&'a Attempt> for AttemptResource<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        Self {
            attempted_at: attempt.at,
            duration: attempt.milliseconds,
            problem: attempt.problem.as_deref(),
            response_body: attempt.response.as_deref(),
            status_code: attempt.status_code,
        }
    }
}

/// A wish to have events sent again.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "florin.event_replay")
)]
pub struct EventReplayResource<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// `florin.event_replay`
    pub object: Constant,
    /// How many events are on their way again so far, or were counted.
    pub count: i64,
    /// When it was made.
    pub created: Timestamp,
    /// Those alone that the endpoint took, or did not take.
    pub delivery_success: Option<bool>,
    /// Whether the events are only counted.
    pub dry_run: bool,
    /// This one event alone.
    pub event: Option<&'a str>,
    /// The first second of the events.
    pub events_from: Timestamp,
    /// The last second of the events.
    pub events_to: Timestamp,
    /// Whether they are about real money.
    pub livemode: bool,
    /// How many are sent in a second.
    pub max_per_second: i64,
    /// `pending`, `succeeded` or `failed`.
    pub status: replay::Status,
    /// The types of the events; all that the endpoint hears of where there are none.
    pub types: Option<&'a [String]>,
    /// Where they are sent.
    pub webhook_endpoint: &'a str,
}

impl<'a> From<&'a EventReplay> for EventReplayResource<'a> {
    fn from(replay: &'a EventReplay) -> Self {
        let details = &replay.details;
        Self {
            id: replay.id.as_str(),
            object: "florin.event_replay",
            count: details.count,
            created: replay.created,
            delivery_success: details.delivery_success,
            dry_run: details.dry_run,
            event: details.event.as_deref(),
            events_from: Timestamp(details.created_from),
            events_to: Timestamp(details.created_to),
            livemode: replay.livemode,
            max_per_second: details.max_per_second,
            status: replay.status,
            types: details.types.as_deref(),
            webhook_endpoint: replay.endpoint.as_str(),
        }
    }
}

/// An account at a payment processor; what opens it is never shown.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "florin.connector_account")
)]
pub struct ConnectorAccountResource<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// `florin.connector_account`
    pub object: Constant,
    /// The end of the secret that opens it.
    pub secret_key_last4: Option<&'a str>,
    /// Where the processor's API is, where it is not its usual address.
    pub base_url: Option<&'a str>,
    /// The processor, by the name of its connector, as `stripe`.
    pub connector: &'a str,
    /// When it was made.
    pub created: Timestamp,
    /// What the processor is agreed to keep of a payment; reports of another fee differ.
    pub fees: Option<ProcessorFees<'a>>,
    /// Whether it moves real money.
    pub livemode: bool,
    /// The merchant's own pairs.
    pub metadata: &'a Metadata,
    /// The account or profile within it, where the secret opens several.
    pub processor_account: Option<&'a str>,
    /// `active` or `disabled`. Payments go to the active account that was made first, unless a routing says where.
    pub status: connector_account::Status,
    /// What the processor's webhooks are believed under, the newest first.
    pub webhook_secrets: Vec<ConnectorWebhookSecret<'a>>,
}

/// What a processor is agreed to keep of a payment.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "florin.processor_fees")
)]
pub struct ProcessorFees<'a> {
    /// The share of it, in hundredths of a per cent.
    pub basis_points: u16,
    /// What is added to the share, in minor units by currency.
    #[cfg_attr(feature = "openapi", schemars(with = "BTreeMap<String, i64>"))]
    pub fixed: &'a BTreeMap<String, Amount>,
}

/// What a processor signs its webhooks with: its end alone.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "florin.connector_webhook_secret")
)]
pub struct ConnectorWebhookSecret<'a> {
    /// When it stops being believed; the newest does not.
    pub expires_at: Option<Timestamp>,
    /// The end of the secret.
    pub last4: Option<&'a str>,
}

impl<'a> From<&'a ConnectorAccount> for ConnectorAccountResource<'a> {
    fn from(account: &'a ConnectorAccount) -> Self {
        let details = &account.details;
        Self {
            id: account.id.as_str(),
            object: "florin.connector_account",
            secret_key_last4: details.secret_key_last4.as_deref(),
            base_url: details.base_url.as_deref(),
            connector: &account.connector,
            created: account.created,
            fees: details
                .fees
                .as_ref()
                .map(|fees| ProcessorFees { basis_points: fees.basis_points, fixed: &fees.fixed }),
            livemode: account.livemode,
            metadata: &details.metadata,
            processor_account: details.processor_account.as_deref(),
            status: account.status,
            webhook_secrets: details
                .webhook_secrets
                .iter()
                .map(|secret| ConnectorWebhookSecret {
                    expires_at: secret.expires_at,
                    last4: secret.last4.as_deref(),
                })
                .collect(),
        }
    }
}

/// What is left of an account at a payment processor that was deleted.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "deleted_florin.connector_account")
)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct ConnectorAccountDeleted<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub deleted: bool,
}

/// What a payment processor told unasked.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "florin.connector_webhook")
)]
pub struct ConnectorWebhookResource<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// `florin.connector_webhook`
    pub object: Constant,
    /// The account at the processor that it came from.
    pub connector_account: &'a str,
    /// When it came.
    pub created: Timestamp,
    /// Whether it is about real money.
    pub livemode: bool,
    /// Why a person should look at it.
    pub problem: Option<&'a str>,
    /// The processor's own name of the event, by which a second delivery is known.
    pub processor_event: &'a str,
    /// The processor's reference of what it is about.
    pub processor_reference: Option<&'a str>,
    /// `processed`, `ignored` where it says nothing new, or `parked` where a person should look.
    pub status: connector_webhook::Status,
    /// The event's type, in the processor's words.
    pub r#type: &'a str,
}

impl<'a> From<&'a ConnectorWebhook> for ConnectorWebhookResource<'a> {
    fn from(webhook: &'a ConnectorWebhook) -> Self {
        Self {
            id: webhook.id.as_str(),
            object: "florin.connector_webhook",
            connector_account: webhook.connector_account.as_str(),
            created: webhook.created,
            livemode: webhook.livemode,
            problem: webhook.problem.as_deref(),
            processor_event: &webhook.event,
            processor_reference: webhook.reference.as_deref(),
            status: webhook.status,
            r#type: &webhook.kind,
        }
    }
}

/// One try to move money at a payment processor.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "florin.payment_attempt")
)]
pub struct PaymentAttemptResource<'a> {
    /// Its identifier, and the key under which the processor knows it.
    pub id: &'a str,
    /// `florin.payment_attempt`
    pub object: Constant,
    /// How much, in minor units.
    pub amount: i64,
    /// Why a person has to look at it: the processor did otherwise than it was asked, or never said what it did.
    pub attention: Option<&'a str>,
    /// The charge that it is about, or was to make.
    pub charge: Option<&'a str>,
    /// The processor.
    pub connector: &'a str,
    /// The account at the processor; none at the built-in simulator.
    pub connector_account: Option<&'a str>,
    /// When it was made.
    pub created: Timestamp,
    /// The currency.
    pub currency: &'a str,
    /// Why the card was declined, where it was.
    pub decline_code: Option<&'a str>,
    /// Whether it moves real money.
    pub livemode: bool,
    /// What the card network advises after a decline, as `03`.
    pub network_advice_code: Option<&'a str>,
    /// The card network's own code for a decline, as `51`.
    pub network_decline_code: Option<&'a str>,
    /// The payment, unless the charge has none.
    pub payment_intent: Option<&'a str>,
    /// The processor's own code for why it did not do what was asked.
    pub processor_code: Option<&'a str>,
    /// The processor's own words.
    pub processor_message: Option<&'a str>,
    /// The processor's own reference.
    pub processor_reference: Option<&'a str>,
    /// How a person resolved it, where one had to.
    pub resolution: Option<AttemptResolution<'a>>,
    /// How it came to its account; none where no routing was asked.
    pub routing: Option<AttemptRouting<'a>>,
    /// Where it stands: `started` while nobody knows what the processor did.
    pub status: Constant,
    /// What was asked: `authorize`, `capture`, `increment`, `void` or `refund`.
    pub r#type: Constant,
}

/// How an attempt came to its account.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "florin.payment_attempt_routing")
)]
pub struct AttemptRouting<'a> {
    /// The attempt that was made in its stead.
    pub next: Option<&'a str>,
    /// Which attempt of its payment it is, from 1.
    pub number: i64,
    /// The attempt that it was made in the stead of.
    pub previous: Option<&'a str>,
    /// What came of that one.
    pub reason: Option<Reason>,
    /// The rule that matched; none where the default decided.
    pub rule: Option<&'a str>,
    /// The version of the routing.
    pub version: i64,
}

/// How a person resolved an attempt.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "florin.payment_attempt_resolution")
)]
pub struct AttemptResolution<'a> {
    /// Who resolved it: the API key, as it is shown.
    pub by: &'a str,
    /// What they had to say of it.
    pub note: &'a str,
    /// What they found at the processor.
    pub outcome: attempt::Found,
    /// In which request.
    pub request: Option<&'a str>,
    /// When.
    pub resolved_at: Timestamp,
}

impl<'a> From<&'a attempt::Attempt> for PaymentAttemptResource<'a> {
    fn from(attempt: &'a attempt::Attempt) -> Self {
        let charge = match &attempt.request {
            attempt::Request::Authorize(authorize) => Some(&authorize.charge),
            _ => attempt.charge.as_ref(),
        };
        let refusal = attempt.resolution.refusal.as_ref();
        Self {
            id: attempt.id.as_str(),
            object: "florin.payment_attempt",
            amount: attempt.amount.amount.minor_units(),
            attention: attempt.attention.as_deref(),
            charge: charge.map(|id| id.as_str()),
            connector: &attempt.connector,
            connector_account: attempt.connector_account.as_ref().map(|id| id.as_str()),
            created: attempt.created,
            currency: attempt.amount.currency.code(),
            decline_code: attempt
                .resolution
                .decline
                .map(|why| why.decline_code().unwrap_or(why.code())),
            livemode: attempt.livemode,
            network_advice_code: refusal.and_then(|said| said.network_advice_code.as_deref()),
            network_decline_code: refusal.and_then(|said| said.network_decline_code.as_deref()),
            payment_intent: attempt.payment_intent.as_ref().map(|id| id.as_str()),
            processor_code: refusal.and_then(|refusal| refusal.code.as_deref()),
            processor_message: refusal.and_then(|refusal| refusal.message.as_deref()),
            processor_reference: attempt.processor_reference.as_deref(),
            resolution: attempt.resolved.as_ref().map(|resolved| AttemptResolution {
                by: &resolved.by,
                note: &resolved.note,
                outcome: resolved.outcome,
                request: resolved.request.as_deref(),
                resolved_at: resolved.at,
            }),
            routing: attempt.route().map(|route| AttemptRouting {
                next: attempt.resolution.next.as_ref().map(|id| id.as_str()),
                number: route.number,
                previous: route.previous.as_ref().map(|id| id.as_str()),
                reason: route.reason,
                rule: route.rule.as_deref(),
                version: route.version,
            }),
            status: attempt.state.name(),
            r#type: attempt.request.kind(),
        }
    }
}
