//! Absorbing: an edit of a generated file goes back to the settings that it came from.
//!
//! In: what loom renders, what a person made of it, the settings that were read, and a way to render
//! again with other input texts. Out: the edits of the input, or which lines cannot be traced, and
//! why.
//!
//! For each line that differs, every setting that could hold the old words is tried: the words are
//! replaced where the setting is written, every other byte stays, and the file is rendered again. A
//! setting is the source of a line if, and only if, the line then is what the person wrote. Nothing
//! is guessed: two settings that would both do are none.
//!
//! Invariant: what is returned was rendered, and gives the person's file to the byte.
//!
//! Deliberately not here: lines that were added or taken out, which no setting's value gives.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use crate::node::{Node, Value};
use crate::project::view::ReadOf;
use crate::text::Sources;

/// A change of an input file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// The file.
    pub file: Arc<str>,
    /// The first byte that is replaced, and the one behind the last.
    pub start: usize,
    /// The end of it.
    pub end: usize,
    /// What comes there.
    pub new: String,
    /// The setting, such as `services.api.port`.
    pub pointer: String,
}

/// A line that cannot be traced, by its number in the person's file, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Untraced {
    /// Lines were added or taken out there.
    Added(usize),
    /// No setting's value gives it.
    NoSetting(usize),
    /// More than one does.
    Several(usize, Vec<String>),
    /// The one that gives it stands in a file that another program writes.
    Elsewhere(usize, Arc<str>),
    /// With all changes made, this line would still be another.
    Differs(usize),
}

impl std::fmt::Display for Untraced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Added(line) => write!(
                f,
                "line {line}: lines were added or taken out here, and a setting only gives values"
            ),
            Self::NoSetting(line) => write!(
                f,
                "line {line}: no single setting gives what was changed here"
            ),
            Self::Several(line, pointers) => {
                write!(
                    f,
                    "line {line}: any of these settings gives it, and only you know which: {}",
                    pointers.join(", ")
                )
            }
            Self::Elsewhere(line, file) => {
                write!(
                    f,
                    "line {line}: it comes from {file}, which another program writes: change it there"
                )
            }
            Self::Differs(line) => {
                write!(
                    f,
                    "line {line}: the setting that gives the edited value gives this line too, and here it was left as it was"
                )
            }
        }
    }
}

/// A way to render an output again, with these texts instead of the files of their names; `None`
/// where that input has errors.
pub type Render<'a> = dyn Fn(&BTreeMap<Arc<str>, String>) -> Option<String> + 'a;

/// What is absorbed, and from where.
#[derive(Clone, Copy)]
pub struct Absorb<'a> {
    /// What loom renders.
    pub desired: &'a str,
    /// What the person made of it.
    pub observed: &'a str,
    /// The input's texts.
    pub sources: &'a Sources,
    /// What was read for the artifact.
    pub reads: &'a ReadOf,
    /// Renders it again.
    pub render: &'a Render<'a>,
}

impl std::fmt::Debug for Absorb<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Absorb").finish_non_exhaustive()
    }
}

/// Finds the edits of the input that make the desired text the observed one.
///
/// # Errors
/// The lines that cannot be traced; never empty.
pub fn trace(absorb: Absorb<'_>) -> Result<BTreeSet<Edit>, Vec<Untraced>> {
    let (old, new) = (lines(absorb.desired), lines(absorb.observed));
    let changed = changed(&old, &new)?;
    let places = places(absorb);
    let (mut edits, mut untraced) = (BTreeSet::new(), Vec::new());
    let mut rendered: BTreeMap<Edit, Option<String>> = BTreeMap::new();
    for at in changed {
        let proposed: BTreeSet<Edit> = places
            .iter()
            .flat_map(|place| place.edits(old[at], new[at], absorb.sources))
            .collect();
        let mut gives = |edit: &Edit| {
            let text = rendered.entry(edit.clone()).or_insert_with(|| {
                let texts = edited(absorb.sources, std::slice::from_ref(edit))?;
                (absorb.render)(&texts)
            });
            text.as_deref()
                .is_some_and(|text| text.split_inclusive('\n').nth(at) == Some(new[at]))
        };
        let sources: Vec<Edit> = proposed.into_iter().filter(|edit| gives(edit)).collect();
        match sources.as_slice() {
            [] => untraced.push(Untraced::NoSetting(at + 1)),
            [edit] if !is_of_people(&edit.file) => {
                untraced.push(Untraced::Elsewhere(at + 1, Arc::clone(&edit.file)));
            }
            [edit] => drop(edits.insert(edit.clone())),
            several => untraced.push(Untraced::Several(
                at + 1,
                several.iter().map(|edit| edit.pointer.clone()).collect(),
            )),
        }
    }
    if !untraced.is_empty() {
        return Err(untraced);
    }
    let all: Vec<Edit> = edits.iter().cloned().collect();
    let text = edited(absorb.sources, &all)
        .and_then(|texts| (absorb.render)(&texts))
        .unwrap_or_default();
    if text == absorb.observed {
        return Ok(edits);
    }
    let differing = new
        .iter()
        .enumerate()
        .filter(|(at, line)| text.split_inclusive('\n').nth(*at) != Some(**line));
    let mut untraced: Vec<Untraced> = differing.map(|(at, _)| Untraced::Differs(at + 1)).collect();
    if untraced.is_empty() {
        untraced.push(Untraced::Added(new.len()));
    }
    Err(untraced)
}

/// Whether people write a file: loom.yaml and native stories, which are YAML. JSON comes from other
/// programs.
fn is_of_people(file: &str) -> bool {
    [".yaml", ".yml"]
        .iter()
        .any(|suffix| file.ends_with(suffix))
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// The lines that differ, where each still has its partner.
fn changed(old: &[&str], new: &[&str]) -> Result<Vec<usize>, Vec<Untraced>> {
    if old.len() == new.len() {
        return Ok((0..old.len()).filter(|at| old[*at] != new[*at]).collect());
    }
    let ops = similar::capture_diff_slices(similar::Algorithm::Myers, old, new);
    let uneven = ops
        .iter()
        .filter(|op| op.old_range().len() != op.new_range().len());
    Err(uneven
        .map(|op| Untraced::Added(op.new_range().start + 1))
        .collect())
}

/// The texts of the files that edits change; `None` where two edits overlap.
pub fn edited(sources: &Sources, edits: &[Edit]) -> Option<BTreeMap<Arc<str>, String>> {
    let mut by_file: BTreeMap<&Arc<str>, Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        by_file.entry(&edit.file).or_default().push(edit);
    }
    let text_of = |file: &str| {
        sources
            .ids()
            .map(|id| sources.get(id))
            .find(|source| source.name.as_ref() == file)
    };
    let mut texts = BTreeMap::new();
    for (file, edits) in by_file {
        let (old, mut text, mut at) = (Arc::clone(&text_of(file)?.text), String::new(), 0);
        for edit in edits {
            text.push_str(old.get(at..edit.start)?);
            text.push_str(&edit.new);
            at = edit.end;
        }
        text.push_str(old.get(at..)?);
        texts.insert(Arc::clone(file), text);
    }
    Some(texts)
}

/// Where a single value of a setting is written.
struct Place {
    pointer: String,
    file: Arc<str>,
    range: Range<usize>,
}

/// The single values that were read for an artifact, each place once.
fn places(absorb: Absorb<'_>) -> Vec<Place> {
    let mut found = Vec::new();
    for (pointer, read) in absorb.reads.iter() {
        if let Some(node) = &read.value {
            leaves(pointer, node, absorb.sources, &mut found);
        }
    }
    let mut seen = BTreeSet::new();
    // of two pointers to one place the longer one says more
    found.sort_by_key(|place: &Place| std::cmp::Reverse(place.pointer.len()));
    found.retain(|place| seen.insert((Arc::clone(&place.file), place.range.start)));
    found
}

fn leaves(pointer: &str, node: &Node, sources: &Sources, found: &mut Vec<Place>) {
    match &node.value {
        Value::Map(map) => map
            .iter()
            .for_each(|(key, node)| leaves(&format!("{pointer}.{key}"), node, sources, found)),
        Value::Seq(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(at, node)| leaves(&format!("{pointer}[{at}]"), node, sources, found));
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::String(_) => {
            let span = sources.outermost(node.span);
            let file = Arc::clone(&sources.get(span.source).name);
            found.push(Place {
                pointer: pointer.to_owned(),
                file,
                range: span.start as usize..span.end as usize,
            });
        }
    }
}

impl Place {
    /// The edits of the written value that could make the old line the new one: the words that
    /// differ, ever more of those around them, or the whole line where the value has many.
    fn edits(&self, old: &str, new: &str, sources: &Sources) -> Vec<Edit> {
        let source = sources
            .ids()
            .map(|id| sources.get(id))
            .find(|source| source.name == self.file);
        let Some(raw) = source.and_then(|source| source.text.get(self.range.clone())) else {
            return Vec::new();
        };
        let mut pairs = words(old, new);
        pairs.push((old.trim(), new.trim()));
        pairs.dedup();
        let edit = |(was, is): (&str, &str)| {
            let start = only(raw, was)? + self.range.start;
            let (file, pointer) = (Arc::clone(&self.file), self.pointer.clone());
            Some(Edit {
                file,
                start,
                end: start + was.len(),
                new: is.to_owned(),
                pointer,
            })
        };
        // the words themselves tell enough: more around them is the same edit, written longer
        pairs.into_iter().find_map(edit).into_iter().collect()
    }
}

/// Where a word stands in a text, if it stands there once, and not within a longer one.
fn only(text: &str, word: &str) -> Option<usize> {
    let is_word = |at: usize| {
        let (before, after) = (
            text[..at].chars().next_back(),
            text[at + word.len()..].chars().next(),
        );
        let glued = |inside: Option<char>, outside: Option<char>| {
            inside.is_some_and(char::is_alphanumeric) && outside.is_some_and(char::is_alphanumeric)
        };
        !glued(word.chars().next(), before) && !glued(word.chars().next_back(), after)
    };
    let mut found = text
        .match_indices(word)
        .map(|(at, _)| at)
        .filter(|at| !word.is_empty() && is_word(*at));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// What differs between two lines, as whole words: letters and digits first, then with what often
/// holds words together.
fn words<'a>(old: &'a str, new: &'a str) -> Vec<(&'a str, &'a str)> {
    let front: usize = old
        .chars()
        .zip(new.chars())
        .take_while(|(one, other)| one == other)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let (old_rest, new_rest) = (&old[front..], &new[front..]);
    let back: usize = old_rest
        .chars()
        .rev()
        .zip(new_rest.chars().rev())
        .take_while(|(one, other)| one == other)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let grown = |glue: &str| {
        let inside = |c: &char| c.is_alphanumeric() || glue.contains(*c);
        let before: usize = old[..front]
            .chars()
            .rev()
            .take_while(inside)
            .map(char::len_utf8)
            .sum();
        let after: usize = old[old.len() - back..]
            .chars()
            .take_while(inside)
            .map(char::len_utf8)
            .sum();
        (
            &old[front - before..old.len() - back + after],
            &new[front - before..new.len() - back + after],
        )
    };
    ["_", "_-.", "_-./:@", "_-./:@ "]
        .into_iter()
        .map(grown)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Diagnostics;
    use crate::node::parse_one;
    use crate::project::view::Read;

    /// A project of one file, whose settings are rendered into `port PORT`, `also PORT` and `NAME`.
    fn traced(text: &str, observed: &str) -> Result<BTreeMap<Arc<str>, String>, Vec<Untraced>> {
        let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
        let id = sources.add("loom.yaml", text);
        let node = parse_one(&sources, id, &mut found).expect("it parses");
        let mut reads = ReadOf::default();
        for (key, node) in node.as_map().expect("a mapping").iter() {
            reads.insert(
                key.to_string(),
                Read {
                    value: Some(node.clone()),
                    environment: None,
                },
            );
        }
        let render = |text: &str| {
            let mut sources = Sources::default();
            let id = sources.add("loom.yaml", text);
            let node = parse_one(&sources, id, &mut Diagnostics::default())?;
            let of = |key: &str| {
                node.get(key)
                    .and_then(Node::scalar_text)
                    .unwrap_or_default()
                    .into_owned()
            };
            Some(format!(
                "port {}\nname {}\nalso {}\n{}",
                of("port"),
                of("name"),
                of("also"),
                of("text")
            ))
        };
        let desired = render(text).expect("it renders");
        let again = |texts: &BTreeMap<Arc<str>, String>| render(texts.get("loom.yaml")?);
        let absorb = Absorb {
            desired: &desired,
            observed,
            sources: &sources,
            reads: &reads,
            render: &again,
        };
        trace(absorb).map(|edits| {
            edited(&sources, &edits.into_iter().collect::<Vec<_>>()).expect("edits do not overlap")
        })
    }

    fn text_after(text: &str, observed: &str) -> String {
        traced(text, observed)
            .unwrap_or_else(|untraced| panic!("{untraced:?}"))
            .remove("loom.yaml")
            .unwrap_or_default()
    }

    #[test]
    fn a_value_goes_back_to_its_setting_and_every_other_byte_stays() {
        let text = "# ours\nport:   3000 # since 2019\nname: 'api-3000'\nalso: x\n";
        let after = text_after(text, "port 8080\nname api-3000\nalso x\n");
        assert_eq!(
            after,
            "# ours\nport:   8080 # since 2019\nname: 'api-3000'\nalso: x\n"
        );
        let after = text_after(text, "port 8080\nname web-3000\nalso x\n");
        assert_eq!(
            after,
            "# ours\nport:   8080 # since 2019\nname: 'web-3000'\nalso: x\n"
        );
    }

    #[test]
    fn a_line_of_a_long_text_goes_back_to_its_line() {
        let text = "port: 1\ntext: |\n  one two\n  three\n";
        let after = text_after(text, "port 1\nname \nalso \none deux\nthree\n");
        assert_eq!(after, "port: 1\ntext: |\n  one deux\n  three\n");
    }

    #[test]
    fn what_no_single_setting_gives_is_refused_with_its_line() {
        let text = "port: 3000\nname: api\nalso: x\n";
        assert_eq!(
            traced(text, "door 3000\nname api\nalso x\n"),
            Err(vec![Untraced::NoSetting(1)])
        );
        assert_eq!(
            traced(text, "port 3000\nname api\nmine\nalso x\n"),
            Err(vec![Untraced::Added(3)])
        );
    }

    #[test]
    fn a_setting_that_gives_another_line_too_is_refused() {
        // one setting under two names, as a shared value is
        let text = "port: 3000\n";
        let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
        let id = sources.add("loom.yaml", text);
        let node = parse_one(&sources, id, &mut found).expect("it parses");
        let mut reads = ReadOf::default();
        reads.insert(
            "port".to_owned(),
            Read {
                value: node.get("port").cloned(),
                environment: None,
            },
        );
        let render = |texts: &BTreeMap<Arc<str>, String>| {
            let port = texts["loom.yaml"]
                .trim_start_matches("port: ")
                .trim()
                .to_owned();
            Some(format!("listen {port}\nprobe {port}\n"))
        };
        let of = |observed| {
            trace(Absorb {
                desired: "listen 3000\nprobe 3000\n",
                observed,
                sources: &sources,
                reads: &reads,
                render: &render,
            })
        };
        assert_eq!(
            of("listen 8080\nprobe 3000\n"),
            Err(vec![Untraced::Differs(2)])
        );
        assert_eq!(
            of("listen 8080\nprobe 8080\n").map(|edits| edits.len()),
            Ok(1),
            "all of its lines were edited alike"
        );
        assert!(of("listen 8080\nprobe 9090\n").is_err());
    }
}
