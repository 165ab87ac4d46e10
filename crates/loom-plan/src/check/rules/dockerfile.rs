//! Dockerfiles: instructions in their order, each with `Cmd`, `Flags`, `Value` and `Stage`.

use super::super::{Document, Format, Hits, Rule};
use super::{expanded, is_plain_secret, items, shell, text, unpinned};
use crate::diag::Severity::{Error, Warning};
use crate::node::Node;

const FORMAT: Format = Format::Dockerfile;

fn instructions(document: &Document) -> impl DoubleEndedIterator<Item = &Node> {
    document.nodes.iter().flat_map(|node| items(Some(node)))
}

fn of<'a>(document: &'a Document, command: &'a str) -> impl DoubleEndedIterator<Item = &'a Node> {
    instructions(document).filter(move |it| text(it, "Cmd") == Some(command))
}

fn stage(instruction: &Node) -> i64 {
    instruction
        .get("Stage")
        .and_then(Node::as_integer)
        .unwrap_or(0)
}

fn words(instruction: &Node) -> Vec<&str> {
    items(instruction.get("Value"))
        .iter()
        .filter_map(Node::as_str)
        .collect()
}

/// The value of a variable of the build: by default, or as `ENV` sets it. `FROM` sees those before the
/// first stage alone.
fn variable<'a>(document: &'a Document, name: &str, in_stage: Option<i64>) -> Option<&'a str> {
    let is_seen = |it: &&Node| {
        let is_before = is_before_stages(document, it);
        match in_stage {
            None => is_before,
            Some(wanted) => !is_before && stage(it) == wanted,
        }
    };
    let settings = instructions(document)
        .filter(|it| matches!(text(it, "Cmd"), Some("arg" | "env")))
        .filter(is_seen);
    let words = settings.flat_map(words);
    let (mut found, mut is_declared) = (None, false);
    for word in words {
        match word.split_once('=') {
            Some((it, value)) if it == name => found = Some(value.trim_matches(['"', '\''])),
            None if word == name => is_declared = true,
            Some(_) | None => {}
        }
    }
    // `ARG NAME` in a stage takes the value from before the first one
    found.or_else(|| {
        let is_passed_on = in_stage.is_some() && is_declared;
        is_passed_on
            .then(|| variable(document, name, None))
            .flatten()
    })
}

/// Whether an instruction stands before the first `FROM`.
fn is_before_stages(document: &Document, instruction: &Node) -> bool {
    let first = of(document, "from").next();
    first.is_none_or(|first| instruction.span.start < first.span.start)
}

/// The image that a stage begins from, as far as that is known.
fn base(document: &Document, from: &Node) -> String {
    let written = words(from).first().copied().unwrap_or_default();
    expanded(written, &|name| variable(document, name, None))
}

/// Who the image runs as, as far as that is known.
fn user(document: &Document, instruction: &Node) -> String {
    let written = words(instruction).first().copied().unwrap_or_default();
    let of_stages = |name: &str| {
        let mut stages = last_stages(document).into_iter();
        stages.find_map(|from| variable(document, name, Some(stage(from))))
    };
    expanded(written.trim_matches(['"', '\'']), &of_stages)
}

/// Whether a user is root, by name or by number.
fn is_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or_default().trim();
    let number = name.trim_start_matches('+');
    name.eq_ignore_ascii_case("root")
        || !number.is_empty() && number.bytes().all(|digit| digit == b'0')
}

/// The stages that make up the image, the last one first: each begins `FROM` the one behind it.
fn last_stages(document: &Document) -> Vec<&Node> {
    let mut stages: Vec<&Node> = of(document, "from").next_back().into_iter().collect();
    while let Some(base) = stages.last().and_then(|from| words(from).first().copied()) {
        let later = stages.last().map_or(0, |from| stage(from));
        let named = |from: &&Node| {
            words(from)
                .get(2)
                .is_some_and(|name| name.eq_ignore_ascii_case(base))
        };
        match of(document, "from")
            .rev()
            .filter(|from| stage(from) < later)
            .find(named)
        {
            Some(from) => stages.push(from),
            None => break,
        }
    }
    stages
}

/// The last instruction of a kind that holds for the image.
fn in_force<'a>(document: &'a Document, command: &'a str) -> Option<&'a Node> {
    let stages = last_stages(document);
    stages.iter().find_map(|from| {
        of(document, command)
            .rev()
            .find(|it| stage(it) == stage(from))
    })
}

pub(super) const ROOT: Rule = Rule {
    code: "LOOM1301",
    severity: Error,
    format: FORMAT,
    area: "non-root containers",
    title: "The image runs as root",
    reason: "root in a container is root on the machine as soon as one hole in the kernel or the runtime is found",
    fix: "write `USER` with a number that is not 0 after the last `COPY`",
    bad: "FROM node:22.20.0-slim\nHEALTHCHECK CMD [\"node\", \"health.js\"]\nCMD [\"node\", \"server.js\"]\n",
    good: "FROM node:22.20.0-slim\nUSER 10001:10001\nHEALTHCHECK CMD [\"node\", \"health.js\"]\nCMD [\"node\", \"server.js\"]\n",
    look: |document, hits| {
        let Some(from) = of(document, "from").next_back() else {
            return;
        };
        let base = base(document, from);
        // an image that says so by its name brings its user along
        let nonroot = last_stages(document)
            .last()
            .is_some_and(|from| self::base(document, from).contains("nonroot"));
        match in_force(document, "user") {
            Some(instruction) => {
                let who = user(document, instruction);
                if is_root(&who) {
                    hits.add(instruction.span, format!("the image runs as `{who}`"));
                }
            }
            None if nonroot
                || base == "scratch"
                    && of(document, "cmd")
                        .chain(of(document, "entrypoint"))
                        .next()
                        .is_none() => {}
            None => hits.lacks(
                from.span,
                "the image has no `USER`, and runs as root unless its base says otherwise",
            ),
        }
    },
};

pub(super) const UNPINNED_IMAGE: Rule = Rule {
    code: "LOOM1302",
    severity: Error,
    format: FORMAT,
    area: "pinned images and actions",
    title: "The image is built on one without a fixed version",
    reason: "the same commit builds another image tomorrow, with whatever the base has become",
    fix: "name the base by a full version, or by its digest; `pins:` in loom.yaml sets the built-in ones",
    bad: "FROM node:latest\nUSER 10001\nHEALTHCHECK CMD [\"node\", \"health.js\"]\n",
    good: "FROM node:22.20.0-slim\nUSER 10001\nHEALTHCHECK CMD [\"node\", \"health.js\"]\n",
    look: |document, hits| {
        let stages: Vec<&str> = of(document, "from")
            .filter_map(|from| words(from).get(2).copied())
            .collect();
        for from in of(document, "from") {
            let base = base(document, from);
            let is_stage = stages.iter().any(|stage| stage.eq_ignore_ascii_case(&base));
            if let Some(what) = unpinned(&base).filter(|_| !is_stage) {
                hits.add(from.span, what);
            }
        }
    },
};

pub(super) const SECRET: Rule = Rule {
    code: "LOOM1303",
    severity: Error,
    format: FORMAT,
    area: "secrets management",
    title: "A secret becomes part of the image",
    reason: "`docker history` shows the value of every `ENV` and `ARG` to everybody who can pull the image",
    fix: "take `RUN --mount=type=secret` while building, and the environment of the container while running",
    bad: "FROM node:22.20.0-slim\nENV NPM_TOKEN=a-value-in-a-layer\nUSER 10001\nHEALTHCHECK CMD [\"node\", \"health.js\"]\n",
    good: "FROM node:22.20.0-slim\nRUN --mount=type=secret,id=npm,env=NPM_TOKEN npm ci\nUSER 10001\nHEALTHCHECK CMD [\"node\", \"health.js\"]\n",
    look: |document, hits| {
        for instruction in of(document, "env").chain(of(document, "arg")) {
            for word in words(instruction) {
                let Some((name, value)) = word.split_once('=') else {
                    continue;
                };
                if is_plain_secret(name, value.trim_matches(['"', '\''])) {
                    hits.add(
                        instruction.span,
                        format!("the image holds the value of `{name}`"),
                    );
                }
            }
        }
    },
};

pub(super) const NO_HEALTHCHECK: Rule = Rule {
    code: "LOOM1304",
    severity: Warning,
    format: FORMAT,
    area: "health checks",
    title: "Nobody asks the container whether it is well",
    reason: "Docker and Compose take a container that hangs for one that runs",
    fix: "write a `HEALTHCHECK` that asks the health path; where the image is no service, `HEALTHCHECK NONE`",
    bad: "FROM node:22.20.0-slim\nUSER 10001\nEXPOSE 3000\nCMD [\"node\", \"server.js\"]\n",
    good: ROOT.good,
    look: |document, hits| {
        // what opens no port answers nobody
        if let (Some(port), None) = (
            in_force(document, "expose"),
            in_force(document, "healthcheck"),
        ) {
            hits.lacks(port.span, "the image opens a port and has no `HEALTHCHECK`");
        }
    },
};

pub(super) const REMOTE_ADD: Rule = Rule {
    code: "LOOM1305",
    severity: Warning,
    format: FORMAT,
    area: "pinned images and actions",
    title: "A file from the network goes into the image unseen",
    reason: "what the address gives tomorrow may be something else, and nothing notices",
    fix: "write `ADD --checksum=sha256:…`",
    bad: "FROM node:22.20.0-slim\nADD https://example.com/tool.tar.gz /opt/\nUSER 10001\n",
    good: "FROM node:22.20.0-slim\nADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/tool.tar.gz /opt/\nUSER 10001\n",
    look: |document, hits| {
        for add in of(document, "add") {
            let checked = items(add.get("Flags"))
                .iter()
                .any(|flag| flag.as_str().is_some_and(|it| it.starts_with("--checksum")));
            if !checked
                && words(add).iter().any(|word| {
                    let word = expanded(word, &|name| {
                        variable(document, name, Some(stage(add)))
                            .or_else(|| variable(document, name, None))
                    });
                    let word = word.trim_matches(['"', '\'']).to_ascii_lowercase();
                    ["http://", "https://", "git@"]
                        .iter()
                        .any(|it| word.starts_with(it))
                })
            {
                hits.add(
                    add.span,
                    "`ADD` takes a file from the network without a checksum",
                );
            }
        }
    },
};

pub(super) const PIPED_SCRIPT: Rule = Rule {
    code: "LOOM1306",
    severity: Warning,
    format: FORMAT,
    area: "pinned images and actions",
    title: "A script from the network is run unseen",
    reason: "whoever controls the address, or the connection, runs what they like in your image",
    fix: "fetch the file, check its hash, and run it then; or take a package of a fixed version",
    bad: "FROM node:22.20.0-slim\nRUN curl -fsSL https://example.com/install.sh | sh\nUSER 10001\n",
    good: "FROM node:22.20.0-slim\nRUN npm install --global tool@1.4.2\nUSER 10001\n",
    look: |document, hits: &mut Hits| {
        for run in of(document, "run") {
            let fetched = shell::runs_from_network(&words(run).join(" "));
            if fetched {
                hits.add(run.span, "a script is fetched and run in one go");
            }
        }
    },
};
