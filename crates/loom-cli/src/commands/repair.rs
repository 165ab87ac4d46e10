//! `loom repair`: the ledger made again from the input and the files.
//!
//! Records what is exactly as declared, and nothing else: a file that differs may hold somebody's
//! edit. Files that carry loom's header and that nobody declares are named, and left alone.

use std::io::Write;

use loom_apply::{Durability, Root};
use loom_plan::addr::RepoPath;
use loom_plan::header;
use loom_plan::input::Input as _;
use loom_plan::plan::repair::{Repair, State};

use super::{Desk, Failure, apply, leftovers, pass, take_lock};
use crate::cli::{Confirmation, Selection};
use crate::env;
use crate::exit::Exit;
use crate::report::repair;

/// Compares, shows what would be recorded, has it confirmed, and writes the ledger.
pub(crate) fn run(
    desk: &Desk<'_>,
    confirmation: Confirmation,
    durability: Durability,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let root = &desk.root;
    let lock = take_lock(root, desk.global.lock_timeout)?;
    let (compiled, seen) = pass::look_anyway(desk, root, None)?;
    let planned = pass::plan(desk, compiled, seen, &Selection::default())?;
    let found = Repair::of(&planned.outcome);
    let orphans = orphans(root, &planned);
    repair::write(&found, &orphans, desk.global.talk, out)?;
    if found.count(State::Equal) == 0 && !planned.needs_healing() {
        return Ok(Exit::Done);
    }
    out.flush()?;
    confirm(confirmation)?;
    let committed =
        apply::write_ledger((root, lock), &planned, &found.plan, ("repair", durability))?;
    writeln!(
        out,
        "\nThe ledger is written. `loom rollback {}` undoes it. `loom plan` shows what is left to do.",
        committed.id
    )?;
    leftovers(&committed).try_for_each(|line| writeln!(out, "{line}"))?;
    Ok(Exit::Done)
}

/// Files that carry loom's header, and that neither the input nor the ledger knows. Those of another
/// loom.yaml below this one are its own.
fn orphans(root: &Root, planned: &pass::Planned) -> Vec<RepoPath> {
    let all = root.glob(&["**".to_owned()]);
    let nested: Vec<&str> = all
        .iter()
        .filter_map(|path| path.as_str().split_once("/.loom/"))
        .map(|(above, _)| above)
        .collect();
    let is_nested = |path: &RepoPath| {
        nested.iter().any(|above| {
            path.as_str()
                .strip_prefix(above)
                .is_some_and(|below| below.starts_with('/'))
        })
    };
    let desired = &planned.compiled.desired;
    let is_known = |path: &RepoPath| {
        desired.at(path).next().is_some()
            || planned
                .seen
                .known
                .records()
                .any(|known| known.record.path == *path)
    };
    let carries = |path: &RepoPath| {
        root.read_bytes(path)
            .is_ok_and(|bytes| header::is_in(&bytes, path))
    };
    let mut all = all.clone();
    all.retain(|path| !is_nested(path) && !is_known(path) && carries(path));
    all
}

/// A person says `yes`, or said it before.
fn confirm(confirmation: Confirmation) -> Result<(), Failure> {
    if confirmation == Confirmation::Given {
        return Ok(());
    }
    if !env::has_person() {
        let how = "nobody is here to say `yes`, so nothing was recorded: give --yes";
        return Err(Failure::Environment(how.to_owned()));
    }
    if env::confirms("Record this?")? {
        return Ok(());
    }
    Err(Failure::Environment(
        "nothing was recorded, because the answer was not `yes`".to_owned(),
    ))
}
