# The only commands a person must know: make run, make test, make check, make bench, make docs, make clean.
CONFIG ?= config/config.yaml
CORES ?= all
PYTHON ?= python3
BIN := .venv/bin
FIRST := $(if $(filter config/config.yaml,$(CONFIG)),results/first/report.html)
DEMO := $(if $(filter config/config.yaml,$(CONFIG)),data_raw/demo/truth.json)
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
# Containers often set it: then no module would ever be kept compiled, and each process compiles all of them anew,
# 7 s of processor instead of 2 for what a figure imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check lint bench oracle pulls trials fuzz mutants house notebooks wheel lock feff docs clean
run: .venv/ready $(FIRST) $(DEMO)  ## raw files to results/<run>/report.html
	$(BIN)/python -m ssbchar run $(CONFIG) --cores $(CORES)

test: .venv/dev  ## all tests but the slow ones, file by file on up to four cores
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

pulls: .venv/dev  ## slow: pulls of every headline quantity over many seeds
	$(BIN)/python -m pytest -m slow

trials: .venv/dev  ## slow: cases with known truth, files to verdict; TRIALS="--technique nmr --count 30" for some (docs/trials.md)
	$(BIN)/python -m tests.trials run $(TRIALS)

fuzz: .venv/dev  ## slow: 10 000 damaged and odd files of each of three seeds through every reader (docs/fuzz.md)
	$(BIN)/python -m tests.fuzz run $(FUZZ)
	$(BIN)/python -m tests.fuzz table

mutants: .venv/dev  ## slow: of 300 small faults in the rooms of physics, how many do the tests notice?
	$(BIN)/python tests/house/mutants.py

house: .venv/dev  ## figures of the layout: rooms, names, calls, docstrings, cycles
	$(BIN)/python tests/house/figures.py --rooms

check: .venv/dev $(DEMO)  ## config, sample sheet and code
	$(BIN)/python -m ssbchar check $(CONFIG)
	$(MAKE) lint

lint: .venv/dev data_raw/demo/truth.json
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check workflow Snakefile
	$(BIN)/codespell ssbchar workflow tests docs README.md CONTRIBUTING.md config
	$(BIN)/snakemake --lint --configfile config/config.yaml

oracle: .venv-peers/ready  ## the absorption chain against Larch, live
	.venv-peers/bin/python -m benchmarks.oracle_xas --page

bench: .venv-peers/ready  ## ours and peers side by side on one core
	.venv-peers/bin/python -m benchmarks

PEERS := lmfit rietx seriesxrd xrdfit xraylarch
.venv-peers/ready: requirements.lock pyproject.toml  # an environment of its own: the peers bring 2.4 GB
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	for peer in $(PEERS); do .venv-peers/bin/python -m pip install --quiet --disable-pip-version-check \
		$$peer || echo "$$peer cannot be installed: left out"; done
	touch $@

results/first/report.html: | .venv/ready  # a first look: each technique once, before the whole demonstration
	$(BIN)/python -m ssbchar demo --cores $(CORES)

data_raw/demo/truth.json: | .venv/ready  # demonstration raw data, made once
	$(BIN)/python -m ssbchar simulate

# Without compiled copies of all modules (0.3 GB): Python writes those of what it loads.
.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m ssbchar compile
	touch $@

COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	--no-emit-index-url --no-emit-find-links --quiet
lock:  ## resolve the dependencies anew, by version and hash, without addresses
	$(COMPILE) pyproject.toml --extra images --extra paths --extra build -o requirements.lock
	$(COMPILE) pyproject.toml --extra images --extra paths --extra build --extra dev -c requirements.lock -o requirements.dev.lock
	$(COMPILE) pyproject.toml --extra slurm --extra cluster -c requirements.lock -o requirements.cluster.lock
	$(COMPILE) pyproject.toml --extra larch -c requirements.lock -o requirements.larch.lock
	$(COMPILE) pyproject.toml --extra docs --extra steward --extra rietveld -c requirements.lock -o requirements.extra.lock

.venv/dev: .venv/ready requirements.dev.lock  ## what tests and checks need
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.dev.lock
	touch $@

notebooks: .venv/ready  ## the example notebooks run anew, with their pages (docs/notebooks/)
	$(BIN)/python tests/house/notebooks.py

wheel: .venv/dev  ## the package for pip, with workflow, phases and demonstration in it, in dist/
	$(BIN)/python -m hatchling build -t wheel -t sdist -d dist

.venv/cluster: .venv/ready requirements.cluster.lock  ## Snakemake's plugins for SLURM and other schedulers
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.cluster.lock
	touch $@

.venv/extra: .venv/ready requirements.extra.lock  ## the documentation's builder, validators of RO-Crate and NeXus, rietx
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.extra.lock
	touch $@

feff: .venv-larch/ready  ## FEFF 6, the oracle of scattering paths (FEFF10 comes with `make run`), in an environment of its own (2.4 GB)
.venv-larch/ready: requirements.larch.lock
	$(PYTHON) -m venv .venv-larch
	.venv-larch/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.larch.lock
	touch $@

docs: .venv/extra  ## the documentation as a site in site/
	$(BIN)/mkdocs build --strict --quiet

clean:
	rm -rf results data_raw/demo .snakemake .venv dist
