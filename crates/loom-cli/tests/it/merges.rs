//! Histories of two branches, merged and rebased by Git itself: the ledger survives each of them.
//!
//! Every artifact is declared in a file of its own, so that the input merges cleanly and all that can
//! collide is the one file of the ledger that both branches write. Each branch works on every second
//! artifact, so that their lines stand next to each other.

use std::collections::{BTreeMap, BTreeSet};

use super::sandbox::Sandbox;

/// A generator of choices that is the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// How the two branches come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// `git merge`, by the attribute that loom writes.
    Union,
    /// `git merge` without it: whoever merges commits Git's markers as they are.
    Markers(&'static str),
    /// `git rebase`, by the attribute.
    Rebase,
}

const LOOM: &str =
    "loom: 1\nproject: shop\nenvironments: { production: {} }\ninclude: [\"parts/*.yaml\"]\n";
const SHARED: &str = "loom: 1\nartifacts:\n  - kind: file\n    name: shared\n    path: ../etc/shared\n    content: |\n      one 1000\n\
                      \x20     a\n      b\n      c\n      d\n      two 2000\n";

fn part(name: &str, path: &str, says: &str) -> String {
    format!(
        "loom: 1\nartifacts:\n  - {{ kind: file, name: {name}, path: ../{path}, content: \"{name}\\n{says}\\n\" }}\n"
    )
}

/// What a history leaves to check.
#[derive(Default)]
struct Expected {
    /// Edits by hand that nobody told loom of, by path.
    edits: BTreeMap<String, String>,
    /// Edits by hand that were accepted, by path.
    kept: BTreeMap<String, String>,
    /// Paths that one side removed.
    removed: BTreeSet<String>,
}

/// One step of a branch on one of its artifacts; each artifact is worked on at most once.
fn step(sandbox: &Sandbox, dice: &mut Dice, branch: &str, number: u64, expected: &mut Expected) {
    let (file, path) = (format!("parts/n{number}.yaml"), format!("etc/n{number}"));
    let name = format!("n{number}");
    match dice.roll(7) {
        0 | 1 => sandbox.write(&file, &part(&name, &path, &format!("changed by {branch}"))),
        2 => {
            sandbox.remove(&file);
            expected.removed.insert(path);
        }
        3 => sandbox.write(&file, &part(&format!("renamed-{number}"), &path, "begin")),
        4 => {
            sandbox.write(&file, &part(&name, &format!("etc/moved-{number}"), "begin"));
            expected.removed.insert(path);
        }
        5 => {
            sandbox.append(&path, "by hand\n");
            expected.edits.insert(path.clone(), sandbox.read(&path));
            sandbox.commit();
            return;
        }
        _ => {
            sandbox.append(&path, "by hand, and accepted\n");
            expected.kept.insert(path.clone(), sandbox.read(&path));
            let target = format!("file.{name}");
            sandbox
                .loom(&["apply", "--yes", "--on-drift", "keep", "--target", &target])
                .comes_to(0);
            sandbox.commit();
            return;
        }
    }
    let ran = sandbox.loom(&["apply", "--yes", "--skip-conflicts"]);
    assert!(matches!(ran.code, Some(0 | 4)), "{ran}");
    sandbox.commit();
}

/// A branch: some steps on its artifacts, one new artifact, and its half of the shared file.
fn branch(sandbox: &Sandbox, dice: &mut Dice, name: &str, mine: &[u64], expected: &mut Expected) {
    for number in mine {
        if dice.roll(4) > 0 {
            step(sandbox, dice, name, *number, expected);
        }
    }
    let new = format!("n{}{name}", dice.roll(6));
    sandbox.write(
        &format!("parts/{new}.yaml"),
        &part(&new, &format!("etc/{new}"), "new"),
    );
    let (from, to) = if name == "a" {
        ("one 1000", "one 1001")
    } else {
        ("two 2000", "two 2002")
    };
    sandbox.edit("parts/shared.yaml", from, to);
    let ran = sandbox.loom(&["apply", "--yes", "--skip-conflicts"]);
    assert!(matches!(ran.code, Some(0 | 4)), "{ran}");
    sandbox.commit();
}

/// Whether Git stopped at a conflict.
fn history(seed: u64, way: Way) -> bool {
    let sandbox = Sandbox::of(&[("loom.yaml", LOOM), ("parts/shared.yaml", SHARED)]);
    for number in 0..6 {
        sandbox.write(
            &format!("parts/n{number}.yaml"),
            &part(&format!("n{number}"), &format!("etc/n{number}"), "begin"),
        );
    }
    sandbox.apply();
    sandbox.commit();
    let (mut dice, mut expected) = (Dice(seed), Expected::default());
    sandbox.git(&["checkout", "--quiet", "-b", "a"]);
    branch(&sandbox, &mut dice, "a", &[0, 2, 4], &mut expected);
    sandbox.git(&["checkout", "--quiet", "-b", "b", "main"]);
    branch(&sandbox, &mut dice, "b", &[1, 3, 5], &mut expected);
    let stopped = join(&sandbox, way);
    let declared = sandbox.declared();
    let what = format!("seed {seed}, {way:?}");

    let before = sandbox.tree();
    let plan = sandbox.loom(&["plan", "--format", "json", "--skip-conflicts"]);
    assert!(matches!(plan.code, Some(0 | 4)), "{what}\n{plan}");
    for action in plan.json()["actions"].as_array().expect("a list") {
        let (verb, path) = (
            action["action"].as_str().unwrap_or_default(),
            action["path"].as_str().unwrap_or_default(),
        );
        assert!(
            verb != "delete" || !declared.contains(path),
            "{what}: {path} is declared\n{plan}"
        );
        assert!(
            verb != "delete" || !before.contains_key(path),
            "{what}: the merge left {path}, and nobody removed it\n{plan}"
        );
        assert!(
            !expected.edits.contains_key(path) || verb != "update",
            "{what}: {path} holds an edit\n{plan}"
        );
        assert!(
            !expected.kept.contains_key(path) || verb != "update",
            "{what}: {path} holds an accepted edit\n{plan}"
        );
        assert!(
            !expected.removed.contains(path) || verb != "create",
            "{what}: {path} was removed\n{plan}"
        );
    }
    assert_eq!(
        sandbox.loom(&["plan"]).code,
        Some(if expected.edits.is_empty() { 0 } else { 4 }),
        "{what}"
    );

    let applied = sandbox.loom(&["apply", "--yes", "--skip-conflicts"]);
    assert!(matches!(applied.code, Some(0 | 4)), "{what}\n{applied}");
    for (path, text) in expected.edits.iter().chain(&expected.kept) {
        assert_eq!(sandbox.read(path), *text, "{what}: {path}");
    }
    assert!(
        expected.removed.iter().all(|path| !sandbox.has(path)),
        "{what}"
    );
    assert!(declared.iter().all(|path| sandbox.has(path)), "{what}");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    for (path, text) in expected.edits.iter().chain(&expected.kept) {
        assert_eq!(sandbox.read(path), *text, "{what}: {path}");
    }
    let settled = sandbox
        .loom(&["plan", "--detailed-exitcode"])
        .comes_to(0)
        .says("Nothing to do");
    assert!(
        !settled.err.contains("LOOM050"),
        "{what}: the ledger is not healed\n{settled}"
    );
    let ledger = sandbox.read(".loom/ledger/project.jsonl");
    let paths: Vec<&str> = ledger
        .lines()
        .filter_map(|line| line.strip_prefix("{\"path\":\"")?.split('"').next())
        .collect();
    assert!(paths.is_sorted(), "{what}\n{ledger}");
    let recorded: BTreeSet<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    assert!(declared.is_subset(&recorded), "{what}\n{ledger}");
    stopped
}

/// Brings the branches together, with the working tree on the result. Whether Git stopped at a conflict.
fn join(sandbox: &Sandbox, way: Way) -> bool {
    const ADA: [&str; 4] = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
    let git = |arguments: &[&str]| sandbox.git(&[&ADA[..], arguments].concat());
    match way {
        Way::Union => git(&["merge", "--quiet", "--message", "merge", "a"]),
        Way::Rebase => git(&["rebase", "--quiet", "a"]),
        Way::Markers(style) => {
            sandbox.write(".git/info/attributes", ".loom/ledger/** !merge\n");
            let style = format!("merge.conflictStyle={style}");
            let ran = sandbox.git_may_fail(
                &[
                    &ADA[..],
                    &["-c", &style, "merge", "--message", "merge", "a"],
                ]
                .concat(),
            );
            let unmerged = sandbox.git(&["diff", "--name-only", "--diff-filter=U"]);
            assert!(
                unmerged
                    .lines()
                    .all(|path| path.starts_with(".loom/ledger/")),
                "{unmerged}"
            );
            if !ran {
                assert!(
                    sandbox
                        .read(".loom/ledger/project.jsonl")
                        .contains("<<<<<<<")
                );
                sandbox.commit();
                sandbox
                    .loom(&["plan", "--skip-conflicts"])
                    .complains("LOOM0506");
            }
            return !ran;
        }
    };
    false
}

impl Sandbox {
    /// The paths that the parts declare.
    fn declared(&self) -> BTreeSet<String> {
        let parts = self
            .tree()
            .into_iter()
            .filter(|(path, _)| path.starts_with("parts/"));
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        parts
            .filter_map(|(_, bytes)| {
                Some(
                    text(bytes)
                        .split_once("path: ../")?
                        .1
                        .split([',', '\n'])
                        .next()?
                        .to_owned(),
                )
            })
            .collect()
    }
}

#[test]
fn branches_merge_without_conflicts_and_nothing_is_lost_or_raised() {
    (0..6).for_each(|seed| {
        history(seed, Way::Union);
    });
}

#[test]
fn markers_that_somebody_committed_are_read_as_both_sides() {
    let stopped = (0..6)
        .filter(|seed| {
            history(
                *seed,
                Way::Markers(if seed % 2 == 0 { "merge" } else { "diff3" }),
            )
        })
        .count();
    assert!(
        stopped >= 3,
        "most of these histories collide in the ledger, or they show nothing: {stopped}"
    );
}

#[test]
fn a_branch_that_is_rebased_onto_another_keeps_its_ledger() {
    (20..24).for_each(|seed| {
        history(seed, Way::Rebase);
    });
}
