//! The jobs that the `delivery` blueprint writes, carried out step by step.
//!
//! In: the files of the fixtures `delivery-*`, and loom itself. Each script is taken out of the
//! file that loom wrote, and run by `sh` beside programs that stand for the forge (`gh.sh`,
//! `curl.sh`, `jq.sh`). Out: proofs about comments, issues, branches and exit codes. Deliberately
//! not here: the forges themselves.

mod github;
mod gitlab;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_yaml::Value;

use super::sandbox::{Ran, Sandbox, clean};

/// A repository with loom's jobs, and a forge beside it.
struct Forge {
    sandbox: Sandbox,
}

impl Forge {
    /// The project of a fixture, applied and committed.
    fn of(project: &str) -> Self {
        let sandbox = Sandbox::project(project);
        sandbox.apply();
        sandbox.commit();
        for directory in ["forge", "bin", "runner"] {
            fs::create_dir(sandbox.outside(directory)).expect("a new directory");
        }
        fs::write(sandbox.outside("forge/reviewers"), "1\n").expect("written");
        let forge = Self { sandbox };
        for (name, text) in [
            ("gh", include_str!("gh.sh")),
            ("curl", include_str!("curl.sh")),
            ("jq", include_str!("jq.sh")),
        ] {
            forge.program(name, text);
        }
        forge
    }

    /// Puts a program before those of the PATH.
    fn program(&self, name: &str, text: &str) {
        let path = self.sandbox.outside("bin").join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it may be run");
    }

    /// Runs a script as a runner does, with nothing of the test's own environment but the PATH.
    fn run(&self, script: &str, environment: &[(&str, &str)]) -> Ran {
        let mut command = Command::new("sh");
        clean(command.args(["-e", "-c", script]), &self.sandbox);
        let path = format!(
            "{}:{}",
            self.outside("bin"),
            std::env::var("PATH").unwrap_or_default()
        );
        command
            .env("PATH", path)
            .env("FORGE", self.outside("forge"))
            .envs(environment.iter().copied());
        let output = command
            .stdin(Stdio::null())
            .output()
            .expect("there is a shell");
        Ran::of(
            &[script.lines().next().unwrap_or_default()],
            &output,
            &self.sandbox.root(),
        )
    }

    fn outside(&self, name: &str) -> String {
        self.sandbox.outside(name).display().to_string()
    }

    /// Something of the forge, by its name.
    fn held(&self, name: &str) -> String {
        fs::read_to_string(self.sandbox.outside("forge").join(name))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn holds(&self, name: &str) -> bool {
        self.sandbox.outside("forge").join(name).exists()
    }

    /// A comment or issue that somebody else wrote.
    fn written_by(&self, author: &str, number: u32, body: &str) {
        let directory: PathBuf = self.sandbox.outside("forge").join(number.to_string());
        fs::create_dir(&directory).expect("a new directory");
        for (name, text) in [("author", author), ("body", body), ("state", "open")] {
            fs::write(directory.join(name), format!("{text}\n")).expect("written");
        }
    }

    /// A commit on top of the request, and what it changes.
    fn change(&self, from: &str, to: &str) {
        self.sandbox.edit("loom.yaml", from, to);
        self.sandbox.commit();
    }
}

/// A file of CI as loom wrote it.
fn read(forge: &Forge, path: &str) -> Value {
    serde_yaml::from_str(&forge.sandbox.read(path)).expect("loom writes YAML")
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value:?} is no text"))
        .to_owned()
}

/// What people can write so that it is more than a text, and a mark to find it by.
const HOSTILE: &str = "````\\n```\\n@octocat MARK\\n::set-output name=a::MARK\\n::error::MARK\\n##[error]MARK\\n/close MARK\\n${{ secrets.MARK }}\\n<img src=MARK>\\n";

/// The outputs of a step, or the lines of any file of `name=value`.
fn pairs(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
