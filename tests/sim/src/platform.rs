//! The platform of one invocation: every call goes through the weather.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use domain::Timestamp;
use domain::idempotency::{self, Begin, Complete, Decision};
use domain::receipt::Document;
use domain::routing::health::{Answers, Breaker, is_failure};
use domain::seal::MasterKey;
use flows::PlatformError;
use flows::alerts::Alert;
use flows::platform::{Answered, Email, NotSent, Sent};
use flows::webhooks::Parcel;
use store::{DatabaseError, Rows, Statement};

use crate::planted;
use crate::scheduler::TaskId;
use crate::trace::digest;
use crate::weather::Service;
use crate::workers;
use crate::world::{Loss, World};

/// What D1 says when nobody knows whether a batch was written.
const LOST: &str = "D1_ERROR: Network connection lost.";

/// What D1 says when it has too much to do.
const OVERLOADED: &str = "D1_ERROR: D1 DB is overloaded. Requests queued for too long.";

/// The database as an invocation reaches it.
pub struct Link {
    world: Rc<World>,
    task: TaskId,
}

impl store::Database for Link {
    async fn batch(&self, mut statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        let world = &self.world;
        let actor = world.scheduler.actor(self.task);
        if let Some(planted) = &world.planted {
            planted.rewrite(&mut statements);
        }
        let effect = move |world: &Rc<World>| {
            let done = planted::run(world, &statements);
            world.stamp(&statements);
            let number = digest(&[u8::from(done.is_ok()), statements.len() as u8]);
            world.scheduler.note(actor, number, || {
                let first = statements.iter().find(|statement| !is_read(statement));
                match (&done, first) {
                    (Ok(_), None) => format!("read ({} statements)", statements.len()),
                    (Ok(_), Some(_)) => format!("COMMITTED {}", words(&statements)),
                    (Err(error), _) => format!("rolled back: {error}: {}", words(&statements)),
                }
            });
            done
        };
        match world.call(self.task, Service::Database, None, effect).await {
            Ok(done) => done,
            Err(Loss::Lost) => Err(DatabaseError::from_message(LOST)),
            Err(Loss::Refused) => Err(DatabaseError::from_message(OVERLOADED)),
        }
    }
}

fn is_read(statement: &Statement) -> bool {
    statement.sql.trim_start().starts_with("SELECT")
}

/// What a batch writes, for people.
fn words(statements: &[Statement]) -> String {
    let written = statements.iter().filter(|statement| !is_read(statement)).map(|statement| {
        let mut words = statement.sql.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let table = words.find(|word| !matches!(*word, "INTO" | "FROM")).unwrap_or_default();
        let value = statement.values.first().map_or_else(String::new, |value| match value {
            store::Value::Text(text) => text.chars().take(40).collect(),
            other => format!("{other:?}"),
        });
        format!("{} {table} {value}", verb.to_lowercase())
    });
    written.collect::<Vec<_>>().join("; ")
}

/// The platform of one invocation.
pub struct Invocation {
    world: Rc<World>,
    task: TaskId,
    link: Link,
    skew: i64,
    earliest_wake: Cell<Option<Timestamp>>,
    has_events: Cell<bool>,
}

impl Invocation {
    /// The platform of an invocation that a task is, in an isolate whose clock is off by so much.
    pub fn new(world: &Rc<World>, task: TaskId, skew: i64) -> Self {
        let link = Link { world: Rc::clone(world), task };
        let world = Rc::clone(world);
        let (earliest_wake, has_events) = (Cell::new(None), Cell::new(false));
        Self { world, task, link, skew, earliest_wake, has_events }
    }

    /// The earliest moment that the heartbeat was asked to look at.
    pub fn earliest_wake(&self) -> Option<Timestamp> {
        self.earliest_wake.get()
    }

    /// Sends off what is sent after the answer: that there are events, and when there is work.
    pub fn send_off(&self) {
        if self.has_events.take() {
            workers::send(&self.world, queues::Queue::Events, String::new());
        }
        if let Some(due_at) = self.earliest_wake.take() {
            let body = serde_json::to_string(&queues::wake::Wake { due_at }).expect("a message");
            workers::send(&self.world, queues::Queue::Wake, body);
        }
    }

    async fn call<T: 'static>(
        &self,
        service: Service,
        part: &'static str,
        effect: impl FnOnce(&Rc<World>) -> Result<T, PlatformError> + 'static,
    ) -> Result<T, PlatformError> {
        let lost = |_| PlatformError { part, problem: "the connection was lost".to_owned() };
        self.world.call(self.task, service, None, effect).await.map_err(lost)?
    }

    fn note(&self, account: &str, is_good: bool) {
        let now = self.world.clock(0).seconds();
        let mut all = self.world.health.borrow_mut();
        all.entry(account.to_owned()).or_default().note(now, Answers::one(is_good));
    }
}

impl flows::Platform for Invocation {
    type Database = Link;

    fn database(&self) -> &Link {
        &self.link
    }

    async fn begin(&self, object: &str, begin: &Begin) -> Result<Decision, PlatformError> {
        let (at, begin) = ((object.to_owned(), begin.key.clone()), begin.clone());
        let actor = self.world.scheduler.actor(self.task);
        let effect = move |world: &Rc<World>| {
            let mut records = world.records.borrow_mut();
            let kept = records.get(&at).cloned();
            let (decision, record) = match &world.planted {
                Some(planted) => planted.begin(kept, &begin),
                None => idempotency::begin(kept, &begin),
            };
            world.blame(world.keys.borrow_mut().begun(&at.0, &begin, &decision));
            if let Some(record) = record {
                records.insert(at, record);
            }
            world.scheduler.note(actor, digest(begin.key.as_bytes()), || {
                let decided = match &decision {
                    Decision::Run { epoch, resumes, .. } => {
                        format!("run {epoch}{}", if *resumes { ", resuming" } else { "" })
                    }
                    Decision::Replay { answer, .. } => format!("replay of a {}", answer.status),
                    Decision::Mismatch => "mismatch".to_owned(),
                    Decision::InFlight => "in flight".to_owned(),
                };
                format!("begins under the key {}: {decided}", begin.key)
            });
            Ok(decision)
        };
        self.call(Service::Records, "idempotency", effect).await
    }

    async fn complete(&self, object: &str, complete: &Complete) -> Result<bool, PlatformError> {
        let (at, mut complete) = ((object.to_owned(), complete.key.clone()), complete.clone());
        let actor = self.world.scheduler.actor(self.task);
        let effect = move |world: &Rc<World>| {
            if world.planted.as_ref().is_some_and(|planted| planted.forgets_answers()) {
                return Ok(true);
            }
            let mut records = world.records.borrow_mut();
            let kept = records.get(&at).cloned();
            if let Some(planted) = &world.planted {
                planted.shorten(&mut complete);
            }
            let record = match &world.planted {
                Some(planted) => planted.complete(kept, &complete),
                None => idempotency::complete(kept, &complete),
            };
            let is_newest = record.is_some();
            world.blame(world.keys.borrow_mut().ended(&at.0, &complete, is_newest));
            if let Some(record) = record {
                records.insert(at, record);
            }
            world.scheduler.note(actor, 0xc0 + u64::from(is_newest), || {
                let status = complete.answer.as_ref().map(|answer| answer.status);
                format!("completes {} with {status:?}: newest {is_newest}", complete.key)
            });
            Ok(is_newest)
        };
        self.call(Service::Records, "idempotency", effect).await
    }

    async fn put_file(&self, name: &str, bytes: Vec<u8>) -> Result<(), PlatformError> {
        let name = name.to_owned();
        let effect = move |world: &Rc<World>| {
            world.files.borrow_mut().insert(name, bytes);
            Ok(())
        };
        self.call(Service::Other, "files", effect).await
    }

    async fn put_receipt(&self, _: &Document) -> Result<(), PlatformError> {
        self.call(Service::Other, "receipts", |_| Ok(())).await
    }

    async fn receipt(&self, _: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        self.call(Service::Other, "receipts", |_| Ok(None)).await
    }

    fn sends_email(&self, livemode: bool) -> bool {
        livemode
    }

    async fn send_email(&self, _: &Email) -> Result<(), NotSent> {
        let sent = self.call(Service::Other, "email", |_| Ok(())).await;
        sent.map_err(|error| NotSent { problem: error.problem, is_final: false })
    }

    fn utc_offset(&self, zone: &str, _: Timestamp) -> Option<i64> {
        (zone == "UTC" || zone == "Etc/UTC").then_some(0)
    }

    fn wake(&self, due_at: Timestamp) {
        let earliest = self.earliest_wake.get().map_or(due_at, |known| known.min(due_at));
        self.earliest_wake.set(Some(earliest));
    }

    fn announce(&self) {
        self.has_events.set(true);
    }

    async fn enqueue(&self, parcels: &[Parcel]) -> Result<(), PlatformError> {
        let parcels = parcels.to_vec();
        let effect = move |world: &Rc<World>| {
            for parcel in parcels {
                let body = serde_json::to_string(&parcel).expect("a message");
                workers::send(world, queues::Queue::Deliveries, body);
            }
            Ok(())
        };
        self.call(Service::Queue, "queue", effect).await
    }

    async fn wake_endpoint(&self, endpoint: &str) -> Result<(), PlatformError> {
        let endpoint = endpoint.to_owned();
        let effect = move |world: &Rc<World>| {
            workers::wake_endpoint(world, &endpoint);
            Ok(())
        };
        self.call(Service::Queue, "endpoint", effect).await
    }

    async fn send(&self, mut request: http::Request<String>, _: u32) -> Sent {
        if let Some(answer) =
            self.world.planted.as_ref().and_then(|planted| planted.send(&mut request))
        {
            return Sent { milliseconds: 10, answer: Ok(answer) };
        }
        let began = self.world.now();
        let takes = self.world.endpoints.borrow().takes(&self.world, &request);
        let effect = move |world: &Rc<World>| crate::endpoints::answer(world, &request);
        let answer = self.world.call(self.task, Service::Endpoint, takes, effect).await;
        let lost = |_| "the connection was lost".to_owned();
        Sent {
            milliseconds: self.world.now() - began,
            answer: answer.map_err(lost).and_then(|answer| answer),
        }
    }

    async fn ask_processor(
        &self,
        account: Option<&str>,
        mut request: http::Request<String>,
        _: u32,
    ) -> Result<Answered, String> {
        let planted = self.world.planted.as_ref();
        if let Some(answer) = planted.and_then(|planted| planted.ask(&self.world, &mut request)) {
            return Ok(answer);
        }
        let asked = planted.map(|_| request.clone());
        let sent = self.world.processor.borrow_mut().is_sent(&request, self.world.now());
        self.world.blame(sent);
        let effect = move |world: &Rc<World>| crate::processor::answer(world, &request);
        let answer = self.world.call(self.task, Service::Processor, None, effect).await;
        let lost = |_| "the connection was lost".to_owned();
        let answer = answer.map_err(lost).and_then(|answer| answer);
        if let Some(account) = account {
            self.note(account, answer.as_ref().is_ok_and(|answered| !is_failure(answered.status)));
        }
        match (planted, asked) {
            (Some(planted), Some(asked)) => planted.hear(&asked, answer),
            _ => answer,
        }
    }

    fn note_failure(&self, account: &str) {
        self.note(account, false);
    }

    fn health(&self, account: &str) -> Breaker {
        let now = self.world.clock(0).seconds();
        let health = self.world.health.borrow();
        health.get(account).map_or(Breaker::Closed, |health| health.breaker(now))
    }

    fn sends_payment(&self, account: &str) {
        let now = self.world.clock(0).seconds();
        self.world.health.borrow_mut().entry(account.to_owned()).or_default().tell(now);
    }

    async fn addresses(&self, _: &str) -> Result<Result<Vec<IpAddr>, String>, PlatformError> {
        Ok(Ok(vec![IpAddr::V4(Ipv4Addr::new(93, 184, 215, 14))]))
    }

    fn is_development(&self) -> bool {
        false
    }

    fn is_nearly_full(&self) -> bool {
        false
    }

    fn is_closed(&self) -> bool {
        false
    }

    fn now(&self) -> Timestamp {
        self.world.clock(self.skew)
    }

    fn random(&self) -> [u8; 32] {
        self.world.draw(crate::random::Random::bytes)
    }

    fn master_key(&self) -> &MasterKey {
        &self.world.master_key
    }

    fn log_error(&self, request: &str, problem: &str) {
        let actor = self.world.scheduler.actor(self.task);
        let number = digest(problem.as_bytes());
        self.world.scheduler.note(actor, number, || format!("logs {request}: {problem}"));
        self.world.errors.borrow_mut().push(format!("{request}: {problem}"));
    }

    fn unreadable_settings(&self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    fn alert(&self, alert: &Alert<'_>) {
        self.log_error(alert.subject, alert.problem);
    }
}
