//! What the process is attached to: the two output streams, their colour and their width.
//!
//! In: the streams of the process and `--color`. Out: a [`Stream`] for each. Every report takes
//! one, so that no other module asks the environment.

mod git;
mod past;
mod policies;
mod process;
mod steps;

use std::io::IsTerminal as _;

pub(crate) use git::{Base, Branch, Commit, Commits, Entry, NotCommitted, base_of, commit_of};
pub(crate) use past::past;
pub(crate) use policies::{Policies, policy_worker};
pub(crate) use process::{
    add_to_step_summary, board, confirms, git_version, has_person, heed_signals, heed_signals_by,
    merge_tool, named_directory, panics_are_bugs, read_file, read_limited, read_stdin, start, tell,
    write_file,
};
pub(crate) use steps::Steps;

use crate::cli::ColourChoice;

/// Whether styles are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    /// As ANSI sequences.
    On,
    /// Not at all.
    Off,
}

/// Whether somebody looks at a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A person at a terminal.
    Person,
    /// A file, a pipe or a log.
    Program,
}

/// One output stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    /// Who looks at it.
    pub(crate) reader: Reader,
    /// Whether to colour.
    pub(crate) colour: Colour,
    /// Its width in columns.
    pub(crate) width: usize,
}

/// The two output streams of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Streams {
    /// Data.
    pub(crate) out: Stream,
    /// Everything else.
    pub(crate) err: Stream,
}

/// The width where there is no terminal that says one.
const WIDTH: usize = 100;

impl Streams {
    /// Asks the streams of the process.
    pub(crate) fn detect(choice: ColourChoice) -> Self {
        let (out, err) = (std::io::stdout(), std::io::stderr());
        Self {
            out: Stream {
                reader: reader(out.is_terminal()),
                colour: colour(choice, anstream::AutoStream::choice(&out)),
                width: rustix::termios::tcgetwinsize(&out).map_or(WIDTH, |size| width(size.ws_col)),
            },
            err: Stream {
                reader: reader(err.is_terminal()),
                colour: colour(choice, anstream::AutoStream::choice(&err)),
                width: rustix::termios::tcgetwinsize(&err).map_or(WIDTH, |size| width(size.ws_col)),
            },
        }
    }
}

fn reader(is_terminal: bool) -> Reader {
    if is_terminal {
        Reader::Person
    } else {
        Reader::Program
    }
}

/// Some terminals say that they have no width; below 40 columns nothing can be laid out.
fn width(columns: u16) -> usize {
    match usize::from(columns) {
        0 => WIDTH,
        columns => columns.max(40),
    }
}

/// `auto` is what anstream finds: a terminal, `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `TERM`.
fn colour(choice: ColourChoice, found: anstream::ColorChoice) -> Colour {
    match (choice, found) {
        (ColourChoice::Always, _) => Colour::On,
        (ColourChoice::Never, _) | (ColourChoice::Auto, anstream::ColorChoice::Never) => {
            Colour::Off
        }
        (ColourChoice::Auto, _) => Colour::On,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_goes_before_what_is_found() {
        use anstream::ColorChoice::{AlwaysAnsi, Never};
        assert_eq!(colour(ColourChoice::Always, Never), Colour::On);
        assert_eq!(colour(ColourChoice::Never, AlwaysAnsi), Colour::Off);
        assert_eq!(colour(ColourChoice::Auto, Never), Colour::Off);
        assert_eq!(colour(ColourChoice::Auto, AlwaysAnsi), Colour::On);
    }

    #[test]
    fn a_terminal_without_a_width_has_the_usual_one() {
        assert_eq!((width(0), width(3), width(220)), (WIDTH, 40, 220));
    }
}
