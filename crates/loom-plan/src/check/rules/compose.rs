//! Compose files.

use super::super::{Document, Format, Rule};
use super::{fields, is_plain_secret, items, text, unpinned};
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
            if let Some(node) = service
                .get("privileged")
                .filter(|it| it.as_bool() == Some(true))
            {
                hits.add(node.span, format!("the service `{name}` is privileged"));
            }
        }
    },
};

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
                if node
                    .as_str()
                    .or_else(|| text(node, "source"))
                    .is_some_and(|it| it.contains("docker.sock"))
                {
                    hits.add(
                        node.span,
                        format!("the service `{name}` has the socket of Docker"),
                    );
                }
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

/// Whether a port is published on every address of the machine, and which it is in the container.
fn published(port: &Node) -> Option<String> {
    if let Value::Map(_) = port.value {
        let target = port.get("target")?.scalar_text()?.into_owned();
        let bound = text(port, "host_ip").is_some_and(|it| it.starts_with("127.") || it == "::1");
        return (port.get("published").is_some() && !bound).then_some(target);
    }
    let text = port.scalar_text()?;
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
                if let Some(target) =
                    published(port).filter(|target| DATABASES.contains(&target.as_str()))
                {
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
            let environment = service.get("environment");
            let of_map = fields(environment)
                .filter_map(|(key, node)| Some((key, node.scalar_text()?.into_owned(), node)));
            let list = environment
                .and_then(Node::as_seq)
                .unwrap_or_default()
                .iter();
            let of_list = list.filter_map(|node| {
                node.as_str()?
                    .split_once('=')
                    .map(|(key, value)| (key, value.to_owned(), node))
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
                hits.add(
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
                hits.add(
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
            for key in ["network_mode", "pid", "ipc"] {
                if let Some(node) = service.get(key).filter(|it| it.as_str() == Some("host")) {
                    hits.add(node.span, format!("the service `{name}` has `{key}: host`"));
                }
            }
        }
    },
};
