# Ấn Tín: every command that a contributor or operator of a test machine needs.
# Set-up happens by itself and only once: see scripts/setup.sh.

.DEFAULT_GOAL := help
BIN := .venv/bin
# twice the cores of the smallest machine, and one: many tests wait for a process, some for a clock
WORKERS ?= 5
ARGS ?=

# where Python shall leave no bytecode beside the sources, it leaves it here: each process would
# compile a thousand modules when it starts, and the tests start hundreds
ifneq ($(PYTHONDONTWRITEBYTECODE),)
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.venv/bytecode
endif

.PHONY: help
help: ## This list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: ## The sandbox: provider, two demo portals, invented people. PORT moves all three.
	@scripts/setup.sh run
	@exec $(BIN)/antin sandbox $(ARGS)

.PHONY: test
test: ready ## Set up, check and test everything; all of it must pass.
	@$(MAKE) --no-print-directory -j2 checks compiled
	@$(BIN)/pytest -n $(WORKERS) --dist=worksteal $(ARGS)

.PHONY: lint
lint: ready checks ## Style, types, directions of imports, without the tests.

.PHONY: checks
checks:
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# what each worker would compile for itself when it starts, and they start together; what is wrong
# with a file is told when the tests run
.PHONY: compiled
compiled:
	@$(BIN)/pytest --collect-only -q -p no:xdist >/dev/null 2>&1 || :

.PHONY: ready
ready:
	@scripts/setup.sh test

.PHONY: bench
bench: ## What it costs, beside an empty route and a peer, in one table.
	@scripts/setup.sh bench
	@$(BIN)/python -m bench $(ARGS)

.PHONY: fuzz
fuzz: ready ## The properties with many more examples; minutes to hours.
	@$(BIN)/pytest -n $(WORKERS) -m hypothesis --hypothesis-profile=fuzz $(ARGS)

.PHONY: coverage
coverage: ready ## The tests again, with the branches that none of them takes.
	@$(BIN)/coverage run -m pytest -p no:xdist $(ARGS)
	@$(BIN)/coverage report

.PHONY: audit
audit: ready ## Published advisories about the locked dependencies; asks the network.
	@$(BIN)/pip-audit --disable-pip --require-hashes -r requirements/run.txt

.PHONY: lock
lock: ## Resolve pyproject.toml into requirements/; ARGS=--upgrade takes the newest versions.
	@scripts/lock.sh $(ARGS)

.PHONY: clean
clean: ## Remove what was set up, the sandbox and its data included.
	@rm -rf .venv .tools var tests/node/node_modules dist build
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
