//! `cargo xtask build`: the Worker as WebAssembly in `build/`, where wrangler.toml looks for it.
use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use pico_args::Arguments;

use crate::alike::spell_alike;
use crate::arrange::arrange;
use crate::cache::root;
use crate::command::{self, output};
use crate::{fingerprint, finish, setup};

/// What the Worker may weigh, gzipped: start-up time grows with it.
const LIMIT: usize = 1_000_000;

/// worker-build's word for the build that is deployed.
const RELEASE: &str = "--release";

/// Top-level folders that the Worker is not built from.
const NOT_SOURCES: [&str; 8] =
    ["bench", "build", "docs", "migrations", "node_modules", "target", "tests", "xtask"];

/// Runs the task.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let fast = arguments.contains("--fast");
    finish(arguments)?;
    let tools = setup::for_build()?;
    build(&tools, fast)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the Worker unless nothing has changed since the last build. A `fast` build takes seconds instead of a minute
/// after a change, and its result is large and slow.
pub fn build(tools: &setup::Tools, fast: bool) -> Result<()> {
    let root = root();
    build_unless_kept(tools, &root, &sources(&root)?, profile(fast), &target())
}

/// Builds the Worker of another version, whose checkout is in a folder, with what that has compiled in there, too.
pub fn build_other(tools: &setup::Tools, folder: &Path, fast: bool) -> Result<()> {
    build_unless_kept(tools, folder, &sources(folder)?, profile(fast), &folder.join("target"))
}

/// Builds the Worker in `bench/floor`, which Florin is measured against.
pub fn build_floor(tools: &setup::Tools) -> Result<()> {
    let floor = root().join("bench/floor");
    let own = ["Cargo.toml", "Cargo.lock", "src"].map(|name| floor.join(name));
    let sources = [own.as_slice(), &[root().join("src/object.rs")]].concat();
    build_unless_kept(tools, &floor, &sources, RELEASE, &target())
}

fn profile(fast: bool) -> &'static str {
    if fast { "--dev" } else { RELEASE }
}

/// Both Workers of this checkout share what they are built from, wherever they are built.
fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Builds the Worker in a folder, unless its sources and tools are those of the build that is there.
fn build_unless_kept(
    tools: &setup::Tools,
    folder: &Path,
    sources: &[PathBuf],
    profile: &str,
    target: &Path,
) -> Result<()> {
    let steps = [include_str!("alike.rs"), include_str!("arrange.rs"), include_str!("build.rs")];
    let versions = tools.versions();
    let wanted = fingerprint::of(folder, sources, &[&[profile, &*versions], &steps[..]].concat())?;
    let kept = folder.join("build/.fingerprint");
    if fs::read_to_string(&kept).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    eprintln!("build: compiling {} to WebAssembly", folder.display());
    let started = Instant::now();
    // Gone until the build is complete, so that a failed one is never taken for up to date.
    crate::cache::remove(&kept)?;
    let mut command = worker_build(tools, folder, profile)?;
    command::run(command.env("CARGO_TARGET_DIR", target))?;
    if profile == RELEASE {
        pack(tools, &folder.join("build/index_bg.wasm"))?;
    }
    let size = gzipped_size(&folder.join("build/index_bg.wasm"))?;
    fs::write(&kept, wanted)?;
    eprintln!("build: {size} bytes gzipped, after {:.1} s", started.elapsed().as_secs_f32());
    Ok(())
}

/// Takes out what only people read, above all the names of functions: a fifth of the Worker; and spells and arranges
/// what is left for gzip, by which the Worker is counted and sent. Optimising as a whole once more makes it smaller, but
/// larger gzipped.
fn pack(tools: &setup::Tools, worker: &Path) -> Result<()> {
    let mut command = Command::new(&tools.wasm_opt);
    command.arg(worker).arg("--output").arg(worker).args([
        // wasm-bindgen makes use of it without saying so in the module.
        "--enable-exception-handling",
        "--strip-debug",
        "--strip-producers",
        "--duplicate-function-elimination",
        "--remove-unused-module-elements",
        // No local is set to what it is already, and those that are used most have the lowest numbers.
        "--rse",
        "--vacuum",
        "--reorder-locals",
    ]);
    command::run(&mut command)?;
    let arranged = arrange(&spell_alike(&fs::read(worker)?)?)?;
    fs::write(worker, arranged).with_context(|| worker.display().to_string())
}

/// The built Worker's size in bytes, gzipped; an error when that is more than it may be.
pub fn check_size() -> Result<usize> {
    let size = gzipped_size(&root().join("build/index_bg.wasm"))?;
    ensure!(size <= LIMIT, "the Worker is {size} bytes gzipped; {LIMIT} are allowed");
    Ok(size)
}

fn worker_build(tools: &setup::Tools, folder: &Path, profile: &str) -> Result<Command> {
    let mut command = Command::new(&tools.worker_build);
    command.current_dir(folder).arg(profile);
    if profile != RELEASE {
        // Without optimisation, what a recovery waits in does not fit into the usual megabyte.
        let stack = "-Clink-arg=-zstack-size=4194304";
        command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", stack);
    }
    let overrides = [
        ("WASM_BINDGEN_BIN", &tools.wasm_bindgen),
        ("WASM_OPT_BIN", &tools.wasm_opt),
        ("ESBUILD_BIN", &tools.esbuild),
    ];
    for (name, path) in overrides {
        // worker-build takes a wrong path for a wish to download something else.
        ensure!(
            path.is_file(),
            "{} is missing; remove its folder in the cache and try again",
            path.display()
        );
        command.env(name, path);
    }
    // A client that disconnects must not cancel a payment that is half-way through.
    command.env("RUN_TO_COMPLETION", "1");
    Ok(command)
}

/// Everything at the top of the checkout but what is known to have no part in the Worker.
fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let mut sources = vec![root.join(".cargo/config.toml")];
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let folder =
            entry.file_type()?.is_dir() && !name.starts_with('.') && !NOT_SOURCES.contains(&&*name);
        if folder || ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"].contains(&&*name) {
            sources.push(entry.path());
        }
    }
    Ok(sources)
}

fn gzipped_size(path: &Path) -> Result<usize> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes)?;
    Ok(encoder.finish()?.len())
}

/// The compiler's version: part of what a build depends on.
pub fn compiler() -> Result<String> {
    output(Command::new("rustc").current_dir(root()).arg("--version"))
}
