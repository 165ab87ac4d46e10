//! What a command passes over of the files that it was asked about, and why: a table at its end, so
//! that nothing goes unseen.

use std::collections::BTreeMap;
use std::io::{self, Write};

use loom_plan::addr::RepoPath;
use loom_plan::input::Globs;
use loom_providers::inspect;

use super::adopt::is_foreign;
use crate::report::style::visible;

/// How many lines the table has at most.
const LINES: usize = 40;

/// Why files were passed over, and how many of them.
#[derive(Debug, Default)]
pub(super) struct Passed(BTreeMap<String, usize>);

impl Passed {
    /// Counts one more.
    pub(super) fn add(&mut self, reason: &str) {
        *self.0.entry(reason.to_owned()).or_default() += 1;
    }

    /// Whether nothing was passed over.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Why a file below a directory is passed over, as its path tells; nothing where it is not.
    pub(super) fn reason(path: &RepoPath) -> Option<String> {
        if is_foreign(path) {
            let parts: Vec<&str> = path.as_str().split('/').collect();
            let end = (1..=parts.len()).find(|end| {
                RepoPath::new(&parts[..*end].join("/")).is_ok_and(|path| is_foreign(&path))
            });
            let folder = parts[..end.unwrap_or(parts.len())].join("/");
            return Some(format!("{folder}/: a directory that programs fill"));
        }
        (!inspect::is_known(path.as_str())).then(|| {
            let name = path.file_name();
            let kind = match name.rsplit_once('.') {
                Some((stem, extension)) if !stem.is_empty() => format!("*.{extension}"),
                Some(_) | None => name.to_owned(),
            };
            format!("{kind}: no format that is looked into")
        })
    }

    /// Why what is no regular file is passed over; nothing where it stands in place of a file that
    /// would have been looked at, or hides some.
    pub(super) fn other(path: &RepoPath, what: &str, asked: &Globs) -> Option<String> {
        if is_foreign(path) {
            return Self::reason(path);
        }
        let hides = what.starts_with("not to be read");
        let stands_in = asked.matches(path) && Self::reason(path).is_none();
        (!hides && !stands_in).then(|| format!("{path}: it is {what}"))
    }

    /// Writes the table: how many, what and why.
    ///
    /// # Errors
    /// Those of `out`.
    pub(super) fn write(&self, before: &str, out: &mut dyn Write) -> io::Result<()> {
        let all: usize = self.0.values().sum();
        writeln!(out, "\n{before}; passed over {}:", files(all))?;
        let mut rows: Vec<(&String, &usize)> = self.0.iter().collect();
        rows.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), *reason));
        let width = rows.first().map_or(1, |(_, count)| count.to_string().len());
        for (reason, count) in rows.iter().take(LINES) {
            writeln!(out, "  {count:>width$}  {}", visible(reason))?;
        }
        if rows.len() > LINES {
            let left: usize = rows.iter().skip(LINES).map(|(_, count)| **count).sum();
            writeln!(
                out,
                "  {left:>width$}  for other reasons; name a directory to see them"
            )?;
        }
        Ok(())
    }
}

/// `1 file`, `12 files`.
pub(super) fn files(count: usize) -> String {
    if count == 1 {
        "1 file".to_owned()
    } else {
        format!("{count} files")
    }
}
