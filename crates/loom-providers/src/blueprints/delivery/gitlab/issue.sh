#!/bin/sh
# Keeps one issue while files have drifted, and closes it when all is well.
set -eu
file=loom-report/summary.md
refuse() {
  echo "$1" >&2
  exit 1
}
[ -n "${LOOM_TOKEN:-}" ] || refuse "The variable LOOM_TOKEN is not set: a project access token with the scope api, by which loom writes its issue."
if [ -L "$file" ] || [ ! -f "$file" ] || [ "$(wc -c <"$file")" -gt 65000 ]; then
  refuse "The report was not handed over as a file that fits into an issue."
fi
IFS= read -r first <"$file" || true
[ "$first" = '<!-- loom drift -->' ] || refuse "What was handed over is no report of loom."
umask 077
home=$(mktemp -d)
printf 'PRIVATE-TOKEN: %s\n' "$LOOM_TOKEN" >"$home/token"
# a line that begins with a stroke would be an order to GitLab
sed 's|^/|\\/|' "$file" >"$home/body"
call() {
  curl --fail-with-body --silent --show-error --header "@$home/token" "$@"
}
issues="$CI_API_V4_URL/projects/$CI_PROJECT_ID/issues"
me=$(call "$CI_API_V4_URL/user" | jq --raw-output .id)
call "$issues?state=opened&labels=loom-drift&author_id=$me&scope=all&sort=asc&order_by=created_at&per_page=100" >"$home/issues"
numbers=$(jq --raw-output '.[] | select((.description // "") | startswith("<!-- loom drift -->")) | .iid' "$home/issues")
number=${numbers%%[!0-9]*}
if [ "$(cat loom-report/code)" = 0 ]; then
  for number in $numbers; do
    call --output /dev/null --request POST --data-urlencode "body=All files are as declared again: $CI_PIPELINE_URL" "$issues/$number/notes"
    call --output /dev/null --request PUT --data-urlencode state_event=close "$issues/$number"
  done
elif [ -n "$number" ]; then
  call --output /dev/null --request PUT --data-urlencode "description@$home/body" "$issues/$number"
else
  call --output /dev/null --request POST --data-urlencode "title=Generated files have drifted" \
    --data-urlencode labels=loom-drift --data-urlencode "description@$home/body" "$issues"
fi
