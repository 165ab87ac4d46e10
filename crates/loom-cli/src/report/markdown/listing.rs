//! A list of files that fits into the room that is left for it.
//!
//! In: files, each with what is to be said of it. Out: Markdown of at most so many bytes that stands
//! for every one of them: a line for each, shorter lines, or lines for directories with how many
//! files there are below each. Nothing is dropped without being counted.

use std::collections::BTreeMap;

use loom_providers::emit::markdown::code;

use crate::report::style::visible;

/// One file of a list.
pub(super) struct Entry<'a> {
    /// Its path.
    pub(super) path: &'a str,
    /// All that is to be said of it, as Markdown behind its path; may have lines of its own.
    pub(super) said: String,
}

/// How deep directories are told apart at most.
const DEEPEST: usize = 16;

/// The list with all that is to be said of each, if there is room for it.
pub(super) fn in_full(entries: &[Entry<'_>], room: usize) -> Option<String> {
    let lines = entries
        .iter()
        .map(|entry| format!("- {}{}\n", name(entry.path), entry.said));
    within(lines, room)
}

/// The list, of at most `room` bytes where that is enough for one line; the most telling form that fits.
pub(super) fn listing(entries: &[Entry<'_>], room: usize) -> String {
    let short = || {
        entries
            .iter()
            .map(|entry| format!("- {}\n", name(entry.path)))
    };
    if let Some(text) = in_full(entries, room).or_else(|| within(short(), room)) {
        return text;
    }
    let deepest = entries
        .iter()
        .map(|entry| entry.path.matches('/').count())
        .max()
        .unwrap_or(0)
        .min(DEEPEST);
    let by_directory = (1..=deepest)
        .rev()
        .find_map(|depth| within(directories(entries, depth).into_iter().map(line), room));
    by_directory.unwrap_or_else(|| cut(entries, room))
}

fn name(path: &str) -> String {
    code(&visible(path))
}

/// All lines together, if there is room for them.
fn within(lines: impl Iterator<Item = String>, room: usize) -> Option<String> {
    let mut text = String::new();
    for line in lines {
        text += &line;
        if text.len() > room {
            return None;
        }
    }
    Some(text)
}

/// How many files are below each directory of at most this depth. A file that is in none stands for itself.
fn directories<'a>(entries: &[Entry<'a>], depth: usize) -> BTreeMap<&'a str, usize> {
    let mut counted = BTreeMap::new();
    for entry in entries {
        let end = entry
            .path
            .match_indices('/')
            .take(depth)
            .last()
            .map_or(entry.path.len(), |(at, _)| at + 1);
        *counted.entry(&entry.path[..end]).or_insert(0) += 1;
    }
    counted
}

fn line((path, count): (&str, usize)) -> String {
    match (path.ends_with('/'), count) {
        (false, _) => format!("- {}\n", name(path)),
        (true, 1) => format!("- {}: 1 file\n", name(path)),
        (true, count) => format!("- {}: {count} files\n", name(path)),
    }
}

/// As many top-level lines as there is room for, those with the most files first, and how many files are below the others.
fn cut(entries: &[Entry<'_>], room: usize) -> String {
    let mut counted: Vec<(&str, usize)> = directories(entries, 1).into_iter().collect();
    counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let rest = |count: usize| format!("- and {count} files elsewhere\n");
    let (mut text, mut left) = (String::new(), entries.len());
    for (path, count) in counted {
        let line = line((path, count));
        if text.len() + line.len() + rest(left).len() > room {
            break;
        }
        text += &line;
        left -= count;
    }
    if left > 0 { text + &rest(left) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries<'a>(paths: &'a [&'a str], said: &str) -> Vec<Entry<'a>> {
        paths
            .iter()
            .map(|path| Entry {
                path,
                said: said.to_owned(),
            })
            .collect()
    }

    #[test]
    fn a_list_says_less_of_each_before_it_says_it_of_directories() {
        let paths = [
            "Makefile",
            "k8s/production/api.yml",
            "k8s/production/web.yml",
            "k8s/staging/api.yml",
        ];
        let entries = entries(&paths, ", which nothing declares any more");
        let full = listing(&entries, 1000);
        assert_eq!(
            full.lines().nth(1),
            Some("- `k8s/production/api.yml`, which nothing declares any more")
        );
        let short = "- `Makefile`\n- `k8s/production/api.yml`\n- `k8s/production/web.yml`\n- `k8s/staging/api.yml`\n";
        assert_eq!(listing(&entries, full.len() - 1), short);
        let directories = "- `Makefile`\n- `k8s/production/`: 2 files\n- `k8s/staging/`: 1 file\n";
        assert_eq!(listing(&entries, short.len() - 1), directories);
        assert_eq!(
            listing(&entries, directories.len() - 1),
            "- `Makefile`\n- `k8s/`: 3 files\n"
        );
        assert_eq!(listing(&entries, 30), "- and 4 files elsewhere\n");
    }

    /// The files that a list stands for.
    fn counted(text: &str) -> usize {
        let number = |line: &str| line.split_whitespace().find_map(|word| word.parse().ok());
        text.lines()
            .map(|line| number(line.rsplit('`').next().unwrap_or(line)).unwrap_or(1))
            .sum()
    }

    proptest! {
        #[test]
        fn every_file_is_counted_and_the_room_is_kept(
            paths in proptest::collection::btree_set("([ab]{1,2}/){0,3}[c-e]{1,3}", 1..40), room in 30_usize..600,
        ) {
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            let text = listing(&entries(&paths, ": gone"), room);
            prop_assert!(text.len() <= room, "{text}");
            prop_assert_eq!(counted(&text.replace(": gone", "")), paths.len(), "{}", text);
        }
    }
}
