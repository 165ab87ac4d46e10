//! Delegated keys: versions in loom's own files that a bot raises.
//!
//! In: patterns such as `jobs.*.steps[*].uses`, and the texts of both sides. Out: the texts without
//! the versions, to be compared; loom's text with the versions that stand in the file; and what a
//! pattern takes that holds no version.
//!
//! Only the version is the bot's ([`version`] says what one is); the name before it stays loom's. A
//! value finds its version again by the keys that lead to it, by the `name` or `id` of the entries of
//! lists on the way, by the kind and name of its document, and by what it names: never by where in a
//! list it stands, so that no version goes to another thing.
//!
//! Invariants, tested below: whatever a file holds, what two sides without versions have in common
//! differs in versions only; a digest that is declared gives way to a digest alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Range;

use super::Format;
use super::data::{Data, Form};
use super::version::{self, Kind, Shape};

/// Which keys are delegated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPattern(Vec<Part>);

/// One step of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Key(String),
    AnyKey,
    AnyEntry,
    /// The entry, or the document, whose fields have these values.
    Entry(Vec<(String, String)>),
}

/// What of an output is left to somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// The keys.
    pub patterns: Vec<KeyPattern>,
    /// What tells those apart whose declared version is a digest: another digest alone may take its
    /// place.
    pub pinned: BTreeSet<String>,
}

impl KeyPattern {
    /// Reads `jobs.*.steps[*].uses`: `*` is any key, `[*]` any entry of a list, `[name=api]` the one
    /// whose `name` that is, and a key that holds a dot is quoted. In front, brackets name documents
    /// of a file that has several: `[kind=Deployment, name=api].spec`, by their kind, and by the name
    /// in their metadata.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut rest, mut parts) = (text, Vec::new());
        while !rest.is_empty() {
            if let Some(behind) = rest.strip_prefix("[*]") {
                parts.push(Part::AnyEntry);
                rest = behind;
                continue;
            }
            if let Some(inside) = rest.strip_prefix('[') {
                let (fields, behind) = fields(inside)?;
                parts.push(Part::Entry(fields));
                rest = behind;
                continue;
            }
            let key = if parts.is_empty() {
                rest
            } else {
                rest.strip_prefix('.')?
            };
            let end = match key.strip_prefix('"') {
                Some(quoted) => quoted.find('"')? + 2,
                None => key.find(['.', '[']).unwrap_or(key.len()),
            };
            let (key, behind) = key.split_at(end);
            parts.push(match key.trim_matches('"') {
                "" => return None,
                "*" if key == "*" => Part::AnyKey,
                bare => Part::Key(bare.to_owned()),
            });
            rest = behind;
        }
        let is_document = |part: &Part| matches!(part, Part::AnyEntry | Part::Entry(_));
        // a document alone is no value
        (!parts.iter().all(is_document)).then_some(Self(parts))
    }

    /// Calls `found` with every single value that the pattern leads to in the documents of a file.
    fn walk<'a>(&self, documents: &'a [Data], found: &mut dyn FnMut(Found<'a>)) {
        let names_documents = matches!(self.0.first(), Some(Part::AnyEntry | Part::Entry(_)));
        let is_list = matches!(documents, [only] if matches!(only.form, Form::List(_)));
        match documents {
            [only] if !names_documents || is_list => walk(&self.0, only, Way::default(), found),
            documents if names_documents => {
                for document in documents.iter().filter(|it| self.0[0].takes(it)) {
                    let way = Way {
                        identity: format!("[{}]", name_of(document)),
                        key: "",
                    };
                    walk(&self.0[1..], document, way, found);
                }
            }
            _ => {}
        }
    }
}

/// The fields between brackets, and what stands behind them: `kind=Deployment, name="api"]`.
fn fields(inside: &str) -> Option<(Vec<(String, String)>, &str)> {
    let (mut rest, mut fields) = (inside, Vec::new());
    loop {
        let (field, behind) = rest.trim_start().split_once('=')?;
        let (value, behind) = if let Some(quoted) = behind.strip_prefix('"') {
            quoted.split_once('"')?
        } else {
            let end = behind.find([',', ']'])?;
            (behind[..end].trim(), &behind[end..])
        };
        let is_plain = |text: &str| !text.is_empty() && !text.contains(['[', ']', '"', ',', '*']);
        if !is_plain(field) || !is_plain(value) {
            return None;
        }
        fields.push((field.to_owned(), value.to_owned()));
        match behind.trim_start().split_at_checked(1)? {
            (",", behind) => rest = behind,
            ("]", behind) => return Some((fields, behind)),
            _ => return None,
        }
    }
}

impl Part {
    /// Whether this is the entry, or the document, that is meant.
    fn takes(&self, entry: &Data) -> bool {
        match self {
            Self::AnyEntry => true,
            Self::Entry(fields) => fields
                .iter()
                .all(|(field, value)| field_of(entry, field).as_deref() == Some(value)),
            Self::Key(_) | Self::AnyKey => false,
        }
    }
}

/// A field of an entry, or of a document's metadata, as a text.
fn field_of(entry: &Data, field: &str) -> Option<String> {
    let within = |data: &Data| {
        data.entry(field)
            .map(|found| plain(&found.data.canonical()))
    };
    within(entry).or_else(|| within(&entry.entry("metadata")?.data))
}

/// What tells a document from others.
fn name_of(document: &Data) -> String {
    ["kind", "namespace", "name"]
        .map(|field| field_of(document, field).unwrap_or_default())
        .join(" ")
}

/// A canonical value as a text.
fn plain(canonical: &str) -> String {
    serde_json::from_str::<String>(canonical).unwrap_or_else(|_| canonical.to_owned())
}

/// How a walk came to where it is.
#[derive(Clone, Default)]
struct Way<'a> {
    /// What tells what is there apart from others.
    identity: String,
    /// The last key.
    key: &'a str,
}

/// A value that a pattern leads to.
struct Found<'a> {
    way: Way<'a>,
    data: &'a Data,
}

fn walk<'a>(parts: &[Part], data: &'a Data, way: Way<'a>, found: &mut dyn FnMut(Found<'a>)) {
    let Some((part, rest)) = parts.split_first() else {
        return all(data, way, found);
    };
    match (part, &data.form) {
        (Part::Key(name), Form::Map(entries)) => {
            if let Some((key, entry)) = entries.get_key_value(name) {
                walk(rest, &entry.data, way.to(key), found);
            }
        }
        (Part::AnyKey, Form::Map(entries)) => {
            for (key, entry) in entries {
                walk(rest, &entry.data, way.to(key), found);
            }
        }
        (Part::AnyEntry | Part::Entry(_), Form::List(items)) => {
            for item in items.iter().filter(|item| part.takes(item)) {
                walk(rest, item, way.within(item), found);
            }
        }
        (
            Part::Key(_) | Part::AnyKey | Part::AnyEntry | Part::Entry(_),
            Form::Scalar(_) | Form::List(_) | Form::Map(_),
        ) => {}
    }
}

/// All single values of what a pattern ends at.
fn all<'a>(data: &'a Data, way: Way<'a>, found: &mut dyn FnMut(Found<'a>)) {
    match &data.form {
        Form::Scalar(_) => found(Found { way, data }),
        Form::List(items) => items
            .iter()
            .for_each(|item| all(item, way.within(item), found)),
        Form::Map(entries) => entries
            .iter()
            .for_each(|(key, entry)| all(&entry.data, way.to(key), found)),
    }
}

impl<'a> Way<'a> {
    fn to(&self, key: &'a str) -> Self {
        // what has no name of its own, as a stage of a Dockerfile, is told by what it names alone
        let is_number = key.bytes().all(|byte| byte.is_ascii_digit());
        let name = if is_number { "" } else { key };
        Self {
            identity: format!("{}.{name}", self.identity),
            key: if is_number { self.key } else { key },
        }
    }

    fn within(&self, item: &Data) -> Self {
        let name = ["name", "id"]
            .iter()
            .find_map(|by| Some(item.entry(by)?.data.canonical()));
        Self {
            identity: format!("{}[{}]", self.identity, name.unwrap_or_default()),
            key: self.key,
        }
    }
}

impl Found<'_> {
    /// What the value is, and its text.
    fn shape(&self) -> (String, Shape) {
        let Form::Scalar(canonical) = &self.data.form else {
            return (String::new(), Shape::Other);
        };
        let text = serde_json::from_str::<String>(canonical);
        let kind = if text.is_ok() {
            Kind::Text
        } else {
            Kind::Number
        };
        let text = text.unwrap_or_else(|_| canonical.clone());
        let shape = version::shape(&text, kind, self.way.key);
        (text, shape)
    }
}

/// A version: what tells it apart, and where it stands with the comment behind it.
struct Version {
    identity: String,
    is_pinned: bool,
    span: Range<usize>,
}

/// The versions of a text, in its order; none where it does not parse.
fn versions(format: &dyn Format, text: &str, patterns: &[KeyPattern]) -> Vec<Version> {
    // places are those of a text as loom writes it
    if text.contains('\r') || text.starts_with('\u{feff}') {
        return Vec::new();
    }
    let Ok(documents) = format.documents(text) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for pattern in patterns {
        pattern.walk(&documents, &mut |it| {
            found.extend(version_at(format, text, &it));
        });
    }
    found.sort_by_key(|version| (version.span.start, version.span.end));
    found.dedup_by(|later, first| later.span.start < first.span.end);
    found
}

/// The version of a value, where it has one and is written on one line as it is read.
fn version_at(format: &dyn Format, text: &str, found: &Found<'_>) -> Option<Version> {
    let (value, Shape::Version { name, is_pinned }) = found.shape() else {
        return None;
    };
    let raw = text.get(found.data.span.clone())?.trim_end();
    let bare = ['"', '\'']
        .iter()
        .find_map(|quote| raw.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(raw);
    if bare != value {
        return None;
    }
    let quote = usize::from(raw != bare);
    let start = found.data.span.start + quote;
    let end = start + bare.len();
    let behind = &text[end + quote..];
    let line = behind.split('\n').next().unwrap_or_default();
    // of a quoted value the comment stands behind the quote, which is no version
    let comment = if quote == 0 && version::is_comment(line, format.comments()) {
        line.len()
    } else {
        0
    };
    Some(Version {
        identity: format!("{} {}", found.way.identity, &value[..name]),
        is_pinned,
        span: start + name..end + comment,
    })
}

/// What a pattern takes of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many versions it leads to.
    pub versions: usize,
    /// The first value that holds none, as it is written.
    pub other: Option<String>,
}

/// What a pattern takes of a text; `None` where that cannot be read.
pub fn taken(format: &dyn Format, text: &str, pattern: &KeyPattern) -> Option<Taken> {
    let (documents, mut taken) = (format.documents(text).ok()?, Taken::default());
    pattern.walk(&documents, &mut |found| {
        let (value, shape) = found.shape();
        match shape {
            Shape::Version { .. } if version_at(format, text, &found).is_some() => {
                taken.versions += 1;
            }
            Shape::Without => {}
            Shape::Version { .. } | Shape::Other => drop(taken.other.get_or_insert(value)),
        }
    });
    Some(taken)
}

/// How many documents a text holds.
pub fn documents(format: &dyn Format, text: &str) -> usize {
    format
        .documents(text)
        .map_or(0, |documents| documents.len())
}

impl Left {
    /// What patterns leave to somebody in a text that is declared.
    pub fn of(format: &dyn Format, text: &str, patterns: Vec<KeyPattern>) -> Self {
        let pinned = versions(format, text, &patterns)
            .into_iter()
            .filter(|version| version.is_pinned)
            .map(|version| version.identity);
        Self {
            pinned: pinned.collect(),
            patterns,
        }
    }

    /// Whether a version may stand where a digest is declared, if one is.
    fn takes(&self, version: &Version) -> bool {
        version.is_pinned || !self.pinned.contains(&version.identity)
    }
}

/// The text without its versions, to be compared.
pub fn without_versions(format: &dyn Format, text: &str, left: &Left) -> String {
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    let versions = versions(format, text, &left.patterns);
    for version in versions.iter().filter(|version| left.takes(version)) {
        write!(out, "{}\0", &text[at..version.span.start])
            .expect("writing to a string cannot fail");
        at = version.span.end;
    }
    out + &text[at..]
}

/// The data without its versions.
#[must_use]
pub fn without_versions_in(data: &Data, left: Option<&Left>) -> Data {
    let Some(left) = left else {
        return data.clone();
    };
    let mut blanks = BTreeMap::new();
    for pattern in &left.patterns {
        pattern.walk(std::slice::from_ref(data), &mut |found| {
            let (value, Shape::Version { name, is_pinned }) = found.shape() else {
                return;
            };
            let identity = format!("{} {}", found.way.identity, &value[..name]);
            let span = found.data.span.clone();
            let version = Version {
                identity,
                is_pinned,
                span: 0..0,
            };
            if left.takes(&version) {
                let quote = if name == 0 { "" } else { "\"" };
                let blank = format!("{quote}{} in any version", &value[..name]);
                blanks.insert((span.start, span.end), blank);
            }
        });
    }
    let mut data = data.clone();
    blank(&mut data, &blanks);
    data
}

/// Replaces values by their places.
fn blank(data: &mut Data, blanks: &BTreeMap<(usize, usize), String>) {
    match &mut data.form {
        Form::Scalar(text) => {
            if let Some(blank) = blanks.get(&(data.span.start, data.span.end)) {
                text.clone_from(blank);
            }
        }
        Form::List(items) => items.iter_mut().for_each(|item| blank(item, blanks)),
        Form::Map(entries) => entries
            .values_mut()
            .for_each(|entry| blank(&mut entry.data, blanks)),
    }
}

/// The versions of a text that are left to somebody, by what tells them apart.
fn by_identity(
    format: &dyn Format,
    text: &str,
    left: &Left,
) -> BTreeMap<String, Vec<Range<usize>>> {
    let mut groups: BTreeMap<String, Vec<Range<usize>>> = BTreeMap::new();
    let versions = versions(format, text, &left.patterns);
    for version in versions.into_iter().filter(|version| left.takes(version)) {
        groups
            .entry(version.identity)
            .or_default()
            .push(version.span);
    }
    groups
}

/// What is wanted, with the versions of what is there. Of several that nothing tells apart each
/// takes that of the one with its number, if there are as many.
pub fn with_versions_of(format: &dyn Format, wanted: &str, there: &str, left: &Left) -> String {
    let (new, old) = (
        by_identity(format, wanted, left),
        by_identity(format, there, left),
    );
    let mut taken: Vec<(Range<usize>, &str)> = Vec::new();
    for (identity, spans) in new {
        let Some(others) = old
            .get(&identity)
            .filter(|others| others.len() == spans.len())
        else {
            continue;
        };
        taken.extend(
            spans
                .into_iter()
                .zip(others.iter().map(|span| &there[span.clone()])),
        );
    }
    taken.sort_by_key(|(span, _)| span.start);
    let (mut out, mut at) = (String::with_capacity(wanted.len()), 0);
    for (span, version) in taken {
        out.push_str(&wanted[at..span.start]);
        out.push_str(version);
        at = span.end;
    }
    out + &wanted[at..]
}

/// The versions that differ between two texts: what is meant, and both versions of it.
pub fn raised(format: &dyn Format, before: &str, after: &str, left: &Left) -> Vec<Raised> {
    let (old, new) = (
        by_identity(format, before, left),
        by_identity(format, after, left),
    );
    let shown = |text: &str| text.trim_start_matches([':', '@']).to_owned();
    let mut found = Vec::new();
    for (identity, spans) in &old {
        let others = new.get(identity).map_or(&[][..], Vec::as_slice);
        for (one, other) in spans.iter().zip(others) {
            let (from, to) = (&before[one.clone()], &after[other.clone()]);
            if from != to {
                found.push(Raised {
                    name: identity.rsplit(' ').next().unwrap_or_default().to_owned(),
                    from: shown(from),
                    to: shown(to),
                });
            }
        }
    }
    found.dedup();
    found
}

/// A version that somebody else changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Raised {
    /// What it is a version of; empty where the value is nothing but a version.
    pub name: String,
    /// What it was.
    pub from: String,
    /// What it is.
    pub to: String,
}
