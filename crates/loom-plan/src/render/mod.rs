//! What is desired: every output with its hash, and its bytes on demand.
//!
//! In: linked artifacts. Out: a [`Desired`], sorted by path and part. Texts are not held: they are
//! rendered once to be hashed and again, and checked against the hash, when they are shown or
//! staged, so that memory grows with what changes and not with what exists.
//!
//! Invariants: no two outputs claim one path or overlapping parts of one (`claims`); a text that
//! breaks a provider's contract is a diagnostic, not a file.

mod claims;
mod delegation;
mod sides;

use std::sync::Arc;

use rayon::prelude::*;

use crate::addr::{ContentHash, RepoPath};
use crate::block::Damage;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::graph::Ordered;
use crate::graph::link::Linked;
use crate::intent::Declaration;
use crate::keys::delegate::Left;
use crate::keys::{Change, Formats, KeyPath, Spliced};
use crate::plan::decide::Decision;
use crate::plan::merging::Merges;
use crate::plan::{Action, PartAction};
use crate::project::{Delegate, Own};
use crate::provider::{Failure, Place};
use crate::snapshot::{Content, MAX_FILE, Part};
use crate::{block, credential, header, keys};

/// One output of one declaration.
#[derive(Clone, Debug)]
pub struct Output {
    /// The declaration's index.
    pub declaration: usize,
    /// Where it goes.
    pub place: Place,
    /// Which part of the file it is.
    pub part: Part,
    /// Which keys of the file are loom's, where only keys are.
    pub keys: Vec<KeyPath>,
    /// The keys whose versions somebody else keeps, and who that is.
    pub delegated: Option<Arc<Delegated>>,
    /// What it should hold: of a whole file without the header, of a block its body, of keys
    /// [`keys::content`]; without the versions that are delegated.
    pub content: Content,
}

impl Output {
    /// The versions that are left to somebody, where some are.
    pub fn left(&self) -> Option<&Left> {
        self.delegated.as_ref().map(|delegated| &delegated.left)
    }
}

/// What a part of a file is to hold.
pub(crate) struct Wanted {
    /// The text of a block, or a document that holds keys; `None` where the part goes.
    pub(crate) text: Option<String>,
    /// Keys that go.
    pub(crate) removes: Vec<KeyPath>,
}

/// What of an output is left to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegated {
    /// The keys, and what counts as a version of them.
    pub left: Left,
    /// Who keeps them.
    pub to: String,
}

/// Everything that is desired.
#[derive(Debug)]
pub struct Desired {
    /// The declarations and what depends on what.
    pub ordered: Ordered,
    /// The artifacts, in the order of the declarations.
    pub linked: Vec<Linked>,
    /// The outputs by path and part.
    pub outputs: Vec<Output>,
    /// The formats whose keys can be owned.
    pub formats: Formats,
    /// What edits and these came to, where they are merged.
    pub merges: Merges,
}

/// Renders and hashes everything, on all cores.
pub fn render(
    ordered: Ordered,
    linked: Vec<Linked>,
    formats: Formats,
    (delegates, accepts): (&[Delegate], Accepts<'_>),
    out: &mut Diagnostics,
) -> Desired {
    let all = linked
        .iter()
        .enumerate()
        .flat_map(|(index, linked)| linked.places.iter().map(move |place| (index, place)));
    let mut places: Vec<(usize, (usize, &Place))> = all.enumerate().collect();
    // neighbours are often about one service, whose settings then stay in the processor's cache
    places.par_sort_by(|(_, (_, one)), (_, (_, other))| one.path.cmp(&other.path));
    let rendered: Vec<Result<Output, (usize, Failure)>> = places
        .par_iter()
        .map(|(at, (index, place))| {
            let declaration = &ordered.declarations[*index];
            let text =
                text_of(declaration, &linked[*index], place).map_err(|failure| (*at, failure))?;
            refuse_credentials(declaration, place, &text, accepts)
                .map_err(|failure| (*at, failure))?;
            output(*index, declaration, place, &text, formats).map_err(|failure| (*at, failure))
        })
        .collect();
    let (mut outputs, mut failures) = (Vec::with_capacity(rendered.len()), Vec::new());
    for output in rendered {
        match output {
            Ok(output) => outputs.push(output),
            Err(failure) => failures.push(failure),
        }
    }
    failures.sort_by_key(|(at, _)| *at);
    // what was found where it was declared is not said again of each file that it comes to
    let is_said = out.iter().any(|found| found.code == Code::Credential);
    let failures = failures.into_iter().flat_map(|(_, failure)| failure);
    out.extend(failures.filter(|found| !is_said || found.code != Code::Credential));
    outputs
        .sort_by(|one, other| (&one.place.path, &one.part).cmp(&(&other.place.path, &other.part)));
    let mut desired = Desired {
        ordered,
        linked,
        outputs,
        formats,
        merges: Merges::default(),
    };
    delegation::take_out(&mut desired, delegates, out);
    claims::check(&desired, out);
    desired
}

/// Whether a literal that looks like a credential is accepted in what a declaration writes to a path.
pub type Accepts<'a> = &'a (dyn Fn(&Declaration, &RepoPath, &str) -> bool + Sync);

/// What is rendered is looked at as what is declared is: an expression or a template can put together
/// what no setting holds. It is said of the declaration, which is what a person can change.
fn refuse_credentials(
    declaration: &Declaration,
    place: &Place,
    text: &str,
    accepts: Accepts<'_>,
) -> Result<(), Failure> {
    let refused = |line: Option<usize>, what: &str| {
        let at = line.map_or_else(String::new, |line| format!(", line {line}"));
        let message = format!(
            "what `{}` writes to {}{at} looks like a credential: {what}",
            declaration.address, place.path,
        );
        let found = Diagnostic::new(Code::Credential, message)
            .at(declaration.settings.span, "it is put together from this");
        found.help("take it out, replace it where it was issued, and refer to it: `secret: true`, or `secret: { from: …, key: … }`")
    };
    let of_path = credential::found(place.path.as_str())
        .into_iter()
        .map(|(range, what)| (place.path.as_str(), range, what));
    let of_text = credential::found(text)
        .into_iter()
        .map(|(range, what)| (text, range, what));
    let found: Failure = of_path
        .chain(of_text)
        .filter(|(text, range, _)| !accepts(declaration, &place.path, &text[range.clone()]))
        .map(|(of, range, what)| {
            let is_path = std::ptr::eq(of, place.path.as_str());
            let line = (!is_path).then(|| of[..range.start].matches('\n').count() + 1);
            refused(line, what)
        })
        .collect();
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// An output from its text.
fn output(
    index: usize,
    declaration: &Declaration,
    place: &Place,
    text: &str,
    formats: Formats,
) -> Result<Output, Failure> {
    let address = || declaration.address.to_string();
    let all = Content {
        hash: ContentHash::of(text.as_bytes()),
        mode: place.mode,
    };
    let (part, keys, content) = match declaration.own {
        Own::Block => (Part::Block(address()), Vec::new(), all),
        Own::File | Own::Once if is_shared_by_nature(declaration, place) => {
            (Part::Block(address()), Vec::new(), all)
        }
        Own::File | Own::Once => (Part::Whole, Vec::new(), all),
        Own::Keys => {
            let (keys, content) = keys_of(declaration, place, text, formats)?;
            (Part::Keys(address()), keys, content)
        }
    };
    let content = part.counts(content);
    Ok(Output {
        declaration: index,
        place: place.clone(),
        part,
        keys,
        delegated: None,
        content,
    })
}

/// The keys that a text declares, and their content.
fn keys_of(
    declaration: &Declaration,
    place: &Place,
    text: &str,
    formats: Formats,
) -> Result<(Vec<KeyPath>, Content), Failure> {
    let refuse = |message: String, help: &str| {
        Err(vec![
            Diagnostic::new(Code::Part, message)
                .at(declaration.settings.span, "")
                .help(help),
        ])
    };
    let (path, address) = (&place.path, &declaration.address);
    let Some(format) = keys::format_of(formats, path) else {
        let known: Vec<&str> = formats
            .iter()
            .flat_map(|format| format.extensions())
            .copied()
            .collect();
        let message = format!(
            "`{address}` cannot own keys of {path}: its name ends in none of .{}",
            known.join(", .")
        );
        return refuse(
            message,
            "take `own: block` for a marked region, or `own: file` for all of the file",
        );
    };
    let data = match format.read(text) {
        Ok(data) => data,
        Err(why) => {
            let message = format!(
                "what `{address}` renders for {path} is not {}: {why}",
                format.name()
            );
            return refuse(
                message,
                "change the artifact's settings: the document that they describe holds the keys that loom owns",
            );
        }
    };
    let keys = data.leaves();
    match keys::content(&data, &keys).filter(|_| keys.iter().all(|key| !key.steps().is_empty())) {
        Some(content) => Ok((keys, content)),
        None => refuse(
            format!("`{address}` declares no key of {path}"),
            "give it a mapping with at least one key",
        ),
    }
}

/// `.gitattributes` belongs to people: of loom's own artifact it is always a block.
fn is_shared_by_nature(declaration: &Declaration, place: &Place) -> bool {
    declaration.address.kind() == crate::intent::REPOSITORY_KIND
        && place.path.as_str() == ".gitattributes"
}

/// The text of one output, as its provider gives it and the core checks it.
fn text_of(declaration: &Declaration, linked: &Linked, place: &Place) -> Result<String, Failure> {
    let mut text = declaration.provider.render(&linked.artifact, place)?;
    if text.len() as u64 > MAX_FILE {
        let (address, path, bytes) = (&declaration.address, &place.path, text.len());
        let message = format!("what `{address}` writes to {path} has {bytes} bytes");
        let found = Diagnostic::new(Code::TooLarge, message).at(declaration.settings.span, "");
        let most = MAX_FILE >> 20;
        return Err(vec![
            found.help(format!("loom writes files of up to {most} MiB: divide it")),
        ]);
    }
    if declaration.own == Own::Block {
        has_comments(declaration, place)?;
        if !text.is_empty() && !text.ends_with('\n') {
            // the marker behind it is a line of its own
            text.push('\n');
        }
        is_found_again(declaration, place, &text)?;
    }
    let is_whole = matches!(declaration.own, Own::File | Own::Once);
    let carries = place.header.is_some() && declaration.own == Own::File;
    if is_whole && !carries && header::is_in(text.as_bytes(), &place.path) {
        return Err(like_a_header(declaration, place));
    }
    let broken = match place.header {
        Some(_) if text.contains('\r') => Some("has a carriage return"),
        Some(_) if !text.is_empty() && !text.ends_with('\n') => Some("does not end in a newline"),
        Some(_) | None => None,
    };
    match broken {
        None => Ok(text),
        Some(broken) => {
            let message = format!(
                "what `{}` rendered for {} {broken}",
                declaration.address, place.path
            );
            let found = Diagnostic::new(Code::Contract, message).at(declaration.settings.span, "");
            Err(vec![found.help("this is a bug in loom: please report it")])
        }
    }
}

/// A first line that reads as loom's header would be left out of what is compared.
fn like_a_header(declaration: &Declaration, place: &Place) -> Failure {
    let message = format!(
        "the text of `{}` for {} begins with the line by which loom marks its own files",
        declaration.address, place.path
    );
    let found = Diagnostic::new(Code::Unwritable, message).at(declaration.settings.span, "");
    vec![found.help("take the line `Managed by loom: …` out of it")]
}

/// A block whose body holds markers would never be found again as it was written.
fn is_found_again(declaration: &Declaration, place: &Place, body: &str) -> Result<(), Failure> {
    let Some(line) = block::marker_in(body) else {
        return Ok(());
    };
    let message = format!(
        "the block of `{}` in {} holds, in line {line} of its text, a line that marks the beginning or end of a block",
        declaration.address, place.path
    );
    let found = Diagnostic::new(Code::Unwritable, message).at(declaration.settings.span, "");
    Err(vec![found.help(
        "change that line: loom could not tell where the block ends",
    )])
}

/// A block is marked by comments, which not every format has.
fn has_comments(declaration: &Declaration, place: &Place) -> Result<(), Failure> {
    if block::comment_of(&place.path).is_some() {
        return Ok(());
    }
    let message = format!(
        "`{}` cannot own a block of {}: this format has no comments to mark it with",
        declaration.address, place.path
    );
    let found = Diagnostic::new(Code::Part, message).at(declaration.settings.span, "");
    Err(vec![found.help(
        "take `own: keys` in a JSON file, or `own: file` for all of the file",
    )])
}

/// The outputs at a path.
fn at<'a>(outputs: &'a [Output], path: &'a str) -> impl Iterator<Item = &'a Output> + use<'a> {
    let start = outputs.partition_point(|output| output.place.path.as_str() < path);
    outputs[start..]
        .iter()
        .take_while(move |output| output.place.path.as_str() == path)
}

impl Desired {
    /// The declaration of an output.
    pub fn declaration(&self, output: &Output) -> &Declaration {
        &self.ordered.declarations[output.declaration]
    }

    /// The output at a path and part.
    pub fn find(&self, path: &RepoPath, part: &Part) -> Option<&Output> {
        let found = self
            .outputs
            .binary_search_by(|output| (&output.place.path, &output.part).cmp(&(path, part)));
        found.ok().map(|index| &self.outputs[index])
    }

    /// The outputs at a path.
    pub fn at<'a>(&'a self, path: &'a RepoPath) -> impl Iterator<Item = &'a Output> {
        at(&self.outputs, path.as_str())
    }

    /// The text of an output again, without header or markers; checked against its hash.
    ///
    /// # Errors
    /// What the provider said, or that it does not render the same text twice.
    pub fn text(&self, output: &Output) -> Result<String, Failure> {
        let declaration = self.declaration(output);
        let text = text_of(declaration, &self.linked[output.declaration], &output.place)?;
        if delegation::content(self.formats, output, &text).hash == output.content.hash {
            return Ok(text);
        }
        let message = format!(
            "`{}` rendered two different texts for {}",
            declaration.address, output.place.path
        );
        Err(vec![
            Diagnostic::new(Code::Contract, message)
                .help("this is a bug in loom: please report it"),
        ])
    }

    /// The text of an output as it is written: with the header, where the format has one.
    ///
    /// # Errors
    /// As [`Desired::text`].
    pub fn dressed(&self, output: &Output) -> Result<String, Failure> {
        Ok(self.dress(output, self.text(output)?))
    }

    /// A text of an output with the header, where its format has one.
    pub fn dress(&self, output: &Output, text: String) -> String {
        let declaration = self.declaration(output);
        match output
            .place
            .header
            .filter(|_| output.part == Part::Whole && declaration.own == Own::File)
            .and_then(|asked| header::comment_at(&output.place.path, asked))
        {
            None => text,
            Some(comment) => header::place(
                &text,
                &header::line(
                    comment,
                    &declaration.intent.to_string(),
                    &origins(declaration),
                ),
            ),
        }
    }

    /// What a path holds after an action, from what it held before; `None` where nothing is left.
    ///
    /// # Errors
    /// As [`Desired::text`], and where keys cannot be edited.
    pub fn file_after(
        &self,
        action: &Action,
        before: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>, Failure> {
        if !action.verb.writes() {
            return Ok(before.map(<[u8]>::to_vec));
        }
        let is_whole = |part: &&PartAction| {
            part.part == Part::Whole && !matches!(part.decision, Decision::Forget(_))
        };
        if let Some(part) = action.parts.iter().find(is_whole) {
            let output = self.find(&action.path, &part.part);
            return match (part.after, output) {
                (None, _) => Ok(None),
                (Some(after), Some(output)) if after == output.content => {
                    let there = before.map(String::from_utf8_lossy);
                    let text = self.dressed(output)?;
                    Ok(Some(
                        delegation::with_versions(self.formats, output, text, there.as_deref())
                            .into_bytes(),
                    ))
                }
                (Some(after), Some(output)) => {
                    let merged = self.merges.text(&action.path, &part.part, after);
                    let dressed =
                        merged.map(|text| self.dress(output, text.to_owned()).into_bytes());
                    Ok(dressed.or_else(|| before.map(<[u8]>::to_vec)))
                }
                (Some(_), None) => Ok(before.map(<[u8]>::to_vec)),
            };
        }
        let mut text = before.map(|before| String::from_utf8_lossy(before).into_owned());
        for part in &action.parts {
            (text, _) = self.with_part(text, &action.path, part)?;
        }
        Ok(text.map(String::into_bytes))
    }

    /// A file's text with one of its parts as the plan wants it, `None` where there is no file; and
    /// what changed in it of keys.
    ///
    /// # Errors
    /// As [`Desired::file_after`].
    pub fn with_part(
        &self,
        text: Option<String>,
        path: &RepoPath,
        part: &PartAction,
    ) -> Result<(Option<String>, Vec<Spliced>), Failure> {
        let Some(wanted) = self.wanted(path, part, text.as_deref())? else {
            return Ok((text, Vec::new()));
        };
        let text = match (&part.was, block::comment_of(path), text) {
            (Some((was, Part::Block(old))), Some(comment), Some(text)) if was == path => {
                let renamed = block::rename(&text, comment, old, &part.address.to_string());
                Some(renamed.map_err(|damage| damaged(path, &damage))?)
            }
            (_, _, text) => text,
        };
        match (&part.part, text) {
            (Part::Whole, text) => Ok((text, Vec::new())),
            (Part::Block(address), text) => {
                let text = text.unwrap_or_default();
                let set = with_block(&text, path, address, wanted.text.as_deref());
                let set = set.map_err(|damage| damaged(path, &damage))?;
                Ok((Some(set), Vec::new()))
            }
            (Part::Keys(_), None) => {
                let made = wanted.text.iter().map(|text| Spliced {
                    key: KeyPath::default(),
                    out: String::new(),
                    into: text.clone(),
                });
                let splices = made.collect();
                Ok((wanted.text, splices))
            }
            (Part::Keys(_), Some(text)) => {
                let refuse = |why: String| vec![Diagnostic::new(Code::Part, why)];
                let format = keys::format_of(self.formats, path)
                    .ok_or_else(|| refuse(format!("{path} has no known format")))?;
                let change = Change {
                    wanted: wanted.text.as_deref(),
                    stays: &part.stays,
                    unwanted: &wanted.removes,
                };
                let edited = format.edit(&text, change).map_err(refuse)?;
                Ok((edited.text, edited.splices))
            }
        }
    }

    /// What a part of a file is to hold; `None` where it stays as it is.
    pub(crate) fn wanted(
        &self,
        path: &RepoPath,
        part: &PartAction,
        there: Option<&str>,
    ) -> Result<Option<Wanted>, Failure> {
        let output = self.find(path, &part.part);
        match (part.after, output) {
            (None, _) if part.decision != Decision::Delete => Ok(None),
            (None, _) => Ok(Some(Wanted {
                text: None,
                removes: part.removes.clone(),
            })),
            (Some(_), None) => Ok(None),
            (Some(after), Some(output)) => {
                // a part that makes its file says the mode of the file too
                let after = output.part.counts(after);
                let (text, removes) = match self.merges.text(path, &part.part, after) {
                    Some(merged) => (merged.to_owned(), self.not_in(output, part, merged)),
                    None if after != output.content && part.stays.is_empty() => return Ok(None),
                    None => (self.text(output)?, part.removes.clone()),
                };
                Ok(Some(Wanted {
                    text: Some(delegation::with_versions(self.formats, output, text, there)),
                    removes,
                }))
            }
        }
    }

    /// The keys of an output that a merged document does not hold.
    fn not_in(&self, output: &Output, part: &PartAction, merged: &str) -> Vec<KeyPath> {
        let data = keys::format_of(self.formats, &output.place.path)
            .and_then(|format| format.read(merged).ok());
        let Some(data) = data else {
            return part.removes.clone();
        };
        output
            .keys
            .iter()
            .chain(&part.removes)
            .filter(|key| data.get(key).is_none())
            .cloned()
            .collect()
    }
}

/// The sorted story codes, or `project`.
fn origins(declaration: &Declaration) -> String {
    match declaration.stories() {
        codes if codes.is_empty() => "project".to_owned(),
        codes => codes.join(", "),
    }
}

fn damaged(path: &RepoPath, damage: &Damage) -> Failure {
    vec![Diagnostic::new(Code::Part, format!("{path}: {damage}"))]
}

/// A file's text with a block set to what is desired, or taken out.
///
/// # Errors
/// Markers that make no pair.
pub fn with_block(
    current: &str,
    path: &RepoPath,
    address: &str,
    body: Option<&str>,
) -> Result<String, Damage> {
    let Some(comment) = block::comment_of(path) else {
        return Ok(current.to_owned());
    };
    match body {
        Some(body) => block::set(current, comment, address, body),
        None => block::remove(current, comment, address),
    }
}
