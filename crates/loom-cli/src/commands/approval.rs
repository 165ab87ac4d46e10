//! What was approved, and whether the plan of this run is that.
//!
//! In: a saved plan, `--expect DIGEST`, or `--expect FILE` (a saved plan, or the JSON of `plan
//! --format json`). Out: the choices to plan with, and a refusal that names the paths that differ.
//!
//! A file is believed in nothing: its digest is computed anew from its actions, and what it showed of
//! them is held against what this run says of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use loom_plan::addr::ContentHash;
use loom_plan::check::accept::Exception;
use loom_plan::diag::{Code, Diagnostic};
use loom_plan::diff::{Difference, compare};
use loom_plan::plan::digest::{self, Choices, Covered, CoveredPart};
use loom_plan::plan::{Action, Outcome, PartAction, Plan, file};
use loom_plan::provider::Mode;
use loom_plan::snapshot::{Content, Part};
use serde_json::{Value, json};

use super::Failure;
use crate::cli::{self, Apply, Command, Expected, Selection, ToApply};
use crate::env;
use crate::report::{self, Contents};

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
    /// The rest of it; `None` where only the digest is known.
    seen: Option<Reviewed>,
}

/// What a file showed to whoever approved it. Its digest was computed anew from `paths`.
struct Reviewed {
    /// The file.
    name: String,
    /// What it does to each path.
    paths: BTreeMap<String, Covered>,
    /// The exceptions that it leans on.
    exceptions: Vec<Exception>,
    /// What it says of each action, in order.
    said: Said,
}

/// What a file says of actions, beyond what the digest covers.
enum Said {
    /// The texts of a saved plan.
    Texts(Vec<file::Texts>),
    /// The actions of a JSON document.
    Json(Vec<Value>),
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
                    Some(approved(path, saved)?),
                )
            }
        };
        let expected = match &asked.expect {
            None => None,
            Some(Expected::Digest(digest)) => Some(Approved {
                digest: *digest,
                seen: None,
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

    /// Refuses a plan that is not the approved one, or was shown as another one.
    pub(crate) fn check(&self, plan: &Plan, contents: &dyn Contents) -> Result<(), Failure> {
        let Some(approved) = self.approved.as_ref() else {
            return Ok(());
        };
        if Some(approved.digest) == plan.digest {
            let seen = approved.seen.as_ref();
            return seen.map_or(Ok(()), |seen| seen.check(plan, contents));
        }
        let comes_to = plan.digest.map_or_else(
            || "a plan that is denied".to_owned(),
            |digest| digest.to_string(),
        );
        let digests = format!(
            "the plan is stale: {} was approved, and this run comes to {comes_to}",
            approved.digest
        );
        let Some(seen) = &approved.seen else {
            return Err(Failure::Stale(format!(
                "{digests}. Review the plan above and approve its digest."
            )));
        };
        let now = paths_of(&plan.actions);
        let different = differing(&seen.paths, &now);
        let which = if seen.exceptions != plan.exceptions && different.is_empty() {
            "the exceptions (`policy.accept` in loom.yaml) that it leans on".to_owned()
        } else if different.is_empty() {
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

fn approved(path: &Path, saved: file::SavedPlan) -> Result<Approved, Failure> {
    let name = path.display().to_string();
    let Some(digest) = saved.plan.digest else {
        return Err(refused(
            &name,
            "holds a plan that is denied, which has no digest and cannot be approved",
        ));
    };
    Ok(Approved {
        digest,
        seen: Some(Reviewed {
            name,
            paths: paths_of(&saved.plan.actions),
            exceptions: saved.plan.exceptions,
            said: Said::Texts(saved.contents),
        }),
    })
}

fn read_expected(path: &Path) -> Result<Approved, Failure> {
    let name = path.display().to_string();
    let text = env::read_file(path)
        .map_err(|error| Failure::Environment(format!("{name} cannot be read: {error}")))?;
    if text.starts_with(SAVED) {
        let saved = file::read(&name, &text).map_err(Failure::of)?;
        return approved(path, saved);
    }
    let neither = || {
        Failure::Environment(format!(
            "{name} is neither a saved plan nor the output of `loom plan --format json`"
        ))
    };
    let json: Value = serde_json::from_str(&text).map_err(|_| neither())?;
    let actions = json["actions"].as_array().ok_or_else(neither)?;
    if let (Some(outcome), true) = (json["outcome"].as_str(), json["digest"].is_null()) {
        let why = match outcome {
            _ if !json["against"].is_null() => "it compares a branch with its base (--against)",
            "blocked" => "a person has to decide something first",
            "converged" => "it had nothing to apply",
            _ => "it was denied, or would add something that must not be shown",
        };
        return Err(Failure::Environment(format!(
            "{name} holds no plan that can be approved: {why}"
        )));
    }
    let digest = json["digest"]
        .as_str()
        .and_then(|text| ContentHash::parse(text).ok())
        .ok_or_else(neither)?;
    let Ok(choices) = serde_json::from_value::<Choices>(json["choices"].clone()) else {
        return Err(refused(
            &name,
            "does not hold the choices that its digest covers: an older loom made it",
        ));
    };
    let exceptions = json.get("exceptions").cloned().unwrap_or_else(|| json!([]));
    let Ok(exceptions) = serde_json::from_value::<Vec<Exception>>(exceptions) else {
        return Err(refused(&name, "has exceptions that cannot be read"));
    };
    let covered: Option<Vec<Covered>> = actions.iter().map(covered_of).collect();
    let covered = covered.ok_or_else(|| refused(&name, "has an action that cannot be read"))?;
    let computed = digest::of_covered(covered.iter().cloned(), &choices);
    if digest::leaning_on(computed, &exceptions) != digest {
        return Err(refused(
            &name,
            "does not do what its digest stands for: its actions, choices or exceptions were changed",
        ));
    }
    let paths = covered
        .into_iter()
        .map(|it| (it.path.clone(), it))
        .collect();
    Ok(Approved {
        digest,
        seen: Some(Reviewed {
            name,
            paths,
            exceptions,
            said: Said::Json(actions.clone()),
        }),
    })
}

fn refused(name: &str, why: &str) -> Failure {
    let found = Diagnostic::new(Code::SavedPlan, format!("{name} {why}"));
    Failure::of(found.help("make the plan again, and look at it before you approve it"))
}

/// What the digest covers of an action of the JSON output.
fn covered_of(action: &Value) -> Option<Covered> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let parts = action["parts"].as_array()?.iter().map(|part| {
        Some(CoveredPart {
            part: match (text(&part["block"]), text(&part["keys"])) {
                (None, None) => Part::Whole,
                (Some(address), None) => Part::Block(address),
                (None, Some(address)) => Part::Keys(address),
                (Some(_), Some(_)) => return None,
            },
            left_to: text(&part["left_to"]),
            before: side_of(&part["before"]).ok()?,
            after: side_of(&part["after"]).ok()?,
            bytes: match part["bytes"].as_str() {
                Some(hash) => Some(ContentHash::parse(hash).ok()?),
                None => None,
            },
        })
    });
    Some(Covered {
        verb: text(&action["action"])?,
        path: text(&action["path"])?,
        from: text(&action["from"]),
        parts: parts.collect::<Option<_>>()?,
    })
}

/// A content of the JSON output, which may be none; an error where it cannot be read.
fn side_of(side: &Value) -> Result<Option<Content>, ()> {
    if side.is_null() {
        return Ok(None);
    }
    let mode = [Mode::Plain, Mode::Executable]
        .into_iter()
        .find(|mode| side["mode"] == report::json::mode(*mode));
    let hash = side["hash"]
        .as_str()
        .and_then(|hash| ContentHash::parse(hash).ok());
    match (hash, mode) {
        (Some(hash), Some(mode)) => Ok(Some(Content { hash, mode })),
        _ => Err(()),
    }
}

impl Reviewed {
    /// Refuses a file that showed of the same actions something else than they do.
    fn check(&self, plan: &Plan, contents: &dyn Contents) -> Result<(), Failure> {
        let wrong = match &self.said {
            Said::Texts(texts) => {
                let pairs = plan.actions.iter().zip(texts);
                pairs
                    .filter(|(action, texts)| !are_shown(action, texts, contents))
                    .map(|(action, _)| (action, "texts"))
                    .next()
            }
            Said::Json(said) => {
                let now = report::json::actions(&plan.actions, contents);
                let mut triples = plan.actions.iter().zip(said).zip(now);
                triples.find_map(|((action, said), now)| {
                    differing_field(action, said, &now).map(|field| (action, field))
                })
            }
        };
        match wrong {
            None => Ok(()),
            Some((action, field)) => Err(refused(
                &self.name,
                &format!(
                    "shows `{field}` of {} otherwise than this plan does: somebody changed it, or another loom made it",
                    action.path
                ),
            )),
        }
    }
}

/// The lines that a unified diff takes out and puts in.
fn changed_lines(diff: &str) -> Vec<&str> {
    let is_changed = |line: &&str| line.starts_with(['+', '-', '\\']);
    diff.lines().filter(is_changed).collect()
}

fn is_whole(action: &Action) -> bool {
    matches!(
        action.parts.as_slice(),
        [PartAction {
            part: Part::Whole,
            left_to: None,
            ..
        }]
    )
}

/// What of an action's text for people is not what this run says of it. Of a file that people share
/// with loom, the lines around a change may be others by now.
fn differing_field(action: &Action, said: &Value, now: &Value) -> Option<&'static str> {
    let is_same = |field: &&str| match (*field, said["diff"].as_str(), now["diff"].as_str()) {
        ("diff", Some(then), Some(now)) if !is_whole(action) => {
            changed_lines(then) == changed_lines(now)
        }
        (field, ..) => said[field] == now[field],
    };
    ["addresses", "settings", "diff"]
        .into_iter()
        .find(|field| !is_same(field))
}

/// Whether the texts of a saved plan are those of an action.
fn are_shown(action: &Action, (old, new): &file::Texts, contents: &dyn Contents) -> bool {
    let now = report::shown(contents, action);
    let texts = [(old, &now.before), (new, &now.after)];
    if is_whole(action) {
        return texts.into_iter().all(|(then, now)| match (then, now) {
            (Some(file::Text::Whole(_)), _) | (None, None) => true,
            (Some(file::Text::Unheld(then)), Some(now)) => then.as_bytes() == now,
            (Some(file::Text::Binary), Some(now)) => std::str::from_utf8(now).is_err(),
            (Some(_), None) | (None, Some(_)) => false,
        });
    }
    let diff = |before: &[u8], after: &[u8]| match compare(before, after) {
        Difference::Text(diff) => diff.unified(),
        Difference::Binary => String::new(),
    };
    let bytes = |text: &Option<file::Text>| {
        let bytes = text.as_ref().map(|text| text.bytes().to_vec());
        bytes.unwrap_or_default()
    };
    let then = diff(&bytes(old), &bytes(new));
    let now = diff(
        now.before.as_deref().unwrap_or_default(),
        now.after.as_deref().unwrap_or_default(),
    );
    changed_lines(&then) == changed_lines(&now)
}

/// What a plan does to each path: all that the digest covers of it.
fn paths_of(actions: &[Action]) -> BTreeMap<String, Covered> {
    actions
        .iter()
        .map(|action| (action.path.to_string(), action.into()))
        .collect()
}

/// The paths to which two plans do not do the same, sorted.
pub(super) fn paths_that_differ(one: &Outcome, other: &Outcome) -> Vec<String> {
    let paths = |outcome: &Outcome| {
        let conflicts = outcome
            .conflicts()
            .iter()
            .map(|conflict| (conflict.path.to_string(), None));
        paths_of(outcome.actions())
            .into_iter()
            .map(|(path, covered)| (path, Some(covered)))
            .chain(conflicts)
            .collect::<BTreeMap<String, Option<Covered>>>()
    };
    differing(&paths(one), &paths(other))
        .into_iter()
        .map(str::to_owned)
        .collect()
}

fn differing<'a, T: PartialEq>(
    then: &'a BTreeMap<String, T>,
    now: &'a BTreeMap<String, T>,
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
