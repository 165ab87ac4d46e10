//! Drift: one finding for each output that is not as it is declared, in four forms.
//!
//! In: the drifted outputs and their contents. Out: a [`Finding`] for each, with how much differs
//! and what to do; then text for people, Markdown for an issue, XML for a CI system (JSON is in
//! [`super::json`]).
//!
//! Invariants: what a person can do follows from what the plan decided, so that the two never
//! disagree; a content that is not what was compared makes a finding an error, never a guess, and
//! an error is said in every form.

pub(crate) mod junit;
pub(crate) mod markdown;
pub(crate) mod text;

use std::collections::BTreeMap;

use loom_plan::addr::{Address, ContentHash, RepoPath};
use loom_plan::diff::{Difference, as_text};
use loom_plan::drift::grade::{self, Grade, Version};
use loom_plan::drift::{Class, Drifted};
use loom_plan::plan::advice::{Apply, Command};
use loom_plan::plan::decide::{Conflict, Creation, Decision, Updating};
use loom_plan::plan::upgrade::{Upgrade, Upgrades};
use loom_plan::plan::{Action, Conflicting, Outcome, PartAction};
use loom_plan::project::OnDrift;
use loom_plan::snapshot::{Content, Part};
use loom_plan::{block, header};
use loom_providers::reading;
use rayon::prelude::*;

use super::causes::upgrade_sentence;
use super::look::counted;
use super::{Contents, Shown, Sides};

/// What one output's drift comes to.
#[derive(Debug)]
pub(crate) struct Finding<'a> {
    /// The output.
    pub(crate) found: &'a Drifted,
    /// How much differs; `None` where one side has no text.
    pub(crate) grade: Option<Grade>,
    /// How many lines come and go; `None` where that cannot be said.
    pub(crate) lines: Option<(usize, usize)>,
    /// The same for people: `+3 -2`, `binary` or `hidden`.
    pub(crate) counted: String,
    /// What a person can do about it, as one clause.
    pub(crate) remedy: String,
    /// Why it could not be compared, as a clause.
    pub(crate) error: Option<String>,
}

impl Finding<'_> {
    /// What happened, in the words of the reports.
    pub(crate) fn word(&self) -> &'static str {
        if self.error.is_some() {
            "error"
        } else {
            self.found.class.as_str()
        }
    }

    /// What to do, or why nobody knows what happened.
    pub(crate) fn last(&self) -> &str {
        self.error.as_ref().unwrap_or(&self.remedy)
    }
}

/// All that a report of drift is made of.
pub(crate) struct Report<'a> {
    /// What was planned.
    pub(crate) outcome: &'a Outcome,
    /// By path.
    pub(crate) findings: Vec<Finding<'a>>,
    /// What came with a newer loom alone.
    pub(crate) upgrades: Upgrades<'a>,
    planned: Planned<'a>,
    contents: &'a dyn Contents,
}

/// One heading of a report, and the findings under it.
pub(crate) struct Section<'r, 'a> {
    /// The step of a kind; `None` for everything else.
    pub(crate) upgrade: Option<&'r Upgrade<'a>>,
    /// By path.
    pub(crate) findings: Vec<&'r Finding<'a>>,
}

impl Section<'_, '_> {
    /// What the findings have in common, as one line.
    pub(crate) fn heading(&self) -> Option<String> {
        self.upgrade.map(upgrade_sentence)
    }
}

impl<'a> Report<'a> {
    /// Compares every output that drifted, on all cores.
    pub(crate) fn new(
        outcome: &'a Outcome,
        drifted: &'a [Drifted],
        contents: &'a dyn Contents,
    ) -> Self {
        let planned = Planned::of(outcome);
        let findings = drifted
            .par_iter()
            .map(|found| planned.finding(found, contents))
            .collect();
        Self {
            outcome,
            findings,
            upgrades: Upgrades::of(outcome.actions()),
            planned,
            contents,
        }
    }

    /// How many outputs could not be compared.
    pub(crate) fn errors(&self) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.error.is_some())
            .count()
    }

    /// How many outputs drifted in a way.
    pub(crate) fn count(&self, class: Class) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.error.is_none() && finding.found.class == class)
            .count()
    }

    /// The findings that somebody caused, then those of each step of a kind.
    pub(crate) fn sections(&self) -> Vec<Section<'_, 'a>> {
        let group = |finding: &&Finding<'_>| {
            self.upgrades
                .group(&finding.found.path, &finding.found.part)
        };
        let of = |wanted: Option<usize>| {
            self.findings
                .iter()
                .filter(|finding| group(finding) == wanted)
                .collect()
        };
        let asked = Section {
            upgrade: None,
            findings: of(None),
        };
        let upgrades = self.upgrades.groups.iter().enumerate();
        let sections = upgrades.map(|(index, upgrade)| Section {
            upgrade: Some(upgrade),
            findings: of(Some(index)),
        });
        std::iter::once(asked)
            .chain(sections)
            .filter(|section| !section.findings.is_empty())
            .collect()
    }

    /// Such as `2 edited, 1 missing`.
    pub(crate) fn counts(&self) -> String {
        let classes = Class::ALL.map(|class| (self.count(class), class.as_str()));
        let errors = (self.errors(), "could not be compared");
        let parts = classes
            .into_iter()
            .chain([errors])
            .filter(|(count, _)| *count > 0);
        parts
            .map(|(count, word)| format!("{count} {word}"))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// The hunks between what is there and what is declared; nothing where they are equal, no text,
    /// or hidden, or where they could not be compared.
    pub(crate) fn diff(&self, finding: &Finding<'_>) -> Option<String> {
        if finding.error.is_some() {
            return None;
        }
        match self
            .planned
            .shown(finding.found, self.contents)
            .difference()
        {
            Difference::Text(diff) => Some(diff.unified()).filter(|text| !text.is_empty()),
            Difference::Binary => None,
        }
    }

    /// What is said where nothing drifted.
    pub(crate) fn as_declared(&self) -> String {
        crate::report::causes::standing(self.outcome.report())
    }

    /// `12 files in all`, or how many of them were looked at.
    pub(crate) fn files(&self) -> String {
        let report = self.outcome.report();
        match report.outputs {
            all if report.unseen > 0 => {
                format!("{} of {all} files looked at", all - report.unseen)
            }
            1 => "1 file in all".to_owned(),
            all => format!("{all} files in all"),
        }
    }
}

/// What the plan says of an output that drifted.
enum Why<'a> {
    Action(&'a Action, &'a PartAction),
    Conflict(&'a Conflicting),
}

/// What the plan says, by path and part.
struct Planned<'a>(BTreeMap<(&'a RepoPath, &'a Part), Why<'a>>);

impl<'a> Planned<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let actions = outcome.actions().iter().flat_map(|action| {
            action
                .parts
                .iter()
                .map(move |part| ((&action.path, &part.part), Why::Action(action, part)))
        });
        let conflicts = outcome
            .conflicts()
            .iter()
            .map(|found| ((&found.path, &found.part), Why::Conflict(found)));
        Self(actions.chain(conflicts).collect())
    }

    fn finding(&self, found: &'a Drifted, contents: &dyn Contents) -> Finding<'a> {
        let remedy = self.remedy(found);
        let sides = self.sides(found, contents);
        let compared = sides
            .as_ref()
            .filter(|_| contents.is_of_bytes(&found.path, &found.part));
        let error = match &found.unreadable {
            Some(unreadable) => Some(format!("nobody can tell what it holds: {unreadable}")),
            None => compared
                .and_then(|sides| changed(found, sides))
                .map(str::to_owned),
        };
        if error.is_some() {
            return Finding {
                found,
                grade: None,
                lines: None,
                counted: String::new(),
                remedy,
                error,
            };
        }
        let sides = sides.unwrap_or_default();
        let grade = graded(found, &sides);
        let shown = Shown::from(sides);
        let difference = shown.difference();
        let lines = match &difference {
            Difference::Text(diff) if shown.hidden.is_none() => {
                Some((diff.added(), diff.removed()))
            }
            Difference::Text(_) | Difference::Binary => None,
        };
        let counted = counted(&shown, &difference);
        Finding {
            found,
            grade,
            lines,
            counted,
            remedy,
            error,
        }
    }

    /// What is there and what is declared of one output alone; `None` where no byte would change.
    fn sides(&self, found: &Drifted, contents: &dyn Contents) -> Option<Sides> {
        match self.0.get(&(&found.path, &found.part))? {
            Why::Action(action, part) => {
                let alone = Action {
                    parts: vec![(*part).clone()],
                    ..(*action).clone()
                };
                if part.accepts() {
                    // what is there, and what is declared: the other way round than accepting goes
                    let Sides { before, .. } = contents.accepted(&alone);
                    let there = contents.of(&alone).before;
                    return Some(Sides {
                        before: there,
                        after: before,
                    });
                }
                action.verb.writes().then(|| contents.of(&alone))
            }
            Why::Conflict(conflict) => Some(contents.of_conflict(conflict)),
        }
    }

    fn shown(&self, found: &Drifted, contents: &dyn Contents) -> Shown {
        self.sides(found, contents).unwrap_or_default().into()
    }

    fn remedy(&self, found: &Drifted) -> String {
        match self.0.get(&(&found.path, &found.part)) {
            Some(Why::Action(action, part)) => remedy(part.decision, &found.address, action),
            Some(Why::Conflict(conflict)) => conflict_remedy(conflict),
            None => "`loom plan` shows what to do".to_owned(),
        }
    }
}

/// Why the contents are not those that were compared.
fn changed(found: &Drifted, sides: &Sides) -> Option<&'static str> {
    let hash = |bytes: &[u8]| match &found.part {
        Part::Whole => Some(header::content_hash(bytes, &found.path)),
        Part::Block(address) => {
            let text = as_text(bytes)?;
            let body = block::find(text, block::comment_of(&found.path)?, address).pair()?;
            Some(ContentHash::of(body.as_bytes()))
        }
        Part::Keys(_) => None,
    };
    let is = |side: &Option<Vec<u8>>, content: Content| {
        side.as_deref().and_then(hash) == Some(content.hash)
    };
    match (found.observed, found.desired) {
        (Some(observed), _) if !is(&sides.before, observed) => {
            Some("it changed while loom compared it: run `loom drift` again")
        }
        (_, Some(desired)) if !is(&sides.after, desired) => Some(
            "what is declared does not come out as it did a moment ago: this is a bug in loom, please report it",
        ),
        _ => None,
    }
}

/// How much differs, where both sides are there.
fn graded(found: &Drifted, sides: &Sides) -> Option<Grade> {
    let version =
        |side: &'_ Option<Vec<u8>>, content: Option<Content>| Some((side.clone()?, content?.mode));
    let (before, after) = (
        version(&sides.before, found.observed)?,
        version(&sides.after, found.desired)?,
    );
    let [before, after] = [&before, &after].map(|(bytes, mode)| Version { bytes, mode: *mode });
    Some(grade::grade(
        &found.path,
        before,
        after,
        reading::reader(&found.path),
    ))
}

fn remedy(decision: Decision, address: &Address, action: &Action) -> String {
    let does = match decision {
        Decision::Create(Creation::New) => "creates it",
        Decision::Create(Creation::Vanished) => "writes it again",
        Decision::Update(Updating::Changed) => "updates it",
        Decision::Update(Updating::Restored) => "puts it back",
        Decision::Update(Updating::Merged) => "merges it",
        Decision::Update(Updating::Joined) => {
            "writes loom's keys, and leaves those that were there"
        }
        Decision::Update(Updating::Completed) => "writes the missing keys, and accepts the edit",
        Decision::Delete => "removes it",
        Decision::Adopt(_) => "records it",
        Decision::Keep => "accepts the edit",
        Decision::Forget(_) => "stops managing it",
        Decision::Nothing => "has nothing to do",
        Decision::Conflict(_) => return "`loom plan` shows the ways out".to_owned(),
    };
    let paths = [action.old_path(), &action.path];
    format!(
        "`{}` {does}",
        Command::apply(Apply::Plainly, address, &paths)
    )
}

fn conflict_remedy(conflict: &Conflicting) -> String {
    let offered = |how: Apply, does: &str| {
        let way = conflict
            .ways
            .iter()
            .find(|way| way.applies() == Some(how))?;
        Some(format!("`{}` {does}", way.command()?))
    };
    let restores = offered(
        Apply::OnDrift(OnDrift::Restore),
        "puts it back, and with `keep` in the place of `restore` accepts the edit",
    );
    let adopts = offered(Apply::Adopting, "takes it over as it is");
    let plainly = || "`loom plan` shows the ways out".to_owned();
    match conflict.conflict {
        Conflict::KeysTaken => {
            let sets = offered(Apply::OnDrift(OnDrift::Restore), "writes loom's values");
            let leaves = offered(Apply::Adopting, "leaves those that are there");
            sets.or(leaves).unwrap_or_else(plainly)
        }
        Conflict::Edited | Conflict::Merge | Conflict::Base | Conflict::NotOurs => {
            restores.or(adopts).unwrap_or_else(plainly)
        }
        Conflict::Foreign
        | Conflict::DeletedButEdited
        | Conflict::Stateful
        | Conflict::Component
        | Conflict::Migration
        | Conflict::Newer
        | Conflict::Markers
        | Conflict::Unsafe => "`loom plan` shows the ways out".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{Scene, setting};
    use loom_plan::plan::Verb;

    #[test]
    fn a_content_that_is_not_what_was_compared_is_an_error_and_has_neither_grade_nor_diff() {
        let mut scene = Scene::default();
        scene.act(
            Verb::Update,
            "a",
            "file.a",
            [Some("1\n"), Some("2\n")],
            &[setting("project", 1)],
        );
        scene.act(
            Verb::Update,
            "b",
            "file.b",
            [Some("1\n"), Some("2\n")],
            &[setting("project", 1)],
        );
        let outcome = scene.ready();
        let drifted = scene.drifted(&outcome);
        scene.raw("a", b"something else\n", b"2\n");
        let report = Report::new(&outcome, &drifted, &scene);
        let [changed, other] = report.findings.as_slice() else {
            panic!("two findings")
        };
        assert_eq!(
            changed.error.as_deref(),
            Some("it changed while loom compared it: run `loom drift` again")
        );
        assert_eq!(
            (changed.grade, changed.lines, report.diff(changed)),
            (None, None, None)
        );
        assert_eq!((other.error.as_deref(), other.lines), (None, Some((1, 1))));
        assert_eq!((report.errors(), report.count(Class::InputChanged)), (1, 1));
    }

    #[test]
    fn a_block_is_compared_without_what_stands_around_it() {
        use loom_plan::snapshot::Content;
        let text = |one: &str, two: &str| {
            let text = block::set("", loom_plan::provider::Comment::Hash, "file.one", one);
            let text = text.expect("no marker");
            block::set(&text, loom_plan::provider::Comment::Hash, "file.two", two)
                .expect("no marker of it")
        };
        let content = |text: &str| Content {
            hash: ContentHash::of(text.as_bytes()),
            mode: loom_plan::provider::Mode::Plain,
        };
        let mut scene = Scene::default();
        let (before, after) = (text("1\n", "x\n"), text("1 \n", "x\n"));
        let action = scene.act(
            Verb::Update,
            "a",
            "file.one",
            [Some(&before), Some(&after)],
            &[setting("project", 1)],
        );
        action.parts[0].part = Part::Block("file.one".to_owned());
        (action.parts[0].before, action.parts[0].after) =
            (Some(content("1\n")), Some(content("1 \n")));
        let outcome = scene.ready();
        let drifted = scene.drifted(&outcome);
        let report = Report::new(&outcome, &drifted, &scene);
        assert_eq!(
            (
                report.findings[0].error.as_deref(),
                report.findings[0].grade
            ),
            (None, Some(Grade::Format))
        );
    }
}
