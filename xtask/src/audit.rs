//! `cargo xtask audit`: recomputes the books from the entries and the objects, and says what does not hold.
use std::io::Write;
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, ensure};
use pico_args::Arguments;
use serde_json::{Value, json};
use store::audit::{CHECKS, Check};

use crate::{children, finish, node, setup, state};

/// Runs the task; its exit code is 1 where something does not hold.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let folder: Option<String> = arguments.opt_value_from_str("--state")?;
    let as_json = arguments.contains("--json");
    finish(arguments)?;
    setup::node_packages()?;
    let findings = findings(&state::folder(folder)?)?;
    let holds = findings.iter().all(Vec::is_empty);
    if as_json {
        println!("{}", report(&findings, holds));
    } else {
        print!("{}", text(&findings));
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What each check finds. A script runs them, which has D1 as workerd keeps it.
fn findings(folder: &std::path::Path) -> Result<Vec<Vec<Value>>> {
    let mut command = node::script("audit.ts")?;
    command.arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = children::spawn(&mut command)?;
    let statements: Vec<_> = CHECKS.iter().map(|check| check.sql).collect();
    let mut input = running.child.stdin.take().context("no input to write to")?;
    input.write_all(json!(statements).to_string().as_bytes())?;
    drop(input);
    let output = running.child.stdout.take().context("no output to read")?;
    let findings: Vec<Vec<Value>> =
        serde_json::from_reader(output).context("the database could not be read")?;
    ensure!(running.child.wait()?.success(), "the database could not be read");
    ensure!(findings.len() == CHECKS.len(), "not every check was run");
    Ok(findings)
}

fn report(findings: &[Vec<Value>], holds: bool) -> Value {
    let check = |(check, findings): (&Check, &Vec<Value>)| json!({ "name": check.name, "holds": findings.is_empty(), "findings": findings });
    let checks: Vec<_> = CHECKS.iter().zip(findings).map(check).collect();
    json!({ "holds": holds, "checks": checks })
}

fn text(findings: &[Vec<Value>]) -> String {
    let mut lines = Vec::new();
    for (check, findings) in CHECKS.iter().zip(findings) {
        let mark = if findings.is_empty() { "holds " } else { "BROKEN" };
        lines.push(format!("{mark}  {}: {}", check.name, check.holds));
        lines.extend(findings.iter().map(|finding| {
            format!(
                "          {}: {} where {} is expected",
                finding["subject"].as_str().unwrap_or_default(),
                finding["found"],
                finding["expected"],
            )
        }));
    }
    let broken = findings.iter().filter(|findings| !findings.is_empty()).count();
    lines.push(match broken {
        0 => format!("all {} checks hold", findings.len()),
        broken => format!("{broken} of {} checks do not hold", findings.len()),
    });
    lines.join("\n") + "\n"
}
