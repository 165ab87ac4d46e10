//! Edits of parts of a file, and of files with delegated versions: merged, resolved, absorbed.

use proptest::prelude::*;

use super::sandbox::Sandbox;
use super::small;

const MERGE: &str = "defaults: { onDrift: merge }\n";

/// An artifact that owns keys of a file.
fn keys(path: &str, content: &str) -> String {
    let lines = content
        .lines()
        .map(|line| format!("      {line}\n"))
        .collect::<Vec<_>>()
        .concat();
    format!(
        "  - kind: file\n    name: own\n    path: {path}\n    own: keys\n    content: |\n{lines}"
    )
}

const PACKAGE: &str =
    "{\n  \"name\": \"shop\",\n  \"scripts\": {\n    \"test\": \"vitest\"\n  }\n}\n";

fn scripts(build: &str, lint: &str) -> String {
    keys(
        "package.json",
        &format!("{{ \"scripts\": {{ \"build\": \"{build}\", \"lint\": \"{lint}\" }} }}"),
    )
}

/// A `package.json` of somebody's with two scripts of loom's, applied.
fn packaged(more: &str) -> Sandbox {
    let sandbox = small::standing(&scripts("tsc", "eslint"), more);
    sandbox.write("package.json", PACKAGE);
    sandbox.apply();
    sandbox
}

#[test]
fn keys_merge_one_by_one_and_converge_and_a_later_change_merges_again() {
    let sandbox = packaged(MERGE);
    sandbox.edit("package.json", "\"tsc\"", "\"tsc -p .\"");
    small::declare(&sandbox, &scripts("tsc", "biome"), MERGE);
    let plan = sandbox
        .loom(&["plan"])
        .comes_to(0)
        .says("edited by hand, and merged")
        .says("+    \"lint\": \"biome\"");
    sandbox
        .loom(&["apply", "--expect", &plan.digest()])
        .comes_to(0);
    insta::assert_snapshot!(sandbox.read("package.json"), @r#"
    {
      "name": "shop",
      "scripts": {
        "test": "vitest",
        "build": "tsc -p .",
        "lint": "biome"
      }
    }
    "#);
    sandbox.is_settled();

    small::declare(&sandbox, &scripts("tsc", "oxlint"), MERGE);
    sandbox.apply();
    let text = sandbox.read("package.json");
    assert!(
        text.contains("tsc -p .") && text.contains("oxlint"),
        "{text}"
    );
    sandbox.is_settled();

    // without a store the base is rendered again from the input of a commit
    sandbox.commit();
    std::fs::remove_file(sandbox.root().join(".git/loom/objects")).expect("it is there");
    small::declare(&sandbox, &scripts("tsc", "eslint"), MERGE);
    sandbox.apply();
    let text = sandbox.read("package.json");
    assert!(
        text.contains("tsc -p .") && text.contains("eslint"),
        "{text}"
    );
    sandbox.is_settled();
}

#[test]
fn git_has_the_base_of_keys_in_the_file_itself() {
    let sandbox = packaged("");
    sandbox.commit();
    sandbox.edit("package.json", "\"tsc\"", "\"tsc -p .\"");
    small::declare(&sandbox, &scripts("tsc", "biome"), "");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "merge"])
        .comes_to(0);
    let text = sandbox.read("package.json");
    assert!(
        text.contains("tsc -p .") && text.contains("biome"),
        "{text}"
    );
    sandbox.is_settled();
}

#[test]
fn a_key_that_somebody_took_out_stays_out_and_one_that_loom_takes_out_goes() {
    let sandbox = packaged(MERGE);
    sandbox.edit("package.json", ",\n    \"build\": \"tsc\"", "");
    let only_build = keys(
        "package.json",
        "{ \"scripts\": { \"build\": \"tsc\", \"fmt\": \"dprint\" } }",
    );
    small::declare(&sandbox, &only_build, MERGE);
    sandbox.apply();
    let text = sandbox.read("package.json");
    assert!(
        !text.contains("build") && !text.contains("lint") && text.contains("dprint"),
        "{text}"
    );
    sandbox.is_settled();

    // what one side takes out and the other changes is a conflict
    sandbox.edit("package.json", "dprint", "dprint fmt");
    small::declare(
        &sandbox,
        &keys("package.json", "{ \"scripts\": { \"build\": \"tsc\" } }"),
        MERGE,
    );
    sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("`scripts.fmt` was changed by hand and by loom");
}

#[test]
fn keys_of_every_format_merge_with_the_bytes_around_them() {
    let cases = [
        (
            "x.yaml",
            "# mine\nz: 1 # z\n",
            "a: { one: 1, two: [p, q] }",
            "a: { one: 2, two: [p, q] }",
            "[p, q]",
            "[p]",
        ),
        (
            "x.toml",
            "# mine\nz = 1\n",
            "[a]\none = 1\ntwo = \"x\"",
            "[a]\none = 2\ntwo = \"x\"",
            "\"x\"",
            "\"y\" # why",
        ),
        (
            "x.tf",
            "# mine\nlocals {\n  z = 1\n}\n",
            "locals {\n  one = 1\n  two = \"x\"\n}",
            "locals {\n  one = 2\n  two = \"x\"\n}",
            "\"x\"",
            "var.y",
        ),
    ];
    for (path, mine, first, second, from, to) in cases {
        let sandbox = small::standing(&keys(path, first), MERGE);
        sandbox.write(path, mine);
        sandbox.apply();
        sandbox.edit(path, from, to);
        let edited = sandbox.read(path);
        small::declare(&sandbox, &keys(path, second), MERGE);
        sandbox.apply();
        assert_eq!(
            sandbox.read(path),
            edited
                .replace("one: 1", "one: 2")
                .replace("one = 1", "one = 2"),
            "{path}"
        );
        sandbox.is_settled();
    }
}

#[test]
fn keys_that_both_changed_are_laid_out_and_the_result_is_taken_back() {
    let sandbox = packaged(MERGE);
    sandbox.edit("package.json", "\"tsc\"", "\"tsc -p .\"");
    small::declare(&sandbox, &scripts("tsc --build", "biome"), MERGE);
    sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("`scripts.build` was changed by hand and by loom")
        .says("loom resolve");
    sandbox
        .loom(&["resolve", "file.own"])
        .comes_to(4)
        .says("Both sides of package.json");
    let result = ".loom/conflicts/package.json~file.own";
    let laid_out = sandbox.read(result);
    assert!(
        laid_out.contains("<<<<<<< theirs")
            && laid_out.contains("tsc -p .")
            && !laid_out.contains("vitest"),
        "{laid_out}"
    );
    sandbox.write(result, "{ \"scripts\": ");
    sandbox
        .loom(&["resolve", "file.own"])
        .comes_to(4)
        .complains("is not JSON");
    sandbox.write(
        result,
        "{ \"scripts\": { \"build\": \"tsc -p . --build\", \"lint\": \"biome\" } }\n",
    );
    sandbox.loom(&["resolve", "file.own"]).comes_to(0);
    assert_eq!(
        sandbox.read("package.json"),
        PACKAGE.replace(
            "\"vitest\"",
            "\"vitest\",\n    \"build\": \"tsc -p . --build\",\n    \"lint\": \"biome\""
        )
    );
    sandbox.is_settled();
    assert!(!sandbox.has(result));
}

#[test]
fn one_side_of_keys_is_taken_as_it_is() {
    for (choice, build) in [("--theirs", "tsc -p ."), ("--ours", "tsc --build")] {
        let sandbox = packaged(MERGE);
        sandbox.edit("package.json", "\"tsc\"", "\"tsc -p .\"");
        small::declare(&sandbox, &scripts("tsc --build", "biome"), MERGE);
        sandbox.loom(&["resolve", "file.own", choice]).comes_to(0);
        let text = sandbox.read("package.json");
        assert!(
            text.contains(&format!("\"{build}\"")) && text.contains("vitest"),
            "{choice}: {text}"
        );
        assert_eq!(text.contains("biome"), choice == "--ours", "{text}");
        sandbox.is_settled();
    }
}

#[test]
fn an_edit_of_keys_becomes_the_declaration() {
    let sandbox = packaged("");
    sandbox.edit("package.json", "\"tsc\"", "\"tsc --build\"");
    sandbox.edit("package.json", "\"vitest\"", "\"vitest run\"");
    sandbox
        .loom(&["absorb", "file.own", "--yes"])
        .comes_to(0)
        .says("+      { \"scripts\": { \"build\": \"tsc --build\"");
    sandbox.apply();
    sandbox.is_settled();
    assert!(sandbox.read("package.json").contains("tsc --build"));
}

const CI: &str = ".github/workflows/ci.yml";
const RAISED: &str = "checkout@3333333333333333333333333333333333333333 # v6.0.0";

fn workflow(test: &str, name: &str) -> String {
    format!(
        "  - kind: github.workflow\n    name: ci\n    content:\n      name: {name}\n      on: {{ push: {{}} }}\n      jobs:\n        test:\n          runs-on: ubuntu-24.04\n          steps:\n            - uses: actions/checkout@1111111111111111111111111111111111111111\n            - {{ name: Test, run: {test} }}\n"
    )
}

/// A workflow in which a bot raised a version, and somebody edited a step.
fn raised(more: &str) -> Sandbox {
    let more = format!(
        "{more}delegate:\n  - {{ address: github.workflow.ci, keys: \"jobs.*.steps[*].uses\", to: renovate }}\n"
    );
    let sandbox = small::standing(&workflow("npm test", "CI"), &more);
    sandbox.apply();
    sandbox.edit(
        CI,
        "checkout@1111111111111111111111111111111111111111",
        RAISED,
    );
    sandbox.edit(CI, "npm test", "npm t");
    small::declare(&sandbox, &workflow("npm test", "All"), &more);
    sandbox
}

#[test]
fn delegated_versions_are_no_side_of_a_merge_and_stay() {
    let sandbox = raised(MERGE);
    sandbox.apply();
    let text = sandbox.read(CI);
    assert!(
        text.contains(RAISED) && text.contains("npm t\n") && text.contains("name: All"),
        "{text}"
    );
    sandbox.is_settled();
    sandbox.edit(CI, "v6.0.0", "v6.0.1");
    sandbox.is_settled();
}

#[test]
fn files_with_delegated_versions_are_resolved_and_absorbed_with_them() {
    let sandbox = raised("");
    sandbox.commit();
    sandbox
        .loom(&["resolve", "github.workflow.ci", "--theirs"])
        .comes_to(0);
    assert!(sandbox.read(CI).contains(RAISED) && sandbox.read(CI).contains("name: CI"));
    sandbox.is_settled();
    sandbox
        .loom(&[
            "apply",
            "--yes",
            "--on-drift",
            "restore",
            "--target",
            "github.workflow.ci",
        ])
        .comes_to(0);
    assert!(sandbox.read(CI).contains(RAISED) && sandbox.read(CI).contains("npm test"));

    sandbox.edit(CI, "npm test", "npm t");
    sandbox
        .loom(&["absorb", "github.workflow.ci", "--yes"])
        .comes_to(0);
    assert!(
        sandbox.read("loom.yaml").contains("run: npm t }")
            && sandbox.read("loom.yaml").contains("checkout@1111")
    );
    sandbox.apply();
    assert!(sandbox.read(CI).contains(RAISED));
    sandbox.is_settled();
}

#[test]
fn a_block_is_resolved_and_absorbed_and_what_is_around_it_stays() {
    let block = |text: &str| {
        format!("  - {{ kind: file, name: own, path: list, own: block, content: \"{text}\\n\" }}\n")
    };
    let sandbox = small::standing(&block("dist"), MERGE);
    sandbox.write("list", "above\n");
    sandbox.apply();
    sandbox.append("list", "below\n");
    sandbox.edit("list", "dist\n", "build\n");
    small::declare(&sandbox, &block("out"), MERGE);
    sandbox.loom(&["plan"]).comes_to(4);
    sandbox.loom(&["resolve", "file.own"]).comes_to(4);
    sandbox.write(".loom/conflicts/list~file.own", "build\nout\n");
    sandbox.loom(&["resolve", "file.own"]).comes_to(0);
    let text = sandbox.read("list");
    assert!(
        text.starts_with("above\n") && text.contains("\nbuild\nout\n") && text.ends_with("below\n"),
        "{text}"
    );
    sandbox.is_settled();

    sandbox
        .loom(&["resolve", "file.own", "--ours"])
        .comes_to(1)
        .complains("no file of file.own holds an edit");
    sandbox
        .loom(&[
            "apply",
            "--yes",
            "--on-drift",
            "restore",
            "--target",
            "file.own",
        ])
        .comes_to(0);
    sandbox.edit("list", "out\n", "target\n");
    sandbox.loom(&["absorb", "file.own", "--yes"]).comes_to(0);
    assert!(
        sandbox.read("loom.yaml").contains("target\\n"),
        "{}",
        sandbox.read("loom.yaml")
    );
    sandbox.apply();
    sandbox.is_settled();
}

/// Loom's part of a file, as one artifact of this name.
fn part(name: &str, path: &str, own: &str, content: &str) -> String {
    format!("  - {{ kind: file, name: {name}, path: {path}, own: {own}, content: {content:?} }}\n")
}

fn moved(from: &str, to: &str) -> String {
    format!("moved:\n  - {{ from: file.{from}, to: file.{to} }}\n")
}

/// A file with a part of loom's and an accepted edit in it.
fn kept(own: &str, path: &str, content: &str, edit: [&str; 2]) -> Sandbox {
    let sandbox = small::standing(&part("own", path, own, content), "");
    sandbox.write(path, "z: 1 # mine\n");
    sandbox.apply();
    sandbox.append(path, "y: 2\n");
    sandbox.edit(path, edit[0], edit[1]);
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    sandbox
}

const CONTENT: &str = "a:\n  one: 1\n  two: 2\n";

#[test]
fn a_part_goes_to_another_file_with_an_accepted_edit() {
    for own in ["keys", "block"] {
        let sandbox = kept(own, "old.yaml", CONTENT, ["two: 2", "two: 3 # why"]);
        sandbox.write("new.yaml", "x: 1\n");
        small::declare(&sandbox, &part("own", "new.yaml", own, CONTENT), "");
        let plan = sandbox.loom(&["plan"]).comes_to(0).says("its path changed");
        assert_eq!(plan.marked('~'), ["new.yaml", "old.yaml"], "{own}");
        sandbox.apply();
        assert_eq!(sandbox.read("old.yaml"), "z: 1 # mine\ny: 2\n", "{own}");
        let text = sandbox.read("new.yaml");
        assert!(
            text.starts_with("x: 1\n") && text.contains("a:\n  one: 1\n  two: 3 # why\n"),
            "{own}: {text}"
        );
        sandbox.is_settled();
        // it is still an accepted edit there, and loom's text can be had back
        sandbox
            .loom(&["plan"])
            .comes_to(0)
            .says("holds an edit that was accepted: new.yaml");
        sandbox
            .loom(&[
                "apply",
                "--yes",
                "--on-drift",
                "restore",
                "--target",
                "file.own",
            ])
            .comes_to(0);
        assert!(sandbox.read("new.yaml").contains("  two: 2"), "{own}");
    }
}

#[test]
fn a_part_under_another_address_stays_in_its_place_with_an_accepted_edit() {
    for own in ["keys", "block"] {
        let sandbox = kept(own, "f.yaml", CONTENT, ["two: 2", "two: 3 # why"]);
        let before = sandbox.read("f.yaml");
        small::declare(
            &sandbox,
            &part("other", "f.yaml", own, CONTENT),
            &moved("own", "other"),
        );
        sandbox
            .loom(&["plan"])
            .comes_to(0)
            .says("moved from file.own");
        sandbox.apply();
        assert_eq!(
            sandbox.read("f.yaml"),
            before.replace("file.own", "file.other"),
            "{own}"
        );
        sandbox.is_settled();
        sandbox
            .loom(&["plan"])
            .comes_to(0)
            .says("holds an edit that was accepted");
    }
}

#[test]
fn a_part_that_moves_and_changes_is_merged_on_the_way() {
    for own in ["keys", "block"] {
        for (name, path) in [
            ("own", "new.yaml"),
            ("other", "old.yaml"),
            ("other", "new.yaml"),
        ] {
            let sandbox = kept(
                own,
                "old.yaml",
                "a:\n  one: 1\n  b: 1\n  c: 1\n  d: 1\n  two: 2\n",
                ["two: 2", "two: 3"],
            );
            sandbox.commit();
            let changed = part(
                name,
                path,
                own,
                "a:\n  one: 7\n  b: 1\n  c: 1\n  d: 1\n  two: 2\n",
            );
            let more = if name == "own" {
                String::new()
            } else {
                moved("own", name)
            };
            small::declare(&sandbox, &changed, &more);
            sandbox.loom(&["plan"]).comes_to(4).says("edited by hand");
            sandbox
                .loom(&["apply", "--yes", "--on-drift", "merge"])
                .comes_to(0);
            let text = sandbox.read(path);
            assert!(
                text.contains("  one: 7\n") && text.contains("  two: 3\n"),
                "{own} {name} {path}: {text}"
            );
            assert_eq!(
                sandbox.read("old.yaml").contains("one:"),
                path == "old.yaml",
                "{own}"
            );
            sandbox.is_settled();
        }
    }
}

#[test]
fn a_part_that_holds_an_edit_nobody_accepted_stays_until_somebody_decides() {
    for own in ["keys", "block"] {
        let sandbox = kept(own, "old.yaml", CONTENT, ["two: 2", "two: 3"]);
        sandbox.edit("old.yaml", "two: 3", "two: 4");
        let before = sandbox.read("old.yaml");
        small::declare(&sandbox, &part("own", "new.yaml", own, CONTENT), "");
        let plan = sandbox.loom(&["plan", "--skip-conflicts"]).comes_to(4);
        assert_eq!(plan.marked('!'), ["old.yaml"], "{own}");
        sandbox.loom(&["apply", "--yes", "--skip-conflicts"]);
        assert!(
            sandbox.read("old.yaml") == before && !sandbox.has("new.yaml"),
            "{own}"
        );
        sandbox
            .loom(&["resolve", "file.own", "--theirs"])
            .comes_to(0);
        assert!(
            sandbox.read("new.yaml").contains("two: 4")
                && !sandbox.read("old.yaml").contains("two"),
            "{own}"
        );
        sandbox.is_settled();
    }
}

#[test]
fn a_part_that_cannot_come_to_its_new_place_does_not_go_from_its_old_one() {
    let sandbox = kept("keys", "old.yaml", CONTENT, ["two: 2", "two: 3"]);
    let before = sandbox.read("old.yaml");
    sandbox.write("new.yaml", "base: &base { q: 1 }\na:\n  <<: *base\n");
    small::declare(&sandbox, &part("own", "new.yaml", "keys", CONTENT), "");
    sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("`a` has a merge key `<<`")
        .says("+  two: 3");
    sandbox.loom(&["apply", "--yes", "--skip-conflicts"]);
    assert_eq!(sandbox.read("old.yaml"), before);
}

#[test]
fn a_run_that_keeps_edits_leaves_the_base_of_the_next_merge() {
    let sandbox = packaged(MERGE);
    small::declare(&sandbox, &scripts("tsc -b", "eslint"), MERGE);
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    sandbox.edit("package.json", "\"tsc -b\"", "\"tsc -p .\"");
    small::declare(&sandbox, &scripts("tsc -b", "biome"), MERGE);
    sandbox.apply();
    let text = sandbox.read("package.json");
    assert!(
        text.contains("tsc -p .") && text.contains("biome"),
        "{text}"
    );
}

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    /// A person sets a key of loom's.
    Edit(usize),
    /// A person takes one out.
    Take(usize),
    /// Loom wants another value.
    Declare(usize),
    /// Loom wants a key no more, or again.
    Toggle(usize),
    /// The artifact goes to the other file.
    Path,
    /// The artifact gets another address.
    Rename,
    /// Loom applies, and accepts edits or merges them.
    Apply(&'static str),
}

const KEYS: [&str; 3] = ["one", "two", "three"];
const FILES: [&str; 2] = ["one.yaml", "two.yaml"];

/// A repository with one part of loom's, and what is declared of it.
struct History {
    sandbox: Sandbox,
    own: &'static str,
    names: usize,
    path: usize,
    values: [(bool, usize); 3],
    edits: usize,
}

impl History {
    fn new(own: &'static str) -> Self {
        let sandbox = small::standing("", MERGE);
        for file in FILES {
            sandbox.write(file, "mine: 1 # mine\n");
        }
        let history = Self {
            sandbox,
            own,
            names: 0,
            path: 0,
            values: [(true, 0); 3],
            edits: 0,
        };
        history.declare();
        history.sandbox.apply();
        history
    }

    fn declare(&self) {
        let lines = KEYS
            .iter()
            .zip(self.values)
            .filter(|(_, (is_wanted, _))| *is_wanted);
        let lines = lines
            .map(|(key, (_, value))| format!("  {key}: loom{value}\n"))
            .collect::<Vec<_>>()
            .concat();
        let content = format!("own:\n  always: 1\n{lines}");
        let moved =
            (0..self.names).map(|at| format!("  - {{ from: file.n{at}, to: file.n{} }}\n", at + 1));
        let moved = moved.collect::<Vec<_>>().concat();
        let moved = if moved.is_empty() {
            moved
        } else {
            format!("moved:\n{moved}")
        };
        let artifact = part(
            &format!("n{}", self.names),
            FILES[self.path],
            self.own,
            &content,
        );
        small::declare(&self.sandbox, &artifact, &format!("{MERGE}{moved}"));
    }

    /// What persons wrote that is still somewhere.
    fn of_persons(&self) -> std::collections::BTreeSet<String> {
        let texts = FILES
            .iter()
            .filter(|file| self.sandbox.has(file))
            .map(|file| self.sandbox.read(file));
        let words = texts.flat_map(|text| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        });
        words.filter(|word| word.starts_with("person")).collect()
    }

    /// A line of loom's, changed by a person wherever it stands.
    fn by_person(&mut self, key: usize, line: Option<&str>) {
        for file in FILES.iter().filter(|file| self.sandbox.has(file)) {
            let text = self.sandbox.read(file);
            let start = format!("  {}:", KEYS[key]);
            let changed = text.split_inclusive('\n').filter_map(|old| {
                if old.starts_with(&start) {
                    line.map(str::to_owned)
                } else {
                    Some(old.to_owned())
                }
            });
            self.sandbox.write(file, &changed.collect::<String>());
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Edit(key) => {
                self.edits += 1;
                let line = format!("  {}: person{}\n", KEYS[key], self.edits);
                self.by_person(key, Some(&line));
            }
            Step::Take(key) => self.by_person(key, None),
            Step::Declare(key) => self.values[key].1 += 1,
            Step::Toggle(key) => self.values[key].0 = !self.values[key].0,
            Step::Path => self.path = 1 - self.path,
            Step::Rename => self.names += 1,
            Step::Apply(on_drift) => {
                self.declare();
                let before = self.of_persons();
                let ran = self
                    .sandbox
                    .loom(&["apply", "--yes", "--on-drift", on_drift]);
                let after = self.of_persons();
                assert!(before.is_subset(&after), "{before:?} → {after:?}\n{ran}");
                assert!(
                    FILES
                        .iter()
                        .all(|file| self.sandbox.read(file).starts_with("mine: 1 # mine\n")),
                    "{ran}"
                );
                match ran.code {
                    Some(0) => self.sandbox.is_settled(),
                    code => assert_eq!(code, Some(4), "{ran}"),
                }
            }
        }
    }
}

#[test]
fn no_history_of_edits_changes_and_moves_loses_what_a_person_wrote_in_a_part() {
    let step = prop_oneof![
        3 => (0_usize..3).prop_map(Step::Edit),
        1 => (0_usize..3).prop_map(Step::Take),
        2 => (0_usize..3).prop_map(Step::Declare),
        1 => (0_usize..3).prop_map(Step::Toggle),
        1 => Just(Step::Path),
        1 => Just(Step::Rename),
        4 => prop_oneof![Just(Step::Apply("merge")), Just(Step::Apply("keep"))],
    ];
    let steps = proptest::collection::vec(step, 4..12);
    let config = ProptestConfig {
        cases: 24,
        failure_persistence: None,
        max_shrink_iters: 30,
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let law = |steps: Vec<Step>| {
        for own in ["keys", "block"] {
            let mut history = History::new(own);
            for step in &steps {
                history.step(step);
            }
        }
        Ok(())
    };
    runner
        .run(&steps, law)
        .unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_block_leaves_the_mode_of_its_file_to_the_file() {
    let block = |port: u16| {
        format!(
            "  - {{ kind: file, name: port, path: run.sh, own: block, content: \"echo {port}\\n\" }}\n"
        )
    };
    let sandbox = small::standing(&block(3000), "");
    sandbox.write("run.sh", "#!/bin/sh\n");
    sandbox.make_executable("run.sh");
    sandbox.apply();
    sandbox.is_settled();
    small::declare(&sandbox, &block(3001), "");
    sandbox.apply();
    assert!(sandbox.executable("run.sh") && sandbox.read("run.sh").contains("echo 3001"));
    sandbox.is_settled();

    small::declare(
        &sandbox,
        "  - { kind: file, name: other, path: other, content: \"1\\n\" }\n",
        "",
    );
    sandbox.apply();
    assert_eq!(
        (
            sandbox.read("run.sh").as_str(),
            sandbox.executable("run.sh")
        ),
        ("#!/bin/sh\n", true)
    );
    sandbox.is_settled();
}

#[test]
fn a_file_that_parts_make_has_the_mode_that_one_of_them_asks_for() {
    let block = |name: &str, more: &str| {
        format!(
            "  - {{ kind: file, name: {name}, path: run.sh, own: block{more}, content: \"echo {name}\\n\" }}\n"
        )
    };
    let both = block("one", "") + &block("two", ", mode: executable");
    let sandbox = small::standing(&both, "");
    let plain = small::standing(&(block("one", "") + &block("two", "")), "");
    assert_ne!(
        sandbox.loom(&["plan"]).digest(),
        plain.loom(&["plan"]).digest(),
        "an approval tells the modes apart"
    );
    sandbox.apply();
    assert!(sandbox.executable("run.sh"));
    sandbox.is_settled();
}
