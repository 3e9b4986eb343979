# Plumbline: the two commands a newcomer needs are `make run` and `make test`.
#
#   make run [LANDING=dir] [HOME_DIR=dir] [ARGS="..."]
#   make test [PYTEST_ARGS="..."]
#
# Needs make and a Python 3.11 with pip; everything is installed into ./.venv from the lock files.
# Exit codes: `plumbline run` ends 0, 2 (a load was refused, the rest is published) or 1 (failed,
# nothing was published). GNU make itself ends 2 whenever a recipe fails, so through make only 0 and
# 2 are seen; the last line before make's own says which it was. .venv/bin/plumbline gives the code.

.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory

LANDING ?=
HOME_DIR ?=
ARGS ?=
PYTEST_ARGS ?=
WORKERS ?= 2
HOST ?= 127.0.0.1
PORT ?= 3000

# Passed by environment, so that spaces and quotes in paths survive.
export LANDING HOME_DIR
export CALLED_FROM := $(PWD)

ENVIRONMENT := sh scripts/environment.sh
WITH_PATHS := sh scripts/with_paths.sh
BIN := .venv/bin

.PHONY: help run test test-long lint format contracts ui bench lock install install-dev install-postgres clean distclean

help: ## this list
	@echo "Plumbline. make targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Variables: LANDING=dir (files to load)  HOME_DIR=dir (everything written; default ./data)"
	@echo "           ARGS='...' (more options for plumbline run)  PYTEST_ARGS='...'  PORT=3000"

run: ## install if needed, then load what is new in LANDING, build and publish
	@$(ENVIRONMENT) runtime
	@$(WITH_PATHS) run $(ARGS)

# In the files' own order (whole runs first): by number of tests the longest would come last.
test: ## install if needed, then run the tests (all but those of test-long)
	@$(ENVIRONMENT) dev
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 10 -m "not long" $(PYTEST_ARGS)

test-long: ## the tests left out of `make test`: whole runs killed at many moments (some minutes)
	@$(ENVIRONMENT) dev
	@$(BIN)/python -m pytest -m long $(PYTEST_ARGS)

lint: ## ruff on the Python, sqlfluff on the SQL
	@$(ENVIRONMENT) dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@PLUMBLINE_WAREHOUSE=:memory: DBT_SEND_ANONYMOUS_USAGE_STATS=false \
	  $(BIN)/sqlfluff lint dbt_project/models

format: ## rewrite the Python in the house format
	@$(ENVIRONMENT) dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

contracts: ## write again what is derived from the contracts: staging models, their YAML, docs
	@$(ENVIRONMENT) dev
	@$(BIN)/python -m orchestration.contracts.derive $(ARGS)

ui: ## the Dagster UI on this machine (PORT=3000), with its storage under HOME_DIR
	@$(ENVIRONMENT) runtime
	@HOST='$(HOST)' PORT='$(PORT)' $(WITH_PATHS) --ui

bench: ## measure speed, memory, linkage and detectors on this machine (ARGS="--only 6")
	@$(ENVIRONMENT) dev
	@$(WITH_PATHS) --python -m benchmarks $(ARGS)

install: ## only install the runtime environment
	@$(ENVIRONMENT) runtime

install-postgres: ## as install, with what Dagster storage on PostgreSQL needs
	@$(ENVIRONMENT) postgres

install-dev: ## only install the development environment
	@$(ENVIRONMENT) dev

lock: ## make the lock files anew from pyproject.toml (needs uv; UPGRADE=1 takes newer versions)
	@sh scripts/lock.sh

clean: ## remove caches and scratch; keeps .venv and everything under data/
	@rm -rf .pytest_cache .ruff_cache .hypothesis dbt_project/target dbt_project/logs logs \
	  build dist .tmp_dagster_home_*
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean ## as clean, and remove .venv too
	@rm -rf .venv
