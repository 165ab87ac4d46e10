//! `loom drift`: causes, grades and formats, as a scheduled job meets them.

use serde_json::Value;

use super::formats::valid;
use super::sandbox::Sandbox;
use super::small;

/// The findings of `loom drift --format json` by path: cause and grade.
fn found(sandbox: &Sandbox) -> Vec<(String, String, String)> {
    let document = valid(
        &sandbox.loom(&["drift", "--format", "json"]),
        "drift-output",
    );
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let all = document["drift"].as_array().expect("a list").iter();
    all.map(|it| (text(&it["path"]), text(&it["class"]), text(&it["grade"])))
        .collect()
}

fn is_found(sandbox: &Sandbox, expected: &[(&str, &str, &str)]) {
    let found = found(sandbox);
    let found: Vec<(&str, &str, &str)> = found
        .iter()
        .map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()))
        .collect();
    assert_eq!(found, expected);
}

const MANIFEST: &str = "k8s/production/entity-api.yml";
const MODULE: &str = "infrastructure/terraform/modules/entity-api-registry/main.tf";

#[test]
fn each_cause_is_told_from_the_others() {
    let sandbox = Sandbox::of(&[
        ("loom.yaml", small::PROJECT),
        ("stories/S-1.yaml", small::STORY),
    ]);
    let more = "      - { kind: file, name: new, path: etc/new, content: \"new\\n\" }\n";
    let old = "      - { kind: file, name: old, path: etc/old, content: \"old\\n\" }\n";
    let gone = "      - { kind: file, name: gone, path: etc/gone, content: \"gone\\n\" }\n";
    let kept = "      - { kind: file, name: kept, path: etc/kept, content: \"kept\\n\" }\n";
    sandbox.append("stories/S-1.yaml", &format!("{old}{gone}{kept}"));
    sandbox.apply();
    sandbox.append("etc/kept", "and more\n");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    sandbox.is_settled();
    sandbox.write("etc/there", "there\n");
    let there = "      - { kind: file, name: there, path: etc/there, content: \"there\\n\" }\n";
    sandbox.write(
        "stories/S-1.yaml",
        &format!("{}{more}{gone}{kept}{there}", small::STORY),
    );
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    sandbox.remove("etc/gone");
    sandbox.append("docs/hours.md", "Closed on Mondays.\n");
    is_found(
        &sandbox,
        &[
            ("docs/hours.md", "edited", "content"),
            ("etc/gone", "missing", "-"),
            ("etc/new", "input_changed", "-"),
            ("etc/old", "input_changed", "-"),
            ("etc/port", "input_changed", "content"),
            ("etc/there", "unrecorded", "-"),
        ],
    );
    let text = sandbox.loom(&["drift"]).comes_to(2);
    assert!(
        text.line("etc/kept")
            .contains("1 file holds an edit that was accepted"),
        "{text}"
    );
    let text = text.says("Drift: 1 edited, 1 missing, 3 input changed, 1 unrecorded");
    assert!(text.line("docs/hours.md").contains("content"), "{text}");
}

#[test]
fn the_grade_is_by_the_reader_of_the_format() {
    let sandbox = Sandbox::project("entity-api");
    sandbox.apply();
    sandbox.edit(MANIFEST, "replicas: 3", "replicas:   3  # three");
    sandbox.append(MODULE, "\n# mine\n");
    is_found(
        &sandbox,
        &[
            (MODULE, "edited", "comments"),
            (MANIFEST, "edited", "comments"),
        ],
    );
    sandbox.edit(MANIFEST, "  # three", "");
    sandbox.edit(MODULE, "\n# mine\n", "\n\n");
    is_found(
        &sandbox,
        &[(MODULE, "edited", "format"), (MANIFEST, "edited", "format")],
    );
    sandbox.edit(MANIFEST, "replicas:   3", "replicas: \"3\"");
    sandbox.append(MODULE, "locals { mine = 1 }\n");
    is_found(
        &sandbox,
        &[
            (MODULE, "edited", "content"),
            (MANIFEST, "edited", "content"),
        ],
    );
}

#[test]
fn a_file_that_only_became_executable_differs_in_content() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = small::applied();
    let path = sandbox.root().join("etc/port");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    is_found(&sandbox, &[("etc/port", "edited", "content")]);
}

#[test]
fn markdown_is_what_a_person_reads_in_an_issue() {
    let sandbox = small::applied();
    sandbox.edit("docs/hours.md", "nine", "<script>ten</script> ``` @all");
    let report = sandbox
        .loom(&["drift", "--format", "markdown"])
        .comes_to(2)
        .says("### Drift\n\n1 edited; 4 files in all.\n");
    assert!(
        report
            .line("`docs/hours.md`")
            .contains("| edited | `docs/hours.md` | content"),
        "{report}"
    );
    let report = report.says("<summary><code>docs/hours.md</code>: edited</summary>\n\n````diff\n");
    report.says("-Open from <script>ten</script> ``` @all to five.\n");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "restore"])
        .comes_to(0);
    sandbox
        .loom(&["drift", "--format", "markdown"])
        .comes_to(0)
        .says("### No drift\n\n4 files are as declared.\n");
}

#[test]
fn junit_has_a_case_for_every_output_and_a_run_that_compared_nothing_is_an_error() {
    let sandbox = small::applied();
    let clean = sandbox.loom(&["drift", "--format", "junit"]).comes_to(0);
    assert_eq!(clean.out.matches("<testcase ").count(), 4, "{clean}");
    clean.says("tests=\"4\" failures=\"0\" errors=\"0\"");
    sandbox.edit("docs/hours.md", "nine", "ten & more");
    let report = sandbox
        .loom(&["drift", "--format", "junit"])
        .comes_to(2)
        .says("tests=\"4\" failures=\"1\" errors=\"0\"");
    let report = report.says("<testcase name=\"docs/hours.md\" classname=\"markdown.page.hours\">");
    report
        .says("<failure type=\"edited\" message=\"edited (content, +1 -1): ")
        .says("-Open from ten &amp; more to five.");
    sandbox.edit("loom.yaml", "port: 3000", "prot: 3000");
    let broken = sandbox
        .loom(&["drift", "--format", "junit"])
        .comes_to(1)
        .says("tests=\"1\" failures=\"0\" errors=\"1\"");
    broken
        .says("<error type=\"error\" message=\"LOOM0106: ")
        .complains("LOOM0106");
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_in_every_format_and_never_in_sync() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = small::applied();
    let path = sandbox.root().join("etc/port");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).expect("it is ours");
    for (format, says) in [
        ("text", "1 could not be compared"),
        (
            "json",
            "\"error\": \"nobody can tell what it holds: a file that cannot be read",
        ),
        ("markdown", "| error | `etc/port`"),
        ("junit", "<error type=\"error\""),
    ] {
        sandbox
            .loom_of_nobody(&["drift", "--format", format])
            .comes_to(1)
            .says(says);
    }
}

/// Makes the ledger say that loom wrote what is in a file now, by an older version of its kind.
pub(crate) fn written_by_version_zero(sandbox: &Sandbox, book: &str, path: &str) {
    let hash = loom_plan::header::content_hash(
        sandbox.read(path).as_bytes(),
        &loom_plan::addr::RepoPath::new(path).expect("a path"),
    )
    .to_string();
    let before = sandbox.read(book);
    let lines = before.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).expect("each line is JSON");
        if line["path"] == path {
            line["rendered"] = hash.clone().into();
            line["version"] = 0.into();
        }
        format!("{line}\n")
    });
    let text: String = lines.collect();
    sandbox.write(book, &text);
}

#[test]
fn a_newer_kind_is_shown_apart_with_its_sentence_in_plan_and_drift() {
    let sandbox = small::applied();
    sandbox.edit("docs/hours.md", "nine to five", "nine  to five");
    written_by_version_zero(&sandbox, ".loom/ledger/S-1.jsonl", "docs/hours.md");
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    let heading = "Generator upgraded: markdown.page 0 → 1: The first version.";
    let plan = sandbox.loom(&["plan"]).comes_to(0);
    let (asked, upgraded) = plan.out.split_once(heading).expect("a heading");
    assert!(
        asked.contains("~ etc/port") && !asked.contains("docs/hours.md"),
        "{plan}"
    );
    assert!(upgraded.contains("~ docs/hours.md"), "{plan}");
    let plan = valid(
        &sandbox.loom(&["plan", "--format", "json"]).comes_to(0),
        "plan-output",
    );
    let expected = serde_json::json!([{ "kind": "markdown.page", "from_version": 0, "to_version": 1,
        "changes": ["The first version."], "paths": ["docs/hours.md"] }]);
    assert_eq!(plan["upgrades"], expected);
    let drift = sandbox.loom(&["drift"]).comes_to(2).says(heading);
    drift.says("Drift: 1 input changed, 1 generator upgraded");
    let drift = valid(
        &sandbox.loom(&["drift", "--format", "json"]).comes_to(2),
        "drift-output",
    );
    assert_eq!(drift["upgrades"], expected);
    is_found(
        &sandbox,
        &[
            ("docs/hours.md", "generator_upgraded", "content"),
            ("etc/port", "input_changed", "content"),
        ],
    );
    sandbox.apply();
    sandbox.is_settled();
    assert!(
        !sandbox
            .read(".loom/ledger/S-1.jsonl")
            .contains("\"version\":0")
    );
}

#[test]
fn the_page_of_a_kind_has_its_versions() {
    let sandbox = Sandbox::empty();
    sandbox
        .loom(&["providers", "show", "markdown.page"])
        .comes_to(0)
        .says("\n  1  The first version.\n");
}
