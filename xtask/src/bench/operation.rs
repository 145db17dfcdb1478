//! What is asked of every server, and how it is told that the answer is the right one.
use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::client::{Connection, request};
use super::server::Subject;

/// How many intents there are to be retrieved and listed.
const PREPARED: usize = 20;

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A payment in one request.
    CreateAndConfirm,
    /// An intent that nobody pays yet.
    Create,
    /// One intent.
    Retrieve,
    /// The newest ten intents.
    List,
}

impl Operation {
    /// All rows.
    pub const ALL: [Self; 4] = [Self::CreateAndConfirm, Self::Create, Self::Retrieve, Self::List];

    /// The name in tables and of the floor's paths.
    pub fn name(self) -> &'static str {
        match self {
            Self::CreateAndConfirm => "create-and-confirm",
            Self::Create => "create",
            Self::Retrieve => "retrieve",
            Self::List => "list(10)",
        }
    }

    fn is_post(self) -> bool {
        matches!(self, Self::CreateAndConfirm | Self::Create)
    }

    fn body(self) -> &'static str {
        match self {
            Self::CreateAndConfirm => {
                "amount=2000&currency=usd&payment_method=pm_card_visa&payment_method_types[]=card&confirm=true"
            }
            Self::Create => "amount=2000&currency=usd&payment_method_types[]=card",
            Self::Retrieve | Self::List => "",
        }
    }

    /// What the answer's body holds when all went well.
    fn proof(self, subject: Subject) -> &'static str {
        match (subject, self) {
            (Subject::Floor, _) => "",
            (_, Self::CreateAndConfirm) => "\"status\": \"succeeded\"",
            (_, Self::Create) => "\"status\": \"requires_payment_method\"",
            (_, Self::Retrieve) => "\"object\": \"payment_intent\"",
            (_, Self::List) => "\"object\": \"list\"",
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
        if operation.is_post() || subject == Subject::Floor {
            return Ok(prepared);
        }
        let create = Self { operation: Operation::CreateAndConfirm, ..prepared.clone() };
        let mut connection = Connection::open(port)?;
        for number in 0..PREPARED {
            create.send(&mut connection, "prepare", number)?;
            let intent: Value = serde_json::from_slice(&connection.body)?;
            let id = intent["id"].as_str().context("an intent without an id")?;
            prepared.ids.push(id.to_owned());
        }
        Ok(prepared)
    }

    /// Which server it is for.
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// Sends it once and checks the answer. `who` and `number` make an idempotency key that is used once.
    pub fn send(&self, connection: &mut Connection, who: &str, number: usize) -> Result<()> {
        let once = format!("bench-{who}-{number}");
        let (method, once) = match self.operation.is_post() {
            true => ("POST", Some(once.as_str())),
            false => ("GET", None),
        };
        let target = match (self.subject, self.operation) {
            (Subject::Floor, operation) => format!("/{}", operation.name()),
            (_, Operation::Retrieve) => {
                format!("/v1/payment_intents/{}", self.ids[number % self.ids.len()])
            }
            (_, Operation::List) => "/v1/payment_intents?limit=10".to_owned(),
            _ => "/v1/payment_intents".to_owned(),
        };
        let bytes = request(method, &target, &self.key, once, self.operation.body());
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
