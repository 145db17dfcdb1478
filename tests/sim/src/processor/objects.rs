//! Payments and refunds as the processor knows them, and as it shows them.

use serde_json::{Value, json};

use super::requests::decline;

/// A payment, as the processor knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Its own id.
    pub id: String,
    /// Our key.
    pub key: String,
    /// The account that it was made in.
    pub account: String,
    /// What was asked for, in minor units.
    pub amount: i64,
    /// The currency.
    pub currency: String,
    /// Where it stands, in Stripe's words.
    pub status: &'static str,
    /// What was taken.
    pub taken: i64,
    /// Whether money was ever taken or held.
    pub has_moved: bool,
    /// Whether it was made otherwise than it was asked for.
    pub is_misread: bool,
    /// Whether a security code came with it.
    pub has_code: bool,
    /// Whether the money is taken as soon as it can be.
    pub(super) takes: bool,
    /// When it can be found by a search.
    pub(super) found_at: i64,
    /// Why it was declined.
    pub(super) declined: Option<&'static str>,
}

impl Payment {
    /// What it still holds.
    pub fn held(&self) -> i64 {
        if self.status == "requires_capture" { self.amount - self.taken } else { 0 }
    }

    pub(super) fn shown(&self) -> Value {
        let error = self.declined.map(decline);
        let action = (self.status == "requires_action").then(|| {
            json!({ "type": "redirect_to_url",
                    "redirect_to_url": { "url": format!("https://bank.example.com/{}", self.id) } })
        });
        json!({
            "id": self.id, "object": "payment_intent", "amount": self.amount, "currency": self.currency,
            "status": self.status, "amount_received": self.taken, "amount_capturable": self.held(),
            "metadata": { "florin_key": self.key }, "last_payment_error": error, "next_action": action,
        })
    }

    pub(super) fn confirm(&mut self) {
        self.has_moved = true;
        self.status = if self.takes { "succeeded" } else { "requires_capture" };
        self.taken = if self.takes { self.amount } else { 0 };
    }
}

/// A refund, as the processor knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Its own id.
    pub id: String,
    /// Our key.
    pub key: String,
    /// Of which payment.
    pub payment: String,
    /// How much.
    pub amount: i64,
    /// Where it stands, in Stripe's words.
    pub status: &'static str,
    pub(super) currency: String,
}

impl Refund {
    /// What went back, or is on its way.
    pub fn given(&self) -> i64 {
        if matches!(self.status, "failed" | "canceled") { 0 } else { self.amount }
    }

    pub(super) fn shown(&self) -> Value {
        json!({
            "id": self.id, "object": "refund", "amount": self.amount, "currency": self.currency,
            "status": self.status, "payment_intent": self.payment,
            "metadata": { "florin_key": self.key },
            "failure_reason": (self.status == "failed").then_some("lost_or_stolen_card"),
        })
    }
}
