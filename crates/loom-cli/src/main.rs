//! `loom`: plans and applies the files of a repository.
//!
//! In: the command line. Out: an exit code. Everything that a command needs from the process is
//! put together here, once.

mod cli;
mod commands;
mod env;
mod exit;
mod report;

use std::io::{self, Write};
use std::path::Path;

use loom_apply::{Root, RootError};

use cli::{
    CheckFormat, Command, DriftFormat, Global, GraphFormat, Invocation, Plan, PlanFormat,
    ReportFormat, Subject, ToCheck,
};
use commands::{Desk, Failure};
use env::Streams;
use exit::Exit;
use report::refusal::{Form, Of};

fn main() -> Exit {
    if let Some(exit) = env::policy_worker() {
        return exit;
    }
    let invocation = match cli::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(error) => return cli::refuse(&error),
    };
    let streams = Streams::detect(invocation.global.colour);
    env::panics_are_bugs();
    if let Some(jobs) = invocation.global.jobs {
        // fails only where a pool exists already, and none does yet
        // this thread is one of them, so that one job is one thread
        drop(
            rayon::ThreadPoolBuilder::new()
                .num_threads(jobs.get())
                .use_current_thread()
                .build_global(),
        );
    }
    let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout());
    let result = run(&invocation, streams, &mut out);
    let flushed = out.flush().map_err(Failure::Output);
    match result.and_then(|exit| flushed.map(|()| exit)) {
        Ok(exit) => exit,
        // whoever reads the output has gone, as `head` does
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(failure) => {
            if let Some(form) = form_of(&invocation.command) {
                let prefix = prefix(&invocation);
                // where standard output is gone there is nobody left to tell
                drop(
                    report::refusal::write(&failure, form, &prefix, &mut out)
                        .and_then(|()| out.flush()),
                );
            }
            // the JSON of errors is all of it; every other report is told to people as well
            if !matches!(
                (&failure, form_of(&invocation.command)),
                (Failure::Input(_), Some(Form::Json))
            ) {
                report::diagnostics::failure(&failure, streams.err);
            }
            failure.exit()
        }
    }
}

fn run(invocation: &Invocation, streams: Streams, out: &mut dyn Write) -> Result<Exit, Failure> {
    let global = &invocation.global;
    match &invocation.command {
        Command::Init => commands::init::run(global, streams, out),
        Command::Show { file, style } => {
            commands::show::run(file, *style, global.talk, streams, out)
        }
        Command::Explain(Subject::Code(code)) => commands::explain::code(code, out),
        Command::Providers { kind } => {
            commands::providers::run(kind.as_deref(), commands::pass::REGISTRY, out)
        }
        Command::Schema(of) => commands::schema::run(*of, commands::pass::REGISTRY, out),
        Command::Completions(shell) => commands::completions::run(*shell, out),
        Command::Man { command } => commands::man::run(command.as_deref(), out),
        Command::Check(asked) if asked.what == ToCheck::Rules => commands::check::rules(out),
        Command::Check(_)
        | Command::Validate { .. }
        | Command::Plan(_)
        | Command::Apply(_)
        | Command::Recover
        | Command::History { .. }
        | Command::Rollback(_)
        | Command::Resolve(_)
        | Command::Absorb(_)
        | Command::Repair { .. }
        | Command::Doctor { .. }
        | Command::Drift { .. }
        | Command::Graph(_)
        | Command::Handoff(_)
        | Command::Explain(Subject::AddressOrPath(_))
        | Command::Adopt(_)
        | Command::Forget { .. }
        | Command::Move { .. }
        | Command::StoryPull { .. } => in_repository(&invocation.command, global, streams, out),
    }
}

/// The commands that are about one repository.
fn in_repository(
    command: &Command,
    global: &Global,
    streams: Streams,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let root = find(command, &env::start(global.directory.as_deref())?)?;
    let desk = Desk::new(global, root, streams);
    if only_reads(command) {
        commands::must_be_settled(&desk)?;
    }
    match command {
        Command::Validate { format } => commands::validate::run(&desk, *format, out),
        Command::Plan(asked) => commands::plan::run(&desk, asked, out),
        Command::Apply(asked) => commands::apply::run(&desk, asked, out),
        Command::Recover => commands::recover::run(&desk, out),
        Command::History { id, format } => commands::history::run(&desk, *id, *format, out),
        Command::Rollback(asked) => commands::rollback::run(&desk, asked, out),
        Command::Absorb(asked) => commands::absorb::run(&desk, asked, out),
        Command::Resolve(asked) => commands::resolve::run(&desk, asked, out),
        Command::Repair {
            confirmation,
            durability,
        } => commands::repair::run(&desk, *confirmation, *durability, out),
        Command::Doctor { format } => commands::doctor::run(&desk, *format, out),
        Command::Drift { selection, format } => {
            commands::drift::run(&desk, selection, *format, out)
        }
        Command::Check(asked) => commands::check::run(&desk, asked, out),
        Command::Graph(asked) => commands::graph::run(&desk, asked, out),
        Command::Handoff(asked) => commands::handoff::run(&desk, asked, out),
        Command::Explain(Subject::AddressOrPath(subject)) => {
            commands::explain::run(&desk, subject, out)
        }
        Command::Adopt(asked) => commands::adopt::run(&desk, asked, out),
        Command::Forget { address } => commands::refactoring::forget(&desk, address, out),
        Command::Move { from, to } => commands::refactoring::move_address(&desk, from, to, out),
        Command::StoryPull { code } => commands::story::pull(code, &desk.root, out),
        Command::Init
        | Command::Show { .. }
        | Command::Explain(Subject::Code(_))
        | Command::Providers { .. }
        | Command::Schema(_)
        | Command::Completions(_)
        | Command::Man { .. } => Ok(Exit::Done),
    }
}

/// The repository. The commands about earlier runs also find one whose loom.yaml such a run took
/// away, or did not come to write.
fn find(command: &Command, start: &Path) -> Result<Root, RootError> {
    let is_about_the_past = matches!(
        command,
        Command::Recover | Command::History { .. } | Command::Rollback(_) | Command::Doctor { .. }
    );
    // files can be checked where there is no project yet
    if matches!(command, Command::Check(asked) if !asked.paths.is_empty()) {
        return Root::find(start).or_else(|_| Root::open(start));
    }
    Root::find(start).or_else(|error| match Root::open(start) {
        Ok(root) if is_about_the_past && root.has_past() => Ok(root),
        Ok(_) | Err(_) => Err(error),
    })
}

/// Whether a command reads the repository's files and writes none.
fn only_reads(command: &Command) -> bool {
    matches!(
        command,
        Command::Validate { .. }
            | Command::Plan(_)
            | Command::Drift { .. }
            | Command::Check(_)
            | Command::Graph(_)
            | Command::Handoff(_)
            | Command::Explain(_)
            | Command::History { .. }
    )
}

/// Leads from the top of the Git repository to the directory of loom.yaml, where there is one.
fn prefix(invocation: &Invocation) -> String {
    env::start(invocation.global.directory.as_deref())
        .ok()
        .and_then(|start| find(&invocation.command, &start).ok())
        .map_or_else(String::new, |root| root.below_top())
}

/// The report that a command was asked for, where others than people read it.
fn form_of(command: &Command) -> Option<Form> {
    let json = |format: ReportFormat| match format {
        ReportFormat::Json => Some(Form::Json),
        ReportFormat::Text => None,
    };
    match command {
        Command::Plan(Plan { style, .. }) | Command::Show { style, .. } => match style.format {
            PlanFormat::Text => None,
            PlanFormat::Json => Some(Form::Json),
            PlanFormat::Markdown => Some(Form::Markdown(Of::Plan, style.budget)),
            PlanFormat::Html => Some(Form::Html),
            PlanFormat::Github => Some(Form::Github(Of::Plan)),
            PlanFormat::Sarif => Some(Form::Sarif(Of::Plan)),
        },
        Command::Validate { format }
        | Command::History { format, .. }
        | Command::Doctor { format } => json(*format),
        Command::Drift { format, .. } => match format {
            DriftFormat::Text => None,
            DriftFormat::Json => Some(Form::Json),
            DriftFormat::Markdown => Some(Form::Markdown(Of::Drift, report::markdown::BUDGET)),
            DriftFormat::Junit => Some(Form::Junit(Of::Drift)),
        },
        Command::Check(check) => match check.format {
            CheckFormat::Text => None,
            CheckFormat::Json => Some(Form::Json),
            CheckFormat::Github => Some(Form::Github(Of::Check)),
            CheckFormat::Sarif => Some(Form::Sarif(Of::Check)),
            CheckFormat::Junit => Some(Form::Junit(Of::Check)),
        },
        Command::Graph(graph) => match graph.format {
            GraphFormat::Json => Some(Form::Json),
            GraphFormat::Dot | GraphFormat::Mermaid | GraphFormat::Svg => None,
        },
        Command::Init
        | Command::Apply(_)
        | Command::Recover
        | Command::Rollback(_)
        | Command::Resolve(_)
        | Command::Absorb(_)
        | Command::Repair { .. }
        | Command::Handoff(_)
        | Command::Explain(_)
        | Command::Providers { .. }
        | Command::Schema(_)
        | Command::Completions(_)
        | Command::Adopt(_)
        | Command::Forget { .. }
        | Command::Move { .. }
        | Command::Man { .. }
        | Command::StoryPull { .. } => None,
    }
}
