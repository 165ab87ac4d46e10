//! Merging settings: JSON Merge Patch for `with`, and contributions to shared files.

use std::sync::Arc;

use crate::diag::{Code, Diagnostic};
use crate::node::{Map, Node, Value};
use crate::text::Span;

/// What tells an item of a list from its neighbours.
///
/// An object of Kubernetes is told by version, kind, namespace and name, as the cluster does; a step, a
/// container or anything else by its `name` or `id`.
fn identity(node: &Node) -> Option<Vec<&Node>> {
    let at = |path: &[&str]| node.at(path);
    match (
        at(&["apiVersion"]),
        at(&["kind"]),
        at(&["metadata", "name"]),
    ) {
        (Some(version), Some(kind), Some(name)) => {
            let namespace = at(&["metadata", "namespace"]);
            Some([version, kind, name].into_iter().chain(namespace).collect())
        }
        _ => Some(vec![node.get("name").or_else(|| node.get("id"))?]),
    }
}

/// The item that is meant by `wanted`; the namespace of an object may be left out where only one fits.
fn position(items: &[Node], wanted: &Node) -> Option<usize> {
    let identity_of = identity(wanted)?;
    let equal = |item: &&Node| identity(item).as_ref() == Some(&identity_of);
    let begins = |item: &Node| {
        identity(item).is_some_and(|it| identity_of.len() == 3 && it.starts_with(&identity_of))
    };
    items.iter().position(|item| equal(&item)).or_else(|| {
        let mut found = items.iter().enumerate().filter(|(_, item)| begins(item));
        found
            .next()
            .filter(|_| found.next().is_none())
            .map(|(at, _)| at)
    })
}

/// `target` patched: `null` deletes, mappings merge, lists of mappings merge by what tells their items
/// apart, other lists and all scalars are replaced (RFC 7396 with the one addition for lists).
///
/// # Errors
/// One for each list of which a patch would take out items that it does not name: whoever means that
/// sets the list to `null` and writes it out, or takes an item out by `{ …, $patch: delete }`.
pub fn patch(target: &Node, patch_node: &Node) -> Result<Node, Vec<Diagnostic>> {
    let mut refused = Vec::new();
    let patched = patched(target, patch_node, "", &mut refused);
    if refused.is_empty() {
        Ok(patched)
    } else {
        Err(refused)
    }
}

/// The key by which a patch takes an item out, as in the strategic merge patches of Kubernetes.
const DIRECTIVE: &str = "$patch";

fn patched(target: &Node, patch_node: &Node, path: &str, refused: &mut Vec<Diagnostic>) -> Node {
    match (&target.value, &patch_node.value) {
        (_, Value::Map(changes)) => {
            let mut result = target.as_map().cloned().unwrap_or_default();
            for (key, change) in changes.iter() {
                if change.is_null() {
                    result.remove(key);
                } else {
                    let null = nothing(change);
                    let path = format!("{path}.{key}");
                    let merged = patched(result.get(key).unwrap_or(&null), change, &path, refused);
                    result.insert(key, merged);
                }
            }
            Node::map(patch_node.span, result)
        }
        (Value::Seq(old), Value::Seq(new)) if old.iter().any(|item| item.as_map().is_some()) => {
            if let Some(unknown) = new.iter().find(|item| identity(item).is_none()) {
                refused.push(loses(old.len(), path, unknown.span));
            } else if new.is_empty() {
                refused.push(loses(old.len(), path, patch_node.span));
            }
            let mut items: Vec<Node> = old.to_vec();
            for change in new.iter().filter(|item| identity(item).is_some()) {
                let goes = change.get(DIRECTIVE).and_then(Node::as_str) == Some("delete");
                match position(&items, change) {
                    Some(at) if goes => drop(items.remove(at)),
                    Some(at) => items[at] = patched(&items[at], change, path, refused),
                    None if goes => refused.push(not_there(path, change.span)),
                    None => items.push(patched(&nothing(change), change, path, refused)),
                }
            }
            Node::seq(patch_node.span, items)
        }
        _ => patch_node.clone(),
    }
}

fn nothing(at: &Node) -> Node {
    Node {
        span: at.span,
        value: Value::Null,
    }
}

fn loses(items: usize, path: &str, span: Span) -> Diagnostic {
    let path = path.trim_start_matches('.');
    let message = format!(
        "this would replace `{path}`, and lose what its {items} items hold: a patch names the items that it changes"
    );
    Diagnostic::new(Code::PatchLoses, message).at(span, "").help(
        "name each item by its `name` or `id`, or an object by `apiVersion`, `kind` and `metadata.name`; `$patch: delete` beside these takes it out",
    )
}

fn not_there(path: &str, span: Span) -> Diagnostic {
    let path = path.trim_start_matches('.');
    let message = format!("`{path}` has no such item, so there is nothing to take out");
    Diagnostic::new(Code::PatchLoses, message)
        .at(span, "")
        .help("take the entry out of `with`, or correct what it names")
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
                match position(&items, item) {
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
    use crate::text::Sources;

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
        assert_eq!(patch(&target, &change).map(|it| it.to_json()), Ok(expected));
    }

    #[test]
    fn objects_merge_by_what_the_cluster_calls_them_and_go_only_where_that_is_said() {
        let object = |kind: &str, name: &str, more: serde_json::Value| {
            let mut object =
                json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": name } });
            object
                .as_object_mut()
                .expect("a mapping")
                .extend(more.as_object().expect("a mapping").clone());
            object
        };
        let target = node(
            &json!({ "documents": [object("Service", "a", json!({ "x": 1 })), object("ConfigMap", "a", json!({ "y": 1 }))] }),
        );
        let patched = |change: serde_json::Value| {
            patch(&target, &node(&json!({ "documents": change })))
                .map(|it| it.to_json()["documents"].clone())
        };
        let changed = patched(json!([object("ConfigMap", "a", json!({ "y": 2 }))]));
        assert_eq!(
            changed,
            Ok(json!([
                object("Service", "a", json!({ "x": 1 })),
                object("ConfigMap", "a", json!({ "y": 2 }))
            ]))
        );
        let gone = patched(json!([object(
            "Service",
            "a",
            json!({ "$patch": "delete" })
        )]));
        assert_eq!(
            gone,
            Ok(json!([object("ConfigMap", "a", json!({ "y": 1 }))]))
        );
        for lost in [
            json!([{ "spec": 1 }]),
            json!([]),
            json!(["a"]),
            json!([object("Secret", "a", json!({ "$patch": "delete" }))]),
        ] {
            let codes = patched(lost.clone())
                .map_err(|found| found.into_iter().map(|it| it.code).collect::<Vec<_>>());
            assert_eq!(codes, Err(vec![Code::PatchLoses]), "{lost}");
        }
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
