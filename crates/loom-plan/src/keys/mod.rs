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
    fn edit(&self, text: &str, wanted: Option<&str>, unwanted: &[KeyPath]) -> Result<Option<String>, String>;

    /// The text with the value at `path`, a list or mapping too, as the document `wanted` has it
    /// there: what stood in it goes. Every other byte stays.
    ///
    /// # Errors
    /// As [`Format::edit`].
    fn put(&self, text: &str, wanted: &str, path: &KeyPath) -> Result<String, String>;
}

/// The formats that a run knows.
pub type Formats = &'static [&'static dyn Format];

/// The format that a path's name tells.
pub fn format_of(formats: Formats, path: &RepoPath) -> Option<&'static dyn Format> {
    let extension = path.extension()?;
    formats.iter().copied().find(|format| format.extensions().contains(&extension))
}

/// The content of those of the paths that are there; `None` where none is. The mode of a file that
/// is shared is none of loom's business.
pub fn content<'a>(data: &Data, paths: impl IntoIterator<Item = &'a KeyPath>) -> Option<Content> {
    let mut lines: Vec<String> =
        paths.into_iter().filter_map(|path| Some(format!("{path}\n{}\n", data.get(path)?.canonical()))).collect();
    lines.sort();
    lines.dedup();
    let hash = || ContentHash::of(lines.concat().as_bytes());
    (!lines.is_empty()).then(|| Content { hash: hash(), mode: Mode::Plain })
}

/// The first two paths, one of each list, of which one begins the other.
pub fn overlap<'a>(one: &'a [KeyPath], other: &'a [KeyPath]) -> Option<(&'a KeyPath, &'a KeyPath)> {
    let sorted: BTreeSet<&KeyPath> = other.iter().collect();
    one.iter().find_map(|path| {
        let above = (1..=path.steps().len()).find_map(|length| sorted.get(&path.first(length)).copied());
        let below = || sorted.range::<KeyPath, _>(path..).next().copied().filter(|found| found.begins_with(path));
        above.or_else(below).map(|found| (path, found))
    })
}

#[cfg(test)]
mod tests;
