#!/bin/sh
# Keeps the request from being merged before its plan is applied.
set -eu
if [ "$(cat loom-report/code)" = 2 ]; then
  echo "The plan is not applied yet: run the job that applies it, once the request is approved."
  exit 1
fi
