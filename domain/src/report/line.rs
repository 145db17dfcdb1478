//! A transaction as a line of an itemized report.

use serde_json::Value;

use super::columns::{address, metadata};
use super::major_units;
use crate::balance_transaction::{BalanceTransaction, Kind};
use crate::money::AmountOutOfRange;
use crate::timestamp::Timestamp;

/// Tells how far the time zone of a report is ahead of UTC at a moment, in seconds.
pub type Clock<'c> = &'c dyn Fn(Timestamp) -> i64;

/// A transaction, and what is known beside it.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its place among those that were made in the same second.
    pub sequence: i64,
    /// The transaction.
    pub transaction: BalanceTransaction,
    /// The automatic payout that carries it, and when that was made.
    pub payout: Option<(String, Timestamp)>,
    /// What other objects say of it, by the names of the columns.
    pub links: Value,
}

impl Line {
    /// What it says in a column; nothing where it has nothing to say.
    ///
    /// # Errors
    /// Never for a transaction whose amounts are in range.
    pub fn cell(&self, column: &str, clock: Clock<'_>) -> Result<String, AmountOutOfRange> {
        let transaction = &self.transaction;
        let currency = transaction.currency;
        let (name, is_utc) = match column.strip_suffix("_utc") {
            Some(name) => (name, true),
            None => (column, false),
        };
        let time = |at: Timestamp| date_time(at.plus(if is_utc { 0 } else { clock(at) }));
        let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Ok(match name {
            "balance_transaction_id" => transaction.id.as_str().to_owned(),
            "created" | "effective_at" => time(transaction.created),
            "available_on" => time(transaction.available_on),
            "currency" => currency.code().to_owned(),
            "gross" => major_units(transaction.amount, currency),
            "fee" => major_units(transaction.fee, currency),
            "net" => major_units(transaction.net()?, currency),
            "reporting_category" => transaction.kind.reporting_category().to_owned(),
            "source_id" | "payout_id" => owned(transaction.source.as_deref()),
            "description" => owned(transaction.details.description.as_deref()),
            "customer_facing_amount" if self.is_seen_by_customers() => {
                major_units(transaction.amount, currency)
            }
            "customer_facing_currency" if self.is_seen_by_customers() => currency.code().to_owned(),
            "payout_type" => "bank_account".to_owned(),
            "automatic_payout_id" => owned(self.payout.as_ref().map(|(id, _)| id.as_str())),
            "automatic_payout_effective_at" => {
                self.payout.as_ref().map_or_else(String::new, |(_, at)| time(*at))
            }
            "charge_created" | "payout_reversed_at" | "payout_expected_arrival_date" => {
                let at = self.links.get(name).and_then(Value::as_i64);
                at.map_or_else(String::new, |at| time(Timestamp(at)))
            }
            _ => self.linked(name),
        })
    }

    /// Whether a cardholder sees this movement too.
    fn is_seen_by_customers(&self) -> bool {
        let category = self.transaction.kind.reporting_category();
        ["charge", "refund", "dispute"].iter().any(|seen| category.starts_with(seen))
    }

    /// What another object says.
    fn linked(&self, name: &str) -> String {
        let found = match (address(name), metadata(name)) {
            (Some((whole, part)), _) | (_, Some((whole, part))) => {
                self.links.get(whole).and_then(|whole| whole.get(part))
            }
            _ => self.links.get(name),
        };
        found.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Whether it is an automatic payout itself, which carries others and is not carried.
    pub fn is_carrier(&self) -> bool {
        self.transaction.kind == Kind::AutomaticPayout
    }
}

/// A moment as `2026-01-31 23:59:59`.
pub fn date_time(at: Timestamp) -> String {
    chrono::DateTime::from_timestamp(at.seconds(), 0)
        .map_or_else(|| at.seconds().to_string(), |at| format!("{} {}", at.date_naive(), at.time()))
}

/// A moment's day, as `2026-01-31`.
pub(super) fn date(at: Timestamp) -> String {
    date_time(at).split(' ').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::money::{Currency, SignedAmount};

    /// A charge of the first second of 2026, in minor units.
    fn line(currency: &str, amount: i64, fee: i64) -> Line {
        let units = |minor| SignedAmount::new(minor).expect("small");
        Line {
            sequence: 1,
            transaction: BalanceTransaction {
                id: BalanceTransaction::id_of("cause"),
                created: Timestamp(1_767_225_600),
                kind: Kind::Charge,
                currency: Currency::parse(currency).expect("known"),
                amount: units(amount),
                fee: units(fee),
                available_on: Timestamp(1_767_398_400),
                source: Some("ch_1".to_owned()),
                details: Default::default(),
            },
            payout: None,
            links: json!({
                "charge_created": 1_767_225_599,
                "card_address": {"line1": "1 Main St", "line2": null},
                "payment_metadata": {"order": "7"},
                "card_brand": "visa",
            }),
        }
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        let cases = [
            ("usd", 1099, 62, ["10.99", "0.62", "10.37"]),
            ("usd", -5, 0, ["-0.05", "0.00", "-0.05"]),
            ("jpy", 500, 7, ["500", "7", "493"]),
            ("kwd", 1_500, 40, ["1.500", "0.040", "1.460"]),
            ("kwd", -10, 0, ["-0.010", "0.000", "-0.010"]),
        ];
        for (currency, amount, fee, expected) in cases {
            let line = line(currency, amount, fee);
            let cells = ["gross", "fee", "net"].map(|name| line.cell(name, &|_| 0).expect("small"));
            assert_eq!(cells, expected, "{currency}");
        }
    }

    #[test]
    fn moments_are_told_in_the_time_zone_unless_they_are_utc() {
        let line = line("usd", 100, 0);
        let cell = |name| line.cell(name, &|_| -5 * 3600).expect("small");
        assert_eq!(cell("created"), "2025-12-31 19:00:00");
        assert_eq!(cell("created_utc"), "2026-01-01 00:00:00");
        assert_eq!(cell("available_on"), "2026-01-02 19:00:00");
        assert_eq!(cell("charge_created_utc"), "2025-12-31 23:59:59");
        assert_eq!(cell("automatic_payout_effective_at"), "");
    }

    #[test]
    fn what_other_objects_say_is_found_by_the_name_of_the_column() {
        let line = line("usd", 100, 0);
        let cell = |name| line.cell(name, &|_| 0).expect("small");
        let expected = [
            ("card_address_line1", "1 Main St"),
            ("card_address_line2", ""),
            ("customer_address_line1", ""),
            ("payment_metadata[order]", "7"),
            ("payment_metadata[other]", ""),
            ("card_brand", "visa"),
            ("invoice_id", ""),
        ];
        for (name, text) in expected {
            assert_eq!(cell(name), text, "{name}");
        }
    }
}
