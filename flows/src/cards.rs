//! Card data as it arrives: checked, described, sealed.

use connectors::simulator;
use domain::card::{Card, CardNumber, Check, Checks, Decline, Expiry, Funding, check_cvc};
use domain::payment_method::BillingDetails;
use domain::seal::{Kind, Lasting};
use store::Scope;

use crate::{Context, Failure, Platform};

/// A card as a request names it, by its number.
#[derive(Clone)]
pub struct CardInput {
    /// The number as people type it.
    pub number: String,
    /// The month after which it is no longer good.
    pub exp_month: i64,
    /// Its year.
    pub exp_year: i64,
    /// The security code, used within this request and never kept.
    pub cvc: Option<String>,
}

/// A card that passed its checks, its number sealed.
#[derive(Clone, Debug)]
pub struct SealedCard {
    /// What may be shown.
    pub card: Card,
    /// The number under the master key.
    pub sealed_number: String,
}

/// What opens only in the account that sealed it.
pub(crate) fn seal_context(scope: &Scope) -> String {
    format!("card:{}:{}", scope.account, scope.livemode)
}

/// Checks a card and seals its number.
///
/// # Errors
/// When the number, the expiry or the security code is wrong.
pub fn check_and_seal<P: Platform>(
    context: &Context<'_, P>,
    input: &CardInput,
    holder: &BillingDetails,
) -> Result<SealedCard, Failure> {
    let number = CardNumber::parse(&input.number).map_err(Decline::refuse)?;
    let expiry =
        Expiry::parse(input.exp_month, input.exp_year, context.now).map_err(Decline::refuse)?;
    if let Some(cvc) = &input.cvc {
        check_cvc(cvc, number.brand()).map_err(Decline::refuse)?;
    }
    seal(context, &number, expiry, input.cvc.is_some(), holder)
}

/// The card behind a built-in name, as `pm_card_visa` or `tok_visa`; test mode only.
///
/// # Errors
/// When the seal cannot be made.
pub fn by_name<P: Platform>(
    context: &Context<'_, P>,
    name: &str,
) -> Result<Option<SealedCard>, Failure> {
    if context.scope.livemode {
        return Ok(None);
    }
    let Some(number) = simulator::cards::by_name(name) else {
        return Ok(None);
    };
    let expiry = builtin_expiry(context);
    // Stripe's own test payment methods come without a security code, except for the one that fails it.
    let has_cvc = name.contains("cvcCheckFail") || name.starts_with("tok_");
    seal(context, &number, expiry, has_cvc, &BillingDetails::default()).map(Some)
}

/// Built-in cards are always good for a year from now.
fn builtin_expiry<P: Platform>(context: &Context<'_, P>) -> Expiry {
    let (year, month) = domain::card::year_and_month(context.now);
    Expiry {
        month: u8::try_from(month).unwrap_or(12),
        year: u16::try_from(year.saturating_add(1)).unwrap_or(u16::MAX),
    }
}

fn seal<P: Platform>(
    context: &Context<'_, P>,
    number: &CardNumber,
    expiry: Expiry,
    has_cvc: bool,
    holder: &BillingDetails,
) -> Result<SealedCard, Failure> {
    let key = context.platform.master_key();
    let sealed_number =
        key.seal(Kind::Card, number.digits(), &seal_context(&context.scope), context.nonce())?;
    context.sealed.replace(Some((sealed_number.clone(), number.clone())));
    let known = if context.scope.livemode { None } else { simulator::cards::find(number) };
    let unchecked = |given: bool| given.then_some(Check::Unchecked);
    let address = holder.address.as_ref();
    let card = Card {
        brand: number.brand(),
        country: known.map(|card| card.country.to_owned()),
        exp_month: expiry.month,
        exp_year: expiry.year,
        fingerprint: number
            .fingerprint(&key.lasting(Lasting::CardFingerprint), context.scope.account.as_str()),
        funding: known.map_or(Funding::Unknown, |card| card.funding),
        last4: number.last4(),
        checks: Checks {
            address_line1_check: unchecked(address.is_some_and(|a| a.line1.is_some())),
            address_postal_code_check: unchecked(address.is_some_and(|a| a.postal_code.is_some())),
            cvc_check: unchecked(has_cvc),
        },
    };
    Ok(SealedCard { card, sealed_number })
}

/// Opens a sealed number, for a processor only.
///
/// # Errors
/// When it was sealed for another account, under another key, or was damaged.
pub fn open<P: Platform>(context: &Context<'_, P>, sealed: &str) -> Result<CardNumber, Failure> {
    if let Some((text, number)) = context.sealed.borrow().as_ref()
        && text == sealed
    {
        return Ok(number.clone());
    }
    let key = context.platform.master_key();
    let digits = key.open(Kind::Card, sealed, &seal_context(&context.scope))?;
    CardNumber::parse(&digits)
        .map_err(|_| Failure::Bug("a sealed text holds no card number".to_owned()))
}
