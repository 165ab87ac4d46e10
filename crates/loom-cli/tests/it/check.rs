//! `loom check`, and findings in plans and applies.

use super::formats::valid;
use super::sandbox::{Sandbox, fixtures};
use super::small;

/// A Service that everybody reaches (a warning), and a Pod that may be root (an error).
const POD: &str = "  - kind: kubernetes.manifest
    name: api
    documents:
      - { apiVersion: v1, kind: Service, metadata: { name: api }, spec: { type: NodePort, ports: [{ port: 80 }] } }
      - { apiVersion: v1, kind: Pod, metadata: { name: api }, spec: { containers: [{ name: api, image: \"api:1.4.2\" }] } }
";
const ACCEPTED: &str = "policy:\n  accept:\n    - { code: LOOM1203, address: kubernetes.manifest.api, reason: it is thrown away every night }\n";

#[test]
fn an_error_denies_the_plan_and_the_apply_in_every_format_and_nothing_is_written() {
    let sandbox = small::standing(POD, "");
    let plan = sandbox
        .loom(&["plan"])
        .comes_to(5)
        .says("error[LOOM1203] k8s/api.yml:")
        .says("asked for in loom.yaml:10");
    assert!(
        plan.out.contains("1 finding denies this plan") && !plan.out.contains("Apply it with"),
        "{plan}"
    );
    sandbox
        .loom(&["apply", "--yes"])
        .comes_to(5)
        .says("LOOM1203");
    let anything = "0".repeat(64);
    sandbox.loom(&["apply", "--expect", &anything]).comes_to(5);
    assert!(!sandbox.has("k8s/api.yml"));
    let json = valid(
        &sandbox.loom(&["plan", "--format", "json"]).comes_to(5),
        "plan-output",
    );
    assert_eq!(json["denied"], true);
    for format in ["markdown", "html", "github", "sarif"] {
        sandbox
            .loom(&["plan", "--format", format])
            .comes_to(5)
            .says("LOOM1203");
    }
    sandbox
        .loom(&["plan", "--format", "markdown", "--budget", "4000"])
        .comes_to(5)
        .says("LOOM1203");
    // a denial goes before a conflict, and what would not be written denies nothing
    let two = format!("{POD}{}", POD.replace("name: api\n", "name: two\n"));
    small::declare(&sandbox, &two, "");
    sandbox.write("k8s/api.yml", "a: 1\n");
    let plan = sandbox.loom(&["plan"]).comes_to(5).says("conflict");
    assert!(!plan.out.contains("k8s/api.yml:"), "{plan}");
    small::declare(&sandbox, POD, "");
    sandbox.loom(&["plan"]).comes_to(4);
}

#[test]
fn what_is_accepted_with_a_reason_is_applied_and_said() {
    let sandbox = small::standing(POD, ACCEPTED);
    sandbox.loom(&["check"]).comes_to(0).says("1 accepted");
    sandbox
        .loom(&["check", "--verbose"])
        .comes_to(0)
        .says("accepted: it is thrown away every night");
    sandbox.apply();
    small::declare(
        &sandbox,
        POD,
        &ACCEPTED.replace("it is thrown away every night", "\"\""),
    );
    sandbox
        .loom(&["plan"])
        .comes_to(1)
        .complains("LOOM0207")
        .complains("only with a reason");
    small::declare(&sandbox, POD, &ACCEPTED.replace("LOOM1203", "LOOM1201"));
    sandbox.loom(&["check"]).comes_to(5).complains("LOOM0208");
    sandbox.write("old/Dockerfile", "FROM node:latest\nUSER 1\n");
    let legacy = "policy:\n  accept:\n    - { code: LOOM1302, path: \"old/**\", reason: it goes away in spring }\n";
    small::declare(&sandbox, &POD[..POD.find("  - kind").unwrap_or(0)], legacy);
    sandbox.edit("loom.yaml", "artifacts:\n", "artifacts: []\n");
    sandbox
        .loom(&["check", "old"])
        .comes_to(0)
        .says("1 accepted");
    assert!(
        sandbox.loom(&["check"]).comes_to(0).err.is_empty(),
        "it is accepted elsewhere"
    );
}

#[test]
fn what_stands_already_denies_no_apply_of_something_else_but_a_check() {
    let sandbox = small::standing(POD, ACCEPTED);
    sandbox.apply();
    small::declare(&sandbox, POD, "");
    sandbox.loom(&["plan"]).comes_to(0).says("Nothing to do");
    small::declare(
        &sandbox,
        &format!("{POD}  - {{ kind: file, name: x, path: x.txt, content: x }}\n"),
        "",
    );
    sandbox.apply();
    sandbox.loom(&["check"]).comes_to(5).says("LOOM1203");
    small::declare(&sandbox, &POD.replace("1.4.2", "1.4.3"), "");
    sandbox.loom(&["apply", "--yes"]).comes_to(5);
}

#[test]
fn of_a_file_that_people_share_with_loom_only_what_a_plan_adds_is_found() {
    const WORKFLOW: &str = "on: push\npermissions: {}\njobs:\n  old:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 5\n    \
                            steps:\n      - uses: docker/login-action@v3\n";
    let job = |action: &str| {
        format!(
            "  - kind: file\n    name: own\n    path: .github/workflows/ci.yml\n    own: keys\n    content: |\n      \
             {{ jobs: {{ new: {{ runs-on: ubuntu-24.04, timeout-minutes: 5, steps: [{{ name: one, {action} }}] }} }} }}\n"
        )
    };
    let sandbox = small::standing(&job("run: make"), "");
    sandbox.write(".github/workflows/ci.yml", WORKFLOW);
    sandbox
        .loom(&["check", ".github"])
        .comes_to(5)
        .says("docker/login-action@v3");
    let plan = sandbox.loom(&["plan"]).comes_to(0);
    assert!(!plan.out.contains("LOOM1"), "{plan}");
    sandbox.apply();

    small::declare(&sandbox, &job("uses: docker/build-push-action@v6"), "");
    let plan = sandbox
        .loom(&["plan"])
        .comes_to(5)
        .says("`docker/build-push-action@v6` is not named")
        .says("from file.own");
    assert!(
        !plan.out.contains("login-action@v3` is not named"),
        "{plan}"
    );
    sandbox.loom(&["apply", "--yes"]).comes_to(5);
}

#[test]
fn a_block_that_goes_is_missed_where_it_made_the_file_safe() {
    let none = "  - { kind: file, name: x, path: x.txt, content: x }\n";
    let user = format!(
        "{none}  - {{ kind: file, name: user, path: Dockerfile, own: block, content: \"USER 1000\\n\" }}\n"
    );
    let sandbox = small::standing(&user, "");
    sandbox.write("Dockerfile", "FROM node:latest\n");
    sandbox
        .loom(&["check", "Dockerfile"])
        .comes_to(5)
        .says("LOOM1301")
        .says("LOOM1302");
    let plan = sandbox.loom(&["plan"]).comes_to(0);
    assert!(!plan.out.contains("LOOM13"), "{plan}");
    sandbox.apply();
    small::declare(&sandbox, none, "");
    let plan = sandbox.loom(&["plan"]).comes_to(5).says("LOOM1301");
    assert!(!plan.out.contains("LOOM1302"), "{plan}");
}

#[test]
fn a_review_against_a_base_and_a_commit_to_a_branch_are_denied_too() {
    let sandbox = small::standing("  - { kind: file, name: x, path: x.txt, content: x }\n", "");
    sandbox.apply();
    sandbox.commit();
    sandbox.git(&["checkout", "--quiet", "-b", "request"]);
    small::declare(&sandbox, POD, "");
    sandbox.commit();
    sandbox
        .loom(&["plan", "--against", "main"])
        .comes_to(5)
        .says("error[LOOM1203]");
    sandbox
        .loom(&["apply", "--yes", "--to-branch", "made"])
        .comes_to(5)
        .says("error[LOOM1203]");
    assert!(
        !sandbox.git_may_fail(&["rev-parse", "--verify", "--quiet", "made"]),
        "a branch was made"
    );
    // what stands as it is applied is still what the request does
    small::declare(&sandbox, POD, ACCEPTED);
    sandbox.apply();
    sandbox.commit();
    small::declare(&sandbox, POD, "");
    sandbox
        .loom(&["plan", "--against", "main"])
        .comes_to(5)
        .says("1 finding denies");
}

#[test]
fn files_are_checked_without_a_project_and_by_everything_that_reads_reports() {
    let sandbox = Sandbox::empty();
    sandbox.write(
        ".github/workflows/ci.yml",
        "on: push\njobs:\n  t:\n    runs-on: x\n    steps:\n      - uses: a/b@v1\n",
    );
    sandbox.write("deep/Dockerfile", "FROM node:latest\n");
    sandbox.write("tsconfig.json", "{ // not JSON\n}\n");
    let text = sandbox
        .loom(&["check", "."])
        .comes_to(5)
        .says(".github/workflows/ci.yml:6:15")
        .says("deep/Dockerfile:1:1");
    assert!(text.line("Findings:").contains("3 errors"), "{text}");
    let json = valid(
        &sandbox
            .loom(&["check", "deep", "--format", "json"])
            .comes_to(5),
        "check-output",
    );
    assert_eq!(json["summary"]["errors"], 2);
    sandbox
        .loom(&["check", ".", "--format", "github"])
        .comes_to(5)
        .says("::error file=deep/Dockerfile,line=1");
    let sarif = sandbox
        .loom(&["check", ".", "--format", "sarif"])
        .comes_to(5)
        .json();
    let schema = std::fs::read_to_string(fixtures().join("schemas/sarif-2.1.0.json"))
        .expect("the schema is there");
    let schema = serde_json::from_str(&schema).expect("JSON");
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .expect("a schema")
        .iter_errors(&sarif)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    sandbox
        .loom(&["check", ".", "--format", "junit"])
        .comes_to(5)
        .says("failures=\"3\"");
    sandbox.write("deep/Dockerfile", "FROM node:22.1\nNONSENSE\n");
    sandbox
        .loom(&["check", "."])
        .comes_to(1)
        .says("deep/Dockerfile:2:1");
    sandbox
        .loom(&["check", "nowhere"])
        .comes_to(1)
        .complains("there is nothing");
    sandbox
        .loom(&["check"])
        .comes_to(1)
        .complains("there is no loom.yaml");
}

#[test]
fn no_fixture_of_loom_is_denied() {
    for project in ["entity-api", "ecs-orders", "two-services", "hostile"] {
        let sandbox = Sandbox::project(project);
        sandbox.loom(&["check"]).comes_to(0).says("No findings.");
    }
}

#[test]
fn policies_say_what_conftest_s_would() {
    let artifacts = format!(
        "{POD}  - {{ kind: docker.dockerfile, name: api, content: \"FROM node:22.20.0\\nUSER 1\\nRUN apt-get update\\n\" }}\n"
    );
    let sandbox = small::standing(&artifacts, ACCEPTED);
    for (name, text) in [
        ("kubernetes.rego", include_str!("policies/kubernetes.rego")),
        ("docker.rego", include_str!("policies/docker.rego")),
        (
            "lib/kubernetes.rego",
            include_str!("policies/lib/kubernetes.rego"),
        ),
        ("graph.rego", include_str!("policies/graph.rego")),
        ("kubernetes_test.rego", "this is not read\n"),
    ] {
        sandbox.write(&format!("policy/{name}"), text);
    }
    let check = sandbox.loom(&["check"]).comes_to(5);
    let codes: Vec<(&str, &str)> = check
        .out
        .lines()
        .filter(|line| line.contains("] "))
        .filter_map(|line| line.split_once("] "))
        .collect();
    let said = |code: &str, text: &str| {
        codes
            .iter()
            .any(|(head, rest)| head.ends_with(&format!("[{code}")) && rest.contains(text))
    };
    assert!(
        said(
            "main.deny",
            "Pod api must not mount the token of its service account"
        ),
        "{check}"
    );
    assert!(
        said("main.violation", "Service api has the type NodePort"),
        "{check}"
    );
    assert!(
        said("main.warn", "Service api has no label `team`"),
        "{check}"
    );
    assert!(said("commands.deny_package_manager", "apt-get"), "{check}");
    assert!(
        said("loom.deny", "docker.dockerfile.api belongs to no service"),
        "{check}"
    );
    sandbox.loom(&["apply", "--yes"]).comes_to(5);
    sandbox.write("policy/endless.rego", "package main\n\nimport rego.v1\n\ndeny contains \"x\" if {\n  some a in numbers.range(1, 3000)\n  some b in numbers.range(1, 3000)\n  a * b == -1\n}\n");
    sandbox
        .loom(&["plan"])
        .comes_to(1)
        .complains("LOOM0701")
        .complains("did not end within");
}

#[test]
fn a_rule_is_explained_with_its_example_and_the_graph_is_as_its_schema_says() {
    let sandbox = Sandbox::without_git();
    sandbox
        .loom(&["explain", "loom1203"])
        .comes_to(0)
        .says("# LOOM1203: A container may run as root")
        .says("## What to do");
    sandbox.loom(&["explain", "LOOM1299"]).comes_to(1);
    let sandbox = Sandbox::project("two-services");
    let schema = sandbox.loom(&["schema", "policy-graph"]).comes_to(0).json();
    // the input is what a policy says that it was given
    sandbox.write(
        "policy/a.rego",
        "package loom\n\nimport rego.v1\n\nwarn contains { \"msg\": json.marshal(input) }\n",
    );
    let said = sandbox
        .loom(&["check", "--format", "json"])
        .comes_to(0)
        .json();
    let graph = said["findings"][0]["message"].as_str().expect("the graph");
    let graph: serde_json::Value = serde_json::from_str(graph).expect("JSON");
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .expect("a schema")
        .iter_errors(&graph)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn a_file_that_cannot_be_read_silences_no_other() {
    let sandbox = Sandbox::empty();
    let bad = "FROM node:latest\nRUN curl http://x | sh\n";
    sandbox.write("b/Dockerfile", bad);
    sandbox.write_bytes("a/Dockerfile", b"# \xff\nFROM node:latest\n");
    sandbox.write("c/Dockerfile", &"#".repeat(10_500_000));
    sandbox.write("d/compose.yaml", "services: [\n");
    std::os::unix::fs::symlink("../b/Dockerfile", sandbox.root().join("d/Dockerfile"))
        .expect("a link");
    sandbox.write("src/main.rs", "fn main() {}\n");
    sandbox.write("node_modules/x/Dockerfile", bad);
    for ran in [
        sandbox.loom(&["check", "."]),
        sandbox.loom(&["check", "a", "b", "c", "d", "src", "node_modules"]),
    ] {
        let ran = ran.comes_to(1);
        let ran = ran
            .says("LOOM1302] b/Dockerfile:1:1")
            .says("a/Dockerfile")
            .says("not UTF-8")
            .says("c/Dockerfile")
            .says("d/compose.yaml:1")
            .says("d/Dockerfile  the file cannot be read: it is a symbolic link");
        ran.says("*.rs: no format that is looked into")
            .says("node_modules/: a directory that programs fill");
    }
    sandbox.loom(&["check", "a/Dockerfile"]).comes_to(1);
    sandbox.loom(&["check", "d/Dockerfile"]).comes_to(1);
    sandbox
        .loom(&["check", "b/Dockerfil"])
        .comes_to(1)
        .complains("did you mean `b/Dockerfile`?");
}

#[test]
fn merge_keys_are_read_and_the_items_of_a_list_are_looked_at() {
    let sandbox = Sandbox::empty();
    sandbox.write(
        "compose.yaml",
        "x-base: &base\n  privileged: true\nservices:\n  web:\n    <<: *base\n    image: nginx:1.29\n",
    );
    sandbox
        .loom(&["check", "."])
        .comes_to(5)
        .says("compose.yaml");
    sandbox.remove("compose.yaml");
    sandbox.write(
        "list.yml",
        "apiVersion: v1\nkind: List\nitems:\n  - { apiVersion: v1, kind: Pod, metadata: { name: a }, spec: { hostNetwork: true, containers: [{ name: a, image: \"a:latest\" }] } }\n",
    );
    sandbox.write(
        "policy/a.rego",
        "package main\n\ndeny contains msg if {\n  input.kind == \"Pod\"\n  msg := \"a pod\"\n}\n",
    );
    sandbox
        .loom(&["check", "."])
        .comes_to(5)
        .says("LOOM12")
        .says("a pod");
}

#[test]
fn a_policy_that_is_never_asked_is_an_error() {
    let sandbox = small::standing(POD, "");
    sandbox.write(
        "policy/team.rego",
        "package main\n\ndenny contains msg if {\n  msg := \"no team\"\n}\n",
    );
    for command in ["check", "plan"] {
        sandbox
            .loom(&[command])
            .comes_to(1)
            .complains("LOOM0701")
            .complains("`deny` by `denny`?");
    }
}
