//! What a processor is asked to do, and in which account.

use std::fmt;

use domain::attempt::Purpose;
use domain::card::{CardNumber, Checks, Expiry};
use domain::money::{Amount, Money};
use domain::payment_method::{BillingDetails, ProcessorToken};

use crate::simulator::Later;

/// What a processor is asked to do. `key` is our own: the same key never acts twice. `payment` is the
/// processor's reference of the authorisation; the simulator does without.
#[derive(Clone, Debug)]
pub enum Command<'a> {
    /// Hold or take money.
    Authorize(Authorize<'a>),
    /// Take held money.
    Capture {
        /// Our key for this operation.
        key: &'a str,
        /// Of which payment.
        payment: &'a str,
        /// How much.
        amount: Money,
        /// What was taken of it before.
        captured: Amount,
        /// Whether the rest is released.
        is_final: bool,
        /// What the cardholder reads after the merchant's name, which may be another by now.
        suffix: Option<&'a str>,
    },
    /// Hold more.
    Increment {
        /// Our key for this operation.
        key: &'a str,
        /// Of which payment.
        payment: &'a str,
        /// The new total.
        amount: Money,
    },
    /// Release held money.
    Void {
        /// Our key for this operation.
        key: &'a str,
        /// Of which payment.
        payment: &'a str,
        /// How much is held.
        amount: Money,
        /// What was taken of it before.
        captured: Amount,
    },
    /// Give taken money back.
    Refund {
        /// Our key for this operation.
        key: &'a str,
        /// Of which payment.
        payment: &'a str,
        /// How much.
        amount: Money,
        /// What the authorisation said it would do later.
        later: Option<Later>,
    },
    /// Stop a refund that waits for its customer. The answer is an [`Outcome`](crate::Outcome::Refunded) of the
    /// refund.
    CancelRefund {
        /// Our key for this operation.
        key: &'a str,
        /// What is asked after that refund.
        refund: LookUp<'a>,
    },
    /// Say what became of a command: it moves nothing.
    LookUp(LookUp<'a>),
}

/// What a processor needs to hold or take money.
#[derive(Clone, Debug)]
pub struct Authorize<'a> {
    /// Our key for this operation.
    pub key: &'a str,
    /// How much.
    pub amount: Money,
    /// Whether the money is taken at once.
    pub capture: bool,
    /// The card.
    pub number: &'a CardNumber,
    /// By what the processor remembers the card, where it is asked with that instead of the number.
    pub token: Option<&'a ProcessorToken>,
    /// The card network's reference of a payment that its holder took part in and let the card be kept with, at
    /// whichever processor.
    pub network_transaction: Option<&'a str>,
    /// Whether it goes with the number after the request with the token used up its key.
    pub is_instead: bool,
    /// Whether it is to remember the card, for payments in which the cardholder takes part or, with `true`, does not.
    pub remembers: Option<bool>,
    /// The last month in which it is good.
    pub expiry: Expiry,
    /// Its security code, where this request brought one: it is kept nowhere.
    pub cvc: Option<SecurityCode<'a>>,
    /// Whom the bill goes to.
    pub billing: &'a BillingDetails,
    /// What it is for.
    pub purpose: &'a Purpose,
    /// Where the cardholder comes back to from a challenge: a page of ours, which then looks the payment
    /// up. Without one, real processors cannot challenge.
    pub return_url: Option<&'a str>,
    /// Whether the cardholder takes no part.
    pub off_session: bool,
    /// Whether the cardholder agreed to payments without taking part, and proved who they are.
    pub set_up: bool,
    /// Whether the merchant wants a challenge wherever the card knows one.
    pub wants_challenge: bool,
    /// Whether what is held should be takeable in parts, where the card allows it.
    pub wants_multicapture: bool,
    /// Whether more should be holdable later, where the card allows it.
    pub wants_increments: bool,
    /// What the cardholder did with the challenge, if there was one (the simulator only).
    pub challenge: Option<Challenge>,
    /// What of the holder's data came with the card, and what the issuer said of it before.
    pub checks: Checks,
}

/// A card's security code; never shown, never logged.
#[derive(Clone, Copy)]
pub struct SecurityCode<'a>(pub &'a str);

impl fmt::Debug for SecurityCode<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecurityCode(..)")
    }
}

/// What a cardholder did with a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// They proved who they are.
    Completed,
    /// They did not.
    Failed,
}

/// A question after a command whose answer was lost, whose challenge is over, or of which a webhook
/// tells. The answer is an [`Outcome`](crate::Outcome) as that command itself would have got it.
#[derive(Clone, Debug)]
pub struct LookUp<'a> {
    /// The key of the command; the reference itself where it was somebody else's.
    pub key: &'a str,
    /// What it asked for.
    pub operation: Operation,
    /// How much, as it said.
    pub amount: Money,
    /// What was taken of the payment before it.
    pub captured: Amount,
    /// Whether the card's number was sent after the request with the token used up its key.
    pub is_instead: bool,
    /// The processor's reference of the payment; none for an authorisation.
    pub payment: Option<&'a str>,
    /// The processor's reference of what the command made, a payment or a refund, once it is known. Without
    /// it, the processor is asked by our own key.
    pub reference: Option<&'a str>,
}

/// The kinds of commands that move money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Hold or take money.
    Authorize {
        /// Whether the money is taken at once.
        capture: bool,
    },
    /// Take held money.
    Capture,
    /// Hold more.
    Increment,
    /// Release held money.
    Void,
    /// Give taken money back.
    Refund,
}

impl<'a> Command<'a> {
    /// The question that asks after this command, by its key.
    pub fn question(&self) -> LookUp<'a> {
        let about = |key, operation, payment, amount, captured| LookUp {
            key,
            operation,
            amount,
            captured,
            is_instead: false,
            payment,
            reference: None,
        };
        match *self {
            Self::Authorize(Authorize { key, amount, capture, is_instead, .. }) => {
                let operation = Operation::Authorize { capture };
                LookUp { is_instead, ..about(key, operation, None, amount, Amount::ZERO) }
            }
            Self::Capture { key, payment, amount, captured, .. } => {
                about(key, Operation::Capture, Some(payment), amount, captured)
            }
            Self::Increment { key, payment, amount } => {
                about(key, Operation::Increment, Some(payment), amount, Amount::ZERO)
            }
            Self::Void { key, payment, amount, captured } => {
                about(key, Operation::Void, Some(payment), amount, captured)
            }
            Self::Refund { key, payment, amount, .. } => {
                about(key, Operation::Refund, Some(payment), amount, Amount::ZERO)
            }
            Self::LookUp(ref question) | Self::CancelRefund { refund: ref question, .. } => {
                question.clone()
            }
        }
    }
}

/// An account at a processor: where it is, and what opens it.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// Where the processor's API is, without a slash at the end, where it is not the processor's usual
    /// address.
    pub base_url: Option<&'a str>,
    /// The secret that opens it.
    pub api_key: &'a str,
    /// The account or profile within it, where the secret opens several.
    pub within: Option<&'a str>,
    /// Whether it moves real money.
    pub livemode: bool,
}

impl fmt::Debug for Account<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Account({:?}, ..)", self.base_url)
    }
}

/// Why there is no request for a command. Nothing was sent, so that another processor may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// The processor has no such operation.
    #[error("the processor cannot do that")]
    Operation,
    /// The processor counts this currency in another unit than Stripe's API does.
    #[error("the processor has another minor unit of that currency")]
    Currency,
    /// The processor takes no card's number without its security code.
    #[error("the processor takes no card without its security code (cvc)")]
    CodeMissing,
    /// A key or reference is missing, or holds what no key or reference holds.
    #[error("the key or the processor's reference is none")]
    Reference,
    /// The address or the secret of the account cannot be sent.
    #[error("the account's address or secret cannot be used")]
    Account,
}

/// Whether a text can stand in an address, a query and a header as it is: our keys and the processors'
/// references can.
pub fn is_plain(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// The text, if it can stand in an address.
pub(crate) fn plain(text: &str) -> Result<&str, Unsupported> {
    if is_plain(text) { Ok(text) } else { Err(Unsupported::Reference) }
}
