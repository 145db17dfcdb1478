//! Creating an intent, and confirming it in the same request where asked.

use domain::attempt::Attempt;
use domain::event::Transition;
use domain::id::PaymentIntentId;
use domain::money::{Amount, Money};
use domain::payment_intent::{ConfirmationMethod, Details, Operation, PaymentIntent};
use domain::payment_method::PaymentMethod;
use domain::{ApiError, Metadata};
use store::{Statement, customers, payment_intents, payment_methods};

use super::confirm::{Confirm, check_return_url, new_attempt, saves_card};
use super::{Changes, explain_guard};
use crate::announce::{Subjects, events};
use crate::context::first;
use crate::operations::{self, Asking, Held};
use crate::payment_methods::{Chosen, choose};
use crate::{Context, Failure, Platform};

/// A wish to be paid.
pub struct Create {
    /// How much.
    pub amount: Money,
    /// Who confirms.
    pub confirmation_method: ConfirmationMethod,
    /// Everything else that an update could change, too.
    pub changes: Changes,
    /// How to confirm it at once, where asked.
    pub confirm: Option<Confirm>,
}

/// Creates an intent, and confirms it where asked.
///
/// # Errors
/// When the card is refused, or something that the request names does not exist.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    create: Create,
) -> Result<PaymentIntent, Failure> {
    if let Some(confirm) = &create.confirm {
        let cvc = create.changes.cvc();
        let held = operations::once(context, cvc, async || begin(context, &create, confirm).await);
        return operations::answer(held.await?);
    }
    if context.resumes
        && let Some(intent) = created_before(context).await?
    {
        return Ok(intent);
    }
    match write(context, &create, None).await {
        Ok(written) => Ok(written.intent),
        // The rows are there: an earlier run of this request committed, whoever heard of it.
        Err(failure) => created_before(context).await?.ok_or(failure),
    }
}

/// Creates an intent that is held for its attempt, and asks the processor.
async fn begin<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
    confirm: &Confirm,
) -> Result<Held, Failure> {
    let Written { intent, attempt, payment_method } = write(context, create, Some(confirm)).await?;
    let attempt = attempt.ok_or_else(|| Failure::Bug(format!("{} has no attempt", intent.id)))?;
    let held =
        Held { attempt, payment_intent: Some(intent), charge: None, refund: None, payment_method };
    let asking = Asking { is_first: true, cvc: create.changes.cvc() };
    operations::settle(context, held, asking).await
}

/// What an earlier run of the same request left behind.
async fn created_before<P: Platform>(
    context: &Context<'_, P>,
) -> Result<Option<PaymentIntent>, Failure> {
    let id: PaymentIntentId = context.ids.derive("payment_intent");
    context.find(payment_intents::find(&context.scope, id.as_str())).await
}

/// What the first batch wrote.
struct Written {
    intent: PaymentIntent,
    attempt: Option<Attempt>,
    payment_method: Option<PaymentMethod>,
}

async fn write<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
    confirm: Option<&Confirm>,
) -> Result<Written, Failure> {
    let mut chosen = match &create.changes.payment_method {
        Some(choice) => Some(choose(context, choice, "payment_method").await?),
        None => None,
    };
    let mut intent = new_intent(context, create, chosen.as_ref());
    create.changes.clone().apply(&mut intent)?;
    intent.amount.check_application_fee(intent.details.application_fee_amount)?;
    let attempt = match confirm {
        Some(confirm) => {
            check_return_url(&intent, None)?;
            let with_cvc = create.changes.cvc().is_some();
            let asked = (chosen.as_ref(), with_cvc);
            let attempt = new_attempt(context, &intent, confirm, asked).await?;
            if let Some(chosen) = chosen.as_mut().filter(|_| !saves_card(&intent)) {
                chosen.use_up(&attempt.id);
            }
            Some(attempt)
        }
        None => None,
    };
    let batch = creation(context, &mut intent, chosen.as_ref(), attempt.as_ref())?;
    let results = match context.batch(batch).await {
        Ok(results) => results,
        Err(error) => {
            let method = intent.payment_method.as_ref().map(|id| id.as_str());
            let choice = create.changes.payment_method.as_ref();
            explain_guard(context, error, intent.customer.as_ref(), method, choice).await?;
            return Err(ApiError::LockTimeout.into());
        }
    };
    let payment_method = match chosen {
        Some(Chosen::New { method, .. }) => Some(*method),
        _ => first::<PaymentMethod>(&results, results.len().saturating_sub(1))?,
    };
    let attempt = attempt.map(|mut attempt| {
        attempt.take_token(payment_method.as_ref());
        attempt
    });
    Ok(Written { intent, attempt, payment_method })
}

fn new_intent<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
    chosen: Option<&Chosen>,
) -> PaymentIntent {
    let id: PaymentIntentId = context.ids.derive("payment_intent");
    let client_secret = format!("{id}_secret_{}", context.ids.secret("client_secret"));
    let payment_method = chosen.map(|chosen| chosen.id().clone());
    PaymentIntent {
        livemode: context.scope.livemode,
        created: context.now,
        version: 1,
        amount: create.amount,
        received: Amount::ZERO,
        state: PaymentIntent::unconfirmed_state(payment_method.as_ref()),
        customer: None,
        payment_method,
        latest_charge: None,
        pending_operation: None,
        details: Details {
            client_secret,
            confirmation_method: create.confirmation_method,
            payment_method_types: vec!["card".to_owned()],
            ..Details::default()
        },
        id,
    }
}

/// The batch that creates the intent and, where it is confirmed at once, holds it for its attempt.
/// Its last statement finds a payment method that exists already.
fn creation<P: Platform>(
    context: &Context<'_, P>,
    intent: &mut PaymentIntent,
    chosen: Option<&Chosen>,
    attempt: Option<&Attempt>,
) -> Result<Vec<Statement>, Failure> {
    let scope = &context.scope;
    let customer = intent.customer.as_ref().map(|id| id.as_str());
    let mut batch = Vec::new();
    if let Some(customer) = customer {
        batch.push(customers::must_exist(scope, customer));
    }
    if let Some(chosen) = chosen {
        batch.extend(chosen.statements(scope, customer));
    }
    let subjects = Subjects { payment_intent: Some(intent), ..Subjects::default() };
    let announcement = events(context, Transition::IntentCreated, subjects, None);
    if let Some(attempt) = attempt {
        intent.hold(Operation::Confirm, attempt.id.clone())?;
        intent.details.origin.clone_from(&context.origin);
    }
    batch.push(payment_intents::insert(scope, intent));
    batch.extend(store::metadata_entries::replace(
        scope,
        payment_intents::owner(intent),
        &Metadata::default(),
        &intent.details.metadata,
    ));
    if let Some(attempt) = attempt {
        batch.extend(operations::write_attempt(context, attempt));
    }
    batch.extend(announcement);
    if let (Some(Chosen::Existing { id, .. }), Some(_)) = (chosen, attempt) {
        batch.push(payment_methods::find(scope, id.as_str()));
    }
    Ok(batch)
}
