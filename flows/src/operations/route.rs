//! Where a new payment goes: the account that its merchant's routing document chooses, or the one that was made
//! first where there is none.

use std::rc::Rc;

use domain::ApiError;
use domain::Metadata;
use domain::connector_account::ConnectorAccount;
use domain::money::Money;
use domain::payment_method::PaymentMethod;
use domain::routing::{Choice, Document, Facts, Route};
use store::payment_methods;

use crate::payment_methods::Chosen;
use crate::{Context, Failure, Platform};

/// Where a payment goes.
pub struct Destination {
    /// The account; none at the built-in simulator.
    pub account: Option<Rc<ConnectorAccount>>,
    /// How it was chosen; none where no document was asked.
    pub route: Option<Box<Route>>,
}

/// Chooses where a payment goes that is made with a payment method.
///
/// # Errors
/// When the document names no account that is active.
pub async fn route<P: Platform>(
    context: &Context<'_, P>,
    payment: &str,
    amount: Money,
    metadata: &Metadata,
    (off_session, chosen): (bool, Option<&Chosen>),
) -> Result<Destination, Failure> {
    let routes = &context.routes;
    if let Some(version) = routes.unreadable {
        return Err(ApiError::StateConflict {
            message: format!(
                "Version {version} of your routing was published by a later version of Florin than this one, which \
                 cannot read it. Publish your routing again."
            ),
        }
        .into());
    }
    let Some((version, document)) = &routes.document else {
        return Ok(Destination { account: routes.accounts.first().map(Rc::clone), route: None });
    };
    // On the heap, where it takes no room of the many payments that it is not needed for.
    let found = Box::pin(found(context, document, chosen)).await?;
    let method = match chosen {
        Some(Chosen::New { method, .. }) => Some(&**method),
        _ => found.as_ref(),
    };
    let card = method.map(|method| &method.card);
    let facts = Facts {
        payment,
        amount,
        brand: card.map_or("unknown", |card| card.brand.name()),
        country: card.and_then(|card| card.country.as_deref()),
        funding: card.map_or("unknown", |card| card.funding.name()),
        metadata,
        off_session,
        saved: method.is_some_and(|method| method.customer.is_some()),
    };
    let choice = choose(context, document, &facts);
    destination(context, *version, document, choice)
}

/// What a document chooses, as things are.
pub(crate) fn choose<'d, P: Platform>(
    context: &Context<'_, P>,
    document: &'d Document,
    facts: &Facts<'_>,
) -> Choice<'d> {
    document.choose(
        facts,
        |id| context.routes.account(id).is_some(),
        |id, is_asked| match is_asked {
            true => context.platform.health(id.as_str()),
            false => context.platform.known_health(id.as_str()),
        },
    )
}

/// The payment method that exists already, where the document asks for what it says.
async fn found<P: Platform>(
    context: &Context<'_, P>,
    document: &Document,
    chosen: Option<&Chosen>,
) -> Result<Option<PaymentMethod>, Failure> {
    match chosen {
        Some(Chosen::Existing { id, .. }) if document.asks_for_the_card() => {
            context.find(payment_methods::find(&context.scope, id.as_str())).await
        }
        _ => Ok(None),
    }
}

fn destination<P: Platform>(
    context: &Context<'_, P>,
    version: i64,
    document: &Document,
    choice: Choice<'_>,
) -> Result<Destination, Failure> {
    let mut accounts = choice.accounts.into_iter();
    let first = accounts.next();
    let Some(account) = first.and_then(|id| context.routes.account(&id)) else {
        return Err(ApiError::StateConflict {
            message: format!(
                "Version {version} of your routing sends this payment to connector accounts of which \
                 none is active."
            ),
        }
        .into());
    };
    context.platform.sends_payment(account.id.as_str());
    let route = Route {
        version,
        rule: choice.rule.map(str::to_owned),
        number: 1,
        left: document.max_attempts.saturating_sub(1),
        others: accounts.collect(),
        retries_declines: document.retry_declines,
        steps_up: document.step_up,
        reason: None,
        previous: None,
    };
    Ok(Destination { account: Some(Rc::clone(account)), route: Some(Box::new(route)) })
}
