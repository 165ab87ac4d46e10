#!/usr/bin/env python3
"""classify.py DIR -> lines KIND<TAB>PATH (paths relative to DIR)"""

import json
import os
import re
import sys

import yaml

root = sys.argv[1]
os.chdir(root)


class L(yaml.SafeLoader):
    pass


def anyc(l, suf, n):
    if isinstance(n, yaml.ScalarNode):
        return l.construct_scalar(n)
    if isinstance(n, yaml.SequenceNode):
        return l.construct_sequence(n)
    return l.construct_mapping(n)


L.add_multi_constructor("!", anyc)
SKIP = {".git", "node_modules", ".terraform", "target", ".venv"}
out = []
for d, ds, fs in os.walk("."):
    ds[:] = sorted(x for x in ds if x not in SKIP)
    for f in sorted(fs):
        p = os.path.normpath(os.path.join(d, f))
        low = f.lower()
        add = lambda k: out.append((k, p))
        if low == "jenkinsfile" or low.endswith(".jenkinsfile") or low.startswith("jenkinsfile."):
            add("jenkins")
        elif (
            low == "dockerfile"
            or low.startswith("dockerfile.")
            or low.endswith(".dockerfile")
            or low == "containerfile"
        ):
            add("docker")
        elif low.endswith(".tf"):
            out.append(("tfdir", os.path.dirname(p) or "."))
        elif low.endswith(".sh") or (
            ("." not in f)
            and open(p, "rb")
            .read(64)
            .startswith((b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash", b"#!/usr/bin/env sh"))
        ):
            add("sh")
        elif low.endswith(".md"):
            add("md")
        elif low.endswith(".sql"):
            add("sql")
            if not re.search(r"(\.down|_down|rollback).*\.sql$", low):
                add("sqlup")
        elif low == "fly.toml" or re.match(r"fly\..*\.toml$", low):
            add("toml")
            add("fly")
        elif low == "railway.toml":
            add("toml")
            add("railway")
        elif low.endswith(".toml"):
            add("toml")
        elif low == "vercel.json":
            add("vercel")
        elif low == "railway.json":
            add("railway")
        elif low.endswith(".json"):
            try:
                j = json.load(open(p))
            except Exception:
                add("badjson")
                continue
            if isinstance(j, dict):
                x = j.get("dashboard", j)
                if isinstance(x, dict) and "panels" in x:
                    add("grafana")
                elif "widgets" in j or (("query" in j or "querry" in j) and "type" in j):
                    add("datadog")
                elif "AWSTemplateFormatVersion" in j:
                    add("cfn")
        elif low.endswith((".yml", ".yaml")):
            add("yaml")
            if "/.github/workflows/" in "/" + p:
                add("gha")
            elif low in ("action.yml", "action.yaml"):
                add("ghaction")
            elif "/.github/" in "/" + p and low.startswith("dependabot"):
                add("dependabot")
            elif low.startswith(".gitlab-ci") or low.endswith(".gitlab-ci.yml"):
                add("gitlab" if low == ".gitlab-ci.yml" else "gitlabinc")
            elif "/.circleci/" in "/" + p:
                add("circle")
            elif re.match(r"(docker-)?compose([.-].*)?\.ya?ml$", low):
                add("compose")
            elif low in ("kustomization.yml", "kustomization.yaml"):
                add("kustomization")
            elif low.startswith("pulumi.") and low in ("pulumi.yaml", "pulumi.yml"):
                add("pulumi")
            elif low.startswith("alertmanager"):
                add("am")
            elif re.match(r"prometheus\.ya?ml$", low):
                add("promcfg")
            else:
                try:
                    docs = [x for x in yaml.load_all(open(p), L) if x is not None]
                except Exception:
                    add("badyaml")
                    continue
                a = docs[0] if docs else None
                if isinstance(a, dict):
                    if "AWSTemplateFormatVersion" in a or any(
                        isinstance(r, dict) and str(r.get("Type", "")).startswith("AWS::")
                        for r in (a.get("Resources") or {}).values()
                        if isinstance(a.get("Resources"), dict)
                    ):
                        add("cfn")
                    elif "rule_files" in a and "tests" in a:
                        add("promtest")
                    elif isinstance(a.get("groups"), list):
                        add("promrule")
                    elif "apiVersion" in a and "kind" in a and str(a["kind"]) != "Component":
                        add("k8s")
                    elif "query" in a and "type" in a and "message" in a:
                        add("datadog")
for k, p in dict.fromkeys(out):
    print(k, p, sep="\t")
