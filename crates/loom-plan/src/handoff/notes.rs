//! The sentences for people: how it is deployed, what is still to be done by hand, and what is not
//! done yet.

use std::collections::BTreeSet;

use super::fact::What;
use super::{Applied, Standing};
use crate::addr::{Address, RepoPath};
use crate::plan::{NoteKind, Outcome};

/// The sentences, each whole.
pub(super) fn notes(applied: &Applied<'_>, outcome: &Outcome) -> Vec<String> {
    let all = [
        deployment(applied),
        infrastructure(applied),
        alerts(applied),
        settings(applied),
        accepted(applied),
    ];
    all.into_iter()
        .flatten()
        .chain(open(applied, outcome))
        .collect()
}

fn deployment(applied: &Applied<'_>) -> Option<String> {
    let through = applied.told.iter().find_map(|told| {
        if let What::Deployment { through, .. } = &told.what {
            Some(*through)
        } else {
            None
        }
    })?;
    let is_blue_green = applied.told.iter().any(|told| told.what == What::BlueGreen);
    Some(format!(
        "{} through {through}.",
        if is_blue_green {
            "Blue/green deployment"
        } else {
            "Deployment"
        }
    ))
}

/// Where the configurations are that somebody still has to apply: files are not infrastructure.
fn infrastructure(applied: &Applied<'_>) -> Option<String> {
    let folders: BTreeSet<&str> = applied
        .told
        .iter()
        .filter(|told| matches!(told.what, What::Root { .. }))
        .filter_map(|told| told.path.parent())
        .collect();
    let folders: Vec<&str> = folders.into_iter().collect();
    (!folders.is_empty()).then(|| {
        format!(
            "Infrastructure by Terraform; it exists once these are applied: {}.",
            folders.join(", ")
        )
    })
}

fn alerts(applied: &Applied<'_>) -> Option<String> {
    let alerts: Vec<String> = applied
        .told
        .iter()
        .filter_map(|told| {
            if let What::Alert(title) = &told.what {
                Some(format!("{title} ({})", told.path))
            } else {
                None
            }
        })
        .collect();
    (!alerts.is_empty()).then(|| format!("Alerts: {}.", alerts.join("; ")))
}

fn settings(applied: &Applied<'_>) -> Option<String> {
    let mut needed: BTreeSet<(&str, &str)> = BTreeSet::new();
    for told in &applied.told {
        if let What::OutsideSettings { of, names } = &told.what {
            needed.extend(names.iter().map(|name| (*of, name.as_str())));
        }
    }
    let (of, _) = needed.first()?;
    let names: Vec<&str> = needed.iter().map(|(_, name)| *name).collect();
    Some(format!(
        "To be set in {of} before the first deployment: {}.",
        names.join(", ")
    ))
}

fn accepted(applied: &Applied<'_>) -> Option<String> {
    let paths = files(applied, Standing::Accepted);
    (!paths.is_empty()).then(|| {
        format!(
            "Accepted as they are, with what people wrote in them: {}.",
            listed(&paths)
        )
    })
}

/// What is not done.
fn open(applied: &Applied<'_>, outcome: &Outcome) -> Vec<String> {
    let mut open = Vec::new();
    let code = applied.code;
    let conflicts: BTreeSet<&RepoPath> = outcome
        .conflicts()
        .iter()
        .map(|conflict| &conflict.path)
        .collect();
    let actions: BTreeSet<&RepoPath> = outcome
        .actions()
        .iter()
        .map(|action| &action.path)
        .collect();
    let actions: BTreeSet<&RepoPath> = actions.difference(&conflicts).copied().collect();
    if !conflicts.is_empty() {
        open.push(format!(
            "Somebody must decide about {}: `loom plan --story {code}` says how.",
            listed(&conflicts)
        ));
    }
    if !actions.is_empty() {
        open.push(format!(
            "Not applied yet: {}; `loom apply --story {code}` does it.",
            listed(&actions)
        ));
    }
    let held = outcome.report().notes.iter().filter_map(|note| {
        if let NoteKind::Held(tasks) = &note.kind {
            Some((note, tasks))
        } else {
            None
        }
    });
    let is_its = |address: &Address| {
        applied
            .outputs
            .iter()
            .any(|(output, _)| applied.desired.declaration(output).address == *address)
    };
    let held: BTreeSet<&String> = held
        .filter(|(note, _)| is_its(&note.address))
        .map(|(_, tasks)| tasks)
        .collect();
    for tasks in held {
        open.push(format!("Held until {tasks} is completed."));
    }
    open
}

fn files<'a>(applied: &Applied<'a>, standing: Standing) -> BTreeSet<&'a RepoPath> {
    applied
        .outputs
        .iter()
        .filter(|(_, its)| *its == standing)
        .map(|(output, _)| &output.place.path)
        .collect()
}

/// The first few of many, and how many there are.
fn listed(paths: &BTreeSet<&RepoPath>) -> String {
    let names: Vec<&str> = paths.iter().map(|path| path.as_str()).collect();
    match names.as_slice() {
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        few => few.join(", "),
    }
}
