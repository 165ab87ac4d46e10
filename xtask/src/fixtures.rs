//! Fixtures: whole projects and the exact trees that loom makes of them.
//!
//! A fixture is a directory `fixtures/projects/NAME` or `fixtures/kinds/KIND/CASE` that holds
//!
//! - the input: a loom.yaml and what it names;
//! - `expected/`: every file that `loom apply` writes or changes, the ledger too;
//! - `forms/`, if its story is written in several forms: one file each, which takes the place of
//!   all that is in `stories/`. Every form must lead to the same expected tree.
//!
//! For each, the input becomes a Git repository of its own, `loom apply --yes` runs in it, what
//! differs from the input is compared with `expected/`, and `loom plan` must find nothing to do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::process::{Profile, build_loom, capture, git_init, root, said, without_own_settings};
use crate::tree::{self, Tree, at};

/// One fixture.
pub(crate) struct Fixture {
    /// Its path below `fixtures/`.
    pub(crate) name: String,
    directory: PathBuf,
    input: Tree,
    /// What loom is to write; empty before it was first blessed.
    pub(crate) expected: Tree,
    /// The forms of its story, by file name.
    forms: Tree,
}

/// Compares or blesses the fixtures whose names contain one of `names`; all where there are none.
pub(crate) fn run(bless: bool, names: &[String]) -> Outcome {
    let fixtures: Vec<Fixture> = discover(&root().join("fixtures"))?
        .into_iter()
        .filter(|fixture| names.is_empty() || names.iter().any(|name| fixture.name.contains(name)))
        .collect();
    if fixtures.is_empty() {
        return Err(format!("no fixture's name contains {}", names.join(" or ")));
    }
    let loom = build_loom(Profile::Dev)?;
    let mut wrong = Vec::new();
    for fixture in &fixtures {
        if let Err(message) = check(fixture, &loom, bless) {
            println!("{}: {message}", fixture.name);
            wrong.push(fixture.name.as_str());
        }
    }
    match wrong.as_slice() {
        [] => {
            println!("{} fixtures are as expected", fixtures.len());
            Ok(())
        }
        wrong => Err(format!(
            "{} of {} fixtures are not as expected: {}\nwhere the new output is right, run `cargo xtask fixtures --bless` and review the change",
            wrong.len(),
            fixtures.len(),
            wrong.join(", ")
        )),
    }
}

/// All fixtures below `directory`, sorted by name.
pub(crate) fn discover(directory: &Path) -> Outcome<Vec<Fixture>> {
    let mut found = subdirectories(&directory.join("projects"))?;
    for kind in subdirectories(&directory.join("kinds"))? {
        found.extend(subdirectories(&kind)?);
    }
    found
        .into_iter()
        .map(|path| load(directory, path))
        .collect()
}

fn subdirectories(directory: &Path) -> Outcome<Vec<PathBuf>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(directory)
        .map_err(at(directory))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(at(directory))?;
    let mut found: Vec<PathBuf> = entries
        .iter()
        .map(fs::DirEntry::path)
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    Ok(found)
}

fn load(fixtures: &Path, directory: PathBuf) -> Outcome<Fixture> {
    let name = directory
        .strip_prefix(fixtures)
        .unwrap_or(&directory)
        .display()
        .to_string();
    let input = tree::read(&directory, &["expected", "forms"])?;
    if !input.contains_key("loom.yaml") {
        return Err(format!("fixtures/{name} holds no loom.yaml"));
    }
    let part = |name: &str| {
        let path = directory.join(name);
        if path.exists() {
            tree::read(&path, &[])
        } else {
            Ok(Tree::new())
        }
    };
    let (expected, forms) = (part("expected")?, part("forms")?);
    Ok(Fixture {
        name,
        directory,
        input,
        expected,
        forms,
    })
}

fn check(fixture: &Fixture, loom: &Path, bless: bool) -> Outcome {
    let written = apply(loom, &fixture.input)?;
    let same = written == fixture.expected;
    if bless && !same {
        replace(&fixture.directory.join("expected"), &written)?;
        println!("{}: blessed", fixture.name);
    } else if let Some(patch) = tree::difference(&fixture.expected, &written)? {
        return Err(format!(
            "loom writes something else than is expected\n{patch}"
        ));
    }
    for (form, file) in &fixture.forms {
        let mut input = fixture.input.clone();
        input.retain(|path, _| !path.starts_with("stories/"));
        input.insert(format!("stories/{form}"), file.clone());
        if let Some(patch) = tree::difference(&written, &apply(loom, &input)?)? {
            return Err(format!(
                "the form forms/{form} of the story leads to another tree\n{patch}"
            ));
        }
    }
    Ok(())
}

fn replace(directory: &Path, tree: &Tree) -> Outcome {
    if directory.exists() {
        fs::remove_dir_all(directory).map_err(at(directory))?;
    }
    tree::write(tree, directory)
}

/// What loom writes for an input: the files that are new or differ. A second plan must be empty.
fn apply(loom: &Path, input: &Tree) -> Outcome<Tree> {
    let repository = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = repository.path();
    tree::write(input, path)?;
    git_init(path)?;
    succeed(loom, path, &["apply", "--yes"])?;
    let after = tree::read(path, &[".git"])?;
    if let Some(gone) = input.keys().find(|path| !after.contains_key(*path)) {
        return Err(format!(
            "loom deleted {gone}, which a fixture has no way to expect: show it in a journey"
        ));
    }
    succeed(loom, path, &["plan", "--detailed-exitcode"])?;
    if tree::read(path, &[".git"])? != after {
        return Err("`loom plan` changed files".to_owned());
    }
    Ok(after
        .into_iter()
        .filter(|(path, file)| input.get(path) != Some(file))
        .collect())
}

fn succeed(loom: &Path, directory: &Path, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(loom);
    command
        .current_dir(directory)
        .args(arguments)
        .env("NO_COLOR", "1");
    without_own_settings(&mut command);
    let output = capture(&mut command)?;
    if output.status.success() {
        Ok(())
    } else {
        Err(said(&command, &output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// A loom that writes `out` from the first story, and whose plan is empty only if `out` is there.
    const SCRIPT: &str =
        "#!/bin/sh\nset -e\nif [ \"$1\" = apply ]; then cat stories/* >out; else test -f out; fi\n";

    fn fixture(script: &str) -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().expect("a temporary directory");
        let text = |text: &str| tree::File {
            bytes: text.into(),
            executable: false,
        };
        let input = Tree::from([
            ("projects/one/loom.yaml".into(), text("loom: 1\n")),
            ("projects/one/stories/a.json".into(), text("story\n")),
            ("projects/one/forms/b.yaml".into(), text("story\n")),
        ]);
        tree::write(&input, home.path()).expect("written");
        let loom = home.path().join("loom");
        fs::write(&loom, script).expect("written");
        fs::set_permissions(&loom, fs::Permissions::from_mode(0o755)).expect("made executable");
        (home, loom)
    }

    fn checked(home: &Path, loom: &Path, bless: bool) -> Outcome {
        let fixtures = discover(home)?;
        assert_eq!(
            fixtures
                .iter()
                .map(|fixture| fixture.name.as_str())
                .collect::<Vec<_>>(),
            ["projects/one"]
        );
        check(&fixtures[0], loom, bless)
    }

    #[test]
    fn a_fixture_differs_until_it_is_blessed_and_is_as_expected_afterwards() {
        let (home, loom) = fixture(SCRIPT);
        assert!(
            checked(home.path(), &loom, false).is_err_and(|message| message.contains("+story"))
        );
        checked(home.path(), &loom, true).expect("blessed");
        checked(home.path(), &loom, false).expect("as expected");
        let expected = discover(home.path()).expect("found").remove(0).expected;
        assert_eq!(
            expected.keys().collect::<Vec<_>>(),
            ["out"],
            "the input is no part of what is expected"
        );
    }

    #[test]
    fn a_form_that_leads_to_another_tree_is_found() {
        let (home, loom) = fixture(SCRIPT);
        fs::write(home.path().join("projects/one/forms/c.yaml"), "another\n").expect("written");
        assert!(
            checked(home.path(), &loom, true)
                .is_err_and(|message| message.contains("forms/c.yaml"))
        );
    }

    #[test]
    fn a_plan_that_is_not_empty_after_apply_is_found() {
        let (home, loom) =
            fixture("#!/bin/sh\n[ \"$1\" = apply ] || { echo 1 to create; exit 2; }\n");
        assert!(
            checked(home.path(), &loom, true).is_err_and(|message| message.contains("1 to create"))
        );
    }

    #[test]
    fn a_directory_without_loom_yaml_is_no_fixture_and_an_error() {
        let home = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir_all(home.path().join("kinds/file/empty")).expect("made");
        assert!(discover(home.path()).is_err_and(|message| {
            message.contains("fixtures/kinds/file/empty holds no loom.yaml")
        }));
    }
}
