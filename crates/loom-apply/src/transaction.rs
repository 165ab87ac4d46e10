//! A transaction's directory: the slots in which new contents wait and old ones are kept.
//!
//! In: the root, under the lock. Out: an empty `txn-<id>/` in the private place, and of one that a
//! killed run left behind, what a person has to do.
//!
//! Every change has a slot. Before its exchange the slot holds the new content, after it the old
//! one, so that the slot alone says what happened. The file `steps` says which slot belongs to
//! which path: it is written before the first exchange and removed as soon as the whole is
//! committed, so that a directory without it holds nothing that anybody needs.
//!
//! Invariants: a directory in which something of the repository lies is never removed (test
//! `a_killed_commit_is_said_with_its_commands`).
//!
//! Deliberately not here: recovery without a person, which needs a journal.

use std::fmt::Write as _;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use loom_plan::addr::{ContentHash, RepoPath};
use loom_plan::provider::Mode;

use crate::disk::{self, Facts, Kind};
use crate::observe::{Found, examine};
use crate::root::Root;
use crate::trouble::{During as _, Trouble};

const PREFIX: &str = "txn-";
/// Which slot belongs to which path.
const STEPS: &str = "steps";
/// Where displaced files go that somebody changed meanwhile.
const KEPT: &str = "kept";

/// What an interrupted run left behind. Exit code 8.
#[derive(Debug, thiserror::Error)]
#[error("an earlier run of loom was interrupted, and {} holds what it displaced", directory.display())]
pub struct Interrupted {
    /// The transaction's directory.
    pub directory: PathBuf,
    /// What puts everything back, as commands for a shell, in order.
    pub commands: Vec<String>,
}

/// A file that loom displaced and did not remove, because somebody changed something meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Where it stood.
    pub path: RepoPath,
    /// Where it is now; `None` where it was left as and where somebody put it.
    pub place: Option<PathBuf>,
}

/// What happens to a path; in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    Directory,
    Create,
    Update,
    Delete,
}

impl Verb {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Directory, "directory"), (Self::Create, "create"), (Self::Update, "update"), (Self::Delete, "delete")];
}

/// A file's bytes and mode as one hash: unlike a guard's, with the header, so that loom's own new
/// file is told from any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Print(ContentHash);

impl Print {
    pub(crate) fn of(bytes: &[u8], mode: Mode) -> Self {
        let mode: &[u8] = match mode {
            Mode::Plain => b"-",
            Mode::Executable => b"x",
        };
        Self(ContentHash::of_parts([mode, bytes]))
    }
}

/// A line of `steps`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) verb: Verb,
    pub(crate) path: RepoPath,
    pub(crate) slot: String,
    /// What the new file is, where there is one.
    pub(crate) new: Option<Print>,
}

/// What the slots hold, as far as loom knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Only loom's own: dropping the transaction removes them.
    Aside,
    /// Perhaps somebody's only copy: nothing is removed.
    Exchanging,
    /// Nothing any more.
    Gone,
}

/// How two names change places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// In one step of the kernel.
    Whole,
    /// By a hard link, where the kernel or the file system has no exchange.
    Linked,
}

/// An open transaction.
#[derive(Debug)]
pub(crate) struct Transaction<'r> {
    pub(crate) root: &'r Root,
    private: OwnedFd,
    directory: OwnedFd,
    name: String,
    state: State,
    pub(crate) exchange: Exchange,
}

/// Why no transaction begins.
#[derive(Debug)]
pub(crate) enum BeginError {
    Interrupted(Interrupted),
    Trouble(Trouble),
}

impl From<Trouble> for BeginError {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl<'r> Transaction<'r> {
    /// Looks after what earlier runs left, and makes an empty directory.
    pub(crate) fn begin(root: &'r Root) -> Result<Self, BeginError> {
        let doing = || format!("prepare `{}`", root.private().display());
        let private = root.open_private().during(doing)?;
        for (name, _) in disk::list(private.as_fd()).during(doing)?.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
            let left = disk::open_child(private.as_fd(), name).during(doing)?;
            let directory = root.private().join(name);
            let commands = remaining(root, left.as_fd(), &directory).during(doing)?;
            if !commands.is_empty() {
                return Err(BeginError::Interrupted(Interrupted { directory, commands }));
            }
            remove(root, private.as_fd(), left.as_fd(), name).during(doing)?;
        }
        let name = format!("{PREFIX}{}", std::process::id());
        root.disk.make_directory(private.as_fd(), &name, 0o700).during(doing)?;
        let directory = disk::open_child(private.as_fd(), &name).during(doing)?;
        let mut begun = Self { root, private, directory, name, state: State::Aside, exchange: Exchange::Whole };
        begun.exchange = begun.probe().during(doing)?;
        Ok(begun)
    }

    /// Tries an exchange on two files of its own.
    fn probe(&self) -> io::Result<Exchange> {
        let (disk, slots) = (&self.root.disk, self.slots());
        for name in ["probe-1", "probe-2"] {
            drop(disk.create(slots, name, 0o600)?);
        }
        let tried = disk.exchange((slots, "probe-1"), (slots, "probe-2"));
        for name in ["probe-1", "probe-2"] {
            disk.unlink(slots, name)?;
        }
        match tried {
            Ok(()) => Ok(Exchange::Whole),
            Err(error) if disk::has_no_exchange(&error) => Ok(Exchange::Linked),
            Err(error) => Err(error),
        }
    }

    /// The directory of the slots.
    pub(crate) fn slots(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// The private place.
    pub(crate) fn private(&self) -> BorrowedFd<'_> {
        self.private.as_fd()
    }

    /// Where it is, for people.
    pub(crate) fn path(&self) -> PathBuf {
        self.root.private().join(&self.name)
    }

    /// Writes down which slot belongs to which path.
    pub(crate) fn write_steps(&self, steps: &[&Step]) -> io::Result<()> {
        let mut text = String::new();
        for step in steps {
            let verb = Verb::ALL.iter().find(|(verb, _)| *verb == step.verb).map_or("", |(_, word)| word);
            let new = step.new.map_or("-".to_owned(), |new| new.0.to_string());
            let _infallible = writeln!(text, "{verb} {} {new} {}", step.slot, step.path);
        }
        let file = self.root.disk.create(self.slots(), STEPS, 0o600)?;
        self.root.disk.write(file.as_fd(), text.as_bytes())
    }

    /// From here on the slots may hold the only copy of something.
    pub(crate) fn exchanging(&mut self) {
        self.state = State::Exchanging;
    }

    /// The whole is committed: from here on nobody needs the slots.
    pub(crate) fn committed(&mut self) -> io::Result<()> {
        self.root.disk.unlink(self.slots(), STEPS)?;
        self.state = State::Aside;
        Ok(())
    }

    /// Everything is put back: the slots hold loom's own contents again.
    pub(crate) fn put_back(&mut self) {
        self.state = State::Aside;
    }

    /// Lets the slot and a name in a directory change places.
    pub(crate) fn swap(&self, slot: &str, directory: BorrowedFd<'_>, name: &str) -> io::Result<()> {
        let (disk, slots) = (&self.root.disk, self.slots());
        match self.exchange {
            Exchange::Whole => disk.exchange((slots, slot), (directory, name)),
            Exchange::Linked => {
                let new = format!("{slot}.new");
                disk.rename((slots, slot), (slots, &new))?;
                let swapped =
                    disk.link((directory, name), (slots, slot)).and_then(|()| disk.replace((slots, &new), (directory, name)));
                if swapped.is_err() {
                    // The path is untouched: what the slot holds is at most a second name of it.
                    disk.replace((slots, &new), (slots, slot))?;
                }
                swapped
            }
        }
    }

    /// Whether a slot holds loom's own new content.
    pub(crate) fn holds(&self, slot: &str, new: Option<Print>) -> io::Result<bool> {
        Ok(print_of(self.slots(), slot)? == new)
    }

    /// Moves a slot to where nobody removes it.
    pub(crate) fn keep(&self, slot: &str, path: &RepoPath) -> io::Result<Kept> {
        let disk = &self.root.disk;
        match disk.make_directory(self.private.as_fd(), KEPT, 0o700) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let kept = disk::open_child(self.private.as_fd(), KEPT)?;
        let taken = disk::list(kept.as_fd())?;
        let number = |(name, _): &(String, Kind)| name.split_once('-').and_then(|(number, _)| number.parse::<u64>().ok());
        let name = format!("{}-{}", taken.iter().filter_map(number).max().unwrap_or(0) + 1, path.file_name());
        disk.rename((self.slots(), slot), (kept.as_fd(), &name))?;
        Ok(Kept { path: path.clone(), place: Some(self.root.private().join(KEPT).join(name)) })
    }

    /// What a person has to do to put everything back.
    pub(crate) fn remaining(&self) -> Vec<String> {
        let path = self.path();
        remaining(self.root, self.slots(), &path)
            .unwrap_or_else(|error| vec![format!("# {} cannot be read: {error}", path.display())])
    }

    /// Removes the directory with all that is in it.
    pub(crate) fn discard(&mut self) -> io::Result<()> {
        remove(self.root, self.private.as_fd(), self.directory.as_fd(), &self.name)?;
        self.state = State::Gone;
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.state == State::Aside {
            // What stays behind holds nothing of anybody's: the next run removes it.
            drop(remove(self.root, self.private.as_fd(), self.directory.as_fd(), &self.name));
        }
    }
}

fn remove(root: &Root, private: BorrowedFd<'_>, directory: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    // `steps` goes first: without it, what is left after a kill holds nothing that anybody needs.
    let (steps, slots): (Vec<_>, Vec<_>) = disk::list(directory)?.into_iter().partition(|(name, _)| name == STEPS);
    for (slot, _) in steps.iter().chain(&slots) {
        root.disk.unlink(directory, slot)?;
    }
    root.disk.remove_directory(private, name)
}

/// The commands that put back what the slots of `directory` say was displaced; none where nothing was.
fn remaining(root: &Root, directory: BorrowedFd<'_>, place: &Path) -> io::Result<Vec<String>> {
    let mut commands = Vec::new();
    for step in read_steps(directory)?.iter().rev() {
        let held = print_of(directory, &step.slot)?;
        let (path, slot) = (quoted(&root.path().join(step.path.as_str())), quoted(&place.join(&step.slot)));
        let target = facts_at(root, &step.path).ok();
        let there = target.is_some();
        // A slot that is a second name of its path displaced nothing (see `Exchange::Linked`).
        let displaced = || !disk::facts(directory, &step.slot).is_ok_and(|slot| target.is_some_and(|it| it.same_file(&slot)));
        match step.verb {
            Verb::Create if held.is_none() && there => commands.push(format!("mv -n -- {path} {slot}")),
            Verb::Update if held.is_some() && held != step.new && displaced() => {
                let aside = quoted(&place.join(format!("{}.new", step.slot)));
                commands.push(format!("mv -f -- {path} {aside}; mv -n -- {slot} {path}"));
            }
            Verb::Delete if held.is_some() => commands.push(format!("mv -n -- {slot} {path}")),
            Verb::Directory if there && (!commands.is_empty() || is_empty(root, &step.path)) => {
                commands.push(format!("rmdir -- {path} || echo 'it holds other files: leave it'"));
            }
            Verb::Directory | Verb::Create | Verb::Update | Verb::Delete => {}
        }
    }
    Ok(commands)
}

fn facts_at(root: &Root, path: &RepoPath) -> io::Result<Facts> {
    let parent = disk::open_beneath(root.directory(), path.parent().unwrap_or(""))?;
    disk::facts(parent.as_fd(), path.file_name())
}

fn is_empty(root: &Root, directory: &RepoPath) -> bool {
    let opened = disk::open_beneath(root.directory(), directory.as_str());
    opened.and_then(|opened| disk::list(opened.as_fd())).is_ok_and(|names| names.is_empty())
}

fn read_steps(directory: BorrowedFd<'_>) -> io::Result<Vec<Step>> {
    let file = match disk::open_file(directory, STEPS) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file?,
    };
    let mut bytes = Vec::new();
    disk::read_to_end(file.as_fd(), None, &mut bytes)?;
    // A line that is torn belongs to a run that was killed before its first exchange.
    Ok(String::from_utf8_lossy(&bytes).lines().filter_map(step).collect())
}

fn step(line: &str) -> Option<Step> {
    let mut parts = line.splitn(4, ' ');
    let (verb, slot, new, path) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (verb, _) = Verb::ALL.into_iter().find(|(_, word)| *word == verb)?;
    let slot = slot.bytes().all(|byte| byte.is_ascii_digit()).then(|| slot.to_owned())?;
    Some(Step { verb, slot, new: ContentHash::parse(new).ok().map(Print), path: RepoPath::new(path).ok()? })
}

/// What a slot holds; what is no file is like no file of loom's.
fn print_of(directory: BorrowedFd<'_>, slot: &str) -> io::Result<Option<Print>> {
    let mut bytes = Vec::new();
    match examine(directory, slot, &mut bytes)? {
        Found::Nothing => Ok(None),
        Found::File(content, _) => Ok(Some(Print::of(&bytes, content.mode))),
        Found::Other(_) => Ok(Some(Print(ContentHash::of(b"no file")))),
    }
}

/// A path as one word of a shell.
pub(crate) fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
