//! `cargo xtask account`: a merchant with its first test keys, and what an operator sets of one, in a local state or in
//! production.
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use domain::payout_schedule::PayoutSchedule;
use domain::pricing::PricePlan;
use pico_args::Arguments;
use serde_json::{Value, json};
use store::accounts::LONGEST_DELAY;

use crate::{finish, node, setup, state};

/// Runs the task.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let order = match arguments.subcommand()?.as_deref() {
        Some("create") => create(&mut arguments)?,
        Some("update") => update(&mut arguments)?,
        _ => bail!("usage: cargo xtask account create|update; see `cargo xtask help`"),
    };
    let folder: Option<String> = arguments.opt_value_from_str("--state")?;
    let remote = arguments.contains("--remote");
    finish(arguments)?;
    ensure!(!(remote && folder.is_some()), "--state and --remote exclude each other");
    setup::node_packages()?;
    // A script carries it out: it has D1 as workerd keeps it, and wrangler for the remote one.
    let mut command = node::script("account.ts")?;
    command.arg(order.to_string());
    if !remote {
        let makes_one = order["task"] == "create";
        command.arg(if makes_one { state::folder(folder)? } else { state::existing(folder)? });
    }
    Ok(if command.status()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn create(arguments: &mut Arguments) -> Result<Value> {
    let name: String = arguments.value_from_str("--name")?;
    ensure!(!name.trim().is_empty() && !name.contains('\0'), "--name is empty");
    Ok(json!({"task": "create", "name": name}))
}

fn update(arguments: &mut Arguments) -> Result<Value> {
    let account: String = arguments.value_from_str("--account")?;
    let plan: Option<String> = arguments.opt_value_from_str("--price-plan")?;
    let schedule: Option<String> = arguments.opt_value_from_str("--payout-schedule")?;
    let delay: Option<u16> = arguments.opt_value_from_str("--delay-days")?;
    let mut order = json!({"task": "update", "account": account});
    if let Some(plan) = plan {
        order["price_plan"] = price_plan(&plan)?;
    }
    let mut changed = schedule.as_deref().map(payout_schedule).transpose()?;
    if let Some(days) = delay {
        ensure!(days <= LONGEST_DELAY, "--delay-days is at most {LONGEST_DELAY}");
        changed.get_or_insert_with(|| json!({}))["delay_days"] = json!(days);
    }
    if let Some(changed) = changed {
        order["settings"] = json!({"payout_schedule": changed});
    }
    Ok(order)
}

/// A price plan as JSON, or in the file that is named after an `@`; its version is the next one.
fn price_plan(given: &str) -> Result<Value> {
    let text = match given.strip_prefix('@') {
        Some(file) => fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?,
        None => given.to_owned(),
    };
    let mut plan: Value = serde_json::from_str(&text).context("--price-plan is no JSON")?;
    ensure!(plan.is_object(), "--price-plan is no JSON object");
    ensure!(plan.get("version").is_none(), "--price-plan has a version, which is the next one");
    plan["version"] = json!(1);
    let read: PricePlan =
        serde_json::from_value(plan.clone()).context("--price-plan is no price plan")?;
    read.check().map_err(anyhow::Error::msg).context("--price-plan cannot be meant so")?;
    Ok(plan)
}

/// `manual`, `daily`, `weekly:friday` or `monthly:31`. What the delay was stays.
fn payout_schedule(given: &str) -> Result<Value> {
    let (interval, anchor) = given.split_once(':').unwrap_or((given, ""));
    let schedule = match (interval, anchor) {
        ("manual" | "daily", "") => json!({"interval": interval}),
        ("weekly", day) => json!({"interval": interval, "weekly_anchor": day}),
        ("monthly", day) => {
            let day: u8 = day.parse().context("--payout-schedule monthly:DAY")?;
            ensure!((1..=31).contains(&day), "--payout-schedule monthly:DAY, from 1 to 31");
            json!({"interval": interval, "monthly_anchor": day})
        }
        _ => bail!("--payout-schedule is manual, daily, weekly:DAY or monthly:DAY"),
    };
    serde_json::from_value::<PayoutSchedule>(schedule.clone())
        .context("--payout-schedule weekly:DAY, as friday")?;
    Ok(schedule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_schedules_that_the_worker_can_read_are_given() {
        for good in ["manual", "daily", "weekly:friday", "monthly:1", "monthly:31"] {
            assert!(payout_schedule(good).is_ok(), "{good}");
        }
        for bad in
            ["", "hourly", "daily:1", "weekly", "weekly:5", "monthly", "monthly:0", "monthly:32"]
        {
            assert!(payout_schedule(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_plan_of_which_something_would_be_ignored_is_refused() {
        for bad in [
            r#"{"basis_points": 20000}"#,
            r#"{"basis_points": 1, "version": 7}"#,
            r#"{"basis_points": 1, "fixed": {"USD": 30}}"#,
            r#"{"basis_points": 1, "minimum": {"USD": 500}}"#,
            r#"{"basis_points": 1, "dispute": {"xyz": 500}}"#,
            r#"{"basis_points": 1, "fixed": {"": 30}}"#,
            r#"{"basis_points": 1, "fixed": {"usd": -30}}"#,
            r#"{"basis_points": 1, "fixed": {"usd": 100000000}}"#,
            r#"{"basis_points": 1, "fixed": {"usd": 30.5}}"#,
            r#"{"basis_points": 1, "on_refund": "sometimes"}"#,
        ] {
            assert!(price_plan(bad).is_err(), "{bad}");
        }
        let most = r#"{"basis_points": 10000, "fixed": {"usd": 99999999, "jpy": 0}}"#;
        assert!(price_plan(most).is_ok());
    }

    #[test]
    fn only_plans_that_the_worker_can_read_are_given() {
        let good = r#"{"basis_points": 150, "fixed": {"usd": 10}, "on_refund": "returned"}"#;
        assert_eq!(price_plan(good).expect("a plan")["version"], 1);
        for bad in
            ["", "5", "[]", "{}", r#"{"basis_points": -1}"#, r#"{"basis_points": 1, "free": true}"#]
        {
            assert!(price_plan(bad).is_err(), "{bad}");
        }
    }
}
