# `make` lists the targets. Everything is installed into .venv, .node and labextension/node_modules,
# nothing elsewhere (but for Debian packages that are missing, see .ci/system-packages).

VENV := .venv
BIN := $(VENV)/bin
PANEL := jupyterhub_snapshots/labextension
SYSTEM_PACKAGES := rsync curl
BROWSER_PACKAGES := chromium fonts-dejavu-core

# Makes the programs of .venv the first that are found: the hub looks for its proxy on PATH.
RUN := env PATH="$(CURDIR)/$(BIN):$$PATH"
JLPM := cd labextension && $(RUN) jlpm
# pytest ends with 5 when ARGS chose none of its tests.
NONE_CHOSEN = $(if $(ARGS),|| [ $$? -eq 5 ])

# What the panel is made from.
PANEL_TOOLS := $(addprefix labextension/,package.json yarn.lock .yarnrc.yml)
PANEL_SOURCES := $(PANEL_TOOLS) labextension/tsconfig.json labextension/install.json \
	$(shell find $(wildcard $(addprefix labextension/,src style schema)) -type f -not -path '*/__tests__/*')

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test bench screenshots lint format clean system-packages browser-packages again

help: ## List the targets
	@sed -En 's/^([a-z]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; \
		do printf '  make %-11s %s\n' "$$name" "$$text"; done

install: $(VENV)/.panel ## Install the package with its panel, what it needs, and the hub's proxy into .venv
	@.ci/install-proxy $(VENV) .node

demo: install ## Start a hub with a course, students and snapshots to look at
	$(RUN) python .ci/demo.py $(DEMO)

test: lint browser-packages ## Run every check (choose Python tests with ARGS="-k name")
	$(JLPM) test
	$(RUN) python -m pytest -n 2 --dist loadfile $(ARGS) $(NONE_CHOSEN)
	$(RUN) python -m pytest $(ARGS) -m e2e $(NONE_CHOSEN)

bench: install ## Measure captures on this machine (options in BENCH="…")
	$(RUN) python .ci/bench $(BENCH)

screenshots: install browser-packages ## Make the pictures of the documentation anew
	$(RUN) python .ci/screenshots.py

lint: install ## Check style and types
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(JLPM) lint:check

format: install ## Format the code and repair what the linters can
	$(RUN) ruff check --fix-only .
	$(RUN) ruff format .
	$(JLPM) format

clean: ## Remove everything that make has made
	rm -rf $(VENV) .node .demo .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	rm -rf $(PANEL) labextension/node_modules labextension/.yarn labextension/lib labextension/tsconfig.tsbuildinfo
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

system-packages:
	@.ci/system-packages $(SYSTEM_PACKAGES)

# One after the other: apt-get runs only once at a time.
browser-packages: | system-packages
	@.ci/system-packages $(BROWSER_PACKAGES)

$(VENV)/.tools: | system-packages
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || .ci/make-venv $(VENV)
	@.ci/install-node $(VENV) >/dev/null
	$(BIN)/python -m pip install --disable-pip-version-check -q 'jupyter-builder>=1.2,<2'
	@touch $@

labextension/node_modules/.yarn-state.yml: $(PANEL_TOOLS) | $(VENV)/.tools
	$(JLPM) install --immutable
	@touch $@

# What was built for development, which has this log, is built again for use.
$(PANEL)/package.json: $(PANEL_SOURCES) $(if $(wildcard $(PANEL)/build_log.json),again) | labextension/node_modules/.yarn-state.yml
	$(JLPM) build:prod

$(VENV)/.installed: pyproject.toml $(addprefix labextension/,build_backend.py server-config.json) | $(PANEL)/package.json
	$(RUN) python -m pip install --disable-pip-version-check -e ".[postgres,demo,test]"
	@touch $@

# pip has copied the panel of that day; it is small, so it is copied again whenever it was built.
$(VENV)/.panel: $(PANEL)/package.json $(VENV)/.installed
	@rm -rf $(VENV)/share/jupyter/labextensions/jupyterhub-snapshots
	@cp -r $(PANEL) $(VENV)/share/jupyter/labextensions/jupyterhub-snapshots
	@cp labextension/install.json $(VENV)/share/jupyter/labextensions/jupyterhub-snapshots
	@touch $@
