//! What is said in the format that was asked for where a command came to no result: errors in the
//! input, and what the system or Git refused.
//!
//! In: the failure, and the [`Form`] of the command. Out: a report of the same form as a result would
//! have had: annotations at the lines, a comment, a page, a log, a document. A job that reads only
//! that is told what is wrong; what people read on standard error is told there as always.
//!
//! Invariants: no form is left out, and none is empty (`tests/it/refusals.rs` asks each of each
//! command); whatever stands in a file is text, never markup or a command.

use std::borrow::Cow;
use std::io::{self, Write};

use loom_plan::addr::RepoPath;
use loom_plan::credential::masked;
use loom_plan::diag::{Code, Diagnostic, Diagnostics, Severity};
use loom_plan::project::read::PROJECT_FILE;
use loom_plan::text::{Position, Sources};
use loom_providers::emit::markdown::code;
use serde_json::json;

use super::plain::plain;
use super::style::{visible, visible_lines};
use super::{diagnostics, drift, github, html, markdown, sarif};
use crate::commands::Failure;
use crate::env;

/// The report that a command was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A JSON document.
    Json,
    /// Annotations of GitHub Actions.
    Github(Of),
    /// A comment of at most so many bytes.
    Markdown(Of, usize),
    /// A page.
    Html,
    /// A log of SARIF.
    Sarif(Of),
    /// A document of `JUnit`.
    Junit(Of),
}

/// What the report would have been about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// A plan.
    Plan,
    /// Drift.
    Drift,
    /// The checklist.
    Check,
}

impl Of {
    fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Drift => "drift",
            Self::Check => "check",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Its code.
    pub(crate) code: Code,
    /// What is wrong.
    pub(crate) message: String,
    /// Where, seen from the directory of loom.yaml; none where it is no file of the repository.
    pub(crate) place: Option<Position>,
    /// What to do, and where else to look: lines.
    pub(crate) advice: Vec<String>,
}

impl Problem {
    fn of(found: &Diagnostic, sources: &Sources) -> Self {
        let mut places = found
            .labels
            .iter()
            .map(|label| (sources.position(label.span), label.text.as_str()));
        let said = |(place, text): (Position, &str)| {
            let gap = if text.is_empty() { "" } else { ": " };
            format!("also: {place}{gap}{text}")
        };
        let first = places.next().map(|(place, _)| place);
        let is_inside = |place: &Position| RepoPath::new(&place.file).is_ok();
        // a story from standard input is no file that a forge could show
        let (place, elsewhere) = match first {
            Some(place) if is_inside(&place) => (Some(place), None),
            other => (None, other.map(|place| format!("at: {place}"))),
        };
        let help = found.help.iter().map(|help| format!("help: {help}"));
        let advice = elsewhere.into_iter().chain(help).chain(places.map(said));
        Self {
            code: found.code,
            message: masked(&found.message).into_owned(),
            place,
            advice: advice.map(|line| masked(&line).into_owned()).collect(),
        }
    }

    /// Such as `loom.yaml:6:9`; empty where there is no place.
    pub(crate) fn at(&self) -> String {
        self.place
            .as_ref()
            .map_or_else(String::new, ToString::to_string)
    }
}

/// Writes the report. `prefix` leads from the repository's top to the directory of loom.yaml.
///
/// # Errors
/// Those of `out`, and of the file that GitHub takes the summary of a step from.
pub(crate) fn write(
    failure: &Failure,
    form: Form,
    prefix: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let found = failure.found();
    let (sources, found) = &*found;
    let problems = problems(found, sources);
    match form {
        Form::Json => diagnostics::json(found, sources, out),
        Form::Markdown(of, budget) => out.write_all(comment(&problems, of, budget).as_bytes()),
        Form::Html => html::refusal(&title(&problems, Of::Plan), &problems, out),
        Form::Sarif(of) => super::json::write(&log(&problems, of, prefix), out),
        Form::Junit(of) => drift::junit::failure(&format!("loom {}", of.as_str()), &problems, out),
        Form::Github(of) => {
            let summary = comment(&problems, of, github::SUMMARY);
            env::add_to_step_summary(summary.as_bytes())?;
            github::problems(&problems, &title(&problems, of), prefix, out)
        }
    }
}

/// The errors, by their places.
fn problems(found: &Diagnostics, sources: &Sources) -> Vec<Problem> {
    diagnostics::sorted(found, sources)
        .into_iter()
        .filter(|found| found.severity() == Severity::Error)
        .map(|found| Problem::of(found, sources))
        .collect()
}

/// How many errors, of what.
fn title(problems: &[Problem], of: Of) -> String {
    let of = match of {
        Of::Plan => "no plan",
        Of::Drift => "nothing was compared",
        Of::Check => "nothing was checked",
    };
    match problems.len() {
        1 => format!("{of}, 1 error"),
        count => format!("{of}, {count} errors"),
    }
}

/// The comment: as many errors as there is room for, and how many there are besides.
fn comment(problems: &[Problem], of: Of, budget: usize) -> String {
    let marker = match of {
        Of::Plan => format!("{}\n\n", markdown::MARKER),
        Of::Drift | Of::Check => String::new(),
    };
    let mut text = format!("{marker}## Loom: {}\n\n", title(problems, of));
    for (at, problem) in problems.iter().enumerate() {
        let entry = entry(problem);
        let rest = problems.len() - at;
        let last = format!("- … and {rest} more: `loom validate` shows all of them.\n");
        if text.len() + entry.len() + last.len() > budget {
            return text + &last;
        }
        text += &entry;
    }
    text
}

fn entry(problem: &Problem) -> String {
    let at = match problem.at() {
        place if place.is_empty() => place,
        place => format!("{}: ", code(&visible(&place))),
    };
    let lines = |text: &str| {
        text.split('\n')
            .map(plain)
            .collect::<Vec<_>>()
            .join("<br>\n  ")
    };
    let advice: Vec<String> = problem
        .advice
        .iter()
        .map(|line| format!("  <br>{}\n", lines(line)))
        .collect();
    format!(
        "- **{}** {at}{}\n{}",
        problem.code,
        lines(&problem.message),
        advice.concat()
    )
}

fn log(problems: &[Problem], of: Of, prefix: &str) -> serde_json::Value {
    let mut codes: Vec<Code> = problems.iter().map(|problem| problem.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let rule = |code: &Code| {
        let page = code.page();
        let title = page.lines().next().and_then(|line| line.split_once(": "));
        json!({
            "id": code.as_str(),
            "shortDescription": { "text": format!("{}.", title.map_or("", |(_, title)| title)) },
            "help": { "text": page, "markdown": page },
            "defaultConfiguration": { "level": "error" },
        })
    };
    let result = |problem: &Problem| {
        // code scanning shows no result without a place
        let (file, line, column) = match &problem.place {
            Some(place) => (&*place.file, place.line, place.column),
            None => (PROJECT_FILE, 1, 1),
        };
        let text: Vec<Cow<'_, str>> = std::iter::once(&problem.message)
            .chain(&problem.advice)
            .map(|line| visible_lines(line).into())
            .collect();
        let print = [problem.code.as_str(), file, &problem.message].map(str::as_bytes);
        json!({
            "ruleId": problem.code.as_str(),
            "level": "error",
            "message": { "text": text.join("\n") },
            "locations": [{ "physicalLocation": {
                "artifactLocation": sarif::location(prefix, file),
                "region": { "startLine": line, "startColumn": column },
            } }],
            "partialFingerprints": { "loomFinding/v1": loom_plan::addr::ContentHash::of_parts(print).to_string() },
        })
    };
    let rules: Vec<_> = codes.iter().map(rule).collect();
    let results: Vec<_> = problems.iter().map(result).collect();
    let mut log = sarif::log(&format!("loom/{}/", of.as_str()), &rules, &results);
    log["runs"][0]["invocations"] = json!([{ "executionSuccessful": false }]);
    log
}
