//! Editing keys in place: a text with some values set or taken out, and every other byte as it was.
//!
//! In: the text of a file, a document of the same format that holds what is wanted, and the paths
//! of what is not wanted any more. Out: the text of the file afterwards, or a sentence that says
//! why it cannot be edited safely. One module for each format knows where its values stand; each
//! change is a few [`Splice`]s, so that what they do not name cannot change.
//!
//! Invariants: after every single change the text is read again, and what is read is the data from
//! before with that change and no other, else the edit is refused (property tests in `tests`). A
//! byte order mark and the line ends of the file stay; blocks that other artifacts own stay; a
//! comment on a line of its own never goes with a key.
//!
//! Deliberately not here: which keys are loom's. The core knows that.

mod dockerfile;
mod flow;
mod hcl;
mod json;
mod proposal;
#[cfg(test)]
pub(crate) mod tests;
mod toml;
mod yaml;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use indexmap::IndexMap;
use loom_plan::keys::{Change, Data, Edited, Entry, Form, Format, KeyPath, Spliced, Step};

pub use dockerfile::Dockerfile;
pub use hcl::Hcl;
pub use json::Json;
pub use toml::Toml;
pub use yaml::Yaml;

/// A text and its data.
#[derive(Clone)]
struct Document {
    text: String,
    data: Data,
    /// What the last change took out and put in.
    spliced: Vec<Spliced>,
}

impl Document {
    /// A text without byte order mark and with `\n`, read.
    fn read<E: Editor>(text: String) -> Result<Self, String> {
        Ok(Self {
            data: E::data(&text)?,
            text,
            spliced: Vec::new(),
        })
    }
}

/// One change of a text: these bytes become that text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Splice {
    range: Range<usize>,
    text: String,
}

impl Splice {
    fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        Self {
            range,
            text: text.into(),
        }
    }

    fn at(place: usize, text: impl Into<String>) -> Self {
        Self::new(place..place, text)
    }
}

/// What a change comes to, or why it cannot be made.
type Splices = Result<Vec<Splice>, String>;

/// What knows where the values of a format stand. Texts come without byte order mark, and with `\n`.
trait Editor: Sync {
    /// What begins a comment.
    const COMMENTS: &'static [&'static str];

    /// The data of a text.
    fn data(text: &str) -> Result<Data, String>;

    /// The value at `path` becomes that of `wanted`.
    fn set(file: &Document, wanted: &Document, path: &KeyPath) -> Splices;

    /// The value of `wanted` at `path` is added; what holds it is there, but not this step.
    fn add(file: &Document, wanted: &Document, path: &KeyPath) -> Splices;

    /// The value at `path` goes.
    fn take(file: &Document, path: &KeyPath) -> Splices;

    /// A value on one line, whatever it looked like.
    fn inline(data: &Data) -> String;
}

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A text without byte order mark and with `\n`, and how to put both back.
struct Dress {
    mark: &'static str,
    crlf: bool,
}

impl Dress {
    fn off(text: &str) -> (Self, String) {
        let bare = text.strip_prefix(BYTE_ORDER_MARK);
        let mark = if bare.is_some() { BYTE_ORDER_MARK } else { "" };
        let bare = bare.unwrap_or(text);
        let mut lines = bare
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .peekable();
        let crlf = lines.peek().is_some() && lines.all(|line| line.ends_with("\r\n"));
        (
            Self { mark, crlf },
            if crlf {
                bare.replace("\r\n", "\n")
            } else {
                bare.to_owned()
            },
        )
    }

    fn on(&self, text: &str) -> String {
        format!("{}{}", self.mark, self.ended(text))
    }

    /// A piece of the text with the line ends of the file.
    fn ended<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.crlf {
            text.replace('\n', "\r\n").into()
        } else {
            text.into()
        }
    }
}

/// The data of a text, whatever its line ends.
fn read<E: Editor>(text: &str) -> Result<Data, String> {
    E::data(&Dress::off(text).1)
}

/// As [`Format::edit`].
fn edit<E: Editor>(text: &str, change: Change<'_>) -> Result<Edited, String> {
    let (dress, bare) = Dress::off(text);
    let dressed = |splices: Vec<Spliced>| {
        let ended = |text: &str| dress.ended(text).into_owned();
        splices
            .into_iter()
            .map(|it| Spliced {
                out: ended(&it.out),
                into: ended(&it.into),
                ..it
            })
            .collect()
    };
    if let Some(wanted) = change.wanted.filter(|_| bare.trim().is_empty()) {
        let into = Dress::off(wanted).1;
        return Ok(Edited {
            text: Some(dress.on(&into)),
            splices: dressed(vec![Spliced {
                key: KeyPath::default(),
                out: bare,
                into,
            }]),
        });
    }
    let (mut file, mut splices) = (Document::read::<E>(bare)?, Vec::new());
    if let Some(wanted) = change.wanted {
        let wanted = Document::read::<E>(Dress::off(wanted).1)?;
        let stays: BTreeSet<&KeyPath> = change.stays.iter().collect();
        let leaves = wanted.data.leaves();
        for path in leaves.iter().filter(|path| !stays.contains(path)) {
            file = with_leaf::<E>(file, &wanted, path)?;
            splices.append(&mut file.spliced);
        }
    }
    for path in change.unwanted {
        file = without::<E>(file, path)?;
        splices.append(&mut file.spliced);
    }
    let is_left = !file.data.is_empty() || !is_bare(&file.text);
    Ok(Edited {
        text: (is_left || change.unwanted.is_empty()).then(|| dress.on(&file.text)),
        splices: dressed(splices),
    })
}

/// As [`Format::put`].
fn put<E: Editor>(text: &str, wanted: &str, path: &KeyPath) -> Result<String, String> {
    let (dress, text) = Dress::off(text);
    let file = Document::read::<E>(text)?;
    let wanted = Document::read::<E>(Dress::off(wanted).1)?;
    Ok(dress.on(&with_leaf::<E>(file, &wanted, path)?.text))
}

/// Whether a text holds nothing but what a format cannot do without.
fn is_bare(text: &str) -> bool {
    text.split_whitespace()
        .all(|word| matches!(word, "{}" | "{" | "}" | "---" | "..."))
}

/// The file with one leaf as it is wanted.
fn with_leaf<E: Editor>(
    file: Document,
    wanted: &Document,
    path: &KeyPath,
) -> Result<Document, String> {
    let Some(value) = wanted.data.get(path) else {
        return Ok(file);
    };
    if file.data.get(path) == Some(value) {
        return Ok(file);
    }
    let there = reach(&file.data, path)?;
    if there == path.steps().len() {
        let expected = file.data.with(path.steps(), value);
        let splices = E::set(&file, wanted, path)?;
        return apply::<E>(&file, splices, &expected, path);
    }
    let (parent, added) = (path.first(there), path.first(there + 1));
    let value = wanted.data.get(&added).unwrap_or(value);
    let holder = file.data.get(&parent).unwrap_or(&file.data);
    let expected = match (&holder.form, &added.steps()[there]) {
        (Form::Map(_), Step::Key(_)) | (Form::List(_), Step::Entry { .. } | Step::Item(_)) => {
            file.data.with(added.steps(), value)
        }
        (Form::Scalar(text), Step::Key(key)) if text == "null" && holder.span.is_empty() => {
            let entries = IndexMap::from([(
                key.clone(),
                Entry {
                    key: 0..0,
                    data: value.clone(),
                },
            )]);
            file.data
                .with(parent.steps(), &Data::new(0..0, Form::Map(entries)))
        }
        (Form::Scalar(_) | Form::List(_) | Form::Map(_), step) => {
            let kind = if matches!(step, Step::Key(_)) {
                "a mapping"
            } else {
                "a list"
            };
            return Err(format!(
                "`{parent}` is there and is not {kind}, so that `{path}` cannot be set"
            ));
        }
    };
    let splices = E::add(&file, wanted, &added)?;
    apply::<E>(&file, splices, &expected, path)
}

/// How many steps of a path are there; none of them may be in doubt.
fn reach(data: &Data, path: &KeyPath) -> Result<usize, String> {
    let (mut here, mut there) = (data, 0);
    loop {
        if let Some(obstacle) = here.obstacle {
            return Err(match there {
                0 => format!("the document {obstacle}"),
                _ => format!("`{}` {obstacle}", path.first(there)),
            });
        }
        let Some(step) = path.steps().get(there) else {
            return Ok(there);
        };
        match here.step(step).as_slice() {
            [] => return Ok(there),
            [next] => here = next,
            [..] => {
                return Err(format!(
                    "`{}` is there more than once",
                    path.first(there + 1)
                ));
            }
        }
        there += 1;
    }
}

/// The file without one leaf, and without what held nothing else.
fn without<E: Editor>(file: Document, path: &KeyPath) -> Result<Document, String> {
    if file.data.get(path).is_none() {
        return Ok(file);
    }
    reach(&file.data, path)?;
    let Some(path) = emptied(&file.data, path) else {
        return Ok(file);
    };
    let expected = file.data.without(path.steps());
    let splices = E::take(&file, &path)?;
    if let Some(taken) = file.data.get(&path)
        && splices
            .iter()
            .any(|splice| has_comment_line::<E>(&file.text, &splice.range, taken))
    {
        return Err(format!(
            "a comment stands on a line of its own within `{path}`, and would go with it"
        ));
    }
    apply::<E>(&file, splices, &expected, &path)
}

/// What goes with a leaf: the outermost thing that holds nothing else. Nothing goes where the leaf
/// is the name of an entry that somebody else added to.
fn emptied(data: &Data, path: &KeyPath) -> Option<KeyPath> {
    let mut path = path.clone();
    while path.steps().len() > 1 {
        let (above, step) = (path.first(path.steps().len() - 1), path.steps().last()?);
        let named = match above.steps().last()? {
            Step::Entry { by, .. } => Some(by.as_str()),
            Step::Key(_) | Step::Item(_) => None,
        };
        let is_only = match &data.get(&above)?.form {
            Form::Map(entries) => entries
                .keys()
                .all(|key| *step == Step::Key(key.clone()) || named == Some(key.as_str())),
            Form::List(items) => items.len() == 1,
            Form::Scalar(_) => false,
        };
        if !is_only {
            let is_name = named.is_some_and(|by| *step == Step::Key(by.to_owned()));
            return (!is_name).then_some(path);
        }
        path = above;
    }
    Some(path)
}

/// The text with the splices, read again and compared.
fn apply<E: Editor>(
    file: &Document,
    mut splices: Vec<Splice>,
    expected: &Data,
    path: &KeyPath,
) -> Result<Document, String> {
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let (mut text, mut at) = (String::with_capacity(file.text.len()), 0);
    for splice in &splices {
        let kept = file
            .text
            .get(at..splice.range.start)
            .ok_or_else(|| format!("`{path}` stands where it cannot be edited"))?;
        text.push_str(kept);
        text.push_str(&splice.text);
        at = splice.range.end;
    }
    text.push_str(file.text.get(at..).unwrap_or_default());
    let data = E::data(&text).map_err(|why| {
        format!("with `{path}` changed the file could not be read any more ({why})")
    })?;
    if data != *expected {
        return Err(format!("changing `{path}` would change something else"));
    }
    if blocks(&file.text) != blocks(&text) {
        return Err(format!(
            "`{path}` would be written into a block that another artifact owns"
        ));
    }
    let changes = splices.into_iter().map(|splice| Spliced {
        key: path.clone(),
        out: file.text[splice.range].to_owned(),
        into: splice.text,
    });
    Ok(Document {
        text,
        data,
        spliced: changes.filter(|it| it.out != it.into).collect(),
    })
}

/// What stands between the markers of owned blocks.
fn blocks(text: &str) -> Vec<&str> {
    let mut inside = false;
    let lines = text.lines().filter(|line| {
        let begins = line.contains("loom:begin ");
        inside = (inside || begins) && !line.contains("loom:end ");
        inside || begins
    });
    lines.collect()
}

/// Whether a range holds a comment on a line of its own. What looks like one in a text is none.
fn has_comment_line<E: Editor>(text: &str, range: &Range<usize>, taken: &Data) -> bool {
    let mut texts = Vec::new();
    scalars(taken, &mut texts);
    let mut at = line_start(text, range.start);
    text.get(at..range.end)
        .unwrap_or_default()
        .split_inclusive('\n')
        .any(|line| {
            let begin = at + line.len() - line.trim_start().len();
            at += line.len();
            let is_comment = E::COMMENTS
                .iter()
                .any(|mark| line.trim_start().starts_with(mark));
            is_comment && begin >= range.start && !texts.iter().any(|text| text.contains(&begin))
        })
}

fn scalars(data: &Data, found: &mut Vec<Range<usize>>) {
    match &data.form {
        Form::Scalar(_) => found.push(data.span.clone()),
        Form::List(items) => items.iter().for_each(|item| scalars(item, found)),
        Form::Map(entries) => entries
            .values()
            .for_each(|entry| scalars(&entry.data, found)),
    }
}

/// The comment behind a value belongs to it: that of the wanted document takes the place of the
/// other, where there is one.
fn comment_splice<E: Editor>(file: &Document, old: &Data, wanted: &Document, new: &Data) -> Splice {
    let behind =
        |document: &Document, data: &Data| data.span.end..line_end(&document.text, data.span.end);
    let (here, there) = (behind(file, old), behind(wanted, new));
    let is_comment = |text: &str| {
        E::COMMENTS
            .iter()
            .any(|mark| text.trim_start().starts_with(mark))
    };
    let (comment, instead) = (&wanted.text[there], &file.text[here.clone()]);
    if is_comment(comment) && (is_comment(instead) || instead.trim().is_empty()) {
        Splice::new(here, comment)
    } else {
        Splice::at(here.start, "")
    }
}

/// Where the line of a place begins.
fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |found| found + 1)
}

/// Where the line of a place ends, before its newline.
fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |found| at + found)
}

/// Behind the newline of a place's line.
fn next_line(text: &str, at: usize) -> usize {
    (line_end(text, at) + 1).min(text.len())
}

/// The blanks that a place's line begins with.
fn indentation(text: &str, at: usize) -> &str {
    let line = &text[line_start(text, at)..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// What one level of a text is indented by, as its first indented line tells.
fn unit(text: &str) -> &str {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first = lines.find_map(|line| {
        Some(&line[..line.len() - line.trim_start().len()]).filter(|blanks| !blanks.is_empty())
    });
    first.unwrap_or("  ")
}

/// The line number of a place, from 1.
fn line_number(text: &str, at: usize) -> usize {
    text[..at.min(text.len())].matches('\n').count() + 1
}

/// The parent of a path and its last step.
fn split(path: &KeyPath) -> Result<(KeyPath, &Step), String> {
    let last = path
        .steps()
        .last()
        .ok_or_else(|| "the document itself cannot be edited".to_owned())?;
    Ok((path.first(path.steps().len() - 1), last))
}

/// The value at a path that is known to be there.
fn at<'a>(data: &'a Data, path: &KeyPath) -> Result<&'a Data, String> {
    data.get(path)
        .ok_or_else(|| format!("`{path}` is not there"))
}

/// Which of its entries a step of a list or mapping leads to.
fn index_of(data: &Data, step: &Step) -> Option<usize> {
    match (&data.form, step) {
        (Form::Map(entries), Step::Key(key)) => entries.get_index_of(key),
        (Form::List(items), _) => {
            let found = *data.step(step).first()?;
            items.iter().position(|item| std::ptr::eq(item, found))
        }
        (Form::Scalar(_) | Form::Map(_), _) => None,
    }
}

/// The formats whose keys can be owned, and that in which versions alone can be left to somebody.
pub const FORMATS: &[&dyn Format] = &[&Hcl, &Json, &Toml, &Yaml, &Dockerfile];
