//! `/v1/payment_methods`.

pub mod attach;
pub mod create;
pub mod detach;
pub mod list;
pub mod parameters;
pub mod retrieve;
pub mod update;

use domain::payment_method::PaymentMethod;
use domain::resource::{self, value};
use serde_json::Value;

/// The payment method as a server sees it.
pub fn show(method: &PaymentMethod) -> Value {
    value(&resource::payment_method::Resource::from(method))
}

/// The payment method as a customer's browser sees it: the merchant's own pairs are none of its
/// business, and a fingerprint would tell whether the merchant knows a card.
pub fn show_publicly(method: &PaymentMethod) -> Value {
    let mut shown = show(method);
    if let Some(fields) = shown.as_object_mut() {
        fields.remove("metadata");
    }
    if let Some(card) = shown.get_mut("card").and_then(Value::as_object_mut) {
        card.remove("fingerprint");
    }
    shown
}
