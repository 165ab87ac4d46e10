//! Owned keys: single keys of a file whose rest belongs to people.
//!
//! In: the data of a document, as a [`Format`] reads it. Out: the paths of what an artifact
//! declares in it, and a content that tells whether a file holds just that.
//!
//! What an artifact owns are the *leaves* of the document that it renders: every value that is
//! neither a mapping nor a list. An entry of a list is found by what it is, never by where it
//! stands: a mapping by its `name` or `id`, a value by itself. A list whose entries cannot be told
//! apart in that way is owned as a whole, and so is an empty list or mapping.
//!
//! Invariants, tested below: a path is read as it was written; two outputs overlap exactly where
//! one of their paths begins the other; the content does not depend on the order of keys.
//!
//! Deliberately not here: how a format is read and edited. That is `loom-providers`' `edit`.

mod data;
pub mod delegate;
mod path;
mod version;

pub use data::{Data, Entry, Form};
pub use path::{KeyPath, Step};

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::addr::{ContentHash, RepoPath};
use crate::provider::Mode;
use crate::snapshot::Content;

/// A format whose keys can be owned.
pub trait Format: Sync + std::fmt::Debug {
    /// Its name for people: `YAML`.
    fn name(&self) -> &'static str;

    /// The file name extensions that tell it.
    fn extensions(&self) -> &'static [&'static str];

    /// Whether a path's name tells it.
    fn is_of(&self, path: &RepoPath) -> bool {
        path.extension()
            .is_some_and(|extension| self.extensions().contains(&extension))
    }

    /// Whether keys of it can be owned: where not, versions in it can be left to somebody all the same.
    fn has_keys(&self) -> bool {
        true
    }

    /// What begins a comment behind a value.
    fn comments(&self) -> &'static [&'static str];

    /// The data of each of the documents of a text, which are several in YAML alone.
    ///
    /// # Errors
    /// As [`Format::read`].
    fn documents(&self, text: &str) -> Result<Vec<Data>, String> {
        Ok(vec![self.read(text)?])
    }

    /// The data of a text, with the places of its values.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the text, and on which line.
    fn read(&self, text: &str) -> Result<Data, String>;

    /// The text as a [`Change`] wants it, and what changed in it. Every other byte stays.
    ///
    /// # Errors
    /// A sentence that says why this cannot be done without touching anything else.
    fn edit(&self, text: &str, change: Change<'_>) -> Result<Edited, String>;

    /// The text with the value at `path`, a list or mapping too, as the document `wanted` has it
    /// there: what stood in it goes. Every other byte stays.
    ///
    /// # Errors
    /// As [`Format::edit`].
    fn put(&self, text: &str, wanted: &str, path: &KeyPath) -> Result<String, String>;

    /// A document of the values at some paths, as they are written in a text. Where something else
    /// cannot be told apart from them it stays, so that no value is ever lost on the way.
    fn extract(&self, text: &str, paths: &[KeyPath]) -> String;

    /// What a person may do where [`Format::edit`] refuses. It is shown, and never written by loom.
    fn propose(&self, text: &str, change: Change<'_>) -> Proposal;
}

/// What is to change in a text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change<'a> {
    /// A document whose leaves are set; of them those that [`Change::stays`] names are not.
    pub wanted: Option<&'a str>,
    /// The keys that stay as the text has them, whatever is wanted there.
    pub stays: &'a [KeyPath],
    /// The keys that are taken out.
    pub unwanted: &'a [KeyPath],
}

impl<'a> Change<'a> {
    /// The leaves of a document are set.
    pub fn set(wanted: &'a str) -> Self {
        Self {
            wanted: Some(wanted),
            ..Self::default()
        }
    }

    /// Keys are taken out.
    pub fn take(unwanted: &'a [KeyPath]) -> Self {
        Self {
            unwanted,
            ..Self::default()
        }
    }
}

/// What a [`Change`] came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The text; `None` where nothing would be left of the file.
    pub text: Option<String>,
    /// What changed in it, in the order in which it was done.
    pub splices: Vec<Spliced>,
}

/// Bytes that gave way to others. Where they stand is said by the key alone: another line in the
/// file changes nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spliced {
    /// The key that was set or taken out.
    pub key: KeyPath,
    /// What stood there.
    pub out: String,
    /// What stands there now.
    pub into: String,
}

/// All that changed in a text, as one hash; `None` where nothing did.
pub fn hash_of(splices: &[Spliced]) -> Option<ContentHash> {
    let fields = splices
        .iter()
        .flat_map(|it| [it.key.to_string(), it.out.clone(), it.into.clone()]);
    let mut text = Vec::new();
    for field in fields {
        text.extend((field.len() as u64).to_le_bytes());
        text.extend(field.as_bytes());
    }
    (!splices.is_empty()).then(|| ContentHash::of(&text))
}

/// What a person may do in place of an edit that is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// The text with all changes that could be worked out.
    pub text: String,
    /// Those that could not, by the lines of the text as it was.
    pub snippets: Vec<Snippet>,
}

/// A change of a file that a person makes by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snippet {
    /// The line that it belongs behind or, where something goes, the line on which that begins; from 1.
    pub line: usize,
    /// Whether it comes or goes.
    pub change: Manual,
    /// The text, in the file's own format.
    pub text: String,
}

/// Whether something comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manual {
    /// It comes.
    Add,
    /// It goes.
    Take,
}

/// The formats that a run knows.
pub type Formats = &'static [&'static dyn Format];

/// The format that a path's name tells, where keys of it can be owned.
pub fn format_of(formats: Formats, path: &RepoPath) -> Option<&'static dyn Format> {
    versions_of(formats, path).filter(|format| format.has_keys())
}

/// The format that a path's name tells, where versions in it can be left to somebody.
pub fn versions_of(formats: Formats, path: &RepoPath) -> Option<&'static dyn Format> {
    formats.iter().copied().find(|format| format.is_of(path))
}

/// The content of those of the paths that are there; `None` where none is. The mode of a file that
/// is shared is none of loom's business.
pub fn content<'a>(data: &Data, paths: impl IntoIterator<Item = &'a KeyPath>) -> Option<Content> {
    content_of(paths, |path| data.get(path))
}

/// As [`content`], where each value comes from where it may.
pub fn content_of<'a, 'd>(
    paths: impl IntoIterator<Item = &'a KeyPath>,
    value: impl Fn(&KeyPath) -> Option<&'d Data>,
) -> Option<Content> {
    let mut lines: Vec<String> = paths
        .into_iter()
        .filter_map(|path| Some(format!("{path}\n{}\n", value(path)?.canonical())))
        .collect();
    lines.sort();
    lines.dedup();
    let hash = || ContentHash::of(lines.concat().as_bytes());
    (!lines.is_empty()).then(|| Content {
        hash: hash(),
        mode: Mode::Plain,
    })
}

/// What a text says at some paths, written into the layout of another document: what that has there
/// besides goes. Where it cannot be, the values stand in the layout of their own text.
pub fn laid_out(format: &dyn Format, layout: &str, text: &str, paths: &[KeyPath]) -> String {
    let own = format.extract(text, paths);
    let says = |text: &str| {
        format
            .read(text)
            .ok()
            .and_then(|data| content(&data, paths))
    };
    let Ok(data) = format.read(&own) else {
        return own;
    };
    let missing: Vec<KeyPath> = paths
        .iter()
        .filter(|path| data.get(path).is_none())
        .cloned()
        .collect();
    let change = Change {
        unwanted: &missing,
        ..Change::set(&own)
    };
    match format.edit(layout, change).map(|edited| edited.text) {
        Ok(Some(text)) if says(&text) == says(&own) => text,
        Ok(_) | Err(_) => own,
    }
}

/// The first two paths, one of each list, of which one begins the other.
pub fn overlap<'a>(one: &'a [KeyPath], other: &'a [KeyPath]) -> Option<(&'a KeyPath, &'a KeyPath)> {
    let sorted: BTreeSet<&KeyPath> = other.iter().collect();
    one.iter().find_map(|path| {
        let above =
            (1..=path.steps().len()).find_map(|length| sorted.get(&path.first(length)).copied());
        let below = || {
            sorted
                .range::<KeyPath, _>(path..)
                .next()
                .copied()
                .filter(|found| found.begins_with(path))
        };
        above.or_else(below).map(|found| (path, found))
    })
}

#[cfg(test)]
mod tests;
