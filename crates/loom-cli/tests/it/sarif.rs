//! What scanners found, and what was found before.

use super::formats::valid;
use super::sandbox::Sandbox;
use super::small;
use serde_json::{Value, json};

/// A report with one result for each: code, level, file and line.
fn report(results: &[(&str, &str, &str, u32)]) -> String {
    let result = |(code, level, uri, line): &(&str, &str, &str, u32)| {
        json!({
            "ruleId": code, "level": level, "message": { "text": format!("{code} is here") },
            "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri }, "region": { "startLine": line } } }],
        })
    };
    let results: Vec<Value> = results.iter().map(result).collect();
    let run = json!({ "tool": { "driver": { "name": "hadolint" } }, "results": results });
    json!({ "version": "2.1.0", "runs": [run] }).to_string()
}

/// Writes a report beside the repository, and gives its path.
fn save(sandbox: &Sandbox, text: &str) -> String {
    let file = sandbox.outside("s.sarif");
    std::fs::write(&file, text).expect("it can be written");
    file.to_str().expect("UTF-8").to_owned()
}

#[test]
fn what_a_scanner_found_is_judged_with_everything_else_in_every_format() {
    let sandbox = small::fresh();
    sandbox.write("Dockerfile", "FROM x:1\nRUN y\n");
    let file = save(
        &sandbox,
        &report(&[
            ("DL3059", "error", "Dockerfile", 2),
            ("DL9", "note", "Dockerfile", 1),
        ]),
    );
    for format in ["text", "json", "markdown", "html", "github", "sarif"] {
        sandbox
            .loom(&["plan", "--sarif", &file, "--format", format])
            .comes_to(5)
            .says("DL3059")
            .says("DL9");
    }
    for format in ["text", "json", "github", "sarif", "junit"] {
        sandbox
            .loom(&["check", "--format", format, "--sarif", &file])
            .comes_to(5)
            .says("DL3059");
    }
    sandbox
        .loom(&["check", ".", "--sarif", &file])
        .comes_to(5)
        .says("DL3059");
    // a directory that follows is a path, and no report
    sandbox
        .loom(&["check", "--sarif", &file, "."])
        .comes_to(5)
        .says("DL3059");
    sandbox
        .loom(&["apply", "--yes", "--sarif", &file])
        .comes_to(5)
        .says("DL3059");
    let plan = valid(
        &sandbox.loom(&["plan", "--format", "json", "--sarif", &file]),
        "plan-output",
    );
    assert!(plan["digest"].is_null(), "{plan}");
    assert_eq!(plan["findings"][1]["scanner"], "hadolint");
    valid(
        &sandbox.loom(&["check", "--format", "json", "--sarif", &file]),
        "check-output",
    );
    // accepted by the same rule, and no part of what was approved
    let before = sandbox.loom(&["plan"]).comes_to(0).digest();
    let accept =
        "policy:\n  accept:\n    - { code: dl3059, path: Dockerfile, reason: it is small }\n";
    sandbox.append("loom.yaml", accept);
    let plan = sandbox
        .loom(&["plan", "--sarif", &file])
        .comes_to(0)
        .says("1 accepted");
    assert_eq!(plan.digest(), before);
    assert!(
        sandbox.loom(&["check"]).comes_to(0).err.is_empty(),
        "it is looked for with a report alone"
    );
    // what becomes of a level is the project's choice
    sandbox.edit(
        "loom.yaml",
        accept,
        "policy: { sarif: { error: warn, note: ignore } }\n",
    );
    let plan = sandbox
        .loom(&["plan", "--sarif", &file])
        .comes_to(0)
        .says("DL3059");
    assert!(!plan.out.contains("DL9"), "{plan}");
    sandbox.edit("loom.yaml", "error: warn", "error: maybe");
    sandbox.loom(&["plan"]).comes_to(1).complains("maybe");
}

#[test]
fn of_a_file_that_loom_writes_the_artifact_and_the_setting_are_told() {
    let sandbox = small::applied();
    let file = save(&sandbox, &report(&[("X1", "error", "etc/port", 1)]));
    let plan = sandbox.loom(&["plan", "--sarif", &file]).comes_to(5);
    assert!(
        plan.out
            .contains("from file.port, asked for in stories/S-1.yaml:8")
            && plan.out.contains("set by services.api.port, loom.yaml:8"),
        "{plan}"
    );
}

#[test]
fn on_a_path_that_the_plan_changes_it_is_of_the_old_text() {
    let sandbox = small::applied();
    sandbox.edit("loom.yaml", "3000", "3001");
    let file = save(&sandbox, &report(&[("X1", "error", "etc/port", 1)]));
    let plan = sandbox.loom(&["plan", "--sarif", &file]).comes_to(0);
    assert!(
        plan.out.contains("old[X1]") && plan.out.contains("of the old text"),
        "{plan}"
    );
    sandbox
        .loom(&["check", "--sarif", &file])
        .comes_to(0)
        .says("of the old text");
    sandbox
        .loom(&["apply", "--yes", "--sarif", &file])
        .comes_to(0);
    sandbox.loom(&["plan", "--sarif", &file]).comes_to(5);
}

#[test]
fn in_a_file_that_loom_did_not_write_only_touched_lines_count_against_a_base() {
    let sandbox = small::applied();
    sandbox.write(
        "Dockerfile",
        "FROM x:1\nRUN one\nRUN two\nUSER app\nRUN three\n",
    );
    sandbox.commit();
    sandbox.git(&["switch", "--quiet", "--create", "request"]);
    let against = |results: &[(&str, &str, &str, u32)]| {
        let file = save(&sandbox, &report(results));
        sandbox.loom(&["plan", "--against", "main", "--sarif", &file])
    };
    against(&[("A", "error", "Dockerfile", 2)])
        .comes_to(0)
        .says("1 old");
    sandbox.edit("Dockerfile", "RUN two", "RUN 2");
    against(&[("A", "error", "Dockerfile", 2)]).comes_to(0);
    against(&[("A", "error", "Dockerfile", 3)]).comes_to(5);
    // the first line stands for the file as a whole
    against(&[("A", "error", "Dockerfile", 1)]).comes_to(5);
    against(&[("A", "error", "new.yml", 1)]).comes_to(5);
    // without a base nothing is known to be old
    let file = save(&sandbox, &report(&[("A", "error", "Dockerfile", 2)]));
    sandbox.loom(&["plan", "--sarif", &file]).comes_to(5);
}

#[test]
fn a_report_that_cannot_be_read_ends_the_run_and_what_it_leaves_open_is_said() {
    let sandbox = small::fresh();
    for text in ["", "{", "{\"version\": \"1.0.0\", \"runs\": []}"] {
        let file = save(&sandbox, text);
        for command in [&["plan"][..], &["check"], &["apply", "--yes"]] {
            sandbox
                .loom(&[command, &["--sarif", &file]].concat())
                .comes_to(1)
                .complains("LOOM0702");
        }
    }
    sandbox
        .loom(&["plan", "--sarif", "nowhere.sarif"])
        .comes_to(1)
        .complains("nowhere.sarif");
    let run = json!({ "tool": { "driver": { "name": "zizmor" } }, "invocations": [{ "executionSuccessful": false }] });
    let file = save(
        &sandbox,
        &json!({ "version": "2.1.0", "runs": [run] }).to_string(),
    );
    sandbox
        .loom(&["check", "--sarif", &file])
        .comes_to(0)
        .says("did not come to its end");
}

/// A Compose file with a password in it, taken over as it is.
fn adopted() -> Sandbox {
    let sandbox = Sandbox::of(&[
        (
            "loom.yaml",
            "loom: 1\nproject: x\nenvironments:\n  main: {}\n",
        ),
        (
            "compose.yaml",
            "services:\n  db:\n    image: postgres:17\n    environment:\n      POSTGRES_PASSWORD: postgres\n  web:\n    image: nginx:1.29\n    healthcheck: { test: [\"CMD\", \"true\"] }\n    mem_limit: 64m\n",
        ),
    ]);
    sandbox.commit();
    sandbox.loom(&["adopt", "compose.yaml"]).comes_to(0);
    sandbox.commit();
    sandbox
}

#[test]
fn a_finding_that_was_there_in_an_adopted_file_denies_nothing_until_somebody_touches_it() {
    let sandbox = adopted();
    sandbox.edit("loom.yaml", "nginx:1.29", "nginx:1.30");
    let merge = ["--on-drift", "merge"];
    let plan = |more: &[&str]| sandbox.loom(&[&["plan"], &merge[..], more].concat());
    plan(&[]).comes_to(0).says("1 old");
    plan(&["--verbose"]).comes_to(0).says("old[LOOM1405]");
    plan(&["--format", "json"]).comes_to(0).says("\"before\"");
    plan(&["--format", "markdown"])
        .comes_to(0)
        .says("Old findings");
    sandbox
        .loom(&[&["apply", "--yes"], &merge[..]].concat())
        .comes_to(0);
    assert!(sandbox.read("compose.yaml").contains("nginx:1.30"));
    // another password is another finding
    sandbox.edit(
        "loom.yaml",
        "POSTGRES_PASSWORD: postgres",
        "POSTGRES_PASSWORD: postgres2",
    );
    plan(&[]).comes_to(5).says("error[LOOM1405]");
}
