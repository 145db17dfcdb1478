//! Routing: to which account at a processor a payment goes, as its merchant's document says.
//!
//! A document is ordered rules and a default; the first rule that matches decides. What it decides depends on
//! nothing but the document, the payment and which accounts are well, so that it can be explained and repeated.

mod check;
mod choose;
mod document;
pub mod health;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "the model counts far below its range")]
mod tests;

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::connector_account::ConnectorAccount;
use crate::id::{AttemptId, ConnectorAccountId, RoutingId};
use crate::timestamp::Timestamp;

pub use choose::{Choice, Facts, Mismatch, Step};
pub use document::{Bounds, CardIs, Document, Rule, Share, Use, When};

/// The most tries that a document may allow a payment.
pub const MOST_ATTEMPTS: i64 = 3;

/// One version of a merchant's document, which never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// Its identifier.
    pub id: RoutingId,
    /// Whether it is about real money.
    pub livemode: bool,
    /// When it was published.
    pub created: Timestamp,
    /// Counts the documents of a merchant and mode, from 1.
    pub version: i64,
    /// What it says.
    pub document: Document,
}

/// Where a merchant's payments can go, in one mode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// The accounts that are active, the one that was made first at the beginning.
    pub accounts: Vec<Rc<ConnectorAccount>>,
    /// The document that says which of them; without one, it is the first.
    pub document: Option<(i64, Document)>,
    /// The version that counts where this version of Florin cannot read it, as one of a later: nobody knows then where
    /// payments are to go.
    pub unreadable: Option<i64>,
}

impl Routes {
    /// An active account.
    pub fn account(&self, id: &ConnectorAccountId) -> Option<&Rc<ConnectorAccount>> {
        self.accounts.iter().find(|account| account.id == *id)
    }
}

/// How a payment came to the account of its attempt, and where it may go if that one does nothing for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The version of the document.
    pub version: i64,
    /// The rule that matched; none where the default decided.
    pub rule: Option<String>,
    /// Which attempt of its payment it is, from 1.
    pub number: i64,
    /// How many tries there may be yet.
    pub left: i64,
    /// Where the next tries go, in their order.
    pub others: Vec<ConnectorAccountId>,
    /// Whether a decline that another processor may see otherwise is a reason for another try.
    pub retries_declines: bool,
    /// Whether a card whose issuer wants to see the cardholder is tried once more with a challenge.
    pub steps_up: bool,
    /// Why it was tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The try before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<AttemptId>,
}

/// Why a payment is tried again: what came of the try before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "payment_attempt_routing_reason")
)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The issuer said no, in a way that it may say yes to another processor.
    Declined,
    /// The issuer wants to see the cardholder.
    AuthenticationRequired,
    /// The processor takes no requests just now.
    Throttled,
    /// The processor refused the account's secret, or the request.
    Refused,
}
