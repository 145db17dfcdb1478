//! What bugs do to rows on their way out of the database, so that the code decides as it would if it looked amiss.

use store::{Row, Rows, Statement};

use super::Planted;
use super::statements::begins_with;

/// How long an attempt may be sent again, in seconds, and how long a lookup that finds nothing proves nothing.
const KEY_LASTS: i64 = 23 * 3_600;
const KNOWN_AFTER: i64 = 47 * 3_600;

impl Planted {
    /// Does to what a batch found what the bug does.
    pub fn show(&self, now: i64, statements: &[Statement], results: &mut [Rows]) {
        let (begins, change): (&str, &dyn Fn(&mut Row)) = match self.bug.name {
            "horizon_ignored" => ("SELECT * FROM attempts WHERE id", &|row| {
                let is_sent_by_its_client =
                    row.text("request").is_ok_and(|request| request.contains("\"with_cvc\":true"));
                if is_sent_by_its_client {
                    age(row, -KNOWN_AFTER);
                }
            }),
            "sent_again_after_its_key_is_forgotten" => {
                ("SELECT * FROM attempts WHERE id", &|row| {
                    let created = row.integer("created").unwrap_or_default();
                    if (KEY_LASTS..KNOWN_AFTER).contains(&(now - created)) {
                        age(row, 24 * 3_600);
                    }
                })
            }
            "refunds_not_limited" => ("SELECT c.* FROM payment_intents", &|row| {
                let [refunded, captured] =
                    ["refunded", "captured"].map(|name| row.integer(name).unwrap_or_default());
                let is_elsewhere = row
                    .text("details")
                    .is_ok_and(|details| details.contains("\"processor_reference\":\"pay_"));
                let is_disputed = row.integer("disputed") != Ok(0);
                if is_elsewhere && !is_disputed && refunded * 2 > captured && refunded < captured {
                    row.0.insert("refunded".to_owned(), 0.into());
                }
            }),
            _ => return,
        };
        for (statement, Rows(rows)) in statements.iter().zip(results) {
            if begins_with(statement, begins) {
                rows.iter_mut().for_each(change);
            }
        }
    }
}

fn age(row: &mut Row, seconds: i64) {
    let created = row.integer("created").unwrap_or_default();
    row.0.insert("created".to_owned(), (created + seconds).into());
}
