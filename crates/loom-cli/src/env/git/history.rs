//! Git's history: texts that loom rendered earlier, found again in commits.
//!
//! In: the root, and how an input is rendered. Out: texts, each checked against its hash. Two ways
//! lead to one. The file itself was committed as it was rendered; or, after a merge or an edit that
//! was kept, only the ledger was: then the input of that commit is rendered again.
//!
//! Nothing of the user's or the machine's settings of Git is read, and nothing is written.
//!
//! Deliberately not here: what is not reachable from `HEAD`, and objects that a shallow or partial
//! clone lacks.

use std::collections::{BTreeMap, BTreeSet};

use gix::{ObjectId, Repository};
use loom_apply::Root;
use loom_apply::git::FETCH;
use loom_plan::input::Input;
use loom_plan::ledger;
use loom_plan::plan::merging::{History, Wanted};
use loom_plan::render::Desired;
use loom_providers::FORMATS;

use super::{Commit, Place};

/// Renders an input; `None` where it has errors.
pub(crate) type Render<'a> = dyn Fn(&dyn Input) -> Option<Desired> + 'a;

/// The commits that `HEAD` leads to.
pub(crate) struct Commits<'a> {
    repository: Repository,
    place: Place,
    render: &'a Render<'a>,
}

impl std::fmt::Debug for Commits<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Commits")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl<'a> Commits<'a> {
    /// Opens the repository that the root is in, if it is in one.
    ///
    /// # Errors
    /// A sentence that says why it cannot be opened.
    pub(crate) fn open(root: &Root, render: &'a Render<'a>) -> Result<Option<Self>, String> {
        let Some(place) = Place::of(root) else {
            return Ok(None);
        };
        let repository = place.open_or_say()?;
        Ok(Some(Self {
            repository,
            place,
            render,
        }))
    }

    /// Whether the history ends before its beginning.
    pub(crate) fn is_shallow(&self) -> bool {
        self.repository.is_shallow().unwrap_or(false)
    }

    /// The files of a tree, where they can be listed.
    fn files(&self, tree: ObjectId) -> Option<Commit> {
        Commit::of_tree(self.place.clone(), tree).ok()
    }

    /// In a partial clone, has Git fetch all that the search will look at: what the files and the
    /// ledger were in each commit.
    fn bring(&self, wanted: &BTreeSet<Wanted>) -> Result<(), String> {
        if !self.place.is_partial() {
            return Ok(());
        }
        let mut blobs = BTreeMap::new();
        let mut list = || -> gix::Result<()> {
            let Ok(head) = self.repository.head_id() else {
                return Ok(());
            };
            for commit in self.repository.rev_walk([head]).all()? {
                let tree = commit?.object()?.tree()?;
                for Wanted { stand, .. } in wanted {
                    let entry = tree.lookup_entry_by_path(self.place.path(stand.path.as_str()))?;
                    if let Some(entry) = entry.filter(|entry| entry.mode().is_blob()) {
                        blobs.insert(entry.object_id(), stand.path.to_string());
                    }
                }
                let folder = tree.lookup_entry_by_path(self.place.path(ledger::FOLDER))?;
                if let Some(folder) = folder.filter(|folder| folder.mode().is_tree()) {
                    for file in folder.object()?.into_tree().iter() {
                        blobs.insert(file?.object_id(), "an earlier ledger".to_owned());
                    }
                }
            }
            Ok(())
        };
        // what cannot be listed is said by the search itself
        drop(list());
        self.place
            .bring(&blobs)
            .map_err(|error| format!("{error}\n  help: {FETCH}"))
    }

    fn search(&self, wanted: &BTreeSet<Wanted>) -> gix::Result<BTreeMap<Wanted, String>> {
        let Ok(head) = self.repository.head_id() else {
            return Ok(BTreeMap::new());
        };
        let newest_first = gix::revision::walk::Sorting::ByCommitTime(
            gix::traverse::commit::simple::CommitTimeOrder::default(),
        );
        let mut search = Search::new(self, wanted);
        for commit in self
            .repository
            .rev_walk([head])
            .sorting(newest_first)
            .all()?
        {
            if search.open.is_empty() {
                break;
            }
            search.look_into(commit?.object()?.tree_id()?.detach())?;
        }
        search.render_again();
        Ok(search.found)
    }
}

impl History for Commits<'_> {
    fn texts(&self, wanted: &BTreeSet<Wanted>) -> Result<BTreeMap<Wanted, String>, String> {
        self.bring(wanted)?;
        self.search(wanted)
            .map_err(|error| format!("Git's history cannot be read: {error}"))
    }
}

/// A walk through the commits.
struct Search<'a> {
    commits: &'a Commits<'a>,
    open: BTreeSet<Wanted>,
    found: BTreeMap<Wanted, String>,
    trees: BTreeSet<ObjectId>,
    /// Files that were looked at.
    blobs: BTreeSet<(Wanted, ObjectId)>,
    /// What each ledger that was looked at names, of what is wanted.
    ledgers: BTreeMap<ObjectId, BTreeSet<Wanted>>,
    /// The newest and the oldest tree whose ledger names a text.
    named: BTreeMap<Wanted, (ObjectId, ObjectId)>,
}

impl<'a> Search<'a> {
    fn new(commits: &'a Commits<'a>, wanted: &BTreeSet<Wanted>) -> Self {
        Self {
            commits,
            open: wanted.clone(),
            found: BTreeMap::new(),
            trees: BTreeSet::new(),
            blobs: BTreeSet::new(),
            ledgers: BTreeMap::new(),
            named: BTreeMap::new(),
        }
    }

    /// Looks at the files of a commit.
    fn look_into(&mut self, tree_id: ObjectId) -> gix::Result<()> {
        if !self.trees.insert(tree_id) {
            return Ok(());
        }
        let tree = self.commits.repository.find_tree(tree_id)?;
        for wanted in self.open.clone() {
            let path = &wanted.stand.path;
            let Some(entry) = tree.lookup_entry_by_path(self.commits.place.path(path.as_str()))?
            else {
                continue;
            };
            // two parts of one file are looked for in it apart
            if !entry.mode().is_blob() || !self.blobs.insert((wanted.clone(), entry.object_id())) {
                continue;
            }
            let bytes = entry.object()?.detach().data;
            let text = wanted
                .stand
                .text_in(&bytes)
                .filter(|text| wanted.is(FORMATS, text));
            if let Some(text) = text {
                self.open.remove(&wanted);
                self.found.insert(wanted, text);
            }
        }
        for wanted in self.named_by(&tree)? {
            self.named
                .entry(wanted)
                .and_modify(|(_, oldest)| *oldest = tree_id)
                .or_insert((tree_id, tree_id));
        }
        Ok(())
    }

    /// What is wanted and named by the ledger of a tree.
    fn named_by(&mut self, tree: &gix::Tree<'_>) -> gix::Result<BTreeSet<Wanted>> {
        let Some(folder) = tree.lookup_entry_by_path(self.commits.place.path(ledger::FOLDER))?
        else {
            return Ok(BTreeSet::new());
        };
        let id = folder.object_id();
        if let Some(known) = self.ledgers.get(&id) {
            return Ok(known.clone());
        }
        let mut named = BTreeSet::new();
        if folder.mode().is_tree() {
            for file in folder.object()?.into_tree().iter() {
                let text = String::from_utf8_lossy(&file?.object()?.data).into_owned();
                let holds = |wanted: &&Wanted| text.contains(&wanted.rendered.to_string());
                named.extend(self.open.iter().filter(holds).cloned());
            }
        }
        self.ledgers.insert(id, named.clone());
        Ok(named)
    }

    /// Renders the input of the commits whose ledger names what was not found: the one that first
    /// named it, in which it was rendered, and the last one.
    fn render_again(&mut self) {
        let open: Vec<Wanted> = self.open.iter().cloned().collect();
        let mut rendered: BTreeMap<ObjectId, Option<Desired>> = BTreeMap::new();
        for wanted in open {
            let Some((newest, oldest)) = self.named.get(&wanted).copied() else {
                continue;
            };
            for tree in [oldest, newest] {
                let desired = rendered
                    .entry(tree)
                    .or_insert_with(|| (self.commits.render)(&self.commits.files(tree)?));
                let output = desired.as_ref().and_then(|desired| {
                    Some((
                        desired,
                        desired.find(&wanted.stand.path, &wanted.stand.part)?,
                    ))
                });
                let text = output.filter(|(_, output)| output.content.hash == wanted.rendered);
                if let Some(text) = text.and_then(|(desired, output)| desired.text(output).ok()) {
                    self.found.insert(wanted, text);
                    break;
                }
            }
        }
    }
}
