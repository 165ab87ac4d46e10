//! The house rules that no compiler or linter knows. STYLE.md says why each is there.

use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::process::{git, output, root};
use crate::tree::at;

/// How long a file may be without saying why.
const LONGEST: usize = 1000;
/// What a longer file must say in its first lines, followed by the reason.
const EXCUSE: &str = concat!("tidy", ": long because ");

/// Where files are golden output, samples or somebody else's: only their names are ours.
const FOREIGN: &[&str] = &[
    "fixtures/",
    "fuzz/corpus/",
    "xtask/checkers/sample/",
    "xtask/bench/templates/",
    "Cargo.lock",
    "LICENSE-",
];

/// Checks all files that Git knows or would add, and says everything that is wrong with them.
pub(crate) fn run() -> Outcome {
    let root = root();
    let listed = output(&mut git(
        &root,
        &[
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
    ))?;
    let mut found = Vec::new();
    for path in listed
        .split_terminator('\0')
        .filter(|path| !FOREIGN.iter().any(|prefix| path.starts_with(prefix)))
    {
        let bytes = match fs::read(root.join(path)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue, // deleted, not yet committed
            Err(error) => return Err(at(Path::new(path))(error)),
        };
        match String::from_utf8(bytes) {
            Ok(text) => found.extend(faults(&root, path, &text)),
            Err(_) => found.push(format!("{path}: not UTF-8")),
        }
    }
    found.extend(changelog(&root));
    if found.is_empty() {
        Ok(())
    } else {
        Err(format!("the house rules are broken:\n{}", found.join("\n")))
    }
}

/// What is wrong with one file.
fn faults(root: &Path, path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    let is_generated = path.starts_with("docs/schema/");
    if lines > LONGEST && !is_generated && !text.lines().take(10).any(|line| line.contains(EXCUSE))
    {
        found.push(format!(
            "{path}: {lines} lines, more than {LONGEST}: divide it, or say `{EXCUSE}…` at its top"
        ));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        found.push(format!("{path}: no newline at its end"));
    }
    for (number, line) in text.lines().enumerate() {
        let number = number + 1;
        if let Some(word) = unfinished(line) {
            found.push(format!(
                "{path}:{number}: {word}: finish it, or say in SHORTCOMINGS.md what is missing"
            ));
        }
        if let Some(place) = machine_path(root, line) {
            found.push(format!(
                "{path}:{number}: `{place}` is a path of one machine"
            ));
        }
        if line.ends_with([' ', '\t', '\r']) {
            found.push(format!("{path}:{number}: blanks at the end of the line"));
        }
    }
    if Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "md")
    {
        found.extend(broken_links(root, path, text));
    }
    found
}

/// A word that marks work that somebody meant to do later.
fn unfinished(line: &str) -> Option<&'static str> {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("X", "XX"),
    ];
    let apart = |c: char| !c.is_ascii_alphanumeric();
    words
        .into_iter()
        .find(|marker| line.split(apart).any(|word| word == *marker))
}

/// A path that exists on one machine only: the checkout's own, or one below a person's home.
fn machine_path(root: &Path, line: &str) -> Option<String> {
    let root = root.display().to_string();
    let homes = [root.as_str(), concat!("/Us", "ers/"), concat!("/wo", "rk/")];
    let begins = |at: usize| {
        !line[..at].ends_with(|c: char| {
            c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '}' | '*')
        })
    };
    homes
        .iter()
        .find(|home| line.match_indices(**home).any(|(at, _)| begins(at)))
        .map(|home| (*home).to_owned())
}

/// The relative links of a Markdown file that lead nowhere.
fn broken_links(root: &Path, path: &str, text: &str) -> Vec<String> {
    let directory = root
        .join(path)
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default();
    let mut found = Vec::new();
    let mut fenced = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in links(line) {
            let file = target.split('#').next().unwrap_or("");
            if !file.is_empty() && !file.contains(':') && !directory.join(file).exists() {
                found.push(format!(
                    "{path}:{}: the link to {file} leads nowhere",
                    number + 1
                ));
            }
        }
    }
    found
}

/// The targets of a line's links, what stands in backquotes left out.
fn links(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (index, part) in line.split('`').enumerate() {
        if index % 2 == 0 {
            found.extend(
                part.split("](")
                    .skip(1)
                    .filter_map(|rest| rest.split_once(')'))
                    .map(|(target, _)| target),
            );
        }
    }
    // A link whose text is code: [`name`](target)
    found.extend(
        line.split("`](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'))
            .map(|(target, _)| target),
    );
    found.sort_unstable();
    found.dedup();
    found
}

fn changelog(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join("CHANGELOG.md")).unwrap_or_default();
    let there = text
        .lines()
        .any(|line| line.trim_start_matches('#').trim().trim_matches(['[', ']']) == "Unreleased");
    (!there).then(|| "CHANGELOG.md: no section `## [Unreleased]`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> String {
        faults(Path::new("/checkout"), path, text).join("\n")
    }

    #[test]
    fn a_long_file_must_say_why() {
        let long = "x\n".repeat(LONGEST + 1);
        assert!(found("a.rs", &long).contains("1001 lines"));
        assert_eq!(
            found("a.rs", &format!("// {EXCUSE}it is a list\n{long}")),
            ""
        );
        assert_eq!(found("a.rs", &"x\n".repeat(LONGEST)), "");
    }

    #[test]
    fn unfinished_work_is_found_as_a_word_only() {
        assert!(found("a.rs", concat!("// TO", "DO: later\n")).contains("a.rs:1"));
        assert!(found("a.md", concat!("FIX", "ME\n")).contains("a.md:1"));
        assert_eq!(
            found(
                "a.sh",
                concat!("mktemp /tmp/a.XXXX", "XX and METHODOLOGY\n")
            ),
            ""
        );
    }

    #[test]
    fn paths_of_a_machine_are_found_and_paths_of_the_project_are_not() {
        assert!(found("a.md", "see /checkout/docs\n").contains("path of one machine"));
        assert!(found("a.md", concat!("in /Us", "ers/ann/loom\n")).contains("path of one machine"));
        assert_eq!(
            found(
                "a.md",
                concat!(
                    "in docs/wo",
                    "rk/x, /usr/bin and https://x.example/Us",
                    "ers/\n"
                )
            ),
            ""
        );
    }

    #[test]
    fn blanks_and_a_missing_newline_are_found() {
        assert!(found("a.rs", "x \ny\n").contains("a.rs:1: blanks"));
        assert!(found("a.rs", "x").contains("no newline"));
    }

    #[test]
    fn links_that_lead_nowhere_are_found_outside_code() {
        let home = tempfile::tempdir().expect("a temporary directory");
        fs::write(home.path().join("there.md"), "x\n").expect("written");
        let links = |text: &str| broken_links(home.path(), "a.md", text).join("\n");
        assert_eq!(
            links("[a](there.md) [b](there.md#x) [c](https://example.com) [d](#here)\n"),
            ""
        );
        assert_eq!(links("`[a](gone.md)`\n```\n[a](gone.md)\n```\n"), "");
        assert_eq!(
            links("[a](gone.md)\n"),
            "a.md:1: the link to gone.md leads nowhere"
        );
        assert_eq!(
            links("text\n[`code`](gone.md#x)\n"),
            "a.md:2: the link to gone.md leads nowhere"
        );
    }

    #[test]
    fn the_changelog_must_have_a_place_for_the_next_change() {
        let home = tempfile::tempdir().expect("a temporary directory");
        assert!(changelog(home.path()).is_some());
        fs::write(
            home.path().join("CHANGELOG.md"),
            "# Changelog\n\n## [Unreleased]\n",
        )
        .expect("written");
        assert_eq!(changelog(home.path()), None);
    }
}
