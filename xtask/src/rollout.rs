//! `cargo xtask rollout`: the version before this one and this one over one state, as while one takes the other's place, and
//! after a rollback.
use std::process::{Command, ExitCode, Stdio};

use anyhow::Result;
use pico_args::Arguments;

use crate::{build, children, finish, previous, setup, test};

/// Names the folder of the version before this one to the script.
pub const PREVIOUS: &str = "FLORIN_PREVIOUS";

/// Runs the task; its exit code is 1 where the versions do not get along.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let revision: Option<String> = arguments.opt_value_from_str("--previous")?;
    let mut given = Vec::new();
    for name in ["--seconds", "--seed", "--connections"] {
        let value: Option<String> = arguments.opt_value_from_str(name)?;
        given.extend(value.map(|value| format!("{name}={value}")));
    }
    let fast = arguments.contains("--fast");
    finish(arguments)?;
    let tools = setup::for_build()?;
    let previous = previous::build(&tools, revision.as_deref(), fast)?;
    build::build(&tools, fast)?;
    let mut command = test::in_python(Command::new(setup::python()?))?;
    command.arg("rollout.py").args(given).env(PREVIOUS, previous);
    let mut running = children::spawn(command.stdin(Stdio::null()))?;
    let status = running.child.wait()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
