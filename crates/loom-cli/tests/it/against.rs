//! `loom plan --against REF`: what a request does to the managed files.

use super::sandbox::{Ran, Sandbox};
use super::small;

/// A branch `feature` that changes the port, applied and committed.
fn request() -> Sandbox {
    let sandbox = small::applied();
    sandbox.git(&["config", "user.name", "Ada"]);
    sandbox.git(&["config", "user.email", "ada@example.com"]);
    sandbox.git(&["switch", "--quiet", "--create", "feature"]);
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    sandbox.apply();
    sandbox.commit();
    sandbox
}

fn against(sandbox: &Sandbox) -> Ran {
    sandbox.loom(&["plan", "--against", "main"])
}

#[test]
fn a_request_shows_what_it_does_to_the_files_and_why_and_can_not_be_applied_again() {
    let sandbox = request();
    let base = sandbox.git(&["rev-parse", "--short=10", "main"]);
    let ran = against(&sandbox)
        .comes_to(0)
        .says("~ etc/port")
        .says("-port 3000")
        .says("+port 3001");
    let ran = ran.says("services.api.port changed, loom.yaml:8");
    let ran = ran.says(&format!(
        "Compared with {}, where this branch left main: 1 updated.",
        base.trim()
    ));
    assert!(
        !ran.out.contains("Digest") && !ran.out.contains("Apply it with"),
        "{ran}"
    );
    sandbox.git(&["switch", "--quiet", "main"]);
    against(&sandbox)
        .comes_to(0)
        .says("where this branch left main: no managed file changes.");
}

#[test]
fn what_came_to_the_base_since_is_none_of_the_requests_before_and_after_the_merge() {
    let sandbox = request();
    sandbox.git(&["switch", "--quiet", "main"]);
    sandbox.write(
        "stories/S-2.yaml",
        "story: S-2\ntasks:\n  - id: T-1\n    artifacts:\n      - { kind: file, name: new, path: etc/new, content: new }\n",
    );
    sandbox.apply();
    sandbox.commit();
    sandbox.git(&["switch", "--quiet", "feature"]);
    assert_eq!(
        against(&sandbox)
            .comes_to(0)
            .actions()
            .into_keys()
            .collect::<Vec<_>>(),
        ["etc/port"]
    );
    // as a forge checks a request out: merged with the tip of its base
    sandbox.git(&["switch", "--quiet", "--detach", "main"]);
    sandbox.git(&["merge", "--quiet", "--no-edit", "feature"]);
    assert_eq!(
        against(&sandbox)
            .comes_to(0)
            .actions()
            .into_keys()
            .collect::<Vec<_>>(),
        ["etc/port"]
    );
    assert_eq!(
        sandbox
            .loom(&["plan", "--against", "HEAD^1"])
            .comes_to(0)
            .marked('~'),
        ["etc/port"]
    );
}

#[test]
fn a_tree_that_is_not_applied_fails_and_shows_what_it_would_come_to() {
    let sandbox = request();
    sandbox.edit("loom.yaml", "port: 3001", "port: 3002");
    sandbox.commit();
    let ran = against(&sandbox)
        .comes_to(2)
        .says("+port 3002")
        .says("This tree is not converged (etc/port)");
    ran.says("run `loom apply`, and commit what it writes");
    sandbox
        .loom(&["plan", "--against", "main", "--format", "json"])
        .comes_to(2)
        .complains("This tree is not converged");
    sandbox.edit("etc/port", "port 3001", "port 1");
    against(&sandbox)
        .comes_to(4)
        .says("Somebody has to decide about etc/port");
}

#[test]
fn accepted_and_merged_edits_are_shown_as_they_are_in_the_request() {
    let list = |last: &str| {
        format!(
            "  - {{ kind: file, name: list, path: list, content: \"1\\n2\\n3\\n4\\n5\\n6\\n7\\n{last}\\n\" }}\n"
        )
    };
    let sandbox = small::standing(&list("8"), "");
    sandbox.apply();
    sandbox.commit();
    sandbox.git(&["switch", "--quiet", "--create", "feature"]);
    sandbox.edit("list", "2\n", "two\n");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    sandbox.commit();
    against(&sandbox)
        .comes_to(0)
        .says("~ list")
        .says("-2")
        .says("+two")
        .says("edited by hand");
    small::declare(&sandbox, &list("eight"), "");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "merge"])
        .comes_to(0);
    sandbox.commit();
    against(&sandbox)
        .comes_to(0)
        .says("+two")
        .says("+eight")
        .says("1 updated (1 accepted edit).");
}

#[test]
fn what_comes_goes_and_moves_and_what_only_the_ledger_learns() {
    let file = |name: &str, path: &str| {
        format!("  - {{ kind: file, name: {name}, path: {path}, content: {name} }}\n")
    };
    let sandbox = small::standing(
        &[
            file("gone", "etc/gone"),
            file("moves", "etc/old"),
            file("freed", "etc/freed"),
        ]
        .concat(),
        "",
    );
    sandbox.write("etc/there", "there");
    sandbox.apply();
    sandbox.commit();
    sandbox.git(&["switch", "--quiet", "--create", "feature"]);
    let now = [
        file("moves", "etc/new"),
        file("comes", "etc/comes"),
        file("there", "etc/there"),
    ]
    .concat();
    small::declare(
        &sandbox,
        &now,
        "removed: [{ address: file.freed, keep: true }]\n",
    );
    sandbox.apply();
    sandbox.commit();
    let ran = against(&sandbox)
        .comes_to(0)
        .says("1 created, 1 deleted, 1 moved, 1 recorded as they are, 1 no longer managed.");
    assert_eq!(
        (ran.marked('+'), ran.marked('-')),
        (vec!["etc/comes".to_owned()], vec!["etc/gone".to_owned()]),
        "{ran}"
    );
    assert_eq!(
        (ran.marked('='), ran.marked('.')),
        (vec!["etc/there".to_owned()], vec!["etc/freed".to_owned()]),
        "{ran}"
    );
    assert_eq!(ran.marked('>').len(), 1, "{ran}");
    assert_eq!(
        sandbox
            .loom(&["plan", "--against", "main", "--path", "etc/comes"])
            .comes_to(0)
            .actions()
            .len(),
        1
    );
}

#[test]
fn the_lines_of_others_in_a_shared_file_are_not_looms() {
    let block = |text: &str| {
        format!(
            "  - {{ kind: file, name: ignored, path: .gitignore, own: block, content: \"{text}\\n\" }}\n"
        )
    };
    let sandbox = small::standing(&block("one"), "");
    sandbox.write(".gitignore", "target\n");
    sandbox.apply();
    sandbox.commit();
    sandbox.git(&["switch", "--quiet", "--create", "feature"]);
    sandbox.append(".gitignore", "dist\n");
    sandbox.commit();
    against(&sandbox)
        .comes_to(0)
        .says("no managed file changes");
    small::declare(&sandbox, &block("two"), "");
    sandbox.apply();
    sandbox.commit();
    assert_eq!(against(&sandbox).comes_to(0).marked('~'), [".gitignore"]);
    small::declare(&sandbox, "  []\n", "");
    sandbox.apply();
    sandbox.commit();
    assert_eq!(
        against(&sandbox).comes_to(0).marked('~'),
        [".gitignore"],
        "the file stays, and the block goes"
    );
}

#[test]
fn a_base_from_before_loom_and_a_root_that_was_renamed() {
    let sandbox = Sandbox::of(&[("README", "x\n"), ("etc/port", "port 2000\n")]);
    sandbox.commit();
    sandbox.git(&["switch", "--quiet", "--create", "feature"]);
    sandbox.write("loom.yaml", small::PROJECT);
    sandbox.write("stories/S-1.yaml", small::STORY);
    sandbox.loom(&["apply", "--yes", "--adopt"]).comes_to(0);
    sandbox
        .loom(&[
            "apply",
            "--yes",
            "--on-drift",
            "restore",
            "--target",
            "file.port",
        ])
        .comes_to(0);
    sandbox.commit();
    let ran = against(&sandbox).comes_to(0).says("-port 2000");
    assert!(
        ran.marked('+').contains(&"docs/hours.md".to_owned()) && ran.marked('~') == ["etc/port"],
        "{ran}"
    );

    sandbox.git(&["switch", "--quiet", "--create", "renamed"]);
    std::fs::create_dir_all(sandbox.root().join("apps/shop")).expect("it can be made");
    for moved in [
        "loom.yaml",
        "stories",
        "etc",
        "docs",
        ".loom",
        ".gitattributes",
    ] {
        sandbox.git(&["mv", moved, "apps/shop/"]);
    }
    sandbox.commit();
    let from = |reference: &str| {
        let output = sandbox
            .command(&["plan", "--against", reference])
            .current_dir(sandbox.root().join("apps/shop"))
            .output();
        Ran::of(
            &["plan", "--against", reference],
            &output.expect("loom can be run"),
            &sandbox.root(),
        )
    };
    from("feature")
        .comes_to(0)
        .says("(where the root was .)")
        .says("no managed file changes");
    assert!(
        from("main")
            .comes_to(0)
            .marked('+')
            .contains(&"etc/port".to_owned())
    );
}

#[test]
fn every_format_has_the_comparison() {
    let sandbox = request();
    let format = |format: &str| {
        sandbox
            .loom(&["plan", "--against", "main", "--format", format])
            .comes_to(0)
    };
    let json = format("json").json();
    assert_eq!(
        (&json["digest"], &json["outcome"]),
        (&serde_json::Value::Null, &"converged".into())
    );
    assert_eq!(json["against"]["reference"], "main");
    assert_eq!(json["actions"][0]["path"], "etc/port");
    let markdown = format("markdown")
        .says("## Loom: 1 updated")
        .says("Compared with ")
        .says("+port 3001");
    assert!(!markdown.out.contains("Digest"), "{markdown}");
    format("html")
        .says("where this branch left main: 1 updated")
        .says("\"outcome\":\"compared\"");
    format("github").says("services.api.port");
    assert_eq!(
        format("sarif").json()["runs"][0]["results"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let file = sandbox.outside("plan.json");
    std::fs::write(&file, format("json").out).expect("it can be written");
    let file = file.display().to_string();
    sandbox
        .loom(&["apply", "--expect", &file])
        .comes_to(1)
        .complains("it compares a branch with its base");
}

#[test]
fn a_reference_that_is_no_base_is_said_with_what_helps() {
    let sandbox = request();
    let fails = |reference: &str| sandbox.loom(&["plan", "--against", reference]).comes_to(1);
    fails("origin/main")
        .complains("there is no commit `origin/main` in this repository")
        .complains("fetch the branch that the request goes to");
    sandbox.git(&["remote", "add", "origin", "https://example.com/shop.git"]);
    fails("origin/develop").complains("git fetch origin develop:refs/remotes/origin/develop");
    fails("main:loom.yaml").complains("`main:loom.yaml` is no commit");
    for hostile in [
        "",
        "-x",
        "a..b",
        "../../etc",
        "$(id)",
        "HEAD@{99}",
        "\u{1b}[31m",
    ] {
        let typed = format!("--against={hostile}");
        let ran = sandbox.loom(&["plan", &typed]).comes_to(1);
        assert!(!ran.err.contains('\u{1b}'), "{ran}");
    }
    sandbox.git(&["switch", "--quiet", "--orphan", "unrelated"]);
    sandbox.write("loom.yaml", small::PROJECT);
    sandbox.commit();
    fails("main").complains("the histories of `main` and of HEAD have no commit in common");
    let bare = Sandbox::without_git();
    bare.write("loom.yaml", small::PROJECT);
    bare.loom(&["plan", "--against", "main"])
        .comes_to(1)
        .complains("is in no Git repository");
    small::fresh()
        .loom(&["plan", "--against", "HEAD"])
        .comes_to(1)
        .complains("there is no commit");
}

#[test]
fn a_shallow_clone_is_told_to_fetch_the_rest() {
    let origin = request();
    let clone = Sandbox::without_git();
    clone.git(&[
        "clone",
        "--quiet",
        "--depth",
        "1",
        &format!("file://{}", origin.root().display()),
        ".",
    ]);
    clone
        .loom(&["plan", "--against", "origin/main"])
        .comes_to(1)
        .complains("this clone is shallow")
        .complains("fetch-depth: 0");
    clone.git(&["fetch", "--quiet", "--unshallow"]);
    clone
        .loom(&["plan", "--against", "origin/main"])
        .comes_to(1)
        .complains("git fetch origin main:refs/remotes/origin/main");
    clone.git(&[
        "fetch",
        "--quiet",
        "origin",
        "main:refs/remotes/origin/main",
    ]);
    clone
        .loom(&["plan", "--against", "origin/main"])
        .comes_to(0)
        .says("1 updated");
}
