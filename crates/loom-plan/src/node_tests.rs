use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// The documents of a text and what was found.
fn read(text: &str) -> (Sources, Vec<Node>, Diagnostics) {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let id = sources.add("a.yaml", text);
    let nodes = parse(&sources, id, &mut found);
    (sources, nodes, found)
}

fn value(text: &str) -> Value {
    let (_, mut nodes, found) = read(text);
    assert!(found.is_empty(), "{text:?}: {found:?}");
    nodes.pop().expect("one document").value
}

/// Code, underlined text and help of the only finding.
fn problem(text: &str) -> (Code, String, String) {
    let (sources, _, found) = read(text);
    let all: Vec<&Diagnostic> = found.iter().collect();
    assert_eq!(all.len(), 1, "{text:?}: {all:?}");
    (
        all[0].code,
        sources.slice(all[0].labels[0].span).to_owned(),
        all[0].help.clone().unwrap_or_default(),
    )
}

fn float_of(text: &str) -> Option<f64> {
    if let Value::Float(float) = value(text) {
        Some(float.value)
    } else {
        None
    }
}

#[test]
fn plain_scalars_follow_the_core_schema_of_yaml_1_2() {
    for (texts, expected) in [
        (&["~", "null", "Null", "NULL", ""][..], Value::Null),
        (&["true", "True", "TRUE"], Value::Bool(true)),
        (&["false", "False", "FALSE"], Value::Bool(false)),
        (&["12"], Value::Integer(12)),
        (&["-12"], Value::Integer(-12)),
    ] {
        for text in texts {
            assert_eq!(
                value(&format!("- {text}")),
                Value::Seq(
                    [Node {
                        value: expected.clone(),
                        span: Span::start_of(only_id())
                    }]
                    .into()
                ),
                "{text}"
            );
        }
    }
    // other spellings are the same number, and keep their digits: readers of YAML 1.1 differ about some
    for text in ["+12", "0o14", "0xC", "0xc", "012"] {
        let Value::Float(float) = value(text) else {
            panic!("{text}")
        };
        assert_eq!((float.whole(), float.text.as_ref()), (Some(12), text));
        assert_eq!(float.value.to_string(), "12");
    }
    for text in
        "yes no on off Yes NO y n tRUE nULL 1_000 12:30 0b1 0x 0o 0o8 0xG 0x-5 -0x1 1.2.3 1e 2024-01-01 v1 + . -.nan .iNf ++1 1-2 inf nan"
            .split(' ')
    {
        assert_eq!(value(&format!("[a, {text}]")).clone(), Value::Seq(strings(&["a", text])), "{text}");
    }
    for (text, expected) in [
        ("1.5", 1.5),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("+12e03", 12_000.0),
        ("3.10", 3.1),
    ] {
        assert_eq!(float_of(text), Some(expected), "{text}");
    }
    assert_eq!(float_of(".inf"), Some(f64::INFINITY));
    assert_eq!(float_of("-.INF"), Some(f64::NEG_INFINITY));
    assert!(float_of(".nan").is_some_and(f64::is_nan));
    assert_eq!(
        float_of("18446744073709551616"),
        Some(18_446_744_073_709_551_616.0)
    );
}

fn only_id() -> SourceId {
    Sources::default().add("", "")
}

fn strings(texts: &[&str]) -> Arc<[Node]> {
    texts
        .iter()
        .map(|text| Node::string(Span::start_of(only_id()), *text))
        .collect()
}

#[test]
fn quotes_and_the_tag_of_texts_make_texts() {
    for text in ["'12'", "\"true\"", "!!str 12", "|\n  12", "'null'"] {
        assert!(matches!(value(text), Value::String(_)), "{text}");
    }
}

#[test]
fn a_number_keeps_the_way_it_was_written() {
    let (_, nodes, _) = read("3.10");
    assert_eq!(nodes[0].scalar_text().as_deref(), Some("3.10"));
    assert_ne!(value("3.10"), value("3.1"));
}

#[test]
fn json_of_any_layout_is_read() {
    let expected = serde_json::json!({ "a": [1, { "b": -1.5 }], "c": "x: y # z", "d": {}, "e": null, "f": "\u{1f600}/\u{8}\n" });
    let compact = r#"{"a":[1,{"b":-1.5}],"c":"x: y # z","d":{},"e":null,"f":"\ud83d\ude00\/\b\n"}"#;
    let tabs = "{\n\t\"a\": [\n\t\t1,\n\t\t{\n\t\t\t\"b\":\t-1.5\n\t\t}\n\t],\n\t\"c\": \"x: y # z\",\n\t\"d\": {\n\t},\n\t\"e\": null,\n\t\"f\": \"\\ud83d\\ude00\\/\\b\\n\"\n}\n";
    for text in [
        compact,
        tabs,
        &tabs.replace('\n', "\r\n"),
        &format!("\u{feff}{compact}"),
    ] {
        let (_, nodes, found) = read(text);
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(nodes[0].to_json(), expected);
    }
}

#[test]
fn a_surrogate_without_its_partner_is_an_error() {
    let (code, underlined, _) = problem(r#"{"a": "\ud83d"}"#);
    assert_eq!((code, underlined.as_str()), (Code::Syntax, "\""));
}

#[test]
fn a_byte_order_mark_and_line_ends_of_windows_shift_no_place() {
    let (sources, nodes, found) = read("\u{feff}a: 1\r\nb:\r\n  - x\r\nc: |\r\n  l1\r\n  l2\r\n");
    assert!(found.is_empty(), "{found:?}");
    let map = nodes[0].as_map().expect("a mapping");
    assert_eq!(map.get("c").and_then(Node::as_str), Some("l1\nl2\n"));
    for (key, entry) in map.entries() {
        assert_eq!(sources.slice(entry.key), key.as_ref());
    }
    assert_eq!(
        sources.slice(map.get("b").expect("it is there").span),
        "- x"
    );
    assert_eq!(
        sources
            .position(map.get("c").expect("it is there").span)
            .line,
        5
    );
}

#[test]
fn nesting_is_read_to_128_levels_and_refused_beyond() {
    let flow = |open: &str, close: &str, levels: usize| {
        format!("{}1{}", open.repeat(levels), close.repeat(levels))
    };
    let sequences = |levels: usize| flow("[", "]", levels);
    let mappings = |levels: usize| flow("{\"a\":", "}", levels);
    let lists = |levels: usize| "- ".repeat(levels) + "x";
    let indented = |levels: usize| {
        let lines: Vec<String> = (0..=levels)
            .map(|level| " ".repeat(level) + if level < levels { "a:" } else { "x" })
            .collect();
        lines.join("\n")
    };
    let mixed = |levels: usize| "- ".repeat(64) + &flow("[", "]", levels - 64);
    let makers: [&dyn Fn(usize) -> String; 5] = [&sequences, &mappings, &lists, &indented, &mixed];
    for make in makers {
        let (_, nodes, found) = read(&make(MAX_DEPTH));
        assert!(found.is_empty() && nodes.len() == 1, "{found:?}");
        let (code, _, help) = problem(&make(MAX_DEPTH + 1));
        assert_eq!((code, help.as_str()), (Code::TooLarge, "flatten it"));
    }
    assert_eq!(problem(&"[".repeat(100_000)).0, Code::TooLarge);
    assert_eq!(problem(&"- ".repeat(100_000)).0, Code::TooLarge);
}

#[test]
fn aliases_that_expand_without_bound_are_refused_at_once() {
    let line = |level: usize| {
        format!(
            "a{level}: &a{level} [{}]\n",
            vec![format!("*a{}", level - 1); 10].join(", ")
        )
    };
    let bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned()
        + &(1..40).map(line).collect::<Vec<_>>().concat();
    let begun = Instant::now();
    assert_eq!(problem(&bomb).0, Code::TooLarge);
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    let (_, nodes, found) = read("a: &x {b: [1, 2]}\nc: *x\n");
    assert!(found.is_empty());
    assert_eq!(nodes[0].get("a"), nodes[0].get("c"));
    assert_eq!(problem("a: &x [*x]").1, "*x");
    assert_eq!(problem("a: *nowhere").0, Code::Syntax);
}

#[test]
fn merge_keys_are_refused_and_a_text_of_that_name_is_not() {
    let (code, underlined, help) = problem("a: &x {b: 1}\nc:\n  <<: *x\n");
    assert_eq!(
        (code, underlined.as_str(), help.as_str()),
        (Code::Syntax, "<<", "write the keys out")
    );
    assert!(read("'<<': text").2.is_empty());
}

#[test]
fn the_second_of_two_equal_keys_is_shown_with_the_first() {
    let (sources, nodes, found) = read("a: 1\nb:\n  c: 1\n  \"c\": 2\n");
    let finding = found.iter().next().expect("one finding");
    assert_eq!(finding.code, Code::DuplicateKey);
    let lines: Vec<usize> = finding
        .labels
        .iter()
        .map(|label| sources.position(label.span).line)
        .collect();
    assert_eq!(lines, [4, 3]);
    assert_eq!(
        nodes[0].at(&["b", "c"]).and_then(Node::as_integer),
        Some(1),
        "the rest is read all the same"
    );
}

#[test]
fn a_file_holds_one_document_or_none() {
    let one = |text: &str| {
        let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
        let id = sources.add("a.yaml", text);
        (
            parse_one(&sources, id, &mut found).map(|node| node.value),
            found.iter().map(|found| found.code).collect::<Vec<_>>(),
        )
    };
    for empty in ["", "\n", "# only a comment\n", "---\n", "\u{feff}"] {
        assert_eq!(one(empty), (Some(Value::Null), vec![]), "{empty:?}");
    }
    assert_eq!(one("a: 1\n---\nb: 2\n"), (None, vec![Code::Syntax]));
    assert_eq!(one("a: [\n"), (None, vec![Code::Syntax]));
}

#[test]
fn ten_megabytes_are_read_and_a_byte_more_is_not() {
    let text = |bytes: usize| format!("a: {}", "x".repeat(bytes - 3));
    assert!(read(&text(MAX_BYTES)).2.is_empty());
    assert_eq!(problem(&text(MAX_BYTES + 1)).0, Code::TooLarge);
}

#[test]
fn help_speaks_of_the_usual_causes() {
    for (text, underlined, help) in [
        ("a:\n\tb: 1\n", "\t", "replace the tab"),
        ("a: {b: ${ref:file.x.path}}\n", "{", "must be quoted"),
        ("a: [1, 2\nb: 3\n", ":", "brackets"),
        ("a: b: c\n", ":", "quote a text that holds `: `"),
        ("a: \0\n", "\0", "quote a text"),
        ("a: \"x\n", "\"", ""),
    ] {
        let (code, found, said) = problem(text);
        assert_eq!(
            (code, found.as_str()),
            (Code::Syntax, underlined),
            "{text:?}"
        );
        assert!(said.contains(help), "{text:?}: {said}");
    }
}

/// A document as people write it, for changing at random.
const DOCUMENTS: &[&str] = &[
    include_str!("../tests/board/story-show.json"),
    include_str!("../tests/board/session-current.json"),
    "a: &x {b: [1, 2.5, ~], c: 'it''s'}\nd: *x\ne: |2-\n   lit\n  x\nf: >+\n  folded\n  text\n\n? g\n: h\n- bad\n",
    "story: ENT-001\r\ntasks:\r\n  - id: T-1\r\n    description: \"\\u00fc \\\n      next \\x41\"\r\n",
];

fn changed() -> impl Strategy<Value = String> {
    let edit = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        "[\\PC\\t\\r\\n\\x00{}\\[\\]&*!|>'\"%@:,#-]{0,6}",
    );
    (
        prop::sample::select(DOCUMENTS),
        prop::collection::vec(edit, 1..6),
    )
        .prop_map(|(document, edits)| {
            let mut text = document.to_owned();
            for (from, to, insert) in edits {
                let (from, to) = (
                    text.floor_char_boundary(from.index(text.len() + 1)),
                    text.floor_char_boundary(to.index(text.len() + 1)),
                );
                text.replace_range(
                    from.min(to)..from.max(to).min(text.ceil_char_boundary(from.min(to) + 40)),
                    &insert,
                );
            }
            text
        })
}

fn spans_are_good(sources: &Sources, node: &Node) -> bool {
    let text = &sources.get(node.span.source).text;
    let good = text
        .get(node.span.start as usize..node.span.end as usize)
        .is_some();
    good && match &node.value {
        Value::Seq(items) => items.iter().all(|item| spans_are_good(sources, item)),
        Value::Map(map) => map.iter().all(|(_, node)| spans_are_good(sources, node)),
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::String(_) => {
            true
        }
    }
}

fn holds(text: &str) -> Result<(), TestCaseError> {
    let (sources, nodes, found) = read(text);
    prop_assert!(nodes.iter().all(|node| spans_are_good(&sources, node)));
    for label in found.iter().flat_map(|found| &found.labels) {
        prop_assert!(
            sources
                .get(label.span.source)
                .text
                .get(label.span.start as usize..label.span.end as usize)
                .is_some()
        );
        prop_assert!(sources.position(label.span).line >= 1);
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "(\\PC|[\\t\\r\\n\\x00\u{feff}\u{85}\u{2028}{}\\[\\]&*!|>'\"%@:,# -]){0,200}") {
        holds(&text)?;
    }

    #[test]
    fn no_change_of_a_real_document_is_too_strange(text in changed()) {
        holds(&text)?;
    }

    #[test]
    fn what_json_says_is_what_is_read(text in "\\PC{0,40}", number in any::<i64>()) {
        let json = serde_json::json!({ "text": text, "list": [number, { "inner": text }] });
        for written in [json.to_string(), format!("{json:#}")] {
            let (_, nodes, found) = read(&written);
            prop_assert!(found.is_empty(), "{found:?}");
            prop_assert_eq!(nodes[0].to_json(), json.clone());
        }
    }

    #[test]
    fn every_character_of_a_scalar_leads_to_where_it_was_written(text in "[a-z\u{fc}\u{1f600} \\\\\"':#\n-]{1,40}") {
        let json = serde_json::json!({ "d": text }).to_string();
        let (mut sources, nodes, _) = read(&json);
        let node = nodes[0].get("d").cloned();
        let Some((node, decoded)) = node.as_ref().and_then(|node| Some((node, node.as_str()?))) else { return Ok(()) };
        let inner = sources.add_embedded(node.span, decoded);
        for (at, c) in decoded.char_indices().filter(|(_, c)| c.is_alphabetic() || *c == '\u{1f600}') {
            let span = Span { source: inner, start: offset(at), end: offset(at + c.len_utf8()) };
            prop_assert_eq!(sources.slice(sources.outermost(span)), c.to_string());
        }
    }
}

#[test]
fn a_mapping_knows_of_a_dollar_however_deep_and_however_it_came() {
    let node = |text: &str| {
        let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
        let id = sources.add("a.yaml", text);
        parse_one(&sources, id, &mut out).expect("YAML")
    };
    assert!(!node("a: { b: [x, { c: 1 }] }").may_hold_dollar());
    assert!(node("a: { b: [x, { c: \"${env:x}\" }] }").may_hold_dollar());
    let (clean, dirty) = (node("a: x"), node("b: $"));
    let mut map = clean.as_map().expect("a mapping").clone();
    for key in ["a", "new"] {
        let mut map = map.clone();
        map.insert(key, dirty.clone());
        assert!(Node::map(clean.span, map).may_hold_dollar(), "{key}");
    }
    map.insert("a", clean.clone());
    assert!(!Node::map(clean.span, map).may_hold_dollar());
}

#[test]
fn equal_keys_of_one_file_share_their_text() {
    let (_, nodes, _) = read("a: { port: 1 }\nb: { port: 2 }\n");
    let key = |name: &str| {
        let (key, _) = nodes[0]
            .get(name)
            .and_then(Node::as_map)
            .and_then(|map| map.iter().next())
            .expect("one key");
        Arc::clone(key)
    };
    assert!(Arc::ptr_eq(&key("a"), &key("b")));
}
