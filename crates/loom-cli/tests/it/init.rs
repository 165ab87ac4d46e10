//! `loom init`: from a repository to a first plan.

use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

use super::sandbox::{Ran, Sandbox};

/// What init writes must be valid and plan at once, and apply and settle.
fn works(sandbox: &Sandbox) {
    sandbox.loom(&["validate"]).comes_to(0);
    sandbox.loom(&["plan"]).comes_to(0).says("Plan: ");
    sandbox.apply();
    sandbox.is_settled();
}

#[test]
fn an_empty_directory() {
    let sandbox = Sandbox::empty();
    sandbox
        .loom(&["init"])
        .comes_to(0)
        .says("Wrote loom.yaml")
        .says("loom plan");
    works(&sandbox);
}

#[test]
fn a_directory_without_git() {
    let sandbox = Sandbox::without_git();
    sandbox.loom(&["init"]).comes_to(0);
    works(&sandbox);
}

#[test]
fn repositories_of_each_language() {
    for (file, runtime, manager) in [
        ("package.json", "node", "npm"),
        ("pnpm-lock.yaml", "node", "pnpm"),
        ("yarn.lock", "node", "yarn"),
        ("bun.lock", "bun", "bun"),
        ("deno.json", "deno", ""),
        ("pyproject.toml", "python", "pip"),
        ("requirements.txt", "python", "pip"),
        ("uv.lock", "python", "uv"),
        ("go.mod", "go", "go"),
        ("Cargo.toml", "rust", "cargo"),
        ("pom.xml", "java", "maven"),
        ("build.gradle", "java", "gradle"),
    ] {
        let sandbox = Sandbox::of(&[(file, "\n")]);
        sandbox.loom(&["init"]).comes_to(0).says(runtime);
        let project = sandbox.read("loom.yaml");
        assert!(
            project.contains(&format!("runtime: {runtime}\n")),
            "{file}: {project}"
        );
        assert!(
            manager.is_empty() || project.contains(&format!("packageManager: {manager}\n")),
            "{file}: {project}"
        );
        works(&sandbox);
    }
}

#[test]
fn several_services_and_the_ci_of_the_repository() {
    let sandbox = Sandbox::of(&[
        ("apps/web/package.json", "{}"),
        ("services/mail/package.json", "{}"),
        (".github/workflows/ci.yml", "on: push\n"),
    ]);
    sandbox.loom(&["init"]).comes_to(0).says("web").says("mail");
    let project = sandbox.read("loom.yaml");
    assert!(
        project.contains("path: apps/web\n")
            && project.contains("path: services/mail\n")
            && project.contains("ci: github-actions"),
        "{project}"
    );
    works(&sandbox);
}

#[test]
fn services_of_other_runtimes_than_the_first() {
    let sandbox = Sandbox::of(&[
        ("apps/web/package.json", "{}"),
        ("services/mail/go.mod", "module mail\n"),
    ]);
    sandbox.loom(&["init"]).comes_to(0);
    works(&sandbox);
    assert!(
        sandbox.read("docker/mail.Dockerfile").contains("go build"),
        "each service is built by its own toolchain"
    );
    assert!(!sandbox.read("docker/web.Dockerfile").contains("go build"));
}

#[test]
fn what_is_there_already_is_never_overwritten() {
    let sandbox = Sandbox::of(&[("loom.yaml", "mine\n")]);
    sandbox
        .loom(&["init"])
        .comes_to(1)
        .complains("overwrites nothing");
    assert_eq!(sandbox.read("loom.yaml"), "mine\n");
    let sandbox = Sandbox::of(&[("stories/LOOM-001.yaml", "mine\n")]);
    sandbox.loom(&["init"]);
    assert_eq!(sandbox.read("stories/LOOM-001.yaml"), "mine\n");
}

#[test]
fn a_stack_that_is_there_is_used() {
    let sandbox = Sandbox::of(&[
        (
            ".agent/loom/stack-config.json",
            "{\"runtime\": \"python\", \"packageManager\": \"uv\"}",
        ),
        ("uv.lock", ""),
    ]);
    sandbox.loom(&["init"]).comes_to(0);
    assert!(!sandbox.read("loom.yaml").contains("stack:"));
}

#[test]
fn names_out_of_strange_directories() {
    let sandbox = Sandbox::of(&[
        ("apps/2 Häuser & Co/package.json", "{}"),
        ("apps/---/package.json", "{}"),
    ]);
    sandbox.loom(&["init"]).comes_to(0);
    sandbox.loom(&["validate"]);
}

#[test]
fn a_project_is_called_what_its_manifest_says_and_else_what_its_directory_is_called() {
    for (files, name) in [
        (
            &[("package.json", "{\"name\": \"@shop/Parcel_API\"}")][..],
            "parcel-api",
        ),
        (
            &[
                ("Cargo.toml", "[package]\nname = \"parcels\"\n"),
                ("package.json", "{}"),
            ],
            "parcels",
        ),
        (
            &[("pyproject.toml", "[tool.poetry]\nname = \"scorer\"\n")],
            "scorer",
        ),
        (
            &[(
                "pyproject.toml",
                "[project]\nname = \"rater\"\n[tool.poetry]\nname = \"scorer\"\n",
            )],
            "rater",
        ),
        (
            &[(
                "go.mod",
                "// ours\nmodule example.com/shop/mailer/v2 // two\n",
            )],
            "mailer",
        ),
        (&[("package.json", "{\"name\": 7}")], "repository"),
        (
            &[("Cargo.toml", "[workspace]\nmembers = []\n")],
            "repository",
        ),
    ] {
        let sandbox = Sandbox::of(files);
        let directory = sandbox
            .root()
            .file_name()
            .expect("it has a name")
            .to_string_lossy()
            .into_owned();
        sandbox.loom(&["init"]).comes_to(0);
        let name = if name == "repository" {
            &directory
        } else {
            name
        };
        let project = sandbox.read("loom.yaml");
        assert!(
            project.contains(&format!("\nproject: {name}\n")),
            "{files:?}: {project}"
        );
    }
}

/// Runs `loom init` for a person at a terminal who types this; and what the terminal showed.
fn at_a_terminal(sandbox: &Sandbox, typed: &str) -> (Ran, String) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let terminal = openpt(flags).expect("there are terminals");
    grantpt(&terminal)
        .and_then(|()| unlockpt(&terminal))
        .expect("it is ours");
    let other_end = ioctl_tiocgptpeer(&terminal, flags).expect("it has two ends");
    let end = || Stdio::from(other_end.try_clone().expect("it can be shared"));
    let mut command = sandbox.command(&["init"]);
    let child = command
        .stdin(end())
        .stdout(Stdio::piped())
        .stderr(end())
        .spawn()
        .expect("loom can be run");
    drop((command, other_end));
    assert_eq!(
        rustix::io::write(&terminal, typed.as_bytes()),
        Ok(typed.len()),
        "somebody types"
    );
    let output = child.wait_with_output().expect("it ends");
    let (mut shown, mut some) = (Vec::new(), [0; 4096]);
    // a terminal that nobody has open at the other end is an error, behind all that it showed
    while let Ok(length @ 1..) = rustix::io::read(&terminal, &mut some) {
        shown.extend_from_slice(&some[..length]);
    }
    (
        Ran::of(&["init"], &output, &sandbox.root()),
        String::from_utf8_lossy(&shown).into_owned(),
    )
}

#[test]
fn at_a_terminal_a_person_is_asked_and_only_yes_adopts() {
    let files = [
        ("package.json", "{}"),
        (
            ".github/workflows/ci.yml",
            "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps: [{ run: ls }]\n",
        ),
    ];
    for (typed, adopts) in [("yes\n", true), ("y\n", false), ("\n", false)] {
        let sandbox = Sandbox::of(&files);
        let before = sandbox.read(".github/workflows/ci.yml");
        let (ran, shown) = at_a_terminal(&sandbox, typed);
        let ran = ran.comes_to(0).says(".github/workflows/ci.yml");
        assert!(
            shown.contains("Declare and record them as they are, without touching them? Only `yes` is taken as an answer: "),
            "{shown}"
        );
        assert_eq!(
            ran.out.contains("loom adopt .github/workflows/ci.yml"),
            !adopts,
            "{typed:?} {ran}"
        );
        assert_eq!(
            sandbox.read("loom.yaml").contains("kind: github.workflow"),
            adopts,
            "{typed:?} {ran}"
        );
        assert_eq!(sandbox.read(".github/workflows/ci.yml"), before);
    }
    let sandbox = Sandbox::of(&files);
    let elsewhere = sandbox
        .loom(&["init"])
        .comes_to(0)
        .says("loom adopt .github/workflows/ci.yml");
    assert!(!elsewhere.err.contains("Only `yes`"), "{elsewhere}");
}
