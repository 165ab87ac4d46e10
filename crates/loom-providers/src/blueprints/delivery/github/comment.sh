#!/bin/sh
# Puts the plan into loom's one comment on the pull request. The file comes from a job that ran on
# code under review: it is data, and nothing of it is run or printed.
set -eu
file=loom-summary.md
refuse() {
  echo "::error title=Loom::$1"
  exit 1
}
if [ -L "$file" ] || [ ! -f "$file" ]; then
  refuse "The plan was not handed over as a file."
fi
if [ "$(wc -c <"$file")" -gt 65000 ]; then
  refuse "The plan is longer than a comment may be."
fi
IFS= read -r first <"$file" || true
if [ "$first" != '<!-- loom plan -->' ]; then
  refuse "What was handed over is no plan of loom."
fi
ids=$(gh api --paginate "repos/$REPOSITORY/issues/$NUMBER/comments?per_page=100" \
  --jq '.[] | select(.user.login == "github-actions[bot]" and (.body | startswith("<!-- loom plan -->"))) | .id')
id=${ids%%[!0-9]*}
if [ -n "$id" ]; then
  gh api --silent --method PATCH "repos/$REPOSITORY/issues/comments/$id" --field "body=@$file"
else
  gh api --silent --method POST "repos/$REPOSITORY/issues/$NUMBER/comments" --field "body=@$file"
fi
