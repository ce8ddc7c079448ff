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
    attrs : mapping
        Attributes of the acquisition (`ssbchar.nmr.bruker.read.acquisition`).
    """
    mass = float(attrs.get("sample_mass", math.nan))
    return (
        float(attrs.get("scans", 1))
        * float(attrs.get("receiver_gain", 1))
        * (mass if mass > 0 else 1.0)
    )


def explain_incomparable(several: Sequence[Mapping[str, Any]]) -> str:
    """Return why intensities of some acquisitions cannot be compared, empty where they can.

    Parameters
    ----------
    several : sequence of mapping
        Attributes of each acquisition.
    """
    for key, name in (("scans", "NS"), ("receiver_gain", "RG")):
        if any(float(a.get(key, 0)) <= 0 for a in several):
            return f"{name} is not above zero"
    if len({math.isfinite(float(a.get("sample_mass", math.nan))) for a in several}) > 1:
        return "the sample's mass is given for some only"
    for key, name in ALIKE.items():
        values = [a.get(key) for a in several]
        if any(not _same(values[0], v) for v in values[1:]):
            return f"the {name} differs ({', '.join(dict.fromkeys(str(v) for v in values))})"
    return ""


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-3, abs_tol=1e-12)
    return bool(a == b)
