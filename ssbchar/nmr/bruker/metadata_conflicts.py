"""What the metadata of one experiment say against each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
NEAR = 0.01
"""Relative distance within which a frequency is that of a magnet."""


def conflicts(acqus: Mapping[str, Any], title: str, sr: float) -> list[str]:
    """Return one line for each contradiction: NUC1 against SFO1 and BF1, O1, the title against SR
    and MASR.

    Parameters
    ----------
    acqus : mapping
        The acquisition's parameters.
    title : str
        The title.
    sr : float
        SF - BF1 [Hz].
    """
    counts = [
        f"{k} is {acqus[k]}: intensities cannot be compared"
        for k in ("NS", "RG")
        if _not_above_zero(acqus, k)
    ]
    return [*_frequencies(acqus), *_reference(title, sr), *_spinning(acqus, title), *counts]


def _not_above_zero(acqus: Mapping[str, Any], name: str) -> bool:
    return name in acqus and not float(acqus[name]) > 0


def _frequencies(acqus: Mapping[str, Any]) -> list[str]:
    found = []
    sfo1, bf1, o1 = float(acqus["SFO1"]), float(acqus["BF1"]), float(acqus.get("O1", 0.0))
    if abs((sfo1 - bf1) * 1e6 - o1) > 1.0:
        found.append(f"SFO1 - BF1 = {(sfo1 - bf1) * 1e6:.1f} Hz but O1 = {o1:.1f} Hz")
    nucleus = str(acqus.get("NUC1", ""))
    ratio, proton = XI.get(nucleus), _proton_frequency(acqus)
    if not ratio:
        return found
    field = sfo1 / ratio
    if proton and abs(field / proton - 1) > NEAR:
        fits = _nuclei(sfo1, (proton,))
        found.append(
            f"NUC1 is {nucleus} but SFO1 = {sfo1:.3f} MHz suits no such nucleus at {proton:.1f} MHz (1H){fits}"
        )
    elif not proton and min(abs(field / m - 1) for m in MAGNETS) > NEAR:
        fits = _nuclei(sfo1, MAGNETS)
        found.append(
            f"NUC1 is {nucleus} but SFO1 = {sfo1:.3f} MHz suits no usual magnet ({field:.0f} MHz 1H){fits}"
        )
    return found


def _proton_frequency(acqus: Mapping[str, Any]) -> float:
    """Return the 1H frequency [MHz] that unused channels hold, zero where none does."""
    others = {float(acqus[f"BF{i}"]) for i in range(2, 9) if f"BF{i}" in acqus}
    return others.pop() if len(others) == 1 else 0.0


def _nuclei(frequency: float, magnets: tuple[float, ...]) -> str:
    names = [n for n, xi in XI.items() if min(abs(frequency / xi / m - 1) for m in magnets) < NEAR]
    return f"; it suits {', '.join(names)}" if names else ""


def _reference(title: str, sr: float) -> list[str]:
    stated = re.search(r"\bSR\s*[=:]?\s*(-?\d+\.\d+)", title)
    if stated and abs(float(stated[1]) - sr) > 0.5:
        return [f"the title says SR {stated[1]} Hz, procs says {sr:.2f} Hz"]
    return []


def _spinning(acqus: Mapping[str, Any], title: str) -> list[str]:
    """Compare the spinning speed of the title (a number in kHz beside MAS, or the title's first)
    with MASR."""
    masr = float(acqus.get("MASR", 0) or 0)
    beside = re.search(
        r"\bMAS\b[^\d\n]{0,20}(\d+(?:\.\d+)?)\s*kHz|(\d+(?:\.\d+)?)\s*kHz\s*MAS\b",
        title,
        re.IGNORECASE,
    )
    first = re.search(r"(\d+(?:\.\d+)?)\s*kHz", title, re.IGNORECASE) if masr else None
    number = next((g for match in (beside, first) if match for g in match.groups() if g), None)
    if number is None or abs(1e3 * float(number) - masr) <= 0.05 * 1e3 * float(number):
        return []
    return [f"the title says {number} kHz (spinning), MASR says {masr / 1e3:g} kHz"]
