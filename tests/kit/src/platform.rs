//! Everything outside, as tests have it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;

use domain::Timestamp;
use domain::api_key::{Kind, Permissions};
use domain::id::keyed_digest;
use domain::idempotency::{Begin, Complete, Decision, Record};
use domain::receipt::Document;
use domain::routing::health::{Answers, Breaker, Health, is_failure};
use domain::seal::MasterKey;
use flows::PlatformError;
use flows::alerts::Alert;
use flows::platform::{Answered, Email, NotSent, Sent};
use flows::webhooks::Parcel;

use crate::merchant::insert_key;
use crate::objects::Objects;
use crate::{Database, Hop, Merchant, Outside, yield_once};

/// When every test begins: 1 January 2026, 00:00 UTC.
pub const START: Timestamp = Timestamp(1_767_225_600);

/// The bytes 0 to 31: what seals from the beginning.
pub const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// An error that the operator was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedError {
    /// The request that it happened in.
    pub request: String,
    /// What went wrong.
    pub problem: String,
}

/// Everything outside, on one thread and the same in every run.
pub struct Platform {
    database: Database,
    objects: Objects,
    begin_hop: Hop,
    complete_hop: Hop,
    files: RefCell<BTreeMap<String, Vec<u8>>>,
    files_hop: Hop,
    receipts: RefCell<BTreeMap<String, Document>>,
    receipts_hop: Hop,
    now: Cell<Timestamp>,
    seed: u64,
    draws: Cell<u64>,
    master_key: MasterKey,
    health: RefCell<BTreeMap<String, Health>>,
    wakes: RefCell<Vec<Timestamp>>,
    errors: RefCell<Vec<LoggedError>>,
    alerts: RefCell<Vec<(String, String)>>,
    unreadable_settings: RefCell<Vec<(&'static str, &'static str)>>,
    outside: Outside,
}

impl Platform {
    /// A platform with an empty database in memory and the seed 0.
    #[expect(clippy::new_without_default, reason = "a default that runs migrations would surprise")]
    pub fn new() -> Self {
        Self::over(Database::new(), 0)
    }

    /// A platform over a database, with a seed that all randomness comes from.
    ///
    /// # Panics
    /// Never: the master key is a constant.
    pub fn over(database: Database, seed: u64) -> Self {
        Self {
            database,
            objects: Objects::default(),
            begin_hop: Hop::default(),
            complete_hop: Hop::default(),
            files: RefCell::default(),
            files_hop: Hop::default(),
            receipts: RefCell::default(),
            receipts_hop: Hop::default(),
            now: Cell::new(START),
            seed,
            draws: Cell::new(0),
            master_key: MasterKey::parse(MASTER_KEY).expect("32 bytes in base64"),
            health: RefCell::default(),
            wakes: RefCell::default(),
            errors: RefCell::default(),
            alerts: RefCell::default(),
            unreadable_settings: RefCell::default(),
            outside: Outside::default(),
        }
    }

    /// Deploys with another master key, and those beside it, which each isolate reads from then on.
    ///
    /// # Errors
    /// When what outlives master keys cannot be read under any of them.
    ///
    /// # Panics
    /// When one of them is no key.
    pub fn deploy_keys(
        &mut self,
        key: &str,
        previous: Option<&str>,
        next: Option<&str>,
    ) -> Result<(), flows::Failure> {
        let key = MasterKey::with_others(key, previous, next).expect("32 bytes in base64");
        let random = || flows::Platform::random(&*self);
        self.master_key = crate::run(flows::master_key::load(&self.database, key, random))?;
        Ok(())
    }

    /// The database, with what only tests may do to it.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Keeps a new merchant under a name of letters and digits, with a secret and a publishable key
    /// for test mode.
    pub fn merchant(&self, name: &str) -> Merchant {
        Merchant::insert(&self.database, name)
    }

    /// Keeps another secret or publishable key of a merchant and returns its text.
    pub fn key(&self, merchant: &Merchant, kind: Kind, livemode: bool) -> String {
        insert_key(&self.database, &merchant.account, kind, livemode, None)
    }

    /// Keeps a restricted key of a merchant and returns its text.
    pub fn restricted_key(
        &self,
        merchant: &Merchant,
        livemode: bool,
        permissions: &Permissions,
    ) -> String {
        let kind = Kind::Restricted;
        insert_key(&self.database, &merchant.account, kind, livemode, Some(permissions))
    }

    /// Sets a merchant's settings, as `{"available_after_days": 0}`.
    pub fn set_settings(&self, merchant: &Merchant, settings: &str) {
        self.database.query(
            "UPDATE accounts SET settings = ?2 WHERE id = ?1",
            store::values![merchant.account.as_str(), settings],
        );
    }

    /// Other servers, the queue and the objects of endpoints.
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// From now on there are two instances of each idempotency object over its one storage, and a seed says which of
    /// them a call reaches, and when one was evicted and remembers nothing.
    pub fn split_objects(&self, seed: u64) {
        self.objects.split(seed);
    }

    /// The hook in every call that begins a request.
    pub fn begin_hop(&self) -> &Hop {
        &self.begin_hop
    }

    /// The hook in every call that completes a request.
    pub fn complete_hop(&self) -> &Hop {
        &self.complete_hop
    }

    /// The hook in every object that is put into the bucket of files.
    pub fn files_hop(&self) -> &Hop {
        &self.files_hop
    }

    /// The objects in the bucket of files, by their names.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.files.borrow().clone()
    }

    /// The hook in every call to the bucket of receipts.
    pub fn receipts_hop(&self) -> &Hop {
        &self.receipts_hop
    }

    /// The documents in the bucket of receipts, by their names.
    pub fn receipts(&self) -> BTreeMap<String, Document> {
        self.receipts.borrow().clone()
    }

    /// Whether every hop lets other futures go on, right before its effect and right after.
    pub fn yields(&self, yields: bool) {
        let Outside { queue_hop, object_hop, server_hop, processor_hop, email_hop, .. } =
            &self.outside;
        let outside = [
            queue_hop,
            object_hop,
            server_hop,
            processor_hop,
            email_hop,
            &self.files_hop,
            &self.receipts_hop,
        ];
        let hops = [self.database.hop(), &self.begin_hop, &self.complete_hop];
        for hop in hops.into_iter().chain(outside) {
            hop.yields(yields);
        }
    }

    /// Moves the clock on.
    pub fn advance(&self, seconds: i64) {
        self.now.set(self.now.get().plus(seconds));
    }

    /// When the heartbeat was asked to look, in the order in which it was asked.
    pub fn wakes(&self) -> Vec<Timestamp> {
        self.wakes.borrow().clone()
    }

    /// What the operator was told.
    pub fn errors(&self) -> Vec<LoggedError> {
        self.errors.borrow().clone()
    }

    /// The names and subjects of what called for a person.
    pub fn alerts(&self) -> Vec<(String, String)> {
        self.alerts.borrow().clone()
    }

    /// Has these settings be ones that cannot be read, with what counts in the stead of each.
    pub fn misread_settings(&self, settings: &[(&'static str, &'static str)]) {
        settings.clone_into(&mut self.unreadable_settings.borrow_mut());
    }

    /// What an idempotency object keeps of a key.
    pub fn record(&self, object: &str, key: &str) -> Option<Record> {
        self.objects.record(object, key)
    }

    fn note(&self, account: &str, is_good: bool) {
        let now = self.now.get().seconds();
        let mut all = self.health.borrow_mut();
        all.entry(account.to_owned()).or_default().note(now, Answers::one(is_good));
    }
}

impl flows::Platform for Platform {
    type Database = Database;

    fn database(&self) -> &Database {
        &self.database
    }

    async fn begin(&self, object: &str, begin: &Begin) -> Result<Decision, PlatformError> {
        let effect = || Ok(self.objects.begin(object, begin));
        self.begin_hop.make(effect, || lost("idempotency")).await
    }

    async fn complete(&self, object: &str, complete: &Complete) -> Result<bool, PlatformError> {
        let effect = || Ok(self.objects.complete(object, complete));
        self.complete_hop.make(effect, || lost("idempotency")).await
    }

    async fn put_file(&self, name: &str, bytes: Vec<u8>) -> Result<(), PlatformError> {
        let effect = || {
            self.files.borrow_mut().insert(name.to_owned(), bytes);
            Ok(())
        };
        self.files_hop.make(effect, || lost("files")).await
    }

    async fn put_receipt(&self, document: &Document) -> Result<(), PlatformError> {
        let effect = || {
            let mut receipts = self.receipts.borrow_mut();
            receipts.entry(document.name.clone()).or_insert_with(|| document.clone());
            Ok(())
        };
        self.receipts_hop.make(effect, || lost("receipts")).await
    }

    async fn receipt(&self, name: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        let effect = || Ok(self.receipts.borrow().get(name).map(|found| found.bytes.clone()));
        self.receipts_hop.make(effect, || lost("receipts")).await
    }

    fn sends_email(&self, livemode: bool) -> bool {
        livemode || self.outside.is_development.get()
    }

    async fn send_email(&self, email: &Email) -> Result<(), NotSent> {
        let effect = || {
            if self.outside.refused.borrow().contains(&email.to) {
                let problem = "it answered 422: there is no such address".to_owned();
                return Err(NotSent { problem, is_final: true });
            }
            self.outside.emails.borrow_mut().push(email.clone());
            Ok(())
        };
        let lost = || NotSent { problem: "the connection was lost".to_owned(), is_final: false };
        self.outside.email_hop.make(effect, lost).await
    }

    fn utc_offset(&self, zone: &str, at: Timestamp) -> Option<i64> {
        let zone = jiff::tz::TimeZone::get(zone).ok()?;
        let at = jiff::Timestamp::from_second(at.seconds()).ok()?;
        Some(zone.to_offset(at).seconds().into())
    }

    fn wake(&self, due_at: Timestamp) {
        self.wakes.borrow_mut().push(due_at);
    }

    fn announce(&self) {
        self.outside.announced.set(true);
    }

    async fn enqueue(&self, parcels: &[Parcel]) -> Result<(), PlatformError> {
        let effect = || {
            self.outside.queue.borrow_mut().extend(parcels.iter().cloned());
            Ok(())
        };
        self.outside.queue_hop.make(effect, || lost("queue")).await
    }

    async fn wake_endpoint(&self, endpoint: &str) -> Result<(), PlatformError> {
        let effect = || {
            self.outside.woken.borrow_mut().insert(endpoint.to_owned());
            Ok(())
        };
        self.outside.object_hop.make(effect, || lost("object")).await
    }

    async fn send(&self, request: http::Request<String>, _: u32) -> Sent {
        let host = request.uri().host().unwrap_or_default().to_owned();
        self.outside.begin(&host);
        while self.outside.stalls(&host) {
            yield_once().await;
        }
        for _ in 0..self.outside.polls_at(&host) {
            yield_once().await;
        }
        let answer = self
            .outside
            .server_hop
            .make(|| self.outside.answer(request), || "the connection was lost".to_owned());
        let answer = answer.await;
        self.outside.end(&host);
        Sent { milliseconds: self.outside.takes(&host), answer }
    }

    async fn hand_out(&self, lots: &[String]) -> Vec<Option<String>> {
        lots.iter().map(|lot| self.outside.helped(lot)).collect()
    }

    async fn ask_processor(
        &self,
        account: Option<&str>,
        request: http::Request<String>,
        _: u32,
    ) -> Result<Answered, String> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        while self.outside.stalls(&host) {
            yield_once().await;
        }
        let lost = || "the connection was lost".to_owned();
        let answer = self.outside.processor_hop.make(|| self.outside.ask(request), lost).await;
        if let Some(account) = account {
            let is_good = answer.as_ref().is_ok_and(|answered| !is_failure(answered.status));
            self.note(account, is_good);
        }
        answer
    }

    fn note_failure(&self, account: &str) {
        self.note(account, false);
    }

    fn health(&self, account: &str) -> Breaker {
        let now = self.now.get().seconds();
        self.health.borrow().get(account).map_or(Breaker::Closed, |health| health.breaker(now))
    }

    fn sends_payment(&self, account: &str) {
        let now = self.now.get().seconds();
        self.health.borrow_mut().entry(account.to_owned()).or_default().tell(now);
    }

    async fn addresses(&self, host: &str) -> Result<Result<Vec<IpAddr>, String>, PlatformError> {
        let known = || Ok(Ok(self.outside.hosts.borrow().get(host).cloned().unwrap_or_default()));
        self.outside.resolver_hop.make(known, || lost("DNS")).await
    }

    fn is_development(&self) -> bool {
        self.outside.is_development.get()
    }

    fn is_nearly_full(&self) -> bool {
        self.database.is_nearly_full()
    }

    fn is_closed(&self) -> bool {
        self.database.is_closed()
    }

    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn random(&self) -> [u8; 32] {
        self.draws.set(self.draws.get() + 1);
        keyed_digest(&self.seed.to_be_bytes(), &[&self.draws.get().to_be_bytes()])
    }

    fn master_key(&self) -> &MasterKey {
        &self.master_key
    }

    fn log_error(&self, request: &str, problem: &str) {
        self.errors
            .borrow_mut()
            .push(LoggedError { request: request.to_owned(), problem: problem.to_owned() });
    }

    fn unreadable_settings(&self) -> Vec<(&'static str, &'static str)> {
        self.unreadable_settings.borrow().clone()
    }

    fn alert(&self, alert: &Alert<'_>) {
        assert!(!alert.money.is_empty(), "nobody knows what {} means", alert.alert);
        self.alerts.borrow_mut().push((alert.alert.to_owned(), alert.subject.to_owned()));
        self.log_error(alert.subject, alert.problem);
    }
}

/// A call to a part of the platform of which nobody knows whether it arrived.
fn lost(part: &'static str) -> PlatformError {
    PlatformError { part, problem: "the connection was lost".to_owned() }
}
