//! The history: what earlier transactions did, and how to undo them.
//!
//! In: the `undo-<id>` directories of the private place. Out: what each did, and a staged
//! transaction that puts back the very files that it displaced.
//!
//! Undoing is a transaction like any other, with an entry of its own, so that it can be undone too. It
//! takes the slots of the entry that it undoes as they are, and exchanges each once more: what was put
//! in place then is in them afterwards. It is refused as a whole, naming the files, where one is no
//! longer what the entry left.
//!
//! How much is kept: the newest [`MOST`] entries, none older than [`OLDEST`], together at most
//! [`LARGEST`]; always the newest. Before an entry goes, what it displaced is looked at again: a
//! file that somebody wrote to since, through a descriptor that was open, is kept (test
//! `what_somebody_wrote_late_is_kept_when_its_entry_goes`).

use std::collections::BTreeSet;
use std::io;

use loom_plan::addr::{ContentHash, RepoPath};

use crate::disk;
use crate::journal::{Counts, FORMAT, Head, Journal, Read, Stage, Step, Verb};
use crate::observe::Found;
use crate::root::Root;
use crate::stage::{Approved, Failed, Fill, Guard, Job, Prepared, StageError, Staged, prepare};
use crate::stale::Stale;
use crate::transaction::{self, Kept, Phase, Rescued, Transaction, look};
use crate::trouble::{During as _, Trouble};

/// How many entries are kept.
pub const MOST: usize = 20;
/// How old an entry may be, in seconds: thirty days.
pub const OLDEST: u64 = 30 * 24 * 60 * 60;
/// How many bytes the displaced files of all entries may have together: 256 MiB.
pub const LARGEST: u64 = 256 << 20;

/// What an earlier transaction did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Its number.
    pub id: u64,
    /// The command: `apply`.
    pub command: String,
    /// The digest of its plan.
    pub digest: Option<ContentHash>,
    /// The entry that it undid.
    pub undoes: Option<u64>,
    /// The entry that undid it.
    pub undone_by: Option<u64>,
    /// When it was committed, in seconds since 1970.
    pub at: u64,
    /// How many files it changed.
    pub counts: Counts,
}

/// What was done to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Did {
    /// The file was made.
    Created,
    /// The file got another content or mode.
    Updated,
    /// The file was removed.
    Deleted,
}

/// Why an entry cannot be undone. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// There is no such entry. Exit code 1.
    #[error("there is no entry {0} in the history; `loom history` lists those that there are")]
    Unknown(u64),
    /// It has been undone. Exit code 1.
    #[error("entry {id} was rolled back by entry {by} already; `loom rollback {by}` undoes that")]
    Undone {
        /// The entry.
        id: u64,
        /// The one that undid it.
        by: u64,
    },
    /// It has been undone, and done again. Exit code 1.
    #[error(
        "entry {id} was rolled back, and entry {by} did it again; `loom rollback {by}` undoes that"
    )]
    Again {
        /// The entry.
        id: u64,
        /// The one that did it again.
        by: u64,
    },
    /// Files are no longer as it left them. Exit code 3.
    #[error("entry {id} cannot be rolled back, because something has changed since: {}{}", crate::stale::list(stale), later(*by))]
    Changed {
        /// The entry.
        id: u64,
        /// The files.
        stale: Vec<Stale>,
        /// A later entry that changed one of them.
        by: Option<u64>,
    },
    /// Its journal does not say what it did. Exit code 1.
    #[error(
        "what entry {0} did cannot be read: its journal is damaged, or was written by another version of loom"
    )]
    Unreadable(u64),
    /// It cannot be staged.
    #[error(transparent)]
    Stage(StageError),
    /// The history cannot be read. Exit code 1.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

fn later(by: Option<u64>) -> String {
    by.map_or_else(
        || "; bring these files back to what that entry left, and try again".to_owned(),
        |by| format!("; entry {by} changed some of them later: roll that back first, with `loom rollback {by}`"),
    )
}

/// What earlier transactions did, the newest first.
///
/// # Errors
/// The first [`Trouble`] of the disk.
pub fn history(root: &Root) -> Result<Vec<Past>, Trouble> {
    let mut past: Vec<Past> = Vec::new();
    for id in entries(root)? {
        let doing = || format!("read entry {id} of the history");
        let entry = match Transaction::open(root, Phase::Undo, id) {
            // Another loom removed it meanwhile: this one may only read, without the lock.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entry => entry.during(doing)?,
        };
        // The head alone: the history is listed often, and a journal may be long.
        let head = entry
            .read_head()
            .during(doing)?
            .filter(|head| head.format == FORMAT);
        let Some(Head {
            command,
            digest,
            undoes,
            counts,
            ..
        }) = head
        else {
            continue;
        };
        let at = entry.written_at().during(doing)?.0;
        let undone_by = past
            .iter()
            .find(|later| later.undoes == Some(id))
            .map(|later| later.id);
        past.push(Past {
            id,
            command,
            digest,
            undoes,
            undone_by,
            at,
            counts,
        });
    }
    Ok(past)
}

/// What an entry did, each path once.
///
/// # Errors
/// [`UndoError::Unreadable`] where its journal does not say.
pub fn changes(root: &Root, id: u64) -> Result<Vec<(Did, RepoPath)>, UndoError> {
    let (_, journal) = open(root, id)?;
    Ok(changes_of(&journal.steps))
}

/// What steps do to files, by path.
fn changes_of(steps: &[Step]) -> Vec<(Did, RepoPath)> {
    let did = |verb| match verb {
        Verb::Directory => None,
        Verb::Create => Some(Did::Created),
        Verb::Update => Some(Did::Updated),
        Verb::Delete => Some(Did::Deleted),
    };
    let mut changes: Vec<_> = steps
        .iter()
        .filter_map(|step| Some((did(step.verb)?, step.path.clone())))
        .collect();
    changes.sort_by(|(_, one), (_, other)| one.cmp(other));
    changes
}

impl Staged<'_> {
    /// What committing does, each path once.
    pub fn changes(&self) -> Vec<(Did, RepoPath)> {
        changes_of(&self.steps)
    }
}

fn open(root: &Root, id: u64) -> Result<(Transaction<'_>, Journal), UndoError> {
    let doing = || format!("read entry {id} of the history");
    let entry = Transaction::open(root, Phase::Undo, id).during(doing)?;
    match entry.read_journal().during(doing)? {
        Read::Sealed(journal, Stage::Committed) => Ok((entry, journal)),
        Read::Sealed(_, Stage::Open) | Read::Unsealed | Read::Foreign(_) | Read::Refused => {
            Err(UndoError::Unreadable(id))
        }
    }
}

/// The entry that `loom rollback` undoes where none is named: the newest that is in force.
pub fn newest(past: &[Past]) -> Option<&Past> {
    let entry = |id: u64| past.iter().find(|entry| entry.id == id);
    // An entry that undoes one that did something only takes something back; one that undoes such an
    // entry does something again.
    let does = |entry_of: &Past| {
        let chain = std::iter::successors(entry_of.undoes, |id| {
            entry(*id).and_then(|entry| entry.undoes)
        });
        chain.count() % 2 == 0
    };
    past.iter()
        .find(|entry| entry.undone_by.is_none() && does(entry))
}

/// The numbers of the entries, the newest first.
fn entries(root: &Root) -> Result<Vec<u64>, Trouble> {
    let all = transaction::all(root)
        .during(|| format!("list the history in `{}`", root.private().display()))?;
    Ok(all
        .into_iter()
        .rev()
        .filter_map(|(phase, id)| (phase == Phase::Undo).then_some(id))
        .collect())
}

impl<'r> Approved<'r> {
    /// Stages what puts back the files that an entry of the history displaced. The changes of `self`
    /// are not looked at.
    ///
    /// # Errors
    /// [`UndoError`], with the right to write given back.
    pub fn stage_undo(self, id: u64) -> Result<Staged<'r>, Box<Failed<Self, UndoError>>> {
        match undo(&self, id) {
            Ok(prepared) => Ok(prepared.staged(self)),
            Err(error) => Err(Box::new(Failed {
                instance: self,
                error,
            })),
        }
    }
}

fn undo<'r>(approved: &Approved<'r>, id: u64) -> Result<Prepared<'r>, UndoError> {
    let past = history(approved.root)?;
    let named = past
        .iter()
        .find(|entry| entry.id == id)
        .ok_or(UndoError::Unknown(id))?;
    if let Some(error) = undone(&past, named) {
        return Err(error);
    }
    let (entry, journal) = open(approved.root, id)?;
    let jobs: Vec<Job<'_>> = journal.steps.iter().filter_map(job).collect();
    let none = |_: usize, _: Option<Vec<u8>>| {
        Err("an entry of the history has its own contents".to_owned())
    };
    prepare(approved, Some(entry), &jobs, &none).map_err(|error| match error {
        StageError::Stale(stale) => {
            let by = changed_later(approved.root, &past, id, &stale);
            UndoError::Changed { id, stale, by }
        }
        other @ (StageError::Away(_)
        | StageError::Git(_)
        | StageError::Overlap(..)
        | StageError::Content { .. }
        | StageError::Late(_)
        | StageError::Trouble(_)
        | StageError::Stopped) => UndoError::Stage(other),
    })
}

/// Why an entry is not in force any more, if it is not.
fn undone(past: &[Past], named: &Past) -> Option<UndoError> {
    let next = |id: &u64| {
        past.iter()
            .find(|entry| entry.id == *id)
            .and_then(|entry| entry.undone_by)
    };
    let later: Vec<u64> = std::iter::successors(named.undone_by, next).collect();
    let (id, by) = (named.id, *later.last()?);
    // One undoes it, two do it again, three undo that.
    Some(if later.len() % 2 == 1 {
        UndoError::Undone { id, by }
    } else {
        UndoError::Again { id, by }
    })
}

/// What undoes a step of an entry. Directories that become empty go without being asked.
fn job(step: &Step) -> Option<Job<'_>> {
    let fill = match step.verb {
        Verb::Directory => return None,
        Verb::Create | Verb::Update | Verb::Delete => step.old.map_or(Fill::Nothing, Fill::Restore),
    };
    Some(Job {
        path: &step.path,
        slot: step.slot,
        guard: Guard::Whole(step.new),
        fill,
    })
}

/// The newest later entry in force that touched one of the files.
fn changed_later(root: &Root, past: &[Past], id: u64, stale: &[Stale]) -> Option<u64> {
    let paths: BTreeSet<&RepoPath> = stale.iter().map(|stale| &stale.path).collect();
    let touches = |entry: &&Past| {
        changes(root, entry.id)
            .is_ok_and(|changes| changes.iter().any(|(_, path)| paths.contains(path)))
    };
    past.iter()
        .filter(|entry| entry.id > id && entry.undone_by.is_none())
        .find(touches)
        .map(|entry| entry.id)
}

/// Removes the entries that are too many, too old or too large.
pub(crate) fn prune(root: &Root, kept: &mut Vec<Kept>, untidy: &mut Vec<Trouble>) {
    let entries = match entries(root) {
        Ok(entries) => entries,
        Err(trouble) => return untidy.push(trouble),
    };
    let mut bytes = 0;
    for (place, id) in entries.into_iter().enumerate() {
        let goes = Transaction::open(root, Phase::Undo, id).and_then(|entry| {
            // What was undone holds nothing any more.
            bytes += entry
                .read_head()?
                .filter(|_| entry.has_slots())
                .map_or(0, |head| head.bytes);
            let age = disk::now().saturating_sub(entry.written_at()?.0);
            Ok((place > 0 && (place >= MOST || bytes > LARGEST || age > OLDEST)).then_some(entry))
        });
        let removed = match goes {
            Ok(None) => Ok(()),
            Ok(Some(entry)) => remove(entry, kept),
            Err(error) => Err(error),
        };
        untidy.extend(
            removed
                .during(|| format!("remove entry {id} from the history"))
                .err(),
        );
    }
}

/// Removes an entry. One whose journal cannot be read stays: nobody can say what its slots hold.
fn remove(mut entry: Transaction<'_>, kept: &mut Vec<Kept>) -> io::Result<()> {
    let Read::Sealed(journal, Stage::Committed) = entry.read_journal()? else {
        return Ok(());
    };
    let mut buffer = Vec::new();
    for step in journal
        .steps
        .iter()
        .filter(|step| step.old.is_some() && entry.has_slots())
    {
        let slot = step.slot();
        // A file with another name is not gone with this one.
        if disk::facts(entry.slots(), &slot).is_ok_and(|facts| facts.links > 1) {
            continue;
        }
        match look(entry.slots(), &slot, &mut buffer)? {
            Found::Nothing => {}
            Found::File(content, _) if Some(content) == step.old => {}
            Found::File(..) | Found::Other(_) => {
                let place = entry.keep(&slot, &step.path)?;
                kept.push(Kept {
                    path: step.path.clone(),
                    what: Rescued::Late(place),
                });
            }
        }
    }
    entry.discard()
}
