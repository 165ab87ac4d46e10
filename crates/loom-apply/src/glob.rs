//! Globs: which files of the repository match a pattern.
//!
//! In: patterns over paths seen from the root, as [`Globs`] matches them. Out: the paths of regular
//! files, sorted, each once.
//!
//! Invariants: no link is followed, Git's directory is not entered, and only directories that can
//! hold a match are read: the parts before a pattern's first wildcard say where, and a pattern
//! without `**` says how deep.
//!
//! Deliberately not here: `.gitignore`; an input that Git ignores is still an input.

use std::os::fd::AsFd as _;

use loom_plan::addr::RepoPath;
use loom_plan::input::Globs;

use crate::disk::{self, Kind};
use crate::root::Root;

/// The files that match any of `patterns`; one that is no pattern matches nothing.
pub(crate) fn matches(root: &Root, patterns: &[String]) -> Vec<RepoPath> {
    let mut walk = Walk {
        root,
        globs: Globs::new(patterns),
        found: Vec::new(),
    };
    for pattern in patterns {
        let (directory, depth) = start_of(pattern.strip_prefix("./").unwrap_or(pattern));
        walk.enter(directory, depth);
    }
    walk.found.sort_unstable();
    walk.found.dedup();
    walk.found
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
}

impl Walk<'_> {
    /// Collects the matches in `directory` and `depth` levels below it. What cannot be read holds none.
    fn enter(&mut self, directory: &str, depth: usize) {
        let opened = disk::open_beneath(self.root.directory(), directory);
        let Ok(entries) = opened.and_then(|opened| disk::list(opened.as_fd())) else {
            return;
        };
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
}
