//! What a runtime and its package manager do by custom: commands, manifests, images.
//!
//! In: what the service and the stack say. Out: a [`Toolchain`] that container and pipeline share,
//! so that the image and the tests use the same version and the same commands.
//!
//! Invariant: a default command fails only where the project is at fault. Where no command is sure
//! to exist (a linter that nobody may have installed), there is no default.
//!
//! Deliberately not here: how a Dockerfile or a workflow is written.

use loom_plan::intent::context::Context;
use loom_plan::stack::{PackageManager, Runtime};

use crate::pins;

/// The commands of a package manager; `None` where none is sure to exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// Installs what the lock file says.
    pub install: Option<&'static str>,
    /// What leaves out, put behind an install command, what only development needs.
    pub production: Option<&'static str>,
    /// Builds.
    pub build: Option<&'static str>,
    /// Looks for faults without running.
    pub lint: Option<&'static str>,
    /// Runs the tests.
    pub test: Option<&'static str>,
    /// What an own install command begins with that needs no more than the manifests.
    pub installers: &'static [&'static str],
    /// The files that decide what is installed, as `find -name` takes them.
    pub manifests: &'static [&'static str],
    /// The lock files at the root of a workspace.
    pub locks: &'static [&'static str],
    /// The directory of downloads that builds share.
    pub cache: &'static str,
}

/// The files that decide what a JavaScript package manager installs.
const JAVASCRIPT: &[&str] = &[
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    ".pnpmfile.cjs",
    "yarn.lock",
    ".yarnrc.yml",
    "bun.lock",
    "bun.lockb",
    "bunfig.toml",
    ".npmrc",
    "*.patch",
    "*.prisma",
];

const NPM: Defaults = Defaults {
    install: Some("npm ci"),
    production: Some("--omit=dev"),
    build: Some("npm run build --if-present"),
    lint: Some("npm run lint --if-present"),
    test: Some("npm test"),
    installers: &["npm ci", "npm install"],
    manifests: JAVASCRIPT,
    locks: &["package-lock.json"],
    cache: "/root/.npm",
};

const PNPM: Defaults = Defaults {
    install: Some("pnpm install --frozen-lockfile"),
    production: Some("--prod"),
    build: Some("pnpm run --if-present build"),
    lint: Some("pnpm run --if-present lint"),
    test: Some("pnpm test"),
    installers: &["pnpm install", "pnpm i"],
    manifests: JAVASCRIPT,
    locks: &["pnpm-lock.yaml", "pnpm-workspace.yaml"],
    cache: "/root/.local/share/pnpm/store",
};

/// Yarn has no run-if-present, and its versions disagree on how to leave out what only
/// development needs.
const YARN: Defaults = Defaults {
    install: Some("yarn install --immutable"),
    production: None,
    build: None,
    lint: None,
    test: Some("yarn test"),
    installers: &["yarn", "yarn install"],
    manifests: JAVASCRIPT,
    locks: &["yarn.lock"],
    cache: "/root/.yarn/berry/cache",
};

const BUN: Defaults = Defaults {
    install: Some("bun install --frozen-lockfile"),
    production: Some("--production"),
    build: Some("bun run --if-present build"),
    lint: Some("bun run --if-present lint"),
    test: Some("bun test"),
    installers: &["bun install", "bun i"],
    manifests: JAVASCRIPT,
    locks: &["bun.lock"],
    cache: "/root/.bun/install/cache",
};

const DENO: Defaults = Defaults {
    install: Some("deno install --frozen"),
    production: None,
    build: None,
    lint: Some("deno lint"),
    test: Some("deno task test"),
    installers: &["deno install"],
    manifests: &["deno.json", "deno.jsonc", "deno.lock", "package.json"],
    locks: &["deno.lock"],
    cache: "/deno-dir",
};

const PIP: Defaults = Defaults {
    install: Some("pip install --requirement requirements.txt"),
    production: None,
    build: None,
    lint: None,
    test: Some("python -m pytest"),
    installers: &[
        "pip install --requirement",
        "pip install -r",
        "python -m pip install -r",
    ],
    manifests: &["*requirements*.txt", "constraints*.txt"],
    locks: &["requirements.txt"],
    cache: "/root/.cache/pip",
};

const UV: Defaults = Defaults {
    install: Some("uv sync --locked"),
    production: Some("--no-dev"),
    build: None,
    lint: None,
    test: Some("uv run pytest"),
    installers: &["uv sync"],
    manifests: &["pyproject.toml", "uv.lock", "uv.toml", ".python-version"],
    locks: &["uv.lock"],
    cache: "/root/.cache/uv",
};

const GO: Defaults = Defaults {
    install: Some("go mod download"),
    production: None,
    build: Some("go build ./..."),
    lint: Some("go vet ./..."),
    test: Some("go test ./..."),
    installers: &["go mod download"],
    manifests: &["go.mod", "go.sum", "go.work", "go.work.sum"],
    locks: &["go.mod", "go.sum", "go.work"],
    cache: "/root/.cache/go-build",
};

const CARGO: Defaults = Defaults {
    install: Some("cargo fetch --locked"),
    production: None,
    build: Some("cargo build --locked"),
    lint: Some("cargo clippy --locked --all-targets -- --deny warnings"),
    test: Some("cargo test --locked"),
    installers: &[],
    manifests: &[],
    locks: &["Cargo.toml", "Cargo.lock"],
    cache: "/usr/local/cargo/registry",
};

const MAVEN: Defaults = Defaults {
    install: None,
    production: None,
    build: Some("mvn --batch-mode --no-transfer-progress -DskipTests package"),
    lint: None,
    test: Some("mvn --batch-mode --no-transfer-progress test"),
    installers: &[],
    manifests: &[],
    locks: &["pom.xml"],
    cache: "/root/.m2",
};

const GRADLE: Defaults = Defaults {
    install: None,
    production: None,
    build: Some("gradle --no-daemon assemble"),
    lint: None,
    test: Some("gradle --no-daemon test"),
    installers: &[],
    manifests: &[],
    locks: &[
        "settings.gradle",
        "settings.gradle.kts",
        "gradle/libs.versions.toml",
    ],
    cache: "/home/gradle/.gradle",
};

/// What a package manager does by custom; `None` is Deno, which needs none.
pub fn defaults(manager: Option<PackageManager>) -> Defaults {
    match manager {
        None => DENO,
        Some(PackageManager::Npm) => NPM,
        Some(PackageManager::Pnpm) => PNPM,
        Some(PackageManager::Yarn) => YARN,
        Some(PackageManager::Bun) => BUN,
        Some(PackageManager::Pip) => PIP,
        Some(PackageManager::Uv) => UV,
        Some(PackageManager::Go) => GO,
        Some(PackageManager::Cargo) => CARGO,
        Some(PackageManager::Maven) => MAVEN,
        Some(PackageManager::Gradle) => GRADLE,
    }
}

/// The name of a runtime's base image, which is also its name under `pins.images`.
pub fn base_image(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Bun => "oven/bun",
        Runtime::Node => "node",
        Runtime::Deno => "denoland/deno",
        Runtime::Python => "python",
        Runtime::Go => "golang",
        Runtime::Rust => "rust",
        Runtime::Java => "eclipse-temurin",
    }
}

/// What builds, tests and runs one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// What runs its code.
    pub runtime: Runtime,
    /// What installs its dependencies; `None` is Deno itself.
    pub manager: Option<PackageManager>,
    /// The runtime's full version.
    pub version: String,
    /// What the manager does by custom.
    pub defaults: Defaults,
}

impl Toolchain {
    /// Reads it from service and stack; says what is missing where no runtime is known.
    pub fn read(cx: &mut Context<'_>) -> Option<Self> {
        let service = cx.service();
        let Some(runtime) = service.runtime() else {
            cx.missing(
                "stack.runtime",
                "what runs the service's code",
                "stack: { runtime: node }",
            );
            return None;
        };
        let manager = service
            .package_manager()
            .filter(|_| runtime != Runtime::Deno);
        let wanted = cx
            .stack()
            .runtime_version()
            .filter(|_| cx.stack().runtime().is_none_or(|stack| stack == runtime));
        let image = base_image(runtime);
        let version = match cx.pinned_image(image) {
            Some((tag, _)) => leading_version(&tag),
            None => pins::version_or_report(cx, image, wanted.as_deref()),
        };
        Some(Self {
            runtime,
            manager,
            version,
            defaults: defaults(manager),
        })
    }

    /// The first number of the version: `21` of `21.0.9_10`.
    pub fn major(&self) -> &str {
        self.version.split('.').next().unwrap_or(&self.version)
    }
}

/// The version that an image's tag begins with: `22.11.0` of `22.11.0-alpine3.20`.
fn leading_version(tag: &str) -> String {
    let tag = tag.strip_prefix("alpine-").unwrap_or(tag);
    tag.split('-').next().unwrap_or(tag).to_owned()
}

/// The command of a name that holds: the one that somebody wrote, else the manager's.
pub fn command(cx: &Context<'_>, defaults: &Defaults, name: &str) -> Option<String> {
    let custom = match name {
        "install" => defaults.install,
        "build" => defaults.build,
        "lint" => defaults.lint,
        "test" => defaults.test,
        _ => None,
    };
    cx.service()
        .command(name)
        .or_else(|| custom.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_install_is_one_that_its_own_installers_know() {
        for word in PackageManager::WORDS {
            let defaults = defaults(PackageManager::parse(word));
            if defaults.installers.is_empty() {
                continue;
            }
            let install = defaults
                .install
                .expect("a manager with installers has an install command");
            assert!(
                defaults
                    .installers
                    .iter()
                    .any(|installer| install.starts_with(installer)),
                "{word}"
            );
            assert!(
                !defaults.manifests.is_empty(),
                "{word}: an install from manifests alone needs to know them"
            );
        }
    }

    #[test]
    fn the_version_of_a_pinned_tag_is_what_the_tests_run_on() {
        assert_eq!(leading_version("22.11.0-alpine3.20"), "22.11.0");
        assert_eq!(leading_version("alpine-2.9.6"), "2.9.6");
    }
}
