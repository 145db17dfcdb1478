//! How each payment processor is spoken to, without I/O.
//!
//! A [`Connector`] turns a [`Command`] into the request that its processor understands, and what the
//! processor answers, or tells unasked, into an [`Outcome`]. The processor's own words stay here; the rest
//! of Florin knows only these. To add one, see `docs/adding-a-connector.md`.

mod answer;
mod codes;
mod command;
mod hyperswitch;
mod outcome;
pub mod simulator;
mod stripe;
pub mod webhook;
mod wire;

use std::fmt;

use domain::timestamp::{HOUR, Timestamp};
use http::{HeaderMap, Request};
use serde_json::Value;

pub use answer::Answer;
pub use command::{
    Account, Authorize, Challenge, Command, LookUp, Operation, SecurityCode, Unsupported, is_plain,
};
pub use outcome::{Declined, Fault, Outcome, RawDecline, Remembered};
pub use simulator::Later;
use webhook::{Forged, Notice};

/// For how many seconds after it was first sent an identical request may be sent again: processors
/// remember keys for a day, and ours must not be the clock that is late.
pub const KEY_LASTS: i64 = 23 * HOUR;

/// A processor that can be spoken to.
#[derive(Clone, Copy)]
pub struct Connector(&'static Processor);

/// What there is to do so that a card is kept.
type Kept = Result<Option<Request<String>>, Unsupported>;

/// What a delivery says.
type Read = Result<Notice, Forged>;

/// How a processor is spoken to: what its folder has for each of the functions of [`Connector`].
pub(crate) struct Processor {
    name: &'static str,
    horizon: i64,
    signature_header: Option<&'static str>,
    /// What the secrets of its test mode, and those of its live mode, have in them.
    secrets: [&'static [&'static str]; 2],
    ask: fn(&Command<'_>, &Account<'_>) -> Result<Asked, Unsupported>,
    outcome: fn(&Command<'_>, Answer<'_>) -> Outcome,
    keep: fn(&str, &Account<'_>) -> Kept,
    kept: fn(Answer<'_>) -> Outcome,
    verify: fn(&HeaderMap, &[u8], &[String], Timestamp) -> Read,
    notice: fn(&[u8]) -> Read,
    heard: fn(&LookUp<'_>, &Value) -> Outcome,
}

/// What there is to do for a command.
pub enum Asked {
    /// Nothing: the processor is built in, and this is its answer.
    Answered(Outcome),
    /// Send this.
    Request(Request<String>),
}

/// Neither the body, which may hold a card's number and its security code, nor a header.
impl fmt::Debug for Asked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(outcome) => formatter.debug_tuple("Answered").field(outcome).finish(),
            Self::Request(request) => write!(formatter, "{} {}", request.method(), request.uri()),
        }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl PartialEq for Connector {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Connector {
    /// Every connector. Another one is added here, and nowhere else but in its folder.
    pub const ALL: &'static [Self] =
        &[Self(&simulator::PROCESSOR), Self(&stripe::PROCESSOR), Self(&hyperswitch::PROCESSOR)];

    /// The name under which attempts know this processor.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The connector of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|connector| connector.name() == name)
    }

    /// The names of those whose processor has accounts: the simulator has none.
    pub fn with_accounts() -> impl Iterator<Item = &'static str> {
        let names = Self::ALL.iter().map(|connector| connector.name());
        names.filter(|name| *name != simulator::NAME)
    }

    /// Whether a secret says that it opens the live mode; nothing of one that says nothing.
    pub fn opens_live_mode(self, secret: &str) -> Option<bool> {
        let [test, live] =
            self.0.secrets.map(|parts| parts.iter().any(|part| secret.contains(part)));
        (test || live).then_some(live)
    }

    /// What to do so that the processor carries out a command.
    ///
    /// # Errors
    /// When it has no such operation, or a key, a reference or the account cannot be sent.
    pub fn ask(self, command: &Command<'_>, account: &Account<'_>) -> Result<Asked, Unsupported> {
        (self.0.ask)(command, account)
    }

    /// What an answer says of the command that was asked.
    pub fn outcome(self, command: &Command<'_>, answer: Answer<'_>) -> Outcome {
        (self.0.outcome)(command, answer)
    }

    /// What to do so that a card which the processor was asked to remember can be used again. Nothing where it has no
    /// more to do.
    ///
    /// # Errors
    /// When the reference or the account cannot be sent.
    pub fn keep(
        self,
        card: &str,
        account: &Account<'_>,
    ) -> Result<Option<Request<String>>, Unsupported> {
        (self.0.keep)(card, account)
    }

    /// What an answer says of that: [`Outcome::Done`] names the customer.
    pub fn kept(self, answer: Answer<'_>) -> Outcome {
        (self.0.kept)(answer)
    }

    /// Reads a webhook, if the processor signed it with one of the secrets.
    ///
    /// # Errors
    /// When it is not genuine, or says nothing that can be read.
    pub fn verify(
        self,
        headers: &HeaderMap,
        body: &[u8],
        secrets: &[String],
        now: Timestamp,
    ) -> Result<Notice, Forged> {
        (self.0.verify)(headers, body, secrets, now)
    }

    /// The header that a webhook is signed in; nothing of a processor that tells nothing unasked.
    pub fn signature_header(self) -> Option<&'static str> {
        self.0.signature_header
    }

    /// Reads a webhook that was believed before.
    ///
    /// # Errors
    /// When it says nothing that can be read.
    pub fn notice(self, body: &[u8]) -> Result<Notice, Forged> {
        (self.0.notice)(body)
    }

    /// What a notice says of a command. Notices come late and out of order: what one does not show yet is
    /// [`Outcome::Unknown`], never [`Outcome::NotFound`].
    pub fn heard(self, question: &LookUp<'_>, notice: &Notice) -> Outcome {
        match (self.0.heard)(question, &notice.object) {
            Outcome::NotFound => Outcome::unknown("the notice is older than the command"),
            said => said,
        }
    }

    /// For how many seconds after a command was last sent a lookup that finds nothing proves nothing.
    pub fn horizon(self) -> i64 {
        self.0.horizon
    }
}

/// What is said of a card that nobody asks to keep.
fn keeps_nothing(_: Answer<'_>) -> Outcome {
    Outcome::unknown("nothing was asked")
}
