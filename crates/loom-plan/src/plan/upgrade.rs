//! Which changes come with a newer loom alone, so that a reviewer can tell them from those that
//! somebody asked for.
//!
//! In: the actions of a plan. Out: [`Upgrades`]: the parts whose only cause is the version of a
//! kind, or that follow from such parts, grouped by kind and version.
//!
//! Invariant: a part with any other cause, or that refers to one with another, is in no group.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::{Decision, Updating};
use super::{Action, Cause, PartAction};
use crate::addr::{Address, RepoPath};
use crate::snapshot::Part;

/// One step of a kind from a version to another, and what it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade<'a> {
    /// The kind.
    pub kind: &'a str,
    /// The recorded version.
    pub from: u32,
    /// Today's.
    pub to: u32,
    /// What changed in between, a sentence for each version.
    pub changes: &'a [String],
    /// The files, sorted.
    pub paths: Vec<&'a RepoPath>,
}

/// The steps of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upgrades<'a> {
    /// By kind and versions.
    pub groups: Vec<Upgrade<'a>>,
    parts: BTreeMap<(&'a RepoPath, &'a Part), usize>,
}

type Step<'a> = (&'a str, u32, u32);
type Found<'a> = (&'a RepoPath, &'a PartAction);

impl<'a> Upgrades<'a> {
    /// Finds them among the actions of a plan, which are sorted by path.
    pub fn of(actions: &'a [Action]) -> Self {
        let found = candidates(actions);
        let steps = steps(&found);
        let mut groups: BTreeMap<Step<'_>, Upgrade<'_>> = BTreeMap::new();
        let mut of_part = Vec::new();
        for (path, part) in found {
            let Some((step, changes)) = steps.get(&part.address).copied() else {
                continue;
            };
            let (kind, from, to) = step;
            let group = groups.entry(step).or_insert(Upgrade {
                kind,
                from,
                to,
                changes,
                paths: Vec::new(),
            });
            if group.paths.last() != Some(&path) {
                group.paths.push(path);
            }
            of_part.push(((path, &part.part), step));
        }
        let order: BTreeMap<Step<'_>, usize> = groups
            .keys()
            .enumerate()
            .map(|(index, step)| (*step, index))
            .collect();
        let parts = of_part
            .into_iter()
            .map(|(part, step)| (part, order[&step]))
            .collect();
        Self {
            groups: groups.into_values().collect(),
            parts,
        }
    }

    /// The group of a part.
    pub fn group(&self, path: &RepoPath, part: &Part) -> Option<usize> {
        self.parts.get(&(path, part)).copied()
    }

    /// The group of an action: nobody asked for any part of it.
    pub fn group_of(&self, action: &Action) -> Option<usize> {
        let groups: Option<Vec<usize>> = action
            .parts
            .iter()
            .map(|part| self.group(&action.path, &part.part))
            .collect();
        groups?.first().copied()
    }
}

/// The parts that change for no reason but versions and each other.
fn candidates(actions: &[Action]) -> Vec<Found<'_>> {
    let is_change =
        |part: &PartAction| matches!(part.decision, Decision::Update(Updating::Changed));
    let is_quiet = |part: &PartAction| {
        !part.causes.is_empty()
            && part
                .causes
                .iter()
                .all(|cause| matches!(cause, Cause::KindVersion { .. } | Cause::RefersTo(_)))
    };
    let changes = actions
        .iter()
        .flat_map(|action| action.parts.iter().map(move |part| (&action.path, part)));
    let (mut quiet, asked): (Vec<Found<'_>>, Vec<Found<'_>>) = changes
        .filter(|(_, part)| is_change(part))
        .partition(|(_, part)| is_quiet(part));
    let mut asked: BTreeSet<&Address> = asked.into_iter().map(|(_, part)| &part.address).collect();
    loop {
        let follows = |part: &PartAction| {
            asked.contains(&part.address)
                || part.causes.iter().any(
                    |cause| matches!(cause, Cause::RefersTo(address) if asked.contains(address)),
                )
        };
        let (moved, rest): (Vec<Found<'_>>, Vec<Found<'_>>) =
            quiet.into_iter().partition(|(_, part)| follows(part));
        quiet = rest;
        if moved.is_empty() {
            return quiet;
        }
        asked.extend(moved.into_iter().map(|(_, part)| &part.address));
    }
}

/// The step of a cause.
fn step_of(cause: &Cause) -> Option<(Step<'_>, &[String])> {
    if let Cause::KindVersion {
        kind,
        from,
        to,
        changes,
    } = cause
    {
        Some(((kind, *from, *to), changes))
    } else {
        None
    }
}

/// The step of each artifact: its own, or that of the first that it refers to and that has one.
fn steps<'a>(found: &[Found<'a>]) -> BTreeMap<&'a Address, (Step<'a>, &'a [String])> {
    let own = found
        .iter()
        .filter_map(|(_, part)| Some((&part.address, part.causes.iter().find_map(step_of)?)));
    let mut steps: BTreeMap<_, _> = own.collect();
    loop {
        let known = steps.len();
        for (_, part) in found {
            let referred = part.causes.iter().find_map(|cause| {
                if let Cause::RefersTo(to) = cause {
                    steps.get(to).copied()
                } else {
                    None
                }
            });
            if let (false, Some(step)) = (steps.contains_key(&part.address), referred) {
                steps.insert(&part.address, step);
            }
        }
        if steps.len() == known {
            return steps;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::ContentHash;
    use crate::plan::{Expect, Verb};
    use crate::provider::Mode;
    use crate::snapshot::Content;

    fn address(text: &str) -> Address {
        Address::parse(text).expect("an address")
    }

    fn change(name: &str, causes: &[Cause]) -> Action {
        let content = |text: &str| Content {
            hash: ContentHash::of(text.as_bytes()),
            mode: Mode::Plain,
        };
        let part = PartAction {
            address: address(&format!("file.{name}")),
            part: Part::Whole,
            removes: Vec::new(),
            stays: Vec::new(),
            bytes: None,
            left_to: None,
            was: None,
            decision: Decision::Update(Updating::Changed),
            before: Some(content("1")),
            after: Some(content("2")),
            causes: causes.to_vec(),
        };
        let path = RepoPath::new(name).expect("a path");
        Action {
            path,
            verb: Verb::Update,
            expect: Expect::Exactly(content("1")),
            parts: vec![part],
        }
    }

    fn version(to: u32) -> Cause {
        Cause::KindVersion {
            kind: "file".to_owned(),
            from: 1,
            to,
            changes: vec![format!("Version {to}.")],
        }
    }

    fn refers(name: &str) -> Cause {
        Cause::RefersTo(address(&format!("file.{name}")))
    }

    fn asked() -> Cause {
        Cause::Setting {
            pointer: "services.api.port".to_owned(),
            position: None,
        }
    }

    /// The paths of each group, behind the version that it leads to.
    fn grouped(actions: &[Action]) -> Vec<(u32, Vec<&str>)> {
        let groups = Upgrades::of(actions).groups;
        groups
            .into_iter()
            .map(|group| {
                (
                    group.to,
                    group.paths.into_iter().map(RepoPath::as_str).collect(),
                )
            })
            .collect()
    }

    #[test]
    fn files_that_change_for_a_version_alone_stand_together_and_no_others_do() {
        let actions = [
            change("a", &[version(2)]),
            change("b", &[asked(), version(2)]),
            change("c", &[version(2)]),
            change("d", &[version(3)]),
            change("e", &[asked()]),
        ];
        assert_eq!(grouped(&actions), [(2, vec!["a", "c"]), (3, vec!["d"])]);
        let upgrades = Upgrades::of(&actions);
        assert_eq!(upgrades.groups[0].changes, ["Version 2."]);
        assert_eq!(
            actions.each_ref().map(|action| upgrades.group_of(action)),
            [Some(0), None, Some(0), Some(1), None]
        );
    }

    #[test]
    fn what_follows_from_an_upgrade_belongs_to_it_and_what_follows_from_a_wish_does_not() {
        let actions = [
            change("a", &[refers("b")]),
            change("b", &[refers("c")]),
            change("c", &[version(2)]),
            change("d", &[version(2), refers("e")]),
            change("e", &[asked()]),
            change("f", &[version(2), refers("d")]),
        ];
        assert_eq!(grouped(&actions), [(2, vec!["a", "b", "c"])]);
    }

    #[test]
    fn a_file_of_which_somebody_asked_for_a_part_is_in_no_group() {
        let mut both = change("a", &[version(2)]);
        both.parts.extend(change("b", &[asked()]).parts);
        both.parts[1].part = Part::Block("file.b".to_owned());
        let actions = [both];
        assert_eq!(Upgrades::of(&actions).group_of(&actions[0]), None);
    }

    #[test]
    fn an_edit_that_is_put_back_is_no_upgrade() {
        let mut restored = change("a", &[version(2)]);
        restored.parts[0].decision = Decision::Update(Updating::Restored);
        assert_eq!(grouped(&[restored]), []);
    }
}
