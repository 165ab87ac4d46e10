//! The value tree that YAML and JSON become, each value with its place.
//!
//! In: a source. Out: [`Node`]s and diagnostics; nothing here fails or panics on any input.
//! Cloning a node is cheap: texts, lists and mappings are shared.
//!
//! Invariants, tested below: duplicate keys, aliases that expand without bound, more than
//! [`MAX_BYTES`] bytes, nesting deeper than [`MAX_DEPTH`] are errors; plain scalars are read by
//! the core schema of YAML 1.2.2 (section 10.3.2), so that `no` is a string and `0o7` is 7.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use granit_parser::{Event, Parser, ScalarStyle, options};
use indexmap::{IndexMap, IndexSet};

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::text::{SourceId, Sources, Span, offset};

/// The largest input file, in bytes.
pub const MAX_BYTES: usize = 10 * 1024 * 1024;
/// The deepest nesting of lists and mappings.
pub const MAX_DEPTH: usize = 128;
/// How many nodes the aliases of one document may stand for.
const MAX_ALIASED: usize = 100_000;

/// A value and where it was written.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where; for a value that loom made, what it was made from.
    pub span: Span,
    /// What.
    pub value: Value,
}

/// A value of YAML's core schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(Float),
    /// A text.
    String(Arc<str>),
    /// A list.
    Seq(Arc<[Node]>),
    /// A mapping, in the order of the text.
    Map(Arc<Map>),
}

/// A number that is not a whole one in plain decimal digits, and how it was written: `3.10` is not
/// `3.1` to a person, and `0400` is 256 to a reader of YAML 1.1, which Kubernetes is.
#[derive(Clone, Debug)]
pub struct Float {
    /// As written.
    pub text: Arc<str>,
    /// As a number.
    pub value: f64,
}

impl Float {
    /// The whole number that it is by YAML 1.2, where only its spelling is another.
    pub fn whole(&self) -> Option<i64> {
        let radix = |prefix, radix| {
            let digits = self.text.strip_prefix(prefix)?;
            i64::from_str_radix(digits, radix).ok()
        };
        radix("0x", 16)
            .or_else(|| radix("0o", 8))
            .or_else(|| self.text.parse().ok())
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Nodes are equal when their values are, wherever they stand.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// A mapping with text keys. Equality looks at the order too: it shows in what is written.
#[derive(Clone, Debug, Default)]
pub struct Map {
    entries: IndexMap<Arc<str>, Entry, FixedState>,
    /// Whether a value that was ever set holds a `$`, however deep.
    dollar: bool,
}

/// A key's place and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where the key stands.
    pub key: Span,
    /// The value.
    pub node: Node,
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.iter()
            .map(|(key, node)| (key, &node.value))
            .eq(other.iter().map(|(key, node)| (key, &node.value)))
    }
}

impl Map {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.get(key).map(|entry| &entry.node)
    }

    /// The key's place and its value.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Sets a key, at its old place in the order or at the end; returns the old value.
    pub fn insert(&mut self, key: &str, node: Node) -> Option<Node> {
        if let Some(entry) = self.entries.get_mut(key) {
            self.dollar |= node.may_hold_dollar();
            return Some(std::mem::replace(&mut entry.node, node));
        }
        self.add(
            key.into(),
            Entry {
                key: node.span,
                node,
            },
        );
        None
    }

    /// Adds a key that is not there yet.
    fn add(&mut self, key: Arc<str>, entry: Entry) {
        self.dollar |= entry.node.may_hold_dollar();
        self.entries.insert(key, entry);
    }

    /// Removes a key, keeping the order of the others.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        self.entries.shift_remove(key).map(|entry| entry.node)
    }

    /// Keeps the keys for which `keep` holds, in their order.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &Node) -> bool) {
        self.entries.retain(|key, entry| keep(key, &entry.node));
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Node)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.node))
    }

    /// Keys with their places, and values, in order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Entry)> {
        self.entries.iter()
    }

    /// The keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.keys().map(AsRef::as_ref)
    }

    /// How many keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Node {
    /// Whether a text stands as a whole in a key or a value below.
    pub fn holds(&self, text: &str) -> bool {
        match &self.value {
            Value::String(value) => value.contains(text),
            Value::Seq(items) => items.iter().any(|item| item.holds(text)),
            Value::Map(map) => map
                .entries()
                .any(|(key, entry)| key.contains(text) || entry.node.holds(text)),
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => false,
        }
    }

    /// A text.
    pub fn string(span: Span, text: impl Into<Arc<str>>) -> Self {
        Self {
            span,
            value: Value::String(text.into()),
        }
    }

    /// A mapping. It gives back the room that it does not need: there are tens of thousands.
    pub fn map(span: Span, mut map: Map) -> Self {
        map.entries.shrink_to_fit();
        Self {
            span,
            value: Value::Map(Arc::new(map)),
        }
    }

    /// A list.
    pub fn seq(span: Span, items: Vec<Self>) -> Self {
        Self {
            span,
            value: Value::Seq(items.into()),
        }
    }

    /// The same as a JSON value, every part at `span`: how blueprints write settings.
    pub fn from_json(span: Span, json: &serde_json::Value) -> Self {
        let value = match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(value) => Value::Integer(value),
                None => Value::Float(Float {
                    text: number.to_string().into(),
                    value: number.as_f64().unwrap_or(f64::NAN),
                }),
            },
            serde_json::Value::String(text) => Value::String(text.as_str().into()),
            serde_json::Value::Array(items) => Value::Seq(
                items
                    .iter()
                    .map(|item| Self::from_json(span, item))
                    .collect(),
            ),
            serde_json::Value::Object(fields) => {
                let mut map = Map::default();
                for (key, field) in fields {
                    map.insert(key, Self::from_json(span, field));
                }
                Value::Map(Arc::new(map))
            }
        };
        Self { span, value }
    }

    /// As a JSON value, places left out.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Integer(value) => (*value).into(),
            Value::Float(float) => match float.whole() {
                Some(value) => value.into(),
                None => serde_json::Number::from_f64(float.value)
                    .map_or(serde_json::Value::Null, Into::into),
            },
            Value::String(text) => text.as_ref().into(),
            Value::Seq(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(map) => map
                .iter()
                .map(|(key, node)| (key.to_string(), node.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    /// The value of a key, where this is a mapping that has it and it is not null.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_map()?.get(key).filter(|node| !node.is_null())
    }

    /// The value behind a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The mapping, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        if let Value::Map(map) = &self.value {
            Some(map)
        } else {
            None
        }
    }

    /// The items, if it is a list.
    pub fn as_seq(&self) -> Option<&[Self]> {
        if let Value::Seq(items) = &self.value {
            Some(items)
        } else {
            None
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::String(text) = &self.value {
            Some(text)
        } else {
            None
        }
    }

    /// The whole number, if it is one.
    pub fn as_integer(&self) -> Option<i64> {
        if let Value::Integer(value) = self.value {
            Some(value)
        } else {
            None
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(value) = self.value {
            Some(value)
        } else {
            None
        }
    }

    /// Whether a text in it may hold a `$`, with which every reference begins. `false` is certain
    /// and cheap: a mapping knows it, so that settings that thousands share are not walked for each.
    pub fn may_hold_dollar(&self) -> bool {
        match &self.value {
            Value::String(text) => text.contains('$'),
            Value::Seq(items) => items.iter().any(Self::may_hold_dollar),
            Value::Map(map) => map.dollar,
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => false,
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// A scalar as a person would write it without quotes; `None` for lists and mappings.
    pub fn scalar_text(&self) -> Option<Cow<'_, str>> {
        match &self.value {
            Value::Null => Some("null".into()),
            Value::Bool(value) => Some(value.to_string().into()),
            Value::Integer(value) => Some(value.to_string().into()),
            Value::Float(float) => Some(float.text.as_ref().into()),
            Value::String(text) => Some(text.as_ref().into()),
            Value::Seq(_) | Value::Map(_) => None,
        }
    }

    /// The type as a person would name it.
    pub fn type_name(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::String(_) => "a text",
            Value::Seq(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

/// Reads all documents of a source. What cannot be read is a diagnostic, and no node.
pub fn parse(sources: &Sources, id: SourceId, diagnostics: &mut Diagnostics) -> Vec<Node> {
    parse_with(MergeKeys::Refused, sources, id, diagnostics)
}

/// What `<<` means in a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeKeys {
    /// It is an error, as in YAML 1.2: loom's own input.
    Refused,
    /// The keys of its mapping count where they are not there already, as programs read it that
    /// still follow YAML 1.1: Compose, GitLab, Kubernetes.
    Taken,
}

/// As [`parse`], with a choice of what `<<` means.
pub fn parse_with(
    merge_keys: MergeKeys,
    sources: &Sources,
    id: SourceId,
    diagnostics: &mut Diagnostics,
) -> Vec<Node> {
    let text = Arc::clone(&sources.get(id).text);
    if text.len() > MAX_BYTES {
        let message = format!(
            "this file has {} bytes, and loom reads at most {MAX_BYTES}",
            text.len()
        );
        diagnostics.push(
            Diagnostic::new(Code::TooLarge, message)
                .at(Span::start_of(id), "")
                .help("split it"),
        );
        return Vec::new();
    }
    let mut reader = Reader {
        id,
        text: &text,
        diagnostics,
        anchors: BTreeMap::new(),
        keys: IndexSet::default(),
        aliased: 0,
        depth: 0,
        failed: false,
        merge_keys,
    };
    reader.documents()
}

/// Reads the one document of a source; an empty source is null.
pub fn parse_one(sources: &Sources, id: SourceId, diagnostics: &mut Diagnostics) -> Option<Node> {
    let before = diagnostics.iter().len();
    let mut documents = parse(sources, id, diagnostics);
    if let Some(second) = documents.get(1) {
        let found = Diagnostic::new(Code::Syntax, "this file holds more than one document");
        diagnostics.push(
            found
                .at(second.span, "the second begins here")
                .help("keep one document in each file"),
        );
        return None;
    }
    let failed = diagnostics
        .iter()
        .skip(before)
        .any(|found| matches!(found.code, Code::Syntax | Code::TooLarge));
    match documents.pop() {
        Some(node) => Some(node),
        None if failed => None,
        None => Some(Node {
            span: Span::start_of(id),
            value: Value::Null,
        }),
    }
}

type Events<'text> = dyn Iterator<Item = Result<(Event<'text>, granit_parser::Span), granit_parser::ScanError>>
    + 'text;

struct Reader<'a> {
    id: SourceId,
    text: &'a str,
    diagnostics: &'a mut Diagnostics,
    anchors: BTreeMap<usize, (Node, usize)>,
    /// The keys so far: a thousand services have the same few, and what is shared stays in the processor's cache.
    keys: IndexSet<Arc<str>, FixedState>,
    aliased: usize,
    depth: usize,
    failed: bool,
    merge_keys: MergeKeys,
}

impl<'a> Reader<'a> {
    fn documents(&mut self) -> Vec<Node> {
        let options = options! { emit_comments: false, flow_nesting_limit: MAX_DEPTH, block_nesting_limit: MAX_DEPTH };
        let mut events: Box<Events<'a>> =
            Box::new(Parser::new_from_str_with_options(self.text, options));
        let mut documents = Vec::new();
        while let Some((event, span)) = self.next(&mut *events) {
            if matches!(event, Event::DocumentStart(..)) {
                self.anchors.clear();
            }
            documents.extend(self.node(event, span, &mut *events).map(|(node, _)| node));
            if self.failed {
                return Vec::new();
            }
        }
        if self.failed { Vec::new() } else { documents }
    }

    /// The next event; a scan error ends the text.
    fn next(&mut self, events: &mut Events<'a>) -> Option<(Event<'a>, Span)> {
        match events.next()? {
            Ok((event, span)) => Some((event, self.span(&span))),
            Err(error) => {
                let at = self
                    .text
                    .floor_char_boundary(error.marker().byte_offset().unwrap_or(self.text.len()));
                let end = self.text.ceil_char_boundary(at + 1);
                let span = Span {
                    source: self.id,
                    start: offset(at),
                    end: offset(end),
                };
                let deep = matches!(
                    error.kind(),
                    granit_parser::ErrorKind::RecursionLimitExceeded
                );
                self.diagnostics
                    .push(syntax_error(&error.info(), self.text, at, span, deep));
                self.failed = true;
                None
            }
        }
    }

    fn span(&self, span: &granit_parser::Span) -> Span {
        let range = span.byte_range().unwrap_or(0..0);
        Span {
            source: self.id,
            start: offset(range.start),
            end: offset(range.end),
        }
    }

    /// The node that an event begins, and how many nodes it holds; `None` for the events around them.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the parser's list of events is open; others begin no node"
    )]
    fn node(
        &mut self,
        event: Event<'a>,
        span: Span,
        events: &mut Events<'a>,
    ) -> Option<(Node, usize)> {
        let (anchor, node, size) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag
                    .as_deref()
                    .and_then(|tag| tag.core_suffix().map(str::to_owned));
                (
                    anchor,
                    Node {
                        span,
                        value: scalar(&text, style, tag.as_deref()),
                    },
                    1,
                )
            }
            Event::SequenceStart(_, anchor, _) => {
                self.deeper(span)?;
                let (node, size) = self.sequence(span, events)?;
                (anchor, node, size)
            }
            Event::MappingStart(_, anchor, _) => {
                self.deeper(span)?;
                let (node, size) = self.mapping(span, events)?;
                (anchor, node, size)
            }
            Event::Alias(id) => return self.alias(id, span),
            _ => return None,
        };
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Some((node, size))
    }

    fn deeper(&mut self, span: Span) -> Option<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail(
                Code::TooLarge,
                span,
                &format!("nested deeper than {MAX_DEPTH} levels"),
                "flatten it",
            );
        }
        Some(())
    }

    fn fail<T>(&mut self, code: Code, span: Span, message: &str, help: &str) -> Option<T> {
        self.diagnostics
            .push(Diagnostic::new(code, message).at(span, "").help(help));
        self.failed = true;
        None
    }

    fn alias(&mut self, id: usize, span: Span) -> Option<(Node, usize)> {
        let Some((node, size)) = self.anchors.get(&id).cloned() else {
            return self.fail(
                Code::Syntax,
                span,
                "this alias stands inside its own anchor",
                "write the value out",
            );
        };
        self.aliased = self.aliased.saturating_add(size);
        if self.aliased > MAX_ALIASED {
            return self.fail(
                Code::TooLarge,
                span,
                "the aliases of this file expand without bound",
                "write the values out",
            );
        }
        Some((Node { span, ..node }, size))
    }

    fn sequence(&mut self, start: Span, events: &mut Events<'a>) -> Option<(Node, usize)> {
        let (mut items, mut size) = (Vec::new(), 1_usize);
        loop {
            let (event, span) = self.next(events)?;
            if event == Event::SequenceEnd {
                self.depth -= 1;
                return Some((Node::seq(self.trimmed(start, span), items), size));
            }
            let (node, inner) = self.node(event, span, events)?;
            size = size.saturating_add(inner);
            items.push(node);
        }
    }

    fn mapping(&mut self, start: Span, events: &mut Events<'a>) -> Option<(Node, usize)> {
        let (mut map, mut size) = (Map::default(), 1_usize);
        let mut merged: Vec<Node> = Vec::new();
        loop {
            let (event, key_span) = self.next(events)?;
            if event == Event::MappingEnd {
                self.depth -= 1;
                for node in &merged {
                    merge(&mut map, node);
                }
                return Some((Node::map(self.trimmed(start, key_span), map), size));
            }
            let Event::Scalar(key, style, ..) = event else {
                return self.fail(
                    Code::Syntax,
                    key_span,
                    "a key must be a single value",
                    "write the key as a text",
                );
            };
            let (event, span) = self.next(events)?;
            let (node, inner) = self.node(event, span, events)?;
            size = size.saturating_add(inner);
            if key == "<<"
                && style == ScalarStyle::Plain
                && matches!(node.value, Value::Map(_) | Value::Seq(_))
            {
                if self.merge_keys == MergeKeys::Taken {
                    merged.push(node);
                    continue;
                }
                return self.fail(
                    Code::Syntax,
                    key_span,
                    "YAML 1.2 has no merge key `<<`",
                    "write the keys out",
                );
            }
            if let Some(first) = map.entry(key.as_ref()) {
                let found = Diagnostic::new(
                    Code::DuplicateKey,
                    format!("the key `{key}` stands twice in one mapping"),
                );
                let found = found.at(key_span, "again here").at(first.key, "first here");
                self.diagnostics.push(found.help("keep one of the two"));
                continue;
            }
            map.add(
                self.shared(&key),
                Entry {
                    key: key_span,
                    node,
                },
            );
        }
    }

    /// A key's text, the same for all keys that are equal.
    fn shared(&mut self, key: &str) -> Arc<str> {
        if let Some(known) = self.keys.get(key) {
            return Arc::clone(known);
        }
        let key: Arc<str> = key.into();
        self.keys.insert(Arc::clone(&key));
        key
    }

    /// From a collection's start to its end, without the blanks and line ends behind it.
    fn trimmed(&self, start: Span, end: Span) -> Span {
        let text = self
            .text
            .get(start.start as usize..end.end as usize)
            .unwrap_or("");
        Span {
            end: start.start + offset(text.trim_end().len()),
            ..start
        }
    }
}

/// Adds the keys of what stands at `<<`: of a mapping, or of each in a list, the first before the
/// others.
fn merge(map: &mut Map, node: &Node) {
    for item in node.as_seq().unwrap_or_default() {
        merge(map, item);
    }
    for (key, entry) in node.as_map().into_iter().flat_map(Map::entries) {
        if map.entry(key).is_none() {
            map.add(Arc::clone(key), entry.clone());
        }
    }
}

/// What the parser found, with the help that its usual causes call for.
fn syntax_error(error: &str, text: &str, at: usize, span: Span, deep: bool) -> Diagnostic {
    if deep {
        return Diagnostic::new(
            Code::TooLarge,
            format!("nested deeper than {MAX_DEPTH} levels"),
        )
        .at(span, "")
        .help("flatten it");
    }
    let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[line_start..].lines().next().unwrap_or("");
    let indent = line.len() - line.trim_start_matches(' ').len();
    if line[indent..].starts_with('\t') {
        let tab = Span {
            start: offset(line_start + indent),
            end: offset(line_start + indent + 1),
            ..span
        };
        let found = Diagnostic::new(Code::Syntax, format!("this is not YAML or JSON: {error}"))
            .at(tab, "a tab");
        return found.help("YAML indents with blanks: replace the tab");
    }
    let help = if ["${ref:", "${env:", "${service:"]
        .iter()
        .any(|reference| line.contains(reference))
    {
        "inside `{ }` and `[ ]` a reference must be quoted: \"${ref:…}\""
    } else if line.contains(['{', '[']) || open_brackets(&text[..at]) {
        "check the brackets and commas; quote a text that holds any of `{ } [ ] , : #`"
    } else {
        "check the indentation; quote a text that holds `: ` or ` #`, or begins with any of `@ % & * ! | > ' \"`"
    };
    Diagnostic::new(Code::Syntax, format!("this is not YAML or JSON: {error}"))
        .at(span, "here")
        .help(help)
}

/// Whether more brackets are opened than closed, those in texts and comments counted too.
fn open_brackets(text: &str) -> bool {
    text.matches(['{', '[']).count() > text.matches(['}', ']']).count()
}

/// The value of a scalar by the core schema of YAML 1.2.2, section 10.3.2.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&str>) -> Value {
    match tag {
        Some("str") => Value::String(text.into()),
        _ if style == ScalarStyle::Plain => plain(text),
        _ => Value::String(text.into()),
    }
}

/// The value of a plain scalar by the same schema.
pub fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let spelled = Float {
        text: text.into(),
        value: 0.0,
    };
    let digits = |prefix| {
        let digits = text.strip_prefix(prefix).unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_decimal = !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit());
    if digits("0x") || digits("0o") || is_decimal {
        return match spelled.whole() {
            Some(value) if value.to_string() == text => Value::Integer(value),
            #[expect(
                clippy::cast_precision_loss,
                reason = "the digits are kept as text, and this is for comparing sizes"
            )]
            Some(value) => Value::Float(Float {
                value: value as f64,
                ..spelled
            }),
            None if is_decimal => float(text),
            None => Value::String(text.into()),
        };
    }
    let number = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.bytes().any(|b| b.is_ascii_digit())
        && unsigned
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if number
        || matches!(unsigned, ".inf" | ".Inf" | ".INF")
        || matches!(text, ".nan" | ".NaN" | ".NAN")
    {
        return float(text);
    }
    Value::String(text.into())
}

fn float(text: &str) -> Value {
    match text
        .to_lowercase()
        .replace(".inf", "inf")
        .replace(".nan", "nan")
        .trim_start_matches('+')
        .parse()
    {
        Ok(value) => Value::Float(Float {
            text: text.into(),
            value,
        }),
        Err(_) => Value::String(text.into()),
    }
}

#[cfg(test)]
#[path = "node_tests.rs"]
mod tests;
