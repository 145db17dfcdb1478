//! Runs other programs, and says plainly which one failed or is missing.
use std::env;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::children;

/// Runs a program to its end and fails unless it succeeds. What it prints goes to stderr: stdout is for answers.
pub fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    ensure!(status.success(), "`{}` failed ({status})", shown(command));
    Ok(())
}

/// Runs a program to its end, with its output on stderr.
pub fn status(command: &mut Command) -> Result<ExitStatus> {
    command.stdin(Stdio::null()).stdout(Stdio::from(std::io::stderr()));
    let mut running = children::spawn(command).with_context(|| missing(command))?;
    Ok(running.child.wait()?)
}

/// What a program prints on stdout, trimmed.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| missing(command))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", shown(command), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Runs a program for at most `limit`; false when it failed, is missing or was ended because it took longer.
pub fn succeeds_within(command: &mut Command, limit: Duration) -> Result<bool> {
    command.stdin(Stdio::null()).stdout(Stdio::from(std::io::stderr()));
    let mut running = match children::spawn(command) {
        Ok(running) => running,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error).with_context(|| missing(command)),
    };
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if let Some(status) = running.child.try_wait()? {
            return Ok(status.success());
        }
        sleep(Duration::from_millis(50));
    }
    running.kill();
    Ok(false)
}

/// Whether a program is on the PATH.
pub fn found(program: &str) -> bool {
    which(program).is_some()
}

/// Where the PATH has a program.
pub fn which(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// A cargo of the same toolchain, free of what the cargo that runs this task put into the environment.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
            || name == "RUN_TO_COMPLETION"
        {
            command.env_remove(&*name);
        }
    }
    command
}

fn missing(command: &Command) -> String {
    format!("cannot run `{}`; is it installed?", command.get_program().to_string_lossy())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
