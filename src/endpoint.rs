//! The Durable Object that delivers to one webhook endpoint alone, so that an endpoint which is slow,
//! failing, limited or ordered holds up no other.

use std::time::Duration;

use flows::webhooks::{self, Next};
use flows::{Platform, PlatformError};
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::platform::CloudflarePlatform;
use crate::{clock, object};

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
}

impl DurableObject for EndpointDeliveries {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let endpoint = request.text().await?;
        let storage = self.state.storage();
        storage.put(ENDPOINT, endpoint).await?;
        let is_soon = storage.get_alarm().await?.is_some_and(|at| at <= clock::milliseconds());
        if !is_soon {
            storage.set_alarm(Duration::ZERO).await?;
        }
        Ok(Response::empty()?.with_status(204))
    }

    async fn alarm(&self) -> Result<Response> {
        let storage = self.state.storage();
        // The alarm is set again before the work, so that no failure of the work can lose it.
        storage.set_alarm(Duration::from_secs(30)).await?;
        let Some(endpoint) = storage.get::<String>(ENDPOINT).await? else {
            storage.delete_alarm().await?;
            return Response::empty();
        };
        match CloudflarePlatform::new(self.env.clone()) {
            Ok(platform) => match self.work(&platform, &endpoint).await {
                Ok(Some(pause)) => storage.set_alarm(pause).await?,
                Ok(None) => storage.delete_alarm().await?,
                Err(failure) => platform.log_error(&endpoint, &failure.to_string()),
            },
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
        loop {
            match webhooks::deliver_alone(platform, endpoint).await? {
                Next::After(0) if clock::milliseconds() < ends => {}
                Next::After(pause) => {
                    return Ok(Some(Duration::from_millis(u64::try_from(pause).unwrap_or(0))));
                }
                Next::At(at) => {
                    let seconds = at.seconds().saturating_sub(clock::now().seconds());
                    let seconds = seconds.clamp(1, LONGEST_PAUSE);
                    return Ok(Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(1))));
                }
                Next::Never => return Ok(None),
            }
        }
    }
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
