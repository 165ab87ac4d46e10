//! Undoing, disturbed: killed or failing at every change, and in its recovery too, it is done or not at
//! all; and whatever it holds in between, an entry that is in force has its slots in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::history::{Failure, applied, held, past, recorded, undo};
use super::transactions::{
    Case, apply, approved_by, create, delete, files, kinds, left_behind, pairs, run, update,
};
use super::{Scene, overwrite, read, rename};
use crate::commit::{CommitError, Committed};
use crate::history::UndoError;
use crate::journal::{FORMAT, Journal, Read};
use crate::lock::{Lock, LockError};
use crate::recover::Direction;
use crate::root::Root;
use crate::stage::{Durability, StageError};

fn cases() -> Vec<Case> {
    let all = if std::env::var_os("LOOM_CRASH_FULL").is_some() {
        pairs()
    } else {
        kinds("one")
    };
    all.into_iter().map(recorded).collect()
}

#[test]
fn every_fault_during_an_undo_leaves_it_undone_or_not_at_all() {
    assert!(faults_of(&|_| ()) > 8 * 20);
}

#[test]
fn every_fault_during_an_undo_leaves_it_undone_or_not_at_all_where_the_system_has_no_exchange() {
    assert!(faults_of(&|root| root.disk.faults.lack_exchange()) > 8 * 20);
}

/// Lets every single change of every undo fail, and returns how many faults fired.
fn faults_of(system: &dyn Fn(&Root)) -> usize {
    let mut fired = 0;
    for case in cases() {
        for number in 0.. {
            let (scene, old, new) = applied(&case);
            let root = scene.root();
            let lock = Lock::take(&root, Duration::ZERO).expect("is free");
            system(&root);
            root.disk.faults.fail(number..number + 1);
            let outcome = undo_by(lock, &root, 1);
            let calls = root.disk.faults.heal();
            if calls.is_empty() {
                outcome.expect("no fault, no failure");
                break;
            }
            fired += 1;
            match outcome {
                Ok(done) => {
                    assert_eq!(files(&scene.tree()), files(&old), "{number} {calls:?}");
                    // A name that stays in the transaction's own directory goes with it, and is not said.
                    let is_as_before = calls == ["rmdir"] && scene.tree() == old;
                    assert!(
                        done.untidy.len() == 1 || calls == ["unlink"] || is_as_before,
                        "{number} {calls:?}"
                    );
                }
                Err(
                    Failure::Undo(UndoError::Stage(StageError::Trouble(_)) | UndoError::Trouble(_))
                    | Failure::Commit(CommitError::PutBack { .. }),
                ) => {
                    assert_eq!(scene.tree(), new, "{number} {calls:?}");
                    undo(&scene.root(), 1).expect("is undone the second time");
                }
                Err(other) => panic!("{number} {calls:?}: {other:?}"),
            }
            assert_eq!(files(&scene.tree()), files(&old), "{number} {calls:?}");
            is_healed(&scene);
        }
    }
    fired
}

/// As [`undo`], with a lock that was taken before.
fn undo_by(lock: Lock, root: &Root, id: u64) -> Result<Committed, Failure> {
    let approved = approved_by(lock, root, &[], Durability::Kill);
    let staged = approved.stage_undo(id);
    staged
        .map_err(|failed| Failure::Undo(failed.error))?
        .commit()
        .map_err(Failure::Commit)
}

/// After the next apply the undone entry has no contents any more, and nothing is left behind.
fn is_healed(scene: &Scene) {
    drop(Lock::take(&scene.root(), Duration::ZERO).expect("what was left is settled"));
    apply(&scene.root(), &[create("later")], Durability::Kill).expect("is applied");
    assert_eq!(held(scene, 1), ["journal"]);
    assert!(
        held(scene, past(scene)[1].id).contains(&"slots".to_owned()),
        "the undoing can be undone"
    );
    assert_eq!(left_behind(scene), [""; 0]);
}

#[test]
fn a_kill_during_an_undo_is_recovered() {
    assert!(kills_of(&|_| ()) > 8 * 20);
}

#[test]
fn a_kill_during_an_undo_is_recovered_where_the_system_has_no_exchange() {
    assert!(kills_of(&|root| root.disk.faults.lack_exchange()) > 8 * 20);
}

/// Kills before every change of every undo, and returns how many kills there were.
fn kills_of(system: &dyn Fn(&Root)) -> usize {
    let (mut kills, mut directions) = (0, Vec::new());
    for case in cases() {
        for number in 0.. {
            let Some(killed) = Killed::at(&case, number, system) else {
                break;
            };
            kills += 1;
            directions.extend(killed.settles(&format!("{number} of {:?}", case.1)));
        }
    }
    assert!(directions.contains(&Direction::Back) && directions.contains(&Direction::Forward));
    kills
}

/// A scene in which an undo was killed, with the trees before and after it.
struct Killed {
    scene: Scene,
    old: BTreeMap<String, String>,
    new: BTreeMap<String, String>,
}

impl Killed {
    /// Kills before the change with this number; `None` where the undo was over before.
    fn at(case: &Case, number: usize, system: &dyn Fn(&Root)) -> Option<Self> {
        let (scene, old, new) = applied(case);
        let root = scene.root();
        let lock = Lock::take(&root, Duration::ZERO).expect("is free");
        system(&root);
        root.disk.faults.kill(number);
        drop(undo_by(lock, &root, 1));
        (!root.disk.faults.heal().is_empty()).then_some(Self { scene, old, new })
    }

    /// Recovers, and sees that the undo was done or not at all; that the entry can be undone in the latter
    /// case, since it has its slots again; and that the undo can be undone.
    fn settles(&self, hint: &str) -> Vec<Direction> {
        let Self { scene, old, new } = self;
        let recovered = Lock::take(&scene.root(), Duration::ZERO)
            .expect("is settled")
            .recovered
            .clone();
        let directions: Vec<Direction> = recovered
            .iter()
            .map(|recovered| recovered.direction)
            .collect();
        let is_undone = past(scene).iter().any(|entry| entry.undoes == Some(1));
        match directions.last() {
            Some(Direction::Back) => assert!(!is_undone, "{hint}"),
            Some(Direction::Forward) => assert!(is_undone, "{hint}"),
            None => {}
        }
        assert_eq!(
            files(&scene.tree()),
            files(if is_undone { old } else { new }),
            "{hint}"
        );
        assert_eq!(left_behind(scene), [""; 0], "{hint}");
        assert_eq!(
            Lock::take(&scene.root(), Duration::ZERO)
                .expect("is settled")
                .recovered,
            [],
            "{hint}"
        );
        if !is_undone {
            assert_eq!(held(scene, 1), ["journal", "slots"], "{hint}");
            undo(&scene.root(), 1).expect("is undone the second time");
            assert_eq!(files(&scene.tree()), files(old), "{hint}");
        }
        let undoing = past(scene)
            .iter()
            .find(|entry| entry.undoes == Some(1))
            .map(|entry| entry.id)
            .expect("it is undone");
        undo(&scene.root(), undoing).expect("is done again");
        assert_eq!(files(&scene.tree()), files(new), "{hint}");
        is_healed(scene);
        directions
    }
}

/// Disturbs the recovery after every kill of every undo, at every change, and returns how often.
fn recoveries_of(system: &dyn Fn(&Root), disturb: &dyn Fn(&Root, usize)) -> usize {
    let mut disturbed = 0;
    for case in cases() {
        for number in 0.. {
            if Killed::at(&case, number, system).is_none() {
                break;
            }
            for during in 0.. {
                let killed = Killed::at(&case, number, system).expect("was killed before");
                let root = killed.scene.root();
                system(&root);
                disturb(&root, during);
                drop(Lock::take(&root, Duration::ZERO));
                if root.disk.faults.heal().is_empty() {
                    break;
                }
                disturbed += 1;
                killed.settles(&format!("{during} after {number} of {:?}", case.1));
            }
        }
    }
    disturbed
}

#[test]
fn a_kill_during_the_recovery_of_an_undo_changes_nothing_about_it() {
    let kill = |root: &Root, number: usize| root.disk.faults.kill(number);
    assert!(recoveries_of(&|_| (), &kill) > 8 * 20 * 5);
    assert!(recoveries_of(&|root| root.disk.faults.lack_exchange(), &kill) > 8 * 20 * 5);
}

#[test]
fn a_fault_during_the_recovery_of_an_undo_is_mended_by_the_next() {
    assert!(
        recoveries_of(&|_| (), &|root, number| root
            .disk
            .faults
            .fail(number..number + 1))
            > 8 * 20 * 5
    );
}

#[test]
fn a_fault_that_stays_during_an_undo_is_said_with_its_commands() {
    let (mut unfinished, mut commands) = (0, 0);
    for system in [(&|_: &Root| ()) as &dyn Fn(&Root), &|root| {
        root.disk.faults.lack_exchange();
    }] {
        for case in cases() {
            for number in 0.. {
                let (scene, old, new) = applied(&case);
                let root = scene.root();
                let lock = Lock::take(&root, Duration::ZERO).expect("is free");
                system(&root);
                root.disk.faults.fail(number..usize::MAX);
                let outcome = undo_by(lock, &root, 1);
                if root.disk.faults.heal().is_empty() {
                    break;
                }
                if let Err(Failure::Commit(CommitError::Unfinished {
                    unfinished: left, ..
                })) = outcome
                {
                    unfinished += 1;
                    commands += left.commands.len();
                    run(&left.commands);
                    assert_eq!(scene.tree(), new, "{number} {:?}", left.commands);
                }
                Killed { scene, old, new }.settles(&format!("{number} of {:?}", case.1));
            }
        }
    }
    assert!(
        unfinished > 8 * 5 && commands > 8 * 5,
        "{unfinished} {commands}"
    );
}

#[test]
fn recovery_finds_the_slots_wherever_a_power_loss_left_them() {
    let case: Case = (
        vec![("a".to_owned(), "old\n"), ("d".to_owned(), "old\n")],
        vec![create("c"), update("a"), delete("d")],
    );
    let mut moved = 0;
    for number in 0.. {
        let Some(killed) = Killed::at(&case, number, &|_| ()) else {
            break;
        };
        let private = killed.scene.path().join(".git/loom");
        let [entry, undoing] = ["undo-1/slots", "txn-2/slots"].map(|place| private.join(place));
        // The rename was forgotten, or it alone was not.
        match (
            entry.exists(),
            undoing.exists(),
            private.join("txn-2/journal").exists(),
        ) {
            (false, true, _) => rename(&undoing, &entry),
            (true, false, true) => rename(&entry, &undoing),
            _ => continue,
        }
        moved += 1;
        let is_sealed = |text: &str| matches!(Journal::read(text), Read::Sealed(..));
        if entry.exists() || is_sealed(&read(&private.join("txn-2/journal"))) {
            killed.settles(&number.to_string());
        }
    }
    assert!(moved > 10, "{moved}");
}

#[test]
fn slots_that_are_nowhere_are_said_and_nothing_is_removed() {
    let case: Case = (vec![("a".to_owned(), "old\n")], vec![update("a")]);
    let mut said = 0;
    for number in 0.. {
        let Some(killed) = Killed::at(&case, number, &|_| ()) else {
            break;
        };
        let private = killed.scene.path().join(".git/loom");
        let places = ["undo-1/slots", "txn-2/slots"].map(|place| private.join(place));
        let Some(slots) = places.iter().find(|place| place.exists()) else {
            continue;
        };
        let away = killed.scene.path().join("away");
        rename(slots, &away);
        match Lock::take(&killed.scene.root(), Duration::ZERO).map(drop) {
            Err(LockError::Unfinished(left)) => {
                said += 1;
                let failure = left.failures[0].to_string();
                assert!(
                    failure.contains("the slots of entry 1, which it undoes, are not there"),
                    "{failure}"
                );
                assert!(private.join("txn-2/journal").exists());
                rename(&away, slots);
            }
            // Nothing of the undo had begun, or all of it was done.
            other => {
                other.expect("is settled");
                let undone = private.join("undo-2");
                rename(
                    &away,
                    &if undone.exists() {
                        undone.join("slots")
                    } else {
                        places[0].clone()
                    },
                );
            }
        }
        killed.settles(&number.to_string());
    }
    assert!(said > 3, "{said}");
}

#[test]
fn an_open_transaction_of_another_version_is_refused_and_left_as_it_is() {
    let case: Case = (vec![("a".to_owned(), "old\n")], vec![update("a")]);
    let mut refused = 0;
    for number in 0.. {
        let Some(killed) = Killed::at(&case, number, &|_| ()) else {
            break;
        };
        let journal = killed.scene.path().join(".git/loom/txn-2/journal");
        if !journal.exists() || !matches!(Journal::read(&read(&journal)), Read::Sealed(..)) {
            continue;
        }
        let text = read(&journal);
        overwrite(
            &journal,
            text.replacen(
                &format!("\"format\":{FORMAT}"),
                &format!("\"format\":{}", FORMAT - 1),
                1,
            ),
        );
        let before = killed.scene.tree();
        let Err(LockError::Unfinished(left)) =
            Lock::take(&killed.scene.root(), Duration::ZERO).map(drop)
        else {
            panic!("acts")
        };
        assert!(
            left.failures[0]
                .help
                .contains("another version of loom wrote it"),
            "{left:?}"
        );
        assert_eq!(killed.scene.tree(), before);
        overwrite(&journal, text);
        killed.settles(&number.to_string());
        refused += 1;
    }
    assert!(refused > 3, "{refused}");
}
