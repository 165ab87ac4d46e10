//! `loom init`: a first loom.yaml and a first story, from what the repository shows.
//!
//! Overwrites nothing. What it writes plans at once: it declares a container for each service that
//! it finds and the documents of its deployment, unless that would change a file that is there;
//! everything else is for the user to add, as the closing lines say. It names the files that
//! `loom adopt` could take over, and at a terminal asks whether to.

use std::collections::BTreeSet;
use std::io::Write;

use loom_apply::Root;
use loom_plan::addr::{Name, RepoPath};
use loom_plan::adopt::{Ask, propose};
use loom_plan::input::Input as _;
use loom_plan::intent::REPOSITORY_KIND;
use loom_plan::keys::{Data, Form, Format};
use loom_plan::plan::{Action, Verb};
use loom_providers::edit::{Json, Toml};

use super::{Desk, Failure, adopt, pass, write_inputs};
use crate::cli::{Adopt, Global, quoted};
use crate::env::{self, Streams};
use crate::exit::Exit;

/// A file, and the runtime, package manager and usual port that it tells.
type Trace = (&'static str, &'static str, &'static str, u16);

/// Where nothing tells what runs.
const UNKNOWN: &Trace = &("", "node", "npm", 3000);

/// What tells what runs a service's code; the first of several counts.
const TRACES: &[Trace] = &[
    ("bun.lock", "bun", "bun", 3000),
    ("bun.lockb", "bun", "bun", 3000),
    ("deno.json", "deno", "", 8000),
    ("pnpm-lock.yaml", "node", "pnpm", 3000),
    ("yarn.lock", "node", "yarn", 3000),
    ("package-lock.json", "node", "npm", 3000),
    ("package.json", "node", "npm", 3000),
    ("go.mod", "go", "go", 8080),
    ("uv.lock", "python", "uv", 8000),
    ("pyproject.toml", "python", "pip", 8000),
    ("requirements.txt", "python", "pip", 8000),
    ("Cargo.toml", "rust", "cargo", 8080),
    ("pom.xml", "java", "maven", 8080),
    ("build.gradle", "java", "gradle", 8080),
    ("build.gradle.kts", "java", "gradle", 8080),
];

/// A service that was found.
struct Found {
    name: Name,
    path: String,
    trace: &'static Trace,
}

/// What the repository shows.
struct Look {
    project: Name,
    runtime: &'static str,
    manager: &'static str,
    ci: Option<&'static str>,
    has_stack: bool,
    services: Vec<Found>,
}

/// What the first story asks for: a blueprint, and the index of its service.
type Wish = (&'static str, usize);

/// Writes `loom.yaml` and `stories/LOOM-001.yaml`.
pub(crate) fn run(global: &Global, streams: Streams, out: &mut dyn Write) -> Result<Exit, Failure> {
    let root = Root::open(&env::start(global.directory.as_deref())?)?;
    let project_file = RepoPath::new("loom.yaml").expect("a path");
    if root.read(&project_file).is_ok() {
        let message = format!(
            "{} is there already, and init overwrites nothing",
            root.path().join("loom.yaml").display()
        );
        return Err(Failure::Environment(message));
    }
    let desk = Desk::new(global, root, streams);
    desk.steps.pause();
    let look = look(&desk.root);
    let all: Vec<Wish> = (0..look.services.len())
        .flat_map(|service| [("container", service), ("docs", service)])
        .collect();
    let (wishes, left): (Vec<Wish>, Vec<Wish>) = all
        .into_iter()
        .partition(|wish| !touches(&desk, &look, *wish));
    let missing = missing(&desk.root, &look, &wishes);
    write_inputs(&desk.root, "init", &missing)?;
    for (path, _) in &missing {
        writeln!(out, "Wrote {path}")?;
    }
    let services: Vec<&str> = look
        .services
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    writeln!(
        out,
        "Found {} ({}). Correct what is wrong in loom.yaml, then see what comes of it:",
        services.join(", "),
        look.runtime
    )?;
    writeln!(out, "  loom plan\n  loom apply")?;
    for (kind, service) in left {
        let name = &look.services[service].name;
        writeln!(
            out,
            "Not declared, because it would change files that are there: {{ kind: {kind}, service: {name} }}"
        )?;
    }
    writeln!(
        out,
        "More kinds, such as pipeline, workload and infrastructure: loom providers"
    )?;
    offer(&desk, out)?;
    Ok(Exit::Done)
}

/// The files that init writes: those that are not there.
fn missing(root: &Root, look: &Look, wishes: &[Wish]) -> Vec<(RepoPath, String)> {
    let files = [
        ("loom.yaml", project_text(look)),
        ("stories/LOOM-001.yaml", story_text(look, wishes)),
    ];
    let files = files
        .into_iter()
        .map(|(path, text)| (RepoPath::new(path).expect("both are paths"), text));
    files.filter(|(path, _)| root.read(path).is_err()).collect()
}

/// Whether the first plan would change a file that is there, or could not go on for one.
fn touches(desk: &Desk<'_>, look: &Look, wish: Wish) -> bool {
    let looked = pass::look_as_if(desk, &missing(&desk.root, look, &[wish]));
    let Ok(outcome) = looked.and_then(|looked| pass::outcome(desk, &looked)) else {
        return false;
    };
    let changes =
        |action: &Action| action.verb != Verb::Create && action.address().kind() != REPOSITORY_KIND;
    !outcome.conflicts().is_empty() || outcome.actions().iter().any(changes)
}

/// Where files stand that loom could manage.
const ADOPTABLE: &[&str] = &[
    ".github/workflows/*.{yml,yaml}",
    "*Dockerfile*",
    "{apps,services,packages,docker}/**/*Dockerfile*",
    "{k8s,kubernetes,kubernetes-manifests,manifests,deploy,deployment,kustomize}/**/*.{yml,yaml}",
    "{infra,infrastructure,terraform,tf,deploy}/**/*.{tf,tfvars}",
    "{monitors,alerts,infra,infrastructure}/**/*.{yml,yaml,json}",
];

/// Names the files that could be adopted; a person is asked.
fn offer(desk: &Desk<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    let globs: Vec<String> = ADOPTABLE.iter().map(|&glob| glob.to_owned()).collect();
    let paths = desk
        .root
        .glob(&globs)
        .into_iter()
        .filter(|path| !adopt::is_foreign(path));
    let found: Vec<adopt::Found> = paths
        .filter_map(|path| adopt::read(desk, path).ok())
        .collect();
    let (proposals, _) = propose(
        &adopt::existing(&found),
        adopt::READERS,
        Ask::Formats,
        &BTreeSet::new(),
    );
    let mut paths: Vec<RepoPath> = proposals
        .into_iter()
        .flat_map(|it| it.files)
        .map(|(path, _)| path)
        .collect();
    paths.sort();
    if paths.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\nThese files are here already, and loom leaves them alone:"
    )?;
    paths
        .iter()
        .try_for_each(|path| writeln!(out, "  {path}"))?;
    let typed: Vec<String> = paths.iter().map(ToString::to_string).collect();
    out.flush()?;
    if env::has_person()
        && env::confirms("Declare and record them as they are, without touching them?")?
    {
        adopt::run(
            desk,
            &Adopt {
                paths: typed,
                kind: None,
            },
            out,
        )?;
        return Ok(());
    }
    let words: Vec<String> = typed.iter().map(|path| quoted(path)).collect();
    writeln!(
        out,
        "To declare and record them as they are, without touching them:\n  loom adopt {}",
        words.join(" ")
    )?;
    Ok(())
}

fn look(root: &Root) -> Look {
    let has = |path: &str| RepoPath::new(path).is_ok_and(|path| root.read_bytes(&path).is_ok());
    let directory = || name_from(&root.path().file_name()?.to_string_lossy());
    let project = declared_name(root)
        .or_else(directory)
        .unwrap_or_else(|| Name::new("project").expect("`project` is a name"));
    let mut services: Vec<Found> = Vec::new();
    for folder in ["apps", "services", "packages"] {
        let patterns: Vec<String> = TRACES
            .iter()
            .map(|(file, ..)| format!("{folder}/*/{file}"))
            .collect();
        for path in root.glob(&patterns) {
            let Some(parent) = path
                .parent()
                .filter(|parent| services.iter().all(|service| service.path != *parent))
            else {
                continue;
            };
            let Some(trace) = TRACES
                .iter()
                .find(|(file, ..)| has(&format!("{parent}/{file}")))
            else {
                continue;
            };
            let delivered = folder != "packages" || has(&format!("{parent}/Dockerfile"));
            let name = parent
                .rsplit('/')
                .next()
                .and_then(name_from)
                .filter(|_| delivered);
            let is_free = |name: &Name| services.iter().all(|service| service.name != *name);
            if let Some(name) = name.and_then(|name| {
                if is_free(&name) {
                    Some(name)
                } else {
                    name_from(parent).filter(is_free)
                }
            }) {
                services.push(Found {
                    name,
                    path: parent.to_owned(),
                    trace,
                });
            }
        }
    }
    let at_root = TRACES.iter().find(|(file, ..)| has(file));
    let trace = at_root
        .or(services.first().map(|service| service.trace))
        .unwrap_or(UNKNOWN);
    if services.is_empty() {
        services.push(Found {
            name: project.clone(),
            path: ".".to_owned(),
            trace,
        });
    }
    let on_github =
        !root.glob(&[".github/**".to_owned()]).is_empty() || remote_names(root, "github.com");
    let ci = match (
        on_github,
        has(".gitlab-ci.yml") || remote_names(root, "gitlab"),
    ) {
        (true, _) => Some("github-actions"),
        (false, true) => Some("gitlab-ci"),
        (false, false) => None,
    };
    let (_, runtime, manager, _) = *trace;
    Look {
        project,
        runtime,
        manager,
        ci,
        has_stack: has(".agent/loom/stack-config.json"),
        services,
    }
}

/// Where the manifest of a language says what it is called; the first that says it counts.
const NAMED: &[(&str, &dyn Format, &[&str])] = &[
    ("package.json", &Json, &["name"]),
    ("Cargo.toml", &Toml, &["package.name"]),
    (
        "pyproject.toml",
        &Toml,
        &["project.name", "tool.poetry.name"],
    ),
];

/// What the code at the root calls itself.
fn declared_name(root: &Root) -> Option<Name> {
    let read = |path: &str| root.read(&RepoPath::new(path).ok()?).ok();
    let in_manifest = |(path, format, keys): &(&str, &dyn Format, &[&str])| {
        let data = format.read(&read(path)?).ok()?;
        keys.iter().find_map(|key| package_name(&data, key))
    };
    NAMED
        .iter()
        .find_map(in_manifest)
        .or_else(|| module_name(&read("go.mod")?))
}

/// A name that stands at a key, without the scope of a package such as `@shop/api`.
fn package_name(data: &Data, key: &str) -> Option<Name> {
    let Form::Scalar(text) = &data.get(&key.parse().ok()?)?.form else {
        return None;
    };
    let text: String = serde_json::from_str(text).ok()?;
    name_from(text.rsplit('/').next().unwrap_or_default())
}

/// The last part of a Go module's path that is no version.
fn module_name(text: &str) -> Option<Name> {
    let path = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("module "))?;
    let path = path
        .split("//")
        .next()
        .unwrap_or_default()
        .trim()
        .trim_matches('"');
    let is_version = |part: &str| {
        part.strip_prefix('v')
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    path.rsplit('/')
        .find(|part| !is_version(part))
        .and_then(name_from)
}

/// Whether Git's configuration names a host.
fn remote_names(root: &Root, host: &str) -> bool {
    root.git_config().is_some_and(|text| {
        text.lines()
            .any(|line| line.trim_start().starts_with("url") && line.contains(host))
    })
}

/// A name out of any text: letters and digits kept, everything else a `-`.
fn name_from(text: &str) -> Option<Name> {
    let mapped: String = text
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let parts: Vec<&str> = mapped.split('-').filter(|part| !part.is_empty()).collect();
    let joined = parts.join("-");
    Name::new(joined.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-')).ok()
}

fn project_text(look: &Look) -> String {
    let mut text = vec!["loom: 1".to_owned(), format!("project: {}", look.project)];
    if !look.has_stack {
        text.extend(["stack:".to_owned(), format!("  runtime: {}", look.runtime)]);
        if !look.manager.is_empty() {
            text.push(format!("  packageManager: {}", look.manager));
        }
        text.extend(look.ci.map(|ci| format!("  infrastructure:\n    ci: {ci}")));
    }
    text.push(
        "\n# in order of promotion; the last one is production\nenvironments:\n  staging: {}\n  production: { approval: required }\n\nservices:"
            .to_owned(),
    );
    text.extend(
        look.services
            .iter()
            .map(|service| service_text(service, look)),
    );
    text.join("\n") + "\n"
}

/// A service: what is its own, and what its runtime needs said.
fn service_text(service: &Found, look: &Look) -> String {
    let Found { name, path, trace } = service;
    let (file, runtime, manager, port) = **trace;
    let mut text = vec![format!(
        "  {name}:\n    path: {path}\n    port: {port}\n    health: /health"
    )];
    // the packages of a workspace have a package.json each, whichever runtime the workspace has
    let of_workspace = file == "package.json" && matches!(look.runtime, "bun" | "node");
    if !look.has_stack && runtime != look.runtime && !of_workspace {
        text.push(format!("    runtime: {runtime}"));
        text.extend((!manager.is_empty()).then(|| format!("    packageManager: {manager}")));
    }
    if runtime == "python" {
        let module = name.as_str().replace('-', "_");
        text.push(
            "    # nothing in the repository tells how it is started: correct this".to_owned(),
        );
        text.push(format!(
            "    commands: {{ start: uvicorn {module}.main:app --host 0.0.0.0 --port {port} }}"
        ));
    }
    text.join("\n")
}

fn story_text(look: &Look, wishes: &[Wish]) -> String {
    let mut text = vec![format!(
        "story: LOOM-001\ntitle: Deliver {} by loom\nstatus: in_progress\ntasks:\n  - id: T-001\n    title: Build the images and write down how they are deployed\n    assignedTo: devops\n    artifacts:{}",
        look.project,
        if wishes.is_empty() { " []" } else { "" }
    )];
    for (kind, service) in wishes {
        text.push(format!(
            "      - {{ kind: {kind}, service: {} }}",
            look.services[*service].name
        ));
    }
    text.join("\n") + "\n"
}
