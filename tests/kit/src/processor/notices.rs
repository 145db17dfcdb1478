//! What the processor tells unasked, signed as Stripe signs it.

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Books, Processor};

impl Processor {
    /// The bodies of what it had to tell since the last call, in the order in which it happened.
    pub fn take_notices(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut().notices)
    }

    /// The body of an event about an object, under a name of its own.
    pub fn notice(event: &str, kind: &str, object: &Value) -> String {
        let data = json!({ "object": object });
        json!({ "id": event, "object": "event", "type": kind, "data": data }).to_string()
    }

    /// The header that signs a body with each of these secrets at a moment, in seconds.
    ///
    /// # Panics
    /// Never: HMAC takes keys of every length.
    pub fn sign(body: &str, secrets: &[&str], at: i64) -> String {
        let signature = |secret: &&str| {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
            mac.update(format!("{at}.{body}").as_bytes());
            format!(",v1={}", hex::encode(mac.finalize().into_bytes()))
        };
        format!("t={at}{}", secrets.iter().map(signature).collect::<String>())
    }

    /// Gives money back that nobody asked for through our API, as in the processor's own pages, and returns the refund.
    ///
    /// # Panics
    /// When there is no such payment.
    pub fn give_back(&self, id: &str, amount: i64, status: &str) -> Value {
        self.show_refund(id, amount, status, "refund")
    }

    /// Tells of what a capture left and let go of as a refund, as Stripe does to whoever captures with a version of its
    /// API from before 2025-03-31.
    ///
    /// # Panics
    /// When there is no such payment.
    pub fn tell_release(&self, id: &str) {
        let paid = self.payments().into_iter().find(|paid| paid.id == id).expect("a payment");
        self.show_refund(id, paid.amount - paid.taken, "succeeded", "partial_capture_reversal");
    }

    fn show_refund(&self, id: &str, amount: i64, status: &str, category: &'static str) -> Value {
        let mut books = self.0.borrow_mut();
        let place = books.refunds.len() + 1;
        let released = if category == "refund" { 0 } else { amount };
        let paid = books.payments.iter_mut().find(|paid| paid.id == id).expect("a payment");
        paid.refunded += amount - released;
        let charge = json!({
            "id": format!("ch_of_{id}"),
            "object": "charge",
            "amount": paid.amount,
            "amount_captured": paid.amount - released,
            "amount_refunded": paid.refunded + released,
            "currency": paid.currency,
            "payment_intent": id,
        });
        let booked = format!("txn_{place}");
        let refund = json!({
            "id": format!("re_{place}"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": booked,
            "currency": charge["currency"],
            "metadata": {},
            "payment_intent": id,
            "status": status,
        });
        books.refunds.push(refund.clone());
        books.categories.insert(booked, category);
        books.tell("charge.refunded", &charge);
        books.tell("refund.created", &refund);
        refund
    }
}

impl Books {
    pub(super) fn tell(&mut self, kind: &str, object: &Value) {
        let event = format!("evt_{}", self.told + 1);
        self.told += 1;
        self.notices.push(Processor::notice(&event, kind, object));
    }

    pub(super) fn tell_of_payment(&mut self, id: &str) {
        let paid = self.payments.iter().find(|paid| paid.id == id).expect("a payment");
        let kind = match paid.status.as_str() {
            "requires_capture" => "payment_intent.amount_capturable_updated",
            "requires_payment_method" => "payment_intent.payment_failed",
            status => &format!("payment_intent.{status}"),
        };
        let (kind, mut shown) = (kind.to_owned(), self.shown(paid));
        // What an event is about never holds other objects.
        shown["latest_charge"] = json!(format!("ch_of_{id}"));
        self.tell(&kind, &shown);
    }
}
