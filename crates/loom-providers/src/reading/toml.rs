//! TOML: tables have no order, and mean the same below a header, between braces and under dotted keys.

use std::fmt::Write as _;

use loom_plan::drift::grade::Reading;
use toml_edit::{Document, Item, TableLike, Value};

pub(super) fn read(text: &str) -> Option<Reading> {
    let parsed = Document::parse(text).ok()?;
    let mut data = String::new();
    write_table(parsed.as_table(), &mut data);
    Some(Reading {
        data,
        comments: comments(text),
    })
}

/// A table in the one form that it has, its keys sorted.
fn write_table(table: &dyn TableLike, out: &mut String) {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    out.push('{');
    for (key, item) in entries {
        write!(out, "{key:?}:").expect("writing to a string cannot fail");
        write_item(item, out);
        out.push(',');
    }
    out.push('}');
}

fn write_item(item: &Item, out: &mut String) {
    match item {
        Item::None => {}
        Item::Value(value) => write_value(value, out),
        Item::Table(table) => write_table(table, out),
        Item::ArrayOfTables(tables) => {
            write_list(tables.iter(), |table, out| write_table(table, out), out);
        }
    }
}

fn write_list<T>(items: impl Iterator<Item = T>, write: impl Fn(T, &mut String), out: &mut String) {
    out.push('[');
    for item in items {
        write(item, out);
        out.push(',');
    }
    out.push(']');
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => write!(out, "{:?}", text.value()),
        Value::Integer(number) => write!(out, "{}", number.value()),
        // with its point, so that it is told from an integer
        Value::Float(number) => write!(out, "float {:?}", number.value()),
        Value::Boolean(boolean) => write!(out, "{}", boolean.value()),
        Value::Datetime(time) => write!(out, "time {}", time.value()),
        Value::Array(array) => {
            write_list(array.iter(), write_value, out);
            Ok(())
        }
        Value::InlineTable(table) => {
            write_table(table, out);
            Ok(())
        }
    }
    .expect("writing to a string cannot fail");
}

/// The comments of a text that is TOML: outside of quotes nothing else begins with `#`.
fn comments(text: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(['"', '\'', '#']) {
        rest = &rest[at..];
        let length = if rest.starts_with('#') {
            rest.find('\n').unwrap_or(rest.len())
        } else {
            quoted(rest)
        };
        if rest.starts_with('#') {
            found.push(rest[..length].trim().to_owned());
        }
        rest = &rest[length..];
    }
    found
}

/// How long the text between quotes is that something begins with.
fn quoted(text: &str) -> usize {
    let quote = &text[..1];
    let long = quote.repeat(3);
    let (close, mut at) = if text.starts_with(&long) {
        (long.as_str(), 3)
    } else {
        (quote, 1)
    };
    while at < text.len() && !text[at..].starts_with(close) {
        let escaped = quote == "\"" && text[at..].starts_with('\\');
        at += text[at..]
            .chars()
            .take(if escaped { 2 } else { 1 })
            .map(char::len_utf8)
            .sum::<usize>();
    }
    at = (at + close.len()).min(text.len());
    // the last of up to five quotes end a long text: those before them belong to it
    let more = text[at..]
        .bytes()
        .take(2)
        .take_while(|byte| close.len() == 3 && *byte == quote.as_bytes()[0])
        .count();
    at + more
}

#[cfg(test)]
mod tests {
    use super::super::tests::graded;
    use super::*;
    use crate::edit::tests::generate::{self, Dice};
    use loom_plan::drift::grade::Grade::{Comments, Content, Format};
    use loom_plan::keys::Format as _;
    use proptest::prelude::*;

    #[test]
    fn layout_quotes_notation_and_the_order_of_keys_are_format() {
        for (before, after) in [
            ("a = 1\nb = [1, 2]\n", "b = [\n  1,\n  2,\n]\n\na=1\n"),
            ("[a]\nb.c = \"x\"\n", "[a.b]\n'c' = 'x'\n"),
            ("[a]\nb = { c = 1 }\n", "a.b.c = 1\n"),
            (
                "[[a]]\nb = 1\n[[a]]\nb = 2\n",
                "a = [{ b = 1 }, { b = 2 }]\n",
            ),
            ("a = 1000\nb = 255\n", "a = 1_000\nb = 0xff\n"),
            ("a = \"one\\ntwo\\n\"\n", "a = '''\none\ntwo\n'''\n"),
            ("a = 1979-05-27T07:32:00Z\n", "a = 1979-05-27 07:32:00z\n"),
        ] {
            assert_eq!(
                graded("a.toml", before, after),
                Format,
                "{before:?} {after:?}"
            );
        }
    }

    #[test]
    fn a_comment_is_told_from_the_data_around_it() {
        for (before, after, grade) in [
            ("a = 1\n", "# why\na = 1\n", Comments),
            ("a = 1 # one\n", "a = 1\n", Comments),
            ("a = [\n  1, # one\n]\n", "a = [\n  1, # uno\n]\n", Comments),
            ("[a] # one\n", "[a] # uno\n", Comments),
            ("a = 1 # it's\n", "a = 1 # its\n", Comments),
            ("a = 1 # one\n", "a  =  1    # one   \n", Format),
            ("a = '# one'\n", "a = '# uno'\n", Content),
            (
                "a = \"\"\"\n# one\"\"\"\n",
                "a = \"\"\"\n# uno\"\"\"\n",
                Content,
            ),
            ("\"a#b\" = 1\n", "\"a#c\" = 1\n", Content),
        ] {
            assert_eq!(
                graded("a.toml", before, after),
                grade,
                "{before:?} {after:?}"
            );
        }
    }

    #[test]
    fn quotes_end_where_the_specification_ends_them() {
        for text in [
            "'' # c",
            "\"\\\"# no\" # c",
            "'\\' # c",
            "''''''' # c",
            "\"\"\"a \\\"\"\"\"\"\" # c",
            "\"\"\"\"\"\"\"\" # c",
            "'''a'' # no''' # c",
        ] {
            let document = format!("a = {text}\n");
            assert_eq!(
                read(&document).expect("TOML").comments,
                ["# c"],
                "{document}"
            );
        }
    }

    #[test]
    fn what_a_program_could_tell_apart_is_content() {
        for (before, after) in [
            ("a = 1\n", "a = \"1\"\n"),
            ("a = 1\n", "a = 1.0\n"),
            ("a = 0.0\n", "a = -0.0\n"),
            ("a = [1, 2]\n", "a = [2, 1]\n"),
            ("[a]\n", ""),
            ("a = {}\n", "a = []\n"),
            ("a = 1979-05-27\n", "a = \"1979-05-27\"\n"),
            ("a = 07:32:00\n", "a = 07:32:00.5\n"),
            ("[[a]]\n", "[a]\n"),
            ("a = 1\n", "a = 1 1\n"),
        ] {
            assert_eq!(
                graded("a.toml", before, after),
                Content,
                "{before:?} {after:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_comment_and_a_blank_line_never_change_what_a_text_says(bytes in proptest::collection::vec(any::<u8>(), 200)) {
            let text = generate::toml(&mut Dice::new(bytes));
            prop_assume!(read(&text).is_some());
            prop_assert_eq!(graded("a.toml", &text, &format!("# it's \"new\"\n{text}")), Comments);
            prop_assert_eq!(graded("a.toml", &text, &format!("\n{text}\n\n")), Format);
        }

        #[test]
        fn a_value_that_goes_is_content_as_it_is_to_the_editor(bytes in proptest::collection::vec(any::<u8>(), 200)) {
            let text = generate::toml(&mut Dice::new(bytes));
            let Ok(data) = crate::edit::Toml.read(&text) else { return Ok(()) };
            for leaf in data.leaves() {
                let change = loom_plan::keys::Change::take(std::slice::from_ref(&leaf));
                let Ok(Some(after)) = crate::edit::Toml.edit(&text, change).map(|edited| edited.text) else { continue };
                let differs = crate::edit::Toml.read(&after).is_ok_and(|after| after != data);
                prop_assert_eq!(graded("a.toml", &text, &after) == Content, differs, "{}: {}", leaf, text);
            }
        }

        #[test]
        fn comments_are_found_whatever_stands_in_a_text(bytes in proptest::collection::vec(any::<u8>(), 200)) {
            let text = generate::toml(&mut Dice::new(bytes));
            let Some(reading) = read(&text) else { return Ok(()) };
            // the generator writes these comments, and `#` in texts too
            prop_assert!(reading.comments.iter().all(|comment| ["# head", "# about", "# header", "# behind", "# between", "# one", "# two"].contains(&comment.as_str())), "{:?}\n{}", reading.comments, text);
        }
    }
}
