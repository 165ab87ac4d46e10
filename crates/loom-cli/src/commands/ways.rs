//! What is offered where somebody must decide is tried on paper first.
//!
//! In: a plan with conflicts. Out: the same plan, without the ways that lead nowhere: each choice is
//! planned once, with nothing written, and a command is offered for a conflict only where that
//! conflict is gone then. Whether an edit can be absorbed is found out by tracing it, of few
//! conflicts only, because each trial renders the project anew.

use std::collections::{BTreeMap, BTreeSet};

use loom_plan::addr::{Address, RepoPath};
use loom_plan::plan::advice::Apply;
use loom_plan::plan::decide::Conflict;
use loom_plan::plan::known::Key;
use loom_plan::plan::merging::Merges;
use loom_plan::plan::scope::Adopting;
use loom_plan::plan::{Conflicting, Outcome};
use loom_plan::project::OnDrift;

use super::merging::merge_all;
use super::pass::Planned;
use super::{Desk, absorb};

/// Of how many conflicts it is tried whether they can be absorbed.
const ABSORBED: usize = 3;
/// Where the project has more outputs than this, nobody waits for that.
const RENDERED: usize = 2_000;

/// Takes out what leads nowhere.
pub(crate) fn try_out(desk: &Desk<'_>, planned: &mut Planned) {
    let offered: BTreeSet<Apply> = tried(&planned.outcome)
        .flat_map(|conflict| &conflict.ways)
        .filter_map(loom_plan::plan::Way::applies)
        .collect();
    let mut still: BTreeMap<Apply, BTreeSet<Key>> = BTreeMap::new();
    for how in offered {
        still.insert(how, conflicts(&on_paper(desk, planned, how)));
    }
    let absorbed = absorbed(desk, planned);
    let directory = desk.global.directory.as_ref();
    for conflict in planned.outcome.conflicts_mut() {
        let key = key(conflict);
        if is_tried(conflict) {
            conflict.ways.retain(|way| match way.applies() {
                Some(how) => !still.get(&how).is_some_and(|still| still.contains(&key)),
                None => !way.absorbs() || absorbed.contains(&key),
            });
        }
        if let Some(directory) = directory {
            let directory = directory.to_string_lossy();
            conflict
                .ways
                .iter_mut()
                .for_each(|way| way.start_in(&directory));
        }
    }
}

/// Whether planning can say what a way comes to: others need an edit of the input first.
fn is_tried(conflict: &Conflicting) -> bool {
    match conflict.conflict {
        Conflict::Edited
        | Conflict::Merge
        | Conflict::Base
        | Conflict::NotOurs
        | Conflict::KeysTaken => true,
        Conflict::DeletedButEdited
        | Conflict::Foreign
        | Conflict::Stateful
        | Conflict::Component
        | Conflict::Migration
        | Conflict::Newer
        | Conflict::Markers
        | Conflict::Unsafe => false,
    }
}

fn tried(outcome: &Outcome) -> impl Iterator<Item = &Conflicting> {
    outcome.conflicts().iter().filter(|it| is_tried(it))
}

fn key(conflict: &Conflicting) -> Key {
    (conflict.path.clone(), conflict.part.clone())
}

fn conflicts(outcome: &Outcome) -> BTreeSet<Key> {
    outcome.conflicts().iter().map(key).collect()
}

/// What the run would come to with this choice.
fn on_paper(desk: &Desk<'_>, planned: &mut Planned, how: Apply) -> Outcome {
    let (on_drift, adoption) = match how {
        Apply::Plainly => (None, Adopting::Declared),
        Apply::OnDrift(on_drift) => (Some(on_drift), Adopting::Declared),
        Apply::Adopting => (None, Adopting::All),
    };
    let merges = if on_drift == Some(OnDrift::Merge) {
        merges(desk, planned)
    } else {
        Merges::default()
    };
    planned.on_paper(desk, (on_drift, adoption), merges)
}

/// What merging comes to; an edit whose base cannot be had is none that merges.
fn merges(desk: &Desk<'_>, planned: &Planned) -> Merges {
    let wanted = conflicts(&planned.outcome);
    let to_merge: Vec<_> = planned
        .merged_on_paper()
        .into_iter()
        .filter(|it| wanted.contains(&(it.stand.path.clone(), it.stand.part.clone())))
        .collect();
    merge_all(desk, (&planned.compiled, &planned.seen), &to_merge).unwrap_or_default()
}

/// The conflicts whose edits can be traced to settings.
fn absorbed(desk: &Desk<'_>, planned: &Planned) -> BTreeSet<Key> {
    if planned.compiled.desired.outputs.len() > RENDERED {
        return BTreeSet::new();
    }
    let offered = tried(&planned.outcome)
        .filter(|conflict| conflict.ways.iter().any(loom_plan::plan::Way::absorbs));
    let leads = |conflict: &&Conflicting| {
        let (address, path): (&Address, &RepoPath) = (&conflict.address, &conflict.path);
        absorb::leads(desk, (&planned.compiled, &planned.seen), address, path)
    };
    offered.take(ABSORBED).filter(leads).map(key).collect()
}
