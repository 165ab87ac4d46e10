//! What of a plan somebody asked for, and what came with a newer loom alone: every report tells them apart.
//!
//! In: the actions of a plan. Out: [`Section`]s, the asked-for first, then one for each step of a kind
//! from a version to another. Every action is in exactly one of them.

use loom_plan::plan::Action;
use loom_plan::plan::upgrade::{Upgrade, Upgrades};

use super::causes::upgrade_sentence;

/// Actions that are shown together.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    /// The step that they come with; `None` where somebody asked for them.
    pub(crate) upgrade: Option<Upgrade<'a>>,
    /// By path.
    pub(crate) actions: Vec<&'a Action>,
}

impl Section<'_> {
    /// What the actions have in common, as one line; `None` where somebody asked for them.
    pub(crate) fn heading(&self) -> Option<String> {
        self.upgrade.as_ref().map(upgrade_sentence)
    }
}

/// What somebody asked for, even if that is nothing, then what came with a newer loom alone.
pub(crate) fn sections(actions: &[Action]) -> Vec<Section<'_>> {
    let upgrades = Upgrades::of(actions);
    let mut sections = vec![Section {
        upgrade: None,
        actions: Vec::new(),
    }];
    sections.extend(upgrades.groups.iter().map(|group| Section {
        upgrade: Some(group.clone()),
        actions: Vec::new(),
    }));
    for action in actions {
        sections[upgrades.group_of(action).map_or(0, |group| group + 1)]
            .actions
            .push(action);
    }
    // of a step that a part of a file alone comes with, somebody asked for the rest of the file
    sections.retain(|section| section.upgrade.is_none() || !section.actions.is_empty());
    sections
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::drifting;

    #[test]
    fn every_action_is_in_one_section_and_what_somebody_asked_for_comes_first() {
        let scene = drifting();
        let sections = sections(&scene.actions);
        let headings: Vec<_> = sections.iter().map(Section::heading).collect();
        assert_eq!(
            headings,
            [
                None,
                Some(
                    "Generator upgraded: kubernetes.manifest 1 → 2: Probes stand behind ports."
                        .to_owned()
                )
            ]
        );
        let paths = sections.iter().map(|section| {
            section
                .actions
                .iter()
                .map(|action| action.path.as_str())
                .collect::<Vec<_>>()
        });
        let paths: Vec<_> = paths.collect();
        assert_eq!(
            paths,
            [
                vec![
                    ".github/workflows/deploy-entity-api.yml",
                    "k8s/staging/entity-api.yml",
                    "run.sh"
                ],
                vec!["k8s/production/entity-api.yml"],
            ]
        );
    }
}
