//! Programs from crates.io, each in a folder of the cache that is named for its version.
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::cache;
use crate::command::{cargo, run};

/// The path of a program, which is installed first if it is not there.
pub fn tool(name: &str, version: &str, program: &str) -> Result<PathBuf> {
    ensure(name, version, program, |command| {
        eprintln!("setup: installing {name} {version}: some minutes, once");
        run(command)
    })
}

/// The same, quietly and at low priority, while something else goes on.
pub fn tool_in_background(name: &str, version: &str, program: &str) -> Result<PathBuf> {
    ensure(name, version, program, |command| {
        eprintln!("setup: installing {name} {version} in the background: some minutes, once");
        let mut nice = Command::new("nice");
        nice.args(["-n", "15"]).arg(command.get_program()).args(command.get_args()).arg("--quiet");
        nice.current_dir(cache::folder()?);
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => nice.env(key, value),
                None => nice.env_remove(key),
            };
        }
        run(&mut nice)
    })
}

fn ensure(
    name: &str,
    version: &str,
    program: &str,
    install: impl FnOnce(&mut Command) -> Result<()>,
) -> Result<PathBuf> {
    let folder = format!("{name}-{version}");
    let bin = format!("bin/{program}");
    let kept = cache::keep(
        &folder,
        |folder| folder.join(&bin).is_file(),
        |partial| {
            // Outside `partial`, so that an interrupted compilation goes on where it was.
            let target = cache::folder()?.join(format!("{folder}.target"));
            let mut command = cargo();
            command
                .args(["install", "--locked", "--no-track", "--root"])
                .arg(partial)
                .arg(format!("{name}@{version}"));
            // Away from the checkout, whose cargo configuration is for the Worker; built fast rather than to run fast.
            command.current_dir(cache::folder()?).env("CARGO_TARGET_DIR", &target);
            command
                .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
                .env("CARGO_PROFILE_RELEASE_LTO", "off");
            command
                .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
                .env("CARGO_PROFILE_RELEASE_DEBUG", "0");
            install(&mut command)
                .with_context(|| format!("cannot install {name} {version} from crates.io"))?;
            cache::remove(&target)
        },
    )?;
    Ok(kept.join(bin))
}
