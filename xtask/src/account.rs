//! `cargo xtask account create`: a merchant with its first test keys, in a local state or in production.
use std::process::ExitCode;

use anyhow::{Result, bail};
use pico_args::Arguments;

use crate::{finish, node, setup, state};

/// Runs the task.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    match arguments.subcommand()?.as_deref() {
        Some("create") => create(arguments),
        _ => bail!("usage: cargo xtask account create --name NAME [--state DIR | --remote]"),
    }
}

/// The keys are made and stored by a script: it has D1 as workerd keeps it, and wrangler for the remote one.
fn create(mut arguments: Arguments) -> Result<ExitCode> {
    let name: String = arguments.value_from_str("--name")?;
    let folder: Option<String> = arguments.opt_value_from_str("--state")?;
    let remote = arguments.contains("--remote");
    finish(arguments)?;
    if name.trim().is_empty() || name.contains('\0') {
        bail!("--name is empty");
    }
    if remote && folder.is_some() {
        bail!("--state and --remote exclude each other");
    }
    setup::node_packages()?;
    let mut command = node::script("account.ts")?;
    command.arg(name);
    if !remote {
        command.arg(state::folder(folder)?);
    }
    Ok(if command.status()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
