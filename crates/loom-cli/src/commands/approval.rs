//! What was approved, and whether the plan of this run is that.
//!
//! In: a saved plan, `--expect DIGEST`, or `--expect FILE` (a saved plan, or the JSON of `plan
//! --format json`). Out: the choices to plan with, and a refusal that names the paths that differ.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use loom_plan::addr::ContentHash;
use loom_plan::plan::{Action, Plan, file};
use loom_plan::snapshot::Content;

use super::Failure;
use crate::cli::{self, Apply, Command, Expected, Selection, ToApply};
use crate::env;

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
                    Some(Approved { digest: saved.plan.digest, paths: Some(paths_of(&saved.plan.actions)) }),
                )
            }
        };
        let expected = match &asked.expect {
            None => None,
            Some(Expected::Digest(digest)) => Some(Approved { digest: *digest, paths: None }),
            Some(Expected::File(path)) => Some(read_expected(path)?),
        };
        Ok(Self { selection, approved: expected.or(saved) })
    }

    /// Whether a plan was approved before this run.
    pub(crate) fn is_given(&self) -> bool {
        self.approved.is_some()
    }

    /// Refuses a plan that is not the approved one.
    pub(crate) fn check(&self, plan: &Plan) -> Result<(), Failure> {
        let Some(approved) = self.approved.as_ref().filter(|approved| approved.digest != plan.digest) else { return Ok(()) };
        let digests = format!("the plan is stale: {} was approved, and this run comes to {}", approved.digest, plan.digest);
        let Some(then) = &approved.paths else {
            return Err(Failure::Stale(format!("{digests}. Review the plan above and approve its digest.")));
        };
        let now = paths_of(&plan.actions);
        let all = then.keys().chain(now.keys());
        let mut different: Vec<&str> = all.filter(|path| then.get(*path) != now.get(*path)).map(String::as_str).collect();
        different.sort_unstable();
        different.dedup();
        let which = if different.is_empty() { "the choices of the run".to_owned() } else { different.join(", ") };
        Err(Failure::Stale(format!("{digests}. These differ: {which}. Review the plan above and approve its digest.")))
    }
}

/// Reads a plan that `plan --out` saved.
pub(crate) fn read_saved(path: &Path) -> Result<file::SavedPlan, Failure> {
    let name = path.display().to_string();
    let text = env::read_file(path).map_err(|error| Failure::Environment(format!("{name} cannot be read: {error}")))?;
    file::read(&name, &text).map_err(Failure::of)
}

fn read_expected(path: &Path) -> Result<Approved, Failure> {
    let name = path.display().to_string();
    let text = env::read_file(path).map_err(|error| Failure::Environment(format!("{name} cannot be read: {error}")))?;
    if let Ok(saved) = file::read(&name, &text) {
        return Ok(Approved { digest: saved.plan.digest, paths: Some(paths_of(&saved.plan.actions)) });
    }
    let neither = || Failure::Environment(format!("{name} is neither a saved plan nor the output of `loom plan --format json`"));
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|_| neither())?;
    let digest = json["digest"].as_str().and_then(|text| ContentHash::parse(text).ok()).ok_or_else(neither)?;
    let actions = json["actions"].as_array().ok_or_else(neither)?;
    let paths = actions.iter().filter_map(|action| Some((action["path"].as_str()?.to_owned(), json_print(action))));
    Ok(Approved { digest, paths: Some(paths.collect()) })
}

/// What an action of the JSON output does, as [`paths_of`] writes it.
fn json_print(action: &serde_json::Value) -> String {
    let parts = action["parts"].as_array().map(Vec::as_slice).unwrap_or_default().iter().map(|part| {
        let hash = |side: &str| part[side]["hash"].as_str().unwrap_or("none").to_owned();
        format!(" {} {}", hash("before"), hash("after"))
    });
    action["action"].as_str().unwrap_or_default().to_owned() + &parts.collect::<String>()
}

/// What a plan does to each path: the verb, and the hashes of each part before and after.
fn paths_of(actions: &[Action]) -> BTreeMap<String, String> {
    let hash = |content: Option<Content>| content.map_or_else(|| "none".to_owned(), |content| content.hash.to_string());
    let print = |action: &Action| {
        let parts = action.parts.iter().map(|part| format!(" {} {}", hash(part.before), hash(part.after)));
        action.verb.as_str().to_owned() + &parts.collect::<String>()
    };
    actions.iter().map(|action| (action.path.to_string(), print(action))).collect()
}

/// The choices that a saved plan was made with.
fn selection_of(arguments: &[String]) -> Result<Selection, Failure> {
    let typed = ["loom", "plan"].into_iter().map(OsString::from).chain(arguments.iter().map(OsString::from));
    match cli::parse(typed).map(|invocation| invocation.command) {
        Ok(Command::Plan(plan)) => Ok(plan.selection),
        _ => Err(Failure::Environment("the saved plan was made with choices that this loom does not know".to_owned())),
    }
}
