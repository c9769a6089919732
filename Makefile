# `make report` and `make test` set themselves up: python3 (3.11+), python3-venv and make are all they need.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header --no-annotate pyproject.toml

# Tests start programs by the hundred: each would compile all of Anxin anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup report test lint format lock simulate golden bench validate faults soak watch pictures serve-demo clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

report: .venv/run.stamp ## Publish every wave of the shipped city and print where the reports lie.
	@$(BIN)/anxin run example-city --all-waves --prefect

test: .venv/dev.stamp lint ## Run every check there is.
	@sh tests/install-chromium.sh
	@sh tests/install-vnu.sh
	@sh tests/install-postgres.sh
	$(BIN)/pytest -n auto --dist loadfile

lint: .venv/dev.stamp ## Style, types and the one way of imports.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev.stamp ## Put the code into its form.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: .venv/dev.stamp ## Install everything for work on the project.

lock: .venv/dev.stamp ## Pin the newest versions that fit, with hashes.
	$(PIP) install uv
	$(LOCK) --upgrade --extra build -o requirements/run.txt
	$(LOCK) --upgrade --extra build --extra dev -c requirements/run.txt -o requirements/dev.txt

golden: .venv/dev.stamp ## Ask R's survey package for the golden numbers anew (needs Rscript).
	cd tests/golden && Rscript golden.R && Rscript scales.R && Rscript weights.R

bench: .venv/dev.stamp ## Time the engine against svy, R's survey and plain numpy; prints a table, stores benchmarks/results.json.
	$(BIN)/python -m benchmarks

validate: .venv/dev.stamp ## Coverage of intervals and size of tests over 1,000 samples of the city; writes docs/validation.md.
	$(BIN)/python -m tests.validation

faults: .venv/dev.stamp ## Kill runs, fill the disk, damage the store, take the server away; ten minutes.
	$(BIN)/python -m tests.faults

soak: .venv/dev.stamp ## A hundred runs in a row and eight at once against a Prefect server with PostgreSQL; a quarter of an hour.
	@sh tests/install-postgres.sh
	$(BIN)/python -m tests.soak

watch: .venv/dev.stamp ## Watch six surveys under cron lines of every minute, a real server and a correction midway; 20 minutes.
	$(BIN)/python -m tests.watch

pictures: .venv/dev.stamp ## Take the pictures of the README and the docs anew, from the report that was published.
	$(BIN)/python -m tests.pictures

serve-demo: .venv/run.stamp ## A Prefect server, a worker and a web server at once: publish the city, look at both, Ctrl-C ends all.
	@$(BIN)/anxin demo example-city

simulate: .venv/run.stamp ## Write the deliveries of the fictional city anew.
	$(BIN)/anxin simulate

# The pseudonyms' key and the ledger in data/work can't be made again, and public/ holds the last good reports.
clean: ## Delete the environment and the caches; deliveries, data/work and public/ stay.
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Python 3.11 or newer is needed: apt-get install -y python3.11-venv && make PYTHON=python3.11 …' >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo 'The venv module is missing. On Debian or Ubuntu: apt-get install -y python3-venv' >&2; exit 1; }

# The locks are complete, hence --no-deps: the pip of Debian 12 refuses an extra (sqlalchemy[asyncio]) of a hashed package.
.venv/run.stamp: requirements/run.txt pyproject.toml | .venv/bin/python
	@echo 'Setting up (a few minutes the first time) …'
	@$(PIP) install --no-deps --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: requirements/dev.txt .venv/run.stamp
	@echo 'Setting up the tools for tests …'
	@$(PIP) install --no-deps --require-hashes -r requirements/dev.txt
	@$(PIP) check
	@touch $@
