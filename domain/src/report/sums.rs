//! What a report sums up, by currency and by category.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::line::date;
use super::{Clock, Line, Parameters, major_units};
use crate::money::{AmountOutOfRange, Currency, SignedAmount};
use crate::timestamp::Timestamp;

/// Transactions, counted and added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sum {
    /// How many.
    pub count: i64,
    /// What came or went, before fees.
    pub gross: SignedAmount,
    /// What was paid for it.
    pub fee: SignedAmount,
}

impl Sum {
    fn plus(self, other: Self) -> Result<Self, AmountOutOfRange> {
        Ok(Self {
            count: self.count.saturating_add(other.count),
            gross: self.gross.plus(other.gross)?,
            fee: self.fee.plus(other.fee)?,
        })
    }

    fn net(self) -> Result<SignedAmount, AmountOutOfRange> {
        self.gross.minus(self.fee)
    }
}

/// Sums by currency, then by category.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sums(BTreeMap<String, BTreeMap<String, Sum>>);

impl Sums {
    /// Adds a transaction under a category.
    ///
    /// # Errors
    /// When a sum leaves the range of amounts.
    pub fn add(&mut self, category: &str, line: &Line) -> Result<(), AmountOutOfRange> {
        let transaction = &line.transaction;
        let one = Sum { count: 1, gross: transaction.amount, fee: transaction.fee };
        let categories = self.0.entry(transaction.currency.code().to_owned()).or_default();
        let sum = categories.entry(category.to_owned()).or_default();
        *sum = sum.plus(one)?;
        Ok(())
    }

    fn of(&self, currency: Currency, category: &str) -> Sum {
        self.0.get(currency.code()).and_then(|sums| sums.get(category)).copied().unwrap_or_default()
    }
}

/// What the books said a merchant had when a run began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Books {
    /// By currency.
    pub balances: BTreeMap<String, SignedAmount>,
    /// The sequence of the last transaction that was in them.
    pub last: i64,
}

/// The lines of a summary, by the names of its columns: each category of each currency, and its total.
///
/// # Errors
/// When a sum leaves the range of amounts.
pub fn summary_records(
    sums: &Sums,
    columns: &[String],
) -> Result<Vec<Vec<String>>, AmountOutOfRange> {
    let mut records = Vec::new();
    for (currency, categories) in &sums.0 {
        let Ok(currency) = Currency::parse(currency) else { continue };
        let mut total = Sum::default();
        for (category, sum) in categories {
            records.push(summary_record(category, currency, *sum, columns)?);
            total = total.plus(*sum)?;
        }
        records.push(summary_record("total", currency, total, columns)?);
    }
    Ok(records)
}

fn summary_record(
    category: &str,
    currency: Currency,
    sum: Sum,
    columns: &[String],
) -> Result<Vec<String>, AmountOutOfRange> {
    let net = sum.net()?;
    let cell = |column: &String| match column.as_str() {
        "reporting_category" => category.to_owned(),
        "currency" => currency.code().to_owned(),
        "count" => sum.count.to_string(),
        "gross" => major_units(sum.gross, currency),
        "fee" => major_units(sum.fee, currency),
        _ => major_units(net, currency),
    };
    Ok(columns.iter().map(cell).collect())
}

/// What a balance summary adds the transactions of its interval up under.
const ACTIVITY: &str = "activity";

/// The same for payouts.
const PAYOUTS: &str = "payouts";

/// The same for what came after the interval.
const LATER: &str = "later";

impl Line {
    /// What a balance summary adds it up under; nothing where the books that the run began with had not
    /// seen it.
    pub fn balance_category(&self, end: Timestamp, books: &Books) -> Option<&'static str> {
        let seen = self.sequence <= books.last;
        seen.then_some(match self.transaction.kind.is_payout() {
            _ if self.transaction.created >= end => LATER,
            true => PAYOUTS,
            false => ACTIVITY,
        })
    }
}

/// The lines of a balance summary, by the names of its columns: for each currency what there was at first,
/// what came and went, and what there was at last.
///
/// # Errors
/// When a sum leaves the range of amounts.
pub fn balance_records(
    sums: &Sums,
    books: &Books,
    parameters: &Parameters,
    columns: &[String],
    clock: Clock<'_>,
) -> Result<Vec<Vec<String>>, AmountOutOfRange> {
    let day = |at: Option<Timestamp>| {
        let at = at.unwrap_or_default();
        date(at.plus(clock(at)))
    };
    // The end is exclusive: a month ends on its last day.
    let last_moment = parameters.interval_end.map(|end| end.plus(-1));
    let days = [day(parameters.interval_start), day(last_moment)];
    let known = books.balances.keys().chain(sums.0.keys()).map(String::as_str);
    let mut codes = BTreeSet::new();
    match parameters.currency {
        Some(currency) => {
            codes.insert(currency.code());
        }
        None => codes.extend(known),
    }
    let mut records = Vec::new();
    for code in codes {
        let Ok(currency) = Currency::parse(code) else { continue };
        for (category, description, amount) in balance_lines(sums, books, currency, &days)? {
            let cell = |column: &String| match column.as_str() {
                "category" => category.to_owned(),
                "description" => description.clone(),
                "currency" => code.to_owned(),
                _ => major_units(amount, currency),
            };
            records.push(columns.iter().map(cell).collect());
        }
    }
    Ok(records)
}

/// The last balance is what the books hold without what came later, and the first is what is then missing.
fn balance_lines(
    sums: &Sums,
    books: &Books,
    currency: Currency,
    [first_day, last_day]: &[String; 2],
) -> Result<[(&'static str, String, SignedAmount); 8], AmountOutOfRange> {
    let (activity, payouts) = (sums.of(currency, ACTIVITY), sums.of(currency, PAYOUTS));
    let held = books.balances.get(currency.code()).copied().unwrap_or_default();
    let ending = held.minus(sums.of(currency, LATER).net()?)?;
    let starting = ending.minus(activity.net()?)?.minus(payouts.net()?)?;
    Ok([
        ("starting_balance", format!("Starting balance ({first_day})"), starting),
        ("activity_gross", "Account activity before fees".to_owned(), activity.gross),
        ("activity_fee", "Less fees".to_owned(), activity.fee.negated()),
        ("activity", "Activity".to_owned(), activity.net()?),
        ("payouts_gross", "Payouts to bank".to_owned(), payouts.gross),
        ("payouts_fee", "Payout fees".to_owned(), payouts.fee.negated()),
        ("payouts", "Total payouts".to_owned(), payouts.net()?),
        ("ending_balance", format!("Ending balance ({last_day})"), ending),
    ])
}
