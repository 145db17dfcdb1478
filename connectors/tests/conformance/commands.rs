//! The commands that the situations are about.

use std::sync::LazyLock;

use connectors::{Account, Authorize, Command, Connector, LookUp, Operation, SecurityCode};
use domain::attempt::Purpose;
use domain::card::{CardNumber, Checks, Expiry};
use domain::money::{Amount, Currency, Money};
use domain::payment_method::{Address, BillingDetails};

/// Our key of every command.
pub const KEY: &str = "att_0123456789abcdefABCDEF";

/// An account at any processor.
pub const ACCOUNT: Account<'static> = Account {
    base_url: Some("https://psp.example"),
    api_key: "secret_api_key",
    within: Some("acct_within"),
    livemode: false,
};

static NUMBER: LazyLock<CardNumber> =
    LazyLock::new(|| CardNumber::parse("4242424242424242").expect("a card number"));

static PURPOSE: Purpose = Purpose::new();

static BILLING: LazyLock<BillingDetails> = LazyLock::new(|| BillingDetails {
    name: Some("Jo March".to_owned()),
    email: Some("jo@example.com".to_owned()),
    address: Some(Address {
        line1: Some("1 High & Low St".to_owned()),
        postal_code: Some("01742".to_owned()),
        country: Some("US".to_owned()),
        ..Address::default()
    }),
    ..BillingDetails::default()
});

/// The connector of that name.
pub fn named(name: &str) -> Connector {
    Connector::from_name(name).expect("a connector")
}

pub fn amount(minor_units: i64) -> Amount {
    Amount::new(minor_units).expect("an amount")
}

pub fn usd(minor_units: i64) -> Money {
    let currency = Currency::parse("usd").expect("a currency");
    Money { amount: amount(minor_units), currency }
}

/// An authorisation of 20 dollars.
pub fn authorize(capture: bool) -> Authorize<'static> {
    Authorize {
        key: KEY,
        amount: usd(2000),
        capture,
        number: &NUMBER,
        token: None,
        network_transaction: None,
        is_instead: false,
        remembers: None,
        expiry: Expiry { month: 3, year: 2034 },
        cvc: Some(SecurityCode("314")),
        billing: &BILLING,
        purpose: &PURPOSE,
        return_url: Some("https://florin.example/challenges/1?a=b"),
        off_session: false,
        set_up: false,
        wants_challenge: false,
        wants_multicapture: false,
        wants_increments: false,
        challenge: None,
        checks: Checks::default(),
    }
}

/// A capture of so much, with so much captured before, that releases the rest.
pub fn capture(payment: &str, minor_units: i64, captured: i64) -> Command<'_> {
    Command::Capture {
        key: KEY,
        payment,
        amount: usd(minor_units),
        captured: amount(captured),
        is_final: true,
        suffix: None,
    }
}

pub fn increment(payment: &str) -> Command<'_> {
    Command::Increment { key: KEY, payment, amount: usd(2500) }
}

pub fn void(payment: &str) -> Command<'_> {
    Command::Void { key: KEY, payment, amount: usd(2000), captured: Amount::ZERO }
}

pub fn refund(payment: &str) -> Command<'_> {
    Command::Refund { key: KEY, payment, amount: usd(500), later: None }
}

/// Every command that moves money, once.
pub fn movers(payment: &str) -> [Command<'_>; 5] {
    [
        Command::Authorize(authorize(true)),
        capture(payment, 2000, 0),
        increment(payment),
        void(payment),
        refund(payment),
    ]
}

/// The question after a command, by the processor's reference where one is given.
pub fn ask_after<'a>(command: &Command<'a>, reference: Option<&'a str>) -> LookUp<'a> {
    LookUp { reference, ..command.question() }
}

/// The question after an authorisation.
pub fn ask_after_authorization(capture: bool, reference: Option<&str>) -> LookUp<'_> {
    LookUp {
        key: KEY,
        operation: Operation::Authorize { capture },
        amount: usd(2000),
        captured: Amount::ZERO,
        is_instead: false,
        payment: None,
        reference,
    }
}
