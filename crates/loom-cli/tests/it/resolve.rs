//! A person decides what becomes of an edit, and loom takes it back.

use super::sandbox::Sandbox;
use super::small;

const MERGE: &str = "defaults: { onDrift: merge }\n";

fn port(number: u16) -> String {
    format!(
        "  - {{ kind: file, name: port, path: etc/port, content: \"port {number}\\n\\n\\nopen\\n\" }}\n"
    )
}

/// The port was edited, and declared anew.
fn clashing() -> Sandbox {
    let sandbox = small::standing(&port(3000), MERGE);
    sandbox.apply();
    sandbox.commit();
    sandbox.edit("etc/port", "3000", "3001");
    small::declare(&sandbox, &port(8080), MERGE);
    sandbox
}

fn is_clean(sandbox: &Sandbox) {
    assert!(
        !sandbox.has(".loom/conflicts/etc/port"),
        "what was laid out goes"
    );
    assert!(
        !sandbox
            .git(&["status", "--porcelain"])
            .contains("conflicts"),
        "Git never sees it"
    );
    sandbox.is_settled();
}

#[test]
fn both_sides_are_laid_out_and_the_result_is_taken_back() {
    let sandbox = clashing();
    let laid_out = sandbox.loom(&["resolve", "file.port"]).comes_to(4);
    insta::assert_snapshot!(laid_out.out, @r"
    Both sides of etc/port are laid out:
      .loom/conflicts/etc/port.theirs  theirs: what is on the disk, with the edit
      .loom/conflicts/etc/port.ours    ours: what loom renders now
      .loom/conflicts/etc/port.base    what loom rendered last, if it is known
      .loom/conflicts/etc/port         both together: edit this one
    When it is as it should be, run `loom resolve file.port` again: it takes the result back.
    Or take one side as it is: --theirs keeps what is on the disk, --ours writes what loom renders.
    ");
    assert_eq!(
        sandbox.read(".loom/conflicts/etc/port.base"),
        "port 3000\n\n\nopen\n"
    );
    assert_eq!(
        sandbox.read(".loom/conflicts/etc/port.theirs"),
        "port 3001\n\n\nopen\n"
    );
    assert_eq!(
        sandbox.read(".loom/conflicts/etc/port.ours"),
        "port 8080\n\n\nopen\n"
    );
    insta::assert_snapshot!(sandbox.read(".loom/conflicts/etc/port"), @r"
    <<<<<<< theirs: on the disk
    port 3001
    ||||||| what loom rendered last
    port 3000
    =======
    port 8080
    >>>>>>> ours: what loom renders now


    open
    ");
    assert!(
        !sandbox
            .git(&["status", "--porcelain"])
            .contains("conflicts"),
        "Git ignores what is laid out"
    );

    sandbox
        .loom(&["resolve", "file.port"])
        .comes_to(4)
        .says("still holds the lines `<<<<<<<`");
    assert_eq!(
        sandbox.read("etc/port"),
        "port 3001\n\n\nopen\n",
        "no marker reaches the file"
    );
    sandbox.write(".loom/conflicts/etc/port", "port 8081\n\n\nopen\n");
    sandbox
        .loom(&["resolve", "file.port"])
        .comes_to(0)
        .says("Resolved: etc/port.")
        .says("+port 8081");
    assert_eq!(sandbox.read("etc/port"), "port 8081\n\n\nopen\n");
    is_clean(&sandbox);
    // the decision holds until loom changes something else
    small::declare(&sandbox, &port(8080).replace("open", "shut"), MERGE);
    sandbox.apply();
    assert_eq!(sandbox.read("etc/port"), "port 8081\n\n\nshut\n");
}

#[test]
fn one_side_is_taken_as_it_is() {
    let sandbox = clashing();
    sandbox
        .loom(&["resolve", "file.port", "--theirs"])
        .comes_to(0);
    assert_eq!(sandbox.read("etc/port"), "port 3001\n\n\nopen\n");
    is_clean(&sandbox);

    let sandbox = clashing();
    sandbox.loom(&["resolve", "file.port"]).comes_to(4);
    sandbox
        .loom(&["resolve", "file.port", "--ours", "--path", "etc/port"])
        .comes_to(0);
    assert_eq!(sandbox.read("etc/port"), "port 8080\n\n\nopen\n");
    is_clean(&sandbox);
    sandbox.loom(&["rollback", "--yes"]).comes_to(0);
    assert_eq!(
        sandbox.read("etc/port"),
        "port 3001\n\n\nopen\n",
        "and it can be undone"
    );
}

#[test]
fn gits_merge_tool_decides() {
    let sandbox = clashing();
    sandbox
        .loom(&["resolve", "file.port", "--tool"])
        .comes_to(1)
        .complains("git config merge.tool");
    sandbox.git(&[
        "config",
        "mergetool.mine.cmd",
        "sed s/3001/9000/ \"$LOCAL\" > \"$MERGED\"",
    ]);
    sandbox.git(&["config", "mergetool.mine.trustExitCode", "true"]);
    sandbox.git(&["config", "mergetool.lazy.cmd", "true"]);
    sandbox.git(&["config", "mergetool.lazy.trustExitCode", "true"]);
    sandbox
        .loom(&["resolve", "file.port", "--tool=lazy"])
        .comes_to(4)
        .complains("undecided");
    assert_eq!(sandbox.read("etc/port"), "port 3001\n\n\nopen\n");
    sandbox.git(&["config", "merge.tool", "mine"]);
    sandbox
        .loom(&["resolve", "file.port", "--tool"])
        .comes_to(0);
    assert_eq!(sandbox.read("etc/port"), "port 9000\n\n\nopen\n");
    is_clean(&sandbox);
}

#[test]
fn what_was_laid_out_for_another_state_is_not_taken() {
    let sandbox = clashing();
    sandbox.loom(&["resolve", "file.port"]).comes_to(4);
    sandbox.write(".loom/conflicts/etc/port", "port 8081\n\n\nopen\n");
    sandbox.edit("etc/port", "3001", "3002");
    sandbox
        .loom(&["resolve", "file.port"])
        .comes_to(3)
        .complains("earlier state");
    assert_eq!(sandbox.read("etc/port"), "port 3002\n\n\nopen\n");
}

#[test]
fn where_no_edit_is_to_be_decided_it_says_so() {
    let sandbox = small::standing(&port(3000), "");
    sandbox.apply();
    sandbox
        .loom(&["resolve", "file.port"])
        .comes_to(1)
        .complains("no file of file.port holds an edit");
    sandbox
        .loom(&["resolve", "file.prot"])
        .comes_to(1)
        .complains("did you mean");
    sandbox.edit("etc/port", "3000", "3001");
    sandbox.loom(&["plan"]).comes_to(4);
    sandbox
        .loom(&["resolve", "file.port", "--theirs"])
        .comes_to(0);
    sandbox.is_settled();
}

#[test]
fn without_a_base_both_sides_are_laid_out_all_the_same() {
    let sandbox = small::standing(&port(3000), "");
    sandbox.apply();
    sandbox.edit("etc/port", "3000", "3001");
    small::declare(&sandbox, &port(8080), "");
    sandbox.loom(&["resolve", "file.port"]).comes_to(4);
    assert!(!sandbox.has(".loom/conflicts/etc/port.base"));
    sandbox
        .loom(&["resolve", "file.port", "--ours"])
        .comes_to(0);
    is_clean(&sandbox);
}
