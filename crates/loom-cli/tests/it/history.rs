//! What was applied can be looked up and undone, by people and by programs.

use std::fs::OpenOptions;

use super::formats::valid;
use super::locks::lock_of;
use super::sandbox::{Sandbox, Tree};
use super::small;

/// Applied twice: the second time with another port. With the trees before and after that.
fn twice() -> (Sandbox, Tree, Tree) {
    let sandbox = small::fresh();
    sandbox.apply();
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    let before = sandbox.tree();
    sandbox
        .loom(&["apply", "--yes"])
        .comes_to(0)
        .says("`loom rollback 2` undoes it");
    let after = sandbox.tree();
    (sandbox, before, after)
}

#[test]
fn a_rollback_brings_back_every_file_and_the_ledger_and_the_input_still_asks_for_it() {
    let (sandbox, before, after) = twice();
    let ran = sandbox.loom(&["rollback", "--yes"]).comes_to(0);
    let ran = ran
        .says("~ etc/port")
        .says("~ .loom/ledger/")
        .says("Rolled back entry 2. `loom rollback 3` undoes that.");
    ran.says("`loom plan` shows it as something to do");
    assert_eq!(sandbox.tree(), before);
    assert_eq!(sandbox.read("etc/port"), "port 3000\n");
    assert_eq!(
        sandbox
            .loom(&["plan", "--detailed-exitcode"])
            .comes_to(2)
            .marked('~'),
        ["etc/port"]
    );
    sandbox.apply();
    assert_eq!(sandbox.tree(), after);
    sandbox.is_settled();
}

#[test]
fn a_rollback_can_be_rolled_back_and_without_a_number_it_walks_back() {
    let (sandbox, before, after) = twice();
    sandbox.loom(&["rollback", "--yes"]).comes_to(0);
    sandbox
        .loom(&["rollback", "3", "--yes"])
        .comes_to(0)
        .says("`loom plan` now has nothing to do");
    assert_eq!(sandbox.tree(), after);
    sandbox.is_settled();
    sandbox
        .loom(&["rollback", "--yes"])
        .comes_to(0)
        .says("Rolled back entry 4");
    assert_eq!(sandbox.tree(), before);
    sandbox
        .loom(&["rollback", "--yes", "--durability", "kill"])
        .comes_to(0)
        .says("Rolled back entry 1")
        .says("- etc/port");
    assert_eq!(
        sandbox.tree().into_keys().collect::<Vec<_>>(),
        ["loom.yaml", "stories/S-1.yaml"]
    );
    sandbox
        .loom(&["rollback", "--yes"])
        .comes_to(1)
        .complains("there is nothing to roll back");
    sandbox.apply();
    assert_eq!(sandbox.tree(), after);
}

#[test]
fn nobody_at_the_keyboard_rolls_nothing_back() {
    let (sandbox, _, after) = twice();
    sandbox
        .loom(&["rollback"])
        .comes_to(1)
        .says("~ etc/port")
        .complains("give --yes");
    sandbox.loom_reading(&["rollback"], "yes\n").comes_to(1);
    assert_eq!(sandbox.tree(), after);
}

#[test]
fn what_has_changed_since_is_named_and_nothing_is_rolled_back() {
    let (sandbox, ..) = twice();
    sandbox.append("etc/port", "mine\n");
    let edited = sandbox.tree();
    let ran = sandbox
        .loom(&["rollback", "--yes"])
        .comes_to(3)
        .complains("`etc/port` was edited");
    assert!(!ran.out.contains("Rolled back"), "{ran}");
    let ran = sandbox.loom(&["rollback", "1", "--yes"]).comes_to(3);
    ran.complains(
        "entry 2 changed some of them later: roll that back first, with `loom rollback 2`",
    );
    assert_eq!(sandbox.tree(), edited);
}

#[test]
fn an_entry_that_is_not_there_or_not_in_force_is_refused() {
    let sandbox = small::fresh();
    sandbox
        .loom(&["history"])
        .comes_to(0)
        .says("The history is empty");
    sandbox
        .loom(&["rollback", "--yes"])
        .comes_to(1)
        .complains("there is nothing to roll back");
    sandbox.apply();
    sandbox
        .loom(&["rollback", "7", "--yes"])
        .comes_to(1)
        .complains("there is no entry 7")
        .complains("loom history");
    sandbox
        .loom(&["history", "show", "7"])
        .comes_to(1)
        .complains("there is no entry 7");
    sandbox.loom(&["rollback", "--yes"]).comes_to(0);
    sandbox
        .loom(&["rollback", "1", "--yes"])
        .comes_to(1)
        .complains("`loom rollback 2` undoes that");
}

#[test]
fn others_at_work_keep_a_rollback_away() {
    let (sandbox, _, after) = twice();
    sandbox.write(".git/index.lock", "");
    sandbox
        .loom(&["rollback", "--yes"])
        .comes_to(7)
        .complains("index.lock");
    sandbox.remove(".git/index.lock");
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(lock_of(&sandbox))
        .expect("it is there");
    file.lock().expect("it is free");
    sandbox
        .loom(&["rollback", "--yes", "--lock-timeout", "20ms"])
        .comes_to(6)
        .complains("another loom is at work");
    drop(file);
    assert_eq!(sandbox.tree(), after);
    sandbox.loom(&["rollback", "--yes"]).comes_to(0);
}

#[test]
fn the_history_is_listed_for_people_the_newest_first() {
    let (sandbox, ..) = twice();
    sandbox.loom(&["rollback", "--yes"]).comes_to(0);
    let list = sandbox.loom(&["history"]).comes_to(0);
    let ids: Vec<&str> = list
        .out
        .lines()
        .take(3)
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(ids, ["3", "2", "1"], "{list}");
    assert!(
        list.line("rolls back 2").contains("rollback  2 updated"),
        "{list}"
    );
    let digest = sandbox
        .loom(&["history", "show", "2"])
        .comes_to(0)
        .line("Digest: ")
        .trim_start_matches("Digest: ")
        .to_owned();
    assert!(
        digest.len() == 64 && list.line("was rolled back by 3").contains(&digest[..12]),
        "{list}"
    );
    let show = sandbox
        .loom(&["history", "show", "1"])
        .comes_to(0)
        .says("+ etc/port")
        .says("+ docs/hours.md");
    assert!(show.line("Entry 1: loom apply, ").ends_with('Z'), "{show}");
    assert!(
        !sandbox
            .loom(&["history", "--quiet"])
            .comes_to(0)
            .out
            .contains("loom history show")
    );
}

#[test]
fn the_history_is_described_by_its_schema() {
    let (sandbox, ..) = twice();
    assert_eq!(
        valid(
            &small::fresh().loom(&["history", "--format", "json"]),
            "history-output"
        )["entries"],
        serde_json::json!([])
    );
    sandbox.loom(&["rollback", "--yes"]).comes_to(0);
    let list = valid(
        &sandbox.loom(&["history", "--format", "json"]).comes_to(0),
        "history-output",
    );
    let entries = list["entries"].as_array().expect("a list");
    assert_eq!(
        entries
            .iter()
            .filter_map(|entry| entry["id"].as_u64())
            .collect::<Vec<_>>(),
        [3, 2, 1]
    );
    assert_eq!(
        (&entries[0]["rolls_back"], &entries[1]["rolled_back_by"]),
        (&2.into(), &3.into())
    );
    assert_eq!(
        (&entries[0]["command"], &entries[2]["command"]),
        (&"rollback".into(), &"apply".into())
    );
    let show = valid(
        &sandbox
            .loom(&["history", "show", "2", "--format", "json"])
            .comes_to(0),
        "history-output",
    );
    let mut shown = show["entries"][0].clone();
    let changes = shown
        .as_object_mut()
        .and_then(|entry| entry.remove("changes"))
        .expect("it has its files");
    assert_eq!(shown, entries[1], "nothing else differs");
    let port = serde_json::json!({ "path": "etc/port", "change": "updated" });
    assert!(
        changes
            .as_array()
            .is_some_and(|changes| changes.contains(&port)),
        "{changes}"
    );
}

#[test]
fn what_init_wrote_can_be_rolled_back_and_that_too() {
    let sandbox = Sandbox::of(&[("package.json", "{}")]);
    sandbox.loom(&["init"]).comes_to(0);
    let written = sandbox.tree();
    sandbox
        .loom(&["rollback", "--yes"])
        .comes_to(0)
        .says("- loom.yaml")
        .says("`loom plan` shows what the input asks for now");
    assert!(!sandbox.has("loom.yaml"));
    sandbox
        .loom(&["plan"])
        .comes_to(1)
        .complains("there is no loom.yaml");
    sandbox.loom(&["history"]).comes_to(0).says("rolls back 1");
    sandbox.loom(&["rollback", "2", "--yes"]).comes_to(0);
    assert_eq!(sandbox.tree(), written);
    sandbox.loom(&["plan"]).comes_to(0);
    let elsewhere = Sandbox::of(&[("package.json", "{}")]);
    for command in [
        &["history"][..],
        &["rollback", "--yes"],
        &["recover"],
        &["doctor"],
    ] {
        elsewhere
            .loom(command)
            .comes_to(1)
            .complains("there is no loom.yaml");
    }
}

#[test]
fn without_git_there_is_a_history_too() {
    let sandbox = Sandbox::without_git();
    sandbox.write("loom.yaml", small::PROJECT);
    sandbox.write("stories/S-1.yaml", small::STORY);
    sandbox.apply();
    sandbox.loom(&["rollback", "--yes"]).comes_to(0);
    assert!(!sandbox.has("etc/port") && sandbox.has(".loom/private/lock"));
    sandbox.loom(&["history"]).comes_to(0).says("rolls back 1");
}
