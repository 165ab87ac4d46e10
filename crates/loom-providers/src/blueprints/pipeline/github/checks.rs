//! The job that checks: install, then each command by its name.

use loom_plan::stack::{PackageManager, Runtime};
use serde_json::{Value as Json, json};

use super::super::model::{Checks, Engine, TestDatabase};
use super::{RUNNER, checkout, run};
use crate::pins;
use crate::toolchain::Toolchain;

/// The job.
pub(super) fn job(checks: &Checks) -> Json {
    let mut job = json!({ "name": "Test", "runs-on": RUNNER, "timeout-minutes": 20 });
    if checks.directory != "." {
        job["defaults"] =
            json!({ "run": { "shell": "bash", "working-directory": checks.directory } });
    }
    if let Some(database) = &checks.database {
        let (name, service, url) = service(database);
        job["services"] = json!({ name: service });
        job["env"] = json!({ "DATABASE_URL": url });
    }
    let mut steps = vec![checkout()];
    steps.extend(setup(&checks.toolchain));
    steps.extend(
        checks
            .commands
            .iter()
            .map(|(name, command)| run(label(name), command)),
    );
    job["steps"] = steps.into();
    job
}

/// What a command is called among the steps.
fn label(command: &str) -> &'static str {
    match command {
        "install" => "Install dependencies",
        "lint" => "Lint",
        "typecheck" => "Check types",
        "build" => "Build",
        _ => "Test",
    }
}

/// The database beside the tests, and its URL. It holds nothing and lives as long as the job, so
/// it asks for no password.
fn service(database: &TestDatabase) -> (&'static str, Json, &'static str) {
    let health = |command: &str| {
        format!(
            "--health-cmd \"{command}\" --health-interval 5s --health-timeout 5s --health-retries 10"
        )
    };
    match database.engine {
        Engine::Postgresql => (
            "postgres",
            json!({
                "image": database.image,
                "env": { "POSTGRES_DB": "test", "POSTGRES_HOST_AUTH_METHOD": "trust" },
                "ports": ["5432:5432"],
                "options": health("pg_isready --username postgres"),
            }),
            "postgresql://postgres@localhost:5432/test",
        ),
        Engine::Mysql => (
            "mysql",
            json!({
                "image": database.image,
                "env": { "MYSQL_DATABASE": "test", "MYSQL_ALLOW_EMPTY_PASSWORD": "true" },
                "ports": ["3306:3306"],
                "options": health("mysqladmin ping --host 127.0.0.1"),
            }),
            "mysql://root@127.0.0.1:3306/test",
        ),
    }
}

/// The steps that bring the runtime and its package manager, in the versions of the image. None
/// keeps a cache: what one run leaves behind must not get into what another one releases.
fn setup(toolchain: &Toolchain) -> Vec<Json> {
    let version = toolchain.version.as_str();
    let action =
        |name: &str, uses: &str, with: Json| json!({ "name": name, "uses": uses, "with": with });
    let newest = |image: &str| pins::version(image, None).unwrap_or_default();
    let node = |version: &str| {
        action(
            "Set up Node.js",
            "actions/setup-node",
            json!({ "node-version": version, "package-manager-cache": false }),
        )
    };
    let bun = |version: &str| {
        action(
            "Set up Bun",
            "oven-sh/setup-bun",
            json!({ "bun-version": version, "no-cache": true }),
        )
    };
    let corepack = matches!(
        toolchain.manager,
        Some(PackageManager::Pnpm | PackageManager::Yarn)
    );
    let script = corepack.then(|| run("Set up the package manager", "corepack enable"));
    match toolchain.runtime {
        Runtime::Node => {
            let bun =
                (toolchain.manager == Some(PackageManager::Bun)).then(|| bun(&newest("oven/bun")));
            [node(version)]
                .into_iter()
                .chain(bun)
                .chain(script)
                .collect()
        }
        Runtime::Bun => {
            let npm = matches!(toolchain.manager, Some(PackageManager::Npm)) || corepack;
            npm.then(|| node(&newest("node")))
                .into_iter()
                .chain(script)
                .chain([bun(version)])
                .collect()
        }
        Runtime::Deno => vec![action(
            "Set up Deno",
            "denoland/setup-deno",
            json!({ "deno-version": format!("v{version}") }),
        )],
        Runtime::Python => {
            let python = action(
                "Set up Python",
                "actions/setup-python",
                json!({ "python-version": version }),
            );
            let uv = (toolchain.manager == Some(PackageManager::Uv)).then(|| {
                run(
                    "Set up uv",
                    &format!("pip install uv=={}", newest("ghcr.io/astral-sh/uv")),
                )
            });
            [python].into_iter().chain(uv).collect()
        }
        Runtime::Go => {
            vec![action(
                "Set up Go",
                "actions/setup-go",
                json!({ "go-version": version, "cache": false }),
            )]
        }
        Runtime::Rust => {
            let install = format!(
                "rustup toolchain install {version} --profile minimal --component clippy,rustfmt\nrustup default {version}\n"
            );
            vec![run("Set up Rust", &install)]
        }
        // the runner has the long-term versions of Java, Maven and Gradle
        Runtime::Java => {
            let home = format!("JAVA_HOME_{}_X64", toolchain.major());
            let script = format!(
                "echo \"JAVA_HOME=${home}\" >> \"$GITHUB_ENV\"\necho \"${home}/bin\" >> \"$GITHUB_PATH\"\n"
            );
            vec![run("Set up Java", &script)]
        }
    }
}
