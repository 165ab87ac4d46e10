//! loom.yaml: the project.
//!
//! In: the nodes of loom.yaml, of the files that it includes, and of the stack. Out: a
//! [`Project`] whose every setting has the type that [`schema`] gives it, and diagnostics.
//!
//! Deliberately not here: what a setting means to a blueprint. Blueprints read the project
//! through the views of [`view`], which remember what was read.

pub mod edit;
mod entry;
pub mod read;
pub mod requires;
pub mod schema;
pub mod view;

use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::addr::{Address, ContentHash, Name, PathError, RepoPath};
use crate::check::accept::Accept;
use crate::check::bars::Bars;
use crate::keys::delegate::KeyPattern;
use crate::node::Node;
use crate::stack::Stack;
use crate::text::Span;

/// A project: everything that loom.yaml and its includes say.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its name.
    pub name: Name,
    /// In order of promotion.
    pub environments: Vec<Environment>,
    /// The names of the environments, in the same order.
    pub environment_names: Vec<Name>,
    /// In the order of the files.
    pub services: IndexMap<Name, Service>,
    /// The technology.
    pub stack: Stack,
    /// What project and includes declare.
    pub entries: Vec<Entry>,
    /// `defaults.onDrift`.
    pub on_drift: OnDrift,
    /// `gate`.
    pub gate: Gate,
    /// `delivery`, as written.
    pub delivery: Option<Node>,
    /// `pins`, as written.
    pub pins: Option<Node>,
    /// `stories`.
    pub stories: Vec<Pattern>,
    /// `moved`.
    pub moved: Vec<Moved>,
    /// `removed`.
    pub removed: Vec<Removed>,
    /// `adopt`.
    pub adopt: Vec<Adopt>,
    /// `delegate`.
    pub delegate: Vec<Delegate>,
    /// `policy.accept`.
    pub accept: Vec<Accept>,
    /// `policy.sarif`.
    pub bars: Bars,
}

/// A directory or glob that stands in `file`, seen from the root; `.` is the root itself.
///
/// # Errors
/// [`PathError`] where it leaves the repository or is no path.
pub fn seen_from_root(file: &RepoPath, text: &str) -> Result<String, PathError> {
    if text.is_empty() {
        return Err(PathError::Empty);
    }
    let text = text.trim_end_matches('/');
    let climbs = !text.is_empty() && text.split('/').all(|part| matches!(part, "" | "." | ".."));
    if !climbs {
        return file.sibling(text).map(String::from);
    }
    // what leads to a directory above may be the root, which is no `RepoPath`: look past it
    let inside = file.sibling(&format!("{text}/x"))?;
    Ok(inside.parent().unwrap_or(".").to_owned())
}

/// One environment.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Its name.
    pub name: Name,
    /// Its settings, checked.
    pub node: Node,
    /// Whether it is production.
    pub production: bool,
}

/// One service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name.
    pub name: Name,
    /// Its settings, checked.
    pub node: Node,
    /// The file that it was written in, which its paths are relative to.
    pub file: RepoPath,
}

/// A glob and where it was written.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// Relative to the root.
    pub glob: String,
    /// Where; `None` for the built-in default.
    pub span: Option<Span>,
}

/// What plan does with a file that was edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDrift {
    /// A person decides.
    Conflict,
    /// Loom's bytes are written.
    Restore,
    /// Both are merged.
    Merge,
    /// The edit is accepted.
    Keep,
}

impl OnDrift {
    /// The words, in order.
    pub const WORDS: &'static [&'static str] = &["conflict", "restore", "merge", "keep"];

    /// The choice that a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "conflict" => Some(Self::Conflict),
            "restore" => Some(Self::Restore),
            "merge" => Some(Self::Merge),
            "keep" => Some(Self::Keep),
            _ => None,
        }
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Restore => "restore",
            Self::Merge => "merge",
            Self::Keep => "keep",
        }
    }
}

/// What happens to artifacts whose task waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It is said.
    Warn,
    /// They are frozen.
    Hold,
}

/// How much of a file loom owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Own {
    /// All of it.
    File,
    /// It is created once and left alone.
    Once,
    /// A marked region.
    Block,
    /// Single keys.
    Keys,
}

impl Own {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Once => "once",
            Self::Block => "block",
            Self::Keys => "keys",
        }
    }
}

/// One entry of an `artifacts` list: a blueprint or an artifact, shared keys taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The kind.
    pub kind: Arc<str>,
    /// The name.
    pub name: Name,
    /// `service`.
    pub service: Option<Name>,
    /// The kind's own settings: a mapping without the shared keys.
    pub settings: Node,
    /// The shared keys.
    pub shared: Shared,
    /// Where paths in it are relative to.
    pub file: RepoPath,
}

/// The keys that every entry may have.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Shared {
    /// `path`, seen from the root. May hold references.
    pub path: Option<Node>,
    /// `own`.
    pub own: Option<Own>,
    /// `onDrift`.
    pub on_drift: Option<OnDrift>,
    /// `dependsOn`.
    pub depends_on: Vec<Node>,
    /// `retain`.
    pub retain: bool,
    /// `replaces`.
    pub replaces: Option<Node>,
    /// `each`.
    pub each: Option<Node>,
    /// `environments`.
    pub environments: Option<Node>,
    /// `with`.
    pub with: Option<Node>,
}

/// `moved: [{ from, to }]`.
#[derive(Clone, Debug)]
pub struct Moved {
    /// The old address.
    pub from: Address,
    /// The new one.
    pub to: Address,
    /// Where.
    pub span: Span,
}

/// `removed: […]`.
#[derive(Clone, Debug)]
pub struct Removed {
    /// What.
    pub what: RemovedWhat,
    /// Whether the files stay.
    pub keep: bool,
    /// A component of a stateful artifact, where only that goes.
    pub component: Option<String>,
    /// What may become of what it names.
    pub fate: Permitted,
    /// Why what it names may be lost. Without one it permits no loss.
    pub reason: Option<String>,
    /// Where.
    pub span: Span,
}

/// What an entry of `removed` permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permitted {
    /// What it names goes.
    Going,
    /// What it names is made anew, without what it held (`replace: true`).
    Replacing,
}

impl Removed {
    /// What it permits, and why, as one hash: another reason is another permission.
    pub fn hash(&self) -> ContentHash {
        let (kind, what) = match &self.what {
            RemovedWhat::Address(address) => ("address", address.to_string()),
            RemovedWhat::Story(code) => ("story", code.clone()),
        };
        let fate = match self.fate {
            Permitted::Going => "going",
            Permitted::Replacing => "replacing",
        };
        let (component, reason) = (self.component.as_deref(), self.reason.as_deref());
        let mut text = Vec::new();
        for field in [
            kind,
            &what,
            component.unwrap_or_default(),
            fate,
            reason.unwrap_or_default(),
        ] {
            text.extend((field.len() as u64).to_le_bytes());
            text.extend(field.as_bytes());
        }
        ContentHash::of(&text)
    }

    /// Whether it names an artifact.
    pub fn is_about(&self, address: &Address) -> bool {
        matches!(&self.what, RemovedWhat::Address(named) if named == address
            || (named.item().is_none() && *named == address.family()))
    }
}

/// What a `removed` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemovedWhat {
    /// An artifact, or all of an `each` where the item is left out.
    Address(Address),
    /// All that a story declared.
    Story(String),
}

/// `delegate: [{ address, keys, to }]`.
#[derive(Clone, Debug)]
pub struct Delegate {
    /// The artifact.
    pub address: Address,
    /// The keys whose versions somebody else keeps.
    pub keys: KeyPattern,
    /// Who.
    pub to: String,
    /// Where.
    pub span: Span,
    /// Where the keys are named.
    pub keys_span: Span,
}

/// `adopt: [{ address, path }]`.
#[derive(Clone, Debug)]
pub struct Adopt {
    /// The artifact that takes the file over.
    pub address: Address,
    /// The file.
    pub path: Option<RepoPath>,
    /// Where.
    pub span: Span,
}
