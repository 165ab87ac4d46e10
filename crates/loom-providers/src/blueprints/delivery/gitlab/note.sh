#!/bin/sh
# Puts the plan into loom's one note on the merge request. The file comes from a job that ran on
# code under review: it is data, and nothing of it is run.
set -eu
file=loom-report/summary.md
refuse() {
  echo "$1" >&2
  exit 1
}
[ -n "${LOOM_TOKEN:-}" ] || refuse "The variable LOOM_TOKEN is not set: a project access token with the scope api, by which loom writes its note."
if [ -L "$file" ] || [ ! -f "$file" ] || [ "$(wc -c <"$file")" -gt 65000 ]; then
  refuse "The plan was not handed over as a file that fits into a note."
fi
IFS= read -r first <"$file" || true
[ "$first" = '<!-- loom plan -->' ] || refuse "What was handed over is no plan of loom."
umask 077
home=$(mktemp -d)
printf 'PRIVATE-TOKEN: %s\n' "$LOOM_TOKEN" >"$home/token"
# a line that begins with a stroke would be an order to GitLab
sed 's|^/|\\/|' "$file" >"$home/body"
call() {
  curl --fail-with-body --silent --show-error --header "@$home/token" "$@"
}
notes="$CI_API_V4_URL/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes"
me=$(call "$CI_API_V4_URL/user" | jq --raw-output .id)
page=1
id=''
while [ -z "$id" ]; do
  call "$notes?sort=asc&order_by=created_at&per_page=100&page=$page" >"$home/notes"
  [ "$(cat "$home/notes")" != '[]' ] || break
  id=$(jq --raw-output --argjson me "$me" \
    '[.[] | select(.author.id == $me and (.body | startswith("<!-- loom plan -->"))) | .id][0] // empty' "$home/notes")
  page=$((page + 1))
done
if [ -n "$id" ]; then
  call --output /dev/null --request PUT --data-urlencode "body@$home/body" "$notes/$id"
else
  call --output /dev/null --request POST --data-urlencode "body@$home/body" "$notes"
fi
