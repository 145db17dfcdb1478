//! What the simulator's bank does with a dispute.
//!
//! Sources: <https://docs.stripe.com/testing#disputes>, <https://docs.stripe.com/testing#evidence>.

use domain::dispute::{Dispute, Reason, Status};
use domain::timestamp::{DAY, Timestamp};

use super::DELAY;
use crate::Later;

/// After how many days an inquiry that did not escalate is over
/// (<https://docs.stripe.com/disputes/how-disputes-work>).
const INQUIRY_DAYS: i64 = 120;

/// How many days the bank takes for evidence that is none of the test mode's words: banks take up to
/// 75 (<https://docs.stripe.com/disputes/how-disputes-work>).
const REVIEW_DAYS: i64 = 75;

/// A dispute that a card stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Where it begins.
    pub status: Status,
    /// Why.
    pub reason: Reason,
    /// The same in the card network's code.
    pub network_reason_code: &'static str,
}

/// The dispute that a card's charge ends in, if it does.
pub fn opening(later: Later) -> Option<Opening> {
    let (status, reason, network_reason_code) = match later {
        Later::DisputeFraudulent => (Status::NeedsResponse, Reason::Fraudulent, "10.4"),
        Later::DisputeProductNotReceived => {
            (Status::NeedsResponse, Reason::ProductNotReceived, "13.1")
        }
        Later::Inquiry => (Status::WarningNeedsResponse, Reason::Fraudulent, "10.4"),
        Later::RefundPends | Later::RefundFails | Later::AvailableAtOnce => return None,
    };
    Some(Opening { status, reason, network_reason_code })
}

/// What the evidence asks the bank to do, in the words of Stripe's test mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Win,
    Lose,
    Escalate,
}

fn word(dispute: &Dispute) -> Option<Word> {
    dispute.details.evidence.texts().find_map(|text| match text.trim() {
        "winning_evidence" => Some(Word::Win),
        "losing_evidence" => Some(Word::Lose),
        // Once it is a chargeback, what made it one says nothing more.
        "escalate_inquiry_evidence" if dispute.status.is_inquiry() => Some(Word::Escalate),
        _ => None,
    })
}

/// When the bank acts on a dispute that is now as it is; never on one that is over.
pub fn acts_at(dispute: &Dispute, now: Timestamp) -> Option<Timestamp> {
    let inquiry_ends = dispute.created.plus(INQUIRY_DAYS.saturating_mul(DAY));
    match dispute.status {
        Status::WarningNeedsResponse => Some(inquiry_ends),
        Status::NeedsResponse => Some(dispute.details.due_by.plus(1)),
        Status::WarningUnderReview | Status::UnderReview if word(dispute).is_some() => {
            Some(now.plus(DELAY))
        }
        Status::WarningUnderReview => Some(inquiry_ends),
        Status::UnderReview => Some(now.plus(REVIEW_DAYS.saturating_mul(DAY))),
        Status::WarningClosed | Status::Won | Status::Lost => None,
    }
}

/// What becomes of a dispute when the bank acts on it.
pub fn decide(dispute: &Dispute) -> Option<Status> {
    match (dispute.status, word(dispute)) {
        (Status::UnderReview, Some(Word::Win)) => Some(Status::Won),
        (Status::NeedsResponse | Status::UnderReview, _) => Some(Status::Lost),
        // A bank that is not convinced goes on to a chargeback.
        (Status::WarningUnderReview, Some(Word::Lose | Word::Escalate)) => {
            Some(Status::NeedsResponse)
        }
        (Status::WarningNeedsResponse | Status::WarningUnderReview, _) => {
            Some(Status::WarningClosed)
        }
        (Status::WarningClosed | Status::Won | Status::Lost, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::dispute::{Details, Evidence};
    use domain::id::{ChargeId, Id};
    use domain::money::{Amount, Currency, Money};

    fn dispute(status: Status, text: &str) -> Dispute {
        let charge = ChargeId::parse("ch_1").expect("an id");
        Dispute {
            id: Dispute::id_of(&charge),
            livemode: false,
            created: Timestamp(0),
            version: 1,
            amount: Money {
                amount: Amount::new(100).expect("an amount"),
                currency: Currency::parse("usd").expect("a currency"),
            },
            status,
            charge,
            payment_intent: None,
            charge_refunded: false,
            details: Details {
                evidence: Evidence {
                    uncategorized_text: Some(text.to_owned()),
                    ..Evidence::default()
                },
                ..Details::default()
            },
        }
    }

    #[test]
    fn the_words_of_test_mode_decide_and_others_do_in_the_end() {
        use Status as S;
        let cases = [
            (S::UnderReview, "winning_evidence", Some(S::Won)),
            (S::UnderReview, "losing_evidence", Some(S::Lost)),
            (S::UnderReview, "escalate_inquiry_evidence", Some(S::Lost)),
            (S::UnderReview, "it was Jo", Some(S::Lost)),
            (S::NeedsResponse, "winning_evidence", Some(S::Lost)),
            (S::WarningNeedsResponse, "losing_evidence", Some(S::WarningClosed)),
            (S::WarningUnderReview, "winning_evidence", Some(S::WarningClosed)),
            (S::WarningUnderReview, "losing_evidence", Some(S::NeedsResponse)),
            (S::WarningUnderReview, "escalate_inquiry_evidence", Some(S::NeedsResponse)),
            (S::WarningUnderReview, "it was Jo", Some(S::WarningClosed)),
            (S::Won, "losing_evidence", None),
        ];
        for (status, text, expected) in cases {
            let decided = decide(&dispute(status, text));
            assert_eq!(decided, expected, "{status:?} {text}");
            assert!(decided.is_none_or(|next| status.may_become(next)), "{status:?} {text}");
        }
    }

    #[test]
    fn whatever_is_open_is_acted_on_at_some_time() {
        for status in Status::ALL {
            for text in ["winning_evidence", "it was Jo"] {
                let dispute = dispute(status, text);
                let acts_at = acts_at(&dispute, Timestamp(5));
                assert_eq!(acts_at.is_none(), status.is_over(), "{status:?}");
                assert_eq!(decide(&dispute).is_none(), status.is_over(), "{status:?}");
            }
        }
    }
}
