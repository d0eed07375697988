# `make` lists the targets. Everything is installed into .venv and .node, nothing elsewhere
# (but for Debian packages that are missing, see .ci/system-packages).

VENV := .venv
BIN := $(VENV)/bin
SYSTEM_PACKAGES := rsync curl

# Makes the programs of .venv the first that are found: the hub looks for its proxy on PATH.
RUN := env PATH="$(CURDIR)/$(BIN):$$PATH"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test bench lint format clean system-packages

help: ## List the targets
	@sed -En 's/^([a-z]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; \
		do printf '  make %-9s %s\n' "$$name" "$$text"; done

install: $(VENV)/.installed ## Install the package, what it needs, and the hub's proxy into .venv
	@.ci/install-proxy $(VENV) .node

demo: install ## Start a hub with a course, students and snapshots to look at
	$(RUN) python .ci/demo.py $(DEMO)

test: lint ## Run every check (choose tests with ARGS="-k name")
	$(RUN) python -m pytest $(ARGS)

bench: install ## Measure captures on this machine (options in BENCH="…")
	$(RUN) python .ci/bench $(BENCH)

lint: install ## Check style and types
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

format: install ## Format the code and repair what ruff can
	$(RUN) ruff check --fix-only .
	$(RUN) ruff format .

clean: ## Remove everything that make has made
	rm -rf $(VENV) .node .demo .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

system-packages:
	@.ci/system-packages $(SYSTEM_PACKAGES)

$(VENV)/.installed: pyproject.toml | system-packages
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || .ci/make-venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -e ".[postgres,demo,test]"
	@touch $@
