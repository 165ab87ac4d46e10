//! Loom's header is left out of what is compared, and nothing else that stands in its place is.

use super::sandbox::Sandbox;
use super::small;

const ARTIFACTS: &str = concat!(
    "  - { kind: github.workflow, name: w, content: { name: W, on: { push: { branches: [main] } }, permissions: { contents: read }, ",
    "jobs: { x: { runs-on: ubuntu-24.04, timeout-minutes: 5, steps: [ { run: make } ] } } } }\n",
    "  - { kind: terraform.module, name: m, path: infra/m, files: { main.tf: { locals: { a: 1 } } } }\n",
    "  - { kind: markdown.page, name: p, content: \"# T\\n\" }\n",
);

fn applied() -> Sandbox {
    let sandbox = small::standing(ARTIFACTS, "");
    sandbox.apply();
    sandbox.commit();
    sandbox
}

fn with_first_line(sandbox: &Sandbox, path: &str, line: &str) {
    let text = sandbox.read(path);
    let (_, rest) = text.split_once('\n').expect("it has lines");
    sandbox.write(path, &format!("{line}\n{rest}"));
}

#[test]
fn whatever_stands_in_the_place_of_a_header_is_an_edit_that_every_command_says() {
    for (path, line) in [
        (
            ".github/workflows/w.yml",
            "# Managed by loom: \renv: {BASH_ENV: evil.sh}\r# ; see 'loom explain PATH'",
        ),
        (
            "infra/m/main.tf",
            "/* Managed by loom: */ output \"x\" { value = 42 } /* ; see 'loom explain PATH' */",
        ),
        (
            "docs/p.md",
            "<!-- Managed by loom: --> <h1>Run it</h1> <!-- ; see 'loom explain PATH' -->",
        ),
        (
            "infra/m/main.tf",
            "/* Managed by loom: terraform.module.m (project); see 'loom explain PATH' */",
        ),
        (
            ".github/workflows/w.yml",
            "# Managed by loom: github.workflow.w (project) and us; see 'loom explain PATH'",
        ),
    ] {
        let sandbox = applied();
        with_first_line(&sandbox, path, line);
        sandbox.loom(&["plan"]).comes_to(4).says(path);
        sandbox.loom(&["drift"]).comes_to(2).says(path);
        let json = sandbox
            .loom(&["drift", "--format", "json"])
            .comes_to(2)
            .json();
        assert!(json.to_string().contains(path), "{json}");
        sandbox.commit();
        sandbox
            .loom(&["plan", "--against", "HEAD~1"])
            .comes_to(4)
            .says(path);
        sandbox
            .loom(&["apply", "--yes", "--on-drift", "restore"])
            .comes_to(0);
        assert!(!sandbox.read(path).contains(line));
        sandbox.is_settled();
    }
}

#[test]
fn other_origins_and_other_line_ends_of_the_header_are_no_edit() {
    let sandbox = applied();
    let path = ".github/workflows/w.yml";
    let other = "# Managed by loom: pipeline.api (ENT-001, ENT-002); see 'loom explain PATH'";
    with_first_line(&sandbox, path, other);
    sandbox.is_settled();
    with_first_line(&sandbox, path, &format!("{other}\r"));
    sandbox.is_settled();
}

#[test]
fn a_file_that_begins_like_a_header_cannot_be_declared() {
    let header = "# Managed by loom: file.x (project); see 'loom explain PATH'";
    let artifact =
        format!("  - {{ kind: file, name: x, path: x.sh, content: \"{header}\\nls\\n\" }}\n");
    let sandbox = small::standing(&artifact, "");
    sandbox
        .loom(&["plan"])
        .comes_to(1)
        .complains("begins with the line by which loom marks its own files");
}
