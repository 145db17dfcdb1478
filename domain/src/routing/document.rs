//! What a routing document says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::ConnectorAccountId;

/// Which payments go where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Looked at in their order; the first that matches decides.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Where payments go that no rule matches.
    pub default: Use,
    /// How often one payment is tried at most.
    pub max_attempts: i64,
    /// Whether a decline that another processor may see otherwise is a reason for another try.
    pub retry_declines: bool,
    /// Whether a card whose issuer wants to see the cardholder is tried once more with a challenge.
    pub step_up: bool,
}

/// Where the payments go that meet its conditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "routing_rule"))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What payments and people know it by.
    pub name: String,
    /// Where they go.
    pub r#use: Use,
    /// What they have to be; each condition that is named has to hold.
    #[serde(default)]
    pub when: When,
}

/// Conditions on a payment. A list holds where it has the payment's value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "routing_when"))]
#[serde(deny_unknown_fields)]
pub struct When {
    /// How much, in minor units of the one currency that the rule names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Bounds>,
    /// What the card is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardIs>,
    /// The currencies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub currency: Vec<String>,
    /// Pairs that the payment has in its metadata.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Whether the cardholder takes no part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_session: Option<bool>,
    /// Whether a customer kept the card before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<bool>,
}

/// Bounds of an amount; both belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "routing_amount"))]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// The largest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    /// The smallest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
}

/// Conditions on a card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "routing_card"))]
#[serde(deny_unknown_fields)]
pub struct CardIs {
    /// The networks, as `visa`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub brand: Vec<String>,
    /// The issuers' countries, as `DE`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub country: Vec<String>,
    /// `credit`, `debit`, `prepaid` or `unknown`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub funding: Vec<String>,
}

/// The accounts that payments go to: either in the order of `priority`, or shared out by `split`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "routing_use"))]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// Payments go to the first that is active and well; the others are where they go otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schemars(with = "Vec<String>"))]
    pub priority: Vec<ConnectorAccountId>,
    /// Each account gets its share of the payments; the others are where they go otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub split: Vec<Share>,
}

/// How large a share of payments an account gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "routing_share"))]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// The account.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    pub connector_account: ConnectorAccountId,
    /// Its part of the sum of all weights.
    pub weight: i64,
}

impl Use {
    /// Its accounts, in the order in which they are written.
    pub fn accounts(&self) -> impl Iterator<Item = &ConnectorAccountId> {
        self.priority.iter().chain(self.split.iter().map(|share| &share.connector_account))
    }
}

impl Document {
    /// The places of its accounts, the default's at the end, each with the parameter that names it.
    pub fn uses(&self) -> impl Iterator<Item = (String, &Use)> {
        let of_rules = self.rules.iter().enumerate();
        of_rules
            .map(|(place, rule)| (format!("rules[{place}][use]"), &rule.r#use))
            .chain([("default".to_owned(), &self.default)])
    }

    /// Whether one of its conditions is about the card or who keeps it.
    pub fn asks_for_the_card(&self) -> bool {
        self.rules.iter().any(|rule| rule.when.card.is_some() || rule.when.saved.is_some())
    }
}
