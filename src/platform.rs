//! The platform port on Cloudflare.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;

use domain::Timestamp;
use domain::idempotency::{Begin, Complete, Decision};
use domain::receipt::Document;
use domain::routing::health::Breaker;
use domain::seal::MasterKey;
use flows::alerts::Alert;
use flows::platform::{Answered, Email, NotSent, Sent};
use flows::webhooks::Parcel;
use flows::{Platform, PlatformError};
use store::{DatabaseError, Rows, Statement};
use worker::Env;

use crate::database::CloudflareDatabase;
use crate::email::{self, Provider};
use crate::files;
use crate::idempotency;
use crate::timings::{Hop, Timings};
use crate::{clock, endpoint, outbound, queue, receipts};
use crate::{health, heartbeat};

/// The deployment's variables and secrets, which no isolate outlives.
struct Settings {
    master_key: MasterKey,
    is_development: bool,
    email: Option<Provider>,
}

thread_local! {
    static SETTINGS: RefCell<Option<Rc<Settings>>> = const { RefCell::new(None) };
}

impl Settings {
    async fn of(env: &Env) -> Result<Rc<Self>, String> {
        if let Some(known) = SETTINGS.with_borrow(Option::clone) {
            return Ok(known);
        }
        let secret = |name: &str| env.secret(name).ok().map(|secret| secret.to_string());
        // While the key is rotated: docs/master-key.md. One that was emptied is as good as one that was deleted.
        let beside = |name: &str| secret(name).filter(|text| !text.trim().is_empty());
        let master_key = MasterKey::with_others(
            &secret("MASTER_KEY")
                .ok_or("the secret MASTER_KEY is missing: `wrangler secret put MASTER_KEY`")?,
            beside("MASTER_KEY_PREVIOUS").as_deref(),
            beside("MASTER_KEY_NEXT").as_deref(),
        )
        .ok_or("each secret MASTER_KEY, MASTER_KEY_PREVIOUS and MASTER_KEY_NEXT must be 32 bytes in base64")?;
        // Once in an isolate's life, and so none of a request's own.
        let database = CloudflareDatabase::new(env.clone(), Rc::default());
        let master_key = flows::master_key::load(&database, master_key, random)
            .await
            .map_err(|failure| failure.to_string())?;
        let is_development = env.var("DEVELOPMENT").is_ok_and(|value| value.to_string() == "1");
        let settings = Rc::new(Self { master_key, is_development, email: Provider::of(env) });
        SETTINGS.set(Some(Rc::clone(&settings)));
        Ok(settings)
    }
}

/// Cloudflare's services, for one event.
pub struct CloudflarePlatform {
    env: Env,
    database: CloudflareDatabase,
    settings: Rc<Settings>,
    timings: Rc<Timings>,
    earliest_wake: Cell<Option<Timestamp>>,
    has_events: Cell<bool>,
    /// The accounts at processors whose health was asked for or has news.
    accounts: RefCell<Vec<String>>,
}

impl CloudflarePlatform {
    /// The services behind the bindings.
    ///
    /// # Errors
    /// Says which secret is missing, or why the keys that outlive it cannot be read.
    pub async fn new(env: Env) -> Result<Self, String> {
        let timings = Rc::new(Timings::default());
        let settings = Settings::of(&env).await?;
        Ok(Self {
            database: CloudflareDatabase::new(env.clone(), Rc::clone(&timings)),
            env,
            settings,
            timings,
            earliest_wake: Cell::new(None),
            has_events: Cell::new(false),
            accounts: RefCell::default(),
        })
    }

    /// The bindings.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// How often this event went to each store.
    pub fn timings(&self) -> &Timings {
        &self.timings
    }

    /// The earliest moment that the heartbeat was asked to look at.
    pub fn earliest_wake(&self) -> Option<Timestamp> {
        self.earliest_wake.get()
    }

    /// Whether new events wait to be handed out.
    pub fn has_events(&self) -> bool {
        self.has_events.get()
    }

    /// The accounts at processors whose health was asked for or has news.
    pub fn take_accounts(&self) -> Vec<String> {
        self.accounts.take()
    }

    fn remember(&self, account: &str) {
        let mut accounts = self.accounts.borrow_mut();
        if !accounts.iter().any(|known| known == account) {
            accounts.push(account.to_owned());
        }
    }

    /// Runs a batch that is none of the request's own.
    ///
    /// # Errors
    /// As the database.
    pub async fn quiet_batch(
        &self,
        statements: Vec<Statement>,
    ) -> Result<Vec<Rows>, DatabaseError> {
        self.database.run(statements).await
    }
}

impl Platform for CloudflarePlatform {
    type Database = CloudflareDatabase;

    fn database(&self) -> &CloudflareDatabase {
        &self.database
    }

    async fn begin(&self, object: &str, begin: &Begin) -> Result<Decision, PlatformError> {
        let began = clock::milliseconds();
        let answer = idempotency::begin(&self.env, object, begin).await;
        self.timings.count(Hop::DurableObject, began);
        answer.map_err(unreachable)
    }

    async fn complete(&self, object: &str, complete: &Complete) -> Result<bool, PlatformError> {
        let began = clock::milliseconds();
        let answer = idempotency::complete(&self.env, object, complete).await;
        self.timings.count(Hop::DurableObject, began);
        answer.map_err(unreachable)
    }

    async fn put_file(&self, name: &str, bytes: Vec<u8>) -> Result<(), PlatformError> {
        let put = files::put(&self.env, name, &bytes).await;
        put.map_err(|problem| PlatformError { part: "files", problem })
    }

    async fn put_receipt(&self, document: &Document) -> Result<(), PlatformError> {
        receipts::put(&self.env, document).await
    }

    async fn receipt(&self, name: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        receipts::get(&self.env, name).await
    }

    fn sends_email(&self, livemode: bool) -> bool {
        // Nobody is sent mail of payments that are none, unless it stays on the machine.
        self.settings.is_development || livemode && self.settings.email.is_some()
    }

    async fn send_email(&self, email: &Email) -> Result<(), NotSent> {
        match &self.settings.email {
            Some(provider) if !self.settings.is_development => {
                provider.send(&self.env, email).await
            }
            _ => email::keep(self, email).await,
        }
    }

    fn utc_offset(&self, zone: &str, at: Timestamp) -> Option<i64> {
        files::utc_offset(zone, at.seconds())
    }

    fn wake(&self, due_at: Timestamp) {
        let earliest = self.earliest_wake.get().map_or(due_at, |known| known.min(due_at));
        self.earliest_wake.set(Some(earliest));
    }

    fn announce(&self) {
        self.has_events.set(true);
    }

    async fn enqueue(&self, parcels: &[Parcel]) -> Result<(), PlatformError> {
        let told =
            |error: worker::Error| PlatformError { part: "queue", problem: error.to_string() };
        queue::enqueue(&self.env, parcels).await.map_err(told)
    }

    async fn wake_endpoint(&self, endpoint: &str) -> Result<(), PlatformError> {
        endpoint::wake(&self.env, endpoint).await
    }

    async fn send(&self, request: http::Request<String>, timeout: u32) -> Sent {
        outbound::send(request, timeout).await
    }

    async fn ask_processor(
        &self,
        account: Option<&str>,
        request: http::Request<String>,
        timeout: u32,
    ) -> Result<Answered, String> {
        let began = clock::milliseconds();
        let answer = outbound::ask(request, timeout);
        let answer = match account {
            Some(account) => {
                self.remember(account);
                health::watch(&self.env, account, answer).await
            }
            None => answer.await,
        };
        self.timings.count(Hop::Processor, began);
        answer
    }

    async fn hand_out(&self, lots: &[String]) -> Vec<Option<String>> {
        heartbeat::hand_out(&self.env, lots).await
    }

    fn note_failure(&self, account: &str) {
        self.remember(account);
        health::note(account, false);
    }

    fn health(&self, account: &str) -> Breaker {
        self.remember(account);
        health::view(account)
    }

    fn known_health(&self, account: &str) -> Breaker {
        health::view(account)
    }

    fn sends_payment(&self, account: &str) {
        health::sends(account);
    }

    async fn addresses(&self, host: &str) -> Result<Result<Vec<IpAddr>, String>, PlatformError> {
        let told = |problem| PlatformError { part: "DNS", problem };
        outbound::addresses(host).await.map_err(told)
    }

    fn is_development(&self) -> bool {
        self.settings.is_development
    }

    fn is_nearly_full(&self) -> bool {
        self.database.is_nearly_full()
    }

    fn is_closed(&self) -> bool {
        self.database.is_closed()
    }

    fn unreadable_settings(&self) -> Vec<(&'static str, &'static str)> {
        let limit = ("DATABASE_FULL_AT", "it is no number of bytes, and 9500000000 counts");
        Vec::from_iter(self.database.is_limit_unreadable().then_some(limit))
    }

    fn now(&self) -> Timestamp {
        clock::now()
    }

    fn random(&self) -> [u8; 32] {
        random()
    }

    fn master_key(&self) -> &MasterKey {
        &self.settings.master_key
    }

    fn log_error(&self, request: &str, problem: &str) {
        worker::console_error!("{request}: {problem}");
    }

    fn alert(&self, alert: &Alert<'_>) {
        // Five texts are always JSON; were they ever not, they are shown as they are.
        let line = serde_json::to_string(alert).unwrap_or_else(|_| format!("{alert:?}"));
        worker::console_error!("{line}");
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the runtime")]
fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    // The runtime's generator cannot fail within an event; were it to, ids would collide and
    // their unique indexes would refuse the rows.
    if getrandom::fill(&mut bytes).is_err() {
        worker::console_error!("the runtime gave no random bytes");
    }
    bytes
}

fn unreachable(problem: String) -> PlatformError {
    PlatformError { part: "idempotency", problem }
}
