//! `loom adopt`: declarations for files that are there, and a record of each, no byte of them touched.
//!
//! In: paths. Out: loom.yaml with an entry for each artifact, the ledger with a line for each file,
//! both in one transaction, and what each declaration keeps of its file. Before anything is written
//! the new input is planned: what comes of it must be adopting, and nothing else.
//!
//! Deliberately not here: how a file is read (`loom_plan::adopt` and the kinds).

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

use loom_apply::{Approved, Becomes, Cause, Change, Durability, Put, Root};
use loom_plan::addr::{Address, Name, RepoPath};
use loom_plan::adopt::{Ask, Fidelity, Proposal, Readers, Unread, propose};
use loom_plan::credential::{self, masked};
use loom_plan::diag::{Severity, did_you_mean};
use loom_plan::diff::TextDiff;
use loom_plan::input::{Globs, Input as _};
use loom_plan::intent::REPOSITORY_KIND;
use loom_plan::plan::advice::{Apply, Command};
use loom_plan::plan::decide::{Adopting, Decision};
use loom_plan::plan::{Action, Expect, Outcome, Plan};
use loom_plan::project::edit;
use loom_plan::provider::{Existing, Mode};
use loom_plan::snapshot::{Content, Observed, Want};

use super::apply::{FileWrite, Source, files};
use super::pass::{Compiled, Looked, Planned, REGISTRY, Seen};
use super::passed::{self, Passed};
use super::paths::Named;
use super::refactoring::project_file;
use super::{Desk, Failure, leftovers, pass, places, take_lock};
use crate::cli::{Adopt, Selection};
use crate::env;
use crate::exit::Exit;
use crate::report::style::visible;

/// Who reads files.
pub(super) const READERS: Readers<'static> = Readers {
    registry: REGISTRY,
    format: loom_providers::reading::reader,
};

/// A file that may be adopted.
pub(super) struct Found {
    path: RepoPath,
    text: Arc<str>,
    mode: Mode,
}

/// What becomes of the files that were named.
#[derive(Default)]
struct Sorted {
    named: Vec<Found>,
    below: Vec<Found>,
    managed: Vec<(RepoPath, Address)>,
    unread: Vec<Unread>,
    passed: Passed,
}

impl Sorted {
    /// A file below a directory that cannot be taken: an error where its format is known.
    fn leave(&mut self, path: RepoPath, why: String) {
        if Passed::reason(&path).is_none() {
            self.unread.push(Unread { path, why });
        } else {
            self.passed.add(&format!("{path}: {why}"));
        }
    }

    /// What is no regular file, of what the patterns match.
    fn leave_others(&mut self, root: &Root, patterns: &[String]) {
        let globs = Globs::new(patterns);
        for (path, what) in root.passed_over(patterns) {
            match Passed::other(&path, &what, &globs) {
                Some(reason) => self.passed.add(&reason),
                None => self.unread.push(Unread {
                    why: format!("it is {what}, and loom manages regular files only"),
                    path,
                }),
            }
        }
    }

    /// A file below a directory that is nobody's declaration.
    fn pass(&mut self, path: &RepoPath) {
        let reason = Passed::reason(path);
        self.passed
            .add(&reason.unwrap_or_else(|| format!("{path}: no kind reads it")));
    }
}

/// Declares and records the files that the paths name.
pub(crate) fn run(desk: &Desk<'_>, asked: &Adopt, out: &mut dyn Write) -> Result<Exit, Failure> {
    let ask = asked.kind.as_deref().map_or(Ok(Ask::All), known_kind)?;
    let lock = take_lock(&desk.root, desk.global.lock_timeout)?;
    let (mut proposals, mut sorted) = gather(desk, &asked.paths, ask)?;
    let before = desk
        .root
        .read(&project_file())
        .map_err(|error| environment(&format!("loom.yaml cannot be read: {error}")))?;
    let sound = sound(desk, &before, &mut proposals, &mut sorted.unread)?;
    for (path, address) in &sorted.managed {
        writeln!(out, "= {path}  is managed already, by {address}")?;
    }
    let exit = if sorted.unread.is_empty() {
        Exit::Done
    } else {
        Exit::Error
    };
    let Some((text, looked)) = sound else {
        unread_lines(&sorted.unread, out)?;
        passed_lines(&sorted, 0, out)?;
        if sorted.unread.is_empty() && sorted.managed.is_empty() {
            writeln!(
                out,
                "There is no file of a format that loom reads; name a file to adopt it as text."
            )?;
        }
        return Ok(exit);
    };
    let planned = plan(desk, looked, &proposals)?;
    let Outcome::Ready(plan) = &planned.outcome else {
        return Err(environment(
            "what was read from the files does not come to a plan; nothing was written",
        ));
    };
    proposals
        .iter()
        .try_for_each(|proposal| say(proposal, plan, out))?;
    unread_lines(&sorted.unread, out)?;
    let committed = write(desk, lock, (&planned, plan), (&before, &text))?;
    let added = TextDiff::new(&before, &text).added();
    let files: usize = proposals.iter().map(|proposal| proposal.files.len()).sum();
    let noun = if files == 1 { "file" } else { "files" };
    writeln!(
        out,
        "\nAdopted {files} {noun}, no byte of them touched; {added} lines came into loom.yaml."
    )?;
    writeln!(out, "`loom rollback {}` undoes it.", committed.id)?;
    leftovers(&committed).try_for_each(|line| writeln!(out, "{line}"))?;
    passed_lines(&sorted, files, out)?;
    Ok(exit)
}

/// What was passed over, if anything was.
fn passed_lines(sorted: &Sorted, adopted: usize, out: &mut dyn Write) -> Result<(), Failure> {
    if !sorted.passed.is_empty() {
        let before = format!("Adopted {}", passed::files(adopted));
        sorted.passed.write(&before, out)?;
    }
    Ok(())
}

/// Reads the files and proposes a declaration for each.
fn gather(
    desk: &Desk<'_>,
    paths: &[String],
    ask: Ask<'_>,
) -> Result<(Vec<Proposal>, Sorted), Failure> {
    let (compiled, seen) = pass::look(desk, None)?;
    let mut sorted = sort(desk, (&compiled, &seen), paths)?;
    let mut taken = taken(&compiled, &seen);
    let (mut proposals, unread) = propose(&existing(&sorted.named), READERS, ask, &taken);
    sorted.unread.extend(unread);
    taken.extend(proposals.iter().map(|proposal| proposal.address.clone()));
    let below = if ask == Ask::All { Ask::Formats } else { ask };
    let (found, unread) = propose(&existing(&sorted.below), READERS, below, &taken);
    let left: Vec<RepoPath> = sorted
        .below
        .iter()
        .map(|it| &it.path)
        .filter(|path| {
            !found
                .iter()
                .any(|it| it.files.iter().any(|(file, _)| file == *path))
        })
        .cloned()
        .collect();
    for path in left {
        match unread.iter().find(|it| it.path == path) {
            Some(why) if Passed::reason(&path).is_none() => {
                sorted.passed.add(&format!("{path}: {}", why.why));
            }
            Some(_) | None => sorted.pass(&path),
        }
    }
    proposals.extend(found);
    Ok((proposals, sorted))
}

fn environment(text: &str) -> Failure {
    Failure::Environment(text.to_owned())
}

fn known_kind(kind: &str) -> Result<Ask<'_>, Failure> {
    if REGISTRY.provider(kind).is_some() {
        return Ok(Ask::Kind(kind));
    }
    let kinds = REGISTRY
        .providers
        .iter()
        .map(|provider| provider.spec().kind);
    let help = did_you_mean(kind, kinds).map_or_else(
        || "`loom providers` lists all".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Err(environment(&format!(
        "there is no artifact kind `{kind}`; {help}"
    )))
}

/// Addresses that stand for something already.
fn taken(compiled: &Compiled, seen: &Seen) -> BTreeSet<Address> {
    let declared = compiled
        .desired
        .ordered
        .declarations
        .iter()
        .map(|it| it.address.family());
    declared
        .chain(
            seen.known
                .records()
                .map(|known| known.record.address.family()),
        )
        .collect()
}

pub(super) fn existing(found: &[Found]) -> Vec<Existing<'_>> {
    found
        .iter()
        .map(|found| Existing {
            path: &found.path,
            text: &found.text,
            mode: found.mode,
        })
        .collect()
}

/// Reads what the paths name: a file, or all files below a directory.
fn sort(
    desk: &Desk<'_>,
    (compiled, seen): (&Compiled, &Seen),
    paths: &[String],
) -> Result<Sorted, Failure> {
    let mut sorted = Sorted::default();
    let is_input = |path: &RepoPath| {
        compiled
            .sources
            .ids()
            .any(|id| *compiled.sources.get(id).name == *path.as_str())
    };
    let owner = |path: &RepoPath| {
        seen.known
            .records()
            .map(|known| &known.record)
            .find(|it| it.path == *path)
            .map(|it| it.address.clone())
    };
    for typed in paths {
        let named = compiled.here.on_disk(desk, typed)?;
        let is_file = matches!(named, Named::File(_));
        let files = match &named {
            Named::File(path) => vec![path.clone()],
            Named::Below(_) => desk.root.glob(&named.patterns()),
        };
        if !is_file {
            sorted.leave_others(&desk.root, &named.patterns());
        }
        for path in files {
            let declared = compiled
                .desired
                .at(&path)
                .next()
                .map(|output| &compiled.desired.declaration(output).address);
            let found = match declared {
                Some(address) => Err(format!(
                    "`{address}` is declared to write it; `{}` takes it over as it is",
                    Command::apply(Apply::Adopting, address, &[&path])
                )),
                None => read(desk, path.clone()),
            };
            match (owner(&path), found) {
                (Some(address), _) if is_file => sorted.managed.push((path, address)),
                (None, Err(why)) if is_file => sorted.unread.push(Unread { path, why }),
                (None, Ok(_)) if is_file && is_own(&path, is_input(&path)) => {
                    sorted.unread.push(Unread {
                        path,
                        why: "it is loom's input".to_owned(),
                    });
                }
                (None, Ok(found)) if is_file => sorted.named.push(found),
                (None, Ok(found)) if !is_own(&path, is_input(&path)) && !is_foreign(&path) => {
                    sorted.below.push(found);
                }
                (Some(_), _) => sorted.passed.add("managed already"),
                (None, Ok(_)) if is_own(&path, is_input(&path)) => {
                    sorted.passed.add("loom's own input");
                }
                (None, Ok(_)) => sorted.pass(&path),
                (None, Err(_)) if declared.is_some() => {
                    sorted.passed.add("declared already, and not written yet");
                }
                (None, Err(why)) => sorted.leave(path, why),
            }
        }
    }
    Ok(sorted)
}

fn is_own(path: &RepoPath, is_input: bool) -> bool {
    is_input || path.as_str().starts_with(".loom/")
}

/// Whether a path lies in a directory that programs fill.
pub(super) fn is_foreign(path: &RepoPath) -> bool {
    const FILLED: &[&str] = &[
        "node_modules",
        "vendor",
        "target",
        "dist",
        "build",
        ".terraform",
        ".venv",
        "venv",
        "__pycache__",
    ];
    path.as_str().split('/').any(|part| FILLED.contains(&part))
}

/// A file with its text and mode, or why it cannot be adopted.
pub(super) fn read(desk: &Desk<'_>, path: RepoPath) -> Result<Found, String> {
    let text = desk.root.read(&path).map_err(|error| error.to_string())?;
    if let Some((range, what)) = credential::found(&text).first() {
        let line = text[..range.start].matches('\n').count() + 1;
        return Err(format!(
            "line {line} looks like a credential ({what}), which must not stand in loom.yaml; keep it in a secrets manager, or say `example` in it if it is none"
        ));
    }
    let snapshot = loom_apply::observe(
        &desk.root,
        &[Want {
            path: path.clone(),
            blocks: Vec::new(),
            keys: Vec::new(),
        }],
    );
    let snapshot = snapshot.map_err(|error| error.to_string())?;
    match snapshot.whole(&path) {
        Observed::File(content) => Ok(Found {
            mode: content.mode,
            path,
            text,
        }),
        Observed::Foreign(what) => Err(format!(
            "{what} is there, and loom manages regular files only"
        )),
        Observed::Damaged(why) => Err(why.clone()),
        Observed::Absent => Err("it is gone".to_owned()),
    }
}

/// loom.yaml with the entries of the proposals.
fn declared(before: &str, proposals: &[Proposal]) -> Result<String, Failure> {
    let entry = |proposal: &Proposal| {
        loom_providers::emit::yaml::document(&proposal.entry())
            .trim_end_matches('\n')
            .to_owned()
    };
    let artifacts = proposals.iter().map(entry).collect();
    let inexact = proposals.iter().filter(|proposal| !proposal.is_exact());
    let adopt = inexact
        .map(|it| format!("{{ address: {} }}", edit::scalar(&it.address.to_string())))
        .collect();
    let lists: [(&str, Vec<String>); 2] = [("artifacts", artifacts), ("adopt", adopt)];
    lists.iter().try_fold(before.to_owned(), |text, (key, entries)| {
        edit::append_all(&text, key, entries).map_err(|refused| {
            let lines = edit::by_hand(key, entries);
            environment(&format!("nothing was changed, because {refused}\n  help: add this to loom.yaml by hand:\n\n{lines}"))
        })
    })
}

/// What the input comes to with the proposals, and the text of loom.yaml. Where not all of them can
/// be compiled, those that cannot are taken out, one by one.
fn sound(
    desk: &Desk<'_>,
    before: &str,
    proposals: &mut Vec<Proposal>,
    unread: &mut Vec<Unread>,
) -> Result<Option<(String, Looked)>, Failure> {
    let look = |proposals: &[Proposal]| {
        let text = declared(before, proposals)?;
        pass::look_as_if(desk, &[(project_file(), text.clone())]).map(|looked| (text, looked))
    };
    if proposals.is_empty() {
        return Ok(None);
    }
    if let Ok(looked) = look(proposals) {
        return Ok(Some(looked));
    }
    proposals.retain(|proposal| match look(std::slice::from_ref(proposal)) {
        Ok(_) => true,
        Err(failure) => {
            let why = first_of(&failure);
            unread.extend(proposal.files.iter().map(|(path, _)| Unread {
                path: path.clone(),
                why: why.clone(),
            }));
            false
        }
    });
    if proposals.is_empty() {
        Ok(None)
    } else {
        look(proposals).map(Some)
    }
}

/// The first finding of a failure, as a clause.
fn first_of(failure: &Failure) -> String {
    if let Failure::Input(input) = failure
        && let Some(found) = input
            .1
            .iter()
            .find(|found| found.code.severity() == Severity::Error)
    {
        let line = found
            .labels
            .first()
            .map(|label| input.0.position(label.span).line);
        let place = line.map_or_else(String::new, |line| {
            format!(", line {line} of what loom.yaml would be")
        });
        return format!("{} ({}{place})", found.message, found.code);
    }
    failure.to_string()
}

/// Plans the proposals alone, and what loom keeps in every repository.
fn plan(
    desk: &Desk<'_>,
    (compiled, seen): Looked,
    proposals: &[Proposal],
) -> Result<Planned, Failure> {
    let own = Address::new(
        REPOSITORY_KIND,
        Name::new("loom").expect("`loom` is a name"),
        None,
    );
    let targets = proposals
        .iter()
        .map(|proposal| proposal.address.clone())
        .chain([own])
        .collect();
    let planned = pass::plan(
        desk,
        compiled,
        seen,
        &Selection {
            targets,
            ..Selection::default()
        },
    )?;
    if let Some(conflict) = planned.outcome.conflicts().first() {
        let why = crate::report::causes::conflict_clause(conflict.conflict);
        return Err(environment(&format!(
            "nothing was written, because of {}: {why}",
            conflict.path
        )));
    }
    let adopts =
        |action: &Action| !action.verb.writes() || action.address().kind() == REPOSITORY_KIND;
    match planned
        .outcome
        .actions()
        .iter()
        .find(|action| !adopts(action))
    {
        None => Ok(planned),
        Some(action) => Err(environment(&format!(
            "nothing was written, because the declaration that was read from {} would change it",
            action.path
        ))),
    }
}

/// What the declaration of an artifact keeps of its files; the plan has the last word.
fn say(proposal: &Proposal, plan: &Plan, out: &mut dyn Write) -> Result<(), Failure> {
    for (path, fidelity) in &proposal.files {
        let equal = |action: &Action| {
            action.path == *path
                && action
                    .parts
                    .iter()
                    .any(|part| part.decision == Decision::Adopt(Adopting::Equal))
        };
        let exact = plan.actions.iter().any(equal);
        let kept = if exact {
            "every byte"
        } else {
            "all that it says"
        };
        writeln!(out, "= {path}  {}  {kept}", proposal.address)?;
        if let (Fidelity::Data { comments, lines }, false) = (fidelity, exact) {
            lost(comments, *lines)
                .iter()
                .try_for_each(|line| writeln!(out, "    {}", visible(&masked(line))))?;
        }
    }
    Ok(())
}

/// What rendering would not keep, as sentences.
fn lost(comments: &[(Option<usize>, String)], lines: usize) -> Vec<String> {
    let mut said = Vec::new();
    let count = |count: usize, noun: &str| {
        if count == 1 {
            format!("1 {noun}")
        } else {
            format!("{count} {noun}s")
        }
    };
    if !comments.is_empty() {
        said.push(format!(
            "The declaration cannot hold {}:",
            count(comments.len(), "comment")
        ));
        said.extend(comments.iter().take(3).map(|(line, text)| match line {
            Some(line) => format!("  line {line}: {text}"),
            None => format!("  {text}"),
        }));
        if comments.len() > 3 {
            said.push(format!("  and {} more", comments.len() - 3));
        }
    }
    if lines > 0 {
        said.push(format!(
            "It would lay out {} in another way.",
            count(lines, "line")
        ));
    }
    said.push("The file stays as it is until its declaration changes; `--as file` declares every byte of it.".to_owned());
    said
}

fn unread_lines(unread: &[Unread], out: &mut dyn Write) -> Result<(), Failure> {
    unread.iter().try_for_each(|it| {
        // what to add by hand has lines of its own
        let why = masked(&it.why);
        let lines: Vec<_> = why.lines().map(visible).collect();
        writeln!(out, "! {}  was not adopted: {}", it.path, lines.join("\n"))
    })?;
    Ok(())
}

/// Writes loom.yaml and the ledger, all or nothing.
fn write(
    desk: &Desk<'_>,
    lock: loom_apply::Lock,
    (planned, plan): (&Planned, &Plan),
    (before, text): (&str, &str),
) -> Result<loom_apply::Committed, Failure> {
    let root = &desk.root;
    places::refuse_away_in(root, plan)?;
    planned.keep_bases(root, &lock, plan)?;
    let bytes = planned.bytes(root);
    let mut writes = files(plan, planned.record(plan), &planned.seen.ledger_files);
    let path = project_file();
    let snapshot = loom_apply::observe(
        root,
        &[Want {
            path: path.clone(),
            blocks: Vec::new(),
            keys: Vec::new(),
        }],
    )?;
    let mode = match snapshot.whole(&path) {
        Observed::File(content) => content.mode,
        Observed::Absent | Observed::Foreign(_) | Observed::Damaged(_) => Mode::Plain,
    };
    let expect = Expect::Exactly(Content {
        hash: loom_plan::addr::ContentHash::of(before.as_bytes()),
        mode,
    });
    let change = Change {
        path,
        expect,
        put: Put::File(Becomes { mode, hash: None }),
    };
    writes.push(FileWrite {
        change,
        source: Source::Text(text.to_owned()),
    });
    let contents = |index: usize, current: Option<Vec<u8>>| writes[index].bytes(&bytes, current);
    let changes = writes.iter().map(|write| write.change.clone()).collect();
    let cause = Cause {
        command: "adopt".to_owned(),
        digest: plan.digest,
    };
    let approved = Approved {
        root,
        lock,
        changes,
        cause,
        durability: Durability::Full,
        stop: env::heed_signals()?,
    };
    Ok(approved
        .stage(&contents)
        .map_err(|failed| failed.error)?
        .commit()?)
}
