//! What is kept: the SQL text, the rows, and the statements of each unit of work.
//!
//! A unit of work is a list of [`Statement`]s that one [`Database::batch`] runs as one transaction:
//! its guards are among them, so nothing is decided on data that may have changed since it was read.
//! Each module holds one table; [`registry`] names every statement, so that a test can show the plan
//! of each.

pub mod accounts;
pub mod alerts;
pub mod archive;
pub mod attempts;
pub mod audit;
pub mod balance_transactions;
pub mod bank_accounts;
pub mod charges;
pub mod connector_accounts;
pub mod connector_webhooks;
pub mod customers;
pub mod database;
pub mod dead_letters;
pub mod deliveries;
pub mod delivery_list;
pub mod development_clock;
pub mod development_outbox;
pub mod disputes;
pub mod event_replays;
pub mod events;
pub mod fan_out;
pub mod files;
pub mod guard;
pub mod idempotency_records;
pub mod lasting_keys;
pub mod ledger;
pub mod list;
pub mod mail;
pub mod metadata_entries;
pub mod payment_intents;
pub mod payment_methods;
pub mod payouts;
pub mod receipts;
pub mod refunds;
pub mod registry;
pub mod report_runs;
pub mod resealing;
pub mod routings;
pub mod scheduled_tasks;
pub mod search;
pub mod settlements;
pub mod setup_intents;
pub mod tokens;
pub mod topups;
pub mod transfers;
pub mod webhook_endpoints;

pub use database::{
    Database, DatabaseError, Inconsistent, Row, Rows, Scope, Statement, Value, hide_values,
};
