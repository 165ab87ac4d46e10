//! Globs: which files of the repository match a pattern.
//!
//! In: patterns over paths seen from the root, as [`Globs`] matches them. Out: the paths of regular
//! files, sorted, each once; those that Git has not checked out are among them.
//!
//! Invariants: no link is followed, Git's directory is not entered, and only directories that can
//! hold a match are read: the parts before a pattern's first wildcard say where, and a pattern
//! without `**` says how deep.
//!
//! Deliberately not here: `.gitignore`; an input that Git ignores is still an input.

use std::io;
use std::os::fd::AsFd as _;

use loom_plan::addr::RepoPath;
use loom_plan::input::Globs;

use crate::disk::{self, Kind};
use crate::root::Root;

/// The files that match any of `patterns`; one that is no pattern matches nothing.
pub(crate) fn matches(root: &Root, patterns: &[String]) -> Vec<RepoPath> {
    let mut walk = Walk::over(root, patterns);
    // what is not checked out is there all the same; where Git cannot be asked, its reader is told so
    let absent = root
        .sight()
        .map(|sight| sight.absent(root))
        .unwrap_or_default();
    walk.found
        .extend(absent.into_iter().filter(|path| walk.globs.matches(path)));
    walk.found.sort_unstable();
    walk.found.dedup();
    walk.found
}

/// What matches, or stands where a directory would be entered, and is no regular file; sorted, each
/// once.
pub(crate) fn passed_over(root: &Root, patterns: &[String]) -> Vec<(RepoPath, String)> {
    let mut others = Walk::over(root, patterns).others;
    others.sort_unstable();
    others.dedup();
    others
}

/// The directory that all matches of a pattern are below, and how many levels below it at most.
fn start_of(pattern: &str) -> (&str, usize) {
    let wild = pattern
        .find(['*', '?', '[', '{', '\\'])
        .unwrap_or(pattern.len());
    let directory = pattern[..wild].rfind('/').map_or("", |end| &pattern[..end]);
    let below = &pattern[directory.len()..];
    let depth = if below.contains("**") {
        usize::MAX
    } else {
        below.trim_start_matches('/').matches('/').count()
    };
    (directory, depth)
}

struct Walk<'r> {
    root: &'r Root,
    globs: Globs,
    found: Vec<RepoPath>,
    others: Vec<(RepoPath, String)>,
}

impl<'r> Walk<'r> {
    fn over(root: &'r Root, patterns: &[String]) -> Self {
        let mut walk = Self {
            root,
            globs: Globs::new(patterns),
            found: Vec::new(),
            others: Vec::new(),
        };
        for pattern in patterns {
            let (directory, depth) = start_of(pattern.strip_prefix("./").unwrap_or(pattern));
            walk.begin(directory, depth);
        }
        walk
    }

    /// Enters the directory that a pattern begins with, unless a part of the way is no directory.
    fn begin(&mut self, directory: &str, depth: usize) {
        let ends = directory.match_indices('/').map(|(end, _)| end);
        for end in ends.chain([directory.len()]) {
            let (part, parent) = (&directory[..end], directory[..end].rsplit_once('/'));
            let (parent, name) = parent.unwrap_or(("", part));
            let facts = disk::open_beneath(self.root.directory(), parent)
                .and_then(|parent| disk::facts(parent.as_fd(), name));
            match facts.map(|facts| facts.kind) {
                Ok(kind @ (Kind::Link | Kind::Fifo | Kind::Socket | Kind::Device)) => {
                    return self.pass_over(part, kind.noun());
                }
                Ok(Kind::File | Kind::Directory) | Err(_) => {}
            }
        }
        self.enter(directory, depth);
    }

    fn pass_over(&mut self, path: &str, what: &str) {
        if let Ok(path) = RepoPath::new(path) {
            self.others.push((path, what.to_owned()));
        }
    }

    /// Collects the matches in `directory` and `depth` levels below it, and what stands in their place.
    fn enter(&mut self, directory: &str, depth: usize) {
        let opened = disk::open_beneath(self.root.directory(), directory);
        let entries = match opened.and_then(|opened| disk::list(opened.as_fd())) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                return self.pass_over(directory, &format!("not to be read ({error})"));
            }
        };
        if entries.is_empty() && self.root.other_repository(directory).is_some() {
            self.pass_over(directory, "a submodule of Git that is not checked out");
        }
        for (name, kind) in entries {
            let path = if directory.is_empty() {
                name
            } else {
                format!("{directory}/{name}")
            };
            let Ok(path) = RepoPath::new(&path) else {
                continue;
            };
            match kind {
                Kind::File if self.globs.matches(&path) => self.found.push(path),
                Kind::Directory if depth > 0 => self.enter(path.as_str(), depth - 1),
                Kind::Link | Kind::Fifo | Kind::Socket | Kind::Device
                    if self.globs.matches(&path) || (kind == Kind::Link && depth > 0) =>
                {
                    self.others.push((path, kind.noun().to_owned()));
                }
                Kind::File
                | Kind::Directory
                | Kind::Link
                | Kind::Fifo
                | Kind::Socket
                | Kind::Device => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::tests::Scene;

    fn matching(patterns: &[&str]) -> Vec<String> {
        let files = [
            "a.yaml",
            "stories/a.yaml",
            "stories/x/b.yml",
            "stories/x/y/c.json",
            "stories/d.txt",
            "services/api/loom.yaml",
        ];
        let files = files.map(|path| (path, ""));
        let scene = Scene::new(&files);
        scene.write(".git/stories/z.yaml", "");
        symlink("a.yaml", scene.path().join("stories/link.yaml")).expect("links");
        symlink(".", scene.path().join("stories/loop")).expect("links");
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        matches(&scene.root(), &patterns)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_pattern_stays_within_a_part_unless_it_says_otherwise() {
        assert_eq!(
            matching(&["stories/*.yaml", "./stories/a.yaml"]),
            ["stories/a.yaml"]
        );
        assert_eq!(
            matching(&["stories/**/*.{yaml,yml,json}"]),
            ["stories/a.yaml", "stories/x/b.yml", "stories/x/y/c.json"]
        );
        assert_eq!(
            matching(&["services/*/loom.yaml", "*.yaml"]),
            ["a.yaml", "services/api/loom.yaml"]
        );
        assert_eq!(
            matching(&["{stories/x,services/api}/*.y*ml"]),
            ["services/api/loom.yaml", "stories/x/b.yml"]
        );
        assert_eq!(
            matching(&["none/*", "a.yaml/*", "../*", "[", ".git/**"]),
            [""; 0]
        );
    }

    #[test]
    fn only_directories_that_can_hold_a_match_are_entered() {
        assert_eq!(start_of("stories/*.yaml"), ("stories", 0));
        assert_eq!(start_of("services/*/loom.yaml"), ("services", 1));
        assert_eq!(start_of("a/b/c.yaml"), ("a/b", 0));
        assert_eq!(start_of("a/b{c/d,e}/f"), ("a", 2));
        assert_eq!(start_of("**/*.yaml"), ("", usize::MAX));
    }

    #[test]
    fn what_is_no_regular_file_is_passed_over_and_told() {
        let scene = Scene::new(&[("policy/a.rego", ""), ("shared/b.rego", "")]);
        let said = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
            let found = passed_over(&scene.root(), &patterns);
            found
                .iter()
                .map(|(path, what)| format!("{path}: {what}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(said(&["policy/**/*.rego"]), [""; 0]);
        symlink("../shared/b.rego", scene.path().join("policy/b.rego")).expect("links");
        symlink("../shared", scene.path().join("policy/more")).expect("links");
        symlink("policy", scene.path().join("linked")).expect("links");
        rustix::fs::mkfifoat(
            scene.root().directory(),
            "policy/c.rego",
            rustix::fs::Mode::from_raw_mode(0o600),
        )
        .expect("makes a pipe");
        assert_eq!(
            said(&["policy/**/*.rego"]),
            [
                "policy/b.rego: a symbolic link",
                "policy/c.rego: a named pipe",
                "policy/more: a symbolic link",
            ]
        );
        assert_eq!(said(&["policy/*.txt"]), [""; 0]);
        assert_eq!(said(&["linked/**/*.rego"]), ["linked: a symbolic link"]);
        assert_eq!(said(&["none/**/*.rego"]), [""; 0]);
    }
}
