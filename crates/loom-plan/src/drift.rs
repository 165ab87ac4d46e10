//! Drift: where the repository is not as declared, and how that came.
//!
//! In: the outcome of planning everything with the project's own choices. Out: one [`Drifted`] for
//! every output for which the decision table says anything but nothing. Forgetting a record whose
//! file is gone counts as nothing.
//!
//! Invariant: the report is empty exactly when the outcome is `Converged`, because it is made from
//! nothing but the outcome's actions and conflicts.

use crate::addr::{Address, RepoPath};
use crate::plan::decide::{Conflict, Creation, Decision, Updating};
use crate::plan::{Cause, Outcome, PartAction};

/// What happened to an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Somebody changed the file.
    Edited,
    /// Somebody removed the file.
    Missing,
    /// The declaration changed, came or went.
    InputChanged,
    /// The same settings are written differently by a newer kind.
    GeneratorUpgraded,
    /// The file is there and the ledger does not know it.
    Unrecorded,
}

impl Class {
    /// The words, as in the reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Missing => "missing",
            Self::InputChanged => "input changed",
            Self::GeneratorUpgraded => "generator upgraded",
            Self::Unrecorded => "unrecorded",
        }
    }
}

/// One output that is not as declared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drifted {
    /// The file.
    pub path: RepoPath,
    /// The artifact.
    pub address: Address,
    /// What happened.
    pub class: Class,
}

/// Every output that is not as declared, by path.
pub fn report(outcome: &Outcome) -> Vec<Drifted> {
    let actions = outcome.actions().iter().flat_map(|action| {
        action.parts.iter().map(|part| Drifted {
            path: action.path.clone(),
            address: part.address.clone(),
            class: class_of(part),
        })
    });
    let conflicts = outcome.conflicts().iter().map(|conflict| Drifted {
        path: conflict.path.clone(),
        address: conflict.address.clone(),
        class: class_of_conflict(conflict.conflict),
    });
    let mut drifted: Vec<Drifted> = actions.chain(conflicts).collect();
    drifted.sort();
    drifted
}

fn class_of(part: &PartAction) -> Class {
    match part.decision {
        Decision::Create(Creation::Vanished) => Class::Missing,
        Decision::Update(Updating::Restored) | Decision::Keep => Class::Edited,
        Decision::Adopt(_) => Class::Unrecorded,
        Decision::Update(Updating::Changed) if is_upgrade(part) => Class::GeneratorUpgraded,
        Decision::Create(Creation::New) | Decision::Update(Updating::Changed) | Decision::Delete => Class::InputChanged,
        Decision::Forget(_) | Decision::Nothing => Class::InputChanged,
        Decision::Conflict(conflict) => class_of_conflict(conflict),
    }
}

/// Nothing but the kind's version is another.
fn is_upgrade(part: &PartAction) -> bool {
    let is_version = |cause: &Cause| matches!(cause, Cause::KindVersion { .. });
    part.causes.iter().any(is_version) && !part.causes.iter().any(|cause| matches!(cause, Cause::Setting { .. }))
}

fn class_of_conflict(conflict: Conflict) -> Class {
    match conflict {
        Conflict::Edited | Conflict::Merge | Conflict::DeletedButEdited | Conflict::Foreign => Class::Edited,
        Conflict::NotOurs => Class::Unrecorded,
        Conflict::Stateful | Conflict::Component | Conflict::Migration => Class::InputChanged,
    }
}
