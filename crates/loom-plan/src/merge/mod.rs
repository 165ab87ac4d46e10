//! Merging: an edit of a person and a change of loom become one text, or a conflict.
//!
//! In: three texts, the base (what loom last rendered), the observed one (what a person made of it)
//! and the desired one (what loom renders now), and the [`Grammar`] of their format, if it has one.
//! Out: the merged text, or the [`Clash`]es that a person must decide.
//!
//! Lines are merged first, as Git does. Where a grammar reads all three texts, the data are merged
//! too, and what the lines come to must say exactly that. Where lines clash and the data do not, the
//! change is grafted onto the observed text, so that its comments stay, and read again.
//!
//! Invariants, tested in `tests.rs`: where one side did not change, the other is the result; no line
//! that only a person added is lost; a result never holds a conflict marker that no side held; where
//! the lines merge cleanly Git comes to the same text (`tests/it/merge.rs` of the binary).
//!
//! Deliberately not here: where the base comes from, and which outputs are merged.

mod align;
mod data;
mod ends;
mod graft;
pub(crate) mod keys;
mod lines;
#[cfg(test)]
mod tests;
pub mod tree;
mod yaml;

use crate::addr::RepoPath;
use tree::Tree;

pub use yaml::Yaml;

/// The three texts of a merge.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// What loom last rendered.
    pub base: &'a str,
    /// What is there now.
    pub observed: &'a str,
    /// What loom renders now.
    pub desired: &'a str,
}

/// Reads the structure of a format.
pub trait Grammar: Sync {
    /// The structure of a text; `None` where it is not of the format, or holds what cannot be
    /// edited by its places, such as an alias.
    fn read(&self, text: &str) -> Option<Tree>;
}

/// What both sides changed in different ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clash {
    /// Lines of the observed text, the first and the last, from 1. Where the person only took lines
    /// out, the last is before the first.
    Lines {
        /// The first.
        first: usize,
        /// The last.
        last: usize,
    },
    /// A value, by its path in the document; empty is all of it.
    Value(String),
    /// The lines merge, and what they come to cannot be read, or says something else than both sides.
    Meaning,
    /// Something outside the repository that the merged text would no longer describe.
    Dropped(String),
    /// The file is no text.
    NotText,
    /// What loom rendered last, from which both sides began, is not to be had; a clause says why.
    NoBase(String),
}

impl std::fmt::Display for Clash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lines { first, last } if first == last => {
                write!(f, "line {first} was changed by hand and by loom")
            }
            Self::Lines { first, last } if first < last => write!(
                f,
                "lines {first} to {last} were changed by hand and by loom"
            ),
            Self::Lines { first, .. } => write!(
                f,
                "the lines before line {first} were taken out by hand and changed by loom"
            ),
            Self::Value(path) if path.is_empty() => {
                f.write_str("the whole document was changed by hand and by loom")
            }
            Self::Value(path) => write!(f, "`{path}` was changed by hand and by loom"),
            Self::Meaning => f.write_str(
                "the lines could be put together, but would not say what both sides mean",
            ),
            Self::Dropped(name) => write!(f, "`{name}` would go, and `removed` does not name it"),
            Self::NotText => f.write_str("the file is no text any more"),
            Self::NoBase(why) => f.write_str(why),
        }
    }
}

/// Merges. Lines of the observed text keep their ends.
///
/// # Errors
/// What clashes; never empty.
pub fn merge(sides: Sides<'_>, grammar: Option<&dyn Grammar>) -> Result<String, Vec<Clash>> {
    let bare = ends::bare(sides);
    let observed = bare.as_ref();
    let merged = merge_bare(Sides { observed, ..sides }, grammar)?;
    Ok(if observed == sides.observed {
        merged
    } else {
        ends::restored(&merged, sides.observed)
    })
}

fn merge_bare(sides: Sides<'_>, grammar: Option<&dyn Grammar>) -> Result<String, Vec<Clash>> {
    let Sides {
        base,
        observed,
        desired,
    } = sides;
    if base == desired || observed == desired {
        return Ok(observed.to_owned());
    }
    if base == observed {
        return Ok(desired.to_owned());
    }
    let lines = lines::merge(sides);
    let read = grammar.and_then(|grammar| {
        Some((
            grammar,
            grammar.read(base)?,
            grammar.read(observed)?,
            grammar.read(desired)?,
        ))
    });
    let Some((grammar, base_tree, observed_tree, desired_tree)) = read else {
        return lines;
    };
    let meant = data::merge(&base_tree, &observed_tree, &desired_tree);
    let says = |text: &String, meant: &data::Data| {
        grammar
            .read(text)
            .is_some_and(|tree| data::Data::of(&tree) == *meant)
    };
    match (lines, meant) {
        (Ok(text), Ok(meant)) if says(&text, &meant) => Ok(text),
        (Ok(_), Ok(_)) => Err(vec![Clash::Meaning]),
        (Err(clashes), Ok(meant)) => {
            let trees = [&base_tree, &observed_tree, &desired_tree];
            graft::graft(sides, trees)
                .filter(|text| says(text, &meant))
                .ok_or(clashes)
        }
        (Ok(_), Err(path)) => Err(vec![Clash::Value(path)]),
        (Err(clashes), Err(_)) => Err(clashes),
    }
}

/// Both sides in one text for a person to edit: what merges is merged, and around what clashes stand
/// the lines that Git uses too. It is never for a live file.
pub fn marked(sides: Sides<'_>) -> String {
    let bare = ends::bare(sides);
    let observed = bare.as_ref();
    let marked = lines::marked(Sides { observed, ..sides });
    if observed == sides.observed {
        marked
    } else {
        ends::restored(&marked, sides.observed)
    }
}

/// Whether a text holds the lines that Git and others put around a conflict.
pub fn has_markers(text: &str) -> bool {
    let marks = |line: &str, mark: &str| {
        line.strip_prefix(mark)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let begins = text.lines().any(|line| marks(line, "<<<<<<<"));
    begins && text.lines().any(|line| marks(line, ">>>>>>>"))
}

/// The grammar of the formats that loom reads itself: YAML, and JSON, which YAML holds.
pub fn grammar_of(path: &RepoPath) -> Option<&'static dyn Grammar> {
    matches!(path.extension(), Some("yaml" | "yml" | "json")).then_some(&Yaml as &dyn Grammar)
}
