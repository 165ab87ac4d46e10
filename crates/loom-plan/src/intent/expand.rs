//! Blueprints become artifacts.
//!
//! In: the blueprints that are asked for. Out: their parts as declarations, `with` laid over them,
//! and the shared files that their contributions make.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;

use super::context::{Context, Contribution, Missing, Part};
use super::gather::{Gathered, Origin};
use super::{Declaration, merge};
use crate::addr::{Address, Name};
use crate::diag::{Code, Diagnostic, Diagnostics, Hidden, did_you_mean, one_of};
use crate::node::Node;
use crate::project::view::{Read, ReadOf, Reads};
use crate::project::{Entry, Own, Project};
use crate::provider::{Provider, Registry, Subject};
use crate::stack::Strategy;

/// What one blueprint came to.
struct Expansion<'a> {
    gathered: &'a Gathered,
    parts: Vec<Part>,
    contributions: Vec<Contribution>,
    missing: Vec<Missing>,
    reads: Reads,
}

/// Expands all blueprints. What is missing is one error for all of them.
pub fn expand(
    project: &Project,
    blueprints: &[Gathered],
    registry: Registry<'_>,
    out: &mut Diagnostics,
) -> Vec<Declaration> {
    let strategies = strategies(project, blueprints, out);
    let mut by_service: BTreeMap<&Name, Vec<&Entry>> = BTreeMap::new();
    for gathered in blueprints {
        if let Some(service) = &gathered.entry.service {
            by_service.entry(service).or_default().push(&gathered.entry);
        }
    }
    for entries in by_service.values_mut() {
        entries.sort_by(|one, other| (&one.kind, &one.name).cmp(&(&other.kind, &other.name)));
    }
    let mut expansions = Vec::new();
    for gathered in blueprints {
        let entry = &gathered.entry;
        let service = entry
            .service
            .as_ref()
            .and_then(|name| project.services.get(name));
        let Some(blueprint) = registry.blueprint(&entry.kind) else {
            continue;
        };
        if blueprint.spec().subject == Subject::Service && service.is_none() {
            continue;
        }
        let siblings = service
            .and_then(|service| by_service.get(&service.name))
            .map_or(&[][..], Vec::as_slice);
        let reads = Reads::default();
        let strategy = service
            .and_then(|service| strategies.get(&service.name))
            .copied()
            .unwrap_or(Strategy::Rolling);
        let mut cx = Context {
            project,
            entry,
            service,
            siblings,
            strategy,
            reads: &reads,
            parts: Vec::new(),
            contributions: Vec::new(),
            missing: Vec::new(),
            diagnostics: Diagnostics::default(),
        };
        blueprint.expand(&mut cx);
        let Context {
            parts,
            contributions,
            missing,
            diagnostics,
            ..
        } = cx;
        // what its findings rest on may be other than it looks
        let is_misled = reads.hidden(out);
        let failed = is_misled || !missing.is_empty() || diagnostics.has_errors();
        if failed {
            out.hide(Hidden::Parts(entry.name.clone()));
        }
        let is_follow_up = |found: &Diagnostic| is_misled && found.code == Code::StackCannot;
        out.extend(diagnostics.into_iter().filter(|found| !is_follow_up(found)));
        let is_known = |missing: &Missing| {
            is_misled || is_clouded(project, &gathered.entry, &missing.pointer, out)
        };
        let missing = missing.into_iter().filter(|it| !is_known(it)).collect();
        expansions.push(Expansion {
            gathered,
            parts,
            contributions,
            missing,
            reads,
        });
    }
    report_missing(&expansions, out);
    let mut declarations = Vec::new();
    for expansion in &expansions {
        declare_parts(expansion, registry, out, &mut declarations);
    }
    declare_shared(project, &expansions, registry, out, &mut declarations);
    declarations
}

/// Whether a setting that a blueprint misses was given, and is not known because of an error.
fn is_clouded(project: &Project, entry: &Entry, pointer: &str, out: &Diagnostics) -> bool {
    let path: Vec<&str> = pointer.split('.').collect();
    let (node, rest) = match path.as_slice() {
        ["services", name, rest @ ..] => (
            Name::new(name)
                .ok()
                .and_then(|name| project.services.get(&name))
                .map(|service| &service.node),
            rest,
        ),
        ["environments", name, rest @ ..] => (
            project
                .environments
                .iter()
                .find(|environment| environment.name.as_str() == *name)
                .map(|environment| &environment.node),
            rest,
        ),
        ["pins", rest @ ..] => (project.pins.as_ref(), rest),
        ["delivery", rest @ ..] => (project.delivery.as_ref(), rest),
        [_, _, rest @ ..] => (Some(&entry.settings), rest),
        _ => (None, &path[..]),
    };
    out.hides_setting(pointer) || node.is_some_and(|node| out.clouds(node, rest))
}

/// The one strategy of each service: a blueprint's, else the service's, else the stack's.
fn strategies<'a>(
    project: &'a Project,
    blueprints: &'a [Gathered],
    out: &mut Diagnostics,
) -> BTreeMap<&'a Name, Strategy> {
    let mut chosen = BTreeMap::new();
    for (name, service) in &project.services {
        let said = blueprints
            .iter()
            .filter(|it| it.entry.service.as_ref() == Some(name))
            .filter_map(|it| it.entry.settings.get("strategy"));
        let said: Vec<&Node> = said.collect();
        if let Some(other) = said.iter().find(|node| **node != said[0]) {
            let message = format!("two blueprints of `{name}` name different strategies");
            let found = Diagnostic::new(Code::StrategiesDiffer, message)
                .at(other.span, "this one")
                .at(said[0].span, "and this one");
            out.push(found.help("a service has one strategy: name it once, in the service"));
        }
        let production = project
            .environments
            .iter()
            .rfind(|environment| environment.production);
        let own = service.node.get("strategy").zip(production);
        let own = own
            .and_then(|(node, production)| {
                crate::project::view::resolve(node, &production.name, project)
            })
            .map(|(node, _)| node);
        let word = said
            .first()
            .copied()
            .or(own)
            .or_else(|| project.stack.get("infrastructure.strategy"));
        chosen.insert(
            name,
            word.and_then(Node::as_str)
                .and_then(Strategy::parse)
                .unwrap_or(Strategy::Rolling),
        );
    }
    chosen
}

/// All that blueprints need and nobody set, as one error.
fn report_missing(expansions: &[Expansion<'_>], out: &mut Diagnostics) {
    let mut all: IndexMap<&str, (&Missing, &Gathered)> = IndexMap::new();
    for expansion in expansions {
        for missing in &expansion.missing {
            all.entry(&missing.pointer)
                .or_insert((missing, expansion.gathered));
        }
    }
    if all.is_empty() {
        return;
    }
    let pointers: Vec<&str> = all.keys().copied().collect();
    let message = match pointers.as_slice() {
        [only] => format!("`{only}` is needed and nobody set it"),
        many => format!(
            "{} settings are needed and nobody set them: {}",
            many.len(),
            many.join(", ")
        ),
    };
    let mut found = Diagnostic::new(Code::Missing, message);
    let mut places: Vec<_> = all
        .values()
        .map(|(_, gathered)| (gathered.entry.settings.span, gathered.address()))
        .collect();
    places.sort_by_key(|(span, _)| *span);
    places.dedup();
    for (span, address) in places {
        found = found.at(span, format!("needed by {address}"));
    }
    let lines = all.values().map(|(missing, _)| {
        format!(
            "{}: {}\n  {}",
            missing.pointer,
            missing.why,
            missing.example.replace('\n', "\n  ")
        )
    });
    out.push(found.help(format!(
        "add to loom.yaml:\n{}",
        lines.collect::<Vec<_>>().join("\n")
    )));
}

fn declare_parts(
    expansion: &Expansion<'_>,
    registry: Registry<'_>,
    out: &mut Diagnostics,
    declarations: &mut Vec<Declaration>,
) {
    let entry = &expansion.gathered.entry;
    let mut made: Vec<Declaration> = Vec::new();
    for part in &expansion.parts {
        let Some(provider) = registry.provider(part.kind) else {
            let message = format!(
                "the blueprint `{}` made a part of the kind `{}`, which does not exist",
                entry.kind, part.kind
            );
            out.push(
                Diagnostic::new(Code::Contract, message)
                    .at(entry.settings.span, "")
                    .help("this is a bug in loom: please report it"),
            );
            continue;
        };
        match part_address(&entry.name, part) {
            Ok(address) => made.push(part_declaration(expansion, part, provider, address)),
            Err(error) => out.push(
                Diagnostic::new(Code::BadValue, error)
                    .at(entry.settings.span, "")
                    .help("give the blueprint a shorter `name`"),
            ),
        }
    }
    lay_over(entry, &mut made, out);
    declarations.extend(made);
}

/// `KIND.NAME[-PART][ENVIRONMENT]`
fn part_address(name: &Name, part: &Part) -> Result<Address, String> {
    let name = match &part.suffix {
        Some(suffix) => {
            Name::new(&format!("{name}-{suffix}")).map_err(|error| error.to_string())?
        }
        None => name.clone(),
    };
    Ok(Address::new(part.kind, name, part.environment.clone()))
}

fn part_declaration(
    expansion: &Expansion<'_>,
    part: &Part,
    provider: &'static dyn Provider,
    address: Address,
) -> Declaration {
    let entry = &expansion.gathered.entry;
    let span = entry.settings.span;
    Declaration {
        address,
        provider,
        settings: Node::from_json(span, &part.settings),
        path: part
            .path
            .as_ref()
            .map(|path| Node::string(span, path.as_str())),
        service: entry.service.clone(),
        own: part.own.or(entry.shared.own).unwrap_or(Own::File),
        on_drift: entry.shared.on_drift,
        retain: entry.shared.retain,
        intent: expansion.gathered.address(),
        origins: expansion.gathered.origins.clone(),
        depends_on: depends_on(entry),
        reads: Arc::new(expansion.reads.of(part.environment.as_ref())),
    }
}

/// `dependsOn` as addresses; its form was checked when it was read.
pub(super) fn depends_on(entry: &Entry) -> Vec<(Address, crate::text::Span)> {
    let nodes = entry.shared.depends_on.iter();
    nodes
        .filter_map(|node| Some((Address::parse(node.as_str()?).ok()?, node.span)))
        .collect()
}

/// `with`: patches of the parts' settings, by address.
fn lay_over(entry: &Entry, made: &mut [Declaration], out: &mut Diagnostics) {
    let Some(patches) = entry.shared.with.as_ref().and_then(Node::as_map) else {
        return;
    };
    for (address, patch) in patches.entries() {
        if let Some(declaration) = made
            .iter_mut()
            .find(|declaration| declaration.address.to_string() == address.as_ref())
        {
            match merge::patch(&declaration.settings, &patch.node) {
                Ok(settings) => declaration.settings = settings,
                Err(refused) => out.extend(refused),
            }
            let pointer = format!("{}.{}.with.{address}", entry.kind, entry.name);
            let read = Read {
                value: Some(patch.node.clone()),
                environment: None,
            };
            Arc::make_mut(&mut declaration.reads).insert(pointer, read);
        } else if !out.hides(&Hidden::Parts(entry.name.clone())) {
            let known: Vec<String> = made
                .iter()
                .map(|declaration| declaration.address.to_string())
                .collect();
            let words = || known.iter().map(String::as_str);
            let message = format!("`{}.{}` makes no part `{address}`", entry.kind, entry.name);
            let help = match did_you_mean(address, words()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its parts are {}", one_of(words())),
            };
            out.push(
                Diagnostic::new(Code::UnknownPart, message)
                    .at(patch.key, "")
                    .help(help),
            );
        }
    }
}

/// The shared files: one declaration for each address, contributions merged in the order of the
/// blueprints' addresses.
fn declare_shared(
    project: &Project,
    expansions: &[Expansion<'_>],
    registry: Registry<'_>,
    out: &mut Diagnostics,
    declarations: &mut Vec<Declaration>,
) {
    let mut shared: BTreeMap<Address, Declaration> = BTreeMap::new();
    let mut ordered: Vec<&Expansion<'_>> = expansions.iter().collect();
    ordered.sort_by_key(|expansion| expansion.gathered.address());
    for expansion in ordered {
        let span = expansion.gathered.entry.settings.span;
        for contribution in &expansion.contributions {
            let Some(provider) = registry.provider(contribution.address.kind()) else {
                continue;
            };
            let settings = Node::from_json(span, &contribution.settings);
            let reads = expansion.reads.of(contribution.address.item());
            if let Some(known) = shared.get_mut(&contribution.address) {
                add(known, &settings, &reads, &expansion.gathered.origins, out);
            } else {
                let declaration = Declaration {
                    address: contribution.address.clone(),
                    provider,
                    settings,
                    path: Some(Node::string(span, contribution.path.as_str())),
                    service: None,
                    own: contribution.own,
                    on_drift: Some(project.on_drift),
                    retain: false,
                    intent: contribution.address.clone(),
                    origins: expansion.gathered.origins.clone(),
                    depends_on: Vec::new(),
                    reads: Arc::new(reads),
                };
                shared.insert(contribution.address.clone(), declaration);
            }
        }
    }
    declarations.extend(shared.into_values());
}

fn add(
    known: &mut Declaration,
    settings: &Node,
    reads: &ReadOf,
    origins: &[Origin],
    out: &mut Diagnostics,
) {
    match merge::contribute(&known.settings, settings, "") {
        Ok(merged) => known.settings = merged,
        Err(found) => out.push(found),
    }
    Arc::make_mut(&mut known.reads).extend(
        reads
            .iter()
            .map(|(pointer, read)| (pointer.clone(), read.clone())),
    );
    for origin in origins {
        if !known.origins.contains(origin) {
            Arc::make_mut(&mut known.origins).push(origin.clone());
        }
    }
}
