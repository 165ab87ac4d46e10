//! A repository of its own for each test, and loom run in it as people run it.
//!
//! In: files. Out: exit code and both streams of real runs. Nothing is filtered but the path of
//! the temporary directory; nothing of the machine's own settings reaches loom or Git.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, lchown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The files of a directory by their paths, Git's own left out.
pub(crate) type Tree = BTreeMap<String, Vec<u8>>;

/// A repository.
pub(crate) struct Sandbox {
    /// Above the repository, so that a test has a place outside of it.
    directory: TempDir,
}

impl Sandbox {
    /// An empty repository.
    pub(crate) fn empty() -> Self {
        let sandbox = Self::without_git();
        sandbox.git(&["init", "--quiet", "--initial-branch=main"]);
        sandbox
    }

    /// An empty directory that is no repository.
    pub(crate) fn without_git() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("loom-it")
            .tempdir()
            .expect("a temporary directory");
        fs::create_dir(directory.path().join("shop")).expect("an empty directory takes another");
        Self { directory }
    }

    /// A repository with these files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let sandbox = Self::empty();
        for (path, text) in files {
            sandbox.write(path, text);
        }
        sandbox
    }

    /// A repository with the input of a project of `fixtures/projects`.
    pub(crate) fn project(name: &str) -> Self {
        let sandbox = Self::empty();
        for (path, bytes) in input_of(&fixtures().join("projects").join(name)) {
            sandbox.write_bytes(&path, &bytes);
        }
        sandbox
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("shop")
    }

    /// A path beside the repository.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        self.write_bytes(path, text.as_bytes());
    }

    pub(crate) fn write_bytes(&self, path: &str, bytes: &[u8]) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a file is in a directory"))
            .expect("the directory can be made");
        fs::write(path, bytes).expect("the file can be written");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.root().join(path).exists()
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Makes a file of the repository a program.
    pub(crate) fn make_executable(&self, path: &str) {
        fs::set_permissions(self.root().join(path), fs::Permissions::from_mode(0o755))
            .expect("changes the mode");
    }

    pub(crate) fn executable(&self, path: &str) -> bool {
        let metadata =
            fs::metadata(self.root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        metadata.permissions().mode() & 0o111 != 0
    }

    /// Replaces text that must be there.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(
            text.contains(from),
            "{path} does not hold {from:?}:\n{text}"
        );
        self.write(path, &text.replace(from, to));
    }

    pub(crate) fn append(&self, path: &str, text: &str) {
        self.write(path, &(self.read(path) + text));
    }

    /// All files but Git's own.
    pub(crate) fn tree(&self) -> Tree {
        tree(&self.root(), &[".git"])
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = clean(Command::new("git").args(arguments), self)
            .output()
            .expect("Git can be run");
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs Git, and says whether it succeeded.
    pub(crate) fn git_may_fail(&self, arguments: &[&str]) -> bool {
        clean(Command::new("git").args(arguments), self)
            .output()
            .expect("Git can be run")
            .status
            .success()
    }

    pub(crate) fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&[
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.com",
            "commit",
            "--quiet",
            "--message",
            "x",
        ]);
    }

    /// Commits everything at a time of its own.
    pub(crate) fn commit_at(&self, time: &str) {
        self.git(&["add", "--all"]);
        let mut command = Command::new("git");
        clean(
            command.args([
                "-c",
                "user.name=Ada",
                "-c",
                "user.email=ada@example.com",
                "commit",
                "--quiet",
                "--message",
                "x",
            ]),
            self,
        );
        let done = command
            .env("GIT_COMMITTER_DATE", time)
            .env("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z")
            .status();
        assert!(done.expect("Git can be run").success());
    }

    /// Runs loom; nobody is at the keyboard.
    pub(crate) fn loom(&self, arguments: &[&str]) -> Ran {
        self.run(self.command(arguments), arguments, "")
    }

    /// Runs loom with a text on its standard input.
    pub(crate) fn loom_reading(&self, arguments: &[&str], input: &str) -> Ran {
        self.run(self.command(arguments), arguments, input)
    }

    /// Runs loom with a directory put in front of the PATH.
    pub(crate) fn loom_with_programs(&self, directory: &Path, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        let usual = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{usual}", directory.display()));
        self.run(command, arguments, "")
    }

    /// Applies what there is to apply.
    pub(crate) fn apply(&self) -> Ran {
        self.loom(&["apply", "--yes"]).comes_to(0)
    }

    /// Nothing is left to do, and nothing has drifted.
    pub(crate) fn is_settled(&self) {
        self.loom(&["plan", "--detailed-exitcode"])
            .comes_to(0)
            .says("Nothing to do");
        self.loom(&["drift"]).comes_to(0);
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loom"));
        clean(command.args(arguments), self);
        command
    }

    /// Runs loom as a user who may not read everything. Root may, and hands the sandbox over first.
    pub(crate) fn loom_of_nobody(&self, arguments: &[&str]) -> Ran {
        const NOBODY: u32 = 65_534;
        if !rustix::process::geteuid().is_root() {
            return self.loom(arguments);
        }
        // the directories above the binary may be closed to others
        let program = self.outside("loom-of-nobody");
        // by another process: a file that is open for writing, if only in the child of another test, cannot be run
        let copied = Command::new("cp")
            .arg(env!("CARGO_BIN_EXE_loom"))
            .arg(&program)
            .status();
        assert!(
            copied.is_ok_and(|ended| ended.success()),
            "loom can be copied"
        );
        let mut open = vec![self.directory.path().to_owned()];
        while let Some(next) = open.pop() {
            lchown(&next, Some(NOBODY), Some(NOBODY)).expect("root may do so");
            if next.is_dir() && !next.is_symlink() {
                open.extend(
                    fs::read_dir(&next)
                        .expect("it can be listed")
                        .map(|entry| entry.expect("it can be listed").path()),
                );
            }
        }
        let mut command = Command::new(&program);
        clean(command.args(arguments), self);
        command.uid(NOBODY).gid(NOBODY);
        self.run(command, arguments, "")
    }

    fn run(&self, mut command: Command, arguments: &[&str], input: &str) -> Ran {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("loom can be run");
        let written = child
            .stdin
            .take()
            .expect("it is piped")
            .write_all(input.as_bytes());
        // a loom that stops early does not read to the end
        drop(written);
        let output = child.wait_with_output().expect("loom ends");
        Ran::of(arguments, &output, &self.root())
    }
}

/// Neither the settings of the machine nor those of whoever runs the tests.
pub(crate) fn clean<'a>(command: &'a mut Command, sandbox: &Sandbox) -> &'a mut Command {
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_"))
    {
        command.env_remove(name);
    }
    command
        .current_dir(sandbox.root())
        .env("HOME", sandbox.directory.path())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("NO_COLOR", "1")
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("GITHUB_STEP_SUMMARY")
}

/// One run of loom.
pub(crate) struct Ran {
    command: String,
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(arguments: &[&str], output: &Output, root: &Path) -> Self {
        let text = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes).replace(&root.display().to_string(), "ROOT")
        };
        let command = format!("loom {}", arguments.join(" "));
        let ran = Self {
            command,
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        };
        assert!(
            !ran.err.contains("panicked at") && ran.code.is_some(),
            "loom must never panic or be killed\n{ran}"
        );
        ran
    }

    /// It must end with this code.
    #[track_caller]
    pub(crate) fn comes_to(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Standard output must hold this.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(
            self.out.contains(text),
            "standard output does not say {text:?}\n{self}"
        );
        self
    }

    /// Standard error must hold this.
    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(
            self.err.contains(text),
            "standard error does not say {text:?}\n{self}"
        );
        self
    }

    /// The line of standard output that holds this.
    #[track_caller]
    pub(crate) fn line(&self, text: &str) -> &str {
        self.out
            .lines()
            .find(|line| line.contains(text))
            .unwrap_or_else(|| panic!("no line says {text:?}\n{self}"))
    }

    /// The marks of the actions of a plan by their paths.
    pub(crate) fn actions(&self) -> BTreeMap<String, char> {
        let head = self.out.lines().take_while(|line| !line.is_empty());
        head.filter_map(|line| {
            let (mark, rest) = line.split_once(' ')?;
            let mark = mark
                .chars()
                .next()
                .filter(|mark| "+~->=!.".contains(*mark) && rest.contains("  "))?;
            Some((rest.split("  ").next()?.trim().to_owned(), mark))
        })
        .collect()
    }

    /// The paths that have this mark.
    pub(crate) fn marked(&self, mark: char) -> Vec<String> {
        self.actions()
            .into_iter()
            .filter(|(_, known)| *known == mark)
            .map(|(path, _)| path)
            .collect()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("standard output is no JSON: {error}\n{self}"))
    }

    /// The digest of the plan that was shown.
    #[track_caller]
    pub(crate) fn digest(&self) -> String {
        self.line("Digest: ")
            .trim_start_matches("Digest: ")
            .to_owned()
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "$ {}\n{}", self.command, self.out)?;
        writeln!(f, "--- standard error\n{}", self.err)?;
        write!(f, "--- exit code {:?}", self.code)
    }
}

/// Where the fixtures are.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// What a fixture gives to loom.
pub(crate) fn input_of(fixture: &Path) -> Tree {
    tree(fixture, &["expected", "forms"])
}

/// The files below a directory, those in `without` at its top left out.
pub(crate) fn tree(directory: &Path, without: &[&str]) -> Tree {
    let (mut files, mut open) = (Tree::new(), vec![directory.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in
            fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display()))
        {
            let path = entry.expect("a directory can be listed").path();
            let name = path
                .strip_prefix(directory)
                .expect("it is below")
                .display()
                .to_string();
            if without.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                files.insert(name, fs::read(&path).expect("a file can be read"));
            }
        }
    }
    files
}
