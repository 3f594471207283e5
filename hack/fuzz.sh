#!/usr/bin/env bash
# Runs every fuzz target for the time given, one after the other.
#
#   hack/fuzz.sh [30s]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
duration=${1:-30s}

packages=$(hack/with-tests.sh Fuzz)
for package in $packages; do
  for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz'); do
    printf '%s %s\n' "$package" "$target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$duration" "$package"
  done
done
