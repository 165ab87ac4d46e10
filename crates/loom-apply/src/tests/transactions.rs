//! All or nothing: guards, edits that come in between, and every fault.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::time::Duration;

use loom_plan::addr::{ContentHash, RepoPath};
use loom_plan::plan::Expect;
use loom_plan::provider::Mode;
use loom_plan::snapshot::Content;

use super::{Scene, overwrite, read, remove};
use crate::commit::{CommitError, Committed};
use crate::journal::Exchange;
use crate::lock::Lock;
use crate::lock::LockError;
use crate::root::Root;
use crate::stage::{Approved, Becomes, Cause, Change, Durability, Put, StageError, Staged, Stop};
use crate::transaction::{Kept, Rescued};

/// A change and the bytes that it puts; an edit puts them behind what is there.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) change: Change,
    pub(super) bytes: &'static str,
}

pub(super) fn path(text: &str) -> RepoPath {
    RepoPath::new(text).expect("a path")
}

pub(super) fn exactly(text: &str, mode: Mode) -> Expect {
    Expect::Exactly(Content {
        hash: ContentHash::of(text.as_bytes()),
        mode,
    })
}

pub(super) fn plan(at: &str, expect: Expect, put: Put, bytes: &'static str) -> Planned {
    Planned {
        change: Change {
            path: path(at),
            expect,
            put,
        },
        bytes,
    }
}

pub(super) fn file(mode: Mode) -> Put {
    Put::File(Becomes { mode, hash: None })
}

pub(super) fn create(at: &str) -> Planned {
    plan(at, Expect::Absent, file(Mode::Plain), "new\n")
}

pub(super) fn update(at: &str) -> Planned {
    plan(
        at,
        exactly("old\n", Mode::Plain),
        file(Mode::Plain),
        "new\n",
    )
}

pub(super) fn delete(at: &str) -> Planned {
    plan(at, exactly("old\n", Mode::Plain), Put::Nothing, "")
}

pub(super) fn approved<'r>(
    root: &'r Root,
    plans: &[Planned],
    durability: Durability,
) -> Approved<'r> {
    let lock = Lock::take(root, Duration::ZERO).expect("the lock is free");
    approved_by(lock, root, plans, durability)
}

pub(super) fn approved_by<'r>(
    lock: Lock,
    root: &'r Root,
    plans: &[Planned],
    durability: Durability,
) -> Approved<'r> {
    let changes = plans.iter().map(|plan| plan.change.clone()).collect();
    let cause = Cause {
        command: "apply".to_owned(),
        digest: None,
    };
    Approved {
        root,
        lock,
        changes,
        cause,
        durability,
        stop: Stop::default(),
    }
}

pub(super) fn stage<'r>(
    root: &'r Root,
    plans: &[Planned],
    durability: Durability,
) -> Result<Staged<'r>, StageError> {
    let contents = |index: usize, current: Option<Vec<u8>>| {
        let plan: &Planned = &plans[index];
        assert_eq!(
            current.is_some(),
            matches!(
                (plan.change.put, plan.change.expect),
                (Put::Edit(_), Expect::Exactly(_))
            )
        );
        Ok([current.unwrap_or_default(), plan.bytes.as_bytes().to_vec()].concat())
    };
    approved(root, plans, durability)
        .stage(&contents)
        .map_err(|failed| failed.error)
}

#[derive(Debug)]
pub(super) enum Failure {
    Stage(StageError),
    Commit(CommitError),
}

pub(super) fn apply(
    root: &Root,
    plans: &[Planned],
    durability: Durability,
) -> Result<Committed, Failure> {
    stage(root, plans, durability)
        .map_err(Failure::Stage)?
        .commit()
        .map_err(Failure::Commit)
}

/// The files that are there before, and what is done.
pub(super) type Case = (Vec<(String, &'static str)>, Vec<Planned>);

/// Every kind of action: what is there before, and what is done; below a directory of its own.
pub(super) fn kinds(top: &str) -> Vec<Case> {
    let at = |below: &str| format!("{top}/{below}");
    let (x, y) = (at("x"), at("deep/er/y"));
    let neighbour = (at("stays"), "stays\n");
    let old = || (x.clone(), "old\n");
    vec![
        (vec![neighbour.clone()], vec![create(&x)]),
        (vec![], vec![create(&y)]),
        (vec![old()], vec![update(&x)]),
        (
            vec![old()],
            vec![plan(
                &x,
                exactly("old\n", Mode::Plain),
                file(Mode::Executable),
                "old\n",
            )],
        ),
        (
            vec![old()],
            vec![plan(
                &x,
                exactly("old\n", Mode::Plain),
                Put::Edit(Becomes {
                    mode: Mode::Plain,
                    hash: None,
                }),
                "more\n",
            )],
        ),
        (vec![neighbour.clone(), old()], vec![delete(&x)]),
        (vec![(y.clone(), "old\n")], vec![delete(&y)]),
        (vec![neighbour, old()], vec![delete(&x), create(&y)]),
    ]
}

pub(super) fn pairs() -> Vec<Case> {
    let mut pairs = Vec::new();
    for (files, plans) in kinds("one") {
        for (more_files, more_plans) in kinds("two") {
            pairs.push((
                [files.clone(), more_files].concat(),
                [plans.clone(), more_plans].concat(),
            ));
        }
    }
    pairs
}

pub(super) fn scene(files: &[(String, &'static str)]) -> Scene {
    let scene = Scene::in_memory(&[("loom.yaml", ""), (".git/HEAD", "ref: refs/heads/main\n")]);
    for (path, text) in files {
        scene.write(path, text);
    }
    scene
}

/// The tree without empty directories, which Git does not know.
pub(super) fn files(tree: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    tree.iter()
        .filter(|(_, what)| !what.ends_with("directory"))
        .map(|(path, what)| (path.clone(), what.clone()))
        .collect()
}

pub(super) fn left_behind(scene: &Scene) -> Vec<String> {
    let private = fs::read_dir(scene.path().join(".git/loom")).expect("the private place is there");
    let mut names: Vec<String> = private
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect();
    names.retain(|name| name != "lock" && !name.starts_with("undo-"));
    names.extend(
        scene
            .path()
            .join(".git/index.lock")
            .exists()
            .then(|| "index.lock".to_owned()),
    );
    names
}

#[test]
fn an_edit_of_the_header_alone_is_noticed_before_anything_is_written() {
    let header = "# Managed by loom: file.a (project); see 'loom explain PATH'\n";
    let seen = format!("{header}old\n");
    let scene = Scene::new(&[("a", seen.as_str())]);
    let change = || plan("a", exactly(&seen, Mode::Plain), file(Mode::Plain), "new\n");
    scene.write("a", header.replace("file.a", "file.b") + "old\n");
    let root = scene.root();
    let staged = stage(&root, &[change()], Durability::Kill);
    assert!(matches!(staged, Err(StageError::Stale(stale)) if stale.len() == 1));
    scene.write("a", &seen);
    apply(&root, &[change()], Durability::Kill).expect("it is what the plan saw");
}

#[test]
fn a_plan_is_carried_out_whole() {
    for (before, plans) in pairs() {
        let scene = scene(&before);
        let done = apply(&scene.root(), &plans, Durability::Kill).expect("is applied");
        assert!(done.kept.is_empty() && done.untidy.is_empty(), "{done:?}");
        for plan in &plans {
            let at = scene.path().join(plan.change.path.as_str());
            match plan.change.put {
                Put::Nothing => assert!(!at.exists()),
                Put::File(becomes) | Put::Edit(becomes) => {
                    let text = read(&at);
                    assert!(text.ends_with(plan.bytes), "{text}");
                    let executable =
                        at.metadata().expect("is there").permissions().mode() & 0o111 != 0;
                    assert_eq!(executable, becomes.mode == Mode::Executable);
                }
            }
        }
        assert_eq!(left_behind(&scene), [""; 0]);
    }
}

#[test]
fn directories_that_become_empty_are_removed_and_others_stay() {
    let scene = scene(&[
        ("a/b/x".to_owned(), "old\n"),
        ("c/x".to_owned(), "old\n"),
        ("c/y".to_owned(), ""),
    ]);
    apply(
        &scene.root(),
        &[delete("a/b/x"), delete("c/x")],
        Durability::Full,
    )
    .expect("is applied");
    assert!(!scene.path().join("a").exists());
    assert!(scene.path().join("c/y").exists());
}

#[test]
fn every_fault_puts_everything_back() {
    assert!(faults_of(pairs(), |_| ()) > 64 * 20);
}

#[test]
fn every_fault_puts_everything_back_where_the_system_has_no_exchange() {
    assert!(faults_of(kinds("one"), |root| root.disk.faults.lack_exchange()) > 8 * 15);
}

/// Lets every single change of every case fail, and returns how many faults fired.
fn faults_of(cases: Vec<Case>, system: impl Fn(&Root)) -> usize {
    let mut fired = 0;
    for (before, plans) in cases {
        let new = {
            let scene = scene(&before);
            apply(&scene.root(), &plans, Durability::Kill).expect("is applied");
            scene.tree()
        };
        for number in 0.. {
            let scene = scene(&before);
            let old = scene.tree();
            let root = scene.root();
            drop(Lock::take(&root, Duration::ZERO).expect("the private place can be made"));
            system(&root);
            root.disk.faults.fail(number..number + 1);
            let outcome = attempt(&root, &plans);
            let calls = root.disk.faults.heal();
            if calls.is_empty() {
                outcome.expect("no fault, no failure");
                break;
            }
            fired += 1;
            match outcome {
                Ok(done) => {
                    assert_eq!(files(&scene.tree()), files(&new), "{number} {calls:?}");
                    // A name that stays in the transaction's own directory goes with it, and is not said.
                    let is_as_planned = calls == ["rmdir"] && scene.tree() == new;
                    assert!(
                        done.untidy.len() == 1 || calls == ["unlink"] || is_as_planned,
                        "{number} {calls:?}"
                    );
                }
                Err(
                    Failure::Stage(StageError::Trouble(_))
                    | Failure::Commit(CommitError::PutBack { .. }),
                ) => {
                    assert_eq!(scene.tree(), old, "{number} {calls:?}");
                }
                Err(other) => panic!("{number} {calls:?}: {other:?}"),
            }
            apply_again(&scene, &old, &plans);
            assert_eq!(files(&scene.tree()), files(&new), "{number} {calls:?}");
        }
    }
    fired
}

/// As [`apply`], but without asserting that the lock is free: that may be what fails.
pub(super) fn attempt(root: &Root, plans: &[Planned]) -> Result<Committed, Failure> {
    let lock = match Lock::take(root, Duration::ZERO) {
        Ok(lock) => lock,
        Err(LockError::Trouble(trouble)) => {
            return Err(Failure::Stage(StageError::Trouble(trouble)));
        }
        Err(held) => panic!("{held}"),
    };
    let contents = |index: usize, current: Option<Vec<u8>>| {
        Ok([
            current.unwrap_or_default(),
            plans[index].bytes.as_bytes().to_vec(),
        ]
        .concat())
    };
    let staged = approved_by(lock, root, plans, Durability::Kill).stage(&contents);
    staged
        .map_err(|failed| Failure::Stage(failed.error))?
        .commit()
        .map_err(Failure::Commit)
}

/// Whatever a fault left behind does not stand in the way of the next run.
fn apply_again(scene: &Scene, old: &BTreeMap<String, String>, plans: &[Planned]) {
    drop(Lock::take(&scene.root(), Duration::ZERO).expect("what was left is settled"));
    assert_eq!(left_behind(scene), [""; 0]);
    if scene.tree() == *old {
        apply(&scene.root(), plans, Durability::Kill).expect("is applied the second time");
        assert_eq!(left_behind(scene), [""; 0]);
    }
}

#[test]
fn a_fault_that_stays_is_said_with_its_commands() {
    assert!(lasting_faults_of(pairs(), |_| ()) > 64);
}

#[test]
fn a_fault_that_stays_is_said_where_the_system_has_no_exchange() {
    assert!(lasting_faults_of(kinds("one"), |root| root.disk.faults.lack_exchange()) > 8);
}

/// Lets everything fail from every change of every case on, and returns how often something remained.
fn lasting_faults_of(cases: Vec<Case>, system: impl Fn(&Root)) -> usize {
    let mut unfinished = 0;
    for (before, plans) in cases {
        for number in 0.. {
            let scene = scene(&before);
            let old = scene.tree();
            let root = scene.root();
            drop(Lock::take(&root, Duration::ZERO).expect("the private place can be made"));
            system(&root);
            root.disk.faults.fail(number..usize::MAX);
            let outcome = attempt(&root, &plans);
            if root.disk.faults.heal().is_empty() {
                outcome.expect("no fault, no failure");
                break;
            }
            match outcome {
                Ok(done) => assert!(!done.untidy.is_empty()),
                Err(Failure::Commit(CommitError::Unfinished {
                    unfinished: left, ..
                })) => {
                    unfinished += 1;
                    assert!(!left.failures.is_empty());
                    run(&left.commands);
                    assert_eq!(scene.tree(), old, "{number} {:?}", left.commands);
                    apply_again(&scene, &old, &plans);
                }
                Err(
                    Failure::Stage(StageError::Trouble(_))
                    | Failure::Commit(CommitError::PutBack { .. }),
                ) => {
                    assert_eq!(scene.tree(), old, "{number}");
                }
                Err(other) => panic!("{number}: {other:?}"),
            }
        }
    }
    unfinished
}

#[expect(
    clippy::disallowed_methods,
    reason = "the commands are meant for a shell"
)]
pub(super) fn run(commands: &[String]) {
    let done = std::process::Command::new("sh")
        .arg("-ec")
        .arg(commands.join("\n"))
        .output()
        .expect("sh runs");
    assert!(done.status.success(), "{commands:?}: {done:?}");
}

#[test]
fn all_stale_paths_are_said_together() {
    let scene = scene(&[
        ("a".to_owned(), "mine\n"),
        ("c".to_owned(), ""),
        ("e/x".to_owned(), ""),
        ("f".to_owned(), "old\n"),
    ]);
    symlink("e", scene.path().join("l")).expect("links");
    fs::set_permissions(scene.path().join("f"), fs::Permissions::from_mode(0o755))
        .expect("changes the mode");
    let old = scene.tree();
    let plans = [
        update("a"),
        delete("b"),
        create("c"),
        create("c2/x"),
        create("e"),
        update("f"),
        create("l/x"),
    ];
    let error = stage(&scene.root(), &plans, Durability::Kill).expect_err("is stale");
    let StageError::Stale(stale) = &error else {
        panic!("{error}")
    };
    assert_eq!(stale.len(), 6);
    for phrase in [
        "`a` was edited",
        "`b` is gone",
        "there is a file at `c`, where there was none",
        "there is a directory at `e`",
        "`f` has become executable",
        "there is a symbolic link in place of the directory `l` at `l/x`",
    ] {
        assert!(error.to_string().contains(phrase), "{error}");
    }
    assert_eq!(scene.tree(), old);
    assert_eq!(left_behind(&scene), [""; 0]);
}

#[test]
fn a_file_where_a_directory_is_needed_is_stale() {
    let scene = scene(&[("a".to_owned(), "old\n")]);
    let error = stage(&scene.root(), &[create("a/x")], Durability::Kill)
        .expect_err("is stale")
        .to_string();
    assert!(
        error.contains("a file in place of the directory `a`"),
        "{error}"
    );
    let error = stage(
        &scene.root(),
        &[delete("a"), create("a/x")],
        Durability::Kill,
    )
    .expect_err("overlaps")
    .to_string();
    assert!(
        error.contains("`a` and `a/x` cannot both be changed"),
        "{error}"
    );
}

#[test]
fn content_that_is_not_the_planned_one_is_refused() {
    let scene = scene(&[]);
    let old = scene.tree();
    let hash = Some(ContentHash::of(b"other\n"));
    let plans = [
        create("a"),
        plan(
            "b",
            Expect::Absent,
            Put::File(Becomes {
                mode: Mode::Plain,
                hash,
            }),
            "new\n",
        ),
    ];
    let error = stage(&scene.root(), &plans, Durability::Kill)
        .expect_err("is refused")
        .to_string();
    assert!(
        error.contains("`b`") && error.contains("plan again"),
        "{error}"
    );
    assert_eq!(scene.tree(), old);
}

#[test]
fn what_failed_is_given_back_with_its_lock() {
    let scene = scene(&[("a".to_owned(), "mine\n")]);
    let root = scene.root();
    let failed = approved(&root, &[update("a")], Durability::Kill)
        .stage(&|_, _| Err("no".to_owned()))
        .expect_err("fails");
    assert_eq!(failed.instance.changes.len(), 1);
    Lock::take(&scene.root(), Duration::ZERO).expect_err("the lock is still held");
}

#[test]
fn dropping_what_is_staged_leaves_nothing() {
    let scene = scene(&[("a".to_owned(), "old\n")]);
    let old = scene.tree();
    drop(
        stage(
            &scene.root(),
            &[update("a"), create("b/c")],
            Durability::Full,
        )
        .expect("is staged"),
    );
    assert_eq!(scene.tree(), old);
    assert_eq!(left_behind(&scene), [""; 0]);
}

/// Stages three changes, lets `meanwhile` happen, commits, and returns the scene and the error.
fn meanwhile(
    exchange: Exchange,
    plans: &[Planned],
    meanwhile: impl FnOnce(&Scene),
) -> (Scene, CommitError) {
    let scene = scene(&[
        ("a".to_owned(), "old\n"),
        ("d".to_owned(), "old\n"),
        ("z".to_owned(), "old\n"),
    ]);
    let root = scene.root();
    let mut staged = stage(&root, plans, Durability::Kill).expect("is staged");
    staged.transaction.exchange = exchange;
    meanwhile(&scene);
    let old = scene.tree();
    let error = staged.commit().expect_err("is stale");
    assert_eq!(scene.tree(), old, "{error}");
    assert_eq!(left_behind(&scene), [""; 0]);
    (scene, error)
}

#[test]
fn an_edit_between_stage_and_commit_stays_in_place() {
    let plans = [create("c/new"), update("a"), update("z"), delete("d")];
    for exchange in [Exchange::Whole, Exchange::Linked] {
        for edited in ["a", "z", "d"] {
            let (_, error) = meanwhile(exchange, &plans, |scene| scene.write(edited, "mine\n"));
            let CommitError::Stale { stale, kept } = error else {
                panic!("{error}")
            };
            assert_eq!(stale[0].path, path(edited));
            assert!(kept.is_empty());
        }
        let (_, error) = meanwhile(exchange, &plans, |scene| scene.write("c/new", "mine\n"));
        assert!(
            error
                .to_string()
                .contains("there is a file at `c/new`, where there was none"),
            "{error}"
        );
        for removed in ["z", "d"] {
            let (_, error) = meanwhile(exchange, &plans, |scene| {
                remove(&scene.path().join(removed));
            });
            assert!(
                error.to_string().contains(&format!("`{removed}` is gone")),
                "{error}"
            );
        }
    }
}

#[test]
fn an_edit_that_replaces_a_file_by_a_link_stays_in_place() {
    let (_, error) = meanwhile(Exchange::Whole, &[update("a"), update("z")], |scene| {
        remove(&scene.path().join("z"));
        symlink("a", scene.path().join("z")).expect("links");
    });
    assert!(
        error
            .to_string()
            .contains("there is a symbolic link at `z`"),
        "{error}"
    );
}

#[test]
fn an_edit_through_an_old_descriptor_is_seen_before_the_end() {
    let scene = scene(&[("a".to_owned(), "old\n"), ("d".to_owned(), "old\n")]);
    let root = scene.root();
    #[expect(clippy::disallowed_types, reason = "somebody else's editor")]
    let mut editor = fs::File::options()
        .append(true)
        .open(scene.path().join("a"))
        .expect("opens");
    let staged = stage(&root, &[update("a"), delete("d")], Durability::Kill).expect("is staged");
    root.disk.faults.before("rename", 0, move || {
        editor.write_all(b"mine\n").expect("writes");
    });
    let error = staged.commit().expect_err("is stale");
    assert!(error.to_string().contains("`a` was edited"), "{error}");
    assert_eq!(read(&scene.path().join("a")), "old\nmine\n");
    assert!(scene.path().join("d").exists());
}

#[test]
fn an_edit_of_the_new_content_survives_the_way_back() {
    let scene = scene(&[("a".to_owned(), "old\n"), ("d".to_owned(), "old\n")]);
    let (root, top) = (scene.root(), scene.path().to_owned());
    let staged = stage(
        &root,
        &[create("c"), update("a"), delete("d")],
        Durability::Kill,
    )
    .expect("is staged");
    // While `d` is about to go, somebody edits everything: the guard of `d` fails, and all goes back.
    root.disk.faults.before("rename", 1, move || {
        for name in ["a", "c", "d"] {
            overwrite(&top.join(name), "mine\n");
        }
    });
    let error = staged.commit().expect_err("is stale");
    let CommitError::Stale { kept, .. } = &error else {
        panic!("{error}")
    };
    for name in ["a", "c", "d"] {
        assert_eq!(read(&scene.path().join(name)), "mine\n", "{name}");
    }
    assert_eq!(kept.len(), 2, "{kept:?}");
    let other = |kept: &Kept| match &kept.what {
        Rescued::Other(place) => Some(place.clone()),
        Rescued::Theirs | Rescued::Late(_) => None,
    };
    let place = kept
        .iter()
        .find_map(other)
        .expect("the old content of `a` is kept");
    assert_eq!(read(&place), "old\n");
}

#[test]
fn gits_lock_keeps_loom_away_and_is_taken_meanwhile() {
    let scene = scene(&[("a".to_owned(), "old\n")]);
    let old = scene.tree();
    scene.write(".git/index.lock", "");
    let staged = stage(&scene.root(), &[update("a")], Durability::Kill).map(Staged::commit);
    let Ok(Err(CommitError::PutBack { trouble, .. })) = staged else {
        panic!("does not mind the lock")
    };
    assert!(trouble.help.contains("another Git command"), "{trouble}");
    assert!(
        scene.path().join(".git/index.lock").exists(),
        "the other's lock was removed"
    );
    assert_eq!(scene.tree(), old);
    remove(&scene.path().join(".git/index.lock"));
    let (root, lock) = (scene.root(), scene.path().join(".git/index.lock"));
    let staged = stage(&root, &[update("a")], Durability::Kill).expect("is staged");
    root.disk
        .faults
        .before("exchange", 0, move || assert!(lock.exists()));
    staged.commit().expect("is committed");
    assert_eq!(left_behind(&scene), [""; 0]);
}

#[test]
fn permissions_and_attributes_of_a_file_are_kept() {
    let scene = scene(&[("a".to_owned(), "old\n"), ("b".to_owned(), "old\n")]);
    let at = |name: &str| scene.path().join(name);
    fs::set_permissions(at("a"), fs::Permissions::from_mode(0o640)).expect("changes the mode");
    fs::set_permissions(at("b"), fs::Permissions::from_mode(0o4640)).expect("changes the mode");
    let attribute = rustix::fs::setxattr(
        at("a"),
        "user.loom",
        b"kept",
        rustix::fs::XattrFlags::empty(),
    );
    let executable = plan(
        "b",
        exactly("old\n", Mode::Plain),
        file(Mode::Executable),
        "new\n",
    );
    apply(&scene.root(), &[update("a"), executable], Durability::Kill).expect("is applied");
    let mode = |name: &str| at(name).metadata().expect("is there").mode() & 0o7777;
    assert_eq!((mode("a"), mode("b")), (0o640, 0o4750));
    if attribute.is_ok() {
        let mut value = [0; 8];
        let length =
            rustix::fs::getxattr(at("a"), "user.loom", &mut value[..]).expect("has the attribute");
        assert_eq!(&value[..length], b"kept");
    } else {
        eprintln!("SKIPPED: the file system has no user attributes");
    }
}

#[test]
fn a_directory_that_may_not_be_written_is_said_before_anything_changes() {
    if rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: root may write everywhere");
        return;
    }
    let scene = scene(&[("a".to_owned(), "old\n"), ("shut/x".to_owned(), "old\n")]);
    fs::set_permissions(scene.path().join("shut"), fs::Permissions::from_mode(0o555))
        .expect("changes the mode");
    let old = scene.tree();
    let error = stage(
        &scene.root(),
        &[update("a"), update("shut/x")],
        Durability::Kill,
    )
    .expect_err("is refused")
    .to_string();
    assert!(error.contains("`shut`"), "{error}");
    assert_eq!(scene.tree(), old);
}

#[test]
fn both_ways_of_making_things_durable_carry_out_the_plan() {
    for count in [2, 20] {
        let scene = scene(&[]);
        let plans: Vec<Planned> = (0..count)
            .map(|number| create(&format!("d{}/f{number}", number % 3)))
            .collect();
        apply(&scene.root(), &plans, Durability::Full).expect("is applied");
        assert!(scene.path().join("d1/f1").exists());
    }
}
