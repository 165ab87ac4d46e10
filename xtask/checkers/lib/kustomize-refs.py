"""kustomize-refs.py KUSTOMIZATION patches|resources|check : list the patch files; list the resource files; or report
patches whose target matches nothing (kustomize itself ignores those) and manifests beside it that it does not list."""

import os
import re
import subprocess
import sys

import yaml

k, mode = sys.argv[1], sys.argv[2]
d = os.path.dirname(k) or "."
y = yaml.safe_load(open(k)) or {}
pf = (
    [p["path"] for p in y.get("patches") or [] if isinstance(p, dict) and "path" in p]
    + list(y.get("patchesStrategicMerge") or [])
    + [p["path"] for p in y.get("patchesJson6902") or [] if "path" in p]
)
pf = [p for p in pf if isinstance(p, str) and "\n" not in p]
if mode == "patches":
    for p in pf:
        print(os.path.normpath(os.path.join(d, p)))
    sys.exit()
if mode == "resources":
    for r in y.get("resources") or []:
        print(os.path.normpath(os.path.join(d, r)))
    sys.exit()
res = []
for r in y.get("resources") or []:
    p = os.path.join(d, r)
    try:
        t = (
            subprocess.run(["kubectl", "kustomize", p], capture_output=True, text=True).stdout
            if os.path.isdir(p)
            else open(p).read()
        )
    except OSError:
        continue
    res += [o for o in yaml.safe_load_all(t) if isinstance(o, dict)]
for p in y.get("patches") or []:
    t = p.get("target") if isinstance(p, dict) else None
    if not t:
        continue
    hit = [
        o
        for o in res
        if re.fullmatch(t.get("kind", ".*"), o.get("kind", ""))
        and re.fullmatch(t.get("name", ".*"), (o.get("metadata") or {}).get("name", ""))
    ]
    if not hit:
        print(f"{k}: patch target {t.get('kind')}/{t.get('name')} matches nothing")
if not y.get("generators"):
    listed = {os.path.normpath(x) for x in (y.get("resources") or []) + pf if isinstance(x, str)}
    for f in sorted(os.listdir(d)):
        if f.endswith((".yml", ".yaml")) and not f.startswith("kustomization") and f not in listed:
            try:
                t = open(os.path.join(d, f)).read()
            except OSError:
                continue
            if re.search(r"^apiVersion:", t, re.M) and re.search(r"^kind:", t, re.M):
                print(f"{k}: {f} is not listed")
