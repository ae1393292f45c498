# Needs python3.11+, venv and make. `make help` lists the targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
MANAGE := $(BIN)/python manage.py

.DEFAULT_GOAL := help
.PHONY: help install run start stop demo tour editor test drills screenshots lint docs docs-site bench lint-contracts image manifests up down lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

$(VENV)/.base: requirements/base.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing pinned requirements into $(VENV) ..."
	@$(BIN)/pip install --disable-pip-version-check --require-hashes -r requirements/base.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	@echo "Installing pinned development requirements into $(VENV) ..."
	@$(BIN)/pip install --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

install: $(VENV)/.base ## Set up .venv with the pinned requirements

run: $(VENV)/.base ## Run the service, with an embedded nats-server when none is configured
	@$(MANAGE) serve

start: $(VENV)/.base ## Run the service in the background; `make stop` ends it
	@mkdir -p var; nohup $(MANAGE) serve > var/serve.log 2>&1 & echo $$! > var/serve.pid
	@until grep -q "the data stays" var/serve.log || ! kill -0 $$(cat var/serve.pid); do sleep 0.2; done; cat var/serve.log
	@kill -0 $$(cat var/serve.pid)

stop: ## End what `make start` started; the data stays
	@kill $$(cat var/serve.pid) && rm var/serve.pid

demo: $(VENV)/.base ## Add thirty contracts of a shop to the running service, for trying it
	@$(MANAGE) fill_demo

test: $(VENV)/.dev docs ## Run all tests, with coverage
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-report=term:skip-covered

drills: $(VENV)/.dev ## Run every drill: faults of NATS, network and processes, with a ledger (5 minutes)
	@DRILLS=1 $(BIN)/python -m pytest tests/drills -v

screenshots: $(VENV)/.dev ## Take screenshots of the console for the documentation; needs Chromium
	@$(BIN)/python -m tests.console.screenshots docs/screenshots

tour: $(VENV)/.dev ## Make docs/tour.svg, the animated tour of the console; needs Chromium
	@$(BIN)/python -m tests.console.tour docs/tour.svg

editor: ## Build the editor of the console from frontend/ into its static files; needs npm
	@cd frontend && npm ci --no-audit --no-fund && npm run build

lint: $(VENV)/.dev ## Check style, types, imports and migrations
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(MANAGE) makemigrations --check --dry-run

docs: $(VENV)/.base ## Generate docs/rules.md
	@$(MANAGE) lint_contracts rules --format markdown > docs/rules.md

$(VENV)/.docs: requirements/docs.txt $(VENV)/.base
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/docs.txt
	@touch $@

docs-site: $(VENV)/.docs docs ## Build the documentation as a site, in build/site
	@NO_MKDOCS_2_WARNING=1 PYTHONPATH=. $(BIN)/mkdocs build --quiet

$(VENV)/.bench: requirements/bench.txt $(VENV)/.base
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

bench: $(VENV)/.bench ## Measure medians and ratios to a baseline of the same run (10 minutes)
	@$(BIN)/python -m bench.linter
	@$(BIN)/python -m bench.histories
	@$(BIN)/python -m bench.search
	@$(BIN)/python -m bench.client
	@$(BIN)/python -m bench.service --plots docs/bench

lint-contracts: $(VENV)/.base ## Check the exit codes of the linter on its fixtures
	@PYTHON=$(BIN)/python contracts/fixtures/linter/verify.sh

image: ## Build the image contract-registry, with docker or buildah
	@deploy/image/build

manifests: ## Render deploy/kubernetes/registry.yaml from the chart; needs helm
	@cp deploy/monitoring/alerts.yml deploy/helm/contract-registry/files/alerts.yml
	@helm template registry deploy/helm/contract-registry --kube-version 1.31.0 --skip-tests \
		--values deploy/kubernetes/values.yaml > deploy/kubernetes/registry.yaml

up: ## Start NATS with JetStream by docker compose, on localhost:4222
	docker compose up --detach --wait nats

down: ## Stop what `make up` started (the data stays in its volume)
	docker compose down

# What is served and measured is what was tested: the other two keep to the versions in dev.txt.
COMPILE = $(BIN)/uv pip compile --quiet --no-strip-extras --generate-hashes --universal --python-version 3.11 --no-header

lock: $(VENV)/.dev ## Pin the requirements again, with hashes
	$(COMPILE) requirements/dev.in -o requirements/dev.txt
	$(COMPILE) -c requirements/dev.txt requirements/base.in -o requirements/base.txt
	$(COMPILE) -c requirements/dev.txt requirements/bench.in -o requirements/bench.txt
	$(COMPILE) -c requirements/dev.txt requirements/docs.in -o requirements/docs.txt

clean: ## Remove .venv and caches; the data under var/ stays
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache htmlcov .coverage
