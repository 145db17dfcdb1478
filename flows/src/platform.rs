//! The port to everything outside: the database, idempotency records, the bucket of files, the queues,
//! other servers, the clock and randomness.

use std::net::IpAddr;

use domain::Timestamp;
use domain::idempotency::{Begin, Complete, Decision};
use domain::receipt::Document;
use domain::routing::health::Breaker;
use domain::seal::MasterKey;
use store::Database;

use crate::alerts::Alert;
use crate::webhooks::Parcel;

/// A part of the platform that did not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} did not answer: {problem}")]
pub struct PlatformError {
    /// Which part, as `idempotency`.
    pub part: &'static str,
    /// What it said.
    pub problem: String,
}

/// What another server answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP status; a redirect is not followed.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The beginning of the body; of a processor's answer all of it.
    pub body: String,
}

/// A request to another server, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// How long it took.
    pub milliseconds: i64,
    /// The answer, or why there was none.
    pub answer: Result<Answered, String>,
}

/// A mail to a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// The same whenever it is sent again, so that who sends it can see that.
    pub idempotency_key: String,
    /// Whom it goes to.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// What it says, as a page.
    pub html: String,
    /// The same in short, as plain text.
    pub text: String,
}

/// Why a mail was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSent {
    /// What whoever sends mail said.
    pub problem: String,
    /// Whether this mail is refused for good, as where its address is none; otherwise it may be taken later.
    pub is_final: bool,
}

impl From<NotSent> for PlatformError {
    fn from(NotSent { problem, .. }: NotSent) -> Self {
        Self { part: "email", problem }
    }
}

/// Everything outside. Production has Cloudflare's; tests have their own.
#[expect(async_fn_in_trait, reason = "Platform futures stay on one thread")]
pub trait Platform {
    /// The database of an account.
    type Database: Database;

    /// The database that holds an account's rows.
    fn database(&self) -> &Self::Database;

    /// Asks the object that keeps a merchant's idempotency records whether a request may run.
    ///
    /// # Errors
    /// When the object cannot be reached.
    async fn begin(&self, object: &str, begin: &Begin) -> Result<Decision, PlatformError>;

    /// Tells that object how the request ended. Says whether the run was still the newest: otherwise
    /// another one answers in its stead.
    ///
    /// # Errors
    /// When the object cannot be reached.
    async fn complete(&self, object: &str, complete: &Complete) -> Result<bool, PlatformError>;

    /// Keeps an object in the bucket of files; what was there under its name is replaced.
    ///
    /// # Errors
    /// When the bucket cannot be reached.
    async fn put_file(&self, name: &str, bytes: Vec<u8>) -> Result<(), PlatformError>;

    /// Keeps a document in the bucket of receipts; one that is there under its name is left as it is.
    ///
    /// # Errors
    /// When the bucket does not answer.
    async fn put_receipt(&self, document: &Document) -> Result<(), PlatformError>;

    /// What a document in the bucket of receipts holds, if it is there.
    ///
    /// # Errors
    /// When the bucket does not answer.
    async fn receipt(&self, name: &str) -> Result<Option<Vec<u8>>, PlatformError>;

    /// Whether customers are sent mail, of payments in this mode.
    fn sends_email(&self, livemode: bool) -> bool;

    /// Sends a mail. One that was sent already under its key may be sent again.
    ///
    /// # Errors
    /// When nobody took it.
    async fn send_email(&self, email: &Email) -> Result<(), NotSent>;

    /// How far a time zone is ahead of UTC at a moment, in seconds; nothing where there is no zone of
    /// that name.
    fn utc_offset(&self, zone: &str, at: Timestamp) -> Option<i64>;

    /// Asks for the heartbeat to be told, after the answer, of work that is due then. Nothing is lost
    /// if that fails: the heartbeat looks again by itself.
    fn wake(&self, due_at: Timestamp);

    /// Asks for new events to be handed to their endpoints, after the answer. Nothing is lost if that
    /// fails: the heartbeat does it, too.
    fn announce(&self);

    /// Puts deliveries on their way through the queue.
    ///
    /// # Errors
    /// When the queue does not take them.
    async fn enqueue(&self, parcels: &[Parcel]) -> Result<(), PlatformError>;

    /// Wakes the object that delivers to one endpoint alone.
    ///
    /// # Errors
    /// When the object cannot be reached.
    async fn wake_endpoint(&self, endpoint: &str) -> Result<(), PlatformError>;

    /// Sends a request to another server and waits for the answer, for at most so many seconds.
    async fn send(&self, request: http::Request<String>, timeout: u32) -> Sent;

    /// Sends a request to a payment processor and waits for the whole answer, for at most so many seconds. What
    /// comes of it tells of the health of an account, where one is named.
    ///
    /// # Errors
    /// When no answer came: the processor may have done what it was asked all the same.
    async fn ask_processor(
        &self,
        account: Option<&str>,
        request: http::Request<String>,
        timeout: u32,
    ) -> Result<Answered, String>;

    /// Has other invocations do lots of tasks at the same time, as each has few connections. Says what came of each lot;
    /// nothing where nobody does it: it is to be done here.
    async fn hand_out(&self, _lots: &[String]) -> Vec<Option<String>> {
        Vec::new()
    }

    /// Takes note that an account at a processor cannot be asked at all.
    fn note_failure(&self, account: &str);

    /// Whether an account at a processor is well, as far as is known here. It is found out anew after the answer
    /// where that is some seconds old.
    fn health(&self, account: &str) -> Breaker;

    /// The same, without its being found out anew: no payment goes there now.
    fn known_health(&self, account: &str) -> Breaker {
        self.health(account)
    }

    /// A payment goes to an account whose health was asked for: where it probes whether that is well, the next does not.
    fn sends_payment(&self, account: &str);

    /// The addresses of a host, as DNS says now; or what it says is wrong with its name.
    ///
    /// # Errors
    /// When nobody answers who could say.
    async fn addresses(&self, host: &str) -> Result<Result<Vec<IpAddr>, String>, PlatformError>;

    /// Whether this is a developer's own machine, from which deliveries may go to itself.
    fn is_development(&self) -> bool;

    /// Whether the database has room only for what becomes of payments that have begun.
    fn is_nearly_full(&self) -> bool;

    /// Whether no refund may begin either, as while an operator takes the database back to an earlier moment; it has no room
    /// for payments then.
    fn is_closed(&self) -> bool;

    /// The settings of the deployment that cannot be read, each with what counts in its stead.
    fn unreadable_settings(&self) -> Vec<(&'static str, &'static str)>;

    /// The moment, in seconds since the Unix epoch.
    fn now(&self) -> Timestamp;

    /// Random bytes from the platform's generator.
    fn random(&self) -> [u8; 32];

    /// The deployment's master key.
    fn master_key(&self) -> &MasterKey;

    /// Tells the operator what went wrong, with the request that it went wrong in.
    fn log_error(&self, request: &str, problem: &str);

    /// Calls for a person, who has to do something.
    fn alert(&self, alert: &Alert<'_>);
}
