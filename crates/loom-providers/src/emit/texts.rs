//! Values that go to places which take only texts: labels, annotations, variables.
//!
//! In: settings as data, and which keys hold such values. Out: the same with texts in these places,
//! each with the digits that it was written with. A cluster refuses a number there; GitHub, Compose
//! and GitLab take one, and read `3.10` as `3.1`.

use std::sync::Arc;

use loom_plan::node::{Map, Node, Value};

/// Where texts are wanted.
pub(crate) struct Places {
    /// Mappings of these names hold only texts.
    pub(crate) mappings: &'static [&'static str],
    /// In lists of these names, this key of each item is a text.
    pub(crate) items: &'static [(&'static str, &'static str)],
    /// Which values are no texts there.
    pub(crate) refuses: Refuses,
}

/// Which values would be misread, or refused, where a text is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refuses {
    /// Everything that is no text.
    All,
    /// Numbers that lose digits when they are read as numbers.
    Digits,
}

/// The same node, with texts where texts are wanted.
pub(crate) fn in_places(node: &Node, places: &Places) -> Node {
    let value = match &node.value {
        Value::Seq(items) => Value::Seq(items.iter().map(|item| in_places(item, places)).collect()),
        Value::Map(map) => {
            let mut result = Map::clone(map);
            for (key, value) in map.iter() {
                result.insert(key, of_entry(key, value, places));
            }
            Value::Map(Arc::new(result))
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::String(_) => {
            return node.clone();
        }
    };
    Node {
        span: node.span,
        value,
    }
}

fn of_entry(key: &str, value: &Node, places: &Places) -> Node {
    if let (true, Some(map)) = (places.mappings.contains(&key), value.as_map()) {
        let mut result = map.clone();
        for (key, value) in map.iter() {
            result.insert(key, text(value, places));
        }
        return Node::map(value.span, result);
    }
    let wanted = places.items.iter().find(|(list, _)| *list == key);
    if let (Some((_, wanted)), Some(items)) = (wanted, value.as_seq()) {
        let of_item = |item: &Node| {
            let mut map = in_places(item, places).as_map().cloned()?;
            if let Some(value) = item.get(wanted) {
                map.insert(wanted, text(value, places));
            }
            Some(Node::map(item.span, map))
        };
        let items = items
            .iter()
            .map(|item| of_item(item).unwrap_or_else(|| item.clone()));
        return Node::seq(value.span, items.collect());
    }
    in_places(value, places)
}

fn text(node: &Node, places: &Places) -> Node {
    let is_refused = match (&node.value, places.refuses) {
        (Value::Bool(_) | Value::Integer(_) | Value::Float(_), Refuses::All)
        | (Value::Float(_), Refuses::Digits) => true,
        (Value::Null | Value::String(_) | Value::Bool(_) | Value::Integer(_), _) => false,
        (Value::Seq(_) | Value::Map(_), _) => return in_places(node, places),
    };
    match node.scalar_text().filter(|_| is_refused) {
        Some(text) => Node::string(node.span, text),
        None => node.clone(),
    }
}
