//! `loom forget` and `loom move`: an entry of `removed` or `moved` in loom.yaml, checked first.
//!
//! In: addresses. Out: loom.yaml with one entry more and every other byte kept, its diff, and the
//! command to go on with. Nothing is planned or applied here: what the entry does is reviewed like
//! everything else.

use std::collections::BTreeMap;
use std::io::Write;

use loom_plan::addr::{Address, RepoPath};
use loom_plan::credential::masked;
use loom_plan::diag::did_you_mean;
use loom_plan::diff::TextDiff;
use loom_plan::input::Input as _;
use loom_plan::intent::Declaration;
use loom_plan::plan::known::KnownRecord;
use loom_plan::project::read::PROJECT_FILE;
use loom_plan::project::{Moved, RemovedWhat, edit};

use super::pass::{Compiled, Seen};
use super::{Desk, Failure, pass, rewrite_input};
use crate::exit::Exit;
use crate::report::style::visible;

/// Stops managing an artifact, and leaves its files.
pub(crate) fn forget(
    desk: &Desk<'_>,
    address: &Address,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let (compiled, seen) = pass::look(desk, None)?;
    let world = Known {
        compiled: &compiled,
        seen: &seen,
    };
    if !world.is_recorded(address) {
        return Err(match world.declared(address) {
            Some(_) => no(format!(
                "loom has written nothing for `{address}` yet: to forget it, take its declaration out"
            )),
            None => world.unmanaged(address),
        });
    }
    let same =
        |what: &RemovedWhat| matches!(what, RemovedWhat::Address(named) if names(named, address));
    if let Some(entry) = compiled
        .project
        .removed
        .iter()
        .find(|it| it.component.is_none() && same(&it.what))
    {
        let place = compiled.sources.position(entry.span);
        if !entry.keep {
            let help = format!(
                "write `keep: true` into that entry, and `loom plan` shows `{address}` as forgotten"
            );
            return Err(no(format!(
                "`removed` names `{address}` already, {place}, so that its files go: {help}"
            )));
        }
        writeln!(out, "{place} says so already.")?;
    } else {
        let entry = format!(
            "{{ address: {}, keep: true }}",
            edit::scalar(&address.to_string())
        );
        add(desk, "forget", "removed", &[entry], out)?;
    }
    match world.declared(address) {
        Some(place) => {
            writeln!(
                out,
                "\nIt is still declared, {place}, and loom manages it until that is taken out. Then see what comes of it:"
            )?;
        }
        None => writeln!(
            out,
            "\nThe files of {address} stay as they are. See what comes of it:"
        )?,
    }
    writeln!(out, "  loom plan")?;
    Ok(Exit::Done)
}

/// Lets a new address go on from what loom knows of an old one.
pub(crate) fn move_address(
    desk: &Desk<'_>,
    from: &Address,
    to: &Address,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let entry = moved_entry(from, to);
    // where an earlier move led to what is renamed now, the input is right only with the new entry
    let ((compiled, seen), own) = match pass::look(desk, None) {
        Ok(looked) => (looked, 0),
        Err(failure) => match look_with(desk, &entry) {
            Some(looked) => (looked, 1),
            // several entries may be missing, one for each part of what is moved
            None => {
                return look_without(desk).map_or(Err(failure), |(compiled, seen)| {
                    let world = Known {
                        compiled: &compiled,
                        seen: &seen,
                    };
                    move_group(desk, &world, (from, to), out)
                });
            }
        },
    };
    let world = Known {
        compiled: &compiled,
        seen: &seen,
    };
    if world.is_group(to) || world.is_group(from) {
        return move_group(desk, &world, (from, to), out);
    }
    let mut written = compiled
        .project
        .moved
        .iter()
        .take(compiled.project.moved.len() - own);
    // one that another entry has led back from is done
    let returned = |entry: &&Moved| {
        compiled
            .project
            .moved
            .iter()
            .any(|other| other.to == *from && other.span != entry.span)
    };
    if let Some(entry) =
        written.find(|entry| entry.from == *from && (entry.to == *to || !returned(entry)))
    {
        let place = compiled.sources.position(entry.span);
        if entry.to != *to {
            return Err(no(format!(
                "`{from}` is moved to `{}` already, {place}: change that entry",
                entry.to
            )));
        }
        writeln!(
            out,
            "{place} says so already. See what comes of it:\n  loom plan"
        )?;
        return Ok(Exit::Done);
    }
    if let Some(place) = world.declared(from) {
        return Err(no(match world.declared(to) {
            Some(_) => format!(
                "`{from}` is still declared, {place}, and a move would take its files away from it: declare it as `{to}` only"
            ),
            None => format!(
                "`{to}` is not declared yet: first give the declaration of `{from}`, {place}, its new name"
            ),
        }));
    }
    if world.declared(to).is_none() {
        return Err(pass::unknown(to, &compiled.desired.ordered.declarations));
    }
    if !world.is_recorded(from) {
        return Err(world.unmanaged(from));
    }
    add(desk, "move", "moved", &[entry], out)?;
    writeln!(
        out,
        "\nThe files of {from}, and edits that were accepted in them, go on as {to}. See what comes of it:"
    )?;
    writeln!(out, "  loom plan")?;
    Ok(Exit::Done)
}

fn moved_entry(from: &Address, to: &Address) -> String {
    format!(
        "{{ from: {}, to: {} }}",
        edit::scalar(&from.to_string()),
        edit::scalar(&to.to_string())
    )
}

/// Lets all artifacts of a service or of a blueprint go on under the names that they have now.
fn move_group(
    desk: &Desk<'_>,
    world: &Known<'_>,
    (from, to): (&Address, &Address),
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    if from.kind() != to.kind() {
        return Err(no(format!(
            "`{from}` and `{to}` are of different kinds, and a move keeps the kind"
        )));
    }
    if world.is_group(from) {
        return Err(no(format!(
            "`{from}` is still declared: first give it its new name in the input, then move it"
        )));
    }
    let entries: Vec<String> = world
        .parts(from, to)
        .into_iter()
        .map(|(old, new)| moved_entry(&old, &new))
        .collect();
    if entries.is_empty() {
        return Err(no(format!(
            "loom manages nothing that `{to}` would go on from under the name of `{from}`; `loom plan` shows what comes and goes"
        )));
    }
    add(desk, "move", "moved", &entries, out)?;
    writeln!(
        out,
        "\nThe files of {from}, and edits that were accepted in them, go on as those of {to}. See what comes of it:"
    )?;
    writeln!(out, "  loom plan")?;
    Ok(Exit::Done)
}

/// A name in which one word is another, words being what hyphens divide; `None` where it has not the word.
fn renamed(name: &str, from: &str, to: &str) -> Option<String> {
    let (framed, word) = (format!("-{name}-"), format!("-{from}-"));
    let found = framed.contains(&word);
    found.then(|| {
        framed
            .replacen(&word, &format!("-{to}-"), 1)
            .trim_matches('-')
            .to_owned()
    })
}

/// What the input comes to without `moved`; `None` where it still has errors.
fn look_without(desk: &Desk<'_>) -> Option<pass::Looked> {
    let text = desk.root.read(&project_file()).ok()?;
    let mut is_moved = false;
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        if line.starts_with(|c: char| !c.is_whitespace() && c != '-' && c != '#' && c != ']') {
            is_moved = line.starts_with("moved:");
        }
        if !is_moved {
            kept += line;
        }
    }
    pass::look_as_if(desk, &[(project_file(), kept)]).ok()
}

/// What the input comes to with one more entry of `moved`; `None` where it still has errors.
fn look_with(desk: &Desk<'_>, entry: &str) -> Option<pass::Looked> {
    let text = desk.root.read(&project_file()).ok()?;
    pass::look_as_if(
        desk,
        &[(project_file(), edit::append(&text, "moved", entry).ok()?)],
    )
    .ok()
}

pub(super) fn project_file() -> RepoPath {
    RepoPath::new(PROJECT_FILE).expect("a constant path")
}

/// Whether an address of the input or the command line means another: itself, or all of its items.
fn names(asked: &Address, address: &Address) -> bool {
    asked == address || (asked.item().is_none() && *asked == address.family())
}

fn no(sentence: String) -> Failure {
    Failure::Environment(sentence)
}

/// What addresses can be checked against.
struct Known<'a> {
    compiled: &'a Compiled,
    seen: &'a Seen,
}

impl Known<'_> {
    fn is_recorded(&self, address: &Address) -> bool {
        self.seen
            .known
            .records()
            .any(|known| names(address, &known.record.address))
    }

    /// Where an address is declared, and by which blueprint; `None` where it is not.
    fn declared(&self, address: &Address) -> Option<String> {
        let declarations: &[Declaration] = &self.compiled.desired.ordered.declarations;
        let declaration = declarations.iter().find(|it| names(address, &it.address))?;
        let by = if declaration.intent.family() == declaration.address.family() {
            String::new()
        } else {
            format!("by `{}` ", declaration.intent)
        };
        let origin = declaration.origins.first();
        Some(origin.map_or_else(
            || "by loom itself".to_owned(),
            |origin| format!("{by}in {}", self.compiled.sources.position(origin.span)),
        ))
    }

    /// Whether an address stands for what several artifacts belong to: a service, or a blueprint.
    fn is_group(&self, address: &Address) -> bool {
        self.members(address).next().is_some()
    }

    /// The artifacts of a service (`service.NAME`), or those that a blueprint makes.
    fn members<'b>(&'b self, group: &'b Address) -> impl Iterator<Item = &'b Declaration> {
        let declarations = &self.compiled.desired.ordered.declarations;
        declarations.iter().filter(move |it| {
            let made = it.intent.family() != it.address.family();
            if group.kind() == "service" {
                it.service.as_ref() == Some(group.name())
            } else {
                made && it.intent.family() == *group
            }
        })
    }

    /// What artifacts of a group were called before it was: of the same kind, recorded and declared no
    /// more, with the one name where they have the other now.
    fn parts(&self, from: &Address, to: &Address) -> BTreeMap<Address, Address> {
        let mut parts = BTreeMap::new();
        for declaration in self.members(to) {
            let new = declaration.address.family();
            if self.is_recorded(&new) {
                continue;
            }
            let was = |known: &&KnownRecord| {
                let old = known.record.address.family();
                old.kind() == new.kind()
                    && self.declared(&old).is_none()
                    && renamed(
                        old.name().as_str(),
                        from.name().as_str(),
                        to.name().as_str(),
                    )
                    .is_some_and(|name| name == new.name().as_str())
            };
            if let Some(known) = self.seen.known.records().find(was) {
                parts.insert(known.record.address.family(), new);
            }
        }
        parts
    }

    /// The failure for an address that the ledger does not know, with the nearest that it does.
    fn unmanaged(&self, address: &Address) -> Failure {
        let recorded: Vec<String> = self
            .seen
            .known
            .records()
            .map(|known| known.record.address.to_string())
            .collect();
        let help = match did_you_mean(&address.to_string(), recorded.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`loom explain PATH` names the artifact of a file".to_owned(),
        };
        no(format!("loom manages no file of `{address}`; {help}"))
    }
}

/// Adds an entry to a list of loom.yaml and shows the change.
///
/// # Errors
/// The lines to add by hand, where loom.yaml cannot be added to with every other byte kept.
pub(crate) fn add(
    desk: &Desk<'_>,
    command: &str,
    key: &str,
    entries: &[String],
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let path = project_file();
    let before = desk
        .root
        .read(&path)
        .map_err(|error| no(format!("{path} cannot be read: {error}")))?;
    let all = entries.iter().try_fold(before.to_string(), |text, entry| {
        edit::append(&text, key, entry)
    });
    let after = all.map_err(|refused| {
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        let lines = edit::by_hand(key, &entries);
        no(format!(
            "nothing was changed, because {refused}\n  help: add this to {path} by hand:\n\n{lines}"
        ))
    })?;
    rewrite_input(&desk.root, command, &path, (&before, &after))?;
    writeln!(out, "Wrote {path}:\n")?;
    for line in masked(&TextDiff::new(&before, &after).unified()).lines() {
        writeln!(out, "{}", format!("    {}", visible(line)).trim_end())?;
    }
    Ok(())
}
