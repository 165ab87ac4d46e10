//! Compose files.

use super::super::{Document, Format, Rule};
use super::{expanded, fields, is_plain_secret, items, text, unpinned};
use crate::diag::Severity::{Error, Warning};
use crate::node::{Node, Value};

const FORMAT: Format = Format::Compose;

fn services(document: &Document) -> impl Iterator<Item = (&str, &Node)> {
    document
        .nodes
        .iter()
        .flat_map(|node| fields(node.get("services")))
}

pub(super) const PRIVILEGED: Rule = Rule {
    code: "LOOM1401",
    severity: Error,
    format: FORMAT,
    area: "non-root containers",
    title: "A service is privileged",
    reason: "a privileged container has the rights of the machine: whoever breaks into it has all of it",
    fix: "take `privileged: true` out, and add the one capability that is needed with `cap_add`",
    bad: "services:\n  api:\n    image: api:1.4.2\n    privileged: true\n",
    good: "services:\n  api:\n    image: api:1.4.2\n    cap_add: [NET_ADMIN]\n",
    look: |document, hits| {
        for (name, service) in services(document) {
            let privileged = service.get("privileged");
            let is_true = |it: &&Node| it.scalar_text().as_deref() == Some("true");
            if let Some(node) = privileged.filter(is_true) {
                hits.add(node.span, format!("the service `{name}` is privileged"));
            }
            for node in items(service.get("cap_add")) {
                let capability = node.as_str().unwrap_or_default().to_ascii_uppercase();
                if matches!(capability.trim_start_matches("CAP_"), "ALL" | "SYS_ADMIN") {
                    hits.add(
                        node.span,
                        format!("the service `{name}` has the capability `{capability}`, which is as good as privileged"),
                    );
                }
            }
        }
    },
};

/// The sockets of programs that run containers.
const SOCKETS: &[&str] = &[
    "docker.sock",
    "podman.sock",
    "containerd.sock",
    "crio.sock",
    "buildkitd.sock",
    "pipe/docker_engine",
];
/// Directories of a machine in which such a socket is.
const ABOVE_SOCKETS: &[&str] = &[
    "",
    "/var",
    "/run",
    "/var/run",
    "/run/podman",
    "/var/run/podman",
    "/run/containerd",
    "/var/run/containerd",
    "/run/crio",
    "/var/run/crio",
    "/run/docker",
    "/var/run/docker",
];

/// What a mount gives away, where that is the program that runs containers.
fn runtime_of(mount: &str) -> Option<&'static str> {
    let mount = mount.replace('\\', "/").to_ascii_lowercase();
    if SOCKETS.iter().any(|socket| mount.contains(socket)) {
        return Some("the socket of the program that runs containers");
    }
    let source = mount.split(':').next().unwrap_or_default();
    if !source.starts_with('/') {
        return None;
    }
    let mut steps: Vec<&str> = Vec::new();
    for step in source.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    let source = if steps.is_empty() {
        String::new()
    } else {
        format!("/{}", steps.join("/"))
    };
    ABOVE_SOCKETS
        .contains(&source.as_str())
        .then_some("the directory with the socket of the program that runs containers")
}

pub(super) const DOCKER_SOCKET: Rule = Rule {
    code: "LOOM1402",
    severity: Error,
    format: FORMAT,
    area: "network exposure",
    title: "A service has the socket of Docker",
    reason: "whoever has that socket starts containers that mount the whole machine",
    fix: "take the mount out, or put a proxy before the socket that allows only what is needed",
    bad: "services:\n  proxy:\n    image: proxy:1.4.2\n    volumes:\n      - /var/run/docker.sock:/var/run/docker.sock\n",
    good: "services:\n  proxy:\n    image: proxy:1.4.2\n    volumes:\n      - ./proxy.toml:/etc/proxy.toml:ro\n",
    look: |document, hits| {
        for (name, service) in services(document) {
            for node in items(service.get("volumes")) {
                let source = match node.as_str() {
                    // `${SOCKET:-/var/run/docker.sock}:/x` has colons of its own
                    Some(mount) => Some(expanded(mount, &|_| None)),
                    None => text(node, "source").map(|source| expanded(source, &|_| None)),
                };
                if let Some(what) = source.as_deref().and_then(runtime_of) {
                    hits.add(node.span, format!("the service `{name}` has {what}"));
                }
            }
        }
        for (name, volume) in document
            .nodes
            .iter()
            .flat_map(|node| fields(node.get("volumes")))
        {
            let device = volume.at(&["driver_opts", "device"]);
            let what = device
                .and_then(Node::as_str)
                .and_then(|it| runtime_of(&expanded(it, &|_| None)));
            if let (Some(node), Some(what)) = (device, what) {
                hits.add(node.span, format!("the volume `{name}` is {what}"));
            }
        }
    },
};

pub(super) const UNPINNED_IMAGE: Rule = Rule {
    code: "LOOM1403",
    severity: Error,
    format: FORMAT,
    area: "pinned images and actions",
    title: "A service runs an image without a fixed version",
    reason: "every machine runs what was newest on the day it pulled, and no two are the same",
    fix: "name the image by a full version or by its digest",
    bad: "services:\n  db:\n    image: postgres\n",
    good: "services:\n  db:\n    image: postgres:15.4\n",
    look: |document, hits| {
        // what is built here is pinned by the commit
        for (_, service) in services(document).filter(|(_, service)| service.get("build").is_none())
        {
            if let Some((node, what)) = service
                .get("image")
                .and_then(|node| Some((node, unpinned(node.as_str()?)?)))
            {
                hits.add(node.span, what);
            }
        }
    },
};

/// The ports of databases and caches.
const DATABASES: &[&str] = &[
    "1433", "1521", "3306", "5432", "5984", "6379", "7000", "8086", "9042", "9200", "11211",
    "27017",
];

/// Whether a port, or a range of them, has one of a database in it.
fn is_of_database(target: &str) -> bool {
    let number = |text: &str| text.trim().parse::<u32>().ok();
    let (first, last) = target.split_once('-').unwrap_or((target, target));
    let (Some(first), Some(last)) = (number(first), number(last)) else {
        return false;
    };
    let mut ports = DATABASES.iter().filter_map(|port| number(port));
    ports.any(|port| (first..=last).contains(&port))
}

/// Whether a port is published on every address of the machine, and which it is in the container.
fn published(port: &Node) -> Option<String> {
    if let Value::Map(_) = port.value {
        let target = port.get("target")?.scalar_text()?.into_owned();
        let bound = text(port, "host_ip").is_some_and(|it| it.starts_with("127.") || it == "::1");
        return (port.get("published").is_some() && !bound).then_some(target);
    }
    let text = expanded(&port.scalar_text()?, &|_| None);
    let parts: Vec<&str> = text.split('/').next()?.rsplitn(3, ':').collect();
    match parts.as_slice() {
        [target, _] => Some((*target).to_owned()),
        [target, _, address] if !address.starts_with("127.") && *address != "[::1]" => {
            Some((*target).to_owned())
        }
        _ => None,
    }
}

pub(super) const PUBLIC_DATABASE: Rule = Rule {
    code: "LOOM1404",
    severity: Error,
    format: FORMAT,
    area: "public databases",
    title: "A database can be reached from outside",
    reason: "Docker opens the port on every address of the machine, past most firewalls; such databases are found within hours",
    fix: "take `ports:` out, since services of one network reach each other without, or bind it to 127.0.0.1",
    bad: "services:\n  db:\n    image: postgres:15.4\n    ports:\n      - \"5432:5432\"\n",
    good: "services:\n  db:\n    image: postgres:15.4\n    ports:\n      - \"127.0.0.1:5432:5432\"\n",
    look: |document, hits| {
        for (name, service) in services(document) {
            for port in items(service.get("ports")) {
                if let Some(target) = published(port).filter(|target| is_of_database(target)) {
                    hits.add(
                        port.span,
                        format!(
                            "the service `{name}` opens the database port {target} to everybody"
                        ),
                    );
                }
            }
        }
    },
};

pub(super) const PLAIN_SECRET: Rule = Rule {
    code: "LOOM1405",
    severity: Error,
    format: FORMAT,
    area: "secrets management",
    title: "A secret is a plain variable",
    reason: "everybody who can read the repository, now or later, has the value",
    fix: "take `secrets:` of Compose, or a variable from the environment: `${DB_PASSWORD:?}`",
    bad: "services:\n  api:\n    image: api:1.4.2\n    environment:\n      DB_PASSWORD: hunter-2-hunter\n",
    good: "services:\n  api:\n    image: api:1.4.2\n    environment:\n      DB_PASSWORD: ${DB_PASSWORD:?set it in .env}\n",
    look: |document, hits| {
        for (name, service) in services(document) {
            let places = [service.get("environment"), service.at(&["build", "args"])];
            for settings in places.into_iter().flatten() {
                let of_map = fields(Some(settings))
                    .filter_map(|(key, node)| Some((key, node.scalar_text()?.into_owned(), node)));
                let list = settings.as_seq().unwrap_or_default().iter();
                let of_list = list.filter_map(|node| {
                    let (key, value) = node.as_str()?.split_once('=')?;
                    Some((key, value.to_owned(), node))
                });
                for (key, _, node) in of_map
                    .chain(of_list)
                    .filter(|(key, value, _)| is_plain_secret(key, value))
                {
                    hits.add(
                        node.span,
                        format!("the service `{name}` has the value of `{key}` in plain text"),
                    );
                }
            }
        }
    },
};

pub(super) const NO_HEALTHCHECK: Rule = Rule {
    code: "LOOM1406",
    severity: Warning,
    format: FORMAT,
    area: "health checks",
    title: "Nobody asks a service whether it is well",
    reason: "what depends on it starts too early, and one that hangs is never started again",
    fix: "write a `healthcheck:`, or a `HEALTHCHECK` in the image that is built here",
    bad: "services:\n  api:\n    image: api:1.4.2\n    ports:\n      - \"3000:3000\"\n",
    good: "services:\n  api:\n    image: api:1.4.2\n    ports:\n      - \"3000:3000\"\n    healthcheck:\n      test: [CMD, api, health]\n",
    look: |document, hits| {
        for (name, service) in
            services(document).filter(|(_, service)| service.get("build").is_none())
        {
            if service.get("ports").is_some() && service.get("healthcheck").is_none() {
                hits.lacks(
                    service.span,
                    format!("the service `{name}` has no `healthcheck`"),
                );
            }
        }
    },
};

pub(super) const NO_LIMITS: Rule = Rule {
    code: "LOOM1407",
    severity: Warning,
    format: FORMAT,
    area: "resource limits",
    title: "A service that runs for long may take all memory of the machine",
    reason: "one leak takes the neighbours down with it",
    fix: "write `deploy.resources.limits.memory`, or `mem_limit`",
    bad: "services:\n  api:\n    image: api:1.4.2\n    restart: always\n",
    good: "services:\n  api:\n    image: api:1.4.2\n    restart: always\n    deploy:\n      resources:\n        limits:\n          memory: 256M\n",
    look: |document, hits| {
        // what is not started again by itself is on somebody's own machine
        let runs = |service: &Node| text(service, "restart").is_some_and(|it| it != "no");
        for (name, service) in services(document).filter(|(_, service)| runs(service)) {
            let limit = service
                .at(&["deploy", "resources", "limits", "memory"])
                .or_else(|| service.get("mem_limit"));
            if limit.is_none() && service.get("extends").is_none() {
                hits.lacks(
                    service.span,
                    format!("the service `{name}` has no limit of its memory"),
                );
            }
        }
    },
};

pub(super) const HOST_NETWORK: Rule = Rule {
    code: "LOOM1408",
    severity: Error,
    format: FORMAT,
    area: "network exposure",
    title: "A service shares the network or the processes of the machine",
    reason: "every port that it opens is open on the machine, and it reaches what listens on 127.0.0.1 there",
    fix: "take `network_mode: host` and `pid: host` out, and publish the one port that is needed",
    bad: "services:\n  api:\n    image: api:1.4.2\n    network_mode: host\n",
    good: "services:\n  api:\n    image: api:1.4.2\n    ports:\n      - \"3000:3000\"\n",
    look: |document, hits| {
        for (name, service) in services(document) {
            for key in ["network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup"] {
                if let Some(node) = service.get(key).filter(|it| it.as_str() == Some("host")) {
                    hits.add(node.span, format!("the service `{name}` has `{key}: host`"));
                }
            }
        }
    },
};
