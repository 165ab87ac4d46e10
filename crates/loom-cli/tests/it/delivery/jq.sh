#!/bin/sh
# Stands for `jq` over what the curl beside it gives: it knows the filters of loom's scripts word
# by word, and refuses any other.
set -eu
find_marked() {
  number=1
  while [ -d "$FORGE/$number" ]; do
    IFS= read -r first <"$FORGE/$number/body" || true
    if [ "$(cat "$FORGE/$number/author")" = 5 ] && [ "$first" = "$1" ] && [ "$(cat "$FORGE/$number/state")" = open ]; then
      echo "$number"
    fi
    number=$((number + 1))
  done
}
case "$*" in
"--raw-output .id") echo 5 ;;
"--raw-output --argjson me 5 [.[] | select(.author.id == \$me and (.body | startswith(\"<!-- loom plan -->\"))) | .id][0] // empty "*)
  found=$(find_marked '<!-- loom plan -->')
  echo "${found%%[!0-9]*}"
  ;;
'--raw-output .[] | select((.description // "") | startswith("<!-- loom drift -->")) | .iid '*)
  find_marked '<!-- loom drift -->'
  ;;
*)
  echo "unknown to this jq: $*" >&2
  exit 1
  ;;
esac
