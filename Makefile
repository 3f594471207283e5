# Everything that a developer or CI runs. Go, make and git are all that is needed: every tool is a
# Go module that go.mod, hack/tools/go.mod, hack/lint/go.mod or hack/k8s/go.mod pins.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# An empty version lets the binary say what the Go tool knows of it.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -s -w -X github.com/tiershift/tiershift/internal/version.version=$(VERSION)
BINARIES := $(patsubst cmd/%,bin/%,$(wildcard cmd/*))

TOOL := go tool -modfile=hack/tools/go.mod
LINT := go tool -modfile=hack/lint/go.mod golangci-lint
MODULES := . hack/tools hack/lint hack/k8s hack/tokens hack/chart/tools hack/chart/monitoring

# The race detector needs cgo, and so a C compiler, which a machine need not have.
RACE ?= $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)
TEST_TIMEOUT ?= 20m
TEST = go test $(RACE) -timeout $(TEST_TIMEOUT)

# Packages whose results depend on their arguments only: COVERAGE percent of the statements of each
# are covered by its own tests.
COVERAGE ?= 85
PURE := ./internal/classify/... ./internal/compile/... ./internal/expression/... ./internal/feedback/... ./internal/judge/... \
	./internal/pricing/... ./internal/provider/... ./internal/requestid/... ./internal/routerconfig/... ./internal/shift/... \
	./internal/validation/... ./internal/workload/...

FUZZTIME ?= 30s
BENCH ?= .
COUNT ?= 6

# Where generated files go; hack/verify.sh generates them elsewhere to compare.
DEEPCOPY_DIR ?= api/v1alpha1
CRD_DIR ?= config/crd/bases
CHART_CRD_DIR ?= charts/tiershift/templates/crds
RBAC_DIR ?= config/rbac
CHART_RBAC_DIR ?= charts/tiershift/files/rbac
API_REFERENCE ?= docs/reference/api.md

##@ Use

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: bin/tiershift ## Route a sample workload on this machine: no cluster, no key. More flags: ARGS="..."
	bin/tiershift run -f config/samples/quickstart --simulate --replay 400 $(ARGS)

.PHONY: build
build: $(BINARIES) ## Build every command into bin

.PHONY: FORCE
$(BINARIES): bin/%: FORCE
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $@ ./cmd/$*

##@ Test

.PHONY: test
test: ## Test everything that needs no cluster, against a real kube-apiserver and etcd
	assets=$$(hack/k8s/build.sh | tail -n 1) && KUBEBUILDER_ASSETS="$$assets" $(TEST) ./...

.PHONY: test-unit
test-unit: ## Test all packages but those that need the control plane
	$(TEST) $$(go list -f '{{.ImportPath}} {{join .TestImports " "}} {{join .XTestImports " "}}' ./... \
		| awk '!/internal\/testenv/ { print $$1 }')

.PHONY: test-race
test-race: RACE := -race
test-race: test ## Like test, but fail where the race detector cannot run

.PHONY: tokens
tokens: ## Hold the token estimate against the real tokenizer
	cd hack/tokens && go test -count=1 ./...

.PHONY: conformance
conformance: ## Ask each feature by each SDK of each provider, and write docs/conformance.md
	go test ./test/conformance -count 1 -run TestMatrix -update
	@sed -n '/^## Clients/,$$p' docs/conformance.md

.PHONY: cover
cover: ## Fail if a pure package has less than COVERAGE (85) percent of its statements covered
	@mkdir -p bin
	go test -coverprofile=bin/cover.out $(PURE)
	go run ./hack/cover -min $(COVERAGE) -profile bin/cover.out $$(go list $(PURE))

.PHONY: bench
bench: ## Run the benchmarks COUNT times into bin/bench.txt; compare with an earlier file: BASE=file
	@mkdir -p bin
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) $$(hack/with-tests.sh Benchmark) | tee bin/bench.txt
	$(TOOL) benchstat $(BASE) bin/bench.txt

.PHONY: bench-proxy
bench-proxy: ## Measure the router beside a bare reverse proxy, as ratios; about five minutes
	go run ./test/bench $(ARGS)

.PHONY: bench-operator
bench-operator: ## Program 1,000 policies in a real control plane; time, requests and memory
	assets=$$(hack/k8s/build.sh | tail -n 1) && KUBEBUILDER_ASSETS="$$assets" go run ./test/benchoperator $(ARGS)

.PHONY: e2e
e2e: ## Tell the operator's stories on the cluster of KUBECONFIG; docs/e2e.md says what it needs
	TIERSHIFT_E2E=1 go test ./test/e2e -count 1 -timeout 40m -v -ginkgo.v $(ARGS)

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (30s)
	hack/fuzz.sh $(FUZZTIME)

.PHONY: k8s
k8s: ## Build kube-apiserver and etcd into bin/k8s, once; KUBEBUILDER_ASSETS takes their place
	hack/k8s/build.sh

##@ Change

.PHONY: generate
generate: ## Generate the deep copies of the API types
	$(TOOL) controller-gen object paths=./api/... output:object:dir=$(DEEPCOPY_DIR)

.PHONY: manifests
manifests: ## Generate the CRDs and the operator's RBAC, and the chart's copies of both
	rm -f $(CRD_DIR)/*.yaml
	$(TOOL) controller-gen crd paths=./api/... output:crd:artifacts:config=$(CRD_DIR)
	hack/chart-crds.sh $(CRD_DIR) $(CHART_CRD_DIR)
	$(TOOL) controller-gen rbac:roleName=tiershift-operator paths=./internal/controller/... output:rbac:dir=$(RBAC_DIR)
	hack/chart/rbac.sh $(RBAC_DIR)/role.yaml $(CHART_RBAC_DIR)

.PHONY: docs
docs: ## Generate docs/reference/api.md
	$(TOOL) crd-ref-docs --log-level=ERROR --renderer=markdown --source-path=api/v1alpha1 \
		--config=docs/reference/config.yaml --output-path=$(API_REFERENCE)

.PHONY: tidy
tidy: ## Tidy every go.mod
	for module in $(MODULES); do (cd "$$module" && go mod tidy $(TIDYFLAGS)); done

.PHONY: fmt
fmt: ## Format the Go code
	$(LINT) fmt ./...

.PHONY: lint
lint: ## Lint the Go code; the linter's first build takes some minutes
	$(LINT) run ./...

.PHONY: verify
verify: ## Check that generated files are current, the architecture holds, and the code is clean
	hack/verify.sh

.PHONY: clean
clean: ## Remove what was built, but not bin/k8s, which takes minutes to build
	if [ -d bin ]; then find bin -mindepth 1 -maxdepth 1 ! -name k8s -exec rm -rf {} +; fi
