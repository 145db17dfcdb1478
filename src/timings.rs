//! `Server-Timing`: how often a request went to each store before its answer, and for how long.

use std::cell::Cell;

use handlers::render::{Reply, add_header};

use crate::clock;

/// Where a request waits.
#[derive(Clone, Copy)]
pub enum Hop {
    /// The database.
    Database,
    /// A Durable Object.
    DurableObject,
    /// A payment processor.
    Processor,
}

/// How often and for how many milliseconds a request waited.
#[derive(Default)]
pub struct Timings {
    database: Cell<(u32, i64)>,
    durable_object: Cell<(u32, i64)>,
    processor: Cell<(u32, i64)>,
}

impl Timings {
    /// Counts one wait that began at a millisecond.
    pub fn count(&self, hop: Hop, began: i64) {
        let cell = match hop {
            Hop::Database => &self.database,
            Hop::DurableObject => &self.durable_object,
            Hop::Processor => &self.processor,
        };
        let (count, total) = cell.get();
        let waited = clock::milliseconds().saturating_sub(began);
        cell.set((count.saturating_add(1), total.saturating_add(waited)));
    }

    /// Shows the waits of a request that began at a millisecond.
    pub fn show(&self, reply: &mut Reply, began: i64) {
        let waits = |name: &str, cell: &Cell<(u32, i64)>| {
            let (count, waited) = cell.get();
            format!("{name};dur={waited};desc=\"{count}\"")
        };
        let total = clock::milliseconds().saturating_sub(began);
        let mut shown = format!(
            "{}, {}, total;dur={total}",
            waits("do", &self.durable_object),
            waits("d1", &self.database)
        );
        if self.processor.get().0 > 0 {
            shown.push_str(", ");
            shown.push_str(&waits("psp", &self.processor));
        }
        add_header(reply, "server-timing", &shown);
    }
}
