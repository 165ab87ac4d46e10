//! What loom says: plans, drift and diagnostics, for people and for programs.
//!
//! In: an outcome, and a [`Contents`] that fetches the bytes of one action at a time. Out: text or
//! JSON, written as it goes: memory does not grow with the number of files.
//!
//! Invariants: the same input gives the same bytes; everything can be read without colour; no
//! control character of a file reaches a terminal ([`style::visible`], tested), and nothing that
//! looks like a credential is shown, whoever wrote it there ([`Shown`], tested).
//!
//! Deliberately not here: what is planned, and where bytes come from.

mod by_hand;
pub(crate) mod causes;
pub(crate) mod check;
pub(crate) mod diagnostics;
pub(crate) mod doctor;
pub(crate) mod drift;
#[cfg(test)]
mod fixture;
pub(crate) mod github;
pub(crate) mod graph;
mod hidden;
pub(crate) mod history;
mod html;
pub(crate) mod json;
mod look;
pub(crate) mod markdown;
pub(crate) mod picture;
mod plain;
pub(crate) mod refusal;
pub(crate) mod repair;
pub(crate) mod sarif;
mod sections;
pub(crate) mod style;
pub(crate) mod text;
mod weight;

use std::io::{self, Write};

use loom_plan::addr::{Address, ContentHash, RepoPath};
use loom_plan::check::Finding;
use loom_plan::check::changes::Change;
use loom_plan::credential::masked;
use loom_plan::diff::{Difference, as_text, compare};
use loom_plan::drift::grade::{Grade, Version, grade};
use loom_plan::graph::Ordered;
use loom_plan::plan::digest::Choices;
use loom_plan::plan::{Action, Conflicting, Outcome};
use loom_plan::provider::Mode;
use loom_plan::snapshot::{Content, Part};
use loom_providers::reading;

use crate::cli::{PlanFormat, PlanStyle, Talk};
use crate::env::{self, Stream};
use causes::Summary;

/// A plan, and how it is to be shown.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a> {
    /// The plan.
    pub(crate) outcome: &'a Outcome,
    /// Where its contents come from.
    pub(crate) contents: &'a dyn Contents,
    /// The command that applies it; empty where that is being done.
    pub(crate) apply: &'a str,
    /// Leads from the top of the Git repository to the root; empty, or ends in `/`.
    pub(crate) prefix: &'a str,
    /// What depends on what, where that is known.
    pub(crate) ordered: Option<&'a Ordered>,
    /// What the checklist and the policies say of what is to be written.
    pub(crate) findings: &'a [Finding],
    /// By what those were judged.
    pub(crate) basis: &'a Basis,
    /// What the outcome is compared with, where it is no plan.
    pub(crate) compared: Option<&'a Compared>,
    /// The choices that the digest covers, where there is one.
    pub(crate) choices: Option<&'a Choices>,
}

/// By what findings were judged, and what a request changes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Basis {
    /// The commit whose policies and exceptions judged: as it was typed, and its name.
    pub(crate) from: Option<(String, String)>,
    /// What stands in this tree, and stood otherwise in the commit or the base.
    pub(crate) changes: Vec<Change>,
}

impl Basis {
    /// For people; nothing where there is nothing to say.
    pub(crate) fn sentence(&self) -> Option<String> {
        let from = self
            .from
            .as_ref()
            .map(|(typed, name)| format!("the policies and exceptions of `{typed}` ({name})"));
        match (from, self.changes.is_empty()) {
            (None, true) => None,
            (Some(from), true) => Some(format!("Judged by {from}.")),
            (None, false) => Some(
                "This request changes the policies or exceptions that it is judged by:".to_owned(),
            ),
            (Some(from), false) => Some(format!(
                "This request changes policies or exceptions. It was judged without that, by {from}:"
            )),
        }
    }
}

/// The base that a request is compared with, and how the request itself stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Compared {
    /// As it was typed.
    pub(crate) reference: String,
    /// The commit, shortened.
    pub(crate) commit: String,
    /// The directory that the root was in then, where it was another.
    pub(crate) moved_from: Option<String>,
    /// What `loom plan` comes to in this tree: `converged`, `ready` or `blocked`.
    pub(crate) standing: &'static str,
    /// What is missing, as a sentence; empty where nothing is.
    pub(crate) missing: String,
}

impl Compared {
    /// All of it for people.
    pub(crate) fn sentence(&self, summary: &Summary) -> String {
        let root = self
            .moved_from
            .as_ref()
            .map(|root| format!(" (where the root was {root})"))
            .unwrap_or_default();
        let with = format!(
            "Compared with {}{root}, where this branch left {}",
            self.commit, self.reference
        );
        let missing = if self.missing.is_empty() {
            String::new()
        } else {
            format!(" {}", self.missing)
        };
        format!("{with}: {}.{missing}", summary.changes())
    }
}

/// Writes a plan as it was asked for. The text is for `stream`, and says as much as `talk` asks.
///
/// # Errors
/// Those of `out`, and of the file that GitHub takes the summary of a step from.
pub(crate) fn plan(
    plan: &Presented<'_>,
    style: PlanStyle,
    (stream, talk): (Stream, Talk),
    out: &mut dyn Write,
) -> io::Result<()> {
    let Presented {
        outcome,
        contents,
        apply,
        prefix,
        ordered,
        findings,
        basis,
        compared,
        choices,
    } = *plan;
    let review = |budget| {
        let sketch = ordered.and_then(|ordered| graph::sketch(ordered, outcome));
        markdown::Review {
            outcome,
            contents,
            apply,
            budget,
            findings,
            basis,
            compared,
            sketch,
        }
    };
    let text = text::PlanText {
        outcome,
        contents,
        apply,
        stream,
        talk,
        findings,
        basis,
    };
    match style.format {
        PlanFormat::Text => text::plan_or_comparison(&text, compared, out),
        PlanFormat::Json => json::plan(
            (outcome, findings, basis),
            contents,
            (compared, choices),
            out,
        ),
        PlanFormat::Markdown => markdown::plan(&review(style.budget), out),
        PlanFormat::Html => html::plan(plan, out),
        PlanFormat::Sarif => sarif::plan((outcome, contents), (findings, basis), prefix, out),
        PlanFormat::Github => {
            let mut summary = Vec::new();
            markdown::plan(&review(github::SUMMARY), &mut summary)?;
            env::add_to_step_summary(&summary)?;
            let judged = (findings, basis);
            github::plan((outcome, contents), judged, compared, prefix, out)
        }
    }
}

/// Where a report takes contents from. Called from many threads, once or twice for an action.
pub(crate) trait Contents: Sync {
    /// The whole file before and after an action; of a move, before at the old path.
    fn of(&self, action: &Action) -> Sides;

    /// The file that stands at a path before everything.
    fn stands(&self, _: &RepoPath) -> Option<Vec<u8>> {
        None
    }

    /// The file that stands at a path after everything, where loom declares it.
    fn comes(&self, _: &RepoPath) -> Option<Vec<u8>> {
        None
    }

    /// Of an action that accepts an edit: the file as it is declared, and as it is left.
    fn accepted(&self, action: &Action) -> Sides {
        self.of(action)
    }

    /// What stands at a conflict's path, and what loom would write there.
    fn of_conflict(&self, conflict: &Conflicting) -> Sides;

    /// The settings that differ between two texts of an artifact, in its format's own terms.
    fn explain(&self, address: &Address, before: &str, after: &str) -> Vec<String>;

    /// Whether the content of a part is the hash of its bytes: not of keys, nor where some are delegated.
    fn is_of_bytes(&self, _: &RepoPath, part: &Part) -> bool {
        !matches!(part, Part::Keys(_))
    }

    /// What an artifact is about, where that is known.
    fn about(&self, _: &Address) -> About {
        About::default()
    }
}

/// What an artifact is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct About {
    /// Its service.
    pub(crate) service: Option<String>,
    /// The stories that ask for it.
    pub(crate) stories: Vec<String>,
}

/// A file before and after; `None` where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sides {
    /// What is there.
    pub(crate) before: Option<Vec<u8>>,
    /// What is to be there.
    pub(crate) after: Option<Vec<u8>>,
}

/// What may be shown of an action's contents: `*` stands for what looks like a credential.
#[derive(Debug, Default)]
struct Shown {
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
    /// Stands for the contents where they differ in nothing but what is hidden.
    hidden: Option<ContentHash>,
}

impl Shown {
    /// What changes; where only an edit is accepted, that.
    fn of(contents: &dyn Contents, action: &Action) -> Self {
        if action.verb.writes() {
            contents.of(action).into()
        } else if action.accepts() {
            contents.accepted(action).into()
        } else {
            Self::default()
        }
    }

    /// What differs; a file that is not there is empty.
    fn difference(&self) -> Difference<'_> {
        compare(
            self.before.as_deref().unwrap_or_default(),
            self.after.as_deref().unwrap_or_default(),
        )
    }
}

impl From<Sides> for Shown {
    fn from(sides: Sides) -> Self {
        let mask = |side: &Option<Vec<u8>>| side.as_deref().map(without_credentials);
        let (before, after) = (mask(&sides.before), mask(&sides.after));
        let hidden = (sides.before != sides.after && before == after).then(|| {
            let hash = |side: &Option<Vec<u8>>| {
                *ContentHash::of(side.as_deref().unwrap_or_default()).as_bytes()
            };
            ContentHash::of_parts([&hash(&sides.before)[..], &hash(&sides.after)])
        });
        Self {
            before,
            after,
            hidden,
        }
    }
}

/// What may be shown of an action's contents.
pub(crate) fn shown(contents: &dyn Contents, action: &Action) -> Sides {
    let Shown { before, after, .. } = Shown::of(contents, action);
    Sides { before, after }
}

/// A content with `*` in the place of what looks like a credential.
pub(crate) fn without_credentials(content: &[u8]) -> Vec<u8> {
    as_text(content).map_or_else(
        || content.to_vec(),
        |text| masked(text).into_owned().into_bytes(),
    )
}

/// How much of an edit an action accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Accepted {
    grade: Grade,
    /// How many lines come and go, such as `+3 -2`.
    lines: String,
}

impl Accepted {
    /// `None` of an action that accepts nothing.
    fn of(contents: &dyn Contents, action: &Action) -> Option<Self> {
        let part = action.parts.iter().find(|part| part.accepts())?;
        let sides = contents.accepted(action);
        let mode = |content: Option<Content>| content.map_or(Mode::Plain, |content| content.mode);
        let version = |bytes: &'_ Option<Vec<u8>>| bytes.clone().unwrap_or_default();
        let (before, after) = (version(&sides.before), version(&sides.after));
        let [one, other] = [&before, &after].map(|bytes| Version {
            bytes,
            mode: mode(part.after),
        });
        let grade = grade(&action.path, one, other, reading::reader(&action.path));
        let shown = Shown::from(sides);
        Some(Self {
            grade,
            lines: look::counted(&shown, &shown.difference()),
        })
    }

    /// All of it for people.
    fn sentence(&self) -> String {
        let lines = if self.lines.is_empty() {
            String::new()
        } else {
            format!(", {}", self.lines)
        };
        format!("accepted edit: {}{lines}", self.grade.as_str())
    }
}

/// What an action accepts, and the settings that differ, as people read them.
fn settings(contents: &dyn Contents, action: &Action, shown: &Shown) -> Vec<String> {
    let accepted = Accepted::of(contents, action).map(|accepted| accepted.sentence());
    accepted
        .into_iter()
        .chain(own_settings(contents, action, shown))
        .collect()
}

/// The settings that differ, in the format's own terms. Of a part of a file there are only lines.
fn own_settings(contents: &dyn Contents, action: &Action, shown: &Shown) -> Vec<String> {
    let whole = action.parts.iter().all(|part| part.part == Part::Whole);
    let text = |side: &Option<Vec<u8>>| side.as_deref().and_then(as_text).map(str::to_owned);
    match (text(&shown.before), text(&shown.after)) {
        (Some(before), Some(after)) if whole => contents.explain(action.address(), &before, &after),
        _ => Vec::new(),
    }
}
