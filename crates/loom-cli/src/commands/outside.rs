//! What goes on outside the repository when a plan is applied.
//!
//! In: an outcome, and the texts on both sides of its actions. Out: a note for each file of which
//! something would be left running with nobody to manage it: the objects of a manifest that goes, the
//! ones whose names change, a monitor. What another declared file still has is not left. Each note has
//! the command that ends it; loom has no way to the cluster and runs none.

use std::collections::{BTreeMap, BTreeSet};

use loom_plan::addr::{Address, RepoPath};
use loom_plan::plan::{Action, Note, NoteKind, Outcome, Verb};
use loom_plan::provider::{Provider, Running};
use loom_plan::render::Desired;

use super::pass::REGISTRY;
use crate::report::Contents;

/// Adds the notes to an outcome.
pub(super) fn note(outcome: &mut Outcome, desired: &Desired, contents: &dyn Contents) {
    let mut left = left(outcome, contents);
    if left.is_empty() {
        return;
    }
    let still = still(desired, &left);
    for (_, running) in left.values_mut() {
        running.retain(|it| !still.contains(&identity(it)));
    }
    let notes = left
        .into_iter()
        .flat_map(|(path, (address, running))| notes(&address, &path, &running));
    let report = outcome.report_mut();
    report.notes.extend(notes);
    report.notes.sort();
}

/// What something is, whatever the file that says it.
fn identity(running: &Running) -> (String, String) {
    (running.target.clone(), running.place.clone())
}

type Left = BTreeMap<RepoPath, (Address, Vec<Running>)>;

/// What each action's file no longer says, by the path that it stood at.
fn left(outcome: &Outcome, contents: &dyn Contents) -> Left {
    let mut left = Left::new();
    for action in outcome.actions() {
        let Some(provider) = provider(action) else {
            continue;
        };
        let text = |bytes: Option<Vec<u8>>| bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        let Some(before) = text(contents.stands(action.old_path())) else {
            continue;
        };
        let beside = |name: &str| {
            let path = action.old_path().sibling(name).ok()?;
            text(contents.stands(&path))
        };
        let mut running = provider.running(&before, &beside);
        if running.is_empty() {
            continue;
        }
        let beside = |name: &str| text(contents.comes(&action.path.sibling(name).ok()?));
        let after = text(contents.of(action).after).unwrap_or_default();
        let still: BTreeSet<_> = provider
            .running(&after, &beside)
            .iter()
            .map(identity)
            .collect();
        running.retain(|it| !still.contains(&identity(it)));
        if !running.is_empty() {
            left.insert(
                action.old_path().clone(),
                (action.address().clone(), running),
            );
        }
    }
    left
}

/// Who reads the texts of an action that takes something out of a file.
fn provider(action: &Action) -> Option<&'static dyn Provider> {
    match action.verb {
        Verb::Delete | Verb::Update | Verb::Move { .. } => {
            REGISTRY.provider(action.address().kind())
        }
        Verb::Create | Verb::Adopt | Verb::Keep | Verb::Forget => None,
    }
}

/// What is declared somewhere: an object that another file has now is not left to nobody.
fn still(desired: &Desired, left: &Left) -> BTreeSet<(String, String)> {
    let kinds: BTreeSet<&str> = left.values().map(|(address, _)| address.kind()).collect();
    let mut still = BTreeSet::new();
    for output in &desired.outputs {
        let declaration = desired.declaration(output);
        if !kinds.contains(declaration.address.kind()) {
            continue;
        }
        let text_at = |path: &RepoPath| {
            let output = desired.at(path).next()?;
            desired.text(output).ok()
        };
        let beside = |name: &str| text_at(&output.place.path.sibling(name).ok()?);
        let text = desired.text(output).unwrap_or_default();
        still.extend(
            declaration
                .provider
                .running(&text, &beside)
                .iter()
                .map(identity),
        );
    }
    still
}

/// One note for all that one command ends.
fn notes(address: &Address, path: &RepoPath, running: &[Running]) -> Vec<Note> {
    let mut by_end: BTreeMap<(&str, &(String, String)), Vec<&Running>> = BTreeMap::new();
    for it in running {
        by_end.entry((&it.place, &it.end)).or_default().push(it);
    }
    let note = |((place, end), running): ((&str, &(String, String)), Vec<&Running>)| {
        let what: Vec<&str> = running.iter().map(|it| it.what.as_str()).collect();
        let targets: Vec<&str> = running.iter().map(|it| it.target.as_str()).collect();
        Note {
            address: address.clone(),
            path: Some(path.clone()),
            kind: NoteKind::GoesOn {
                what: format!("{}{place}", what.join(", ")),
                end: Running::ended_by(end, &targets),
            },
        }
    };
    by_end.into_iter().map(note).collect()
}
