//! A small repository for the tests of these modules, with a second branch `elsewhere`.

use std::path::Path;
use std::process::Command;

use loom_apply::Root;

pub(super) struct Scene(tempfile::TempDir);

impl Scene {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let scene = Self(tempfile::tempdir().expect("a temporary directory"));
        scene.git(&["init", "--quiet", "--initial-branch=main"]);
        scene.git(&["config", "user.name", "Ada"]);
        scene.git(&["config", "user.email", "ada@example.com"]);
        for (path, text) in files {
            let path = scene.path().join(path);
            write(&path, text);
        }
        scene.git(&["add", "--all"]);
        scene.git(&["commit", "--quiet", "--message", "one"]);
        scene.git(&["commit", "--quiet", "--allow-empty", "--message", "two"]);
        scene.git(&["branch", "elsewhere"]);
        scene.git(&["reset", "--quiet", "--hard", "HEAD^"]);
        scene
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn root(&self) -> Root {
        Root::open(self.path()).expect("it is there")
    }

    pub(super) fn git(&self, arguments: &[&str]) -> String {
        #[expect(clippy::disallowed_methods, reason = "tests set up repositories")]
        let mut command = Command::new("git");
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_"))
        {
            command.env_remove(name);
        }
        let output = command
            .args(arguments)
            .current_dir(self.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output();
        let output = output.expect("Git can be run");
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

#[expect(clippy::disallowed_methods, reason = "tests set up repositories")]
fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a file is in a directory"))
        .expect("it can be made");
    std::fs::write(path, text).expect("it can be written");
}
