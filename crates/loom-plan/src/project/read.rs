//! Reading loom.yaml, what it includes, and the stack.
//!
//! In: an [`Input`]. Out: a [`Project`] and findings, all of them in one pass. Where there are
//! errors the project holds what could be read, so that the stories can still be checked against
//! it; nothing may be planned from it. There is none at all where loom.yaml is no project of this
//! format.
//!
//! Invariant: credentials are taken out of the nodes before anything else looks at them.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::schema::{INCLUDE, PROJECT, SERVICE};
use super::view::no_value;
use super::{
    Adopt, Delegate, Entry, Environment, Gate, Moved, OnDrift, Pattern, Permitted, Project,
    Removed, RemovedWhat, Service, seen_from_root,
};
use crate::addr::{Address, Name, RepoPath};
use crate::check::accept::{Accept, Literal};
use crate::check::bars::Bars;
use crate::credential;
use crate::diag::{Code, Diagnostic, Diagnostics, Hidden};
use crate::input::{Globs, Input, ReadError, load, parsed};
use crate::keys::delegate::KeyPattern;
use crate::node::{self, Map, Node};
use crate::shape::{self, Field, Need, Shape, World, is_per_environment};
use crate::stack::Stack;
use crate::text::{Sources, Span};

pub use super::entry::entry;
use super::requires;

/// Where the project is described.
pub const PROJECT_FILE: &str = "loom.yaml";
/// Where the technology is described.
pub const STACK_FILE: &str = ".agent/loom/stack-config.json";
/// Where stories are looked for when nobody says.
pub const STORIES: &str = "stories/**/*.{yaml,yml,json}";

/// A file of loom's own and its node, without credentials.
struct File {
    path: RepoPath,
    node: Node,
}

/// Reads loom.yaml at the root, the files that it includes, and the stack.
pub fn read(input: &dyn Input, sources: &mut Sources, out: &mut Diagnostics) -> Option<Project> {
    let first = sources.ids().count();
    let project = read_files(input, sources, out)
        .map(|(files, stack)| assemble(&files, stack.as_ref(), sources, out));
    credential::hide(sources, first, out);
    project
}

/// loom.yaml, then its includes, and the stack's node.
fn read_files(
    input: &dyn Input,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<(Vec<File>, Option<Node>)> {
    let mut files = vec![file(input, root_file(), sources, out)?];
    // a newer loom's file may hold much that this one would misread
    requires::check(&files[0].node, out).ok()?;
    let patterns: Vec<Pattern> = files[0]
        .node
        .get("include")
        .map(|node| patterns(node, out))
        .unwrap_or_default();
    for path in matching(input, &patterns, out) {
        if path != files[0].path {
            let file = file(input, path, sources, out);
            if file.is_none() {
                out.hide(Hidden::Services);
                out.hide(Hidden::Declarations);
            }
            files.extend(file);
        }
    }
    let stack = RepoPath::new(STACK_FILE).expect("a constant path in normal form");
    let stack = match input.read(&stack) {
        Err(ReadError::Missing) => None,
        read => {
            let node = parsed(read, &stack, sources, out)
                .map(|node| credential::guard(&node, sources, out));
            if node.is_none() {
                out.hide(Hidden::Setting("stack".to_owned()));
            }
            node
        }
    };
    Some((files, stack))
}

pub(super) fn root_file() -> RepoPath {
    RepoPath::new(PROJECT_FILE).expect("a constant path in normal form")
}

/// A file of this format; others are findings.
fn file(
    input: &dyn Input,
    path: RepoPath,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<File> {
    let node = load(input, &path, sources, out)?;
    if path.as_str() == PROJECT_FILE {
        sources.accept(Literal::all(&node));
    }
    let node = credential::guard(&node, sources, out);
    if let Some(version) = node
        .get("loom")
        .filter(|version| version.as_integer().is_some_and(|version| version != 1))
    {
        let message = format!(
            "this file is of format {}, and this loom reads format 1",
            version.scalar_text().unwrap_or_default()
        );
        let help = "write `loom: 1`, or use the loom that the file was written for";
        out.push(
            Diagnostic::new(Code::FormatVersion, message)
                .at(version.span, "")
                .help(help),
        );
        return None;
    }
    if node.as_map().is_none() {
        let message = format!(
            "`{path}` must be a mapping, and this is {}",
            node.type_name()
        );
        let help = "begin with `loom: 1`; `loom init` writes a file to start from";
        out.push(
            Diagnostic::new(Code::WrongType, message)
                .at(node.span, "")
                .help(help),
        );
        return None;
    }
    Some(File { path, node })
}

fn assemble(
    files: &[File],
    stack: Option<&Node>,
    sources: &Sources,
    out: &mut Diagnostics,
) -> Project {
    let root = &files[0].node;
    let environments = environments(root, out);
    let environment_names: Vec<Name> = environments
        .iter()
        .map(|environment| environment.name.clone())
        .collect();
    let world = World {
        sources,
        environments: &environment_names,
    };
    for (at, file) in files.iter().enumerate() {
        let fields = if at == 0 { PROJECT } else { INCLUDE };
        shape::check(
            &file.node,
            &Shape::Record(fields),
            file.path.as_str(),
            world,
            out,
        );
    }
    let stack = Stack::read(stack.filter(|node| !node.is_null()), root.get("stack"), out);
    let services = services(files, world, out);
    let entries = files.iter().flat_map(|file| {
        let list = file.node.get("artifacts");
        if list.is_some_and(|list| !list.is_null() && list.as_seq().is_none()) {
            out.hide(Hidden::Declarations);
        }
        let list = list.and_then(Node::as_seq).unwrap_or_default();
        list.iter()
            .filter_map(|node| entry(node, &file.path, world, out))
            .collect::<Vec<_>>()
    });
    let entries = entries.collect();
    refuse(root, out);
    check_pins(root, out);
    Project {
        name: name_of(root),
        environments,
        services,
        stack,
        entries,
        on_drift: root
            .at(&["defaults", "onDrift"])
            .and_then(Node::as_str)
            .and_then(OnDrift::parse)
            .unwrap_or(OnDrift::Conflict),
        gate: if root.get("gate").and_then(Node::as_str) == Some("hold") {
            Gate::Hold
        } else {
            Gate::Warn
        },
        delivery: root.get("delivery").cloned(),
        pins: root.get("pins").cloned(),
        stories: stories(root, out),
        moved: moves(root, out),
        removed: listed(root, "removed")
            .filter_map(|node| removed(node, out))
            .collect(),
        adopt: listed(root, "adopt").filter_map(adopt).collect(),
        delegate: listed(root, "delegate")
            .filter_map(|node| delegate(node, out))
            .collect(),
        accept: root
            .get("policy")
            .map(|policy| accepted(policy, out))
            .unwrap_or_default(),
        bars: Bars::read(root.get("policy").and_then(|policy| policy.get("sarif"))),
        environment_names,
    }
}

/// The project's name; where there is no good one, that is an error already and any will do.
fn name_of(root: &Node) -> Name {
    let said = root
        .get("project")
        .and_then(Node::as_str)
        .and_then(|text| Name::new(text).ok());
    said.unwrap_or_else(|| Name::new("project").expect("a constant name"))
}

/// The globs of a list, each with its place.
fn patterns(node: &Node, out: &mut Diagnostics) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for node in node.as_seq().unwrap_or_default() {
        let Some(glob) = node.as_str() else { continue };
        match Globs::check(glob) {
            Ok(()) => patterns.push(Pattern {
                glob: glob.to_owned(),
                span: Some(node.span),
            }),
            Err(error) => {
                let found = Diagnostic::new(
                    Code::BadValue,
                    format!("`{glob}` is not a pattern: {error}"),
                )
                .at(node.span, "");
                out.push(found.help(
                    "`*` stands for a part of a name, `**` for any directories, `{a,b}` for either",
                ));
            }
        }
    }
    patterns
}

/// The files that match. A pattern that somebody wrote and that matches nothing is said.
pub(crate) fn matching(
    input: &dyn Input,
    patterns: &[Pattern],
    out: &mut Diagnostics,
) -> Vec<RepoPath> {
    let globs: Vec<String> = patterns
        .iter()
        .map(|pattern| pattern.glob.clone())
        .collect();
    let found = if globs.is_empty() {
        Vec::new()
    } else {
        input.glob(&globs)
    };
    let named = Globs::new(&globs);
    let others = input.passed_over(&globs);
    for (path, what) in others.iter().filter(|(path, _)| named.matches(path)) {
        let error = Diagnostic::new(
            Code::FileMissing,
            format!("`{path}` is {what}, which loom does not look through"),
        );
        out.push(error.help("put the file itself in its place, or let no pattern match it"));
    }
    for Pattern { glob, span } in patterns {
        let Some(span) = *span else { continue };
        let one = Globs::new(std::slice::from_ref(glob));
        if !found.iter().any(|path| one.matches(path)) {
            let warning =
                Diagnostic::new(Code::NoMatch, format!("`{glob}` matches no file")).at(span, "");
            out.push(warning.help("patterns are seen from the repository's root; `**` crosses directories, `*` does not"));
        }
    }
    found
}

fn stories(root: &Node, out: &mut Diagnostics) -> Vec<Pattern> {
    match root.get("stories") {
        Some(node) => patterns(node, out),
        None => vec![Pattern {
            glob: STORIES.to_owned(),
            span: None,
        }],
    }
}

fn environments(root: &Node, out: &mut Diagnostics) -> Vec<Environment> {
    let Some(node) = root.get("environments") else {
        return Vec::new();
    };
    let Some(map) = node.as_map() else {
        out.hide(Hidden::Environments);
        return Vec::new();
    };
    if map.is_empty() {
        let found =
            Diagnostic::new(Code::MissingKey, "the project has no environment").at(node.span, "");
        out.push(
            found.help("name at least one, such as `production: { url: https://api.example.com }`"),
        );
    }
    let mut environments = Vec::new();
    for (key, entry) in map.entries() {
        let Ok(name) = Name::new(key) else {
            out.hide(Hidden::Environments);
            continue;
        };
        if key.as_ref() == "default" || is_setting(key, SERVICE) {
            let message =
                format!("`{key}` is the name of a setting, so no environment can have it");
            let found = Diagnostic::new(Code::NameTaken, message).at(entry.key, "");
            out.push(found.help(
                "a mapping by environment could not be told from a setting; take another name",
            ));
        }
        environments.push(environment(name, entry.key, &entry.node));
    }
    let said = environments
        .iter()
        .any(|environment| environment.production);
    if let Some(last) = environments.last_mut().filter(|_| !said) {
        last.production = true;
    }
    environments
}

fn environment(name: Name, key: Span, node: &Node) -> Environment {
    let production = node.get("production").and_then(Node::as_bool) == Some(true);
    Environment {
        name,
        node: or_empty(node, key),
        production,
    }
}

/// `staging:` without a value is an empty mapping at its key.
fn or_empty(node: &Node, key: Span) -> Node {
    if node.is_null() {
        Node::map(key, Map::default())
    } else {
        node.clone()
    }
}

/// Whether a setting, at any depth, has this name.
fn is_setting(name: &str, fields: &[Field]) -> bool {
    fields.iter().any(|field| {
        field.name == name || inner(&field.shape).is_some_and(|fields| is_setting(name, fields))
    })
}

/// The keys of a mapping, however deep the shape wraps it.
fn inner(shape: &Shape) -> Option<&'static [Field]> {
    if let Shape::Record(fields) = shape {
        return Some(fields);
    }
    if let Shape::Map(shape) | Shape::PerEnvironment(shape) = shape {
        return inner(shape);
    }
    if let Shape::Either(shapes) = shape {
        return shapes.iter().find_map(inner);
    }
    None
}

fn services(files: &[File], world: World<'_>, out: &mut Diagnostics) -> IndexMap<Name, Service> {
    let mut services: IndexMap<Name, Service> = IndexMap::new();
    let mut places: BTreeMap<Name, Span> = BTreeMap::new();
    for file in files {
        let Some(node) = file.node.get("services").filter(|node| !node.is_null()) else {
            continue;
        };
        let Some(map) = node.as_map() else {
            out.hide(Hidden::Services);
            continue;
        };
        for (key, entry) in map.entries() {
            let Ok(name) = Name::new(key) else {
                out.hide(Hidden::Services);
                continue;
            };
            if let Some(first) = places.get(&name) {
                let found = Diagnostic::new(
                    Code::NameTaken,
                    format!("the service `{name}` is described twice"),
                );
                out.push(
                    found
                        .at(entry.key, "again here")
                        .at(*first, "first here")
                        .help("keep one of the two, or rename it"),
                );
                continue;
            }
            places.insert(name.clone(), entry.key);
            let node = service(
                &name,
                &or_empty(&entry.node, entry.key),
                &file.path,
                world,
                out,
            );
            services.insert(
                name.clone(),
                Service {
                    name,
                    node,
                    file: file.path.clone(),
                },
            );
        }
    }
    services
}

/// A service's node, `watch` seen from the root, and what shapes cannot say of it.
fn service(
    name: &Name,
    node: &Node,
    file: &RepoPath,
    world: World<'_>,
    out: &mut Diagnostics,
) -> Node {
    require_values(SERVICE, node, &format!("services.{name}"), world, out);
    for key in ["path", "migrations"] {
        for node in node
            .get(key)
            .into_iter()
            .flat_map(|node| values(node, world))
        {
            if let Some(Err(error)) = node.as_str().map(|text| seen_from_root(file, text)) {
                out.push(
                    Diagnostic::new(Code::BadValue, format!("`{key}`: {error}")).at(node.span, ""),
                );
            }
        }
    }
    for node in node
        .get("health")
        .into_iter()
        .flat_map(|node| values(node, world))
    {
        if node.as_str().is_some_and(|text| !text.starts_with('/')) {
            let found = Diagnostic::new(
                Code::BadValue,
                "`health` must be a path that begins with `/`",
            )
            .at(node.span, "");
            out.push(found.help("write it as in a URL, such as `/health`"));
        }
    }
    for (name, entry) in node
        .get("environment")
        .and_then(Node::as_map)
        .into_iter()
        .flat_map(Map::entries)
    {
        variable(name, entry.key, &entry.node, out);
    }
    let (Some(map), Some(watch)) = (node.as_map(), node.get("watch")) else {
        return node.clone();
    };
    let mut map = map.clone();
    map.insert("watch", watched(watch, file, world, out));
    Node::map(node.span, map)
}

/// The values of a setting: one, or one for each environment.
fn values<'a>(node: &'a Node, world: World<'_>) -> Vec<&'a Node> {
    match node
        .as_map()
        .filter(|map| is_per_environment(map, world.environments))
    {
        Some(map) => map.iter().map(|(_, node)| node).collect(),
        None => vec![node],
    }
}

fn watched(node: &Node, file: &RepoPath, world: World<'_>, out: &mut Diagnostics) -> Node {
    if let Some(map) = node
        .as_map()
        .filter(|map| is_per_environment(map, world.environments))
    {
        let mut resolved = map.clone();
        for (key, node) in map.iter() {
            resolved.insert(key, watched(node, file, world, out));
        }
        return Node::map(node.span, resolved);
    }
    let Some(items) = node.as_seq() else {
        return node.clone();
    };
    let mut globs = Vec::new();
    for item in items {
        match item.as_str().map(|text| seen_from_root(file, text)) {
            Some(Ok(glob)) => globs.push(Node::string(item.span, glob)),
            Some(Err(error)) => out.push(
                Diagnostic::new(Code::BadValue, format!("`watch`: {error}")).at(item.span, ""),
            ),
            None => {}
        }
    }
    Node::seq(node.span, globs)
}

fn variable(name: &str, key: Span, node: &Node, out: &mut Diagnostics) {
    let letters = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !letters || name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        let found = Diagnostic::new(
            Code::BadValue,
            format!("`{name}` is not the name of an environment variable"),
        )
        .at(key, "");
        out.push(
            found.help(
                "use letters, digits and `_`, not beginning with a digit, such as `API_PORT`",
            ),
        );
    }
    let secret = node
        .get("secret")
        .filter(|secret| secret.as_bool() != Some(false));
    if let (Some(secret), Some(value)) = (secret, node.get("value")) {
        let found = Diagnostic::new(
            Code::BadValue,
            format!("the secret `{name}` has a value that everybody can read"),
        );
        let found = found
            .at(value.span, "this value")
            .at(secret.span, "of a secret");
        out.push(found.help("remove `value`: a secret's value stays in its manager"));
    }
}

/// Every setting that differs by environment must have a value in each of them.
fn require_values(
    fields: &[Field],
    node: &Node,
    pointer: &str,
    world: World<'_>,
    out: &mut Diagnostics,
) {
    for field in fields {
        let Some(value) = node.get(field.name) else {
            continue;
        };
        let pointer = format!("{pointer}.{}", field.name);
        match (value.as_map(), &field.shape) {
            (Some(map), Shape::PerEnvironment(_)) => {
                let complete =
                    map.get("default").is_some() || matches!(field.need, Need::Default(_));
                if !complete && is_per_environment(map, world.environments) {
                    let lacking = world
                        .environments
                        .iter()
                        .filter(|name| map.get(name.as_str()).is_none());
                    out.extend(lacking.map(|name| no_value(&pointer, name, value.span)));
                }
            }
            (Some(_), Shape::Record(fields)) => require_values(fields, value, &pointer, world, out),
            (Some(map), Shape::Map(Shape::Record(fields))) => {
                for (key, node) in map.iter() {
                    require_values(fields, node, &format!("{pointer}.{key}"), world, out);
                }
            }
            (Some(_) | None, _) => {}
        }
    }
}

/// What the format has and this version has not.
fn refuse(root: &Node, out: &mut Diagnostics) {
    let empty = |node: &Node| {
        node.as_seq().is_some_and(<[Node]>::is_empty) || node.as_map().is_some_and(Map::is_empty)
    };
    let entry = root.as_map().and_then(|map| map.entry("providers"));
    if let Some(entry) = entry.filter(|entry| !entry.node.is_null() && !empty(&entry.node)) {
        let found = Diagnostic::new(
            Code::NotSupported,
            "this version of loom runs no providers of one's own",
        );
        let help = "take `providers` out, and write the file with the kinds `template` or `file`";
        out.push(found.at(entry.key, "").help(help));
    }
}

fn check_pins(root: &Node, out: &mut Diagnostics) {
    let hex = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let all = |path: &[&str]| {
        root.at(path)
            .and_then(Node::as_map)
            .cloned()
            .unwrap_or_default()
    };
    for (name, pin) in all(&["pins", "actions"]).iter() {
        if let Some(sha) = pin
            .get("sha")
            .filter(|sha| sha.as_str().is_some_and(|text| !hex(text, 40)))
        {
            let message = format!(
                "the pin of `{name}` is not the hash of a commit, which has 40 hexadecimal digits"
            );
            let help = format!(
                "`git ls-remote https://github.com/{name}` lists the hashes of its versions"
            );
            out.push(
                Diagnostic::new(Code::BadValue, message)
                    .at(sha.span, "")
                    .help(help),
            );
        }
    }
    for (name, pin) in all(&["pins", "images"]).iter() {
        let good = |text: &str| {
            text.strip_prefix("sha256:")
                .is_some_and(|digest| hex(digest, 64))
        };
        if let Some(digest) = pin
            .get("digest")
            .filter(|digest| digest.as_str().is_some_and(|text| !good(text)))
        {
            let message =
                format!("the digest of `{name}` is not `sha256:` and 64 hexadecimal digits");
            let help = format!("`docker buildx imagetools inspect {name}:TAG` prints it");
            out.push(
                Diagnostic::new(Code::BadValue, message)
                    .at(digest.span, "")
                    .help(help),
            );
        }
    }
}

fn listed<'a>(root: &'a Node, key: &str) -> impl Iterator<Item = &'a Node> + use<'a> {
    root.get(key)
        .and_then(Node::as_seq)
        .unwrap_or_default()
        .iter()
}

fn address(node: &Node, key: &str) -> Option<Address> {
    node.get(key)?
        .as_str()
        .and_then(|text| Address::parse(text).ok())
}

/// How many moves a project may list: each may go on by any other, so that following them takes time
/// that grows with the square of their number.
const MAX_MOVED: usize = 2000;

fn moves(root: &Node, out: &mut Diagnostics) -> Vec<Moved> {
    let moves: Vec<Moved> = listed(root, "moved").filter_map(moved).collect();
    if moves.len() <= MAX_MOVED {
        return moves;
    }
    let (number, at) = (moves.len(), root.get("moved").unwrap_or(root));
    let message = format!("`moved` has {number} entries, and loom follows at most {MAX_MOVED}");
    let found = Diagnostic::new(Code::TooLarge, message).at(at.span, "");
    out.push(found.help("take out the entries that were applied everywhere"));
    Vec::new()
}

fn moved(node: &Node) -> Option<Moved> {
    Some(Moved {
        from: address(node, "from")?,
        to: address(node, "to")?,
        span: node.span,
    })
}

fn removed(node: &Node, out: &mut Diagnostics) -> Option<Removed> {
    node.as_map()?;
    let (address_node, story, component) = (
        node.get("address"),
        node.get("story"),
        node.get("component"),
    );
    let wrong = match (address_node, story) {
        (None, None) => Some("this names nothing that is removed"),
        (Some(_), Some(_)) => Some("this names both an address and a story"),
        (None, Some(_)) if component.is_some() => {
            Some("a component belongs to an address, and this names a story")
        }
        (Some(_), None) | (None, Some(_)) => None,
    };
    if let Some(message) = wrong {
        let help = "write `{ address: KIND.NAME }`, `{ address: KIND.NAME, component: PART }` or `{ story: CODE }`";
        out.push(
            Diagnostic::new(Code::Refactoring, message)
                .at(node.span, "")
                .help(help),
        );
        return None;
    }
    let what = match story {
        Some(story) => RemovedWhat::Story(story.as_str()?.to_owned()),
        None => RemovedWhat::Address(address(node, "address")?),
    };
    let says = |key: &str| node.get(key).and_then(Node::as_bool) == Some(true);
    let (keep, replaces) = (says("keep"), says("replace"));
    let reason = node.get("reason").and_then(Node::as_str).map(str::trim);
    let reason = reason.filter(|reason| reason.contains(char::is_alphanumeric));
    if replaces && (component.is_none() || keep) {
        let message = "`replace` permits that one component is made anew, and this names no component, or keeps it";
        out.push(
            Diagnostic::new(Code::Refactoring, message)
                .at(node.span, "")
                .help(
                    "write `{ address: KIND.NAME, component: PART, replace: true, reason: \"…\" }`",
                ),
        );
        return None;
    }
    if component.is_some() && !keep && reason.is_none() {
        let message = "this entry of `removed` permits nothing, because it says no reason";
        out.push(
            Diagnostic::new(Code::NoReason, message)
                .at(node.span, "")
                .help("add `reason`: why what it names may be lost; or take the entry out where it was applied everywhere"),
        );
    }
    Some(Removed {
        what,
        keep,
        component: component.and_then(Node::as_str).map(str::to_owned),
        fate: if replaces {
            Permitted::Replacing
        } else {
            Permitted::Going
        },
        reason: reason.map(str::to_owned),
        span: node.span,
    })
}

/// The exceptions of a loom.yaml and what it says of scanners, of which nothing else is read; none where
/// there is no such file.
pub fn exceptions(
    input: &dyn Input,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> (Vec<Accept>, Bars) {
    let Ok(text) = input.read(&root_file()) else {
        return (Vec::new(), Bars::default());
    };
    let id = sources.add(PROJECT_FILE, text);
    let root = node::parse_one(sources, id, out);
    let policy = root.as_ref().and_then(|root| root.get("policy"));
    let bars = Bars::read(policy.and_then(|policy| policy.get("sarif")));
    let accept = policy.map_or_else(Vec::new, |policy| accepted(policy, out));
    (accept, bars)
}

fn accepted(policy: &Node, out: &mut Diagnostics) -> Vec<Accept> {
    listed(policy, "accept")
        .filter_map(|node| Accept::read(node, out))
        .collect()
}

fn adopt(node: &Node) -> Option<Adopt> {
    let path = node
        .get("path")
        .and_then(Node::as_str)
        .and_then(|text| root_file().sibling(text).ok());
    Some(Adopt {
        address: address(node, "address")?,
        path,
        span: node.span,
    })
}

fn delegate(node: &Node, out: &mut Diagnostics) -> Option<Delegate> {
    let keys = node.get("keys")?;
    let text = keys.as_str()?;
    let Some(pattern) = KeyPattern::parse(text) else {
        let found = Diagnostic::new(
            Code::BadValue,
            format!("`{text}` does not name keys of a document"),
        )
        .at(keys.span, "");
        out.push(found.help(
            "write it as `jobs.*.steps[*].uses`: `*` for any key, `[*]` for any entry of a list, `[name=api]` for one; in front, `[kind=Deployment, name=api]` for a document of several",
        ));
        return None;
    };
    let to = node.get("to").and_then(Node::as_str)?.to_owned();
    Some(Delegate {
        address: address(node, "address")?,
        keys: pattern,
        to,
        span: node.span,
        keys_span: keys.span,
    })
}

/// The entries of several lists, for stories too.
pub(crate) fn entries(
    list: &[Node],
    file: &RepoPath,
    world: World<'_>,
    out: &mut Diagnostics,
) -> Vec<Entry> {
    list.iter()
        .filter_map(|node| entry(node, file, world, out))
        .collect()
}
