# make run      start crmlink on http://127.0.0.1:8787
# make quick    the inner loop: linters, and the tests that are quick and need no browser, on SQLite
# make test     install what the tests need, then run everything
# make package  build wheel, extension zips, bill of materials, Windows installer and checksums in dist/
# make demo     watch the main job happen in a real browser
# make newcomer from a wheel to the first link where there is no checkout, each step timed
# make fuzz     send the API 50,000 requests that its description allows or forbids, and look for other
#               examples of what tests state for all values (half an hour)
# make faults-grown   kill, cut off and replace servers, workers and PostgreSQL while 20,000 rows are written
# make bench-lists   write long lists to the sandbox: calls, kills, memory, what people wait (hours)
# make bench    what requests, a restart, an idle server and many firms take (six minutes)
# make bench-grown   what clicks of many firms take on PostgreSQL, by web processes (ten minutes)
# make bench-matching   measure matching beside its peers (half an hour)

PYTHON ?= python3
BIN := .venv/bin

.PHONY: env run quick quick-server quick-extension test package demo newcomer check check-server \
	check-extension unit fuzz faults-grown browsers tools lock bench bench-grown bench-matching bench-lists

env: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "crmlink needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Making the environment in .venv …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: env
	@exec $(BIN)/crmlink serve

quick: env tools
	@$(MAKE) --no-print-directory --jobs=2 quick-server quick-extension

quick-server: check-server
	$(BIN)/pytest tests/unit tests/api --sqlite-only -m "not slow" -n logical --dist loadfile

quick-extension: check-extension
	npm --prefix tests test --silent

test: check unit

check: check-server check-extension

check-server: env
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

check-extension: env tools
	npm --prefix tests run --silent check
	npm --prefix tests run --silent unused
	npm --prefix tests run --silent lint

# Browsers share few cores with the other tests. What failed beside them is tried once more, alone, and must pass.
again = { [ $(1) -eq 1 ] && echo "Once more, alone, what failed beside the other tests:" \
	&& $(BIN)/pytest -n 0 -v --last-failed --last-failed-no-failures none --maxfail=1; }

unit: env tools browsers
	npm --prefix tests test --silent
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder --durations=10 || $(call again,$$?)

package: env
	@PYTHONPATH=server $(BIN)/python -m release.package dist

fuzz: env
	@PYTHONPATH=tests $(BIN)/python -m security.fuzz --cases 50000
	$(BIN)/pytest -m hypothesis --hypothesis-profile fuzz -n logical

faults-grown: env
	GROWN_CONTACTS=20000 GROWN_CUT=30 $(BIN)/pytest tests/faults/test_many_machines.py -q

bench-lists: env
	@PYTHONPATH=tests $(BIN)/python -m bench.paced
	@PYTHONPATH=tests $(BIN)/python -m bench.batches write --contacts 5000 --per-second 10000
	@PYTHONPATH=tests $(BIN)/python -m bench.batches_killed

demo: env browsers
	@$(BIN)/python tests/demo.py

newcomer: env browsers
	@$(BIN)/python tests/newcomer.py

browsers: env tools
	@cd tests && ../$(BIN)/python -m browsers.install

tools: tests/node_modules/installed

tests/node_modules/installed: tests/package.json tests/package-lock.json
	@echo "Installing the browser tooling …"
	@npm --prefix tests ci --silent
	@touch $@

bench: env
	@PYTHONPATH=tests $(BIN)/python -m bench.server
	@PYTHONPATH=tests $(BIN)/python -m bench.idle
	@PYTHONPATH=tests $(BIN)/python -m bench.firms
	@PYTHONPATH=tests $(BIN)/python -m bench.firms --postgresql

bench-grown: env
	@PYTHONPATH=tests $(BIN)/python -m bench.grown

bench-matching: .venv-bench/installed
	@PYTHONPATH=tests .venv-bench/bin/python -m bench.matching --plot docs/matching-reliability.png

# The peers live in an environment of their own: the product needs none of them.
.venv-bench/installed: requirements.lock pyproject.toml
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@.venv-bench/bin/pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[bench]'
	@touch $@

# Needs uv: the lock files hold hashes for every platform and name no index.
LOCK := uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	--python-version 3.11 pyproject.toml
lock:
	$(LOCK) --extra test --extra package -o requirements.lock
	$(LOCK) --constraint requirements.lock -o requirements-server.lock
