#!/usr/bin/env bash
# Renders the chart into what is kept of it under $1 (default: the repository):
#
#   test/chart/testdata/golden  the objects of every values file in test/chart/testdata/values,
#                               without the CRDs, and those of config/default
#   config/manager, config/prometheus, config/network-policy
#                               the manifests that kustomizations are made of
#
# The chart is the one source of all of them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. hack/chart/lib.sh
out=${1:-.}
golden=$out/test/chart/testdata/golden

# without_helm: no manifest of a kustomization says that Helm manages it or where in the chart it is from.
without_helm() {
  printf '# Generated from charts/tiershift by hack/chart/generate.sh; do not edit.\n'
  grep -vE '^ *(helm[.]sh/chart|app[.]kubernetes[.]io/managed-by: Helm|# Source)' || true
}

# base FILE TEMPLATE...: as a release named tiershift has them.
base() {
  local file=$out/config/$1 templates=()
  shift
  for template in "$@"; do templates+=(--show-only "templates/$template.yaml"); done
  mkdir -p "${file%/*}"
  render tiershift tiershift-system --values hack/chart/kustomize.values.yaml "${templates[@]}" | without_helm >"$file"
}

base manager/manager.yaml serviceaccount deployment pdb metrics-service
base prometheus/operator.yaml servicemonitor
base prometheus/routers.yaml podmonitor
base prometheus/alerts.yaml prometheusrule
base network-policy/network-policy.yaml networkpolicy

mkdir -p "$golden"
rm -f "$golden"/*.yaml
for values in test/chart/testdata/values/*.yaml; do
  name=${values##*/}
  render tiershift tiershift-system --set crds.install=false --values "$values" >"$golden/$name"
done
# Another name, and a namespace that is not the usual one.
render routing platform --set crds.install=false >"$golden/another-release.yaml"
if [[ $out == . ]]; then
  kustomize build config/default | hack/chart/without-crds.sh >"$golden/kustomize.yaml"
fi
