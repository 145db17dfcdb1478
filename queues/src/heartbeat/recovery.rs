//! Recovery: what processors are asked, a few questions at the same time. One whose processor does not answer
//! holds up no other: of its account's tasks one is done as a probe, and the others wait until that is answered.

use std::cell::RefCell;

use domain::Timestamp;
use flows::{Failure, Platform};
use futures_util::future::join_all;
use store::scheduled_tasks::{self, Task};
use store::{Database, Scope};

use super::Lane;
use super::tasks::{self, Performed};

/// How many tasks of a kind one beat looks at.
const LOOKS_AT: i64 = 60;

/// How many tasks are done at the same time: an invocation has six connections.
const TOGETHER: usize = 6;

/// How many tasks one beat does, by how often the database may be asked in an invocation. The rest follows at once.
const MOST: usize = 24;

/// How long the tasks of an account wait first whose processor does not answer, in seconds; each time twice as long.
const RESTS: i64 = 60;

/// How long they wait at most, in seconds.
const RESTS_AT_MOST: i64 = 600;

/// An account whose processor did not answer.
#[derive(Debug)]
pub(super) struct Silence {
    scope: Scope,
    /// How long its tasks were put off, in seconds, and until when.
    pause: i64,
    until: Timestamp,
}

/// A beat of the recovery.
pub(super) async fn beat<P: Platform>(
    platform: &P,
    silences: &RefCell<Vec<Silence>>,
) -> Option<Timestamp> {
    if let Err(failure) = recover(platform, silences).await {
        platform.log_error("recovery", &failure.to_string());
    }
    tasks::next(platform, Lane::Recovery.kinds()).await
}

async fn recover<P: Platform>(
    platform: &P,
    silences: &RefCell<Vec<Silence>>,
) -> Result<(), Failure> {
    let now = platform.now();
    silences.borrow_mut().retain(|silence| now < silence.until.plus(RESTS_AT_MOST));
    let mut due = tasks::due(platform, Lane::Recovery.kinds(), LOOKS_AT).await?;
    let (mut answered, mut done) = (Vec::new(), 0);
    while done < MOST {
        due = put_off(platform, silences, due).await?;
        let (together, rest) = choose(due, &answered);
        due = rest;
        if together.is_empty() {
            break;
        }
        done = done.saturating_add(together.len());
        let scopes: Vec<Scope> = together.iter().map(|task| task.scope.clone()).collect();
        let performed = join_all(together.into_iter().map(|task| tasks::perform(platform, task)));
        for (scope, Performed { is_unanswered, .. }) in scopes.into_iter().zip(performed.await) {
            if is_unanswered {
                rest_of(&mut silences.borrow_mut(), scope, platform.now());
            } else {
                silences.borrow_mut().retain(|silence| silence.scope != scope);
                answered.push(scope);
            }
        }
    }
    Ok(())
}

/// The tasks that are done next, and the others: of an account that has not answered yet, one.
fn choose(due: Vec<Task>, answered: &[Scope]) -> (Vec<Task>, Vec<Task>) {
    let mut chosen: Vec<Task> = Vec::new();
    let mut rest = Vec::new();
    for task in due {
        let is_probed = chosen.iter().any(|probe| probe.scope == task.scope);
        if chosen.len() < TOGETHER && (!is_probed || answered.contains(&task.scope)) {
            chosen.push(task);
        } else {
            rest.push(task);
        }
    }
    (chosen, rest)
}

/// An account's processor did not answer: its tasks rest, the longer the longer this goes on.
fn rest_of(silences: &mut Vec<Silence>, scope: Scope, now: Timestamp) {
    match silences.iter_mut().find(|silence| silence.scope == scope) {
        // Asked at the same time as another.
        Some(silence) if silence.until > now => {}
        Some(silence) => {
            silence.pause = silence.pause.saturating_mul(2).min(RESTS_AT_MOST);
            silence.until = now.plus(silence.pause);
        }
        None => silences.push(Silence { scope, pause: RESTS, until: now.plus(RESTS) }),
    }
}

/// Puts off the tasks of accounts that rest. Returns the others.
async fn put_off<P: Platform>(
    platform: &P,
    silences: &RefCell<Vec<Silence>>,
    due: Vec<Task>,
) -> Result<Vec<Task>, Failure> {
    let now = platform.now();
    let (mut left, mut batch) = (due, Vec::new());
    for Silence { scope, until, .. } in silences.borrow().iter().filter(|rests| rests.until > now) {
        let (resting, others): (Vec<_>, _) =
            left.into_iter().partition(|task| task.scope == *scope);
        if !resting.is_empty() {
            batch.push(scheduled_tasks::put_off(&resting, *until));
        }
        left = others;
    }
    if !batch.is_empty() {
        platform.database().batch(batch).await?;
    }
    Ok(left)
}
