//! What becomes of a payment method when its payment has an outcome: its customer keeps it, or nobody
//! can use it again.

use domain::attempt::{Authorize, ChallengeResult};
use domain::event::Transition;
use domain::payment_intent::{PaymentIntent, SetupFutureUsage};
use domain::payment_method::Remembered;
use store::scheduled_tasks::{self, Kind, Task};
use store::{Statement, customers, payment_methods};

use super::Held;
use crate::announce::{Subjects, events};
use crate::{Context, Failure, Platform};

/// The statements for a payment that was made.
pub(super) fn after_success<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    authorize: &Authorize,
    remembered: Option<&connectors::Remembered>,
) -> Result<Vec<Statement>, Failure> {
    if authorize.saves_card { keep(context, held, authorize, remembered) } else { use_up(held) }
}

/// The statements that keep what was learnt of the card for the payments to come. One that is used up makes none.
pub(super) fn learnt(held: &mut Held) -> Vec<Statement> {
    let method = held.payment_method.as_mut().filter(|method| !method.used_up);
    method.map(|method| payment_methods::update(method).to_vec()).unwrap_or_default()
}

/// The statements that let nobody use a payment method again which its payment has used and no
/// customer keeps. A charge without an intent leaves it as it is.
pub(super) fn use_up(held: &mut Held) -> Result<Vec<Statement>, Failure> {
    let mut method = held.method()?.clone();
    if held.payment_intent.is_none() || method.used_up || method.customer.is_some() {
        return Ok(Vec::new());
    }
    method.used_up = true;
    method.used_by = Some(held.attempt.id.clone());
    let statements = payment_methods::update(&mut method).to_vec();
    held.payment_method = Some(method);
    Ok(statements)
}

/// The statements for a payment that waits for its cardholder: the card that it used up from its start
/// can be used until there is an outcome.
pub(super) fn while_waiting(held: &mut Held) -> Result<Vec<Statement>, Failure> {
    let mut method = held.method()?.clone();
    if method.used_by.as_ref() != Some(&held.attempt.id) {
        return Ok(Vec::new());
    }
    method.used_up = false;
    method.used_by = None;
    let statements = payment_methods::update(&mut method).to_vec();
    held.payment_method = Some(method);
    Ok(statements)
}

/// The statements that keep a card for the customer whose payment it made; without a customer, it can
/// still be given to one.
fn keep<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    authorize: &Authorize,
    remembered: Option<&connectors::Remembered>,
) -> Result<Vec<Statement>, Failure> {
    let Some(customer) = &authorize.customer else {
        return Ok(Vec::new());
    };
    let proved = authorize.challenge == Some(ChallengeResult::Completed);
    let for_off_session = held.payment_intent.as_ref().and_then(PaymentIntent::future_usage)
        == Some(SetupFutureUsage::OffSession);
    let mut method = held.method()?.clone();
    // Whoever was given the card meanwhile keeps it, and one that is used up stays so.
    if method.used_up || method.customer.as_ref().is_some_and(|keeper| keeper != customer) {
        return Ok(Vec::new());
    }
    let attaches = method.customer.is_none();
    let sets_up = proved && for_off_session && !method.details.set_up;
    let remembers = match (remembered, &held.attempt.connector_account) {
        (Some(remembered), Some(account)) => method.remember(Remembered {
            connector_account: account.clone(),
            card: remembered.card.clone(),
            customer: remembered.customer.clone(),
            network_transaction: remembered.network_transaction.clone(),
        }),
        _ => false,
    };
    if !attaches && !sets_up && !remembers {
        return Ok(Vec::new());
    }
    method.customer = Some(customer.clone());
    method.details.set_up |= sets_up;
    let mut statements = payment_methods::update(&mut method).to_vec();
    if attaches {
        statements.push(customers::must_exist(&context.scope, customer.as_str()));
        let subjects = Subjects { payment_method: Some(&method), ..Subjects::default() };
        statements.extend(events(context, Transition::PaymentMethodAttached, subjects, None));
    }
    if remembers && remembered.is_some_and(|remembered| remembered.customer.is_none()) {
        statements.push(plan_keeping(context, method.id.as_str()));
    }
    held.payment_method = Some(method);
    Ok(statements)
}

/// Plans that the processor has the card kept for later payments.
fn plan_keeping<P: Platform>(context: &Context<'_, P>, method: &str) -> Statement {
    context.platform.wake(context.now);
    scheduled_tasks::insert(&Task {
        due_at: context.now,
        kind: Kind::KeepCard,
        subject: method.to_owned(),
        scope: context.scope.clone(),
        tries: 0,
    })
}
