//! What the processor told unasked, and what strangers told in its name, against the rows.

use std::collections::BTreeMap;

use store::Row;

use super::{Books, number, parsed, text};
use crate::notices::{Notices, Taken};
use crate::processor::Dispute;
use crate::world::World;

impl Books {
    /// I6 and I8: what was answered that it was taken is kept once, and what it says is recorded or visible.
    pub(super) fn notices_are_kept(&self, world: &World, problems: &mut Vec<String>) {
        let notices = world.notices.borrow();
        problems.extend(notices.problems.iter().cloned());
        let rows = world.database.query("SELECT * FROM connector_webhooks", Vec::new());
        let mut kept: BTreeMap<(String, String), Vec<&Row>> = BTreeMap::new();
        for row in &rows {
            let at = |column| text(row, column).to_owned();
            kept.entry((at("connector_account"), at("event"))).or_default().push(row);
        }
        for (at, taken) in &notices.taken {
            let found = kept.get(at).map(Vec::as_slice).unwrap_or_default();
            let [row] = found else {
                problems.push(format!("I8: {at:?} was taken, and is kept {} times", found.len()));
                continue;
            };
            match (taken.is_foreign, text(row, "status")) {
                (true, "processed") => {
                    problems.push(format!("I8: what others made was believed: {row:?}"));
                }
                (false, "parked")
                    if !self.waits_for_a_person(taken.payment())
                        && !self.came_to_nothing(world, taken) =>
                {
                    problems.push(format!("I7: left parked: {row:?}"));
                }
                _ => {}
            }
        }
        self.disputes_agree(world, &notices, &rows, problems);
    }

    /// Whether it is a dispute of a payment that was given up here: that is parked for a person, whatever is undone since.
    fn came_to_nothing(&self, world: &World, taken: &Taken) -> bool {
        let processor = world.processor.borrow();
        let payment = taken.payment().and_then(|id| processor.payment(id));
        let attempt = payment.and_then(|payment| self.attempts.get(&payment.key));
        taken.dispute().is_some()
            && attempt.is_some_and(|row| matches!(text(row, "state"), "failed" | "canceled"))
    }

    /// Whether an operation of a payment at the processor is left to a person.
    fn waits_for_a_person(&self, payment: Option<&str>) -> bool {
        let Some(payment) = payment else { return false };
        let of = self.attempts.values().find(|row| {
            text(row, "kind") == "authorize" && text(row, "processor_reference") == payment
        });
        let is_of = |row: &Row| {
            of.is_some_and(|of| text(of, "payment_intent") == text(row, "payment_intent"))
        };
        self.attempts.values().any(|row| is_of(row) && !text(row, "attention").is_empty())
    }

    fn disputes_agree(
        &self,
        world: &World,
        notices: &Notices,
        webhooks: &[Row],
        problems: &mut Vec<String>,
    ) {
        let rows = world.database.query("SELECT * FROM disputes", Vec::new());
        let reference = |row: &Row| {
            parsed(row, "details")["processor_reference"].as_str().unwrap_or_default().to_owned()
        };
        let rows: BTreeMap<String, Row> =
            rows.into_iter().map(|row| (reference(&row), row)).collect();
        let processor = world.processor.borrow();
        for dispute in processor.disputes() {
            let told = notices.taken.values().filter(|taken| !taken.is_foreign);
            let told = told.filter_map(Taken::dispute).filter(|(id, _)| *id == dispute.id);
            let told = told.map(|(_, status)| rank(status)).max();
            let Some(row) = rows.get(&dispute.id) else {
                let is_parked = webhooks.iter().any(|row| {
                    text(row, "reference") == dispute.id && text(row, "status") == "parked"
                });
                if told.is_some() && !is_parked {
                    problems.push(format!("I8: nobody knows of the {dispute:?}"));
                }
                continue;
            };
            agree(dispute, row, told, problems);
        }
        for (reference, row) in rows.iter().filter(|(reference, _)| !reference.is_empty()) {
            if !processor.disputes().iter().any(|dispute| dispute.id == *reference) {
                problems.push(format!("I8: the processor knows nothing of {row:?}"));
            }
        }
    }
}

/// A dispute stands where its processor says, or where it said last.
fn agree(dispute: &Dispute, row: &Row, told: Option<u8>, problems: &mut Vec<String>) {
    let (ours, theirs) = (text(row, "status"), dispute.status);
    let is_ahead = rank(ours) > rank(theirs) || rank(ours) == rank(theirs) && ours != theirs;
    let is_behind = told.is_some_and(|told| rank(ours) < told);
    if is_ahead || is_behind || number(row, "amount") != dispute.amount {
        problems.push(format!("I8: {row:?}, and the processor says {dispute:?}"));
    }
}

/// How far a dispute has come.
fn rank(status: &str) -> u8 {
    match status {
        "needs_response" | "dispute_opened" => 0,
        "under_review" | "dispute_challenged" => 1,
        _ => 2,
    }
}
