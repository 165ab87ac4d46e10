//! Committing: the staged contents and the repository's change places.
//!
//! In: [`Staged`]. Out: [`Committed`], or an error after which the repository is as it was before.
//!
//! The order is directories, creates, updates, deletes. An update is an exchange: the old file lands
//! in the slot, which is the backup and its own inverse. What was displaced is looked at *after* the
//! exchange, so that there is no moment in which an edit can be lost: if it is not what the guard
//! says, it goes back, and everything else with it.
//!
//! Invariants: every error leaves the tree as it was (test `every_fault_puts_everything_back`) or
//! says the commands that do (test `a_fault_that_stays_is_said_with_its_commands`); bytes that
//! somebody wrote meanwhile are never removed (tests `an_edit_…`).
//!
//! Deliberately not here: kills and power loss, which need a journal. They have their places: the
//! barriers, the file of steps, and one line at which everything is committed.

use std::io;
use std::os::fd::AsFd as _;

use loom_plan::addr::RepoPath;
use loom_plan::snapshot::Observed;

use crate::disk::{self, Facts};
use crate::lock::IndexLock;
use crate::observe::{Found, Parent, examine};
use crate::stage::{Planned, Staged, make_names_durable};
use crate::stale::{Stale, meets};
use crate::transaction::{Kept, Verb};
use crate::trouble::{During as _, Trouble};

/// Everything is as planned. Exit code 0.
#[derive(Debug)]
pub struct Committed {
    /// Displaced files that somebody wrote to after they were displaced.
    pub kept: Vec<Kept>,
    /// What could not be tidied up. Nothing of it touches the managed files.
    pub untidy: Vec<Trouble>,
}

/// Why nothing was committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Something else stood at a path than the plan saw; everything was put back. Exit code 3.
    #[error("the plan became stale while it was applied, and everything was put back: {}", crate::stale::list(stale))]
    Stale {
        /// What stood there.
        stale: Vec<Stale>,
        /// What somebody else changed while it was put back.
        kept: Vec<Kept>,
    },
    /// The system refused; everything was put back. Exit code 7.
    #[error("{trouble}; everything was put back")]
    PutBack {
        /// What it refused.
        trouble: Trouble,
        /// What somebody else changed while it was put back.
        kept: Vec<Kept>,
    },
    /// Not everything could be put back; nothing was removed. Exit code 8.
    #[error("{cause}; putting everything back did not succeed either, and some commands remain to be run")]
    Unfinished {
        /// Why it was to be put back.
        cause: String,
        /// What could not be put back.
        failures: Vec<Trouble>,
        /// What puts it back, as commands for a shell, in order.
        commands: Vec<String>,
    },
}

/// Why the commit goes no further.
enum Stop {
    Stale(Stale),
    Trouble(Trouble),
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// A step that was carried out.
struct Done {
    /// Its number.
    step: usize,
    /// What it displaced into its slot, once that was looked at.
    displaced: Option<Facts>,
}

struct Work<'r> {
    staged: Staged<'r>,
    index: Option<IndexLock>,
    done: Vec<Done>,
    buffer: Vec<u8>,
}

impl Staged<'_> {
    /// Carries out every change, or none.
    ///
    /// # Errors
    /// [`CommitError`]; but for [`CommitError::Unfinished`] everything is as it was before.
    pub fn commit(self) -> Result<Committed, CommitError> {
        match IndexLock::take(self.approved.root) {
            Err(trouble) => Err(CommitError::PutBack { trouble, kept: Vec::new() }),
            Ok(index) => {
                let mut work = Work { staged: self, index, done: Vec::new(), buffer: Vec::new() };
                match work.forward() {
                    Ok(()) => Ok(work.finish()),
                    Err(stop) => Err(work.back(stop)),
                }
            }
        }
    }
}

impl Work<'_> {
    fn forward(&mut self) -> Result<(), Stop> {
        self.staged.transaction.exchanging();
        let root = self.staged.approved.root;
        let mut parent = Parent::new(root);
        let directories = self.staged.steps.iter().filter(|planned| planned.step.verb == Verb::Directory).count();
        for number in 0..self.staged.steps.len() {
            if number == directories && number > 0 {
                // A name in a directory that a power loss forgets would be forgotten with it.
                make_names_durable(&self.staged).during(|| "make the new directories durable".to_owned())?;
            }
            self.step(number, &mut parent)?;
        }
        self.second_look()?;
        make_names_durable(&self.staged).during(|| "make the changes durable".to_owned())?;
        let path = self.staged.transaction.path();
        Ok(self.staged.transaction.committed().during(|| format!("commit `{}`", path.display()))?)
    }

    fn step(&mut self, number: usize, parent: &mut Parent<'_>) -> Result<(), Stop> {
        let Planned { step, expect } = self.staged.steps[number].clone();
        let (path, name) = (&step.path, step.path.file_name());
        let stale = |found: Observed| Stop::Stale(Stale { path: path.clone(), expected: expect, found });
        let directory = parent.of(path).map_err(|instead| stale(instead.clone()))?;
        let (transaction, disk) = (&self.staged.transaction, &self.staged.approved.root.disk);
        let slots = transaction.slots();
        let moved = match step.verb {
            Verb::Directory => disk.make_directory(directory, name, 0o777),
            Verb::Create => disk.rename((slots, &step.slot), (directory, name)),
            Verb::Update => transaction.swap(&step.slot, directory, name),
            Verb::Delete => disk.rename((directory, name), (slots, &step.slot)),
        };
        match (moved, step.verb) {
            (Ok(()), _) => self.done.push(Done { step: number, displaced: None }),
            // Somebody else made the directory meanwhile: it stays.
            (Err(error), Verb::Directory) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            (Err(error), _) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
                let found = examine(directory, name, &mut self.buffer).during(|| format!("look at `{path}`"))?;
                return Err(stale(found.observed()));
            }
            (Err(error), _) => return Err(Trouble::new(format!("{} `{path}`", word(step.verb)), error).into()),
        }
        if matches!(step.verb, Verb::Directory | Verb::Create) {
            return Ok(());
        }
        match examine(slots, &step.slot, &mut self.buffer).during(|| format!("look at what was at `{path}`"))? {
            Found::File(content, facts) if meets(&Observed::File(content), expect) => {
                if let Some(done) = self.done.last_mut() {
                    done.displaced = Some(facts);
                }
                Ok(())
            }
            found @ (Found::Nothing | Found::File(..) | Found::Other(_)) => Err(stale(found.observed())),
        }
    }

    /// Whether somebody wrote to a displaced file through a descriptor opened before.
    fn second_look(&mut self) -> Result<(), Stop> {
        for done in &self.done {
            if self.is_untouched(done) {
                continue;
            }
            let Planned { step, expect } = &self.staged.steps[done.step];
            let found = examine(self.staged.transaction.slots(), &step.slot, &mut self.buffer)
                .during(|| format!("look again at what was at `{}`", step.path))?;
            return Err(Stop::Stale(Stale { path: step.path.clone(), expected: *expect, found: found.observed() }));
        }
        Ok(())
    }

    /// Whether what a step displaced is as it was when it was looked at.
    fn is_untouched(&self, done: &Done) -> bool {
        let slot = &self.staged.steps[done.step].step.slot;
        done.displaced.is_none_or(|seen| disk::facts(self.staged.transaction.slots(), slot).is_ok_and(|now| now == seen))
    }

    /// Removes what nobody needs any more. Nothing here can undo the commit.
    fn finish(mut self) -> Committed {
        let (mut kept, mut untidy) = (Vec::new(), Vec::new());
        for done in self.done.iter().filter(|done| !self.is_untouched(done)) {
            let step = &self.staged.steps[done.step].step;
            match self.staged.transaction.keep(&step.slot, &step.path).during(|| format!("keep what was at `{}`", step.path)) {
                Ok(moved) => kept.push(moved),
                Err(trouble) => untidy.push(trouble),
            }
        }
        let path = self.staged.transaction.path();
        if untidy.is_empty() {
            untidy.extend(self.staged.transaction.discard().during(|| format!("remove `{}`", path.display())).err());
        } else {
            self.staged.transaction.exchanging();
        }
        self.remove_emptied(&mut untidy);
        untidy.extend(self.index.take().and_then(|index| index.release(self.staged.approved.root).err()));
        Committed { kept, untidy }
    }

    /// Removes the directories whose last file was deleted.
    fn remove_emptied(&self, untidy: &mut Vec<Trouble>) {
        let root = self.staged.approved.root;
        for planned in self.staged.steps.iter().filter(|planned| planned.step.verb == Verb::Delete) {
            let mut path = planned.step.path.parent().and_then(|parent| RepoPath::new(parent).ok());
            while let Some(directory) = path {
                let above = disk::open_beneath(root.directory(), directory.parent().unwrap_or(""));
                match above.and_then(|above| root.disk.remove_directory(above.as_fd(), directory.file_name())) {
                    Err(error) if is_full(&error) => break,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    removed => untidy.extend(removed.during(|| format!("remove the empty directory `{directory}`")).err()),
                }
                path = directory.parent().and_then(|parent| RepoPath::new(parent).ok());
            }
        }
    }

    /// Puts everything back, in reverse. Goes on past failures, and removes nothing if there was one.
    fn back(mut self, stop: Stop) -> CommitError {
        let (mut kept, mut failures) = (Vec::new(), Vec::new());
        for done in self.done.iter().rev() {
            let Planned { step, .. } = &self.staged.steps[done.step];
            match self.undo(done.step).during(|| format!("put back `{}`", step.path)) {
                Ok(left) => kept.extend(left),
                Err(trouble) => failures.push(trouble),
            }
        }
        let mut commands = Vec::new();
        if failures.is_empty() {
            self.staged.transaction.put_back();
            if let Some(Err(trouble)) = self.index.take().map(|index| index.release(self.staged.approved.root)) {
                commands.extend(IndexLock::command(self.staged.approved.root));
                failures.push(trouble);
            }
        } else {
            commands = self.staged.transaction.remaining();
            commands.extend(self.index.take().and_then(|_| IndexLock::command(self.staged.approved.root)));
        }
        match stop {
            stop if !failures.is_empty() => CommitError::Unfinished { cause: stop.to_string(), failures, commands },
            Stop::Stale(stale) => CommitError::Stale { stale: vec![stale], kept },
            Stop::Trouble(trouble) => CommitError::PutBack { trouble, kept },
        }
    }

    /// Undoes one step. What somebody else put in the place of loom's content stays where it is.
    fn undo(&self, number: usize) -> io::Result<Option<Kept>> {
        let step = &self.staged.steps[number].step;
        let (transaction, disk) = (&self.staged.transaction, &self.staged.approved.root.disk);
        let (slots, slot, name) = (transaction.slots(), step.slot.as_str(), step.path.file_name());
        let opened = disk::open_beneath(self.staged.approved.root.directory(), step.path.parent().unwrap_or(""))?;
        let directory = opened.as_fd();
        let ours = || transaction.holds(slot, step.new);
        let gone = |moved: &io::Result<()>| matches!(moved, Err(error) if error.kind() == io::ErrorKind::NotFound);
        match step.verb {
            Verb::Directory => match disk.remove_directory(directory, name) {
                Err(error) if is_full(&error) || error.kind() == io::ErrorKind::NotFound => Ok(None),
                removed => removed.map(|()| None),
            },
            Verb::Create => {
                let moved = disk.rename((directory, name), (slots, slot));
                if gone(&moved) {
                    return Ok(None);
                }
                moved?;
                if ours()? {
                    return Ok(None);
                }
                disk.rename((slots, slot), (directory, name))?;
                Ok(Some(Kept { path: step.path.clone(), place: None }))
            }
            Verb::Update => {
                let moved = transaction.swap(slot, directory, name);
                if gone(&moved) {
                    return disk.rename((slots, slot), (directory, name)).map(|()| None);
                }
                moved?;
                if ours()? {
                    return Ok(None);
                }
                transaction.swap(slot, directory, name)?;
                transaction.keep(slot, &step.path).map(Some)
            }
            Verb::Delete => match disk.rename((slots, slot), (directory, name)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => transaction.keep(slot, &step.path).map(Some),
                moved => moved.map(|()| None),
            },
        }
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stale(stale) => stale.fmt(f),
            Self::Trouble(trouble) => trouble.fmt(f),
        }
    }
}

fn word(verb: Verb) -> &'static str {
    match verb {
        Verb::Directory => "make the directory",
        Verb::Create => "create",
        Verb::Update => "update",
        Verb::Delete => "delete",
    }
}

/// Whether a directory was not removed because something is in it.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists)
}
