//! The connectors of Florin.
