//! The lock: one loom at a time writes to a repository.
//!
//! In: the root and how long to wait. Out: a [`Lock`] that is free again when it is dropped, and
//! when its process ends in whatever way.
//!
//! While a commit exchanges files, Git's own lock is taken too, so that no Git command captures a
//! half state.
//!
//! Invariants: the file is a place of its own, never renamed and never removed, so that all wait at
//! the same one; its text (who holds it) is for messages only (test `a_second_lock_is_refused…`).

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use crate::disk;
use crate::recover::{Recovered, Unfinished, recover};
use crate::root::Root;
use crate::transaction::Transaction;
use crate::trouble::{During as _, Trouble};

/// The file in the private place.
pub(crate) const FILE: &str = "lock";
/// How long to sleep between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// The right to write. Dropping it gives it back.
#[derive(Debug)]
#[must_use = "the lock is free again as soon as this is dropped"]
pub struct Lock {
    file: OwnedFd,
    /// What earlier runs had left, and is settled now.
    pub recovered: Vec<Recovered>,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another loom holds it. Exit code 6.
    #[error(
        "another loom is at work in this repository ({holder}); wait for it, or give `--lock-timeout` a longer time"
    )]
    Held {
        /// Who, such as `pid 4711 on build-3`.
        holder: String,
    },
    /// The system refused. Exit code 7: nothing was changed.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// What an earlier run left cannot be settled. Exit code 8.
    #[error(transparent)]
    Unfinished(#[from] Unfinished),
}

impl Lock {
    /// Takes the lock, waiting for it as long as `wait`, and settles what earlier runs left: whoever
    /// has it sees a repository in which nothing is half done.
    ///
    /// # Errors
    /// [`LockError::Held`] where another has it for all that time, [`LockError::Unfinished`] where
    /// what is left cannot be settled.
    pub fn take(root: &Root, wait: Duration) -> Result<Self, LockError> {
        let mut lock = Self::hold(root, wait)?;
        lock.recovered = recover(root)?;
        Ok(lock)
    }

    /// Takes the lock, and leaves what earlier runs left.
    pub(crate) fn hold(root: &Root, wait: Duration) -> Result<Self, LockError> {
        let place = || format!("take the lock `{}`", root.private().join(FILE).display());
        let private = root.open_private().during(place)?;
        let file = root
            .disk
            .open_or_create(private.as_fd(), FILE)
            .during(place)?;
        let begin = Instant::now();
        loop {
            match root.disk.try_lock(file.as_fd()) {
                Ok(()) => break,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Err(error).during(place)?;
                }
                Err(_) if begin.elapsed() >= wait => {
                    return Err(LockError::Held {
                        holder: holder(&file),
                    });
                }
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
        // From here on dropping it gives it back, also where the text cannot be written.
        let lock = Self {
            file,
            recovered: Vec::new(),
        };
        let me = format!("{}\n", me());
        root.disk
            .truncate(lock.file.as_fd())
            .and_then(|()| root.disk.write(lock.file.as_fd(), me.as_bytes()))
            .during(place)?;
        Ok(lock)
    }
}

/// This process, for others to read.
fn me() -> String {
    format!("pid {} on {}", std::process::id(), disk::host())
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would not do while a program that is just being started still has the descriptor.
        drop(disk::unlock(self.file.as_fd()));
    }
}

/// Git's lock on its index.
pub(crate) const INDEX: &str = "index.lock";

/// Git's lock on its index, held for the time of a commit.
///
/// Its text says that it is loom's, and of which root, so that a run that was killed leaves none
/// that the next one does not know.
#[derive(Debug)]
pub(crate) struct IndexLock {
    git: OwnedFd,
}

impl IndexLock {
    /// Writes its text aside, so that the first barrier makes it durable: after a power loss a lock
    /// without its text would be nobody's.
    pub(crate) fn prepare(transaction: &Transaction<'_>) -> Result<(), Trouble> {
        let (root, directory) = (transaction.root, transaction.directory());
        if root.git().is_none() {
            return Ok(());
        }
        let written = root.disk.create(directory, INDEX, 0o666);
        let written = written.and_then(|file| root.disk.write(file.as_fd(), mark(root).as_bytes()));
        written.during(|| format!("write `{}`", transaction.path().join(INDEX).display()))
    }

    /// Takes it as Git does, by making the file: what was prepared is linked to its name, in one
    /// step. There is none where there is no Git.
    pub(crate) fn take(transaction: &Transaction<'_>) -> Result<Option<Self>, Trouble> {
        let root = transaction.root;
        let Some(path) = root.git() else {
            return Ok(None);
        };
        let doing = || format!("take Git's lock `{}`", path.join(INDEX).display());
        let git = disk::open_directory(path).during(doing)?;
        match Self::make(transaction, &git) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
                let help = match of_loom(&git) {
                    Some(root) => format!("another loom is at work in {root}, or was killed there: run `loom recover` there"),
                    None => {
                        "another Git command is at work: wait for it; if none is, one was killed, and the file can be removed"
                            .to_owned()
                    }
                };
                Err(Trouble {
                    doing: doing(),
                    cause,
                    help,
                })
            }
            made => made.map(|()| Some(Self { git })).during(doing),
        }
    }

    fn make(transaction: &Transaction<'_>, git: &OwnedFd) -> io::Result<()> {
        let (disk, directory, git) = (&transaction.root.disk, transaction.directory(), git.as_fd());
        let linked = match disk.link((directory, INDEX), (git, INDEX)) {
            Err(error) if disk::has_no_links(&error) => {
                // What a killed run left of this is nobody's.
                drop(disk.unlink(git, ASIDE));
                let file = disk.create(git, ASIDE, 0o666)?;
                let written = disk.write(file.as_fd(), mark(transaction.root).as_bytes());
                let renamed = written
                    .and_then(|()| disk.sync(file.as_fd()))
                    .and_then(|()| disk.rename((git, ASIDE), (git, INDEX)));
                renamed.inspect_err(|_| drop(disk.unlink(git, ASIDE)))
            }
            linked => linked,
        };
        // The transaction's directory goes with what is in it.
        drop(disk.unlink(directory, INDEX));
        linked
    }

    /// Gives it back, if it is still the one that was taken.
    pub(crate) fn release(self, root: &Root) -> Result<(), Trouble> {
        remove_own(root, &self.git)
    }

    /// Gives back the one that a killed run left. Only under the lock.
    pub(crate) fn reclaim(root: &Root) -> Result<(), Trouble> {
        let Some(path) = root.git() else {
            return Ok(());
        };
        let git = disk::open_directory(path).during(|| format!("open `{}`", path.display()))?;
        remove_own(root, &git)
    }
}

/// Where Git's lock is written before it gets its name, where there are no hard links.
const ASIDE: &str = "index.lock.loom";
/// How Git's lock begins while it is a loom's.
const OURS: &str = "loom holds this lock, for the root ";

/// What Git's lock holds while it is loom's.
pub(crate) fn mark(root: &Root) -> String {
    let below = root.path().strip_prefix(root.top()).unwrap_or(root.path());
    format!("{OURS}`{}`\n", below.display())
}

/// Which root's loom holds Git's lock, if one does.
fn of_loom(git: &OwnedFd) -> Option<String> {
    let mut text = Vec::new();
    disk::read_begin(disk::open_file(git.as_fd(), INDEX).ok()?.as_fd(), &mut text).ok()?;
    Some(
        String::from_utf8_lossy(&text)
            .strip_prefix(OURS)?
            .trim()
            .to_owned(),
    )
}

fn remove_own(root: &Root, git: &OwnedFd) -> Result<(), Trouble> {
    let doing = || format!("give back Git's lock `{INDEX}`");
    let file = match disk::open_file(git.as_fd(), INDEX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file.during(doing)?,
    };
    let mut text = Vec::new();
    disk::read_to_end(file.as_fd(), None, &mut text).during(doing)?;
    if text == mark(root).as_bytes() {
        root.disk.unlink(git.as_fd(), INDEX).during(doing)
    } else {
        Ok(())
    }
}

/// What the lock's file says of who holds it.
pub(crate) fn holder(file: &OwnedFd) -> String {
    let mut text = Vec::new();
    let read = disk::read_to_end(file.as_fd(), None, &mut text);
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    if read.is_err() || text.is_empty() {
        "it did not say who it is".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Scene;

    #[test]
    fn a_second_lock_is_refused_and_says_who_holds_the_first() {
        let scene = Scene::new(&[("loom.yaml", "")]);
        let (one, two) = (scene.root(), scene.root());
        let held = Lock::take(&one, Duration::ZERO).expect("is free");
        let error = Lock::take(&two, PAUSE * 2)
            .expect_err("is held")
            .to_string();
        assert!(
            error.contains(&format!("pid {} on ", std::process::id())),
            "{error}"
        );
        drop(held);
        drop(Lock::take(&two, Duration::ZERO).expect("is free again"));
    }

    #[test]
    fn who_waits_gets_the_lock_when_it_is_given_back() {
        let scene = Scene::new(&[("loom.yaml", "")]);
        let held = Lock::take(&scene.root(), Duration::ZERO).expect("is free");
        std::thread::scope(|scope| {
            let waiting =
                scope.spawn(|| Lock::take(&scene.root(), Duration::from_mins(1)).map(drop));
            std::thread::sleep(PAUSE * 2);
            drop(held);
            assert!(waiting.join().expect("does not panic").is_ok());
        });
    }
}
