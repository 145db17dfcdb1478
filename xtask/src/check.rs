//! `cargo xtask check`: what must hold besides the tests.
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use pico_args::Arguments;

use crate::cache::root;
use crate::command::{self, cargo, succeeds_within};
use crate::{finish, node, setup};

const CARGO_DENY: &str = "0.20.2";
const CARGO_MACHETE: &str = "0.9.2";

/// How long fetching the database of advisories may take: it is out of reach in some places.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the task. All checks run, whatever fails, so that one run shows everything.
pub fn run(arguments: Arguments) -> Result<ExitCode> {
    finish(arguments)?;
    // These compile for minutes on a new machine: beside the rest.
    let deny_tool =
        thread::spawn(|| setup::tool_in_background("cargo-deny", CARGO_DENY, "cargo-deny"));
    setup::for_build()?;
    let mut failed = Vec::new();
    let mut check = |name: &'static str, task: &mut dyn FnMut() -> Result<()>| {
        let started = Instant::now();
        eprintln!("\ncheck: {name}");
        if let Err(error) = task() {
            eprintln!("check: {name}: {error:#}");
            failed.push(name);
        }
        eprintln!("check: {name}: {:.1} s", started.elapsed().as_secs_f32());
    };
    check("format", &mut || command::run(in_root(&mut cargo()).args(["fmt", "--all", "--check"])));
    check("lints", &mut || clippy(&["--workspace", "--all-targets"]));
    check("lints of the Worker as WebAssembly", &mut || {
        clippy(&["--package", "florin", "--target", "wasm32-unknown-unknown"])
    });
    check("documentation", &mut documentation);
    check("types of the edge tests", &mut types);
    check("unused dependencies", &mut unused_dependencies);
    let deny_tool =
        deny_tool.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the installation panicked")))?;
    check("licences, bans and sources", &mut || {
        deny(&deny_tool, &["check", "--hide-inclusion-graph", "bans", "licenses", "sources"])
    });
    check("advisories", &mut || advisories(&deny_tool));
    if failed.is_empty() {
        eprintln!("\ncheck: all is well");
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("\ncheck: failed: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

fn in_root(command: &mut Command) -> &mut Command {
    command.current_dir(root())
}

fn clippy(of: &[&str]) -> Result<()> {
    let mut command = cargo();
    command::run(
        in_root(&mut command)
            .args(["clippy", "--locked"])
            .args(of)
            .args(["--", "--deny", "warnings"]),
    )
}

fn documentation() -> Result<()> {
    let mut command = cargo();
    in_root(&mut command).args([
        "doc",
        "--locked",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ]);
    command::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

fn types() -> Result<()> {
    let mut command = node::command()?;
    command::run(command.arg("node_modules/typescript/bin/tsc").args([
        "--noEmit",
        "--project",
        "tests/edge",
    ]))
}

fn unused_dependencies() -> Result<()> {
    let machete = setup::tool("cargo-machete", CARGO_MACHETE, "cargo-machete")?;
    command::run(in_root(&mut Command::new(machete)).arg("."))
}

fn deny(tool: &Path, arguments: &[&str]) -> Result<()> {
    command::run(
        in_root(&mut Command::new(tool)).args(["--locked", "--all-features"]).args(arguments),
    )
}

/// Known vulnerabilities, where their database can be had.
fn advisories(tool: &Path) -> Result<()> {
    let mut fetch = Command::new(tool);
    if !succeeds_within(in_root(&mut fetch).args(["fetch", "db"]), PATIENCE)? {
        eprintln!("check: the database of advisories is out of reach, so they were not checked");
        return Ok(());
    }
    deny(tool, &["check", "--disable-fetch", "--hide-inclusion-graph", "advisories"])
}
