//! What a request does to the managed files, compared with the commit that it began from.
//!
//! In: what is there now with its plan, and the same declarations over the files and the ledger of
//! the base. Out: an outcome whose actions lead from the base's files to those that the request
//! leaves: what stands there now or, where the plan would still write, what it would write.
//!
//! The table decides why a file changes, by the base's ledger; what changes is compared and never
//! decided, so that an accepted edit, a merge or a resolved conflict is shown as what it is. What
//! only the ledger learns is an action without bytes, as in every plan.
//!
//! Invariants: a part is among the actions exactly where its bytes differ, whoever keeps them, or where
//! what was recorded of it was taken up or dropped (`tests/it/against.rs` of loom-cli).
//!
//! Deliberately not here: whether the request is complete, which is what the plan of now says.

use std::collections::{BTreeMap, BTreeSet};

use super::build::{self, Inputs};
use super::decide::{Adopting, Creation, Decision, Updating};
use super::known::{self, Key};
use super::scope::Standing;
use super::{Action, Cause, Expect, Outcome, PartAction, Plan, Verb, digest};
use crate::addr::{Address, RepoPath};
use crate::snapshot::{Content, Observed, Part, Seen, Snapshot, Want};

/// What to look at in both places, so that they can be compared: all that is desired now and all that
/// the base knew.
pub fn wants(base: Inputs<'_>) -> Vec<Want> {
    known::wants(&base.desired.outputs, base.ledger)
}

/// Compares. `here` answers [`wants`] with what is there now.
pub fn against(
    now: Inputs<'_>,
    planned: &Outcome,
    (base, here): (Inputs<'_>, &Snapshot),
) -> Outcome {
    let would = build::plan(base);
    let compared = Compared {
        now,
        planned,
        base,
        here,
        would: &would,
    };
    let mut parts = compared.parts();
    let mut actions = compared.moves(&mut parts);
    let mut by_path: BTreeMap<RepoPath, Vec<PartAction>> = BTreeMap::new();
    for ((path, _), part) in parts {
        by_path.entry(path).or_default().push(part);
    }
    actions.extend(
        by_path
            .into_iter()
            .map(|(path, parts)| compared.action(path, parts)),
    );
    // what is left of `would` changes no bytes
    let written: BTreeSet<RepoPath> = actions.iter().map(|action| action.path.clone()).collect();
    actions.extend(
        would
            .actions()
            .iter()
            .filter(|it| !written.contains(&it.path) && compared.is_recorded(it))
            .cloned(),
    );
    actions.sort_by(|one, other| one.path.cmp(&other.path));
    let report = super::Report {
        drifted: 0,
        ..planned.report().clone()
    };
    if actions.is_empty() {
        return Outcome::Converged(report);
    }
    let digest = digest::of(&actions, base.request);
    Outcome::Ready(Plan {
        actions,
        digest: Some(digest),
        exceptions: Vec::new(),
        skipped: Vec::new(),
        gone: Vec::new(),
        spends: BTreeMap::new(),
        report,
    })
}

/// What two texts hold with all versions, and why they differ.
struct Bytes {
    before: Content,
    after: Content,
    cause: Cause,
}

/// A part that differs, and nothing more of it.
fn compared(
    (address, part): (Address, Part),
    decision: Decision,
    [before, after]: [Option<Content>; 2],
) -> PartAction {
    PartAction {
        address,
        part,
        was: None,
        removes: Vec::new(),
        stays: Vec::new(),
        bytes: None,
        left_to: None,
        decision,
        before,
        after,
        causes: Vec::new(),
    }
}

struct Compared<'a> {
    now: Inputs<'a>,
    planned: &'a Outcome,
    base: Inputs<'a>,
    here: &'a Snapshot,
    would: &'a Outcome,
}

impl Compared<'_> {
    /// The parts that differ.
    fn parts(&self) -> BTreeMap<Key, PartAction> {
        let planned = parts_of(self.planned);
        let why = parts_of(self.would);
        let gone = moved_away(self.planned);
        let mut parts = BTreeMap::new();
        for (key, address) in self.keys() {
            let before = file(&self.base.snapshot.part(&key.0, &key.1));
            let plan = planned.get(&(&key.0, &key.1)).copied();
            let after = match plan {
                Some(part) => part.after,
                None if gone.contains(&key.0) => None,
                None => file(&self.stands(&key).part(&key.1)),
            };
            let raised = after.and_then(|_| self.raised(&key, plan));
            if before == after {
                // nothing but versions differs
                if let Some(Bytes {
                    before,
                    after,
                    cause,
                }) = raised
                {
                    let decision = decision(Some(before), Some(after));
                    let part = compared(
                        (address, key.1.clone()),
                        decision,
                        [Some(before), Some(after)],
                    );
                    let left_to = self.left_to(&key);
                    parts.insert(
                        key,
                        PartAction {
                            left_to,
                            causes: vec![cause],
                            ..part
                        },
                    );
                }
                continue;
            }
            let why = why
                .get(&(&key.0, &key.1))
                .filter(|part| part.after == after);
            let (decision, mut causes) = why.map_or_else(
                || {
                    (
                        decision(before, after),
                        vec![if after.is_none() {
                            Cause::Undeclared
                        } else {
                            Cause::Edited
                        }],
                    )
                },
                |part| (part.decision, part.causes.clone()),
            );
            causes.extend(raised.map(|bytes| bytes.cause));
            let removes = why.map(|part| part.removes.clone()).unwrap_or_default();
            let part = compared((address, key.1.clone()), decision, [before, after]);
            let left_to = self.left_to(&key);
            parts.insert(
                key,
                PartAction {
                    removes,
                    left_to,
                    causes,
                    ..part
                },
            );
        }
        parts
    }

    /// Who keeps versions of an output.
    fn left_to(&self, (path, part): &Key) -> Option<String> {
        let output = self.now.desired.find(path, part)?;
        output.delegated.as_ref().map(|left| left.to.clone())
    }

    /// What an output holds with the versions that are left to somebody, where these differ.
    fn raised(&self, key: &Key, plan: Option<&PartAction>) -> Option<Bytes> {
        let output = self.now.desired.find(&key.0, &key.1)?;
        let left = output.delegated.as_ref()?;
        let text = |seen: Option<&Seen>| Some(seen?.text.as_deref()?.text.clone());
        let old = text(self.base.snapshot.0.get(&key.0))?;
        let here = text(Some(self.stands(key)));
        let new = match plan {
            None => here?,
            Some(_) => self.written(key, here)?,
        };
        let content = |text: &str| self.now.desired.all_of(output, text);
        let (before, after) = (content(&old)?, content(&new)?);
        let raised = self.now.desired.raised(output, &old, &new);
        let cause = if raised.is_empty() {
            Cause::Edited
        } else {
            Cause::Delegated {
                to: left.to.clone(),
                raised,
            }
        };
        (before != after).then_some(Bytes {
            before,
            after,
            cause,
        })
    }

    /// What the plan of now would leave at a path.
    fn written(&self, (path, _): &Key, here: Option<String>) -> Option<String> {
        let action = self.planned.actions().iter().find(|it| it.path == *path)?;
        let before = here.map(String::into_bytes);
        let after = self.now.desired.file_after(action, before.as_deref());
        String::from_utf8(after.ok()??).ok()
    }

    /// What stands there now. Only this plan's own ledger knows of what is neither desired nor in the base.
    fn stands(&self, (path, part): &Key) -> &Seen {
        const NOTHING: &Seen = &Seen::NOTHING;
        let seen = self.here.0.get(path).filter(|seen| seen.answers(part));
        seen.or_else(|| self.now.snapshot.0.get(path))
            .unwrap_or(NOTHING)
    }

    /// All that is desired now, or was or is recorded, and in scope; with whose it is.
    fn keys(&self) -> BTreeMap<Key, Address> {
        let request = self.now.request;
        let mut keys = BTreeMap::new();
        for inputs in [self.base, self.now] {
            let recorded = inputs.known.records();
            let recorded = recorded.filter(|known| {
                !matches!(
                    request.standing_of_record(inputs, known),
                    Standing::OutOfScope
                )
            });
            keys.extend(recorded.map(|it| {
                (
                    (it.record.path.clone(), it.record.part.clone()),
                    it.record.address.clone(),
                )
            }));
        }
        let outputs = self.now.desired.outputs.iter();
        let outputs = outputs.filter(|output| {
            !matches!(request.standing_of(self.now, output), Standing::OutOfScope)
        });
        let address = |output| self.now.desired.declaration(output).address.clone();
        keys.extend(outputs.map(|output| {
            (
                (output.place.path.clone(), output.part.clone()),
                address(output),
            )
        }));
        keys
    }

    /// Of the moves that the table finds, those that took place.
    fn moves(&self, parts: &mut BTreeMap<Key, PartAction>) -> Vec<Action> {
        let mut moves = Vec::new();
        for action in self.would.actions() {
            let Verb::Move { from } = &action.verb else {
                continue;
            };
            let (old, new) = (
                (from.clone(), Part::Whole),
                (action.path.clone(), Part::Whole),
            );
            let left = parts.get(&old).is_some_and(|part| part.after.is_none());
            let arrived = parts
                .get(&new)
                .filter(|part| part.before.is_none() && part.after.is_some());
            if let (true, Some(arrived)) = (left, arrived.cloned()) {
                let before = parts.remove(&old).and_then(|part| part.before);
                parts.remove(&new);
                let causes = action
                    .parts
                    .first()
                    .map(|part| part.causes.clone())
                    .unwrap_or_default();
                moves.push(Action {
                    parts: vec![PartAction {
                        before,
                        causes,
                        ..arrived
                    }],
                    ..action.clone()
                });
            }
        }
        moves
    }

    fn action(&self, path: RepoPath, parts: Vec<PartAction>) -> Action {
        let whole = self.base.snapshot.whole(&path);
        let is_left = parts.iter().any(|part| part.after.is_some())
            || parts.iter().all(|part| part.part != Part::Whole)
                && matches!(self.here.whole(&path), Observed::File(_))
                && !self
                    .planned
                    .actions()
                    .iter()
                    .any(|it| it.path == path && it.verb == Verb::Delete);
        let verb = match (whole, is_left) {
            (Observed::File(_), true) => Verb::Update,
            (Observed::File(_), false) => Verb::Delete,
            (Observed::Absent | Observed::Foreign(_) | Observed::Damaged(_), _) => Verb::Create,
        };
        let found = self.base.snapshot.to_the_byte(&path);
        let expect = found.map_or(Expect::Absent, Expect::Exactly);
        Action {
            path,
            verb,
            expect,
            parts,
        }
    }

    /// Whether an action that writes no byte was recorded since the base.
    fn is_recorded(&self, action: &Action) -> bool {
        let is_known = |part: &PartAction| self.now.known.get(&action.path, &part.part).is_some();
        match action.verb {
            Verb::Adopt | Verb::Keep => action.parts.iter().all(is_known),
            Verb::Forget => !action.parts.iter().any(is_known),
            Verb::Create | Verb::Update | Verb::Delete | Verb::Move { .. } => false,
        }
    }
}

/// The paths that moves leave.
fn moved_away(outcome: &Outcome) -> BTreeSet<RepoPath> {
    let paths: BTreeSet<&RepoPath> = outcome
        .actions()
        .iter()
        .map(|action| &action.path)
        .collect();
    outcome
        .actions()
        .iter()
        .map(Action::old_path)
        .filter(|old| !paths.contains(old))
        .cloned()
        .collect()
}

/// What an outcome does to each part, where bytes change.
fn parts_of(outcome: &Outcome) -> BTreeMap<(&RepoPath, &Part), &PartAction> {
    let writing = outcome
        .actions()
        .iter()
        .filter(|action| action.verb.writes());
    writing
        .flat_map(|action| {
            action
                .parts
                .iter()
                .map(|part| ((&action.path, &part.part), part))
        })
        .collect()
}

fn file(observed: &Observed) -> Option<Content> {
    match observed {
        Observed::File(content) => Some(*content),
        Observed::Absent | Observed::Foreign(_) | Observed::Damaged(_) => None,
    }
}

fn decision(before: Option<Content>, after: Option<Content>) -> Decision {
    match (before, after) {
        (None, Some(_)) => Decision::Create(Creation::New),
        (Some(_), Some(_)) => Decision::Update(Updating::Changed),
        (Some(_), None) => Decision::Delete,
        (None, None) => Decision::Adopt(Adopting::Equal),
    }
}
