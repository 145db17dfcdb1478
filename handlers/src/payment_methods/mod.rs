//! `/v1/payment_methods`.

pub mod attach;
pub mod create;
pub mod detach;
pub mod list;
pub mod options;
pub mod parameters;
pub mod retrieve;
pub mod update;

use domain::payment_method::PaymentMethod;
use domain::resource::{self, Json, json};

/// The payment method as a server sees it.
pub fn show(method: &PaymentMethod) -> Json {
    json(&resource::payment_method::Resource::from(method))
}
