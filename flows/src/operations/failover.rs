//! Failover: where a processor did nothing for a payment, another account is tried in its stead, or the same one
//! with a challenge.
//!
//! Two tries of one payment are never open at the same time: one batch ends the one, begins the other and hands the
//! payment on. Only the request that sent an attempt first, and alone, may do that, and only with an answer that
//! vouches that nothing was done. Whoever finds the payment later goes on with the attempt that is open.

use connectors::{Fault, Outcome};
use domain::attempt::{Attempt, AttemptState, Authorize, Request, Resolution};
use domain::card::Decline;
use domain::id::ConnectorAccountId;
use domain::routing::{Reason, Route};
use store::scheduled_tasks::{self, Kind};
use store::{
    DatabaseError, Statement, attempts, connector_accounts, payment_intents, payment_methods,
};

use super::ask::can_send;
use super::{
    Held, MAX_RECORDINGS, RECOVERY_DELAY, call_for_secret, load_around, plan_recovery_from,
    receipt_url, refusal_told, resolution,
};
use crate::{Context, Failure, Platform};

/// What became of the wish to try a payment elsewhere.
pub(super) enum Tried {
    /// Another attempt was begun.
    Elsewhere(Box<Held>),
    /// There is no reason to, or no place.
    Here,
    /// Somebody else has sent the attempt, too: nobody knows what came of that.
    ByOthers,
}

/// Begins another attempt where the first answer to this one allows it.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn try_elsewhere<P: Platform>(
    context: &Context<'_, P>,
    held: &Held,
    outcome: &Outcome,
    (reason, cvc): (Reason, Option<&str>),
) -> Result<Tried, Failure> {
    let Some(mut route) = held.attempt.route().cloned() else { return Ok(Tried::Here) };
    let mut held = held.clone();
    for _ in 0..MAX_RECORDINGS {
        let before = route.clone();
        let Some(account) = next_account(&held.attempt, &mut route, reason) else {
            return Ok(Tried::Here);
        };
        if held.attempt.state != AttemptState::Started {
            return Ok(Tried::Here);
        }
        let counts = was_sent(outcome);
        let Some(mut next) = begin(context, &held, &route, (reason, counts), &account)? else {
            continue;
        };
        // What is refused there for good may be taken where the one before is, a moment later.
        if !can_send(context, &next, cvc).await? {
            continue;
        }
        let batch = hand_on(context, &held, &mut next, outcome)?;
        match context.batch(batch).await {
            Ok(_) => return Ok(Tried::Elsewhere(Box::new(next))),
            Err(DatabaseError::Guard(name)) if name == attempts::ONCE_GUARD => {
                return Ok(Tried::ByOthers);
            }
            Err(DatabaseError::Guard(name)) if name == connector_accounts::ACTIVE_GUARD => {
                // It takes no payments any more: the next one may.
                if reason == Reason::AuthenticationRequired {
                    return Ok(Tried::Here);
                }
            }
            Err(DatabaseError::Guard(_)) => {
                route = before;
                held = load_around(context, held.attempt).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Tried::Here)
}

/// Why a payment is to be tried again, if it is.
pub(super) fn reason(attempt: &Attempt, outcome: &Outcome) -> Option<Reason> {
    let Request::Authorize(authorize) = &attempt.request else { return None };
    let route = authorize.route.as_ref()?;
    if (route.left == 0 && was_sent(outcome)) || !outcome.moved_nothing() {
        return None;
    }
    let can_be_asked = attempt.payment_intent.is_some()
        && !authorize.off_session
        && !authorize.error_on_requires_action
        && !authorize.wants_challenge
        && authorize.challenge.is_none();
    match outcome {
        Outcome::Declined(said) if said.decline == Decline::AuthenticationRequired => {
            (route.steps_up && can_be_asked).then_some(Reason::AuthenticationRequired)
        }
        Outcome::Declined(said) => {
            (route.retries_declines && said.may_pass_elsewhere()).then_some(Reason::Declined)
        }
        Outcome::Throttled { .. } => Some(Reason::Throttled),
        Outcome::Refused {
            fault: Fault::Credentials | Fault::Request | Fault::NotSent, ..
        } => Some(Reason::Refused),
        _ => None,
    }
}

/// Whether a processor was asked: what was never sent is no try.
fn was_sent(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::Refused { fault: Fault::NotSent, .. })
}

/// Where the next try goes; it is taken from those that are left.
fn next_account(
    attempt: &Attempt,
    route: &mut Route,
    reason: Reason,
) -> Option<ConnectorAccountId> {
    match reason {
        Reason::AuthenticationRequired => attempt.connector_account.clone(),
        _ if route.others.is_empty() => None,
        _ => Some(route.others.remove(0)),
    }
}

/// The next attempt, and what it is about; nothing where its account is active no more.
fn begin<P: Platform>(
    context: &Context<'_, P>,
    held: &Held,
    route: &Route,
    (reason, counts): (Reason, bool),
    account: &ConnectorAccountId,
) -> Result<Option<Held>, Failure> {
    let Some(account) = context.routes.account(account) else { return Ok(None) };
    let Request::Authorize(authorize) = &held.attempt.request else { return Ok(None) };
    let number = route.number.saturating_add(1);
    let charge = context.ids.derive(&format!("charge:{number}"));
    let mut legacy_charge = authorize.legacy_charge.clone();
    if let Some(details) = &mut legacy_charge {
        details.receipt_url = Some(receipt_url(context, &context.origin, &charge));
    }
    let route = Route {
        number,
        left: route.left.saturating_sub(i64::from(counts)),
        reason: Some(reason),
        previous: Some(held.attempt.id.clone()),
        ..route.clone()
    };
    let authorize = Authorize {
        charge,
        wants_challenge: authorize.wants_challenge || reason == Reason::AuthenticationRequired,
        route: Some(Box::new(route)),
        legacy_charge,
        ..(**authorize).clone()
    };
    let attempt = Attempt {
        id: context.ids.derive(&format!("attempt:{number}")),
        connector: account.connector.clone(),
        connector_account: Some(account.id.clone()),
        processor_reference: None,
        token: None,
        request: Request::Authorize(Box::new(authorize)),
        // The request may have waited long for the answer to the one before.
        created: context.platform.now(),
        ..held.attempt.clone()
    };
    let mut next = Held { attempt, ..held.clone() };
    next.attempt.take_token(next.payment_method.as_ref());
    if let Some(intent) = &mut next.payment_intent {
        intent.handed_on(&held.attempt.id, next.attempt.id.clone())?;
    }
    Ok(Some(next))
}

/// The batch that ends one attempt and begins the next.
fn hand_on<P: Platform>(
    context: &Context<'_, P>,
    held: &Held,
    next: &mut Held,
    outcome: &Outcome,
) -> Result<Vec<Statement>, Failure> {
    let mut ended = held.attempt.clone();
    ended.state = AttemptState::Failed;
    ended.resolution = Resolution { next: Some(next.attempt.id.clone()), ..resolution(outcome)? };
    if let Outcome::Refused { code, message, .. } = outcome {
        let told = refusal_told(Some(code), Some(message));
        let told = format!("{told} ({code}); another account is tried");
        context.platform.log_error(ended.id.as_str(), &told);
    }
    let mut batch = vec![attempts::must_be_sent_once(&ended.id)];
    batch.extend(call_for_secret(&ended, outcome, context.now));
    batch.extend(attempts::advance(&ended, AttemptState::Started));
    let due_at = ended.created.plus(RECOVERY_DELAY);
    batch.push(scheduled_tasks::delete(due_at, Kind::RecoverAttempt, ended.id.as_str()));
    batch.push(attempts::insert(&context.scope, &next.attempt));
    batch.push(plan_recovery_from(context, &next.attempt, next.attempt.created));
    if let Some(intent) = &mut next.payment_intent {
        batch.extend(payment_intents::update(intent));
    }
    // Who used the card up from its start is now another attempt.
    if let Some(method) = &mut next.payment_method
        && method.used_by.as_ref() == Some(&ended.id)
    {
        method.used_by = Some(next.attempt.id.clone());
        batch.extend(payment_methods::update(method));
    }
    Ok(batch)
}
