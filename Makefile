# make run         makes the environment, then plays scenarios/celebrity.yaml
# make test        makes the environment, then lints, checks types and runs the tests that every change must pass
# make test-long   the costly statistical tests
# make results     plays every shipped scenario into results/, which the tests compare
# make notebooks   plays the notebooks and keeps what comes out, which the tests compare
# make bench       measures speed, the whole road, growth, caches, structures and start into benchmarks/README.md; about a quarter of an hour
# make lock        resolves the two lock files anew from pyproject.toml
# make clean       takes away the environment and all caches

unexport PYTHONDONTWRITEBYTECODE   # tests start simsys some hundred times: what is read once is kept

VENV := .venv
PYTHONS := python3 python3.14 python3.13 python3.12 python3.11 python
PEERS := .venv-bench
NEWEST := $(wildcard $(HOME)/.pyenv/versions/3.1[3-9].*/bin/python)
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check
COMPILE := $(VENV)/bin/pip-compile --quiet --strip-extras --no-header --no-annotate --no-emit-index-url \
           --no-emit-find-links --no-emit-trusted-host --no-emit-options --allow-unsafe

.PHONY: run test test-long results notebooks bench lock clean

run: $(VENV)/run.done
	$(VENV)/bin/simsys run scenarios/celebrity.yaml

test: $(VENV)/test.done
	$(VENV)/bin/ruff check
	$(VENV)/bin/mypy simsys
	$(VENV)/bin/pytest -q -n auto --dist worksteal --durations=5 -m "not long"

test-long: $(VENV)/test.done
	$(VENV)/bin/pytest -q -n auto -m long

results: $(VENV)/run.done
	for file in scenarios/*.yaml; do \
	    $(VENV)/bin/simsys run $$file > /dev/null; status=$$?; \
	    test $$status -eq 0 || test $$status -eq 99 || exit $$status; \
	    ! grep -q '^sweep:' $$file || $(VENV)/bin/simsys sweep $$file > /dev/null || exit; \
	done

notebooks: $(VENV)/test.done
	$(VENV)/bin/python tests/test_notebooks.py

bench: $(VENV)/run.done $(PEERS)/peers.done
	$(VENV)/bin/python benchmarks/speed.py --write
	$(VENV)/bin/python benchmarks/road.py --write
	$(VENV)/bin/python benchmarks/growth.py --write
	$(VENV)/bin/python benchmarks/caches.py --write
	$(VENV)/bin/python benchmarks/structures.py --write
	$(VENV)/bin/python benchmarks/start.py --write

lock: $(VENV)/test.done
	$(PIP) install --quiet pip-tools
	$(COMPILE) --upgrade --output-file requirements.lock pyproject.toml
	$(COMPILE) --upgrade --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) $(PEERS) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find simsys tests scenarios benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/python.done:
	@for python in $(PYTHONS); do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        $$python -m venv $(VENV) && touch $@; exit; \
	    fi; \
	done; \
	echo "simsys needs Python 3.11 or newer, and none of these is: $(PYTHONS)." >&2; \
	echo "Put one on the PATH, or name it: make PYTHONS=/path/to/python3.12" >&2; exit 1

$(VENV)/run.done: $(VENV)/python.done requirements.lock pyproject.toml
	@echo "Making the environment in $(VENV)/: about a minute, once. Then compiling, once, and playing take about half a minute."
	$(PIP) install --quiet --requirement requirements.lock
	$(PIP) install --quiet --no-deps --editable .
	@touch $@

$(VENV)/test.done: $(VENV)/python.done requirements-dev.lock pyproject.toml
	@echo "Making the environment in $(VENV)/ with the tools of the tests: about a minute and a half, once."
	$(PIP) install --quiet --requirement requirements-dev.lock
	$(PIP) install --quiet --no-deps --editable .
	@touch $@

# The simulators that simsys is measured against, but for those that ask for a newer Python. What does not install has no
# row in the tables, and fails in the tests.
$(PEERS)/peers.done: benchmarks/requirements.txt
	@for python in python3.14 python3.13 $(NEWEST) $(PYTHONS); do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
	done; $$python -m venv $(PEERS)
	-@while read -r peer; do \
	    $(PEERS)/bin/python -m pip --disable-pip-version-check install --quiet "$$peer" || echo "$$peer: not installed"; \
	done < benchmarks/requirements.txt
	@touch $@
