//! The queues of Florin.
