//! The command line: what was typed becomes what it means.
//!
//! In: the arguments of the process. Out: an [`Invocation`] of plain structs and enums, every
//! value of its own type, or clap's own report. Each help text is a full sentence and each
//! command shows an example.
//!
//! Deliberately not here: what a command does, and whether a story, an address or a file exists.

mod arguments;
mod selection;
#[cfg(test)]
mod tests;
mod values;

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory as _, Parser as _};
use loom_apply::Durability;
use loom_plan::addr::{Address, ContentHash, RepoPath};
use loom_plan::credential::masked;

pub(crate) use arguments::{
    CheckFormat, ColourChoice, DriftFormat, GraphFormat, PlanFormat, ReportFormat, SchemaOf,
};
pub(crate) use loom_plan::plan::advice::quoted;
pub(crate) use selection::{Selection, SkipConflicts, StoryArg, apply_command};

use crate::exit::Exit;

/// One call of loom.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Invocation {
    /// What holds for every command.
    pub(crate) global: Global,
    /// What to do.
    pub(crate) command: Command,
}

/// What holds for every command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Global {
    /// Where to look for loom.yaml, upward from here; `None` is the current directory.
    pub(crate) directory: Option<PathBuf>,
    /// Whether to colour.
    pub(crate) colour: ColourChoice,
    /// How much to say.
    pub(crate) talk: Talk,
    /// Whether to say what took how long.
    pub(crate) timings: Timings,
    /// How many threads; `None` is one per core.
    pub(crate) jobs: Option<NonZeroUsize>,
    /// How long to wait for another loom; `None` is not at all.
    pub(crate) lock_timeout: Option<Duration>,
}

/// How much to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Talk {
    /// Results and errors.
    Quiet,
    /// What a person needs.
    Normal,
    /// Everything, such as the content of files that are created.
    Verbose,
}

/// Whether to say what took how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timings {
    /// No.
    Hide,
    /// Yes, on standard error.
    Show,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// Write a first loom.yaml and story.
    Init,
    /// Parse and compile.
    Validate {
        /// How to report.
        format: ReportFormat,
    },
    /// Show what apply would do.
    Plan(Plan),
    /// Show a saved plan.
    Show {
        /// The saved plan.
        file: PathBuf,
        /// How to show it.
        style: PlanStyle,
    },
    /// Carry out a plan.
    Apply(Apply),
    /// Settle what an interrupted run left.
    Recover,
    /// List what earlier runs did.
    History {
        /// Show this entry with its files.
        id: Option<u64>,
        /// How to report.
        format: ReportFormat,
    },
    /// Undo what an earlier run did.
    Rollback(Rollback),
    /// Decide what becomes of a hand edit.
    Resolve(Resolve),
    /// Make a hand edit what is declared.
    Absorb(Absorb),
    /// Record what the ledger lacks.
    Repair {
        /// Whether a person has still to say `yes`.
        confirmation: Confirmation,
        /// What survives.
        durability: Durability,
    },
    /// Say what the machine gives.
    Doctor {
        /// How to report.
        format: ReportFormat,
    },
    /// Compare everything with the disk.
    Drift {
        /// What to compare.
        selection: Selection,
        /// How to report.
        format: DriftFormat,
    },
    /// The security checklist.
    Check(Check),
    /// Show the graph.
    Graph(Graph),
    /// Say what was applied for a story.
    Handoff(Handoff),
    /// Say why something is there.
    Explain(Subject),
    /// List the kinds.
    Providers {
        /// Show this one.
        kind: Option<String>,
    },
    /// Print a JSON Schema.
    Schema(SchemaOf),
    /// Print a completion script.
    Completions(clap_complete::Shell),
    /// Declare and record files that are there.
    Adopt(Adopt),
    /// Stop managing an artifact.
    Forget {
        /// The artifact, or all items of one.
        address: Address,
    },
    /// Let a new address go on from an old one.
    Move {
        /// What it was called.
        from: Address,
        /// What it is called.
        to: Address,
    },
    /// Print a manual page.
    Man {
        /// Of this command.
        command: Option<String>,
    },
    /// Write the board's export of a story into the repository.
    StoryPull {
        /// The story's code.
        code: String,
    },
}

/// `loom plan`
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// What to plan.
    pub(crate) selection: Selection,
    /// Where to save it.
    pub(crate) out: Option<PathBuf>,
    /// How to show it.
    pub(crate) style: PlanStyle,
    /// Whether changes have an exit code of their own.
    pub(crate) exit_style: ExitStyle,
    /// Compare with the commit where the history of this one and that of `HEAD` part.
    pub(crate) against: Option<String>,
    /// Reports of scanners.
    pub(crate) sarif: Vec<PathBuf>,
}

/// How to show a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlanStyle {
    /// Who reads it.
    pub(crate) format: PlanFormat,
    /// How many characters of Markdown it may be.
    pub(crate) budget: usize,
}

/// Whether changes have an exit code of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStyle {
    /// A plan that can be applied is a success.
    Plain,
    /// It exits 2.
    Detailed,
}

/// `loom check`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// Files and directories, seen from the root; none for everything that is declared.
    pub(crate) paths: Vec<String>,
    /// How to report.
    pub(crate) format: CheckFormat,
    /// The commit whose policies and exceptions judge, instead of this tree's.
    pub(crate) policies_from: Option<String>,
    /// Reports of scanners.
    pub(crate) sarif: Vec<PathBuf>,
    /// What to print.
    pub(crate) what: ToCheck,
}

/// What `loom check` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToCheck {
    /// What is found.
    Findings,
    /// The rules, as a page.
    Rules,
}

/// `loom graph`
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Graph {
    /// How to draw it.
    pub(crate) format: GraphFormat,
    /// Only what depends on this one.
    pub(crate) from: Option<Address>,
    /// Which artifacts.
    pub(crate) extent: GraphExtent,
}

/// `loom apply`
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Apply {
    /// What to carry out.
    pub(crate) what: ToApply,
    /// Whether a person has still to say `yes`.
    pub(crate) confirmation: Confirmation,
    /// What was approved.
    pub(crate) expect: Option<Expected>,
    /// A plan that deletes more than this is refused.
    pub(crate) max_deletes: Option<usize>,
    /// What survives.
    pub(crate) durability: Durability,
    /// The branch that gets the changes as a commit, instead of the working tree.
    pub(crate) to_branch: Option<String>,
    /// Reports of scanners.
    pub(crate) sarif: Vec<PathBuf>,
}

/// `loom adopt`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Adopt {
    /// Files and directories, seen from the root.
    pub(crate) paths: Vec<String>,
    /// The one kind to declare them as.
    pub(crate) kind: Option<String>,
}

/// `loom rollback`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rollback {
    /// The entry of the history; `None` is the newest in force.
    pub(crate) id: Option<u64>,
    /// Whether a person has still to say `yes`.
    pub(crate) confirmation: Confirmation,
    /// What survives.
    pub(crate) durability: Durability,
}

/// `loom resolve`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolve {
    /// The artifact.
    pub(crate) address: Address,
    /// Only this file of it.
    pub(crate) path: Option<RepoPath>,
    /// What becomes of the edit.
    pub(crate) resolution: Resolution,
}

/// `loom absorb`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Absorb {
    /// The artifact.
    pub(crate) address: Address,
    /// Only this file of it.
    pub(crate) path: Option<RepoPath>,
    /// Whether a person has still to say `yes`.
    pub(crate) confirmation: Confirmation,
}

/// `loom handoff`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handoff {
    /// The story's code.
    pub(crate) code: String,
    /// Where it goes.
    pub(crate) to: HandoffTo,
}

/// Where a handoff goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandoffTo {
    /// To standard output.
    Output,
    /// Into the story's file.
    Story,
    /// To the tasks on the board.
    Board,
}

/// What becomes of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// A person edits what is laid out.
    ByHand,
    /// What loom renders.
    Ours,
    /// What is on the disk.
    Theirs,
    /// What Git's merge tool makes: the configured one, or the one of this name.
    Tool(Option<String>),
}

/// What to carry out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ToApply {
    /// A plan that was saved with `plan --out`.
    Saved(PathBuf),
    /// A plan that is made now.
    Now(Selection),
}

/// Whether a person has still to say `yes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirmation {
    /// At a terminal, loom asks.
    Ask,
    /// `--yes` said it.
    Given,
}

/// The plan that was approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Its digest.
    Digest(ContentHash),
    /// Its saved file, or its JSON output.
    File(PathBuf),
}

/// Which artifacts a graph shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GraphExtent {
    /// All of them.
    All,
    /// Those that the plan changes, and what leads to them.
    Changed,
}

/// What `loom explain` is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// An error code, known or not.
    Code(String),
    /// An address or a path: only the registry's kinds can tell `loom.yaml` from an address.
    AddressOrPath(String),
}

/// Reads the arguments, the program's name first.
///
/// # Errors
/// Clap's report, which is also how help and version arrive; [`refuse`] prints it.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Invocation, clap::Error> {
    arguments::Arguments::try_parse_from(arguments).map(Invocation::from)
}

/// Prints what clap has to say. Clap's own exit code for a wrong usage, 2, means changes here.
pub(crate) fn refuse(error: &clap::Error) -> Exit {
    let plain = error.render().to_string();
    // what was typed may be a credential, and clap says it again
    let printed = match masked(&plain) {
        Cow::Borrowed(_) => error.print(),
        Cow::Owned(masked) => write!(std::io::stderr().lock(), "{masked}"),
    };
    match (error.use_stderr(), printed) {
        (false, Ok(())) => Exit::Done,
        (true, _) | (false, Err(_)) => Exit::Error,
    }
}

/// The command line as clap sees it, for completions.
pub(crate) fn command() -> clap::Command {
    arguments::Arguments::command()
}
