"""A simulated heating series through every step of the diffraction slice, in process, as the
workflow would."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.pipeline import step
from ssbchar.runtime import options as opts
from ssbchar.simulate.effects import Effects
from ssbchar.simulate.hexrd import heating
from ssbchar.simulate.hexrd.programme import FrameCounts
from ssbchar.simulate.truth import Truth

ROOT = Path(__file__).parents[2]
PHASES = ROOT / "config" / "phases" / "phases.yaml"
_TABLES: dict[tuple[Path, str], xr.Dataset] = {}


@dataclass
class Chain:
    """What every step gave, and what is true."""

    truths: list[Truth]
    patterns: xr.Dataset
    furnace: xr.Dataset
    lattice: xr.Dataset
    peaks: xr.Dataset
    tracks: xr.Dataset | None
    conclusions: list[Conclusion]

    def row(self, quantity: str, subject: str = "", condition: str = "") -> Conclusion:
        """Return the one conclusion of that name."""
        found = [
            c
            for c in self.conclusions
            if c.quantity == quantity
            and subject in ("", c.subject)
            and condition in ("", c.condition)
        ]
        assert len(found) == 1, (quantity, subject, condition, found)
        return found[0]


def call(
    name: str,
    departures: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    **inputs: Any,
):
    """Run a step in process: options from its dataclass, labels stamped on a Dataset."""
    function = step.find_function(name)
    hints = step.read_hints(function)
    arguments = {k: inputs.get(k) for k in inspect.signature(function).parameters}
    about = dict(labels or {})
    if "options" in arguments:
        arguments["options"] = opts.build_options(hints["options"], dict(departures or {}))
    if "labels" in arguments:
        arguments["labels"] = about
    result = function(**arguments)
    return result.assign_attrs(about) if hasattr(result, "assign_attrs") else result


def phase_table(name: str, table: Path = PHASES) -> xr.Dataset:
    """Return the reflections of a phase, made once."""
    if (table, name) not in _TABLES:
        _TABLES[table, name] = call(
            "crystal.tabulate_reflections", None, {"phase": name}, table=table
        )
    return _TABLES[table, name]


def chain(
    mixture: heating.Mixture,
    folder: Path,
    effects: Effects,
    seed: int,
    frames: Sequence[int],
    refined: Sequence[str] = (),
    candidates: Sequence[str] = (),
    table: Path = PHASES,
    counts: float = 1.0,
) -> Chain:
    """Return all that is concluded of a simulated series.

    Parameters
    ----------
    refined : sequence of str
        Phases in the sample sheet; all of the mixture's where empty.
    candidates : sequence of str
        Phases that unexplained peaks are tested against; none: that step is left out.
    """
    names = ("heating", "hold", "cooling", "rest")
    numbers = FrameCounts(**dict(zip(names, frames, strict=True)))
    rng = np.random.default_rng(seed)
    truths = heating.write_series(mixture, folder, effects, rng, numbers, counts=counts)
    about = {"measurement": mixture.measurement, "sample": mixture.sample, "role": "series"}
    names = list(refined) or [p.crystal.name for p in mixture.phases]
    patterns = call(
        "hexrd.patterns.read_patterns", None, about, source=folder / mixture.measurement
    )
    log = folder / f"{mixture.measurement}_furnace.csv"
    clock = {"clock_offset_stderr": 10.0, "thermocouple_stderr": 0.3}
    furnace = call("hexrd.furnace.join_temperatures", clock, about, patterns=patterns, log=log)
    both = {
        "patterns": patterns,
        "furnace": furnace,
        "phases": [phase_table(n, table) for n in names],
    }
    peaks = call("hexrd.peaks.fit_known_lines", None, about, **both)
    lattice = call("hexrd.refinement.refine_series", None, about, **both)
    found, others = None, []
    if candidates:
        found = call("hexrd.unindexed.follow_lines", None, about, lattice=lattice, **both)
        every = [phase_table(n, table) for n in dict.fromkeys([*names, *candidates])]
        others = call(
            "hexrd.unindexed.identify.match_candidates",
            None,
            about,
            tracks=found,
            furnace=furnace,
            phases=every,
        )
    after = {**both, "lattice": lattice, "peaks": peaks, "candidates": others}
    expansion = call("hexrd.expansion.fit_expansion", None, about, **after)
    onset = call("hexrd.onset.find_onsets", None, about, **after)
    told = call(
        "hexrd.verdict.conclude_series", None, about, expansion=expansion, onset=onset, **after
    )
    return Chain(truths, patterns, furnace, lattice, peaks, found, told)
