//! Which outputs go on from the record of another path.
//!
//! In: what is desired, the records of what is not, and `moved:`. Out: for the new place of an output the record
//! that it had elsewhere: under the address that `moved:` takes away, or under its own address
//! where only its path changed.
//!
//! Invariants: a place that is recorded itself goes on from its own record, so it is never the end
//! of a move; a place that something is still desired at is never the beginning of one; of two
//! records that could move to one place the first by path does. `tests/moves.rs` makes up histories.
//!
//! Deliberately not here: what becomes of a move (the decision table, and `carry` of parts).

use std::collections::BTreeMap;

use super::build::{Inputs, Moves};
use super::known::KnownRecord;
use crate::addr::Address;
use crate::keys::{self, Format};
use crate::ledger::Record;
use crate::project::Moved;
use crate::render::Output;
use crate::snapshot::Part;

/// The record that an output had at another path or, of a part of a file, under another address, by
/// its new place.
pub(super) fn find<'a>(inputs: Inputs<'a>, orphans: &[&'a KnownRecord]) -> Moves<'a> {
    let mut outputs: Option<BTreeMap<(usize, &str), &Output>> = None;
    let mut moves = BTreeMap::new();
    for known in orphans.iter().copied() {
        let Some(declaration) = inputs
            .desired
            .ordered
            .find(&now(&known.record.address, &inputs.project.moved))
        else {
            continue;
        };
        let outputs = outputs.get_or_insert_with(|| by_name(inputs));
        let output = outputs.get(&(declaration, known.record.name.as_str()));
        if let Some(output) = output.filter(|output| is_alike(inputs, &known.record, output)) {
            moves
                .entry((&output.place.path, &output.part))
                .or_insert(known);
        }
    }
    moves
}

/// Whether what a record is about is of the same kind as an output: only the same keys can be read in
/// another file, and only in the same format.
fn is_alike(inputs: Inputs<'_>, record: &Record, output: &Output) -> bool {
    let name = |path| keys::format_of(inputs.desired.formats, path).map(Format::name);
    match (&record.part, &output.part) {
        (Part::Whole, Part::Whole) | (Part::Block(_), Part::Block(_)) => true,
        (Part::Keys(_), Part::Keys(_)) => name(&record.path) == name(&output.place.path),
        (Part::Whole | Part::Block(_) | Part::Keys(_), _) => false,
    }
}

/// The outputs that nothing is recorded of, by declaration and name.
fn by_name(inputs: Inputs<'_>) -> BTreeMap<(usize, &str), &Output> {
    let unrecorded = inputs
        .desired
        .outputs
        .iter()
        .filter(|output| inputs.known.get(&output.place.path, &output.part).is_none());
    unrecorded
        .map(|output| ((output.declaration, output.place.name.as_ref()), output))
        .collect()
}

/// What an address is called now. Moves follow one another; a circle ends where it closes.
pub(crate) fn now(address: &Address, moved: &[Moved]) -> Address {
    let mut now = address.clone();
    for _ in moved {
        let takes = |moved: &&Moved| {
            moved.from == now
                || (moved.from.item().is_none()
                    && moved.from == now.family()
                    && moved.from != moved.to)
        };
        let Some(moved) = moved.iter().find(takes) else {
            break;
        };
        let item = moved.to.item().or(now.item()).cloned();
        now = Address::new(moved.to.kind(), moved.to.name().clone(), item);
    }
    now
}
