//! Edits that are merged: which there are, and what they come to.
//!
//! In: what planning looks at, and for each edit the text that loom last rendered, the *base*, which
//! a [`History`] finds. Out: [`Merges`], which the plan, its contents and its digest are made with.
//!
//! The mode, executable or not, is merged as the text is; two values cannot clash. A merge that
//! would take something stateful out of a file that `removed:` does not name is a clash.
//!
//! Deliberately not here: how texts are merged ([`crate::merge`]), and what is decided of it.

use std::collections::{BTreeMap, BTreeSet};

use super::known::Key;
use crate::addr::{ContentHash, RepoPath};
use crate::merge::{Clash, Grammar, Sides, merge};
use crate::provider::Mode;
use crate::snapshot::{Content, Part};

/// An output whose edit is to be merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToMerge {
    /// The output.
    pub output: Key,
    /// Where the edited file stands: of a move, the old path.
    pub at: RepoPath,
    /// What loom last rendered.
    pub rendered: Content,
    /// What is there.
    pub observed: Content,
}

/// A text that loom rendered earlier: where it was, and its hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// The path.
    pub path: RepoPath,
    /// The part of the file.
    pub part: Part,
    /// Its hash: of a whole file without the header.
    pub rendered: ContentHash,
}

/// Finds texts that loom rendered earlier.
pub trait History {
    /// Those that are found, each with the wanted hash. What is not found is left out.
    ///
    /// # Errors
    /// A sentence that says why the history cannot be read.
    fn texts(&self, wanted: &BTreeSet<Wanted>) -> Result<BTreeMap<Wanted, String>, String>;
}

/// What an edit and loom's change come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The text, without header or markers.
    pub text: String,
    /// Its hash, and the mode.
    pub content: Content,
}

/// The merges of a run, by output.
#[derive(Clone, Debug, Default)]
pub struct Merges(BTreeMap<Key, Result<Merged, Vec<Clash>>>);

impl Merges {
    /// Adds what merging an output came to.
    pub fn insert(&mut self, output: Key, merged: Result<Merged, Vec<Clash>>) {
        self.0.insert(output, merged);
    }

    /// What merging an output came to, where it was merged.
    pub fn get(&self, path: &RepoPath, part: &Part) -> Option<&Result<Merged, Vec<Clash>>> {
        self.0.get(&(path.clone(), part.clone()))
    }

    /// The merged text of an output, if it is this content.
    pub fn text(&self, path: &RepoPath, part: &Part, content: Content) -> Option<&str> {
        let merged = self.get(path, part)?.as_ref().ok()?;
        (merged.content == content).then_some(merged.text.as_str())
    }
}

impl FromIterator<(Key, Result<Merged, Vec<Clash>>)> for Merges {
    fn from_iter<I: IntoIterator<Item = (Key, Result<Merged, Vec<Clash>>)>>(merges: I) -> Self {
        Self(merges.into_iter().collect())
    }
}

/// The modes of the three sides.
#[derive(Clone, Copy, Debug)]
pub struct Modes {
    /// What loom last rendered.
    pub base: Mode,
    /// What is there.
    pub observed: Mode,
    /// What loom renders now.
    pub desired: Mode,
}

impl Modes {
    /// Where loom did not change it, the person's; two values leave nothing else to differ in.
    fn merged(self) -> Mode {
        if self.base == self.desired { self.observed } else { self.desired }
    }
}

/// Merges an output. `dropped` says what the second text no longer describes outside the repository.
///
/// # Errors
/// What clashes.
pub fn combine(
    sides: Sides<'_>,
    modes: Modes,
    grammar: Option<&dyn Grammar>,
    dropped: &dyn Fn(&str, &str) -> Vec<String>,
) -> Result<Merged, Vec<Clash>> {
    let text = merge(sides, grammar)?;
    let lost: Vec<Clash> = dropped(sides.observed, &text).into_iter().map(Clash::Dropped).collect();
    if !lost.is_empty() {
        return Err(lost);
    }
    let content = Content { hash: ContentHash::of(text.as_bytes()), mode: modes.merged() };
    Ok(Merged { text, content })
}
