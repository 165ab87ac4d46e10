//! One entry of an `artifacts` list.
//!
//! In: its node. Out: an [`Entry`], the shared keys checked and taken apart, paths seen from the
//! root. Its other keys stay as they are: what they may be is known to the kind.

use super::schema::SHARED;
use super::{Entry, OnDrift, Own, Shared};
use crate::addr::{Address, Name, RepoPath};
use crate::diag::{Code, Diagnostic, Diagnostics, Hidden, did_you_mean, one_of};
use crate::node::{Map, Node};
use crate::shape::{self, World};

/// Reads one entry. `file` is where its paths are relative to.
pub fn entry(
    node: &Node,
    file: &RepoPath,
    world: World<'_>,
    out: &mut Diagnostics,
) -> Option<Entry> {
    let Some(map) = node.as_map() else {
        let message = format!(
            "an entry of `artifacts` must be a mapping, and this is {}",
            node.type_name()
        );
        out.push(
            Diagnostic::new(Code::WrongType, message)
                .at(node.span, "")
                .help("write `{ kind: …, service: … }`"),
        );
        out.hide(Hidden::Declarations);
        return None;
    };
    let before = out.iter().len();
    let settings = own_settings(map, world, out);
    let shared = shared(node, file, world, out);
    let kind = node.get("kind").and_then(Node::as_str);
    if node.get("kind").is_none() {
        let found = Diagnostic::new(Code::MissingKey, "`kind` is missing").at(node.span, "");
        out.push(found.help(
            "say what is wanted, such as `kind: pipeline`; `loom providers` lists the kinds",
        ));
    }
    if let Some((kind, name)) = kind
        .zip(node.get("kind"))
        .filter(|(kind, _)| kind.starts_with("exec."))
    {
        let found = Diagnostic::new(
            Code::NotSupported,
            format!("`{kind}`: this version of loom runs no providers of one's own"),
        );
        out.push(
            found
                .at(name.span, "")
                .help("write the file with the kind `template` or `file`"),
        );
    }
    let named = |key: &str| {
        node.get(key)
            .and_then(Node::as_str)
            .and_then(|text| Name::new(text).ok())
    };
    let service = named("service");
    if node.get("name").is_none() && node.get("service").is_none() {
        let found = Diagnostic::new(
            Code::MissingKey,
            "an artifact needs a `name`, or a `service` to be named after",
        );
        out.push(
            found
                .at(node.span, "")
                .help("add `name: …` in lower-case letters, digits and `-`"),
        );
    }
    let failed = out
        .iter()
        .skip(before)
        .any(|found| found.severity() == crate::diag::Severity::Error);
    let name = named("name").or_else(|| service.clone());
    let (Some(kind), Some(name), false) = (kind, name.clone(), failed) else {
        // what is no artifact may be a blueprint, whose parts are called after it
        out.hide(Hidden::Declared {
            kind: kind.map(str::to_owned),
            name: name.clone(),
        });
        name.map(Hidden::Parts)
            .into_iter()
            .for_each(|parts| out.hide(parts));
        return None;
    };
    Some(Entry {
        kind: kind.into(),
        name,
        service,
        settings: Node::map(node.span, settings),
        shared,
        file: file.clone(),
    })
}

/// The keys that are the kind's own; the shared ones are checked on the way. Null is absent.
fn own_settings(map: &Map, world: World<'_>, out: &mut Diagnostics) -> Map {
    let mut settings = map.clone();
    for (key, entry) in map.entries() {
        let field = SHARED.iter().find(|field| field.name == key.as_ref());
        if let Some(field) = field.filter(|_| !entry.node.is_null()) {
            shape::check(&entry.node, &field.shape, key, world, out);
        }
    }
    settings.retain(|key, node| !node.is_null() && SHARED.iter().all(|field| field.name != key));
    settings
}

fn shared(node: &Node, file: &RepoPath, world: World<'_>, out: &mut Diagnostics) -> Shared {
    let text = |key: &str| node.get(key).and_then(Node::as_str);
    if let Some(with) = node.get("with").and_then(Node::as_map) {
        for (key, entry) in with.entries() {
            if let Err(error) = Address::parse(key) {
                out.push(Diagnostic::new(Code::BadValue, error.to_string()).at(entry.key, ""));
            }
        }
    }
    known_environments(node, world, out);
    Shared {
        path: node.get("path").map(|node| path(node, file, out)),
        own: text("own").and_then(own),
        on_drift: text("onDrift").and_then(OnDrift::parse),
        depends_on: node
            .get("dependsOn")
            .and_then(Node::as_seq)
            .unwrap_or_default()
            .to_vec(),
        retain: node.get("retain").and_then(Node::as_bool) == Some(true),
        replaces: node.get("replaces").cloned(),
        each: node.get("each").cloned(),
        environments: node.get("environments").cloned(),
        with: node.get("with").cloned(),
    }
}

/// `path`, seen from the root. One that begins with a reference is a whole path already.
fn path(node: &Node, file: &RepoPath, out: &mut Diagnostics) -> Node {
    let Some(text) = node.as_str().filter(|text| !text.starts_with("${ref:")) else {
        return node.clone();
    };
    match file.sibling(text) {
        Ok(path) => Node::string(node.span, path.as_str()),
        Err(error) => {
            out.push(Diagnostic::new(Code::BadValue, format!("`path`: {error}")).at(node.span, ""));
            node.clone()
        }
    }
}

fn own(word: &str) -> Option<Own> {
    match word {
        "file" => Some(Own::File),
        "once" => Some(Own::Once),
        "block" => Some(Own::Block),
        "keys" => Some(Own::Keys),
        _ => None,
    }
}

fn known_environments(node: &Node, world: World<'_>, out: &mut Diagnostics) {
    for node in node
        .get("environments")
        .and_then(Node::as_seq)
        .unwrap_or_default()
    {
        let Some(name) = node.as_str() else { continue };
        let known = || world.environments.iter().map(Name::as_str);
        let is_known = known().any(|known| known == name);
        if Name::new(name).is_err() || is_known || out.hides(&Hidden::Environments) {
            continue;
        }
        let found = Diagnostic::new(
            Code::UnknownEnvironment,
            format!("the project has no environment `{name}`"),
        )
        .at(node.span, "");
        out.push(match did_you_mean(name, known()) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found.help(format!("it has {}", one_of(known()))),
        });
    }
}
