//! Versions that are left to a bot: which values can be, where they stand, and that every report of a
//! request and every approval sees them all the same.

use super::sandbox::Sandbox;

const HEAD: &str = "loom: 1\nproject: shop\nenvironments:\n  production: {}\n";
const CI: &str = ".github/workflows/ci.yml";
const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";

fn workflow(keys: &str, minutes: u32) -> String {
    format!(
        "{HEAD}artifacts:\n  - kind: github.workflow\n    name: ci\n    content:\n      on: {{ push: {{}} }}\n      permissions: {{ contents: read }}\n      jobs:\n        test:\n          runs-on: ubuntu-24.04\n          timeout-minutes: {minutes}\n          steps:\n            - uses: actions/checkout@{ONE}\n            - {{ name: Test, run: npm test }}\ndelegate:\n  - {{ address: github.workflow.ci, keys: \"{keys}\", to: renovate }}\n"
    )
}

/// A repository whose workflow has its actions left to a bot, on a branch.
fn delegated() -> Sandbox {
    let sandbox = Sandbox::of(&[("loom.yaml", &workflow("jobs.*.steps[*].uses", 5))]);
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    sandbox.commit();
    sandbox.git(&["switch", "--quiet", "--create", "request"]);
    sandbox
}

#[test]
fn nothing_but_a_version_can_be_left_to_somebody() {
    for (keys, value) in [
        ("jobs.*.steps[*].run", "npm test"),
        ("permissions.*", "read"),
        ("jobs.*.runs-on", "ubuntu-24.04"),
        ("jobs.*.timeout-minutes", "5"),
        ("jobs.*.*", "ubuntu-24.04"),
        ("jobs", "ubuntu-24.04"),
        ("jobs.*.steps", "Test"),
        ("jobs.*.steps[name=Test].run", "npm test"),
    ] {
        let sandbox = Sandbox::of(&[("loom.yaml", &workflow(keys, 5))]);
        sandbox
            .loom(&["validate"])
            .comes_to(1)
            .complains("LOOM0420")
            .complains("loom.yaml:19:")
            .complains(&format!("`{value}`"));
    }
}

#[test]
fn what_is_no_version_in_the_file_is_an_edit() {
    for instead in [
        "actions/checkout@main",
        "actions/checkout@$(id)",
        "evil/checkout@1111111111111111111111111111111111111111",
        // a digest gives way to a digest alone
        "actions/checkout@v4.2.2",
    ] {
        let sandbox = delegated();
        sandbox.edit(CI, &format!("actions/checkout@{ONE}"), instead);
        sandbox.loom(&["drift"]).comes_to(2).says(CI);
    }
    let sandbox = delegated();
    sandbox.edit(CI, ONE, &format!("{TWO} # v6.0.0"));
    sandbox.loom(&["drift"]).comes_to(0);
    sandbox.edit(CI, "# v6.0.0", "# v6.0.0, and more");
    sandbox.loom(&["drift"]).comes_to(2);
}

#[test]
fn an_edit_of_a_delegated_version_after_the_review_ends_the_approval() {
    let sandbox = delegated();
    sandbox.write("loom.yaml", &workflow("jobs.*.steps[*].uses", 9));
    let digest = sandbox.loom(&["plan"]).comes_to(0).digest();
    sandbox.loom(&["plan", "--out", "plan.json"]).comes_to(0);
    sandbox.edit(CI, ONE, TWO);
    let text = sandbox.read(CI);
    sandbox
        .loom(&["apply", "--expect", &digest])
        .comes_to(3)
        .complains("stale");
    sandbox
        .loom(&["apply", "plan.json"])
        .comes_to(3)
        .complains(&format!("These differ: {CI}"));
    assert_eq!(sandbox.read(CI), text);
    let digest = sandbox.loom(&["plan"]).comes_to(0).digest();
    sandbox.loom(&["apply", "--expect", &digest]).comes_to(0);
    assert!(sandbox.read(CI).contains(TWO));
}

#[test]
fn a_comparison_shows_a_version_that_a_request_changes_whoever_keeps_it() {
    let sandbox = delegated();
    sandbox
        .loom(&["plan", "--against", "main"])
        .comes_to(0)
        .says("no managed file changes");
    sandbox.edit(CI, ONE, &format!("{TWO} # v6.0.0"));
    sandbox.commit();
    for format in ["text", "markdown", "json", "html"] {
        let said = sandbox.loom(&["plan", "--against", "main", "--format", format]);
        said.says(&format!("{ONE} → {TWO} # v6.0.0"));
    }
    let said = sandbox.loom(&["plan", "--against", "main"]).comes_to(0);
    assert_eq!(said.marked('~'), [CI]);
    said.says("left to renovate: actions/checkout");

    // also beside another change, and where the plan would still write the file
    sandbox.write("loom.yaml", &workflow("jobs.*.steps[*].uses", 9));
    let both = sandbox.loom(&["plan", "--against", "main"]).comes_to(2);
    both.says("left to renovate: actions/checkout")
        .says("timeout-minutes: 9");
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    sandbox
        .loom(&["plan", "--against", "main"])
        .comes_to(0)
        .says("left to renovate: actions/checkout")
        .says("timeout-minutes: 9");
}

#[test]
fn a_comparison_shows_versions_among_owned_keys_too() {
    let text = format!(
        "{HEAD}artifacts:\n  - {{ kind: file, name: p, path: package.json, own: keys, content: '{{ \"dependencies\": {{ \"zod\": \"^3.24.0\" }} }}' }}\ndelegate:\n  - {{ address: file.p, keys: dependencies.*, to: renovate }}\n"
    );
    let sandbox = Sandbox::of(&[
        ("loom.yaml", &text),
        ("package.json", "{ \"name\": \"shop\" }\n"),
    ]);
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    sandbox.commit();
    sandbox.git(&["switch", "--quiet", "--create", "request"]);
    sandbox.edit("package.json", "^3.24.0", "^3.25.1");
    sandbox.loom(&["drift"]).comes_to(0);
    sandbox
        .loom(&["plan", "--against", "main"])
        .comes_to(0)
        .says("left to renovate: ^ 3.24.0 → 3.25.1");
    // the sign of the range is loom's
    sandbox.edit("package.json", "^3.25.1", ">=3.25.1");
    sandbox.loom(&["drift"]).comes_to(2);
}

#[test]
fn a_document_of_a_manifest_is_named_by_its_kind_and_name() {
    let tool = |name: &str, image: &str| {
        format!(
            "      - {{ apiVersion: example.com/v1, kind: Tool, metadata: {{ name: {name} }}, spec: {{ images: [ {{ name: app, image: \"{image}\" }} ] }} }}\n"
        )
    };
    let text = |keys: &str| {
        format!(
            "{HEAD}artifacts:\n  - kind: kubernetes.manifest\n    name: m\n    path: k8s/m.yml\n    documents:\n{}{}delegate:\n  - {{ address: kubernetes.manifest.m, keys: '{keys}', to: renovate }}\n",
            tool("api", "team/api:1.2.3"),
            tool("web", "team/web:1.2.3"),
        )
    };
    let image = "spec.images[name=app].image";
    let one = format!("[kind=Tool, name=api].{image}");
    let sandbox = Sandbox::of(&[("loom.yaml", &text(&one))]);
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    sandbox.edit("k8s/m.yml", "team/api:1.2.3", "team/api:1.3.0");
    sandbox
        .loom(&["plan"])
        .comes_to(0)
        .says("Nothing to do")
        .says("left to renovate");
    sandbox.edit("k8s/m.yml", "team/web:1.2.3", "team/web:1.3.0");
    sandbox.loom(&["drift"]).comes_to(2);
    sandbox.write("loom.yaml", &text(&format!("[*].{image}")));
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    sandbox.is_settled();
    assert!(sandbox.read("k8s/m.yml").contains("team/web:1.3.0"));
    sandbox.write("loom.yaml", &text(image));
    let said = sandbox.loom(&["plan"]).comes_to(4);
    let said = said.complains("LOOM0419").complains("several documents");
    assert!(!said.out.contains("left to renovate"), "{said}");
    sandbox.write("loom.yaml", &text("[kind=Tool].metadata.name"));
    sandbox
        .loom(&["validate"])
        .comes_to(1)
        .complains("LOOM0420");
}

#[test]
fn the_image_of_a_stage_of_a_dockerfile_can_be_left_to_a_bot() {
    let text = |keys: &str| {
        format!(
            "{HEAD}artifacts:\n  - kind: docker.dockerfile\n    name: d\n    path: Dockerfile\n    content: |\n      FROM node:24.1 AS base\n      FROM base AS build\n      RUN npm ci\n      FROM gcr.io/distroless/base:1.0.0\n      COPY --from=build /app /app\n      USER 10001\ndelegate:\n  - {{ address: docker.dockerfile.d, keys: \"{keys}\", to: renovate }}\n"
        )
    };
    let sandbox = Sandbox::of(&[("loom.yaml", &text("FROM"))]);
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    sandbox.edit("Dockerfile", "node:24.1", "node:24.2");
    sandbox.edit("Dockerfile", "base:1.0.0", "base:1.0.1");
    sandbox.loom(&["plan"]).comes_to(0).says("Nothing to do");
    sandbox.write("loom.yaml", &text("FROM.base"));
    sandbox.loom(&["drift"]).comes_to(2);
    sandbox.edit("Dockerfile", "base:1.0.1", "base:1.0.0");
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    sandbox.is_settled();
    assert!(sandbox.read("Dockerfile").contains("node:24.2"));
    sandbox.edit("Dockerfile", "node:24.2", "nodejs:24.2");
    sandbox.loom(&["drift"]).comes_to(2);
    sandbox.edit("Dockerfile", "nodejs:24.2", "node:24.2");
    // what loom changes is written, with the version that stands there
    let more = text("FROM.base").replace("npm ci", "npm ci --omit=dev");
    sandbox.write("loom.yaml", &more);
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    let written = sandbox.read("Dockerfile");
    assert!(
        written.contains("node:24.2") && written.contains("--omit=dev"),
        "{written}"
    );
    sandbox.is_settled();
}

#[test]
fn another_line_of_a_shared_file_keeps_the_approval_and_another_byte_of_a_key_does_not() {
    let text = format!(
        "{HEAD}artifacts:\n  - {{ kind: file, name: s, path: package.json, own: keys, content: '{{ \"scripts\": {{ \"build\": \"tsc\" }} }}' }}\n"
    );
    let sandbox = Sandbox::of(&[
        ("loom.yaml", &text),
        (
            "package.json",
            "{\n  \"name\": \"shop\",\n  \"scripts\": { \"test\": \"x\" }\n}\n",
        ),
    ]);
    let digest = || sandbox.loom(&["plan"]).comes_to(0).digest();
    let first = digest();
    sandbox.edit(
        "package.json",
        "\"shop\",\n",
        "\"store\",\n  \"private\": true,\n",
    );
    assert_eq!(digest(), first);
    // the entry beside it is on one line with it: other bytes are written
    sandbox.edit(
        "package.json",
        "{ \"test\": \"x\" }",
        "{\n    \"test\": \"x\"\n  }",
    );
    assert_ne!(digest(), first);
}
