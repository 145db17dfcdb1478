//! Other servers, the queue and the objects of endpoints, as tests have them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

use flows::platform::{Answered, Email};
use flows::webhooks::Parcel;

use crate::Hop;

/// What a server answers to each request.
type Responder = Box<dyn FnMut(&http::Request<String>) -> Result<Answered, String>>;

/// What does the tasks of a text, or does not.
type Helper = Box<dyn FnMut(&str) -> Option<String>>;

/// Everything that deliveries pass through on their way to an endpoint.
pub struct Outside {
    /// The hook in every message that is sent to the queue.
    pub queue_hop: Hop,
    /// The hook in every wake-up of an endpoint's object.
    pub object_hop: Hop,
    /// The hook in every request to another server; an answer that is lost there arrived.
    pub server_hop: Hop,
    /// The hook in every request to a payment processor; an answer that is lost there was acted on.
    pub processor_hop: Hop,
    /// The hook in every question to DNS.
    pub resolver_hop: Hop,
    /// The hook in every mail.
    pub email_hop: Hop,
    pub(crate) emails: RefCell<Vec<Email>>,
    pub(crate) refused: RefCell<BTreeSet<String>>,
    pub(crate) queue: RefCell<VecDeque<Parcel>>,
    pub(crate) woken: RefCell<BTreeSet<String>>,
    pub(crate) announced: Cell<bool>,
    pub(crate) hosts: RefCell<BTreeMap<String, Vec<IpAddr>>>,
    pub(crate) is_development: Cell<bool>,
    milliseconds: Cell<i64>,
    milliseconds_at: RefCell<BTreeMap<String, i64>>,
    stalling: RefCell<BTreeSet<String>>,
    under_way: RefCell<Vec<String>>,
    most_under_way: RefCell<BTreeMap<String, usize>>,
    responder: RefCell<Responder>,
    helper: RefCell<Helper>,
    processor: RefCell<Responder>,
    requests: RefCell<Vec<http::Request<String>>>,
}

impl Default for Outside {
    fn default() -> Self {
        Self {
            queue_hop: Hop::default(),
            object_hop: Hop::default(),
            server_hop: Hop::default(),
            processor_hop: Hop::default(),
            resolver_hop: Hop::default(),
            email_hop: Hop::default(),
            emails: RefCell::default(),
            refused: RefCell::default(),
            queue: RefCell::default(),
            woken: RefCell::default(),
            announced: Cell::default(),
            hosts: RefCell::default(),
            is_development: Cell::new(true),
            milliseconds: Cell::new(10),
            milliseconds_at: RefCell::default(),
            stalling: RefCell::default(),
            under_way: RefCell::default(),
            most_under_way: RefCell::default(),
            responder: RefCell::new(Box::new(|_| answered(200))),
            helper: RefCell::new(Box::new(|_| None)),
            processor: RefCell::new(Box::new(|_| Err("nobody listens there".to_owned()))),
            requests: RefCell::default(),
        }
    }
}

impl Outside {
    /// Decides what other servers answer; 200 to everything unless said.
    pub fn respond(
        &self,
        responder: impl FnMut(&http::Request<String>) -> Result<Answered, String> + 'static,
    ) {
        *self.responder.borrow_mut() = Box::new(responder);
    }

    /// Decides what a payment processor does with each request, and answers; nobody listens unless said.
    pub fn process(
        &self,
        processor: impl FnMut(&http::Request<String>) -> Result<Answered, String> + 'static,
    ) {
        *self.processor.borrow_mut() = Box::new(processor);
    }

    /// Decides what other invocations do that tasks are handed out to; there are none unless said.
    pub fn help(&self, helper: impl FnMut(&str) -> Option<String> + 'static) {
        *self.helper.borrow_mut() = Box::new(helper);
    }

    pub(crate) fn helped(&self, tasks: &str) -> Option<String> {
        self.helper.borrow_mut()(tasks)
    }

    /// Decides how long other servers take, in milliseconds.
    pub fn take(&self, milliseconds: i64) {
        self.milliseconds.set(milliseconds);
    }

    /// Decides how long the servers of a host take, in milliseconds; others go on meanwhile, ten milliseconds at a time.
    pub fn take_at(&self, host: &str, milliseconds: i64) {
        self.milliseconds_at.borrow_mut().insert(host.to_owned(), milliseconds);
    }

    pub(crate) fn polls_at(&self, host: &str) -> i64 {
        self.milliseconds_at.borrow().get(host).copied().unwrap_or_default() / 10
    }

    pub(crate) fn takes(&self, host: &str) -> i64 {
        self.milliseconds_at.borrow().get(host).copied().unwrap_or_else(|| self.milliseconds.get())
    }

    /// Whether whoever sends mail refuses an address for good.
    pub fn refuse_address(&self, address: &str, refuses: bool) {
        let mut refused = self.refused.borrow_mut();
        if refuses {
            refused.insert(address.to_owned());
        } else {
            refused.remove(address);
        }
    }

    /// Has servers of a host answer to nothing until they are to.
    pub fn stall(&self, host: &str, stalls: bool) {
        let mut stalling = self.stalling.borrow_mut();
        if stalls {
            stalling.insert(host.to_owned());
        } else {
            stalling.remove(host);
        }
    }

    pub(crate) fn stalls(&self, host: &str) -> bool {
        self.stalling.borrow().contains(host)
    }

    /// How many requests were under way to a host at the same time at most; to all hosts where it is empty.
    pub fn most_under_way(&self, host: &str) -> usize {
        self.most_under_way.borrow().get(host).copied().unwrap_or_default()
    }

    pub(crate) fn begin(&self, host: &str) {
        let mut under_way = self.under_way.borrow_mut();
        under_way.push(host.to_owned());
        let there = under_way.iter().filter(|other| *other == host).count();
        let mut most = self.most_under_way.borrow_mut();
        for (host, count) in [(host, there), ("", under_way.len())] {
            let most = most.entry(host.to_owned()).or_default();
            *most = count.max(*most);
        }
    }

    pub(crate) fn end(&self, host: &str) {
        let mut under_way = self.under_way.borrow_mut();
        let place = under_way.iter().position(|other| other == host);
        place.map(|place| under_way.swap_remove(place));
    }

    /// Decides what DNS says of a host.
    pub fn resolve(&self, host: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|address| address.parse().expect("an address"));
        self.hosts.borrow_mut().insert(host.to_owned(), addresses.collect());
    }

    /// Whether deliveries may go to the machine itself.
    pub fn development(&self, is_development: bool) {
        self.is_development.set(is_development);
    }

    /// The requests that arrived since the last call of this function.
    pub fn take_requests(&self) -> Vec<http::Request<String>> {
        self.requests.take()
    }

    /// The mails that were sent.
    pub fn emails(&self) -> Vec<Email> {
        self.emails.borrow().clone()
    }

    /// The next message of the queue.
    pub fn next_parcel(&self) -> Option<Parcel> {
        self.queue.borrow_mut().pop_front()
    }

    /// What a crash of the runtime does to the queue and to objects that were to wake.
    pub fn lose_messages(&self) {
        self.queue.borrow_mut().clear();
        self.woken.borrow_mut().clear();
    }

    /// The endpoints whose objects were woken since the last call of this function.
    pub fn take_woken(&self) -> Vec<String> {
        self.woken.take().into_iter().collect()
    }

    /// Whether new events were announced since the last call of this function.
    pub fn take_announced(&self) -> bool {
        self.announced.take()
    }

    /// Whether new events are announced that nobody has handed out yet.
    pub fn is_announced(&self) -> bool {
        self.announced.get()
    }

    pub(crate) fn ask(&self, request: http::Request<String>) -> Result<Answered, String> {
        (self.processor.borrow_mut())(&request)
    }

    pub(crate) fn answer(&self, request: http::Request<String>) -> Result<Answered, String> {
        let answer = (self.responder.borrow_mut())(&request);
        self.requests.borrow_mut().push(request);
        answer
    }
}

/// An answer with a status, and nothing else in it.
///
/// # Errors
/// Never; it has the type of what a responder returns.
pub fn answered(status: u16) -> Result<Answered, String> {
    Ok(Answered { status, ..Answered::default() })
}
