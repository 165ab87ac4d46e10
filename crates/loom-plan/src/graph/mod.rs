//! What depends on what.
//!
//! In: declarations. Out: an [`Ordered`], whose existence proves that there is no cycle: what a
//! declaration depends on comes earlier. A reference that leads nowhere is a finding, and no edge.
//!
//! Small steps, in order: [`tasks`] looks for cycles among the stories' tasks, [`order`] finds the
//! edges and sorts, [`link`] puts values in the place of references.

pub mod link;

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::{kosaraju_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef as _;
use rayon::prelude::*;

use crate::addr::Address;
use crate::diag::{Code, Diagnostic, Diagnostics, Hidden, did_you_mean};
use crate::intent::Declaration;
use crate::intent::reference::{self, Piece};
use crate::node::{Node, Value};
use crate::provider::Registry;
use crate::story::{Story, Tasks};
use crate::text::Span;

/// Why one declaration comes after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// It refers to it.
    Reference(Span),
    /// It says `dependsOn`.
    DependsOn(Span),
}

impl Edge {
    /// Where it was written.
    pub fn span(self) -> Span {
        match self {
            Self::Reference(span) | Self::DependsOn(span) => span,
        }
    }
}

/// Declarations without a cycle.
#[derive(Debug)]
pub struct Ordered {
    /// By address.
    pub declarations: Vec<Declaration>,
    /// Indices of `declarations`, what is depended on first.
    pub order: Vec<usize>,
    /// From what is depended on to what depends on it.
    pub graph: DiGraph<(), Edge>,
}

impl Ordered {
    /// What a declaration depends on directly, and why.
    pub fn dependencies(&self, declaration: usize) -> impl Iterator<Item = (usize, Edge)> {
        let edges = self
            .graph
            .edges_directed(NodeIndex::new(declaration), petgraph::Direction::Incoming);
        edges.map(|edge| (edge.source().index(), *edge.weight()))
    }

    /// What depends on any of `roots`, directly or not; the roots too.
    pub fn dependents(&self, roots: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let mut found: BTreeSet<usize> = BTreeSet::new();
        let mut open: Vec<usize> = roots.into_iter().collect();
        while let Some(next) = open.pop() {
            if found.insert(next) {
                open.extend(
                    self.graph
                        .neighbors(NodeIndex::new(next))
                        .map(NodeIndex::index),
                );
            }
        }
        found
    }

    /// The index of a declaration.
    pub fn find(&self, address: &Address) -> Option<usize> {
        self.declarations
            .binary_search_by(|declaration| declaration.address.cmp(address))
            .ok()
    }
}

/// Cycles among the tasks of all stories.
pub fn tasks(stories: &[Story], out: &mut Diagnostics) {
    let mut graph: DiGraph<(&str, &str), Span> = DiGraph::new();
    let mut nodes = BTreeMap::new();
    let known = Tasks::of(stories);
    let all = || {
        stories
            .iter()
            .flat_map(|story| story.tasks.iter().map(move |task| (story, task)))
    };
    for (story, task) in all() {
        nodes
            .entry((story.code.as_str(), task.id.as_str()))
            .or_insert_with(|| graph.add_node((&task.id, &task.title)));
    }
    for (story, task) in all() {
        for (id, span) in &task.dependencies {
            if let Some((other, before)) = known.find(&story.code, id) {
                let ends = [(&other.code, &before.id), (&story.code, &task.id)]
                    .map(|(code, id)| nodes[&(code.as_str(), id.as_str())]);
                graph.add_edge(ends[0], ends[1], *span);
            }
        }
    }
    if toposort(&graph, None).is_err() {
        report_cycle(
            &graph,
            |node| format!("task {} ({})", node.0, node.1),
            |span| *span,
            out,
        );
    }
}

/// Finds the edges and sorts. `None` where there is a cycle. An edge that leads nowhere is a
/// finding, and left out, so that the findings of what comes after are made in the same run.
pub fn order(
    declarations: Vec<Declaration>,
    registry: Registry<'_>,
    out: &mut Diagnostics,
) -> Option<Ordered> {
    let mut graph = DiGraph::with_capacity(declarations.len(), 0);
    // what a blueprint's part refers to may be missing only because another blueprint failed
    let failed = out.has_errors();
    for _ in &declarations {
        graph.add_node(());
    }
    let find = |address: &Address| {
        declarations
            .binary_search_by(|declaration| declaration.address.cmp(address))
            .ok()
    };
    let wanted: Vec<(Vec<(Address, Edge)>, Diagnostics)> = declarations
        .par_iter()
        .map(|declaration| wanted_by(declaration, registry))
        .collect();
    for (index, (wanted, found)) in wanted.into_iter().enumerate() {
        out.extend(found);
        let declaration = &declarations[index];
        for (address, edge) in wanted {
            if let Some(before) = find(&address) {
                graph.add_edge(NodeIndex::new(before), NodeIndex::new(index), edge);
                continue;
            }
            if !out.may_declare(&address) && (!failed || declaration.intent == declaration.address)
            {
                out.push(unknown_address(&address, edge.span(), &declarations));
            }
            out.hide(Hidden::Value(edge.span()));
        }
    }
    if let Ok(order) = toposort(&graph, None) {
        let order = order.into_iter().map(NodeIndex::index).collect();
        return Some(Ordered {
            declarations,
            order,
            graph,
        });
    }
    let named = graph.map(
        |index, ()| declarations[index.index()].address.to_string(),
        |_, edge| edge.span(),
    );
    report_cycle(&named, Clone::clone, |span| *span, out);
    None
}

/// What a declaration depends on, found or not.
fn wanted_by(
    declaration: &Declaration,
    registry: Registry<'_>,
) -> (Vec<(Address, Edge)>, Diagnostics) {
    let (mut wanted, mut out) = (Vec::new(), Diagnostics::default());
    references(&declaration.settings, registry, &mut wanted, &mut out);
    declaration
        .path
        .iter()
        .for_each(|path| references(path, registry, &mut wanted, &mut out));
    wanted.extend(
        declaration
            .depends_on
            .iter()
            .map(|(address, span)| (address.clone(), Edge::DependsOn(*span))),
    );
    (wanted, out)
}

/// The finding that nothing declares an address, with the nearest that is declared.
pub fn unknown_address(address: &Address, span: Span, declarations: &[Declaration]) -> Diagnostic {
    let found = Diagnostic::new(
        Code::UnknownAddress,
        format!("nothing declares `{address}`"),
    )
    .at(span, "");
    let same_kind: Vec<String> = declarations
        .iter()
        .map(|it| &it.address)
        .filter(|it| it.kind() == address.kind())
        .map(ToString::to_string)
        .collect();
    let all: Vec<String> = declarations
        .iter()
        .map(|it| it.address.to_string())
        .collect();
    let word = address.to_string();
    match did_you_mean(&word, same_kind.iter().map(String::as_str))
        .or_else(|| did_you_mean(&word, all.iter().map(String::as_str)))
    {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found.help("`loom graph --format json` lists all addresses"),
    }
}

/// The references in a node; near misses are warnings.
fn references(
    node: &Node,
    registry: Registry<'_>,
    wanted: &mut Vec<(Address, Edge)>,
    out: &mut Diagnostics,
) {
    match &node.value {
        Value::String(text) if reference::concerns(text) => {
            for piece in reference::pieces(text, &|kind| registry.provider(kind).is_some()) {
                match piece {
                    Piece::Artifact(address, _) => {
                        wanted.push((address, Edge::Reference(node.span)));
                    }
                    Piece::Near(near) => out.push(near_miss(near, node.span)),
                    Piece::Text(_) | Piece::Environment(_) | Piece::Service(_) => {}
                }
            }
        }
        Value::Seq(items) => items
            .iter()
            .for_each(|item| references(item, registry, wanted, out)),
        Value::Map(map) if node.may_hold_dollar() => map
            .iter()
            .for_each(|(_, node)| references(node, registry, wanted, out)),
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::String(_)
        | Value::Map(_) => {}
    }
}

fn near_miss(near: &str, span: Span) -> Diagnostic {
    let message = format!("`{near}` looks like a reference and is none");
    Diagnostic::new(Code::NearReference, message).at(span, "").help(
        "a reference is `${ref:KIND.NAME.ATTRIBUTE}`, `${env:setting}` or `${service:setting}`; write `$${` for the text itself",
    )
}

/// How many of a cycle's members are named: whoever breaks it needs one edge, not all of them.
const NAMED: usize = 8;

/// One cycle, with the place of each edge that is named.
fn report_cycle<N, E>(
    graph: &DiGraph<N, E>,
    name: impl Fn(&N) -> String,
    span: impl Fn(&E) -> Span,
    out: &mut Diagnostics,
) {
    let Some(cycle) = find_cycle(graph) else {
        return;
    };
    let name = |at: usize| name(&graph[cycle[at % cycle.len()]]);
    let shown = cycle.len().min(NAMED);
    let mut names: Vec<String> = (0..shown).map(name).collect();
    if shown < cycle.len() {
        names.push(format!("{} more", cycle.len() - shown));
    }
    let message = format!(
        "these wait for each other in a circle: {} → {}",
        names.join(" → "),
        names[0]
    );
    let mut found = Diagnostic::new(Code::Cycle, message);
    for at in 0..shown {
        let next = cycle[(at + 1) % cycle.len()];
        if let Some(edge) = graph.find_edge(cycle[at], next) {
            found = found.at(
                span(&graph[edge]),
                format!("{} waits for {}", name(at + 1), name(at)),
            );
        }
    }
    out.push(found.help("take out one of these"));
}

/// The nodes of one cycle, each before the next. Nothing here calls itself, and no step looks at
/// all nodes, so that a cycle of a hundred thousand is an answer too.
fn find_cycle<N, E>(graph: &DiGraph<N, E>) -> Option<Vec<NodeIndex>> {
    let is_cyclic = |component: &Vec<NodeIndex>| {
        component.len() > 1 || graph.contains_edge(component[0], component[0])
    };
    let component: BTreeSet<NodeIndex> = kosaraju_scc(graph)
        .into_iter()
        .filter(is_cyclic)
        .map(BTreeSet::from_iter)
        .min_by_key(|component| component.first().copied())?;
    let mut path = vec![*component.first()?];
    let mut places = BTreeMap::from([(path[0], 0)]);
    loop {
        let next = graph
            .neighbors(path[path.len() - 1])
            .filter(|next| component.contains(next))
            .min()?;
        if let Some(start) = places.get(&next) {
            return Some(path.split_off(*start));
        }
        places.insert(next, path.len());
        path.push(next);
    }
}
