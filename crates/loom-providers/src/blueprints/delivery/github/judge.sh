#!/bin/sh
# Says what the plan's exit code means, and fails where somebody must act.
set -eu
refuse() {
  echo "::error title=Loom::$1"
  exit "$CODE"
}
case $CODE in
0) echo "Every generated file is as declared." ;;
2)
  if [ "$COMMIT" = bot ]; then
    echo "::notice title=Loom::The plan is applied to this branch once the deployment to the environment loom is approved."
  else
    refuse "The generated files are not up to date. Run loom apply, and commit what it writes."
  fi
  ;;
3) refuse "The files changed while loom looked at them. Run the job again." ;;
4) refuse "A conflict needs a person. The summary says which file, and the ways out." ;;
5) refuse "A policy denies the plan. The log of the step Plan says which." ;;
*)
  CODE=1
  refuse "Loom could not plan. The log of the step Plan says why."
  ;;
esac
