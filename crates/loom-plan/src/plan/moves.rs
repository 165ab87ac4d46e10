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

use std::collections::{BTreeMap, BTreeSet, VecDeque};

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
    let renames = Renames::of(&inputs.project.moved);
    for known in orphans.iter().copied() {
        let ordered = &inputs.desired.ordered;
        let is_declared = |address: &Address| ordered.find(address).is_some();
        let now = renames.now(&known.record.address, &is_declared);
        let Some(declaration) = now.and_then(|now| ordered.find(&now)) else {
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

/// The entries of `moved`, by the name that they take away.
pub(crate) struct Renames<'a>(BTreeMap<&'a Address, Vec<&'a Moved>>);

impl<'a> Renames<'a> {
    pub(crate) fn of(moved: &'a [Moved]) -> Self {
        let mut by_name: BTreeMap<&Address, Vec<&Moved>> = BTreeMap::new();
        for moved in moved {
            by_name.entry(&moved.from).or_default().push(moved);
        }
        Self(by_name)
    }

    /// What an address is called now: the nearest name that is declared and that entries lead to, one
    /// after another in whatever order they stand; so an artifact may go back to a name that it had.
    pub(crate) fn now(
        &self,
        address: &Address,
        is_declared: &dyn Fn(&Address) -> bool,
    ) -> Option<Address> {
        let mut seen = BTreeSet::from([address.clone()]);
        let mut next = VecDeque::from([address.clone()]);
        while let Some(name) = next.pop_front() {
            if is_declared(&name) {
                return Some(name);
            }
            let family = name.family();
            let all_items = (family != name).then(|| self.0.get(&family)).flatten();
            for moved in self.0.get(&name).into_iter().chain(all_items).flatten() {
                let item = moved.to.item().or(name.item()).cloned();
                let to = Address::new(moved.to.kind(), moved.to.name().clone(), item);
                if seen.insert(to.clone()) {
                    next.push_back(to);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{SourceId, Span};

    fn address(text: &str) -> Address {
        Address::parse(text).expect("an address")
    }

    fn led(from: &str, moves: &[(&str, &str)], declared: &str) -> String {
        let entries: Vec<Moved> = moves
            .iter()
            .map(|(from, to)| Moved {
                from: address(from),
                to: address(to),
                span: Span::start_of(SourceId::first()),
            })
            .collect();
        let now = Renames::of(&entries).now(&address(from), &|it| *it == address(declared));
        now.map_or_else(String::new, |now| now.to_string())
    }

    #[test]
    fn names_are_followed_to_the_one_that_is_declared() {
        let (there, back) = (("file.a", "file.b"), ("file.b", "file.a"));
        let on = ("file.a", "file.c");
        for (moves, declared) in [
            (&[there][..], "file.b"),
            (&[there, back], "file.a"),
            (&[back, there], "file.b"),
            (&[there, back, there], "file.b"),
            (&[there, back, on], "file.c"),
            (&[there, back, ("file.b", "file.c")], "file.c"),
            (&[("file.b", "file.c"), there], "file.c"),
        ] {
            for from in ["file.a", "file.b"] {
                assert_eq!(led(from, moves, declared), declared, "{from} by {moves:?}");
            }
        }
        assert_eq!(led("file.a[x]", &[there], "file.b[x]"), "file.b[x]");
        // a circle of names that nobody declares ends
        assert_eq!(led("file.a", &[there, back], "file.z"), "");
    }
}
