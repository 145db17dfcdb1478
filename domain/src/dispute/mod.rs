//! Disputes: a cardholder asks their bank for the money back.
//!
//! A dispute goes along one of two tracks. A *chargeback* takes the money at once, and gives it back
//! where the merchant wins. An *inquiry* only asks, and moves no money; it is closed, or it escalates
//! and is a chargeback from then on. Sources: <https://docs.stripe.com/disputes/how-disputes-work>,
//! <https://docs.stripe.com/api/disputes/object>.

mod evidence;

use serde::de::IntoDeserializer;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::balance_transaction::BalanceTransaction;
use crate::id::{ChargeId, DisputeId, Id, PaymentIntentId, base62};
use crate::metadata::Metadata;
use crate::money::Money;
use crate::timestamp::{DAY, Timestamp};

pub use evidence::{Evidence, EvidenceUpdate, LONG_TEXT, LONGEST_TEXT, LongText};

/// How many days a merchant has to answer a chargeback: networks give 7 to 21.
const DAYS_TO_ANSWER: i64 = 9;

/// Where a dispute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "dispute_status"))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// An inquiry waits for the merchant.
    WarningNeedsResponse,
    /// An inquiry was answered, and the bank reads the answer.
    WarningUnderReview,
    /// An inquiry is over, and no money moved.
    WarningClosed,
    /// The money was taken back; the merchant may answer.
    NeedsResponse,
    /// The merchant answered, and the bank reads the answer.
    UnderReview,
    /// The merchant has the money again.
    Won,
    /// The money is gone.
    Lost,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::WarningNeedsResponse,
        Self::WarningUnderReview,
        Self::WarningClosed,
        Self::NeedsResponse,
        Self::UnderReview,
        Self::Won,
        Self::Lost,
    ];

    /// The name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::WarningNeedsResponse => "warning_needs_response",
            Self::WarningUnderReview => "warning_under_review",
            Self::WarningClosed => "warning_closed",
            Self::NeedsResponse => "needs_response",
            Self::UnderReview => "under_review",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    /// What it becomes next on its way to where a processor says it stands, which may have told of what was between
    /// too late or never; nothing where no way leads there.
    pub fn step_to(self, end: Self) -> Option<Self> {
        match (self, end) {
            _ if self.may_become(end) => Some(end),
            (Self::NeedsResponse, Self::Won) => Some(Self::UnderReview),
            (
                Self::WarningNeedsResponse | Self::WarningUnderReview,
                Self::UnderReview | Self::Won | Self::Lost,
            ) => Some(Self::NeedsResponse),
            _ => None,
        }
    }

    /// Whether the listed transition exists.
    pub fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (
                Self::WarningNeedsResponse,
                Self::WarningUnderReview | Self::WarningClosed | Self::NeedsResponse
            ) | (Self::WarningUnderReview, Self::WarningClosed | Self::NeedsResponse)
                | (Self::NeedsResponse, Self::UnderReview | Self::Lost)
                | (Self::UnderReview, Self::Won | Self::Lost)
        )
    }

    /// Whether it is on the track of inquiries.
    pub fn is_inquiry(self) -> bool {
        matches!(self, Self::WarningNeedsResponse | Self::WarningUnderReview | Self::WarningClosed)
    }

    /// Whether nothing happens to it any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::WarningClosed | Self::Won | Self::Lost)
    }

    /// What it becomes once the merchant answers; nothing where no answer is awaited.
    pub fn answered(self) -> Option<Self> {
        match self {
            Self::WarningNeedsResponse => Some(Self::WarningUnderReview),
            Self::NeedsResponse => Some(Self::UnderReview),
            _ => None,
        }
    }

    /// What it becomes once the merchant accepts it; nothing where no answer is awaited.
    pub fn accepted(self) -> Option<Self> {
        match self {
            Self::WarningNeedsResponse => Some(Self::WarningClosed),
            Self::NeedsResponse => Some(Self::Lost),
            _ => None,
        }
    }

    /// Whether a chargeback holds the money, so that it cannot be given back as well.
    pub fn withholds(self) -> bool {
        matches!(self, Self::NeedsResponse | Self::UnderReview)
    }
}

/// Why a cardholder asks for the money back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "dispute_reason"))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are Stripe's")]
pub enum Reason {
    BankCannotProcess,
    CheckReturned,
    CreditNotProcessed,
    CustomerInitiated,
    DebitNotAuthorized,
    Duplicate,
    #[default]
    Fraudulent,
    General,
    IncorrectAccountDetails,
    InsufficientFunds,
    Noncompliant,
    ProductNotReceived,
    ProductUnacceptable,
    SubscriptionCanceled,
    Unrecognized,
}

impl Reason {
    /// The reason in a processor's words; those that are none of Stripe's say nothing in particular.
    pub fn told(name: Option<&str>) -> Self {
        let told: Result<_, serde::de::value::Error> =
            Self::deserialize(name.unwrap_or_default().into_deserializer());
        told.unwrap_or(Self::General)
    }
}

/// A cardholder asks their bank for the money back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// Its identifier.
    pub id: DisputeId,
    /// Whether it is about real money.
    pub livemode: bool,
    /// When it was opened.
    pub created: Timestamp,
    /// Counts its changes; a change names the version that it saw.
    pub version: i64,
    /// How much is asked back.
    pub amount: Money,
    /// Where it stands.
    pub status: Status,
    /// What was paid.
    pub charge: ChargeId,
    /// That charge's intent.
    pub payment_intent: Option<PaymentIntentId>,
    /// Whether all of the charge was given back; its own row says so.
    pub charge_refunded: bool,
    /// The rest.
    pub details: Details,
}

/// What is only echoed of a dispute, or read after its row was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// Why.
    pub reason: Reason,
    /// The same in the card network's code.
    pub network_reason_code: String,
    /// The card's brand.
    pub brand: String,
    /// What the merchant says to it.
    pub evidence: Evidence,
    /// How often the merchant sent it to the bank.
    pub submission_count: u32,
    /// Until when the merchant may answer.
    pub due_by: Timestamp,
    /// When the simulator's bank acts, whether the merchant does or not; none once it is over.
    pub acts_at: Option<Timestamp>,
    /// The processor's own reference of one that it told of; none of the simulator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor_reference: Option<String>,
    /// When it came to stand there where its processor keeps it, as far as that said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stands_since: Option<Timestamp>,
    /// The merchant's own pairs.
    pub metadata: Metadata,
    /// How the balance moved with it. Movements never change, so these are as their own rows are.
    pub balance_transactions: Vec<BalanceTransaction>,
}

impl Dispute {
    /// The identifier of the dispute of a charge: a charge is disputed once, however often the bank's
    /// message comes.
    pub fn id_of(charge: &ChargeId) -> DisputeId {
        let digest: [u8; 32] = Sha256::digest(format!("dispute:{charge}").as_bytes()).into();
        DisputeId::from_checked(format!("{}{}", DisputeId::PREFIX, base62(&digest)))
    }

    /// Until when a chargeback that begins now may be answered: the end of a day (UTC).
    pub fn due_by(now: Timestamp) -> Timestamp {
        now.day().plus(DAYS_TO_ANSWER).start().plus(DAY.saturating_sub(1))
    }

    /// Whether the merchant may still answer it.
    pub fn awaits_answer(&self, now: Timestamp) -> bool {
        self.status.answered().is_some() && now <= self.details.due_by
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_transitions_exist() {
        let listed: Vec<_> = Status::ALL
            .into_iter()
            .flat_map(|from| Status::ALL.into_iter().map(move |to| (from, to)))
            .filter(|(from, to)| from.may_become(*to))
            .map(|(from, to)| (from.name(), to.name()))
            .collect();
        assert_eq!(
            listed,
            [
                ("warning_needs_response", "warning_under_review"),
                ("warning_needs_response", "warning_closed"),
                ("warning_needs_response", "needs_response"),
                ("warning_under_review", "warning_closed"),
                ("warning_under_review", "needs_response"),
                ("needs_response", "under_review"),
                ("needs_response", "lost"),
                ("under_review", "won"),
                ("under_review", "lost"),
            ]
        );
    }

    #[test]
    fn what_is_over_stays_so_and_what_is_asked_is_a_listed_transition() {
        for status in Status::ALL {
            let goes_on = Status::ALL.into_iter().any(|next| status.may_become(next));
            assert_eq!(goes_on, !status.is_over(), "{status:?}");
            for next in [status.answered(), status.accepted()].into_iter().flatten() {
                assert!(status.may_become(next), "{status:?} to {next:?}");
            }
        }
    }

    #[test]
    fn each_step_is_a_listed_transition_and_leads_to_the_end() {
        for from in Status::ALL {
            for end in Status::ALL {
                let mut stands = from;
                for _ in 0..4 {
                    let Some(next) = stands.step_to(end) else { break };
                    assert!(stands.may_become(next), "{stands:?} to {next:?}");
                    stands = next;
                }
                assert!(stands == end || stands == from, "{from:?} to {end:?} stops at {stands:?}");
            }
        }
        assert_eq!(Status::WarningNeedsResponse.step_to(Status::Won), Some(Status::NeedsResponse));
        assert_eq!(Status::UnderReview.step_to(Status::NeedsResponse), None);
        assert_eq!(Status::Won.step_to(Status::Lost), None);
    }

    #[test]
    fn a_reason_that_nobody_knows_is_general() {
        assert_eq!(Reason::told(Some("product_unacceptable")), Reason::ProductUnacceptable);
        assert_eq!(Reason::told(Some("General Dissatisfaction")), Reason::General);
        assert_eq!(Reason::told(None), Reason::General);
    }

    #[test]
    fn a_charge_names_its_dispute() {
        let charge = |text| ChargeId::parse(text).expect("an id");
        let id = Dispute::id_of(&charge("ch_1"));
        assert_eq!(id, Dispute::id_of(&charge("ch_1")));
        assert_ne!(id, Dispute::id_of(&charge("ch_2")));
        assert_eq!(DisputeId::parse(id.as_str()), Ok(id));
    }

    #[test]
    fn an_answer_is_due_by_the_end_of_a_day() {
        let due_by = Dispute::due_by(Timestamp(1_680_651_737));
        assert_eq!(due_by, Timestamp(1_681_430_399));
    }
}
