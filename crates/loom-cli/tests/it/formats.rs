//! What programs read: JSON that its schema describes, and nothing else on standard output.

use serde_json::Value;

use super::sandbox::{Ran, Sandbox};
use super::small;

fn schema(name: &str) -> Value {
    let path = super::sandbox::fixtures()
        .join("../docs/schema")
        .join(format!("{name}.schema.json"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("the schema is there"))
        .expect("it is JSON")
}

/// The output, after its schema described it.
#[track_caller]
pub(crate) fn valid(ran: &Ran, name: &str) -> Value {
    let (document, schema) = (ran.json(), schema(name));
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let errors: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}\n{ran}");
    document
}

#[test]
fn a_plan_is_described_by_its_schema_in_each_of_its_outcomes() {
    let sandbox = Sandbox::project("entity-api");
    let plan = valid(
        &sandbox.loom(&["plan", "--format", "json"]).comes_to(0),
        "plan-output",
    );
    assert_eq!(plan["outcome"], "ready");
    assert_eq!(plan["digest"], sandbox.loom(&["plan"]).digest());
    let paths: Vec<&str> = plan["actions"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|action| action["path"].as_str())
        .collect();
    assert_eq!(paths, sandbox.loom(&["plan"]).marked('+'));
    sandbox.apply();
    let plan = valid(
        &sandbox.loom(&["plan", "--format", "json"]).comes_to(0),
        "plan-output",
    );
    assert_eq!(
        (&plan["outcome"], &plan["digest"]),
        (&"converged".into(), &Value::Null)
    );
    sandbox.edit(
        "k8s/production/entity-api.yml",
        "replicas: 3",
        "replicas: 5",
    );
    let plan = valid(
        &sandbox.loom(&["plan", "--format", "json"]).comes_to(4),
        "plan-output",
    );
    assert_eq!(plan["outcome"], "blocked");
    assert_eq!(
        plan["conflicts"][0]["path"],
        "k8s/production/entity-api.yml"
    );
    let partly = valid(
        &sandbox.loom(&["plan", "--format", "json", "--skip-conflicts"]),
        "plan-output",
    );
    assert_eq!(partly["conflicts"].as_array().map(Vec::len), Some(1));
}

#[test]
fn drift_is_described_by_its_schema() {
    let sandbox = Sandbox::project("entity-api");
    sandbox.apply();
    let nothing = valid(
        &sandbox.loom(&["drift", "--format", "json"]).comes_to(0),
        "drift-output",
    );
    assert_eq!(nothing["drift"], serde_json::json!([]));
    sandbox.edit(
        "k8s/production/entity-api.yml",
        "replicas: 3",
        "replicas: 5",
    );
    sandbox.remove("docs/entity-api/rollback.md");
    let drift = valid(
        &sandbox.loom(&["drift", "--format", "json"]).comes_to(2),
        "drift-output",
    );
    let found: Vec<(&str, &str)> = drift["drift"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| {
            (
                it["class"].as_str().expect("text"),
                it["path"].as_str().expect("text"),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("missing", "docs/entity-api/rollback.md"),
            ("edited", "k8s/production/entity-api.yml")
        ]
    );
}

#[test]
fn diagnostics_are_described_by_their_schema_whichever_command_meets_them() {
    let sandbox = small::fresh();
    sandbox.edit("loom.yaml", "port: 3000", "prot: 3000");
    let document = valid(
        &sandbox.loom(&["validate", "--format", "json"]).comes_to(1),
        "diagnostics",
    );
    assert!(document.to_string().contains("LOOM0106"), "{document}");
    for command in ["plan", "drift"] {
        let again = valid(
            &sandbox.loom(&[command, "--format", "json"]).comes_to(1),
            "diagnostics",
        );
        assert_eq!(again, document, "{command}");
    }
    sandbox.edit("loom.yaml", "prot: 3000", "port: 3000");
    valid(
        &sandbox.loom(&["validate", "--format", "json"]).comes_to(0),
        "diagnostics",
    );
}

#[test]
fn the_schemas_that_loom_prints_are_the_ones_in_the_documents_and_accept_the_fixtures() {
    let sandbox = Sandbox::project("two-services");
    for name in [
        "plan-output",
        "drift-output",
        "check-output",
        "policy-graph",
        "history-output",
        "doctor-output",
        "diagnostics",
    ] {
        assert_eq!(
            sandbox.loom(&["schema", name]).comes_to(0).json(),
            schema(name),
            "{name}"
        );
    }
    for (of, file) in [
        ("project", "loom.yaml"),
        ("include", "services/scorer/loom.yaml"),
        ("story", "stories/PAR-101.yaml"),
    ] {
        let schema = sandbox.loom(&["schema", of]).comes_to(0).json();
        let document: Value = serde_yaml::from_str(&sandbox.read(file)).expect("it is YAML");
        let validator = jsonschema::validator_for(&schema).expect("the schema is one");
        let errors: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{file}: {errors:#?}");
    }
}

#[test]
fn a_graph_is_drawn_for_people_and_for_programs() {
    let sandbox = Sandbox::project("two-services");
    let json = sandbox
        .loom(&["graph", "--format", "json"])
        .comes_to(0)
        .json();
    let addresses: Vec<&str> = json["artifacts"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|it| it["address"].as_str())
        .collect();
    for edge in json["edges"].as_array().expect("a list") {
        for end in ["from", "to"] {
            assert!(
                addresses.contains(&edge[end].as_str().expect("text")),
                "{edge}"
            );
        }
    }
    let reference = serde_json::json!({ "from": "markdown.page.environments", "to": "kubernetes.manifest.web-api[staging]", "why": "reference" });
    assert!(
        json["edges"]
            .as_array()
            .expect("a list")
            .contains(&reference)
    );
    let dot = sandbox.loom(&["graph"]).comes_to(0);
    assert!(dot.out.starts_with("digraph loom {") && dot.out.ends_with("}\n"));
    let dot =
        dot.says("\"markdown.page.environments\" -> \"kubernetes.manifest.web-api[staging]\";");
    dot.says("\"kubernetes.kustomization.preview-extras\" -> \"kubernetes.manifest.features[preview]\" [style = dashed];");
    sandbox
        .loom(&["graph", "--format", "mermaid"])
        .comes_to(0)
        .says("graph LR\n");

    let part = sandbox
        .loom(&[
            "graph",
            "--format",
            "json",
            "--from",
            "kubernetes.manifest.web-api[staging]",
        ])
        .comes_to(0)
        .json();
    let part: Vec<&str> = part["artifacts"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|it| it["address"].as_str())
        .collect();
    assert!(
        part.contains(&"markdown.page.environments") && part.len() < addresses.len(),
        "{part:?}"
    );
    sandbox
        .loom(&["graph", "--from", "file.nothing"])
        .comes_to(1);
}

#[test]
fn a_graph_is_a_picture() {
    let sandbox = Sandbox::project("two-services");
    let picture = sandbox
        .loom(&["graph", "--format", "svg"])
        .comes_to(0)
        .says("markdown.page.environments</text>");
    let artifacts = sandbox.loom(&["graph", "--format", "json"]).json()["artifacts"]
        .as_array()
        .map(Vec::len);
    assert_eq!(Some(picture.out.matches("<rect").count()), artifacts);
}

#[test]
fn a_plan_is_shown_to_reviewers_in_their_own_formats() {
    let sandbox = Sandbox::project("two-services");
    sandbox.apply();
    sandbox.edit("loom.yaml", "port: 4000", "port: 4001");
    let text = sandbox.loom(&["plan", "--out", "plan.loom"]).comes_to(0);
    let changed = text.marked('~');
    let markdown = sandbox
        .loom(&["plan", "--format", "markdown"])
        .comes_to(0)
        .says(&text.digest());
    assert!(
        changed.len() > 3 && changed.iter().all(|path| markdown.out.contains(path)),
        "{markdown}"
    );
    let small = sandbox
        .loom(&["plan", "--format", "markdown", "--budget", "4000"])
        .comes_to(0)
        .says("this report is kept under 4000");
    assert!(small.out.len() <= 4000, "{small}");
    sandbox
        .loom(&["plan", "--format", "markdown", "--budget", "3999"])
        .comes_to(1)
        .complains("4000 at least");
    let sarif = sandbox
        .loom(&["plan", "--format", "sarif"])
        .comes_to(0)
        .json();
    assert_eq!(
        sarif["runs"][0]["results"].as_array().map(Vec::len),
        Some(changed.len())
    );
    let github = sandbox
        .loom(&["plan", "--format", "github"])
        .comes_to(0)
        .says("::notice file=loom.yaml,line=");
    assert!(
        github
            .out
            .lines()
            .all(|line| line.starts_with("::notice") || line.starts_with("Plan: ")),
        "{github}"
    );
    for format in ["markdown", "github", "sarif"] {
        let planned = sandbox.loom(&["plan", "--format", format]).comes_to(0).out;
        let saved = sandbox
            .loom(&["show", "plan.loom", "--format", format])
            .comes_to(0)
            .out;
        // a saved plan does not hold the graph
        let planned = planned.replace(&graph_of(&planned), "");
        let same = |text: &str| {
            text.lines()
                .filter(|line| !line.contains("Apply it with"))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(same(&planned), same(&saved), "{format}");
    }
}

/// The graph of a report in Markdown, with the blank line behind it.
fn graph_of(text: &str) -> String {
    let begin = text
        .find("<details><summary>What changes, what it needs")
        .unwrap_or(text.len());
    let end = text[begin..]
        .find("</details>\n\n")
        .map_or(text.len(), |end| begin + end + 12);
    text[begin..end].to_owned()
}

#[test]
fn a_markdown_plan_holds_the_graph_where_it_can_be_read() {
    let sandbox = small::standing(
        "  - { kind: file, name: a, path: a.txt, content: x }\n  - { kind: file, name: b, path: b.txt, content: \"${ref:file.a.path}\" }\n",
        "",
    );
    let graph = sandbox
        .loom(&["graph", "--changed", "--format", "mermaid"])
        .comes_to(0)
        .out;
    assert!(graph.contains("-->"), "{graph}");
    sandbox
        .loom(&["plan", "--format", "markdown"])
        .comes_to(0)
        .says(&format!(
            "</summary>\n\n```mermaid\n{graph}```\n\n</details>"
        ));
    let many = |index| {
        format!(
            "  - {{ kind: file, name: n{index}, path: n{index}.txt, content: \"${{ref:file.a.path}}\" }}\n"
        )
    };
    let many: String = (0..60).map(many).collect();
    small::declare(
        &sandbox,
        &format!("  - {{ kind: file, name: a, path: a.txt, content: x }}\n{many}"),
        "",
    );
    let plan = sandbox
        .loom(&["plan", "--format", "markdown"])
        .comes_to(0)
        .says("too many for a graph on this page");
    assert!(!plan.out.contains("mermaid\n"), "{plan}");
}

#[test]
fn an_upgrade_is_told_from_what_somebody_asked_for_in_every_format() {
    let sandbox = small::applied();
    sandbox.write("etc/port", "the port is 3000\n");
    super::drift::written_by_version_zero(&sandbox, ".loom/ledger/S-1.jsonl", "etc/port");
    let sentence = "Generator upgraded: file 0 → 1";
    sandbox.loom(&["plan"]).comes_to(0).says(sentence);
    sandbox
        .loom(&["plan", "--format", "markdown"])
        .comes_to(0)
        .says(&format!("\n### {sentence}"));
    sandbox
        .loom(&["plan", "--format", "html"])
        .comes_to(0)
        .says(&format!("\"upgrades\":[\"{sentence}"));
    sandbox
        .loom(&["plan", "--format", "github"])
        .comes_to(0)
        .says(&format!("::{sentence}"));
    sandbox
        .loom(&["plan", "--format", "sarif"])
        .comes_to(0)
        .says(&format!("\"text\": \"{sentence}"));
    let json = valid(
        &sandbox.loom(&["plan", "--format", "json"]).comes_to(0),
        "plan-output",
    );
    assert_eq!(
        json["upgrades"][0]["paths"],
        serde_json::json!(["etc/port"])
    );
}

#[test]
fn in_a_job_of_github_actions_the_plan_is_the_summary_of_the_step() {
    let sandbox = small::fresh();
    let summary = sandbox.outside("summary.md");
    std::fs::write(&summary, "before\n").expect("it can be written");
    let mut command = sandbox.command(&["plan", "--format", "github"]);
    assert!(
        command
            .env("GITHUB_STEP_SUMMARY", &summary)
            .output()
            .expect("loom can be run")
            .status
            .success()
    );
    let text = std::fs::read_to_string(&summary).expect("it can be read");
    assert!(
        text.starts_with("before\n<!-- loom plan -->\n") && text.contains("### Changes"),
        "{text}"
    );
}

#[test]
fn annotations_name_files_from_the_top_of_the_repository() {
    let sandbox = Sandbox::empty();
    sandbox.write("shop/loom.yaml", "loom: 1\nproject: shop\nenvironments: { staging: {} }\nartifacts:\n  - { kind: file, name: a, path: a.txt, content: x }\n");
    sandbox.loom(&["-C", "shop", "apply", "--yes"]).comes_to(0);
    sandbox.edit("shop/loom.yaml", "content: x", "content: y");
    sandbox
        .loom(&["-C", "shop", "plan", "--format", "github"])
        .comes_to(0)
        .says("::notice file=shop/loom.yaml,line=5");
    sandbox
        .loom(&["-C", "shop", "plan", "--format", "sarif"])
        .comes_to(0)
        .says("\"uri\": \"shop/a.txt\"");
}

#[test]
fn the_graph_of_what_changes() {
    let sandbox = small::applied();
    let changed = |sandbox: &Sandbox| {
        sandbox
            .loom(&["graph", "--changed", "--format", "json"])
            .comes_to(0)
            .json()["artifacts"]
            .clone()
    };
    assert_eq!(changed(&sandbox), serde_json::json!([]));
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    assert_eq!(changed(&sandbox)[0]["address"], "file.port");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::io::Read as _;
    let sandbox = Sandbox::project("two-services");
    let mut command = sandbox.command(&["plan", "--verbose"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut begin = [0; 10];
    child
        .stdout
        .take()
        .expect("it is piped")
        .read_exact(&mut begin)
        .expect("it says something");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).as_ref()
        ),
        (Some(0), "")
    );
}

#[test]
fn every_kind_of_the_fixtures_has_a_page_of_its_own() {
    let sandbox = Sandbox::empty();
    let list = sandbox.loom(&["providers"]).comes_to(0);
    for kind in [
        "container",
        "pipeline",
        "workload",
        "infrastructure",
        "alert",
        "docs",
        "file",
        "template",
        "terraform.module",
    ] {
        assert!(list.out.contains(kind), "{list}");
        sandbox
            .loom(&["providers", "show", kind])
            .comes_to(0)
            .says(kind);
    }
    sandbox
        .loom(&["providers", "show", "pipelin"])
        .comes_to(1)
        .complains("pipeline");
    sandbox
        .loom(&["completions", "bash"])
        .comes_to(0)
        .says("loom");
}
