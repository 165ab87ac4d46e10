//! Places that are not loom's, names at the limits, and what a file keeps when it is replaced.
//!
//! What the machine does not have (root's rights, attributes of the file system) is skipped, and said.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::time::Duration;

use loom_plan::addr::MAX_PATH;
use loom_plan::provider::Mode;
use loom_plan::snapshot::{Observed, Want};
use rustix::fs::{IFlags, XattrFlags, getxattr, ioctl_getflags, ioctl_setflags, setxattr};

use super::transactions::{
    Failure, Planned, apply, create, delete, exactly, file, left_behind, path, plan, scene, stage,
    update,
};
use super::{Scene, overwrite, read};
use crate::commit::CommitError;
use crate::disk;
use crate::lock::{Lock, LockError};
use crate::observe;
use crate::root::Root;
use crate::stage::{Durability, StageError};
use crate::transaction::{Kept, Rescued};

/// What planning sees at a path.
fn seen(scene: &Scene, at: &str) -> Observed {
    let want = Want {
        path: path(at),
        blocks: Vec::new(),
        keys: Vec::new(),
    };
    observe(&scene.root(), std::slice::from_ref(&want))
        .expect("Git can be asked")
        .whole(&want.path)
        .clone()
}

/// Plan and apply both refuse the path, and say what is in its way; nothing changes.
#[track_caller]
fn is_refused(scene: &Scene, planned: &Planned, what: &str) {
    let at = planned.change.path.as_str();
    assert_eq!(seen(scene, at), Observed::Foreign(what.to_owned()), "{at}");
    let old = scene.tree();
    let error = stage(
        &scene.root(),
        std::slice::from_ref(planned),
        Durability::Kill,
    )
    .expect_err("is refused");
    assert!(matches!(error, StageError::Stale(_)), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("there is {what} at `{at}`")),
        "{error}"
    );
    assert_eq!((scene.tree(), left_behind(scene)), (old, Vec::new()));
}

#[test]
fn what_is_in_another_repository_is_refused() {
    let scene = scene(&[
        ("app/lib/x".to_owned(), "old\n"),
        ("near/x".to_owned(), "old\n"),
    ]);
    for other in [
        "clone/.git/HEAD",
        "app/lib/.git",
        "bare/HEAD",
        "deep/er/.git",
    ] {
        scene.write(other, "gitdir: elsewhere\n");
    }
    for directory in ["bare/objects", "bare/refs"] {
        scene.write(&format!("{directory}/x"), "");
    }
    scene.write(
        ".gitmodules",
        "[submodule \"s\"]\n\tpath = vendor/s\n\turl = ../s\n[submodule \"q\"]\n  Path = \"q r\"\n",
    );
    let another =
        |directory: &str| format!("another Git repository in place of the directory `{directory}`");
    let submodule =
        |directory: &str| format!("a submodule of Git in place of the directory `{directory}`");
    for (planned, what) in [
        (create("clone/x"), another("clone")),
        (create("clone/new/er/x"), another("clone")),
        (update("app/lib/x"), another("app/lib")),
        (delete("app/lib/x"), another("app/lib")),
        (create("bare/hooks/post-commit"), another("bare")),
        (create("deep/er/and/er/x"), another("deep/er")),
    ] {
        is_refused(&scene, &planned, &what);
    }
    for at in ["vendor/s", "q r"] {
        scene.write(&format!("{at}/x"), "old\n");
        is_refused(&scene, &update(&format!("{at}/x")), &submodule(at));
        fs::remove_dir_all(scene.path().join(at)).expect("is removed");
        fs::create_dir(scene.path().join(at)).expect("a submodule that is not fetched");
        is_refused(&scene, &create(&format!("{at}/new/x")), &submodule(at));
    }
    apply(
        &scene.root(),
        &[create("app/x"), update("near/x"), create("vendor/x")],
        Durability::Kill,
    )
    .expect("is ours");
}

#[test]
fn submodules_are_seen_from_a_root_below_the_top() {
    let scene = scene(&[("sub/loom.yaml".to_owned(), "")]);
    scene.write(
        ".gitmodules",
        "[submodule \"s\"]\n\tpath = sub/vendor/s\n[submodule \"t\"]\n\tpath = other\n",
    );
    let root = Root::open(&scene.path().join("sub")).expect("opens");
    for (at, is_refused) in [
        ("vendor/s/x", true),
        ("vendor/x", false),
        ("other/x", false),
        ("sub/vendor/s/x", false),
    ] {
        let staged = stage(&root, &[create(at)], Durability::Kill).map(drop);
        assert_eq!(staged.is_err(), is_refused, "{at}");
    }
}

#[test]
fn the_neighbours_of_another_repository_are_told_apart() {
    let scene = scene(&[]);
    for directory in ["a", "a/b", "a/b/c", "a/bc", "ab"] {
        scene.write(&format!("{directory}/x"), "old\n");
    }
    scene.write("a/b/.git", "gitdir: elsewhere\n");
    let wants = ["a/b/c/x", "a/b/x", "a/bc/x", "a/x", "ab/x", "a/b/c/x"].map(|at| Want {
        path: path(at),
        blocks: Vec::new(),
        keys: Vec::new(),
    });
    for wants in [wants.clone(), {
        let mut back = wants.clone();
        back.reverse();
        back
    }] {
        let snapshot = observe(&scene.root(), &wants).expect("Git can be asked");
        for want in &wants {
            let is_foreign = matches!(snapshot.whole(&want.path), Observed::Foreign(_));
            assert_eq!(
                is_foreign,
                want.path.as_str().starts_with("a/b/"),
                "{}",
                want.path
            );
        }
    }
}

/// Something that is mounted, until it is dropped.
struct Mounted(std::path::PathBuf);

impl Mounted {
    /// `None` where this may not be done.
    #[expect(
        clippy::disallowed_methods,
        reason = "a scene is set with the system's own programs"
    )]
    fn new(arguments: &[&str], at: &Path) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("SKIPPED: only root may mount");
            return None;
        }
        let done = std::process::Command::new("mount")
            .args(arguments)
            .arg(at)
            .output()
            .expect("mount can be run");
        if !done.status.success() {
            eprintln!(
                "SKIPPED: mount {arguments:?}: {}",
                String::from_utf8_lossy(&done.stderr)
            );
            return None;
        }
        Some(Self(at.to_owned()))
    }
}

impl Drop for Mounted {
    #[expect(clippy::disallowed_methods, reason = "as above")]
    fn drop(&mut self) {
        drop(
            std::process::Command::new("umount")
                .arg("--lazy")
                .arg(&self.0)
                .status(),
        );
    }
}

#[test]
fn what_is_on_another_mount_is_refused() {
    let outside = Scene::in_memory(&[("x", "old\n"), ("d/x", "old\n")]);
    let scene = scene(&[
        ("data/sub/x".to_owned(), "old\n"),
        ("memory/x".to_owned(), ""),
    ]);
    let source = outside.path().display().to_string();
    // Both are on the device of the root where that is in memory too: only the mount tells them apart.
    let Some(_bound) = Mounted::new(&["--bind", &source], &scene.path().join("data/sub")) else {
        return;
    };
    let Some(_memory) = Mounted::new(&["-t", "tmpfs", "none"], &scene.path().join("memory")) else {
        return;
    };
    for (planned, directory) in [
        (update("data/sub/x"), "data/sub"),
        (update("data/sub/d/x"), "data/sub"),
        (create("data/sub/new/x"), "data/sub"),
        (delete("data/sub/x"), "data/sub"),
        (create("memory/x"), "memory"),
    ] {
        is_refused(
            &scene,
            &planned,
            &format!("a mount in place of the directory `{directory}`"),
        );
    }
    assert_eq!(read(&outside.path().join("x")), "old\n");
    apply(&scene.root(), &[create("data/x")], Durability::Kill).expect("is beside the mount");
}

#[test]
fn a_file_that_is_mounted_stays_and_everything_is_put_back() {
    let outside = Scene::in_memory(&[("x", "old\n")]);
    let scene = scene(&[("a".to_owned(), "old\n"), ("x".to_owned(), "beneath\n")]);
    let source = outside.path().join("x").display().to_string();
    let Some(_mounted) = Mounted::new(&["--bind", &source], &scene.path().join("x")) else {
        return;
    };
    let old = scene.tree();
    for last in [update("x"), delete("x")] {
        let failure =
            apply(&scene.root(), &[update("a"), last], Durability::Kill).expect_err("is refused");
        let Failure::Commit(CommitError::PutBack { trouble, kept }) = failure else {
            panic!("{failure:?}")
        };
        assert!(
            trouble.doing.ends_with("`x`") && trouble.help.contains("mounted"),
            "{trouble}"
        );
        assert!(kept.is_empty());
        assert_eq!(
            (scene.tree(), left_behind(&scene)),
            (old.clone(), Vec::new())
        );
    }
}

#[test]
fn a_directory_that_nobody_may_change_is_said_before_anything_changes() {
    let scene = Scene::new(&[
        ("loom.yaml", ""),
        (".git/HEAD", ""),
        ("a", "old\n"),
        ("shut/x", "old\n"),
    ]);
    let shut = disk::open_directory(&scene.path().join("shut")).expect("opens");
    let flags = ioctl_getflags(&shut).unwrap_or(IFlags::empty());
    if let Err(error) = ioctl_setflags(&shut, flags | IFlags::IMMUTABLE) {
        eprintln!("SKIPPED: no directory can be made immutable here: {error}");
        return;
    }
    let old = scene.tree();
    let errors = [
        update("shut/x"),
        delete("shut/x"),
        create("shut/new"),
        create("shut/new/er"),
    ]
    .map(|planned| stage(&scene.root(), &[update("a"), planned], Durability::Kill).map(drop));
    let after = scene.tree();
    ioctl_setflags(&shut, flags).expect("can be changed back");
    for error in errors {
        let error = error.expect_err("is refused").to_string();
        assert!(
            error.contains("could not change files in `shut`"),
            "{error}"
        );
    }
    assert_eq!(after, old);
}

/// A path of `length` bytes whose parts have `part` bytes.
fn long(length: usize, part: usize) -> String {
    let mut path = format!("{}/", "d".repeat(part)).repeat(length / (part + 1));
    path.push_str(&"f".repeat(length - path.len()));
    let path = path.trim_end_matches('/').to_owned();
    assert!(path.len() >= length - 1);
    path
}

#[test]
fn a_transaction_of_another_user_is_refused() {
    let scene = scene(&[("a".to_owned(), "old\n")]);
    let transaction = scene.path().join(".git/loom/txn-1");
    scene.write(".git/loom/txn-1/000000", "theirs\n");
    if chown(&transaction, Some(12_345), None).is_err() {
        eprintln!("SKIPPED: only root may give directories away");
        return;
    }
    let error = Lock::take(&scene.root(), Duration::ZERO).expect_err("is refused");
    let LockError::Unfinished(unfinished) = error else {
        panic!("{error}")
    };
    assert!(
        unfinished.failures[0]
            .to_string()
            .ends_with("it belongs to another user"),
        "{unfinished:?}"
    );
    assert_eq!(read(&transaction.join("000000")), "theirs\n");
    assert_eq!(read(&scene.path().join("a")), "old\n");
}

#[test]
fn the_longest_paths_and_names_are_handled() {
    let name = "ü".repeat(127) + "x";
    assert_eq!(name.len(), 255);
    for at in [
        long(MAX_PATH, 255),
        long(MAX_PATH, 9),
        long(MAX_PATH - 200, 100),
        name.clone(),
        format!("d/{name}"),
    ] {
        let scene = Scene::new(&[("loom.yaml", ""), (".git/HEAD", "")]);
        let (before, root) = (scene.tree(), scene.root());
        apply(&root, &[create(&at)], Durability::Full).expect("is created");
        assert_eq!(read(&scene.path().join(&at)), "new\n");
        assert_eq!(seen(&scene, &at), Observed::File(content("new\n")));
        apply(
            &root,
            &[plan(
                &at,
                exactly("new\n", Mode::Plain),
                file(Mode::Plain),
                "more\n",
            )],
            Durability::Kill,
        )
        .expect("is updated");
        assert_eq!(read(&scene.path().join(&at)), "more\n");
        let gone = plan(
            &at,
            exactly("more\n", Mode::Plain),
            crate::stage::Put::Nothing,
            "",
        );
        let done = apply(&root, &[gone], Durability::Kill).expect("is deleted");
        assert!(done.untidy.is_empty(), "{:?}", done.untidy);
        assert_eq!(scene.tree(), before);
    }
}

fn content(text: &str) -> loom_plan::snapshot::Content {
    let hash = loom_plan::addr::ContentHash::of(text.as_bytes());
    loom_plan::snapshot::Content {
        hash,
        mode: Mode::Plain,
    }
}

#[test]
fn what_is_kept_of_the_longest_name_has_a_name_too() {
    let name = format!("{}xy", "é".repeat(126)) + "z";
    let scene = scene(&[(name.clone(), "old\n"), ("z".to_owned(), "old\n")]);
    let root = scene.root();
    let staged = stage(&root, &[update(&name), delete("z")], Durability::Kill).expect("is staged");
    let (target, last) = (scene.path().join(&name), scene.path().join("z"));
    root.disk.faults.before("rename", 0, move || {
        overwrite(&target, "mine\n");
        overwrite(&last, "mine\n");
    });
    let error = staged.commit().expect_err("is stale");
    let CommitError::Stale { kept, .. } = &error else {
        panic!("{error}")
    };
    let other = |kept: &Kept| match &kept.what {
        Rescued::Other(place) => Some(place.clone()),
        Rescued::Theirs | Rescued::Late(_) => None,
    };
    let place = kept
        .iter()
        .find_map(other)
        .expect("the old content is kept");
    assert_eq!(
        (
            read(&place).as_str(),
            read(&scene.path().join(&name)).as_str()
        ),
        ("old\n", "mine\n")
    );
    assert!(place.file_name().expect("has a name").len() <= 255);
}

#[test]
fn a_directory_that_becomes_a_link_never_leads_outside() {
    let kinds = || {
        [
            update("d/e/a"),
            delete("d/e/a"),
            create("d/e/new"),
            create("d/e/new/er/x"),
        ]
    };
    for planned in kinds() {
        for swapped in ["d", "d/e"] {
            // Before the commit: it is seen, and everything stays.
            let (scene, outside) = link_scene();
            let root = scene.root();
            let staged =
                stage(&root, std::slice::from_ref(&planned), Durability::Kill).expect("is staged");
            swap_for_link(scene.path(), outside.path(), swapped);
            let (old, theirs) = (scene.tree(), outside.tree());
            let error = staged.commit().expect_err("is seen").to_string();
            assert!(
                error.contains(&format!(
                    "a symbolic link in place of the directory `{swapped}`"
                )),
                "{error}"
            );
            assert_eq!((scene.tree(), outside.tree()), (old, theirs));
        }
    }
    for (planned, call) in kinds()
        .into_iter()
        .zip(["exchange", "rename", "rename", "mkdir"])
    {
        for swapped in ["d", "d/e"] {
            // In the last moment, when the directory is open: what changes is what was opened.
            let (scene, outside) = link_scene();
            let root = scene.root();
            let staged =
                stage(&root, std::slice::from_ref(&planned), Durability::Kill).expect("is staged");
            let theirs = outside.tree();
            let (here, there) = (scene.path().to_owned(), outside.path().to_owned());
            root.disk
                .faults
                .before(call, 0, move || swap_for_link(&here, &there, swapped));
            drop(staged.commit());
            assert!(
                scene.path().join("moved").exists(),
                "the swap was made at `{call}`"
            );
            assert_eq!(outside.tree(), theirs, "{planned:?}");
        }
    }
}

/// A repository, and beside it a directory with the same names.
fn link_scene() -> (Scene, Scene) {
    let scene = scene(&[
        ("d/e/a".to_owned(), "old\n"),
        ("d/e/stays".to_owned(), "old\n"),
    ]);
    (
        scene,
        Scene::in_memory(&[("a", "old\n"), ("e/a", "old\n"), ("e/stays", "old\n")]),
    )
}

#[expect(clippy::disallowed_methods, reason = "what somebody else does")]
fn swap_for_link(here: &Path, outside: &Path, directory: &str) {
    fs::rename(here.join(directory), here.join("moved")).expect("is renamed");
    symlink(outside, here.join(directory)).expect("is linked");
}

#[test]
fn the_other_names_of_a_file_keep_the_old_content_and_are_said() {
    let outside = Scene::in_memory(&[("x", "old\n")]);
    let scene = scene(&[
        ("a".to_owned(), "old\n"),
        ("c".to_owned(), "old\n"),
        ("d".to_owned(), "old\n"),
    ]);
    let at = |name: &str| scene.path().join(name);
    fs::hard_link(at("a"), at("b")).expect("is linked");
    fs::hard_link(at("d"), at("e")).expect("is linked");
    let crosses = fs::hard_link(outside.path().join("x"), at("x"));
    let mut plans = vec![update("a"), update("c"), delete("d")];
    plans.extend(crosses.is_ok().then(|| update("x")));
    let done = apply(&scene.root(), &plans, Durability::Kill).expect("is applied");
    let mut linked = vec![path("a"), path("d")];
    linked.extend(crosses.is_ok().then(|| path("x")));
    assert_eq!(done.linked, linked);
    let texts = ["a", "b", "c", "e"].map(|name| read(&at(name)));
    assert_eq!(texts, ["new\n", "old\n", "new\n", "old\n"]);
    assert_eq!(
        read(&outside.path().join("x")),
        "old\n",
        "a name outside of the repository keeps its content"
    );
    assert_ne!(
        at("a").metadata().expect("is there").ino(),
        at("b").metadata().expect("is there").ino()
    );
}

#[test]
fn owner_and_every_bit_of_the_mode_are_kept() {
    let modes = [
        0o600, 0o644, 0o664, 0o444, 0o700, 0o755, 0o2755, 0o4711, 0o1644, 0o7777, 0o6640,
    ];
    let scene = Scene::new(&[("loom.yaml", ""), (".git/HEAD", "")]);
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("SKIPPED: only root may give files away");
    }
    for mode in modes {
        let at = scene.path().join("a");
        overwrite(&at, "old\n");
        if is_root {
            chown(&at, Some(12_345), Some(54_321)).expect("is given away");
        }
        fs::set_permissions(&at, fs::Permissions::from_mode(mode)).expect("changes the mode");
        let before = at.metadata().expect("is there");
        let kept = if mode & 0o100 == 0 {
            Mode::Plain
        } else {
            Mode::Executable
        };
        apply(
            &scene.root(),
            &[plan("a", exactly("old\n", kept), file(kept), "new\n")],
            Durability::Kill,
        )
        .expect("is applied");
        let after = at.metadata().expect("is there");
        assert_eq!(
            (after.mode(), after.uid(), after.gid()),
            (before.mode(), before.uid(), before.gid()),
            "{mode:o}"
        );
        assert_ne!(after.ino(), before.ino());
        super::remove(&at);
    }
}

/// The access control list `user::rw-, user:1000:r--, group::r--, mask::r--, other::---`.
fn access_control_list() -> Vec<u8> {
    let entries: [(u16, u16, u32); 5] = [
        (0x01, 6, u32::MAX),
        (0x02, 4, 1000),
        (0x04, 4, u32::MAX),
        (0x10, 4, u32::MAX),
        (0x20, 0, u32::MAX),
    ];
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in entries {
        bytes.extend(
            [
                &tag.to_le_bytes()[..],
                &rights.to_le_bytes(),
                &id.to_le_bytes(),
            ]
            .concat(),
        );
    }
    bytes
}

#[test]
fn extended_attributes_lists_and_labels_are_kept_and_capabilities_are_not() {
    let scene = Scene::new(&[("loom.yaml", ""), (".git/HEAD", ""), ("a", "old\n")]);
    let at = scene.path().join("a");
    let capability: Vec<u8> = [0x0200_0000_u32, 1 << 10, 0, 0, 0]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect();
    let wanted: [(&str, Vec<u8>, bool); 5] = [
        ("user.empty", Vec::new(), true),
        ("user.long", vec![0xff; 1000], true),
        ("system.posix_acl_access", access_control_list(), true),
        (
            "security.selinux",
            b"system_u:object_r:etc_t:s0\0".to_vec(),
            true,
        ),
        ("security.capability", capability, false),
    ];
    let (mut set, mut skipped) = (Vec::new(), 0);
    for (name, value, stays) in wanted {
        match setxattr(&at, name, &value, XattrFlags::empty()) {
            Ok(()) => set.push((name, value, stays)),
            Err(error) => {
                eprintln!("SKIPPED: `{name}` cannot be set here: {error}");
                skipped += 1;
            }
        }
    }
    assert_eq!(set.len() + skipped, 5);
    let mode = at.metadata().expect("is there").mode();
    apply(&scene.root(), &[update("a")], Durability::Kill).expect("is applied");
    assert_eq!(read(&at), "new\n");
    assert_eq!(at.metadata().expect("is there").mode(), mode);
    for (name, value, stays) in set {
        let mut found = vec![0; 2000];
        let length = getxattr(&at, name, &mut found[..]);
        assert_eq!(
            length.ok().map(|length| found[..length].to_vec()),
            stays.then_some(value),
            "{name}"
        );
    }
}
