//! What loom says: plans, drift and diagnostics, for people and for programs.
//!
//! In: an outcome, and a [`Contents`] that fetches the bytes of one action at a time. Out: text or
//! JSON, written as it goes: memory does not grow with the number of files.
//!
//! Invariants: the same input gives the same bytes; everything can be read without colour; no
//! control character of a file reaches a terminal ([`style::visible`], tested), and nothing that
//! looks like a credential is shown, whoever wrote it there ([`Shown`], tested).
//!
//! Deliberately not here: what is planned, and where bytes come from.

pub(crate) mod causes;
pub(crate) mod diagnostics;
pub(crate) mod doctor;
pub(crate) mod drift;
#[cfg(test)]
mod fixture;
pub(crate) mod history;
pub(crate) mod json;
pub(crate) mod style;
pub(crate) mod text;

use loom_plan::addr::{Address, ContentHash};
use loom_plan::credential::masked;
use loom_plan::diff::{Difference, as_text, compare};
use loom_plan::plan::{Action, Conflicting};
use loom_plan::snapshot::Part;

/// Where a report takes contents from. Called from many threads, once or twice for an action.
pub(crate) trait Contents: Sync {
    /// The whole file before and after an action; of a move, before at the old path.
    fn of(&self, action: &Action) -> Sides;

    /// What stands at a conflict's path, and what loom would write there.
    fn of_conflict(&self, conflict: &Conflicting) -> Sides;

    /// The settings that differ between two texts of an artifact, in its format's own terms.
    fn explain(&self, address: &Address, before: &str, after: &str) -> Vec<String>;
}

/// A file before and after; `None` where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sides {
    /// What is there.
    pub(crate) before: Option<Vec<u8>>,
    /// What is to be there.
    pub(crate) after: Option<Vec<u8>>,
}

/// What may be shown of an action's contents: `*` stands for what looks like a credential.
#[derive(Debug, Default)]
struct Shown {
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
    /// Stands for the contents where they differ in nothing but what is hidden.
    hidden: Option<ContentHash>,
}

impl Shown {
    fn of(contents: &dyn Contents, action: &Action) -> Self {
        contents.of(action).into()
    }

    /// What differs; a file that is not there is empty.
    fn difference(&self) -> Difference<'_> {
        compare(self.before.as_deref().unwrap_or_default(), self.after.as_deref().unwrap_or_default())
    }
}

impl From<Sides> for Shown {
    fn from(sides: Sides) -> Self {
        let mask = |side: &Option<Vec<u8>>| side.as_deref().map(without_credentials);
        let (before, after) = (mask(&sides.before), mask(&sides.after));
        let hidden = (sides.before != sides.after && before == after).then(|| {
            let hash = |side: &Option<Vec<u8>>| *ContentHash::of(side.as_deref().unwrap_or_default()).as_bytes();
            ContentHash::of_parts([&hash(&sides.before)[..], &hash(&sides.after)])
        });
        Self { before, after, hidden }
    }
}

fn without_credentials(content: &[u8]) -> Vec<u8> {
    as_text(content).map_or_else(|| content.to_vec(), |text| masked(text).into_owned().into_bytes())
}

/// The settings that differ, in the format's own terms. Of a part of a file there are only lines.
fn settings(contents: &dyn Contents, action: &Action, shown: &Shown) -> Vec<String> {
    let whole = action.parts.iter().all(|part| part.part == Part::Whole);
    let text = |side: &Option<Vec<u8>>| side.as_deref().and_then(as_text).map(str::to_owned);
    match (text(&shown.before), text(&shown.after)) {
        (Some(before), Some(after)) if whole => contents.explain(action.address(), &before, &after),
        _ => Vec::new(),
    }
}
