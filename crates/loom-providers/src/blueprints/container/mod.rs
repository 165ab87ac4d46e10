//! `container`: the image of a service.
//!
//! In: runtime, package manager, commands, path, port and health path of the service. Out: a
//! Dockerfile of several stages and the common block of `.dockerignore`.
//!
//! Invariants, tested in [`dockerfile`]: the last user is a number that is not root's; every base
//! is pinned; packages are installed before the code is copied; nothing secret is an argument.
//!
//! Deliberately not here: building it (`pipeline`) and running it (`workload`).

mod dockerfile;

use loom_plan::addr::Address;
use loom_plan::diag::{Code, Diagnostic};
use loom_plan::intent::context::{Context, Contribution, Part, literal};
use loom_plan::project::Own;
use loom_plan::provider::{Blueprint, BlueprintSpec, Subject};
use loom_plan::shape::{Field, Shape};
use loom_plan::stack::{Containerization, Orchestration, PackageManager, Runtime};
use serde_json::json;

use self::dockerfile::{Bases, Image, Probe};
use crate::naming;
use crate::pins;
use crate::toolchain::{Toolchain, base_image};

/// The kind.
#[derive(Debug)]
pub(crate) struct Container;

const SPEC: BlueprintSpec = BlueprintSpec {
    kind: "container",
    subject: Subject::Service,
    summary: "The image of a service: a Dockerfile of several stages, and what its build leaves out",
    settings: &[
        Field::optional(
            "base",
            Shape::Text,
            "the image that the service runs on; default: the runtime's, pinned",
        ),
        Field::optional(
            "program",
            Shape::Text,
            "Go: the package of the program; Rust: the binary; Java: the jar",
        ),
        Field::default(
            "user",
            Shape::Integer(1, 4_294_967_294),
            "10001",
            "the number of the user and group that it runs as",
        ),
    ],
    parts: &["docker.dockerfile.NAME", "file.dockerignore"],
};

/// What no build needs. The same text from every service, so that the contributions are one.
const DOCKERIGNORE: &str = "\
.git
.github
.loom
**/.env
**/.env.*
!**/.env.example
**/*.pem
**/.DS_Store
**/node_modules
**/__pycache__
**/*.pyc
**/.venv
**/.pytest_cache
**/.terraform
**/coverage
infrastructure
k8s
";

impl Blueprint for Container {
    fn spec(&self) -> &'static BlueprintSpec {
        &SPEC
    }

    fn expand(&self, cx: &mut Context<'_>) {
        let containers = cx.stack().containerization();
        if containers == Containerization::None {
            return cx.cannot(
                "infrastructure.containerization",
                "`infrastructure.containerization` is `none`, so there is no image to build",
                "set it to `docker` or `podman`, leave it out (a `null` is `none`), or take the `container` blueprint out",
            );
        }
        let Some(image) = image(cx) else { return };
        let part = Part::new(
            "docker.dockerfile",
            json!({ "content": literal(&image.dockerfile()) }),
        );
        let path = naming::dockerfile_path(cx.name(), containers);
        cx.part(part.path(path));
        if let Ok(address) = Address::parse("file.dockerignore") {
            let settings = json!({ "content": DOCKERIGNORE });
            cx.contribute(Contribution {
                address,
                path: ".dockerignore".to_owned(),
                own: Own::Block,
                settings,
            });
        }
    }
}

/// All that the Dockerfile needs; `None` where something is missing, which is said.
fn image(cx: &mut Context<'_>) -> Option<Image> {
    let service = cx.service();
    let pointer = format!("services.{}", service.name());
    let toolchain = Toolchain::read(cx)?;
    let probe = probe(cx, &pointer);
    let start = service
        .command("start")
        .or_else(|| default_start(&toolchain, service.name().as_str()));
    if start.is_none() {
        cx.missing(
            format!("{pointer}.commands.start"),
            "the command that starts the service in its container",
            "commands: { start: uvicorn app.main:app --host 0.0.0.0 --port 8000 }",
        );
    }
    let path = plain_path(cx, &service.path())?;
    let install = service
        .command("install")
        .or_else(|| toolchain.defaults.install.map(str::to_owned));
    let build = service
        .command("build")
        .or_else(|| toolchain.defaults.build.map(str::to_owned));
    let bases = bases(cx, &toolchain);
    let user = cx
        .text("user")
        .unwrap_or_else(|| naming::CONTAINER_USER.to_string());
    let program = cx.text("program");
    Some(Image {
        name: service.name().to_string(),
        path,
        toolchain,
        bases,
        install,
        build,
        program,
        start: start?,
        user,
        temporary_volume: cx.stack().orchestration() == Orchestration::Ecs,
        probe: probe?,
    })
}

/// The program of the image that asks the service for its health, with its arguments: what the
/// Dockerfile says, for those that do not read it there.
pub(in crate::blueprints) fn health_command(cx: &Context<'_>) -> Option<Vec<String>> {
    let service = cx.service();
    Some(dockerfile::health_check(
        service.runtime()?,
        service.port()?,
        &service.health(),
    ))
}

/// The port and the health path; none for a service that nobody can reach and that has no port.
fn probe(cx: &mut Context<'_>, pointer: &str) -> Option<Probe> {
    let service = cx.service();
    match service.port() {
        Some(port) => Some(Probe::Http {
            port,
            path: service.health(),
        }),
        None if service.expose() == "none" => Some(Probe::None),
        None => {
            cx.missing(
                format!("{pointer}.port"),
                "the port that the image exposes and checks",
                "port: 3000",
            );
            None
        }
    }
}

/// What starts the service where nobody says; Python has no custom that is sure enough.
fn default_start(toolchain: &Toolchain, name: &str) -> Option<String> {
    match toolchain.runtime {
        Runtime::Bun => Some("bun run src/index.ts".to_owned()),
        Runtime::Node => Some("node .".to_owned()),
        Runtime::Deno => Some("deno task start".to_owned()),
        Runtime::Python => None,
        Runtime::Go | Runtime::Rust => Some(format!("/app/{name}")),
        Runtime::Java => Some(format!("java -XX:MaxRAMPercentage=75 -jar /app/{name}.jar")),
    }
}

/// The images that the stages begin with.
fn bases(cx: &Context<'_>, toolchain: &Toolchain) -> Bases {
    let version = toolchain.version.as_str();
    let newest = |image: &str| pins::version(image, None).unwrap_or_default();
    let pinned = |image: &str, version: &str| pins::image(cx, image, version);
    let own = pinned(base_image(toolchain.runtime), version);
    let jdk = |image: &str, custom: &str| match pins::lines(image)
        .find(|line| line.ends_with(toolchain.major()))
    {
        Some(line) => pinned(image, line),
        None => pinned(image, &format!("{custom}{}", toolchain.major())),
    };
    let (tools, runtime) = match (toolchain.runtime, toolchain.manager) {
        (Runtime::Go, _) => (own, pinned("alpine", &newest("alpine"))),
        (Runtime::Rust, _) => (own, pinned("debian", &newest("debian"))),
        (Runtime::Java, Some(PackageManager::Gradle)) => (jdk("gradle", "9.5.1-jdk"), own),
        (Runtime::Java, _) => (jdk("maven", "3.9.11-eclipse-temurin-"), own),
        (Runtime::Node, Some(PackageManager::Bun)) => {
            (pinned("oven/bun", &newest("oven/bun")), own)
        }
        (Runtime::Bun, Some(PackageManager::Npm | PackageManager::Pnpm | PackageManager::Yarn)) => {
            (pinned("node", &newest("node")), own)
        }
        (Runtime::Bun | Runtime::Node | Runtime::Deno | Runtime::Python, _) => (own.clone(), own),
    };
    let uv = pinned("ghcr.io/astral-sh/uv", &newest("ghcr.io/astral-sh/uv"));
    match cx.text("base") {
        Some(base) if tools == runtime => Bases {
            tools: base.clone(),
            runtime: base,
            uv,
        },
        Some(base) => Bases {
            tools,
            runtime: base,
            uv,
        },
        None => Bases { tools, runtime, uv },
    }
}

/// The service's path, where it can stand in a Dockerfile as it is.
fn plain_path(cx: &mut Context<'_>, path: &str) -> Option<String> {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '@' | '+');
    if path.chars().all(plain) {
        return Some(path.to_owned());
    }
    let found = Diagnostic::new(
        Code::Unwritable,
        format!("the path `{path}` cannot stand in a Dockerfile"),
    );
    let help = "use letters, digits and `. _ - / @ +` in the names of directories that are built into an image";
    cx.report(found.at(cx.service().span(&["path"]), "").help(help));
    None
}
