//! What clients were told: each of them may rely on it, so it has to hold in the end.

use std::collections::{BTreeMap, BTreeSet};

/// What clients were told.
#[derive(Debug, Default)]
pub struct Told {
    /// The payments that they heard of, by their intents' ids.
    pub intents: BTreeMap<String, Intent>,
    /// The refunds that they were told are made, by their ids: of which intent, and how much.
    pub refunds: BTreeMap<String, (String, i64)>,
    /// The lines of reports that may have arrived, by the account at the processor and their names.
    pub lines: BTreeSet<(String, String)>,
    /// How often they heard that something was done, by the last word of its path.
    pub done: BTreeMap<String, u64>,
    /// What no client should have been told.
    pub problems: Vec<String>,
    /// How many orders came to their end, one way or another.
    pub driven: u64,
    /// How many of them were paid.
    pub payments: u64,
    /// How many orders each merchant has under way; none of those who have none.
    under_way: BTreeMap<String, u64>,
    /// How many merchants had orders under way at once, at most.
    pub merchants_at_once: usize,
}

/// A payment that a client heard of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intent {
    /// Whose it is.
    pub account: String,
    /// What it is to pay.
    pub amount: i64,
    /// The most that the client was told was taken.
    pub taken: i64,
    /// Whether it was told that it is canceled.
    pub is_canceled: bool,
}

impl Told {
    /// A merchant's order begins.
    pub fn begins(&mut self, account: &str) {
        *self.under_way.entry(account.to_owned()).or_default() += 1;
        self.merchants_at_once = self.merchants_at_once.max(self.under_way.len());
    }

    /// A merchant's order came to its end.
    pub fn ends(&mut self, account: &str) {
        self.driven += 1;
        if let Some(orders) = self.under_way.get_mut(account) {
            *orders -= 1;
        }
        self.under_way.retain(|_, orders| *orders > 0);
    }

    /// A client was shown an intent.
    pub fn shown(&mut self, account: &str, intent: &serde_json::Value) {
        let Some(id) = intent["id"].as_str().filter(|id| id.starts_with("pi_")) else { return };
        let known = self.intents.entry(id.to_owned()).or_default();
        account.clone_into(&mut known.account);
        let number = |name: &str| intent[name].as_i64().unwrap_or_default();
        known.amount = number("amount");
        known.is_canceled |= intent["status"] == "canceled";
        let taken = number("amount_received");
        if intent["status"] == "succeeded" && taken == 0 {
            self.problems
                .push(format!("I1: {id} was shown succeeded without having taken anything"));
        }
        known.taken = known.taken.max(taken);
    }
}
