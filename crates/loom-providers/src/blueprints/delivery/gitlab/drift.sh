#!/bin/sh
# Compares every managed file, and leaves the report and the exit code for the job that follows.
set -eu
mkdir -p loom-report
code=0
.cache/loom/bin/loom drift --format markdown >loom-report/body || code=$?
{
  printf '<!-- loom drift -->\n\n'
  if [ -s loom-report/body ]; then
    cat loom-report/body
  else
    printf '## Loom: no drift report\n\nLoom ended with exit code %s: %s\n' "$code" "$CI_JOB_URL"
  fi
} >loom-report/summary.md
echo "$code" >loom-report/code
cat loom-report/summary.md
# drift is what the issue is for; that loom could not compare is an error of this job too
[ "$code" -eq 2 ] || exit "$code"
