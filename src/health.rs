//! The Durable Object that knows whether an account at a processor is well, and what an isolate remembers of it.
//!
//! No payment waits for the object: it reads what its isolate remembers, and what came of it is told after its answer,
//! together with what came of others.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::pin;

use domain::routing::health::{Answers, Breaker, Health, SLOW, View, is_failure};
use flows::platform::Answered;
use futures_util::future::{Either, join, select};
use worker::{
    Context, DurableObject, Env, Request, Response, ResponseBuilder, Result, State, durable_object,
};

use crate::{clock, object, queue, storage};

/// Knows the health of one account. It is only in memory: an object that nobody asks forgets what nobody needs.
#[durable_object]
pub struct ConnectorHealth {
    health: RefCell<Health>,
}

impl DurableObject for ConnectorHealth {
    fn new(_state: State, _env: Env) -> Self {
        Self { health: RefCell::default() }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let answers: Answers = storage::read(&request.text().await?)?;
        let now = clock::milliseconds().saturating_div(1_000);
        let mut health = self.health.borrow_mut();
        if answers != Answers::default() {
            health.note(now, answers);
        }
        Ok(ResponseBuilder::new().fixed(health.tell(now).name().as_bytes().to_vec()))
    }
}

thread_local! {
    static VIEWS: RefCell<BTreeMap<String, View>> = const { RefCell::new(BTreeMap::new()) };
}

/// Does something with what is known of an account.
fn with_view<T>(account: &str, act: impl FnOnce(&mut View) -> T) -> T {
    VIEWS.with_borrow_mut(|views| act(views.entry(account.to_owned()).or_default()))
}

/// Where the breaker of an account stands, as far as this isolate knows.
pub fn view(account: &str) -> Breaker {
    with_view(account, |view| view.breaker(clock::milliseconds()))
}

/// A payment goes to an account.
pub fn sends(account: &str) {
    with_view(account, View::sends);
}

/// Takes note of an answer, for the next report.
pub fn note(account: &str, is_good: bool) {
    with_view(account, |view| view.note(is_good));
}

/// Waits for an answer and takes note of it. One that is slow counts as a failure while it is still waited for, so that
/// others need not wait as long.
pub async fn watch(
    env: &Env,
    account: &str,
    answer: impl Future<Output = std::result::Result<Answered, String>>,
) -> std::result::Result<Answered, String> {
    let slow = queue::pause(i64::from(SLOW).saturating_mul(1_000));
    let answer = match select(pin!(answer), pin!(slow)).await {
        Either::Left((answer, _)) => answer,
        Either::Right((true, answer)) => {
            note(account, false);
            return join(answer, report(env, account)).await.0;
        }
        // The runtime does not pause.
        Either::Right((false, answer)) => answer.await,
    };
    note(account, answer.as_ref().is_ok_and(|answered| !is_failure(answered.status)));
    answer
}

/// After the answer: tells the objects of accounts what came of what they were asked, and learns how they are, where
/// that is old or a failure is news.
pub fn report_after(context: &Context, env: &Env, accounts: Vec<String>) {
    for account in accounts {
        let is_due = with_view(&account, |view| view.is_due(clock::milliseconds()));
        if is_due {
            let env = env.clone();
            context.wait_until(async move { report(&env, &account).await });
        }
    }
}

async fn report(env: &Env, account: &str) {
    let untold = with_view(account, |view| view.asks(clock::milliseconds()));
    let told = serde_json::to_string(&untold).unwrap_or_default();
    let answer = object::ask(env, "HEALTH", account, "https://health/", &told).await;
    let said = answer.ok().filter(|answer| answer.status == 200);
    let said = said.map(|answer| Breaker::from_name(&answer.text));
    with_view(account, |view| view.learns(clock::milliseconds(), untold, said));
}
