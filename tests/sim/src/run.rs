//! A run: a world, its clients, its weather, and the quiet afterwards in which everything has to come to its end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use domain::timestamp::DAY;
use kit::{Merchant, START};
use store::{Row, values};

use crate::client::{Client, Later, Owner};
use crate::endpoints::Endpoint;
use crate::lived::Lived;
use crate::notices::{self, Hook};
use crate::oracle;
use crate::order::Order;
use crate::planted::Planted;
use crate::processor::{AGREED, Terms};
use crate::random::mix;
use crate::settlements;
use crate::trace::{Actor, Trace, digest};
use crate::weather::Weather;
use crate::workers;
use crate::world::World;

/// How long the quiet lasts in which everything has to come to its end, in milliseconds: after outages of minutes, and
/// after outages of days.
const QUIET: [i64; 2] = [5 * DAY * 1_000, 9 * DAY * 1_000];

/// The longest that time goes on at once in the quiet, in milliseconds.
const LONGEST_PAUSE: i64 = 4 * 3_600_000;

/// How many seeds there are for each with a crowd of merchants.
const ONE_IN: u64 = 8;

/// How many merchants a crowd has at least for each hundred orders that were asked for, and at most.
const CROWD: (i64, i64) = (90, 250);

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
        self.seed % ONE_IN == ONE_IN - 1
    }

    /// How many merchants there may be.
    fn merchants(&self) -> (i64, i64) {
        let share = |of: i64| (of * i64::from(self.orders) / 100).max(1);
        if self.is_crowded() { (share(CROWD.0), share(CROWD.1)) } else { (3, 12) }
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

/// Runs a plan; a panic is a problem like others.
pub fn run_guarded(plan: &Plan) -> Report {
    let panicked = |panic: Box<dyn std::any::Any + Send>| {
        let told = panic.downcast_ref::<String>().cloned();
        let told = told.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let problems = vec![format!("PANIC: {}", told.unwrap_or_default())];
        let (trace, lived) = (Trace::default(), Lived::default());
        Report { problems, driven: 0, payments: 0, trace, lived, seconds: 0, rows: 0 }
    };
    catch_unwind(AssertUnwindSafe(|| run(plan))).unwrap_or_else(panicked)
}

/// Runs a plan.
pub fn run(plan: &Plan) -> Report {
    let trace = if plan.in_words { Trace::in_words() } else { Trace::default() };
    let planted = plan.planted.map(Planted::new);
    let world = World::new(plan.seed, trace, planted);
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
    settle(&world, QUIET[usize::from(lasts_for_days)]);
    report(&world);
    let problems = oracle::check(&world, plan.thoroughly);
    let (driven, payments) = (world.told.borrow().driven, world.told.borrow().payments);
    let seconds = world.now() / 1_000;
    let rows = if plan.thoroughly { rows(&world) } else { 0 };
    let lived = Lived::of(&world);
    let trace = world.scheduler.take_trace();
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

/// The merchants, their accounts at the processor and their endpoints, in calm weather.
fn set_up(world: &Rc<World>, plan: &Plan) -> Vec<Owner> {
    let (fewest, most) = plan.merchants();
    let count = world.draw(|random| random.between(fewest, most));
    let merchants: Vec<_> = (0..count).map(|n| merchant(world, &format!("m{n}"))).collect();
    for (number, merchant) in merchants.iter().enumerate() {
        let accounts = world.draw(|random| random.pick(&[0, 1, 1, 2, 3]));
        let endpoints = world.draw(|random| random.below(3));
        spawn(world, merchant, 10_000 + number as u32, 0, move |client| async move {
            connect(&client, accounts).await;
            for place in 0..endpoints {
                listen(&client, place).await;
            }
        });
    }
    world.scheduler.run_until(DAY * 1_000, || world.clients.get() == 0);
    // An isolate remembers for so long that there was none.
    world.scheduler.run_until(world.now() + 6_000, || false);
    merchants
}

fn merchant(world: &World, name: &str) -> Owner {
    let Merchant { secret_key, account, .. } = Merchant::insert(&world.database, name);
    Owner { secret_key, account: account.as_str().to_owned() }
}

/// Connects accounts at the processor; where there are several, a routing says which of them takes a payment.
async fn connect(client: &Client, accounts: u64) {
    let mut ids = Vec::new();
    for place in 0..accounts {
        let elsewhere = client.world.draw(|random| random.chance(3_000));
        let (connector, opens) =
            if elsewhere { ("hyperswitch", "snd") } else { ("stripe", "sk_test") };
        let account = format!("{opens}_51{}{place}", client.account.replace('_', ""));
        let secret = format!("whsec_{place}_of_{}", client.account);
        let terms = client.world.draw(Terms::draw);
        let form = [
            ("connector", connector),
            ("secret_key", account.as_str()),
            ("webhook_secret", secret.as_str()),
            ("fees", AGREED),
        ];
        let told = if terms.is_agreed { 4 } else { 3 };
        let ask = client.ask("/v1/florin/connector_accounts", &form[..told]);
        let Some(made) = client.insist(&ask).await else { return };
        let connector_account = made.json()["id"].as_str().unwrap_or_default().to_owned();
        ids.push(connector_account.clone());
        client.world.processor.borrow_mut().open(&account, terms);
        let path = format!("/connectors/{connector}/webhooks/{connector_account}");
        let owner = client.owner.clone();
        let hook = Hook { path, secret, connector_account, owner };
        client.world.notices.borrow_mut().hooks.insert(account, hook);
    }
    // Without a routing, nobody is asked for proof because a processor wants it.
    let is_routed = client.world.draw(|random| random.chance(4_000));
    if ids.len() > 1 || ids.len() == 1 && is_routed {
        route(client, &ids).await;
    }
}

/// Publishes where payments go: to the first that is well, or shared out between all.
async fn route(client: &Client, accounts: &[String]) {
    let (splits, retries, tries) = client
        .world
        .draw(|random| (random.chance(4_000), random.chance(6_000), random.between(1, 3)));
    let mut ask = client.ask("/v1/florin/routing", &[("replaces", "0")]);
    for (place, account) in accounts.iter().enumerate() {
        let mut add = |name: String, value: String| ask.form.push((name, value));
        if splits {
            add(format!("default[split][{place}][connector_account]"), account.clone());
            add(format!("default[split][{place}][weight]"), "10".to_owned());
        } else {
            add(format!("default[priority][{place}]"), account.clone());
        }
    }
    ask.form.push(("max_attempts".to_owned(), tries.to_string()));
    ask.form.push(("retry_declines".to_owned(), retries.to_string()));
    client.insist(&ask).await;
}

async fn listen(client: &Client, place: u64) {
    let url = format!("https://{}.example.com/hooks/{place}", client.account.replace('_', "-"));
    let form = [("url", url.as_str()), ("enabled_events[]", "*")];
    let Some(made) = client.insist(&client.ask("/v1/webhook_endpoints", &form)).await else {
        return;
    };
    let made = made.json();
    let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
    let endpoint = Endpoint {
        id: text("id"),
        secret: text("secret"),
        account: client.account.clone(),
        ..Endpoint::default()
    };
    client.world.endpoints.borrow_mut().by_url.insert(url, endpoint);
}

/// A client that begins after so many milliseconds.
fn spawn<F>(
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
        spawn(world, &merchants[merchant], number, pause, |client| async move {
            Order::draw(&client).run(&client).await;
            client.world.told.borrow_mut().driven += 1;
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

/// Each second or so, the weather may strike by itself.
fn strike(world: &Rc<World>) {
    let again = Rc::clone(world);
    let pause = world.draw(|random| random.between(500, 8_000));
    world.scheduler.after(pause, move || {
        let world = again;
        if world.clients.get() == 0 {
            return;
        }
        if world.strikes(|weather| weather.isolate_restarts) {
            let isolate = world.draw(|random| random.below(world.isolates.len() as u64)) as usize;
            world.restart(isolate);
        }
        if world.strikes(|weather| weather.everything_stops) {
            (0..world.isolates.len()).for_each(|isolate| world.restart(isolate));
            world.workers.stop(&world);
            let note = || "FAULT: everything stops, and the queues are empty".to_owned();
            world.scheduler.note(Actor::World, 0x5709, note);
        }
        if world.strikes(|weather| weather.processor_fails) {
            let until = world.now() + {
                let most = world.weather().longest_outage();
                world.draw(|random| random.between(1_000, most))
            };
            let accounts = world.processor.borrow().accounts();
            let place = world.draw(|random| random.below(2 * accounts));
            world.processor.borrow_mut().fail_until(place, until);
            let note = || format!("FAULT: the processor is down for {place} until {until}");
            world.scheduler.note(Actor::World, 0xd0, note);
        }
        if world.strikes(|weather| weather.disputes) {
            dispute(&world);
        }
        if world.strikes(|weather| weather.clock_jumps) {
            let skew = world.draw(|random| random.between(-20_000, 20_000));
            let place = world.draw(|random| random.below(world.isolates.len() as u64 + 1)) as usize;
            let clock = world.isolates.get(place).map_or(&world.workers.skew, |one| &one.skew);
            clock.set(skew);
            let note = || format!("FAULT: the clock of {place} is {skew} ms off");
            world.scheduler.note(Actor::World, 0xc1, note);
        }
        strike(&world);
    });
}

/// A cardholder asks their bank for their money, and the bank decides, each in its own time.
fn dispute(world: &Rc<World>) {
    let payment = {
        let processor = world.processor.borrow();
        let taken: Vec<_> = processor.payments().iter().filter(|paid| paid.is_taken()).collect();
        let place = world.draw(|random| random.below(taken.len() as u64)) as usize;
        taken.get(place).map(|paid| paid.id.clone())
    };
    let share = world.draw(|random| random.pick(&[100, 100, 40]));
    let Some(payment) = payment else { return };
    let opened = world.processor.borrow_mut().dispute(&payment, share);
    let Some(id) = opened else { return };
    world.scheduler.note(Actor::Processor, 0xd15, || format!("{payment} is disputed as {id}"));
    notices::send_off(world);
    let (soon, later, end) = world.draw(|random| {
        let soon = random.between(1_000, 1_200_000);
        (soon, soon + random.between(500, 1_200_000), random.pick(&["won", "lost"]))
    });
    let is_answered = world.draw(|random| random.chance(7_000));
    let steps = [(soon, is_answered.then_some("under_review")), (later, Some(end))];
    for (pause, status) in steps {
        world.notices.borrow_mut().open += 1;
        // Nobody answered it: there is nothing to decide.
        let status = if is_answered { status } else { status.map(|_| "lost") };
        let (world, id) = (Rc::clone(world), id.clone());
        let scheduler = Rc::clone(&world);
        scheduler.scheduler.after(pause, move || {
            if let Some(status) = status {
                world.processor.borrow_mut().move_dispute(&id, status);
                notices::send_off(&world);
            }
            world.notices.borrow_mut().open -= 1;
        });
    }
}

/// Lets time go on until nothing is left to do, from one thing that is due to the next.
fn settle(world: &Rc<World>, quiet: i64) {
    let end = world.now() + quiet;
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
        let undoing = "SELECT 1 FROM scheduled_tasks WHERE kind = 'undo_attempt'";
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
