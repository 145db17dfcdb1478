//! What processors tell us unasked: is it genuine, and what is it about?
//!
//! A notice names the processor's event, by which a second delivery is known, and our key or the
//! processor's references, by which the attempt is found. What it says of that attempt is an
//! [`Outcome`](crate::Outcome) like any other, read by [`Connector::heard`](crate::Connector::heard) once
//! the attempt is known. What nobody here knows is a notice, too, so that it can be kept where it is seen.

use domain::dispute::Status;
use domain::id::constant_time_equal;
use domain::money::{Amount, Currency, Money};
use domain::timestamp::Timestamp;
use hmac::Mac;
use serde_json::Value;

use crate::answer::{integer, text};
use crate::command::is_plain;

/// For how many seconds around its signing a delivery is taken.
pub(crate) const TOLERANCE: i64 = 300;

/// What a processor tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The processor's own name of this event. A second delivery has the same.
    pub event: String,
    /// What kind of event, in the processor's words, as `payment_intent.succeeded`.
    pub kind: String,
    /// Whether it is about real money, where the processor says so.
    pub livemode: Option<bool>,
    /// The account at the processor that it happened in, where it says so: others share an address with it.
    pub within: Option<String>,
    /// When it happened, where the processor says so: it may be told much later.
    pub created: Option<Timestamp>,
    /// What it is about.
    pub subject: Subject,
    /// Whether it leaves out what an answer shows of a payment that was made: its card's checks, its risk.
    pub is_partial: bool,
    /// What it shows of that.
    pub(crate) object: Value,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A payment: an authorisation and what became of it.
    Payment {
        /// Our key of the authorisation, if it holds one.
        key: Option<String>,
        /// The processor's reference.
        reference: String,
    },
    /// A refund.
    Refund {
        /// Our key of the refund, if it holds one.
        key: Option<String>,
        /// The processor's reference.
        reference: String,
        /// The processor's reference of the payment.
        payment: Option<String>,
        /// How much goes back.
        amount: Option<Money>,
    },
    /// All that went back of a payment; where it is more than we know of, somebody else gave it back.
    Refunds {
        /// The processor's reference of the payment.
        payment: String,
        /// The sum of its refunds.
        total: Money,
    },
    /// A dispute.
    Dispute(Box<Disputed>),
    /// A dispute whose status or shape is unknown here. Money is asked back: a person has to see it.
    DisputeUnread,
    /// A charge of which nothing went back: its payment says the same in a notice of its own.
    Nothing,
    /// Nothing that is known here, or nothing that can be read: keep it for a person.
    Unknown,
}

/// A dispute, as a processor tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disputed {
    /// The processor's reference.
    pub reference: String,
    /// The processor's reference of the payment.
    pub payment: String,
    /// How much is asked back.
    pub amount: Money,
    /// Where it stands.
    pub status: Status,
    /// Why, in the processor's words.
    pub reason: Option<String>,
    /// Why, in the network's code.
    pub network_reason_code: Option<String>,
    /// Until when evidence is taken, where the processor says so.
    pub due_by: Option<Timestamp>,
}

/// Why a delivery is not believed. Nothing of it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    /// No secret that is in use made its signature, or it has none.
    #[error("the signature is missing or wrong")]
    Signature,
    /// It was signed too long ago, or in the future: somebody may be sending it again.
    #[error("the signature is too old")]
    Timestamp,
    /// It is genuine, and cannot be read.
    #[error("the body cannot be read")]
    Body,
    /// This processor tells nothing unasked.
    #[error("this processor sends no webhooks")]
    Nobody,
}

/// Whether any of the secrets made any of these signatures over these parts. It takes as long for a wrong one, and
/// the parts are gone through once for each secret, however many signatures a stranger sends.
pub(crate) fn is_signed<'s, M: Mac + hmac::digest::KeyInit>(
    secrets: &[String],
    signatures: impl Iterator<Item = &'s str> + Clone,
    parts: &[&[u8]],
) -> bool {
    // Anybody can sign with an empty secret.
    secrets.iter().filter(|secret| !secret.is_empty()).any(|secret| {
        let Ok(mut mac) = <M as Mac>::new_from_slice(secret.as_bytes()) else { return false };
        parts.iter().for_each(|part| mac.update(part));
        let expected = hex::encode(mac.finalize().into_bytes());
        let is_it = |signature: &str| {
            constant_time_equal(expected.as_bytes(), signature.to_ascii_lowercase().as_bytes())
        };
        signatures.clone().any(is_it)
    })
}

/// The text there as a reference or key of its own, if it can be one.
pub(crate) fn plain_text(value: &Value, path: &str) -> Option<String> {
    text(value, path).filter(|text| is_plain(text)).map(str::to_owned)
}

/// The name there of what happened, if it is one: as `charge.dispute.created`.
pub(crate) fn kind(value: &Value, path: &str) -> Option<String> {
    let is_name = |text: &&str| is_plain(&text.replace('.', "_"));
    text(value, path).filter(is_name).map(str::to_owned)
}

/// The money there.
pub(crate) fn money(value: &Value, amount: Option<i64>) -> Option<Money> {
    let currency = Currency::parse(text(value, "/currency")?).ok()?;
    Some(Money { amount: Amount::new(amount?).ok()?, currency })
}

/// The moment there, in seconds.
pub(crate) fn moment(value: &Value, path: &str) -> Option<Timestamp> {
    integer(value, path).map(Timestamp)
}
