#!/bin/sh
# Compares every managed file, and leaves the report and the exit code for the job that follows.
set -eu
report=$(mktemp -d)
rm -rf loom-report
code=0
"$LOOM_HOME/bin/loom" drift --format markdown >"$report"/body || code=$?
{
  printf '<!-- loom drift -->\n\n'
  if [ -s "$report/body" ]; then
    cat "$report/body"
  else
    printf '## Loom: no drift report\n\nLoom ended with exit code %s: %s\n' "$code" "$CI_JOB_URL"
  fi
} >"$report"/summary.md
echo "$code" >"$report"/code
rm -rf loom-report
cp -R "$report" loom-report
cat "$report/summary.md"
# drift is what the issue is for; that loom could not compare is an error of this job too
[ "$code" -eq 2 ] || exit "$code"
