//! `cargo xtask sim`: the simulation, built to run as many payments as it can.
use std::process::{Command, ExitCode, Stdio};

use anyhow::Result;
use pico_args::Arguments;

use crate::cache::root;
use crate::command::cargo;
use crate::{children, finish};

/// The minutes of fresh seeds in `cargo xtask test`.
const MINUTES: &str = "3";

/// Runs the task.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let mut command = simulation();
    for name in ["--seed", "--seeds", "--minutes", "--orders", "--bug"] {
        let value: Option<String> = arguments.opt_value_from_str(name)?;
        if let Some(value) = value {
            command.args([name, value.as_str()]);
        }
    }
    for name in ["--planted", "--corpus", "--trace", "--bench"] {
        if arguments.contains(name) {
            command.arg(name);
        }
    }
    finish(arguments)?;
    let mut running = children::spawn(command.stdin(Stdio::null()))?;
    let status = running.child.wait()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The corpus, and fresh seeds for some minutes, as `cargo xtask test` runs them.
pub fn suite() -> Command {
    let mut command = simulation();
    command.args(["--corpus", "--minutes", MINUTES]);
    command
}

/// Each planted bug, which has to be found.
pub fn planted() -> Command {
    let mut command = simulation();
    command.arg("--planted");
    command
}

fn simulation() -> Command {
    let mut command = cargo();
    command.current_dir(root()).args(["run", "--quiet", "--profile", "sim", "--package", "sim"]);
    command.arg("--");
    command
}
