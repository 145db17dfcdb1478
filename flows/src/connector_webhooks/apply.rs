//! What a notice says is done: each kind of object through the flow that its own requests take.

use connectors::webhook::{Disputed, Notice, Subject};
use connectors::{Connector, LookUp, Operation};
use domain::attempt::{Attempt, AttemptState, Request};
use domain::charge::Charge;
use domain::connector_account::ConnectorAccount;
use domain::id::{AttemptId, Id};
use domain::money::{Amount, Money};
use domain::refund::{Refund, Status};
use store::{Rows, attempts};

use super::Verdict;
use crate::disputes;
use crate::operations::{self, Held};
use crate::refunds::{self, Elsewhere, made_elsewhere};
use crate::{Context, Failure, Platform};

/// Does what a notice says.
///
/// # Errors
/// When the database or the processor does not answer.
pub(super) async fn apply<P: Platform>(
    context: &Context<'_, P>,
    connector: Connector,
    account: &ConnectorAccount,
    notice: &Notice,
) -> Result<Verdict, Failure> {
    if notice.livemode.is_some_and(|livemode| livemode != context.scope.livemode) {
        return Ok(parked("It is of the other mode than the connector account."));
    }
    let within = account.details.processor_account.as_deref();
    if notice.within.as_deref().is_some_and(|told| Some(told) != within) {
        return Ok(Verdict::Nothing);
    }
    let told = Told { context, connector, account, notice };
    match &notice.subject {
        Subject::Payment { key, reference } => told.payment(key.as_deref(), reference).await,
        Subject::Refund { key, reference, payment, amount } => {
            told.refund(key.as_deref(), reference, payment.as_deref(), *amount).await
        }
        Subject::Refunds { payment, total } => told.refunds(payment, *total).await,
        Subject::Dispute(disputed) => told.dispute(disputed).await,
        Subject::DisputeUnread => {
            Ok(parked("A dispute stands there as nothing that is known here."))
        }
        Subject::Nothing => Ok(Verdict::Nothing),
        // No alert comes of this one, nor of a payment that others made: `migrations/0040_alerts.sql` names both.
        Subject::Unknown => Ok(parked("Nothing of this kind, or in this shape, is known here.")),
    }
}

fn parked(problem: impl Into<String>) -> Verdict {
    Verdict::Parked { problem: problem.into(), may_help_later: false }
}

/// Its payment may be recorded in a moment.
fn parked_for_now(problem: impl Into<String>) -> Verdict {
    Verdict::Parked { problem: problem.into(), may_help_later: true }
}

/// A notice, and where it came from.
struct Told<'a, P> {
    context: &'a Context<'a, P>,
    connector: Connector,
    account: &'a ConnectorAccount,
    notice: &'a Notice,
}

/// A payment that is named by its processor's reference alone.
enum Named {
    /// It was made, and this is its charge.
    Made(Box<Charge>),
    /// It came to nothing: the books know nothing of it, and what it may have left there is taken back.
    GivenUp(AttemptId),
    /// Nobody knows it, or knows yet what became of it.
    Unknown,
}

impl<P: Platform> Told<'_, P> {
    async fn payment(&self, key: Option<&str>, reference: &str) -> Result<Verdict, Failure> {
        let by_key = match key {
            Some(key) => self.attempt(key).await?,
            None => None,
        };
        let held = match by_key {
            Some(held) => Some(held),
            None => self.by_reference(reference).await?,
        };
        let Some(held) = held.filter(|held| matches!(held.attempt.request, Request::Authorize(_)))
        else {
            return match key.and_then(|key| AttemptId::parse(key).ok()) {
                // Whoever made it may have an account there as well.
                Some(id)
                    if self.context.find::<Attempt>(attempts::find_by_id(&id)).await?.is_none() =>
                {
                    Ok(parked_for_now(format!("It was paid under {id}, which nobody knows here.")))
                }
                // No alert comes of this one: others pay there, too.
                _ => Ok(parked("No payment of this name was made here.")),
            };
        };
        let (context, connector) = (self.context, self.connector);
        let heard = operations::hear_of_payment(context, connector, held, self.notice, reference);
        Ok(Box::pin(heard).await?.map_or(Verdict::Nothing, parked_for_now))
    }

    async fn refund(
        &self,
        key: Option<&str>,
        reference: &str,
        payment: Option<&str>,
        amount: Option<Money>,
    ) -> Result<Verdict, Failure> {
        let (context, connector) = (self.context, self.connector);
        if let Some(key) = key
            && let Some(held) = self.attempt(key).await?
        {
            let heard =
                operations::hear_of_refund(context, connector, held, self.notice, reference);
            return Ok(heard.await?.map_or(Verdict::Nothing, parked_for_now));
        }
        let Some(payment) = payment else { return Ok(parked("It names no payment.")) };
        let charge = match self.named(payment).await? {
            Named::Made(charge) => *charge,
            // It is how we took it back ourselves.
            Named::GivenUp(_) => return Ok(Verdict::Nothing),
            Named::Unknown => return Ok(unknown_payment(payment)),
        };
        let known = refunds::known_as(context, &charge.id, reference).await?;
        let Some(amount) = amount else { return Ok(parked("It says no amount.")) };
        let question = LookUp {
            key: reference,
            operation: Operation::Refund,
            amount,
            captured: Amount::ZERO,
            is_instead: false,
            payment: Some(payment),
            reference: Some(reference),
        };
        // What was let go of uncaptured may be told of as a refund, which its notice does not tell it from.
        let said = match known.is_none() && charge.captured < charge.amount.amount {
            true => Box::pin(operations::asked(context, &self.account.id, question)).await?,
            false => connector.heard(&question, self.notice),
        };
        match (known, operations::refund_told(said)) {
            (Some(known), _) if known.pending_operation.is_some() => {
                Ok(parked_for_now("It may be the refund that is under way."))
            }
            // Another secret may be allowed to ask.
            (_, None) => {
                Ok(parked_for_now("It was made by somebody else, and nobody says how it stands."))
            }
            (Some(known), Some((status, why))) if known.amount == amount => {
                refunds::told(context, known.id.as_str(), status, why).await?;
                Ok(Verdict::Nothing)
            }
            (Some(known), _) => Ok(parked(format!("{} is another amount.", known.id))),
            (None, Some((Status::Failed | Status::Canceled, _))) => Ok(Verdict::Nothing),
            (None, Some((status, _))) => {
                let told = Elsewhere { key, reference, amount, status };
                match made_elsewhere(context, charge, &told).await? {
                    Some(problem) => Ok(parked_for_now(problem)),
                    None => Ok(Verdict::Done),
                }
            }
        }
    }

    /// Each refund is told of by itself, too: a sum is only compared.
    async fn refunds(&self, payment: &str, total: Money) -> Result<Verdict, Failure> {
        let charge = match self.named(payment).await? {
            Named::Made(charge) => charge,
            Named::GivenUp(_) => return Ok(Verdict::Nothing),
            Named::Unknown => return Ok(unknown_payment(payment)),
        };
        let known = Money { amount: charge.refunded, currency: charge.amount.currency };
        if total.currency == known.currency && total.amount <= self.ever_refunded(&charge).await? {
            return Ok(Verdict::Nothing);
        }
        let [told, known] =
            [total, known].map(|sum| format!("{} {}", sum.amount.minor_units(), sum.currency));
        let problem = format!("{told} went back there, and {known} of {} here.", charge.id);
        Ok(parked_for_now(problem))
    }

    /// What went back of a charge, with what was on its way and failed since: an old sum counts that as well. Of what
    /// was given up here alone, its processor never told that it failed.
    async fn ever_refunded(&self, charge: &Charge) -> Result<Amount, Failure> {
        let mut sum = charge.refunded;
        let find = store::refunds::find_failed(&self.context.scope, charge.id.as_str());
        if let Some(Rows(failed)) = self.context.batch(vec![find]).await?.first() {
            for failed in failed {
                let failed = Refund::try_from(failed)?;
                if failed.details.processor_reference.is_some() {
                    sum = sum.plus(failed.amount.amount)?;
                }
            }
        }
        Ok(sum)
    }

    async fn dispute(&self, disputed: &Disputed) -> Result<Verdict, Failure> {
        let charge = match self.named(&disputed.payment).await? {
            Named::Made(charge) => charge,
            Named::GivenUp(id) => {
                return Ok(parked(format!("It is about {id}, a payment that came to nothing.")));
            }
            Named::Unknown => return Ok(unknown_payment(&disputed.payment)),
        };
        Ok(match disputes::told(self.context, &charge, disputed, self.notice.created).await? {
            disputes::Told::Recorded => Verdict::Done,
            disputes::Told::Known => Verdict::Nothing,
            disputes::Told::Contradicted(problem) => parked_for_now(problem),
        })
    }

    /// The attempt that our own key names, if it was made at this account.
    async fn attempt(&self, key: &str) -> Result<Option<Held>, Failure> {
        let Ok(id) = AttemptId::parse(key) else { return Ok(None) };
        let held = operations::load(self.context, &id).await?;
        Ok(held.filter(|held| held.attempt.connector_account.as_ref() == Some(&self.account.id)))
    }

    async fn by_reference(&self, reference: &str) -> Result<Option<Held>, Failure> {
        let (scope, account) = (&self.context.scope, self.account.id.as_str());
        let find = attempts::find_by_reference(scope, account, reference);
        match self.context.find::<Attempt>(find).await? {
            Some(attempt) => operations::load(self.context, &attempt.id).await,
            None => Ok(None),
        }
    }

    async fn named(&self, payment: &str) -> Result<Named, Failure> {
        let Some(held) = self.by_reference(payment).await? else { return Ok(Named::Unknown) };
        Ok(match (held.attempt.state, held.charge) {
            (AttemptState::Succeeded, Some(charge)) => Named::Made(Box::new(charge)),
            (AttemptState::Failed | AttemptState::Canceled, _) => Named::GivenUp(held.attempt.id),
            _ => Named::Unknown,
        })
    }
}

fn unknown_payment(payment: &str) -> Verdict {
    parked_for_now(format!("No payment that is {payment} there is known here."))
}
