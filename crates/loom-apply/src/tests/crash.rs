//! Kills: the process ends before any change, and the next run settles what it left.
//!
//! A kill is a fault that stays: nothing changes any more, whatever the process still tries, and a
//! write that was under way is torn. `LOOM_CRASH_FULL` takes all pairs of actions where the cases
//! alone are enough for every day.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::transactions::{
    Case, Failure, apply, attempt, create, delete, files, kinds, left_behind, pairs, scene, stage,
    update,
};
use super::{Scene, overwrite, read};
use crate::care::Care;
use crate::commit::CommitError;
use crate::lock::{Lock, LockError};
use crate::recover::{Direction, Recovered, Unsettled, is_settled};
use crate::root::Root;
use crate::stage::Durability;

fn cases() -> Vec<Case> {
    if std::env::var_os("LOOM_CRASH_FULL").is_some() {
        pairs()
    } else {
        kinds("one")
    }
}

/// The tree after the case, and before it.
struct Trees {
    old: BTreeMap<String, String>,
    new: BTreeMap<String, String>,
}

fn trees((before, plans): &Case) -> Trees {
    let applied = scene(before);
    apply(&applied.root(), plans, Durability::Kill).expect("is applied");
    Trees {
        old: scene(before).tree(),
        new: files(&applied.tree()),
    }
}

/// A scene in which applying was killed before the change with this number; `None` where it was over before.
fn killed(case: &Case, number: usize, system: &dyn Fn(&Root)) -> Option<Scene> {
    let scene = scene(&case.0);
    let root = scene.root();
    drop(Lock::take(&root, Duration::ZERO).expect("the private place can be made"));
    system(&root);
    root.disk.faults.kill(number);
    drop(attempt(&root, &case.1));
    (!root.disk.faults.heal().is_empty()).then_some(scene)
}

fn recover(scene: &Scene) -> Vec<Recovered> {
    Lock::take(&scene.root(), Duration::ZERO)
        .expect("is settled")
        .recovered
        .clone()
}

/// The tree is old or new, as recovery says, and nothing is left that a second one would find.
fn is_whole(scene: &Scene, trees: &Trees, recovered: &[Recovered], hint: &str) {
    let tree = scene.tree();
    match recovered
        .iter()
        .map(|recovered| recovered.direction)
        .next_back()
    {
        Some(Direction::Back) => assert_eq!(tree, trees.old, "{hint}"),
        Some(Direction::Forward) => assert_eq!(files(&tree), trees.new, "{hint}"),
        None => assert!(
            tree == trees.old || files(&tree) == trees.new,
            "{hint}: {tree:#?}"
        ),
    }
    assert_eq!(left_behind(scene), [""; 0], "{hint}");
    assert_eq!(recover(scene), [], "{hint}");
    assert_eq!(tree, scene.tree(), "{hint}");
}

/// Kills before every change of every case, and returns how many kills there were and how many left a half.
fn kills_of(cases: &[Case], system: &dyn Fn(&Root)) -> (usize, usize) {
    let (mut kills, mut halves) = (0, 0);
    for case in cases {
        let trees = trees(case);
        for number in 0.. {
            let Some(scene) = killed(case, number, system) else {
                break;
            };
            kills += 1;
            let left = scene.tree();
            halves += usize::from(left != trees.old && files(&left) != trees.new);
            let recovered = recover(&scene);
            is_whole(
                &scene,
                &trees,
                &recovered,
                &format!("{number} of {:?}", case.1),
            );
            if scene.tree() == trees.old {
                apply(&scene.root(), &case.1, Durability::Kill)
                    .expect("is applied the second time");
                assert_eq!(files(&scene.tree()), trees.new);
            }
        }
    }
    (kills, halves)
}

#[test]
fn a_kill_at_every_change_leaves_the_old_or_the_new() {
    let (kills, halves) = kills_of(&pairs(), &|_| ());
    assert!(kills > 64 * 20 && halves > 64, "{kills} {halves}");
}

#[test]
fn a_kill_where_the_system_has_no_exchange_leaves_the_old_or_the_new() {
    let (kills, halves) = kills_of(&cases(), &|root| root.disk.faults.lack_exchange());
    assert!(kills > 8 * 15 && halves > 4, "{kills} {halves}");
}

#[test]
fn a_kill_during_recovery_changes_nothing_about_it() {
    for system in [(&|_: &Root| ()) as &dyn Fn(&Root), &|root| {
        root.disk.faults.lack_exchange();
    }] {
        let mut kills = 0;
        for case in cases() {
            let trees = trees(&case);
            for number in 0.. {
                if killed(&case, number, system).is_none() {
                    break;
                }
                for during in 0.. {
                    let scene = killed(&case, number, system).expect("was killed before");
                    let root = scene.root();
                    system(&root);
                    root.disk.faults.kill(during);
                    drop(Lock::take(&root, Duration::ZERO));
                    if root.disk.faults.heal().is_empty() {
                        break;
                    }
                    kills += 1;
                    let recovered = recover(&scene);
                    is_whole(
                        &scene,
                        &trees,
                        &recovered,
                        &format!("{during} after {number} of {:?}", case.1),
                    );
                }
            }
        }
        assert!(kills > 8 * 15 * 5, "{kills}");
    }
}

#[test]
fn a_fault_during_recovery_is_said_and_the_next_one_ends_it() {
    let mut said = 0;
    for case in cases() {
        let trees = trees(&case);
        for number in 0.. {
            if killed(&case, number, &|_| ()).is_none() {
                break;
            }
            for during in 0.. {
                let scene = killed(&case, number, &|_| ()).expect("was killed before");
                let root = scene.root();
                root.disk.faults.fail(during..during + 1);
                let outcome = Lock::take(&root, Duration::ZERO).map(drop);
                if root.disk.faults.heal().is_empty() {
                    break;
                }
                if let Err(LockError::Unfinished(left)) = outcome {
                    said += 1;
                    assert!(!left.failures.is_empty());
                }
                let recovered = recover(&scene);
                is_whole(
                    &scene,
                    &trees,
                    &recovered,
                    &format!("{during} after {number} of {:?}", case.1),
                );
            }
        }
    }
    assert!(said > 8 * 5, "{said}");
}

#[test]
fn what_somebody_writes_after_a_kill_survives_recovery() {
    let case: Case = (
        vec![("a".to_owned(), "old\n"), ("d".to_owned(), "old\n")],
        vec![create("n/c"), update("a"), delete("d")],
    );
    let mut edits = 0;
    for number in 0.. {
        if killed(&case, number, &|_| ()).is_none() {
            break;
        }
        for name in ["a", "d", "n/c"] {
            let scene = killed(&case, number, &|_| ()).expect("was killed before");
            if !scene
                .path()
                .join(name)
                .parent()
                .is_some_and(std::path::Path::exists)
            {
                continue;
            }
            overwrite(&scene.path().join(name), "mine\n");
            edits += 1;
            let recovered = recover(&scene);
            assert_eq!(
                read(&scene.path().join(name)),
                "mine\n",
                "{number} {name} {recovered:?}"
            );
            assert_eq!(
                left_behind(&scene)
                    .iter()
                    .filter(|name| *name != "kept")
                    .count(),
                0
            );
        }
    }
    assert!(edits > 30, "{edits}");
}

/// Every file below a directory.
fn texts(directory: &std::path::Path) -> Vec<String> {
    let entries = fs::read_dir(directory)
        .expect("the directory is read")
        .map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                texts(&path)
            } else {
                vec![read(&path)]
            }
        })
        .collect()
}

#[test]
fn what_somebody_writes_on_the_way_back_survives_a_kill_there() {
    let (mut edits, mut kills) = (0, 0);
    for exchanges in 2..4 {
        for number in 0.. {
            let scene = scene(&[("a".to_owned(), "old\n"), ("z".to_owned(), "old\n")]);
            let (root, top) = (scene.root(), scene.path().to_owned());
            let staged =
                stage(&root, &[update("a"), update("z")], Durability::Kill).expect("is staged");
            // `z` is stale: everything goes back, and there somebody saves `a` right before its exchange.
            scene.write("z", "theirs\n");
            let edited = Arc::new(AtomicBool::new(false));
            let edit = Arc::clone(&edited);
            root.disk.faults.kill(number);
            root.disk.faults.before("exchange", exchanges, move || {
                overwrite(&top.join("a"), "mine\n");
                edit.store(true, Ordering::Relaxed);
            });
            drop(staged.commit());
            let was_killed = !root.disk.faults.heal().is_empty();
            recover(&scene);
            let found = texts(scene.path());
            let expected = if edited.load(Ordering::Relaxed) {
                vec!["theirs\n", "mine\n"]
            } else {
                vec!["theirs\n"]
            };
            for text in expected {
                assert!(
                    found.iter().any(|found| found == text),
                    "{text:?} is lost at {number}, {exchanges}"
                );
            }
            edits += usize::from(edited.load(Ordering::Relaxed));
            kills += usize::from(was_killed);
            if !was_killed {
                break;
            }
        }
    }
    assert!(edits > 4 && kills > 20, "{edits} {kills}");
}

#[test]
fn a_directory_that_does_not_open_is_no_reason_to_think_that_all_is_well() {
    let case: Case = (vec![("d/a".to_owned(), "old\n")], vec![update("d/a")]);
    if rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: every directory opens for root");
        return;
    }
    for number in 0.. {
        let Some(scene) = killed(&case, number, &|_| ()) else {
            break;
        };
        let permit = |mode| {
            fs::set_permissions(scene.path().join("d"), fs::Permissions::from_mode(mode))
                .expect("may");
        };
        permit(0o000);
        let shut = Lock::take(&scene.root(), Duration::ZERO).map(drop);
        permit(0o755);
        if shut.is_ok() {
            assert_eq!(left_behind(&scene), [""; 0], "{number}");
        }
        recover(&scene);
        assert!(
            ["old\n", "new\n"].contains(&read(&scene.path().join("d/a")).as_str()),
            "{number}"
        );
        assert_eq!(left_behind(&scene), [""; 0], "{number}");
    }
}

#[test]
fn those_who_read_are_told_that_a_run_was_interrupted() {
    let case: Case = (vec![("a".to_owned(), "old\n")], vec![update("a")]);
    let mut told = 0;
    for number in 0.. {
        let Some(scene) = killed(&case, number, &|_| ()) else {
            break;
        };
        match is_settled(&scene.root(), Duration::ZERO) {
            Err(Unsettled::Interrupted(_)) => told += 1,
            Err(other) => panic!("{other}"),
            Ok(()) => assert!(["old\n", "new\n"].contains(&read(&scene.path().join("a")).as_str())),
        }
        recover(&scene);
        is_settled(&scene.root(), Duration::ZERO).expect("is settled");
    }
    assert!(told > 1, "{told}");
}

#[test]
fn those_who_read_while_another_writes_are_told_who_does() {
    let scene = scene(&[("a".to_owned(), "old\n")]);
    let root = scene.root();
    let staged = stage(&root, &[update("a")], Durability::Kill).expect("is staged");
    is_settled(&scene.root(), Duration::ZERO).expect("nothing has changed yet");
    let reader = scene.root();
    root.disk.faults.before("exchange", 0, move || {
        let Err(Unsettled::Locked(LockError::Held { .. })) = is_settled(&reader, Duration::ZERO)
        else {
            panic!("reads")
        };
    });
    staged.commit().expect("is committed");
}

/// The control of every test that lets somebody edit meanwhile: without the look, they lose.
#[test]
fn without_the_look_at_what_was_displaced_an_edit_is_lost() {
    let scene = scene(&[("a".to_owned(), "old\n")]);
    let root = scene.root();
    let staged = stage(&root, &[update("a")], Durability::Kill).expect("is staged");
    scene.write("a", "mine\n");
    root.disk.faults.leave_out(Care::Look);
    staged.commit().expect("does not see it");
    assert_eq!(read(&scene.path().join("a")), "new\n");
}

/// The control of recovery's tables: were it to believe the path, what was displaced would be lost.
#[test]
fn without_believing_the_slot_recovery_loses_what_was_displaced() {
    let scene = scene(&[("a".to_owned(), "old\n"), ("z".to_owned(), "old\n")]);
    let (root, top) = (scene.root(), scene.path().to_owned());
    let staged = stage(&root, &[update("a"), update("z")], Durability::Kill).expect("is staged");
    root.disk.faults.leave_out(Care::Slot);
    root.disk.faults.before("exchange", 1, move || {
        overwrite(&top.join("a"), "mine\n");
        overwrite(&top.join("z"), "mine\n");
    });
    let Err(CommitError::Stale { kept, .. }) = staged.commit() else {
        panic!("does not see the edit")
    };
    assert_eq!(kept, [], "the old content of `a` was kept after all");
}

#[test]
fn what_was_recovered_is_said_once() {
    let case: Case = (vec![("a".to_owned(), "old\n")], vec![update("a")]);
    let directions: Vec<Direction> = (0..)
        .map_while(|number| killed(&case, number, &|_| ()))
        .flat_map(|scene| {
            recover(&scene)
                .into_iter()
                .map(|recovered| recovered.direction)
        })
        .collect();
    assert!(
        directions.contains(&Direction::Back) && directions.contains(&Direction::Forward),
        "{directions:?}"
    );
    assert!(matches!(
        attempt(&scene(&case.0).root(), &case.1),
        Ok(_) | Err(Failure::Commit(_) | Failure::Stage(_))
    ));
}
