//! What a value may look like: one table that checks, documents and exports.
//!
//! In: a node and the shape that it should have. Out: diagnostics at exact places. The same
//! shapes make the JSON Schemas of `loom schema` and the tables of `loom providers show`, so that
//! a setting cannot be checked and left undocumented, or the other way round.
//!
//! Deliberately not here: what a value means. After a check a reader may take the type as given.

use serde_json::json;

use crate::addr::{Address, Name, RepoPath};
use crate::diag::{Code, Diagnostic, Diagnostics, Hidden, did_you_mean, one_of};
use crate::node::{Map, Node, Value};
use crate::text::{Sources, Span};

/// The form of a value.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Anything: the target's own syntax as data.
    Any,
    /// A text.
    Text,
    /// A text, number or boolean: what fits into an environment variable.
    Scalar,
    /// `true` or `false`.
    Bool,
    /// A whole number between two bounds, both included.
    Integer(i64, i64),
    /// A share: `2%` or `0.02`.
    Share,
    /// A duration: `500ms`, `30s`, `5m`, `1h`, `7d`.
    Duration,
    /// An amount of CPU or memory as Kubernetes writes it: `250m`, `256Mi`.
    Quantity,
    /// A [`Name`].
    Name,
    /// A path of the repository, relative to the file that it stands in.
    Path,
    /// A path whose file is read as part of the input.
    InputFile,
    /// An [`Address`].
    Address,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list.
    List(&'static Self),
    /// A mapping with keys of one's own.
    Map(&'static Self),
    /// A mapping from names to values.
    Named(&'static Self),
    /// A mapping with these keys.
    Record(&'static [Field]),
    /// One of several forms; the first whose type fits is the one that is checked.
    Either(&'static [Self]),
    /// A value, or a mapping from environments to values.
    PerEnvironment(&'static Self),
}

/// One key of a [`Shape::Record`].
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// The form of its value.
    pub shape: Shape,
    /// Whether it may be left out.
    pub need: Need,
    /// One line for people.
    pub doc: &'static str,
}

/// Whether a key may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It must be there.
    Required,
    /// It may be left out; nothing is assumed.
    Optional,
    /// It may be left out; this is assumed, as a person would write it.
    Default(&'static str),
}

impl Field {
    /// A key that must be there.
    pub const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self {
            name,
            shape,
            need: Need::Required,
            doc,
        }
    }

    /// A key that may be left out.
    pub const fn optional(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self {
            name,
            shape,
            need: Need::Optional,
            doc,
        }
    }

    /// A key that may be left out, and what is assumed then.
    pub const fn default(
        name: &'static str,
        shape: Shape,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            shape,
            need: Need::Default(default),
            doc,
        }
    }
}

/// What a check needs to know of the project.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// The texts, to see how a scalar was written.
    pub sources: &'a Sources,
    /// The names of the environments.
    pub environments: &'a [Name],
}

/// A mapping whose keys are all names of environments or `default`.
pub fn is_per_environment(map: &Map, environments: &[Name]) -> bool {
    !map.is_empty()
        && map
            .keys()
            .all(|key| key == "default" || environments.iter().any(|name| name.as_str() == key))
}

/// Checks `node` against `shape`. `what` names the value in messages, such as `port`.
pub fn check(node: &Node, shape: &Shape, what: &str, world: World<'_>, out: &mut Diagnostics) {
    match shape {
        Shape::Any => {}
        Shape::List(item) => match node.as_seq() {
            Some(items) => items
                .iter()
                .for_each(|node| check(node, item, what, world, out)),
            None => out.push(wrong_type(node, "a list", what)),
        },
        Shape::Map(value) => with_map(node, what, out, |map, out| {
            map.iter()
                .for_each(|(key, node)| check_unless_null(node, value, key, world, out));
        }),
        Shape::Named(value) => with_map(node, what, out, |map, out| {
            for (key, entry) in map.entries() {
                if let Err(error) = Name::new(key) {
                    out.push(Diagnostic::new(Code::BadValue, error.to_string()).at(entry.key, ""));
                }
                check_unless_null(&entry.node, value, key, world, out);
            }
        }),
        Shape::Record(fields) => with_map(node, what, out, |map, out| {
            check_record(node, map, fields, world, out);
        }),
        Shape::Either(shapes) => {
            let chosen = shapes
                .iter()
                .find(|shape| fits(node, shape))
                .or(shapes.first());
            match chosen {
                Some(shape) if fits(node, shape) => check(node, shape, what, world, out),
                _ => {
                    let forms: Vec<&str> = shapes.iter().map(describe).collect();
                    out.push(wrong_type(node, &forms.join(" or "), what));
                }
            }
        }
        Shape::PerEnvironment(inner) => match node.as_map() {
            Some(map) if is_per_environment(map, world.environments) => {
                map.iter().for_each(|(key, node)| {
                    check(node, inner, &format!("{what}.{key}"), world, out);
                });
            }
            Some(map) if !fits(node, inner) => {
                // one whose name is refused is among none of them
                if !out.hides(&Hidden::Environments) {
                    out.push(unknown_environments(node, map, what, world));
                }
            }
            _ => check(node, inner, what, world, out),
        },
        Shape::Text
        | Shape::Scalar
        | Shape::Bool
        | Shape::Integer(..)
        | Shape::Share
        | Shape::Duration
        | Shape::Quantity
        | Shape::Name
        | Shape::Path
        | Shape::InputFile
        | Shape::Address
        | Shape::OneOf(_) => check_scalar(node, shape, what, world, out),
    }
}

/// A key without a value, `staging:`, takes all that is assumed.
fn check_unless_null(
    node: &Node,
    shape: &Shape,
    what: &str,
    world: World<'_>,
    out: &mut Diagnostics,
) {
    if !node.is_null() {
        check(node, shape, what, world, out);
    }
}

fn check_record(node: &Node, map: &Map, fields: &[Field], world: World<'_>, out: &mut Diagnostics) {
    for (key, entry) in map.entries() {
        match fields.iter().find(|field| field.name == key.as_ref()) {
            Some(field) if entry.node.is_null() && field.need != Need::Required => {}
            Some(field) => check(&entry.node, &field.shape, key, world, out),
            None => out.push(unknown_key(key, entry.key, fields, world)),
        }
    }
    // what was misspelt is there
    let is_misspelt = |field: &Field| {
        map.entries().any(|(key, _)| {
            let names = || fields.iter().map(|field| field.name);
            !names().any(|name| name == key.as_ref())
                && did_you_mean(key, names()) == Some(field.name)
        })
    };
    let missing = fields
        .iter()
        .filter(|field| field.need == Need::Required && map.get(field.name).is_none());
    for field in missing.filter(|field| !is_misspelt(field)) {
        let found = Diagnostic::new(Code::MissingKey, format!("`{}` is missing", field.name))
            .at(node.span, "");
        out.push(found.help(format!("add `{}`: {}", field.name, field.doc)));
    }
}

fn unknown_key(key: &str, span: Span, fields: &[Field], world: World<'_>) -> Diagnostic {
    let names = || fields.iter().map(|field| field.name);
    let found =
        Diagnostic::new(Code::UnknownKey, format!("`{key}` is not a known key here")).at(span, "");
    if let Some(field) = fields
        .first()
        .filter(|_| key == "default" || world.environments.iter().any(|name| name.as_str() == key))
    {
        let inside = format!(
            "name environments inside each setting, such as `{}: {{ {key}: … }}`",
            field.name
        );
        return found.help(inside);
    }
    match did_you_mean(key, names()) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found.help(format!("known keys: {}", one_of(names()))),
    }
}

fn with_map(
    node: &Node,
    what: &str,
    out: &mut Diagnostics,
    then: impl FnOnce(&Map, &mut Diagnostics),
) {
    match node.as_map() {
        Some(map) => then(map, out),
        None => out.push(wrong_type(node, "a mapping", what)),
    }
}

fn wrong_type(node: &Node, expected: &str, what: &str) -> Diagnostic {
    let message = format!(
        "`{what}` must be {expected}, and this is {}",
        node.type_name()
    );
    Diagnostic::new(Code::WrongType, message).at(node.span, format!("expected {expected}"))
}

fn unknown_environments(node: &Node, map: &Map, what: &str, world: World<'_>) -> Diagnostic {
    let known = || {
        world
            .environments
            .iter()
            .map(Name::as_str)
            .chain(["default"])
    };
    let stranger = map
        .entries()
        .find(|(key, _)| !known().any(|name| name == key.as_ref()));
    let span = stranger.map_or(node.span, |(_, entry)| entry.key);
    let key = stranger.map_or("", |(key, _)| key.as_ref());
    let found = Diagnostic::new(
        Code::UnknownEnvironment,
        format!("`{what}` names the environment `{key}`, which the project does not have"),
    );
    let found = found.at(span, "");
    match did_you_mean(key, known()) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found.help(format!("the keys may be {}", one_of(known()))),
    }
}

/// Whether the type of a node is the one that a shape begins with.
fn fits(node: &Node, shape: &Shape) -> bool {
    match shape {
        Shape::Any => true,
        Shape::List(_) => matches!(node.value, Value::Seq(_)),
        Shape::Map(_) | Shape::Named(_) | Shape::Record(_) => matches!(node.value, Value::Map(_)),
        Shape::Either(shapes) => shapes.iter().any(|shape| fits(node, shape)),
        Shape::PerEnvironment(inner) => matches!(node.value, Value::Map(_)) || fits(node, inner),
        Shape::Bool => matches!(node.value, Value::Bool(_)),
        Shape::Integer(..) => matches!(node.value, Value::Integer(_)),
        Shape::Scalar | Shape::Share => {
            !matches!(node.value, Value::Seq(_) | Value::Map(_) | Value::Null)
        }
        Shape::Text
        | Shape::Duration
        | Shape::Name
        | Shape::Path
        | Shape::InputFile
        | Shape::Address
        | Shape::OneOf(_) => {
            matches!(node.value, Value::String(_))
        }
        Shape::Quantity => matches!(
            node.value,
            Value::String(_) | Value::Integer(_) | Value::Float(_)
        ),
    }
}

/// What a shape is called in a message.
pub fn describe(shape: &Shape) -> &'static str {
    match shape {
        Shape::Any => "anything",
        Shape::Text => "a text",
        Shape::Scalar => "a text, number or boolean",
        Shape::Bool => "`true` or `false`",
        Shape::Integer(..) => "a whole number",
        Shape::Share => "a share such as `2%` or `0.02`",
        Shape::Duration => "a duration such as `500ms`, `30s`, `5m`, `1h` or `7d`",
        Shape::Quantity => "an amount such as `250m` or `256Mi`",
        Shape::Name => "a name",
        Shape::Path | Shape::InputFile => "a path",
        Shape::Address => "an address",
        Shape::OneOf(_) => "one of a few words",
        Shape::List(_) => "a list",
        Shape::Map(_) | Shape::Named(_) | Shape::Record(_) => "a mapping",
        Shape::Either(_) => "one of several forms",
        Shape::PerEnvironment(inner) => describe(inner),
    }
}

fn check_scalar(node: &Node, shape: &Shape, what: &str, world: World<'_>, out: &mut Diagnostics) {
    warn_plain_boolean(node, shape, what, world, out);
    if !fits(node, shape) {
        let mut found = wrong_type(node, describe(shape), what);
        if let (Shape::Text, Some(text)) = (shape, node.scalar_text()) {
            found = found.help(format!("quote it: \"{text}\""));
        }
        return out.push(found);
    }
    if let Err(problem) = scalar_problem(node, shape) {
        let found =
            Diagnostic::new(Code::BadValue, format!("`{what}`: {problem}")).at(node.span, "");
        out.push(match (shape, node.as_str()) {
            (Shape::OneOf(words), Some(said)) => match did_you_mean(said, words.iter().copied()) {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => found,
            },
            _ => found,
        });
    }
}

/// A plain `yes`, `no`, `on` or `off` is a text in YAML 1.2 and a boolean in 1.1: say which it was.
fn warn_plain_boolean(
    node: &Node,
    shape: &Shape,
    what: &str,
    world: World<'_>,
    out: &mut Diagnostics,
) {
    let concerned = matches!(shape, Shape::Text | Shape::Scalar | Shape::Bool);
    let Some(text) = node.as_str().filter(|_| concerned) else {
        return;
    };
    let boolean = ["yes", "no", "on", "off"]
        .iter()
        .any(|boolean| text.eq_ignore_ascii_case(boolean));
    if boolean && world.sources.slice(node.span) == text {
        let message = format!(
            "`{what}`: the plain `{text}` was read as the text \"{text}\", as YAML 1.2 does, not as a boolean"
        );
        let found = Diagnostic::new(Code::PlainBoolean, message).at(node.span, "");
        out.push(found.help(format!(
            "write \"{text}\" for the text, or `true` or `false`"
        )));
    }
}

fn scalar_problem(node: &Node, shape: &Shape) -> Result<(), String> {
    let text = node.scalar_text().unwrap_or_default();
    match shape {
        Shape::Integer(min, max) => {
            let value = node.as_integer().unwrap_or_default();
            if (*min..=*max).contains(&value) {
                return Ok(());
            }
            Err(match *max {
                i64::MAX => format!("{value} is less than {min}"),
                _ => format!("{value} is not between {min} and {max}"),
            })
        }
        Shape::Share => share(node)
            .map(drop)
            .ok_or_else(|| format!("`{text}` is not {}", describe(shape))),
        Shape::Duration => milliseconds(&text)
            .map(drop)
            .ok_or_else(|| format!("`{text}` is not {}", describe(shape))),
        Shape::Quantity => is_quantity(&text)
            .then_some(())
            .ok_or_else(|| format!("`{text}` is not {}", describe(shape))),
        Shape::Name => Name::new(&text)
            .map(drop)
            .map_err(|error| error.to_string()),
        // `./x` and `../x` are resolved against the file they stand in, so only what can never be a path is refused here
        Shape::Path | Shape::InputFile => {
            let bare: Vec<&str> = text
                .split('/')
                .filter(|part| !matches!(*part, "." | ".."))
                .collect();
            if bare.is_empty() {
                return Ok(());
            }
            RepoPath::new(&bare.join("/"))
                .map(drop)
                .map_err(|error| error.to_string())
        }
        Shape::Address => Address::parse(&text)
            .map(drop)
            .map_err(|error| error.to_string()),
        Shape::OneOf(words) if !words.contains(&text.as_ref()) => Err(format!(
            "`{text}` is not known; it may be {}",
            one_of(words.iter().copied())
        )),
        Shape::OneOf(_) | Shape::Any | Shape::Text | Shape::Scalar | Shape::Bool => Ok(()),
        Shape::List(_)
        | Shape::Map(_)
        | Shape::Named(_)
        | Shape::Record(_)
        | Shape::Either(_)
        | Shape::PerEnvironment(_) => Ok(()),
    }
}

/// A share as a fraction: `2%` is 0.02.
pub fn share(node: &Node) -> Option<f64> {
    let text = node.scalar_text()?;
    let value = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok()? / 100.0,
        None => text.parse().ok()?,
    };
    (0.0..=1.0).contains(&value).then_some(value)
}

/// The length of a duration in milliseconds: `5m` is 300 000.
pub fn milliseconds(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let unit = match &text[digits..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(unit)
}

/// Whether a text is a quantity as Kubernetes writes it
/// (kubernetes/apimachinery, `pkg/api/resource/quantity.go`; exponents are not taken).
fn is_quantity(text: &str) -> bool {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = &text[number.len()..];
    let known = matches!(
        suffix,
        "" | "m" | "k" | "M" | "G" | "T" | "P" | "Ki" | "Mi" | "Gi" | "Ti" | "Pi"
    );
    known
        && number.parse::<f64>().is_ok_and(|value| value >= 0.0)
        && number.starts_with(|c: char| c.is_ascii_digit())
}

/// The JSON Schema (2020-12) of a shape.
pub fn json_schema(shape: &Shape) -> serde_json::Value {
    match shape {
        Shape::Any => json!({}),
        Shape::Text | Shape::Path | Shape::InputFile => json!({ "type": "string" }),
        Shape::Scalar => json!({ "type": ["string", "number", "boolean"] }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Integer(min, i64::MAX) => json!({ "type": "integer", "minimum": min }),
        Shape::Integer(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Shape::Share => json!({ "type": ["string", "number"] }),
        Shape::Duration => json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" }),
        Shape::Quantity => json!({ "type": ["string", "number"] }),
        Shape::Name => json!({ "type": "string", "pattern": "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$" }),
        Shape::Address => {
            json!({ "type": "string", "pattern": "^[a-z0-9_.-]+\\.[a-z0-9-]+(\\[[a-z0-9-]+\\])?$" })
        }
        Shape::OneOf(words) => json!({ "enum": words }),
        Shape::List(item) => json!({ "type": "array", "items": json_schema(item) }),
        Shape::Map(value) | Shape::Named(value) => {
            json!({ "type": "object", "additionalProperties": json_schema(value) })
        }
        Shape::Record(fields) => record_schema(fields),
        Shape::Either(shapes) => {
            json!({ "anyOf": shapes.iter().map(json_schema).collect::<Vec<_>>() })
        }
        Shape::PerEnvironment(inner) => {
            let inner = json_schema(inner);
            json!({ "anyOf": [inner, { "type": "object", "additionalProperties": inner }] })
        }
    }
}

/// The JSON Schema of a mapping with these keys and no others.
pub fn record_schema(fields: &[Field]) -> serde_json::Value {
    let mut properties = serde_json::Map::new();
    for field in fields {
        let mut schema = json_schema(&field.shape);
        schema["description"] = field.doc.into();
        properties.insert(field.name.to_owned(), schema);
    }
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.need == Need::Required)
        .map(|field| field.name)
        .collect();
    let mut schema =
        json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node;

    const FIELDS: &[Field] = &[
        Field::required("name", Shape::Name, "what it is called"),
        Field::optional(
            "size",
            Shape::PerEnvironment(&Shape::Integer(1, 9)),
            "how large",
        ),
        Field::optional(
            "both",
            Shape::Either(&[
                Shape::Bool,
                Shape::Record(&[Field::required("from", Shape::Text, "whence")]),
            ]),
            "x",
        ),
    ];

    fn check_text(text: &str, shape: &Shape) -> Vec<String> {
        let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
        let id = sources.add("a.yaml", text);
        let node = node::parse_one(&sources, id, &mut out).expect("good YAML");
        let environments = ["staging", "production"].map(|name| Name::new(name).expect("a name"));
        check(
            &node,
            shape,
            "it",
            World {
                sources: &sources,
                environments: &environments,
            },
            &mut out,
        );
        out.iter()
            .map(|found| format!("{:?} {}", found.code, sources.slice(found.labels[0].span)))
            .collect()
    }

    #[test]
    fn each_scalar_takes_its_own_and_refuses_others() {
        for (shape, good, bad) in [
            (Shape::Text, &["x", "''"][..], &["1", "true", "[]"][..]),
            (Shape::Scalar, &["x", "1", "1.5", "true"], &["{}", "[]"]),
            (Shape::Bool, &["true"], &["1"]),
            (Shape::Integer(1, 9), &["1", "9"], &["0", "10", "x", "1.5"]),
            (
                Shape::Share,
                &["2%", "0.02", "1", "100%"],
                &["2", "101%", "x", "-1%"],
            ),
            (
                Shape::Duration,
                &["500ms", "30s", "5m", "1h", "7d"],
                &["5", "5w", "m", "1.5h", "99999999999999999d"],
            ),
            (
                Shape::Quantity,
                &["250m", "256Mi", "1", "0.5", "2G"],
                &["lots", "1Q", "-1", "Mi"],
            ),
            (Shape::Name, &["a-1"], &["A", "-a", "a-", "a_b"]),
            (
                Shape::Path,
                &["a/b", "./a", "../a", "."],
                &["/a", "a//b", ".git/x", "\"a\\nb\""],
            ),
            (
                Shape::Address,
                &["file.x", "kubernetes.manifest.api[production]"],
                &["x", "file.X"],
            ),
            (Shape::OneOf(&["a", "b"]), &["a"], &["c", "A"]),
        ] {
            for text in good {
                assert_eq!(
                    check_text(text, &shape),
                    Vec::<String>::new(),
                    "{shape:?} {text}"
                );
            }
            for text in bad {
                assert_eq!(check_text(text, &shape).len(), 1, "{shape:?} {text}");
            }
        }
    }

    #[test]
    fn a_mapping_is_by_environment_only_where_all_of_its_keys_are() {
        let shape = Shape::Record(FIELDS);
        assert!(check_text("{ name: a, size: { staging: 1, default: 2 } }", &shape).is_empty());
        assert_eq!(
            check_text("{ name: a, size: { staging: 1, production: 10 } }", &shape),
            ["BadValue 10"]
        );
        assert_eq!(
            check_text("{ name: a, size: { stagin: 1 } }", &shape),
            ["UnknownEnvironment stagin"]
        );
        assert_eq!(
            check_text("{ name: a, size: {} }", &shape),
            ["UnknownEnvironment {}"]
        );
    }

    #[test]
    fn of_several_forms_the_one_whose_type_fits_is_checked() {
        let shape = Shape::Record(FIELDS);
        assert!(check_text("{ name: a, both: true }", &shape).is_empty());
        assert_eq!(
            check_text("{ name: a, both: { other: x } }", &shape),
            ["UnknownKey other", "MissingKey { other: x }"]
        );
        assert_eq!(
            check_text("{ name: a, both: { form: x } }", &shape),
            ["UnknownKey form"],
            "what is missing is there, and misspelt"
        );
        assert_eq!(check_text("{ name: a, both: x }", &shape), ["WrongType x"]);
    }

    #[test]
    fn null_is_absent_except_where_a_value_must_be() {
        assert!(check_text("{ name: a, size: ~ }", &Shape::Record(FIELDS)).is_empty());
        assert_eq!(
            check_text("{ name: ~ }", &Shape::Record(FIELDS)),
            ["WrongType ~"]
        );
        assert!(
            check_text(
                "{ a: , b: { name: x } }",
                &Shape::Named(&Shape::Record(FIELDS))
            )
            .is_empty()
        );
    }

    #[test]
    fn plain_words_that_other_versions_of_yaml_take_for_booleans_are_said() {
        for word in ["yes", "No", "ON", "off"] {
            assert_eq!(
                check_text(word, &Shape::Text),
                [format!("PlainBoolean {word}")]
            );
            assert!(check_text(&format!("'{word}'"), &Shape::Text).is_empty());
            assert!(check_text(word, &Shape::Any).is_empty());
        }
    }

    #[test]
    fn the_schema_names_every_key_and_what_is_required() {
        let schema = json_schema(&Shape::Record(FIELDS));
        assert_eq!(schema["required"], json!(["name"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(
            schema["properties"]["size"]["anyOf"][0],
            json!({ "type": "integer", "minimum": 1, "maximum": 9 })
        );
        assert_eq!(
            schema["properties"]["size"]["description"],
            json!("how large")
        );
    }
}
