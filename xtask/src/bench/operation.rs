//! What is asked of every server, and how it is told that the answer is the right one.
use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::client::{Connection, request};
use super::server::Subject;

/// How many intents there are to be found: one for each connection that changes them.
const PREPARED: usize = 64;

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A payment in one request.
    CreateAndConfirm,
    /// An intent that nobody pays yet.
    Create,
    /// A part of what a card holds is taken.
    Capture,
    /// A part of what was taken is given back.
    Refund,
    /// One intent.
    Retrieve,
    /// The newest ten intents.
    List,
    /// What the merchant has.
    Balance,
}

/// An intent of as much as there can be, so that it has enough parts.
const LARGE: &str = "amount=99999999&currency=usd&payment_method=pm_card_visa&payment_method_types[]=card&confirm=true";

/// What makes an intent that may be captured in parts.
const IN_PARTS: &str =
    "&capture_method=manual&payment_method_options[card][request_multicapture]=if_available";

impl Operation {
    /// All rows.
    pub const ALL: [Self; 7] = [
        Self::CreateAndConfirm,
        Self::Create,
        Self::Capture,
        Self::Refund,
        Self::Retrieve,
        Self::List,
        Self::Balance,
    ];

    /// The name in tables and of the floor's paths.
    pub fn name(self) -> &'static str {
        match self {
            Self::CreateAndConfirm => "create-and-confirm",
            Self::Create => "create",
            Self::Capture => "capture",
            Self::Refund => "refund",
            Self::Retrieve => "retrieve",
            Self::List => "list(10)",
            Self::Balance => "balance",
        }
    }

    /// Whether a server does it. localstripe captures an intent once, and so none as often as is measured.
    pub fn is_done_by(self, subject: Subject) -> bool {
        (self, subject) != (Self::Capture, Subject::Localstripe)
    }

    fn is_post(self) -> bool {
        matches!(self, Self::CreateAndConfirm | Self::Create | Self::Capture | Self::Refund)
    }

    fn body(self, id: &str) -> String {
        match self {
            Self::CreateAndConfirm => {
                "amount=2000&currency=usd&payment_method=pm_card_visa&payment_method_types[]=card&confirm=true"
                    .to_owned()
            }
            Self::Create => "amount=2000&currency=usd&payment_method_types[]=card".to_owned(),
            Self::Capture => "amount_to_capture=2000&final_capture=false".to_owned(),
            Self::Refund => format!("payment_intent={id}&amount=100"),
            Self::Retrieve | Self::List | Self::Balance => String::new(),
        }
    }

    fn target(self, id: &str) -> String {
        match self {
            Self::CreateAndConfirm | Self::Create => "/v1/payment_intents".to_owned(),
            Self::Capture => format!("/v1/payment_intents/{id}/capture"),
            Self::Refund => "/v1/refunds".to_owned(),
            Self::Retrieve => format!("/v1/payment_intents/{id}"),
            Self::List => "/v1/payment_intents?limit=10".to_owned(),
            Self::Balance => "/v1/balance".to_owned(),
        }
    }

    /// The body that makes an intent which the operation needs to find, where it needs one.
    fn prepared_by(self) -> Option<String> {
        match self {
            Self::CreateAndConfirm | Self::Create => None,
            Self::Capture => Some(format!("{LARGE}{IN_PARTS}")),
            Self::Refund => Some(LARGE.to_owned()),
            Self::Retrieve | Self::List | Self::Balance => Some(Self::CreateAndConfirm.body("")),
        }
    }

    /// What the answer's body holds when all went well.
    fn proof(self, subject: Subject) -> &'static str {
        match (subject, self) {
            (Subject::Floor, _) => "",
            (_, Self::CreateAndConfirm) => "\"status\": \"succeeded\"",
            (_, Self::Create) => "\"status\": \"requires_payment_method\"",
            (_, Self::Capture) => "\"status\": \"requires_capture\"",
            (_, Self::Refund) => "\"object\": \"refund\"",
            (_, Self::Retrieve) => "\"object\": \"payment_intent\"",
            (_, Self::List) => "\"object\": \"list\"",
            (_, Self::Balance) => "\"available\": ",
        }
    }
}

/// An operation on one server, ready to be sent any number of times.
#[derive(Clone)]
pub struct Prepared {
    operation: Operation,
    subject: Subject,
    key: String,
    ids: Vec<String>,
}

impl Prepared {
    /// Makes what the operation needs to find.
    pub fn new(operation: Operation, subject: Subject, key: &str, port: u16) -> Result<Self> {
        let mut prepared = Self { operation, subject, key: key.to_owned(), ids: Vec::new() };
        let Some(body) = operation.prepared_by().filter(|_| subject != Subject::Floor) else {
            return Ok(prepared);
        };
        let mut connection = Connection::open(port)?;
        for _ in 0..PREPARED {
            let status =
                connection.send(&request("POST", "/v1/payment_intents", key, None, &body))?;
            let intent: Value = serde_json::from_slice(&connection.body)?;
            let id = intent["id"].as_str().filter(|_| status == 200);
            prepared.ids.push(id.with_context(|| format!("{status}: {intent}"))?.to_owned());
        }
        Ok(prepared)
    }

    /// The intent that a request is about: what changes one is asked of it by one connection only.
    fn id(&self, who: &str, number: usize) -> &str {
        let number = if self.operation.is_post() { who.parse().unwrap_or(0) } else { number };
        self.ids.get(number % self.ids.len().max(1)).map_or("", String::as_str)
    }

    /// Sends it once and checks the answer. `who` and `number` make an idempotency key that is used once.
    pub fn send(&self, connection: &mut Connection, who: &str, number: usize) -> Result<()> {
        let once = format!("bench-{who}-{number}");
        let (method, once) = match self.operation.is_post() {
            true => ("POST", Some(once.as_str())),
            false => ("GET", None),
        };
        let id = self.id(who, number);
        let target = match self.subject {
            Subject::Floor => format!("/{}", self.operation.name()),
            _ => self.operation.target(id),
        };
        let bytes = request(method, &target, &self.key, once, &self.operation.body(id));
        let status = connection.send(&bytes)?;
        let body = std::str::from_utf8(&connection.body)?;
        ensure!(
            status == 200 && body.contains(self.operation.proof(self.subject)),
            "{} answered {} with {status}: {body}",
            self.subject.name(),
            self.operation.name(),
        );
        Ok(())
    }
}
