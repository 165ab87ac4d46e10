//! The ledger: what loom last wanted and what it left, one line per output.
//!
//! In: the texts of `.loom/ledger/*.jsonl`. Out: for every (path, part) the record that counts,
//! and for every input value the hash that was last seen. Lines that cannot be read are warnings
//! and are healed by the next apply; a format that is newer than this loom is an error.
//!
//! Format 2, one JSON object a line: the head `{"loom":"ledger","format":2}`; outputs with `path`,
//! `part` (left out for a whole file), `keys` (of `own: keys`), `name`, `address`, `own`, `retain` (left out when false),
//! `rendered`, `written` (left out when equal to it), `canon` and `bytes` (of `own: data`), `mode`
//! (`executable`, left out when plain), `written_mode` (left out when equal), `kind`, `version`;
//! permissions of `removed` that were carried out, `{"spent":…}`; input values `{"input":…,"hash":…}`.
//!
//! Format 1 has neither `own: data` nor `spent`, and is read for ever: `tests/formats.rs`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::addr::{Address, ContentHash, RepoPath};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::keys::KeyPath;
use crate::project::Own;
use crate::provider::Mode;
use crate::snapshot::{Content, Part};

/// Where the ledger lives.
pub const FOLDER: &str = ".loom/ledger";
/// The file of standing declarations, and of those of several stories each story's own.
pub const PROJECT: &str = "project";
/// The newest format that this loom reads.
pub const FORMAT: u32 = 2;

/// What loom last did about one output.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// The file.
    pub path: RepoPath,
    /// The part of it.
    pub part: Part,
    /// The output's name, unique in its declaration.
    pub name: String,
    /// The artifact.
    pub address: Address,
    /// How much of the file is loom's.
    pub own: Owned,
    /// Whether it is never deleted.
    pub retain: bool,
    /// Of keys, which.
    pub keys: Vec<KeyPath>,
    /// What loom last wanted.
    pub rendered: Content,
    /// What loom left on the disk.
    pub written: Content,
    /// The kind's version.
    pub version: u32,
}

/// How much of a file a record says is loom's, and so what its two hashes are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owned {
    /// Bytes, or the values of keys: what a declaration can ask for.
    As(Own),
    /// The data of the file (`own: data`): both hashes are of their canonical form, which is none of any
    /// text, so that to one that owns bytes what stands there counts as edited.
    Data {
        /// The number of the canonical form.
        canon: u32,
        /// The file as it was left. It only tells that the layout changed, and nothing trusts it.
        bytes: ContentHash,
    },
}

/// An entry of `removed` that was carried out, and permits nothing any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The artifact that it was carried out for.
    pub what: Address,
    /// Of an artifact, which component.
    pub component: Option<String>,
}

/// One file of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// Its outputs, several for one (path, part) where a merge left them.
    pub records: Vec<Record>,
    /// Permissions that were carried out, by the hash of the entry ([`crate::project::Removed::hash`]).
    pub spent: BTreeMap<ContentHash, Spent>,
    /// Hashes of input values by pointer.
    pub inputs: BTreeMap<String, String>,
}

/// The whole ledger, by story code or [`PROJECT`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The files.
    pub books: BTreeMap<String, Book>,
}

/// A text of a line, borrowed from it where nothing is escaped: `Option<Cow>` alone would be copied.
#[derive(Serialize, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Every line as it is written: which keys are there tells what it is.
#[derive(Default, Serialize, Deserialize)]
struct Line<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    loom: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<u32>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    spent: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    what: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    component: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    input: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    hash: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    path: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    part: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keys: Vec<KeyPath>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    address: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    own: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    retain: bool,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    rendered: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    written: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    canon: Option<u32>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    bytes: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    mode: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    written_mode: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    kind: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
}

impl std::ops::Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// What one line of a ledger file says.
enum Said {
    Record(Box<Record>),
    Input(String, String),
    Spent(ContentHash, Spent),
    Newer(u32),
    Nothing,
    Garbage,
}

impl Ledger {
    /// Reads the ledger's files: code and text of each. What a merge left is read, and said.
    pub fn read(files: &[(String, String)], out: &mut Diagnostics) -> Self {
        let mut ledger = Self::default();
        for (code, text) in files {
            let (lines, markers) = without_markers(text);
            let said: Vec<Said> = lines
                .par_iter()
                .with_min_len(256)
                .map(|(_, line)| read_line(line))
                .collect();
            let mut book = Book {
                records: Vec::with_capacity(said.len()),
                ..Book::default()
            };
            for ((number, _), said) in lines.iter().zip(said) {
                match said {
                    Said::Record(record) => book.records.push(*record),
                    Said::Input(pointer, hash) => drop(book.inputs.insert(pointer, hash)),
                    Said::Spent(hash, spent) => drop(book.spent.insert(hash, spent)),
                    Said::Nothing => {}
                    Said::Newer(format) => {
                        let message = format!(
                            "{FOLDER}/{code}.jsonl has the format {format}, and this loom reads up to {FORMAT}"
                        );
                        out.push(
                            Diagnostic::new(Code::LedgerVersion, message).help("use a newer loom"),
                        );
                    }
                    Said::Garbage => {
                        let message = format!(
                            "line {} of {FOLDER}/{code}.jsonl cannot be read and is left out",
                            number + 1
                        );
                        out.push(
                            Diagnostic::new(Code::LedgerLine, message)
                                .help("the next apply writes the file anew"),
                        );
                    }
                }
            }
            book.records.sort();
            out.extend(merged(code, &book, markers));
            ledger.books.insert(code.clone(), book);
        }
        ledger
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.books.values().all(|book| book.records.is_empty())
    }

    /// Every record, with the code of the file that holds it.
    pub fn records(&self) -> impl Iterator<Item = (&str, &Record)> {
        self.books.iter().flat_map(|(code, book)| {
            book.records
                .iter()
                .map(move |record| (code.as_str(), record))
        })
    }

    /// What an entry of `removed` was carried out for, where it was.
    pub fn spent(&self, entry: &ContentHash) -> Option<&Spent> {
        self.books.values().find_map(|book| book.spent.get(entry))
    }

    /// The hash that was last seen of an input value.
    pub fn input(&self, pointer: &str) -> Option<&str> {
        self.books
            .values()
            .find_map(|book| book.inputs.get(pointer))
            .map(String::as_str)
    }
}

impl Book {
    /// Whether there is nothing that a file would be kept for.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.spent.is_empty()
    }

    /// The file's text: the head, the outputs by path, what was spent, the input values by pointer.
    pub fn write(&self) -> String {
        let mut records: Vec<&Record> = self.records.iter().collect();
        records.sort_by(|a, b| (&a.path, &a.part).cmp(&(&b.path, &b.part)));
        let mut text = json(&Line {
            loom: Some("ledger".into()),
            format: Some(FORMAT),
            ..Line::default()
        });
        for record in records {
            text += &record.line();
        }
        for (hash, spent) in &self.spent {
            text += &json(&Line {
                spent: Some(hash.to_string().into()),
                what: Some(spent.what.to_string().into()),
                component: spent.component.as_deref().map(Into::into),
                ..Line::default()
            });
        }
        for (input, hash) in &self.inputs {
            text += &json(&Line {
                input: Some(input.as_str().into()),
                hash: Some(hash.as_str().into()),
                ..Line::default()
            });
        }
        text
    }
}

impl Owned {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::As(own) => own.as_str(),
            Self::Data { .. } => "data",
        }
    }

    /// Whether the file was created once and is left alone.
    pub fn is_once(self) -> bool {
        self == Self::As(Own::Once)
    }

    fn canon(self) -> Option<u32> {
        match self {
            Self::As(_) => None,
            Self::Data { canon, .. } => Some(canon),
        }
    }

    fn bytes(self) -> Option<ContentHash> {
        match self {
            Self::As(_) => None,
            Self::Data { bytes, .. } => Some(bytes),
        }
    }
}

impl Record {
    /// What it is about.
    pub fn key(&self) -> (&RepoPath, &Part) {
        (&self.path, &self.part)
    }

    fn line(&self) -> String {
        let mode = |mode| match mode {
            Mode::Executable => "executable",
            Mode::Plain => "plain",
        };
        let part = match &self.part {
            Part::Whole => None,
            Part::Block(address) | Part::Keys(address) => Some(address.as_str().into()),
        };
        json(&Line {
            path: Some(self.path.as_str().into()),
            part,
            keys: self.keys.clone(),
            name: Some(self.name.as_str().into()),
            address: Some(self.address.to_string().into()),
            own: Some(self.own.as_str().into()),
            canon: self.own.canon(),
            bytes: self.own.bytes().map(|bytes| bytes.to_string().into()),
            retain: self.retain,
            rendered: Some(self.rendered.hash.to_string().into()),
            written: (self.written.hash != self.rendered.hash)
                .then(|| self.written.hash.to_string().into()),
            mode: (self.rendered.mode == Mode::Executable).then(|| mode(self.rendered.mode).into()),
            written_mode: (self.written.mode != self.rendered.mode)
                .then(|| mode(self.written.mode).into()),
            kind: Some(self.address.kind().into()),
            version: Some(self.version),
            ..Line::default()
        })
    }
}

fn json(line: &Line<'_>) -> String {
    let mut text =
        serde_json::to_string(line).expect("a line of strings and numbers is always JSON");
    text.push('\n');
    text
}

/// The lines with their numbers, without those that Git puts around a conflict, and how many these
/// are. What both sides had before (between `|||||||` and `=======`) is on neither side, and left out.
fn without_markers(text: &str) -> (Vec<(usize, &str)>, usize) {
    let (mut lines, mut markers, mut in_base) = (Vec::new(), 0, false);
    for (number, line) in text.lines().enumerate() {
        let is = |marker: &str| line.starts_with(marker);
        if is("<<<<<<<") || is("=======") || is(">>>>>>>") || is("|||||||") {
            markers += 1;
            in_base = is("|||||||");
        } else if !in_base {
            lines.push((number, line));
        }
    }
    (lines, markers)
}

/// What a merge left in a file, as a warning: Git's markers, and outputs with several lines.
fn merged(code: &str, book: &Book, markers: usize) -> Diagnostics {
    let mut found = Diagnostics::default();
    let several = book
        .records
        .chunk_by(|one, other| one.key() == other.key())
        .filter(|same| same.len() > 1);
    let paths: Vec<&str> = several.map(|same| same[0].path.as_str()).collect();
    let counted =
        |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let said = match (markers, paths.as_slice()) {
        (0, []) => return found,
        (markers, []) => format!("{markers} lines of Git's conflict markers"),
        (0, [first, ..]) => format!(
            "several lines for {}, such as {first}",
            counted(paths.len(), "output")
        ),
        (markers, [first, ..]) => {
            format!(
                "{markers} lines of Git's conflict markers, and several lines for {}, such as {first}",
                counted(paths.len(), "output")
            )
        }
    };
    let message = format!("{FOLDER}/{code}.jsonl holds what a merge left: {said}");
    found.push(
        Diagnostic::new(Code::LedgerMerged, message)
            .help("nothing is lost; the next `loom apply` writes the file anew"),
    );
    found
}

fn read_line(line: &str) -> Said {
    if line.trim().is_empty() {
        return Said::Nothing;
    }
    let Ok(line) = serde_json::from_str::<Line<'_>>(line) else {
        return Said::Garbage;
    };
    if let Some(hash) = &line.spent {
        return line.spent(hash).unwrap_or(Said::Garbage);
    }
    match (&line.loom, &line.input, &line.hash) {
        (Some(_), ..) => match line.format {
            Some(format) if format > FORMAT => Said::Newer(format),
            _ => Said::Nothing,
        },
        (None, Some(input), Some(hash)) => Said::Input(input.to_string(), hash.to_string()),
        _ => line
            .record()
            .map_or(Said::Garbage, |record| Said::Record(Box::new(record))),
    }
}

impl Line<'_> {
    fn spent(&self, hash: &str) -> Option<Said> {
        let spent = Spent {
            what: Address::parse(self.what.as_ref()?).ok()?,
            component: self
                .component
                .as_ref()
                .map(|component| component.to_string()),
        };
        Some(Said::Spent(ContentHash::parse(hash).ok()?, spent))
    }

    fn owned(&self) -> Option<Owned> {
        Some(match self.own.as_deref()? {
            "file" => Owned::As(Own::File),
            "once" => Owned::As(Own::Once),
            "block" => Owned::As(Own::Block),
            "keys" => Owned::As(Own::Keys),
            "data" => Owned::Data {
                canon: self.canon?,
                bytes: ContentHash::parse(self.bytes.as_ref()?).ok()?,
            },
            _ => return None,
        })
    }

    fn record(&self) -> Option<Record> {
        let mode = |text: Option<&str>| match text {
            Some("executable") => Mode::Executable,
            _ => Mode::Plain,
        };
        let rendered = Content {
            hash: ContentHash::parse(self.rendered.as_ref()?).ok()?,
            mode: mode(self.mode.as_deref()),
        };
        let written = Content {
            hash: self
                .written
                .as_ref()
                .map_or(Ok(rendered.hash), |hash| ContentHash::parse(hash))
                .ok()?,
            mode: self
                .written_mode
                .as_deref()
                .map_or(rendered.mode, |text| mode(Some(text))),
        };
        let own = self.owned()?;
        let part = match (&self.part, own) {
            (None, _) => Part::Whole,
            (Some(part), Owned::As(Own::Keys)) => Part::Keys(part.to_string()),
            (Some(part), Owned::As(Own::File | Own::Once | Own::Block)) => {
                Part::Block(part.to_string())
            }
            // a document's data are those of its file, whole
            (Some(_), Owned::Data { .. }) => return None,
        };
        Some(Record {
            path: RepoPath::new(self.path.as_ref()?).ok()?,
            keys: self.keys.clone(),
            name: self.name.as_ref()?.to_string(),
            address: Address::parse(self.address.as_ref()?).ok()?,
            own,
            retain: self.retain,
            // an earlier loom told the mode of a block too
            rendered: part.counts(rendered),
            written: part.counts(written),
            part,
            version: self.version?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(path: &str, rendered: &str, written: &str) -> Record {
        let content = |text: &str| Content {
            hash: ContentHash::of(text.as_bytes()),
            mode: Mode::Plain,
        };
        Record {
            path: RepoPath::new(path).expect("a path"),
            part: Part::Whole,
            name: "file".to_owned(),
            address: Address::parse("file.x").expect("an address"),
            own: Owned::As(Own::File),
            retain: false,
            keys: Vec::new(),
            rendered: content(rendered),
            written: content(written),
            version: 1,
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut executable = record("b", "2", "3");
        executable.rendered.mode = Mode::Executable;
        let mut block = record("b", "2", "3");
        block.part = Part::Block("file.\"x\"".to_owned());
        block.retain = true;
        let mut keys = record("c", "4", "4");
        keys.own = Owned::As(Own::Keys);
        keys.part = Part::Keys("file.x".to_owned());
        keys.keys = ["scripts.build", "files[=\"dist\"]"]
            .map(|text| text.parse().expect("a path"))
            .to_vec();
        let mut data = record("d", "5", "6");
        data.own = Owned::Data {
            canon: 1,
            bytes: ContentHash::of(b"as it was left"),
        };
        let spent = |what: &str, component: Option<&str>| Spent {
            what: Address::parse(what).expect("an address"),
            component: component.map(str::to_owned),
        };
        let book = Book {
            records: vec![record("a \"q\"", "1", "1"), executable, block, keys, data],
            spent: BTreeMap::from([
                (ContentHash::of(b"1"), spent("terraform.module.db", None)),
                (
                    ContentHash::of(b"2"),
                    spent("terraform.module.db", Some("database")),
                ),
            ]),
            inputs: BTreeMap::from([("services.api.port".to_owned(), "abc123".to_owned())]),
        };
        let mut out = Diagnostics::default();
        let read = Ledger::read(&[("ENT-001".to_owned(), book.write())], &mut out);
        assert_eq!(
            (read.books["ENT-001"].clone(), out.is_empty()),
            (book, true)
        );
    }

    #[test]
    fn the_mode_that_an_earlier_loom_wrote_of_a_block_is_the_file_s() {
        let mut block = record("a", "1", "1");
        block.part = Part::Block("file.x".to_owned());
        let text = block
            .line()
            .replace("\"kind\"", "\"mode\":\"executable\",\"kind\"");
        assert!(text.contains("executable"));
        let read = Ledger::read(&[("project".to_owned(), text)], &mut Diagnostics::default());
        assert_eq!(read.books["project"].records, [block]);
    }

    #[test]
    fn what_was_before_both_sides_is_no_candidate_and_what_a_merge_left_is_said() {
        let (base, ours, theirs) = (
            record("a", "0", "0"),
            record("a", "1", "1"),
            record("a", "2", "2"),
        );
        let text = format!(
            "<<<<<<< ours\n{}||||||| base\n{}=======\n{}>>>>>>> theirs\n{}",
            ours.line(),
            base.line(),
            theirs.line(),
            record("b", "1", "1").line()
        );
        let mut out = Diagnostics::default();
        let read = Ledger::read(&[("project".to_owned(), text)], &mut out);
        let paths: Vec<&str> = read.books["project"]
            .records
            .iter()
            .map(|record| record.path.as_str())
            .collect();
        assert_eq!(paths, ["a", "a", "b"]);
        assert!(!read.books["project"].records.contains(&base));
        let said: Vec<&str> = out.iter().map(|found| found.message.as_str()).collect();
        let expected = ".loom/ledger/project.jsonl holds what a merge left: 4 lines of Git's conflict markers, \
                        and several lines for 1 output, such as a";
        assert_eq!(said, [expected]);
    }

    #[test]
    fn a_merge_leaves_all_its_candidates_and_nothing_is_fatal_but_a_newer_format() {
        let (ours, theirs) = (record("a", "1", "1"), record("a", "2", "2"));
        let text = format!(
            "<<<<<<< ours\n{}=======\n{}>>>>>>> theirs\nnot json\n\n{{}}\n",
            ours.line(),
            theirs.line()
        );
        let mut out = Diagnostics::default();
        let read = Ledger::read(&[("project".to_owned(), text)], &mut out);
        assert_eq!(read.books["project"].records.len(), 2);
        let codes: Vec<_> = out.iter().map(|found| found.code).collect();
        assert_eq!(
            codes,
            [Code::LedgerLine, Code::LedgerLine, Code::LedgerMerged]
        );
        let mut out = Diagnostics::default();
        Ledger::read(
            &[(
                "project".to_owned(),
                "{\"loom\":\"ledger\",\"format\":3}\n".to_owned(),
            )],
            &mut out,
        );
        assert!(out.has_errors());
    }
}
