#!/bin/sh
# Plans, and leaves the report, the exit code and the digest as files for the jobs that follow. They
# are made outside of the checkout, and what the request has in their place goes first.
set -euf
report=$(mktemp -d)
rm -rf loom-report
if [ "$COMMIT" = author ]; then
  set -- --against "$CI_MERGE_REQUEST_DIFF_BASE_SHA"
else
  set -- --detailed-exitcode
fi
if [ "$COMMIT" = bot ] && [ -n "${CI_MERGE_REQUEST_SOURCE_BRANCH_SHA:-}" ]; then
  # a pipeline of the merged result: the bot writes onto the request's own branch
  git checkout --quiet --detach "$CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"
  rm -rf loom-report
fi
code=0
"$LOOM_HOME/bin/loom" plan "$@" --format markdown --budget 60000 >"$report"/summary.md || code=$?
if [ ! -s "$report/summary.md" ]; then
  printf '<!-- loom plan -->\n\n## Loom: no plan\n\nLoom ended with exit code %s: %s\n' "$code" "$CI_JOB_URL" >"$report"/summary.md
fi
"$LOOM_HOME/bin/loom" plan "$@" --format json 2>/dev/null |
  sed -n 's/^  "digest": "\([0-9a-f]*\)",*$/\1/p' >"$report"/digest
echo "$code" >"$report"/code
rm -rf loom-report
cp -R "$report" loom-report
cat "$report/summary.md"
case $code in
0) ;;
2)
  [ "$COMMIT" = author ] || exit 0
  echo "The generated files are not up to date. Run loom apply, and commit what it writes."
  ;;
3) echo "The files changed while loom looked at them. Run the job again." ;;
4) echo "A conflict needs a person. The report says which file, and the ways out." ;;
5) echo "A policy denies the plan." ;;
*) echo "Loom could not plan." ;;
esac
exit "$code"
