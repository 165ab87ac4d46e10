#!/bin/sh
# Applies exactly the plan that was reviewed, as one commit on the request's branch. The push is
# never forced: where the branch moved on, GitLab refuses, and the next pipeline plans anew.
set -euf
refuse() {
  echo "$1" >&2
  exit 1
}
[ -n "${LOOM_PUSH_TOKEN:-}" ] || refuse "The variable LOOM_PUSH_TOKEN is not set for the environment loom: a project access token with the scope write_repository. GitLab's own job token starts no pipeline with what it pushes."
[ "$CI_MERGE_REQUEST_SOURCE_BRANCH_NAME" != "$CI_DEFAULT_BRANCH" ] || refuse "The request's branch is the default branch, to which loom never pushes."
if [ -L loom-report ] || [ -L loom-report/digest ] || [ ! -f loom-report/digest ]; then
  refuse "The job that plans left no digest to hold the apply to: run it again."
fi
digest=$(head -c 65 loom-report/digest)
if [ -z "$digest" ]; then
  echo "Nothing is left to do."
  exit 0
fi
case $digest in
*[!0-9a-f]*) refuse "The plan has no digest to hold the apply to." ;;
esac
if [ -n "${CI_MERGE_REQUEST_SOURCE_BRANCH_SHA:-}" ]; then
  git checkout --quiet --detach "$CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"
fi
# the commit is that of the person who started this job
export GIT_COMMITTER_NAME="$GITLAB_USER_NAME" GIT_COMMITTER_EMAIL="$GITLAB_USER_EMAIL"
"$LOOM_HOME/bin/loom" apply --expect "$digest" --to-branch loom-apply
if ! git rev-parse --quiet --verify refs/heads/loom-apply >/dev/null; then
  echo "Nothing was left to do."
  exit 0
fi
export LOOM_PUSH_TOKEN
git -c core.hooksPath=/dev/null -c credential.helper= -c credential.helper="!f() { echo username=loom; echo \"password=\$LOOM_PUSH_TOKEN\"; }; f" \
  push "$CI_SERVER_URL/$CI_PROJECT_PATH.git" "refs/heads/loom-apply:refs/heads/$CI_MERGE_REQUEST_SOURCE_BRANCH_NAME" ||
  refuse "The push was refused, and the branch is as it was. Where somebody pushed meanwhile, the next pipeline plans anew."
