#!/bin/sh
# Runs one command of loom in a job of GitHub Actions.
#
# In: COMMAND, ARGUMENTS (words, without quotes), DIRECTORY, FORMAT and ACCEPT, as action.yml
# describes them, and LOOM, the program. Out: the outputs of action.yml, the summary of the step,
# and for a plan annotations. Nothing that loom prints is taken for a command by the runner.
set -euf
loom=${LOOM:-${RUNNER_TEMP:?}/loom/bin/loom}
here=$(mktemp -d "${RUNNER_TEMP:?}/loom.XXXXXX")
summary=$here/loom-summary.md
case $loom in
/*) ;;
*/*) loom=$PWD/$loom ;;
esac
cd "$DIRECTORY"
digest='' report=''
code=0

# Patterns are off, so that the words of ARGUMENTS stand for themselves.
run() {
  for word in $ARGUMENTS; do
    set -- "$@" "$word"
  done
  "$loom" "$COMMAND" "$@"
}

# Prints a file in which text of anybody may stand.
show() {
  word=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  echo "::stop-commands::$word"
  cat "$1"
  printf '\n::%s::\n' "$word"
}

# The summary where there is no report: the log has the errors.
no_report() {
  {
    printf '<!-- loom %s -->\n\n## Loom: no %s\n\n' "$COMMAND" "$COMMAND"
    echo "Loom ended with exit code $code. The log of the job says why."
  } >"$summary"
}

case $COMMAND in
plan)
  set -- --format markdown --budget 60000
  # a comparison with a base says by itself whether something is left to do
  case " $ARGUMENTS" in
  *" --against"*) ;;
  *) set -- "$@" --detailed-exitcode ;;
  esac
  run "$@" >"$summary" 2>"$here/log" || code=$?
  show "$here/log"
  if [ -s "$summary" ] && [ "$code" -ne 1 ]; then
    digest=$(run --format json 2>/dev/null | sed -n 's/^  "digest": "\([0-9a-f]*\)",*$/\1/p')
    # the annotations; loom writes the summary of the step itself
    run --format github 2>/dev/null || :
  else
    no_report
    cat "$summary" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
  fi
  ;;
drift)
  run --format markdown >"$here/body" 2>"$here/log" || code=$?
  show "$here/log"
  if [ -s "$here/body" ]; then
    { printf '<!-- loom drift -->\n\n' && cat "$here/body"; } >"$summary"
  else
    no_report
  fi
  cat "$summary" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
  ;;
*)
  run >"$here/log" 2>&1 || code=$?
  show "$here/log"
  summary=''
  ;;
esac
if [ -n "$FORMAT" ]; then
  report=$here/report.$FORMAT
  run --format "$FORMAT" >"$report" 2>/dev/null || :
fi
{
  echo "exit-code=$code"
  echo "digest=$digest"
  echo "summary=$summary"
  echo "report=$report"
} >>"$GITHUB_OUTPUT"
case " $ACCEPT " in
*" any "* | *" $code "*) exit 0 ;;
esac
echo "::error title=Loom::loom $COMMAND ended with exit code $code."
exit "$code"
