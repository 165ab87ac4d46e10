use serde_json::json;

use super::*;

fn policies(text: &str) -> Policies {
    Policies::read(&[Source {
        path: "policy/a.rego".to_owned(),
        text: text.to_owned(),
    }])
    .expect("a policy")
}

fn asked(text: &str, input: &Value) -> Vec<(String, Severity, String)> {
    let subject = Subject::File {
        path: "k8s/a.yml".into(),
        address: Some("kubernetes.manifest.a".to_owned()),
    };
    let said = policies(text).ask(&subject, input).expect("it ends");
    said.into_iter()
        .map(|it| (it.code, it.severity, it.message))
        .collect()
}

#[test]
fn what_conftest_takes_for_a_finding_is_one() {
    let text = "package main\n\
        deny contains msg if { input.kind == \"Service\"; msg := sprintf(\"no %s\", [input.kind]) }\n\
        warn_soon contains { \"msg\": \"soon\", \"details\": {} } if input.kind\n\
        violation contains { \"msg\": data.conftest.file.name }\n\
        denylist := [\"a\"]\n";
    let said = asked(text, &json!({ "kind": "Service" }));
    let wanted = [
        ("main.deny", Severity::Error, "no Service"),
        ("main.violation", Severity::Error, "a.yml"),
        ("main.warn_soon", Severity::Warning, "soon"),
    ];
    let mut said: Vec<_> = said
        .iter()
        .map(|(code, severity, text)| (code.as_str(), *severity, text.as_str()))
        .collect();
    said.sort_unstable();
    assert_eq!(said, wanted);
}

#[test]
fn policies_of_before_rego_1_are_read_too() {
    let said = asked(
        "package main\n\ndeny[msg] {\n  not input.spec\n  msg = \"no spec\"\n}\n",
        &json!({}),
    );
    assert_eq!(
        said,
        [(
            "main.deny".to_owned(),
            Severity::Error,
            "no spec".to_owned()
        )]
    );
}

#[test]
fn a_policy_that_does_not_end_is_stopped() {
    let text = "package main\n\ndeny contains \"x\" if {\n  some a in numbers.range(1, 3000)\n  some b in numbers.range(1, 3000)\n  a * b == -1\n}\n";
    let error = policies(text)
        .ask(
            &Subject::File {
                path: "a.yml".into(),
                address: None,
            },
            &json!({}),
        )
        .expect_err("it is stopped");
    assert!(
        error.message.contains("did not end within"),
        "{}",
        error.message
    );
}

#[test]
fn nothing_outside_of_the_input_can_be_asked() {
    for call in [
        "http.send({\"method\": \"get\", \"url\": \"https://example.com\"})",
        "time.now_ns()",
        "opa.runtime()",
        "rand.intn(\"a\", 10)",
        "uuid.rfc4122(\"a\")",
        "net.lookup_ip_addr(\"example.com\")",
    ] {
        let text = format!(
            "package main\n\ndeny contains msg if {{\n  x := {call}\n  msg := sprintf(\"%v\", [x])\n}}\n"
        );
        let source = Source {
            path: "policy/a.rego".to_owned(),
            text,
        };
        let answer = Policies::read(&[source])
            .map_err(|found| format!("{found:?}"))
            .and_then(|policies| {
                let subject = Subject::File {
                    path: "a.yml".into(),
                    address: None,
                };
                policies
                    .ask(&subject, &json!({}))
                    .map_err(|found| found.message)
            });
        assert!(
            answer.as_ref().is_ok_and(Vec::is_empty) || answer.is_err(),
            "{call}: {answer:?}"
        );
    }
}

#[test]
fn a_policy_that_is_wrong_is_said_with_its_place_and_without_its_secrets() {
    let token = format!("ghp_{}", "a1B2c3D4e5".repeat(4));
    let text = format!("package main\n\ndeny contains msg if {{ msg := \"{token}\" +++ }}\n");
    let found = Policies::read(&[Source {
        path: "policy/a.rego".to_owned(),
        text,
    }])
    .expect_err("it is wrong");
    assert!(
        found[0].message.contains("policy/a.rego") && found[0].message.contains(":3:"),
        "{}",
        found[0].message
    );
    assert!(!found[0].message.contains(&token), "{}", found[0].message);
}

#[test]
fn only_the_package_loom_is_asked_about_the_graph() {
    let policies = Policies::read(&[
        Source {
            path: "a.rego".to_owned(),
            text: "package main\n\ndeny contains \"file\"\n".to_owned(),
        },
        Source {
            path: "b.rego".to_owned(),
            text: "package loom\n\ndeny contains { \"msg\": \"graph\", \"address\": \"file.a\" }\n"
                .to_owned(),
        },
    ]);
    let said = policies
        .expect("policies")
        .ask(&Subject::Graph, &json!({ "artifacts": [] }))
        .expect("it ends");
    assert_eq!(said.len(), 1);
    assert_eq!(
        (said[0].message.as_str(), said[0].address.as_deref()),
        ("graph", Some("file.a"))
    );
}

#[test]
fn brackets_that_would_double_the_work_without_end_are_refused_with_their_line() {
    for (open, close) in [
        ("[", "]"),
        ("{", "}"),
        ("{[", "]}"),
        ("([", "])"),
        ("{\"a\":", "}"),
        ("{\"a\":[", "]}"),
    ] {
        let text = format!(
            "package main\n\ndeny contains \"x\" if {{\n  y := {}1{}\n  y == 2\n}}\n",
            open.repeat(40),
            close.repeat(40)
        );
        assert_eq!(nested_too_deeply(&text), Some(4), "{open}");
        let found = Policies::read(&[Source {
            path: "policy/a.rego".to_owned(),
            text,
        }])
        .expect_err("it is refused");
        assert!(
            found[0].message.contains("line 4 are nested too deeply"),
            "{}",
            found[0].message
        );
    }
    // a thousand shallow ones side by side stand for a policy that is only long
    let wide = format!(
        "package main\n{}",
        "deny contains [[[1]]] if { input.a[0][1] }\n".repeat(1000)
    );
    assert_eq!(nested_too_deeply(&wide), None);
    let quoted = format!(
        "package main\n# {0}\nx := \"{0}\\\"{0}\"\ny := `\n{0}`\n",
        "[".repeat(40)
    );
    assert_eq!(nested_too_deeply(&quoted), None);
}
