//! The handlers of Florin.
