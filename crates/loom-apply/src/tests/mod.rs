//! What the tests share: a repository in a temporary directory, and changes that fail.

mod crash;
mod doctor;
pub(crate) mod faults;
mod history;
mod paths;
mod transactions;
mod undo;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use crate::root::Root;

/// A directory with some files, removed in the end.
pub(crate) struct Scene(TempDir);

impl Scene {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        Self::set(TempDir::new(), files)
    }

    /// In memory where the system has such a place: for the tests that set thousands of scenes.
    pub(crate) fn in_memory(files: &[(&str, &str)]) -> Self {
        Self::set(
            TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()),
            files,
        )
    }

    fn set(directory: std::io::Result<TempDir>, files: &[(&str, &str)]) -> Self {
        let scene = Self(directory.expect("a temporary directory"));
        for (path, text) in files {
            scene.write(path, text);
        }
        scene
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn root(&self) -> Root {
        Root::open(self.path()).expect("the root opens")
    }

    #[expect(clippy::disallowed_methods, reason = "a scene is set with plain files")]
    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("the directory is made");
        overwrite(&path, bytes);
    }

    /// Every path below the root but Git's directory, with its kind, permissions and bytes.
    pub(crate) fn tree(&self) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        collect(self.path(), self.path(), &mut tree);
        tree
    }
}

#[expect(clippy::disallowed_methods, reason = "what somebody else does")]
pub(crate) fn overwrite(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::write(path, bytes).expect("the file is written");
}

#[expect(clippy::disallowed_methods, reason = "what somebody else sees")]
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("the file is read")
}

#[expect(clippy::disallowed_methods, reason = "what somebody else does")]
pub(crate) fn remove(path: &Path) {
    fs::remove_file(path).expect("the file is removed");
}

#[expect(clippy::disallowed_methods, reason = "what somebody else does")]
pub(crate) fn rename(from: &Path, to: &Path) {
    fs::rename(from, to).expect("it is renamed");
}

fn collect(top: &Path, directory: &Path, tree: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(directory).expect("the directory is read") {
        let path = entry.expect("an entry").path();
        let name = path
            .strip_prefix(top)
            .expect("is below")
            .to_str()
            .expect("is text")
            .to_owned();
        let facts = path.symlink_metadata().expect("is there");
        let mode = facts.permissions().mode();
        if name == ".git" || name == ".loom/private" {
            continue;
        }
        if facts.is_dir() {
            tree.insert(name, format!("{mode:o} directory"));
            collect(top, &path, tree);
        } else if facts.is_symlink() {
            tree.insert(name, format!("link {:?}", fs::read_link(&path)));
        } else {
            let bytes = fs::read(&path).expect("the file is read");
            tree.insert(
                name,
                format!("{mode:o} {}", String::from_utf8_lossy(&bytes)),
            );
        }
    }
}
