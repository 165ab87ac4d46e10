//! What is desired: every output with its hash, and its bytes on demand.
//!
//! In: linked artifacts. Out: a [`Desired`], sorted by path and part. Texts are not held: they are
//! rendered once to be hashed and again, and checked against the hash, when they are shown or
//! staged, so that memory grows with what changes and not with what exists.
//!
//! Invariants: no two outputs claim one path or overlapping parts of one (`claims`); a text that
//! breaks a provider's contract is a diagnostic, not a file.

use rayon::prelude::*;

use crate::addr::{ContentHash, RepoPath};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::graph::Ordered;
use crate::graph::link::Linked;
use crate::intent::Declaration;
use crate::plan::Action;
use crate::project::Own;
use crate::provider::{Failure, Place};
use crate::snapshot::{Content, Part};
use crate::{block, header};

/// One output of one declaration.
#[derive(Clone, Debug)]
pub struct Output {
    /// The declaration's index.
    pub declaration: usize,
    /// Where it goes.
    pub place: Place,
    /// Which part of the file it is.
    pub part: Part,
    /// What it should hold: of a whole file without the header, of a block its body.
    pub content: Content,
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
}

/// Renders and hashes everything, on all cores.
pub fn render(ordered: Ordered, linked: Vec<Linked>, out: &mut Diagnostics) -> Desired {
    let all = linked.iter().enumerate().flat_map(|(index, linked)| linked.places.iter().map(move |place| (index, place)));
    let mut places: Vec<(usize, (usize, &Place))> = all.enumerate().collect();
    // neighbours are often about one service, whose settings then stay in the processor's cache
    places.par_sort_by(|(_, (_, one)), (_, (_, other))| one.path.cmp(&other.path));
    let rendered: Vec<Result<Output, (usize, Failure)>> = places
        .par_iter()
        .map(|(at, (index, place))| {
            let declaration = &ordered.declarations[*index];
            let text = text_of(declaration, &linked[*index], place).map_err(|failure| (*at, failure))?;
            let part = match declaration.own {
                Own::Block => Part::Block(declaration.address.to_string()),
                Own::File | Own::Once if is_shared_by_nature(declaration, place) => Part::Block(declaration.address.to_string()),
                Own::File | Own::Once => Part::Whole,
            };
            let content = Content { hash: ContentHash::of(text.as_bytes()), mode: place.mode };
            Ok(Output { declaration: *index, place: (*place).clone(), part, content })
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
    out.extend(failures.into_iter().flat_map(|(_, failure)| failure));
    outputs.sort_by(|one, other| (&one.place.path, &one.part).cmp(&(&other.place.path, &other.part)));
    claims(&outputs, &ordered, out);
    Desired { ordered, linked, outputs }
}

/// `.gitattributes` belongs to people: of loom's own artifact it is always a block.
fn is_shared_by_nature(declaration: &Declaration, place: &Place) -> bool {
    declaration.address.kind() == crate::intent::REPOSITORY_KIND && place.path.as_str() == ".gitattributes"
}

/// The text of one output, as its provider gives it and the core checks it.
fn text_of(declaration: &Declaration, linked: &Linked, place: &Place) -> Result<String, Failure> {
    let mut text = declaration.provider.render(&linked.artifact, place)?;
    if declaration.own == Own::Block {
        if !text.is_empty() && !text.ends_with('\n') {
            // the marker behind it is a line of its own
            text.push('\n');
        }
        is_found_again(declaration, place, &text)?;
    }
    let broken = match place.header {
        Some(_) if text.contains('\r') => Some("has a carriage return"),
        Some(_) if !text.is_empty() && !text.ends_with('\n') => Some("does not end in a newline"),
        Some(_) | None => None,
    };
    match broken {
        None => Ok(text),
        Some(broken) => {
            let message = format!("what `{}` rendered for {} {broken}", declaration.address, place.path);
            let found = Diagnostic::new(Code::Contract, message).at(declaration.settings.span, "");
            Err(vec![found.help("this is a bug in loom: please report it")])
        }
    }
}

/// A block whose body holds its own markers would never be found again as it was written.
fn is_found_again(declaration: &Declaration, place: &Place, body: &str) -> Result<(), Failure> {
    let (comment, address) = (block::comment_of(&place.path), declaration.address.to_string());
    if block::find(&block::set("", comment, &address, body), comment, &address).as_deref() == Some(body) {
        return Ok(());
    }
    let message = format!("the block of `{address}` in {} holds a line that marks its own beginning or end", place.path);
    let found = Diagnostic::new(Code::Unwritable, message).at(declaration.settings.span, "");
    Err(vec![found.help("change that line: loom could not tell where the block ends")])
}

/// What no two outputs may claim together, and what none may claim at all.
fn claims(outputs: &[Output], ordered: &Ordered, out: &mut Diagnostics) {
    for pair in outputs.windows(2).filter(|pair| pair[0].place.path == pair[1].place.path) {
        let overlap = pair[0].part == pair[1].part || pair.iter().any(|output| output.part == Part::Whole);
        if overlap {
            out.push(path_taken(&pair[0], &pair[1], ordered, &format!("both write {}", pair[0].place.path)));
        }
    }
    let mut folded: Vec<(String, &Output)> = outputs.par_iter().map(|output| (output.place.path.folded(), output)).collect();
    folded.par_sort_by(|(one, _), (other, _)| one.cmp(other));
    for same in folded.chunk_by(|(one, _), (other, _)| one == other) {
        let (_, first) = same[0];
        for (_, output) in same.iter().filter(|(_, output)| output.place.path != first.place.path) {
            let what = format!(
                "{} and {} are one file where case, normalisation and invisible characters do not count",
                first.place.path, output.place.path
            );
            out.push(path_taken(first, output, ordered, &what));
        }
    }
    directories(&folded, ordered, out);
    for (path, output) in &folded {
        let declaration = &ordered.declarations[output.declaration];
        if (path == OWN || path.strip_prefix(OWN).is_some_and(|below| below.starts_with('/')))
            && declaration.address.kind() != crate::intent::REPOSITORY_KIND
        {
            let message = format!("`{}` cannot write {}: `{OWN}` is loom's own", declaration.address, output.place.path);
            let found = Diagnostic::new(Code::OwnPlace, message).at(declaration.settings.span, "");
            out.push(found.help("give it a `path` outside of `.loom`"));
        }
    }
}

/// Loom's own place in the repository.
const OWN: &str = ".loom";

/// Files that are also directories, on any file system.
fn directories(folded: &[(String, &Output)], ordered: &Ordered, out: &mut Diagnostics) {
    // what is below a directory stands together, so that only the first of it is looked at
    let mut before = "";
    for (path, below) in folded {
        for (end, _) in path.match_indices('/').filter(|(end, _)| !before.starts_with(&path[..=*end])) {
            let start = folded.partition_point(|(other, _)| other.as_str() < &path[..end]);
            for (_, output) in folded[start..].iter().take_while(|(other, _)| *other == path[..end]) {
                let what = format!("{} would be a file and the directory of {}", output.place.path, below.place.path);
                out.push(path_taken(output, below, ordered, &what));
            }
        }
        before = path;
    }
}

/// The outputs at a path.
fn at<'a>(outputs: &'a [Output], path: &'a str) -> impl Iterator<Item = &'a Output> + use<'a> {
    let start = outputs.partition_point(|output| output.place.path.as_str() < path);
    outputs[start..].iter().take_while(move |output| output.place.path.as_str() == path)
}

fn path_taken(one: &Output, other: &Output, ordered: &Ordered, what: &str) -> Diagnostic {
    let [one, other] = [one, other].map(|output| &ordered.declarations[output.declaration]);
    let message = format!("`{}` and `{}` cannot both be: {what}", one.address, other.address);
    Diagnostic::new(Code::PathTaken, message)
        .at(other.settings.span, format!("{} is declared here", other.address))
        .at(one.settings.span, format!("{} is declared here", one.address))
        .help("give one of them another `path`")
}

impl Desired {
    /// The declaration of an output.
    pub fn declaration(&self, output: &Output) -> &Declaration {
        &self.ordered.declarations[output.declaration]
    }

    /// The output at a path and part.
    pub fn find(&self, path: &RepoPath, part: &Part) -> Option<&Output> {
        let found = self.outputs.binary_search_by(|output| (&output.place.path, &output.part).cmp(&(path, part)));
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
        if ContentHash::of(text.as_bytes()) == output.content.hash {
            return Ok(text);
        }
        let message = format!("`{}` rendered two different texts for {}", declaration.address, output.place.path);
        Err(vec![Diagnostic::new(Code::Contract, message).help("this is a bug in loom: please report it")])
    }

    /// The text of an output as it is written: with the header, where the format has one.
    ///
    /// # Errors
    /// As [`Desired::text`].
    pub fn dressed(&self, output: &Output) -> Result<String, Failure> {
        let text = self.text(output)?;
        let declaration = self.declaration(output);
        Ok(match output.place.header.filter(|_| output.part == Part::Whole && declaration.own == Own::File) {
            None => text,
            Some(comment) => header::place(&text, &header::line(comment, &declaration.intent.to_string(), &origins(declaration))),
        })
    }

    /// What a path holds after an action, from what it held before; `None` where nothing is left.
    ///
    /// # Errors
    /// As [`Desired::text`].
    pub fn file_after(&self, action: &Action, before: Option<&[u8]>) -> Result<Option<Vec<u8>>, Failure> {
        let kept = || before.map(<[u8]>::to_vec);
        if !action.verb.writes() {
            return Ok(kept());
        }
        let mut text = String::from_utf8_lossy(before.unwrap_or_default()).into_owned();
        for part in &action.parts {
            let output = self.find(&action.path, &part.part);
            match (&part.part, part.after, output) {
                (Part::Whole, None, _) => return Ok(None),
                (Part::Whole, Some(after), Some(output)) if after == output.content => {
                    return self.dressed(output).map(|text| Some(text.into_bytes()));
                }
                (Part::Whole, Some(_), _) => return Ok(kept()),
                (Part::Block(address), None, _) => text = with_block(&text, &action.path, address, None),
                (Part::Block(address), Some(after), Some(output)) if after == output.content => {
                    text = with_block(&text, &action.path, address, Some(&self.text(output)?));
                }
                (Part::Block(_), Some(_), _) => {}
            }
        }
        Ok(Some(text.into_bytes()))
    }
}

/// The sorted story codes, or `project`.
fn origins(declaration: &Declaration) -> String {
    match declaration.stories() {
        codes if codes.is_empty() => "project".to_owned(),
        codes => codes.join(", "),
    }
}

/// A file's text with a block set to what is desired, or taken out.
pub fn with_block(current: &str, path: &RepoPath, address: &str, body: Option<&str>) -> String {
    let comment = block::comment_of(path);
    match body {
        Some(body) => block::set(current, comment, address, body),
        None => block::remove(current, comment, address),
    }
}
