//! What Hyperswitch's answers and notices say of a command.

use serde_json::Value;

use super::{error, payment, payment_id, refund, refund_id, token};
use crate::Outcome;
use crate::answer::{Answer, Heard, hear, must_be, text};
use crate::command::{Command, LookUp, Operation};

/// What an answer says of the command that was asked.
pub(crate) fn outcome(command: &Command<'_>, answer: Answer<'_>) -> Outcome {
    let question = command.question();
    let is_lookup = matches!(command, Command::LookUp(_));
    let said = match hear(answer) {
        Ok(Heard::Object(value)) => read(&question, &value, is_lookup),
        Ok(Heard::Error(status, value)) => Ok(is_by_token(command)
            .then(|| error::of_token(&value))
            .flatten()
            .unwrap_or_else(|| error::read(&question, status, &value, is_lookup))),
        Err(outcome) => Err(outcome),
    };
    said.unwrap_or_else(|outcome| outcome)
}

fn is_by_token(command: &Command<'_>) -> bool {
    matches!(command, Command::Authorize(authorize) if token(authorize).is_some())
}

/// What a notice's object says of a command.
pub(crate) fn heard(question: &LookUp<'_>, object: &Value) -> Outcome {
    read(question, object, true).unwrap_or_else(|outcome| outcome)
}

/// The id of what a command makes or changes.
pub(super) fn expected(question: &LookUp<'_>) -> String {
    let given = match question.operation {
        // What is known may be what the request with the token left.
        Operation::Authorize { .. } if question.is_instead => None,
        Operation::Refund | Operation::Authorize { .. } => question.reference,
        _ => question.payment,
    };
    match (given, question.operation) {
        (Some(given), _) => given.to_owned(),
        (None, Operation::Refund) => refund_id(question.key),
        (None, _) => payment_id(question),
    }
}

/// Either is told early by what ends the function.
fn read(question: &LookUp<'_>, value: &Value, is_lookup: bool) -> Result<Outcome, Outcome> {
    let id = expected(question);
    if question.operation == Operation::Refund {
        must_be(text(value, "/refund_id"), &id)?;
        return refund::read(question, id, value);
    }
    // A refund names its payment, too.
    must_be(text(value, "/payment_id").filter(|_| value.get("refund_id").is_none()), &id)?;
    payment::read(question, id, value, is_lookup)
}
