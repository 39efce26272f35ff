# Each target makes what it needs first (environment, Debian's libraries), then calls `python -m config.runtime`.
# Variables: TLS=1 (`run` behind a proxy with TLS 1.3), NUMINA_PORT, NUMINA_HOME, NUMINA_SEED=demo|tiny|none, DATABASE_URL, REDIS_URL, PYTHON.
NUMINA := @sh config/runtime/environment.sh
.DEFAULT_GOAL := help
.PHONY: help run up down status test cases check bench manage

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start a whole bank; Ctrl-C stops it and keeps its data
	$(NUMINA) run

up: ## the same in the background
	$(NUMINA) up

down: ## stop it
	$(NUMINA) down

status: ## what runs, on which ports
	$(NUMINA) status

test: ## the whole suite on servers of its own; ARGS="tests/ledger -k name" for a part
	$(NUMINA) test $(ARGS)

cases: ## work out the published cases of a folder: DIR=path; by default those of the project
	$(NUMINA) cases $(if $(DIR),$(abspath $(DIR)))

check: ## lint, format, types, layers, migrations, OpenAPI, error list, production settings, secrets, dangerous calls, known holes
	$(NUMINA) check $(ARGS)

bench: ## measure the money paths beside raw SQL and peers
	$(NUMINA) bench $(ARGS)

manage: ## manage.py against this copy: ARGS="doctor"
	$(NUMINA) manage $(ARGS)
