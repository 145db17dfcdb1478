//! Creating a refund: the money is set aside on the charge first, so that no two refunds can give
//! back the same cent, and goes back then.

use domain::attempt::{Attempt, Request};
use domain::charge::{self, Charge, RefundRefusal};
use domain::id::{AttemptId, RefundId};
use domain::money::{Amount, Currency, Money};
use domain::payment_intent::PaymentIntent;
use domain::refund::{Details, Reason, Refund, Status};
use domain::{ApiError, Metadata};
use store::{DatabaseError, Rows, Statement, attempts, charges, payment_intents, refunds};

use crate::context::first;
use crate::operations::{self, Asking, Held};
use crate::platform::PlatformError;
use crate::{Context, Failure, Platform};

/// How often a refund is decided anew because its charge changed meanwhile.
const MAX_TRIES: usize = 10;

/// Money that is to go back.
#[derive(Clone, Debug)]
pub struct Create {
    /// The charge; or else its intent.
    pub charge: Option<String>,
    /// Whether the request names the charge in its path.
    pub charge_in_path: bool,
    /// The intent whose newest charge is meant.
    pub payment_intent: Option<String>,
    /// Minor units; all that is left unless said.
    pub amount: Option<i64>,
    /// The currency, which can only be the charge's.
    pub currency: Option<Currency>,
    /// Why.
    pub reason: Option<Reason>,
    /// The merchant's own pairs.
    pub metadata: Metadata,
    /// Where the customer is told how to get it.
    pub instructions_email: Option<String>,
}

/// Creates a refund.
///
/// # Errors
/// When the charge does not allow it, or there is none; while nothing may begin.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
) -> Result<Refund, Failure> {
    let attempt: AttemptId = context.ids.derive("attempt");
    for _ in 0..MAX_TRIES {
        // All are read at one moment: either an earlier run of this request has set the money
        // aside, or the charge is as no run of it has left it.
        let results = context.batch(reading(context, create, &attempt)?).await?;
        if results.first().and_then(Rows::first).is_some() {
            return refund_of(operations::finish(context, &attempt).await?);
        }
        if context.platform.is_closed() {
            let problem = "it is closed, and no refund begins".to_owned();
            return Err(PlatformError { part: "database", problem }.into());
        }
        let charge = charge_of(create, first(&results, 1)?, first(&results, 2)?)?;
        if let Some(held) = start(context, charge, create, &attempt).await? {
            return refund_of(operations::settle(context, held, Asking::first()).await?);
        }
    }
    Err(ApiError::LockTimeout.into())
}

fn refund_of(held: Held) -> Result<Refund, Failure> {
    held.refund.ok_or_else(|| Failure::Bug(format!("{} lost its refund", held.attempt.id)))
}

/// The statements that find the attempt of this request, the charge that it means, and the intent
/// that it names.
fn reading<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
    attempt: &AttemptId,
) -> Result<Vec<Statement>, ApiError> {
    let scope = &context.scope;
    let intent = create.payment_intent.as_deref();
    let charge = match (&create.charge, intent) {
        (Some(charge), _) => charges::find(scope, charge),
        (None, Some(intent)) => charges::find_latest_of_intent(scope, intent),
        (None, None) => {
            return Err(ApiError::MissingOneOf {
                message: "One of the following params should be provided for this request: \
                          payment_intent or charge."
                    .to_owned(),
                param: "payment_intent".to_owned(),
            });
        }
    };
    let mut statements = vec![attempts::find(scope, attempt), charge];
    statements.extend(intent.map(|intent| payment_intents::find(scope, intent)));
    Ok(statements)
}

/// The charge that is meant.
fn charge_of(
    create: &Create,
    charge: Option<Charge>,
    intent: Option<PaymentIntent>,
) -> Result<Charge, ApiError> {
    let missing = |kind: &'static str, id: &str, in_path: bool| ApiError::NoSuchObject {
        kind,
        id: id.to_owned(),
        param: kind.to_owned(),
        in_path,
    };
    if let Some(id) = &create.payment_intent
        && intent.is_none()
    {
        return Err(missing("payment_intent", id, false));
    }
    let charge = match (&create.charge, charge) {
        (Some(id), None) => return Err(missing("charge", id, create.charge_in_path)),
        (None, None) => return Err(unpaid(intent.as_ref())),
        (_, Some(charge)) => charge,
    };
    if intent.is_some() && charge.payment_intent != intent.as_ref().map(|i| i.id.clone()) {
        return Err(ApiError::ParameterInvalid {
            param: "payment_intent".to_owned(),
            message: format!("Charge {} was not made for this PaymentIntent.", charge.id),
        });
    }
    if charge.status != charge::Status::Succeeded {
        return Err(match &create.charge {
            None => unpaid(intent.as_ref()),
            Some(id) => ApiError::StateConflict {
                message: format!("Charge {id} did not succeed, so there is nothing to refund."),
            },
        });
    }
    Ok(charge)
}

fn unpaid(intent: Option<&PaymentIntent>) -> ApiError {
    let id = intent.map(|intent| intent.id.as_str()).unwrap_or_default();
    ApiError::StateConflict {
        message: format!("This PaymentIntent ({id}) does not have a successful charge to refund."),
    }
}

/// Sets the money aside; nothing when the charge changed meanwhile.
async fn start<P: Platform>(
    context: &Context<'_, P>,
    mut charge: Charge,
    create: &Create,
    id: &AttemptId,
) -> Result<Option<Held>, Failure> {
    let amount = set_aside(&mut charge, create, id)?;
    if create.reason == Some(Reason::Fraudulent) {
        charge.details.fraud_details.user_report = Some("fraudulent".to_owned());
    }
    let mut refund = new_refund(context, &charge, amount, create);
    refund.details.fee_returned = charge.return_fee();
    let attempt = new_attempt(context, &charge, &refund);
    refund.pending_operation = Some(attempt.id.clone());
    let mut batch = charges::update(&mut charge).to_vec();
    batch.push(refunds::insert(&context.scope, &refund));
    batch.extend(operations::write_attempt(context, &attempt));
    match context.batch(batch).await {
        Ok(_) => Ok(Some(Held {
            attempt,
            payment_intent: None,
            charge: Some(charge),
            refund: Some(refund),
            payment_method: None,
        })),
        Err(DatabaseError::Guard(_) | DatabaseError::Exists(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Sets money aside on a charge; one without an intent that only holds its money is held itself, so
/// that the money is let go of.
fn set_aside(charge: &mut Charge, create: &Create, attempt: &AttemptId) -> Result<Money, ApiError> {
    let currency = charge.amount.currency;
    if let Some(other) = create.currency.filter(|other| *other != currency) {
        return Err(ApiError::ParameterInvalid {
            param: "currency".to_owned(),
            message: format!("The charge is in {currency}, so it cannot be refunded in {other}."),
        });
    }
    let wanted = match create.amount {
        Some(amount) if amount < 1 => {
            return Err(ApiError::AmountNotPositive { param: "amount".to_owned() });
        }
        Some(amount) => Some(Amount::new(amount).map_err(|_| too_much(charge, amount))?),
        None => None,
    };
    if charge.details.pending_operation.is_some() {
        return Err(ApiError::LockTimeout);
    }
    if charge.is_released_by_refund() {
        let amount = charge.capturable();
        if wanted.is_some_and(|wanted| wanted != amount) {
            return Err(ApiError::ParameterInvalid {
                param: "amount".to_owned(),
                message: "You cannot partially refund an uncaptured charge. Instead, capture the \
                          charge for an amount less than the original amount."
                    .to_owned(),
            });
        }
        charge.details.pending_operation = Some(attempt.clone());
        return Ok(Money { amount, currency });
    }
    let amount = charge.reserve_refund(wanted).map_err(|refusal| {
        refused(charge, refusal, wanted.unwrap_or(Amount::ZERO).minor_units())
    })?;
    Ok(Money { amount, currency })
}

fn new_refund<P: Platform>(
    context: &Context<'_, P>,
    charge: &Charge,
    amount: Money,
    create: &Create,
) -> Refund {
    let id: RefundId = context.ids.derive("refund");
    Refund {
        id,
        livemode: context.scope.livemode,
        created: context.now,
        version: 1,
        amount,
        status: Status::Pending,
        charge: charge.id.clone(),
        payment_intent: charge.payment_intent.clone(),
        pending_operation: None,
        details: Details {
            reason: create.reason,
            metadata: create.metadata.clone(),
            instructions_email: create.instructions_email.clone(),
            ..Details::default()
        },
    }
}

fn new_attempt<P: Platform>(context: &Context<'_, P>, charge: &Charge, refund: &Refund) -> Attempt {
    let request = Request::Refund { refund: refund.id.clone() };
    operations::start(context, charge, refund.amount, request)
}

fn too_much(charge: &Charge, amount: i64) -> ApiError {
    ApiError::RefundTooLarge {
        amount,
        unrefunded: charge.refundable().minor_units(),
        currency: charge.amount.currency,
    }
}

/// What a merchant is told where a charge cannot be refunded.
fn refused(charge: &Charge, refusal: RefundRefusal, amount: i64) -> ApiError {
    let id = charge.id.as_str().to_owned();
    match refusal {
        // Without an intent there is nothing to cancel: the money was let go of before.
        RefundRefusal::NotCaptured if charge.payment_intent.is_none() => {
            ApiError::ChargeAlreadyRefunded { charge: id }
        }
        RefundRefusal::NotCaptured => ApiError::ChargeNotCaptured { charge: id },
        RefundRefusal::AlreadyRefunded => ApiError::ChargeAlreadyRefunded { charge: id },
        RefundRefusal::Disputed => ApiError::ChargeDisputed { charge: id },
        RefundRefusal::TooMuch { .. } => too_much(charge, amount),
        RefundRefusal::NotMultiple => {
            ApiError::AmountNotMultiple { currency: charge.amount.currency, param: "amount" }
        }
    }
}
