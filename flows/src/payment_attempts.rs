//! Attempts at processors that were left to a person: shown, and resolved by one who looked there.

use connectors::{Fault, Outcome, is_plain};
use domain::ApiError;
use domain::attempt::{Attempt, AttemptState, Found, Request, Resolved};
use domain::card::Checks;
use domain::charge::{Charge, Risk};
use domain::id::{AttemptId, Id, RefundId};
use domain::refund::Status;
use store::{DatabaseError, Statement, attempts};

use crate::operations::{self, Held};
use crate::{Context, Failure, Platform, refunds};

/// The most bytes of a note.
const LONGEST_NOTE: usize = 500;

/// Why a person's word is not taken.
const TAKEN: &str = "The processor's reference is that of another payment or refund.";

/// What a person has to say of an attempt.
#[derive(Clone)]
pub struct Resolve {
    /// What they found at the processor.
    pub outcome: Found,
    /// The processor's own reference of what it made, where nobody knows it yet.
    pub reference: Option<String>,
    /// What else is to be remembered.
    pub note: String,
}

impl Resolve {
    /// Checks what is said on its own.
    ///
    /// # Errors
    /// When nothing is said of why, or the reference cannot be one.
    pub fn check(&self) -> Result<(), ApiError> {
        check_note(&self.note)?;
        match &self.reference {
            Some(reference) if !is_plain(reference) => {
                refused("processor_reference", "Invalid processor reference.")
            }
            _ => Ok(()),
        }
    }
}

/// Checks what a person says who resolves something.
///
/// # Errors
/// When nothing is said, or more than is kept.
pub fn check_note(note: &str) -> Result<(), ApiError> {
    match note.trim().is_empty() || note.len() > LONGEST_NOTE {
        true => refused("note", "Invalid note: say in at most 500 bytes what was found."),
        false => Ok(()),
    }
}

fn refused(param: &str, message: &str) -> Result<(), ApiError> {
    Err(ApiError::ParameterInvalid { param: param.to_owned(), message: message.to_owned() })
}

/// Finds an attempt that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Attempt, Failure> {
    Ok(load(context, id).await?.attempt)
}

async fn load<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Held, Failure> {
    let held = match AttemptId::parse(id) {
        Ok(id) => operations::load(context, &id).await?,
        Err(_) => None,
    };
    held.ok_or_else(|| {
        ApiError::NoSuchObject {
            kind: "payment attempt",
            id: id.to_owned(),
            param: "id".to_owned(),
            in_path: true,
        }
        .into()
    })
}

/// Resolves an attempt that was left to a person. Its processor is asked once more before: what it says by now
/// counts, and otherwise what the person found.
///
/// # Errors
/// When there is none, nobody has to look at it, or what is said does not fit it.
pub async fn resolve<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    resolve: &Resolve,
    by: &str,
) -> Result<Attempt, Failure> {
    let mut held = load(context, id).await?;
    let resolved = Resolved {
        outcome: resolve.outcome,
        by: by.to_owned(),
        request: context.request.as_ref().map(|request| request.id.clone()),
        at: context.now,
        note: resolve.note.clone(),
    };
    if held.attempt.attention.is_none() {
        return resolved_before(held.attempt, resolve);
    }
    if held.attempt.state != AttemptState::Started {
        return conclude(context, held, resolved).await;
    }
    take_reference(&mut held.attempt, resolve)?;
    let guard = must_be_its_own(context, &held).await?;
    context.beside.borrow_mut().extend(guard);
    match settle(context, held, resolve, resolved).await {
        Err(Failure::Database(DatabaseError::Guard(_))) => Err(does_not_fit(TAKEN)),
        settled => Ok(settled?.attempt),
    }
}

/// Records what the processor says by now, or else what the person found.
async fn settle<P: Platform>(
    context: &Context<'_, P>,
    held: Held,
    resolve: &Resolve,
    resolved: Resolved,
) -> Result<Held, Failure> {
    let outcome = outcome(&held, resolve)?;
    let mut held = operations::look_again(context, held).await?;
    if held.attempt.state != AttemptState::Started {
        return Ok(held);
    }
    held.attempt.resolved = Some(resolved);
    operations::learnt(context, held, outcome).await
}

/// A client whose answer was lost asks again.
fn resolved_before(attempt: Attempt, resolve: &Resolve) -> Result<Attempt, Failure> {
    match &attempt.resolved {
        Some(resolved) if resolved.outcome == resolve.outcome && resolved.note == resolve.note => {
            Ok(attempt)
        }
        _ => Err(does_not_fit("Nobody has to look at this payment attempt.")),
    }
}

fn does_not_fit(message: &str) -> Failure {
    ApiError::StateConflict { message: message.to_owned() }.into()
}

/// Takes over the reference by which the attempt is looked up from now on.
fn take_reference(attempt: &mut Attempt, resolve: &Resolve) -> Result<(), Failure> {
    let makes = matches!(attempt.request, Request::Authorize(_) | Request::Refund { .. });
    match (&attempt.processor_reference, &resolve.reference) {
        (Some(known), Some(given)) if known != given => {
            Err(does_not_fit("The processor gave another reference for this payment attempt."))
        }
        (None, None) if makes && resolve.outcome == Found::Succeeded => {
            Err(ApiError::MissingOneOf {
                message: "Name the processor's own reference of what it made.".to_owned(),
                param: "processor_reference".to_owned(),
            }
            .into())
        }
        (None, Some(given)) if makes => {
            attempt.processor_reference = Some(given.clone());
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Refuses what another attempt is known by: it would be booked twice. Returns what refuses it where somebody else
/// names the same meanwhile.
async fn must_be_its_own<P: Platform>(
    context: &Context<'_, P>,
    held: &Held,
) -> Result<Option<Statement>, Failure> {
    let Attempt {
        id, connector_account: Some(account), processor_reference: Some(reference), ..
    } = &held.attempt
    else {
        return Ok(None);
    };
    let (is_taken, guard) = match (&held.attempt.request, &held.charge) {
        (Request::Refund { refund }, Some(charge)) => {
            let beside = refunds::booked_beside(context, &charge.id, refund, reference).await?;
            let [refund, charge] = [refund.as_str(), charge.id.as_str()];
            (beside.is_some(), store::refunds::must_be_its_own(refund, charge, reference))
        }
        (Request::Authorize(_), _) => {
            let find = attempts::find_by_reference(&context.scope, account.as_str(), reference);
            let known = context.find::<Attempt>(find).await?;
            let is_taken = known.is_some_and(|known| known.id != *id);
            (is_taken, attempts::must_be_its_own(id, account.as_str(), reference))
        }
        _ => return Ok(None),
    };
    match is_taken {
        true => Err(does_not_fit(TAKEN)),
        false => Ok(Some(guard)),
    }
}

/// What the processor would have said.
fn outcome(held: &Held, resolve: &Resolve) -> Result<Outcome, Failure> {
    let charge = held.charge.as_ref();
    let payment = charge.and_then(|charge| charge.details.processor_reference.clone());
    let known = held.attempt.processor_reference.clone();
    let reference = known.or(payment).unwrap_or_default();
    Ok(match (resolve.outcome, &held.attempt.request) {
        (Found::Succeeded, Request::Authorize(_)) => Outcome::Authorized {
            reference,
            risk: Risk::Normal,
            checks: Checks::default(),
            issued: Box::default(),
            multicapture: false,
            incremental: false,
            authenticated: false,
            later: None,
            remembered: None,
            capture_before: None,
        },
        (Found::Succeeded, Request::Refund { .. })
            if !charge.is_some_and(Charge::is_released_by_refund) =>
        {
            Outcome::Refunded { reference, status: Status::Succeeded, failure_reason: None }
        }
        (Found::Succeeded, _) => Outcome::Done { reference },
        (Found::Failed, _) => Outcome::Refused {
            fault: Fault::Request,
            code: "resolved".to_owned(),
            message: resolve.note.clone(),
        },
        (Found::NotReceived, _) => Outcome::NotFound,
        (Found::Handled, _) => {
            return Err(does_not_fit(
                "Nobody knows what became of this payment attempt: say whether it succeeded.",
            ));
        }
    })
}

/// Resolves an attempt that is over itself: what was left to do for it is done, or its refund arrived or never
/// will.
async fn conclude<P: Platform>(
    context: &Context<'_, P>,
    mut held: Held,
    resolved: Resolved,
) -> Result<Attempt, Failure> {
    let end = match resolved.outcome {
        Found::Succeeded => Some(Status::Succeeded),
        Found::Failed => Some(Status::Failed),
        Found::Handled | Found::NotReceived => None,
    };
    let is_noted = match (&held.attempt.request, held.attempt.state, end) {
        (Request::Refund { refund }, AttemptState::Succeeded, Some(end)) => {
            refunds::conclude(context, RefundId::as_str(refund), end, &resolved).await?
        }
        (_, AttemptState::Failed | AttemptState::Canceled, None)
            if resolved.outcome == Found::Handled =>
        {
            false
        }
        _ => return Err(does_not_fit("That is not what is left to do for this payment attempt.")),
    };
    if !is_noted {
        let note = attempts::resolve(&held.attempt.id, Some(&resolved)).to_vec();
        match context.batch(note).await {
            Ok(_) => {}
            Err(DatabaseError::Guard(_)) => return Err(ApiError::LockTimeout.into()),
            Err(error) => return Err(error.into()),
        }
    }
    held.attempt.attention = None;
    held.attempt.resolved = Some(resolved);
    Ok(held.attempt)
}
