//! What the ledger lacks, as text: one line for each output that is not recorded.

use std::io::{self, Write};

use loom_plan::addr::RepoPath;
use loom_plan::plan::advice::{Apply, Command};
use loom_plan::plan::repair::{Finding, Repair, State};
use unicode_width::UnicodeWidthStr as _;

use super::style::visible;
use crate::cli::Talk;

/// How many equal files are named where nobody asks for all: they are as they should be.
const FEW: usize = 20;

/// Writes what would be recorded, what would not, and the probable orphans.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write(
    repair: &Repair,
    orphans: &[RepoPath],
    talk: Talk,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (equal, others): (Vec<&Finding>, Vec<&Finding>) = repair
        .findings
        .iter()
        .partition(|finding| finding.state == State::Equal);
    let shown = if talk == Talk::Verbose {
        equal.len()
    } else {
        equal.len().min(FEW)
    };
    let rows: Vec<&Finding> = equal[..shown].iter().chain(&others).copied().collect();
    let widest = rows
        .iter()
        .map(|finding| finding.path.as_str().width())
        .max()
        .unwrap_or(0);
    let addresses = rows
        .iter()
        .map(|finding| finding.address.to_string().width())
        .max()
        .unwrap_or(0);
    let line = |finding: &Finding, out: &mut dyn Write| {
        let path = visible(finding.path.as_str());
        let gap = " ".repeat(widest.saturating_sub(finding.path.as_str().width()));
        let (address, (mark, said)) = (finding.address.to_string(), state(finding));
        writeln!(
            out,
            "{mark} {path}{gap}  {address:addresses$}  {}",
            visible(&said)
        )
    };
    rows[..shown]
        .iter()
        .try_for_each(|finding| line(finding, out))?;
    if equal.len() > shown {
        writeln!(
            out,
            "= and {} more that are as declared: recorded",
            equal.len() - shown
        )?;
    }
    rows[shown..]
        .iter()
        .try_for_each(|finding| line(finding, out))?;
    for orphan in orphans {
        let path = visible(orphan.as_str());
        writeln!(
            out,
            "? {path}  carries loom's header and nothing declares it: probably an orphan, and left alone"
        )?;
    }
    if repair.findings.is_empty() && orphans.is_empty() {
        return writeln!(out, "Nothing to record: the ledger knows every output.");
    }
    let count = |state: State, word: &str| {
        Some(repair.count(state))
            .filter(|count| *count > 0)
            .map(|count| format!("{count} {word}"))
    };
    let mut said: Vec<String> = vec![format!("{} to record", repair.count(State::Equal))];
    said.extend(count(State::Differs, "left to you"));
    said.extend(count(State::Missing, "missing"));
    said.extend(count(State::Foreign, "in the way"));
    said.extend(match orphans.len() {
        0 => None,
        1 => Some("1 probable orphan".to_owned()),
        count => Some(format!("{count} probable orphans")),
    });
    writeln!(
        out,
        "\nRepair: {}. Only the ledger is written.",
        said.join(", ")
    )
}

/// The mark of a state, and what becomes of the output.
fn state(finding: &Finding) -> (char, String) {
    let offer = |how: Apply, does: &str| {
        let command = Command::apply(how, &finding.address, &[&finding.path]);
        format!("`{command}` {does}")
    };
    match finding.state {
        State::Equal => ('=', "is as declared: recorded".to_owned()),
        State::Differs => (
            '!',
            format!(
                "differs, and may hold an edit: not recorded; {}",
                offer(Apply::Adopting, "takes it over as it is")
            ),
        ),
        State::Missing => (
            '+',
            format!("is not there: {}", offer(Apply::Plainly, "writes it")),
        ),
        State::Foreign => ('!', "is no file that can be read: not recorded".to_owned()),
    }
}
