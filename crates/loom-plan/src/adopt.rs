//! Adopting: from files that are there to the declarations that reproduce them.
//!
//! In: files that loom did not write, and the kinds. Out: a [`Proposal`] for each artifact that they
//! make, with what its declaration keeps of each file, or why there is none.
//!
//! Invariant, tested over every kind that reads: what a proposal calls exact renders the very bytes
//! of the file, and what it calls the same data differs by the format's own reader in nothing. The
//! command plans the proposals before anything is written, and refuses what is not so.
//!
//! Deliberately not here: which files are looked at, and writing.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::addr::{Address, ContentHash, MAX_NAME, Name, RepoPath};
use crate::diff::TextDiff;
use crate::drift::grade::{Reader, Reading};
use crate::header;
use crate::node::{Map, Node, Value};
use crate::provider::{Artifact, Draft, Existing, Fit, Mode, Order, Provider, Registry};
use crate::text::{SourceId, Span};

/// Which kinds are asked to read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask<'a> {
    /// All of them.
    All,
    /// Those of a format, and not the ones that take any text.
    Formats,
    /// This one.
    Kind(&'a str),
}

impl Ask<'_> {
    fn takes(self, kind: &str, fit: Fit) -> bool {
        match self {
            Self::All => true,
            Self::Formats => fit != Fit::Any,
            Self::Kind(only) => kind == only,
        }
    }
}

/// Who reads.
#[derive(Clone, Copy)]
pub struct Readers<'a> {
    /// The kinds.
    pub registry: Registry<'a>,
    /// The reader of the format that a path's name tells, where there is one.
    pub format: fn(&RepoPath) -> Option<Reader>,
}

/// How much of a file its declaration keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fidelity {
    /// Every byte.
    Exact,
    /// All that it says; not these.
    Data {
        /// The comments that its declaration cannot hold: the line, where it is known, and the text.
        comments: Vec<(Option<usize>, String)>,
        /// How many other lines would be laid out in another way.
        lines: usize,
    },
}

/// A declaration that reproduces files.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// What it would be called.
    pub address: Address,
    /// Its `path`.
    pub path: RepoPath,
    /// The kind's own settings, as they are declared.
    pub settings: Node,
    /// The files, and what is kept of each.
    pub files: Vec<(RepoPath, Fidelity)>,
}

/// A file that no kind reads well enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The file.
    pub path: RepoPath,
    /// Why, as a clause.
    pub why: String,
}

/// One file, as one kind reads it.
struct Read {
    kind: &'static str,
    path: RepoPath,
    settings: Node,
    file: RepoPath,
    fidelity: Fidelity,
}

/// Proposes a declaration for every file, those of one directory together where the kind says so.
/// `taken` are the addresses that stand for something already.
pub fn propose(
    files: &[Existing<'_>],
    readers: Readers<'_>,
    ask: Ask<'_>,
    taken: &BTreeSet<Address>,
) -> (Vec<Proposal>, Vec<Unread>) {
    let mut groups: BTreeMap<(RepoPath, &str), Vec<Read>> = BTreeMap::new();
    let mut unread = Vec::new();
    for file in files {
        match read(file, readers, ask) {
            Ok(read) => groups
                .entry((read.path.clone(), read.kind))
                .or_default()
                .push(read),
            Err(why) => unread.push(Unread {
                path: file.path.clone(),
                why,
            }),
        }
    }
    let mut taken = taken.clone();
    let proposals = groups.into_iter().map(|((path, kind), reads)| {
        let address = free_address(kind, &path, &taken);
        taken.insert(address.clone());
        let settings = reads
            .iter()
            .map(|read| &read.settings)
            .cloned()
            .reduce(|one, other| merged(&one, &other));
        let settings = settings.unwrap_or_else(|| Node::map(nowhere(), Map::default()));
        let files = reads
            .into_iter()
            .map(|read| (read.file, read.fidelity))
            .collect();
        Proposal {
            address,
            path,
            settings: escaped(&settings),
            files,
        }
    });
    (proposals.collect(), unread)
}

/// How the kind reads a file that keeps most of it: every byte, or else all that it says.
fn read(file: &Existing<'_>, readers: Readers<'_>, ask: Ask<'_>) -> Result<Read, String> {
    if header::is_in(file.text.as_bytes(), file.path) {
        return Err("it carries loom's header: another declaration wrote it".to_owned());
    }
    let kinds = readers.registry.providers.iter();
    let drafts =
        kinds.filter_map(|provider| Some((*provider as &dyn Provider, provider.read(file)?)));
    let mut drafts: Vec<(&dyn Provider, Draft)> = drafts
        .filter(|(provider, draft)| ask.takes(provider.spec().kind, draft.fit))
        .collect();
    drafts.sort_by_key(|(_, draft)| draft.fit);
    let mut why = match ask {
        Ask::Kind(kind) => format!("`{kind}` cannot be read from it"),
        Ask::All | Ask::Formats => "it is of no format that loom reads".to_owned(),
    };
    for (provider, draft) in drafts {
        match kept(file, provider, &draft, readers.format) {
            Ok(fidelity) => {
                let path = draft.path.unwrap_or_else(|| file.path.clone());
                return Ok(Read {
                    kind: provider.spec().kind,
                    path,
                    settings: draft.settings,
                    file: file.path.clone(),
                    fidelity,
                });
            }
            Err(differs) => {
                why = format!("as `{}` it would change: {differs}", provider.spec().kind);
            }
        }
    }
    Err(why)
}

/// What rendering a draft keeps of the file.
fn kept(
    file: &Existing<'_>,
    provider: &dyn Provider,
    draft: &Draft,
    format: fn(&RepoPath) -> Option<Reader>,
) -> Result<Fidelity, String> {
    let name = Name::new("adopted").map_err(|error| error.to_string())?;
    let artifact = Artifact {
        address: Address::new(provider.spec().kind, name, None),
        path: Some(draft.path.clone().unwrap_or_else(|| file.path.clone())),
        service: None,
        settings: draft.settings.clone(),
        files: Vec::new(),
    };
    let said = |found: crate::provider::Failure| {
        found
            .into_iter()
            .map(|it| it.message)
            .collect::<Vec<_>>()
            .join("; ")
    };
    let places = provider.places(&artifact).map_err(said)?;
    let place = places
        .iter()
        .find(|place| place.path == *file.path)
        .ok_or("its path")?;
    if place.mode != file.mode {
        return Err(match file.mode {
            Mode::Executable => "the file would no longer be executable".to_owned(),
            Mode::Plain => "the file would become executable".to_owned(),
        });
    }
    let rendered = provider.render(&artifact, place).map_err(said)?;
    if rendered == file.text {
        return Ok(Fidelity::Exact);
    }
    if let Some(first) = provider.explain(file.text, &rendered).into_iter().next() {
        return Err(first);
    }
    if draft.fit != Fit::Format {
        return Err("how its lines end".to_owned());
    }
    let read = |text: &str| format(file.path).and_then(|reader| reader(text));
    match (read(file.text), read(&rendered)) {
        (Some(before), Some(after)) if draft.order == Order::Free || before.data == after.data => {
            Ok(laid_out(file.text, &rendered, (before, after)))
        }
        _ => Err("what it says to some readers of its format".to_owned()),
    }
}

/// What two texts of the same data differ in.
fn laid_out(before: &str, after: &str, (was, is): (Reading, Reading)) -> Fidelity {
    let mut kept = is.comments;
    let mut lost = was.comments;
    lost.retain(
        |comment| match kept.iter().position(|other| other == comment) {
            Some(at) => {
                kept.remove(at);
                false
            }
            None => true,
        },
    );
    let (mut from, mut whole) = (0, 0);
    let comments = lost.into_iter().map(|comment| {
        let first = comment.lines().next().unwrap_or_default().to_owned();
        let found = before
            .lines()
            .enumerate()
            .skip(from)
            .find(|(_, line)| !first.is_empty() && line.contains(&first));
        if let Some((at, line)) = found {
            from = at + 1;
            whole += usize::from(
                line.trim_start().starts_with(&first) || line.trim_start().starts_with('#'),
            );
        }
        // some readers give a comment with what marks it, and some without
        let shown = if first.starts_with(['#', '/']) {
            first
        } else {
            format!("# {first}")
        };
        (found.map(|(at, _)| at + 1), shown)
    });
    let comments: Vec<(Option<usize>, String)> = comments.collect();
    let diff = TextDiff::new(before, after);
    Fidelity::Data {
        comments,
        lines: diff.removed().saturating_sub(whole).max(diff.added()),
    }
}

/// Two settings as one: mappings are put together, key by key.
fn merged(one: &Node, other: &Node) -> Node {
    let (Some(map), Some(more)) = (one.as_map(), other.as_map()) else {
        return other.clone();
    };
    let mut map = map.clone();
    for (key, node) in more.iter() {
        let node = map
            .get(key)
            .map_or_else(|| node.clone(), |known| merged(known, node));
        map.insert(key, node);
    }
    Node::map(one.span, map)
}

/// Settings in which what looks like a reference of loom's stands for itself.
fn escaped(node: &Node) -> Node {
    let value = match &node.value {
        Value::String(text) if crate::intent::reference::concerns(text) => {
            let words = ["${ref:", "${env:", "${service:"];
            Value::String(
                words
                    .iter()
                    .fold(text.to_string(), |text, word| {
                        text.replace(word, &format!("${word}"))
                    })
                    .into(),
            )
        }
        Value::Seq(items) => Value::Seq(items.iter().map(escaped).collect()),
        Value::Map(map) => {
            let mut all = Map::default();
            for (key, node) in map.iter() {
                all.insert(key, escaped(node));
            }
            return Node::map(node.span, all);
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::String(_) => {
            node.value.clone()
        }
    };
    Node {
        span: node.span,
        value,
    }
}

/// An address that nothing has yet, from the names of a path: the file's, then with directories.
fn free_address(kind: &str, path: &RepoPath, taken: &BTreeSet<Address>) -> Address {
    let parts: Vec<&str> = path.as_str().split('/').collect();
    let (file, folders) = parts.split_last().expect("a path has a part");
    let stem = match file.split_once('.').unwrap_or((file, "")) {
        ("", dotted) => dotted,
        // `Dockerfile.dev` is named by what follows, and `Dockerfile` by where it is
        ("Dockerfile" | "Containerfile" | "kustomization", "" | "yaml" | "yml") => "",
        ("Dockerfile" | "Containerfile", rest) => rest,
        (stem, _) => stem,
    };
    let mut words: Vec<&str> = Some(stem)
        .filter(|stem| !stem.is_empty())
        .into_iter()
        .collect();
    let mut folders = folders
        .iter()
        .rev()
        .filter(|folder| !folder.starts_with('.'));
    if words.is_empty() {
        words.extend(folders.next());
    }
    loop {
        if let Some(address) = named(kind, &words).filter(|address| !taken.contains(address)) {
            return address;
        }
        match folders.next() {
            Some(folder) => words.insert(0, folder),
            None => break,
        }
    }
    let last = kind.rsplit('.').next().unwrap_or(kind);
    let numbered = |number: usize| named(kind, &[&words.concat(), last, &number.to_string()]);
    let free = [named(kind, &[last])]
        .into_iter()
        .chain((2..).map(numbered))
        .flatten();
    free.into_iter()
        .find(|address| !taken.contains(address))
        .expect("numbers do not end")
}

fn named(kind: &str, words: &[&str]) -> Option<Address> {
    let mapped: String = words
        .join("-")
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let parts: Vec<&str> = mapped.split('-').filter(|part| !part.is_empty()).collect();
    let joined = parts.join("-");
    let whole = joined.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
    Some(Address::new(kind, Name::new(&shortened(whole)).ok()?, None))
}

/// A name that is short enough, and as readable as it can be: whole words from its start, and digits
/// of its hash, which tell it from another that begins alike.
fn shortened(name: &str) -> Cow<'_, str> {
    if name.len() <= MAX_NAME {
        return name.into();
    }
    let digits = ContentHash::of(name.as_bytes()).short(6);
    let kept = &name[..MAX_NAME - 1 - digits.len()];
    let words = kept.rsplit_once('-').map_or(kept, |(words, _)| words);
    let kept = if words.len() < kept.len() / 2 {
        kept
    } else {
        words
    };
    format!("{}-{digits}", kept.trim_end_matches('-')).into()
}

fn nowhere() -> Span {
    Span::start_of(SourceId::first())
}

impl Proposal {
    /// The declaration, as an entry of `artifacts`.
    pub fn entry(&self) -> Node {
        let text = |text: &str| Node::string(nowhere(), text);
        let mut map = Map::default();
        map.insert("kind", text(self.address.kind()));
        map.insert("name", text(self.address.name().as_str()));
        map.insert("path", text(self.path.as_str()));
        for (key, node) in self.settings.as_map().into_iter().flat_map(Map::iter) {
            map.insert(key, node.clone());
        }
        Node::map(nowhere(), map)
    }

    /// Whether every byte of every file is kept.
    pub fn is_exact(&self) -> bool {
        self.files
            .iter()
            .all(|(_, fidelity)| *fidelity == Fidelity::Exact)
    }
}
