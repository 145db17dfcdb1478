//! The store of Florin.
