#!/bin/sh
# Drift is what the issue is for; that loom could not compare is an error of this run too.
set -eu
case $CODE in
0) echo "Every generated file is as declared." ;;
2) echo "::warning title=Loom::Generated files have drifted. The issue with the label loom-drift says which." ;;
*)
  echo "::error title=Loom::Loom could not compare every file. The log of the step Compare says why."
  exit 1
  ;;
esac
