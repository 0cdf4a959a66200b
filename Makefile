# Everything here works from a clean clone with Python 3.11, git and make; what is missing is named. The console wants Node.js too.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
ARGS ?=
# Tests wait for processes more than they compute.
WORKERS ?= $(shell expr $$(nproc) + 1)

.PHONY: help up down test check format test-controlplane test-clients test-browser screenshots soak bench docs clean console

help: ## What can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 28

up: $(VENV)/.ready ## Set up, start the sandbox with the example platform, show what runs (ARGS="--help" for more)
	@scripts/console build try
	@$(BIN)/haori up $(ARGS)

down: $(VENV)/.ready ## Stop what `make up` started
	@$(BIN)/haori down $(ARGS)

test: $(VENV)/.ready-dev ## Set up and run the tests
	@scripts/console test try
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "not soak and not controlplane and not clients and not browser" $(ARGS)

check: $(VENV)/.ready-dev ## Formatting, lint, types, the order of the rooms
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@scripts/console check try

format: $(VENV)/.ready-dev ## Put the code into its form
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

test-controlplane: $(VENV)/.ready-dev ## The same cases on the control plane that KUBEBUILDER_ASSETS names
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "controlplane and not soak" $(ARGS)

test-clients: $(VENV)/.ready-dev ## Clients that others wrote for Argo CD's API, against ours (wants Node.js and their registries)
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m clients $(ARGS)

test-browser: $(VENV)/.ready-dev ## The console in Chromium, on an instance with applications in every state
	@scripts/console build
	@$(BIN)/pytest -n 1 --dist loadgroup -m browser $(ARGS)

screenshots: $(VENV)/.ready-dev ## Pictures of every page of the console into docs/screenshots
	@scripts/console build
	@PYTHONPATH=. $(BIN)/python scripts/screenshots.py $(ARGS)

soak: $(VENV)/.ready-dev ## Long storms: kills, many objects
	@$(BIN)/pytest -n 0 -m soak --timeout 3600 $(ARGS)

bench: $(VENV)/.ready-dev ## Figures, and what they ran on
	@$(BIN)/python -m bench $(ARGS)

console: ## Build the console, where its sources changed
	@scripts/console build

docs: $(VENV)/.ready-dev ## Write the command reference anew
	@$(BIN)/python scripts/write_reference.py

clean: ## Forget the environment (the data of `make up` stays)
	rm -rf $(VENV) console/node_modules console/dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

$(VENV)/.ready: requirements.lock pyproject.toml scripts/setup
	@scripts/setup "$(PYTHON)" $(VENV) requirements.lock
	@touch $@

$(VENV)/.ready-dev: requirements-dev.lock $(VENV)/.ready
	@scripts/setup "$(PYTHON)" $(VENV) requirements-dev.lock
	@touch $@
