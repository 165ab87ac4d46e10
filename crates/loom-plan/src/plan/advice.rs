//! The ways out of a conflict, the plainest first: each is a sentence or a command to paste.

use std::collections::BTreeSet;

use super::decide::Conflict;
use crate::addr::{Address, RepoPath};
use crate::provider::Lost;

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
            format!("then add `removed: [{{ address: \"{address}\" }}]` to loom.yaml"),
        ],
        Conflict::Component => {
            let names: Vec<&str> = lost.iter().map(|lost| lost.name.as_str()).collect();
            let components: BTreeSet<&str> = lost.iter().map(|lost| lost.component.as_str()).collect();
            let entries = components.iter().map(|component| format!("{{ address: \"{address}\", component: {component} }}"));
            vec![
                format!("these still exist outside the repository: destroy or hand them over first: {}", names.join(", ")),
                format!("then add to loom.yaml: `removed: [{}]`", entries.collect::<Vec<_>>().join(", ")),
            ]
        }
        Conflict::Migration => vec![
            "a migration that was applied somewhere may never change: write a new one with the next number".to_owned(),
            restore,
        ],
    }
}
