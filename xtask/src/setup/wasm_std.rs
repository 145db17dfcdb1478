//! The standard library for wasm32-unknown-unknown: by rustup where its server is reached, else built from its source.
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::std_source;
use crate::cache::{self, root};
use crate::command::{cargo, found, output, run, succeeds_within};
use crate::fingerprint;

const TARGET: &str = "wasm32-unknown-unknown";

/// How long rustup may try: where its server is out of reach it may hang for minutes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes the standard library available to the compiler whose `rustc --version` is given.
pub fn ensure(compiler: &str) -> Result<()> {
    let sysroot = PathBuf::from(output(
        Command::new("rustc").current_dir(root()).args(["--print", "sysroot"]),
    )?);
    if there(&installed(&sysroot)) {
        return Ok(());
    }
    let _lock =
        cache::lock(&cache::folder()?.join("wasm-std.lock"), "the WebAssembly standard library")?;
    if there(&installed(&sysroot)) || by_rustup(&sysroot)? {
        return Ok(());
    }
    let name = format!("wasm-std-{}", fingerprint::short(compiler.as_bytes()));
    let built = cache::keep(&name, there, |partial| build(compiler, &sysroot, partial))?;
    install(&built, &sysroot)
}

/// `FLORIN_WITHOUT_RUSTUP` tries what a machine without rustup does.
fn by_rustup(sysroot: &Path) -> Result<bool> {
    if !found("rustup") || env::var_os("FLORIN_WITHOUT_RUSTUP").is_some() {
        return Ok(false);
    }
    eprintln!("setup: adding the target {TARGET} by rustup");
    let mut rustup = Command::new("rustup");
    rustup.current_dir(root()).args(["target", "add", TARGET]);
    let added = succeeds_within(&mut rustup, PATIENCE)? && there(&installed(sysroot));
    if !added {
        eprintln!("setup: rustup cannot; building the standard library from its source instead");
    }
    Ok(added)
}

/// Compiles the library as cargo's `build-std` does for an empty crate, and keeps what came out.
fn build(compiler: &str, sysroot: &Path, partial: &Path) -> Result<()> {
    let library = std_source::find(compiler, sysroot)?;
    eprintln!("setup: building the standard library for {TARGET}: half a minute, once");
    let work = cache::folder()?.join("wasm-std.build");
    cache::remove(&work)?;
    fs::create_dir_all(work.join("src"))?;
    fs::write(work.join("src/lib.rs"), "#![no_std]\n")?;
    fs::write(
        work.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nedition = \"2024\"\n[workspace]\n",
    )?;
    let mut command = cargo();
    command.current_dir(&work).args(["build", "--release", "--target", TARGET]);
    command.arg("-Zbuild-std=std,panic_abort,proc_macro,test");
    // The flag is for nightly compilers; it is the same code in a stable one.
    command.env("RUSTC_BOOTSTRAP", "1").env("__CARGO_TESTS_ONLY_SRC_ROOT", &library);
    command.env("CARGO_TARGET_DIR", work.join("target"));
    run(&mut command).context("cannot build the standard library")?;
    for entry in fs::read_dir(work.join(format!("target/{TARGET}/release/deps")))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".rlib") && !name.starts_with("libempty-") {
            fs::copy(&path, partial.join(&name))?;
        }
    }
    cache::remove(&work)
}

/// Copies the built library to where rustup would have put it.
fn install(built: &Path, sysroot: &Path) -> Result<()> {
    let place = installed(sysroot);
    let next = place.with_extension("partial");
    let copy = || -> Result<()> {
        cache::remove(&next)?;
        fs::create_dir_all(&next)?;
        for entry in fs::read_dir(built)? {
            let entry = entry?;
            fs::copy(entry.path(), next.join(entry.file_name()))?;
        }
        cache::remove(&place)?;
        Ok(fs::rename(&next, &place)?)
    };
    copy().with_context(|| {
        format!("cannot put the standard library for {TARGET} into {}", sysroot.display())
    })?;
    ensure!(there(&place), "the standard library for {TARGET} is incomplete");
    Ok(())
}

fn installed(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib").join(TARGET).join("lib")
}

fn there(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    let names: Vec<_> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    ["libstd-", "libcore-"].iter().all(|start| names.iter().any(|name| name.starts_with(start)))
}
