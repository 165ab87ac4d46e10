//! The third-party checkers, over what the fixtures expect and over the project's own files.
//!
//! The scripts in `xtask/checkers` install and run them; here the trees are put together. Most of
//! the time of a run is spent on starting programs, so that CI checks few and large trees:
//! [`Union`] lays every expected tree into the first of them where it does not disturb another.
//!
//! Deliberately not here: the ledgers below `.loom`, which are no format of anybody else's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::fixtures;
use crate::process::{self, checkers_home, git, output, root};
use crate::tree::{self, Tree};

/// What checks the project's own files: those that fit its documents, scripts and workflow. Not the
/// ones that look for secrets, since the tests of loom's own search hold samples of every kind.
const OWN: &str = "parse yamllint actionlint zizmor gha-schema action-schema bash-n shellcheck shfmt markdownlint-cli2 lychee";

/// Files of the project that are no documents of its own: golden output, templates, bad samples.
const NOT_OWN: &[&str] = &[
    "fixtures/",
    "fuzz/",
    "xtask/checkers/sample/",
    "xtask/bench/templates/",
    "crates/loom-providers/src/edit/tests/samples/",
    "Cargo.lock",
];

/// Installs the checkers where `LOOM_CHECKERS` says.
pub(crate) fn install() -> Outcome {
    process::run(
        Command::new(root().join("xtask/checkers/install-checkers.sh")).arg(checkers_home()?),
    )
}

/// Checks the project's own files, and all expected trees in as few trees as they fit.
pub(crate) fn run_all() -> Outcome {
    let mut union = Union::default();
    for (_, tree) in expected()? {
        union.add(tree);
    }
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    for (number, tree) in union.0.iter().enumerate() {
        tree::write(tree, &home.path().join(number.to_string()))?;
    }
    println!("-- the project itself");
    check_own()?;
    println!("-- what the fixtures expect, in {} trees", union.0.len());
    check(home.path(), None)
}

/// Checks every expected tree by itself, and the project's own files.
pub(crate) fn run_each() -> Outcome {
    println!("-- the project itself");
    check_own()?;
    let mut failed = Vec::new();
    for (name, tree) in expected()? {
        println!("-- {name}");
        let home = tempfile::tempdir().map_err(|error| error.to_string())?;
        tree::write(&tree, home.path())?;
        if check(home.path(), None).is_err() {
            failed.push(name);
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "the checkers found something in {}",
            failed.join(", ")
        ))
    }
}

/// Checks the trees that somebody named.
pub(crate) fn run_trees(trees: &[PathBuf]) -> Outcome {
    trees.iter().try_for_each(|tree| check(tree, None))
}

fn check_own() -> Outcome {
    let root = root();
    let listed = output(&mut git(
        &root,
        &[
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
    ))?;
    let listed: BTreeSet<&str> = listed.split_terminator('\0').collect();
    let own = |path: &str| {
        listed.contains(path) && !NOT_OWN.iter().any(|prefix| path.starts_with(prefix))
    };
    let mut tree = tree::read(&root, &[".git", "target"])?;
    tree.retain(|path, _| own(path));
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    tree::write(&tree, home.path())?;
    check(home.path(), Some(OWN))
}

fn check(tree: &Path, only: Option<&str>) -> Outcome {
    let mut command = Command::new(root().join("xtask/checkers/check-tree.sh"));
    command
        .arg("-v")
        .arg(tree)
        .env("CHECKERS", checkers_home()?);
    if let Some(only) = only {
        command.env("ONLY", only);
    }
    process::run(&mut command)
}

fn expected() -> Outcome<Vec<(String, Tree)>> {
    let fixtures = fixtures::discover(&root().join("fixtures"))?;
    let without_ledger = |mut tree: Tree| {
        tree.retain(|path, _| !path.starts_with(".loom/"));
        tree
    };
    Ok(fixtures
        .into_iter()
        .map(|fixture| (fixture.name, without_ledger(fixture.expected)))
        .collect())
}

/// Trees that hold every tree that was added, whole: links, modules and kustomizations stay among
/// the files that they name.
#[derive(Default)]
struct Union(Vec<Tree>);

impl Union {
    /// Lays `tree` into the first tree with which it agrees.
    fn add(&mut self, tree: Tree) {
        match self.0.iter_mut().find(|other| agree(other, &tree)) {
            Some(other) => other.extend(tree),
            None => self.0.push(tree),
        }
    }
}

/// Whether two trees can be one: no path differs, and no directory that its tool reads as a whole
/// would hold more than in either.
fn agree(one: &Tree, two: &Tree) -> bool {
    let same = two
        .iter()
        .all(|(path, file)| one.get(path).is_none_or(|other| other == file));
    let (wholes_one, wholes_two) = (wholes(one), wholes(two));
    same && wholes_one
        .intersection(&wholes_two)
        .all(|directory| names(one, directory) == names(two, directory))
}

/// The directories whose files mean something only together: Terraform modules, migrations,
/// kustomizations.
fn wholes(tree: &Tree) -> BTreeSet<&str> {
    let together = |path: &str| {
        let extension = Path::new(path)
            .extension()
            .and_then(|extension| extension.to_str());
        matches!(extension, Some("tf" | "sql")) || path.ends_with("/kustomization.yaml")
    };
    tree.keys()
        .filter(|path| together(path))
        .map(|path| parent(path))
        .collect()
}

fn names<'a>(tree: &'a Tree, directory: &str) -> BTreeSet<&'a str> {
    tree.keys()
        .filter(|path| parent(path) == directory)
        .map(String::as_str)
        .collect()
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::File;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let file = |text: &str| File {
            bytes: text.into(),
            executable: false,
        };
        files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), file(text)))
            .collect()
    }

    fn union(trees: &[Tree]) -> usize {
        let mut union = Union::default();
        for tree in trees {
            union.add(tree.clone());
        }
        for tree in trees {
            assert!(
                union.0.iter().any(|other| tree
                    .iter()
                    .all(|(path, file)| other.get(path) == Some(file))),
                "a tree is torn"
            );
        }
        union.0.len()
    }

    #[test]
    fn trees_that_agree_become_one_and_a_path_that_differs_keeps_them_apart() {
        let (a, b) = (
            tree(&[("x", "1"), ("docs/a.md", "a")]),
            tree(&[("x", "1"), ("docs/b.md", "b")]),
        );
        assert_eq!(union(&[a.clone(), b.clone()]), 1);
        assert_eq!(
            union(&[a, tree(&[("x", "2")]), b, tree(&[("x", "2"), ("y", "3")])]),
            2
        );
    }

    #[test]
    fn a_module_never_gains_files_from_another_tree() {
        let one = tree(&[("m/main.tf", "1"), ("m/outputs.tf", "o")]);
        assert_eq!(
            union(&[
                one.clone(),
                tree(&[("m/main.tf", "1"), ("m/extra.tf", "2")])
            ]),
            2
        );
        assert_eq!(union(&[one.clone(), tree(&[("n/main.tf", "2")])]), 1);
        assert_eq!(union(&[one.clone(), one]), 1);
    }

    #[test]
    fn migrations_of_two_projects_are_not_applied_together() {
        assert_eq!(
            union(&[tree(&[("db/1_a.sql", "a")]), tree(&[("db/1_b.sql", "b")])]),
            2
        );
    }
}
