//! Git, by `gix`: the history, the files of a commit, and branches.
//!
//! In: the root. Out: texts and files of commits, and one new commit on a branch. To read, nothing
//! of the user's or the machine's settings is asked; to write, only who commits.
//!
//! What a partial clone lacks is asked of the program `git` in one go, before it is read.
//!
//! Deliberately not here: the network, hooks, signatures, and the index and files of the worktree,
//! which stay as they are.

mod branch;
mod commit;
mod history;
#[cfg(test)]
mod scene;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use gix::{ObjectId, Repository};
use loom_apply::git::{FETCH, objects};
use loom_apply::{Lacking, Root};

pub(crate) use branch::{Branch, Entry, NotCommitted};
pub(crate) use commit::{Base, Commit, base_of, commit_of};
pub(crate) use history::Commits;

/// Where a repository is, and the root in it.
#[derive(Clone, Debug)]
struct Place {
    git: PathBuf,
    /// The top of the worktree.
    top: PathBuf,
    /// The root, seen from the top of the worktree.
    below: PathBuf,
}

thread_local! {
    /// The repository that this thread opened last: opening one takes as long as reading many files.
    static OPENED: RefCell<Option<(PathBuf, Repository)>> = const { RefCell::new(None) };
}

impl Place {
    /// Where the root is; `None` where it is in no repository.
    fn of(root: &Root) -> Option<Self> {
        let below = root
            .path()
            .strip_prefix(root.top())
            .map(PathBuf::from)
            .unwrap_or_default();
        Some(Self {
            git: root.git()?.to_owned(),
            top: root.top().to_owned(),
            below,
        })
    }

    fn open(&self) -> gix::Result<Repository> {
        OPENED.with_borrow_mut(|opened| {
            if let Some((_, repository)) = opened.as_ref().filter(|(git, _)| *git == self.git) {
                return Ok(repository.clone());
            }
            let repository = gix::open_opts(&self.git, gix::open::Options::isolated())?;
            *opened = Some((self.git.clone(), repository.clone()));
            Ok(repository)
        })
    }

    /// [`Place::open`], for people.
    fn open_or_say(&self) -> Result<Repository, String> {
        let refuse = |why: &str| {
            let git = self.git.display();
            format!(
                "the Git repository {git} cannot be opened: {why}; loom reads SHA-1 objects, and references in files"
            )
        };
        let repository = self.open().map_err(|error| refuse(&error.to_string()))?;
        match repository.config_snapshot().string("extensions.refStorage") {
            Some(storage) if storage.as_slice() != b"files" => {
                Err(refuse(&format!("its references are in a {storage}")))
            }
            Some(_) | None => Ok(repository),
        }
    }

    /// Sees that the object store has these objects, of which each has its name for people: what a
    /// partial clone lacks, Git fetches at once.
    fn bring(&self, wanted: &BTreeMap<ObjectId, String>) -> Result<(), Lacking> {
        let Ok(repository) = self.open() else {
            // whoever reads the objects says why it does not open
            return Ok(());
        };
        let lacking: BTreeMap<String, String> = wanted
            .iter()
            .filter(|(id, _)| !repository.has_object(*id))
            .map(|(id, what)| (id.to_string(), what.clone()))
            .collect();
        if !lacking.is_empty() {
            objects(&self.top, &lacking)?;
        }
        Ok(())
    }

    /// Whether a remote promises objects that this clone does not have.
    fn is_partial(&self) -> bool {
        self.open().is_ok_and(|repository| {
            let config = repository.config_snapshot();
            let remotes = config.plumbing().sections_by_name("remote");
            remotes
                .into_iter()
                .flatten()
                .any(|remote| remote.value("promisor").is_some())
        })
    }

    /// As [`Place::bring`], for a tree and all that are below it.
    fn bring_trees(&self, tree: ObjectId) -> Result<(), String> {
        let mut level = vec![tree];
        while !level.is_empty() {
            let what = |id: &ObjectId| (*id, "the list of a commit's files".to_owned());
            let lacking = |error: Lacking| format!("{error}; {FETCH}");
            self.bring(&level.iter().map(what).collect())
                .map_err(lacking)?;
            let repository = self.open().map_err(|error| error.to_string())?;
            let mut below = Vec::new();
            for id in level {
                let tree = repository
                    .find_tree(id)
                    .map_err(|error| error.to_string())?;
                let entries = tree.iter().filter_map(Result::ok);
                below.extend(
                    entries
                        .filter(|entry| entry.mode().is_tree())
                        .map(|entry| entry.object_id()),
                );
            }
            below.sort_unstable();
            below.dedup();
            level = below;
        }
        Ok(())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.below.join(path)
    }

    /// The path of a file of the root as Git writes it, seen from the top.
    fn in_git(&self, path: &str) -> Option<String> {
        let path = self.path(path);
        path.to_str().map(str::to_owned)
    }
}
