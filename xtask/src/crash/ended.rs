//! How a run of loom ended.

use std::fmt;
use std::process::Output;

/// How a run ended, and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The exit code; `None` where it was killed.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// The end of the process itself and of its machine: nobody was told anything.
    pub(crate) fn killed() -> Self {
        Self {
            code: None,
            out: String::new(),
            err: String::new(),
        }
    }

    /// The code as a word of a report.
    pub(crate) fn word(&self) -> String {
        self.code
            .map_or_else(|| "killed".to_owned(), |code| format!("exit {code}"))
    }
}

impl fmt::Display for Ended {
    /// One line: the code and the last that was said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.word())?;
        let said = self.err.trim_end().lines().collect::<Vec<_>>();
        let first = said
            .iter()
            .find(|line| line.starts_with("error"))
            .or(said.last());
        first.map_or(Ok(()), |line| write!(f, " ({line})"))
    }
}
