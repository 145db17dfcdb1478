//! Reading a report: comma-separated values with Stripe's columns of an itemized report, in any order.
//! <https://docs.stripe.com/reports/report-types>

use csv_core::{ReadRecordResult, Reader};

use super::{Kind, Line};
use crate::money::{Currency, SignedAmount};
use crate::timestamp::Timestamp;

/// A file that is no report, or not all of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct Unreadable {
    /// The line that cannot be read, from 1.
    pub line: i64,
    /// Why.
    pub problem: String,
}

/// Reads all lines of a report, or none.
///
/// # Errors
/// When a column is missing, or a line cannot be read: half a report would look like missing money.
pub fn read(file: &[u8]) -> Result<Vec<Line>, Unreadable> {
    // What spreadsheets write first says nothing.
    let mut rows = Rows::new(file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file));
    let columns = rows.next().ok_or_else(|| rows.unreadable("it is empty"))??;
    // Its last field may have been longer.
    if !file.ends_with(b"\n") {
        return Err(rows.unreadable("the file was cut off: it does not end with a line break"));
    }
    let mut lines = Vec::new();
    while let Some(fields) = rows.next() {
        let (number, fields) = (rows.line, fields?);
        let at = |problem: String| Unreadable { line: number, problem };
        if fields.len() != columns.len() {
            let (wanted, found) = (columns.len(), fields.len());
            return Err(at(format!("it has {found} fields, and the first line {wanted}")));
        }
        lines.push(Fields { columns: &columns, fields: &fields }.line(number).map_err(at)?);
    }
    Ok(lines)
}

/// The rows of a file, as RFC 4180 has them.
struct Rows<'a> {
    rest: &'a [u8],
    reader: Reader,
    /// The line on which the last row ended.
    line: i64,
    /// A row's fields, one after the other. None is larger than the file, so that one call reads a whole row.
    bytes: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
}

impl<'a> Rows<'a> {
    fn new(file: &'a [u8]) -> Self {
        let (bytes, ends) = (vec![0; file.len()], vec![0; file.len()]);
        Self { rest: file, reader: Reader::new(), line: 0, bytes, ends }
    }

    fn unreadable(&self, problem: &str) -> Unreadable {
        Unreadable { line: self.line, problem: problem.to_owned() }
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Vec<String>, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.trim_ascii().is_empty() {
            return None;
        }
        let (bytes, ends) = (&mut self.bytes, &mut self.ends);
        let (result, read, _, count) = self.reader.read_record(self.rest, bytes, ends);
        self.rest = self.rest.get(read..).unwrap_or_default();
        self.line = i64::try_from(self.reader.line()).unwrap_or(i64::MAX).saturating_sub(1);
        if result != ReadRecordResult::Record {
            self.rest = &[];
            return Some(Err(self.unreadable("the file was cut off in the middle of a field")));
        }
        let mut start = 0;
        let mut fields = Vec::with_capacity(count);
        for end in self.ends.iter().copied().take(count) {
            let field = std::str::from_utf8(self.bytes.get(start..end).unwrap_or_default());
            let Ok(field) = field else { return Some(Err(self.unreadable("it is not UTF-8"))) };
            fields.push(field.trim().to_owned());
            start = end;
        }
        Some(Ok(fields))
    }
}

/// One line's fields, by their columns.
struct Fields<'a> {
    columns: &'a [String],
    fields: &'a [String],
}

impl Fields<'_> {
    fn optional(&self, column: &str) -> Option<&str> {
        let place = self.columns.iter().position(|name| name == column)?;
        self.fields.get(place).map(String::as_str).filter(|field| !field.is_empty())
    }

    fn required(&self, column: &str) -> Result<&str, String> {
        self.optional(column).ok_or_else(|| format!("it says nothing of `{column}`"))
    }

    fn either<'s>(&'s self, columns: &[&str]) -> Option<&'s str> {
        columns.iter().find_map(|column| self.optional(column))
    }

    fn line(&self, number: i64) -> Result<Line, String> {
        let text = |field: Option<&str>| field.map(str::to_owned);
        let currency = currency(self.required("currency")?)?;
        let amount = |column| units(self.required(column)?, currency);
        let (gross, fee, net) = (amount("gross")?, amount("fee")?, amount("net")?);
        if gross.minus(fee) != Ok(net) {
            return Err("`gross` less `fee` is not `net`".to_owned());
        }
        let (presented, presented_currency) = match self.optional("customer_facing_amount") {
            Some(amount) => {
                let currency = self::currency(self.required("customer_facing_currency")?)?;
                (signed_as(units(amount, currency)?, gross), currency)
            }
            None => (gross, currency),
        };
        if currency == presented_currency && gross != presented {
            return Err("`customer_facing_amount` is not `gross`, in the same currency".to_owned());
        }
        let kind = Kind::of_category(self.required("reporting_category")?);
        // One that was asked for carries nothing that could be told.
        let itself = self.optional("source_id").filter(|_| kind == Kind::Payout);
        let mut line = Line {
            reference: self.required("balance_transaction_id")?.to_owned(),
            number,
            kind,
            source: text(self.optional("source_id")),
            payment: text(self.either(&["payment_intent_id", "charge_id"])),
            key: text(
                self.either(&["refund_metadata[florin_key]", "payment_metadata[florin_key]"]),
            ),
            currency,
            gross,
            fee,
            net,
            presented,
            presented_currency,
            exchange_rate: text(self.optional("exchange_rate")),
            payout: text(self.optional("automatic_payout_id").or(itself)),
            created: {
                let text = self.either(&["created_utc", "created"]);
                let text = text.ok_or("it does not say when it moved")?;
                Timestamp::from_text(text).ok_or_else(|| format!("{text} is no time"))?
            },
            content: String::new(),
        };
        line.content = line.digest();
        Ok(line)
    }
}

/// What a cardholder paid or got is said without a sign by some reports.
fn signed_as(amount: SignedAmount, gross: SignedAmount) -> SignedAmount {
    match (amount.minor_units() < 0) == (gross.minor_units() < 0) {
        true => amount,
        false => amount.negated(),
    }
}

fn currency(code: &str) -> Result<Currency, String> {
    Currency::parse(&code.to_ascii_lowercase()).map_err(|error| error.to_string())
}

/// Reads major units, as `-12.50`, exactly.
fn units(text: &str, currency: Currency) -> Result<SignedAmount, String> {
    let wrong = || format!("{text} is no amount of {currency}");
    let (is_negative, plain) = match text.strip_prefix('-') {
        Some(plain) => (true, plain),
        None => (false, text),
    };
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let width = currency.exponent() as usize;
    let (fraction, rest) = match fraction.split_at_checked(width) {
        Some((fraction, rest)) => (fraction, rest),
        None => (fraction, ""),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty()
        || !digits(whole)
        || !digits(fraction)
        || rest.bytes().any(|byte| byte != b'0')
    {
        return Err(wrong());
    }
    let minor_units: i64 = format!("{whole}{fraction:0<width$}").parse().map_err(|_| wrong())?;
    let amount = SignedAmount::new(minor_units).map_err(|_| wrong())?;
    Ok(if is_negative { amount.negated() } else { amount })
}
