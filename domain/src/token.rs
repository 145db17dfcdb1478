//! Tokens: the data of a card or a bank account behind a name that can be used once.

use crate::bank_account::BankAccount;
use crate::card::Card;
use crate::id::{BankAccountTokenId, CardId, TokenId};
use crate::payment_method::BillingDetails;
use crate::timestamp::Timestamp;

/// A card's data behind a name that can be used once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its identifier.
    pub id: TokenId,
    /// The card behind it.
    pub card_id: CardId,
    /// Whether it moves real money.
    pub livemode: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Whether something was made from it.
    pub used: bool,
    /// The address of the client that made it, where known.
    pub client_ip: Option<String>,
    /// What may be shown of the card.
    pub card: Card,
    /// The number under the master key.
    pub sealed_number: String,
    /// Whom the bill goes to.
    pub billing_details: BillingDetails,
}

/// A bank account behind a name that can be used once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankAccountToken {
    /// Its identifier.
    pub id: BankAccountTokenId,
    /// Whether it moves real money.
    pub livemode: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Whether something was made from it.
    pub used: bool,
    /// The address of the client that made it, where known.
    pub client_ip: Option<String>,
    /// The bank account, which nobody is paid out to yet.
    pub bank_account: BankAccount,
}
