//! A first look at what an action does to its file: how many lines, and which change it is.
//!
//! In: an action and its contents. Out: a [`Look`], small enough to be held for every action; its
//! contents are fetched again when they are shown.

use loom_plan::addr::ContentHash;
use loom_plan::diff::Difference;
use loom_plan::plan::{Action, Verb};
use loom_plan::provider::Mode;

use super::weight::{self, Weight};
use super::{Contents, Shown, settings};

/// What a first look at an action found.
pub(crate) struct Look {
    /// Such as `+3 -2`; empty where no line changes.
    pub(crate) lines: String,
    /// What stands for the change, whichever file it is made in; `None` where there is nothing to show.
    pub(crate) identity: Option<ContentHash>,
    /// How much it would cost to miss it.
    pub(super) weight: Weight,
}

/// What is asked of a look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// How many lines change.
    Lines,
    /// Which change it is, too: as dear as showing it.
    Identity,
}

impl Look {
    /// Looks at an action.
    pub(crate) fn at(action: &Action, contents: &dyn Contents, ask: Ask) -> Self {
        if !action.verb.writes() && !action.accepts() {
            return Self {
                lines: String::new(),
                identity: None,
                weight: weight::of(action, false),
            };
        }
        let shown = Shown::of(contents, action);
        let (difference, mode) = (shown.difference(), mode_sentence(action));
        let after = shown.after.as_deref().unwrap_or_default();
        let weight = weight::of(action, after.starts_with(b"#!"));
        let lines = match (counted(&shown, &difference), mode) {
            (lines, Some(_)) if lines.is_empty() => "mode".to_owned(),
            (lines, _) => lines,
        };
        let change = match &difference {
            _ if ask == Ask::Lines => {
                return Self {
                    lines,
                    identity: None,
                    weight,
                };
            }
            _ if shown.hidden.is_some() => shown.hidden,
            Difference::Binary => Some(binary_identity(&shown)),
            Difference::Text(diff) => (!diff.hunks.is_empty()).then(|| diff.identity()),
        };
        if change.is_none() && mode.is_none() {
            return Self {
                lines,
                identity: None,
                weight,
            };
        }
        let settings = settings(contents, action, &shown).join("\n");
        let change = change.map_or([0; 32], |change| *change.as_bytes());
        let parts = [
            &change,
            action.verb.as_str().as_bytes(),
            mode.unwrap_or_default().as_bytes(),
            settings.as_bytes(),
        ];
        Self {
            lines,
            identity: Some(ContentHash::of_parts(parts)),
            weight,
        }
    }
}

/// How many lines come and go, such as `+3 -2`.
pub(crate) fn counted(shown: &Shown, difference: &Difference<'_>) -> String {
    let signed = |sign: char, count: usize| (count > 0).then(|| format!("{sign}{count}"));
    match difference {
        _ if shown.hidden.is_some() => "hidden".to_owned(),
        Difference::Binary => "binary".to_owned(),
        Difference::Text(diff) => {
            let counts = [signed('+', diff.added()), signed('-', diff.removed())];
            counts.into_iter().flatten().collect::<Vec<_>>().join(" ")
        }
    }
}

/// What stands for a change of bytes.
fn binary_identity(shown: &Shown) -> ContentHash {
    let hash =
        |side: &Option<Vec<u8>>| *ContentHash::of(side.as_deref().unwrap_or_default()).as_bytes();
    ContentHash::of_parts([&hash(&shown.before)[..], &hash(&shown.after)])
}

/// What becomes of the file's mode, where it changes.
pub(crate) fn mode_sentence(action: &Action) -> Option<&'static str> {
    let part = action.parts.first()?;
    match (part.before?.mode, part.after?.mode) {
        (Mode::Plain, Mode::Executable) => Some("The file becomes executable."),
        (Mode::Executable, Mode::Plain) => Some("The file is no longer executable."),
        (Mode::Plain, Mode::Plain) | (Mode::Executable, Mode::Executable) => None,
    }
}

/// The path of an action; of a move, both.
pub(crate) fn place(action: &Action) -> String {
    match &action.verb {
        Verb::Move { from } => format!("{from} → {}", action.path),
        Verb::Create | Verb::Update | Verb::Delete | Verb::Adopt | Verb::Keep | Verb::Forget => {
            action.path.to_string()
        }
    }
}
