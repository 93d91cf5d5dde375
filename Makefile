# What a developer runs. `make` alone lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
BENCH ?= .
FUZZTIME ?= 20s
TEST_TIMEOUT ?= 20m

# Tests of what things cost in memory, which the race detector would falsify.
COSTS := Allocates|IdleWebSocketSession

# The linter is a program of its own, with hundreds of dependencies that are no
# business of go.mod. The go command builds it once, from the version pinned here.
GOLANGCI_VERSION := v2.15.0
GOLANGCI := bin/golangci-lint-$(GOLANGCI_VERSION)

# For the comparison with the official server: ARGS='--rounds 5 --only fan1,fan16'; for
# chaos: ARGS='--seeds 7 --duration 5m'.
ARGS ?=

.PHONY: help build test bench compare compare-recovery chaos lint fuzz clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/gateway and bin/loadtest, stamped with the version that git names
	CGO_ENABLED=0 go build -ldflags '-X github.com/causeway-rt/causeway/internal/version.release=$(VERSION)' -o bin/gateway ./cmd/gateway
	CGO_ENABLED=0 go build -ldflags '-X github.com/causeway-rt/causeway/internal/version.release=$(VERSION)' -o bin/loadtest ./loadtest

test: ## install what the tests need, run all of them, say what was skipped and why
	@scripts/test-needs
	go vet ./...
	cd deploy && go vet ./...
	{ go test -json -race -timeout $(TEST_TIMEOUT) ./... || true; go test -json -run '$(COSTS)' ./pkg/engineio ./loadtest/internal/audit || true; \
	  cd deploy && go test -json -timeout $(TEST_TIMEOUT) ./... || true; } | go run ./internal/testsum

bench: ## run the Go benchmarks; BENCH=regexp chooses
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

compare: build ## measure the gateway beside the official Node.js server (needs redis-server); ARGS
	@cd loadtest/versus/node && npm ci --no-audit --no-fund --loglevel=error
	go run ./loadtest/versus $(ARGS)

compare-recovery: build ## let clients of both recover from the same faults (needs redis-server); ARGS
	@cd loadtest/versus/node && npm ci --no-audit --no-fund --loglevel=error
	go run ./loadtest/versus --faults $(ARGS)

chaos: ## let networks, nodes and Redis fail at random, and judge what clients saw (an hour and a half; needs redis-server); ARGS
	go run ./internal/chaos $(ARGS)

lint: $(GOLANGCI) ## run golangci-lint, and prove that its layer rules bite
	$(GOLANGCI) run --allow-parallel-runners ./...
	cd deploy && $(CURDIR)/$(GOLANGCI) run --allow-parallel-runners ./...
	@scripts/lint-bites $(GOLANGCI)

fuzz: ## run every fuzz target for FUZZTIME (20s)
	@scripts/fuzz $(FUZZTIME)

clean: ## remove what was built
	rm -rf bin

$(GOLANGCI):
	@echo 'building golangci-lint $(GOLANGCI_VERSION), once: a minute or two'
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv bin/golangci-lint $@
