#!/bin/sh
# Keeps one issue while files have drifted, and closes it when all is well. The report is data, and
# nothing of it is run or printed.
set -eu
file=loom-summary.md
refuse() {
  echo "::error title=Loom::$1"
  exit 1
}
if [ -L "$file" ] || [ ! -f "$file" ] || [ "$(wc -c <"$file")" -gt 65000 ]; then
  refuse "The report was not handed over as a file that fits into an issue."
fi
IFS= read -r first <"$file" || true
if [ "$first" != '<!-- loom drift -->' ]; then
  refuse "What was handed over is no report of loom."
fi
numbers=$(gh api --paginate "repos/$REPOSITORY/issues?state=open&labels=loom-drift&per_page=100" \
  --jq '.[] | select(.user.login == "github-actions[bot]" and ((.body // "") | startswith("<!-- loom drift -->"))) | .number')
number=${numbers%%[!0-9]*}
if [ "$CODE" = 0 ]; then
  for number in $numbers; do
    gh api --silent --method POST "repos/$REPOSITORY/issues/$number/comments" --field "body=All files are as declared again: $RUN"
    gh api --silent --method PATCH "repos/$REPOSITORY/issues/$number" --field state=closed --field state_reason=completed
  done
elif [ -n "$number" ]; then
  gh api --silent --method PATCH "repos/$REPOSITORY/issues/$number" --field "body=@$file"
else
  gh label create loom-drift --repo "$REPOSITORY" --force --color d4c5f9 --description "Generated files that are not as declared"
  gh api --silent --method POST "repos/$REPOSITORY/issues" --field "title=Generated files have drifted" \
    --field "labels[]=loom-drift" --field "body=@$file"
fi
