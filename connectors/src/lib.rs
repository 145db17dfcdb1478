//! How each payment processor is spoken to, without I/O.
//!
//! A connector turns a [`Command`] into what its processor understands, and what the processor says
//! into an [`Outcome`]. The processor's own words stay here; the rest of Florin knows only these two.

pub mod simulator;

use domain::card::{CardNumber, Checks, Decline};
use domain::charge::Risk;
use domain::money::Money;

/// What a processor is asked to do. `key` is our own: the same key never acts twice.
#[derive(Clone, Debug)]
pub enum Command<'a> {
    /// Hold or take money.
    Authorize(Authorize<'a>),
    /// Take held money.
    Capture {
        /// Our key for this operation.
        key: &'a str,
        /// How much.
        amount: Money,
    },
    /// Hold more.
    Increment {
        /// Our key for this operation.
        key: &'a str,
        /// The new total.
        amount: Money,
    },
    /// Release held money.
    Void {
        /// Our key for this operation.
        key: &'a str,
    },
    /// Give taken money back.
    Refund {
        /// Our key for this operation.
        key: &'a str,
        /// How much.
        amount: Money,
        /// What the authorisation said it would do later.
        later: Option<Later>,
    },
}

/// What a processor needs to hold or take money.
#[derive(Clone, Debug)]
pub struct Authorize<'a> {
    /// Our key for this operation.
    pub key: &'a str,
    /// How much.
    pub amount: Money,
    /// Whether the money is taken at once.
    pub capture: bool,
    /// The card.
    pub number: &'a CardNumber,
    /// Whether the cardholder takes no part.
    pub off_session: bool,
    /// Whether the cardholder agreed to payments without taking part, and proved who they are.
    pub set_up: bool,
    /// Whether the merchant wants a challenge wherever the card knows one.
    pub wants_challenge: bool,
    /// What the cardholder did with the challenge, if there was one.
    pub challenge: Option<Challenge>,
    /// What of the holder's data came with the card, and what the issuer said of it before.
    pub checks: Checks,
}

/// What a cardholder did with a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// They proved who they are.
    Completed,
    /// They did not.
    Failed,
}

/// What a processor said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what was asked.
    Done {
        /// Its own reference.
        reference: String,
    },
    /// It holds or took the money.
    Authorized {
        /// Its own reference.
        reference: String,
        /// How risky it looks.
        risk: Risk,
        /// What the issuer says of the holder's data.
        checks: Checks,
        /// Whether what it holds can be taken in parts.
        multicapture: bool,
        /// What will happen to it later (the simulator only).
        later: Option<Later>,
    },
    /// It, or the card's issuer, said no.
    Declined(Decline),
    /// The cardholder has to prove who they are first.
    ChallengeRequired,
    /// The refund is on its way, or arrived.
    Refunded {
        /// Its own reference.
        reference: String,
        /// Whether it arrived.
        arrived: bool,
    },
}

/// What the simulator does with a charge later, by the card that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Later {
    /// The cardholder calls it fraud.
    DisputeFraudulent,
    /// The cardholder says that nothing came.
    DisputeProductNotReceived,
    /// The issuer asks first.
    Inquiry,
    /// A refund takes its time, then arrives.
    RefundPends,
    /// A refund arrives, then comes back.
    RefundFails,
    /// What it paid is never pending.
    AvailableAtOnce,
}

impl Later {
    /// The name in a charge's details.
    pub fn name(self) -> &'static str {
        match self {
            Self::DisputeFraudulent => "dispute_fraudulent",
            Self::DisputeProductNotReceived => "dispute_product_not_received",
            Self::Inquiry => "inquiry",
            Self::RefundPends => "refund_pends",
            Self::RefundFails => "refund_fails",
            Self::AvailableAtOnce => "available_at_once",
        }
    }

    /// Reads the name in a charge's details.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::DisputeFraudulent,
            Self::DisputeProductNotReceived,
            Self::Inquiry,
            Self::RefundPends,
            Self::RefundFails,
            Self::AvailableAtOnce,
        ]
        .into_iter()
        .find(|later| later.name() == name)
    }
}
