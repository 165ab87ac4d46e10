//! `loom plan --against REF`: what a request does to the managed files, for its review.
//!
//! The base is the commit at which the branch left REF, as in the list of files that a forge shows of
//! a request: what came to REF since then is none of the request's. The files and the ledger of the
//! base are read from Git, and compared with what stands here. The tree itself must be applied.

use std::io::Write;

use loom_plan::addr::{Address, RepoPath};
use loom_plan::check::Finding;
use loom_plan::plan::{Action, Conflicting, NoteKind, Outcome};
use loom_plan::snapshot::Part;

use super::before::Before;
use super::gate::Gate;
use super::scans::Ground;
use super::{Desk, Failure, audit, list, outside, pass, ways};
use crate::cli::{Plan, PlanFormat};
use crate::env::{self, Base};
use crate::exit::Exit;
use crate::report::{self, About, Compared, Contents, Presented, Sides};

/// Compares, and says whether the tree is converged.
pub(super) fn run(
    desk: &Desk<'_>,
    asked: &Plan,
    reference: &str,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let mut planned = pass::planned(desk, &asked.selection)?;
    ways::try_out(desk, &mut planned);
    let base = env::base_of(
        &desk.root,
        reference,
        &planned.compiled.project.name.to_string(),
    )
    .map_err(Failure::Environment)?;
    let from = asked.selection.policies_from.as_deref();
    let gate = Gate::open(desk, Some(&planned.compiled), from)?
        .since(&base, &planned.compiled)?
        .with_scans(&asked.sarif)?;
    let Base { commit, moved_from } = base;
    let name = commit.name.clone();
    let there = desk.with(commit)?;
    let (seen, found) = pass::seen(&there, &planned.compiled.desired)?;
    if found.has_errors() {
        return Err(Failure::Environment(format!(
            "the ledger of the commit {name} cannot be read by this loom"
        )));
    }
    let mut outcome = planned.against(&there, &seen)?;
    let (standing, missing) = standing(&planned.outcome);
    let compared = Compared {
        reference: reference.to_owned(),
        commit: name,
        moved_from,
        standing,
        missing,
    };
    let contents = Both {
        now: planned.bytes(&desk.root),
        planned: &planned.outcome,
        base: planned.bytes(there.files()),
    };
    // of what the base had, and not of what this tree would still do
    let notes = &mut outcome.report_mut().notes;
    notes.retain(|note| !matches!(note.kind, NoteKind::GoesOn { .. }));
    outside::note(&mut outcome, &planned.compiled.desired, &contents);
    let prefix = desk.prefix();
    let acted = outcome.actions().iter().map(|action| action.path.clone());
    let paths = acted.chain(gate.scans.paths(desk));
    let before = Before::of(desk, &planned.seen, paths, Some(there.files()));
    // what scanners saw is the tree, which the plan of the tree itself changes
    let ground = Ground {
        desk,
        compiled: Some(&planned.compiled),
        outcome: Some(&planned.outcome),
        before: &before,
    };
    let audit = audit::of_plan(&gate, &planned.compiled, &outcome, (&contents, &ground))?;
    let findings = audit.findings;
    let presented = Presented {
        outcome: &outcome,
        contents: &contents,
        apply: "",
        prefix: &prefix,
        ordered: Some(&planned.compiled.desired.ordered),
        compared: Some(&compared),
        choices: None,
        findings: &findings,
        basis: &gate.basis,
    };
    report::plan(
        &presented,
        asked.style,
        (desk.streams.out, desk.global.talk),
        out,
    )?;
    // the text says it itself
    if !compared.missing.is_empty() && asked.style.format != PlanFormat::Text {
        out.flush()?;
        env::tell(&compared.missing);
    }
    if findings.iter().any(Finding::denies) {
        return Ok(Exit::Denied);
    }
    Ok(match planned.outcome {
        Outcome::Converged(_) => Exit::Done,
        Outcome::Ready(_) => Exit::Changes,
        Outcome::Blocked(_) => Exit::Conflicts,
    })
}

/// What a plan of the tree itself comes to, and what has to be done about it.
fn standing(outcome: &Outcome) -> (&'static str, String) {
    let actions = outcome
        .actions()
        .iter()
        .map(|action| action.path.to_string());
    match outcome {
        Outcome::Converged(_) => ("converged", String::new()),
        Outcome::Ready(_) => {
            let paths = list(&actions.collect::<Vec<_>>());
            (
                "ready",
                format!(
                    "This tree is not converged ({paths}): run `loom apply`, and commit what it writes."
                ),
            )
        }
        Outcome::Blocked(plan) => {
            let paths: Vec<String> = plan
                .conflicts
                .iter()
                .map(|conflict| conflict.path.to_string())
                .collect();
            (
                "blocked",
                format!(
                    "Somebody has to decide about {}: `loom plan` shows the conflicts.",
                    list(&paths)
                ),
            )
        }
    }
}

/// The files of the base, and those that are here once the plan is applied.
struct Both<'a> {
    now: pass::Bytes<'a>,
    planned: &'a Outcome,
    base: pass::Bytes<'a>,
}

impl Contents for Both<'_> {
    fn of(&self, action: &Action) -> Sides {
        let before = self.base.files.bytes(action.old_path()).ok();
        let planned = self
            .planned
            .actions()
            .iter()
            .filter(|it| it.verb.writes())
            .find(|it| it.path == action.path);
        let after = match planned {
            Some(planned) => self.now.of(planned).after,
            None => self.now.files.bytes(&action.path).ok(),
        };
        Sides { before, after }
    }

    fn stands(&self, path: &RepoPath) -> Option<Vec<u8>> {
        self.base.files.bytes(path).ok()
    }

    fn comes(&self, path: &RepoPath) -> Option<Vec<u8>> {
        self.now.comes(path)
    }

    fn of_conflict(&self, conflict: &Conflicting) -> Sides {
        self.now.of_conflict(conflict)
    }

    fn explain(&self, address: &Address, before: &str, after: &str) -> Vec<String> {
        self.now.explain(address, before, after)
    }

    fn is_of_bytes(&self, path: &RepoPath, part: &Part) -> bool {
        self.now.is_of_bytes(path, part)
    }

    fn about(&self, address: &Address) -> About {
        self.now.about(address)
    }
}
