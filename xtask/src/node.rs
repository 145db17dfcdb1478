//! The Node that the project's scripts run on, and those scripts.
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::cache;
use crate::command::output;

/// A command that runs one of the project's scripts, with the packages' programs first on the PATH.
pub fn script(name: &str) -> Result<Command> {
    let mut command = command()?;
    command.arg(cache::root().join("xtask/node").join(name));
    Ok(command)
}

/// A command that runs Node in the checkout.
pub fn command() -> Result<Command> {
    let root = cache::root();
    let packages = root.join("node_modules");
    let mut command = Command::new(binary(&packages)?);
    let old = env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(packages.join(".bin")).chain(env::split_paths(&old));
    command
        .current_dir(&root)
        .env("PATH", env::join_paths(path)?)
        .env("FLORIN_CACHE", cache::folder()?);
    // The tools phone home or look for newer versions of themselves unless told not to.
    command.env("WRANGLER_SEND_METRICS", "false").env("NO_UPDATE_NOTIFIER", "1").env("CI", "1");
    Ok(command)
}

/// The Node that the packages bring for this machine, else the machine's own when it is new enough to run TypeScript.
fn binary(packages: &Path) -> Result<PathBuf> {
    let system = match env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    let brought = packages.join(format!("node-{system}-{processor}/bin/node"));
    if brought.is_file() {
        return Ok(brought);
    }
    let version = output(Command::new("node").arg("--version")).unwrap_or_default();
    let numbers: Vec<u32> =
        version.trim_start_matches('v').split('.').filter_map(|part| part.parse().ok()).collect();
    if numbers.as_slice() >= [22, 18].as_slice() {
        return Ok("node".into());
    }
    bail!(
        "no Node 22.18 or newer: the packages bring none for {system} on {processor}, and `node` is {version:?}"
    )
}
