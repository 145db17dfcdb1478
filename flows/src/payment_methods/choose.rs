//! Which payment method a request means: one that exists, or a card that it brings along.

use domain::ApiError;
use domain::Metadata;
use domain::id::{AttemptId, CustomerId, Id, PaymentMethodId};
use domain::payment_method::{AllowRedisplay, BillingDetails, PaymentMethod, PaymentMethodDetails};
use domain::token::Token;
use store::{Scope, Statement, payment_methods, tokens};

use crate::cards::{self, CardInput, SealedCard};
use crate::{Context, Failure, Platform};

/// Which payment method a request means.
#[derive(Clone)]
pub enum Choice {
    /// One that exists, or a built-in name.
    Named(String),
    /// A card that it brings along.
    New(Box<NewCard>),
}

impl Choice {
    /// The security code that it brings along.
    pub fn cvc(&self) -> Option<&str> {
        match self {
            Self::New(card) => match &card.source {
                CardSource::Number(input) => input.cvc.as_deref(),
                CardSource::Token(_) => None,
            },
            Self::Named(_) => None,
        }
    }

    /// The token that its card is made from.
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::New(card) => match &card.source {
                CardSource::Token(token) => Some(token),
                CardSource::Number(_) => None,
            },
            Self::Named(_) => None,
        }
    }
}

/// A card that a request brings along.
#[derive(Clone)]
pub struct NewCard {
    /// The parameter that holds it, as `card` or `payment_method_data[card]`.
    pub scope: &'static str,
    /// Its number, or a token that stands for it.
    pub source: CardSource,
    /// Whom the bill goes to.
    pub billing_details: BillingDetails,
    /// Whether it may be shown to its customer again.
    pub allow_redisplay: AllowRedisplay,
    /// The merchant's own pairs.
    pub metadata: Metadata,
}

/// Where the card's data comes from.
#[derive(Clone)]
pub enum CardSource {
    /// From the request.
    Number(CardInput),
    /// From a token, or a built-in name.
    Token(String),
}

/// The payment method that a request means.
#[derive(Clone, Debug)]
pub enum Chosen {
    /// One that exists; it is read when its batch runs.
    Existing {
        /// Its id.
        id: PaymentMethodId,
        /// The attempt that uses it up, unless a customer keeps it.
        used_by: Option<AttemptId>,
    },
    /// One that is made with the rest of its batch.
    New {
        /// The payment method.
        method: Box<PaymentMethod>,
        /// What uses up the token that it is made from.
        token: Vec<Statement>,
    },
}

impl Chosen {
    /// One that exists.
    pub fn existing(id: PaymentMethodId) -> Self {
        Self::Existing { id, used_by: None }
    }

    /// The payment method's id.
    pub fn id(&self) -> &PaymentMethodId {
        match self {
            Self::Existing { id, .. } => id,
            Self::New { method, .. } => &method.id,
        }
    }

    /// Lets one attempt use it up from its start, unless a customer keeps it: no other payment can be
    /// made with it meanwhile, and recording the outcome need not write it again.
    pub fn use_up(&mut self, attempt: &AttemptId) {
        match self {
            Self::Existing { used_by, .. } => *used_by = Some(attempt.clone()),
            Self::New { method, .. } => {
                method.used_up = true;
                method.used_by = Some(attempt.clone());
            }
        }
    }

    /// The statements that make it, or that hold only if this customer may use it.
    pub fn statements(&self, scope: &Scope, customer: Option<&str>) -> Vec<Statement> {
        match self {
            Self::Existing { id, used_by } => {
                let id = id.as_str();
                let use_up = used_by.iter().map(|by| payment_methods::use_up(scope, id, by));
                [payment_methods::must_be_usable(scope, id, customer)]
                    .into_iter()
                    .chain(use_up)
                    .collect()
            }
            Self::New { method, token } => {
                let insert = payment_methods::insert(scope, method);
                token.iter().cloned().chain([insert]).collect()
            }
        }
    }
}

/// Finds out which payment method a request means, and makes what it brings along. `param` is the
/// parameter that named it.
///
/// # Errors
/// When the card is wrong, or no such payment method can exist.
pub async fn choose<P: Platform>(
    context: &Context<'_, P>,
    choice: &Choice,
    param: &str,
) -> Result<Chosen, Failure> {
    match choice {
        Choice::Named(name) => named(context, name, param),
        Choice::New(new) => {
            let (sealed, holder, token) = card_of(context, new).await?;
            let method = new_method(context, "payment_method", sealed, details(holder, new));
            Ok(Chosen::New { method: Box::new(method), token })
        }
    }
}

fn named<P: Platform>(
    context: &Context<'_, P>,
    name: &str,
    param: &str,
) -> Result<Chosen, Failure> {
    if let Some(method) = built_in(context, name)? {
        return Ok(Chosen::New { method: Box::new(method), token: Vec::new() });
    }
    match PaymentMethodId::parse(name) {
        Ok(id) => Ok(Chosen::existing(id)),
        Err(_) => Err(no_such(name, param).into()),
    }
}

/// A new payment method with the card behind a built-in name, as `pm_card_visa`; nothing where the
/// name is none. Each use of such a name makes another.
pub(crate) fn built_in<P: Platform>(
    context: &Context<'_, P>,
    name: &str,
) -> Result<Option<PaymentMethod>, Failure> {
    let sealed = cards::by_name(context, name)?;
    Ok(sealed.map(|sealed| {
        new_method(context, "payment_method", sealed, PaymentMethodDetails::default())
    }))
}

/// The error for a payment method that does not exist.
pub fn no_such(id: &str, param: &str) -> ApiError {
    ApiError::NoSuchObject {
        kind: "PaymentMethod",
        id: id.to_owned(),
        param: param.to_owned(),
        in_path: false,
    }
}

/// The card that a request brings along, its holder, and the statements that use its token up.
pub async fn card_of<P: Platform>(
    context: &Context<'_, P>,
    new: &NewCard,
) -> Result<(SealedCard, BillingDetails, Vec<Statement>), Failure> {
    let holder = new.billing_details.clone();
    let token = match &new.source {
        CardSource::Number(input) => {
            let sealed = cards::check_and_seal(context, input, &holder)?;
            return Ok((sealed, holder, Vec::new()));
        }
        CardSource::Token(token) => token,
    };
    let param = format!("{}[token]", new.scope);
    let (sealed, tokens_holder, used_up) = card_of_token(context, token, &param).await?;
    let holder = if holder == BillingDetails::default() { tokens_holder } else { holder };
    Ok((sealed, holder, used_up))
}

/// The card behind a token, its holder, and the statements that use the token up.
pub(crate) async fn card_of_token<P: Platform>(
    context: &Context<'_, P>,
    token: &str,
    param: &str,
) -> Result<(SealedCard, BillingDetails, Vec<Statement>), Failure> {
    if let Some(sealed) = cards::by_name(context, token)? {
        return Ok((sealed, BillingDetails::default(), Vec::new()));
    }
    let found: Option<Token> = context.find(tokens::find(&context.scope, token)).await?;
    let Some(found) = found else {
        return Err(ApiError::NoSuchObject {
            kind: "token",
            id: token.to_owned(),
            param: param.to_owned(),
            in_path: false,
        }
        .into());
    };
    // A request that resumes may find the token used up by its own earlier run.
    if found.used && !context.resumes {
        return Err(ApiError::TokenAlreadyUsed { token: token.to_owned() }.into());
    }
    let sealed = SealedCard { card: found.card, sealed_number: found.sealed_number };
    Ok((sealed, found.billing_details, tokens::use_up(&found.id).to_vec()))
}

/// What is echoed of a payment method that a request brings along.
pub(super) fn details(holder: BillingDetails, new: &NewCard) -> PaymentMethodDetails {
    PaymentMethodDetails {
        billing_details: holder,
        allow_redisplay: new.allow_redisplay,
        metadata: new.metadata.clone(),
        set_up: false,
        remembered: Vec::new(),
    }
}

/// A payment method that nobody keeps; `place` names it within its request.
pub(super) fn new_method<P: Platform>(
    context: &Context<'_, P>,
    place: &str,
    sealed: SealedCard,
    details: PaymentMethodDetails,
) -> PaymentMethod {
    PaymentMethod {
        id: context.ids.derive(place),
        livemode: context.scope.livemode,
        created: context.now,
        version: 1,
        customer: None,
        used_up: false,
        used_by: None,
        card: sealed.card,
        sealed_number: sealed.sealed_number,
        details,
    }
}

/// Why a payment method that exists may not be used for a payment of this customer.
///
/// # Errors
/// Says so where it is used up, or another customer keeps it.
pub fn check_usable(method: &PaymentMethod, customer: Option<&CustomerId>) -> Result<(), ApiError> {
    if method.used_up {
        return Err(ApiError::PaymentMethodInUse {
            message: "The provided PaymentMethod was previously used with a PaymentIntent without \
                      Customer attachment, shared with a connected account without Customer \
                      attachment, or was detached from a Customer. It may not be used again. To use \
                      a PaymentMethod multiple times, you must attach it to a Customer first."
                .to_owned(),
        });
    }
    match (&method.customer, customer) {
        (Some(keeper), None) => Err(ApiError::PaymentMethodNotAttached {
            message: format!(
                "The PaymentMethod you provided is attached to a Customer ({keeper}), so for \
                 security purposes you must provide the Customer in the request."
            ),
        }),
        (Some(keeper), Some(customer)) if keeper != customer => Err(ApiError::CustomerMismatch {
            message: format!(
                "The PaymentMethod {} does not belong to the Customer you supplied {customer}. \
                 Please use this PaymentMethod with the Customer that it belongs to instead.",
                method.id
            ),
        }),
        _ => Ok(()),
    }
}
