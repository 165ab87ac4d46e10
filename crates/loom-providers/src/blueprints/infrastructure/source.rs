//! Terraform sources as data: what a module is made of.
//!
//! In: the `.tf` files beside this one, native HCL as `terraform fmt` leaves it. Out: the bodies
//! of a `terraform.module`'s files in JSON syntax, `variable`s and `output`s each in the file that
//! Terraform's style gives them. Sources are put together by key, so that two components may
//! declare the same variable.
//!
//! Expressions are taken over as they are written. Comments are not: a description says it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{BlockLabel, Body, Structure};
use loom_plan::intent::context::literal;
use serde_json::{Map, Value as Json, json};

use crate::emit::hcl;

/// Makes the table of the sources from their names.
macro_rules! sources {
    ($($name:literal),+ $(,)?) => {
        /// The sources as they are written, by name.
        pub(super) const TEXTS: &[(&str, &str)] = &[$(($name, include_str!(concat!("terraform/", $name, ".tf")))),+];
    };
}

sources!(
    "cluster",
    "database",
    "database_from_cluster",
    "database_from_network",
    "database_mysql",
    "database_postgresql",
    "ecs_autoscale",
    "ecs_blue_green",
    "ecs_cluster",
    "ecs_database",
    "ecs_fixed",
    "ecs_no_secret",
    "ecs_own_secret",
    "ecs_public",
    "ecs_rolling",
    "ecs_service",
    "ecs_unreachable",
    "load_balancer",
    "load_balancer_to_cluster",
    "load_balancer_to_network",
    "logs",
    "network",
    "registry",
    "secrets",
    "service",
    "state",
    "versions",
);

static BODIES: LazyLock<BTreeMap<&str, Json>> = LazyLock::new(|| {
    TEXTS
        .iter()
        .map(|(name, text)| (*name, files(text)))
        .collect()
});

/// The settings of a module that is made of these sources.
pub(super) fn module(sources: &[&str], locals: &Json) -> Json {
    let mut module = json!({});
    for name in sources {
        merge(&mut module, &BODIES[name]);
    }
    merge(&mut module, &BODIES["versions"]);
    if locals.as_object().is_some_and(|locals| !locals.is_empty()) {
        merge(&mut module, &json!({ "main.tf": { "locals": locals } }));
    }
    json!({ "files": module })
}

/// The body of `versions.tf`.
pub(super) fn versions() -> Json {
    BODIES["versions"]["versions.tf"].clone()
}

/// Text of people as a value: neither Terraform nor loom reads `${…}` in it.
pub(super) fn text(text: &str) -> Json {
    literal(&hcl::literal(text)).into()
}

/// Where a root finds a module, as a reference to it: while the module cannot be written as it
/// should be, the root that calls it is not written either.
pub(super) fn of_module(folder: &str, name: &dyn std::fmt::Display) -> Json {
    format!("{folder}/${{ref:terraform.module.{name}.name}}").into()
}

/// An expression as a value.
pub(super) fn expression(expression: &str) -> Json {
    format!("${{{expression}}}").into()
}

/// Adds what `more` has: objects by key, all else as it is there.
pub(super) fn merge(target: &mut Json, more: &Json) {
    match (target, more) {
        (Json::Object(target), Json::Object(more)) => {
            for (key, value) in more {
                merge(target.entry(key).or_insert(Json::Null), value);
            }
        }
        (target, more) => *target = more.clone(),
    }
}

/// A source as the bodies of files.
fn files(text: &str) -> Json {
    let body: Body = text.parse().expect("the sources are parsed by a test");
    let mut files = json!({});
    for structure in &body {
        let file = match structure.as_block().map(|block| block.ident.as_str()) {
            Some("variable") => "variables.tf",
            Some("output") => "outputs.tf",
            Some("terraform") => "versions.tf",
            _ => "main.tf",
        };
        let (key, value) = entry(structure, text, Inside::File);
        merge(&mut files, &json!({ file: { key: value } }));
    }
    files
}

/// Whether an object that stands there could be taken for a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// The top of a file.
    File,
    /// `variable`, `output` and `locals`: objects are arguments.
    Values,
    /// The body of a resource, or a block in it.
    Resource,
}

/// One argument or block as key and value.
fn entry(structure: &Structure, text: &str, inside: Inside) -> (String, Json) {
    match structure {
        Structure::Attribute(attribute) => {
            let key = attribute.key.as_str();
            let bare = matches!(key, "depends_on" | "ignore_changes")
                || (inside == Inside::Values && key == "type");
            let value = match value(&attribute.value, text) {
                value if bare => without_braces(value),
                value => value,
            };
            let ambiguous = inside == Inside::Resource && value.is_object() && key != "tags";
            (
                if ambiguous {
                    format!("{key} =")
                } else {
                    key.to_owned()
                },
                value,
            )
        }
        Structure::Block(block) => {
            let within = match block.ident.as_str() {
                "variable" | "output" | "locals" | "terraform" => Inside::Values,
                _ if inside == Inside::Values => Inside::Values,
                _ => Inside::Resource,
            };
            let labels = block.labels.iter().rev().map(|label| match label {
                BlockLabel::Ident(label) => label.as_str(),
                BlockLabel::String(label) => label.as_str(),
            });
            let value = labels.fold(
                body(&block.body, text, within),
                |value, label| json!({ label: value }),
            );
            (block.ident.to_string(), value)
        }
    }
}

/// A body as an object; blocks of one name become a list.
fn body(body: &Body, text: &str, inside: Inside) -> Json {
    let mut object = Map::new();
    for structure in body {
        let (key, value) = entry(structure, text, inside);
        match object.get_mut(&key) {
            None => drop(object.insert(key, value)),
            Some(Json::Array(values)) => values.push(value),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    Json::Object(object)
}

fn value(expression: &Expression, text: &str) -> Json {
    let written = || &text[expression.span().expect("what was parsed has a place")];
    match expression {
        Expression::Null(_) => Json::Null,
        Expression::Bool(value) => (*value.value()).into(),
        Expression::Number(_) => {
            serde_json::from_str(written()).expect("a number of HCL is one of JSON")
        }
        Expression::String(value) => value.as_str().into(),
        Expression::StringTemplate(_) => written().trim_matches('"').into(),
        Expression::Array(items) => items.iter().map(|item| value(item, text)).collect(),
        Expression::Object(fields) => {
            let key = |key: &ObjectKey| match key {
                ObjectKey::Ident(key) => key.to_string(),
                ObjectKey::Expression(key) => {
                    value(key, text).as_str().unwrap_or_default().to_owned()
                }
            };
            fields
                .iter()
                .map(|(name, field)| (key(name), value(field.expr(), text)))
                .collect::<Map<_, _>>()
                .into()
        }
        Expression::HeredocTemplate(_)
        | Expression::Parenthesis(_)
        | Expression::Variable(_)
        | Expression::Conditional(_)
        | Expression::FuncCall(_)
        | Expression::Traversal(_)
        | Expression::UnaryOp(_)
        | Expression::BinaryOp(_)
        | Expression::ForExpr(_) => self::expression(written().trim()),
    }
}

/// Expressions where Terraform's JSON syntax takes them bare.
fn without_braces(value: Json) -> Json {
    match value {
        Json::String(text) => text
            .strip_prefix("${")
            .and_then(|text| text.strip_suffix('}'))
            .unwrap_or(&text)
            .into(),
        Json::Array(items) => items.into_iter().map(without_braces).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_hcl_without_what_the_data_cannot_hold() {
        for (name, text) in TEXTS {
            text.parse::<Body>()
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let templates = text
                .lines()
                .filter(|line| line.contains("= \"") && line.contains("${"));
            let escaped: Vec<&str> = templates.filter(|line| line.contains('\\')).collect();
            assert_eq!(
                escaped, [""; 0],
                "{name}: a template must not hold an escape"
            );
            assert!(
                !text.contains('#') && !text.contains("<<"),
                "{name}: comments and heredocs are not taken over"
            );
        }
    }

    #[test]
    fn blocks_and_arguments_keep_what_they_were() {
        let source = r#"
variable "size" {
  type        = object({ class = string })
  description = "How large."

  validation {
    condition     = can(regex("^db\\.", var.size.class))
    error_message = "A class of RDS."
  }
}

resource "aws_x" "this" {
  for_each = { a = 1, "b.c" = null }

  name = "${var.size.class}-x"
  tags = { Name = "x" }

  rule {
    port = 80
  }

  rule {
    allow {}
  }

  depends_on = [aws_y.this]

  lifecycle {
    ignore_changes = [rule[0].port]
  }
}
"#;
        assert_eq!(
            files(source),
            json!({
                "variables.tf": { "variable": { "size": {
                    "type": "object({ class = string })",
                    "description": "How large.",
                    "validation": { "condition": "${can(regex(\"^db\\\\.\", var.size.class))}", "error_message": "A class of RDS." },
                } } },
                "main.tf": { "resource": { "aws_x": { "this": {
                    "for_each =": { "a": 1, "b.c": null },
                    "name": "${var.size.class}-x",
                    "tags": { "Name": "x" },
                    "rule": [{ "port": 80 }, { "allow": {} }],
                    "depends_on": ["aws_y.this"],
                    "lifecycle": { "ignore_changes": ["rule[0].port"] },
                } } } },
            })
        );
    }

    #[test]
    fn text_of_people_is_no_template() {
        assert_eq!(
            text("/health/${var.x}%{if}${ref:file.x.path}"),
            json!("/health/$${var.x}%%{if}$$${ref:file.x.path}")
        );
    }
}
