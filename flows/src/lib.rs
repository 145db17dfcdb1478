//! The flows of Florin.
