//! A planted secret: it must come out nowhere.
//!
//! In: tokens of several forms, each put where a person may put one. Out: proof that it stands in no
//! output of any command in any format, and in no file but the one into which it was put: not in the
//! ledger, the history, the object store, a saved plan or a file that loom wrote.

use super::sandbox::Sandbox;
use super::small::{self, PROJECT, STORY};

/// One of each form; put together here, so that no scanner takes this file for a leak.
fn tokens() -> Vec<String> {
    vec![
        format!("AKIA{}", "2E0A8F3B244C9986"),
        format!("ghp_{}", "a1B2c3D4e5".repeat(4)),
        format!("glpat-{}", "a1-B2_c3".repeat(3)),
        format!("xoxb-{}", "123456789012-abcdef"),
        format!("sk_live_{}", "a1B2c3D4".repeat(3)),
        format!("npm_{}", "a1B2c3D4e5f6".repeat(3)),
        format!(
            "{}.{}.{}",
            "eyJhbGciOiJIUzI1NiJ9",
            "eyJzdWIiOiIxMjM0NTY3ODkwIn0",
            "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
        ),
    ]
}

/// Every command that reads the repository, in every format that it has; what writes comes last.
const COMMANDS: &[&[&str]] = &[
    &["validate", "--verbose"],
    &["validate", "--format", "json"],
    &["plan", "--verbose"],
    &["plan", "--format", "json"],
    &["plan", "--format", "markdown"],
    &["plan", "--format", "html"],
    &["plan", "--format", "github"],
    &["plan", "--format", "sarif"],
    &[
        "plan",
        "--on-drift",
        "restore",
        "--out",
        "../saved.plan",
        "--verbose",
    ],
    &["show", "../saved.plan", "--verbose"],
    &["show", "../saved.plan", "--format", "json"],
    &["drift", "--verbose"],
    &["drift", "--format", "json"],
    &["drift", "--format", "markdown"],
    &["drift", "--format", "junit"],
    &["check", "--verbose"],
    &["check", "--format", "json"],
    &["check", "--format", "github"],
    &["check", "--format", "sarif"],
    &["check", "--format", "junit"],
    &["check", ".", "--verbose"],
    &["check", ".", "--format", "json"],
    &[
        "check",
        "loom.yaml",
        "stories/S-1.yaml",
        "--format",
        "sarif",
    ],
    &["graph", "--format", "dot"],
    &["graph", "--format", "json"],
    &["graph", "--format", "svg"],
    &["explain", "file.port"],
    &["explain", "etc/port"],
    &["adopt", "notes.txt"],
    &["resolve", "file.port"],
    &["absorb", "file.port"],
    &["repair", "--yes"],
    &["apply", "--yes", "--verbose"],
    &["history", "--format", "json"],
    &["history"],
    &["rollback", "--yes"],
    &["recover"],
    &["doctor"],
];

/// Runs everything, and looks everywhere but into the files in which the secret was put.
#[track_caller]
fn stays_hidden(sandbox: &Sandbox, secret: &str, put_into: &[&str]) {
    for command in COMMANDS {
        let ran = sandbox.loom(command);
        assert!(
            !ran.out.contains(secret) && !ran.err.contains(secret),
            "`{}` shows the secret\n{ran}",
            command.join(" ")
        );
    }
    let folder = sandbox
        .root()
        .parent()
        .expect("the sandbox is in a directory")
        .to_owned();
    for (path, bytes) in super::sandbox::tree(&folder, &[]) {
        let is_its_own = put_into.iter().any(|known| path == format!("shop/{known}"));
        let found = bytes
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(
            is_its_own || (!found && !path.contains(secret)),
            "{path} holds the secret"
        );
    }
}

/// A project with the secret in loom.yaml, which must be refused by every command that compiles.
#[track_caller]
fn refused(secret: &str, text: &str) {
    assert!(text.contains(secret), "the secret is not in the text");
    let sandbox = Sandbox::of(&[("loom.yaml", text), ("stories/S-1.yaml", STORY)]);
    sandbox
        .loom(&["validate"])
        .comes_to(1)
        .complains("LOOM0205");
    stays_hidden(&sandbox, secret, &["loom.yaml"]);
    assert!(!sandbox.has("etc/port"), "something was written");
}

#[test]
fn a_value_of_loom_yaml_in_each_form_of_a_token() {
    for token in tokens() {
        refused(
            &token,
            &format!(
                "{PROJECT}artifacts:\n  - {{ kind: file, name: x, path: x.txt, content: \"key {token}\\n\" }}\n"
            ),
        );
    }
}

#[test]
fn every_place_of_loom_yaml_in_which_a_person_may_put_one() {
    let token = &tokens()[1];
    let random = "kJ8wQz2mX5vR9tLpB3nY";
    for text in [
        format!("{PROJECT}    environment:\n      JWT_SECRET: {{ value: {random} }}\n"),
        format!("{PROJECT}    environment:\n      HOME_PAGE: {{ value: {token} }}\n"),
        format!("{PROJECT}    labels: {{ {token}: x }}\n"),
        format!("{PROJECT}    title: {token}\n"),
        format!(
            "{PROJECT}artifacts:\n  - {{ kind: file, name: x, path: {token}.txt, content: x }}\n"
        ),
        format!(
            "{PROJECT}artifacts:\n  - {{ kind: template, name: x, path: x.txt, text: \"{token}\" }}\n"
        ),
        format!(
            "{PROJECT}artifacts:\n  - {{ kind: template, name: x, path: x.txt, text: \"{{{{ k }}}}\", vars: {{ k: {token} }} }}\n"
        ),
        format!(
            "{PROJECT}artifacts:\n  - kind: terraform.module\n    name: x\n    files:\n      main.tf:\n        variable: {{ token: {{ type: string, default: {token} }} }}\n"
        ),
        format!(
            "{PROJECT}policy: {{ accept: [{{ code: LOOM1203, address: file.x, reason: {token} }}] }}\n"
        ),
    ] {
        refused(if text.contains(token) { token } else { random }, &text);
    }
    refused(
        "hunter2hunter2",
        &PROJECT.replace(
            "https://example.com",
            "https://ada:hunter2hunter2@example.com",
        ),
    );
}

#[test]
fn a_story_a_template_a_stack_and_a_text_that_cannot_be_read() {
    let token = &tokens()[1];
    let story = STORY.replace("port ${service:port}", &format!("port {token}"));
    let templated = format!(
        "{PROJECT}artifacts:\n  - {{ kind: template, name: x, path: x.txt, source: t.j2 }}\n"
    );
    let broken = format!("{PROJECT}x: [{token}\n");
    let cases: [(&[(&str, &str)], &str); 5] = [
        (
            &[("loom.yaml", PROJECT), ("stories/S-1.yaml", &story)],
            "stories/S-1.yaml",
        ),
        (
            &[
                ("loom.yaml", &templated),
                ("stories/S-1.yaml", STORY),
                ("t.j2", &format!("key: {token}\n")),
            ],
            "t.j2",
        ),
        (
            &[
                ("loom.yaml", &templated),
                ("stories/S-1.yaml", STORY),
                ("t.j2", &format!("key: {token} {{% nonsense\n")),
            ],
            "t.j2",
        ),
        (
            &[
                ("loom.yaml", PROJECT),
                ("stories/S-1.yaml", STORY),
                (
                    ".agent/loom/stack-config.json",
                    &format!("{{\"commands\": {{\"test\": \"T={token} bun test\"}}}}"),
                ),
            ],
            ".agent/loom/stack-config.json",
        ),
        (
            &[("loom.yaml", &broken), ("stories/S-1.yaml", STORY)],
            "loom.yaml",
        ),
    ];
    for (files, put_into) in cases {
        let sandbox = Sandbox::of(files);
        sandbox.loom(&["validate"]).comes_to(1);
        stays_hidden(&sandbox, token, &[put_into]);
    }
}

#[test]
fn prose_and_comments_are_never_shown_and_never_written() {
    let token = &tokens()[1];
    let story = format!(
        "# {token}\n{}",
        STORY.replace("Write the files", &format!("Use {token}"))
    );
    let sandbox = Sandbox::of(&[("loom.yaml", PROJECT), ("stories/S-1.yaml", &story)]);
    stays_hidden(&sandbox, token, &["stories/S-1.yaml"]);
}

#[test]
fn a_policy_and_what_it_says() {
    let token = &tokens()[1];
    let says = format!(
        "package main\n\nimport rego.v1\n\ndeny contains msg if {{\n  msg := \"use {token}\"\n}}\n"
    );
    let broken = format!("package main\n\ndeny contains msg if {{ msg := \"{token}\" +++ }}\n");
    for policy in [says, broken] {
        let artifacts = "  - { kind: kubernetes.manifest, name: a, documents: [{ apiVersion: v1, kind: ConfigMap, metadata: { name: a } }] }\n";
        let sandbox = small::standing(artifacts, "");
        sandbox.write("policy/a.rego", &policy);
        assert_ne!(sandbox.loom(&["plan"]).code, Some(0));
        stays_hidden(&sandbox, token, &["policy/a.rego"]);
    }
}

#[test]
fn a_file_that_somebody_edited_and_names_on_the_command_line() {
    let token = &tokens()[1];
    let sandbox = small::applied();
    sandbox.append("etc/port", &format!("token {token}\n"));
    sandbox.write("notes.txt", &format!("{token}\n"));
    for command in COMMANDS {
        let ran = sandbox.loom(command);
        assert!(
            !ran.out.contains(token) && !ran.err.contains(token),
            "`{}` shows the secret\n{ran}",
            command.join(" ")
        );
    }
    let saved = std::fs::read_to_string(sandbox.outside("saved.plan")).expect("a plan was saved");
    assert!(!saved.contains(token), "the saved plan holds the secret");
    for arguments in [
        vec!["plan", "--story", token],
        vec!["plan", "--target", token],
        vec!["check", token],
        vec!["adopt", token],
        vec!["explain", token],
        vec!["show", token],
        vec!["providers", "show", token],
        vec!["man", token],
        vec!["plan", "--format", token],
        vec![token],
    ] {
        let ran = sandbox.loom(&arguments);
        assert!(
            !ran.out.contains(token) && !ran.err.contains(token),
            "{arguments:?} shows the secret\n{ran}"
        );
    }
}
