//! YAML 1.2: block and flow style.
//!
//! A block entry is added as it stands in the wanted document, moved to the indentation of its new
//! place, so that comments behind values (`uses: …@SHA # v4.2.2`) come along. What an alias, a tag
//! or a merge key stands for is never edited.
//!
//! Deliberately not here: several documents in one file, and keys that are no texts. Such files are
//! refused.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, Span, options};
use indexmap::IndexMap;
use loom_plan::keys::{Change, Data, Edited, Entry, Form, Format, KeyPath, Proposal, Step};
use loom_plan::node::{self, MAX_DEPTH};

use super::flow::{self, First};
use super::{
    Document, Editor, Splice, Splices, at, comment_splice, index_of, line_end, line_number,
    line_start, next_line, proposal, split,
};

/// YAML.
#[derive(Debug)]
pub struct Yaml;

impl Format for Yaml {
    fn name(&self) -> &'static str {
        "YAML"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["yaml", "yml"]
    }

    fn comments(&self) -> &'static [&'static str] {
        Self::COMMENTS
    }

    fn read(&self, text: &str) -> Result<Data, String> {
        super::read::<Self>(text)
    }

    fn documents(&self, text: &str) -> Result<Vec<Data>, String> {
        let bare = super::Dress::off(text).1;
        Reader::new(&bare).documents()
    }

    fn edit(&self, text: &str, change: Change<'_>) -> Result<Edited, String> {
        super::edit::<Self>(text, change)
    }

    fn extract(&self, text: &str, paths: &[KeyPath]) -> String {
        proposal::extract::<Self>(text, paths)
    }

    fn propose(&self, text: &str, change: Change<'_>) -> Proposal {
        proposal::propose::<Self>(text, change)
    }

    fn put(&self, text: &str, wanted: &str, path: &KeyPath) -> Result<String, String> {
        super::put::<Self>(text, wanted, path)
    }
}

impl Editor for Yaml {
    const COMMENTS: &'static [&'static str] = &["#"];

    fn data(text: &str) -> Result<Data, String> {
        Reader::new(text).document()
    }

    fn set(file: &Document, wanted: &Document, path: &KeyPath) -> Splices {
        let (parent, step) = split(path)?;
        let (holder, old, new) = (
            at(&file.data, &parent)?,
            at(&file.data, path)?,
            at(&wanted.data, path)?,
        );
        if is_in_flow(file, path) {
            return Ok(vec![Splice::new(old.span.clone(), flow::inline(new))]);
        }
        let raw = wanted.text[new.span.clone()].trim_end();
        let is_line = |data: &Data, raw: &str| {
            matches!(data.form, Form::Scalar(_)) && !raw.contains('\n') && !raw.is_empty()
        };
        if is_line(new, raw) && is_line(old, &file.text[old.span.clone()]) {
            return Ok(vec![
                Splice::new(old.span.clone(), raw),
                comment_splice::<Self>(file, old, wanted, new),
            ]);
        }
        let (Step::Key(key), Some((from, text))) = (step, block_entry(wanted, path)) else {
            return Err(format!(
                "`{path}` is written in a way that loom does not edit"
            ));
        };
        let entry = holder
            .entry(key)
            .ok_or_else(|| format!("`{path}` is not there"))?;
        let column = entry.key.start - line_start(&file.text, entry.key.start);
        Ok(vec![Splice::new(
            entry.key.start..last_line_end(&file.text, entry),
            moved(&text, from, column),
        )])
    }

    fn add(file: &Document, wanted: &Document, path: &KeyPath) -> Splices {
        let (parent, step) = split(path)?;
        let (holder, new) = (at(&file.data, &parent)?, at(&wanted.data, path)?);
        if is_flow(&file.text, holder) || is_in_flow(file, path) {
            let entry = |_: &str| match step {
                Step::Key(key) => format!("{}: {}", flow_key(key), flow::inline(new)),
                Step::Entry { .. } | Step::Item(_) => flow::inline(new),
            };
            return flow::add(&file.text, holder, &entry, First::Inline, Self::COMMENTS);
        }
        let (from, text) = block_entry(wanted, path).unwrap_or_else(|| match step {
            Step::Key(key) => (
                0,
                format!("{}: {}", crate::emit::yaml::scalar(key), flow::inline(new)),
            ),
            Step::Entry { .. } | Step::Item(_) => (0, format!("- {}", flow::inline(new))),
        });
        let (column, place) = place_in_block(file, holder, &parent)?;
        let text = moved(&text, from, column);
        let blanks = " ".repeat(column);
        Ok(vec![if place == file.text.len() {
            let newline = if file.text.is_empty() || file.text.ends_with('\n') {
                ""
            } else {
                "\n"
            };
            Splice::at(place, format!("{newline}{blanks}{text}\n"))
        } else {
            Splice::at(place, format!("\n{blanks}{text}"))
        }])
    }

    fn take(file: &Document, path: &KeyPath) -> Splices {
        let (parent, step) = split(path)?;
        let holder = at(&file.data, &parent)?;
        let index = index_of(holder, step).ok_or_else(|| format!("`{path}` is not there"))?;
        if is_flow(&file.text, holder) {
            return flow::take(&file.text, holder, index, Self::COMMENTS);
        }
        let text = &file.text;
        let (start, end) = match &holder.form {
            Form::Map(entries) => (
                entries[index].key.start,
                last_line_end(text, &entries[index]),
            ),
            Form::List(items) => (
                dash(text, &items[index])?,
                value_line_end(text, &items[index]),
            ),
            Form::Scalar(_) => return Err(format!("`{path}` is not there")),
        };
        let begin = line_start(text, start);
        if text[begin..start].trim().is_empty() {
            return Ok(vec![Splice::new(begin..next_line(text, end), "")]);
        }
        // the first key of an entry of a list stands behind its dash: the next one takes its place
        let next = if let Form::Map(entries) = &holder.form {
            entries.get_index(index + 1)
        } else {
            None
        };
        match next {
            Some((_, next))
                if text[begin..start]
                    .trim_start()
                    .trim_matches(['-', ' '])
                    .is_empty() =>
            {
                Ok(vec![Splice::new(start..next.key.start, "")])
            }
            Some(_) | None => Err(format!("`{path}` stands on a line with something else")),
        }
    }

    fn inline(data: &Data) -> String {
        flow::inline(data)
    }
}

/// Whether a list or mapping is written with brackets.
fn is_flow(text: &str, data: &Data) -> bool {
    !matches!(data.form, Form::Scalar(_)) && text[data.span.start..].starts_with(['{', '['])
}

/// Whether something that holds a path is written with brackets.
fn is_in_flow(file: &Document, path: &KeyPath) -> bool {
    let above = (0..path.steps().len()).filter_map(|length| file.data.get(&path.first(length)));
    above.into_iter().any(|data| is_flow(&file.text, data))
}

/// A key as it may stand between brackets.
fn flow_key(key: &str) -> String {
    let is_plain = key
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let scalar = crate::emit::yaml::scalar(key);
    if is_plain {
        scalar.into_owned()
    } else {
        serde_json::Value::from(key).to_string()
    }
}

/// The end of the line on which a value ends.
fn value_line_end(text: &str, data: &Data) -> usize {
    let end = data.span.start + text[data.span.clone()].trim_end().len();
    line_end(text, end)
}

/// The end of the line on which an entry ends. One without a value ends behind its colon.
fn last_line_end(text: &str, entry: &Entry) -> usize {
    if entry.data.span.is_empty() {
        line_end(text, entry.key.end)
    } else {
        value_line_end(text, &entry.data)
    }
}

/// The dash of an entry of a list in block style.
fn dash(text: &str, item: &Data) -> Result<usize, String> {
    let before = text[..item.span.start].trim_end();
    if before.ends_with('-') && !item.span.is_empty() {
        Ok(before.len() - 1)
    } else {
        Err("an entry of a list is written in a way that loom does not edit".to_owned())
    }
}

/// An entry of the wanted document as it stands there in block style, and the column it begins at.
fn block_entry(wanted: &Document, path: &KeyPath) -> Option<(usize, String)> {
    let (parent, step) = split(path).ok()?;
    let holder = wanted.data.get(&parent)?;
    if is_in_flow(wanted, path) {
        return None;
    }
    let text = &wanted.text;
    let (start, end) = match (&holder.form, step) {
        (Form::Map(entries), Step::Key(key)) => (
            entries.get(key)?.key.start,
            last_line_end(text, entries.get(key)?),
        ),
        (Form::List(_), _) => {
            let item = wanted.data.get(path)?;
            (dash(text, item).ok()?, value_line_end(text, item))
        }
        (Form::Scalar(_) | Form::Map(_), _) => return None,
    };
    Some((start - line_start(text, start), text[start..end].to_owned()))
}

/// A piece of text that began at one column, for another.
fn moved(text: &str, from: usize, to: usize) -> String {
    let mut lines = text.split('\n');
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        out.push('\n');
        let blanks = line.len() - line.trim_start_matches(' ').len();
        let rest = &line[blanks.min(from)..];
        if !rest.trim().is_empty() {
            out.push_str(&" ".repeat(to));
        }
        out.push_str(if rest.trim().is_empty() {
            rest.trim_end_matches(' ')
        } else {
            rest
        });
    }
    out
}

/// Where an entry goes that is new in a list or mapping in block style: its column, and the place
/// behind which it begins a line.
fn place_in_block(
    file: &Document,
    holder: &Data,
    path: &KeyPath,
) -> Result<(usize, usize), String> {
    let text = &file.text;
    let column = |at: usize| at - line_start(text, at);
    let end_of = |place: usize| {
        if path.steps().is_empty() {
            text.len()
        } else {
            place
        }
    };
    match &holder.form {
        Form::Map(entries) => match (entries.first(), entries.last()) {
            (Some((_, first)), Some((_, last))) => {
                Ok((column(first.key.start), end_of(last_line_end(text, last))))
            }
            (None, _) | (_, None) => Ok((0, text.len())),
        },
        Form::List(items) => match (items.first(), items.last()) {
            (Some(first), Some(last)) => Ok((
                column(dash(text, first)?),
                end_of(value_line_end(text, last)),
            )),
            (None, _) | (_, None) => Err(format!("`{path}` is an empty list in block style")),
        },
        Form::Scalar(_) => {
            let (above, step) = split(path)?;
            let Step::Key(key) = step else {
                return Err(format!("`{path}` has no value to add to"));
            };
            let entry = at(&file.data, &above)?
                .entry(key)
                .ok_or_else(|| format!("`{path}` is not there"))?;
            Ok((column(entry.key.start) + 2, line_end(text, entry.key.end)))
        }
    }
}

/// How many values the aliases of one document may stand for.
const MAX_ALIASED: usize = 100_000;

struct Reader<'a> {
    text: &'a str,
    events: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: BTreeMap<usize, (Data, usize)>,
    aliased: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let options = options! { emit_comments: false, flow_nesting_limit: MAX_DEPTH, block_nesting_limit: MAX_DEPTH };
        Self {
            text,
            events: Parser::new_from_str_with_options(text, options),
            anchors: BTreeMap::new(),
            aliased: 0,
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), String> {
        match self.events.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let at = self.text.floor_char_boundary(
                    error
                        .marker()
                        .byte_offset()
                        .unwrap_or(self.text.len())
                        .min(self.text.len()),
                );
                Err(format!(
                    "line {}: {}",
                    line_number(self.text, at),
                    error.info()
                ))
            }
            None => Err("it ends too early".to_owned()),
        }
    }

    /// The one document of the text. Nothing at all is an empty mapping.
    fn document(&mut self) -> Result<Data, String> {
        let documents = self.documents()?;
        if documents.len() > 1 {
            return Err("it holds more than one document".to_owned());
        }
        let nothing = Data::new(self.text.len()..self.text.len(), Form::Map(IndexMap::new()));
        let is_nothing =
            |data: &Data| data.form == Form::Scalar("null".to_owned()) && data.span.is_empty();
        let found = documents.into_iter().next();
        Ok(found.filter(|data| !is_nothing(data)).unwrap_or(nothing))
    }

    /// All documents of the text.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the parser's list of events is open; others begin a value or none"
    )]
    fn documents(&mut self) -> Result<Vec<Data>, String> {
        let mut found = Vec::new();
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(found),
                Event::StreamStart | Event::DocumentEnd => {}
                // an anchor is of its document alone
                Event::DocumentStart(..) => self.anchors.clear(),
                event => found.push(self.value(event, span)?.0),
            }
        }
    }

    /// The value that an event begins, and how many values it holds.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the parser's list of events is open; others begin no value"
    )]
    fn value(&mut self, event: Event<'a>, span: Span) -> Result<(Data, usize), String> {
        let range = span.byte_range().unwrap_or(0..0);
        let line = line_number(self.text, range.start);
        let (anchor, data, size) = match event {
            Event::Alias(id) => {
                let (anchored, size) = self
                    .anchors
                    .get(&id)
                    .cloned()
                    .ok_or_else(|| format!("line {line}: an alias within its own anchor"))?;
                self.aliased = self.aliased.saturating_add(size);
                if self.aliased > MAX_ALIASED {
                    return Err("its aliases expand without bound".to_owned());
                }
                return Ok((
                    Data {
                        span: range,
                        obstacle: Some("is an alias"),
                        ..anchored
                    },
                    size,
                ));
            }
            Event::Scalar(text, style, anchor, tag) => {
                let mut data = Data::new(
                    range,
                    Form::Scalar(canonical(
                        &text,
                        style,
                        tag.as_deref().and_then(|tag| tag.core_suffix()),
                    )),
                );
                data.obstacle = tag.is_some().then_some("has a tag");
                (anchor, data, 1)
            }
            Event::SequenceStart(_, anchor, _) => {
                let (data, size) = self.list(range.start)?;
                (anchor, data, size)
            }
            Event::MappingStart(_, anchor, _) => {
                let (data, size) = self.map(range.start)?;
                (anchor, data, size)
            }
            _ => return Err(format!("line {line}: a value was expected")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, (data.clone(), size));
        }
        Ok((data, size))
    }

    /// From the start of a list or mapping to its end: of a block that of its last value, so that
    /// the blanks and comments behind it are none of it.
    fn closed(&self, start: usize, end: &Span, form: Form) -> Data {
        let is_flow = self.text[start..].starts_with(['{', '[']);
        let last = match &form {
            Form::List(items) => items.last().map(|item| item.span.end),
            Form::Map(entries) => entries.values().last().map(|entry| entry.data.span.end),
            Form::Scalar(_) => None,
        };
        let end = last
            .filter(|_| !is_flow)
            .unwrap_or_else(|| end.byte_range().unwrap_or(start..start).end)
            .max(start);
        Data::new(start..start + self.text[start..end].trim_end().len(), form)
    }

    fn list(&mut self, start: usize) -> Result<(Data, usize), String> {
        let (mut items, mut size) = (Vec::new(), 1_usize);
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok((self.closed(start, &span, Form::List(items)), size));
            }
            let (item, inner) = self.value(event, span)?;
            size = size.saturating_add(inner);
            items.push(item);
        }
    }

    fn map(&mut self, start: usize) -> Result<(Data, usize), String> {
        let (mut entries, mut size, mut obstacle): (IndexMap<String, Entry>, _, _) =
            (IndexMap::new(), 1_usize, None);
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok((
                    Data {
                        obstacle,
                        ..self.closed(start, &span, Form::Map(entries))
                    },
                    size,
                ));
            }
            let key = span.byte_range().unwrap_or(0..0);
            let line = line_number(self.text, key.start);
            let Event::Scalar(name, style, ..) = event else {
                return Err(format!("line {line}: a key that is no text"));
            };
            if name == "<<" && style == ScalarStyle::Plain {
                obstacle = Some("has a merge key `<<`");
            }
            let (event, span) = self.next()?;
            let (mut data, inner) = self.value(event, span)?;
            size = size.saturating_add(inner);
            if data.span.is_empty() {
                // nothing at all: it stands behind its colon
                let colon = self.text[key.end..]
                    .find(':')
                    .map_or(key.end, |found| key.end + found + 1);
                data.span = colon..colon;
            }
            if entries
                .insert(name.to_string(), Entry { key, data })
                .is_some()
            {
                return Err(format!(
                    "line {line}: the key `{name}` stands twice in one mapping"
                ));
            }
        }
    }
}

/// A scalar so that equal values are equal texts.
fn canonical(text: &str, style: ScalarStyle, tag: Option<&str>) -> String {
    let string = || serde_json::Value::from(text).to_string();
    match (tag, style) {
        (None, ScalarStyle::Plain) => match node::plain(text) {
            node::Value::String(_) | node::Value::Seq(_) | node::Value::Map(_) => string(),
            node::Value::Null => "null".to_owned(),
            node::Value::Bool(value) => value.to_string(),
            node::Value::Integer(value) => value.to_string(),
            node::Value::Float(float) => float.text.to_string(),
        },
        (None | Some("str"), _) => string(),
        (Some(tag), _) => format!("!{tag} {}", string()),
    }
}
