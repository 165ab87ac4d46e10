//! What an error hides: what may stand in the input and was not read because of it.
//!
//! In: errors, and what else of the input could not be read for each. Out: whether a later finding
//! would only follow from one of them. "Nobody set it" is not true of a value that was set wrongly,
//! and "nothing declares it" not of what stands in a file that cannot be read; such a finding is not
//! said, and comes back by itself if it still holds once the error is mended.
//!
//! Invariants: nothing is hidden without an error that is said (`hide` is called beside one); what is
//! hidden is named as narrowly as the reader knows it, so that true errors elsewhere are still said
//! (both in `tests/follow_ups.rs`).

use super::{Diagnostics, Severity};
use crate::addr::{Address, Name};
use crate::node::Node;
use crate::text::Span;

/// Something that may be in the input and was not read, because of an error that was said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hidden {
    /// Services, such as those of a file that cannot be read.
    Services,
    /// Environments.
    Environments,
    /// Stories and tasks.
    Stories,
    /// Any artifact or blueprint.
    Declarations,
    /// An artifact or a blueprint, as far as its kind and name could be read.
    Declared {
        /// Its kind.
        kind: Option<String>,
        /// Its name.
        name: Option<Name>,
    },
    /// What the blueprint of this name makes.
    Parts(Name),
    /// A setting and all below it, such as `stack.runtime`, or `stack`.
    Setting(String),
    /// The value at this place.
    Value(Span),
}

impl Diagnostics {
    /// Remembers what an error that is said hides.
    pub fn hide(&mut self, hidden: Hidden) {
        self.hidden.insert(hidden);
    }

    /// What is hidden but for single values. An error must have been said: where there is none,
    /// nothing may be silenced.
    fn hidden(&self) -> impl Iterator<Item = &Hidden> {
        let all = self.hidden.iter().filter(|_| self.has_errors());
        // values come last, and there may be as many of them as there are errors
        all.take_while(|hidden| !matches!(hidden, Hidden::Value(_)))
    }

    /// Whether this is hidden.
    pub fn hides(&self, hidden: &Hidden) -> bool {
        self.hidden.contains(hidden) && self.has_errors()
    }

    /// Whether anything is hidden.
    pub fn hides_anything(&self) -> bool {
        !self.hidden.is_empty()
    }

    /// Whether an address may be declared by something that was not read.
    pub fn may_declare(&self, address: &Address) -> bool {
        self.hidden().any(|hidden| match hidden {
            Hidden::Declarations => true,
            Hidden::Environments | Hidden::Services => address.item().is_some(),
            Hidden::Declared { kind, name } => {
                let is_kind = kind.as_deref().is_none_or(|kind| kind == address.kind());
                is_kind && name.as_ref().is_none_or(|name| name == address.name())
            }
            Hidden::Parts(name) => {
                let rest = address.name().as_str().strip_prefix(name.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            }
            Hidden::Stories | Hidden::Setting(_) | Hidden::Value(_) => false,
        })
    }

    /// Whether a setting such as `stack.infrastructure.ci` is hidden.
    pub fn hides_setting(&self, pointer: &str) -> bool {
        self.hidden().any(|hidden| match hidden {
            Hidden::Setting(known) => pointer
                .strip_prefix(known.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
            Hidden::Services
            | Hidden::Environments
            | Hidden::Stories
            | Hidden::Declarations
            | Hidden::Declared { .. }
            | Hidden::Parts(_)
            | Hidden::Value(_) => false,
        })
    }

    /// Whether an error stands at exactly this place, or the value there is hidden.
    pub fn has_error_at(&self, span: Span) -> bool {
        self.places().any(|place| place == span) || self.hides(&Hidden::Value(span))
    }

    fn has_error_in(&self, span: Span) -> bool {
        self.places().any(|place| {
            place.source == span.source && place.start >= span.start && place.end <= span.end
        })
    }

    fn places(&self) -> impl Iterator<Item = Span> {
        let errors = self
            .iter()
            .filter(|found| found.severity() == Severity::Error);
        errors.filter_map(|found| found.labels.first().map(|label| label.span))
    }

    /// Whether what `path` leads to from a node was given, and is not known because of an error: an
    /// error is in it, or in what is around it, or at a key that was misspelt.
    pub fn clouds(&self, node: &Node, path: &[&str]) -> bool {
        let Some((key, rest)) = path.split_first() else {
            return self.has_error_in(node.span);
        };
        let Some(map) = node.as_map() else {
            return self.has_error_in(node.span);
        };
        match map.get(key) {
            Some(next) => self.clouds(next, rest),
            None => map.entries().any(|(known, entry)| {
                super::did_you_mean(known, [*key]).is_some() && self.has_error_at(entry.key)
            }),
        }
    }

    /// Takes over all findings of another stage, and what they hide.
    pub fn append(&mut self, other: Self) {
        self.found.extend(other.found);
        other
            .hidden
            .into_iter()
            .for_each(|hidden| self.hide(hidden));
    }
}
