#!/usr/bin/env bash
# Checks everything that tests do not: that generated files are current, that the architecture holds,
# and that the code is clean. It changes nothing but the Go caches, so it works in a tree with
# changes too. Every step runs, and each that fails says what repairs it.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=()

# step NAME REPAIR COMMAND...: its output is shown only if it fails, and of a long one the start.
step() {
  local name=$1 repair=$2 started=$SECONDS
  shift 2
  if "$@" >"$scratch/log" 2>&1; then
    printf '✓ %-26s %4d s\n' "$name" $((SECONDS - started))
    return
  fi
  printf '✗ %-26s %4d s\n' "$name" $((SECONDS - started))
  awk 'NR <= 40 { print "    " $0 } END { if (NR > 40) printf "    … %d more lines\n", NR - 40 }' "$scratch/log"
  printf '    %s\n' "$repair"
  failed+=("$name")
}

# same GENERATED COMMITTED: shows what generating would change, also a file that only one side has.
same() { diff -ruN "$2" "$1"; }

deepcopy() {
  make -s generate DEEPCOPY_DIR="$scratch/deepcopy" &&
    same "$scratch/deepcopy/zz_generated.deepcopy.go" api/v1alpha1/zz_generated.deepcopy.go
}

crds() {
  mkdir -p "$scratch/crds" "$scratch/chart" "$scratch/rbac" "$scratch/chartrbac" &&
    make -s manifests CRD_DIR="$scratch/crds" CHART_CRD_DIR="$scratch/chart" RBAC_DIR="$scratch/rbac" \
      CHART_RBAC_DIR="$scratch/chartrbac" &&
    same "$scratch/crds" config/crd/bases && same "$scratch/chart" charts/tiershift/templates/crds &&
    same "$scratch/rbac/role.yaml" config/rbac/role.yaml && same "$scratch/chartrbac" charts/tiershift/files/rbac
}

reference() {
  make -s docs API_REFERENCE="$scratch/api.md" && same "$scratch/api.md" docs/reference/api.md
}

formatted() {
  local files
  files=$(gofmt -l api cmd config hack internal test) && [[ -z $files ]] || { printf '%s\n' "$files"; false; }
}

scripts() {
  local script status=0
  while IFS= read -r script; do
    bash -n "$script" || status=1
  done < <(git ls-files --cached --others --exclude-standard -- '*.sh' .ci/run)
  return "$status"
}

step 'deep copies are current' 'run: make generate' deepcopy
step 'CRDs and RBAC are current' 'run: make manifests' crds
step 'API reference is current' 'run: make docs' reference
step 'go.mod files are tidy' 'run: make tidy' make -s tidy TIDYFLAGS=-diff
step 'Go code is formatted' 'run: make fmt' formatted
step 'go vet' 'repair what it names' go vet ./...
step 'import arrows' 'break the chain, or move the package in hack/arrows/groups.go' go run ./hack/arrows
step 'chart and kustomizations' 'run: hack/chart/generate.sh, then see what it names' hack/chart/verify.sh
step 'shell scripts parse' 'repair what it names' scripts
step 'nothing of one machine' 'remove what it names' hack/portable.sh
step 'coverage of pure packages' 'add tests, then run: make cover' make -s cover
step 'golangci-lint' 'repair what it names, then run: make lint' make -s lint

if ((${#failed[@]})); then
  printf '\n%d failed in %d s:' "${#failed[@]}" "$SECONDS"
  printf ' [%s]' "${failed[@]}"
  printf '\n'
  exit 1
fi
printf '\nall clean in %d s\n' "$SECONDS"
