//! Artifacts that a person declared, one or one for each of something.
//!
//! In: an artifact's entry. Out: its declarations, `${env:…}` and `${service:…}` replaced by what
//! stands for the item that each of them is about.

use std::sync::Arc;

use rayon::prelude::*;

use super::context::literal;
use super::gather::Gathered;
use super::reference::{self, Piece};
use super::{Declaration, expand};
use crate::addr::{Address, Name};
use crate::diag::{Code, Diagnostic, Diagnostics, Hidden, did_you_mean, one_of};
use crate::node::{Map, Node, Value};
use crate::project::schema::{ENVIRONMENT, SERVICE};
use crate::project::view::{EnvironmentView, ReadOf, Reads, ServiceView};
use crate::project::{Entry, Environment, Own, Project, Service};
use crate::provider::{Provider, Registry};
use crate::shape::{Field, Shape};

/// What one declaration is about.
#[derive(Clone, Copy)]
struct Item<'a> {
    name: Option<&'a Name>,
    environment: Option<&'a Environment>,
    service: Option<&'a Service>,
}

/// Declares an artifact: once, or once for each item.
pub fn declare(
    project: &Project,
    gathered: &Gathered,
    provider: &'static dyn Provider,
    registry: Registry<'_>,
    out: &mut Diagnostics,
) -> Vec<Declaration> {
    let entry = &gathered.entry;
    let service = entry
        .service
        .as_ref()
        .and_then(|name| project.services.get(name));
    let (own, address) = (own_reads(entry), gathered.address());
    let items = items(project, entry.shared.each.as_ref(), service, out);
    let said = &*out;
    let made: Vec<(Declaration, Diagnostics)> = items
        .into_par_iter()
        .map(|item| {
            let mut found = Diagnostics::default();
            let mut declaration = declare_item(
                (project, item),
                (gathered, &address),
                provider,
                registry,
                (said, &mut found),
            );
            Arc::make_mut(&mut declaration.reads).extend(
                own.iter()
                    .map(|(pointer, read)| (pointer.clone(), read.clone())),
            );
            (declaration, found)
        })
        .collect();
    let mut declarations = Vec::with_capacity(made.len());
    for (declaration, found) in made {
        declarations.push(declaration);
        out.append(found);
    }
    declarations
}

fn declare_item(
    (project, item): (&Project, Item<'_>),
    (gathered, address): (&Gathered, &Address),
    provider: &'static dyn Provider,
    registry: Registry<'_>,
    (said, out): (&Diagnostics, &mut Diagnostics),
) -> Declaration {
    let entry = &gathered.entry;
    let reads = Reads::default();
    let mut substitute = |node: &Node| {
        reference::map_texts(node, &mut |node, text| {
            let pieces = reference::pieces(text, &|kind| registry.provider(kind).is_some());
            let mut value = |piece: &Piece<'_>| {
                let found = stands_for((project, item), piece, node, &reads, (said, out));
                if found.is_none() && !matches!(piece, Piece::Artifact(..)) {
                    out.hide(Hidden::Value(node.span));
                }
                found
            };
            Some(keep_references(node, &pieces, &mut value))
        })
    };
    let settings = from_root(substitute(&entry.settings), gathered, provider);
    let path = entry.shared.path.as_ref().map(&mut substitute);
    Declaration {
        address: address.with_item(item.name.cloned()),
        provider,
        settings,
        path,
        service: item.service.map(|service| service.name.clone()),
        own: entry.shared.own.unwrap_or(Own::File),
        on_drift: entry.shared.on_drift,
        retain: entry.shared.retain,
        intent: address.clone(),
        origins: gathered.origins.clone(),
        depends_on: expand::depends_on(entry),
        reads: Arc::new(reads.into_all()),
    }
}

/// The settings of an entry, which all that is made of it reads.
fn own_reads(entry: &Entry) -> ReadOf {
    let reads = Reads::default();
    for (key, node) in entry.settings.as_map().into_iter().flat_map(Map::iter) {
        reads.log(
            format!("{}.{}.{key}", entry.kind, entry.name),
            Some(node),
            None,
        );
    }
    reads.into_all()
}

/// Paths of input files as seen from the root: in an included file they are written as seen from it.
fn from_root(mut settings: Node, gathered: &Gathered, provider: &'static dyn Provider) -> Node {
    for field in provider
        .spec()
        .settings
        .iter()
        .filter(|field| matches!(field.shape, Shape::InputFile))
    {
        let Some(node) = settings.get(field.name) else {
            continue;
        };
        let (span, path) = (
            node.span,
            node.as_str()
                .and_then(|text| gathered.entry.file.sibling(text).ok()),
        );
        let path = path.filter(|path| node.as_str() != Some(path.as_str()));
        if let (Some(path), Value::Map(map)) = (path, &mut settings.value) {
            Arc::make_mut(map).insert(field.name, Node::string(span, path.as_str()));
        }
    }
    settings
}

/// The items of `each`; one without a name where there is no `each`.
fn items<'a>(
    project: &'a Project,
    each: Option<&'a Node>,
    service: Option<&'a Service>,
    out: &mut Diagnostics,
) -> Vec<Item<'a>> {
    let environment = |environment: &'a Environment| Item {
        name: Some(&environment.name),
        environment: Some(environment),
        service,
    };
    let of_service = |service: &'a Service| Item {
        name: Some(&service.name),
        environment: None,
        service: Some(service),
    };
    let Some(each) = each else {
        return vec![Item {
            name: None,
            environment: None,
            service,
        }];
    };
    if let Some(word) = each.as_str() {
        return match word {
            "services" => project.services.values().map(of_service).collect(),
            _ => project.environments.iter().map(environment).collect(),
        };
    }
    let mut items = Vec::new();
    for node in each.as_seq().unwrap_or_default() {
        let name = node.as_str().unwrap_or_default();
        let named = project
            .environments
            .iter()
            .find(|environment| environment.name.as_str() == name)
            .map(environment);
        let named = named.or_else(|| {
            Name::new(name)
                .ok()
                .and_then(|name| project.services.get(&name))
                .map(of_service)
        });
        if let Some(item) = named {
            items.push(item);
        } else if !out.hides(&Hidden::Environments) && !out.hides(&Hidden::Services) {
            let known = || {
                project
                    .environments
                    .iter()
                    .map(|it| it.name.as_str())
                    .chain(project.services.keys().map(Name::as_str))
            };
            let found = Diagnostic::new(
                Code::UnknownEnvironment,
                format!("`each`: `{name}` is neither an environment nor a service"),
            );
            let help = did_you_mean(name, known()).map_or_else(
                || format!("known are {}", one_of(known())),
                |near| format!("did you mean `{near}`?"),
            );
            out.push(found.at(node.span, "").help(help));
        }
    }
    items
}

/// Joins pieces, but leaves `${ref:…}` as it was written: the graph resolves it. What a person
/// wrote into a setting that stands here is never read for references.
fn keep_references(
    node: &Node,
    pieces: &[Piece<'_>],
    value: &mut dyn FnMut(&Piece<'_>) -> Option<Node>,
) -> Node {
    let mut value = |piece: &Piece<'_>| {
        let found = value(piece)?;
        Some(reference::map_texts(&found, &mut |node, text| {
            Some(Node::string(node.span, literal(text)))
        }))
    };
    let has_references = pieces
        .iter()
        .any(|piece| matches!(piece, Piece::Artifact(..)));
    if !has_references {
        return reference::join(node, &escaped(pieces), &mut value);
    }
    let text: Vec<String> = escaped(pieces)
        .iter()
        .map(|piece| match piece {
            Piece::Artifact(address, attribute) => format!("${{ref:{address}.{attribute}}}"),
            Piece::Text(part) | Piece::Near(part) => (*part).to_owned(),
            Piece::Environment(_) | Piece::Service(_) => {
                let found = value(piece).unwrap_or_else(|| node.clone());
                found
                    .scalar_text()
                    .map_or_else(|| found.to_json().to_string(), Into::into)
            }
        })
        .collect();
    Node::string(node.span, text.concat())
}

/// A literal `${ref:` must stay one when the graph looks for references.
fn escaped<'a>(pieces: &[Piece<'a>]) -> Vec<Piece<'a>> {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text("${ref:") => Piece::Text("$${ref:"),
            Piece::Text("${env:") => Piece::Text("$${env:"),
            Piece::Text("${service:") => Piece::Text("$${service:"),
            Piece::Text(_)
            | Piece::Near(_)
            | Piece::Artifact(..)
            | Piece::Environment(_)
            | Piece::Service(_) => piece.clone(),
        })
        .collect()
}

/// The value that `${env:…}` or `${service:…}` stands for.
fn stands_for(
    (project, item): (&Project, Item<'_>),
    piece: &Piece<'_>,
    node: &Node,
    reads: &Reads,
    (said, out): (&Diagnostics, &mut Diagnostics),
) -> Option<Node> {
    match piece {
        Piece::Environment(setting) => {
            let Some(environment) = item.environment else {
                out.push(no_item("env", setting, node, "each: environments"));
                return None;
            };
            if *setting == "name" {
                return Some(Node::string(node.span, environment.name.as_str()));
            }
            let view = EnvironmentView { environment, reads };
            let path: Vec<&str> = setting.split('.').collect();
            view.setting(&path).cloned().or_else(|| {
                if said.clouds(&environment.node, &path) {
                    return None;
                }
                unset(
                    &format!("environments.{}", environment.name),
                    setting,
                    ENVIRONMENT,
                    node,
                    out,
                )
            })
        }
        Piece::Service(setting) => {
            let Some(service) = item.service else {
                out.push(no_item("service", setting, node, "each: services"));
                return None;
            };
            if *setting == "name" {
                return Some(Node::string(node.span, service.name.as_str()));
            }
            let view = ServiceView {
                project,
                service,
                reads,
            };
            let path: Vec<&str> = setting.split('.').collect();
            let found = match item.environment {
                Some(environment) => view.setting_in(&path, &environment.name),
                None => view.setting(&path),
            };
            let found = found.cloned().or_else(|| built_in(&view, setting, node));
            found.or_else(|| {
                if said.clouds(&service.node, &path) {
                    return None;
                }
                unset(
                    &format!("services.{}", service.name),
                    setting,
                    SERVICE,
                    node,
                    out,
                )
            })
        }
        Piece::Text(_) | Piece::Near(_) | Piece::Artifact(..) => None,
    }
}

/// Settings of a service that have a value even where nobody set one.
fn built_in(view: &ServiceView<'_>, setting: &str, node: &Node) -> Option<Node> {
    let text = match setting {
        "title" => view.title(),
        "path" => view.path(),
        "health" => view.health(),
        "expose" => view.expose(),
        _ => return None,
    };
    Some(Node::string(node.span, text))
}

fn no_item(word: &str, setting: &str, node: &Node, each: &str) -> Diagnostic {
    let code = if word == "env" {
        Code::UnknownEnvironment
    } else {
        Code::UnknownService
    };
    Diagnostic::new(
        code,
        format!("`${{{word}:{setting}}}` stands for nothing here"),
    )
    .at(node.span, "")
    .help(format!(
        "add `{each}`, or write `$${{{word}:` for the text itself"
    ))
}

fn unset(
    pointer: &str,
    setting: &str,
    fields: &[Field],
    node: &Node,
    out: &mut Diagnostics,
) -> Option<Node> {
    let first = setting.split('.').next().unwrap_or_default();
    let known = || fields.iter().map(|field| field.name);
    let message = format!("`{pointer}.{setting}` is read here and nobody set it");
    let found = Diagnostic::new(Code::Missing, message).at(node.span, "");
    out.push(if known().any(|name| name == first) {
        found.help(format!("set `{pointer}.{setting}` in loom.yaml"))
    } else {
        match did_you_mean(first, known()) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found.help(format!("known settings are {}", one_of(known()))),
        }
    });
    None
}
