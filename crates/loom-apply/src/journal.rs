//! The journal: what a transaction is about to do, written before it does anything.
//!
//! In: the head and the steps. Out: text, and back. JSON Lines: the head, a step a line, the seal
//! with the hash of everything before it, and one line of blanks over which [`commit_mark`] is
//! written when everything is done: it takes no new room on the disk.
//!
//! A journal without its seal says that nothing has been done yet; one without the mark, that what
//! was done goes back; one with it, that the rest is done.
//!
//! Invariants: a journal that is torn at any byte, or changed in any, is never taken for another
//! (tests `a_journal_torn_anywhere…`, `a_journal_changed_anywhere…`); one is input, not trust: its
//! paths and slots pass the same checks as a plan's (test `a_hostile_journal_is_refused`).
//!
//! Deliberately not here: the disk.

use std::collections::BTreeSet;

use loom_plan::addr::{ContentHash, RepoPath};
use loom_plan::snapshot::Content;
use serde::{Deserialize, Serialize};

/// The format that this loom reads and writes. In the first, which no release wrote, the slots stood
/// beside the journal.
pub(crate) const FORMAT: u32 = 2;
/// How long the line of the mark is.
const MARK: usize = 96;

/// What a whole transaction is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) format: u32,
    /// Its number among the repository's transactions.
    pub(crate) id: u64,
    /// The command that asked for it: `apply`.
    pub(crate) command: String,
    /// The digest of the plan.
    pub(crate) digest: Option<ContentHash>,
    /// The transaction that this one undoes, and whose slots it takes.
    pub(crate) undoes: Option<u64>,
    /// How two names change places.
    pub(crate) exchange: Exchange,
    /// How many bytes the steps displace together.
    pub(crate) bytes: u64,
    /// How many files the steps change.
    pub(crate) counts: Counts,
}

/// How many files a transaction changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Those that it makes.
    pub created: usize,
    /// Those that it gives another content or mode.
    pub updated: usize,
    /// Those that it removes.
    pub deleted: usize,
}

impl Counts {
    pub(crate) fn of(steps: &[Step]) -> Self {
        let count = |verb| steps.iter().filter(|step| step.verb == verb).count();
        Self {
            created: count(Verb::Create),
            updated: count(Verb::Update),
            deleted: count(Verb::Delete),
        }
    }
}

/// How two names change places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Exchange {
    /// In one step of the kernel.
    Whole,
    /// By a hard link, where the kernel or the file system has no exchange.
    Linked,
}

/// What happens to a path; in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verb {
    Directory,
    Create,
    Update,
    Delete,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) verb: Verb,
    pub(crate) path: RepoPath,
    /// The number of its slot.
    pub(crate) slot: usize,
    /// The file that it displaces: all of its bytes by their hash, unlike a guard's, which leaves the header out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) old: Option<Content>,
    /// The file that it puts there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) new: Option<Content>,
    /// How many bytes it displaces.
    #[serde(default)]
    pub(crate) size: u64,
}

impl Step {
    /// The name of its slot.
    pub(crate) fn slot(&self) -> String {
        slot_name(self.slot)
    }
}

/// The name of a slot.
pub(crate) fn slot_name(number: usize) -> String {
    format!("{number:06}")
}

#[derive(Serialize, Deserialize)]
struct Seal {
    steps: usize,
    blake3: ContentHash,
}

/// A whole journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Journal {
    pub(crate) head: Head,
    pub(crate) steps: Vec<Step>,
}

/// What a journal's file turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// Torn or changed: of a run that had not begun to exchange anything.
    Unsealed,
    /// Of another version of loom, with this format.
    Foreign(u32),
    /// Whole, as its seal says, and yet nothing that loom would write: it is not acted on.
    Refused,
    /// Whole, and nothing wrong with it.
    Sealed(Journal, Stage),
}

/// How far a transaction came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It may have begun.
    Open,
    /// Every step was done.
    Committed,
}

impl Journal {
    /// Its text, not committed yet.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        line(&mut text, &self.head);
        self.steps.iter().for_each(|step| line(&mut text, step));
        let blake3 = ContentHash::of(text.as_bytes());
        line(
            &mut text,
            &Seal {
                steps: self.steps.len(),
                blake3,
            },
        );
        text.push_str(&" ".repeat(MARK - 1));
        text.push('\n');
        text
    }

    /// Reads the text of a journal.
    pub(crate) fn read(text: &str) -> Read {
        let head = text.lines().next().unwrap_or_default();
        let format = serde_json::from_str::<serde_json::Value>(head)
            .ok()
            .and_then(|head| head["format"].as_u64());
        match format.map(u32::try_from) {
            Some(Ok(format)) if format != FORMAT => Read::Foreign(format),
            Some(_) => sealed(text).map_or(Read::Unsealed, |(body, steps)| {
                let mark = &text[mark_at(text)..];
                let stage = if *mark == commit_mark(&text[..mark_at(text)]) {
                    Stage::Committed
                } else {
                    Stage::Open
                };
                Self::of_lines(body, steps)
                    .map_or(Read::Refused, |journal| Read::Sealed(journal, stage))
            }),
            None => Read::Unsealed,
        }
    }

    fn of_lines(body: &str, count: usize) -> Option<Self> {
        let mut lines = body.lines();
        let head = serde_json::from_str(lines.next()?).ok()?;
        let steps: Vec<Step> = lines
            .map(|line| serde_json::from_str(line).ok())
            .collect::<Option<_>>()?;
        (count == steps.len() && is_consistent(&steps)).then_some(Self { head, steps })
    }
}

/// What the seal is of, and how many steps it counts; `None` where it is missing or wrong.
fn sealed(text: &str) -> Option<(&str, usize)> {
    let body = text
        .get(..text.len().checked_sub(MARK)?)?
        .strip_suffix('\n')?;
    let (before, seal) = body.rsplit_once('\n')?;
    let seal: Seal = serde_json::from_str(seal).ok()?;
    let is_whole = seal.blake3 == ContentHash::of(&text.as_bytes()[..=before.len()]);
    is_whole.then_some((before, seal.steps))
}

/// Where in a journal's text the mark goes.
pub(crate) fn mark_at(text: &str) -> usize {
    text.len() - MARK
}

/// The line that says that everything was done. `sealed` is the journal's text up to it.
pub(crate) fn commit_mark(sealed: &str) -> String {
    let seal = ContentHash::of_parts([&b"committed"[..], sealed.as_bytes()]);
    format!(
        "{:<width$}\n",
        format!("{{\"committed\":\"{seal}\"}}"),
        width = MARK - 1
    )
}

fn line(text: &mut String, value: &impl Serialize) {
    text.push_str(&serde_json::to_string(value).expect("these types have only string keys"));
    text.push('\n');
}

/// Each path and each slot once, and no file where another has its directory.
fn is_consistent(steps: &[Step]) -> bool {
    let (mut files, mut slots) = (BTreeSet::new(), BTreeSet::new());
    for step in steps {
        let whole = match step.verb {
            Verb::Directory => step.old.is_none() && step.new.is_none(),
            Verb::Create => {
                step.old.is_none() && step.new.is_some() && files.insert(step.path.as_str())
            }
            Verb::Update => {
                step.old.is_some() && step.new.is_some() && files.insert(step.path.as_str())
            }
            Verb::Delete => {
                step.old.is_some() && step.new.is_none() && files.insert(step.path.as_str())
            }
        };
        if !whole || !slots.insert(step.slot) {
            return false;
        }
    }
    let above = |path: &str| {
        path.match_indices('/')
            .any(|(at, _)| files.contains(&path[..at]))
    };
    !steps.iter().any(|step| above(step.path.as_str()))
}

#[cfg(test)]
mod tests {
    use loom_plan::provider::Mode;

    use super::*;

    fn content(text: &str) -> Content {
        Content {
            hash: ContentHash::of(text.as_bytes()),
            mode: Mode::Plain,
        }
    }

    fn step(verb: Verb, path: &str, slot: usize) -> Step {
        let (old, new) = match verb {
            Verb::Directory => (None, None),
            Verb::Create => (None, Some(content("new"))),
            Verb::Update => (Some(content("old")), Some(content("new"))),
            Verb::Delete => (Some(content("old")), None),
        };
        Step {
            verb,
            path: RepoPath::new(path).expect("a path"),
            slot,
            old,
            new,
            size: 3,
        }
    }

    fn journal(steps: Vec<Step>) -> Journal {
        let digest = Some(ContentHash::of(b"plan"));
        let (command, exchange, counts) = ("apply".into(), Exchange::Whole, Counts::of(&steps));
        let head = Head {
            format: FORMAT,
            id: 7,
            command,
            digest,
            undoes: None,
            exchange,
            bytes: 0,
            counts,
        };
        Journal { head, steps }
    }

    fn whole() -> Journal {
        let verbs = [
            (Verb::Directory, "d"),
            (Verb::Create, "d/ü \""),
            (Verb::Update, "a"),
            (Verb::Delete, "b/c"),
        ];
        journal(
            verbs
                .iter()
                .enumerate()
                .map(|(slot, (verb, path))| step(*verb, path, slot))
                .collect(),
        )
    }

    fn committed(text: &str) -> String {
        let sealed = &text[..mark_at(text)];
        format!("{sealed}{}", commit_mark(sealed))
    }

    #[test]
    fn a_journal_is_read_as_it_was_written() {
        for journal in [whole(), journal(vec![])] {
            let text = journal.to_text();
            assert_eq!(
                Journal::read(&text),
                Read::Sealed(journal.clone(), Stage::Open)
            );
            let committed = committed(&text);
            assert_eq!(committed.len(), text.len());
            assert_eq!(
                Journal::read(&committed),
                Read::Sealed(journal, Stage::Committed)
            );
        }
    }

    #[test]
    fn a_journal_torn_anywhere_says_that_nothing_was_done() {
        let text = whole().to_text();
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            assert_eq!(Journal::read(&text[..end]), Read::Unsealed, "{end}");
            let zeros = format!("{}{}", &text[..end], "\0".repeat(text.len() - end));
            // What is torn behind the seal is a mark that was not written.
            let expected = if end < mark_at(&text) {
                Read::Unsealed
            } else {
                Read::Sealed(whole(), Stage::Open)
            };
            assert_eq!(Journal::read(&zeros), expected, "{end}");
        }
    }

    #[test]
    fn a_mark_torn_anywhere_is_none() {
        let text = whole().to_text();
        let committed = committed(&text);
        let mark_ends = committed.trim_end().len();
        for end in mark_at(&text)..mark_ends {
            let torn = format!("{}{}", &committed[..end], &text[end..]);
            assert_eq!(
                Journal::read(&torn),
                Read::Sealed(whole(), Stage::Open),
                "{end}"
            );
        }
    }

    #[test]
    fn a_journal_changed_anywhere_is_not_taken() {
        let text = committed(&whole().to_text());
        for at in (0..text.len()).filter(|at| text.as_bytes()[*at].is_ascii_alphanumeric()) {
            let other = if text.as_bytes()[at] == b'0' {
                "1"
            } else {
                "0"
            };
            let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert_ne!(
                Journal::read(&changed),
                Read::Sealed(whole(), Stage::Committed),
                "{at}"
            );
        }
    }

    #[test]
    fn a_mark_of_another_journal_is_none() {
        let (one, other) = (
            whole().to_text(),
            journal(vec![step(Verb::Create, "x", 0)]).to_text(),
        );
        let stolen = format!(
            "{}{}",
            &one[..mark_at(&one)],
            commit_mark(&other[..mark_at(&other)])
        );
        assert_eq!(Journal::read(&stolen), Read::Sealed(whole(), Stage::Open));
    }

    #[test]
    fn a_journal_of_another_version_is_said_to_be_one() {
        for format in [FORMAT - 1, FORMAT + 1] {
            let mut foreign = whole();
            foreign.head.format = format;
            assert_eq!(Journal::read(&foreign.to_text()), Read::Foreign(format));
        }
    }

    #[test]
    fn a_hostile_journal_is_refused() {
        let text = |line: &str| {
            let head = serde_json::to_string(&journal(vec![]).head).expect("writes");
            let sealed = format!("{head}\n{line}\n");
            let seal = serde_json::to_string(&Seal {
                steps: 1,
                blake3: ContentHash::of(sealed.as_bytes()),
            })
            .expect("writes");
            format!("{sealed}{seal}\n{}\n", " ".repeat(MARK - 1))
        };
        let good = serde_json::to_string(&step(Verb::Delete, "PATH", 0)).expect("writes");
        assert!(matches!(Journal::read(&text(&good)), Read::Sealed(..)));
        for bad in [
            "../x",
            "/etc/passwd",
            "a/../../x",
            ".git/config",
            "a/.GIT/x",
            "a//b",
            "a\\u0000b",
            "",
        ] {
            assert_eq!(
                Journal::read(&text(&good.replace("PATH", bad))),
                Read::Refused,
                "{bad}"
            );
        }
        for bad in [
            vec![step(Verb::Create, "a", 0), step(Verb::Delete, "a", 1)],
            vec![step(Verb::Create, "a", 0), step(Verb::Create, "b", 0)],
            vec![step(Verb::Create, "a", 0), step(Verb::Create, "a/b", 1)],
            vec![Step {
                new: None,
                ..step(Verb::Update, "a", 0)
            }],
        ] {
            assert_eq!(Journal::read(&journal(bad).to_text()), Read::Refused);
        }
    }
}
