//! The version before this one: which revision that is, by the repository's own history, and its Worker, built from its
//! own source with this version's tools and kept by its commit in the cache.
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::build;
use crate::cache::{self, root};
use crate::command::output;
use crate::setup::Tools;

/// What is kept of a version: its Worker, how that is bound, and the schema that it knows.
const KEPT: [&str; 3] = ["build", "wrangler.toml", "migrations"];

/// Builds the Worker of a revision, or of the version before this one, unless that was done before. Answers with the folder
/// that has its `wrangler.toml`, `build` and `migrations`.
pub fn build(tools: &Tools, revision: Option<&str>, fast: bool) -> Result<PathBuf> {
    let root = root();
    let commit = match revision {
        Some(revision) => commit(&root, revision)?,
        None => before(&root)?,
    };
    let said = git(&root, &["log", "-1", "--format=%h of %cs: %s", &commit])?;
    eprintln!("previous: {said}");
    // In a place of its own outside the checkout, whose settings of cargo would be added to its own. What it compiles stays
    // away from this version's, which cargo would not tell from it everywhere.
    let profile = if fast { "fast" } else { "release" };
    cache::keep_in_place(&format!("worker-{commit}-{profile}"), |folder| {
        unpack(&root, &commit, folder)?;
        build::build_other(tools, folder, fast)
            .with_context(|| format!("cannot build the Worker of {said}"))?;
        leave_only_kept(folder)
    })
}

/// What is taken for the version before this one: the newest release before this commit, else the commit before the one
/// that last changed the schema, so that an old version under a new schema is among what is tried.
fn before(root: &Path) -> Result<String> {
    if !git(root, &["status", "--porcelain", "--", "migrations"])?.is_empty() {
        return commit(root, "HEAD");
    }
    let release = ["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD^"];
    if let Ok(tag) = git(root, &release) {
        return commit(root, &tag);
    }
    let changed = ["log", "-1", "--format=%H", "--", "migrations"];
    let changed = git(root, &changed)?;
    if let Ok(before) = commit(root, &format!("{changed}^")) {
        return Ok(before);
    }
    if git(root, &["rev-parse", "--is-shallow-repository"])? == "true" {
        bail!(
            "this clone is shallow, and ends before the schema last changed: `git fetch --unshallow` brings the version \
             before this one, or --previous names another"
        );
    }
    bail!("the schema has never changed: --previous names the version to run beside this one")
}

fn commit(root: &Path, revision: &str) -> Result<String> {
    let name = format!("{revision}^{{commit}}");
    git(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &name])
        .with_context(|| format!("this clone has no revision {revision}"))
}

fn git(root: &Path, arguments: &[&str]) -> Result<String> {
    output(Command::new("git").arg("-C").arg(root).args(arguments))
}

/// Puts a commit's files into a folder.
fn unpack(root: &Path, commit: &str, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let archive = folder.with_extension("tar");
    git(root, &["archive", "--output", &archive.to_string_lossy(), commit])?;
    let mut tar = Command::new("tar");
    tar.current_dir(folder).arg("--extract").stdin(File::open(&archive)?);
    let status = tar.status().context("cannot run `tar`; is it installed?")?;
    ensure!(status.success(), "cannot unpack {}", archive.display());
    cache::remove(&archive)
}

fn leave_only_kept(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !KEPT.iter().any(|kept| entry.file_name() == *kept) {
            cache::remove(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository of its own, which goes when this does.
    struct Repository(PathBuf);

    impl Drop for Repository {
        fn drop(&mut self) {
            cache::remove(&self.0).expect("it is gone");
        }
    }

    impl Repository {
        fn new(name: &str) -> Self {
            let folder = format!("florin-previous-{name}-{}", std::process::id());
            let folder = std::env::temp_dir().join(folder);
            fs::create_dir_all(folder.join("migrations")).expect("a folder");
            git(&folder, &["init", "--quiet"]).expect("a repository");
            Self(folder)
        }

        /// Writes a file and commits it; the commit's name.
        fn commits(&self, path: &str, text: &str) -> String {
            fs::write(self.0.join(path), text).expect("a file");
            git(&self.0, &["add", path]).expect("added");
            let who = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
            git(&self.0, &[&who[..], &["commit", "--quiet", "--message", path]].concat())
                .expect("a commit");
            commit(&self.0, "HEAD").expect("it is there")
        }
    }

    #[test]
    fn the_version_before_is_that_of_before_the_schema_changed_or_the_newest_release() {
        let repository = Repository::new("order");
        let root = &repository.0;
        repository.commits("migrations/1.sql", "1");
        assert!(before(root).expect_err("one commit").to_string().contains("never changed"));
        let old = repository.commits("code", "1");
        repository.commits("migrations/2.sql", "2");
        let new = repository.commits("code", "2");
        assert_eq!(before(root).ok().as_ref(), Some(&old));
        git(root, &["tag", "v1.0.0", "HEAD^"]).expect("a tag");
        let newest = repository.commits("code", "3");
        git(root, &["tag", "v1.1.0"]).expect("a tag");
        let released = commit(root, "v1.0.0").expect("a release");
        assert_eq!(before(root).ok(), Some(released), "a release is not before itself");
        assert_ne!(new, newest);
        fs::write(root.join("migrations/3.sql"), "3").expect("a file");
        assert_eq!(before(root).ok(), Some(newest), "what is not committed has changed the schema");
    }

    #[test]
    fn a_shallow_clone_is_told_that_it_has_no_history() {
        let repository = Repository::new("whole");
        repository.commits("migrations/1.sql", "1");
        repository.commits("code", "1");
        let shallow = Repository(repository.0.with_extension("shallow"));
        let (from, to) = (format!("file://{}", repository.0.display()), &shallow.0);
        git(&repository.0, &["clone", "--quiet", "--depth", "1", &from, &to.to_string_lossy()])
            .expect("a clone");
        let told = before(to).expect_err("it is not there").to_string();
        assert!(told.contains("`git fetch --unshallow`"), "{told}");
    }
}
