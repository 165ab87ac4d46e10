//! Drift: where the repository is not as declared, how that came, and how much it is ([`grade`]).
//!
//! In: the outcome of planning everything with the project's own choices. Out: one [`Drifted`] for
//! every output for which the decision table says anything but nothing. Forgetting a record whose
//! file is gone counts as nothing.
//!
//! Invariant: the report is empty exactly when the outcome is `Converged`, because it is made from
//! nothing but the outcome's actions and conflicts. What could not be looked into is in it, as
//! [`Drifted::unreadable`]: it never counts as in sync.

pub mod grade;

use crate::addr::{Address, RepoPath};
use crate::plan::Outcome;
use crate::plan::decide::{Conflict, Creation, Decision, Updating};
use crate::plan::upgrade::Upgrades;
use crate::snapshot::{Content, Part, UNREADABLE};

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
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 5] = [
        Self::Edited,
        Self::Missing,
        Self::InputChanged,
        Self::GeneratorUpgraded,
        Self::Unrecorded,
    ];

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
    /// The part of the file.
    pub part: Part,
    /// What happened.
    pub class: Class,
    /// What is there; `None` where nothing is, or what it is cannot be told.
    pub observed: Option<Content>,
    /// What is declared; `None` where nothing is.
    pub desired: Option<Content>,
    /// Why nobody can tell what is there: `a file that cannot be read (Permission denied)`.
    pub unreadable: Option<String>,
}

/// What stands at a place where an edit is, and what is declared there.
pub type Sides<'a> = dyn Fn(&RepoPath, &Part) -> [Option<Content>; 2] + 'a;

/// Every output that is not as declared, by path.
pub fn report(outcome: &Outcome, sides: &Sides<'_>) -> Vec<Drifted> {
    let upgrades = Upgrades::of(outcome.actions());
    let actions = outcome.actions().iter().flat_map(|action| {
        let upgrades = &upgrades;
        action.parts.iter().map(move |part| Drifted {
            path: action.path.clone(),
            address: part.address.clone(),
            part: part.part.clone(),
            class: match upgrades.group(&action.path, &part.part) {
                Some(_) => Class::GeneratorUpgraded,
                None => class_of(part.decision),
            },
            observed: part.before,
            // an edit that would be accepted differs from what is declared as any other does
            desired: if part.accepts() {
                sides(&action.path, &part.part)[1]
            } else {
                part.after
            },
            unreadable: None,
        })
    });
    let conflicts = outcome.conflicts().iter().map(|conflict| {
        let [observed, desired] = sides(&conflict.path, &conflict.part);
        let is_unreadable =
            |found: &String| UNREADABLE.iter().any(|begin| found.starts_with(begin));
        Drifted {
            path: conflict.path.clone(),
            address: conflict.address.clone(),
            part: conflict.part.clone(),
            class: class_of_conflict(conflict.conflict),
            observed,
            desired,
            unreadable: conflict.found.clone().filter(is_unreadable),
        }
    });
    let mut drifted: Vec<Drifted> = actions.chain(conflicts).collect();
    drifted.sort();
    drifted
}

fn class_of(decision: Decision) -> Class {
    match decision {
        Decision::Create(Creation::Vanished) => Class::Missing,
        Decision::Update(Updating::Restored | Updating::Merged | Updating::Completed)
        | Decision::Keep => Class::Edited,
        Decision::Adopt(_) => Class::Unrecorded,
        Decision::Create(Creation::New)
        | Decision::Update(Updating::Changed | Updating::Joined)
        | Decision::Delete => Class::InputChanged,
        Decision::Forget(_) | Decision::Nothing => Class::InputChanged,
        Decision::Conflict(conflict) => class_of_conflict(conflict),
    }
}

fn class_of_conflict(conflict: Conflict) -> Class {
    match conflict {
        Conflict::Edited
        | Conflict::Merge
        | Conflict::DeletedButEdited
        | Conflict::Foreign
        | Conflict::Base
        | Conflict::Markers => Class::Edited,
        Conflict::NotOurs | Conflict::KeysTaken => Class::Unrecorded,
        Conflict::Stateful
        | Conflict::Component
        | Conflict::Migration
        | Conflict::Newer
        | Conflict::Unsafe => Class::InputChanged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::decide::{Adopting, Forgetting};
    use crate::plan::{Action, BlockedPlan, Cause, Conflicting, Expect, PartAction, Report, Verb};

    fn class(decision: Decision, causes: &[Cause]) -> Class {
        let (path, address) = (
            RepoPath::new("a").expect("a path"),
            Address::parse("file.a").expect("an address"),
        );
        let part = PartAction {
            address,
            part: Part::Whole,
            removes: Vec::new(),
            stays: Vec::new(),
            bytes: None,
            left_to: None,
            was: None,
            decision,
            before: None,
            after: None,
            causes: causes.to_vec(),
        };
        let actions = vec![Action {
            path,
            verb: Verb::Update,
            expect: Expect::Absent,
            parts: vec![part],
        }];
        let outcome = Outcome::Blocked(BlockedPlan {
            actions,
            conflicts: Vec::new(),
            report: Report::default(),
        });
        report(&outcome, &|_, _| [None, None])[0].class
    }

    #[test]
    fn every_decision_has_the_cause_that_a_person_would_name() {
        let version = Cause::KindVersion {
            kind: "file".to_owned(),
            from: 1,
            to: 2,
            changes: Vec::new(),
        };
        let setting = Cause::Setting {
            pointer: "services.api.port".to_owned(),
            position: None,
        };
        let changed = Decision::Update(Updating::Changed);
        for (decision, causes, expected) in [
            (
                Decision::Update(Updating::Restored),
                vec![Cause::Edited],
                Class::Edited,
            ),
            (
                Decision::Update(Updating::Merged),
                vec![Cause::Merged],
                Class::Edited,
            ),
            (Decision::Keep, vec![Cause::Edited], Class::Edited),
            (
                Decision::Create(Creation::Vanished),
                vec![Cause::Vanished],
                Class::Missing,
            ),
            (Decision::Create(Creation::New), vec![], Class::InputChanged),
            (changed, vec![setting.clone()], Class::InputChanged),
            (changed, vec![setting, version.clone()], Class::InputChanged),
            (changed, vec![version.clone()], Class::GeneratorUpgraded),
            (
                Decision::Update(Updating::Restored),
                vec![version],
                Class::Edited,
            ),
            (
                Decision::Delete,
                vec![Cause::Undeclared],
                Class::InputChanged,
            ),
            (
                Decision::Forget(Forgetting::LeftAlone),
                vec![Cause::Undeclared],
                Class::InputChanged,
            ),
            (
                Decision::Adopt(Adopting::Equal),
                vec![Cause::AlreadyThere],
                Class::Unrecorded,
            ),
            (
                Decision::Adopt(Adopting::AsItIs),
                vec![Cause::Adopted],
                Class::Unrecorded,
            ),
            (Decision::Conflict(Conflict::Edited), vec![], Class::Edited),
            (
                Decision::Conflict(Conflict::DeletedButEdited),
                vec![],
                Class::Edited,
            ),
            (
                Decision::Conflict(Conflict::NotOurs),
                vec![],
                Class::Unrecorded,
            ),
            (
                Decision::Conflict(Conflict::Stateful),
                vec![],
                Class::InputChanged,
            ),
        ] {
            assert_eq!(
                class(decision, &causes),
                expected,
                "{decision:?} {causes:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_looked_into_is_in_the_report() {
        let conflict = |found: &str| Conflicting {
            path: RepoPath::new("a").expect("a path"),
            address: Address::parse("file.a").expect("an address"),
            part: Part::Whole,
            conflict: Conflict::Foreign,
            found: Some(found.to_owned()),
            clashes: Vec::new(),
            ways: Vec::new(),
            by_hand: None,
        };
        let unreadable = |found: &str| {
            let conflicts = vec![conflict(found)];
            let outcome = Outcome::Blocked(BlockedPlan {
                actions: Vec::new(),
                conflicts,
                report: Report::default(),
            });
            report(&outcome, &|_, _| [None, None])[0].unreadable.clone()
        };
        for found in UNREADABLE {
            let said = format!("{found} (Permission denied)");
            assert_eq!(unreadable(&said), Some(said));
        }
        assert_eq!(unreadable("a symbolic link"), None);
    }

    #[test]
    fn nothing_to_do_is_no_drift() {
        assert_eq!(
            report(&Outcome::Converged(Report::default()), &|_, _| [None, None]),
            []
        );
    }
}
