//! What `doctor` finds, and that it leaves everything as it was.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use loom_plan::addr::RepoPath;

use super::transactions::{apply, approved, create, scene, stage, update};
use super::{Scene, overwrite, remove};
use crate::commit::CommitError;
use crate::doctor::{Finding, Holder, IndexHolder, Room, Standing, Tried, doctor};
use crate::lock::{self, Lock};
use crate::recover::Direction;
use crate::root::Root;
use crate::stage::{Durability, Staged};
use crate::transaction::Rescued;

fn look(root: &Root) -> Vec<Finding> {
    doctor(root, &[RepoPath::new("a").expect("a path")]).expect("looks")
}

#[track_caller]
fn finding<T>(root: &Root, pick: impl Fn(Finding) -> Option<T>) -> T {
    look(root)
        .into_iter()
        .find_map(pick)
        .expect("it was looked at")
}

fn standings(root: &Root) -> BTreeSet<Standing> {
    look(root)
        .iter()
        .filter(|it| !matches!(it, Finding::FileSystem { .. }))
        .map(Finding::standing)
        .collect()
}

/// Every path below, Git's own too.
fn all(directory: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).expect("is read") {
        let path = entry.expect("an entry").path();
        paths.push(path.display().to_string());
        if path.is_dir() {
            paths.extend(all(&path));
        }
    }
    paths.sort();
    paths
}

#[test]
fn looking_leaves_everything_as_it_was() {
    let with_git = scene(&[("a".to_owned(), "old\n")]);
    let without = Scene::new(&[("loom.yaml", ""), ("a", "old\n")]);
    for scene in [&with_git, &without] {
        for step in 0..2 {
            let before = all(scene.path());
            assert!(look(&scene.root()).len() > 15);
            assert_eq!(all(scene.path()), before);
            if step == 0 {
                apply(&scene.root(), &[update("a")], Durability::Kill).expect("is applied");
            }
        }
    }
}

#[test]
fn where_nothing_is_wrong_everything_is_fine() {
    let scene = scene(&[("a".to_owned(), "old\n")]);
    let mine = |place: &str| {
        // Whatever the umask of whoever runs the tests.
        fs::set_permissions(scene.path().join(place), fs::Permissions::from_mode(0o755))
            .expect("changes the mode");
    };
    mine(".git");
    assert_eq!(standings(&scene.root()), [Standing::Fine].into());
    apply(&scene.root(), &[update("a")], Durability::Kill).expect("is applied");
    mine(".git/loom");
    assert_eq!(standings(&scene.root()), [Standing::Fine].into());
    let (entries, bytes) = finding(&scene.root(), |it| {
        if let Finding::History { entries, bytes } = it {
            Some((entries, bytes))
        } else {
            None
        }
    });
    assert!(entries == 1 && bytes > 100, "{entries} {bytes}");
}

#[test]
fn a_system_without_an_exchange_is_weaker() {
    let scene = scene(&[]);
    let root = scene.root();
    root.disk.faults.lack_exchange();
    let found = finding(&root, |it| {
        matches!(it, Finding::Exchange { .. }).then_some(it)
    });
    assert!(
        matches!(
            &found,
            Finding::Exchange {
                exchange: Tried::Lacking(_),
                links: Tried::Works
            }
        ),
        "{found:?}"
    );
    assert_eq!(found.standing(), Standing::Weaker);
    let neither = Finding::Exchange {
        exchange: Tried::Lacking(String::new()),
        links: Tried::Lacking(String::new()),
    };
    assert_eq!(neither.standing(), Standing::Missing);
}

#[test]
fn an_interrupted_run_is_said_and_left_as_it_is() {
    let mut said = 0;
    for number in 0.. {
        let scene = scene(&[("a".to_owned(), "old\n")]);
        let root = scene.root();
        let approved = approved(&root, &[update("a")], Durability::Kill);
        root.disk.faults.kill(number);
        drop(
            approved
                .stage(&|_, _| Ok(b"new\n".to_vec()))
                .map(Staged::commit),
        );
        if root.disk.faults.heal().is_empty() {
            break;
        }
        let ids = finding(&scene.root(), |it| {
            if let Finding::Interrupted(ids) = it {
                Some(ids)
            } else {
                None
            }
        });
        let recovered = Lock::take(&scene.root(), Duration::ZERO)
            .expect("is settled")
            .recovered
            .clone();
        assert_eq!(ids, recovered.iter().map(|it| it.id).collect::<Vec<_>>());
        said += recovered
            .iter()
            .filter(|it| it.direction == Direction::Back)
            .count();
    }
    assert!(said > 1, "{said}");
    assert_eq!(Finding::Interrupted(vec![1]).standing(), Standing::Missing);
}

#[test]
fn who_holds_a_lock_is_said_without_taking_it() {
    let scene = scene(&[("a".to_owned(), "old\n")]);
    let holder = || {
        finding(&scene.root(), |it| {
            if let Finding::Lock(holder) = it {
                Some(holder)
            } else {
                None
            }
        })
    };
    if holder() == Holder::Unknown {
        eprintln!("SKIPPED: the system does not list locks");
        return;
    }
    let root = scene.root();
    let lock = Lock::take(&root, Duration::ZERO).expect("is free");
    let Holder::Process(process) = holder() else {
        panic!("{:?}", holder())
    };
    assert!(
        process.starts_with(&format!("pid {} on ", std::process::id())),
        "{process}"
    );
    drop(lock);
    assert_eq!(holder(), Holder::Nobody);
}

#[test]
fn gits_lock_is_told_from_one_that_a_killed_loom_left() {
    let scene = scene(&[]);
    let index = || {
        finding(&scene.root(), |it| {
            if let Finding::IndexLock(holder) = it {
                Some(holder)
            } else {
                None
            }
        })
    };
    assert_eq!(index(), IndexHolder::Nobody);
    scene.write(".git/index.lock", "");
    assert_eq!(index(), IndexHolder::Git);
    scene.write(".git/index.lock", lock::mark(&scene.root()));
    assert_eq!(index(), IndexHolder::Killed);
    drop(Lock::take(&scene.root(), Duration::ZERO).expect("is free"));
    assert_eq!(
        index(),
        IndexHolder::Nobody,
        "whoever takes the lock gives it back"
    );
}

#[test]
fn what_others_may_write_and_what_git_would_rewrite_is_said() {
    let scene = scene(&[("a".to_owned(), "old\n")]);
    apply(&scene.root(), &[create("b")], Durability::Kill).expect("is applied");
    fs::set_permissions(
        scene.path().join(".git/loom"),
        fs::Permissions::from_mode(0o777),
    )
    .expect("changes the mode");
    assert_eq!(
        standings(&scene.root()),
        [Standing::Fine, Standing::Weaker].into()
    );
    scene.write(".gitattributes", "a eol=crlf\n");
    assert!(standings(&scene.root()).contains(&Standing::Missing));
}

#[test]
fn files_that_were_kept_are_listed_until_somebody_takes_them() {
    let scene = scene(&[("a".to_owned(), "old\n"), ("d".to_owned(), "old\n")]);
    let (root, top) = (scene.root(), scene.path().to_owned());
    let staged = stage(&root, &[update("a"), update("d")], Durability::Kill).expect("is staged");
    // Somebody edits the new `a` while `d` is about to change, and `d` too: all goes back, but for the new `a`.
    root.disk.faults.before("exchange", 1, move || {
        for name in ["a", "d"] {
            overwrite(&top.join(name), "mine\n");
        }
    });
    let Err(CommitError::Stale { kept, .. }) = staged.commit() else {
        panic!("does not see the edit")
    };
    let Rescued::Other(kept) = kept[0].what.clone() else {
        panic!("the old `a` is not kept: {kept:?}")
    };
    let names = |root: &Root| {
        finding(root, |it| {
            if let Finding::Kept { names, .. } = it {
                Some(names)
            } else {
                None
            }
        })
    };
    assert_eq!(
        names(&root),
        [kept
            .file_name()
            .and_then(|name| name.to_str())
            .expect("is text")]
    );
    assert!(standings(&root).contains(&Standing::Weaker));
    remove(&kept);
    assert_eq!(names(&root), [""; 0]);
}

#[test]
fn a_disk_that_is_nearly_full_is_weaker_and_a_full_one_stops_everything() {
    let standing = |bytes, files| Finding::Room(Room { bytes, files }).standing();
    assert_eq!(standing(200 << 20, Some(20_000)), Standing::Fine);
    assert_eq!(standing(200 << 20, None), Standing::Fine);
    assert_eq!(standing(90 << 20, None), Standing::Weaker);
    assert_eq!(standing(200 << 20, Some(9_000)), Standing::Weaker);
    assert_eq!(standing(1 << 18, Some(20_000)), Standing::Missing);
    assert_eq!(standing(200 << 20, Some(7)), Standing::Missing);
    let scene = Scene::new(&[]);
    let room = finding(&scene.root(), |it| {
        if let Finding::Room(room) = it {
            Some(room)
        } else {
            None
        }
    });
    assert!(room.bytes > 0);
}
