//! The `bank_account` object.

use serde::Serialize;

use super::Constant;
use crate::bank_account::{BankAccount, Status};
use crate::metadata::Metadata;
use crate::money::Currency;

/// The `bank_account` object (<https://docs.stripe.com/api/external_account_bank_accounts/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "bank_account"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub account: &'a str,
    pub account_holder_name: Option<&'a str>,
    pub account_holder_type: Option<&'a str>,
    pub account_type: Option<&'a str>,
    pub available_payout_methods: [Constant; 2],
    pub bank_name: Option<Constant>,
    pub country: &'a str,
    pub currency: Currency,
    pub default_for_currency: bool,
    pub fingerprint: Option<&'a str>,
    pub last4: &'a str,
    pub metadata: &'a Metadata,
    pub routing_number: Option<&'a str>,
    pub status: Status,
}

impl<'a> From<&'a BankAccount> for Resource<'a> {
    fn from(bank: &'a BankAccount) -> Self {
        let details = &bank.details;
        Self {
            id: bank.id.as_str(),
            object: "bank_account",
            account: bank.account.as_str(),
            account_holder_name: details.account_holder_name.as_deref(),
            account_holder_type: details.account_holder_type.as_deref(),
            account_type: None,
            available_payout_methods: ["standard", "instant"],
            bank_name: Some("STRIPE TEST BANK"),
            country: &details.country,
            currency: bank.currency,
            default_for_currency: bank.default_for_currency,
            fingerprint: Some(&details.fingerprint),
            last4: &details.last4,
            metadata: &details.metadata,
            routing_number: details.routing_number.as_deref(),
            status: bank.status,
        }
    }
}

/// A bank account that was taken away.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "deleted_bank_account")
)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Deleted<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub currency: Currency,
    pub deleted: bool,
}

impl<'a> From<&'a BankAccount> for Deleted<'a> {
    fn from(bank: &'a BankAccount) -> Self {
        Self {
            id: bank.id.as_str(),
            object: "bank_account",
            currency: bank.currency,
            deleted: bank.deleted,
        }
    }
}
