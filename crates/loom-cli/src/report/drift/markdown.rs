//! Drift as Markdown for an issue or a comment: a summary, a table, and the diffs folded under it.
//!
//! Invariants: nothing of a file or of the input is markup (tested with hostile names and texts);
//! the document stays below what GitHub and GitLab take, and says what it leaves out. Whatever is
//! left out, the summary and the counts are whole.

use std::io::{self, Write};

use loom_plan::plan::NoteKind;
use loom_providers::emit::markdown::{code, fence, table};
use quick_xml::escape::escape as html;

use super::super::causes::{note_sentence, notes};
use super::super::plain::plain;
use super::super::style::{visible, visible_lines};
use super::{Finding, Report, Section};

/// GitHub takes 65,536 characters in an issue or a comment; some are left for whoever adds a word.
const BUDGET: usize = 60_000;
/// So many of them may be tables, so that there are diffs too.
const TABLES: usize = 30_000;

/// Writes the report.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(document(report).as_bytes())
}

fn document(report: &Report<'_>) -> String {
    if report.findings.is_empty() {
        return format!(
            "### No drift\n\n{}.\n{}",
            report.as_declared(),
            left_alone(report)
        );
    }
    let mut text = format!("### Drift\n\n{}; {}.\n", report.counts(), report.files());
    if report.errors() > 0 {
        text +=
            "\nWhether what could not be compared has drifted, nobody knows: mend that first.\n";
    }
    let mut hidden = 0;
    for section in report.sections() {
        let (shown, left) = section_table(&section, TABLES.saturating_sub(text.len()));
        text += &shown;
        hidden += left;
    }
    if hidden > 0 {
        text.extend([
            "\nThe tables leave out ",
            &hidden.to_string(),
            " more: `loom drift` lists all.\n",
        ]);
    }
    text += &left_alone(report);
    let end = "\n`loom plan` shows what differs and why.\n";
    let (diffs, hidden) = diffs(report, BUDGET.saturating_sub(text.len() + end.len()));
    text += &diffs;
    if hidden > 0 {
        let diffs = if hidden == 1 { "diff is" } else { "diffs are" };
        let many = format!(
            "\n{hidden} more {diffs} too long for this page: `loom drift --format json` has all.\n"
        );
        text.push_str(&many);
    }
    text + end
}

/// The table of a section within a number of characters, and how many findings it leaves out.
fn section_table(section: &Section<'_, '_>, room: usize) -> (String, usize) {
    let heading = section.upgrade.map(|upgrade| {
        let step = format!("{} {} → {}", upgrade.kind, upgrade.from, upgrade.to);
        let changes: Vec<String> = upgrade
            .changes
            .iter()
            .map(|sentence| plain(sentence))
            .collect();
        format!(
            "\n#### Generator upgraded: {}\n\n{}\n",
            code(&step),
            changes.join(" ")
        )
    });
    let heading = heading.unwrap_or_default();
    let rows: Vec<[String; 6]> = section
        .findings
        .iter()
        .map(|finding| row(finding))
        .collect();
    // a row takes as much as the widest cells of its columns
    let widths: [usize; 6] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0));
    let line = widths.iter().sum::<usize>() + 3 * widths.len() + 4;
    let fitting = rows.len().min(room.saturating_sub(heading.len()) / line);
    if fitting == 0 {
        return (String::new(), rows.len());
    }
    let table = table(
        ["", "file", "how much", "lines", "artifact", "what to do"],
        &rows[..fitting],
    );
    (format!("{heading}\n{table}"), rows.len() - fitting)
}

fn row(finding: &Finding<'_>) -> [String; 6] {
    let last = match &finding.error {
        Some(error) => plain(error),
        None => finding.remedy.clone(),
    };
    [
        finding.word().to_owned(),
        code(&visible(finding.found.path.as_str())),
        finding.grade.map_or("", |grade| grade.as_str()).to_owned(),
        finding.counted.clone(),
        code(&visible(&finding.found.address.to_string())),
        last,
    ]
}

/// The diffs that fit, each folded, and how many do not.
fn diffs(report: &Report<'_>, room: usize) -> (String, usize) {
    let (mut text, mut hidden) = (String::new(), 0);
    for section in report.sections() {
        for finding in section.findings {
            let Some(diff) = report.diff(finding) else {
                continue;
            };
            let path = visible(finding.found.path.as_str());
            let summary = format!(
                "<code>{}</code>: {}",
                html(path.as_ref()),
                html(finding.word())
            );
            let folded = format!(
                "\n<details>\n<summary>{summary}</summary>\n\n{}\n</details>\n",
                fence("diff", &visible_lines(&diff))
            );
            if text.len() + folded.len() <= room {
                text += &folded;
            } else {
                hidden += 1;
            }
        }
    }
    (text, hidden)
}

/// What is no drift, one line for each reason.
fn left_alone(report: &Report<'_>) -> String {
    let notes = notes(report.outcome);
    if notes.is_empty() {
        return String::new();
    }
    let line = |(kind, notes): (&NoteKind, Vec<_>)| {
        format!("- {}.\n", plain(&note_sentence(kind, &notes)))
    };
    format!(
        "\nNot drift:\n\n{}",
        notes.into_iter().map(line).collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{Scene, drifting};
    use loom_plan::plan::decide::Conflict;
    use loom_plan::plan::{Outcome, Report as PlanReport};

    fn said(outcome: &Outcome, scene: &Scene) -> String {
        let drifted = scene.drifted(outcome);
        document(&Report::new(outcome, &drifted, scene))
    }

    #[test]
    fn an_issue_has_a_table_the_upgrades_apart_and_folded_diffs() {
        let scene = drifting();
        let text = said(&scene.blocked(), &scene);
        is_as_meant(&text, "k8s/|x`.yml");
        insta::assert_snapshot!(text);
    }

    /// A reader of Markdown finds one table whose second cells are paths in code, fences that are
    /// diffs, and no HTML but what folds them.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "of a parser's many events these few are looked at"
    )]
    fn is_as_meant(text: &str, path: &str) {
        use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};
        let mut paths = Vec::new();
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Code(code) => paths.push(code.into_string()),
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    assert_eq!(language.as_ref(), "diff");
                }
                Event::Start(Tag::Image { .. } | Tag::Link { .. }) => {
                    panic!("no link was meant\n{text}")
                }
                Event::Html(html) | Event::InlineHtml(html) => {
                    let html = html.trim();
                    assert!(
                        ["<details>", "</details>"].contains(&html)
                            || html.starts_with("<summary><code>"),
                        "{html}\n{text}"
                    );
                }
                _ => {}
            }
        }
        assert!(paths.iter().any(|code| code == path), "{paths:?}");
    }

    #[test]
    fn no_drift_says_so() {
        let outcome = Outcome::Converged(PlanReport {
            outputs: 1,
            ..PlanReport::default()
        });
        assert_eq!(
            said(&outcome, &Scene::default()),
            "### No drift\n\n1 file is as declared.\n"
        );
    }

    #[test]
    fn a_text_cannot_leave_its_fence_nor_a_name_its_cell() {
        let mut scene = Scene::default();
        let sides = [
            Some("x\n"),
            Some("```\n</details>\n# loud\n@everyone\n````\n"),
        ];
        scene.conflict(Conflict::Edited, "</code><b>|`x", "file.x", sides, &[]);
        let text = said(&scene.blocked(), &scene);
        assert!(
            text.contains("\n`````diff\n") && text.contains("+````\n`````\n\n</details>\n"),
            "{text}"
        );
        assert!(
            text.contains("<code>&lt;/code&gt;&lt;b&gt;|`x</code>"),
            "{text}"
        );
        assert!(text.contains("``</code><b>\\|`x``"), "{text}");
        is_as_meant(&text, "</code><b>|`x");
    }

    #[test]
    fn whatever_there_is_to_say_fits_into_an_issue_and_what_is_left_out_is_counted() {
        let mut scene = Scene::default();
        let long = "a line of some length\n".repeat(400);
        for number in 0..2000 {
            scene.conflict(
                Conflict::Edited,
                &format!("path/{number:04}"),
                "file.x",
                [Some(&long), Some("x\n")],
                &[],
            );
        }
        let text = said(&scene.blocked(), &scene);
        assert!(
            text.len() <= 65_536 && text.len() > 40_000,
            "{}",
            text.len()
        );
        assert!(text.starts_with("### Drift\n\n2000 edited; 0 files in all.\n"));
        let rows = text
            .lines()
            .filter(|line| line.starts_with("| edited"))
            .count();
        let folded = text.matches("<details>").count();
        assert!(rows > 50 && folded > 1);
        assert!(
            text.contains(&format!("leave out {} more", 2000 - rows))
                && text.contains(&format!("{} more diffs", 2000 - folded))
        );
    }
}
