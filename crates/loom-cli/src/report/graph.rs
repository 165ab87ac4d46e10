//! The graph of artifacts, drawn: for Graphviz, for Markdown, and as a picture.
//!
//! In: the graph, and which part of it. Out: text. What depends stands before what it depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use loom_plan::addr::Address;
use loom_plan::graph::{Edge, Ordered};
use loom_plan::plan::Outcome;

use super::picture::{self, Arrow, Node, Stroke};

/// So many artifacts, and so many arrows between them, can be read in a comment. GitHub itself draws
/// up to 500 arrows and 50 000 characters.
const READABLE: (usize, usize) = (50, 100);

/// What changes and what it touches, for a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sketch {
    /// A text for Mermaid.
    Drawn(String),
    /// It could not be read; so many artifacts are in it.
    TooLarge(usize),
}

/// Draws what a plan changes for a comment, if there is an arrow in it: without one it would say no
/// more than a list does.
pub(crate) fn sketch(ordered: &Ordered, outcome: &Outcome) -> Option<Sketch> {
    let extent = Extent::changed(ordered, outcome);
    let (boxes, arrows) = (extent.shown.len(), edges(ordered, &extent.shown).len());
    if arrows == 0 {
        return None;
    }
    if boxes > READABLE.0 || arrows > READABLE.1 {
        return Some(Sketch::TooLarge(boxes));
    }
    let mut text = Vec::new();
    mermaid(ordered, &extent, &mut text).expect("writing to memory cannot fail");
    Some(Sketch::Drawn(String::from_utf8_lossy(&text).into_owned()))
}

/// A part of the graph.
#[derive(Debug, Default)]
pub(crate) struct Extent {
    /// What is drawn.
    pub(crate) shown: BTreeSet<usize>,
    /// What of it stands out, because the plan changes it.
    changing: BTreeSet<usize>,
}

impl Extent {
    /// Everything.
    pub(crate) fn all(ordered: &Ordered) -> Self {
        Self {
            shown: (0..ordered.declarations.len()).collect(),
            changing: BTreeSet::new(),
        }
    }

    /// What a plan changes, what that needs, and what it touches.
    pub(crate) fn changed(ordered: &Ordered, outcome: &Outcome) -> Self {
        let changing: BTreeSet<usize> = changed(outcome)
            .iter()
            .filter_map(|address| ordered.find(address))
            .collect();
        let mut shown = leading_to(ordered, changing.iter().copied());
        shown.extend(ordered.dependents(changing.iter().copied()));
        Self { shown, changing }
    }

    /// That of it which depends on an artifact.
    pub(crate) fn from(mut self, ordered: &Ordered, index: usize) -> Self {
        let dependents = ordered.dependents([index]);
        self.shown.retain(|index| dependents.contains(index));
        self
    }
}

/// The artifacts that the plan changes.
fn changed(outcome: &Outcome) -> BTreeSet<&Address> {
    let actions = outcome
        .actions()
        .iter()
        .flat_map(|action| action.parts.iter().map(|part| &part.address));
    actions
        .chain(outcome.conflicts().iter().map(|conflict| &conflict.address))
        .collect()
}

/// The roots and everything that they depend on.
fn leading_to(ordered: &Ordered, roots: impl Iterator<Item = usize>) -> BTreeSet<usize> {
    let (mut found, mut open) = (BTreeSet::new(), roots.collect::<Vec<_>>());
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(ordered.dependencies(next).map(|(before, _)| before));
        }
    }
    found
}

/// The edges among what is shown, each once: what depends, and on what.
pub(crate) fn edges<'a>(
    ordered: &'a Ordered,
    shown: &'a BTreeSet<usize>,
) -> BTreeSet<(usize, usize, &'static str)> {
    let of = |index: &usize| {
        let index = *index;
        ordered
            .dependencies(index)
            .filter(|(before, _)| shown.contains(before))
            .map(move |(before, edge)| {
                let why = match edge {
                    Edge::Reference(_) => "reference",
                    Edge::DependsOn(_) => "dependsOn",
                };
                (index, before, why)
            })
    };
    shown.iter().flat_map(of).collect()
}

/// Draws for Graphviz.
///
/// # Errors
/// Those of `out`.
pub(crate) fn dot(ordered: &Ordered, extent: &Extent, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "digraph loom {{\n  rankdir = LR;\n  node [shape = box];"
    )?;
    for index in &extent.shown {
        let style = if extent.changing.contains(index) {
            " [style = filled, fillcolor = \"#fff8c5\"]"
        } else {
            ""
        };
        writeln!(
            out,
            "  \"{}\"{style};",
            ordered.declarations[*index].address
        )?;
    }
    for (from, to, why) in edges(ordered, &extent.shown) {
        let style = if why == "dependsOn" {
            " [style = dashed]"
        } else {
            ""
        };
        writeln!(
            out,
            "  \"{}\" -> \"{}\"{style};",
            ordered.declarations[from].address, ordered.declarations[to].address
        )?;
    }
    writeln!(out, "}}")
}

/// Draws for Markdown, by Mermaid. An address has no character that could end its label.
///
/// # Errors
/// Those of `out`.
pub(crate) fn mermaid(ordered: &Ordered, extent: &Extent, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "graph LR")?;
    for index in &extent.shown {
        let class = if extent.changing.contains(index) {
            ":::changed"
        } else {
            ""
        };
        writeln!(
            out,
            "  n{index}[\"{}\"]{class}",
            ordered.declarations[*index].address
        )?;
    }
    for (from, to, why) in edges(ordered, &extent.shown) {
        let arrow = if why == "dependsOn" { "-.->" } else { "-->" };
        writeln!(out, "  n{from} {arrow} n{to}")?;
    }
    if !extent.changing.is_empty() {
        writeln!(
            out,
            "  classDef changed fill:#fff8c5,stroke:#9a6700,color:#1f2328"
        )?;
    }
    Ok(())
}

/// Draws a picture.
///
/// # Errors
/// Those of `out`.
pub(crate) fn svg(ordered: &Ordered, extent: &Extent, out: &mut dyn Write) -> io::Result<()> {
    let node = |index: &usize| Node {
        label: ordered.declarations[*index].address.to_string(),
        class: if extent.changing.contains(index) {
            "changed"
        } else {
            ""
        },
    };
    let nodes: Vec<Node> = extent.shown.iter().map(node).collect();
    let place: BTreeMap<usize, usize> = extent
        .shown
        .iter()
        .enumerate()
        .map(|(place, index)| (*index, place))
        .collect();
    let arrow = |(from, to, why): (usize, usize, &str)| Arrow {
        from: place[&from],
        to: place[&to],
        line: if why == "dependsOn" {
            Stroke::Dashed
        } else {
            Stroke::Solid
        },
    };
    let arrows: Vec<Arrow> = edges(ordered, &extent.shown)
        .into_iter()
        .map(arrow)
        .collect();
    picture::svg(&nodes, &arrows, out)
}
