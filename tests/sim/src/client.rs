//! Merchants' clients: they send what the SDKs send, and retry as those do: under the same idempotency key, after
//! lost connections, conflicts and errors of the server, unless the answer says otherwise.

use std::future::poll_fn;
use std::ops::Deref;
use std::rc::Rc;
use std::task::Poll;

use futures_util::join;
use http::{Method, Request};
use serde_json::Value;

use crate::platform::Invocation;
use crate::scheduler::{Slot, TaskId};
use crate::trace::{Actor, digest};
use crate::workers;
use crate::world::World;

/// How long the SDKs wait for an answer, in milliseconds.
const TIMEOUT: i64 = 80_000;

/// How often they try again by themselves.
const RETRIES: u32 = 2;

/// The pauses after which the merchant's own code tries the same again, in seconds.
const PATIENCE: [i64; 6] = [10, 60, 240, 900, 1_800, 7_200];

/// For how many milliseconds a key is remembered at least.
const KEY_LASTS: i64 = 23 * 3_600_000;

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body as it came.
    pub text: String,
    /// What the header `Stripe-Should-Retry` says.
    should_retry: Option<bool>,
}

impl Answer {
    /// The body.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// Whether it is a success.
    pub fn is_ok(&self) -> bool {
        self.status == 200
    }

    /// Whether it is kept for the key that it was asked under: no trouble, which the next try may not meet.
    fn is_kept(&self) -> bool {
        self.status < 500 && !matches!(self.status, 409 | 429)
    }

    fn may_be_retried(&self) -> bool {
        self.should_retry.unwrap_or(self.status == 409 || self.status >= 500)
    }
}

/// A request, as often as it is sent.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// The form.
    pub form: Vec<(String, String)>,
    /// The idempotency key; every POST of an SDK has one.
    pub key: Option<String>,
}

/// A request that is sent once more hours later.
pub struct Later {
    /// When, in milliseconds.
    pub at: i64,
    /// Until when its key is remembered for sure.
    pub until: i64,
    /// Who sends it.
    pub owner: Owner,
    /// The request.
    pub ask: Ask,
    /// What it was answered, where anything was heard.
    pub answer: Option<Answer>,
}

/// A client of a merchant.
#[derive(Clone)]
pub struct Client {
    /// The world that it is in.
    pub world: Rc<World>,
    /// Its own task.
    pub task: TaskId,
    /// Its number.
    pub number: u32,
    /// Whose it is.
    pub owner: Owner,
}

/// A merchant, as their clients know them.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The merchant's secret key.
    pub secret_key: String,
    /// The merchant's account.
    pub account: String,
}

impl Deref for Client {
    type Target = Owner;

    fn deref(&self) -> &Owner {
        &self.owner
    }
}

impl Client {
    /// A POST under a key of its own.
    pub fn ask(&self, path: &str, form: &[(&str, &str)]) -> Ask {
        let key = self.world.draw(crate::random::Random::number);
        Ask {
            method: Method::POST,
            path: path.to_owned(),
            form: form.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            key: Some(format!("c{}-{key:016x}", self.number)),
        }
    }

    /// Waits so many milliseconds.
    pub async fn pause(&self, milliseconds: i64) {
        self.world.scheduler.sleep(self.task, milliseconds).await;
    }

    /// Asks until there is an answer that is no trouble; none where the merchant lost patience. Some ask twice, the second
    /// time after a lease is over that may well be one's own, and some once more hours later.
    pub async fn insist(&self, ask: &Ask) -> Option<Answer> {
        let began = self.world.now();
        let (is_doubled, pause) =
            self.world.draw(|random| (random.chance(1_200), random.between(16_000, 25_000)));
        if ask.key.is_none() || !is_doubled {
            let answer = self.persist(ask).await;
            self.ask_later(began, ask, answer.as_ref());
            return answer;
        }
        let again = async {
            self.pause(pause).await;
            self.send(ask).await
        };
        let (answer, other) = join!(self.persist(ask), again);
        if let (Some(answer), Some(other)) = (&answer, other) {
            self.compare(ask, answer, &other);
        }
        answer
    }

    /// Plans that the same is asked once more hours later, while its key is remembered.
    fn ask_later(&self, began: i64, ask: &Ask, answer: Option<&Answer>) {
        let (often, pause) =
            self.world.draw(|random| (random.below(100), random.between(1, 22) * 3_600_000));
        // Whoever has no answer has every reason to.
        let asks = often < if answer.is_some() { 4 } else { 40 };
        if ask.key.is_some() && asks {
            let (ask, answer, owner) = (ask.clone(), answer.cloned(), self.owner.clone());
            let later = Later { at: began + pause, until: began + KEY_LASTS, owner, ask, answer };
            self.world.later.borrow_mut().push(later);
        }
    }

    async fn persist(&self, ask: &Ask) -> Option<Answer> {
        let mut pauses = PATIENCE.iter();
        loop {
            if let Some(answer) = self.send(ask).await
                && answer.is_kept()
            {
                self.replay(ask, &answer).await;
                return Some(answer);
            }
            let gives_up = self.world.draw(|random| random.chance(300));
            let pause = pauses.next().filter(|_| !gives_up)?;
            self.pause(pause * 1_000).await;
        }
    }

    /// Reads an object.
    pub async fn get(&self, path: &str) -> Option<Value> {
        let path = path.to_owned();
        let ask = Ask { method: Method::GET, path, form: Vec::new(), key: None };
        let answer = self.insist(&ask).await?;
        let value = answer.json();
        if answer.is_ok() {
            self.world.told.borrow_mut().shown(&self.account, &value);
        }
        answer.is_ok().then_some(value)
    }

    /// The same under the same key has to be answered the same, and anything else under it not at all.
    async fn replay(&self, ask: &Ask, before: &Answer) {
        let choice = self.world.draw(|random| random.below(20));
        if ask.key.is_none() || choice > 2 {
            return;
        }
        if choice == 2 {
            let mut other = ask.clone();
            other.form.push(("metadata[other]".into(), "1".into()));
            if let Some(answer) = self.send(&other).await
                && answer.is_ok()
            {
                let told = format!("I5: another body under {:?}: {}", ask.key, answer.text);
                self.world.told.borrow_mut().problems.push(told);
            }
            return;
        }
        let pause = self.world.draw(|random| random.between(1, 60_000));
        self.pause(pause).await;
        if let Some(answer) = self.send(ask).await {
            self.compare(ask, before, &answer);
        }
    }

    /// Two answers to the same under the same key are the same, whatever they say.
    pub fn compare(&self, ask: &Ask, before: &Answer, answer: &Answer) {
        let is_same = (answer.status, &answer.text) == (before.status, &before.text);
        let problem = || {
            format!(
                "I5: {} under {:?} was answered {} {}, and then {} {}",
                ask.path, ask.key, before.status, before.text, answer.status, answer.text
            )
        };
        let differs = before.is_kept() && answer.is_kept() && !is_same;
        self.world.blame(differs.then(problem));
    }

    /// Asks as an SDK does.
    pub async fn send(&self, ask: &Ask) -> Option<Answer> {
        let mut last = None;
        for again in 0..=RETRIES {
            if again > 0 {
                let pause = self.world.draw(|random| random.between(300, 2_000));
                self.pause(pause).await;
            }
            last = self.once(ask).await;
            if last.as_ref().is_some_and(|answer| !answer.may_be_retried()) {
                break;
            }
        }
        last
    }

    /// Sends a request once.
    async fn once(&self, ask: &Ask) -> Option<Answer> {
        let world = &self.world;
        let number = digest(ask.path.as_bytes());
        world.scheduler.note(Actor::Client(self.number), number, || {
            let form: Vec<_> =
                ask.form.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{} {} key {:?} {}", ask.method, ask.path, ask.key, form.join("&"))
        });
        let slot = Slot::default();
        let there = world.draw(|random| random.between(1, 40));
        if !world.strikes(|weather| weather.request_lost) {
            let (sending, request, slot) = (Rc::clone(world), self.request(ask), slot.clone());
            let (number, task) = (self.number, self.task);
            world.scheduler.after(there, move || invoke(&sending, number, task, request, slot));
        }
        let until = world.now() + TIMEOUT;
        world.scheduler.wake_after(TIMEOUT, self.task);
        let answered = poll_fn(|_| match slot.take() {
            Some(answered) => Poll::Ready(answered),
            None if world.now() >= until => Poll::Ready(None),
            None => Poll::Pending,
        });
        let answer: Option<Answer> = answered.await;
        let number = answer.as_ref().map_or(0, |answer| digest(answer.text.as_bytes()));
        world.scheduler.note(Actor::Client(self.number), number, || match &answer {
            Some(answer) => {
                let value = answer.json();
                let error = &value["error"]["code"];
                format!("hears {} {} {} {error}", answer.status, value["id"], value["status"])
            }
            None => "hears nothing".to_owned(),
        });
        if answer.as_ref().is_some_and(Answer::is_ok) && ask.method == Method::POST {
            let done = ask.path.rsplit('/').find(|part| !part.contains('_')).unwrap_or_default();
            *world.told.borrow_mut().done.entry(done.to_owned()).or_default() += 1;
        }
        answer
    }

    fn request(&self, ask: &Ask) -> Request<Vec<u8>> {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(&ask.form);
        let mut request = Request::builder()
            .method(&ask.method)
            .uri(format!("https://pay.example.com{}", ask.path))
            .header("authorization", format!("Bearer {}", self.secret_key))
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(key) = &ask.key {
            request = request.header("idempotency-key", key);
        }
        request.body(body.finish().into_bytes()).expect("a request")
    }
}

/// Answers a request in an invocation of its own, which goes on when whoever asks has gone.
pub fn invoke(
    world: &Rc<World>,
    number: u32,
    asking: TaskId,
    mut request: Request<Vec<u8>>,
    slot: Slot<Option<Answer>>,
) {
    if let Some(planted) = &world.planted {
        planted.receive(world, &mut request);
    }
    let isolate = world.draw(|random| random.below(world.isolates.len() as u64)) as usize;
    let working = Rc::clone(world);
    let dead = slot.clone();
    let actor = Actor::Worker(number);
    let task = world.scheduler.spawn(actor, |task| async move {
        let world = working;
        let own = &world.isolates[isolate];
        if !own.is_poked.replace(true) {
            workers::poke_all(&world);
        }
        let platform = Invocation::new(&world, task, own.skew.get());
        let server = own.server.borrow().clone();
        let reply = server.handle(&platform, &request).await;
        platform.send_off();
        own.tasks.borrow_mut().retain(|other| *other != task);
        let header = |name: &str| reply.headers().get(name).and_then(|value| value.to_str().ok());
        let status = reply.status().as_u16();
        // No weather is an excuse: what does not answer is told as 503.
        if status == 500 {
            let text = String::from_utf8_lossy(reply.body());
            let told =
                format!("BUG: {} {} is answered 500: {text}", request.method(), request.uri());
            world.told.borrow_mut().problems.push(told);
        }
        let swallows = world.planted.as_ref().is_some_and(|planted| planted.swallows(status))
            && request.uri().path().starts_with("/connectors/");
        let answer = Answer {
            status: if swallows { 200 } else { status },
            should_retry: header("stripe-should-retry").map(|value| value == "true"),
            text: String::from_utf8_lossy(reply.body()).into_owned(),
        };
        let is_lost = world.strikes(|weather| weather.request_lost);
        slot.leave((!is_lost).then_some(answer));
        let back = world.draw(|random| random.between(1, 40));
        world.scheduler.wake_after(back, asking);
    });
    world.isolates[isolate].tasks.borrow_mut().push(task);
    let resetting = Rc::clone(world);
    world.scheduler.on_death(task, move || {
        dead.leave(None);
        resetting.scheduler.wake_after(5, asking);
    });
}
