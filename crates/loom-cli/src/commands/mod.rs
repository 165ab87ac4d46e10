//! The commands: each reads aloud as the steps that it takes.
//!
//! In: what was asked. Out: an exit code, and text. Policy lives in the core; these files only put
//! the steps in order and choose who is told what.

pub(crate) mod absorb;
mod acceptance;
pub(crate) mod adopt;
mod against;
pub(crate) mod apply;
mod approval;
mod audit;
mod before;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod drift;
pub(crate) mod explain;
pub(crate) mod files;
mod gate;
pub(crate) mod graph;
pub(crate) mod handoff;
pub(crate) mod history;
pub(crate) mod init;
mod losses;
pub(crate) mod man;
mod merging;
mod message;
mod outside;
pub(crate) mod pass;
mod passed;
pub(crate) mod paths;
mod places;
pub(crate) mod plan;
pub(crate) mod providers;
pub(crate) mod recover;
pub(crate) mod refactoring;
pub(crate) mod repair;
pub(crate) mod resolve;
pub(crate) mod rollback;
mod scans;
pub(crate) mod schema;
pub(crate) mod show;
pub(crate) mod story;
mod to_branch;
pub(crate) mod validate;
mod ways;

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use loom_apply::{
    Approved, Becomes, Cause, Change, CommitError, Committed, Direction, Durability, GitError,
    Kept, LedgerError, Lock, LockError, Put, Recovered, Rescued, Root, RootError, StageError,
    Trouble, Unfinished, Unsettled, is_settled,
};
use loom_plan::addr::{ContentHash, RepoPath};
use loom_plan::diag::{Code, Diagnostic, Diagnostics};
use loom_plan::plan::Expect;
use loom_plan::provider::Mode;
use loom_plan::snapshot::Want;
use loom_plan::text::Sources;

use crate::cli::Global;
use crate::env::{self, Commit, Steps, Streams};

use crate::exit::Exit;

use files::Files;

/// What a command about one repository works with.
pub(crate) struct Desk<'a> {
    /// What holds for every command.
    pub(crate) global: &'a Global,
    /// The repository.
    pub(crate) root: Root,
    /// Where text goes.
    pub(crate) streams: Streams,
    /// The steps of the run.
    pub(crate) steps: Rc<Steps>,
    /// The commit whose files are looked at, instead of those on the disk.
    pub(crate) commit: Option<Commit>,
}

impl<'a> Desk<'a> {
    /// A desk with the files on the disk.
    pub(crate) fn new(global: &'a Global, root: Root, streams: Streams) -> Self {
        let steps = Rc::new(Steps::begin(streams.err, global.timings));
        Self {
            global,
            root,
            streams,
            steps,
            commit: None,
        }
    }

    /// The files that are compared with what is declared.
    pub(crate) fn files(&self) -> &dyn Files {
        self.commit
            .as_ref()
            .map_or(&self.root as &dyn Files, |commit| commit)
    }

    /// The same desk, with the files of a commit to look at.
    ///
    /// # Errors
    /// As [`Root::open`].
    pub(crate) fn with(&self, commit: Commit) -> Result<Self, Failure> {
        let (root, steps) = (Root::open(self.root.path())?, Rc::clone(&self.steps));
        Ok(Self {
            global: self.global,
            root,
            streams: self.streams,
            steps,
            commit: Some(commit),
        })
    }

    /// Leads from the top of the Git repository to the root; empty, or ends in `/`.
    fn prefix(&self) -> String {
        self.root.below_top()
    }
}

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The input has errors: all of them, with the texts that they stand in.
    #[error("the input has errors")]
    Input(Box<(Sources, Diagnostics)>),
    /// The environment does not let loom work.
    #[error("{0}")]
    Environment(String),
    /// Files carry loom's header, and there is no ledger.
    #[error(
        "LOOM0505: there is no ledger in .loom/ledger, and these files carry loom's header: {}. \
         Restore the ledger from Git (git checkout HEAD -- .loom/ledger); where it was never committed, \
         `loom repair` makes it again from the input and the files:\n{}",
        list(carrying),
        would.trim_end()
    )]
    LostLedger {
        /// The files.
        carrying: Vec<String>,
        /// What `loom repair` would say.
        would: String,
    },
    /// The plan is not the one that was approved.
    #[error("{0}")]
    Stale(String),
    /// A person must decide.
    #[error("{0}")]
    Undecided(String),
    /// Another loom is at work.
    #[error("{0}")]
    Locked(String),
    /// Apply failed and everything was put back.
    #[error("{0}")]
    RolledBack(String),
    /// Apply failed and not everything could be put back.
    #[error("{0}")]
    Unfinished(String),
    /// Output could not be written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] std::io::Error),
}

/// The first few of many, and how many there are.
fn list(paths: &[String]) -> String {
    match paths {
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        few => few.join(", "),
    }
}

impl Failure {
    /// The exit code that it comes to.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Input(_) | Self::Environment(_) | Self::Output(_) => Exit::Error,
            Self::LostLedger { .. } | Self::Undecided(_) => Exit::Conflicts,
            Self::Stale(_) => Exit::Stale,
            Self::Locked(_) => Exit::Locked,
            Self::RolledBack(_) => Exit::RolledBack,
            Self::Unfinished(_) => Exit::Unfinished,
        }
    }
}

/// The right to write. What earlier runs left is settled, and said.
pub(crate) fn take_lock(root: &Root, wait: Option<Duration>) -> Result<Lock, Failure> {
    let lock = Lock::take(root, wait.unwrap_or_default())?;
    lock.recovered
        .iter()
        .for_each(|recovered| env::tell(&recovered_lines(recovered)));
    Ok(lock)
}

/// What became of a run that was cut off.
pub(crate) fn recovered_lines(recovered: &Recovered) -> String {
    let became = match recovered.direction {
        Direction::Back => "everything was put back",
        Direction::Forward => "it had written everything, and is finished now",
    };
    with_kept(
        &format!(
            "An earlier `loom {}` was interrupted: {became}.",
            recovered.command
        ),
        &recovered.kept,
    )
}

/// Sees that nobody is in the middle of a change, for the commands that only read.
pub(crate) fn must_be_settled(desk: &Desk<'_>) -> Result<(), Failure> {
    is_settled(&desk.root, desk.global.lock_timeout.unwrap_or_default()).map_err(Failure::from)
}

/// Writes files of the input for a command, all or none, over exactly what is there now.
pub(crate) fn write_inputs(
    root: &Root,
    command: &str,
    files: &[(RepoPath, String)],
) -> Result<(), Failure> {
    write_inputs_with(root, take_lock(root, None)?, command, files)
}

/// As [`write_inputs`], for whoever has the lock already. It is free again afterwards.
pub(crate) fn write_inputs_with(
    root: &Root,
    lock: Lock,
    command: &str,
    files: &[(RepoPath, String)],
) -> Result<(), Failure> {
    let mut wants: Vec<Want> = files
        .iter()
        .map(|(path, _)| Want {
            path: path.clone(),
            blocks: Vec::new(),
            keys: Vec::new(),
        })
        .collect();
    wants.sort_by(|one, other| one.path.cmp(&other.path));
    let snapshot = loom_apply::observe(root, &wants)?;
    let changes = files.iter().map(|(path, _)| {
        let found = snapshot.to_the_byte(path);
        let expect = found.map_or(Expect::Absent, Expect::Exactly);
        Change {
            path: path.clone(),
            expect,
            put: Put::File(Becomes {
                mode: Mode::Plain,
                hash: None,
            }),
        }
    });
    let contents = |index: usize, _: Option<Vec<u8>>| Ok(files[index].1.clone().into_bytes());
    commit_inputs((root, lock), command, changes.collect(), &contents)
}

/// Writes a file of the input anew, if it still holds what was read of it; its mode stays.
pub(crate) fn rewrite_input(
    root: &Root,
    command: &str,
    path: &RepoPath,
    (before, after): (&str, &str),
) -> Result<(), Failure> {
    let lock = take_lock(root, None)?;
    let snapshot = loom_apply::observe(
        root,
        &[Want {
            path: path.clone(),
            blocks: Vec::new(),
            keys: Vec::new(),
        }],
    )?;
    let found = snapshot
        .to_the_byte(path)
        .filter(|found| found.hash == ContentHash::of(before.as_bytes()));
    let found = found.ok_or_else(|| {
        Failure::Stale(format!(
            "somebody changed {path} meanwhile, so nothing was written: run the command again"
        ))
    })?;
    let put = Put::File(Becomes {
        mode: found.mode,
        hash: None,
    });
    let contents = |_: usize, _: Option<Vec<u8>>| Ok(after.as_bytes().to_vec());
    commit_inputs(
        (root, lock),
        command,
        vec![Change {
            path: path.clone(),
            expect: Expect::Exactly(found),
            put,
        }],
        &contents,
    )
}

fn commit_inputs(
    (root, lock): (&Root, Lock),
    command: &str,
    changes: Vec<Change>,
    contents: loom_apply::Contents<'_>,
) -> Result<(), Failure> {
    let cause = Cause {
        command: command.to_owned(),
        digest: None,
    };
    let approved = Approved {
        root,
        lock,
        changes,
        cause,
        durability: Durability::Full,
        stop: env::heed_signals()?,
    };
    let staged = approved.stage(contents).map_err(|failed| failed.error)?;
    leftovers(&staged.commit()?).for_each(|line| env::tell(&line));
    Ok(())
}

/// What a person should know of a commit besides that it is done.
pub(crate) fn leftovers(committed: &Committed) -> impl Iterator<Item = String> {
    let linked = committed
        .linked
        .iter()
        .map(|path| format!("{path} had other names (hard links): they keep the old content, and are no longer the same file"));
    let kept = committed.kept.iter().map(kept_line);
    let untidy = committed
        .untidy
        .iter()
        .map(|trouble| format!("Left behind: {}", with_help(trouble)));
    linked.chain(kept).chain(untidy)
}

impl Failure {
    /// All that is wrong, as findings: for those who read a report and not standard error.
    pub(crate) fn found(&self) -> Cow<'_, (Sources, Diagnostics)> {
        let code = match self {
            Self::Input(input) => return Cow::Borrowed(input),
            Self::LostLedger { .. } => Code::LedgerMissing,
            Self::Stale(_) => Code::Stale,
            Self::Environment(_)
            | Self::Undecided(_)
            | Self::Locked(_)
            | Self::RolledBack(_)
            | Self::Unfinished(_)
            | Self::Output(_) => Code::Stopped,
        };
        let said = self.to_string();
        let said = said.strip_prefix(&format!("{code}: ")).unwrap_or(&said);
        let (message, help) = match said.split_once("\n  help: ") {
            Some((message, help)) => (message, Some(help)),
            None => (said, None),
        };
        let found = Diagnostic::new(code, message);
        let found = match help {
            Some(help) => found.help(help),
            None => found,
        };
        let mut all = Diagnostics::default();
        all.push(found);
        Cow::Owned((Sources::default(), all))
    }

    /// A finding that stands alone.
    pub(crate) fn of(found: Diagnostic) -> Self {
        let mut all = Diagnostics::default();
        all.push(found);
        Self::Input(Box::new((Sources::default(), all)))
    }
}

/// What the system refused, and what a person can do about it.
pub(crate) fn with_help(trouble: &Trouble) -> String {
    format!("{trouble}\n  help: {}", trouble.help)
}

/// What stands in the way of settling a transaction, and what a person can do.
fn with_rest(said: &str, unfinished: &Unfinished) -> String {
    let by_hand = if unfinished.commands.is_empty() {
        "."
    } else {
        "; or do by hand what remains, and then run it:"
    };
    let lines: Vec<String> = std::iter::once(said.to_owned())
        .chain(unfinished.failures.iter().map(with_help))
        .chain([format!("When that is mended, run `loom recover`{by_hand}")])
        .chain(
            unfinished
                .commands
                .iter()
                .map(|command| format!("  {command}")),
        )
        .collect();
    lines.join("\n")
}

/// A sentence, and the files that were kept because somebody changed them meanwhile.
fn with_kept(said: &str, kept: &[Kept]) -> String {
    let lines = kept.iter().map(|kept| format!("\n{}", kept_line(kept)));
    format!("{said}{}", lines.collect::<String>())
}

/// What became of a file that somebody changed while loom worked.
pub(crate) fn kept_line(kept: &Kept) -> String {
    let path = &kept.path;
    match &kept.what {
        Rescued::Theirs => {
            format!("Somebody changed {path} meanwhile; what they wrote is in its place.")
        }
        Rescued::Other(place) => format!(
            "Somebody changed {path} meanwhile; what they wrote is in its place, and what belongs there is in {}.",
            place.display()
        ),
        Rescued::Late(place) => {
            format!(
                "Somebody wrote to {path} after loom had replaced it; what they wrote is in {}.",
                place.display()
            )
        }
    }
}

impl From<StageError> for Failure {
    fn from(error: StageError) -> Self {
        let text = error.to_string();
        match error {
            StageError::Stale(_) | StageError::Late(_) => Self::Stale(text),
            StageError::Overlap(..) => Self::Environment(text),
            StageError::Away(away) => places::kept_away(&away),
            StageError::Git(error) => error.into(),
            StageError::Content { .. } => Self::RolledBack(text),
            StageError::Trouble(trouble) => {
                Self::RolledBack(format!("nothing was changed: {}", with_help(&trouble)))
            }
            StageError::Stopped => Self::RolledBack(text),
        }
    }
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        match error {
            GitError::Unreadable(text) => Self::Environment(text),
            GitError::Lacking(lacking) => Self::of(
                Diagnostic::new(Code::ObjectsLacking, lacking.to_string())
                    .help(loom_apply::git::FETCH),
            ),
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::Environment(error.to_string())
    }
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        let text = error.to_string();
        match error {
            CommitError::Stale { kept, .. } => Self::Stale(with_kept(&text, &kept)),
            CommitError::PutBack { trouble, kept } => Self::RolledBack(with_kept(
                &format!("{text}\n  help: {}", trouble.help),
                &kept,
            )),
            CommitError::Stopped { kept } => Self::RolledBack(with_kept(&text, &kept)),
            CommitError::Unfinished { unfinished, .. } => {
                Self::Unfinished(with_rest(&text, &unfinished))
            }
            CommitError::Undecided(trouble) => {
                Self::Unfinished(format!("{text}\n  help: {}", trouble.help))
            }
        }
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Held { .. } => Self::Locked(error.to_string()),
            LockError::Trouble(trouble) => {
                Self::RolledBack(format!("nothing was changed: {}", with_help(&trouble)))
            }
            LockError::Unfinished(unfinished) => {
                Self::Unfinished(with_rest(&unfinished.to_string(), &unfinished))
            }
        }
    }
}

impl From<Unsettled> for Failure {
    fn from(error: Unsettled) -> Self {
        match error {
            Unsettled::Locked(error) => error.into(),
            Unsettled::Interrupted(_) => Self::Unfinished(format!(
                "{error}: run `loom recover`, which puts everything back or finishes it"
            )),
            Unsettled::Trouble(trouble) => Self::Environment(with_help(&trouble)),
        }
    }
}

impl From<RootError> for Failure {
    fn from(error: RootError) -> Self {
        Self::Environment(error.to_string())
    }
}
