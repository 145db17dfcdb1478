//! Planted bugs: what the production code would do if it had them, done to its statements, requests and answers on
//! their way. The production code itself has no switch for any of them.

use std::cell::{Cell, RefCell};

use domain::Timestamp;
use domain::idempotency::{self, Begin, Complete, Decision, Record};
use flows::platform::Answered;
use http::Request;
use serde_json::Value as Json;

use crate::notices::signature;
use crate::world::World;

mod bugs;
mod questions;
mod rows;
mod statements;

pub use bugs::{BUGS, Bug, How};
pub use statements::run;

/// A bug, as it is planted in a run.
pub struct Planted {
    bug: Bug,
    count: Cell<u64>,
    /// What the last notice showed.
    heard: RefCell<Json>,
}

impl Planted {
    /// Plants the bug of a name.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn new(name: &str) -> Self {
        let bug = BUGS.iter().find(|bug| bug.name == name).copied();
        let bug = bug.unwrap_or_else(|| panic!("no bug is called {name}"));
        Self { bug, count: Cell::new(0), heard: RefCell::default() }
    }

    fn is(&self, name: &str) -> bool {
        self.bug.name == name
    }

    /// Counts, and says whether this is one in so many.
    fn nth(&self, one_in: u64) -> bool {
        self.count.set(self.count.get() + 1);
        self.count.get().is_multiple_of(one_in)
    }

    /// Decides a request as the bug does.
    pub fn begin(&self, kept: Option<Record>, begin: &Begin) -> (Decision, Option<Record>) {
        let mut kept = kept.filter(|_| !self.is("request_key_forgotten"));
        if let (Some(record), true) = (&mut kept, self.is("lease_ignored")) {
            record.lease_until = Timestamp(0);
        }
        let mut begin = begin.clone();
        if let (Some(record), true) = (&kept, self.is("request_fingerprint_ignored")) {
            begin.fingerprint.clone_from(&record.fingerprint);
        }
        idempotency::begin(kept, &begin)
    }

    /// Does to the end of a run what the bug does: a decline is no answer to be kept.
    pub fn shorten(&self, end: &mut Complete) {
        let is_declined = end.answer.as_ref().is_some_and(|answer| answer.status == 402);
        if is_declined && self.is("declines_not_kept") {
            end.answer = None;
        }
    }

    /// Decides the end of a run as the bug does.
    pub fn complete(&self, mut kept: Option<Record>, end: &Complete) -> Option<Record> {
        let mut end = end.clone();
        let overwrites = self.is("answers_overwritten");
        if let (Some(record), true) = (&mut kept, overwrites || self.is("epoch_ignored")) {
            end.epoch = record.epoch;
            record.answer = record.answer.take().filter(|_| !overwrites);
        }
        idempotency::complete(kept, &end)
    }

    /// Whether answers are not kept.
    pub fn forgets_answers(&self) -> bool {
        self.is("request_answer_not_kept")
    }

    /// Does to a delivery what the bug does; with an answer, it is not sent.
    pub fn send(&self, request: &mut Request<String>) -> Option<Answered> {
        if self.is("delivery_unsigned") {
            request.headers_mut().remove("stripe-signature");
        }
        if self.is("delivery_changed_after_signing") {
            request.body_mut().push('\n');
        }
        let sent = Answered { status: 200, ..Answered::default() };
        (self.is("delivery_not_sent") && self.nth(10)).then_some(sent)
    }

    /// Does to what arrives unasked what the bug does: as if the signature were good, or new.
    pub fn receive(&self, world: &World, request: &mut Request<Vec<u8>>) {
        let notices = world.notices.borrow();
        let hook = notices.hooks.values().find(|hook| hook.path == request.uri().path());
        let Some(hook) = hook else { return };
        let body: Json = serde_json::from_slice(request.body()).unwrap_or_default();
        *self.heard.borrow_mut() = body["data"]["object"].clone();
        let Some(header) = request.headers_mut().get_mut("stripe-signature") else { return };
        let text = header.to_str().unwrap_or_default().to_owned();
        let at = text.split(',').find_map(|part| part.strip_prefix("t=")?.parse().ok());
        let body = request.body().clone();
        let is_good = at.is_some_and(|at| signature(&hook.secret, &body, at) == text);
        let signs =
            self.is("notice_signature_not_checked") || is_good && self.is("notice_age_not_checked");
        if signs && let Some(header) = request.headers_mut().get_mut("stripe-signature") {
            let signed = signature(&hook.secret, &body, world.clock(0).seconds());
            *header = signed.parse().unwrap_or_else(|_| header.clone());
        }
    }

    /// Whether what could not be kept is answered as if it were.
    pub fn swallows(&self, status: u16) -> bool {
        status == 503 && self.is("notice_answered_before_it_is_kept")
    }
}
