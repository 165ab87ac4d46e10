//! `loom absorb`: a hand edit becomes what is declared.
//!
//! In: the address of an artifact with edited files. Out: the changed input files, after a person has
//! seen the change and agreed. The generated files themselves are not touched: `loom apply` then
//! finds the edited one as declared, and brings all others that the setting is in up to it.
//!
//! Deliberately not here: how an edit is traced to its setting (`loom_plan::absorb`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;

use loom_apply::Root;
use loom_plan::absorb::{Absorb, Edit, edited, trace};
use loom_plan::addr::{Address, RepoPath};
use loom_plan::credential::masked;
use loom_plan::diff::TextDiff;
use loom_plan::input::{Input, ReadError};
use loom_plan::plan::advice::{Apply, Command};
use loom_plan::plan::merging::{Stand, ToMerge};
use loom_plan::project::OnDrift;
use loom_plan::render::{Desired, Output};
use loom_plan::snapshot::{Observed, Part};

use super::merging::{failed, merge_all, side_at};
use super::pass::{self, Compiled, Seen};
use super::{Desk, Failure, take_lock, write_inputs_with};
use crate::cli::{Absorb as Asked, Confirmation, Selection};
use crate::env;
use crate::exit::Exit;
use crate::report::style::visible;

/// Traces the edits, shows what would be written, has it confirmed, and writes it.
pub(crate) fn run(desk: &Desk<'_>, asked: &Asked, out: &mut dyn Write) -> Result<Exit, Failure> {
    let lock = take_lock(&desk.root, desk.global.lock_timeout)?;
    let (compiled, seen) = pass::look(desk, None)?;
    let outputs = outputs(&compiled, &seen, asked)?;
    let mut edits = BTreeSet::new();
    for output in &outputs {
        edits.extend(edits_of(desk, &compiled, &seen, output)?);
    }
    let edits: Vec<Edit> = edits.into_iter().collect();
    let texts = edited(&compiled.sources, &edits);
    let texts = texts.ok_or_else(|| {
        Failure::Undecided("two of the edits ask for different values of one setting".to_owned())
    })?;
    let after = rendered(&desk.root, &texts);
    let follow = followers((&compiled, &seen), after.as_ref(), &outputs)?;
    desk.steps.pause();
    show(&compiled, &texts, &edits, &follow, out)?;
    out.flush()?;
    confirm(asked)?;
    let files = files(&desk.root, &compiled, texts)?;
    write_inputs_with(&desk.root, lock, "absorb", &files)?;
    let names: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    writeln!(
        out,
        "\nWrote {}. `loom apply` brings everything up to it.",
        names.join(", ")
    )?;
    Ok(Exit::Done)
}

/// Whether the edit of a file can be absorbed, on paper: nothing is written and nothing said.
pub(super) fn leads(
    desk: &Desk<'_>,
    (compiled, seen): (&Compiled, &Seen),
    address: &Address,
    path: &RepoPath,
) -> bool {
    let asked = Asked {
        address: address.clone(),
        path: Some(path.clone()),
        confirmation: Confirmation::Given,
    };
    let tried = || {
        let outputs = outputs(compiled, seen, &asked).ok()?;
        let mut edits = BTreeSet::new();
        for output in &outputs {
            if is_declared_anew(seen, output) {
                return None;
            }
            edits.extend(edits_of(desk, compiled, seen, output).ok()?);
        }
        let edits: Vec<Edit> = edits.into_iter().collect();
        let texts = edited(&compiled.sources, &edits)?;
        let after = rendered(&desk.root, &texts);
        followers((compiled, seen), after.as_ref(), &outputs).ok()
    };
    tried().is_some()
}

/// Whether the declaration of an output changed since it was written.
fn is_declared_anew(seen: &Seen, output: &Output) -> bool {
    let known = seen.known.get(&output.place.path, &output.part);
    known.is_some_and(|known| known.record.rendered != output.content)
}

/// Why an edit cannot be absorbed whose declaration changed too, and what can be done first.
fn changed_too(desk: &Desk<'_>, (compiled, seen): (&Compiled, &Seen), output: &Output) -> Failure {
    let (path, address) = (
        &output.place.path,
        &compiled.desired.declaration(output).address,
    );
    let selection = Selection {
        targets: vec![address.clone()],
        on_drift: Some(OnDrift::Merge),
        ..Selection::default()
    };
    let of_it = |it: &ToMerge| it.output.0 == *path && it.output.1 == output.part;
    let to_merge: Vec<ToMerge> = pass::edited(compiled, seen, &selection)
        .unwrap_or_default()
        .into_iter()
        .filter(of_it)
        .collect();
    let merges = merge_all(desk, (compiled, seen), &to_merge).unwrap_or_default();
    let directory = directory(desk);
    let (does, command) = match merges.get(path, &output.part) {
        Some(Ok(_)) => (
            "put both together first",
            Command::apply(Apply::OnDrift(OnDrift::Merge), address, &[path]),
        ),
        Some(Err(_)) | None => (
            "both changed the same thing, so decide that first",
            Command::resolve(address, path),
        ),
    };
    Failure::Undecided(format!(
        "{path} was edited, and its declaration has changed too since it was written\n  help: {does}: {}",
        command.starting_in(directory.as_deref())
    ))
}

/// The directory that loom was started in.
fn directory(desk: &Desk<'_>) -> Option<String> {
    let directory = desk.global.directory.as_ref();
    directory.map(|directory| directory.to_string_lossy().into_owned())
}

/// The outputs of the artifact that are not what loom renders.
fn outputs<'a>(
    compiled: &'a Compiled,
    seen: &Seen,
    asked: &Asked,
) -> Result<Vec<&'a Output>, Failure> {
    let desired = &compiled.desired;
    let named = |address: &Address| {
        *address == asked.address
            || (asked.address.item().is_none() && address.family() == asked.address)
    };
    let of_it = |output: &&Output| {
        let declaration = desired.declaration(output);
        named(&declaration.address) || named(&declaration.intent)
    };
    let all: Vec<&Output> = desired.outputs.iter().filter(of_it).collect();
    if all.is_empty() {
        return Err(pass::unknown(&asked.address, &desired.ordered.declarations));
    }
    let is_edited = |output: &&Output| {
        let found = seen.snapshot.part(&output.place.path, &output.part);
        matches!(found, Observed::File(content) if content != output.content)
    };
    for output in &all {
        if let Observed::Damaged(why) = seen.snapshot.part(&output.place.path, &output.part) {
            return Err(Failure::Undecided(format!(
                "nothing of {} can be absorbed before its markers are put right: {why}",
                output.place.path
            )));
        }
    }
    let is_asked = |output: &&Output| {
        asked
            .path
            .as_ref()
            .is_none_or(|path| *path == output.place.path)
    };
    let edited: Vec<&Output> = all.into_iter().filter(is_edited).filter(is_asked).collect();
    if edited.is_empty() {
        return Err(Failure::Environment(format!(
            "no file of {} differs from what is declared: there is nothing to absorb",
            asked.address
        )));
    }
    Ok(edited)
}

fn edits_of(
    desk: &Desk<'_>,
    compiled: &Compiled,
    seen: &Seen,
    output: &Output,
) -> Result<BTreeSet<Edit>, Failure> {
    let path = &output.place.path;
    let known = seen.known.get(path, &output.part);
    if is_declared_anew(seen, output) {
        return Err(changed_too(desk, (compiled, seen), output));
    }
    let keys = known.map_or(Vec::new(), |known| known.record.keys.clone());
    let stand = Stand {
        path: path.clone(),
        part: output.part.clone(),
        keys,
    };
    let observed = side_at(&desk.root, compiled, output, &stand)?;
    let observed = observed.ok_or_else(|| {
        Failure::Undecided(format!(
            "{path} is no text any more, so that nothing of it can be absorbed"
        ))
    })?;
    let desired = compiled
        .desired
        .text_beside(output, &observed)
        .map_err(|found| failed(&found))?;
    let render = |texts: &BTreeMap<Arc<str>, String>| {
        let after = rendered(&desk.root, texts)?;
        after
            .text_beside(after.find(path, &output.part)?, &observed)
            .ok()
    };
    let reads = &compiled.desired.declaration(output).reads;
    let absorb = Absorb {
        desired: &desired,
        observed: &observed,
        sources: &compiled.sources,
        reads,
        render: &render,
    };
    trace(absorb).map_err(|untraced| {
        let is_accepted = known.is_some_and(|known| {
            Observed::File(known.record.written) == seen.snapshot.part(path, &output.part)
        });
        let address = &compiled.desired.declaration(output).address;
        let keep = Command::apply(Apply::OnDrift(OnDrift::Keep), address, &[path]);
        let instead = if is_accepted {
            "it stays accepted as it is".to_owned()
        } else {
            let keep = keep.starting_in(directory(desk).as_deref());
            format!("keep the edit in the file alone: {keep}")
        };
        let lines: Vec<String> = untraced
            .iter()
            .map(|untraced| format!("\n  {path}, {untraced}"))
            .collect();
        Failure::Undecided(format!(
            "this edit cannot be traced to settings, so nothing was changed:{}\n  \
             help: change the declaration by hand, or {instead}",
            lines.concat(),
        ))
    })
}

/// The input with some texts instead of files.
struct Overlay<'a> {
    root: &'a Root,
    texts: BTreeMap<RepoPath, Arc<str>>,
}

impl Input for Overlay<'_> {
    fn read(&self, path: &RepoPath) -> Result<Arc<str>, ReadError> {
        self.texts
            .get(path)
            .map_or_else(|| self.root.read(path), |text| Ok(Arc::clone(text)))
    }

    fn glob(&self, patterns: &[String]) -> Vec<RepoPath> {
        self.root.glob(patterns)
    }

    fn passed_over(&self, patterns: &[String]) -> Vec<(RepoPath, String)> {
        self.root.passed_over(patterns)
    }
}

/// What is desired with other input texts; `None` where they have errors.
fn rendered(root: &Root, texts: &BTreeMap<Arc<str>, String>) -> Option<Desired> {
    let texts = texts
        .iter()
        .map(|(name, text)| Some((RepoPath::new(name).ok()?, text.as_str().into())));
    pass::rendered(&Overlay {
        root,
        texts: texts.collect::<Option<_>>()?,
    })
}

/// The other files that change with the input; every edited one must be as the person wrote it.
fn followers(
    (compiled, seen): (&Compiled, &Seen),
    after: Option<&Desired>,
    edited: &[&Output],
) -> Result<Vec<RepoPath>, Failure> {
    let differ = |path: &RepoPath| {
        Failure::Undecided(format!(
            "with all edits together {path} would not be what was written there, so nothing was changed"
        ))
    };
    let after = after.ok_or_else(|| {
        Failure::Undecided(
            "with all edits together the input would have errors, so nothing was changed"
                .to_owned(),
        )
    })?;
    for output in edited {
        let (path, part) = (&output.place.path, &output.part);
        if after
            .find(path, part)
            .is_none_or(|after| !is_there((compiled, seen), output, after))
        {
            return Err(differ(path));
        }
    }
    let is_new = |output: &&Output| {
        let before = compiled.desired.find(&output.place.path, &output.part);
        let is_edited = edited
            .iter()
            .any(|edited| edited.place.path == output.place.path);
        !is_edited && before.is_none_or(|before| before.content != output.content)
    };
    let mut paths: Vec<RepoPath> = after
        .outputs
        .iter()
        .filter(is_new)
        .map(|output| output.place.path.clone())
        .collect();
    paths.dedup();
    Ok(paths)
}

/// Whether a file holds what an output would be: of keys those that it has, since the others are
/// yet to be written.
fn is_there((compiled, seen): (&Compiled, &Seen), output: &Output, after: &Output) -> bool {
    let (path, part) = (&output.place.path, &output.part);
    let text = seen.snapshot.0.get(path).and_then(|it| it.text.as_deref());
    let (Part::Keys(_), Some(text)) = (part, text) else {
        return seen.snapshot.part(path, part) == Observed::File(after.content);
    };
    let known = seen.known.get(path, part);
    let stand = Stand {
        path: path.clone(),
        part: part.clone(),
        keys: known.map_or(Vec::new(), |known| known.record.keys.clone()),
    };
    let side = compiled.desired.side(output, &stand, &text.text).ok();
    let counted = side.and_then(|side| compiled.desired.counted(output, &stand, &side));
    counted == Some(after.content)
}

/// The change of the input, and what follows from it.
fn show(
    compiled: &Compiled,
    texts: &BTreeMap<Arc<str>, String>,
    edits: &[Edit],
    follow: &[RepoPath],
    out: &mut dyn Write,
) -> Result<(), Failure> {
    for (file, after) in texts {
        let before = source(compiled, file).unwrap_or_default();
        let pointers: BTreeSet<&str> = edits
            .iter()
            .filter(|edit| edit.file == *file)
            .map(|edit| edit.pointer.as_str())
            .collect();
        writeln!(
            out,
            "~ {file}  {}",
            pointers.into_iter().collect::<Vec<_>>().join(", ")
        )?;
        for line in TextDiff::new(&masked(&before), &masked(after))
            .unified()
            .lines()
        {
            writeln!(out, "    {}", visible(line))?;
        }
    }
    if !follow.is_empty() {
        let paths: Vec<&str> = follow.iter().map(RepoPath::as_str).collect();
        writeln!(
            out,
            "\nThese follow with the next apply: {}",
            paths.join(", ")
        )?;
    }
    Ok(())
}

fn source(compiled: &Compiled, file: &str) -> Option<Arc<str>> {
    let sources = &compiled.sources;
    sources
        .ids()
        .map(|id| sources.get(id))
        .find(|source| source.name.as_ref() == file)
        .map(|source| Arc::clone(&source.text))
}

/// The files to write, if they still are what was read.
fn files(
    root: &Root,
    compiled: &Compiled,
    texts: BTreeMap<Arc<str>, String>,
) -> Result<Vec<(RepoPath, String)>, Failure> {
    let mut files = Vec::new();
    for (name, text) in texts {
        let path = RepoPath::new(&name).map_err(|error| Failure::Environment(error.to_string()))?;
        if root.read(&path).ok() != source(compiled, &name) {
            return Err(Failure::Stale(format!(
                "{path} was changed while loom looked at it, so nothing was written: run this again"
            )));
        }
        files.push((path, text));
    }
    Ok(files)
}

/// A person says `yes`, or said it before.
fn confirm(asked: &Asked) -> Result<(), Failure> {
    if asked.confirmation == Confirmation::Given {
        return Ok(());
    }
    if !env::has_person() {
        return Err(Failure::Environment(
            "nobody is here to say `yes`, so nothing was written: give --yes".to_owned(),
        ));
    }
    if env::confirms("Write this?")? {
        return Ok(());
    }
    Err(Failure::Environment(
        "nothing was written, because the answer was not `yes`".to_owned(),
    ))
}
