#!/usr/bin/env bash
# kind-load.sh IMAGE BINARY: makes an image of one static binary with docker and loads it into the
# kind cluster KIND_CLUSTER (kind). For make e2e.
set -euo pipefail
(($# == 2)) || { echo 'usage: kind-load.sh IMAGE BINARY' >&2; exit 2; }
image=$1 binary=$2
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
cp "$binary" "$context/app"
printf 'FROM scratch\nCOPY app /app\nUSER 65532:65532\nENTRYPOINT ["/app"]\n' >"$context/Dockerfile"
docker build --quiet --tag "$image" "$context"
kind load docker-image --name "${KIND_CLUSTER:-kind}" "$image"
