//! Files that somebody names on the command line: saved plans, stories from elsewhere, reports.
//!
//! In: a path, seen from a directory. Out: its bytes, or that they were written.
//!
//! Outside of repositories a path means what the system makes of it: a link, a pipe or a device is
//! the user's own. From the top of a repository on, whoever wrote the repository could have laid a
//! link there: it is followed nowhere, and what is no regular file is refused without waiting for it
//! (tests `a_link_of_the_repository_is_not_followed`, `a_pipe_of_the_repository_is_not_waited_for`).
//!
//! Deliberately not here: the repository's own files, which `root` and `disk` open.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Component, Path, PathBuf};

use crate::disk::{self, Disk, Kind};

/// What makes a directory the top of something whose links are not the user's.
const TOPS: [&str; 2] = [".git", "loom.yaml"];

/// The bytes of a named file.
///
/// # Errors
/// The system's, and one that names the link, or what else stands in place of a file.
pub fn read(from: &Path, path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match find(from, path)? {
        Place::Outside(path) => {
            let file = disk::open_named(&path)?;
            disk::read_to_end(file.as_fd(), None, &mut bytes)?;
        }
        Place::Inside { directory, name } => {
            refuse_other(
                disk::facts(directory.as_fd(), &name).map(|facts| facts.kind),
                &name,
            )?;
            let file = disk::open_file(directory.as_fd(), &name)?;
            refuse_other(disk::facts_of(file.as_fd()).map(|facts| facts.kind), &name)?;
            disk::read_to_end(file.as_fd(), None, &mut bytes)?;
        }
    }
    Ok(bytes)
}

/// Writes a named file, over the one that is there.
///
/// # Errors
/// As [`read`]; what was there is as it was where nothing could be opened.
pub fn write(from: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let disk = Disk::default();
    match find(from, path)? {
        Place::Outside(path) => disk.write(disk::create_named(&path)?.as_fd(), bytes),
        Place::Inside { directory, name } => {
            match disk::facts(directory.as_fd(), &name).map(|facts| facts.kind) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                kind => refuse_other(kind, &name)?,
            }
            let file = disk.open_or_create(directory.as_fd(), &name)?;
            refuse_other(disk::facts_of(file.as_fd()).map(|facts| facts.kind), &name)?;
            disk::empty(file.as_fd())?;
            disk.write(file.as_fd(), bytes)
        }
    }
}

/// Where a named file is.
enum Place {
    /// In no repository: the path as the system takes it.
    Outside(PathBuf),
    /// In a repository: its directory, opened without a link, and its name.
    Inside { directory: OwnedFd, name: String },
}

/// Goes down a path part by part. A link that leads into a repository from outside is the user's.
fn find(from: &Path, path: &Path) -> io::Result<Place> {
    let whole = from.join(path);
    let mut parts: Vec<Component<'_>> = whole.components().collect();
    let Some(Component::Normal(name)) = parts.pop() else {
        return Ok(Place::Outside(whole));
    };
    let mut here = PathBuf::new();
    for part in parts {
        match part {
            Component::ParentDir => {
                here.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir => here.push(part),
            Component::Normal(part) => {
                let next = here.join(part);
                if is_in_repository(&here) && disk::is_link(&next) {
                    return Err(refused("a symbolic link", part));
                }
                here = disk::canonical(&next)?;
            }
        }
    }
    if !is_in_repository(&here) {
        return Ok(Place::Outside(here.join(name)));
    }
    let name = name
        .to_str()
        .ok_or_else(|| io::Error::other("its name is not UTF-8"))?;
    let top = top_of(&here).unwrap_or(&here);
    let below = here.strip_prefix(top).unwrap_or(Path::new(""));
    let below = below
        .to_str()
        .ok_or_else(|| io::Error::other("the name of its directory is not UTF-8"))?;
    // whoever puts a link in the place of a directory meanwhile gains nothing
    let top = disk::open_directory(top)?;
    Ok(Place::Inside {
        directory: disk::open_beneath(top.as_fd(), below)?,
        name: name.to_owned(),
    })
}

/// Whether a directory without links is, or is below, the top of a repository.
fn is_in_repository(directory: &Path) -> bool {
    top_of(directory).is_some()
}

/// The outermost top above a directory, or itself.
fn top_of(directory: &Path) -> Option<&Path> {
    let is_top = |above: &&Path| {
        TOPS.iter()
            .any(|name| disk::kind_at(&above.join(name)).is_ok())
    };
    directory.ancestors().filter(is_top).last()
}

fn refuse_other(kind: io::Result<Kind>, name: &str) -> io::Result<()> {
    match kind? {
        Kind::File => Ok(()),
        kind @ (Kind::Directory | Kind::Link | Kind::Fifo | Kind::Socket | Kind::Device) => {
            Err(refused(kind.noun(), OsStr::new(name)))
        }
    }
}

fn refused(what: &str, name: &OsStr) -> io::Error {
    io::Error::other(format!(
        "`{}` is {what} of the repository, and loom reads and writes regular files only there",
        name.display()
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::tests::Scene;

    fn scene() -> Scene {
        Scene::new(&[
            ("repo/loom.yaml", ""),
            ("repo/plans/here", "here"),
            ("outside/target", "target"),
        ])
    }

    #[test]
    fn a_link_of_the_repository_is_not_followed() {
        let scene = scene();
        let repo = scene.path().join("repo");
        let link = |to: &str, at: &str| symlink(to, repo.join(at)).expect("links");
        link("../outside/target", "plan");
        link("../outside", "out");
        link("plans", "inner");
        for path in [
            "plan",
            "out/target",
            "out/new",
            "inner/here",
            "plans/../out/target",
        ] {
            let error = read(&repo, Path::new(path)).expect_err(path);
            assert!(
                error.to_string().contains("a symbolic link"),
                "{path}: {error}"
            );
            let error = write(&repo, Path::new(path), b"x").expect_err(path);
            assert!(
                error.to_string().contains("a symbolic link"),
                "{path}: {error}"
            );
        }
        let target = scene.path().join("outside/target");
        assert_eq!(read(&repo, &target).ok().as_deref(), Some(&b"target"[..]));
        assert!(!scene.path().join("outside/new").exists());
    }

    #[test]
    fn a_pipe_of_the_repository_is_not_waited_for() {
        let scene = scene();
        let repo = scene.path().join("repo");
        let directory = disk::open_directory(&repo).expect("it is there");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(directory.as_fd(), "pipe", mode).expect("makes a pipe");
        let error = read(&repo, Path::new("pipe")).expect_err("a pipe");
        assert!(error.to_string().contains("a named pipe"), "{error}");
        let error = write(&repo, Path::new("pipe"), b"x").expect_err("a pipe");
        assert!(error.to_string().contains("a named pipe"), "{error}");
        assert!(
            write(&repo, Path::new("plans"), b"x").is_err(),
            "a directory"
        );
    }

    #[test]
    fn files_are_written_over_and_links_outside_are_the_users() {
        let scene = scene();
        let repo = scene.path().join("repo");
        let all = |path: &str| read(&repo, Path::new(path)).ok();
        write(&repo, Path::new("plans/here"), b"x").expect("it is a file");
        assert_eq!(all("plans/here").as_deref(), Some(&b"x"[..]));
        write(&repo, Path::new("new"), b"new").expect("it can be made");
        assert_eq!(all("./plans/../new").as_deref(), Some(&b"new"[..]));
        symlink("repo", scene.path().join("way")).expect("links");
        symlink("target", scene.path().join("outside/link")).expect("links");
        assert_eq!(all("../way/new").as_deref(), Some(&b"new"[..]));
        assert_eq!(all("../outside/link").as_deref(), Some(&b"target"[..]));
        write(&repo, Path::new("../outside/link"), b"t").expect("the user's own link");
        assert_eq!(all("../outside/target").as_deref(), Some(&b"t"[..]));
        let error = read(&repo, Path::new("none")).expect_err("nothing is there");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
