"""Values that the Compose schemas leave as free strings: restart, ports, durations, named volumes/networks/secrets/configs, depends_on."""

import re
import sys

import yaml

DUR = re.compile(r"^(\d+(\.\d+)?(us|ms|s|m|h))+$")
bad = 0


def say(m):
    global bad
    bad = 1
    print(m)


def port(p):
    p = str(p).split("/")[0]
    m = re.match(r"^(?:(?:\[[0-9a-f:]+\]|[\d.]+):)?(?:(\d+)(?:-(\d+))?)?(?::?(\d+)(?:-(\d+))?)?$", p)
    return bool(m) and all(1 <= int(x) <= 65535 for x in m.groups() if x) or "$" in p


for f in sys.argv[1:]:
    d = yaml.safe_load(open(f)) or {}
    sv = d.get("services") or {}
    for n, s in sv.items():
        if not isinstance(s, dict):
            continue
        w = f"{f}: {n}"
        r = s.get("restart")
        if (
            r is not None
            and "$" not in str(r)
            and not re.match(r"^(no|always|unless-stopped|on-failure(:\d+)?)$", "no" if r is False else str(r))
        ):
            say(f"{w}: restart {r!r}")
        for p in s.get("ports") or []:
            if not isinstance(p, dict) and not port(p):
                say(f"{w}: port {p!r}")
        for k in ("interval", "timeout", "start_period", "start_interval"):
            v = (s.get("healthcheck") or {}).get(k)
            if v is not None and "$" not in str(v) and not DUR.match(str(v)):
                say(f"{w}: healthcheck {k} {v!r}")
        v = s.get("stop_grace_period")
        if v is not None and not DUR.match(str(v)):
            say(f"{w}: stop_grace_period {v!r}")
        dep = s.get("depends_on") or []
        for x in dep:
            if x not in sv:
                say(f"{w}: depends_on {x!r}: no such service")
            elif (
                isinstance(dep, dict)
                and (dep[x] or {}).get("condition") == "service_healthy"
                and not (sv[x] or {}).get("healthcheck")
            ):
                say(f"{w}: waits for {x} to be healthy, which has no healthcheck")
        for v in s.get("volumes") or []:
            src = (
                v.get("source")
                if isinstance(v, dict) and v.get("type", "volume") == "volume"
                else (str(v).split(":")[0] if not isinstance(v, dict) and ":" in str(v) else None)
            )
            if src and not re.match(r"^[./~$]", src) and src not in (d.get("volumes") or {}):
                say(f"{w}: volume {src!r} not declared")
        for k in ("networks", "secrets", "configs"):
            for x in s.get(k) or []:
                x = x.get("source") if isinstance(x, dict) else x
                if x != "default" and x not in (d.get(k) or {}):
                    say(f"{w}: {k} {x!r} not declared")
sys.exit(bad)
