//! Owned keys: single keys of files that belong to people, in each of the formats.

use super::sandbox::Sandbox;

const HEAD: &str = "loom: 1\nproject: shop\nenvironments:\n  production: {}\nartifacts:\n";

/// A repository with a file of somebody, and loom's artifacts.
fn with(artifacts: &str, path: &str, text: &str) -> Sandbox {
    let sandbox = Sandbox::of(&[("loom.yaml", &format!("{HEAD}{artifacts}")), (path, text)]);
    sandbox.commit();
    sandbox
}

const PACKAGE: &str = "{\n\t\"name\": \"shop\",\n\t\"scripts\": {\n\t\t\"test\": \"vitest\"\n\t},\n\t\"files\": [\"README.md\"]\n}";
const SCRIPTS: &str = "  - kind: file\n    name: scripts\n    path: package.json\n    own: keys\n    content: |\n      { \"scripts\": { \"build\": \"tsc -p .\" }, \"files\": [\"dist\"] }\n";
const ENGINES: &str = "  - kind: file\n    name: engines\n    path: package.json\n    own: keys\n    content: |\n      { \"engines\": { \"node\": \">=20\" } }\n";

#[test]
fn keys_of_package_json_are_set_kept_put_back_and_taken_out_and_the_rest_stays() {
    let sandbox = with(&format!("{SCRIPTS}{ENGINES}"), "package.json", PACKAGE);
    let plan = sandbox.loom(&["plan"]).comes_to(0);
    assert_eq!(
        plan.marked('~'),
        ["package.json"],
        "two owners are one action"
    );
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    insta::assert_snapshot!(sandbox.read("package.json"), @r##"
    {
    	"name": "shop",
    	"scripts": {
    		"test": "vitest",
    		"build": "tsc -p ."
    	},
    	"files": ["README.md", "dist"],
    	"engines": {
    		"node": ">=20"
    	}
    }
    "##);
    sandbox.is_settled();

    sandbox.edit("package.json", "\"shop\"", "\"store\"");
    sandbox.edit("package.json", "\"vitest\"", "\"vitest run\"");
    sandbox.loom(&["drift"]).comes_to(0);

    sandbox.edit("package.json", "tsc -p .", "tsc");
    sandbox.loom(&["drift"]).comes_to(2).says("package.json");
    sandbox.loom(&["apply", "--yes"]).comes_to(4);
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "restore"])
        .comes_to(0);
    assert!(sandbox.read("package.json").contains("tsc -p ."));
    sandbox.is_settled();

    // a key that is declared no longer goes; the other artifact's stays
    sandbox.edit(
        "loom.yaml",
        "\"build\": \"tsc -p .\"",
        "\"lint\": \"eslint .\"",
    );
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    let text = sandbox.read("package.json");
    assert!(
        !text.contains("tsc") && text.contains("eslint") && text.contains("engines"),
        "{text}"
    );

    sandbox.write("loom.yaml", &HEAD.replace("artifacts:", "artifacts: []"));
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    assert_eq!(
        sandbox.read("package.json"),
        PACKAGE
            .replace("\"shop\"", "\"store\"")
            .replace("\"vitest\"", "\"vitest run\"")
    );
    sandbox.is_settled();
}

#[test]
fn a_file_that_is_not_there_is_made_of_the_keys_alone_and_goes_with_the_last_of_them() {
    let sandbox = Sandbox::of(&[("loom.yaml", &format!("{HEAD}{SCRIPTS}{ENGINES}"))]);
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    insta::assert_snapshot!(sandbox.read("package.json"), @r##"
    { "engines": { "node": ">=20" }, "scripts": {
      "build": "tsc -p ."
    }, "files": [
      "dist"
    ] }
    "##);
    sandbox.is_settled();
    sandbox.write("loom.yaml", &format!("{HEAD}{SCRIPTS}"));
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    assert!(!sandbox.read("package.json").contains("engines"));
    sandbox.write("loom.yaml", &HEAD.replace("artifacts:", "artifacts: []"));
    let plan = sandbox.loom(&["plan"]).comes_to(0);
    assert_eq!(plan.marked('-'), ["package.json"]);
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    assert!(!sandbox.has("package.json"));
    sandbox.is_settled();
}

#[test]
fn what_another_artifact_takes_over_stays_and_the_rest_of_the_old_one_goes() {
    let both = SCRIPTS.replace("name: scripts", "name: old");
    let sandbox = with(&both, "package.json", PACKAGE);
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    sandbox.write(
        "loom.yaml",
        &format!("{HEAD}{}", SCRIPTS.replace(", \"files\": [\"dist\"]", "")),
    );
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    let text = sandbox.read("package.json");
    assert!(
        text.contains("tsc -p .") && !text.contains("dist"),
        "{text}"
    );
    sandbox.is_settled();
}

#[test]
fn a_job_joins_somebodys_workflow() {
    let mine = "# ours\nname: CI\non: [push]   # all branches\n\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: 'npm test'\n\n# the end\n";
    let artifacts = "  - kind: github.workflow\n    name: scan\n    path: .github/workflows/ci.yml\n    own: keys\n    content:\n      jobs:\n        scan:\n          runs-on: ubuntu-24.04\n          steps:\n            - { name: Scan, run: ./scan }\n";
    let sandbox = with(artifacts, ".github/workflows/ci.yml", mine);
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    insta::assert_snapshot!(sandbox.read(".github/workflows/ci.yml"), @r##"
    # ours
    name: CI
    on: [push]   # all branches

    jobs:
      test:
        runs-on: ubuntu-24.04
        steps:
          - run: 'npm test'
      scan:
        runs-on: ubuntu-24.04
        steps:
          - name: Scan
            run: ./scan

    # the end
    "##);
    sandbox.is_settled();
    sandbox.edit(".github/workflows/ci.yml", "npm test", "npm run test");
    sandbox.edit(
        ".github/workflows/ci.yml",
        "        run: ./scan\n",
        "        run: ./scan\n        env: { A: 1 }\n",
    );
    sandbox.loom(&["drift"]).comes_to(0);
    sandbox.edit(".github/workflows/ci.yml", "./scan", "./scan --fast");
    sandbox.loom(&["drift"]).comes_to(2).says("ci.yml");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    sandbox.is_settled();
    assert!(
        sandbox
            .read(".github/workflows/ci.yml")
            .contains("./scan --fast")
    );
}

#[test]
fn keys_of_pyproject_and_of_terraform_are_taken_out_without_a_trace() {
    let toml = "[project]\nname = \"shop\" # mine\n\n[tool.ruff]\nline-length = 100\n";
    let terraform = "terraform {\n  required_version = \">= 1.9\"\n}\n\n# buckets\nresource \"aws_s3_bucket\" \"logs\" {\n  bucket = \"logs\"\n}\n";
    let artifacts = "  - kind: file\n    name: ruff\n    path: pyproject.toml\n    own: keys\n    content: |\n      [tool.ruff]\n      target-version = \"py312\"\n      [tool.pytest.ini_options]\n      addopts = \"-q\"\n  - kind: file\n    name: owner\n    path: main.tf\n    own: keys\n    content: |\n      resource \"aws_s3_bucket\" \"logs\" {\n        force_destroy = false\n      }\n\n      module \"network\" {\n        source = \"./network\"\n      }\n";
    let sandbox = with(artifacts, "pyproject.toml", toml);
    sandbox.write("main.tf", terraform);
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    insta::assert_snapshot!(format!("{}\n--\n{}", sandbox.read("pyproject.toml"), sandbox.read("main.tf")), @r##"
    [project]
    name = "shop" # mine

    [tool.ruff]
    line-length = 100
    target-version = "py312"

    [tool.pytest.ini_options]
    addopts = "-q"

    --
    terraform {
      required_version = ">= 1.9"
    }

    # buckets
    resource "aws_s3_bucket" "logs" {
      bucket = "logs"
      force_destroy = false
    }

    module "network" {
      source = "./network"
    }
    "##);
    sandbox.is_settled();
    sandbox.edit("main.tf", "\"./network\"", "\"./other\"");
    sandbox.edit("pyproject.toml", "100", "120");
    sandbox.loom(&["drift"]).comes_to(2).says("main.tf");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "restore"])
        .comes_to(0);
    sandbox.write("loom.yaml", &HEAD.replace("artifacts:", "artifacts: []"));
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    assert_eq!(sandbox.read("pyproject.toml"), toml.replace("100", "120"));
    assert_eq!(sandbox.read("main.tf"), terraform);
}

#[test]
fn what_cannot_be_edited_safely_is_a_conflict_that_says_what_to_do_by_hand() {
    let aliased = "base: &base\n  a: 1\nscripts:\n  <<: *base\n";
    let artifacts =
        "  - { kind: file, name: x, path: x.yaml, own: keys, content: \"scripts: { b: 2 }\" }\n";
    let sandbox = with(artifacts, "x.yaml", aliased);
    let plan = sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("`scripts` has a merge key `<<`");
    let conflict = plan.out.split("\n\n").nth(1).expect("the conflict");
    insta::assert_snapshot!(conflict, @r###"
    ! x.yaml  file.x
        Loom cannot change its keys here without touching what is not loom's: `scripts` has a merge key `<<`.
        This patch makes the change, for `git apply` or `patch -p1`:
          --- a/x.yaml
          +++ b/x.yaml
          @@ -2,3 +2,4 @@
             a: 1
           scripts:
             <<: *base
          +  b: 2
        What you can do:
          * make the change that is shown by hand, and run the plan again: loom then finds it made
          * make x.yaml simpler where loom says so, and run the plan again
          * let loom own all of x.yaml: take `own: keys` out of file.x
    "###);
    for (text, why) in [
        ("scripts: [", "cannot read as YAML"),
        ("scripts: 1\n", "`scripts` is there and is not a mapping"),
    ] {
        sandbox.write("x.yaml", text);
        sandbox.loom(&["apply", "--yes"]).comes_to(4).says(why);
        assert_eq!(sandbox.read("x.yaml"), text, "nothing is written");
    }
    sandbox.write("x.yaml", "scripts: { b: 3 }\n");
    sandbox.loom(&["plan"]).comes_to(4).says("--adopt");
}

#[test]
fn the_patch_of_a_refused_edit_is_in_every_report_and_git_applies_it() {
    let mine = "base: &base\n  a: 1\n# aliased\nscripts: *base\nonce: 1\n";
    let artifacts = "  - { kind: file, name: x, path: x.yaml, own: keys, content: \"scripts: { b: 2 }\\nonce: { c: [] }\" }\n";
    let sandbox = with(artifacts, "x.yaml", mine);
    let plan = sandbox
        .loom(&["plan", "--format", "json"])
        .comes_to(4)
        .json();
    let patch = plan["conflicts"][0]["by_hand"]["patch"]
        .as_str()
        .expect("a patch")
        .to_owned();
    for format in ["text", "markdown", "html", "github", "sarif"] {
        let plan = sandbox.loom(&["plan", "--format", format]).comes_to(4);
        for line in ["--- a/x.yaml", "+++ b/x.yaml"] {
            assert!(plan.out.contains(line), "{format} shows the patch: {plan}");
        }
    }
    sandbox.write("x.patch", &patch);
    sandbox.git(&["apply", "x.patch"]);
    assert_eq!(
        sandbox.read("x.yaml"),
        "base: &base\n  a: 1\n# aliased\nscripts: {\"a\": 1, \"b\": 2}\nonce: {\"c\": []}\n"
    );
    sandbox.apply();
    sandbox.is_settled();
}

#[test]
fn a_change_by_hand_that_would_write_a_key_twice_is_not_shown() {
    let block =
        "  - { kind: file, name: block, path: x.yaml, own: block, content: \"a: { b: 1 }\" }\n";
    let keys =
        "  - { kind: file, name: keys, path: x.yaml, own: keys, content: \"a: { c: 2 }\" }\n";
    let sandbox = with(&format!("{block}{keys}"), "x.yaml", "z: 1\n");
    let plan = sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("its keys cannot be changed safely");
    assert!(!plan.out.contains("This belongs into"), "{plan}");
    assert!(
        !plan.out.contains("by hand, and run the plan again"),
        "{plan}"
    );
}

#[test]
fn two_owners_of_one_key_are_an_error_that_names_both_with_their_places() {
    let again = ENGINES
        .replace("name: engines", "name: again")
        .replace("{ \"node\": \">=20\" }", "\"any\"");
    let sandbox = with(&format!("{ENGINES}{again}"), "package.json", PACKAGE);
    sandbox
        .loom(&["validate"])
        .comes_to(1)
        .complains("LOOM0409")
        .complains("`file.again`")
        .complains("`file.engines`")
        .complains("engines.node");
    let whole = "  - { kind: file, name: all, path: package.json, content: x }\n";
    sandbox.write("loom.yaml", &format!("{HEAD}{ENGINES}{whole}"));
    sandbox
        .loom(&["validate"])
        .comes_to(1)
        .complains("both write package.json");
    let block = "  - { kind: file, name: block, path: x.yaml, own: block, content: \"a: { b: 1 }\" }\n  - { kind: file, name: keys, path: x.yaml, own: keys, content: \"a: { b: 2 }\" }\n";
    sandbox.write("loom.yaml", &format!("{HEAD}{block}"));
    sandbox
        .loom(&["validate"])
        .comes_to(1)
        .complains("both own `a.b` of x.yaml");
}

#[test]
fn a_part_that_the_format_cannot_have_is_an_error() {
    for (artifact, why) in [
        ("path: x.json, own: block, content: \"{}\"", "no comments"),
        (
            "path: x.md, own: keys, content: \"# x\"",
            "cannot own keys of x.md",
        ),
        ("path: x.json, own: keys, content: \"{\"", "is not JSON"),
        (
            "path: x.json, own: keys, content: \"{}\"",
            "declares no key",
        ),
    ] {
        let sandbox = Sandbox::of(&[(
            "loom.yaml",
            &format!("{HEAD}  - {{ kind: file, name: x, {artifact} }}\n"),
        )]);
        sandbox
            .loom(&["validate"])
            .comes_to(1)
            .complains("LOOM0418")
            .complains(why);
    }
}

#[test]
fn who_comes_to_own_keys_of_a_file_that_was_loom_s_loses_nothing_of_it() {
    let whole = SCRIPTS.replace("    own: keys\n", "");
    let sandbox = Sandbox::of(&[("loom.yaml", &format!("{HEAD}{whole}"))]);
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    let text = sandbox.read("package.json");
    sandbox.write("loom.yaml", &format!("{HEAD}{SCRIPTS}"));
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    assert_eq!(sandbox.read("package.json"), text);
    sandbox.is_settled();
}

const WORKFLOW: &str = "  - kind: github.workflow\n    name: ci\n    content:\n      on: { push: {} }\n      jobs:\n        test:\n          runs-on: ubuntu-24.04\n          steps:\n            - uses: actions/checkout@1111111111111111111111111111111111111111\n            - uses: actions/setup-node@2222222222222222222222222222222222222222\n            - { name: Test, run: npm test }\n";
const DELEGATE: &str = "delegate:\n  - { address: github.workflow.ci, keys: \"jobs.*.steps[*].uses\", to: renovate }\n";
const CI: &str = ".github/workflows/ci.yml";

#[test]
fn versions_that_a_bot_raised_stay_and_are_no_drift_and_follow_their_steps() {
    let sandbox = Sandbox::of(&[("loom.yaml", &format!("{HEAD}{WORKFLOW}{DELEGATE}"))]);
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    let raised = "setup-node@3333333333333333333333333333333333333333 # v6.0.0";
    sandbox.edit(
        CI,
        "setup-node@2222222222222222222222222222222222222222",
        raised,
    );
    sandbox
        .loom(&["plan"])
        .comes_to(0)
        .says("Nothing to do")
        .says("left to renovate");
    sandbox.loom(&["drift"]).comes_to(0);

    // a step comes in between: each version stays with its action
    let more = WORKFLOW.replace(
        "            - uses: actions/setup-node",
        "            - uses: actions/cache@4444444444444444444444444444444444444444\n            - uses: actions/setup-node",
    );
    sandbox.write("loom.yaml", &format!("{HEAD}{more}{DELEGATE}"));
    let plan = sandbox.loom(&["plan"]).comes_to(0);
    assert!(!plan.out.contains("-      - uses"), "{plan}");
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    let text = sandbox.read(CI);
    assert!(
        text.contains(raised) && text.contains("cache@4444") && text.contains("checkout@1111"),
        "{text}"
    );
    sandbox.is_settled();

    // anything else is drift as ever
    sandbox.edit(CI, "npm test", "npm t");
    sandbox.loom(&["drift"]).comes_to(2).says(CI);
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "restore"])
        .comes_to(0);
    assert!(sandbox.read(CI).contains(raised));
    // and so is another action in place of the one that is declared
    sandbox.edit(CI, "actions/cache@", "evil/cache@");
    sandbox.loom(&["drift"]).comes_to(2);
}

#[test]
fn versions_among_owned_keys_can_be_left_to_a_bot_too() {
    let dependencies = SCRIPTS.replace(
        "\"files\": [\"dist\"]",
        "\"dependencies\": { \"zod\": \"3.24.0\" }",
    );
    let delegate =
        "delegate:\n  - { address: file.scripts, keys: dependencies.*, to: dependabot }\n";
    let sandbox = with(
        &format!("{dependencies}{delegate}"),
        "package.json",
        PACKAGE,
    );
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    sandbox.edit("package.json", "3.24.0", "3.25.1");
    sandbox.is_settled();
    sandbox.edit("loom.yaml", "tsc -p .", "tsc --build");
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    let text = sandbox.read("package.json");
    assert!(
        text.contains("3.25.1") && text.contains("tsc --build"),
        "{text}"
    );
    sandbox.is_settled();
}

#[test]
fn what_is_delegated_must_be_there() {
    let sandbox = Sandbox::of(&[(
        "loom.yaml",
        &format!(
            "{HEAD}{WORKFLOW}{}",
            DELEGATE.replace("steps[*]", "step[*]")
        ),
    )]);
    sandbox
        .loom(&["validate"])
        .comes_to(0)
        .complains("LOOM0419");
    sandbox.write(
        "loom.yaml",
        &format!(
            "{HEAD}{WORKFLOW}{}",
            DELEGATE.replace("workflow.ci", "workflow.cy")
        ),
    );
    sandbox
        .loom(&["validate"])
        .comes_to(1)
        .complains("did you mean `github.workflow.ci`?");
    sandbox.write(
        "loom.yaml",
        &format!("{HEAD}{WORKFLOW}{}", DELEGATE.replace("jobs.*", "jobs..x")),
    );
    sandbox
        .loom(&["validate"])
        .comes_to(1)
        .complains("does not name keys");
}

/// What a key of an artifact has lived through before the plan that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// New, and not there.
    Missing,
    /// New, and there as it is wanted.
    Equal,
    /// New, and there with another value.
    Other,
    /// Loom's, as it left it, and declared as ever.
    Left,
    /// Loom's, as it left it, and declared otherwise now.
    Changed,
    /// Loom's, as it left it, and declared no more.
    Dropped,
    /// Loom's, and taken out by somebody.
    Removed,
    /// Loom's, and set otherwise by somebody.
    Edited,
}

use Life::{Changed, Dropped, Edited, Equal, Left, Missing, Other, Removed};

impl Life {
    const ALL: [Self; 8] = [
        Missing, Equal, Other, Left, Changed, Dropped, Removed, Edited,
    ];

    /// What is declared at first, what then stands in the file, and what is declared now.
    fn values(self) -> [Option<&'static str>; 3] {
        match self {
            Missing => [None, None, Some("new")],
            Equal => [None, Some("new"), Some("new")],
            Other => [None, Some("theirs"), Some("new")],
            Left => [Some("old"), Some("old"), Some("old")],
            Changed => [Some("old"), Some("old"), Some("new")],
            Dropped => [Some("old"), Some("old"), None],
            Removed => [Some("old"), None, Some("old")],
            Edited => [Some("old"), Some("theirs"), Some("old")],
        }
    }

    fn is_edit(self) -> bool {
        matches!(self, Removed | Edited)
    }
}

/// What is to stand in the file after an apply that leaves out conflicts; `None` where that is what
/// stood there, since a person has to decide first.
fn expected(lives: &[Life], on_drift: &str, adopts: bool) -> Option<Vec<Option<&'static str>>> {
    if lives.iter().all(|life| life.values()[1].is_none()) {
        // of all that was loom's nothing is left: it is written again, as a file would be
        return Some(lives.iter().map(|life| life.values()[2]).collect());
    }
    let edited = lives.iter().any(|life| life.is_edit());
    let differs = lives.contains(&Other);
    if (differs && !adopts) || (edited && on_drift == "conflict") {
        return None;
    }
    let of = |life: &Life| {
        let [_, there, wanted] = life.values();
        let is_loom_s = !matches!(life, Missing | Equal | Other);
        match on_drift {
            _ if *life == Other => there,
            // what somebody changed stays, and so does what loom wrote beside it
            "keep" if edited && is_loom_s => there,
            "merge" if life.is_edit() => there,
            _ => wanted,
        }
    };
    let after: Vec<Option<&str>> = lives.iter().map(of).collect();
    // that nothing at all is left of what is declared is for a person to say
    let is_nothing = on_drift == "merge" && edited && after.iter().all(Option::is_none);
    (!is_nothing).then_some(after)
}

fn document(values: &[Option<&'static str>]) -> String {
    let fields = values.iter().enumerate().filter_map(|(at, value)| {
        let key = char::from(b'a' + u8::try_from(at).expect("two keys"));
        Some(format!("\"{key}\": \"{}\"", (*value)?))
    });
    format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
}

/// One artifact for each pair of lives and each `onDrift`, all in one repository.
fn lives(adopts: bool) {
    let mut worlds = Vec::new();
    for one in Life::ALL {
        for other in Life::ALL {
            for on_drift in ["conflict", "restore", "keep", "merge"] {
                worlds.push(([one, other], on_drift));
            }
        }
    }
    let declared = |time: usize| {
        let artifacts = worlds.iter().enumerate().filter_map(|(at, (lives, on_drift))| {
            let values = lives.map(|life| life.values()[time]);
            let content = document(&values);
            values.iter().any(Option::is_some).then(|| format!(
                "  - {{ kind: file, name: f{at}, path: {at}.json, own: keys, onDrift: {on_drift}, content: '{content}' }}\n"
            ))
        });
        format!("{HEAD}{}", artifacts.collect::<String>())
    };
    let values = |text: &str| -> Vec<Option<String>> {
        let json: serde_json::Value = serde_json::from_str(text).expect("JSON");
        ["a", "b"]
            .map(|key| json[key].as_str().map(str::to_owned))
            .into()
    };
    let sandbox = Sandbox::of(&[("loom.yaml", &declared(0))]);
    for at in 0..worlds.len() {
        sandbox.write(&format!("{at}.json"), "{ \"mine\": 1 }");
    }
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    let there = |lives: &[Life; 2]| lives.map(|life| life.values()[1]);
    for (at, (lives, _)) in worlds.iter().enumerate() {
        let text = document(&there(lives)).replacen("{ ", "{ \"mine\": 1, ", 1);
        sandbox.write(&format!("{at}.json"), &text.replace(",  }", " }"));
    }
    sandbox.write("loom.yaml", &declared(2));
    let adopt = if adopts { vec!["--adopt"] } else { vec![] };
    let apply = [vec!["apply", "--yes", "--skip-conflicts"], adopt.clone()].concat();
    sandbox.loom(&apply).comes_to(4);
    let plan = sandbox.loom(&[vec!["plan", "--format", "json"], adopt].concat());
    let plan: serde_json::Value = serde_json::from_str(&plan.out).expect("JSON");
    let open = |list: &str| -> Vec<&str> {
        let list = plan[list].as_array().expect("a list").iter();
        list.filter_map(|it| it["path"].as_str()).collect()
    };
    let (conflicts, actions) = (open("conflicts"), open("actions"));
    for (at, (lives, on_drift)) in worlds.iter().enumerate() {
        let path = format!("{at}.json");
        let text = if sandbox.has(&path) {
            sandbox.read(&path)
        } else {
            "{}".to_owned()
        };
        let world = format!("{lives:?}, onDrift {on_drift}, adopts {adopts}: {text}");
        assert!(text.contains("mine"), "{world}");
        let expected = expected(lives, on_drift, adopts);
        let is_declared = lives.iter().any(|life| life.values()[2].is_some());
        // of an artifact that is gone the record decides: an edit is no longer a key's own matter
        let expected = if is_declared {
            expected
        } else {
            Some(vec![None, None])
        };
        assert_eq!(
            conflicts.contains(&path.as_str()),
            expected.is_none(),
            "a conflict? {world}"
        );
        assert!(!actions.contains(&path.as_str()), "done at once: {world}");
        let expected = expected.unwrap_or_else(|| there(lives).to_vec());
        let expected: Vec<Option<String>> = expected
            .into_iter()
            .map(|it| it.map(str::to_owned))
            .collect();
        assert_eq!(values(&text), expected, "{world}");
    }
}

#[test]
fn each_key_is_decided_by_what_it_has_lived_through_and_not_by_its_neighbours() {
    lives(false);
}

#[test]
fn adopting_leaves_keys_that_are_there_and_writes_those_that_are_not() {
    lives(true);
}

const PARTLY: &str = "  - kind: file\n    name: k\n    path: package.json\n    own: keys\n    content: |\n      { \"scripts\": { \"build\": \"tsc -b\", \"lint\": \"eslint\" } }\n";
const THEIRS: &str = "{ \"scripts\": { \"build\": \"tsc\" } }";

#[test]
fn a_key_with_another_value_can_be_set_taken_into_the_declaration_or_left() {
    let sandbox = with(PARTLY, "package.json", THEIRS);
    let plan = sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("`scripts.build` is \"tsc\"");
    let ways: Vec<&str> = plan
        .out
        .lines()
        .filter_map(|line| line.trim().strip_prefix("* ")?.split_once(": loom "))
        .map(|(_, command)| command)
        .collect();
    assert_eq!(ways.len(), 3, "{plan}");
    let expect = ["tsc -b", "tsc", "tsc"];
    for (way, build) in ways.into_iter().zip(expect) {
        let sandbox = with(PARTLY, "package.json", THEIRS);
        let words = way
            .split(' ')
            .map(|word| word.trim_matches('\''))
            .chain(["--yes"]);
        sandbox.loom(&words.collect::<Vec<_>>()).comes_to(0);
        // what the command was not about is not done yet
        sandbox.loom(&["apply", "--yes"]).comes_to(0);
        let wanted = format!("\"build\": \"{build}\", \"lint\": \"eslint\"");
        assert!(
            sandbox.read("package.json").contains(&wanted),
            "{way}: {}",
            sandbox.read("package.json")
        );
        sandbox.is_settled();
        let kept = if way.contains("--adopt") {
            "and 1 file holds an edit"
        } else {
            "are as declared."
        };
        sandbox.loom(&["plan"]).says(kept);
    }
}
