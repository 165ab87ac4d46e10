//! What was reviewed is what is done, or nothing is.

use super::sandbox::Sandbox;
use super::small;

fn saved(sandbox: &Sandbox) -> String {
    let file = sandbox.outside("plan.loom").display().to_string();
    sandbox
        .loom(&["plan", "--out", &file])
        .comes_to(0)
        .says("loom apply");
    file
}

#[test]
fn nobody_at_the_keyboard_is_no_approval() {
    let sandbox = small::fresh();
    sandbox.loom(&["apply"]).comes_to(1).complains("--yes");
    sandbox.loom_reading(&["apply"], "yes\n").comes_to(1);
    assert!(!sandbox.has("etc/port"));
}

#[test]
fn a_saved_plan_is_shown_and_applied_as_it_was() {
    let sandbox = small::fresh();
    let file = saved(&sandbox);
    let plan = sandbox.loom(&["plan"]);
    let shown = sandbox.loom(&["show", &file]).comes_to(0);
    assert_eq!(shown.digest(), plan.digest());
    assert_eq!(shown.marked('+'), plan.marked('+'));
    let json = sandbox
        .loom(&["show", &file, "--format", "json"])
        .comes_to(0)
        .json();
    assert_eq!(json["digest"], plan.digest());
    sandbox
        .loom(&["apply", &file])
        .comes_to(0)
        .says("Applied: ");
    sandbox.is_settled();
    sandbox
        .loom(&["apply", &file])
        .comes_to(0)
        .says("Nothing to do");
}

#[test]
fn a_saved_plan_brings_its_own_scope() {
    let sandbox = small::fresh();
    let file = sandbox.outside("plan.loom").display().to_string();
    sandbox
        .loom(&["plan", "--path", "etc/**", "--out", &file])
        .comes_to(0);
    sandbox.loom(&["apply", &file]).comes_to(0);
    assert!(sandbox.has("etc/port") && !sandbox.has("docs/hours.md"));
}

#[test]
fn a_plan_that_is_not_what_was_saved_any_more_is_refused_and_the_files_are_named() {
    let sandbox = small::fresh();
    let file = saved(&sandbox);
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    sandbox
        .loom(&["apply", &file])
        .comes_to(3)
        .complains("etc/port")
        .complains("stale");
    assert!(!sandbox.has("etc/port"));
}

#[test]
fn a_saved_plan_that_was_edited_or_cut_off_is_refused() {
    let sandbox = small::fresh();
    let file = saved(&sandbox);
    let text = std::fs::read_to_string(&file).expect("it was written");
    let lines: Vec<&str> = text.lines().collect();
    let without_trailer = lines[..lines.len() - 1].join("\n") + "\n";
    let without_action = [&lines[..1], &lines[2..]].concat().join("\n") + "\n";
    let half = &text[..text.len() / 2];
    let newer = text.replacen("\"format\":2", "\"format\":3", 1);
    for broken in [
        &without_trailer,
        &without_action,
        half,
        &newer,
        &text.replace("port 3000", "port 3001"),
        "",
        "{}\n",
        "plan\n",
    ] {
        assert_ne!(broken, text);
        std::fs::write(&file, broken).expect("it can be written");
        for command in ["apply", "show"] {
            let ran = sandbox.loom(&[command, &file]).comes_to(1);
            assert!(ran.err.contains("LOOM0601"), "{broken}\n{ran}");
        }
    }
    assert!(!sandbox.has("etc/port"));
}

#[test]
fn a_reviewed_document_that_shows_something_else_than_its_digest_is_refused() {
    let sandbox = small::fresh();
    let file = sandbox.outside("plan.json");
    let text = sandbox.loom(&["plan", "--format", "json"]).comes_to(0).out;
    let path = file.display().to_string();
    let action: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let hash = action["actions"][0]["parts"][0]["after"]["hash"]
        .as_str()
        .expect("a hash");
    for (from, to) in [
        ("port 3000", "port 3001"),
        ("\"path\": \"etc/port\"", "\"path\": \"etc/p\""),
        ("\"mode\": \"plain\"", "\"mode\": \"executable\""),
        ("\"action\": \"create\"", "\"action\": \"update\""),
        ("\"adopt\": \"declared\"", "\"adopt\": \"all\""),
        ("\"choices\"", "\"choice\""),
        (hash, &"0".repeat(64)),
    ] {
        let forged = text.replacen(from, to, 1);
        assert_ne!(forged, text, "{from}");
        std::fs::write(&file, forged).expect("it can be written");
        let ran = sandbox.loom(&["apply", "--expect", &path]).comes_to(1);
        assert!(ran.err.contains("LOOM0601"), "{from}\n{ran}");
        assert!(!sandbox.has("etc/port"));
    }
    std::fs::write(&file, text).expect("it can be written");
    sandbox.loom(&["apply", "--expect", &path]).comes_to(0);
}

#[test]
fn a_digest_approves_exactly_one_plan() {
    let sandbox = small::fresh();
    let digest = sandbox.loom(&["plan"]).digest();
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    sandbox
        .loom(&["apply", "--expect", &digest])
        .comes_to(3)
        .complains(&digest);
    assert!(!sandbox.has("etc/port"));
    sandbox.edit("loom.yaml", "port: 3001", "port: 3000");
    sandbox.loom(&["apply", "--expect", &digest]).comes_to(0);
    sandbox
        .loom(&["apply", "--expect", &digest])
        .comes_to(0)
        .says("Nothing to do");
}

#[test]
fn the_reviewed_json_approves_and_names_what_differs() {
    let sandbox = small::fresh();
    let file = sandbox.outside("plan.json");
    std::fs::write(
        &file,
        sandbox.loom(&["plan", "--format", "json"]).comes_to(0).out,
    )
    .expect("it can be written");
    let file = file.display().to_string();
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    let refused = sandbox
        .loom(&["apply", "--expect", &file])
        .comes_to(3)
        .complains("etc/port");
    assert!(
        !refused.err.contains("docs/hours.md"),
        "only what differs is named\n{refused}"
    );
    sandbox.edit("loom.yaml", "port: 3001", "port: 3000");
    sandbox.loom(&["apply", "--expect", &file]).comes_to(0);
}

#[test]
fn an_approval_outlives_what_does_not_concern_it() {
    let sandbox = Sandbox::of(&[("loom.yaml", small::PROJECT), (".gitignore", "target\n")]);
    small::declare(
        &sandbox,
        "  - { kind: file, name: ignored, path: .gitignore, own: block, content: \"secret\\n\" }\n",
        "",
    );
    let digest = sandbox.loom(&["plan"]).digest();
    sandbox.append(".gitignore", "dist\n");
    sandbox.write("README.md", "unrelated\n");
    sandbox.edit("loom.yaml", "loom: 1\n", "# moves every line\nloom: 1\n");
    sandbox.loom(&["apply", "--expect", &digest]).comes_to(0);
    assert!(sandbox.read(".gitignore").starts_with("target\ndist\n"));
}

#[test]
fn many_deletions_need_a_number() {
    let entry = |index: usize| {
        format!("  - {{ kind: file, name: f{index}, path: many/f{index}, content: x }}\n")
    };
    let all: String = (0..30).map(entry).collect();
    let sandbox = small::standing(&all, "");
    sandbox.apply();
    small::declare(&sandbox, "  []\n", "");
    let plan = sandbox
        .loom(&["plan"])
        .comes_to(0)
        .says("Most goes: 30 of the 32 files that loom manages would be deleted.");
    let markdown = sandbox
        .loom(&["plan", "--format", "markdown"])
        .comes_to(0)
        .says("**Most goes: 30 of the 32 files");
    assert!(markdown.out.contains("--max-deletes 30"), "{markdown}");
    let refused = sandbox
        .loom(&["apply", "--expect", &plan.digest()])
        .comes_to(4);
    refused
        .complains("this plan deletes 30 of the 32 files that loom manages")
        .complains("--max-deletes 30");
    sandbox.loom(&["apply", "--yes"]).comes_to(4);
    assert!(sandbox.has("many/f7"));
    sandbox
        .loom(&["apply", "--yes", "--max-deletes", "29"])
        .comes_to(4)
        .complains("--max-deletes 29 does not allow that");
    assert!(
        plan.line("Apply it with: ").ends_with("--max-deletes 30"),
        "{plan}"
    );
    sandbox
        .loom(&["apply", "--yes", "--max-deletes", "30"])
        .comes_to(0);
    assert!(!sandbox.has("many"), "directories that loom emptied go too");
    sandbox.is_settled();
}

/// A repository with everything applied on `main`, and a branch `feature` whose input asks for another
/// port; what it comes to is reviewed, and not applied yet.
fn reviewed() -> (Sandbox, String) {
    let sandbox = small::applied();
    sandbox.git(&["config", "user.name", "Ada"]);
    sandbox.git(&["config", "user.email", "ada@example.com"]);
    sandbox.git(&["switch", "--quiet", "--create", "feature"]);
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    sandbox.commit();
    let digest = sandbox.loom(&["plan"]).comes_to(0).digest();
    let json = sandbox.loom(&["plan", "--format", "json"]).comes_to(0).out;
    std::fs::write(sandbox.outside("reviewed.json"), json).expect("it can be written");
    (sandbox, digest)
}

/// Another request goes into `main`, applied: a story of its own.
fn merge_another(sandbox: &Sandbox) {
    sandbox.git(&["switch", "--quiet", "main"]);
    sandbox.write(
        "stories/S-2.yaml",
        "story: S-2\ntasks:\n  - id: T-1\n    artifacts:\n      - { kind: file, name: two, path: etc/two, content: two }\n",
    );
    sandbox.apply();
    sandbox.commit();
    sandbox.git(&["switch", "--quiet", "feature"]);
}

fn expecting(sandbox: &Sandbox, what: &str) -> super::sandbox::Ran {
    sandbox.loom(&["apply", "--expect", what])
}

#[test]
fn an_approval_outlives_a_rebase_onto_an_unrelated_request_and_a_merge_of_it() {
    for way in [
        &["rebase", "--quiet", "main"][..],
        &["merge", "--quiet", "--no-edit", "main"],
    ] {
        let (sandbox, digest) = reviewed();
        merge_another(&sandbox);
        sandbox.git(way);
        assert!(sandbox.has("etc/two"));
        let applied = expecting(&sandbox, &digest).comes_to(0);
        assert_eq!(applied.marked('~'), ["etc/port"]);
        sandbox.is_settled();
        sandbox.commit();
        expecting(&sandbox, &digest)
            .comes_to(0)
            .says("Nothing to do");
    }
}

#[test]
fn a_rebase_onto_a_change_of_the_same_file_needs_another_review_and_the_file_is_named() {
    let (sandbox, digest) = reviewed();
    merge_another(&sandbox);
    sandbox.git(&["switch", "--quiet", "main"]);
    sandbox.edit(
        "stories/S-1.yaml",
        "port ${service:port}",
        "listen ${service:port}",
    );
    sandbox.apply();
    sandbox.commit();
    sandbox.git(&["switch", "--quiet", "feature"]);
    sandbox.git(&["rebase", "--quiet", "main"]);
    expecting(&sandbox, &digest)
        .comes_to(3)
        .complains(&digest)
        .says("+listen 3001");
    let file = sandbox.outside("reviewed.json").display().to_string();
    let refused = expecting(&sandbox, &file)
        .comes_to(3)
        .complains("These differ: etc/port.");
    assert!(!refused.err.contains("etc/two"), "{refused}");
    assert_eq!(sandbox.read("etc/port"), "listen 3000\n");
}

#[test]
fn a_request_that_was_merged_and_does_a_part_of_it_already_is_named() {
    let (sandbox, _) = reviewed();
    sandbox.edit("stories/S-1.yaml", "nine to five", "ten to six");
    sandbox.commit();
    let file = sandbox.outside("plan.loom").display().to_string();
    sandbox.loom(&["plan", "--out", &file]).comes_to(0);
    sandbox
        .loom(&["apply", "--yes", "--target", "file.port"])
        .comes_to(0);
    for approved in [["apply", &file].as_slice(), &["apply", "--expect", &file]] {
        sandbox
            .loom(approved)
            .comes_to(3)
            .complains("These differ: etc/port.");
    }
}

#[test]
fn a_digest_of_another_branch_or_an_older_commit_is_refused_and_back_there_it_holds() {
    let (sandbox, digest) = reviewed();
    sandbox.edit("loom.yaml", "port: 3001", "port: 3002");
    sandbox.commit();
    let newer = sandbox.loom(&["plan"]).digest();
    expecting(&sandbox, &digest).comes_to(3);
    sandbox.git(&["switch", "--quiet", "--create", "other", "main"]);
    sandbox.edit("loom.yaml", "port: 3000", "port: 4000");
    sandbox.commit();
    expecting(&sandbox, &digest).comes_to(3);
    expecting(&sandbox, &newer).comes_to(3);
    sandbox.git(&["switch", "--quiet", "--detach", "feature^"]);
    expecting(&sandbox, &newer).comes_to(3);
    expecting(&sandbox, &digest).comes_to(0);
}

#[test]
fn a_fork_comes_to_the_same_digest_wherever_it_is_checked_out() {
    let (sandbox, digest) = reviewed();
    let fork = Sandbox::without_git();
    fork.git(&[
        "clone",
        "--quiet",
        "--depth",
        "1",
        "--branch",
        "feature",
        &format!("file://{}", sandbox.root().display()),
        ".",
    ]);
    assert_eq!(fork.loom(&["plan"]).digest(), digest);
    let file = sandbox.outside("reviewed.json").display().to_string();
    expecting(&fork, &file).comes_to(0);
    fork.is_settled();
    // and an approval of what the fork changed since is none of what stands here
    fork.edit("loom.yaml", "port: 3001", "port: 3009");
    let changed = fork.loom(&["plan"]).digest();
    expecting(&sandbox, &changed).comes_to(3);
}

#[test]
fn a_difference_of_mode_alone_is_named() {
    let run = |mode: &str| {
        format!("  - {{ kind: file, name: run, path: bin/run, content: \"#!/bin/sh\\n\"{mode} }}\n")
    };
    let sandbox = small::standing(&run(""), "");
    let (saved, json) = (
        sandbox.outside("p.loom").display().to_string(),
        sandbox.outside("p.json").display().to_string(),
    );
    sandbox.loom(&["plan", "--out", &saved]).comes_to(0);
    std::fs::write(&json, sandbox.loom(&["plan", "--format", "json"]).out)
        .expect("it can be written");
    small::declare(&sandbox, &run(", mode: executable"), "");
    for approved in [&saved, &json] {
        expecting(&sandbox, approved)
            .comes_to(3)
            .complains("These differ: bin/run.");
    }
}

#[test]
fn a_file_that_approves_nothing_says_why() {
    let (sandbox, _) = reviewed();
    let file = sandbox.outside("plan.loom").display().to_string();
    sandbox.loom(&["plan", "--out", &file]).comes_to(0);
    let text = std::fs::read_to_string(&file).expect("it was written");
    let blocked = {
        sandbox.edit("etc/port", "port", "Port");
        let json = sandbox.loom(&["plan", "--format", "json"]).comes_to(4).out;
        sandbox.edit("etc/port", "Port", "port");
        json
    };
    let newer = text.replacen("\"format\":2", "\"format\":3", 1);
    let broken = [
        (text[..text.len() / 2].to_owned(), "LOOM0601"),
        (
            text.replace("3001", "3002"),
            "was edited after it was saved",
        ),
        (newer, "use a newer loom"),
        (blocked, "a person has to decide something first"),
        ("{}".to_owned(), "is neither a saved plan nor"),
        (String::new(), "is neither a saved plan nor"),
    ];
    for (text, why) in broken {
        std::fs::write(&file, text).expect("it can be written");
        expecting(&sandbox, &file).comes_to(1).complains(why);
    }
    sandbox.apply();
    std::fs::write(
        &file,
        sandbox.loom(&["plan", "--format", "json"]).comes_to(0).out,
    )
    .expect("it can be written");
    expecting(&sandbox, &file)
        .comes_to(1)
        .complains("it had nothing to apply");
    assert_eq!(sandbox.read("etc/port"), "port 3001\n");
}
