//! Where things are: the checkout, and the cache outside it that keeps by version whatever tasks install.
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, Result};

/// The checkout.
pub fn root() -> PathBuf {
    let package =
        env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let package = PathBuf::from(package);
    package.parent().map(Path::to_path_buf).unwrap_or(package)
}

/// The folder that survives checkouts: `$FLORIN_CACHE`, else `$XDG_CACHE_HOME/florin`, else `~/.cache/florin`.
pub fn folder() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("FLORIN_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|path| path.join("florin")))
        .or_else(|| set("HOME").map(|path| path.join(".cache/florin")))
        .context("no cache folder: set FLORIN_CACHE or HOME")?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(std::path::absolute(folder)?)
}

/// Something to be kept in the cache under a name that says its version.
///
/// `make` is given an empty folder with a temporary name, which is renamed once it is complete: an interrupted run
/// leaves nothing that looks finished. Two runs at once take turns by a lock file.
pub fn keep(
    name: &str,
    complete: impl Fn(&Path) -> bool,
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let cache = folder()?;
    let kept = cache.join(name);
    if complete(&kept) {
        return Ok(kept);
    }
    let _lock = lock(&cache.join(format!("{name}.lock")), name)?;
    if complete(&kept) {
        return Ok(kept);
    }
    // What a killed run left behind may still be written to by a child of it: never the same name twice.
    let start = format!("{name}.partial.");
    for entry in fs::read_dir(&cache)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&start) {
            remove(&entry.path())?;
        }
    }
    let partial = cache.join(format!("{start}{}", process::id()));
    fs::create_dir_all(&partial)?;
    make(&partial)?;
    anyhow::ensure!(
        complete(&partial),
        "{name} was installed, but what it should bring is not there"
    );
    remove(&kept)?;
    fs::rename(&partial, &kept)?;
    Ok(kept)
}

/// Like [`keep`], for what cannot be moved once it is made: a file in it says that it is complete.
pub fn keep_in_place(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let cache = folder()?;
    let kept = cache.join(name);
    let complete = kept.join(".complete");
    if complete.is_file() {
        return Ok(kept);
    }
    let _lock = lock(&cache.join(format!("{name}.lock")), name)?;
    if complete.is_file() {
        return Ok(kept);
    }
    remove(&kept)?;
    make(&kept)?;
    File::create(complete)?;
    Ok(kept)
}

/// Takes the lock that `path` stands for, and says so when that means waiting. It ends with the returned file.
pub fn lock(path: &Path, what: &str) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    if file.try_lock().is_err() {
        eprintln!("setup: waiting for another run that installs {what}");
        file.lock()?;
    }
    Ok(file)
}

/// Removes a file or folder if it is there.
pub fn remove(path: &Path) -> Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    let removed = if metadata.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.with_context(|| format!("cannot remove {}", path.display()))
}
