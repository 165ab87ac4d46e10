//! `loom apply`: the ten steps, from input to files.

use std::collections::BTreeMap;
use std::io::Write;

use loom_apply::{Approved, Becomes, Cause, Change, Committed, Durability, Lock, Put, Root};
use loom_plan::addr::{ContentHash, RepoPath};
use loom_plan::check::Finding;
use loom_plan::plan::repair::Repair;
use loom_plan::plan::{Action, Brake, Expect, Outcome, Plan, Verb, build};
use loom_plan::provider::Mode;
use loom_plan::snapshot::{Content, Want};

use super::approval::Approval;
use super::gate::Gate;
use super::{Desk, Failure, audit, leftovers, pass, places, take_lock, to_branch, ways};
use crate::cli::{Apply, Confirmation};
use crate::env;
use crate::exit::Exit;
use crate::report::{Contents as _, text};

/// Plans, has the plan approved, and carries it out: all of it, or nothing.
pub(crate) fn run(desk: &Desk<'_>, asked: &Apply, out: &mut dyn Write) -> Result<Exit, Failure> {
    if let Some(name) = &asked.to_branch {
        return to_branch::run(desk, asked, name, out);
    }
    let approval = Approval::read(asked)?;
    let root = &desk.root;
    let lock = take_lock(root, desk.global.lock_timeout)?;
    // parse, compile, graph, render, and observe
    let (compiled, seen) = pass::look(desk, approval.selection.story.as_ref())?;
    // diff, plan
    let mut planned = pass::plan(desk, compiled, seen, &approval.selection)?;
    places::refuse_away(desk, &planned)?;
    ways::try_out(desk, &mut planned);
    let from = approval.selection.policies_from.as_deref();
    let gate = Gate::open(desk, Some(&planned.compiled), from)?.with_scans(&asked.sarif)?;
    let findings = audit::judge(&gate, &mut planned, desk)?;
    let (outcome, bytes) = (&planned.outcome, planned.bytes(root));
    let (stream, talk) = (desk.streams.out, desk.global.talk);
    text::plan(
        &text::PlanText {
            outcome,
            contents: &bytes,
            apply: "",
            stream,
            talk,
            findings: &findings,
            basis: &gate.basis,
        },
        out,
    )?;
    if findings.iter().any(Finding::denies) {
        return Ok(Exit::Denied);
    }
    let plan = match outcome {
        Outcome::Converged(_) => return healed(desk, asked, lock, &planned, out),
        Outcome::Blocked(_) => return Ok(Exit::Conflicts),
        Outcome::Ready(plan) => plan,
    };
    // approve, with the plan before the person's eyes
    out.flush()?;
    approval.check(plan, &bytes)?;
    consent(asked, &approval, plan)?;
    // record, stage, commit
    let how = CarryOut {
        command: "apply",
        durability: asked.durability,
        remove: Vec::new(),
    };
    let committed = carry_out(desk, &planned, plan, lock, how)?;
    writeln!(
        out,
        "\n{} `loom rollback {}` undoes it.",
        done(plan),
        committed.id
    )?;
    leftovers(&committed).try_for_each(|line| writeln!(out, "{line}"))?;
    Ok(if plan.skipped.is_empty() {
        Exit::Done
    } else {
        Exit::Conflicts
    })
}

/// How a plan is carried out.
pub(crate) struct CarryOut {
    /// For which command, as the history tells it.
    pub(crate) command: &'static str,
    /// What survives.
    pub(crate) durability: Durability,
    /// Files that go with it, besides those of the plan.
    pub(crate) remove: Vec<RepoPath>,
}

/// Records, stages and commits a plan.
pub(crate) fn carry_out(
    desk: &Desk<'_>,
    planned: &pass::Planned,
    plan: &Plan,
    lock: Lock,
    how: CarryOut,
) -> Result<Committed, Failure> {
    let root = &desk.root;
    desk.steps.next("writing");
    places::refuse_away_in(root, plan)?;
    planned.keep_bases(root, &lock, plan)?;
    let mut files = files(plan, planned.record(plan), &planned.seen.ledger_files);
    for path in how.remove {
        files.extend(removal(root, path)?);
    }
    let bytes = planned.bytes(root);
    let contents = |index: usize, current: Option<Vec<u8>>| files[index].bytes(&bytes, current);
    let changes = files.iter().map(|file| file.change.clone()).collect();
    let cause = Cause {
        command: how.command.to_owned(),
        digest: plan.digest,
    };
    let approved = Approved {
        root,
        lock,
        changes,
        cause,
        durability: how.durability,
        stop: env::heed_signals()?,
    };
    Ok(approved
        .stage(&contents)
        .map_err(|failed| failed.error)?
        .commit()?)
}

/// A file that goes, as it is now.
fn removal(root: &Root, path: RepoPath) -> Result<Option<FileWrite<'static>>, Failure> {
    let want = Want {
        path: path.clone(),
        blocks: Vec::new(),
        keys: Vec::new(),
    };
    let Some(content) = loom_apply::observe(root, &[want])?.to_the_byte(&path) else {
        return Ok(None);
    };
    let change = Change {
        path,
        expect: Expect::Exactly(content),
        put: Put::Nothing,
    };
    Ok(Some(FileWrite {
        change,
        source: Source::Nothing,
    }))
}

/// There is nothing to do but to write the ledger clean, where a merge left something in it. That
/// needs a `yes` too; without one it waits for the next apply.
fn healed(
    desk: &Desk<'_>,
    asked: &Apply,
    lock: Lock,
    planned: &pass::Planned,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let is_given = asked.confirmation == Confirmation::Given || asked.expect.is_some();
    if !planned.needs_healing()
        || !(is_given || (env::has_person() && env::confirms("Write the ledger anew?")?))
    {
        return Ok(Exit::Done);
    }
    let repair = Repair::of(&planned.outcome);
    let committed = write_ledger(
        (&desk.root, lock),
        planned,
        &repair.plan,
        ("apply", asked.durability),
    )?;
    writeln!(
        out,
        "The ledger is written anew. `loom rollback {}` undoes it.",
        committed.id
    )?;
    leftovers(&committed).try_for_each(|line| writeln!(out, "{line}"))?;
    Ok(Exit::Done)
}

/// Writes the ledger as it is after a plan that changes no other file.
pub(super) fn write_ledger(
    (root, lock): (&Root, Lock),
    planned: &pass::Planned,
    plan: &Plan,
    (command, durability): (&str, Durability),
) -> Result<Committed, Failure> {
    let files = files(plan, planned.record(plan), &planned.seen.ledger_files);
    let bytes = planned.bytes(root);
    let contents = |index: usize, current: Option<Vec<u8>>| files[index].bytes(&bytes, current);
    let changes = files.iter().map(|file| file.change.clone()).collect();
    let cause = Cause {
        command: command.to_owned(),
        digest: None,
    };
    let approved = Approved {
        root,
        lock,
        changes,
        cause,
        durability,
        stop: env::heed_signals()?,
    };
    Ok(approved
        .stage(&contents)
        .map_err(|failed| failed.error)?
        .commit()?)
}

/// What was carried out, as one sentence.
pub(super) fn done(plan: &Plan) -> String {
    let count = |word: &str| {
        plan.actions
            .iter()
            .filter(|action| action.verb.as_str() == word)
            .count()
    };
    let words = [
        ("create", "created"),
        ("update", "updated"),
        ("move", "moved"),
        ("delete", "deleted"),
    ];
    let mut said: Vec<String> = words
        .iter()
        .map(|(verb, done)| (count(verb), done))
        .filter(|(count, _)| *count > 0)
        .map(|(count, done)| format!("{count} {done}"))
        .collect();
    let recorded = plan
        .actions
        .iter()
        .filter(|action| !action.verb.writes())
        .count();
    if recorded > 0 {
        said.push(format!("{recorded} recorded without writing"));
    }
    if said.is_empty() {
        "The ledger is written anew.".to_owned()
    } else {
        format!("Applied: {}.", said.join(", "))
    }
}

/// One change of a file, and where its bytes come from.
pub(super) struct FileWrite<'a> {
    pub(super) change: Change,
    pub(super) source: Source<'a>,
}

/// Where the bytes of a change come from.
pub(super) enum Source<'a> {
    /// They are what an action leaves.
    Action(&'a Action),
    /// They are this text: a file of the ledger, or of the input.
    Text(String),
    /// There are none: the path is left empty.
    Nothing,
}

impl FileWrite<'_> {
    pub(super) fn bytes(
        &self,
        contents: &pass::Bytes<'_>,
        current: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, String> {
        match &self.source {
            Source::Text(text) => Ok(text.clone().into_bytes()),
            Source::Nothing => Ok(Vec::new()),
            Source::Action(action) => {
                let before = match &action.verb {
                    Verb::Move { .. } => contents.of(action).before,
                    Verb::Create
                    | Verb::Update
                    | Verb::Delete
                    | Verb::Adopt
                    | Verb::Keep
                    | Verb::Forget => current,
                };
                let after = contents.desired.file_after(action, before.as_deref());
                let after = after.map_err(|found| {
                    found
                        .into_iter()
                        .map(|it| it.message)
                        .collect::<Vec<_>>()
                        .join("; ")
                })?;
                after.ok_or_else(|| "there is nothing to write".to_owned())
            }
        }
    }
}

/// The plan's actions and the ledger's new texts as changes of files.
pub(super) fn files<'a>(
    plan: &'a Plan,
    ledger: BTreeMap<RepoPath, Option<String>>,
    read: &[(String, String)],
) -> Vec<FileWrite<'a>> {
    let mut writes = Vec::new();
    for action in plan.actions.iter().filter(|action| action.verb.writes()) {
        if let Verb::Move { from } = &action.verb {
            let change = Change {
                path: from.clone(),
                expect: action.expect,
                put: Put::Nothing,
            };
            writes.push(FileWrite {
                change,
                source: Source::Nothing,
            });
        }
        writes.push(write_of(action));
    }
    let before: BTreeMap<String, &str> = read
        .iter()
        .map(|(code, text)| {
            (
                format!("{}/{code}.jsonl", loom_plan::ledger::FOLDER),
                text.as_str(),
            )
        })
        .collect();
    for (path, text) in ledger {
        let old = before.get(path.as_str()).copied();
        if old == text.as_deref() {
            continue;
        }
        let unmarked = |hash| Content {
            hash,
            mode: Mode::Plain,
        };
        let expect = old.map_or(Expect::Absent, |old| {
            Expect::Exactly(unmarked(ContentHash::of(old.as_bytes())))
        });
        let put = text.as_ref().map_or(Put::Nothing, |_| {
            Put::File(Becomes {
                mode: Mode::Plain,
                hash: None,
            })
        });
        let source = text.map_or(Source::Nothing, Source::Text);
        writes.push(FileWrite {
            change: Change { path, expect, put },
            source,
        });
    }
    writes
}

fn write_of(action: &Action) -> FileWrite<'_> {
    let expect = match action.verb {
        Verb::Move { .. } => Expect::Absent,
        Verb::Create | Verb::Update | Verb::Delete | Verb::Adopt | Verb::Keep | Verb::Forget => {
            action.expect
        }
    };
    let (put, source) = match (&action.verb, build::content_after(action)) {
        (Verb::Delete, _) => (Put::Nothing, Source::Nothing),
        (_, Some(after)) => (
            Put::File(Becomes {
                mode: after.mode,
                hash: Some(after.hash),
            }),
            Source::Action(action),
        ),
        (_, None) => (
            Put::Edit(Becomes {
                mode: mode_of(action),
                hash: None,
            }),
            Source::Action(action),
        ),
    };
    FileWrite {
        change: Change {
            path: action.path.clone(),
            expect,
            put,
        },
        source,
    }
}

/// The mode of a file that is changed in parts: as it was, and of a new one what any of them asks for.
fn mode_of(action: &Action) -> Mode {
    let mut made = action
        .parts
        .iter()
        .filter_map(|part| part.after)
        .map(|after| after.mode);
    match action.expect {
        Expect::Exactly(content) => content.mode,
        Expect::Absent => made
            .find(|mode| *mode == Mode::Executable)
            .unwrap_or(Mode::Plain),
    }
}

/// A person says `yes`, or said it before. Many deletions are asked for by themselves, and without
/// a person only their number allows them.
pub(super) fn consent(asked: &Apply, approval: &Approval, plan: &Plan) -> Result<(), Failure> {
    let question = match plan.brake(asked.max_deletes) {
        Brake::Free if asked.confirmation == Confirmation::Given || approval.is_given() => {
            return Ok(());
        }
        Brake::Free => "Apply this plan?".to_owned(),
        Brake::Many { deletions, managed } if env::has_person() => {
            format!(
                "This deletes {deletions} of the {managed} files that loom manages. Apply this plan?"
            )
        }
        Brake::Many { deletions, managed } => {
            return Err(Failure::Undecided(format!(
                "this plan deletes {deletions} of the {managed} files that loom manages, and nobody is here to be asked: \
                 where that is meant, allow it with --max-deletes {deletions}"
            )));
        }
        Brake::Exceeded { deletions, most } => {
            return Err(Failure::Undecided(format!(
                "this plan deletes {deletions} files, and --max-deletes {most} does not allow that: \
                 where it is meant, allow it with --max-deletes {deletions}"
            )));
        }
    };
    if !env::has_person() {
        let how = "nobody is here to say `yes`: apply with --yes, with a saved plan, or with --expect DIGEST";
        return Err(Failure::Environment(how.to_owned()));
    }
    if env::confirms(&question)? {
        return Ok(());
    }
    Err(Failure::Environment(
        "nothing was applied, because the answer was not `yes`".to_owned(),
    ))
}
