//! Workflows of GitHub Actions.
// tidy: long because it is a list of cases

use super::super::{Document, Format, Hits, Rule};
use super::expression::{expressions, passed_on};
use super::{fields, items, shell, text, unpinned, walk};
use crate::diag::Severity::{Error, Warning};
use crate::node::Node;

const FORMAT: Format = Format::Workflow;

/// The jobs, with their names.
fn jobs(document: &Document) -> impl Iterator<Item = (&str, &Node)> {
    document
        .nodes
        .iter()
        .flat_map(|node| fields(node.get("jobs")))
}

/// The steps of all jobs.
fn steps(document: &Document) -> impl Iterator<Item = &Node> {
    jobs(document).flat_map(|(_, job)| items(job.get("steps")))
}

/// Every `uses`, of steps and of jobs.
fn uses(document: &Document) -> impl Iterator<Item = &Node> {
    steps(document)
        .chain(jobs(document).map(|(_, job)| job))
        .filter_map(|it| it.get("uses"))
}

/// Whether an action of somebody else is named by something that can move.
fn moves(uses: &str) -> bool {
    // `$/` is the repository and the commit of the workflow itself
    if uses.starts_with("./") || uses.starts_with("$/") {
        return false;
    }
    if let Some(image) = uses.strip_prefix("docker://") {
        return !image.contains("@sha256:");
    }
    let commit = uses.rsplit_once('@').map_or("", |(_, reference)| reference);
    commit.len() != 40 || !commit.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn unpinned_actions(document: &Document, hits: &mut Hits, of_github: bool) {
    for node in uses(document) {
        let Some(uses) = node.as_str() else { continue };
        let own = uses.starts_with("actions/") || uses.starts_with("github/");
        if own == of_github && moves(uses) {
            hits.add(
                node.span,
                format!("the action `{uses}` is not named by a full commit hash"),
            );
        }
    }
}

pub(super) const UNPINNED_ACTION: Rule = Rule {
    code: "LOOM1101",
    severity: Error,
    format: FORMAT,
    area: "pinned images and actions",
    title: "An action is named by a tag or a branch",
    reason: "whoever can move the tag runs code of their own with the rights and the secrets of the workflow",
    fix: "name the action by the full hash of a commit, with the version as a comment behind it",
    bad: "on: push\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    steps:\n      - uses: oven-sh/setup-bun@v2\n",
    good: "on: push\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    steps:\n      - uses: oven-sh/setup-bun@0c5077e51419868618aeaa5fe8019c62421857d6 # v2.2.0\n",
    look: |document, hits| unpinned_actions(document, hits, false),
};

pub(super) const UNPINNED_OWN_ACTION: Rule = Rule {
    code: "LOOM1102",
    severity: Warning,
    title: "An action of GitHub's own is named by a tag or a branch",
    reason: "a tag can be moved, also by whoever takes over an account at GitHub; a commit hash cannot",
    bad: "on: push\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    steps:\n      - uses: actions/setup-node@v4\n",
    good: "on: push\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    steps:\n      - uses: actions/setup-node@49933ea5288caeca8642d1e84afbd3f7d6820020 # v4.4.0\n",
    look: |document, hits| unpinned_actions(document, hits, true),
    ..UNPINNED_ACTION
};

/// So many permissions to write are as good as all.
const NEARLY_ALL: usize = 7;

pub(super) const WRITE_ALL: Rule = Rule {
    code: "LOOM1103",
    severity: Error,
    format: FORMAT,
    area: "least-privilege IAM",
    title: "A job may write everything",
    reason: "with `write-all` every step, and every action that it uses, can push code, publish packages and change settings",
    fix: "take `permissions: { contents: read }`, and give the one job that needs more just that",
    bad: "on: push\npermissions: write-all\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    steps:\n      - run: make test\n",
    good: "on: push\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    steps:\n      - run: make test\n",
    look: |document, hits| {
        for node in document
            .nodes
            .iter()
            .chain(jobs(document).map(|(_, job)| job))
        {
            if let Some(permissions) = node
                .get("permissions")
                .filter(|it| it.as_str() == Some("write-all"))
            {
                hits.add(
                    permissions.span,
                    "`permissions: write-all` lets every step write everything",
                );
            }
            let scopes = fields(node.get("permissions"));
            let written = scopes
                .filter(|(_, right)| right.as_str() == Some("write"))
                .count();
            if let Some(permissions) = node.get("permissions").filter(|_| written >= NEARLY_ALL) {
                hits.add(
                    permissions.span,
                    format!("the permissions to write {written} things are nearly `write-all`"),
                );
            }
        }
    },
};

pub(super) const NO_PERMISSIONS: Rule = Rule {
    code: "LOOM1104",
    severity: Warning,
    format: FORMAT,
    area: "least-privilege IAM",
    title: "A job does not say what it may do",
    reason: "without `permissions` the job has those that the repository's settings give, which may be all",
    fix: "write `permissions: { contents: read }` at the top of the workflow",
    bad: "on: push\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    steps:\n      - run: make test\n",
    good: WRITE_ALL.good,
    look: |document, hits| {
        let whole = document.nodes.iter().any(|node| {
            node.as_map()
                .is_some_and(|map| map.get("permissions").is_some())
        });
        for (name, job) in jobs(document).filter(|_| !whole) {
            if job
                .as_map()
                .is_some_and(|map| map.get("permissions").is_none())
            {
                hits.lacks(
                    job.span,
                    format!("the job `{name}` has no `permissions`, and neither has the workflow"),
                );
            }
        }
    },
};

/// Values that somebody from outside writes; `*` is any entry, and what stands below one is foreign too.
const FOREIGN: &[&str] = &[
    "github.event.issue.title",
    "github.event.issue.body",
    "github.event.pull_request.title",
    "github.event.pull_request.body",
    "github.event.pull_request.head.ref",
    "github.event.pull_request.head.label",
    "github.event.pull_request.head.repo.default_branch",
    "github.event.pull_request.head.repo.description",
    "github.event.pull_request.head.repo.homepage",
    "github.event.comment.body",
    "github.event.review.body",
    "github.event.review_comment.body",
    "github.event.discussion.title",
    "github.event.discussion.body",
    "github.event.head_commit.message",
    "github.event.head_commit.author",
    "github.event.head_commit.committer",
    "github.event.merge_group.head_commit.message",
    "github.event.commits",
    "github.event.pages",
    "github.event.changes",
    "github.event.client_payload",
    "github.event.workflow_run.head_branch",
    "github.event.workflow_run.display_title",
    "github.event.workflow_run.head_commit.message",
    "github.event.workflow_run.head_commit.author",
    "github.event.workflow_run.pull_requests",
    "github.head_ref",
    "github.event.inputs",
    "inputs",
];

/// Whether a path is a foreign value, holds one, or is part of one.
fn is_foreign(path: &str) -> bool {
    let is_below = |below: &str, above: &str| {
        let (mut below, mut above) = (below.split('.'), above.split('.'));
        above.all(|step| {
            below
                .next()
                .is_some_and(|it| it == step || it == "*" || step == "*")
        })
    };
    // `inputs` alone, and numbers and hashes of events, are no text of anybody
    FOREIGN
        .iter()
        .any(|foreign| is_below(path, foreign) || is_below(foreign, path))
}

/// The environment and the outputs of steps that pass a foreign value on.
struct Tainted {
    environment: Vec<String>,
    steps: Vec<String>,
}

impl Tainted {
    fn of(document: &Document) -> Self {
        let whole = document.nodes.iter();
        let scopes = whole
            .chain(jobs(document).map(|(_, job)| job))
            .chain(steps(document));
        let mut environment = Vec::new();
        for (name, node) in scopes.flat_map(|scope| fields(scope.get("env"))) {
            if passes_foreign(node) {
                environment.push(format!("env.{}", name.to_ascii_lowercase()));
            }
        }
        let writes = |step: &&Node| {
            let run = text(step, "run").unwrap_or_default();
            let is_output = run.contains("GITHUB_OUTPUT") || run.contains("::set-output");
            is_output && fields(step.get("env")).any(|(_, node)| passes_foreign(node))
        };
        let ids = steps(document)
            .filter(writes)
            .filter_map(|step| text(step, "id"));
        Self {
            environment,
            steps: ids
                .map(|id| format!("steps.{}.outputs", id.to_ascii_lowercase()))
                .collect(),
        }
    }

    fn holds(&self, path: &str) -> bool {
        self.environment.iter().any(|name| name == path)
            || self
                .steps
                .iter()
                .any(|outputs| path.starts_with(outputs.as_str()))
    }
}

/// Whether a value passes on what somebody from outside wrote.
fn passes_foreign(node: &Node) -> bool {
    let all = node.as_str().into_iter().flat_map(expressions);
    all.flat_map(passed_on).any(|path| is_foreign(&path))
}

/// The settings of actions that are run as a script.
const SCRIPTS: &[&str] = &[
    "script",
    "inlinescript",
    "inline-script",
    "inline_script",
    "run",
    "cmd",
    "command",
];

/// Everything that a shell, or a program, gets to run.
fn scripts(document: &Document) -> impl Iterator<Item = &Node> {
    let whole = document
        .nodes
        .iter()
        .chain(jobs(document).map(|(_, job)| job));
    let shells = whole.filter_map(|node| node.at(&["defaults", "run", "shell"]));
    let of_steps = steps(document).flat_map(|step| {
        let given = fields(step.get("with"))
            .filter(|(key, _)| SCRIPTS.contains(&key.to_ascii_lowercase().as_str()))
            .map(|(_, node)| node);
        [step.get("run"), step.get("shell")]
            .into_iter()
            .flatten()
            .chain(given)
    });
    shells.chain(of_steps)
}

pub(super) const INJECTION: Rule = Rule {
    code: "LOOM1105",
    severity: Error,
    format: FORMAT,
    area: "least-privilege IAM",
    title: "Text from outside becomes part of a script",
    reason: "GitHub puts the value into the script before the shell reads it: a title with `$(…)` in it is run",
    fix: "pass the value through `env:` and write it as a quoted variable of the shell",
    bad: "on: pull_request\npermissions:\n  contents: read\njobs:\n  greet:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    steps:\n      - run: echo \"${{ github.event.pull_request.title }}\"\n",
    good: "on: pull_request\npermissions:\n  contents: read\njobs:\n  greet:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    steps:\n      - env:\n          TITLE: ${{ github.event.pull_request.title }}\n        run: echo \"$TITLE\"\n",
    look: |document, hits| {
        let tainted = Tainted::of(document);
        for node in scripts(document) {
            for expression in node.as_str().into_iter().flat_map(expressions) {
                let paths = passed_on(expression);
                if paths
                    .iter()
                    .any(|path| is_foreign(path) || tainted.holds(path))
                {
                    hits.add(
                        node.span,
                        format!("`{expression}` is written into a script"),
                    );
                }
            }
        }
    },
};

/// Whether a workflow runs on an event, however `on` is written.
fn runs_on(document: &Document, event: &str) -> bool {
    let on = |node: &Node| {
        let on = node.get("on").or_else(|| node.get("true"))?;
        let named = items(Some(on)).iter().any(|it| it.as_str() == Some(event));
        Some(named || on.as_map().is_some_and(|map| map.get(event).is_some()))
    };
    document.nodes.iter().filter_map(on).any(|found| found)
}

/// Events that have the secrets of the repository, and are set off by anybody.
const WITH_SECRETS: &[&str] = &["pull_request_target", "workflow_run", "issue_comment"];

/// Whether a step checks files out.
fn is_checkout(step: &Node) -> bool {
    let uses = text(step, "uses").unwrap_or_default().to_ascii_lowercase();
    uses.starts_with("actions/checkout@")
}

/// Whether a reference is that of a pull request, by its head or by its number.
fn names_request(node: &Node) -> bool {
    let said = node.as_str().unwrap_or_default();
    let by_number = said.contains("refs/pull/") || said.starts_with("pull/");
    by_number
        || expressions(said).flat_map(passed_on).any(|path| {
            let foreign = [
                "github.event.pull_request.head",
                "github.event.pull_request.merge_commit_sha",
                "github.event.workflow_run.head",
                "github.head_ref",
            ];
            foreign.iter().any(|it| path.starts_with(it))
        })
}

/// Whether a script fetches a pull request itself.
fn fetches_request(script: &str) -> bool {
    let script = script.split_whitespace().collect::<Vec<_>>().join(" ");
    let by_git = ["git fetch", "git pull", "git clone", "git checkout"];
    script.contains("gh pr checkout")
        || by_git.iter().any(|git| script.contains(git))
            && (script.contains("pull/") || script.contains("refs/pull"))
}

pub(super) const UNTRUSTED_CHECKOUT: Rule = Rule {
    code: "LOOM1106",
    severity: Error,
    format: FORMAT,
    area: "secrets management",
    title: "Code of a foreign pull request runs with the repository's secrets",
    reason: "`pull_request_target` and `workflow_run` have secrets and a token that may write; what they check out, anybody can have written",
    fix: "take `on: pull_request`, which has no secrets, or do not check out the head of the pull request",
    bad: "on: pull_request_target\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    steps:\n      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1\n        with:\n          ref: ${{ github.event.pull_request.head.sha }}\n          persist-credentials: false\n",
    good: "on: pull_request\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    steps:\n      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1\n        with:\n          persist-credentials: false\n",
    look: |document, hits| {
        if !WITH_SECRETS.iter().any(|event| runs_on(document, event)) {
            return;
        }
        for step in steps(document) {
            let checkout = step.get("with").filter(|_| is_checkout(step));
            let named = ["ref", "repository"].into_iter();
            let named = named.filter_map(|key| checkout?.get(key));
            for node in named.filter(|node| names_request(node)) {
                hits.add(
                    node.span,
                    "the head of a pull request is checked out where the secrets are",
                );
            }
            let script = step
                .get("run")
                .filter(|node| node.as_str().is_some_and(fetches_request));
            if let Some(node) = script {
                hits.add(
                    node.span,
                    "the head of a pull request is fetched where the secrets are",
                );
            }
        }
    },
};

pub(super) const LONG_LIVED_KEY: Rule = Rule {
    code: "LOOM1107",
    severity: Warning,
    format: FORMAT,
    area: "secrets management",
    title: "The pipeline signs in with a key that does not expire",
    reason: "a key that leaks once, in a log or through an action, opens the account until somebody notices",
    fix: "sign in by OpenID Connect: `permissions: { id-token: write }` and a role to assume",
    bad: "on: push\npermissions:\n  contents: read\njobs:\n  deploy:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    steps:\n      - run: make deploy\n        env:\n          AWS_SECRET_ACCESS_KEY: ${{ secrets.AWS_SECRET_ACCESS_KEY }}\n",
    good: "on: push\npermissions:\n  contents: read\njobs:\n  deploy:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    permissions:\n      contents: read\n      id-token: write\n    steps:\n      - uses: aws-actions/configure-aws-credentials@517a711dbcd0e402f90c77e7e2f81e849156e31d # v6.2.2\n        with:\n          role-to-assume: ${{ vars.AWS_ROLE_ARN }}\n          aws-region: us-east-1\n",
    look: |document, hits| {
        let keys = [
            "aws_secret_access_key",
            "aws-secret-access-key",
            "credentials_json",
            "google_credentials",
            "azure_credentials",
        ];
        for node in &document.nodes {
            walk(node, "", &mut |key, node| {
                let secret = node.as_str().is_some_and(|it| it.contains("secrets."));
                if secret && keys.contains(&key.to_ascii_lowercase().as_str()) {
                    hits.add(
                        node.span,
                        format!("`{key}` comes from a secret that does not expire"),
                    );
                }
            });
        }
    },
};

pub(super) const KEPT_TOKEN: Rule = Rule {
    code: "LOOM1108",
    severity: Warning,
    format: FORMAT,
    area: "secrets management",
    title: "The checkout leaves its token behind",
    reason: "the token stays in `.git/config`, where every later step can read it and an uploaded directory takes it along",
    fix: "write `persist-credentials: false` under `with:` of the checkout",
    bad: "on: push\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    steps:\n      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1\n",
    good: UNTRUSTED_CHECKOUT.good,
    look: |document, hits| {
        for step in steps(document) {
            let Some(node) = step.get("uses").filter(|_| is_checkout(step)) else {
                continue;
            };
            let kept = step
                .at(&["with", "persist-credentials"])
                .and_then(Node::scalar_text);
            if kept.as_deref() != Some("false") {
                hits.lacks(
                    node.span,
                    "the checkout does not say `persist-credentials: false`",
                );
            }
        }
    },
};

pub(super) const NO_TIMEOUT: Rule = Rule {
    code: "LOOM1109",
    severity: Warning,
    format: FORMAT,
    area: "resource limits",
    title: "A job has no time limit",
    reason: "a job that hangs runs for six hours, and holds the deployment behind it for as long",
    fix: "write `timeout-minutes:` on the job",
    bad: "on: push\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: make test\n",
    good: WRITE_ALL.good,
    look: |document, hits| {
        for (name, job) in jobs(document) {
            if job.get("steps").is_some() && job.get("timeout-minutes").is_none() {
                hits.lacks(
                    job.span,
                    format!("the job `{name}` has no `timeout-minutes`"),
                );
            }
        }
    },
};

pub(super) const PLAIN_URL: Rule = Rule {
    code: "LOOM1110",
    severity: Error,
    format: FORMAT,
    area: "HTTPS",
    title: "An environment answers without encryption",
    reason: "what goes over `http://` can be read and changed by everybody on the way",
    fix: "give the environment an `https://` URL in loom.yaml",
    bad: "on: push\npermissions:\n  contents: read\njobs:\n  deploy:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    environment:\n      name: production\n      url: http://api.example.com\n    steps:\n      - run: make deploy\n",
    good: "on: push\npermissions:\n  contents: read\njobs:\n  deploy:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    environment:\n      name: production\n      url: https://api.example.com\n    steps:\n      - run: make deploy\n",
    look: |document, hits| {
        for (name, job) in jobs(document) {
            let Some(node) = job.at(&["environment", "url"]) else {
                continue;
            };
            let host = node
                .as_str()
                .and_then(|url| url.strip_prefix("http://"))
                .map(|rest| rest.split(['/', ':']).next());
            if let Some(host) = host
                .flatten()
                .filter(|host| !matches!(*host, "localhost" | "127.0.0.1"))
            {
                hits.add(
                    node.span,
                    format!("the environment of the job `{name}` answers at http://{host}"),
                );
            }
        }
    },
};

pub(super) const UNPINNED_IMAGE: Rule = Rule {
    code: "LOOM1111",
    severity: Warning,
    format: FORMAT,
    area: "pinned images and actions",
    title: "A job runs in an image without a fixed version",
    reason: "the same commit is tested with other programs tomorrow, and nobody sees why",
    fix: "name the image by a full version, or by its digest",
    bad: "on: push\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    container: node\n    steps:\n      - run: make test\n",
    good: "on: push\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    container: node:22.20.0\n    steps:\n      - run: make test\n",
    look: |document, hits| {
        for (_, job) in jobs(document) {
            let container = job.get("container").map(|it| it.get("image").unwrap_or(it));
            let services =
                fields(job.get("services")).filter_map(|(_, service)| service.get("image"));
            for node in container.into_iter().chain(services) {
                if let Some(what) = node.as_str().and_then(unpinned) {
                    hits.add(node.span, what);
                }
            }
        }
    },
};

pub(super) const PIPED_SCRIPT: Rule = Rule {
    code: "LOOM1112",
    severity: Warning,
    format: FORMAT,
    area: "pinned images and actions",
    title: "A script from the network is run unseen",
    reason: "whoever controls the address, or the connection, runs what they like with the rights of the job",
    fix: "fetch the file, check its hash, and run it then; or take an action that is named by a commit",
    bad: "on: push\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    steps:\n      - run: curl -fsSL https://example.com/install.sh | sh\n",
    good: WRITE_ALL.good,
    look: |document, hits| {
        for step in steps(document) {
            let script = step.get("run");
            let script = script.filter(|it| it.as_str().is_some_and(shell::runs_from_network));
            if let Some(node) = script {
                hits.add(node.span, "a script is fetched and run in one go");
            }
        }
    },
};
