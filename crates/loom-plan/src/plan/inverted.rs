//! A path that was a file and is to be a directory, or the other way round.
//!
//! In: an output in whose place something else stands. Out: the way out, where what stands there is
//! loom's own and goes: it takes two applies, because a transaction changes either what is at a path or
//! what is below it. Deliberately not here: what other people put there, which they move away.

use super::build::Inputs;
use super::moves;
use crate::addr::{Address, RepoPath};
use crate::snapshot::Observed;

/// How to get there, in two applies; `None` where it is not loom's own files that stand in the way.
pub(super) fn way(inputs: Inputs<'_>, path: &RepoPath, address: &Address) -> Option<String> {
    let is_in_the_way = |old: &RepoPath| {
        let (old, new) = (format!("{old}/"), format!("{path}/"));
        old != new && (old.starts_with(&new) || new.starts_with(&old))
    };
    let ours: Vec<_> = inputs
        .known
        .records()
        .filter(|known| is_in_the_way(&known.record.path))
        .filter(|known| matches!(inputs.snapshot.whole(&known.record.path), Observed::File(_)))
        .collect();
    let first = ours.first()?;
    if ours
        .iter()
        .any(|known| inputs.desired.at(&known.record.path).next().is_some())
    {
        return None;
    }
    let is_declared = |address: &Address| inputs.desired.ordered.find(address).is_some();
    let renames = moves::Renames::of(&inputs.project.moved);
    let moves_here = ours
        .iter()
        .any(|known| renames.now(&known.record.address, &is_declared).as_ref() == Some(address));
    let old = &first.record.path;
    let shorter = if old.as_str().len() < path.as_str().len() {
        old
    } else {
        path
    };
    Some(if moves_here {
        format!(
            "loom's own {old} goes for it, which takes two applies: first give {address} the `path: {shorter}.next` and run loom apply, then `path: {path}` and run loom apply again; accepted edits go along"
        )
    } else {
        format!(
            "loom's own {old} goes for it, which takes two applies: loom apply --skip-conflicts, and then loom apply"
        )
    })
}
