# `make` alone lists the targets. Every target that runs code first makes .venv from the lock.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Processes start faster with bytecode; an environment may have switched it off.
export PYTHONDONTWRITEBYTECODE :=

COMPILE_FLAGS := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-annotate --no-header

.PHONY: help setup demo test test-all check format page tracker bench lock clean package deploy rollback smoke infra

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv from the lock file (every other target does this by itself)

$(STAMP): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "LiveInsight needs Python 3.11 or newer: set PYTHON=python3.12, say" >&2; exit 2; }
	@echo "Installing into $(VENV) (once; about a minute) ..."
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --clear --python $(PYTHON) $(VENV) && \
		VIRTUAL_ENV=$(VENV) uv pip sync --quiet --require-hashes requirements-dev.txt && \
		VIRTUAL_ENV=$(VENV) uv pip install --quiet --no-deps --editable .; \
	else \
		$(PYTHON) -m venv --clear $(VENV) && \
		$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt && \
		$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
	fi
	@touch $@

demo: $(STAMP) ## The whole pipeline on this machine, with live traffic: http://127.0.0.1:8000, or PORT=
	@$(BIN)/liveinsight demo --data data/demo $(if $(PORT),--port "$(PORT)") $(ARGS)

test: $(STAMP) ## The tests of the product, and the import rules; of the long tests some, each day others
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -n 3 --dist worksteal --ignore tests/packages --ignore tests/infra $(ARGS)

test-all: export TEST_ALL = 1
test-all: test ## All tests, 2,000 simulated schedules and every law in full: about a quarter of an hour

check: $(STAMP) ## Format, lint, types, import rules, fast tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -n 2 -q -m "not pipeline and not browser"

format: $(STAMP) ## Rewrite the code in the house format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

page: $(STAMP) ## Make the files of dashboard/served, which browsers get, from their sources
	@$(BIN)/python -m infra.page

tracker: $(STAMP) ## Make both builds of the tracker from tracker/tracker.js
	@$(BIN)/python -m infra.minify

bench: $(STAMP) ## Measure cost per event; compares with the last figures in benchmarks/
	@$(BIN)/python -m benchmarks

infra: $(STAMP) ## Prove the Terraform without an account; skips (77) where Terraform or its provider is missing
	@$(BIN)/python -m infra.verify $(if $(SHARE),--share $(SHARE)) $(ARGS) || { code=$$?; [ $$code -eq 77 ] || exit $$code; }
	@$(if $(ARGS),true,$(BIN)/python -m pytest -q -n 2 tests/packages tests/infra)

package: $(STAMP) ## Build the zip of the Lambda functions, for each architecture, into dist/lambda/ (needs uv and Python 3.13)
	@$(BIN)/python -m infra.packages

deploy: package ## Package, show the plan, ask, apply, release step by step, try: make deploy ENV=dev
	@infra/release/deploy.sh "$(ENV)"

rollback: $(STAMP) ## Move traffic back to the versions before the last release: make rollback ENV=dev
	@$(BIN)/python -m infra.release rollback --environment "$(ENV)"

smoke: $(STAMP) ## Try what is deployed with one event: make smoke ENV=dev, or URL=... with SITE=...
	@$(if $(URL),$(BIN)/liveinsight smoke "$(URL)",$(BIN)/python -m infra.release smoke --environment "$(ENV)") \
		$(if $(SITE),--site "$(SITE)")

lock: ## Rewrite the hashed lock files (needs uv)
	@uv pip compile $(COMPILE_FLAGS) pyproject.toml -o requirements.txt
	@uv pip compile $(COMPILE_FLAGS) --extra local --extra dev \
		pyproject.toml -o requirements-dev.txt
	@uv pip compile $(COMPILE_FLAGS) infra/verify/ministack-requirements.in -o infra/verify/ministack-requirements.txt
	@uv pip compile $(COMPILE_FLAGS) infra/verify/requirements.in -o infra/verify/requirements.txt

clean: ## Remove .venv and caches (not data/)
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis dist build
