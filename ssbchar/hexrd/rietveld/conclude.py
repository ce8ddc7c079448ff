"""Rows on refined structures: weight fractions, cells, coordinates, displacement factors,
occupancies, and how well each frame fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.decision import Estimate, decide_equality
from ssbchar.hexrd.rietveld import sentences
from ssbchar.hexrd.rietveld.options import Rietveld
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

PERCENT = 100.0
CLEARLY_NEGATIVE = 2.0
"""Standard errors below zero from which a displacement factor tells of a fault [1]."""
CONVERGED = "ok"


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A phase in a frame."""

    at: xr.Dataset
    """The frame."""
    phase: int
    name: str
    trusted: bool
    """Whether the frame converged and the phases file trusts the phase's atoms."""
    condition: str
    caveat: str
    """Why it is not trusted, else empty."""


def conclude_structures(structures: xr.Dataset, options: Rietveld) -> list[Conclusion]:
    """Return the rows of each frame and phase whose structure was refined.

    Parameters
    ----------
    structures : Dataset
        ``structures.nc``.
    options : Rietveld
        The mixture as it was weighed [1].
    """
    rows = []
    for i in range(structures.sizes["frame"]):
        at = structures.isel(frame=i)
        condition = _describe_frame(at)
        rows.append(_conclude_frame(at, structures.attrs, condition))
        names = structures["phase"].values.astype(str)
        for p in np.flatnonzero(at["present"].values):
            is_listed = bool(at["refinable"].values[p])
            is_converged = at["status"].item() == CONVERGED
            is_described = bool(np.isfinite(at["intensity_scatter"].item()))
            place = _Place(
                at=at,
                phase=int(p),
                name=str(names[p]),
                trusted=is_listed and is_converged and is_described,
                condition=condition,
                caveat=sentences.describe_caveat(
                    is_listed=is_listed,
                    is_converged=is_converged,
                    is_described=is_described,
                    negative=_find_negative(at, str(names[p])),
                ),
            )
            if np.isfinite(at["weight_fraction"].values[p]):
                # the mixture was weighed before it was heated
                rows.append(_conclude_weight(place, options, is_weighed=i == 0))
            rows += _conclude_cell(place, float(structures.attrs.get("length_scale_stderr", 0.0)))
            rows += _conclude_displacements(place)
            rows += _conclude_positions(place)
            rows += _conclude_occupancies(place)
    return rows


def _describe_frame(at: xr.Dataset) -> str:
    celsius = float(at["temperature"])
    shown = f" ({celsius:.0f} degC)" if np.isfinite(celsius) else ""
    return f"frame {int(at['frame'])}{shown}"


def _find_negative(at: xr.Dataset, name: str) -> list[str]:
    """Return the sites of a phase [1] whose B is clearly below zero."""
    own = at["site_phase"].values.astype(str) == name
    b_iso, stderr = at["b_iso"].values, at["b_iso_stderr"].values
    found = own & (b_iso < -CLEARLY_NEGATIVE * stderr)
    return [str(label) for label in at["site_label"].values[found]]


def _conclude_frame(at: xr.Dataset, attrs: dict[str, object], condition: str) -> Conclusion:
    """Return the row of the misfit of a frame."""
    return Conclusion(
        "rietveld_rwp",
        value=float(at["rwp"]),
        unit="percent",
        verdict=_judge_fit(at),
        reason=sentences.describe_fit(at, str(attrs.get("not_modelled", ""))),
        method=sentences.describe_method(str(attrs.get("program", ""))),
        condition=condition,
    )


def _judge_fit(at: xr.Dataset) -> Verdict:
    if at["status"].item() != CONVERGED:
        return Verdict.FAILED
    return Verdict.OK if np.isfinite(at["intensity_scatter"].item()) else Verdict.MISFIT


def _conclude_weight(place: _Place, options: Rietveld, *, is_weighed: bool) -> Conclusion:
    value = float(place.at["weight_fraction"].values[place.phase])
    stderr = float(place.at["weight_fraction_stderr"].values[place.phase])
    known = options.known_mix.get(place.name) if is_weighed else None
    missing = str(place.at["without_atoms"].item())
    # shares add up to one: a wrong structure makes all of them wrong
    doubted = _list_doubted(place.at)
    is_sound = place.trusted and not missing and not doubted
    reason = sentences.join(
        place.caveat,
        sentences.describe_doubted([name for name in doubted if name != place.name]),
        sentences.describe_missing(missing),
        sentences.WEIGHT_CAVEAT,
    )
    row = Conclusion(
        "rietveld_weight_fraction",
        value=PERCENT * value,
        stderr=PERCENT * stderr,
        unit="percent",
        verdict=Verdict.OK if is_sound else Verdict.DOUBTFUL,
        reason=reason,
        method=sentences.METHOD,
        subject=place.name,
        condition=place.condition,
        basis="mass of the crystalline phases refined",
    )
    if known is None:
        return row
    decision = decide_equality(
        Estimate(value=PERCENT * value, stderr=PERCENT * stderr),
        PERCENT * options.known_mix_bound,
        reference=PERCENT * known,
        tests=len(options.known_mix),
    )
    words = {Verdict.RETAINED: Verdict.AGREES, Verdict.CHANGED: Verdict.DIFFERS}
    return replace(
        row,
        lower95=decision.lower95,
        upper95=decision.upper95,
        verdict=words.get(decision.verdict, decision.verdict) if is_sound else row.verdict,
        reason=sentences.join(
            sentences.describe_mix(PERCENT * known, PERCENT * options.known_mix_bound), reason
        ),
        bound=decision.bound,
        reference=decision.reference,
    )


def _list_doubted(at: xr.Dataset) -> list[str]:
    """Return the phases of a frame whose atoms the phases file does not trust, by name (str)."""
    is_doubted = (at["present"].values == 1) & (at["refinable"].values == 0)
    return [str(name) for name in at["phase"].values[is_doubted]]


def _conclude_cell(place: _Place, scale_stderr: float) -> Iterator[Conclusion]:
    """Yield the rows of the cell's parameters that symmetry leaves free, each once."""
    cell = place.at["cell"].values[place.phase]
    stderrs = place.at["cell_stderr"].values[place.phase]
    seen: set[float] = set()
    for k, axis in enumerate(place.at["axis"].values.astype(str)):
        value, stderr = float(cell[k]), float(stderrs[k])
        if not stderr > 0 or value in seen:
            continue
        seen.add(value)
        is_length = axis in ("a", "b", "c")
        shared = value * scale_stderr if is_length and np.isfinite(scale_stderr) else 0.0
        yield _make_row(
            place,
            f"rietveld_{axis}",
            value=value,
            stderr=stderr,
            systematic=shared or None,
            unit="angstrom" if is_length else "degree",
            method=sentences.METHOD,
        )


def _conclude_displacements(place: _Place) -> Iterator[Conclusion]:
    """Yield a row for each factor on displacement factors, with the B of its first site."""
    at = place.at
    own = at["site_phase"].values.astype(str) == place.name
    groups = at["b_group"].values
    for number in sorted(set(groups[own & (groups >= 0)].tolist())):
        sites = np.flatnonzero(own & (groups == number))
        labels = at["site_label"].values[sites].astype(str).tolist()
        yield _make_row(
            place,
            f"rietveld_biso_{labels[0]}",
            value=float(at["b_iso"].values[sites[0]]),
            stderr=float(at["b_iso_stderr"].values[sites[0]]),
            unit="angstrom^2",
            method=sentences.describe_b_method(labels),
        )


def _conclude_positions(place: _Place) -> Iterator[Conclusion]:
    """Yield the row of the coordinate that moved farthest in its standard errors from where the
    phases file has it; all of them stand in the CIF."""
    at = place.at
    own = np.flatnonzero(at["site_phase"].values.astype(str) == place.name)
    lengths = at["cell"].values[place.phase, :3]
    step = at["position"].values[own] - at["position_listed"].values[own]
    stderr = at["position_stderr"].values[own]
    ratio = np.abs(np.divide(step, stderr, out=np.full(step.shape, np.nan), where=stderr > 0))
    if not np.isfinite(ratio).any():
        return
    s, k = np.unravel_index(np.nanargmax(ratio), ratio.shape)
    row = _make_row(
        place,
        "rietveld_largest_shift",
        value=float(step[s, k] * lengths[k]),
        stderr=float(stderr[s, k] * lengths[k]),
        unit="angstrom",
        method=sentences.SHIFT_METHOD,
    )
    label, axis = at["site_label"].values[own[s]], at["coordinate"].values[k]
    count = int(np.isfinite(ratio).sum())
    yield replace(
        row, reason=sentences.join(sentences.describe_shift(label, axis, count), row.reason)
    )


def _conclude_occupancies(place: _Place) -> Iterator[Conclusion]:
    at = place.at
    for s in np.flatnonzero(at["site_phase"].values.astype(str) == place.name):
        stderr = float(at["occupancy_stderr"].values[s])
        if np.isfinite(stderr):
            yield _make_row(
                place,
                f"rietveld_occupancy_{at['site_label'].values[s]}",
                value=float(at["occupancy"].values[s]),
                stderr=stderr,
                unit="1",
                method=sentences.OCCUPANCY_METHOD,
            )


def _make_row(
    place: _Place,
    quantity: str,
    *,
    value: float,
    stderr: float,
    unit: str,
    method: str,
    systematic: float | None = None,
) -> Conclusion:
    return Conclusion(
        quantity,
        value=value,
        stderr=stderr,
        systematic=systematic,
        unit=unit,
        verdict=Verdict.DOUBTFUL if place.caveat else Verdict.OK,
        reason=place.caveat,
        method=method,
        subject=place.name,
        condition=place.condition,
    )
