//! Cards that a processor was asked to remember: it has them kept, so that later payments need no number.

use connectors::Outcome;
use domain::payment_method::PaymentMethod;
use store::scheduled_tasks::Task;
use store::{DatabaseError, payment_methods};

use super::MAX_RECORDINGS;
use super::ask::Asker;
use crate::{Context, Failure, Platform, PlatformError};

/// How often a processor that does not answer is asked before the card is not to be remembered there: for half a day.
const MOST_TRIES: i64 = 20;

/// Has a card kept where a processor was asked to remember it. Nothing is lost where it will not: payments go on with the
/// number.
///
/// # Errors
/// When the database or the processor does not answer; it is tried again later.
pub async fn keep_card<P: Platform>(context: &Context<'_, P>, task: &Task) -> Result<(), Failure> {
    for _ in 0..MAX_RECORDINGS {
        let find = payment_methods::find(&context.scope, &task.subject);
        let Some(mut method): Option<PaymentMethod> = context.find(find).await? else {
            return Ok(());
        };
        let remembered = &mut method.details.remembered;
        let Some(place) = remembered.iter().position(|known| known.customer.is_none()) else {
            return Ok(());
        };
        let Some(known) = remembered.get_mut(place) else { return Ok(()) };
        let asker = Asker::at(context, &known.connector_account).await?;
        match asker.keep(context, &known.card).await {
            Outcome::Done { reference } => known.customer = Some(reference),
            Outcome::Refused { .. } | Outcome::Declined(_) => drop(remembered.remove(place)),
            _ if task.tries >= MOST_TRIES => drop(remembered.remove(place)),
            other => {
                let problem = format!("the card is not kept yet: {other:?}");
                return Err(PlatformError { part: "processor", problem }.into());
            }
        }
        match context.batch(payment_methods::update(&mut method).to_vec()).await {
            Ok(_) | Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
