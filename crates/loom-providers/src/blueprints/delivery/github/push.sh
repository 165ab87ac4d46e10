#!/bin/sh
# Pushes the one commit of loom onto the request's branch. It is never forced: where the branch
# moved on, GitHub refuses, and the next run plans anew.
set -eu
if ! git rev-parse --quiet --verify refs/heads/loom-apply >/dev/null; then
  echo "Nothing was left to do."
  exit 0
fi
if ! git -c core.hooksPath=/dev/null -c credential.helper= -c credential.helper='!gh auth git-credential' \
  push "$SERVER/$REPOSITORY.git" "refs/heads/loom-apply:refs/heads/$BRANCH"; then
  echo "::error title=Loom::The push was refused, and the branch is as it was. Where somebody pushed meanwhile, the next run plans anew; else see what the app may do."
  exit 1
fi
