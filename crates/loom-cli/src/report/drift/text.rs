//! Drift as text: one line for each output that is not as it is declared.

use std::io::{self, Write};

use loom_plan::drift::Class;
use unicode_width::UnicodeWidthStr as _;

use super::super::style::{Style, visible};
use super::super::text::write_notes;
use super::{Finding, Report};
use crate::cli::Talk;
use crate::env::Stream;

/// Writes what drifted: class, path, how much, address and what to do; then what came with a newer
/// loom; then what is no drift, counted.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write(
    report: &Report<'_>,
    stream: Stream,
    talk: Talk,
    out: &mut dyn Write,
) -> io::Result<()> {
    let columns = Columns::of(report, stream);
    for section in report.sections() {
        if let Some(heading) = section.heading() {
            writeln!(out, "{}", stream.colour.paint(Style::Strong, &heading))?;
        }
        section
            .findings
            .iter()
            .try_for_each(|finding| columns.row(finding, stream, out))?;
    }
    if !report.findings.is_empty() {
        writeln!(out)?;
    }
    if write_notes(report.outcome, talk, out)? {
        writeln!(out)?;
    }
    if report.findings.is_empty() {
        return writeln!(out, "No drift: {}.", report.as_declared());
    }
    let summary = format!("Drift: {}; {}", report.counts(), report.files());
    writeln!(out, "{}", stream.colour.paint(Style::Strong, &summary))?;
    if report.errors() > 0 {
        writeln!(
            out,
            "Whether what could not be compared has drifted, nobody knows: mend that first."
        )?;
    }
    writeln!(out, "`loom plan` shows what differs and why.")
}

/// The widths to which the list is laid out.
struct Columns {
    word: usize,
    path: usize,
    counted: usize,
    grade: usize,
    address: usize,
}

impl Columns {
    fn of(report: &Report<'_>, stream: Stream) -> Self {
        let widest = |text: fn(&Finding<'_>) -> String| {
            report
                .findings
                .iter()
                .map(|found| text(found).width())
                .max()
        };
        let column = |text: fn(&Finding<'_>) -> String| widest(text).unwrap_or(0);
        Self {
            word: column(|finding| finding.word().to_owned()),
            path: column(|finding| finding.found.path.to_string()).min(stream.width / 2),
            counted: column(|finding| finding.counted.clone()),
            grade: column(|finding| grade(finding).to_owned()),
            address: column(|finding| finding.found.address.to_string()).min(stream.width / 2),
        }
    }

    fn row(&self, finding: &Finding<'_>, stream: Stream, out: &mut dyn Write) -> io::Result<()> {
        let cell = |text: &str, width: usize| {
            format!(
                "{}{}  ",
                visible(text),
                " ".repeat(width.saturating_sub(text.width()))
            )
        };
        let word = cell(finding.word(), self.word);
        let rest = [
            cell(finding.found.path.as_str(), self.path),
            cell(&finding.counted, self.counted),
            cell(grade(finding), self.grade),
            cell(&finding.found.address.to_string(), self.address),
        ];
        let (last, left) = (
            stream.colour.paint(Style::Faint, finding.last()),
            word.trim_end(),
        );
        let gap = &word[left.len()..];
        writeln!(
            out,
            "{}{gap}{}{last}",
            stream.colour.paint(style(finding), left),
            rest.concat()
        )
    }
}

fn grade(finding: &Finding<'_>) -> &'static str {
    finding.grade.map_or("", |grade| grade.as_str())
}

fn style(finding: &Finding<'_>) -> Style {
    match finding.found.class {
        _ if finding.error.is_some() => Style::Conflict,
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
    use crate::report::fixture::{Scene, drifting};
    use loom_plan::plan::{Outcome, Report as PlanReport};

    fn said(outcome: &Outcome, scene: &Scene) -> String {
        let mut out = Vec::new();
        let stream = Stream {
            reader: Reader::Program,
            colour: Colour::Off,
            width: 120,
        };
        let drifted = scene.drifted(outcome);
        write(
            &Report::new(outcome, &drifted, scene),
            stream,
            Talk::Normal,
            &mut out,
        )
        .expect("writing to memory cannot fail");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn each_output_has_a_line_with_its_class_and_what_to_do_and_upgrades_stand_apart() {
        let scene = drifting();
        insta::assert_snapshot!(said(&scene.blocked(), &scene), @r"
        input changed       .github/workflows/deploy-entity-api.yml  +3                    github.workflow.entity-api                  `loom apply --target github.workflow.entity-api --path .github/workflows/deploy-entity-api.yml` creates it
        unrecorded          README.md                                                      file.readme                                 `loom apply --target file.readme --path README.md --adopt` takes it over as it is
        edited              docs/deployment.md                       +1 -1  content        markdown.page.deployment                    `loom apply --target markdown.page.deployment --path docs/deployment.md --on-drift restore` puts it back, and with `keep` in the place of `restore` accepts the edit
        error               etc/motd                                                       file.motd                                   nobody can tell what it holds: a file that cannot be read (Permission denied)
        input changed       k8s/staging/entity-api.yml               +1 -1  content        kubernetes.manifest.entity-api[staging]     `loom apply --target 'kubernetes.manifest.entity-api[staging]' --path k8s/staging/entity-api.yml` updates it
        edited              k8s/web.yml                              +1 -1  format only    kubernetes.manifest.web                     `loom apply --target kubernetes.manifest.web --path k8s/web.yml --on-drift restore` puts it back, and with `keep` in the place of `restore` accepts the edit
        edited              k8s/|x`.yml                              -1     comments only  kubernetes.manifest.odd                     `loom apply --target kubernetes.manifest.odd --path 'k8s/|x`.yml' --on-drift restore` puts it back, and with `keep` in the place of `restore` accepts the edit
        missing             run.sh                                   +1                    shell.script.run                            `loom apply --target shell.script.run --path run.sh` writes it again
        Generator upgraded: kubernetes.manifest 1 → 2: Probes stand behind ports.
        generator upgraded  k8s/production/entity-api.yml            +1 -1  content        kubernetes.manifest.entity-api[production]  `loom apply --target 'kubernetes.manifest.entity-api[production]' --path k8s/production/entity-api.yml` updates it

        Notes:
          1 artifact waits for T-003, which is not completed: pipeline.entity-api
          1 artifact holds an edit that was accepted: file.kept

        Drift: 3 edited, 1 missing, 2 input changed, 1 generator upgraded, 1 unrecorded, 1 could not be compared; 12 files in all
        Whether what could not be compared has drifted, nobody knows: mend that first.
        `loom plan` shows what differs and why.
        ");
    }

    #[test]
    fn no_drift_is_one_line() {
        let outcome = Outcome::Converged(PlanReport {
            outputs: 12,
            ..PlanReport::default()
        });
        assert_eq!(
            said(&outcome, &Scene::default()),
            "No drift: 12 files are as declared.\n"
        );
    }
}
