//! The law of the ways out: every command that is offered for a conflict is run, as it is printed, by a
//! shell. Afterwards the conflict is gone, and no other file is touched: neither an edit about which
//! nobody decided, nor one that was accepted, nor another output of the same artifact.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use super::sandbox::{Ran, Sandbox, clean};

/// What each scenario has besides: a module of two files with an edit in each, one of them accepted,
/// and a file with an edit of somebody else's.
const BESIDE: &str = "  - { kind: file, name: night, path: night.txt, content: \"night\\n\" }
  - kind: terraform.module
    name: two
    files: { main.tf: { locals: { a: 1 } }, variables.tf: { locals: { b: 2 } } }
";
const MODULE: &str = "infrastructure/terraform/modules/two";
const HEAD: &str = "loom: 1\nproject: shop\nenvironments: { staging: {}, production: {} }\nservices: { api: { port: 3000 } }\nartifacts:\n";

/// One conflict: what is declared first, what a person writes, and what is declared then.
struct Scenario {
    name: &'static str,
    first: &'static str,
    path: &'static str,
    /// What stands there then; of a shared file it replaces the first `from` of `edit`.
    edit: Edit,
    then: Then,
    /// More arguments of `plan`.
    asked: &'static [&'static str],
    /// What must be offered, and what must not.
    offers: &'static [&'static str],
    never: &'static [&'static str],
}

enum Edit {
    Whole(&'static [u8]),
    Part(&'static str, &'static str),
}

/// What becomes of the declaration.
enum Then {
    Same,
    Replaced(&'static str, &'static str),
    Gone,
    /// The file was there before loom.
    Before,
}

impl Scenario {
    fn sandbox(&self) -> Sandbox {
        let sandbox = Sandbox::of(&[("loom.yaml", &declared(self.first))]);
        match self.then {
            Then::Before => {
                sandbox.write("loom.yaml", &declared(""));
                sandbox.apply();
                sandbox.write("loom.yaml", &declared(self.first));
            }
            Then::Same | Then::Replaced(..) | Then::Gone => drop(sandbox.apply()),
        }
        sandbox.append(&format!("{MODULE}/variables.tf"), "# kept\n");
        sandbox
            .loom(&[
                "apply",
                "--yes",
                "--target",
                "terraform.module.two",
                "--on-drift",
                "keep",
            ])
            .comes_to(0);
        sandbox.commit();
        if !self.path.starts_with(MODULE) {
            sandbox.append(&format!("{MODULE}/main.tf"), "# night\n");
        }
        sandbox.append("night.txt", "ADA'S NIGHT FIX\n");
        match self.edit {
            Edit::Whole(bytes) => sandbox.write_bytes(self.path, bytes),
            Edit::Part(from, to) => sandbox.edit(self.path, from, to),
        }
        match self.then {
            Then::Same | Then::Before => {}
            Then::Replaced(from, to) => {
                let first = declared(self.first);
                assert!(first.contains(from), "{}", self.name);
                sandbox.write("loom.yaml", &first.replace(from, to));
            }
            Then::Gone => sandbox.write("loom.yaml", &declared("")),
        }
        sandbox
    }

    /// The ways that the plan offers.
    fn ways(&self, sandbox: &Sandbox) -> Vec<String> {
        let found = conflict(sandbox, self.asked, self.path)
            .unwrap_or_else(|| panic!("{}: there is no conflict", self.name));
        let ways = found["ways"].as_array().expect("a list");
        ways.iter()
            .filter_map(|way| way.as_str().map(str::to_owned))
            .collect()
    }
}

fn declared(artifacts: &str) -> String {
    format!("{HEAD}{artifacts}{BESIDE}")
}

fn conflict(sandbox: &Sandbox, asked: &[&str], path: &str) -> Option<Value> {
    let plan = sandbox
        .loom(&[&["plan", "--format", "json"], asked].concat())
        .json();
    let conflicts = plan["conflicts"].as_array().cloned().unwrap_or_default();
    conflicts.into_iter().find(|it| it["path"] == path)
}

const PORT: &str = "  - { kind: file, name: a, path: etc/port, service: api, content: \"port ${service:port}\\n\" }\n";
const LINES: &str = "  - { kind: file, name: a, path: lines.txt, content: \"one\\ntwo\\nthree\\nfour\\nfive\\nsix\\nseven\\n\" }\n";

fn scenario(name: &'static str, first: &'static str, path: &'static str, edit: Edit) -> Scenario {
    Scenario {
        name,
        first,
        path,
        edit,
        then: Then::Same,
        asked: &[],
        offers: &[" --on-drift keep", " --on-drift restore"],
        never: &[],
    }
}

#[rustfmt::skip]
fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            ..scenario(
                "a name for which a shell has other plans",
                "  - { kind: file, name: a, path: \"it's [1] $HOME {a,b} *.txt\", content: \"a\\n\" }\n",
                "it's [1] $HOME {a,b} *.txt",
                Edit::Whole(b"mine\n"),
            )
        },
        Scenario {
            offers: &["loom absorb", " --on-drift keep"],
            ..scenario(
                "an edit of a value",
                PORT,
                "etc/port",
                Edit::Whole(b"port 4000\n"),
            )
        },
        Scenario {
            then: Then::Replaced("port: 3000", "port: 5000"),
            never: &["loom absorb", "--on-drift merge"],
            ..scenario(
                "an edit of a value that changes too",
                PORT,
                "etc/port",
                Edit::Whole(b"port 4000\n"),
            )
        },
        Scenario {
            then: Then::Replaced("port: 3000", "port: 5000"),
            asked: &["--on-drift", "merge"],
            offers: &["loom resolve", " --on-drift keep", " --on-drift restore"],
            never: &["loom absorb", "--on-drift merge"],
            ..scenario(
                "an edit that cannot be merged",
                PORT,
                "etc/port",
                Edit::Whole(b"port 4000\n"),
            )
        },
        Scenario {
            then: Then::Replaced("one\\n", "eins\\n"),
            offers: &[
                "--on-drift merge",
                " --on-drift keep",
                " --on-drift restore",
            ],
            never: &["loom absorb"],
            ..scenario(
                "an edit that merges",
                LINES,
                "lines.txt",
                Edit::Part("seven", "sieben"),
            )
        },
        Scenario {
            then: Then::Replaced("one\\n", "eins\\n"),
            asked: &["--on-drift", "merge"],
            never: &["loom resolve", "loom absorb", "--on-drift merge"],
            ..scenario(
                "what is no text any more",
                LINES,
                "lines.txt",
                Edit::Whole(b"\0\x01\x02"),
            )
        },
        Scenario {
            then: Then::Gone,
            offers: &["keep: true", "--on-drift restore"],
            ..scenario(
                "an edit of what nothing declares any more",
                LINES,
                "lines.txt",
                Edit::Part("seven", "sieben"),
            )
        },
        Scenario {
            then: Then::Before,
            offers: &["--adopt", "adopt: [{"],
            ..scenario(
                "a file that was there before",
                LINES,
                "lines.txt",
                Edit::Whole(b"mine\n"),
            )
        },
    ]
}

/// Of parts of files, and of one output of several.
#[rustfmt::skip]
fn parts() -> Vec<Scenario> {
    vec![
        scenario(
            "one file of two of a module",
            "",
            "infrastructure/terraform/modules/two/main.tf",
            Edit::Part("a = 1", "a = 9"),
        ),
        scenario(
            "one of several items",
            "  - { kind: file, name: a, each: environments, path: \"${env:name}.txt\", content: \"${env:name}\\n\" }\n",
            "staging.txt",
            Edit::Whole(b"mine\n"),
        ),
        scenario(
            "a block",
            "  - { kind: file, name: a, path: .editorconfig, own: block, content: \"root = true\\n\" }\n",
            ".editorconfig",
            Edit::Part("root = true", "root = false"),
        ),
        scenario(
            "owned keys",
            "  - { kind: file, name: a, path: own.yaml, own: keys, content: \"a: 1\\nb: 2\\n\" }\n",
            "own.yaml",
            Edit::Part("a: 1", "a: 7"),
        ),
        Scenario {
            then: Then::Replaced("path: lines.txt", "path: other.txt"),
            ..scenario(
                "an edit of what moves",
                LINES,
                "lines.txt",
                Edit::Part("seven", "sieben"),
            )
        },
    ]
}

/// Runs a command as it is printed.
fn typed(sandbox: &Sandbox, command: &str) -> Ran {
    let program = env!("CARGO_BIN_EXE_loom");
    let script = format!("loom() {{ '{program}' \"$@\"; }}\n{command}\n");
    let mut shell = Command::new("sh");
    let output = clean(shell.args(["-c", &script]), sandbox)
        .output()
        .expect("a shell can be run");
    Ran::of(&[command], &output, &sandbox.root())
}

/// The entry of loom.yaml that a way asks for first.
fn entry(way: &str) -> Option<&str> {
    let (_, rest) = way.split_once("add `")?;
    rest.split_once('`').map(|(entry, _)| entry)
}

/// Goes one way to its end.
fn go(sandbox: &Sandbox, way: &str) {
    if let Some(entry) = entry(way) {
        sandbox.append("loom.yaml", &format!("{entry}\n"));
    }
    let Some((_, command)) = way
        .split_once(": loom ")
        .map(|(says, it)| (says, format!("loom {it}")))
    else {
        if entry(way).is_some() {
            // what is written into loom.yaml is carried out by any apply
            typed(sandbox, "loom apply --yes --skip-conflicts");
        }
        return;
    };
    if command.starts_with("loom resolve") {
        typed(sandbox, &command).comes_to(4);
        let laid = format!(".loom/conflicts/{}", "etc/port");
        sandbox.write(&laid, "port 4000 and 5000\n");
        typed(sandbox, &command).comes_to(0);
    } else {
        typed(sandbox, &format!("{command} --yes")).comes_to(0);
    }
}

#[test]
fn every_command_that_is_offered_solves_its_conflict_and_touches_nothing_else() {
    let mut tried = 0;
    for scenario in scenarios().into_iter().chain(parts()) {
        let ways = scenario.ways(&scenario.sandbox());
        for offered in scenario.offers {
            assert!(
                ways.iter().any(|way| way.contains(offered)),
                "{}: {offered}: {ways:#?}",
                scenario.name
            );
        }
        for never in scenario.never {
            assert!(
                !ways.iter().any(|way| way.contains(never)),
                "{}: {never}: {ways:#?}",
                scenario.name
            );
        }
        for way in &ways {
            if entry(way).is_none() && !way.contains(": loom ") {
                continue;
            }
            tried += 1;
            let sandbox = scenario.sandbox();
            let before = sandbox.tree();
            go(&sandbox, way);
            let context = format!("{}: {way}", scenario.name);
            assert!(
                conflict(&sandbox, &[], scenario.path).is_none(),
                "the conflict is gone: {context}"
            );
            let after = sandbox.tree();
            let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            let of_it = |path: &str| {
                path == scenario.path
                    || path == "loom.yaml"
                    || path == "other.txt"
                    || path.starts_with(".loom/")
            };
            for path in all {
                assert!(
                    of_it(path) || before.get(path) == after.get(path),
                    "{path} is touched: {context}"
                );
            }
            // neither is any other edit decided about
            assert!(conflict(&sandbox, &[], "night.txt").is_some(), "{context}");
        }
    }
    assert!(tried > 30, "{tried}");
}

#[test]
fn a_command_says_where_loom_was_started() {
    let scenario = scenario("below", PORT, "etc/port", Edit::Whole(b"port 4000\n"));
    let sandbox = scenario.sandbox();
    let outside = sandbox.root();
    let outside = outside.parent().expect("a sandbox is in a directory");
    let mut command = sandbox.command(&["-C", "shop", "plan", "--format", "json"]);
    let output = command
        .current_dir(outside)
        .output()
        .expect("loom can be run");
    let plan = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        plan.contains("loom -C shop apply --target file.a --path etc/port --on-drift keep"),
        "{plan}"
    );
}

#[test]
fn no_way_leads_in_a_circle() {
    let mut scenario = scenario("a circle", PORT, "etc/port", Edit::Whole(b"port 4000\n"));
    scenario.then = Then::Replaced("port: 3000", "port: 5000");
    let sandbox = scenario.sandbox();
    let absorbed = sandbox.loom(&["absorb", "file.a", "--yes"]).comes_to(4);
    assert!(!absorbed.err.contains("--on-drift merge"), "{absorbed}");
    absorbed.complains("loom resolve file.a --path etc/port");
    // and where both can be had, that is said
    let sandbox = Sandbox::of(&[("loom.yaml", &format!("{HEAD}{LINES}"))]);
    sandbox.apply();
    sandbox.commit();
    sandbox.edit("lines.txt", "seven", "sieben");
    sandbox.edit("loom.yaml", "one\\n", "eins\\n");
    sandbox
        .loom(&["absorb", "file.a", "--yes"])
        .comes_to(4)
        .complains("loom apply --target file.a --path lines.txt --on-drift merge");
}
