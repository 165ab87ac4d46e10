//! YAML: a tree of values becomes a text that every reader takes for the same tree.
//!
//! In: [`Node`]s. Out: block style, indented by two, sequences indented below their key, texts of
//! several lines as literal blocks, quotes only where a reader would otherwise see something else.
//!
//! Invariants, tested below over nasty texts and generated trees: the readers of YAML 1.2
//! (`loom_plan::node`) and of the libyaml family read back what went in, a plain scalar means the
//! same by the rules of YAML 1.1 and 1.2, no line ends in a blank, no character that changes how
//! the text around it is shown stands there unescaped.
//!
//! Deliberately not here: anchors, tags, flow style, folded text. Why this is written by hand is
//! in `docs/decisions/0010-yaml-emitter.md`.

use std::borrow::Cow;
use std::fmt::Write as _;

use loom_plan::node::{Float, Map, Node, Value};

/// What is special about a format that is written in YAML.
#[derive(Clone, Copy, Default)]
pub struct Style<'a> {
    /// Keys of the outermost mapping that are written plain in any case: GitHub's `on`.
    pub plain_keys: &'a [&'a str],
    /// Replaces a text and puts a comment behind it.
    pub pin: Option<&'a Pin<'a>>,
}

/// For the path of keys to a text (`[]` for an item of a list) and the text: what to write.
pub type Pin<'a> = dyn Fn(&[&str], &str) -> Option<Pinned> + 'a;

/// A text that is written in place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// The text.
    pub value: String,
    /// What stands behind it as a comment.
    pub comment: String,
}

/// One document.
pub fn document(node: &Node) -> String {
    styled(node, Style::default())
}

/// Several documents, with `---` between them.
pub fn documents(nodes: &[Node]) -> String {
    nodes.iter().map(document).collect::<Vec<_>>().join("---\n")
}

/// One document in the style of its format.
pub fn styled(node: &Node, style: Style<'_>) -> String {
    let mut writer = Writer {
        out: String::new(),
        path: Vec::new(),
        style,
    };
    writer.value(node, 0, After::Start);
    writer.out
}

/// A text as a scalar on one line: plain, or in quotes where it must be.
pub fn scalar(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return text.into();
    }
    let escapes = text
        .chars()
        .any(|c| needs_escape(c) || matches!(c, '\n' | '\t' | '\''));
    if !escapes && text.contains(['"', '\\']) {
        format!("'{text}'").into()
    } else {
        double_quoted(text).into()
    }
}

/// What stands on the line in front of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Start,
    Key,
    Dash,
}

struct Writer<'a> {
    out: String,
    path: Vec<&'a str>,
    style: Style<'a>,
}

/// Longer keys are written with `?`: a reader looks for the `:` of an implicit key in the next
/// 1024 characters only (YAML 1.2.2, section 8.2.2).
const IMPLICIT_KEY: usize = 1000;

impl<'a> Writer<'a> {
    /// Writes a value, and the end of its last line; lines of its own begin at `indent`.
    fn value(&mut self, node: &'a Node, indent: usize, after: After) {
        match &node.value {
            Value::Map(map) if !map.is_empty() => {
                self.begin(after);
                self.map(map, indent, after != After::Dash);
            }
            Value::Seq(items) if !items.is_empty() => {
                self.begin(after);
                self.seq(items, indent, after != After::Dash);
            }
            Value::Null => self.line("null", after),
            Value::Bool(value) => self.line(if *value { "true" } else { "false" }, after),
            Value::Integer(value) => self.line(&value.to_string(), after),
            Value::Float(float) => self.line(&number(float), after),
            Value::String(text) => self.text(text, indent, after),
            Value::Seq(_) => self.line("[]", after),
            Value::Map(_) => self.line("{}", after),
        }
    }

    fn begin(&mut self, after: After) {
        match after {
            After::Start => {}
            After::Key => self.out.push('\n'),
            After::Dash => self.out.push(' '),
        }
    }

    fn map(&mut self, map: &'a Map, indent: usize, mut own_line: bool) {
        for (key, node) in map.iter() {
            if own_line {
                self.pad(indent);
            }
            own_line = true;
            self.key(key, indent);
            self.path.push(key);
            self.value(node, indent + 2, After::Key);
            self.path.pop();
        }
    }

    fn key(&mut self, key: &str, indent: usize) {
        if self.path.is_empty() && self.style.plain_keys.contains(&key) {
            self.out.push_str(key);
        } else {
            let written = scalar(key);
            if written.len() > IMPLICIT_KEY {
                self.out.push_str("? ");
                self.out.push_str(&written);
                self.out.push('\n');
                self.pad(indent);
            } else {
                self.out.push_str(&written);
            }
        }
        self.out.push(':');
    }

    fn seq(&mut self, items: &'a [Node], indent: usize, mut own_line: bool) {
        self.path.push("[]");
        for node in items {
            if own_line {
                self.pad(indent);
            }
            own_line = true;
            self.out.push('-');
            self.value(node, indent + 2, After::Dash);
        }
        self.path.pop();
    }

    fn text(&mut self, text: &str, indent: usize, after: After) {
        let pinned = self.style.pin.and_then(|pin| pin(&self.path, text));
        match pinned {
            Some(Pinned { value, comment }) => self.line(
                &format!("{} # {}", scalar(&value), one_line(&comment)),
                after,
            ),
            None if is_literal(text) => self.literal(text, indent.max(2), after),
            None => self.line(&scalar(text), after),
        }
    }

    fn literal(&mut self, text: &str, indent: usize, after: After) {
        self.line(if text.ends_with('\n') { "|" } else { "|-" }, after);
        for line in text.lines() {
            if !line.is_empty() {
                self.pad(indent);
            }
            self.out.push_str(line);
            self.out.push('\n');
        }
    }

    fn line(&mut self, text: &str, after: After) {
        if after != After::Start {
            self.out.push(' ');
        }
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn pad(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }
}

/// A comment cannot hold a line end, nor anything that changes how its line is shown.
fn one_line(comment: &str) -> String {
    comment
        .chars()
        .map(|c| if c == '\n' || needs_escape(c) { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Whether a text of several lines can be written as a literal block as it is: no line ends in a
/// blank, the first begins with neither blank nor line end (it would need an indentation
/// indicator, on which readers disagree), and there is at most one line end at its end.
fn is_literal(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\t', '\n'])
        && !text.ends_with("\n\n")
        && text.lines().all(|line| !line.ends_with([' ', '\t']))
        && !text.chars().any(|c| c != '\n' && needs_escape(c))
}

/// Whether a character must be written as an escape: not printable by YAML, a line end to some
/// readers only, or invisible, or one that reorders the text around it.
fn needs_escape(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        '\u{85}' | '\u{a0}' | '\u{ad}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        _ => c.is_control(),
    }
}

fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if needs_escape(c) => {
                let code = u32::from(c);
                let written = if code < 0x100 {
                    write!(out, "\\x{code:02x}")
                } else {
                    write!(out, "\\u{code:04x}")
                };
                written.expect("writing to a String cannot fail");
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Whether a text can stand without quotes in block style and is read as that text by every rule.
fn is_plain(text: &str) -> bool {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return false;
    };
    let begins = match first {
        '-' => chars.next().is_some_and(|second| second != ' ') && !text.starts_with("---"),
        '.' => !text.starts_with("..."),
        '/' | '_' | '$' | '(' | ')' | '+' | '^' | ';' | '<' | '=' | '\\' | '~' => true,
        c => c.is_ascii_alphanumeric() || !c.is_ascii(),
    };
    begins
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text
            .chars()
            .any(|c| matches!(c, '\n' | '\t') || needs_escape(c))
        && !is_ambiguous(text)
}

/// Whether some reader would take a plain text for something other than a text: the types of YAML
/// 1.1 (<https://yaml.org/type/>) and of the core schema of 1.2.2 (section 10.3.2), and what
/// widespread readers add to them (`1,000` in Ruby's).
pub(crate) fn is_ambiguous(text: &str) -> bool {
    if text.len() <= 5 {
        let word = text.to_ascii_lowercase();
        let words = [
            "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<", ".inf",
            ".nan",
        ];
        if words.contains(&word.as_str()) || matches!(word.as_str(), "+.inf" | "-.inf") {
            return true;
        }
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = unsigned.strip_prefix('.').unwrap_or(unsigned);
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '_')
        && (is_number(unsigned) || is_date(unsigned))
}

/// Whole numbers of any base, with `_` or `,`; sexagesimals; floats. Wider than any one reader's
/// rule, but for texts with two dots, which are versions and addresses to all of them.
fn is_number(unsigned: &str) -> bool {
    if let Some(digits) = unsigned
        .strip_prefix('0')
        .and_then(|rest| rest.strip_prefix(['x', 'X', 'o', 'O', 'b', 'B']))
    {
        return digits.bytes().all(|b| b.is_ascii_hexdigit() || b == b'_');
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let sexagesimal = unsigned.contains(':');
    mantissa
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'_' | b',' | b':' | b'.'))
        && (sexagesimal || mantissa.bytes().filter(|b| *b == b'.').count() <= 1)
        && exponent.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

/// Whatever begins as a timestamp does: `2026-11-2`.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (year, rest) = bytes.split_at(bytes.len().min(4));
    year.iter().all(u8::is_ascii_digit)
        && rest.first() == Some(&b'-')
        && rest.get(1).is_some_and(u8::is_ascii_digit)
}

/// A number as both versions of YAML read it: as written where they agree on that, else by value.
fn number(float: &Float) -> Cow<'_, str> {
    if float.value.is_nan() {
        return ".nan".into();
    }
    if float.value.is_infinite() {
        return if float.value > 0.0 {
            ".inf".into()
        } else {
            "-.inf".into()
        };
    }
    if float.whole().is_some() || is_common_number(&float.text) {
        return float.text.as_ref().into();
    }
    let shortest = format!("{:?}", float.value);
    match shortest.split_once('e') {
        None => shortest.into(),
        Some((mantissa, exponent)) => {
            let mantissa = if mantissa.contains('.') {
                mantissa.to_owned()
            } else {
                format!("{mantissa}.0")
            };
            let sign = if exponent.starts_with('-') { "" } else { "+" };
            format!("{mantissa}e{sign}{exponent}").into()
        }
    }
}

/// `-?digits`, `-?digits.digits`, and the latter with an exponent that has a sign: what YAML 1.1
/// and 1.2 both read as a number.
fn is_common_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = unsigned
        .split_once(['e', 'E'])
        .map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let signed = |exponent: &str| exponent.strip_prefix(['+', '-']).is_some_and(digits);
    let leading_zero =
        unsigned.starts_with('0') && unsigned.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    !leading_zero
        && match mantissa.split_once('.') {
            None => digits(mantissa) && exponent.is_none(),
            Some((whole, fraction)) => {
                digits(whole) && digits(fraction) && exponent.is_none_or(signed)
            }
        }
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
