//! The root: the repository's directory as loom sees it, and loom's private place beside it.
//!
//! In: a directory to start from. Out: an opened [`Root`]; every other module reaches files
//! through it alone.
//!
//! Invariants: the private place is in the worktree's own Git directory (`loom/`, by root), or in
//! `.loom/private/` where there is no Git or Git's directory is on another mount (tests
//! `the_private_place_…`); it is made by whoever first writes there, never by a reader.
//!
//! Deliberately not here: what the files mean.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use loom_plan::addr::{ContentHash, RepoPath};
use loom_plan::input::{Input, ReadError};
use loom_plan::ledger;
use loom_plan::node::MAX_BYTES;
use loom_plan::snapshot::Observed;

use crate::disk::{self, Disk, Kind};
use crate::git::{GitError, Sight};
use crate::{attributes, glob};

/// The file that marks the root.
const PROJECT: &str = "loom.yaml";
/// The private place without Git.
const PRIVATE: &str = ".loom/private";

/// The repository's directory, opened.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
    directory: OwnedFd,
    git: Option<Git>,
    private: Private,
    /// The mount and the device that it is on.
    mount: (u64, u64),
    /// Where Git's submodules below it are, also those that are not fetched.
    submodules: BTreeSet<String>,
    /// How Git sees the paths, once somebody asked.
    sight: OnceLock<Result<Sight, GitError>>,
    pub(crate) disk: Disk,
}

/// The Git repository that the root is in.
#[derive(Debug)]
struct Git {
    /// The worktree's top.
    top: PathBuf,
    /// The worktree's own Git directory.
    directory: PathBuf,
}

/// Where lock and staging live: the parts below an existing directory.
#[derive(Debug)]
struct Private {
    base: PathBuf,
    parts: Vec<String>,
    in_git: bool,
}

/// Why there is no root. Exit code 1.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// No loom.yaml, from the start upward.
    #[error(
        "there is no loom.yaml in {0} or in any directory above it; `loom init` writes a first one"
    )]
    NotFound(PathBuf),
    /// The directory does not open.
    #[error("the directory {path} cannot be opened: {cause}")]
    Closed {
        /// The directory.
        path: PathBuf,
        /// The system's own words.
        cause: io::Error,
    },
}

/// Why the ledger cannot be read. Exit code 1.
#[derive(Debug, thiserror::Error)]
#[error("`{place}` of the ledger cannot be read: {cause}")]
pub struct LedgerError {
    /// The file, or the ledger's directory.
    pub place: String,
    /// Why.
    pub cause: ReadError,
}

impl Root {
    /// The directory of the nearest loom.yaml of a project, from `start` upward. A loom.yaml that a
    /// project includes names none, and is a root only where there is no other.
    ///
    /// # Errors
    /// [`RootError::NotFound`] where there is none, [`RootError::Closed`] where it does not open.
    pub fn find(start: &Path) -> Result<Self, RootError> {
        let closed = |cause| RootError::Closed {
            path: start.to_owned(),
            cause,
        };
        let start = disk::canonical(start).map_err(closed)?;
        let holds =
            |directory: &&Path| matches!(disk::kind_at(&directory.join(PROJECT)), Ok(Kind::File));
        let is_project = |directory: &&Path| {
            let text = disk::read_path(&directory.join(PROJECT)).unwrap_or_default();
            text.split(|byte| *byte == b'\n')
                .any(|line| line.starts_with(b"project:"))
        };
        let nearest = start.ancestors().filter(|directory| holds(directory));
        match nearest
            .clone()
            .find(is_project)
            .or_else(|| nearest.clone().next())
        {
            Some(directory) => Self::open(directory),
            None => Err(RootError::NotFound(start)),
        }
    }

    /// The directory itself, whatever it holds: for `loom init`.
    ///
    /// # Errors
    /// [`RootError::Closed`] where it does not open.
    pub fn open(directory: &Path) -> Result<Self, RootError> {
        let closed = |cause| RootError::Closed {
            path: directory.to_owned(),
            cause,
        };
        let path = disk::canonical(directory).map_err(closed)?;
        let opened = disk::open_directory(&path).map_err(closed)?;
        let git = path.ancestors().find_map(|top| {
            Some(Git {
                directory: git_directory(top)?,
                top: top.to_owned(),
            })
        });
        let private = match &git {
            Some(git) if same_mount(opened.as_fd(), &git.directory) => {
                Private::in_git(&git.directory, path.strip_prefix(&git.top).ok())
            }
            _ => Private {
                base: path.clone(),
                parts: PRIVATE.split('/').map(str::to_owned).collect(),
                in_git: false,
            },
        };
        let mount = disk::mount_of(opened.as_fd()).map_err(closed)?;
        let submodules = git
            .as_ref()
            .map_or_else(BTreeSet::new, |git| submodules(git, &path));
        Ok(Self {
            directory: opened,
            git,
            private,
            mount,
            submodules,
            sight: OnceLock::new(),
            disk: Disk::default(),
            path,
        })
    }

    /// The directory's path, absolute and without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The worktree's own Git directory, if the root is in a Git repository.
    pub fn git(&self) -> Option<&Path> {
        self.git.as_ref().map(|git| git.directory.as_path())
    }

    /// The top of the Git worktree that the root is in; the root itself where there is no Git.
    pub fn top(&self) -> &Path {
        self.git.as_ref().map_or(&self.path, |git| &git.top)
    }

    /// How Git sees the paths of this root.
    pub(crate) fn sight(&self) -> Result<&Sight, GitError> {
        let look = || match &self.git {
            None => Ok(Sight::default()),
            Some(git) => {
                let common = attributes::common(&git.directory);
                Sight::of(&git.directory, &common, (&git.top, &self.below_top()))
            }
        };
        self.sight.get_or_init(look).as_ref().map_err(Clone::clone)
    }

    /// Leads from the top of the worktree to the root: `""`, or ending in `/`.
    pub fn below_top(&self) -> String {
        let below = self.path().strip_prefix(self.top()).ok();
        match below.and_then(Path::to_str) {
            None | Some("") => String::new(),
            Some(below) => format!("{below}/"),
        }
    }

    /// The text of Git's configuration of this repository, where there is one to read.
    pub fn git_config(&self) -> Option<String> {
        String::from_utf8(disk::read_path(&self.git()?.join("config")).ok()?).ok()
    }

    /// Where lock, staging, history and caches live. It may not exist yet.
    pub fn private(&self) -> PathBuf {
        self.private
            .parts
            .iter()
            .fold(self.private.base.clone(), |path, part| path.join(part))
    }

    pub(crate) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Which Git repository the directory `path` is instead of a part of this one, if it is any: one
    /// of its own, with a worktree or without, or a submodule, which may not be fetched yet.
    pub(crate) fn other_repository(&self, path: &str) -> Option<&'static str> {
        let kind = |name: &str| {
            disk::facts(self.directory(), &format!("{path}/{name}"))
                .ok()
                .map(|facts| facts.kind)
        };
        // Git's index knows those too that `.gitmodules` does not name
        let is_linked = || self.sight().is_ok_and(|sight| sight.is_submodule(path));
        if self.submodules.contains(path) || is_linked() {
            return Some("a submodule of Git");
        }
        let is_bare = || {
            kind("HEAD") == Some(Kind::File)
                && ["objects", "refs"]
                    .iter()
                    .all(|name| kind(name) == Some(Kind::Directory))
        };
        (kind(".git").is_some() || is_bare()).then_some("another Git repository")
    }

    /// Whether an opened directory is on the mount and the device of the root, so that files can be
    /// exchanged with it.
    pub(crate) fn is_on_mount(&self, directory: BorrowedFd<'_>) -> bool {
        disk::mount_of(directory).is_ok_and(|mount| mount == self.mount)
    }

    /// Whether an opened directory is on the device of the root.
    pub(crate) fn is_on_device(&self, directory: BorrowedFd<'_>) -> bool {
        disk::facts_of(directory).is_ok_and(|facts| facts.device == self.mount.1)
    }

    /// The private place, opened, and made first where it is missing.
    pub(crate) fn open_private(&self) -> io::Result<OwnedFd> {
        let mut directory = disk::open_directory(&self.private.base)?;
        for part in &self.private.parts {
            match self.disk.make_directory(directory.as_fd(), part, 0o777) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                Ok(()) | Err(_) => directory = disk::open_child(directory.as_fd(), part)?,
            }
        }
        if !self.private.in_git {
            self.hide(directory.as_fd())?;
        }
        Ok(directory)
    }

    /// The private place, opened, if it is there.
    pub(crate) fn find_private(&self) -> io::Result<Option<OwnedFd>> {
        let mut directory = disk::open_directory(&self.private.base)?;
        for part in &self.private.parts {
            directory = match disk::open_child(directory.as_fd(), part) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                opened => opened?,
            };
        }
        Ok(Some(directory))
    }

    /// Whether loom ever wrote here.
    pub fn has_past(&self) -> bool {
        matches!(self.find_private(), Ok(Some(_)))
    }

    /// The private place, opened, or what is there of the way to it.
    pub(crate) fn nearest_private(&self) -> io::Result<OwnedFd> {
        let mut directory = disk::open_directory(&self.private.base)?;
        for part in &self.private.parts {
            directory = match disk::open_child(directory.as_fd(), part) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                opened => opened?,
            };
        }
        Ok(directory)
    }

    /// Lets Git ignore the private place where it is among the repository's files.
    fn hide(&self, private: BorrowedFd<'_>) -> io::Result<()> {
        match self.disk.create(private, ".gitignore", 0o666) {
            Ok(file) => self.disk.write(file.as_fd(), b"*\n"),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The bytes of a file of the repository as Git would commit them; what Git keeps away from the
    /// disk is read from its index.
    ///
    /// # Errors
    /// [`ReadError::Missing`], or [`ReadError::Other`] for what is no file and what the system refuses.
    pub fn read_bytes(&self, path: &RepoPath) -> Result<Vec<u8>, ReadError> {
        match self.kept(path)? {
            Some(bytes) => Ok(bytes),
            None => self.stored(path, self.bytes_on_disk(path)?),
        }
    }

    /// The bytes of a file exactly as they are on the disk.
    pub(crate) fn bytes_on_disk(&self, path: &RepoPath) -> Result<Vec<u8>, ReadError> {
        let file = self.open_file(path)?;
        let size = disk::facts_of(file.as_fd()).map_err(refused)?.size;
        let mut bytes = Vec::new();
        disk::read_to_end(file.as_fd(), Some(size), &mut bytes).map_err(refused)?;
        Ok(bytes)
    }

    /// What Git's index has of a file that Git keeps away.
    fn kept(&self, path: &RepoPath) -> Result<Option<Vec<u8>>, ReadError> {
        let failed = |error: GitError| ReadError::Other(error.to_string());
        let sight = self.sight().map_err(failed)?;
        let kept = sight.kept(self, std::iter::once(path)).map_err(failed)?;
        match kept.get(path) {
            None => Ok(None),
            Some(tracked) => match tracked.observed() {
                Observed::Foreign(what) => Err(ReadError::Other(format!("it is {what}"))),
                Observed::Absent | Observed::File(_) | Observed::Damaged(_) => {
                    Ok(Some(tracked.bytes().to_vec()))
                }
            },
        }
    }

    /// Bytes from the disk as Git would store them.
    fn stored(&self, path: &RepoPath, bytes: Vec<u8>) -> Result<Vec<u8>, ReadError> {
        let sight = self.sight();
        let sight = sight.map_err(|error| ReadError::Other(error.to_string()))?;
        let stored = sight.stored(path, &bytes, &|| attributes::is_text(self, path));
        Ok(stored.unwrap_or(bytes))
    }

    /// Whether something stands at a path that is no directory: a file, one that Git has not checked
    /// out among them, or what is none.
    pub fn stands(&self, path: &RepoPath) -> bool {
        let directory = disk::open_beneath(self.directory(), path.parent().unwrap_or(""));
        let facts =
            directory.and_then(|directory| disk::facts(directory.as_fd(), path.file_name()));
        facts.map_or_else(
            |_| matches!(self.kept(path), Ok(Some(_))),
            |facts| facts.kind != Kind::Directory,
        )
    }

    fn open_file(&self, path: &RepoPath) -> Result<OwnedFd, ReadError> {
        let directory =
            disk::open_beneath(self.directory(), path.parent().unwrap_or("")).map_err(refused)?;
        let kind = disk::facts(directory.as_fd(), path.file_name())
            .map_err(refused)?
            .kind;
        if kind != Kind::File {
            return Err(ReadError::Other(format!("it is {}", kind.noun())));
        }
        disk::open_file(directory.as_fd(), path.file_name()).map_err(refused)
    }

    /// The ledger's files, by code: what [`ledger::Ledger::read`] takes. None, where there is no ledger.
    ///
    /// # Errors
    /// [`LedgerError`] for a file that cannot be read: a ledger that is half read would lie.
    pub fn ledger(&self) -> Result<Vec<(String, String)>, LedgerError> {
        let failed = |place: &str, cause| LedgerError {
            place: place.to_owned(),
            cause,
        };
        let folder = disk::open_beneath(self.directory(), ledger::FOLDER);
        let names = match folder.and_then(|opened| disk::list(opened.as_fd())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            names => names.map_err(|error| failed(ledger::FOLDER, refused(error)))?,
        };
        let below = format!("{}/", ledger::FOLDER);
        let kept = self
            .sight()
            .map_err(|error| failed(ledger::FOLDER, ReadError::Other(error.to_string())))?;
        let kept = kept.absent(self);
        let names: BTreeSet<String> = names
            .into_iter()
            .map(|(name, _)| name)
            .chain(kept.iter().filter_map(|path| {
                let name = path.as_str().strip_prefix(&below)?;
                (!name.contains('/')).then(|| name.to_owned())
            }))
            .collect();
        let mut files = Vec::new();
        for name in names {
            let Some(code) = name.strip_suffix(".jsonl") else {
                continue;
            };
            let path = format!("{}/{name}", ledger::FOLDER);
            let read = RepoPath::new(&path).map_err(|error| ReadError::Other(error.to_string()));
            let mut text = read
                .and_then(|path| text(self.read_bytes(&path)?))
                .map_err(|cause| failed(&path, cause))?;
            text.shrink_to_fit();
            files.push((code.to_owned(), text));
        }
        Ok(files)
    }
}

/// What the pure core reads, from the disk.
impl Input for Root {
    fn read(&self, path: &RepoPath) -> Result<Arc<str>, ReadError> {
        let file = match self.open_file(path) {
            // a file of the input that is not checked out is an input all the same
            Err(ReadError::Missing) => {
                let bytes = self.kept(path)?.ok_or(ReadError::Missing)?;
                return if bytes.len() <= MAX_BYTES {
                    Ok(text(bytes)?.into())
                } else {
                    Err(ReadError::TooLarge(bytes.len() as u64))
                };
            }
            file => file?,
        };
        let size = disk::facts_of(file.as_fd()).map_err(refused)?.size;
        if usize::try_from(size).is_ok_and(|size| size <= MAX_BYTES) {
            let mut bytes = Vec::new();
            disk::read_to_end(file.as_fd(), Some(size), &mut bytes).map_err(refused)?;
            return Ok(text(self.stored(path, bytes)?)?.into());
        }
        Err(ReadError::TooLarge(size))
    }

    fn glob(&self, patterns: &[String]) -> Vec<RepoPath> {
        glob::matches(self, patterns)
    }

    fn passed_over(&self, patterns: &[String]) -> Vec<(RepoPath, String)> {
        glob::passed_over(self, patterns)
    }
}

fn text(bytes: Vec<u8>) -> Result<String, ReadError> {
    String::from_utf8(bytes).map_err(|_| ReadError::NotUtf8)
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
fn refused(error: io::Error) -> ReadError {
    if error.kind() == io::ErrorKind::NotFound {
        ReadError::Missing
    } else {
        ReadError::Other(error.to_string())
    }
}

impl Private {
    /// The place of a root that is `below` the worktree's top.
    fn in_git(git: &Path, below: Option<&Path>) -> Self {
        let mut parts = vec!["loom".to_owned()];
        if let Some(below) = below.filter(|below| !below.as_os_str().is_empty()) {
            parts.push(format!(
                "root-{}",
                ContentHash::of(below.as_os_str().as_encoded_bytes()).short(16)
            ));
        }
        Self {
            base: git.to_owned(),
            parts,
            in_git: true,
        }
    }
}

/// The Git directory of a worktree whose top is `top`, if it is one.
fn git_directory(top: &Path) -> Option<PathBuf> {
    let dot = top.join(".git");
    let directory = match disk::kind_at(&dot).ok()? {
        Kind::Directory => dot,
        Kind::File => {
            let text = String::from_utf8(disk::read_path(&dot).ok()?).ok()?;
            top.join(text.strip_prefix("gitdir:")?.trim())
        }
        Kind::Link | Kind::Fifo | Kind::Socket | Kind::Device => return None,
    };
    disk::kind_at(&directory.join("HEAD")).ok()?;
    disk::canonical(&directory).ok()
}

/// The paths of `.gitmodules` that are below the root, seen from there.
fn submodules(git: &Git, root: &Path) -> BTreeSet<String> {
    let bytes = disk::read_path(&git.top.join(".gitmodules")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let paths = text.lines().filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        let value = value.trim().trim_matches('"').trim_end_matches('/');
        key.trim()
            .eq_ignore_ascii_case("path")
            .then(|| git.top.join(value))
    });
    paths
        .filter_map(|path| Some(path.strip_prefix(root).ok()?.to_str()?.to_owned()))
        .filter(|path| !path.is_empty())
        .collect()
}

fn same_mount(root: BorrowedFd<'_>, git: &Path) -> bool {
    let mounts = disk::open_directory(git)
        .and_then(|git| Ok((disk::mount_of(git.as_fd())?, disk::mount_of(root)?)));
    mounts.is_ok_and(|(git, root)| git == root)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::tests::Scene;

    #[test]
    fn the_root_is_the_nearest_loom_yaml_upward() {
        let scene = Scene::new(&[("loom.yaml", "x"), ("a/b/c.txt", ""), ("a/loom.yaml", "y")]);
        let found = |below: &str| {
            Root::find(&scene.path().join(below))
                .map(|root| root.path().to_owned())
                .ok()
        };
        assert_eq!(found("a/b"), Some(scene.path().join("a")));
        assert_eq!(found(""), Some(scene.path().to_owned()));
        let empty = Scene::new(&[]);
        let error = Root::find(empty.path()).expect_err("no loom.yaml");
        assert!(error.to_string().contains("loom init"), "{error}");
    }

    #[test]
    fn the_private_place_is_in_git_by_root() {
        let scene = Scene::new(&[
            (".git/HEAD", "ref: x"),
            ("loom.yaml", ""),
            ("sub/loom.yaml", ""),
        ]);
        let top = Root::open(scene.path()).expect("opens");
        assert_eq!(top.private(), scene.path().join(".git/loom"));
        let sub = Root::open(&scene.path().join("sub")).expect("opens");
        assert!(
            sub.private().starts_with(scene.path().join(".git/loom")),
            "{:?}",
            sub.private()
        );
        assert_ne!(sub.private(), top.private());
        assert!(!top.private().exists(), "a reader made it");
        top.open_private().expect("is made");
        assert!(top.private().is_dir());
    }

    #[test]
    fn the_private_place_of_a_worktree_is_its_own() {
        let scene = Scene::new(&[
            ("main/.git/worktrees/w/HEAD", "x"),
            ("w/.git", "gitdir: ../main/.git/worktrees/w\n"),
        ]);
        let root = Root::open(&scene.path().join("w")).expect("opens");
        assert_eq!(
            root.private(),
            scene.path().join("main/.git/worktrees/w/loom")
        );
    }

    #[test]
    fn the_private_place_without_git_hides_itself() {
        let scene = Scene::new(&[("loom.yaml", "")]);
        let root = Root::open(scene.path()).expect("opens");
        root.open_private().expect("is made");
        root.open_private().expect("is there");
        assert_eq!(root.private(), scene.path().join(".loom/private"));
        assert_eq!(
            fs::read(scene.path().join(".loom/private/.gitignore"))
                .ok()
                .as_deref(),
            Some(&b"*\n"[..])
        );
    }

    #[test]
    fn the_ledger_is_read_in_the_order_of_codes() {
        let scene = Scene::new(&[
            (".loom/ledger/project.jsonl", "p"),
            (".loom/ledger/ENT-001.jsonl", "e"),
            (".loom/ledger/x", ""),
        ]);
        let files = scene.root().ledger().expect("reads");
        assert_eq!(
            files,
            [
                ("ENT-001".to_owned(), "e".to_owned()),
                ("project".to_owned(), "p".to_owned())
            ]
        );
        assert!(Scene::new(&[]).root().ledger().expect("reads").is_empty());
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let scene = Scene::new(&[("dir/x", "")]);
        scene.write("latin", b"\xff");
        let error = |path: &str| {
            scene
                .root()
                .read(&RepoPath::new(path).expect("a path"))
                .expect_err("no text")
                .to_string()
        };
        assert_eq!(error("dir"), "the file cannot be read: it is a directory");
        assert_eq!(error("none"), "the file does not exist");
        assert_eq!(error("latin"), "the file is not UTF-8 text");
    }
}
