//! Trees of files in memory: what a fixture holds and what loom wrote.
//!
//! Only regular files; a symbolic link or a device in a fixture is an error, since a golden tree
//! that depends on one would not be the same everywhere.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::Outcome;
use crate::process::{capture, git};

/// Files by their path below some directory, `/`-separated.
pub(crate) type Tree = BTreeMap<String, File>;

/// One file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// What it holds.
    pub(crate) bytes: Vec<u8>,
    /// Whether it may be run.
    pub(crate) executable: bool,
}

/// Reads all files below `directory`, but for the entries of it that `skip` names.
pub(crate) fn read(directory: &Path, skip: &[&str]) -> Outcome<Tree> {
    let mut tree = Tree::new();
    read_into(directory, "", skip, &mut tree)?;
    Ok(tree)
}

fn read_into(directory: &Path, prefix: &str, skip: &[&str], tree: &mut Tree) -> Outcome {
    for entry in fs::read_dir(directory).map_err(at(directory))? {
        let entry = entry.map_err(at(directory))?;
        let path = entry.path();
        let name = entry
            .file_name()
            .into_string()
            .map_err(|_| format!("{}: this name is not UTF-8", path.display()))?;
        if skip.contains(&name.as_str()) {
            continue;
        }
        let metadata = entry.metadata().map_err(at(&path))?;
        if metadata.is_dir() {
            read_into(&path, &format!("{prefix}{name}/"), &[], tree)?;
        } else if metadata.is_file() {
            let executable = metadata.permissions().mode() & 0o100 != 0;
            tree.insert(
                format!("{prefix}{name}"),
                File {
                    bytes: fs::read(&path).map_err(at(&path))?,
                    executable,
                },
            );
        } else {
            return Err(format!(
                "{}: neither a file nor a directory",
                path.display()
            ));
        }
    }
    Ok(())
}

/// Writes a tree below `directory`, which need not exist. What is there already stays.
pub(crate) fn write(tree: &Tree, directory: &Path) -> Outcome {
    fs::create_dir_all(directory).map_err(at(directory))?;
    for (path, file) in tree {
        let path = directory.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        fs::write(&path, &file.bytes).map_err(at(&path))?;
        let mode = if file.executable { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(at(&path))?;
    }
    Ok(())
}

/// What differs between two trees, as a patch that makes the first into the second; `None` where nothing does.
pub(crate) fn difference(expected: &Tree, actual: &Tree) -> Outcome<Option<String>> {
    if expected == actual {
        return Ok(None);
    }
    let both = tempfile::tempdir().map_err(|error| error.to_string())?;
    write(expected, &both.path().join("expected"))?;
    write(actual, &both.path().join("actual"))?;
    let patch = capture(&mut git(
        both.path(),
        &[
            "diff",
            "--no-index",
            "--no-color",
            "--no-prefix",
            "expected",
            "actual",
        ],
    ))?;
    Ok(Some(String::from_utf8_lossy(&patch.stdout).into_owned()))
}

/// Says which path an error is about.
pub(crate) fn at(path: &Path) -> impl Fn(std::io::Error) -> String {
    let path = path.display().to_string();
    move |error| format!("{path}: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File {
            bytes: text.into(),
            executable: false,
        }
    }

    #[test]
    fn a_tree_reads_back_as_it_was_written_but_for_what_is_skipped_at_the_top() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let run = File {
            executable: true,
            ..file("#!/bin/sh\n")
        };
        let tree = Tree::from([
            ("a/skip/b".into(), file("1")),
            ("a/run".into(), run),
            ("skip/x".into(), file("2")),
        ]);
        write(&tree, directory.path()).expect("written");
        let mut kept = tree.clone();
        kept.remove("skip/x");
        assert!(read(directory.path(), &["skip"]).expect("read") == kept);
        assert!(read(directory.path(), &[]).expect("read") == tree);
    }

    #[test]
    fn a_difference_names_the_file_and_shows_content_mode_and_absence() {
        let one = Tree::from([
            ("same".into(), file("s")),
            ("text".into(), file("old\n")),
            ("gone".into(), file("g\n")),
        ]);
        assert_eq!(difference(&one, &one.clone()), Ok(None));
        let run = File {
            executable: true,
            ..file("s")
        };
        let two = Tree::from([
            ("same".into(), run),
            ("text".into(), file("new\n")),
            ("more".into(), file("m\n")),
        ]);
        let patch = difference(&one, &two)
            .expect("compared")
            .expect("they differ");
        for part in [
            "-old",
            "+new",
            "new mode 100755",
            "deleted file mode",
            "actual/more",
        ] {
            assert!(patch.contains(part), "{part} is missing from:\n{patch}");
        }
    }

    #[test]
    fn a_symbolic_link_is_refused() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::os::unix::fs::symlink("/etc/passwd", directory.path().join("link")).expect("linked");
        assert!(
            read(directory.path(), &[]).is_err_and(|message| message.contains("neither a file"))
        );
    }
}
