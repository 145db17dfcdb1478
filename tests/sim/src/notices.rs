//! What the processor tells unasked: signed, late, doubled, out of order, until it is taken or for ever lost; and
//! what strangers and other merchants tell in its name.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use hmac::{Hmac, Mac};
use http::Request;
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};

use crate::client::{Answer, Owner, invoke};
use crate::processor::is_hyperswitch;
use crate::scheduler::{Slot, TaskId};
use crate::trace::{Actor, digest};
use crate::world::World;

/// How often a processor tries to tell something.
const MOST_TRIES: u32 = 14;

/// The pause before the second try, in milliseconds; each one after is twice as long.
const FIRST_PAUSE: i64 = 5_000;

/// The longest pause between two tries, in milliseconds.
const LONGEST_PAUSE: i64 = 600_000;

/// For how long it waits for an answer, in milliseconds.
const PATIENCE: i64 = 20_000;

/// For longer than a signature is good, in milliseconds.
const TOO_OLD: i64 = 400_000;

/// Where an account at the processor has its webhooks sent.
#[derive(Clone, Debug)]
pub struct Hook {
    /// The path.
    pub path: String,
    /// What they are signed with.
    pub secret: String,
    /// The connector account that it belongs to.
    pub connector_account: String,
    /// Whose it is.
    pub owner: Owner,
}

/// Something that the processor has to tell.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The account at the processor.
    pub account: String,
    /// The event's own name.
    pub event: String,
    /// Its type.
    pub kind: String,
    /// What it is about, as it was then.
    pub object: Value,
    /// When it happened, in seconds.
    pub created: i64,
}

impl Notice {
    fn body(&self) -> String {
        let (id, kind) = (&self.event, &self.kind);
        let created = self.created;
        if is_hyperswitch(&self.account) {
            let kind_of = match &self.object {
                object if !object["dispute_id"].is_null() => "dispute_details",
                object if !object["refund_id"].is_null() => "refund_details",
                _ => "payment_details",
            };
            let content = json!({ "type": kind_of, "object": self.object });
            return json!({ "event_id": id, "event_type": kind, "content": content }).to_string();
        }
        let data = json!({ "object": self.object });
        json!({ "id": id, "object": "event", "type": kind, "created": created, "data": data })
            .to_string()
    }
}

/// What was told, and what is still to be.
#[derive(Debug, Default)]
pub struct Notices {
    /// Where each account at the processor has them sent.
    pub hooks: BTreeMap<String, Hook>,
    /// How many are on their way.
    pub open: u64,
    /// What was answered that it was taken: the connector account and the event, and what it said.
    pub taken: BTreeMap<(String, String), Taken>,
    /// What no stranger should have been told.
    pub problems: Vec<String>,
    count: u32,
}

/// A notice that was answered that it was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// What it was about, as it was then.
    object: Value,
    /// Whether it tells of something that was never made here.
    pub is_foreign: bool,
}

impl Taken {
    /// The payment of the refund or dispute that it is about.
    pub fn payment(&self) -> Option<&str> {
        self.object["payment_intent"].as_str().or_else(|| self.object["payment_id"].as_str())
    }

    /// The dispute that it is about, and how that stood.
    pub fn dispute(&self) -> Option<(&str, &str)> {
        let text = |name: &str| self.object[name].as_str();
        match text("dispute_id") {
            Some(id) => Some((id, text("dispute_status")?)),
            None => {
                Some((text("id")?, text("status")?)).filter(|_| self.object["object"] == "dispute")
            }
        }
    }
}

/// Who sends a delivery, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    /// The processor, of a payment of ours.
    Processor,
    /// The processor, of a payment that somebody else made in the same account.
    OfOthers,
    /// Another merchant, whose own processor signs for them.
    Merchant,
    /// A stranger without a signature.
    Unsigned,
    /// A stranger with a secret of their own.
    OtherSecret,
    /// A stranger with the signature of another body.
    OtherBody,
    /// A stranger who sends again what was signed long ago.
    Old,
}

impl Sender {
    fn is_stranger(self) -> bool {
        matches!(self, Self::Unsigned | Self::OtherSecret | Self::OtherBody | Self::Old)
    }
}

/// Sends off what the processor has to tell.
pub fn send_off(world: &Rc<World>) {
    let notices = world.processor.borrow_mut().take_notices();
    for mut notice in notices {
        notice.created = world.clock(0).seconds();
        if notice.object.get("dispute_stage").is_some() {
            let changed = chrono::DateTime::from_timestamp(notice.created, 0);
            notice.object["connector_updated_at"] =
                changed.map(|changed| changed.naive_utc().to_string()).into();
        }
        let hook = world.notices.borrow().hooks.get(&notice.account).cloned();
        let Some(hook) = hook else { continue };
        forge(world, &hook, &notice);
        if world.strikes(|weather| weather.notice_lost) {
            let note = || format!("FAULT: {} {} is never told", notice.kind, notice.event);
            world.scheduler.note(Actor::Processor, 0x1057, note);
            continue;
        }
        let mut pause = world.draw(|random| match random.below(3) {
            // Often it is faster than the answer.
            0 => 0,
            1 => random.between(0, 600),
            _ => random.between(300, 4_000),
        });
        if world.strikes(|weather| weather.notice_late) {
            pause += world.draw(|random| random.between(1_000, 1_800_000));
        }
        if world.strikes(|weather| weather.notice_doubled) {
            let twice = pause + world.draw(|random| random.between(0, 300_000));
            deliver(world, hook.clone(), notice.clone(), twice, Sender::Processor);
        }
        deliver(world, hook, notice, pause, Sender::Processor);
    }
}

/// Now and then, somebody else tells something of the same payment.
fn forge(world: &Rc<World>, hook: &Hook, notice: &Notice) {
    if !world.strikes(|weather| weather.notice_forged) {
        return;
    }
    let (sender, pause) = world.draw(|random| {
        let senders = [
            Sender::OfOthers,
            Sender::Merchant,
            Sender::Unsigned,
            Sender::OtherSecret,
            Sender::OtherBody,
            Sender::Old,
        ];
        (random.pick(&senders), random.between(0, 60_000))
    });
    let mut forged = notice.clone();
    forged.event = format!("{}_by_others", notice.event);
    let elsewhere = is_hyperswitch(&notice.account);
    let mut hook = hook.clone();
    match sender {
        Sender::OfOthers => {
            let (of, payment) = match elsewhere {
                true => (["refund_id", "dispute_id"], "payment_id"),
                false => (["id", "id"], "payment_intent"),
            };
            for name in of {
                if !forged.object[name].is_null() {
                    forged.object[name] = json!(format!("{}_of_others", notice.event));
                }
            }
            forged.object[payment] = json!(format!("pi_{}", notice.event));
            forged.object["metadata"] = json!({});
        }
        Sender::Merchant => {
            let notices = world.notices.borrow();
            let other = notices.hooks.iter().find(|(account, _)| {
                **account != notice.account && is_hyperswitch(account) == elsewhere
            });
            let Some((_, other)) = other else { return };
            hook = other.clone();
            lie(&mut forged.object);
        }
        // Its signature says no time, so that nobody can tell.
        Sender::Old if elsewhere => return,
        _ => lie(&mut forged.object),
    }
    deliver(world, hook, forged, pause, sender);
}

/// Says otherwise than it is.
fn lie(object: &mut Value) {
    let turned = match object["status"].as_str() {
        Some("succeeded") if object["payment_id"].is_null() => "canceled",
        Some("succeeded") => "cancelled",
        _ => "succeeded",
    };
    object["status"] = json!(turned);
    if !object["amount_capturable"].is_null() {
        object["amount_received"] = match turned {
            "succeeded" => object["amount"].clone(),
            _ => json!(0),
        };
        object["amount_capturable"] = json!(0);
    }
}

/// Sends a notice until it is taken.
fn deliver(world: &Rc<World>, hook: Hook, notice: Notice, pause: i64, sender: Sender) {
    let number = {
        let mut notices = world.notices.borrow_mut();
        notices.open += 1;
        notices.count += 1;
        notices.count
    };
    let working = Rc::clone(world);
    world.scheduler.spawn(Actor::Teller(number), |task| async move {
        let world = working;
        let body = notice.body();
        let (mut pause, mut signed) = (pause, None);
        for _ in 0..MOST_TRIES {
            world.scheduler.sleep(task, pause).await;
            if sender == Sender::Old && signed.is_none() {
                signed = Some(world.clock(0).seconds());
                world.scheduler.sleep(task, TOO_OLD).await;
            }
            let at = signed.unwrap_or_else(|| world.clock(0).seconds());
            let request = request(&hook, &body, at, sender);
            if let Some(answer) = ask(&world, task, number, request).await
                && hear(&world, &hook, &notice, sender, &answer)
            {
                break;
            }
            pause = (pause.max(FIRST_PAUSE / 2) * 2).min(LONGEST_PAUSE);
        }
        world.notices.borrow_mut().open -= 1;
    });
}

/// Whether an answer ends it.
fn hear(world: &World, hook: &Hook, notice: &Notice, sender: Sender, answer: &Answer) -> bool {
    let mut notices = world.notices.borrow_mut();
    if sender.is_stranger() {
        if answer.is_ok() {
            let told = format!("I8: {sender:?} was believed: {} {}", notice.kind, notice.event);
            notices.problems.push(told);
        }
        return answer.status < 500;
    }
    if answer.is_ok() {
        let is_foreign = sender != Sender::Processor;
        let taken = Taken { object: notice.object.clone(), is_foreign };
        let at = (hook.connector_account.clone(), notice.event.clone());
        notices.taken.insert(at, taken);
    }
    answer.is_ok()
}

/// Sends a request, and waits for its answer.
async fn ask(
    world: &Rc<World>,
    task: TaskId,
    number: u32,
    request: Request<Vec<u8>>,
) -> Option<Answer> {
    let note = digest(request.uri().path().as_bytes()) ^ digest(request.body());
    world.scheduler.note(Actor::Teller(number), note, || {
        let body = String::from_utf8_lossy(request.body());
        format!("{} {}", request.uri().path(), body.chars().take(240).collect::<String>())
    });
    let slot = Slot::default();
    let there = world.draw(|random| random.between(1, 40));
    if !world.strikes(|weather| weather.request_lost) {
        let (sending, slot) = (Rc::clone(world), slot.clone());
        world.scheduler.after(there, move || invoke(&sending, number, task, request, slot));
    }
    let until = world.now() + PATIENCE;
    world.scheduler.wake_after(PATIENCE, task);
    let answer: Option<Answer> = poll_fn(|_| match slot.take() {
        Some(answered) => Poll::Ready(answered),
        None if world.now() >= until => Poll::Ready(None),
        None => Poll::Pending,
    })
    .await;
    let status = answer.as_ref().map_or(0, |answer| answer.status);
    world.scheduler.note(Actor::Teller(number), status.into(), || format!("hears {status}"));
    answer
}

fn request(hook: &Hook, body: &str, at: i64, sender: Sender) -> Request<Vec<u8>> {
    let secret = match sender {
        Sender::OtherSecret => "whsec_of_a_stranger",
        _ => &hook.secret,
    };
    let signed = match sender {
        Sender::OtherBody => body.replace("_by_others", ""),
        _ => body.to_owned(),
    };
    let (name, signature) = match hook.path.contains("/hyperswitch/") {
        true => ("x-webhook-signature-512", body_signature(secret, signed.as_bytes())),
        false => ("stripe-signature", signature(secret, signed.as_bytes(), at)),
    };
    let mut request = Request::post(format!("https://pay.example.com{}", hook.path))
        .header("content-type", "application/json");
    if sender != Sender::Unsigned {
        request = request.header(name, signature);
    }
    request.body(body.as_bytes().to_vec()).expect("a request")
}

/// The header that signs a body at a moment, in seconds.
pub fn signature(secret: &str, body: &[u8], at: i64) -> String {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    format!("t={at},v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// What signs a body as Hyperswitch does, whenever.
fn body_signature(secret: &str, body: &[u8]) -> String {
    let mut mac = <Hmac<Sha512> as Mac>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}
