//! The quiet after the weather, in which everything has to come to its end.

use std::rc::Rc;

use domain::timestamp::DAY;
use kit::START;
use store::{Row, values};

use crate::client::Later;
use crate::run::spawn;
use crate::workers;
use crate::world::World;

/// How long the quiet lasts in which everything has to come to its end, in milliseconds: after outages of minutes, and
/// after outages of days.
const QUIET: [i64; 2] = [5 * DAY * 1_000, 9 * DAY * 1_000];

/// The longest that time goes on at once in the quiet, in milliseconds.
const LONGEST_PAUSE: i64 = 4 * 3_600_000;

/// Lets time go on until nothing is left to do, from one thing that is due to the next; for longer where the weather
/// lasted for days.
pub fn settle(world: &Rc<World>, lasted_for_days: bool) {
    let end = world.now() + QUIET[usize::from(lasted_for_days)];
    workers::look(world);
    // As long as anything may be late: a jump would have it arrive later still.
    world.scheduler.run_until(world.now() + 300_000, || false);
    // What the processor still has to tell, it tells first.
    let end_of_telling = world.now() + 3 * 3_600_000;
    world.scheduler.run_until(end_of_telling, || world.notices.borrow().open == 0);
    for turn in 0..300 {
        let later = world.later.borrow().iter().map(|later| later.at).min();
        let due_at = next_due(world).into_iter().chain(later).min();
        let Some(due_at) = due_at.filter(|at| world.now().max(*at) < end) else { break };
        // What is asked after each hour for days need not be asked after that often.
        // What is taken back is left to a person after so many tries, which are an hour apart.
        let undoing = "SELECT 1 FROM scheduled_tasks WHERE kind IN ('undo_attempt', 'look_again')";
        let is_undoing = !world.database.query(undoing, Vec::new()).is_empty();
        let most = if is_undoing { 3_600_000 } else { LONGEST_PAUSE };
        let pause = (60_000 << turn.min(9)).min(most);
        let at = due_at.max(world.now() + pause);
        world.scheduler.jump_to(at);
        workers::look(world);
        world.scheduler.run_until(at + 2_000, || false);
        ask_again(world);
        let patience = world.now() + 60_000;
        world.scheduler.run_until(patience, || world.workers.are_idle(world));
    }
    // What was lost on its way is looked for each minute.
    for _ in 0..3 {
        workers::look(world);
        world.scheduler.run_until(world.now() + 65_000, || false);
    }
}

/// Has clients ask once more what they asked hours ago.
fn ask_again(world: &Rc<World>) {
    let now = world.now();
    let later = world.later.take();
    let (due, later): (Vec<_>, Vec<_>) = later.into_iter().partition(|later| later.at <= now);
    world.later.replace(later);
    if due.is_empty() {
        return;
    }
    for (number, Later { owner, ask, answer, .. }) in
        (40_000..).zip(due.into_iter().filter(|later| now < later.until))
    {
        spawn(world, &owner, number, 0, move |client| async move {
            if let (Some(before), Some(again)) = (answer, client.send(&ask).await) {
                client.compare(&ask, &before, &again);
            }
        });
    }
    world.scheduler.run_until(now + 600_000, || world.clients.get() == 0);
}

/// When something is due next, in milliseconds since the run began.
fn next_due(world: &World) -> Option<i64> {
    let queries = [
        "SELECT MIN(due_at) AS at FROM scheduled_tasks",
        "SELECT MIN(next_attempt_at) AS at FROM deliveries WHERE next_attempt_at IS NOT NULL",
        "SELECT MIN(created) + 61 AS at FROM deliveries WHERE state = 'pending' AND next_attempt_at IS NULL",
        "SELECT MIN(day) * 86400 AS at FROM ledger_accounts WHERE kind = 'pending' AND day > 0",
    ];
    let found = |sql: &&str| {
        let row: Option<Row> = world.database.query(sql, values![]).pop();
        row.and_then(|row| row.optional_integer("at").ok().flatten())
    };
    let due_at = queries.iter().filter_map(found).min()?;
    Some((due_at - START.seconds() + 1) * 1_000)
}
