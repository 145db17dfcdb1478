//! Links to receipts: a charge's id and its signature, which nobody can make up.

use crate::id::{ChargeId, Id, base62, constant_time_equal, keyed_digest};
use crate::seal::{Lasting, MasterKey};

/// The path before the token.
pub const PREFIX: &str = "/receipts/";

/// The token that leads to a charge's receipt.
pub fn token(key: &MasterKey, charge: &ChargeId) -> String {
    format!("{charge}_{}", signature(key, charge))
}

/// The charge that a token leads to, if it was made here.
pub fn charge(key: &MasterKey, token: &str) -> Option<ChargeId> {
    let (charge, given) = token.rsplit_once('_')?;
    let charge = ChargeId::parse(charge).ok()?;
    constant_time_equal(given.as_bytes(), signature(key, &charge).as_bytes()).then_some(charge)
}

fn signature(key: &MasterKey, charge: &ChargeId) -> String {
    base62(&keyed_digest(&key.lasting(Lasting::ReceiptLink), &[charge.as_str().as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_its_own_charge_only() {
        let keys = [
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "/wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        ]
        .map(|key| MasterKey::parse(key).expect("a key"));
        let [ours, another] = &keys;
        let id = ChargeId::parse("ch_1_a").expect("an id");
        let link = token(ours, &id);
        assert_eq!(charge(ours, &link), Some(id));
        assert_eq!(charge(another, &link), None);
        let (_, signature) = link.rsplit_once('_').expect("a signature");
        assert_eq!(signature.len(), 22);
        for forged in [
            format!("ch_2_a_{signature}"),
            format!("{link}0"),
            link.split_at(1).1.to_owned(),
            format!("ch_1_a_{}", signature.split_at(1).1),
            "ch_1_a_".to_owned(),
            "ch_1_a".to_owned(),
            "_".to_owned(),
            String::new(),
        ] {
            assert_eq!(charge(ours, &forged), None, "{forged}");
        }
    }
}
