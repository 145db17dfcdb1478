//! The columns of reports, named and ordered as Stripe's.

/// The columns of a balance summary.
pub(super) const BALANCE: &[&str] = &["category", "description", "net_amount", "currency"];

/// The columns of a summary.
pub(super) const SUMMARY: &[&str] =
    &["reporting_category", "currency", "count", "gross", "fee", "net"];

/// What an itemized report shows unless told otherwise.
pub(super) const ITEMIZED: &[&str] = &[
    "balance_transaction_id",
    "created",
    "available_on",
    "currency",
    "gross",
    "fee",
    "net",
    "reporting_category",
    "description",
];

/// The same for the transactions of payouts.
pub(super) const PAID_OUT: &[&str] = &[
    "automatic_payout_id",
    "automatic_payout_effective_at",
    "balance_transaction_id",
    "created",
    "available_on",
    "currency",
    "gross",
    "fee",
    "net",
    "reporting_category",
    "description",
];

/// The same for the payouts themselves.
pub(super) const PAYOUTS: &[&str] = &[
    "payout_id",
    "effective_at",
    "currency",
    "gross",
    "fee",
    "net",
    "reporting_category",
    "balance_transaction_id",
    "description",
    "payout_expected_arrival_date",
    "payout_status",
    "payout_reversed_at",
    "payout_type",
    "payout_description",
    "payout_destination_id",
];

/// Columns that are read off a transaction itself.
const OWN: &[&str] = &[
    "balance_transaction_id",
    "created",
    "created_utc",
    "available_on",
    "available_on_utc",
    "currency",
    "gross",
    "fee",
    "net",
    "reporting_category",
    "source_id",
    "description",
    "customer_facing_amount",
    "customer_facing_currency",
    "regulatory_tag",
    "payout_id",
    "payout_type",
    "effective_at",
    "effective_at_utc",
];

/// Columns of payouts that are looked up.
const OF_PAYOUTS: &[&str] = &[
    "payout_expected_arrival_date",
    "payout_status",
    "payout_reversed_at",
    "payout_reversed_at_utc",
    "payout_description",
    "payout_destination_id",
    "trace_id",
    "trace_id_status",
];

/// Columns of other transactions that are looked up, or that Florin has nothing to say in.
const OF_TRANSACTIONS: &[&str] = &[
    "automatic_payout_id",
    "automatic_payout_effective_at",
    "automatic_payout_effective_at_utc",
    "customer_id",
    "customer_email",
    "customer_name",
    "customer_description",
    "charge_id",
    "payment_intent_id",
    "charge_created",
    "charge_created_utc",
    "invoice_id",
    "invoice_number",
    "subscription_id",
    "order_id",
    "payment_method_type",
    "is_link",
    "card_brand",
    "card_funding",
    "card_country",
    "statement_descriptor",
    "dispute_reason",
    "connected_account_id",
    "connected_account_name",
    "connected_account_country",
    "connected_account_direct_charge_id",
    "destination_payment_id",
    "trace_id",
    "trace_id_status",
];

/// Addresses, each a column for each of its parts.
pub(super) const ADDRESSES: &[&str] =
    &["customer_shipping_address", "customer_address", "shipping_address", "card_address"];

const ADDRESS_PARTS: &[&str] = &["line1", "line2", "city", "state", "postal_code", "country"];

/// Metadata, each a column for a key in brackets.
const METADATA: &[&str] = &["payment_metadata", "refund_metadata", "transfer_metadata"];

/// Whether a column is read off a transaction itself.
pub(super) fn is_own(name: &str) -> bool {
    OWN.contains(&name)
}

/// Whether itemized payouts have the column.
pub(super) fn is_of_payouts(name: &str) -> bool {
    let others = ["created", "available_on", "source_id", "customer_facing"];
    (is_own(name) && !others.iter().any(|other| name.starts_with(other)))
        || OF_PAYOUTS.contains(&name)
}

/// Whether itemized transactions have the column.
pub(super) fn is_of_transactions(name: &str) -> bool {
    (is_own(name) && !name.starts_with("payout") && !name.starts_with("effective"))
        || OF_TRANSACTIONS.contains(&name)
        || address(name).is_some_and(|(_, part)| ADDRESS_PARTS.contains(&part))
        || metadata(name).is_some()
}

/// The address and the part of it that a column is named after.
pub(super) fn address(name: &str) -> Option<(&'static str, &str)> {
    ADDRESSES
        .iter()
        .find_map(|address| Some((*address, name.strip_prefix(address)?.strip_prefix('_')?)))
}

/// Whose metadata, and the key of it, that a column is named after.
pub(super) fn metadata(name: &str) -> Option<(&'static str, &str)> {
    METADATA.iter().find_map(|whose| {
        let key = name.strip_prefix(whose)?.strip_prefix('[')?.strip_suffix(']')?;
        (!key.is_empty()).then_some((*whose, key))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_of_columns_are_known_by_their_parts() {
        assert_eq!(address("card_address_line1"), Some(("card_address", "line1")));
        assert!(is_of_transactions("customer_shipping_address_postal_code"));
        assert!(!is_of_transactions("card_address_planet"));
        assert_eq!(metadata("payment_metadata[order]"), Some(("payment_metadata", "order")));
        assert_eq!(metadata("payment_metadata[a[b]]"), Some(("payment_metadata", "a[b]")));
        for unknown in ["payment_metadata", "payment_metadata[]", "metadata[order]"] {
            assert!(!is_of_transactions(unknown), "{unknown}");
        }
    }
}
