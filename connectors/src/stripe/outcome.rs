//! What Stripe's answers and notices say of a command.

use serde_json::Value;

use super::{KEY_PATH, error, payment, refund};
use crate::Outcome;
use crate::answer::{Answer, Heard, hear, mismatch, must_be, must_be_in_mode, reference, text};
use crate::command::{Authorize, Command, LookUp, Operation};

/// What an answer says of the command that was asked.
pub(crate) fn outcome(command: &Command<'_>, answer: Answer<'_>) -> Outcome {
    let question = command.question();
    let is_lookup = matches!(command, Command::LookUp(_));
    let livemode = answer.livemode;
    let said = match hear(answer) {
        Ok(Heard::Object(value)) if is_list(&value) => find(&question, &value, livemode),
        Ok(Heard::Object(value)) => {
            must_be_in_mode(&value, livemode).and_then(|()| read(&question, &value, is_lookup))
        }
        Ok(Heard::Error(status, value)) => match command {
            Command::Authorize(Authorize { token: Some(_), .. }) if error::is_of_token(&value) => {
                Ok(error::token(&value))
            }
            _ => Ok(error::read(status, &value, is_lookup)),
        },
        Err(outcome) => Err(outcome),
    };
    said.unwrap_or_else(|outcome| outcome)
}

/// Who keeps a card now, as the answer to [`super::request::keep`] says.
pub(crate) fn kept(answer: Answer<'_>) -> Outcome {
    let livemode = answer.livemode;
    let said = match hear(answer) {
        Ok(Heard::Object(value)) => must_be_in_mode(&value, livemode).and_then(|()| {
            must_be(text(&value, "/object"), "customer")?;
            Ok(Outcome::Done { reference: reference(&value, "/id")? })
        }),
        Ok(Heard::Error(status, value)) => Ok(error::read(status, &value, false)),
        Err(outcome) => Err(outcome),
    };
    said.unwrap_or_else(|outcome| outcome)
}

/// What a notice's object says of a command.
pub(crate) fn heard(question: &LookUp<'_>, object: &Value) -> Outcome {
    read(question, object, true).unwrap_or_else(|outcome| outcome)
}

/// Either is told early by what ends the function.
type Said = Result<Outcome, Outcome>;

fn read(question: &LookUp<'_>, value: &Value, is_lookup: bool) -> Said {
    let is_refund = question.operation == Operation::Refund;
    must_be(text(value, "/object"), if is_refund { "refund" } else { "payment_intent" })?;
    let id = reference(value, "/id")?;
    if is_refund {
        return refund::read(question, &id, value, is_lookup);
    }
    let key = text(value, KEY_PATH);
    match question.payment.or(question.reference) {
        Some(expected) => must_be(Some(&id), expected)?,
        // Whose key says nothing must at least be the answer to our own request.
        None if is_lookup => must_be(key, question.key)?,
        None => {}
    }
    if question.payment.is_none() && key.is_some() {
        must_be(key, question.key)?;
    }
    payment::read(question, &id, value, is_lookup)
}

fn is_list(value: &Value) -> bool {
    matches!(text(value, "/object"), Some("list" | "search_result"))
}

/// Goes through what a search found, or all refunds of a payment, for what holds our key.
fn find(question: &LookUp<'_>, list: &Value, livemode: bool) -> Said {
    let Some(found) = list.get("data").and_then(Value::as_array) else {
        return Err(Outcome::unknown("a list without data"));
    };
    let mut ours = found.iter().filter(|object| text(object, KEY_PATH) == Some(question.key));
    match (ours.next(), ours.next()) {
        (Some(object), None) => {
            must_be_in_mode(object, livemode)?;
            read(question, object, true)
        }
        (Some(object), Some(_)) => {
            let id = reference(object, "/id")?;
            Err(mismatch(&id, "one under this key".to_owned(), "several".to_owned()))
        }
        (None, _) if list.get("has_more").and_then(Value::as_bool) == Some(false) => {
            Ok(Outcome::NotFound)
        }
        (None, _) => Err(Outcome::unknown("there is more than one page")),
    }
}
