//! `own`, `retain`, `onDrift`, and stories that come and go.

use super::sandbox::Sandbox;
use super::small;

#[test]
fn once_is_created_and_then_left_alone() {
    let once = "  - { kind: file, name: notes, path: notes, own: once, content: \"begin\\n\" }\n";
    let sandbox = small::standing(once, "");
    sandbox.apply();
    sandbox.write("notes", "mine\n");
    sandbox.is_settled();
    small::declare(&sandbox, &once.replace("begin", "other"), "");
    sandbox.is_settled();
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "restore"])
        .comes_to(0);
    assert_eq!(sandbox.read("notes"), "mine\n");
    sandbox.remove("notes");
    sandbox.is_settled();
    sandbox.write("notes", "again\n");
    small::declare(&sandbox, "  []\n", "");
    sandbox.apply();
    assert_eq!(
        sandbox.read("notes"),
        "again\n",
        "it is forgotten, not deleted"
    );
    sandbox.is_settled();
}

#[test]
fn once_takes_a_file_that_is_there_as_it_is() {
    let sandbox = small::standing(
        "  - { kind: file, name: notes, path: notes, own: once, content: begin }\n",
        "",
    );
    sandbox.write("notes", "mine\n");
    sandbox.apply();
    assert_eq!(sandbox.read("notes"), "mine\n");
    sandbox.is_settled();
}

#[test]
fn a_block_is_loom_s_and_every_other_byte_is_the_people_s() {
    let block =
        "  - { kind: file, name: ignored, path: .gitignore, own: block, content: \"secret\\n\" }\n";
    let sandbox = small::standing(block, "");
    let theirs = "# ours\r\ntarget\t\n\n\nlast line without a newline";
    sandbox.write(".gitignore", theirs);
    sandbox.apply();
    let written = sandbox.read(".gitignore");
    assert!(
        written.starts_with(theirs)
            && written.contains("# loom:begin file.ignored\nsecret\n# loom:end file.ignored\n"),
        "{written:?}"
    );
    sandbox.is_settled();

    // people go on around it
    sandbox.write(".gitignore", &format!("first\n{written}after\n"));
    sandbox.is_settled();
    // and in it, which is drift
    sandbox.edit(".gitignore", "secret\n", "secret\nmine\n");
    sandbox.loom(&["drift"]).comes_to(2).says(".gitignore");
    sandbox.loom(&["plan"]).comes_to(4);
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "restore"])
        .comes_to(0);
    assert_eq!(
        sandbox.read(".gitignore"),
        format!("first\n{written}after\n")
    );

    small::declare(&sandbox, &block.replace("secret", "hidden"), "");
    sandbox.apply();
    assert_eq!(
        sandbox.read(".gitignore"),
        format!("first\n{written}after\n").replace("secret", "hidden")
    );
    small::declare(&sandbox, "  []\n", "");
    sandbox.apply();
    let left = sandbox.read(".gitignore");
    assert!(
        left.starts_with(&format!("first\n{theirs}"))
            && left.ends_with("after\n")
            && !left.contains("loom:"),
        "{left:?}"
    );
    sandbox.is_settled();
}

#[test]
fn a_file_that_held_only_a_block_is_left_to_the_people() {
    let sandbox = small::standing(
        "  - { kind: file, name: ignored, path: .npmignore, own: block, content: \"secret\\n\" }\n",
        "",
    );
    sandbox.apply();
    assert_eq!(
        sandbox.read(".npmignore"),
        "# loom:begin file.ignored\nsecret\n# loom:end file.ignored\n"
    );
    small::declare(&sandbox, "  []\n", "");
    sandbox.apply();
    assert!(!sandbox.has(".npmignore") || sandbox.read(".npmignore").is_empty());
    sandbox.is_settled();
}

#[test]
fn two_blocks_of_one_file_are_one_action_and_go_one_by_one() {
    let of = |name: &str| {
        format!(
            "  - {{ kind: file, name: {name}, path: .gitignore, own: block, content: \"{name}\\n\" }}\n"
        )
    };
    let sandbox = small::standing(&(of("one") + &of("two")), "");
    sandbox.write(".gitignore", "theirs\n");
    assert_eq!(
        sandbox.loom(&["plan"]).comes_to(0).marked('~'),
        [".gitignore"]
    );
    sandbox.apply();
    sandbox.is_settled();
    small::declare(&sandbox, &of("two"), "");
    sandbox.apply();
    assert_eq!(
        sandbox.read(".gitignore"),
        "theirs\n\n# loom:begin file.two\ntwo\n# loom:end file.two\n"
    );
    sandbox.is_settled();
}

#[test]
fn what_is_retained_is_never_deleted() {
    let sandbox = small::standing(
        "  - { kind: file, name: keys, path: keys, retain: true, content: x }\n",
        "",
    );
    sandbox.apply();
    small::declare(&sandbox, "  []\n", "");
    let plan = sandbox.loom(&["plan"]).comes_to(0);
    assert_eq!(plan.marked('.'), ["keys"]);
    sandbox.apply();
    assert_eq!(sandbox.read("keys"), "x");
    sandbox.is_settled();
}

#[test]
fn an_artifact_s_own_choice_for_edits_counts_before_the_project_s() {
    let sandbox = small::standing(
        "  - { kind: file, name: one, path: one, content: \"1\\n\", onDrift: restore }\n  - { kind: file, name: two, path: two, content: \"2\\n\" }\n",
        "defaults: { onDrift: keep }\n",
    );
    sandbox.apply();
    sandbox.write("one", "edited\n");
    sandbox.write("two", "edited\n");
    sandbox.loom(&["drift"]).comes_to(2).says("one").says("two");
    sandbox.apply();
    assert_eq!(
        (sandbox.read("one").as_str(), sandbox.read("two").as_str()),
        ("1\n", "edited\n")
    );
    sandbox.is_settled();
}

#[test]
fn a_mode_is_part_of_the_content() {
    let sandbox = small::standing(
        "  - { kind: file, name: run, path: run.sh, mode: executable, content: \"#!/bin/sh\\n\" }\n",
        "",
    );
    sandbox.apply();
    assert!(sandbox.executable("run.sh"));
    small::declare(
        &sandbox,
        "  - { kind: file, name: run, path: run.sh, content: \"#!/bin/sh\\n\" }\n",
        "",
    );
    sandbox
        .loom(&["plan"])
        .comes_to(0)
        .says("no longer executable");
    sandbox.apply();
    assert!(!sandbox.executable("run.sh"));
    sandbox.is_settled();
}

#[test]
fn a_story_that_is_gone_or_cancelled_or_a_draft_again_keeps_its_files() {
    for status in [None, Some("cancelled"), Some("draft")] {
        let sandbox = small::applied();
        match status {
            None => sandbox.remove("stories/S-1.yaml"),
            Some(status) => sandbox.edit("stories/S-1.yaml", "in_progress", status),
        }
        sandbox
            .loom(&["plan", "--detailed-exitcode"])
            .comes_to(0)
            .says("S-1");
        sandbox.loom(&["drift"]).comes_to(0);
        assert!(sandbox.has("etc/port"));
        sandbox.append("loom.yaml", "removed: [{ story: S-1 }]\n");
        assert_eq!(
            sandbox.loom(&["plan"]).comes_to(0).marked('-'),
            ["docs/hours.md", "etc/port"]
        );
        sandbox.apply();
        assert!(!sandbox.has("etc/port"));
        sandbox.is_settled();
    }
}

#[test]
fn an_archived_story_still_declares() {
    let sandbox = small::applied();
    sandbox.edit("stories/S-1.yaml", "in_progress", "archived");
    sandbox.is_settled();
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    assert_eq!(
        sandbox.loom(&["plan"]).comes_to(0).marked('~'),
        ["etc/port"]
    );
}

#[test]
fn an_artifact_that_a_story_no_longer_holds_is_deleted() {
    let sandbox = small::applied();
    sandbox.edit(
        "stories/S-1.yaml",
        "      - { kind: file, name: port, path: etc/port, service: api, content: \"port ${service:port}\\n\" }\n",
        "",
    );
    let plan = sandbox.loom(&["plan"]).comes_to(0);
    assert_eq!(plan.marked('-'), ["etc/port"]);
    sandbox.apply();
    assert!(!sandbox.has("etc"));
    sandbox.is_settled();
}

#[test]
fn a_later_story_replaces_what_an_earlier_one_declared() {
    let sandbox = small::applied();
    let later = "story: S-2\ntitle: Longer hours\ntasks:\n  - id: T-1\n    title: Write\n    artifacts:\n      - { kind: markdown.page, name: hours, content: \"# Always\\n\" }\n";
    sandbox.write("stories/S-2.yaml", later);
    let refused = sandbox.loom(&["plan"]).comes_to(1);
    refused
        .complains("stories/S-1.yaml")
        .complains("stories/S-2.yaml")
        .complains("replaces");
    sandbox.edit(
        "stories/S-2.yaml",
        "name: hours,",
        "name: hours, replaces: S-1,",
    );
    assert_eq!(
        sandbox.loom(&["plan"]).comes_to(0).marked('~'),
        ["docs/hours.md"]
    );
    sandbox.apply();
    assert!(sandbox.read("docs/hours.md").contains("(S-2)"));
    sandbox.is_settled();
}

#[test]
fn what_two_stories_declare_alike_is_one_and_stays_while_one_of_them_does() {
    let sandbox = small::applied();
    sandbox.write("stories/S-2.yaml", &small::STORY.replace("S-1", "S-2"));
    sandbox.apply();
    sandbox.is_settled();
    sandbox.remove("stories/S-1.yaml");
    sandbox.loom(&["plan"]).comes_to(0);
    sandbox.apply();
    assert!(sandbox.has("etc/port"));
    sandbox.is_settled();
}

#[test]
fn the_ledger_is_no_change_by_itself() {
    let sandbox = small::applied();
    // an input that no file shows
    sandbox.edit(
        "loom.yaml",
        "https://staging.example.com",
        "https://other.example.com",
    );
    let before = sandbox.tree();
    sandbox.is_settled();
    sandbox.apply();
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn nothing_of_the_machine_is_in_what_is_written() {
    let one = Sandbox::project("two-services");
    one.apply();
    let place = one.root().display().to_string();
    for (path, bytes) in one.tree() {
        assert!(!String::from_utf8_lossy(&bytes).contains(&place), "{path}");
    }
}
