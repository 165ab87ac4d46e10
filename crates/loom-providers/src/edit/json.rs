//! JSON, also with comments and trailing commas as some programs allow them.
//!
//! Deliberately not here: single quotes, bare keys and what else JSON5 has. Such files are refused.

use indexmap::IndexMap;
use jsonc_parser::ast::{ObjectPropName, Value};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions};
use loom_plan::keys::{Change, Data, Edited, Entry, Form, Format, KeyPath, Proposal, Step};

use super::flow::{self, First};
use super::{
    Document, Editor, Splice, Splices, at, indentation, index_of, line_number, proposal, split,
    unit,
};

/// JSON.
#[derive(Debug)]
pub struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "JSON"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["json", "jsonc", "webmanifest", "geojson"]
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

impl Editor for Json {
    const COMMENTS: &'static [&'static str] = &["//", "/*"];

    fn data(text: &str) -> Result<Data, String> {
        let options = ParseOptions {
            allow_comments: true,
            allow_loose_object_property_names: false,
            allow_trailing_commas: true,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let parsed = jsonc_parser::parse_to_ast(text, &CollectOptions::default(), &options);
        let parsed = parsed.map_err(|error| {
            format!(
                "line {}: {}",
                line_number(text, error.range().start),
                error.kind()
            )
        })?;
        let root = parsed.value.ok_or_else(|| "it is empty".to_owned())?;
        data_of(text, &root)
    }

    fn set(file: &Document, wanted: &Document, path: &KeyPath) -> Splices {
        let (old, new) = (at(&file.data, path)?, at(&wanted.data, path)?);
        let text = pretty(
            new,
            indentation(&file.text, old.span.start),
            unit(&file.text),
        );
        Ok(vec![Splice::new(old.span.clone(), text)])
    }

    fn add(file: &Document, wanted: &Document, path: &KeyPath) -> Splices {
        let (parent, step) = split(path)?;
        let (holder, new) = (at(&file.data, &parent)?, at(&wanted.data, path)?);
        let unit = unit(&file.text);
        let entry = |indent: &str| match step {
            Step::Key(key) => format!(
                "{}: {}",
                serde_json::Value::from(key.as_str()),
                pretty(new, indent, unit)
            ),
            Step::Entry { .. } | Step::Item(_) => pretty(new, indent, unit),
        };
        flow::add(
            &file.text,
            holder,
            &entry,
            First::Line(unit),
            Self::COMMENTS,
        )
    }

    fn take(file: &Document, path: &KeyPath) -> Splices {
        let (parent, step) = split(path)?;
        let holder = at(&file.data, &parent)?;
        let index = index_of(holder, step).ok_or_else(|| format!("`{path}` is not there"))?;
        flow::take(&file.text, holder, index, Self::COMMENTS)
    }

    fn inline(data: &Data) -> String {
        flow::inline(data)
    }
}

fn data_of(text: &str, value: &Value<'_>) -> Result<Data, String> {
    let range = value.range();
    let span = range.start..range.end;
    let form = match value {
        Value::StringLit(string) => return Ok(Data::text(span, &string.value)),
        Value::NumberLit(number) => Form::Scalar(number.value.to_owned()),
        Value::BooleanLit(boolean) => Form::Scalar(boolean.value.to_string()),
        Value::NullKeyword(_) => Form::Scalar("null".to_owned()),
        Value::Array(array) => Form::List(
            array
                .elements
                .iter()
                .map(|item| data_of(text, item))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(object) => {
            let mut entries = IndexMap::new();
            for property in &object.properties {
                let ObjectPropName::String(name) = &property.name else {
                    return Err(format!(
                        "line {}: a key without quotes",
                        line_number(text, property.range.start)
                    ));
                };
                let key = property.name.range();
                let entry = Entry {
                    key: key.start..key.end,
                    data: data_of(text, &property.value)?,
                };
                if entries.insert(name.value.to_string(), entry).is_some() {
                    return Err(format!(
                        "line {}: the key `{}` stands twice",
                        line_number(text, key.start),
                        name.value
                    ));
                }
            }
            Form::Map(entries)
        }
    };
    Ok(Data::new(span, form))
}

/// A value as people write it, each entry on a line of its own.
fn pretty(data: &Data, indent: &str, unit: &str) -> String {
    let inner = format!("{indent}{unit}");
    let lines = |open: char, lines: Vec<String>, close: char| {
        format!(
            "{open}\n{inner}{}\n{indent}{close}",
            lines.join(&format!(",\n{inner}"))
        )
    };
    match &data.form {
        Form::Scalar(text) => text.clone(),
        Form::List(items) if items.is_empty() => "[]".to_owned(),
        Form::Map(entries) if entries.is_empty() => "{}".to_owned(),
        Form::List(items) => lines(
            '[',
            items
                .iter()
                .map(|item| pretty(item, &inner, unit))
                .collect(),
            ']',
        ),
        Form::Map(entries) => {
            let field = |(key, entry): (&String, &Entry)| {
                format!(
                    "{}: {}",
                    serde_json::Value::from(key.as_str()),
                    pretty(&entry.data, &inner, unit)
                )
            };
            lines('{', entries.iter().map(field).collect(), '}')
        }
    }
}
