//! The folder that keeps a development server's state, and the secret that belongs to it.
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::cache::{self, root};

/// What a state folder may hold; a folder with anything else in it is not ours to empty.
const OURS: [&str; 6] = ["demo-merchant.json", "dev.lock", "master-key", "v3", "wrangler", "tmp"];

/// The folder that `--state` names, `.florin` in the checkout without it.
pub fn folder(given: Option<String>) -> Result<PathBuf> {
    let folder = given.map_or_else(|| root().join(".florin"), PathBuf::from);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(std::path::absolute(folder)?)
}

/// Keeps a second server away from the folder for as long as the answer lives.
pub fn claim(folder: &Path) -> Result<File> {
    let file = File::create(folder.join("dev.lock"))?;
    if file.try_lock().is_err() {
        bail!("another `cargo xtask dev` serves the state in {}", folder.display());
    }
    Ok(file)
}

/// Empties the folder, but not one that holds something else too.
pub fn reset(folder: &Path) -> Result<()> {
    let entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    for entry in &entries {
        let name = entry.file_name();
        if !OURS.iter().any(|ours| name.to_string_lossy().starts_with(ours)) {
            bail!(
                "{} holds {name:?}, which is no development state: nothing was removed",
                folder.display()
            );
        }
    }
    for entry in entries.iter().filter(|entry| entry.file_name() != "dev.lock") {
        cache::remove(&entry.path())?;
    }
    Ok(())
}

/// The key that seals card numbers: 32 random bytes as base64, made once and readable by its owner only.
pub fn master_key(folder: &Path) -> Result<String> {
    let path = folder.join("master-key");
    if let Ok(kept) = fs::read_to_string(&path) {
        return Ok(kept.trim().to_owned());
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let key = STANDARD.encode(bytes);
    let partial = folder.join("master-key.new");
    cache::remove(&partial)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
    file.write_all(key.as_bytes())?;
    file.sync_all()?;
    fs::rename(&partial, &path)?;
    Ok(key)
}
