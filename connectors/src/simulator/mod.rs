//! The built-in processor of test mode: it acts on Stripe's test cards and moves no money.
//!
//! It keeps nothing: the same command always gets the same answer, so a command that is sent again
//! after a crash acts once. Source: <https://docs.stripe.com/testing>.

pub mod cards;
pub mod disputes;
mod later;

use domain::card::{CardNumber, Check, Checks, Decline};
use domain::refund::Status;

use crate::webhook::Forged;
use crate::{Asked, Authorize, Challenge, Command, Outcome, Processor, keeps_nothing};
use cards::{Behaviour, TestCard};
pub use later::Later;

/// The name under which attempts know this processor.
pub const NAME: &str = "simulator";

/// How it is spoken to: it is built in, and tells nothing unasked.
pub(crate) const PROCESSOR: Processor = Processor {
    name: NAME,
    horizon: 0,
    signature_header: None,
    secrets: [&[], &[]],
    ask: |command, _| Ok(Asked::Answered(act(command))),
    outcome: |command, _| act(command),
    keep: |_, _| Ok(None),
    kept: keeps_nothing,
    verify: |_, _, _, _| Err(Forged::Nobody),
    notice: |_| Err(Forged::Nobody),
    heard: |_, _| Outcome::unknown("the simulator sends no webhooks"),
};

/// How many seconds pass before the simulator acts on its own, as when a refund arrives.
pub const DELAY: i64 = 2;

/// On which day after a movement the simulator settles it.
pub const SETTLES_AFTER_DAYS: i64 = 2;

/// What the processor says to a command.
pub fn act(command: &Command<'_>) -> Outcome {
    match command {
        Command::Authorize(authorize) => answer_authorization(authorize),
        Command::Capture { key, .. }
        | Command::Increment { key, .. }
        | Command::Void { key, .. } => Outcome::Done { reference: reference(key) },
        Command::Refund { key, later, .. } => Outcome::Refunded {
            reference: reference(key),
            status: match later {
                Some(Later::RefundPends) => Status::Pending,
                _ => Status::Succeeded,
            },
            failure_reason: None,
        },
        Command::CancelRefund { .. } | Command::LookUp(_) => {
            Outcome::unknown("the simulator keeps nothing: send it again")
        }
    }
}

/// The simulator's own reference for a key.
fn reference(key: &str) -> String {
    format!("sim_{}", key.trim_start_matches("att_"))
}

fn declined(decline: Decline) -> Outcome {
    Outcome::Declined(decline.into())
}

fn answer_authorization(authorize: &Authorize<'_>) -> Outcome {
    let Some(card) = cards::find(authorize.number) else {
        return declined(Decline::TestModeLiveCard);
    };
    match authorize.challenge {
        Some(Challenge::Failed) => return declined(Decline::AuthenticationFailure),
        Some(Challenge::Completed) => {}
        None if needs_challenge(card, authorize) => {
            return if authorize.off_session {
                declined(Decline::AuthenticationRequired)
            } else {
                Outcome::ChallengeRequired { reference: None, url: None }
            };
        }
        None => {}
    }
    match card.behaviour {
        Behaviour::Declines(decline)
        | Behaviour::DeclinesWhenCharged(decline)
        | Behaviour::DeclinesAfterChallenge(decline)
        | Behaviour::DeclinesAfterChallengeOnSession(decline) => return declined(decline),
        Behaviour::FailsCvc if authorize.checks.cvc_check.is_some() => {
            return declined(Decline::IncorrectCvc);
        }
        _ => {}
    }
    Outcome::Authorized {
        reference: reference(authorize.key),
        risk: card.risk,
        checks: seen(card.behaviour, authorize.checks),
        issued: Box::default(),
        multicapture: card.behaviour != Behaviour::CapturesOnce,
        incremental: true,
        authenticated: false,
        later: match card.behaviour {
            Behaviour::Later(later) => Some(later),
            _ => None,
        },
        remembered: None,
        capture_before: None,
    }
}

fn needs_challenge(card: &TestCard, authorize: &Authorize<'_>) -> bool {
    match card.behaviour {
        Behaviour::ChallengesAlways | Behaviour::DeclinesAfterChallenge(_) => true,
        Behaviour::ChallengesUnlessSetUp => !(authorize.off_session && authorize.set_up),
        Behaviour::ChallengesOnSession | Behaviour::DeclinesAfterChallengeOnSession(_) => {
            !authorize.off_session
        }
        Behaviour::ChallengesOnRequest => authorize.wants_challenge && !authorize.off_session,
        _ => false,
    }
}

/// Why the issuer refuses to let a card be kept, if it does.
pub fn refusal_to_attach(number: &CardNumber) -> Option<Decline> {
    match cards::find(number)?.behaviour {
        Behaviour::Declines(decline) => Some(decline),
        _ => None,
    }
}

/// Whether the issuer wants to see the cardholder before a card is kept for later.
pub fn challenges_set_up(number: &CardNumber) -> bool {
    cards::find(number).is_some_and(|card| {
        matches!(
            card.behaviour,
            Behaviour::ChallengesAlways
                | Behaviour::ChallengesUnlessSetUp
                | Behaviour::ChallengesOnSession
                | Behaviour::DeclinesAfterChallenge(_)
                | Behaviour::DeclinesAfterChallengeOnSession(_)
        )
    })
}

/// Whether the issuer sees the cardholder wherever the merchant asks for it.
pub fn challenges_on_request(number: &CardNumber) -> bool {
    cards::find(number).is_some_and(|card| card.behaviour == Behaviour::ChallengesOnRequest)
}

/// What the issuer says of the holder's data when a card is kept.
pub fn check_holder(number: &CardNumber, given: Checks) -> Checks {
    seen(cards::find(number).map_or(Behaviour::Succeeds, |card| card.behaviour), given)
}

/// What the issuer says of the holder's data: that it is right, but for the cards that fail it. What
/// was not given is not looked at, and what it said before stays said.
fn seen(behaviour: Behaviour, given: Checks) -> Checks {
    let says = |check: Option<Check>, word: Check| match check {
        Some(Check::Unchecked) => Some(word),
        other => other,
    };
    let (line1, postal_code) = match behaviour {
        Behaviour::ChecksAddress { line1, postal_code } => (line1, postal_code),
        _ => (Check::Pass, Check::Pass),
    };
    let cvc = if behaviour == Behaviour::FailsCvc { Check::Fail } else { Check::Pass };
    Checks {
        address_line1_check: says(given.address_line1_check, line1),
        address_postal_code_check: says(given.address_postal_code_check, postal_code),
        cvc_check: says(given.cvc_check, cvc),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::attempt::Purpose;
    use domain::card::Expiry;
    use domain::money::{Amount, Currency, Money};
    use domain::payment_method::BillingDetails;

    const CHALLENGED: Outcome = Outcome::ChallengeRequired { reference: None, url: None };

    fn ask(number: &str, change: impl Fn(&mut Authorize<'_>)) -> Outcome {
        let number = CardNumber::parse(number).expect("a card number");
        let mut authorize = Authorize {
            key: "att_1",
            amount: Money {
                amount: Amount::new(100).expect("an amount"),
                currency: Currency::parse("usd").expect("a currency"),
            },
            capture: true,
            number: &number,
            token: None,
            network_transaction: None,
            is_instead: false,
            remembers: None,
            expiry: Expiry { month: 12, year: 2034 },
            cvc: None,
            billing: &BillingDetails::default(),
            purpose: &Purpose::new(),
            return_url: None,
            off_session: false,
            set_up: false,
            wants_challenge: false,
            wants_multicapture: false,
            wants_increments: false,
            challenge: None,
            checks: Checks::default(),
        };
        change(&mut authorize);
        act(&Command::Authorize(authorize))
    }

    #[test]
    fn test_cards_do_as_stripe_says() {
        assert!(matches!(ask("4242424242424242", |_| {}), Outcome::Authorized { .. }));
        assert_eq!(ask("4000000000009995", |_| {}), declined(Decline::InsufficientFunds));
        assert_eq!(ask("4000002760003184", |_| {}), CHALLENGED);
        assert_eq!(
            ask("4000002760003184", |a| a.off_session = true),
            declined(Decline::AuthenticationRequired)
        );
        assert!(matches!(
            ask("4000002500003155", |a| {
                a.off_session = true;
                a.set_up = true;
            }),
            Outcome::Authorized { .. }
        ));
        assert!(matches!(
            ask("4000002760003184", |a| a.challenge = Some(Challenge::Completed)),
            Outcome::Authorized { .. }
        ));
        assert_eq!(
            ask("4000002760003184", |a| a.challenge = Some(Challenge::Failed)),
            declined(Decline::AuthenticationFailure)
        );
        assert_eq!(
            ask("4000008400001629", |a| a.challenge = Some(Challenge::Completed)),
            declined(Decline::GenericDecline)
        );
        assert!(matches!(ask("4000000000003055", |_| {}), Outcome::Authorized { .. }));
        assert_eq!(ask("4000000000003055", |a| a.wants_challenge = true), CHALLENGED);
        assert_eq!(ask("4111111111111111", |_| {}), declined(Decline::TestModeLiveCard));
    }

    #[test]
    fn only_a_security_code_that_is_given_can_be_wrong() {
        let cvc_check = Some(Check::Unchecked);
        assert_eq!(
            ask("4000000000000101", |a| a.checks.cvc_check = cvc_check),
            declined(Decline::IncorrectCvc)
        );
        assert!(matches!(ask("4000000000000101", |_| {}), Outcome::Authorized { .. }));
    }

    #[test]
    fn an_address_that_fails_its_check_is_charged_all_the_same() {
        let given = Some(Check::Unchecked);
        for (number, line1, postal_code) in [
            ("4242424242424242", Check::Pass, Check::Pass),
            ("4000000000000010", Check::Fail, Check::Fail),
            ("4000000000000028", Check::Fail, Check::Pass),
            ("4000000000000036", Check::Pass, Check::Fail),
            ("4000000000000044", Check::Unavailable, Check::Unavailable),
        ] {
            let outcome = ask(number, |a| {
                a.checks.address_line1_check = given;
                a.checks.address_postal_code_check = given;
            });
            let Outcome::Authorized { checks, .. } = outcome else { panic!("{outcome:?}") };
            assert_eq!(checks.address_line1_check, Some(line1), "{number}");
            assert_eq!(checks.address_postal_code_check, Some(postal_code), "{number}");
            let outcome = ask(number, |_| {});
            let Outcome::Authorized { checks, .. } = outcome else { panic!("{outcome:?}") };
            assert_eq!(checks, Checks::default(), "{number}: what is not given is not looked at");
        }
    }

    #[test]
    fn a_card_without_money_is_declined_with_a_challenge_and_without() {
        let number = "4000008260003178";
        let declined = declined(Decline::InsufficientFunds);
        assert_eq!(ask(number, |_| {}), CHALLENGED);
        assert_eq!(ask(number, |a| a.challenge = Some(Challenge::Completed)), declined);
        assert_eq!(ask(number, |a| a.off_session = true), declined);
        assert!(challenges_set_up(&CardNumber::parse(number).expect("a card number")));
    }

    #[test]
    fn a_challenge_that_cannot_be_asked_for_is_gone_without() {
        for wants_challenge in [false, true] {
            assert_eq!(
                ask("4000008400001280", |a| a.wants_challenge = wants_challenge),
                declined(Decline::GenericDecline)
            );
            assert!(matches!(
                ask("4000000000003097", |a| a.wants_challenge = wants_challenge),
                Outcome::Authorized { .. }
            ));
        }
    }

    #[test]
    fn a_card_that_is_kept_is_checked() {
        let number = |digits| CardNumber::parse(digits).expect("a card number");
        let given = Checks { cvc_check: Some(Check::Unchecked), ..Checks::default() };
        let visa = check_holder(&number("4242424242424242"), given);
        assert_eq!((visa.cvc_check, visa.address_line1_check), (Some(Check::Pass), None));
        let wrong = check_holder(&number("4000000000000101"), given);
        assert_eq!(wrong.cvc_check, Some(Check::Fail));
        assert_eq!(refusal_to_attach(&number("4000000000000341")), None);
        assert_eq!(
            refusal_to_attach(&number("4000000000009995")),
            Some(Decline::InsufficientFunds)
        );
    }
}
