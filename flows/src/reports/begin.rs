//! Where a run begins to read, and where it ends.

use std::collections::BTreeMap;

use domain::ledger::AccountKind;
use domain::money::SignedAmount;
use domain::payout::Payout;
use domain::report::{Books, Parameters, Subject};
use domain::timestamp::{Day, Timestamp};
use store::accounts::LONGEST_DELAY;
use store::ledger::{self, Balance};
use store::list::END_OF_TIME;
use store::{Rows, payouts, report_runs};

use crate::{Context, Failure, Platform};

/// From when to when a run reads, and until when payouts count for it.
pub(super) struct Range {
    pub from: Timestamp,
    pub to: Timestamp,
    pub payouts_to: Timestamp,
}

/// Finds that range.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn range<P: Platform>(
    context: &Context<'_, P>,
    subject: Subject,
    parameters: &Parameters,
) -> Result<Range, Failure> {
    let (from, to) = (
        parameters.interval_start.unwrap_or_default(),
        parameters.interval_end.unwrap_or_default(),
    );
    let interval = Range { from, to, payouts_to: to };
    Ok(match subject {
        Subject::Activity | Subject::Payouts => interval,
        // What came later tells what there was at the end.
        Subject::Balance => Range { to: Timestamp(END_OF_TIME), ..interval },
        Subject::NotPaidOut => Range { from: Timestamp(0), ..interval },
        Subject::PaidOut => {
            let scope = &context.scope;
            let found =
                context.batch(vec![report_runs::first_day_carried(scope, from, to)]).await?;
            let first = found.first().and_then(Rows::first);
            let day = first.map(|row| row.optional_integer("day")).transpose()?.flatten();
            Range { from: day.map_or(to, |day| earliest(Day(day))), ..interval }
        }
        Subject::OnePayout => {
            let id = parameters.payout.as_deref().unwrap_or_default();
            let payout: Option<Payout> = context.find(payouts::find(&context.scope, id)).await?;
            let Some((payout, days)) = payout.and_then(|payout| {
                let days = payout.details.covers?;
                Some((payout, days))
            }) else {
                return Err(Failure::Bug(format!("{id} carries nothing")));
            };
            let to = payout.created.plus(1);
            Range { from: earliest(days.from), to, payouts_to: to }
        }
    })
}

/// When money was made at the earliest that became available on a day.
fn earliest(day: Day) -> Timestamp {
    day.plus(i64::from(LONGEST_DELAY).saturating_neg()).start()
}

/// What the books say a merchant has, and the last transaction that is in them: read at one moment.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn books<P: Platform>(context: &Context<'_, P>) -> Result<Books, Failure> {
    let results =
        context.batch(vec![ledger::balances(&context.scope), report_runs::last_line()]).await?;
    let rows = results.first().map(|rows| rows.0.as_slice()).unwrap_or_default();
    let mut balances: BTreeMap<String, SignedAmount> = BTreeMap::new();
    for row in rows {
        let Balance { account, balance } = Balance::try_from(row)?;
        if matches!(account.kind, AccountKind::Pending | AccountKind::Available) {
            let held = balances.entry(account.currency.code().to_owned()).or_default();
            // What is owed to a merchant is a credit.
            *held = held.minus(balance)?;
        }
    }
    let last = results.get(1).and_then(Rows::first).map(|row| row.integer("last")).transpose()?;
    Ok(Books { balances, last: last.unwrap_or_default() })
}
