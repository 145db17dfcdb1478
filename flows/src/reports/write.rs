//! What a run writes of each transaction that it reads.

use domain::money::AmountOutOfRange;
use domain::report::{
    Clock, Line, Parameters, Progress, ReportType, Shape, Subject, balance_records, record,
    summary_records,
};
use domain::timestamp::Timestamp;

/// A run's report, and what was asked of it.
pub(super) struct Writer<'w> {
    pub report: &'static ReportType,
    pub parameters: &'w Parameters,
    pub columns: Vec<String>,
    pub clock: Clock<'w>,
}

impl Writer<'_> {
    /// Writes the names of the columns.
    pub fn head(&self, out: &mut Vec<u8>) {
        record(&self.columns, out);
    }

    /// Takes a transaction in: as a line, or into the sums.
    ///
    /// # Errors
    /// When a sum leaves the range of amounts.
    pub fn take(
        &self,
        line: &Line,
        progress: &mut Progress,
        out: &mut Vec<u8>,
    ) -> Result<(), AmountOutOfRange> {
        if !self.is_about(line) {
            return Ok(());
        }
        let category = line.transaction.kind.reporting_category();
        match self.report.shape {
            Shape::Summary => progress.sums.add(category, line),
            Shape::Balance => {
                let end = self.parameters.interval_end.unwrap_or_default();
                match line.balance_category(end, &progress.books) {
                    Some(category) => progress.sums.add(category, line),
                    None => Ok(()),
                }
            }
            Shape::Itemized => {
                let cells = self.columns.iter().map(|column| line.cell(column, self.clock));
                record(&cells.collect::<Result<Vec<_>, _>>()?, out);
                Ok(())
            }
        }
    }

    fn is_about(&self, line: &Line) -> bool {
        let asked = self.parameters;
        let kind = line.transaction.kind;
        if asked.currency.is_some_and(|currency| currency != line.transaction.currency)
            || asked.reporting_category.as_deref().is_some_and(|c| c != kind.reporting_category())
        {
            return false;
        }
        let paid_out_from =
            |from: Timestamp| line.payout.as_ref().is_some_and(|(_, at)| *at >= from);
        match self.report.subject {
            Subject::Balance => true,
            Subject::Activity => !kind.is_payout(),
            Subject::Payouts => kind.is_payout(),
            Subject::PaidOut => paid_out_from(asked.interval_start.unwrap_or_default()),
            Subject::OnePayout => line.payout.as_ref().map(|(id, _)| id) == asked.payout.as_ref(),
            Subject::NotPaidOut => line.payout.is_none() && !line.is_carrier(),
        }
    }

    /// Writes what was summed up.
    ///
    /// # Errors
    /// When a sum leaves the range of amounts.
    pub fn foot(&self, progress: &Progress, out: &mut Vec<u8>) -> Result<(), AmountOutOfRange> {
        let records = match self.report.shape {
            Shape::Itemized => Vec::new(),
            Shape::Summary => summary_records(&progress.sums, &self.columns)?,
            Shape::Balance => balance_records(
                &progress.sums,
                &progress.books,
                self.parameters,
                &self.columns,
                self.clock,
            )?,
        };
        for cells in records {
            record(&cells, out);
        }
        Ok(())
    }
}
