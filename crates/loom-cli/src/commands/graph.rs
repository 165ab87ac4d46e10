//! `loom graph`: what depends on what, to look at or to read by a program.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::json;

use super::{Desk, Failure, pass};
use crate::cli::{Graph, GraphExtent, GraphFormat, Selection};
use crate::exit::Exit;
use crate::report;
use crate::report::graph::{self, Extent, edges};

/// Draws the graph, or the part of it that was asked for.
pub(crate) fn run(desk: &Desk<'_>, asked: &Graph, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (compiled, outcome) = match asked.extent {
        GraphExtent::All => (pass::compile(desk, None)?, None),
        GraphExtent::Changed => {
            let planned = pass::planned(desk, &Selection::default())?;
            (planned.compiled, Some(planned.outcome))
        }
    };
    let ordered = &compiled.desired.ordered;
    let mut extent = outcome.map_or_else(
        || Extent::all(ordered),
        |outcome| Extent::changed(ordered, &outcome),
    );
    if let Some(address) = &asked.from {
        let index = ordered
            .find(address)
            .ok_or_else(|| pass::unknown(address, &ordered.declarations))?;
        extent = extent.from(ordered, index);
    }
    desk.steps.pause();
    match asked.format {
        GraphFormat::Json => write_json(&compiled, &extent.shown, out)?,
        GraphFormat::Dot => graph::dot(ordered, &extent, out)?,
        GraphFormat::Mermaid => graph::mermaid(ordered, &extent, out)?,
        GraphFormat::Svg => graph::svg(ordered, &extent, out)?,
    }
    Ok(Exit::Done)
}

fn write_json(
    compiled: &pass::Compiled,
    shown: &BTreeSet<usize>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
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
    Ok(report::json::write(&graph, out)?)
}
