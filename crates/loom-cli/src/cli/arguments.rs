//! The grammar of the command line for clap, and nothing else.
// tidy: long because it is the list of all commands and options

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use globset::Glob;
use loom_apply::Durability;
use loom_plan::addr::{Address, RepoPath};
use loom_plan::plan::decide::Adoption;
use loom_plan::project::OnDrift;

use super::values::{budget, duration, expected, glob, on_drift};
use super::{
    Absorb, Adopt, Apply, Check, Command, Confirmation, ExitStyle, Expected, Global, Graph,
    GraphExtent, Handoff, HandoffTo, Invocation, Plan, PlanStyle, Resolution, Resolve, Rollback,
    Selection, SkipConflicts, StoryArg, Subject, Talk, Timings, ToApply, ToCheck,
};
use crate::report::markdown;

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColourChoice {
    /// At a terminal, unless the environment says otherwise (`NO_COLOR`, `CLICOLOR`).
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// How to report drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DriftFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For an issue, or a comment on a pull request.
    Markdown,
    /// For a CI system, as XML.
    Junit,
}

/// How to report findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// Annotations for a job of GitHub Actions.
    Github,
    /// For code scanning and editors.
    Sarif,
    /// For a CI system, as XML.
    Junit,
}

/// How to show a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormat {
    /// For people at a terminal.
    Text,
    /// For programs.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// One page for a browser, which needs no other file.
    Html,
    /// Annotations for a job of GitHub Actions, and its summary.
    Github,
    /// For code scanning and editors.
    Sarif,
}

/// How to draw a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// For Graphviz.
    Dot,
    /// For Markdown.
    Mermaid,
    /// A picture, for a browser.
    Svg,
    /// For programs.
    Json,
}

/// What a JSON Schema is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// loom.yaml.
    Project,
    /// A file that loom.yaml includes.
    Include,
    /// A native story.
    Story,
    /// What `plan --format json` prints.
    PlanOutput,
    /// What `drift --format json` prints.
    DriftOutput,
    /// What `check --format json` prints.
    CheckOutput,
    /// What policies of the package `loom` are asked about.
    PolicyGraph,
    /// What `history --format json` prints.
    HistoryOutput,
    /// What `doctor --format json` prints.
    DoctorOutput,
    /// What `handoff` prints.
    HandoffOutput,
    /// What any command with `--format json` prints where the input has errors.
    Diagnostics,
}

#[derive(Debug, Parser)]
#[command(
    name = "loom",
    version,
    about = "Plans and applies the files of a repository from stories and loom.yaml.",
    after_help = "Example:\n  loom plan              # show what would change\n  loom apply             # show it, ask, and do it",
    disable_help_subcommand = true
)]
pub(super) struct Arguments {
    #[command(flatten)]
    global: GlobalArguments,
    #[command(subcommand)]
    command: Verb,
}

#[derive(Args, Debug)]
struct GlobalArguments {
    /// Look for loom.yaml in this directory and above it, instead of the current one.
    #[arg(
        short = 'C',
        value_name = "DIR",
        global = true,
        help_heading = "Global options"
    )]
    directory: Option<PathBuf>,
    /// Say whether the output is coloured; `auto` colours at a terminal.
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        global = true,
        help_heading = "Global options"
    )]
    color: ColourChoice,
    /// Print results and errors only.
    #[arg(
        long,
        short,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Global options"
    )]
    quiet: bool,
    /// Print everything, such as the content of files that would be created.
    #[arg(long, short, global = true, help_heading = "Global options")]
    verbose: bool,
    #[command(flatten)]
    machine: MachineArguments,
}

#[derive(Args, Debug)]
struct MachineArguments {
    /// Print how long each step took, on standard error.
    #[arg(long, global = true, help_heading = "Global options")]
    timings: bool,
    /// Use this many threads; the default is one for each core.
    #[arg(long, value_name = "N", global = true, help_heading = "Global options")]
    jobs: Option<NonZeroUsize>,
    /// Wait this long for another loom to finish, such as `30s`; the default is not to wait.
    #[arg(long, value_name = "DURATION", value_parser = duration, global = true, help_heading = "Global options")]
    lock_timeout: Option<Duration>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write a loom.yaml and a first story from what the repository holds.
    #[command(after_help = "Example:\n  loom init")]
    Init,
    /// Read and compile all input, and report every error in it.
    #[command(after_help = "Example:\n  loom validate")]
    Validate {
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Show what apply would do, without doing it.
    #[command(
        after_help = "Examples:\n  loom plan\n  loom plan --against origin/main\n  loom plan --story ENT-001 --out plan.loom\n  loom plan --target 'kubernetes.manifest.entity-api[production]' --on-drift restore"
    )]
    Plan(PlanArguments),
    /// Show a plan that was saved with `loom plan --out`.
    #[command(after_help = "Example:\n  loom show plan.loom --format json")]
    Show {
        /// The saved plan.
        file: PathBuf,
        #[command(flatten)]
        format: PlanFormatArguments,
    },
    /// Carry out a plan: a saved one, or one that is made and shown now.
    #[command(
        after_help = "Examples:\n  loom apply                 # show the plan, ask, and do it\n  loom apply plan.loom       # exactly the plan that was saved\n  loom apply --expect 3f1c…  # only if the plan is still the one that was reviewed\n  loom apply --to-branch loom/update --yes   # as a commit"
    )]
    Apply(ApplyArguments),
    /// Put back, or finish, what an interrupted run of loom left.
    #[command(after_help = "Example:\n  loom recover")]
    Recover,
    /// List what earlier runs of loom did, the newest first.
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Examples:\n  loom history\n  loom history show 7"
    )]
    History {
        #[command(flatten)]
        format: FormatArguments,
        #[command(subcommand)]
        verb: Option<HistoryVerb>,
    },
    /// Undo what an earlier run did, if nothing has changed since.
    #[command(
        after_help = "Examples:\n  loom rollback      # show what the newest apply did, ask, and undo it\n  loom rollback 7    # undo entry 7 of `loom history`"
    )]
    Rollback(RollbackArguments),
    /// Decide what becomes of a file that was edited by hand.
    #[command(
        long_about = "Decide what becomes of a file that was edited by hand.\n\nWithout a choice, both sides are laid out in .loom/conflicts/, with one file to edit; run again, the command takes that file back. `theirs` is what is on the disk, with the edit; `ours` is what loom renders now.",
        after_help = "Examples:\n  loom resolve kubernetes.manifest.api            # lay out both sides; run again, take the result\n  loom resolve kubernetes.manifest.api --theirs   # keep what is on the disk\n  loom resolve kubernetes.manifest.api --tool     # decide with Git's merge tool"
    )]
    Resolve(ResolveArguments),
    /// Write the value that was edited in a file back to the setting that it came from.
    #[command(
        after_help = "Example:\n  loom absorb kubernetes.manifest.api    # show what would change in loom.yaml or a story, ask, and write it"
    )]
    Absorb(AbsorbArguments),
    /// Record what the ledger lacks: the files that are exactly as declared, and no others.
    #[command(
        after_help = "Examples:\n  loom repair        # show what the ledger lacks, ask, and record it\n  loom repair --yes"
    )]
    Repair(RepairArguments),
    /// Say what this machine and file system give, and what stands in loom's way.
    #[command(after_help = "Example:\n  loom doctor")]
    Doctor {
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Compare every managed file with what is declared, and report what differs.
    #[command(
        after_help = "Examples:\n  loom drift\n  loom drift --path 'k8s/**' --format json\n  loom drift --format junit > drift.xml"
    )]
    Drift {
        #[command(flatten)]
        scope: ScopeArguments,
        /// Say whether the report is for people, for programs, for an issue, or for a CI system.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: DriftFormat,
    },
    /// Look for what a careful review would not let pass: the security checklist, and the policies in policy/.
    #[command(
        long_about = "Look for what a careful review would not let pass: the security checklist, and the policies in policy/.\n\nWithout a path, everything that is declared is looked at; with paths, the files that are there, also without a loom.yaml. Errors that loom.yaml does not accept with a reason exit 5.",
        after_help = "Examples:\n  loom check                             # everything that is declared\n  loom check . --format sarif > s.sarif  # every file of a known format\n  loom check --rules                     # the checklist itself"
    )]
    Check {
        /// Files, and directories for all files below them of a format that loom knows.
        #[arg(value_name = "PATH")]
        paths: Vec<String>,
        /// Say whether the report is for people, for programs, for GitHub, or for a CI system.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: CheckFormat,
        /// Judge by the policies and exceptions of this commit, not by those of the files that are here.
        #[arg(long, value_name = "REF")]
        policies_from: Option<String>,
        /// Take in what scanners found: reports in SARIF 2.1.0.
        #[arg(long, value_name = "FILE", num_args = 1..)]
        sarif: Vec<PathBuf>,
        /// Print the rules instead, as Markdown.
        #[arg(long, conflicts_with_all = ["paths", "format", "policies_from", "sarif"])]
        rules: bool,
    },
    /// Draw how artifacts depend on each other.
    #[command(
        after_help = "Example:\n  loom graph --from terraform.module.entity-api --format mermaid"
    )]
    Graph {
        /// Say how to draw the graph.
        #[arg(long, value_name = "FORMAT", default_value = "dot")]
        format: GraphFormat,
        /// Draw only this artifact and what depends on it.
        #[arg(long, value_name = "ADDR", value_parser = Address::parse)]
        from: Option<Address>,
        /// Draw only what the plan changes.
        #[arg(long)]
        changed: bool,
    },
    /// Take over files that are there: declares them in loom.yaml and records them, touching none.
    #[command(
        after_help = "Examples:\n  loom adopt .github/workflows/ci.yml README.md\n  loom adopt k8s infrastructure/terraform   # all files there of a format that loom reads\n  loom adopt --as file Makefile            # as text, byte for byte"
    )]
    Adopt {
        /// Files, and directories for all files below them of a format that loom reads.
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<String>,
        /// Declare them as this kind, such as `file`, which keeps every byte.
        #[arg(long = "as", value_name = "KIND")]
        kind: Option<String>,
    },
    /// Stop managing an artifact and leave its files: writes `removed` with `keep` into loom.yaml.
    #[command(after_help = "Example:\n  loom forget 'kubernetes.manifest.entity-api[staging]'")]
    Forget {
        /// The artifact; without its item, all items.
        #[arg(value_name = "ADDR", value_parser = Address::parse)]
        address: Address,
    },
    /// Let a renamed artifact go on with its files: writes `moved` into loom.yaml.
    #[command(
        after_help = "Example:\n  loom move kubernetes.manifest.api kubernetes.manifest.entity-api"
    )]
    Move {
        /// What it was called.
        #[arg(value_name = "FROM", value_parser = Address::parse)]
        from: Address,
        /// What it is called in the input now.
        #[arg(value_name = "TO", value_parser = Address::parse)]
        to: Address,
    },
    /// Say what was applied for a story, as the section that its other readers expect.
    #[command(
        long_about = "Say what was applied for a story, as the section that its other readers expect.\n\nThe section is derived from the artifacts that are on the disk as declared and recorded in the ledger; its time is that of the ledger's commit. Where the story is not wholly applied, the section says so and the exit code is 2, or 4 where a person must decide.",
        after_help = "Examples:\n  loom handoff ENT-001            # the section as JSON\n  loom handoff ENT-001 --write    # into the story's file\n  loom handoff ENT-001 --board    # each task's files to its task on the board"
    )]
    Handoff {
        /// The story's code, such as ENT-001.
        #[arg(value_name = "STORY")]
        code: String,
        /// Write the section into the story's file, and keep everything else in it.
        #[arg(long)]
        write: bool,
        /// Attach each task's files to it on the board, with the program `board`.
        #[arg(long, conflicts_with = "write")]
        board: bool,
    },
    /// Say why an artifact, a file or an error is there.
    #[command(
        after_help = "Examples:\n  loom explain k8s/production/entity-api.yml\n  loom explain pipeline.entity-api\n  loom explain LOOM0106"
    )]
    Explain {
        /// The address of an artifact, the path of a file, or the code of an error.
        #[arg(value_name = "ADDR|PATH|CODE")]
        subject: String,
    },
    /// List the kinds of artifacts and blueprints.
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Examples:\n  loom providers\n  loom providers show pipeline"
    )]
    Providers {
        #[command(subcommand)]
        verb: Option<ProvidersVerb>,
    },
    /// Print a JSON Schema, with which editors complete and check the input.
    #[command(
        after_help = "Example:\n  loom schema > loom.schema.json\n  loom schema story > story.schema.json"
    )]
    Schema {
        /// Say what the schema is of.
        #[arg(default_value = "project")]
        of: SchemaOf,
    },
    /// Print a script that completes loom's commands in a shell.
    #[command(
        after_help = "Example:\n  loom completions bash > ~/.local/share/bash-completion/completions/loom"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page of loom, or of one of its commands.
    #[command(after_help = "Examples:\n  loom man > loom.1\n  loom man apply > loom-apply.1")]
    Man {
        /// The command, such as `apply`; without it the page of loom itself.
        command: Option<String>,
    },
    /// Work with stories of the board.
    Story {
        #[command(subcommand)]
        verb: StoryVerb,
    },
}

#[derive(Debug, Subcommand)]
enum ProvidersVerb {
    /// Show the settings, attributes and parts of one kind.
    #[command(after_help = "Example:\n  loom providers show kubernetes.manifest")]
    Show {
        /// The kind, such as `pipeline` or `kubernetes.manifest`.
        kind: String,
    },
}

#[derive(Debug, Subcommand)]
enum HistoryVerb {
    /// Show one entry with every file that it created, updated or deleted.
    #[command(after_help = "Example:\n  loom history show 7")]
    Show {
        /// The entry's number, as `loom history` lists it.
        id: u64,
        #[command(flatten)]
        format: FormatArguments,
    },
}

#[derive(Debug, Subcommand)]
enum StoryVerb {
    /// Write the board's export of a story into the folder of stories.
    #[command(after_help = "Example:\n  loom story pull ENT-001")]
    Pull {
        /// The story's code, such as ENT-001.
        code: String,
    },
}

#[derive(Args, Debug)]
struct FormatArguments {
    /// Say whether the report is for people or for programs.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: ReportFormat,
}

#[derive(Args, Debug)]
struct PlanFormatArguments {
    /// Say who reads the plan.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: PlanFormat,
    /// Keep the Markdown of the plan under so many characters.
    #[arg(long, value_name = "CHARS", default_value_t = markdown::BUDGET, value_parser = budget)]
    budget: usize,
}

#[derive(Args, Debug)]
struct ScopeArguments {
    /// Act only on what this story declares; a file, or `-` for standard input, stands for a story from elsewhere.
    #[arg(long, value_name = "CODE|FILE", value_parser = StoryArg::parse)]
    story: Option<StoryArg>,
    /// Act only on this artifact; may be given several times.
    #[arg(long = "target", value_name = "ADDR", value_parser = Address::parse)]
    targets: Vec<Address>,
    /// Act only on files that match this glob, in which `**` crosses directories; may be given several times.
    #[arg(long = "path", value_name = "GLOB", value_parser = glob)]
    paths: Vec<Glob>,
}

#[derive(Args, Debug)]
struct SelectionArguments {
    #[command(flatten)]
    scope: ScopeArguments,
    /// Say what happens to files that somebody edited, over the project's own choice.
    #[arg(long, value_name = "CHOICE", value_parser = on_drift, long_help = ON_DRIFT)]
    on_drift: Option<OnDrift>,
    /// Take over files that are there and that loom did not write.
    #[arg(long)]
    adopt: bool,
    /// Leave out what is in conflict, and what depends on it, and plan the rest.
    #[arg(long)]
    skip_conflicts: bool,
    /// Judge by the policies and exceptions of this commit, not by those of the files that are here.
    #[arg(long, value_name = "REF")]
    policies_from: Option<String>,
}

const ON_DRIFT: &str = "Say what happens to files that somebody edited, over the project's own choice: \
`conflict` lets a person decide, `restore` writes loom's content, `merge` combines both, and `keep` accepts the edit.";

#[derive(Args, Debug)]
struct PlanArguments {
    #[command(flatten)]
    selection: SelectionArguments,
    /// Save the plan to this file, for `loom apply FILE`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    format: PlanFormatArguments,
    /// Exit with 2 where there is something to apply.
    #[arg(long)]
    detailed_exitcode: bool,
    /// Show what this branch does to the managed files since it left REF; exit with 2 where it is not applied.
    #[arg(
        long,
        value_name = "REF",
        conflicts_with_all = ["out", "detailed_exitcode", "on_drift", "adopt", "skip_conflicts"]
    )]
    against: Option<String>,
    /// Take in what scanners found: reports in SARIF 2.1.0.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    sarif: Vec<PathBuf>,
}

#[derive(Args, Debug)]
struct ApplyArguments {
    /// A plan that was saved with `loom plan --out`; without it the plan is made now.
    #[arg(conflicts_with_all = ["story", "targets", "paths", "on_drift", "adopt", "skip_conflicts", "policies_from"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    selection: SelectionArguments,
    /// Do not ask; needed where there is no terminal and no approval.
    #[arg(long)]
    yes: bool,
    /// Apply only if the plan is the approved one: its digest, its saved file, or its JSON output.
    #[arg(long, value_name = "DIGEST|FILE", value_parser = expected)]
    expect: Option<Expected>,
    /// Refuse a plan that deletes more files than this; without it more than 20 and half of all need a person.
    #[arg(long, value_name = "N")]
    max_deletes: Option<usize>,
    /// Write one commit to this branch, and leave the working tree alone.
    #[arg(long, value_name = "NAME")]
    to_branch: Option<String>,
    /// Take in what scanners found: reports in SARIF 2.1.0.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    sarif: Vec<PathBuf>,
    #[command(flatten)]
    durability: DurabilityArguments,
}

#[derive(Args, Debug)]
struct RollbackArguments {
    /// The entry of `loom history` to undo; without it the newest that is still in force.
    id: Option<u64>,
    /// Do not ask; needed where there is no terminal.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    durability: DurabilityArguments,
}

#[derive(Args, Debug)]
struct AbsorbArguments {
    /// The artifact.
    #[arg(value_name = "ADDR", value_parser = Address::parse)]
    address: Address,
    /// Absorb only what was edited in this file of it.
    #[arg(long, value_name = "PATH", value_parser = RepoPath::new)]
    path: Option<RepoPath>,
    /// Do not ask; needed where there is no terminal.
    #[arg(long)]
    yes: bool,
}

#[derive(Args, Debug)]
struct ResolveArguments {
    /// The artifact.
    #[arg(value_name = "ADDR", value_parser = Address::parse)]
    address: Address,
    /// Decide only about this file of it.
    #[arg(long, value_name = "PATH", value_parser = RepoPath::new)]
    path: Option<RepoPath>,
    /// Write what loom renders now; the edit goes.
    #[arg(long, conflicts_with_all = ["theirs", "tool"])]
    ours: bool,
    /// Keep what is on the disk, with the edit.
    #[arg(long, conflicts_with = "tool")]
    theirs: bool,
    /// Decide with Git's merge tool: the one that `merge.tool` names, or NAME.
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    tool: Option<String>,
}

#[derive(Args, Debug)]
struct RepairArguments {
    /// Do not ask; needed where there is no terminal.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    durability: DurabilityArguments,
}

#[derive(Args, Debug)]
struct DurabilityArguments {
    /// Say what survives: `full` a power loss, `kill` only the end of loom, for trees that can be made again.
    #[arg(long, value_name = "WHAT", default_value = "full")]
    durability: DurabilityChoice,
}

/// What survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DurabilityChoice {
    /// A power loss.
    Full,
    /// The end of the process.
    Kill,
}

impl From<Arguments> for Invocation {
    fn from(typed: Arguments) -> Self {
        Self {
            global: typed.global.into(),
            command: typed.command.into(),
        }
    }
}

impl From<GlobalArguments> for Global {
    fn from(typed: GlobalArguments) -> Self {
        Self {
            directory: typed.directory,
            colour: typed.color,
            talk: match (typed.quiet, typed.verbose) {
                (true, _) => Talk::Quiet,
                (false, true) => Talk::Verbose,
                (false, false) => Talk::Normal,
            },
            timings: if typed.machine.timings {
                Timings::Show
            } else {
                Timings::Hide
            },
            jobs: typed.machine.jobs,
            lock_timeout: typed.machine.lock_timeout,
        }
    }
}

impl From<Verb> for Command {
    fn from(typed: Verb) -> Self {
        match typed {
            Verb::Init => Self::Init,
            Verb::Validate { format } => Self::Validate {
                format: format.format,
            },
            Verb::Plan(typed) => Self::Plan(typed.into()),
            Verb::Show { file, format } => Self::Show {
                file,
                style: format.into(),
            },
            Verb::Apply(typed) => Self::Apply(typed.into()),
            Verb::Recover => Self::Recover,
            Verb::History { format, verb: None } => Self::History {
                id: None,
                format: format.format,
            },
            Verb::History {
                verb: Some(HistoryVerb::Show { id, format }),
                ..
            } => Self::History {
                id: Some(id),
                format: format.format,
            },
            Verb::Rollback(typed) => Self::Rollback(typed.into()),
            Verb::Absorb(typed) => Self::Absorb(Absorb {
                address: typed.address,
                path: typed.path,
                confirmation: confirmation(typed.yes),
            }),
            Verb::Resolve(typed) => Self::Resolve(typed.into()),
            Verb::Repair(typed) => Self::Repair {
                confirmation: confirmation(typed.yes),
                durability: typed.durability.into(),
            },
            Verb::Doctor { format } => Self::Doctor {
                format: format.format,
            },
            Verb::Drift { scope, format } => Self::Drift {
                selection: scope.into(),
                format,
            },
            Verb::Check {
                paths,
                format,
                policies_from,
                sarif,
                rules,
            } => Self::Check(Check {
                paths,
                format,
                policies_from,
                sarif,
                what: if rules {
                    ToCheck::Rules
                } else {
                    ToCheck::Findings
                },
            }),
            Verb::Graph {
                format,
                from,
                changed,
            } => Self::Graph(Graph {
                format,
                from,
                extent: if changed {
                    GraphExtent::Changed
                } else {
                    GraphExtent::All
                },
            }),
            Verb::Adopt { paths, kind } => Self::Adopt(Adopt { paths, kind }),
            Verb::Forget { address } => Self::Forget { address },
            Verb::Move { from, to } => Self::Move { from, to },
            Verb::Handoff { code, write, board } => {
                let to = match (write, board) {
                    (true, _) => HandoffTo::Story,
                    (false, true) => HandoffTo::Board,
                    (false, false) => HandoffTo::Output,
                };
                Self::Handoff(Handoff { code, to })
            }
            Verb::Explain { subject } => Self::Explain(subject.into()),
            Verb::Providers { verb } => Self::Providers {
                kind: verb.map(|ProvidersVerb::Show { kind }| kind),
            },
            Verb::Schema { of } => Self::Schema(of),
            Verb::Completions { shell } => Self::Completions(shell),
            Verb::Man { command } => Self::Man { command },
            Verb::Story {
                verb: StoryVerb::Pull { code },
            } => Self::StoryPull { code },
        }
    }
}

impl From<ScopeArguments> for Selection {
    fn from(typed: ScopeArguments) -> Self {
        Self {
            story: typed.story,
            targets: typed.targets,
            paths: typed.paths,
            ..Self::default()
        }
    }
}

impl From<SelectionArguments> for Selection {
    fn from(typed: SelectionArguments) -> Self {
        Self {
            on_drift: typed.on_drift,
            adoption: if typed.adopt {
                Adoption::Wanted
            } else {
                Adoption::Refused
            },
            conflicts: if typed.skip_conflicts {
                SkipConflicts::Yes
            } else {
                SkipConflicts::No
            },
            policies_from: typed.policies_from,
            ..typed.scope.into()
        }
    }
}

impl From<PlanFormatArguments> for PlanStyle {
    fn from(typed: PlanFormatArguments) -> Self {
        Self {
            format: typed.format,
            budget: typed.budget,
        }
    }
}

impl From<PlanArguments> for Plan {
    fn from(typed: PlanArguments) -> Self {
        Self {
            selection: typed.selection.into(),
            out: typed.out,
            style: typed.format.into(),
            exit_style: if typed.detailed_exitcode {
                ExitStyle::Detailed
            } else {
                ExitStyle::Plain
            },
            against: typed.against,
            sarif: typed.sarif,
        }
    }
}

impl From<ApplyArguments> for Apply {
    fn from(typed: ApplyArguments) -> Self {
        Self {
            what: match typed.file {
                Some(file) => ToApply::Saved(file),
                None => ToApply::Now(typed.selection.into()),
            },
            confirmation: confirmation(typed.yes),
            expect: typed.expect,
            max_deletes: typed.max_deletes,
            durability: typed.durability.into(),
            to_branch: typed.to_branch,
            sarif: typed.sarif,
        }
    }
}

impl From<RollbackArguments> for Rollback {
    fn from(typed: RollbackArguments) -> Self {
        Self {
            id: typed.id,
            confirmation: confirmation(typed.yes),
            durability: typed.durability.into(),
        }
    }
}

impl From<ResolveArguments> for Resolve {
    fn from(typed: ResolveArguments) -> Self {
        let resolution = match (typed.ours, typed.theirs, typed.tool) {
            (true, ..) => Resolution::Ours,
            (false, true, _) => Resolution::Theirs,
            (false, false, Some(tool)) => {
                Resolution::Tool(Some(tool).filter(|tool| !tool.is_empty()))
            }
            (false, false, None) => Resolution::ByHand,
        };
        Self {
            address: typed.address,
            path: typed.path,
            resolution,
        }
    }
}

fn confirmation(yes: bool) -> Confirmation {
    if yes {
        Confirmation::Given
    } else {
        Confirmation::Ask
    }
}

impl From<DurabilityArguments> for Durability {
    fn from(typed: DurabilityArguments) -> Self {
        match typed.durability {
            DurabilityChoice::Full => Self::Full,
            DurabilityChoice::Kill => Self::Kill,
        }
    }
}

impl From<String> for Subject {
    /// `LOOM` and digits is a code in any case, whether or not there is such a one.
    fn from(text: String) -> Self {
        let digits = text
            .get(..4)
            .filter(|head| head.eq_ignore_ascii_case("LOOM"))
            .map(|_| &text[4..]);
        match digits {
            Some(digits)
                if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                Self::Code(text)
            }
            Some(_) | None => Self::AddressOrPath(text),
        }
    }
}
