//! Hand edits and loom's changes become one file, or a person decides.

use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::sandbox::Sandbox;
use super::small;

/// A manifest with neighbouring settings, so that lines clash where data do not.
fn manifest(port: u16, health: &str) -> String {
    format!(
        "  - kind: kubernetes.manifest\n    name: web\n    path: k8s/web.yaml\n    documents:\n      - apiVersion: v1\n        kind: ConfigMap\n        metadata: {{ name: web }}\n        data:\n          health: {health}\n          level: info\n          port: \"{port}\"\n"
    )
}

/// A text of ten lines, two of which are loom's to change.
fn lines(first: &str, last: &str) -> String {
    format!(
        "  - {{ kind: file, name: list, path: list, content: \"{first}\\n2\\n3\\n4\\n5\\n6\\n7\\n8\\n9\\n{last}\\n\" }}\n"
    )
}

const MERGE: &str = "defaults: { onDrift: merge }\n";

fn edited() -> Sandbox {
    let sandbox = small::standing(&lines("first", "last"), MERGE);
    sandbox.apply();
    sandbox.edit("list", "5\n", "five\n");
    small::declare(&sandbox, &lines("first", "changed"), MERGE);
    sandbox
}

#[test]
fn a_clean_merge_is_shown_applied_and_converges_and_a_later_change_merges_again() {
    let sandbox = edited();
    let plan = sandbox
        .loom(&["plan"])
        .comes_to(0)
        .says("edited by hand, and merged")
        .says("+changed");
    assert_eq!(plan.marked('~'), ["list"]);
    let digest = plan.digest();
    sandbox.loom(&["apply", "--expect", &digest]).comes_to(0);
    assert_eq!(
        sandbox.read("list"),
        "first\n2\n3\n4\nfive\n6\n7\n8\n9\nchanged\n"
    );
    sandbox.is_settled();

    small::declare(&sandbox, &lines("once more", "changed"), MERGE);
    sandbox.apply();
    assert_eq!(
        sandbox.read("list"),
        "once more\n2\n3\n4\nfive\n6\n7\n8\n9\nchanged\n"
    );
    sandbox.is_settled();
    sandbox.loom(&["rollback", "--yes"]).comes_to(0);
    assert_eq!(
        sandbox.read("list"),
        "first\n2\n3\n4\nfive\n6\n7\n8\n9\nchanged\n"
    );
}

#[test]
fn an_edit_alone_is_accepted_and_a_saved_plan_holds_the_merged_text() {
    let sandbox = edited();
    sandbox.loom(&["plan", "--out", "plan.loom"]).comes_to(0);
    assert!(
        sandbox
            .read("plan.loom")
            .contains(r"\nfive\n6\n7\n8\n9\nchanged\n")
    );
    sandbox.loom(&["apply", "plan.loom"]).comes_to(0);
    assert!(sandbox.read("list").ends_with("9\nchanged\n"));
    sandbox.edit("list", "five", "cinq");
    let plan = sandbox.loom(&["plan"]).comes_to(0);
    assert_eq!(
        plan.marked('='),
        ["list"],
        "loom changes nothing, so that the edit is what comes of it"
    );
    sandbox.apply();
    sandbox.is_settled();
}

#[test]
fn lines_that_both_changed_are_a_conflict_that_names_them() {
    let sandbox = edited();
    sandbox.edit("list", "last", "mine");
    let plan = sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("line 10 was changed by hand and by loom")
        .says("loom resolve file.list");
    assert_eq!(plan.marked('!'), ["list"]);
    sandbox.loom(&["apply", "--yes"]).comes_to(4);
    assert_eq!(
        sandbox.read("list"),
        "first\n2\n3\n4\nfive\n6\n7\n8\n9\nmine\n"
    );
}

#[test]
fn neighbouring_settings_merge_by_structure_with_their_comments() {
    let sandbox = small::standing(&manifest(3000, "/up"), MERGE);
    sandbox.apply();
    sandbox.edit(
        "k8s/web.yaml",
        "level: info",
        "level: debug # until the sale is over",
    );
    small::declare(&sandbox, &manifest(8080, "/healthz"), MERGE);
    sandbox.apply();
    let text = sandbox.read("k8s/web.yaml");
    assert!(
        text.contains(
            "  health: /healthz\n  level: debug # until the sale is over\n  port: \"8080\"\n"
        ),
        "{text}"
    );
    assert!(text.starts_with("# Managed by loom: "), "{text}");
    sandbox.is_settled();
}

#[test]
fn git_has_the_base_where_the_store_has_not() {
    let sandbox = small::standing(&lines("first", "last"), "");
    sandbox.apply();
    sandbox.commit();
    sandbox.edit("list", "5\n", "five\n");
    small::declare(&sandbox, &lines("first", "changed"), "");
    sandbox.loom(&["plan"]).comes_to(4).says("--on-drift merge");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "merge"])
        .comes_to(0);
    assert_eq!(
        sandbox.read("list"),
        "first\n2\n3\n4\nfive\n6\n7\n8\n9\nchanged\n"
    );
    sandbox.is_settled();
}

#[test]
fn after_a_merge_a_clone_renders_the_base_again_from_the_input_of_the_commit() {
    let sandbox = edited();
    sandbox.apply();
    sandbox.commit();
    // what loom rendered was never a file, and a clone has no store
    std::fs::remove_file(sandbox.root().join(".git/loom/objects")).expect("it is there");
    small::declare(&sandbox, &lines("once more", "changed"), MERGE);
    sandbox.apply();
    assert_eq!(
        sandbox.read("list"),
        "once more\n2\n3\n4\nfive\n6\n7\n8\n9\nchanged\n"
    );
    sandbox.is_settled();
}

#[test]
fn where_the_base_is_nowhere_loom_stops_and_says_what_helps() {
    let sandbox = small::standing(&lines("first", "last"), "");
    sandbox.apply();
    sandbox.edit("list", "5\n", "five\n");
    small::declare(&sandbox, &lines("first", "changed"), "");
    for skips in [&[][..], &["--skip-conflicts"]] {
        let before = sandbox.tree();
        for command in [&["plan"][..], &["apply", "--yes"]] {
            let arguments = [command, &["--on-drift", "merge"], skips].concat();
            let ran = sandbox.loom(&arguments).comes_to(4);
            let ran = ran.says("LOOM0510").says("list").says("--on-drift keep");
            assert!(!ran.out.contains("Digest:"), "no other plan is made: {ran}");
        }
        assert_eq!(sandbox.tree(), before);
    }
    sandbox.loom(&["plan", "--on-drift", "keep"]).comes_to(0);
}

#[test]
fn a_shallow_clone_is_told_to_fetch_the_rest() {
    let origin = edited();
    origin.loom(&["apply", "--yes"]).comes_to(0);
    origin.commit();
    origin.write("note", "a later commit\n");
    small::declare(&origin, &lines("once more", "changed"), MERGE);
    origin.git(&["add", "loom.yaml", "note"]);
    origin.commit();
    let clone = Sandbox::without_git();
    let from = format!("file://{}", origin.root().display());
    clone.git(&["clone", "--quiet", "--depth", "1", &from, "."]);
    clone
        .loom(&["plan", "--skip-conflicts"])
        .comes_to(4)
        .says("LOOM0510")
        .says("git fetch --unshallow");
    clone.git(&["fetch", "--quiet", "--unshallow"]);
    clone.apply();
    assert_eq!(
        clone.read("list"),
        "once more\n2\n3\n4\nfive\n6\n7\n8\n9\nchanged\n"
    );
}

#[test]
fn a_block_merges_and_what_is_around_it_stays() {
    let block = |first: &str, last: &str| {
        lines(first, last).replace("path: list", "path: list, own: block")
    };
    let sandbox = small::standing(&block("first", "last"), MERGE);
    sandbox.write("list", "above\n");
    sandbox.apply();
    sandbox.edit("list", "5\n", "five\n");
    sandbox.append("list", "below\n");
    small::declare(&sandbox, &block("first", "changed"), MERGE);
    sandbox.apply();
    let text = sandbox.read("list");
    assert!(
        text.starts_with("above\n")
            && text.ends_with("below\n")
            && text.contains("five\n6\n7\n8\n9\nchanged\n"),
        "{text}"
    );
    sandbox.is_settled();
}

#[test]
fn terraform_that_a_merge_would_drop_is_a_conflict() {
    let module = |more: &str| {
        format!(
            "  - kind: terraform.module\n    name: bucket\n    files: {{ main.tf: {{ resource: {{ aws_s3_bucket: {{ one: {{ bucket: one }}{more} }} }} }} }}\n"
        )
    };
    let sandbox = small::standing(&module(", two: { bucket: two }"), MERGE);
    sandbox.apply();
    let path = "infrastructure/terraform/modules/bucket/main.tf";
    sandbox.edit(path, "\"one\"\n}", "\"one\"\n  force_destroy = true\n}");
    small::declare(&sandbox, &module(""), MERGE);
    sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("`aws_s3_bucket.two` would go");
    assert!(sandbox.read(path).contains("two"));
}

/// Git's own merge of three files, and whether it is clean.
fn by_git(sandbox: &Sandbox, [base, ours, theirs]: [&str; 3]) -> (String, bool) {
    sandbox.write("base", base);
    sandbox.write("ours", ours);
    sandbox.write("theirs", theirs);
    let mut git = Command::new("git");
    let output = git
        .args(["merge-file", "--stdout", "ours", "base", "theirs"])
        .current_dir(sandbox.root())
        .output();
    let output = output.expect("Git can be run");
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        output.status.code() == Some(0),
    )
}

/// The same cases in each run: rare others are clean here, and Git asks (decision 0016).
#[test]
fn what_merges_cleanly_is_what_git_makes_of_it() {
    let sandbox = Sandbox::without_git();
    let text = || "([a-e]\n){0,9}";
    let mut runner = TestRunner::new_with_rng(
        ProptestConfig::with_cases(5000),
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let law = |(base, ours, theirs): (String, String, String)| {
        let sides = loom_plan::merge::Sides {
            base: &base,
            observed: &ours,
            desired: &theirs,
        };
        if let Ok(merged) = loom_plan::merge::merge(sides, None) {
            let (text, clean) = by_git(&sandbox, [&base, &ours, &theirs]);
            prop_assert!(clean, "Git finds a conflict:\n{text}");
            prop_assert_eq!(merged, text);
        }
        Ok(())
    };
    runner
        .run(&(text(), text(), text()), law)
        .unwrap_or_else(|error| panic!("{error}"));
}

/// A manifest that is merged, applied and committed.
fn mapped() -> Sandbox {
    let sandbox = small::standing(&config_map("3000"), MERGE);
    sandbox.apply();
    sandbox.commit();
    sandbox
}

fn config_map(port: &str) -> String {
    format!(
        "  - {{ kind: kubernetes.manifest, name: s, documents: [ {{ apiVersion: v1, kind: ConfigMap, metadata: {{ name: s }}, \
         data: {{ port: \"{port}\", level: info }} }} ] }}\n"
    )
}

#[test]
fn a_merge_keeps_the_line_ends_and_writes_one_header_wherever_somebody_moved_it() {
    let licence = |text: &str| format!("# SPDX-License-Identifier: MIT\n{text}");
    let edits: [&dyn Fn(&str) -> String; 6] = [
        &licence,
        &|text| text.replace('\n', "\r\n"),
        &|text| licence(text).replace('\n', "\r\n"),
        &|text| text.replacen("PATH'\n", "PATH'  \n", 1),
        &|text| licence(text).replacen("PATH'\n", "PATH'\t\n", 1),
        &|text| text.replacen("level: info\n", "level: info\r\n", 1),
    ];
    for edit in edits {
        let sandbox = mapped();
        let edited = edit(&sandbox.read("k8s/s.yml"));
        sandbox.write("k8s/s.yml", &edited);
        small::declare(&sandbox, &config_map("3001"), MERGE);
        sandbox.apply();
        let text = sandbox.read("k8s/s.yml");
        assert_eq!(text.matches("Managed by loom").count(), 1, "{text:?}");
        assert_eq!(text.matches("SPDX").count(), edited.matches("SPDX").count());
        assert!(text.contains("3001"), "{text:?}");
        assert_eq!(
            text.matches("\r\n").count(),
            edited.matches("\r\n").count(),
            "{text:?}"
        );
        sandbox.is_settled();
        small::declare(&sandbox, &config_map("3002"), MERGE);
        sandbox.apply();
        let text = sandbox.read("k8s/s.yml");
        assert_eq!(text.matches("Managed by loom").count(), 1, "{text:?}");
        sandbox.is_settled();
    }
}

#[test]
fn what_was_adopted_merges_without_a_commit_in_between_and_changes_only_what_changed() {
    let service = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web # ours\nspec:\n  ports:\n  - name: http\n    \
                   port: 80\n    targetPort: 3000\n  - {name: metrics, port: 81}\n  selector: { app: web }\n";
    let sandbox = Sandbox::of(&[
        (
            "loom.yaml",
            "loom: 1\nproject: x\nenvironments:\n  main: {}\n",
        ),
        ("service.yaml", service),
    ]);
    sandbox.loom(&["adopt", "service.yaml"]).comes_to(0);
    sandbox.edit("loom.yaml", "3000", "3001");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "merge"])
        .comes_to(0);
    let text = sandbox.read("service.yaml");
    assert!(text.ends_with(&service.replace("3000", "3001")), "{text}");
    sandbox.is_settled();
}

#[test]
fn of_several_records_the_one_whose_base_can_be_found_counts() {
    let lines = |port: u16, replicas: u8| {
        format!(
            "  - {{ kind: file, name: f, path: f.txt, content: \"port {port}\\n-\\n-\\n-\\nreplicas {replicas}\\n-\\n-\\n-\\n\
             both {port} {replicas}\\n\" }}\n"
        )
    };
    let sandbox = small::standing(&lines(3000, 2), MERGE);
    sandbox.apply();
    sandbox.commit();
    let ledger = ".loom/ledger/project.jsonl";
    let at = |port, replicas| {
        small::declare(&sandbox, &lines(port, replicas), MERGE);
        sandbox.apply();
        sandbox.read(ledger)
    };
    // of this one no commit is left
    let theirs = at(3000, 5);
    let ours = at(3001, 2);
    let file = |text: &str| {
        let found = text.lines().find(|line| line.contains("f.txt"));
        found.expect("it is recorded").to_owned()
    };
    let (ours_line, theirs_line) = (file(&ours), file(&theirs));
    sandbox.write(
        ledger,
        &ours.replace(&ours_line, &format!("{ours_line}\n{theirs_line}")),
    );
    small::declare(&sandbox, &lines(3001, 2), MERGE);
    sandbox.commit();
    // what a person made of both files
    sandbox.write(
        "f.txt",
        "port 3001\n-\n-\n-\nreplicas 5\n-\n-\n-\nboth 3001 2\n",
    );
    small::declare(&sandbox, &lines(3001, 5), MERGE);
    std::fs::remove_file(sandbox.root().join(".git/loom/objects")).expect("it is there");
    sandbox.apply();
    assert!(sandbox.read("f.txt").ends_with("both 3001 5\n"));
    sandbox.is_settled();
}
