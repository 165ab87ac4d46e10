#![expect(clippy::disallowed_methods, reason = "the fixtures are files")]

use std::path::{Path, PathBuf};

use loom_plan::check::{RULES, Rule, look};

use super::*;

fn read(path: &str, text: &str) -> (Document, Sources) {
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    let id = sources.add(path, text);
    let document = document(path, id, &sources, &mut out);
    (
        document.unwrap_or_else(|| panic!("{path} cannot be read: {out:?}")),
        sources,
    )
}

/// What the checklist says: code, and the text at the place.
fn found(path: &str, text: &str) -> Vec<(&'static str, String, String)> {
    let (document, sources) = read(path, text);
    look(&document)
        .into_iter()
        .map(|hit| (hit.code, hit.message, sources.slice(hit.span).to_owned()))
        .collect()
}

#[test]
fn each_rule_finds_something_in_its_bad_sample_and_nothing_in_its_good_one() {
    for rule in RULES {
        let Rule {
            code,
            format,
            bad,
            good,
            ..
        } = rule;
        let path = format.word_and_sample_path().1;
        let codes = |text: &str| {
            found(path, text)
                .into_iter()
                .map(|(code, ..)| code)
                .collect::<Vec<_>>()
        };
        assert_eq!(read(path, bad).0.format, *format, "{code}");
        assert!(may_be_found(path, bad), "{code} is passed over");
        assert!(
            codes(bad).contains(code),
            "{code} finds nothing in its bad sample:\n{bad}"
        );
        assert!(
            !codes(good).contains(code),
            "{code} finds something in its good sample:\n{good}"
        );
        assert!(
            found(path, bad).iter().all(|(_, _, text)| !text.is_empty()),
            "{code} has no place in its bad sample"
        );
    }
}

#[test]
fn codes_ascend_and_texts_are_sentences_of_their_kind() {
    assert!(
        RULES.windows(2).all(|pair| pair[0].code < pair[1].code),
        "the codes must ascend"
    );
    for rule in RULES {
        let (first, last) = (rule.title.chars().next(), rule.reason.chars().next());
        assert!(
            first.is_some_and(char::is_uppercase) && !rule.title.ends_with('.'),
            "{}",
            rule.code
        );
        assert!(last.is_some_and(|c| !c.is_uppercase()
            || rule.reason.starts_with("GitHub")
            || rule.reason.starts_with("Docker")));
    }
}

/// Every file below a directory.
fn files(below: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(below).unwrap_or_else(|error| panic!("{}: {error}", below.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn nothing_that_loom_writes_in_its_fixtures_fires_a_rule() {
    let projects = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/projects");
    let (mut all, mut looked_at) = (Vec::new(), 0);
    for file in files(&projects) {
        let name = file
            .strip_prefix(&projects)
            .expect("it is below")
            .to_string_lossy()
            .into_owned();
        let Some((_, path)) = name
            .split_once("/expected/")
            .filter(|(_, path)| is_known(path))
        else {
            continue;
        };
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        looked_at += 1;
        all.extend(
            found(path, &text)
                .into_iter()
                .map(|(code, message, _)| format!("{name}: {code} {message}")),
        );
    }
    assert!(looked_at > 50, "only {looked_at} files were looked at");
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn a_file_that_is_not_of_its_format_is_said_with_its_place() {
    for (path, text, line) in [
        ("Dockerfile", "FROM a:1\n\nNONSENSE x\n", 3),
        ("main.tf", "resource \"a\" \"b\" {\n  x = \n}\n", 2),
        (".github/workflows/a.yml", "on: push\njobs: [\n", 2),
    ] {
        let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
        let id = sources.add(path, text);
        assert!(document(path, id, &sources, &mut out).is_none(), "{path}");
        let label = out
            .iter()
            .next()
            .and_then(|found| found.labels.first())
            .unwrap_or_else(|| panic!("{path} has no place"));
        assert_eq!(sources.position(label.span).line, line, "{path}");
    }
}

#[test]
fn the_instructions_of_a_dockerfile_are_as_conftest_has_them() {
    let text = "# syntax=docker/dockerfile:1\nARG V=1\nFROM --platform=linux/amd64 node:22 AS build\nRUN a \\\n  # why\n  && b\nENV X=\"a b\" Y=c\nENV OLD way of it\nFROM scratch\nCOPY --from=build /a /b\nCMD [\"x\", \"y\"]\n";
    let (document, sources) = read("Dockerfile", text);
    let said = |at: usize| {
        let node = &document.nodes[0].as_seq().expect("a list")[at];
        (node.to_json(), sources.slice(node.span).to_owned())
    };
    let (from, slice) = said(1);
    let wanted = serde_json::json!({ "Cmd": "from", "Flags": ["--platform=linux/amd64"], "JSON": false, "Stage": 0, "Value": ["node:22", "AS", "build"] });
    assert_eq!(
        (from, slice.as_str()),
        (wanted, "FROM --platform=linux/amd64 node:22 AS build")
    );
    assert_eq!(said(2).0["Value"], serde_json::json!(["a\n&& b"]));
    assert_eq!(said(3).0["Value"], serde_json::json!(["X=\"a b\"", "Y=c"]));
    assert_eq!(said(4).0["Value"], serde_json::json!(["OLD=way of it"]));
    assert_eq!(said(6).0["Stage"], 1);
    assert_eq!(said(7).0["JSON"], true);
}

#[test]
fn blocks_are_by_their_labels_and_expressions_as_they_are_written() {
    let text = "resource \"a\" \"b\" {\n  x = var.y\n  s = \"a-${var.y}\"\n  rule {\n    n = 1\n  }\n  rule {\n    n = 2\n  }\n}\nresource \"a\" \"c\" {}\n";
    let (document, sources) = read("main.tf", text);
    let wanted = serde_json::json!({ "resource": { "a": {
        "b": { "x": "${var.y}", "s": "a-${var.y}", "rule": [{ "n": 1 }, { "n": 2 }] },
        "c": {},
    } } });
    assert_eq!(document.nodes[0].to_json(), wanted);
    let second = &document.nodes[0]
        .at(&["resource", "a", "b", "rule"])
        .and_then(Node::as_seq)
        .expect("a list")[1];
    assert_eq!(sources.position(second.span).line, 7);
}

#[test]
fn paths_and_content_tell_the_format() {
    for (path, text, format) in [
        ("api.Dockerfile", "FROM a:1\n", Format::Dockerfile),
        ("docker/Containerfile", "FROM a:1\n", Format::Dockerfile),
        (
            "shop/.github/workflows/a.yaml",
            "on: push\n",
            Format::Workflow,
        ),
        ("compose.production.yaml", "services: {}\n", Format::Compose),
        (
            "deep/a.yml",
            "apiVersion: v1\nkind: Service\n",
            Format::Kubernetes,
        ),
        ("a.json", "{\"a\": 1}", Format::Data),
        ("a.tfvars", "a = 1\n", Format::Terraform),
    ] {
        assert_eq!(read(path, text).0.format, format, "{path}");
    }
    assert!(!is_known("README.md") && !is_known("src/main.rs"));
}

#[test]
fn a_file_is_passed_over_only_where_no_rule_can_find_anything() {
    let passed = [
        (
            "a.yaml",
            "apiVersion: v1\nkind: Service\nspec: { type: ClusterIP }\n",
        ),
        ("a.yaml", "spec: { template: {} }\n"),
        (
            "a.yaml",
            "apiVersion: v1\nkind: NetworkPolicy\nspec: { policyTypes: [\"Egress\", \"Ingress\"] }\n",
        ),
        (
            "a.yaml",
            "apiVersion: v1\nkind: HorizontalPodAutoscaler\nspec:\n  metrics:\n    - type: Pods\n    - Pod\n",
        ),
        (
            "a.tf",
            "output \"url\" {\n  description = \"data\"\n  value = module.api.url\n}\n",
        ),
    ];
    for (path, text) in passed {
        assert!(!may_be_found(path, text), "{path} is read:\n{text}");
    }
    let read = [
        ("a.yaml", "apiVersion: v1\nkind:\n  !!str 'Secret'\n"),
        ("a.yaml", "{ apiVersion: v1, kind: Ingress }\n"),
        (
            "a.yaml",
            "apiVersion: v1\nkind: Service\nspec: { type: NodePort }\n",
        ),
        (
            "a.json",
            "{\"\\u0061piVersion\": \"v1\", \"kind\": \"\\u0053ecret\"}",
        ),
        ("a.tf", "resource   \"aws_db_instance\" \"main\" {}\n"),
        ("a.tf", "resource aws_db_instance main {}\n"),
        (
            "a.tf",
            "data/* all */\"aws_iam_policy_document\" \"main\" {}\n",
        ),
        ("a.tf", "database { backup_retention = 0 }\n"),
    ];
    for (path, text) in read {
        assert!(may_be_found(path, text), "{path} is passed over:\n{text}");
    }
}
