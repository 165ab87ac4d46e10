//! What stood in files before somebody edited them: where it is known, findings in it are old.
//!
//! In: what is recorded and what is there; the files of a base, where one is compared with. Out: the
//! texts of files that loom did not write as they are: those that were adopted, merged or edited, and
//! those that nobody manages.
//!
//! *Before* is the base of `--against`, else the text that the ledger names as `written`: it is on the
//! disk where nobody edited the file since, else in the object store or in Git's history, by its hash.
//! Where it cannot be had, everything counts as new. A file that is as loom rendered it has no before:
//! what is found in it, loom wrote.

use std::collections::{BTreeMap, BTreeSet};

use loom_apply::Objects;
use loom_plan::addr::RepoPath;
use loom_plan::ledger::{Owned, Record};
use loom_plan::plan::Verb;
use loom_plan::plan::merging::{History as _, Stand, Wanted};
use loom_plan::snapshot::{Observed, Part};

use super::Desk;
use super::files::Files;
use super::pass::{self, Planned, REGISTRY, Seen};
use crate::env::Commits;

/// The texts, by path.
#[derive(Debug, Default)]
pub(super) struct Before(BTreeMap<RepoPath, String>);

impl Before {
    /// The text of a file.
    pub(super) fn text(&self, path: &RepoPath) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// What stood at paths before the tree came to what it is: in the base, where there is one.
    pub(super) fn of(
        desk: &Desk<'_>,
        seen: &Seen,
        paths: impl IntoIterator<Item = RepoPath>,
        base: Option<&dyn Files>,
    ) -> Self {
        let mut found = Self::default();
        let mut open: BTreeSet<Wanted> = BTreeSet::new();
        let paths: BTreeSet<RepoPath> = paths.into_iter().collect();
        for path in paths {
            let record = seen
                .known
                .get(&path, &Part::Whole)
                .map(|known| &known.record);
            let is_left = record.is_some_and(|it| is_as_left(seen, it));
            if record.is_some_and(|it| it.rendered == it.written) && is_left {
                continue;
            }
            if let Some(base) = base {
                found.take(path.clone(), base.bytes(&path).ok());
            } else if is_left {
                found.take(path.clone(), desk.files().bytes(&path).ok());
            } else if let Some(record) = record.filter(|it| matches!(it.own, Owned::As(_))) {
                open.insert(wanted(record));
            }
        }
        found.look_for(desk, open);
        found
    }

    /// As [`Before::of`], of the files that a plan acts on. A file that is taken over as it is stood
    /// there before.
    pub(super) fn of_plan(desk: &Desk<'_>, planned: &Planned, others: BTreeSet<RepoPath>) -> Self {
        let actions = planned.outcome.actions();
        let acted = actions.iter().map(|action| action.old_path().clone());
        let mut found = Self::of(desk, &planned.seen, acted.chain(others), None);
        for action in actions.iter().filter(|action| action.verb == Verb::Adopt) {
            if planned.seen.known.get(&action.path, &Part::Whole).is_none() {
                found.take(action.path.clone(), desk.files().bytes(&action.path).ok());
            }
        }
        found
    }

    fn take(&mut self, path: RepoPath, bytes: Option<Vec<u8>>) {
        if let Some(text) = bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
            self.0.insert(path, text);
        }
    }

    /// The object store, then Git's history.
    fn look_for(&mut self, desk: &Desk<'_>, mut open: BTreeSet<Wanted>) {
        if open.is_empty() {
            return;
        }
        let objects = Objects::open(&desk.root);
        open.retain(|wanted| {
            let text = objects.get(wanted.rendered, &|text| wanted.is(REGISTRY.formats, text));
            if let Some(text) = text {
                self.0.insert(wanted.stand.path.clone(), text.to_owned());
            }
            text.is_none()
        });
        let render = |input: &dyn loom_plan::input::Input| pass::rendered(input);
        // a history that cannot be read has nothing that could be called old
        let Ok(Some(commits)) = Commits::open(&desk.root, &render) else {
            return;
        };
        for (wanted, text) in commits.texts(&open).unwrap_or_default() {
            self.0.insert(wanted.stand.path, text);
        }
    }
}

/// Whether a file is as it was left.
fn is_as_left(seen: &Seen, record: &Record) -> bool {
    *seen.snapshot.whole(&record.path) == Observed::File(record.written)
}

fn wanted(record: &Record) -> Wanted {
    Wanted {
        stand: Stand {
            path: record.path.clone(),
            part: Part::Whole,
            keys: Vec::new(),
        },
        left: None,
        rendered: record.written.hash,
    }
}
