//! Values in a secret's place in any text: `API_TOKEN=…`, `"apiKey": "…"`, `password: …`,
//! `--token …`, `<password>…</password>`, `name: DB_PASSWORD` and its `value: …`.
//!
//! In: the place of a word such as `token`. Out: the range of the value that is given to the name in
//! which it stands. What the name says is in `name`, what the value says in `value`.

use std::ops::Range;

use super::name::Named;
use super::value::{self, Written};
use super::{Found, rule};

/// Words in names of secrets.
pub(super) const WORDS: &[&str] = &[
    "pass", "pwd", "pswd", "secret", "token", "key", "cred", "auth", "salt", "psk", "jwt", "hmac",
    "bearer", "mnemonic", "pepper",
];

/// How long a name may be.
const NAME: usize = 100;
/// How long a value may be: what goes on longer without an end is none.
const VALUE: usize = 600;

/// The name around a place, and the value that it is given, if that is one of a secret.
pub(super) fn at(text: &str, word: &Range<usize>) -> (Range<usize>, Option<Found>) {
    let name = name_around(text.as_bytes(), word);
    let found = given(text, &name);
    (name, found)
}

fn name_around(bytes: &[u8], word: &Range<usize>) -> Range<usize> {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let before = |byte: &&u8| letter(byte) || **byte == b'.';
    let left = bytes[..word.start]
        .iter()
        .rev()
        .take(NAME)
        .take_while(before)
        .count();
    let right = bytes[word.end..]
        .iter()
        .take(NAME)
        .take_while(|byte| letter(byte))
        .count();
    let mut start = word.start - left;
    // the letter of an escape is none of the name
    if start > 0
        && bytes[start - 1] == b'\\'
        && matches!(bytes[start], b'n' | b'r' | b't')
        && start < word.start
    {
        start += 1;
    }
    start..word.end + right
}

fn given(text: &str, name: &Range<usize>) -> Option<Found> {
    let bytes = text.as_bytes();
    let before = name.start.checked_sub(1).map(|at| bytes[at]);
    if matches!(before, Some(b'/' | b'@')) {
        return None;
    }
    let word = text[name.clone()].trim_start_matches(['-', '.']);
    let named = Named::of(word)?;
    let option = text[name.clone()].starts_with("--");
    let start = value_start(text, name, option, before)?;
    let (range, quoted) = value_at(text, start)?;
    let query = matches!(before, Some(b'?' | b'&'));
    let range = match text[range.clone()].find('&') {
        Some(end) if query => range.start..range.start + end,
        Some(_) | None => range,
    };
    if !quoted && text[range.clone()].contains('(') {
        return None;
    }
    let shouted = !word.bytes().any(|byte| byte.is_ascii_lowercase());
    let written = if quoted || shouted || query || option || before == Some(b';') {
        Written::Literal
    } else {
        Written::Bare
    };
    let what = value::judge(named, &text[range.clone()], written)?;
    Some(Found { range, what })
}

/// Where the value of a name begins; nothing if none is given.
fn value_start(text: &str, name: &Range<usize>, option: bool, before: Option<u8>) -> Option<usize> {
    let rest = &text[name.end..];
    let blank = [' ', '\t'];
    let after = skip_quote(rest)
        .trim_start_matches(']')
        .trim_start_matches(blank);
    let separators = [":=", "=>", "==", "?=", "+=", ":", "="];
    // `getenv("API_KEY", "…")`
    let argument = || {
        let is_quoted = matches!(before, Some(b'"' | b'\''));
        let rest = after.strip_prefix(',').filter(|_| is_quoted)?;
        rest.trim_start_matches(blank)
            .starts_with(['"', '\''])
            .then_some(rest)
    };
    let separated = separators
        .iter()
        .find_map(|separator| after.strip_prefix(separator))
        .or_else(argument);
    let rest = match separated {
        Some(rest) if rest.starts_with(':') => return None,
        Some(rest) => rest,
        None if before == Some(b'<') => after.strip_prefix('>')?,
        None => match paired(after) {
            Some(rest) => rest,
            None if (option || is_set(&text[..name.start])) && rest.starts_with(blank) => after,
            None => return None,
        },
    };
    let rest = rest.trim_start_matches(blank);
    // a block of YAML: the value stands on the next line
    let block = rest
        .strip_prefix(['|', '>'])
        .map(|rest| rest.trim_start_matches(['-', '+', ' ']));
    let rest = block
        .and_then(|rest| rest.strip_prefix('\n'))
        .map_or(rest, |rest| rest.trim_start_matches(blank));
    Some(text.len() - rest.len())
}

/// `name: DB_PASSWORD`, and beside it `value:`, as Kubernetes and Compose write a variable.
fn paired(after: &str) -> Option<&str> {
    let beside = after.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    let quoted = skip_quote(beside);
    let rest = quoted.strip_prefix("value")?;
    let rest = skip_quote(rest).trim_start_matches([' ', '\t']);
    rest.strip_prefix([':', '='])
}

/// `ENV NAME value`, `set NAME value`.
fn is_set(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t']);
    ["ENV", "setx", "ARG"].iter().any(|word| {
        before.ends_with(word)
            && !rule::is_word_before(before.as_bytes(), before.len() - word.len())
    })
}

/// The text without the quote that it begins with, escaped or not.
fn skip_quote(text: &str) -> &str {
    let rest = text.trim_start_matches('\\');
    rest.strip_prefix(['"', '\'', '`']).unwrap_or(text)
}

/// The value at a place, without its quotes, and whether it has some.
fn value_at(text: &str, start: usize) -> Option<(Range<usize>, bool)> {
    let limit = text.floor_char_boundary(text.len().min(start + VALUE));
    let rest = &text[start..limit];
    let inner = skip_quote(rest);
    let start = limit - inner.len();
    let quote = (inner.len() < rest.len()).then(|| text.as_bytes()[start - 1]);
    let end = length(inner, quote);
    if start + end >= limit && limit < text.len() {
        return None;
    }
    let value = inner[..end].trim_end_matches('\\');
    (!value.is_empty()).then(|| (start..start + value.len(), quote.is_some()))
}

/// How far a value goes. What is put in later may hold anything: `${{ secrets.A }}`.
fn length(text: &str, quote: Option<u8>) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        let ends = match quote {
            Some(quote) => byte == quote || byte == b'\n',
            None => match byte {
                b'\\' => matches!(
                    bytes.get(at + 1),
                    Some(b'n' | b'r' | b't' | b'"' | b'\'' | b'\\')
                ),
                b'"' | b'\'' | b'`' | b',' | b';' | b')' | b']' | b'}' | b'<' | b'|' => true,
                byte => byte.is_ascii_whitespace(),
            },
        };
        if ends {
            return at;
        }
        let open = [("${{", "}}"), ("${", "}"), ("{{", "}}"), ("$(", ")")];
        let close = matches!(byte, b'$' | b'{')
            .then(|| {
                open.iter()
                    .find(|(open, _)| bytes[at..].starts_with(open.as_bytes()))
            })
            .flatten();
        at = match close.map(|(_, close)| text[at..].find(close).map(|end| end + close.len())) {
            Some(Some(length)) => at + length,
            Some(None) => at + 2,
            None => at + 1,
        };
    }
    bytes.len()
}
