//! What is said of a conflict: where it stands, what is there, and what a person may do.
//!
//! In: something that was decided, and is a conflict. Out: the [`Conflicting`] of the plan. Deliberately
//! not here: whether it is one (the decision table), and the sentences ([`advice`]).

use super::build::{Decided, Inputs};
use super::decide::{Conflict, Removal};
use super::known::KnownRecord;
use super::{Cause, Conflicting, PartAction, Way, advice, damaged, inverted, owned, permission};
use crate::addr::RepoPath;
use crate::snapshot::{Observed, Part};

/// The conflict of what was decided; `None` where it is none.
pub(super) fn of(inputs: Inputs<'_>, decided: &Decided) -> Option<Conflicting> {
    // where a file is there it is no foreign thing, but one whose keys cannot be read
    let is_file = matches!(inputs.snapshot.whole(&decided.path), Observed::File(_));
    let conflict = decided.conflict.map(|it| {
        if it == Conflict::Foreign && is_file {
            Conflict::Unsafe
        } else {
            it
        }
    })?;
    let (path, part) = place_of(inputs, decided, conflict);
    let known = inputs.known.get(&path, &part);
    let found = match inputs.snapshot.part(&path, &part) {
        _ if conflict == Conflict::Newer => known.and_then(|known| newer(inputs, known)),
        _ if conflict == Conflict::Markers => damaged::said(inputs, decided),
        Observed::Foreign(what) => Some(what),
        Observed::Absent | Observed::File(_) | Observed::Damaged(_) => {
            decided.refused.as_ref().map(|(why, _)| why.clone())
        }
    };
    let lost = match (
        conflict,
        inputs.desired.find(&decided.path, &decided.part.part),
    ) {
        (Conflict::Component, Some(output)) => permission::unpermitted(
            (inputs.project, inputs.ledger),
            &decided.part.address,
            (inputs.losses)(output, &path),
        ),
        _ => Vec::new(),
    };
    let by_hand = match (
        &decided.refused,
        inputs.desired.find(&decided.path, &decided.part.part),
    ) {
        (Some((_, by_hand)), _) => by_hand.clone(),
        (None, Some(output)) if conflict == Conflict::Unsafe => {
            let part = PartAction {
                after: Some(output.content),
                ..decided.part.clone()
            };
            owned::by_hand(inputs, &decided.path, &part, None)
        }
        (None, _) => None,
    };
    let clashes = match (
        conflict,
        inputs.desired.merges.get(&decided.path, &decided.part.part),
    ) {
        (Conflict::Merge | Conflict::Base, Some(Err(clashes))) => clashes.as_slice(),
        _ => &[],
    };
    let address = decided.part.address.clone();
    let names_it = |cause: &Cause| matches!(cause, Cause::Removed(_));
    let ways = ways_of(
        inputs,
        conflict,
        advice::About {
            address: &address,
            path: &path,
            goes: &decided.path,
            part: &part,
            lost: &lost,
            clashes,
            removal: if decided.part.causes.iter().any(names_it) {
                Removal::Delete
            } else {
                Removal::Unsaid
            },
            declared: inputs
                .desired
                .find(&decided.path, &decided.part.part)
                .is_some(),
            by_hand: by_hand.is_some(),
            known,
        },
    );
    let output = inputs.desired.find(&decided.path, &decided.part.part);
    let clashes = match output.filter(|_| conflict == Conflict::KeysTaken) {
        Some(output) => {
            let here = inputs.snapshot.part(&path, &part);
            let record = known.map(|known| &known.record);
            let keys = owned::keywise(inputs, output, record, &here);
            owned::taken(inputs, output, &keys.others)
        }
        None => clashes.iter().map(ToString::to_string).collect(),
    };
    Some(Conflicting {
        path,
        address,
        part,
        conflict,
        found,
        clashes,
        ways,
        by_hand,
    })
}

/// The ways out of a conflict. What permits nothing is told first; where loom's own files stand in the
/// way, two applies lead there, and nothing has to be moved by hand.
fn ways_of(inputs: Inputs<'_>, conflict: Conflict, about: advice::About<'_>) -> Vec<Way> {
    let advice::About {
        address,
        path,
        lost,
        known,
        ..
    } = about;
    let told = match conflict {
        Conflict::Component => permission::refusals(inputs, address, lost, None),
        Conflict::Stateful => permission::refusals(inputs, address, &[], known),
        Conflict::Foreign => match inverted::way(inputs, path, address) {
            Some(way) => return vec![Way::by_hand(way)],
            None => Vec::new(),
        },
        Conflict::Edited
        | Conflict::DeletedButEdited
        | Conflict::NotOurs
        | Conflict::KeysTaken
        | Conflict::Migration
        | Conflict::Merge
        | Conflict::Newer
        | Conflict::Base
        | Conflict::Markers
        | Conflict::Unsafe => Vec::new(),
    };
    let ways = advice::ways(conflict, about);
    told.into_iter().map(Way::by_hand).chain(ways).collect()
}

/// Where what stands against an output stands: of a move at the old path.
fn place_of(inputs: Inputs<'_>, decided: &Decided, conflict: Conflict) -> (RepoPath, Part) {
    match (&decided.from, &decided.part.was) {
        (_, Some(was)) if conflict == Conflict::Markers && !damaged::is_in(inputs, &was.0) => {
            (decided.path.clone(), decided.part.part.clone())
        }
        (_, Some(was)) => was.clone(),
        (from, None) => (
            from.as_ref().unwrap_or(&decided.path).clone(),
            decided.part.part.clone(),
        ),
    }
}

/// Why what is recorded is of a newer loom, as a clause; `None` where it is not.
pub(super) fn newer(inputs: Inputs<'_>, known: &KnownRecord) -> Option<String> {
    let (kind, version) = (known.record.address.kind(), known.record.version);
    match inputs.registry.provider(kind) {
        None => Some(format!(
            "it is of the kind `{kind}`, which this loom does not have"
        )),
        Some(provider) if provider.spec().version < version => Some(format!(
            "it wrote version {version} of `{kind}`, and this loom writes version {}",
            provider.spec().version
        )),
        Some(_) => None,
    }
}
