//! HCL as Terraform's JSON configuration syntax has it: blocks become mappings by their labels, those
//! of one name a list, and expressions `"${…}"`. Unlike the reader that `loom adopt` uses, it takes
//! everything that HCL can say, and keeps places instead of the way back.

use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Block, BlockLabel, Body, Structure};
use loom_plan::diag::{Code, Diagnostic, Diagnostics};
use loom_plan::node::{Float, Map, Node, Value};
use loom_plan::text::{SourceId, Sources, Span};

pub(super) fn read(id: SourceId, sources: &Sources, out: &mut Diagnostics) -> Option<Node> {
    let text = &*sources.get(id).text;
    match text.parse::<Body>() {
        Ok(body) => Some(Reader { id, text }.body(&body, 0..text.len())),
        Err(error) => {
            let place = error.location();
            let found = Diagnostic::new(
                Code::Syntax,
                format!("this is not HCL: {}", error.message()),
            );
            let at = u32::try_from(place.offset()).unwrap_or(u32::MAX);
            out.push(
                found
                    .at(
                        Span {
                            source: id,
                            start: at,
                            end: at,
                        },
                        "",
                    )
                    .help("`terraform fmt` says more"),
            );
            None
        }
    }
}

struct Reader<'a> {
    id: SourceId,
    text: &'a str,
}

impl Reader<'_> {
    fn span(&self, range: Option<Range<usize>>) -> Span {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        range.map_or(Span::start_of(self.id), |range| Span {
            source: self.id,
            start: offset(range.start),
            end: offset(range.end),
        })
    }

    fn source(&self, range: Option<Range<usize>>) -> &str {
        range
            .and_then(|range| self.text.get(range))
            .unwrap_or_default()
            .trim()
    }

    fn body(&self, body: &Body, range: Range<usize>) -> Node {
        let mut map = Map::default();
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => {
                    map.insert(attribute.key.as_str(), self.value(&attribute.value));
                }
                Structure::Block(block) => add(
                    &mut map,
                    block.ident.as_str(),
                    self.block(block),
                    block.labels.len(),
                ),
            }
        }
        Node::map(self.span(Some(range)), map)
    }

    /// The block's body below a mapping for each of its labels.
    fn block(&self, block: &Block) -> Node {
        let body = self.body(&block.body, block.span().unwrap_or_default());
        let span = body.span;
        let labels = block.labels.iter().rev().map(BlockLabel::as_str);
        labels.fold(body, |node, label| {
            let mut map = Map::default();
            map.insert(label, node);
            Node::map(span, map)
        })
    }

    fn value(&self, expression: &Expression) -> Node {
        let range = expression.span();
        let source = self.source(range.clone());
        let value = match expression {
            Expression::Null(_) => Value::Null,
            Expression::Bool(value) => Value::Bool(*value.value()),
            Expression::Number(_) => number(source),
            Expression::String(text) => Value::String(text.value().as_str().into()),
            Expression::StringTemplate(_) => {
                let inside = source
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix('"'))
                    .unwrap_or(source);
                Value::String(inside.into())
            }
            Expression::Array(items) => {
                return Node::seq(
                    self.span(range),
                    items.iter().map(|item| self.value(item)).collect(),
                );
            }
            Expression::Object(object) => {
                let mut map = Map::default();
                for (key, value) in object {
                    let key = match key {
                        ObjectKey::Ident(ident) => ident.to_string().trim().to_owned(),
                        ObjectKey::Expression(key) => {
                            self.source(key.span()).trim_matches('"').to_owned()
                        }
                    };
                    map.insert(&key, self.value(value.expr()));
                }
                return Node::map(self.span(range), map);
            }
            Expression::HeredocTemplate(_) => Value::String(source.into()),
            Expression::Parenthesis(_)
            | Expression::Variable(_)
            | Expression::Conditional(_)
            | Expression::FuncCall(_)
            | Expression::Traversal(_)
            | Expression::UnaryOp(_)
            | Expression::BinaryOp(_)
            | Expression::ForExpr(_) => Value::String(format!("${{{source}}}").into()),
        };
        Node {
            span: self.span(range),
            value,
        }
    }
}

fn number(text: &str) -> Value {
    if let Ok(whole) = text.parse() {
        return Value::Integer(whole);
    }
    text.parse().map_or_else(
        |_| Value::String(text.into()),
        |value| {
            Value::Float(Float {
                text: text.into(),
                value,
            })
        },
    )
}

/// Blocks of one name and one set of labels become a list.
fn add(map: &mut Map, key: &str, node: Node, labels: usize) {
    let known = map.get(key).cloned();
    let node = match (known, &node.value) {
        (None, _) => node,
        (
            Some(Node {
                value: Value::Map(known),
                span,
            }),
            Value::Map(more),
        ) if labels > 0 => {
            let mut both = Map::clone(&known);
            more.iter()
                .for_each(|(label, node)| add(&mut both, label, node.clone(), labels - 1));
            Node::map(span, both)
        }
        (
            Some(Node {
                value: Value::Seq(known),
                span,
            }),
            _,
        ) => Node::seq(span, known.iter().cloned().chain([node]).collect()),
        (Some(first), _) => Node::seq(first.span, vec![first, node]),
    };
    map.insert(key, node);
}
