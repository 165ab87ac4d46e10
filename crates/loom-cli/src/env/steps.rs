//! The steps of a run: named to a person who waits, and timed for `--timings`.
//!
//! In: the name of each step as it begins. Out, on standard error: at a terminal, and only after a
//! second, what is being done; at the end, where asked for, how long each step took.

use std::cell::RefCell;
use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Reader, Stream};
use crate::cli::Timings;

/// What a person waits before they wonder.
const PATIENCE: Duration = Duration::from_secs(1);

/// The steps of a run. Dropping it clears the line and writes the timings.
#[derive(Debug)]
pub(crate) struct Steps {
    bar: ProgressBar,
    timings: Timings,
    taken: RefCell<Vec<(&'static str, Instant)>>,
}

impl Steps {
    /// Begins a run.
    pub(crate) fn begin(stream: Stream, timings: Timings) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} … {elapsed}") {
            bar.set_style(style);
        }
        if stream.reader == Reader::Person {
            let waiting = bar.clone();
            // ends with the process where the run is shorter than the wait
            thread::spawn(move || {
                thread::sleep(PATIENCE);
                if !waiting.is_finished() {
                    waiting.set_draw_target(ProgressDrawTarget::stderr());
                    waiting.enable_steady_tick(Duration::from_millis(120));
                }
            });
        }
        Self {
            bar,
            timings,
            taken: RefCell::default(),
        }
    }

    /// The next step begins: `rendering`, `looking at the files`.
    pub(crate) fn next(&self, name: &'static str) {
        self.bar.set_message(name);
        self.taken.borrow_mut().push((name, Instant::now()));
    }

    /// Clears the line, before anything else is written to the terminal.
    pub(crate) fn pause(&self) {
        self.bar.finish_and_clear();
    }

    /// What each step took, in order.
    fn report(&self, end: Instant) -> String {
        let taken = self.taken.borrow();
        let ends = taken.iter().skip(1).map(|(_, begun)| *begun).chain([end]);
        let lines = taken.iter().zip(ends).map(|((name, begun), end)| {
            let milliseconds = end.duration_since(*begun).as_secs_f64() * 1000.0;
            format!("{milliseconds:>10.1} ms  {name}\n")
        });
        lines.collect::<Vec<_>>().concat()
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        if self.timings == Timings::Show {
            // where standard error is gone there is nobody left to tell
            drop(write!(std::io::stderr(), "{}", self.report(Instant::now())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Colour;

    #[test]
    fn every_step_is_timed_until_the_next_begins() {
        let steps = Steps::begin(
            Stream {
                reader: Reader::Program,
                colour: Colour::Off,
                width: 80,
            },
            Timings::Hide,
        );
        let begun = Instant::now();
        steps.taken.borrow_mut().extend([
            ("reading", begun),
            ("writing", begun + Duration::from_millis(20)),
        ]);
        let report = steps.report(begun + Duration::from_millis(25));
        assert_eq!(report, "      20.0 ms  reading\n       5.0 ms  writing\n");
    }
}
