//! `cargo xtask dead-letters`: the messages that no consumer could take, in a local state or in production.
use std::process::ExitCode;

use anyhow::{Result, bail, ensure};
use pico_args::Arguments;
use serde_json::{Value, json};

use crate::{finish, node, setup, state};

/// Runs the task.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let order = match arguments.subcommand()?.as_deref() {
        Some("list") => json!({"task": "list"}),
        Some("redrive") => redrive(&mut arguments)?,
        _ => bail!("usage: cargo xtask dead-letters list|redrive; see `cargo xtask help`"),
    };
    let folder: Option<String> = arguments.opt_value_from_str("--state")?;
    let remote = arguments.contains("--remote");
    finish(arguments)?;
    ensure!(!(remote && folder.is_some()), "--state and --remote exclude each other");
    setup::node_packages()?;
    // A script carries it out: it has D1 as workerd keeps it, and wrangler for the remote one.
    let mut command = node::script("dead_letters.ts")?;
    command.arg(order.to_string());
    if !remote {
        command.arg(state::existing(folder)?);
    }
    Ok(if command.status()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One message, or all of them.
fn redrive(arguments: &mut Arguments) -> Result<Value> {
    let id: Option<i64> = arguments.opt_value_from_str("--id")?;
    Ok(id.map_or_else(|| json!({"task": "redrive"}), |id| json!({"task": "redrive", "id": id})))
}
