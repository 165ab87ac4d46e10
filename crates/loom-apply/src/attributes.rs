//! Git's attributes and ignore rules, as far as they decide what becomes of a managed file.
//!
//! In: the paths that loom manages. Out: those that Git would rewrite at a checkout, each with the
//! attribute and its place; and whether Git ignores a path.
//!
//! A file that Git rewrites (`filter`, `eol=crlf`, `ident`, …) never stays as loom left it, and one
//! that Git ignores never reaches anybody else. Patterns and precedence follow gitattributes(5) and
//! gitignore(5).
//!
//! Deliberately not here: the user's and the system's own configuration, which belong to a machine
//! and not to the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use loom_plan::addr::RepoPath;
use rayon::prelude::*;

use crate::disk;
use crate::root::Root;

const ATTRIBUTES: &str = ".gitattributes";
const IGNORE: &str = ".gitignore";
/// The attributes that say whether Git rewrites a file.
const REWRITING: [&str; 5] = ["eol", "filter", "ident", "text", "working-tree-encoding"];

/// An attribute by which Git would rewrite a managed file. Exit code 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Git would rewrite `{path}` at every checkout: `{attribute}` in {file}:{line} applies to it"
)]
pub struct Rewritten {
    /// The managed file.
    pub path: RepoPath,
    /// The attribute as Git reads it, such as `filter=lfs`.
    pub attribute: String,
    /// The file that sets it, seen from the top of the worktree.
    pub file: String,
    /// Its line there, counted from 1.
    pub line: usize,
}

/// The paths that Git would rewrite, in the order given, each with the first attribute that would.
pub fn rewritten(root: &Root, paths: &[&RepoPath]) -> Vec<Rewritten> {
    let top = Top::of(root);
    // neighbours share their directory
    let mut parents: Vec<&str> = paths
        .iter()
        .map(|path| path.parent().unwrap_or(""))
        .collect();
    parents.dedup();
    let directories: BTreeSet<&str> = parents.into_iter().flat_map(downward).collect();
    let mut rules: Vec<Rule> = Vec::new();
    let mut macros =
        BTreeMap::from([("binary".to_owned(), vec![("text".to_owned(), Value::Unset)])]);
    for text in top.texts(root, ATTRIBUTES, &directories, "info/attributes") {
        for (number, line) in text.text.lines().enumerate() {
            rules.extend(rule(line, &text, number + 1, &mut macros));
        }
    }
    let config = line_ends(root);
    paths
        .par_iter()
        .filter_map(|path| rewrites(&top, path, &rules, config.as_ref()))
        .collect()
}

/// Whether Git ignores a path of the repository.
pub fn is_ignored(root: &Root, path: &RepoPath) -> bool {
    let top = Top::of(root);
    let directories: BTreeSet<&str> = downward(path.parent().unwrap_or("")).collect();
    let mut files: Vec<(String, Gitignore)> = Vec::new();
    for text in top.texts(root, IGNORE, &directories, "info/exclude") {
        let mut builder = GitignoreBuilder::new("");
        for line in text.text.lines() {
            // A line that is no pattern ignores nothing.
            drop(builder.add_line(None, line));
        }
        files.extend(builder.build().ok().map(|rules| (text.base, rules)));
    }
    // `info/exclude` comes first in the list of texts, so that every file of the tree outweighs it.
    let full = top.full(path);
    let ends = full
        .match_indices('/')
        .map(|(at, _)| at)
        .chain([full.len()]);
    ends.into_iter().any(|end| {
        let deciding = files.iter().rev().find_map(|(base, rules)| {
            match rules.matched(full[..end].strip_prefix(base.as_str())?, end < full.len()) {
                Match::None => None,
                Match::Ignore(_) => Some(true),
                Match::Whitelist(_) => Some(false),
            }
        });
        deciding == Some(true)
    })
}

/// Where the root is in its worktree: `""`, or the way down with a `/` at its end.
struct Top {
    below: String,
}

/// A file of rules: its text, where it is, and the directory that it is about.
struct Rules {
    base: String,
    shown: String,
    text: String,
}

impl Top {
    fn of(root: &Root) -> Self {
        let below = root
            .path()
            .strip_prefix(root.top())
            .ok()
            .and_then(Path::to_str)
            .unwrap_or("");
        Self {
            below: if below.is_empty() {
                String::new()
            } else {
                format!("{below}/")
            },
        }
    }

    fn full(&self, path: &RepoPath) -> String {
        format!("{}{path}", self.below)
    }

    /// The files called `name` from the worktree's top down, the deepest last. Git's own file
    /// `info` weighs most among attributes and least among ignore rules.
    fn texts(
        &self,
        root: &Root,
        name: &str,
        directories: &BTreeSet<&str>,
        info: &str,
    ) -> Vec<Rules> {
        let mut texts = Vec::new();
        for end in self.below.match_indices('/').map(|(at, _)| at) {
            let above = self.below[..end]
                .rfind('/')
                .map_or("", |at| &self.below[..=at]);
            let bytes = disk::read_path(&root.top().join(above).join(name)).ok();
            texts.extend(bytes.and_then(|bytes| Rules::new(above, name, bytes)));
        }
        let of_directory = |directory: &&str| {
            let base = if directory.is_empty() {
                String::new()
            } else {
                format!("{directory}/")
            };
            let path = format!("{base}{name}");
            // nearly no directory has one, and to be told so takes one call
            disk::facts(root.directory(), &path).ok()?;
            let bytes = root.read_bytes(&RepoPath::new(&path).ok()?).ok()?;
            Rules::new(&format!("{}{base}", self.below), name, bytes)
        };
        texts.par_extend(directories.par_iter().filter_map(of_directory));
        let own = root
            .git()
            .and_then(|git| disk::read_path(&common(git).join(info)).ok());
        let own = own.and_then(|bytes| {
            Some(Rules {
                shown: format!(".git/{info}"),
                ..Rules::new("", "", bytes)?
            })
        });
        let at = if name == IGNORE { 0 } else { texts.len() };
        texts.splice(at..at, own);
        texts
    }
}

impl Rules {
    fn new(base: &str, name: &str, bytes: Vec<u8>) -> Option<Self> {
        Some(Self {
            base: base.to_owned(),
            shown: format!("{base}{name}"),
            text: String::from_utf8(bytes).ok()?,
        })
    }
}

/// The directories on the way to one, from the root's `""` down, and itself.
fn downward(directory: &str) -> impl Iterator<Item = &str> {
    [""].into_iter()
        .chain(directory.match_indices('/').map(|(at, _)| &directory[..at]))
        .chain([directory])
}

/// The Git directory that all worktrees share.
fn common(git: &Path) -> std::path::PathBuf {
    let text = disk::read_path(&git.join("commondir"))
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    text.map_or_else(|| git.to_owned(), |common| git.join(common.trim()))
}

/// What an attribute is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Set,
    Unset,
    Unspecified,
    To(String),
}

/// A line of a `.gitattributes` that sets any of [`REWRITING`].
struct Rule {
    base: String,
    pattern: Gitignore,
    sets: Vec<(String, Value)>,
    file: String,
    line: usize,
}

/// Reads a line; a macro is remembered, and is no rule, nor is a line that says nothing of rewriting.
fn rule(
    line: &str,
    text: &Rules,
    number: usize,
    macros: &mut BTreeMap<String, Vec<(String, Value)>>,
) -> Option<Rule> {
    let line = line.trim();
    let (pattern, sets) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => line.split_once(char::is_whitespace)?,
    };
    if line.starts_with('#') || pattern.starts_with('!') {
        return None;
    }
    let mut expanded = Vec::new();
    for (name, value) in sets.split_whitespace().map(set) {
        if let (Value::Set, Some(more)) = (&value, macros.get(&name)) {
            expanded.extend(more.iter().cloned());
        }
        expanded.push((name, value));
    }
    if let Some(name) = line
        .strip_prefix("[attr]")
        .and_then(|rest| rest.split_whitespace().next())
    {
        macros.insert(name.to_owned(), expanded);
        return None;
    }
    expanded.retain(|(name, _)| REWRITING.contains(&name.as_str()));
    if expanded.is_empty() {
        return None;
    }
    let mut builder = GitignoreBuilder::new("");
    builder.add_line(None, pattern).ok()?;
    let pattern = builder.build().ok()?;
    Some(Rule {
        base: text.base.clone(),
        pattern,
        sets: expanded,
        file: text.shown.clone(),
        line: number,
    })
}

fn set(word: &str) -> (String, Value) {
    match (
        word.strip_prefix('-'),
        word.strip_prefix('!'),
        word.split_once('='),
    ) {
        (Some(name), _, _) => (name.to_owned(), Value::Unset),
        (_, Some(name), _) => (name.to_owned(), Value::Unspecified),
        (_, _, Some((name, value))) => (name.to_owned(), Value::To(value.to_owned())),
        (None, None, None) => (word.to_owned(), Value::Set),
    }
}

/// The setting of the repository by which Git writes CRLF, and its line.
fn line_ends(root: &Root) -> Option<(String, usize)> {
    let bytes = disk::read_path(&common(root.git()?).join("config")).ok()?;
    let (text, mut section, mut found) = (String::from_utf8(bytes).ok()?, String::new(), None);
    for (number, line) in text.lines().map(str::trim).enumerate() {
        if line.starts_with('[') {
            line.to_ascii_lowercase().clone_into(&mut section);
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let (key, value) = (
            key.trim().to_ascii_lowercase(),
            value.trim().to_ascii_lowercase(),
        );
        match (section.as_str(), key.as_str(), value.as_str()) {
            ("[core]", "autocrlf", "true" | "yes" | "on" | "1") | ("[core]", "eol", "crlf") => {
                found = Some((format!("core.{key}={value}"), number + 1));
            }
            _ => {}
        }
    }
    found
}

fn rewrites(
    top: &Top,
    path: &RepoPath,
    rules: &[Rule],
    config: Option<&(String, usize)>,
) -> Option<Rewritten> {
    let full = top.full(path);
    let mut set: BTreeMap<&str, (&Value, &Rule)> = BTreeMap::new();
    for rule in rules {
        let Some(below) = full.strip_prefix(&rule.base) else {
            continue;
        };
        if rule.pattern.matched(below, false).is_ignore() {
            set.extend(
                rule.sets
                    .iter()
                    .map(|(name, value)| (name.as_str(), (value, rule))),
            );
        }
    }
    let is_binary = matches!(set.get("text"), Some((Value::Unset, _)));
    let rewrites = |name: &str, value: &Value| match (name, value) {
        (_, Value::Unset | Value::Unspecified) => false,
        ("eol", Value::To(to)) => to == "crlf" && !is_binary,
        ("working-tree-encoding", Value::To(to)) => !to.eq_ignore_ascii_case("utf-8"),
        ("ident", Value::Set) | ("filter", Value::To(_)) => true,
        (_, Value::Set | Value::To(_)) => false,
    };
    if let Some((name, (value, rule))) = set.iter().find(|(name, (value, _))| rewrites(name, value))
    {
        let attribute = if let Value::To(to) = value {
            format!("{name}={to}")
        } else {
            (*name).to_owned()
        };
        return Some(Rewritten {
            path: path.clone(),
            attribute,
            file: rule.file.clone(),
            line: rule.line,
        });
    }
    let decided = is_binary || matches!(set.get("eol"), Some((Value::To(_), _)));
    let (attribute, line) = config.filter(|_| !decided)?;
    // Without `autocrlf`, only what is declared as text is rewritten.
    let is_text = matches!(set.get("text"), Some((Value::Set | Value::To(_), _)));
    let applies = attribute.starts_with("core.autocrlf") || is_text;
    applies.then(|| Rewritten {
        path: path.clone(),
        attribute: attribute.clone(),
        file: ".git/config".to_owned(),
        line: *line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Scene;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).expect("a path")
    }

    /// What Git would rewrite among `paths`, as `path attribute file:line`.
    fn said(scene: &Scene, below: &str, paths: &[&str]) -> Vec<String> {
        let root = Root::open(&scene.path().join(below)).expect("opens");
        let paths: Vec<RepoPath> = paths.iter().map(|text| path(text)).collect();
        let found = rewritten(&root, &paths.iter().collect::<Vec<_>>());
        found
            .iter()
            .map(|it| format!("{} {} {}:{}", it.path, it.attribute, it.file, it.line))
            .collect()
    }

    #[test]
    fn attributes_that_rewrite_a_file_are_named_with_their_place() {
        let scene = Scene::new(&[
            (".git/HEAD", ""),
            (
                ".gitattributes",
                "# x\n*.bin filter=lfs -text\n*.bat eol=crlf\n/docs/** ident\n*.tf linguist-generated\n",
            ),
            (
                "k8s/.gitattributes",
                "*.yaml working-tree-encoding=UTF-16\nsafe.yaml !working-tree-encoding\n",
            ),
        ]);
        let paths = [
            "a.bin",
            "x/run.bat",
            "docs/a/b.md",
            "main.tf",
            "k8s/a.yaml",
            "k8s/safe.yaml",
            "k9s/a.yaml",
            "x/docs/y",
        ];
        assert_eq!(
            said(&scene, "", &paths),
            [
                "a.bin filter=lfs .gitattributes:2",
                "x/run.bat eol=crlf .gitattributes:3",
                "docs/a/b.md ident .gitattributes:4",
                "k8s/a.yaml working-tree-encoding=UTF-16 k8s/.gitattributes:1",
            ]
        );
    }

    #[test]
    fn the_last_rule_and_the_deepest_file_decide() {
        let scene = Scene::new(&[
            (".git/HEAD", ""),
            (".git/info/attributes", "last eol=crlf\n"),
            (
                ".gitattributes",
                "* eol=crlf\n*.sh eol=lf\n*.png binary\n[attr]big filter=lfs\n*.zip big -text\n",
            ),
            ("sub/.gitattributes", "* eol=lf\n"),
        ]);
        assert_eq!(
            said(
                &scene,
                "",
                &["a", "a.sh", "a.png", "a.zip", "sub/a", "sub/last"]
            ),
            [
                "a eol=crlf .gitattributes:1",
                "a.zip filter=lfs .gitattributes:5",
                "sub/last eol=crlf .git/info/attributes:1"
            ]
        );
        assert_eq!(
            said(&scene, "sub", &["x"]),
            [""; 0],
            "the root is below the worktree's top"
        );
        assert_eq!(
            said(&scene, "", &["subway"]),
            ["subway eol=crlf .gitattributes:1"]
        );
    }

    #[test]
    fn line_ends_of_the_configuration_count_where_no_attribute_decides() {
        let config = "[core]\n\tbare = false\n\tautocrlf = true\n[other]\n\teol = crlf\n";
        let scene = Scene::new(&[
            (".git/HEAD", ""),
            (".git/config", config),
            (".gitattributes", "*.sh eol=lf\n*.png binary\n"),
        ]);
        assert_eq!(
            said(&scene, "", &["a.txt", "a.sh", "a.png"]),
            ["a.txt core.autocrlf=true .git/config:3"]
        );
        scene.write(".git/config", "[core]\neol = CRLF\n");
        scene.write(".gitattributes", "*.txt text\n");
        assert_eq!(
            said(&scene, "", &["a.txt", "a"]),
            ["a.txt core.eol=crlf .git/config:2"]
        );
    }

    #[test]
    fn what_git_ignores_is_known() {
        let scene = Scene::new(&[
            (".git/HEAD", ""),
            (".git/info/exclude", "*.local\n"),
            (".gitignore", ".loom\n*.log\n!keep.log\n/build/\n"),
            ("sub/.gitignore", "!*.log\nx\n"),
        ]);
        let root = scene.root();
        for ignored in [
            ".loom/ledger/project.jsonl",
            "a.log",
            "build/x",
            "sub/x",
            "deep/a.local",
        ] {
            assert!(is_ignored(&root, &path(ignored)), "{ignored}");
        }
        for kept in ["keep.log", "sub/a.log", "x", "sub/build/y", ".loomx"] {
            assert!(!is_ignored(&root, &path(kept)), "{kept}");
        }
        let sub = Root::open(&scene.path().join("sub")).expect("opens");
        assert!(is_ignored(&sub, &path(".loom/ledger/project.jsonl")));
        assert!(!is_ignored(&sub, &path("a.log")));
    }
}
