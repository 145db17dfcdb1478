//! Confirming an intent: its card is charged, or held.

use domain::ApiError;
use domain::attempt::{Attempt, Authorize, ChallengeResult, Purpose};
use domain::payment_intent::{
    AllowRedirects, Operation, PaymentIntent, RequestThreeDSecure, SetupFutureUsage,
};
use domain::payment_method::PaymentMethod;
use store::{Statement, customers, payment_intents, payment_methods};

use super::{Changes, MAX_TRIES, explain_guard, find, give_up, refused, shown};
use crate::context::first;
use crate::descriptors;
use crate::operations::{self, Asking, Held};
use crate::payment_methods::{Chosen, choose};
use crate::{Context, Failure, Platform};

/// Nobody is there who could agree to that. In Stripe's words.
const KEEPS_NO_CARD: &str = "You cannot confirm with `off_session=true` when `setup_future_usage` is \
     also set on the PaymentIntent.";

/// How an intent is confirmed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Confirm {
    /// Whether the cardholder takes no part.
    pub off_session: bool,
    /// Whether a demand for a challenge is to be a decline.
    pub error_on_requires_action: bool,
}

/// Confirms an intent, with changes.
///
/// # Errors
/// When the card is refused, or the intent's state does not allow it.
pub async fn confirm<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    changes: &Changes,
    confirm: Confirm,
) -> Result<PaymentIntent, Failure> {
    operations::answer(
        operations::once(context, changes.cvc(), async || {
            begin(context, id, changes, confirm).await
        })
        .await?,
    )
}

async fn begin<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    changes: &Changes,
    confirm: Confirm,
) -> Result<Held, Failure> {
    let chosen = match &changes.payment_method {
        Some(choice) => Some(choose(context, choice, "payment_method").await?),
        None => None,
    };
    for _ in 0..MAX_TRIES {
        let intent = find(context, id).await?;
        if let Some(held) = start(context, intent, changes, chosen.as_ref(), confirm).await? {
            let asking = Asking { is_first: true, cvc: changes.cvc() };
            return operations::settle(context, held, asking).await;
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Holds the intent for a new attempt; nothing when it changed meanwhile.
async fn start<P: Platform>(
    context: &Context<'_, P>,
    mut intent: PaymentIntent,
    changes: &Changes,
    chosen: Option<&Chosen>,
    confirm: Confirm,
) -> Result<Option<Held>, Failure> {
    intent
        .check(Operation::Confirm)
        .map_err(|error| refused(&intent, Operation::Confirm, error))?;
    let before = intent.clone();
    changes.clone().apply(&mut intent)?;
    if let Some(chosen) = chosen {
        intent.payment_method = Some(chosen.id().clone());
    }
    check_return_url(&intent, Some(&before))?;
    let own = intent.payment_method.clone().map(Chosen::existing);
    let mut chosen = chosen.cloned().or(own);
    let with_cvc = changes.cvc().is_some();
    let mut attempt = new_attempt(context, &intent, &confirm, (chosen.as_ref(), with_cvc)).await?;
    if let Some(chosen) = chosen.as_mut().filter(|_| !saves_card(&intent)) {
        chosen.use_up(&attempt.id);
    }
    let batch = hold(context, &before, &mut intent, chosen.as_ref(), &attempt)?;
    match context.batch(batch).await {
        Ok(results) => {
            let payment_method = match chosen {
                Some(Chosen::New { method, .. }) => Some(*method),
                _ => first::<PaymentMethod>(&results, results.len().saturating_sub(1))?,
            };
            attempt.take_token(payment_method.as_ref());
            let payment_intent = Some(intent);
            Ok(Some(Held { attempt, payment_intent, charge: None, refund: None, payment_method }))
        }
        Err(error) => {
            let method = intent.payment_method.as_ref().map(|id| id.as_str());
            let choice = changes.payment_method.as_ref();
            explain_guard(context, error, intent.customer.as_ref(), method, choice).await?;
            Ok(None)
        }
    }
}

/// The batch that holds an intent for an attempt. Its last statement finds the payment method.
fn hold<P: Platform>(
    context: &Context<'_, P>,
    before: &PaymentIntent,
    intent: &mut PaymentIntent,
    chosen: Option<&Chosen>,
    attempt: &Attempt,
) -> Result<Vec<Statement>, Failure> {
    let scope = &context.scope;
    let mut batch = Vec::new();
    if let Some(given_up) = &before.details.action_attempt {
        batch.extend(give_up(context, given_up));
    }
    intent.hold(Operation::Confirm, attempt.id.clone())?;
    intent.details.origin.clone_from(&context.origin);
    batch.extend(payment_intents::update(intent));
    let customer = intent.customer.as_ref().map(|id| id.as_str());
    if before.customer != intent.customer
        && let Some(customer) = customer
    {
        batch.push(customers::must_exist(scope, customer));
    }
    let method = intent.payment_method.as_ref().map(|id| id.as_str()).unwrap_or_default();
    if let Some(chosen) = chosen {
        batch.extend(chosen.statements(scope, customer));
    }
    batch.extend(store::metadata_entries::replace(
        scope,
        payment_intents::owner(intent),
        &before.details.metadata,
        &intent.details.metadata,
    ));
    batch.extend(operations::write_attempt(context, attempt));
    batch.push(payment_methods::find(scope, method));
    Ok(batch)
}

/// A new attempt to authorise what an intent asks for.
pub(super) async fn new_attempt<P: Platform>(
    context: &Context<'_, P>,
    intent: &PaymentIntent,
    confirm: &Confirm,
    (chosen, with_cvc): (Option<&Chosen>, bool),
) -> Result<Attempt, Failure> {
    operations::check_may_begin(context)?;
    if confirm.off_session && saves_card(intent) {
        return Err(ApiError::ParameterInvalid {
            param: "off_session".to_owned(),
            message: KEEPS_NO_CARD.to_owned(),
        }
        .into());
    }
    let Some(payment_method) = intent.payment_method.clone() else {
        return Err(ApiError::IntentHasNoPaymentMethod { intent: shown(intent) }.into());
    };
    let (amount, metadata) = (intent.amount, &intent.details.metadata);
    let asked = (confirm.off_session, chosen);
    let to = operations::route(context, intent.id.as_str(), amount, metadata, asked).await?;
    let wanted = intent.details.card_options.request_three_d_secure;
    let is_authenticated = intent.is_authenticated(&payment_method, context.now);
    let authorize = Authorize {
        charge: context.ids.derive("charge"),
        capture: intent.captures_automatically(),
        off_session: confirm.off_session,
        wants_challenge: wanted.unwrap_or_default() != RequestThreeDSecure::Automatic,
        error_on_requires_action: confirm.error_on_requires_action,
        payment_method,
        customer: intent.customer.clone(),
        saves_card: saves_card(intent),
        calculated_statement_descriptor: descriptors::calculated(
            &context.merchant_name,
            intent.details.statement_descriptor.as_deref(),
            intent.details.statement_descriptor_suffix.as_deref(),
        ),
        challenge: is_authenticated.then_some(ChallengeResult::Completed),
        challenged_at: None,
        with_cvc,
        remembers: false,
        purpose: Purpose::new(),
        terms: context.terms.clone(),
        route: None,
        legacy_charge: None,
    };
    Ok(operations::start_authorization(context, Some(intent), amount, authorize, to))
}

/// Whether the card is to be kept for later payments.
pub(super) fn saves_card(intent: &PaymentIntent) -> bool {
    intent.future_usage().is_some_and(|usage| {
        matches!(usage, SetupFutureUsage::OffSession | SetupFutureUsage::OnSession)
    })
}

/// A way back is needed where methods that send the customer away are allowed.
pub(super) fn check_return_url(
    intent: &PaymentIntent,
    shown_as: Option<&PaymentIntent>,
) -> Result<(), ApiError> {
    let automatic = intent.details.automatic_payment_methods;
    let redirects = automatic.is_some_and(|methods| {
        methods.enabled && methods.allow_redirects == AllowRedirects::Always
    });
    if redirects && intent.details.return_url.is_none() {
        return Err(ApiError::ReturnUrlRequired { intent: shown_as.map(shown) });
    }
    Ok(())
}
