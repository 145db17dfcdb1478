//! Setup intents: a customer keeps a card, and nothing is charged yet.

use connectors::simulator;
use domain::card::Decline;
use domain::customer::Customer;
use domain::error::CardError;
use domain::event::Transition;
use domain::id::{CustomerId, Id, SetupIntentId};
use domain::metadata::MetadataUpdate;
use domain::payment_intent::{AutomaticPaymentMethods, RequestThreeDSecure, SetupFutureUsage};
use domain::payment_method::PaymentMethod;
use domain::setup_intent::{CardOptions, Details, SetupIntent};
use domain::{ApiError, Metadata, resource};
use store::{DatabaseError, Statement, customers, payment_methods, setup_intents, tokens};

use crate::announce::{Subjects, events};
use crate::cards;
use crate::payment_intents::no_such_customer;
use crate::payment_methods::Choice;
use crate::payment_methods::keep::{self, Kept};
use crate::{Context, Failure, Platform};

/// How often a card is set up anew because its customer or it changed meanwhile.
const MAX_TRIES: usize = 5;

/// A card that a customer is to keep.
pub struct Create {
    /// Who is to keep it.
    pub customer: String,
    /// The card: one that exists, or one that the request brings along.
    pub payment_method: Choice,
    /// For people.
    pub description: Option<String>,
    /// The merchant's own pairs.
    pub metadata: Option<MetadataUpdate>,
    /// How methods are offered, unless the merchant named them.
    pub automatic_payment_methods: Option<AutomaticPaymentMethods>,
    /// For which payments the card is kept.
    pub usage: SetupFutureUsage,
    /// What else was chosen for cards.
    pub card_options: CardOptions,
}

/// Sets a card up for its customer.
///
/// # Errors
/// When the issuer refuses or wants to see the cardholder, or one of the two does not exist.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
) -> Result<SetupIntent, Failure> {
    if context.scope.livemode {
        return Err(ApiError::LiveModeHasNoProcessor.into());
    }
    let id: SetupIntentId = context.ids.derive("setup_intent");
    if context.resumes
        && let Some(intent) = context.find(setup_intents::find(&context.scope, id.as_str())).await?
    {
        return Ok(intent);
    }
    for _ in 0..MAX_TRIES {
        let kept = decide(context, create).await?;
        let intent = new_intent(context, create, &kept.method)?;
        match context.batch(creation(context, &intent, kept)).await {
            Ok(_) => return Ok(intent),
            // The row is there: an earlier run of this request committed, and its answer was lost.
            Err(DatabaseError::Exists(_)) => return find(context, id.as_str()).await,
            Err(DatabaseError::Guard(name)) if name == tokens::UNUSED_GUARD => {
                return spent(context, create, &id).await;
            }
            Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Whoever used the token up may have been an earlier run of this request.
async fn spent<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
    id: &SetupIntentId,
) -> Result<SetupIntent, Failure> {
    let token = create.payment_method.token().unwrap_or_default().to_owned();
    let found = context.find(setup_intents::find(&context.scope, id.as_str())).await?;
    found.ok_or_else(|| ApiError::TokenAlreadyUsed { token }.into())
}

/// Finds a setup intent that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<SetupIntent, Failure> {
    context.find(setup_intents::find(&context.scope, id)).await?.ok_or_else(|| {
        ApiError::NoSuchObject {
            kind: "setupintent",
            id: id.to_owned(),
            param: "intent".to_owned(),
            in_path: true,
        }
        .into()
    })
}

/// The card as its customer keeps it.
async fn decide<P: Platform>(context: &Context<'_, P>, create: &Create) -> Result<Kept, Failure> {
    let no_such = || no_such_customer(&create.customer);
    let customer = CustomerId::parse(&create.customer).map_err(|_| no_such())?;
    let found: Option<Customer> =
        context.find(customers::find(&context.scope, customer.as_str())).await?;
    if found.is_none_or(|customer| customer.deleted) {
        return Err(no_such().into());
    }
    let kept = match &create.payment_method {
        Choice::Named(name) => named(context, name, &customer).await?,
        Choice::New(card) => keep::brought(context, card, &customer).await?,
    };
    ask_cardholder(context, create, &kept.method)?;
    Ok(kept)
}

/// A card by its id or a built-in name; one that the customer keeps already stays as it is.
async fn named<P: Platform>(
    context: &Context<'_, P>,
    name: &str,
    customer: &CustomerId,
) -> Result<Kept, Failure> {
    let scope = &context.scope;
    let method: Option<PaymentMethod> = context.find(payment_methods::find(scope, name)).await?;
    match method.filter(|method| method.customer.as_ref() == Some(customer)) {
        Some(method) => {
            let guard = payment_methods::must_be_usable(scope, name, Some(customer.as_str()));
            Ok(Kept { method, statements: vec![guard] })
        }
        None => keep::named(context, name, customer, "payment_method").await,
    }
}

/// A card whose issuer wants to see the cardholder is refused: only payments can send them there.
fn ask_cardholder<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
    method: &PaymentMethod,
) -> Result<(), Failure> {
    let number = cards::open(context, &method.sealed_number)?;
    let wanted = create.card_options.request_three_d_secure.unwrap_or_default();
    let is_challenged = simulator::challenges_set_up(&number)
        || wanted != RequestThreeDSecure::Automatic && simulator::challenges_on_request(&number);
    if !is_challenged {
        return Ok(());
    }
    Err(ApiError::from(CardError {
        decline: Decline::AuthenticationRequired,
        is_decline: true,
        charge: None,
        payment_intent: None,
        payment_method: Some(resource::value(&resource::payment_method::Resource::from(method))),
    })
    .into())
}

fn new_intent<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
    method: &PaymentMethod,
) -> Result<SetupIntent, Failure> {
    let id: SetupIntentId = context.ids.derive("setup_intent");
    let metadata = match &create.metadata {
        Some(update) => Metadata::default().updated(update)?,
        None => Metadata::default(),
    };
    let customer = CustomerId::parse(&create.customer);
    Ok(SetupIntent {
        livemode: context.scope.livemode,
        created: context.now,
        customer: customer.map_err(|_| no_such_customer(&create.customer))?,
        payment_method: method.id.clone(),
        details: Details {
            client_secret: format!("{id}_secret_{}", context.ids.secret("client_secret")),
            description: create.description.clone(),
            metadata,
            automatic_payment_methods: create.automatic_payment_methods,
            usage: create.usage,
            card_options: create.card_options,
        },
        id,
    })
}

fn creation<P: Platform>(
    context: &Context<'_, P>,
    intent: &SetupIntent,
    kept: Kept,
) -> Vec<Statement> {
    let scope = &context.scope;
    let mut batch = vec![customers::must_exist(scope, intent.customer.as_str())];
    batch.extend(kept.statements);
    batch.push(setup_intents::insert(scope, intent));
    let subjects = Subjects { setup_intent: Some(intent), ..Subjects::default() };
    batch.extend(events(context, Transition::SetupIntentSucceeded, subjects, None));
    batch
}
