//! The sides of an output: what a file says of it, as a text that can be merged, resolved and traced.
//!
//! In: the text of a file, and where in it the output stands. Out: of a whole file or a block its
//! text; of keys a document of those alone, in the layout of what loom renders, so that both sides can
//! be compared line by line. Versions that are delegated are on all sides those of the file.
//!
//! Invariant: a side counts as what it was taken from ([`Desired::counted`]).

use std::collections::BTreeSet;

use super::{Desired, Output, delegation};
use crate::keys::delegate::{with_versions_of, without_versions_in};
use crate::keys::{self, KeyPath};
use crate::plan::merging::Stand;
use crate::provider::Failure;
use crate::snapshot::{Content, Part};

impl Desired {
    /// What loom renders of an output, beside the text of a file.
    ///
    /// # Errors
    /// As [`Desired::text`].
    pub fn text_beside(&self, output: &Output, there: &str) -> Result<String, Failure> {
        Ok(delegation::with_versions(
            self.formats,
            output,
            self.text(output)?,
            Some(there),
        ))
    }

    /// What a text of a file says of an output: `text` as [`Stand::text_in`] gives it.
    ///
    /// # Errors
    /// As [`Desired::text`].
    pub fn side(&self, output: &Output, stand: &Stand, text: &str) -> Result<String, Failure> {
        match (&output.part, keys::format_of(self.formats, &stand.path)) {
            (Part::Keys(_), Some(format)) => {
                let data = format.read(text).ok();
                let recorded: BTreeSet<&KeyPath> = stand.keys.iter().collect();
                // a key that loom has yet to write is missing, and nobody took it out
                let is_yet_to_come = |key: &KeyPath| {
                    let is_there = data.as_ref().is_some_and(|data| data.get(key).is_some());
                    !is_there && !recorded.contains(key)
                };
                let mut keys = all_keys(output, stand);
                keys.retain(|key| !is_yet_to_come(key));
                Ok(keys::laid_out(format, &self.text(output)?, text, &keys))
            }
            (Part::Whole | Part::Block(_) | Part::Keys(_), _) => Ok(text.to_owned()),
        }
    }

    /// A text of an earlier time with the versions that stand in the file now.
    pub fn with_versions(&self, output: &Output, text: &str, there: &str) -> String {
        match (
            output.left(),
            keys::versions_of(self.formats, &output.place.path),
        ) {
            (Some(left), Some(format)) => with_versions_of(format, text, there, left),
            (Some(_) | None, _) => text.to_owned(),
        }
    }

    /// How a side of an output counts; `None` where it cannot be read, or has none of the keys.
    pub fn counted(&self, output: &Output, stand: &Stand, text: &str) -> Option<Content> {
        match (
            &output.part,
            keys::format_of(self.formats, &output.place.path),
        ) {
            (Part::Keys(_), Some(format)) => keys::content(
                &without_versions_in(&format.read(text).ok()?, output.left()),
                &all_keys(output, stand),
            ),
            (Part::Whole | Part::Block(_) | Part::Keys(_), _) => {
                Some(delegation::content(self.formats, output, text))
            }
        }
    }
}

/// The keys that are desired, and those that the ledger knows.
fn all_keys(output: &Output, stand: &Stand) -> Vec<KeyPath> {
    let mut all: Vec<KeyPath> = output.keys.iter().chain(&stand.keys).cloned().collect();
    all.sort();
    all.dedup();
    all
}
