//! `loom adopt`: files that are there become declared and recorded, and stay byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::sandbox::{Sandbox, Tree};
use super::small;

const WORKFLOW: &str = "\
# CI of the shop
name: CI
on:
  push:
    branches: [main]   # and nowhere else
  pull_request:

permissions:
  contents: read

jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2

      - uses: actions/setup-node@v4
        with: { node-version: 20 }
      - run: |
          npm ci
          npm test -- --port ${PORT:-3000} ${{ github.ref }}
";

const MANIFEST: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  replicas: 2
  selector:
    matchLabels: {app: api}
  template:
    metadata:
      labels: {app: api}
    spec:
      containers:
      - name: api   # the only one
        image: \"registry.example.com/api:1.10\"
        ports:
        - containerPort: 3000
---
apiVersion: v1
kind: Service
metadata:
  name: api
spec:
  ports:
    - port: 80
";

const TERRAFORM: &str = "\
# the bucket of the shop
resource \"aws_s3_bucket\" \"assets\" {
  bucket = \"${var.name}-assets\"
  tags   = { Team = \"shop\" }
}

module \"vpc\" {
  source = \"./modules/vpc\"
}
";

const FILES: &[(&str, &str)] = &[
    (".github/workflows/ci.yml", WORKFLOW),
    (
        "Dockerfile",
        "FROM node:20-alpine\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD [\"node\", \"server.js\"]\n",
    ),
    (".dockerignore", "node_modules\n"),
    (
        "README.md",
        "# Shop\n\nHow to run it:\n\n\tmake ${env:name}\n",
    ),
    (
        "compose.yaml",
        "services:\n  db:\n    image: postgres:16 # as in production\n",
    ),
    ("infra/terraform/main.tf", TERRAFORM),
    (
        "infra/terraform/variables.tf",
        "variable \"name\" {\n  type = string\n}\n",
    ),
    ("k8s/api.yml", MANIFEST),
    ("k8s/kustomization.yaml", "resources:\n  - api.yml\n"),
    ("k8s/notes.txt", "of no format\n"),
    ("node_modules/x/Dockerfile", "FROM x:1\n"),
    ("package.json", "{ \"name\": \"shop\" }\n"),
    ("scripts/deploy.sh", "#!/bin/sh\nset -eu\n"),
    ("src/server.js", "console.log('shop')\n"),
];

/// A repository as people have it, without a word of loom.
fn real() -> Sandbox {
    let sandbox = Sandbox::of(FILES);
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(sandbox.root().join("scripts/deploy.sh"), mode).expect("a mode can be set");
    sandbox.commit();
    sandbox
}

/// The repository's own files, which nothing may touch, with what a stat says of each.
fn theirs(sandbox: &Sandbox) -> BTreeMap<String, (Vec<u8>, u32, [i64; 2])> {
    let read = |(path, text): (String, Vec<u8>)| {
        let facts = fs::metadata(sandbox.root().join(&path)).expect("it is there");
        (
            path,
            (text, facts.mode(), [facts.mtime(), facts.mtime_nsec()]),
        )
    };
    let tree: Tree = sandbox.tree();
    tree.into_iter()
        .filter(|(path, _)| FILES.iter().any(|(known, _)| known == path))
        .map(read)
        .collect()
}

const LOOM: &str = "\
loom: 1
project: shop   # the whole of it

environments: { production: { url: https://shop.example.com } }

# ours
artifacts: []   # none yet
";

#[test]
fn a_whole_repository_is_adopted_without_touching_a_byte_and_the_plan_has_nothing_to_do() {
    let sandbox = real();
    sandbox.write("loom.yaml", LOOM);
    let before = theirs(&sandbox);
    let paths = [
        ".github/workflows/ci.yml",
        "Dockerfile",
        "README.md",
        "compose.yaml",
        "infra",
        "k8s/",
        "./scripts/deploy.sh",
    ];
    let ran = sandbox.loom(&[&["adopt"][..], &paths].concat()).comes_to(0);
    assert_eq!(
        theirs(&sandbox),
        before,
        "contents, modes and times are those from before"
    );
    sandbox.is_settled();
    for line in [
        "= .github/workflows/ci.yml  github.workflow.ci  all that it says",
        "= Dockerfile  docker.dockerfile.dockerfile  every byte",
        "= README.md  markdown.page.readme  every byte",
        "= compose.yaml  docker.compose.compose  all that it says",
        "= infra/terraform/main.tf  terraform.module.terraform  all that it says",
        "= infra/terraform/variables.tf  terraform.module.terraform  every byte",
        "= k8s/api.yml  kubernetes.manifest.api  all that it says",
        "= k8s/kustomization.yaml  kubernetes.kustomization.k8s  every byte",
        "= scripts/deploy.sh  file.deploy  every byte",
        "line 1: # CI of the shop",
        "line 5: # and nowhere else",
        "line 14: # the only one",
        "Adopted 9 files, no byte of them touched",
    ] {
        assert!(ran.out.contains(line), "{line}\n{ran}");
    }
    let loom = sandbox.read("loom.yaml");
    assert!(
        loom.starts_with(&LOOM.replace("[]   #", "   #")),
        "what stood there stands there: {loom}"
    );
    assert!(
        loom.contains("actions/checkout:\n        version: v4.2.2\n"),
        "a pinned action is one of the settings: {loom}"
    );
    assert!(
        !loom.contains("notes.txt"),
        "of a directory only what has a format: {loom}"
    );
}

#[test]
fn what_is_adopted_is_changed_by_its_declaration_from_then_on() {
    let sandbox = real();
    sandbox.write("loom.yaml", LOOM);
    sandbox
        .loom(&["adopt", "Dockerfile", "k8s/api.yml"])
        .comes_to(0);
    sandbox.edit("loom.yaml", "FROM node:20-alpine", "FROM node:22-alpine");
    // adopting wrote nothing and was not denied; what is written now must pass, or be accepted
    sandbox
        .loom(&["plan"])
        .comes_to(5)
        .says("error[LOOM1301] Dockerfile");
    let accept = |code: &str, address: &str| {
        format!("    - {{ code: {code}, address: {address}, reason: as it came }}\n")
    };
    let dockerfile = accept("LOOM1301", "docker.dockerfile.dockerfile");
    let manifest = accept("LOOM1203", "kubernetes.manifest.api");
    sandbox.append(
        "loom.yaml",
        &format!("policy:\n  accept:\n{dockerfile}{manifest}"),
    );
    sandbox.loom(&["plan"]).comes_to(0).says("~ Dockerfile");
    sandbox.apply();
    assert!(sandbox.read("Dockerfile").contains("FROM node:22-alpine"));
    // a file that its declaration does not keep every byte of asks first
    sandbox.edit("loom.yaml", "replicas: 2", "replicas: 3");
    sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("! k8s/api.yml")
        .says("-  replicas: 2");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "restore"])
        .comes_to(0);
    assert!(sandbox.read("k8s/api.yml").contains("replicas: 3"));
    sandbox.is_settled();
}

#[test]
fn one_rollback_undoes_an_adoption() {
    let sandbox = real();
    sandbox.write("loom.yaml", LOOM);
    let before = sandbox.tree();
    sandbox.loom(&["adopt", "README.md"]).comes_to(0);
    assert_ne!(sandbox.tree(), before);
    sandbox.loom(&["rollback", "--yes"]).comes_to(0);
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn as_file_every_byte_is_declared() {
    let sandbox = real();
    sandbox.write("loom.yaml", LOOM);
    sandbox
        .loom(&["adopt", "--as", "file", ".github/workflows/ci.yml"])
        .comes_to(0)
        .says("file.ci  every byte");
    sandbox.is_settled();
    assert!(
        !sandbox.read("loom.yaml").contains("adopt:"),
        "there is nothing to take as it is"
    );
    sandbox.remove(".github/workflows/ci.yml");
    sandbox.apply();
    assert_eq!(
        sandbox.read(".github/workflows/ci.yml"),
        WORKFLOW,
        "it comes back with its comments"
    );
}

#[test]
fn what_cannot_be_adopted_is_said_and_the_rest_is_adopted() {
    let sandbox = real();
    sandbox.write("loom.yaml", LOOM);
    sandbox.write(
        "secrets.md",
        "token: ghp_abcdefghijklmnopqrstuvwxyz0123456789\n",
    );
    sandbox.write_bytes("logo.png", &[0x89, 0x50, 0xff, 0x00]);
    let ran = sandbox
        .loom(&["adopt", "secrets.md", "logo.png", "loom.yaml", "README.md"])
        .comes_to(1);
    let ran =
        ran.says("! secrets.md  was not adopted: line 1 looks like a credential (a GitHub token)");
    let ran = ran
        .says("! logo.png  was not adopted: the file is not UTF-8")
        .says("! loom.yaml  was not adopted: it is loom's input");
    ran.says("= README.md").says("Adopted 1 file");
    assert!(!sandbox.read("loom.yaml").contains("ghp_"));
    sandbox.is_settled();
    // a second time there is nothing to do
    let before = sandbox.read("loom.yaml");
    sandbox
        .loom(&["adopt", "README.md"])
        .comes_to(0)
        .says("managed already, by markdown.page.readme");
    assert_eq!(sandbox.read("loom.yaml"), before);
}

#[test]
fn what_is_typed_wrong_is_said() {
    let sandbox = real();
    sandbox.write("loom.yaml", LOOM);
    sandbox
        .loom(&["adopt", "--as", "fiel", "README.md"])
        .comes_to(1)
        .complains("did you mean `file`?");
    sandbox
        .loom(&["adopt", "../README.md"])
        .comes_to(1)
        .complains("`../README.md` lies outside of");
    sandbox
        .loom(&["adopt", "REAMDE.md"])
        .comes_to(1)
        .complains("there is nothing");
    sandbox
        .loom(&["adopt", "--as", "github.workflow", "README.md"])
        .comes_to(1)
        .says("cannot be read from it");
    sandbox
        .loom(&["adopt", "src"])
        .comes_to(0)
        .says("no file of a format that loom reads");
    assert_eq!(sandbox.read("loom.yaml"), LOOM);
}

#[test]
fn after_init_the_first_plan_changes_no_file_that_is_there() {
    let sandbox = real();
    let before = theirs(&sandbox);
    let ran = sandbox.loom(&["init"]).comes_to(0);
    let command = "loom adopt .github/workflows/ci.yml Dockerfile infra/terraform/main.tf infra/terraform/variables.tf k8s/api.yml k8s/kustomization.yaml";
    let ran = ran
        .says("These files are here already, and loom leaves them alone:")
        .says(command);
    // its block would be a change of `.dockerignore`
    ran.says("Not declared, because it would change files that are there: { kind: container, service: shop }");
    let plan = sandbox.loom(&["plan"]).comes_to(0);
    assert!(plan.actions().values().all(|mark| *mark == '+'), "{plan}");
    sandbox.apply();
    assert_eq!(theirs(&sandbox), before);
    let paths: Vec<&str> = command.split(' ').skip(1).collect();
    sandbox.loom(&paths).comes_to(0).says("Adopted 6 files");
    assert_eq!(theirs(&sandbox), before);
    sandbox.is_settled();
}

#[test]
fn a_file_that_a_declared_artifact_would_write_is_not_declared_twice() {
    let sandbox = small::standing(
        "  - { kind: file, name: old, path: etc/old, content: \"x\\n\" }\n",
        "",
    );
    sandbox.write("etc/old", "theirs\n");
    let ran = sandbox
        .loom(&["adopt", "etc/old"])
        .comes_to(1)
        .says("! etc/old  was not adopted: `file.old` is declared to write it");
    let command = ran
        .line("loom apply")
        .split('`')
        .nth(3)
        .expect("a command")
        .to_owned();
    sandbox
        .loom(
            &[
                &command.split(' ').skip(1).collect::<Vec<_>>()[..],
                &["--yes"],
            ]
            .concat(),
        )
        .comes_to(0);
    assert_eq!(sandbox.read("etc/old"), "theirs\n");
}
