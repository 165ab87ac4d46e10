//! HCL 2, the native syntax of Terraform: attributes, blocks, and the lists and objects in them.
//!
//! A block is a mapping below its type and labels: `resource.aws_s3_bucket.logs.bucket`. Several
//! blocks of one type and the same labels are a list. An expression that is no literal is one
//! value, its text.
//!
//! Deliberately not here: aligning `=` with the lines around, which are not loom's.

use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{BlockLabel, Body, Structure};
use indexmap::IndexMap;
use loom_plan::keys::{Change, Data, Edited, Entry, Form, Format, KeyPath, Proposal, Step};
use loom_plan::node::MAX_DEPTH;

use super::flow::{self, First};
use super::{
    Document, Editor, Splice, Splices, at, comment_splice, indentation, index_of, line_end,
    line_start, next_line, proposal, split,
};

/// HCL.
#[derive(Debug)]
pub struct Hcl;

impl Format for Hcl {
    fn name(&self) -> &'static str {
        "HCL"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["tf", "hcl", "tfvars"]
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

impl Editor for Hcl {
    const COMMENTS: &'static [&'static str] = &["#", "//", "/*"];

    fn data(text: &str) -> Result<Data, String> {
        if is_too_deep(text) {
            return Err(format!("it is nested deeper than {MAX_DEPTH} levels"));
        }
        let body: Body = hcl_edit::parser::parse_body(text)
            .map_err(|error| format!("line {}: {}", error.location().line(), error.message()))?;
        body_data(text, &body, 0..0)
    }

    fn set(file: &Document, wanted: &Document, path: &KeyPath) -> Splices {
        let (old, new) = (at(&file.data, path)?, at(&wanted.data, path)?);
        if is_block(&file.text, old) || is_block(&wanted.text, new) {
            return Err(format!(
                "`{path}` is a block, and would become a value or the other way round"
            ));
        }
        let text = raw(wanted, new, indentation(&file.text, old.span.start));
        Ok(vec![
            Splice::new(old.span.clone(), text),
            comment_splice::<Self>(file, old, wanted, new),
        ])
    }

    fn add(file: &Document, wanted: &Document, path: &KeyPath) -> Splices {
        let (parent, step) = split(path)?;
        let (holder, new) = (at(&file.data, &parent)?, at(&wanted.data, path)?);
        let text = &file.text;
        if is_block(text, holder) {
            return add_to_body(file, wanted, path);
        }
        let entry = |indent: &str| match step {
            Step::Key(key) => format!("{} = {}", object_key(key), raw(wanted, new, indent)),
            Step::Entry { .. } | Step::Item(_) => raw(wanted, new, indent),
        };
        let entries = flow::entries(holder);
        let is_listed = entries
            .last()
            .is_none_or(|last| flow::has_comma(text, last.end, Self::COMMENTS));
        match (&holder.form, entries.as_slice()) {
            (Form::Map(_), [first, .., last] | [first @ last])
                if !is_listed && is_own_line(text, first) =>
            {
                let indent = indentation(text, first.start);
                Ok(vec![Splice::at(
                    line_end(text, last.end),
                    format!("\n{indent}{}", entry(indent)),
                )])
            }
            _ => flow::add(text, holder, &entry, First::Inline, Self::COMMENTS),
        }
    }

    fn take(file: &Document, path: &KeyPath) -> Splices {
        let (parent, step) = split(path)?;
        let (holder, old) = (at(&file.data, &parent)?, at(&file.data, path)?);
        let text = &file.text;
        if !is_block(text, holder) {
            let index = index_of(holder, step).ok_or_else(|| format!("`{path}` is not there"))?;
            return flow::take(text, holder, index, Self::COMMENTS);
        }
        let entry = if let Step::Key(key) = step {
            holder.entry(key)
        } else {
            None
        };
        let mut ranges = Vec::new();
        match entry {
            Some(entry) if !is_block(text, old) => ranges.push(entry.key.start..old.span.end),
            Some(_) | None => blocks_in(old, &mut ranges),
        }
        ranges
            .into_iter()
            .map(|range| without_lines(text, &range))
            .collect()
    }

    fn inline(data: &Data) -> String {
        inline(data)
    }
}

/// Whether brackets nest deeper than its parser should follow; those in texts are counted too, so
/// that only a text that is full of them is refused for nothing.
fn is_too_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    text.bytes().any(|byte| {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_DEPTH
    })
}

/// Whether a value is a block, or what only blocks have in common: their type or a label.
fn is_block(text: &str, data: &Data) -> bool {
    match &data.form {
        Form::Scalar(_) => false,
        Form::List(_) => data.span.is_empty(),
        Form::Map(_) => data.span.is_empty() || !text[data.span.start..].starts_with('{'),
    }
}

fn is_own_line(text: &str, entry: &Range<usize>) -> bool {
    text[line_start(text, entry.start)..entry.start]
        .trim()
        .is_empty()
}

/// All blocks that a value stands for.
fn blocks_in(data: &Data, found: &mut Vec<Range<usize>>) {
    if !data.span.is_empty() {
        return found.push(data.span.clone());
    }
    match &data.form {
        Form::Scalar(_) => {}
        Form::List(items) => items.iter().for_each(|item| blocks_in(item, found)),
        Form::Map(entries) => entries
            .values()
            .for_each(|entry| blocks_in(&entry.data, found)),
    }
}

/// The splice that takes the lines of an attribute or block; of a block with the blank line before.
fn without_lines(text: &str, range: &Range<usize>) -> Result<Splice, String> {
    let mut begin = line_start(text, range.start);
    let end = next_line(text, range.end);
    let behind = text[range.end..end].trim_start();
    let is_comment = Hcl::COMMENTS.iter().any(|mark| behind.starts_with(mark));
    if !is_own_line(text, range) || !(behind.is_empty() || is_comment) {
        return Err("it stands on a line with something else".to_owned());
    }
    if text[range.clone()].ends_with('}') && text[..begin].ends_with("\n\n") {
        begin -= 1;
    }
    Ok(Splice::new(begin..end, ""))
}

/// A value as it stands in the wanted document, its lines indented for another place.
fn raw(wanted: &Document, data: &Data, indent: &str) -> String {
    moved(
        &wanted.text[data.span.clone()],
        indentation(&wanted.text, data.span.start),
        indent,
    )
}

/// A piece of text for another indentation. The lines of a heredoc that is not indented stay.
fn moved(text: &str, from: &str, to: &str) -> String {
    let mut lines = text.split('\n');
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        out.push('\n');
        match line.strip_prefix(from) {
            Some(rest) if !rest.trim().is_empty() => out.extend([to, rest]),
            Some(_) | None => out.push_str(line),
        }
    }
    out
}

/// A value on one line.
fn inline(data: &Data) -> String {
    match &data.form {
        Form::Scalar(text) => match serde_json::from_str::<String>(text) {
            Ok(text) => serde_json::Value::from(crate::emit::hcl::literal(&text)).to_string(),
            Err(_) => text.clone(),
        },
        Form::List(items) => format!(
            "[{}]",
            items.iter().map(inline).collect::<Vec<_>>().join(", ")
        ),
        Form::Map(entries) => {
            let field = |(key, entry): (&String, &Entry)| {
                format!("{} = {}", object_key(key), inline(&entry.data))
            };
            format!(
                "{{ {} }}",
                entries.iter().map(field).collect::<Vec<_>>().join(", ")
            )
        }
    }
}

fn object_key(key: &str) -> String {
    let is_bare = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if is_bare {
        key.to_owned()
    } else {
        serde_json::Value::from(crate::emit::hcl::literal(key)).to_string()
    }
}

/// Adds an attribute or blocks to a body: that of the file, or that of a block.
fn add_to_body(file: &Document, wanted: &Document, path: &KeyPath) -> Splices {
    let (parent, step) = split(path)?;
    let (holder, new) = (at(&file.data, &parent)?, at(&wanted.data, path)?);
    let (text, from) = (&file.text, &wanted.text);
    let mut ranges = Vec::new();
    let entry = if let Step::Key(key) = step {
        at(&wanted.data, &parent)?.entry(key)
    } else {
        None
    };
    match entry {
        Some(entry) if !is_block(from, new) => {
            let end = new.span.end;
            let rest = &from[end..line_end(from, end)];
            let comment = Hcl::COMMENTS
                .iter()
                .any(|mark| rest.trim_start().starts_with(mark));
            ranges.push(entry.key.start..if comment { line_end(from, end) } else { end });
        }
        Some(_) | None => blocks_in(new, &mut ranges),
    }
    let gap = if is_block(from, new) { "\n" } else { "" };
    let piece = |range: &Range<usize>, indent: &str| {
        format!(
            "{indent}{}",
            moved(&from[range.clone()], indentation(from, range.start), indent)
        )
    };
    let pieces = |indent: &str| {
        ranges
            .iter()
            .map(|range| piece(range, indent))
            .collect::<Vec<_>>()
            .join("\n\n")
    };
    if holder.span.is_empty() {
        return Ok(vec![at_end(text, holder, &parent, &pieces(""), gap)]);
    }
    let close = holder.span.end - 1;
    let outer = indentation(text, holder.span.start);
    let last = |ranges: Vec<Range<usize>>| ranges.into_iter().max_by_key(|range| range.end);
    let attribute = last(attributes(text, holder)).filter(|_| gap.is_empty());
    let last =
        attribute.or_else(|| last([attributes(text, holder), all_blocks(text, holder)].concat()));
    match last {
        Some(last) if line_end(text, last.end) < close => {
            let indent = indentation(text, last.start);
            Ok(vec![Splice::at(
                line_end(text, last.end),
                format!("\n{gap}{}", pieces(indent)),
            )])
        }
        None if text[..close].trim_end().ends_with('{') => {
            let open = text[..close].trim_end().len();
            Ok(vec![Splice::new(
                open..close,
                format!("\n{}\n{outer}", pieces(&format!("{outer}  "))),
            )])
        }
        Some(_) | None => Err(format!("the block of `{path}` is written on one line")),
    }
}

fn attributes(text: &str, holder: &Data) -> Vec<Range<usize>> {
    let Form::Map(entries) = &holder.form else {
        return Vec::new();
    };
    let attributes = entries
        .values()
        .filter(|entry| !is_block(text, &entry.data));
    attributes
        .map(|entry| entry.key.start..entry.data.span.end)
        .collect()
}

fn all_blocks(text: &str, holder: &Data) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if let Form::Map(entries) = &holder.form {
        entries
            .values()
            .filter(|entry| is_block(text, &entry.data))
            .for_each(|entry| blocks_in(&entry.data, &mut found));
    }
    found
}

/// At the end of the file; an attribute of the file behind its last one.
fn at_end(text: &str, holder: &Data, parent: &KeyPath, piece: &str, gap: &str) -> Splice {
    let last = attributes(text, holder)
        .into_iter()
        .map(|range| range.end)
        .max();
    if let Some(last) = last.filter(|_| gap.is_empty() && parent.steps().is_empty()) {
        return Splice::at(line_end(text, last), format!("\n{piece}"));
    }
    let newline = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let gap = if text.is_empty() { "" } else { gap };
    Splice::at(text.len(), format!("{newline}{gap}{piece}\n"))
}

/// The attributes and blocks of a body; `span` is that of the block, and of nothing for a file.
fn body_data(text: &str, body: &Body, span: Range<usize>) -> Result<Data, String> {
    let mut root = Data::new(span, Form::Map(IndexMap::new()));
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => {
                let entry = Entry {
                    key: attribute.key.span().unwrap_or(0..0),
                    data: expression(text, &attribute.value),
                };
                let Form::Map(entries) = &mut root.form else {
                    continue;
                };
                if entries.insert(attribute.key.to_string(), entry).is_some() {
                    return Err(format!(
                        "the attribute `{}` stands twice",
                        attribute.key.as_str()
                    ));
                }
            }
            Structure::Block(block) => {
                let data = body_data(text, &block.body, block.span().unwrap_or(0..0))?;
                let labels = block.labels.iter().map(BlockLabel::as_str);
                let names: Vec<&str> = [block.ident.as_str()].into_iter().chain(labels).collect();
                insert(&mut root, &names, data).map_err(|()| {
                    format!(
                        "blocks of the type `{}` have different numbers of labels",
                        names[0]
                    )
                })?;
            }
        }
    }
    Ok(root)
}

/// Puts a block below its type and labels.
fn insert(root: &mut Data, names: &[&str], block: Data) -> Result<(), ()> {
    let (Form::Map(entries), Some((name, rest))) = (&mut root.form, names.split_first()) else {
        return Err(());
    };
    let at = block.span.clone();
    let key = || Entry {
        key: at.start..at.start,
        data: Data::new(0..0, Form::Map(IndexMap::new())),
    };
    if !rest.is_empty() {
        let entry = entries.entry((*name).to_owned()).or_insert_with(key);
        let is_group = entry.data.span.is_empty() && matches!(entry.data.form, Form::Map(_));
        return if is_group {
            insert(&mut entry.data, rest, block)
        } else {
            Err(())
        };
    }
    match entries.get_mut(*name) {
        None => drop(entries.insert(
            (*name).to_owned(),
            Entry {
                data: block,
                ..key()
            },
        )),
        Some(Entry {
            data:
                Data {
                    span,
                    form: Form::List(items),
                    ..
                },
            ..
        }) if span.start == span.end => items.push(block),
        Some(entry) if !entry.data.span.is_empty() && matches!(entry.data.form, Form::Map(_)) => {
            let first = std::mem::replace(&mut entry.data, Data::new(0..0, Form::List(Vec::new())));
            entry.data.form = Form::List(vec![first, block]);
        }
        Some(_) => return Err(()),
    }
    Ok(())
}

fn expression(text: &str, expression: &Expression) -> Data {
    let span = expression.span().unwrap_or(0..0);
    let source = || {
        text[span.clone()]
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let form = match expression {
        Expression::String(string) => return Data::text(span, string.as_str()),
        Expression::Array(array) => Form::List(
            array
                .iter()
                .map(|item| self::expression(text, item))
                .collect(),
        ),
        Expression::Object(object) => {
            let mut entries = IndexMap::new();
            for (key, value) in object {
                let (name, at) = match key {
                    ObjectKey::Ident(name) => (name.as_str().to_owned(), name.span()),
                    ObjectKey::Expression(Expression::String(name)) => {
                        (name.as_str().to_owned(), name.span())
                    }
                    // a computed key: the whole object is one value
                    ObjectKey::Expression(_) => {
                        return Data::new(span.clone(), Form::Scalar(source()));
                    }
                };
                let entry = Entry {
                    key: at.unwrap_or(0..0),
                    data: self::expression(text, value.expr()),
                };
                if entries.insert(name, entry).is_some() {
                    return Data::new(span.clone(), Form::Scalar(source()));
                }
            }
            Form::Map(entries)
        }
        Expression::HeredocTemplate(_) => Form::Scalar(text[span.clone()].to_owned()),
        Expression::Null(_)
        | Expression::Bool(_)
        | Expression::Number(_)
        | Expression::StringTemplate(_)
        | Expression::Parenthesis(_)
        | Expression::Variable(_)
        | Expression::Conditional(_)
        | Expression::FuncCall(_)
        | Expression::Traversal(_)
        | Expression::UnaryOp(_)
        | Expression::BinaryOp(_)
        | Expression::ForExpr(_) => Form::Scalar(source()),
    };
    Data::new(span, form)
}
