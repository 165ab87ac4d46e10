//! What `loom doctor` says, and what it leaves alone.

use super::formats::valid;
use super::sandbox::{Ran, Sandbox};
use super::small;

/// How a run of doctor judges one thing.
#[track_caller]
fn standing<'a>(ran: &'a Ran, check: &str) -> &'a str {
    ran.line(&format!("  {check}  "))
        .split_whitespace()
        .next()
        .expect("a line has words")
}

#[test]
fn where_nothing_is_wrong_nothing_is_missing_and_nothing_changes() {
    let sandbox = small::applied();
    let status = || sandbox.git(&["status", "--porcelain"]);
    let (before, was) = (sandbox.tree(), status());
    let ran = sandbox.loom(&["doctor"]).comes_to(0);
    for check in [
        "git directory",
        "git program",
        "git attributes",
        "interrupted runs",
        "lock",
        "history",
        "kept files",
        "ledger",
    ] {
        assert_eq!(standing(&ran, check), "ok", "{ran}");
    }
    assert_eq!((sandbox.tree(), status()), (before, was));
    let names = std::fs::read_dir(sandbox.root().join(".git/loom")).expect("it is there");
    let names: Vec<_> = names
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert!(
        names
            .iter()
            .all(|name| !name.to_string_lossy().starts_with("doctor")),
        "{names:?}"
    );
}

#[test]
fn the_findings_are_described_by_their_schema_and_say_what_the_text_says() {
    let sandbox = small::applied();
    let document = valid(
        &sandbox.loom(&["doctor", "--format", "json"]).comes_to(0),
        "doctor-output",
    );
    let findings = document["findings"].as_array().expect("a list");
    let text = sandbox.loom(&["doctor"]).comes_to(0);
    for finding in findings {
        text.line(finding["found"].as_str().expect("text"));
        assert_eq!(
            finding["standing"] == "ok",
            finding["advice"].is_null(),
            "{finding}"
        );
    }
    let checks: Vec<&str> = findings
        .iter()
        .filter_map(|finding| finding["check"].as_str())
        .collect();
    for check in [
        "kernel",
        "file_system",
        "private_place",
        "exchange",
        "syncfs",
        "index_lock",
        "interrupted_runs",
    ] {
        assert!(checks.contains(&check), "{checks:?}");
    }
}

#[test]
fn what_only_weakens_is_no_failure() {
    let sandbox = small::applied();
    sandbox.write(".git/index.lock", "");
    let ran = sandbox
        .loom(&["doctor"])
        .comes_to(0)
        .says("Wait for that command")
        .says("loom works, and promises less there");
    assert_eq!(standing(&ran, "index.lock"), "weaker");
    sandbox.write(".git/loom/kept/1-port", "mine\n");
    let ran = sandbox.loom(&["doctor"]).comes_to(0).says("1-port");
    assert_eq!(standing(&ran, "kept files"), "weaker");
}

#[test]
fn without_git_it_is_said() {
    let sandbox = Sandbox::without_git();
    sandbox.write("loom.yaml", small::PROJECT);
    let before = sandbox.tree();
    let ran = sandbox
        .loom(&["doctor"])
        .comes_to(0)
        .says("This is no Git repository");
    assert_eq!(standing(&ran, "git directory"), "weaker");
    assert_eq!(sandbox.tree(), before, "no private place is made");
    let nowhere = sandbox.outside("no-programs");
    std::fs::create_dir(&nowhere).expect("it can be made");
    let mut command = sandbox.command(&["doctor"]);
    let output = command.env("PATH", nowhere).output().expect("it runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("There is no program `git`"));
}

#[test]
fn what_stops_every_plan_is_missing() {
    let sandbox = small::applied();
    sandbox.write(".gitattributes", "etc/** eol=crlf\n");
    let ran = sandbox
        .loom(&["doctor"])
        .comes_to(1)
        .says("etc/port (eol=crlf, .gitattributes:1)")
        .says("1 missing");
    assert_eq!(standing(&ran, "git attributes"), "missing");
    sandbox.remove(".gitattributes");
    sandbox.edit(".loom/ledger/S-1.jsonl", "\"format\":2", "\"format\":99");
    let ran = sandbox
        .loom(&["doctor"])
        .comes_to(1)
        .says("use a newer loom");
    assert_eq!(standing(&ran, "ledger"), "missing");
    sandbox.write_bytes(".loom/ledger/S-1.jsonl", b"\xff\n");
    sandbox
        .loom(&["doctor"])
        .comes_to(1)
        .says("git checkout HEAD -- .loom/ledger");
}

#[test]
fn a_file_system_in_memory_is_not_power_safe() {
    let Ok(directory) = tempfile::tempdir_in("/dev/shm") else {
        eprintln!("SKIPPED: there is no /dev/shm");
        return;
    };
    std::fs::write(directory.path().join("loom.yaml"), small::PROJECT).expect("it can be written");
    let place = directory.path().display().to_string();
    let ran = small::fresh().loom(&["-C", &place, "doctor"]).comes_to(0);
    if ran.line("file system").contains("tmpfs") {
        assert!(
            standing(&ran, "file system") == "weaker"
                && ran.line("file system").contains("not power-safe"),
            "{ran}"
        );
    }
}
