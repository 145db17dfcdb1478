//! What endpoints took against the events, and the events against what they tell of.

use std::collections::{BTreeMap, BTreeSet};

use store::{Row, values};

use super::{Books, by_id, number, text};
use crate::world::World;

/// How often a delivery is tried in test mode.
const MOST_TRIES: i64 = 6;

/// Deliveries that were given up too early, to endpoints that are there.
const GIVEN_UP: &str = "SELECT deliveries.* FROM deliveries JOIN webhook_endpoints ON id = endpoint \
    WHERE state = 'failed' AND status = 'enabled' AND attempts - attempts_before < ?1";

impl Books {
    /// I6: each event reached each endpoint that hears of it, or that is visible.
    pub(super) fn events_reach_their_endpoints(&self, world: &World, problems: &mut Vec<String>) {
        let endpoints = world.endpoints.borrow();
        let rows = world.database.query("SELECT * FROM webhook_endpoints", Vec::new());
        let rows = by_id(rows);
        let failed: BTreeSet<(String, i64)> = world
            .database
            .query("SELECT endpoint, event FROM deliveries WHERE state = 'failed'", Vec::new())
            .iter()
            .map(|row| (text(row, "endpoint").to_owned(), number(row, "event")))
            .collect();
        let mut known: BTreeMap<&str, &Row> = BTreeMap::new();
        for event in &self.events {
            known.insert(text(event, "id"), event);
        }
        for endpoint in endpoints.by_url.values() {
            let Some(row) = rows.get(&endpoint.id) else { continue };
            let is_enabled = text(row, "status") == "enabled";
            let hears = |event: &&Row| {
                text(event, "account") == endpoint.account
                    && number(event, "sequence") > number(row, "since_event")
            };
            for event in self.events.iter().filter(hears) {
                let gave_up = failed.contains(&(endpoint.id.clone(), number(event, "sequence")));
                let id = text(event, "id");
                if is_enabled && !gave_up && !endpoint.taken.contains_key(id) {
                    let kind = text(event, "type");
                    problems.push(format!("I6: {kind} {id} never reached {}", endpoint.id));
                }
            }
            for (id, taken) in &endpoint.taken {
                let is_true = known.get(id.as_str()).is_some_and(|event| {
                    text(event, "account") == endpoint.account
                        && text(event, "type") == taken.kind
                        && (taken.object.is_empty() || text(event, "object") == taken.object)
                        && text(event, "status") == taken.status
                });
                if !is_true {
                    problems.push(format!("I6: {} heard of {id}: {taken:?}", endpoint.id));
                }
            }
        }
        for row in world.database.query(GIVEN_UP, values![MOST_TRIES]) {
            problems.push(format!("I6: given up before all tries: {row:?}"));
        }
        self.intents_are_told_of(problems);
        self.the_last_event_is_true(problems);
    }

    /// What was told last of an object is how it stands.
    fn the_last_event_is_true(&self, problems: &mut Vec<String>) {
        let mut last: BTreeMap<&str, &Row> = BTreeMap::new();
        // A refund that fails is told of alone. Whether what its charge told before counted it depends on when it was set
        // aside: the sums that may have come back since.
        let mut came_back: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
        // Our own are about such objects, too, and show something else.
        let is_own = |event: &&Row| text(event, "type").starts_with("florin.");
        for event in self.events.iter().filter(|event| !is_own(event)) {
            let object = text(event, "object");
            last.insert(object, event);
            came_back.remove(object);
            if text(event, "type") == "refund.failed"
                && let Some(refund) = self.refunds.get(object)
            {
                let sums = came_back.entry(text(refund, "charge")).or_insert([0].into());
                let more: Vec<_> = sums.iter().map(|sum| sum + number(refund, "amount")).collect();
                sums.extend(more);
            }
        }
        let mut agree = |rows: &BTreeMap<String, Row>, columns: &[&'static str]| {
            for (id, row) in rows {
                let Some(event) = last.get(id.as_str()) else { continue };
                let differs = |column: &&'static str| {
                    let difference = number(event, column) - number(row, column);
                    let sums = came_back.get(id.as_str()).filter(|_| *column == "refunded");
                    sums.map_or(difference != 0, |sums| !sums.contains(&difference))
                };
                // No event tells of an intent whose confirmation was refused and that waits for another.
                let is_told = text(row, "status") != "requires_confirmation";
                let is_else = is_told && text(event, "status") != text(row, "status");
                if is_else || columns.iter().any(differs) {
                    problems.push(format!("I6: {event:?} was told last of {row:?}"));
                }
            }
        };
        agree(&self.intents, &["amount", "received"]);
        agree(&self.charges, &["amount", "captured", "refunded"]);
        agree(&self.refunds, &["amount"]);
    }

    /// Each payment that is over is told of once, from the clients' side of it.
    fn intents_are_told_of(&self, problems: &mut Vec<String>) {
        let mut told: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for event in &self.events {
            *told.entry((text(event, "type"), text(event, "object"))).or_default() += 1;
        }
        let mut expect = |kind: &'static str, id: &str, times: usize| {
            let found = told.get(&(kind, id)).copied().unwrap_or_default();
            if found != times {
                problems.push(format!("I6: {kind} of {id} was told {found} times, not {times}"));
            }
        };
        for (id, intent) in &self.intents {
            let status = text(intent, "status");
            expect("payment_intent.created", id, 1);
            expect("payment_intent.succeeded", id, usize::from(status == "succeeded"));
            expect("payment_intent.canceled", id, usize::from(status == "canceled"));
        }
        for (id, charge) in &self.charges {
            let status = text(charge, "status");
            expect("charge.succeeded", id, usize::from(status == "succeeded"));
            expect("charge.failed", id, usize::from(status == "failed"));
        }
        for (id, refund) in &self.refunds {
            let made = text(refund, "pending_operation").is_empty();
            expect("refund.created", id, usize::from(made));
            expect("refund.failed", id, usize::from(text(refund, "status") == "failed"));
        }
    }
}
