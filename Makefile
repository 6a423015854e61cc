.DEFAULT_GOAL := help
.PHONY: help demo test check unit faults integration images e2e cluster-demo generate format clean
BIN := .venv/bin

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.ready: pyproject.toml uv.lock devcluster/pyproject.toml tools/bootstrap
	@tools/bootstrap

demo: .venv/.ready ## Train a version on a real Kubernetes on this machine, from kubectl apply to published (KEEP=1 keeps it)
	@$(BIN)/python -m demo

cluster-demo: .venv/.ready ## The demo on a cluster that you have: CONTEXT=NAME; YES=1 does not ask, REGISTRY=... has the images
	@$(BIN)/python -m demo.own_cluster --context "$(CONTEXT)" --registry "$(REGISTRY)" $(if $(YES),--yes)

test: .venv/.ready ## Everything that CI runs: check, unit tests, integration tests on a real control plane and node
	@tools/test

check: .venv/.ready ## Lint, types and import contracts, in seconds
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

unit: .venv/.ready ## Unit tests: no network, no cluster, no GPU
	@$(BIN)/pytest --ignore=tests/integration --ignore=tests/faults --ignore=tests/e2e

faults: .venv/.ready ## Kill, freeze and mislead the operator in full, in about ten minutes
	@$(BIN)/devcluster build --no-node
	@$(BIN)/pytest tests/faults --full

integration: .venv/.ready ## Integration tests and a sample of faults: a real control plane, node and S3 server (root)
	@$(BIN)/devcluster build
	@$(BIN)/pytest tests/integration tests/faults --numprocesses=2 --dist=load

images: ## Build the images of the operator and of the trainer (needs Docker; tools/images says what it takes)
	@tools/images

e2e: .venv/.ready ## Try the release: both real images on a real node; OLDEST=1: the oldest Kubernetes (root, Docker)
	@tools/e2e

generate: .venv/.ready ## Write the generated manifests and golden files anew
	@$(BIN)/python tools/generate.py

format: .venv/.ready ## Format the code
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

clean: ## Remove the environment and caches of this checkout
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
