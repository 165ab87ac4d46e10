//! How Git sees the paths of a root: the one place that answers.
//!
//! In: the root, and paths seen from it. Out: whether a path is tracked, whether Git keeps it away
//! from the disk (a sparse checkout) or from itself (`assume-unchanged`), what the index holds
//! there, and what of a file on the disk Git would commit: `core.fileMode=false` takes the mode from
//! the index, and line ends that the configuration rewrites are read as Git stores them.
//!
//! Everybody who looks at files asks here: `observe`, `stage`, the ledger, the input, `doctor`, and
//! through them every command.
//!
//! Invariants: without trouble no program is started, and one file is read, the index (and Git's
//! configuration); what Git keeps away is never changed (test
//! `what_git_keeps_away_is_seen_in_the_index_and_never_written`).
//!
//! Deliberately not here: attributes and ignore rules (`attributes`), commits and branches
//! (`loom-cli`).

mod config;
mod index;
mod program;
mod sparse;

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use loom_plan::addr::{ContentHash, RepoPath};
use loom_plan::provider::Mode;
use loom_plan::snapshot::{Content, Observed};

pub(crate) use config::Config;
use index::{Entry, Index, Kept, Names, What};
use sparse::Sparse;

use crate::disk;
use crate::root::Root;

/// How long Git may take for objects, and how much longer for each of them: it may have to fetch it.
const OBJECTS: Duration = Duration::from_mins(1);
const OBJECT: Duration = Duration::from_millis(200);

/// What Git says of a repository cannot be had. Exit code 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// The configuration or the index.
    #[error("{0}")]
    Unreadable(String),
    /// Objects that this clone does not have.
    #[error(transparent)]
    Lacking(#[from] Lacking),
}

/// Objects that this clone lacks, and that Git could not fetch either.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this clone lacks {}: {why}", names(.what))]
pub struct Lacking {
    /// What they are, for people: paths, or what else they were needed for.
    pub what: Vec<String>,
    /// Why Git has not fetched them.
    pub why: String,
}

/// What helps where objects are lacking.
pub const FETCH: &str = "this is a partial clone (`git clone --filter`): run the command again where the remote can be reached, or fetch everything with `git fetch --refetch --no-filter`";

fn names(what: &[String]) -> String {
    match what {
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        few => few.join(", "),
    }
}

/// How Git keeps a path away from those who look at the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Away {
    /// It is tracked and not checked out, as in a sparse checkout.
    NotCheckedOut,
    /// It is not tracked, and outside of what a sparse checkout takes in: Git would not add it.
    Outside,
    /// Git was told not to look at the disk there: `git update-index --skip-worktree`.
    Skipped,
    /// Git was told to take it for unchanged: `git update-index --assume-unchanged`.
    Assumed,
}

/// How Git sees the paths of a root.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    seen: Option<Seen>,
}

#[derive(Debug)]
struct Seen {
    config: Config,
    index: Index,
    checkout: Checkout,
    /// `core.fileMode=false`: the mode on the disk says nothing.
    ignores_modes: bool,
    /// Whether the configuration rewrites line ends.
    rewrites: bool,
    /// From the top to the root: `""`, or ending in `/`.
    below: String,
    top: PathBuf,
    /// What was read of the index, by its objects.
    contents: Mutex<BTreeMap<String, Arc<[u8]>>>,
}

/// What of the tracked files is checked out.
#[derive(Debug)]
enum Checkout {
    /// All of them.
    Whole,
    /// Those that patterns take in, where there are any.
    Sparse(Option<Sparse>),
}

/// A file as the index has it.
#[derive(Clone, Debug)]
pub(crate) struct Tracked {
    what: What,
    bytes: Arc<[u8]>,
}

impl Tracked {
    /// What counts of it.
    pub(crate) fn observed(&self) -> Observed {
        match self.what {
            What::Plain | What::Executable => Observed::File(Content {
                hash: ContentHash::of(&self.bytes),
                mode: mode_of(self.what),
            }),
            What::Link => Observed::Foreign("a symbolic link".to_owned()),
            What::Submodule => Observed::Foreign("a submodule of Git".to_owned()),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A file on the disk as Git would commit it.
pub(crate) struct Committed {
    pub(crate) content: Content,
    /// The bytes, where they are others than on the disk.
    pub(crate) bytes: Option<Vec<u8>>,
}

fn mode_of(what: What) -> Mode {
    if what == What::Executable {
        Mode::Executable
    } else {
        Mode::Plain
    }
}

impl Sight {
    /// Looks at the repository whose own directories are `git` and `common`.
    ///
    /// # Errors
    /// What of it cannot be read.
    pub(crate) fn of(
        git: &Path,
        common: &Path,
        (top, below): (&Path, &str),
    ) -> Result<Self, GitError> {
        let config = Config::read(git, common).map_err(GitError::Unreadable)?;
        let names = match config.last("extensions.objectformat") {
            Some(value) if value.text != "sha1" => Names::Other,
            Some(_) | None => Names::Sha1,
        };
        let index = Index::read(git, top, names).map_err(GitError::Unreadable)?;
        let checkout = if config.is_set("core.sparsecheckout") {
            Checkout::Sparse(Sparse::read(git))
        } else {
            Checkout::Whole
        };
        Ok(Self {
            seen: Some(Seen {
                checkout,
                ignores_modes: config.is_off("core.filemode"),
                rewrites: line_ends(&config).is_some(),
                config,
                index,
                below: below.to_owned(),
                top: top.to_owned(),
                contents: Mutex::default(),
            }),
        })
    }

    /// Git's configuration, where there is Git.
    pub(crate) fn config(&self) -> Option<&Config> {
        self.seen.as_ref().map(|seen| &seen.config)
    }

    /// Whether Git tracks a path.
    pub(crate) fn is_tracked(&self, path: &RepoPath) -> bool {
        let has = |seen: &Seen| seen.index.has(&seen.full(path.as_str()));
        self.seen.as_ref().is_some_and(has)
    }

    /// Whether Git tracks another repository at a path, seen from the root.
    pub(crate) fn is_submodule(&self, path: &str) -> bool {
        let entry = |seen: &Seen| seen.index.entry(&seen.full(path));
        let entry = self.seen.as_ref().and_then(entry);
        entry.is_some_and(|entry| entry.what == What::Submodule)
    }

    /// The tracked paths below the root.
    pub(crate) fn tracked(&self) -> impl Iterator<Item = &str> {
        self.seen
            .iter()
            .flat_map(|seen| seen.index.paths(&seen.below))
    }

    /// How Git keeps a path away, if it does.
    pub(crate) fn away(&self, root: &Root, path: &RepoPath) -> Option<Away> {
        let seen = self.seen.as_ref()?;
        if let Some((_, away)) = seen.kept(root, path) {
            return Some(away);
        }
        let Checkout::Sparse(Some(sparse)) = &seen.checkout else {
            return None;
        };
        let full = seen.full(path.as_str());
        (!sparse.takes(&full) && !seen.index.has(&full)).then_some(Away::Outside)
    }

    /// What the index has at those of the paths that Git keeps away: read in one go.
    ///
    /// # Errors
    /// [`Lacking`] for what is in no object store that Git can reach.
    pub(crate) fn kept<'a>(
        &self,
        root: &Root,
        paths: impl Iterator<Item = &'a RepoPath>,
    ) -> Result<BTreeMap<&'a RepoPath, Tracked>, GitError> {
        let Some(seen) = self.seen.as_ref().filter(|seen| seen.index.keeps_any()) else {
            return Ok(BTreeMap::new());
        };
        let kept: Vec<(&RepoPath, Entry)> = paths
            .filter_map(|path| Some((path, seen.kept(root, path)?.0)))
            .collect();
        let contents = seen.contents(&kept)?;
        let of = |(path, entry): (&'a RepoPath, Entry)| {
            let bytes = contents.get(&entry.id).cloned().unwrap_or_default();
            let tracked = Tracked {
                what: entry.what,
                bytes,
            };
            (path, tracked)
        };
        Ok(kept.into_iter().map(of).collect())
    }

    /// The files below the root that are not checked out.
    pub(crate) fn absent(&self, root: &Root) -> Vec<RepoPath> {
        let Some(seen) = self.seen.as_ref().filter(|seen| seen.index.keeps_any()) else {
            return Vec::new();
        };
        let entries = seen.index.below(&seen.below);
        let skipped = entries.filter(|(_, entry)| {
            entry.kept == Some(Kept::Skipped)
                && matches!(entry.what, What::Plain | What::Executable)
        });
        skipped
            .filter_map(|(path, _)| RepoPath::new(path).ok())
            .filter(|path| !is_on_disk(root, path))
            .collect()
    }

    /// A file on the disk as Git would commit it; `rewrites` says whether Git may touch the line ends
    /// of this path.
    pub(crate) fn committed(
        &self,
        path: &RepoPath,
        (content, bytes): (Content, &[u8]),
        rewrites: &dyn Fn() -> bool,
    ) -> Committed {
        let entry = |seen: &Seen| seen.index.entry(&seen.full(path.as_str()));
        let ignoring = self.seen.as_ref().filter(|seen| seen.ignores_modes);
        let mode = ignoring.and_then(entry).map(|entry| mode_of(entry.what));
        let content = Content {
            mode: mode.unwrap_or(content.mode),
            ..content
        };
        match self.stored(path, bytes, rewrites) {
            Some(bytes) => Committed {
                content: Content {
                    hash: ContentHash::of(&bytes),
                    ..content
                },
                bytes: Some(bytes),
            },
            None => Committed {
                content,
                bytes: None,
            },
        }
    }

    /// The bytes that Git would store of a file, where they are others than those on the disk. What
    /// is stored with CRLF already stays so, as Git leaves it.
    pub(crate) fn stored(
        &self,
        path: &RepoPath,
        bytes: &[u8],
        rewrites: &dyn Fn() -> bool,
    ) -> Option<Vec<u8>> {
        let seen = self.seen.as_ref().filter(|seen| seen.rewrites)?;
        let stored = without_returns(bytes)?;
        if !rewrites() {
            return None;
        }
        let entry = seen.index.entry(&seen.full(path.as_str()));
        let is_as_it_is = entry.is_some_and(|entry| entry.id == blob(bytes));
        (!is_as_it_is).then_some(stored)
    }

    /// Whether the mode on the disk says nothing of this path, nor does the index.
    pub(crate) fn has_no_mode(&self, path: &RepoPath) -> bool {
        self.seen
            .as_ref()
            .is_some_and(|seen| seen.ignores_modes && !seen.index.has(&seen.full(path.as_str())))
    }
}

impl Seen {
    fn full(&self, path: &str) -> String {
        format!("{}{path}", self.below)
    }

    /// The entry of a path that Git keeps away.
    fn kept(&self, root: &Root, path: &RepoPath) -> Option<(Entry, Away)> {
        if !self.index.keeps_any() {
            return None;
        }
        let entry = self.index.entry(&self.full(path.as_str()))?;
        let away = match (entry.kept?, &self.checkout) {
            (Kept::Assumed, _) => Away::Assumed,
            (Kept::Skipped, Checkout::Whole) => Away::Skipped,
            // Git itself takes the bit back from a file of a sparse checkout that is there
            (Kept::Skipped, Checkout::Sparse(_)) if is_on_disk(root, path) => return None,
            (Kept::Skipped, Checkout::Sparse(_)) => Away::NotCheckedOut,
        };
        Some((entry, away))
    }

    /// The contents of entries, asked of Git at once.
    fn contents(
        &self,
        kept: &[(&RepoPath, Entry)],
    ) -> Result<BTreeMap<String, Arc<[u8]>>, GitError> {
        let mut known = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        let is_file = |what| matches!(what, What::Plain | What::Executable);
        let wanted: BTreeMap<String, String> = kept
            .iter()
            .filter(|(_, entry)| is_file(entry.what) && !known.contains_key(&entry.id))
            .map(|(path, entry)| (entry.id.clone(), path.to_string()))
            .collect();
        if !wanted.is_empty() {
            known.extend(objects(&self.top, &wanted)?);
        }
        Ok(known.clone())
    }
}

/// Those of the paths that Git keeps away, each with how.
///
/// # Errors
/// What Git says cannot be had.
pub fn away<'a>(
    root: &Root,
    paths: impl Iterator<Item = &'a RepoPath>,
) -> Result<Vec<(RepoPath, Away)>, GitError> {
    let sight = root.sight()?;
    let away = paths.filter_map(|path| Some((path.clone(), sight.away(root, path)?)));
    Ok(away.collect())
}

/// What Git is set up to do with every file of this clone, for people; empty where it does nothing
/// that loom has to see through.
pub fn habits(root: &Root) -> Result<Vec<String>, GitError> {
    let mut habits = Vec::new();
    let Some(seen) = &root.sight()?.seen else {
        return Ok(habits);
    };
    if let Some(value) = line_ends(&seen.config) {
        habits.push(format!(
            "line ends are rewritten ({} in {}), and loom reads files as Git stores them",
            value.setting(),
            value.place()
        ));
    }
    if let Some(value) = seen
        .config
        .last("core.filemode")
        .filter(|_| seen.ignores_modes)
    {
        habits.push(format!(
            "modes on the disk count for nothing (core.fileMode=false in {}), and loom takes those of the index",
            value.place()
        ));
    }
    if seen.config.is_partial() {
        habits.push(
            "this is a partial clone, and Git fetches what loom needs of older commits".to_owned(),
        );
    }
    Ok(habits)
}

/// Files that Git tracks, and files beside those that are missing, whose names differ from a managed
/// one in case or Unicode form alone: each with the managed one. `managed` is sorted.
pub fn twins(
    root: &Root,
    managed: &[&RepoPath],
    missing: &[&RepoPath],
) -> Result<Vec<(RepoPath, RepoPath)>, GitError> {
    let is_plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
    };
    let folded: BTreeMap<String, &RepoPath> = managed
        .iter()
        .filter(|path| !is_plain(path.as_str()))
        .map(|path| (path.folded(), *path))
        .collect();
    let is_managed = |path: &RepoPath| managed.binary_search(&path).is_ok();
    let twin_of = |path: &str| -> Option<(RepoPath, RepoPath)> {
        if is_plain(path) {
            let of = folded.get(path).copied()?;
            return Some((of.clone(), RepoPath::new(path).ok()?));
        }
        let path = RepoPath::new(path).ok()?;
        let name = path.folded();
        let plain = RepoPath::new(&name).ok();
        let plain = plain.filter(|plain| managed.binary_search(&plain).is_ok());
        let of = plain.or_else(|| folded.get(&name).map(|path| (*path).clone()))?;
        Some((of, path))
    };
    let mut found: BTreeSet<(RepoPath, RepoPath)> =
        root.sight()?.tracked().filter_map(twin_of).collect();
    let mut listed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for path in missing {
        let parent = path.parent().unwrap_or("");
        let names = listed
            .entry(parent)
            .or_insert_with(|| names_in(root, parent));
        let name = path.folded();
        found.extend(names.iter().filter_map(|other| {
            let twin = if parent.is_empty() {
                other.clone()
            } else {
                format!("{parent}/{other}")
            };
            let twin = RepoPath::new(&twin).ok()?;
            (twin.folded() == name).then(|| ((*path).clone(), twin))
        }));
    }
    found.retain(|(path, twin)| path != twin && !is_managed(twin));
    Ok(found.into_iter().collect())
}

/// What is in a directory; nothing where there is none.
fn names_in(root: &Root, directory: &str) -> Vec<String> {
    let opened = disk::open_beneath(root.directory(), directory);
    let names = opened.and_then(|opened| disk::list(opened.as_fd()));
    names
        .unwrap_or_default()
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

/// Whether the modes of files on the disk are none for Git, and the index has none of this path.
pub fn has_no_mode(root: &Root, path: &RepoPath) -> bool {
    root.sight().is_ok_and(|sight| sight.has_no_mode(path))
}

/// The contents of objects, by their names in hexadecimal; of each is said what it is. Git looks for
/// all of them in one go, and fetches from its remote what a partial clone lacks.
///
/// # Errors
/// [`Lacking`], if one of them cannot be had.
pub fn objects(
    directory: &Path,
    wanted: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Arc<[u8]>>, Lacking> {
    let lacking = |ids: &mut dyn Iterator<Item = &String>, why: String| {
        let what: BTreeSet<&String> = ids.collect();
        Lacking {
            what: what.into_iter().cloned().collect(),
            why,
        }
    };
    let mut asked = String::new();
    for id in wanted.keys() {
        asked.push_str(id);
        asked.push('\n');
    }
    let count = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
    let limit = OBJECTS + OBJECT.saturating_mul(count);
    let told = program::ask(
        directory,
        &["cat-file", "--batch"],
        asked.into_bytes(),
        limit,
    )
    .map_err(|why| lacking(&mut wanted.values(), why))?;
    let found = batch(&told);
    let mut missing = wanted
        .iter()
        .filter(|(id, _)| !found.contains_key(*id))
        .map(|(_, what)| what)
        .peekable();
    if missing.peek().is_some() {
        let why = "Git has no such object, and no remote that gives it".to_owned();
        return Err(lacking(&mut missing, why));
    }
    Ok(found)
}

/// What `git cat-file --batch` printed: a line with name, kind and size, the bytes, a line end; of
/// what is not there a line that says so.
fn batch(mut told: &[u8]) -> BTreeMap<String, Arc<[u8]>> {
    let mut found = BTreeMap::new();
    while let Some(end) = told.iter().position(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(&told[..end]).into_owned();
        told = &told[end + 1..];
        let mut words = line.split(' ');
        let (Some(id), Some(_), Some(size)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let Some(bytes) = size.parse().ok().and_then(|size: usize| told.get(..size)) else {
            continue;
        };
        found.insert(id.to_owned(), Arc::from(bytes));
        told = told.get(bytes.len() + 1..).unwrap_or_default();
    }
    found
}

/// The setting by which Git rewrites line ends on the way in, where there is one.
pub(crate) fn line_ends(config: &Config) -> Option<&config::Value> {
    let autocrlf = config.last("core.autocrlf");
    let rewrites =
        |value: &&config::Value| value.is_true() || value.text.eq_ignore_ascii_case("input");
    if let Some(value) = autocrlf.filter(rewrites) {
        return Some(value);
    }
    let eol = config.last("core.eol");
    eol.filter(|value| value.text.eq_ignore_ascii_case("crlf"))
}

/// A text with `\n` for each `\r\n`; none where it has no such line end, or is no text for Git.
fn without_returns(bytes: &[u8]) -> Option<Vec<u8>> {
    let is_pair = bytes.windows(2).any(|two| two == b"\r\n");
    if !is_pair || bytes.contains(&0) {
        return None;
    }
    let mut stored = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match (byte, rest.peek()) {
            (b'\r', Some(b'\n')) => {}
            // a return that ends no line makes it no text
            (b'\r', _) => return None,
            (byte, _) => stored.push(byte),
        }
    }
    Some(stored)
}

/// The name that Git gives to the bytes of a file.
fn blob(bytes: &[u8]) -> String {
    let mut hasher = gix_index::hash::hasher(gix_index::hash::Kind::Sha1);
    hasher.update(format!("blob {}\0", bytes.len()).as_bytes());
    hasher.update(bytes);
    hasher
        .try_finalize()
        .map(|id| id.to_string())
        .unwrap_or_default()
}

/// Whether anything stands at a path; links on the way are not followed.
fn is_on_disk(root: &Root, path: &RepoPath) -> bool {
    let directory = disk::open_beneath(root.directory(), path.parent().unwrap_or(""));
    directory.is_ok_and(|directory| disk::facts(directory.as_fd(), path.file_name()).is_ok())
}

#[cfg(test)]
mod tests;
