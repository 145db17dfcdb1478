//! What a charge without an intent is made from: a token, a card that exists, or the card that its
//! customer keeps for this.

use domain::id::{CardId, CustomerId, Id, PaymentMethodId};
use domain::payment_method::{AllowRedisplay, BillingDetails, PaymentMethod, PaymentMethodDetails};
use domain::token::Token;
use domain::{ApiError, Metadata};
use store::{Statement, customers, tokens};

use crate::cards::{self, SealedCard};
use crate::payment_intents::no_such_customer;
use crate::payment_methods::Chosen;
use crate::{Context, Failure, Platform};

/// What a charge is made from.
pub(super) struct Source {
    /// The id under which the charge shows the card.
    pub shown: String,
    /// The card itself.
    pub method: Chosen,
}

/// Finds out what a charge is made from.
///
/// # Errors
/// When neither parameter names a card.
pub(super) async fn choose<P: Platform>(
    context: &Context<'_, P>,
    source: Option<&str>,
    customer: Option<&CustomerId>,
) -> Result<Source, Failure> {
    match (source, customer) {
        (Some(source), customer) => named(context, source, customer).await,
        (None, Some(customer)) => kept(context, customer).await,
        (None, None) => Err(ApiError::MissingOneOf {
            message: "Must provide source or customer.".to_owned(),
            param: "source".to_owned(),
        }
        .into()),
    }
}

async fn named<P: Platform>(
    context: &Context<'_, P>,
    source: &str,
    customer: Option<&CustomerId>,
) -> Result<Source, Failure> {
    if let Ok(id) = PaymentMethodId::parse(source)
        && cards::by_name(context, source)?.is_none()
    {
        return Ok(Source { shown: source.to_owned(), method: Chosen::existing(id) });
    }
    // A token is nobody's card yet: it has to become its customer's before it is charged as theirs.
    if let Some(customer) = customer.filter(|_| !source.starts_with("pm_")) {
        return Err(ApiError::ParameterInvalid {
            param: "source".to_owned(),
            message: format!("Customer {customer} does not have a linked source with ID {source}."),
        }
        .into());
    }
    if let Some(sealed) = cards::by_name(context, source)? {
        let card: CardId = context.ids.derive("card");
        return Ok(made(context, &card, sealed, BillingDetails::default(), Vec::new()));
    }
    of_token(context, source).await
}

async fn of_token<P: Platform>(context: &Context<'_, P>, source: &str) -> Result<Source, Failure> {
    let token: Option<Token> = context.find(tokens::find(&context.scope, source)).await?;
    let token = token.ok_or_else(|| ApiError::NoSuchObject {
        kind: "token",
        id: source.to_owned(),
        param: "source".to_owned(),
        in_path: false,
    })?;
    // A request that resumes may find the token used up by its own earlier run.
    if token.used && !context.resumes {
        return Err(ApiError::TokenAlreadyUsed { token: source.to_owned() }.into());
    }
    let sealed = SealedCard { card: token.card, sealed_number: token.sealed_number };
    let used_up = tokens::use_up(&token.id).to_vec();
    Ok(made(context, &token.card_id, sealed, token.billing_details, used_up))
}

/// The card that a customer keeps for charges that name none.
async fn kept<P: Platform>(context: &Context<'_, P>, id: &CustomerId) -> Result<Source, Failure> {
    let customer: Option<domain::customer::Customer> =
        context.find(customers::find(&context.scope, id.as_str())).await?;
    let Some(customer) = customer.filter(|customer| !customer.deleted) else {
        return Err(no_such_customer(id.as_str()).into());
    };
    match customer.details.default_source {
        Some(method) => {
            Ok(Source { shown: method.as_str().to_owned(), method: Chosen::existing(method) })
        }
        None => Err(ApiError::CustomerHasNoSource { customer: id.as_str().to_owned() }.into()),
    }
}

fn made<P: Platform>(
    context: &Context<'_, P>,
    card: &CardId,
    sealed: SealedCard,
    holder: BillingDetails,
    token: Vec<Statement>,
) -> Source {
    let method = PaymentMethod {
        id: context.ids.derive("payment_method"),
        livemode: context.scope.livemode,
        created: context.now,
        version: 1,
        customer: None,
        used_up: false,
        used_by: None,
        card: sealed.card,
        sealed_number: sealed.sealed_number,
        details: PaymentMethodDetails {
            billing_details: holder,
            allow_redisplay: AllowRedisplay::default(),
            metadata: Metadata::default(),
            set_up: false,
            remembered: Vec::new(),
        },
    };
    let method = Chosen::New { method: Box::new(method), token };
    Source { shown: card.as_str().to_owned(), method }
}
