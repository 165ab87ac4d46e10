//! Recovery: a transaction that was cut off goes back, or is carried out to its end.
//!
//! In: the directory and the journal of a transaction. Out: every step undone, or every step done;
//! or what could not be, with the commands that remain. An apply that fails goes back on this same
//! way.
//!
//! What was done says the *slot* (see `transaction`), step by step: [`back`] and [`forward`] are the
//! two tables. Without the mark of the commit everything goes back; with it, forward.
//!
//! Invariants: it may be cut off itself, anywhere, and be run again (tests `a_kill_during_recovery…`);
//! it looks at every step, and stops at no failure; nothing is removed as long as one remains.
//!
//! Deliberately not here: a person's decision. Bytes that are neither what the journal knows as old
//! nor as new are somebody's, and stay where they are or are kept.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use loom_plan::addr::RepoPath;
use loom_plan::snapshot::Observed;

use crate::barrier::Barrier;
use crate::care::Care;
use crate::disk::{self, Facts};
use crate::journal::{Journal, Read, Stage, Step, Verb};
use crate::lock::{IndexLock, Lock, LockError};
use crate::observe::{Found, Parent};
use crate::root::Root;
use crate::stage::Durability;
use crate::transaction::{self, Kept, Phase, Rescued, Transaction, aside, look, quoted};
use crate::trouble::{During as _, Trouble};

/// Which way a transaction goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To what was there before.
    Back,
    /// To what was planned.
    Forward,
}

/// A transaction that an earlier run left, and that is settled now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Its number.
    pub id: u64,
    /// The command that had begun it.
    pub command: String,
    /// Which way it went.
    pub direction: Direction,
    /// What somebody else changed meanwhile.
    pub kept: Vec<Kept>,
}

/// A transaction that could not be settled: nothing was removed. Exit code 8.
#[derive(Debug, thiserror::Error)]
#[error("an interrupted run of loom could not be settled; {} holds what it displaced", directory.display())]
pub struct Unfinished {
    /// The transaction's directory.
    pub directory: PathBuf,
    /// What went wrong.
    pub failures: Vec<Trouble>,
    /// What settles it, as commands for a shell, in order.
    pub commands: Vec<String>,
}

/// Why nobody should read the repository now.
#[derive(Debug, thiserror::Error)]
pub enum Unsettled {
    /// Another loom writes. Exit code 6.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// A run was cut off. Exit code 8.
    #[error(
        "an earlier run of loom was interrupted, and the repository may be half changed (its change number {0})"
    )]
    Interrupted(u64),
    /// The private place cannot be read. Exit code 1.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Sees that the repository is not in the middle of a change, for those who only read; `wait` is how
/// long to wait for another loom.
///
/// # Errors
/// [`Unsettled`] says what is going on.
pub fn is_settled(root: &Root, wait: Duration) -> Result<(), Unsettled> {
    let Some(id) = interrupted(root)? else {
        return Ok(());
    };
    drop(Lock::hold(root, wait)?);
    // Whoever had the lock may have ended it meanwhile.
    match interrupted(root)? {
        Some(_) => Err(Unsettled::Interrupted(id)),
        None => Ok(()),
    }
}

/// The open transaction that may have changed something, if there is one.
fn interrupted(root: &Root) -> Result<Option<u64>, Trouble> {
    let doing = || format!("look at `{}`", root.private().display());
    for (phase, id) in transaction::all(root).during(doing)? {
        if phase == Phase::Open {
            let read = Transaction::open(root, phase, id)
                .and_then(|open| open.read_journal())
                .during(doing)?;
            if read != Read::Unsealed {
                return Ok(Some(id));
            }
        }
    }
    Ok(None)
}

/// Settles whatever earlier runs left. Only under the lock.
pub(crate) fn recover(root: &Root) -> Result<Vec<Recovered>, Unfinished> {
    let mut recovered = Vec::new();
    let failed = |directory, trouble| Unfinished {
        directory,
        failures: vec![trouble],
        commands: Vec::new(),
    };
    let doing = || format!("look at `{}`", root.private().display());
    for (phase, id) in transaction::all(root)
        .during(doing)
        .map_err(|trouble| failed(root.private(), trouble))?
    {
        let directory = root.private().join(phase.name(id));
        let settled = match phase {
            Phase::Undo => Ok(None),
            Phase::Gone => {
                // What cannot be removed now stands in nobody's way.
                drop(Transaction::open(root, phase, id).and_then(|mut gone| gone.discard()));
                Ok(None)
            }
            Phase::Open => settle_left(root, id, &directory),
        };
        recovered.extend(settled?);
    }
    IndexLock::reclaim(root).map_err(|trouble| failed(root.private(), trouble))?;
    Ok(recovered)
}

/// Settles one open transaction.
fn settle_left(root: &Root, id: u64, directory: &Path) -> Result<Option<Recovered>, Unfinished> {
    let failed = |trouble| Unfinished {
        directory: directory.to_owned(),
        failures: vec![trouble],
        commands: Vec::new(),
    };
    let doing = || format!("open `{}`", directory.display());
    let mut left = Transaction::open(root, Phase::Open, id)
        .during(doing)
        .map_err(failed)?;
    let (journal, stage) = match left.read_journal().during(doing).map_err(failed)? {
        Read::Unsealed => {
            let removed = left
                .discard()
                .during(|| format!("remove `{}`", directory.display()));
            return removed.map(|()| None).map_err(failed);
        }
        Read::Foreign(format) => {
            let cause = io::Error::other(format!("its journal has the format {format}"));
            let help =
                "another version of loom wrote it: run `loom recover` with that one".to_owned();
            return Err(failed(Trouble {
                doing: doing(),
                cause,
                help,
            }));
        }
        Read::Refused => {
            let cause = io::Error::other("its journal names what no loom would touch");
            let help = "somebody else may have made it: look at it, and remove its directory if it is not yours".to_owned();
            return Err(failed(Trouble {
                doing: doing(),
                cause,
                help,
            }));
        }
        Read::Sealed(journal, stage) => (journal, stage),
    };
    left.exchange = journal.head.exchange;
    left.find_undone(&journal.head, stage)
        .during(doing)
        .map_err(failed)?;
    let direction = match stage {
        Stage::Open => Direction::Back,
        Stage::Committed => Direction::Forward,
    };
    let barrier = Barrier::choose(Durability::Full, journal.steps.len(), 0);
    let kept = settle(&mut left, &journal, direction, barrier)?;
    Ok(Some(Recovered {
        id,
        command: journal.head.command,
        direction,
        kept,
    }))
}

/// Undoes or does every step, makes that durable, and closes the transaction.
pub(crate) fn settle(
    transaction: &mut Transaction<'_>,
    journal: &Journal,
    direction: Direction,
    barrier: Barrier,
) -> Result<Vec<Kept>, Unfinished> {
    let mut work = Settling {
        transaction,
        direction,
        parent: Parent::new(transaction.root),
        buffer: Vec::new(),
    };
    let (mut kept, mut failures) = (Vec::new(), Vec::new());
    for step in in_order(&journal.steps, direction) {
        match work
            .step(step)
            .during(|| format!("{direction} `{}`", step.path))
        {
            Ok(left) => kept.extend(left),
            Err(trouble) => failures.push(trouble),
        }
    }
    let commands = if failures.is_empty() {
        Vec::new()
    } else {
        work.remaining(&journal.steps)
    };
    if failures.is_empty() {
        // Whose the slots are is durable before anything closes: what belongs to an entry would go otherwise.
        let handed = match direction {
            Direction::Back => transaction.give_slots_back(),
            Direction::Forward => transaction.take_slots(),
        };
        let durable = handed.and_then(|()| barrier.names(transaction, &journal.steps));
        failures.extend(durable.during(|| "make that durable".to_owned()).err());
    }
    if failures.is_empty() && direction == Direction::Forward {
        // A directory that stays is no reason not to end.
        remove_emptied(transaction, barrier, &journal.steps, &mut Vec::new());
    }
    if failures.is_empty()
        && direction == Direction::Back
        && transaction.root.disk.takes(Care::Slot)
    {
        match rescue(transaction, &journal.steps)
            .during(|| "look at what was written aside".to_owned())
        {
            Ok(late) => kept.extend(late),
            Err(trouble) => failures.push(trouble),
        }
    }
    let directory = transaction.path();
    if failures.is_empty() {
        let closed = match direction {
            Direction::Back => transaction.discard(),
            Direction::Forward => transaction.retire(),
        };
        failures.extend(
            closed
                .during(|| format!("close `{}`", directory.display()))
                .err(),
        );
    }
    if failures.is_empty() {
        Ok(kept)
    } else {
        Err(Unfinished {
            directory,
            failures,
            commands,
        })
    }
}

/// Keeps what somebody wrote into a slot: what was exchanged on the way back is looked at once more
/// before the slots go, for a kill may have come between the exchange and the look, and a
/// descriptor may still be open.
fn rescue(transaction: &Transaction<'_>, steps: &[Step]) -> io::Result<Vec<Kept>> {
    let (mut kept, mut buffer) = (Vec::new(), Vec::new());
    for step in steps {
        if held(transaction.slots(), &step.slot(), step, &mut buffer)?.0 == Held::Other {
            let place = transaction.keep(&step.slot(), &step.path)?;
            kept.push(Kept {
                path: step.path.clone(),
                what: Rescued::Late(place),
            });
        }
    }
    Ok(kept)
}

/// Removes the directories whose last file was deleted, and makes that durable: once the transaction
/// is closed, nobody would remove those that a power loss brings back.
pub(crate) fn remove_emptied(
    transaction: &Transaction<'_>,
    barrier: Barrier,
    steps: &[Step],
    untidy: &mut Vec<Trouble>,
) {
    let (root, mut above_removed) = (transaction.root, BTreeSet::new());
    let deletes = steps.iter().filter(|step| step.verb == Verb::Delete);
    let parents: BTreeSet<&str> = deletes.filter_map(|step| step.path.parent()).collect();
    for parent in parents.into_iter().rev() {
        let mut path = RepoPath::new(parent).ok();
        while let Some(directory) = path {
            let above = disk::open_beneath(root.directory(), directory.parent().unwrap_or(""));
            match above.and_then(|above| {
                root.disk
                    .remove_directory(above.as_fd(), directory.file_name())
            }) {
                // Whoever was cut off may have removed it, and not the one above.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if is_in_use(&error) || !is_empty(root, &directory) => break,
                Err(error) => untidy.push(Trouble::new(
                    format!("remove the empty directory `{directory}`"),
                    error,
                )),
                Ok(()) => drop(above_removed.insert(directory.parent().unwrap_or("").to_owned())),
            }
            path = directory
                .parent()
                .and_then(|parent| RepoPath::new(parent).ok());
        }
    }
    if !above_removed.is_empty() && root.disk.takes(Care::SecondBarrier) {
        let durable = barrier.directories(
            transaction,
            &above_removed.iter().map(String::as_str).collect(),
        );
        untidy.extend(
            durable
                .during(|| "make the removal of empty directories durable".to_owned())
                .err(),
        );
    }
}

fn in_order(steps: &[Step], direction: Direction) -> Box<dyn Iterator<Item = &Step> + '_> {
    match direction {
        Direction::Back => Box::new(steps.iter().rev()),
        Direction::Forward => Box::new(steps.iter()),
    }
}

/// What a slot or a path holds, as seen from its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Nothing,
    /// The file that the step puts there.
    New,
    /// The file that the step displaces.
    Old,
    /// Something else: somebody's, or torn before the journal was durable.
    Other,
}

/// What is to be done about a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    /// It is as it should be.
    Nothing,
    /// Slot and path change places.
    Exchange,
    /// What is in the slot goes to the path.
    Put,
    /// What is at the path goes to the slot.
    Take,
    /// The slot is a second name of the path's file: the path's is removed.
    Unlink,
    /// The path holds somebody's file, and the slot what they may want: it is kept.
    Keep,
    /// The path holds somebody's file in place of loom's: it stays.
    Stay,
    /// The directory is removed, if nothing is in it.
    Leave,
    /// The directory is made.
    Make,
    /// It cannot be: the disk lost something that was durable.
    Lost,
}

/// What undoes a step. `one_file` says that slot and path are two names of one file.
fn back(verb: Verb, slot: Held, target: Held, one_file: bool) -> Task {
    match (verb, slot, target) {
        (Verb::Directory, _, _) => Task::Leave,
        // It was not done; or it was undone, and tidied up.
        (Verb::Create, Held::New, Held::New) if one_file => Task::Unlink,
        (Verb::Create | Verb::Update, Held::New, _) => Task::Nothing,
        (Verb::Create, Held::Nothing, Held::New) => Task::Take,
        (Verb::Create, Held::Nothing, Held::Nothing) => Task::Nothing,
        (Verb::Create, Held::Nothing, Held::Old | Held::Other) => Task::Stay,
        (Verb::Create, Held::Old | Held::Other, Held::New) => Task::Lost,
        (Verb::Create, Held::Old | Held::Other, Held::Nothing | Held::Old | Held::Other) => {
            Task::Nothing
        }
        (Verb::Update, Held::Nothing, Held::New) => Task::Lost,
        (Verb::Update, Held::Nothing, Held::Nothing | Held::Old | Held::Other) => Task::Nothing,
        (Verb::Update, Held::Old | Held::Other, Held::New) => Task::Exchange,
        (Verb::Update, Held::Old | Held::Other, Held::Old) => Task::Nothing,
        (Verb::Update, Held::Old, Held::Nothing) => Task::Put,
        (Verb::Update, Held::Old | Held::Other, Held::Other)
        | (Verb::Update, Held::Other, Held::Nothing) => Task::Keep,
        (Verb::Delete, Held::Nothing, _) => Task::Nothing,
        (Verb::Delete, Held::New | Held::Old | Held::Other, Held::Nothing) => Task::Put,
        (Verb::Delete, Held::New | Held::Old, Held::Old) => Task::Nothing,
        (
            Verb::Delete,
            Held::New | Held::Old | Held::Other,
            Held::New | Held::Old | Held::Other,
        ) => Task::Keep,
    }
}

/// What ends a step of a transaction that is committed.
fn forward(verb: Verb, slot: Held, target: Held, one_file: bool) -> Task {
    match (verb, slot, target) {
        (Verb::Directory, _, Held::Nothing) => Task::Make,
        (Verb::Directory, _, Held::New | Held::Old | Held::Other) => Task::Nothing,
        (Verb::Create, Held::New, Held::Nothing) => Task::Put,
        (Verb::Update, Held::New, Held::Old) => Task::Exchange,
        (Verb::Create | Verb::Update, Held::New, Held::New) => Task::Nothing,
        (Verb::Create, Held::New, Held::Old | Held::Other) => Task::Keep,
        (Verb::Update, Held::New, Held::Nothing | Held::Other) => Task::Keep,
        (Verb::Create, Held::Old | Held::Other, Held::Nothing) => Task::Lost,
        (Verb::Create, Held::Nothing | Held::Old | Held::Other, _) => Task::Nothing,
        (Verb::Update, Held::Nothing, Held::Old) => Task::Lost,
        (Verb::Update, Held::Nothing | Held::Old | Held::Other, _) => Task::Nothing,
        (Verb::Delete, Held::Nothing, Held::Old) => Task::Take,
        (Verb::Delete, Held::Nothing, Held::Nothing | Held::New | Held::Other) => Task::Nothing,
        (Verb::Delete, Held::New | Held::Old | Held::Other, _) if one_file => Task::Unlink,
        (Verb::Delete, Held::New | Held::Old | Held::Other, _) => Task::Nothing,
    }
}

struct Settling<'a, 'r> {
    transaction: &'a Transaction<'r>,
    direction: Direction,
    parent: Parent<'r>,
    buffer: Vec<u8>,
}

impl Settling<'_, '_> {
    /// Settles one step.
    fn step(&mut self, step: &Step) -> io::Result<Option<Kept>> {
        let ended = match step.verb {
            Verb::Update => self
                .transaction
                .end_swap(step, self.parent.of(&step.path).ok())?,
            Verb::Directory | Verb::Create | Verb::Delete => None,
        };
        let task = self.task(step)?;
        let kept = self.carry_out(task, step)?;
        Ok(kept.or(ended))
    }

    /// What is to be done about a step, by what its slot and its path hold.
    fn task(&mut self, step: &Step) -> io::Result<Task> {
        let (slot, slot_facts) = held(
            self.transaction.slots(),
            &step.slot(),
            step,
            &mut self.buffer,
        )?;
        let (target, target_facts) = match self.parent.surely_of(&step.path)? {
            Ok(directory) => held(directory, step.path.file_name(), step, &mut self.buffer)?,
            Err(Observed::Absent) => (Held::Nothing, None),
            Err(Observed::Foreign(_) | Observed::Damaged(_) | Observed::File(_)) => {
                (Held::Other, None)
            }
        };
        let one_file = slot_facts
            .zip(target_facts)
            .is_some_and(|(slot, target)| slot.same_file(&target));
        // The control: recovery that is sure of what the path holds, and misreads what somebody wrote.
        let slot = match (self.transaction.root.disk.takes(Care::Slot), step.verb) {
            (false, Verb::Update) if target != Held::New => Held::New,
            _ => slot,
        };
        Ok(match self.direction {
            Direction::Back => back(step.verb, slot, target, one_file),
            Direction::Forward => forward(step.verb, slot, target, one_file),
        })
    }

    fn carry_out(&mut self, task: Task, step: &Step) -> io::Result<Option<Kept>> {
        let (transaction, disk, direction) = (
            self.transaction,
            &self.transaction.root.disk,
            self.direction,
        );
        let (slots, slot, name) = (transaction.slots(), step.slot(), step.path.file_name());
        match task {
            Task::Nothing => return Ok(None),
            Task::Keep => return self.keep(step).map(Some),
            Task::Stay => {
                return Ok(Some(Kept {
                    path: step.path.clone(),
                    what: Rescued::Theirs,
                }));
            }
            Task::Lost => {
                return Err(io::Error::other(
                    "what was at its place is not where loom put it",
                ));
            }
            Task::Leave => return self.leave(step).map(|()| None),
            Task::Put | Task::Make => self.make_parents(&step.path)?,
            Task::Exchange | Task::Take | Task::Unlink => {}
        }
        let directory = self
            .parent
            .of(&step.path)
            .map_err(|instead| io::Error::other(describe(instead)))?;
        match task {
            Task::Make => match disk.make_directory(directory, name, 0o777) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                Ok(()) | Err(_) => return Ok(None),
            },
            Task::Unlink => disk.unlink(directory, name)?,
            Task::Put => disk.rename((slots, &slot), (directory, name))?,
            Task::Take => disk.take((directory, name), (slots, &slot))?,
            Task::Exchange => transaction.swap(&slot, directory, name)?,
            Task::Nothing | Task::Keep | Task::Stay | Task::Lost | Task::Leave => {}
        }
        if direction == Direction::Back && matches!(task, Task::Put | Task::Exchange) {
            // A build that ran in between must see that the file changed again. Nothing depends on it.
            drop(disk.touch(directory, name));
        }
        self.look_after(task, step)
    }

    /// What was displaced just now must be what the table saw: if somebody came in between, theirs goes back.
    fn look_after(&mut self, task: Task, step: &Step) -> io::Result<Option<Kept>> {
        let expected = match (task, self.direction) {
            (Task::Take | Task::Exchange, Direction::Back) => Held::New,
            (Task::Take | Task::Exchange, Direction::Forward) => Held::Old,
            _ => return Ok(None),
        };
        let (transaction, slot, name) = (self.transaction, step.slot(), step.path.file_name());
        if held(transaction.slots(), &slot, step, &mut self.buffer)?.0 == expected {
            return Ok(None);
        }
        let directory = self
            .parent
            .of(&step.path)
            .map_err(|instead| io::Error::other(describe(instead)))?;
        if task == Task::Take {
            transaction
                .root
                .disk
                .rename((transaction.slots(), &slot), (directory, name))?;
            return Ok(Some(Kept {
                path: step.path.clone(),
                what: Rescued::Theirs,
            }));
        }
        transaction.swap(&slot, directory, name)?;
        self.keep(step).map(Some)
    }

    /// Keeps what the slot holds, beside somebody's file at the path.
    fn keep(&self, step: &Step) -> io::Result<Kept> {
        let place = self.transaction.keep(&step.slot(), &step.path)?;
        Ok(Kept {
            path: step.path.clone(),
            what: Rescued::Other(place),
        })
    }

    /// Removes a directory that loom made, unless something is in it.
    fn leave(&mut self, step: &Step) -> io::Result<()> {
        let Ok(directory) = self.parent.of(&step.path) else {
            return Ok(());
        };
        match self
            .transaction
            .root
            .disk
            .remove_directory(directory, step.path.file_name())
        {
            // Nothing is lost with an empty directory that stays, and recovery must end.
            Err(error) if is_in_use(&error) || error.kind() == io::ErrorKind::PermissionDenied => {
                Ok(())
            }
            removed => removed,
        }
    }

    /// Makes the directories of a path that somebody removed.
    fn make_parents(&mut self, path: &RepoPath) -> io::Result<()> {
        let Err(Observed::Absent) = self.parent.of(path) else {
            return Ok(());
        };
        let root = self.transaction.root;
        for (end, _) in path.as_str().match_indices('/') {
            let Ok(directory) = RepoPath::new(&path.as_str()[..end]) else {
                continue;
            };
            let mut parent = Parent::new(root);
            let above = parent
                .of(&directory)
                .map_err(|instead| io::Error::other(describe(instead)))?;
            match root
                .disk
                .make_directory(above, directory.file_name(), 0o777)
            {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        self.parent = Parent::new(root);
        Ok(())
    }

    /// What a person has to do for every step that is not settled.
    fn remaining(&mut self, steps: &[Step]) -> Vec<String> {
        let commands = in_order(steps, self.direction).filter_map(|step| match self.task(step) {
            Ok(task) => self.command(task, step),
            Err(error) => Some(format!("# `{}` cannot be looked at: {error}", step.path)),
        });
        commands.collect()
    }

    fn command(&self, task: Task, step: &Step) -> Option<String> {
        let place = self.transaction.slots_path();
        let path = quoted(&self.transaction.root.path().join(step.path.as_str()));
        let slot = quoted(&place.join(step.slot()));
        let aside = quoted(&place.join(aside(&step.slot())));
        match task {
            Task::Nothing | Task::Stay => None,
            Task::Exchange => Some(format!(
                "mv -f -- {path} {aside}; mv -n -- {slot} {path}; mv -n -- {aside} {slot}"
            )),
            Task::Put => Some(format!("mv -n -- {slot} {path}")),
            Task::Take => Some(format!("mv -n -- {path} {slot}")),
            Task::Unlink => Some(format!("rm -f -- {path}")),
            Task::Leave if self.is_missing(step) => None,
            Task::Leave => Some(format!(
                "rmdir -- {path} || echo 'it holds other files: leave it'"
            )),
            Task::Make => Some(format!("mkdir -p -- {path}")),
            Task::Keep => Some(format!(
                "# {slot} holds an earlier {path}: keep it where you like, then remove it"
            )),
            Task::Lost => Some(format!(
                "# what was at {path} is lost: restore it, from Git for example"
            )),
        }
    }

    fn is_missing(&self, step: &Step) -> bool {
        let above = disk::open_beneath(
            self.transaction.root.directory(),
            step.path.parent().unwrap_or(""),
        );
        above.is_ok_and(|above| disk::facts(above.as_fd(), step.path.file_name()).is_err())
    }
}

fn held(
    directory: BorrowedFd<'_>,
    name: &str,
    step: &Step,
    buffer: &mut Vec<u8>,
) -> io::Result<(Held, Option<Facts>)> {
    Ok(match look(directory, name, buffer) {
        // What loom may not read is not what loom wrote.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            (Held::Other, disk::facts(directory, name).ok())
        }
        Err(error) => return Err(error),
        Ok(found) => of_found(found, step),
    })
}

fn of_found(found: Found, step: &Step) -> (Held, Option<Facts>) {
    match found {
        Found::Nothing => (Held::Nothing, None),
        Found::Other(_) => (Held::Other, None),
        Found::File(content, facts) if Some(content) == step.new => (Held::New, Some(facts)),
        Found::File(content, facts) if Some(content) == step.old => (Held::Old, Some(facts)),
        Found::File(_, facts) => (Held::Other, Some(facts)),
    }
}

fn describe(instead: &Observed) -> String {
    match instead {
        Observed::Foreign(what) | Observed::Damaged(what) => format!("there is {what}"),
        Observed::Absent | Observed::File(_) => "its directory is gone".to_owned(),
    }
}

/// Whether a directory was not removed because something is in it or on it, or because it is gone.
pub(crate) fn is_in_use(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotADirectory, NotFound, ResourceBusy};
    matches!(
        error.kind(),
        DirectoryNotEmpty | AlreadyExists | NotFound | NotADirectory | ResourceBusy
    )
}

/// Whether nothing is in a directory, as far as it lets itself be read: a removal that is not
/// permitted is refused whatever is in it.
fn is_empty(root: &Root, directory: &RepoPath) -> bool {
    let listed = disk::open_beneath(root.directory(), directory.as_str())
        .and_then(|opened| disk::list(opened.as_fd()));
    listed.map_or(true, |inside| inside.is_empty())
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Back => "put back",
            Self::Forward => "carry out",
        })
    }
}
