//! What a reviewer must not miss, as a table.
//!
//! In: an action. Out: its [`Weight`], by which a report with little room decides what it shows first.
//! What runs, and what decides who may do what, goes before everything else.

use loom_plan::plan::Action;
use loom_plan::provider::Mode;

/// How much it would cost to miss a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// It runs somewhere, or says who may.
    MustBeSeen,
    /// Everything else.
    Other,
}

/// What a path is looked at for.
enum Sign {
    /// It begins so, or has a directory that does: `.github/workflows/`.
    Below(&'static str),
    /// Its last part is this, whatever is appended to it: `Dockerfile`, `Dockerfile.dev`.
    Named(&'static str),
    /// It ends so.
    Ends(&'static str),
}

/// What runs, and what decides who may do what, by the names that programs look for.
const MUST_BE_SEEN: &[Sign] = &[
    // jobs of a forge or a CI system, and what such jobs use
    Sign::Below(".github/"),
    Sign::Below(".gitlab/"),
    Sign::Below(".gitlab-ci"),
    Sign::Below(".circleci/"),
    Sign::Below(".buildkite/"),
    Sign::Below(".tekton/"),
    Sign::Named("action.yml"),
    Sign::Named("action.yaml"),
    Sign::Named("Jenkinsfile"),
    Sign::Named("azure-pipelines.yml"),
    Sign::Named("bitbucket-pipelines.yml"),
    Sign::Named(".drone.yml"),
    Sign::Named(".travis.yml"),
    Sign::Named("cloudbuild.yaml"),
    // what runs on a person's machine, or while something is built
    Sign::Below(".husky/"),
    Sign::Below(".githooks/"),
    Sign::Below(".devcontainer/"),
    Sign::Below(".vscode/"),
    Sign::Below(".idea/"),
    Sign::Below(".cargo/"),
    Sign::Below("bin/"),
    Sign::Below("scripts/"),
    Sign::Named(".envrc"),
    Sign::Named(".gitattributes"),
    Sign::Named(".gitmodules"),
    Sign::Named(".pre-commit-config.yaml"),
    Sign::Named("Makefile"),
    Sign::Named("makefile"),
    Sign::Named("GNUmakefile"),
    Sign::Named("justfile"),
    Sign::Named("Justfile"),
    Sign::Named("Rakefile"),
    Sign::Named("Taskfile.yml"),
    Sign::Named("Taskfile.yaml"),
    Sign::Named("Procfile"),
    Sign::Named("Vagrantfile"),
    Sign::Named("Tiltfile"),
    Sign::Named("package.json"),
    Sign::Named("composer.json"),
    Sign::Named("build.rs"),
    Sign::Named("setup.py"),
    Sign::Named("tox.ini"),
    Sign::Named("Dockerfile"),
    Sign::Named("Containerfile"),
    Sign::Named("compose.yaml"),
    Sign::Named("compose.yml"),
    Sign::Named("docker-compose.yml"),
    Sign::Named("docker-compose.yaml"),
    Sign::Ends(".dockerfile"),
    // scripts
    Sign::Ends(".sh"),
    Sign::Ends(".bash"),
    Sign::Ends(".zsh"),
    Sign::Ends(".fish"),
    Sign::Ends(".ps1"),
    Sign::Ends(".bat"),
    Sign::Ends(".cmd"),
    Sign::Ends(".py"),
    Sign::Ends(".rb"),
    Sign::Ends(".pl"),
    Sign::Ends(".php"),
    Sign::Ends(".lua"),
    Sign::Ends(".js"),
    Sign::Ends(".cjs"),
    Sign::Ends(".mjs"),
    Sign::Ends(".ts"),
    Sign::Ends(".groovy"),
    Sign::Ends(".gradle"),
    Sign::Ends(".kts"),
    Sign::Ends(".mk"),
    Sign::Ends(".service"),
    Sign::Ends(".timer"),
    Sign::Ends("crontab"),
    // who may do what
    Sign::Named("CODEOWNERS"),
    Sign::Named("OWNERS"),
    Sign::Named("loom.yaml"),
    Sign::Below("policy/"),
    Sign::Ends(".rego"),
    Sign::Ends(".tf"),
    Sign::Ends(".tf.json"),
];

/// Words of names that speak of who may do what, in any file.
const PERMISSIONS: &[&str] = &[
    "rbac",
    "role",
    "iam",
    "permission",
    "policy",
    "sudoers",
    "authorized_keys",
];

/// The weight of an action. `script` says that its text begins with `#!`.
pub(super) fn of(action: &Action, script: bool) -> Weight {
    let runs = action.parts.iter().any(|part| {
        part.after
            .is_some_and(|after| after.mode == Mode::Executable)
    });
    if runs || script || is_telling(action.path.as_str()) {
        Weight::MustBeSeen
    } else {
        Weight::Other
    }
}

fn is_telling(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let lower = name.to_ascii_lowercase();
    let by_sign = MUST_BE_SEEN.iter().any(|sign| match sign {
        Sign::Below(begin) => path.starts_with(begin) || path.contains(&format!("/{begin}")),
        Sign::Named(known) => name
            .strip_prefix(known)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-'])),
        Sign::Ends(end) => lower.ends_with(end),
    });
    by_sign || PERMISSIONS.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_and_what_permits_must_be_seen() {
        for path in [
            "deploy.sh",
            "a/b/Deploy.SH",
            ".github/workflows/ci.yml",
            "services/a/.github/workflows/ci.yml",
            ".gitlab-ci.yml",
            "api/Dockerfile",
            "api/Dockerfile.dev",
            "Makefile",
            "k8s/rbac.yml",
            "k8s/cluster-role-binding.yml",
            "infra/iam.json",
            "CODEOWNERS",
            "terraform/main.tf",
        ] {
            assert!(is_telling(path), "{path}");
        }
        for path in ["README.md", "aa/0001.txt", "k8s/web.yml", "docs/hours.md"] {
            assert!(!is_telling(path), "{path}");
        }
    }
}
