//! Updating a dispute: the merchant's pairs, and the evidence, staged or sent to the bank.

use domain::ApiError;
use domain::dispute::{Dispute, EvidenceUpdate};
use domain::event::{EventType, Transition};
use domain::metadata::MetadataUpdate;
use domain::resource::Json;
use store::{DatabaseError, disputes};

use super::{
    Loaded, MAX_TRIES, announce, answered, load, moved, must_be_answered_here, no_such, shown,
};
use crate::{Context, Failure, Platform};

/// What a request asks to change about a dispute.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each is Stripe's parameter of the same name")]
pub struct Changes {
    pub evidence: EvidenceUpdate,
    pub metadata: Option<MetadataUpdate>,
    pub submit: Option<bool>,
}

impl Changes {
    /// Whether the evidence goes to the bank: new evidence does unless it is only to be staged, and
    /// what was staged does when asked to.
    fn submits(&self) -> bool {
        self.submit.unwrap_or(!self.evidence.is_keep())
    }

    fn apply<P: Platform>(
        &self,
        context: &Context<'_, P>,
        dispute: &mut Dispute,
    ) -> Result<(), ApiError> {
        if self.submits() || !self.evidence.is_keep() {
            must_be_answered_here(dispute)?;
            if !dispute.awaits_answer(context.now) {
                return Err(too_late(dispute));
            }
        }
        let details = &mut dispute.details;
        if let Some(update) = &self.metadata {
            details.metadata = details.metadata.updated(update)?;
        }
        details.evidence = details.evidence.updated(&self.evidence)?;
        if self.submits() {
            if details.evidence.is_empty() {
                return Err(ApiError::ParameterInvalid {
                    param: "evidence".to_owned(),
                    message: "You cannot submit a dispute response without evidence.".to_owned(),
                });
            }
            details.submission_count = details.submission_count.saturating_add(1);
        }
        Ok(())
    }
}

/// Why evidence is not taken any more.
fn too_late(dispute: &Dispute) -> ApiError {
    let id = &dispute.id;
    let message = if dispute.status.is_over() {
        format!("The dispute {id} is already closed.")
    } else if dispute.status.answered().is_some() {
        format!("The deadline to submit evidence for the dispute {id} has passed.")
    } else {
        format!("Evidence for the dispute {id} has already been submitted.")
    };
    ApiError::StateConflict { message }
}

/// Updates a dispute, and shows it. An update that changes nothing is no change: nobody is told of it.
///
/// # Errors
/// When there is none, or it takes no evidence any more.
pub async fn update<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    changes: &Changes,
) -> Result<Json, Failure> {
    let (transition, event) = (Transition::DisputeUpdated, EventType::ChargeDisputeUpdated);
    for _ in 0..MAX_TRIES {
        let Loaded { earlier, pair } = load(context, id, transition, event).await?;
        if let Some(event) = earlier {
            return answered(&event);
        }
        let (before, charge) = pair.ok_or_else(|| no_such(id))?;
        let mut after = before.clone();
        changes.apply(context, &mut after)?;
        let next = before.status.answered().filter(|_| changes.submits());
        let (batch, after) = match next {
            Some(next) => moved(context, &before, after, charge, next)?,
            None if after == before => return Ok(shown(context, &after)),
            None => {
                let mut batch = disputes::update(&mut after).to_vec();
                batch.extend(announce(context, transition, &before, &after));
                (batch, after)
            }
        };
        match context.batch(batch).await {
            Ok(_) => return Ok(shown(context, &after)),
            // It changed meanwhile; or the event is there, and an earlier run of this request has
            // made the change.
            Err(DatabaseError::Guard(_) | DatabaseError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}
