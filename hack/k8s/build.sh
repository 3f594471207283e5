#!/usr/bin/env bash
# Builds kube-apiserver and etcd from the Go modules that go.mod pins, for the integration tests.
#
#   OUT                 where builds are kept; default: bin/k8s of the repository
#   KUBEBUILDER_ASSETS  a directory that holds both binaries already: nothing is built then
#
# The last line of stdout is the directory with the binaries; progress goes to stderr. $OUT/current
# links to the newest build. Each build has a directory of its own, named after its versions and a
# hash of everything that went into it, so a directory that exists is complete and current. Older
# ones stay until they are deleted: another branch may pin their versions.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${OUT:-$here/../../bin/k8s}
stage='' child='' lock_dir=''

say() { printf '[%4ds] %s\n' "$SECONDS" "$*" >&2; }

holds_both() { [[ -x $1/kube-apiserver && -x $1/etcd ]]; }

# A workspace above the repository or flags of the caller must not change what is built.
export GOWORK=off GOFLAGS=-mod=readonly CGO_ENABLED=0

pinned_version() { go list -C "$here" -m -f '{{.Version}}' "$1"; }

input_hash() {
  local sum
  sum=$({ cat "$here/go.mod" "$here/go.sum" "$here/build.sh"; go env -C "$here" GOVERSION; } | sha256sum)
  printf '%s' "${sum:0:12}"
}

# The API server derives its feature gates and its compatibility version from these variables; the
# release build sets the same ones. A module carries no commit, as a source archive does not.
version_flags() {
  local version=$1 major minor package
  IFS=. read -r major minor _ <<<"${version#v}"
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    printf -- '-X %s.%s ' "$package" "gitVersion=$version" "$package" "gitMajor=$major" \
      "$package" "gitMinor=$minor" "$package" gitTreeState=archive "$package" gitCommit=
  done
}

# run COMMAND...: in the background, because bash handles a signal only between foreground commands.
run() {
  "$@" >&2 &
  child=$!
  wait "$child"
  child=''
}

# Only one build at a time per $OUT. The lock of flock passes on to the compiler: if this script is
# killed outright, the next one waits for the compiler it left behind instead of competing with it.
lock() {
  local announced=''
  if command -v flock >/dev/null; then
    exec 9>"$out/.lock"
    flock --nonblock 9 || { say "waiting for another build in $out"; run flock 9; }
    return
  fi
  until mkdir "$out/.lock.d" 2>/dev/null; do
    [[ $announced ]] || say "waiting for another build; if there is none, remove $out/.lock.d"
    announced=yes
    sleep 1
  done
  lock_dir=$out/.lock.d
}

cleanup() {
  [[ -z $child ]] || kill "$child" 2>/dev/null || true
  [[ -z $stage ]] || rm -rf "$stage"
  [[ -z $lock_dir ]] || rmdir "$lock_dir"
}

# build NAME VERSION PACKAGE LDFLAGS DURATION
build() {
  local started=$SECONDS
  say "building $1 $2 from its Go module; $5 on two cores the first time"
  run nice go build -C "$here" -trimpath -ldflags "-s -w $4" -o "$stage/$1" "$3"
  say "built $1 in $((SECONDS - started)) s"
}

# publish DIR: points current at DIR and ends the script's stdout with it.
publish() {
  [[ $(readlink "$out/current" || true) == "${1##*/}" ]] || ln -sfn "${1##*/}" "$out/current"
  printf '%s\n' "$1"
}

main() {
  if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
    if holds_both "$KUBEBUILDER_ASSETS"; then
      printf '%s\n' "$KUBEBUILDER_ASSETS"
      return
    fi
    say "KUBEBUILDER_ASSETS is $KUBEBUILDER_ASSETS, which lacks kube-apiserver or etcd: not used"
  fi

  local kubernetes etcd dir
  kubernetes=$(pinned_version k8s.io/kubernetes)
  etcd=$(pinned_version go.etcd.io/etcd/server/v3)
  mkdir -p "$out"
  out=$(cd "$out" && pwd)
  dir=$out/$kubernetes-etcd-$etcd-$(go env GOOS)-$(go env GOARCH)-$(input_hash)
  if holds_both "$dir"; then
    publish "$dir"
    return
  fi

  trap cleanup EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  lock
  if ! holds_both "$dir"; then
    rm -rf "$out"/.stage.*
    stage=$(mktemp -d "$out/.stage.XXXXXX")
    chmod 755 "$stage"
    build kube-apiserver "$kubernetes" k8s.io/kubernetes/cmd/kube-apiserver \
      "$(version_flags "$kubernetes")" "about 6 minutes"
    build etcd "$etcd" go.etcd.io/etcd/server/v3 "" "about 20 seconds"
    mv "$stage" "$dir"
    stage=''
  fi
  publish "$dir"
}

main
