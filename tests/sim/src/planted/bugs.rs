//! Every bug that can be planted.

/// What there is to plant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Statements that begin so lack this condition, and the guard behind them.
    Unguarded(&'static str, &'static str),
    /// Of the statements that begin so and hold this text among their values, one in so many is left out.
    LeftOut(&'static str, &'static str, u64),
    /// Statements that begin so have no value at this place.
    Emptied(&'static str, usize),
    /// Statements that begin so have one more at this place.
    OneMore(&'static str, &'static [usize]),
    /// Statements that begin so have this text in the stead of another.
    Rewritten(&'static str, &'static str, &'static str),
    /// Something of its own, by the name of the bug.
    Special,
}

/// A bug that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bug {
    /// Its name.
    pub name: &'static str,
    /// What is done to the code's words.
    pub how: How,
}

const fn bug(name: &'static str, how: How) -> Bug {
    Bug { name, how }
}

const TASK: &str = "INSERT INTO scheduled_tasks";
pub(super) const INTENT: &str = "UPDATE payment_intents";

/// Every bug that can be planted.
pub const BUGS: &[Bug] = &[
    bug("intent_version_not_guarded", How::Unguarded(INTENT, " AND version = ?2")),
    bug("charge_version_not_guarded", How::Unguarded("UPDATE charges", " AND version = ?2")),
    bug("intent_not_held_while_asking", How::Emptied(INTENT, 12)),
    bug("intent_not_moved_with_its_charge", How::Special),
    bug("recovery_not_planned", How::LeftOut(TASK, "recover_attempt", 1)),
    bug("undoing_not_planned", How::LeftOut(TASK, "undo_attempt", 1)),
    bug("refund_not_settled", How::LeftOut(TASK, "settle_refund", 1)),
    bug("authorization_never_expires", How::LeftOut(TASK, "expire_authorization", 1)),
    bug("event_left_out", How::LeftOut("INSERT INTO events", "", 23)),
    bug("event_doubled", How::Special),
    bug("balance_transaction_left_out", How::LeftOut("INSERT INTO balance_transactions", "", 10)),
    bug("balance_transaction_one_more", How::OneMore("INSERT INTO balance_transactions", &[6, 8])),
    bug("ledger_not_posted", How::LeftOut("INSERT INTO ledger_entries", "", 10)),
    bug("ledger_in_a_batch_of_its_own", How::Special),
    bug("ledger_in_another_processors_books", How::Special),
    bug("settlement_fee_one_more", How::Special),
    bug(
        "settlement_break_not_told",
        How::LeftOut("INSERT INTO settlement_breaks", "fee_mismatch", 1),
    ),
    bug(
        "settlement_correction_booked_beside",
        How::LeftOut(
            "INSERT INTO ledger_entries (cause, leg, owner, livemode, currency, kind, day, amount, created) SELECT ?2",
            "",
            1,
        ),
    ),
    bug("batch_not_atomic", How::Special),
    bug("refusal_of_a_batch_swallowed", How::Special),
    bug("request_key_forgotten", How::Special),
    bug("request_fingerprint_ignored", How::Special),
    bug("request_answer_not_kept", How::Special),
    bug("processor_key_not_sent", How::Special),
    bug("processor_key_new_each_time", How::Special),
    bug("processor_id_new_each_time", How::Special),
    bug("security_code_not_sent", How::Special),
    bug("metadata_key_not_sent", How::Special),
    bug("refund_key_new_each_time", How::Special),
    bug("unknown_turned_declined", How::Special),
    bug("lost_answer_unwrapped", How::Special),
    bug("unknown_void_taken_for_done", How::Special),
    bug("void_not_sent", How::Special),
    bug("challenge_taken_for_success", How::Special),
    bug("pending_payment_taken_for_success", How::Special),
    bug("pending_refund_taken_for_success", How::Special),
    bug("payment_takes_one_more", How::Special),
    bug("refund_gives_one_more", How::Special),
    bug("fan_out_skips_an_event", How::OneMore("UPDATE fan_out SET event", &[1])),
    bug("delivery_not_sent", How::Special),
    bug("delivery_unsigned", How::Special),
    bug("delivery_changed_after_signing", How::Special),
    bug(
        "lost_delivery_not_searched",
        How::LeftOut(
            "UPDATE deliveries SET next_attempt_at = ?3 WHERE endpoint = ?1 AND event IN (SELECT event",
            "",
            1,
        ),
    ),
    bug(
        "settled_beyond_what_waits",
        How::Rewritten(
            "UPDATE webhook_endpoints SET settled_through",
            "state = 'pending'",
            "state = 'failed'",
        ),
    ),
    bug("notice_signature_not_checked", How::Special),
    bug("notice_age_not_checked", How::Special),
    bug("notice_answered_before_it_is_kept", How::Special),
    bug("notice_not_known_again", How::Special),
    bug("stale_notice_believed", How::Special),
    bug("dispute_notice_taken_for_known", How::LeftOut("INSERT INTO disputes", "", 2)),
    bug("failover_after_an_unknown_outcome", How::Special),
    bug("captures_fail", How::Special),
    bug("refunds_fail", How::Special),
    bug("left_to_a_person_at_once", How::Special),
    bug("event_stale", How::Special),
    bug("delivery_given_up", How::Special),
    bug("declines_not_kept", How::Special),
    bug("lease_ignored", How::Special),
    bug("epoch_ignored", How::Special),
    bug("answers_overwritten", How::Special),
    bug("horizon_ignored", How::Special),
    bug("sent_again_after_its_key_is_forgotten", How::Special),
    bug("refunds_not_limited", How::Special),
    bug("no_failover", How::Special),
    bug("asked_in_another_account", How::Special),
    bug(
        "intent_of_another_merchant_shown",
        How::Rewritten("SELECT * FROM payment_intents WHERE id = ?1", "account = ?2", "?2 = ?2"),
    ),
];

#[cfg(test)]
mod tests {
    use store::Statement;

    use super::super::statements::begins_with;
    use super::*;

    #[test]
    fn every_bug_that_changes_a_statement_finds_one_of_that_name() {
        let known = store::registry::statements();
        for bug in BUGS {
            let (How::Unguarded(begins, _)
            | How::LeftOut(begins, ..)
            | How::Emptied(begins, _)
            | How::OneMore(begins, _)
            | How::Rewritten(begins, ..)) = bug.how
            else {
                continue;
            };
            let holds = match bug.how {
                How::Unguarded(_, text) | How::Rewritten(_, text, _) => text,
                _ => "",
            };
            let is_found = known.iter().any(|(_, sql)| {
                let statement = Statement::new(sql.clone(), Vec::new());
                begins_with(&statement, begins) && sql.contains(holds)
            });
            assert!(is_found, "{} changes nothing", bug.name);
        }
    }

    /// Where bugs of their own do what they do.
    const SOURCES: [&str; 4] = [
        include_str!("../planted.rs"),
        include_str!("questions.rs"),
        include_str!("rows.rs"),
        include_str!("statements.rs"),
    ];

    #[test]
    fn every_bug_of_its_own_is_done_somewhere_and_to_statements_that_there_are() {
        for Bug { name, .. } in BUGS.iter().filter(|bug| bug.how == How::Special) {
            let quoted = format!("\"{name}\"");
            assert!(SOURCES.iter().any(|source| source.contains(&quoted)), "{name} does nothing");
        }
        // What bugs ask for themselves.
        let own = ["SELECT no_such_column", "UPDATE attempts SET attention"];
        let begins = |text: &&str| {
            let words = ["INSERT INTO ", "UPDATE ", "SELECT "];
            words.iter().any(|word| text.starts_with(word))
                && !own.iter().any(|own| text.starts_with(own))
        };
        let known = store::registry::statements();
        for text in SOURCES.iter().flat_map(|source| source.split('"')).filter(begins) {
            let is_known = known.iter().any(|(_, sql)| sql.trim_start().starts_with(text));
            assert!(is_known, "no statement begins with {text}");
        }
    }
}
