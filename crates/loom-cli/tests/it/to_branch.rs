//! `loom apply --to-branch`: one commit, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::sandbox::{Ran, Sandbox};
use super::small;

/// Committed, with a committer, and with one change of the input that is committed and not applied.
fn ready() -> Sandbox {
    let sandbox = small::applied();
    identify(&sandbox);
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    sandbox.commit();
    sandbox
}

fn identify(sandbox: &Sandbox) {
    sandbox.git(&["config", "user.name", "Ada"]);
    sandbox.git(&["config", "user.email", "ada@example.com"]);
}

fn to(sandbox: &Sandbox, name: &str) -> Ran {
    sandbox.loom(&["apply", "--yes", "--to-branch", name])
}

/// Everything of Git and of the working tree that a commit to another branch has no business with.
fn untouched(sandbox: &Sandbox) -> (BTreeMap<String, Vec<u8>>, String, Vec<u8>, String) {
    let index = fs::read(sandbox.root().join(".git/index")).unwrap_or_default();
    (
        sandbox.tree(),
        sandbox.git(&["rev-parse", "HEAD"]),
        index,
        sandbox.git(&["--no-optional-locks", "status", "--porcelain"]),
    )
}

/// Checks the branch out, where nothing must be left to do and Git must find nothing wrong.
fn holds(sandbox: &Sandbox, name: &str) {
    sandbox.git(&["fsck", "--strict"]);
    sandbox.git(&["switch", "--quiet", name]);
    sandbox.is_settled();
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
}

#[test]
fn one_commit_holds_the_plan_and_the_worktree_stays_as_it_is() {
    let sandbox = ready();
    let digest = sandbox.loom(&["plan"]).digest();
    let before = untouched(&sandbox);
    let ran = sandbox
        .loom(&["apply", "--expect", &digest, "--to-branch", "loom/update"])
        .comes_to(0);
    assert_eq!(ran.digest(), digest);
    assert!(untouched(&sandbox) == before);
    let id = sandbox.git(&["rev-parse", "loom/update"]);
    ran.says("Applied: 1 updated.")
        .says(&id[..10])
        .says("Look at it with: git show loom/update");
    assert_eq!(sandbox.git(&["rev-list", "main..loom/update"]), id);
    assert_eq!(
        sandbox.git(&["rev-parse", "loom/update^"]),
        sandbox.git(&["rev-parse", "main"])
    );
    let changed = sandbox.git(&["diff", "--name-only", "main", "loom/update"]);
    assert_eq!(
        changed.lines().collect::<Vec<_>>(),
        [".loom/ledger/S-1.jsonl", "etc/port"]
    );
    holds(&sandbox, "loom/update");
}

#[test]
fn the_commit_is_what_apply_would_have_written() {
    let sandbox = ready();
    to(&sandbox, "aside").comes_to(0);
    sandbox.apply();
    sandbox.commit();
    assert_eq!(sandbox.git(&["diff", "aside", "main"]), "");
}

#[test]
fn the_message_is_from_the_story_and_ends_in_trailers() {
    let sandbox = ready();
    let digest = to(&sandbox, "aside").comes_to(0).digest();
    let message = sandbox.git(&["log", "-1", "--format=%B", "aside"]);
    let expected = format!(
        "S-1: Open the shop\n\nApplied: 1 updated.\n\nTask T-1 Write the files\n\n~ etc/port\n\nLoom-Story: S-1\nLoom-Plan: {digest}"
    );
    assert_eq!(message.trim_end(), expected);
    assert_eq!(
        sandbox.git(&["log", "-1", "--format=%an <%ae> %cn <%ce>", "aside"]),
        "Ada <ada@example.com> Ada <ada@example.com>\n"
    );
    let trailer = sandbox.git(&[
        "log",
        "-1",
        "--format=%(trailers:key=Loom-Plan,valueonly)",
        "aside",
    ]);
    assert_eq!(trailer.trim(), digest);
}

/// A story is under review like the rest of the request: the name in it may be anybody's.
#[test]
fn whoever_a_task_names_is_not_the_author_and_no_title_gives_an_order() {
    let sandbox = ready();
    sandbox.edit(
        "stories/S-1.yaml",
        "title: Write the files",
        "title: \"Write the files [skip ci], fixes #1\"\n    assignedTo: Grace Hopper <grace@example.com>",
    );
    sandbox.commit();
    to(&sandbox, "aside").comes_to(0);
    let told = sandbox.git(&["log", "-1", "--format=%an <%ae>, %cn%n%B", "aside"]);
    assert!(told.starts_with("Ada <ada@example.com>, Ada\n"), "{told}");
    assert!(
        told.contains("Write the files (skip ci), fixes 1 (Grace Hopper <graceexample.com>)"),
        "{told}"
    );
    assert!(!told.contains("Co-authored-by"), "{told}");
}

#[test]
fn gits_environment_says_who_wrote_and_who_commits() {
    let sandbox = small::applied();
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    sandbox.commit();
    let refused = to(&sandbox, "aside")
        .comes_to(1)
        .complains("Git does not know who commits")
        .complains("git config user.name");
    assert!(!refused.out.contains("The branch"));
    assert!(!sandbox.git_may_fail(&["rev-parse", "--verify", "--quiet", "aside"]));
    let arguments = ["apply", "--yes", "--to-branch", "aside"];
    let mut command = sandbox.command(&arguments);
    let people = [("AUTHOR", "Grace"), ("COMMITTER", "Bot")];
    for (role, name) in people {
        command
            .env(format!("GIT_{role}_NAME"), name)
            .env(format!("GIT_{role}_EMAIL"), "x@example.com");
        command.env(format!("GIT_{role}_DATE"), "2026-01-02T03:04:05+0100");
    }
    let ran = command.output().expect("loom can be run");
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert_eq!(
        sandbox
            .git(&["log", "-1", "--format=%an %cn %aI", "aside"])
            .trim(),
        "Grace Bot 2026-01-02T03:04:05+01:00"
    );
}

#[test]
fn a_retry_after_success_is_green_and_writes_nothing() {
    let sandbox = ready();
    let digest = sandbox.loom(&["plan"]).digest();
    let arguments = ["apply", "--expect", &digest, "--to-branch", "aside"];
    sandbox.loom(&arguments).comes_to(0);
    let id = sandbox.git(&["rev-parse", "aside"]);
    sandbox
        .loom(&arguments)
        .comes_to(0)
        .says("holds this plan already");
    assert_eq!(sandbox.git(&["rev-parse", "aside"]), id);
    sandbox.git(&["switch", "--quiet", "aside"]);
    to(&sandbox, "other")
        .comes_to(0)
        .says("Nothing to do")
        .says("No commit was made");
    assert!(!sandbox.git_may_fail(&["rev-parse", "--verify", "--quiet", "other"]));
}

#[test]
fn a_branch_that_is_converged_with_another_input_is_no_success() {
    let sandbox = ready();
    sandbox.git(&["branch", "old", "HEAD^"]);
    let tip = sandbox.git(&["rev-parse", "old"]);
    let refused = to(&sandbox, "old")
        .comes_to(3)
        .complains("stale")
        .complains("loom.yaml")
        .complains("etc/port");
    refused
        .complains("git branch --force old HEAD")
        .complains("git switch --detach old");
    assert_eq!(sandbox.git(&["rev-parse", "old"]), tip);
}

#[test]
fn a_branch_that_is_there_gets_the_commit_on_its_tip() {
    let sandbox = ready();
    sandbox.git(&["switch", "--quiet", "--create", "feature"]);
    sandbox.write("src/main.rs", "fn main() {}\n");
    sandbox.commit();
    let tip = sandbox.git(&["rev-parse", "feature"]);
    sandbox.git(&["switch", "--quiet", "main"]);
    to(&sandbox, "feature").comes_to(0);
    assert_eq!(sandbox.git(&["rev-parse", "feature^"]), tip);
    holds(&sandbox, "feature");
    assert!(sandbox.has("src/main.rs"));
}

#[test]
fn the_branch_of_a_request_is_written_from_a_detached_head_as_a_job_does() {
    let origin = ready();
    let job = Sandbox::without_git();
    job.git(&[
        "clone",
        "--quiet",
        &origin.root().display().to_string(),
        ".",
    ]);
    identify(&job);
    job.git(&["switch", "--quiet", "--detach", "origin/main"]);
    job.git(&["branch", "--quiet", "--delete", "--force", "main"]);
    origin.git(&["switch", "--quiet", "--create", "request"]);
    job.git(&["fetch", "--quiet"]);
    job.git(&["switch", "--quiet", "--detach", "origin/request"]);
    let ran = to(&job, "request")
        .comes_to(0)
        .says("Push it with: git push origin request:request");
    origin.git(&["switch", "--quiet", "main"]);
    job.git(&["push", "--quiet", "origin", "request:request"]);
    assert_eq!(
        origin.git(&["rev-parse", "request"]),
        job.git(&["rev-parse", "request"]),
        "{ran}"
    );
    holds(&origin, "request");
}

#[test]
fn what_is_not_committed_is_refused_by_name() {
    type Dirty = fn(&Sandbox);
    let change: [(&str, Dirty, &str); 6] = [
        (
            "loom.yaml",
            |it| it.edit("loom.yaml", "port: 3001", "port: 3002"),
            "etc/port",
        ),
        (
            "stories/S-2.yaml",
            |it| {
                it.write("stories/S-2.yaml", "story: S-2\ntasks:\n  - id: T-1\n    artifacts:\n      - { kind: file, name: new, path: etc/new, content: new }\n");
            },
            "etc/new",
        ),
        (
            "",
            |it| it.write("docs/hours.md", "mine\n"),
            "docs/hours.md",
        ),
        ("", |it| it.remove("docs/hours.md"), "docs/hours.md"),
        (
            "",
            |it| {
                fs::set_permissions(
                    it.root().join("docs/hours.md"),
                    fs::Permissions::from_mode(0o755),
                )
                .expect("it is ours");
            },
            "docs/hours.md",
        ),
        (
            "",
            |it| {
                it.apply();
            },
            "etc/port",
        ),
    ];
    for (input, dirty, path) in change {
        let sandbox = ready();
        dirty(&sandbox);
        let before = untouched(&sandbox);
        let ran = sandbox
            .loom(&[
                "apply",
                "--yes",
                "--on-drift",
                "restore",
                "--to-branch",
                "aside",
            ])
            .comes_to(3);
        let ran = ran
            .complains("is not what this working tree is")
            .complains(path)
            .complains("git stash");
        assert!(
            input.is_empty() || ran.err.contains(&format!("These inputs differ: {input}")),
            "{ran}"
        );
        assert!(!sandbox.git_may_fail(&["rev-parse", "--verify", "--quiet", "aside"]));
        assert!(untouched(&sandbox) == before);
    }
}

#[test]
fn what_does_not_concern_the_plan_may_be_uncommitted_and_stays_out_of_the_commit() {
    let sandbox = Sandbox::of(&[("loom.yaml", small::PROJECT), (".gitignore", "target\n")]);
    identify(&sandbox);
    small::declare(
        &sandbox,
        "  - { kind: file, name: ignored, path: .gitignore, own: block, content: \"secret\\n\" }\n",
        "",
    );
    sandbox.commit();
    sandbox.append(".gitignore", "mine-alone\n");
    sandbox.write("notes.txt", "mine\n");
    sandbox.edit("loom.yaml", "loom: 1\n", "# a comment of mine\nloom: 1\n");
    let digest = sandbox.loom(&["plan"]).digest();
    sandbox
        .loom(&["apply", "--expect", &digest, "--to-branch", "aside"])
        .comes_to(0);
    let ignored = sandbox.git(&["show", "aside:.gitignore"]);
    assert!(
        ignored.starts_with("target\n")
            && ignored.contains("secret")
            && !ignored.contains("mine-alone"),
        "{ignored}"
    );
    assert!(
        !sandbox
            .git(&["show", "aside:loom.yaml"])
            .contains("of mine")
    );
    sandbox.git(&["stash", "--quiet", "--include-untracked"]);
    holds(&sandbox, "aside");
}

#[test]
fn a_branch_that_is_checked_out_is_refused_here_and_in_another_worktree() {
    let sandbox = ready();
    to(&sandbox, "main")
        .comes_to(1)
        .complains("`main` is checked out in ROOT")
        .complains("git switch --detach");
    let other = sandbox.outside("other").display().to_string();
    sandbox.git(&["worktree", "add", "--quiet", "-b", "theirs", &other]);
    to(&sandbox, "theirs")
        .comes_to(1)
        .complains("`theirs` is checked out in")
        .complains("other");
    // and from the other one a branch of neither
    let ran = sandbox
        .command(&["apply", "--yes", "--to-branch", "aside"])
        .current_dir(&other)
        .output()
        .expect("loom can be run");
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let refused = sandbox
        .command(&["apply", "--yes", "--to-branch", "main"])
        .current_dir(&other)
        .output()
        .expect("loom can be run");
    assert_eq!(refused.status.code(), Some(1));
    sandbox.git(&["worktree", "remove", "--force", &other]);
    holds(&sandbox, "aside");
}

#[test]
fn a_branch_that_is_being_rebased_is_refused() {
    let sandbox = ready();
    sandbox.git(&["switch", "--quiet", "--create", "busy"]);
    sandbox.write("a", "one\n");
    sandbox.commit();
    sandbox.git(&[
        "-c",
        "sequence.editor=sed -i s/^pick/edit/",
        "rebase",
        "--quiet",
        "--interactive",
        "HEAD^",
    ]);
    to(&sandbox, "busy")
        .comes_to(1)
        .complains("is being rebased")
        .complains("git rebase --continue");
}

#[test]
fn the_default_branch_of_a_remote_is_never_written() {
    let origin = ready();
    let clone = Sandbox::without_git();
    clone.git(&[
        "clone",
        "--quiet",
        &origin.root().display().to_string(),
        ".",
    ]);
    identify(&clone);
    clone.git(&["switch", "--quiet", "--detach"]);
    to(&clone, "main")
        .comes_to(1)
        .complains("`main` is the default branch of `origin`")
        .complains("loom/update");
}

#[test]
fn names_that_git_would_take_for_something_else_are_refused() {
    let sandbox = ready();
    sandbox.git(&["branch", "taken/below"]);
    sandbox.git(&["branch", "above"]);
    sandbox.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/above"]);
    for name in [
        "",
        "-x",
        "@",
        "HEAD",
        "refs/heads/x",
        "a..b",
        "a b",
        "a~1",
        "a:b",
        "x.lock",
        "/x",
        "x/",
        "a//b",
        "a\nb",
        "../../x",
        "a@{1}",
    ] {
        let typed = format!("--to-branch={name}");
        sandbox
            .loom(&["apply", "--yes", &typed])
            .comes_to(1)
            .complains("cannot be the name of a branch");
    }
    to(&sandbox, "taken")
        .comes_to(1)
        .complains("there is a branch `taken/below`");
    to(&sandbox, "above/it")
        .comes_to(1)
        .complains("there is a branch `above`");
    to(&sandbox, "alias")
        .comes_to(1)
        .complains("it is another name of refs/heads/above");
    to(&sandbox, "für/ümläute").comes_to(0);
}

#[test]
fn modes_deletions_and_moves_are_committed_and_all_else_of_the_tree_stays() {
    let sandbox = Sandbox::empty();
    identify(&sandbox);
    let run = |path: &str, mode: &str| {
        format!("  - {{ kind: file, name: run, path: {path}, content: \"#!/bin/sh\\n\"{mode} }}\n")
    };
    let gone = "  - { kind: file, name: gone, path: deep/er/gone, content: x }\n";
    small::declare(&sandbox, &format!("{}{gone}", run("bin/run", "")), "");
    sandbox.apply();
    sandbox.write("deep/mine", "mine\n");
    symlink("deep/mine", sandbox.root().join("link")).expect("links");
    sandbox.commit();
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.git(&[
        "update-index",
        "--add",
        "--cacheinfo",
        &format!("160000,{},vendor/sub", head.trim()),
    ]);
    sandbox.git(&["commit", "--quiet", "--message", "a submodule"]);
    small::declare(&sandbox, &run("tools/run", ", mode: executable"), "");
    sandbox.git(&["add", "loom.yaml"]);
    sandbox.git(&["commit", "--quiet", "--message", "input"]);
    let shown = to(&sandbox, "aside").comes_to(0);
    assert_eq!(
        (shown.marked('>').len(), shown.marked('-')),
        (1, vec!["deep/er/gone".to_owned()]),
        "{shown}"
    );
    let listed = sandbox.git(&["ls-tree", "-r", "--format=%(objectmode) %(path)", "aside"]);
    for entry in [
        "100755 tools/run",
        "160000 vendor/sub",
        "120000 link",
        "100644 deep/mine",
    ] {
        assert!(
            listed.lines().any(|line| line == entry),
            "{entry}\n{listed}"
        );
    }
    assert!(
        !listed.contains("bin/run") && !listed.contains("gone"),
        "{listed}"
    );
    assert!(
        sandbox
            .git(&["log", "-1", "--format=%B", "aside"])
            .contains("> bin/run -> tools/run")
    );
    sandbox.git(&["switch", "--quiet", "aside"]);
    sandbox.is_settled();
}

#[test]
fn a_root_below_the_top_of_the_repository_is_committed_where_it_is() {
    let sandbox = Sandbox::of(&[
        ("README", "top\n"),
        ("apps/shop/loom.yaml", small::PROJECT),
        ("apps/shop/stories/S-1.yaml", small::STORY),
    ]);
    identify(&sandbox);
    sandbox.commit();
    let shop = sandbox.root().join("apps/shop");
    let ran = sandbox
        .command(&["apply", "--yes", "--to-branch", "aside"])
        .current_dir(&shop)
        .output()
        .expect("loom can be run");
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let listed = sandbox.git(&["ls-tree", "-r", "--name-only", "aside"]);
    assert!(
        listed.contains("apps/shop/etc/port")
            && listed.contains("README")
            && !listed.lines().any(|line| line == "etc/port"),
        "{listed}"
    );
    sandbox.git(&["switch", "--quiet", "aside"]);
    let plan = sandbox
        .command(&["plan", "--detailed-exitcode"])
        .current_dir(&shop)
        .output()
        .expect("loom can be run");
    assert!(
        plan.status.success(),
        "{}",
        String::from_utf8_lossy(&plan.stdout)
    );
}

#[test]
fn packed_references_a_separate_git_directory_and_a_sparse_checkout_are_all_the_same() {
    let sandbox = ready();
    sandbox.git(&["branch", "aside"]);
    sandbox.git(&["pack-refs", "--all", "--prune"]);
    sandbox.git(&["gc", "--quiet", "--prune=now"]);
    let separate = sandbox.outside("separate.git").display().to_string();
    sandbox.git(&["init", "--quiet", "--separate-git-dir", &separate]);
    sandbox.write("elsewhere/big", "big\n");
    sandbox.commit();
    sandbox.git(&["branch", "--force", "aside", "HEAD"]);
    sandbox.git(&[
        "sparse-checkout",
        "set",
        "--cone",
        "--sparse-index",
        "docs",
        "etc",
        "stories",
        ".loom",
    ]);
    assert!(!sandbox.has("elsewhere"));
    let index = fs::read(format!("{separate}/index")).expect("it is there");
    to(&sandbox, "aside").comes_to(0);
    assert_eq!(
        fs::read(format!("{separate}/index")).expect("it is there"),
        index
    );
    assert!(
        sandbox
            .git(&["ls-tree", "-r", "--name-only", "aside"])
            .contains("elsewhere/big")
    );
    holds(&sandbox, "aside");
}

#[test]
fn no_hook_is_run_and_no_signature_is_made_which_is_said() {
    let sandbox = ready();
    for hook in [
        "pre-commit",
        "commit-msg",
        "post-commit",
        "reference-transaction",
    ] {
        let path = format!(".git/hooks/{hook}");
        sandbox.write(
            &path,
            "#!/bin/sh\necho ran >> \"$GIT_DIR/../../hooks-ran\"\nexit 1\n",
        );
        fs::set_permissions(sandbox.root().join(path), fs::Permissions::from_mode(0o755))
            .expect("it is ours");
    }
    sandbox.git(&["config", "commit.gpgSign", "true"]);
    to(&sandbox, "aside")
        .comes_to(0)
        .complains("loom does not sign")
        .complains("git commit --amend --no-edit -S");
    assert!(!sandbox.outside("hooks-ran").exists());
    assert_eq!(
        sandbox.git(&["log", "-1", "--format=%G?", "aside"]).trim(),
        "N"
    );
}

#[test]
fn a_lock_of_git_on_the_branch_is_another_that_writes() {
    let sandbox = ready();
    sandbox.write(".git/refs/heads/aside.lock", "");
    to(&sandbox, "aside")
        .comes_to(6)
        .complains("a command of Git is writing the branch `aside`")
        .complains("aside.lock");
    assert!(!sandbox.git_may_fail(&["rev-parse", "--verify", "--quiet", "aside"]));
}

#[test]
fn a_saved_plan_a_scope_and_skipped_conflicts_go_to_a_branch_too() {
    let sandbox = ready();
    let file = sandbox.outside("plan.loom").display().to_string();
    sandbox
        .loom(&["plan", "--story", "S-1", "--out", &file])
        .comes_to(0);
    sandbox
        .loom(&["apply", &file, "--to-branch", "saved"])
        .comes_to(0);
    sandbox.write("docs/hours.md", "by hand\n");
    sandbox.commit();
    to(&sandbox, "blocked").comes_to(4);
    sandbox
        .loom(&[
            "apply",
            "--yes",
            "--skip-conflicts",
            "--to-branch",
            "skipped",
        ])
        .comes_to(4)
        .says("The branch `skipped` is at");
    assert_eq!(sandbox.git(&["show", "skipped:docs/hours.md"]), "by hand\n");
    assert_eq!(sandbox.git(&["show", "skipped:etc/port"]), "port 3001\n");
    assert!(!sandbox.git_may_fail(&["rev-parse", "--verify", "--quiet", "blocked"]));
    sandbox
        .loom(&["apply", "--skip-conflicts", "--to-branch", "nobody"])
        .comes_to(1)
        .complains("--yes");
}

#[test]
fn a_record_that_only_the_worktree_has_is_not_dropped_from_the_commit_nor_one_of_the_commit_kept() {
    let sandbox = ready();
    // gone from the disk and from the input, so that the next apply drops the record
    let line = sandbox
        .read(".loom/ledger/project.jsonl")
        .lines()
        .nth(2)
        .expect("it has records")
        .to_owned();
    let gone = line.replace(".loom/.gitignore", "etc/gone");
    assert_ne!(line, gone);
    sandbox.append(".loom/ledger/project.jsonl", &format!("{gone}\n"));
    sandbox.commit();
    sandbox.git(&["checkout", "--quiet", "HEAD^", "--", ".loom/ledger"]);
    to(&sandbox, "aside").comes_to(0);
    assert!(
        !sandbox
            .git(&["show", "aside:.loom/ledger/project.jsonl"])
            .contains("etc/gone")
    );
}

#[test]
fn a_story_from_elsewhere_is_committed_with_its_ledger() {
    let sandbox = small::applied();
    identify(&sandbox);
    let story = "story: S-9\ntitle: From the board\ntasks:\n  - id: T-1\n    artifacts:\n      - { kind: file, name: nine, path: etc/nine, content: nine }\n";
    let ran = sandbox
        .loom_reading(
            &["apply", "--yes", "--story", "-", "--to-branch", "nine"],
            story,
        )
        .comes_to(0);
    ran.says("etc/nine");
    assert!(
        sandbox
            .git(&["log", "-1", "--format=%s", "nine"])
            .starts_with("S-9: From the board")
    );
    holds(&sandbox, "nine");
}

#[test]
fn a_repository_of_a_kind_that_loom_does_not_read_is_said() {
    for format in ["--object-format=sha256", "--ref-format=reftable"] {
        let sandbox = Sandbox::without_git();
        if !sandbox.git_may_fail(&["init", "--quiet", format]) {
            continue; // an older Git
        }
        sandbox.write("loom.yaml", small::PROJECT);
        sandbox.commit();
        to(&sandbox, "aside")
            .comes_to(1)
            .complains("loom reads SHA-1 objects, and references in files");
        sandbox
            .loom(&["plan", "--against", "HEAD"])
            .comes_to(1)
            .complains("loom reads SHA-1 objects");
    }
}

#[test]
fn without_git_and_without_a_commit_it_says_what_is_missing() {
    let bare = Sandbox::without_git();
    bare.write("loom.yaml", small::PROJECT);
    to(&bare, "aside")
        .comes_to(1)
        .complains("is in no Git repository")
        .complains("without --to-branch");
    to(&small::fresh(), "aside")
        .comes_to(1)
        .complains("there is no commit yet")
        .complains("commit loom.yaml first");
    let sandbox = Sandbox::of(&[("README", "x\n")]);
    sandbox.commit();
    sandbox.write("loom.yaml", small::PROJECT);
    to(&sandbox, "aside")
        .comes_to(3)
        .complains("These inputs differ: loom.yaml");
}

#[test]
fn the_history_of_the_working_copy_knows_nothing_of_it() {
    let sandbox = ready();
    let before = untouched(&sandbox);
    to(&sandbox, "aside").comes_to(0);
    assert!(untouched(&sandbox) == before);
    assert_eq!(
        sandbox.loom(&["history", "--format", "json"]).json()["entries"]
            .as_array()
            .map(Vec::len),
        Some(1),
        "only the first apply"
    );
}
