//! The packages of package-lock.json, installed once for each state of that file and linked into the checkout.
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cache::{self, root};
use crate::command::{found, run};
use crate::fingerprint;

/// Changes with every change of package-lock.json.
pub fn version() -> Result<String> {
    let lock = root().join("package-lock.json");
    Ok(fingerprint::short(
        &fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?,
    ))
}

/// Installs the packages if they are not there, and answers with their folder.
pub fn node_packages() -> Result<PathBuf> {
    let name = format!("node-{}", version()?);
    let complete = |folder: &Path| folder.join("node_modules/.package-lock.json").is_file();
    let packages = cache::keep(&name, complete, install)?.join("node_modules");
    link(&packages)?;
    Ok(packages)
}

/// esbuild's program itself; the one in `.bin` may be a script that needs Node.
pub fn esbuild(packages: &Path) -> PathBuf {
    let system = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    packages.join(format!("@esbuild/{system}-{processor}/bin/esbuild"))
}

fn install(partial: &Path) -> Result<()> {
    ensure!(found("npm"), "npm is missing; install Node 20 or newer with its npm");
    eprintln!("setup: installing the Node packages: half a minute, once");
    for file in ["package.json", "package-lock.json"] {
        fs::copy(root().join(file), partial.join(file))?;
    }
    // No package needs its install script, and a script could do anything.
    let flags = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    run(Command::new("npm").current_dir(partial).args(flags))
        .context("cannot install the Node packages")
}

/// Points `node_modules` in the checkout at the packages, where Node and editors look for them.
fn link(packages: &Path) -> Result<()> {
    let place = root().join("node_modules");
    if fs::read_link(&place).is_ok_and(|target| target == packages) {
        return Ok(());
    }
    let real = fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_dir());
    ensure!(
        !real,
        "{} is a folder of its own; remove it: it will be a link into the cache",
        place.display()
    );
    // Replaced in one step, so that another run never finds it missing.
    let next = root().join(format!("node_modules.{}", std::process::id()));
    cache::remove(&next)?;
    symlink(packages, &next)?;
    fs::rename(&next, &place).context("cannot link node_modules")
}
