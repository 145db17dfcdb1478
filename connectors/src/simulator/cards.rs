//! Stripe's test cards: their numbers, their names, and what the simulator does with each.
//!
//! Source: <https://docs.stripe.com/testing>.

use domain::card::{CardNumber, Check, Decline, Funding};
use domain::charge::Risk;

use crate::Later;

/// What the simulator does with a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It is charged.
    Succeeds,
    /// It is refused, also where it is only to be kept.
    Declines(Decline),
    /// It can be kept, and is refused when charged.
    DeclinesWhenCharged(Decline),
    /// Its security code is wrong, where one is given.
    FailsCvc,
    /// It is charged, and this is what the issuer says of its holder's address, where one is given.
    ChecksAddress {
        /// What it says of the first line.
        line1: Check,
        /// What it says of the postal code.
        postal_code: Check,
    },
    /// The cardholder must prove who they are, each time.
    ChallengesAlways,
    /// The same, unless they agreed once to payments without taking part.
    ChallengesUnlessSetUp,
    /// The same, where they take part.
    ChallengesOnSession,
    /// The same, where the merchant asks for it.
    ChallengesOnRequest,
    /// They prove it, and are refused all the same.
    DeclinesAfterChallenge(Decline),
    /// The same, and they are refused, too, where they take no part and so need not prove it.
    DeclinesAfterChallengeOnSession(Decline),
    /// It is charged, and what it holds can be taken in one go only.
    CapturesOnce,
    /// It is charged, and something happens later.
    Later(Later),
}

/// A test card.
#[derive(Clone, Copy, Debug)]
pub struct TestCard {
    /// Its number.
    pub number: &'static str,
    /// How its holder pays the issuer.
    pub funding: Funding,
    /// The issuer's country.
    pub country: &'static str,
    /// How risky its payments look.
    pub risk: Risk,
    /// What the simulator does with it.
    pub behaviour: Behaviour,
}

const fn card(
    number: &'static str,
    funding: Funding,
    country: &'static str,
    risk: Risk,
    behaviour: Behaviour,
) -> TestCard {
    TestCard { number, funding, country, risk, behaviour }
}

/// Every test card.
#[rustfmt::skip]
static CARDS: &[TestCard] = &[
    card("4242424242424242", Funding::Credit, "US", Risk::Normal, Behaviour::Succeeds),
    card("4012888888881881", Funding::Credit, "US", Risk::Normal, Behaviour::Succeeds),
    card("4000056655665556", Funding::Debit, "US", Risk::Normal, Behaviour::Succeeds),
    card("5555555555554444", Funding::Credit, "US", Risk::Normal, Behaviour::Succeeds),
    card("2223003122003222", Funding::Credit, "US", Risk::Normal, Behaviour::Succeeds),
    card("5200828282828210", Funding::Debit, "US", Risk::Normal, Behaviour::Succeeds),
    card("5105105105105100", Funding::Prepaid, "US", Risk::Normal, Behaviour::Succeeds),
    card("378282246310005", Funding::Credit, "US", Risk::Normal, Behaviour::Succeeds),
    card("371449635398431", Funding::Credit, "US", Risk::Normal, Behaviour::Succeeds),
    card("6011111111111117", Funding::Credit, "US", Risk::Normal, Behaviour::Succeeds),
    card("6011000990139424", Funding::Credit, "US", Risk::Normal, Behaviour::Succeeds),
    card("6011981111111113", Funding::Debit, "US", Risk::Normal, Behaviour::Succeeds),
    card("3056930009020004", Funding::Credit, "US", Risk::Normal, Behaviour::Succeeds),
    card("36227206271667", Funding::Credit, "US", Risk::Normal, Behaviour::Succeeds),
    card("30569309025904", Funding::Credit, "US", Risk::Normal, Behaviour::Succeeds),
    card("38520000023237", Funding::Credit, "US", Risk::Normal, Behaviour::Succeeds),
    card("3566002020360505", Funding::Credit, "JP", Risk::Normal, Behaviour::Succeeds),
    card("6200000000000005", Funding::Credit, "CN", Risk::Normal, Behaviour::Succeeds),
    card("6200000000000047", Funding::Debit, "CN", Risk::Normal, Behaviour::Succeeds),
    card("6205500000000000004", Funding::Credit, "CN", Risk::Normal, Behaviour::Succeeds),
    card("4000000000000002", Funding::Credit, "US", Risk::Normal, Behaviour::Declines(Decline::GenericDecline)),
    card("4000000000009995", Funding::Credit, "US", Risk::Normal, Behaviour::Declines(Decline::InsufficientFunds)),
    card("4000000000009987", Funding::Credit, "US", Risk::Normal, Behaviour::Declines(Decline::LostCard)),
    card("4000000000009979", Funding::Credit, "US", Risk::Normal, Behaviour::Declines(Decline::StolenCard)),
    card("4000000000000069", Funding::Credit, "US", Risk::Normal, Behaviour::Declines(Decline::ExpiredCard)),
    card("4000000000000127", Funding::Credit, "US", Risk::Normal, Behaviour::Declines(Decline::IncorrectCvc)),
    card("4000000000000119", Funding::Credit, "US", Risk::Normal, Behaviour::Declines(Decline::ProcessingError)),
    card("4000000000006975", Funding::Credit, "US", Risk::Normal, Behaviour::Declines(Decline::CardVelocityExceeded)),
    card("4000000000000341", Funding::Credit, "US", Risk::Normal, Behaviour::DeclinesWhenCharged(Decline::GenericDecline)),
    card("4100000000000019", Funding::Credit, "US", Risk::Normal, Behaviour::DeclinesWhenCharged(Decline::Fraudulent)),
    card("4000000000000101", Funding::Credit, "US", Risk::Normal, Behaviour::FailsCvc),
    card("4000000000000010", Funding::Credit, "US", Risk::Normal, Behaviour::ChecksAddress { line1: Check::Fail, postal_code: Check::Fail }),
    card("4000000000000028", Funding::Credit, "US", Risk::Normal, Behaviour::ChecksAddress { line1: Check::Fail, postal_code: Check::Pass }),
    card("4000000000000036", Funding::Credit, "US", Risk::Normal, Behaviour::ChecksAddress { line1: Check::Pass, postal_code: Check::Fail }),
    card("4000000000000044", Funding::Credit, "US", Risk::Normal, Behaviour::ChecksAddress { line1: Check::Unavailable, postal_code: Check::Unavailable }),
    card("4000002500003155", Funding::Credit, "FR", Risk::Normal, Behaviour::ChallengesUnlessSetUp),
    card("4000002760003184", Funding::Credit, "DE", Risk::Normal, Behaviour::ChallengesAlways),
    card("4000003800000446", Funding::Credit, "IT", Risk::Normal, Behaviour::ChallengesOnSession),
    card("4000000000003220", Funding::Credit, "US", Risk::Normal, Behaviour::ChallengesAlways),
    card("4000000000003063", Funding::Credit, "US", Risk::Normal, Behaviour::ChallengesAlways),
    card("4000008260003178", Funding::Credit, "GB", Risk::Normal, Behaviour::DeclinesAfterChallengeOnSession(Decline::InsufficientFunds)),
    card("4000008400001629", Funding::Credit, "US", Risk::Normal, Behaviour::DeclinesAfterChallenge(Decline::GenericDecline)),
    // The issuer cannot be asked for a challenge, and refuses the payment without one.
    card("4000008400001280", Funding::Credit, "US", Risk::Normal, Behaviour::DeclinesWhenCharged(Decline::GenericDecline)),
    card("4000000000003055", Funding::Credit, "US", Risk::Normal, Behaviour::ChallengesOnRequest),
    // The issuer cannot be asked for a challenge, and takes the payment without one.
    card("4000000000003097", Funding::Credit, "US", Risk::Normal, Behaviour::Succeeds),
    card("4000000000000259", Funding::Credit, "US", Risk::Normal, Behaviour::Later(Later::DisputeFraudulent)),
    card("4000000000002685", Funding::Credit, "US", Risk::Normal, Behaviour::Later(Later::DisputeProductNotReceived)),
    card("4000000000001976", Funding::Credit, "US", Risk::Normal, Behaviour::Later(Later::Inquiry)),
    card("4000000000005423", Funding::Credit, "US", Risk::Normal, Behaviour::Later(Later::DisputeFraudulent)),
    card("4000000404000079", Funding::Credit, "US", Risk::Normal, Behaviour::Later(Later::DisputeFraudulent)),
    card("4000000000007726", Funding::Credit, "US", Risk::Normal, Behaviour::Later(Later::RefundPends)),
    card("4000000000005126", Funding::Credit, "US", Risk::Normal, Behaviour::Later(Later::RefundFails)),
    card("4000000000000077", Funding::Credit, "US", Risk::Normal, Behaviour::Later(Later::AvailableAtOnce)),
    card("4000000000000093", Funding::Credit, "US", Risk::Normal, Behaviour::Succeeds),
    card("4000003720000278", Funding::Credit, "IE", Risk::Normal, Behaviour::Later(Later::AvailableAtOnce)),
    card("4000000000009235", Funding::Credit, "US", Risk::Elevated, Behaviour::Succeeds),
    card("4000000000004954", Funding::Credit, "US", Risk::Highest, Behaviour::Succeeds),
    card("4000008400000076", Funding::Credit, "US", Risk::Normal, Behaviour::CapturesOnce),
    card("4000002500001001", Funding::Credit, "FR", Risk::Normal, Behaviour::Succeeds),
    card("4000000760000002", Funding::Credit, "BR", Risk::Normal, Behaviour::Succeeds),
    card("4000001240000000", Funding::Credit, "CA", Risk::Normal, Behaviour::Succeeds),
    card("4000004840008001", Funding::Credit, "MX", Risk::Normal, Behaviour::Succeeds),
    card("4000000400000008", Funding::Credit, "AT", Risk::Normal, Behaviour::Succeeds),
    card("4000000560000004", Funding::Credit, "BE", Risk::Normal, Behaviour::Succeeds),
    card("4000002080000001", Funding::Credit, "DK", Risk::Normal, Behaviour::Succeeds),
    card("4000002460000001", Funding::Credit, "FI", Risk::Normal, Behaviour::Succeeds),
    card("4000002500000003", Funding::Credit, "FR", Risk::Normal, Behaviour::Succeeds),
    card("4000002760000016", Funding::Credit, "DE", Risk::Normal, Behaviour::Succeeds),
    card("4000003720000005", Funding::Credit, "IE", Risk::Normal, Behaviour::Succeeds),
    card("4000003800000008", Funding::Credit, "IT", Risk::Normal, Behaviour::Succeeds),
    card("4000004420000006", Funding::Credit, "LU", Risk::Normal, Behaviour::Succeeds),
    card("4000005280000002", Funding::Credit, "NL", Risk::Normal, Behaviour::Succeeds),
    card("4000005780000007", Funding::Credit, "NO", Risk::Normal, Behaviour::Succeeds),
    card("4000006200000007", Funding::Credit, "PT", Risk::Normal, Behaviour::Succeeds),
    card("4000007240000007", Funding::Credit, "ES", Risk::Normal, Behaviour::Succeeds),
    card("4000007520000008", Funding::Credit, "SE", Risk::Normal, Behaviour::Succeeds),
    card("4000007560000009", Funding::Credit, "CH", Risk::Normal, Behaviour::Succeeds),
    card("4000008260000000", Funding::Credit, "GB", Risk::Normal, Behaviour::Succeeds),
    card("4000058260000005", Funding::Debit, "GB", Risk::Normal, Behaviour::Succeeds),
    card("4000000360000006", Funding::Credit, "AU", Risk::Normal, Behaviour::Succeeds),
    card("4000001560000002", Funding::Credit, "CN", Risk::Normal, Behaviour::Succeeds),
    card("4000003440000004", Funding::Credit, "HK", Risk::Normal, Behaviour::Succeeds),
    card("4000003560000008", Funding::Credit, "IN", Risk::Normal, Behaviour::Succeeds),
    card("4000003920000003", Funding::Credit, "JP", Risk::Normal, Behaviour::Succeeds),
    card("3530111333300000", Funding::Credit, "JP", Risk::Normal, Behaviour::Succeeds),
    card("4000005540000008", Funding::Credit, "NZ", Risk::Normal, Behaviour::Succeeds),
    card("4000007020000003", Funding::Credit, "SG", Risk::Normal, Behaviour::Succeeds),
];

/// The names by which merchants' tests use test cards, in the order of the alphabet: each is a payment
/// method after `pm_card_`, and a token after `tok_`.
#[rustfmt::skip]
static NAMES: &[(&str, &str)] = &[
    ("amex", "378282246310005"),
    ("amex_threeDSecureNotSupported", "378282246310005"),
    ("at", "4000000400000008"),
    ("au", "4000000360000006"),
    ("avsFail", "4000000000000010"),
    ("avsLine1Fail", "4000000000000028"),
    ("avsUnchecked", "4000000000000044"),
    ("avsZipFail", "4000000000000036"),
    ("be", "4000000560000004"),
    ("br", "4000000760000002"),
    ("bypassPending", "4000000000000077"),
    ("bypassPendingInternational", "4000003720000278"),
    ("ca", "4000001240000000"),
    ("ch", "4000007560000009"),
    ("chargeCustomerFail", "4000000000000341"),
    ("chargeDeclined", "4000000000000002"),
    ("chargeDeclinedExpiredCard", "4000000000000069"),
    ("chargeDeclinedFraudulent", "4100000000000019"),
    ("chargeDeclinedIncorrectCvc", "4000000000000127"),
    ("chargeDeclinedInsufficientFunds", "4000000000009995"),
    ("chargeDeclinedProcessingError", "4000000000000119"),
    ("cn", "4000001560000002"),
    ("createDispute", "4000000000000259"),
    ("createDisputeInquiry", "4000000000001976"),
    ("createDisputeProductNotReceived", "4000000000002685"),
    ("createIssuerFraudRecord", "4000000000005423"),
    ("createMultipleDisputes", "4000000404000079"),
    ("cvcCheckFail", "4000000000000101"),
    ("de", "4000002760000016"),
    ("diners", "3056930009020004"),
    ("discover", "6011111111111117"),
    ("dk", "4000002080000001"),
    ("domesticPricing", "4000000000000093"),
    ("es", "4000007240000007"),
    ("fi", "4000002460000001"),
    ("fr", "4000002500000003"),
    ("gb", "4000008260000000"),
    ("gb_debit", "4000058260000005"),
    ("hk", "4000003440000004"),
    ("ie", "4000003720000005"),
    ("in", "4000003560000008"),
    ("it", "4000003800000008"),
    ("jcb", "3566002020360505"),
    ("jp", "4000003920000003"),
    ("lu", "4000004420000006"),
    ("mastercard", "5555555555554444"),
    ("mastercard_debit", "5200828282828210"),
    ("mastercard_prepaid", "5105105105105100"),
    ("mx", "4000004840008001"),
    ("nl", "4000005280000002"),
    ("no", "4000005780000007"),
    ("nz", "4000005540000008"),
    ("pendingRefund", "4000000000007726"),
    ("pt", "4000006200000007"),
    ("radarBlock", "4100000000000019"),
    ("refundFail", "4000000000005126"),
    ("riskLevelElevated", "4000000000009235"),
    ("riskLevelHighest", "4000000000004954"),
    ("se", "4000007520000008"),
    ("sg", "4000007020000003"),
    ("threeDSecure2Required", "4000000000003220"),
    ("threeDSecureOptional", "4000000000003055"),
    ("threeDSecureOptionalProcessingError", "4000000000003097"),
    ("threeDSecureRequired", "4000000000003063"),
    ("threeDSecureRequiredChargeDeclined", "4000008400001629"),
    ("threeDSecureRequiredProcessingError", "4000008400001280"),
    ("unionpay", "6200000000000005"),
    ("us", "4242424242424242"),
    ("visa", "4242424242424242"),
    ("visa_cartesBancaires", "4000002500001001"),
    ("visa_chargeDeclined", "4000000000000002"),
    ("visa_chargeDeclinedInsufficientFunds", "4000000000009995"),
    ("visa_chargeDeclinedLostCard", "4000000000009987"),
    ("visa_chargeDeclinedStolenCard", "4000000000009979"),
    ("visa_chargeDeclinedVelocityLimitExceeded", "4000000000006975"),
    ("visa_debit", "4000056655665556"),
];

/// The names that only payment methods have, after `pm_card_`.
#[rustfmt::skip]
static METHOD_NAMES: &[(&str, &str)] = &[
    ("authenticationRequired", "4000002760003184"),
    ("authenticationRequiredChargeDeclinedInsufficientFunds", "4000008260003178"),
    ("authenticationRequiredOnSetup", "4000002500003155"),
    ("authenticationRequiredSetupForOffSession", "4000003800000446"),
    ("credit_disableEnterpriseCardFeatures", "4000008400000076"),
];

/// The names that only tokens have, after `tok_`.
#[rustfmt::skip]
static TOKEN_NAMES: &[(&str, &str)] = &[
    ("visa_createDispute", "4000000000000259"),
    ("visa_createDisputeInquiry", "4000000000001976"),
    ("visa_createDisputeProductNotReceived", "4000000000002685"),
];

/// The test card with this number.
pub fn find(number: &CardNumber) -> Option<&'static TestCard> {
    CARDS.iter().find(|card| card.number == number.digits())
}

/// The number behind a built-in name, as `pm_card_visa` or `tok_visa`.
pub fn by_name(name: &str) -> Option<CardNumber> {
    let (rest, own_names) = match name.strip_prefix("pm_card_") {
        Some(rest) => (rest, METHOD_NAMES),
        None => (name.strip_prefix("tok_")?, TOKEN_NAMES),
    };
    let (_, number) = NAMES.iter().chain(own_names).find(|(known, _)| *known == rest)?;
    CardNumber::parse(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_and_name_can_be_used() {
        for card in CARDS {
            assert!(CardNumber::parse(card.number).is_ok(), "{}", card.number);
        }
        let tables: [(&[&str], _); 3] = [
            (&["pm_card_", "tok_"], NAMES),
            (&["pm_card_"], METHOD_NAMES),
            (&["tok_"], TOKEN_NAMES),
        ];
        for (prefixes, names) in tables {
            assert!(names.is_sorted_by_key(|(name, _)| *name), "{names:?}");
            for (prefix, name) in prefixes.iter().flat_map(|p| names.iter().map(move |n| (p, n.0)))
            {
                let number = by_name(&format!("{prefix}{name}")).expect("a number");
                assert!(find(&number).is_some(), "{prefix}{name}");
            }
        }
        for unheard_of in ["pm_card_unheard_of", "visa", "tok_authenticationRequired"] {
            assert!(by_name(unheard_of).is_none(), "{unheard_of}");
        }
    }

    #[test]
    fn a_country_names_a_card_that_was_issued_there() {
        for (name, number) in NAMES {
            let country = name.strip_suffix("_debit").unwrap_or(name);
            if country.len() == 2 {
                let card = CARDS.iter().find(|card| card.number == *number).expect("a card");
                assert!(card.country.eq_ignore_ascii_case(country), "{name}");
            }
        }
    }

    #[test]
    fn a_card_is_challenged_each_time_or_until_set_up_as_its_name_says() {
        let behaviour = |name| {
            let number = by_name(name).expect("a number");
            find(&number).expect("a card").behaviour
        };
        assert_eq!(behaviour("pm_card_authenticationRequired"), Behaviour::ChallengesAlways);
        assert_eq!(
            behaviour("pm_card_authenticationRequiredOnSetup"),
            Behaviour::ChallengesUnlessSetUp
        );
    }
}
