//! How Git sees paths, held against Git itself.

use std::collections::BTreeMap;
use std::process::Command;

use loom_plan::addr::{ContentHash, RepoPath};
use loom_plan::input::Input as _;
use loom_plan::plan::Expect;
use loom_plan::provider::Mode;
use loom_plan::snapshot::{Content, Observed, Want};

use super::{Away, batch, objects, twins};
use crate::lock::Lock;
use crate::observe::observe;
use crate::root::Root;
use crate::stage::{Approved, Becomes, Cause, Change, Durability, Put, StageError, Stop};
use crate::tests::Scene;

fn git(scene: &Scene, arguments: &[&str]) -> String {
    #[expect(clippy::disallowed_methods, reason = "tests set up repositories")]
    let mut command = Command::new("git");
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_"))
    {
        command.env_remove(name);
    }
    let output = command
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"])
        .args(arguments)
        .current_dir(scene.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("Git can be run");
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn repository(files: &[(&str, &str)]) -> Scene {
    let scene = Scene::new(files);
    git(&scene, &["init", "--quiet"]);
    git(&scene, &["add", "--all"]);
    git(&scene, &["commit", "--quiet", "--message", "x"]);
    scene
}

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).expect("a path")
}

fn seen(root: &Root, at: &str) -> Observed {
    let want = Want {
        path: path(at),
        blocks: Vec::new(),
        keys: Vec::new(),
    };
    observe(root, std::slice::from_ref(&want))
        .expect("Git can be asked")
        .whole(&want.path)
        .clone()
}

fn file(text: &str, mode: Mode) -> Observed {
    Observed::File(Content {
        hash: ContentHash::of(text.as_bytes()),
        mode,
    })
}

fn away(root: &Root, at: &str) -> Option<Away> {
    super::away(root, [path(at)].iter())
        .expect("Git can be asked")
        .first()
        .map(|(_, away)| *away)
}

/// What staging a new text at a path is refused with.
fn refused(root: &Root, at: &str) -> Option<StageError> {
    let expect = match seen(root, at) {
        Observed::File(content) => Expect::Exactly(content),
        Observed::Absent | Observed::Foreign(_) | Observed::Damaged(_) => Expect::Absent,
    };
    let put = Put::File(Becomes {
        mode: Mode::Plain,
        hash: None,
    });
    let approved = Approved {
        root,
        lock: Lock::take(root, std::time::Duration::ZERO).expect("nobody has it"),
        changes: vec![Change {
            path: path(at),
            expect,
            put,
        }],
        cause: Cause {
            command: "apply".to_owned(),
            digest: None,
        },
        durability: Durability::Kill,
        stop: Stop::default(),
    };
    approved
        .stage(&|_, _| Ok(b"new".to_vec()))
        .err()
        .map(|failed| failed.error)
}

#[test]
fn what_git_keeps_away_is_seen_in_the_index_and_never_written() {
    let scene = repository(&[("a/f", "f"), ("b/g", "g"), ("b/c/h", "h"), ("top", "t")]);
    git(&scene, &["update-index", "--chmod=+x", "b/g"]);
    git(&scene, &["commit", "--quiet", "--message", "x"]);
    git(&scene, &["checkout", "--quiet", "--force"]);
    for kind in ["--no-sparse-index", "--sparse-index"] {
        git(&scene, &["sparse-checkout", "set", "--cone", kind, "a"]);
        let root = scene.root();
        assert_eq!(seen(&root, "b/g"), file("g", Mode::Executable), "{kind}");
        assert_eq!(seen(&root, "b/c/h"), file("h", Mode::Plain));
        assert_eq!(seen(&root, "a/f"), file("f", Mode::Plain));
        assert_eq!(seen(&root, "b/none"), Observed::Absent);
        assert_eq!(root.read_bytes(&path("b/g")), Ok(b"g".to_vec()));
        assert_eq!(away(&root, "b/g"), Some(Away::NotCheckedOut));
        assert_eq!(away(&root, "b/none"), Some(Away::Outside));
        assert_eq!(away(&root, "a/none"), None);
        assert_eq!(away(&root, "a/f"), None);
        assert_eq!(away(&root, "top"), None);
        for at in ["b/g", "b/none"] {
            let error = refused(&root, at);
            assert!(
                matches!(error, Some(StageError::Away(_))),
                "{at}: {error:?}"
            );
        }
        assert!(!scene.path().join("b").exists());
        assert!(refused(&root, "a/f").is_none());
    }
}

#[test]
fn a_file_that_git_takes_for_unchanged_is_as_the_index_has_it() {
    let scene = repository(&[("a", "a"), ("b", "b")]);
    git(&scene, &["update-index", "--assume-unchanged", "a"]);
    git(&scene, &["update-index", "--skip-worktree", "b"]);
    scene.write("a", "edited");
    scene.write("b", "edited");
    let root = scene.root();
    assert_eq!(seen(&root, "a"), file("a", Mode::Plain));
    assert_eq!(seen(&root, "b"), file("b", Mode::Plain));
    assert_eq!(away(&root, "a"), Some(Away::Assumed));
    assert_eq!(away(&root, "b"), Some(Away::Skipped));
    assert!(matches!(refused(&root, "a"), Some(StageError::Away(_))));
    assert_eq!(
        std::fs::read(scene.path().join("a")).ok(),
        Some(b"edited".to_vec())
    );
}

#[test]
fn a_file_of_a_sparse_checkout_that_is_there_is_a_file_like_others() {
    let scene = repository(&[("a/f", "f"), ("b/g", "g")]);
    git(&scene, &["sparse-checkout", "set", "--cone", "a"]);
    scene.write("b/g", "edited");
    let root = scene.root();
    assert_eq!(seen(&root, "b/g"), file("edited", Mode::Plain));
    assert_eq!(away(&root, "b/g"), None);
}

#[test]
fn a_repository_that_only_the_index_knows_is_somebody_elses() {
    let scene = repository(&[("a", "a")]);
    let head = git(&scene, &["rev-parse", "HEAD"]);
    let link = format!("160000,{},vendor/lib", head.trim());
    git(&scene, &["update-index", "--add", "--cacheinfo", &link]);
    let noun = "a submodule of Git in place of the directory `vendor/lib`";
    for _ in 0..2 {
        let found = seen(&scene.root(), "vendor/lib/x");
        assert_eq!(found, Observed::Foreign(noun.to_owned()));
        scene.write("vendor/lib/y", "");
    }
}

#[test]
fn the_ledger_and_the_input_are_read_where_they_are_not_checked_out() {
    let scene = repository(&[
        (".loom/ledger/project.jsonl", "p"),
        ("policy/a.rego", "package a"),
        ("a/f", "f"),
    ]);
    git(&scene, &["sparse-checkout", "set", "--cone", "a"]);
    let root = scene.root();
    assert!(!scene.path().join(".loom").exists());
    let ledger = root.ledger().expect("it can be read");
    assert_eq!(ledger, [("project".to_owned(), "p".to_owned())]);
    assert_eq!(
        root.glob(&["policy/**/*.rego".to_owned()]),
        [path("policy/a.rego")]
    );
    assert_eq!(
        root.read(&path("policy/a.rego")).as_deref(),
        Ok("package a")
    );
}

#[test]
fn line_ends_of_the_configuration_are_seen_through() {
    let scene = repository(&[
        ("lf", "one\ntwo\n"),
        ("crlf", "one\r\ntwo\r\n"),
        ("bin", "one\r\n\0"),
        ("no", "one\n"),
        (".gitattributes", "no -text\n"),
    ]);
    git(&scene, &["config", "core.autocrlf", "true"]);
    scene.write("lf", "one\r\ntwo\r\n");
    scene.write("no", "one\r\n");
    scene.write("new", "one\r\n");
    let root = scene.root();
    let is = |at: &str, text: &str| assert_eq!(seen(&root, at), file(text, Mode::Plain), "{at}");
    is("lf", "one\ntwo\n");
    is("crlf", "one\r\ntwo\r\n");
    is("bin", "one\r\n\0");
    is("no", "one\r\n");
    is("new", "one\n");
    assert_eq!(root.read_bytes(&path("lf")), Ok(b"one\ntwo\n".to_vec()));
    assert!(
        refused(&root, "lf").is_none(),
        "the guard sees it as the plan does"
    );
    assert_eq!(
        git(&scene, &["diff", "--stat", "lf"]),
        "",
        "and as Git does"
    );
}

#[test]
fn where_modes_count_for_nothing_the_index_says_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = repository(&[("run", "r"), ("text", "t")]);
    git(&scene, &["config", "core.fileMode", "false"]);
    git(&scene, &["update-index", "--chmod=+x", "run"]);
    let all = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(scene.path().join("text"), all).expect("it is ours");
    let root = scene.root();
    assert_eq!(seen(&root, "run"), file("r", Mode::Executable));
    assert_eq!(seen(&root, "text"), file("t", Mode::Plain));
    assert!(super::has_no_mode(&root, &path("new")));
    assert!(!super::has_no_mode(&root, &path("text")));
    assert!(refused(&root, "text").is_none());
}

#[test]
fn names_that_differ_in_case_or_form_alone_are_twins() {
    let scene = repository(&[
        ("dockerfile", ""),
        ("docs/caf\u{e9}.md", ""),
        ("k8s/Mine.yaml", ""),
        ("README.md", ""),
    ]);
    scene.write("new/MAKEFILE", "");
    let managed = [
        "Dockerfile",
        "README.md",
        "docs/cafe\u{301}.md",
        "k8s/Mine.yaml",
        "k8s/mine.yaml",
        "new/makefile",
    ];
    let managed: Vec<RepoPath> = managed.iter().map(|text| path(text)).collect();
    let mut managed: Vec<&RepoPath> = managed.iter().collect();
    managed.sort();
    let found = twins(&scene.root(), &managed, &[&path("new/makefile")]).expect("Git is asked");
    let found: Vec<String> = found
        .iter()
        .map(|(path, twin)| format!("{path} {twin}"))
        .collect();
    assert_eq!(
        found,
        [
            "Dockerfile dockerfile",
            "docs/cafe\u{301}.md docs/caf\u{e9}.md",
            "new/makefile new/MAKEFILE",
        ]
    );
}

#[test]
fn objects_come_in_one_go_and_those_that_are_nowhere_are_named() {
    let told = b"a1 blob 3\nx\ny\nb2 missing\nc3 blob 0\n\n";
    let found = batch(told);
    assert_eq!(found.len(), 2);
    assert_eq!(found["a1"].as_ref(), b"x\ny");
    assert_eq!(found["c3"].as_ref(), b"");
    let scene = repository(&[("a", "a")]);
    let id = git(&scene, &["rev-parse", "HEAD:a"]).trim().to_owned();
    assert_eq!(super::blob(b"a"), id);
    let wanted = |id: &str, what: &str| (id.to_owned(), what.to_owned());
    let both = BTreeMap::from([wanted(&id, "a"), wanted(&"0".repeat(40), "gone")]);
    let error = objects(scene.path(), &both).expect_err("one is nowhere");
    assert_eq!(error.what, ["gone"]);
    let one = BTreeMap::from([wanted(&id, "a")]);
    let found = objects(scene.path(), &one).expect("it is there");
    assert_eq!(found[&id].as_ref(), b"a");
}
