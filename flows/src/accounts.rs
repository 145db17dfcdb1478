//! Accounts that a merchant connects to its own, to transfer money to them.

use domain::ApiError;
use domain::account::Account;
use domain::money::Currency;
use domain::payout_schedule::PayoutSchedule;
use domain::pricing::Terms;
use store::{DatabaseError, accounts};

use crate::{Context, Failure, Platform};

/// How many idempotency objects share the keys of a connected account.
const IDEMPOTENCY_SHARDS: u32 = 8;

/// An account that is to be connected.
#[derive(Clone, Debug)]
pub struct Create {
    /// Two letters.
    pub country: String,
    /// What it settles in unless said otherwise.
    pub default_currency: Currency,
    /// Where its owner reads mail.
    pub email: Option<String>,
    /// Its owner's name.
    pub name: Option<String>,
}

/// Makes an account that is connected to the caller's. It has no keys until an operator makes some.
///
/// # Errors
/// When the database does not answer.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
) -> Result<Account, Failure> {
    let account = Account {
        id: context.ids.derive("account"),
        name: create.name.clone().or_else(|| create.email.clone()).unwrap_or_default(),
        email: create.email.clone(),
        country: create.country.clone(),
        default_currency: create.default_currency,
        idempotency_shards: IDEMPOTENCY_SHARDS,
        created: context.now,
        terms: Terms::default(),
        payout_schedule: PayoutSchedule::default(),
    };
    match context.batch(vec![accounts::insert_connected(&context.scope, &account)]).await {
        Ok(_) => Ok(account),
        // The row is there: an earlier run of this request committed, and its answer was lost.
        Err(DatabaseError::Exists(_)) => find(context, account.id.as_str()).await,
        Err(error) => Err(error.into()),
    }
}

/// Finds the caller's own account, or one that is connected to it.
///
/// # Errors
/// When it is neither.
pub async fn find<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Account, Failure> {
    context.find(accounts::find(&context.scope, id)).await?.ok_or_else(|| {
        ApiError::AccountNotAccessible { account: id.chars().take(100).collect() }.into()
    })
}
