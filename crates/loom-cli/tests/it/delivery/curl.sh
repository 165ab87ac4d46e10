#!/bin/sh
# Stands for `curl` before GitLab's API: notes and issues are directories of $FORGE.
set -eu
method=GET url='' state=opened
rm -f "$FORGE/body"
while [ $# -gt 0 ]; do
  case $1 in
  --fail-with-body | --silent | --show-error) ;;
  --output) shift ;;
  --header)
    [ "$(cat "${2#@}")" = "PRIVATE-TOKEN: secret" ] || exit 22
    shift
    ;;
  --request)
    method=$2
    shift
    ;;
  --data-urlencode)
    case $2 in
    "body@"* | "description@"*) cp "${2#*@}" "$FORGE/body" ;;
    "body="*) printf '%s\n' "${2#body=}" >"$FORGE/body" ;;
    "state_event=close") state=closed ;;
    esac
    shift
    ;;
  *) url=$1 ;;
  esac
  shift
done
echo "$method $url" >>"$FORGE/log"
api=https://gitlab.example/api/v4
case "$method $url" in
"GET $api/user") echo '{"id": 5}' ;;
"GET $api/projects/3/merge_requests/7/notes?sort=asc&order_by=created_at&per_page=100&page=1" | "GET $api/projects/3/issues?"*)
  if [ -d "$FORGE/1" ]; then echo '[{}]'; else echo '[]'; fi
  ;;
"GET $api/projects/3/merge_requests/7/notes?"*) echo '[]' ;;
"POST $api/projects/3/merge_requests/7/notes" | "POST $api/projects/3/issues")
  number=1
  while [ -d "$FORGE/$number" ]; do
    number=$((number + 1))
  done
  mkdir "$FORGE/$number"
  echo 5 >"$FORGE/$number/author"
  echo open >"$FORGE/$number/state"
  cp "$FORGE/body" "$FORGE/$number/body"
  ;;
"POST $api/projects/3/issues/"*"/notes") cp "$FORGE/body" "$FORGE/last-words" ;;
"PUT $api/projects/3/"*)
  number=${url##*/}
  if [ "$state" = closed ]; then
    echo closed >"$FORGE/$number/state"
  else
    cp "$FORGE/body" "$FORGE/$number/body"
  fi
  ;;
*)
  echo "unknown to this curl: $method $url" >&2
  exit 1
  ;;
esac
