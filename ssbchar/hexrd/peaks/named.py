"""Reflections that a user names to be followed, as ``LAGP 012`` or ``LFP: 2 0 0``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.crystal.cell import d_from_hkl
from ssbchar.errors import BadInput
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

WHERE = "hexrd.track.reflections"
PATTERN = re.compile(r"(?P<phase>\S+?)\s*:?\s+(?P<indices>-?\d[\d\s,-]*)")
SAME_SPACING = 1e-6
"""Relative difference [1] within which a reflection of the table is the one that was named."""


@dataclass(frozen=True, kw_only=True)
class NamedReflection:
    """A reflection of a phase."""

    phase: str
    hkl: tuple[int, int, int]


def parse_reflection(text: str) -> NamedReflection:
    """Return a reflection from its text: a phase, then three indices, together where each is one
    digit.

    Parameters
    ----------
    text : str
        As ``LAGP 012``, ``LAGP: 0 1 2`` or ``LFP 2,-1,0``.

    Raises
    ------
    ValueError
        It is no phase with three indices.
    """
    found = PATTERN.fullmatch(text.strip())
    words = re.split(r"[\s,]+", found["indices"].strip()) if found else []
    if len(words) == 1:
        words = re.findall(r"-?\d", words[0])
    if found is None or len(words) != 3 or not all(re.fullmatch(r"-?\d+", word) for word in words):
        raise ValueError(
            f"'{text}' is no reflection; write the phase and three indices, as 'LAGP 012'"
        )
    h, k, ell = (int(word) for word in words)
    return NamedReflection(phase=found["phase"].rstrip(":"), hkl=(h, k, ell))


def find_named_spacings(names: Sequence[str], phases: Sequence[xr.Dataset]) -> list[Array]:
    """Return the spacings of the named reflections of each phase [angstrom], one array per phase.

    Names of phases that are no candidates are those of other measurements and left out.

    Parameters
    ----------
    names : sequence of str
    phases : sequence of Dataset
        Reflections of the candidate phases.

    Raises
    ------
    BadInput
        A phase has no such reflection.
    """
    named = [parse_reflection(text) for text in names]
    spacings = []
    for phase in phases:
        own = [one for one in named if one.phase == str(phase.attrs.get("phase", ""))]
        found = []
        for one in own:
            hkl = np.array([one.hkl], float)
            d = float(d_from_hkl(hkl, np.asarray(phase.attrs["cell"], float))[0])
            if not np.any(np.abs(phase["d"].values / d - 1) < SAME_SPACING):
                indices = " ".join(map(str, one.hkl))
                raise BadInput(
                    WHERE,
                    f"{one.phase} has no reflection {indices} (d {d:.4g} angstrom)",
                    "symmetry forbids it, or it lies below the listed spacings; name another",
                )
            found.append(d)
        spacings.append(np.array(found))
    return spacings
