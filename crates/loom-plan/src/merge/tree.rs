//! The structure of a text, with the places of its parts.
//!
//! In: what a [`Grammar`](super::Grammar) finds. Invariant: the range of a part lies within that of
//! what holds it, and parts stand in the order of the text ([`Tree::is_sound`]).

use std::ops::Range;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The bytes of the value.
    pub span: Range<usize>,
    /// What it is.
    pub shape: Shape,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A single value, in one form for all ways of writing it.
    Leaf(String),
    /// Values by their names.
    Map(Layout, Vec<Part>),
    /// Values in their order; the name of a part is what tells it from the others, or empty.
    List(Layout, Vec<Part>),
}

/// A value within another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// From its name, or the mark of a list's item, to the end of its value.
    pub span: Range<usize>,
    /// The value.
    pub tree: Tree,
}

/// How the parts of a value are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// By lines and indentation.
    Lines,
    /// By commas.
    Commas,
    /// By whole documents.
    Documents,
}

impl Tree {
    /// The parts; a single value has none.
    pub fn parts(&self) -> &[Part] {
        match &self.shape {
            Shape::Leaf(_) => &[],
            Shape::Map(_, parts) | Shape::List(_, parts) => parts,
        }
    }

    /// The part of a name.
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts().iter().find(|part| part.name == name)
    }

    /// The single value below a path of names.
    pub fn leaf(&self, path: &[&str]) -> Option<&str> {
        let found = path
            .iter()
            .try_fold(self, |tree, name| Some(&tree.part(name)?.tree))?;
        if let Shape::Leaf(text) = &found.shape {
            Some(text)
        } else {
            None
        }
    }

    /// Whether every part lies where it must, so that edits by place cannot go wrong.
    pub fn is_sound(&self) -> bool {
        let mut at = self.span.start;
        self.parts().iter().all(|part| {
            let holds = |outer: &Range<usize>, inner: &Range<usize>| {
                outer.start <= inner.start && inner.end <= outer.end
            };
            let sound = part.span.start >= at
                && holds(&self.span, &part.span)
                && holds(&part.span, &part.tree.span);
            at = part.span.end;
            sound && part.tree.is_sound()
        })
    }
}

/// Names the items of a list by their `name` or `id`, if every item has one of its own.
pub fn named(mut items: Vec<Part>) -> Vec<Part> {
    for key in ["name", "id"] {
        let mut names: Vec<String> = items
            .iter()
            .filter_map(|item| item.tree.leaf(&[key]).map(str::to_owned))
            .collect();
        let in_order = names.clone();
        names.sort();
        names.dedup();
        if names.len() == items.len() {
            items
                .iter_mut()
                .zip(in_order)
                .for_each(|(item, name)| item.name = name);
            return items;
        }
    }
    items
}
