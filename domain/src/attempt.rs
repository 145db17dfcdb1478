//! One try to move money at a processor: what was asked, under which key, and what came of it.
//!
//! The API's answer, the processor's webhook and our own recovery all report the same fact, so each
//! goes through the attempt: only the one that finds it open may resolve it.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use crate::card::Decline;
use crate::id::{
    AttemptId, ChargeId, ConnectorAccountId, CustomerId, PaymentIntentId, PaymentMethodId, RefundId,
};
use crate::kept;
use crate::money::Money;
use crate::payment_intent::CancellationReason;
use crate::payment_method::{PaymentMethod, ProcessorToken};
use crate::pricing::Terms;
use crate::routing::Route;
use crate::timestamp::Timestamp;

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// The processor may have been asked; nobody knows what it said.
    Started,
    /// The cardholder has to prove who they are.
    RequiresAction,
    /// The processor has it and will say later.
    Processing,
    /// It did what was asked.
    Succeeded,
    /// It refused.
    Failed,
    /// It was given up before it moved money.
    Canceled,
}

impl AttemptState {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Whether the processor's word is still to come.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Started | Self::RequiresAction | Self::Processing)
    }
}

/// What a processor is asked to do, with all that is needed to record its answer after a crash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Request {
    /// Hold or take money.
    Authorize(Box<Authorize>),
    /// Take held money.
    Capture {
        /// Whether the rest is released.
        is_final: bool,
        /// How what is taken is priced.
        terms: Box<Terms>,
    },
    /// Hold more: the attempt's amount is the new total.
    Increment,
    /// Release held money and end the intent.
    Void {
        /// Why, where someone said so.
        reason: Option<CancellationReason>,
    },
    /// Give taken money back.
    Refund {
        /// The refund that this carries out.
        refund: RefundId,
    },
}

impl Request {
    /// The name in the database.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Authorize(_) => "authorize",
            Self::Capture { .. } => "capture",
            Self::Increment => "increment",
            Self::Void { .. } => "void",
            Self::Refund { .. } => "refund",
        }
    }
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Capture {
            is_final: bool,
            #[serde(default)]
            terms: Box<Terms>,
        }
        #[derive(Deserialize)]
        struct Void {
            reason: Option<CancellationReason>,
        }
        #[derive(Deserialize)]
        struct Refund {
            refund: RefundId,
        }
        let (kind, fields) = kept::variant(deserializer, "kind")?;
        match kind.as_str() {
            "authorize" => kept::from_value(fields).map(Self::Authorize),
            "capture" => kept::from_value(fields)
                .map(|Capture { is_final, terms }| Self::Capture { is_final, terms }),
            "increment" => Ok(Self::Increment),
            "void" => kept::from_value(fields).map(|Void { reason }| Self::Void { reason }),
            "refund" => kept::from_value(fields).map(|Refund { refund }| Self::Refund { refund }),
            other => Err(kept::unknown_variant(other)),
        }
        .map_err(D::Error::custom)
    }
}

/// What an authorisation needs beyond its amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorize {
    /// The charge that it becomes.
    pub charge: ChargeId,
    /// Whether the money is taken at once.
    pub capture: bool,
    /// Whether the cardholder takes no part.
    pub off_session: bool,
    /// Whether the merchant wants a challenge wherever the card knows one.
    pub wants_challenge: bool,
    /// Whether a demand for a challenge is to be a decline.
    pub error_on_requires_action: bool,
    /// The payment method; its row is older than the attempt.
    pub payment_method: PaymentMethodId,
    /// Who pays.
    pub customer: Option<CustomerId>,
    /// Whether the card becomes the customer's when the payment succeeds.
    pub saves_card: bool,
    /// What the cardholder will read.
    pub calculated_statement_descriptor: Option<String>,
    /// What the cardholder did with the challenge, once there was one.
    #[serde(default)]
    pub challenge: Option<ChallengeResult>,
    /// When Florin noticed that the cardholder was back from it, which may be a while later: nothing is held before they
    /// were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenged_at: Option<Timestamp>,
    /// Whether the request brought a security code: it is kept nowhere, so that the client alone can send it
    /// again.
    #[serde(default)]
    pub with_cvc: bool,
    /// Whether the processor is to remember the card.
    #[serde(default)]
    pub remembers: bool,
    /// What a real processor is told of the payment.
    #[serde(default, skip_serializing_if = "Purpose::is_empty")]
    pub purpose: Purpose,
    /// How what is taken is priced.
    #[serde(default)]
    pub terms: Terms,
    /// How it came to its account; none where no routing document was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Box<Route>>,
    /// A charge made without an intent carries its own details.
    pub legacy_charge: Option<crate::charge::Details>,
}

/// What a payment is for, by the names that Stripe's API has for it, as `shipping[address][line1]`. It is as it was said
/// when the attempt began: a request that is sent again has to be the same, whatever is said since.
pub type Purpose = BTreeMap<String, String>;

/// What a cardholder did with a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeResult {
    /// They proved who they are.
    Completed,
    /// They did not.
    Failed,
}

/// What a resolved attempt has to say, for a retry that must get the same answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resolution {
    /// Why it failed.
    pub decline: Option<Decline>,
    /// The failed charge, where one was made.
    pub failed_charge: Option<ChargeId>,
    /// What the processor said, where it did not do what was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// The attempt that was made instead, at another account or with a challenge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<AttemptId>,
}

/// What a processor said that did not do what was asked, in its own words and those of the card network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Refusal {
    /// The processor's own code.
    pub code: Option<String>,
    /// The processor's own words.
    pub message: Option<String>,
    /// What the processor advises.
    pub advice_code: Option<String>,
    /// The network's code for the decline, as `51`.
    pub network_decline_code: Option<String>,
    /// What the network advises, as `03`.
    pub network_advice_code: Option<String>,
}

/// One try to move money at a processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its identifier, and the key under which the processor knows it.
    pub id: AttemptId,
    /// Whether it moves real money.
    pub livemode: bool,
    /// Where it stands.
    pub state: AttemptState,
    /// The connector that was asked.
    pub connector: String,
    /// The account at its processor; none at the built-in simulator.
    pub connector_account: Option<ConnectorAccountId>,
    /// The processor's own reference, once it gave one.
    pub processor_reference: Option<String>,
    /// The intent, unless it is a charge or refund without one.
    pub payment_intent: Option<PaymentIntentId>,
    /// The charge that a capture, void or refund is about.
    pub charge: Option<ChargeId>,
    /// How much.
    pub amount: Money,
    /// What was asked.
    pub request: Request,
    /// By what the processor remembers the card, where it is asked with that instead of the card's number.
    pub token: Option<ProcessorToken>,
    /// What came of it.
    pub resolution: Resolution,
    /// When it was made: the earliest moment at which the processor may have seen it, from which on processors
    /// remember its key.
    pub created: Timestamp,
    /// Why a person has to look at it. Its processor is asked after it once a day until then.
    pub attention: Option<String>,
    /// How a person resolved it, where one had to.
    pub resolved: Option<Resolved>,
}

impl Attempt {
    /// Whether the processor may be asked with what it remembers the card by: a security code goes with the number.
    pub fn takes_token(&self) -> bool {
        matches!(&self.request, Request::Authorize(authorize) if !authorize.with_cvc)
            && self.connector_account.is_some()
    }

    /// Has the processor asked with what it remembers the card by, where that may be.
    pub fn take_token(&mut self, method: Option<&PaymentMethod>) {
        if let (Some(method), Some(account), true) =
            (method, &self.connector_account, self.takes_token())
        {
            self.token = method.token_at(account);
        }
    }

    /// How it came to its account; none where no routing document was asked.
    pub fn route(&self) -> Option<&Route> {
        match &self.request {
            Request::Authorize(authorize) => authorize.route.as_deref(),
            _ => None,
        }
    }
}

/// How an attempt was resolved that was left to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// What they found.
    pub outcome: Found,
    /// Who said so: the key, as it is shown.
    pub by: String,
    /// In which request.
    pub request: Option<String>,
    /// When.
    pub at: Timestamp,
    /// What they had to say of it.
    pub note: String,
}

/// What a person found who looked at an attempt at its processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "payment_attempt_resolution_outcome")
)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// The processor did what it was asked, or it was done by hand.
    Succeeded,
    /// The processor did not do it, or it was taken back by hand.
    Failed,
    /// The processor never received it. What turns up all the same goes back.
    NotReceived,
    /// What was left to do for an attempt that was over already is done.
    Handled,
}
