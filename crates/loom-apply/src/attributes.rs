//! Git's attributes and ignore rules, as far as they decide what becomes of a managed file.
//!
//! In: the paths that loom manages. Out: those that Git would rewrite at a checkout, each with the
//! attribute and its place; and whether Git ignores a path.
//!
//! A file that Git rewrites (`filter`, `eol=crlf`, `ident`, …) never stays as loom left it, and one
//! that Git ignores never reaches anybody else. Patterns and precedence follow gitattributes(5) and
//! gitignore(5).
//!
//! The rules of the repository count, and those of the user and of the system. What the
//! configuration alone makes of line ends is no reason to refuse a file: it is read as Git stores it
//! (`git`).
//!
//! Deliberately not here: whether a path is tracked, and the configuration itself (`git`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use loom_plan::addr::RepoPath;
use rayon::prelude::*;

use crate::disk;
use crate::git;
use crate::root::Root;

/// Git's attributes for the whole machine.
const SYSTEM: &str = "/etc/gitattributes";
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
    let rules = rules(top.texts(root, ATTRIBUTES, &directories));
    paths
        .par_iter()
        .filter_map(|path| rewrites(&top, path, &rules))
        .collect()
}

/// The lines of attributes that say something of rewriting.
fn rules(texts: Vec<Rules>) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut macros =
        BTreeMap::from([("binary".to_owned(), vec![("text".to_owned(), Value::Unset)])]);
    for text in texts {
        for (number, line) in text.text.lines().enumerate() {
            rules.extend(rule(line, &text, number + 1, &mut macros));
        }
    }
    rules
}

/// A path that Git ignores. Whatever is written there reaches nobody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The path.
    pub path: RepoPath,
    /// The pattern that ignores it, as it is written.
    pub pattern: String,
    /// The file that holds it, seen from the top of the worktree; one of the user's own by its path.
    pub file: String,
    /// Its line there, counted from 1.
    pub line: usize,
}

/// Those of the paths that Git ignores and does not track already, in the order given.
pub fn ignored(root: &Root, paths: &[&RepoPath]) -> Vec<Ignored> {
    let Ok(sight) = root.sight() else {
        return Vec::new();
    };
    if root.git().is_none() {
        return Vec::new();
    }
    let untracked: Vec<&RepoPath> = paths
        .iter()
        .copied()
        .filter(|path| !sight.is_tracked(path))
        .collect();
    if untracked.is_empty() {
        return Vec::new();
    }
    let top = Top::of(root);
    let directories: BTreeSet<&str> = untracked
        .iter()
        .flat_map(|path| downward(path.parent().unwrap_or("")))
        .collect();
    let read = |text: Rules| {
        let mut builder = GitignoreBuilder::new("");
        for line in text.text.lines() {
            // A line that is no pattern ignores nothing.
            drop(builder.add_line(None, line));
        }
        Some((builder.build().ok()?, text))
    };
    // The user's own and `info/exclude` come first, so that every file of the tree outweighs them.
    let files: Vec<(Gitignore, Rules)> = top
        .texts(root, IGNORE, &directories)
        .into_iter()
        .filter_map(read)
        .collect();
    untracked
        .par_iter()
        .filter_map(|path| ignores(&top, path, &files))
        .collect()
}

/// What ignores a path, or a directory above it.
fn ignores(top: &Top, path: &RepoPath, files: &[(Gitignore, Rules)]) -> Option<Ignored> {
    let full = top.full(path);
    let ends = full
        .match_indices('/')
        .map(|(at, _)| at)
        .chain([full.len()]);
    ends.into_iter().find_map(|end| {
        let deciding = files.iter().rev().find_map(|(rules, text)| {
            let below = full[..end].strip_prefix(text.base.as_str())?;
            match rules.matched(below, end < full.len()) {
                Match::None => None,
                Match::Whitelist(_) => Some(None),
                Match::Ignore(pattern) => Some(Some((pattern.original().to_owned(), text))),
            }
        });
        let (pattern, text) = deciding.flatten()?;
        let line = text.text.lines().collect::<Vec<_>>();
        let line = line.iter().rposition(|line| line.trim() == pattern.trim());
        Some(Ignored {
            path: path.clone(),
            pattern,
            file: text.shown.clone(),
            line: line.map_or(1, |line| line + 1),
        })
    })
}

/// Whether Git takes a file for text whose line ends it may rewrite where the configuration says so.
pub(crate) fn is_text(root: &Root, path: &RepoPath) -> bool {
    let Some(config) = root.sight().ok().and_then(|sight| sight.config()) else {
        return false;
    };
    let top = Top::of(root);
    let directories = downward(path.parent().unwrap_or("")).collect();
    let rules = rules(top.texts(root, ATTRIBUTES, &directories));
    let set = attributes_of(&top, path, &rules);
    match set.get("text") {
        Some((Value::Unset, _)) => false,
        Some((Value::Set | Value::To(_), _)) => true,
        // `core.eol` alone rewrites what is declared as text
        Some((Value::Unspecified, _)) | None => {
            git::line_ends(config).is_some_and(|value| !value.text.eq_ignore_ascii_case("crlf"))
        }
    }
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
        Self {
            below: root.below_top(),
        }
    }

    fn full(&self, path: &RepoPath) -> String {
        format!("{}{path}", self.below)
    }

    /// The files called `name` from the worktree's top down, the deepest last. The system's and the
    /// user's own weigh least; Git's own file in `info` weighs most among attributes, and among
    /// ignore rules less than the tree.
    fn texts(&self, root: &Root, name: &str, directories: &BTreeSet<&str>) -> Vec<Rules> {
        let mut texts = of_the_user(root, name);
        let info = if name == IGNORE {
            "info/exclude"
        } else {
            "info/attributes"
        };
        let least = texts.len();
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
            let bytes = root.bytes_on_disk(&RepoPath::new(&path).ok()?).ok()?;
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
        let at = if name == IGNORE { least } else { texts.len() };
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

/// The rules of the system and of the user, in the order of their weight.
fn of_the_user(root: &Root, name: &str) -> Vec<Rules> {
    let Some(config) = root.sight().ok().and_then(|sight| sight.config()) else {
        return Vec::new();
    };
    let files = if name == IGNORE {
        vec![config.file("core.excludesfile", "ignore")]
    } else {
        let skips = std::env::var_os("GIT_ATTR_NOSYSTEM").is_some_and(|set| !set.is_empty());
        let system = (!skips).then(|| PathBuf::from(SYSTEM));
        vec![system, config.file("core.attributesfile", "attributes")]
    };
    let read = |file: PathBuf| {
        let rules = Rules::new("", "", disk::read_path(&file).ok()?)?;
        Some(Rules {
            shown: file.display().to_string(),
            ..rules
        })
    };
    files.into_iter().flatten().filter_map(read).collect()
}

/// The directories on the way to one, from the root's `""` down, and itself.
fn downward(directory: &str) -> impl Iterator<Item = &str> {
    [""].into_iter()
        .chain(directory.match_indices('/').map(|(at, _)| &directory[..at]))
        .chain([directory])
}

/// The Git directory that all worktrees share.
pub(crate) fn common(git: &Path) -> PathBuf {
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

/// What is set for a path, each with the rule that set it last.
fn attributes_of<'r>(
    top: &Top,
    path: &RepoPath,
    rules: &'r [Rule],
) -> BTreeMap<&'r str, (&'r Value, &'r Rule)> {
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
    set
}

fn rewrites(top: &Top, path: &RepoPath, rules: &[Rule]) -> Option<Rewritten> {
    let set = attributes_of(top, path, rules);
    let is_binary = matches!(set.get("text"), Some((Value::Unset, _)));
    let rewrites = |name: &str, value: &Value| match (name, value) {
        (_, Value::Unset | Value::Unspecified) => false,
        ("eol", Value::To(to)) => to == "crlf" && !is_binary,
        ("working-tree-encoding", Value::To(to)) => !to.eq_ignore_ascii_case("utf-8"),
        ("ident", Value::Set) | ("filter", Value::To(_)) => true,
        (_, Value::Set | Value::To(_)) => false,
    };
    let (name, (value, rule)) = set
        .iter()
        .find(|(name, (value, _))| rewrites(name, value))?;
    let attribute = if let Value::To(to) = value {
        format!("{name}={to}")
    } else {
        (*name).to_owned()
    };
    Some(Rewritten {
        path: path.clone(),
        attribute,
        file: rule.file.clone(),
        line: rule.line,
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

    fn is_ignored(root: &Root, text: &str) -> bool {
        !ignored(root, &[&path(text)]).is_empty()
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
            assert!(is_ignored(&root, ignored), "{ignored}");
        }
        for kept in ["keep.log", "sub/a.log", "x", "sub/build/y", ".loomx"] {
            assert!(!is_ignored(&root, kept), "{kept}");
        }
        let sub = Root::open(&scene.path().join("sub")).expect("opens");
        assert!(is_ignored(&sub, ".loom/ledger/project.jsonl"));
        assert!(!is_ignored(&sub, "a.log"));
        let found = ignored(&root, &[&path("build/x")]);
        let said = |it: &Ignored| format!("{} {} {}:{}", it.path, it.pattern, it.file, it.line);
        let said: Vec<String> = found.iter().map(said).collect();
        assert_eq!(said, ["build/x /build/ .gitignore:4"]);
    }
}
