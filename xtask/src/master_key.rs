//! `cargo xtask master-key`: what is still sealed under another master key than the present one, in a local state or in
//! production.
use std::process::ExitCode;

use anyhow::{Result, ensure};
use pico_args::Arguments;
use store::resealing::COUNT;

use crate::{finish, node, setup, state};

/// Runs the task.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let folder: Option<String> = arguments.opt_value_from_str("--state")?;
    let remote = arguments.contains("--remote");
    finish(arguments)?;
    ensure!(!(remote && folder.is_some()), "--state and --remote exclude each other");
    setup::node_packages()?;
    // A script carries it out: it has D1 as workerd keeps it, and wrangler for the remote one.
    let mut command = node::script("master_key.ts")?;
    command.arg(COUNT);
    if !remote {
        command.arg(state::existing(folder)?);
    }
    Ok(if command.status()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
