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

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use crate::disk::{self, Facts};
use crate::root::Root;
use crate::transaction::quoted;
use crate::trouble::{During as _, Trouble};

/// The file in the private place.
const FILE: &str = "lock";
/// How long to sleep between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// The right to write. Dropping it gives it back.
#[derive(Debug)]
#[must_use = "the lock is free again as soon as this is dropped"]
pub struct Lock {
    file: OwnedFd,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another loom holds it. Exit code 6.
    #[error("another loom is at work in this repository ({holder}); wait for it, or give `--lock-timeout` a longer time")]
    Held {
        /// Who, such as `pid 4711 on build-3`.
        holder: String,
    },
    /// The system refused. Exit code 7: nothing was changed.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl Lock {
    /// Takes the lock, waiting for it as long as `wait`.
    ///
    /// # Errors
    /// [`LockError::Held`] where another has it for all that time.
    pub fn take(root: &Root, wait: Duration) -> Result<Self, LockError> {
        let place = || format!("take the lock `{}`", root.private().join(FILE).display());
        let private = root.open_private().during(place)?;
        let file = root.disk.open_or_create(private.as_fd(), FILE).during(place)?;
        let begin = Instant::now();
        loop {
            match root.disk.try_lock(file.as_fd()) {
                Ok(()) => break,
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return Err(error).during(place)?,
                Err(_) if begin.elapsed() >= wait => return Err(LockError::Held { holder: holder(&file) }),
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
        let me = format!("pid {} on {}\n", std::process::id(), disk::host());
        root.disk.truncate(file.as_fd()).and_then(|()| root.disk.write(file.as_fd(), me.as_bytes())).during(place)?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would not do while a program that is just being started still has the descriptor.
        drop(disk::unlock(self.file.as_fd()));
    }
}

/// Git's lock on its index.
const INDEX: &str = "index.lock";

/// Git's lock on its index, held for the time of a commit.
#[derive(Debug)]
pub(crate) struct IndexLock {
    git: OwnedFd,
    facts: Facts,
}

impl IndexLock {
    /// Takes it as Git does, by making the file. There is none where there is no Git.
    pub(crate) fn take(root: &Root) -> Result<Option<Self>, Trouble> {
        let Some(path) = root.git() else { return Ok(None) };
        let doing = || format!("take Git's lock `{}`", path.join(INDEX).display());
        let git = disk::open_directory(path).during(doing)?;
        match root.disk.create(git.as_fd(), INDEX, 0o666) {
            Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
                let help = "another Git command is at work: wait for it; if none is, one was killed, and the file can be removed";
                Err(Trouble { doing: doing(), cause, help: help.to_owned() })
            }
            file => {
                let facts = disk::facts_of(file.during(doing)?.as_fd()).during(doing)?;
                Ok(Some(Self { git, facts }))
            }
        }
    }

    /// Gives it back, if it is still the one that was taken.
    pub(crate) fn release(self, root: &Root) -> Result<(), Trouble> {
        let git = self.git.as_fd();
        if disk::facts(git, INDEX).is_ok_and(|now| now.same_file(&self.facts)) {
            return root.disk.unlink(git, INDEX).during(|| format!("give back Git's lock `{INDEX}`"));
        }
        Ok(())
    }

    /// What a person does to give it back.
    pub(crate) fn command(root: &Root) -> Option<String> {
        root.git().map(|git| format!("rm -f -- {}", quoted(&git.join(INDEX))))
    }
}

fn holder(file: &OwnedFd) -> String {
    let mut text = Vec::new();
    let read = disk::read_to_end(file.as_fd(), None, &mut text);
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    if read.is_err() || text.is_empty() { "it did not say who it is".to_owned() } else { text }
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
        let error = Lock::take(&two, PAUSE * 2).expect_err("is held").to_string();
        assert!(error.contains(&format!("pid {} on ", std::process::id())), "{error}");
        drop(held);
        drop(Lock::take(&two, Duration::ZERO).expect("is free again"));
    }

    #[test]
    fn who_waits_gets_the_lock_when_it_is_given_back() {
        let scene = Scene::new(&[("loom.yaml", "")]);
        let held = Lock::take(&scene.root(), Duration::ZERO).expect("is free");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| Lock::take(&scene.root(), Duration::from_mins(1)).map(drop));
            std::thread::sleep(PAUSE * 2);
            drop(held);
            assert!(waiting.join().expect("does not panic").is_ok());
        });
    }
}
