//! What becomes of what scanners found: `policy: { sarif: { error: deny, warning: warn, note: warn } }`.
//!
//! In: a mapping of loom.yaml. Out: for each level of SARIF whether a finding of it denies, is said, or is
//! left out. Where nothing is said an error denies and everything else is said.

use super::sarif::Level;
use crate::diag::Severity;
use crate::node::Node;

/// What becomes of findings of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// They deny the plan.
    Deny,
    /// They are said.
    Warn,
    /// They are left out.
    Ignore,
}

impl Bar {
    /// The words of loom.yaml.
    pub const WORDS: &'static [&'static str] = &["deny", "warn", "ignore"];

    fn parse(word: &str) -> Option<Self> {
        match word {
            "deny" => Some(Self::Deny),
            "warn" => Some(Self::Warn),
            "ignore" => Some(Self::Ignore),
            _ => None,
        }
    }

    /// As it is written in loom.yaml.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Ignore => "ignore",
        }
    }
}

/// What becomes of each level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bars {
    /// Of errors.
    pub error: Bar,
    /// Of warnings.
    pub warning: Bar,
    /// Of notes.
    pub note: Bar,
}

impl Default for Bars {
    fn default() -> Self {
        Self {
            error: Bar::Deny,
            warning: Bar::Warn,
            note: Bar::Warn,
        }
    }
}

impl Bars {
    /// The levels by their names.
    pub fn levels(self) -> [(&'static str, Bar); 3] {
        [
            ("error", self.error),
            ("warning", self.warning),
            ("note", self.note),
        ]
    }

    /// Reads `policy.sarif`; what is wrong with it its shape says.
    pub(crate) fn read(node: Option<&Node>) -> Self {
        let bar = |key: &str, otherwise: Bar| {
            let word = node.and_then(|node| node.get(key)).and_then(Node::as_str);
            word.and_then(Bar::parse).unwrap_or(otherwise)
        };
        let default = Self::default();
        Self {
            error: bar("error", default.error),
            warning: bar("warning", default.warning),
            note: bar("note", default.note),
        }
    }

    /// The severity of a finding of a level; `None` where it is left out.
    pub fn severity(self, level: Level) -> Option<Severity> {
        let bar = match level {
            Level::Error => self.error,
            Level::Warning => self.warning,
            Level::Note => self.note,
        };
        match bar {
            Bar::Deny => Some(Severity::Error),
            Bar::Warn => Some(Severity::Warning),
            Bar::Ignore => None,
        }
    }
}
