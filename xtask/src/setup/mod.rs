//! `cargo xtask setup`: installs what the tasks need, pinned, outside the checkout; every task calls what it needs.
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use pico_args::Arguments;

use crate::{build, finish};

mod cargo_tools;
mod debian;
mod node_packages;
mod python;
mod std_source;
mod wasm_std;

pub use cargo_tools::{tool, tool_in_background};
pub use debian::chromium;
pub use node_packages::node_packages;
pub use python::python;

/// worker-build and wasm-bindgen's command line belong together, and the latter to the crate in Cargo.toml.
const WORKER_BUILD: &str = "0.8.7";
const WASM_BINDGEN: &str = "0.2.129";

/// The programs that build the Worker.
pub struct Tools {
    /// Drives the whole build.
    pub worker_build: PathBuf,
    /// Makes the JavaScript around the WebAssembly.
    pub wasm_bindgen: PathBuf,
    /// Optimises the WebAssembly.
    pub wasm_opt: PathBuf,
    /// Bundles the JavaScript.
    pub esbuild: PathBuf,
    compiler: String,
}

impl Tools {
    /// Says which programs these are, for what depends on them.
    pub fn versions(&self) -> String {
        let paths = [&self.worker_build, &self.wasm_bindgen].map(|path| path.display().to_string());
        format!(
            "{} {} {}",
            self.compiler,
            paths.join(" "),
            node_packages::version().unwrap_or_default()
        )
    }
}

/// Runs the task: what building, serving and testing need.
pub fn run(arguments: Arguments) -> Result<ExitCode> {
    finish(arguments)?;
    for_build()?;
    eprintln!("setup: everything is there");
    Ok(ExitCode::SUCCESS)
}

/// Installs what building the Worker needs.
pub fn for_build() -> Result<Tools> {
    let packages = node_packages()?;
    let compiler = build::compiler()?;
    wasm_std::ensure(&compiler)?;
    let worker_build = tool("worker-build", WORKER_BUILD, "worker-build")?;
    let wasm_bindgen = tool("wasm-bindgen-cli", WASM_BINDGEN, "wasm-bindgen")?;
    let esbuild = node_packages::esbuild(&packages);
    Ok(Tools {
        worker_build,
        wasm_bindgen,
        wasm_opt: packages.join("binaryen/bin/wasm-opt"),
        esbuild,
        compiler,
    })
}
