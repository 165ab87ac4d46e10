//! Private keys in the text form of RFC 7468 and its relatives (PGP, SSH2).
//!
//! In: the place of `PRIVATE KEY`. Out: the range of the whole key, as far as its end line or, where
//! that is missing, as far as its lines go. A line that only names such a key (`grep -q 'BEGIN RSA
//! PRIVATE KEY'`) has no body and is none.

use std::ops::Range;

use super::Found;

/// The key in whose first line the literal stands.
pub(super) fn at(text: &str, literal: &Range<usize>) -> Option<Found> {
    let line = text[..literal.start].rfind("BEGIN ")?;
    let label = text.get(line + "BEGIN ".len()..literal.end)?;
    let is_label = label.len() <= 40
        && label
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
    let before = text[..line].trim_end_matches(' ');
    let start = before.trim_end_matches('-').len();
    if !is_label || before.len() - start < 4 {
        return None;
    }
    let rest = text[literal.end..]
        .trim_start_matches(" BLOCK")
        .trim_start_matches(' ');
    let body = text.len() - rest.trim_start_matches('-').len();
    if text.len() - rest.len() + 4 > body || !has_body(&text[body..]) {
        return None;
    }
    let close = format!("END {}", &text[line + "BEGIN ".len()..literal.end]);
    let lines = body + length_of_lines(&text[body..]);
    let end =
        match text[body..text.len().min(text.ceil_char_boundary(body + 64 * 1024))].find(&close) {
            Some(end) => {
                let after = body + end + close.len();
                let tail = text[after..]
                    .trim_start_matches(" BLOCK")
                    .trim_start_matches([' ', '-']);
                text.len() - tail.len()
            }
            None => lines,
        };
    Some(Found {
        range: start..end,
        what: "a private key",
    })
}

/// What may stand between the lines of a key: line ends, also escaped ones, indentation, and what a
/// program or a difference puts around lines.
fn filler(text: &str) -> usize {
    let mut rest = text;
    loop {
        let escape = ["\\\\n", "\\n", "\\\\r", "\\r"]
            .iter()
            .find_map(|escape| rest.strip_prefix(escape));
        let next = escape.unwrap_or_else(|| {
            rest.strip_prefix(|c: char| {
                c.is_whitespace()
                    || matches!(c, '"' | '\'' | '+' | '-' | '|' | ',' | '>' | '*' | '#')
            })
            .unwrap_or(rest)
        });
        if next.len() == rest.len() {
            return text.len() - rest.len();
        }
        rest = next;
    }
}

fn run(text: &str) -> usize {
    let of_line = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    text.bytes().take_while(|byte| of_line(byte)).count()
}

/// Whether a key follows its first line, and not something else.
fn has_body(text: &str) -> bool {
    let between = filler(text);
    let length = run(&text[between..]);
    let between = &text[..between];
    let line_end = between.contains('\n') || between.contains("\\n");
    let plain = between
        .trim_matches(|c: char| c.is_whitespace() || matches!(c, '\\' | 'n' | 'r'))
        .is_empty();
    let header = ["Proc-Type:", "Version:", "Comment:", "Subject:"]
        .iter()
        .any(|header| text[between.len()..].starts_with(header));
    match (line_end, plain) {
        (true, true) => length >= 8 || header,
        (true, false) => length >= 16 || header,
        (false, _) => length >= 32,
    }
}

fn length_of_lines(text: &str) -> usize {
    let mut end = 0;
    loop {
        let between = filler(&text[end..]);
        let length = run(&text[end + between..]);
        if length < 8 {
            return end;
        }
        end += between + length;
    }
}
