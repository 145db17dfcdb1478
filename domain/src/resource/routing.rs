//! A routing: where payments go, and why one would go where it goes.

use serde::Serialize;

use super::Constant;
use crate::routing::health::Breaker;
use crate::routing::{Choice, Document, Routing, Rule, Use};
use crate::timestamp::Timestamp;

/// One version of where a merchant's payments go; it never changes.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "florin.routing"))]
pub struct Resource<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// `florin.routing`
    pub object: Constant,
    /// When it was published.
    pub created: Timestamp,
    /// Where payments go that no rule matches.
    pub default: &'a Use,
    /// Whether it is about real money.
    pub livemode: bool,
    /// How often one payment is tried at most.
    pub max_attempts: i64,
    /// Whether a decline that another processor may see otherwise is a reason for another try.
    pub retry_declines: bool,
    /// Looked at in their order; the first that matches decides.
    pub rules: &'a [Rule],
    /// Whether a card whose issuer wants to see the cardholder is tried once more with a challenge.
    pub step_up: bool,
    /// Counts the versions, from 1; the newest counts.
    pub version: i64,
}

impl<'a> From<&'a Routing> for Resource<'a> {
    fn from(routing: &'a Routing) -> Self {
        let Document { rules, default, max_attempts, retry_declines, step_up } = &routing.document;
        Self {
            id: routing.id.as_str(),
            object: "florin.routing",
            created: routing.created,
            default,
            livemode: routing.livemode,
            max_attempts: *max_attempts,
            retry_declines: *retry_declines,
            rules,
            step_up: *step_up,
            version: routing.version,
        }
    }
}

/// Why a payment would go where it goes.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "florin.routing_dry_run")
)]
pub struct DryRun<'a> {
    /// `florin.routing_dry_run`
    pub object: Constant,
    /// The accounts that it is tried at, in their order. The first is asked; the others are asked only where the one
    /// before did nothing.
    pub accounts: Vec<DryRunAccount<'a>>,
    /// Whether it is about real money.
    pub livemode: bool,
    /// How often it is tried at most.
    pub max_attempts: i64,
    /// The rule that decides; none for the default.
    pub rule: Option<&'a str>,
    /// The rules that were looked at, in their order.
    pub steps: Vec<DryRunStep<'a>>,
    /// The version that was asked.
    pub version: i64,
}

/// An account that a payment would be tried at.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "florin.routing_dry_run_account")
)]
pub struct DryRunAccount<'a> {
    /// The account.
    pub connector_account: &'a str,
    /// `closed` where it is well, `open` where it is out, `half_open` where it is probed by a few payments.
    pub health: Breaker,
}

/// A rule that was looked at.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "florin.routing_dry_run_step")
)]
pub struct DryRunStep<'a> {
    /// Whether it decides.
    pub matches: bool,
    /// Why it does not.
    pub mismatch: Option<String>,
    /// Its name.
    pub rule: &'a str,
}

impl<'a> DryRun<'a> {
    /// What a version chose, with the health of the accounts.
    pub fn new(
        routing: &Routing,
        choice: &'a Choice<'_>,
        health: impl Fn(&str) -> Breaker,
    ) -> Self {
        let account = |id: &'a str| DryRunAccount { connector_account: id, health: health(id) };
        Self {
            object: "florin.routing_dry_run",
            accounts: choice.accounts.iter().map(|id| account(id.as_str())).collect(),
            livemode: routing.livemode,
            max_attempts: routing.document.max_attempts,
            rule: choice.rule,
            steps: choice
                .steps
                .iter()
                .map(|step| DryRunStep {
                    matches: step.mismatch.is_none(),
                    mismatch: step.mismatch.as_ref().map(ToString::to_string),
                    rule: step.rule,
                })
                .collect(),
            version: routing.version,
        }
    }
}
