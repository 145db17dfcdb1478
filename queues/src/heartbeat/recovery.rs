//! Recovery: what processors are asked, some questions at the same time, of which other invocations ask each a few. One that
//! does not answer holds up no other, not even of the same merchant: of the tasks that wait for an account at a processor one
//! is done as a probe, and the others wait until that is answered. Where many do not answer, some of them are probed at a
//! time, so that the others have their turn. Who is asked, and when, is decided in one place, which alone knows who rests.

use std::cell::RefCell;
use std::collections::BTreeMap;

use domain::Timestamp;
use flows::{Failure, Platform};
use futures_util::future::join_all;
use store::scheduled_tasks::{self, Task};
use store::{Database, Rows};

use super::Lane;
use super::tasks::{self, Performed};

/// How many tasks of a kind one beat looks at.
const LOOKS_AT: i64 = 60;

/// How many tasks one invocation does at the same time: it has six connections.
const TOGETHER: usize = 6;

/// How many tasks one beat does, by how often the database may be asked in an invocation, should all have to be done in its
/// own. The rest follows at once.
const MOST: usize = 24;

/// How many accounts that did not answer when they were asked last are asked in one beat: the others have places left.
const PROBES: usize = 16;

/// How often one beat looks for tasks, where all that it finds have to wait.
const LOOKS: usize = 10;

/// How long the tasks of an account wait first that did not answer, in seconds; each time twice as long.
const RESTS: i64 = 60;

/// How long they wait at most, in seconds.
const RESTS_AT_MOST: i64 = 600;

/// How long they wait at most where the processor says when it may be asked again, in seconds.
const PEACE_AT_MOST: i64 = 3_600;

/// An account at a processor that did not answer.
#[derive(Debug)]
pub(super) struct Silence {
    account: String,
    /// How long its tasks were put off, in seconds, and until when.
    pause: i64,
    until: Timestamp,
}

/// What the recovery remembers from one beat to the next.
#[derive(Debug, Default)]
pub(super) struct Met {
    silences: Vec<Silence>,
    /// The accounts that answered in the last beat: none is probed first.
    answered: Vec<String>,
}

/// A task, and the account at a processor that it waits for: none where the simulator is asked, which always answers.
struct Question {
    task: Task,
    account: Option<String>,
}

/// A beat of the recovery.
pub(super) async fn beat<P: Platform>(platform: &P, met: &RefCell<Met>) -> Option<Timestamp> {
    if let Err(failure) = recover(platform, met).await {
        platform.log_error("recovery", &failure.to_string());
    }
    tasks::next(platform, Lane::Recovery.kinds()).await
}

async fn recover<P: Platform>(platform: &P, met: &RefCell<Met>) -> Result<(), Failure> {
    let now = platform.now();
    met.borrow_mut().silences.retain(|silence| now < silence.until.plus(RESTS_AT_MOST));
    let mut probed = Vec::new();
    let mut due = look(platform, met, &mut probed).await?;
    let mut answered = std::mem::take(&mut met.borrow_mut().answered);
    let mut done = 0;
    while done < MOST {
        due = put_off(platform, met, due, &mut probed).await?;
        let (together, rest) = choose(due, &answered, MOST.saturating_sub(done));
        due = rest;
        if together.is_empty() {
            break;
        }
        done = done.saturating_add(together.len());
        let (accounts, tasks): (Vec<_>, Vec<_>) =
            together.into_iter().map(|Question { task, account }| (account, task)).unzip();
        let performed = perform_in_lots(platform, &tasks).await;
        let Met { silences, answered: anew } = &mut *met.borrow_mut();
        for (account, Performed { unanswered, peace, .. }) in accounts.into_iter().zip(performed) {
            match (unanswered, account) {
                // It is another than the task's where a payment went on elsewhere.
                (Some(silent), _) => {
                    anew.retain(|known| known != silent.as_str());
                    rest_of(silences, silent.as_str(), peace, platform.now());
                }
                (None, Some(account)) if !anew.contains(&account) => {
                    silences.retain(|silence| silence.account != account);
                    answered.push(account.clone());
                    anew.push(account);
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Does tasks, in lots that other invocations do at the same time; what none does is done here, one lot after the other.
async fn perform_in_lots<P: Platform>(platform: &P, tasks: &[Task]) -> Vec<Performed> {
    let lots = tasks.chunks(TOGETHER);
    let told: Vec<String> = lots.clone().map(scheduled_tasks::to_text).collect();
    let mut answers = match told.len() {
        1 => Vec::new(),
        _ => platform.hand_out(&told).await,
    }
    .into_iter();
    let mut performed = Vec::new();
    for lot in lots {
        let answer = answers.next().flatten().unwrap_or_default();
        match answer.lines().count() == lot.len() {
            true => performed.extend(answer.lines().map(Performed::from_line)),
            false => performed.extend(together(platform, lot).await),
        }
    }
    performed
}

async fn together<P: Platform>(platform: &P, tasks: &[Task]) -> Vec<Performed> {
    join_all(tasks.iter().map(|task| tasks::perform(platform, task.clone()))).await
}

/// Does tasks for the recovery, which another invocation handed out, and says what came of each in a line; nothing where they
/// cannot be read.
pub async fn perform<P: Platform>(platform: &P, tasks: &str) -> Option<String> {
    let tasks = scheduled_tasks::from_text(tasks)?;
    let performed = together(platform, &tasks).await;
    Some(performed.iter().map(Performed::line).collect())
}

/// The tasks that are done now. Where none but those of accounts that did not answer are due, it looks past them.
async fn look<P: Platform>(
    platform: &P,
    met: &RefCell<Met>,
    probed: &mut Vec<String>,
) -> Result<Vec<Question>, Failure> {
    let mut left = Vec::new();
    for _ in 0..LOOKS {
        let found = due(platform).await?;
        let count = found.len();
        left = put_off(platform, met, found, probed).await?;
        let waits = |question: &Question| {
            question.account.as_ref().is_some_and(|account| probed.contains(account))
        };
        if left.len() == count || !left.iter().all(waits) {
            break;
        }
    }
    Ok(left)
}

/// The tasks that are due, of each kind in turn, with the accounts that they wait for.
async fn due<P: Platform>(platform: &P) -> Result<Vec<Question>, Failure> {
    let due = tasks::due(platform, Lane::Recovery.kinds(), LOOKS_AT).await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let results = platform.database().batch(vec![scheduled_tasks::processors(&due)]).await?;
    let rows = results.first().map(|Rows(rows)| rows.as_slice()).unwrap_or_default();
    let mut accounts = BTreeMap::new();
    for row in rows {
        if let Some(account) = row.optional_text("connector_account")? {
            accounts.insert(row.text("subject")?, account);
        }
    }
    let question = |task: Task| {
        let account = accounts.get(task.subject.as_str()).map(|account| (*account).to_owned());
        Question { task, account }
    };
    Ok(in_turn(due).map(question).collect())
}

/// The first of each kind, then the second of each, and so on.
fn in_turn(due: Vec<Task>) -> impl Iterator<Item = Task> {
    let (mut kind, mut place) = (None, 0_usize);
    let placed = due.into_iter().map(|task| {
        place = if kind == Some(task.kind) { place.saturating_add(1) } else { 0 };
        kind = Some(task.kind);
        (place, task)
    });
    let mut placed: Vec<_> = placed.collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, task)| task)
}

/// The tasks that are done next, and the others: of an account that has not answered yet, one.
fn choose(due: Vec<Question>, answered: &[String], most: usize) -> (Vec<Question>, Vec<Question>) {
    let mut chosen: Vec<Question> = Vec::new();
    let mut rest = Vec::new();
    for question in due {
        let is_free = question.account.as_ref().is_none_or(|account| {
            let is_probed = chosen.iter().any(|probe| probe.account.as_ref() == Some(account));
            !is_probed || answered.contains(account)
        });
        if chosen.len() < most && is_free {
            chosen.push(question);
        } else {
            rest.push(question);
        }
    }
    (chosen, rest)
}

/// An account did not answer: its tasks rest, the longer the longer this goes on, and no shorter than it asks for.
fn rest_of(silences: &mut Vec<Silence>, account: &str, peace: i64, now: Timestamp) {
    let place = silences.iter().position(|silence| silence.account == account);
    // It comes last from now on: others are probed before it is once more.
    let known = place.map(|place| silences.remove(place));
    let pause = match &known {
        // Asked at the same time as another.
        Some(silence) if silence.until > now => silence.pause,
        Some(silence) => silence.pause.saturating_mul(2).min(RESTS_AT_MOST),
        None => RESTS,
    };
    let until = now.plus(pause.max(peace.min(PEACE_AT_MOST)));
    silences.push(Silence { account: account.to_owned(), pause, until });
}

/// Puts off the tasks of accounts that rest, and of those that have rested where enough others are probed. Returns the
/// others, those that are probed first.
async fn put_off<P: Platform>(
    platform: &P,
    met: &RefCell<Met>,
    due: Vec<Question>,
    probed: &mut Vec<String>,
) -> Result<Vec<Question>, Failure> {
    let now = platform.now();
    let (mut left, mut batch) = (due, Vec::new());
    for Silence { account, until, .. } in met.borrow_mut().silences.iter_mut() {
        let (waiting, others): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|question| question.account.as_ref() == Some(account));
        left = others;
        if waiting.is_empty() {
            continue;
        }
        if *until <= now && (probed.contains(account) || probed.len() < PROBES) {
            if !probed.contains(account) {
                probed.push(account.clone());
            }
            left.splice(0..0, waiting);
            continue;
        }
        if *until <= now {
            *until = now.plus(RESTS);
        }
        let waiting: Vec<Task> = waiting.into_iter().map(|question| question.task).collect();
        batch.push(scheduled_tasks::put_off(&waiting, *until));
    }
    if !batch.is_empty() {
        platform.database().batch(batch).await?;
    }
    Ok(left)
}
