"""Transmission or fluorescence, where a scan holds both and neither is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.typing import Array
from ssbchar.xas.scans.columns import calculate_absorption, choose_mode, list_absorption_columns
from ssbchar.xas.scans.formats.raw_scan import RawScan
from ssbchar.xas.scans.jumps import measure_step
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.scans.scan import Mode
from ssbchar.xas.slopes import find_steepest

WEAK_STEP = 0.02
"""An edge step of a transmission below this cannot be trusted [1]."""
LARGE_STEP = 0.1
"""An edge step of a transmission from this on is taken, whatever the fluorescence shows [1]."""
CLEARER = 5.0
"""Below, a fluorescence whose step is more significant by this factor is taken [1]; ours."""
LEAST_SIGMA = 5.0
"""The edge step of the fluorescence stands so many standard errors above nothing [1]."""
AS_CLEAR = 0.5
"""A fluorescence whose step is less significant by this factor is no help [1]."""
NO_EDGE = (0.0, np.inf)
"""Step and error where the steepest place is no edge: noise of a counter in the dark, or the end of
the scan [1]."""


def prefer_fluorescence(
    raw: RawScan, energy: Array, options: ScanReading
) -> tuple[ScanReading, list[str]]:
    """Return the options with the fluorescence chosen where the transmission shows no edge.

    Parameters
    ----------
    raw : RawScan
        With columns of shape (point,).
    energy : array, shape (point,)
        [eV]
    options : ScanReading

    Returns
    -------
    options : ScanReading
    remarks : list of str
        What was chosen, and why.
    """
    named = options.transmitted or options.fluorescence or options.mu
    if options.mode != "auto" or named or choose_mode(raw, options) != Mode.TRANSMISSION:
        return options, []
    other = replace(options, mode="fluorescence")
    names = list_absorption_columns(raw, other, Mode.FLUORESCENCE)
    if not names:
        return options, []
    order = np.argsort(energy, kind="stable")
    try:
        transmission = calculate_absorption(raw, options)
    except BadInput as fault:
        text = f"{fault.problem}: the fluorescence ({', '.join(names)}) is taken"
        return other, [text]
    through = _measure_edge(energy[order], transmission.mu[order]) or NO_EDGE
    if abs(through[0]) >= LARGE_STEP:
        return options, []
    glowing = _measure_edge(energy[order], calculate_absorption(raw, other).mu[order])
    if abs(through[0]) >= WEAK_STEP and (
        glowing is None or glowing[0] / glowing[1] < CLEARER * abs(through[0]) / through[1]
    ):
        return options, []
    least = max(LEAST_SIGMA, AS_CLEAR * abs(through[0]) / through[1])
    if glowing is None or glowing[0] < least * glowing[1]:
        return options, []
    remark = (
        f"the transmission has an edge step of {through[0]:.3f}: the fluorescence "
        f"({', '.join(names)}) is taken"
    )
    return other, [remark]


def _measure_edge(energy: Array, mu: Array) -> tuple[float, float] | None:
    """Return the step of a spectrum at its steepest place, and its error."""
    good = np.isfinite(mu) & np.isfinite(energy)
    if good.sum() < 2:
        return None
    x, y = energy[good], mu[good]
    step = measure_step(x, y, find_steepest(x, y))
    return None if step is None else (step[0], max(step[1], 1e-12))
