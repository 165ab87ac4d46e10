//! What was measured, as a page in Markdown.

use super::{Case, Measured, ROUNDS};

/// How a case is called and what it is to reach.
struct Target {
    name: &'static str,
    reference: &'static str,
    /// Loom's time over the other's, at most, if there is a bound; it holds from 10 000 files on.
    ratio: Option<f64>,
}

/// The largest exponent of growth from the smallest size to the largest.
const GROWTH: f64 = 1.1;

fn target(case: Case) -> Target {
    match case {
        Case::FirstPlan => Target {
            name: "first plan",
            reference: "git add",
            ratio: Some(0.3),
        },
        Case::Apply => Target {
            name: "apply of the first plan",
            reference: "git add",
            ratio: Some(0.8),
        },
        Case::EveryFileChanged => Target {
            name: "writing every file, changed",
            reference: "rewriting in place, one syncfs",
            ratio: Some(2.5),
        },
        Case::RolledBack => Target {
            name: "rollback of that",
            reference: "rewriting in place, one syncfs",
            ratio: Some(1.2),
        },
        Case::EveryFileCommitted => Target {
            name: "apply, every file changed",
            reference: "git add, git commit",
            ratio: None,
        },
        Case::NothingToDo => Target {
            name: "plan, nothing to do",
            reference: "git status",
            ratio: Some(2.0),
        },
        Case::NothingToDoCold => Target {
            name: "plan, nothing to do, no cache",
            reference: "git status",
            ratio: Some(6.0),
        },
        Case::OnePercentChanged => Target {
            name: "plan, 1 % of the services changed",
            reference: "git status",
            ratio: Some(2.5),
        },
        Case::OnePercentEdited => Target {
            name: "drift, 1 % of the files edited",
            reference: "git status",
            ratio: Some(2.5),
        },
    }
}

/// The largest resident set that a plan with nothing to do may take, in MiB.
fn memory_target(case: Case, files: usize) -> Option<f64> {
    match (case, files) {
        (Case::NothingToDo, 10_000) => Some(60.0),
        (Case::NothingToDo, 100_000) => Some(300.0),
        _ => None,
    }
}

/// The page.
pub(super) fn report(measured: &[Measured], git: &str, place: &str) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut page = format!(
        "# Benchmarks\n\nWritten by `cargo xtask bench` on a machine with {cores} cores, with {git}, on a file system of the type {place} (`TMPDIR` says where). Wall time, medians of {ROUNDS}; \
         loom and what it is compared with in turns on the same tree.\nOne service stands for ten files.\n\n\
         | files | case | loom | compared with | ratio | at most | peak memory |\n|---:|---|---:|---:|---:|---:|---:|\n"
    );
    for row in measured {
        page.push_str(&line(row));
    }
    page.push_str(&growth(measured));
    page
}

fn line(row: &Measured) -> String {
    let target = target(row.case);
    let ratio = row.loom / row.reference;
    let memory = row.peak;
    let bound = target.ratio.filter(|_| row.files >= 10_000);
    let bound = bound
        .map(|most| format!("{most} {}", verdict(ratio <= most)))
        .unwrap_or_default();
    let memory_bound = memory_target(row.case, row.files)
        .map(|most| format!(" of {most} {}", verdict(memory <= most)))
        .unwrap_or_default();
    format!(
        "| {} | {} | {} | {} {} | {ratio:.2} | {bound} | {memory:.0} MiB{memory_bound} |\n",
        row.files,
        target.name,
        seconds(row.loom),
        target.reference,
        seconds(row.reference),
    )
}

/// The exponent of each case's growth, where there are two sizes to tell it from.
fn growth(measured: &[Measured]) -> String {
    let sizes = || measured.iter().map(|row| row.files);
    let (Some(small), Some(large)) = (sizes().min(), sizes().max()) else {
        return String::new();
    };
    if small == large {
        return String::new();
    }
    let mut table = format!(
        "\nGrowth from {small} to {large} files: time grows as the number of files to the power of\n\n\
         | case | exponent | at most |\n|---|---:|---:|\n"
    );
    for row in measured
        .iter()
        .filter(|row| row.files == large && target(row.case).ratio.is_some())
    {
        let Some(first) = measured
            .iter()
            .find(|other| other.files == small && other.case == row.case)
        else {
            continue;
        };
        let exponent = (row.loom / first.loom).ln() / (number(large) / number(small)).ln();
        let name = target(row.case).name;
        table.push_str(&format_growth(name, exponent));
    }
    table
}

fn format_growth(name: &str, exponent: f64) -> String {
    format!(
        "| {name} | {exponent:.2} | {GROWTH} {} |\n",
        verdict(exponent <= GROWTH)
    )
}

fn number(files: usize) -> f64 {
    f64::from(u32::try_from(files).unwrap_or(u32::MAX))
}

fn verdict(met: bool) -> &'static str {
    if met { "✓" } else { "✗" }
}

fn seconds(value: f64) -> String {
    if value < 1.0 {
        format!("{:.1} ms", value * 1000.0)
    } else {
        format!("{value:.2} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(case: Case, files: usize, loom: f64, reference: f64) -> Measured {
        Measured {
            case,
            files,
            loom,
            reference,
            peak: 50.0,
        }
    }

    #[test]
    fn a_row_says_ratio_target_and_whether_it_is_met() {
        let met = line(&row(Case::NothingToDo, 10_000, 0.060, 0.031));
        assert_eq!(
            met,
            "| 10000 | plan, nothing to do | 60.0 ms | git status 31.0 ms | 1.94 | 2 ✓ | 50 MiB of 60 ✓ |\n"
        );
        assert!(line(&row(Case::Apply, 10_000, 1.5, 1.0)).contains("| 1.50 | 0.8 ✗ |"));
        assert!(
            line(&row(Case::Apply, 1_000, 1.5, 1.0)).contains("| 1.50 |  |"),
            "small sizes have no target"
        );
    }

    #[test]
    fn growth_is_an_exponent_and_needs_two_sizes() {
        let (small, large) = (
            row(Case::Apply, 1_000, 0.1, 1.0),
            row(Case::Apply, 10_000, 1.0, 1.0),
        );
        assert!(growth(&[small, large]).contains("| apply of the first plan | 1.00 | 1.1 ✓ |"));
        assert!(
            growth(&[
                row(Case::Apply, 100, 0.1, 1.0),
                row(Case::Apply, 10_000, 40.0, 1.0)
            ])
            .contains("| 1.30 | 1.1 ✗ |")
        );
        assert_eq!(growth(&[row(Case::Apply, 1_000, 0.1, 1.0)]), "");
    }
}
