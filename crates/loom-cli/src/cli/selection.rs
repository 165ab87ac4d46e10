//! What to plan: the choices that `plan` and `apply` share.
//!
//! Invariant: [`Selection::arguments`] reads back as the same selection, so that the command that
//! a plan prints makes the very plan that was shown (tested).

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use globset::Glob;
use loom_plan::addr::Address;
use loom_plan::plan::advice::quoted;
use loom_plan::plan::decide::Adoption;
use loom_plan::plan::{Brake, Plan};
use loom_plan::project::OnDrift;

use super::Global;

/// What to plan, and what to do where something stands against it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Selection {
    /// Only what this story declares, or declared.
    pub(crate) story: Option<StoryArg>,
    /// Only these artifacts.
    pub(crate) targets: Vec<Address>,
    /// Only these paths: globs in which `*` stays in its directory.
    pub(crate) paths: Vec<Glob>,
    /// What happens to edited files, over the project's choice.
    pub(crate) on_drift: Option<OnDrift>,
    /// Whether files that loom did not write are taken over.
    pub(crate) adoption: Adoption,
    /// What a conflict does to the rest.
    pub(crate) conflicts: SkipConflicts,
    /// The commit whose policies and exceptions judge the plan, instead of this tree's.
    pub(crate) policies_from: Option<String>,
}

/// A story, by its code or from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoryArg {
    /// A story of the project.
    Code(String),
    /// A file, which replaces the story of the same code or adds one.
    File(PathBuf),
    /// The same from standard input.
    Stdin,
}

/// What a conflict does to the rest of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SkipConflicts {
    /// Nothing can be applied.
    No,
    /// The rest is planned.
    Yes,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            story: None,
            targets: Vec::new(),
            paths: Vec::new(),
            on_drift: None,
            adoption: Adoption::Refused,
            conflicts: SkipConflicts::No,
            policies_from: None,
        }
    }
}

impl StoryArg {
    /// A code, unless the value has a `/`, ends as a story file does, or is `-`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let ends = |suffix: &str| text.to_ascii_lowercase().ends_with(suffix);
        match text {
            "" => Err("a story is named by its code, such as ENT-001, or by a file".to_owned()),
            "-" => Ok(Self::Stdin),
            _ if text.contains('/') || ends(".yaml") || ends(".yml") || ends(".json") => {
                Ok(Self::File(text.into()))
            }
            _ => Ok(Self::Code(text.to_owned())),
        }
    }
}

impl Selection {
    /// The selection as it would be typed.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut typed: Vec<OsString> = Vec::new();
        let mut option = |name: &str, value: &OsStr| typed.extend([name.into(), value.to_owned()]);
        match &self.story {
            Some(StoryArg::Code(code)) => option("--story", code.as_ref()),
            Some(StoryArg::File(file)) => option("--story", file.as_ref()),
            Some(StoryArg::Stdin) => option("--story", "-".as_ref()),
            None => {}
        }
        self.targets
            .iter()
            .for_each(|target| option("--target", target.to_string().as_ref()));
        self.paths
            .iter()
            .for_each(|path| option("--path", path.glob().as_ref()));
        if let Some(on_drift) = self.on_drift {
            option("--on-drift", on_drift.as_str().as_ref());
        }
        if let Some(reference) = &self.policies_from {
            option("--policies-from", reference.as_ref());
        }
        if self.adoption == Adoption::Wanted {
            typed.push("--adopt".into());
        }
        if self.conflicts == SkipConflicts::Yes {
            typed.push("--skip-conflicts".into());
        }
        typed
    }
}

/// The exact command that applies a plan: of its saved file, or of the same selection by digest; none
/// for a plan that nobody can approve.
pub(crate) fn apply_command(
    global: &Global,
    selection: &Selection,
    saved: Option<&Path>,
    plan: &Plan,
) -> String {
    let Some(digest) = plan.digest else {
        return String::new();
    };
    let mut typed: Vec<OsString> = vec!["loom".into()];
    if let Some(directory) = &global.directory {
        typed.extend(["-C".into(), directory.clone().into()]);
    }
    typed.push("apply".into());
    if let Some(file) = saved {
        typed.push(file.into());
    } else {
        typed.extend(selection.arguments());
        typed.extend(["--expect".into(), digest.to_string().into()]);
    }
    if let Brake::Many { deletions, .. } = plan.brake(None) {
        typed.extend(["--max-deletes".into(), deletions.to_string().into()]);
    }
    typed
        .iter()
        .map(|word| quoted(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}
