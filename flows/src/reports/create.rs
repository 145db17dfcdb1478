//! Asking for a report.

use domain::ApiError;
use domain::id::ReportRunId;
use domain::report::{self, Details, Parameters, ReportRun, ReportType, Status, Subject};
use domain::timestamp::Timestamp;
use store::scheduled_tasks::{self, Kind, Task};
use store::{DatabaseError, Statement, report_runs};

use crate::{Context, Failure, Platform, payouts};

/// Asks for a report of an account that was made then. The parameters are right for the report on their
/// own.
///
/// # Errors
/// When the interval is not available, the time zone is unknown, or the payout is none that carries.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    report: &ReportType,
    parameters: &Parameters,
    account_created: Timestamp,
) -> Result<ReportRun, Failure> {
    let id: ReportRunId = context.ids.derive("report_run");
    if context.resumes
        && let Some(run) = context.find(report_runs::find(&context.scope, id.as_str())).await?
    {
        return Ok(as_made(run));
    }
    check_interval(report, parameters, report::available(account_created, context.now))?;
    check_time_zone(context, parameters)?;
    if let (Subject::OnePayout, Some(payout)) = (report.subject, &parameters.payout) {
        payouts::find_carrier(context, payout).await?;
    }
    let run = ReportRun {
        id,
        livemode: context.scope.livemode,
        created: context.now,
        version: 1,
        report_type: report.id.to_owned(),
        status: Status::Pending,
        details: Details {
            parameters: parameters.clone(),
            origin: context.origin.clone(),
            ..Details::default()
        },
    };
    let batch = vec![report_runs::insert(&context.scope, &run), plan(context, &run, context.now)];
    match context.batch(batch).await {
        Ok(_) => Ok(run),
        // An earlier run of this request was still under way.
        Err(DatabaseError::Exists(_)) => super::find(context, run.id.as_str()).await.map(as_made),
        Err(error) => Err(error.into()),
    }
}

/// A run as it was asked for, however far it has come since: a request that died is answered as it would
/// have been.
fn as_made(run: ReportRun) -> ReportRun {
    let Details { parameters, origin, .. } = run.details;
    let details = Details { parameters, origin, ..Details::default() };
    ReportRun { status: Status::Pending, details, ..run }
}

/// The statement that plans the next step of a run.
pub(super) fn plan<P: Platform>(
    context: &Context<'_, P>,
    run: &ReportRun,
    due_at: Timestamp,
) -> Statement {
    context.platform.wake(due_at);
    scheduled_tasks::insert(&Task {
        due_at,
        kind: Kind::RunReport,
        subject: run.id.as_str().to_owned(),
        scope: context.scope.clone(),
        tries: 0,
    })
}

fn check_interval(
    report: &ReportType,
    parameters: &Parameters,
    (from, to): (Timestamp, Timestamp),
) -> Result<(), ApiError> {
    let (start, end) = (parameters.interval_start, parameters.interval_end);
    // Stripe spells these with a dot (<https://github.com/stripe/stripe-cli/issues/957>).
    let refused = |param: &str, message: String| {
        Err(ApiError::ParameterInvalid { param: format!("parameters.{param}"), message })
    };
    let outside = |bound: &str, at: Timestamp, param: &str, asked: Timestamp| {
        let message = format!(
            "Data for the report type {} is only available {bound} {} UTC; you requested \
             `{param}` = {} UTC.",
            report.id,
            report::date_time(at),
            report::date_time(asked)
        );
        refused(param, message)
    };
    if let Some(start) = start.filter(|start| *start < from) {
        return outside("starting at", from, "interval_start", start);
    }
    if let Some(end) = end.filter(|end| *end > to) {
        return outside("through", to, "interval_end", end);
    }
    if start.zip(end).is_some_and(|(start, end)| start >= end) {
        return refused(
            "interval_end",
            "`interval_end` must be later than `interval_start`.".to_owned(),
        );
    }
    Ok(())
}

fn check_time_zone<P: Platform>(
    context: &Context<'_, P>,
    parameters: &Parameters,
) -> Result<(), ApiError> {
    // Names begin so, and offsets like `+01:00`, which some platforms take for zones, do not.
    let is_name = |zone: &str| zone.starts_with(|first: char| first.is_ascii_uppercase());
    let is_known =
        |zone: &str| is_name(zone) && context.platform.utc_offset(zone, context.now).is_some();
    match &parameters.timezone {
        Some(zone) if !is_known(zone) => Err(ApiError::ParameterInvalid {
            param: "parameters[timezone]".to_owned(),
            message: format!(
                "Invalid parameters[timezone]: must be a name of the IANA Time Zone Database; \
                     got {zone}"
            ),
        }),
        _ => Ok(()),
    }
}
