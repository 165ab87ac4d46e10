//! What was approved, and whether the plan of this run is that.
//!
//! In: a saved plan, `--expect DIGEST`, or `--expect FILE` (a saved plan, or the JSON of `plan
//! --format json`). Out: the choices to plan with, and a refusal that names the paths that differ.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use loom_plan::addr::ContentHash;
use loom_plan::plan::{Action, Outcome, PartAction, Plan, file};
use loom_plan::snapshot::{Content, Part};

use super::Failure;
use crate::cli::{self, Apply, Command, Expected, Selection, ToApply};
use crate::env;
use crate::report;

/// How a saved plan begins, whole or cut off.
const SAVED: &str = r#"{"loom":"plan""#;

/// What was approved.
pub(crate) struct Approval {
    /// The choices to plan with.
    pub(crate) selection: Selection,
    approved: Option<Approved>,
}

/// The plan that somebody looked at.
struct Approved {
    digest: ContentHash,
    /// What it does to each path; `None` where only the digest is known.
    paths: Option<BTreeMap<String, String>>,
}

impl Approval {
    /// Reads what the command line names.
    pub(crate) fn read(asked: &Apply) -> Result<Self, Failure> {
        let (selection, saved) = match &asked.what {
            ToApply::Now(selection) => (selection.clone(), None),
            ToApply::Saved(path) => {
                let saved = read_saved(path)?;
                (
                    selection_of(&saved.arguments)?,
                    Some(Approved {
                        digest: saved.plan.digest,
                        paths: Some(paths_of(&saved.plan.actions)),
                    }),
                )
            }
        };
        let expected = match &asked.expect {
            None => None,
            Some(Expected::Digest(digest)) => Some(Approved {
                digest: *digest,
                paths: None,
            }),
            Some(Expected::File(path)) => Some(read_expected(path)?),
        };
        Ok(Self {
            selection,
            approved: expected.or(saved),
        })
    }

    /// Whether a plan was approved before this run.
    pub(crate) fn is_given(&self) -> bool {
        self.approved.is_some()
    }

    /// Refuses a plan that is not the approved one.
    pub(crate) fn check(&self, plan: &Plan) -> Result<(), Failure> {
        let Some(approved) = self
            .approved
            .as_ref()
            .filter(|approved| approved.digest != plan.digest)
        else {
            return Ok(());
        };
        let digests = format!(
            "the plan is stale: {} was approved, and this run comes to {}",
            approved.digest, plan.digest
        );
        let Some(then) = &approved.paths else {
            return Err(Failure::Stale(format!(
                "{digests}. Review the plan above and approve its digest."
            )));
        };
        let now = paths_of(&plan.actions);
        let different = differing(then, &now);
        let which = if different.is_empty() {
            "the choices of the run".to_owned()
        } else {
            different.join(", ")
        };
        Err(Failure::Stale(format!(
            "{digests}. These differ: {which}. Review the plan above and approve its digest."
        )))
    }
}

/// Reads a plan that `plan --out` saved.
pub(crate) fn read_saved(path: &Path) -> Result<file::SavedPlan, Failure> {
    let name = path.display().to_string();
    let text = env::read_file(path)
        .map_err(|error| Failure::Environment(format!("{name} cannot be read: {error}")))?;
    file::read(&name, &text).map_err(Failure::of)
}

fn read_expected(path: &Path) -> Result<Approved, Failure> {
    let name = path.display().to_string();
    let text = env::read_file(path)
        .map_err(|error| Failure::Environment(format!("{name} cannot be read: {error}")))?;
    if text.starts_with(SAVED) {
        let saved = file::read(&name, &text).map_err(Failure::of)?;
        return Ok(Approved {
            digest: saved.plan.digest,
            paths: Some(paths_of(&saved.plan.actions)),
        });
    }
    let neither = || {
        Failure::Environment(format!(
            "{name} is neither a saved plan nor the output of `loom plan --format json`"
        ))
    };
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|_| neither())?;
    let actions = json["actions"].as_array().ok_or_else(neither)?;
    if let (Some(outcome), true) = (json["outcome"].as_str(), json["digest"].is_null()) {
        let why = match outcome {
            _ if !json["against"].is_null() => "it compares a branch with its base (--against)",
            "blocked" => "a person has to decide something first",
            _ => "it had nothing to apply",
        };
        return Err(Failure::Environment(format!(
            "{name} holds no plan that can be approved: {why}"
        )));
    }
    let digest = json["digest"]
        .as_str()
        .and_then(|text| ContentHash::parse(text).ok())
        .ok_or_else(neither)?;
    let paths = actions
        .iter()
        .filter_map(|action| Some((action["path"].as_str()?.to_owned(), json_print(action))));
    Ok(Approved {
        digest,
        paths: Some(paths.collect()),
    })
}

/// What an action of the JSON output does, as [`paths_of`] writes it.
fn json_print(action: &serde_json::Value) -> String {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let side = |side: &serde_json::Value| match side.as_object() {
        Some(content) => format!("{} {}", text(&content["hash"]), text(&content["mode"])),
        None => "none".to_owned(),
    };
    let parts = action["parts"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|part| {
            let (before, after) = (side(&part["before"]), side(&part["after"]));
            format!(
                "\n{}{} {before} {after}",
                text(&part["block"]),
                text(&part["keys"])
            )
        });
    format!(
        "{} {}{}",
        text(&action["action"]),
        text(&action["from"]),
        parts.collect::<String>()
    )
}

/// What a plan does to each path: the verb, where a file comes from, and each part with its hash and
/// mode before and after; all that the digest covers of a path.
fn paths_of(actions: &[Action]) -> BTreeMap<String, String> {
    let side = |content: Option<Content>| match content {
        Some(content) => format!("{} {}", content.hash, report::json::mode(content.mode)),
        None => "none".to_owned(),
    };
    let part = |part: &PartAction| {
        let owner = match &part.part {
            Part::Whole => "",
            Part::Block(address) | Part::Keys(address) => address,
        };
        format!("\n{owner} {} {}", side(part.before), side(part.after))
    };
    let print = |action: &Action| {
        let from = if action.old_path() == &action.path {
            ""
        } else {
            action.old_path().as_str()
        };
        format!(
            "{} {from}{}",
            action.verb.as_str(),
            action.parts.iter().map(part).collect::<String>()
        )
    };
    actions
        .iter()
        .map(|action| (action.path.to_string(), print(action)))
        .collect()
}

/// The paths to which two plans do not do the same, sorted.
pub(super) fn paths_that_differ(one: &Outcome, other: &Outcome) -> Vec<String> {
    let paths = |outcome: &Outcome| {
        let conflicts = outcome
            .conflicts()
            .iter()
            .map(|conflict| (conflict.path.to_string(), "conflict".to_owned()));
        paths_of(outcome.actions())
            .into_iter()
            .chain(conflicts)
            .collect::<BTreeMap<String, String>>()
    };
    differing(&paths(one), &paths(other))
        .into_iter()
        .map(str::to_owned)
        .collect()
}

fn differing<'a>(
    then: &'a BTreeMap<String, String>,
    now: &'a BTreeMap<String, String>,
) -> Vec<&'a str> {
    let all: BTreeSet<&str> = then.keys().chain(now.keys()).map(String::as_str).collect();
    all.into_iter()
        .filter(|path| then.get(*path) != now.get(*path))
        .collect()
}

/// The choices that a saved plan was made with.
fn selection_of(arguments: &[String]) -> Result<Selection, Failure> {
    let typed = ["loom", "plan"]
        .into_iter()
        .map(OsString::from)
        .chain(arguments.iter().map(OsString::from));
    match cli::parse(typed).map(|invocation| invocation.command) {
        Ok(Command::Plan(plan)) => Ok(plan.selection),
        _ => Err(Failure::Environment(
            "the saved plan was made with choices that this loom does not know".to_owned(),
        )),
    }
}
