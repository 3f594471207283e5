# One static binary and the certificate authorities, nothing else.
#
#   docker buildx build --platform linux/amd64,linux/arm64 \
#     --build-arg VERSION="$(git describe --tags --always --dirty)" -t router .
#   docker buildx build --build-arg BINARY=tiershift -t tiershift .

# The compiler runs on the platform of the builder and compiles for the other: no emulation.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src

# The modules change less often than the source: they stay in a layer of their own.
COPY go.mod go.sum ./
RUN go mod download

COPY . .
ARG BINARY=router
ARG VERSION
ARG TARGETOS
ARG TARGETARCH
# Without cgo the binary needs no libc. There is no .git here, so the version is an argument.
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X github.com/tiershift/tiershift/internal/version.version=$VERSION" \
    -o /out/app ./cmd/$BINARY

FROM scratch
# Providers are called over TLS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/app /app
# A number, because runAsNonRoot cannot check a name. The file system may be read-only.
USER 65532:65532
# The router's traffic and admin, the operator's metrics.
EXPOSE 8080 8081 8443
ENTRYPOINT ["/app"]
