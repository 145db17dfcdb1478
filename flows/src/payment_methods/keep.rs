//! Keeping: a payment method becomes a customer's, unless its issuer refuses.

use connectors::simulator;
use domain::ApiError;
use domain::card::Decline;
use domain::error::CardError;
use domain::event::Transition;
use domain::id::{CustomerId, Id, PaymentMethodId};
use domain::payment_method::{PaymentMethod, PaymentMethodDetails};
use domain::resource;
use store::{Statement, payment_methods};

use super::choose::{self, NewCard, built_in, card_of, card_of_token, details, new_method};
use crate::announce::{Subjects, events};
use crate::cards;
use crate::{Context, Failure, Platform};

/// A payment method as its customer keeps it, and the statements that make it so.
pub(crate) struct Kept {
    /// The payment method.
    pub(crate) method: PaymentMethod,
    /// What makes it the customer's, its event among it.
    pub(crate) statements: Vec<Statement>,
}

/// Keeps the payment method that a request names, by its id or a built-in name. `param` is the
/// parameter that named it.
pub(crate) async fn named<P: Platform>(
    context: &Context<'_, P>,
    name: &str,
    customer: &CustomerId,
    param: &str,
) -> Result<Kept, Failure> {
    refuse_token(name, param)?;
    if let Some(method) = built_in(context, name)? {
        return new(context, method, customer);
    }
    let no_such = || choose::no_such(name, param);
    let id = PaymentMethodId::parse(name).map_err(|_| no_such())?;
    let found = context.find(payment_methods::find(&context.scope, id.as_str())).await?;
    existing(context, found.ok_or_else(no_such)?, customer)
}

/// Keeps the card that a request brings along.
pub(crate) async fn brought<P: Platform>(
    context: &Context<'_, P>,
    card: &NewCard,
    customer: &CustomerId,
) -> Result<Kept, Failure> {
    let (sealed, holder, used_up) = card_of(context, card).await?;
    let method = new_method(context, "payment_method", sealed, details(holder, card));
    let mut kept = new(context, method, customer)?;
    kept.statements.splice(0..0, used_up);
    Ok(kept)
}

/// Keeps the card behind a token, as the legacy `source` parameter names it.
pub(crate) async fn source<P: Platform>(
    context: &Context<'_, P>,
    token: &str,
    customer: &CustomerId,
) -> Result<Kept, Failure> {
    const PARAM: &str = "source";
    if PaymentMethodId::parse(token).is_ok() {
        return Err(ApiError::ParameterInvalid {
            param: PARAM.to_owned(),
            message: "You cannot use a PaymentMethod as a source for Customers. Instead, use the \
                      PaymentMethods API to Attach a Customer to a PaymentMethod. See \
                      https://stripe.com/docs/api/payment_methods/attach"
                .to_owned(),
        }
        .into());
    }
    let (sealed, billing_details, used_up) = card_of_token(context, token, PARAM).await?;
    let details = PaymentMethodDetails { billing_details, ..PaymentMethodDetails::default() };
    let mut kept = new(context, new_method(context, PARAM, sealed, details), customer)?;
    kept.statements.splice(0..0, used_up);
    Ok(kept)
}

/// Keeps a payment method that is made with it.
pub(super) fn new<P: Platform>(
    context: &Context<'_, P>,
    mut method: PaymentMethod,
    customer: &CustomerId,
) -> Result<Kept, Failure> {
    ask_issuer(context, &mut method)?;
    method.customer = Some(customer.clone());
    let mut statements = vec![payment_methods::insert(&context.scope, &method)];
    statements.extend(attached(context, &method));
    Ok(Kept { method, statements })
}

/// Keeps a payment method that exists, if nobody kept it before.
pub(super) fn existing<P: Platform>(
    context: &Context<'_, P>,
    mut method: PaymentMethod,
    customer: &CustomerId,
) -> Result<Kept, Failure> {
    check_free(&method)?;
    ask_issuer(context, &mut method)?;
    method.customer = Some(customer.clone());
    let mut statements = payment_methods::update(&mut method).to_vec();
    statements.extend(attached(context, &method));
    Ok(Kept { method, statements })
}

fn attached<P: Platform>(context: &Context<'_, P>, method: &PaymentMethod) -> Vec<Statement> {
    let subjects = Subjects { payment_method: Some(method), ..Subjects::default() };
    events(context, Transition::PaymentMethodAttached, subjects, None)
}

/// A token is no payment method, only what one can be made from.
pub(super) fn refuse_token(name: &str, param: &str) -> Result<(), ApiError> {
    if !name.starts_with("tok_") {
        return Ok(());
    }
    Err(ApiError::ParameterInvalid {
        param: param.to_owned(),
        message: format!(
            "A token may not be passed in as a PaymentMethod. Instead, create a PaymentMethod or \
             convert your token to a PaymentMethod by setting the `card[token]` parameter to {name}."
        ),
    })
}

/// A card belongs to one customer, and to none again once it was let go of.
fn check_free(method: &PaymentMethod) -> Result<(), ApiError> {
    let message = if method.used_up {
        "This PaymentMethod was previously used without being attached to a Customer or was \
         detached from a Customer, and may not be used again."
    } else if method.customer.is_some() {
        "The payment method you provided has already been attached to a customer."
    } else {
        return Ok(());
    };
    Err(ApiError::PaymentMethodInUse { message: message.to_owned() })
}

/// Asks the card's issuer whether it may be kept, and what it says of the holder's data. In live mode
/// there is nobody to ask until a processor is connected.
fn ask_issuer<P: Platform>(
    context: &Context<'_, P>,
    method: &mut PaymentMethod,
) -> Result<(), Failure> {
    if context.scope.livemode {
        return Ok(());
    }
    let number = cards::open(context, &method.sealed_number)?;
    if let Some(decline) = simulator::refusal_to_attach(&number) {
        return Err(refused(decline, method).into());
    }
    method.card.checks = simulator::check_holder(&number, method.card.checks);
    Ok(())
}

fn refused(decline: Decline, method: &PaymentMethod) -> ApiError {
    CardError {
        decline,
        is_decline: true,
        charge: None,
        payment_intent: None,
        payment_method: Some(resource::value(&resource::payment_method::Resource::from(method))),
    }
    .into()
}
