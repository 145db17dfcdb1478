//! Paperwork: alerts, mail, reports, receipts, the audit, the archive and what is sealed anew, which wait for buckets and for
//! whoever sends mail. Each beat does a little of each, so that none holds up another for long.

use std::cell::Cell;
use std::collections::BTreeSet;

use domain::Timestamp;
use flows::{Failure, Platform, alerts, archive, audit, master_key, receipts};
use futures_util::future::join_all;
use store::scheduled_tasks::{self, Kind};
use store::{Database, Rows, mail};

use super::left;
use super::tasks::{self, Performed};

/// How many mails, or reports, are under way at the same time: an invocation has six connections.
const TOGETHER: i64 = 6;

/// How long mail waits after nobody took any of several, in seconds.
const MAIL_WAITS: i64 = 30;

/// A beat of the paperwork.
pub(super) async fn beat<P: Platform>(
    platform: &P,
    filed_at: &Cell<Timestamp>,
) -> Option<Timestamp> {
    // First, since it says what keeps the others from being done.
    let are_untold = left(platform, "alerts", alerts::tell(platform).await);
    for done in [send_mail(platform).await, write_reports(platform).await] {
        if let Err(failure) = done {
            platform.log_error("paperwork", &failure.to_string());
        }
    }
    let receipts = receipts::make(platform).await.unwrap_or_else(|failure| {
        platform.log_error("receipts", &failure.to_string());
        None
    });
    let next = next(platform).await.into_iter().chain(receipts).min();
    let now = platform.now();
    // Nobody waits for what follows, so that it leaves the database to the payments most of the time; but however much mail
    // there is always to send, it is done as often as without.
    if next.is_some_and(|next| next <= now) && filed_at.get() >= now {
        return next;
    }
    filed_at.set(now);
    let is_left = are_untold
        | left(platform, "audit", audit::go_on(platform).await)
        | left(platform, "archive", archive::go_on(platform).await)
        | left(platform, "resealing", master_key::go_on(platform).await);
    next.into_iter().chain(is_left.then(|| now.plus(1))).min()
}

/// Sends the next mails, some at the same time. When nobody takes any of several, all mail waits for a while; what one
/// alone is refused for is its own affair.
async fn send_mail<P: Platform>(platform: &P) -> Result<(), Failure> {
    let now = platform.now();
    let results = platform.database().batch(vec![mail::find()]).await?;
    if waits_until(results.first()).is_some_and(|until| now < until) {
        return Ok(());
    }
    let mut due = tasks::due(platform, [Kind::SendReceipt].into_iter(), TOGETHER).await?;
    // Two that were planned for one charge would both send its mail.
    let mut seen = BTreeSet::new();
    due.retain(|task| seen.insert(task.subject.clone()));
    let sent = join_all(due.into_iter().map(|task| tasks::perform(platform, task))).await;
    if sent.len() > 1 && !sent.iter().any(|Performed { is_done, .. }| *is_done) {
        let wait = mail::put_off(platform.now().plus(MAIL_WAITS));
        platform.database().batch(vec![wait]).await?;
    }
    Ok(())
}

/// Writes on at the next reports, and holds what processors reported against the books.
async fn write_reports<P: Platform>(platform: &P) -> Result<(), Failure> {
    let kinds = [Kind::RunReport, Kind::ReconcileSettlement].into_iter();
    let due = tasks::due(platform, kinds, TOGETHER).await?;
    join_all(due.into_iter().map(|task| tasks::perform(platform, task))).await;
    Ok(())
}

/// When the next mail leaves, or the next report is written on or held against the books.
async fn next<P: Platform>(platform: &P) -> Option<Timestamp> {
    let kinds = [Kind::SendReceipt, Kind::RunReport, Kind::ReconcileSettlement];
    let [mails, reports, settlements] = kinds.map(scheduled_tasks::next);
    let results = platform.database().batch(vec![mails, reports, settlements, mail::find()]).await;
    let results = results.unwrap_or_default();
    let due = |place: usize| results.get(place).and_then(tasks::due_at);
    let until = waits_until(results.get(3));
    let mails = due(0).map(|due_at| until.map_or(due_at, |until| due_at.max(until)));
    mails.into_iter().chain(due(1)).chain(due(2)).min()
}

/// Until when mail waits.
fn waits_until(rows: Option<&Rows>) -> Option<Timestamp> {
    rows.and_then(Rows::first).and_then(|row| mail::waits_until(row).ok())
}
