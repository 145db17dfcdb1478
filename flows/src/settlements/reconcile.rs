//! Holding what a processor reported against the books: what was corrected is taken back, each line that waits is judged,
//! payouts are added up, and what the processor left out is looked for.

use domain::connector_account::ConnectorAccount;
use domain::id::ConnectorAccountId;
use domain::ledger::{Processor, Settled};
use domain::money::{Currency, SignedAmount};
use domain::settlement::BreakStatus;
use domain::settlement::{
    Booking, Break, BreakKind, Difference, Kind, Line, Movement, Ours, is_as_converted, judge,
};
use store::settlements::{self, Booked, Kept, Payout};
use store::{DatabaseError, Inconsistent, Row, Rows, Statement, connector_accounts, ledger};

use super::{cause, plan};
use crate::{Context, Failure, Platform};

/// How many lines, payouts or movements one batch is about.
const SLICE: i64 = 25;

/// How many batches one task writes before it plans the next.
const BATCHES: usize = 20;

/// Holds what is reported of an account against the books, or some of it, and plans when it goes on: tomorrow where something
/// differs, since what recovery finds may mend it. What differs is judged again by the task of a new day, and by one that was
/// tried before; one that only goes on would never end.
///
/// # Errors
/// When the database does not answer; it is done again later.
pub async fn reconcile<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    tries: i64,
) -> Result<(), Failure> {
    let found = context.find(connector_accounts::find(&context.scope, id)).await?;
    let Some(account): Option<ConnectorAccount> = found else { return Ok(()) };
    let mut run = Run { context, account };
    for turn in 0..BATCHES {
        if !run.step(turn == 0 && tries > 0).await? {
            return run.rest().await;
        }
    }
    context.batch(vec![plan(context, &run.account.id, context.now.plus(1), 0)]).await?;
    Ok(())
}

/// A run of the work for an account.
struct Run<'a, P> {
    context: &'a Context<'a, P>,
    account: ConnectorAccount,
}

impl<P: Platform> Run<'_, P> {
    fn id(&self) -> &ConnectorAccountId {
        &self.account.id
    }

    /// Does what comes next. Says whether something was left to do.
    async fn step(&mut self, judges_again: bool) -> Result<bool, Failure> {
        let (id, context) = (self.id(), self.context);
        let find = vec![settlements::corrected(id, SLICE), settlements::to_judge(id, SLICE)];
        let results = context.batch(find).await?;
        let corrected: Vec<Booked> = read(results.first())?;
        let waiting: Vec<Kept> = read(results.get(1))?;
        let batch = if !corrected.is_empty() {
            self.take_back(&corrected).await?
        } else if !waiting.is_empty() {
            self.judge(waiting).await?
        } else if judges_again {
            // Nothing is new: what differs waits until then, so that its report is not for ever on its way.
            vec![settlements::judge_again(self.id())]
        } else {
            self.look_over().await?
        };
        if batch.is_empty() {
            return Ok(false);
        }
        match context.batch(batch).await {
            // Somebody else did it, or a report came in between: the next step sees.
            Ok(_) | Err(DatabaseError::Guard(_) | DatabaseError::Exists(_)) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Where something differs, it is judged again tomorrow.
    async fn rest(&self) -> Result<(), Failure> {
        let batch = vec![settlements::close_reported(self.id()), settlements::any_open(self.id())];
        let results = self.context.batch(batch).await?;
        if results.last().and_then(Rows::first).is_some() {
            // However many reports came today, they are judged again by one task.
            let tomorrow = self.context.now.day().plus(1).start();
            self.context.batch(vec![plan(self.context, self.id(), tomorrow, 1)]).await?;
        }
        Ok(())
    }

    /// Takes back what was booked of lines that were corrected, and all that settled the same together with them.
    async fn take_back(&self, corrected: &[Booked]) -> Result<Vec<Statement>, Failure> {
        let results = self.context.batch(vec![settlements::booked_together(corrected)]).await?;
        let together: Vec<Booked> = read(results.first())?;
        let mut batch = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for booked in corrected.iter().chain(&together) {
            if seen.contains(&booked.reference.as_str()) {
                continue;
            }
            seen.push(&booked.reference);
            let cause = cause(self.id(), &booked.reference, booked.bookings);
            let reversal = format!("{cause}:reversed");
            let causes = (cause.as_str(), reversal.as_str());
            batch.extend(settlements::take_back(self.id(), booked, causes, self.context.now));
        }
        Ok(batch)
    }

    async fn judge(&self, waiting: Vec<Kept>) -> Result<Vec<Statement>, Failure> {
        let lines: Vec<_> = waiting.iter().map(|kept| &kept.line).collect();
        let payments: Vec<_> = lines.iter().filter_map(|line| line.payment.as_deref()).collect();
        let find =
            vec![settlements::others(self.id(), &payments), settlements::ours(self.id(), &lines)];
        let results = self.context.batch(find).await?;
        let mut known = Known::read(&results)?;
        let mut open = waiting;
        for other in read::<Kept>(results.first())? {
            if !open.iter().any(|kept| kept.line.reference == other.line.reference) {
                open.push(other);
            }
        }
        let mut batch = Vec::new();
        // What is right by itself is booked first, so that only what is left is added up.
        for _ in 0..2 {
            for kept in open.clone() {
                if open.contains(&kept) {
                    batch.extend(self.judge_one(&kept, &mut open, &mut known)?);
                }
            }
        }
        for kept in &open {
            let verdict = judge(&kept.line, others(&kept.line, &open), known.of(&kept.line), None);
            batch.extend(settlements::leave_open(self.id(), kept));
            batch.extend(self.differ(kept, &verdict.differences));
        }
        Ok(batch)
    }

    /// Books a line, with the others of its payment where it is right only together with them.
    fn judge_one(
        &self,
        kept: &Kept,
        open: &mut Vec<Kept>,
        known: &mut Known,
    ) -> Result<Vec<Statement>, Failure> {
        let line = &kept.line;
        let mut batch = Vec::new();
        if line.kind == Kind::Payout {
            open.retain(|other| other != kept);
            let processor = self.processor(line.currency);
            let paid = processor.paid_out(self.cause(kept), line.net)?;
            batch.extend(ledger::post(self.context.scope.livemode, &paid, self.context.now));
            batch.extend(settlements::book(self.id(), kept, None));
            return Ok(batch);
        }
        let fees = self.account.details.fees.as_ref();
        let verdict = judge(line, others(line, open), known.of(line), fees);
        let Some(Booking { movement, is_of_several }) = verdict.booking else { return Ok(batch) };
        let settles = |other: &Kept| other == kept || is_of_several && is_beside(line, other);
        for kept in open.iter().filter(|other| settles(other)) {
            // Each differs in its own way.
            let own = judge(&kept.line, others(&kept.line, open), known.of(&kept.line), fees);
            batch.extend(self.book(kept, &movement)?);
            batch.extend(self.differ(kept, &own.differences));
        }
        open.retain(|other| !settles(other));
        batch.extend(settlements::settle(self.id(), &movement));
        batch.push(settlements::close_breaks(self.id(), &movement.cause, &[]));
        known.settled(&movement);
        Ok(batch)
    }

    fn cause(&self, kept: &Kept) -> String {
        cause(self.id(), &kept.line.reference, kept.bookings.saturating_add(1))
    }

    fn processor(&self, currency: Currency) -> Processor {
        Processor { name: self.id().as_str().to_owned(), currency }
    }

    fn book(&self, kept: &Kept, movement: &Movement) -> Result<Vec<Statement>, Failure> {
        let owed = self.processor(movement.currency).clearing(movement.day);
        let line = &kept.line;
        let settled = Settled { gross: line.gross, fee: line.fee, net: line.net };
        let cause = self.cause(kept);
        let posted =
            self.processor(line.currency).reported(cause, (owed, line.presented), &settled)?;
        let mut batch = ledger::post(self.context.scope.livemode, &posted, self.context.now);
        batch.extend(settlements::book(self.id(), kept, Some(&movement.cause)));
        Ok(batch)
    }

    /// Notes how a line differs, and that it differs in no other way any more.
    fn differ(&self, kept: &Kept, differences: &[Difference]) -> Vec<Statement> {
        let subject = &kept.line.reference;
        let mut batch = Vec::new();
        for difference in differences {
            let is_of_fee =
                matches!(difference.kind, BreakKind::FeeMismatch | BreakKind::FxRounding);
            let currency =
                if is_of_fee { kept.line.currency } else { kept.line.presented_currency };
            let theirs = format!("{}, line {}", kept.report, kept.line.number);
            let amounts = (difference.expected, Some(difference.found));
            let sides = (difference.ours.clone(), Some(theirs));
            batch.push(self.open_break(difference.kind, subject, sides, amounts, currency));
        }
        let still: Vec<_> = differences.iter().map(|difference| difference.kind.name()).collect();
        batch.push(settlements::close_breaks(self.id(), subject, &still));
        batch
    }

    fn open_break(
        &self,
        kind: BreakKind,
        subject: &str,
        (ours, theirs): (Option<String>, Option<String>),
        (expected, found): (Option<i64>, Option<i64>),
        currency: Currency,
    ) -> Statement {
        let found = Break {
            id: Break::id_of(self.id(), kind, subject),
            livemode: self.context.scope.livemode,
            created: self.context.now,
            connector_account: self.id().clone(),
            kind,
            subject: subject.to_owned(),
            ours,
            theirs,
            currency,
            expected,
            found,
            status: BreakStatus::Open,
            note: None,
        };
        settlements::open_break(&self.context.scope, &found)
    }

    /// Adds payouts up, and looks for what was left out: when no line waits any more.
    async fn look_over(&self) -> Result<Vec<Statement>, Failure> {
        let find =
            vec![settlements::payouts(self.id(), SLICE), settlements::missing(self.id(), SLICE)];
        let results = self.context.batch(find).await?;
        let payouts: Vec<Payout> = read(results.first())?;
        let missing: Vec<Movement> = read(results.get(1))?;
        let mut batch = Vec::new();
        for payout in &payouts {
            batch.extend(settlements::payout_checked(self.id(), payout));
            batch.push(self.add_up(payout));
        }
        for movement in &missing {
            let (ours, amount) =
                (Some(movement.cause.clone()), Some(movement.amount.minor_units()));
            let kind = BreakKind::MissingExternal;
            batch.push(self.open_break(
                kind,
                &movement.cause,
                (ours, None),
                (amount, None),
                movement.currency,
            ));
        }
        Ok(batch)
    }

    /// A payout that no line names, as a manual one, cannot be added up; one that came back paid nothing.
    fn add_up(&self, payout: &Payout) -> Statement {
        let subject = payout.payout.as_str();
        match (payout.carried, payout.paid, Currency::parse(&payout.currency)) {
            (Some(carried), Some(paid), Ok(currency)) if paid != 0 && paid != carried => {
                let theirs = Some(subject.to_owned());
                let amounts = (Some(carried), Some(paid));
                self.open_break(
                    BreakKind::PayoutTotalMismatch,
                    subject,
                    (None, theirs),
                    amounts,
                    currency,
                )
            }
            _ => settlements::close_breaks(self.id(), subject, &[]),
        }
    }
}

/// What our books know of payments, each by the processor's reference of it.
struct Known {
    payments: Vec<(String, Ours)>,
    nothing: Ours,
}

impl Known {
    fn read(results: &[Rows]) -> Result<Self, Failure> {
        let rows = results.get(1).map(|Rows(rows)| rows.as_slice()).unwrap_or_default();
        let mut payments: Vec<(String, Ours)> = Vec::new();
        for row in rows {
            let payment = row.text("payment")?;
            if !payments.iter().any(|(known, _)| known == payment) {
                let attempt = row.optional_text("attempt")?.map(str::to_owned);
                payments.push((payment.to_owned(), Ours { attempt, movements: Vec::new() }));
            }
            let Some((_, ours)) = payments.iter_mut().find(|(known, _)| known == payment) else {
                continue;
            };
            if row.optional_text("cause")?.is_some() {
                let movement = Movement::try_from(row)?;
                if !ours.movements.iter().any(|known| known.cause == movement.cause) {
                    ours.movements.push(movement);
                }
            }
        }
        Ok(Self { payments, nothing: Ours::default() })
    }

    fn of(&self, line: &Line) -> &Ours {
        let is_it = |(payment, _): &&(String, Ours)| Some(payment) == line.payment.as_ref();
        self.payments.iter().find(is_it).map_or(&self.nothing, |(_, ours)| ours)
    }

    /// Two payments may have been made under one key, and both name what was settled.
    fn settled(&mut self, settled: &Movement) {
        for (_, ours) in &mut self.payments {
            for movement in &mut ours.movements {
                movement.is_open &= movement.cause != settled.cause;
            }
        }
    }
}

/// Whether another line of a charge is of the same payment, and may be booked with it.
fn is_beside(line: &Line, other: &Kept) -> bool {
    line.kind == Kind::Charge
        && other.line.kind == Kind::Charge
        && other.line.reference != line.reference
        && other.line.payment == line.payment
        && other.line.presented_currency == line.presented_currency
        && is_as_converted(&other.line)
}

/// What the other lines of a payment add up to that are not booked.
fn others(line: &Line, open: &[Kept]) -> SignedAmount {
    let mut sum = SignedAmount::ZERO;
    for other in open.iter().filter(|other| is_beside(line, other)) {
        // What is out of range is no amount of ours.
        sum = sum.plus(other.line.presented).unwrap_or_default();
    }
    sum
}

fn read<T>(rows: Option<&Rows>) -> Result<Vec<T>, Inconsistent>
where
    T: for<'r> TryFrom<&'r Row, Error = Inconsistent>,
{
    rows.map(|Rows(rows)| rows.as_slice()).unwrap_or_default().iter().map(T::try_from).collect()
}
