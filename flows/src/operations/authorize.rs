//! Authorising: a card is asked for money, held or taken at once.

use connectors::{Challenge, Outcome, Remembered};
use domain::Metadata;
use domain::attempt::{
    Attempt, AttemptState, Authorize, ChallengeResult, Purpose, Request, Resolution,
};
use domain::card::{CardNumber, Decline, Expiry};
use domain::charge::{self, Charge};
use domain::event::Transition;
use domain::id::ChargeId;
use domain::money::{Amount, Money};
use domain::payment_intent::{PaymentIntent, Requested, SetupFutureUsage, Shipping};
use domain::payment_method::{Address, PaymentMethod, ProcessorToken};
use domain::receipt::link;
use domain::timestamp::{DAY, Timestamp};
use serde_json::{Value, json};
use store::scheduled_tasks::{self, Kind, Task};
use store::{Statement, charges, metadata_entries, payment_intents};

use super::decline::{declined, is_on_its_way, not_challenged, not_taken};
use super::{Destination, Held, method, plan_recovery};
use crate::announce::{Subjects, events};
use crate::{Context, Failure, Platform, disputes, ledger};

/// How long money stays held when nobody captures it, in seconds
/// (<https://docs.stripe.com/payments/place-a-hold-on-a-payment-method>).
pub const AUTHORIZATION_LIFETIME: i64 = 7 * DAY;

/// A new attempt to authorise, the money that it asks for, and where it goes.
pub fn start<P: Platform>(
    context: &Context<'_, P>,
    intent: Option<&PaymentIntent>,
    amount: Money,
    mut authorize: Authorize,
    destination: Destination,
) -> Attempt {
    let Destination { account, route } = destination;
    authorize.route = route;
    let account = account.as_deref();
    if account.is_some() {
        authorize.purpose = purpose(intent, authorize.legacy_charge.as_ref());
    }
    authorize.remembers = account.is_some() && authorize.saves_card && authorize.customer.is_some();
    Attempt {
        id: context.ids.derive("attempt"),
        livemode: context.scope.livemode,
        state: AttemptState::Started,
        connector: account
            .map_or(connectors::simulator::NAME, |account| &account.connector)
            .to_owned(),
        connector_account: account.map(|account| account.id.clone()),
        processor_reference: None,
        payment_intent: intent.map(|intent| intent.id.clone()),
        charge: None,
        amount,
        request: Request::Authorize(Box::new(authorize)),
        resolution: Resolution::default(),
        created: context.now,
        attention: None,
        resolved: None,
        token: None,
    }
}

/// What is said of a payment. Processors take no whole descriptor of a card payment: as in the charges of Stripe's API, it
/// stands for the suffix where there is none.
fn purpose(intent: Option<&PaymentIntent>, legacy_charge: Option<&charge::Details>) -> Purpose {
    let mut purpose = Purpose::new();
    let (description, suffix, whole, shipping) = match (legacy_charge, intent.map(|of| &of.details))
    {
        (Some(of), _) => (
            &of.description,
            &of.statement_descriptor_suffix,
            &of.statement_descriptor,
            &of.shipping,
        ),
        (None, Some(of)) => (
            &of.description,
            &of.statement_descriptor_suffix,
            &of.statement_descriptor,
            &of.shipping,
        ),
        (None, None) => return purpose,
    };
    let mut say = |name: &str, said: &Option<String>| {
        if let Some(said) = said {
            purpose.insert(name.to_owned(), said.clone());
        }
    };
    say("description", description);
    say("statement_descriptor_suffix", if suffix.is_some() { suffix } else { whole });
    if let Some(Shipping { address, carrier, name, phone, tracking_number }) = shipping {
        say("shipping[name]", name);
        say("shipping[phone]", phone);
        say("shipping[carrier]", carrier);
        say("shipping[tracking_number]", tracking_number);
        if let Some(Address { line1, line2, city, state, postal_code, country }) = address {
            say("shipping[address][line1]", line1);
            say("shipping[address][line2]", line2);
            say("shipping[address][city]", city);
            say("shipping[address][state]", state);
            say("shipping[address][postal_code]", postal_code);
            say("shipping[address][country]", country);
        }
    }
    purpose
}

/// What the processor is asked for.
pub(super) fn command<'a>(
    held: &'a Held,
    authorize: &'a Authorize,
    method: &'a PaymentMethod,
    number: &'a CardNumber,
) -> connectors::Authorize<'a> {
    let options = held.payment_intent.as_ref().map(|intent| &intent.details.card_options);
    let wanted = |requested: Option<Requested>| requested == Some(Requested::IfAvailable);
    let is_instead = held.attempt.token.as_ref().is_some_and(ProcessorToken::is_replaced);
    let token = held.attempt.token.as_ref().filter(|token| !token.is_gone);
    let usage = held.payment_intent.as_ref().and_then(PaymentIntent::future_usage);
    let remembers = authorize.remembers && token.is_none();
    let mut known = method.details.remembered.iter().rev();
    connectors::Authorize {
        key: held.attempt.id.as_str(),
        amount: held.attempt.amount,
        capture: authorize.capture,
        number,
        token,
        network_transaction: known.find_map(|known| known.network_transaction.as_deref()),
        is_instead,
        remembers: remembers.then_some(usage == Some(SetupFutureUsage::OffSession)),
        expiry: Expiry { month: method.card.exp_month, year: method.card.exp_year },
        cvc: None,
        billing: &method.details.billing_details,
        purpose: &authorize.purpose,
        return_url: None,
        off_session: authorize.off_session,
        set_up: method.details.set_up,
        wants_challenge: authorize.wants_challenge,
        wants_multicapture: options.is_some_and(|options| wanted(options.request_multicapture)),
        wants_increments: options
            .is_some_and(|options| wanted(options.request_incremental_authorization)),
        challenge: authorize.challenge.map(|result| match result {
            ChallengeResult::Completed => Challenge::Completed,
            ChallengeResult::Failed => Challenge::Failed,
        }),
        checks: method.card.checks,
    }
}

/// The statements that record what the processor said.
pub(super) fn record<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    authorize: &Authorize,
    outcome: &Outcome,
) -> Result<Vec<Statement>, Failure> {
    match outcome {
        Outcome::Authorized {
            reference,
            risk,
            checks,
            issued,
            multicapture,
            incremental,
            authenticated,
            later,
            remembered,
            capture_before,
        } => {
            let learns =
                held.payment_method.as_mut().is_some_and(|method| method.card.learn(issued));
            let mut charge = new_charge(context, held, authorize)?;
            if let Some(card) = &mut charge.details.card {
                card.checks = *checks;
            }
            charge.details.risk = *risk;
            charge.details.multicapture &= *multicapture;
            charge.details.incremental &= *incremental;
            charge.details.authenticated |= *authenticated;
            if !authorize.capture {
                charge.details.capture_before = *capture_before;
            }
            charge.details.later = later.map(|later| later.name().to_owned());
            charge.details.processor_reference = Some(reference.clone());
            held.attempt.processor_reference = Some(reference.clone());
            authorized(context, held, authorize, charge, (remembered.as_deref(), learns))
        }
        // A charge without an intent has nowhere to wait for its cardholder.
        Outcome::ChallengeRequired { reference, .. }
            if held.payment_intent.is_none() || authorize.off_session =>
        {
            let why = Decline::AuthenticationRequired;
            not_challenged(context, held, authorize, reference.as_deref(), why)
        }
        Outcome::ChallengeRequired { reference, .. } if authorize.error_on_requires_action => {
            let why = Decline::AuthenticationNotHandled;
            not_challenged(context, held, authorize, reference.as_deref(), why)
        }
        // The processor waits for something that no cardholder can be sent to, or that none came back from.
        Outcome::ChallengeRequired { reference: Some(reference), url: None } => {
            let why = Decline::AuthenticationFailure;
            not_challenged(context, held, authorize, Some(reference), why)
        }
        Outcome::ChallengeRequired { reference, url } => {
            held.attempt.processor_reference = reference.clone();
            let mut statements = challenge_required(context, held, url.as_deref())?;
            // A cardholder who paid may never come back to our page.
            if reference.is_some() {
                statements.push(plan_recovery(context, &held.attempt));
            }
            Ok(statements)
        }
        // It says nothing of the card; who is asked meanwhile is told of a payment that is on its way.
        Outcome::Refused { .. } if !is_on_its_way(held) => not_taken(held, outcome),
        no => declined(context, held, authorize, no),
    }
}

pub(super) fn new_charge<P: Platform>(
    context: &Context<'_, P>,
    held: &Held,
    authorize: &Authorize,
) -> Result<Charge, Failure> {
    let method = held.method()?;
    let mut details = match (&authorize.legacy_charge, &held.payment_intent) {
        (Some(details), _) => details.clone(),
        (None, Some(intent)) => details_of(intent),
        (None, None) => charge::Details::default(),
    };
    let account = held.attempt.connector_account.clone();
    let connector = &held.attempt.connector;
    details.booked.processor.clone_from(&account);
    details.processor =
        account.map(|account| charge::Processor { connector: connector.clone(), account });
    details.card = Some(method.card.clone());
    details.billing_details = method.details.billing_details.clone();
    details.calculated_statement_descriptor = authorize.calculated_statement_descriptor.clone();
    details.authenticated = authorize.challenge == Some(ChallengeResult::Completed);
    details.captures_automatically = authorize.capture;
    // A charge without an intent was given it when it was asked for.
    if let Some(intent) = &held.payment_intent {
        details.receipt_url = Some(receipt_url(context, &intent.details.origin, &authorize.charge));
    }
    Ok(Charge {
        id: authorize.charge.clone(),
        livemode: context.scope.livemode,
        created: context.now,
        version: 1,
        amount: held.attempt.amount,
        captured: if authorize.capture { held.attempt.amount.amount } else { Amount::ZERO },
        released: Amount::ZERO,
        refunded: Amount::ZERO,
        status: charge::Status::Succeeded,
        disputed: false,
        payment_intent: held.attempt.payment_intent.clone(),
        customer: authorize.customer.clone(),
        payment_method: Some(method.id.clone()),
        details,
    })
}

/// Where the receipt of a charge will be.
pub fn receipt_url<P: Platform>(
    context: &Context<'_, P>,
    origin: &str,
    charge: &ChargeId,
) -> String {
    let token = link::token(context.platform.master_key(), charge);
    format!("{origin}{}{token}", link::PREFIX)
}

/// What a charge takes over from its intent.
fn details_of(intent: &PaymentIntent) -> charge::Details {
    let details = &intent.details;
    let wanted = |requested: Option<Requested>| requested == Some(Requested::IfAvailable);
    charge::Details {
        description: details.description.clone(),
        receipt_email: details.receipt_email.clone(),
        shipping: details.shipping.clone(),
        statement_descriptor: details.statement_descriptor.clone(),
        statement_descriptor_suffix: details.statement_descriptor_suffix.clone(),
        transfer_group: details.transfer_group.clone(),
        application_fee_amount: details.application_fee_amount,
        on_behalf_of: details.on_behalf_of.clone(),
        metadata: details.metadata.clone(),
        multicapture: wanted(details.card_options.request_multicapture),
        incremental: wanted(details.card_options.request_incremental_authorization),
        ..charge::Details::default()
    }
}

fn authorized<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    authorize: &Authorize,
    mut charge: Charge,
    (remembered, learns): (Option<&Remembered>, bool),
) -> Result<Vec<Statement>, Failure> {
    // It is held since it was asked for, however late that is known, unless its cardholder was waited for.
    let began = authorize.challenged_at.unwrap_or(held.attempt.created);
    held.attempt.state = AttemptState::Succeeded;
    let mut statements = Vec::new();
    let attempt = &held.attempt;
    if authorize.capture {
        let taken = (attempt.amount.amount, Amount::ZERO);
        let terms = &authorize.terms;
        statements.extend(ledger::captured(context, attempt, &mut charge, terms, taken)?);
        statements.extend(disputes::plan(context, &charge));
    } else {
        statements.extend(ledger::held(context, attempt, &charge, attempt.amount.amount)?);
        let end = charge.details.capture_before;
        let end = end.unwrap_or_else(|| began.plus(AUTHORIZATION_LIFETIME));
        charge.details.capture_before = Some(end);
        statements.push(plan_expiry(context, &charge, end));
        context.platform.wake(end);
    }
    if let Some(intent) = &mut held.payment_intent {
        let before = charge.details.capture_before;
        intent.authorized(&held.attempt.id, charge.id.clone(), authorize.capture, before)?;
        statements.extend(payment_intents::update(intent));
    }
    statements.extend(insert(context, &charge));
    let of_method = method::after_success(context, held, authorize, remembered)?;
    if learns && of_method.is_empty() {
        statements.extend(method::learnt(held));
    }
    statements.extend(of_method);
    let transition = match (&held.payment_intent, authorize.capture) {
        (None, _) => Transition::ChargeSucceeded,
        (Some(_), true) => Transition::IntentSucceeded,
        (Some(_), false) => Transition::IntentAuthorized,
    };
    statements.extend(announce(context, held, transition, Some(&charge)));
    held.charge = Some(charge);
    Ok(statements)
}

/// The statements that keep a new charge, and let it be found by its metadata.
pub(super) fn insert<P: Platform>(context: &Context<'_, P>, charge: &Charge) -> Vec<Statement> {
    let mut statements = vec![charges::insert(&context.scope, charge)];
    statements.extend(metadata_entries::replace(
        &context.scope,
        charges::owner(charge),
        &Metadata::default(),
        &charge.details.metadata,
    ));
    statements
}

fn plan_expiry<P: Platform>(
    context: &Context<'_, P>,
    charge: &Charge,
    end: Timestamp,
) -> Statement {
    scheduled_tasks::insert(&Task {
        due_at: end,
        kind: Kind::ExpireAuthorization,
        subject: charge.id.as_str().to_owned(),
        scope: context.scope.clone(),
        tries: 0,
    })
}

fn challenge_required<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    url: Option<&str>,
) -> Result<Vec<Statement>, Failure> {
    held.attempt.state = AttemptState::RequiresAction;
    let mut statements = method::while_waiting(held)?;
    if let Some(intent) = &mut held.payment_intent {
        let own = format!("{}/challenges/{}", intent.details.origin, held.attempt.id);
        let action = next_action(url.unwrap_or(&own), intent.details.return_url.as_deref());
        intent.action_required(&held.attempt.id, action)?;
        statements.extend(payment_intents::update(intent));
    }
    statements.extend(announce(context, held, Transition::IntentRequiresAction, None));
    Ok(statements)
}

/// Where the cardholder proves who they are; without a way back, Stripe's browser library opens it.
fn next_action(url: &str, return_url: Option<&str>) -> Value {
    match return_url {
        Some(return_url) => json!({
            "redirect_to_url": {"return_url": return_url, "url": url},
            "type": "redirect_to_url",
        }),
        None => json!({
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
        }),
    }
}

pub(super) fn announce<P: Platform>(
    context: &Context<'_, P>,
    held: &Held,
    transition: Transition,
    charge: Option<&Charge>,
) -> Vec<Statement> {
    let subjects =
        Subjects { payment_intent: held.payment_intent.as_ref(), charge, ..Subjects::default() };
    events(context, transition, subjects, None)
}
