//! Payouts: money goes to the merchant's bank.

mod advance;
mod books;
mod cancel;
mod create;
mod reverse;
mod scheduled;
mod update;

use connectors::simulator;
use domain::ApiError;
use domain::bank_account::BankAccount;
use domain::event::Transition;
use domain::payout::{Method, Payout};
use domain::resource::{self, value};
use domain::timestamp::Timestamp;
use store::scheduled_tasks::{self, Kind, Task};
use store::{Rows, Statement, bank_accounts, payouts};

use crate::announce::{Subjects, events, previous_attributes};
use crate::context::first;
use crate::{Context, Failure, Platform};

pub use advance::{advance, fail};
pub use cancel::cancel;
pub use create::{Create, create};
pub use reverse::reverse;
pub use scheduled::run_due;
pub use update::update;

/// How often a change is decided anew because what it rests on changed meanwhile.
const MAX_TRIES: usize = 10;

/// Finds a payout that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Payout, Failure> {
    context.find(payouts::find(&context.scope, id)).await?.ok_or_else(|| no_such(id).into())
}

/// Reads a payout and the bank account that it goes to, and whatever else is to be read at the same moment.
async fn load<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    more: Vec<Statement>,
) -> Result<(Option<(Payout, BankAccount)>, Vec<Rows>), Failure> {
    let scope = &context.scope;
    let mut reading = vec![payouts::find(scope, id), bank_accounts::find_of_payout(scope, id)];
    reading.extend(more);
    let results = context.batch(reading).await?;
    Ok((first(&results, 0)?.zip(first(&results, 1)?), results))
}

/// Finds the payout whose balance transactions are asked for.
///
/// # Errors
/// When there is none, or the merchant asked for it: it carries an amount, and no transactions.
pub async fn find_carrier<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<Payout, Failure> {
    let found: Option<Payout> = context.find(payouts::find(&context.scope, id)).await?;
    let Some(payout) = found else {
        return Err(ApiError::NoSuchObject {
            kind: "payout",
            id: id.to_owned(),
            param: "payout".to_owned(),
            in_path: false,
        }
        .into());
    };
    if !payout.automatic {
        return Err(ApiError::StateConflict {
            message:
                "Balance transaction history can only be filtered on automatic transfers, not \
                      manual."
                    .to_owned(),
        }
        .into());
    }
    Ok(payout)
}

/// The error for a payout that does not exist.
pub fn no_such(id: &str) -> ApiError {
    ApiError::NoSuchObject {
        kind: "payout",
        id: id.to_owned(),
        param: "payout".to_owned(),
        in_path: true,
    }
}

/// When the simulator tells its bank of a payout, and when the bank has it. Until the end of its day a
/// standard payout can be canceled.
fn dates(method: Method, now: Timestamp) -> (Timestamp, Timestamp) {
    match method {
        Method::Standard => (now.day().plus(1).start(), now.day().plus(2).start()),
        Method::Instant => {
            let leaves_at = now.plus(simulator::DELAY);
            (leaves_at, leaves_at.plus(simulator::DELAY))
        }
    }
}

/// The statement that plans the next step of a payout.
fn plan<P: Platform>(context: &Context<'_, P>, payout: &Payout, due_at: Timestamp) -> Statement {
    // A step that is late may plan the next one for the very second of its own task, whose end would
    // strike both off.
    let due_at = due_at.max(context.now.plus(1));
    context.platform.wake(due_at);
    scheduled_tasks::insert(&Task {
        due_at,
        kind: Kind::AdvancePayout,
        subject: payout.id.as_str().to_owned(),
        scope: context.scope.clone(),
        tries: 0,
    })
}

/// The events that tell how a payout changed.
fn announce<P: Platform>(
    context: &Context<'_, P>,
    transition: Transition,
    before: Option<&Payout>,
    after: &Payout,
) -> Vec<Statement> {
    let shown = |payout: &Payout| value(&resource::payout::Resource::from(payout));
    let previous = before.and_then(|before| previous_attributes(&shown(before), &shown(after)));
    let subjects = Subjects { payout: Some(after), ..Subjects::default() };
    events(context, transition, subjects, previous)
}
