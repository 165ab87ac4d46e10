//! The text of a Dockerfile: one recipe for each runtime.
//!
//! In: an [`Image`], everything known. Out: the text. The build's context is the root of the
//! repository, so that a service of a monorepo finds its lock file and its neighbours.
//!
//! Packages are installed in a stage that sees only the files that decide what is installed
//! (`manifests`): wherever they lie, no list of workspaces has to be kept in step.

use loom_plan::stack::{PackageManager, Runtime};
use serde_json::json;

use crate::emit::dockerfile as emit;
use crate::emit::shell::word;
use crate::toolchain::Toolchain;

/// Everything that the Dockerfile says.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// The service.
    pub(super) name: String,
    /// Its directory, seen from the root; `.` is the root.
    pub(super) path: String,
    /// What builds and runs it.
    pub(super) toolchain: Toolchain,
    /// What the stages begin with.
    pub(super) bases: Bases,
    /// Installs the packages.
    pub(super) install: Option<String>,
    /// Builds.
    pub(super) build: Option<String>,
    /// Go: the package; Rust: the binary; Java: the jar.
    pub(super) program: Option<String>,
    /// Starts the service.
    pub(super) start: String,
    /// The number of user and group.
    pub(super) user: String,
    /// Whether `/tmp` is declared a volume: Fargate gives what it mounts there the owner and mode that it has in the image.
    pub(super) temporary_volume: bool,
    /// How its health is asked.
    pub(super) probe: Probe,
}

/// What the stages begin with.
#[derive(Clone, Debug)]
pub(super) struct Bases {
    /// Installs and builds.
    pub(super) tools: String,
    /// Runs.
    pub(super) runtime: String,
    /// Brings `uv`.
    pub(super) uv: String,
}

/// How the health of the container is asked.
#[derive(Clone, Debug)]
pub(super) enum Probe {
    /// It listens on no port.
    None,
    /// A request that must succeed.
    Http {
        /// The port.
        port: i64,
        /// The path, with its leading `/`.
        path: String,
    },
}

/// How packages are installed.
enum Install {
    /// From the manifests alone, before the code is copied.
    Manifests(String),
    /// With a command of one's own that may need the code.
    Code(String),
    /// The build does it.
    None,
}

impl Image {
    /// The text, without loom's header.
    pub(super) fn dockerfile(&self) -> String {
        let stages = match self.toolchain.runtime {
            Runtime::Bun | Runtime::Node => self.javascript(),
            Runtime::Deno => self.deno(),
            Runtime::Python => self.python(),
            Runtime::Go => self.go(),
            Runtime::Rust => self.rust(),
            Runtime::Java => self.java(),
        };
        let mut text = stages.join("\n\n");
        text.push('\n');
        text
    }

    fn javascript(&self) -> Vec<String> {
        let corepack = matches!(
            self.toolchain.manager,
            Some(PackageManager::Pnpm | PackageManager::Yarn)
        );
        let mut base = vec![format!("FROM {} AS base", self.bases.tools), self.workdir()];
        if corepack {
            base.push("RUN corepack enable".to_owned());
        }
        let mut stages = vec![lines(&base)];
        let (mut dependencies, production) = match self.install() {
            Install::Manifests(command) => {
                stages.push(self.manifests("base"));
                let production = self
                    .toolchain
                    .defaults
                    .production
                    .map(|flags| format!("{command} {flags}"));
                (
                    vec![
                        "FROM base AS dependencies".to_owned(),
                        from_manifests(),
                        self.run(&command),
                    ],
                    production,
                )
            }
            Install::Code(command) => (
                vec![
                    "FROM base AS dependencies".to_owned(),
                    copy_all(),
                    self.run(&command),
                ],
                None,
            ),
            Install::None => (vec!["FROM base AS dependencies".to_owned()], None),
        };
        stages.push(lines(&dependencies));
        if let Some(command) = &production {
            dependencies = vec![
                "FROM base AS production".to_owned(),
                from_manifests(),
                self.run(command),
            ];
            stages.push(lines(&dependencies));
        }
        let mut build = vec!["FROM dependencies AS build".to_owned(), copy_all()];
        build.extend(self.build.as_deref().map(|command| run(&[], command)));
        if production.is_some() {
            build.push(
                "RUN find /app -name node_modules -type d -prune -exec rm -rf {} +".to_owned(),
            );
        }
        stages.push(lines(&build));
        let mut runtime = vec![
            self.runtime_stage(),
            self.workdir(),
            self.environment(&[("NODE_ENV", "production")]),
        ];
        if production.is_some() {
            runtime.push("COPY --from=production /app /app".to_owned());
        }
        runtime.push("COPY --from=build /app /app".to_owned());
        stages.push(self.finish(runtime));
        stages
    }

    fn deno(&self) -> Vec<String> {
        let mut stages = vec![lines(&[
            format!("FROM {} AS base", self.bases.tools),
            self.workdir(),
            "ENV DENO_DIR=/deno-dir".to_owned(),
        ])];
        match self.install() {
            Install::Manifests(command) => {
                stages.push(self.manifests("base"));
                let install = run(&[], &command);
                stages.push(lines(&[
                    "FROM base AS dependencies".to_owned(),
                    from_manifests(),
                    install,
                ]));
            }
            Install::Code(command) => {
                stages.push(lines(&[
                    "FROM base AS dependencies".to_owned(),
                    copy_all(),
                    run(&[], &command),
                ]));
            }
            Install::None => stages.push("FROM base AS dependencies".to_owned()),
        }
        let mut build = vec!["FROM dependencies AS build".to_owned(), copy_all()];
        build.extend(self.build.as_deref().map(|command| run(&[], command)));
        stages.push(lines(&build));
        stages.push(self.finish(vec![
            self.runtime_stage(),
            self.workdir(),
            self.environment(&[("DENO_DIR", "/deno-dir"), ("DENO_NO_UPDATE_CHECK", "1")]),
            format!(
                "COPY --from=build --chown={0}:{0} /deno-dir /deno-dir",
                self.user
            ),
            "COPY --from=build /app /app".to_owned(),
        ]));
        stages
    }

    fn python(&self) -> Vec<String> {
        let uv = self.toolchain.manager == Some(PackageManager::Uv);
        let mut base = vec![format!("FROM {} AS base", self.bases.tools), self.workdir()];
        base.push(env(&[
            ("PATH", "/opt/venv/bin:$PATH"),
            ("PYTHONDONTWRITEBYTECODE", "1"),
            ("PYTHONUNBUFFERED", "1"),
        ]));
        let mut stages = Vec::new();
        let mut tools = vec!["FROM base AS tools".to_owned()];
        if uv {
            stages.push(format!("FROM {} AS uv", self.bases.uv));
            tools.push(env(&[
                ("UV_COMPILE_BYTECODE", "1"),
                ("UV_LINK_MODE", "copy"),
                ("UV_PROJECT_ENVIRONMENT", "/opt/venv"),
                ("UV_PYTHON_DOWNLOADS", "never"),
            ]));
            tools.push("COPY --from=uv /uv /usr/local/bin/uv".to_owned());
        } else {
            tools.push("RUN python -m venv /opt/venv".to_owned());
        }
        stages.extend([lines(&base), lines(&tools)]);
        let mut build = vec!["FROM dependencies AS build".to_owned(), copy_all()];
        match self.install() {
            Install::Manifests(command) if uv => {
                let production = format!(
                    "{command} {}",
                    self.toolchain.defaults.production.unwrap_or_default()
                );
                stages.push(self.manifests("base"));
                let install = self.run(&format!("{production} --no-install-workspace"));
                stages.push(lines(&[
                    "FROM tools AS dependencies".to_owned(),
                    from_manifests(),
                    install,
                ]));
                build.push(self.run(&format!("{production} --no-editable")));
            }
            Install::Manifests(command) => {
                stages.push(self.manifests("base"));
                stages.push(lines(&[
                    "FROM tools AS dependencies".to_owned(),
                    from_manifests(),
                    self.run(&command),
                ]));
            }
            Install::Code(command) => {
                stages.push(lines(&[
                    "FROM tools AS dependencies".to_owned(),
                    copy_all(),
                    self.run(&command),
                ]));
            }
            Install::None => stages.push("FROM tools AS dependencies".to_owned()),
        }
        build.extend(self.build.as_deref().map(|command| run(&[], command)));
        stages.push(lines(&build));
        stages.push(self.finish(vec![
            "FROM base AS runtime".to_owned(),
            self.environment(&[]),
            "COPY --from=build /opt/venv /opt/venv".to_owned(),
            "COPY --from=build /app /app".to_owned(),
        ]));
        stages
    }

    fn go(&self) -> Vec<String> {
        let mut stages = vec![self.manifests(&self.bases.tools)];
        let mut build = vec![
            format!("FROM {} AS build", self.bases.tools),
            self.workdir(),
            "ENV CGO_ENABLED=0".to_owned(),
        ];
        match self.install() {
            Install::Manifests(command) => {
                build.extend([from_manifests(), run(&[], &command), copy_all()]);
            }
            Install::Code(command) => {
                stages.clear();
                build.extend([copy_all(), run(&[], &command)]);
            }
            Install::None => {
                stages.clear();
                build.push(copy_all());
            }
        }
        let package = self.program.as_deref().unwrap_or(".");
        let compile = format!(
            "go build -trimpath -ldflags='-s -w' -o /out/{} {}",
            self.name,
            word(package)
        );
        build.push(self.run(&compile));
        stages.push(lines(&build));
        stages.push(self.compiled(&[]));
        stages
    }

    fn rust(&self) -> Vec<String> {
        let binary = self.program.as_deref().unwrap_or(&self.name);
        let compile = format!(
            "cargo build --release --locked --bin {0} && install -D /target/release/{0} /out/{1}",
            word(binary),
            self.name
        );
        let build = [
            format!("FROM {} AS build", self.bases.tools),
            self.workdir(),
            "ENV CARGO_TARGET_DIR=/target".to_owned(),
            copy_all(),
            run(&[self.toolchain.defaults.cache, "/target"], &compile),
        ];
        let certificates = "COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt";
        vec![lines(&build), self.compiled(&[certificates])]
    }

    fn java(&self) -> Vec<String> {
        let directory = match self.toolchain.manager {
            Some(PackageManager::Gradle) => "build/libs",
            _ => "target",
        };
        let jar = format!("/out/{}.jar", self.name);
        let keep = match &self.program {
            Some(program) => format!("install -D {} {jar}", word(program)),
            None => format!(
                "mkdir /out && find {directory} -maxdepth 1 -name '*.jar' ! -name '*-plain.jar' ! -name '*-sources.jar' \
                 ! -name '*-javadoc.jar' ! -name 'original-*.jar' -exec cp {{}} {jar} \\;"
            ),
        };
        let mut build = vec![
            format!("FROM {} AS build", self.bases.tools),
            self.workdir(),
            copy_all(),
        ];
        build.extend(self.install.as_deref().map(|command| self.run(command)));
        build.extend(self.build.as_deref().map(|command| self.run(command)));
        build.push(run(&[], &keep));
        let runtime = vec![
            self.runtime_stage(),
            "WORKDIR /app".to_owned(),
            self.environment(&[]),
            format!("COPY --from=build {jar} /app/{}.jar", self.name),
        ];
        vec![lines(&build), self.finish(runtime)]
    }

    /// The last stage of a language whose program is one file.
    fn compiled(&self, more: &[&str]) -> String {
        let mut runtime = vec![
            self.runtime_stage(),
            "WORKDIR /app".to_owned(),
            self.environment(&[]),
        ];
        runtime.extend(more.iter().map(|line| (*line).to_owned()));
        runtime.push(format!("COPY --from=build /out/{0} /app/{0}", self.name));
        self.finish(runtime)
    }

    fn runtime_stage(&self) -> String {
        format!("FROM {} AS runtime", self.bases.runtime)
    }

    fn workdir(&self) -> String {
        match self.path.as_str() {
            "." => "WORKDIR /app".to_owned(),
            path => format!("WORKDIR /app/{path}"),
        }
    }

    /// A stage that holds nothing but what decides which packages are installed.
    fn manifests(&self, from: &str) -> String {
        let mut names: Vec<String> = self
            .toolchain
            .defaults
            .manifests
            .iter()
            .map(|name| format!("-name '{name}'"))
            .collect();
        if self.toolchain.manager == Some(PackageManager::Yarn) {
            names.push("-path '*/.yarn/*'".to_owned());
        }
        lines(&[
            format!("FROM {from} AS manifests"),
            copy_all(),
            format!(
                "RUN find /app ! -type d ! \\( {} \\) -delete \\\n    && find /app -mindepth 1 -depth -type d -empty -delete",
                names.join(" -o ")
            ),
        ])
    }

    fn install(&self) -> Install {
        let Some(command) = &self.install else {
            return Install::None;
        };
        let simple = !command.contains([';', '&', '|', '$', '`', '<', '>', '(', '\n']);
        let known = self.toolchain.defaults.installers.iter().any(|installer| {
            command
                .strip_prefix(installer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        });
        if simple && known {
            Install::Manifests(command.clone())
        } else {
            Install::Code(command.clone())
        }
    }

    fn run(&self, command: &str) -> String {
        run(&[self.toolchain.defaults.cache], command)
    }

    /// The variables of the running container: its port, where it has one, and those of the runtime.
    fn environment(&self, variables: &[(&str, &str)]) -> String {
        let port = match &self.probe {
            Probe::Http { port, .. } => port.to_string(),
            Probe::None => return env(variables),
        };
        env(&[variables, &[("PORT", port.as_str())]].concat())
    }

    /// The end of the last stage: who runs what, and how its health is asked.
    fn finish(&self, mut stage: Vec<String>) -> String {
        stage.retain(|line| !line.is_empty());
        if self.temporary_volume {
            stage.push("VOLUME [\"/tmp\"]".to_owned());
        }
        stage.push(format!("USER {0}:{0}", self.user));
        match &self.probe {
            Probe::Http { port, path } => {
                stage.push(format!("EXPOSE {port}"));
                let words = health_check(self.toolchain.runtime, *port, path);
                let times = "--interval=30s --timeout=5s --start-period=20s --retries=3";
                let check = emit::exec("CMD", words.iter().map(String::as_str));
                stage.push(format!("HEALTHCHECK {times} \\\n    {}", check.trim_end()));
            }
            Probe::None => stage.push("HEALTHCHECK NONE".to_owned()),
        }
        stage.push("STOPSIGNAL SIGTERM".to_owned());
        let start = start_words(&self.start);
        stage.push(
            emit::exec("CMD", start.iter().map(String::as_str))
                .trim_end()
                .to_owned(),
        );
        lines(&stage)
    }
}

/// A program of the base image that succeeds where the health path answers well.
pub(super) fn health_check(runtime: Runtime, port: i64, path: &str) -> Vec<String> {
    let url = format!("http://127.0.0.1:{port}{path}");
    let quoted = json!(url);
    let fetch =
        format!("fetch({quoted}).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))");
    let words: Vec<String> = match runtime {
        Runtime::Node => vec!["node".to_owned(), "-e".to_owned(), fetch],
        Runtime::Bun => vec!["bun".to_owned(), "-e".to_owned(), fetch],
        Runtime::Deno => vec![
            "deno".to_owned(),
            "eval".to_owned(),
            fetch.replace("process.exit", "Deno.exit"),
        ],
        Runtime::Python => {
            let open =
                format!("import urllib.request; urllib.request.urlopen({quoted}, timeout=4)");
            vec!["python".to_owned(), "-c".to_owned(), open]
        }
        Runtime::Go | Runtime::Java => ["wget", "-q", "-T", "4", "-O", "/dev/null", &url]
            .iter()
            .map(|word| (*word).to_owned())
            .collect(),
        // Debian's slim image has neither curl nor wget, but a bash that opens connections
        Runtime::Rust => {
            let ask = r#"exec 3<>"/dev/tcp/127.0.0.1/$0" && printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$1" >&3 && read -r _ status _ <&3 && [[ $status == 2* ]]"#;
            ["bash", "-c", ask, &port.to_string(), path]
                .iter()
                .map(|word| (*word).to_owned())
                .collect()
        }
    };
    words
}

fn lines(lines: &[String]) -> String {
    lines
        .iter()
        .filter(|line| !line.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join("\n")
}

fn copy_all() -> String {
    "COPY . /app".to_owned()
}

fn from_manifests() -> String {
    "COPY --from=manifests /app /app".to_owned()
}

fn env(variables: &[(&str, &str)]) -> String {
    if variables.is_empty() {
        return String::new();
    }
    let words: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("ENV {}", words.join(" \\\n    "))
}

/// A `RUN` with directories that builds share. A command that the Dockerfile's own syntax would
/// read as something else is given to the shell as one word.
fn run(caches: &[&str], command: &str) -> String {
    let mounts: Vec<String> = caches
        .iter()
        .map(|cache| format!("--mount=type=cache,target={cache}"))
        .collect();
    let command = command.trim();
    let awkward =
        command.contains(['\n', '\r']) || command.contains("<<") || command.ends_with('\\');
    let awkward = awkward || command.starts_with(['-', '[', '#']);
    let command = if awkward {
        emit::exec("", ["/bin/sh", "-c", command]).trim().to_owned()
    } else {
        command.to_owned()
    };
    let words: Vec<String> = mounts.into_iter().chain([command]).collect();
    format!("RUN {}", words.join(" \\\n    "))
}

/// The words of a start command: itself where it is plain words, else a shell that runs it. The
/// program replaces the shell where it is one command, so that it gets the signals.
fn start_words(command: &str) -> Vec<String> {
    let command = command.trim();
    let plain = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(
                c,
                ' ' | '_' | '.' | '/' | ':' | '=' | '@' | '%' | '+' | ',' | '-'
            )
    };
    let assigns = command
        .split(' ')
        .next()
        .is_some_and(|first| first.contains('='));
    if command.chars().all(plain) && !assigns {
        return command.split_whitespace().map(str::to_owned).collect();
    }
    let one = !assigns && !command.contains([';', '&', '|', '\n', '(', '{', '!', '#']);
    let script = if one {
        format!("exec {command}")
    } else {
        command.to_owned()
    };
    vec!["/bin/sh".to_owned(), "-c".to_owned(), script]
}

#[cfg(test)]
mod tests;
