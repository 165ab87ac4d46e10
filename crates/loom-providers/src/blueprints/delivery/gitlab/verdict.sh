#!/bin/sh
# Keeps the request from being merged before its plan is applied. Only what the plan's own job wrote
# is a verdict: anything else in its place is none.
set -eu
code=none
if [ ! -L loom-report ] && [ ! -L loom-report/code ] && [ -f loom-report/code ]; then
  code=$(head -c 9 loom-report/code)
fi
case $code in
0) echo "Every generated file is as declared." ;;
2)
  echo "The plan is not applied yet: run the job that applies it, once the request is approved."
  exit 1
  ;;
*)
  echo "The job that plans left no verdict: run it again."
  exit 1
  ;;
esac
