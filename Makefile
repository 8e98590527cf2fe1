# Two commands to start with: `make run` and `make test`. Both do all set-up themselves.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
PORT ?= 8000
# Test processes side by side, and anything else for pytest: make test PYTEST_ARGS="-k spike"
JOBS ?= 2
PYTEST_ARGS ?=
# Changed files a format: make reader-fuzz FUZZ=20000
FUZZ ?= 5000
# Of make bulk-full; every million needs half a gigabyte of disk.
ROWS ?= 10000000
# make lock UPGRADE=--upgrade takes the newest releases; without it the locked versions stay where they can.
UPGRADE ?=
# What make image builds on, best by digest; empty for the default of the Dockerfile.
BASE_IMAGE ?=
# The commit that an image says it is built from; -dirty where files differ from it.
REVISION ?= $(or $(shell git describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null),unknown)
# A docker without its daemon is none.
ENGINE ?= $(firstword $(foreach engine,docker podman,$(shell $(engine) info >/dev/null 2>&1 && echo $(engine))))

venv := .venv/bin
python := $(venv)/python
version = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' app/__init__.py)
# The heart is covered line by line and branch by branch.
heart := app/runners.py,app/runners/*,app/features/*,app/scoring/*
lock = $(python) -m uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-strip-extras --universal --python-version 3.11 $(UPGRADE)

# What an image serves with, and so what the tests run with.
served := --extra postgresql --extra training --extra bulk --extra telemetry

# Nothing here is made once and kept: every target is a name for something to do.
.PHONY: $(shell sed -nE 's/^([a-z-]+):[^=].*/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## what there is to make
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name text; do printf '  make %-16s %s\n' "$$name" "$$text"; done

setup: ## .venv with the locked dependencies and this package
	@$(PYTHON) tools/set_up.py $(if $(filter file,$(origin PYTHON)),,--with-this-python)

run: setup ## the service on loopback, the example runner's score, the addresses to open (PORT=8000)
	@PORT=$(PORT) tools/run.sh

test: setup ## every test
	$(python) -m pytest -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

check: setup ## lint, format, types, floors; changes nothing
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	$(venv)/lint-imports

kill-tests: setup ## SIGKILL at 200 random points of publishing and activating, on each database
	KILLS=200 $(python) -m pytest -q -s tests/store/test_ledger_writes.py -k killed

replica-tests: setup ## two replicas under load while versions are switched 50 times; schedules, restarts, outages
	SWITCHES=50 $(python) -m pytest -q -s tests/system/test_replicas.py

fix: setup ## what lint and format can mend by themselves
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

stream-tests: setup ## streams whose reader stops for a full minute
	STREAM_STOP_S=60 $(python) -m pytest $(PYTEST_ARGS) tests/system/test_streams.py

bulk-full: setup ## a bulk run of ROWS rows (10 million): flat memory, and killed twice without a trace
	$(python) -m benchmarks.bulk_full --rows $(ROWS)

coverage: setup ## fails unless the quick tests alone reach every line and branch of the heart
	$(python) -m pytest -n $(JOBS) --dist worksteal --cov --cov-report= tests/unit tests/spec tests/generative/test_lines_agree.py app/runners app/features app/scoring
	$(python) -m coverage report --include='$(heart)' --fail-under=100

bench: setup ## the figures of docs and design, side by side on this machine; up to BENCH_ROWS (1000000) rows
	@$(python) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@mkdir -p build/bench-node && cp benchmarks/node/package.json build/bench-node/
	@! command -v npm >/dev/null || npm install --prefix build/bench-node --silent --no-package-lock --no-audit --no-fund || echo "json-rules-engine could not be installed and is left out"
	$(python) -m benchmarks

equality: setup ## columns, lines and Arrow over HTTP against the reference, each on EQUALITY_RUNNERS (120000) runners
	EQUALITY_RUNNERS=$${EQUALITY_RUNNERS:-120000} HYPOTHESIS_PROFILE=full $(python) -m pytest -q -n $(JOBS) tests/generative/test_columns_agree.py tests/generative/test_lines_agree.py tests/api/test_doors_agree.py

breaks: setup ## breaks the promises of 2026.1 in BREAKS_A_WAY (12) places in each of 20 ways, and publishes each way over HTTP
	BREAKS_A_WAY=$${BREAKS_A_WAY:-12} BREAKS_OVER_HTTP=20 $(python) -m pytest -q -n $(JOBS) tests/unit/test_checks_breaks.py tests/api/test_publish_refuses.py

spark: setup ## a real Spark cluster on loopback against one machine, on EQUALITY_RUNNERS (6000; 100000 at full size) runners; needs Java 17
	@test -x build/spark/bin/python || $(python) -m venv build/spark
	@build/spark/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/spark.txt
	JOINT_RISK_TEST_SPARK=$(CURDIR)/build/spark/bin/python $(python) -m pytest tests/system/test_spark.py

spark-rate: setup ## what Spark adds to a runner, against a bulk run over the same 2 million rows; needs Java 17
	@test -x build/spark/bin/python || $(python) -m venv build/spark
	@build/spark/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/spark.txt
	$(python) -m benchmarks.spark_rate $(CURDIR)/build/spark/bin/python

openapi: setup ## openapi/openapi.json from the code
	$(python) -m app.api.openapi_document openapi/openapi.json

schema: setup ## openapi/rule-set.schema.json from the document model
	$(python) -m app.rule_sets.schema_document openapi/rule-set.schema.json

docs: openapi schema ## everything that is made from code: openapi/, and the table of settings
	$(python) tools/write_settings.py

reader-fuzz: setup ## changes real training files in 5,000 ways a format, and reads them (FUZZ=5000; ten minutes)
	READER_FUZZ=$(FUZZ) $(python) -m pytest -n $(JOBS) -q tests/generative/test_reader_mutations.py tests/generative/test_platform_mutations.py

mutation: setup ## changes app/scoring in a thousand small ways and counts which the tests notice (slow)
	@$(python) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/mutation.txt
	$(venv)/mutmut run
	$(venv)/mutmut results

lock: setup ## requirements/*.txt from pyproject.toml: hashes, and no address of any index
	$(lock) pyproject.toml $(served) --extra dev -o requirements/dev.txt
	$(lock) pyproject.toml $(served) -c requirements/dev.txt -o requirements/run.txt
	$(lock) pyproject.toml --extra bench --extra bulk -c requirements/dev.txt -o requirements/bench.txt
	$(lock) pyproject.toml --extra spark -c requirements/dev.txt -o requirements/spark.txt
	$(lock) pyproject.toml --extra audit -c requirements/dev.txt -o requirements/audit.txt
	$(lock) pyproject.toml $(served) --extra dev --extra mutation -c requirements/dev.txt -o requirements/mutation.txt
	$(lock) --group pyproject.toml:build -c requirements/dev.txt -o requirements/build.txt

image: ## the container image joint-risk:VERSION, with docker or podman (BASE_IMAGE=NAME@sha256:... pins what it is built on)
	@test -n "$(ENGINE)" || { echo "Neither docker nor podman answers here." >&2; exit 1; }
	$(ENGINE) build $(if $(filter podman,$(firstword $(ENGINE))),--format docker) $(if $(BASE_IMAGE),--build-arg BASE_IMAGE=$(BASE_IMAGE)) --build-arg REVISION=$(REVISION) -t joint-risk:$(version) .

soak: setup ## two workers at 70 % of what they can do for 15 minutes, then at three times as much (needs hey)
	$(python) -m benchmarks.soak

fuzz: setup ## the API from its own description, 20,000 cases (FUZZ_CASES; seven minutes), and 20,000 odd calls at the bare socket
	FUZZ_CASES=$(or $(FUZZ_CASES),20000) FUZZ_EXAMPLES=30 FUZZ_SHARE=0.9 FUZZ_CALLS=$(or $(FUZZ_CALLS),20000) $(python) -m pytest -rP tests/system/test_api_fuzz.py tests/system/test_raw_http.py

audit-tools: setup ## build/audit: the tools that look at images, manifests and dependencies from outside
	@test -x build/audit/bin/python || $(python) -m venv build/audit
	@build/audit/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/audit.txt

manifests: audit-tools ## deploy/, the Dockerfile and the scripts, checked by the tools that read them
	@tools/check_manifests.sh

audit: audit-tools ## published weaknesses in what an image is made of; says so where the data does not answer
	@tools/audit.sh

sbom: audit-tools ## dist/joint-risk-VERSION.cdx.json: what an image is made of, as CycloneDX
	@test -x build/image/bin/python || $(python) -m venv build/image
	@build/image/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/run.txt
	@mkdir -p dist
	@build/audit/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible --of JSON -o dist/joint-risk-$(version).cdx.json build/image/bin/python
	@echo "dist/joint-risk-$(version).cdx.json"

clean: ## everything that make made, except a database
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov dist build mutants .schemathesis
	find app tests benchmarks alembic tools -name __pycache__ -type d -prune -exec rm -rf {} +
