//! What the simulator does with a charge later, by the card that was used.

/// What the simulator does with a charge later, by the card that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Later {
    /// The cardholder calls it fraud.
    DisputeFraudulent,
    /// The cardholder says that nothing came.
    DisputeProductNotReceived,
    /// The issuer asks first.
    Inquiry,
    /// A refund takes its time, then arrives.
    RefundPends,
    /// A refund arrives, then comes back.
    RefundFails,
    /// What it paid is never pending.
    AvailableAtOnce,
}

impl Later {
    /// The name in a charge's details.
    pub fn name(self) -> &'static str {
        match self {
            Self::DisputeFraudulent => "dispute_fraudulent",
            Self::DisputeProductNotReceived => "dispute_product_not_received",
            Self::Inquiry => "inquiry",
            Self::RefundPends => "refund_pends",
            Self::RefundFails => "refund_fails",
            Self::AvailableAtOnce => "available_at_once",
        }
    }

    /// Reads the name in a charge's details.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::DisputeFraudulent,
            Self::DisputeProductNotReceived,
            Self::Inquiry,
            Self::RefundPends,
            Self::RefundFails,
            Self::AvailableAtOnce,
        ]
        .into_iter()
        .find(|later| later.name() == name)
    }
}
