//! Receipt numbers: short, unique, and silent about how many there are.

use crate::id::{AccountId, keyed_digest};
use crate::seal::{Lasting, MasterKey};

/// As many numbers as each half has.
const HALF: u64 = 10_000;

/// How often the halves are mixed.
const ROUNDS: u8 = 6;

/// The number of a receipt, as `1234-5678`, from the place of its charge among all charges of the
/// database. Within the first hundred million no two of an account are the same, because what mixes the
/// digits (a Feistel network under a key of the account's) can be undone; later ones have a third part.
pub fn number(key: &MasterKey, account: &AccountId, sequence: i64) -> String {
    let key = key.lasting(Lasting::ReceiptNumber);
    let sequence = sequence.unsigned_abs();
    let block = sequence / (HALF * HALF);
    let (mut left, mut right) = (sequence / HALF % HALF, sequence % HALF);
    for round in 0..ROUNDS {
        let parts = [account.as_str().as_bytes(), &[round], &right.to_be_bytes()];
        let [a, b, c, d, ..] = keyed_digest(&key, &parts);
        let mixed = u64::from(u32::from_be_bytes([a, b, c, d]));
        (left, right) = (right, left.saturating_add(mixed) % HALF);
    }
    let number = format!("{left:04}-{right:04}");
    if block == 0 { number } else { format!("{number}-{block}") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::id::Id;

    #[test]
    fn numbers_look_like_stripes_and_are_unique() {
        let key = MasterKey::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("a key");
        let [one, two] = ["acct_1", "acct_2"].map(|id| AccountId::parse(id).expect("an id"));
        let numbers: BTreeSet<_> = (0..20_000).map(|place| number(&key, &one, place)).collect();
        assert_eq!(numbers.len(), 20_000);
        assert!(numbers.iter().all(|number| number.len() == 9 && number.as_bytes()[4] == b'-'));
        assert_eq!(number(&key, &one, 7), number(&key, &one, 7));
        assert_ne!(number(&key, &one, 7), number(&key, &two, 7));
        assert_eq!(number(&key, &one, 100_000_007), format!("{}-1", number(&key, &one, 7)));
    }
}
