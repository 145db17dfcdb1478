//! First attempts, as a consumer of the queue makes them for many endpoints at the same time: each has its share
//! of the connections, so that one that stalls leaves the others theirs.

use std::cell::{Cell, RefCell};

use domain::timestamp::Timestamp;
use futures_util::future::join_all;
use store::deliveries::{self, Due};
use store::{Database, Statement, webhook_endpoints};

use super::round::{Found, Recipient, due_of, make, put_off};
use super::{Parcel, parcels};
use crate::{Failure, Platform};

/// How many deliveries are under way at a time. An invocation has six connections: what waits for one of them
/// would count that as the endpoint's time, and one is left to the database.
const LANES: usize = 5;

/// After how many beats of the consumer attempts that are still under way hold up the rest.
const PATIENCE: u32 = 2;

/// How long the attempts that a consumer has let go of take at most, in seconds: the time for DNS, and that for
/// the endpoint.
const LETS_GO_FOR: i64 = 30;

/// What a batch of messages stands for.
pub struct Lot {
    shares: Vec<Share>,
    /// How many of the endpoints were begun with, and how many have yet to end.
    begun: Cell<usize>,
    left: Cell<usize>,
    beats: Cell<u32>,
}

/// The deliveries of one endpoint, from however many messages.
struct Share {
    endpoint: String,
    found: RefCell<Found>,
    /// What no attempt was begun of.
    rest: RefCell<Vec<Due>>,
    /// In which beat the attempts began that are under way.
    began: Cell<Option<u32>>,
    is_held: Cell<bool>,
    /// Whether some of it may yet be made here.
    is_open: Cell<bool>,
    problem: RefCell<Option<String>>,
}

impl Lot {
    /// Finds the first attempts that messages stand for. What was attempted already is left as it is.
    ///
    /// # Errors
    /// When the database does not answer; the messages are then to come again.
    pub async fn open<P: Platform>(platform: &P, parcels: &[Parcel]) -> Result<Self, Failure> {
        let mut endpoints: Vec<(&str, Vec<i64>)> = Vec::new();
        for Parcel { endpoint, events } in parcels {
            match endpoints.iter_mut().find(|(known, _)| known == endpoint) {
                Some((_, known)) => known.extend(events),
                None => endpoints.push((endpoint, events.clone())),
            }
        }
        let mut read = Vec::new();
        for (endpoint, events) in &endpoints {
            read.push(webhook_endpoints::find_by_id(endpoint));
            read.push(deliveries::find_first(endpoint, events));
        }
        let results = platform.database().batch(read).await?;
        let mut shares = Vec::new();
        for ((endpoint, _), results) in endpoints.iter().zip(results.chunks(2)) {
            shares.push(Share {
                endpoint: (*endpoint).to_owned(),
                found: RefCell::new(Recipient::of(results.first())),
                rest: RefCell::new(due_of(results.get(1))?),
                began: Cell::new(None),
                is_held: Cell::new(false),
                is_open: Cell::new(true),
                problem: RefCell::new(None),
            });
        }
        let left = Cell::new(shares.len());
        Ok(Self { shares, begun: Cell::new(0), left, beats: Cell::new(0) })
    }

    /// Makes the attempts.
    pub async fn work<P: Platform>(&self, platform: &P) {
        join_all((0..LANES).map(|_| self.lane(platform))).await;
    }

    async fn lane<P: Platform>(&self, platform: &P) {
        while let Some(share) = self.shares.get(self.begun.get()) {
            self.begun.set(self.begun.get().saturating_add(1));
            if let Err(failure) = self.deliver(platform, share).await {
                share.problem.replace(Some(failure.to_string()));
            }
            share.is_open.set(false);
            self.left.set(self.left.get().saturating_sub(1));
        }
    }

    /// Makes an endpoint's attempts, round by round. One that turns out to be slow or failing gets the rest from
    /// its own object, so that it holds up nobody else.
    async fn deliver<P: Platform>(&self, platform: &P, share: &Share) -> Result<(), Failure> {
        let mut found = share.found.replace(Ok(None));
        loop {
            let recipient = match found {
                Ok(Some(recipient)) => recipient,
                Ok(None) => return Ok(()),
                Err(unreadable) => {
                    let rest = share.rest.take();
                    return put_off(platform, &share.endpoint, &unreadable, &rest).await;
                }
            };
            if !recipient.is_shared() {
                return share.hand_over(platform).await;
            }
            let due = share.take(self.places().min(recipient.concurrency()));
            if due.is_empty() {
                return Ok(());
            }
            share.began.set(Some(self.beats.get()));
            let made = make(platform, &recipient, &due).await;
            share.began.set(None);
            if share.is_held.get() {
                let release = webhook_endpoints::release(&share.endpoint);
                platform.database().batch(vec![release]).await?;
                platform.wake_endpoint(&share.endpoint).await?;
            }
            found = made?;
        }
    }

    /// How many attempts an endpoint may make at a time, so that there are places for all that are left.
    fn places(&self) -> usize {
        LANES.checked_div(self.left.get()).unwrap_or(LANES).max(1)
    }

    /// The consumer looks after it, from time to time. Says whether some attempts have been under way for so
    /// long that the rest must not wait for them.
    pub fn is_held_up(&self) -> bool {
        self.beats.set(self.beats.get().saturating_add(1));
        self.shares.iter().any(|share| share.is_slow(self.beats.get()))
    }

    /// Leaves the endpoints that take long to their objects, and has the rest come again at once. The attempts
    /// that are under way go on.
    ///
    /// # Errors
    /// When the database or the queue does not answer; what that keeps from being made is found later.
    pub async fn let_go<P: Platform>(&self, platform: &P) -> Result<(), Failure> {
        let (mut slow, mut rest) = (Vec::new(), Vec::new());
        let (now, mut batch) = (platform.now(), Vec::new());
        for share in &self.shares {
            let events = share.take_events();
            share.is_open.set(share.began.get().is_some());
            if share.is_slow(self.beats.get()) {
                share.is_held.set(true);
                batch.extend(plan(&share.endpoint, &events, now));
                slow.push(share.endpoint.as_str());
            } else {
                rest.extend(parcels(&share.endpoint, &events));
            }
        }
        batch.push(webhook_endpoints::hold(&slow, now, now.plus(LETS_GO_FOR)));
        platform.database().batch(batch).await?;
        if !rest.is_empty() {
            platform.enqueue(&rest).await?;
        }
        Ok(())
    }

    /// Whether attempts of an endpoint are under way, or will be.
    pub fn is_under_way(&self, endpoint: &str) -> bool {
        self.shares.iter().any(|share| share.endpoint == endpoint && share.is_open.get())
    }

    /// Why the message of an endpoint is to come again, where it is.
    pub fn problem(&self, endpoint: &str) -> Option<String> {
        let share = self.shares.iter().find(|share| share.endpoint == endpoint)?;
        share.problem.borrow().clone()
    }
}

impl Share {
    fn is_slow(&self, beat: u32) -> bool {
        self.began.get().is_some_and(|began| began.saturating_add(PATIENCE) < beat)
    }

    /// The next deliveries, at most so many.
    fn take(&self, most: usize) -> Vec<Due> {
        let mut rest = self.rest.borrow_mut();
        let count = most.min(rest.len());
        rest.drain(..count).collect()
    }

    /// What is left, of which nothing is begun any more.
    fn take_events(&self) -> Vec<i64> {
        self.rest.take().iter().map(|due| due.sequence).collect()
    }

    async fn hand_over<P: Platform>(&self, platform: &P) -> Result<(), Failure> {
        let plan = plan(&self.endpoint, &self.take_events(), platform.now());
        if plan.is_empty() {
            return Ok(());
        }
        platform.database().batch(plan).await?;
        Ok(platform.wake_endpoint(&self.endpoint).await?)
    }
}

/// Has an endpoint's own object make attempts.
fn plan(endpoint: &str, events: &[i64], now: Timestamp) -> Vec<Statement> {
    let some = (!events.is_empty()).then(|| deliveries::plan(endpoint, events, now));
    some.into_iter().collect()
}
