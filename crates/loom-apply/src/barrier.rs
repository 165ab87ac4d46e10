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
use std::path::{Path, PathBuf};

use crate::disk::{self, Kind};
use crate::journal::Step;
use crate::root::Root;
use crate::stage::Durability;
use crate::transaction::Transaction;

/// Up to this many files are made durable one by one.
const FEW: usize = 8;
/// From this much of others' unwritten data on, the whole file system is not waited for.
const MUCH: u64 = 64 << 20;
/// How much of it is waited for sooner than for one more file: about what the disk writes in the time
/// that a file takes by itself.
const INSTEAD: u64 = 64 << 10;
/// What a small file takes in the system's memory: its content, and what the system knows of it.
const PAGES: u64 = 8 << 10;
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
            Durability::Full => Self::of_many(files as u64, bytes, disk::unwritten()),
        }
    }

    /// Chooses for many files, of which `unwritten` bytes of this and of others wait to be written.
    fn of_many(files: u64, bytes: u64, unwritten: u64) -> Self {
        let others = unwritten.saturating_sub(bytes + files * PAGES);
        // Elsewhere than on Linux there is no call for a whole file system.
        if others > MUCH.max(files * INSTEAD) || cfg!(not(target_os = "linux")) {
            Self::Pool
        } else {
            Self::Whole
        }
    }

    /// The new contents and the journal are durable.
    pub(crate) fn contents(self, transaction: &Transaction<'_>) -> io::Result<()> {
        let disk = &transaction.root.disk;
        match self {
            Self::None => return Ok(()),
            Self::Whole => return disk.sync_all(transaction.slots()),
            Self::Each | Self::Pool => {}
        }
        for directory in [transaction.slots(), transaction.directory()] {
            let files = disk::list(directory)?
                .into_iter()
                .filter(|(_, kind)| *kind != Kind::Directory);
            let sync =
                |(name, _): &(String, Kind)| disk.sync(disk::open_file(directory, name)?.as_fd());
            self.each(&files.collect::<Vec<_>>(), &sync)?;
            disk.sync(directory)?;
        }
        disk.sync(transaction.private())
    }

    /// The names in the steps' directories, the journal, and whose the slots are, are durable.
    pub(crate) fn names(self, transaction: &Transaction<'_>, steps: &[Step]) -> io::Result<()> {
        self.directories(
            transaction,
            &steps
                .iter()
                .map(|step| step.path.parent().unwrap_or(""))
                .collect(),
        )?;
        match self {
            Self::None | Self::Whole => return Ok(()),
            Self::Each | Self::Pool => transaction.sync_journal()?,
        }
        let disk = &transaction.root.disk;
        if let Some(entry) = transaction.undone() {
            disk.sync(entry.directory())?;
            disk.sync(transaction.directory())?;
        }
        disk.sync(transaction.slots())
    }

    /// The names in these directories are durable, and so is that others are gone.
    pub(crate) fn directories(
        self,
        transaction: &Transaction<'_>,
        directories: &BTreeSet<&str>,
    ) -> io::Result<()> {
        let Root { disk, .. } = transaction.root;
        match self {
            Self::None => return Ok(()),
            Self::Whole => return disk.sync_all(transaction.slots()),
            Self::Each | Self::Pool => {}
        }
        let root = transaction.root.directory();
        let sync = |path: &&str| match disk::open_beneath(root, path) {
            // A name that went with its directory is gone.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            opened => disk.sync(opened?.as_fd()),
        };
        self.each(&directories.iter().copied().collect::<Vec<_>>(), &sync)
    }

    fn each<T: Sync>(
        self,
        all: &[T],
        sync: &(dyn Fn(&T) -> io::Result<()> + Sync),
    ) -> io::Result<()> {
        if self != Self::Pool {
            return all.iter().try_for_each(sync);
        }
        let share = all.len().div_ceil(WAITING).max(1);
        std::thread::scope(|scope| {
            let waiting: Vec<_> = all
                .chunks(share)
                .map(|share| scope.spawn(move || share.iter().try_for_each(sync)))
                .collect();
            let gone = || io::Error::other("a thread of loom ended early");
            waiting
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(gone())))
        })
    }
}

/// Files that others wrote, by their paths, and their names are durable: Git's objects and references.
/// Together they are of `bytes` bytes.
///
/// # Errors
/// What the system refused; nobody may trust then that they are.
pub fn make_durable(
    root: &Root,
    durability: Durability,
    files: &[PathBuf],
    bytes: u64,
) -> io::Result<()> {
    let barrier = Barrier::choose(durability, files.len(), bytes);
    let directories: BTreeSet<&Path> = files.iter().filter_map(|file| file.parent()).collect();
    match (barrier, files.first().and_then(|file| file.parent())) {
        (Barrier::None, _) | (_, None) => return Ok(()),
        (Barrier::Whole, Some(directory)) => {
            return root.disk.sync_all(disk::open_directory(directory)?.as_fd());
        }
        (Barrier::Each | Barrier::Pool, Some(_)) => {}
    }
    let name = |file: &PathBuf| {
        file.file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned()
    };
    let open = |file: &PathBuf| {
        disk::open_file(
            disk::open_directory(file.parent().unwrap_or(Path::new("")))?.as_fd(),
            &name(file),
        )
    };
    barrier.each(files, &|file| root.disk.sync(open(file)?.as_fd()))?;
    let directories: Vec<&Path> = directories.into_iter().collect();
    barrier.each(&directories, &|directory| {
        root.disk.sync(disk::open_directory(directory)?.as_fd())
    })
}

#[cfg(test)]
mod tests {
    use loom_plan::addr::{ContentHash, RepoPath};
    use loom_plan::provider::Mode;
    use loom_plan::snapshot::Content;

    use super::*;
    use crate::journal::{Counts, Exchange, FORMAT, Head, Journal, Verb};
    use crate::tests::Scene;

    #[test]
    fn few_files_are_made_durable_one_by_one_and_many_with_their_file_system() {
        assert_eq!(Barrier::choose(Durability::Kill, 5, 0), Barrier::None);
        assert_eq!(Barrier::choose(Durability::Full, FEW, 0), Barrier::Each);
        assert_eq!(Barrier::of_many(9, 1 << 20, 2 << 20), Barrier::Whole);
    }

    #[test]
    fn others_data_is_waited_for_only_where_that_is_sooner() {
        let gigabytes = 3 << 30;
        assert_eq!(Barrier::of_many(100, 1 << 20, gigabytes), Barrier::Pool);
        assert_eq!(
            Barrier::of_many(100_000, 200 << 20, gigabytes),
            Barrier::Whole
        );
        // What loom itself has written waits too, and is nobody else's.
        assert_eq!(
            Barrier::of_many(10_000, 20 << 20, 100 << 20),
            Barrier::Whole
        );
    }

    #[test]
    fn files_of_others_are_made_durable_with_their_directories() {
        let scene = Scene::new(&[("loom.yaml", ""), ("a/x", ""), ("a/y", ""), ("b/x", "")]);
        let root = scene.root();
        let files = ["a/x", "a/y", "b/x"].map(|path| scene.path().join(path));
        for (durability, calls) in [(Durability::Full, 3 + 2), (Durability::Kill, 0)] {
            root.disk.faults.fail(usize::MAX..usize::MAX);
            make_durable(&root, durability, &files, 0).expect("they are durable");
            assert_eq!(root.disk.faults.asked(), calls);
            for number in 0..calls {
                root.disk.faults.fail(number..number + 1);
                assert!(
                    make_durable(&root, durability, &files, 0).is_err(),
                    "{number}"
                );
                assert_eq!(root.disk.faults.heal().len(), 1);
            }
        }
        make_durable(&root, Durability::Full, &[scene.path().join("none")], 0)
            .expect_err("it is not there");
    }

    #[test]
    fn every_way_looks_at_every_file_and_directory() {
        let scene = Scene::new(&[("loom.yaml", ""), ("a/x", ""), ("b/x", "")]);
        let root = scene.root();
        let transaction = Transaction::begin(&root, None).expect("begins");
        let content = Content {
            hash: ContentHash::of(b""),
            mode: Mode::Plain,
        };
        let step = |(slot, path): (usize, &str)| {
            let path = RepoPath::new(path).expect("a path");
            Step {
                verb: Verb::Create,
                path,
                slot,
                old: None,
                new: Some(content),
                size: 0,
            }
        };
        let steps: Vec<Step> = ["a/y", "b/y", "gone/y", "y"]
            .into_iter()
            .enumerate()
            .map(step)
            .collect();
        let (command, exchange) = ("apply".to_owned(), Exchange::Whole);
        let head = Head {
            format: FORMAT,
            id: 1,
            command,
            digest: None,
            undoes: None,
            exchange,
            bytes: 0,
            counts: Counts::of(&steps),
        };
        transaction
            .write_journal(&Journal {
                head,
                steps: steps.clone(),
            })
            .expect("is written");
        for (barrier, calls) in [
            (Barrier::Each, 4 + 5),
            (Barrier::Pool, 4 + 5),
            (Barrier::Whole, 2),
            (Barrier::None, 0),
        ] {
            root.disk.faults.fail(usize::MAX..usize::MAX);
            barrier.contents(&transaction).expect("is durable");
            barrier.names(&transaction, &steps).expect("is durable");
            assert_eq!(root.disk.faults.asked(), calls, "{barrier:?}");
            for number in 0..calls {
                root.disk.faults.fail(number..number + 1);
                let all = barrier
                    .contents(&transaction)
                    .and_then(|()| barrier.names(&transaction, &steps));
                assert!(all.is_err(), "{barrier:?} {number}");
                assert_eq!(root.disk.faults.heal().len(), 1);
            }
        }
    }
}
