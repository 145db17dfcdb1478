//! What payment processors told unasked, and what became of that.

use serde::{Deserialize, Serialize};

use crate::id::{ConnectorAccountId, ConnectorWebhookId, Id, base62, keyed_digest};
use crate::timestamp::{DAY, Timestamp};

/// For how many seconds what a processor told is kept, so that a second delivery is known by it.
pub const KEPT_FOR: i64 = 30 * DAY;

/// What became of what a processor told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "connector_webhook_status")
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// What it says is recorded.
    Processed,
    /// It says nothing that is new here.
    Ignored,
    /// Nobody here knows what it is about, or it contradicts what is known: a person should look.
    Parked,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Processed, Self::Ignored, Self::Parked];

    /// The name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::Ignored => "ignored",
            Self::Parked => "parked",
        }
    }
}

/// What a processor told unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorWebhook {
    /// Its identifier.
    pub id: ConnectorWebhookId,
    /// Whether it is about real money.
    pub livemode: bool,
    /// When it came.
    pub created: Timestamp,
    /// The account at the processor.
    pub connector_account: ConnectorAccountId,
    /// The processor's own name of the event.
    pub event: String,
    /// Its type, in the processor's words.
    pub kind: String,
    /// The processor's reference of what it is about, where that can be read.
    pub reference: Option<String>,
    /// What became of it.
    pub status: Status,
    /// Why a person should look at it.
    pub problem: Option<String>,
    /// What came, while it is to be tried again.
    pub body: Option<String>,
}

impl ConnectorWebhook {
    /// The identifier of what an account's processor tells under a name of its own: a second delivery has the same.
    pub fn id_of(account: &ConnectorAccountId, event: &str) -> ConnectorWebhookId {
        let digest =
            keyed_digest(b"connector_webhook", &[account.as_str().as_bytes(), event.as_bytes()]);
        ConnectorWebhookId::from_checked(format!(
            "{}{}",
            ConnectorWebhookId::PREFIX,
            base62(&digest)
        ))
    }
}
