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

/// The processors that can be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connector {
    /// The built-in processor of test mode.
    Simulator,
    /// Stripe's own API.
    Stripe,
    /// Hyperswitch, and the processors behind it.
    Hyperswitch,
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

impl Connector {
    /// Every connector.
    pub const ALL: [Self; 3] = [Self::Simulator, Self::Stripe, Self::Hyperswitch];

    /// The name under which attempts know this processor.
    pub fn name(self) -> &'static str {
        match self {
            Self::Simulator => simulator::NAME,
            Self::Stripe => stripe::NAME,
            Self::Hyperswitch => hyperswitch::NAME,
        }
    }

    /// The connector of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|connector| connector.name() == name)
    }

    /// What to do so that the processor carries out a command.
    ///
    /// # Errors
    /// When it has no such operation, or a key, a reference or the account cannot be sent.
    pub fn ask(self, command: &Command<'_>, account: &Account<'_>) -> Result<Asked, Unsupported> {
        match self {
            Self::Simulator => return Ok(Asked::Answered(simulator::act(command))),
            Self::Stripe => stripe::request(command, account),
            Self::Hyperswitch => hyperswitch::request(command, account),
        }
        .map(Asked::Request)
    }

    /// What an answer says of the command that was asked.
    pub fn outcome(self, command: &Command<'_>, answer: Answer<'_>) -> Outcome {
        match self {
            Self::Simulator => simulator::act(command),
            Self::Stripe => stripe::outcome(command, answer),
            Self::Hyperswitch => hyperswitch::outcome(command, answer),
        }
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
    ) -> Result<Option<http::Request<String>>, Unsupported> {
        match self {
            Self::Stripe => stripe::keep(card, account).map(Some),
            Self::Simulator | Self::Hyperswitch => Ok(None),
        }
    }

    /// What an answer says of that: [`Outcome::Done`] names the customer.
    pub fn kept(self, answer: Answer<'_>) -> Outcome {
        match self {
            Self::Stripe => stripe::kept(answer),
            Self::Simulator | Self::Hyperswitch => Outcome::unknown("nothing was asked"),
        }
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
        match self {
            Self::Simulator => Err(Forged::Nobody),
            Self::Stripe => stripe::verify(headers, body, secrets, now),
            Self::Hyperswitch => hyperswitch::verify(headers, body, secrets),
        }
    }

    /// The header that a webhook is signed in; nothing of a processor that tells nothing unasked.
    pub fn signature_header(self) -> Option<&'static str> {
        match self {
            Self::Simulator => None,
            Self::Stripe => Some(stripe::SIGNATURE),
            Self::Hyperswitch => Some(hyperswitch::SIGNATURE),
        }
    }

    /// Reads a webhook that was believed before.
    ///
    /// # Errors
    /// When it says nothing that can be read.
    pub fn notice(self, body: &[u8]) -> Result<Notice, Forged> {
        match self {
            Self::Simulator => Err(Forged::Nobody),
            Self::Stripe => stripe::notice(body),
            Self::Hyperswitch => hyperswitch::notice(body),
        }
    }

    /// What a notice says of a command. Notices come late and out of order: what one does not show yet is
    /// [`Outcome::Unknown`], never [`Outcome::NotFound`].
    pub fn heard(self, question: &LookUp<'_>, notice: &Notice) -> Outcome {
        let said = match self {
            Self::Simulator => Outcome::unknown("the simulator sends no webhooks"),
            Self::Stripe => stripe::heard(question, &notice.object),
            Self::Hyperswitch => hyperswitch::heard(question, &notice.object),
        };
        match said {
            Outcome::NotFound => Outcome::unknown("the notice is older than the command"),
            said => said,
        }
    }

    /// For how many seconds after a command was last sent a lookup that finds nothing proves nothing.
    pub fn horizon(self) -> i64 {
        match self {
            Self::Simulator => 0,
            Self::Stripe => stripe::HORIZON,
            Self::Hyperswitch => hyperswitch::HORIZON,
        }
    }
}
