//! The fields that each resource can be searched by, and what may be asked of them.

use std::fmt;

use super::quoted;

/// A resource that can be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the resource of the same name")]
pub enum Searched {
    Charges,
    Customers,
    PaymentIntents,
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub enum Field {
    Amount,
    BillingPostalCode,
    CardBrand,
    CardExpMonth,
    CardExpYear,
    CardFingerprint,
    CardLast4,
    Created,
    Currency,
    Customer,
    Disputed,
    Email,
    /// The merchant's own value under this key.
    Metadata(String),
    Name,
    Phone,
    Refunded,
    Status,
}

/// What may be asked of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whether it is a number, or compares with one.
    Numeric,
    /// Whether it is a text.
    Token,
    /// Whether it is a text, or contains one.
    Text,
}

impl Searched {
    /// The name that Stripe's sentences give it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Charges => "charges",
            Self::Customers => "customers",
            Self::PaymentIntents => "payment_intents",
        }
    }

    /// Its fields, apart from metadata, which all of them have.
    pub(super) fn fields(self) -> &'static [Field] {
        match self {
            Self::Charges => &[
                Field::Amount,
                Field::BillingPostalCode,
                Field::CardBrand,
                Field::CardExpMonth,
                Field::CardExpYear,
                Field::CardFingerprint,
                Field::CardLast4,
                Field::Created,
                Field::Currency,
                Field::Customer,
                Field::Disputed,
                Field::Refunded,
                Field::Status,
            ],
            Self::Customers => &[Field::Created, Field::Email, Field::Name, Field::Phone],
            Self::PaymentIntents => {
                &[Field::Amount, Field::Created, Field::Currency, Field::Customer, Field::Status]
            }
        }
    }
}

impl Field {
    /// The name in a query; that of metadata without its key.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Amount => "amount",
            Self::BillingPostalCode => "billing_details.address.postal_code",
            Self::CardBrand => "payment_method_details.card.brand",
            Self::CardExpMonth => "payment_method_details.card.exp_month",
            Self::CardExpYear => "payment_method_details.card.exp_year",
            Self::CardFingerprint => "payment_method_details.card.fingerprint",
            Self::CardLast4 => "payment_method_details.card.last4",
            Self::Created => "created",
            Self::Currency => "currency",
            Self::Customer => "customer",
            Self::Disputed => "disputed",
            Self::Email => "email",
            Self::Metadata(_) => "metadata",
            Self::Name => "name",
            Self::Phone => "phone",
            Self::Refunded => "refunded",
            Self::Status => "status",
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Amount | Self::Created => Kind::Numeric,
            Self::Email | Self::Name | Self::Phone => Kind::Text,
            _ => Kind::Token,
        }
    }

    /// Whether two texts that differ only in case are the same. Two customers' ids may differ in
    /// nothing else.
    pub(super) fn ignores_case(&self) -> bool {
        *self != Self::Customer
    }

    /// Whether a text in it is only found as a whole, and not by some of its words: an address for
    /// mail is one word.
    pub(super) fn is_whole(&self) -> bool {
        self.kind() == Kind::Token || *self == Self::Email
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())?;
        match self {
            Self::Metadata(key) => write!(formatter, "[{}]", quoted(key)),
            _ => Ok(()),
        }
    }
}
