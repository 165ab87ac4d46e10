// tidy: long because it is the one pass that every command takes
//! The natural pass, from input to plan, that most commands begin with.
//!
//! In: the opened root and the choices of the run. Out: [`Compiled`] (parse, compile, graph,
//! render) and [`Seen`] (observe), then an outcome (plan). Each step takes what the one before
//! it gave; nothing goes back. What they give is not taken apart at the end: the process ends
//! then, and taking a hundred thousand small values apart takes longer than planning with them.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::ManuallyDrop;
use std::sync::Arc;

use loom_apply::{Lock, Objects, Root};
use loom_plan::addr::{Address, ContentHash, RepoPath};
use loom_plan::diag::{Code, Diagnostic, Diagnostics, Hidden, did_you_mean};
use loom_plan::graph::{self, link};
use loom_plan::input::{Input, Memory, ReadError};
use loom_plan::intent::Declaration;
use loom_plan::ledger::{Ledger, Record};
use loom_plan::plan::build::{Inputs, Losses};
use loom_plan::plan::known::{self, Known};
use loom_plan::plan::merging::{Merges, ToMerge};
use loom_plan::plan::owned;
use loom_plan::plan::repair::Repair;
use loom_plan::plan::scope::{Adopting, Conflicts, Request};
use loom_plan::plan::{Action, Conflicting, Expect, Outcome, PartAction, Verb, decide};
use loom_plan::project::{OnDrift, Project, read, requires};
use loom_plan::provider::{Mode, Registry};
use loom_plan::render::{self, Desired, Output};
use loom_plan::shape::World;
use loom_plan::snapshot::{Observed, Part, Snapshot};
use loom_plan::story::{self, Extra, Story};
use loom_plan::text::{SourceId, Sources, Span};
use loom_plan::{intent, keys, plan};
use rayon::prelude::*;

use super::files::Files;
use super::merging::{merge_all, prefer_found};
use super::paths::Here;
use super::{Desk, Failure, losses, outside, places, with_help};
use crate::cli::{Selection, SkipConflicts, StoryArg, Talk};
use crate::env::Stream;
use crate::report::{self, About, Contents, Sides, diagnostics};

/// The kinds that this loom knows.
pub(crate) const REGISTRY: Registry<'static> = Registry {
    providers: loom_providers::PROVIDERS,
    blueprints: loom_providers::BLUEPRINTS,
    formats: loom_providers::FORMATS,
};

/// Refuses to go on where the project asks for another loom; for commands that read no more of it.
///
/// # Errors
/// [`Failure::Input`].
pub(crate) fn requires(desk: &Desk<'_>) -> Result<(), Failure> {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    requires::of_project(&desk.root, &mut sources, &mut found)
        .map_err(|requires::Refused| Failure::Input(Box::new((sources, found))))
}

/// What the input comes to.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// The texts.
    pub(crate) sources: Sources,
    /// loom.yaml.
    pub(crate) project: Project,
    /// All stories.
    pub(crate) stories: Vec<Story>,
    /// What is desired.
    pub(crate) desired: Desired,
    /// Warnings.
    pub(crate) warnings: Diagnostics,
    /// The story of `--story`, by its code.
    pub(crate) story: Option<String>,
    /// Where paths are seen from.
    pub(crate) here: Here,
}

impl Compiled {
    /// Says the warnings.
    pub(crate) fn warn(&self, stream: Stream) -> std::io::Result<()> {
        diagnostics::warn(&self.sources, &self.warnings, stream)
    }
}

/// What the repository holds.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The ledger.
    pub(crate) ledger: Ledger,
    /// The ledger's texts, as they were read.
    pub(crate) ledger_files: Vec<(String, String)>,
    /// The files.
    pub(crate) snapshot: Snapshot,
    /// The records that count.
    pub(crate) known: Known,
}

/// Parse, compile, graph, render.
///
/// # Errors
/// [`Failure::Input`] with every finding of every file.
pub(crate) fn compile(
    desk: &Desk<'_>,
    story: Option<&StoryArg>,
) -> Result<ManuallyDrop<Compiled>, Failure> {
    compile_from(desk, &desk.root, story)
}

/// [`compile`], with input that may be more than the repository's.
fn compile_from(
    desk: &Desk<'_>,
    input: &dyn Input,
    story: Option<&StoryArg>,
) -> Result<ManuallyDrop<Compiled>, Failure> {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    match compile_into(input, (story, &mut sources, &mut found), &mut |step| {
        desk.steps.next(step);
    }) {
        Some((project, stories, story, desired)) if !found.has_errors() => {
            Ok(ManuallyDrop::new(Compiled {
                sources,
                project,
                stories,
                desired,
                warnings: found,
                story,
                here: Here::of(desk),
            }))
        }
        _ => Err(Failure::Input(Box::new((sources, found)))),
    }
}

/// What an input comes to, as [`compile`] does it; `None` where it has errors.
pub(crate) fn rendered(input: &dyn Input) -> Option<Desired> {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let (_, _, _, desired) = compile_into(input, (None, &mut sources, &mut found), &mut |_| {})?;
    (!found.has_errors()).then_some(desired)
}

fn compile_into(
    input: &dyn Input,
    (story, sources, found): (Option<&StoryArg>, &mut Sources, &mut Diagnostics),
    next: &mut dyn FnMut(&'static str),
) -> Option<(Project, Vec<Story>, Option<String>, Desired)> {
    next("reading the input");
    let project = read::read(input, sources, found)?;
    let extra = story.and_then(|story| elsewhere(story, found));
    let name = extra.as_ref().map(|(name, _)| name.clone());
    let extra = extra.as_ref().map(|(name, text)| Extra::File {
        name,
        text: Arc::clone(text),
    });
    let stories = story::read_all(&project, input, extra, sources, found);
    let code = story.and_then(|story| story_code(story, name.as_deref(), &stories, found));
    graph::tasks(&stories, found);
    let world = World {
        sources,
        environments: &project.environment_names,
    };
    next("compiling");
    let declarations = intent::compile(&project, &stories, REGISTRY, world, found);
    let mut ordered = graph::order(declarations, REGISTRY, found)?;
    let files = link::read_files(&mut ordered.declarations, input, sources, found);
    let world = World {
        sources,
        environments: &project.environment_names,
    };
    let linked = link::link(&ordered, REGISTRY, &files, world, found);
    next("rendering");
    // what stands as a whole in the input was looked at when that was read: it was refused or accepted
    let texts: &Sources = sources;
    let is_read = |_: &Declaration, path: &RepoPath, literal: &str| {
        let entries = stories
            .iter()
            .flat_map(|story| &story.tasks)
            .flat_map(|task| &task.entries);
        let mut nodes = project
            .entries
            .iter()
            .chain(entries)
            .flat_map(|entry| {
                [
                    Some(&entry.settings),
                    entry.shared.path.as_ref(),
                    entry.shared.with.as_ref(),
                ]
            })
            .flatten()
            .chain(project.services.values().map(|service| &service.node))
            .chain(project.environments.iter().map(|it| &it.node));
        texts.accepts(path.as_str(), literal)
            || nodes.any(|node| node.holds(literal))
            || files.values().any(|text| text.contains(literal))
    };
    let desired = render::render(
        ordered,
        linked,
        REGISTRY.formats,
        (&project.delegate, &is_read),
        found,
    );
    debug_assert!(
        found.has_errors() || !found.hides_anything(),
        "what is hidden is hidden by an error that is said"
    );
    Some((project, stories, code, desired))
}

/// A story from elsewhere: its name for people and its text.
fn elsewhere(story: &StoryArg, found: &mut Diagnostics) -> Option<(String, Arc<str>)> {
    let (name, read) = match story {
        StoryArg::Code(_) => return None,
        StoryArg::File(file) => (file.display().to_string(), crate::env::read_file(file)),
        StoryArg::Stdin => ("standard input".to_owned(), crate::env::read_stdin()),
    };
    match read {
        Ok(text) => Some((name, text.into())),
        Err(error) => {
            found.push(Diagnostic::new(
                Code::FileMissing,
                format!("the story {name} cannot be read: {error}"),
            ));
            found.hide(Hidden::Stories);
            found.hide(Hidden::Declarations);
            None
        }
    }
}

/// The code that `--story` stands for.
fn story_code(
    story: &StoryArg,
    name: Option<&str>,
    stories: &[Story],
    found: &mut Diagnostics,
) -> Option<String> {
    let StoryArg::Code(code) = story else {
        return stories
            .iter()
            .find(|story| Some(story.file.as_ref()) == name)
            .map(|story| story.code.clone());
    };
    if let Some(known) = stories
        .iter()
        .find(|story| story.code.eq_ignore_ascii_case(code))
    {
        return Some(known.code.clone());
    }
    // it may stand in a file that cannot be read, and fetching it would write over that
    if found.hides(&Hidden::Stories) {
        return None;
    }
    let known = || stories.iter().map(|story| story.code.as_str());
    let diagnostic = Diagnostic::new(
        Code::UnknownStory,
        format!("there is no story `{code}` among the inputs"),
    );
    found.push(match did_you_mean(code, known()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help(format!(
            "`loom story pull {code}` fetches it from the board"
        )),
    });
    None
}

/// The ledger and what stands at the paths that it knows, and the findings. Nothing of it depends
/// on the input.
fn remember(files: &dyn Files) -> Result<(Seen, Diagnostics), Failure> {
    let ledger_files = files.ledger_files()?;
    let mut found = Diagnostics::default();
    let ledger = Ledger::read(&ledger_files, &mut found);
    let mut snapshot = files.observe(&known::wants(&[], &ledger))?;
    let written = |(_, record): (&str, &Record)| (record.path.clone(), record.written.mode);
    settle_modes(files, &mut snapshot, &mut ledger.records().map(written));
    owned::observe(&mut snapshot, &[], &ledger, REGISTRY.formats);
    let known = Known::choose(&ledger, &snapshot);
    Ok((
        Seen {
            ledger,
            ledger_files,
            snapshot,
            known,
        },
        found,
    ))
}

/// What the desk's files hold of what is desired, and the findings of their ledger.
///
/// # Errors
/// A ledger that cannot be read.
pub(super) fn seen(
    desk: &Desk<'_>,
    desired: &Desired,
) -> Result<(ManuallyDrop<Seen>, Diagnostics), Failure> {
    let files = desk.files();
    let (mut seen, found) = remember(files)?;
    look_further(files, desired, &mut seen)?;
    Ok((ManuallyDrop::new(seen), found))
}

/// What the input comes to, and what the repository holds.
pub(crate) type Looked = (ManuallyDrop<Compiled>, ManuallyDrop<Seen>);

/// Compiles, reads the ledger, and looks at every file that it or the input names: at those that
/// the ledger knows, nearly all, while the input is read.
///
/// # Errors
/// As [`compile`]; [`Failure::Input`] where the ledger cannot be read, is newer than this loom, or
/// is missing although files carry loom's header.
pub(crate) fn look(desk: &Desk<'_>, story: Option<&StoryArg>) -> Result<Looked, Failure> {
    look_from(desk, &desk.root, story)
}

/// [`look`], with files of the input as they would be.
///
/// # Errors
/// As [`look`].
pub(crate) fn look_as_if(desk: &Desk<'_>, files: &[(RepoPath, String)]) -> Result<Looked, Failure> {
    let files = files
        .iter()
        .map(|(path, text)| (path.clone(), text.as_str().into()))
        .collect();
    look_from(
        desk,
        &AsIf {
            root: &desk.root,
            files: Memory(files),
        },
        None,
    )
}

/// The repository, with other files of the input.
struct AsIf<'a> {
    root: &'a Root,
    files: Memory,
}

impl Input for AsIf<'_> {
    fn read(&self, path: &RepoPath) -> Result<Arc<str>, ReadError> {
        self.files.read(path).or_else(|_| self.root.read(path))
    }

    fn glob(&self, patterns: &[String]) -> Vec<RepoPath> {
        let mut found = self.root.glob(patterns);
        found.extend(self.files.glob(patterns));
        found.sort();
        found.dedup();
        found
    }

    fn passed_over(&self, patterns: &[String]) -> Vec<(RepoPath, String)> {
        self.root.passed_over(patterns)
    }
}

fn look_from(
    desk: &Desk<'_>,
    input: &dyn Input,
    story: Option<&StoryArg>,
) -> Result<Looked, Failure> {
    let (compiled, seen) = look_anyway(desk, input, story)?;
    if seen.ledger.is_empty() {
        refuse_lost_ledger(desk, &compiled, &seen)?;
    }
    Ok((compiled, seen))
}

/// [`look`], also where the ledger was lost.
///
/// # Errors
/// As [`look`], but for the lost ledger.
pub(crate) fn look_anyway(
    desk: &Desk<'_>,
    input: &dyn Input,
    story: Option<&StoryArg>,
) -> Result<Looked, Failure> {
    let files = desk.files();
    let mut remembered = None;
    let compiled = rayon::in_place_scope(|scope| {
        scope.spawn(|_| remembered = Some(remember(files)));
        compile_from(desk, input, story)
    });
    let mut compiled = compiled?;
    desk.steps.next("looking at the files");
    let remembered = remembered.expect("the scope waits for what it spawned");
    let (mut seen, found) = remembered?;
    if found.has_errors() {
        return Err(Failure::Input(Box::new((compiled.sources.clone(), found))));
    }
    compiled.warnings.extend(found);
    let (root, desired) = (&desk.root, &compiled.desired);
    let (further, placed) = rayon::join(
        || look_further(files, desired, &mut seen),
        || places::check(root, desired),
    );
    further?;
    let warnings = placed?;
    if desk.commit.is_none() {
        places::refuse_twins(root, desired, &seen)?;
    }
    compiled.warnings.extend(warnings);
    Ok((compiled, ManuallyDrop::new(seen)))
}

/// Looks at what the input names and the ledger did not.
fn look_further(files: &dyn Files, desired: &Desired, seen: &mut Seen) -> Result<(), Failure> {
    let mut known = seen.snapshot.walk();
    let is_answered = |output: &Output| {
        let seen = known.to(&output.place.path);
        seen.is_some_and(|seen| {
            seen.answers(&output.part) && (output.delegated.is_none() || seen.is_text_known())
        })
    };
    if !desired.outputs.iter().all(is_answered) {
        let mut wants = known::wants(&desired.outputs, &seen.ledger);
        wants.retain(|want| !seen.snapshot.answers(want));
        let mut further = files.observe(&wants)?;
        let declared = |output: &Output| (output.place.path.clone(), output.place.mode);
        settle_modes(
            files,
            &mut further,
            &mut desired.outputs.iter().map(declared),
        );
        let written = |(_, record): (&str, &Record)| (record.path.clone(), record.written.mode);
        settle_modes(files, &mut further, &mut seen.ledger.records().map(written));
        seen.snapshot.0.extend(further.0);
    }
    owned::observe(
        &mut seen.snapshot,
        &desired.outputs,
        &seen.ledger,
        REGISTRY.formats,
    );
    Ok(())
}

/// Where neither the disk nor Git knows the mode of a file, it is as it should be.
fn settle_modes(
    files: &dyn Files,
    snapshot: &mut Snapshot,
    modes: &mut dyn Iterator<Item = (RepoPath, Mode)>,
) {
    for (path, mode) in modes.filter(|(path, _)| files.has_no_mode(path)) {
        if let Some(seen) = snapshot.0.get_mut(&path)
            && let Observed::File(content) = &mut seen.whole
        {
            content.mode = mode;
        }
    }
}

/// No ledger while files carry loom's header: somebody lost it, and nothing can be decided.
fn refuse_lost_ledger(desk: &Desk<'_>, compiled: &Compiled, seen: &Seen) -> Result<(), Failure> {
    let (held, snapshot) = (desk.files(), &seen.snapshot);
    let files = snapshot
        .0
        .iter()
        .filter(|(_, seen)| matches!(seen.whole, Observed::File(_)))
        .map(|(path, _)| path);
    let carries = |path: &&RepoPath| {
        held.bytes(path)
            .is_ok_and(|bytes| loom_plan::header::is_in(&bytes, path))
    };
    let carrying: Vec<String> = files.filter(carries).map(ToString::to_string).collect();
    if carrying.is_empty() {
        return Ok(());
    }
    let (request, loaded) = (Request::default(), loaded(&compiled.stories));
    let outcome = plan::plan(inputs(
        (compiled, seen),
        &request,
        &loaded,
        &losses::of_updates(held, compiled, seen),
    ));
    let mut would = Vec::new();
    report::repair::write(&Repair::of(&outcome), &[], Talk::Normal, &mut would)?;
    Err(Failure::LostLedger {
        carrying,
        would: String::from_utf8_lossy(&would).into_owned(),
    })
}

/// What the run was asked to do.
///
/// # Errors
/// A target that nothing declares, that no blueprint has and that the ledger does not know.
fn request(selection: &Selection, compiled: &Compiled, seen: &Seen) -> Result<Request, Failure> {
    let declarations = &compiled.desired.ordered.declarations;
    let declared = declarations.iter().flat_map(|it| [&it.address, &it.intent]);
    let known = declared.chain(seen.known.records().map(|known| &known.record.address));
    let is_known = |target: &Address| {
        known
            .clone()
            .any(|it| it == target || it.family() == *target)
    };
    if let Some(target) = selection.targets.iter().find(|target| !is_known(target)) {
        return Err(unknown(target, declarations));
    }
    let paths = if selection.paths.is_empty() {
        Vec::new()
    } else {
        paths(selection, compiled, seen)?
    };
    let adoption = match selection.adoption {
        decide::Adoption::Wanted => Adopting::All,
        decide::Adoption::Refused => Adopting::Declared,
    };
    let conflicts = match selection.conflicts {
        SkipConflicts::Yes => Conflicts::Skip,
        SkipConflicts::No => Conflicts::Block,
    };
    let story = compiled.story.clone();
    Ok(Request::new(
        story,
        selection.targets.clone(),
        paths,
        selection.on_drift,
        adoption,
        conflicts,
    ))
}

/// The patterns of `--path`, each of which matches a file that is declared or recorded.
fn paths(selection: &Selection, compiled: &Compiled, seen: &Seen) -> Result<Vec<String>, Failure> {
    let declared = compiled.desired.outputs.iter().map(|it| &it.place.path);
    let recorded = seen.known.records().map(|known| &known.record.path);
    let mut known: Vec<&RepoPath> = declared.chain(recorded).collect();
    known.sort_unstable();
    known.dedup();
    let typed = selection.paths.iter().map(globset::Glob::glob);
    let patterns = typed.map(|typed| compiled.here.matching(typed, &known));
    let patterns: Vec<Vec<String>> = patterns.collect::<Result<_, _>>()?;
    Ok(patterns.concat())
}

/// The failure for an address of the command line that stands for nothing.
pub(crate) fn unknown(address: &Address, declarations: &[Declaration]) -> Failure {
    let found = graph::unknown_address(address, Span::start_of(SourceId::first()), declarations);
    Failure::Environment(format!(
        "{}; {}",
        found.message,
        found.help.unwrap_or_default()
    ))
}

/// The codes of the stories that count as loaded: not those in draft, and not cancelled ones.
fn loaded(stories: &[Story]) -> BTreeSet<String> {
    stories
        .iter()
        .filter(|story| story.status.declares())
        .map(|story| story.code.clone())
        .collect()
}

/// The bytes of both sides of an action: read from the disk and rendered again.
pub(crate) struct Bytes<'a> {
    /// What is there.
    pub(crate) files: &'a dyn Files,
    /// What is desired.
    pub(crate) desired: &'a Desired,
}

impl Bytes<'_> {
    /// The output that would go on from the file of a conflict, where that stands at an old path.
    fn moved_output(&self, conflict: &Conflicting) -> Option<&Output> {
        if !matches!(
            conflict.conflict,
            decide::Conflict::Edited
                | decide::Conflict::Merge
                | decide::Conflict::Base
                | decide::Conflict::Component
        ) {
            return None;
        }
        let declaration = self.desired.ordered.find(&conflict.address)?;
        let outputs: Vec<&Output> = self
            .desired
            .outputs
            .iter()
            .filter(|output| output.declaration == declaration)
            .collect();
        match outputs.as_slice() {
            [only] => Some(only),
            several => several
                .iter()
                .copied()
                .find(|it| it.place.path.file_name() == conflict.path.file_name()),
        }
    }
}

impl Contents for Bytes<'_> {
    fn of(&self, action: &Action) -> Sides {
        let before = match action.expect {
            Expect::Absent => None,
            Expect::Exactly(_) => self.files.bytes(action.old_path()).ok(),
        };
        let after = self
            .desired
            .file_after(action, before.as_deref())
            .unwrap_or_default();
        Sides { before, after }
    }

    fn stands(&self, path: &RepoPath) -> Option<Vec<u8>> {
        self.files.bytes(path).ok()
    }

    fn comes(&self, path: &RepoPath) -> Option<Vec<u8>> {
        let output = self.desired.at(path).next()?;
        self.desired.text(output).ok().map(String::into_bytes)
    }

    fn accepted(&self, action: &Action) -> Sides {
        let there = self.files.bytes(action.old_path()).ok();
        let before = self.as_declared(action, there.as_deref());
        let after = if action.verb.writes() {
            self.of(action).after
        } else {
            there
        };
        Sides { before, after }
    }

    fn of_conflict(&self, conflict: &Conflicting) -> Sides {
        let before = self.files.bytes(&conflict.path).ok();
        if conflict.conflict == decide::Conflict::Markers {
            // nobody can tell what loom would write where
            let after = before.clone();
            return Sides { before, after };
        }
        if let Part::Keys(_) = conflict.part {
            return self.of_keys(conflict, before);
        }
        let output = self
            .desired
            .find(&conflict.path, &conflict.part)
            .or_else(|| self.moved_output(conflict));
        let after = output.and_then(|output| self.desired.dressed(output).ok());
        let after = match &conflict.part {
            Part::Whole | Part::Keys(_) => after.map(String::into_bytes),
            Part::Block(address) => {
                let text = before
                    .as_deref()
                    .and_then(|bytes| std::str::from_utf8(bytes).ok())
                    .unwrap_or_default();
                match render::with_block(text, &conflict.path, address, after.as_deref()) {
                    Ok(text) => Some(text.into_bytes()),
                    // what loom would write is nowhere, and what is there stays
                    Err(_) => before.clone(),
                }
            }
        };
        Sides { before, after }
    }

    fn explain(&self, address: &Address, before: &str, after: &str) -> Vec<String> {
        REGISTRY
            .provider(address.kind())
            .map_or_else(Vec::new, |provider| provider.explain(before, after))
    }

    fn is_of_bytes(&self, path: &RepoPath, part: &Part) -> bool {
        let is_delegated = self
            .desired
            .find(path, part)
            .is_some_and(|output| output.delegated.is_some());
        !is_delegated && !matches!(part, Part::Keys(_))
    }

    fn about(&self, address: &Address) -> About {
        let ordered = &self.desired.ordered;
        let Some(declaration) = ordered
            .find(address)
            .map(|index| &ordered.declarations[index])
        else {
            return About::default();
        };
        let stories = declaration
            .stories()
            .into_iter()
            .map(str::to_owned)
            .collect();
        About {
            service: declaration.service.as_ref().map(ToString::to_string),
            stories,
        }
    }
}

impl Bytes<'_> {
    /// A file with the parts whose edits an action accepts as they are declared.
    fn as_declared(&self, action: &Action, there: Option<&[u8]>) -> Option<Vec<u8>> {
        let declared = |part: &PartAction| {
            let output = self.desired.find(&action.path, &part.part)?;
            Some(PartAction {
                decision: decide::Decision::Update(decide::Updating::Restored),
                after: Some(output.content),
                stays: Vec::new(),
                ..part.clone()
            })
        };
        let parts = action.parts.iter().filter(|part| part.accepts());
        let restoring = Action {
            verb: Verb::Update,
            parts: parts.filter_map(declared).collect(),
            ..action.clone()
        };
        self.desired.file_after(&restoring, there).ok().flatten()
    }

    /// The file before, and with the keys as they are wanted, where they can be set.
    fn of_keys(&self, conflict: &Conflicting, before: Option<Vec<u8>>) -> Sides {
        let edited = || {
            let text = std::str::from_utf8(before.as_deref()?).ok()?;
            let output = self
                .desired
                .find(&conflict.path, &conflict.part)
                .or_else(|| self.moved_output(conflict))?;
            let wanted = self.desired.text(output).ok()?;
            keys::format_of(REGISTRY.formats, &conflict.path)?
                .edit(text, keys::Change::set(&wanted))
                .ok()?
                .text
        };
        let after = edited().map(String::into_bytes).or_else(|| before.clone());
        Sides { before, after }
    }
}

/// A plan, and all that it was made from.
#[derive(Debug)]
pub(crate) struct Planned {
    /// What the input comes to.
    pub(crate) compiled: ManuallyDrop<Compiled>,
    /// What the repository holds.
    pub(crate) seen: ManuallyDrop<Seen>,
    /// What is to be done.
    pub(crate) outcome: Outcome,
    request: Request,
    loaded: BTreeSet<String>,
}

/// Plans, and says the warnings of all steps before it.
///
/// # Errors
/// [`Failure::Output`] where standard error is gone.
pub(crate) fn plan(
    desk: &Desk<'_>,
    compiled: ManuallyDrop<Compiled>,
    seen: ManuallyDrop<Seen>,
    selection: &Selection,
) -> Result<Planned, Failure> {
    said(desk, plan_in_silence(desk, (compiled, seen), selection)?)
}

/// [`plan()`], without a word.
///
/// # Errors
/// As [`plan()`].
pub(crate) fn plan_in_silence(
    desk: &Desk<'_>,
    (compiled, mut seen): Looked,
    selection: &Selection,
) -> Result<Planned, Failure> {
    desk.steps.next("planning");
    let mut to_merge = edited(&compiled, &seen, selection)?;
    if prefer_found(desk, &compiled, &mut seen, &to_merge)? {
        to_merge = edited(&compiled, &seen, selection)?;
    }
    let merges = if to_merge.is_empty() {
        Merges::default()
    } else {
        merge_all(desk, (&compiled, &seen), &to_merge)?
    };
    decided(desk, (compiled, seen), selection, merges)
}

/// The end of planning: the warnings of all steps are said.
fn said(desk: &Desk<'_>, planned: Planned) -> Result<Planned, Failure> {
    desk.steps.next("reporting");
    desk.steps.pause();
    planned.compiled.warn(desk.streams.err)?;
    Ok(planned)
}

/// The outputs whose edits are to be merged.
///
/// # Errors
/// As `request`.
pub(crate) fn edited(
    compiled: &Compiled,
    seen: &Seen,
    selection: &Selection,
) -> Result<Vec<ToMerge>, Failure> {
    let request = request(selection, compiled, seen)?;
    Ok(plan::to_merge(inputs(
        (compiled, seen),
        &request,
        &loaded(&compiled.stories),
        &|_, _| Vec::new(),
    )))
}

/// Plans with what merging came to.
///
/// # Errors
/// As [`plan()`].
pub(crate) fn plan_with(
    desk: &Desk<'_>,
    compiled: ManuallyDrop<Compiled>,
    seen: ManuallyDrop<Seen>,
    selection: &Selection,
    merges: Merges,
) -> Result<Planned, Failure> {
    desk.steps.next("planning");
    said(desk, decided(desk, (compiled, seen), selection, merges)?)
}

fn decided(
    desk: &Desk<'_>,
    (mut compiled, seen): Looked,
    selection: &Selection,
    merges: Merges,
) -> Result<Planned, Failure> {
    compiled.desired.merges = merges;
    let request = request(selection, &compiled, &seen)?;
    let loaded = loaded(&compiled.stories);
    let mut outcome = plan::plan(inputs(
        (&compiled, &seen),
        &request,
        &loaded,
        &losses::of_updates(desk.files(), &compiled, &seen),
    ));
    let bytes = Bytes {
        files: desk.files(),
        desired: &compiled.desired,
    };
    outside::note(&mut outcome, &compiled.desired, &bytes);
    Ok(Planned {
        compiled,
        seen,
        outcome,
        request,
        loaded,
    })
}

/// What planning everything comes to, without a word.
///
/// # Errors
/// As [`plan()`].
pub(crate) fn outcome(desk: &Desk<'_>, (compiled, seen): &Looked) -> Result<Outcome, Failure> {
    let request = request(&Selection::default(), compiled, seen)?;
    let loaded = loaded(&compiled.stories);
    Ok(plan::plan(inputs(
        (compiled, seen),
        &request,
        &loaded,
        &losses::of_updates(desk.files(), compiled, seen),
    )))
}

/// The whole pass, for commands that write nothing.
///
/// # Errors
/// As [`look`] and [`plan()`].
pub(crate) fn planned(desk: &Desk<'_>, selection: &Selection) -> Result<Planned, Failure> {
    let (compiled, seen) = look(desk, selection.story.as_ref())?;
    plan(desk, compiled, seen, selection)
}

impl Planned {
    /// The choices of the run, as the digest covers them.
    pub(crate) fn choices(&self) -> plan::digest::Choices {
        (&self.request).into()
    }

    /// Whether the ledger holds what a merge left, or what cannot be read.
    pub(crate) fn needs_healing(&self) -> bool {
        self.compiled
            .warnings
            .iter()
            .any(|found| matches!(found.code, Code::LedgerMerged | Code::LedgerLine))
    }

    /// Where the bytes of the plan's actions come from.
    pub(crate) fn bytes<'a>(&'a self, files: &'a dyn Files) -> Bytes<'a> {
        Bytes {
            files,
            desired: &self.compiled.desired,
        }
    }

    /// The ledger's files that change with a plan: the new text, or `None` where the file goes.
    pub(crate) fn record(&self, plan: &plan::Plan) -> BTreeMap<RepoPath, Option<String>> {
        plan::record::record(self.inputs(), plan)
    }

    /// Keeps the rendered texts that later merges begin from.
    ///
    /// # Errors
    /// What the system refused.
    pub(crate) fn keep_bases(
        &self,
        root: &Root,
        lock: &Lock,
        plan: &plan::Plan,
    ) -> Result<(), Failure> {
        let objects = Objects::open(root);
        let outputs = plan::record::bases(self.inputs(), plan);
        if outputs.is_empty() && objects.is_empty() {
            return Ok(());
        }
        let text = |output: &&Output| {
            Some((
                output.content.hash,
                self.compiled.desired.text(output).ok()?,
            ))
        };
        let texts: Vec<(ContentHash, String)> = outputs.par_iter().filter_map(text).collect();
        let kept = objects.keep(lock, &texts, &plan::record::named(self.inputs(), plan));
        kept.map_err(|trouble| {
            Failure::RolledBack(format!("nothing was changed: {}", with_help(&trouble)))
        })
    }

    /// What the same run would come to with another choice, on paper.
    pub(super) fn on_paper(
        &mut self,
        desk: &Desk<'_>,
        (on_drift, adoption): (Option<OnDrift>, Adopting),
        merges: Merges,
    ) -> Outcome {
        let request = self.request.choosing(on_drift, adoption);
        let own = std::mem::replace(&mut self.compiled.desired.merges, merges);
        let outcome = {
            let seen = (&*self.compiled, &*self.seen);
            let losses = losses::of_updates(desk.files(), seen.0, seen.1);
            plan::plan(inputs(seen, &request, &self.loaded, &losses))
        };
        self.compiled.desired.merges = own;
        outcome
    }

    /// The outputs whose edits would be merged, if that was asked for.
    pub(super) fn merged_on_paper(&self) -> Vec<ToMerge> {
        let request = self
            .request
            .choosing(Some(OnDrift::Merge), Adopting::Declared);
        let none: &Losses<'_> = &|_, _| Vec::new();
        plan::to_merge(inputs(
            (&self.compiled, &self.seen),
            &request,
            &self.loaded,
            none,
        ))
    }

    /// This plan, compared with the files and the ledger of a base.
    pub(super) fn against(&self, base: &Desk<'_>, seen: &Seen) -> Result<Outcome, Failure> {
        let request = self.request.as_of_base();
        let losses = losses::of_updates(base.files(), &self.compiled, seen);
        let inputs = inputs((&self.compiled, seen), &request, &self.loaded, &losses);
        let mut here = base.root.observe(&plan::against::wants(inputs))?;
        owned::observe(
            &mut here,
            &self.compiled.desired.outputs,
            &seen.ledger,
            REGISTRY.formats,
        );
        Ok(plan::against::against(
            self.inputs(),
            &self.outcome,
            (inputs, &here),
        ))
    }

    /// The paths of all that is declared.
    pub(crate) fn declared(&self) -> impl Iterator<Item = &RepoPath> {
        self.compiled
            .desired
            .outputs
            .iter()
            .map(|output| &output.place.path)
    }

    fn inputs(&self) -> Inputs<'_> {
        inputs(
            (&self.compiled, &self.seen),
            &self.request,
            &self.loaded,
            &|_, _| Vec::new(),
        )
    }
}

fn inputs<'a>(
    (compiled, seen): (&'a Compiled, &'a Seen),
    request: &'a Request,
    stories: &'a BTreeSet<String>,
    losses: &'a Losses<'a>,
) -> Inputs<'a> {
    Inputs {
        project: &compiled.project,
        desired: &compiled.desired,
        snapshot: &seen.snapshot,
        ledger: &seen.ledger,
        known: &seen.known,
        registry: REGISTRY,
        sources: &compiled.sources,
        request,
        stories,
        losses,
    }
}
