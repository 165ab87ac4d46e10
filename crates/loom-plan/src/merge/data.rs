//! Merging what texts say, whatever they look like.
//!
//! In: three trees. Out: the data that both sides mean, or the path at which they do not agree.
//! Mappings merge by their keys and lists by the names of their items, where all have one. Other
//! lists merge as lines do. In a list the order may have a meaning: what both sides add at the same
//! place has none, and is a clash.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;

use super::align::stretches;
use super::tree::{Shape, Tree};

/// What a text says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Data {
    Leaf(String),
    /// By keys; their order has no meaning.
    Map(BTreeMap<String, Self>),
    /// Items with their names, which are empty where not every item has one of its own.
    List(Vec<(String, Self)>),
}

impl Data {
    pub(super) fn of(tree: &Tree) -> Self {
        match &tree.shape {
            Shape::Leaf(text) => Self::Leaf(text.clone()),
            Shape::Map(_, parts) => Self::Map(
                parts
                    .iter()
                    .map(|part| (part.name.clone(), Self::of(&part.tree)))
                    .collect(),
            ),
            Shape::List(_, parts) => Self::List(
                parts
                    .iter()
                    .map(|part| (part.name.clone(), Self::of(&part.tree)))
                    .collect(),
            ),
        }
    }
}

/// Merges; the error is the path of a value that clashes.
pub(super) fn merge(base: &Tree, observed: &Tree, desired: &Tree) -> Result<Data, String> {
    let [base, observed, desired] = [base, observed, desired].map(Data::of);
    let merged = values(Some(&base), Some(&observed), Some(&desired), "")?;
    // both sides have a document, so that the merge cannot have none
    Ok(merged.unwrap_or(observed))
}

/// `None` is a value that is not there.
fn values(
    base: Option<&Data>,
    observed: Option<&Data>,
    desired: Option<&Data>,
    path: &str,
) -> Result<Option<Data>, String> {
    match (base, observed, desired) {
        _ if observed == desired || base == desired => Ok(observed.cloned()),
        _ if base == observed => Ok(desired.cloned()),
        (base, Some(Data::Map(observed)), Some(Data::Map(desired))) => {
            let empty = BTreeMap::new();
            let base = match base {
                Some(Data::Map(base)) => base,
                None => &empty,
                Some(Data::Leaf(_) | Data::List(_)) => return Err(path.to_owned()),
            };
            let keys: BTreeSet<&String> = base
                .keys()
                .chain(observed.keys())
                .chain(desired.keys())
                .collect();
            let mut merged = BTreeMap::new();
            for key in keys {
                let value = values(
                    base.get(key),
                    observed.get(key),
                    desired.get(key),
                    &below(path, key),
                )?;
                merged.extend(value.map(|value| (key.clone(), value)));
            }
            Ok(Some(Data::Map(merged)))
        }
        (Some(Data::List(base)), Some(Data::List(observed)), Some(Data::List(desired))) => {
            lists(base, observed, desired, path).map(|items| Some(Data::List(items)))
        }
        _ => Err(path.to_owned()),
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

type Item = (String, Data);

/// Merges three lists: which items there are and in what order as lines do, by name where there are
/// names; then each named item by itself.
fn lists(
    base: &[Item],
    observed: &[Item],
    desired: &[Item],
    path: &str,
) -> Result<Vec<Item>, String> {
    let is_named = [base, observed, desired]
        .iter()
        .all(|items| items.iter().all(|(name, _)| !name.is_empty()));
    if !is_named {
        return sequence(base, observed, desired).ok_or_else(|| path.to_owned());
    }
    let names = |items: &[Item]| {
        items
            .iter()
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
    };
    let mut merged = Vec::new();
    for name in
        sequence(&names(base), &names(observed), &names(desired)).ok_or_else(|| path.to_owned())?
    {
        let find = |items: &'_ [Item]| items.iter().position(|(known, _)| *known == name);
        let [in_base, in_observed, in_desired] =
            [base, observed, desired].map(|items| find(items).map(|at| &items[at].1));
        let value = values(in_base, in_observed, in_desired, &below(path, &name))?;
        merged.extend(value.map(|value| (name.clone(), value)));
    }
    // what one side took out and the other changed is no item of the sequence any more
    for (name, was) in base {
        let find = |items: &'_ [Item]| {
            items
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.clone())
        };
        match (find(observed), find(desired)) {
            (Some(left), None) | (None, Some(left)) if left != *was => {
                return Err(below(path, name));
            }
            _ => {}
        }
    }
    Ok(merged)
}

/// Merges three sequences: between items that all three share, only one side may differ.
fn sequence<T: Clone + Ord + Hash>(base: &[T], observed: &[T], desired: &[T]) -> Option<Vec<T>> {
    let mut merged = Vec::new();
    for stretch in stretches(base, observed, desired) {
        let (was, is) = (&base[stretch.base.clone()], &observed[stretch.observed]);
        let becomes = &desired[stretch.desired];
        merged.extend_from_slice(match (is == becomes || was == becomes, was == is) {
            (true, _) => is,
            (false, true) => becomes,
            (false, false) => return None,
        });
        merged.extend(base.get(stretch.base.end).cloned());
    }
    Some(merged)
}
