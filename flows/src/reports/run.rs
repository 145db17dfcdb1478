//! Writing a report: each step reads some slices, keeps what it wrote as one object, and notes how far it
//! has come in the batch that plans the next step, so that a step that died is done again from where it
//! began.

use domain::event::Transition;
use domain::report::{Line, ReportRun, ReportType, Shape, Status};
use domain::timestamp::Timestamp;
use store::report_runs::{self, Depth};
use store::{DatabaseError, Statement, files};

use super::begin::{self, Range};
use super::create::plan;
use super::write::Writer;
use crate::announce::{Subjects, events};
use crate::{Context, Failure, Platform};

/// How many slices one step reads.
const SLICES: usize = 25;

/// How many bytes end a step before that.
const LARGEST_PART: usize = 4_000_000;

/// How often a step is tried before its run fails: a third of an hour, by the heartbeat's pauses.
const MAX_TRIES: i64 = 8;

/// Does the next step of a run that was tried in vain so often.
///
/// # Errors
/// When the database or the bucket does not answer; the step is done again later.
pub async fn run<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    tries: i64,
) -> Result<(), Failure> {
    let found = context.find(report_runs::find(&context.scope, id)).await?;
    let Some(mut run): Option<ReportRun> = found else { return Ok(()) };
    if run.status != Status::Pending {
        return Ok(());
    }
    let batch = match ReportType::find(&run.report_type).filter(|_| tries < MAX_TRIES) {
        Some(report) => step(context, &mut run, report).await?,
        None => failed(context, &mut run),
    };
    match context.batch(batch).await {
        // Another runner did this step.
        Ok(_) | Err(DatabaseError::Guard(_) | DatabaseError::Exists(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Reads and writes on; the batch that notes it.
async fn step<P: Platform>(
    context: &Context<'_, P>,
    run: &mut ReportRun,
    report: &'static ReportType,
) -> Result<Vec<Statement>, Failure> {
    let parameters = run.details.parameters.clone();
    let columns = report.columns.iter().map(|column| (*column).to_owned());
    let zone = parameters.timezone.as_deref();
    let offset = |at: Timestamp| {
        zone.and_then(|zone| context.platform.utc_offset(zone, at)).unwrap_or_default()
    };
    let writer = Writer {
        report,
        columns: parameters.columns.clone().unwrap_or_else(|| columns.collect()),
        parameters: &parameters,
        clock: &offset,
    };
    let range = begin::range(context, report.subject, &parameters).await?;
    let mut out = Vec::new();
    if run.details.progress.after.is_none() {
        if report.shape == Shape::Balance {
            run.details.progress.books = begin::books(context).await?;
        }
        writer.head(&mut out);
    }
    let is_done = read(context, run, &writer, &range, &mut out).await?;
    if is_done {
        writer.foot(&run.details.progress, &mut out)?;
    }
    keep(context, run, out).await?;
    Ok(if is_done { succeeded(context, run) } else { goes_on(context, run) })
}

/// Reads slices until the step is full. Says whether there are no more.
async fn read<P: Platform>(
    context: &Context<'_, P>,
    run: &mut ReportRun,
    writer: &Writer<'_>,
    range: &Range,
    out: &mut Vec<u8>,
) -> Result<bool, Failure> {
    let depth = match writer.report {
        report if report.needs_links(&writer.columns) => Depth::Links,
        report if report.needs_payouts() => Depth::Payout,
        _ => Depth::Own,
    };
    let progress = &mut run.details.progress;
    for _ in 0..SLICES {
        let after = progress.after.unwrap_or((range.from, -1));
        let slice = report_runs::lines(&context.scope, depth, after, range.to, range.payouts_to);
        let results = context.batch(vec![slice]).await?;
        let rows = results.first().map(|rows| rows.0.as_slice()).unwrap_or_default();
        for row in rows {
            let line = Line::try_from(row)?;
            progress.after = Some((line.transaction.created, line.sequence));
            writer.take(&line, progress, out)?;
        }
        if i64::try_from(rows.len()).unwrap_or(i64::MAX) < depth.lines() {
            return Ok(true);
        }
        if out.len() >= LARGEST_PART {
            break;
        }
    }
    Ok(false)
}

/// Keeps what a step wrote in the bucket.
async fn keep<P: Platform>(
    context: &Context<'_, P>,
    run: &mut ReportRun,
    out: Vec<u8>,
) -> Result<(), Failure> {
    if out.is_empty() {
        return Ok(());
    }
    let name = run.part_name(context.scope.account.as_str(), &out);
    let size = i64::try_from(out.len()).unwrap_or(i64::MAX);
    context.platform.put_file(&name, out).await?;
    let progress = &mut run.details.progress;
    progress.parts.push(name);
    progress.size = progress.size.saturating_add(size);
    Ok(())
}

fn goes_on<P: Platform>(context: &Context<'_, P>, run: &mut ReportRun) -> Vec<Statement> {
    let mut batch = report_runs::update(run).to_vec();
    // Not in the second of this step's own task, whose end would strike both off.
    batch.push(plan(context, run, context.now.plus(1)));
    batch
}

fn succeeded<P: Platform>(context: &Context<'_, P>, run: &mut ReportRun) -> Vec<Statement> {
    let file = run.file(context.now);
    run.status = Status::Succeeded;
    run.details.succeeded_at = Some(context.now);
    run.details.result = Some(file.clone());
    let progress = std::mem::take(&mut run.details.progress);
    let mut batch = report_runs::update(run).to_vec();
    batch.push(files::insert(&context.scope, &file, &progress.parts));
    batch.extend(told(context, Transition::ReportRunSucceeded, run));
    batch
}

fn failed<P: Platform>(context: &Context<'_, P>, run: &mut ReportRun) -> Vec<Statement> {
    run.status = Status::Failed;
    run.details.error = Some(
        "The report could not be written. Create another report run, and contact whoever runs \
         this deployment if that fails too."
            .to_owned(),
    );
    let mut batch = report_runs::update(run).to_vec();
    batch.extend(told(context, Transition::ReportRunFailed, run));
    batch
}

fn told<P: Platform>(
    context: &Context<'_, P>,
    transition: Transition,
    run: &ReportRun,
) -> Vec<Statement> {
    let subjects = Subjects { report_run: Some(run), ..Subjects::default() };
    events(context, transition, subjects, None)
}
