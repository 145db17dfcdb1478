//! Recovery: what a crash, a timeout or a lost answer left open is brought to its end.

use domain::attempt::AttemptState;
use domain::id::{AttemptId, Id};

use crate::operations;
use crate::{Context, Failure, Platform};

/// Brings an attempt that nobody recorded to its end, by asking the processor under its key.
///
/// # Errors
/// When the database or the processor does not answer; the attempt is looked at again later.
pub async fn recover_attempt<P: Platform>(
    context: &Context<'_, P>,
    subject: &str,
) -> Result<(), Failure> {
    let Ok(id) = AttemptId::parse(subject) else {
        return Err(Failure::Bug(format!("{subject} is no attempt")));
    };
    let Some(held) = operations::load(context, &id).await? else { return Ok(()) };
    if held.attempt.state == AttemptState::Started {
        operations::settle(context, held).await?;
    }
    Ok(())
}
