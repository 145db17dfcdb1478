//! Sealing of card numbers: AES-256-GCM under a versioned master key.
//!
//! A sealed text names its key version, so that a new master key can be introduced while old texts
//! stay readable. The nonce is random and a parameter. The context (the account that owns the card)
//! is authenticated, so that a sealed card cannot be moved to another account's row.

use std::cell::{OnceCell, RefCell};

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, Key, KeyInit, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::id::keyed_digest;

/// The only key version so far.
const VERSION: &str = "v1";

/// A text that cannot be opened: another key, another context, or damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed text cannot be opened")]
pub struct SealBroken;

/// The secret from which every other secret of the deployment is derived.
#[derive(Clone)]
pub struct MasterKey {
    secret: [u8; 32],
    /// What was derived from it: every request needs the same few.
    purposes: RefCell<Vec<(&'static str, [u8; 32])>>,
    cipher: OnceCell<Aes256Gcm>,
}

impl MasterKey {
    /// Reads 32 bytes in base64, as the `MASTER_KEY` secret holds them.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).ok()?;
        bytes.try_into().ok().map(Self::of)
    }

    fn of(secret: [u8; 32]) -> Self {
        Self { secret, purposes: RefCell::default(), cipher: OnceCell::new() }
    }

    /// A key of its own for each purpose.
    pub fn purpose(&self, purpose: &'static str) -> [u8; 32] {
        let mut purposes = self.purposes.borrow_mut();
        if let Some((_, known)) = purposes.iter().find(|(name, _)| *name == purpose) {
            return *known;
        }
        let derived = keyed_digest(&self.secret, &[purpose.as_bytes()]);
        purposes.push((purpose, derived));
        derived
    }

    /// A master key of its own for a purpose other than cards.
    pub fn for_purpose(&self, purpose: &'static str) -> Self {
        Self::of(self.purpose(purpose))
    }

    /// Seals a text for its context.
    ///
    /// # Errors
    /// Never for texts that a card or credential can be; the cipher refuses only gigabytes.
    pub fn seal(&self, plain: &str, context: &str, nonce: [u8; 12]) -> Result<String, SealBroken> {
        let sealed = self
            .cipher()
            .encrypt(
                Nonce::from_slice(&nonce),
                Payload { msg: plain.as_bytes(), aad: context.as_bytes() },
            )
            .map_err(|_| SealBroken)?;
        let nonce = STANDARD_NO_PAD.encode(nonce);
        Ok(format!("{VERSION}.{nonce}.{}", STANDARD_NO_PAD.encode(sealed)))
    }

    /// Opens a sealed text in its context.
    ///
    /// # Errors
    /// When the key, the context or the text is not the one that was sealed.
    pub fn open(&self, sealed: &str, context: &str) -> Result<String, SealBroken> {
        let mut parts = sealed.split('.');
        let (Some(VERSION), Some(nonce), Some(text), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SealBroken);
        };
        let nonce: [u8; 12] = STANDARD_NO_PAD
            .decode(nonce)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(SealBroken)?;
        let text = STANDARD_NO_PAD.decode(text).map_err(|_| SealBroken)?;
        let plain = self
            .cipher()
            .decrypt(Nonce::from_slice(&nonce), Payload { msg: &text, aad: context.as_bytes() })
            .map_err(|_| SealBroken)?;
        String::from_utf8(plain).map_err(|_| SealBroken)
    }

    fn cipher(&self) -> &Aes256Gcm {
        self.cipher.get_or_init(|| {
            let key = self.purpose("card-sealing");
            Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&key))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_card_opens_only_with_its_key_and_for_its_account() {
        let key = MasterKey::of([1; 32]);
        let sealed = key.seal("4242424242424242", "acct_1", [9; 12]).expect("sealed");
        assert!(!sealed.contains("4242"));
        assert_eq!(key.open(&sealed, "acct_1").as_deref(), Ok("4242424242424242"));
        assert_eq!(key.open(&sealed, "acct_2"), Err(SealBroken));
        assert_eq!(MasterKey::of([2; 32]).open(&sealed, "acct_1"), Err(SealBroken));
        assert_eq!(key.open(&format!("{sealed}A"), "acct_1"), Err(SealBroken));
        assert_eq!(key.open("", "acct_1"), Err(SealBroken));
    }
}
