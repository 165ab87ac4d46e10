//! Committing: the staged contents and the repository's change places.
//!
//! In: [`Staged`]. Out: [`Committed`], or an error after which the repository is as it was before.
//!
//! The order is: the journal, the first barrier, Git's lock; then directories, creates, updates,
//! deletes; the second look, the mark of the commit, the second barrier. An update is an exchange:
//! the old file lands in the slot, which is the backup and its own inverse. What was displaced is
//! looked at *after* the exchange, so that there is no moment in which an edit can be lost: if it is
//! not what was seen before, it goes back, and everything else with it.
//!
//! Invariants: every error leaves the tree as it was (test `every_fault_puts_everything_back`) or
//! says what remains to be done (test `a_fault_that_stays_is_said_with_its_commands`); so does every
//! kill, after `recover` (tests `a_kill_…`); bytes that somebody wrote meanwhile are never removed
//! (tests `an_edit_…`).
//!
//! Deliberately not here: the way back, which is the way of every run that was cut off (`recover`).

use std::io;

use loom_plan::addr::RepoPath;
use loom_plan::plan::Expect;
use loom_plan::snapshot::Observed;

use crate::care::Care;
use crate::disk::{self, Facts};
use crate::history;
use crate::journal::{self, Counts, Head, Journal, Read, Stage, Step, Verb};
use crate::lock::IndexLock;
use crate::observe::{Found, Parent};
use crate::recover::{Direction, Unfinished, remove_emptied, settle};
use crate::stage::{Seen, Staged};
use crate::stale::Stale;
use crate::transaction::{Kept, Mark, Rescued, look};
use crate::trouble::{During as _, Trouble};

/// Everything is as planned. Exit code 0.
#[derive(Debug)]
pub struct Committed {
    /// The number under which `loom rollback` undoes it.
    pub id: u64,
    /// Displaced files that somebody wrote to after they were displaced.
    pub kept: Vec<Kept>,
    /// Files whose other names (hard links) keep the old content.
    pub linked: Vec<RepoPath>,
    /// What could not be tidied up. Nothing of it touches the managed files.
    pub untidy: Vec<Trouble>,
}

/// Why nothing was committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Something else stood at a path than the plan saw; everything was put back. Exit code 3.
    #[error(
        "the plan became stale while it was applied, and everything was put back: {}",
        crate::stale::list(stale)
    )]
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
    /// Somebody asked for an end; everything was put back. Exit code 7.
    #[error("the apply was interrupted, and everything was put back")]
    Stopped {
        /// What somebody else changed while it was put back.
        kept: Vec<Kept>,
    },
    /// Not everything could be put back; nothing was removed. Exit code 8.
    #[error("{cause}; putting everything back did not succeed either, and `loom recover` ends it")]
    Unfinished {
        /// Why it was to be put back.
        cause: String,
        /// What remains.
        unfinished: Unfinished,
    },
    /// Everything was done, and the system does not say whether it will last. Exit code 8.
    #[error(
        "{0}; every file is in its place, but it is not certain that a power loss leaves them there: run `loom recover`"
    )]
    Undecided(Trouble),
}

/// Why the commit goes no further.
enum End {
    Stale(Stale),
    Trouble(Trouble),
    Stopped,
}

impl From<Trouble> for End {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// A file that a step displaced into its slot, as it was when it was looked at.
struct Displaced {
    step: usize,
    facts: Facts,
    /// Whether it could have been written again since without a new time.
    is_racy: bool,
}

struct Work<'r> {
    staged: Staged<'r>,
    journal: Journal,
    index: Option<IndexLock>,
    displaced: Vec<Displaced>,
    buffer: Vec<u8>,
}

impl Staged<'_> {
    /// Carries out every change, or none.
    ///
    /// # Errors
    /// [`CommitError`]; but for [`CommitError::Unfinished`] and [`CommitError::Undecided`]
    /// everything is as it was before.
    pub fn commit(mut self) -> Result<Committed, CommitError> {
        let journal = Journal {
            head: self.head(),
            steps: std::mem::take(&mut self.steps),
        };
        let mut work = Work {
            staged: self,
            journal,
            index: None,
            displaced: Vec::new(),
            buffer: Vec::new(),
        };
        let mark = match work.announce() {
            Ok(mark) => mark,
            Err(trouble) => return Err(work.unannounced(trouble)),
        };
        work.staged.transaction.exchanging();
        match work.forward().and_then(|()| work.set(&mark)) {
            Ok(()) => work.finish(),
            Err(end) => Err(work.back(end)),
        }
    }

    fn head(&self) -> Head {
        Head {
            format: journal::FORMAT,
            id: self.transaction.id,
            command: self.approved.cause.command.clone(),
            digest: self.approved.cause.digest,
            undoes: self.transaction.undone().map(|entry| entry.id),
            exchange: self.transaction.exchange,
            bytes: self.steps.iter().map(|step| step.size).sum(),
            counts: Counts::of(&self.steps),
        }
    }
}

impl Work<'_> {
    /// Writes the journal, makes it and all new contents durable, and takes Git's lock.
    fn announce(&mut self) -> Result<Mark, Trouble> {
        let transaction = &self.staged.transaction;
        let doing = || format!("write the journal to `{}`", transaction.path().display());
        let mark = transaction.write_journal(&self.journal).during(doing)?;
        IndexLock::prepare(transaction)?;
        if transaction.root.disk.takes(Care::FirstBarrier) {
            let durable = self.staged.barrier.contents(transaction);
            durable.during(|| {
                format!(
                    "make the new contents in `{}` durable",
                    transaction.path().display()
                )
            })?;
        }
        self.index = IndexLock::take(transaction)?;
        Ok(mark)
    }

    /// Nothing was exchanged: the transaction only has to go.
    fn unannounced(mut self, trouble: Trouble) -> CommitError {
        let root = self.staged.approved.root;
        let removed = self
            .staged
            .transaction
            .discard()
            .during(|| "remove what was written aside".to_owned());
        let released = self
            .index
            .take()
            .map_or(Ok(()), |index| index.release(root));
        match removed.and(released) {
            Ok(()) => CommitError::PutBack {
                trouble,
                kept: Vec::new(),
            },
            Err(left) => {
                let directory = self.staged.transaction.path();
                let unfinished = Unfinished {
                    directory,
                    failures: vec![left],
                    commands: Vec::new(),
                };
                CommitError::Unfinished {
                    cause: trouble.to_string(),
                    unfinished,
                }
            }
        }
    }

    fn forward(&mut self) -> Result<(), End> {
        let root = self.staged.approved.root;
        self.staged
            .transaction
            .take_slots()
            .during(|| format!("take `{}`", self.staged.transaction.slots_path().display()))?;
        let mut parent = Parent::new(root);
        let directories = self
            .journal
            .steps
            .iter()
            .filter(|step| step.verb == Verb::Directory)
            .count();
        for number in 0..self.journal.steps.len() {
            if number == directories && number > 0 && root.disk.takes(Care::FirstBarrier) {
                // A name in a directory that a power loss forgets would be forgotten with it.
                let made = &self.journal.steps[..directories];
                let durable = self.staged.barrier.names(&self.staged.transaction, made);
                durable.during(|| "make the new directories durable".to_owned())?;
            }
            if self.staged.approved.stop.is_asked() {
                return Err(End::Stopped);
            }
            self.step(number, &mut parent)?;
        }
        self.second_look()?;
        if self.staged.approved.stop.is_asked() {
            Err(End::Stopped)
        } else {
            Ok(())
        }
    }

    fn step(&mut self, number: usize, parent: &mut Parent<'_>) -> Result<(), End> {
        let step = &self.journal.steps[number];
        let (path, slot, name) = (&step.path, step.slot(), step.path.file_name());
        let opened = parent
            .surely_of(path)
            .during(|| format!("open the directory of `{path}`"))?;
        let directory = opened.map_err(|instead| stale(step, instead.clone()))?;
        let (transaction, disk) = (&self.staged.transaction, &self.staged.approved.root.disk);
        let slots = transaction.slots();
        let moved = match step.verb {
            Verb::Directory => disk.make_directory(directory, name, 0o777),
            Verb::Create => disk.rename((slots, &slot), (directory, name)),
            Verb::Update => transaction.swap(&slot, directory, name),
            Verb::Delete => disk.take((directory, name), (slots, &slot)),
        };
        match (moved, step.verb) {
            (Ok(()), Verb::Directory | Verb::Create) => Ok(()),
            (Ok(()), Verb::Update | Verb::Delete) => self.look_at(number),
            // Somebody else made the directory meanwhile: it stays.
            (Err(error), Verb::Directory) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            (Err(error), _)
                if matches!(
                    error.kind(),
                    io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
                ) =>
            {
                let found = look(directory, name, &mut self.buffer)
                    .during(|| format!("look at `{path}`"))?;
                Err(stale(step, found.observed()))
            }
            (Err(error), _) => {
                Err(Trouble::new(format!("{} `{path}`", word(step.verb)), error).into())
            }
        }
    }

    /// Whether what a step displaced is what was seen before.
    fn look_at(&mut self, number: usize) -> Result<(), End> {
        let (step, root) = (&self.journal.steps[number], self.staged.approved.root);
        if !root.disk.takes(Care::Look) {
            return Ok(());
        }
        let (slots, doing) = (self.staged.transaction.slots(), || {
            format!("look at what was at `{}`", step.path)
        });
        let facts = disk::facts(slots, &step.slot()).during(doing)?;
        let is_racy = disk::is_racy(&facts);
        let is_same = |seen: &Seen| seen.facts == facts && !seen.is_racy;
        if !self.staged.seen[number].as_ref().is_some_and(is_same) {
            match look(slots, &step.slot(), &mut self.buffer).during(doing)? {
                Found::File(content, now) if Some(content) == step.old && now == facts => {}
                found @ (Found::Nothing | Found::File(..) | Found::Other(_)) => {
                    return Err(stale(step, found.observed()));
                }
            }
        }
        self.displaced.push(Displaced {
            step: number,
            facts,
            is_racy,
        });
        Ok(())
    }

    /// Whether somebody wrote to a displaced file through a descriptor opened before.
    fn second_look(&mut self) -> Result<(), End> {
        for displaced in &self.displaced {
            let step = &self.journal.steps[displaced.step];
            let doing = || format!("look again at what was at `{}`", step.path);
            if !is_untouched(&self.staged, step, displaced, &mut self.buffer).during(doing)? {
                let found = look(
                    self.staged.transaction.slots(),
                    &step.slot(),
                    &mut self.buffer,
                )
                .during(doing)?;
                return Err(stale(step, found.observed()));
            }
        }
        Ok(())
    }

    /// Sets the mark of the commit.
    fn set(&mut self, mark: &Mark) -> Result<(), End> {
        let transaction = &self.staged.transaction;
        let set = mark
            .set(transaction.root)
            .during(|| format!("commit `{}`", transaction.path().display()));
        match set {
            // An error does not say how much was written: the journal itself does.
            Err(_) if self.is_marked() => Ok(()),
            set => Ok(set?),
        }
    }

    fn is_marked(&self) -> bool {
        matches!(
            self.staged.transaction.read_journal(),
            Ok(Read::Sealed(_, Stage::Committed))
        )
    }

    /// Makes the commit last, and removes what nobody needs any more. Nothing here can undo it.
    fn finish(mut self) -> Result<Committed, CommitError> {
        let root = self.staged.approved.root;
        if root.disk.takes(Care::SecondBarrier) {
            let durable = self
                .staged
                .barrier
                .names(&self.staged.transaction, &self.journal.steps);
            durable
                .during(|| "make the changes durable".to_owned())
                .map_err(CommitError::Undecided)?;
        }
        let (mut kept, mut untidy) = (Vec::new(), Vec::new());
        for displaced in &self.displaced {
            let step = &self.journal.steps[displaced.step];
            match is_untouched(&self.staged, step, displaced, &mut self.buffer) {
                Ok(true) => continue,
                Ok(false) => {}
                // It stays in its slot, and is looked at again before it comes back or goes.
                Err(error) => {
                    untidy.push(Trouble::new(
                        format!("look again at what was at `{}`", step.path),
                        error,
                    ));
                    continue;
                }
            }
            match self
                .staged
                .transaction
                .keep(&step.slot(), &step.path)
                .during(|| format!("keep what was at `{}`", step.path))
            {
                Ok(place) => kept.push(Kept {
                    path: step.path.clone(),
                    what: Rescued::Late(place),
                }),
                Err(trouble) => untidy.push(trouble),
            }
        }
        let (id, path) = (self.staged.transaction.id, self.staged.transaction.path());
        // Before the transaction is closed: whoever is cut off here is ended by recovery.
        remove_emptied(
            &self.staged.transaction,
            self.staged.barrier,
            &self.journal.steps,
            &mut untidy,
        );
        // Git's lock first: whoever is cut off here leaves an open transaction, which says so.
        untidy.extend(
            self.index
                .take()
                .and_then(|index| index.release(root).err()),
        );
        untidy.extend(
            self.staged
                .transaction
                .retire()
                .during(|| format!("close `{}`", path.display()))
                .err(),
        );
        history::prune(root, &mut kept, &mut untidy);
        Ok(Committed {
            id,
            kept,
            linked: std::mem::take(&mut self.staged.linked),
            untidy,
        })
    }

    /// Puts everything back.
    fn back(mut self, end: End) -> CommitError {
        let root = self.staged.approved.root;
        let settled = settle(
            &mut self.staged.transaction,
            &self.journal,
            Direction::Back,
            self.staged.barrier,
        );
        let released = match &settled {
            Ok(_) => self
                .index
                .take()
                .map_or(Ok(()), |index| index.release(root)),
            // Git stays away from what is in between.
            Err(_) => Ok(()),
        };
        let kept = match (settled, released) {
            (Ok(kept), Ok(())) => kept,
            (Err(unfinished), _) => {
                return CommitError::Unfinished {
                    cause: end.to_string(),
                    unfinished,
                };
            }
            (Ok(_), Err(left)) => {
                let unfinished = Unfinished {
                    directory: self.staged.transaction.path(),
                    failures: vec![left],
                    commands: Vec::new(),
                };
                return CommitError::Unfinished {
                    cause: end.to_string(),
                    unfinished,
                };
            }
        };
        match end {
            End::Stale(stale) => CommitError::Stale {
                stale: vec![stale],
                kept,
            },
            End::Trouble(trouble) => CommitError::PutBack { trouble, kept },
            End::Stopped => CommitError::Stopped { kept },
        }
    }
}

/// Whether what a step displaced is as it was when it was looked at.
fn is_untouched(
    staged: &Staged<'_>,
    step: &Step,
    displaced: &Displaced,
    buffer: &mut Vec<u8>,
) -> io::Result<bool> {
    let slots = staged.transaction.slots();
    if disk::facts(slots, &step.slot())? != displaced.facts {
        return Ok(false);
    }
    Ok(!displaced.is_racy
        || matches!(look(slots, &step.slot(), buffer)?, Found::File(content, _) if Some(content) == step.old))
}

fn stale(step: &Step, found: Observed) -> End {
    let expected = step.old.map_or(Expect::Absent, Expect::Exactly);
    End::Stale(Stale {
        path: step.path.clone(),
        expected,
        found,
    })
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stale(stale) => stale.fmt(f),
            Self::Trouble(trouble) => trouble.fmt(f),
            Self::Stopped => f.write_str("the apply was interrupted"),
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
