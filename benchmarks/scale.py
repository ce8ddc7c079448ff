"""How time and memory of each step grow with a diffraction series: the whole workflow, two phases,
two cores.

``python -m benchmarks.scale`` makes series of 100, 1000 and 10 000 frames of 2400 points (one NeXus
file each), runs the workflow on each and writes ``docs/scale.md``; ``python -m benchmarks.scale N
...`` takes other lengths and only prints. Times and memory are those that each step writes into its
log.
"""

import argparse
import math
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import yaml

from ssbchar.runtime import timing
from ssbchar.simulate.effects import Effects
from ssbchar.simulate.hexrd import heating
from ssbchar.simulate.hexrd.programme import FrameCounts, Programme, write_log

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "scale.md"
LENGTHS = (100, 1000, 10_000)
POINTS = 2400
CORES = 2
COST = re.compile(
    r"done in ([\d.]+) s; [\d.]+ s of processors; at most (\d+) MB"
    r"(?:, (\d+) MB in each of its processes)?\n"
    r"computing: ([\d.]+) s, ([\d.]+) s of processors"
)
"""What a step's log says of its cost, with its profile."""


@dataclass(frozen=True)
class Cost:
    """What a step took."""

    seconds: float
    computing: float
    megabytes: int
    processor: float
    """Seconds of processors that its computing took."""
    begin: float
    """When it began [s since 1970-01-01 UTC]."""


@dataclass(frozen=True)
class Run:
    """What a run of the workflow took."""

    frames: int
    seconds: float
    processor: float
    """Seconds of processors of all processes of the run."""
    load: float
    """Processes at work on the machine: more than the run's two say that its seconds are too
    long."""
    steps: dict[str, Cost]

    @property
    def other(self) -> float:
        """Seconds of processors outside the steps' computing."""
        return self.processor - sum(c.processor for c in self.steps.values())

    @property
    def overhead(self) -> float:
        """Seconds in which no step's own function computed (a function is taken to compute as its
        step begins)."""
        spans = sorted((c.begin, c.begin + c.computing) for c in self.steps.values())
        busy, until = 0.0, -math.inf
        for first, last in spans:
            busy += max(0.0, last - max(first, until))
            until = max(until, last)
        return self.seconds - busy


def write_series(folder: Path, frames: int) -> None:
    """Write LAGP + LFP heated, held and cooled, as one NeXus file, and the furnace's log."""
    mixture = replace(
        heating.STABLE,
        instrument=replace(
            heating.STABLE.instrument,
            points=POINTS,
            step=1600 * heating.STABLE.instrument.step / POINTS,
        ),
    )
    programme = Programme(start=mixture.start)
    rng = np.random.default_rng(1)
    rest = max(3, frames // 100)
    heat, hold = round(0.4 * frames), round(0.25 * frames)
    at = programme.list_frame_times(
        FrameCounts(heating=heat, hold=hold, cooling=frames - heat - hold - 2 * rest, rest=rest)
    )
    axis = mixture.instrument.two_theta
    with h5py.File(folder / "series.nxs", "w") as file:
        data = file.create_group("entry/data")
        file["entry"].attrs["NX_class"] = "NXentry"
        data.attrs.update(
            {"NX_class": "NXdata", "signal": "intensity", "axes": ["time", "two_theta"]}
        )
        counts = data.create_dataset(
            "intensity", (at.size, axis.size), "f4", chunks=(min(100, at.size), axis.size)
        )
        for first in range(0, at.size, 500):
            part = slice(first, first + 500)
            counts[part] = heating.simulate_patterns(mixture, programme, at[part], Effects(), rng)[
                0
            ]
        data["two_theta"], data["time"] = axis, mixture.start + at
        data["two_theta"].attrs["units"], data["time"].attrs["units"] = "degree", "s"
        length = file.create_dataset(
            "entry/instrument/beam/incident_wavelength", data=mixture.instrument.wavelength
        )
        length.attrs["units"] = "angstrom"
    write_log(folder / "furnace.csv", programme, rng, Effects())


def run(folder: Path, frames: int) -> Run:
    """Make a series in a folder and run the whole workflow on it."""
    write_series(folder, frames)
    header = ["measurement", "sample", "technique", "role", "path", "log", "phases"]
    row = ["series", "LAGP+LFP", "hexrd", "series", "series.nxs", "furnace.csv", "LAGP,LFP"]
    (folder / "samples.tsv").write_text(
        "\t".join(header) + "\n" + "\t".join(row) + "\n", encoding="utf-8"
    )
    options = {"furnace": {"clock_offset_stderr": 10.0, "thermocouple_stderr": 0.3}}
    phases = str(ROOT / "config/phases/phases.yaml")
    config = {"run": "scale", "samples": "samples.tsv", "phases": phases, "hexrd": options}
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    start = timing.measure_now()
    with (folder / "run.log").open("w", encoding="utf-8") as log:
        command = [sys.executable, "-m", "ssbchar", "run", "config.yaml", "--cores", str(CORES)]
        command.append("--profile")
        done = subprocess.run(
            command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, check=False
        )
    taken = timing.measure_now().since(start)
    if done.returncode:
        raise SystemExit((folder / "run.log").read_text(encoding="utf-8")[-3000:])
    return Run(frames, *taken, os.getloadavg()[1], costs(folder / "results/scale/logs"))


def costs(logs: Path) -> dict[str, Cost]:
    """Return what each step took, from the logs it wrote."""
    found = {}
    for path in sorted(logs.rglob("*.log")):
        cost = COST.search(path.read_text(encoding="utf-8"))
        if cost:
            seconds, own, child, computing, processor = (float(v or 0) for v in cost.groups())
            found[path.stem] = Cost(
                seconds=seconds,
                computing=computing,
                megabytes=int(own + CORES * child),
                processor=processor,
                begin=path.stat().st_mtime - seconds,
            )
    return found


def table(runs: list[Run]) -> str:
    """Return seconds and memory of every step at every length, as Markdown."""
    names = sorted(
        {name for r in runs for name in r.steps}, key=lambda n: min(r.steps[n].begin for r in runs)
    )
    head = [
        "step",
        *(f"{r.frames:,} frames: s".replace(",", " ") for r in runs),
        *("MB" for _ in runs),
    ]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name in names:
        cells = [
            name,
            *(f"{r.steps[name].seconds:.1f}" for r in runs),
            *(str(r.steps[name].megabytes) for r in runs),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    lines.append(
        "| **the run** | " + " | ".join(f"{r.seconds:.0f}" for r in runs) + " |" + " |" * len(runs)
    )
    shares = [f"{r.overhead:.0f} ({100 * r.overhead / r.seconds:.0f} %)" for r in runs]
    lines.append("| outside the steps' computing | " + " | ".join(shares) + " |" + " |" * len(runs))
    shares = [
        f"{r.other:.0f} of {r.processor:.0f} ({100 * r.other / r.processor:.0f} %)" for r in runs
    ]
    lines.append("| the same in processor time | " + " | ".join(shares) + " |" + " |" * len(runs))
    lines.append(
        "| load of the machine | "
        + " | ".join(f"{r.load:.0f}" for r in runs)
        + " |"
        + " |" * len(runs)
    )
    each = [f"{1000 * r.steps['refine'].computing / r.frames:.1f} ms" for r in runs]
    lines.append(
        "| refinement per frame (wall, all passes) | " + " | ".join(each) + " |" + " |" * len(runs)
    )
    return "\n".join(lines)


def main() -> None:
    """Run the lengths asked for; write the page where they are the usual ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frames", nargs="*", type=int, default=[])
    asked = parser.parse_args().frames
    runs = []
    for frames in asked or LENGTHS:
        with tempfile.TemporaryDirectory() as folder:
            runs.append(run(Path(folder), frames))
        print(f"{frames} frames: {runs[-1].seconds:.0f} s", file=sys.stderr)
    print(table(runs))
    if not asked:
        PAGE.write_text(page(runs), encoding="utf-8")


def page(runs: list[Run]) -> str:
    """Return ``docs/scale.md``."""
    return "\n".join(
        [
            "# Time and memory of a long diffraction series",
            "",
            (
                "Written by `python -m benchmarks.scale`: LAGP + LFP (synthetic) heated, held and "
                "cooled, patterns of"
            ),
            (
                f"{POINTS} points in one NeXus file, two phases, `ssbchar run` from raw file to "
                f"report on {CORES} cores."
            ),
            (
                "Seconds are wall time of a step from its first line to its last byte; MB the "
                "most memory it held (with"
            ),
            (
                "its worker processes; pages they share counted for each, so too the 160 MB of "
                "libraries that all steps"
            ),
            (
                "share, [decision 9](decisions/0009-warm-process.md)). The line *outside the "
                "steps' computing* counts all"
            ),
            (
                "else: the command's and Snakemake's start, imports (inside a step too), reading, "
                "writing (by blocks"
            ),
            (
                "inside a step too), and waiting for processes to start; the rendering of figures "
                "is computing. On a"
            ),
            (
                "machine with other work seconds are too long (*load*: how many processes wanted "
                "its two cores),"
            ),
            "processor time is not.",
            "",
            table(runs),
            "",
        ]
    )


if __name__ == "__main__":
    main()
