//! What is written is what `terraform fmt` leaves as it is, and text never becomes code.

use loom_plan::text::{Sources, Span};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};

use super::*;

fn node(json: &Json) -> Node {
    Node::from_json(Span::start_of(Sources::default().add("", "")), json)
}

fn written(json: &Json) -> String {
    configuration(&node(json)).unwrap_or_else(|found| panic!("{found:?}"))
}

/// The text after `terraform fmt`, or `None`, said aloud, where there is no terraform.
fn formatted(text: &str) -> Option<String> {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    #[expect(
        clippy::disallowed_methods,
        reason = "terraform itself is the judge of what is well formatted"
    )]
    let mut command = Command::new("terraform");
    command
        .args(["fmt", "-no-color", "-"])
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_CONFIG_FILE", "/dev/null");
    let Ok(mut child) = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    else {
        println!("terraform is not on the PATH: only the golden texts were compared");
        return None;
    };
    child
        .stdin
        .take()
        .expect("it is piped")
        .write_all(text.as_bytes())
        .expect("terraform reads its input");
    let output = child.wait_with_output().expect("terraform ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "terraform fmt: {errors}\n{text}");
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

fn is_well_formatted(text: &str) {
    let body: Result<hcl_edit::structure::Body, _> = text.parse();
    assert!(body.is_ok(), "{:?}\n{text}", body.err());
    if let Some(formatted) = formatted(text) {
        assert_eq!(text, formatted, "terraform fmt changes it");
    }
}

fn everything() -> Json {
    json!({
        "//": ["What this is.", "In two lines."],
        "terraform": {
            "required_version": ">= 1.9",
            "required_providers": {
                "aws": { "source": "hashicorp/aws", "version": "~> 5.0", "configuration_aliases": ["aws.east"] },
                "random": { "source": "hashicorp/random" },
            },
            "backend": { "s3": { "bucket": "state", "use_lockfile": true } },
        },
        "provider": { "aws": [{ "region": "us-east-1", "default_tags": { "tags": { "a": "b" } } }, { "alias": "east", "region": "${var.region}" }] },
        "variable": {
            "region": { "type": "string", "description": "Where \"it\" is", "default": "us-east-1", "nullable": false },
            "sizes": {
                "type": "map(object({ cpu = number, labels = optional(map(string), {}) }))",
                "description": "By name",
                "default": { "small": { "cpu": 1 } },
                "validation": { "condition": "${length(var.sizes)>0}", "error_message": "At least one, not ${length(var.sizes)}." },
            },
        },
        "locals": { "name": "api-${var.region}", "//": "Derived", "all": [1, 2.5, true, null, "x"], "objects": [{ "a": 1 }, { "bcd": 2 }], "empty": {}, "none": [] },
        "data": { "aws_iam_policy_document": { "this": { "statement": [
            { "actions": ["s3:GetObject"], "resources": ["${aws_s3_bucket.this.arn}/*"], "condition": { "test": "Bool", "variable": "aws:SecureTransport", "values": ["true"] } },
            { "actions": ["s3:PutObject"], "principals": { "type": "Service", "identifiers": ["ecs.amazonaws.com"] } },
        ] } } },
        "resource": {
            "aws_s3_bucket": { "this": { "//": "Holds uploads", "bucket": "${local.name}", "tags": { "Name": "x", "app.kubernetes.io/name": "y", "${var.key}": "z" }, "provider": "aws.east" } },
            "aws_lb_listener": { "https": {
                "count": "${var.https?1:0}",
                "port": 443,
                "default_action": { "type": "forward", "target_group_arn": "${aws_lb_target_group.this[\"blue\"].arn}" },
                "depends_on": ["aws_lb.this"],
                "lifecycle": { "create_before_destroy": true, "ignore_changes": ["default_action", "tags[\"x\"]"], "precondition": { "condition": "${ var.a!=null && !var.b }", "error_message": "no" } },
            } },
            "aws_security_group": { "this": {
                "dynamic": { "ingress": { "for_each": { "a": 1 }, "iterator": "rule", "labels": [], "content": { "from_port": "${rule.value}", "cidr_blocks": [] } } },
                "ingress =": [],
                "timeouts": {},
                "labels {}": { "x": 1 },
                "environment =": [{ "name": "A", "value": "${-1 - -2}" }],
                "provisioner": [{ "local-exec": { "command": "echo", "when": "destroy" } }],
            } },
            "aws_ecs_task_definition": { "this": {
                "container_definitions": "${jsonencode([{ name = \"api\", environment = [for key, value in var.env: { name = key, value = value }] }])}",
                "user_data": "#!/bin/sh\nset -e\n\n  echo \"${var.name+1}\" \\ $${HOME}\n",
                "policy": "{\n  \"a\": 1\n}",
                "family": "api",
            } },
        },
        "module": { "network": { "source": "./network", "providers": { "aws": "aws.east", "aws.west": "aws.west" }, "subnets": { "a": { "cidr": "10.0.0.0/24" } }, "depends_on": ["aws_s3_bucket.this"] } },
        "output": { "arn": { "value": "${aws_s3_bucket.this.arn}", "description": "The ARN", "sensitive": true, "precondition": { "condition": true, "error_message": "x" } } },
        "moved": [{ "from": "aws_s3_bucket.old", "to": "aws_s3_bucket.this" }],
        "import": { "to": "aws_s3_bucket.this", "id": "uploads" },
        "removed": { "from": "aws_s3_bucket.gone", "lifecycle": { "destroy": false } },
        "check": { "health": { "data": { "http": { "api": { "url": "https://x" } } }, "assert": { "condition": "${data.http.api.status_code==200}", "error_message": "down" } } },
    })
}

#[test]
fn every_block_of_the_language_is_written_as_people_write_it() {
    let text = written(&everything());
    insta::assert_snapshot!(text);
    is_well_formatted(&text);
}

#[test]
fn files_of_values_hold_arguments_only() {
    let body = json!({ "region": "us-east-1", "resource": { "a": { "b": 1 } }, "//": "x", "list": [{ "a": 1 }], "long": ["x".repeat(60), "y".repeat(60)] });
    let text = values(&node(&body)).expect("it is written");
    insta::assert_snapshot!(text);
    is_well_formatted(&text);
}

#[test]
fn expressions_are_spaced_as_terraform_spaces_them() {
    for (text, expected) in [
        ("${ var.a }", "var.a"),
        ("${a+b*-c}", "a + b * -c"),
        ("${a?b:c}", "a ? b : c"),
        ("${!a&&(b||c)}", "!a && (b || c)"),
        ("${x[\"a\"].b[*].c.0.d}", "x[\"a\"].b[*].c.0.d"),
        (
            "${[for x in [1,2]:x if x>1]}",
            "[for x in [1, 2] : x if x > 1]",
        ),
        ("${{for k,v in m:k=>v...}}", "{ for k, v in m : k => v... }"),
        ("${f({a=1\n  b=2\n})}", "f({ a = 1, b = 2 })"),
        ("${f(\n  1,\n  2\n)}", "f(1, 2)"),
        (
            "${provider::aws::arn_parse(x)}",
            "provider::aws::arn_parse(x)",
        ),
        ("${\"a${b+1}c\"}", "\"a${b + 1}c\""),
        ("${\"}\"}", "\"}\""),
        ("a${b+1}${c}", "\"a${b + 1}${c}\""),
        ("${a}${b}", "\"${a}${b}\""),
        ("${{}}x", "\"${ {} }x\""),
        (
            "%{ if a }x%{ else }y%{ endif ~}",
            "\"%{if a}x%{else}y%{endif~}\"",
        ),
        ("$${a} %%{b} $ % $$", "\"$${a} %%{b} $ % $$\""),
        ("say \"hi\" \\ \t\n", "\"say \\\"hi\\\" \\\\ \\t\\n\""),
        ("${1e3 - 0.5}", "1e3 - 0.5"),
        ("${-x}", "-x"),
    ] {
        assert_eq!(
            expression::from_text(text).as_deref(),
            Ok(expected),
            "{text}"
        );
        is_well_formatted(&format!("a = {expected}\n"));
    }
}

#[test]
fn what_is_no_expression_is_refused() {
    for text in [
        "${",
        "${}",
        "${a",
        "${a b}",
        "a ${b",
        "${\"a}",
        "${a}} ${",
        "${a # x\n}",
        "${<<EOT\nx\nEOT\n}",
        "${a /* x */}",
        "%{ if a }x",
        "${a;b}",
        "${)}",
        "${a\n= 1}",
        "${\"a\nb\"}",
        "${(a}",
    ] {
        assert!(
            expression::from_text(text).is_err(),
            "{text} became {:?}",
            expression::from_text(text)
        );
    }
    for text in [
        "a b",
        "a\nb",
        "",
        "a = 1",
        "}",
        "a }\nresource \"x\" \"y\" {",
    ] {
        assert!(
            expression::reference(text).is_err(),
            "{text} became {:?}",
            expression::reference(text)
        );
    }
}

#[test]
fn what_cannot_be_written_is_said_at_its_place() {
    for (body, expected) in [
        (
            json!({ "resources": {} }),
            "`resources` is not a block of Terraform's language",
        ),
        (
            json!({ "resource": { "a": { "b\"c": {} } } }),
            "`b\"c` cannot be a label",
        ),
        (
            json!({ "locals": { "a b": 1 } }),
            "`a b` cannot be the name",
        ),
        (
            json!({ "locals": { "a": "${" } }),
            "this is not an expression of HCL",
        ),
        (json!({ "resource": 1 }), "`resource` is a block"),
        (json!([]), "must be a mapping"),
    ] {
        let found = configuration(&node(&body)).expect_err("it is refused");
        assert!(found[0].message.contains(expected), "{found:?}");
    }
}

const HOSTILE: &[&str] = &[
    "${file(\"/etc/passwd\")}",
    "%{ for x in y }",
    "%{if true}",
    "\"",
    "\\",
    "\\\"",
    "\" = 1\n}\nresource \"a\" \"b\" {",
    "EOT",
    "a\nEOT\nb\n",
    "$${x}",
    "$$${x}",
    "$$$${x}",
    "%%{x}",
    "%%%{x}",
    "$",
    "%",
    "${",
    "%{",
    "\n",
    "a\nb",
    "a\nb\n",
    "  a\n  b\n",
    "a\n\nb \n",
    "a\r\nb\r\n",
    "\u{2028}",
    "\u{85}",
    "\0",
    "\u{202e}x",
    "😀",
    "*/",
    "/*",
    "#",
    "//",
    "<<EOT",
    "${{ x }}",
    "$(x)",
    "`x`",
    "'",
    "-->",
    "{% x %}",
    "{{ x }}",
    "\u{feff}",
    "\t",
    "a\n\tb\n",
    "~}",
    "}",
];

/// The text that a literal expression stands for, by the reader of `hcl-edit`.
fn read_back(text: &str) -> String {
    use hcl_edit::expr::Expression;
    use hcl_edit::template::Element;
    let body: hcl_edit::structure::Body = text
        .parse()
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    let attribute = body.get_attribute("a").unwrap_or_else(|| panic!("{text}"));
    assert_eq!(body.len(), 1, "{text}");
    let join = |elements: &mut dyn Iterator<Item = &Element>| -> String {
        elements
            .map(|element| match element {
                Element::Literal(literal) => literal.to_string(),
                Element::Interpolation(_) | Element::Directive(_) => {
                    panic!("text became code\n{text}")
                }
            })
            .collect()
    };
    if let Expression::String(value) = &attribute.value {
        return value.to_string();
    }
    match (
        attribute.value.as_string_template(),
        attribute.value.as_heredoc_template(),
    ) {
        (Some(template), _) => join(&mut template.iter()),
        (_, Some(heredoc)) => join(&mut heredoc.template.iter()),
        (None, None) => panic!("{text} is not a text"),
    }
}

fn stays_text(text: &str) {
    let body = json!({ "a": literal(text) });
    let written = values(&node(&body)).unwrap_or_else(|found| panic!("{found:?}"));
    let read = read_back(&written)
        .replace("$${", "${")
        .replace("%%{", "%{");
    assert_eq!(
        read,
        text.replace("$${", "${").replace("%%{", "%{"),
        "{written}"
    );
}

#[test]
fn text_of_people_stays_text() {
    for text in HOSTILE {
        stays_text(text);
    }
}

#[test]
fn a_comment_cannot_be_left() {
    let text = written(
        &json!({ "//": "a\nresource {\r\u{2028}b */ \u{85}", "locals": { "//": "\u{202e}x", "a": 1 } }),
    );
    assert_eq!(
        text,
        "# a\n# resource {\n#\n# b */\n#\nlocals {\n  #  x\n  a = 1\n}\n"
    );
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ab\"$%{}\\\\\n ~EOT]{0,16}",
        prop::sample::select(HOSTILE).prop_map(str::to_owned)
    ]
}

fn trees() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        texts().prop_map(|text| literal(&text).into()),
        prop::sample::select(&[
            "${var.a}",
            "${a+b}",
            "x${f(1,2)}",
            "a\nb\n",
            "a\n  b ${c}\n"
        ])
        .prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<bool>().prop_map(Json::from),
        Just(Json::Null),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::vec(("[a-z]{1,9}|[a-z./]{1,4}|[a-z]{1,3} =", inner), 0..6)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

#[test]
fn generated_shapes_are_what_terraform_fmt_leaves() {
    let mut runner = TestRunner::deterministic();
    let mut locals = serde_json::Map::new();
    for number in 0..400 {
        locals.insert(
            format!("a{number:0width$}", width = number % 7),
            trees().new_tree(&mut runner).expect("a tree").current(),
        );
    }
    is_well_formatted(&written(&json!({ "locals": locals })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_of_people_stays_text(text in texts()) {
        stays_text(&text);
    }

    #[test]
    fn any_text_is_written_or_refused(text in texts()) {
        if let Ok(written) = expression::from_text(&text) {
            let line = format!("a = {written}\n");
            let parsed: Result<hcl_edit::structure::Body, _> = line.parse();
            prop_assert_eq!(parsed.map(|body| body.len()).ok(), Some(1), "{}", line);
        }
    }
}
