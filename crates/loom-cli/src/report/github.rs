//! A plan as workflow commands of GitHub Actions: annotations at the lines that it is about.
//!
//! In: an outcome. Out: one command a line. A conflict is an error and a deletion a warning, both at
//! the file; a setting that changed is a notice at its line in the input, with the files that follow.
//! GitHub shows ten annotations of each level for a step: where there are more, the tenth says how
//! many, so that none goes without a word.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>.

use std::collections::BTreeMap;
use std::io::{self, Write};

use loom_plan::plan::{Cause, Outcome, Verb};
use loom_plan::text::Position;

use super::causes::{self, Summary};
use super::style::visible;

/// How many annotations of a level GitHub shows for one step.
const SHOWN: usize = 10;
/// How many bytes GitHub takes for the summary of a step, with some to spare: 1 MiB.
pub(crate) const SUMMARY: usize = 1_000_000;

/// One annotation.
struct Annotation {
    /// The file, below the loom.yaml's directory.
    file: String,
    line: usize,
    title: String,
    message: String,
}

/// Writes the annotations. `prefix` leads from the repository's top to the directory of loom.yaml;
/// it is empty or ends in `/`.
///
/// # Errors
/// Those of `out`.
pub(crate) fn plan(outcome: &Outcome, prefix: &str, out: &mut dyn Write) -> io::Result<()> {
    for (level, annotations) in [("error", conflicts(outcome)), ("warning", deletions(outcome)), ("notice", settings(outcome))] {
        let shown = if annotations.len() > SHOWN { SHOWN - 1 } else { annotations.len() };
        for Annotation { file, line, title, message } in &annotations[..shown] {
            let (file, title) = (property(&format!("{prefix}{file}")), property(title));
            writeln!(out, "::{level} file={file},line={line},title={title}::{}", data(message))?;
        }
        if annotations.len() > shown {
            let more = format!("{} more of these are in the plan; GitHub shows {SHOWN} for a step", annotations.len() - shown);
            writeln!(out, "::{level} title={}::{}", property("Loom"), data(&more))?;
        }
    }
    writeln!(out, "{}", data(&format!("Plan: {}", Summary::of(outcome))))
}

fn conflicts(outcome: &Outcome) -> Vec<Annotation> {
    let annotation = |conflict: &loom_plan::plan::Conflicting| Annotation {
        file: conflict.path.to_string(),
        line: 1,
        title: format!("Conflict: {}", conflict.address),
        message: std::iter::once(causes::conflict_sentences(conflict))
            .chain(conflict.ways.clone())
            .collect::<Vec<_>>()
            .join("\n"),
    };
    outcome.conflicts().iter().map(annotation).collect()
}

fn deletions(outcome: &Outcome) -> Vec<Annotation> {
    let deleted = outcome.actions().iter().filter(|action| action.verb == Verb::Delete);
    let annotation = |action: &loom_plan::plan::Action| Annotation {
        file: action.path.to_string(),
        line: 1,
        title: format!("Deleted: {}", action.address()),
        message: format!("The file is deleted: {}", causes::short(action)),
    };
    deleted.map(annotation).collect()
}

/// The settings that changed, by their place, with the files that follow.
fn settings(outcome: &Outcome) -> Vec<Annotation> {
    let mut changed: BTreeMap<(&Position, &str), Vec<&str>> = BTreeMap::new();
    for action in outcome.actions() {
        for cause in causes::of(action) {
            if let Cause::Setting { pointer, position: Some(position) } = cause {
                changed.entry((position, pointer)).or_default().push(action.path.as_str());
            }
        }
    }
    let annotation = |((position, pointer), paths): ((&Position, &str), Vec<&str>)| {
        let (few, rest) = paths.split_at(paths.len().min(SHOWN));
        let files = if paths.len() == 1 { "file follows" } else { "files follow" };
        let more = if rest.is_empty() { String::new() } else { format!("\nand {} more", rest.len()) };
        Annotation {
            file: position.file.to_string(),
            line: position.line,
            title: format!("{pointer} changed"),
            message: format!("{} {files}:\n{}{more}", paths.len(), few.join("\n")),
        }
    };
    changed.into_iter().map(annotation).collect()
}

/// The text of a command: no line of it can begin another command.
fn data(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| visible(line).replace('%', "%25")).collect();
    lines.join("%0A")
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{Scene, day, setting};
    use loom_plan::plan::decide::Conflict;

    fn of(outcome: &Outcome, prefix: &str) -> String {
        let mut out = Vec::new();
        plan(outcome, prefix, &mut out).expect("writing to memory cannot fail");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn each_finding_is_said_at_its_line() {
        let mut scene = day();
        scene.conflict(Conflict::Edited, "docs/a,b.md", "markdown.page.a", [None, None], &["100 % sure?", "keep it"]);
        insta::assert_snapshot!(of(&scene.ready(), "shop/"), @r"
        ::error file=shop/docs/a%2Cb.md,line=1,title=Conflict%3A markdown.page.a::Somebody edited it, and loom would write something else. Writing it would lose the edit.%0A100 %25 sure?%0Akeep it
        ::warning file=shop/docs/old.md,line=1,title=Deleted%3A markdown.page.old::The file is deleted: nothing declares it any more
        ::notice file=shop/loom.yaml,line=22,title=services.entity-api.port changed::3 files follow:%0A.github/workflows/deploy-entity-api.yml%0Ak8s/production/entity-api.yml%0Ak8s/staging/entity-api.yml
        Plan: 1 to create, 2 to update, 1 to delete, 1 to move, 1 to adopt; 1 drifted; 1 conflict
        ");
    }

    #[test]
    fn of_more_than_github_shows_the_last_one_says_how_many() {
        let mut scene = Scene::default();
        for index in 0..25 {
            scene.act(Verb::Delete, &format!("a{index:02}.txt"), "file.a", [Some("x\n"), None], &[Cause::Undeclared]);
        }
        let text = of(&scene.ready(), "");
        assert_eq!(text.matches("::warning").count(), 10);
        assert!(text.contains("16 more of these are in the plan"), "{text}");
    }

    #[test]
    fn no_text_of_people_is_a_command() {
        let mut scene = Scene::default();
        let pointer = setting("services.x\n::set-env name=A::b\r%0A::error::c", 3);
        scene.act(Verb::Update, "a.txt", "file.a", [Some("x\n"), Some("y\n")], &[pointer]);
        let text = of(&scene.ready(), "");
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.lines().all(|line| !line.starts_with("::set-env") && !line.starts_with("::error")), "{text}");
    }
}
