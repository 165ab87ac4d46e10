//! `loom story pull`: from the board into the repository.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::sandbox::{Ran, Sandbox, fixtures};
use super::small;

/// A repository, and a board beside it that runs this script.
fn with_board(script: &str) -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::project("entity-api");
    sandbox.remove("stories/ENT-001.json");
    let programs = sandbox.outside("programs");
    fs::create_dir(&programs).expect("it can be made");
    fs::write(programs.join("board"), format!("#!/bin/sh\n{script}\n")).expect("it can be written");
    fs::set_permissions(programs.join("board"), fs::Permissions::from_mode(0o755))
        .expect("it can be made a program");
    (sandbox, programs)
}

fn export() -> String {
    fixtures()
        .join("projects/entity-api/stories/ENT-001.json")
        .display()
        .to_string()
}

fn pull((sandbox, programs): &(Sandbox, PathBuf), code: &str) -> Ran {
    sandbox.loom_with_programs(programs, &["story", "pull", code])
}

#[test]
fn what_the_board_prints_becomes_a_story_of_the_repository() {
    let place = with_board(&format!(
        "test \"$*\" = 'story show ENT-001 --json' && cat '{}'",
        export()
    ));
    pull(&place, "ENT-001")
        .comes_to(0)
        .says("Wrote stories/ENT-001.json")
        .says("loom plan --story ENT-001");
    assert_eq!(
        place.0.read("stories/ENT-001.json"),
        fs::read_to_string(export()).expect("it is there")
    );
    pull(&place, "ENT-001").comes_to(0).says("up to date");
    place.0.loom(&["plan", "--story", "ENT-001"]).comes_to(0);
}

#[test]
fn a_story_that_changed_on_the_board_is_brought_up_to_date() {
    let place = with_board(&format!("sed '0,/in_progress/s//review/' '{}'", export()));
    place.0.write(
        "stories/ENT-001.json",
        &fs::read_to_string(export()).expect("it is there"),
    );
    pull(&place, "ENT-001").comes_to(0).says("Wrote");
    assert!(
        place
            .0
            .read("stories/ENT-001.json")
            .contains("\"status\": \"review\"")
    );
}

#[test]
fn a_handoff_that_the_board_does_not_have_is_not_lost_without_a_word() {
    let place = with_board(&format!("cat '{}'", export()));
    pull(&place, "ENT-001").comes_to(0);
    place.0.apply();
    place.0.loom(&["handoff", "ENT-001", "--write"]).comes_to(0);
    let written = place.0.read("stories/ENT-001.json");
    pull(&place, "ENT-001")
        .comes_to(0)
        .says("bring it back with: loom handoff ENT-001 --write");
    place.0.loom(&["handoff", "ENT-001", "--write"]).comes_to(0);
    assert_eq!(place.0.read("stories/ENT-001.json"), written);
}

#[test]
fn json_inside_a_json_string_is_read_too() {
    let export = fs::read_to_string(export()).expect("it is there");
    let place = with_board("cat \"$(dirname \"$0\")/answer\"");
    fs::write(
        place.1.join("answer"),
        serde_json::to_string(&export).expect("it is text"),
    )
    .expect("it can be written");
    pull(&place, "ENT-001").comes_to(0);
    place.0.apply();
    place.0.is_settled();
}

#[test]
fn a_board_that_fails_or_prints_something_else_changes_nothing() {
    for (script, says) in [
        ("echo 'no such story' >&2; exit 3", "no such story"),
        ("echo 'Welcome to the board!'", ""),
        ("echo '{}'", ""),
        ("true", ""),
        ("printf '\\377'", "UTF-8"),
        (
            "echo '{\"code\": \"ENT-002\", \"id\": \"6b0a8a53-3f5e-4a5e-9d53-0c6f0a4d9b10\", \"title\": \"x\", \"status\": \"draft\", \"tasks\": []}'",
            "ENT-001",
        ),
    ] {
        let place = with_board(script);
        pull(&place, "ENT-001").comes_to(1).complains(says);
        assert!(!place.0.has("stories/ENT-001.json"), "{script}");
    }
}

#[test]
fn without_a_board_it_is_said_what_to_do() {
    let sandbox = small::fresh();
    let mut command = sandbox.command(&["story", "pull", "ENT-001"]);
    let output = command
        .env("PATH", sandbox.outside("nothing"))
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("stories/"),
        "{output:?}"
    );
}

#[test]
fn a_story_that_no_glob_would_read_is_not_written() {
    let place = with_board(&format!("cat '{}'", export()));
    place.0.edit(
        "loom.yaml",
        "project: entities\n",
        "project: entities\nstories: [tales/*.yaml]\n",
    );
    pull(&place, "ENT-001")
        .comes_to(1)
        .complains("stories/ENT-001.json");
    assert!(!place.0.has("stories/ENT-001.json"));
}

#[test]
fn a_code_cannot_lead_out_of_the_folder() {
    let place = with_board(&format!("cat '{}'", export()));
    for code in ["../ENT-001", "a/b", "/etc/x", "..", "", "x\ny", "--help-me"] {
        let ran = pull(&place, code);
        assert_ne!(ran.code, Some(0), "{ran}");
    }
    assert!(!place.0.has("ENT-001.json"));
}

#[test]
fn a_story_that_another_file_has_is_not_pulled_into_a_second_one() {
    let place = with_board("echo asked >> ../asked; exit 1");
    let story = small::STORY.replace("S-1", "ENT-001");
    place.0.write("stories/mine.yaml", &story);
    let before = place.0.tree();
    for code in ["ENT-001", "ent-001"] {
        let ran = pull(&place, code).comes_to(1);
        assert!(
            ran.err.contains("LOOM0302") && ran.err.contains("stories/mine.yaml"),
            "{ran}"
        );
    }
    assert_eq!(place.0.tree(), before);
    assert!(!place.0.outside("asked").exists(), "the board was asked");
}
