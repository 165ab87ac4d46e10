use serde_json::{Value, json};

use super::*;

fn log(run: &Value) -> String {
    json!({ "version": "2.1.0", "runs": [run] }).to_string()
}

fn results(run: &Value) -> Vec<Reported> {
    read("s.sarif", &log(run)).expect("a report").results
}

fn one(run: &Value) -> Reported {
    let found = results(run);
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].clone()
}

#[test]
fn a_result_says_its_code_level_message_and_place() {
    let run = json!({
        "tool": { "driver": { "name": "trivy", "rules": [
            { "id": "AVD-1", "shortDescription": { "text": "Short" }, "fullDescription": { "text": "Why it matters" },
              "helpUri": "https://example.com/1", "defaultConfiguration": { "level": "error" } },
        ] } },
        "results": [{ "ruleId": "AVD-1", "ruleIndex": 0, "message": { "text": "Root\nis  used" },
            "locations": [{ "physicalLocation": { "artifactLocation": { "uri": "Dockerfile", "uriBaseId": "ROOTPATH" },
                "region": { "startLine": 3, "startColumn": 2, "endLine": 4 } } }] }],
        "originalUriBaseIds": { "ROOTPATH": { "uri": "file:///" } },
    });
    let found = one(&run);
    assert_eq!(
        (found.code.as_str(), found.level, found.message.as_str()),
        ("AVD-1", Level::Error, "Root is used")
    );
    assert_eq!(found.reason, "Why it matters");
    assert_eq!(found.help.as_deref(), Some("https://example.com/1"));
    assert_eq!((found.lines, found.column), (Some((3, 4)), 2));
    assert_eq!(found.uri, Some(Uri::Absolute("/Dockerfile".to_owned())));
}

#[test]
fn what_is_missing_or_unknown_is_taken_as_its_sternest_meaning() {
    let level = |result: Value| {
        let run = json!({ "tool": { "driver": { "name": "x" } }, "results": [result] });
        results(&run).first().map(|found| found.level)
    };
    assert_eq!(level(json!({})), Some(Level::Warning));
    assert_eq!(level(json!({ "level": "error" })), Some(Level::Error));
    assert_eq!(level(json!({ "level": "critical" })), Some(Level::Error));
    assert_eq!(level(json!({ "level": "none" })), Some(Level::Note));
    assert_eq!(level(json!({ "kind": "review" })), Some(Level::Note));
    assert_eq!(level(json!({ "kind": "pass" })), None);
    let bare =
        one(&json!({ "tool": { "driver": { "name": "x", "rules": null } }, "results": [{}] }));
    assert_eq!((bare.code.as_str(), bare.uri), ("x", None));
    let lines = |region: Value| {
        let place =
            json!({ "physicalLocation": { "artifactLocation": { "uri": "a" }, "region": region } });
        one(&json!({ "results": [{ "locations": [place] }] })).lines
    };
    assert_eq!(lines(json!({ "startLine": 0 })), None);
    assert_eq!(lines(json!({ "startLine": -1 })), None);
    assert_eq!(lines(json!({ "startLine": 5, "endLine": 2 })), Some((5, 5)));
}

#[test]
fn a_rule_is_found_by_name_by_index_and_in_an_extension() {
    let rules = json!([{ "id": "a", "defaultConfiguration": { "level": "note" } }, { "id": "b", "messageStrings": { "m": { "text": "{0} and {1}" } } }]);
    let run = |result: Value| json!({ "tool": { "driver": { "name": "x", "rules": rules }, "extensions": [{ "name": "y", "rules": [{ "id": "c", "defaultConfiguration": { "level": "error" } }] }] }, "results": [result] });
    assert_eq!(one(&run(json!({ "ruleId": "a" }))).level, Level::Note);
    // an index that contradicts the name does not make a grave thing a small one
    let lying = json!({ "ruleId": "b", "ruleIndex": 0 });
    assert_eq!(one(&run(lying)).level, Level::Warning);
    let of_extension =
        json!({ "rule": { "id": "c", "index": 0, "toolComponent": { "index": 0 } } });
    let found = one(&run(of_extension));
    assert_eq!((found.code.as_str(), found.level), ("c", Level::Error));
    let named = json!({ "ruleIndex": 1, "message": { "id": "m", "arguments": ["one", "two"] } });
    let found = one(&run(named));
    assert_eq!(
        (found.code.as_str(), found.message.as_str()),
        ("b", "one and two")
    );
}

#[test]
fn only_a_suppression_that_stands_counts() {
    let suppressed = |all: Value| one(&json!({ "results": [{ "suppressions": all }] })).suppressed;
    assert_eq!(suppressed(json!([])), None);
    assert_eq!(
        suppressed(json!([{ "kind": "external", "status": "rejected" }])),
        None
    );
    let both = json!([{ "kind": "inSource" }, { "status": "underReview" }]);
    assert_eq!(suppressed(both), None);
    let why = suppressed(json!([{ "kind": "inSource", "justification": "a test" }]));
    assert_eq!(
        why.as_deref(),
        Some("the scanner was told to leave it out: a test")
    );
}

#[test]
fn what_is_no_report_is_refused_with_what_helps() {
    let nested = "[".repeat(100_000);
    for (text, wanted) in [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("{", "is no report"),
        ("[]", "is no report"),
        ("<xml/>", "is no report"),
        ("{}", "does not say"),
        ("{\"version\": \"2.0.0\", \"runs\": []}", "is SARIF 2.0.0"),
        ("{\"version\": \"2.1.0\"}", "has no `runs`"),
        (
            "{\"version\": \"2.1.0\", \"runs\": [{\"results\": 3}]}",
            "invalid type",
        ),
        (nested.as_str(), "is no report"),
    ] {
        let found = read("s.sarif", text).expect_err(text.get(..20).unwrap_or(text));
        assert!(found.message.contains(wanted), "{}", found.message);
        assert!(found.message.starts_with("s.sarif ") && found.help.is_some());
    }
    let with_mark = format!("\u{feff}{}", log(&json!({})));
    assert_eq!(read("s.sarif", &with_mark), Ok(Report::default()));
}

#[test]
fn long_texts_are_cut_and_no_line_begins_in_one() {
    let long = "x\n".repeat(1_000_000);
    let found = one(&json!({ "results": [{ "ruleId": long, "message": { "text": long } }] }));
    assert!(found.code.chars().count() <= CODE + 1 && !found.code.contains('\n'));
    assert!(found.message.chars().count() <= MESSAGE + 1 && !found.message.contains('\n'));
}

#[test]
fn a_scanner_that_did_not_end_is_named() {
    let run = json!({ "tool": { "driver": { "name": "x" } }, "invocations": [{ "executionSuccessful": false }] });
    assert_eq!(read("s", &log(&run)).expect("a report").unfinished, ["x"]);
}

fn found(uri: &str, prefix: &str, files: &[&str]) -> Found {
    let run = json!({ "results": [{ "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri } } }] }] });
    let uri = one(&run).uri.expect("a place");
    let has = |path: &str| files.contains(&path);
    Roots {
        top: "/build/shop",
        prefix,
        has: &has,
    }
    .find(&uri)
}

#[test]
fn a_place_is_found_however_it_is_written() {
    let inside = |path: &str| Found::Inside(path.to_owned());
    for (uri, path) in [
        ("k8s/api.yml", "k8s/api.yml"),
        ("./k8s//api.yml", "k8s/api.yml"),
        ("k8s/x/../api.yml", "k8s/api.yml"),
        ("k8s\\api.yml", "k8s/api.yml"),
        ("a%20b.yml", "a b.yml"),
        ("100%.yml", "100%.yml"),
        ("file:///build/shop/k8s/api.yml", "k8s/api.yml"),
        ("file://localhost/build/shop/a%20b.yml", "a b.yml"),
        ("FILE:/build/shop/x", "x"),
        ("/build/shop/x", "x"),
        ("file:///build/other/../shop/x", "x"),
        ("file://./x", "x"),
    ] {
        assert_eq!(found(uri, "", &[]), inside(path), "{uri}");
    }
    for uri in [
        "file:///etc/passwd",
        "file:///build/shopping/x",
        "../x",
        "C:\\work\\shop\\x",
        "file:///C:/build/shop/x",
        "https://example.com/x",
        "file://other/build/shop/x",
    ] {
        assert!(matches!(found(uri, "", &[]), Found::Outside(_)), "{uri}");
    }
    // the name as it is written, where there is such a file
    assert_eq!(found("a%20b.yml", "", &["a%20b.yml"]), inside("a%20b.yml"));
}

#[test]
fn below_the_top_a_place_is_seen_from_the_top_else_from_the_root() {
    let inside = |path: &str| Found::Inside(path.to_owned());
    let below = |uri: &str, files: &[&str]| found(uri, "api/", files);
    assert_eq!(below("api/x", &["x"]), inside("x"));
    assert_eq!(below("x", &["x"]), inside("x"));
    assert_eq!(below("x", &[]), Found::Beside("x".to_owned()));
    assert_eq!(below("../web/x", &[]), Found::Beside("web/x".to_owned()));
    assert_eq!(
        below("file:///build/shop/web/x", &[]),
        Found::Beside("web/x".to_owned())
    );
    assert_eq!(below("file:///build/shop/api/x", &[]), inside("x"));
}

#[test]
fn bases_lead_to_bases_and_not_for_ever() {
    let run = |bases: Value| {
        json!({
            "originalUriBaseIds": bases,
            "artifacts": [{ "location": { "uri": "x", "uriBaseId": "A" } }],
            "results": [{ "locations": [{ "physicalLocation": { "artifactLocation": { "index": 0 } } }] }],
        })
    };
    let chain =
        json!({ "A": { "uri": "k8s/", "uriBaseId": "B" }, "B": { "uri": "file:///build/shop/" } });
    assert_eq!(
        one(&run(chain)).uri,
        Some(Uri::Absolute("/build/shop/k8s/x".to_owned()))
    );
    let circle = json!({ "A": { "uriBaseId": "B" }, "B": { "uri": "y", "uriBaseId": "A" } });
    assert!(matches!(one(&run(circle)).uri, Some(Uri::Relative(_))));
    assert_eq!(
        one(&run(json!({}))).uri,
        Some(Uri::Relative("x".to_owned()))
    );
}
