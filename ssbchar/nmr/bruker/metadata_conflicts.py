"""Contradictions between the metadata of one experiment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

XI = {
    "1H": 1.0,
    "2H": 0.15350609,
    "6Li": 0.14716106,
    "7Li": 0.38863797,
    "11B": 0.32083974,
    "13C": 0.25145020,
    "19F": 0.94094011,
    "23Na": 0.26451900,
    "27Al": 0.26056859,
    "29Si": 0.19867187,
    "31P": 0.40480742,
}
"""Frequency ratios to 1H (Harris et al., Pure Appl. Chem. 73 (2001) 1795)."""
MAGNETS = (200, 250, 300, 360, 400, 500, 600, 700, 750, 800, 850, 900, 950, 1000, 1100, 1200)
"""1H frequencies magnets are built for [MHz]."""
SAME_FREQUENCY = 0.01
"""Relative distance within which a frequency is that of a nucleus in a magnet."""
OFFSET_TOLERANCE = 1.0
"""How far O1 may be from SFO1 - BF1 [Hz]."""
REFERENCE_TOLERANCE = 0.5
"""How far the title's SR may be from that of procs [Hz]."""
WIDTH_TOLERANCE = 0.01
"""How far SW may be from SW_h, relative."""
LARGEST_REFERENCE = 500.0
"""How far SF may be from BF1 [ppm]."""
SPINNING_TOLERANCE = 0.05
"""How far MASR may be from the title's spinning rate, relative."""


def find_conflicts(acqus: Mapping[str, Any], title: str, sr: float) -> list[str]:
    """Return one line for each contradiction.

    Compared are NUC1 with SFO1 and BF1, O1 with their difference, the title with SR and MASR; NS
    and RG must be above zero.

    Parameters
    ----------
    acqus : mapping
        The acquisition's parameters.
    title : str
        TopSpin's title.
    sr : float
        SF - BF1 [Hz].
    """
    counts = [
        f"{name} is {acqus[name]}: intensities cannot be compared"
        for name in ("NS", "RG")
        if name in acqus and not float(acqus[name]) > 0
    ]
    return [
        *_check_offset(acqus),
        *_check_width(acqus),
        *_check_frequency(acqus, sr),
        *_check_nucleus(acqus),
        *_check_reference(title, sr),
        *_check_spinning(acqus, title),
        *counts,
    ]


def _check_offset(acqus: Mapping[str, Any]) -> list[str]:
    o1 = float(acqus.get("O1", 0.0))
    difference = (float(acqus["SFO1"]) - float(acqus["BF1"])) * 1e6
    if abs(difference - o1) <= OFFSET_TOLERANCE:
        return []
    return [f"SFO1 - BF1 = {difference:.1f} Hz but O1 = {o1:.1f} Hz"]


def _check_width(acqus: Mapping[str, Any]) -> list[str]:
    """Compare SW [ppm] with SW_h [Hz]."""
    width, ppm = float(acqus.get("SW_h", 0)), float(acqus.get("SW", 0) or 0)
    from_ppm = ppm * float(acqus["SFO1"])
    if width <= 0 or ppm <= 0 or abs(from_ppm / width - 1) <= WIDTH_TOLERANCE:
        return []
    return [f"SW is {ppm:g} ppm = {from_ppm:.0f} Hz, but SW_h = {width:.0f} Hz"]


def _check_frequency(acqus: Mapping[str, Any], sr: float) -> list[str]:
    """Name a reference that no shift scale has: it would move every line out of its region."""
    ppm = sr / float(acqus["BF1"])
    if abs(ppm) <= LARGEST_REFERENCE:
        return []
    return [f"SF is {ppm:.0f} ppm from BF1: shifts are off unless that is meant"]


def _check_nucleus(acqus: Mapping[str, Any]) -> list[str]:
    nucleus = str(acqus.get("NUC1", ""))
    ratio = XI.get(nucleus)
    if not ratio:
        return []
    frequency, proton = float(acqus["SFO1"]), _proton_frequency(acqus)
    field = frequency / ratio
    said = f"NUC1 is {nucleus} but SFO1 = {frequency:.3f} MHz suits no"
    if proton:
        if abs(field / proton - 1) <= SAME_FREQUENCY:
            return []
        return [f"{said} such nucleus at {proton:.1f} MHz (1H){_suggest(frequency, (proton,))}"]
    if min(abs(field / magnet - 1) for magnet in MAGNETS) <= SAME_FREQUENCY:
        return []
    return [f"{said} usual magnet ({field:.0f} MHz 1H){_suggest(frequency, MAGNETS)}"]


def _proton_frequency(acqus: Mapping[str, Any]) -> float:
    """Return the 1H frequency [MHz] that unused channels hold, zero where they hold none."""
    others = {float(acqus[f"BF{i}"]) for i in range(2, 9) if f"BF{i}" in acqus}
    return others.pop() if len(others) == 1 else 0.0


def _suggest(frequency: float, magnets: Sequence[float]) -> str:
    """Return the nuclei that a frequency [MHz] suits, as the end of a sentence."""
    names = [
        name
        for name, xi in XI.items()
        if min(abs(frequency / xi / magnet - 1) for magnet in magnets) < SAME_FREQUENCY
    ]
    return f"; it suits {', '.join(names)}" if names else ""


def _check_reference(title: str, sr: float) -> list[str]:
    stated = re.search(r"\bSR\s*[=:]?\s*(-?\d+\.\d+)", title)
    if stated and abs(float(stated[1]) - sr) > REFERENCE_TOLERANCE:
        return [f"the title says SR {stated[1]} Hz, procs says {sr:.2f} Hz"]
    return []


def _check_spinning(acqus: Mapping[str, Any], title: str) -> list[str]:
    """Compare the spinning rate of the title with MASR.

    The title's rate is a number in kHz beside MAS, or its first number in kHz where MASR is set.
    """
    masr = float(acqus.get("MASR", 0) or 0)
    beside = re.search(
        r"\bMAS\b[^\d\n]{0,20}(\d+(?:\.\d+)?)\s*kHz|(\d+(?:\.\d+)?)\s*kHz\s*MAS\b",
        title,
        re.IGNORECASE,
    )
    first = re.search(r"(\d+(?:\.\d+)?)\s*kHz", title, re.IGNORECASE) if masr else None
    stated = next((g for match in (beside, first) if match for g in match.groups() if g), None)
    if stated is None:
        return []
    rate = 1e3 * float(stated)
    if abs(rate - masr) <= SPINNING_TOLERANCE * rate:
        return []
    return [f"the title says {stated} kHz (spinning), MASR says {masr / 1e3:g} kHz"]
