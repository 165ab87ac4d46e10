//! The ways out of a conflict, the plainest first.
//!
//! In: the conflict and where it stands. Out: [`Way`]s. A command that is offered is a value,
//! [`Command`], and not a text: each names the artifact *and* the files that it is about, so that
//! neither another output of the artifact nor an accepted edit beside it is touched, and each is
//! written so that a shell reads it back as it is meant.
//!
//! Invariants: `tests/it/ways.rs` runs every command of every conflict, and finds the conflict gone
//! and no other file changed. What may lead nowhere is not offered: whoever plans tries on paper
//! whether an edit merges and whether it can be absorbed, and takes out what does not.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::decide::{Conflict, Removal};
use super::known::KnownRecord;
use crate::addr::{Address, RepoPath};
use crate::merge::Clash;
use crate::project::{OnDrift, edit};
use crate::provider::{Fate, Lost};
use crate::snapshot::Part;

/// One way out of a conflict: what it comes to, and the command that does it, where one does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct Way {
    says: String,
    command: Option<Command>,
}

impl Way {
    /// A way that a person goes without a command.
    pub fn by_hand(says: impl Into<String>) -> Self {
        Self {
            says: says.into(),
            command: None,
        }
    }

    /// A way that a command goes.
    fn by(command: Command, says: impl Into<String>) -> Self {
        Self {
            says: says.into(),
            command: Some(command),
        }
    }

    /// The command.
    pub fn command(&self) -> Option<&Command> {
        self.command.as_ref()
    }

    /// Whether it makes the edit the declaration, which has to be tried before it may be offered.
    pub fn absorbs(&self) -> bool {
        self.command
            .as_ref()
            .is_some_and(|command| command.does == Does::Absorb)
    }

    /// With which choice it applies, where it does.
    pub fn applies(&self) -> Option<Apply> {
        match self.command.as_ref().map(|command| command.does)? {
            Does::Apply(how) => Some(how),
            Does::Resolve | Does::Absorb => None,
        }
    }

    /// The same way, from the directory in which loom was started with `-C`.
    pub fn start_in(&mut self, directory: &str) {
        if let Some(command) = &mut self.command {
            command.directory = Some(directory.to_owned());
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.command {
            Some(command) => write!(f, "{}: {command}", self.says),
            None => f.write_str(&self.says),
        }
    }
}

impl From<Way> for String {
    fn from(way: Way) -> Self {
        way.to_string()
    }
}

/// A way that a saved plan has is there to be read.
impl From<String> for Way {
    fn from(says: String) -> Self {
        Self::by_hand(says)
    }
}

/// A command of loom about some files of one artifact, and about nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    directory: Option<String>,
    does: Does,
    address: Address,
    /// One, or of a move the old place and the new one.
    paths: Vec<RepoPath>,
}

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Apply(Apply),
    Resolve,
    Absorb,
}

/// With which choice something is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Apply {
    /// As declared.
    Plainly,
    /// `--on-drift`.
    OnDrift(OnDrift),
    /// `--adopt`.
    Adopting,
}

impl Command {
    fn new(does: Does, address: &Address, paths: &[&RepoPath]) -> Self {
        let mut named: Vec<RepoPath> = paths.iter().map(|path| (*path).clone()).collect();
        named.dedup();
        Self {
            directory: None,
            does,
            address: address.clone(),
            paths: named,
        }
    }

    /// `loom apply` of these files of an artifact.
    pub fn apply(how: Apply, address: &Address, paths: &[&RepoPath]) -> Self {
        Self::new(Does::Apply(how), address, paths)
    }

    /// `loom resolve` of a file of an artifact.
    pub fn resolve(address: &Address, path: &RepoPath) -> Self {
        Self::new(Does::Resolve, address, &[path])
    }

    /// `loom absorb` of a file of an artifact.
    pub fn absorb(address: &Address, path: &RepoPath) -> Self {
        Self::new(Does::Absorb, address, &[path])
    }

    /// The same, run from where loom was started with `-C`.
    #[must_use]
    pub fn starting_in(self, directory: Option<&str>) -> Self {
        Self {
            directory: directory.map(str::to_owned),
            ..self
        }
    }

    /// Its words, the program's name first.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec!["loom".to_owned()];
        if let Some(directory) = &self.directory {
            words.extend(["-C".to_owned(), directory.clone()]);
        }
        let address = self.address.to_string();
        match self.does {
            Does::Apply(_) => words.extend(["apply".to_owned(), "--target".to_owned(), address]),
            Does::Resolve => words.extend(["resolve".to_owned(), address]),
            Does::Absorb => words.extend(["absorb".to_owned(), address]),
        }
        for path in &self.paths {
            // of apply it is a pattern, of the others a path
            let path = match self.does {
                Does::Apply(_) => globset::escape(path.as_str()),
                Does::Resolve | Does::Absorb => path.to_string(),
            };
            // what begins with a dash is a value only beside its option
            if path.starts_with('-') {
                words.push(format!("--path={path}"));
            } else {
                words.extend(["--path".to_owned(), path]);
            }
        }
        match self.does {
            Does::Apply(Apply::OnDrift(on_drift)) => {
                words.extend(["--on-drift".to_owned(), on_drift.as_str().to_owned()]);
            }
            Does::Apply(Apply::Adopting) => words.push("--adopt".to_owned()),
            Does::Apply(Apply::Plainly) | Does::Resolve | Does::Absorb => {}
        }
        words
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.words().iter().map(|word| quoted(word)).collect();
        f.write_str(&words.join(" "))
    }
}

/// A word as a POSIX shell reads it back.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// What a conflict is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The artifact.
    pub address: &'a Address,
    /// Where it stands: of a move, the old path.
    pub path: &'a RepoPath,
    /// Where it goes: of a move, the new path.
    pub goes: &'a RepoPath,
    /// The part of the file.
    pub part: &'a Part,
    /// What an update would drop.
    pub lost: &'a [Lost],
    /// What both sides changed, of a merge.
    pub clashes: &'a [Clash],
    /// What `removed` says of it already.
    pub removal: Removal,
    /// Whether something declares it.
    pub declared: bool,
    /// Whether a change by hand is shown that was found to do.
    pub by_hand: bool,
    /// What is recorded of it.
    pub known: Option<&'a KnownRecord>,
}

impl About<'_> {
    fn apply(&self, how: Apply, says: &str) -> Way {
        let command = Command::apply(how, self.address, &[self.path, self.goes]);
        Way::by(command, says)
    }

    fn on_drift(&self, on_drift: OnDrift, says: &str) -> Way {
        self.apply(Apply::OnDrift(on_drift), says)
    }

    /// What `adopt:` and `removed:` are written with.
    fn entry(&self, list: &str, more: &str) -> String {
        format!("`{list}: [{{ address: \"{}\"{more} }}]`", self.address)
    }
}

/// What a person may do about a conflict.
pub fn ways(conflict: Conflict, about: About<'_>) -> Vec<Way> {
    let About { address, path, .. } = about;
    let restore = || about.on_drift(OnDrift::Restore, "put loom's text back");
    let keep = || about.on_drift(OnDrift::Keep, "accept the edit");
    let merge = || about.on_drift(OnDrift::Merge, "put both together");
    let resolve = || Way::by(Command::resolve(address, path), "decide line by line");
    let absorb = || {
        Way::by(
            Command::absorb(address, path),
            "make the edit the declaration",
        )
    };
    match conflict {
        Conflict::Edited => vec![keep(), merge(), absorb(), restore()],
        // what is no text can be laid out by nobody
        Conflict::Merge if about.clashes.contains(&Clash::NotText) => vec![keep(), restore()],
        Conflict::Merge => vec![resolve(), keep(), absorb(), restore()],
        Conflict::Base => vec![
            keep(),
            restore(),
            Way::by_hand("what a base is, and where loom looks for it: loom explain LOOM0510"),
        ],
        Conflict::Markers => vec![
            Way::by_hand(format!(
                "put the markers in {path} right by hand: each once, alone on its line, the end behind the beginning, and \
                 nothing of yours between them; then run the plan again"
            )),
            Way::by_hand(format!(
                "or take all markers of the block out of {path}, and of what was between them what is loom's: loom then \
                 writes the block at the end of the file"
            )),
        ],
        Conflict::DeletedButEdited => deleted(about),
        Conflict::NotOurs => vec![
            about.apply(Apply::Adopting, "take it over as it is"),
            Way::by_hand(format!(
                "let everybody's loom take it over: add {} to loom.yaml",
                about.entry("adopt", &format!(", path: {}", quoted_scalar(path)))
            )),
            Way::by_hand(match about.part {
                Part::Whole => format!("let loom write it: move {path} away"),
                Part::Block(_) | Part::Keys(_) => {
                    format!("let loom write it: take what stands in its place out of {path}")
                }
            }),
        ],
        Conflict::KeysTaken => of_keys(about),
        Conflict::Foreign => vec![Way::by_hand(if about.declared {
            format!("move {path} away, or give {address} another `path`")
        } else {
            format!("move {path} away, and the next apply lets it go")
        })],
        Conflict::Unsafe => unsafe_keys(about),
        Conflict::Stateful => vec![
            Way::by_hand(
                "what it describes still exists outside the repository: destroy or hand that over first",
            ),
            Way::by_hand(format!(
                "then let the file go: add {} to loom.yaml, with the reason",
                about.entry("removed", ", reason: \"…\"")
            )),
        ],
        Conflict::Component => losses(about),
        Conflict::Newer => vec![
            Way::by_hand("use the loom that wrote it; `loom --version` prints which one this is"),
            Way::by_hand(
                "let an older loom stop at once: say in loom.yaml which ones may work here, such as `requires: \">=0.2\"`",
            ),
            Way::by_hand(
                "go back to this loom for good: revert the commit in which the newer one wrote it (`git revert`)",
            ),
        ],
        Conflict::Migration => vec![Way::by_hand(
            "a migration that was applied somewhere may never change: write a new one with the next number",
        )],
    }
}

/// Where keys that loom has never written have other values. What they say can be absorbed only where
/// nothing of the file is recorded yet: else the declaration has changed besides.
fn of_keys(about: About<'_>) -> Vec<Way> {
    let absorb = about.known.is_none().then(|| {
        Way::by(
            Command::absorb(about.address, about.path),
            "take theirs into the declaration",
        )
    });
    let leave = "leave theirs, and write the keys that are missing";
    [about.on_drift(OnDrift::Restore, "set loom's")]
        .into_iter()
        .chain(absorb)
        .chain([about.apply(Apply::Adopting, leave)])
        .collect()
}

fn quoted_scalar(path: &RepoPath) -> String {
    serde_json::Value::from(path.as_str()).to_string()
}

fn deleted(about: About<'_>) -> Vec<Way> {
    let restore = |says: &str| about.on_drift(OnDrift::Restore, says);
    match about.removal {
        Removal::Delete => vec![
            restore("delete it with its edits"),
            Way::by_hand(
                "keep the file and stop managing it: write `keep: true` into the entry of `removed` that names it",
            ),
        ],
        Removal::Unsaid | Removal::Keep => vec![
            Way::by_hand(format!(
                "keep the file and stop managing it: add {} to loom.yaml",
                about.entry("removed", ", keep: true")
            )),
            restore(&format!(
                "delete it with its edits: add {} to loom.yaml, and then",
                about.entry("removed", "")
            )),
        ],
    }
}

/// What would be lost outside the repository, by what becomes of it, and the entries that permit it.
fn losses(about: About<'_>) -> Vec<Way> {
    let About { address, lost, .. } = about;
    let mut ways = Vec::new();
    let destroyed: Vec<&str> = of_fate(lost, |fate| matches!(fate, Fate::Destroyed));
    if !destroyed.is_empty() {
        ways.push(format!(
            "these still exist outside the repository, and would be destroyed: save or hand over what they hold first: {}",
            destroyed.join(", ")
        ));
    }
    let replaced: BTreeSet<String> = lost
        .iter()
        .filter_map(|lost| match &lost.fate {
            Fate::Destroyed => None,
            Fate::Replaced(by) => Some(format!("{} (by `{by}`)", lost.name)),
        })
        .collect();
    if !replaced.is_empty() {
        ways.push(format!(
            "these exist outside the repository, and new, empty ones would replace them: save what they hold first: {}",
            replaced.into_iter().collect::<Vec<_>>().join(", ")
        ));
    }
    let entries: BTreeSet<String> = lost
        .iter()
        .map(|lost| {
            let replace = match lost.fate {
                Fate::Destroyed => "",
                Fate::Replaced(_) => ", replace: true",
            };
            format!(
                "{{ address: \"{address}\", component: {}{replace}, reason: \"…\" }}",
                edit::scalar(&lost.component)
            )
        })
        .collect();
    ways.push(format!(
        "then add to loom.yaml, with the reason: `removed: [{}]`",
        entries.into_iter().collect::<Vec<_>>().join(", ")
    ));
    ways.into_iter().map(Way::by_hand).collect()
}

fn of_fate(lost: &[Lost], is: impl Fn(&Fate) -> bool) -> Vec<&str> {
    let of = lost.iter().filter(|lost| is(&lost.fate));
    of.map(|lost| lost.name.as_str()).collect()
}

fn unsafe_keys(about: About<'_>) -> Vec<Way> {
    let About { address, path, .. } = about;
    let by_hand = about.by_hand.then(|| {
        Way::by_hand(
            "make the change that is shown by hand, and run the plan again: loom then finds it made",
        )
    });
    by_hand
        .into_iter()
        .chain([
            Way::by_hand(format!(
                "make {path} simpler where loom says so, and run the plan again"
            )),
            Way::by_hand(format!(
                "let loom own all of {path}: take `own: keys` out of {address}"
            )),
        ])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_about_its_files_alone_and_a_shell_reads_it_back() {
        let address = Address::parse("file.a[production]").expect("an address");
        let path = RepoPath::new("it's [a] *.txt").expect("a path");
        let command = Command::apply(Apply::OnDrift(OnDrift::Keep), &address, &[&path, &path]);
        assert_eq!(
            command.to_string(),
            r"loom apply --target 'file.a[production]' --path 'it'\''s [[]a[]] [*].txt' --on-drift keep"
        );
        let resolve = Command::resolve(&address, &path).starting_in(Some("my dir"));
        assert_eq!(
            resolve.to_string(),
            r"loom -C 'my dir' resolve 'file.a[production]' --path 'it'\''s [a] *.txt'"
        );
    }

    #[test]
    fn a_way_of_a_saved_plan_reads_as_it_was_written() {
        let address = Address::parse("file.a").expect("an address");
        let path = RepoPath::new("a").expect("a path");
        let way = Way::by(Command::absorb(&address, &path), "do it");
        let text = serde_json::to_string(&way).expect("it is a text");
        assert_eq!(text, "\"do it: loom absorb file.a --path a\"");
        let read: Way = serde_json::from_str(&text).expect("a text is one");
        assert_eq!(read.to_string(), way.to_string());
    }
}
