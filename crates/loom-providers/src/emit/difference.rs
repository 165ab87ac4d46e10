//! What differs between two versions of a document, in the document's own terms.
//!
//! In: two trees. Out: lines such as `spec.replicas: 2 → 3`, in the order of the later tree; what
//! is not there is `none`. Items of a list are paired by their `name` or `id`, where all have one,
//! so that an item that was put in front does not make all others differ.
//!
//! Deliberately not here: a text diff, which the plan shows anyway.

use std::collections::BTreeSet;
use std::sync::Arc;

use loom_plan::diag::Diagnostics;
use loom_plan::node::{self, Map, Node, Value};
use loom_plan::text::{SourceId, Sources, Span};

use super::yaml;

/// Values longer than this are cut.
const LONGEST: usize = 72;

/// The differences between two YAML or JSON texts; none where one of them does not parse.
pub fn of_yaml(before: &str, after: &str) -> Vec<String> {
    match (read(before), read(after)) {
        (Some(before), Some(after)) => of_documents(&before, &after),
        _ => Vec::new(),
    }
}

/// The differences between two texts in HCL; none where one of them does not parse.
pub fn of_hcl(before: &str, after: &str) -> Vec<String> {
    let (Ok(before), Ok(after)) = (hcl::from_str(before), hcl::from_str(after)) else {
        return Vec::new();
    };
    let span = Span::start_of(nowhere());
    of_nodes(
        &Node::from_json(span, &before),
        &Node::from_json(span, &after),
    )
}

/// The differences between two trees.
pub fn of_nodes(before: &Node, after: &Node) -> Vec<String> {
    let mut found = Found {
        path: String::new(),
        lines: Vec::new(),
    };
    found.compare(Some(before), Some(after));
    found.lines
}

fn read(text: &str) -> Option<Vec<Node>> {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let id = sources.add("", text);
    let nodes = node::parse(&sources, id, &mut diagnostics);
    (!diagnostics.has_errors()).then_some(nodes)
}

/// The source of values that stand in no input file.
fn nowhere() -> SourceId {
    Sources::default().add("", "")
}

/// Documents are paired by kind and name, as Kubernetes names objects, else by their place.
fn of_documents(before: &[Node], after: &[Node]) -> Vec<String> {
    if let ([before], [after]) = (before, after) {
        return of_nodes(before, after);
    }
    let titled = |nodes: &[Node]| -> Map {
        let mut map = Map::default();
        for (at, node) in nodes.iter().enumerate() {
            let title = title(node)
                .filter(|title| map.get(title).is_none())
                .unwrap_or_else(|| format!("document {}", at + 1));
            map.insert(&title, node.clone());
        }
        map
    };
    let mut found = Found {
        path: String::new(),
        lines: Vec::new(),
    };
    found.entries(&titled(before), &titled(after), |title| format!("{title} "));
    found.lines
}

fn title(node: &Node) -> Option<String> {
    Some(format!(
        "{} {}",
        node.get("kind")?.as_str()?,
        node.at(&["metadata", "name"])?.as_str()?
    ))
}

struct Found {
    path: String,
    lines: Vec<String>,
}

impl Found {
    fn compare(&mut self, before: Option<&Node>, after: Option<&Node>) {
        match (
            before.map(|node| &node.value),
            after.map(|node| &node.value),
        ) {
            (before, after) if before == after => {}
            (Some(Value::Map(before)), Some(Value::Map(after))) => {
                self.entries(before, after, key_text);
            }
            (Some(Value::Seq(before)), Some(Value::Seq(after))) => self.items(before, after),
            _ => {
                let path = if self.path.is_empty() {
                    "the whole"
                } else {
                    self.path.trim_end()
                };
                self.lines
                    .push(format!("{path}: {} → {}", shown(before), shown(after)));
            }
        }
    }

    fn entries(&mut self, before: &Map, after: &Map, step: impl Fn(&str) -> String) {
        let gone = before
            .iter()
            .filter(|(key, _)| after.get(key).is_none())
            .map(|(key, node)| (key, Some(node), None));
        let rest = after
            .iter()
            .map(|(key, node)| (key, before.get(key), Some(node)));
        for (key, before, after) in gone.chain(rest) {
            self.below(&step(key), |found| found.compare(before, after));
        }
    }

    fn items(&mut self, before: &[Node], after: &[Node]) {
        if let (Some(before), Some(after)) = (named(before), named(after)) {
            return self.entries(&before, &after, |name| format!("[{name}]"));
        }
        if before
            .iter()
            .chain(after)
            .all(|node| node.as_map().is_none())
        {
            self.lines
                .push(format!("{}: {} → {}", self.path, list(before), list(after)));
            return;
        }
        let start = before
            .iter()
            .zip(after)
            .take_while(|(before, after)| before == after)
            .count();
        let tail = before[start..]
            .iter()
            .rev()
            .zip(after[start..].iter().rev())
            .take_while(|(b, a)| b == a)
            .count();
        let (old, new) = (
            &before[start..before.len() - tail],
            &after[start..after.len() - tail],
        );
        for at in 0..old.len().max(new.len()) {
            self.below(&format!("[{}]", start + at), |found| {
                found.compare(old.get(at), new.get(at));
            });
        }
    }

    fn below(&mut self, step: &str, then: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if !self.path.is_empty() && !self.path.ends_with(' ') && !step.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(step);
        then(self);
        self.path.truncate(length);
    }
}

/// A list as a mapping from the names of its items, where each has one of its own.
fn named(items: &[Node]) -> Option<Map> {
    ["name", "id"].into_iter().find_map(|key| {
        let names: BTreeSet<&str> = items
            .iter()
            .filter_map(|item| item.get(key)?.as_str())
            .collect();
        if items.is_empty() || names.len() != items.len() {
            return None;
        }
        let mut map = Map::default();
        for item in items {
            map.insert(item.get(key)?.as_str()?, item.clone());
        }
        Some(map)
    })
}

/// A key in a path: in quotes where it holds what paths are made of.
fn key_text(key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '/'));
    if bare {
        key.to_owned()
    } else {
        format!("{key:?}")
    }
}

fn shown(node: Option<&Node>) -> String {
    let Some(node) = node else {
        return "none".to_owned();
    };
    match &node.value {
        Value::String(text) => cut(&yaml::scalar(text)),
        Value::Seq(_) | Value::Map(_) => cut(&node.to_json().to_string()),
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => {
            node.scalar_text().unwrap_or_default().into()
        }
    }
}

fn list(items: &[Node]) -> String {
    let value = Value::Seq(Arc::from(items));
    shown(Some(&Node {
        span: Span::start_of(nowhere()),
        value,
    }))
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_value_is_named_by_its_path() {
        let before = "spec:\n  replicas: 2\n  paused: true\nmetadata:\n  labels:\n    app.kubernetes.io/name: a\n";
        let after = "spec:\n  replicas: 3\n  strategy: fast\nmetadata:\n  labels:\n    app.kubernetes.io/name: \"no\"\n";
        let found = of_yaml(before, after);
        assert_eq!(
            found,
            [
                "spec.paused: true → none",
                "spec.replicas: 2 → 3",
                "spec.strategy: none → fast",
                "metadata.labels.\"app.kubernetes.io/name\": a → \"no\"",
            ]
        );
    }

    #[test]
    fn items_are_paired_by_name_and_lists_of_words_shown_whole() {
        let before = "containers:\n  - name: app\n    image: a:1\n  - name: old\nargs: [a]\n";
        let after = "containers:\n  - name: proxy\n  - name: app\n    image: a:2\nargs: [a, b]\n";
        let found = of_yaml(before, after);
        assert_eq!(
            found,
            [
                "containers[old]: {\"name\":\"old\"} → none",
                "containers[proxy]: none → {\"name\":\"proxy\"}",
                "containers[app].image: a:1 → a:2",
                "args: [\"a\"] → [\"a\",\"b\"]",
            ]
        );
    }

    #[test]
    fn an_item_without_a_name_does_not_make_its_neighbours_differ() {
        let found = of_yaml(
            "steps:\n  - run: a\n  - run: c\n",
            "steps:\n  - run: a\n  - run: b\n  - run: c\n",
        );
        assert_eq!(found, ["steps[1]: none → {\"run\":\"b\"}"]);
    }

    #[test]
    fn documents_are_paired_by_kind_and_name() {
        let before =
            "kind: Service\nmetadata: {name: a}\nport: 1\n---\nkind: Job\nmetadata: {name: b}\n";
        let after =
            "kind: Job\nmetadata: {name: b}\n---\nkind: Service\nmetadata: {name: a}\nport: 2\n";
        assert_eq!(of_yaml(before, after), ["Service a port: 1 → 2"]);
        assert_eq!(of_yaml("a: [", after), Vec::<String>::new());
    }

    #[test]
    fn blocks_of_hcl_are_named_by_type_and_labels() {
        let text = |size| {
            format!(
                "resource \"aws_db_instance\" \"main\" {{\n  size = {size}\n  name = \"${{var.a}}\"\n}}\n"
            )
        };
        assert_eq!(
            of_hcl(&text(20), &text(40)),
            ["resource.aws_db_instance.main.size: 20 → 40"]
        );
    }

    #[test]
    fn long_values_are_cut() {
        let found = of_yaml("a: b", &format!("a: {}", "x".repeat(1000)));
        assert!(
            found[0].ends_with("x…") && found[0].chars().count() < 90,
            "{found:?}"
        );
    }
}
