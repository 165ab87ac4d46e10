//! Staging: every new content is written aside, before anything of the repository changes.
//!
//! In: an approved list of changes, and a function that gives each its bytes. Out: [`Staged`],
//! which can only be committed or dropped; dropping it removes what was written aside.
//!
//! Invariants: every guard is checked before the first byte is written, and all that fail are said
//! together (test `all_stale_paths_are_said_together`); lack of space, of permission or of a place on
//! the same mount shows here, where nothing is visible yet; at most one file per worker is in memory.
//!
//! Deliberately not here: the exchange itself (`commit`), and where the bytes come from.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loom_plan::addr::{ContentHash, RepoPath};
use loom_plan::header::content_hash;
use loom_plan::plan::Expect;
use loom_plan::provider::Mode;
use loom_plan::snapshot::{Content, Observed};
use rayon::prelude::*;

use crate::attributes;
use crate::barrier::Barrier;
use crate::disk::{self, Attributes, Facts};
use crate::git::{self, Away, GitError};
use crate::journal::{Step, Verb, slot_name};
use crate::lock::Lock;
use crate::observe::{Found, NEIGHBOURS, Parent, examine_with, mode_of, unreadable};
use crate::root::Root;
use crate::stale::{Stale, meets};
use crate::transaction::{Transaction, look};
use crate::trouble::{During as _, Trouble};

/// What is done to one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The path.
    pub path: RepoPath,
    /// What must be there before.
    pub expect: Expect,
    /// What is there after.
    pub put: Put,
}

/// What a change leaves at its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// A file whose bytes do not depend on what is there.
    File(Becomes),
    /// A file whose bytes are made from those that are there: some of its parts change.
    Edit(Becomes),
    /// Nothing.
    Nothing,
}

/// What a file becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Becomes {
    /// Whether it may be run.
    pub mode: Mode,
    /// The [`content_hash`] that its bytes must have, without loom's header; `None` where the plan does
    /// not know it.
    pub hash: Option<ContentHash>,
}

/// Gives the bytes of a change by its index; those that are there now too, for [`Put::Edit`] of a
/// file that exists. Called by several workers at once, each change once; an error is a sentence.
pub type Contents<'a> = &'a (dyn Fn(usize, Option<Vec<u8>>) -> Result<Vec<u8>, String> + Sync);

/// What survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Power loss: contents are on the disk before the first exchange, and exchanges before the end.
    Full,
    /// The end of the process only: for trees that can be made again.
    Kill,
}

/// Changes that somebody agreed to, with the right to write.
#[derive(Debug)]
#[must_use = "stage it"]
pub struct Approved<'r> {
    /// Where.
    pub root: &'r Root,
    /// The right to write there.
    pub lock: Lock,
    /// What is done; each path once, in any order. The ledger's files are among them.
    pub changes: Vec<Change>,
    /// What it is for: the command, and the digest of the plan if there is one.
    pub cause: Cause,
    /// What survives.
    pub durability: Durability,
    /// Asks for an end.
    pub stop: Stop,
}

/// What a transaction is for, as the history tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The command: `apply`.
    pub command: String,
    /// The digest of the plan.
    pub digest: Option<ContentHash>,
}

/// A wish to end early, for a signal's handler to set. Everything is then put back.
#[derive(Clone, Debug, Default)]
pub struct Stop(pub Arc<AtomicBool>);

impl Stop {
    /// Whether somebody wants an end.
    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A step that failed, with what it was given.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Failed<S, E> {
    /// What the step was given, unchanged.
    pub instance: S,
    /// Why it failed.
    pub error: E,
}

/// Why nothing was staged. Nothing of the repository has changed.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The repository is not what the plan saw. Exit code 3.
    #[error("the plan is stale: {}", crate::stale::list(.0))]
    Stale(Vec<Stale>),
    /// Git keeps these paths away, so that what is written there would not be committed, and the
    /// ledger would. Exit code 1.
    #[error("Git keeps {} away", .0.iter().map(|(path, _)| format!("`{path}`")).collect::<Vec<_>>().join(", "))]
    Away(Vec<(RepoPath, Away)>),
    /// What Git says cannot be had. Exit code 1.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Two changes cannot both be. Exit code 1.
    #[error(
        "`{0}` and `{1}` cannot both be changed: they are one path, or one is the other's directory"
    )]
    Overlap(RepoPath, RepoPath),
    /// The bytes of a change could not be made, or are not those of the plan. Exit code 7.
    #[error("the content of `{path}` could not be made: {cause}")]
    Content {
        /// The path.
        path: RepoPath,
        /// Why.
        cause: String,
    },
    /// What an earlier transaction displaced is no longer as it was. Exit code 3.
    #[error(
        "what was at `{0}` before cannot come back: somebody wrote to it after loom had set it aside, or removed it"
    )]
    Late(RepoPath),
    /// The system refused. Exit code 7.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// Somebody asked for an end. Exit code 7.
    #[error("loom was interrupted, and nothing was changed")]
    Stopped,
}

/// Changes whose contents are written aside.
#[derive(Debug)]
#[must_use = "commit it: dropping it throws the staged contents away"]
pub struct Staged<'r> {
    // Before `approved`: the transaction's directory goes while the lock is still held.
    pub(crate) transaction: Transaction<'r>,
    pub(crate) steps: Vec<Step>,
    /// What each step displaces, in their order.
    pub(crate) seen: Vec<Option<Seen>>,
    pub(crate) barrier: Barrier,
    /// Files that have other names, which will keep the old content.
    pub(crate) linked: Vec<RepoPath>,
    pub(crate) approved: Approved<'r>,
}

impl<'r> Approved<'r> {
    /// Checks every guard, then writes every new content aside.
    ///
    /// # Errors
    /// [`StageError`], with the changes and the lock given back.
    pub fn stage(
        self,
        contents: Contents<'_>,
    ) -> Result<Staged<'r>, Box<Failed<Self, StageError>>> {
        let jobs: Vec<Job<'_>> = self.changes.iter().enumerate().map(Job::of).collect();
        let prepared = prepare(&self, None, &jobs, contents);
        drop(jobs);
        match prepared {
            Ok(prepared) => Ok(prepared.staged(self)),
            Err(error) => Err(Box::new(Failed {
                instance: self,
                error,
            })),
        }
    }
}

/// What must be there before a change, all bytes of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Guard {
    /// What the plan saw: the file as Git would commit it.
    Plan(Expect),
    /// What an earlier transaction left on the disk.
    Whole(Option<Content>),
}

/// Where a change's new content comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fill {
    /// There is none: the path is left empty.
    Nothing,
    /// The caller gives its bytes.
    Write(Becomes),
    /// The caller makes its bytes from those that are there.
    Edit(Becomes),
    /// This is in its slot already: an earlier transaction displaced it.
    Restore(Content),
}

/// A change as staging sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job<'a> {
    pub(crate) path: &'a RepoPath,
    /// The number of its slot.
    pub(crate) slot: usize,
    pub(crate) guard: Guard,
    pub(crate) fill: Fill,
}

impl<'a> Job<'a> {
    fn of((slot, change): (usize, &'a Change)) -> Self {
        let fill = match change.put {
            Put::File(becomes) => Fill::Write(becomes),
            Put::Edit(becomes) => Fill::Edit(becomes),
            Put::Nothing => Fill::Nothing,
        };
        Self {
            path: &change.path,
            slot,
            guard: Guard::Plan(change.expect),
            fill,
        }
    }
}

/// A file that was seen at a job's path.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Its bytes, all of them, and its mode.
    pub(crate) content: Content,
    pub(crate) facts: Facts,
    /// Whether it could have been written again since without a new time.
    pub(crate) is_racy: bool,
    attributes: Attributes,
}

/// What staging came to.
pub(crate) struct Prepared<'r> {
    transaction: Transaction<'r>,
    steps: Vec<Step>,
    seen: Vec<Option<Seen>>,
    barrier: Barrier,
    linked: Vec<RepoPath>,
}

impl<'r> Prepared<'r> {
    pub(crate) fn staged(self, approved: Approved<'r>) -> Staged<'r> {
        let Self {
            transaction,
            steps,
            seen,
            barrier,
            linked,
        } = self;
        Staged {
            transaction,
            steps,
            seen,
            barrier,
            linked,
            approved,
        }
    }
}

/// Stages jobs; those of an undoing have their contents in the slots of the entry that it undoes.
pub(crate) fn prepare<'r>(
    approved: &Approved<'r>,
    undone: Option<Transaction<'r>>,
    jobs: &[Job<'_>],
    contents: Contents<'_>,
) -> Result<Prepared<'r>, StageError> {
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_unstable_by(|one, two| jobs[*one].path.cmp(jobs[*two].path));
    overlaps(&order, jobs)?;
    refuse_away(approved.root, &order, jobs)?;
    let transaction = Transaction::begin(approved.root, undone)?;
    let mut work: Vec<(usize, Option<Seen>)> = order
        .iter()
        .copied()
        .zip(check_guards(approved.root, &order, jobs)?)
        .collect();
    // What is absent and stays absent was checked, and needs no step.
    work.retain(|(index, seen)| seen.is_some() || !matches!(jobs[*index].fill, Fill::Nothing));
    let missing = check_places(
        &transaction,
        work.iter().map(|(index, _)| jobs[*index].path),
    )?;
    let aside = Aside {
        transaction: &transaction,
        jobs,
        contents,
        stop: &approved.stop,
    };
    let written: Result<Vec<(Step, u64)>, StageError> = work
        .par_iter()
        .map(|(index, seen)| aside.step(*index, seen.as_ref()))
        .collect();
    let written = written?;
    let bytes = written.iter().map(|(_, bytes)| bytes).sum();
    let has_other_names =
        |(_, seen): &&(usize, Option<Seen>)| seen.as_ref().is_some_and(|seen| seen.facts.links > 1);
    let linked = work
        .iter()
        .filter(has_other_names)
        .map(|(index, _)| jobs[*index].path.clone())
        .collect();
    let free = jobs.iter().map(|job| job.slot + 1).max().unwrap_or(0);
    let directory = |(number, path)| Step {
        verb: Verb::Directory,
        path,
        slot: free + number,
        old: None,
        new: None,
        size: 0,
    };
    let directories = missing
        .into_iter()
        .enumerate()
        .map(directory)
        .map(|step| (step, None));
    let files = written
        .into_iter()
        .map(|(step, _)| step)
        .zip(work.into_iter().map(|(_, seen)| seen));
    let mut steps: Vec<(Step, Option<Seen>)> = directories.chain(files).collect();
    // Directories, creates, updates, deletes; each by path.
    steps.sort_by_key(|(step, _)| step.verb);
    let (steps, seen): (Vec<Step>, Vec<Option<Seen>>) = steps.into_iter().unzip();
    let barrier = Barrier::choose(approved.durability, steps.len(), bytes);
    Ok(Prepared {
        transaction,
        steps,
        seen,
        barrier,
        linked,
    })
}

/// Each path once, and none below another.
fn overlaps(order: &[usize], jobs: &[Job<'_>]) -> Result<(), StageError> {
    let paths: BTreeSet<&str> = jobs.iter().map(|job| job.path.as_str()).collect();
    let same = order
        .windows(2)
        .find(|pair| jobs[pair[0]].path == jobs[pair[1]].path);
    if let Some(pair) = same {
        return Err(StageError::Overlap(
            jobs[pair[0]].path.clone(),
            jobs[pair[1]].path.clone(),
        ));
    }
    for job in jobs {
        let path = job.path.as_str();
        for above in path.match_indices('/').map(|(at, _)| &path[..at]) {
            if let (true, Ok(above)) = (paths.contains(above), RepoPath::new(above)) {
                return Err(StageError::Overlap(above, job.path.clone()));
            }
        }
    }
    Ok(())
}

/// What Git does not look at on the disk is not changed there: nobody else would get the change, and
/// everybody the ledger that speaks of it.
fn refuse_away(root: &Root, order: &[usize], jobs: &[Job<'_>]) -> Result<(), StageError> {
    let paths = order.iter().map(|index| jobs[*index].path);
    let away = git::away(root, paths)?;
    if away.is_empty() {
        Ok(())
    } else {
        Err(StageError::Away(away))
    }
}

/// What stands at every path, in order; or everything that is not what was expected.
fn check_guards(
    root: &Root,
    order: &[usize],
    jobs: &[Job<'_>],
) -> Result<Vec<Option<Seen>>, StageError> {
    let seen: Vec<Vec<Result<Option<Seen>, Stale>>> = order
        .par_chunks(NEIGHBOURS)
        .map_init(Vec::new, |buffer, indices| {
            let mut parent = Parent::new(root);
            indices
                .iter()
                .map(|index| check_guard(&mut parent, &jobs[*index], buffer))
                .collect()
        })
        .collect();
    let (mut before, mut stale) = (Vec::with_capacity(order.len()), Vec::new());
    for seen in seen.into_iter().flatten() {
        match seen {
            Ok(seen) => before.push(seen),
            Err(other) => stale.push(other),
        }
    }
    if stale.is_empty() {
        Ok(before)
    } else {
        Err(StageError::Stale(stale))
    }
}

fn check_guard(
    parent: &mut Parent<'_>,
    job: &Job<'_>,
    buffer: &mut Vec<u8>,
) -> Result<Option<Seen>, Stale> {
    let expected = job.guard.expect();
    let mut attributes = Ok(Attributes::default());
    let found = match parent.of(job.path) {
        Err(instead) => Err(instead.clone()),
        Ok(directory) => examine_with(directory, job.path.file_name(), buffer, &mut |file| {
            if matches!(job.fill, Fill::Write(_) | Fill::Edit(_)) {
                attributes = disk::attributes(file);
            }
        })
        .and_then(|found| attributes.map(|attributes| (found, attributes)))
        .map_err(|error| Observed::Foreign(unreadable(&error))),
    };
    let observed = match &found {
        Ok((Found::File(content, _), _)) if matches!(job.guard, Guard::Plan(_)) => {
            Observed::File(as_planned(parent.root, job, (*content, buffer)))
        }
        Ok((found, _)) => found.observed(),
        Err(instead) => instead.clone(),
    };
    if !meets(&observed, expected) {
        return Err(Stale {
            path: job.path.clone(),
            expected,
            found: observed,
        });
    }
    Ok(match found {
        Ok((Found::File(content, facts), attributes)) => Some(Seen {
            content,
            facts,
            is_racy: disk::is_racy(&facts),
            attributes,
        }),
        Ok((Found::Nothing | Found::Other(_), _)) | Err(_) => None,
    })
}

/// A file as the plan saw it: as Git would commit it.
fn as_planned(root: &Root, job: &Job<'_>, (content, bytes): (Content, &[u8])) -> Content {
    // Git was asked before anything was planned
    let Ok(sight) = root.sight() else {
        return content;
    };
    let rewrites = || attributes::is_text(root, job.path);
    let seen = sight
        .committed(job.path, (content, bytes), &rewrites)
        .content;
    match job.guard.expect() {
        Expect::Exactly(expected) if sight.has_no_mode(job.path) => Content {
            mode: expected.mode,
            ..seen
        },
        Expect::Exactly(_) | Expect::Absent => seen,
    }
}

impl Guard {
    fn expect(self) -> Expect {
        match self {
            Self::Plan(expect) => expect,
            Self::Whole(content) => content.map_or(Expect::Absent, Expect::Exactly),
        }
    }
}

/// Sees that names can be made in every directory, and returns the directories that are missing.
fn check_places<'p>(
    transaction: &Transaction<'_>,
    paths: impl Iterator<Item = &'p RepoPath>,
) -> Result<BTreeSet<RepoPath>, StageError> {
    let home = disk::mount_of(transaction.slots())
        .during(|| format!("look at `{}`", transaction.path().display()))?;
    let parents: BTreeSet<&str> = paths.map(|path| path.parent().unwrap_or("")).collect();
    let mut missing = BTreeSet::new();
    for mut parent in parents {
        let directory = loop {
            match disk::open_beneath(transaction.root.directory(), parent) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && !parent.is_empty() => {
                    missing.extend(RepoPath::new(parent));
                    parent = parent.rsplit_once('/').map_or("", |(above, _)| above);
                }
                opened => break opened,
            }
        };
        check_place(directory, home).during(|| {
            format!(
                "change files in `{}`",
                if parent.is_empty() { "." } else { parent }
            )
        })?;
    }
    Ok(missing)
}

fn check_place(directory: io::Result<OwnedFd>, home: (u64, u64)) -> io::Result<()> {
    let directory = directory?;
    if disk::mount_of(directory.as_fd())? != home {
        return Err(rustix::io::Errno::XDEV.into());
    }
    disk::may_change(directory.as_fd())
}

/// Fills slots.
struct Aside<'a, 'r> {
    transaction: &'a Transaction<'r>,
    jobs: &'a [Job<'a>],
    contents: Contents<'a>,
    stop: &'a Stop,
}

impl Aside<'_, '_> {
    /// Fills the slot of a job. Returns its step, and how many bytes were written.
    fn step(&self, index: usize, seen: Option<&Seen>) -> Result<(Step, u64), StageError> {
        if self.stop.is_asked() {
            return Err(StageError::Stopped);
        }
        let job = &self.jobs[index];
        let (old, size) = (
            seen.map(|seen| seen.content),
            seen.map_or(0, |seen| seen.facts.size),
        );
        let step = |verb, new| Step {
            verb,
            path: job.path.clone(),
            slot: job.slot,
            old,
            new,
            size,
        };
        let (new, bytes) = match job.fill {
            Fill::Nothing => return Ok((step(Verb::Delete, None), 0)),
            Fill::Restore(content) => (self.restore(job, content)?, 0),
            Fill::Write(becomes) => self.write(index, becomes, seen, None)?,
            Fill::Edit(becomes) => {
                let current = seen.map(|seen| self.read_old(job, seen)).transpose()?;
                self.write(index, becomes, seen, current)?
            }
        };
        Ok((
            step(
                if seen.is_some() {
                    Verb::Update
                } else {
                    Verb::Create
                },
                Some(new),
            ),
            bytes,
        ))
    }

    /// The bytes that are there, if they still are what was seen.
    fn read_old(&self, job: &Job<'_>, seen: &Seen) -> Result<Vec<u8>, StageError> {
        let (path, mut bytes) = (job.path, Vec::new());
        let parent = disk::open_beneath(
            self.transaction.root.directory(),
            path.parent().unwrap_or(""),
        );
        let found = parent.and_then(|parent| look(parent.as_fd(), path.file_name(), &mut bytes));
        match found.during(|| format!("read `{path}`"))? {
            Found::File(content, _) if content == seen.content => Ok(bytes),
            found @ (Found::Nothing | Found::File(..) | Found::Other(_)) => {
                let (expected, found) = (job.guard.expect(), found.observed());
                Err(StageError::Stale(vec![Stale {
                    path: path.clone(),
                    expected,
                    found,
                }]))
            }
        }
    }

    /// Writes the job's content into its slot. Returns what it is, and how long.
    fn write(
        &self,
        index: usize,
        becomes: Becomes,
        seen: Option<&Seen>,
        current: Option<Vec<u8>>,
    ) -> Result<(Content, u64), StageError> {
        let Job { path, slot, .. } = self.jobs[index];
        let failed = |cause: String| StageError::Content {
            path: path.clone(),
            cause,
        };
        let bytes = (self.contents)(index, current).map_err(failed)?;
        if becomes
            .hash
            .is_some_and(|hash| hash != content_hash(&bytes, path))
        {
            return Err(failed(
                "it is not the content that was planned; plan again".to_owned(),
            ));
        }
        self.fill(
            &slot_name(slot),
            &bytes,
            becomes.mode,
            seen.map(|seen| (&seen.facts, &seen.attributes)),
        )
        .during(|| {
            format!(
                "write the new content of `{path}` to `{}`",
                self.transaction.path().display()
            )
        })?;
        Ok((
            Content {
                hash: ContentHash::of(&bytes),
                mode: becomes.mode,
            },
            bytes.len() as u64,
        ))
    }

    /// Sees that the slot holds the very file that an earlier transaction displaced.
    fn restore(&self, job: &Job<'_>, displaced: Content) -> Result<Content, StageError> {
        let (slots, slot, path) = (self.transaction.slots(), slot_name(job.slot), job.path);
        let doing = || {
            format!(
                "restore what was at `{path}` from `{}`",
                self.transaction.slots_path().display()
            )
        };
        match look(slots, &slot, &mut Vec::new()).during(doing)? {
            Found::File(content, _) if content == displaced => {}
            Found::Nothing | Found::File(..) | Found::Other(_) => {
                return Err(StageError::Late(path.clone()));
            }
        }
        // A build that ran since must see that the file changed again.
        self.transaction
            .root
            .disk
            .touch(slots, &slot)
            .during(doing)?;
        Ok(displaced)
    }

    /// Writes a slot. It gets what belongs to the place, and not to the content, from the old file.
    fn fill(
        &self,
        slot: &str,
        bytes: &[u8],
        mode: Mode,
        old: Option<(&Facts, &Attributes)>,
    ) -> io::Result<()> {
        let disk = &self.transaction.root.disk;
        // The user's umask takes from these what the user never gives.
        let permissions = match mode {
            Mode::Plain => 0o666,
            Mode::Executable => 0o777,
        };
        let file = disk.create(self.transaction.slots(), slot, permissions)?;
        disk.write(file.as_fd(), bytes)?;
        let created = disk::facts_of(file.as_fd())?;
        let Some((before, attributes)) = old else {
            return match permissions_after(created.permissions, mode) {
                same if same == created.permissions => Ok(()),
                wanted => disk.permit(file.as_fd(), wanted),
            };
        };
        let mut wanted = permissions_after(before.permissions, mode);
        if (before.owner, before.group) != (created.owner, created.group) {
            match disk.own(file.as_fd(), before.owner, before.group) {
                // Only root gives files away; everybody else's become their own, as with any editor.
                // Nobody else should then run them with the rights of their owner.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => wanted &= !SET_ID,
                owned => owned?,
            }
        }
        disk.set_attributes(file.as_fd(), attributes)?;
        // Another owner, or an access list, may have changed the permissions again.
        let is_as_made =
            attributes.is_empty() && (before.owner, before.group) == (created.owner, created.group);
        if is_as_made && wanted == created.permissions {
            Ok(())
        } else {
            disk.permit(file.as_fd(), wanted)
        }
    }
}

/// The bits with which a program runs as its owner or group.
const SET_ID: u32 = 0o6000;

/// The old permissions, but for the right to run the file: who may read it may then run it.
fn permissions_after(before: u32, mode: Mode) -> u32 {
    match mode {
        mode if mode == mode_of(before) => before,
        Mode::Executable => before | 0o100 | ((before & 0o444) >> 2),
        Mode::Plain => before & !0o111,
    }
}
