//! `loom resolve`: a person decides what becomes of a hand edit.
//!
//! In: the address of an artifact with edited files. Without a choice both sides are laid out in
//! `.loom/conflicts/`, and the next run takes the result back; with one it is taken at once. What is
//! taken is carried out as a merge is: the file is written, and the ledger records what loom wanted
//! and what was left.
//!
//! Invariants: no marker of a conflict ever reaches a live file; what was laid out for another state
//! of the file or its declaration is not taken.
//!
//! Deliberately not here: conflicts that are no edits. `loom plan` says the ways out of those.

use std::io::Write;
use std::path::PathBuf;

use globset::Glob;
use loom_apply::{Lock, Root};
use loom_plan::addr::RepoPath;
use loom_plan::check::Finding;
use loom_plan::merge::{Sides, has_markers, marked};
use loom_plan::plan::Outcome;
use loom_plan::plan::merging::{Merged, Merges, Purpose, ToMerge};
use loom_plan::project::OnDrift;
use loom_plan::snapshot::{Content, Part};
use loom_plan::{header, keys};

use super::apply::{CarryOut, carry_out};
use super::gate::Gate;
use super::merging::{find_base, merge_all, observed};
use super::pass::{self, Compiled, Seen};
use super::{Desk, Failure, audit, take_lock, write_inputs_with};
use crate::cli::{Resolution, Resolve, Selection, quoted};
use crate::env;
use crate::exit::Exit;
use crate::report::text;

/// Where both sides are laid out.
const FOLDER: &str = ".loom/conflicts";

/// One edited output, with both sides.
struct Edited<'a> {
    merging: &'a ToMerge,
    /// What is on the disk.
    theirs: String,
    /// What loom renders now.
    ours: String,
    /// The mode of what loom renders now.
    mode: loom_plan::provider::Mode,
}

/// The files in which both sides of an output are laid out.
struct Layout {
    base: RepoPath,
    theirs: RepoPath,
    ours: RepoPath,
    /// The one that a person edits.
    result: RepoPath,
}

impl Layout {
    fn of(merging: &ToMerge) -> Result<Self, Failure> {
        let (path, part) = &merging.output;
        let name = match part {
            Part::Whole => format!("{FOLDER}/{path}"),
            Part::Block(address) | Part::Keys(address) => format!("{FOLDER}/{path}~{address}"),
        };
        let place = |suffix: &str| {
            RepoPath::new(&format!("{name}{suffix}")).map_err(|error| {
                Failure::Environment(format!("both sides of {path} cannot be laid out: {error}"))
            })
        };
        Ok(Self {
            base: place(".base")?,
            theirs: place(".theirs")?,
            ours: place(".ours")?,
            result: place("")?,
        })
    }

    fn all(&self) -> [&RepoPath; 4] {
        [&self.base, &self.theirs, &self.ours, &self.result]
    }
}

/// Lays out both sides, or takes a result.
pub(crate) fn run(desk: &Desk<'_>, asked: &Resolve, out: &mut dyn Write) -> Result<Exit, Failure> {
    let lock = take_lock(&desk.root, desk.global.lock_timeout)?;
    let (compiled, seen) = pass::look(desk, None)?;
    let selection = selection(asked, &[])?;
    let to_merge = pass::edited(&compiled, &seen, &selection)?;
    // what only goes along with its artifact is nothing to decide about
    let (carried, to_merge): (Vec<_>, Vec<_>) = to_merge
        .into_iter()
        .partition(|it| it.purpose == Purpose::Carry);
    let edited = to_merge
        .iter()
        .map(|merging| sides(desk, &compiled, merging))
        .collect::<Result<Vec<_>, _>>()?;
    if edited.is_empty() {
        return Err(nothing(asked));
    }
    let (mut results, mut open) = (Vec::new(), Vec::new());
    for edited in &edited {
        let layout = Layout::of(edited.merging)?;
        match asked.resolution {
            Resolution::Ours => results.push((edited, edited.ours.clone())),
            Resolution::Theirs => results.push((edited, edited.theirs.clone())),
            Resolution::ByHand | Resolution::Tool(_) => {
                match laid_out(&desk.root, &layout, edited)? {
                    Some(text)
                        if !has_markers(&text)
                            && matches!(asked.resolution, Resolution::ByHand) =>
                    {
                        results.push((edited, text));
                    }
                    found => open.push((edited, layout, found.is_some())),
                }
            }
        }
    }
    let lock = match &asked.resolution {
        _ if open.is_empty() => lock,
        Resolution::Tool(tool) => {
            let lock = lay_out(desk, &compiled, lock, &open)?;
            for (edited, layout, _) in &open {
                results.push((edited, {
                    let path = &edited.merging.stand.path;
                    by_tool(&desk.root, tool.as_deref(), layout, path)?
                }));
            }
            lock
        }
        Resolution::Ours | Resolution::Theirs | Resolution::ByHand => {
            drop(lay_out(desk, &compiled, lock, &open)?);
            return said(asked, &open, out);
        }
    };
    let mut merges = merge_all(desk, (&compiled, &seen), &carried)?;
    for (edited, text) in &results {
        merges.insert(
            edited.merging.output.clone(),
            Ok(merged(&compiled, edited, text, asked)?),
        );
    }
    take(
        desk,
        (compiled, seen),
        lock,
        Taking {
            asked,
            edited: &edited,
            merges,
        },
        out,
    )
}

/// The artifact, and the paths if they are known.
fn selection(asked: &Resolve, paths: &[&RepoPath]) -> Result<Selection, Failure> {
    let named: Vec<&RepoPath> = if paths.is_empty() {
        asked.path.iter().collect()
    } else {
        paths.to_vec()
    };
    let glob = |path: &&RepoPath| Glob::new(&globset::escape(path.as_str()));
    let paths = named.iter().map(glob).collect::<Result<_, _>>();
    let paths = paths.map_err(|error| Failure::Environment(error.to_string()))?;
    Ok(Selection {
        targets: vec![asked.address.clone()],
        paths,
        on_drift: Some(OnDrift::Merge),
        ..Selection::default()
    })
}

fn nothing(asked: &Resolve) -> Failure {
    let what = asked.path.as_ref().map_or_else(
        || asked.address.to_string(),
        |path| format!("{} at {path}", asked.address),
    );
    Failure::Environment(format!(
        "no file of {what} holds an edit that is to be decided; \
         `loom plan --target {}` says how it stands",
        quoted(&asked.address.to_string())
    ))
}

fn sides<'a>(
    desk: &Desk<'_>,
    compiled: &Compiled,
    merging: &'a ToMerge,
) -> Result<Edited<'a>, Failure> {
    let (path, part) = &merging.output;
    let at = &merging.stand.path;
    let unread = || {
        Failure::Environment(format!(
            "{at} is no text, which is all that loom can take: move it away"
        ))
    };
    let theirs = observed(&desk.root, compiled, merging)?.ok_or_else(unread)?;
    // a header that somebody moved is written in its place, once
    let theirs = match part {
        Part::Whole => header::without_moved(&theirs, at).into_owned(),
        Part::Block(_) | Part::Keys(_) => theirs,
    };
    let output = compiled.desired.find(path, part).ok_or_else(unread)?;
    let ours = compiled
        .desired
        .text_beside(output, &theirs)
        .map_err(|found| super::merging::failed(&found))?;
    Ok(Edited {
        merging,
        theirs,
        ours,
        mode: output.content.mode,
    })
}

/// What a person made of what was laid out, if it was laid out for what stands there now.
fn laid_out(root: &Root, layout: &Layout, edited: &Edited<'_>) -> Result<Option<String>, Failure> {
    let read = |path: &RepoPath| {
        root.read_bytes(path)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
    };
    let Some(result) = read(&layout.result) else {
        return Ok(None);
    };
    if read(&layout.theirs).as_ref() == Some(&edited.theirs)
        && read(&layout.ours).as_ref() == Some(&edited.ours)
    {
        return Ok(Some(
            String::from_utf8_lossy(&header::strip(
                result.as_bytes(),
                &edited.merging.stand.path,
            ))
            .into_owned(),
        ));
    }
    Err(Failure::Stale(format!(
        "what is laid out in {} is of an earlier state: the file or its declaration has changed since. \
         Save what you need of it, remove {FOLDER}, and run this again",
        layout.result
    )))
}

/// Writes both sides where they are not laid out yet.
fn lay_out(
    desk: &Desk<'_>,
    compiled: &Compiled,
    lock: Lock,
    open: &[(&Edited<'_>, Layout, bool)],
) -> Result<Lock, Failure> {
    let mut files = Vec::new();
    for (edited, layout, _) in open.iter().filter(|(.., is_there)| !is_there) {
        let base = find_base(desk, compiled, edited.merging)?;
        let sides = Sides {
            base: base.as_deref().unwrap_or_default(),
            observed: &edited.theirs,
            desired: &edited.ours,
        };
        files.push((layout.result.clone(), marked(sides)));
        files.push((layout.theirs.clone(), edited.theirs.clone()));
        files.push((layout.ours.clone(), edited.ours.clone()));
        files.extend(base.map(|base| (layout.base.clone(), base)));
    }
    if files.is_empty() {
        return Ok(lock);
    }
    write_inputs_with(&desk.root, lock, "resolve", &files)?;
    take_lock(&desk.root, desk.global.lock_timeout)
}

/// What a person does now.
fn said(
    asked: &Resolve,
    open: &[(&Edited<'_>, Layout, bool)],
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    for (edited, layout, is_there) in open {
        let path = &edited.merging.output.0;
        if *is_there {
            writeln!(
                out,
                "{} still holds the lines `<<<<<<<` and `>>>>>>>` around what is to be decided.",
                layout.result
            )?;
            continue;
        }
        writeln!(out, "Both sides of {path} are laid out:")?;
        let width = layout.theirs.as_str().len();
        let lines = [
            (&layout.theirs, "theirs: what is on the disk, with the edit"),
            (&layout.ours, "ours: what loom renders now"),
            (&layout.base, "what loom rendered last, if it is known"),
            (&layout.result, "both together: edit this one"),
        ];
        for (place, what) in lines {
            writeln!(out, "  {:width$}  {what}", place.as_str())?;
        }
    }
    let mut again = vec![quoted(&asked.address.to_string())];
    if let Some(path) = &asked.path {
        again.push(format!("--path {}", quoted(path.as_str())));
    }
    writeln!(
        out,
        "When it is as it should be, run `loom resolve {}` again: it takes the result back.",
        again.join(" ")
    )?;
    writeln!(
        out,
        "Or take one side as it is: --theirs keeps what is on the disk, --ours writes what loom renders."
    )?;
    Ok(Exit::Conflicts)
}

/// Lets Git's merge tool make the result.
fn by_tool(
    root: &Root,
    tool: Option<&str>,
    layout: &Layout,
    path: &RepoPath,
) -> Result<String, Failure> {
    let [base, theirs, ours, result] = layout.all().map(|path| root.path().join(path.as_str()));
    let base: PathBuf = if root.read_bytes(&layout.base).is_ok() {
        base
    } else {
        "/dev/null".into()
    };
    env::merge_tool(root.path(), tool, [&theirs, &ours, &base, &result])
        .map_err(Failure::Environment)?;
    let bytes = root
        .read_bytes(&layout.result)
        .map_err(|error| Failure::Environment(format!("{}: {error}", layout.result)))?;
    let text = String::from_utf8(header::strip(&bytes, path)).unwrap_or_default();
    if text.is_empty() || has_markers(&text) {
        let message = format!(
            "the merge tool left {} undecided; run it again, or edit that file",
            layout.result
        );
        return Err(Failure::Undecided(message));
    }
    Ok(text)
}

fn merged(
    compiled: &Compiled,
    edited: &Edited<'_>,
    text: &str,
    asked: &Resolve,
) -> Result<Merged, Failure> {
    let merging = edited.merging;
    let (path, part) = &merging.output;
    let output = compiled.desired.find(path, part);
    let counted = output.and_then(|output| compiled.desired.counted(output, &merging.stand, text));
    if let (Part::Block(_), Some(line)) = (part, loom_plan::block::marker_in(text)) {
        return Err(Failure::Undecided(format!(
            "the result for {path} holds the marker of a block in line {line}, so nothing was changed: \
             loom could not tell where the block ends. Edit it again, or take one side"
        )));
    }
    let content = counted.ok_or_else(|| {
        let read = keys::format_of(pass::REGISTRY.formats, path)
            .map(|format| (format.name(), format.read(text)));
        let why = match read {
            Some((name, Err(why))) => format!("is not {name} ({why})"),
            Some((_, Ok(_))) | None => "holds none of the keys that loom owns".to_owned(),
        };
        Failure::Undecided(format!(
            "the result for {path} {why}, so nothing was changed: edit it again, or take one side"
        ))
    })?;
    let mode = match asked.resolution {
        Resolution::Theirs => merging.observed.mode,
        Resolution::Ours => edited.mode,
        Resolution::ByHand | Resolution::Tool(_) if edited.mode == merging.rendered.mode => {
            merging.observed.mode
        }
        Resolution::ByHand | Resolution::Tool(_) => edited.mode,
    };
    let mode = if matches!(part, Part::Keys(_)) {
        content.mode
    } else {
        mode
    };
    Ok(Merged {
        text: text.to_owned(),
        content: Content { mode, ..content },
    })
}

/// What is taken.
struct Taking<'a> {
    asked: &'a Resolve,
    edited: &'a [Edited<'a>],
    merges: Merges,
}

/// Carries out what was decided, as a merge; what was laid out goes with it.
fn take(
    desk: &Desk<'_>,
    (compiled, seen): (
        std::mem::ManuallyDrop<Compiled>,
        std::mem::ManuallyDrop<Seen>,
    ),
    lock: Lock,
    taking: Taking<'_>,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let paths: Vec<&RepoPath> = taking
        .edited
        .iter()
        .map(|edited| &edited.merging.output.0)
        .collect();
    // of a move the old place counts too
    let olds = taking
        .edited
        .iter()
        .map(|edited| &edited.merging.stand.path);
    let named: Vec<&RepoPath> = paths.iter().copied().chain(olds).collect();
    let mut planned = pass::plan_with(
        desk,
        compiled,
        seen,
        &selection(taking.asked, &named)?,
        taking.merges,
    )?;
    let gate = Gate::open(desk, Some(&planned.compiled), None)?;
    let findings = audit::judge(&gate, &mut planned, desk)?;
    let (outcome, contents) = (&planned.outcome, planned.bytes(&desk.root));
    text::plan(
        &text::PlanText {
            outcome,
            contents: &contents,
            apply: "",
            stream: desk.streams.out,
            talk: desk.global.talk,
            findings: &findings,
            basis: &gate.basis,
        },
        out,
    )?;
    if findings.iter().any(Finding::denies) {
        return Ok(Exit::Denied);
    }
    let plan = match outcome {
        Outcome::Ready(plan) => plan,
        Outcome::Converged(_) => return Ok(Exit::Done),
        Outcome::Blocked(_) => return Ok(Exit::Conflicts),
    };
    out.flush()?;
    let layouts = taking
        .edited
        .iter()
        .map(|edited| Layout::of(edited.merging))
        .collect::<Result<Vec<_>, _>>()?;
    let remove = layouts
        .iter()
        .flat_map(Layout::all)
        .filter(|path| desk.root.read_bytes(path).is_ok())
        .cloned()
        .collect();
    let how = CarryOut {
        command: "resolve",
        durability: loom_apply::Durability::Full,
        remove,
    };
    let committed = carry_out(desk, &planned, plan, lock, how)?;
    let files: Vec<&str> = paths.iter().map(|path| path.as_str()).collect();
    writeln!(
        out,
        "\nResolved: {}. `loom rollback {}` undoes it.",
        files.join(", "),
        committed.id
    )?;
    super::leftovers(&committed).try_for_each(|line| writeln!(out, "{line}"))?;
    Ok(Exit::Done)
}
