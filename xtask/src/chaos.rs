//! `cargo xtask chaos`: the built Worker, killed again and again between clients and processors that cannot be relied on.
use std::process::{Command, ExitCode, Stdio};

use anyhow::Result;
use pico_args::Arguments;

use crate::{build, children, finish, setup, test};

/// Runs the task; its exit code is 1 where the processors, the payments, the books and the events do not agree.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let mut given = Vec::new();
    for name in ["--kills", "--seed", "--connections"] {
        let value: Option<String> = arguments.opt_value_from_str(name)?;
        given.extend(value.map(|value| format!("{name}={value}")));
    }
    if arguments.contains("--planted") {
        given.push("--planted".to_owned());
    }
    let fast = arguments.contains("--fast");
    finish(arguments)?;
    build::build(&setup::for_build()?, fast)?;
    let mut command = test::in_python(Command::new(setup::python()?))?;
    command.arg("chaos.py").args(given);
    let mut running = children::spawn(command.stdin(Stdio::null()))?;
    let status = running.child.wait()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
