//! `loom graph`: what depends on what, to look at or to read by a program.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use loom_plan::addr::Address;
use loom_plan::graph::{self, Ordered};
use loom_plan::plan::Outcome;
use serde_json::json;

use super::{Desk, Failure, pass};
use crate::cli::{Graph, GraphExtent, GraphFormat, Selection};
use crate::exit::Exit;
use crate::report::picture::{self, Arrow, Node, Stroke};

/// Draws the graph, or the part of it that was asked for.
pub(crate) fn run(desk: &Desk<'_>, asked: &Graph, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (compiled, changing) = match asked.extent {
        GraphExtent::All => (pass::compile(desk, None)?, None),
        GraphExtent::Changed => {
            let planned = pass::planned(desk, &Selection::default())?;
            (planned.compiled, Some(changed(&planned.outcome)))
        }
    };
    let ordered = &compiled.desired.ordered;
    let mut shown: BTreeSet<usize> = (0..ordered.declarations.len()).collect();
    if let Some(address) = &asked.from {
        let index = ordered.find(address).ok_or_else(|| pass::unknown(address, &ordered.declarations))?;
        shown = ordered.dependents([index]);
    }
    let changing: Option<BTreeSet<usize>> =
        changing.map(|changing| changing.iter().filter_map(|address| ordered.find(address)).collect());
    if let Some(changing) = &changing {
        let mut wanted = leading_to(ordered, changing.iter().copied());
        wanted.extend(ordered.dependents(changing.iter().copied()));
        shown.retain(|index| wanted.contains(index));
    }
    let changing = changing.unwrap_or_default();
    desk.steps.pause();
    match asked.format {
        GraphFormat::Json => write_json(&compiled, &shown, out)?,
        GraphFormat::Dot => dot(ordered, &shown, out)?,
        GraphFormat::Mermaid => mermaid(ordered, &shown, &changing, out)?,
        GraphFormat::Svg => svg(ordered, &shown, &changing, out)?,
    }
    Ok(Exit::Done)
}

/// The artifacts that the plan changes.
fn changed(outcome: &Outcome) -> BTreeSet<Address> {
    let actions = outcome.actions().iter().flat_map(|action| action.parts.iter().map(|part| part.address.clone()));
    actions.chain(outcome.conflicts().iter().map(|conflict| conflict.address.clone())).collect()
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
fn edges<'a>(ordered: &'a Ordered, shown: &'a BTreeSet<usize>) -> BTreeSet<(usize, usize, &'static str)> {
    let of = |index: &usize| {
        let index = *index;
        ordered.dependencies(index).filter(|(before, _)| shown.contains(before)).map(move |(before, edge)| {
            let why = match edge {
                graph::Edge::Reference(_) => "reference",
                graph::Edge::DependsOn(_) => "dependsOn",
            };
            (index, before, why)
        })
    };
    shown.iter().flat_map(of).collect()
}

fn write_json(compiled: &pass::Compiled, shown: &BTreeSet<usize>, out: &mut dyn Write) -> Result<(), Failure> {
    let ordered = &compiled.desired.ordered;
    let name = |index: usize| ordered.declarations[index].address.to_string();
    let artifacts: Vec<_> = shown
        .iter()
        .map(|index| {
            let declaration = &ordered.declarations[*index];
            let tasks = declaration.origins.iter().filter_map(|origin| origin.task.as_ref());
            let paths: Vec<&str> = compiled.desired.linked[*index].places.iter().map(|place| place.path.as_str()).collect();
            json!({
                "address": name(*index),
                "kind": declaration.address.kind(),
                "declaredBy": declaration.intent.to_string(),
                "service": declaration.service.as_ref().map(loom_plan::addr::Name::as_str),
                "tasks": tasks.map(|task| json!({ "story": task.story, "task": task.id, "title": task.title })).collect::<Vec<_>>(),
                "paths": paths,
            })
        })
        .collect();
    let edges: Vec<_> = edges(ordered, shown)
        .into_iter()
        .map(|(from, to, why)| json!({ "from": name(from), "to": name(to), "why": why }))
        .collect();
    let graph = json!({ "format_version": "1.0", "artifacts": artifacts, "edges": edges });
    serde_json::to_writer_pretty(&mut *out, &graph).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}

fn dot(ordered: &Ordered, shown: &BTreeSet<usize>, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "digraph loom {{\n  rankdir = LR;\n  node [shape = box];")?;
    for index in shown {
        writeln!(out, "  \"{}\";", ordered.declarations[*index].address)?;
    }
    for (from, to, why) in edges(ordered, shown) {
        let style = if why == "dependsOn" { " [style = dashed]" } else { "" };
        writeln!(out, "  \"{}\" -> \"{}\"{style};", ordered.declarations[from].address, ordered.declarations[to].address)?;
    }
    Ok(writeln!(out, "}}")?)
}

fn mermaid(ordered: &Ordered, shown: &BTreeSet<usize>, changing: &BTreeSet<usize>, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "graph LR")?;
    for index in shown {
        let class = if changing.contains(index) { ":::changed" } else { "" };
        writeln!(out, "  n{index}[\"{}\"]{class}", ordered.declarations[*index].address)?;
    }
    for (from, to, why) in edges(ordered, shown) {
        let arrow = if why == "dependsOn" { "-.->" } else { "-->" };
        writeln!(out, "  n{from} {arrow} n{to}")?;
    }
    if !changing.is_empty() {
        writeln!(out, "  classDef changed fill:#fff8c5,stroke:#9a6700,color:#1f2328")?;
    }
    Ok(())
}

fn svg(ordered: &Ordered, shown: &BTreeSet<usize>, changing: &BTreeSet<usize>, out: &mut dyn Write) -> Result<(), Failure> {
    let node = |index: &usize| Node {
        label: ordered.declarations[*index].address.to_string(),
        class: if changing.contains(index) { "changed" } else { "" },
    };
    let nodes: Vec<Node> = shown.iter().map(node).collect();
    let place: BTreeMap<usize, usize> = shown.iter().enumerate().map(|(place, index)| (*index, place)).collect();
    let arrow = |(from, to, why): (usize, usize, &str)| Arrow {
        from: place[&from],
        to: place[&to],
        line: if why == "dependsOn" { Stroke::Dashed } else { Stroke::Solid },
    };
    let arrows: Vec<Arrow> = edges(ordered, shown).into_iter().map(arrow).collect();
    Ok(picture::svg(&nodes, &arrows, out)?)
}
