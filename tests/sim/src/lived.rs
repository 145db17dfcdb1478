//! What has to have happened somewhere in some runs: an oracle that looks at what is there is silent where nothing ever is.

use std::collections::BTreeMap;

use store::Row;

use crate::world::World;

/// After how many seeds, of as many orders as there are by default, all of it has to have happened.
pub const AFTER: u64 = 16;

/// How many merchants are hundreds.
const HUNDREDS: usize = 200;

/// What clients have to have heard that it was done, by the last word of the path.
const HEARD: &[&str] = &["cancel", "capture", "confirm", "refunds"];

/// What the rows have to tell of, beside that.
const FOUND: &[(&str, &str)] = &[
    (
        "a payment was made elsewhere after a decline",
        "SELECT count(*) AS times FROM attempts JOIN attempts AS next ON next.id = attempts.resolution ->> '$.next' \
         WHERE next.state = 'succeeded' AND next.connector_account <> attempts.connector_account \
         AND attempts.resolution ->> '$.decline' IS NOT NULL",
    ),
    (
        "a payment was made elsewhere after it was refused",
        "SELECT count(*) AS times FROM attempts JOIN attempts AS next ON next.id = attempts.resolution ->> '$.next' \
         WHERE next.state = 'succeeded' AND attempts.resolution ->> '$.decline' IS NULL",
    ),
    (
        "a cardholder was asked for proof because the processor wanted it",
        "SELECT count(*) AS times FROM attempts JOIN attempts AS next ON next.id = attempts.resolution ->> '$.next' \
         WHERE next.state = 'succeeded' AND next.connector_account = attempts.connector_account",
    ),
    (
        "a payment was sent again and succeeded",
        "SELECT count(*) AS times FROM attempts WHERE sent_again IS NOT NULL AND state = 'succeeded'",
    ),
    (
        "a delivery arrived at a later try",
        "SELECT count(*) AS times FROM deliveries WHERE state = 'succeeded' AND attempts > 1",
    ),
];

/// How often each thing happened.
#[derive(Clone, Debug, Default)]
pub struct Lived(BTreeMap<String, u64>);

impl Lived {
    /// What happened in a run.
    pub fn of(world: &World) -> Self {
        let told = world.told.borrow();
        let heard = |word: &&str| {
            let times = told.done.get(*word).copied().unwrap_or_default();
            (format!("a client heard that {word} was done"), times)
        };
        let found = |(what, sql): &(&str, &str)| {
            let row: Option<Row> = world.database.query(sql, Vec::new()).pop();
            let times = row.and_then(|row| row.integer("times").ok()).unwrap_or_default();
            ((*what).to_owned(), u64::try_from(times).unwrap_or_default())
        };
        let crowds = u64::from(told.merchants_at_once >= HUNDREDS);
        let crowd = ("hundreds of merchants had orders under way at once".to_owned(), crowds);
        Self(HEARD.iter().map(heard).chain(FOUND.iter().map(found)).chain([crowd]).collect())
    }

    /// Adds what happened in another run.
    pub fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            *self.0.entry(what.clone()).or_default() += times;
        }
    }

    /// What never happened.
    pub fn lacks(&self) -> impl Iterator<Item = String> {
        let never = self.0.iter().filter(|(_, times)| **times == 0);
        never.map(|(what, _)| format!("LIVENESS: never in all these seeds: {what}"))
    }
}
