//! The Durable Objects whose alarms drive all work that no request waits for, and how they are woken.

use std::cell::{Cell, OnceCell, RefCell};
use std::time::Duration;

use domain::Timestamp;
use flows::Platform;
use futures_util::future::join_all;
use queues::heartbeat::{Heart, Lane};
use queues::wake::{Wake, Wakes};
use worker::{
    Context, DurableObject, Env, MessageBuilder, QueueContentType, Request, Response, Result,
    State, durable_object,
};

use crate::platform::CloudflarePlatform;
use crate::{clock, object, queue, storage};

/// Under which an object keeps the name of its lane, which its alarm is not told.
const LANE: &str = "lane";

/// What an object is asked for that is to do tasks, in the place of a lane's name.
const PERFORM: &str = "perform";

/// Beats for one lane: does what is due, then sets its alarm for the next time.
#[durable_object(alarm)]
pub struct Heartbeat {
    state: State,
    env: Env,
    heart: OnceCell<Heart>,
    /// What it was woken for and has not served yet, which no beat's end may put off. Only memory: what is lost with it is
    /// found by the beat that comes anyway.
    wakes: RefCell<Wakes>,
}

impl DurableObject for Heartbeat {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, heart: OnceCell::new(), wakes: RefCell::default() }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let (path, question) = (request.path(), request.text().await?);
        let platform = self.platform().await;
        let what = path.rsplit('/').next();
        if what == Some(PERFORM) {
            return self.perform(&platform?, &question).await;
        }
        self.heart(what.and_then(Lane::from_name)).await?;
        let moments: Vec<Timestamp> = storage::read(&question)?;
        let earliest = moments.iter().min().copied();
        self.wakes.borrow_mut().add(moments);
        if let Some(earliest) = earliest {
            self.alarm_at(earliest).await?;
        }
        Ok(Response::empty()?.with_status(204))
    }

    async fn alarm(&self) -> Result<Response> {
        // The alarm is set again before the work, so that no failure of the work can lose it.
        self.state.storage().set_alarm(Duration::from_secs(30)).await?;
        let heart = self.heart(None).await?;
        match self.platform().await {
            Ok(platform) => {
                self.wakes.borrow_mut().begin(clock::now());
                let next = heart.beat(&platform).await;
                let woken_for = self.wakes.borrow().earliest();
                let next = woken_for.map_or(next, |moment| moment.min(next));
                self.state.storage().set_alarm(pause_until(next)).await?;
                self.tell(&platform, heart.lane()).await;
            }
            Err(problem) => worker::console_error!("{problem}"),
        }
        Response::empty()
    }
}

impl Heartbeat {
    async fn platform(&self) -> Result<CloudflarePlatform> {
        let platform = CloudflarePlatform::new(self.env.clone()).await;
        let platform = platform.map_err(worker::Error::RustError)?;
        if platform.is_development() {
            clock::load(&platform).await;
        }
        Ok(platform)
    }

    /// Does some tasks of the recovery, whose own object has as few connections as each.
    async fn perform(&self, platform: &CloudflarePlatform, tasks: &str) -> Result<Response> {
        let performed = queues::heartbeat::perform(platform, tasks).await;
        self.tell(platform, Lane::Recovery).await;
        match performed {
            Some(performed) => Response::ok(performed),
            None => Ok(Response::empty()?.with_status(204)),
        }
    }

    /// Tells others of what was done here for a lane.
    async fn tell(&self, platform: &CloudflarePlatform, lane: Lane) {
        queue::announce_events(platform).await;
        wake_others(&self.env, lane, platform.earliest_wake()).await;
    }

    /// What beats here, for the lane that a wake-up named; before there were lanes, none was named.
    async fn heart(&self, named: Option<Lane>) -> Result<&Heart> {
        if let Some(heart) = self.heart.get() {
            return Ok(heart);
        }
        let storage = self.state.storage();
        let kept = storage::text(&storage, LANE).await?.as_deref().and_then(Lane::from_name);
        if let (None, Some(lane)) = (kept, named) {
            storage.put(LANE, lane.name()).await?;
        }
        let lane = kept.or(named).unwrap_or(Lane::Main);
        Ok(self.heart.get_or_init(|| Heart::of(lane)))
    }

    /// Sets the alarm for then, unless it is set for earlier.
    async fn alarm_at(&self, due_at: Timestamp) -> Result<()> {
        let storage = self.state.storage();
        let pause = pause_until(due_at);
        let wanted = clock::milliseconds()
            .saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
        match storage.get_alarm().await? {
            Some(known) if known <= wanted => Ok(()),
            _ => storage.set_alarm(pause).await,
        }
    }
}

/// How long until a moment of the (development) clock, within the heartbeat's own bounds.
fn pause_until(due_at: Timestamp) -> Duration {
    let seconds = due_at.seconds().saturating_sub(clock::now().seconds());
    let seconds = seconds.clamp(0, queues::heartbeat::LONGEST_PAUSE);
    // An alarm for right now would beat without rest; a moment's pause lets others in.
    Duration::from_millis(u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000).max(50))
}

/// Tells the other lanes of what one lane has planned, which only looks for its own.
async fn wake_others(env: &Env, lane: Lane, earliest: Option<Timestamp>) {
    let Some(due_at) = earliest else { return };
    let others = Lane::ALL.into_iter().filter(|other| *other != lane);
    if let Err(problem) = poke_lanes(env, others, &[due_at]).await {
        worker::console_warn!("the other lanes could not be woken: {problem}");
    }
}

/// Tells the heartbeat, in each of its lanes, when there is work: at each of some moments.
///
/// # Errors
/// Says what an object or the runtime said.
pub async fn poke(env: &Env, moments: &[Timestamp]) -> std::result::Result<(), String> {
    poke_lanes(env, Lane::ALL.into_iter(), moments).await
}

/// The same of some lanes.
///
/// # Errors
/// As [`poke`].
pub async fn poke_lanes(
    env: &Env,
    lanes: impl Iterator<Item = Lane>,
    moments: &[Timestamp],
) -> std::result::Result<(), String> {
    let question = serde_json::to_string(moments).map_err(|error| error.to_string())?;
    let wake = |lane: Lane| send(env, lane.name().to_owned(), lane.name(), &question);
    let sent = join_all(lanes.map(wake)).await;
    sent.into_iter().try_for_each(|sent| sent.map(drop)).map_err(|error| error.to_string())
}

/// Asks the object of a name for what the path's last part says.
async fn send(env: &Env, name: String, what: &str, question: &str) -> Result<String> {
    let url = format!("https://heartbeat/wake/{what}");
    let answer = object::ask(env, "HEARTBEAT", &name, &url, question).await?;
    match answer.status {
        200 | 204 => Ok(answer.text),
        _ => Err(worker::Error::RustError(answer.text)),
    }
}

/// Has objects do lots of tasks, and says what came of each; nothing of what none did, as one of an earlier version.
pub async fn hand_out(env: &Env, lots: &[String]) -> Vec<Option<String>> {
    let name = |place: usize| format!("recovery-{place}");
    let sent = lots.iter().enumerate().map(|(place, lot)| send(env, name(place), PERFORM, lot));
    join_all(sent).await.into_iter().map(Result::ok).collect()
}

thread_local! {
    /// Whether this isolate has told the heartbeat that it lives.
    static IS_POKED: Cell<bool> = const { Cell::new(false) };
}

/// After the answer: wakes the heartbeat where there is work, and once in an isolate's life anyway,
/// so that what an earlier one left behind is found.
pub fn wake_after(context: &Context, env: Env, earliest: Option<Timestamp>) {
    if !IS_POKED.with(|cell| cell.replace(true)) {
        let env = env.clone();
        context.wait_until(async move {
            if let Err(problem) = poke(&env, &[clock::now()]).await {
                worker::console_error!("the heartbeat could not be woken: {problem}");
            }
        });
    }
    if let Some(due_at) = earliest {
        context.wait_until(async move {
            // A message that gets lost costs time only: the heartbeat looks again by itself.
            if let Err(error) = enqueue(&env, due_at).await {
                worker::console_warn!("a wake-up could not be sent: {error}");
            }
        });
    }
}

async fn enqueue(env: &Env, due_at: Timestamp) -> Result<()> {
    let body = serde_json::to_string(&Wake { due_at })?;
    let message = MessageBuilder::new(body).content_type(QueueContentType::Text).build();
    env.queue("WAKE")?.send(message).await
}
