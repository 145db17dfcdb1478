//! Creating a charge without an intent: a card is charged, or its money held, at once.

use domain::ApiError;
use domain::attempt::{Attempt, Authorize, Purpose};
use domain::charge::{Charge, Details};
use domain::id::{ChargeId, CustomerId};
use domain::money::Money;
use domain::payment_method::PaymentMethod;
use store::{DatabaseError, Statement, connector_accounts, customers, payment_methods, tokens};

use super::source::{self, Source};
use crate::context::first;
use crate::descriptors;
use crate::operations::{self, Asking, Held};
use crate::payment_intents::no_such_customer;
use crate::payment_methods::{Chosen, choose};
use crate::{Context, Failure, Platform};

/// A charge that is to be made.
#[derive(Clone, Debug)]
pub struct Create {
    /// How much.
    pub amount: Money,
    /// Whether the money is taken at once, or only held.
    pub capture: bool,
    /// Who pays.
    pub customer: Option<CustomerId>,
    /// With what; with the card that the customer keeps for this unless said.
    pub source: Option<String>,
    /// What the charge says of itself.
    pub details: Details,
}

/// Creates a charge.
///
/// # Errors
/// When the card is refused, or something that the request names does not exist.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
) -> Result<Charge, Failure> {
    if context.resumes
        && let Some(held) = operations::begun_before(context).await?
    {
        return operations::answer_charge(
            operations::settle(context, held, Asking::default()).await?,
        );
    }
    operations::check_may_begin(context)?;
    let details = &create.details;
    create.amount.check_application_fee(details.application_fee_amount)?;
    descriptors::check("statement_descriptor", details.statement_descriptor.as_deref())?;
    let suffix = details.statement_descriptor_suffix.as_deref();
    descriptors::check("statement_descriptor_suffix", suffix)?;
    let source =
        source::choose(context, create.source.as_deref(), create.customer.as_ref()).await?;
    let mut attempt = new_attempt(context, create, &source).await?;
    let batch = starting(context, create, &source, &attempt);
    let held = match context.batch(batch).await {
        Ok(results) => {
            let payment_method = match source.method {
                Chosen::New { method, .. } => Some(*method),
                Chosen::Existing { .. } => first(&results, results.len().saturating_sub(1))?,
            };
            attempt.take_token(payment_method.as_ref());
            Held { attempt, payment_intent: None, charge: None, refund: None, payment_method }
        }
        Err(error) => {
            let held = not_started(context, create, &source, error).await?;
            let held = operations::settle(context, held, Asking::default()).await?;
            return operations::answer_charge(held);
        }
    };
    operations::answer_charge(operations::settle(context, held, Asking::first()).await?)
}

async fn new_attempt<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
    source: &Source,
) -> Result<Attempt, Failure> {
    let mut details = create.details.clone();
    details.source = Some(source.shown.clone());
    let charge: ChargeId = context.ids.derive("charge");
    details.receipt_url = Some(operations::receipt_url(context, &context.origin, &charge));
    // What its customer keeps is charged as in their absence, which nothing says; whoever gives a card is there.
    let off_session = create.customer.is_some();
    let asked = (off_session, Some(&source.method));
    let (amount, metadata) = (create.amount, &create.details.metadata);
    let to = operations::route(context, charge.as_str(), amount, metadata, asked).await?;
    let authorize = Authorize {
        charge,
        capture: create.capture,
        off_session,
        wants_challenge: false,
        // A charge has no way to wait for somebody who is to prove something.
        error_on_requires_action: true,
        payment_method: source.method.id().clone(),
        customer: create.customer.clone(),
        saves_card: false,
        calculated_statement_descriptor: descriptors::calculated(
            &context.merchant_name,
            details.statement_descriptor.as_deref(),
            details.statement_descriptor_suffix.as_deref(),
        ),
        challenge: None,
        challenged_at: None,
        with_cvc: false,
        remembers: false,
        purpose: Purpose::new(),
        terms: context.terms.clone(),
        route: None,
        legacy_charge: Some(details),
    };
    Ok(operations::start_authorization(context, None, amount, authorize, to))
}

/// The batch that writes the attempt. Its last statement finds a card that exists already.
fn starting<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
    source: &Source,
    attempt: &Attempt,
) -> Vec<Statement> {
    let scope = &context.scope;
    let customer = create.customer.as_ref().map(CustomerId::as_str);
    let mut batch: Vec<_> =
        customer.map(|customer| customers::must_exist(scope, customer)).into_iter().collect();
    batch.extend(source.method.statements(scope, customer));
    batch.extend(operations::write_attempt(context, attempt));
    if let Chosen::Existing { id, .. } = &source.method {
        batch.push(payment_methods::find(scope, id.as_str()));
    }
    batch
}

/// What an earlier run of this request has started after all, or why nothing could be.
async fn not_started<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
    source: &Source,
    error: DatabaseError,
) -> Result<Held, Failure> {
    let name = match &error {
        DatabaseError::Exists(_) => "",
        DatabaseError::Guard(name) => name.as_str(),
        _ => return Err(error.into()),
    };
    if let Some(held) = operations::begun_before(context).await? {
        return Ok(held);
    }
    let customer = create.customer.as_ref();
    match name {
        customers::EXISTS_GUARD => {
            let id = customer.map(CustomerId::as_str).unwrap_or_default();
            Err(no_such_customer(id).into())
        }
        tokens::UNUSED_GUARD => {
            let token = create.source.clone().unwrap_or_default();
            Err(ApiError::TokenAlreadyUsed { token }.into())
        }
        payment_methods::USABLE_GUARD => {
            let id = source.method.id().as_str();
            let found: Option<PaymentMethod> =
                context.find(payment_methods::find(&context.scope, id)).await?;
            let method = found.ok_or_else(|| choose::no_such(id, "source"))?;
            choose::check_usable(&method, customer)?;
            // It became usable in this very moment.
            Err(ApiError::LockTimeout.into())
        }
        connector_accounts::ACTIVE_GUARD => Err(ApiError::LockTimeout.into()),
        _ => Err(error.into()),
    }
}
