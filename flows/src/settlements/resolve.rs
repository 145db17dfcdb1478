//! What a person found who looked at a break.

use domain::ledger::{Processor, Settled};
use domain::settlement::{Break, BreakKind, BreakStatus, Movement};
use domain::timestamp::Day;
use store::settlements::{self, Kept};
use store::{DatabaseError, Statement, ledger};

use super::{cause, does_not_fit, find_break, is_of_open_line};
use crate::{Context, Failure, Platform};

/// What becomes of a break.
#[derive(Clone, Debug)]
pub struct Resolve {
    /// Whether what only one side knows is booked against the suspense account.
    pub books: bool,
    /// What was found.
    pub note: String,
}

/// Resolves a break.
///
/// # Errors
/// When there is none, it is not open, or there is nothing to be booked.
pub async fn resolve<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    resolve: &Resolve,
) -> Result<Break, Failure> {
    let mut found = find_break(context, id).await?;
    match (found.status, &found.note) {
        (BreakStatus::Open, _) => {}
        // A client whose answer was lost asks again.
        (BreakStatus::Resolved, Some(note)) if *note == resolve.note => return Ok(found),
        _ => return Err(does_not_fit("This settlement break is not open.")),
    }
    let mut batch = settlements::resolve(found.id.as_str(), &resolve.note).to_vec();
    if resolve.books {
        batch.extend(write_off(context, &found).await?);
    }
    match context.batch(batch).await {
        Ok(_) => {
            found.status = BreakStatus::Resolved;
            found.note = Some(resolve.note.clone());
            Ok(found)
        }
        Err(DatabaseError::Guard(_)) => Err(domain::ApiError::LockTimeout.into()),
        Err(error) => Err(error.into()),
    }
}

/// Books what only one side knows against the suspense account, so that the processor's balance and its clearing account
/// are as they are there.
async fn write_off<P: Platform>(
    context: &Context<'_, P>,
    found: &Break,
) -> Result<Vec<Statement>, Failure> {
    let (account, subject) = (&found.connector_account, found.subject.as_str());
    let processor = |currency| Processor { name: account.as_str().to_owned(), currency };
    let (livemode, now) = (context.scope.livemode, context.now);
    if found.kind == BreakKind::MissingExternal {
        let find = settlements::find_expected(account, subject);
        let movement: Option<Movement> = context.find(find).await?;
        let movement = movement.ok_or_else(|| does_not_fit("It is not in the books."))?;
        let owed: (Day, _) = (movement.day, movement.amount);
        let posted =
            processor(movement.currency).never_settled(cause(account, subject, 1), owed)?;
        let mut batch = ledger::post(livemode, &posted, now);
        batch.extend(settlements::settle(account, &movement));
        return Ok(batch);
    }
    if !is_of_open_line(found.kind) {
        return Err(does_not_fit("What differs is booked already."));
    }
    let kept: Option<Kept> = context.find(settlements::find_line(account, subject)).await?;
    let kept = kept.ok_or_else(|| does_not_fit("The processor does not report it."))?;
    let line = &kept.line;
    let settled = Settled { gross: line.gross, fee: line.fee, net: line.net };
    let processor = processor(line.currency);
    let cause = cause(account, subject, kept.bookings.saturating_add(1));
    let posted = processor.reported(cause, (processor.unexplained(), line.gross), &settled)?;
    let mut batch = ledger::post(livemode, &posted, now);
    batch.extend(settlements::book(account, &kept, None));
    Ok(batch)
}
