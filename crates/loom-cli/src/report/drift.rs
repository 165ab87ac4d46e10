//! Drift as text: one line for each output that is not as it is declared.
//!
//! What a person can do follows from what the plan decided, so that the two never disagree.

use std::collections::BTreeMap;
use std::io::{self, Write};

use loom_plan::addr::{Address, RepoPath};
use loom_plan::drift::{Class, Drifted};
use loom_plan::plan::decide::{Conflict, Creation, Decision, Updating};
use loom_plan::plan::{Action, Conflicting, Outcome};
use rayon::prelude::*;
use unicode_width::UnicodeWidthStr as _;

use super::look::counted;
use super::style::{Style, visible};
use super::text::write_notes;
use super::{Contents, Shown};
use crate::cli::Talk;
use crate::env::Stream;

/// What a text report of drift is made of.
#[derive(Clone, Copy)]
pub(crate) struct DriftText<'a> {
    /// What was planned.
    pub(crate) outcome: &'a Outcome,
    /// What of it is drift.
    pub(crate) drifted: &'a [Drifted],
    /// Where contents come from.
    pub(crate) contents: &'a dyn Contents,
    /// Where it goes.
    pub(crate) stream: Stream,
    /// How much to say.
    pub(crate) talk: Talk,
}

/// How many outputs are looked at once.
const CHUNK: usize = 256;

/// Writes what drifted: class, path, how much, address and what to do; then what is no drift, counted.
///
/// # Errors
/// Those of `out`.
pub(crate) fn drift(report: &DriftText<'_>, out: &mut dyn Write) -> io::Result<()> {
    report.list(out)?;
    let outputs = report.outcome.report().outputs;
    if !report.drifted.is_empty() {
        writeln!(out)?;
    }
    if write_notes(report.outcome, report.talk, out)? {
        writeln!(out)?;
    }
    let (files, are) = if outputs == 1 { ("file", "is") } else { ("files", "are") };
    if report.drifted.is_empty() {
        return writeln!(out, "No drift: {outputs} {files} {are} as declared.");
    }
    let summary = format!("Drift: {}; {outputs} {files} in all", counts(report.drifted));
    writeln!(out, "{}", report.stream.colour.paint(Style::Strong, &summary))?;
    writeln!(out, "`loom plan` shows what differs and why.")
}

impl DriftText<'_> {
    fn list(&self, out: &mut dyn Write) -> io::Result<()> {
        let widest = |text: fn(&Drifted) -> String| self.drifted.iter().map(|found| text(found).width()).max().unwrap_or(0);
        let class = widest(|found| found.class.as_str().to_owned());
        let path = widest(|found| found.path.to_string()).min(self.stream.width / 2);
        let address = widest(|found| found.address.to_string()).min(self.stream.width / 2);
        let planned = Planned::of(self.outcome);
        for chunk in self.drifted.chunks(CHUNK) {
            let count = |found: &Drifted| {
                let shown = planned.shown(found, self.contents);
                counted(&shown, &shown.difference())
            };
            let lines: Vec<String> = chunk.par_iter().map(count).collect();
            for (found, lines) in chunk.iter().zip(&lines) {
                let gap = |width: usize, text: &str| " ".repeat(width.saturating_sub(text.width()));
                let (word, of) = (found.class.as_str(), found.address.to_string());
                write!(out, "{}{}  ", self.stream.colour.paint(style(found.class), word), gap(class, word))?;
                write!(out, "{}{}  ", visible(found.path.as_str()), gap(path, found.path.as_str()))?;
                write!(out, "{lines:<8}  {of}{}  ", gap(address, &of))?;
                writeln!(out, "{}", self.stream.colour.paint(Style::Faint, &planned.remedy(found)))?;
            }
        }
        Ok(())
    }
}

/// What the plan says of an output that drifted.
enum Why<'a> {
    Action(&'a Action, Decision),
    Conflict(&'a Conflicting),
}

/// What the plan says, by path and address.
pub(super) struct Planned<'a>(BTreeMap<(&'a RepoPath, &'a Address), Why<'a>>);

impl<'a> Planned<'a> {
    pub(super) fn of(outcome: &'a Outcome) -> Self {
        let actions = outcome.actions().iter().flat_map(|action| {
            action.parts.iter().map(move |part| ((&action.path, &part.address), Why::Action(action, part.decision)))
        });
        let conflicts = outcome.conflicts().iter().map(|found| ((&found.path, &found.address), Why::Conflict(found)));
        Self(actions.chain(conflicts).collect())
    }

    /// What is there, and what is declared.
    pub(super) fn shown(&self, found: &Drifted, contents: &dyn Contents) -> Shown {
        match self.0.get(&(&found.path, &found.address)) {
            Some(Why::Action(action, _)) if action.verb.writes() => Shown::of(contents, action),
            Some(Why::Conflict(conflict)) => contents.of_conflict(conflict).into(),
            Some(Why::Action(..)) | None => Shown::default(),
        }
    }

    /// What a person can do about it, as one clause.
    pub(super) fn remedy(&self, found: &Drifted) -> String {
        match self.0.get(&(&found.path, &found.address)) {
            Some(Why::Action(_, decision)) => remedy(*decision, &found.address),
            Some(Why::Conflict(conflict)) => conflict_remedy(conflict.conflict, &found.address),
            None => "`loom plan` shows what to do".to_owned(),
        }
    }
}

fn remedy(decision: Decision, address: &Address) -> String {
    let does = match decision {
        Decision::Create(Creation::New) => "creates it",
        Decision::Create(Creation::Vanished) => "writes it again",
        Decision::Update(Updating::Changed) => "updates it",
        Decision::Update(Updating::Restored) => "puts it back",
        Decision::Delete => "removes it",
        Decision::Adopt(_) => "records it",
        Decision::Keep => "accepts the edit",
        Decision::Forget(_) => "stops managing it",
        Decision::Nothing => "has nothing to do",
        Decision::Conflict(conflict) => return conflict_remedy(conflict, address),
    };
    format!("`loom apply` {does}")
}

fn conflict_remedy(conflict: Conflict, address: &Address) -> String {
    match conflict {
        Conflict::Edited | Conflict::Merge => {
            format!("`loom apply --target '{address}' --on-drift restore` puts it back, `--on-drift keep` accepts the edit")
        }
        Conflict::NotOurs => format!("`loom apply --target '{address}' --adopt` takes it over as it is"),
        Conflict::Foreign => "remove what is there, then `loom apply` writes it again".to_owned(),
        Conflict::DeletedButEdited | Conflict::Stateful | Conflict::Component | Conflict::Migration => {
            "`loom plan` shows the ways out".to_owned()
        }
    }
}

/// In the order in which they are counted.
const CLASSES: [Class; 5] = [Class::Edited, Class::Missing, Class::InputChanged, Class::GeneratorUpgraded, Class::Unrecorded];

/// Such as `2 edited, 1 missing`.
fn counts(drift: &[Drifted]) -> String {
    let of = |class: Class| drift.iter().filter(|found| found.class == class).count();
    let parts = CLASSES.map(|class| (of(class), class.as_str()));
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    parts.join(", ")
}

fn style(class: Class) -> Style {
    match class {
        Class::Edited => Style::Conflict,
        Class::Missing => Style::Removed,
        Class::InputChanged | Class::GeneratorUpgraded => Style::Changed,
        Class::Unrecorded => Style::Recorded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::{Colour, Reader};
    use crate::report::fixture::{Scene, day, setting};
    use loom_plan::plan::{Cause, NoteKind, Report, Verb};

    fn said(outcome: &Outcome, scene: &Scene) -> String {
        let mut out = Vec::new();
        let stream = Stream { reader: Reader::Program, colour: Colour::Off, width: 120 };
        let drifted = loom_plan::drift::report(outcome);
        let report = DriftText { outcome, drifted: &drifted, contents: scene, stream, talk: Talk::Normal };
        drift(&report, &mut out).expect("writing to memory cannot fail");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn each_output_has_a_line_with_its_class_and_what_to_do() {
        let mut scene = day();
        scene.actions.truncate(3);
        let upgrade = Cause::KindVersion { kind: "kubernetes.manifest".to_owned(), from: 1, to: 2 };
        scene.actions[1].parts[0].causes = vec![upgrade.clone()];
        scene.actions[2].parts[0].causes = vec![upgrade, setting("services.entity-api.port", 22)];
        let vanished = scene.act(Verb::Create, "run.sh", "shell.script.run", [None, Some("x\n")], &[Cause::Vanished]);
        vanished.parts[0].decision = Decision::Create(Creation::Vanished);
        scene.conflict(Conflict::Edited, "docs/deployment.md", "markdown.page.deployment", [Some("a\n"), Some("b\n")], &[]);
        scene.conflict(Conflict::NotOurs, "README.md", "file.readme", [None, None], &[]);
        scene.note("file.kept", NoteKind::KeptEdit);
        insta::assert_snapshot!(said(&scene.blocked(), &scene), @r"
        input changed       .github/workflows/deploy-entity-api.yml  +3        github.workflow.entity-api                  `loom apply` creates it
        unrecorded          README.md                                          file.readme                                 `loom apply --target 'file.readme' --adopt` takes it over as it is
        edited              docs/deployment.md                       +1 -1     markdown.page.deployment                    `loom apply --target 'markdown.page.deployment' --on-drift restore` puts it back, `--on-drift keep` accepts the edit
        generator upgraded  k8s/production/entity-api.yml            +1 -1     kubernetes.manifest.entity-api[production]  `loom apply` updates it
        input changed       k8s/staging/entity-api.yml               +1 -1     kubernetes.manifest.entity-api[staging]     `loom apply` updates it
        missing             run.sh                                   +1        shell.script.run                            `loom apply` writes it again

        Notes:
          1 artifact waits for T-003, which is not completed: pipeline.entity-api
          1 artifact holds an edit that was accepted: file.kept

        Drift: 1 edited, 1 missing, 2 input changed, 1 generator upgraded, 1 unrecorded; 12 files in all
        `loom plan` shows what differs and why.
        ");
    }

    #[test]
    fn no_drift_is_one_line() {
        let outcome = Outcome::Converged(Report { outputs: 12, ..Report::default() });
        assert_eq!(said(&outcome, &Scene::default()), "No drift: 12 files are as declared.\n");
    }
}
