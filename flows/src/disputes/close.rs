//! Closing a dispute: the merchant accepts it. A chargeback is lost; an inquiry is over.

use domain::ApiError;
use domain::dispute::Dispute;
use domain::event::{EventType, Transition};
use domain::resource::Json;
use store::DatabaseError;

use super::{Loaded, MAX_TRIES, answered, load, moved, must_be_answered_here, no_such, shown};
use crate::{Context, Failure, Platform};

/// Accepts a dispute, and shows it.
///
/// # Errors
/// When there is none, or it was answered or is over.
pub async fn close<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Json, Failure> {
    let (transition, event) = (Transition::DisputeClosed, EventType::ChargeDisputeClosed);
    for _ in 0..MAX_TRIES {
        let Loaded { earlier, pair } = load(context, id, transition, event).await?;
        if let Some(event) = earlier {
            return answered(&event);
        }
        let (before, charge) = pair.ok_or_else(|| no_such(id))?;
        must_be_answered_here(&before)?;
        let next = before.status.accepted().ok_or_else(|| refused(&before))?;
        let (batch, after) = moved(context, &before, before.clone(), charge, next)?;
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

fn refused(dispute: &Dispute) -> ApiError {
    let id = &dispute.id;
    ApiError::StateConflict {
        message: if dispute.status.is_over() {
            format!("The dispute {id} is already closed.")
        } else {
            format!("The dispute {id} cannot be closed while its evidence is under review.")
        },
    }
}
