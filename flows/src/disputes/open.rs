//! Opening: the simulator's cardholder disputes what was taken and not given back.

use connectors::Later;
use connectors::simulator;
use connectors::simulator::disputes::{Opening, acts_at, opening};
use domain::ApiError;
use domain::charge::Charge;
use domain::dispute::{Details, Dispute, Status};
use domain::event::Transition;
use domain::money::Money;
use store::scheduled_tasks::{self, Kind, Task};
use store::{DatabaseError, Statement, charges, disputes};

use super::{MAX_TRIES, plan_act};
use crate::announce::{Subjects, events};
use crate::{Context, Failure, Platform, ledger};

fn opening_of(charge: &Charge) -> Option<Opening> {
    charge.details.later.as_deref().and_then(Later::from_name).and_then(opening)
}

/// Plans the dispute of a charge whose money was just taken, where its card stands for one.
pub fn plan<P: Platform>(context: &Context<'_, P>, charge: &Charge) -> Option<Statement> {
    opening_of(charge)?;
    let due_at = context.now.plus(simulator::DELAY);
    context.platform.wake(due_at);
    Some(scheduled_tasks::insert(&Task {
        due_at,
        kind: Kind::OpenDispute,
        subject: charge.id.as_str().to_owned(),
        scope: context.scope.clone(),
        tries: 0,
    }))
}

/// Opens the dispute that a charge's card stands for. Where nothing is left to ask back, or it was
/// opened before, nothing happens.
///
/// # Errors
/// When the database does not answer; it is tried again later.
pub async fn open<P: Platform>(context: &Context<'_, P>, charge: &str) -> Result<(), Failure> {
    for _ in 0..MAX_TRIES {
        let found: Option<Charge> = context.find(charges::find(&context.scope, charge)).await?;
        let Some(charge) = found else { return Ok(()) };
        let Some(opening) = opening_of(&charge) else { return Ok(()) };
        if charge.details.dispute.is_some() || charge.refundable().is_zero() {
            return Ok(());
        }
        match context.batch(opened(context, charge, opening)?).await {
            Ok(_) | Err(DatabaseError::Exists(_)) => return Ok(()),
            // A refund was faster: less is left, or nothing.
            Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Opens the dispute of a charge, or of an intent's newest one, that the simulator would open within
/// seconds: the Stripe CLI's fixtures ask for it straight after the payment. Says whether it did.
///
/// # Errors
/// When the database does not answer.
pub async fn open_for<P: Platform>(
    context: &Context<'_, P>,
    charge: Option<&str>,
    intent: Option<&str>,
) -> Result<bool, Failure> {
    let scope = &context.scope;
    let finding = match (charge, intent) {
        (Some(charge), _) => charges::find(scope, charge),
        (None, Some(intent)) => charges::find_latest_of_intent(scope, intent),
        (None, None) => return Ok(false),
    };
    let found: Option<Charge> = context.find(finding).await?;
    let Some(charge) = found.filter(|charge| opening_of(charge).is_some()) else {
        return Ok(false);
    };
    let unattended = Context::unattended(context.platform, scope.clone());
    open(&unattended, charge.id.as_str()).await?;
    Ok(true)
}

fn opened<P: Platform>(
    context: &Context<'_, P>,
    mut charge: Charge,
    opening: Opening,
) -> Result<Vec<Statement>, Failure> {
    let mut dispute = new_dispute(context, &charge, opening);
    dispute.details.acts_at = acts_at(&dispute, context.now);
    open_as(context, &mut charge, &mut dispute)
}

/// The statements that open a dispute as it stands: a chargeback takes its money at once.
pub(super) fn open_as<P: Platform>(
    context: &Context<'_, P>,
    charge: &mut Charge,
    dispute: &mut Dispute,
) -> Result<Vec<Statement>, Failure> {
    let (entries, transition) = if dispute.status == Status::NeedsResponse {
        (ledger::disputed(context, charge, dispute)?, Transition::DisputeOpened)
    } else {
        (Vec::new(), Transition::InquiryOpened)
    };
    charge.follow(dispute);
    // Whoever comes second is to meet its guard, and not the rows of the first.
    let mut batch = charges::update(charge).to_vec();
    batch.push(disputes::insert(&context.scope, dispute));
    batch.extend(entries);
    batch.extend(plan_act(context, dispute));
    let subjects = Subjects { dispute: Some(dispute), ..Subjects::default() };
    batch.extend(events(context, transition, subjects, None));
    Ok(batch)
}

fn new_dispute<P: Platform>(
    context: &Context<'_, P>,
    charge: &Charge,
    opening: Opening,
) -> Dispute {
    let brand = charge.details.card.as_ref().map_or("unknown", |card| card.brand.name());
    Dispute {
        id: Dispute::id_of(&charge.id),
        livemode: context.scope.livemode,
        created: context.now,
        version: 1,
        amount: Money { amount: charge.refundable(), currency: charge.amount.currency },
        status: opening.status,
        charge: charge.id.clone(),
        payment_intent: charge.payment_intent.clone(),
        charge_refunded: false,
        details: Details {
            reason: opening.reason,
            network_reason_code: opening.network_reason_code.to_owned(),
            brand: brand.to_owned(),
            due_by: Dispute::due_by(context.now),
            ..Details::default()
        },
    }
}
