//! What the machine, its file system and the repository's private place give, found out by trying.
//!
//! In: the root, and the paths that loom manages, written already or not. Out: [`Finding`]s, always in the same order.
//!
//! What can be tried is tried, in a directory of its own on the private place's file system.
//!
//! Invariants: no lock is taken, and what was made to try something is removed again (test
//! `looking_leaves_everything_as_it_was`); nothing is settled, however an earlier run ended.
//!
//! Deliberately not here: the words for people, and what to do about a finding.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use loom_plan::addr::RepoPath;
use loom_plan::ledger;

use crate::attributes::{Ignored, Rewritten, ignored, rewritten};
use crate::disk::{self, Disk, Kind};
use crate::git::{self, Away};
use crate::journal::Read;
use crate::lock;
use crate::machine::{self, Lasting, Opening};
use crate::root::Root;
use crate::transaction::{self, Phase, Transaction};
use crate::trouble::{During as _, Trouble};

/// Where files are that nobody may remove.
const KEPT: &str = "kept";

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// As it should be.
    Fine,
    /// Loom works, and promises less.
    Weaker,
    /// Loom does not work until it is mended.
    Missing,
}

/// What came of trying something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It works.
    Works,
    /// It does not, in the system's own words.
    Lacking(String),
}

/// Whether two spellings of a name are two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spellings {
    /// They are.
    Apart,
    /// They are one.
    Same,
}

/// Who may write in the private place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Its owner alone, who runs loom.
    Mine,
    /// Its owner, who runs loom, and others.
    Shared,
    /// Whoever runs loom, and another user who owns it, by this number.
    Foreign(u32),
    /// Not whoever runs loom: the system refuses, in these words.
    Shut(String),
}

/// Who holds Git's lock on its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexHolder {
    /// Nobody.
    Nobody,
    /// A loom that is at work.
    Loom,
    /// A loom that was killed.
    Killed,
    /// A Git command, or one that was killed.
    Git,
}

/// Who holds loom's lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Nobody.
    Nobody,
    /// This process.
    Process(String),
    /// The system does not say.
    Unknown,
}

/// How much room is left where loom writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes that may still be written.
    pub bytes: u64,
    /// Files that may still be made; none where the file system makes room for them as it goes.
    pub files: Option<u64>,
}

/// Below this, an apply of any size may fail; with a tenth of it, nearly every one does.
const FEW_BYTES: u64 = 100 << 20;
const FEW_FILES: u64 = 10_000;

impl Room {
    /// How good it is.
    fn standing(self) -> Standing {
        let is_below = |part: u64| {
            self.bytes < FEW_BYTES / part
                || self.files.is_some_and(|files| files < FEW_FILES / part)
        };
        match (is_below(1), is_below(100)) {
            (_, true) => Standing::Missing,
            (true, false) => Standing::Weaker,
            (false, false) => Standing::Fine,
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The system, and how it opens a path without following links.
    Kernel {
        /// Its name and release.
        release: String,
        /// In one call or part by part.
        opening: Opening,
    },
    /// The file system of the repository.
    FileSystem {
        /// What it is called.
        name: String,
        /// What lasts on it.
        lasting: Lasting,
    },
    /// Who may write in the private place.
    Private {
        /// Where it is, or will be.
        place: PathBuf,
        /// Who.
        access: Access,
    },
    /// Whether files can be exchanged between the private place and the root.
    Mount(Tried),
    /// The exchange of two names in one step, and the hard links that replace it.
    Exchange {
        /// The exchange.
        exchange: Tried,
        /// Hard links.
        links: Tried,
    },
    /// A second name for a file.
    HardLinks(Tried),
    /// Making a whole file system durable in one call.
    Sync(Tried),
    /// Attributes of the user's own at a file.
    ExtendedAttributes(Tried),
    /// Upper and lower case in names.
    Case(Spellings),
    /// Composed and decomposed characters in names.
    Normalisation(Spellings),
    /// Git's directory, if the root is in a repository.
    GitDirectory(Option<PathBuf>),
    /// Git's lock on its index.
    IndexLock(IndexHolder),
    /// Managed files that Git would rewrite.
    Rewritten(Vec<Rewritten>),
    /// Managed files, and the ledger, that Git ignores.
    Ignored(Vec<Ignored>),
    /// Managed files that Git keeps away from the disk or from itself.
    Away(Vec<(RepoPath, Away)>),
    /// What Git does with every file, as sentences; or why it cannot be asked.
    Habits(Result<Vec<String>, String>),
    /// Files that nobody manages, and that are managed ones where case does not count.
    Twins(Vec<(RepoPath, RepoPath)>),
    /// The room that is left.
    Room(Room),
    /// Loom's lock.
    Lock(Holder),
    /// The numbers of the transactions that wait for `loom recover`.
    Interrupted(Vec<u64>),
    /// What can be rolled back.
    History {
        /// How many entries there are.
        entries: usize,
        /// How many bytes they take.
        bytes: u64,
    },
    /// Files that had to make way because somebody changed something while loom worked, and that
    /// nobody has collected.
    Kept {
        /// Where they are.
        place: PathBuf,
        /// Their names.
        names: Vec<String>,
    },
}

impl Finding {
    /// How good it is.
    pub fn standing(&self) -> Standing {
        use Standing::{Fine, Missing, Weaker};
        let (is_fine, otherwise) = match self {
            Self::Kernel { opening, .. } => (*opening == Opening::Whole, Weaker),
            Self::FileSystem { lasting, .. } => {
                (matches!(lasting, Lasting::Kept | Lasting::AsBelow), Weaker)
            }
            Self::Private {
                access: Access::Shut(_),
                ..
            } => (false, Missing),
            Self::Private { access, .. } => (*access == Access::Mine, Weaker),
            Self::Mount(tried) => (tried.works(), Missing),
            Self::Exchange { exchange, links } => (
                exchange.works(),
                if links.works() { Weaker } else { Missing },
            ),
            Self::HardLinks(tried) | Self::Sync(tried) | Self::ExtendedAttributes(tried) => {
                (tried.works(), Weaker)
            }
            Self::Case(spellings) | Self::Normalisation(spellings) => {
                (*spellings == Spellings::Apart, Weaker)
            }
            Self::GitDirectory(directory) => (directory.is_some(), Weaker),
            Self::IndexLock(holder) => (
                matches!(holder, IndexHolder::Nobody | IndexHolder::Loom),
                Weaker,
            ),
            Self::Lock(holder) => (!matches!(holder, Holder::Process(_)), Weaker),
            Self::Rewritten(files) => (files.is_empty(), Missing),
            Self::Ignored(files) => (files.is_empty(), Weaker),
            Self::Away(files) => (files.is_empty(), Weaker),
            Self::Habits(habits) => (habits.is_ok(), Missing),
            Self::Twins(files) => (files.is_empty(), Missing),
            Self::Room(room) => return room.standing(),
            Self::Interrupted(ids) => (ids.is_empty(), Missing),
            Self::History { .. } => (true, Fine),
            Self::Kept { names, .. } => (names.is_empty(), Weaker),
        };
        if is_fine { Fine } else { otherwise }
    }
}

impl Tried {
    fn of(result: io::Result<()>) -> Self {
        result.map_or_else(|error| Self::Lacking(error.to_string()), |()| Self::Works)
    }

    fn works(&self) -> bool {
        *self == Self::Works
    }
}

/// Looks at everything; `managed` are the paths that the ledger names.
///
/// # Errors
/// The first [`Trouble`] of a place that cannot even be looked at.
pub fn doctor(root: &Root, managed: &[RepoPath]) -> Result<Vec<Finding>, Trouble> {
    let place = root.private();
    let doing = || format!("look at `{}`", place.display());
    let near = root.nearest_private().during(doing)?;
    let (release, opening) = machine::kernel(root.directory());
    let (name, lasting) = machine::file_system(root.directory())
        .during(|| format!("look at `{}`", root.path().display()))?;
    let mut found = vec![
        Finding::Kernel { release, opening },
        Finding::FileSystem { name, lasting },
    ];
    match Scratch::make(&root.disk, near.as_fd()) {
        Ok(scratch) => {
            found.push(Finding::Private {
                place: place.clone(),
                access: access(near.as_fd()).during(doing)?,
            });
            found.extend(
                scratch
                    .try_all(root)
                    .during(|| format!("try something in `{}`", place.display()))?,
            );
        }
        Err(error) => found.push(Finding::Private {
            place: place.clone(),
            access: Access::Shut(error.to_string()),
        }),
    }
    let holder = holder(root).during(doing)?;
    found.push(Finding::GitDirectory(root.git().map(ToOwned::to_owned)));
    found.push(Finding::IndexLock(
        index_holder(root, &holder).during(|| "look at Git's lock on its index".to_owned())?,
    ));
    found.extend(of_git(root, managed));
    found.push(Finding::Room(machine::room(near.as_fd()).during(doing)?));
    let transactions = transaction::all(root).during(doing)?;
    found.push(Finding::Interrupted(interrupted(
        root,
        &transactions,
        &holder,
    )));
    found.push(Finding::Lock(holder));
    found.push(history(root, &transactions));
    found.push(Finding::Kept {
        place: place.join(KEPT),
        names: kept(root).during(doing)?,
    });
    Ok(found)
}

/// How Git sees the managed files.
fn of_git(root: &Root, managed: &[RepoPath]) -> Vec<Finding> {
    let mut paths: Vec<&RepoPath> = managed.iter().collect();
    paths.sort_unstable();
    paths.dedup();
    let rewritten = Finding::Rewritten(rewritten(root, &paths));
    let ledger = RepoPath::new(&format!("{}/{}.jsonl", ledger::FOLDER, ledger::PROJECT));
    let all: Vec<&RepoPath> = paths.iter().copied().chain(&ledger).collect();
    let ignored = Finding::Ignored(ignored(root, &all));
    let habits = Finding::Habits(git::habits(root).map_err(|error| error.to_string()));
    // where Git cannot be asked, the habits say so
    let away = git::away(root, all.into_iter()).unwrap_or_default();
    let missing: Vec<&RepoPath> = paths
        .iter()
        .copied()
        .filter(|path| !is_there(root, path))
        .collect();
    let twins = git::twins(root, &paths, &missing).unwrap_or_default();
    vec![
        rewritten,
        ignored,
        Finding::Away(away),
        habits,
        Finding::Twins(twins),
    ]
}

fn is_there(root: &Root, path: &RepoPath) -> bool {
    let directory = disk::open_beneath(root.directory(), path.parent().unwrap_or(""));
    directory.is_ok_and(|directory| disk::facts(directory.as_fd(), path.file_name()).is_ok())
}

/// Who may write in a directory.
fn access(directory: BorrowedFd<'_>) -> io::Result<Access> {
    let facts = disk::facts_of(directory)?;
    Ok(match disk::may_change(directory) {
        Err(error) => Access::Shut(error.to_string()),
        Ok(()) if !disk::is_mine(&facts) => Access::Foreign(facts.owner),
        Ok(()) if facts.permissions & 0o022 == 0 => Access::Mine,
        Ok(()) => Access::Shared,
    })
}

/// A directory to try things in. Dropping it removes it with what is in it.
struct Scratch<'a> {
    disk: &'a Disk,
    parent: BorrowedFd<'a>,
    name: String,
    directory: OwnedFd,
}

impl<'a> Scratch<'a> {
    fn make(disk: &'a Disk, parent: BorrowedFd<'a>) -> io::Result<Self> {
        let name = format!("doctor-{}", std::process::id());
        disk.make_directory(parent, &name, 0o700)?;
        let directory = disk::open_child(parent, &name)?;
        Ok(Self {
            disk,
            parent,
            name,
            directory,
        })
    }

    fn try_all(&self, root: &Root) -> io::Result<Vec<Finding>> {
        let here = self.directory.as_fd();
        for name in ["one", "two", "Case", "caf\u{e9}"] {
            drop(self.disk.create(here, name, 0o600)?);
        }
        let exchange = Tried::of(self.disk.exchange((here, "one"), (here, "two")));
        let links = Tried::of(self.disk.link((here, "one"), (here, "three")));
        let attributes = Tried::of(machine::try_attribute(
            disk::open_file(here, "one")?.as_fd(),
        ));
        let spellings = |other: &str| match disk::facts(here, other) {
            Ok(_) => Spellings::Same,
            Err(_) => Spellings::Apart,
        };
        Ok(vec![
            Finding::Mount(self.mount(root)?),
            Finding::Exchange {
                exchange,
                links: links.clone(),
            },
            Finding::HardLinks(links),
            Finding::Sync(Tried::of(self.disk.sync_all(here))),
            Finding::ExtendedAttributes(attributes),
            Finding::Case(spellings("case")),
            Finding::Normalisation(spellings("cafe\u{301}")),
        ])
    }

    fn mount(&self, root: &Root) -> io::Result<Tried> {
        let same = disk::mount_of(self.directory.as_fd())? == disk::mount_of(root.directory())?;
        let apart = || Tried::Lacking(rustix::io::Errno::XDEV.to_string());
        Ok(if same { Tried::Works } else { apart() })
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        let names = disk::list(self.directory.as_fd()).unwrap_or_default();
        // What cannot be removed is empty, and in nobody's way.
        for (name, _) in &names {
            drop(self.disk.unlink(self.directory.as_fd(), name));
        }
        drop(self.disk.remove_directory(self.parent, &self.name));
    }
}

/// Who holds loom's lock, without trying to take it.
fn holder(root: &Root) -> io::Result<Holder> {
    let Some(private) = root.find_private()? else {
        return Ok(Holder::Nobody);
    };
    let facts = match disk::facts(private.as_fd(), lock::FILE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Holder::Nobody),
        facts => facts?,
    };
    Ok(match machine::holder_of(&facts) {
        machine::Held::Unknown => Holder::Unknown,
        machine::Held::No => Holder::Nobody,
        machine::Held::By(process) => {
            let said = lock::holder(&disk::open_file(private.as_fd(), lock::FILE)?);
            let process = format!("pid {process}");
            Holder::Process(if said.starts_with(&format!("{process} ")) {
                said
            } else {
                process
            })
        }
    })
}

fn index_holder(root: &Root, holder: &Holder) -> io::Result<IndexHolder> {
    let Some(git) = root.git() else {
        return Ok(IndexHolder::Nobody);
    };
    let git = disk::open_directory(git)?;
    let file = match disk::open_file(git.as_fd(), lock::INDEX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(IndexHolder::Nobody),
        file => file?,
    };
    let mut text = Vec::new();
    disk::read_to_end(file.as_fd(), None, &mut text)?;
    Ok(match (text == lock::mark(root).as_bytes(), holder) {
        (false, _) => IndexHolder::Git,
        (true, Holder::Process(_)) => IndexHolder::Loom,
        (true, Holder::Nobody | Holder::Unknown) => IndexHolder::Killed,
    })
}

/// The transactions that nobody works on any more, and that may have changed something.
fn interrupted(root: &Root, transactions: &[(Phase, u64)], holder: &Holder) -> Vec<u64> {
    let is_left = |id: u64| match Transaction::open(root, Phase::Open, id)
        .and_then(|open| open.read_journal())
    {
        Ok(read) => read != Read::Unsealed,
        // One that cannot be looked at, as another user's cannot, stands in the way all the same.
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    };
    match holder {
        Holder::Process(_) => Vec::new(),
        Holder::Nobody | Holder::Unknown => {
            let open = transactions
                .iter()
                .filter(|(phase, _)| *phase == Phase::Open);
            open.map(|(_, id)| *id).filter(|id| is_left(*id)).collect()
        }
    }
}

/// How much there is to roll back to.
fn history(root: &Root, transactions: &[(Phase, u64)]) -> Finding {
    let of = |id: u64| Transaction::open(root, Phase::Undo, id).and_then(|entry| size(&entry));
    let kept: Vec<u64> = transactions
        .iter()
        .filter(|(phase, _)| *phase == Phase::Undo)
        .map(|(_, id)| *id)
        .collect();
    // What cannot be looked at, or went meanwhile, takes no room that anybody could count.
    let bytes = kept.iter().map(|id| of(*id).unwrap_or(0)).sum();
    Finding::History {
        entries: kept.len(),
        bytes,
    }
}

fn size(entry: &Transaction<'_>) -> io::Result<u64> {
    let of = |place: BorrowedFd<'_>| -> io::Result<u64> {
        let files = disk::list(place)?
            .into_iter()
            .filter(|(_, kind)| *kind != Kind::Directory);
        files
            .map(|(name, _)| Ok(disk::facts(place, &name)?.size))
            .sum()
    };
    Ok(of(entry.directory())?
        + if entry.has_slots() {
            of(entry.slots())?
        } else {
            0
        })
}

fn kept(root: &Root) -> io::Result<Vec<String>> {
    let Some(private) = root.find_private()? else {
        return Ok(Vec::new());
    };
    match disk::open_child(private.as_fd(), KEPT) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        kept => Ok(disk::list(kept?.as_fd())?
            .into_iter()
            .map(|(name, _)| name)
            .collect()),
    }
}
