//! A run: a world, its clients, its weather, and the quiet afterwards in which everything has to come to its end.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use domain::timestamp::DAY;
use store::Row;

use crate::client::{Client, Owner};
use crate::lived::Lived;
use crate::merchants::set_up;
use crate::oracle;
use crate::order::Order;
use crate::planted::Planted;
use crate::quiet::settle;
use crate::random::mix;
use crate::settlements;
use crate::strikes::strike;
use crate::trace::{Actor, Trace, digest};
use crate::weather::Weather;
use crate::world::World;

/// How many seeds there are for each with a crowd of merchants.
const ONE_IN: u64 = 8;

/// How many merchants a crowd has at least for each hundred orders that were asked for, and at most.
const CROWD: (i64, i64) = (90, 250);

/// Which of twice as many seeds has its crowd begin at once, as where a sale begins: how many merchants it has, as above,
/// and within how many milliseconds each of them has an order.
const RUSH: u64 = 11;
const RUSHING: (i64, i64) = (175, 250);
const RUSH_LASTS: i64 = 200;

/// How many times as many orders a crowd has.
const CROWDED: u32 = 2;

/// What is run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed that everything comes from.
    pub seed: u64,
    /// How many orders there are; in a crowd, twice as many.
    pub orders: u32,
    /// Whether the steps are kept in words.
    pub in_words: bool,
    /// Whether the shared checker looks, too, which takes longer.
    pub thoroughly: bool,
    /// What is planted.
    pub planted: Option<&'static str>,
}

impl Plan {
    /// The plan of a seed, as it is run by default.
    pub fn of(seed: u64) -> Self {
        Self { seed, orders: 120, in_words: false, thoroughly: true, planted: None }
    }

    /// Whether hundreds of merchants have a few orders each, instead of a few merchants many.
    fn is_crowded(&self) -> bool {
        self.seed % ONE_IN == ONE_IN - 1 || self.is_rush()
    }

    /// Whether all merchants of a crowd pay at once.
    fn is_rush(&self) -> bool {
        self.seed % (2 * ONE_IN) == RUSH
    }

    /// How many merchants there may be.
    pub fn merchants(&self) -> (i64, i64) {
        let share = |of: i64| (of * i64::from(self.orders) / 100).max(1);
        match (self.is_rush(), self.is_crowded()) {
            (true, _) => (share(RUSHING.0), share(RUSHING.1)),
            (false, true) => (share(CROWD.0), share(CROWD.1)),
            (false, false) => (3, 12),
        }
    }

    fn trace(&self) -> Rc<RefCell<Trace>> {
        let trace = if self.in_words { Trace::in_words() } else { Trace::default() };
        Rc::new(RefCell::new(trace))
    }

    /// How many orders there are in all.
    fn all_orders(&self) -> u32 {
        if self.is_crowded() { self.orders * CROWDED } else { self.orders }
    }
}

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// What does not hold.
    pub problems: Vec<String>,
    /// How many orders their clients drove to their ends: paid, declined, canceled, or given up after all tries.
    pub driven: u64,
    /// How many of them were paid.
    pub payments: u64,
    /// What happened.
    pub trace: Trace,
    /// What happened that has to happen in some runs.
    pub lived: Lived,
    /// How much simulated time it took, in seconds.
    pub seconds: i64,
    /// A digest of what was told to merchants, to the last byte.
    pub rows: u64,
}

/// Runs a plan; a panic is a problem like others, and what happened until then is told, too.
pub fn run_guarded(plan: &Plan) -> Report {
    let trace = plan.trace();
    let panicked = |panic: Box<dyn std::any::Any + Send>| {
        let told = panic.downcast_ref::<String>().cloned();
        let told = told.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let problems = vec![format!("PANIC: {}", told.unwrap_or_default())];
        let (trace, lived) = (trace.take(), Lived::default());
        Report { problems, driven: 0, payments: 0, trace, lived, seconds: 0, rows: 0 }
    };
    catch_unwind(AssertUnwindSafe(|| run_into(plan, &trace))).unwrap_or_else(panicked)
}

/// Runs a plan.
pub fn run(plan: &Plan) -> Report {
    run_into(plan, &plan.trace())
}

/// Runs a plan, and tells each step to a trace.
fn run_into(plan: &Plan, trace: &Rc<RefCell<Trace>>) -> Report {
    let planted = plan.planted.map(Planted::new);
    let world = World::new(plan.seed, Rc::clone(trace), planted);
    let merchants = set_up(&world, plan);
    let weather = world.draw(Weather::of);
    world.scheduler.note(Actor::World, 0, || format!("{weather:?}"));
    world.set_weather(weather);
    begin(&world, plan, &merchants);
    let began = world.now();
    world.scheduler.run_until(began + DAY * 1_000, || world.clients.get() == 0);
    let lasts_for_days = world.weather().lasts_for_days;
    if !lasts_for_days {
        world.processor.borrow_mut().fail_until(u64::MAX, 0);
    }
    world.set_weather(Weather::calm());
    world.workers.skew.set(0);
    world.isolates.iter().for_each(|isolate| isolate.skew.set(0));
    world.scheduler.note(Actor::World, 1, || "the weather is calm from now on".to_owned());
    settle(&world, lasts_for_days);
    report(&world);
    let problems = oracle::check(&world, plan.thoroughly);
    let (driven, payments) = (world.told.borrow().driven, world.told.borrow().payments);
    let seconds = world.now() / 1_000;
    let rows = if plan.thoroughly { rows(&world) } else { 0 };
    let lived = Lived::of(&world);
    let trace = trace.take();
    world.scheduler.clear();
    Report { problems, driven, payments, trace, lived, seconds, rows }
}

/// A digest of all events, which hold every object as it was.
fn rows(world: &World) -> u64 {
    let events = world.database.query("SELECT id, data FROM events ORDER BY sequence", Vec::new());
    let text = |row: &Row, column| row.text(column).map(str::to_owned).unwrap_or_default();
    events.iter().fold(0, |sum, row| {
        let event = text(row, "id") + &text(row, "data");
        mix(sum ^ digest(event.as_bytes()))
    })
}

/// A client that begins after so many milliseconds.
pub fn spawn<F>(
    world: &Rc<World>,
    owner: &Owner,
    number: u32,
    pause: i64,
    work: impl FnOnce(Client) -> F + 'static,
) where
    F: Future<Output = ()> + 'static,
{
    world.clients.set(world.clients.get() + 1);
    let (owner, world, scheduler) = (owner.clone(), Rc::clone(world), Rc::clone(world));
    scheduler.scheduler.spawn(Actor::Client(number), |task| async move {
        world.scheduler.sleep(task, pause).await;
        let client = Client { world: Rc::clone(&world), task, number, owner };
        work(client).await;
        world.clients.set(world.clients.get() - 1);
    });
}

/// The orders, and what the weather does by itself.
fn begin(world: &Rc<World>, plan: &Plan, merchants: &[Owner]) {
    let window = world.draw(|random| random.pick(&[5_000, 60_000, 600_000]));
    for number in 0..plan.all_orders() {
        let merchant = world.draw(|random| random.below(merchants.len() as u64)) as usize;
        let pause = world.draw(|random| random.between(0, window));
        let first =
            plan.is_rush().then_some(number as usize).filter(|place| *place < merchants.len());
        let (merchant, pause) =
            first.map_or((merchant, pause), |place| (place, pause % RUSH_LASTS));
        spawn(world, &merchants[merchant], number, pause, |client| async move {
            let told = || client.world.told.borrow_mut();
            told().begins(&client.owner.account);
            Order::draw(&client).run(&client).await;
            told().ends(&client.owner.account);
        });
    }
    let hooks: Vec<_> = world.notices.borrow().hooks.clone().into_iter().collect();
    for (number, (account, hook)) in (20_000..).zip(hooks) {
        let (reports, pause) =
            world.draw(|random| (random.chance(2_500), random.between(0, 3 * window)));
        if reports {
            spawn(world, &hook.owner, number, pause, |client| async move {
                settlements::so_far(&client, &account).await;
            });
        }
    }
    strike(world);
}

/// At the end, the processor reports all that it settled.
fn report(world: &Rc<World>) {
    let hooks: Vec<_> = world.notices.borrow().hooks.clone().into_iter().collect();
    for (number, (account, hook)) in (30_000..).zip(hooks) {
        spawn(world, &hook.owner, number, 0, |client| async move {
            settlements::in_full(&client, &account).await;
        });
    }
    world.scheduler.run_until(world.now() + DAY * 1_000, || world.clients.get() == 0);
    settlements::judged(world);
}
