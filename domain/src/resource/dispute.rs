//! The `dispute` object.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Constant, balance_transaction};
use crate::dispute::{Dispute, Evidence, Reason, Status};
use crate::metadata::Metadata;
use crate::money::Currency;
use crate::timestamp::Timestamp;

/// The `dispute` object (<https://docs.stripe.com/api/disputes/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "dispute"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub amount: i64,
    pub balance_transactions: Vec<balance_transaction::Resource<'a>>,
    pub charge: &'a str,
    pub created: Timestamp,
    pub currency: Currency,
    pub enhanced_eligibility_types: Vec<Constant>,
    pub evidence: EvidenceResource<'a>,
    pub evidence_details: EvidenceDetails,
    pub intended_submission_method: Option<Constant>,
    pub is_charge_refundable: bool,
    pub livemode: bool,
    pub metadata: &'a Metadata,
    pub network_reason_code: &'a str,
    pub payment_intent: Option<&'a str>,
    pub payment_method_details: Value,
    pub reason: Reason,
    pub status: Status,
}

/// The evidence, and that none of the networks' own programmes is taken part in.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "dispute_evidence_and_programmes")
)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct EvidenceResource<'a> {
    #[serde(flatten)]
    pub evidence: &'a Evidence,
    pub enhanced_evidence: Value,
}

/// How the evidence stands (<https://docs.stripe.com/api/disputes/object#dispute_object-evidence_details>).
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "dispute_evidence_details")
)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct EvidenceDetails {
    pub due_by: Timestamp,
    pub enhanced_eligibility: Value,
    pub has_evidence: bool,
    pub past_due: bool,
    pub submission_count: u32,
    pub submission_method: Constant,
}

impl<'a> Resource<'a> {
    /// The dispute as it is seen at a moment: what it moved becomes available as time goes by.
    pub fn new(dispute: &'a Dispute, now: Timestamp) -> Self {
        let details = &dispute.details;
        let movements = details.balance_transactions.iter();
        Self {
            id: dispute.id.as_str(),
            object: "dispute",
            amount: dispute.amount.amount.minor_units(),
            balance_transactions: movements
                .map(|moved| balance_transaction::Resource::new(moved, now))
                .collect(),
            charge: dispute.charge.as_str(),
            created: dispute.created,
            currency: dispute.amount.currency,
            enhanced_eligibility_types: Vec::new(),
            evidence: EvidenceResource {
                evidence: &details.evidence,
                enhanced_evidence: json!({}),
            },
            evidence_details: evidence_details(dispute),
            intended_submission_method: None,
            is_charge_refundable: !dispute.status.withholds()
                && dispute.status != Status::Lost
                && !dispute.charge_refunded,
            livemode: dispute.livemode,
            metadata: &details.metadata,
            network_reason_code: &details.network_reason_code,
            payment_intent: dispute.payment_intent.as_ref().map(|id| id.as_str()),
            payment_method_details: payment_method_details(dispute),
            reason: details.reason,
            status: dispute.status,
        }
    }
}

fn evidence_details(dispute: &Dispute) -> EvidenceDetails {
    let details = &dispute.details;
    EvidenceDetails {
        due_by: details.due_by,
        enhanced_eligibility: json!({}),
        has_evidence: !details.evidence.is_empty(),
        // What comes too late is refused, so that no submission is ever past due.
        past_due: false,
        submission_count: details.submission_count,
        submission_method: if details.submission_count > 0 { "manual" } else { "not_submitted" },
    }
}

fn payment_method_details(dispute: &Dispute) -> Value {
    let details = &dispute.details;
    json!({
        "card": {
            "brand": details.brand,
            "case_type": if dispute.status.is_inquiry() { "inquiry" } else { "chargeback" },
            "network": details.brand,
            "network_reason_code": details.network_reason_code,
        },
        "type": "card",
    })
}
