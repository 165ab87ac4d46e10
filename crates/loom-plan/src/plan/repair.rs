//! Which outputs the ledger lacks, and what of them may be recorded without a guess.
//!
//! In: the outcome of planning. Out: a [`Repair`]: a finding for each output that is not recorded,
//! and a plan that writes nothing but the ledger.
//!
//! Invariants: only a file that is exactly what is declared is recorded; one that differs in a byte
//! may hold somebody's edit, and stays unrecorded. Nothing that is recorded already is touched, but
//! for what a merge left of it.

use std::collections::BTreeMap;

use super::decide::{Adopting, Conflict, Creation, Decision, Updating};
use super::{Action, Conflicting, Outcome, PartAction, Plan, Verb};
use crate::addr::{Address, ContentHash, RepoPath};
use crate::snapshot::Part;

/// What stands where an output goes that is not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Exactly what is declared: it is recorded.
    Equal,
    /// Something else: whose it is, a person says.
    Differs,
    /// Nothing: the next apply writes it.
    Missing,
    /// No regular file, or one that cannot be read.
    Foreign,
}

/// One output that is not recorded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file.
    pub path: RepoPath,
    /// The part of it.
    pub part: Part,
    /// The artifact.
    pub address: Address,
    /// What is there.
    pub state: State,
}

/// What the ledger lacks, and the plan that records what can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// By path.
    pub findings: Vec<Finding>,
    /// Adopts what is equal, and does nothing else.
    pub plan: Plan,
}

impl Repair {
    /// Sorts out an outcome.
    pub fn of(outcome: &Outcome) -> Self {
        let parts = outcome.actions().iter().flat_map(|action| {
            action.parts.iter().filter_map(|part| {
                let state = state_of(part.decision)?;
                Some(Finding {
                    path: action.path.clone(),
                    part: part.part.clone(),
                    address: part.address.clone(),
                    state,
                })
            })
        });
        let conflicts = outcome.conflicts().iter().filter_map(|conflict| {
            let state = state_of(Decision::Conflict(conflict.conflict))?;
            let Conflicting {
                path,
                part,
                address,
                ..
            } = conflict.clone();
            Some(Finding {
                path,
                part,
                address,
                state,
            })
        });
        let mut findings: Vec<Finding> = parts.chain(conflicts).collect();
        findings.sort();
        Self {
            findings,
            plan: plan_of(outcome),
        }
    }

    /// How many outputs are in a state.
    pub fn count(&self, state: State) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.state == state)
            .count()
    }
}

fn is_equal(part: &PartAction) -> bool {
    part.decision == Decision::Adopt(Adopting::Equal)
}

/// The state of an output that is not recorded; `None` of one that is.
fn state_of(decision: Decision) -> Option<State> {
    match decision {
        Decision::Adopt(Adopting::Equal) => Some(State::Equal),
        Decision::Adopt(Adopting::AsItIs)
        | Decision::Update(Updating::Joined)
        | Decision::Conflict(Conflict::NotOurs | Conflict::KeysTaken) => Some(State::Differs),
        Decision::Create(Creation::New) => Some(State::Missing),
        Decision::Conflict(Conflict::Foreign) => Some(State::Foreign),
        Decision::Nothing
        | Decision::Adopt(Adopting::Renamed)
        | Decision::Create(Creation::Vanished)
        | Decision::Update(
            Updating::Changed | Updating::Restored | Updating::Merged | Updating::Completed,
        )
        | Decision::Delete
        | Decision::Keep
        | Decision::Forget(_)
        | Decision::Conflict(
            Conflict::Edited
            | Conflict::DeletedButEdited
            | Conflict::Stateful
            | Conflict::Component
            | Conflict::Migration
            | Conflict::Merge
            | Conflict::Newer
            | Conflict::Base
            | Conflict::Markers
            | Conflict::Unsafe,
        ) => None,
    }
}

/// The plan that adopts what is equal. Everything else counts as left out, so that its lines in the
/// ledger stay as they are, and with them the causes that later plans can name.
fn plan_of(outcome: &Outcome) -> Plan {
    let (mut actions, mut skipped) = (Vec::new(), outcome.conflicts().to_vec());
    for action in outcome.actions() {
        let (equal, others): (Vec<PartAction>, Vec<PartAction>) =
            action.parts.iter().cloned().partition(is_equal);
        if !equal.is_empty() {
            actions.push(Action {
                verb: Verb::Adopt,
                parts: equal,
                ..action.clone()
            });
        }
        skipped.extend(others.into_iter().map(|part| Conflicting {
            path: action.path.clone(),
            address: part.address,
            part: part.part,
            conflict: Conflict::NotOurs,
            found: None,
            clashes: Vec::new(),
            ways: Vec::new(),
            by_hand: None,
        }));
    }
    let gone = match outcome {
        Outcome::Converged(report) => report.gone.clone(),
        Outcome::Ready(plan) => plan.gone.clone(),
        Outcome::Blocked(_) => Vec::new(),
    };
    Plan {
        actions,
        digest: Some(ContentHash::of(b"repair")),
        exceptions: Vec::new(),
        skipped,
        gone,
        spends: BTreeMap::new(),
        report: outcome.report().clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{BlockedPlan, Expect, Report};
    use crate::provider::Mode;
    use crate::snapshot::Content;

    fn part(name: &str, decision: Decision) -> PartAction {
        let content = Some(Content {
            hash: ContentHash::of(name.as_bytes()),
            mode: Mode::Plain,
        });
        let address = Address::parse(&format!("file.{name}")).expect("an address");
        PartAction {
            address,
            part: Part::Block(name.to_owned()),
            removes: Vec::new(),
            stays: Vec::new(),
            bytes: None,
            left_to: None,
            was: None,
            decision,
            before: content,
            after: content,
            causes: Vec::new(),
        }
    }

    #[test]
    fn only_what_is_exactly_as_declared_is_recorded_and_the_rest_is_left_as_it_is() {
        let path = RepoPath::new("a").expect("a path");
        let decisions = [
            ("equal", Decision::Adopt(Adopting::Equal)),
            ("taken", Decision::Adopt(Adopting::AsItIs)),
            ("new", Decision::Create(Creation::New)),
            ("vanished", Decision::Create(Creation::Vanished)),
            ("gone", Decision::Delete),
        ];
        let parts = decisions
            .map(|(name, decision)| part(name, decision))
            .to_vec();
        let actions = vec![Action {
            path: path.clone(),
            verb: Verb::Update,
            expect: Expect::Absent,
            parts,
        }];
        let conflict = |name: &str, conflict| Conflicting {
            path: path.clone(),
            address: Address::parse(&format!("file.{name}")).expect("an address"),
            part: Part::Block(name.to_owned()),
            conflict,
            found: None,
            clashes: Vec::new(),
            ways: Vec::new(),
            by_hand: None,
        };
        let conflicts = vec![
            conflict("theirs", Conflict::NotOurs),
            conflict("edited", Conflict::Edited),
            conflict("link", Conflict::Foreign),
        ];
        let repair = Repair::of(&Outcome::Blocked(BlockedPlan {
            actions,
            conflicts,
            report: Report::default(),
        }));
        let states: Vec<_> = repair
            .findings
            .iter()
            .map(|it| (it.address.name().as_str(), it.state))
            .collect();
        let expected = [
            ("equal", State::Equal),
            ("link", State::Foreign),
            ("new", State::Missing),
            ("taken", State::Differs),
            ("theirs", State::Differs),
        ];
        assert_eq!(states, expected);
        let recorded: Vec<_> = repair
            .plan
            .actions
            .iter()
            .flat_map(|it| &it.parts)
            .map(|it| it.address.to_string())
            .collect();
        assert_eq!(
            (recorded, repair.plan.skipped.len()),
            (vec!["file.equal".to_owned()], 7)
        );
        assert!(
            repair
                .plan
                .actions
                .iter()
                .all(|action| !action.verb.writes())
        );
    }
}
