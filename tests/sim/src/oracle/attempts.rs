//! How attempts ended: none is left to a person, and none is taken for undone, without a reason that the processor itself
//! knows of.

use store::Row;

use super::{Books, number, parsed, text};
use crate::processor::Payment;
use crate::world::World;

/// For how many seconds an attempt may be sent: the processor knows its key for an hour longer.
const KEY_LASTS: i64 = 23 * 3_600;

/// After how many seconds more a lookup that finds nothing proves something: at Stripe, and at Hyperswitch.
const HORIZON: [i64; 2] = [24 * 3_600, 3_600];

/// By how many seconds two clocks differ at most.
const SKEW: i64 = 60;

impl Books {
    /// I7 and I8: whatever became of an attempt, what its processor did is the reason.
    pub(super) fn attempts_end_for_a_reason(&self, world: &World, problems: &mut Vec<String>) {
        for ended in world.database.query("SELECT DISTINCT * FROM ended", Vec::new()) {
            let Some(attempt) = self.attempts.get(text(&ended, "attempt")) else { continue };
            match text(&ended, "became") {
                "parked" if !self.needs_a_person(world, attempt) => {
                    problems.push(format!("I7: left to a person for no reason: {attempt:?}"));
                }
                "failed" if number(&ended, "at") + SKEW < earliest_end(world, attempt) => {
                    let at = number(&ended, "at");
                    problems.push(format!(
                        "I8: taken for undone at {at}, which is too early: {attempt:?}"
                    ));
                }
                _ => {}
            }
        }
    }

    /// Whether the processor did otherwise than it was asked with the payment of an attempt, or does not take back what it
    /// did for one that was given up.
    fn needs_a_person(&self, world: &World, attempt: &Row) -> bool {
        let processor = world.processor.borrow();
        let intent = text(attempt, "payment_intent");
        let is_of = |key: &str| {
            self.attempts.get(key).is_some_and(|other| text(other, "payment_intent") == intent)
        };
        let is_kept = |payment: &Payment| {
            let mut refunds = processor.refunds(&payment.id);
            payment.key == text(attempt, "id")
                && matches!(text(attempt, "state"), "failed" | "canceled")
                && (refunds.any(|refund| refund.status != "succeeded")
                    || processor.disputes().iter().any(|dispute| dispute.payment == payment.id))
        };
        let payments = processor.payments().iter().filter(|payment| is_of(&payment.key));
        payments.into_iter().any(|payment| payment.is_misread || is_kept(payment))
    }
}

/// When an attempt may fail, at the earliest: at any time where its processor said no. What is done with a payment of
/// Hyperswitch's has no key of its own there.
fn earliest_end(world: &World, attempt: &Row) -> i64 {
    let [stripe, hyperswitch] = HORIZON;
    let is_elsewhere = text(attempt, "connector") == "hyperswitch";
    let has_key = !is_elsewhere || matches!(text(attempt, "kind"), "authorize" | "refund");
    // It takes no card without its code, so that nothing is sent.
    let lacks_code = is_elsewhere
        && text(attempt, "kind") == "authorize"
        && parsed(attempt, "request")["with_cvc"] == false;
    let is_simulated = text(attempt, "connector_account").is_empty();
    if is_simulated
        || lacks_code
        || !has_key
        || world.processor.borrow().said_no(text(attempt, "id"))
    {
        return 0;
    }
    number(attempt, "created") + KEY_LASTS + if is_elsewhere { hyperswitch } else { stripe }
}
