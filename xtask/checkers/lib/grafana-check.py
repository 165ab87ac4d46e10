#!/usr/bin/env python3
"""Grafana dashboard JSON: structure checks + every PromQL expr through `promtool check rules`.
usage: grafana-check.py FILE...  (promtool on PATH)"""

import json
import os
import re
import subprocess
import sys
import tempfile

SUB = [
    (r"\$__rate_interval|\$__interval|\$__range|\$\{__(?:rate_interval|interval|range)\}", "5m"),
    (r"\$\{?__range_s\}?|\$\{?__interval_ms\}?", "300"),
    (r"\$\{(\w+)(?::\w+)?\}|\[\[(\w+)\]\]|\$(\w+)", "x"),
]


def norm(e):
    # a variable used as a duration
    e = re.sub(r"\[\s*\$\{?\w+\}?\s*\]", "[5m]", e) if not re.search(r"\[\$__", e) else e
    for a, b in SUB:
        e = re.sub(a, b, e)
    return e


def panels(ps):
    for p in ps or []:
        yield p
        yield from panels(p.get("panels"))


bad = 0
for f in sys.argv[1:]:
    errs = []
    try:
        d = json.load(open(f))
    except Exception as e:
        print(f"{f}: {e}")
        bad += 1
        continue
    d = d.get("dashboard", d)

    def want(o, k, t, where):
        v = o.get(k)
        if v is not None and (not isinstance(v, t) or isinstance(v, bool)):
            errs.append(f"{where}{k}: wrong type {type(v).__name__}")

    if not isinstance(d.get("title"), str) or not d["title"]:
        errs.append("title missing")
    want(d, "schemaVersion", int, "")
    want(d, "version", int, "")
    want(d, "panels", list, "")
    want(d, "time", dict, "")
    want(d, "refresh", str, "")
    names = {v.get("name") for v in (d.get("templating") or {}).get("list", [])}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(d)))
    for u in sorted(used - names):
        if not u.startswith("__") and not u.isdigit() and re.match("[a-zA-Z_]", u):
            errs.append(f"${u}: no template variable of that name")
    ids, exprs = set(), []
    for p in panels(d.get("panels")):
        w = f'panel "{p.get("title")}": '
        if p.get("id") in ids:
            errs.append(w + f"duplicate id {p.get('id')}")
        ids.add(p.get("id"))
        if not isinstance(p.get("type"), str):
            errs.append(w + "no type")
        g = p.get("gridPos")
        if p.get("type") != "row" and not isinstance(g, dict):
            errs.append(w + "no gridPos")
        elif isinstance(g, dict):
            for k in "hwxy":
                if not isinstance(g.get(k), int):
                    errs.append(w + f"gridPos.{k} not an integer")
            if isinstance(g.get("w"), int) and isinstance(g.get("x"), int) and g["x"] + g["w"] > 24:
                errs.append(w + "wider than 24 columns")
        refs = set()
        for t in p.get("targets") or []:
            if t.get("refId") in refs:
                errs.append(w + f"duplicate refId {t.get('refId')}")
            refs.add(t.get("refId"))
            ds = t.get("datasource") or p.get("datasource") or {}
            if "expr" in t and (not isinstance(ds, dict) or ds.get("type", "prometheus") == "prometheus"):
                exprs.append((w, t["expr"]))
    for i, (w, e) in enumerate(exprs):
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as t:
            json.dump({"groups": [{"name": "g", "rules": [{"record": "a:b", "expr": norm(e)}]}]}, t)
        r = subprocess.run(["promtool", "check", "rules", t.name], capture_output=True, text=True)
        os.unlink(t.name)
        if r.returncode:
            errs.append(
                w
                + "PromQL: "
                + (
                    re.sub(r".*could not parse expression: ", "", (r.stderr + r.stdout).replace("\n", " ").strip())[
                        -160:
                    ]
                )
                + f" in {e}"
            )
    for e in errs:
        print(f"{f}: {e}")
    bad += len(errs)
sys.exit(1 if bad else 0)
