//! Three sequences side by side.
//!
//! In: a base and two sequences that came of it. Out: the stretches between the items that all
//! three share, in order, the last one behind the last of these.

use std::hash::Hash;
use std::ops::Range;

/// What stands between two shared items. Behind every stretch but the last one stands one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) base: Range<usize>,
    pub(super) observed: Range<usize>,
    pub(super) desired: Range<usize>,
}

pub(super) fn stretches<T: Ord + Hash>(base: &[T], observed: &[T], desired: &[T]) -> Vec<Stretch> {
    let (left, right) = (matches(base, observed), matches(base, desired));
    let shared = (0..base.len()).filter_map(|at| Some((at, left[at]?, right[at]?)));
    let end = (base.len(), observed.len(), desired.len());
    let mut from = (0, 0, 0);
    let stretch = |(at, one, other)| {
        let found = Stretch {
            base: from.0..at,
            observed: from.1..one,
            desired: from.2..other,
        };
        from = (at + 1, one + 1, other + 1);
        found
    };
    shared.chain([end]).map(stretch).collect()
}

/// For each item of `base`, where it stands in the other sequence.
pub(super) fn matches<T: Ord + Hash>(base: &[T], other: &[T]) -> Vec<Option<usize>> {
    let mut found = vec![None; base.len()];
    for op in similar::capture_diff_slices(similar::Algorithm::Myers, base, other) {
        if op.tag() == similar::DiffTag::Equal {
            op.old_range()
                .zip(op.new_range())
                .for_each(|(old, new)| found[old] = Some(new));
        }
    }
    found
}
