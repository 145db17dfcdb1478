//! What the processor tells unasked, and the disputes of which it tells by nothing else.

use serde_json::{Value, json};

use super::{Payment, Processor, Refund, hyperswitch, is_hyperswitch};
use crate::notices::Notice;

/// A dispute, as the processor knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// Its own id.
    pub id: String,
    /// Of which payment.
    pub payment: String,
    /// How much.
    pub amount: i64,
    /// Where it stands, in Stripe's words.
    pub status: &'static str,
}

impl Dispute {
    /// What it keeps from the merchant.
    pub fn kept(&self) -> i64 {
        if self.status == "won" { 0 } else { self.amount }
    }
}

impl Processor {
    /// The disputes.
    pub fn disputes(&self) -> &[Dispute] {
        &self.disputes
    }

    /// What it had to tell since the last call, in the order in which it happened.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    fn tell(&mut self, account: &str, kind: &str, object: Value) {
        self.told += 1;
        let (account, kind) = (account.to_owned(), kind.to_owned());
        let event = format!("evt_{}", self.told);
        // The world knows when.
        self.notices.push(Notice { account, event, kind, object, created: 0 });
    }

    /// Tells where a payment stands.
    pub(super) fn tell_of_payment(&mut self, place: usize) {
        let payment = &self.payments[place];
        let kind = match payment.status {
            "requires_capture" => "payment_intent.amount_capturable_updated".to_owned(),
            "requires_payment_method" => "payment_intent.payment_failed".to_owned(),
            status => format!("payment_intent.{status}"),
        };
        let account = payment.account.clone();
        if is_hyperswitch(&account) {
            let object = hyperswitch::payment(payment);
            return self.tell(
                &account,
                &format!("payment_{}", self.payments[place].status),
                object,
            );
        }
        let mut shown = payment.shown();
        // What an event is about never holds other objects.
        shown["latest_charge"] = json!(format!("ch_of_{}", payment.id));
        self.tell(&account, &kind, shown);
    }

    /// Tells of a refund, and of what went back in all.
    pub(super) fn tell_of_refund(&mut self, refund: &Refund, kind: &str) {
        let Some(paid) = self.payment(&refund.payment) else { return };
        let given: i64 = self.refunds(&refund.payment).map(Refund::given).sum();
        let account = paid.account.clone();
        if is_hyperswitch(&account) {
            let kind = if refund.status == "failed" { "refund_failed" } else { "refund_succeeded" };
            return self.tell(&account, kind, hyperswitch::refund(refund));
        }
        let charge = json!({
            "id": format!("ch_of_{}", paid.id), "object": "charge", "amount_refunded": given,
            "currency": paid.currency, "payment_intent": paid.id,
        });
        self.tell(&account, "charge.refunded", charge);
        self.tell(&account, kind, refund.shown());
    }

    /// The cardholder of a payment asks for so much of it back through their bank.
    pub fn dispute(&mut self, payment: &str, share: i64) -> Option<String> {
        let given: i64 = self.refunds(payment).map(Refund::given).sum();
        let paid = self.payment(payment)?;
        let is_disputed = self.disputes.iter().any(|known| known.payment == payment);
        let amount = (paid.taken - given) * share / 100;
        if is_disputed || amount <= 0 {
            return None;
        }
        let id = format!("du_{}", self.disputes.len() + 1);
        let status = "needs_response";
        self.disputes.push(Dispute { id: id.clone(), payment: payment.to_owned(), amount, status });
        self.tell_of_dispute(self.disputes.len() - 1, "charge.dispute.created");
        Some(id)
    }

    /// A dispute goes on.
    pub fn move_dispute(&mut self, id: &str, status: &'static str) {
        let Some(place) = self.disputes.iter().position(|known| known.id == id) else { return };
        self.disputes[place].status = status;
        let is_over = matches!(status, "won" | "lost");
        let kind = if is_over { "charge.dispute.closed" } else { "charge.dispute.updated" };
        self.tell_of_dispute(place, kind);
    }

    fn tell_of_dispute(&mut self, place: usize, kind: &str) {
        let dispute = &self.disputes[place];
        let Some(paid) = self.payment(&dispute.payment) else { return };
        if is_hyperswitch(&paid.account) {
            let object = hyperswitch::dispute(dispute, &paid.currency);
            let (account, kind) = (paid.account.clone(), object["dispute_status"].clone());
            return self.tell(&account, kind.as_str().unwrap_or_default(), object);
        }
        let object = json!({
            "id": dispute.id, "object": "dispute", "amount": dispute.amount,
            "currency": paid.currency, "payment_intent": paid.id, "status": dispute.status,
            "reason": "fraudulent",
            "payment_method_details": { "card": { "network_reason_code": "10.4" } },
            "evidence_details": { "due_by": 1_800_000_000 },
        });
        let account = paid.account.clone();
        self.tell(&account, kind, object);
    }

    /// Whether a payment is disputed, so that nothing of it can be given back.
    pub(super) fn is_disputed(&self, payment: &str) -> bool {
        self.disputes.iter().any(|known| known.payment == payment && known.status != "won")
    }
}

impl Payment {
    /// Whether it can be disputed.
    pub fn is_taken(&self) -> bool {
        self.taken > 0 && self.status == "succeeded"
    }
}
