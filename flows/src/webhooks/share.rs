//! The deliveries of one endpoint in a consumer's batch, from however many messages.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use domain::timestamp::Timestamp;
use store::deliveries::Due;
use store::{Database, Rows, webhook_endpoints};

use super::deliver::plan;
use super::look_after::look_after;
use super::round::{Found, LONG, Made, Recipient, due_of, put_off};
use super::secrets;
use crate::{Failure, Platform};

/// An endpoint, and what signs for it.
pub(super) struct Addressee {
    pub recipient: Recipient,
    pub secrets: Vec<String>,
}

/// The deliveries of one endpoint.
pub(super) struct Share {
    pub endpoint: String,
    /// What messages stand for.
    pub events: Vec<i64>,
    pub is_opening: Cell<bool>,
    addressee: RefCell<Option<Rc<Addressee>>>,
    /// What no attempt was begun of, the next one last.
    rest: RefCell<Vec<Due>>,
    /// In which beats the attempts began that are under way, the oldest first.
    pub began: RefCell<Vec<u32>>,
    /// What came of attempts that nobody records yet.
    pub made: RefCell<Vec<Made>>,
    /// How many attempts have ended and are not recorded.
    unrecorded: Cell<usize>,
    /// How many attempts have ended, and how long they took together, in milliseconds.
    ended: Cell<i64>,
    took: Cell<i64>,
    /// Until when its object is told to wait for the attempts here.
    pub held: Cell<Option<Timestamp>>,
    pub problem: RefCell<Option<String>>,
}

impl Share {
    pub fn of(endpoint: &str, events: &[i64]) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            events: events.to_vec(),
            is_opening: Cell::new(true),
            addressee: RefCell::default(),
            rest: RefCell::default(),
            began: RefCell::default(),
            made: RefCell::default(),
            unrecorded: Cell::default(),
            ended: Cell::default(),
            took: Cell::default(),
            held: Cell::default(),
            problem: RefCell::default(),
        }
    }

    /// Takes what was read of the endpoint and its deliveries.
    pub async fn open<P: Platform>(&self, platform: &P, found: Option<&Rows>, due: &Rows) {
        let opened = match due_of(Some(due)) {
            Ok(mut due) => {
                due.reverse();
                self.rest.replace(due);
                self.adopt(platform, Recipient::among(found, &self.endpoint)).await
            }
            Err(failure) => Err(failure),
        };
        self.is_opening.set(false);
        if let Err(failure) = opened {
            self.fail(&failure);
        }
        self.close(platform).await;
    }

    /// Goes on with the endpoint as it was found after attempts were recorded.
    pub async fn go_on<P: Platform>(
        &self,
        platform: &P,
        made: &[Made],
        found: &Result<Rows, Failure>,
    ) {
        let done = match found {
            Ok(found) => self.stands(platform, made, found).await,
            Err(failure) => Err(failure.clone()),
        };
        self.unrecorded.set(self.unrecorded.get().saturating_sub(made.len()));
        if let Err(failure) = done {
            self.fail(&failure);
        }
        self.close(platform).await;
    }

    async fn stands<P: Platform>(
        &self,
        platform: &P,
        made: &[Made],
        found: &Rows,
    ) -> Result<(), Failure> {
        let before = self.addressee();
        self.adopt(platform, Recipient::among(Some(found), &self.endpoint)).await?;
        match before {
            Some(before) => look_after(platform, &before.recipient, made).await,
            None => Ok(()),
        }
    }

    /// Goes on with the endpoint as it was found: where it may not be delivered to here, what is left goes elsewhere.
    pub async fn adopt<P: Platform>(&self, platform: &P, found: Found) -> Result<(), Failure> {
        match found {
            Ok(Some(recipient)) if recipient.is_shared() => {
                self.address(platform, recipient);
                Ok(())
            }
            Ok(Some(_)) => self.hand_over(platform).await,
            Ok(None) => {
                self.rest.take();
                Ok(())
            }
            Err(unreadable) => {
                put_off(platform, &self.endpoint, &unreadable, &self.rest.take()).await
            }
        }
    }

    fn address<P: Platform>(&self, platform: &P, recipient: Recipient) {
        let is_known =
            self.addressee().is_some_and(|known| known.recipient.endpoint == recipient.endpoint);
        if !is_known {
            let secrets = secrets::live(platform, &recipient.scope, &recipient.endpoint);
            self.addressee.replace(Some(Rc::new(Addressee { recipient, secrets })));
        }
    }

    pub fn addressee(&self) -> Option<Rc<Addressee>> {
        self.addressee.borrow().clone()
    }

    async fn hand_over<P: Platform>(&self, platform: &P) -> Result<(), Failure> {
        let plan = plan(&self.endpoint, &self.take_events(), platform.now());
        if plan.is_empty() {
            return Ok(());
        }
        platform.database().batch(plan).await?;
        Ok(platform.wake_endpoint(&self.endpoint).await?)
    }

    /// Whether one more attempt may begin. What is not recorded counts, since its owner may want no more by then; until
    /// the first one is, nobody knows how it fares.
    pub fn has_room(&self) -> bool {
        let Some(addressee) = self.addressee() else { return false };
        let most = if self.is_known() { addressee.recipient.concurrency() } else { 1 };
        let count = self.began.borrow().len().saturating_add(self.unrecorded.get());
        !self.rest.borrow().is_empty() && count < most
    }

    /// How much time it has had, in milliseconds; what is under way counts as much as what was before.
    pub fn time(&self) -> i64 {
        let under_way = i64::try_from(self.began.borrow().len()).unwrap_or(i64::MAX);
        self.took.get().saturating_add(under_way.saturating_mul(self.average()))
    }

    fn average(&self) -> i64 {
        self.took.get().checked_div(self.ended.get()).unwrap_or(0)
    }

    fn is_known(&self) -> bool {
        self.ended.get() > i64::try_from(self.unrecorded.get()).unwrap_or(i64::MAX)
    }

    /// Whether its attempts are known to take no long time.
    pub fn is_quick(&self) -> bool {
        self.is_known() && self.average() <= LONG
    }

    /// Whether its attempts take long, and more are to be made.
    pub fn takes_long(&self) -> bool {
        self.average() > LONG && !self.rest.borrow().is_empty()
    }

    /// The next delivery.
    pub fn take(&self) -> Option<(Rc<Addressee>, Due)> {
        Some((self.addressee()?, self.rest.borrow_mut().pop()?))
    }

    /// What is left, of which nothing is begun any more.
    pub fn take_events(&self) -> Vec<i64> {
        self.rest.take().iter().rev().map(|due| due.sequence).collect()
    }

    /// An attempt has ended that began in this beat.
    pub fn ended(&self, began: u32, made: Made) {
        let mut under_way = self.began.borrow_mut();
        if let Some(place) = under_way.iter().position(|other| *other == began) {
            under_way.remove(place);
        }
        self.ended.set(self.ended.get().saturating_add(1));
        // One that took no time that can be told has had its turn, too.
        self.took.set(self.took.get().saturating_add(made.outcome.attempt.milliseconds.max(1)));
        self.unrecorded.set(self.unrecorded.get().saturating_add(1));
        self.made.borrow_mut().push(made);
    }

    pub fn has_made(&self) -> bool {
        !self.made.borrow().is_empty()
    }

    /// Nothing more is begun here: its message comes again.
    pub fn fail(&self, failure: &Failure) {
        self.rest.take();
        self.problem.replace(Some(failure.to_string()));
    }

    /// Whether attempts are under way, or will be.
    pub fn is_open(&self) -> bool {
        self.is_opening.get()
            || !self.rest.borrow().is_empty()
            || !self.began.borrow().is_empty()
            || self.unrecorded.get() > 0
    }

    /// Where everything has ended, its object need not wait any longer.
    pub async fn close<P: Platform>(&self, platform: &P) {
        let held = if self.is_open() { None } else { self.held.take() };
        if let Some(until) = held
            && let Err(failure) = self.release(platform, until).await
        {
            // The object goes on at the end of the time that it was told.
            platform.log_error(&self.endpoint, &failure.to_string());
        }
    }

    async fn release<P: Platform>(&self, platform: &P, until: Timestamp) -> Result<(), Failure> {
        let release = webhook_endpoints::release(&self.endpoint, until);
        platform.database().batch(vec![release]).await?;
        Ok(platform.wake_endpoint(&self.endpoint).await?)
    }
}
