//! Replays: events that are sent to an endpoint again, all that a filter finds, so many in a second.

use serde::{Deserialize, Serialize};

use super::{WebhookEndpoint, any_fits};
use crate::id::{EventReplayId, WebhookEndpointId};
use crate::timestamp::Timestamp;

/// How many events a replay sends in a second unless it says otherwise.
pub const PER_SECOND: i64 = 50;

/// How a replay stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Some of its events have yet to be looked at.
    Pending,
    /// Every event that it found is on its way again, or was counted.
    Succeeded,
    /// The endpoint takes nothing any more.
    Failed,
}

impl Status {
    /// The name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// A wish to have events sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventReplay {
    /// Its identifier.
    pub id: EventReplayId,
    /// Whether it is about real money.
    pub livemode: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Counts its steps; a step names the version that it saw.
    pub version: i64,
    /// Where they are sent.
    pub endpoint: WebhookEndpointId,
    /// How it stands.
    pub status: Status,
    /// The rest.
    pub details: Details,
}

/// Which events are sent again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// This one alone.
    pub event: Option<String>,
    /// None made before this second.
    pub created_from: i64,
    /// None made after this second.
    pub created_to: i64,
    /// Of these types, or as `charge.*`; all that the endpoint hears of unless said.
    pub types: Option<Vec<String>>,
    /// Those alone that the endpoint took, or did not take.
    pub delivery_success: Option<bool>,
    /// How many in a second.
    pub max_per_second: i64,
    /// Whether they are only counted.
    pub dry_run: bool,
    /// How many there are so far.
    pub count: i64,
    /// The last event that was looked at: its second and its sequence.
    pub after: Option<(i64, i64)>,
    /// The second for which events are planned now.
    pub plans_at: Timestamp,
    /// How many are planned for it.
    pub planned: i64,
}

impl EventReplay {
    /// Whether an event of this type is sent again, which the endpoint has taken or not.
    pub fn wants(&self, endpoint: &WebhookEndpoint, event_type: &str, is_taken: bool) -> bool {
        let Details { types, delivery_success, .. } = &self.details;
        endpoint.hears_of(event_type)
            && types.as_ref().is_none_or(|types| any_fits(types, event_type))
            && delivery_success.is_none_or(|wanted| wanted == is_taken)
    }

    /// The second in which the next event is sent: in none are more than were asked for.
    pub fn take_place(&mut self, now: Timestamp) -> Timestamp {
        let Details { max_per_second, plans_at, planned, .. } = &mut self.details;
        if *plans_at < now {
            (*plans_at, *planned) = (now, 0);
        }
        if *planned >= (*max_per_second).max(1) {
            (*plans_at, *planned) = (plans_at.plus(1), 0);
        }
        *planned = planned.saturating_add(1);
        *plans_at
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::id::Id;

    proptest! {
        #[test]
        fn no_second_has_more_than_were_asked_for(
            rate in 1_i64..20,
            steps in prop::collection::vec((0_i64..10, 0_usize..60), 1..20),
        ) {
            let mut replay = EventReplay {
                id: EventReplayId::parse("evr_1").expect("an id"),
                livemode: false,
                created: Timestamp(0),
                version: 1,
                endpoint: WebhookEndpointId::parse("we_1").expect("an id"),
                status: Status::Pending,
                details: Details { max_per_second: rate, ..Details::default() },
            };
            let mut now = Timestamp(0);
            let mut counts: BTreeMap<Timestamp, i64> = BTreeMap::new();
            for (pause, events) in steps {
                now = now.plus(pause);
                for _ in 0..events {
                    let at = replay.take_place(now);
                    prop_assert!(at >= now);
                    let count = counts.entry(at).or_default();
                    *count = count.saturating_add(1);
                }
            }
            prop_assert!(counts.values().all(|count| *count <= rate), "{counts:?}");
        }
    }
}
