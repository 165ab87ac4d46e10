//! `moved`, `removed` and `adopt` in loom.yaml.

use super::small;

const OLD: &str = "  - { kind: file, name: old, path: etc/old, content: \"same\\n\" }\n";
const NEW: &str = "  - { kind: file, name: new, path: etc/new, content: \"same\\n\" }\n";

#[test]
fn a_move_is_one_rename() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    small::declare(&sandbox, NEW, "moved: [{ from: file.old, to: file.new }]\n");
    let plan = sandbox.loom(&["plan"]).comes_to(0).says("> etc/old → etc/new");
    assert!(plan.marked('-').is_empty() && plan.marked('+').is_empty(), "{plan}");
    sandbox.loom(&["apply", "--yes"]).comes_to(0).says("1 moved");
    assert!(!sandbox.has("etc/old"));
    assert_eq!(sandbox.read("etc/new"), "same\n");
    sandbox.is_settled();
    // the line in loom.yaml may stay, and go
    small::declare(&sandbox, NEW, "");
    sandbox.is_settled();
}

#[test]
fn without_the_declaration_it_is_a_deletion_and_a_creation() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    small::declare(&sandbox, NEW, "");
    let plan = sandbox.loom(&["plan"]).comes_to(0);
    assert_eq!((plan.marked('-'), plan.marked('+')), (vec!["etc/old".to_owned()], vec!["etc/new".to_owned()]));
}

#[test]
fn a_kept_edit_travels_with_the_move() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    sandbox.write("etc/old", "mine\n");
    sandbox.loom(&["apply", "--yes", "--on-drift", "keep"]).comes_to(0);
    small::declare(&sandbox, NEW, "moved: [{ from: file.old, to: file.new }]\n");
    sandbox.apply();
    assert_eq!(sandbox.read("etc/new"), "mine\n");
    assert!(!sandbox.has("etc/old"));
    sandbox.is_settled();
}

#[test]
fn an_edit_that_nobody_accepted_is_not_moved_away() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    sandbox.write("etc/old", "mine\n");
    small::declare(&sandbox, NEW, "moved: [{ from: file.old, to: file.new }]\n");
    sandbox.loom(&["apply", "--yes"]).comes_to(4);
    assert_eq!(sandbox.read("etc/old"), "mine\n");
}

#[test]
fn a_move_onto_another_file_is_a_conflict() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    small::declare(&sandbox, NEW, "moved: [{ from: file.old, to: file.new }]\n");
    sandbox.write("etc/new", "theirs\n");
    sandbox.loom(&["apply", "--yes"]).comes_to(4);
    assert_eq!((sandbox.read("etc/new").as_str(), sandbox.read("etc/old").as_str()), ("theirs\n", "same\n"));
}

#[test]
fn a_move_of_the_address_alone_writes_no_byte() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    small::declare(&sandbox, &OLD.replace("name: old", "name: new"), "moved: [{ from: file.old, to: file.new }]\n");
    let before = sandbox.read("etc/old");
    sandbox.apply();
    assert_eq!(sandbox.read("etc/old"), before);
    sandbox.is_settled();
}

#[test]
fn all_items_of_an_each_move_together() {
    let of = |name: &str| {
        format!("  - {{ kind: file, name: {name}, each: environments, path: \"{name}/${{env:name}}\", content: x }}\n")
    };
    let sandbox = small::standing(&of("old"), "");
    sandbox.apply();
    small::declare(&sandbox, &of("new"), "moved: [{ from: file.old, to: file.new }]\n");
    assert_eq!(sandbox.loom(&["plan"]).comes_to(0).marked('>').len(), 2);
    sandbox.apply();
    assert!(sandbox.has("new/staging") && sandbox.has("new/production") && !sandbox.has("old"));
    sandbox.is_settled();
}

#[test]
fn removed_with_keep_leaves_the_file() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    small::declare(&sandbox, "  []\n", "removed: [{ address: file.old, keep: true }]\n");
    assert_eq!(sandbox.loom(&["plan"]).comes_to(0).marked('.'), ["etc/old"]);
    sandbox.apply();
    assert_eq!(sandbox.read("etc/old"), "same\n");
    sandbox.is_settled();
    small::declare(&sandbox, "  []\n", "");
    sandbox.is_settled();
}

#[test]
fn adopt_takes_a_file_over_as_it_is() {
    let sandbox = small::standing(OLD, "adopt: [{ address: file.old, path: etc/old }]\n");
    sandbox.write("etc/old", "theirs\n");
    let plan = sandbox.loom(&["plan"]).comes_to(0);
    assert_eq!(plan.marked('='), ["etc/old"]);
    sandbox.apply();
    assert_eq!(sandbox.read("etc/old"), "theirs\n");
    sandbox.is_settled();
    // from now on it is loom's: what the input says next is written
    small::declare(&sandbox, &OLD.replace("same", "next"), "defaults: { onDrift: restore }\n");
    sandbox.apply();
    assert_eq!(sandbox.read("etc/old"), "next\n");
}

#[test]
fn a_file_that_is_as_declared_is_taken_over_without_a_question() {
    let sandbox = small::standing(OLD, "");
    sandbox.write("etc/old", "same\n");
    assert_eq!(sandbox.loom(&["plan"]).comes_to(0).marked('='), ["etc/old"]);
    sandbox.apply();
    sandbox.is_settled();
}

#[test]
fn what_is_removed_and_still_declared_is_an_error() {
    let sandbox = small::standing(OLD, "removed: [{ address: file.old }, { story: S-1, address: file.new }, {}]\n");
    let ran = sandbox.loom(&["validate"]).comes_to(1);
    ran.complains("LOOM0414").complains("names nothing").complains("both an address and a story");
}
