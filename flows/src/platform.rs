//! The port to everything outside: the database, idempotency records, the bucket of files, the queue,
//! the clock and randomness.

use domain::Timestamp;
use domain::idempotency::{Begin, Complete, Decision};
use domain::seal::MasterKey;
use store::Database;

/// A part of the platform that did not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} did not answer: {problem}")]
pub struct PlatformError {
    /// Which part, as `idempotency`.
    pub part: &'static str,
    /// What it said.
    pub problem: String,
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

    /// How far a time zone is ahead of UTC at a moment, in seconds; nothing where there is no zone of
    /// that name.
    fn utc_offset(&self, zone: &str, at: Timestamp) -> Option<i64>;

    /// Asks for the heartbeat to be told, after the answer, of work that is due then. Nothing is lost
    /// if that fails: the heartbeat looks again by itself.
    fn wake(&self, due_at: Timestamp);

    /// The moment, in seconds since the Unix epoch.
    fn now(&self) -> Timestamp;

    /// Random bytes from the platform's generator.
    fn random(&self) -> [u8; 32];

    /// The deployment's master key.
    fn master_key(&self) -> &MasterKey;

    /// Tells the operator what went wrong, with the request that it went wrong in.
    fn log_error(&self, request: &str, problem: &str);
}
