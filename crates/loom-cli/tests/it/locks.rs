//! Other programs at work, and a disk that does not let loom write.

use std::fs;
use std::path::{Path, PathBuf};

use super::sandbox::Sandbox;
use super::small;

/// The file of loom's lock.
pub(crate) fn lock_of(sandbox: &Sandbox) -> PathBuf {
    fn find(directory: &Path) -> Option<PathBuf> {
        fs::read_dir(directory)
            .ok()?
            .filter_map(Result::ok)
            .find_map(|entry| {
                let path = entry.path();
                if path.is_dir() {
                    find(&path)
                } else {
                    (path.file_name()? == "lock").then_some(path)
                }
            })
    }
    find(&sandbox.root().join(".git/loom")).expect("loom took its lock before")
}

#[test]
fn a_second_loom_waits_as_long_as_it_was_told_and_then_says_who_is_at_work() {
    let sandbox = small::applied();
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(lock_of(&sandbox))
        .expect("it is there");
    file.lock().expect("it is free");
    sandbox
        .loom(&["apply", "--yes"])
        .comes_to(6)
        .complains("another loom is at work")
        .complains("pid ");
    sandbox
        .loom(&["apply", "--yes", "--lock-timeout", "50ms"])
        .comes_to(6);
    sandbox.loom(&["plan"]).comes_to(0);
    sandbox.loom(&["drift"]).comes_to(2);
    let mut waiting = sandbox.command(&["apply", "--yes", "--lock-timeout", "1m"]);
    let mut waiting = waiting
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert!(
        waiting.try_wait().expect("it can be asked").is_none(),
        "it waits"
    );
    drop(file);
    assert!(waiting.wait().expect("it ends").success());
    assert_eq!(sandbox.read("etc/port"), "port 3001\n");
}

#[test]
fn git_at_work_stops_an_apply_that_then_puts_everything_back() {
    let sandbox = small::fresh();
    sandbox.write(".git/index.lock", "");
    let before = sandbox.tree();
    sandbox
        .loom(&["apply", "--yes"])
        .comes_to(7)
        .complains("index.lock");
    assert_eq!(sandbox.tree(), before);
    sandbox.remove(".git/index.lock");
    sandbox.apply();
    sandbox.is_settled();
}

#[test]
fn a_name_in_the_way_of_a_directory_leaves_everything_as_it_was() {
    let sandbox = small::fresh();
    sandbox.write("etc", "a file where a directory has to be\n");
    let before = sandbox.tree();
    let ran = sandbox.loom(&["apply", "--yes"]);
    assert!(
        matches!(ran.code, Some(1 | 4 | 7)) && format!("{}{}", ran.out, ran.err).contains("etc"),
        "{ran}"
    );
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn git_attributes_that_rewrite_a_managed_file_are_an_error() {
    let sandbox = small::fresh();
    sandbox.write(".gitattributes", "etc/** eol=crlf\n");
    sandbox
        .loom(&["plan"])
        .comes_to(1)
        .complains("LOOM0501")
        .complains("etc/port")
        .complains("eol");
}

#[test]
fn a_ledger_that_git_ignores_is_a_warning() {
    let sandbox = small::fresh();
    sandbox.write(".gitignore", ".loom/\n");
    sandbox
        .loom(&["validate"])
        .comes_to(0)
        .complains("LOOM0502");
}
