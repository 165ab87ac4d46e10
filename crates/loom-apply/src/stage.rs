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
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use loom_plan::addr::{ContentHash, RepoPath};
use loom_plan::header::content_hash;
use loom_plan::plan::Expect;
use loom_plan::provider::Mode;
use loom_plan::snapshot::{Observed, Want};
use rayon::prelude::*;

use crate::disk;
use crate::lock::Lock;
use crate::observe::{mode_of, observe};
use crate::root::Root;
use crate::stale::{Stale, meets};
use crate::transaction::{BeginError, Interrupted, Print, Step, Transaction, Verb};
use crate::trouble::{During as _, Trouble};

/// Up to this many files are made durable one by one, more of them with their whole file system.
const FEW: usize = 8;

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
    /// The [`content_hash`] that its bytes must have; `None` where the plan does not know it.
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
    /// What survives.
    pub durability: Durability,
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
    /// Two changes cannot both be. Exit code 1.
    #[error("`{0}` and `{1}` cannot both be changed: they are one path, or one is the other's directory")]
    Overlap(RepoPath, RepoPath),
    /// The bytes of a change could not be made, or are not those of the plan. Exit code 7.
    #[error("the content of `{path}` could not be made: {cause}")]
    Content {
        /// The path.
        path: RepoPath,
        /// Why.
        cause: String,
    },
    /// The system refused. Exit code 7.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// An earlier run left something behind. Exit code 8.
    #[error(transparent)]
    Interrupted(Interrupted),
}

impl From<BeginError> for StageError {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::Interrupted(interrupted) => Self::Interrupted(interrupted),
            BeginError::Trouble(trouble) => Self::Trouble(trouble),
        }
    }
}

/// Changes whose contents are written aside.
#[derive(Debug)]
#[must_use = "commit it: dropping it throws the staged contents away"]
pub struct Staged<'r> {
    // Before `approved`: the transaction's directory goes while the lock is still held.
    pub(crate) transaction: Transaction<'r>,
    pub(crate) steps: Vec<Planned>,
    pub(crate) approved: Approved<'r>,
}

/// A step, and what must be there before it.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) step: Step,
    pub(crate) expect: Expect,
}

impl<'r> Approved<'r> {
    /// Checks every guard, then writes every new content aside.
    ///
    /// # Errors
    /// [`StageError`], with the changes and the lock given back.
    pub fn stage(self, contents: Contents<'_>) -> Result<Staged<'r>, Failed<Self, StageError>> {
        match prepare(&self, contents) {
            Ok((transaction, steps)) => Ok(Staged { transaction, steps, approved: self }),
            Err(error) => Err(Failed { instance: self, error }),
        }
    }
}

fn prepare<'r>(approved: &Approved<'r>, contents: Contents<'_>) -> Result<(Transaction<'r>, Vec<Planned>), StageError> {
    let changes = &approved.changes;
    let mut order: Vec<usize> = (0..changes.len()).collect();
    order.sort_unstable_by(|one, two| changes[*one].path.cmp(&changes[*two].path));
    overlaps(&order, changes)?;
    let transaction = Transaction::begin(approved.root)?;
    check_guards(approved.root, &order, changes)?;
    let aside = Aside { transaction: &transaction, changes, contents };
    // What is absent and stays absent was checked, and needs no step.
    order.retain(|index| (changes[*index].expect, changes[*index].put) != (Expect::Absent, Put::Nothing));
    let missing = check_places(&transaction, &order, changes)?;
    let written: Result<Vec<Planned>, StageError> = order.par_iter().map(|index| aside.plan(*index)).collect();
    let directory = |(number, path)| Planned {
        step: Step { verb: Verb::Directory, path, slot: number_of(changes.len() + number), new: None },
        expect: Expect::Absent,
    };
    let mut steps: Vec<Planned> = missing.into_iter().enumerate().map(directory).chain(written?).collect();
    // Directories, creates, updates, deletes; each by path.
    steps.sort_by_key(|planned| planned.step.verb);
    let doing = || format!("write the steps to `{}`", transaction.path().display());
    let lines: Vec<&Step> = steps.iter().map(|planned| &planned.step).collect();
    transaction.write_steps(&lines).during(doing)?;
    make_durable(&transaction, &lines, approved.durability)
        .during(|| format!("make the new contents in `{}` durable", transaction.path().display()))?;
    Ok((transaction, steps))
}

/// Each path once, and none below another.
fn overlaps(order: &[usize], changes: &[Change]) -> Result<(), StageError> {
    let paths: BTreeSet<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    let same = order.windows(2).find(|pair| changes[pair[0]].path == changes[pair[1]].path);
    if let Some(pair) = same {
        return Err(StageError::Overlap(changes[pair[0]].path.clone(), changes[pair[1]].path.clone()));
    }
    for change in changes {
        let path = change.path.as_str();
        for above in path.match_indices('/').map(|(at, _)| &path[..at]) {
            if let (true, Ok(above)) = (paths.contains(above), RepoPath::new(above)) {
                return Err(StageError::Overlap(above, change.path.clone()));
            }
        }
    }
    Ok(())
}

fn check_guards(root: &Root, order: &[usize], changes: &[Change]) -> Result<(), StageError> {
    let want = |index: &usize| Want { path: changes[*index].path.clone(), blocks: Vec::new() };
    let snapshot = observe(root, &order.iter().map(want).collect::<Vec<_>>());
    let mut stale = Vec::new();
    for index in order {
        let Change { path, expect, .. } = &changes[*index];
        let found = snapshot.whole(path);
        if !meets(found, *expect) {
            stale.push(Stale { path: path.clone(), expected: *expect, found: found.clone() });
        }
    }
    if stale.is_empty() { Ok(()) } else { Err(StageError::Stale(stale)) }
}

/// Sees that names can be made in every directory, and returns the directories that are missing.
fn check_places(transaction: &Transaction<'_>, order: &[usize], changes: &[Change]) -> Result<BTreeSet<RepoPath>, StageError> {
    let home = disk::mount_of(transaction.slots()).during(|| format!("look at `{}`", transaction.path().display()))?;
    let parents: BTreeSet<&str> = order.iter().map(|index| changes[*index].path.parent().unwrap_or("")).collect();
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
        check_place(directory, home).during(|| format!("change files in `{}`", if parent.is_empty() { "." } else { parent }))?;
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

/// The barrier before the first exchange.
fn make_durable(transaction: &Transaction<'_>, steps: &[&Step], durability: Durability) -> io::Result<()> {
    let disk = &transaction.root.disk;
    match durability {
        Durability::Kill => Ok(()),
        Durability::Full if steps.len() > FEW => disk.sync_all(transaction.slots()),
        Durability::Full => {
            for (name, _) in disk::list(transaction.slots())? {
                disk.sync(disk::open_file(transaction.slots(), &name)?.as_fd())?;
            }
            disk.sync(transaction.slots())?;
            disk.sync(transaction.private())
        }
    }
}

/// The barrier after the last exchange.
pub(crate) fn make_names_durable(staged: &Staged<'_>) -> io::Result<()> {
    let Staged { transaction, steps, approved } = staged;
    let disk = &approved.root.disk;
    match approved.durability {
        Durability::Kill => Ok(()),
        Durability::Full if steps.len() > FEW => disk.sync_all(transaction.slots()),
        Durability::Full => {
            let parents: BTreeSet<&str> = steps.iter().map(|planned| planned.step.path.parent().unwrap_or("")).collect();
            for parent in parents {
                disk.sync(disk::open_beneath(approved.root.directory(), parent)?.as_fd())?;
            }
            disk.sync(transaction.slots())
        }
    }
}

/// The name of a slot.
fn number_of(index: usize) -> String {
    format!("{index:06}")
}

/// Writes contents into slots.
struct Aside<'a, 'r> {
    transaction: &'a Transaction<'r>,
    changes: &'a [Change],
    contents: Contents<'a>,
}

impl Aside<'_, '_> {
    fn plan(&self, index: usize) -> Result<Planned, StageError> {
        let change = &self.changes[index];
        let (verb, new) = match (change.put, change.expect) {
            (Put::Nothing, _) => (Verb::Delete, None),
            (Put::File(becomes), Expect::Absent) => (Verb::Create, Some(self.write(index, becomes, None)?)),
            (Put::Edit(becomes), Expect::Absent) => (Verb::Create, Some(self.write(index, becomes, None)?)),
            (Put::File(becomes), Expect::Exactly(_)) => {
                let old = self.open_old(&change.path)?;
                (Verb::Update, Some(self.write(index, becomes, Some((old, None)))?))
            }
            (Put::Edit(becomes), Expect::Exactly(_)) => {
                let (old, bytes) = self.read_old(change)?;
                (Verb::Update, Some(self.write(index, becomes, Some((old, Some(bytes))))?))
            }
        };
        let step = Step { verb, path: change.path.clone(), slot: number_of(index), new };
        Ok(Planned { step, expect: change.expect })
    }

    fn open_old(&self, path: &RepoPath) -> Result<OwnedFd, Trouble> {
        let parent = disk::open_beneath(self.transaction.root.directory(), path.parent().unwrap_or(""));
        parent.and_then(|parent| disk::open_file(parent.as_fd(), path.file_name())).during(|| format!("open `{path}`"))
    }

    /// The bytes that are there, if they still are what the guard says.
    fn read_old(&self, change: &Change) -> Result<(OwnedFd, Vec<u8>), StageError> {
        let path = &change.path;
        let old = self.open_old(path)?;
        let (mut bytes, doing) = (Vec::new(), || format!("read `{path}`"));
        disk::read_to_end(old.as_fd(), None, &mut bytes).during(doing)?;
        let mode = mode_of(disk::facts_of(old.as_fd()).during(doing)?.permissions);
        let found = Observed::File(loom_plan::snapshot::Content { hash: content_hash(&bytes), mode });
        if meets(&found, change.expect) {
            return Ok((old, bytes));
        }
        Err(StageError::Stale(vec![Stale { path: path.clone(), expected: change.expect, found }]))
    }

    /// Writes the change's content into its slot, and returns what it is.
    fn write(&self, index: usize, becomes: Becomes, old: Option<(OwnedFd, Option<Vec<u8>>)>) -> Result<Print, StageError> {
        let path = &self.changes[index].path;
        let failed = |cause: String| StageError::Content { path: path.clone(), cause };
        let (old, current) = old.map_or((None, None), |(file, bytes)| (Some(file), bytes));
        let bytes = (self.contents)(index, current).map_err(failed)?;
        if becomes.hash.is_some_and(|hash| hash != content_hash(&bytes)) {
            return Err(failed("it is not the content that was planned; plan again".to_owned()));
        }
        self.fill(&number_of(index), &bytes, becomes.mode, old.as_ref().map(OwnedFd::as_fd))
            .during(|| format!("write the new content of `{path}` to `{}`", self.transaction.path().display()))?;
        Ok(Print::of(&bytes, becomes.mode))
    }

    fn fill(&self, slot: &str, bytes: &[u8], mode: Mode, old: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let disk = &self.transaction.root.disk;
        // The user's umask takes from these what the user never gives.
        let permissions = match mode {
            Mode::Plain => 0o666,
            Mode::Executable => 0o777,
        };
        let file = disk.create(self.transaction.slots(), slot, permissions)?;
        disk.write(file.as_fd(), bytes)?;
        let created = disk::facts_of(file.as_fd())?;
        let Some(old) = old else {
            return match permissions_after(created.permissions, mode) {
                same if same == created.permissions => Ok(()),
                wanted => disk.permit(file.as_fd(), wanted),
            };
        };
        let before = disk::facts_of(old)?;
        if (before.owner, before.group) != (created.owner, created.group) {
            match disk.own(file.as_fd(), before.owner, before.group) {
                // Only root gives files away; everybody else's become their own, as with any editor.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                owned => owned?,
            }
        }
        disk.copy_attributes(old, file.as_fd())?;
        disk.permit(file.as_fd(), permissions_after(before.permissions, mode))
    }
}

/// The old permissions, but for the right to run the file: who may read it may then run it.
fn permissions_after(before: u32, mode: Mode) -> u32 {
    match mode {
        mode if mode == mode_of(before) => before,
        Mode::Executable => before | 0o100 | ((before & 0o444) >> 2),
        Mode::Plain => before & !0o111,
    }
}
