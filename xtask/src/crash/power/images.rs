//! What a disk may hold when its power fails, from the log of what it was asked to write.
//!
//! In: the events of a [`Disk`](super::fuse::Disk). Out: [`Cut`]s, and for each the writes that are
//! kept, to be put over the image from before.
//!
//! A disk keeps all that was written before the last flush. Of what came later it keeps everything
//! up to the end (it wrote in order), or any of the sectors of 4 KiB (it wrote in an order of its own).
//!
//! Invariants: what was written before a flush is in every later image (test
//! `what_was_flushed_is_in_every_image`); no two cuts lead to the same image.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher as _};

use super::fuse::Event;
use crate::crash::replay::random::Random;

/// What the disk keeps or loses as a whole.
const UNIT: usize = 4096;
/// What every write is a multiple of.
pub(crate) const SECTOR: usize = 512;

/// The power fails before the event `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) end: usize,
    /// By which seed what was not flushed is lost; `None` where nothing is.
    pub(crate) lost: Option<u64>,
}

/// Bytes by their number of sector, each a sector long.
pub(crate) type Overlay<'a> = BTreeMap<usize, &'a [u8]>;

impl Cut {
    /// The sectors that differ from the image before, at most.
    pub(crate) fn overlay(self, events: &[Event]) -> Overlay<'_> {
        let mut overlay = Overlay::new();
        self.kept(events, |event, unit| {
            overlay.extend(sectors(&events[event], unit));
        });
        overlay
    }

    /// Says which units of which events are kept, in order.
    fn kept(self, events: &[Event], mut keep: impl FnMut(usize, usize)) {
        let flushed = events[..self.end]
            .iter()
            .rposition(|event| *event == Event::Flush)
            .unwrap_or(0);
        let mut random = Random::new(self.lost.unwrap_or_default());
        let of_256 = random.next() % 257;
        for (index, event) in events[..self.end].iter().enumerate() {
            for unit in 0..units(event) {
                if self.lost.is_none() || index < flushed || !random.chance(of_256) {
                    keep(index, unit);
                }
            }
        }
    }
}

/// Of how many units an event is.
fn units(event: &Event) -> usize {
    match event {
        Event::Write { bytes, .. } => bytes.len().div_ceil(UNIT),
        Event::Flush => 0,
    }
}

/// The sectors of one unit of an event, by their number.
fn sectors(event: &Event, unit: usize) -> impl Iterator<Item = (usize, &[u8])> {
    let (offset, bytes) = match event {
        Event::Write { offset, bytes } => {
            (*offset, bytes.chunks(UNIT).nth(unit).unwrap_or_default())
        }
        Event::Flush => (0, &[][..]),
    };
    let first = (offset + unit * UNIT) / SECTOR;
    bytes
        .chunks(SECTOR)
        .enumerate()
        .map(move |(number, sector)| (first + number, sector))
}

/// Cuts from the event `begin` on: after each `step`-th event, and `samples` that lose something.
pub(crate) fn cuts(events: &[Event], begin: usize, step: usize, samples: usize) -> Vec<Cut> {
    let mut random = Random::new(0xb10c);
    let in_order = (begin..=events.len())
        .step_by(step)
        .map(|end| Cut { end, lost: None });
    let mut all: Vec<Cut> = in_order.collect();
    for _ in 0..samples {
        all.push(Cut {
            end: begin + random.below(events.len() + 1 - begin),
            lost: Some(random.next()),
        });
    }
    // Each sector is looked at once, and not in each of the images that have it.
    let print_of = |event: &Event| -> Vec<Vec<(usize, u64)>> {
        (0..units(event))
            .map(|unit| {
                sectors(event, unit)
                    .map(|(number, bytes)| (number, hash(&bytes)))
                    .collect()
            })
            .collect()
    };
    let prints: Vec<Vec<Vec<(usize, u64)>>> = events.iter().map(print_of).collect();
    let mut seen = BTreeSet::new();
    all.retain(|cut| {
        let mut image = BTreeMap::new();
        cut.kept(events, |event, unit| {
            image.extend(prints[event][unit].iter().copied());
        });
        seen.insert(hash(&image))
    });
    random.shuffle(&mut all);
    all
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two units are written, flushed, and written again.
    fn events() -> Vec<Event> {
        let write = |byte: u8, unit: usize| Event::Write {
            offset: unit * UNIT,
            bytes: vec![byte; UNIT],
        };
        vec![
            write(1, 0),
            write(1, 1),
            Event::Flush,
            write(2, 0),
            write(2, 1),
        ]
    }

    /// The first bytes of both units.
    fn units(cut: Cut) -> [Option<u8>; 2] {
        let events = events();
        let overlay = cut.overlay(&events);
        [0, UNIT / SECTOR].map(|sector| overlay.get(&sector).map(|bytes| bytes[0]))
    }

    #[test]
    fn a_disk_in_order_holds_all_until_the_end() {
        let after = |end| units(Cut { end, lost: None });
        assert_eq!(
            [after(0), after(1), after(3)],
            [[None, None], [Some(1), None], [Some(1), Some(1)]]
        );
        assert_eq!(
            [after(4), after(5)],
            [[Some(2), Some(1)], [Some(2), Some(2)]]
        );
    }

    #[test]
    fn what_was_flushed_is_in_every_image() {
        let found: BTreeSet<_> = (0..200)
            .map(|seed| {
                units(Cut {
                    end: 5,
                    lost: Some(seed),
                })
            })
            .collect();
        let all = [1, 2]
            .into_iter()
            .flat_map(|one| [1, 2].map(|two| [Some(one), Some(two)]))
            .collect();
        assert_eq!(
            found, all,
            "each unit is lost or kept by itself, down to the flush"
        );
    }

    #[test]
    fn no_two_cuts_lead_to_the_same_image() {
        let events = events();
        let cuts = cuts(&events, 0, 1, 50);
        assert_eq!(
            cuts.iter().filter(|cut| cut.lost.is_none()).count(),
            5,
            "a flush changes nothing"
        );
        let images: BTreeSet<Overlay<'_>> = cuts.iter().map(|cut| cut.overlay(&events)).collect();
        assert_eq!(images.len(), cuts.len());
    }
}
