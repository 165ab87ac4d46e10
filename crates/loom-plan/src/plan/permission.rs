//! What `removed` permits to be lost, and which of its entries a plan uses up.
//!
//! In: the entries, the ledger, and what would be lost. Out: for each loss whether an entry permits it,
//! and if not, what its entries lack; for a plan the entries that it carries out. An entry permits only
//! with a reason, and only once: what was carried out is recorded as spent, and permits nothing when the
//! same is lost again, as by a bad merge months later. Another reason is another entry.
//!
//! Invariant: an entry is spent only when nothing is left that it would still permit, so that a plan for
//! one environment does not use up what the next one needs.
//!
//! Deliberately not here: what is lost (the kinds), and `keep: true`, which permits no loss.

use std::collections::{BTreeMap, BTreeSet};

use super::build::Inputs;
use super::decide::Decision;
use super::known::KnownRecord;
use super::{Action, Note, NoteKind};
use crate::addr::{Address, ContentHash, RepoPath};
use crate::ledger::{Ledger, Record, Spent};
use crate::project::{Permitted, Project, Removed, RemovedWhat};
use crate::provider::{Fate, Lost, Nature};
use crate::render::Output;

/// What the entries that name a loss come to, the best of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Permits,
    LacksReason,
    IsSpent,
}

/// The entries, and the ledger that says which were carried out.
type Entries<'a> = (&'a Project, &'a Ledger);

fn standing((_, ledger): Entries<'_>, entry: &Removed) -> Standing {
    match &entry.reason {
        None => Standing::LacksReason,
        Some(_) if ledger.spent(&entry.hash()).is_some() => Standing::IsSpent,
        Some(_) => Standing::Permits,
    }
}

fn entries(inputs: Inputs<'_>) -> Entries<'_> {
    (inputs.project, inputs.ledger)
}

fn best(entries: Entries<'_>, names: impl Fn(&Removed) -> bool) -> Option<(Standing, &Removed)> {
    let about = entries.0.removed.iter().filter(|entry| names(entry));
    about
        .map(|entry| (standing(entries, entry), entry))
        .min_by_key(|(standing, _)| *standing)
}

/// The entry that names a loss of an artifact.
fn of_loss<'a>(
    entries: Entries<'a>,
    address: &Address,
    lost: &Lost,
) -> Option<(Standing, &'a Removed)> {
    let fate = match lost.fate {
        Fate::Destroyed => Permitted::Going,
        Fate::Replaced(_) => Permitted::Replacing,
    };
    best(entries, |entry| {
        let component = entry.component.as_deref();
        entry.is_about(address)
            && entry.fate == fate
            && (component == Some(&*lost.component) || component == Some(&*lost.name))
    })
}

/// The entry that names all that is recorded.
fn of_record<'a>(inputs: Inputs<'a>, known: &KnownRecord) -> Option<(Standing, &'a Removed)> {
    best(entries(inputs), |entry| {
        !entry.keep && entry.component.is_none() && names(entry, known)
    })
}

/// Whether an entry names the artifact of a record, or all of its stories.
pub(super) fn names(entry: &Removed, known: &KnownRecord) -> bool {
    match &entry.what {
        RemovedWhat::Address(_) => entry.is_about(&known.record.address),
        RemovedWhat::Story(code) => known.books.iter().all(|book| book == code),
    }
}

/// Whether something that `removed` names may be deleted: what holds nothing outside always.
pub(super) fn permits_removal(inputs: Inputs<'_>, known: &KnownRecord) -> bool {
    !is_stateful(inputs, &known.record)
        || matches!(of_record(inputs, known), Some((Standing::Permits, _)))
}

fn is_stateful(inputs: Inputs<'_>, record: &Record) -> bool {
    inputs
        .registry
        .provider(record.address.kind())
        .is_some_and(|provider| provider.spec().nature == Nature::Stateful)
}

/// Of what would be lost with an output, what no entry permits.
pub fn unpermitted(entries: Entries<'_>, address: &Address, lost: Vec<Lost>) -> Vec<Lost> {
    let permitted = |lost: &Lost| {
        matches!(
            of_loss(entries, address, lost),
            Some((Standing::Permits, _))
        )
    };
    lost.into_iter().filter(|lost| !permitted(lost)).collect()
}

/// Why the entries that name what would be lost do not permit it: sentences.
pub(super) fn refusals(
    inputs: Inputs<'_>,
    address: &Address,
    lost: &[Lost],
    known: Option<&KnownRecord>,
) -> Vec<String> {
    let of_losses = lost
        .iter()
        .filter_map(|lost| of_loss(entries(inputs), address, lost));
    let of_record = known.and_then(|known| of_record(inputs, known));
    let refused: BTreeSet<String> = of_losses
        .chain(of_record)
        .filter_map(|(standing, entry)| {
            let place = inputs.sources.position(entry.span);
            match standing {
                Standing::Permits => None,
                Standing::LacksReason => Some(format!(
                    "the entry of `removed`, {place}, permits nothing without a `reason`: say there why this may be lost"
                )),
                Standing::IsSpent => Some(format!(
                    "the entry of `removed`, {place}, was carried out once and permits nothing any more: is this a loss that nobody meant? If it is meant, write the new `reason` there"
                )),
            }
        })
        .collect();
    refused.into_iter().collect()
}

/// The entries that were carried out and stand there still.
pub(super) fn notes(inputs: Inputs<'_>) -> Vec<Note> {
    let note = |entry: &Removed| {
        let spent = inputs.ledger.spent(&entry.hash())?;
        Some(Note {
            address: spent.what.clone(),
            path: None,
            kind: NoteKind::Spent(inputs.sources.position(entry.span)),
        })
    };
    inputs.project.removed.iter().filter_map(note).collect()
}

/// The entries that a plan carries out, and of which nothing is left to be done.
pub(super) fn spends(inputs: Inputs<'_>, actions: &[Action]) -> BTreeMap<ContentHash, Spent> {
    let mut used = BTreeMap::new();
    if inputs.project.removed.iter().all(|entry| entry.keep) {
        return used;
    }
    let mut acted: BTreeSet<(&RepoPath, &crate::snapshot::Part)> = BTreeSet::new();
    for action in actions {
        for part in &action.parts {
            acted.insert((&action.path, &part.part));
            let entries = match part.decision {
                Decision::Delete => inputs
                    .known
                    .get(&action.path, &part.part)
                    .filter(|known| is_stateful(inputs, &known.record))
                    .and_then(|known| of_record(inputs, known))
                    .into_iter()
                    .collect(),
                Decision::Update(_) => inputs
                    .desired
                    .find(&action.path, &part.part)
                    .map(|output| of_update(inputs, output, action.old_path()))
                    .unwrap_or_default(),
                Decision::Nothing
                | Decision::Create(_)
                | Decision::Adopt(_)
                | Decision::Keep
                | Decision::Forget(_)
                | Decision::Conflict(_) => Vec::new(),
            };
            used.extend(entries.into_iter().map(|(_, entry)| {
                let spent = Spent {
                    what: part.address.clone(),
                    component: entry.component.clone(),
                };
                (entry.hash(), spent)
            }));
        }
    }
    if used.is_empty() {
        return used;
    }
    for output in &inputs.desired.outputs {
        let path = &output.place.path;
        if !acted.contains(&(path, &output.part)) {
            for (_, entry) in of_update(inputs, output, path) {
                used.remove(&entry.hash());
            }
        }
    }
    for known in inputs.known.records() {
        let (path, part) = known.record.key();
        let goes = inputs.desired.find(path, part).is_none() && is_stateful(inputs, &known.record);
        let is_left = goes && !acted.contains(&(path, part));
        if let (true, Some((_, entry))) = (is_left, of_record(inputs, known)) {
            used.remove(&entry.hash());
        }
    }
    used
}

/// The entries that name what an update of an output would lose.
fn of_update<'a>(
    inputs: Inputs<'a>,
    output: &Output,
    stands: &RepoPath,
) -> Vec<(Standing, &'a Removed)> {
    let declaration = inputs.desired.declaration(output);
    if declaration.provider.spec().nature != Nature::Stateful {
        return Vec::new();
    }
    let lost = (inputs.losses)(output, stands);
    let of_loss = |lost: &Lost| of_loss(entries(inputs), &declaration.address, lost);
    lost.iter().filter_map(of_loss).collect()
}
