//! `loom apply --to-branch NAME`: the plan as one commit, while the working tree stays as it is.
//!
//! The plan is made twice: from the working tree, which is what was reviewed, and from the commit
//! that the new one is made on top of. Only where both come to the same digest is the second one
//! committed. So whatever is not committed yet cannot slip into the branch, and nothing that the
//! branch needs can be missing from it: what was planned from a commit and is committed on top of
//! it leaves nothing to do.
//!
//! Deliberately not here: pushing. The command that does is printed.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use loom_apply::{Change, Put};
use loom_plan::addr::RepoPath;
use loom_plan::check::Finding;
use loom_plan::header::content_hash;
use loom_plan::plan::repair::Repair;
use loom_plan::plan::{Outcome, Plan};

use super::apply::{FileWrite, consent, done, files};
use super::approval::{Approval, paths_that_differ};
use super::gate::Gate;
use super::message;
use super::pass::{self, Planned};
use super::{Desk, Failure, audit, list, must_be_settled, places};
use crate::cli::{Apply, Confirmation, quoted};
use crate::env::{self, Branch, Entry, NotCommitted};
use crate::exit::Exit;
use crate::report::text;

/// Plans, has the plan approved, and commits it to a branch.
pub(super) fn run(
    desk: &Desk<'_>,
    asked: &Apply,
    name: &str,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    must_be_settled(desk)?;
    let approval = Approval::read(asked)?;
    let branch = Branch::find(&desk.root, name).map_err(Failure::Environment)?;
    let mut here = pass::planned(desk, &approval.selection)?;
    places::refuse_ignored(desk, &here)?;
    let there = desk.with(branch.base().map_err(Failure::Environment)?)?;
    let mut base = from_commit(&there, &approval);
    // what is shown is what will be committed: without uncommitted lines of others in shared files
    let is_same = base
        .as_ref()
        .is_ok_and(|base| is_same(&here.outcome, &base.outcome));
    let shown = match &mut base {
        Ok(base) if is_same => (base, &there),
        Ok(_) | Err(_) => (&mut here, desk),
    };
    let from = approval.selection.policies_from.as_deref();
    if show(desk, shown, (from, &asked.sarif), out)? == Exit::Denied {
        return Ok(Exit::Denied);
    }
    let Some(planned) = base.as_ref().ok().filter(|_| is_same) else {
        return differs(
            &Differing {
                desk,
                there: &there,
                branch: &branch,
                approval: &approval,
                here: &here,
            },
            base,
            out,
        );
    };
    let plan = match &planned.outcome {
        Outcome::Blocked(_) => return Ok(Exit::Conflicts),
        Outcome::Converged(_)
            if planned.needs_healing()
                && (asked.confirmation == Confirmation::Given || approval.is_given()) =>
        {
            &Repair::of(&planned.outcome).plan
        }
        Outcome::Converged(_) => {
            writeln!(
                out,
                "No commit was made, and the branch `{name}` was left as it is."
            )?;
            return Ok(Exit::Done);
        }
        Outcome::Ready(plan) => {
            out.flush()?;
            approval.check(plan, &planned.bytes(there.files()))?;
            consent(asked, &approval, plan)?;
            plan
        }
    };
    commit(&there, asked, (&branch, planned, plan), out)?;
    Ok(if plan.skipped.is_empty() {
        Exit::Done
    } else {
        Exit::Conflicts
    })
}

/// The plan of a commit: its input, its ledger and its files.
fn from_commit(there: &Desk<'_>, approval: &Approval) -> Result<Planned, Failure> {
    let looked = pass::look_anyway(there, there.files(), approval.selection.story.as_ref())?;
    pass::plan_in_silence(there, looked, &approval.selection)
}

/// Whether two plans do the same.
fn is_same(one: &Outcome, other: &Outcome) -> bool {
    match (one, other) {
        (Outcome::Ready(one), Outcome::Ready(other)) => one.digest == other.digest,
        (Outcome::Converged(_), Outcome::Converged(_))
        | (Outcome::Blocked(_), Outcome::Blocked(_)) => true,
        (Outcome::Ready(_) | Outcome::Converged(_) | Outcome::Blocked(_), _) => false,
    }
}

/// Shows a plan, and says whether a rule or a policy denies it.
fn show(
    desk: &Desk<'_>,
    (planned, from): (&mut Planned, &Desk<'_>),
    (policies_from, sarif): (Option<&str>, &[PathBuf]),
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let gate = Gate::open(from, Some(&planned.compiled), policies_from)?.with_scans(sarif)?;
    let findings = audit::judge(&gate, planned, from)?;
    let (outcome, contents) = (&planned.outcome, planned.bytes(from.files()));
    let (stream, talk) = (desk.streams.out, desk.global.talk);
    text::plan(
        &text::PlanText {
            outcome,
            contents: &contents,
            apply: "",
            stream,
            talk,
            findings: &findings,
            basis: &gate.basis,
        },
        out,
    )?;
    Ok(if findings.iter().any(Finding::denies) {
        Exit::Denied
    } else {
        Exit::Done
    })
}

/// Writes the commit, and says what comes next.
fn commit(
    there: &Desk<'_>,
    asked: &Apply,
    (branch, planned, plan): (&Branch, &Planned, &Plan),
    out: &mut dyn Write,
) -> Result<(), Failure> {
    there.steps.next("committing");
    let entries = entries(there, planned, plan)?;
    let message = message::of(planned, plan);
    // from here on a first signal does not end loom while it holds Git's lock
    let how = (&there.root, asked.durability, &env::heed_signals()?);
    let written = branch.commit(how, &entries, &message)?;
    let name = &branch.name;
    let short = &written.id[..10];
    writeln!(
        out,
        "\n{} The branch `{name}` is at {short}, on top of {}.",
        done(plan),
        branch.below()
    )?;
    if written.wants_signature {
        env::tell(
            "commit.gpgSign is set, and loom does not sign: check the branch out and run `git commit --amend --no-edit -S`.",
        );
    }
    match written.remote {
        Some(remote) => writeln!(
            out,
            "Push it with: git push {} {}",
            quoted(&remote),
            quoted(&format!("{name}:{name}"))
        )?,
        None => writeln!(out, "Look at it with: git show {}", quoted(name))?,
    }
    Ok(())
}

/// The files of the plan and of the ledger as they stand in the new commit.
fn entries(there: &Desk<'_>, planned: &Planned, plan: &Plan) -> Result<Vec<Entry>, Failure> {
    let writes = files(plan, planned.record(plan), &planned.seen.ledger_files);
    let bytes = planned.bytes(there.files());
    writes
        .iter()
        .map(|write| entry(there, write, &bytes))
        .collect()
}

fn entry(
    there: &Desk<'_>,
    write: &FileWrite<'_>,
    contents: &pass::Bytes<'_>,
) -> Result<Entry, Failure> {
    let Change { path, put, .. } = &write.change;
    let content = match put {
        Put::Nothing => None,
        Put::File(becomes) | Put::Edit(becomes) => {
            let failed =
                |why: &str| Failure::RolledBack(format!("nothing was written: {path}: {why}"));
            let bytes = write
                .bytes(contents, there.files().bytes(path).ok())
                .map_err(|why| failed(&why))?;
            if becomes
                .hash
                .is_some_and(|hash| hash != content_hash(&bytes, path))
            {
                return Err(failed(
                    "it was rendered otherwise than planned; that is a bug in loom",
                ));
            }
            Some((becomes.mode, bytes))
        }
    };
    Ok(Entry {
        path: path.to_string(),
        content,
    })
}

impl From<NotCommitted> for Failure {
    fn from(error: NotCommitted) -> Self {
        match error {
            NotCommitted::Moved(text) => Self::Stale(text),
            NotCommitted::Locked(text) => Self::Locked(text),
            NotCommitted::Stopped => {
                Self::RolledBack("interrupted: the branch is as it was".to_owned())
            }
            NotCommitted::Failed(text) => Self::Environment(text),
        }
    }
}

/// A plan of the working tree that is not that of the commit.
struct Differing<'a> {
    desk: &'a Desk<'a>,
    there: &'a Desk<'a>,
    branch: &'a Branch,
    approval: &'a Approval,
    here: &'a Planned,
}

/// The commit comes to another plan: because it holds this one already, or because it is not what
/// the working tree is.
fn differs(
    found: &Differing<'_>,
    base: Result<Planned, Failure>,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let branch = found.branch;
    let base = match base {
        Ok(base) => Some(base),
        Err(Failure::Input(_)) => None,
        Err(other) => return Err(other),
    };
    if let (Outcome::Ready(plan), Some(Outcome::Converged(_))) =
        (&found.here.outcome, base.as_ref().map(|base| &base.outcome))
    {
        found
            .approval
            .check(plan, &found.here.bytes(found.desk.files()))?;
        if holds(found, plan)? {
            writeln!(
                out,
                "\nNothing to do: {} holds this plan already.",
                branch.base_name()
            )?;
            return Ok(Exit::Done);
        }
    }
    if let (Outcome::Blocked(_), Some(_)) = (&found.here.outcome, &base) {
        return Ok(Exit::Conflicts);
    }
    let mut lines = vec![format!(
        "the plan is stale: {} is not what this working tree is, so that nothing was written.",
        branch.base_name()
    )];
    let inputs = uncommitted(found, base.as_ref());
    if !inputs.is_empty() {
        lines.push(format!("  These inputs differ: {}.", list(&inputs)));
    }
    let paths = base
        .as_ref()
        .map(|base| paths_that_differ(&found.here.outcome, &base.outcome))
        .unwrap_or_default();
    if !paths.is_empty() {
        lines.push(format!(
            "  Planned from there, these files come to something else: {}.",
            list(&paths)
        ));
    }
    let name = quoted(&branch.name);
    lines.push(if branch.is_at_head() {
        "  help: commit what belongs to it, put the rest aside with `git stash --include-untracked`, and run the command again"
            .to_owned()
    } else {
        format!(
            "  help: begin from the branch with `git switch --detach {name}`, let it begin anew here with \
             `git branch --force {name} HEAD`, or name another one"
        )
    });
    Err(Failure::Stale(lines.join("\n")))
}

/// Whether a commit has what a plan comes to: planned from there, nothing of it is left to do.
fn holds(found: &Differing<'_>, plan: &Plan) -> Result<bool, Failure> {
    let (selection, root) = (&found.approval.selection, &found.desk.root);
    let looked = pass::look_anyway(found.there, root, selection.story.as_ref())?;
    let left = pass::plan_in_silence(found.there, looked, selection)?.outcome;
    let open = left
        .actions()
        .iter()
        .map(|action| &action.path)
        .chain(left.conflicts().iter().map(|conflict| &conflict.path));
    let open: BTreeSet<&RepoPath> = open.collect();
    Ok(plan
        .actions
        .iter()
        .all(|action| !open.contains(&action.path)))
}

/// The files of the input that are otherwise in the commit.
fn uncommitted(found: &Differing<'_>, base: Option<&Planned>) -> Vec<String> {
    let names = |planned: &Planned| {
        let sources = &planned.compiled.sources;
        sources
            .ids()
            .map(|id| sources.get(id).name.to_string())
            .collect::<Vec<_>>()
    };
    let read: BTreeSet<String> = base
        .into_iter()
        .chain([found.here])
        .flat_map(names)
        .collect();
    let paths = read.iter().filter_map(|name| RepoPath::new(name).ok());
    let differs = |path: &RepoPath| {
        found.desk.files().bytes(path).ok() != found.there.files().bytes(path).ok()
    };
    paths.filter(differs).map(|path| path.to_string()).collect()
}
