//! Values in the place of references.
//!
//! In: an [`Ordered`]. Out: artifacts as their providers see them, and where their outputs go.
//! What is referred to comes earlier in the order, so one pass is enough; artifacts without
//! references, nearly all of them, are made in parallel.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::Ordered;
use crate::addr::{Address, RepoPath};
use crate::credential;
use crate::diag::{Code, Diagnostic, Diagnostics, Hidden, did_you_mean, one_of};
use crate::input::Input;
use crate::intent::Declaration;
use crate::intent::reference::{self, Piece};
use crate::node::{Node, Value};
use crate::project::view::Read;
use crate::provider::{Artifact, Attributes, Place, Provider, Registry};
use crate::shape::{self, Shape, World};
use crate::text::{Sources, Span};

/// An artifact and where its outputs go.
#[derive(Clone, Debug)]
pub struct Linked {
    /// As its provider sees it.
    pub artifact: Artifact,
    /// Its outputs.
    pub places: Vec<Place>,
}

/// The texts of the files that settings name, by path.
pub type Files = BTreeMap<RepoPath, Arc<str>>;

/// Reads the files that settings name, each once, and notes them among what was read.
pub fn read_files(
    declarations: &mut [Declaration],
    input: &dyn Input,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Files {
    let mut files = Files::new();
    let mut nodes: BTreeMap<RepoPath, Option<Node>> = BTreeMap::new();
    let first = sources.ids().count();
    let named = declarations
        .par_iter()
        .flat_map_iter(|declaration| input_paths(declaration.provider, &declaration.settings));
    for (name, node) in named.collect::<Vec<_>>() {
        let Some(text) = path_text(node).filter(|text| !files.contains_key(*text)) else {
            continue;
        };
        let Ok(path) = RepoPath::new(text) else {
            continue;
        };
        let read = input.read(&path).map_err(|error| {
            let found = Diagnostic::new(Code::FileMissing, format!("`{name}`: {path}: {error}"))
                .at(node.span, "");
            out.push(found.help(format!("write {path}, or name another file")));
        });
        let read = read
            .ok()
            .inspect(|text| drop(files.insert(path.clone(), Arc::clone(text))));
        let read = read.map(|text| {
            Node::string(
                Span::start_of(sources.add(path.as_str(), Arc::clone(&text))),
                text,
            )
        });
        if let Some(node) = &read {
            credential::refuse(node.span.source, sources, out);
        }
        nodes.insert(path, read);
    }
    credential::hide(sources, first, out);
    declarations.par_iter_mut().for_each(
        |Declaration {
             provider,
             settings,
             intent,
             reads,
             ..
         }| {
            for (name, node) in input_paths(*provider, settings) {
                if let Some(value) = path_text(node).and_then(|text| nodes.get(text)) {
                    let read = Read {
                        value: value.clone(),
                        environment: None,
                    };
                    Arc::make_mut(reads).insert(format!("{intent}.{name}"), read);
                }
            }
        },
    );
    files
}

/// The path that a setting names, which may be written with `./`.
fn path_text(node: &Node) -> Option<&str> {
    node.as_str().map(|text| text.trim_start_matches("./"))
}

/// Links everything. The result has the order of `ordered.declarations`; an artifact that failed
/// has no places and a diagnostic.
pub fn link(
    ordered: &Ordered,
    registry: Registry<'_>,
    files: &Files,
    world: World<'_>,
    out: &mut Diagnostics,
) -> Vec<Linked> {
    let has_references = |index: usize| ordered.dependencies(index).next().is_some();
    let said = &*out;
    let free: Vec<(Linked, Diagnostics)> = (0..ordered.declarations.len())
        .into_par_iter()
        .map(|index| {
            let declaration = &ordered.declarations[index];
            if has_references(index) {
                (unlinked(declaration), Diagnostics::default())
            } else {
                finish(
                    declaration,
                    plain(&declaration.settings),
                    declaration.path.as_ref().map(plain),
                    files,
                    (world, said),
                )
            }
        })
        .collect();
    let mut linked = Vec::with_capacity(free.len());
    let mut failed = BTreeSet::new();
    for (index, (artifact, found)) in free.into_iter().enumerate() {
        if found.has_errors() || lacks_a_value(&ordered.declarations[index], out) {
            failed.insert(index);
        }
        linked.push(artifact);
        out.append(found);
    }
    for index in ordered
        .order
        .iter()
        .copied()
        .filter(|index| has_references(*index))
    {
        let declaration = &ordered.declarations[index];
        let known = (linked.as_slice(), &failed);
        let mut resolve = |node: &Node| resolve(node, ordered, known, registry, out);
        let (settings, path) = (
            resolve(&declaration.settings),
            declaration.path.as_ref().map(&mut resolve),
        );
        let (artifact, found) = finish(declaration, settings, path, files, (world, &*out));
        if found.has_errors() || lacks_a_value(declaration, out) {
            failed.insert(index);
        }
        linked[index] = artifact;
        out.append(found);
    }
    linked
}

/// Whether a value of a declaration is not known because of an error, so that what it makes is not
/// known either.
fn lacks_a_value(declaration: &Declaration, out: &Diagnostics) -> bool {
    fn holds(node: &Node, out: &Diagnostics) -> bool {
        match &node.value {
            Value::Map(map) => map.iter().any(|(_, node)| holds(node, out)),
            Value::Seq(items) => items.iter().any(|node| holds(node, out)),
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::String(_) => out.hides(&Hidden::Value(node.span)),
        }
    }
    out.hides_anything()
        && std::iter::once(&declaration.settings)
            .chain(&declaration.path)
            .any(|node| holds(node, out))
}

fn unlinked(declaration: &Declaration) -> Linked {
    let artifact = Artifact {
        address: declaration.address.clone(),
        path: None,
        service: declaration.service.clone(),
        settings: declaration.settings.clone(),
        files: Vec::new(),
    };
    Linked {
        artifact,
        places: Vec::new(),
    }
}

/// A node without references, in which only literals such as `$${ref:` are undone.
fn plain(node: &Node) -> Node {
    reference::map_texts(node, &mut |node, text| {
        let pieces = reference::pieces(text, &|_| false);
        Some(reference::join(node, &pieces, &mut |_| None))
    })
}

fn resolve(
    node: &Node,
    ordered: &Ordered,
    known: (&[Linked], &BTreeSet<usize>),
    registry: Registry<'_>,
    out: &mut Diagnostics,
) -> Node {
    reference::map_texts(node, &mut |node, text| {
        let pieces = reference::pieces(text, &|kind| registry.provider(kind).is_some());
        let mut value = |piece: &Piece<'_>| match piece {
            Piece::Artifact(address, attribute) => {
                let found = attribute_of((address, attribute), node, ordered, known, out);
                if found.is_none() {
                    out.hide(Hidden::Value(node.span));
                }
                found
            }
            Piece::Text(_) | Piece::Near(_) | Piece::Environment(_) | Piece::Service(_) => None,
        };
        Some(reference::join(node, &pieces, &mut value))
    })
}

fn attribute_of(
    (address, attribute): (&Address, &str),
    node: &Node,
    ordered: &Ordered,
    (linked, failed): (&[Linked], &BTreeSet<usize>),
    out: &mut Diagnostics,
) -> Option<Node> {
    let index = ordered.find(address)?;
    // what an artifact with an error publishes is not known
    if failed.contains(&index) {
        return None;
    }
    let attributes = attributes(&ordered.declarations[index], &linked[index]);
    if let Some(found) = attributes.get(attribute) {
        return Some(found.clone());
    }
    let known = || attributes.keys().map(String::as_str);
    let found = Diagnostic::new(
        Code::UnknownAttribute,
        format!("`{address}` has no attribute `{attribute}`"),
    )
    .at(node.span, "");
    out.push(match did_you_mean(attribute, known()) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found.help(format!("its attributes are {}", one_of(known()))),
    });
    None
}

/// What an artifact publishes: `path` and `name` always, and what its kind adds.
pub fn attributes(declaration: &Declaration, linked: &Linked) -> Attributes {
    let span = declaration.settings.span;
    let mut attributes = declaration.provider.attributes(&linked.artifact);
    attributes.insert(
        "name".to_owned(),
        Node::string(span, declaration.address.name().as_str()),
    );
    if let [only] = linked.places.as_slice() {
        attributes.insert("path".to_owned(), Node::string(span, only.path.as_str()));
    } else if let Some(path) = linked
        .artifact
        .path
        .as_ref()
        .map(RepoPath::as_str)
        .or_else(|| folder(&linked.places))
    {
        attributes.insert("path".to_owned(), Node::string(span, path));
    }
    attributes
}

/// The directory that several outputs share.
fn folder(places: &[Place]) -> Option<&str> {
    places.first()?.path.parent()
}

/// Checks the settings, finds the path, the files and the places.
fn finish(
    declaration: &Declaration,
    settings: Node,
    path: Option<Node>,
    files: &Files,
    (world, said): (World<'_>, &Diagnostics),
) -> (Linked, Diagnostics) {
    let mut out = Diagnostics::default();
    let spec = declaration.provider.spec();
    shape::check(
        &settings,
        &Shape::Record(spec.settings),
        spec.kind,
        world,
        &mut out,
    );
    let path = path.and_then(|node| {
        match RepoPath::new(
            node.scalar_text()
                .unwrap_or_default()
                .trim_start_matches("./"),
        ) {
            Ok(path) => Some(path),
            Err(error) => {
                out.push(
                    Diagnostic::new(Code::BadValue, format!("`path`: {error}")).at(node.span, ""),
                );
                None
            }
        }
    });
    let artifact = Artifact {
        address: declaration.address.clone(),
        path,
        service: declaration.service.clone(),
        files: input_files(declaration, &settings, files),
        settings,
    };
    let mut places = Vec::new();
    if !out.has_errors() && !lacks_a_value(declaration, said) {
        match declaration.provider.places(&artifact) {
            Ok(found) => places = found,
            Err(found) => out.extend(found),
        }
    }
    (Linked { artifact, places }, only_new(out, said))
}

/// Without what only follows from an error that was said of the same value; `said` has one then.
fn only_new(found: Diagnostics, said: &Diagnostics) -> Diagnostics {
    if !said.hides_anything() {
        return found;
    }
    let follows = |it: &Diagnostic| {
        it.labels
            .first()
            .is_some_and(|label| said.hides(&Hidden::Value(label.span)))
    };
    let mut new = Diagnostics::default();
    new.extend(found.into_iter().filter(|it| !follows(it)));
    new
}

/// The settings of the shape `InputFile`, and the paths that they name.
pub fn input_paths<'a>(
    provider: &'static dyn Provider,
    settings: &'a Node,
) -> impl Iterator<Item = (&'static str, &'a Node)> {
    let fields = provider.spec().settings.iter();
    fields
        .filter(|field| matches!(field.shape, Shape::InputFile))
        .filter_map(|field| Some((field.name, settings.get(field.name)?)))
}

fn input_files(
    declaration: &Declaration,
    settings: &Node,
    files: &Files,
) -> Vec<(&'static str, Arc<str>)> {
    let text = |node: &Node| files.get(path_text(node)?).cloned();
    input_paths(declaration.provider, settings)
        .filter_map(|(name, node)| Some((name, text(node)?)))
        .collect()
}
