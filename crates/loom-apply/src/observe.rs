//! Observing: what the repository holds at the paths that matter.
//!
//! In: the root, and the paths and blocks wanted, sorted by path. Out: a [`Snapshot`].
//!
//! Invariants: no link is followed, no text outlives its file's turn but those whose keys are owned, and the answer does not
//! depend on the number of cores (test `the_snapshot_is_the_same_in_any_order`). Neighbours share
//! their directory, so that ten thousand files cost little more than opening and hashing them.
//!
//! Deliberately not here: what was expected (`stage`), and caches.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use loom_plan::addr::{ContentHash, RepoPath};
use loom_plan::provider::Mode;
use loom_plan::snapshot::{Content, Observed, Seen, Snapshot, Text, UNREADABLE, Want};
use loom_plan::{block, header};
use rayon::prelude::*;

use crate::attributes;
use crate::disk::{self, Facts, Kind};
use crate::git::{GitError, Sight};
use crate::root::Root;

/// How many neighbours one worker takes at a time.
pub(crate) const NEIGHBOURS: usize = 64;

/// Looks at every path of `wants`. Those of one directory should stand together. What Git keeps away
/// from the disk is as its index has it.
///
/// # Errors
/// [`GitError`], where Git's index cannot be read, or holds what nobody can read.
pub fn observe(root: &Root, wants: &[Want]) -> Result<Snapshot, GitError> {
    let sight = root.sight()?;
    let kept = sight.kept(root, wants.iter().map(|want| &want.path))?;
    let seen: Vec<Vec<Seen>> = wants
        .par_chunks(NEIGHBOURS)
        .map_init(Vec::new, |buffer, wants| {
            let mut parent = Parent::new(root);
            wants
                .iter()
                .map(|want| match kept.get(&want.path) {
                    Some(tracked) => seen(want, tracked.observed(), tracked.bytes()),
                    None => look(&mut parent, sight, want, buffer),
                })
                .collect()
        })
        .collect();
    Ok(Snapshot(
        wants
            .iter()
            .map(|want| want.path.clone())
            .zip(seen.into_iter().flatten())
            .collect(),
    ))
}

fn look(parent: &mut Parent<'_>, sight: &Sight, want: &Want, buffer: &mut Vec<u8>) -> Seen {
    let root = parent.root;
    match parent.of(&want.path) {
        Err(instead) => seen(want, instead.clone(), buffer),
        Ok(directory) => match examine(directory, want.path.file_name(), buffer) {
            Err(error) => seen(want, Observed::Foreign(unreadable(&error)), buffer),
            Ok(Found::File(content, _)) => {
                let rewrites = || attributes::is_text(root, &want.path);
                let committed = sight.committed(&want.path, (content, buffer), &rewrites);
                let bytes = committed.bytes.as_deref().unwrap_or(buffer);
                seen(want, Observed::File(committed.content), bytes)
            }
            Ok(found) => seen(want, found.observed(), buffer),
        },
    }
}

/// What counts of a file, wherever its bytes come from: `whole` has their hash, all of them.
pub fn seen(want: &Want, whole: Observed, bytes: &[u8]) -> Seen {
    let (whole, all) = match whole {
        Observed::File(content) => {
            let said = header::hash_without(bytes, &want.path);
            let without = Content {
                hash: said.unwrap_or(content.hash),
                ..content
            };
            (Observed::File(without), Some(content.hash))
        }
        other @ (Observed::Absent | Observed::Foreign(_) | Observed::Damaged(_)) => (other, None),
    };
    let is_read =
        matches!(whole, Observed::File(_)) && (!want.blocks.is_empty() || !want.keys.is_empty());
    let (whole, text) = match is_read.then(|| std::str::from_utf8(bytes)) {
        None => (whole, None),
        Some(Ok(text)) => (whole, Some(text)),
        Some(Err(_)) => (
            Observed::Foreign("a file that is not UTF-8 text".to_owned()),
            None,
        ),
    };
    let kept = text.filter(|_| !want.keys.is_empty());
    let kept = kept.map(|text| {
        Box::new(Text {
            text: text.to_owned(),
            ..Text::default()
        })
    });
    Seen {
        bytes: all.filter(|_| matches!(whole, Observed::File(_))),
        whole,
        blocks: blocks(want, text),
        text: kept,
    }
}

fn blocks(want: &Want, text: Option<&str>) -> BTreeMap<String, block::Found<ContentHash>> {
    let comment = block::comment_of(&want.path);
    let found = |address: &String| match (text, comment) {
        (Some(text), Some(comment)) => {
            block::find(text, comment, address).map(|body| ContentHash::of(body.as_bytes()))
        }
        (None, _) | (_, None) => block::Found::Absent,
    };
    want.blocks
        .iter()
        .map(|address| (address.clone(), found(address)))
        .collect()
}

/// What a name in a directory turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    File(Content, Facts),
    Other(Kind),
}

impl Found {
    /// The same without what only the system knows.
    pub(crate) fn observed(self) -> Observed {
        match self {
            Self::Nothing => Observed::Absent,
            Self::File(content, _) => Observed::File(content),
            Self::Other(kind) => Observed::Foreign(kind.noun().to_owned()),
        }
    }
}

/// Looks at `name` in `directory`; a regular file's bytes are left in `buffer`, and all are hashed.
pub(crate) fn examine(
    directory: BorrowedFd<'_>,
    name: &str,
    buffer: &mut Vec<u8>,
) -> io::Result<Found> {
    examine_with(directory, name, buffer, &mut |_| ())
}

/// As [`examine`], with another look at a regular file while it is open.
pub(crate) fn examine_with(
    directory: BorrowedFd<'_>,
    name: &str,
    buffer: &mut Vec<u8>,
    look: &mut dyn FnMut(BorrowedFd<'_>),
) -> io::Result<Found> {
    let file = match disk::open_file(directory, name) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => {
            // Links, sockets and some devices cannot be opened; a regular file that cannot is an error.
            return match disk::facts(directory, name)?.kind {
                Kind::File => Err(error),
                kind
                @ (Kind::Directory | Kind::Link | Kind::Fifo | Kind::Socket | Kind::Device) => {
                    Ok(Found::Other(kind))
                }
            };
        }
    };
    let facts = disk::facts_of(file.as_fd())?;
    if facts.kind != Kind::File {
        return Ok(Found::Other(facts.kind));
    }
    disk::read_to_end(file.as_fd(), Some(facts.size), buffer)?;
    look(file.as_fd());
    Ok(Found::File(
        Content {
            hash: ContentHash::of(buffer),
            mode: mode_of(facts.permissions),
        },
        facts,
    ))
}

/// Executable is what its owner may run.
pub(crate) fn mode_of(permissions: u32) -> Mode {
    if permissions & 0o100 == 0 {
        Mode::Plain
    } else {
        Mode::Executable
    }
}

pub(crate) fn unreadable(error: &io::Error) -> String {
    format!("{} ({error})", UNREADABLE[0])
}

/// The directory of the path at hand, kept open for its neighbours.
pub(crate) struct Parent<'r> {
    pub(crate) root: &'r Root,
    path: Option<String>,
    opened: Result<OwnedFd, Observed>,
    /// The system's error where a directory that is there did not open: nobody knows what is in it.
    refusal: Option<i32>,
}

impl<'r> Parent<'r> {
    pub(crate) fn new(root: &'r Root) -> Self {
        Self {
            root,
            path: None,
            opened: Err(Observed::Absent),
            refusal: None,
        }
    }

    /// The directory that holds `path`, or what stands there instead of one that loom may change.
    pub(crate) fn of(&mut self, path: &RepoPath) -> Result<BorrowedFd<'_>, &Observed> {
        let parent = path.parent().unwrap_or("");
        if self.path.as_deref() != Some(parent) {
            // What was good above the last directory is good above this one.
            let known = self
                .path
                .as_deref()
                .filter(|_| self.opened.is_ok())
                .unwrap_or("");
            let opened = disk::open_on_mount(self.root.directory(), parent);
            let is_ours = || {
                ends(parent, known).all(|end| self.root.other_repository(&parent[..end]).is_none())
            };
            self.refusal = None;
            self.opened = match opened {
                Ok(directory) if self.root.is_on_device(directory.as_fd()) && is_ours() => {
                    Ok(directory)
                }
                Ok(_) => Err(instead_of_directory(
                    self.root,
                    parent,
                    &io::ErrorKind::Other.into(),
                )),
                Err(error) => {
                    let instead = instead_of_directory(self.root, parent, &error);
                    self.refusal = error
                        .raw_os_error()
                        .filter(|_| instead == unopened(parent, &error));
                    Err(instead)
                }
            };
            self.path = Some(parent.to_owned());
        }
        self.opened.as_ref().map(OwnedFd::as_fd)
    }

    /// As [`Parent::of`], for those who act on what they find: a directory that the system did not
    /// open is an error, and not somebody's.
    pub(crate) fn surely_of(
        &mut self,
        path: &RepoPath,
    ) -> io::Result<Result<BorrowedFd<'_>, &Observed>> {
        let is_open = self.of(path).is_ok();
        match self.refusal.filter(|_| !is_open) {
            Some(error) => Err(io::Error::from_raw_os_error(error)),
            None => Ok(self.opened.as_ref().map(OwnedFd::as_fd)),
        }
    }
}

fn unopened(parent: &str, error: &io::Error) -> Observed {
    Observed::Foreign(format!("{}, `{parent}` ({error})", UNREADABLE[1]))
}

/// Where the directories of a path end, from the top down; those that `known` is in or is left out.
fn ends<'a>(path: &'a str, known: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_known = |end: &usize| {
        known
            .strip_prefix(&path[..*end])
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let all = path
        .match_indices('/')
        .map(|(at, _)| at)
        .chain([path.len()]);
    all.filter(move |end| *end > 0 && !is_known(end))
}

fn foreign(what: &str, directory: &str) -> Observed {
    Observed::Foreign(format!("{what} in place of the directory `{directory}`"))
}

/// Why `parent` is no directory that loom may change: nothing there, or the first part that is none.
fn instead_of_directory(root: &Root, parent: &str, error: &io::Error) -> Observed {
    let (mut above, mut begin) = (root.directory().try_clone_to_owned(), 0);
    for end in ends(parent, "") {
        let Ok(directory) = &above else { break };
        let name = &parent[begin..end];
        let instead = |what: &str| foreign(what, &parent[..end]);
        let facts = disk::facts(directory.as_fd(), name);
        if let Ok(facts) = facts
            && facts.kind != Kind::Directory
        {
            return instead(facts.kind.noun());
        }
        if let Some(what) = root.other_repository(&parent[..end]) {
            return instead(what);
        }
        if facts.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            // A submodule that is not fetched may not even have its directory.
            let other = ends(parent, "").find_map(|end| {
                Some(foreign(
                    root.other_repository(&parent[..end])?,
                    &parent[..end],
                ))
            });
            return other.unwrap_or(Observed::Absent);
        }
        above = disk::open_child(directory.as_fd(), name);
        if above
            .as_ref()
            .is_ok_and(|directory| !root.is_on_mount(directory.as_fd()))
        {
            return instead("a mount");
        }
        begin = end + 1;
    }
    unopened(parent, error)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    use loom_plan::provider::Comment;

    use super::*;
    use crate::tests::Scene;

    fn want(path: &str) -> Want {
        Want {
            path: RepoPath::new(path).expect("a path"),
            blocks: Vec::new(),
            keys: Vec::new(),
        }
    }

    fn seen(scene: &Scene, path: &str) -> Observed {
        let want = want(path);
        observe(&scene.root(), std::slice::from_ref(&want))
            .expect("there is no Git")
            .whole(&want.path)
            .clone()
    }

    fn file(text: &str, mode: Mode) -> Observed {
        Observed::File(Content {
            hash: ContentHash::of(text.as_bytes()),
            mode,
        })
    }

    #[test]
    fn a_file_is_its_content_without_the_header_and_its_mode() {
        let scene = Scene::new(&[
            ("a", "x\n"),
            (
                "b",
                "# Managed by loom: file.b (project); see 'loom explain PATH'\nx\n",
            ),
        ]);
        assert_eq!(seen(&scene, "a"), file("x\n", Mode::Plain));
        assert_eq!(seen(&scene, "b"), file("x\n", Mode::Plain));
        fs::set_permissions(scene.path().join("a"), fs::Permissions::from_mode(0o700))
            .expect("changes the mode");
        assert_eq!(seen(&scene, "a"), file("x\n", Mode::Executable));
        assert_eq!(seen(&scene, "c"), Observed::Absent);
        assert_eq!(seen(&scene, "no/such/directory"), Observed::Absent);
    }

    #[test]
    fn what_is_no_file_is_said_by_its_name() {
        let scene = Scene::new(&[("file", ""), ("dir/x", "")]);
        symlink("file", scene.path().join("link")).expect("links");
        symlink("dir", scene.path().join("linked")).expect("links");
        rustix::fs::mkfifoat(
            scene.root().directory(),
            "pipe",
            rustix::fs::Mode::from_raw_mode(0o600),
        )
        .expect("makes a pipe");
        let _socket = UnixListener::bind(scene.path().join("socket")).expect("binds");
        for (path, noun) in [
            ("dir", "a directory"),
            ("link", "a symbolic link"),
            ("pipe", "a named pipe"),
            ("socket", "a socket"),
            (
                "linked/x",
                "a symbolic link in place of the directory `linked`",
            ),
            (
                "linked/none/x",
                "a symbolic link in place of the directory `linked`",
            ),
            ("dir/x/y", "a file in place of the directory `dir/x`"),
        ] {
            assert_eq!(
                seen(&scene, path),
                Observed::Foreign(noun.to_owned()),
                "{path}"
            );
        }
    }

    #[test]
    fn blocks_are_seen_by_their_address() {
        let text = block::set("mine\n", Comment::Html, "file.x", "theirs\n").expect("no marker");
        let scene = Scene::new(&[("x.md", text.as_str())]);
        scene.write("latin.md", b"\xff");
        let blocks = vec!["file.x".to_owned(), "file.y".to_owned()];
        let wants = ["latin.md", "x.md"].map(|path| Want {
            blocks: blocks.clone(),
            ..want(path)
        });
        let snapshot = observe(&scene.root(), &wants).expect("there is no Git");
        let seen = &snapshot.0[&wants[1].path];
        assert_eq!(
            seen.blocks["file.x"],
            block::Found::Pair(ContentHash::of(b"theirs\n"))
        );
        assert_eq!(seen.blocks["file.y"], block::Found::Absent);
        assert_eq!(
            snapshot.whole(&wants[0].path),
            &Observed::Foreign("a file that is not UTF-8 text".to_owned())
        );
    }

    #[test]
    fn the_snapshot_is_the_same_in_any_order() {
        let paths: Vec<String> = (0..300).map(|n| format!("d{}/f{n}", n % 7)).collect();
        let files: Vec<(&str, &str)> = paths
            .iter()
            .map(|path| (path.as_str(), path.as_str()))
            .collect();
        let scene = Scene::new(&files);
        let mut wants: Vec<Want> = paths.iter().map(|path| want(path)).collect();
        let mixed = observe(&scene.root(), &wants).expect("there is no Git");
        wants.sort_by(|one, two| one.path.cmp(&two.path));
        assert_eq!(observe(&scene.root(), &wants), Ok(mixed.clone()));
        for path in &paths {
            assert_eq!(mixed.whole(&want(path).path), &file(path, Mode::Plain));
        }
    }
}
