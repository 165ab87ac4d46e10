//! What a suite found, counted and as text.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::crash::ended::Ended;
use crate::crash::oracle::{Tree, Verdict};

/// How many violations are printed; all are written to a file.
const SHOWN: usize = 20;

/// What came of one case.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    /// Whether what was to be injected was.
    pub(crate) fired: bool,
    /// How the disturbed run ended.
    pub(crate) ended: Ended,
    /// What the oracle says.
    pub(crate) verdict: Verdict,
}

/// What came of all cases of a suite.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    runs: usize,
    /// The cases in which nothing was injected: they prove nothing.
    idle: Vec<String>,
    ends: BTreeMap<String, usize>,
    between: BTreeMap<Tree, usize>,
    /// Mixed trees by what `loom recover` made of them.
    recovered: BTreeMap<Tree, usize>,
    violations: Vec<String>,
    notes: Vec<String>,
    /// The parts that could not run here.
    skipped: Vec<String>,
    pub(crate) took: Duration,
}

impl Report {
    /// Counts a case. `repeat` is the command that repeats it.
    pub(crate) fn add(&mut self, name: &str, repeat: &str, ran: &Ran) {
        self.runs += 1;
        if !ran.fired {
            self.idle.push(name.to_owned());
        }
        *self.ends.entry(ran.ended.word()).or_default() += 1;
        *self.between.entry(ran.verdict.between).or_default() += 1;
        if ran.verdict.between == Tree::Mixed {
            *self.recovered.entry(ran.verdict.after).or_default() += 1;
        }
        if !ran.verdict.violations.is_empty() {
            let sentences = ran.verdict.violations.join("\n      ");
            self.violations.push(format!(
                "{name}\n      {sentences}\n      to repeat: {repeat}"
            ));
        }
    }

    /// Takes the other's counts in.
    pub(crate) fn join(&mut self, other: Self) {
        let Self {
            runs,
            idle,
            ends,
            between,
            recovered,
            violations,
            notes,
            skipped,
            took,
        } = other;
        self.runs += runs;
        self.idle.extend(idle);
        self.violations.extend(violations);
        self.notes.extend(notes);
        self.skipped.extend(skipped);
        self.took += took;
        for (end, count) in ends {
            *self.ends.entry(end).or_default() += count;
        }
        for (tree, count) in between {
            *self.between.entry(tree).or_default() += count;
        }
        for (tree, count) in recovered {
            *self.recovered.entry(tree).or_default() += count;
        }
    }

    /// Counts tests that passed and have no tree of their own to look at.
    pub(crate) fn tests(&mut self, passed: usize) {
        self.runs += passed;
        *self.ends.entry("passed".to_owned()).or_default() += passed;
    }

    /// Something to say that is no violation.
    pub(crate) fn note(&mut self, sentence: impl Into<String>) {
        self.notes.push(sentence.into());
    }

    /// A part that cannot run here, and why.
    pub(crate) fn skip(&mut self, part: &str, reason: &str) {
        self.note(format!("SKIPPED {part}: {reason}"));
        self.skipped.push(part.to_owned());
    }

    pub(crate) fn skipped(&self) -> Vec<String> {
        self.skipped.clone()
    }

    /// A promise that does not hold, without a case.
    pub(crate) fn violation(&mut self, sentence: impl Into<String>) {
        self.violations.push(sentence.into());
    }

    pub(crate) fn runs(&self) -> usize {
        self.runs
    }

    pub(crate) fn violations(&self) -> usize {
        self.violations.len()
    }

    /// Whether the suite proves what it is for: something ran, all of it was disturbed, nothing was found.
    pub(crate) fn is_clean(&self) -> bool {
        self.violations.is_empty() && self.idle.is_empty() && self.runs > 0
    }
}

impl fmt::Display for Report {
    /// `{}` shows the first few violations, `{:#}` all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |counts: Vec<(&str, usize)>| {
            counts
                .iter()
                .map(|(word, count)| format!("{count} {word}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let trees = |counts: &BTreeMap<Tree, usize>| {
            list(
                counts
                    .iter()
                    .map(|(tree, count)| (tree.word(), *count))
                    .collect(),
            )
        };
        let fired = self.runs - self.idle.len();
        write!(
            f,
            "{} runs, {fired} injected, {:.1} s",
            self.runs,
            self.took.as_secs_f64()
        )?;
        write!(
            f,
            "\n    ended: {}",
            list(
                self.ends
                    .iter()
                    .map(|(end, count)| (end.as_str(), *count))
                    .collect()
            )
        )?;
        if !self.between.is_empty() {
            write!(f, "\n    trees in between: {}", trees(&self.between))?;
        }
        if !self.recovered.is_empty() {
            write!(
                f,
                "; the mixed ones recovered to: {}",
                trees(&self.recovered)
            )?;
        }
        for note in &self.notes {
            write!(f, "\n    {note}")?;
        }
        let shown = if f.alternate() { usize::MAX } else { SHOWN };
        for (what, sentences) in [
            ("nothing was injected in", &self.idle),
            ("VIOLATION in", &self.violations),
        ] {
            for sentence in sentences.iter().take(shown) {
                write!(f, "\n    {what} {sentence}")?;
            }
            if sentences.len() > shown {
                write!(f, "\n    … and {} more", sentences.len() - shown)?;
            }
        }
        write!(f, "\n    {} violations", self.violations.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(fired: bool, violations: &[&str]) -> Ran {
        let violations = violations
            .iter()
            .map(|sentence| (*sentence).to_owned())
            .collect();
        Ran {
            fired,
            ended: Ended::killed(),
            verdict: Verdict {
                between: Tree::Mixed,
                after: Tree::Old,
                violations,
            },
        }
    }

    #[test]
    fn a_report_is_clean_only_if_something_ran_and_all_of_it_was_injected_and_held() {
        let mut report = Report::default();
        assert!(!report.is_clean());
        report.add("one", "", &ran(true, &[]));
        assert!(report.is_clean());
        let mut idle = report.clone();
        idle.add("two", "", &ran(false, &[]));
        assert!(!idle.is_clean() && idle.to_string().contains("nothing was injected in two"));
        report.add("three", "again", &ran(true, &["it is lost"]));
        let text = report.to_string();
        assert!(
            !report.is_clean()
                && text.contains("VIOLATION in three")
                && text.contains("to repeat: again"),
            "{text}"
        );
        assert!(
            text.contains("2 mixed; the mixed ones recovered to: 2 old"),
            "{text}"
        );
    }
}
