//! YAML, and JSON, which is read as the YAML that it is.
//!
//! Keys have no order. A plain scalar that readers of YAML 1.1 take for something else is kept apart
//! from the same text in quotes: to Kubernetes and many others `yes` is a truth value.

use std::fmt::Write as _;

use granit_parser::{Event, Parser, ScalarStyle, options};
use loom_plan::diag::Diagnostics;
use loom_plan::drift::grade::Reading;
use loom_plan::node::{self, Node, Value};
use loom_plan::text::Sources;

use crate::emit::yaml::is_ambiguous;

pub(super) fn read(text: &str) -> Option<Reading> {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let id = sources.add("", text);
    let documents = node::parse(&sources, id, &mut diagnostics);
    if diagnostics.has_errors() {
        return None;
    }
    let mut data = String::new();
    for document in &documents {
        write_node(document, &mut data);
        data.push('\n');
    }
    let (comments, mut plain) = surface(text)?;
    plain.sort();
    data.extend(plain.iter().map(|text| format!("plain {text}\n")));
    Some(Reading { data, comments })
}

/// The comments, and the plain scalars that mean different things to different readers.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's list of events is open; others say nothing of the surface"
)]
fn surface(text: &str) -> Option<(Vec<String>, Vec<String>)> {
    let (mut comments, mut plain) = (Vec::new(), Vec::new());
    for event in Parser::new_from_str_with_options(text, options! { emit_comments: true }) {
        match event.ok()?.0 {
            Event::Comment(comment, _) => comments.push(comment.trim().to_owned()),
            Event::Scalar(text, ScalarStyle::Plain, ..)
                if is_ambiguous(&text) && !is_nothing(&text) =>
            {
                plain.push(text.into_owned());
            }
            _ => {}
        }
    }
    Some((comments, plain))
}

/// Every reader takes these for nothing.
fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// A value in the one form of its kind, the keys of mappings sorted.
fn write_node(node: &Node, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => write!(out, "{value}").expect("writing to a string cannot fail"),
        Value::Integer(value) => write!(out, "{value}").expect("writing to a string cannot fail"),
        Value::Float(float) => {
            write!(out, "float {}", float.text).expect("writing to a string cannot fail");
        }
        Value::String(text) => write!(out, "{text:?}").expect("writing to a string cannot fail"),
        Value::Seq(items) => {
            out.push('[');
            items.iter().for_each(|item| {
                write_node(item, out);
                out.push(',');
            });
            out.push(']');
        }
        Value::Map(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (key, value) in entries {
                write!(out, "{key:?}:").expect("writing to a string cannot fail");
                write_node(value, out);
                out.push(',');
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::graded;
    use loom_plan::drift::grade::Grade::{Comments, Content, Format};

    #[test]
    fn layout_quotes_and_the_order_of_keys_are_format() {
        for (before, after) in [
            ("a: 1\nb: [x, z]\n", "b:\n  - x\n  - \"z\"\n\n\na:   1\n"),
            ("a: { b: one }\n", "---\na:\n    b: 'one'\n"),
            ("a: |\n  one\n  two\n", "a: \"one\\ntwo\\n\"\n"),
            ("a: null\n", "a: ~\n"),
            ("a: 1\n---\nb: 2\n", "a: 1\n\n---\n\nb: 2\n"),
        ] {
            assert_eq!(
                graded("a.yml", before, after),
                Format,
                "{before:?} {after:?}"
            );
        }
        assert_eq!(
            graded(
                "a.json",
                "{\"a\": [1, 2]}\n",
                "{\n  \"a\": [\n    1,\n    2\n  ]\n}"
            ),
            Format
        );
    }

    #[test]
    fn a_comment_is_told_from_the_data_around_it() {
        assert_eq!(graded("a.yml", "a: 1\n", "# why\na: 1\n"), Comments);
        assert_eq!(graded("a.yml", "a: 1 # one\n", "a: 1\n"), Comments);
        assert_eq!(
            graded("a.yml", "a: 1 # one\n", "a:   1   #   one\n"),
            Format
        );
        assert_eq!(graded("a.yml", "a: 'x # y'\n", "a: x\n"), Content);
    }

    #[test]
    fn what_a_program_could_tell_apart_is_content() {
        for (before, after) in [
            ("a: 1\n", "a: \"1\"\n"),
            ("a: 1\n", "a: 1.0\n"),
            ("a: \"yes\"\n", "a: yes\n"),
            ("a: \"on\"\n", "a: on\n"),
            ("a: '012'\n", "a: 012\n"),
            ("a: [1, 2]\n", "a: [2, 1]\n"),
            ("a: null\n", "{}\n"),
            ("a: .nan\n", "a: null\n"),
            ("a: 1\nb: 2\n", "a: 1\n---\nb: 2\n"),
            ("a: 1\n", "a: [\n"),
            ("{{ a }}\n", "{{ a }} \n"),
        ] {
            assert_eq!(
                graded("a.yml", before, after),
                Content,
                "{before:?} {after:?}"
            );
        }
    }
}
