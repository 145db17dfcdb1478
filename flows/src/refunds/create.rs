//! Creating a refund: the money is set aside on the charge first, so that no two refunds can give
//! back the same cent, and goes back then.

use domain::attempt::{Attempt, AttemptState, Request, Resolution};
use domain::charge::{Charge, RefundRefusal};
use domain::id::RefundId;
use domain::money::{Amount, Money};
use domain::refund::{Details, Reason, Refund, Status};
use domain::{ApiError, Metadata};
use store::{DatabaseError, charges, refunds};

use crate::operations::{self, Held};
use crate::{Context, Failure, Platform};

/// How often a refund is decided anew because its charge changed meanwhile.
const MAX_TRIES: usize = 10;

/// Money that is to go back.
#[derive(Clone, Debug)]
pub struct Create {
    /// The charge; or else its intent.
    pub charge: Option<String>,
    /// The intent whose newest charge is meant.
    pub payment_intent: Option<String>,
    /// Minor units; all that is left unless said.
    pub amount: Option<i64>,
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
/// When the charge does not allow it, or there is none.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
) -> Result<Refund, Failure> {
    refund_of(operations::once(context, async || begin(context, create).await).await?)
}

async fn begin<P: Platform>(context: &Context<'_, P>, create: &Create) -> Result<Held, Failure> {
    for _ in 0..MAX_TRIES {
        let charge = charge_of(context, create).await?;
        if let Some(held) = start(context, charge, create).await? {
            return operations::settle(context, held).await;
        }
    }
    Err(ApiError::LockTimeout.into())
}

fn refund_of(held: Held) -> Result<Refund, Failure> {
    held.refund.ok_or_else(|| Failure::Bug(format!("{} lost its refund", held.attempt.id)))
}

/// The charge that is meant.
async fn charge_of<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
) -> Result<Charge, Failure> {
    let missing = |kind: &'static str, id: &str, param: &str| ApiError::NoSuchObject {
        kind,
        id: id.to_owned(),
        param: param.to_owned(),
        in_path: false,
    };
    let (statement, error) = match (&create.charge, &create.payment_intent) {
        (Some(charge), _) => {
            (charges::find(&context.scope, charge), missing("charge", charge, "charge"))
        }
        (None, Some(intent)) => {
            let found = crate::payment_intents::find(context, intent).await;
            if let Err(Failure::Api(_)) = &found {
                return Err(missing("payment_intent", intent, "payment_intent").into());
            }
            let intent = found?;
            let id = intent.id.as_str();
            let error = ApiError::StateConflict {
                message: format!(
                    "This PaymentIntent ({id}) does not have a successful charge to refund."
                ),
            };
            (charges::find_latest_of_intent(&context.scope, id), error)
        }
        (None, None) => {
            return Err(ApiError::MissingOneOf {
                message: "One of the following params should be provided for this request: \
                          payment_intent or charge."
                    .to_owned(),
                param: "payment_intent".to_owned(),
            }
            .into());
        }
    };
    Ok(context.find(statement).await?.ok_or(error)?)
}

/// Sets the money aside; nothing when the charge changed meanwhile.
async fn start<P: Platform>(
    context: &Context<'_, P>,
    mut charge: Charge,
    create: &Create,
) -> Result<Option<Held>, Failure> {
    let wanted = match create.amount {
        Some(amount) if amount < 1 => {
            return Err(ApiError::AmountNotPositive { param: "amount".to_owned() }.into());
        }
        Some(amount) => Some(Amount::new(amount).map_err(|_| too_much(&charge, amount))?),
        None => None,
    };
    let amount = charge.reserve_refund(wanted).map_err(|refusal| {
        refused(&charge, refusal, wanted.unwrap_or(Amount::ZERO).minor_units())
    })?;
    let amount = Money { amount, currency: charge.amount.currency };
    let refund = new_refund(context, &charge, amount, create);
    let attempt = new_attempt(context, &charge, &refund);
    let mut refund = refund;
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
        Err(DatabaseError::Guard(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
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
    Attempt {
        id: context.ids.derive("attempt"),
        livemode: context.scope.livemode,
        state: AttemptState::Started,
        connector: connectors::simulator::NAME.to_owned(),
        processor_reference: None,
        payment_intent: charge.payment_intent.clone(),
        charge: Some(charge.id.clone()),
        amount: refund.amount,
        request: Request::Refund { refund: refund.id.clone() },
        resolution: Resolution::default(),
        created: context.now,
    }
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
        RefundRefusal::NotCaptured => ApiError::ChargeNotCaptured { charge: id },
        RefundRefusal::AlreadyRefunded => ApiError::ChargeAlreadyRefunded { charge: id },
        RefundRefusal::Disputed => ApiError::ChargeDisputed { charge: id },
        RefundRefusal::TooMuch { .. } => too_much(charge, amount),
    }
}
