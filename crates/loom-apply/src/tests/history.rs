//! The history: an entry undone leaves the old tree to the byte, or nothing of it is done. Kills and faults
//! in the middle of it are in `undo`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;

use loom_plan::provider::Mode;

use super::transactions::{
    Case, apply, approved, create, delete, exactly, file, files, left_behind, pairs, path, plan,
    scene, update,
};
use super::{Scene, overwrite, read, remove};
use crate::commit::{CommitError, Committed};
use crate::history::{Did, LARGEST, MOST, OLDEST, Past, UndoError, changes, history, newest};
use crate::journal::{Counts, FORMAT, Head, Journal, Read, commit_mark, mark_at};
use crate::root::Root;
use crate::stage::{Durability, StageError};
use crate::transaction::Rescued;

const LEDGER: &str = ".loom/ledger/project.jsonl";

#[derive(Debug)]
pub(super) enum Failure {
    Undo(UndoError),
    Commit(CommitError),
}

pub(super) fn undo(root: &Root, id: u64) -> Result<Committed, Failure> {
    let staged = approved(root, &[], Durability::Kill).stage_undo(id);
    staged
        .map_err(|failed| Failure::Undo(failed.error))?
        .commit()
        .map_err(Failure::Commit)
}

pub(super) fn past(scene: &Scene) -> Vec<Past> {
    history(&scene.root()).expect("is read")
}

/// A case in which the ledger changes too, as in every apply.
pub(super) fn recorded((mut before, mut plans): Case) -> Case {
    before.push((LEDGER.to_owned(), "old\n"));
    plans.push(update(LEDGER));
    (before, plans)
}

/// A scene in which a case was applied, with the trees before and after.
pub(super) fn applied(
    (before, plans): &Case,
) -> (Scene, BTreeMap<String, String>, BTreeMap<String, String>) {
    let scene = scene(before);
    let old = scene.tree();
    apply(&scene.root(), plans, Durability::Kill).expect("is applied");
    let new = scene.tree();
    (scene, old, new)
}

/// The directory of an entry.
pub(super) fn place(scene: &Scene, id: u64) -> PathBuf {
    scene.path().join(format!(".git/loom/undo-{id}"))
}

/// What an entry's directory holds.
pub(super) fn held(scene: &Scene, id: u64) -> Vec<String> {
    let directory = fs::read_dir(place(scene, id)).expect("the entry is there");
    let mut names: Vec<String> = directory
        .map(|it| {
            it.expect("an entry")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect();
    names.sort();
    names
}

#[test]
fn an_undone_apply_leaves_the_old_tree_to_the_byte_and_nothing_else() {
    for case in pairs().into_iter().map(recorded) {
        let (scene, old, new) = applied(&case);
        assert_ne!(old, new);
        let done = undo(&scene.root(), 1).expect("is undone");
        assert_eq!(scene.tree(), old, "{:?}", case.1);
        assert!(
            done.id == 2
                && done.kept.is_empty()
                && done.untidy.is_empty()
                && done.linked.is_empty(),
            "{done:?}"
        );
        assert_eq!(left_behind(&scene), [""; 0]);
        assert_eq!(
            held(&scene, 1),
            ["journal"],
            "its contents are in the tree again"
        );
    }
}

#[test]
fn undoing_the_undoing_does_it_again_and_so_on() {
    for case in pairs().into_iter().map(recorded) {
        let (scene, old, new) = applied(&case);
        for id in 1..5 {
            undo(&scene.root(), id).expect("is undone");
            let tree = if id % 2 == 1 { &old } else { &new };
            assert_eq!(files(&scene.tree()), files(tree), "{id} of {:?}", case.1);
            let in_force = (id % 2 == 0).then_some(id + 1);
            assert_eq!(newest(&past(&scene)).map(|entry| entry.id), in_force);
        }
    }
}

#[test]
fn permissions_come_back_with_the_file() {
    let scene = scene(&[("a".to_owned(), "old\n"), ("d".to_owned(), "old\n")]);
    for (name, mode) in [("a", 0o640), ("d", 0o600)] {
        fs::set_permissions(scene.path().join(name), fs::Permissions::from_mode(mode))
            .expect("changes the mode");
    }
    let old = scene.tree();
    let executable = plan(
        "a",
        exactly("old\n", Mode::Plain),
        file(Mode::Executable),
        "new\n",
    );
    apply(&scene.root(), &[executable, delete("d")], Durability::Full).expect("is applied");
    undo(&scene.root(), 1).expect("is undone");
    assert_eq!(scene.tree(), old);
}

#[test]
fn the_history_tells_what_was_done_and_what_became_of_it() {
    let scene = scene(&[("a".to_owned(), "old\n"), ("d".to_owned(), "old\n")]);
    assert_eq!((past(&scene), newest(&past(&scene))), (vec![], None));
    apply(
        &scene.root(),
        &[create("n/c"), update("a"), delete("d")],
        Durability::Kill,
    )
    .expect("is applied");
    apply(&scene.root(), &[create("z")], Durability::Kill).expect("is applied");
    undo(&scene.root(), 2).expect("is undone");
    let past = past(&scene);
    let told: Vec<_> = past
        .iter()
        .map(|entry| (entry.id, entry.undoes, entry.undone_by, entry.counts))
        .collect();
    let counts = |created, updated, deleted| Counts {
        created,
        updated,
        deleted,
    };
    let expected = [
        (3, Some(2), None, counts(0, 0, 1)),
        (2, None, Some(3), counts(1, 0, 0)),
        (1, None, None, counts(1, 1, 1)),
    ];
    assert_eq!(told, expected);
    let did = |id| changes(&scene.root(), id).expect("can be read");
    assert_eq!(
        did(1),
        [
            (Did::Updated, path("a")),
            (Did::Deleted, path("d")),
            (Did::Created, path("n/c"))
        ]
    );
    assert_eq!(did(3), [(Did::Deleted, path("z"))]);
    assert!(crate::disk::now() - past[0].at < 60, "{past:?}");
    assert_eq!(
        newest(&past).map(|entry| entry.id),
        Some(1),
        "what was undone and what undid it are passed over"
    );
}

#[test]
fn what_is_not_in_force_cannot_be_undone_and_it_is_said_what_can() {
    let scene = scene(&[("a".to_owned(), "old\n")]);
    let refused = |id| match undo(&scene.root(), id) {
        Err(Failure::Undo(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(refused(1).contains("`loom history`"));
    apply(&scene.root(), &[update("a")], Durability::Kill).expect("is applied");
    undo(&scene.root(), 1).expect("is undone");
    assert!(refused(1).contains("`loom rollback 2` undoes that"));
    undo(&scene.root(), 2).expect("is done again");
    assert!(
        refused(1).contains("entry 3 did it again; `loom rollback 3`"),
        "{}",
        refused(1)
    );
    assert!(refused(2).contains("`loom rollback 3` undoes that"));
    undo(&scene.root(), 3).expect("is undone");
    assert!(
        refused(1).contains("`loom rollback 4` undoes that"),
        "{}",
        refused(1)
    );
}

#[test]
fn what_has_changed_since_is_named_and_nothing_is_undone() {
    let case: Case = (
        ["a", "b", "d", "m"]
            .map(|name| (name.to_owned(), "old\n"))
            .into(),
        vec![
            update("a"),
            update("b"),
            create("c"),
            delete("d"),
            update("m"),
            create("n/l"),
        ],
    );
    let (scene, _, _) = applied(&case);
    let at = |name: &str| scene.path().join(name);
    overwrite(&at("a"), "mine\n");
    remove(&at("c"));
    scene.write("d", "mine\n");
    fs::set_permissions(at("m"), fs::Permissions::from_mode(0o755)).expect("changes the mode");
    remove(&at("n/l"));
    symlink("../a", at("n/l")).expect("links");
    let changed = scene.tree();
    let Err(Failure::Undo(error @ UndoError::Changed { .. })) = undo(&scene.root(), 1) else {
        panic!("undoes it")
    };
    for phrase in [
        "`a` was edited",
        "`c` is gone",
        "there is a file at `d`, where there was none",
        "`m` has become executable",
        "there is a symbolic link at `n/l`",
    ] {
        assert!(error.to_string().contains(phrase), "{error}");
    }
    assert!(
        !error.to_string().contains("`b`") && !error.to_string().contains("later"),
        "{error}"
    );
    assert_eq!(scene.tree(), changed);
    assert_eq!(left_behind(&scene), [""; 0]);
}

#[test]
fn a_later_entry_in_the_way_is_named() {
    let (scene, old, _) = applied(&(vec![("a".to_owned(), "old\n")], vec![update("a")]));
    let later = plan(
        "a",
        exactly("new\n", Mode::Plain),
        file(Mode::Plain),
        "newer\n",
    );
    apply(&scene.root(), &[later], Durability::Kill).expect("is applied");
    let Err(Failure::Undo(error)) = undo(&scene.root(), 1) else {
        panic!("undoes it")
    };
    assert!(
        matches!(error, UndoError::Changed { by: Some(2), .. }),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("roll that back first, with `loom rollback 2`"),
        "{error}"
    );
    undo(&scene.root(), 2).expect("is undone");
    undo(&scene.root(), 1).expect("is undone");
    assert_eq!(scene.tree(), old);
}

/// The place of an entry's slot.
fn slot(scene: &Scene, id: u64) -> PathBuf {
    let mut slots = fs::read_dir(place(scene, id).join("slots")).expect("it has slots");
    slots
        .next()
        .expect("it displaced something")
        .expect("a slot")
        .path()
}

#[test]
fn what_somebody_wrote_late_is_neither_restored_as_if_it_were_the_old_nor_lost() {
    let (scene, _, new) = applied(&(vec![("a".to_owned(), "old\n")], vec![update("a")]));
    overwrite(&slot(&scene, 1), "old\nmine\n");
    let Err(Failure::Undo(UndoError::Stage(error @ StageError::Late(_)))) = undo(&scene.root(), 1)
    else {
        panic!("undoes it")
    };
    assert!(error.to_string().contains("`a`"), "{error}");
    assert_eq!(
        (scene.tree(), read(&slot(&scene, 1)).as_str()),
        (new, "old\nmine\n")
    );
}

/// Writes the journal of an entry anew, with another head.
fn behead(scene: &Scene, id: u64, change: impl FnOnce(&mut Head)) {
    let place = place(scene, id).join("journal");
    let Read::Sealed(mut journal, _) = Journal::read(&read(&place)) else {
        panic!("is sealed")
    };
    change(&mut journal.head);
    let text = journal.to_text();
    let sealed = &text[..mark_at(&text)];
    overwrite(&place, format!("{sealed}{}", commit_mark(sealed)));
    assert_eq!(
        past(scene).iter().filter(|entry| entry.id == id).count(),
        1,
        "it is an entry still"
    );
}

/// Lets an entry be older than it is.
fn age(scene: &Scene, id: u64, seconds: u64) {
    let then = rustix::fs::Timespec {
        tv_sec: i64::try_from(crate::disk::now() - seconds).expect("is near"),
        tv_nsec: 0,
    };
    let times = rustix::fs::Timestamps {
        last_access: then,
        last_modification: then,
    };
    let place = place(scene, id).join("journal");
    rustix::fs::utimensat(rustix::fs::CWD, place, &times, rustix::fs::AtFlags::empty())
        .expect("has another time");
}

/// A scene with this many entries, each of which made a file.
fn with_entries(count: usize) -> Scene {
    let scene = scene(&[]);
    for number in 0..count {
        apply(
            &scene.root(),
            &[create(&format!("f{number}"))],
            Durability::Kill,
        )
        .expect("is applied");
    }
    scene
}

fn ids(scene: &Scene) -> Vec<u64> {
    past(scene).iter().map(|entry| entry.id).collect()
}

#[test]
fn only_so_many_entries_are_kept() {
    let scene = with_entries(MOST + 3);
    assert_eq!(ids(&scene), (4..=MOST as u64 + 3).rev().collect::<Vec<_>>());
    assert_eq!(left_behind(&scene), [""; 0]);
}

#[test]
fn entries_go_when_they_are_too_old_but_the_newest_never() {
    let scene = with_entries(3);
    age(&scene, 1, OLDEST + 60);
    age(&scene, 2, OLDEST - 60);
    apply(&scene.root(), &[create("z")], Durability::Kill).expect("is applied");
    assert_eq!(ids(&scene), [4, 3, 2]);
    age(&scene, 4, OLDEST * 2);
    let root = scene.root();
    let (mut kept, mut untidy) = (Vec::new(), Vec::new());
    crate::history::prune(&root, &mut kept, &mut untidy);
    assert!(
        ids(&scene).starts_with(&[4]) && untidy.is_empty(),
        "{untidy:?}"
    );
}

#[test]
fn entries_go_when_they_are_too_large_together_but_the_newest_never() {
    let scene = with_entries(3);
    behead(&scene, 2, |head| head.bytes = LARGEST - 1);
    behead(&scene, 1, |head| head.bytes = 2);
    apply(&scene.root(), &[create("z")], Durability::Kill).expect("is applied");
    assert_eq!(ids(&scene), [4, 3, 2]);
    behead(&scene, 4, |head| head.bytes = LARGEST + 1);
    let (mut kept, mut untidy) = (Vec::new(), Vec::new());
    crate::history::prune(&scene.root(), &mut kept, &mut untidy);
    assert_eq!((ids(&scene), untidy.len()), (vec![4], 0));
}

#[test]
fn what_somebody_wrote_late_is_kept_when_its_entry_goes() {
    let scene = scene(&[("a".to_owned(), "old\n"), ("b".to_owned(), "old\n")]);
    #[expect(clippy::disallowed_types, reason = "somebody else's editor")]
    let mut editor = fs::File::options()
        .append(true)
        .open(scene.path().join("a"))
        .expect("opens");
    apply(&scene.root(), &[update("a"), update("b")], Durability::Kill).expect("is applied");
    editor.write_all(b"mine\n").expect("writes");
    age(&scene, 1, OLDEST + 60);
    let done = apply(&scene.root(), &[create("z")], Durability::Kill).expect("is applied");
    let [kept] = done.kept.as_slice() else {
        panic!("{:?}", done.kept)
    };
    let Rescued::Late(place) = &kept.what else {
        panic!("{kept:?}")
    };
    assert_eq!(
        (&kept.path, read(place).as_str()),
        (&path("a"), "old\nmine\n")
    );
    assert_eq!(ids(&scene), [2]);
    assert_eq!(left_behind(&scene), ["kept"]);
}

#[test]
fn an_entry_of_another_version_or_a_damaged_one_is_left_alone() {
    let scene = with_entries(2);
    let journal = place(&scene, 1).join("journal");
    let text = read(&journal);
    for format in [FORMAT - 1, FORMAT + 1] {
        let foreign = text.replacen(
            &format!("\"format\":{FORMAT}"),
            &format!("\"format\":{format}"),
            1,
        );
        assert_ne!(text, foreign);
        overwrite(&journal, foreign);
        assert_eq!(ids(&scene), [2]);
        assert!(matches!(
            undo(&scene.root(), 1),
            Err(Failure::Undo(UndoError::Unknown(1)))
        ));
    }
    let damaged = text.replacen("f0", "f9", 1);
    assert_ne!(text, damaged);
    overwrite(&journal, damaged);
    assert_eq!(ids(&scene), [2, 1]);
    assert!(matches!(
        undo(&scene.root(), 1),
        Err(Failure::Undo(UndoError::Unreadable(1)))
    ));
    age(&scene, 1, OLDEST + 60);
    apply(&scene.root(), &[create("z")], Durability::Kill).expect("is applied");
    assert!(journal.exists(), "nobody can say what it holds");
}

#[test]
fn an_undo_takes_the_slots_of_its_entry_as_they_are() {
    let (scene, ..) = applied(&(
        vec![("a".to_owned(), "old\n"), ("d".to_owned(), "old\n")],
        vec![update("a"), delete("d")],
    ));
    let inode = |id| {
        fs::metadata(place(&scene, id).join("slots"))
            .expect("it has slots")
            .ino()
    };
    let before = (
        inode(1),
        fs::metadata(slot(&scene, 1)).expect("a slot").ino(),
    );
    let root = scene.root();
    let approved = approved(&root, &[], Durability::Kill);
    root.disk.faults.fail(usize::MAX..usize::MAX);
    approved
        .stage_undo(1)
        .expect("is staged")
        .commit()
        .expect("is undone");
    assert_eq!(
        (held(&scene, 1), held(&scene, 2)),
        (
            vec!["journal".to_owned()],
            vec!["journal".to_owned(), "slots".to_owned()]
        )
    );
    assert_eq!(inode(2), before.0);
    let names = ["a", "d"].map(|name| {
        fs::metadata(scene.path().join(name))
            .expect("is back")
            .ino()
    });
    assert!(names.contains(&before.1), "another file came back");
    let few = root.disk.faults.asked();
    let (large, ..) = applied(&(
        (0..20)
            .map(|number| (format!("f{number}"), "old\n"))
            .collect(),
        (0..20)
            .map(|number| update(&format!("f{number}")))
            .collect(),
    ));
    let root = large.root();
    let approved = self::approved(&root, &[], Durability::Kill);
    root.disk.faults.fail(usize::MAX..usize::MAX);
    approved
        .stage_undo(1)
        .expect("is staged")
        .commit()
        .expect("is undone");
    assert_eq!(
        root.disk.faults.asked(),
        few + 18 * 2,
        "a file takes a new time and an exchange, and nothing else"
    );
}
