"""Drop the newer Compose keys that docker-compose 1.29 does not know, so that its semantic checks can run."""

import sys

import yaml

d = yaml.safe_load(open(sys.argv[1]))
for k in ("name", "include", "models"):
    d.pop(k, None)
for s in (d.get("services") or {}).values():
    if not isinstance(s, dict):
        continue
    for k in ("develop", "attach", "annotations", "provider", "post_start", "pre_stop", "use_api_socket", "gpus"):
        s.pop(k, None)
    dep = s.get("depends_on")
    if isinstance(dep, dict):
        for v in dep.values():
            if isinstance(v, dict):
                v.pop("required", None)
                v.pop("restart", None)
    if isinstance(s.get("env_file"), list):
        s["env_file"] = [
            e["path"] if isinstance(e, dict) else e
            for e in s["env_file"]
            if not (isinstance(e, dict) and e.get("required") is False)
        ]
    h = s.get("healthcheck")
    if isinstance(h, dict):
        h.pop("start_interval", None)
yaml.safe_dump(d, sys.stdout, sort_keys=False)
