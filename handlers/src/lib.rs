//! What arrives over HTTP: routing, authentication, form decoding, one file for each endpoint.
//!
//! [`Server::handle`] answers every request and never fails: what goes wrong becomes one of
//! Stripe's error bodies. To add an endpoint, write its file beside its siblings, implement
//! [`endpoint::Endpoint`], and name it in [`routes`].

pub mod account;
pub mod authenticate;
mod balance;
mod balance_transactions;
pub mod browser;
pub mod charges;
pub mod client_secret;
pub mod connectors;
pub mod created;
pub mod customers;
pub mod dispatch;
pub mod disputes;
pub mod endpoint;
pub mod events;
pub mod expand;
pub mod external_accounts;
pub mod files;
pub mod florin;
pub mod form;
pub mod included;
mod indent;
pub mod key_cache;
pub mod list;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod pages;
pub mod payment_intents;
pub mod payment_methods;
pub mod payouts;
pub mod refunds;
pub mod render;
pub mod reporting;
pub mod routes;
pub mod search;
pub mod setup_intents;
pub mod shipping;
pub mod tokens;
pub mod topups;
pub mod transfers;
pub mod version;
pub mod webhook_endpoints;

pub use authenticate::HEADERS;
pub use dispatch::Server;
