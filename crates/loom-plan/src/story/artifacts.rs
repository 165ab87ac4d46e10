//! Where the artifacts of a task stand.
//!
//! In: the task's node. Out: the entries, as nodes without credentials. They are looked for in
//! `artifacts`, else in `extensions.loom.artifacts`, else in the fenced `loom` blocks of the
//! description, whose texts become sources of their own, so that every place leads to the file.

use super::fence;
use crate::credential;
use crate::diag::Diagnostics;
use crate::node::{self, Node};
use crate::shape::{self, Field, Shape, World};
use crate::text::Sources;

/// The keys of a `loom` block.
pub const BLOCK: &[Field] = &[Field::required(
    "artifacts",
    Shape::List(&Shape::Any),
    "what the task delivers",
)];

/// The entries that a task names. That `artifacts` itself is a list is checked with the task.
pub(super) fn of(task: &Node, sources: &mut Sources, out: &mut Diagnostics) -> Vec<Node> {
    if let Some(list) = task.get("artifacts") {
        return items(list, sources, out);
    }
    if let Some(list) = task.at(&["extensions", "loom", "artifacts"]) {
        shape::check(
            list,
            &Shape::List(&Shape::Any),
            "artifacts",
            World {
                sources,
                environments: &[],
            },
            out,
        );
        return items(list, sources, out);
    }
    task.get("description")
        .map(|description| in_blocks(description, sources, out))
        .unwrap_or_default()
}

fn items(list: &Node, sources: &mut Sources, out: &mut Diagnostics) -> Vec<Node> {
    list.as_seq()
        .unwrap_or_default()
        .iter()
        .map(|item| credential::guard(item, sources, out))
        .collect()
}

fn in_blocks(description: &Node, sources: &mut Sources, out: &mut Diagnostics) -> Vec<Node> {
    let Some(text) = description.as_str() else {
        return Vec::new();
    };
    let blocks = fence::blocks(text);
    if blocks.is_empty() {
        return Vec::new();
    }
    let whole = sources.add_embedded(description.span, text);
    let mut entries = Vec::new();
    for pieces in blocks {
        let id = sources.add_pieces(whole, &pieces);
        let Some(block) = node::parse_one(sources, id, out).filter(|block| !block.is_null()) else {
            continue;
        };
        // the list itself may stand there too, without its key
        if block.as_seq().is_some() {
            entries.extend(items(&block, sources, out));
            continue;
        }
        shape::check(
            &block,
            &Shape::Record(BLOCK),
            "loom block",
            World {
                sources,
                environments: &[],
            },
            out,
        );
        entries.extend(
            block
                .get("artifacts")
                .map(|list| items(list, sources, out))
                .unwrap_or_default(),
        );
    }
    entries
}
