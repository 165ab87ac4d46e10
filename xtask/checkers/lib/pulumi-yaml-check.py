#!/usr/bin/env python3
"""Check Pulumi YAML (Pulumi.yaml, runtime yaml) against the classes in installed pulumi_* packages.
Reads their source with ast, imports nothing. Knows: type tokens, property names, required properties,
nested input types, ${ref} names, output property names. Usage: pulumi-yaml-check.py FILE..."""

import ast
import functools
import glob
import importlib.util
import os
import re
import sys

import yaml


def pkgdir(p):
    for base in sys.path:
        d = os.path.join(base, "pulumi_" + p.replace("-", "_"))
        if os.path.isdir(d):
            return d


@functools.lru_cache(None)
def classes(path):
    out = {}
    for c in ast.parse(open(path).read()).body:
        if not isinstance(c, ast.ClassDef):
            continue
        props, req, types, tok = {}, set(), {}, None
        for dec in c.decorator_list:
            if isinstance(dec, ast.Call) and getattr(dec.func, "attr", "") == "type_token":
                tok = dec.args[0].value
        for f in c.body:
            if not isinstance(f, ast.FunctionDef):
                continue
            if f.name == "__init__":
                for a, d in zip(f.args.kwonlyargs, f.args.kw_defaults):
                    if d is None:
                        req.add(a.arg)
                    types[a.arg] = ast.unparse(a.annotation) if a.annotation else ""
            for dec in f.decorator_list:
                g = dec.func if isinstance(dec, ast.Call) else dec
                if getattr(g, "attr", "") == "getter":
                    nm = f.name
                    if isinstance(dec, ast.Call):
                        for k in dec.keywords:
                            if k.arg == "name":
                                nm = k.value.value
                    props[nm] = f.name
        out[c.name] = dict(props=props, req=req, types=types, tok=tok)
    return out


def find(tok):
    p = tok.split(":")
    if len(p) == 2:
        p = [p[0], "index", p[1]]
    pkg, mod, name = p[0], p[1].split("/")[0], p[-1]
    d = pkgdir(pkg)
    if not d:
        return None, f"no pulumi_{pkg} package installed (not checked)"
    sub = d if mod == "index" else os.path.join(d, mod)
    if not os.path.isdir(sub):
        return None, f'no module "{mod}" in {pkg}'
    for f in glob.glob(sub + "/*.py"):
        if os.path.basename(f).startswith("_"):
            continue
        if f"class {name}(" in open(f).read():
            cs = classes(f)
            if name in cs and cs[name]["tok"]:
                return (cs, cs.get(name + "Args") or {"props": {}, "req": set(), "types": {}}, cs[name], sub), None
    return None, f'no resource type "{tok}"'


def check_props(args, val, sub, where, errs):
    if not isinstance(val, dict):
        return
    inv = {v: k for k, v in args["props"].items()}
    for k, v in val.items():
        if k not in args["props"]:
            errs.append(f"{where}.{k}: unknown property")
            continue
        t = args["types"].get(args["props"][k], "")
        m = re.search(r"'(\w+Args)'", t)
        inp = os.path.join(sub, "_inputs.py")
        if m and os.path.exists(inp):
            ic = classes(inp).get(m[1])
            if ic:
                if isinstance(v, list):
                    for i, x in enumerate(v):
                        check_props(ic, x, sub, f"{where}.{k}[{i}]", errs)
                elif isinstance(v, dict) and "Mapping[" not in t and not any(q.startswith("fn::") for q in v):
                    check_props(ic, v, sub, f"{where}.{k}", errs)
                elif isinstance(v, (str, int, bool)) and not str(v).startswith("${"):
                    errs.append(f"{where}.{k}: expected object/list, got {v!r}")
        elif (
            isinstance(v, dict)
            and re.search(r"_builtins\.(str|bool|int|float)", t)
            and "Mapping" not in t
            and not any(q.startswith("fn::") for q in v)
        ):
            errs.append(f"{where}.{k}: expected a scalar, got an object")
    for r in args["req"]:
        if inv.get(r, r) not in val:
            errs.append(f'{where}: required property "{inv.get(r, r)}" missing')


def strings(o):
    if isinstance(o, str):
        yield o
    elif isinstance(o, dict):
        for v in o.values():
            yield from strings(v)
    elif isinstance(o, list):
        for v in o:
            yield from strings(v)


bad = 0
for f in sys.argv[1:]:
    errs, notes = [], []
    d = yaml.safe_load(open(f))
    if not isinstance(d, dict) or "name" not in d:
        errs.append("no name")
    rt = d.get("runtime")
    rt = rt.get("name") if isinstance(rt, dict) else rt
    for k in d:
        if k not in (
            "name",
            "runtime",
            "description",
            "config",
            "variables",
            "resources",
            "outputs",
            "main",
            "backend",
            "options",
            "template",
            "plugins",
            "packages",
            "components",
            "stackConfigDir",
            "license",
            "author",
            "website",
            "pulumi",
            "requiredPulumiVersion",
        ):
            errs.append(f"{k}: unknown top-level key")
    if rt == "yaml":
        names = set(d.get("resources") or {}) | set(d.get("variables") or {}) | set(d.get("config") or {}) | {"pulumi"}
        names |= {n.split(":")[-1] for n in (d.get("config") or {})}
        outs = {}
        for n, r in (d.get("resources") or {}).items():
            for k in r:
                if k not in ("type", "properties", "options", "get", "defaultProvider", "name"):
                    errs.append(f"resources.{n}.{k}: unknown key")
            if "type" not in r:
                errs.append(f"resources.{n}: no type")
                continue
            if r["type"].startswith("pulumi:"):
                continue
            got, e = find(r["type"])
            if e:
                (notes if "not checked" in e else errs).append(f"resources.{n}: {e}")
                continue
            cs, args, res, sub = got
            outs[n] = set(res["props"]) | {"id", "urn"}
            check_props(args, r.get("properties") or {}, sub, f"resources.{n}.properties", errs)
        for s in strings(d):
            for m in re.finditer(r"(?<!\$)\$\{([A-Za-z_][\w-]*)((?:\.[\w-]+|\[[^\]]*\])*)\}", s):
                if m[1] not in names:
                    errs.append(f"${{{m[1]}}}: nothing of that name")
                elif m[1] in outs and m[2].startswith("."):
                    p = re.match(r"\.([\w-]+)", m[2])[1]
                    if p not in outs[m[1]]:
                        errs.append(f"${{{m[1]}.{p}}}: no such output property")
    for e in errs:
        print(f"{f}: {e}")
    for e in notes:
        print(f"{f}: note: {e}")
    bad += len(errs)
sys.exit(1 if bad else 0)
