//! The search for deliveries that nobody makes: a message was lost, or an object does not wake.

use domain::timestamp::{DAY, Timestamp};
use store::deliveries::{self, Searched};
use store::fan_out::{self, Cursor};
use store::{Database, Rows};

use crate::context::first;
use crate::{Failure, Platform};

/// How many seconds pass between two searches.
const INTERVAL: i64 = 60;

/// How many seconds a first attempt may be on its way through the queue before it counts as lost: much longer than a queue
/// lags that has much to bring, since what it still brings would go through the endpoint's object, too.
const PATIENCE: i64 = 300;

/// How many seconds a delivery may be due before its object is woken anew.
const LATE: i64 = 60;

/// How many seconds the deliveries of an endpoint that was deleted are looked for.
const ENDS_WITHIN: i64 = DAY;

/// How many endpoints one search looks at; the rest follows at once.
const SLICE: i64 = 100;

/// How many lost deliveries of one endpoint are planned at a time; the rest follows at once.
const PLANNED: i64 = 500;

/// When the last search was complete, where the next one must not wait.
const AGAIN: Timestamp = Timestamp(0);

/// Looks for lost deliveries, where it is time to, and sees that they are made. Says whether some may be
/// left.
///
/// # Errors
/// When the database does not answer.
pub async fn search<P: Platform>(platform: &P) -> Result<bool, Failure> {
    let now = platform.now();
    let results = platform.database().batch(vec![fan_out::cursor()]).await?;
    let Some(cursor) = first::<Cursor>(&results, 0)? else { return Ok(false) };
    let is_under_way = !cursor.searched_through.is_empty();
    // One that was made by a clock which was ahead says nothing of when the next one is due.
    let rests = (cursor.searched_at..cursor.searched_at.plus(INTERVAL)).contains(&now);
    if !is_under_way && rests {
        return Ok(false);
    }
    let before = now.plus(-PATIENCE);
    let (late, deleted) = (now.plus(-LATE), now.plus(-ENDS_WITHIN));
    let find = deliveries::find_lost(&cursor.searched_through, before, late, deleted, SLICE);
    let results = platform.database().batch(vec![find]).await?;
    let rows = results.first().map(|Rows(rows)| rows.as_slice()).unwrap_or_default();
    let endpoints: Vec<Searched> = rows.iter().map(Searched::try_from).collect::<Result<_, _>>()?;
    for endpoint in &endpoints {
        // An object that does not wake keeps no other from being looked after; the next search finds it again.
        if let Err(failure) = attend(platform, endpoint, before, now).await {
            platform.log_error(&endpoint.id, &failure.to_string());
        }
    }
    let is_full = i64::try_from(endpoints.len()).unwrap_or(SLICE) >= SLICE;
    let through = endpoints.last().filter(|_| is_full).map_or("", |endpoint| &endpoint.id);
    // What was found may have been too much for once: then the end of this search begins the next one.
    let has_found = endpoints.iter().any(|endpoint| endpoint.has_lost)
        || is_under_way && cursor.searched_at == AGAIN;
    let searched_at = if has_found { AGAIN } else { now };
    platform.database().batch(vec![fan_out::searched(searched_at, through)]).await?;
    Ok(is_full || has_found)
}

/// Plans what an endpoint's lost messages stood for, wakes its object where something is due, and
/// remembers what need not be looked at again.
async fn attend<P: Platform>(
    platform: &P,
    endpoint: &Searched,
    before: Timestamp,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut batch = Vec::new();
    if endpoint.has_lost {
        batch.push(deliveries::plan_lost(&endpoint.id, before, now, PLANNED));
    }
    if endpoint.is_behind {
        batch.push(deliveries::settle(&endpoint.id));
    }
    if !batch.is_empty() {
        platform.database().batch(batch).await?;
    }
    if endpoint.has_lost || endpoint.is_late {
        platform.wake_endpoint(&endpoint.id).await?;
    }
    Ok(())
}
