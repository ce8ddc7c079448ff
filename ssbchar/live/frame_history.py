"""What the page shows of a series of patterns: numbers of every frame, and a map that never grows
beyond a fixed number of rows."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from ssbchar.decision import Estimate, decide_presence
from ssbchar.live.measurement import Plain
from ssbchar.live.temperatures import FrameKey
from ssbchar.results.figures.style import assign_colours
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

MAP_ROWS = 256
"""Most rows of the map: beyond, every second one is left out."""
MAP_COLUMNS = 360
"""Most columns of the map; each is the highest point of its range."""
SHOWN_FRAMES = 400
"""Most frames of a curve; of more, evenly spread ones are shown, and the last."""
SHOWN_POINTS = 4000
"""Most points of the last pattern; of more, the highest of each range."""
WHITE = 255
AXES = ("a", "b", "c")
FIRST, PER_PHASE = 3, 11
"""Values of a frame (temperature, Rwp, GOF), and of each phase in it."""


class FrameHistory:
    """The frames of one series, in the order they were taken."""

    def __init__(self, phases: Sequence[str], order: Sequence[str] = ()) -> None:
        """Begin without a frame.

        Parameters
        ----------
        phases : sequence of str
            Candidates of the series.
        order : sequence of str
            Phases of the run in the order of their colours.
        """
        self._phases = tuple(phases)
        self._colours = list(assign_colours(phases, order).values())
        self._place: dict[FrameKey, int] = {}
        self._width = FIRST + PER_PHASE * len(self._phases)
        self._table = np.full((16, self._width), np.nan)
        """Values of each frame; as long as the frames so far, or up to twice that."""
        self._count = 0
        self._map: list[tuple[int, bytes]] = []
        self._step = 1
        self._columns: tuple[float, float] = (0.0, 0.0)

    def __len__(self) -> int:
        return self._count

    def add(self, key: FrameKey, entry: Plain) -> None:
        """Add a frame, in place of what was known of it before.

        Parameters
        ----------
        key : FrameKey
        entry : dict
            Of the journal.
        """
        values = [entry["temperature"], entry["rwp"], entry["gof"]]
        # A frame that was not refined has no values of phases.
        for p in range(len(entry["present"])):
            lengths = entry["cell"][p][:3], entry["cell_stderr"][p][:3]
            volume = entry["volume"][p], entry["volume_stderr"][p]
            amount = entry["intensity"][p], entry["intensity_stderr"][p]
            values += [float(entry["present"][p]), *amount, *volume, *lengths[0], *lengths[1]]
        values += [np.nan] * (self._width - len(values))
        row = base64.b64decode(entry["map"])
        if key in self._place:
            place = self._place[key]
            self._table[place] = values
            self._map = [(n, row if n == place else old) for n, old in self._map]
            return
        place = self._place[key] = self._count
        if place == len(self._table):
            self._table = np.concatenate([self._table, np.full_like(self._table, np.nan)])
        self._table[place] = values
        self._count += 1
        self._columns = tuple(entry["map_range"])
        if place % self._step == 0:
            self._map.append((place, row))
        if len(self._map) > MAP_ROWS:
            self._step *= 2
            self._map = [(n, old) for n, old in self._map if n % self._step == 0]

    def set_temperature(self, key: FrameKey, temperature: float) -> None:
        """Note a temperature [degC] that was found later."""
        if key in self._place:
            self._table[self._place[key], 0] = temperature

    def describe(self) -> Plain:
        """Return curves, map and what can be said of each phase so far."""
        if not self._count:
            return {"frames": 0, "phases": list(self._phases)}
        every = -(-self._count // SHOWN_FRAMES)
        shown = sorted({*range(0, self._count, every), self._count - 1})
        values = self._table[shown]
        return {
            "frames": self._count,
            "phases": list(self._phases),
            "colours": self._colours,
            "number": [n + 1 for n in shown],
            "temperature": make_plain(values[:, 0]),
            "rwp": make_plain(values[:, 1]),
            "cells": [_describe_cells(self._get_phase(p)[shown]) for p in range(len(self._phases))],
            "map": self._describe_map(),
            "so_far": self._describe_phases(),
        }

    def _describe_map(self) -> Plain:
        numbers = [n for n, _ in self._map]
        return {
            "rows": len(numbers),
            "number": [n + 1 for n in numbers],
            "temperature": make_plain(self._table[numbers, 0]),
            "range": list(self._columns),
            "data": base64.b64encode(b"".join(row for _, row in self._map)).decode(),
            "columns": len(self._map[0][1]),
            "amounts": [
                make_plain(self._relative_amount(p, numbers)) for p in range(len(self._phases))
            ],
        }

    def _relative_amount(self, phase: int, numbers: Sequence[int]) -> Array:
        """Return a phase's intensity over its highest so far [1], 0 where it is not there."""
        own = self._get_phase(phase)
        amount = np.where(own[:, 0] > 0, own[:, 1], 0.0)
        highest = float(np.nanmax(amount))
        return amount[list(numbers)] / highest if highest > 0 else np.zeros(len(numbers))

    def _get_phase(self, phase: int) -> Array:
        """Return the values of a phase in all frames, shape (frame, `PER_PHASE`)."""
        first = FIRST + phase * PER_PHASE
        return self._table[: self._count, first : first + PER_PHASE]

    def _describe_phases(self) -> list[Plain]:
        """Return for each phase whether the last frame shows it, and where it was seen."""
        return [
            {"phase": name, **describe_presence(self._get_phase(p), len(self._phases))}
            | self._describe_where(p)
            for p, name in enumerate(self._phases)
        ]

    def _describe_where(self, phase: int) -> Plain:
        own = self._get_phase(phase)
        seen = np.flatnonzero(own[:, 0] > 0)
        if not seen.size:
            return {"seen_in": 0}
        first, last = int(seen[0]), int(seen[-1])
        volume, stderr = own[:, 3], own[:, 4]
        change = 100 * (volume[last] / volume[first] - 1)
        error = 100 * float(np.hypot(stderr[last], stderr[first])) / volume[first]
        return {
            "seen_in": int(seen.size),
            "first": {"frame": first + 1, "temperature": make_number(self._table[first, 0])},
            "last": {"frame": last + 1, "temperature": make_number(self._table[last, 0])},
            "cell": make_plain(own[last, 5:8]),
            "cell_stderr": make_plain(own[last, 8:11]),
            "volume_change": make_number(change),
            "volume_change_stderr": make_number(error),
        }


def describe_presence(own: Array, tests: int) -> Plain:
    """Return what the last frame says of a phase: a word, and the intensity with its 95 % limits.

    ``detected`` needs both: the refinement took it into its model, and the limits leave zero out;
    where the two disagree it is ``inconclusive``.

    Parameters
    ----------
    own : ndarray, shape (frame, value)
        Whether the phase is in the model, its intensity and error [counts degree], ...
    tests : int
        Phases that are looked for.
    """
    in_model, value, stderr = own[-1, :3].tolist()
    decision = decide_presence(Estimate(value=value, stderr=stderr), tests=tests)
    words = {1.0: Verdict.DETECTED, 0.0: Verdict.NOT_DETECTED}
    word = decision.verdict if decision.verdict == words[in_model] else Verdict.INCONCLUSIVE
    return {
        "verdict": str(word),
        "intensity": make_number(value),
        "limits": make_plain(np.array([decision.lower95, decision.upper95])),
    }


def _describe_cells(values: Array) -> Plain:
    """Return volume and lengths of a phase along the frames, null where it is not there."""
    found: Plain = {"volume": make_plain(values[:, 3]), "volume_stderr": make_plain(values[:, 4])}
    for k, axis in enumerate(AXES):
        found[axis] = make_plain(values[:, 5 + k])
        found[f"{axis}_stderr"] = make_plain(values[:, 8 + k])
    return found


def make_map_row(
    two_theta: Array, intensity: Array, scale: tuple[float, float]
) -> tuple[bytes, list[float]]:
    """Return a pattern as a row of the map, and the range of its columns [degree].

    Parameters
    ----------
    two_theta, intensity : ndarray, shape (points,)
        [degree] and [counts].
    scale : tuple of float
        Intensities of the darkest and the brightest shade [counts]; between them shades follow the
        root of the intensity.

    Returns
    -------
    row : bytes
        One shade per column, 0 to 255.
    range : list of float
    """
    highest = np.maximum.reduceat(np.nan_to_num(intensity), _cut(intensity.size, MAP_COLUMNS))
    low, high = scale
    shade = np.sqrt(np.clip((highest - low) / max(high - low, 1e-300), 0.0, 1.0))
    row = np.round(WHITE * shade).astype(np.uint8).tobytes()
    return row, [float(two_theta[0]), float(two_theta[-1])]


def describe_pattern(two_theta: Array, curves: dict[str, Array]) -> Plain:
    """Return a pattern for the page, thinned by the highest observed point of each range.

    Parameters
    ----------
    two_theta : ndarray, shape (points,)
        [degree]
    curves : dict of str to ndarray, shape (points,)
        [counts]; ``observed`` is among them.
    """
    places = np.arange(two_theta.size)
    if two_theta.size > SHOWN_POINTS:
        edges = _cut(two_theta.size, SHOWN_POINTS)
        pieces = np.split(np.nan_to_num(curves["observed"]), edges[1:])
        places = edges + np.array([int(np.argmax(piece)) for piece in pieces])
    found: Plain = {"two_theta": make_plain(two_theta[places])}
    return found | {name: make_plain(curve[places]) for name, curve in curves.items()}


def _cut(size: int, most: int) -> np.ndarray:
    """Return where up to `most` nearly equal pieces of `size` points begin."""
    return np.unique(np.linspace(0, size, min(size, most), endpoint=False).astype(int))


def make_plain(values: Array) -> list[Any]:
    """Return numbers for JSON, shape (n,), to seven digits; what is not finite is null."""
    return [make_number(value) for value in np.asarray(values, float).tolist()]


def make_number(value: float) -> float | None:
    """Return a number to seven digits, None where it is not finite."""
    return float(f"{value:.7g}") if np.isfinite(value) else None
