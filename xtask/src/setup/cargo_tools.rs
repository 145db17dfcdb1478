//! Programs from crates.io, each in a folder of the cache that is named for its version.
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::cache;
use crate::command::{cargo, run};

/// The path of a program, which is installed first if it is not there.
pub fn tool(name: &str, version: &str, program: &str) -> Result<PathBuf> {
    let folder = format!("{name}-{version}");
    let bin = format!("bin/{program}");
    let kept = cache::keep(
        &folder,
        |folder| folder.join(&bin).is_file(),
        |partial| {
            eprintln!("setup: installing {name} {version}: some minutes, once");
            // Outside `partial`, so that an interrupted compilation goes on where it was.
            let target = cache::folder()?.join(format!("{folder}.target"));
            let mut command = cargo();
            command.args(["install", "--locked", "--no-track", "--root"]).arg(partial).arg(format!("{name}@{version}"));
            // Away from the checkout, whose cargo configuration is for the Worker; built fast rather than to run fast.
            command.current_dir(cache::folder()?).env("CARGO_TARGET_DIR", &target);
            command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1").env("CARGO_PROFILE_RELEASE_LTO", "off");
            command.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16").env("CARGO_PROFILE_RELEASE_DEBUG", "0");
            run(&mut command).with_context(|| format!("cannot install {name} {version} from crates.io"))?;
            fs::remove_dir_all(&target).context("cannot remove what was compiled on the way")
        },
    )?;
    Ok(kept.join(bin))
}
