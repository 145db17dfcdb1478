//! Events: what merchants are told of each change, by one table.
//!
//! Source: <https://docs.stripe.com/api/events/types>.

use serde::{Deserialize, Serialize};

/// The version of Stripe's API whose shapes Florin speaks.
pub const API_VERSION: &str = "2026-10-28.endive";

macro_rules! event_types {
    ($($name:ident = $text:literal,)*) => {
        /// The type of an event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "each is Stripe's event type of the same name")]
        pub enum EventType {
            $(#[serde(rename = $text)] $name,)*
        }

        impl EventType {
            /// Every type that Florin emits.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name in the API, as `charge.succeeded`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

event_types! {
    AccountExternalAccountCreated = "account.external_account.created",
    AccountExternalAccountDeleted = "account.external_account.deleted",
    AccountExternalAccountUpdated = "account.external_account.updated",
    BalanceAvailable = "balance.available",
    ChargeCaptured = "charge.captured",
    ChargeDisputeClosed = "charge.dispute.closed",
    ChargeDisputeCreated = "charge.dispute.created",
    ChargeDisputeFundsReinstated = "charge.dispute.funds_reinstated",
    ChargeDisputeFundsWithdrawn = "charge.dispute.funds_withdrawn",
    ChargeDisputeUpdated = "charge.dispute.updated",
    ChargeExpired = "charge.expired",
    ChargeFailed = "charge.failed",
    ChargePending = "charge.pending",
    ChargeRefundUpdated = "charge.refund.updated",
    ChargeRefunded = "charge.refunded",
    ChargeSucceeded = "charge.succeeded",
    ChargeUpdated = "charge.updated",
    CustomerCreated = "customer.created",
    CustomerDeleted = "customer.deleted",
    CustomerUpdated = "customer.updated",
    AttemptNeedsAttention = "florin.payment_attempt.needs_attention",
    PaymentIntentAmountCapturableUpdated = "payment_intent.amount_capturable_updated",
    PaymentIntentCanceled = "payment_intent.canceled",
    PaymentIntentCreated = "payment_intent.created",
    PaymentIntentPaymentFailed = "payment_intent.payment_failed",
    PaymentIntentProcessing = "payment_intent.processing",
    PaymentIntentRequiresAction = "payment_intent.requires_action",
    PaymentIntentSucceeded = "payment_intent.succeeded",
    PaymentMethodAttached = "payment_method.attached",
    PaymentMethodAutomaticallyUpdated = "payment_method.automatically_updated",
    PaymentMethodDetached = "payment_method.detached",
    PaymentMethodUpdated = "payment_method.updated",
    PayoutCanceled = "payout.canceled",
    PayoutCreated = "payout.created",
    PayoutFailed = "payout.failed",
    PayoutPaid = "payout.paid",
    PayoutReconciliationCompleted = "payout.reconciliation_completed",
    PayoutUpdated = "payout.updated",
    RefundCreated = "refund.created",
    RefundFailed = "refund.failed",
    RefundUpdated = "refund.updated",
    ReportingReportRunFailed = "reporting.report_run.failed",
    ReportingReportRunSucceeded = "reporting.report_run.succeeded",
    SetupIntentCreated = "setup_intent.created",
    SetupIntentSucceeded = "setup_intent.succeeded",
    ReceiptFailed = "florin.receipt.failed",
    WebhookEndpointDisabled = "florin.webhook_endpoint.disabled",
    WebhookEndpointFailing = "florin.webhook_endpoint.failing",
    TopupCanceled = "topup.canceled",
    TopupCreated = "topup.created",
    TopupFailed = "topup.failed",
    TopupReversed = "topup.reversed",
    TopupSucceeded = "topup.succeeded",
    TransferCreated = "transfer.created",
    TransferReversed = "transfer.reversed",
    TransferUpdated = "transfer.updated",
}

/// A change that merchants are told of, named after what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the name says what happened")]
pub enum Transition {
    IntentCreated,
    IntentSucceeded,
    IntentAuthorized,
    IntentDeclined,
    /// Refused before any charge was made.
    IntentRefused,
    IntentRequiresAction,
    IntentProcessing,
    IntentCaptured,
    /// One of several parts was taken.
    IntentPartlyCaptured,
    /// The last of several parts was taken.
    IntentLastCaptured,
    /// What several captures left was let go of.
    IntentRestReleased,
    IntentIncremented,
    /// Nothing had been held.
    IntentCanceled,
    /// Held money was let go of, by the merchant or by time.
    IntentVoided,
    /// A processor did otherwise than it was asked, or never said what it did: a person has to look.
    AttemptParked,
    ChargeSucceeded,
    ChargeFailed,
    ChargeCaptured,
    ChargeExpired,
    ChargeUpdated,
    /// A chargeback took the money.
    DisputeOpened,
    /// An inquiry was opened; no money moved.
    InquiryOpened,
    /// Evidence or metadata changed, or evidence was sent to the bank.
    DisputeUpdated,
    /// An inquiry became a chargeback.
    DisputeEscalated,
    DisputeWon,
    /// A chargeback was lost, or an inquiry is over.
    DisputeClosed,
    RefundCreated,
    RefundSucceeded,
    RefundUpdated,
    RefundFailed,
    RefundCanceled,
    CustomerCreated,
    CustomerUpdated,
    CustomerDeleted,
    PaymentMethodAttached,
    PaymentMethodUpdated,
    PaymentMethodDetached,
    /// Money that was pending became available.
    BalanceAvailable,
    BankAccountCreated,
    BankAccountUpdated,
    BankAccountDeleted,
    PayoutCreated,
    /// Made by the account's schedule: what it carries can be listed at once.
    PayoutScheduled,
    PayoutSubmitted,
    PayoutUpdated,
    PayoutPaid,
    PayoutFailed,
    PayoutCanceled,
    PayoutReversed,
    ReportRunFailed,
    ReportRunSucceeded,
    SetupIntentSucceeded,
    /// Nobody took the mail with it for a day.
    ReceiptFailed,
    /// Florin stopped sending to it.
    WebhookEndpointDisabled,
    /// Nothing has reached it for a day.
    WebhookEndpointFailing,
    TopupCreated,
    TopupSucceeded,
    TopupFailed,
    TopupCanceled,
    /// The bank took back what it had added.
    TopupReversed,
    TransferCreated,
    /// Of the transfer, or of one of its reversals.
    TransferUpdated,
    /// In part or in full.
    TransferReversed,
}

impl Transition {
    /// Every transition, for tables that must cover them all.
    pub const ALL: [Self; 63] = [
        Self::IntentCreated,
        Self::IntentSucceeded,
        Self::IntentAuthorized,
        Self::IntentDeclined,
        Self::IntentRefused,
        Self::IntentRequiresAction,
        Self::IntentProcessing,
        Self::IntentCaptured,
        Self::IntentPartlyCaptured,
        Self::IntentLastCaptured,
        Self::IntentRestReleased,
        Self::IntentIncremented,
        Self::IntentCanceled,
        Self::IntentVoided,
        Self::AttemptParked,
        Self::ChargeSucceeded,
        Self::ChargeFailed,
        Self::ChargeCaptured,
        Self::ChargeExpired,
        Self::ChargeUpdated,
        Self::DisputeOpened,
        Self::InquiryOpened,
        Self::DisputeUpdated,
        Self::DisputeEscalated,
        Self::DisputeWon,
        Self::DisputeClosed,
        Self::RefundCreated,
        Self::RefundSucceeded,
        Self::RefundUpdated,
        Self::RefundFailed,
        Self::RefundCanceled,
        Self::CustomerCreated,
        Self::CustomerUpdated,
        Self::CustomerDeleted,
        Self::PaymentMethodAttached,
        Self::PaymentMethodUpdated,
        Self::PaymentMethodDetached,
        Self::BalanceAvailable,
        Self::BankAccountCreated,
        Self::BankAccountUpdated,
        Self::BankAccountDeleted,
        Self::PayoutCreated,
        Self::PayoutScheduled,
        Self::PayoutSubmitted,
        Self::PayoutUpdated,
        Self::PayoutPaid,
        Self::PayoutFailed,
        Self::PayoutCanceled,
        Self::PayoutReversed,
        Self::ReportRunFailed,
        Self::ReportRunSucceeded,
        Self::SetupIntentSucceeded,
        Self::ReceiptFailed,
        Self::WebhookEndpointDisabled,
        Self::WebhookEndpointFailing,
        Self::TopupCreated,
        Self::TopupSucceeded,
        Self::TopupFailed,
        Self::TopupCanceled,
        Self::TopupReversed,
        Self::TransferCreated,
        Self::TransferUpdated,
        Self::TransferReversed,
    ];

    /// The events that tell of it, in the order in which they are written.
    pub fn events(self) -> &'static [EventType] {
        use EventType as E;
        match self {
            Self::IntentCreated => &[E::PaymentIntentCreated],
            Self::IntentSucceeded => &[E::ChargeSucceeded, E::PaymentIntentSucceeded],
            Self::IntentAuthorized => {
                &[E::ChargeSucceeded, E::PaymentIntentAmountCapturableUpdated]
            }
            Self::IntentDeclined => &[E::ChargeFailed, E::PaymentIntentPaymentFailed],
            Self::IntentRefused => &[E::PaymentIntentPaymentFailed],
            Self::IntentRequiresAction => &[E::PaymentIntentRequiresAction],
            Self::IntentProcessing => &[E::PaymentIntentProcessing],
            Self::IntentCaptured => &[E::ChargeCaptured, E::PaymentIntentSucceeded],
            Self::IntentPartlyCaptured | Self::IntentIncremented => {
                &[E::ChargeUpdated, E::PaymentIntentAmountCapturableUpdated]
            }
            // Every capture of several tells of the charge and of what is left to capture
            // (https://docs.stripe.com/payments/multicapture#webhooks).
            Self::IntentLastCaptured => &[
                E::ChargeUpdated,
                E::ChargeCaptured,
                E::PaymentIntentAmountCapturableUpdated,
                E::PaymentIntentSucceeded,
            ],
            Self::IntentRestReleased => &[
                E::ChargeCaptured,
                E::PaymentIntentAmountCapturableUpdated,
                E::PaymentIntentSucceeded,
            ],
            Self::IntentCanceled => &[E::PaymentIntentCanceled],
            // No refund: decision 0003.
            Self::IntentVoided => &[E::ChargeExpired, E::PaymentIntentCanceled],
            Self::AttemptParked => &[E::AttemptNeedsAttention],
            Self::ChargeSucceeded => &[E::ChargeSucceeded],
            Self::ChargeFailed => &[E::ChargeFailed],
            Self::ChargeCaptured => &[E::ChargeCaptured],
            Self::ChargeExpired => &[E::ChargeExpired],
            Self::ChargeUpdated => &[E::ChargeUpdated],
            Self::DisputeOpened => &[E::ChargeDisputeCreated, E::ChargeDisputeFundsWithdrawn],
            Self::InquiryOpened => &[E::ChargeDisputeCreated],
            Self::DisputeUpdated => &[E::ChargeDisputeUpdated],
            Self::DisputeEscalated => &[E::ChargeDisputeUpdated, E::ChargeDisputeFundsWithdrawn],
            Self::DisputeWon => {
                &[E::ChargeDisputeUpdated, E::ChargeDisputeFundsReinstated, E::ChargeDisputeClosed]
            }
            Self::DisputeClosed => &[E::ChargeDisputeUpdated, E::ChargeDisputeClosed],
            Self::RefundCreated => &[E::ChargeRefunded, E::RefundCreated],
            Self::RefundSucceeded | Self::RefundUpdated => {
                &[E::ChargeRefundUpdated, E::RefundUpdated]
            }
            Self::RefundFailed => &[E::ChargeRefundUpdated, E::RefundUpdated, E::RefundFailed],
            Self::RefundCanceled => &[E::ChargeRefundUpdated, E::RefundUpdated],
            Self::CustomerCreated => &[E::CustomerCreated],
            Self::CustomerUpdated => &[E::CustomerUpdated],
            Self::CustomerDeleted => &[E::CustomerDeleted],
            Self::PaymentMethodAttached => &[E::PaymentMethodAttached],
            Self::PaymentMethodUpdated => &[E::PaymentMethodUpdated],
            Self::PaymentMethodDetached => &[E::PaymentMethodDetached],
            Self::BalanceAvailable => &[E::BalanceAvailable],
            Self::BankAccountCreated => &[E::AccountExternalAccountCreated],
            Self::BankAccountUpdated => &[E::AccountExternalAccountUpdated],
            Self::BankAccountDeleted => &[E::AccountExternalAccountDeleted],
            Self::PayoutCreated => &[E::PayoutCreated],
            Self::PayoutScheduled => &[E::PayoutCreated, E::PayoutReconciliationCompleted],
            Self::PayoutSubmitted | Self::PayoutUpdated | Self::PayoutReversed => {
                &[E::PayoutUpdated]
            }
            Self::PayoutPaid => &[E::PayoutUpdated, E::PayoutPaid],
            Self::PayoutFailed => &[E::PayoutUpdated, E::PayoutFailed],
            Self::PayoutCanceled => &[E::PayoutUpdated, E::PayoutCanceled],
            Self::ReportRunFailed => &[E::ReportingReportRunFailed],
            Self::ReportRunSucceeded => &[E::ReportingReportRunSucceeded],
            Self::SetupIntentSucceeded => &[E::SetupIntentCreated, E::SetupIntentSucceeded],
            Self::ReceiptFailed => &[E::ReceiptFailed],
            Self::WebhookEndpointDisabled => &[E::WebhookEndpointDisabled],
            Self::WebhookEndpointFailing => &[E::WebhookEndpointFailing],
            Self::TopupCreated => &[E::TopupCreated],
            Self::TopupSucceeded => &[E::TopupSucceeded],
            Self::TopupFailed => &[E::TopupFailed],
            Self::TopupCanceled => &[E::TopupCanceled],
            Self::TopupReversed => &[E::TopupReversed],
            Self::TransferCreated => &[E::TransferCreated],
            Self::TransferUpdated => &[E::TransferUpdated],
            Self::TransferReversed => &[E::TransferReversed],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transition_tells_of_itself() {
        for transition in Transition::ALL {
            assert!(!transition.events().is_empty(), "{transition:?}");
        }
    }
}
