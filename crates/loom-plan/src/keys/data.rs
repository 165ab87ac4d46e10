//! The data of a document in any format, each value with its place in the text.

use std::collections::BTreeSet;
use std::ops::Range;

use indexmap::IndexMap;

use super::path::{KeyPath, Step};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Data {
    /// The bytes of it.
    pub span: Range<usize>,
    /// What it is.
    pub form: Form,
    /// Why what is inside of it cannot be edited, where that is so: `is an alias`.
    pub obstacle: Option<&'static str>,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// Neither list nor mapping, written so that equal values are equal texts: a text as JSON
    /// writes it, anything else as the format does.
    Scalar(String),
    /// A list.
    List(Vec<Data>),
    /// A mapping, in the order of the text. Equality does not look at the order.
    Map(IndexMap<String, Entry>),
}

/// A key's place, and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where the key stands.
    pub key: Range<usize>,
    /// The value.
    pub data: Data,
}

/// Values are equal wherever they stand.
impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        self.form == other.form
    }
}

/// Entries are equal when their values are.
impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.data == other.data
    }
}

/// By what entries of a list are told apart, in the order in which it is tried.
const IDENTITIES: [&str; 2] = ["name", "id"];

/// How the entries of a list are told apart.
enum Identity {
    By(&'static str),
    Value,
    None,
}

impl Data {
    /// A value.
    pub fn new(span: Range<usize>, form: Form) -> Self {
        Self {
            span,
            form,
            obstacle: None,
        }
    }

    /// A text.
    pub fn text(span: Range<usize>, text: &str) -> Self {
        Self::new(
            span,
            Form::Scalar(serde_json::Value::from(text).to_string()),
        )
    }

    /// The value as one line that equal values share.
    pub fn canonical(&self) -> String {
        match &self.form {
            Form::Scalar(text) => text.clone(),
            Form::List(items) => format!(
                "[{}]",
                items
                    .iter()
                    .map(Self::canonical)
                    .collect::<Vec<_>>()
                    .join(",")
            ),
            Form::Map(entries) => {
                let mut fields: Vec<String> = entries
                    .iter()
                    .map(|(key, entry)| {
                        format!(
                            "{}:{}",
                            serde_json::Value::from(key.as_str()),
                            entry.data.canonical()
                        )
                    })
                    .collect();
                fields.sort();
                format!("{{{}}}", fields.join(","))
            }
        }
    }

    /// Whether it is a list or mapping with nothing in it.
    pub fn is_empty(&self) -> bool {
        match &self.form {
            Form::Scalar(_) => false,
            Form::List(items) => items.is_empty(),
            Form::Map(entries) => entries.is_empty(),
        }
    }

    /// The value of a key, where this is a mapping.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.form {
            Form::Map(entries) => entries.get(key),
            Form::Scalar(_) | Form::List(_) => None,
        }
    }

    fn matches(&self, step: &Step) -> bool {
        match step {
            Step::Key(_) => false,
            Step::Entry { by, value } => self
                .entry(by)
                .is_some_and(|entry| entry.data.canonical() == *value),
            Step::Item(value) => self.canonical() == *value,
        }
    }

    /// The values that a step leads to: more than one where a list holds twins.
    pub fn step(&self, step: &Step) -> Vec<&Self> {
        match (&self.form, step) {
            (Form::Map(entries), Step::Key(key)) => entries
                .get(key)
                .map(|entry| &entry.data)
                .into_iter()
                .collect(),
            (Form::List(items), Step::Entry { .. } | Step::Item(_)) => {
                items.iter().filter(|item| item.matches(step)).collect()
            }
            (Form::Scalar(_) | Form::List(_) | Form::Map(_), _) => Vec::new(),
        }
    }

    /// The value at a path; of twins in a list the first.
    pub fn get(&self, path: &KeyPath) -> Option<&Self> {
        path.steps()
            .iter()
            .try_fold(self, |data, step| data.step(step).first().copied())
    }

    /// The paths of all leaves, in the order of the text. A document that is no mapping has one.
    pub fn leaves(&self) -> Vec<KeyPath> {
        let mut found = Vec::new();
        self.gather(&KeyPath::default(), None, &mut found);
        found
    }

    /// The leaves below a path; `named` is the key by which this entry of a list is told apart.
    fn gather(&self, path: &KeyPath, named: Option<&str>, found: &mut Vec<KeyPath>) {
        match &self.form {
            Form::Map(entries) if !entries.is_empty() => {
                let only = entries.len() == 1;
                for (key, entry) in entries
                    .iter()
                    .filter(|(key, _)| only || named != Some(key.as_str()))
                {
                    entry
                        .data
                        .gather(&path.with(Step::Key(key.clone())), None, found);
                }
            }
            Form::List(items) if !items.is_empty() => match identity(items) {
                Identity::None => found.push(path.clone()),
                Identity::Value => found.extend(
                    items
                        .iter()
                        .map(|item| path.with(Step::Item(item.canonical()))),
                ),
                Identity::By(by) => {
                    for (item, name) in items
                        .iter()
                        .filter_map(|item| Some((item, item.entry(by)?)))
                    {
                        let value = name.data.canonical();
                        item.gather(
                            &path.with(Step::Entry {
                                by: by.to_owned(),
                                value,
                            }),
                            Some(by),
                            found,
                        );
                    }
                }
            },
            Form::Scalar(_) | Form::List(_) | Form::Map(_) => found.push(path.clone()),
        }
    }

    /// The same data with a value at a path, whose last step alone may be new.
    #[must_use]
    pub fn with(&self, path: &[Step], value: &Self) -> Self {
        let Some((step, rest)) = path.split_first() else {
            return value.clone();
        };
        let mut changed = self.clone();
        match (&mut changed.form, step) {
            (Form::Map(entries), Step::Key(key)) => match entries.get_mut(key) {
                Some(entry) => entry.data = entry.data.with(rest, value),
                None => drop(entries.insert(
                    key.clone(),
                    Entry {
                        key: 0..0,
                        data: value.clone(),
                    },
                )),
            },
            (Form::List(items), Step::Entry { .. } | Step::Item(_)) => {
                match items.iter_mut().find(|item| item.matches(step)) {
                    Some(item) => *item = item.with(rest, value),
                    None => items.push(value.clone()),
                }
            }
            (Form::Scalar(_) | Form::List(_) | Form::Map(_), _) => {}
        }
        changed
    }

    /// The same data without the value at a path.
    #[must_use]
    pub fn without(&self, path: &[Step]) -> Self {
        let mut changed = self.clone();
        let Some((step, rest)) = path.split_first() else {
            return changed;
        };
        match (&mut changed.form, step) {
            (Form::Map(entries), Step::Key(key)) if rest.is_empty() => {
                drop(entries.shift_remove(key));
            }
            (Form::Map(entries), Step::Key(key)) => {
                if let Some(entry) = entries.get_mut(key) {
                    entry.data = entry.data.without(rest);
                }
            }
            (Form::List(items), Step::Entry { .. } | Step::Item(_)) => {
                if let Some(at) = items.iter().position(|item| item.matches(step)) {
                    if rest.is_empty() {
                        drop(items.remove(at));
                    } else {
                        items[at] = items[at].without(rest);
                    }
                }
            }
            (Form::Scalar(_) | Form::List(_) | Form::Map(_), _) => {}
        }
        changed
    }
}

/// How the entries of a list are told apart: each must be of the kind, and no two alike.
fn identity(items: &[Data]) -> Identity {
    let distinct = |values: Option<Vec<String>>| {
        values.is_some_and(|values| values.iter().collect::<BTreeSet<_>>().len() == values.len())
    };
    let scalar = |data: &Data| {
        if let Form::Scalar(text) = &data.form {
            Some(text.clone())
        } else {
            None
        }
    };
    if distinct(items.iter().map(scalar).collect()) {
        return Identity::Value;
    }
    let by = IDENTITIES.iter().find(|by| {
        distinct(
            items
                .iter()
                .map(|item| scalar(&item.entry(by)?.data))
                .collect(),
        )
    });
    by.map_or(Identity::None, |by| Identity::By(by))
}
