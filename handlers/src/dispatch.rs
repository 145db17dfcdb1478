//! From a request to its response: version, key, route, parameters, idempotency, answer.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use domain::api_key::Kind;
use domain::error::Retry;
use domain::event::API_VERSION;
use domain::id::{IdSource, RequestId, keyed_digest};
use domain::idempotency::{Answer as KeptAnswer, Begin, Complete, Decision, MAX_KEY_LENGTH};
use domain::resource::{Json, json, read};
use domain::seal::Lasting;
use domain::{ApiError, Timestamp};
use flows::{Context, Failure, Platform, RequestReference};
use http::{HeaderMap, Request};
use store::Scope;
use store::accounts::KeyAndAccount;

use crate::authenticate::{authenticate, authorize, text};
use crate::endpoint::{Call, Checked, Entry, Listed, Method};
use crate::form;
use crate::key_cache::KeyCache;
use crate::render::{Answer, Reply, add_header, reply};
use crate::{browser, connectors, expand, pages, routes, version};

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 1_000_000;

/// What lives as long as the isolate.
#[derive(Clone, Debug, Default)]
pub struct Server {
    keys: Rc<KeyCache>,
}

/// A request on its way through the API.
pub struct Incoming<'a, P> {
    /// Everything outside.
    pub platform: &'a P,
    /// The request's id.
    pub request_id: String,
    /// The request.
    pub request: &'a Request<Vec<u8>>,
    /// The key that it holds, and its account.
    pub caller: Rc<KeyAndAccount>,
    /// The parts of the path that the route leaves open.
    pub path: Vec<String>,
}

impl Server {
    /// Answers a request. What goes wrong becomes an error body; nothing is returned as an error.
    pub async fn handle<P: Platform>(&self, platform: &P, request: &Request<Vec<u8>>) -> Reply {
        if request.uri().path().starts_with(connectors::PREFIX) {
            // On the heap, so that no other request has room for it; so are pages.
            return Box::pin(connectors::answer(platform, request)).await;
        }
        if !is_for_api(request.uri().path()) {
            return Box::pin(pages::answer(platform, request)).await;
        }
        let request_id: RequestId = IdSource::new(&platform.random()).derive("request");
        let mut reply = if request.method() == http::Method::OPTIONS {
            preflight()
        } else {
            self.api(platform, request, request_id.as_str()).await
        };
        add_header(&mut reply, "request-id", request_id.as_str());
        add_header(&mut reply, "access-control-allow-origin", "*");
        add_header(
            &mut reply,
            "access-control-expose-headers",
            "Request-Id, Retry-After, Stripe-Should-Retry",
        );
        add_header(&mut reply, "cache-control", "no-cache, no-store");
        reply
    }

    async fn api<P: Platform>(
        &self,
        platform: &P,
        request: &Request<Vec<u8>>,
        request_id: &str,
    ) -> Reply {
        let headers = request.headers();
        let version = match version::requested(text(headers, "stripe-version")) {
            Ok(version) => version,
            Err(error) => {
                let mut response = reply(Answer::error(&error));
                add_header(&mut response, "stripe-version", API_VERSION);
                return response;
            }
        };
        let mut response = match self.routed(platform, request, request_id).await {
            Ok(response) => response,
            Err(failure) => reply(Answer::error(&told(platform, request_id, failure))),
        };
        add_header(&mut response, "stripe-version", &version);
        if let Some(key) = text(headers, "idempotency-key") {
            add_header(&mut response, "idempotency-key", key);
        }
        response
    }

    async fn routed<P: Platform>(
        &self,
        platform: &P,
        request: &Request<Vec<u8>>,
        request_id: &str,
    ) -> Result<Reply, Failure> {
        let caller = authenticate(platform, &self.keys, request.headers()).await?;
        if request.body().len() > MAX_BODY {
            return Err(ApiError::BodyTooLarge.into());
        }
        let incoming = Incoming {
            platform,
            request_id: request_id.to_owned(),
            request,
            caller,
            path: Vec::new(),
        };
        let reply = routes::dispatch(incoming).await;
        let is_done = reply.as_ref().is_ok_and(|reply| reply.status().is_success());
        let waits = match &reply {
            Ok(reply) => reply.status() == http::StatusCode::TOO_MANY_REQUESTS,
            Err(Failure::Api(error)) => matches!(**error, ApiError::LockTimeout),
            Err(_) => false,
        };
        let is_change = is_done && request.method() != http::Method::GET;
        // A new endpoint hears of what happens from now on, and payments go where they go from now on. Whoever
        // is to come again may have been sent to where none go any more.
        if waits || is_change && is_remembered(request.uri().path()) {
            self.keys.forget();
        }
        reply
    }
}

/// Whether something of what is below a path is remembered with keys.
fn is_remembered(path: &str) -> bool {
    path.split('/')
        .any(|part| matches!(part, "webhook_endpoints" | "connector_accounts" | "routing"))
}

/// Whether a client of the API asks, who understands no page; newer parts of Stripe's are under `/v2/`.
fn is_for_api(path: &str) -> bool {
    matches!(path.split('/').nth(1), Some("v1" | "v2"))
}

/// What the merchant is told of a failure; what is our own fault is logged with all that is known.
fn told<P: Platform>(platform: &P, request_id: &str, failure: Failure) -> ApiError {
    if failure.is_ours() {
        platform.log_error(request_id, &failure.to_string());
    }
    failure.into_api_error(request_id)
}

/// A browser asks whether it may call at all.
fn preflight() -> Reply {
    let mut reply = Reply::new(Vec::new());
    *reply.status_mut() = http::StatusCode::NO_CONTENT;
    add_header(&mut reply, "access-control-allow-methods", "GET, POST, DELETE, OPTIONS");
    add_header(
        &mut reply,
        "access-control-allow-headers",
        "Authorization, Content-Type, Idempotency-Key, Stripe-Version, Stripe-Account, \
         X-Stripe-Client-User-Agent",
    );
    add_header(&mut reply, "access-control-max-age", "300");
    reply
}

/// Answers a call of one endpoint. It is compiled once and not for each of them: an endpoint adds to the
/// Worker no more than what it does itself.
///
/// # Errors
/// What is wrong with the request, or went wrong on our side, before anything ran.
pub async fn serve<P: Platform>(
    incoming: Incoming<'_, P>,
    endpoint: Entry<P>,
) -> Result<Reply, Failure> {
    let Listed { method, resource, object, is_publishable, .. } = endpoint.listed;
    authorize(&incoming.caller.key, method, resource, is_publishable)?;
    let Form { tree, canonical, expand } = form_of(&incoming, method, object)?;
    let checked = (endpoint.check)(tree)?;
    // Before the lease of its record begins, so that nobody holds it for longer than that.
    let now = incoming.platform.now();
    let leave = match begin(&incoming, method, &canonical).await? {
        Begun::Run(leave) => leave,
        Begun::Replay(reply) => return Ok(reply),
    };
    let call = call(&incoming, now, (&leave.seed, leave.resumes), &expand);
    let result = run(&call, checked, method != Method::Get).await;
    complete(&incoming, leave, result).await
}

/// The parameters of a request.
struct Form {
    tree: form::Tree,
    /// Equal for requests that say the same.
    canonical: String,
    /// The paths to be expanded, which are no endpoint's own parameter.
    expand: Vec<String>,
}

fn form_of<P>(
    incoming: &Incoming<'_, P>,
    method: Method,
    object: &'static str,
) -> Result<Form, ApiError> {
    let request = incoming.request;
    let query = request.uri().query().unwrap_or_default().as_bytes();
    // Parameters count wherever they stand: one that is passed over would turn a part into the whole.
    let encoded = match (method, query, request.body().as_slice()) {
        (Method::Get, query, _) | (_, query, []) => Cow::Borrowed(query),
        (_, [], body) => Cow::Borrowed(body),
        (_, query, body) => Cow::Owned([query, body].join(&b'&')),
    };
    if method == Method::Post {
        check_content_type(request)?;
    }
    let mut tree = form::parse(&encoded)?;
    let canonical = tree.canonical();
    let expand = tree.take_texts("expand")?.unwrap_or_default();
    expand::check(&expand)?;
    if method != Method::Get {
        expand::check_object(object, &expand)?;
    }
    expand::check_rights(&incoming.caller.key, &expand)?;
    Ok(Form { tree, canonical, expand })
}

/// The key that a request is to be run once for. One that cannot be read is refused: who sent it
/// relies on it.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let Some(header) = headers.get("idempotency-key") else { return Ok(None) };
    match header.to_str() {
        Ok(key) if key.len() > MAX_KEY_LENGTH => Err(ApiError::IdempotencyKeyTooLong),
        Ok(key) if !key.trim().is_empty() => Ok(Some(key)),
        _ => Err(ApiError::IdempotencyKeyUnreadable),
    }
}

/// A body in another encoding would be read as one long, unknown parameter.
fn check_content_type(request: &Request<Vec<u8>>) -> Result<(), ApiError> {
    let form = "application/x-www-form-urlencoded";
    match text(request.headers(), "content-type") {
        Some(kind)
            if !request.body().is_empty() && !kind.to_ascii_lowercase().starts_with(form) =>
        {
            Err(ApiError::InvalidBody {
                message: format!("Invalid request (check that your POST content type is {form})."),
            })
        }
        _ => Ok(()),
    }
}

fn call<'a, P: Platform>(
    incoming: &'a Incoming<'a, P>,
    now: Timestamp,
    (seed, resumes): (&[u8], bool),
    expand: &'a [String],
) -> Call<'a, P> {
    let headers = incoming.request.headers();
    let caller = &incoming.caller;
    let context = Context {
        platform: incoming.platform,
        scope: Scope { account: caller.account.id.clone(), livemode: caller.key.livemode },
        merchant_name: caller.account.name.clone(),
        now,
        request: Some(RequestReference {
            id: incoming.request_id.clone(),
            idempotency_key: text(headers, "idempotency-key").map(str::to_owned),
        }),
        ids: IdSource::new(seed),
        resumes,
        terms: caller.account.terms.clone(),
        has_endpoints: caller.has_endpoints,
        routes: Rc::clone(&caller.routes),
        origin: origin(incoming.request, headers),
        sealed: RefCell::default(),
        unanswered: RefCell::default(),
        peace: Cell::default(),
        beside: RefCell::default(),
    };
    Call {
        context,
        key: &caller.key,
        account: &caller.account,
        expand,
        path: incoming.path.clone(),
        url: incoming.request.uri().path().to_owned(),
        version: version::of_call(text(headers, "stripe-version"), text(headers, "user-agent")),
        client_ip: text(headers, "cf-connecting-ip").map(str::to_owned),
    }
}

/// Where the caller reached this deployment, for links back to it.
fn origin(request: &Request<Vec<u8>>, headers: &HeaderMap) -> String {
    let uri = request.uri();
    let host = uri.authority().map(http::uri::Authority::as_str).or(text(headers, "host"));
    let scheme = uri.scheme_str().unwrap_or("https");
    host.map_or_else(String::new, |host| format!("{scheme}://{host}"))
}

async fn run<P: Platform>(
    call: &Call<'_, P>,
    checked: Box<dyn Checked<P>>,
    is_change: bool,
) -> Result<Answer, Failure> {
    let mut shown = show(call, checked, is_change).await;
    if call.is_publishable() {
        // Last, so that it holds for what was expanded and for what an error embeds.
        shown = match shown {
            Ok(resource) => {
                let mut resource = read(&resource);
                browser::narrow(&mut resource);
                Ok(json(&resource))
            }
            Err(Failure::Api(mut error)) => {
                browser::narrow_error(&mut error);
                Err(Failure::Api(error))
            }
            other => other,
        };
    }
    shown.map(|resource| Answer::shown(&resource))
}

async fn show<P: Platform>(
    call: &Call<'_, P>,
    checked: Box<dyn Checked<P>>,
    is_change: bool,
) -> Result<Json, Failure> {
    let shown = checked.run(call).await?;
    if call.expand.is_empty() {
        return Ok(shown);
    }
    let mut resource = read(&shown);
    expand::expand(call, &mut resource, call.expand, is_change).await?;
    Ok(json(&resource))
}

/// What a request is told before it runs.
enum Begun {
    Run(Leave),
    /// It ran before, and was answered so.
    Replay(Reply),
}

/// Leave to run.
struct Leave {
    /// What every id is derived from.
    seed: Vec<u8>,
    resumes: bool,
    /// The record that keeps the answer, where the request has an idempotency key.
    record: Option<(Record, i64)>,
}

/// Begins the record of a request's idempotency key, so that it runs once and every repetition is
/// answered alike.
async fn begin<P: Platform>(
    incoming: &Incoming<'_, P>,
    method: Method,
    canonical: &str,
) -> Result<Begun, Failure> {
    let platform = incoming.platform;
    let key = match method {
        Method::Post => idempotency_key(incoming.request.headers())?,
        Method::Get | Method::Delete => None,
    };
    let Some(key) = key else {
        let seed = platform.random().to_vec();
        return Ok(Begun::Run(Leave { seed, resumes: false, record: None }));
    };
    let record = Record::of(incoming, key, canonical);
    match platform.begin(&record.object, &record.begin).await? {
        Decision::Mismatch => Err(ApiError::IdempotencyKeyReused { key: key.to_owned() }.into()),
        Decision::InFlight => Err(ApiError::IdempotencyKeyInUse { key: key.to_owned() }.into()),
        Decision::Replay { answer, original_request } => {
            // Only final answers are kept.
            let retry = (answer.status >= 400).then_some(Retry::No);
            let mut response = reply(Answer { status: answer.status, body: answer.body, retry });
            add_header(&mut response, "idempotent-replayed", "true");
            add_header(&mut response, "original-request", &original_request);
            Ok(Begun::Replay(response))
        }
        Decision::Run { seed, epoch, resumes } => {
            let seed = hex::decode(&seed).map_err(|error| Failure::Bug(error.to_string()))?;
            Ok(Begun::Run(Leave { seed, resumes, record: Some((record, epoch)) }))
        }
    }
}

/// Keeps the answer under the request's idempotency key, where it has one, and gives it.
async fn complete<P: Platform>(
    incoming: &Incoming<'_, P>,
    leave: Leave,
    result: Result<Answer, Failure>,
) -> Result<Reply, Failure> {
    let Some((Record { key, object, begin }, epoch)) = leave.record else {
        return result.map(reply);
    };
    let platform = incoming.platform;
    let (answer, is_final) = match result {
        Ok(answer) => (answer, true),
        Err(failure) => {
            let error = told(platform, &incoming.request_id, failure);
            (Answer::error(&error), error.is_final())
        }
    };
    let kept = is_final.then(|| KeptAnswer { status: answer.status, body: answer.body.clone() });
    let complete = Complete { key: begin.key, epoch, answer: kept };
    if platform.complete(&object, &complete).await? {
        Ok(reply(answer))
    } else {
        // This run was slower than its lease and another one overtook it, whose answer is the one that
        // is kept: a client must not see two.
        Err(ApiError::IdempotencyKeyInUse { key }.into())
    }
}

/// Where the record of a key is kept, and what it is begun with.
struct Record {
    /// The merchant's key.
    key: String,
    object: String,
    begin: Begin,
}

impl Record {
    fn of<P: Platform>(incoming: &Incoming<'_, P>, key: &str, canonical: &str) -> Self {
        let caller = &incoming.caller;
        let account = caller.account.id.as_str();
        let mode = if caller.key.livemode { "live" } else { "test" };
        // A browser must not be able to read what a server's request was answered.
        let audience = if caller.key.kind == Kind::Publishable { "browser" } else { "server" };
        let secret = incoming.platform.master_key().lasting(Lasting::IdempotencyFingerprint);
        let request = incoming.request;
        let fingerprint = keyed_digest(
            &secret,
            &[
                request.method().as_str().as_bytes(),
                request.uri().path().as_bytes(),
                canonical.as_bytes(),
            ],
        );
        let spread = keyed_digest(&secret, &[b"shard", key.as_bytes()]);
        let number = spread.iter().take(4).fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
        let shard = number.checked_rem(caller.account.idempotency_shards).unwrap_or(0);
        Self {
            key: key.to_owned(),
            object: format!("{account}:{mode}:{shard}"),
            begin: Begin {
                key: format!("{audience}:{key}"),
                fingerprint: hex::encode(fingerprint),
                seed: hex::encode(incoming.platform.random()),
                request_id: incoming.request_id.clone(),
                now: incoming.platform.now(),
            },
        }
    }
}

/// No parameters.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Nothing {}
