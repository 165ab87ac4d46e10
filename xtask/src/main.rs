//! The project's own chores, run as `cargo xtask`.
//!
//! In: the checkout. Out: a verdict, or files of the checkout that are derived from others. Each
//! chore is one module and can be run by itself; `ci` runs the ones that guard a change.
//!
//! Deliberately not here: anything that loom itself does. What the chores need of loom they get by
//! running its binary, so that they see what a user sees.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the rules on disk, processes and output guard the product, and this is a tool beside it"
)]

mod bench;
mod browser;
mod checkers;
mod ci;
mod codegen;
mod crash;
mod fixtures;
mod new_kind;
mod process;
mod tidy;
mod tree;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a chore ends with: nothing to say, or a sentence that says what is wrong.
type Outcome<T = ()> = Result<T, String>;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run every check but the tests, and stop at the first that fails
    Ci {
        /// Also check each expected tree by itself, prove the checkers, and ask for advisories
        #[arg(long)]
        full: bool,
    },
    /// Run loom over the fixtures and compare what it writes with their expected trees
    Fixtures {
        /// Make what loom writes the expected tree
        #[arg(long)]
        bless: bool,
        /// Only fixtures whose name contains one of these
        names: Vec<String>,
    },
    /// Begin a new artifact kind: provider, registration, fixture and page
    NewKind {
        /// The kind, such as `compose.override`
        kind: String,
    },
    /// Write the files that are derived from the code and its pages
    Codegen {
        /// Write nothing; fail if a file is out of date
        #[arg(long)]
        check: bool,
    },
    /// Check the house rules that no other tool knows
    Tidy,
    /// The third-party checkers of what loom writes
    #[command(subcommand)]
    Checkers(Checkers),
    /// Measure loom against Git on the same tree
    Bench {
        /// How many files; may be given several times
        #[arg(long = "n", value_name = "N", default_values_t = [1_000, 10_000])]
        sizes: Vec<usize>,
        /// Also write the report to this file
        #[arg(long, value_name = "FILE")]
        save: Option<PathBuf>,
    },
    /// Use the HTML page of a plan in a real browser, if there is one
    Browser,
    /// Kill, fail and race loom's apply, and see that nothing is ever lost or half done
    Crash {
        /// The suites; without any, all that can run here
        suites: Vec<String>,
        /// Every case, with the release build: about an hour
        #[arg(long)]
        full: bool,
        /// Only cases whose name contains this
        #[arg(long, value_name = "TEXT")]
        only: Option<String>,
    },
}

#[derive(Subcommand)]
enum Checkers {
    /// Install them into `$LOOM_CHECKERS`, or ~/.cache/loom-checkers
    Install,
    /// Run them over trees; without any, over the project and over what all fixtures expect, in one tree
    Run {
        /// Check each fixture's expected tree by itself
        #[arg(long, conflicts_with = "trees")]
        each: bool,
        /// The trees
        trees: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().chore {
        Chore::Ci { full } => ci::run(full),
        Chore::Fixtures { bless, names } => fixtures::run(bless, &names),
        Chore::NewKind { kind } => new_kind::run(&process::root(), &kind),
        Chore::Codegen { check } => codegen::run(check),
        Chore::Tidy => tidy::run(),
        Chore::Checkers(Checkers::Install) => checkers::install(),
        Chore::Checkers(Checkers::Run { each: true, .. }) => checkers::run_each(),
        Chore::Checkers(Checkers::Run { each: false, trees }) if trees.is_empty() => {
            checkers::run_all()
        }
        Chore::Checkers(Checkers::Run { each: false, trees }) => checkers::run_trees(&trees),
        Chore::Crash { suites, full, only } => crash::run(&crash::Options { suites, full, only }),
        Chore::Browser => browser::run(),
        Chore::Bench { sizes, save } => bench::run(&sizes, save.as_deref()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
