# Two commands do everything on a new machine: `make run` and `make test`. The rest is for those who build.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
SIZE ?= small
# The order of the tests: the same every time, and another where another number is asked for.
SEED ?= 1251
# So many processes share the tests.
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help run test check bench lock format clean

help: ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: ## start the whole exchange with a demo region (SIZE=small|city); Ctrl-C stops it
	@docker/prepare.sh run
	@exec .venv/bin/hie up --demo --size $(SIZE)

test: ## install what the tests need and run them all
	@docker/prepare.sh test
	@$(MAKE) --no-print-directory check
	@.venv/bin/python -m pytest --randomly-seed=$(SEED) -n $(JOBS)

check: ## lint, types, doors between rooms
	@docker/prepare.sh check
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

bench: ## measure speed against floors in the same run
	@docker/prepare.sh check
	@.venv/bin/python -m tests.benchmarks

lock: ## pin the dependencies again
	@docker/prepare.sh check
	@.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --extra embedded --extra build pyproject.toml -o requirements.lock
	@.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --all-extras -c requirements.lock pyproject.toml -o requirements-dev.lock

format: ## let ruff mend what it can
	@.venv/bin/ruff check --fix . && .venv/bin/ruff format .

clean: ## remove the environment and the demo data
	@rm -rf .venv var
