//! The structure of YAML and JSON, by loom's own reader.

use std::ops::Range;

use super::Grammar;
use super::tree::{Layout, Part, Shape, Tree, named};
use crate::diag::Diagnostics;
use crate::node::{self, Map, Node, Value};
use crate::text::{Sources, Span};

/// YAML, and JSON as a part of it. Several documents of a file are told apart as Kubernetes does, by
/// kind, namespace and name, if they have these.
#[derive(Clone, Copy, Debug)]
pub struct Yaml;

impl Grammar for Yaml {
    fn read(&self, text: &str) -> Option<Tree> {
        let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
        let id = sources.add("", text);
        let documents = node::parse(&sources, id, &mut found);
        if found.has_errors() {
            return None;
        }
        let reader = Reader { text };
        let mut parts = documents
            .iter()
            .map(|document| reader.document(document))
            .collect::<Option<Vec<_>>>()?;
        let tree = match parts.as_slice() {
            [_] => parts.remove(0).tree,
            _ => Tree {
                span: 0..text.len(),
                shape: Shape::List(Layout::Documents, parts),
            },
        };
        tree.is_sound().then_some(tree)
    }
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn document(&self, node: &Node) -> Option<Part> {
        let tree = self.tree(node)?;
        let names = [
            &["kind"][..],
            &["metadata", "namespace"],
            &["metadata", "name"],
        ]
        .map(|path| tree.leaf(path));
        let name = names.map(Option::unwrap_or_default).join("/");
        Some(Part {
            name,
            span: tree.span.clone(),
            tree,
        })
    }

    fn tree(&self, node: &Node) -> Option<Tree> {
        let mut span = self.range(node.span);
        let shape = match &node.value {
            Value::Map(map) => Shape::Map(self.layout(&span), self.entries(map)?),
            Value::Seq(items) => {
                let layout = self.layout(&span);
                let items = self.items(items, layout)?;
                // a list that is not indented is said to begin behind its first dash
                if let (Layout::Lines, Some(first)) = (layout, items.first()) {
                    span.start = span.start.min(first.span.start);
                }
                if let Some(last) = items.last() {
                    span.end = span.end.max(last.span.end);
                }
                Shape::List(layout, named(items))
            }
            Value::Null => Shape::Leaf("null".to_owned()),
            Value::Bool(value) => Shape::Leaf(value.to_string()),
            Value::Integer(value) => Shape::Leaf(value.to_string()),
            Value::Float(float) => Shape::Leaf(float.text.to_string()),
            // quoted, so that the text `3000` is not the number
            Value::String(text) => Shape::Leaf(format!("{text:?}")),
        };
        Some(Tree { span, shape })
    }

    fn entries(&self, map: &Map) -> Option<Vec<Part>> {
        let part = |(key, entry): (&std::sync::Arc<str>, &node::Entry)| {
            let (named, mut tree) = (self.range(entry.key), self.tree(&entry.node)?);
            if tree.span.is_empty() {
                // a key without a value: nothing stands behind its colon
                let colon = named.end + self.text[named.end..].find(':')? + 1;
                tree.span = colon..colon;
            }
            Some(Part {
                name: key.to_string(),
                span: named.start..tree.span.end,
                tree,
            })
        };
        map.entries().map(part).collect()
    }

    fn items(&self, items: &[Node], layout: Layout) -> Option<Vec<Part>> {
        let part = |item: &Node| {
            let tree = self.tree(item)?;
            let start = match layout {
                Layout::Commas => tree.span.start,
                // the dash, behind which the item may begin on the same line or on the next
                Layout::Lines | Layout::Documents => {
                    let before = self.text[..tree.span.start].trim_end();
                    before.strip_suffix('-')?.len()
                }
            };
            Some(Part {
                name: String::new(),
                span: start..tree.span.end,
                tree,
            })
        };
        items.iter().map(part).collect()
    }

    fn layout(&self, span: &Range<usize>) -> Layout {
        if self.text[span.start..].starts_with(['{', '[']) {
            Layout::Commas
        } else {
            Layout::Lines
        }
    }

    /// The bytes of a span without the blanks at its end, which some values are said to have.
    fn range(&self, span: Span) -> Range<usize> {
        let (start, end) = (span.start as usize, span.end as usize);
        start..start + self.text[start..end].trim_end().len()
    }
}
