//! The world of a run: the database, the records of idempotency, the queues, the isolates, the processor and
//! the endpoints, and how calls reach them through the weather.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::LazyLock;
use std::task::Poll;

use domain::Timestamp;
use domain::idempotency::Record;
use domain::routing::health::Health;
use domain::seal::MasterKey;
use handlers::Server;
use kit::{Database, START};
use store::{Statement, values};

use crate::client::Later;
use crate::endpoints::Endpoints;
use crate::keys::Keys;
use crate::notices::Notices;
use crate::planted::Planted;
use crate::processor::Processor;
use crate::random::Random;
use crate::scheduler::{Scheduler, Slot, TaskId};
use crate::told::Told;
use crate::trace::{Actor, Trace};
use crate::weather::{Fate, Service, Weather};
use crate::workers::Workers;

/// The bytes 0 to 31.
const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What is written down beside what all tests write down: that an attempt failed, or was left to a person, which the
/// next lookup may take back.
static WATCH: LazyLock<String> = LazyLock::new(|| {
    api::invariants::WATCH.clone()
        + "CREATE TEMP TABLE ended (attempt TEXT, became TEXT, at INTEGER); \
           CREATE TEMP TRIGGER watch_failed AFTER UPDATE ON main.attempts \
           WHEN NEW.state = 'failed' AND OLD.state <> 'failed' BEGIN \
           INSERT INTO ended (attempt, became) VALUES (NEW.id, 'failed'); END; \
           CREATE TEMP TRIGGER watch_parked AFTER UPDATE ON main.attempts \
           WHEN NEW.attention IS NOT NULL AND OLD.attention IS NULL BEGIN \
           INSERT INTO ended (attempt, became) VALUES (NEW.id, 'parked'); END;"
});

/// How many isolates answer requests.
const ISOLATES: usize = 4;

/// Why a call came to nothing, as far as its caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nobody knows whether it arrived.
    Lost,
    /// It was turned away.
    Refused,
}

/// A runtime in which invocations share what is remembered.
pub struct Isolate {
    /// What answers requests there.
    pub server: RefCell<Server>,
    /// How far its clock is off, in milliseconds.
    pub skew: Cell<i64>,
    /// The invocations that it runs.
    pub tasks: RefCell<Vec<TaskId>>,
    /// Whether it has told the heartbeat that it lives.
    pub is_poked: Cell<bool>,
}

/// The world of a run.
pub struct World {
    /// What happens next.
    pub scheduler: Scheduler,
    /// The database.
    pub database: Database,
    /// The master key.
    pub master_key: MasterKey,
    /// What idempotency objects keep.
    pub records: RefCell<BTreeMap<(String, String), Record>>,
    /// What is known of their keys.
    pub keys: RefCell<Keys>,
    /// What clients send once more hours later.
    pub later: RefCell<Vec<Later>>,
    /// The bucket of files.
    pub files: RefCell<BTreeMap<String, Vec<u8>>>,
    /// The isolates.
    pub isolates: Vec<Isolate>,
    /// The queues, the heartbeat and the objects of endpoints.
    pub workers: Workers,
    /// The payment processor.
    pub processor: RefCell<Processor>,
    /// What it tells unasked.
    pub notices: RefCell<Notices>,
    /// How the accounts at processors have answered lately.
    pub health: RefCell<BTreeMap<String, Health>>,
    /// The merchants' endpoints.
    pub endpoints: RefCell<Endpoints>,
    /// What clients were told.
    pub told: RefCell<Told>,
    /// What is planted, where something is.
    pub planted: Option<Planted>,
    /// What operators were told that is our own fault.
    pub errors: RefCell<Vec<String>>,
    /// How many clients still have something to do.
    pub clients: Cell<usize>,
    weather: RefCell<Weather>,
}

impl World {
    /// The world of a seed, in calm weather.
    ///
    /// # Panics
    /// Never: the master key is a constant.
    pub fn new(seed: u64, trace: Rc<RefCell<Trace>>, planted: Option<Planted>) -> Rc<Self> {
        let isolate = || Isolate {
            server: RefCell::default(),
            skew: Cell::new(0),
            tasks: RefCell::default(),
            is_poked: Cell::new(false),
        };
        Rc::new(Self {
            scheduler: Scheduler::new(seed, trace),
            database: Database::with(&WATCH),
            master_key: MasterKey::parse(MASTER_KEY).expect("32 bytes in base64"),
            records: RefCell::default(),
            keys: RefCell::default(),
            later: RefCell::default(),
            files: RefCell::default(),
            isolates: (0..ISOLATES).map(|_| isolate()).collect(),
            workers: Workers::default(),
            processor: RefCell::default(),
            notices: RefCell::default(),
            health: RefCell::default(),
            endpoints: RefCell::default(),
            told: RefCell::default(),
            planted,
            errors: RefCell::default(),
            clients: Cell::new(0),
            weather: RefCell::new(Weather::calm()),
        })
    }

    /// Sets the weather.
    pub fn set_weather(&self, weather: Weather) {
        *self.weather.borrow_mut() = weather;
    }

    /// The weather.
    pub fn weather(&self) -> std::cell::Ref<'_, Weather> {
        self.weather.borrow()
    }

    /// The simulated moment, in milliseconds since the run began.
    pub fn now(&self) -> i64 {
        self.scheduler.now()
    }

    /// The moment of a clock that is off by so many milliseconds.
    pub fn clock(&self, skew: i64) -> Timestamp {
        START.plus((self.now() + skew).div_euclid(1_000))
    }

    /// Draws from the seed's numbers.
    pub fn draw<T>(&self, draw: impl FnOnce(&mut Random) -> T) -> T {
        self.scheduler.draw(draw)
    }

    /// Whether a fault of this kind strikes now.
    pub fn strikes(&self, often: impl FnOnce(&Weather) -> u64) -> bool {
        let often = often(&self.weather());
        self.draw(|random| random.chance(often))
    }

    /// Calls a service, and waits for what it answers. What arrives happens whether its caller is still there or not.
    pub async fn call<T: 'static>(
        self: &Rc<Self>,
        task: TaskId,
        service: Service,
        takes: Option<i64>,
        effect: impl FnOnce(&Rc<Self>) -> T + 'static,
    ) -> Result<T, Loss> {
        let fate = self.draw(|random| self.weather().fate(service, random));
        let (least, most) = service.takes();
        let there = takes.unwrap_or_else(|| self.draw(|random| random.between(least, most)));
        let back = self.draw(|random| random.between(1, 5));
        let patience = service.patience();
        let actor = self.scheduler.actor(task);
        if fate != Fate::Fine {
            let number = 0xfa7e ^ (service as u64) << 8 ^ (fate as u64) << 4;
            self.scheduler.note(actor, number, || format!("FAULT: {fate:?} at {}", service.name()));
        }
        let (arrives, answered) = match fate {
            Fate::Fine | Fate::Crash | Fate::AnswerLost => (Some(there), there + back),
            Fate::Lost => (None, self.draw(|random| random.between(1, patience))),
            Fate::Refused => (None, 2),
            Fate::Late => {
                let late = self.draw(|random| random.between(1, 240_000));
                (Some(patience + late), patience)
            }
        };
        let answer = Slot::default();
        if let Some(there) = arrives {
            self.arrive(task, there, answer.clone(), effect);
        }
        if fate == Fate::Crash {
            let dies = self.draw(|random| random.between(0, answered));
            self.scheduler.end_after(dies, task);
        }
        let answered = answered.min(patience);
        self.scheduler.sleep(task, answered).await;
        match fate {
            Fate::Fine => answer.take().ok_or(Loss::Lost),
            // It ends while it waits, at the latest now.
            Fate::Crash => {
                poll_fn(|_| Poll::<()>::Pending).await;
                Err(Loss::Lost)
            }
            Fate::Refused => Err(Loss::Refused),
            Fate::Lost | Fate::AnswerLost | Fate::Late => Err(Loss::Lost),
        }
    }

    fn arrive<T: 'static>(
        self: &Rc<Self>,
        task: TaskId,
        there: i64,
        answer: Slot<T>,
        effect: impl FnOnce(&Rc<Self>) -> T + 'static,
    ) {
        let world = Rc::clone(self);
        self.scheduler.after(there, move || {
            // What a dead invocation has sent arrives half of the time.
            if world.scheduler.is_alive(task) || world.draw(|random| random.chance(5_000)) {
                answer.leave(effect(&world));
            }
        });
    }

    /// Keeps what is wrong, if anything is.
    pub fn blame(&self, problem: Option<String>) {
        self.told.borrow_mut().problems.extend(problem);
    }

    /// Notes when what a batch did to attempts was done: triggers know no simulated time.
    pub fn stamp(&self, statements: &[Statement]) {
        if statements.iter().any(|statement| statement.sql.contains("UPDATE attempts")) {
            let now = self.clock(0).seconds();
            self.database.query("UPDATE ended SET at = ?1 WHERE at IS NULL", values![now]);
        }
    }

    /// Restarts an isolate: its invocations die, and it forgets what it knew.
    pub fn restart(&self, isolate: usize) {
        let isolate = &self.isolates[isolate];
        self.scheduler.note(Actor::World, 0x1507, || "FAULT: an isolate restarts".to_owned());
        for task in isolate.tasks.take() {
            self.scheduler.end(task);
        }
        *isolate.server.borrow_mut() = Server::default();
        isolate.is_poked.set(false);
    }
}
