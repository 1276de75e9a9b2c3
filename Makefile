# Everything runs in .venv; `make demo` and `make test` set it up themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# uv installs torch's gigabytes in seconds from its cache. Another installer: make INSTALL=".venv/bin/pip install" …
INSTALL ?= $(BIN)/uv pip install --python $(BIN)/python
READY := $(VENV)/.ready

.PHONY: demo test faults soak cluster cluster-image cluster-down test-cluster bench bench-serving bench-client \
	bench-releases check format clean

demo: $(READY)
	$(BIN)/triptych demo

test: $(READY)
	$(BIN)/pytest
	$(BIN)/pytest -m 'server or torch or helm'

# Each ends with a table: case, pass or fail, figure.
faults: $(READY)
	$(BIN)/pytest -m 'faults and not soak' tests/faults

soak: $(READY)
	$(BIN)/pytest -m soak tests/faults

# A real Kubernetes of this machine, see tests/cluster/README.md.
cluster: $(READY)
	PYTHONPATH=tests $(BIN)/python -m cluster up

cluster-image: $(READY)
	PYTHONPATH=tests $(BIN)/python -m cluster image

cluster-down: $(READY)
	PYTHONPATH=tests $(BIN)/python -m cluster down

# What a test waits for is made before its time counts; the first chart waits for an image and two releases.
test-cluster: $(READY)
	PYTHONPATH=tests $(BIN)/python -m cluster fetch
	$(BIN)/pytest -m cluster --timeout=900 tests/cluster

# Nothing else should run on the machine. Each of the three can be run alone.
bench: bench-serving bench-client bench-releases

bench-serving: $(READY)
	$(BIN)/python -m loadtests.benchmark

bench-client: $(READY)
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/client_cost.py

bench-releases: $(READY)
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/moving_releases.py

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) dist

$(READY): pyproject.toml .ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || \
		{ echo "This needs Python 3.11 or 3.12; run: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	$(INSTALL) --constraint .ci/constraints.txt --editable '.[dev]'
	@touch $@
