#!/bin/sh
# Builds loom from this checkout of its action, or takes the one that was built of the same sources.
#
# `install.sh key` prints what the build is made of as an output of the step; `install.sh build`
# builds, and puts loom on the PATH of the steps that follow.
set -eu
cd "$(dirname "$0")/.."
home=${RUNNER_TEMP:?}/loom
case ${1:-} in
key)
  key=$(find Cargo.toml Cargo.lock rust-toolchain.toml crates -type f | LC_ALL=C sort | tr '\n' '\0' |
    xargs -0 sha256sum | sha256sum | cut -c 1-40)
  echo "key=$key" >>"$GITHUB_OUTPUT"
  ;;
build)
  if [ ! -x "$home/bin/loom" ]; then
    cargo install --locked --path crates/loom-cli --root "$home" --target-dir "${RUNNER_TEMP:?}/loom-build"
  fi
  "$home/bin/loom" --version
  echo "$home/bin" >>"$GITHUB_PATH"
  ;;
*)
  echo "usage: install.sh key|build" >&2
  exit 1
  ;;
esac
