//! A merchant's client for the native platform: requests as the SDKs send them, answers as JSON.

pub mod funds;
pub mod hearing;
pub mod invariants;
pub mod processors;

use domain::Timestamp;
use flows::webhooks::Parcel;
use handlers::Server;
use handlers::render::Stored;
use http::{Method, Request};
use kit::{Database, Merchant, Platform};
use queues::heartbeat::{Heart, Lane};
use serde_json::Value;

/// One number for the edit loop, or another where `cargo xtask test` runs everything.
pub fn cases<T>(quick: T, full: T) -> T {
    if std::env::var_os("PROPTEST_CASES").is_some() { full } else { quick }
}

/// A deployment with one merchant.
pub struct Api {
    /// Everything outside.
    pub platform: Platform,
    /// The merchant that calls.
    pub merchant: Merchant,
    server: Server,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null where it is no JSON.
    pub body: Value,
    /// The body as it came.
    pub text: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A text in the body, by its JSON pointer.
    ///
    /// # Panics
    /// When there is none.
    pub fn text_at(&self, pointer: &str) -> &str {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("no text at {pointer} in {:#}", self.body))
    }

    /// The id in the body.
    ///
    /// # Panics
    /// When there is none.
    pub fn id(&self) -> &str {
        self.text_at("/id")
    }

    /// The id of the first object of a list.
    ///
    /// # Panics
    /// When there is none.
    pub fn id_of_first(&self) -> String {
        self.text_at("/data/0/id").to_owned()
    }

    /// The answer, if it is a success.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{:#}", self.body);
        self
    }

    /// The answer's error object, if it has this status.
    ///
    /// # Panics
    /// When it has another.
    #[track_caller]
    pub fn error(&self, status: u16) -> &Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        &self.body["error"]
    }
}

/// Fields of a form, in the order in which they are sent.
pub type Form<'f> = &'f [(&'f str, &'f str)];

impl Default for Api {
    fn default() -> Self {
        Self::new()
    }
}

impl Api {
    /// A fresh deployment with one merchant.
    pub fn new() -> Self {
        Self::over(Platform::new())
    }

    /// A fresh deployment with one merchant, in which changes are written down for [`invariants::check`].
    pub fn watched() -> Self {
        Self::over(Platform::over(Database::with(&invariants::WATCH), 0))
    }

    /// A deployment over a platform, with one merchant.
    pub fn over(platform: Platform) -> Self {
        let merchant = platform.merchant("acme");
        Self { platform, merchant, server: Server::default() }
    }

    /// Sends `POST` with the secret key and runs it to its end.
    pub fn post(&self, path: &str, form: Form<'_>) -> Answer {
        kit::run(self.posting(path, form, None))
    }

    /// Sends `POST` with an idempotency key and runs it to its end.
    pub fn post_once(&self, path: &str, form: Form<'_>, key: &str) -> Answer {
        kit::run(self.posting(path, form, Some(key)))
    }

    /// Sends `GET` with the secret key and runs it to its end.
    pub fn get(&self, path: &str) -> Answer {
        kit::run(self.send(Method::GET, path, Vec::new(), &self.merchant.secret_key, None))
    }

    /// Sends `DELETE` with the secret key and runs it to its end.
    pub fn delete(&self, path: &str) -> Answer {
        kit::run(self.send(Method::DELETE, path, Vec::new(), &self.merchant.secret_key, None))
    }

    /// A `POST` that the caller runs, as together with others.
    pub async fn posting(&self, path: &str, form: Form<'_>, key: Option<&str>) -> Answer {
        self.posting_as(&self.merchant.secret_key, path, form, key).await
    }

    /// A `POST` with an API key that the caller runs.
    pub async fn posting_as(
        &self,
        api_key: &str,
        path: &str,
        form: Form<'_>,
        key: Option<&str>,
    ) -> Answer {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        self.send(Method::POST, path, body.finish().into_bytes(), api_key, key).await
    }

    /// Sends a request as it is.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        api_key: &str,
        key: Option<&str>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("https://florin.test{path}"))
            .header("authorization", format!("Bearer {api_key}"))
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(body).expect("a request");
        self.answer(&request).await
    }

    /// Answers a request that was made by hand.
    pub async fn answer(&self, request: &Request<Vec<u8>>) -> Answer {
        let reply = self.server.handle(&self.platform, request).await;
        let headers = reply
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned())
            })
            .collect();
        // What is sent from the bucket, as the Worker sends it.
        let stored = reply.extensions().get::<Stored>().map(|Stored { parts, size }| {
            let files = self.platform.files();
            let body = parts.iter().flat_map(|name| files[name].clone()).collect::<Vec<_>>();
            assert_eq!(i64::try_from(body.len()), Ok(*size), "what was announced is sent");
            body
        });
        let body = stored.as_ref().unwrap_or(reply.body());
        let text = String::from_utf8_lossy(body).into_owned();
        Answer {
            status: reply.status().as_u16(),
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
            headers,
        }
    }

    /// Does what became due.
    pub fn beat(&self) {
        kit::run(beat(&self.platform));
    }

    /// A deployment with one delivery to `shop.test` that is on its way, and the parcel that it is in.
    ///
    /// # Panics
    /// When it does not come to that.
    pub fn with_delivery_on_its_way() -> (Self, Parcel) {
        let api = Self::new();
        let form = [("url", "https://shop.test/hooks"), ("enabled_events[]", "*")];
        api.post("/v1/webhook_endpoints", &form).ok();
        api.post("/v1/customers", &[]).ok();
        kit::run(queues::deliveries::fan_out(&api.platform)).expect("the fan-out");
        let parcel = api.platform.outside().next_parcel().expect("a message");
        (api, parcel)
    }

    /// Does what queues and the objects of endpoints do by themselves, until nothing is left that is due.
    pub fn deliver(&self) {
        kit::run(self.delivering());
    }

    async fn delivering(&self) {
        let outside = self.platform.outside();
        loop {
            if outside.take_announced() {
                match queues::deliveries::fan_out(&self.platform).await {
                    Ok(true) => flows::Platform::announce(&self.platform),
                    Ok(false) => {}
                    Err(failure) => {
                        flows::Platform::log_error(&self.platform, "fan-out", &failure.to_string());
                    }
                }
            }
            while let Some(parcel) = outside.next_parcel() {
                let message = serde_json::to_string(&parcel).expect("a message");
                if let Err(problem) = queues::deliveries::deliver(&self.platform, &message).await {
                    flows::Platform::log_error(&self.platform, "deliveries", &problem);
                }
            }
            let woken = outside.take_woken();
            if woken.is_empty() && !outside.is_announced() {
                return;
            }
            for endpoint in woken {
                self.work_alone(&endpoint).await;
            }
        }
    }

    /// Delivers to one endpoint as its object does, until it rests.
    async fn work_alone(&self, endpoint: &str) {
        use flows::webhooks::{Next, deliver_alone};
        while let Ok(Next::After(_)) = deliver_alone(&self.platform, endpoint).await {}
    }

    /// Does what became due, and dies after so many polls; says whether it came to its end before. The
    /// invariants hold where it died.
    ///
    /// # Panics
    /// When they do not.
    pub fn beat_that_dies(&self, polls: u32) -> bool {
        self.platform.yields(true);
        let ended = kit::run_until_poll(polls, beat(&self.platform));
        self.platform.yields(false);
        invariants::check(&self.platform);
        ended.is_some()
    }

    /// The types of all events so far, the oldest first.
    pub fn event_types(&self) -> Vec<String> {
        self.platform
            .database()
            .query("SELECT type FROM events ORDER BY sequence", Vec::new())
            .iter()
            .map(|row| row.text("type").expect("a type").to_owned())
            .collect()
    }
}

/// Does what became due, lane by lane, and says when to go on.
pub async fn beat(platform: &Platform) -> Timestamp {
    let mut next = Timestamp(i64::MAX);
    for lane in Lane::ALL {
        next = next.min(Heart::of(lane).beat(platform).await);
    }
    next
}
