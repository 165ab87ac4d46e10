//! Which of a run's changes the disk may hold after the power was lost.
//!
//! In: a history. Out: for each moment before a sync, and for the end, what is durable for certain,
//! and which parts of the rest to try.
//!
//! Two models of a file system:
//!
//! - *ordered*: names, modes and lengths reach the disk in their order, as with a journal, and any
//!   sync takes along those before it; bytes may be lost unless their own file was synced.
//! - *weak*: nothing is promised but what was asked for. A sync of a file makes its bytes, length and
//!   mode durable, one of a directory its names; a rename between two directories needs both.
//!
//! In both a single rename or exchange happens or does not (every journaling file system keeps it
//! so), and a write may be torn in the middle.
//!
//! Invariants: what was synced is in every state (test `what_was_synced_is_never_lost`); states that
//! an earlier moment already has are not made again.

use super::history::{Event, History, Sync};
use super::image::{Change, Image};
use super::random::Random;

/// Up to this many changes are lost in every combination.
const EXHAUSTIVE: usize = 12;
/// How many combinations are drawn where they are too many.
const SAMPLES: usize = 1500;

/// What a file system promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Model {
    Ordered,
    Weak,
}

impl Model {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Weak => "weak",
        }
    }
}

/// A moment at which the power may be lost, with the events before it by their index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// What is on the disk whatever happens.
    pub(crate) durable: Vec<usize>,
    /// What may be on the disk.
    pub(crate) pending: Vec<usize>,
}

/// The moments of a history at which something new may be lost.
pub(crate) fn moments(history: &History, model: Model) -> Vec<Moment> {
    let mut found: Vec<Moment> = Vec::new();
    let mut fresh = false;
    for end in 0..=history.events.len() {
        match history.events.get(end) {
            Some(Event::Change(_)) => fresh = true,
            Some(Event::Sync(_)) | None if fresh => {
                found.push(moment(history, end, model));
                fresh = false;
            }
            Some(Event::Sync(_)) | None => {}
        }
    }
    found
}

fn moment(history: &History, end: usize, model: Model) -> Moment {
    let events = &history.events[..end];
    let change = |index: usize| match &events[index] {
        Event::Change(change) => Some(change),
        Event::Sync(_) => None,
    };
    let lasts = |index: usize| {
        change(index).is_some_and(|change| is_durable(change, &events[index + 1..], model))
    };
    let mut durable: Vec<bool> = (0..end).map(lasts).collect();
    for index in (0..end).rev() {
        // A directory can only be removed when nothing is in it: so what went from it went before.
        if let (true, Some(Change::Unlink { node, .. })) = (durable[index], change(index)) {
            for (before, lasts) in durable[..index].iter_mut().enumerate() {
                *lasts |= change(before).is_some_and(|change| {
                    change.content_of().is_none() && change.touches().contains(node)
                });
            }
        }
    }
    let (durable, pending) = (0..end)
        .filter(|index| change(*index).is_some())
        .partition(|index| durable[*index]);
    Moment { durable, pending }
}

/// Whether one of the events after a change makes it last.
fn is_durable(change: &Change, after: &[Event], model: Model) -> bool {
    let syncs = || {
        after.iter().filter_map(|event| {
            if let Event::Sync(sync) = event {
                Some(*sync)
            } else {
                None
            }
        })
    };
    if model == Model::Ordered && !matches!(change, Change::Data { .. }) {
        return syncs().next().is_some();
    }
    let covers = |sync, node| match sync {
        Sync::All => true,
        Sync::Node(synced) => synced == node,
        Sync::Data(synced) => {
            synced == node && matches!(change, Change::Data { .. } | Change::Size { .. })
        }
    };
    change
        .touches()
        .into_iter()
        .all(|node| syncs().any(|sync| covers(sync, node)))
}

/// Which of the pending changes are kept: one list of answers for each state to try.
pub(crate) fn choices(
    history: &History,
    moment: &Moment,
    model: Model,
    random: &mut Random,
) -> Vec<Vec<bool>> {
    match model {
        Model::Ordered => ordered(history, &moment.pending),
        Model::Weak => weak(moment.pending.len(), random),
    }
}

/// Every beginning of the metadata, with all, none, one or all but one of the bytes.
fn ordered(history: &History, pending: &[usize]) -> Vec<Vec<bool>> {
    let is_data =
        |index: &usize| matches!(history.events[*index], Event::Change(Change::Data { .. }));
    let mut found = Vec::new();
    for end in 0..=pending.len() {
        let data: Vec<usize> = (0..end).filter(|at| is_data(&pending[*at])).collect();
        let kept = |loses: &dyn Fn(usize) -> bool| -> Vec<bool> {
            (0..pending.len())
                .map(|at| at < end && !(data.contains(&at) && loses(at)))
                .collect()
        };
        found.push(kept(&|_| false));
        found.push(kept(&|_| true));
        for one in &data {
            found.push(kept(&|at| at == *one));
            found.push(kept(&|at| at != *one));
        }
    }
    found
}

/// Any part of the changes; where these are too many, those that matter most and some by chance.
fn weak(count: usize, random: &mut Random) -> Vec<Vec<bool>> {
    let kept = |keeps: &dyn Fn(usize) -> bool| -> Vec<bool> { (0..count).map(keeps).collect() };
    if count <= EXHAUSTIVE {
        return (0..1_usize << count)
            .map(|mask| kept(&|at| mask >> at & 1 == 1))
            .collect();
    }
    let mut found: Vec<Vec<bool>> = (0..=count).map(|end| kept(&|at| at < end)).collect();
    for one in 0..count {
        found.push(kept(&|at| at == one));
        found.push(kept(&|at| at != one));
        for two in one + 1..count {
            found.push(kept(&|at| at == one || at == two));
            found.push(kept(&|at| at != one && at != two));
        }
    }
    for _ in 0..SAMPLES {
        let of_256 = random.next() % 257;
        found.push((0..count).map(|_| random.chance(of_256)).collect());
    }
    found
}

/// The tree of a state.
pub(crate) fn image(history: &History, moment: &Moment, kept: &[bool]) -> Image {
    let chosen = moment
        .pending
        .iter()
        .zip(kept)
        .filter_map(|(index, kept)| kept.then_some(*index));
    let mut indices: Vec<usize> = moment.durable.iter().copied().chain(chosen).collect();
    indices.sort_unstable();
    let mut image = history.before.clone();
    for index in indices {
        if let Event::Change(change) = &history.events[index] {
            image.apply(change, &history.born);
        }
    }
    image
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Events of a history: `1` changes bytes of file 1, `m1` its mode, `r1` renames it between the
    /// directories 8 and 9, `s1` syncs node 1, `S` all.
    fn history(events: &str) -> History {
        let event = |word: &str| {
            let node = word
                .trim_start_matches(|c: char| c.is_ascii_alphabetic())
                .parse()
                .unwrap_or(0);
            match word.chars().next() {
                Some('S') => Event::Sync(Sync::All),
                Some('s') => Event::Sync(Sync::Node(node)),
                Some('d') => Event::Sync(Sync::Data(node)),
                Some('m') => Event::Change(Change::Mode { node, mode: 0 }),
                Some('r') => Event::Change(Change::Move {
                    from: (8, "a".into()),
                    to: (9, "b".into()),
                    node,
                }),
                _ => Event::Change(Change::Data {
                    node,
                    offset: 0,
                    bytes: vec![1],
                }),
            }
        };
        let before = Image {
            nodes: BTreeMap::new(),
        };
        History {
            before,
            born: BTreeMap::new(),
            events: events.split(' ').map(event).collect(),
        }
    }

    fn pending(events: &str, model: Model) -> Vec<Vec<usize>> {
        moments(&history(events), model)
            .into_iter()
            .map(|moment| moment.pending)
            .collect()
    }

    #[test]
    fn what_went_from_a_removed_directory_lasts_with_its_removal() {
        // The directory 8 is emptied and removed from 7, which alone is synced.
        let mut history = history("r1 2 s7");
        let removal = Change::Unlink {
            entry: (7, "d".into()),
            node: 8,
        };
        history.events.insert(1, Event::Change(removal));
        history
            .events
            .push(Event::Change(Change::Mode { node: 3, mode: 0 }));
        let last = moments(&history, Model::Weak).pop().expect("a moment");
        assert_eq!((last.durable, last.pending), (vec![0, 1], vec![2, 4]));
    }

    #[test]
    fn what_was_synced_is_never_lost() {
        assert_eq!(pending("1 2 S 3", Model::Weak), [vec![0, 1], vec![3]]);
        assert_eq!(pending("1 2 s1 3", Model::Weak), [vec![0, 1], vec![1, 3]]);
        assert_eq!(pending("1 m1 d1 3", Model::Weak), [vec![0, 1], vec![1, 3]]);
    }

    #[test]
    fn a_sync_of_one_file_says_nothing_about_another_but_in_order() {
        assert_eq!(pending("m1 m2 s2 3", Model::Weak), [vec![0, 1], vec![0, 3]]);
        assert_eq!(pending("m1 m2 s2 3", Model::Ordered), [vec![0, 1], vec![3]]);
        assert_eq!(
            pending("1 m2 s2 3", Model::Ordered),
            [vec![0, 1], vec![0, 3]],
            "bytes follow their own file"
        );
    }

    #[test]
    fn a_rename_between_directories_lasts_when_both_are_synced() {
        assert_eq!(pending("r1 s8 2", Model::Weak), [vec![0], vec![0, 2]]);
        assert_eq!(pending("r1 s8 s9 2", Model::Weak), [vec![0], vec![3]]);
    }

    #[test]
    fn few_changes_are_lost_in_every_combination_and_many_in_pairs() {
        let mut random = Random::new(1);
        assert_eq!(weak(3, &mut random).len(), 8);
        let many = weak(13, &mut random);
        let lost = |count: usize| {
            many.iter()
                .filter(|kept| kept.iter().filter(|kept| !**kept).count() == count)
                .count()
        };
        assert!(lost(1) >= 13 && lost(2) >= 78);
        assert_eq!(
            many,
            {
                let mut again = Random::new(1);
                weak(13, &mut again)
            },
            "the seed is fixed"
        );
    }

    #[test]
    fn in_order_no_metadata_is_kept_after_one_that_is_lost() {
        let history = history("m1 1 m2 2 m3");
        let moment = &moments(&history, Model::Ordered)[0];
        for kept in ordered(&history, &moment.pending) {
            let metadata = [kept[0], kept[2], kept[4]];
            assert!(metadata.is_sorted_by(|one, two| one >= two), "{kept:?}");
        }
    }
}
