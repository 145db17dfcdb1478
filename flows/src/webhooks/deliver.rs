//! First attempts, as a consumer of the queue makes them for many endpoints at the same time.
//!
//! The next attempt is for whoever has had the least time of the connections so far, and an endpoint of which nothing
//! is known yet gets one at a time: one that takes long leaves the others theirs. What came of attempts is recorded
//! while others are made, as much of it together as there is.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use domain::timestamp::Timestamp;
use store::deliveries::{self, Due};
use store::{Database, Statement, webhook_endpoints};

use super::attempt::attempt;
use super::round::{Made, Record};
use super::share::{Addressee, Share};
use super::{Parcel, parcels};
use crate::tasks::{Task, advance, all};
use crate::{Failure, Platform};

/// How many attempts are under way at a time. An invocation has six connections: what waits for one of them
/// would count that as the endpoint's time, and one is left to the database.
const LANES: usize = 5;

/// How many of them may be for endpoints that are not known to be quick, while others are.
const SLOW_LANES: usize = 3;

/// After how many beats of the consumer an attempt that is still under way holds up the rest.
const PATIENCE: u32 = 2;

/// After how many beats nothing more is begun: what arrived meanwhile, for whomever, waits for the end of this batch.
const LASTS: u32 = 5;

/// How long the attempts that a consumer has let go of take at most, in seconds: the time for DNS, and that for
/// the endpoint.
const LETS_GO_FOR: i64 = 30;

/// What a batch of messages stands for.
pub struct Lot {
    shares: Vec<Share>,
    beats: Cell<u32>,
}

impl Lot {
    /// What messages stand for. Its endpoints are under way from now on.
    pub fn of(parcels: &[Parcel]) -> Self {
        let mut shares: Vec<Share> = Vec::new();
        for Parcel { endpoint, events } in parcels {
            match shares.iter_mut().find(|share| share.endpoint == *endpoint) {
                Some(share) => share.events.extend(events),
                None => shares.push(Share::of(endpoint, events)),
            }
        }
        Self { shares, beats: Cell::new(0) }
    }

    /// Makes the attempts. What was attempted already is left as it is.
    pub async fn work<P: Platform>(&self, platform: &P) {
        if let Err(failure) = self.open(platform).await {
            for share in &self.shares {
                share.is_opening.set(false);
                share.fail(&failure);
            }
        }
        let mut attempts: Vec<Task<'_>> = Vec::new();
        let mut recording: Vec<Task<'_>> = Vec::new();
        poll_fn(|context| {
            loop {
                while attempts.len() < LANES
                    && let Some((share, addressee, due)) = self.next()
                {
                    attempts.push(Box::pin(self.attempt(platform, share, addressee, due)));
                }
                if recording.is_empty() && self.shares.iter().any(Share::has_made) {
                    recording.push(Box::pin(self.record(platform)));
                }
                if attempts.is_empty() && recording.is_empty() {
                    return Poll::Ready(());
                }
                let have_ended = advance(&mut attempts, context);
                if !(advance(&mut recording, context) || have_ended) {
                    return Poll::Pending;
                }
            }
        })
        .await;
    }

    /// Finds the first attempts that are to be made.
    async fn open<P: Platform>(&self, platform: &P) -> Result<(), Failure> {
        let ids: Vec<&str> = self.shares.iter().map(|share| share.endpoint.as_str()).collect();
        let mut read = vec![webhook_endpoints::find_by_ids(&ids)];
        for share in &self.shares {
            read.push(deliveries::find_first(&share.endpoint, &share.events));
        }
        let results = platform.database().batch(read).await?;
        let mut opening: Vec<Task<'_>> = Vec::new();
        for (share, due) in self.shares.iter().zip(results.iter().skip(1)) {
            opening.push(Box::pin(share.open(platform, results.first(), due)));
        }
        all(opening).await;
        Ok(())
    }

    /// The next attempt: for whoever has had the least time, of those that take one more. While a quick endpoint waits for
    /// what it had to be recorded, no other takes its lane for long.
    fn next(&self) -> Option<(&Share, Rc<Addressee>, Due)> {
        let (mut slow_lanes, mut is_quick_open) = (0_usize, false);
        for share in &self.shares {
            if share.is_quick() {
                is_quick_open |= share.is_open();
            } else {
                slow_lanes = slow_lanes.saturating_add(share.began.borrow().len());
            }
        }
        let is_for_all = slow_lanes < SLOW_LANES || !is_quick_open;
        let open = self.shares.iter().filter(|share| is_for_all || share.is_quick());
        let share = open.filter(|share| share.has_room()).min_by_key(|share| share.time())?;
        let (addressee, due) = share.take()?;
        share.began.borrow_mut().push(self.beats.get());
        Some((share, addressee, due))
    }

    async fn attempt<P: Platform>(
        &self,
        platform: &P,
        share: &Share,
        addressee: Rc<Addressee>,
        due: Due,
    ) {
        let began = self.beats.get();
        let Addressee { recipient, secrets } = &*addressee;
        let outcome = attempt(platform, &recipient.endpoint, secrets, &due).await;
        share.ended(began, Made { due, outcome });
    }

    /// Records what came of attempts, and has each endpoint go on as it stands then.
    async fn record<P: Platform>(&self, platform: &P) {
        let (mut record, mut made) = (Record::default(), Vec::new());
        for share in &self.shares {
            made.push(share.made.take());
        }
        let recorded: Vec<_> =
            self.shares.iter().zip(&made).filter(|(_, made)| !made.is_empty()).collect();
        for (share, made) in &recorded {
            if let Some(addressee) = share.addressee() {
                let endpoint = &addressee.recipient.endpoint;
                record.add(platform, (&share.endpoint, endpoint), made);
            }
        }
        let found = record.write(platform).await;
        let mut going_on: Vec<Task<'_>> = Vec::new();
        for (share, made) in recorded {
            going_on.push(Box::pin(share.go_on(platform, made, &found)));
        }
        all(going_on).await;
    }

    /// The consumer looks after it, from time to time. Says whether the consumer is to wait no longer: attempts have
    /// been under way for so long that the rest must not wait for them. They go on, their endpoints are left to their
    /// objects, and what was not begun comes again at once. The latter happens to a batch that takes long as well.
    pub async fn look_after<P: Platform>(&self, platform: &P) -> bool {
        let beat = self.beats.get().saturating_add(1);
        self.beats.set(beat);
        let is_held_up = self.shares.iter().any(|share| self.holds_up(share));
        if is_held_up || beat == LASTS {
            self.let_go(platform).await;
        }
        is_held_up || beat > LASTS.saturating_add(PATIENCE)
    }

    fn holds_up(&self, share: &Share) -> bool {
        let oldest = share.began.borrow().first().copied();
        oldest.is_some_and(|began| began.saturating_add(PATIENCE) < self.beats.get())
    }

    async fn let_go<P: Platform>(&self, platform: &P) {
        let (mut slow, mut rest) = (Vec::new(), Vec::new());
        let (now, mut batch) = (platform.now(), Vec::new());
        let until = now.plus(LETS_GO_FOR);
        for share in &self.shares {
            let takes_long = self.holds_up(share) || share.takes_long();
            let events = share.take_events();
            if takes_long {
                share.held.set(Some(until));
                batch.extend(plan(&share.endpoint, &events, now));
                slow.push(share.endpoint.as_str());
            } else {
                rest.extend(parcels(&share.endpoint, &events));
            }
        }
        batch.push(webhook_endpoints::hold(&slow, Some(now), until));
        if let Err(failure) = hand_on(platform, batch, &rest).await {
            // All come again: nobody knows which of it was done, and nothing is done twice.
            self.shares.iter().for_each(|share| share.fail(&failure));
        }
        for share in &self.shares {
            share.close(platform).await;
        }
    }

    /// Whether attempts of an endpoint are under way, or will be.
    pub fn is_under_way(&self, endpoint: &str) -> bool {
        self.shares.iter().any(|share| share.endpoint == endpoint && share.is_open())
    }

    /// Leaves further deliveries of an endpoint that is under way here to its object, which waits for the end of that:
    /// together they would be more at a time than the endpoint takes.
    ///
    /// # Errors
    /// When the database does not answer; their message is then to come again.
    pub async fn leave<P: Platform>(&self, platform: &P, parcel: &Parcel) -> Result<(), Failure> {
        let Some(share) = self.shares.iter().find(|share| share.endpoint == parcel.endpoint) else {
            return Ok(());
        };
        let now = platform.now();
        let mut batch = plan(&share.endpoint, &parcel.events, now);
        let until = share.held.get().unwrap_or_else(|| now.plus(LETS_GO_FOR));
        if share.held.replace(Some(until)).is_none() {
            batch.push(webhook_endpoints::hold(&[&share.endpoint], None, until));
        }
        platform.database().batch(batch).await?;
        // It may have ended before the object was told to wait.
        share.held.set(Some(until));
        share.close(platform).await;
        Ok(())
    }

    /// Why the message of an endpoint is to come again, where it is.
    pub fn problem(&self, endpoint: &str) -> Option<String> {
        let share = self.shares.iter().find(|share| share.endpoint == endpoint)?;
        share.problem.borrow().clone()
    }
}

async fn hand_on<P: Platform>(
    platform: &P,
    batch: Vec<Statement>,
    rest: &[Parcel],
) -> Result<(), Failure> {
    platform.database().batch(batch).await?;
    if !rest.is_empty() {
        platform.enqueue(rest).await?;
    }
    Ok(())
}

/// Has an endpoint's own object make attempts.
pub(super) fn plan(endpoint: &str, events: &[i64], now: Timestamp) -> Vec<Statement> {
    let some = (!events.is_empty()).then(|| deliveries::plan(endpoint, events, now));
    some.into_iter().collect()
}
