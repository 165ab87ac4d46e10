//! TOML 1.1, and so TOML 1.0: values below headers, in inline tables, under dotted keys and in arrays of tables.
//!
//! A new value goes behind the last one of its table, a new table to the end of the file. Where a
//! table is only implied by its sub-tables it gets a header of its own there.

use indexmap::IndexMap;
use loom_plan::keys::{Change, Data, Edited, Entry, Form, Format, KeyPath, Proposal, Step};
use toml_edit::{Document as Parsed, InlineTable, Item, Key, Table, Value};

use super::flow::{self, First};
use super::{
    BYTE_ORDER_MARK, Document, Editor, Splice, Splices, at, comment_splice, index_of, line_end,
    line_number, line_start, next_line, proposal, split,
};

/// TOML.
#[derive(Debug)]
pub struct Toml;

impl Format for Toml {
    fn name(&self) -> &'static str {
        "TOML"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["toml"]
    }

    fn comments(&self) -> &'static [&'static str] {
        Self::COMMENTS
    }

    fn read(&self, text: &str) -> Result<Data, String> {
        super::read::<Self>(text)
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

impl Editor for Toml {
    const COMMENTS: &'static [&'static str] = &["#"];

    fn data(text: &str) -> Result<Data, String> {
        if text.starts_with(BYTE_ORDER_MARK) {
            return Err("line 1: a second byte order mark".to_owned());
        }
        let parsed = Parsed::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_number(text, span.start));
            format!("line {line}: {}", error.message())
        })?;
        Ok(Data::new(0..0, table(text, parsed.as_table())))
    }

    fn set(file: &Document, wanted: &Document, path: &KeyPath) -> Splices {
        let (old, new) = (at(&file.data, path)?, at(&wanted.data, path)?);
        if old.span.is_empty() || is_header(&file.text, old) {
            return Err(format!("`{path}` is a table there"));
        }
        Ok(vec![
            Splice::new(old.span.clone(), raw(wanted, new)),
            comment_splice::<Self>(file, old, wanted, new),
        ])
    }

    fn add(file: &Document, wanted: &Document, path: &KeyPath) -> Splices {
        let (parent, step) = split(path)?;
        let (holder, new) = (at(&file.data, &parent)?, at(&wanted.data, path)?);
        let text = &file.text;
        if !holder.span.is_empty() && !is_header(text, holder) {
            let entry = |_: &str| match step {
                Step::Key(name) => format!("{} = {}", key(name), raw(wanted, new)),
                Step::Entry { .. } | Step::Item(_) => raw(wanted, new),
            };
            return flow::add(text, holder, &entry, First::Inline, Self::COMMENTS);
        }
        let Step::Key(name) = step else {
            return Ok(vec![appended(
                file,
                &sections(wanted, new, &header(&parent, ("[[", "]]"))?),
            )]);
        };
        match &new.form {
            Form::Map(entries) if !entries.is_empty() && !is_inline(wanted, new) => {
                Ok(vec![appended(
                    file,
                    &sections(wanted, new, &header(path, ("[", "]"))?),
                )])
            }
            Form::List(items) if new.span.is_empty() => {
                let open = header(path, ("[[", "]]"))?;
                let text = items
                    .iter()
                    .map(|item| sections(wanted, item, &open))
                    .collect::<Vec<_>>()
                    .join("\n");
                Ok(vec![appended(file, &text)])
            }
            Form::Scalar(_) | Form::List(_) | Form::Map(_) => {
                let line = format!(
                    "{} = {}{}",
                    key(name),
                    raw(wanted, new),
                    comment(wanted, new)
                );
                value(file, holder, &parent, &line)
            }
        }
    }

    fn take(file: &Document, path: &KeyPath) -> Splices {
        let (parent, step) = split(path)?;
        let (holder, old) = (at(&file.data, &parent)?, at(&file.data, path)?);
        let text = &file.text;
        if !holder.span.is_empty() && !is_header(text, holder) {
            let index = index_of(holder, step).ok_or_else(|| format!("`{path}` is not there"))?;
            return flow::take(text, holder, index, Self::COMMENTS);
        }
        let entry = if let Step::Key(name) = step {
            holder.entry(name)
        } else {
            None
        };
        let mut lines = Vec::new();
        match entry {
            Some(entry) if !old.span.is_empty() && !is_header(text, old) => {
                lines.push((entry.key.start, old.span.end));
            }
            Some(_) | None => gather(text, old, &mut lines),
        }
        Ok(lines
            .into_iter()
            .map(|(start, end)| without_lines(text, start, end))
            .collect())
    }

    fn inline(data: &Data) -> String {
        raw(
            &Document {
                text: String::new(),
                data: Data::new(0..0, Form::List(Vec::new())),
                spliced: Vec::new(),
            },
            data,
        )
    }
}

/// The splice that takes the lines of an entry; of a header with the blank line before it.
fn without_lines(text: &str, start: usize, end: usize) -> Splice {
    let mut begin = line_start(text, start);
    if text[begin..].trim_start().starts_with('[')
        && (begin == 1 && text.starts_with('\n') || text[..begin].ends_with("\n\n"))
    {
        begin -= 1;
    }
    Splice::new(begin..next_line(text, end), "")
}

/// Where the headers and the values of a table and of all tables in it stand.
fn gather(text: &str, data: &Data, lines: &mut Vec<(usize, usize)>) {
    if is_header(text, data) {
        lines.push((data.span.start, data.span.start));
    }
    match &data.form {
        Form::Scalar(_) => {}
        Form::List(items) => items.iter().for_each(|item| gather(text, item, lines)),
        Form::Map(entries) => {
            for entry in entries.values() {
                if entry.data.span.is_empty() || is_header(text, &entry.data) {
                    gather(text, &entry.data, lines);
                } else {
                    lines.push((entry.key.start, entry.data.span.end));
                }
            }
        }
    }
}

/// Whether a table has a header of its own. Those that are only implied stand nowhere.
fn is_header(text: &str, data: &Data) -> bool {
    matches!(data.form, Form::Map(_))
        && !data.span.is_empty()
        && text[data.span.start..].starts_with('[')
}

fn is_inline(document: &Document, data: &Data) -> bool {
    !data.span.is_empty() && !is_header(&document.text, data)
}

/// A value as it stands in the wanted document, or on one line.
fn raw(wanted: &Document, data: &Data) -> String {
    if is_inline(wanted, data) {
        return wanted.text[data.span.clone()].to_owned();
    }
    match &data.form {
        Form::Scalar(text) => quoted(text),
        Form::List(items) => format!(
            "[{}]",
            items
                .iter()
                .map(|item| raw(wanted, item))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        Form::Map(entries) if entries.is_empty() => "{}".to_owned(),
        Form::Map(entries) => {
            let field = |(name, entry): (&String, &Entry)| {
                format!("{} = {}", key(name), raw(wanted, &entry.data))
            };
            format!(
                "{{ {} }}",
                entries.iter().map(field).collect::<Vec<_>>().join(", ")
            )
        }
    }
}

/// The comment behind a value.
fn comment<'a>(wanted: &'a Document, data: &Data) -> &'a str {
    let rest = &wanted.text[data.span.end..line_end(&wanted.text, data.span.end)];
    if is_inline(wanted, data) && rest.trim_start().starts_with('#') {
        rest
    } else {
        ""
    }
}

/// A text in the quotes of JSON as TOML takes it: of what JSON leaves bare TOML forbids one character.
fn quoted(json: &str) -> String {
    json.replace('\u{7f}', "\\u007f")
}

fn key(name: &str) -> String {
    let is_bare = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if is_bare {
        name.to_owned()
    } else {
        quoted(&serde_json::Value::from(name).to_string())
    }
}

/// The header of a table.
fn header(path: &KeyPath, (open, close): (&str, &str)) -> Result<String, String> {
    let names = path.steps().iter().map(|step| match step {
        Step::Key(name) => Ok(key(name)),
        Step::Entry { .. } | Step::Item(_) => {
            Err(format!("`{path}` is a table within an array of tables"))
        }
    });
    Ok(format!(
        "{open}{}{close}",
        names.collect::<Result<Vec<_>, _>>()?.join(".")
    ))
}

/// A table and the tables in it, each below its header.
fn sections(wanted: &Document, data: &Data, open: &str) -> String {
    let Form::Map(entries) = &data.form else {
        return String::new();
    };
    let is_table = |data: &Data| match &data.form {
        Form::Map(entries) => !entries.is_empty() && !is_inline(wanted, data),
        Form::List(_) => data.span.is_empty(),
        Form::Scalar(_) => false,
    };
    let name = open.trim_matches(['[', ']']);
    let (tables, values): (Vec<_>, Vec<_>) =
        entries.iter().partition(|(_, entry)| is_table(&entry.data));
    let mut out = Vec::new();
    if !values.is_empty() || tables.is_empty() || open.starts_with("[[") {
        let line = |(name, entry): &(&String, &Entry)| {
            format!(
                "{} = {}{}\n",
                key(name),
                raw(wanted, &entry.data),
                comment(wanted, &entry.data)
            )
        };
        out.push(format!(
            "{open}\n{}",
            values.iter().map(line).collect::<String>()
        ));
    }
    for (inner, entry) in tables {
        let inner = format!("{name}.{}", key(inner));
        match &entry.data.form {
            Form::List(items) => out.extend(
                items
                    .iter()
                    .map(|item| sections(wanted, item, &format!("[[{inner}]]"))),
            ),
            Form::Map(_) | Form::Scalar(_) => {
                out.push(sections(wanted, &entry.data, &format!("[{inner}]")));
            }
        }
    }
    out.join("\n")
}

/// A text at the end of the file, with a blank line before it.
fn appended(file: &Document, text: &str) -> Splice {
    let gap = match file.text.as_str() {
        "" => "",
        ended if ended.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    Splice::at(file.text.len(), format!("{gap}{text}"))
}

/// A line with a value, where the other values of its table are.
fn value(file: &Document, holder: &Data, path: &KeyPath, line: &str) -> Splices {
    let text = &file.text;
    let Form::Map(entries) = &holder.form else {
        return Err(format!("`{path}` is no table there"));
    };
    let is_value = |entry: &&Entry| !entry.data.span.is_empty() && !is_header(text, &entry.data);
    let last = entries
        .values()
        .filter(is_value)
        .max_by_key(|entry| entry.data.span.end);
    if let Some(last) = last {
        let begin = line_start(text, last.key.start);
        // blanks, or the dotted key that leads to this table
        let lead = &text[begin..last.key.start];
        return Ok(vec![Splice::at(
            line_end(text, last.data.span.end),
            format!("\n{lead}{line}"),
        )]);
    }
    if is_header(text, holder) {
        return Ok(vec![Splice::at(
            line_end(text, holder.span.start),
            format!("\n{line}"),
        )]);
    }
    if path.steps().is_empty() {
        return Ok(vec![Splice::at(
            first_header(text, holder),
            format!("{line}\n"),
        )]);
    }
    Ok(vec![appended(
        file,
        &format!("{}\n{line}\n", header(path, ("[", "]"))?),
    )])
}

/// Where the first header stands, with the comments right above it.
fn first_header(text: &str, root: &Data) -> usize {
    let mut lines = Vec::new();
    gather(text, root, &mut lines);
    let mut place = lines
        .iter()
        .map(|(start, _)| line_start(text, *start))
        .min()
        .unwrap_or(text.len());
    while place > 0
        && text[line_start(text, place - 1)..place]
            .trim_start()
            .starts_with('#')
    {
        place = line_start(text, place - 1);
    }
    place
}

fn entry(key: Option<&Key>, data: Data) -> Entry {
    Entry {
        key: key.and_then(Key::span).unwrap_or(0..0),
        data,
    }
}

fn table(text: &str, table: &Table) -> Form {
    let entries = table.iter().map(|(name, item)| {
        (
            name.to_owned(),
            entry(table.key(name), item_data(text, item)),
        )
    });
    Form::Map(entries.collect::<IndexMap<_, _>>())
}

fn item_data(text: &str, item: &Item) -> Data {
    match item {
        Item::None => Data::new(0..0, Form::Scalar(String::new())),
        Item::Value(value) => value_data(text, value),
        Item::Table(inner) => Data::new(header_span(text, inner), table(text, inner)),
        Item::ArrayOfTables(tables) => {
            let items = tables
                .iter()
                .map(|inner| Data::new(header_span(text, inner), table(text, inner)));
            Data::new(0..0, Form::List(items.collect()))
        }
    }
}

/// Where the header of a table stands; nowhere for one that is only implied.
fn header_span(text: &str, table: &Table) -> std::ops::Range<usize> {
    let span = table.span().unwrap_or(0..0);
    let is_there =
        !table.is_implicit() && !table.is_dotted() && text[span.start..].starts_with('[');
    if is_there { span } else { 0..0 }
}

fn value_data(text: &str, value: &Value) -> Data {
    let span = value.span().unwrap_or(0..0);
    let form = match value {
        Value::String(string) => return Data::text(span, string.value()),
        Value::Integer(number) => Form::Scalar(number.value().to_string()),
        Value::Float(number) => Form::Scalar(format!("{:?}", number.value())),
        Value::Boolean(boolean) => Form::Scalar(boolean.value().to_string()),
        Value::Datetime(time) => Form::Scalar(time.value().to_string()),
        Value::Array(array) => {
            Form::List(array.iter().map(|item| value_data(text, item)).collect())
        }
        Value::InlineTable(inline) => return inline_data(text, inline, span),
    };
    Data::new(span, form)
}

fn inline_data(text: &str, inline: &InlineTable, span: std::ops::Range<usize>) -> Data {
    let entries = inline.iter().map(|(name, value)| {
        (
            name.to_owned(),
            entry(inline.key(name), value_data(text, value)),
        )
    });
    Data::new(
        if inline.is_dotted() { 0..0 } else { span },
        Form::Map(entries.collect::<IndexMap<_, _>>()),
    )
}
