//! Files in which the markers of a block make no pair: nothing of them is written.
//!
//! In: all that was decided, and what was seen. Out: a conflict for whatever would write to such a file,
//! and the sentence for it. Invariant: it does not matter which part of the file is damaged, or whether
//! that part was decided at all: out of scope or held by a gate, its lines are still in the way.
//!
//! Deliberately not here: what makes a pair ([`crate::block`]).

use std::collections::BTreeSet;

use super::build::{Decided, Inputs};
use super::carry;
use super::decide::{Conflict, Decision};
use crate::addr::RepoPath;

/// Whether the markers of a block that was looked for in a file make no pair.
pub(super) fn is_in(inputs: Inputs<'_>, path: &RepoPath) -> bool {
    let seen = inputs.snapshot.0.get(path);
    seen.is_some_and(|seen| seen.damages().next().is_some())
}

/// Nothing is written to a file in which the markers of a block make no pair, by no part of it: what
/// is loom's there and what is somebody's is for a person to say.
pub(super) fn refuse(inputs: Inputs<'_>, decided: &mut [Decided]) {
    let places = |it: &Decided| {
        let was = it.part.was.as_ref().map(|(path, _)| path);
        [Some(&it.path), it.from.as_ref(), was].map(Option::<&RepoPath>::cloned)
    };
    for it in decided.iter_mut() {
        let writes = it.part.before != it.part.after
            || matches!(it.part.decision, Decision::Update(_) | Decision::Delete)
            || carry::is_renamed(&it.part)
            || it.part.was.is_some()
            || it.from.is_some();
        let leaves = matches!(it.part.decision, Decision::Forget(_));
        if it.conflict.is_none()
            && writes
            && !leaves
            && places(it).iter().flatten().any(|path| is_in(inputs, path))
        {
            it.conflict = Some(Conflict::Markers);
            it.part.after = it.part.before;
        }
    }
}

/// What is wrong with the markers in the files that an output is in, or would be.
pub(super) fn said(inputs: Inputs<'_>, decided: &Decided) -> Option<String> {
    if let Some((why, _)) = &decided.refused {
        return Some(why.clone());
    }
    let was = decided.part.was.as_ref().map(|(path, _)| path);
    let paths: BTreeSet<&RepoPath> = [Some(&decided.path), was].into_iter().flatten().collect();
    let said: Vec<String> = paths
        .into_iter()
        .filter_map(|path| inputs.snapshot.0.get(path))
        .flat_map(|seen| seen.damages().map(ToString::to_string))
        .collect();
    (!said.is_empty()).then(|| said.join("; "))
}
