//! Which account a document sends a payment to, and why.

use std::fmt;

use super::document::{Document, Use, When};
use super::health::Breaker;
use crate::id::{ConnectorAccountId, keyed_digest};
use crate::metadata::Metadata;
use crate::money::Money;

/// What a document may ask about a payment.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The payment's id: what share it falls into is drawn by it.
    pub payment: &'a str,
    /// How much.
    pub amount: Money,
    /// The card's network.
    pub brand: &'a str,
    /// The issuer's country, where known.
    pub country: Option<&'a str>,
    /// How the holder pays the issuer.
    pub funding: &'a str,
    /// The payment's own pairs.
    pub metadata: &'a Metadata,
    /// Whether the cardholder takes no part.
    pub off_session: bool,
    /// Whether a customer kept the card before.
    pub saved: bool,
}

/// Why a rule does not match: the first of its conditions that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The value of a fact is none of those that are named.
    Other {
        /// The condition.
        condition: &'static str,
        /// What the payment has.
        found: String,
    },
    /// The payment lacks a pair in its metadata.
    Metadata(String),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other { condition, found } => {
                write!(formatter, "The payment's {condition} is {found}.")
            }
            Self::Metadata(key) => {
                write!(formatter, "The payment's metadata has another {key}, or none.")
            }
        }
    }
}

/// A rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<'d> {
    /// Its name.
    pub rule: &'d str,
    /// Why it does not match; none where it decides.
    pub mismatch: Option<Mismatch>,
}

/// Where a payment goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice<'d> {
    /// The rule that decides; none for the default.
    pub rule: Option<&'d str>,
    /// The active accounts, in the order in which they are tried; none where none of those named is active.
    pub accounts: Vec<ConnectorAccountId>,
    /// The rules that were looked at, in their order.
    pub steps: Vec<Step<'d>>,
}

impl Document {
    /// Chooses the accounts of a payment. Those that are not active are passed over, and those that are out come
    /// after those that are not: where all are out, the first is tried all the same. The health of those behind the one that
    /// it goes to is taken as it is known, and not asked for: a breaker lets few probe, and these send nothing.
    pub fn choose(
        &self,
        facts: &Facts<'_>,
        is_active: impl Fn(&ConnectorAccountId) -> bool,
        health: impl Fn(&ConnectorAccountId, bool) -> Breaker,
    ) -> Choice<'_> {
        let mut steps = Vec::new();
        for rule in &self.rules {
            let mismatch = rule.when.mismatch(facts);
            let matches = mismatch.is_none();
            steps.push(Step { rule: &rule.name, mismatch });
            if matches {
                let accounts = rule.r#use.order(&rule.name, facts.payment, &is_active, &health);
                return Choice { rule: Some(&rule.name), accounts, steps };
            }
        }
        let accounts = self.default.order("", facts.payment, &is_active, &health);
        Choice { rule: None, accounts, steps }
    }
}

impl When {
    /// Why a payment is none of those that are meant.
    fn mismatch(&self, facts: &Facts<'_>) -> Option<Mismatch> {
        let other = |condition, found: &str| {
            let found = found.to_owned();
            Some(Mismatch::Other { condition, found })
        };
        let lacks = |named: &[String], found: &str| {
            !named.is_empty() && !named.iter().any(|one| one == found)
        };
        let currency = facts.amount.currency.code();
        if lacks(&self.currency, currency) {
            return other("currency", currency);
        }
        let amount = facts.amount.amount.minor_units();
        if let Some(bounds) = &self.amount
            && (bounds.min.is_some_and(|min| amount < min)
                || bounds.max.is_some_and(|max| amount > max))
        {
            return other("amount", &amount.to_string());
        }
        if let Some(card) = &self.card {
            let country = facts.country.unwrap_or("unknown");
            let conditions = [
                ("card country", &card.country, country),
                ("card brand", &card.brand, facts.brand),
                ("card funding", &card.funding, facts.funding),
            ];
            for (condition, named, found) in conditions {
                if lacks(named, found) {
                    return other(condition, found);
                }
            }
        }
        for (condition, wanted, found) in [
            ("off_session", self.off_session, facts.off_session),
            ("saved", self.saved, facts.saved),
        ] {
            if wanted.is_some_and(|wanted| wanted != found) {
                return other(condition, if found { "true" } else { "false" });
            }
        }
        let has = |key: &str, value: &str| facts.metadata.iter().any(|pair| pair == (key, value));
        let missing = self.metadata.iter().find(|(key, value)| !has(key, value));
        missing.map(|(key, _)| Mismatch::Metadata(key.clone()))
    }
}

impl Use {
    fn order(
        &self,
        rule: &str,
        payment: &str,
        is_active: &impl Fn(&ConnectorAccountId) -> bool,
        health: &impl Fn(&ConnectorAccountId, bool) -> Breaker,
    ) -> Vec<ConnectorAccountId> {
        let drawn = self.drawn(draw(&["split", rule, payment]), is_active);
        let others = self.accounts().filter(|account| Some(*account) != drawn);
        let named = drawn.into_iter().chain(others).filter(|account| is_active(account));
        let mut is_asked = true;
        let is_well = |account: &&ConnectorAccountId| {
            let is_well = health(account, is_asked) != Breaker::Open;
            is_asked &= !is_well;
            is_well
        };
        let (well, out): (Vec<_>, Vec<_>) = named.partition(is_well);
        well.into_iter().chain(out).cloned().collect()
    }

    /// The account whose share of the active ones a draw falls into; none where nothing is shared out.
    fn drawn(
        &self,
        draw: u64,
        is_active: &impl Fn(&ConnectorAccountId) -> bool,
    ) -> Option<&ConnectorAccountId> {
        let active = || self.split.iter().filter(|share| is_active(&share.connector_account));
        let weight = |weight: i64| u64::try_from(weight).unwrap_or(0);
        let total = active().fold(0_u64, |sum, share| sum.saturating_add(weight(share.weight)));
        let mut rest = draw.checked_rem(total)?;
        for share in active() {
            match rest.checked_sub(weight(share.weight)) {
                Some(less) => rest = less,
                None => return Some(&share.connector_account),
            }
        }
        None
    }
}

/// A number that looks random, and is always the same for the same texts.
fn draw(parts: &[&str]) -> u64 {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    let digest = keyed_digest(b"routing", &parts);
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}
