# Two commands: `make quickstart` does the main job on a small sample, `make test` proves it works.
# PYTHON names the interpreter that creates the environment; VENV, where it goes.
PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python

.PHONY: quickstart test check lint docs clean

quickstart: $(VENV)/.installed
	sh docs/quickstart.sh $(RUN)

test: $(VENV)/.installed lint
	$(RUN) -m pytest -n 2 --dist loadfile

# The fast tests, for all day.
check: $(VENV)/.installed lint
	$(RUN) -m pytest -n 2 --dist loadfile -m "not slow"

# The API page, from the docstrings: out/docs/index.html.
docs: $(VENV)/.installed
	PYTHONPATH=. $(RUN) docs/api.py out/docs

lint: $(VENV)/.installed
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

$(VENV)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	  || { echo "kinpaint needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is $$($(PYTHON) -V 2>&1 || echo not installed)."; \
	       echo "Install one and say: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --upgrade pip
	$(RUN) -m pip install --quiet -r requirements.txt
	touch $@

clean:
	rm -rf $(VENV) out
