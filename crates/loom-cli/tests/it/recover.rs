//! Runs that end in the middle: by a signal, by a kill, or for a while.
//!
//! A change of many files is watched: when the first one is new, the run is in the middle, and is
//! stopped there, so that what comes next happens at that moment and at no other.

use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::sandbox::{Ran, Sandbox, Tree};
use super::small;

/// How many files a run changes: enough to be caught in the middle.
const FILES: usize = 400;

/// The file that changes last.
const LAST: &str = "many/0399";

/// A repository in which a change of many files is to be done.
fn many() -> Sandbox {
    let file = |number| {
        format!(
            "  - {{ kind: file, name: f{number}, path: many/{number:04}, service: api, content: \"port ${{service:port}}\\n\" }}\n"
        )
    };
    let sandbox = small::standing(&(0..FILES).map(file).collect::<String>(), "");
    sandbox
        .loom(&["apply", "--yes", "--durability", "kill"])
        .comes_to(0);
    sandbox.commit();
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    sandbox
}

/// The same, with that change done.
fn changed() -> Sandbox {
    let sandbox = many();
    sandbox.apply();
    sandbox
}

/// A run that stands still in the middle of its changes.
struct Halted {
    child: Child,
    process: Pid,
    sandbox: Sandbox,
    /// The tree before the run.
    before: Tree,
}

impl Halted {
    /// Runs loom and stops it between its first change and its last one. Where it was too fast for
    /// that, it is begun again.
    fn in_the_middle(prepared: impl Fn() -> Sandbox, arguments: &[&str]) -> Self {
        (0..20)
            .find_map(|_| Self::attempt(prepared(), arguments))
            .expect("it is not always too fast")
    }

    fn attempt(sandbox: Sandbox, arguments: &[&str]) -> Option<Self> {
        let before = sandbox.tree();
        let mut command = sandbox.command(arguments);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut halted = Self {
            process: Pid::from_child(&child),
            child,
            sandbox,
            before,
        };
        while halted.is_old("many/0000") {
            if halted.child.try_wait().expect("it can be asked").is_some() {
                assert!(
                    !halted.is_old("many/0000"),
                    "it ended and changed nothing: {}",
                    halted.end().1
                );
                return None;
            }
        }
        halted.send(Signal::STOP);
        if halted.is_old(LAST) {
            return Some(halted);
        }
        // It may have ended by itself before the signal came.
        halted.send(Signal::KILL);
        halted.end();
        None
    }

    fn is_old(&self, path: &str) -> bool {
        self.sandbox.read(path).as_bytes() == self.before[path]
    }

    fn send(&self, signal: Signal) {
        kill_process(self.process, signal).expect("it is there");
    }

    /// What it comes to, what it says on standard error, and what is left.
    fn end(self) -> (Option<i32>, String, Sandbox, Tree) {
        let output = self.child.wait_with_output().expect("it ends");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
            self.sandbox,
            self.before,
        )
    }

    fn kill(self) -> (Sandbox, Tree) {
        self.send(Signal::KILL);
        let (code, _, sandbox, before) = self.end();
        assert_eq!(code, None, "it was killed");
        (sandbox, before)
    }
}

/// The files that hold the new port, and those that hold the old one.
fn ports(tree: &Tree) -> (usize, usize) {
    let count = |text: &[u8]| {
        tree.iter()
            .filter(|(path, bytes)| path.starts_with("many/") && bytes.as_slice() == text)
            .count()
    };
    (count(b"port 3001\n"), count(b"port 3000\n"))
}

/// A repository in which a run was killed in the middle, and its tree before that.
fn killed() -> (Sandbox, Tree) {
    let (sandbox, before) = Halted::in_the_middle(many, &["apply", "--yes"]).kill();
    let (new, old) = ports(&sandbox.tree());
    assert!(
        new > 0 && old > 0 && new + old == FILES,
        "it was in the middle: {new} {old}"
    );
    (sandbox, before)
}

#[track_caller]
fn is_interrupted(ran: Ran) {
    ran.comes_to(8)
        .complains("an earlier run of loom was interrupted")
        .complains("run `loom recover`");
}

#[test]
fn after_a_kill_those_who_read_are_told_and_recover_puts_everything_back() {
    let (sandbox, before) = killed();
    for command in [
        &["plan"][..],
        &["drift"],
        &["validate"],
        &["history"],
        &["graph"],
        &["explain", "many/0001"],
    ] {
        is_interrupted(sandbox.loom(command));
    }
    let doctor = sandbox.loom(&["doctor"]).comes_to(1);
    assert!(
        doctor.line("interrupted runs").starts_with("missing")
            && doctor.line("index.lock").starts_with("weaker"),
        "{doctor}"
    );
    let git = std::process::Command::new("git")
        .args(["add", "--all"])
        .current_dir(sandbox.root())
        .output()
        .expect("Git runs");
    assert!(!git.status.success(), "Git captures no half state");
    sandbox
        .loom(&["recover"])
        .comes_to(0)
        .says("An earlier `loom apply` was interrupted: everything was put back.");
    assert_eq!(sandbox.tree(), before);
    sandbox.git(&["add", "--all"]);
    sandbox
        .loom(&["recover"])
        .comes_to(0)
        .says("There is nothing to recover.");
    sandbox.loom(&["history"]).comes_to(0);
    sandbox.apply();
    assert_eq!(ports(&sandbox.tree()), (FILES, 0));
    sandbox.is_settled();
}

#[test]
fn after_a_kill_the_next_command_that_writes_recovers_first() {
    let (sandbox, _) = killed();
    let ran = sandbox.loom(&["apply", "--yes"]).comes_to(0);
    ran.complains("An earlier `loom apply` was interrupted: everything was put back.");
    assert_eq!(ports(&sandbox.tree()), (FILES, 0));
    sandbox.is_settled();
}

#[test]
fn what_somebody_wrote_into_a_half_is_not_lost_by_recovery() {
    let (sandbox, mut before) = killed();
    for path in ["many/0000", LAST] {
        sandbox.write(path, "mine\n");
        before.insert(path.to_owned(), b"mine\n".to_vec());
    }
    sandbox
        .loom(&["recover"])
        .comes_to(0)
        .says("Somebody changed many/0000 meanwhile");
    assert_eq!(sandbox.tree(), before);
    let doctor = sandbox.loom(&["doctor"]).comes_to(0);
    assert!(doctor.line("kept files").starts_with("weaker"), "{doctor}");
}

#[test]
fn a_rollback_that_was_killed_is_put_back_too() {
    let (sandbox, before) = Halted::in_the_middle(changed, &["rollback", "--yes"]).kill();
    assert_ne!(sandbox.tree(), before);
    sandbox
        .loom(&["recover"])
        .comes_to(0)
        .says("An earlier `loom rollback` was interrupted: everything was put back.");
    assert_eq!(sandbox.tree(), before);
    sandbox.loom(&["rollback", "--yes"]).comes_to(0);
    assert_eq!(ports(&sandbox.tree()), (0, FILES));
}

#[test]
fn while_one_loom_writes_the_others_are_told_who_does() {
    let halted = Halted::in_the_middle(many, &["apply", "--yes"]);
    let sandbox = &halted.sandbox;
    for command in [
        &["plan"][..],
        &["drift"],
        &["history"],
        &["apply", "--yes"],
        &["rollback", "--yes"],
        &["recover"],
    ] {
        sandbox
            .loom(command)
            .comes_to(6)
            .complains("another loom is at work")
            .complains(&format!("pid {}", halted.child.id()));
    }
    let doctor = sandbox.loom(&["doctor"]).comes_to(0);
    if std::path::Path::new("/proc/locks").exists() {
        let line = doctor.line("Another loom is at work here");
        assert!(
            line.starts_with("weaker") && line.contains(&format!("pid {}", halted.child.id())),
            "{doctor}"
        );
    }
    halted.send(Signal::CONT);
    let (code, said, sandbox, _) = halted.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(ports(&sandbox.tree()), (FILES, 0));
    sandbox.is_settled();
}

#[test]
fn the_first_signal_puts_everything_back() {
    for (signal, verb) in [
        (Signal::INT, "apply"),
        (Signal::TERM, "apply"),
        (Signal::HUP, "apply"),
        (Signal::INT, "rollback"),
    ] {
        let prepared = if verb == "apply" { many } else { changed };
        let halted = Halted::in_the_middle(prepared, &[verb, "--yes"]);
        assert_ne!(halted.sandbox.tree(), halted.before);
        halted.send(signal);
        halted.send(Signal::CONT);
        let (code, said, sandbox, before) = halted.end();
        assert_eq!(code, Some(7), "{said}");
        assert!(
            said.contains(&format!("the {verb} was interrupted, and everything ")),
            "{said}"
        );
        assert_eq!(sandbox.tree(), before);
        assert!(!sandbox.has(".git/index.lock"));
        sandbox
            .loom(&["recover"])
            .comes_to(0)
            .says("There is nothing to recover.");
    }
}

#[test]
fn the_second_signal_leaves_at_once_for_recover() {
    // With one thread: two could take a signal each at the same moment, and neither were the second.
    let halted = Halted::in_the_middle(many, &["--jobs", "1", "apply", "--yes"]);
    // Both wait until it goes on.
    halted.send(Signal::INT);
    halted.send(Signal::TERM);
    halted.send(Signal::CONT);
    let (code, said, sandbox, before) = halted.end();
    assert_eq!(code, Some(8), "{said}");
    is_interrupted(sandbox.loom(&["plan"]));
    sandbox
        .loom(&["recover"])
        .comes_to(0)
        .says("everything was put back");
    assert_eq!(sandbox.tree(), before);
}
