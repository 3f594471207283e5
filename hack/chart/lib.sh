# What the scripts of this folder share. Source it with the repository as the working directory.

helm() { go tool -modfile=hack/chart/tools/go.mod helm "$@"; }
kustomize() { go tool -modfile=hack/chart/tools/go.mod kustomize "$@"; }
kubeconform() { go tool -modfile=hack/chart/tools/go.mod kubeconform "$@"; }

# render NAME NAMESPACE ARGUMENT...: the chart as a release of that name would be.
render() {
  local name=$1 namespace=$2
  shift 2
  helm template "$name" charts/tiershift --namespace "$namespace" --kube-version 1.31.0 "$@"
}
