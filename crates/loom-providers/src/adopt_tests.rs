//! What loom writes is read back as the same settings, and files of people as what they say.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use loom_plan::addr::RepoPath;
use loom_plan::adopt::{Ask, Fidelity, Proposal, Readers, Unread, propose};
use loom_plan::header;
use loom_plan::node::Node;
use loom_plan::provider::{Existing, Mode, Registry};
use proptest::prelude::*;

use crate::draft::nowhere;
use crate::emit::{HOSTILE, yaml};
use crate::{BLUEPRINTS, PROVIDERS};

const READERS: Readers<'static> = Readers {
    registry: Registry {
        providers: PROVIDERS,
        blueprints: BLUEPRINTS,
        formats: crate::FORMATS,
    },
    format: crate::reading::reader,
};

fn proposed(path: &str, text: &str, ask: Ask<'_>) -> (Vec<Proposal>, Vec<Unread>) {
    let path = RepoPath::new(path).expect("a path");
    let mode = if text.starts_with("#!") {
        Mode::Executable
    } else {
        Mode::Plain
    };
    propose(
        &[Existing {
            path: &path,
            text,
            mode,
        }],
        READERS,
        ask,
        &BTreeSet::new(),
    )
}

/// The kind, the name and the fidelity of the one proposal.
fn read(path: &str, text: &str) -> (String, Fidelity) {
    let (proposals, unread) = proposed(path, text, Ask::All);
    assert_eq!((proposals.len(), unread), (1, Vec::new()), "{path}");
    (
        proposals[0].address.to_string(),
        proposals[0].files[0].1.clone(),
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "the fixtures are part of the source"
)]
fn files_of(directory: &Path, found: &mut Vec<(PathBuf, String)>) {
    let entries = std::fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path());
    for path in entries {
        if path.is_dir() {
            files_of(&path, found);
        } else {
            found.extend(std::fs::read_to_string(&path).ok().map(|text| (path, text)));
        }
    }
}

#[test]
fn what_the_fixtures_expect_is_read_back_exactly_by_the_kind_that_wrote_it() {
    let projects = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/projects");
    let mut found = Vec::new();
    files_of(&projects, &mut found);
    let mut counted = 0;
    for (path, text) in found {
        let path = path
            .strip_prefix(&projects)
            .expect("below")
            .display()
            .to_string();
        let Some((_, path)) = path
            .split_once("/expected/")
            .filter(|(_, path)| !path.starts_with(".loom"))
        else {
            continue;
        };
        let stripped = String::from_utf8(header::strip(
            text.as_bytes(),
            &RepoPath::new(path).expect("a path"),
        ))
        .expect("UTF-8");
        let (address, fidelity) = read(path, &stripped);
        let kind = match path.rsplit('.').next() {
            Some("tf") => "terraform.module.",
            Some("md") => "markdown.page.",
            Some("Dockerfile") => "docker.dockerfile.",
            Some("yml") if path.starts_with(".github/workflows/") => "github.workflow.",
            Some("yaml") if path.starts_with("compose") => "docker.compose.",
            Some("yml") if path.starts_with("k8s") => "kubernetes.manifest.",
            _ => "",
        };
        assert!(address.starts_with(kind), "{path} is read as {address}");
        assert_eq!(fidelity, Fidelity::Exact, "{path} as {address}");
        counted += 1;
    }
    assert!(counted > 200, "only {counted} files were read");
}

const WORKFLOW: &str = "\
# runs on every push
name: CI
on:
  push:
    branches: [main]   # and nowhere else

jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4

      - run: 'npm test'
";

#[test]
fn comments_and_layout_that_a_declaration_cannot_hold_are_counted() {
    let (address, fidelity) = read(".github/workflows/ci.yml", WORKFLOW);
    assert_eq!(address, "github.workflow.ci");
    let comments = vec![
        (Some(1), "# runs on every push".to_owned()),
        (Some(5), "# and nowhere else".to_owned()),
    ];
    assert_eq!(fidelity, Fidelity::Data { comments, lines: 4 });
}

#[test]
fn each_format_is_told_by_what_it_says() {
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
    let monitor = "name: Slow\ntype: query alert\nquery: avg(last_5m):x > 1\n";
    for (path, text, address) in [
        ("k8s/api.yml", object, "kubernetes.manifest.api"),
        (
            "deploy/base/kustomization.yaml",
            "resources:\n  - api.yml\n",
            "kubernetes.kustomization.base",
        ),
        ("alerts/slow.yml", monitor, "datadog.monitor.slow"),
        (
            "compose.yaml",
            "services:\n  db:\n    image: postgres:16\n",
            "docker.compose.compose",
        ),
        (
            "docker-compose.test.yml",
            "services:\n  db:\n    image: postgres:16\n",
            "docker.compose.docker-compose",
        ),
        ("compose.yaml", "volumes:\n  db: {}\n", "file.compose"),
        (".github/workflows/notes.yml", "a: 1\n", "file.notes"),
        ("Dockerfile", "FROM a:1\n", "docker.dockerfile.dockerfile"),
        ("apps/api/Dockerfile", "FROM a:1\n", "docker.dockerfile.api"),
        ("Dockerfile.dev", "FROM a:1\n", "docker.dockerfile.dev"),
        (
            "docker/web.Dockerfile",
            "FROM a:1\n",
            "docker.dockerfile.web",
        ),
        ("README.md", "# A\n", "markdown.page.readme"),
        ("crlf.md", "# A\r\n", "file.crlf"),
        ("no-newline.md", "# A", "file.no-newline"),
        (".env.example", "A=1\n", "file.env-example"),
        ("scripts/deploy", "#!/bin/sh\ntrue\n", "file.deploy"),
        (
            "infra/main.tf",
            "variable \"a\" {}\n",
            "terraform.module.infra",
        ),
        ("main.tf", "variable \"a\" {}\n", "file.main"),
        ("2024/1.txt", "x", "file.file"),
    ] {
        assert_eq!(
            read(path, text),
            (address.to_owned(), Fidelity::Exact),
            "{path}"
        );
    }
}

#[test]
fn what_the_data_would_not_say_stays_text() {
    for text in [
        "jobs:\n  a: !reference [x]\n",
        "jobs: &x\n  a: 1\nb:\n  <<: *x\n",
        "jobs: {}\n---\njobs: {}\n",
        "jobs: [\n",
        "jobs: {}\nenv: { DEBUG: yes }\n",
    ] {
        assert_eq!(
            read(".github/workflows/x.yml", text),
            ("file.x".to_owned(), Fidelity::Exact),
            "{text}"
        );
    }
    let commented = "resource \"a\" \"b\" {\n  c = [ # why\n    f(1, # one\n    2)\n  ]\n}\n";
    assert_eq!(read("infra/main.tf", commented).0, "file.main");
}

#[test]
fn terraform_is_read_as_its_data_and_says_what_it_cannot_keep() {
    let text = "\
# the database
resource \"aws_db_instance\" \"this\" {
  name = \"${var.name}-db\" # see the wiki
  tags = { Name = \"x\", \"a b\" = \"C:\\\\x\" }
  port = -1
  environment = { A = 1 }

  timeouts {
    create = \"1h\"
  }
  rule { port = 1 }
  rule { port = 2 }

  lifecycle {
    ignore_changes = [tags]
  }
}

variable \"v\" {
  type = list(string)
}

resource \"aws_db_instance\" \"other\" {
  policy = <<-EOT
    {
      \"a\": \"${var.name}\"
    }
  EOT
}
";
    let (address, fidelity) = read("infra/db/main.tf", text);
    assert_eq!(address, "terraform.module.db");
    let Fidelity::Data { comments, lines } = fidelity else {
        panic!("the comments cannot be kept")
    };
    assert_eq!(
        comments,
        [
            (Some(1), "# the database".to_owned()),
            (Some(3), "# see the wiki".to_owned())
        ]
    );
    assert!(lines > 3, "{lines}");
}

#[test]
fn the_files_of_a_directory_are_one_module_and_names_are_never_taken_twice() {
    let path = |text| RepoPath::new(text).expect("a path");
    let paths = [
        path("infra/main.tf"),
        path("infra/prod.tfvars"),
        path("a/x.md"),
        path("b/x.md"),
        path("x.md"),
    ];
    let texts = ["locals {\n  a = 1\n}\n", "a = 1\n", "1\n", "2\n", "3\n"];
    let files: Vec<Existing<'_>> = paths
        .iter()
        .zip(texts)
        .map(|(path, text)| Existing {
            path,
            text,
            mode: Mode::Plain,
        })
        .collect();
    let (proposals, _) = propose(&files, READERS, Ask::All, &BTreeSet::new());
    let said: Vec<String> = proposals
        .iter()
        .map(|it| format!("{} {} {}", it.address, it.path, it.files.len()))
        .collect();
    assert_eq!(
        said,
        [
            "markdown.page.x a/x.md 1",
            "markdown.page.b-x b/x.md 1",
            "terraform.module.infra infra 2",
            "markdown.page.page x.md 1",
        ]
    );
    assert!(proposals.iter().all(Proposal::is_exact));
}

#[test]
fn a_kind_that_was_asked_for_is_the_only_one() {
    let (proposals, _) = proposed(".github/workflows/ci.yml", WORKFLOW, Ask::Kind("file"));
    assert_eq!(
        (
            proposals[0].address.to_string().as_str(),
            proposals[0].is_exact()
        ),
        ("file.ci", true)
    );
    let (_, unread) = proposed("README.md", "# A\n", Ask::Kind("github.workflow"));
    assert_eq!(unread[0].why, "`github.workflow` cannot be read from it");
    assert_eq!(
        proposed("src/main.rs", "fn main() {}\n", Ask::Formats)
            .0
            .len(),
        0
    );
}

#[test]
fn what_looks_like_a_reference_of_loom_s_is_written_as_text() {
    let (proposals, _) = proposed("a.md", "${env:name} and ${X}\n", Ask::All);
    assert_eq!(
        proposals[0]
            .settings
            .get("content")
            .and_then(|node| node.as_str()),
        Some("$${env:name} and ${X}\n")
    );
}

#[test]
fn a_file_with_loom_s_header_is_somebody_s_already() {
    let (_, unread) = proposed(
        "a.md",
        "<!-- Managed by loom: file.x (project); see 'loom explain PATH' -->\n\n# A\n",
        Ask::All,
    );
    assert!(unread[0].why.contains("loom's header"), "{unread:?}");
}

fn trees() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof![
        any::<String>(),
        "[ab:#!&*\"' \n-]{0,12}",
        prop::sample::select(HOSTILE).prop_map(str::to_owned)
    ];
    let leaf = prop_oneof![
        text.prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::vec(("[a-zA-Z:# ]{1,8}", inner), 0..5)
                .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Data that the kind of its format does not read back to the byte is kept as text.
    #[test]
    fn whatever_is_written_as_yaml_is_adopted_to_the_byte(tree in trees()) {
        let content = Node::from_json(nowhere(), &serde_json::json!({ "resources": tree }));
        let text = yaml::document(&content);
        let (proposals, unread) = proposed("a/kustomization.yaml", &text, Ask::All);
        prop_assert!(unread.is_empty() && proposals.iter().all(Proposal::is_exact), "{text}\n{proposals:?} {unread:?}");
        // only what could be a tag is not read as data
        let (specific, _) = proposed("a/kustomization.yaml", &text, Ask::Formats);
        prop_assert!(!specific.is_empty() || text.contains('!'), "{text}");
    }
}
