//! Changing every file so that a power loss loses none: loom against the least that programs do.
//!
//! The floor is to rewrite the same files in place, as `fs::write` does, and to wait once for their
//! file system: not atomic, and nothing to go back to. In each round all templates change, the floor
//! rewrites every file with what it holds, loom applies, Git takes the same change in, and loom rolls
//! it back. Of the apply its step `writing` stands against the floor, which plans nothing; the whole
//! of it stands against Git.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::measure::{Seconds, median};
use super::work::Work;
use super::{Bench, Case, Measured, ROUNDS};
use crate::Outcome;
use crate::process::{capture, git, output};
use crate::tree::{self, at};

/// The three rows about the durable change of every file. The tree is left as it was found.
pub(super) fn measure(
    bench: &Bench,
    work: &Work,
    files: usize,
    tree: &Path,
) -> Outcome<Vec<Measured>> {
    let (mut floor, mut writes, mut applies) = (Vec::new(), Vec::new(), Vec::new());
    let (mut commits, mut rollbacks) = (Vec::new(), Vec::new());
    change_all(work, tree, 0)?;
    let apply_peak = bench.memory(Case::EveryFileChanged, tree)?;
    let rollback_peak = bench.memory(Case::RolledBack, tree)?;
    for round in 1..=ROUNDS {
        change_all(work, tree, round)?;
        settle(tree)?;
        floor.push(rewrite(work, tree)?);
        rest(bench, tree)?;
        let (whole, writing) = apply(bench, tree)?;
        applies.push(whole);
        writes.push(writing);
        settle(tree)?;
        commits.push(commit(tree)?);
        rest(bench, tree)?;
        rollbacks.push(bench.time_loom(Case::RolledBack, tree)?);
    }
    tree::write(&work.input(), tree)?;
    commit(tree)?;
    let (floor, writes, rollbacks) = (median(floor), median(writes), median(rollbacks));
    let row = |case, loom, reference, peak| Measured {
        case,
        files,
        loom,
        reference,
        peak,
    };
    Ok(vec![
        row(Case::EveryFileChanged, writes, floor, apply_peak),
        row(Case::RolledBack, rollbacks, floor, rollback_peak),
        row(
            Case::EveryFileCommitted,
            median(applies),
            median(commits),
            apply_peak,
        ),
    ])
}

/// How long an apply takes as a whole, and its step `writing`.
fn apply(bench: &Bench, tree: &Path) -> Outcome<(Seconds, Seconds)> {
    let mut command = bench.loom(Case::EveryFileChanged, tree);
    let begin = Instant::now();
    let ended = capture(command.arg("--timings"))?;
    let whole = begin.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&ended.stderr);
    match said.lines().find_map(|line| {
        line.trim()
            .strip_suffix(" ms  writing")?
            .trim()
            .parse::<f64>()
            .ok()
    }) {
        Some(milliseconds) if ended.status.success() => Ok((whole, milliseconds / 1000.0)),
        _ => Err(format!(
            "`loom apply --timings` ended with {} and does not say how long it wrote: {said}",
            ended.status
        )),
    }
}

/// Gives every template another last line.
fn change_all(work: &Work, tree: &Path, round: usize) -> Outcome {
    let mut input = work.input();
    for (_, file) in input
        .iter_mut()
        .filter(|(path, _)| path.starts_with("templates/"))
    {
        file.bytes.extend(format!("# round {round}\n").bytes());
    }
    tree::write(&input, tree)
}

/// Lets the clock go on as well: loom looks twice at files that were written in the last two seconds.
fn rest(bench: &Bench, tree: &Path) -> Outcome {
    std::thread::sleep(bench.settle * 3);
    settle(tree)
}

/// Waits until nothing of earlier steps is left to be written.
fn settle(tree: &Path) -> Outcome {
    output(Command::new("sync").arg("--file-system").arg(tree)).map(drop)
}

/// Rewrites every file in place with what it holds, and waits once.
fn rewrite(work: &Work, tree: &Path) -> Outcome<Seconds> {
    let read = |path: String| {
        let path = tree.join(path);
        fs::read(&path)
            .map_err(at(&path))
            .map(|bytes| (path, bytes))
    };
    let contents = work.files().map(read).collect::<Outcome<Vec<_>>>()?;
    let begin = Instant::now();
    for (path, bytes) in &contents {
        fs::write(path, bytes).map_err(at(path))?;
    }
    settle(tree)?;
    Ok(begin.elapsed().as_secs_f64())
}

fn commit(tree: &Path) -> Outcome<Seconds> {
    let begin = Instant::now();
    output(&mut git(tree, &["add", "--all"]))?;
    output(&mut git(
        tree,
        &["commit", "--quiet", "--allow-empty", "--message=Changed"],
    ))?;
    Ok(begin.elapsed().as_secs_f64())
}
