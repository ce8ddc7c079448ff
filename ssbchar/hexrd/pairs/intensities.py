"""Intensities of phases: how two stand to each other in both specimens, and which phase only one of
them has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ssbchar.decision import Estimate
from ssbchar.hexrd.pairs.cells import Specimen
from ssbchar.hexrd.pairs.line_ratios import SpecimenLines, compare_lines
from ssbchar.uncertain import average_by_weight

TEXTURE = 0.03
"""Relative error [1] of a phase's intensity where its lines are too few to show texture."""
PERCENT = 100.0


@dataclass(frozen=True, kw_only=True)
class Intensity:
    """Refined intensity of a phase in a specimen [count degree]."""

    value: float
    stderr: float


@dataclass(frozen=True, kw_only=True)
class PhaseRatio:
    """Intensity of a phase over that of another, cycled over pristine."""

    phase: str
    other: str
    estimate: Estimate
    """[1]"""


@dataclass(frozen=True, kw_only=True)
class PhaseShare:
    """How much more of a phase one specimen has than the other."""

    phase: str
    is_new: bool
    """Whether it is the cycled specimen that has it."""
    estimate: Estimate
    """Of the intensity of the strongest phase that both have [percent]."""


def average_intensity(specimen: Specimen, phase: str) -> Intensity | None:
    """Return the mean intensity of a phase [count degree], of either sign; None where it was not
    measured.

    Parameters
    ----------
    specimen : Specimen
    phase : str
    """
    one = specimen.lattice.isel(phase=specimen.phases.index(phase), frame=specimen.frames)
    value, stderr = one["intensity"].values, one["intensity_stderr"].values
    good = np.isfinite(value) & (stderr > 0)
    if not good.any():
        return None
    mean, error, _ = average_by_weight(value[good], stderr[good])
    return Intensity(value=mean, stderr=error)


def find_reference(pristine: Specimen, cycled: Specimen) -> str:
    """Return the name (str) of the phase that both specimens have, and the pristine most of; empty
    where there is none.

    Parameters
    ----------
    pristine, cycled : Specimen
    """
    found = [
        (amount.value, name)
        for name in pristine.present
        if name in cycled.present and (amount := average_intensity(pristine, name)) is not None
    ]
    return max(found)[1] if found else ""


def compare_ratios(
    pristine: Specimen, cycled: Specimen, lines: tuple[SpecimenLines, SpecimenLines]
) -> list[PhaseRatio]:
    """Return the intensity of every phase that both have over that of the strongest, cycled over
    pristine [1].

    Systematic is the texture: the scatter of the phases' single lines over the root of their
    number.

    Parameters
    ----------
    pristine, cycled : Specimen
    lines : (SpecimenLines, SpecimenLines)
        Of both.
    """
    other = find_reference(pristine, cycled)
    found = []
    for name in pristine.present:
        if not other or name == other or name not in cycled.present:
            continue
        amounts = [
            average_intensity(specimen, phase)
            for specimen, phase in (
                (cycled, name),
                (cycled, other),
                (pristine, name),
                (pristine, other),
            )
        ]
        known = [one for one in amounts if one is not None and one.value > 0]
        if len(known) < len(amounts):
            continue
        ratio = known[0].value / known[1].value * known[3].value / known[2].value
        relative = np.sqrt(sum((one.stderr / one.value) ** 2 for one in known))
        own, of_other = (_measure_texture(lines, phase) for phase in (name, other))
        found.append(
            PhaseRatio(
                phase=name,
                other=other,
                estimate=Estimate(
                    value=ratio,
                    stderr=float(ratio * relative),
                    systematic=float(ratio * np.hypot(own, of_other)),
                ),
            )
        )
    return found


def _measure_texture(lines: tuple[SpecimenLines, SpecimenLines], phase: str) -> float:
    """Return the relative error [1] of a phase's intensity that the scatter of its lines shows."""
    ratio = compare_lines(*lines, phase, "area")
    if ratio is None or not np.isfinite(ratio.scatter):
        return TEXTURE
    return ratio.scatter / float(np.sqrt(ratio.lines))


def find_single_phases(pristine: Specimen, cycled: Specimen) -> list[PhaseShare]:
    """Return the phases that only one of both shows, though both were asked for them, with what it
    has more of them [percent of the strongest phase that both have].

    Parameters
    ----------
    pristine, cycled : Specimen
    """
    other = find_reference(pristine, cycled)
    asked = [name for name in pristine.phases if name in cycled.phases]
    found = []
    for name in asked:
        has = (name in pristine.present, name in cycled.present)
        if has[0] == has[1]:
            continue
        estimate = Estimate(value=float("nan"), stderr=float("nan"))
        if other:
            shares = [_measure_share(one, name, other) for one in (pristine, cycled)]
            estimate = _subtract(*(shares if has[1] else shares[::-1]))
        found.append(PhaseShare(phase=name, is_new=has[1], estimate=estimate))
    return found


def _measure_share(specimen: Specimen, phase: str, other: str) -> Estimate:
    """Return the intensity of a phase over that of another [percent]."""
    amounts: Sequence[Intensity | None] = [average_intensity(specimen, n) for n in (phase, other)]
    one, whole = amounts
    if one is None or whole is None or not whole.value > 0:
        return Estimate(value=float("nan"), stderr=float("nan"))
    share = one.value / whole.value
    stderr = np.hypot(one.stderr / whole.value, share * whole.stderr / whole.value)
    return Estimate(value=PERCENT * share, stderr=PERCENT * float(stderr))


def _subtract(less: Estimate, more: Estimate) -> Estimate:
    return Estimate(value=more.value - less.value, stderr=float(np.hypot(more.stderr, less.stderr)))
