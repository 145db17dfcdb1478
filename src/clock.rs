//! What the Worker takes for now: the runtime's clock, moved on in development.

use std::cell::Cell;

use domain::Timestamp;
use store::{Database, Rows, development_clock};
use worker::js_sys::Date;

use crate::platform::CloudflarePlatform;

thread_local! {
    /// How many seconds the development clock runs ahead; unknown until it was read once.
    static AHEAD: Cell<Option<i64>> = const { Cell::new(None) };
}

/// Milliseconds since the Unix epoch by the runtime's own clock, for measuring.
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the runtime")]
#[expect(clippy::cast_possible_truncation, reason = "milliseconds are far below 2^53")]
pub fn milliseconds() -> i64 {
    // `worker::Date` makes an object of each moment.
    Date::now() as i64
}

/// What the Worker takes for now.
pub fn now() -> Timestamp {
    let ahead = AHEAD.with(Cell::get).unwrap_or(0);
    Timestamp(milliseconds().saturating_div(1000)).plus(ahead)
}

/// How many seconds the development clock runs ahead of the real one.
pub fn ahead() -> i64 {
    AHEAD.with(Cell::get).unwrap_or(0)
}

/// Reads once in an isolate's life how far the development clock was moved.
pub async fn load(platform: &CloudflarePlatform) {
    if AHEAD.with(Cell::get).is_some() {
        return;
    }
    if let Ok(results) = platform.quiet_batch(vec![development_clock::find()]).await {
        let ahead = results
            .first()
            .and_then(Rows::first)
            .and_then(|row| row.integer("ahead_seconds").ok())
            .unwrap_or(0);
        AHEAD.with(|cell| cell.set(Some(ahead)));
    }
}

/// Moves the development clock on.
pub async fn advance(
    platform: &CloudflarePlatform,
    seconds: i64,
) -> Result<(), store::DatabaseError> {
    use flows::Platform as _;
    let statements = vec![development_clock::advance(seconds), development_clock::find()];
    let results = platform.database().batch(statements).await?;
    let ahead = results
        .get(1)
        .and_then(Rows::first)
        .and_then(|row| row.integer("ahead_seconds").ok())
        .unwrap_or(seconds);
    AHEAD.with(|cell| cell.set(Some(ahead)));
    Ok(())
}
