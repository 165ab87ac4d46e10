//! Source texts and places in them.
//!
//! In: the texts of the input files. Out: [`Span`]s, and from a span the file, line and column.
//! A text that stands inside a string of another (JSON in a JSON string, a fenced block in a
//! description) is a source of its own that remembers where each of its bytes came from, so
//! that a span in it leads to the exact place in the file.
//!
//! Invariant: what [`Sources::redact`] covered is in no source any more, neither in the text that
//! was named nor in those that it was taken from.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Which of the [`Sources`] a span lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

impl SourceId {
    /// The source that is added first: loom.yaml.
    pub const fn first() -> Self {
        Self(0)
    }
}

/// A range of bytes in one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The source.
    pub source: SourceId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

/// A place as a person writes it: file, line and column, both from 1; the column counts characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The file's name as shown to people.
    pub name: Arc<str>,
    /// Its text.
    pub text: Arc<str>,
    line_starts: Vec<u32>,
    embedded: Option<Embedded>,
}

#[derive(Clone, Debug)]
struct Embedded {
    parent: SourceId,
    /// For each byte of the text, and one past the end, the offset in the parent.
    offsets: Arc<[u32]>,
}

/// All texts of a run, and the literals in them that the project accepts. Sources are only ever
/// added, so a [`Span`] stays good.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
    accepted: Vec<crate::check::accept::Literal>,
}

impl Sources {
    /// Takes on the literals that look like credentials and are accepted as none.
    pub fn accept(&mut self, literals: Vec<crate::check::accept::Literal>) {
        self.accepted.extend(literals);
    }

    /// Whether the project accepts a literal in a file.
    pub fn accepts(&self, file: &str, literal: &str) -> bool {
        self.accepted.iter().any(|it| it.names(file, literal))
    }

    /// Adds a file.
    pub fn add(&mut self, name: &str, text: impl Into<Arc<str>>) -> SourceId {
        self.push(name.into(), text.into(), None)
    }

    /// Adds the decoded text of a scalar that stands at `raw` in another source.
    pub fn add_embedded(&mut self, raw: Span, decoded: impl Into<Arc<str>>) -> SourceId {
        let decoded = decoded.into();
        let parent = self.get(raw.source);
        let offsets = align(&decoded, self.slice(raw), raw.start);
        let name = Arc::clone(&parent.name);
        self.push(
            name,
            decoded,
            Some(Embedded {
                parent: raw.source,
                offsets,
            }),
        )
    }

    /// Adds a text that is put together from pieces of another source, in their order.
    pub fn add_pieces(&mut self, parent: SourceId, pieces: &[Range<u32>]) -> SourceId {
        let source = self.get(parent);
        let (mut text, mut offsets) = (String::new(), Vec::new());
        for piece in pieces {
            text.push_str(
                source
                    .text
                    .get(piece.start as usize..piece.end as usize)
                    .unwrap_or(""),
            );
            offsets.extend(piece.clone());
        }
        offsets.push(pieces.last().map_or(0, |piece| piece.end));
        let name = Arc::clone(&source.name);
        self.push(
            name,
            text.into(),
            Some(Embedded {
                parent,
                offsets: offsets.into(),
            }),
        )
    }

    /// All sources, in the order in which they were added.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = SourceId> + use<> {
        (0..offset(self.files.len())).map(SourceId)
    }

    /// Puts `*` in the place of every character of the spans, here and in the texts that these
    /// were taken from. Lengths and line ends stay, so that every other span stays good.
    pub fn redact(&mut self, spans: &[Span]) {
        let mut covered: BTreeMap<SourceId, Vec<Span>> = BTreeMap::new();
        for span in spans {
            let mut next = Some(*span);
            while let Some(span) = next {
                covered.entry(span.source).or_default().push(span);
                next = self.in_parent(span);
            }
        }
        for (id, spans) in covered {
            let source = &mut self.files[id.0 as usize];
            source.text = starred(&source.text, &spans).into();
        }
    }

    fn in_parent(&self, span: Span) -> Option<Span> {
        let embedded = self.get(span.source).embedded.as_ref()?;
        let at = |offset: u32| embedded.offsets[(offset as usize).min(embedded.offsets.len() - 1)];
        Some(Span {
            source: embedded.parent,
            start: at(span.start),
            end: at(span.end).max(at(span.start)),
        })
    }

    fn push(&mut self, name: Arc<str>, text: Arc<str>, embedded: Option<Embedded>) -> SourceId {
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| offset(at + 1)))
            .collect();
        self.files.push(SourceFile {
            name,
            text,
            line_starts,
            embedded,
        });
        SourceId(offset(self.files.len() - 1))
    }

    /// The source of an id.
    pub fn get(&self, id: SourceId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The text that a span covers.
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.source)
            .text
            .get(span.start as usize..span.end as usize)
            .unwrap_or("")
    }

    /// The same span in the file that a person can open: embedded texts lead to their parents.
    pub fn outermost(&self, span: Span) -> Span {
        let mut span = span;
        while let Some(parent) = self.in_parent(span) {
            span = parent;
        }
        span
    }

    /// File, line and column of a span's start, in the file that a person can open.
    pub fn position(&self, span: Span) -> Position {
        let span = self.outermost(span);
        let source = self.get(span.source);
        let line = source
            .line_starts
            .partition_point(|start| *start <= span.start);
        let start = source.line_starts[line - 1] as usize;
        let column = source
            .text
            .get(start..span.start as usize)
            .map_or(0, |before| before.chars().count())
            + 1;
        Position {
            file: Arc::clone(&source.name),
            line,
            column,
        }
    }
}

impl Span {
    /// An empty span at the start of a source.
    pub fn start_of(source: SourceId) -> Self {
        Self {
            source,
            start: 0,
            end: 0,
        }
    }
}

/// Offsets are kept in 32 bits: loom reads no file of more than 10 MB.
pub(crate) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A text with `*` for every character that one of the spans touches, bytes and lines kept.
fn starred(text: &str, spans: &[Span]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for span in spans {
        let start = text.floor_char_boundary(span.start as usize);
        let end = text.ceil_char_boundary(span.end as usize).max(start);
        bytes[start..end]
            .iter_mut()
            .filter(|byte| !matches!(byte, b'\n' | b'\r'))
            .for_each(|byte| *byte = b'*');
    }
    String::from_utf8(bytes).expect("whole characters were replaced")
}

/// How a scalar was written, which says what its escapes are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    None,
    Single,
    Double,
}

/// For each byte of `decoded`, and one past its end, where in the parent it was written.
///
/// Walks both texts at once. A character that stands in both is itself; an escape stands for the
/// character it decodes to; white space of the raw text that is not in the decoded one is
/// indentation or folding.
fn align(decoded: &str, raw: &str, base: u32) -> Arc<[u32]> {
    let (quotes, mut at) = opening(decoded, raw);
    let mut offsets = Vec::with_capacity(decoded.len() + 1);
    for wanted in decoded.chars() {
        at += folded_length(&raw[at..], wanted, quotes);
        offsets.extend(std::iter::repeat_n(base + offset(at), wanted.len_utf8()));
        at += written_length(&raw[at..], wanted, quotes);
    }
    offsets.push(base + offset(at));
    offsets.into()
}

/// The quotes of a scalar and where its text begins. A text without quotes may begin with one
/// too, in a literal block: there the first lines are equal, which those of a quoted one never are.
fn opening(decoded: &str, raw: &str) -> (Quotes, usize) {
    if raw.lines().next() == decoded.lines().next() {
        return (Quotes::None, 0);
    }
    match raw.as_bytes().first() {
        Some(b'"') => (Quotes::Double, 1),
        Some(b'\'') => (Quotes::Single, 1),
        Some(b'|' | b'>') => (
            Quotes::None,
            raw.find('\n').map_or(raw.len(), |newline| newline + 1),
        ),
        _ => (Quotes::None, 0),
    }
}

/// How many bytes of `rest` are indentation or folding before the character `wanted`.
fn folded_length(rest: &str, wanted: char, quotes: Quotes) -> usize {
    if quotes == Quotes::Double && (rest.starts_with("\\\n") || rest.starts_with("\\\r\n")) {
        let text = rest[1..].trim_start();
        return rest.len() - text.len();
    }
    match rest.chars().next() {
        Some(c) if c == wanted || (c == '\\' && quotes == Quotes::Double) => 0,
        Some(_) => rest
            .find(|c: char| c == wanted || !c.is_whitespace())
            .unwrap_or(0),
        None => 0,
    }
}

/// How many bytes of `rest` write the character `wanted`.
fn written_length(rest: &str, wanted: char, quotes: Quotes) -> usize {
    let bytes = rest.as_bytes();
    match (bytes.first(), quotes) {
        (Some(b'\\'), Quotes::Double) => match bytes.get(1) {
            Some(b'u') if wanted.len_utf16() == 2 => rest.ceil_char_boundary(12),
            Some(b'u') => rest.ceil_char_boundary(6),
            Some(b'U') => rest.ceil_char_boundary(10),
            Some(b'x') => rest.ceil_char_boundary(4),
            _ => rest.ceil_char_boundary(2),
        },
        (Some(b'\''), Quotes::Single) if bytes.get(1) == Some(&b'\'') => 2,
        _ => rest.chars().next().map_or(0, char::len_utf8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_redacted_is_gone_from_all_texts_and_moves_nothing() {
        let mut sources = Sources::default();
        let outer = sources.add("s.json", r#"{"d": "a \"sécret\"\nb"} c"#);
        let inner = sources.add_embedded(
            Span {
                source: outer,
                start: 6,
                end: 24,
            },
            "a \"sécret\"\nb",
        );
        let span = find(&sources, inner, "sécret");
        sources.redact(&[span]);
        assert_eq!(&*sources.get(outer).text, r#"{"d": "a \"*******\"\nb"} c"#);
        assert_eq!(&*sources.get(inner).text, "a \"*******\"\nb");
        assert_eq!(
            sources.slice(sources.outermost(find(&sources, inner, "b"))),
            "b"
        );
    }

    #[test]
    fn pieces_of_a_text_lead_to_where_they_were_taken_from() {
        let mut sources = Sources::default();
        let outer = sources.add("s.md", "x\n  one\n  two\n");
        let inner = sources.add_pieces(outer, &[4..8, 10..14]);
        assert_eq!(&*sources.get(inner).text, "one\ntwo\n");
        assert_eq!(sources.position(find(&sources, inner, "two")).line, 3);
        let empty = sources.add_pieces(outer, &[]);
        assert_eq!(
            sources.outermost(Span::start_of(empty)),
            Span::start_of(outer)
        );
    }

    #[test]
    fn a_literal_block_may_begin_with_a_quote() {
        let mut sources = Sources::default();
        let outer = sources.add("s.yaml", "d: |\n  \"a\\\\b\": x\n  c");
        let inner = sources.add_embedded(
            Span {
                source: outer,
                start: 7,
                end: 20,
            },
            "\"a\\\\b\": x\nc",
        );
        assert_eq!(
            sources.slice(sources.outermost(find(&sources, inner, "b"))),
            "b"
        );
        assert_eq!(
            sources.slice(sources.outermost(find(&sources, inner, "x"))),
            "x"
        );
    }

    fn find(sources: &Sources, id: SourceId, text: &str) -> Span {
        let start = sources.get(id).text.find(text).expect("the text is there");
        Span {
            source: id,
            start: offset(start),
            end: offset(start + text.len()),
        }
    }

    #[test]
    fn positions_count_from_one_and_in_characters() {
        let mut sources = Sources::default();
        let id = sources.add("a.yaml", "x: 1\nü: y\n");
        let position = sources.position(find(&sources, id, "y"));
        assert_eq!((position.line, position.column), (2, 4));
    }

    #[test]
    fn a_span_in_a_string_in_a_string_leads_to_the_file() {
        let mut sources = Sources::default();
        let text = r#"{"d": "first \ud83d\ude00\n\"kind: x\"\tend"}"#;
        let outer = sources.add("s.json", text);
        let raw = Span {
            source: outer,
            start: 6,
            end: offset(text.len() - 1),
        };
        let inner = sources.add_embedded(raw, "first \u{1f600}\n\"kind: x\"\tend");
        let span = sources.outermost(find(&sources, inner, "kind: x"));
        assert_eq!(sources.slice(span), "kind: x");
        assert_eq!(
            sources.slice(sources.outermost(find(&sources, inner, "end"))),
            "end"
        );
    }

    #[test]
    fn a_span_in_a_literal_block_leads_past_the_indentation() {
        let mut sources = Sources::default();
        let text = "d: |\n    one\n      two: 3\n";
        let outer = sources.add("s.yaml", text);
        let inner = sources.add_embedded(
            Span {
                source: outer,
                start: 3,
                end: offset(text.len()),
            },
            "one\n  two: 3\n",
        );
        let span = sources.outermost(find(&sources, inner, "two: 3"));
        assert_eq!(
            (sources.slice(span), sources.position(span).line),
            ("two: 3", 3)
        );
    }
}
