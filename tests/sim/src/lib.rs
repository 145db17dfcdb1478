//! The simulation: the production flows, handlers and queues over a world that a seed makes and breaks.
//!
//! One thread, simulated time, and every choice from one seed: the same seed does the same again. See
//! `docs/reliability.md`.

pub mod client;
pub mod endpoints;
pub mod keys;
pub mod lived;
pub mod merchants;
pub mod notices;
pub mod oracle;
pub mod order;
pub mod planted;
pub mod platform;
pub mod processor;
pub mod quiet;
pub mod random;
pub mod run;
pub mod scheduler;
pub mod settlements;
pub mod strikes;
pub mod told;
pub mod trace;
pub mod weather;
pub mod workers;
pub mod world;
