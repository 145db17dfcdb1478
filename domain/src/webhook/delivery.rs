//! Deliveries as merchants see them: one event on its way to one endpoint, and what came of each attempt.

use serde::{Deserialize, Serialize};

use crate::id::{EventId, Id, WebhookDeliveryId, WebhookEndpointId};
use crate::timestamp::Timestamp;

/// The most of an answer that is kept, in bytes.
const KEPT: usize = 4_000;

/// The beginning of an answer, as it is kept: no letter is cut in two, and a cut is told by an ellipsis.
pub fn beginning(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    if text.len() <= KEPT {
        return text.into_owned();
    }
    let end = text.floor_char_boundary(KEPT);
    format!("{}\u{2026}", text.get(..end).unwrap_or_default())
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is attempted, or will be.
    Pending,
    /// It arrived.
    Succeeded,
    /// Nothing more is attempted.
    Failed,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it was made.
    pub at: Timestamp,
    /// The HTTP status, where there was an answer.
    pub status_code: Option<i64>,
    /// Why there was none.
    pub problem: Option<String>,
    /// How long it took.
    pub milliseconds: i64,
    /// The beginning of what was answered.
    pub response: Option<String>,
}

/// One event on its way to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The endpoint.
    pub endpoint: WebhookEndpointId,
    /// The event.
    pub event: EventId,
    /// Its type.
    pub event_type: String,
    /// When it was planned.
    pub created: Timestamp,
    /// How it stands.
    pub status: Status,
    /// How often it was attempted.
    pub attempts: i64,
    /// When it is attempted next; now, where a first attempt is on its way.
    pub next_attempt_at: Option<Timestamp>,
    /// The last attempt, where there was one.
    pub last: Option<Attempt>,
    /// The replay that it was sent again for, the last one.
    pub replay: Option<String>,
}

impl Delivery {
    /// Its id: that of the endpoint and that of the event in one, since no row of it has any other.
    pub fn id(&self) -> WebhookDeliveryId {
        let (_, endpoint) = self.endpoint.as_str().split_once('_').unwrap_or_default();
        let (_, event) = self.event.as_str().split_once('_').unwrap_or_default();
        WebhookDeliveryId::from_checked(format!("{}{endpoint}_{event}", WebhookDeliveryId::PREFIX))
    }
}

/// The endpoint and the event that the id of a delivery names.
pub fn parts_of(id: &str) -> Option<(WebhookEndpointId, EventId)> {
    let (endpoint, event) = id.strip_prefix(WebhookDeliveryId::PREFIX)?.split_once('_')?;
    let endpoint = format!("{}{endpoint}", WebhookEndpointId::PREFIX);
    let event = format!("{}{event}", EventId::PREFIX);
    Some((WebhookEndpointId::parse(&endpoint).ok()?, EventId::parse(&event).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_cut_between_two_letters_and_says_so() {
        assert_eq!(beginning("ä".repeat(2_000).as_bytes()), "ä".repeat(2_000));
        let cut = |letters: usize| format!("{}…", "ä".repeat(letters));
        assert_eq!(beginning("ä".repeat(2_001).as_bytes()), cut(2_000));
        let odd = beginning(format!("x{}", "ä".repeat(2_001)).as_bytes());
        assert_eq!(odd, format!("x{}", cut(1_999)));
        // What is no text takes three bytes for one.
        assert!(beginning(&[0xff; 64_000]).len() <= 4_003);
        assert_eq!(beginning(b""), "");
    }

    #[test]
    fn a_delivery_is_found_by_its_id() {
        let endpoint = WebhookEndpointId::parse("we_1aB").expect("an id");
        let event = EventId::parse("evt_2Cd").expect("an id");
        let delivery = Delivery {
            endpoint: endpoint.clone(),
            event: event.clone(),
            event_type: "charge.succeeded".to_owned(),
            created: Timestamp(0),
            status: Status::Pending,
            attempts: 0,
            next_attempt_at: None,
            last: None,
            replay: None,
        };
        assert_eq!(delivery.id().as_str(), "whd_1aB_2Cd");
        assert_eq!(parts_of("whd_1aB_2Cd"), Some((endpoint, event)));
        for id in ["", "whd_", "whd_1", "whd__", "whd_1_", "we_1_2", "whd_a b_c"] {
            assert_eq!(parts_of(id), None, "{id}");
        }
    }
}
