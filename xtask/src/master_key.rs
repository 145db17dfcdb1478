//! `cargo xtask master-key`: what is still sealed under another master key than the present one, in a local state or in
//! production.
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use domain::seal::MasterKey;
use pico_args::Arguments;
use store::resealing::COUNT;

use crate::{finish, node, setup, state};

/// Runs the task.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let folder: Option<String> = arguments.opt_value_from_str("--state")?;
    let remote = arguments.contains("--remote");
    let key: Option<String> = arguments.opt_value_from_str("--key")?;
    finish(arguments)?;
    ensure!(!(remote && folder.is_some()), "--state and --remote exclude each other");
    setup::node_packages()?;
    // A script carries it out: it has D1 as workerd keeps it, and wrangler for the remote one.
    let mut command = node::script("master_key.ts")?;
    command.arg(COUNT).arg(key.map(|file| name_in(&file)).transpose()?.unwrap_or_default());
    if !remote {
        command.arg(state::existing(folder)?);
    }
    Ok(if command.status()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The name of the master key in a file. The database knows only the key that was met last: without this, a rotation that
/// has not begun looks like one that is over.
fn name_in(file: &str) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    let key = MasterKey::parse(text.trim());
    Ok(key.with_context(|| format!("{file} is no master key"))?.name().to_owned())
}
