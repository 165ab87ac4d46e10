//! What Terraform would make anew, without what it held, because of a change of a file.
//!
//! In: a file and what stands around it, before and after. Out: the resources that hold data and whose
//! arguments say something else in a place where Terraform cannot change them
//! ([`terraform_forces`](super::terraform_forces)): written there, by a local value, by a variable and what
//! a `.tfvars` file or the call of a module says for it, by the region of their provider; and instances
//! that a smaller `count` or `for_each` leaves out.
//!
//! Nothing is computed: expressions are compared as texts, once names stand for what they are given.
//! What is written otherwise and comes to the same is told too; a person is asked once more then.
//!
//! Deliberately not here: modules from elsewhere than the repository, whose arguments mean what loom
//! cannot know.

use std::collections::{BTreeMap, BTreeSet};

use hcl::expr::ObjectKey;
use hcl::{Block, BlockLabel, Body, Expression};
use loom_plan::addr::RepoPath;
use loom_plan::provider::{Change, Fate, Lost, Texts};

use super::terraform_forces as forces;
use super::terraform_lost::component;

/// How deep modules call each other before loom looks no further.
const DEPTH: usize = 8;
/// How long an expression may become while names are replaced.
const LONGEST: usize = 16 * 1024;

/// What a change makes anew, told of the file that declares it, or that alone makes the difference.
pub(super) fn by(change: Change<'_>) -> Vec<Lost> {
    let (stands, comes) = (folder_of(change.stands), folder_of(change.comes));
    let (before, after) = (change.before.folder(stands), change.after.folder(comes));
    let Some(new) = after.iter().find(|(path, _)| path == change.comes) else {
        return Vec::new();
    };
    let variables = change.stands.file_name();
    let look = |files: &[(RepoPath, String)], folder, own: &dyn Texts| {
        let modules = Modules {
            own,
            other: change.after,
        };
        things(files, folder, variables, &modules)
    };
    let old = look(&before, stands, change.before);
    let renamed = renamed(&after);
    let all = differences(&old, &look(&after, comes, change.after), &renamed);
    if all.is_empty() {
        return all;
    }
    // what this file alone changes, all others being as they stand
    let mut alone = before;
    alone.retain(|(path, _)| path != change.stands);
    alone.push(new.clone());
    let alone = differences(&old, &look(&alone, stands, change.before), &renamed);
    let is_here = |lost: &Lost| {
        let declared = old
            .get(&lost.name)
            .map(|thing| thing.file == *change.stands);
        declared == Some(true) || alone.iter().any(|other| other.name == lost.name)
    };
    all.into_iter().filter(is_here).collect()
}

fn folder_of(path: &RepoPath) -> &str {
    path.parent().unwrap_or("")
}

/// The files of modules: as they will be, where they will be there, so that what a module itself changes
/// is told of the module.
struct Modules<'a> {
    own: &'a dyn Texts,
    other: &'a dyn Texts,
}

impl Modules<'_> {
    fn folder(&self, folder: &str) -> Vec<(RepoPath, String)> {
        let files = self.other.folder(folder);
        if files.is_empty() {
            self.own.folder(folder)
        } else {
            files
        }
    }
}

/// Something that holds data.
#[derive(Debug, PartialEq, Eq)]
struct Thing {
    /// What decides whether it stays: arguments, and settings of its provider, as texts.
    arguments: BTreeMap<&'static str, String>,
    /// How often it is there, by the `count` and `for_each` of it and of the calls around it.
    instances: BTreeMap<String, Instances>,
    /// The file of the folder that declares it, itself or by a call.
    file: RepoPath,
}

/// How often something is there.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Instances {
    Count(Option<u64>),
    Each(Option<BTreeSet<String>>),
}

type Things = BTreeMap<String, Thing>;

/// What names stand for in a folder.
#[derive(Default)]
struct Names {
    /// `local.NAME` and `var.NAME`.
    values: BTreeMap<String, String>,
    /// Settings of providers, by what resources call the provider: `aws`, `aws.west`.
    providers: BTreeMap<String, BTreeMap<&'static str, String>>,
}

fn things(
    files: &[(RepoPath, String)],
    folder: &str,
    variables: &str,
    modules: &Modules<'_>,
) -> Things {
    let mut names = Names::default();
    for (path, text) in files {
        let name = path.file_name();
        let is_given = name == "terraform.tfvars"
            || name.ends_with(".auto.tfvars")
            || (name == variables && name.ends_with(".tfvars"));
        if let (true, Ok(body)) = (is_given, hcl::parse(text)) {
            for attribute in body.attributes() {
                let value = attribute.expr.to_string();
                names
                    .values
                    .insert(format!("var.{}", attribute.key()), value);
            }
        }
    }
    let mut found = Things::new();
    collect(files, folder, names, (modules, DEPTH), &mut found);
    found
}

/// Adds what a folder declares. `names` holds what its caller gives it.
fn collect(
    files: &[(RepoPath, String)],
    folder: &str,
    mut names: Names,
    (modules, depth): (&Modules<'_>, usize),
    found: &mut Things,
) {
    let bodies: Vec<(&RepoPath, Body)> = files
        .iter()
        .filter(|(path, _)| path.extension() == Some("tf"))
        .filter_map(|(path, text)| Some((path, hcl::parse(text).ok()?)))
        .collect();
    for (_, body) in &bodies {
        names.read(body);
    }
    for (path, body) in &bodies {
        for block in body.blocks() {
            match block.identifier() {
                "resource" => {
                    found.extend(resource(block, &names, path));
                }
                "module" if depth > 0 => {
                    call(block, folder, &names, ((modules, depth - 1), path), found);
                }
                _ => {}
            }
        }
    }
}

fn resource(block: &Block, names: &Names, file: &RepoPath) -> Option<(String, Thing)> {
    let [kind, name] = block.labels.as_slice() else {
        return None;
    };
    let (kind, name) = (kind.as_str(), name.as_str());
    let mut arguments: BTreeMap<&'static str, String> = BTreeMap::new();
    for argument in forces::of(kind)? {
        let value = argument_of(&block.body, argument);
        arguments.extend(value.map(|value| (*argument, names.resolved(&value))));
    }
    let own = argument_of(&block.body, "provider");
    let provider = own.unwrap_or_else(|| kind.split('_').next().unwrap_or(kind).to_owned());
    for (setting, value) in names.providers.get(&provider).into_iter().flatten() {
        let is_own = |name: &str| argument_of(&block.body, name).is_some();
        let is_said = is_own(setting) || (*setting == "region" && is_own("location"));
        if !is_said {
            arguments.entry(setting).or_insert_with(|| value.clone());
        }
    }
    if let Some(region) = argument_of(&block.body, "region") {
        arguments.insert("region", names.resolved(&region));
    }
    let full = format!("{kind}.{name}");
    let instances = instances(&block.body, names).map(|it| (full.clone(), it));
    let thing = Thing {
        arguments: arguments
            .into_iter()
            .filter(|(_, value)| !matches!(value.as_str(), "null" | "false" | "\"\""))
            .collect(),
        instances: instances.into_iter().collect(),
        file: file.clone(),
    };
    Some((full, thing))
}

/// The data things of a module that is called, where it stands in the repository.
fn call(
    block: &Block,
    folder: &str,
    names: &Names,
    (modules, file): ((&Modules<'_>, usize), &RepoPath),
    found: &mut Things,
) {
    let Some(label) = block.labels.first().map(BlockLabel::as_str) else {
        return;
    };
    let source = argument_of(&block.body, "source").unwrap_or_default();
    let source = source.trim_matches('"');
    let here = if folder.is_empty() {
        "x".to_owned()
    } else {
        format!("{folder}/x")
    };
    let Some(path) = RepoPath::new(&here)
        .ok()
        .filter(|_| source.starts_with("./") || source.starts_with("../"))
        .and_then(|here| {
            here.sibling(&format!("{}/x", source.trim_end_matches('/')))
                .ok()
        })
    else {
        return;
    };
    let inside = folder_of(&path).to_owned();
    let mut given = Names::default();
    for attribute in block.body.attributes() {
        let value = names.resolved(&attribute.expr.to_string());
        given
            .values
            .insert(format!("var.{}", attribute.key()), value);
    }
    given.providers = names.handed_on(&block.body);
    let (modules, depth) = modules;
    let mut things = Things::new();
    collect(
        &modules.folder(&inside),
        &inside,
        given,
        (modules, depth),
        &mut things,
    );
    let around = instances(&block.body, names);
    for (name, mut thing) in things {
        let full = format!("module.{label}.{name}");
        let inner = std::mem::take(&mut thing.instances);
        thing.instances = inner
            .into_iter()
            .map(|(level, it)| (format!("module.{label}.{level}"), it))
            .chain(
                around
                    .as_ref()
                    .map(|it| (format!("module.{label}"), it.clone())),
            )
            .collect();
        thing.file = file.clone();
        found.insert(full, thing);
    }
}

/// An argument as text, or all blocks of that name.
fn argument_of(body: &Body, name: &str) -> Option<String> {
    if let Some(attribute) = body.attributes().find(|it| it.key() == name) {
        return Some(attribute.expr.to_string());
    }
    let blocks: Vec<String> = body
        .blocks()
        .filter(|it| it.identifier() == name)
        .map(|it| flat(&it.body))
        .collect();
    (!blocks.is_empty()).then(|| blocks.join(";"))
}

/// A body on one line, whatever the order of what it holds.
fn flat(body: &Body) -> String {
    let attributes = body
        .attributes()
        .map(|it| format!("{} = {}", it.key(), it.expr));
    let blocks = body.blocks().map(|it| {
        let labels: Vec<&str> = it.labels.iter().map(BlockLabel::as_str).collect();
        format!(
            "{} {} {}",
            it.identifier(),
            labels.join(" "),
            flat(&it.body)
        )
    });
    let all: BTreeSet<String> = attributes.chain(blocks).collect();
    format!("{{ {} }}", all.into_iter().collect::<Vec<_>>().join(", "))
}

impl Names {
    /// Takes in what a file of the folder says: local values, defaults of variables, providers.
    fn read(&mut self, body: &Body) {
        for block in body.blocks() {
            match (block.identifier(), block.labels.first()) {
                ("locals", _) => {
                    for attribute in block.body.attributes() {
                        let value = attribute.expr.to_string();
                        self.values
                            .insert(format!("local.{}", attribute.key()), value);
                    }
                }
                ("variable", Some(name)) => {
                    let default = argument_of(&block.body, "default");
                    if let Some(default) = default {
                        let name = format!("var.{}", name.as_str());
                        self.values.entry(name).or_insert(default);
                    }
                }
                ("provider", Some(name)) => {
                    let alias = argument_of(&block.body, "alias");
                    let called = alias.map_or_else(
                        || name.as_str().to_owned(),
                        |alias| format!("{}.{}", name.as_str(), alias.trim_matches('"')),
                    );
                    let settings = forces::places(name.as_str())
                        .iter()
                        .filter_map(|setting| Some((*setting, argument_of(&block.body, setting)?)));
                    self.providers.insert(called, settings.collect());
                }
                _ => {}
            }
        }
        let resolved: Vec<_> = self
            .providers
            .iter()
            .map(|(called, settings)| {
                let resolve =
                    |(name, value): (&&'static str, &String)| (*name, self.resolved(value));
                (called.clone(), settings.iter().map(resolve).collect())
            })
            .collect();
        self.providers.extend(resolved);
    }

    /// The providers that a module gets: those that the call names, else those without an alias.
    fn handed_on(&self, call: &Body) -> BTreeMap<String, BTreeMap<&'static str, String>> {
        let mut given: BTreeMap<_, _> = self
            .providers
            .iter()
            .filter(|(called, _)| !called.contains('.'))
            .map(|(called, settings)| (called.clone(), settings.clone()))
            .collect();
        let named = call.attributes().find(|it| it.key() == "providers");
        if let Some(Expression::Object(object)) = named.map(|it| &it.expr) {
            for (inside, outside) in object {
                let settings = self.providers.get(&outside.to_string());
                given.insert(inside.to_string(), settings.cloned().unwrap_or_default());
            }
        }
        given
    }

    /// A text in which names stand for what they are given, as far as that is known.
    fn resolved(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for _ in 0..16 {
            let next = self.replaced(&text);
            if next == text || next.len() > LONGEST {
                break;
            }
            text = next;
        }
        text
    }

    fn replaced(&self, text: &str) -> String {
        let (mut out, mut rest) = (String::with_capacity(text.len()), text);
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        while let Some(at) = ["local.", "var."]
            .iter()
            .filter_map(|it| rest.find(it))
            .min()
        {
            let begins = !rest[..at].ends_with(|c: char| is_word(c) || c == '.');
            let dot = at + rest[at..].find('.').expect("it was found with a dot") + 1;
            let end = rest[dot..]
                .find(|c: char| !is_word(c))
                .map_or(rest.len(), |it| dot + it);
            out += &rest[..at];
            match self.values.get(&rest[at..end]).filter(|_| begins) {
                // what is whole needs nothing around it
                Some(value) if at == 0 && end == rest.len() && out.is_empty() => out += value,
                Some(value) if is_simple(value) => out += value,
                Some(value) => out.extend(["(", value, ")"]),
                None => out += &rest[at..end],
            }
            rest = &rest[end..];
        }
        out += rest;
        without_quotes_inside(&out)
    }
}

/// Whether a text needs no parentheses: a literal.
fn is_simple(text: &str) -> bool {
    let quoted = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    quoted.is_some_and(|inside| !inside.contains(['"', '\\', '$', '%']))
        || (!text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '.'))
}

/// A literal in a template is a part of the text: `"${"a"}-b"` is `"a-b"`.
fn without_quotes_inside(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("${\"") {
        let inside = &rest[at + 3..];
        let literal = inside
            .split_once("\"}")
            .filter(|(literal, _)| !literal.contains(['"', '\\', '$', '%']));
        if let Some((literal, after)) = literal {
            out += &rest[..at];
            out += literal;
            rest = after;
        } else {
            out += &rest[..at + 3];
            rest = inside;
        }
    }
    out + rest
}

/// How often something is there, where it says so.
fn instances(body: &Body, names: &Names) -> Option<Instances> {
    if let Some(each) = argument_of(body, "for_each") {
        return Some(Instances::Each(keys(&names.resolved(&each))));
    }
    let count = argument_of(body, "count")?;
    Some(Instances::Count(names.resolved(&count).parse().ok()))
}

/// The keys of a literal mapping, or the items of a literal set.
fn keys(text: &str) -> Option<BTreeSet<String>> {
    let body = hcl::parse(&format!("x = {text}\n")).ok()?;
    let expression = &body.attributes().next()?.expr;
    if let Expression::Object(object) = expression {
        return object.keys().map(key_of).collect();
    }
    let mut set = std::slice::from_ref(expression);
    if let Expression::FuncCall(call) = expression
        && call.name.name.as_str() == "toset"
    {
        set = call.args.as_slice();
    }
    let [Expression::Array(items)] = set else {
        return None;
    };
    items.iter().map(literal).collect()
}

fn key_of(key: &ObjectKey) -> Option<String> {
    if let ObjectKey::Identifier(name) = key {
        return Some(name.to_string());
    }
    let ObjectKey::Expression(expression) = key else {
        return None;
    };
    literal(expression)
}

fn literal(expression: &Expression) -> Option<String> {
    let Expression::String(text) = expression else {
        return None;
    };
    Some(text.clone())
}

/// What `moved` blocks call otherwise.
fn renamed(files: &[(RepoPath, String)]) -> BTreeMap<String, String> {
    let mut renamed = BTreeMap::new();
    for (_, text) in files {
        let Ok(body) = hcl::parse(text) else { continue };
        for block in body.blocks().filter(|it| it.identifier() == "moved") {
            let end = |name: &str| argument_of(&block.body, name);
            renamed.extend(end("from").zip(end("to")));
        }
    }
    renamed
}

fn differences(old: &Things, new: &Things, renamed: &BTreeMap<String, String>) -> Vec<Lost> {
    let mut lost = Vec::new();
    for (name, before) in old {
        let now = renamed.get(name).unwrap_or(name);
        let Some(after) = new.get(now) else { continue };
        let replaced = before
            .arguments
            .keys()
            .chain(after.arguments.keys())
            .find(|argument| is_another(argument, before, after, renamed));
        let component = component(name.rsplit_once("module.").map_or(name, |(_, inner)| {
            inner.split_once('.').map_or(inner, |(_, inner)| inner)
        }));
        if let Some(argument) = replaced {
            lost.push(Lost {
                component: component.clone(),
                name: name.clone(),
                fate: Fate::Replaced((*argument).to_owned()),
            });
        }
        if before.instances != after.instances && leaves_out(before, after) {
            lost.push(Lost {
                component,
                name: name.clone(),
                fate: Fate::Destroyed,
            });
        }
    }
    lost
}

/// Whether an argument says something else. One that is taken out leaves to the provider what is there.
fn is_another(
    argument: &str,
    before: &Thing,
    after: &Thing,
    renamed: &BTreeMap<String, String>,
) -> bool {
    let is_place = argument == "region" || argument == "subscription_id";
    match (
        before.arguments.get(argument),
        after.arguments.get(argument),
    ) {
        (Some(before), Some(after)) => {
            let mut before = before.clone();
            for (from, to) in renamed {
                before = before.replace(from, to);
            }
            before != *after && family(argument, &before) != family(argument, after)
        }
        // where the environment said the place before, loom does not know whether it is the same
        (None, Some(_)) => !is_place,
        (Some(before), None) => before == "true",
        (None, None) => false,
    }
}

/// What of a value counts: of a version of Cloud SQL the engine.
fn family<'a>(argument: &str, value: &'a str) -> &'a str {
    match argument {
        "database_version" => value.split('_').next().unwrap_or(value),
        _ => value,
    }
}

/// Whether there are fewer of it.
fn leaves_out(before: &Thing, after: &Thing) -> bool {
    let levels: BTreeSet<&String> = before
        .instances
        .keys()
        .chain(after.instances.keys())
        .collect();
    levels.into_iter().any(|level| {
        match (before.instances.get(level), after.instances.get(level)) {
            (None, Some(Instances::Count(Some(count)))) => *count == 0,
            (Some(Instances::Count(Some(before))), Some(Instances::Count(Some(after)))) => {
                after < before
            }
            (Some(Instances::Count(Some(before))), None) => *before > 1,
            (Some(Instances::Each(Some(before))), Some(Instances::Each(Some(after)))) => {
                !before.is_subset(after)
            }
            // under other names: Terraform knows none of them again
            (None | Some(Instances::Count(_)), Some(Instances::Each(_)))
            | (Some(Instances::Each(_)), None | Some(Instances::Count(_))) => true,
            (_, _) => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tree(Vec<(RepoPath, String)>);

    impl Tree {
        fn of(files: &[(&str, &str)]) -> Self {
            let file = |(path, text): &(&str, &str)| {
                (RepoPath::new(path).expect("a path"), (*text).to_owned())
            };
            Self(files.iter().map(file).collect())
        }
    }

    impl Texts for Tree {
        fn folder(&self, folder: &str) -> Vec<(RepoPath, String)> {
            let is_there = |(path, _): &&(RepoPath, String)| folder_of(path) == folder;
            self.0.iter().filter(is_there).cloned().collect()
        }
    }

    /// What the change of one file makes anew: names, and by what.
    fn by_change(path: &str, before: &[(&str, &str)], after: &[(&str, &str)]) -> Vec<String> {
        let path = RepoPath::new(path).expect("a path");
        let lost = by(Change {
            stands: &path,
            comes: &path,
            before: &Tree::of(before),
            after: &Tree::of(after),
        });
        let said = |lost: Lost| match lost.fate {
            Fate::Destroyed => format!("{} goes ({})", lost.name, lost.component),
            Fate::Replaced(by) => format!("{} by {by} ({})", lost.name, lost.component),
        };
        lost.into_iter().map(said).collect()
    }

    fn of_texts(before: &str, after: &str) -> Vec<String> {
        by_change("main.tf", &[("main.tf", before)], &[("main.tf", after)])
    }

    const DATABASE: &str = "resource \"aws_db_instance\" \"this\" {\n  identifier = \"shop\"\n  engine = \"postgres\"\n  instance_class = \"db.t3.small\"\n}\n";

    #[test]
    fn an_argument_that_cannot_be_changed_in_place_makes_it_anew_and_others_do_not() {
        let engine = DATABASE.replace("postgres", "mysql");
        assert_eq!(
            of_texts(DATABASE, &engine),
            ["aws_db_instance.this by engine (database)"]
        );
        let name = DATABASE.replace("\"shop\"", "\"store\"");
        assert_eq!(
            of_texts(DATABASE, &name),
            ["aws_db_instance.this by identifier (database)"]
        );
        let encrypted = DATABASE.replace("engine =", "storage_encrypted = true\n  engine =");
        let by = ["aws_db_instance.this by storage_encrypted (database)"];
        assert_eq!(of_texts(DATABASE, &encrypted), by);
        assert_eq!(of_texts(&encrypted, DATABASE), by);
        let open = encrypted.replace("true", "false");
        for same in [
            DATABASE.replace("small", "large"),
            open,
            DATABASE.to_owned(),
        ] {
            assert!(of_texts(DATABASE, &same).is_empty(), "{same}");
        }
        let bucket = |name: &str| {
            format!("resource \"aws_s3_bucket\" \"files\" {{\n  bucket = {name}\n}}\n")
        };
        assert_eq!(
            of_texts(&bucket("\"a\""), &bucket("\"b\"")),
            ["aws_s3_bucket.files by bucket (state)"]
        );
    }

    #[test]
    fn what_a_name_stands_for_is_looked_up_in_other_files_and_files_of_variables() {
        let main = DATABASE
            .replace("\"postgres\"", "local.engine")
            .replace("\"shop\"", "var.name");
        let locals = |engine: &str| {
            format!(
                "locals {{\n  engine = \"{engine}\"\n}}\nvariable \"name\" {{\n  default = \"shop\"\n}}\n"
            )
        };
        let (old, new) = (locals("postgres"), locals("mysql"));
        let before = [("main.tf", main.as_str()), ("locals.tf", &old)];
        let after = [("main.tf", main.as_str()), ("locals.tf", &new)];
        assert_eq!(
            by_change("locals.tf", &before, &after),
            ["aws_db_instance.this by engine (database)"]
        );
        assert!(by_change("locals.tf", &before, &before).is_empty());
        // the same, written in another place
        let plain = [("main.tf", DATABASE), ("locals.tf", &old)];
        assert!(by_change("main.tf", &before, &plain).is_empty());
        let variables = |name: &str| format!("name = \"{name}\"\n");
        let (old, new) = (variables("shop"), variables("store"));
        assert_eq!(
            by_change(
                "production.tfvars",
                &[&before[..], &[("production.tfvars", &old)]].concat(),
                &[&before[..], &[("production.tfvars", &new)]].concat()
            ),
            ["aws_db_instance.this by identifier (database)"]
        );
    }

    #[test]
    fn the_call_of_a_module_and_the_region_reach_what_it_holds() {
        let module = DATABASE.replace("\"shop\"", "\"${var.name}-db\"");
        let variable = "variable \"name\" {\n}\n";
        let root = |name: &str| {
            format!("module \"shop\" {{\n  source = \"../modules/shop\"\n  name = \"{name}\"\n}}\n")
        };
        let provider = |region: &str| format!("provider \"aws\" {{\n  region = \"{region}\"\n}}\n");
        let tree = |root: String, provider: String| {
            [
                ("live/main.tf", root),
                ("live/providers.tf", provider),
                ("modules/shop/main.tf", module.clone()),
                ("modules/shop/variables.tf", variable.to_owned()),
            ]
        };
        let look = |path: &str, after: [(&str, String); 4]| {
            let before = tree(root("a"), provider("us-east-1"));
            let files = |tree: &[(&'static str, String)]| tree.to_vec();
            let (before, after) = (files(&before), after.to_vec());
            let borrowed = |tree: &[(&str, String)]| -> Vec<(String, String)> {
                tree.iter()
                    .map(|(path, text)| ((*path).to_owned(), text.clone()))
                    .collect()
            };
            let (before, after) = (borrowed(&before), borrowed(&after));
            let texts = |tree: &'_ [(String, String)]| -> Vec<(RepoPath, String)> {
                tree.iter()
                    .map(|(path, text)| (RepoPath::new(path).expect("a path"), text.clone()))
                    .collect()
            };
            let path = RepoPath::new(path).expect("a path");
            let lost = by(Change {
                stands: &path,
                comes: &path,
                before: &Tree(texts(&before)),
                after: &Tree(texts(&after)),
            });
            lost.into_iter()
                .map(|it| (it.component, it.name, it.fate))
                .collect::<Vec<_>>()
        };
        let replaced = |by: &str| {
            [(
                "database".to_owned(),
                "module.shop.aws_db_instance.this".to_owned(),
                Fate::Replaced(by.to_owned()),
            )]
        };
        assert_eq!(
            look("live/main.tf", tree(root("b"), provider("us-east-1"))),
            replaced("identifier")
        );
        assert_eq!(
            look("live/providers.tf", tree(root("a"), provider("eu-west-1"))),
            replaced("region")
        );
        assert!(look("live/main.tf", tree(root("a"), provider("us-east-1"))).is_empty());
    }

    #[test]
    fn fewer_instances_are_told_and_more_are_not() {
        let with = |line: &str| DATABASE.replace("engine =", &format!("{line}\n  engine ="));
        let goes = ["aws_db_instance.this goes (database)"];
        for (before, after, told) in [
            ("count = 2", "count = 1", true),
            ("count = 1", "count = 2", false),
            ("", "count = 0", true),
            ("", "count = 1", false),
            (
                "for_each = toset([\"a\", \"b\"])",
                "for_each = toset([\"a\"])",
                true,
            ),
            ("for_each = { a = 1 }", "for_each = { a = 2, b = 3 }", false),
            ("", "for_each = { a = 1 }", true),
            ("count = var.x", "count = var.y", false),
        ] {
            let found = of_texts(&with(before), &with(after));
            let expected: &[&str] = if told { &goes } else { &[] };
            assert_eq!(found, expected, "{before} → {after}");
        }
    }

    #[test]
    fn what_is_only_called_otherwise_is_not_made_anew() {
        let moved = "moved {\n  from = aws_db_instance.this\n  to = aws_db_instance.main\n}\n";
        let after = DATABASE.replace("\"this\"", "\"main\"");
        assert!(of_texts(DATABASE, &format!("{after}{moved}")).is_empty());
        let engine = after.replace("postgres", "mysql");
        assert_eq!(
            of_texts(DATABASE, &format!("{engine}{moved}")),
            ["aws_db_instance.this by engine (database)"]
        );
    }

    #[test]
    fn names_that_stand_for_each_other_end() {
        let circle =
            "locals {\n  a = \"${local.b}${local.b}\"\n  b = \"${local.a}${local.a}\"\n}\n";
        let text = format!("{circle}{}", DATABASE.replace("\"shop\"", "local.a"));
        assert!(of_texts(&text, &text).is_empty());
    }
}
