//! The master key while it is rotated: what outlives it is read once by each isolate, and what another key sealed is
//! sealed again little by little. docs/master-key.md says what an operator does.

mod load;
mod reseal;

pub use load::load;
pub use reseal::{SETTLES, go_on};

/// The first bytes of what a generator gave, for a sealed text.
fn nonce(random: [u8; 32]) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, ..] = random;
    [a, b, c, d, e, f, g, h, i, j, k, l]
}
