//! A transaction's directory: the slots in which new contents wait and old ones are kept.
//!
//! In: the root, under the lock. Out: a directory in the private place, whose name says what it is:
//! `txn-<id>` while the transaction is open, `undo-<id>` when it is committed and can be undone,
//! `gone-<id>` when nobody needs it any more. A rename is one step, so it is never two of them. In it
//! are the file `journal` and the directory `slots`.
//!
//! Every step has a slot. Before its exchange the slot holds the new content, after it the old one,
//! so that the slot alone says what happened. The journal says which slot belongs to which path.
//!
//! What an entry's slots hold is what undoing it puts in place. So a transaction that undoes an entry
//! has no slots of its own: it takes the entry's, by one rename of their directory, and gives them
//! back where it is put back. An entry without slots is one that was undone.
//!
//! Invariants: a directory with a journal is never removed under the name of an open transaction; the
//! slots of an entry are never removed with the transaction that had taken them and was put back
//! (tests `a_kill_during_an_undo_…`); a directory that is not our own user's is not touched (test
//! `a_transaction_of_another_user_is_refused`).
//!
//! Deliberately not here: what becomes of a transaction that an earlier run left (`recover`), and
//! of one that is committed (`history`).

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use loom_plan::addr::RepoPath;

use crate::disk::{self, Kind};
use crate::journal::{self, Exchange, Head, Journal, Read, Stage, Step};
use crate::root::Root;
use crate::trouble::{During as _, Trouble};

/// The journal's file in a transaction's directory.
const JOURNAL: &str = "journal";
/// The directory of the slots in it.
const SLOTS: &str = "slots";
/// Where files go that nobody may remove.
const KEPT: &str = "kept";

/// What the directory of a transaction is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Open, or left by a run that was killed.
    Open,
    /// Committed, with what it displaced.
    Undo,
    /// To be removed.
    Gone,
}

impl Phase {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Open, "txn-"),
        (Self::Undo, "undo-"),
        (Self::Gone, "gone-"),
    ];

    /// The name of a directory.
    pub(crate) fn name(self, id: u64) -> String {
        let prefix = Self::ALL
            .iter()
            .find(|(phase, _)| *phase == self)
            .map_or("", |(_, prefix)| prefix);
        format!("{prefix}{id}")
    }

    fn of(name: &str) -> Option<(Self, u64)> {
        let (phase, number) = Self::ALL
            .iter()
            .find_map(|(phase, prefix)| Some((*phase, name.strip_prefix(prefix)?.parse().ok()?)))?;
        (phase.name(number) == name).then_some((phase, number))
    }
}

/// A file that somebody changed while loom worked, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Where it stands.
    pub path: RepoPath,
    /// What became of it.
    pub what: Rescued,
}

/// What became of a file that somebody changed while loom worked. Nothing of it is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rescued {
    /// What they wrote is where they put it.
    Theirs,
    /// What they wrote is where they put it, and what belongs there is in this file.
    Other(PathBuf),
    /// What they wrote, into the file that loom had displaced, is in this file.
    Late(PathBuf),
}

/// The directory of a transaction, opened.
#[derive(Debug)]
pub(crate) struct Transaction<'r> {
    pub(crate) root: &'r Root,
    private: OwnedFd,
    directory: OwnedFd,
    /// The slots that it had as its own when it was opened.
    slots: Option<OwnedFd>,
    /// The entry that it undoes, whose slots become its own.
    undone: Option<Box<Self>>,
    phase: Phase,
    pub(crate) id: u64,
    pub(crate) exchange: Exchange,
    /// Whether the slots hold nothing but loom's own: dropping it removes them.
    is_disposable: bool,
}

/// The transactions of a root, in the order of their numbers.
pub(crate) fn all(root: &Root) -> io::Result<Vec<(Phase, u64)>> {
    let Some(private) = root.find_private()? else {
        return Ok(Vec::new());
    };
    let mut found: Vec<_> = disk::list(private.as_fd())?
        .iter()
        .filter_map(|(name, _)| Phase::of(name))
        .collect();
    found.sort_unstable_by_key(|(_, id)| *id);
    Ok(found)
}

impl<'r> Transaction<'r> {
    /// Makes a directory with the next free number, for a transaction that undoes an entry or none.
    pub(crate) fn begin(root: &'r Root, undone: Option<Self>) -> Result<Self, Trouble> {
        let doing = || format!("prepare `{}`", root.private().display());
        let private = root.open_private().during(doing)?;
        let id = all(root).during(doing)?.last().map_or(0, |(_, id)| *id) + 1;
        let name = Phase::Open.name(id);
        root.disk
            .make_directory(private.as_fd(), &name, 0o700)
            .during(doing)?;
        let directory = disk::open_child(private.as_fd(), &name).during(doing)?;
        let (slots, undone) = (None, undone.map(Box::new));
        let (phase, exchange, is_disposable) = (Phase::Open, Exchange::Whole, true);
        let mut begun = Self {
            root,
            private,
            directory,
            slots,
            undone,
            phase,
            id,
            exchange,
            is_disposable,
        };
        begun.furnish().during(doing)?;
        Ok(begun)
    }

    /// Finds out how names are exchanged, and makes the slots, unless there are those of an entry.
    fn furnish(&mut self) -> io::Result<()> {
        self.exchange = self.probe()?;
        if self.undone.is_none() {
            self.root
                .disk
                .make_directory(self.directory(), SLOTS, 0o700)?;
            self.slots = Some(disk::open_child(self.directory(), SLOTS)?);
        }
        Ok(())
    }

    /// Opens the directory of an earlier one.
    pub(crate) fn open(root: &'r Root, phase: Phase, id: u64) -> io::Result<Self> {
        let private = root.open_private()?;
        let directory = disk::open_child(private.as_fd(), &phase.name(id))?;
        if !disk::is_mine(&disk::facts_of(directory.as_fd())?) {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it belongs to another user",
            ));
        }
        let slots = match disk::open_child(directory.as_fd(), SLOTS) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            slots => Some(slots?),
        };
        let (undone, exchange, is_disposable) = (None, Exchange::Whole, false);
        Ok(Self {
            root,
            private,
            directory,
            slots,
            undone,
            phase,
            id,
            exchange,
            is_disposable,
        })
    }

    /// Finds the entry that an earlier one undoes, which it takes the slots of or has taken them.
    pub(crate) fn find_undone(&mut self, head: &Head, stage: Stage) -> io::Result<()> {
        let Some(id) = head.undoes else { return Ok(()) };
        let missing = |what| {
            Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("{what} entry {id}, which it undoes, are not there"),
            ))
        };
        match Self::open(self.root, Phase::Undo, id) {
            // It may have gone since: but only when this one is committed, and has its slots.
            Err(error)
                if error.kind() == io::ErrorKind::NotFound
                    && stage == Stage::Committed
                    && self.has_slots() => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return missing("the journal and the directory of");
            }
            undone => self.undone = Some(Box::new(undone?)),
        }
        let is_there = self.has_slots() || self.undone().is_some_and(Self::has_slots);
        if is_there {
            Ok(())
        } else {
            missing("the slots of")
        }
    }

    /// Tries an exchange on two files of its own.
    fn probe(&self) -> io::Result<Exchange> {
        let (disk, directory) = (&self.root.disk, self.directory());
        for name in ["probe-1", "probe-2"] {
            drop(disk.create(directory, name, 0o600)?);
        }
        let tried = disk.exchange((directory, "probe-1"), (directory, "probe-2"));
        for name in ["probe-1", "probe-2"] {
            disk.unlink(directory, name)?;
        }
        match tried {
            Ok(()) => Ok(Exchange::Whole),
            Err(error) if disk::has_no_exchange(&error) => Ok(Exchange::Linked),
            Err(error) => Err(error),
        }
    }

    /// Its directory.
    pub(crate) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// The directory of the slots: its own, or those of the entry that it undoes; as an opened directory
    /// they are the same wherever they stand. If there are none, no slot is found in what is returned.
    pub(crate) fn slots(&self) -> BorrowedFd<'_> {
        match (&self.slots, &self.undone) {
            (Some(own), _) => own.as_fd(),
            (None, Some(entry)) => entry.slots(),
            (None, None) => self.directory(),
        }
    }

    /// Whether it had slots of its own when it was opened.
    pub(crate) fn has_slots(&self) -> bool {
        self.slots.is_some()
    }

    /// The entry that it undoes.
    pub(crate) fn undone(&self) -> Option<&Self> {
        self.undone.as_deref()
    }

    /// Takes the slots of the entry that it undoes, all of them at once, unless it has.
    pub(crate) fn take_slots(&self) -> io::Result<()> {
        match &self.undone {
            Some(entry) if !exists(self.directory(), SLOTS)? => entry.hand_slots_to(self),
            Some(_) | None => Ok(()),
        }
    }

    /// Gives them back, if it has taken any.
    pub(crate) fn give_slots_back(&self) -> io::Result<()> {
        match &self.undone {
            Some(entry) if exists(self.directory(), SLOTS)? => self.hand_slots_to(entry),
            Some(_) | None => Ok(()),
        }
    }

    fn hand_slots_to(&self, other: &Self) -> io::Result<()> {
        self.root
            .disk
            .take((self.directory(), SLOTS), (other.directory(), SLOTS))
    }

    /// The private place.
    pub(crate) fn private(&self) -> BorrowedFd<'_> {
        self.private.as_fd()
    }

    /// Where it is, for people.
    pub(crate) fn path(&self) -> PathBuf {
        self.root.private().join(self.phase.name(self.id))
    }

    /// Where its slots are, for people.
    pub(crate) fn slots_path(&self) -> PathBuf {
        let lent = self
            .undone()
            .filter(|_| exists(self.directory(), SLOTS).is_ok_and(|has_taken| !has_taken));
        lent.unwrap_or(self).path().join(SLOTS)
    }

    /// Writes the journal. From here on the slots may hold the only copy of something.
    pub(crate) fn write_journal(&self, journal: &Journal) -> io::Result<Mark> {
        let text = journal.to_text();
        let file = self.root.disk.create(self.directory(), JOURNAL, 0o600)?;
        self.root.disk.write(file.as_fd(), text.as_bytes())?;
        let at = journal::mark_at(&text);
        Ok(Mark {
            file,
            at: at as u64,
            text: journal::commit_mark(&text[..at]),
        })
    }

    /// From here on dropping it removes nothing.
    pub(crate) fn exchanging(&mut self) {
        self.is_disposable = false;
    }

    /// Reads the journal; without any, nothing was done.
    pub(crate) fn read_journal(&self) -> io::Result<Read> {
        let file = match disk::open_file(self.directory(), JOURNAL) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Read::Unsealed),
            file => file?,
        };
        let mut bytes = Vec::new();
        disk::read_to_end(file.as_fd(), None, &mut bytes)?;
        Ok(Journal::read(&String::from_utf8_lossy(&bytes)))
    }

    /// The mark of the commit is durable.
    pub(crate) fn sync_journal(&self) -> io::Result<()> {
        self.root
            .disk
            .sync(disk::open_file(self.directory(), JOURNAL)?.as_fd())
    }

    /// Reads the head of the journal alone, without asking whether the rest is whole.
    pub(crate) fn read_head(&self) -> io::Result<Option<Head>> {
        let file = disk::open_file(self.directory(), JOURNAL)?;
        let mut bytes = Vec::new();
        disk::read_begin(file.as_fd(), &mut bytes)?;
        let line = bytes
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        Ok(serde_json::from_slice(line).ok())
    }

    /// When the journal was last written to: when it was committed.
    pub(crate) fn written_at(&self) -> io::Result<(u64, u64)> {
        Ok(disk::facts(self.directory(), JOURNAL)?.modified)
    }

    /// Lets the slot and a name in a directory change places.
    pub(crate) fn swap(&self, slot: &str, directory: BorrowedFd<'_>, name: &str) -> io::Result<()> {
        let (disk, slots) = (&self.root.disk, self.slots());
        match self.exchange {
            Exchange::Whole => disk.exchange((slots, slot), (directory, name)),
            Exchange::Linked => {
                let aside = aside(slot);
                disk.rename((slots, slot), (slots, &aside))?;
                let swapped = disk
                    .link((directory, name), (slots, slot))
                    .and_then(|()| disk.replace((slots, &aside), (directory, name)));
                if swapped.is_err() {
                    // The path is untouched: what the slot holds is at most a second name of it.
                    disk.replace((slots, &aside), (slots, slot))?;
                }
                swapped
            }
        }
    }

    /// Ends a swap that was cut off between its steps, so that the slot says what happened.
    pub(crate) fn end_swap(
        &self,
        step: &Step,
        directory: Option<BorrowedFd<'_>>,
    ) -> io::Result<Option<Kept>> {
        let (slots, slot) = (self.slots(), step.slot());
        let aside = aside(&slot);
        if self.exchange == Exchange::Whole || !exists(slots, &aside)? {
            return Ok(None);
        }
        let second_name = || {
            let target =
                directory.and_then(|directory| disk::facts(directory, step.path.file_name()).ok());
            target.is_some_and(|target| {
                disk::facts(slots, &slot).is_ok_and(|held| held.same_file(&target))
            })
        };
        // Where the path has changed meanwhile, the slot holds the last name of what was there.
        let kept = if exists(slots, &slot)? && !second_name() {
            Some(self.keep(&slot, &step.path)?)
        } else {
            None
        };
        self.root.disk.replace((slots, &aside), (slots, &slot))?;
        Ok(kept.map(|place| Kept {
            path: step.path.clone(),
            what: Rescued::Other(place),
        }))
    }

    /// Moves a slot to where nobody removes it, and says where that is.
    pub(crate) fn keep(&self, slot: &str, path: &RepoPath) -> io::Result<PathBuf> {
        let disk = &self.root.disk;
        match disk.make_directory(self.private.as_fd(), KEPT, 0o700) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let kept = disk::open_child(self.private.as_fd(), KEPT)?;
        let taken = disk::list(kept.as_fd())?;
        let number = |(name, _): &(String, Kind)| {
            name.split_once('-')
                .and_then(|(number, _)| number.parse::<u64>().ok())
        };
        let number = taken.iter().filter_map(number).max().unwrap_or(0) + 1;
        let name = format!("{number}-{}", path.file_name());
        let name = name[..name.floor_char_boundary(255)].to_owned();
        disk.take((self.slots(), slot), (kept.as_fd(), &name))?;
        Ok(self.root.private().join(KEPT).join(name))
    }

    /// Everything is committed: what was displaced becomes the undo set.
    pub(crate) fn retire(&mut self) -> io::Result<()> {
        self.become_phase(Phase::Undo)
    }

    /// Gives the directory the name of what goes, and removes it with all that is in it, as far as the
    /// system lets: the next run that writes removes the rest.
    pub(crate) fn discard(&mut self) -> io::Result<()> {
        if self.phase != Phase::Gone {
            self.become_phase(Phase::Gone)?;
        }
        self.is_disposable = false;
        drop(self.remove());
        Ok(())
    }

    fn remove(&self) -> io::Result<()> {
        let (disk, directory) = (&self.root.disk, self.directory());
        // Not by what was opened: slots that were taken have been given back.
        if exists(directory, SLOTS)? {
            let slots = disk::open_child(directory, SLOTS)?;
            disk::list(slots.as_fd())?
                .iter()
                .try_for_each(|(name, _)| disk.unlink(slots.as_fd(), name))?;
            disk.remove_directory(directory, SLOTS)?;
        }
        disk::list(directory)?
            .iter()
            .try_for_each(|(name, _)| disk.unlink(directory, name))?;
        disk.remove_directory(self.private.as_fd(), &self.phase.name(self.id))
    }

    fn become_phase(&mut self, phase: Phase) -> io::Result<()> {
        let (from, to) = (self.phase.name(self.id), phase.name(self.id));
        self.root
            .disk
            .replace((self.private.as_fd(), &from), (self.private.as_fd(), &to))?;
        self.phase = phase;
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.is_disposable {
            // What stays behind holds nothing of anybody's: the next run removes it.
            drop(self.discard());
        }
    }
}

/// Where the mark of the commit goes.
#[derive(Debug)]
pub(crate) struct Mark {
    pub(crate) file: OwnedFd,
    at: u64,
    text: String,
}

impl Mark {
    /// Says in the journal that everything was done.
    pub(crate) fn set(&self, root: &Root) -> io::Result<()> {
        root.disk
            .overwrite(self.file.as_fd(), self.at, self.text.as_bytes())
    }
}

/// Where a slot's new content waits while a swap has several steps.
pub(crate) fn aside(slot: &str) -> String {
    format!("{slot}.new")
}

fn exists(directory: BorrowedFd<'_>, name: &str) -> io::Result<bool> {
    match disk::facts(directory, name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        facts => facts.map(|_| true),
    }
}

/// Looks at a name in a directory.
pub(crate) use crate::observe::examine as look;

/// A path as one word of a shell.
pub(crate) fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
