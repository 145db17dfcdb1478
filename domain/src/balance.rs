//! A merchant's balance: what they may have now, and what they may have later.

use std::collections::BTreeMap;

use crate::ledger::AccountKind;
use crate::money::{AmountOutOfRange, Currency, SignedAmount};
use crate::timestamp::Day;

/// What a merchant has in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InCurrency {
    /// The currency.
    pub currency: Currency,
    /// What they may have now: negative where more was given back than taken.
    pub available: SignedAmount,
    /// What they may have later.
    pub pending: SignedAmount,
}

/// Sums a merchant's ledger accounts up, by currency; the merchant's own currency is always there.
///
/// What became available by date counts as available from that moment on, whether or not the ledger has
/// moved it yet: so that a balance and its transactions never disagree.
///
/// # Errors
/// Never for balances in range.
pub fn by_currency(
    own: Currency,
    accounts: impl IntoIterator<Item = (AccountKind, Currency, Day, SignedAmount)>,
    today: Day,
) -> Result<Vec<InCurrency>, AmountOutOfRange> {
    let nothing = |currency| InCurrency {
        currency,
        available: SignedAmount::ZERO,
        pending: SignedAmount::ZERO,
    };
    let mut sums = BTreeMap::new();
    sums.insert(own.code(), nothing(own));
    for (kind, currency, day, balance) in accounts {
        let sum = sums.entry(currency.code()).or_insert_with(|| nothing(currency));
        // What the ledger owes the merchant is a credit.
        match kind {
            AccountKind::Pending if day > today => sum.pending = sum.pending.minus(balance)?,
            AccountKind::Pending | AccountKind::Available => {
                sum.available = sum.available.minus(balance)?;
            }
            _ => {}
        }
    }
    Ok(sums.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_available_by_date_counts_before_the_ledger_moved_it() {
        let usd = Currency::parse("usd").expect("a currency");
        let amount = |minor_units| SignedAmount::new(minor_units).expect("an amount");
        let accounts = [
            (AccountKind::Pending, usd, Day(9), amount(-100)),
            (AccountKind::Pending, usd, Day(10), amount(-20)),
            (AccountKind::Pending, usd, Day(11), amount(-3)),
            (AccountKind::Available, usd, Day(4), amount(50)),
            (AccountKind::DisputeReserve, usd, Day(0), amount(-7_000)),
        ];
        let sums = by_currency(usd, accounts, Day(10)).expect("in range");
        assert_eq!(sums, [InCurrency { currency: usd, available: amount(70), pending: amount(3) }]);
    }
}
