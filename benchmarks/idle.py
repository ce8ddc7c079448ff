"""How long a run takes that finds nothing to do: the check, the sheet, Snakemake's graph of jobs.

``python -m benchmarks.idle`` writes ``docs/idle.md``; with numbers of samples it only prints. It
makes campaigns of that many samples, each measured by absorption and by NMR (two rows), marks every
output as made, with the records that Snakemake keeps of finished jobs, and then times ``ssbchar
run`` with nothing to do: wall time, processor time, most memory of any of its processes. The raw
files are empty: a run that has nothing to do looks at their names, sizes and times alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import io
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ssbchar.conclusion import Conclusion

ROOT = Path(__file__).parent.parent
SAMPLES = (100, 1000, 10_000)
PAGE = ROOT / "docs" / "idle.md"
FILLER = "fill"
"""First word of the call of this file that marks all outputs as made."""


@dataclass(frozen=True, kw_only=True)
class Idle:
    """What a run with nothing to do took."""

    samples: int
    jobs: int
    first_plan: float
    """Until Snakemake had planned the whole campaign anew [s]."""
    seconds: float
    processor: float
    """Seconds of processor of all its processes."""
    megabytes: float
    """Most memory of any of its processes."""


def write_campaign(folder: Path, samples: int) -> None:
    """Write config, sheet and empty raw files of so many samples, each with a row of absorption and
    one of NMR; every second absorption row is compared with the one before."""
    header = ["measurement", "sample", "technique", "role", "path", "compare_to"]
    rows = [header]
    (folder / "raw").mkdir()
    for number in range(samples):
        scan, echo = f"raw/fe_{number:05d}.xdi", f"raw/li_{number:05d}"
        (folder / scan).touch()
        (folder / echo).mkdir()
        for name in ("acqus", "fid", "pulseprogram"):
            (folder / echo / name).touch()
        pristine = f"fe_{number - 1:05d}" if number % 2 else ""
        role = "cycled" if pristine else "pristine"
        rows.append([f"fe_{number:05d}", f"s{number}", "xas", role, scan, pristine])
        rows.append([f"li_{number:05d}", f"s{number}", "nmr", "spectrum", echo, ""])
    sheet = "\n".join("\t".join(row) for row in rows)
    (folder / "samples.tsv").write_text(f"{sheet}\n", encoding="utf-8")
    phases = str(ROOT / "config/phases/phases.yaml")
    config = {"run": "idle", "samples": "samples.tsv", "phases": phases}
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def mark_as_made() -> int:
    """Make every output of the campaign of this folder, empty, with Snakemake's record of the job
    that made it; return how many jobs there are."""
    from snakemake.api import SnakemakeApi
    from snakemake.settings import types

    with SnakemakeApi(types.OutputSettings()) as api:
        flow = api.workflow(
            config_settings=types.ConfigSettings(configfiles=[Path("config.yaml")]),
            resource_settings=types.ResourceSettings(cores=1),
            snakefile=ROOT / "workflow" / "Snakefile",
        )
        graph = flow.dag()
        with contextlib.redirect_stdout(io.StringIO()):
            graph.printrulegraph()
        inner = flow._workflow
        inner.execution_settings = types.ExecutionSettings()
        jobs = list(inner.dag.toposorted())
        persistence = inner.persistence
        found, loop = 0, asyncio.new_event_loop()
        for job in itertools.chain.from_iterable(jobs):
            for path in job.output:
                _make_output(Path(str(path)), str(job.params.labels), folder=path.is_directory)
            persistence.started(job)
            loop.run_until_complete(persistence.finished(job))
            found += 1
    return found


def _make_output(path: Path, labels: str, *, folder: bool) -> None:
    """Make an output without results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if folder:
        path.mkdir(exist_ok=True)
        (path / ".snakemake_timestamp").touch()
    elif path.name == "summary.csv":
        header = [field.name for field in dataclasses.fields(Conclusion)]
        path.write_text(",".join(header) + "\n", encoding="utf-8")
    elif path.suffix == ".json":
        content = {"labels": json.loads(labels), "conclusions": []}
        path.write_text(json.dumps(content), encoding="utf-8")
    else:
        path.touch()


def measure(samples: int) -> Idle:
    """Return what a run takes that finds nothing to do among so many samples."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_campaign(folder, samples)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        start = time.monotonic()
        filled = subprocess.run(
            [sys.executable, "-m", "benchmarks.idle", FILLER],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        first_plan = time.monotonic() - start
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "ssbchar", "run", "config.yaml", "--cores", "2"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(done.stdout[-3000:], file=sys.stderr)
    return Idle(
        samples=samples,
        jobs=int(filled.stdout.split()[-1]),
        first_plan=first_plan,
        seconds=seconds,
        processor=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        megabytes=after.ru_maxrss / 1024,
    )


def main(words: Sequence[str]) -> None:
    """Print the table of the numbers asked for; write the page where they are the usual ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", nargs="*", type=int)
    asked = parser.parse_args(words).samples
    found = [measure(samples) for samples in asked or SAMPLES]
    print(table(found))
    if not asked:
        PAGE.write_text(page(found), encoding="utf-8")


def table(found: Sequence[Idle]) -> str:
    """Return what the runs took, as Markdown."""
    lines = [
        "| samples | rows | jobs | planned anew [s] | nothing to do [s] | of processor [s] | MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in found:
        cells = (
            one.samples,
            2 * one.samples,
            one.jobs,
            f"{one.first_plan:.0f}",
            f"{one.seconds:.0f}",
            f"{one.processor:.0f}",
            f"{one.megabytes:.0f}",
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def page(found: Sequence[Idle]) -> str:
    """Return ``docs/idle.md``."""
    return f"""# A run with nothing to do

Written by `python -m benchmarks.idle`: campaigns in which every sample has a row of absorption and
one of NMR, all results there. `ssbchar run` then checks config and sheet, plans the jobs, finds all
up to date and lists the verdicts. *Planned anew*: config to Snakemake's graph of jobs where nothing
is there yet, and the marking of all outputs. MB: the most memory of any of its processes.

{table(found)}

For each job Snakemake asks for its inputs, options, digests of sources and stamps of raw files, and
compares them with the records of the last run; that is nearly all of the time.
"""


if __name__ == "__main__":
    if sys.argv[1:] == [FILLER]:
        print(mark_as_made())
    else:
        main(sys.argv[1:])
