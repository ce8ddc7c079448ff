# Shared by all: the validated run, and how a step is called with its inputs by argument name.
import functools
import itertools
import json
import os
import re
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from ssbchar.campaign import config as run_config
from ssbchar.crystal import phases_file
from ssbchar.errors import BadConfig
from ssbchar.pipeline import source_digest
from ssbchar.storage import raw_files

try:
    run_config.check_files(workflow.configfiles)
    RUN = run_config.validate_config(config, "config", look=True)
except BadConfig as error:
    raise WorkflowError(str(error))

OUT = f"results/{RUN.config.run}"
CONCLUSIONS = []  # every conclusions.json of the run; each technique adds its own
FIGURES = []  # every folder of figures
EXPORTS = []  # every folder of files for other programs

ENVIRONMENT = "../envs/ssbchar.yaml"
PYTHON = (
    "python"
    if "CONDA" in {m.name for m in workflow.deployment_settings.deployment_method}
    else sys.executable
)
# Rules with a priority are those that others wait for longest.
# One thread in each process: Snakemake would let libraries use all of a job's cores in every one of its processes,
# which is slower and makes sums depend on the number of cores.
ONE_THREAD = "OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1"
QUOTED_PYTHON = shlex.quote(PYTHON).replace("{", "{{").replace("}", "}}")
# Where a library's crash ended the step, a second call writes that into its outputs.
STEP = (
    f"step() {{{{ {ONE_THREAD} SSBCHAR_CORES={{threads}} {QUOTED_PYTHON} -m ssbchar step {{params.step}} {{params.inputs}}"
    ' --options {params.options:q} --labels {params.labels:q} --output {output:q} --log {log:q} "$@"; }}; step || step --ended $?'
)


wildcard_constraints:
    technique="hexrd|xas|nmr",
    measurement=r"[\w.+-]+",
    phase=r"[\w.+-]+",


def rows(technique, *roles):
    """Measurements of a technique, of the given roles or all."""
    return [
        r.measurement
        for r in RUN.rows
        if r.technique == technique and (not roles or r.role in roles)
    ]


def one_of(names):
    """A wildcard constraint that matches these measurements alone; nothing, where there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


def linked(wildcards, column):
    """Measurements named in a column of a row."""
    return [
        n.strip()
        for n in getattr(RUN.row(wildcards.measurement), column).split(",")
        if n.strip()
    ]


def raw(column):
    """The raw path in a column of the row (for a glob, its folder); none where empty, or where there is nothing: the
    step sets the measurement aside."""

    def path(wildcards):
        given = getattr(RUN.row(wildcards.measurement), column)
        fixed = re.split(r"[*?[]", given)[0]
        if fixed != given:
            # A folder's name may end in the fixed part: "raw/" as well as "raw/a" lie in "raw".
            given = str(Path(f"{fixed}x").parent)
        return literal(given) if given and os.path.exists(given) else []

    return path


def literal(path):
    """The path for Snakemake, which takes braces for wildcards and knows no way to write them: one with braces is no
    input for it (its stamp re-runs the step), and the step gets it by name."""
    return [] if "{" in path else path


def stamp(*columns):
    """Names, sizes and times of the raw files of the row, so that a change re-runs the step."""

    def digest(wildcards):
        row = RUN.row(wildcards.measurement)
        return [
            raw_files.stamp_files(getattr(row, c)) for c in columns if getattr(row, c)
        ]

    return digest


def by_name(given={"table": RUN.config.phases}, **raw_columns):
    """The step's inputs as ``argument=path`` words; raw ones as the sheet gives them, those of the mapping ``given`` as
    they stand there."""

    def words(wildcards, input):
        found = []
        for name, value in input.items():
            if name in raw_columns:
                paths = [getattr(RUN.row(wildcards.measurement), raw_columns[name])]
            elif name in given:
                paths = [given[name]] if value or "{" in given[name] else []
            else:
                paths = [value] if isinstance(value, str) else value
            found += [f"{name}={path}" for path in paths if path]
        return " ".join(map(shlex.quote, found))

    return words


def options(stage, shared=""):
    """Departures from the defaults of ``technique.stage``, with the row's own; with those of a section that several
    stages share."""

    def text(wildcards):
        return json.dumps(
            RUN.options(stage, getattr(wildcards, "measurement", ""), shared),
            sort_keys=True,
        )

    return text


def memory(per_input=8, per_core=0, floor=1000):
    """Memory for a job [MB]: a floor, plus the size of its inputs as often as the step holds them, plus what each
    further process takes; more at each retry."""

    def mem_mb(wildcards, input, threads, attempt):
        held = floor + per_input * input.size_mb + per_core * (threads - 1)
        return int(held * 1.7 ** (attempt - 1))

    return mem_mb


def minutes(per_100_mb=5):
    """Run time for a job [min], growing with its inputs; more at each retry."""

    def runtime(wildcards, input, attempt):
        return int((10 + per_100_mb * input.size_mb / 100) * 1.7 ** (attempt - 1))

    return runtime


def code(step):
    """Digest of the sources the step depends on."""
    return source_digest.digest_sources(step)


def labels(wildcards, output):
    """What the output is stamped with."""
    if not hasattr(wildcards, "measurement"):
        return json.dumps(
            {"run": RUN.config.run, **dict(wildcards.items())}, sort_keys=True
        )
    row = RUN.row(wildcards.measurement)
    about = {k: getattr(row, k) for k in ("measurement", "sample", "technique", "role")}
    about["source"] = f"{OUT}/{row.technique}/{row.measurement}/manifest.csv"
    if row.measurement in RUN.set_aside:
        about["refused"] = [f.as_record() for f in RUN.set_aside[row.measurement]]
    return json.dumps(about, sort_keys=True)


def candidate_phases(wildcards):
    return [f"{OUT}/phases/{phase}.nc" for phase in linked(wildcards, "phases")]


def geometry_of(wildcards):
    """The calibrated geometry that belongs to a measurement's images; none for a row that is set aside without one."""
    return [f"{OUT}/hexrd/{m}/geometry.nc" for m in linked(wildcards, "calibrant")[:1]]


def cif_digest(wildcards):
    """Digest of a phase's entry and of its CIF, so that a change re-runs the table of its reflections."""
    return digest_of(wildcards.phase)


def phase_digests(wildcards):
    """Digests of the candidate phases of a measurement."""
    return [d for phase in linked(wildcards, "phases") for d in digest_of(phase)]


def library_digests(wildcards):
    """Digests of every phase of the phases file."""
    return digest_entries(RUN.config.phases)


def digest_entries(table):
    """Digests of every phase of a phases file."""
    return [d for phase in phase_table(table) for d in digest_of(phase, table)]


@functools.cache
def phase_table(table=RUN.config.phases):
    """The entries of the phases file."""
    return phases_file.read_entries(table)


def digest_of(phase, table=RUN.config.phases):
    """An entry of the phases file, with the digest of its CIF; a CIF that is missing sets the phase aside."""
    entry = phase_table(table).get(phase)
    cif = phases_file.find_cif(table, entry)
    digests = [] if cif is None else ["no file"]
    if cif is not None and os.path.isfile(cif):
        digests = [raw_files.hash_file(cif)]
    return [json.dumps(entry, sort_keys=True, default=str), *digests]


def call_step(name, inputs=by_name(), options="{}", labels=labels, **more):
    """The params of a rule that runs this step; more of them re-run it when they change."""
    return {
        "step": name,
        "inputs": inputs,
        "options": as_it_is(options),
        "labels": as_it_is(labels),
        "code": code(name),
        **more,
    }


def as_it_is(text):
    """A param of this text, or what makes it: in plain text Snakemake takes braces for wildcards."""
    return (lambda wildcards: text) if isinstance(text, str) else text


def outputs_of(names):
    """What a run makes of measurements, whose names are separated by commas: conclusions, figures, exports, the
    geometry of a calibrant."""
    mine = [RUN.row(name) for name in names.split(",") if name]
    folders = {f"{OUT}/{row.technique}/{row.measurement}" for row in mine}
    made = [*CONCLUSIONS_ALL, *FIGURES, *EXPORTS, *MANIFESTS]
    made += expand(f"{HEXRD}/geometry.nc", measurement=CALIBRANTS)
    return sorted(path for path in made if str(Path(path).parent) in folders)


def measurement_of(wildcards):
    """The group of a job: on a cluster all steps of a measurement are one job."""
    return getattr(wildcards, "measurement", None)
