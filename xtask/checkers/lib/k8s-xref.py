#!/usr/bin/env python3
"""Cross-checks that JSON schemas cannot make, on `kubectl kustomize` output or plain manifests (stdin or files):
selector vs pod labels, Service -> pods and ports, quantities, DNS names, ConfigMap/Secret/SA/PVC refs inside the set,
duplicate objects, HPA/PDB/Ingress targets, probe port names, requests <= limits."""

import re
import sys

import yaml

Q = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+)?$")
MUL = {
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "E": 1e18,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "Pi": 2**50,
    "Ei": 2**60,
}


def q(s):
    m = re.match(r"^([+-]?[\d.]+)([a-zA-Z]*)$", str(s))
    return float(m[1]) * MUL.get(m[2], 1) if m else None


DNS = re.compile(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
ENUM = {
    "imagePullPolicy": {"Always", "IfNotPresent", "Never"},
    "restartPolicy": {"Always", "OnFailure", "Never"},
    "dnsPolicy": {"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"},
    "concurrencyPolicy": {"Allow", "Forbid", "Replace"},
    "pathType": {"Exact", "Prefix", "ImplementationSpecific"},
    "externalTrafficPolicy": {"Cluster", "Local"},
    "whenUnsatisfiable": {"DoNotSchedule", "ScheduleAnyway"},
    "podManagementPolicy": {"OrderedReady", "Parallel"},
    "protocol": {"TCP", "UDP", "SCTP"},
    "sessionAffinity": {"None", "ClientIP"},
    "persistentVolumeReclaimPolicy": {"Retain", "Delete", "Recycle"},
}


def enums(o, w, errs):
    if isinstance(o, dict):
        for k, v in o.items():
            if k in ENUM and isinstance(v, str) and v not in ENUM[k]:
                errs.append(f"{w}: {k} {v!r}")
            elif k not in ("data", "stringData", "labels", "annotations", "matchLabels"):
                enums(v, w, errs)
    elif isinstance(o, list):
        for v in o:
            enums(v, w, errs)


objs, errs = [], []
srcs = [(f, open(f)) for f in sys.argv[1:]] or [("-", sys.stdin)]
for f, h in srcs:
    for o in yaml.safe_load_all(h):
        if isinstance(o, dict) and "kind" in o:
            objs += o["items"] if o["kind"] == "List" else [o]
seen = {}
ref = lambda o: f"{o.get('kind')}/{(o.get('metadata') or {}).get('name')}"
ns = lambda o: (o.get("metadata") or {}).get("namespace", "")
pods = []
for o in objs:
    k = (o.get("apiVersion"), o.get("kind"), ns(o), (o.get("metadata") or {}).get("name"))
    enums(o.get("spec"), ref(o), errs)
    if o["kind"] == "Service" and (o.get("spec") or {}).get("type", "ClusterIP") not in (
        "ClusterIP",
        "NodePort",
        "LoadBalancer",
        "ExternalName",
    ):
        errs.append(f"{ref(o)}: type")
    if k in seen:
        errs.append(f"{ref(o)}: defined twice")
    seen[k] = o
    n = str((o.get("metadata") or {}).get("name", ""))
    if not DNS.match(n) or len(n) > 253:
        errs.append(f"{ref(o)}: bad name")
    s = o.get("spec") or {}
    if o["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"):
        t = s.get("template") or {}
        lab = (t.get("metadata") or {}).get("labels") or {}
        pods.append((o, lab, t.get("spec") or {}))
        for a, b in ((s.get("selector") or {}).get("matchLabels") or {}).items():
            if lab.get(a) != b:
                errs.append(f"{ref(o)}: selector {a}={b} does not match template labels")
    elif o["kind"] == "CronJob":
        t = ((s.get("jobTemplate") or {}).get("spec") or {}).get("template") or {}
        pods.append((o, (t.get("metadata") or {}).get("labels") or {}, t.get("spec") or {}))
    elif o["kind"] == "Pod":
        pods.append((o, (o["metadata"].get("labels") or {}), s))
names = lambda kind: {(ns(o), o["metadata"]["name"]) for o in objs if o["kind"] == kind}
for o, lab, sp in pods:
    vols = {v["name"] for v in sp.get("volumes") or [] if "name" in v}
    cs = (sp.get("containers") or []) + (sp.get("initContainers") or [])
    if len({c.get("name") for c in cs}) != len(cs):
        errs.append(f"{ref(o)}: duplicate container name")
    for c in cs:
        ports = {p.get("name") for p in c.get("ports") or []}
        for which in ("requests", "limits"):
            for r, v in ((c.get("resources") or {}).get(which) or {}).items():
                if not Q.match(str(v)):
                    errs.append(f"{ref(o)}: bad quantity {r}={v!r}")
        rq, lm = (c.get("resources") or {}).get("requests") or {}, (c.get("resources") or {}).get("limits") or {}
        for r in set(rq) & set(lm):
            a, b = q(rq[r]), q(lm[r])
            if a is not None and b is not None and a > b:
                errs.append(f"{ref(o)}: {r} request {rq[r]} above limit {lm[r]}")
        for m in c.get("volumeMounts") or []:
            if m.get("name") not in vols and o["kind"] != "StatefulSet":
                errs.append(f"{ref(o)}: volumeMount {m.get('name')!r} has no volume")
        for pr in ("livenessProbe", "readinessProbe", "startupProbe"):
            for a in ("httpGet", "tcpSocket"):
                pt = ((c.get(pr) or {}).get(a) or {}).get("port")
                if isinstance(pt, str) and pt not in ports:
                    errs.append(f"{ref(o)}: {pr} port {pt!r} not declared")
        for e in c.get("env") or []:
            if not isinstance(e.get("value", ""), str):
                errs.append(f"{ref(o)}: env {e.get('name')} value is not a string")
for o in objs:
    s = o.get("spec") or {}
    if o["kind"] == "Service" and s.get("selector"):
        hit = [
            (l, sp) for po, l, sp in pods if ns(po) == ns(o) and all(l.get(a) == b for a, b in s["selector"].items())
        ]
        if not hit:
            errs.append(f"{ref(o)}: selector matches no pod")
        for p in s.get("ports") or []:
            tp = p.get("targetPort", p.get("port"))
            for l, sp in hit:
                dec = {x.get("containerPort") for c in sp.get("containers") or [] for x in c.get("ports") or []} | {
                    x.get("name") for c in sp.get("containers") or [] for x in c.get("ports") or []
                }
                if dec - {None} and tp not in dec:
                    errs.append(f"{ref(o)}: targetPort {tp} not a container port")
    if o["kind"] == "HorizontalPodAutoscaler":
        r = s.get("scaleTargetRef") or {}
        if (ns(o), r.get("name")) not in names(r.get("kind")):
            errs.append(f"{ref(o)}: target {r.get('kind')}/{r.get('name')} not found")
    if o["kind"] == "PodDisruptionBudget":
        ml = (s.get("selector") or {}).get("matchLabels") or {}
        if not any(ns(po) == ns(o) and all(l.get(a) == b for a, b in ml.items()) for po, l, _ in pods):
            errs.append(f"{ref(o)}: selector matches no pod")
    if o["kind"] == "Ingress":
        for r in s.get("rules") or []:
            for p in (r.get("http") or {}).get("paths") or []:
                b = (p.get("backend") or {}).get("service") or {}
                if b and (ns(o), b.get("name")) not in names("Service"):
                    errs.append(f"{ref(o)}: backend service {b.get('name')} not found")
for e in dict.fromkeys(errs):
    print(e)
sys.exit(1 if errs else 0)
