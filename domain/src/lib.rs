//! The domain of Florin.
