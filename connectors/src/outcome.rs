//! What a processor said, in words that are the same for each, and what may be done about it.
//!
//! An outcome is about one request. Where an earlier request under the same key was left without an
//! answer, what the later one *refuses* says nothing about the earlier: see
//! [`Outcome::moved_nothing`].

use domain::card::{Checks, Decline, Issued};
use domain::charge::Risk;
use domain::refund;
use domain::timestamp::Timestamp;

use crate::simulator::Later;

/// What a processor said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what was asked. Record it.
    Done {
        /// Its own reference.
        reference: String,
    },
    /// It holds or took the money, as much as was asked. Record it.
    Authorized {
        /// Its own reference.
        reference: String,
        /// How risky it looks.
        risk: Risk,
        /// What the issuer says of the holder's data.
        checks: Checks,
        /// What it says of the card's issuer.
        issued: Box<Issued>,
        /// Whether what it holds can be taken in parts.
        multicapture: bool,
        /// Whether it may be asked to hold more.
        incremental: bool,
        /// Whether the cardholder proved there who they are.
        authenticated: bool,
        /// What will happen to it later (the simulator only).
        later: Option<Later>,
        /// What it remembers the card by, where it was asked to.
        remembered: Option<Box<Remembered>>,
        /// Until when what it holds can be taken, where it says so: card networks differ.
        capture_before: Option<Timestamp>,
    },
    /// It, or the card's issuer, said no. Record it; another processor may be asked where the decline is
    /// one that another could see otherwise.
    Declined(Declined),
    /// The cardholder has to prove who they are first. Record it; look it up when they come back, and void
    /// it if nobody can be sent there. Nothing else may be tried while it waits.
    ChallengeRequired {
        /// Its own reference; none of the simulator.
        reference: Option<String>,
        /// Where the cardholder is to go; none where it is our own page (the simulator), or where it waits for
        /// something that no cardholder can be sent to.
        url: Option<String>,
    },
    /// The refund was made, and stands as it says. Record it.
    Refunded {
        /// Its own reference.
        reference: String,
        /// Where it stands; a refund that failed gave nothing back.
        status: refund::Status,
        /// Why it failed, in the processor's words.
        failure_reason: Option<String>,
    },
    /// What was to be authorised, or is asked about, was given up: it holds nothing, and nothing will be
    /// taken. Record it.
    Canceled {
        /// Its own reference.
        reference: String,
    },
    /// It has the request and will say later. Look it up; never try anything else.
    Pending {
        /// Its own reference.
        reference: String,
    },
    /// A lookup found nothing. That proves nothing until the processor's
    /// [horizon](crate::Connector::horizon) has passed. Before that: send again where the key still lasts,
    /// or look up later.
    NotFound,
    /// Nobody can tell what it did: no answer, half of one, one that cannot be read, or a fault of its own.
    /// Look it up, or send the identical request again while the key lasts. Never fail over, never guess.
    Unknown {
        /// What is wrong, for people.
        problem: String,
    },
    /// It takes no requests from us just now, and did nothing. Send the identical request again later, or
    /// fail over.
    Throttled {
        /// After how many seconds it may be asked again, where it says so.
        retry_after: Option<i64>,
    },
    /// It will not do that, and did nothing. The identical request would be refused again; what may be done
    /// depends on whose fault it is.
    Refused {
        /// Whose fault it is.
        fault: Fault,
        /// Its own code.
        code: String,
        /// Its own words.
        message: String,
    },
    /// It did something other than what was asked: another amount, another currency, taken instead of
    /// held, or twice. Park the payment for a person; nothing more is tried.
    Mismatch {
        /// Its own reference.
        reference: String,
        /// What was asked, for people.
        expected: String,
        /// What it says it did, for people.
        found: String,
    },
}

/// What a processor remembers a card by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Its reference of the card.
    pub card: String,
    /// Its reference of the customer who keeps the card there; none where one has to be made first.
    pub customer: Option<String>,
    /// The card network's reference of the payment.
    pub network_transaction: Option<String>,
}

/// Whose fault it is that a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The account's credentials are wrong, or may not do that: tell the merchant, fail over.
    Credentials,
    /// The request is wrong: a fault of ours or of the account's settings. Tell the operator, fail over.
    Request,
    /// It remembers the card no more by what it was asked with: send the card itself.
    Token {
        /// Whether the refusal left its key free, so that the card goes under the same one: it has to go under one of
        /// its own where the processor keeps to what it said, or keeps what the request began.
        key_is_free: bool,
    },
    /// Nothing was sent: the processor takes no such payment, or its account is gone. Fail over.
    NotSent,
    /// The payment is in another state than we believe, as one that was captured already. Look it up.
    State,
}

/// A no, in Stripe's words, and in those of the processor and the card network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declined {
    /// Why, in Stripe's codes.
    pub decline: Decline,
    /// Whether it is known here by what the processor gave for its reason, and means that nothing was taken.
    pub is_clear: bool,
    /// What only real processors say of it.
    pub raw: Option<Box<RawDecline>>,
}

/// A no in the words of the processor and the card network, kept for people and for routing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawDecline {
    /// The processor's own reference.
    pub reference: Option<String>,
    /// The processor's own code.
    pub code: Option<String>,
    /// The processor's own words.
    pub message: Option<String>,
    /// What the processor advises.
    pub advice_code: Option<String>,
    /// The network's code for the decline, as `51`.
    pub network_decline_code: Option<String>,
    /// What the network advises, as `03`.
    pub network_advice_code: Option<String>,
}

impl Declined {
    /// Whether another processor may see it otherwise: it is clear, and any advice is to try again without a change and
    /// without a wait (`02` of Mastercard's merchant advice codes). What is advised in words nobody here knows is heeded.
    pub fn may_pass_elsewhere(&self) -> bool {
        let raw = self.raw.as_deref();
        let advice = raw.and_then(|raw| raw.advice_code.as_deref());
        let network = raw.and_then(|raw| raw.network_advice_code.as_deref());
        self.is_clear
            && self.decline.may_pass_elsewhere()
            && matches!(advice, None | Some("try_again_later" | "retry_later"))
            && matches!(network, None | Some("02"))
    }
}

impl From<Decline> for Declined {
    fn from(decline: Decline) -> Self {
        Self { decline, is_clear: true, raw: None }
    }
}

impl Outcome {
    /// What is told where no answer came, or none that can be read.
    pub fn unknown(problem: impl Into<String>) -> Self {
        Self::Unknown { problem: problem.into() }
    }

    /// Whether the processor vouches that this request moved no money and never will. Only then may another
    /// processor be asked, and only if no earlier request under the same key was left without an answer.
    pub fn moved_nothing(&self) -> bool {
        matches!(
            self,
            Self::Declined(_)
                | Self::Canceled { .. }
                | Self::Throttled { .. }
                | Self::Refused {
                    fault: Fault::Credentials
                        | Fault::Request
                        | Fault::NotSent
                        | Fault::Token { .. },
                    ..
                }
        )
    }
}
