//! Literals that look like credentials: found, refused, and kept out of every output.
//!
//! In: nodes and texts. Out: a finding at each place, and the same node without the literal; the
//! sources are redacted, so that a report that prints the line prints `*`.
//!
//! Two signs are taken: the form of a known token, anywhere (`rule` and the files beside it, `url`,
//! `key`, `encoded`); and a value that is random, or a good password, in a secret's place (`name`,
//! `value`, `assigned`). Placeholders, references to secrets, hashes of commits and images are none.
//! Deliberately not here: files that loom does not read as input (`check`).

mod assigned;
mod encoded;
mod key;
mod name;
mod rule;
mod scan;
#[cfg(test)]
mod tests;
mod url;
mod value;

use std::borrow::Cow;
use std::ops::Range;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::node::{Map, Node, Value};
use crate::text::{SourceId, Sources, Span, offset};

pub(crate) use name::{Named, is_secret_name};
use scan::credentials as tokens;
use value::Written;

/// A credential in a text.
#[derive(Debug)]
struct Found {
    range: Range<usize>,
    what: &'static str,
}

impl Found {
    /// Whether only the name beside it says that it is one.
    fn is_by_name(&self) -> bool {
        self.what == value::RANDOM || self.what == value::PASSWORD
    }
}

/// Keys of loom's own language, and of others, whose values are no secrets also where the name
/// above them is one.
const OPEN: &[&str] = &[
    "secret",
    "description",
    "title",
    "name",
    "key",
    "from",
    "path",
    "image",
    "sha",
    "digest",
    "commit",
    "ref",
    "version",
    "url",
    "uses",
    "hash",
    "checksum",
    "integrity",
    "id",
    "kind",
];

/// Reports every credential in a node and returns the node without it. A stage that calls this
/// ends with [`hide`].
pub fn guard(node: &Node, sources: &mut Sources, out: &mut Diagnostics) -> Node {
    let mut guard = Guard {
        sources,
        found: Vec::new(),
    };
    let without = guard.node(node, None);
    let Guard { sources, found } = guard;
    for (span, what) in found {
        out.push(finding(span, what, sources));
    }
    without.unwrap_or_else(|| node.clone())
}

/// Reports every credential in a file that becomes part of an output as it is. A stage that calls
/// this ends with [`hide`].
pub fn refuse(id: SourceId, sources: &Sources, out: &mut Diagnostics) {
    let source = sources.get(id);
    for Found { range, what } in tokens(&source.text) {
        if !sources.accepts(&source.name, &source.text[range.clone()]) {
            out.push(finding(span_of(id, &range), what, sources));
        }
    }
}

fn finding(span: Span, what: &str, sources: &Sources) -> Diagnostic {
    let finding = Diagnostic::new(
        Code::Credential,
        format!("this looks like a credential: {what}"),
    );
    let finding = finding.at(
        span,
        "a literal that everybody who reads the repository can use",
    );
    let accept = accepting(&sources.get(span.source).name, sources.slice(span));
    finding.help(format!("take it out, replace it where it was issued, and refer to it: `secret: true`, or `secret: {{ from: …, key: … }}`; if it is none, {accept}"))
}

/// How a literal that is no credential is accepted, as a clause.
pub fn accepting(path: &str, literal: &str) -> String {
    let print = fingerprint(literal);
    format!(
        "say why in loom.yaml: `policy: {{ accept: [{{ code: LOOM0205, path: {path}, literal: {print}, reason: … }}] }}`"
    )
}

/// What stands for a literal in `policy.accept`: it names this one, and does not tell it.
pub fn fingerprint(literal: &str) -> String {
    // a letter first, so that no YAML reads it as a number
    format!("x{}", &blake3::hash(literal.as_bytes()).to_hex()[..12])
}

/// Where a file holds credentials, and what they are: those of its text, and those that only its
/// data tell.
pub fn places(id: SourceId, sources: &Sources, nodes: &[Node]) -> Vec<(Span, &'static str)> {
    let mut places: Vec<(Span, &'static str)> = tokens(&sources.get(id).text)
        .into_iter()
        .map(|found| (span_of(id, &found.range), found.what))
        .collect();
    let mut scratch = sources.clone();
    let mut guard = Guard {
        sources: &mut scratch,
        found: Vec::new(),
    };
    for node in nodes {
        guard.node(node, None);
    }
    let Guard { sources, found } = guard;
    for (span, what) in found {
        let span = sources.outermost(span);
        let is_known = |(known, _): &(Span, &str)| known.start < span.end && span.start < known.end;
        if span.source == id && !places.iter().any(is_known) {
            places.push((span, what));
        }
    }
    places.sort_by_key(|(span, _)| *span);
    places
}

/// Redacts in the sources what [`guard`] reported, and what has the form of a known token in those
/// from the `first` on, wherever it stands (comments, prose); and the latter in the texts of the
/// findings. Once for a whole stage: each redaction copies the text.
pub fn hide(sources: &mut Sources, first: usize, out: &mut Diagnostics) {
    let reported = out
        .iter()
        .filter(|found| found.code == Code::Credential)
        .flat_map(|found| &found.labels);
    let mut spans: Vec<Span> = reported.map(|label| label.span).collect();
    for id in sources.ids().skip(first) {
        let found = tokens(&sources.get(id).text);
        spans.extend(found.iter().map(|found| span_of(id, &found.range)));
    }
    sources.redact(&spans);
    for diagnostic in out.iter_mut() {
        let texts = diagnostic.labels.iter_mut().map(|label| &mut label.text);
        for text in texts
            .chain([&mut diagnostic.message])
            .chain(&mut diagnostic.help)
        {
            if let Cow::Owned(masked) = masked(text) {
                *text = masked;
            }
        }
    }
}

/// Where a text holds known tokens, and what they are.
pub fn found(text: &str) -> Vec<(Range<usize>, &'static str)> {
    tokens(text)
        .into_iter()
        .map(|found| (found.range, found.what))
        .collect()
}

/// The text with `*` in the place of known tokens.
pub fn masked(text: &str) -> Cow<'_, str> {
    match tokens(text).as_slice() {
        [] => text.into(),
        found => found
            .iter()
            .fold(text.to_owned(), |text, found| mask(&text, &found.range))
            .into(),
    }
}

fn mask(text: &str, range: &Range<usize>) -> String {
    let stars: String = text[range.clone()]
        .chars()
        .map(|c| if c == '\n' { c } else { '*' })
        .collect();
    format!("{}{stars}{}", &text[..range.start], &text[range.end..])
}

fn span_of(source: SourceId, range: &Range<usize>) -> Span {
    Span {
        source,
        start: offset(range.start),
        end: offset(range.end),
    }
}

struct Guard<'a> {
    sources: &'a mut Sources,
    found: Vec<(Span, &'static str)>,
}

impl Guard<'_> {
    /// The node without its credentials; `None` where it has none. `named` is what the name says
    /// under which it stands.
    fn node(&mut self, node: &Node, named: Option<Named>) -> Option<Node> {
        let value = match &node.value {
            Value::String(text) => Value::String(self.text(text, node.span, named)?.into()),
            Value::Seq(items) => {
                let changed: Vec<Option<Node>> =
                    items.iter().map(|item| self.node(item, named)).collect();
                changed.iter().any(Option::is_some).then(|| {
                    let whole = changed.into_iter().zip(items.iter());
                    Value::Seq(
                        whole
                            .map(|(changed, item)| changed.unwrap_or_else(|| item.clone()))
                            .collect(),
                    )
                })?
            }
            Value::Map(map) => Value::Map(self.map(map, named)?.into()),
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => return None,
        };
        Some(Node {
            span: node.span,
            value,
        })
    }

    fn map(&mut self, map: &Map, named: Option<Named>) -> Option<Map> {
        // `{ name: DB_PASSWORD, value: … }`, as Kubernetes and Compose write a variable
        let beside = map.get("name").and_then(Node::as_str).and_then(Named::of);
        let mut changed: Option<Map> = None;
        for (key, entry) in map.entries() {
            if let Some(masked) = self.text(key, entry.key, None) {
                // the finding ends the run: the key stays only so that the rest is looked at too
                drop(masked);
            }
            let is_single = !matches!(entry.node.value, Value::Map(_) | Value::Seq(_));
            let inside = match key.as_ref() {
                "value" => named.or(beside),
                key if OPEN.contains(&key) => None,
                key => Named::of(key).or(named.filter(|_| is_single)),
            };
            if let Some(node) = self.node(&entry.node, inside) {
                changed.get_or_insert_with(|| map.clone()).insert(key, node);
            }
        }
        changed
    }

    fn text(&mut self, text: &str, span: Span, named: Option<Named>) -> Option<String> {
        let mut found = tokens(text);
        let what = named.and_then(|named| value::judge(named, text, Written::Literal));
        if let (true, Some(what)) = (found.is_empty(), what) {
            found.push(Found {
                range: 0..text.len(),
                what,
            });
        }
        let file = &self.sources.get(span.source).name;
        found.retain(|found| !self.sources.accepts(file, &text[found.range.clone()]));
        if found.is_empty() {
            return None;
        }
        let inner = self.sources.add_embedded(span, text);
        let mut masked = text.to_owned();
        for Found { range, what } in &found {
            masked = mask(&masked, range);
            self.found.push((span_of(inner, range), what));
        }
        Some(masked)
    }
}
