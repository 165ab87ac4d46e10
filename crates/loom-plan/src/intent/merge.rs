//! Merging settings: JSON Merge Patch for `with`, and contributions to shared files.

use std::sync::Arc;

use crate::diag::{Code, Diagnostic};
use crate::node::{Map, Node, Value};

/// A list item's identity: its `name` or `id`.
fn identity(node: &Node) -> Option<&Node> {
    node.get("name").or_else(|| node.get("id"))
}

/// Whether every item is a mapping with an identity.
fn is_keyed(items: &[Node]) -> bool {
    !items.is_empty() && items.iter().all(|item| identity(item).is_some())
}

/// `target` patched: `null` deletes, mappings merge, lists of mappings merge by `name` or `id`,
/// other lists and all scalars are replaced (RFC 7396 with the one addition for lists).
pub fn patch(target: &Node, patch_node: &Node) -> Node {
    match (&target.value, &patch_node.value) {
        (_, Value::Map(changes)) => {
            let mut result = target.as_map().cloned().unwrap_or_default();
            for (key, change) in changes.iter() {
                if change.is_null() {
                    result.remove(key);
                } else {
                    let null = Node {
                        span: change.span,
                        value: Value::Null,
                    };
                    let merged = patch(result.get(key).unwrap_or(&null), change);
                    result.insert(key, merged);
                }
            }
            Node::map(patch_node.span, result)
        }
        (Value::Seq(old), Value::Seq(new)) if is_keyed(old) && is_keyed(new) => {
            let mut items: Vec<Node> = old.to_vec();
            for change in new.iter() {
                match items
                    .iter()
                    .position(|item| identity(item) == identity(change))
                {
                    Some(at) => items[at] = patch(&items[at], change),
                    None => items.push(patch(
                        &Node {
                            span: change.span,
                            value: Value::Null,
                        },
                        change,
                    )),
                }
            }
            Node::seq(patch_node.span, items)
        }
        _ => patch_node.clone(),
    }
}

/// Two contributions to one place as one: mappings by key, lists by adding what is new, equal
/// values are one.
///
/// # Errors
/// A diagnostic with the key's path where two values differ.
pub fn contribute(target: &Node, more: &Node, path: &str) -> Result<Node, Diagnostic> {
    match (&target.value, &more.value) {
        (Value::Map(ours), Value::Map(theirs)) => {
            let mut result = Map::clone(ours);
            for (key, node) in theirs.iter() {
                let merged = match ours.get(key) {
                    Some(known) => contribute(known, node, &format!("{path}.{key}"))?,
                    None => node.clone(),
                };
                result.insert(key, merged);
            }
            Ok(Node {
                span: target.span,
                value: Value::Map(Arc::new(result)),
            })
        }
        (Value::Seq(ours), Value::Seq(theirs)) => {
            let mut items = ours.to_vec();
            for item in theirs.iter() {
                let same =
                    |known: &Node| identity(item).is_some() && identity(known) == identity(item);
                match items.iter().position(same) {
                    Some(at) => items[at] = contribute(&items[at], item, path)?,
                    None if items.contains(item) => {}
                    None => items.push(item.clone()),
                }
            }
            Ok(Node::seq(target.span, items))
        }
        _ if target == more => Ok(target.clone()),
        _ => {
            let message = format!(
                "two blueprints want different values for `{}` of one shared file",
                path.trim_start_matches('.')
            );
            Err(Diagnostic::new(Code::ContributionsDiffer, message)
                .at(more.span, format!("this one wants {}", more.to_json()))
                .at(target.span, format!("this one wants {}", target.to_json()))
                .help("set the value in one place for both, or patch one of them by `with`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::text::{Sources, Span};

    fn node(json: &serde_json::Value) -> Node {
        Node::from_json(Span::start_of(Sources::default().add("x", "")), json)
    }

    #[test]
    fn a_patch_deletes_merges_and_replaces() {
        let target = node(
            &json!({ "a": 1, "b": { "c": 2, "d": 3 }, "l": [1, 2], "n": [{ "name": "x", "v": 1 }, { "name": "y" }] }),
        );
        let change = node(
            &json!({ "a": null, "b": { "c": 4 }, "l": [3], "n": [{ "name": "x", "v": 2 }, { "name": "z" }] }),
        );
        let expected = json!({ "b": { "c": 4, "d": 3 }, "l": [3], "n": [{ "name": "x", "v": 2 }, { "name": "y" }, { "name": "z" }] });
        assert_eq!(patch(&target, &change).to_json(), expected);
    }

    #[test]
    fn contributions_add_up_and_differences_are_an_error() {
        let one = node(
            &json!({ "resources": ["a.yml", "ns.yml"], "images": [{ "name": "a", "tag": "1" }], "namespace": "x" }),
        );
        let two = node(
            &json!({ "resources": ["b.yml", "ns.yml"], "images": [{ "name": "b" }, { "name": "a", "tag": "1" }], "namespace": "x" }),
        );
        let both = contribute(&one, &two, "").map(|node| node.to_json());
        let expected = json!({ "resources": ["a.yml", "ns.yml", "b.yml"], "images": [{ "name": "a", "tag": "1" }, { "name": "b" }], "namespace": "x" });
        assert_eq!(both, Ok(expected));
        let other = node(&json!({ "namespace": "y" }));
        assert_eq!(
            contribute(&one, &other, "").map_err(|found| found.code),
            Err(Code::ContributionsDiffer)
        );
    }
}
