//! The processor's own truth against the rows.

use std::collections::{BTreeMap, BTreeSet};

use store::Row;

use super::{Books, number, parsed, text};
use crate::processor::Payment;
use crate::world::World;

impl Books {
    /// I1, I2 and I8: what the processor took, holds and gave back is what the rows say.
    pub(super) fn processor_agrees(&self, world: &World, problems: &mut Vec<String>) {
        let processor = world.processor.borrow();
        let mut given: BTreeMap<&str, i64> = BTreeMap::new();
        for refund in processor.all_refunds() {
            *given.entry(&refund.payment).or_default() += refund.given();
        }
        let mut paid: BTreeMap<&str, Vec<&Payment>> = BTreeMap::new();
        let mut keys = BTreeSet::new();
        for payment in processor.payments() {
            if !keys.insert(&payment.key) {
                problems.push(format!("I1: the key {} made two payments", payment.key));
            }
            let Some(attempt) = self.attempts.get(&payment.key) else {
                problems.push(format!("I8: nobody knows of the payment {payment:?}"));
                continue;
            };
            let hook = world.notices.borrow().hooks.get(&payment.account).cloned();
            if hook.is_none_or(|hook| hook.connector_account != text(attempt, "connector_account"))
            {
                problems.push(format!("I8: {payment:?} is in another account than {attempt:?}"));
            }
            if parsed(attempt, "request")["with_cvc"] == true && !payment.has_code {
                problems.push(format!("I1: {payment:?} was asked for without its security code"));
            }
            let next = &parsed(attempt, "resolution")["next"];
            if payment.has_moved && !next.is_null() {
                problems.push(format!("I1: {payment:?} was made, and tried elsewhere as {next}"));
            }
            let given = given.get(payment.id.as_str()).copied().unwrap_or_default();
            if given > payment.taken {
                problems.push(format!("I2: more went back than was taken: {given} of {payment:?}"));
            }
            let is_parked = !text(attempt, "attention").is_empty();
            let stands = payment.held() > 0 || payment.taken > given;
            if stands && !is_parked {
                paid.entry(text(attempt, "payment_intent")).or_default().push(payment);
            }
            if text(attempt, "state") == "succeeded" {
                self.charge_agrees(attempt, payment, given, problems);
            } else if stands && !is_parked {
                let state = text(attempt, "state");
                problems
                    .push(format!("I8: the attempt is {state}, and the processor has {payment:?}"));
            }
        }
        for (intent, payments) in paid.into_iter().filter(|(_, payments)| payments.len() > 1) {
            problems.push(format!("I1: {intent} was charged twice: {payments:?}"));
        }
        self.refunds_agree(world, problems);
        for attempt in self.attempts.values() {
            let is_there = !text(attempt, "connector_account").is_empty();
            let paid =
                text(attempt, "state") == "succeeded" && text(attempt, "kind") == "authorize";
            if is_there && paid && !keys.contains(&text(attempt, "id").to_owned()) {
                problems.push(format!("I8: the processor knows nothing of {attempt:?}"));
            }
        }
    }

    fn charge_agrees(
        &self,
        attempt: &Row,
        payment: &Payment,
        given: i64,
        problems: &mut Vec<String>,
    ) {
        let request = parsed(attempt, "request");
        let id = request["charge"].as_str().unwrap_or_default();
        let Some(charge) = self.charges.get(id) else {
            problems.push(format!("I8: no charge of {payment:?}"));
            return;
        };
        // What an operation is open of, or left to a person, is not compared.
        let is_open = |attempt: &&Row| {
            text(attempt, "charge") == id
                && (text(attempt, "state") == "started" || !text(attempt, "attention").is_empty())
        };
        if self.attempts.values().any(|attempt| is_open(&attempt)) {
            return;
        }
        let held = match text(charge, "status") {
            "succeeded" => {
                number(charge, "amount") - number(charge, "captured") - number(charge, "released")
            }
            _ => 0,
        };
        let ours = (number(charge, "captured"), number(charge, "refunded"), held);
        let theirs = (payment.taken, given, payment.held());
        if ours != theirs {
            problems.push(format!(
                "I8: {id} says (taken, given back, held) {ours:?}, and the processor {theirs:?} of {payment:?}"
            ));
        }
        if text(charge, "currency") != payment.currency {
            problems.push(format!("I8: {id} is in another currency than {payment:?}"));
        }
    }

    fn refunds_agree(&self, world: &World, problems: &mut Vec<String>) {
        let processor = world.processor.borrow();
        let mut keys = BTreeMap::new();
        for refund in processor.all_refunds() {
            if keys.insert(refund.key.clone(), refund).is_some() {
                problems.push(format!("I1: the key {} gave back twice", refund.key));
            }
            let key = refund.key.trim_end_matches("_give_back");
            if !self.attempts.contains_key(key) {
                problems.push(format!("I8: nobody knows of the refund {refund:?}"));
            }
        }
        for row in self.refunds.values() {
            let attempt = parsed(row, "details")["attempt"].as_str().unwrap_or_default().to_owned();
            let Some(attempt) = self.attempts.get(&attempt) else { continue };
            let is_there = !text(attempt, "connector_account").is_empty();
            if !is_there || !text(attempt, "attention").is_empty() {
                continue;
            }
            let theirs = keys.get(text(attempt, "id")).map(|refund| (refund.status, refund.amount));
            let ours = text(row, "status");
            let agrees = match (ours, theirs) {
                ("failed" | "canceled", None) => true,
                (ours, Some((status, amount))) => ours == status && amount == number(row, "amount"),
                _ => false,
            };
            if !agrees {
                problems.push(format!("I8: {row:?}, and the processor says {theirs:?}"));
            }
        }
    }
}
