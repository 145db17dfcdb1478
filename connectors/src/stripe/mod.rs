//! Stripe's own API as a processor.
//!
//! A payment is a payment intent that is created and confirmed in one request, with the card by its
//! number. Our key is the request's `Idempotency-Key`, and the payment's and the refund's metadata hold it,
//! by which both are found again. What a later operation did is told by the payment's own sums: while one
//! operation of ours is open, there is no other.
//!
//! Sources: <https://docs.stripe.com/api/payment_intents>, <https://docs.stripe.com/api/refunds>,
//! <https://docs.stripe.com/api/errors>, <https://docs.stripe.com/search>.

mod error;
mod outcome;
mod payment;
mod refund;
mod request;
mod webhook;

use domain::timestamp::DAY;

use crate::{Asked, Processor};

/// How it is spoken to.
pub(crate) const PROCESSOR: Processor = Processor {
    name: "stripe",
    horizon: HORIZON,
    signature_header: Some(webhook::SIGNATURE),
    secrets: [&["_test_"], &["_live_"]],
    ask: |command, account| request::request(command, account).map(Asked::Request),
    outcome: outcome::outcome,
    keep: |card, account| request::keep(card, account).map(Some),
    kept: outcome::kept,
    verify: webhook::verify,
    notice: webhook::notice,
    heard: outcome::heard,
};

/// Where the API is.
const BASE_URL: &str = "https://api.stripe.com";

/// The version of the API that is spoken.
const VERSION: &str = "2026-08-26.dahlia";

/// The name of our key in metadata.
const KEY: &str = "florin_key";

/// Where an object holds our key.
const KEY_PATH: &str = "/metadata/florin_key";

/// After how many seconds a search that finds nothing proves that there is nothing. Stripe says that it
/// finds most within a minute, and that it takes an hour and more in an outage.
const HORIZON: i64 = DAY;
