//! A native platform for tests: the database on SQLite under D1's rules, idempotency records under
//! the production rules, a clock that stands still, randomness that repeats, and a hook at every hop.
//!
//! ```
//! use kit::{Fault, Platform, run};
//! use store::{Database, DatabaseError, development_clock};
//!
//! let platform = Platform::new();
//! let merchant = platform.merchant("acme");
//! assert!(merchant.secret_key.starts_with("sk_test_"));
//!
//! // The next batch is written, but nobody hears of it.
//! platform.database().hop().fail(1, Fault::AfterEffect);
//! let lost = run(platform.database().batch(vec![development_clock::advance(60)]));
//! assert!(matches!(lost, Err(DatabaseError::Unknown(_))));
//! assert_eq!(platform.database().query("SELECT * FROM development_clock", vec![]).len(), 1);
//! ```

mod connection;
mod database;
mod executor;
mod hop;
mod hyperswitch;
mod merchant;
mod objects;
mod outside;
mod platform;
mod processor;

pub use database::{Counts, Database};
pub use executor::{interleave, run, run_until_poll, take_turns, yield_once};
pub use hop::{Fault, Hop};
pub use hyperswitch::Hyperswitch;
pub use merchant::Merchant;
pub use outside::{Outside, answered};
pub use platform::{LoggedError, MASTER_KEY, Platform, START};
pub use processor::{Paid, Processor, account_of};
