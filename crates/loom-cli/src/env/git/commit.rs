//! The files of a commit, as if they stood on the disk.
//!
//! In: the root's place in its repository, and a commit. Out: its files below the root: texts for
//! the input, bytes, the ledger, and what counts of them for a plan.
//!
//! Invariants: a link of the commit is a link and no file, and a submodule is somebody else's, as on
//! the disk; what `observe` says of a commit, `loom_apply::observe` says of its checkout (test
//! `a_commit_is_seen_as_its_checkout_is`).
//!
//! Deliberately not here: what Git's filters would make of a file at a checkout: managed files
//! under one are refused.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use gix::objs::tree::EntryKind;
use gix::{ObjectId, Repository};
use loom_apply::git::FETCH;
use loom_apply::{Lacking, LedgerError, Root};
use loom_plan::addr::{ContentHash, RepoPath};
use loom_plan::input::{Globs, Input, ReadError};
use loom_plan::ledger;
use loom_plan::provider::Mode;
use loom_plan::snapshot::{Content, Observed, Seen, Snapshot, Want};
use rayon::prelude::*;

use super::Place;
use crate::cli::quoted;

/// How many neighbours one worker takes at a time.
const NEIGHBOURS: usize = 64;

/// The files of a commit that are below the root.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    place: Place,
    /// The commit, shortened, for people.
    pub(crate) name: String,
    /// By path from the root, directories left out.
    entries: BTreeMap<String, (EntryKind, ObjectId)>,
}

impl Commit {
    /// The files of a commit.
    ///
    /// # Errors
    /// Why they cannot be listed, for people.
    pub(super) fn of(place: Place, id: ObjectId) -> Result<Self, String> {
        let tree = || Ok(place.open()?.find_commit(id)?.tree_id()?.detach());
        let tree = tree().map_err(|error: gix::Error| error.to_string())?;
        Ok(Self {
            name: short(id),
            ..Self::of_tree(place, tree)?
        })
    }

    /// The files of a tree.
    ///
    /// # Errors
    /// Why they cannot be listed, for people.
    pub(super) fn of_tree(place: Place, tree: ObjectId) -> Result<Self, String> {
        if let Ok(listed) = Self::listed(place.clone(), tree) {
            return Ok(listed);
        }
        // a clone that was made without trees
        place.bring_trees(tree)?;
        Self::listed(place, tree).map_err(|error| error.to_string())
    }

    fn listed(place: Place, tree: ObjectId) -> gix::Result<Self> {
        let repository = place.open()?;
        let top = repository.find_tree(tree)?;
        let below = place.below.as_os_str();
        let root = match top.lookup_entry_by_path(&place.below)? {
            _ if below.is_empty() => Some(top),
            Some(entry) if entry.mode().is_tree() => Some(entry.object()?.into_tree()),
            Some(_) | None => None,
        };
        let listed = root
            .map(|root| root.traverse().breadthfirst.files())
            .transpose()?
            .unwrap_or_default();
        let named = listed.into_iter().filter(|entry| !entry.mode.is_tree());
        let named = named.filter_map(|entry| {
            Some((
                String::from_utf8(entry.filepath.into()).ok()?,
                (entry.mode.kind(), entry.oid),
            ))
        });
        Ok(Self {
            place,
            name: short(tree),
            entries: named.collect(),
        })
    }

    /// The same commit with the root in another directory of it.
    fn below(&self, below: PathBuf, id: ObjectId) -> Result<Self, String> {
        Self::of(
            Place {
                below,
                ..self.place.clone()
            },
            id,
        )
    }

    fn blob(&self, path: &str, id: ObjectId) -> Result<Vec<u8>, ReadError> {
        let lacking = |error: Lacking| ReadError::Other(format!("{error}; {FETCH}"));
        self.place
            .bring(&[(id, path.to_owned())].into())
            .map_err(lacking)?;
        let read = self
            .place
            .open()
            .and_then(|repository| Ok(repository.find_blob(id)?.take_data()));
        read.map_err(|error| ReadError::Other(error.to_string()))
    }

    /// Sees that the contents of these files are there, asked for at once.
    fn bring<'a>(&self, paths: impl Iterator<Item = &'a str>) -> Result<(), Lacking> {
        let wanted = paths.filter_map(|path| match self.entries.get(path)? {
            (EntryKind::Blob | EntryKind::BlobExecutable, id) => Some((*id, path.to_owned())),
            (EntryKind::Link | EntryKind::Commit | EntryKind::Tree, _) => None,
        });
        self.place.bring(&wanted.collect())
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// [`ReadError::Missing`], or why what is there gives no bytes.
    pub(crate) fn bytes(&self, path: &RepoPath) -> Result<Vec<u8>, ReadError> {
        match self.entries.get(path.as_str()) {
            None => Err(ReadError::Missing),
            Some((EntryKind::Blob | EntryKind::BlobExecutable, id)) => {
                self.blob(path.as_str(), *id)
            }
            Some((kind @ (EntryKind::Link | EntryKind::Commit | EntryKind::Tree), _)) => {
                Err(ReadError::Other(format!("it is {}", noun(*kind))))
            }
        }
    }

    /// The ledger's files, by code.
    ///
    /// # Errors
    /// [`LedgerError`] for one that cannot be read.
    pub(crate) fn ledger(&self) -> Result<Vec<(String, String)>, LedgerError> {
        let folder = format!("{}/", ledger::FOLDER);
        let files = self
            .entries
            .range(folder.clone()..)
            .take_while(|(path, _)| path.starts_with(&folder));
        let files: Vec<(&String, &str)> = files
            .filter_map(|(path, _)| Some((path, path[folder.len()..].strip_suffix(".jsonl")?)))
            .filter(|(_, code)| !code.contains('/'))
            .collect();
        self.bring(files.iter().map(|(path, _)| path.as_str()))
            .map_err(|error| LedgerError {
                place: ledger::FOLDER.to_owned(),
                cause: ReadError::Other(format!("{error}; {FETCH}")),
            })?;
        files
            .into_iter()
            .map(|(place, code)| {
                let failed = |cause| LedgerError {
                    place: place.clone(),
                    cause,
                };
                let path = RepoPath::new(place)
                    .map_err(|error| failed(ReadError::Other(error.to_string())))?;
                let text = String::from_utf8(self.bytes(&path).map_err(failed)?)
                    .map_err(|_| failed(ReadError::NotUtf8))?;
                Ok((code.to_owned(), text))
            })
            .collect()
    }

    /// Looks at every path of `wants`.
    ///
    /// # Errors
    /// [`Lacking`], where a partial clone has not all of them, and Git cannot fetch them: what is
    /// not known to be absent is never taken for absent.
    pub(crate) fn observe(&self, wants: &[Want]) -> Result<Snapshot, Lacking> {
        self.bring(wants.iter().map(|want| want.path.as_str()))?;
        let seen: Vec<Vec<Seen>> = wants
            .par_chunks(NEIGHBOURS)
            .map(|wants| wants.iter().map(|want| self.look(want)).collect())
            .collect();
        Ok(Snapshot(
            wants
                .iter()
                .map(|want| want.path.clone())
                .zip(seen.into_iter().flatten())
                .collect(),
        ))
    }

    fn look(&self, want: &Want) -> Seen {
        let path = want.path.as_str();
        let (whole, bytes) = match self.entries.get(path) {
            Some((kind @ (EntryKind::Blob | EntryKind::BlobExecutable), id)) => {
                match self.blob(path, *id) {
                    Err(error) => (
                        Observed::Foreign(format!(
                            "{} ({error})",
                            loom_plan::snapshot::UNREADABLE[0]
                        )),
                        Vec::new(),
                    ),
                    Ok(bytes) => (
                        Observed::File(Content {
                            hash: ContentHash::of(&bytes),
                            mode: mode_of(*kind),
                        }),
                        bytes,
                    ),
                }
            }
            Some((kind @ (EntryKind::Link | EntryKind::Commit | EntryKind::Tree), _)) => {
                (Observed::Foreign(noun(*kind).to_owned()), Vec::new())
            }
            None if self.is_directory(path) => (
                Observed::Foreign(noun(EntryKind::Tree).to_owned()),
                Vec::new(),
            ),
            None => (self.instead_of_directory(path), Vec::new()),
        };
        loom_apply::observe::seen(want, whole, &bytes)
    }

    fn is_directory(&self, path: &str) -> bool {
        let below = format!("{path}/");
        self.entries
            .range(below.clone()..)
            .next()
            .is_some_and(|(path, _)| path.starts_with(&below))
    }

    /// What stands at a path of which the commit has no entry: nothing, or what is no directory above it.
    fn instead_of_directory(&self, path: &str) -> Observed {
        let mut above = path.match_indices('/').map(|(end, _)| &path[..end]);
        let found = above.find_map(|above| Some((above, self.entries.get(above)?.0)));
        found.map_or(Observed::Absent, |(above, kind)| {
            Observed::Foreign(format!(
                "{} in place of the directory `{above}`",
                noun(kind)
            ))
        })
    }
}

impl Input for Commit {
    fn read(&self, path: &RepoPath) -> Result<Arc<str>, ReadError> {
        let bytes = self.bytes(path)?;
        if bytes.len() > loom_plan::node::MAX_BYTES {
            return Err(ReadError::TooLarge(bytes.len() as u64));
        }
        String::from_utf8(bytes)
            .map(Into::into)
            .map_err(|_| ReadError::NotUtf8)
    }

    fn glob(&self, patterns: &[String]) -> Vec<RepoPath> {
        let globs = Globs::new(patterns);
        let files = self
            .entries
            .iter()
            .filter(|(_, (kind, _))| matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable));
        let mut found: Vec<RepoPath> = files
            .filter_map(|(path, _)| RepoPath::new(path).ok())
            .filter(|path| globs.matches(path))
            .collect();
        found.sort();
        // whoever reads one that cannot be had says so
        drop(self.bring(found.iter().map(RepoPath::as_str)));
        found
    }

    fn passed_over(&self, patterns: &[String]) -> Vec<(RepoPath, String)> {
        let globs = Globs::new(patterns);
        // a link may stand for a directory in which something would match
        let may_lead = |path: &str| {
            patterns.iter().any(|pattern| {
                let wild = pattern.find(['*', '?', '[', '{']).unwrap_or(pattern.len());
                let (begin, is_deep) = (&pattern[..wild], pattern.contains("**"));
                begin.starts_with(&format!("{path}/")) || (is_deep && path.starts_with(begin))
            })
        };
        let others = self.entries.iter().filter(|(path, (kind, _))| match kind {
            EntryKind::Link | EntryKind::Commit => {
                may_lead(path) || RepoPath::new(path).is_ok_and(|path| globs.matches(&path))
            }
            EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Tree => false,
        });
        let named = |(path, (kind, _)): (&String, &(EntryKind, ObjectId))| {
            Some((RepoPath::new(path).ok()?, noun(*kind).to_owned()))
        };
        others.filter_map(named).collect()
    }
}

fn mode_of(kind: EntryKind) -> Mode {
    if kind == EntryKind::BlobExecutable {
        Mode::Executable
    } else {
        Mode::Plain
    }
}

/// As the same thing is called on the disk.
fn noun(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Tree => "a directory",
        EntryKind::Blob | EntryKind::BlobExecutable => "a file",
        EntryKind::Link => "a symbolic link",
        EntryKind::Commit => "a submodule of Git",
    }
}

pub(super) fn short(id: ObjectId) -> String {
    id.to_hex_with_len(10).to_string()
}

/// What a request is compared with, and where the root was in it.
#[derive(Debug)]
pub(crate) struct Base {
    /// The files.
    pub(crate) commit: Commit,
    /// The directory of the root then, where it was another.
    pub(crate) moved_from: Option<String>,
}

/// The commit that the history of `HEAD` and that of `reference` have in common: where a request began.
///
/// # Errors
/// A sentence that says why there is none, and what helps.
pub(crate) fn base_of(root: &Root, reference: &str, project: &str) -> Result<Base, String> {
    let place = Place::of(root).ok_or_else(|| {
        format!(
            "{} is in no Git repository, so that there is no commit to compare with",
            root.path().display()
        )
    })?;
    let repository = place.open_or_say()?;
    let id = common(&repository, reference)
        .map_err(|why| format!("{why}\n  help: {}", help(&repository, reference)))?;
    base_at(place, id, project)
}

/// The commit that `reference` names itself.
///
/// # Errors
/// As [`base_of`].
pub(crate) fn commit_of(root: &Root, reference: &str, project: &str) -> Result<Base, String> {
    let place = Place::of(root).ok_or_else(|| {
        format!(
            "{} is in no Git repository, so that there is no commit `{reference}`",
            root.path().display()
        )
    })?;
    let repository = place.open_or_say()?;
    let id = named(&repository, reference)
        .map_err(|why| format!("{why}\n  help: {}", help(&repository, reference)))?;
    base_at(place, id, project)
}

fn base_at(place: Place, id: ObjectId, project: &str) -> Result<Base, String> {
    let unread = |error: String| {
        format!(
            "the files of the commit {} cannot be listed: {error}",
            short(id)
        )
    };
    let commit = Commit::of(place, id).map_err(unread)?;
    if commit.entries.contains_key("loom.yaml") {
        return Ok(Base {
            commit,
            moved_from: None,
        });
    }
    match root_of(&commit, id, project).map_err(unread)? {
        Some(below) => {
            let moved_from = Some(if below.as_os_str().is_empty() {
                ".".to_owned()
            } else {
                below.display().to_string()
            });
            Ok(Base {
                commit: commit.below(below, id).map_err(unread)?,
                moved_from,
            })
        }
        None => Ok(Base {
            commit,
            moved_from: None,
        }),
    }
}

/// What helps: to fetch the reference, if its remote is there.
fn help(repository: &Repository, reference: &str) -> String {
    let fetch = match fetch_of(repository, reference) {
        Some(command) => format!("fetch the base with `{command}`"),
        None => "fetch the branch that the request goes to".to_owned(),
    };
    if repository.is_shallow().unwrap_or(false) {
        return format!(
            "this clone is shallow: fetch the history with `git fetch --unshallow`, and {fetch}; \
             in GitHub Actions, set `fetch-depth: 0` of actions/checkout"
        );
    }
    format!("{fetch}, and name it as `git log -1` takes it")
}

/// The command that fetches a branch of a remote of this clone, such as `origin/main`.
fn fetch_of(repository: &Repository, reference: &str) -> Option<String> {
    let names = repository.remote_names();
    let of_remote = |name: &str| {
        let branch = reference.strip_prefix(name)?.strip_prefix('/')?;
        let to = format!("{branch}:refs/remotes/{name}/{branch}");
        Some(format!("git fetch {} {}", quoted(name), quoted(&to)))
    };
    names.iter().find_map(|name| of_remote(&name.to_string()))
}

/// The commit that somebody names.
fn named(repository: &Repository, reference: &str) -> Result<ObjectId, String> {
    let unknown = |_| format!("there is no commit `{reference}` in this repository");
    let id = repository.rev_parse_single(reference).map_err(unknown)?;
    let commit = id
        .object()
        .and_then(gix::Object::peel_to_commit)
        .map_err(|_| format!("`{reference}` is no commit"))?;
    Ok(commit.id)
}

fn common(repository: &Repository, reference: &str) -> Result<ObjectId, String> {
    let other = named(repository, reference)?;
    let head = repository
        .head_id()
        .map_err(|_| "there is no commit yet that could be compared with another".to_owned())?;
    let base = repository
        .merge_base(head.detach(), other)
        .map_err(|error| format!("the history cannot be read: {error}"))?;
    let base = base.ok_or_else(|| {
        format!("the histories of `{reference}` and of HEAD have no commit in common")
    })?;
    Ok(base.detach())
}

/// The one other directory of a commit whose loom.yaml is of this project.
fn root_of(commit: &Commit, id: ObjectId, project: &str) -> Result<Option<PathBuf>, String> {
    let all = commit.below(PathBuf::new(), id)?;
    let is_of_project = |path: &&String| {
        let text = RepoPath::new(path)
            .ok()
            .and_then(|path| all.read(&path).ok())
            .unwrap_or_default();
        let said = text.lines().find_map(|line| line.strip_prefix("project:"));
        said.is_some_and(|said| {
            said.split('#')
                .next()
                .unwrap_or_default()
                .trim()
                .trim_matches(['"', '\''])
                == project
        })
    };
    let named = all
        .entries
        .keys()
        .filter(|path| *path == "loom.yaml" || path.ends_with("/loom.yaml"))
        .collect::<Vec<_>>();
    all.bring(named.iter().map(|path| path.as_str()))
        .map_err(|error| format!("{error}; {FETCH}"))?;
    let mut found = named.into_iter().filter(is_of_project);
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(Some(
            only.strip_suffix("loom.yaml")
                .unwrap_or_default()
                .trim_end_matches('/')
                .into(),
        )),
        (_, _) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use loom_plan::block;
    use loom_plan::provider::Comment;

    use super::super::Branch;
    use super::super::scene::Scene;
    use super::*;

    #[test]
    fn a_commit_is_seen_as_its_checkout_is() {
        let shared = block::set("mine\n", Comment::Html, "file.x", "theirs\n").expect("no marker");
        let header = "# Managed by loom: file.b (project); see 'loom explain PATH'\nx\n";
        let scene = Scene::new(&[
            ("loom.yaml", ""),
            ("a/plain", "x"),
            ("a/header", header),
            ("run", "#!/bin/sh"),
            ("x.md", &shared),
            (".loom/ledger/project.jsonl", "p"),
            (".loom/ledger/deep/x.jsonl", "d"),
        ]);
        std::fs::set_permissions(
            scene.path().join("run"),
            std::fs::Permissions::from_mode(0o755),
        )
        .expect("it is ours");
        symlink("a", scene.path().join("link")).expect("links");
        scene.git(&["add", "--all"]);
        scene.git(&["commit", "--quiet", "--message", "more"]);
        let root = scene.root();
        let commit = Branch::find(&root, "new")
            .expect("it may be written")
            .base()
            .expect("it is there");
        let mut wants: Vec<Want> = [
            "a",
            "a/header",
            "a/none",
            "a/plain",
            "a/plain/below",
            "link",
            "link/plain",
            "none/at/all",
            "run",
            "x.md",
        ]
        .iter()
        .map(|path| Want {
            path: RepoPath::new(path).expect("a path"),
            blocks: Vec::new(),
            keys: Vec::new(),
        })
        .collect();
        wants[9].blocks = vec!["file.x".to_owned(), "file.y".to_owned()];
        wants[3].keys = vec!["file.k".to_owned()];
        let here = loom_apply::observe(&root, &wants).expect("Git can be asked");
        assert_eq!(commit.observe(&wants), Ok(here));
        assert_eq!(
            commit.ledger().expect("reads"),
            root.ledger().expect("reads")
        );
        for pattern in ["**", "a/*", "*.md", "link/*"] {
            let found: Vec<RepoPath> = root
                .glob(&[pattern.to_owned()])
                .into_iter()
                .filter(|path| !path.as_str().starts_with(".git/"))
                .collect();
            assert_eq!(commit.glob(&[pattern.to_owned()]), found, "{pattern}");
        }
    }
}
