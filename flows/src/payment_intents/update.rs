//! Updating an intent: what was asked for changes, no money moves.

use domain::ApiError;
use domain::charge::Charge;
use domain::money::Money;
use domain::payment_intent::{Operation, PaymentIntent, Status};
use store::{Statement, charges, customers, payment_intents};

use super::{Changes, MAX_TRIES, explain_guard, find, give_up, refused, shown};
use crate::payment_methods::{Chosen, choose};
use crate::{Context, Failure, Platform};

/// Updates an intent.
///
/// # Errors
/// When the intent's state does not allow it, or something that the request names does not exist.
pub async fn update<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    new_amount: impl Fn(&PaymentIntent) -> Result<Option<Money>, ApiError>,
    changes: &Changes,
) -> Result<PaymentIntent, Failure> {
    let chosen = match &changes.payment_method {
        Some(choice) => Some(choose(context, choice, "payment_method").await?),
        None => None,
    };
    let mark = context.ids.secret("update");
    for _ in 0..MAX_TRIES {
        let before = find(context, id).await?;
        // An earlier run of this request wrote its batch, and others may have changed the intent since.
        if before.has_update(&mark) {
            return Ok(before);
        }
        before
            .check(Operation::Update)
            .map_err(|error| refused(&before, Operation::Update, error))?;
        let mut after = before.clone();
        changes.clone().apply(&mut after)?;
        if let Some(amount) = new_amount(&before)? {
            change_amount(&before, &mut after, amount)?;
        }
        let charge = change_application_fee(context, &before, &after).await?;
        change_terms(&before, &mut after)?;
        change_payment_method(&before, &mut after, chosen.as_ref(), changes)?;
        after.remember_update(mark.clone());
        let mut batch = writing(context, &before, &mut after, chosen.as_ref());
        batch.extend(charge.into_iter().flat_map(|mut charge| charges::update(&mut charge)));
        match context.batch(batch).await {
            Ok(_) => return Ok(after),
            Err(error) => {
                // Another run of this request may have been faster, where this one was slow.
                let now = find(context, id).await?;
                if now.has_update(&mark) {
                    return Ok(now);
                }
                let method = after.payment_method.as_ref().map(|id| id.as_str());
                let choice = changes.payment_method.as_ref();
                explain_guard(context, error, after.customer.as_ref(), method, choice).await?;
            }
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Whether an intent still waits for its payment.
fn is_unpaid(intent: &PaymentIntent) -> bool {
    matches!(
        intent.status(),
        Status::RequiresPaymentMethod | Status::RequiresConfirmation | Status::RequiresAction
    )
}

fn not_updatable(intent: &PaymentIntent, what: &str) -> ApiError {
    ApiError::IntentUnexpectedState {
        message: format!(
            "This PaymentIntent's {what} could not be updated because it has a status of {}. You \
             may only update the {what} of a PaymentIntent with one of the following statuses: \
             requires_payment_method, requires_confirmation, requires_action.",
            intent.status().name()
        ),
        intent: shown(intent),
    }
}

fn change_amount(
    before: &PaymentIntent,
    after: &mut PaymentIntent,
    amount: Money,
) -> Result<(), ApiError> {
    if amount == before.amount {
        return Ok(());
    }
    if !is_unpaid(before) {
        return Err(not_updatable(before, "amount"));
    }
    after.amount = amount;
    // A challenge was for the old amount.
    after.give_up_action();
    Ok(())
}

fn change_payment_method(
    before: &PaymentIntent,
    after: &mut PaymentIntent,
    chosen: Option<&Chosen>,
    changes: &Changes,
) -> Result<(), ApiError> {
    if chosen.is_none() && !changes.clears_payment_method {
        return Ok(());
    }
    if !is_unpaid(before) {
        return Err(not_updatable(before, "payment_method"));
    }
    after.payment_method = chosen.map(|chosen| chosen.id().clone());
    after.give_up_action();
    after.state = PaymentIntent::unconfirmed_state(after.payment_method.as_ref());
    Ok(())
}

/// How money is taken, and whose it is, is settled when the card is asked. A challenge was begun for
/// the old terms, so that new ones give it up.
fn change_terms(before: &PaymentIntent, after: &mut PaymentIntent) -> Result<(), ApiError> {
    let (old, new) = (&before.details, &after.details);
    let changed = [
        ("customer", before.customer != after.customer),
        ("capture_method", old.capture_method != new.capture_method),
        ("payment_method_options", old.card_options != new.card_options),
        ("setup_future_usage", old.setup_future_usage != new.setup_future_usage),
    ];
    let Some((what, _)) = changed.into_iter().find(|(_, changed)| *changed) else { return Ok(()) };
    if !is_unpaid(before) {
        return Err(not_updatable(before, what));
    }
    if before.status() == Status::RequiresAction {
        after.give_up_action();
    }
    Ok(())
}

/// Checks the platform's part. Where it changes while money is held, what is captured is a charge: the one
/// to be written along, which takes the part from then on.
async fn change_application_fee<P: Platform>(
    context: &Context<'_, P>,
    before: &PaymentIntent,
    after: &PaymentIntent,
) -> Result<Option<Charge>, Failure> {
    let fee = after.details.application_fee_amount;
    let changes = fee != before.details.application_fee_amount;
    if changes || after.amount != before.amount {
        after.amount.check_application_fee(fee)?;
    }
    if !changes || is_unpaid(before) {
        return Ok(None);
    }
    if before.status() != Status::RequiresCapture && before.received.is_zero() {
        return Err(not_updatable(before, "application_fee_amount").into());
    }
    if !before.received.is_zero() {
        let message = "The parameter application_fee_amount cannot be updated on a PaymentIntent \
                       after a capture has already been made."
            .to_owned();
        let param = "application_fee_amount".to_owned();
        return Err(ApiError::ParameterInvalid { param, message }.into());
    }
    let finding = charges::find_latest_of_intent(&context.scope, before.id.as_str());
    let found: Option<Charge> = context.find(finding).await?;
    Ok(found.map(|mut charge| {
        charge.details.application_fee_amount = fee;
        charge
    }))
}

fn writing<P: Platform>(
    context: &Context<'_, P>,
    before: &PaymentIntent,
    after: &mut PaymentIntent,
    chosen: Option<&Chosen>,
) -> Vec<Statement> {
    let scope = &context.scope;
    let mut batch = Vec::new();
    if let Some(given_up) = &before.details.action_attempt
        && after.details.action_attempt.is_none()
    {
        batch.extend(give_up(context, given_up));
    }
    batch.extend(payment_intents::update(after));
    let customer = after.customer.as_ref().map(|id| id.as_str());
    if before.customer != after.customer
        && let Some(customer) = customer
    {
        batch.push(customers::must_exist(scope, customer));
    }
    if let Some(chosen) = chosen {
        batch.extend(chosen.statements(scope, customer));
    }
    batch.extend(store::metadata_entries::replace(
        scope,
        payment_intents::owner(after),
        &before.details.metadata,
        &after.details.metadata,
    ));
    batch
}
