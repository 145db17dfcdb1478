//! The folder that keeps a development server's state, and the secret that belongs to it.
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process};

use crate::cache::{self, root};

/// What a state folder may hold; a folder with anything else in it is not ours to empty.
const OURS: [&str; 6] = [
    "demo-merchant.json",
    "demo-merchant.json.new",
    "dev.lock",
    "master-key",
    "master-key.new",
    "v3",
];

/// The folder that `--state` names, `.florin` in the checkout without it.
pub fn folder(given: Option<String>) -> Result<PathBuf> {
    let folder = given.map_or_else(|| root().join(".florin"), PathBuf::from);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(std::path::absolute(folder)?)
}

/// The folder that `--state` names, where there is a database in it: nothing is made of a name that was misspelt.
pub fn existing(given: Option<String>) -> Result<PathBuf> {
    let folder = given.map_or_else(|| root().join(".florin"), PathBuf::from);
    ensure!(
        has_database(&folder),
        "there is no database in {}: `cargo xtask dev` and `cargo xtask account create` make one",
        folder.display()
    );
    Ok(std::path::absolute(folder)?)
}

/// Whether D1 has kept anything here, by the place where Miniflare lets it.
fn has_database(folder: &Path) -> bool {
    let within = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    within(&folder.join("v3/d1"))
        .flat_map(|kind| within(&kind.path()))
        .any(|file| file.path().extension().is_some_and(|extension| extension == "sqlite"))
}

/// The right to serve a folder's state. It ends with the process, however that ends.
pub struct Claim {
    file: File,
    /// The process group that an earlier run noted and may have left behind.
    before: Option<u32>,
}

/// Keeps a second server away from the folder for as long as the answer lives.
pub fn claim(folder: &Path) -> Result<Claim> {
    let path = folder.join("dev.lock");
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
    if file.try_lock().is_err() {
        bail!("another `cargo xtask dev` serves the state in {}", folder.display());
    }
    let before = fs::read_to_string(&path)?.trim().parse().ok();
    Ok(Claim { file, before })
}

impl Claim {
    /// Notes the process group that serves.
    pub fn note(&self, group: u32) -> Result<()> {
        self.file.set_len(0)?;
        self.file.write_all_at(format!("{group}\n").as_bytes(), 0)?;
        Ok(())
    }

    /// Ends a workerd that outlived a run whose other processes were all killed at once: it still has the port.
    pub fn end_leftovers(&self) -> Result<()> {
        let Some(group) = self.before else {
            return Ok(());
        };
        let Ok(processes) = fs::read_dir("/proc") else {
            return Ok(());
        };
        for process in processes.flatten() {
            let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            // "123 (workerd) S 1 99 ...": the number, the name, the state, the parent, the group.
            let Some((start, rest)) = stat.split_once(" (workerd) ") else {
                continue;
            };
            let id = start.parse().ok().and_then(Pid::from_raw);
            if let Some(id) = id
                && rest.split(' ').nth(2).and_then(|text| text.parse().ok()) == Some(group)
            {
                kill_process(id, Signal::KILL)
                    .context("cannot end a workerd that was left behind")?;
            }
        }
        Ok(())
    }
}

/// Empties the folder, but not one that holds something else too.
pub fn reset(folder: &Path) -> Result<()> {
    let entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    for entry in &entries {
        let name = entry.file_name();
        if !OURS.iter().any(|ours| name == *ours) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_does_not_exist_is_not_made_by_asking_for_it() {
        let folder = std::env::temp_dir().join(format!("florin-typo-{}", std::process::id()));
        let asked = || existing(Some(folder.to_string_lossy().into_owned()));
        let message = asked().expect_err("there is none").to_string();
        assert!(message.contains("there is no database in"), "{message}");
        assert!(!folder.exists(), "nothing is left of it");
        let database = folder.join("v3/d1/miniflare-D1DatabaseObject");
        fs::create_dir_all(&database).expect("a folder");
        assert!(asked().is_err(), "an empty folder is no database");
        fs::write(database.join("1.sqlite"), "").expect("a file");
        assert_eq!(asked().ok(), std::path::absolute(&folder).ok());
        cache::remove(&folder).expect("it is gone");
    }
}
