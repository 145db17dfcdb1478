//! Webhook endpoints: where merchants hear of events, which of them, and how deliveries stand.
//!
//! Source: <https://docs.stripe.com/api/webhook_endpoints>.

pub mod delivery;
pub mod replay;
pub mod resolution;
pub mod schedule;
pub mod signature;
pub mod target;

use serde::{Deserialize, Serialize};

use crate::id::WebhookEndpointId;
use crate::metadata::Metadata;
use crate::timestamp::{DAY, Timestamp};

/// The most endpoints that an account has in one mode
/// (<https://docs.stripe.com/webhooks#register-webhook>).
pub const MOST_ENDPOINTS: usize = 16;

/// How long an endpoint may fail before its owner is warned, in seconds.
pub const WARNS_AFTER: i64 = DAY;

/// How long an endpoint may fail before it is disabled, in seconds.
pub const DISABLES_AFTER: i64 = 3 * DAY;

/// How long an old secret may go on signing, in seconds.
pub const LONGEST_OVERLAP: i64 = DAY;

/// The most secrets of an endpoint that sign at the same time.
pub const MOST_SECRETS: usize = 5;

/// How many deliveries one endpoint takes at the same time unless its owner says otherwise.
pub const CONCURRENCY: i64 = 4;

/// The most deliveries at the same time that an owner can ask for: the platform holds no more
/// connections open.
pub const MOST_CONCURRENCY: i64 = 6;

/// The most deliveries in a second that an owner can ask for; more are not limited.
pub const MOST_PER_SECOND: i64 = 1_000;

/// Every type of Stripe's that an endpoint can name, one on a line.
const EVENT_TYPES: &str = include_str!("event_types.txt");

/// Whether it makes sense for an endpoint to ask for this: a type of Stripe's or of Florin's own, `*`,
/// or all types of a kind as `charge.*`.
pub fn is_event_pattern(pattern: &str) -> bool {
    let own = crate::event::EventType::ALL.iter().map(|event| event.name());
    let mut types = EVENT_TYPES.lines().chain(own);
    match pattern.strip_suffix('*') {
        Some(start) => {
            start.is_empty() || start.ends_with('.') && types.any(|name| name.starts_with(start))
        }
        None => types.any(|name| name == pattern),
    }
}

/// Whether one of these patterns means a type of events.
pub fn any_fits(patterns: &[String], event_type: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => event_type.starts_with(start),
        None => pattern == event_type,
    })
}

/// Whether an endpoint is told of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is.
    Enabled,
    /// It is not, until its owner enables it.
    Disabled,
    /// Its owner deleted it; the row stays until its deliveries are gone.
    Deleted,
}

impl Status {
    /// The name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }
}

/// Where events are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Its identifier.
    pub id: WebhookEndpointId,
    /// Whether it hears of real money.
    pub livemode: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Counts its owner's changes; a change names the version that it saw.
    pub version: i64,
    /// Where deliveries go.
    pub url: String,
    /// Whether it is told of events.
    pub status: Status,
    /// Whether a consumer that others share must not deliver to it: it is slow, failing, limited or
    /// ordered.
    pub is_alone: bool,
    /// Since when every delivery has failed.
    pub failing_since: Option<Timestamp>,
    /// When its owner was warned of that.
    pub warned_at: Option<Timestamp>,
    /// Since when it takes long to answer.
    pub slow_since: Option<Timestamp>,
    /// Until when its object leaves it to a consumer whose attempts are under way.
    pub held_until: Option<Timestamp>,
    /// The rest.
    pub details: Details,
}

/// How the deliveries to an endpoint fare, as far as its latest ones tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// When it last took one.
    pub last_succeeded_at: Option<Timestamp>,
    /// When it last did not.
    pub last_failed_at: Option<Timestamp>,
    /// How many wait for an attempt.
    pub waiting: i64,
}

/// A secret that signs deliveries, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSecret {
    /// The secret under the master key.
    pub sealed: String,
    /// When it stops signing; the newest does not.
    pub expires_at: Option<Timestamp>,
}

impl SealedSecret {
    /// Whether it signs.
    fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// What is only read after the row was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// The types that it hears of, or `*`, or as `charge.*`.
    pub enabled_events: Vec<String>,
    /// The API version that its owner asked for.
    pub api_version: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// The merchant's own pairs.
    pub metadata: Metadata,
    /// The secrets that sign, the newest last.
    pub secrets: Vec<SealedSecret>,
    /// Whether an object's events arrive in sequence.
    pub is_ordered: bool,
    /// How many deliveries it takes at the same time.
    pub max_concurrency: Option<i64>,
    /// How many deliveries it takes in a second.
    pub max_per_second: Option<i64>,
    /// Why it was disabled, unless its owner did it.
    pub disabled_because: Option<String>,
}

impl WebhookEndpoint {
    /// Whether it hears of events of this type.
    pub fn hears_of(&self, event_type: &str) -> bool {
        any_fits(&self.details.enabled_events, event_type)
    }

    /// Whether it asks for what a shared consumer cannot give.
    pub fn is_particular(&self) -> bool {
        let details = &self.details;
        details.is_ordered || details.max_per_second.is_some() || details.max_concurrency.is_some()
    }

    /// How many deliveries it takes at the same time.
    pub fn concurrency(&self) -> i64 {
        self.details.max_concurrency.unwrap_or(CONCURRENCY).clamp(1, MOST_CONCURRENCY)
    }

    /// Adds a secret. The one before goes on signing for some seconds, and older ones for as long as they were to: who rolls
    /// may do so because an answer was lost, and have only the oldest one in place. Without overlap all end now.
    pub fn roll(&mut self, sealed: String, overlap: i64, now: Timestamp) {
        let secrets = &mut self.details.secrets;
        secrets.retain(|secret| overlap > 0 && secret.is_live(now));
        if let Some(newest) = secrets.last_mut() {
            newest.expires_at = Some(now.plus(overlap.min(LONGEST_OVERLAP)));
        }
        secrets.push(SealedSecret { sealed, expires_at: None });
    }

    /// The secrets that sign now.
    pub fn live_secrets(&self, now: Timestamp) -> impl Iterator<Item = &SealedSecret> {
        self.details.secrets.iter().filter(move |secret| secret.is_live(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(enabled: &[&str]) -> WebhookEndpoint {
        use crate::id::Id;
        WebhookEndpoint {
            id: WebhookEndpointId::parse("we_1").expect("an id"),
            livemode: false,
            created: Timestamp(0),
            version: 1,
            url: "https://example.com".to_owned(),
            status: Status::Enabled,
            is_alone: false,
            failing_since: None,
            warned_at: None,
            slow_since: None,
            held_until: None,
            details: Details {
                enabled_events: enabled.iter().map(|name| (*name).to_owned()).collect(),
                ..Details::default()
            },
        }
    }

    #[test]
    fn an_endpoint_hears_of_what_it_named() {
        let cases = [
            (&["*"][..], "charge.succeeded", true),
            (&["charge.*"], "charge.refund.updated", true),
            (&["charge.*"], "charges.updated", false),
            (&["charge.succeeded", "refund.created"], "refund.created", true),
            (&["charge.succeeded"], "charge.succeeded.later", false),
            (&[], "charge.succeeded", false),
        ];
        for (enabled, event, expected) in cases {
            assert_eq!(endpoint(enabled).hears_of(event), expected, "{enabled:?} of {event}");
        }
    }

    #[test]
    fn every_type_that_is_emitted_can_be_asked_for() {
        for event in crate::event::EventType::ALL {
            assert!(is_event_pattern(event.name()), "{}", event.name());
        }
        for pattern in ["*", "charge.*", "invoice.paid", "customer.subscription.*"] {
            assert!(is_event_pattern(pattern), "{pattern}");
        }
        for pattern in ["", "**", "charge*", "charge", "unheard.of", "unheard.*", "*.updated"] {
            assert!(!is_event_pattern(pattern), "{pattern}");
        }
    }

    #[test]
    fn types_of_events_that_stripes_own_library_names_were_refused() {
        for name in ["apps.install.created", "three_d_secure.authentication.failed"] {
            assert!(is_event_pattern(name), "{name}");
        }
    }

    #[test]
    fn each_secret_signs_until_its_overlap_is_over() {
        let mut endpoint = endpoint(&["*"]);
        let live = |endpoint: &WebhookEndpoint, at: i64| {
            endpoint.live_secrets(Timestamp(at)).map(|s| s.sealed.clone()).collect::<Vec<_>>()
        };
        endpoint.roll("first".to_owned(), 0, Timestamp(0));
        endpoint.roll("second".to_owned(), 60, Timestamp(100));
        assert_eq!(live(&endpoint, 159), ["first", "second"]);
        assert_eq!(live(&endpoint, 160), ["second"]);
        // A second roll ended the first one's overlap.
        endpoint.roll("third".to_owned(), i64::MAX, Timestamp(120));
        assert_eq!(live(&endpoint, 159), ["first", "second", "third"]);
        assert_eq!(live(&endpoint, 160), ["second", "third"]);
        assert_eq!(live(&endpoint, 120 + LONGEST_OVERLAP), ["third"]);
        endpoint.roll("fourth".to_owned(), 0, Timestamp(130));
        assert_eq!(live(&endpoint, 130), ["fourth"]);
    }
}
