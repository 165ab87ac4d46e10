//! What is written is read back by both families of readers, and its plain scalars mean the same
//! to a reader of YAML 1.1 that knows every type of that version.

use loom_plan::diag::Diagnostics;
use loom_plan::node;
use loom_plan::text::{Sources, Span};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

fn node(json: &Json) -> Node {
    Node::from_json(Span::start_of(Sources::default().add("", "")), json)
}

fn by_loom(text: &str) -> Node {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let id = sources.add("out.yaml", text);
    let read = node::parse_one(&sources, id, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}\n{text}");
    read.unwrap_or_else(|| panic!("nothing was read from\n{text}"))
}

fn by_libyaml(text: &str) -> Json {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("libyaml: {error}\n{text}"))
}

/// Whether a reader by <https://yaml.org/type/> gives a plain scalar a type other than text.
/// Written from the regular expressions of those pages, and wider where they are vague.
fn typed_in_yaml_1_1(text: &str) -> bool {
    let word = text.to_lowercase();
    let words = [
        "y", "n", "yes", "no", "true", "false", "on", "off", "null", "~", "", "=", "<<", ".nan",
        ".inf",
    ];
    if words.contains(&word.as_str()) {
        return true;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.eq_ignore_ascii_case(".inf") {
        return true;
    }
    let all = |text: &str, set: &str| !text.is_empty() && text.chars().all(|c| set.contains(c));
    let prefixed = |prefix, set| {
        unsigned
            .strip_prefix(prefix)
            .is_some_and(|rest| all(rest, set))
    };
    if prefixed("0b", "01_")
        || prefixed("0x", "0123456789abcdefABCDEF_")
        || prefixed("0o", "01234567")
    {
        return true;
    }
    if all(unsigned, "0123456789_,") && unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return true;
    }
    let digit_first = unsigned.starts_with(|c: char| c.is_ascii_digit());
    let sexagesimal = digit_first
        && unsigned.contains(':')
        && unsigned.split(':').all(|part| all(part, "0123456789_."));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "1"));
    let float = all(mantissa, "0123456789_.")
        && mantissa.matches('.').count() <= 1
        && mantissa.contains(|c: char| c.is_ascii_digit())
        && !mantissa.starts_with('_')
        && all(
            exponent.strip_prefix(['+', '-']).unwrap_or(exponent),
            "0123456789",
        );
    let bytes = text.as_bytes();
    let date = bytes.len() >= 8
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[5].is_ascii_digit();
    sexagesimal || float || date
}

/// The plain scalars of a text, by the reader that tells how each was written.
fn plain_texts(tree: &Node, out: &mut Vec<String>) {
    match &tree.value {
        Value::String(text) if !scalar(text).starts_with(['"', '\'']) && !is_literal(text) => {
            out.push(text.to_string());
        }
        Value::Seq(items) => items.iter().for_each(|item| plain_texts(item, out)),
        Value::Map(map) => map.iter().for_each(|(key, item)| {
            if !scalar(key).starts_with(['"', '\'']) {
                out.push(key.to_string());
            }
            plain_texts(item, out);
        }),
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::String(_) => {}
    }
}

/// Everything that must hold of any tree.
fn check(json: &Json) {
    let tree = node(json);
    let text = document(&tree);
    assert_eq!(by_loom(&text), tree, "YAML 1.2\n{text}");
    assert_eq!(by_libyaml(&text), *json, "libyaml\n{text}");
    assert!(
        text.ends_with('\n') && !text.ends_with("\n\n"),
        "one newline at the end\n{text:?}"
    );
    assert!(
        text.lines().all(|line| !line.ends_with([' ', '\t'])),
        "no trailing blanks\n{text:?}"
    );
    assert!(
        !text
            .chars()
            .any(|c| !matches!(c, '\n' | '\t') && needs_escape(c)),
        "nothing invisible\n{text:?}"
    );
    let mut plain = Vec::new();
    plain_texts(&tree, &mut plain);
    for text in plain {
        assert!(
            !typed_in_yaml_1_1(&text),
            "`{text}` is plain, and YAML 1.1 does not take it for a text"
        );
    }
}

fn everywhere(text: &str) -> Json {
    json!({
        "value": text,
        text: text,
        "list": [text, [text, [text]], { text: text }, { "k": text, text: [text] }],
        "nested": { text: { text: text, "after": 1 } },
    })
}

const NASTY: &[&str] = &[
    "",
    " ",
    "on",
    "On",
    "OFF",
    "no",
    "y",
    "N",
    "yes",
    "true",
    "False",
    "~",
    "null",
    "Null",
    "=",
    "<<",
    "3.10",
    "1.0",
    "0o7",
    "0x1F",
    "0b11",
    "017",
    "1e3",
    "1E-3",
    "12e03",
    "22:22",
    "190:20:30",
    "1:2.5",
    "1_000",
    "1,000",
    ".5",
    "5.",
    ".",
    "-",
    "--",
    "---",
    "...",
    "--- x",
    ".inf",
    "-.INF",
    "+.inf",
    ".NaN",
    "+1",
    "-1",
    "- 1",
    "2026-11-23",
    "2026-1-2T3:4:5Z",
    "1.2.3",
    "10.0.0.1",
    "10.0.0.0/16",
    "v1",
    "\tx",
    "x\t",
    "a\tb",
    "x ",
    " x",
    ": x",
    "x: y",
    "x:",
    "a:b",
    ":x",
    "# x",
    "x #y",
    "x#y",
    "- x",
    "-x",
    "? x",
    "?x",
    "?",
    "%x",
    "@x",
    "`x`",
    "!x",
    "!!int 3",
    "&x",
    "*x",
    "*.example.com",
    "|",
    ">",
    "|x",
    "{a: b}",
    "[a]",
    "{",
    "}",
    "]",
    ",",
    ", x",
    "\"x\"",
    "'x'",
    "it's",
    "x \"y\" z",
    "\\",
    "a\\b",
    "\\n",
    "\"\\'",
    "${{ x }}",
    "${{ '{' }}",
    "$(x)",
    "😀",
    "a😀b",
    "ü",
    "\u{85}",
    "a\u{85}b",
    "a\u{2028}b",
    "a\u{2029}",
    "a\rb",
    "a\r\nb",
    "\r",
    "\0",
    "\u{7}",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{9f}",
    "\u{feff}x",
    "\u{202e}abc",
    "a\u{200b}b",
    "\u{a0}x\u{a0}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{10ffff}",
    "a\nb",
    "a\nb\n",
    "a\nb\n\n",
    "\na\nb",
    "a\n\nb\n",
    " a\nb",
    "a\n b\n",
    "\ta\nb",
    "a\n\tb\n",
    "a \nb",
    "a\nb ",
    "a\n \nb",
    "\n",
    "\n\n",
    "\n ",
    "a\n---\nb\n",
    "a\n...\n",
    "a: b\nc: d\n",
    "- a\n- b",
    "# a\n# b\n",
    "a\nb\u{85}",
    "a\n\u{feff}b",
    "%YAML 1.1\n",
    "a\n#b",
    "--- |\n x",
    "a\n\n\n",
    "key: |\n  x\n",
    "true\n",
    "\u{301}x",
];

#[test]
fn nasty_texts_are_read_back_as_values_keys_and_items() {
    for text in NASTY {
        check(&everywhere(text));
        check(&json!(text));
        check(&json!([text]));
    }
}

#[test]
fn long_texts_and_keys_are_read_back() {
    let long = "lorem ipsum ".repeat(1000) + "end";
    check(&everywhere(&long));
    check(&everywhere(&"ü".repeat(10_000)));
    check(&everywhere(&format!(
        "{}\n{long}\n",
        "x: ".repeat(500).trim()
    )));
    check(&json!({ "x".repeat(1001): { "a": ["b"] }, "y".repeat(1020): [{ "a": 1 }, "b"] }));
}

#[test]
fn texts_are_quoted_only_when_needed() {
    for plain in [
        "v1.2.3",
        "1.2.3",
        "10.0.0.0/16",
        "${{ github.sha }}",
        "npm run build && echo $X",
        "https://a.b/c?d=e#f",
        "a, b",
        "/health",
        "a@b.c",
    ] {
        assert_eq!(scalar(plain), plain);
    }
    for (text, written) in [
        ("on", "\"on\""),
        ("{\"a\": 1}", "'{\"a\": 1}'"),
        ("it's: \\", "\"it's: \\\\\""),
        ("a\nb", "\"a\\nb\""),
    ] {
        assert_eq!(scalar(text), written);
    }
}

#[test]
fn a_document_looks_as_people_write_it() {
    let tree = node(&json!({
        "on": { "push": { "branches": ["main"] } },
        "jobs": { "on": [{ "name": "a", "run": "set -e\n\n  make\n", "env": {}, "needs": [] }, ["x", ["y"]], null, 1, 2.5, true] },
    }));
    let style = Style {
        plain_keys: &["on"],
        pin: None,
    };
    insta::assert_snapshot!(styled(&tree, style));
}

#[test]
fn numbers_are_written_as_both_versions_read_them() {
    for (text, written) in [
        ("3.10", "3.10"),
        ("-0.5", "-0.5"),
        ("1e3", "1000.0"),
        ("1.5e+3", "1.5e+3"),
        ("1e300", "1.0e+300"),
        ("1e-300", "1.0e-300"),
        (".5", "0.5"),
        ("5.", "5.0"),
        ("+1.5", "1.5"),
        ("18446744073709551616", "18446744073709551616"),
        ("00.5", "0.5"),
        (".inf", ".inf"),
        ("-.Inf", "-.inf"),
        (".NAN", ".nan"),
    ] {
        let tree = by_loom(text);
        assert_eq!(document(&tree), format!("{written}\n"));
        if let (Value::Float(before), Value::Float(after)) = (&tree.value, &by_loom(written).value)
        {
            assert!(
                before.value.total_cmp(&after.value).is_eq(),
                "{text} became {written}"
            );
        }
    }
}

#[test]
fn several_documents_are_read_back_as_several() {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let trees = [
        node(&json!({ "a": "b\nc\n" })),
        node(&json!("---")),
        node(&json!([1])),
    ];
    let id = sources.add("", documents(&trees));
    assert_eq!(node::parse(&sources, id, &mut diagnostics), trees);
}

#[test]
fn a_comment_behind_a_text_stays_a_comment() {
    let tree = node(&json!({ "a": "x", "b": ["x"] }));
    let pin = |path: &[&str], text: &str| {
        let hostile = Pinned {
            value: format!("{text}: y"),
            comment: "v1\nb: evil \u{2028}# x".to_owned(),
        };
        (path == ["b", "[]"]).then_some(hostile)
    };
    let text = styled(
        &tree,
        Style {
            plain_keys: &[],
            pin: Some(&pin),
        },
    );
    assert_eq!(by_loom(&text), node(&json!({ "a": "x", "b": ["x: y"] })));
    assert_eq!(text, "a: x\nb:\n  - \"x: y\" # v1 b: evil  # x\n");
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ \t\n#:?%@`'\"|>!&*{}\\[\\],~=<.+0-9a-eox_-]{0,12}",
        "[0-9_.:eE+-]{1,8}",
        "[ab \n\t]{0,12}",
        prop::sample::select(NASTY).prop_map(str::to_owned),
    ]
}

fn trees() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        texts().prop_map(Json::from),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        Just(Json::Null),
        (-1.0e6..1.0e6f64).prop_map(|value| json!((value * 8.0).round() / 8.0 + 0.0625)),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec((texts(), inner), 0..5)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_back_wherever_it_stands(text in texts()) {
        check(&everywhere(&text));
    }

    #[test]
    fn any_tree_is_read_back(tree in trees()) {
        check(&tree);
    }
}
