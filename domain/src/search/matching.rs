//! Whether an object is what a query searches for.

use std::borrow::Cow;

use super::{Clause, Comparison, Condition, Field, Join, Query, fold};
use crate::Metadata;
use crate::charge::Charge;
use crate::customer::Customer;
use crate::payment_intent::PaymentIntent;

/// What a field of an object holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing.
    Absent,
    /// A number.
    Number(i64),
    /// A text.
    Text(Cow<'a, str>),
}

impl<'a, T: Into<Cow<'a, str>>> From<Option<T>> for Value<'a> {
    fn from(text: Option<T>) -> Self {
        text.map_or(Self::Absent, |text| Self::Text(text.into()))
    }
}

/// An object that can be searched for.
pub trait Searchable {
    /// What a field of it holds; nothing where it has no such field.
    fn value(&self, field: &Field) -> Value<'_>;

    /// Whether searches may find it at all.
    fn is_listed(&self) -> bool {
        true
    }
}

impl Query {
    /// Whether this is what the query searches for.
    pub fn matches(&self, object: &impl Searchable) -> bool {
        let mut clauses = self.clauses.iter();
        object.is_listed()
            && match self.join {
                Join::All => clauses.all(|clause| clause.holds(object)),
                Join::Any => clauses.any(|clause| clause.holds(object)),
            }
    }
}

impl Clause {
    fn holds(&self, object: &impl Searchable) -> bool {
        self.negated != self.condition.holds(&self.field, &object.value(&self.field))
    }
}

impl Condition {
    fn holds(&self, field: &Field, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Absent, value) => *value == Value::Absent,
            (Self::Compares(comparison, wanted), Value::Number(number)) => {
                comparison.holds(*number, *wanted)
            }
            (Self::Is(wanted), Value::Text(text)) if !field.ignores_case() => text == wanted,
            (Self::Is(wanted), Value::Text(text)) if field.is_whole() => fold(text) == *wanted,
            (Self::Is(wanted), Value::Text(text)) => has_words(&fold(text), wanted),
            (Self::Contains(wanted), Value::Text(text)) => fold(text).contains(wanted),
            _ => false,
        }
    }
}

impl Comparison {
    fn holds(self, number: i64, wanted: i64) -> bool {
        match self {
            Self::Equal => number == wanted,
            Self::Greater => number > wanted,
            Self::GreaterOrEqual => number >= wanted,
            Self::Less => number < wanted,
            Self::LessOrEqual => number <= wanted,
        }
    }
}

/// Whether a text contains all the words in the same order, one right after the other.
fn has_words(text: &str, wanted: &str) -> bool {
    let words: Vec<_> = text.split_whitespace().collect();
    let wanted: Vec<_> = wanted.split_whitespace().collect();
    !wanted.is_empty() && words.windows(wanted.len()).any(|window| window == wanted)
}

fn in_metadata<'a>(metadata: &'a Metadata, key: &str) -> Value<'a> {
    Value::from(metadata.iter().find(|(known, _)| *known == key).map(|(_, value)| value))
}

fn yes_or_no(holds: bool) -> Value<'static> {
    Value::from(Some(if holds { "true" } else { "false" }))
}

impl Searchable for PaymentIntent {
    fn value(&self, field: &Field) -> Value<'_> {
        match field {
            Field::Amount => Value::Number(self.amount.amount.minor_units()),
            Field::Created => Value::Number(self.created.seconds()),
            Field::Currency => Value::from(Some(self.amount.currency.code())),
            Field::Customer => Value::from(self.customer.as_ref().map(|id| id.as_str())),
            Field::Metadata(key) => in_metadata(&self.details.metadata, key),
            Field::Status => Value::from(Some(self.status().name())),
            _ => Value::Absent,
        }
    }
}

impl Searchable for Customer {
    fn value(&self, field: &Field) -> Value<'_> {
        match field {
            Field::Created => Value::Number(self.created.seconds()),
            Field::Email => Value::from(self.email.as_deref()),
            Field::Metadata(key) => in_metadata(&self.details.metadata, key),
            Field::Name => Value::from(self.details.name.as_deref()),
            Field::Phone => Value::from(self.details.phone.as_deref()),
            _ => Value::Absent,
        }
    }

    fn is_listed(&self) -> bool {
        !self.deleted
    }
}

impl Searchable for Charge {
    fn value(&self, field: &Field) -> Value<'_> {
        let card = self.details.card.as_ref();
        match field {
            Field::Amount => Value::Number(self.amount.amount.minor_units()),
            Field::BillingPostalCode => {
                let address = self.details.billing_details.address.as_ref();
                Value::from(address.and_then(|address| address.postal_code.as_deref()))
            }
            Field::CardBrand => Value::from(card.map(|card| card.brand.name())),
            Field::CardExpMonth => Value::from(card.map(|card| card.exp_month.to_string())),
            Field::CardExpYear => Value::from(card.map(|card| card.exp_year.to_string())),
            Field::CardFingerprint => Value::from(card.map(|card| card.fingerprint.as_str())),
            Field::CardLast4 => Value::from(card.map(|card| card.last4.as_str())),
            Field::Created => Value::Number(self.created.seconds()),
            Field::Currency => Value::from(Some(self.amount.currency.code())),
            Field::Customer => Value::from(self.customer.as_ref().map(|id| id.as_str())),
            Field::Disputed => yes_or_no(self.disputed),
            Field::Metadata(key) => in_metadata(&self.details.metadata, key),
            Field::Refunded => refunded(self),
            Field::Status => Value::from(Some(self.status.name())),
            Field::Email | Field::Name | Field::Phone => Value::Absent,
        }
    }
}

/// `true` where all was given back, `false` where a part was, and nothing where nothing was.
fn refunded(charge: &Charge) -> Value<'static> {
    if charge.amount_refunded().is_zero() {
        return Value::Absent;
    }
    yes_or_no(charge.is_refunded())
}
