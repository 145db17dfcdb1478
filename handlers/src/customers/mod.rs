//! `/v1/customers`.

pub mod create;
pub mod delete;
pub mod list;
pub mod parameters;
pub mod payment_methods;
pub mod retrieve;
pub mod search;
pub mod tax;
pub mod update;

use domain::customer::Customer;
use domain::resource::customer::{Deleted, Resource};
use domain::resource::{Json, json};

/// The customer, or what is left of a deleted one.
pub fn show(customer: &Customer) -> Json {
    if customer.deleted { json(&Deleted::from(customer)) } else { json(&Resource::from(customer)) }
}
