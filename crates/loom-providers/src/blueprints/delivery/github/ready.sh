#!/bin/sh
# Refuses before anything is built or written where the push could not or must not happen.
set -eu
refuse() {
  echo "::error title=Loom::$1"
  exit 1
}
if [ -z "$CLIENT_ID" ]; then
  refuse "The variable LOOM_APP_CLIENT_ID is not set. GitHub's own token may not push workflow files, and what it pushes starts no workflow, so loom pushes as a GitHub App: docs/guide/github.md of loom has the steps."
fi
if [ -z "$DEFAULT_BRANCH" ] || [ "$BRANCH" = "$DEFAULT_BRANCH" ]; then
  refuse "The request's branch is the default branch, to which loom never pushes."
fi
case $DIGEST in
"" | *[!0-9a-f]*) refuse "The plan has no digest to hold the apply to." ;;
esac
reviewers=$(gh api "repos/$REPOSITORY/environments/loom" \
  --jq '[.protection_rules[]? | select(.type == "required_reviewers")] | length')
case $reviewers in
"" | 0 | *[!0-9]*) refuse "The environment loom has no required reviewers, so nobody approved this plan. Add them in the repository's settings, under Environments." ;;
esac
