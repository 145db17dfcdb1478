//! The merchants' endpoints: they verify what arrives with code of their own, remember it, and misbehave.

use std::collections::BTreeMap;
use std::rc::Rc;

use flows::platform::Answered;
use hmac::{Hmac, Mac};
use http::Request;
use serde_json::Value;
use sha2::Sha256;

use crate::trace::{Actor, digest};
use crate::world::World;

/// For how many seconds a signature is good, at either side.
const TOLERANCE: i64 = 300;

/// An endpoint, as its merchant runs it.
#[derive(Clone, Debug, Default)]
pub struct Endpoint {
    /// Its id in the API.
    pub id: String,
    /// Whose it is.
    pub account: String,
    /// The secret that deliveries are signed with.
    pub secret: String,
    /// The events that it took, by their ids: how often, and what they tell of.
    pub taken: BTreeMap<String, Taken>,
    /// Until when it answers nothing but errors.
    pub fails_until: i64,
}

/// An event that an endpoint took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// How often.
    pub times: u64,
    /// Its type.
    pub kind: String,
    /// The object that it tells of.
    pub object: String,
    /// That object's status.
    pub status: String,
}

/// All endpoints, by their addresses, and what was wrong with what arrived.
#[derive(Debug, Default)]
pub struct Endpoints {
    /// By their addresses.
    pub by_url: BTreeMap<String, Endpoint>,
    /// What no merchant could have taken.
    pub problems: Vec<String>,
}

impl Endpoints {
    /// How long an endpoint takes, where it is slow.
    pub fn takes(&self, world: &World, request: &Request<String>) -> Option<i64> {
        let is_slow = request.uri().path().len().is_multiple_of(3)
            && world.strikes(|weather| weather.endpoint_fails / 4);
        is_slow.then(|| world.draw(|random| random.between(2_000, 40_000)))
    }
}

/// What arrives at an endpoint.
///
/// # Errors
/// When nobody listens there.
pub fn answer(world: &Rc<World>, request: &Request<String>) -> Result<Answered, String> {
    let url = request.uri().to_string();
    let fails = world.strikes(|weather| weather.endpoint_fails);
    let (for_long, status) = world.draw(|random| {
        (random.chance(1_500).then(|| random.between(1, 7_200_000)), random.pick(&[500, 503, 302]))
    });
    let now = world.now();
    let mut endpoints = world.endpoints.borrow_mut();
    let Endpoints { by_url, problems } = &mut *endpoints;
    let endpoint = by_url.get_mut(&url).ok_or_else(|| "nobody listens there".to_owned())?;
    if fails && let Some(pause) = for_long {
        endpoint.fails_until = now + pause;
    }
    if fails || endpoint.fails_until > now {
        world.scheduler.note(Actor::Endpoint, status.into(), || format!("{url}: FAULT: {status}"));
        return Ok(Answered { status, ..Answered::default() });
    }
    let event: Value = serde_json::from_str(request.body()).unwrap_or_default();
    let id = event["id"].as_str().unwrap_or_default().to_owned();
    if let Err(problem) = verify(request, &endpoint.secret, world.clock(0).seconds()) {
        problems.push(format!("I6: {url} was sent {id}, but {problem}"));
        return Ok(Answered { status: 400, ..Answered::default() });
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let taken = endpoint.taken.entry(id.clone()).or_default();
    taken.times += 1;
    taken.kind = text(&event["type"]);
    taken.object = text(&event["data"]["object"]["id"]);
    taken.status = text(&event["data"]["object"]["status"]);
    let (kind, times) = (&taken.kind, taken.times);
    let number = digest(request.body().as_bytes());
    world.scheduler.note(Actor::Endpoint, number, || format!("{url}: takes {kind} {id} ({times})"));
    Ok(Answered { status: 200, ..Answered::default() })
}

/// Whether a delivery is signed with a secret, as Stripe's documentation tells merchants to look.
fn verify(request: &Request<String>, secret: &str, now: i64) -> Result<(), String> {
    let header = request.headers().get("stripe-signature").and_then(|value| value.to_str().ok());
    let header = header.ok_or("it is not signed")?;
    let part = |name: &str| header.split(',').find_map(|part| part.strip_prefix(name));
    let at = part("t=").ok_or("its signature has no time")?;
    let signed = format!("{at}.{}", request.body());
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(secret.as_bytes())
        .map_err(|error| error.to_string())?;
    mac.update(signed.as_bytes());
    let expected = hex::encode(mac.finalize().into_bytes());
    if part("v1=") != Some(&expected) {
        return Err("its signature is wrong".to_owned());
    }
    let age = now - at.parse::<i64>().map_err(|error| error.to_string())?;
    if age.abs() > TOLERANCE {
        return Err(format!("it was signed {age} seconds ago"));
    }
    Ok(())
}
