//! Creating a top-up: the bank is asked, and answers on the next day.

use domain::bank_account::{BankAccount, Details as BankDetails, TEST_ROUTING_NUMBER};
use domain::event::Transition;
use domain::id::TopupId;
use domain::money::Money;
use domain::payout::FailureCode;
use domain::topup::{Details, Status, Topup};
use domain::{ApiError, Metadata};
use store::scheduled_tasks::{self, Kind, Task};
use store::{DatabaseError, bank_accounts, topups};

use super::{announce, find};
use crate::context::first;
use crate::{Context, Failure, Platform};

/// Money that the merchant's bank is to add.
#[derive(Clone, Debug)]
pub struct Create {
    /// How much.
    pub amount: Money,
    /// For people.
    pub description: Option<String>,
    /// The merchant's own pairs.
    pub metadata: Metadata,
    /// A test token for a bank account; the currency's default bank account unless said.
    pub source: Option<String>,
    /// What the bank's statement says.
    pub statement_descriptor: Option<String>,
    /// Groups payments and transfers.
    pub transfer_group: Option<String>,
}

/// Creates a top-up.
///
/// # Errors
/// When there is no such bank account.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
) -> Result<Topup, Failure> {
    let scope = &context.scope;
    if scope.livemode {
        return Err(ApiError::LiveModeHasNoRail.into());
    }
    let id: TopupId = context.ids.derive("topup");
    let reading = vec![
        topups::find(scope, id.as_str()),
        bank_accounts::find_default(scope, create.amount.currency),
    ];
    let results = context.batch(reading).await?;
    if let Some(topup) = first(&results, 0)? {
        return Ok(topup);
    }
    let bank: Option<BankAccount> = first(&results, 1)?;
    let answers_at = context.now.day().plus(1).start();
    let topup = Topup {
        id,
        livemode: scope.livemode,
        created: context.now,
        version: 1,
        amount: create.amount,
        status: Status::Pending,
        details: Details {
            description: create.description.clone(),
            expected_availability_date: Some(answers_at),
            metadata: create.metadata.clone(),
            statement_descriptor: create.statement_descriptor.clone(),
            transfer_group: create.transfer_group.clone(),
            fails: fails(create.source.as_deref(), bank)?,
            ..Details::default()
        },
    };
    context.platform.wake(answers_at);
    let mut batch = vec![
        topups::insert(scope, &topup),
        scheduled_tasks::insert(&Task {
            due_at: answers_at,
            kind: Kind::SettleTopup,
            subject: topup.id.as_str().to_owned(),
            scope: scope.clone(),
            tries: 0,
        }),
    ];
    batch.extend(announce(context, Transition::TopupCreated, None, &topup));
    match context.batch(batch).await {
        Ok(_) => Ok(topup),
        // The row is there: an earlier run of this request was still under way.
        Err(DatabaseError::Exists(_)) => find(context, topup.id.as_str()).await,
        Err(error) => Err(error.into()),
    }
}

/// Why the bank account will refuse, where it will.
fn fails(
    source: Option<&str>,
    default: Option<BankAccount>,
) -> Result<Option<FailureCode>, ApiError> {
    let Some(token) = source else { return Ok(default.and_then(|bank| bank.details.fails)) };
    let number = FailureCode::number_of_token(token).ok_or_else(|| ApiError::NoSuchObject {
        kind: "source",
        id: token.to_owned(),
        param: "source".to_owned(),
        in_path: false,
    })?;
    Ok(BankDetails::of_number("US", Some(TEST_ROUTING_NUMBER), number).fails)
}
