//! Tasks that wait for others.

use super::sandbox::Sandbox;
use super::small;

const STORY: &str = "\
story: S-1
title: Open the shop
tasks:
  - { id: T-1, title: Build the walls, status: pending }
  - id: T-2
    title: Paint the walls
    dependencies: [T-1]
    artifacts:
      - { kind: file, name: colour, path: colour, content: \"white\\n\" }
  - id: T-3
    title: Plant trees
    artifacts:
      - { kind: file, name: trees, path: trees, content: \"oak\\n\" }
";

fn gated(gate: &str) -> Sandbox {
    Sandbox::of(&[
        ("loom.yaml", &format!("{}gate: {gate}\n", small::PROJECT)),
        ("stories/S-1.yaml", STORY),
    ])
}

#[test]
fn by_default_it_is_only_said() {
    let sandbox = gated("warn");
    let plan = sandbox.loom(&["plan"]).comes_to(0).says("T-1");
    assert!(plan.marked('+').contains(&"colour".to_owned()));
    sandbox.apply();
    sandbox.is_settled();
}

#[test]
fn a_held_artifact_is_not_made_before_its_time() {
    let sandbox = gated("hold");
    sandbox.loom(&["apply", "--yes"]).comes_to(0).says("T-1");
    assert!(sandbox.has("trees") && !sandbox.has("colour"));
    sandbox.is_settled();
    sandbox.edit("stories/S-1.yaml", "status: pending", "status: completed");
    assert_eq!(sandbox.loom(&["plan"]).comes_to(0).marked('+'), ["colour"]);
    sandbox.apply();
    sandbox.is_settled();
}

#[test]
fn a_held_artifact_is_neither_changed_nor_deleted_nor_drift() {
    let sandbox = gated("warn");
    sandbox.apply();
    sandbox.edit("loom.yaml", "gate: warn", "gate: hold");
    sandbox.edit("stories/S-1.yaml", "white", "blue");
    sandbox.is_settled();
    sandbox.write("colour", "edited\n");
    sandbox.is_settled();
    sandbox.write("colour", "white\n");
    sandbox.edit("stories/S-1.yaml", "path: colour", "path: paint");
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    assert_eq!(
        sandbox.read("colour"),
        "white\n",
        "what is frozen does not leave its old path either"
    );
    sandbox.edit("stories/S-1.yaml", "status: pending", "status: completed");
    sandbox.apply();
    assert_eq!(
        (sandbox.read("paint").as_str(), sandbox.has("colour")),
        ("blue\n", false)
    );
    sandbox.is_settled();
}

#[test]
fn what_refers_to_something_held_is_held_with_it() {
    let sandbox = gated("hold");
    sandbox.edit(
        "stories/S-1.yaml",
        "content: \"oak\\n\"",
        "content: \"oak, see ${ref:file.colour.path}\\n\"",
    );
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    assert!(!sandbox.has("trees"));
}

#[test]
fn tasks_that_wait_for_each_other_are_an_error_with_the_whole_circle() {
    let sandbox = gated("warn");
    sandbox.edit(
        "stories/S-1.yaml",
        "status: pending }",
        "dependencies: [T-2] }",
    );
    let ran = sandbox
        .loom(&["validate"])
        .comes_to(1)
        .complains("LOOM0304");
    ran.complains("task T-1 (Build the walls) → task T-2 (Paint the walls)")
        .complains("stories/S-1.yaml:")
        .complains("waits for");
}

#[test]
fn artifacts_that_refer_to_each_other_are_an_error_with_the_whole_circle() {
    let sandbox = small::standing(
        "  - { kind: file, name: one, path: one, content: \"${ref:file.two.path}\" }\n  - { kind: file, name: two, path: two, content: \"${ref:file.one.path}\" }\n",
        "",
    );
    sandbox
        .loom(&["validate"])
        .comes_to(1)
        .complains("LOOM0304")
        .complains("file.one")
        .complains("file.two");
}

#[test]
fn ids_of_tasks_belong_to_their_story() {
    let sandbox = gated("hold");
    // the same ids in another story, the other way round and further on
    let other = STORY
        .replace("S-1", "S-2")
        .replace("colour", "roof")
        .replace("trees", "grass");
    let other = other
        .replace("T-1", "T-9")
        .replace("T-2", "T-1")
        .replace("T-9", "T-2")
        .replace("status: pending", "status: completed");
    sandbox.write("stories/S-2.yaml", &other);
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    assert!(
        sandbox.has("roof"),
        "the task that it waits for is completed in its own story"
    );
    assert!(
        !sandbox.has("colour"),
        "the task that it waits for is pending in its own story"
    );
}
