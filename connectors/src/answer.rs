//! What came over the wire, and how JSON is read from it.
//!
//! Answers are read from a [`Value`] by path rather than into structs of their own: processors send far
//! more than is needed here, and a reader for each type would weigh more than all of these lines.

use domain::card::{Funding, Issued};
use domain::money::{Amount, Money};
use http::HeaderMap;
use serde_json::Value;

use crate::Outcome;
use crate::command::is_plain;

/// How much of a processor's words is kept, in characters.
const LONGEST_WORDS: usize = 500;

/// An answer to a request.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body, or as much of it as came.
    pub body: &'a [u8],
    /// Whether real money was asked for.
    pub livemode: bool,
}

/// An answer that can be read.
pub(crate) enum Heard {
    /// What was asked for.
    Object(Value),
    /// A refusal, with its HTTP status.
    Error(u16, Value),
}

/// Reads an answer. What cannot be read, and faults of the processor's own, say nothing of what it did;
/// only 429 vouches that it did nothing.
pub(crate) fn hear(answer: Answer<'_>) -> Result<Heard, Outcome> {
    let Answer { status, headers, body, .. } = answer;
    if status == 429 {
        let after = headers.get("retry-after").and_then(|value| value.to_str().ok());
        return Err(Outcome::Throttled { retry_after: after.and_then(|text| text.parse().ok()) });
    }
    let value = read(body);
    let is_error = |value: &Value| value.get("error").is_some_and(Value::is_object);
    match (status, value) {
        (200..=299, Some(value)) if !is_error(&value) => Ok(Heard::Object(value)),
        (400..=499, Some(value)) if is_error(&value) => Ok(Heard::Error(status, value)),
        _ => Err(Outcome::unknown(format!("an answer that says nothing: {status}"))),
    }
}

/// The object that a body holds.
pub(crate) fn read(body: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(body).ok()?;
    serde_json::from_str(text).ok().filter(Value::is_object)
}

/// The text there, unless it is missing or empty.
pub(crate) fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value.pointer(path)?.as_str().filter(|text| !text.is_empty())
}

/// The same as a text of its own.
pub(crate) fn owned(value: &Value, path: &str) -> Option<String> {
    text(value, path).map(str::to_owned)
}

/// The processor's words there. They are kept and shown, and it may repeat a card's number in them.
pub(crate) fn words(value: &Value, path: &str) -> Option<String> {
    let said = text(value, path)?;
    let is_number = |part: &str| part.bytes().filter(u8::is_ascii_digit).count() >= 12;
    let hides = said.split(|c: char| !matches!(c, '0'..='9' | ' ' | '-')).any(is_number);
    let shown = |c: char| if hides && c.is_ascii_digit() { '*' } else { c };
    Some(said.chars().take(LONGEST_WORDS).map(shown).collect())
}

/// The whole number there.
pub(crate) fn integer(value: &Value, path: &str) -> Option<i64> {
    value.pointer(path)?.as_i64()
}

/// What is said of a card's issuer: a country by its code, and a funding in capitals or not.
pub(crate) fn issued(value: &Value, country: &str, funding: &str) -> Box<Issued> {
    let is_code = |code: &&str| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
    let funding = text(value, funding).unwrap_or_default();
    Box::new(Issued {
        country: text(value, country).filter(is_code).map(str::to_owned),
        funding: [Funding::Credit, Funding::Debit, Funding::Prepaid]
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(funding)),
    })
}

/// The processor's reference there, if it can be one.
pub(crate) fn reference(value: &Value, path: &str) -> Result<String, Outcome> {
    match text(value, path) {
        Some(text) if is_plain(text) => Ok(text.to_owned()),
        _ => Err(missing(path)),
    }
}

/// What is told of an answer that lacks what it must say.
pub(crate) fn missing(path: &str) -> Outcome {
    Outcome::unknown(format!("the answer lacks {path}"))
}

/// Refuses an answer that is about something else than was asked.
pub(crate) fn must_be(found: Option<&str>, expected: &str) -> Result<(), Outcome> {
    match found {
        Some(found) if found == expected => Ok(()),
        _ => Err(Outcome::unknown(format!("the answer is not about {expected}"))),
    }
}

/// Refuses an answer that names another amount or currency than was asked.
pub(crate) fn must_amount_to(value: &Value, reference: &str, asked: Money) -> Result<(), Outcome> {
    let amount = integer(value, "/amount").ok_or_else(|| missing("/amount"))?;
    let currency = text(value, "/currency").ok_or_else(|| missing("/currency"))?;
    if amount == asked.amount.minor_units() && currency.eq_ignore_ascii_case(asked.currency.code())
    {
        return Ok(());
    }
    Err(mismatch(reference, shown(asked), format!("{amount} {}", currency.to_ascii_lowercase())))
}

/// Refuses an answer that says it is of the other mode: it took real money for a test, or none for a payment.
pub(crate) fn must_be_in_mode(value: &Value, livemode: bool) -> Result<(), Outcome> {
    let name = |livemode| format!("{} mode", if livemode { "live" } else { "test" });
    match value.get("livemode").and_then(Value::as_bool) {
        Some(found) if found != livemode => {
            Err(mismatch(&reference(value, "/id")?, name(livemode), name(found)))
        }
        _ => Ok(()),
    }
}

/// Refuses an answer in another currency than was asked, where its amount is not what counts.
pub(crate) fn must_be_in(value: &Value, reference: &str, asked: Money) -> Result<(), Outcome> {
    let currency = text(value, "/currency").ok_or_else(|| missing("/currency"))?;
    if currency.eq_ignore_ascii_case(asked.currency.code()) {
        return Ok(());
    }
    Err(mismatch(reference, asked.currency.code().to_owned(), currency.to_ascii_lowercase()))
}

/// Money for people.
pub(crate) fn shown(money: Money) -> String {
    format!("{} {}", money.amount.minor_units(), money.currency)
}

/// What is told where the processor did something other than was asked.
pub(crate) fn mismatch(reference: &str, expected: String, found: String) -> Outcome {
    Outcome::Mismatch { reference: reference.to_owned(), expected, found }
}

/// What is taken of a payment once this much more was captured.
pub(crate) fn total(captured: Amount, amount: Amount) -> Result<i64, Outcome> {
    match captured.plus(amount) {
        Ok(total) => Ok(total.minor_units()),
        Err(error) => Err(Outcome::unknown(error.to_string())),
    }
}
