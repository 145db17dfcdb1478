//! Packages of the system, where it is Debian and we may install them.
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::cache;
use crate::command::{found, output, run, which};

/// Installs a package of Debian's.
pub fn install(package: &str) -> Result<()> {
    let root = output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0");
    ensure!(
        found("apt-get") && root,
        "{package} is not installed, and only root can install it by apt-get"
    );
    let _lock = cache::lock(&cache::folder()?.join("apt.lock"), package)?;
    eprintln!("setup: installing {package}, once");
    let apt = |arguments: &[&str]| {
        run(Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .arg("-qq")
            .args(arguments))
    };
    // The lists may be old or missing; the ones of an unrelated source that fails are no reason to stop.
    let _ = apt(&["update"]);
    apt(&["install", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", package])
}

/// A Chromium for the tests of pages. They are skipped without one.
pub fn chromium() -> Option<PathBuf> {
    let found = || ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(which);
    found().or_else(|| {
        if let Err(error) = install("chromium") {
            eprintln!("setup: no Chromium, so the tests of pages are skipped: {error:#}");
        }
        found()
    })
}
