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

    /// What begins a comment.
    fn comments(&self) -> &'static [&'static str];

    /// The data of a text, with the places of its values.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the text, and on which line.
    fn read(&self, text: &str) -> Result<Data, String>;

    /// The text with the leaves of the document `wanted` set and those of `unwanted` taken out;
    /// `None` where nothing would be left of the file. Every other byte stays.
    ///
    /// # Errors
    /// A sentence that says why this cannot be done without touching anything else.
    fn edit(
        &self,
        text: &str,
        wanted: Option<&str>,
        unwanted: &[KeyPath],
    ) -> Result<Option<String>, String>;

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
    fn propose(&self, text: &str, wanted: Option<&str>, unwanted: &[KeyPath]) -> Proposal;
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

/// The format that a path's name tells.
pub fn format_of(formats: Formats, path: &RepoPath) -> Option<&'static dyn Format> {
    let extension = path.extension()?;
    formats
        .iter()
        .copied()
        .find(|format| format.extensions().contains(&extension))
}

/// The content of those of the paths that are there; `None` where none is. The mode of a file that
/// is shared is none of loom's business.
pub fn content<'a>(data: &Data, paths: impl IntoIterator<Item = &'a KeyPath>) -> Option<Content> {
    let mut lines: Vec<String> = paths
        .into_iter()
        .filter_map(|path| Some(format!("{path}\n{}\n", data.get(path)?.canonical())))
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
    match format.edit(layout, Some(&own), &missing) {
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
