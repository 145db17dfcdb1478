//! Python with the packages of tests/edge/requirements.txt, for the tests that speak to Florin in Python.
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::debian;
use crate::cache::{self, root};
use crate::command::{found, output, run};
use crate::fingerprint;

/// A Python of a virtual environment that has the packages; it is made first if it is not there.
pub fn python() -> Result<PathBuf> {
    let requirements = root().join("tests/edge/requirements.txt");
    let text = fs::read(&requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    ensure!(found("python3"), "python3 is missing; install Python 3.11 or newer");
    // A virtual environment knows its own path and the Python that made it, so that it is made in place.
    let version =
        output(Command::new("python3").args(["-c", "import sys; print(sys.version, sys.prefix)"]))?;
    let name =
        format!("python-{}", fingerprint::short(&[version.as_bytes(), text.as_slice()].concat()));
    let kept = cache::keep_in_place(&name, |folder| {
        if output(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_err() {
            debian::install("python3-venv")
                .context("this Python has no venv; on Debian, install python3-venv")?;
        }
        eprintln!("setup: installing the Python packages: half a minute, once");
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
        let flags =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        run(Command::new(folder.join("bin/python")).args(flags).arg(&requirements))
            .context("cannot install the Python packages")
    })?;
    Ok(kept.join("bin/python"))
}
