//! The Durable Object that delivers to one webhook endpoint alone, so that an endpoint which is slow,
//! failing, limited or ordered holds up no other.

use std::cell::Cell;
use std::time::Duration;

use flows::webhooks::{self, Next};
use flows::{Platform, PlatformError};
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::platform::CloudflarePlatform;
use crate::{clock, object, queue, storage};

/// The longest pause between two looks at the database, in seconds: a delivery that is planned for later
/// is looked for again by then.
const LONGEST_PAUSE: i64 = 3_600;

/// How long one alarm works before it hands over to the next, in milliseconds.
const SHIFT: i64 = 10_000;

/// Under which an object keeps the endpoint that it delivers to.
const ENDPOINT: &str = "endpoint";

/// Delivers to one endpoint.
#[durable_object(alarm)]
pub struct EndpointDeliveries {
    state: State,
    env: Env,
    /// Whether it was woken since it last looked for deliveries.
    is_woken: Cell<bool>,
    /// Until when it rests so as not to deliver more in a second than the endpoint takes, in milliseconds: no
    /// wake-up may cut that short.
    rests_until: Cell<i64>,
}

impl DurableObject for EndpointDeliveries {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, is_woken: Cell::new(false), rests_until: Cell::new(0) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let endpoint = request.text().await?;
        let storage = self.state.storage();
        self.is_woken.set(true);
        storage.put(ENDPOINT, endpoint).await?;
        let now = clock::milliseconds();
        let earliest = now.max(self.rests_until.get());
        let is_soon = storage.get_alarm().await?.is_some_and(|at| at <= earliest);
        if !is_soon {
            storage.set_alarm(milliseconds(earliest.saturating_sub(now))).await?;
        }
        Ok(Response::empty()?.with_status(204))
    }

    async fn alarm(&self) -> Result<Response> {
        let storage = self.state.storage();
        // The alarm is set again before the work, so that no failure of the work can lose it.
        storage.set_alarm(Duration::from_secs(30)).await?;
        let Some(endpoint) = storage::text(&storage, ENDPOINT).await? else {
            storage.delete_alarm().await?;
            return Response::empty();
        };
        match CloudflarePlatform::new(self.env.clone()).await {
            Ok(platform) => {
                match self.work(&platform, &endpoint).await {
                    Ok(Some(pause)) => storage.set_alarm(pause).await?,
                    Ok(None) => storage.delete_alarm().await?,
                    Err(failure) => platform.log_error(&endpoint, &failure.to_string()),
                }
                queue::announce_events(&platform).await;
            }
            Err(problem) => worker::console_error!("{problem}"),
        }
        Response::empty()
    }
}

impl EndpointDeliveries {
    /// Delivers what is due, and says after which pause to go on.
    async fn work(
        &self,
        platform: &CloudflarePlatform,
        endpoint: &str,
    ) -> std::result::Result<Option<Duration>, flows::Failure> {
        if platform.is_development() {
            clock::load(platform).await;
        }
        let ends = clock::milliseconds().saturating_add(SHIFT);
        for _ in 0..webhooks::MOST_ROUNDS {
            self.is_woken.set(false);
            let next = webhooks::deliver_alone(platform, endpoint).await?;
            let now = clock::milliseconds();
            match next {
                Next::After(pause) => {
                    self.rests_until.set(now.saturating_add(pause));
                    if self.rests_until.get() >= ends || !queue::pause(pause).await {
                        return Ok(Some(milliseconds(pause)));
                    }
                }
                // Something was planned while it looked.
                _ if self.is_woken.get() && now < ends => {}
                _ if self.is_woken.get() => return Ok(Some(Duration::ZERO)),
                Next::At(at) => {
                    let seconds = at.seconds().saturating_sub(clock::now().seconds());
                    let seconds = seconds.clamp(1, LONGEST_PAUSE);
                    return Ok(Some(milliseconds(seconds.saturating_mul(1_000))));
                }
                Next::Never => return Ok(None),
            }
        }
        // Another alarm has the database to itself again.
        Ok(Some(milliseconds(self.rests_until.get().saturating_sub(clock::milliseconds()).max(0))))
    }
}

/// So many milliseconds.
fn milliseconds(pause: i64) -> Duration {
    Duration::from_millis(u64::try_from(pause).unwrap_or(0))
}

/// Wakes the object of an endpoint.
///
/// # Errors
/// When the object cannot be reached.
pub async fn wake(env: &Env, endpoint: &str) -> std::result::Result<(), PlatformError> {
    let unreachable = |problem: String| PlatformError { part: "endpoint", problem };
    let url = "https://endpoint/wake";
    let answer = object::ask(env, "ENDPOINTS", endpoint, url, endpoint).await;
    match answer.map_err(|error| unreachable(error.to_string()))?.status {
        204 => Ok(()),
        _ => Err(unreachable("it refused".to_owned())),
    }
}
