//! What a merchant does with their bank accounts: naming one, changing it, taking it away.

use domain::bank_account::{BankAccount, Details, Status};
use domain::event::Transition;
use domain::id::BankAccountId;
use domain::metadata::MetadataUpdate;
use domain::money::Currency;
use domain::resource::{self, value};
use domain::{ApiError, Metadata};
use store::tokens::UNUSED_GUARD;
use store::{DatabaseError, Statement, bank_accounts};

use super::find;
use crate::announce::{Subjects, events, previous_attributes};
use crate::context::first;
use crate::{Context, Failure, Platform, tokens};

/// How often a change is decided anew because what it rests on changed meanwhile.
const MAX_TRIES: usize = 5;

/// A bank account that money is to be paid out to.
#[derive(Clone, Debug)]
pub struct Create {
    /// The number, and whose it is.
    pub source: Source,
    /// Whether payouts in its currency go to it unless said otherwise; the first does anyway.
    pub default_for_currency: bool,
    /// The merchant's own pairs.
    pub metadata: Metadata,
}

/// What says which bank account it is.
#[derive(Clone, Debug)]
pub enum Source {
    /// The number, and the currency that it takes.
    Number(Details, Currency),
    /// A token for these, which can be used once.
    Token(String),
}

/// What is to be changed of a bank account.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// Whose it is.
    pub account_holder_name: Option<String>,
    /// Payouts in its currency are to go to it unless said otherwise.
    pub default_for_currency: bool,
    /// The merchant's own pairs.
    pub metadata: Option<MetadataUpdate>,
}

/// Names a bank account.
///
/// # Errors
/// When no bank is connected.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
) -> Result<BankAccount, Failure> {
    if context.scope.livemode {
        return Err(ApiError::LiveModeHasNoRail.into());
    }
    let id: BankAccountId = context.ids.derive("bank_account");
    let (token, details, currency) = match &create.source {
        Source::Number(details, currency) => (None, details.clone(), *currency),
        Source::Token(token) => {
            let token = tokens::find_bank_account(context, token, "external_account").await?;
            let bank = token.bank_account.clone();
            (Some(token), bank.details, bank.currency)
        }
    };
    for _ in 0..MAX_TRIES {
        let scope = &context.scope;
        let reading = vec![
            bank_accounts::find(scope, id.as_str()),
            bank_accounts::find_default(scope, currency),
        ];
        let results = context.batch(reading).await?;
        if let Some(bank) = first(&results, 0)? {
            return Ok(bank);
        }
        let default: Option<BankAccount> = first(&results, 1)?;
        let bank = BankAccount {
            id: id.clone(),
            account: scope.account.clone(),
            created: context.now,
            version: 1,
            currency,
            default_for_currency: create.default_for_currency || default.is_none(),
            deleted: false,
            status: Status::New,
            details: Details { metadata: create.metadata.clone(), ..details.clone() },
        };
        let mut batch = match default.filter(|_| bank.default_for_currency) {
            Some(default) => give_way(context, default),
            None => Vec::new(),
        };
        batch.push(bank_accounts::insert(scope, &bank));
        if let Some(token) = &token {
            batch.extend(store::tokens::use_up_bank_account(&token.id));
        }
        batch.extend(announce(context, Transition::BankAccountCreated, None, &bank));
        match context.batch(batch).await {
            Ok(_) => return Ok(bank),
            Err(DatabaseError::Guard(name)) if name == UNUSED_GUARD => {
                // Unless an earlier run of this request used it, which the next look finds.
                let found: Option<BankAccount> =
                    context.find(bank_accounts::find(scope, id.as_str())).await?;
                let token = token.map(|token| token.id.as_str().to_owned()).unwrap_or_default();
                return found.ok_or_else(|| ApiError::TokenAlreadyUsed { token }.into());
            }
            Err(DatabaseError::Guard(_) | DatabaseError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Changes a bank account. An update that changes nothing is no change: nobody is told of it.
///
/// # Errors
/// When there is none, or the pairs break a bound.
pub async fn update<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    update: &Update,
) -> Result<BankAccount, Failure> {
    for _ in 0..MAX_TRIES {
        let before = find(context, id).await?;
        let mut after = before.clone();
        if let Some(name) = &update.account_holder_name {
            after.details.account_holder_name = Some(name.clone());
        }
        if let Some(metadata) = &update.metadata {
            after.details.metadata = before.details.metadata.updated(metadata)?;
        }
        after.default_for_currency |= update.default_for_currency;
        if after == before {
            return Ok(after);
        }
        let mut batch = Vec::new();
        if after.default_for_currency && !before.default_for_currency {
            let finding = bank_accounts::find_default(&context.scope, before.currency);
            let default: Option<BankAccount> = context.find(finding).await?;
            batch.extend(default.map(|default| give_way(context, default)).unwrap_or_default());
        }
        batch.extend(bank_accounts::update(&mut after));
        batch.extend(announce(context, Transition::BankAccountUpdated, Some(&before), &after));
        match context.batch(batch).await {
            Ok(_) => return Ok(after),
            Err(DatabaseError::Guard(_)) => {}
            // An event is there: an earlier run of this request has made the change. Or somebody made
            // another the default.
            Err(DatabaseError::Exists(_)) if context.resumes => return find(context, id).await,
            Err(DatabaseError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Takes a bank account away. One that was taken away before is gone: a client whose answer was lost asks
/// again, without a key by which it could be told from anyone else.
///
/// # Errors
/// When there is none, or it is the default of its currency.
pub async fn delete<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<BankAccount, Failure> {
    for _ in 0..MAX_TRIES {
        let found: Option<BankAccount> =
            context.find(bank_accounts::find(&context.scope, id)).await?;
        let before = match found {
            Some(bank) if bank.deleted => return Ok(bank),
            Some(bank) => bank,
            None => return Err(super::no_such(id, "id", true).into()),
        };
        if before.default_for_currency {
            return Err(ApiError::StateConflict {
                message:
                    "You cannot delete the default external account for your default currency. \
                          Please make another external account the default using the \
                          `default_for_currency` param, and then delete this one."
                        .to_owned(),
            }
            .into());
        }
        let mut after = before.clone();
        after.deleted = true;
        let mut batch = bank_accounts::update(&mut after).to_vec();
        batch.extend(announce(context, Transition::BankAccountDeleted, None, &before));
        match context.batch(batch).await {
            Ok(_) => return Ok(after),
            Err(DatabaseError::Guard(_) | DatabaseError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// A payout to it failed: its merchant is told, unless it is so already or the merchant took it away.
pub(crate) fn errored<P: Platform>(context: &Context<'_, P>, bank: &BankAccount) -> Vec<Statement> {
    if bank.status == Status::Errored || bank.deleted {
        return Vec::new();
    }
    let mut after = bank.clone();
    after.status = Status::Errored;
    let mut statements = bank_accounts::update(&mut after).to_vec();
    statements.extend(announce(context, Transition::BankAccountUpdated, Some(bank), &after));
    statements
}

/// The default of a currency is no longer it: another one takes its place in the same batch.
fn give_way<P: Platform>(context: &Context<'_, P>, default: BankAccount) -> Vec<Statement> {
    let mut after = default.clone();
    after.default_for_currency = false;
    let mut statements = bank_accounts::update(&mut after).to_vec();
    statements.extend(announce(context, Transition::BankAccountUpdated, Some(&default), &after));
    statements
}

fn announce<P: Platform>(
    context: &Context<'_, P>,
    transition: Transition,
    before: Option<&BankAccount>,
    after: &BankAccount,
) -> Vec<Statement> {
    let shown = |bank: &BankAccount| value(&resource::bank_account::Resource::from(bank));
    let previous = before.and_then(|before| previous_attributes(&shown(before), &shown(after)));
    let subjects = Subjects { bank_account: Some(after), ..Subjects::default() };
    events(context, transition, subjects, previous)
}
