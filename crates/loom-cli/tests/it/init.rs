//! `loom init`: from a repository to a first plan.

use super::sandbox::Sandbox;

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
    sandbox.loom(&["init"]).comes_to(0).says("Wrote loom.yaml").says("loom plan");
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
        assert!(project.contains(&format!("runtime: {runtime}\n")), "{file}: {project}");
        assert!(manager.is_empty() || project.contains(&format!("packageManager: {manager}\n")), "{file}: {project}");
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
    let sandbox = Sandbox::of(&[("apps/web/package.json", "{}"), ("services/mail/go.mod", "module mail\n")]);
    sandbox.loom(&["init"]).comes_to(0);
    works(&sandbox);
    assert!(sandbox.read("docker/mail.Dockerfile").contains("go build"), "each service is built by its own toolchain");
    assert!(!sandbox.read("docker/web.Dockerfile").contains("go build"));
}

#[test]
fn what_is_there_already_is_never_overwritten() {
    let sandbox = Sandbox::of(&[("loom.yaml", "mine\n")]);
    sandbox.loom(&["init"]).comes_to(1).complains("overwrites nothing");
    assert_eq!(sandbox.read("loom.yaml"), "mine\n");
    let sandbox = Sandbox::of(&[("stories/LOOM-001.yaml", "mine\n")]);
    sandbox.loom(&["init"]);
    assert_eq!(sandbox.read("stories/LOOM-001.yaml"), "mine\n");
}

#[test]
fn a_stack_that_is_there_is_used() {
    let sandbox = Sandbox::of(&[
        (".agent/loom/stack-config.json", "{\"runtime\": \"python\", \"packageManager\": \"uv\"}"),
        ("uv.lock", ""),
    ]);
    sandbox.loom(&["init"]).comes_to(0);
    assert!(!sandbox.read("loom.yaml").contains("stack:"));
}

#[test]
fn names_out_of_strange_directories() {
    let sandbox = Sandbox::of(&[("apps/2 Häuser & Co/package.json", "{}"), ("apps/---/package.json", "{}")]);
    sandbox.loom(&["init"]).comes_to(0);
    sandbox.loom(&["validate"]);
}
