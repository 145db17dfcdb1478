//! The source of the standard library of exactly this compiler, where no rustup can fetch the compiled one.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cache::{self, root};
use crate::command::{found, output, run};

/// The Debian suites that may carry a newer compiler's source than the machine's own suite.
const SUITES: [&str; 4] = ["trixie-backports", "forky", "forky-backports", "sid"];

/// Finds the folder `library/` of the compiler whose `rustc --version` is given.
pub fn find(compiler: &str, sysroot: &Path) -> Result<PathBuf> {
    let version =
        compiler.split_whitespace().nth(1).context("`rustc --version` says no version")?;
    let component = sysroot.join("lib/rustlib/src/rust/library");
    if complete(&component) {
        return Ok(component);
    }
    let name = format!("rust-src-{version}");
    let kept = cache::keep(
        &name,
        |folder| complete(&folder.join("library")),
        |partial| fetch(version, partial),
    )?;
    Ok(kept.join("library"))
}

fn fetch(version: &str, partial: &Path) -> Result<()> {
    let debian = from_debian(version, partial);
    let Err(reason) = debian else {
        return Ok(());
    };
    let copy = root().join(format!("../shared/toolchain/rust-std-src-{version}.tar.xz"));
    if copy.is_file() {
        eprintln!("setup: not from Debian ({reason:#}); taking the copy beside the checkout");
        return run(Command::new("tar").arg("-xJf").arg(copy).arg("-C").arg(partial));
    }
    bail!(
        "no standard library for wasm32-unknown-unknown: rustup cannot add the target, and the source of {version} \
         to build it from cannot be had from Debian ({reason:#}). Install it by `rustup target add \
         wasm32-unknown-unknown`, or the component or package rust-src of exactly this version"
    )
}

/// Debian's package `rust-src`, by a list of sources of its own: the system's apt stays as it is.
fn from_debian(version: &str, partial: &Path) -> Result<()> {
    for program in ["apt-get", "apt-cache", "dpkg-deb"] {
        anyhow::ensure!(found(program), "{program} is missing");
    }
    let mirror = mirror()?;
    let apt = partial.join("apt");
    fs::create_dir_all(apt.join("lists/partial"))?;
    fs::create_dir_all(apt.join("archives/partial"))?;
    for suite in SUITES {
        eprintln!("setup: looking for the source of Rust {version} in Debian's {suite}");
        if download(version, &mirror, suite, &apt).is_ok() {
            return unpack(&apt, partial);
        }
    }
    bail!("none of {} has rust-src {version}", SUITES.join(", "))
}

/// The mirror that this machine's own apt uses.
fn mirror() -> Result<String> {
    let mut command = Command::new("apt-get");
    command.args([
        "indextargets",
        "--format",
        "$(REPO_URI) $(SUITE) $(ORIGIN)",
        "Created-By: Packages",
    ]);
    let lines = output(&mut command)?;
    // Without downloaded lists the origin is empty; the security mirror has other suites.
    let plain = |line: &&str| line.contains("/debian") && !line.contains("security");
    let line = lines.lines().find(plain).context("this machine's apt names no Debian mirror")?;
    Ok(line.split_whitespace().next().unwrap_or_default().to_owned())
}

fn download(version: &str, mirror: &str, suite: &str, apt: &Path) -> Result<()> {
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    fs::write(
        apt.join("sources.list"),
        format!("deb [signed-by={keyring}] {mirror} {suite} main\n"),
    )?;
    output(apt_command("apt-get", apt).args(["-qq", "update"]))?;
    let madison = output(apt_command("apt-cache", apt).args(["madison", "rust-src"]))?;
    let mut versions = madison.lines().filter_map(|line| line.split('|').nth(1)).map(str::trim);
    let matching = |found: &&str| {
        found.strip_prefix(version).is_some_and(|rest| rest.starts_with(['+', '-', '~']))
    };
    let package = versions.find(matching).context("not this version")?;
    run(apt_command("apt-get", apt).current_dir(apt).args([
        "-qq",
        "download",
        &format!("rust-src={package}"),
    ]))
}

/// apt with every place that it reads or writes inside `apt`.
fn apt_command(program: &str, apt: &Path) -> Command {
    let mut command = Command::new(program);
    let place = |name: &str, path: &str| format!("{name}={}", apt.join(path).display());
    for option in [
        place("Dir::Etc::sourcelist", "sources.list"),
        "Dir::Etc::sourceparts=/dev/null".to_owned(),
        place("Dir::State::lists", "lists"),
        place("Dir::Cache", "."),
        // apt's own user cannot write below a home folder.
        "APT::Sandbox::User=".to_owned()
            + &std::env::var("USER").unwrap_or_else(|_| "root".to_owned()),
    ] {
        command.args(["-o", &option]);
    }
    command
}

/// Keeps `library/` of the downloaded package and nothing else.
fn unpack(apt: &Path, partial: &Path) -> Result<()> {
    let package = fs::read_dir(apt)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get downloaded nothing")?;
    let content = apt.join("content");
    run(Command::new("dpkg-deb").arg("-x").arg(package).arg(&content))?;
    let sources =
        fs::read_dir(content.join("usr/src"))?.flatten().map(|entry| entry.path().join("library"));
    let library =
        sources.into_iter().find(|path| complete(path)).context("the package holds no library/")?;
    fs::rename(library, partial.join("library"))?;
    cache::remove(apt)
}

fn complete(library: &Path) -> bool {
    library.join("std/Cargo.toml").is_file() && library.join("Cargo.lock").is_file()
}
