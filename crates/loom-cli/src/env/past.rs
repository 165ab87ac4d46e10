//! Git's history: since when the ledger of a story is as it is, and what was there before it.
//!
//! In: the story's code, its files, and its ledger as it is on the disk. Out: a [`Past`]. Times are
//! those of commits, never the clock's, and the same history gives the same answer.
//!
//! A file was there before the story where a parent of the commit in which the story's ledger first
//! names it has it; where no commit's ledger names it yet, where `HEAD` has it. What a shallow clone
//! cannot tell is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use gix::{Commit, ObjectId, Tree};
use loom_apply::Root;
use loom_plan::addr::RepoPath;
use loom_plan::diag::Diagnostics;
use loom_plan::handoff::Past;
use loom_plan::ledger::{FOLDER, Ledger};

/// What the history knows; nothing without Git.
///
/// # Errors
/// A sentence that says why the history cannot be read.
pub(crate) fn past(
    root: &Root,
    code: &str,
    now: Option<&str>,
    paths: &BTreeSet<&RepoPath>,
) -> Result<Past, String> {
    let Some(git) = root.git() else {
        return Ok(Past::default());
    };
    let below = root
        .path()
        .strip_prefix(root.top())
        .map(PathBuf::from)
        .unwrap_or_default();
    let failed =
        |error: gix::Error| format!("Git's history in {} cannot be read: {error}", git.display());
    let repository = gix::open_opts(git, gix::open::Options::isolated()).map_err(failed)?;
    let Ok(head) = repository.head_commit() else {
        return Ok(Past::default());
    };
    let search = Search {
        ledger: below.join(format!("{FOLDER}/{code}.jsonl")),
        below,
    };
    let committed = search.committed(head.clone(), now).map_err(failed)?;
    let existed = search.existed(&head, paths).map_err(failed)?;
    Ok(Past { committed, existed })
}

struct Search {
    ledger: PathBuf,
    below: PathBuf,
}

impl Search {
    /// The story's ledger in a commit.
    fn ledger_of(&self, commit: &Commit<'_>) -> gix::Result<Option<ObjectId>> {
        Ok(commit
            .tree()?
            .lookup_entry_by_path(&self.ledger)?
            .map(|entry| entry.object_id()))
    }

    /// When the ledger was committed as it is now: the commit that no parent shares it with.
    fn committed(&self, head: Commit<'_>, now: Option<&str>) -> gix::Result<Option<String>> {
        let (Some(ledger), Some(now)) = (self.ledger_of(&head)?, now) else {
            return Ok(None);
        };
        if head.repo.find_object(ledger)?.data != now.as_bytes() {
            return Ok(None);
        }
        let mut commit = head;
        'newest: loop {
            for parent in commit.parent_ids().collect::<Vec<_>>() {
                // a shallow clone names parents that it does not have
                let Ok(parent) = commit.repo.find_commit(parent.detach()) else {
                    return Ok(None);
                };
                if self.ledger_of(&parent)? == Some(ledger) {
                    commit = parent;
                    continue 'newest;
                }
            }
            let time = gix::date::Time::new(commit.time()?.seconds, 0);
            return Ok(Some(
                time.format_or_unix(gix::date::time::format::ISO8601_STRICT)
                    .replace("+00:00", "Z"),
            ));
        }
    }

    /// Which of the files were there before the story's ledger named them.
    fn existed(
        &self,
        head: &Commit<'_>,
        paths: &BTreeSet<&RepoPath>,
    ) -> gix::Result<BTreeMap<RepoPath, bool>> {
        let mut named = Named {
            search: self,
            ledgers: BTreeMap::new(),
        };
        // newest first, so that what is said last is said of the first commit that names a file
        let newest_first = gix::revision::walk::Sorting::ByCommitTime(
            gix::traverse::commit::simple::CommitTimeOrder::default(),
        );
        let mut existed: BTreeMap<RepoPath, Option<bool>> = BTreeMap::new();
        for commit in head.repo.rev_walk([head.id]).sorting(newest_first).all()? {
            let commit = commit?.object()?;
            let here = named.by(&commit)?;
            if here.is_empty() {
                continue;
            }
            let parents: Vec<Option<Commit<'_>>> = commit
                .parent_ids()
                .map(|id| commit.repo.find_commit(id.detach()).ok())
                .collect();
            let mut before = BTreeSet::new();
            for parent in parents.iter().flatten() {
                before.extend(named.by(parent)?);
            }
            for path in paths
                .iter()
                .filter(|path| here.contains(**path) && !before.contains(**path))
            {
                existed.insert((*path).clone(), self.any_has(&parents, path)?);
            }
        }
        let tree = head.tree()?;
        for path in paths {
            if !existed.contains_key(*path) {
                existed.insert((*path).clone(), Some(self.has(&tree, path)?));
            }
        }
        Ok(existed
            .into_iter()
            .filter_map(|(path, existed)| Some((path, existed?)))
            .collect())
    }

    /// Whether one of the commits has a file; `None` where one of them is not there to tell.
    fn any_has(
        &self,
        commits: &[Option<Commit<'_>>],
        path: &RepoPath,
    ) -> gix::Result<Option<bool>> {
        for commit in commits.iter().flatten() {
            if self.has(&commit.tree()?, path)? {
                return Ok(Some(true));
            }
        }
        Ok(commits.iter().all(Option::is_some).then_some(false))
    }

    fn has(&self, tree: &Tree<'_>, path: &RepoPath) -> gix::Result<bool> {
        Ok(tree
            .lookup_entry_by_path(self.below.join(path.as_str()))?
            .is_some())
    }
}

/// The files that ledgers name, each ledger read once.
struct Named<'a> {
    search: &'a Search,
    ledgers: BTreeMap<ObjectId, BTreeSet<RepoPath>>,
}

impl Named<'_> {
    /// The files that the story's ledger names in a commit.
    fn by(&mut self, commit: &Commit<'_>) -> gix::Result<BTreeSet<RepoPath>> {
        let Some(id) = self.search.ledger_of(commit)? else {
            return Ok(BTreeSet::new());
        };
        if let Some(known) = self.ledgers.get(&id) {
            return Ok(known.clone());
        }
        let text = String::from_utf8_lossy(&commit.repo.find_object(id)?.data).into_owned();
        let ledger = Ledger::read(&[(String::new(), text)], &mut Diagnostics::default());
        let paths: BTreeSet<RepoPath> = ledger
            .records()
            .map(|(_, record)| record.path.clone())
            .collect();
        self.ledgers.insert(id, paths.clone());
        Ok(paths)
    }
}
