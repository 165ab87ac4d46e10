//! `moved`, `removed` and `adopt` in loom.yaml.

use super::sandbox::Sandbox;
use super::small;

const OLD: &str = "  - { kind: file, name: old, path: etc/old, content: \"same\\n\" }\n";
const NEW: &str = "  - { kind: file, name: new, path: etc/new, content: \"same\\n\" }\n";

#[test]
fn a_move_is_one_rename() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    small::declare(&sandbox, NEW, "moved: [{ from: file.old, to: file.new }]\n");
    let plan = sandbox
        .loom(&["plan"])
        .comes_to(0)
        .says("> etc/old → etc/new");
    assert!(
        plan.marked('-').is_empty() && plan.marked('+').is_empty(),
        "{plan}"
    );
    sandbox
        .loom(&["apply", "--yes"])
        .comes_to(0)
        .says("1 moved");
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
    assert_eq!(
        (plan.marked('-'), plan.marked('+')),
        (vec!["etc/old".to_owned()], vec!["etc/new".to_owned()])
    );
}

#[test]
fn a_kept_edit_travels_with_the_move() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    sandbox.write("etc/old", "mine\n");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
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
    assert_eq!(
        (
            sandbox.read("etc/new").as_str(),
            sandbox.read("etc/old").as_str()
        ),
        ("theirs\n", "same\n")
    );
}

#[test]
fn a_move_of_the_address_alone_writes_no_byte() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    small::declare(
        &sandbox,
        &OLD.replace("name: old", "name: new"),
        "moved: [{ from: file.old, to: file.new }]\n",
    );
    let before = sandbox.read("etc/old");
    sandbox.apply();
    assert_eq!(sandbox.read("etc/old"), before);
    sandbox.is_settled();
}

#[test]
fn all_items_of_an_each_move_together() {
    let of = |name: &str| {
        format!(
            "  - {{ kind: file, name: {name}, each: environments, path: \"{name}/${{env:name}}\", content: x }}\n"
        )
    };
    let sandbox = small::standing(&of("old"), "");
    sandbox.apply();
    small::declare(
        &sandbox,
        &of("new"),
        "moved: [{ from: file.old, to: file.new }]\n",
    );
    assert_eq!(sandbox.loom(&["plan"]).comes_to(0).marked('>').len(), 2);
    sandbox.apply();
    assert!(sandbox.has("new/staging") && sandbox.has("new/production") && !sandbox.has("old"));
    sandbox.is_settled();
}

#[test]
fn removed_with_keep_leaves_the_file() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    small::declare(
        &sandbox,
        "  []\n",
        "removed: [{ address: file.old, keep: true }]\n",
    );
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
    small::declare(
        &sandbox,
        &OLD.replace("same", "next"),
        "defaults: { onDrift: restore }\n",
    );
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
    let sandbox = small::standing(
        OLD,
        "removed: [{ address: file.old }, { story: S-1, address: file.new }, {}]\n",
    );
    let ran = sandbox.loom(&["validate"]).comes_to(1);
    ran.complains("LOOM0414")
        .complains("names nothing")
        .complains("both an address and a story");
}

#[test]
fn another_path_is_one_move_and_a_kept_edit_goes_with_it() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    sandbox.write("etc/old", "mine\n");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    small::declare(
        &sandbox,
        &OLD.replace("path: etc/old", "path: conf/new"),
        "",
    );
    sandbox
        .loom(&["plan"])
        .comes_to(0)
        .says("> etc/old → conf/new")
        .says("its path changed, loom.yaml:10");
    sandbox
        .loom(&["apply", "--yes"])
        .comes_to(0)
        .says("1 moved");
    assert_eq!(sandbox.read("conf/new"), "mine\n");
    assert!(
        !sandbox.has("etc"),
        "the directory that it leaves empty goes too"
    );
    sandbox.is_settled();
    sandbox.loom(&["rollback", "--yes"]).comes_to(0);
    assert_eq!(sandbox.read("etc/old"), "mine\n");
}

#[test]
fn an_edit_that_stands_against_a_move_is_named_where_it_stands() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    sandbox.write("etc/old", "mine\n");
    small::declare(
        &sandbox,
        &OLD.replace("path: etc/old", "path: conf/new"),
        "",
    );
    let plan = sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("    -mine")
        .says("    +same");
    assert_eq!(plan.marked('!'), ["etc/old"]);
    sandbox
        .loom(&["apply", "--yes", "--skip-conflicts"])
        .comes_to(4);
    assert_eq!(sandbox.read("etc/old"), "mine\n");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "restore"])
        .comes_to(0);
    assert_eq!(sandbox.read("conf/new"), "same\n");
}

#[test]
fn a_move_out_of_the_globs_of_a_run_is_out_of_its_scope() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    small::declare(
        &sandbox,
        &OLD.replace("path: etc/old", "path: conf/new"),
        "",
    );
    sandbox
        .loom(&["plan", "--path", "conf/**"])
        .comes_to(0)
        .says("Nothing to do")
        .says("out of scope");
    sandbox
        .loom(&["plan", "--path", "etc/**"])
        .comes_to(0)
        .says("Nothing to do");
    assert_eq!(
        sandbox
            .loom(&["plan", "--path", "{conf,etc}/**"])
            .comes_to(0)
            .marked('>')
            .len(),
        1
    );
}

#[test]
fn forget_writes_the_entry_and_the_file_outlives_its_declaration() {
    let sandbox = small::standing(
        OLD,
        "# what is no longer ours\nremoved: []   # so far\n\ndefaults: { onDrift: conflict }\n",
    );
    sandbox.apply();
    let before = sandbox.read("loom.yaml");
    let ran = sandbox.loom(&["forget", "file.old"]).comes_to(0);
    ran.says("+  - { address: file.old, keep: true }")
        .says("It is still declared, in loom.yaml:10")
        .says("  loom plan");
    let entry = "removed:    # so far\n  - { address: file.old, keep: true }\n";
    assert_eq!(
        sandbox.read("loom.yaml"),
        before.replace("removed: []   # so far\n", entry),
        "every other byte is kept"
    );
    sandbox
        .loom(&["forget", "file.old"])
        .comes_to(0)
        .says("says so already");
    sandbox.edit("loom.yaml", OLD, "  []\n");
    assert_eq!(sandbox.loom(&["plan"]).comes_to(0).marked('.'), ["etc/old"]);
    sandbox.apply();
    assert_eq!(sandbox.read("etc/old"), "same\n");
    sandbox.is_settled();
}

#[test]
fn forget_refuses_what_it_cannot_mean() {
    let sandbox = small::standing(OLD, "");
    sandbox
        .loom(&["forget", "file.old"])
        .comes_to(1)
        .complains("written nothing for `file.old` yet");
    sandbox.apply();
    sandbox
        .loom(&["forget", "file.odl"])
        .comes_to(1)
        .complains("did you mean `file.old`?");
    small::declare(&sandbox, "  []\n", "removed: [{ address: file.old }]\n");
    sandbox
        .loom(&["forget", "file.old"])
        .comes_to(1)
        .complains("loom.yaml:11")
        .complains("`keep: true`");
    assert!(!sandbox.read("loom.yaml").contains("keep"));
}

#[test]
fn move_writes_the_entry_and_a_second_move_follows_the_first() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    small::declare(&sandbox, NEW, "");
    sandbox
        .loom(&["move", "file.old", "file.new"])
        .comes_to(0)
        .says("+  - { from: file.old, to: file.new }")
        .says("  loom plan");
    sandbox
        .loom(&["plan"])
        .comes_to(0)
        .says("> etc/old → etc/new");
    sandbox
        .loom(&["move", "file.old", "file.new"])
        .comes_to(0)
        .says("says so already");
    sandbox.apply();
    sandbox.edit(
        "loom.yaml",
        "name: new, path: etc/new",
        "name: newer, path: etc/newer",
    );
    sandbox
        .loom(&["move", "file.new", "file.newer"])
        .comes_to(0);
    sandbox
        .loom(&["plan"])
        .comes_to(0)
        .says("> etc/new → etc/newer")
        .says("moved from file.new");
    sandbox.apply();
    sandbox.is_settled();
}

#[test]
fn move_refuses_what_it_cannot_mean() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    let refused = sandbox.loom(&["move", "file.old", "file.new"]).comes_to(1);
    refused
        .complains("`file.new` is not declared yet")
        .complains("loom.yaml:10");
    small::declare(&sandbox, &format!("{OLD}{NEW}"), "");
    sandbox
        .loom(&["move", "file.old", "file.new"])
        .comes_to(1)
        .complains("declare it as `file.new` only");
    small::declare(&sandbox, NEW, "");
    sandbox
        .loom(&["move", "file.odl", "file.new"])
        .comes_to(1)
        .complains("did you mean `file.old`?");
    sandbox
        .loom(&["move", "file.old", "file.nwe"])
        .comes_to(1)
        .complains("did you mean `file.new`?");
    assert!(!sandbox.read("loom.yaml").contains("moved"));
}

#[test]
fn where_loom_yaml_cannot_be_added_to_the_lines_are_printed() {
    let sandbox = small::standing(OLD, "");
    sandbox.apply();
    small::declare(&sandbox, NEW, "...\n");
    let before = sandbox.read("loom.yaml");
    let refused = sandbox.loom(&["move", "file.old", "file.new"]).comes_to(1);
    refused
        .complains("by hand")
        .complains("moved:\n  - { from: file.old, to: file.new }");
    assert_eq!(sandbox.read("loom.yaml"), before);
}

#[test]
fn an_artifact_goes_back_to_a_name_that_it_had() {
    let file = |name: &str| {
        format!("  - {{ kind: file, name: {name}, content: \"1\\n\", path: etc/{name} }}\n")
    };
    let sandbox = small::standing(&file("a"), "");
    sandbox.apply();
    sandbox.write("etc/a", "mine\n");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    let mut moved = String::new();
    for (from, to) in [("a", "b"), ("b", "a"), ("a", "b"), ("b", "c")] {
        small::declare(&sandbox, &file(to), &moved);
        sandbox
            .loom(&["move", &format!("file.{from}"), &format!("file.{to}")])
            .comes_to(0);
        moved = sandbox
            .read("loom.yaml")
            .split_once("moved:")
            .map(|(_, rest)| format!("moved:{rest}"))
            .expect("it is there");
        sandbox.apply();
        assert_eq!(
            sandbox.read(&format!("etc/{to}")),
            "mine\n",
            "{from} to {to}"
        );
        assert!(!sandbox.has(&format!("etc/{from}")));
        sandbox.is_settled();
    }
}

#[test]
fn a_service_moves_with_all_that_is_made_for_it() {
    let shop = |service: &str| {
        format!(
            "loom: 1\nproject: shop\nstack: {{ runtime: node, infrastructure: {{ hosting: aws, ci: github-actions, orchestration: kubernetes }} }}\n\
             environments: {{ production: {{ url: https://x.example.com, region: us-east-1 }} }}\n\
             services: {{ {service}: {{ port: 3000, commands: {{ start: node x.js }} }} }}\n\
             artifacts:\n  - {{ kind: workload, service: {service} }}\n  - {{ kind: container, service: {service} }}\n"
        )
    };
    let sandbox = Sandbox::of(&[("loom.yaml", &shop("api"))]);
    sandbox.apply();
    sandbox.append("docker/api.Dockerfile", "# theirs\n");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    sandbox
        .loom(&["move", "service.api", "service.front"])
        .comes_to(1);
    sandbox.write("loom.yaml", &shop("front"));
    sandbox
        .loom(&["move", "service.api", "service.front"])
        .comes_to(0);
    let text = sandbox.read("loom.yaml");
    for entry in [
        "from: kubernetes.manifest.api, to: kubernetes.manifest.front",
        "from: docker.dockerfile.api, to: docker.dockerfile.front",
    ] {
        assert!(text.contains(entry), "{text}");
    }
    let ran = sandbox.loom(&["plan", "--on-drift", "keep"]).comes_to(0);
    assert!(
        ran.marked('-').is_empty() && !ran.marked('>').is_empty(),
        "{ran}"
    );
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    assert!(sandbox.read("docker/front.Dockerfile").contains("# theirs"));
    // a blueprint with its parts, and back
    sandbox.edit("loom.yaml", "services: { front:", "services: { api:");
    sandbox.edit(
        "loom.yaml",
        "workload, service: front",
        "workload, service: api",
    );
    sandbox.edit(
        "loom.yaml",
        "container, service: front",
        "container, service: api",
    );
    sandbox
        .loom(&["move", "workload.front", "workload.api"])
        .comes_to(0);
    sandbox
        .loom(&["move", "service.front", "service.api"])
        .comes_to(0);
    let ran = sandbox.loom(&["plan", "--on-drift", "keep"]).comes_to(0);
    assert!(
        ran.marked('-').is_empty() && !ran.marked('>').is_empty(),
        "{ran}"
    );
}

#[test]
fn a_file_that_becomes_a_directory_and_back_says_that_it_takes_two_applies() {
    let file =
        |path: &str| format!("  - {{ kind: file, name: a, path: {path}, content: \"1\\n\" }}\n");
    let sandbox = small::standing(&file("conf/main"), "");
    sandbox.apply();
    sandbox.write("conf/main", "mine\n");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    for path in ["conf", "conf/main"] {
        small::declare(&sandbox, &file(path), "");
        sandbox
            .loom(&["plan"])
            .comes_to(4)
            .says("which takes two applies")
            .says("`path: conf.next`");
        small::declare(&sandbox, &file("conf.next"), "");
        sandbox.apply();
        small::declare(&sandbox, &file(path), "");
        sandbox.apply();
        assert_eq!(sandbox.read(path), "mine\n");
        sandbox.is_settled();
    }
    // another artifact, in the place of one that goes
    sandbox.write("conf/main", "1\n");
    sandbox.apply();
    small::declare(&sandbox, &file("conf").replace("name: a", "name: b"), "");
    sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("loom apply --skip-conflicts");
    sandbox
        .loom(&["apply", "--yes", "--skip-conflicts"])
        .comes_to(4);
    sandbox.apply();
    sandbox.is_settled();
}
