//! Files that Git keeps away, ignores or rewrites; clones that lack objects; links; and roots below
//! the top: what loom sees, and what it refuses.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::sandbox::{Ran, Sandbox, clean};
use super::small::{self, PROJECT};

const TWO: &str = "  - { kind: file, name: a, path: a/a.txt, content: \"1\\n\" }\n  - { kind: file, name: b, path: b/b.txt, content: \"1\\n\" }\n";

/// Two files in two directories, applied and committed, and of those `a` and the ledger checked out.
fn sparse() -> Sandbox {
    let sandbox = small::standing(TWO, "");
    sandbox.apply();
    sandbox.commit();
    sandbox.git(&["sparse-checkout", "set", "--cone", "a", ".loom"]);
    assert!(!sandbox.has("b/b.txt"));
    sandbox
}

/// Nothing of the repository changes in a run that says all of this and ends with 1.
#[track_caller]
fn is_refused(sandbox: &Sandbox, arguments: &[&str], texts: &[&str]) -> Ran {
    let before = sandbox.tree();
    let ran = sandbox.loom(arguments).comes_to(1);
    for text in texts {
        assert!(ran.err.contains(text), "{text:?} is not said\n{ran}");
    }
    assert_eq!(sandbox.tree(), before);
    ran
}

#[test]
fn what_is_not_checked_out_is_neither_missing_nor_changed() {
    let sandbox = sparse();
    sandbox.is_settled();
    let help = "git sparse-checkout add b";
    // a file that is declared otherwise, one that is declared no more, and a new one beside it
    for (now, path) in [
        (
            TWO.replace("b/b.txt, content: \"1", "b/b.txt, content: \"2"),
            "b/b.txt",
        ),
        (
            TWO.lines().next().expect("a line").to_owned() + "\n",
            "b/b.txt",
        ),
        (TWO.replace("b/b.txt", "b/new.txt"), "b/new.txt"),
        (
            format!("{TWO}  - {{ kind: file, name: c, path: c/c.txt, content: c }}\n"),
            "c/c.txt",
        ),
    ] {
        small::declare(&sandbox, &now, "");
        let help = if path.starts_with('c') {
            "git sparse-checkout add c"
        } else {
            help
        };
        for command in [&["plan"][..], &["apply", "--yes"]] {
            is_refused(&sandbox, command, &["LOOM0511", path, help]);
        }
    }
    // what is there goes on
    small::declare(
        &sandbox,
        &TWO.replace("a/a.txt, content: \"1", "a/a.txt, content: \"2"),
        "",
    );
    sandbox.apply();
    assert_eq!(sandbox.read("a/a.txt"), "2\n");
    sandbox.commit();
    sandbox.git(&["sparse-checkout", "disable"]);
    sandbox.is_settled();
}

#[test]
fn an_accepted_edit_that_is_not_checked_out_stays_accepted() {
    let sandbox = small::standing(TWO, "");
    sandbox.apply();
    sandbox.append("b/b.txt", "by hand\n");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    sandbox.commit();
    sandbox.git(&["sparse-checkout", "set", "--cone", "a", ".loom"]);
    let ledger = sandbox.read(".loom/ledger/project.jsonl");
    sandbox.is_settled();
    sandbox.loom(&["apply", "--yes"]).comes_to(0);
    assert_eq!(sandbox.read(".loom/ledger/project.jsonl"), ledger);
    assert!(!sandbox.has("b"));
    let doctor = sandbox.loom(&["doctor"]);
    doctor.line("not checked out: b/b.txt");
}

#[test]
fn a_ledger_that_is_not_checked_out_is_read_and_not_written() {
    let sandbox = sparse();
    sandbox.git(&["sparse-checkout", "set", "--cone", "a"]);
    assert!(!sandbox.has(".loom/ledger"));
    sandbox.is_settled();
    small::declare(
        &sandbox,
        &TWO.replace("a/a.txt, content: \"1", "a/a.txt, content: \"2"),
        "",
    );
    is_refused(
        &sandbox,
        &["apply", "--yes"],
        &[
            "LOOM0511",
            ".loom/ledger/project.jsonl",
            "git sparse-checkout add .loom/ledger",
        ],
    );
}

#[test]
fn a_plan_goes_to_a_branch_from_a_sparse_checkout() {
    let sandbox = sparse();
    sandbox.git(&["config", "user.name", "Ada"]);
    sandbox.git(&["config", "user.email", "ada@example.com"]);
    small::declare(&sandbox, &TWO.replace("\"1", "\"2"), "");
    sandbox.commit();
    sandbox.git(&["checkout", "--quiet", "--detach"]);
    sandbox
        .loom(&["apply", "--yes", "--to-branch", "bot"])
        .comes_to(0);
    assert_eq!(sandbox.git(&["show", "bot:b/b.txt"]), "2\n");
    assert!(!sandbox.has("b"));
}

#[test]
fn a_file_that_git_was_told_to_leave_alone_is_refused_by_name() {
    let sandbox = small::standing(TWO, "");
    sandbox.apply();
    sandbox.commit();
    sandbox.git(&["update-index", "--assume-unchanged", "b/b.txt"]);
    sandbox.write("b/b.txt", "mine\n");
    sandbox.is_settled();
    small::declare(&sandbox, &TWO.replace("\"1", "\"2"), "");
    is_refused(
        &sandbox,
        &["apply", "--yes"],
        &[
            "assume-unchanged",
            "git update-index --no-assume-unchanged b/b.txt",
        ],
    );
    sandbox.loom(&["doctor"]).line("assume-unchanged: b/b.txt");
}

/// A clone of the sandbox without its old contents, beside it.
fn partial(sandbox: &Sandbox, name: &str) -> std::path::PathBuf {
    sandbox.git(&["config", "uploadpack.allowFilter", "true"]);
    sandbox.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let place = sandbox.outside(name);
    let from = format!("file://{}", sandbox.root().display());
    sandbox.git(&[
        "clone",
        "--quiet",
        "--filter=blob:none",
        &from,
        &place.display().to_string(),
    ]);
    place
}

fn loom_in(sandbox: &Sandbox, place: &std::path::Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loom"));
    let output = clean(command.args(arguments), sandbox)
        .current_dir(place)
        .output()
        .expect("loom can be run");
    Ran::of(arguments, &output, place)
}

const EDITED: &str =
    "  - { kind: file, name: a, path: a.txt, onDrift: keep, content: \"1\\n2\\n3\\n\" }\n";

#[test]
fn a_partial_clone_compares_with_its_base_as_a_full_one() {
    let sandbox = small::standing(EDITED, "");
    sandbox.apply();
    sandbox.commit();
    sandbox.git(&["checkout", "--quiet", "-b", "request"]);
    sandbox.write("a.txt", "1\n2\nthree\n");
    sandbox.commit();
    let here = sandbox.loom(&["plan", "--against", "main"]);
    let clone = partial(&sandbox, "clone");
    let there = loom_in(&sandbox, &clone, &["plan", "--against", "origin/main"]);
    assert_eq!(there.code, here.code, "{there}");
    assert!(
        there.out.contains("-3") && there.out.contains("+three"),
        "{there}"
    );
    // where the remote is out of reach nothing is guessed
    let clone = partial(&sandbox, "far");
    let moved = sandbox.outside("moved");
    fs::rename(sandbox.root(), &moved).expect("it can be moved");
    let far = loom_in(&sandbox, &clone, &["plan", "--against", "origin/main"]);
    fs::rename(&moved, sandbox.root()).expect("it can be moved back");
    assert_eq!(far.code, Some(1), "{far}");
    assert!(far.err.contains("git fetch --refetch --no-filter"), "{far}");
}

#[test]
fn a_partial_clone_merges_from_the_base_that_git_fetches() {
    let artifact = |last: &str, drift: &str| {
        format!(
            "  - {{ kind: file, name: a, path: a.txt,{drift} content: \"1\\n2\\n3\\n4\\n5\\n6\\n{last}\\n\" }}\n"
        )
    };
    let sandbox = small::standing(&artifact("7", ""), "");
    sandbox.apply();
    sandbox.commit();
    sandbox.edit("a.txt", "1\n", "one\n");
    sandbox.commit();
    let clone = partial(&sandbox, "clone");
    let text = format!(
        "{PROJECT}artifacts:\n{}",
        artifact("seven", " onDrift: merge,")
    );
    fs::write(clone.join("loom.yaml"), text).expect("it can be written");
    let ran = loom_in(&sandbox, &clone, &["plan"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.out.contains("+seven") && !ran.out.contains("-one"),
        "{ran}"
    );
}

#[test]
fn what_git_ignores_is_said_and_goes_into_no_commit() {
    let artifact = "  - { kind: file, name: a, path: dist/a.txt, content: \"1\\n\" }\n";
    let sandbox = small::standing(artifact, "");
    sandbox.git(&["config", "user.name", "Ada"]);
    sandbox.git(&["config", "user.email", "ada@example.com"]);
    sandbox.write(".gitignore", "dist/\n");
    for command in ["plan", "validate"] {
        let ran = sandbox.loom(&[command]).comes_to(0);
        assert!(
            ran.err.contains("LOOM0509") && ran.err.contains(".gitignore:1"),
            "{ran}"
        );
    }
    sandbox.commit();
    sandbox.git(&["checkout", "--quiet", "--detach"]);
    is_refused(
        &sandbox,
        &["apply", "--yes", "--to-branch", "bot"],
        &["LOOM0515", "dist/a.txt"],
    );
    sandbox
        .loom(&["doctor"])
        .line("dist/a.txt (`dist/`, .gitignore:1)");
    sandbox.write(".gitignore", ".loom/\n");
    let ran = sandbox.loom(&["plan"]).comes_to(0);
    assert!(ran.err.contains("LOOM0502"), "{ran}");
    // the user's own rules count too, and what is tracked is not ignored
    sandbox.write(".gitignore", "");
    fs::create_dir_all(sandbox.outside(".config/git")).expect("it can be made");
    fs::write(sandbox.outside(".config/git/ignore"), "dist\n").expect("it can be written");
    let ran = sandbox.loom(&["plan"]).comes_to(0);
    assert!(
        ran.err.contains("LOOM0509") && ran.err.contains(".config/git/ignore:1"),
        "{ran}"
    );
    sandbox.apply();
    sandbox.git(&["add", "--force", "dist/a.txt"]);
    let ran = sandbox.loom(&["plan"]).comes_to(0);
    assert!(!ran.err.contains("LOOM0509"), "{ran}");
}

#[test]
fn line_ends_that_the_users_configuration_rewrites_are_no_edit() {
    let sandbox = small::standing(EDITED, "");
    sandbox.apply();
    sandbox.commit();
    fs::write(sandbox.outside(".gitconfig"), "[core]\n\tautocrlf = true\n").expect("it is ours");
    sandbox.git(&["rm", "--quiet", "--cached", "-r", "."]);
    sandbox.git(&["reset", "--quiet", "--hard"]);
    assert_eq!(sandbox.read("a.txt"), "1\r\n2\r\n3\r\n");
    sandbox.is_settled();
    sandbox.loom(&["doctor"]).line("core.autocrlf=true in");
    small::declare(&sandbox, &EDITED.replace('3', "4"), "");
    sandbox.apply();
    sandbox.is_settled();
    assert!(sandbox.git(&["diff", "--", "a.txt"]).contains("+4"));
}

#[test]
fn attributes_of_the_user_count() {
    let sandbox = small::standing(EDITED, "");
    fs::create_dir_all(sandbox.outside(".config/git")).expect("it can be made");
    let file = sandbox.outside(".config/git/attributes");
    fs::write(file, "*.txt text eol=crlf\n").expect("it can be written");
    is_refused(
        &sandbox,
        &["plan"],
        &["LOOM0501", ".config/git/attributes:1"],
    );
    sandbox
        .loom(&["doctor"])
        .comes_to(1)
        .line(".config/git/attributes:1");
}

#[test]
fn doctor_looks_at_what_is_declared_too() {
    let sandbox = small::standing("  - { kind: file, name: a, path: a.bat, content: x }\n", "");
    sandbox.write(".gitattributes", "*.bat text eol=crlf\n");
    let ran = sandbox.loom(&["doctor"]).comes_to(1);
    ran.line("a.bat (eol=crlf, .gitattributes:1)");
    sandbox.loom(&["validate"]).comes_to(1);
}

#[test]
fn a_program_keeps_its_mode_where_modes_count_for_nothing() {
    let sandbox = small::standing(TWO, "");
    sandbox.git(&["config", "core.fileMode", "false"]);
    sandbox.apply();
    sandbox.make_executable("a/a.txt");
    sandbox.is_settled();
    sandbox.commit();
    sandbox.is_settled();
    small::declare(&sandbox, &TWO.replace("\"1", "\"2"), "");
    sandbox.apply();
    sandbox.is_settled();
}

#[test]
fn a_file_that_is_looked_for_at_the_top_is_refused_below_it() {
    let sandbox = Sandbox::empty();
    let text = |path: &str| {
        format!("{PROJECT}artifacts:\n  - {{ kind: file, name: a, path: {path}, content: x }}\n")
    };
    for path in [
        ".github/workflows/a.yml",
        ".gitlab-ci.yml",
        ".circleci/config.yml",
        "CODEOWNERS",
        "action.yml",
    ] {
        sandbox.write("services/shop/loom.yaml", &text(path));
        for command in [&["validate"][..], &["plan"], &["apply", "--yes"]] {
            let all = [&["-C", "services/shop"][..], command].concat();
            is_refused(
                &sandbox,
                &all,
                &["LOOM0513", &format!("services/shop/{path}"), "git mv"],
            );
        }
    }
    sandbox.write("services/shop/loom.yaml", &text("docs/a.yml"));
    sandbox.loom(&["-C", "services/shop", "plan"]).comes_to(0);
    sandbox.write("loom.yaml", &text(".github/workflows/a.yml"));
    sandbox.loom(&["plan"]).comes_to(0);
}

#[test]
fn a_twin_of_a_managed_name_is_refused() {
    let sandbox = small::standing(
        "  - { kind: file, name: a, path: Readme.md, content: x }\n",
        "",
    );
    sandbox.write("README.md", "mine");
    let is_refused = || {
        is_refused(&sandbox, &["plan"], &["LOOM0514", "Readme.md", "README.md"]);
    };
    is_refused();
    sandbox.commit();
    is_refused();
    sandbox.git(&["rm", "--quiet", "README.md"]);
    sandbox.apply();
}

const POLICY: &str =
    "package main\n\ndeny contains msg if {\n  input.kind == \"ConfigMap\"\n  msg := \"no\"\n}\n";

#[test]
fn a_policy_that_is_no_regular_file_is_an_error() {
    let manifest = "  - { kind: kubernetes.manifest, name: a, documents: [ { apiVersion: v1, kind: ConfigMap, metadata: { name: a } } ] }\n";
    let sandbox = small::standing(manifest, "");
    sandbox.write("shared/team.rego", POLICY);
    let policy = sandbox.root().join("policy");
    let is_error = |what: &str| {
        for command in ["check", "plan"] {
            is_refused(&sandbox, &[command], &["LOOM0701", what]);
        }
    };
    symlink("shared", &policy).expect("links");
    is_error("`policy` is a symbolic link");
    fs::remove_file(&policy).expect("it is a link");
    fs::create_dir(&policy).expect("it can be made");
    symlink("../shared/team.rego", policy.join("team.rego")).expect("links");
    is_error("`policy/team.rego` is a symbolic link");
    fs::remove_file(policy.join("team.rego")).expect("it is a link");
    symlink("../shared", policy.join("more")).expect("links");
    is_error("`policy/more` is a symbolic link");
    fs::remove_file(policy.join("more")).expect("it is a link");
    let made = Command::new("mkfifo")
        .arg(policy.join("pipe.rego"))
        .status();
    assert!(made.is_ok_and(|made| made.success()));
    for command in ["check", "plan"] {
        let ran = sandbox.loom(&[command]).comes_to(1);
        assert!(
            ran.err.contains("`policy/pipe.rego` is a named pipe"),
            "{ran}"
        );
    }
    fs::remove_file(policy.join("pipe.rego")).expect("it is a pipe");
    sandbox.write("policy/team.rego", POLICY);
    sandbox.loom(&["check"]).comes_to(5);
}

#[test]
fn saved_plans_go_through_no_link_of_the_repository() {
    let sandbox = small::fresh();
    let target = sandbox.outside("target");
    fs::write(&target, "theirs").expect("it can be written");
    symlink(&target, sandbox.root().join("plan.out")).expect("links");
    let ran = is_refused(
        &sandbox,
        &["plan", "--out", "plan.out"],
        &["a symbolic link"],
    );
    assert!(ran.err.contains("plan.out"), "{ran}");
    assert_eq!(fs::read_to_string(&target).ok().as_deref(), Some("theirs"));
    let saved = sandbox.outside("saved").display().to_string();
    sandbox.loom(&["plan", "--out", &saved]).comes_to(0);
    symlink(&saved, sandbox.root().join("approved")).expect("links");
    for command in [
        &["apply", "approved"][..],
        &["show", "approved"],
        &["apply", "--expect", "./approved"],
    ] {
        is_refused(&sandbox, command, &["a symbolic link"]);
    }
    sandbox.loom(&["apply", &saved]).comes_to(0);
}

#[test]
fn a_story_or_a_template_is_read_through_no_link() {
    let sandbox = small::fresh();
    let story = sandbox.root().join("stories/S-1.yaml");
    fs::rename(&story, sandbox.outside("S-1.yaml")).expect("it can be moved");
    symlink(sandbox.outside("S-1.yaml"), &story).expect("links");
    is_refused(
        &sandbox,
        &["plan"],
        &["LOOM0105", "`stories/S-1.yaml` is a symbolic link"],
    );
}
