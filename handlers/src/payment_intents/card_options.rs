//! `payment_method_options[card]`: what a merchant may choose about a card payment.

use domain::payment_intent::{
    CaptureMethod, CardFutureUsage, CardNetwork, RequestThreeDSecure, Requested,
};
use domain::{ApiError, Patch};
use flows::payment_intents::CardChanges;
use serde::Deserialize;
use serde_json::Value;

use super::parameters::check_length;
use crate::payment_methods::list::KINDS;
use crate::payment_methods::options::{CardOptions, PaymentMethodOptions};

/// The kinds that have options although no payment method can be listed by them: cards that are
/// present.
const PRESENT_KINDS: &[&str] = &["card_present", "interac_present"];

/// The longest suffix in Kana, in characters.
const MAX_KANA: usize = 22;
/// The longest suffix in Kanji, in characters.
const MAX_KANJI: usize = 17;

/// Options for cards.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CardParameters {
    #[serde(default)]
    capture_method: Patch<CaptureMethod>,
    installments: Option<Installments>,
    /// Accepted and not needed.
    #[expect(dead_code, reason = "accepted and not needed")]
    mandate_options: Option<Value>,
    /// Accepted and not needed.
    #[expect(dead_code, reason = "accepted and not needed")]
    moto: Option<bool>,
    network: Option<CardNetwork>,
    /// The simulator grants none.
    request_extended_authorization: Option<Requested>,
    request_incremental_authorization: Option<Requested>,
    request_multicapture: Option<Requested>,
    /// The simulator grants none.
    request_overcapture: Option<Requested>,
    request_three_d_secure: Option<RequestThreeDSecure>,
    require_cvc_recollection: Option<bool>,
    #[serde(default)]
    setup_future_usage: Patch<CardFutureUsage>,
    #[serde(default)]
    statement_descriptor_suffix_kana: Patch<String>,
    #[serde(default)]
    statement_descriptor_suffix_kanji: Patch<String>,
}

/// Whether the cardholder may pay in instalments.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Installments {
    enabled: Option<bool>,
    /// The plan that the cardholder chose; there is none to choose.
    #[serde(default)]
    plan: Patch<Value>,
}

impl CardOptions for CardParameters {
    fn other_kinds() -> impl Iterator<Item = &'static str> {
        // What merchants define themselves has no options.
        let listed = KINDS.iter().filter(|kind| !["card", "custom"].contains(kind));
        listed.chain(PRESENT_KINDS).copied()
    }
}

/// What the options ask to change.
///
/// # Errors
/// When a text is too long, or an instalment plan is chosen.
pub fn changes(
    options: &PaymentMethodOptions<CardParameters>,
) -> Result<Patch<CardChanges>, ApiError> {
    let card = match &options.card {
        Patch::Keep => return Ok(Patch::Keep),
        Patch::Clear => return Ok(Patch::Clear),
        Patch::Set(card) => card.clone(),
    };
    let (kana, kanji) =
        (&card.statement_descriptor_suffix_kana, &card.statement_descriptor_suffix_kanji);
    for (name, suffix, limit) in [("kana", kana, MAX_KANA), ("kanji", kanji, MAX_KANJI)] {
        let param = format!("payment_method_options[card][statement_descriptor_suffix_{name}]");
        check_length(&param, suffix.as_set(), limit)?;
    }
    if card.installments.as_ref().is_some_and(|chosen| chosen.plan.as_set().is_some()) {
        return Err(ApiError::ParameterInvalid {
            param: "payment_method_options[card][installments][plan]".to_owned(),
            message: "No installment plan is available for this payment.".to_owned(),
        });
    }
    Ok(Patch::Set(CardChanges {
        capture_method: card.capture_method,
        installments_enabled: card.installments.and_then(|installments| installments.enabled),
        network: card.network,
        request_extended_authorization: card.request_extended_authorization,
        request_incremental_authorization: card.request_incremental_authorization,
        request_multicapture: card.request_multicapture,
        request_overcapture: card.request_overcapture,
        request_three_d_secure: card.request_three_d_secure,
        require_cvc_recollection: card.require_cvc_recollection,
        setup_future_usage: card.setup_future_usage,
        statement_descriptor_suffix_kana: card.statement_descriptor_suffix_kana,
        statement_descriptor_suffix_kanji: card.statement_descriptor_suffix_kanji,
    }))
}
