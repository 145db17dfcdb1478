//! What arrives from the queues.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use flows::Platform;
use flows::webhooks::{Lot, Parcel};
use futures_util::future::{Either, select};
use queues::heartbeat::Lane;
use queues::{Queue, dead_letters, deliveries};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::{JSON, Promise};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::{
    Context, Env, MessageBatch, MessageBuilder, MessageExt, QueueContentType,
    QueueRetryOptionsBuilder, RawMessage, Result, SendMessage,
};

use crate::platform::CloudflarePlatform;
use crate::{clock, heartbeat};

/// How often a batch of deliveries is looked after, in milliseconds.
const BEAT: u32 = 1_000;

/// For how long an endpoint counts as delivered to by this isolate unless that ends before, in milliseconds: an
/// invocation may be ended from outside.
const UNDER_WAY_FOR: i64 = 60_000;

#[wasm_bindgen]
extern "C" {
    /// The runtime's own pause. `worker::Delay` panics where timers are objects, as Node's are.
    #[wasm_bindgen(js_namespace = scheduler, catch)]
    fn wait(milliseconds: u32) -> std::result::Result<Promise<JsValue>, JsValue>;
}

/// How long an announcement waits for further events, in milliseconds.
const GATHERS: u32 = 200;

/// The most messages that a queue takes at a time.
const MOST_MESSAGES: usize = 100;

/// How long a dead letter that cannot be parked waits for the database, in seconds.
const PARKS_AGAIN_AFTER: u32 = 600;

/// Takes a batch from whichever queue it comes.
pub async fn take(batch: &MessageBatch<String>, env: Env, context: &Context) {
    let messages: Vec<RawMessage> = batch.raw_iter().collect();
    let platform = match CloudflarePlatform::new(env.clone()).await {
        Ok(platform) => platform,
        Err(problem) => {
            worker::console_error!("{problem}");
            return batch.retry_all();
        }
    };
    if platform.is_development() {
        clock::load(&platform).await;
    }
    let name = batch.queue();
    let living = name.strip_suffix("-dead");
    match (Queue::of(living.unwrap_or(&name)), living) {
        (Some(queue), Some(_)) => bury(&messages, queue, &platform).await,
        (Some(Queue::Deliveries), None) => deliver(messages, platform, context).await,
        (Some(Queue::Events), None) => hand_out(batch, &platform).await,
        (Some(Queue::Wake), None) => wake(&messages, &env).await,
        (None, _) => {
            worker::console_error!("nothing takes the messages of {name}");
            batch.retry_all();
        }
    }
}

/// Passes wake-ups on to the heartbeat. A message that cannot be read holds up no other.
async fn wake(messages: &[RawMessage], env: &Env) {
    let read = messages.iter().map(|message| (message, queues::wake::due_at(&body(message))));
    let (readable, poison): (Vec<_>, Vec<_>) = read.partition(|(_, due_at)| due_at.is_ok());
    for (message, problem) in poison {
        settle(message, problem.map(drop));
    }
    let moments: Vec<_> = readable.iter().filter_map(|(_, due_at)| due_at.clone().ok()).collect();
    if moments.is_empty() {
        return;
    }
    let woken = heartbeat::poke(env, &moments).await;
    for (message, _) in readable {
        settle(message, woken.clone());
    }
}

/// Hands new events to the endpoints that hear of them.
async fn hand_out(batch: &MessageBatch<String>, platform: &CloudflarePlatform) {
    match deliveries::fan_out(platform).await {
        Ok(are_left) => {
            batch.ack_all();
            // One that gets lost costs time only.
            if are_left && let Err(error) = announce(platform.env()).await {
                worker::console_warn!("events could not be announced: {error}");
            }
        }
        Err(failure) => {
            worker::console_error!("events could not be handed out: {failure}");
            batch.retry_all();
        }
    }
}

thread_local! {
    /// What this isolate delivers, and until when that counts: no two invocations deliver to an endpoint together,
    /// since each counts for itself how many deliveries are under way at a time.
    static UNDER_WAY: RefCell<Vec<(Weak<Lot>, i64)>> = const { RefCell::new(Vec::new()) };
}

/// Makes deliveries. A message that cannot be read holds up no other, nor does an endpoint that takes long: what
/// is under way when its batch is over counts as taken, since what becomes of it is in the rows.
async fn deliver(messages: Vec<RawMessage>, platform: CloudflarePlatform, context: &Context) {
    let mut parcels: Vec<(&RawMessage, Parcel)> = Vec::new();
    let mut others: Vec<(&RawMessage, Parcel, Rc<Lot>)> = Vec::new();
    for message in &messages {
        match deliveries::parcel(&body(message)) {
            Ok(parcel) => match under_way(&parcel.endpoint) {
                Some(lot) => others.push((message, parcel, lot)),
                None => parcels.push((message, parcel)),
            },
            Err(problem) => settle(message, Err(problem)),
        }
    }
    let taken: Vec<Parcel> = parcels.iter().map(|(_, parcel)| parcel.clone()).collect();
    let lot = Rc::new(Lot::of(&taken));
    // Before anything is waited for: meanwhile another invocation may have messages for the same endpoints.
    let ends = clock::milliseconds().saturating_add(UNDER_WAY_FOR);
    UNDER_WAY.with_borrow_mut(|lots| lots.push((Rc::downgrade(&lot), ends)));
    let platform = Rc::new(platform);
    for (message, parcel, lot) in others {
        let left = lot.leave(&*platform, &parcel).await;
        settle(message, left.map_err(|failure| failure.to_string()));
    }
    if !taken.is_empty() {
        work(&lot, &platform, context).await;
    }
    for (message, parcel) in parcels {
        settle(message, lot.problem(&parcel.endpoint).map_or(Ok(()), Err));
    }
}

/// The batch by which an endpoint is being delivered to.
fn under_way(endpoint: &str) -> Option<Rc<Lot>> {
    let now = clock::milliseconds();
    UNDER_WAY.with_borrow_mut(|lots| {
        lots.retain(|(lot, until)| *until > now && lot.strong_count() > 0);
        lots.iter().filter_map(|(lot, _)| lot.upgrade()).find(|lot| lot.is_under_way(endpoint))
    })
}

/// Works until everything is attempted, or what takes long holds up the rest; that goes on after this.
async fn work(lot: &Rc<Lot>, platform: &Rc<CloudflarePlatform>, context: &Context) {
    let (working, services) = (Rc::clone(lot), Rc::clone(platform));
    let work = future_to_promise(async move {
        working.work(&*services).await;
        announce_events(&services).await;
        Ok(JsValue::UNDEFINED)
    });
    let all = JsFuture::from(work.clone());
    context.wait_until(async move {
        if all.await.is_err() {
            worker::console_error!("deliveries broke off");
        }
    });
    let mut work = JsFuture::from(work);
    loop {
        let beat = match wait(BEAT) {
            Ok(beat) => JsFuture::from(beat),
            Err(error) => return worker::console_error!("the runtime does not wait: {error:?}"),
        };
        match select(work, beat).await {
            Either::Left(_) => return,
            Either::Right((_, unfinished)) => work = unfinished,
        }
        if lot.look_after(&**platform).await {
            return;
        }
    }
}

/// Parks what no consumer could take. While the database cannot be reached, it waits in its queue.
async fn bury(messages: &[RawMessage], queue: Queue, platform: &CloudflarePlatform) {
    for message in messages {
        match dead_letters::take(platform, queue, &body(message)).await {
            Ok(()) => message.ack(),
            Err(failure) => {
                worker::console_error!("a dead letter could not be parked: {failure}");
                let later = QueueRetryOptionsBuilder::new().with_delay_seconds(PARKS_AGAIN_AFTER);
                message.retry_with_options(&later.build());
            }
        }
    }
    announce_events(platform).await;
    // Whoever tells of it is woken. A wake-up that gets lost costs time only.
    if let Some(moment) = platform.earliest_wake()
        && let Err(problem) =
            heartbeat::poke_lanes(platform.env(), [Lane::Paperwork].into_iter(), &[moment]).await
    {
        worker::console_warn!("the heartbeat could not be woken: {problem}");
    }
}

/// What a message says; one that is no text is told of as JSON.
fn body(message: &RawMessage) -> String {
    let body = message.body();
    let json = || JSON::stringify(&body).map(String::from).unwrap_or_default();
    body.as_string().unwrap_or_else(json)
}

/// Ends a message, or has it come again.
fn settle(message: &RawMessage, taken: std::result::Result<(), String>) {
    match taken {
        Ok(()) => message.ack(),
        Err(problem) => {
            worker::console_error!("{problem}, in the message {}", body(message));
            message.retry();
        }
    }
}

thread_local! {
    /// Until when an announcement of this isolate is on its way, in milliseconds.
    static ANNOUNCED_UNTIL: Cell<i64> = const { Cell::new(0) };
}

/// After the answer: has new events handed out. One message serves all requests of a moment: it leaves
/// when each of them has written its events. One that gets lost costs time only.
pub fn announce_after(context: &Context, env: Env) {
    let now = clock::milliseconds();
    if now < ANNOUNCED_UNTIL.get() {
        return;
    }
    // Should the message never leave, somebody announces anew after twice the pause.
    ANNOUNCED_UNTIL.set(now.saturating_add(i64::from(GATHERS).saturating_mul(2)));
    context.wait_until(async move {
        if let Ok(pause) = wait(GATHERS) {
            drop(JsFuture::from(pause).await);
        }
        ANNOUNCED_UNTIL.set(0);
        if let Err(error) = announce(&env).await {
            worker::console_warn!("events could not be announced: {error}");
        }
    });
}

/// Has the events handed out that deliveries themselves have written: that an endpoint fails, or was disabled.
pub async fn announce_events(platform: &CloudflarePlatform) {
    if platform.has_events()
        && let Err(error) = announce(platform.env()).await
    {
        worker::console_warn!("events could not be announced: {error}");
    }
}

/// Waits for so many milliseconds; not at all where the runtime does not.
pub async fn pause(milliseconds: i64) -> bool {
    if milliseconds == 0 {
        return true;
    }
    match wait(u32::try_from(milliseconds).unwrap_or(u32::MAX)) {
        Ok(pause) => JsFuture::from(pause).await.is_ok(),
        Err(_) => false,
    }
}

async fn announce(env: &Env) -> Result<()> {
    env.queue("EVENTS")?.send(text(String::new())).await
}

/// Puts deliveries on their way.
///
/// # Errors
/// When the queue does not take them.
pub async fn enqueue(env: &Env, parcels: &[Parcel]) -> Result<()> {
    let queue = env.queue("DELIVERIES")?;
    for batch in parcels.chunks(MOST_MESSAGES) {
        let messages: Vec<_> = batch
            .iter()
            .map(|parcel| serde_json::to_string(parcel).map(text))
            .collect::<std::result::Result<_, _>>()?;
        queue.send_batch(messages).await?;
    }
    Ok(())
}

/// A message that holds a text: the runtime's own encoding loses what is no plain struct.
fn text(body: String) -> SendMessage<String> {
    MessageBuilder::new(body).content_type(QueueContentType::Text).build()
}
