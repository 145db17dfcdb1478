//! Sealing of card numbers and secrets: AES-256-GCM under the deployment's master key.
//!
//! A sealed text names the master key that it was sealed under, so that a new one can be introduced while old
//! texts stay readable: docs/master-key.md. The nonce is random and a parameter. The context (as the account that
//! owns a card) is authenticated, so that a sealed text cannot be moved to another row.
//!
//! What merchants and customers see of a key, as the fingerprint of a card or the link to a receipt, must not change
//! with it. So the keys for that are [`Lasting`]: made of the first master key, and kept sealed under the present one.

use std::cell::RefCell;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::id::keyed_digest;

/// What a text names that was sealed before texts named their key, or under a lasting one.
const UNNAMED: &str = "v1";

/// How many bytes of a digest name a key.
const NAME_BYTES: usize = 6;

/// A text that cannot be opened: another key, another context, or damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed text cannot be opened")]
pub struct SealBroken;

/// What is sealed, each under a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The number of a card.
    Card,
    /// What opens an account at a payment processor.
    ConnectorCredentials,
    /// What a payment processor signs its webhooks with.
    ConnectorWebhookSecret,
    /// What signs deliveries to a merchant.
    WebhookSecret,
    /// A key that outlives master keys.
    LastingKey,
    /// The place at which a search goes on.
    SearchPage,
}

impl Kind {
    /// The name that its key is derived by. Cards were there first, and pages have a master key to themselves.
    fn purpose(self) -> Option<&'static str> {
        match self {
            Self::Card | Self::SearchPage => None,
            Self::ConnectorCredentials => Some("connector-credentials"),
            Self::ConnectorWebhookSecret => Some("connector-webhook-secrets"),
            Self::WebhookSecret => Some("webhook-secrets"),
            Self::LastingKey => Some("lasting-keys"),
        }
    }
}

/// A key that outlives master keys, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// Two payments with one card show the same fingerprint.
    CardFingerprint,
    /// A retry finds the record of its idempotency key, and is known to be the same request.
    IdempotencyFingerprint,
    /// A link to a receipt goes on working.
    ReceiptLink,
    /// No two receipts of a merchant have the same number.
    ReceiptNumber,
    /// A search goes on at the page that it was told of.
    SearchPages,
}

impl Lasting {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::CardFingerprint,
        Self::IdempotencyFingerprint,
        Self::ReceiptLink,
        Self::ReceiptNumber,
        Self::SearchPages,
    ];

    /// The name that it is derived by, and has in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::CardFingerprint => "card-fingerprint",
            Self::IdempotencyFingerprint => "idempotency-fingerprint",
            Self::ReceiptLink => "receipt-link",
            Self::ReceiptNumber => "receipt-number",
            Self::SearchPages => "search-pages",
        }
    }
}

/// The deployment's master key, with those beside it that open what they sealed.
#[derive(Clone)]
pub struct MasterKey {
    current: Key,
    others: Vec<Key>,
    lasting: [[u8; 32]; Lasting::ALL.len()],
}

/// 32 secret bytes, from which a key for each kind of text is derived.
#[derive(Clone)]
struct Key {
    name: String,
    secret: [u8; 32],
    /// What was derived from it: most requests need the same one.
    ciphers: RefCell<Vec<(Kind, Aes256Gcm)>>,
}

impl MasterKey {
    /// Reads 32 bytes in base64, as the `MASTER_KEY` secret holds them. Lasting keys are as if this were the first.
    pub fn parse(text: &str) -> Option<Self> {
        Self::with_others(text, None, None)
    }

    /// Reads the master key, and while it is rotated the one before and the next one, which seal nothing. Lasting
    /// keys are as if the one before were the first, until those that are kept are told by [`Self::keep`].
    pub fn with_others(text: &str, previous: Option<&str>, next: Option<&str>) -> Option<Self> {
        let current = Key::parse(text)?;
        let previous = previous.map(Key::parse);
        let first = previous.as_ref().map_or(Some(&current), Option::as_ref)?.clone();
        let others = previous.into_iter().chain(next.map(Key::parse)).collect::<Option<_>>()?;
        let lasting = Lasting::ALL.map(|key| first.derive(key.name()));
        Some(Self { current, others, lasting })
    }

    /// The name of the key that seals, as each text says that it sealed.
    pub fn name(&self) -> &str {
        &self.current.name
    }

    /// A key that outlives this one.
    pub fn lasting(&self, key: Lasting) -> [u8; 32] {
        self.lasting.get(key as usize).copied().unwrap_or_default()
    }

    /// The lasting keys as they are kept: their names, and each sealed.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn seal_lasting(
        &self,
        mut nonce: impl FnMut() -> [u8; 12],
    ) -> Result<Vec<(&'static str, String)>, SealBroken> {
        let seal = |(key, bytes): (Lasting, &[u8; 32])| {
            let name = key.name();
            Ok((name, self.seal(Kind::LastingKey, &STANDARD.encode(bytes), name, nonce())?))
        };
        Lasting::ALL.into_iter().zip(&self.lasting).map(seal).collect()
    }

    /// Takes a lasting key as it is kept. One that only a later version knows is left.
    ///
    /// # Errors
    /// When it cannot be opened, as where its master key is gone.
    pub fn keep(&mut self, name: &str, sealed: &str) -> Result<(), SealBroken> {
        let known = Lasting::ALL.into_iter().zip(&mut self.lasting);
        let Some((_, slot)) = known.into_iter().find(|(key, _)| key.name() == name) else {
            return Ok(());
        };
        let plain = open_with(&self.current, &self.others, Kind::LastingKey, sealed, name)?;
        let bytes = STANDARD.decode(plain).map_err(|_| SealBroken)?;
        *slot = bytes.try_into().map_err(|_| SealBroken)?;
        Ok(())
    }

    /// Seals a text for its context.
    ///
    /// # Errors
    /// Never for texts that a card or credential can be; the cipher refuses only gigabytes.
    pub fn seal(
        &self,
        kind: Kind,
        plain: &str,
        context: &str,
        nonce: [u8; 12],
    ) -> Result<String, SealBroken> {
        self.current.seal(kind, plain, context, nonce)
    }

    /// Opens a sealed text in its context.
    ///
    /// # Errors
    /// When the key, the context or the text is not the one that was sealed.
    pub fn open(&self, kind: Kind, sealed: &str, context: &str) -> Result<String, SealBroken> {
        open_with(&self.current, &self.others, kind, sealed, context)
    }

    /// Seals a text again that another key sealed; nothing where the present one did.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn reseal(
        &self,
        kind: Kind,
        sealed: &str,
        context: &str,
        nonce: impl FnOnce() -> [u8; 12],
    ) -> Result<Option<String>, SealBroken> {
        if sealed.split('.').next() == Some(self.name()) {
            return Ok(None);
        }
        let plain = self.open(kind, sealed, context)?;
        self.seal(kind, &plain, context, nonce()).map(Some)
    }

    /// The key that seals the places at which searches go on: a merchant holds them, so that it lasts.
    pub fn search_pages(&self) -> Self {
        let secret = self.lasting(Lasting::SearchPages);
        let current = Key { name: UNNAMED.to_owned(), secret, ciphers: RefCell::default() };
        Self { current, others: Vec::new(), lasting: self.lasting }
    }
}

/// Opens a text with the key that it names; one that names none with any.
fn open_with(
    current: &Key,
    others: &[Key],
    kind: Kind,
    sealed: &str,
    context: &str,
) -> Result<String, SealBroken> {
    let mut parts = sealed.split('.');
    let (Some(name), Some(nonce), Some(text), None) =
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
    let plain = std::iter::once(current)
        .chain(others)
        .filter(|key| name == UNNAMED || name == key.name)
        .find_map(|key| key.open(kind, &text, context, nonce))
        .ok_or(SealBroken)?;
    String::from_utf8(plain).map_err(|_| SealBroken)
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        STANDARD.decode(text.trim()).ok()?.try_into().ok().map(Self::of)
    }

    /// A key, named by itself, so that nobody numbers keys by hand.
    fn of(secret: [u8; 32]) -> Self {
        let digest = keyed_digest(&secret, &[b"master-key-name"]);
        let name = digest.iter().take(NAME_BYTES).map(|byte| format!("{byte:02x}")).collect();
        Self { name, secret, ciphers: RefCell::default() }
    }

    fn derive(&self, purpose: &str) -> [u8; 32] {
        keyed_digest(&self.secret, &[purpose.as_bytes()])
    }

    fn seal(
        &self,
        kind: Kind,
        plain: &str,
        context: &str,
        nonce: [u8; 12],
    ) -> Result<String, SealBroken> {
        let payload = Payload { msg: plain.as_bytes(), aad: context.as_bytes() };
        let sealed = self.cipher(kind).encrypt(Nonce::from_slice(&nonce), payload);
        let sealed = STANDARD_NO_PAD.encode(sealed.map_err(|_| SealBroken)?);
        Ok(format!("{}.{}.{sealed}", self.name, STANDARD_NO_PAD.encode(nonce)))
    }

    fn open(&self, kind: Kind, text: &[u8], context: &str, nonce: [u8; 12]) -> Option<Vec<u8>> {
        let payload = Payload { msg: text, aad: context.as_bytes() };
        self.cipher(kind).decrypt(Nonce::from_slice(&nonce), payload).ok()
    }

    fn cipher(&self, kind: Kind) -> Aes256Gcm {
        let mut ciphers = self.ciphers.borrow_mut();
        if let Some((_, known)) = ciphers.iter().find(|(known, _)| *known == kind) {
            return known.clone();
        }
        let secret = kind.purpose().map_or(self.secret, |purpose| self.derive(purpose));
        let cipher = Aes256Gcm::new(&keyed_digest(&secret, &[b"card-sealing"]).into());
        ciphers.push((kind, cipher.clone()));
        cipher
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Master keys in base64: the bytes 0 to 31, and the same with another beginning.
    const OLD: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const NEW: &str = "/wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn key(text: &str) -> MasterKey {
        MasterKey::parse(text).expect("32 bytes in base64")
    }

    fn with_previous(text: &str, previous: &str) -> MasterKey {
        MasterKey::with_others(text, Some(previous), None).expect("32 bytes in base64")
    }

    #[test]
    fn a_sealed_card_opens_only_with_its_key_and_for_its_account() {
        let key = key(OLD);
        let seal = |context| key.seal(Kind::Card, "4242424242424242", context, [9; 12]);
        let sealed = seal("acct_1").expect("sealed");
        let open = |key: &MasterKey, text: &str, context| key.open(Kind::Card, text, context);
        assert!(!sealed.contains("4242"));
        assert!(sealed.starts_with(key.name()) && key.name().len() == 12);
        assert_eq!(open(&key, &sealed, "acct_1").as_deref(), Ok("4242424242424242"));
        assert_eq!(open(&key, &sealed, "acct_2"), Err(SealBroken));
        assert_eq!(key.open(Kind::WebhookSecret, &sealed, "acct_1"), Err(SealBroken));
        assert_eq!(open(&self::key(NEW), &sealed, "acct_1"), Err(SealBroken));
        assert_eq!(open(&key, &format!("{sealed}A"), "acct_1"), Err(SealBroken));
        assert_eq!(open(&key, "", "acct_1"), Err(SealBroken));
    }

    #[test]
    fn what_names_no_key_opens_under_the_one_that_sealed_it() {
        for (kind, sealed) in OF_THE_FIRST_VERSION {
            for holder in [key(OLD), with_previous(NEW, OLD)] {
                assert_eq!(holder.open(kind, sealed, "acct_1").as_deref(), Ok("4242"), "{kind:?}");
            }
            assert_eq!(key(NEW).open(kind, sealed, "acct_1"), Err(SealBroken));
        }
    }

    /// "4242" as it was sealed under the key of [`OLD`] before texts named their keys.
    const OF_THE_FIRST_VERSION: [(Kind, &str); 2] = [
        (Kind::Card, "v1.CQkJCQkJCQkJCQkJ.Wxvg5M6hBUr/c2o77s+TxOZbROY"),
        (Kind::ConnectorCredentials, "v1.CQkJCQkJCQkJCQkJ.vdHKKQO/AXdrPPMiTrSabFTQ3RU"),
    ];

    #[test]
    fn a_text_is_sealed_again_once_and_opens_without_the_key_before() {
        let old = key(OLD).seal(Kind::Card, "4242", "acct_1", [9; 12]).expect("sealed");
        let both = with_previous(NEW, OLD);
        let reseal = |sealed: &str| both.reseal(Kind::Card, sealed, "acct_1", || [8; 12]);
        let new = reseal(&old).expect("it opens").expect("it was under another key");
        assert_eq!(key(NEW).open(Kind::Card, &new, "acct_1").as_deref(), Ok("4242"));
        assert_eq!(key(OLD).open(Kind::Card, &new, "acct_1"), Err(SealBroken));
        assert_eq!(reseal(&new), Ok(None));
        assert_eq!(reseal("v1.AAAA.AAAA"), Err(SealBroken));
    }

    #[test]
    fn the_next_key_opens_before_it_seals() {
        let before = MasterKey::with_others(OLD, None, Some(NEW)).expect("keys");
        let sealed = with_previous(NEW, OLD).seal(Kind::Card, "4242", "acct_1", [9; 12]);
        let opened = before.open(Kind::Card, &sealed.expect("sealed"), "acct_1");
        assert_eq!(opened.as_deref(), Ok("4242"));
        assert_eq!(before.name(), key(OLD).name());
        for damaged in ["", "AAAA"] {
            assert!(MasterKey::with_others(OLD, Some(damaged), None).is_none());
            assert!(MasterKey::with_others(OLD, None, Some(damaged)).is_none());
        }
    }

    #[test]
    fn lasting_keys_are_the_first_ones_under_whichever_key_seals() {
        let first = key(OLD);
        let rotated = with_previous(NEW, OLD);
        let kept = rotated.seal_lasting(|| [7; 12]).expect("sealed");
        let mut after = key(NEW);
        for (name, sealed) in &kept {
            assert_eq!(key(OLD).keep(name, sealed), Err(SealBroken), "it is under the new key");
            after.keep(name, sealed).expect("it opens");
        }
        after.keep("of-a-later-version", "?").expect("it is left");
        for lasting in Lasting::ALL {
            assert_eq!(rotated.lasting(lasting), first.lasting(lasting));
            assert_eq!(after.lasting(lasting), first.lasting(lasting));
            assert_ne!(key(NEW).lasting(lasting), first.lasting(lasting));
        }
        let page = first.search_pages().seal(Kind::Card, "1", "acct_1", [9; 12]).expect("sealed");
        assert_eq!(after.search_pages().open(Kind::Card, &page, "acct_1").as_deref(), Ok("1"));
    }
}
