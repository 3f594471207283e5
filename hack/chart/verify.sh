#!/usr/bin/env bash
# Checks the chart and the kustomizations: that what is generated from them is current, that Helm has
# nothing to complain of, and that every object fits the schema of its kind. Quiet when all is well.
# test/chart has a real kube-apiserver accept the same objects.
#
#   KUBECONFORM_SCHEMAS  a directory to keep the schemas in; default: a temporary one
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. hack/chart/lib.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
schemas=${KUBECONFORM_SCHEMAS:-$scratch/schemas}
status=0

# check WHAT REPAIR COMMAND...: its output is shown only if it fails.
check() {
  local what=$1 repair=$2
  shift 2
  if ! "$@" >"$scratch/log" 2>&1; then
    printf '%s:\n' "$what"
    head -n 60 "$scratch/log"
    printf '  %s\n' "$repair"
    status=1
  fi
}

same() { diff -ruN "$2" "$1"; }

rbac() { hack/chart/rbac.sh config/rbac/role.yaml "$scratch/rbac" && same "$scratch/rbac" charts/tiershift/files/rbac; }

generated() {
  local folder
  hack/chart/generate.sh "$scratch/out" || return
  for folder in manager prometheus network-policy; do
    cp -r "config/$folder" "$scratch/current.$folder" &&
      rm -f "$scratch/current.$folder/kustomization.yaml" &&
      same "$scratch/out/config/$folder" "$scratch/current.$folder" || return
  done
  cp -r test/chart/testdata/golden "$scratch/golden" && rm -f "$scratch/golden/kustomize.yaml" &&
    same "$scratch/out/test/chart/testdata/golden" "$scratch/golden" || return
  kustomize build config/default | hack/chart/without-crds.sh | diff -u test/chart/testdata/golden/kustomize.yaml -
}

# crds: as Helm renders them, they are those of config/crd to the byte.
crds() {
  local crd
  for crd in config/crd/bases/*.yaml; do
    # The substitution drops the empty lines that Helm ends with.
    printf '%s\n' "$(render tiershift tiershift-system --set crds.keep=false --show-only "templates/crds/${crd##*/}" |
      grep -v '^# Source')" >"$scratch/crd.yaml"
    diff -u "$crd" "$scratch/crd.yaml" || return
  done
  render tiershift tiershift-system | grep -c 'helm.sh/resource-policy: keep' | grep -qx 3 ||
    { printf 'crds.keep does not keep all three\n'; return 1; }
}

lint() {
  local values
  helm lint charts/tiershift --strict --quiet --kube-version 1.29.0 || return
  for values in test/chart/testdata/values/*.yaml; do
    helm lint charts/tiershift --strict --quiet --kube-version 1.29.0 --values "$values" || { printf 'with %s\n' "$values"; return 1; }
  done
}

# refusals: values that cannot work are refused by the schema or by a template.
refusals() {
  local line
  while IFS= read -r line; do
    [[ $line ]] || continue
    # shellcheck disable=SC2086 # each line is a list of arguments
    if render tiershift tiershift-system $line >/dev/null 2>&1; then
      printf 'accepted: %s\n' "$line"
      return 1
    fi
  done <test/chart/testdata/refused.txt
}

write_schemas() {
  local kubernetes operator crd folder
  [[ -d $schemas ]] && return
  kubernetes=$(cd hack/k8s && go mod download k8s.io/kubernetes && go list -m -f '{{.Dir}}' k8s.io/kubernetes) &&
    operator=$(cd hack/chart/monitoring && go mod download github.com/prometheus-operator/prometheus-operator &&
      go list -m -f '{{.Dir}}' github.com/prometheus-operator/prometheus-operator) || return
  folder=$operator/example/prometheus-operator-crd/monitoring.coreos.com
  go run ./hack/chart/schemas -swagger "$kubernetes/api/openapi-spec/swagger.json" -out "$schemas" config/crd/bases/*.yaml \
    "${folder}"_{servicemonitors,podmonitors,prometheusrules}.yaml
}

# objects: nothing may be skipped but what Argo CD defines.
objects() {
  local folder
  write_schemas || return
  mkdir -p "$scratch/built"
  for folder in default prometheus network-policy argocd; do
    kustomize build "config/$folder" >"$scratch/built/$folder.yaml" || return
  done
  kustomize build --load-restrictor LoadRestrictionsNone test/chart/testdata/waves >"$scratch/built/waves.yaml" || return
  kubeconform -strict -schema-location "$schemas/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json" \
    -skip argoproj.io/v1alpha1/Application \
    test/chart/testdata/golden "$scratch/built" config/samples config/argocd/applications.yaml
}

expressions() { (cd hack/chart/monitoring && go run ./promql ../../../test/chart/testdata/golden/*.yaml); }

check "the chart's rules are not those of config/rbac/role.yaml" 'run: make manifests' rbac
check 'what is generated from the chart is not current' 'run: hack/chart/generate.sh, and look at the difference' generated
check 'the CRDs of the chart are not those of config/crd' 'run: make manifests' crds
check 'helm lint' 'repair what it names' lint
check 'values that cannot work are accepted' 'let values.schema.json or a template refuse them' refusals
check 'objects do not fit the schemas of their kinds' 'repair what it names' objects
check 'expressions of alerts do not parse' 'repair what it names' expressions
exit "$status"
