//! The oracle: whether what a run left is what loom promises.
//!
//! In: a [`Scenario`] laid out in a place, how the run ended that was disturbed there, and what
//! simulated people wrote meanwhile ([`People`]). Out: [`Verdict`]: what the tree was in between,
//! what it came to, and a sentence for each promise that does not hold.
//!
//! What is held:
//! - the exit code tells the truth: 0 is the new tree; 1, 3, 4, 6 and 7 are the old one; 8 and a kill may
//!   leave anything until `loom recover`, and while the tree is mixed, `loom plan` ends with 8;
//! - after `loom recover` the tree (every path but `.git`: content, kind, permissions, extended
//!   attributes, target of a link) is exactly the old or exactly the new one, nothing of the
//!   transaction is left, nor Git's `index.lock`, and a second `loom recover` changes nothing;
//! - `git status` and `git fsck` succeed; nothing beside the repository changed;
//! - every token that people wrote is still somewhere: tree, `kept/`, `undo-*/`;
//! - `loom plan` works; where the tree is the old one, the same command then succeeds; and what was
//!   done can be undone.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::Outcome;
use crate::crash::ended::Ended;
use crate::crash::scenario::{BESIDE, Loom, REPOSITORY, Scenario, git_is_well};
use crate::tree::at;

/// Everything below a directory but `.git`, by path.
pub(crate) type Snapshot = BTreeMap<String, Entry>;

/// One path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    kind: Kind,
    /// The twelve bits of the mode; not of links, which have none of their own.
    permissions: u32,
    /// Name and value.
    attributes: Vec<(String, Vec<u8>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    File(Vec<u8>),
    Directory,
    Link(PathBuf),
    Other,
}

/// What a tree is, compared with a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tree {
    Old,
    New,
    Mixed,
}

impl Tree {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
            Self::Mixed => "mixed",
        }
    }
}

/// What simulated people did while loom was at work.
#[derive(Clone, Debug, Default)]
pub(crate) struct People {
    /// Paths that are not compared, because people own what is there now.
    pub(crate) paths: Vec<String>,
    /// Texts that must still be somewhere.
    pub(crate) tokens: Vec<String>,
}

/// What came of one run.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    /// What the tree was when the disturbed run had ended.
    pub(crate) between: Tree,
    /// What it was after `loom recover`.
    pub(crate) after: Tree,
    /// A sentence for each promise that does not hold.
    pub(crate) violations: Vec<String>,
}

/// The directory's tree.
pub(crate) fn snapshot(directory: &Path) -> Outcome<Snapshot> {
    let mut found = Snapshot::new();
    read_into(directory, "", &mut found)?;
    Ok(found)
}

fn read_into(directory: &Path, prefix: &str, found: &mut Snapshot) -> Outcome {
    for entry in fs::read_dir(directory).map_err(at(directory))? {
        let entry = entry.map_err(at(directory))?;
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if name == ".git" {
            continue;
        }
        let metadata = entry.metadata().map_err(at(&path))?;
        let kind = match metadata.file_type() {
            kind if kind.is_dir() => Kind::Directory,
            kind if kind.is_file() => Kind::File(fs::read(&path).map_err(at(&path))?),
            kind if kind.is_symlink() => Kind::Link(fs::read_link(&path).map_err(at(&path))?),
            _ => Kind::Other,
        };
        let permissions = if metadata.is_symlink() {
            0
        } else {
            metadata.permissions().mode() & 0o7777
        };
        if kind == Kind::Directory {
            read_into(&path, &format!("{name}/"), found)?;
        }
        found.insert(
            name,
            Entry {
                kind,
                permissions,
                attributes: attributes(&path)?,
            },
        );
    }
    Ok(())
}

fn attributes(path: &Path) -> Outcome<Vec<(String, Vec<u8>)>> {
    let wrong = |error: Errno| at(path)(error.into());
    let mut names = vec![0; 1024];
    let length = match rustix::fs::llistxattr(path, &mut names[..]) {
        Ok(length) => length,
        Err(Errno::NOTSUP) => 0,
        Err(error) => return Err(wrong(error)),
    };
    let mut found = Vec::new();
    for name in names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let mut value = vec![0; 1024];
        let length = rustix::fs::lgetxattr(path, std::ffi::OsStr::from_bytes(name), &mut value[..])
            .map_err(wrong)?;
        value.truncate(length);
        found.push((String::from_utf8_lossy(name).into_owned(), value));
    }
    found.sort();
    Ok(found)
}

/// What the tree of a place is; paths of people are not compared.
pub(crate) fn tree_of(scenario: &Scenario, place: &Path, people: &People) -> Outcome<Tree> {
    let now = snapshot(&place.join(REPOSITORY))?;
    Ok(match () {
        () if differences(&scenario.old, &now, people).is_empty() => Tree::Old,
        () if differences(&scenario.new, &now, people).is_empty() => Tree::New,
        () => Tree::Mixed,
    })
}

/// The paths at which two trees differ, and how.
fn differences(wanted: &Snapshot, now: &Snapshot, people: &People) -> Vec<String> {
    let theirs = |path: &str| {
        people.paths.iter().any(|own| {
            path == own
                || path
                    .strip_prefix(own.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
        })
    };
    let mut found: Vec<String> = Vec::new();
    for (path, entry) in wanted.iter().filter(|(path, _)| !theirs(path)) {
        match now.get(path) {
            None => found.push(format!("{path} is missing")),
            Some(there) if there.kind != entry.kind => {
                found.push(format!("{path} has another content"));
            }
            Some(there) if there.permissions != entry.permissions => {
                found.push(format!("{path} has other permissions"));
            }
            Some(there) if there.attributes != entry.attributes => {
                found.push(format!("{path} has other attributes"));
            }
            Some(_) => {}
        }
    }
    found.extend(
        now.keys()
            .filter(|path| !wanted.contains_key(*path) && !theirs(path))
            .map(|path| format!("{path} is too much")),
    );
    found
}

/// Holds what a disturbed run left against the promises. The place is used up: whether the tree is
/// old or new in the end, what there was to apply has been applied.
pub(crate) fn judge(
    scenario: &Scenario,
    loom: &Loom,
    place: &Path,
    ended: &Ended,
    people: &People,
) -> Outcome<Verdict> {
    let mut people = people.clone();
    people
        .paths
        .extend(excused(ended, &snapshot(&place.join(REPOSITORY))?));
    let mut judge = Judge {
        scenario,
        loom,
        place,
        people: &people,
        violations: Vec::new(),
    };
    let between = tree_of(scenario, place, &people)?;
    judge.code_tells_the_truth(ended, between);
    judge.readers_refuse(between)?;
    let after = judge.recovers(ended, between)?;
    judge.all_is_well()?;
    judge.goes_on(after)?;
    Ok(Verdict {
        between,
        after,
        violations: judge.violations,
    })
}

/// Empty directories that loom could not remove, and said so: they are all that an apply that is done may leave.
fn excused(ended: &Ended, now: &Snapshot) -> Vec<String> {
    let said = |directory: &str| {
        // It names the innermost that it came to.
        let named = ['`', '/'].map(|end| {
            ended
                .out
                .contains(&format!("the empty directory `{directory}{end}"))
        });
        ended.code == Some(0) && named.contains(&true)
    };
    let is_empty = |directory: &str| {
        let inside = now.iter().filter(|(path, _)| {
            path.strip_prefix(directory)
                .is_some_and(|rest| rest.starts_with('/'))
        });
        inside
            .into_iter()
            .all(|(_, entry)| entry.kind == Kind::Directory)
    };
    let directories = now
        .iter()
        .filter(|(_, entry)| entry.kind == Kind::Directory)
        .map(|(path, _)| path);
    directories
        .filter(|path| said(path) && is_empty(path))
        .cloned()
        .collect()
}

struct Judge<'a> {
    scenario: &'a Scenario,
    loom: &'a Loom,
    place: &'a Path,
    people: &'a People,
    violations: Vec<String>,
}

impl Judge<'_> {
    fn wrong(&mut self, sentence: impl Into<String>) {
        self.violations.push(sentence.into());
    }

    fn repository(&self) -> PathBuf {
        self.place.join(REPOSITORY)
    }

    fn code_tells_the_truth(&mut self, ended: &Ended, between: Tree) {
        let fits = match ended.code {
            None | Some(8) => true,
            Some(0) => between == Tree::New,
            Some(1 | 3 | 4 | 6 | 7) => between == Tree::Old,
            Some(_) => false,
        };
        if !fits {
            self.wrong(format!(
                "the run ended with {ended}, and the tree is {}{}",
                between.word(),
                self.how(between)
            ));
        }
        if ended.err.contains("panicked") {
            self.wrong(format!("loom panicked: {}", ended.err.trim()));
        }
    }

    /// Who looks at a mixed tree must be told.
    fn readers_refuse(&mut self, between: Tree) -> Outcome {
        if between == Tree::Mixed {
            let plan = self.loom.run(self.place, &["plan"])?;
            if plan.code != Some(8) {
                self.wrong(format!(
                    "the tree is mixed, and `loom plan` ended with {plan}{}",
                    self.how(between)
                ));
            }
        }
        Ok(())
    }

    /// Where a mixed tree differs from both.
    fn how(&self, tree: Tree) -> String {
        if tree != Tree::Mixed {
            return String::new();
        }
        let Ok(now) = snapshot(&self.repository()) else {
            return String::new();
        };
        let shown = |wanted| {
            let all = differences(wanted, &now, self.people);
            format!(
                "{}{}",
                all.iter().take(4).cloned().collect::<Vec<_>>().join(", "),
                if all.len() > 4 { ", …" } else { "" }
            )
        };
        format!(
            " (not old: {}; not new: {})",
            shown(&self.scenario.old),
            shown(&self.scenario.new)
        )
    }

    /// Recovers, twice, and says what the tree is then.
    fn recovers(&mut self, ended: &Ended, between: Tree) -> Outcome<Tree> {
        let first = self.loom.run(self.place, &["recover"])?;
        if first.code != Some(0) {
            self.wrong(format!("`loom recover` ended with {first}"));
        }
        let after = tree_of(self.scenario, self.place, self.people)?;
        if after == Tree::Mixed {
            self.wrong(format!(
                "after `loom recover` the tree is mixed{}",
                self.how(after)
            ));
        } else if ended.code.is_some_and(|code| code != 8) && after != between {
            self.wrong(format!(
                "the run ended with {ended}, and `loom recover` made the {} tree {}",
                between.word(),
                after.word()
            ));
        }
        for left in leftovers(&self.repository())? {
            self.wrong(format!("after `loom recover`, {left} is still there"));
        }
        let before = (
            snapshot(&self.repository())?,
            snapshot(&self.repository().join(".git"))?,
        );
        let second = self.loom.run(self.place, &["recover"])?;
        if second.code != Some(0) {
            self.wrong(format!("the second `loom recover` ended with {second}"));
        }
        let now = (
            snapshot(&self.repository())?,
            snapshot(&self.repository().join(".git"))?,
        );
        for (before, now) in [(before.0, now.0), (before.1, now.1)] {
            // The lock's text says who had it last.
            let locks = People {
                paths: vec!["loom/lock".to_owned()],
                tokens: Vec::new(),
            };
            let changed = differences(&before, &now, &locks);
            // What waits to be removed may go at any time.
            for sentence in changed
                .iter()
                .filter(|sentence| !sentence.starts_with("loom/gone-"))
            {
                self.wrong(format!(
                    "the second `loom recover` changed something: {sentence}"
                ));
            }
        }
        Ok(after)
    }

    fn all_is_well(&mut self) -> Outcome {
        if let Some(message) = git_is_well(&self.repository())? {
            self.wrong(message);
        }
        for sentence in differences(
            &self.scenario.beside,
            &snapshot(&self.place.join(BESIDE))?,
            &People::default(),
        ) {
            self.wrong(format!("beside the repository, {sentence}"));
        }
        for token in &self.people.tokens {
            if !is_somewhere(&self.repository(), token)? {
                self.wrong(format!("what a person wrote, \"{token}\", is lost"));
            }
        }
        Ok(())
    }

    fn goes_on(&mut self, after: Tree) -> Outcome {
        let plan = self.loom.run(self.place, &["plan"])?;
        // Where people changed something, there may be a conflict.
        let fits = plan.code == Some(0) || (plan.code == Some(4) && !self.people.paths.is_empty());
        if !fits {
            self.wrong(format!("afterwards, `loom plan` ended with {plan}"));
        }
        if after == Tree::Mixed || !self.people.paths.is_empty() {
            return Ok(());
        }
        if after == Tree::Old {
            self.leads_to(
                "the same command afterwards",
                self.scenario.command,
                Tree::New,
            )?;
        }
        let history = self.loom.run(self.place, &["history"])?;
        let newest = history.out.split_whitespace().next().unwrap_or("none");
        self.leads_to("undoing it", &["rollback", newest, "--yes"], Tree::Old)
    }

    fn leads_to(&mut self, what: &str, command: &[&str], wanted: Tree) -> Outcome {
        let ended = self.loom.run(self.place, command)?;
        let tree = tree_of(self.scenario, self.place, self.people)?;
        if ended.code != Some(0) || tree != wanted {
            self.wrong(format!(
                "{what} ended with {ended}, and the tree is {}{}",
                tree.word(),
                self.how(tree)
            ));
        }
        Ok(())
    }
}

/// What is left of an interrupted apply.
pub(crate) fn leftovers(repository: &Path) -> Outcome<Vec<String>> {
    let private = repository.join(".git/loom");
    let mut found = Vec::new();
    if repository
        .join(".git/index.lock")
        .symlink_metadata()
        .is_ok()
    {
        found.push(".git/index.lock".to_owned());
    }
    if !private.is_dir() {
        return Ok(found);
    }
    for entry in fs::read_dir(&private).map_err(at(&private))? {
        let name = entry
            .map_err(at(&private))?
            .file_name()
            .to_string_lossy()
            .into_owned();
        if name.starts_with("txn-") {
            found.push(format!(".git/loom/{name}"));
        }
    }
    Ok(found)
}

/// Whether a text stands in a file of the tree, or where loom keeps what people wrote.
fn is_somewhere(repository: &Path, token: &str) -> Outcome<bool> {
    let holds = |found: &Snapshot, prefixes: &[&str]| {
        found.iter().any(|(path, entry)| {
            let here = prefixes.iter().any(|prefix| path.starts_with(prefix));
            here && matches!(&entry.kind, Kind::File(bytes) if String::from_utf8_lossy(bytes).contains(token))
        })
    };
    if holds(&snapshot(repository)?, &[""]) {
        return Ok(true);
    }
    Ok(holds(
        &snapshot(&repository.join(".git"))?,
        &["loom/kept/", "loom/undo-"],
    ))
}
