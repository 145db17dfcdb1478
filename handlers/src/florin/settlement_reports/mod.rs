//! `/v1/florin/settlement_reports`.

pub mod create;
pub mod list;
pub mod retrieve;

use domain::resource::settlement::SettlementReportResource;
use domain::resource::{Json, json};
use domain::settlement::SettlementReport;

fn show(report: &SettlementReport) -> Json {
    json(&SettlementReportResource::from(report))
}
