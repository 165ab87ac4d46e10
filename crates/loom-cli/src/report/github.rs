//! A plan as workflow commands of GitHub Actions: annotations at the lines that it is about.
//!
//! In: an outcome. Out: one command a line. A conflict is an error; a deletion is a warning, and so is
//! what goes on outside the repository, all at the file; that most of what loom manages would go is a warning of the plan as a whole. What came
//! with a newer loom alone is a notice for each step of a kind, at the first file that it changes; a
//! setting that changed is a notice at its line in the input. Both name the files that follow.
//! GitHub shows ten annotations of each level for a step: where there are more, the tenth says how
//! many, so that none goes without a word.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>.

use std::collections::BTreeMap;
use std::io::{self, Write};

use loom_plan::addr::RepoPath;
use loom_plan::check::Finding;
use loom_plan::check::changes::Change;
use loom_plan::plan::{Cause, NoteKind, Outcome, Verb};
use loom_plan::text::Position;

use super::by_hand;
use super::causes::{self, Summary};
use super::refusal::Problem;
use super::sections::{Section, sections};
use super::style::visible;
use super::{Accepted, Basis, Compared, Contents, check};

/// How many annotations of a level GitHub shows for one step.
const SHOWN: usize = 10;
/// How many bytes GitHub takes for the summary of a step, with some to spare: 1 MiB.
pub(crate) const SUMMARY: usize = 1_000_000;

/// One annotation.
#[derive(Clone)]
struct Annotation {
    /// The file, below the loom.yaml's directory, and the line; none of the plan as a whole.
    place: Option<(String, usize)>,
    title: String,
    message: String,
}

/// Writes the annotations. `prefix` leads from the repository's top to the directory of loom.yaml;
/// it is empty or ends in `/`.
///
/// # Errors
/// Those of `out`.
pub(crate) fn plan(
    (outcome, contents): (&Outcome, &dyn Contents),
    (findings, basis): (&[Finding], &Basis),
    compared: Option<&Compared>,
    prefix: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    annotations("error", &missing(compared), prefix, out)?;
    self::basis(basis, prefix, out)?;
    self::findings(findings, prefix, out)?;
    let (warnings, notices) = (
        [
            brake(outcome),
            going_on(outcome),
            accepted(outcome, contents),
            deletions(outcome),
        ]
        .concat(),
        [upgrades(outcome), settings(outcome)].concat(),
    );
    for (level, found) in [
        ("error", conflicts(outcome)),
        ("warning", warnings),
        ("notice", notices),
    ] {
        annotations(level, &found, prefix, out)?;
    }
    writeln!(out, "{}", data(&format!("Plan: {}", Summary::of(outcome))))
}

/// Writes what a request changes of what it is judged by, before everything that it is judged to be.
///
/// # Errors
/// Those of `out`.
pub(super) fn basis(basis: &Basis, prefix: &str, out: &mut dyn Write) -> io::Result<()> {
    let annotation = |change: &Change| Annotation {
        place: Some((change.path.clone(), change.line)),
        title: "Policies or exceptions changed".to_owned(),
        message: format!("The request changes what it is judged by: {}", change.says),
    };
    let found: Vec<Annotation> = basis.changes.iter().map(annotation).collect();
    annotations("warning", &found, prefix, out)
}

/// Writes what the checklist and the policies say: errors, warnings, and what is accepted as notices.
///
/// # Errors
/// Those of `out`.
pub(super) fn findings(findings: &[Finding], prefix: &str, out: &mut dyn Write) -> io::Result<()> {
    let annotation = |finding: &Finding| Annotation {
        place: Some((finding.path.clone(), finding.line.unwrap_or(1))),
        title: format!("{} {}", finding.code, finding.message),
        message: std::iter::once(finding.reason.clone())
            .chain(check::advice(finding))
            .collect::<Vec<_>>()
            .join("\n"),
    };
    for (level, word) in [
        ("error", "error"),
        ("warning", "warning"),
        ("notice", "accepted"),
        ("notice", "old"),
    ] {
        let found: Vec<Annotation> = findings
            .iter()
            .filter(|it| check::word(it) == word)
            .map(annotation)
            .collect();
        annotations(level, &found, prefix, out)?;
    }
    Ok(())
}

/// Writes why there is no result: each error at its line, and how many there are.
///
/// # Errors
/// Those of `out`.
pub(super) fn problems(
    problems: &[Problem],
    title: &str,
    prefix: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let annotation = |problem: &Problem| Annotation {
        place: problem
            .place
            .as_ref()
            .map(|place| (place.file.to_string(), place.line)),
        title: problem.code.to_string(),
        message: std::iter::once(&problem.message)
            .chain(&problem.advice)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n"),
    };
    let found: Vec<Annotation> = problems.iter().map(annotation).collect();
    annotations("error", &found, prefix, out)?;
    writeln!(out, "{}", data(&format!("Loom: {title}")))
}

fn annotations(
    level: &str,
    annotations: &[Annotation],
    prefix: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let shown = if annotations.len() > SHOWN {
        SHOWN - 1
    } else {
        annotations.len()
    };
    for Annotation {
        place,
        title,
        message,
    } in &annotations[..shown]
    {
        let at = |(file, line): &(String, usize)| {
            format!("file={},line={line},", property(&format!("{prefix}{file}")))
        };
        let (place, title) = (place.as_ref().map_or_else(String::new, at), property(title));
        writeln!(out, "::{level} {place}title={title}::{}", data(message))?;
    }
    if annotations.len() > shown {
        let more = format!(
            "{} more of these are in the report; GitHub shows {SHOWN} for a step",
            annotations.len() - shown
        );
        writeln!(out, "::{level} title={}::{}", property("Loom"), data(&more))?;
    }
    Ok(())
}

/// What the request itself lacks.
fn missing(compared: Option<&Compared>) -> Vec<Annotation> {
    let annotation = |it: &Compared| Annotation {
        place: None,
        title: "Not applied".to_owned(),
        message: it.missing.clone(),
    };
    compared
        .filter(|it| !it.missing.is_empty())
        .map(annotation)
        .into_iter()
        .collect()
}

fn conflicts(outcome: &Outcome) -> Vec<Annotation> {
    let annotation = |conflict: &loom_plan::plan::Conflicting| Annotation {
        place: Some((conflict.path.to_string(), 1)),
        title: format!("Conflict: {}", conflict.address),
        message: std::iter::once(causes::conflict_sentences(conflict))
            .chain(conflict.ways.iter().map(ToString::to_string))
            .collect::<Vec<_>>()
            .join("\n")
            + &by_hand::plain(conflict),
    };
    outcome.conflicts().iter().map(annotation).collect()
}

/// That most of what loom manages would go.
fn brake(outcome: &Outcome) -> Vec<Annotation> {
    let annotation = |message| Annotation {
        place: None,
        title: "Many deletions".to_owned(),
        message,
    };
    causes::deletion_warning(outcome)
        .map(annotation)
        .into_iter()
        .collect()
}

/// What a person wrote and the plan takes as good, or the request did.
fn accepted(outcome: &Outcome, contents: &dyn Contents) -> Vec<Annotation> {
    let annotation = |action: &loom_plan::plan::Action| {
        let accepted = Accepted::of(contents, action)?;
        let why = causes::of(action).into_iter().map(causes::clause);
        let message: Vec<String> = std::iter::once(accepted.sentence()).chain(why).collect();
        Some(Annotation {
            place: Some((action.path.to_string(), 1)),
            title: format!("Edited by hand: {}", action.address()),
            message: message.join("\n"),
        })
    };
    outcome.actions().iter().filter_map(annotation).collect()
}

fn deletions(outcome: &Outcome) -> Vec<Annotation> {
    let deleted = outcome
        .actions()
        .iter()
        .filter(|action| action.verb == Verb::Delete);
    let annotation = |action: &loom_plan::plan::Action| Annotation {
        place: Some((action.path.to_string(), 1)),
        title: format!("Deleted: {}", action.address()),
        message: format!("The file is deleted: {}", causes::short(action)),
    };
    deleted.map(annotation).collect()
}

/// What goes on outside the repository with nobody to manage it.
fn going_on(outcome: &Outcome) -> Vec<Annotation> {
    let annotation = |(kind, path): (&NoteKind, &RepoPath)| Annotation {
        place: Some((path.to_string(), 1)),
        title: "Outside the repository".to_owned(),
        message: causes::note_sentence(kind, &[]),
    };
    causes::going_on(outcome).map(annotation).collect()
}

/// The settings that changed, by their place, with the files that follow.
fn settings(outcome: &Outcome) -> Vec<Annotation> {
    let mut changed: BTreeMap<(&Position, &str), Vec<&str>> = BTreeMap::new();
    for action in outcome.actions() {
        for cause in causes::of(action) {
            if let Cause::Setting {
                pointer,
                position: Some(position),
            } = cause
            {
                changed
                    .entry((position, pointer))
                    .or_default()
                    .push(action.path.as_str());
            }
        }
    }
    let annotation = |((position, pointer), paths): ((&Position, &str), Vec<&str>)| {
        let (place, title) = (
            Some((position.file.to_string(), position.line)),
            format!("{pointer} changed"),
        );
        Annotation {
            place,
            title,
            message: following(&paths),
        }
    };
    changed.into_iter().map(annotation).collect()
}

/// What came with a newer loom alone.
fn upgrades(outcome: &Outcome) -> Vec<Annotation> {
    let annotation = |section: &Section<'_>| {
        let paths: Vec<&str> = section
            .actions
            .iter()
            .map(|action| action.path.as_str())
            .collect();
        let (kind, first) = (section.upgrade.as_ref()?.kind, paths.first()?);
        Some(Annotation {
            place: Some(((*first).to_owned(), 1)),
            title: format!("Generator upgraded: {kind}"),
            message: format!("{}\n{}", section.heading()?, following(&paths)),
        })
    };
    sections(outcome.actions())
        .iter()
        .filter_map(annotation)
        .collect()
}

/// The files that change for one reason, the first few of them by name.
fn following(paths: &[&str]) -> String {
    let (few, rest) = paths.split_at(paths.len().min(SHOWN));
    let files = if paths.len() == 1 {
        "file follows"
    } else {
        "files follow"
    };
    let more = if rest.is_empty() {
        String::new()
    } else {
        format!("\nand {} more", rest.len())
    };
    format!("{} {files}:\n{}{more}", paths.len(), few.join("\n"))
}

/// The text of a command: no line of it can begin another command.
pub(super) fn data(text: &str) -> String {
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| visible(line).replace('%', "%25"))
        .collect();
    lines.join("%0A")
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{EMPTYING, Scene, day, drifting, emptying, setting};
    use loom_plan::plan::decide::Conflict;

    fn of(outcome: &Outcome, prefix: &str) -> String {
        let mut out = Vec::new();
        plan(
            (outcome, &Scene::default()),
            (&[], &Basis::default()),
            None,
            prefix,
            &mut out,
        )
        .expect("writing to memory cannot fail");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn each_finding_is_said_at_its_line() {
        let mut scene = day();
        scene.conflict(
            Conflict::Edited,
            "docs/a,b.md",
            "markdown.page.a",
            [None, None],
            &["100 % sure?", "keep it"],
        );
        insta::assert_snapshot!(of(&scene.ready(), "shop/"), @r"
        ::error file=shop/docs/a%2Cb.md,line=1,title=Conflict%3A markdown.page.a::Somebody edited it, and loom would write something else. Writing it would lose the edit.%0A100 %25 sure?%0Akeep it
        ::warning file=shop/docs/old.md,line=1,title=Deleted%3A markdown.page.old::The file is deleted: nothing declares it any more
        ::notice file=shop/loom.yaml,line=22,title=services.entity-api.port changed::3 files follow:%0A.github/workflows/deploy-entity-api.yml%0Ak8s/production/entity-api.yml%0Ak8s/staging/entity-api.yml
        Plan: 1 to create, 2 to update, 1 to delete, 1 to move, 1 to adopt; 1 drifted; 1 conflict
        ");
    }

    #[test]
    fn of_more_than_github_shows_the_last_one_says_how_many() {
        let text = of(&emptying().ready(), "");
        assert_eq!(text.matches("::warning").count(), 10);
        assert!(
            text.contains("17 more of these are in the report"),
            "{text}"
        );
    }

    #[test]
    fn that_most_goes_is_the_first_warning() {
        let text = of(&emptying().ready(), "");
        assert_eq!(
            text.lines().next(),
            Some(format!("::warning title=Many deletions::{EMPTYING}").as_str())
        );
    }

    #[test]
    fn what_comes_with_a_newer_loom_is_one_notice_for_all_its_files() {
        let text = of(&drifting().ready(), "shop/");
        let notices: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("::notice"))
            .collect();
        assert_eq!(
            notices[0],
            "::notice file=shop/k8s/production/entity-api.yml,line=1,title=Generator upgraded%3A kubernetes.manifest\
            ::Generator upgraded: kubernetes.manifest 1 → 2: Probes stand behind ports.%0A1 file follows:%0Ak8s/production/entity-api.yml"
        );
        assert!(
            notices[1].contains("services.entity-api.port changed")
                && !notices[1].contains("k8s/production"),
            "{text}"
        );
    }

    #[test]
    fn a_request_that_is_not_applied_is_the_first_error() {
        let missing =
            "This tree is not converged (a: b): run `loom apply`, and commit what it writes.";
        let of = |missing: &str| {
            let compared = Compared {
                reference: "main".to_owned(),
                commit: "0a1b2c3".to_owned(),
                moved_from: None,
                standing: "ready",
                missing: missing.to_owned(),
            };
            let mut out = Vec::new();
            let (outcome, basis) = (day().ready(), Basis::default());
            plan(
                (&outcome, &Scene::default()),
                (&[], &basis),
                Some(&compared),
                "",
                &mut out,
            )
            .expect("writing to memory cannot fail");
            String::from_utf8(out).expect("UTF-8")
        };
        assert_eq!(
            of(missing).lines().next(),
            Some(format!("::error title=Not applied::{missing}").as_str())
        );
        assert!(!of("").contains("Not applied"));
    }

    #[test]
    fn no_text_of_people_is_a_command() {
        let mut scene = Scene::default();
        let pointer = setting("services.x\n::set-env name=A::b\r%0A::error::c", 3);
        scene.act(
            Verb::Update,
            "a.txt",
            "file.a",
            [Some("x\n"), Some("y\n")],
            &[pointer],
        );
        let text = of(&scene.ready(), "");
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(
            text.lines()
                .all(|line| !line.starts_with("::set-env") && !line.starts_with("::error")),
            "{text}"
        );
    }
}
