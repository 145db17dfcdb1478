//! What works without a request: the queues and their consumers, the heartbeat's lanes, and the objects of
//! endpoints, each with the alarms that the Worker gives them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use domain::Timestamp;
use flows::webhooks::{MOST_ROUNDS, Next, deliver_alone};
use flows::{Failure, Platform};
use queues::heartbeat::{Heart, LONGEST_PAUSE, Lane};
use queues::wake::Wakes;
use queues::{Queue, dead_letters, deliveries};

use crate::platform::Invocation;
use crate::scheduler::TaskId;
use crate::trace::{Actor, digest};
use crate::world::World;

/// How often a message is tried before it goes to the dead letters.
const MOST_TRIES: u32 = 3;

/// For how long an alarm waits that was set again before its work began, in milliseconds.
const SAFETY: i64 = 30_000;

/// The most that a lane rests where nothing is due: where nothing goes wrong, its wake-ups tell it of more.
const LONGEST_REST: i64 = 600_000;

/// An alarm, and who works for it.
#[derive(Default)]
struct Alarm {
    /// When it goes off.
    at: Cell<Option<i64>>,
    /// Who works for it now.
    task: Cell<Option<TaskId>>,
}

/// One lane of the heartbeat.
struct Beating {
    lane: Lane,
    alarm: Alarm,
    heart: RefCell<Rc<Heart>>,
    wakes: RefCell<Wakes>,
    rests: Cell<i64>,
}

/// What works without a request.
pub struct Workers {
    lanes: [Beating; 3],
    objects: RefCell<BTreeMap<String, Rc<Alarm>>>,
    /// The announcement of events that is on its way already.
    is_announced: Cell<bool>,
    /// How many messages are on their way.
    messages: Cell<u64>,
    /// Counts what crashes have emptied: messages from before are gone.
    epoch: Cell<u64>,
    /// How far the consumers' clocks are off, in milliseconds.
    pub skew: Cell<i64>,
}

impl Default for Workers {
    fn default() -> Self {
        let beating = |lane| Beating {
            lane,
            alarm: Alarm::default(),
            heart: RefCell::new(Rc::new(Heart::of(lane))),
            wakes: RefCell::default(),
            rests: Cell::new(0),
        };
        Self {
            lanes: Lane::ALL.map(beating),
            objects: RefCell::default(),
            is_announced: Cell::new(false),
            messages: Cell::new(0),
            epoch: Cell::new(0),
            skew: Cell::new(0),
        }
    }
}

impl Workers {
    /// Whether no message is on its way and nobody works.
    pub fn are_idle(&self, world: &World) -> bool {
        let works = |alarm: &Alarm| alarm.task.get().is_some_and(|id| world.scheduler.is_alive(id));
        self.messages.get() == 0
            && !self.lanes.iter().any(|lane| works(&lane.alarm))
            && !self.objects.borrow().values().any(|alarm| works(alarm))
    }

    /// What a crash of everything does: whoever works dies, and queues and wake-ups are empty afterwards.
    pub fn stop(&self, world: &World) {
        self.epoch.set(self.epoch.get() + 1);
        self.messages.set(0);
        self.is_announced.set(false);
        let alarms = self.objects.borrow();
        let lanes = self.lanes.iter().map(|lane| &lane.alarm);
        for alarm in lanes.chain(alarms.values().map(|alarm| &**alarm)) {
            if let Some(task) = alarm.task.get() {
                world.scheduler.end(task);
            }
        }
        for lane in &self.lanes {
            *lane.heart.borrow_mut() = Rc::new(Heart::of(lane.lane));
            *lane.wakes.borrow_mut() = Wakes::default();
        }
    }
}

/// Sends a message to a queue.
pub fn send(world: &Rc<World>, queue: Queue, body: String) {
    let workers = &world.workers;
    let mut pause = 200;
    if queue == Queue::Events {
        // One message serves all requests of a moment.
        if workers.is_announced.replace(true) {
            return;
        }
        let announced = Rc::clone(world);
        world.scheduler.after(pause, move || announced.workers.is_announced.set(false));
    }
    pause += world.draw(|random| random.between(10, 400));
    if world.strikes(|weather| weather.message_lost) {
        let name = queue.name();
        world.scheduler.note(Actor::World, 0x1057, || format!("FAULT: {name} loses {body}"));
        return;
    }
    if world.strikes(|weather| weather.message_doubled) {
        let twice = pause + world.draw(|random| random.between(1, 30_000));
        post(world, queue, body.clone(), twice, 1);
    }
    if world.strikes(|weather| weather.message_late) {
        pause += world.draw(|random| random.between(1_000, 180_000));
    }
    post(world, queue, body, pause, 1);
}

fn post(world: &Rc<World>, queue: Queue, body: String, pause: i64, tries: u32) {
    let epoch = world.workers.epoch.get();
    world.workers.messages.set(world.workers.messages.get() + 1);
    let (scheduler, world) = (Rc::clone(world), Rc::clone(world));
    scheduler.scheduler.after(pause, move || {
        if world.workers.epoch.get() == epoch {
            consume(&world, queue, body, tries);
        }
    });
}

fn over(world: &World, epoch: u64) {
    let workers = &world.workers;
    if workers.epoch.get() == epoch {
        workers.messages.set(workers.messages.get().saturating_sub(1));
    }
}

fn consume(world: &Rc<World>, queue: Queue, body: String, tries: u32) {
    let epoch = world.workers.epoch.get();
    let actor = Actor::Consumer(queue.name());
    world.scheduler.note(actor, digest(body.as_bytes()), || format!("takes {body}, try {tries}"));
    let again = {
        let (world, body) = (Rc::clone(world), body.clone());
        move || {
            if world.workers.epoch.get() == epoch {
                let pause = world.draw(|random| random.between(1_000, 20_000));
                post(&world, queue, body, pause, tries + 1);
                over(&world, epoch);
            }
        }
    };
    let failed = again.clone();
    let working = Rc::clone(world);
    let task = world.scheduler.spawn(actor, |task| async move {
        let platform = Invocation::new(&working, task, working.workers.skew.get());
        let taken = if tries > MOST_TRIES {
            dead_letters::take(&platform, queue, &body).await.map_err(|error| error.to_string())
        } else {
            take(&working, &platform, queue, &body).await
        };
        platform.send_off();
        match taken {
            Ok(()) => over(&working, epoch),
            Err(problem) => {
                platform.log_error(queue.name(), &problem);
                failed();
            }
        }
    });
    world.scheduler.on_death(task, again);
}

async fn take(
    world: &Rc<World>,
    platform: &Invocation,
    queue: Queue,
    body: &str,
) -> Result<(), String> {
    match queue {
        Queue::Events => {
            let left = deliveries::fan_out(platform).await.map_err(|error| error.to_string())?;
            if left {
                platform.announce();
            }
            Ok(())
        }
        Queue::Deliveries => deliveries::deliver(platform, body).await,
        Queue::Wake => {
            let due_at = queues::wake::due_at(body)?;
            for lane in 0..3 {
                poke(world, lane, due_at);
            }
            Ok(())
        }
    }
}

/// Wakes every lane now, as an isolate does once in its life.
pub fn poke_all(world: &Rc<World>) {
    let now = world.clock(world.workers.skew.get());
    for lane in 0..3 {
        poke(world, lane, now);
    }
}

/// Has lanes that rest look at the moment at which something is due, for a run that lets time go on.
pub fn look(world: &Rc<World>) {
    for lane in &world.workers.lanes {
        lane.rests.set(0);
    }
    poke_all(world);
}

fn poke(world: &Rc<World>, lane: usize, due_at: Timestamp) {
    let beating = &world.workers.lanes[lane];
    beating.wakes.borrow_mut().add([due_at]);
    beating.rests.set(0);
    let at = world.now() + pause_until(world, due_at);
    if beating.alarm.at.get().is_none_or(|known| known > at) {
        set_lane(world, lane, at);
    }
}

fn pause_until(world: &World, due_at: Timestamp) -> i64 {
    let now = world.clock(world.workers.skew.get()).seconds();
    ((due_at.seconds() - now).clamp(0, LONGEST_PAUSE) * 1_000).max(50)
}

fn set_lane(world: &Rc<World>, lane: usize, at: i64) {
    world.workers.lanes[lane].alarm.at.set(Some(at));
    let (scheduler, world) = (Rc::clone(world), Rc::clone(world));
    scheduler.scheduler.after(at - scheduler.now(), move || {
        let alarm = &world.workers.lanes[lane].alarm;
        if alarm.at.get() == Some(at) {
            if alarm.task.get().is_some_and(|task| world.scheduler.is_alive(task)) {
                return set_lane(&world, lane, at + 1_000);
            }
            beat(&world, lane);
        }
    });
}

/// A beat of a lane, as its object's alarm makes it.
fn beat(world: &Rc<World>, lane: usize) {
    // The alarm is set again before the work, so that no failure of the work can lose it.
    set_lane(world, lane, world.now() + SAFETY);
    let working = Rc::clone(world);
    let name = world.workers.lanes[lane].lane.name();
    let task = world.scheduler.spawn(Actor::Lane(name), |task| async move {
        let world = working;
        let beating = &world.workers.lanes[lane];
        let platform = Invocation::new(&world, task, world.workers.skew.get());
        beating.wakes.borrow_mut().begin(platform.now());
        let heart = Rc::clone(&beating.heart.borrow());
        let next = heart.beat(&platform).await;
        let idle = next >= platform.now().plus(LONGEST_PAUSE - 1);
        let woken_for = beating.wakes.borrow().earliest();
        let next = woken_for.map_or(next, |moment| moment.min(next));
        let mut pause = pause_until(&world, next);
        if idle && woken_for.is_none() {
            beating.rests.set((beating.rests.get() * 2).clamp(60_000, LONGEST_REST));
            pause = pause.max(beating.rests.get());
        } else {
            beating.rests.set(0);
        }
        set_lane(&world, lane, world.now() + pause);
        if let Some(due_at) = platform.earliest_wake() {
            (0..3).filter(|other| *other != lane).for_each(|other| poke(&world, other, due_at));
        }
        platform.send_off();
    });
    world.workers.lanes[lane].alarm.task.set(Some(task));
    let forgets = Rc::clone(world);
    world.scheduler.on_death(task, move || {
        let lane = &forgets.workers.lanes[lane];
        *lane.heart.borrow_mut() = Rc::new(Heart::of(lane.lane));
        *lane.wakes.borrow_mut() = Wakes::default();
    });
}

/// Wakes the object that delivers to an endpoint alone.
pub fn wake_endpoint(world: &Rc<World>, endpoint: &str) {
    let alarm = {
        let mut objects = world.workers.objects.borrow_mut();
        Rc::clone(objects.entry(endpoint.to_owned()).or_default())
    };
    if alarm.at.get().is_none_or(|at| at > world.now()) {
        set_object(world, endpoint, &alarm, world.now() + 1);
    }
}

fn set_object(world: &Rc<World>, endpoint: &str, alarm: &Rc<Alarm>, at: i64) {
    alarm.at.set(Some(at));
    let (scheduler, world) = (Rc::clone(world), Rc::clone(world));
    let (endpoint, alarm) = (endpoint.to_owned(), Rc::clone(alarm));
    scheduler.scheduler.after(at - scheduler.now(), move || {
        if alarm.at.get() == Some(at) {
            if alarm.task.get().is_some_and(|task| world.scheduler.is_alive(task)) {
                return set_object(&world, &endpoint, &alarm, at + 1_000);
            }
            work_alone(&world, &endpoint, &alarm);
        }
    });
}

fn work_alone(world: &Rc<World>, endpoint: &str, alarm: &Rc<Alarm>) {
    let safety = world.now() + SAFETY;
    set_object(world, endpoint, alarm, safety);
    let (working, endpoint, own) = (Rc::clone(world), endpoint.to_owned(), Rc::clone(alarm));
    let task = world.scheduler.spawn(Actor::Object, |task| async move {
        let world = working;
        let platform = Invocation::new(&world, task, world.workers.skew.get());
        match deliver_some(&world, &platform, &endpoint, task).await {
            // Somebody woke it meanwhile.
            _ if own.at.get() != Some(safety) => {}
            Ok(Some(pause)) => set_object(&world, &endpoint, &own, world.now() + pause),
            Ok(None) => own.at.set(None),
            Err(failure) => platform.log_error(&endpoint, &failure.to_string()),
        }
        platform.send_off();
    });
    alarm.task.set(Some(task));
}

async fn deliver_some(
    world: &Rc<World>,
    platform: &Invocation,
    endpoint: &str,
    task: TaskId,
) -> Result<Option<i64>, Failure> {
    for _ in 0..MOST_ROUNDS {
        match deliver_alone(platform, endpoint).await? {
            Next::After(pause) => world.scheduler.sleep(task, pause).await,
            Next::At(at) => {
                let seconds = at.seconds() - platform.now().seconds();
                return Ok(Some(seconds.clamp(1, 3_600) * 1_000));
            }
            Next::Never => return Ok(None),
        }
    }
    Ok(Some(1))
}
