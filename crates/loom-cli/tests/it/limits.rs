//! No input makes loom hang, abort or use all memory: each is an answer, or an error that says what.
//!
//! The limits of the system under which a case runs are what is held here, not how fast it is: a run
//! that hangs is ended after a minute, and one that needs more than a gigabyte cannot have it.

use std::process::Command;

use crate::sandbox::{Sandbox, clean};

const PROJECT: &str = "loom: 1\nproject: shop\nenvironments: { production: {} }\n";
const FILE: &str = "artifacts: [{ kind: file, name: a, path: a.yml, content: \"a: 1\\n\" }]\n";

/// Loom below a limit of time and memory.
fn limited(sandbox: &Sandbox, arguments: &str) -> (i32, String) {
    let script = format!("ulimit -v 1048576; exec timeout 60 \"$LOOM\" {arguments}");
    let mut command = Command::new("sh");
    command
        .args(["-c", &script])
        .env("LOOM", env!("CARGO_BIN_EXE_loom"));
    let output = clean(&mut command, sandbox)
        .output()
        .expect("a shell can be run");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (output.status.code().expect("no signal ends it"), said)
}

#[test]
fn a_policy_that_takes_too_much_is_an_error_that_says_what() {
    let doubled = |first: &str, twice: &str| {
        let steps: Vec<String> = (1..40)
            .map(|at| format!("a{at} := {}", twice.replace('N', &(at - 1).to_string())))
            .collect();
        let steps = steps.join(
            "
",
        );
        format!("a0 := {first}\n{steps}\ndeny contains \"x\" if count(a39) > 1\n")
    };
    let cases = [
        (
            "f(x) := f(x + 1)\ndeny contains \"x\" if f(1)\n".to_owned(),
            "calls itself too often",
        ),
        (
            "deny contains \"x\" if count(numbers.range(1, 1000000000)) > 1\n".to_owned(),
            "memory",
        ),
        (
            doubled("\"aaaaaaaaaa\"", "concat(\"\", [aN, aN])"),
            "memory",
        ),
        (doubled("[1, 2]", "array.concat(aN, aN)"), "memory"),
        (
            "deny contains sprintf(\"%1000000000d\", [1])\n".to_owned(),
            "memory",
        ),
        (
            format!(
                "deny contains \"x\" if {{ y := {}1{}; y == 2 }}\n",
                "[".repeat(60),
                "]".repeat(60)
            ),
            "nested too deeply",
        ),
    ];
    for (policy, expected) in cases {
        let policy = format!("package main\n{policy}");
        let sandbox = Sandbox::of(&[
            ("loom.yaml", &format!("{PROJECT}{FILE}")),
            ("policy/a.rego", &policy),
        ]);
        let (code, said) = limited(&sandbox, "plan");
        assert_eq!(code, 1, "{policy}: {said}");
        assert!(
            said.contains("LOOM0701") && said.contains(expected),
            "{policy}: {said}"
        );
    }
}

#[test]
fn a_policy_that_took_too_much_is_asked_no_more() {
    let artifacts: Vec<String> = (0..300)
        .map(|at| {
            format!("  - {{ kind: file, name: a{at}, path: a{at}.yml, content: \"a: 1\\n\" }}\n")
        })
        .collect();
    let project = format!("{PROJECT}artifacts:\n{}", artifacts.concat());
    let policy = "package main\nf(x) := f(x + 1)\ndeny contains \"x\" if f(1)\n";
    let sandbox = Sandbox::of(&[("loom.yaml", &project), ("policy/a.rego", policy)]);
    let (code, said) = limited(&sandbox, "plan");
    assert_eq!(code, 1, "{said}");
    assert!(said.matches("calls itself").count() <= 8, "{said}");
}

#[test]
fn a_template_that_nests_without_bound_is_an_error() {
    for expression in [
        "-".repeat(100_000) + "1",
        "1".to_owned() + &"|abs".repeat(50_000),
        "1+".repeat(50_000) + "1",
    ] {
        let artifact = format!(
            "artifacts: [{{ kind: template, name: t, path: t, vars: {{}}, text: \"{{{{ {expression} }}}}\" }}]\n"
        );
        let sandbox = Sandbox::of(&[("loom.yaml", &format!("{PROJECT}{artifact}"))]);
        let (code, said) = limited(&sandbox, "plan");
        assert_eq!(code, 1, "{}", &said[said.len().saturating_sub(500)..]);
        assert!(
            said.contains("LOOM0412") && said.contains("has more than"),
            "{expression}"
        );
    }
}

#[test]
fn a_circle_of_tasks_of_any_length_is_an_error_that_can_be_read() {
    use std::fmt::Write as _;
    let mut story =
        String::from("story: S-1\ntasks:\n  - { id: T-0, title: x, dependencies: [T-100000] }\n");
    for at in 1..=100_000 {
        writeln!(
            story,
            "  - {{ id: T-{at}, title: x, dependencies: [T-{}] }}",
            at - 1
        )
        .expect("a string takes it");
    }
    let sandbox = Sandbox::of(&[("loom.yaml", PROJECT), ("stories/S-1.yaml", &story)]);
    let (code, said) = limited(&sandbox, "validate");
    assert_eq!(code, 1);
    assert!(
        said.contains("LOOM0304") && said.contains("99993 more") && said.len() < 10_000,
        "{}",
        &said[..said.len().min(2_000)]
    );
}

#[test]
fn a_chain_of_moves_is_followed_or_is_an_error_that_says_how_long_it_may_be() {
    use std::fmt::Write as _;
    for (length, expected) in [(2000, 2), (100_000, 1)] {
        let artifact =
            format!("artifacts: [{{ kind: file, name: a{length}, path: x, content: y }}]");
        let mut project = format!("{PROJECT}{artifact}\nmoved:\n");
        for at in 0..length {
            writeln!(project, "  - {{ from: file.a{at}, to: file.a{} }}", at + 1)
                .expect("a string takes it");
        }
        let sandbox = Sandbox::of(&[("loom.yaml", &project)]);
        let (code, said) = limited(&sandbox, "plan --detailed-exitcode");
        assert_eq!(code, expected, "{}", &said[..said.len().min(2_000)]);
        assert_eq!(said.contains("LOOM0103"), expected == 1);
    }
}

#[test]
fn names_that_are_too_long_are_shortened_and_told_apart() {
    let long = "a-file-name-that-is-longer-than-sixty-three-characters-as-people-do";
    let manifest =
        |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n");
    let sandbox = Sandbox::of(&[
        ("loom.yaml", PROJECT),
        (&format!("{long}-one.yaml"), &manifest("one")),
        (&format!("{long}-two.yaml"), &manifest("two")),
        (&format!("{}.yaml", "x".repeat(200)), &manifest("x")),
    ]);
    let (code, said) = limited(&sandbox, "adopt .");
    assert_eq!(code, 0, "{said}");
    let (_, graph) = limited(&sandbox, "graph --format json");
    let names: std::collections::BTreeSet<&str> = graph
        .split("\"kubernetes.manifest.")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(names.len(), 3, "{graph}");
    assert!(names.iter().all(|name| name.len() <= 63), "{graph}");
}

#[test]
fn a_merge_of_sixty_thousand_lines_that_all_differ_is_a_conflict_and_ends() {
    let lines = |word: &str| {
        (0..60_000)
            .map(|at| {
                format!(
                    "{word} {}
",
                    at * 7 % 9_973
                )
            })
            .collect::<Vec<_>>()
            .concat()
    };
    let project = |content: &str| {
        let content = serde_json::to_string(content).expect("a text");
        let artifact =
            format!("artifacts: [{{ kind: file, name: a, path: a.txt, content: {content} }}]\n");
        format!("{PROJECT}defaults: {{ onDrift: merge }}\n{artifact}")
    };
    let sandbox = Sandbox::of(&[("loom.yaml", &project(&lines("base")))]);
    sandbox.apply().comes_to(0);
    sandbox.commit();
    sandbox.write("a.txt", &lines("theirs"));
    sandbox.write("loom.yaml", &project(&lines("ours")));
    for arguments in ["plan", "drift --format markdown", "resolve file.a"] {
        let (code, said) = limited(&sandbox, arguments);
        let begin = &said[..said.len().min(2_000)];
        assert!([2, 4].contains(&code), "{arguments}: {code} {begin}");
    }
}

#[test]
fn files_of_ten_gigabytes_are_refused_unread() {
    let project = format!(
        "{PROJECT}artifacts:\n  - {{ kind: file, name: a, path: a.yml, content: \"a: 1\\n\" }}\n  - {{ kind: file, name: b, path: b.txt, own: block, content: \"b\\n\" }}\n"
    );
    let sandbox = Sandbox::of(&[("loom.yaml", &project)]);
    for name in ["a.yml", "b.txt", "c.yaml"] {
        let made = Command::new("truncate")
            .args(["-s", "10G"])
            .arg(sandbox.root().join(name))
            .status();
        assert!(
            made.is_ok_and(|ended| ended.success()),
            "a hole takes no room"
        );
    }
    for (arguments, expected) in [
        ("plan", 4),
        ("plan --format html", 4),
        ("plan --format json", 4),
        ("apply --yes --adopt", 4),
        ("adopt .", 1),
        ("check c.yaml", 1),
        ("doctor", 0),
    ] {
        let (code, said) = limited(&sandbox, arguments);
        assert_eq!(code, expected, "{arguments}: {said}");
        if arguments == "plan" {
            assert!(
                said.contains("it has 10737418240 bytes, and loom reads files of up to 64 MiB"),
                "{said}"
            );
        }
    }
}
