//! Where declared files are to stand, and what Git and other programs make of files there.
//!
//! In: the root, what is desired, and a plan. Out: warnings, and failures that name every path.
//!
//! - Git rewrites the file at a checkout (LOOM0501), or ignores it (LOOM0509, and LOOM0515 where a
//!   commit needs it); it ignores the ledger (LOOM0502).
//! - Git keeps the file away from the disk or from itself: an action there is refused (LOOM0511).
//! - A program looks for the file at the top of a repository only, and the root is below (LOOM0513).
//! - A file that nobody manages has the same name to a file system that ignores case (LOOM0514).
//!
//! Deliberately not here: how Git sees a path, which is `loom_apply::git` and `attributes`.

use std::collections::BTreeMap;

use loom_apply::{Away, Ignored, Root};
use loom_plan::addr::RepoPath;
use loom_plan::diag::{Code, Diagnostic, Diagnostics};
use loom_plan::ledger;
use loom_plan::plan::{Action, Outcome, Plan};
use loom_plan::render::{Desired, Output};
use loom_plan::snapshot::Observed;
use loom_plan::text::Sources;

use super::apply::files;
use super::pass::{Planned, Seen};
use super::{Desk, Failure, list};
use crate::cli::quoted;

/// What is wrong with the places of declared files; the warnings come back.
///
/// # Errors
/// [`Failure::Input`] with every path that cannot be managed.
pub(super) fn check(root: &Root, desired: &Desired) -> Result<Diagnostics, Failure> {
    let mut paths: Vec<&RepoPath> = desired
        .outputs
        .iter()
        .map(|output| &output.place.path)
        .collect();
    paths.dedup();
    let (mut errors, mut warnings) = (Diagnostics::default(), Diagnostics::default());
    errors.extend(rewritten(root, &paths));
    errors.extend(below_the_top(root, desired));
    let ledger = ledger_path();
    for ignored in loom_apply::ignored(root, &paths) {
        warnings.push(
            Diagnostic::new(Code::PathIgnored, ignoring(&ignored)).help(
                "nobody else gets the file: take the pattern out, or except the file from it behind it (`!/PATH`)",
            ),
        );
    }
    for ignored in loom_apply::ignored(root, &[&ledger]) {
        let message = "Git ignores the ledger, so that the next clone would not have it";
        warnings.push(Diagnostic::new(Code::LedgerIgnored, message).help(format!(
            "take {}/ out of {}:{}, and commit it",
            ledger::FOLDER,
            ignored.file,
            ignored.line
        )));
    }
    refused(errors)?;
    Ok(warnings)
}

fn refused(errors: Diagnostics) -> Result<(), Failure> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Failure::Input(Box::new((Sources::default(), errors))))
    }
}

/// The path of the ledger that every project has.
fn ledger_path() -> RepoPath {
    RepoPath::new(&format!("{}/{}.jsonl", ledger::FOLDER, ledger::PROJECT))
        .expect("the ledger's path is one")
}

/// Managed files that Git would rewrite on their way in or out could never be compared.
fn rewritten(root: &Root, paths: &[&RepoPath]) -> Vec<Diagnostic> {
    let refuse = |rewritten: loom_apply::Rewritten| {
        let message = format!(
            "{} is under `{}` ({}:{})",
            rewritten.path, rewritten.attribute, rewritten.file, rewritten.line
        );
        let help = format!(
            "Git would rewrite the file, so that loom could not tell an edit from that: take {} out of it",
            rewritten.path
        );
        Diagnostic::new(Code::GitAttributes, message).help(help)
    };
    let found = loom_apply::rewritten(root, paths);
    found.into_iter().map(refuse).collect()
}

fn ignoring(ignored: &Ignored) -> String {
    format!(
        "Git ignores {} (`{}` in {}:{})",
        ignored.path, ignored.pattern, ignored.file, ignored.line
    )
}

/// Sees that a commit holds all that is declared.
///
/// # Errors
/// [`Failure::Input`] with every path that Git ignores.
pub(super) fn refuse_ignored(desk: &Desk<'_>, planned: &Planned) -> Result<(), Failure> {
    let ledger = ledger_path();
    let mut paths: Vec<&RepoPath> = planned.declared().collect();
    paths.dedup();
    paths.push(&ledger);
    let mut found = Diagnostics::default();
    for ignored in loom_apply::ignored(&desk.root, &paths) {
        let message = format!("{}, so that it is in no commit", ignoring(&ignored));
        found.push(
            Diagnostic::new(Code::IgnoredInCommit, message).help(format!(
                "take the pattern out of {}, or let the artifact write to another `path`",
                ignored.file
            )),
        );
    }
    refused(found)
}

/// Sees that a plan changes nothing that Git keeps away, the ledger among it: others would get the
/// one without the other.
///
/// # Errors
/// [`Failure::Input`] with every such path.
pub(super) fn refuse_away(desk: &Desk<'_>, planned: &Planned) -> Result<(), Failure> {
    let mut paths: Vec<RepoPath> = touched(planned.outcome.actions()).collect();
    if let Outcome::Ready(plan) = &planned.outcome {
        let writes = files(plan, planned.record(plan), &planned.seen.ledger_files);
        paths.extend(writes.into_iter().map(|write| write.change.path));
    }
    paths.sort();
    paths.dedup();
    refuse(&desk.root, &paths)
}

/// As [`refuse_away`], for the actions of one plan; its ledger is refused where it is written.
///
/// # Errors
/// As [`refuse_away`].
pub(super) fn refuse_away_in(root: &Root, plan: &Plan) -> Result<(), Failure> {
    refuse(root, &touched(&plan.actions).collect::<Vec<_>>())
}

fn touched(actions: &[Action]) -> impl Iterator<Item = RepoPath> {
    actions
        .iter()
        .flat_map(|action| [action.old_path().clone(), action.path.clone()])
}

fn refuse(root: &Root, paths: &[RepoPath]) -> Result<(), Failure> {
    let away = loom_apply::git::away(root, paths.iter())?;
    if away.is_empty() {
        Ok(())
    } else {
        Err(kept_away(&away))
    }
}

/// The failure for paths that Git keeps away.
pub(super) fn kept_away(away: &[(RepoPath, Away)]) -> Failure {
    let mut groups: BTreeMap<(Away, &str), Vec<String>> = BTreeMap::new();
    for (path, why) in away {
        let place = match why {
            Away::NotCheckedOut | Away::Outside => path.parent().unwrap_or(path.as_str()),
            Away::Skipped | Away::Assumed => path.as_str(),
        };
        groups
            .entry((*why, place))
            .or_default()
            .push(path.to_string());
    }
    let mut found = Diagnostics::default();
    for ((why, place), paths) in groups {
        let (is, place) = (if paths.len() == 1 { "is" } else { "are" }, quoted(place));
        let (what, help) = match why {
            Away::NotCheckedOut => (
                format!("{is} not checked out here (a sparse checkout)"),
                format!("check out its directory with `git sparse-checkout add {place}`"),
            ),
            Away::Outside => (
                format!(
                    "{is} outside of what this sparse checkout takes in, so that Git would not add it"
                ),
                format!("take its directory in with `git sparse-checkout add {place}`"),
            ),
            Away::Skipped => (
                "is left out by Git (skip-worktree)".to_owned(),
                format!("let Git look at it with `git update-index --no-skip-worktree {place}`"),
            ),
            Away::Assumed => (
                "is taken for unchanged by Git (assume-unchanged)".to_owned(),
                format!("let Git look at it with `git update-index --no-assume-unchanged {place}`"),
            ),
        };
        let message = format!("{} {what}: loom changes nothing there", list(&paths));
        found.push(Diagnostic::new(Code::KeptAway, message).help(format!(
            "{help}, and run the command again; `loom apply --to-branch NAME` commits a plan without the files on the disk"
        )));
    }
    Failure::Input(Box::new((Sources::default(), found)))
}

/// Where programs look for their files at the top of a repository alone, as a directory or a file.
const AT_THE_TOP: [(&str, &str); 13] = [
    (".circleci/", "CircleCI"),
    (".forgejo/", "Forgejo"),
    (".gitea/", "Gitea"),
    (".github/", "GitHub"),
    (".gitlab/", "GitLab"),
    (".gitlab-ci.yml", "GitLab"),
    (".travis.yml", "Travis CI"),
    ("CODEOWNERS", "the forge"),
    ("action.yaml", "GitHub"),
    ("action.yml", "GitHub"),
    ("bitbucket-pipelines.yml", "Bitbucket"),
    ("docs/CODEOWNERS", "the forge"),
    ("renovate.json", "Renovate"),
];

/// The program that looks for a path at the top of a repository only, if there is one.
fn reader(path: &str) -> Option<&'static str> {
    let is_it = |name: &str| match name.strip_suffix('/') {
        Some(_) => path.starts_with(name),
        None => path == name,
    };
    let found = AT_THE_TOP.iter().find(|(name, _)| is_it(name));
    found.map(|(_, who)| *who)
}

/// The declared files that nothing looks at, because the root is below the top of its repository.
pub(super) fn unread(root: &Root, desired: &Desired) -> Vec<RepoPath> {
    if root.below_top().is_empty() {
        return Vec::new();
    }
    let paths = desired.outputs.iter().map(|output| &output.place.path);
    paths
        .filter(|path| reader(path.as_str()).is_some())
        .cloned()
        .collect()
}

/// Files that would never be looked at, because the root is below the top of its repository.
fn below_the_top(root: &Root, desired: &Desired) -> Vec<Diagnostic> {
    let below = root.below_top();
    if below.is_empty() {
        return Vec::new();
    }
    let refuse = |output: &Output| {
        let path = output.place.path.as_str();
        let who = reader(path)?;
        let address = &desired.declaration(output).address;
        let message = format!(
            "{below}{path} is of no effect: {who} looks for {path} at the top of the repository, and loom.yaml is in {below}"
        );
        Some(Diagnostic::new(Code::BelowTheTop, message).help(format!(
            "move loom.yaml and .loom to the top with `git mv`, and let the services keep their directories by `path:`; or take {address} out here, and declare it in a loom.yaml at the top"
        )))
    };
    desired.outputs.iter().filter_map(refuse).collect()
}

/// Sees that no file that nobody manages has the name of a managed one in another spelling.
///
/// # Errors
/// [`Failure::Input`] with every pair.
pub(super) fn refuse_twins(root: &Root, desired: &Desired, seen: &Seen) -> Result<(), Failure> {
    let declared = desired.outputs.iter().map(|output| &output.place.path);
    let recorded = seen.known.records().map(|known| &known.record.path);
    let mut managed: Vec<&RepoPath> = declared.clone().chain(recorded).collect();
    managed.sort_unstable();
    managed.dedup();
    let mut missing: Vec<&RepoPath> = declared
        .filter(|path| *seen.snapshot.whole(path) == Observed::Absent)
        .collect();
    missing.dedup();
    let mut found = Diagnostics::default();
    for (path, twin) in loom_apply::git::twins(root, &managed, &missing)? {
        let message = format!(
            "`{path}` and `{twin}`, which loom does not manage, are one file where case or the form of letters does not count"
        );
        found.push(Diagnostic::new(Code::Twin, message).help(format!(
            "remove one of them (`git rm {}`), or give the artifact another `path`",
            quoted(twin.as_str())
        )));
    }
    refused(found)
}
