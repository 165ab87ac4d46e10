#!/bin/sh
# Stands for GitHub's `gh`: comments and issues are directories of $FORGE, each with author, body
# and state. It knows the filters of loom's scripts word by word, and refuses any other.
set -eu
echo "$*" >>"$FORGE/log"
if [ "$1" = label ]; then
  exit 0
fi
shift
method=GET filter='' url='' state=open
while [ $# -gt 0 ]; do
  case $1 in
  --paginate | --silent) ;;
  --method)
    method=$2
    shift
    ;;
  --jq)
    filter=$2
    shift
    ;;
  --field)
    case $2 in
    "body=@"*) cp "${2#body=@}" "$FORGE/body" ;;
    "body="*) printf '%s\n' "${2#body=}" >"$FORGE/body" ;;
    "state=closed") state=closed ;;
    esac
    shift
    ;;
  *) url=$1 ;;
  esac
  shift
done
find_marked() {
  number=1
  while [ -d "$FORGE/$number" ]; do
    IFS= read -r first <"$FORGE/$number/body" || true
    if [ "$(cat "$FORGE/$number/author")" = "github-actions[bot]" ] && [ "$first" = "$1" ] &&
      [ "$(cat "$FORGE/$number/state")" = open ]; then
      echo "$number"
    fi
    number=$((number + 1))
  done
}
case "$method $url $filter" in
"GET repos/o/r/issues/7/comments?per_page=100 "'.[] | select(.user.login == "github-actions[bot]" and (.body | startswith("<!-- loom plan -->"))) | .id')
  find_marked '<!-- loom plan -->'
  ;;
"GET repos/o/r/issues?state=open&labels=loom-drift&per_page=100 "'.[] | select(.user.login == "github-actions[bot]" and ((.body // "") | startswith("<!-- loom drift -->"))) | .number')
  find_marked '<!-- loom drift -->'
  ;;
"GET repos/o/r/environments/loom "'[.protection_rules[]? | select(.type == "required_reviewers")] | length')
  cat "$FORGE/reviewers"
  ;;
"POST repos/o/r/issues/7/comments " | "POST repos/o/r/issues ")
  number=1
  while [ -d "$FORGE/$number" ]; do
    number=$((number + 1))
  done
  mkdir "$FORGE/$number"
  echo 'github-actions[bot]' >"$FORGE/$number/author"
  echo open >"$FORGE/$number/state"
  cp "$FORGE/body" "$FORGE/$number/body"
  ;;
"POST repos/o/r/issues/"*"/comments ")
  cp "$FORGE/body" "$FORGE/last-words"
  ;;
"PATCH repos/o/r/issues/"*)
  number=${url##*/}
  if [ "$state" = closed ]; then
    echo closed >"$FORGE/$number/state"
  else
    cp "$FORGE/body" "$FORGE/$number/body"
  fi
  ;;
*)
  echo "unknown to this gh: $method $url $filter" >&2
  exit 1
  ;;
esac
