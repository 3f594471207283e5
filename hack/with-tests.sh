#!/usr/bin/env bash
# Prints the packages that have a test function whose name starts with $1 (Benchmark, Fuzz), so that
# the test binaries of all the others need not be built to find them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

files=$(git grep --untracked -l "^func $1" -- '*_test.go') || {
  printf 'no test function starts with %s\n' "$1" >&2
  exit 1
}
xargs -n 1 dirname <<<"$files" | sort -u | sed 's|^|./|'
