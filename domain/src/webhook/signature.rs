//! How a delivery is signed, so that Stripe's own libraries and those of Standard Webhooks verify it.
//!
//! Sources: <https://docs.stripe.com/webhooks#verify-manually>,
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::timestamp::Timestamp;

/// What every secret begins with.
const PREFIX: &str = "whsec_";

/// A new secret from random bytes. Stripe's libraries take the whole text for the key, those of Standard
/// Webhooks the bytes that it encodes.
pub fn secret(random: &[u8; 32]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(random))
}

/// The `Stripe-Signature` header: one signature for each live secret.
pub fn stripe(secrets: &[String], at: Timestamp, body: &str) -> String {
    let signed = format!("{}.{body}", at.seconds());
    let signatures = secrets
        .iter()
        .map(|secret| format!(",v1={}", hex::encode(mac(secret.as_bytes(), signed.as_bytes()))));
    format!("t={}{}", at.seconds(), signatures.collect::<String>())
}

/// The `webhook-signature` header of Standard Webhooks: one signature for each live secret. `id` goes
/// into the header `webhook-id`, the time into `webhook-timestamp`.
pub fn standard(secrets: &[String], id: &str, at: Timestamp, body: &str) -> String {
    let signed = format!("{id}.{}.{body}", at.seconds());
    let signatures = secrets.iter().map(|secret| {
        let encoded = secret.strip_prefix(PREFIX).unwrap_or(secret);
        // Secrets are made here, so that one which is no base64 cannot be.
        let key = STANDARD.decode(encoded).unwrap_or_else(|_| encoded.as_bytes().to_vec());
        format!("v1,{}", STANDARD.encode(mac(&key, signed.as_bytes())))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = match <Hmac<Sha256> as Mac>::new_from_slice(key) {
        Ok(mac) => mac,
        // HMAC takes keys of every length, so this arm is never reached.
        Err(_) => return [0; 32],
    };
    mac.update(text);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &str = "{\"test\": 2432232314}";

    #[test]
    fn the_example_of_standard_webhooks() {
        let signature = standard(
            &[SECRET.to_owned()],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            Timestamp(1_614_265_330),
            BODY,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_live_secret_signs() {
        let secrets = [SECRET.to_owned(), secret(&[7; 32])];
        let header = stripe(&secrets, Timestamp(1_614_265_330), BODY);
        let parts: Vec<_> = header.split(',').collect();
        assert_eq!(parts.len(), 3, "{header}");
        assert_eq!(parts.first(), Some(&"t=1614265330"));
        assert!(parts.iter().skip(1).all(|part| part.len() == 67 && part.starts_with("v1=")));
        let standard = standard(&secrets, "evt_1", Timestamp(1), BODY);
        assert_eq!(standard.split(' ').filter(|part| part.starts_with("v1,")).count(), 2);
    }
}
