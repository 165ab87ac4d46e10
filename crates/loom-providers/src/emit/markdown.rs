//! Markdown as GitHub reads it.
//!
//! In: text of people. Out: the same text where nothing in it is markup, as text, code, link or
//! cell of a table. Line ends in what stands on one line become blanks.

use unicode_width::UnicodeWidthStr as _;

/// Text that is shown as it is, on one line; may stand at the beginning of a line.
pub fn escape(text: &str) -> String {
    let text = one_line(text);
    let mut out = String::with_capacity(text.len() + 8);
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let inside_a_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let special = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' => true,
            '_' => !(inside_a_word(before) && inside_a_word(chars.peek().copied())),
            '#' | '+' | '-' | '=' | ':' => out.is_empty(),
            '.' | ')' => !out.is_empty() && out.bytes().all(|b| b.is_ascii_digit()),
            _ => false,
        };
        if special {
            out.push('\\');
        }
        out.push(c);
        before = Some(c);
    }
    out
}

/// A code span. Its fence is longer than any run of backquotes inside.
pub fn code(text: &str) -> String {
    let text = one_line(text);
    if text.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A fenced block. `language` is a word such as `sh`.
pub fn fence(language: &str, body: &str) -> String {
    let word: String = language
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+'))
        .collect();
    let body = body.replace("\r\n", "\n").replace('\r', "\n");
    let fence = "`".repeat(longest_run(&body).max(2) + 1);
    let newline = if body.is_empty() || body.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{fence}{word}\n{body}{newline}{fence}\n")
}

/// A link; a target that is neither relative nor of the web or mail is shown as code instead.
pub fn link(text: &str, target: &str) -> String {
    let target = target.trim();
    let scheme = target
        .split_once(':')
        .map(|(scheme, _)| scheme)
        .filter(|scheme| !scheme.contains(['/', '#', '?', '.']));
    let known = scheme.is_none_or(|scheme| {
        ["http", "https", "mailto"].contains(&scheme.to_ascii_lowercase().as_str())
    });
    if !known || target.is_empty() {
        return format!("{} {}", escape(text), code(target))
            .trim_end()
            .to_owned();
    }
    let mut written = String::new();
    for c in target.chars() {
        if c.is_whitespace()
            || c.is_control()
            || matches!(
                c,
                '(' | ')' | '<' | '>' | '\\' | '"' | '`' | '|' | '[' | ']' | '*'
            )
        {
            let mut bytes = [0; 4];
            written.extend(c.encode_utf8(&mut bytes).bytes().flat_map(percent));
        } else {
            written.push(c);
        }
    }
    format!("[{}]({written})", escape(text))
}

fn percent(byte: u8) -> [char; 3] {
    let digit = |value: u8| {
        char::from_digit(u32::from(value), 16)
            .unwrap_or('0')
            .to_ascii_uppercase()
    };
    ['%', digit(byte >> 4), digit(byte & 15)]
}

/// A table whose columns are aligned. Headers and cells are Markdown already.
pub fn table<const N: usize>(headers: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows
        .iter()
        .map(|row| std::array::from_fn(|column| cell(&row[column])))
        .collect();
    let headers: [String; N] = headers.map(cell);
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].width());
        cells.chain([headers[column].width(), 3]).max().unwrap_or(3)
    });
    let line = |cells: &[String; N]| -> String {
        let padded = cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!(" {cell}{:1$} |", "", width - cell.width()));
        std::iter::once("|".to_owned())
            .chain(padded)
            .chain(["\n".to_owned()])
            .collect()
    };
    let ruler = widths.map(|width| "-".repeat(width));
    let mut out = line(&headers) + &line(&ruler);
    out.extend(rows.iter().map(line));
    out
}

/// A cell in which no `|` ends it.
fn cell(markdown: &str) -> String {
    let mut out = String::new();
    let markdown = one_line(markdown);
    let mut chars = markdown.chars();
    while let Some(c) = chars.next() {
        if c == '|' {
            out.push('\\');
        }
        out.push(c);
        if c == '\\' {
            out.extend(chars.next());
        }
    }
    if out.ends_with('\\') && !out.ends_with("\\\\") {
        out.push('\\');
    }
    out
}

fn one_line(text: &str) -> String {
    let hidden = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    text.chars()
        .map(|c| if c.is_control() || hidden(c) { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::HOSTILE;

    #[test]
    fn text_is_escaped_where_it_would_be_markup_and_only_there() {
        for (text, written) in [
            ("snake_case and _this_", "snake_case and \\_this\\_"),
            ("# not a heading", "\\# not a heading"),
            ("- not - a list", "\\- not - a list"),
            ("1. not a list", "1\\. not a list"),
            ("v1.2.3 (latest), really!", "v1.2.3 (latest), really!"),
            ("![x](javascript:y)", "!\\[x\\](javascript:y)"),
            ("<script>&amp;</script>", "\\<script\\>\\&amp;\\</script\\>"),
            ("a\n\n# b", "a  # b"),
        ] {
            assert_eq!(escape(text), written);
        }
    }

    #[test]
    fn no_markup_is_left_unescaped_in_hostile_text() {
        for text in HOSTILE {
            let written = escape(text);
            assert!(!written.contains('\n'));
            let mut chars = written.chars();
            while let Some(c) = chars.next() {
                match c {
                    '\\' => assert!(
                        chars.next().is_some_and(|c| c.is_ascii_punctuation()),
                        "{written}"
                    ),
                    c => assert!(!"`*[]<>|~&$".contains(c), "{written}"),
                }
            }
        }
    }

    #[test]
    fn a_code_span_cannot_be_left() {
        for text in HOSTILE.iter().chain(&["`", "``", "a`b``c", "` x `"]) {
            let written = code(text);
            let fence = written.len() - written.trim_start_matches('`').len();
            let runs = written
                .split(|c| c != '`')
                .filter(|run| !run.is_empty() && run.len() == fence)
                .count();
            assert!(written.is_empty() || runs == 2, "{written}");
        }
        assert_eq!(code("npm run x"), "`npm run x`");
    }

    #[test]
    fn a_fence_is_longer_than_any_inside() {
        assert_eq!(fence("sh", "a\n"), "```sh\na\n```\n");
        assert_eq!(fence("sh\n```\nx", "````\nx"), "`````shx\n````\nx\n`````\n");
    }

    #[test]
    fn a_link_leads_where_it_says_or_is_none() {
        assert_eq!(
            link("Logs", "https://a.b/c?d=(e f)"),
            "[Logs](https://a.b/c?d=%28e%20f%29)"
        );
        assert_eq!(link("x](y", "docs/a.md#b"), "[x\\](y](docs/a.md#b)");
        assert_eq!(link("x", "javascript:alert(1)"), "x `javascript:alert(1)`");
        assert_eq!(link("x", "JavaScript:y"), "x `JavaScript:y`");
    }

    #[test]
    fn tables_are_aligned_by_what_is_seen() {
        let rows = [
            [code("A|B"), escape("a|b\\")],
            ["日本".to_owned(), String::new()],
        ];
        assert_eq!(
            table(["Name", "What"], &rows),
            "| Name   | What   |\n| ------ | ------ |\n| `A\\|B` | a\\|b\\\\ |\n| 日本   |        |\n"
        );
    }
}
