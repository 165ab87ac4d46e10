//! The ways out of a conflict, the plainest first: each is a sentence or a command to paste.

use std::collections::BTreeSet;

use super::decide::Conflict;
use crate::addr::{Address, RepoPath};
use crate::project::edit;
use crate::provider::{Fate, Lost};

/// What a person may do where keys that loom has never written have other values. What they say can be
/// absorbed only where nothing of the file is recorded yet: else the declaration has changed besides.
pub fn of_keys(address: &Address, path: &RepoPath, is_recorded: bool) -> Vec<String> {
    let only = format!("--target '{address}' --path '{path}'");
    let absorb =
        format!("take theirs into the declaration: loom absorb '{address}' --path '{path}'");
    let absorb = (!is_recorded).then_some(absorb);
    let set = format!("set loom's: loom apply {only} --on-drift restore");
    let leave =
        format!("leave theirs, and write the keys that are missing: loom apply {only} --adopt");
    [set].into_iter().chain(absorb).chain([leave]).collect()
}

/// What a person may do about a conflict; `lost` is what an update would drop.
pub fn ways(conflict: Conflict, address: &Address, path: &RepoPath, lost: &[Lost]) -> Vec<String> {
    let restore =
        format!("put loom's text back: loom apply --target '{address}' --on-drift restore");
    let keep = format!("accept the edit: loom apply --target '{address}' --on-drift keep");
    let merge = format!("put both together: loom apply --target '{address}' --on-drift merge");
    let resolve = format!("decide line by line: loom resolve '{address}'");
    let absorb = format!("make the edit the declaration: loom absorb '{address}'");
    match conflict {
        Conflict::Edited => vec![keep, merge, absorb, restore],
        Conflict::Merge => vec![resolve, keep, absorb, restore],
        Conflict::DeletedButEdited => vec![
            format!("keep the file and stop managing it: add `removed: [{{ address: \"{address}\", keep: true }}]` to loom.yaml"),
            format!(
                "delete it with its edits: add `removed: [{{ address: \"{address}\" }}]` and run loom apply --on-drift restore"
            ),
        ],
        Conflict::NotOurs => vec![
            format!("take the file over as it is: add `adopt: [{{ address: \"{address}\" }}]` to loom.yaml, or run with --adopt"),
            format!("let loom write it: move {path} away"),
        ],
        // [`of_keys`] says more
        Conflict::KeysTaken => of_keys(address, path, true),
        Conflict::Foreign => vec![format!("move {path} away, or give {address} another `path`")],
        Conflict::Unsafe => vec![
            "make the change that is shown by hand, and run the plan again: loom then finds it made".to_owned(),
            format!("make {path} simpler where loom says so, and run the plan again"),
            format!("let loom own all of {path}: take `own: keys` out of {address}"),
        ],
        Conflict::Stateful => vec![
            "what it describes still exists outside the repository: destroy or hand that over first".to_owned(),
            format!("plan the destruction: terraform -chdir=DIRECTORY plan -destroy (the module of {path})"),
            format!("then add `removed: [{{ address: \"{address}\", reason: \"…\" }}]` to loom.yaml, with the reason"),
        ],
        Conflict::Component => losses(address, lost),
        Conflict::Newer => vec![
            "use the loom that wrote it; `loom --version` prints which one this is".to_owned(),
            "let an older loom stop at once: say in loom.yaml which ones may work here, such as `requires: \">=0.2\"`".to_owned(),
            "go back to this loom for good: revert the commit in which the newer one wrote it (`git revert`)".to_owned(),
        ],
        Conflict::Migration => vec![
            "a migration that was applied somewhere may never change: write a new one with the next number".to_owned(),
            restore,
        ],
    }
}

/// What would be lost outside the repository, by what becomes of it, and the entries that permit it.
fn losses(address: &Address, lost: &[Lost]) -> Vec<String> {
    let mut ways = Vec::new();
    let destroyed: Vec<&str> = of_fate(lost, |fate| matches!(fate, Fate::Destroyed));
    if !destroyed.is_empty() {
        ways.push(format!(
            "these still exist outside the repository, and would be destroyed: save or hand over what they hold first: {}",
            destroyed.join(", ")
        ));
    }
    let replaced: BTreeSet<String> = lost
        .iter()
        .filter_map(|lost| match &lost.fate {
            Fate::Destroyed => None,
            Fate::Replaced(by) => Some(format!("{} (by `{by}`)", lost.name)),
        })
        .collect();
    if !replaced.is_empty() {
        ways.push(format!(
            "these exist outside the repository, and new, empty ones would replace them: save what they hold first: {}",
            replaced.into_iter().collect::<Vec<_>>().join(", ")
        ));
    }
    let entries: BTreeSet<String> = lost
        .iter()
        .map(|lost| {
            let replace = match lost.fate {
                Fate::Destroyed => "",
                Fate::Replaced(_) => ", replace: true",
            };
            format!(
                "{{ address: \"{address}\", component: {}{replace}, reason: \"…\" }}",
                edit::scalar(&lost.component)
            )
        })
        .collect();
    ways.push(format!(
        "then add to loom.yaml, with the reason: `removed: [{}]`",
        entries.into_iter().collect::<Vec<_>>().join(", ")
    ));
    ways
}

fn of_fate(lost: &[Lost], is: impl Fn(&Fate) -> bool) -> Vec<&str> {
    let of = lost.iter().filter(|lost| is(&lost.fate));
    of.map(|lost| lost.name.as_str()).collect()
}
