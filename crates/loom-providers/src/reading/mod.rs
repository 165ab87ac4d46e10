//! What a text says to the readers of its format, and which comments stand in it.
//!
//! In: a path, whose name tells the format. Out: the [`Reader`] by which drift tells a change of
//! the data from one of comments or layout.
//!
//! Invariant: a reader never makes the same data of two texts that a program could tell apart. What
//! it does not know it keeps as it is written (tests of each format).

mod hcl;
mod markdown;
mod toml;
mod yaml;

use loom_plan::addr::RepoPath;
use loom_plan::drift::grade::Reader;

/// The reader of the format that a path's name tells, where loom has one.
pub fn reader(path: &RepoPath) -> Option<Reader> {
    match path.extension()? {
        "yml" | "yaml" | "json" => Some(yaml::read),
        "tf" | "tfvars" | "hcl" => Some(hcl::read),
        "toml" => Some(toml::read),
        "md" | "markdown" => Some(markdown::read),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loom_plan::drift::grade::{Grade, Version, grade};
    use loom_plan::provider::Mode;

    /// How much two texts of a file differ.
    pub(super) fn graded(path: &str, before: &str, after: &str) -> Grade {
        let version = |text| Version {
            bytes: str::as_bytes(text),
            mode: Mode::Plain,
        };
        let path = RepoPath::new(path).expect("a path");
        grade(&path, version(before), version(after), reader(&path))
    }

    #[test]
    fn a_break_of_markdown_is_content_and_a_lone_blank_is_not() {
        assert_eq!(graded("a.md", "one\ntwo\n", "one \ntwo"), Grade::Format);
        assert_eq!(graded("a.md", "one\ntwo\n", "one  \ntwo\n"), Grade::Content);
        assert_eq!(graded("a.md", "one\ntwo\n", "one\n\ntwo\n"), Grade::Content);
    }

    #[test]
    fn every_text_that_is_read_is_read_the_same_twice() {
        for path in ["a.yml", "a.json", "a.tf", "a.toml", "a.md"] {
            let reader = reader(&RepoPath::new(path).expect("a path")).expect("a reader");
            for text in crate::emit::HOSTILE {
                assert_eq!(reader(text), reader(text), "{path} {text:?}");
            }
        }
    }
}
