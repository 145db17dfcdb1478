//! Tokens: the data of a card or a bank account behind a name that can be used once.

use domain::ApiError;
use domain::bank_account::{BankAccount, Details, Status};
use domain::id::TokenId;
use domain::money::Currency;
use domain::payment_method::BillingDetails;
use domain::token::{BankAccountToken, Token};
use store::{DatabaseError, tokens};

use crate::cards::{self, CardInput};
use crate::{Context, Failure, Platform};

/// A card that a token is to stand for.
#[derive(Clone)]
pub struct Create {
    /// The card.
    pub card: CardInput,
    /// Whom the bill goes to.
    pub billing_details: BillingDetails,
    /// The address of the caller, where known.
    pub client_ip: Option<String>,
}

/// Creates a token.
///
/// # Errors
/// When the card is wrong.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    create: Create,
) -> Result<Token, Failure> {
    let id: TokenId = context.ids.derive("token");
    if context.resumes
        && let Some(token) = context.find(tokens::find(&context.scope, id.as_str())).await?
    {
        return Ok(token);
    }
    let sealed = cards::check_and_seal(context, &create.card, &create.billing_details)?;
    let token = Token {
        id,
        card_id: context.ids.derive("card"),
        livemode: context.scope.livemode,
        created: context.now,
        used: false,
        client_ip: create.client_ip,
        card: sealed.card,
        sealed_number: sealed.sealed_number,
        billing_details: create.billing_details,
    };
    match context.batch(vec![tokens::insert(&context.scope, &token)]).await {
        Ok(_) => Ok(token),
        // The row is there: an earlier run of this request committed, and its answer was lost.
        Err(DatabaseError::Exists(_)) => find(context, token.id.as_str()).await,
        Err(error) => Err(error.into()),
    }
}

/// Creates a token for a bank account.
///
/// # Errors
/// When the database does not answer.
pub async fn create_bank_account<P: Platform>(
    context: &Context<'_, P>,
    details: Details,
    currency: Currency,
    client_ip: Option<String>,
) -> Result<BankAccountToken, Failure> {
    let token = BankAccountToken {
        id: context.ids.derive("token"),
        livemode: context.scope.livemode,
        created: context.now,
        used: false,
        client_ip,
        bank_account: BankAccount {
            id: context.ids.derive("bank_account"),
            account: context.scope.account.clone(),
            created: context.now,
            version: 1,
            currency,
            default_for_currency: false,
            deleted: false,
            status: Status::New,
            details,
        },
    };
    match context.batch(vec![tokens::insert_bank_account(&context.scope, &token)]).await {
        Ok(_) => Ok(token),
        // The row is there: an earlier run of this request committed, and its answer was lost.
        Err(DatabaseError::Exists(_)) => {
            find_bank_account(context, token.id.as_str(), "token").await
        }
        Err(error) => Err(error.into()),
    }
}

/// Finds a token for a bank account that a request names in this parameter, or as `token` in its path.
///
/// # Errors
/// When there is none.
pub async fn find_bank_account<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    param: &str,
) -> Result<BankAccountToken, Failure> {
    let found = context.find(tokens::find_bank_account(&context.scope, id)).await?;
    found.ok_or_else(|| no_such(id, param).into())
}

/// Finds a token that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Token, Failure> {
    let found = context.find(tokens::find(&context.scope, id)).await?;
    found.ok_or_else(|| no_such(id, "token").into())
}

fn no_such(id: &str, param: &str) -> ApiError {
    ApiError::NoSuchObject {
        kind: "token",
        id: id.to_owned(),
        param: param.to_owned(),
        in_path: param == "token",
    }
}
