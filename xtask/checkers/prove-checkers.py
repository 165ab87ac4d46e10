#!/usr/bin/env python3
"""Puts one mistake at a time into a tree that passes, and says which checker saw it.

usage: prove-checkers.py [PREFIX]      only mistakes whose name begins with PREFIX

A checker that is broken passes everything: this is the proof that each still works. Exits 1 when
a mistake is seen by nobody, unless it is one of BLIND_SPOTS.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLE = os.path.join(HERE, "sample", "tree")

# What no checker sees. A test of the project must.
BLIND_SPOTS = {"gha: bad input of known action", "jenkins: unknown section"}

# name, file, what stands there, the mistake, the checkers that might see it
MISTAKES = [
    (
        "gha: job needs unknown",
        ".github/workflows/ci.yml",
        "    name: Test\n",
        "    name: Test\n    needs: [nope]\n",
        "actionlint zizmor gha-schema",
    ),
    ("gha: unknown key under push", ".github/workflows/ci.yml", "branches:", "branch:", "actionlint zizmor gha-schema"),
    (
        "gha: bad expression",
        ".github/workflows/ci.yml",
        "${{ github.ref }}",
        "${{ github.reff }}",
        "actionlint zizmor gha-schema",
    ),
    (
        "gha: undefined step output",
        ".github/workflows/ci.yml",
        "cargo test --locked",
        "echo ${{ steps.x.outputs.y }}",
        "actionlint zizmor gha-schema",
    ),
    (
        "gha: PR title in run",
        ".github/workflows/ci.yml",
        "cargo test --locked",
        'echo "${{ github.event.pull_request.title }}"',
        "actionlint zizmor gha-schema checkov",
    ),
    (
        "gha: action pinned by tag",
        ".github/workflows/ci.yml",
        "@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2",
        "@v4",
        "actionlint zizmor gha-schema checkov",
    ),
    ("gha: no permissions", ".github/workflows/ci.yml", "permissions: {}\n", "", "actionlint zizmor checkov"),
    (
        "gha: bad cron",
        ".github/workflows/ci.yml",
        "  pull_request:\n",
        '  pull_request:\n  schedule:\n    - cron: "99 * * * *"\n',
        "actionlint zizmor gha-schema",
    ),
    (
        "gha: bad input of known action",
        ".github/workflows/ci.yml",
        "persist-credentials: false",
        "persist-credentials: false\n          fetchdepth: 1",
        "actionlint gha-schema",
    ),
    (
        "gitlab: stage not declared",
        ".gitlab-ci.yml",
        "  stage: build",
        "  stage: bild",
        "gitlab-schema gitlab-ci-local",
    ),
    ("gitlab: needs unknown job", ".gitlab-ci.yml", "needs: [test]", "needs: [tests]", "gitlab-schema gitlab-ci-local"),
    (
        "gitlab: bad keyword",
        ".gitlab-ci.yml",
        "expire_in: 1 week",
        "expires_in: 1 week",
        "gitlab-schema gitlab-ci-local",
    ),
    (
        "gitlab: extends unknown",
        ".gitlab-ci.yml",
        "  stage: build",
        "  extends: .nope\n  stage: build",
        "gitlab-schema gitlab-ci-local",
    ),
    (
        "gitlab: bad rule expression",
        ".gitlab-ci.yml",
        "  stage: build",
        '  rules:\n    - if: $CI_COMMIT_BRANCH = "main"\n  stage: build',
        "gitlab-schema gitlab-ci-local",
    ),
    (
        "circle: workflow names unknown job",
        ".circleci/config.yml",
        "      - test\n",
        "      - tests\n",
        "circleci-schema circleci-parser",
    ),
    (
        "circle: requires unknown",
        ".circleci/config.yml",
        "      - test\n",
        "      - test:\n          requires: [x]\n",
        "circleci-schema circleci-parser",
    ),
    (
        "circle: no executor",
        ".circleci/config.yml",
        "    docker:\n      - image: cimg/rust:1.83\n",
        "",
        "circleci-schema circleci-parser",
    ),
    (
        "circle: run without command",
        ".circleci/config.yml",
        "command: cargo",
        "cmd: cargo",
        "circleci-schema circleci-parser",
    ),
    (
        "circle: undefined orb",
        ".circleci/config.yml",
        "      - checkout\n",
        "      - checkout\n      - node/install\n",
        "circleci-schema circleci-parser",
    ),
    ("jenkins: brace missing", "Jenkinsfile", "        stage('Test') {", "        stage('Test') ", "npm-groovy-lint"),
    ("jenkins: unknown section", "Jenkinsfile", "agent any", "agnt any", "npm-groovy-lint"),
    ("jenkins: unclosed string", "Jenkinsfile", "'cargo test'", "'cargo test", "npm-groovy-lint"),
    ("docker: unknown instruction", "Dockerfile", "WORKDIR", "WORKDIRR", "hadolint dockerfile-stages checkov"),
    (
        "docker: copy from unknown stage",
        "Dockerfile",
        "--from=build",
        "--from=bild",
        "hadolint dockerfile-stages checkov",
    ),
    ("docker: latest tag", "Dockerfile", "debian:12.8-slim", "debian:latest", "hadolint checkov"),
    ("docker: root user", "Dockerfile", "USER app\n", "", "hadolint checkov"),
    ("docker: apt without -y", "Dockerfile", "RUN useradd", "RUN apt-get install curl && useradd", "hadolint checkov"),
    (
        "docker: bad shell in RUN",
        "Dockerfile",
        "RUN useradd --system",
        "RUN if [ $a = 1 ]; echo; fi && useradd --system",
        "hadolint",
    ),
    (
        "compose: volume not declared",
        "docker-compose.yml",
        "volumes:\n  db:\n",
        "",
        "compose-schema dclint docker-compose-config compose-values",
    ),
    (
        "compose: depends_on unknown",
        "docker-compose.yml",
        "      db:\n        condition",
        "      dbx:\n        condition",
        "compose-schema dclint docker-compose-config compose-values",
    ),
    (
        "compose: bad port",
        "docker-compose.yml",
        "127.0.0.1:8080:8080",
        "127.0.0.1:808080:8080",
        "compose-schema dclint docker-compose-config compose-values",
    ),
    (
        "compose: bad restart",
        "docker-compose.yml",
        "unless-stopped",
        "sometimes",
        "compose-schema dclint docker-compose-config compose-values",
    ),
    (
        "compose: bad duration",
        "docker-compose.yml",
        "interval: 10s",
        "interval: 10 secs",
        "compose-schema dclint docker-compose-config compose-values",
    ),
    (
        "tf: unknown argument",
        "terraform/modules/ecr/main.tf",
        "image_tag_mutability",
        "image_mutability",
        "terraform-validate checkov",
    ),
    (
        "tf: wrong enum value",
        "terraform/modules/ecr/main.tf",
        '"IMMUTABLE"',
        '"SOMETIMES"',
        "terraform-validate checkov",
    ),
    (
        "tf: wrong block",
        "terraform/modules/ecr/main.tf",
        "encryption_configuration {",
        "encryption {",
        "terraform-validate checkov",
    ),
    (
        "tf: block for attribute",
        "terraform/modules/ecr/main.tf",
        "  image_scanning_configuration {\n    scan_on_push = true\n  }",
        "  image_scanning_configuration = {\n    scan_on_push = true\n  }",
        "terraform-validate",
    ),
    (
        "tf: bad type",
        "terraform/modules/ecr/main.tf",
        "scan_on_push = true",
        'scan_on_push = "on"',
        "terraform-validate",
    ),
    (
        "tf: bad output reference",
        "terraform/modules/ecr/outputs.tf",
        ".repository_url",
        ".repo_url",
        "terraform-validate",
    ),
    ("tf: undeclared variable", "terraform/modules/ecr/main.tf", "var.name", "var.nam", "terraform-validate"),
    ("tf: module arg missing", "terraform/envs/prod/main.tf", '  name   = "app"\n', "", "terraform-validate"),
    (
        "tf: module output missing",
        "terraform/envs/prod/main.tf",
        "module.ecr.repository_url",
        "module.ecr.url",
        "terraform-validate",
    ),
    ("tf: provider version nobody has", "terraform/modules/ecr/versions.tf", "~> 6.0", "~> 9.0", "terraform-validate"),
    (
        "tf: backend argument",
        "terraform/envs/prod/main.tf",
        "use_lockfile",
        "use_lock",
        "terraform-validate terraform-backend",
    ),
    (
        "tf: backend required missing",
        "terraform/envs/prod/main.tf",
        '    key          = "prod/terraform.tfstate"\n',
        "",
        "terraform-validate terraform-backend",
    ),
    ("tf: format", "terraform/modules/ecr/main.tf", "  name                 =", "  name =", "terraform-fmt"),
    (
        "tf: scan off (policy)",
        "terraform/modules/ecr/main.tf",
        "scan_on_push = true",
        "scan_on_push = false",
        "terraform-validate checkov",
    ),
    ("cfn: property name", "cloudformation/ecr.yml", "RepositoryName: !Ref", "RepoName: !Ref", "cfn-lint checkov"),
    (
        "cfn: enum",
        "cloudformation/ecr.yml",
        "ImageTagMutability: IMMUTABLE",
        "ImageTagMutability: NEVER",
        "cfn-lint checkov",
    ),
    ("cfn: GetAtt", "cloudformation/ecr.yml", "Repository.RepositoryUri", "Repository.Url", "cfn-lint"),
    ("cfn: Ref", "cloudformation/ecr.yml", "!Ref Name", "!Ref Nam", "cfn-lint"),
    ("pulumi: output property", "pulumi/Pulumi.yaml", "${repo.repositoryUrl}", "${repo.uri}", "pulumi-yaml"),
    ("pulumi: nested property", "pulumi/Pulumi.yaml", "scanOnPush", "scanPush", "pulumi-yaml"),
    (
        "pulumi: wrong value type",
        "pulumi/Pulumi.yaml",
        "name: app\n      image",
        "name: {a: b}\n      image",
        "pulumi-yaml",
    ),
    (
        "k8s: unknown field",
        "k8s/base/deployment.yaml",
        "automountServiceAccountToken",
        "automountToken",
        "kubernetes-validate kustomize-render kustomize-xref checkov",
    ),
    (
        "k8s: selector mismatch",
        "k8s/base/deployment.yaml",
        "    matchLabels:\n      app.kubernetes.io/name: app",
        "    matchLabels:\n      app.kubernetes.io/name: other",
        "kubernetes-validate kustomize-render kustomize-xref",
    ),
    (
        "k8s: service selects nothing",
        "k8s/base/service.yaml",
        "name: app\n  ports",
        "name: other\n  ports",
        "kubernetes-validate kustomize-render kustomize-xref",
    ),
    (
        "k8s: quantity",
        "k8s/base/deployment.yaml",
        "memory: 256Mi",
        "memory: 256MB",
        "kubernetes-validate kustomize-render kustomize-xref",
    ),
    (
        "k8s: request above limit",
        "k8s/base/deployment.yaml",
        "cpu: 100m",
        "cpu: 900m",
        "kubernetes-validate kustomize-xref",
    ),
    (
        "k8s: removed apiVersion",
        "k8s/base/deployment.yaml",
        "apps/v1",
        "extensions/v1beta1",
        "kubernetes-validate kustomize-render",
    ),
    (
        "k8s: bad enum",
        "k8s/base/deployment.yaml",
        "imagePullPolicy: Always",
        "imagePullPolicy: Sometimes",
        "kubernetes-validate kustomize-xref checkov",
    ),
    (
        "k8s: privileged",
        "k8s/base/deployment.yaml",
        "allowPrivilegeEscalation: false",
        "privileged: true",
        "kubernetes-validate checkov",
    ),
    (
        "kustomize: missing resource",
        "k8s/base/kustomization.yaml",
        "service.yaml",
        "svc.yaml",
        "kustomize-render kustomization-schema",
    ),
    (
        "kustomize: unknown key",
        "k8s/base/kustomization.yaml",
        "resources:",
        "resource:",
        "kustomize-render kustomization-schema",
    ),
    (
        "kustomize: patch target matches nothing",
        "k8s/overlays/prod/kustomization.yaml",
        "name: app",
        "name: appp",
        "kustomize-render kustomization-schema",
    ),
    (
        "kustomize: patch path",
        "k8s/overlays/prod/kustomization.yaml",
        "/spec/replicas",
        "/spec/replica",
        "kustomize-render",
    ),
    ("prom: PromQL", "prometheus/alerts.yml", "[5m])) > 0.05", "[5m]) > 0.05", "promtool-rules promrule-schema"),
    (
        "prom: template function",
        "prometheus/alerts.yml",
        "humanizePercentage",
        "humanisePercentage",
        "promtool-rules promrule-schema",
    ),
    ("prom: unknown key", "prometheus/alerts.yml", "labels:", "label:", "promtool-rules promrule-schema"),
    ("prom: duration", "prometheus/alerts.yml", "for: 10m", "for: 10min", "promtool-rules promrule-schema"),
    ("grafana: PromQL", "grafana/app.json", "[$__rate_interval]))", "[$__rate_interval])", "grafana"),
    ("grafana: variable not declared", "grafana/app.json", '"name": "job"', '"name": "jobs"', "grafana"),
    ("datadog: monitor type", "datadog/monitor.json", "query alert", "querry alert", "datadog-models"),
    ("datadog: option name", "datadog/monitor.json", "notify_no_data", "notify_nodata", "datadog-models"),
    ("datadog: query and threshold differ", "datadog/monitor.json", '> 5"', '> 7"', "datadog-models"),
    ("datadog: widget type", "datadog/dashboard.json", '"timeseries"', '"timeserie"', "datadog-models"),
    ("datadog: layout_type", "datadog/dashboard.json", '"ordered"', '"orderd"', "datadog-models"),
    ("vercel: unknown key", "vercel.json", "outputDirectory", "outDirectory", "vercel"),
    ("vercel: header shape", "vercel.json", '"value": "DENY"', '"val": "DENY"', "vercel"),
    ("fly: type", "fly.toml", "internal_port = 8080", 'internal_port = "a"', "fly-schema taplo"),
    ("fly: unknown key", "fly.toml", "primary_region", "primary_regionn", "fly-schema taplo"),
    ("toml: duplicate table", "fly.toml", "[[vm]]", "[http_service]", "fly-schema taplo"),
    ("railway: enum", "railway.json", "ON_FAILURE", "ONFAILURE", "railway-schema"),
    (
        "sh: unset/quotes",
        "scripts/deploy.sh",
        'echo "Deploying',
        'cd $env_name; echo "Deploying',
        "bash-n shellcheck shfmt",
    ),
    ("sh: syntax", "scripts/deploy.sh", 'ENV}"', "ENV}", "bash-n shellcheck shfmt"),
    ("md: broken link", "README.md", "runbook.md", "runbok.md", "markdownlint-cli2 lychee"),
    ("md: broken anchor", "docs/runbook.md", "#app", "#nope", "markdownlint-cli2 lychee"),
    ("md: heading", "README.md", "# App", "#App", "markdownlint-cli2"),
    (
        "sql: syntax",
        "migrations/0001_users.sql",
        "DEFAULT now()\n",
        "DEFAULT now(),\n",
        "sqlfluff squawk postgres-apply",
    ),
    ("sql: unknown table", "migrations/0002_orders.sql", "users", "userz", "sqlfluff squawk postgres-apply"),
    (
        "sql: unknown type",
        "migrations/0002_orders.sql",
        "total_cents bigint",
        "total_cents biggint",
        "sqlfluff squawk postgres-apply",
    ),
    (
        "secret: AWS key",
        "scripts/deploy.sh",
        'echo "Dep',
        "export AWS_ACCESS_KEY_ID=" + "AKIA" + "IOSFODNN7EXAMPLF" + '\necho "Dep',
        "gitleaks detect-secrets checkov",
    ),
    (
        "secret: random password in YAML",
        "docker-compose.yml",
        "DATABASE_HOST: db",
        "DATABASE_PASSWORD: " + "kJ8s-92mXz" + "_Qp11v" + "",
        "gitleaks detect-secrets checkov",
    ),
    (
        "yaml: duplicate key",
        "docker-compose.yml",
        "    restart:",
        "    image: x/y:1\n    restart:",
        "yamllint compose-schema",
    ),
]


def findings(tree, report, only):
    """The number of findings of each checker in `only`."""
    environment = dict(os.environ, ONLY=only, REPORT=report)
    home = os.environ.get("CHECKERS") or os.environ.get("LOOM_CHECKERS")
    if home:
        environment["CHECKERS"] = home
    check = [os.path.join(HERE, "check-tree.sh"), tree]
    output = subprocess.run(check, capture_output=True, text=True, env=environment).stdout
    return {match[1]: int(match[2]) for match in re.finditer(r"^(\S+)\s+files=\d+\s+findings=(\d+)", output, re.M)}


def main():
    prefix = sys.argv[1] if len(sys.argv) > 1 else ""
    without, unseen = {}, []
    with tempfile.TemporaryDirectory() as home:
        tree, report = os.path.join(home, "tree"), os.path.join(home, "report")
        for name, file, old, new, only in MISTAKES:
            if not name.startswith(prefix):
                continue
            if only not in without:
                without[only] = findings(SAMPLE, report, only)
            shutil.rmtree(tree, ignore_errors=True)
            shutil.copytree(SAMPLE, tree)
            path = os.path.join(tree, file)
            with open(path) as sample:
                text = sample.read()
            if old not in text:
                sys.exit(f"{name}: {file} holds no {old!r}")
            with open(path, "w") as sample:
                sample.write(text.replace(old, new, 1))
            found = findings(tree, report, only)
            seen = [checker for checker in only.split() if found.get(checker, 0) > without[only].get(checker, 0)]
            print(f"{name}: {', '.join(seen) or 'nobody'}", flush=True)
            if not seen and name not in BLIND_SPOTS:
                unseen.append(name)
    if unseen:
        sys.exit("seen by nobody: " + "; ".join(unseen))


main()
