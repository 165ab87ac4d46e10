//! Native HCL becomes data again: the inverse of the writer beside it.
//!
//! In: the text of a `*.tf` or `*.tfvars` file. Out: its body in Terraform's JSON configuration
//! syntax, by the writer's own rule of what is a block, or nothing where it holds what that syntax
//! cannot say.
//!
//! Expressions are taken over as they are written. Deliberately not here: comments and the layout,
//! which whoever reads a file compares for himself.

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, Object, ObjectKey};
use hcl_edit::structure::{Attribute, Block, BlockLabel, Body, Structure};
use hcl_edit::template::{Element, StringTemplate};
use loom_plan::node::{Float, Map, Node, Value};

use super::{Context, is_block};
use crate::draft::nowhere;

/// The body of a configuration file: `*.tf`.
pub fn configuration_of(text: &str) -> Option<Node> {
    Reader { text }.whole(Context::File)
}

/// The body of a file of values: `*.tfvars`.
pub fn values_of(text: &str) -> Option<Node> {
    Reader { text }.whole(Context::Arguments)
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn whole(&self, context: Context) -> Option<Node> {
        let body: Body = self.text.parse().ok()?;
        self.body(&body, context)
    }

    fn body(&self, body: &Body, context: Context) -> Option<Node> {
        let mut map = Map::default();
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => {
                    let (key, node) = self.argument(attribute, context)?;
                    if map.insert(&key, node).is_some() {
                        return None;
                    }
                }
                Structure::Block(block) => {
                    let (key, node) = self.block(block, context)?;
                    add_block(&mut map, &key, node, block.labels.len());
                }
            }
        }
        Some(Node::map(nowhere(), map))
    }

    fn argument(&self, attribute: &Attribute, context: Context) -> Option<(String, Node)> {
        let key = attribute.key.as_str();
        let node = if context.is_reference(key) {
            self.references(&attribute.value)?
        } else if context == Context::RequiredProviders {
            self.requirement(&attribute.value)?
        } else {
            self.value(&attribute.value)?
        };
        let schema =
            context.follows_a_schema() && is_block(key, &node) && !context.is_reference(key);
        let ambiguous = schema || context.labels(key).is_some();
        (context != Context::File).then(|| {
            (
                if ambiguous {
                    format!("{key} =")
                } else {
                    key.to_owned()
                },
                node,
            )
        })
    }

    /// A block as its key and its value, one level of names for each label.
    fn block(&self, block: &Block, context: Context) -> Option<(String, Node)> {
        let key = block.ident.as_str();
        let body = self.body(&block.body, context.inside(key))?;
        let name = match context.labels(key) {
            Some(labels) if labels == block.labels.len() => key.to_owned(),
            Some(_) => return None,
            None if !block.labels.is_empty() || context == Context::File => return None,
            None if context.follows_a_schema()
                && is_block(key, &body)
                && !context.is_reference(key) =>
            {
                key.to_owned()
            }
            None => format!("{key} {{}}"),
        };
        let labels = block.labels.iter().rev().map(|label| match label {
            BlockLabel::Ident(label) => label.as_str(),
            BlockLabel::String(label) => label.as_str(),
        });
        let node = labels.fold(body, |node, label| {
            let mut map = Map::default();
            map.insert(label, node);
            Node::map(nowhere(), map)
        });
        Some((name, node))
    }

    /// The source of an expression.
    fn source(&self, expression: &Expression) -> Option<&str> {
        Some(self.text.get(expression.span()?)?.trim())
    }

    fn requirement(&self, expression: &Expression) -> Option<Node> {
        let Expression::Object(object) = expression else {
            return self.value(expression);
        };
        self.object(object, |key, value| {
            if key == "configuration_aliases" {
                self.references(value)
            } else {
                self.value(value)
            }
        })
    }

    fn references(&self, expression: &Expression) -> Option<Node> {
        if let Expression::Array(items) = expression {
            let items: Option<Vec<Node>> = items.iter().map(|item| self.references(item)).collect();
            return Some(Node::seq(nowhere(), items?));
        }
        if let Expression::Object(object) = expression {
            return self.object(object, |_, value| self.references(value));
        }
        Some(Node::string(nowhere(), self.source(expression)?))
    }

    fn object(
        &self,
        object: &Object,
        read: impl Fn(&str, &Expression) -> Option<Node>,
    ) -> Option<Node> {
        let mut map = Map::default();
        for (key, value) in object {
            let key = match key {
                ObjectKey::Ident(key) => key.to_string(),
                ObjectKey::Expression(Expression::Parenthesis(inner)) => {
                    format!("${{{}}}", self.source(inner.inner())?)
                }
                ObjectKey::Expression(key) => match self.value(key)?.value {
                    Value::String(key) => key.to_string(),
                    Value::Null
                    | Value::Bool(_)
                    | Value::Integer(_)
                    | Value::Float(_)
                    | Value::Seq(_)
                    | Value::Map(_) => {
                        return None;
                    }
                },
            };
            let node = read(&key, value.expr())?;
            if map.insert(&key, node).is_some() {
                return None;
            }
        }
        Some(Node::map(nowhere(), map))
    }

    fn value(&self, expression: &Expression) -> Option<Node> {
        let value = match expression {
            Expression::Null(_) => Value::Null,
            Expression::Bool(value) => Value::Bool(*value.value()),
            Expression::Number(_) => number(self.source(expression)?)?,
            Expression::String(_) => {
                Value::String(unescaped(in_quotes(self.source(expression)?)?)?.into())
            }
            Expression::StringTemplate(template) => Value::String(self.template(template)?.into()),
            Expression::HeredocTemplate(_) => {
                Value::String(heredoc(self.source(expression)?)?.into())
            }
            Expression::Array(items) => {
                let items: Option<Vec<Node>> = items.iter().map(|item| self.value(item)).collect();
                return Some(Node::seq(nowhere(), items?));
            }
            Expression::Object(object) => return self.object(object, |_, value| self.value(value)),
            Expression::Parenthesis(_)
            | Expression::Variable(_)
            | Expression::Conditional(_)
            | Expression::FuncCall(_)
            | Expression::Traversal(_)
            | Expression::UnaryOp(_)
            | Expression::BinaryOp(_)
            | Expression::ForExpr(_) => {
                Value::String(format!("${{{}}}", self.source(expression)?).into())
            }
        };
        Some(Node {
            span: nowhere(),
            value,
        })
    }

    /// A template in quotes: its texts without their escapes, its sequences as they are written.
    fn template(&self, template: &StringTemplate) -> Option<String> {
        let mut text = String::new();
        for element in template {
            match element {
                Element::Literal(literal) => text += &unescaped(self.text.get(literal.span()?)?)?,
                Element::Interpolation(interpolation) => {
                    text += self.text.get(interpolation.span()?)?;
                }
                Element::Directive(directive) => text += self.text.get(directive.span()?)?,
            }
        }
        Some(text)
    }
}

/// Blocks of one name and one set of labels become a list.
fn add_block(map: &mut Map, key: &str, node: Node, labels: usize) {
    let known = map.get(key).cloned();
    let node = match (known.as_ref().map(|known| &known.value), &node.value) {
        (None, _) => node,
        (Some(Value::Map(known)), Value::Map(more)) if labels > 0 => {
            let mut both = Map::clone(known);
            for (label, node) in more.iter() {
                add_block(&mut both, label, node.clone(), labels - 1);
            }
            Node::map(nowhere(), both)
        }
        (Some(Value::Seq(known)), _) => {
            Node::seq(nowhere(), known.iter().cloned().chain([node]).collect())
        }
        (Some(_), _) => Node::seq(nowhere(), known.into_iter().chain([node]).collect()),
    };
    map.insert(key, node);
}

fn number(text: &str) -> Option<Value> {
    if let Ok(value) = text.parse() {
        return Some(Value::Integer(value));
    }
    Some(Value::Float(Float {
        value: text.parse().ok()?,
        text: text.into(),
    }))
}

fn in_quotes(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.strip_suffix('"')
}

/// A text as it stands in quotes, without its escapes.
fn unescaped(text: &str) -> Option<String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('\\') {
        out += before;
        let (c, length) = match after.chars().next()? {
            'n' => ('\n', 1),
            'r' => ('\r', 1),
            't' => ('\t', 1),
            c @ ('"' | '\\') => (c, 1),
            'u' => (
                char::from_u32(u32::from_str_radix(after.get(1..5)?, 16).ok()?)?,
                5,
            ),
            'U' => (
                char::from_u32(u32::from_str_radix(after.get(1..9)?, 16).ok()?)?,
                9,
            ),
            _ => return None,
        };
        out.push(c);
        rest = &after[length..];
    }
    Some(out + rest)
}

/// The text of a heredoc; of one with `<<-`, without the blanks that all its lines begin with.
fn heredoc(source: &str) -> Option<String> {
    let (head, rest) = source.split_once('\n')?;
    let (body, _end) = rest.rsplit_once('\n').unwrap_or(("", rest));
    let lines: Vec<&str> = body.split('\n').collect();
    let blanks = |line: &&str| line.len() - line.trim_start_matches(' ').len();
    let shared = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(blanks)
        .min()
        .unwrap_or(0);
    let indent = if head.starts_with("<<-") { shared } else { 0 };
    let text: Vec<&str> = lines
        .iter()
        .map(|line| line.get(indent..).unwrap_or(""))
        .collect();
    Some(text.join("\n") + "\n")
}
