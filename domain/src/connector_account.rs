//! Accounts at payment processors: where a merchant's payments go.

use serde::{Deserialize, Serialize};

use crate::ApiError;
use crate::id::ConnectorAccountId;
use crate::metadata::Metadata;
use crate::pricing::PricePlan;
use crate::timestamp::{DAY, Timestamp};

/// The most accounts at processors that a merchant has in one mode.
pub const MOST_CONNECTOR_ACCOUNTS: usize = 16;

/// How much of a secret is shown, so that its owner can tell it from another.
const SHOWN: usize = 4;

/// For how many seconds after a change somebody may still send with the secret before it: isolates remember
/// accounts, and clocks differ.
const OLD_SECRET_LASTS: i64 = 300;

/// The most secrets by which webhooks of one account are believed at the same time.
const MOST_WEBHOOK_SECRETS: usize = 4;

/// For how many seconds a webhook secret is still good at most, and unless said, once there is a newer one.
pub const LONGEST_OVERLAP: i64 = DAY;

/// The shortest secret of which that much is shown.
const LONG_ENOUGH: usize = 16;

/// Whether payments go to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "connector_account_status")
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// New payments go there, unless another active account was made before.
    Active,
    /// No new ones do. What was paid there is still captured, voided and refunded there.
    Disabled,
    /// Its credentials are gone, and nothing goes there any more.
    Deleted,
}

impl Status {
    /// The name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }
}

/// An account at a payment processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorAccount {
    /// Its identifier.
    pub id: ConnectorAccountId,
    /// Whether it moves real money.
    pub livemode: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Counts its changes; a change names the version that it saw.
    pub version: i64,
    /// The connector's name, as `stripe`.
    pub connector: String,
    /// Whether payments go there.
    pub status: Status,
    /// The secret that opens it, under the master key; none once it was deleted.
    pub sealed_credentials: Option<String>,
    /// The rest.
    pub details: Details,
}

/// What is only read after the row was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// The end of the secret, for people.
    pub secret_key_last4: Option<String>,
    /// Where the processor's API is, where it is not its usual address.
    pub base_url: Option<String>,
    /// The account or profile within it, where the secret opens several.
    pub processor_account: Option<String>,
    /// When it was disabled last. Nothing asks for it but the version before, which deletes an account without it at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
    /// When it was last given a secret of which nobody can tell whether it opens the same account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_changed_at: Option<Timestamp>,
    /// What the processor signs its webhooks with, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhook_secrets: Vec<WebhookSecret>,
    /// What the processor is agreed to keep of a payment, where that is to be checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fees: Option<PricePlan>,
    /// The merchant's own pairs.
    pub metadata: Metadata,
}

/// What a processor signs its webhooks with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSecret {
    /// The secret under the master key.
    pub sealed: String,
    /// Its end, for people.
    pub last4: Option<String>,
    /// When it stops being believed; the newest does not.
    pub expires_at: Option<Timestamp>,
}

impl ConnectorAccount {
    /// Takes a new secret.
    pub fn open_with(&mut self, secret_key: &str, sealed: String) {
        self.details.secret_key_last4 = last4(secret_key);
        self.sealed_credentials = Some(sealed);
    }

    /// Believes webhooks under a new secret, and under those before for so many seconds more.
    pub fn hear_with(&mut self, secret: &str, sealed: String, overlap: i64, now: Timestamp) {
        let ends = now.plus(overlap);
        let known = &mut self.details.webhook_secrets;
        for before in known.iter_mut() {
            before.expires_at = Some(before.expires_at.map_or(ends, |at| at.min(ends)));
        }
        known.retain(|before| before.expires_at.is_some_and(|at| now < at));
        known.insert(0, WebhookSecret { sealed, last4: last4(secret), expires_at: None });
        known.truncate(MOST_WEBHOOK_SECRETS);
    }

    /// The secrets under which webhooks are believed now.
    pub fn live_webhook_secrets(&self, now: Timestamp) -> impl Iterator<Item = &WebhookSecret> {
        self.details
            .webhook_secrets
            .iter()
            .filter(move |secret| secret.expires_at.is_none_or(|at| now < at))
    }

    /// Sends no new payments there, or does so again.
    pub fn disable(&mut self, disables: bool, now: Timestamp) {
        if disables && self.status == Status::Active {
            self.details.disabled_at = Some(now);
        }
        self.status = if disables { Status::Disabled } else { Status::Active };
    }

    /// Whether what was sent then may be in another account at the processor than the one that the secret opens
    /// now: that it is not found there proves nothing.
    pub fn may_lack(&self, sent: Timestamp) -> bool {
        sent <= self.holds_since()
    }

    /// After when all that was sent is in the account that the secret opens.
    pub fn holds_since(&self) -> Timestamp {
        self.details.secret_changed_at.map_or(Timestamp(-1), |at| at.plus(OLD_SECRET_LASTS))
    }

    /// Forgets its secrets: nothing goes there any more, and nothing is heard from there.
    pub fn delete(&mut self) {
        self.status = Status::Deleted;
        self.sealed_credentials = None;
        self.details.secret_key_last4 = None;
        self.details.webhook_secrets.clear();
    }
}

/// How much of a secret is shown.
fn last4(secret: &str) -> Option<String> {
    let end = secret.len().saturating_sub(SHOWN);
    secret.get(end..).filter(|_| secret.len() >= LONG_ENOUGH).map(str::to_owned)
}

/// Checks what a processor is to sign its webhooks with: a short one could be guessed.
///
/// # Errors
/// When it cannot be one.
pub fn check_webhook_secret(secret: &str) -> Result<(), ApiError> {
    let is_text = secret.bytes().all(|byte| byte.is_ascii_graphic());
    match (LONG_ENOUGH..=500).contains(&secret.len()) && is_text {
        true => Ok(()),
        false => Err(ApiError::ParameterInvalid {
            param: "webhook_secret".to_owned(),
            message: "Invalid webhook secret: it has 16 to 500 letters, digits and signs."
                .to_owned(),
        }),
    }
}

/// Checks a secret: one of the other mode would take real money for tests, or none for real payments. `opens_live_mode` is
/// what it says of that itself, where it does.
///
/// # Errors
/// When it cannot be one, or says that it is of the other mode.
pub fn check_secret_key(
    secret_key: &str,
    opens_live_mode: Option<bool>,
    livemode: bool,
) -> Result<(), ApiError> {
    let refusal = |message: &str| {
        Err(ApiError::ParameterInvalid {
            param: "secret_key".to_owned(),
            message: message.to_owned(),
        })
    };
    let is_text = secret_key.bytes().all(|byte| byte.is_ascii_graphic());
    if !(1..=500).contains(&secret_key.len()) || !is_text {
        return refusal("Invalid secret key.");
    }
    match (livemode, opens_live_mode) {
        (true, Some(false)) => {
            refusal("A live mode connector account cannot be opened with a test mode key.")
        }
        (false, Some(true)) => {
            refusal("A test mode connector account cannot be opened with a live mode key.")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::id::Id;

    use super::*;

    #[test]
    fn a_key_of_the_other_mode_opens_no_account() {
        for (key, opens_live_mode, livemode, is_right) in [
            ("a_key_that_says_nothing", None, true, true),
            ("a_key_that_says_nothing", None, false, true),
            ("sk_test_51abcdefghijkl", Some(false), false, true),
            ("sk_test_51abcdefghijkl", Some(false), true, false),
            ("sk_live_51abcdefghijkl", Some(true), true, true),
            ("sk_live_51abcdefghijkl", Some(true), false, false),
            ("", None, false, false),
            ("two words", None, false, false),
            ("line\nbreak", None, false, false),
        ] {
            let is_taken = check_secret_key(key, opens_live_mode, livemode).is_ok();
            assert_eq!(is_taken, is_right, "{key} {livemode}");
        }
    }

    #[test]
    fn webhook_secrets_overlap_and_end() {
        let mut account = ConnectorAccount {
            id: ConnectorAccountId::parse("cna_1").expect("an id"),
            livemode: false,
            created: Timestamp(0),
            version: 1,
            connector: "stripe".to_owned(),
            status: Status::Active,
            sealed_credentials: None,
            details: Details::default(),
        };
        let live = |account: &ConnectorAccount, now| -> Vec<String> {
            let live = account.live_webhook_secrets(Timestamp(now));
            live.map(|secret| secret.sealed.clone()).collect()
        };
        for (sealed, overlap, now) in [("a", 0, 0), ("b", 100, 10), ("c", 300, 50), ("d", 0, 60)] {
            account.hear_with("whsec_0123456789", sealed.to_owned(), overlap, Timestamp(now));
            match sealed {
                "b" => assert_eq!(live(&account, 109), ["b", "a"]),
                // An overlap that was promised is never made longer.
                "c" => {
                    assert_eq!(live(&account, 109), ["c", "b", "a"]);
                    assert_eq!(live(&account, 110), ["c", "b"]);
                    assert_eq!(live(&account, 350), ["c"]);
                }
                _ => assert_eq!(live(&account, now), [sealed]),
            }
        }
        for number in 0..9 {
            account.hear_with("whsec_0123456789", number.to_string(), DAY, Timestamp(70));
        }
        assert_eq!(live(&account, 70), ["8", "7", "6", "5"]);
        account.delete();
        assert!(live(&account, 70).is_empty());
    }
}
