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
use crate::keys::delegate::{Left, without_versions, without_versions_in};
use crate::keys::{self, Formats, KeyPath};
use crate::merge::keys::{ByKeys, by_keys};
use crate::merge::{Clash, Grammar, Sides, merge};
use crate::render::{Desired, Output};
use crate::snapshot::{Content, Part};
use crate::{block, header};

/// Where an output stands, and what the ledger knows of it there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stand {
    /// The file: of a move, the old path.
    pub path: RepoPath,
    /// The part of it.
    pub part: Part,
    /// Of keys, those that the ledger knows.
    pub keys: Vec<KeyPath>,
}

impl Stand {
    /// What the bytes of its file hold of it: of a whole file all but the header, of a block its
    /// body, of keys the file; `None` where it is no text.
    pub fn text_in(&self, bytes: &[u8]) -> Option<String> {
        match &self.part {
            Part::Whole => String::from_utf8(header::strip(bytes, &self.path))
                .ok()
                .filter(|text| !text.contains('\0')),
            Part::Keys(_) => std::str::from_utf8(bytes).ok().map(str::to_owned),
            Part::Block(address) => {
                let found = block::find(
                    std::str::from_utf8(bytes).ok()?,
                    block::comment_of(&self.path)?,
                    address,
                );
                found.pair().map(std::borrow::Cow::into_owned)
            }
        }
    }
}

/// An output whose edit is to be merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToMerge {
    /// The output.
    pub output: Key,
    /// Where it was edited.
    pub stand: Stand,
    /// What for.
    pub purpose: Purpose,
    /// Of keys, those that somebody had set before loom wrote any, and that stay as they are.
    pub taken: Vec<KeyPath>,
    /// What loom last rendered.
    pub rendered: Content,
    /// What is there.
    pub observed: Content,
}

/// What the text of an output is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be merged with what loom changes.
    Merge,
    /// To be carried to another place as it is.
    Carry,
}

/// A text that loom rendered earlier: where it was, and its hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// Where it was.
    pub stand: Stand,
    /// Which versions of it somebody else keeps.
    pub left: Option<Left>,
    /// Its hash, as contents are counted.
    pub rendered: ContentHash,
}

impl Wanted {
    /// Whether a text says what was rendered, as it was counted then: with what is delegated today
    /// or, where that came later, without.
    pub fn is(&self, formats: Formats, text: &str) -> bool {
        let counted = |left: Option<&Left>| {
            let format = keys::versions_of(formats, &self.stand.path);
            match (&self.stand.part, format, left) {
                (Part::Keys(_), None, _) => None,
                (Part::Keys(_), Some(format), left) => {
                    let data = without_versions_in(&format.read(text).ok()?, left);
                    keys::content(&data, &self.stand.keys).map(|content| content.hash)
                }
                (Part::Whole, Some(format), Some(left)) => Some(ContentHash::of(
                    without_versions(format, text, left).as_bytes(),
                )),
                (Part::Whole | Part::Block(_), _, _) => Some(ContentHash::of(text.as_bytes())),
            }
        };
        counted(self.left.as_ref()) == Some(self.rendered) || counted(None) == Some(self.rendered)
    }
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
    /// The text, without header or markers; of keys a document that holds them.
    pub text: String,
    /// Its hash as contents are counted, and the mode.
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

/// An edit that goes along with its output as it is; `text` is its side.
///
/// # Errors
/// That it cannot be read.
pub fn carried(
    desired: &Desired,
    output: &Output,
    carrying: &ToMerge,
    text: String,
) -> Result<Merged, Vec<Clash>> {
    let content = desired
        .counted(output, &carrying.stand, &text)
        .ok_or_else(|| vec![Clash::Meaning])?;
    Ok(Merged {
        text,
        content: Content {
            mode: carrying.observed.mode,
            ..content
        },
    })
}

/// Merges an output of `desired`, whose sides are as [`Desired::side`] gives them. `dropped` says
/// what the second text no longer describes outside the repository.
///
/// # Errors
/// What clashes.
pub fn combine(
    (desired, output): (&Desired, &Output),
    merging: &ToMerge,
    sides: Sides<'_>,
    grammar: Option<&dyn Grammar>,
    dropped: &dyn Fn(&str, &str) -> Vec<String>,
) -> Result<Merged, Vec<Clash>> {
    let format = keys::format_of(desired.formats, &output.place.path);
    let text = match (&output.part, format) {
        (Part::Keys(_), Some(format)) => by_keys(
            ByKeys {
                format,
                recorded: &merging.stand.keys,
                desired: &output.keys,
                taken: &merging.taken,
                left: output.left(),
            },
            sides,
        )?,
        (Part::Whole | Part::Block(_) | Part::Keys(_), _) => merge(sides, grammar)?,
    };
    let lost: Vec<Clash> = dropped(sides.observed, &text)
        .into_iter()
        .map(Clash::Dropped)
        .collect();
    if !lost.is_empty() {
        return Err(lost);
    }
    // where loom did not change the mode it is the person's; two values leave nothing else to differ in
    let mode = if merging.rendered.mode == output.place.mode {
        merging.observed.mode
    } else {
        output.place.mode
    };
    let content = desired
        .counted(output, &merging.stand, &text)
        .ok_or_else(|| vec![Clash::Value(String::new())])?;
    Ok(Merged {
        text,
        content: output.part.counts(Content { mode, ..content }),
    })
}
