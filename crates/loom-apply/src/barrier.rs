//! Barriers: what was written before them survives a power loss.
//!
//! In: the transaction, and what was changed since the last one. Out: nothing, or the error after
//! which nobody may trust what was written.
//!
//! A few files are made durable one by one. More of them with their whole file system, which is one
//! call however many they are; but that call also waits for what others have not written yet, so
//! with much of that they are made durable one by one again, by many threads that wait at once.
//!
//! Deliberately not here: trying again. After an error the system may have dropped what it could
//! not write, and a second call would say that all is well.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd as _;

use crate::disk;
use crate::journal::Step;
use crate::root::Root;
use crate::stage::Durability;
use crate::transaction::Transaction;

/// Up to this many files are made durable one by one.
const FEW: usize = 8;
/// From this much of others' unwritten data on, the whole file system is not waited for.
const MUCH: u64 = 64 << 20;
/// How many wait at once. Waiting takes no processor.
const WAITING: usize = 16;

/// How things are made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Barrier {
    /// Not at all.
    None,
    /// One by one.
    Each,
    /// All that is on the file system.
    Whole,
    /// One by one, many at once.
    Pool,
}

impl Barrier {
    /// Chooses for `files` files of `bytes` bytes together.
    pub(crate) fn choose(durability: Durability, files: usize, bytes: u64) -> Self {
        match durability {
            Durability::Kill => Self::None,
            Durability::Full if files <= FEW => Self::Each,
            Durability::Full if disk::unwritten().saturating_sub(bytes) > MUCH => Self::Pool,
            Durability::Full => Self::Whole,
        }
    }

    /// The new contents and the journal are durable.
    pub(crate) fn contents(self, transaction: &Transaction<'_>) -> io::Result<()> {
        let disk = &transaction.root.disk;
        let slots = transaction.slots();
        let sync = |name: &String| disk.sync(disk::open_file(slots, name)?.as_fd());
        match self {
            Self::None => return Ok(()),
            Self::Whole => return disk.sync_all(slots),
            Self::Each | Self::Pool => {}
        }
        let names: Vec<String> = disk::list(slots)?.into_iter().map(|(name, _)| name).collect();
        self.each(&names, &sync)?;
        disk.sync(slots)?;
        disk.sync(transaction.private())
    }

    /// The names in the steps' directories, and the journal, are durable.
    pub(crate) fn names(self, transaction: &Transaction<'_>, steps: &[Step]) -> io::Result<()> {
        let Root { disk, .. } = transaction.root;
        match self {
            Self::None => return Ok(()),
            Self::Whole => return disk.sync_all(transaction.slots()),
            Self::Each | Self::Pool => {}
        }
        let directories: BTreeSet<&str> = steps.iter().map(|step| step.path.parent().unwrap_or("")).collect();
        let root = transaction.root.directory();
        let sync = |path: &&str| match disk::open_beneath(root, path) {
            // A name that went with its directory is gone.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            opened => disk.sync(opened?.as_fd()),
        };
        self.each(&directories.into_iter().collect::<Vec<_>>(), &sync)?;
        transaction.sync_journal()?;
        disk.sync(transaction.slots())
    }

    fn each<T: Sync>(self, all: &[T], sync: &(dyn Fn(&T) -> io::Result<()> + Sync)) -> io::Result<()> {
        if self != Self::Pool {
            return all.iter().try_for_each(sync);
        }
        let share = all.len().div_ceil(WAITING).max(1);
        std::thread::scope(|scope| {
            let waiting: Vec<_> = all.chunks(share).map(|share| scope.spawn(move || share.iter().try_for_each(sync))).collect();
            let gone = || io::Error::other("a thread of loom ended early");
            waiting.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(gone())))
        })
    }
}
