"""What a receiver's units mean: signal per scan, gain and sample mass, and whether two acquisitions
may be compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

ALIKE = {
    "probe": "probe",
    "pulse_program": "pulse program",
    "pulse_1": "first pulse",
    "recycle_delay": "recycle delay",
    "sw": "spectral width",
}
"""What must be the same in two acquisitions before their intensities are compared."""


def scale_per_scan(attrs: Mapping[str, Any]) -> float:
    """Return what a signal is divided by: scans times receiver gain times mass [g] (one where the
    mass is unknown).

    The receiver's gain RG is taken as an amplitude factor, as Bruker's is; the digital signal adds
    up over the scans.

    Parameters
    ----------
    attrs : mapping of str
        Attributes of the acquisition (`ssbchar.nmr.bruker.acquisition.Acquisition.attributes`).
    """
    mass = float(attrs.get("sample_mass", math.nan))
    scans, gain = float(attrs.get("scans", 1)), float(attrs.get("receiver_gain", 1))
    return scans * gain * (mass if mass > 0 else 1.0)


def explain_incomparable(several: Sequence[Mapping[str, Any]]) -> str | None:
    """Return why intensities of some acquisitions cannot be compared, None where they can.

    Parameters
    ----------
    several : sequence of mapping of str
        Attributes of each acquisition, in their own units (pulses [s], mass [g]).
    """
    for key, name in (("scans", "NS"), ("receiver_gain", "RG")):
        if any(float(attrs.get(key, 0)) <= 0 for attrs in several):
            return f"{name} is not above zero"
    has_mass = {math.isfinite(float(attrs.get("sample_mass", math.nan))) for attrs in several}
    if len(has_mass) > 1:
        return "the sample's mass is given for some only"
    for key, name in ALIKE.items():
        values = [attrs.get(key) for attrs in several]
        if any(not _is_same(values[0], value) for value in values[1:]):
            different = ", ".join(dict.fromkeys(str(value) for value in values))
            return f"the {name} differs ({different})"
    return None


def _is_same(first: Any, second: Any) -> bool:
    if isinstance(first, int | float) and isinstance(second, int | float):
        return math.isclose(first, second, rel_tol=1e-3, abs_tol=1e-12)
    return bool(first == second)
