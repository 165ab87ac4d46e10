#!/usr/bin/env python3
"""Check Datadog monitor/dashboard/SLO JSON against the models of datadog-api-client."""

import re
import sys

import yaml

from datadog_api_client.configuration import Configuration
from datadog_api_client.model_utils import (
    ModelComposed,
    ModelNormal,
    ModelSimple,
    UnparsedObject,
    validate_and_convert_types,
)
from datadog_api_client.v1.model.dashboard import Dashboard
from datadog_api_client.v1.model.monitor import Monitor
from datadog_api_client.v1.model.service_level_objective_request import ServiceLevelObjectiveRequest

cfg = Configuration()


def walk(o, path, out, seen):
    if id(o) in seen:
        return
    seen.add(id(o))
    if isinstance(o, UnparsedObject):
        out.append(f"{path}: value does not match the model: {str(getattr(o, '_data_store', o))[:140]}")
        return
    if isinstance(o, ModelSimple):
        if getattr(o, "_unparsed", False):
            out.append(f"{path}: value {getattr(o, 'value', o)!r} not allowed")
        return
    if isinstance(o, (ModelNormal, ModelComposed)):
        inst = getattr(o, "_composed_instances", None) or []
        known = set(getattr(o, "attribute_map", {}) or {})
        ds = getattr(o, "_data_store", {})
        for k, v in ds.items():
            if isinstance(o, ModelNormal) and k not in o.openapi_types:
                out.append(f"{path}.{k}: unknown field of {type(o).__name__}")
            walk(v, f"{path}.{k}", out, seen)
        for i in inst:
            walk(i, path, out, seen)
    elif isinstance(o, list):
        for n, v in enumerate(o):
            walk(v, f"{path}[{n}]", out, seen)
    elif isinstance(o, dict):
        for k, v in o.items():
            walk(v, f"{path}.{k}", out, seen)


def check(p):
    # YAML 1.2 holds JSON, and a monitor may be written in either
    d = yaml.safe_load(open(p))
    if isinstance(d, dict) and ("widgets" in d or "layout_type" in d):
        cls = Dashboard
    elif isinstance(d, dict) and "timeframe" in d or isinstance(d, dict) and "thresholds" in d and "query" in d:
        cls = ServiceLevelObjectiveRequest
    else:
        cls = Monitor
    errs = []
    for one in d if isinstance(d, list) else [d]:
        try:
            o = validate_and_convert_types(one, (cls,), ["body"], True, True, cfg)
        except Exception as e:
            errs.append(f"{type(e).__name__}: {str(e).splitlines()[0][:200]}")
            continue
        walk(o, cls.__name__, errs, set())
        if cls is Monitor and isinstance(
            one, dict
        ):  # what Datadog itself refuses: query threshold and options.thresholds.critical differ
            m = re.search(r"(?:>=|<=|==|>|<)\s*(-?[\d.]+)\s*$", str(one.get("query", "")))
            c = ((one.get("options") or {}).get("thresholds") or {}).get("critical")
            if m and isinstance(c, (int, float)) and float(m[1]) != float(c):
                errs.append(f"query compares with {m[1]}, thresholds.critical is {c}")
    return list(dict.fromkeys(errs))


bad = 0
for p in sys.argv[1:]:
    try:
        e = check(p)
    except Exception as ex:
        e = [f"{type(ex).__name__}: {ex}"]
    for x in e:
        print(f"{p}: {x}")
    bad += len(e)
sys.exit(1 if bad else 0)
